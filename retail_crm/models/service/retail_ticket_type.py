from odoo import api, fields, models
from odoo.tools import ormcache

from .retail_ticket_team import KINDS


class RetailTicketType(models.Model):
    """A kind of request with its five parts: channels, response, process, content and rating (S-SRV-22).

    A type without one of them works, but is shown as incomplete.
    """

    _name = 'retail.ticket.type'
    _description = 'Ticket Type'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help='Short name used by interfaces and imports. It must be unique.',
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    is_complaint = fields.Boolean(
        string='Is a Complaint',
        help='Passes the seven steps of a complaint; class, cause and verdict are asked for.',
    )
    is_internal = fields.Boolean(
        help='A task between departments. Customers never see it, and it is no request of theirs.',
    )
    is_portal = fields.Boolean(
        string='Offered to Customers',
        default=True,
        help='Customers may choose this type in the portal.',
    )
    channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        string='Channels',
        help='Channels on which this type is taken. Empty: all.',
    )
    stage_ids = fields.Many2many(
        comodel_name='retail.ticket.stage',
        relation='retail_ticket_type_stage_rel',
        column1='type_id',
        column2='stage_id',
        string='Process',
        help='Stages that tickets of this type pass, in the order of the stages.',
    )
    team_kind = fields.Selection(
        selection=KINDS,
        string='Handled By',
        default='desk',
        help='Kind of team that gets tickets of this type: the one of the store, else the general one.',
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        company_dependent=True,
        check_company=True,
        help='Team that gets tickets of this type, whatever the store. Empty: found by its kind.',
    )
    content = fields.Html(
        translate=True,
        help='What the type covers and what staff should ask for; shown when one is made.',
    )
    is_rated = fields.Boolean(
        string='Asks for a Rating',
        default=True,
        help='The customer is asked how content he is once a ticket of this type is solved.',
    )
    needs_cause = fields.Boolean(
        string='Needs a Cause',
        help='A ticket of this type is not solved without cause and dissatisfaction.',
    )
    needs_result = fields.Boolean(
        string='Needs a Result',
        default=True,
        help='A ticket of this type is not solved without a result.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another type has this code already.')

    def _first_stages(self):
        """Return ``{type: its first stage}``; types without stages of their own get the first of all stages."""
        first = {kind: kind._stages()[:1] for kind in self}
        if not all(first.values()):
            every = self.env['retail.ticket.stage'].search([], limit=1)
            first = {kind: stage or every for kind, stage in first.items()}
        return first

    def _stages(self):
        """Return the stages of one type in their order."""
        return self.stage_ids.sorted(lambda stage: (stage.sequence, stage.id))

    def _stage_of(self, categories, step=None):
        """Return the first stage of one type in one of the categories (and of a step), or none."""
        return self._stages().filtered(
            lambda stage: stage.category in categories and (not step or stage.step == step)
        )[:1]

    @api.model
    def _default_type(self):
        """Hook: return the type of a request of which nothing else is known."""
        return self.browse(self._default_type_id())

    @api.model
    @ormcache()
    def _default_type_id(self):
        """Return the id of that type, kept until a type changes (see ``retail_row_kept.py``)."""
        # sudo: the id only
        domain = [('is_internal', '=', False), ('is_complaint', '=', False)]
        return self.sudo().search(domain, limit=1).id or None
