from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .retail_ticket_team import KINDS


class RetailTicketReason(models.Model):
    """What a complaint is about in the customer's view: five classes with sub-causes, two levels (S-TKT-01 to 05)."""

    _name = 'retail.ticket.reason'
    _description = 'Complaint Class'
    _parent_name = 'parent_id'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help='Short name used by rules and interfaces. It must be unique.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    parent_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        ondelete='restrict',
        help='Class that this sub-cause belongs to. Empty: it is a class itself.',
    )
    child_ids = fields.One2many(
        comodel_name='retail.ticket.reason',
        inverse_name='parent_id',
        string='Sub-Causes',
        help='What complaints of this class are about in detail.',
    )
    team_kind = fields.Selection(
        selection=KINDS,
        string='Handled By',
        help='Kind of team that complaints of this class go to. Empty: that of the class, else of the type.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another class has this code already.')

    @api.depends('parent_id.name')
    def _compute_display_name(self):
        for reason in self:
            names = (reason.parent_id.name, reason.name)
            reason.display_name = ' / '.join(filter(None, names))

    @api.constrains('parent_id')
    def _check_parent_id(self):
        if any(
            reason.parent_id.parent_id or (reason.parent_id and reason.child_ids) for reason in self
        ):
            raise ValidationError(self.env._('Complaint classes have two levels only.'))
