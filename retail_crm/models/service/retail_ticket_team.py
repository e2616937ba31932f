from odoo import api, fields, models

KINDS = [
    ('desk', 'Service desk'),
    ('hotline', 'Hotline'),
    ('complaint', 'Complaint unit'),
    ('expert', 'Experts'),
    ('department', 'Department'),
]


class RetailTicketTeam(models.Model):
    """Who handles tickets: a desk of a store, the hotline, the complaint unit, experts, a department (S-SRV-18)."""

    _name = 'retail.ticket.team'
    _description = 'Service Team'
    _inherit = ['mail.alias.mixin', 'mail.thread']
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True, tracking=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        default='desk',
        tracking=True,
        help='What the team is for; tickets find their team by it.',
    )
    code = fields.Char(
        help='Short name used by rules and imports, such as "stock" for a department.'
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        check_company=True,
        index='btree_not_null',
        help='Store whose requests this team handles. Empty: of all stores.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Team Leader',
        domain=[('share', '=', False)],
        check_company=True,
        tracking=True,
        help='Leads the team, and is told of what is late.',
    )
    deputy_id = fields.Many2one(
        comodel_name='res.users',
        domain=[('share', '=', False)],
        check_company=True,
        help='Stands in for the team leader during absence.',
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Working Hours',
        check_company=True,
        help="Hours by which the team's deadlines are counted. Empty: those of the store, else of the company.",
    )
    type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        string='Types Handled',
        help='Types of tickets that this team handles. Empty: all.',
    )
    member_ids = fields.One2many(
        comodel_name='retail.ticket.team.member',
        inverse_name='team_id',
        string='Members',
        help='Employees of the team: they may write its tickets, and get them assigned.',
    )
    color = fields.Integer(string='Colour')

    def _alias_get_creation_values(self):
        """Mail to the team's address becomes a ticket of the team."""
        values = super()._alias_get_creation_values()
        values['alias_model_id'] = self.env['ir.model']._get_id('retail.ticket')
        if self.id:
            values['alias_defaults'] = {'team_id': self.id}
        return values

    def _working_calendar(self):
        """Return the calendar by which one team works."""
        return (
            self.calendar_id
            or self.store_id.retail_calendar_id
            or self.company_id.resource_calendar_id
        )

    @api.model
    def _find(self, kind, company, store=None, ticket_type=None):
        """Return the team for a kind of work: the one of the store, else the general one, else none.

        :param str kind: one of ``KINDS``
        :param company: the company of the ticket; teams of its main company serve its branches, too
        :param store: sales team that is a store, or none
        :param ticket_type: type that the team must handle, or none
        """
        # sudo: which team is responsible is no secret, staff of another store may open a ticket for it
        teams = self.sudo().search(
            [('kind', '=', kind), ('company_id', 'parent_of', company.id)], order='sequence, id'
        )
        if ticket_type:
            teams = teams.filtered(lambda team: not team.type_ids or ticket_type in team.type_ids)
        own = teams.filtered(lambda team: store and team.store_id == store)
        return (own or teams.filtered(lambda team: not team.store_id))[:1].sudo(self.env.su)
