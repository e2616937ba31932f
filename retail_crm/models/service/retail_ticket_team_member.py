from odoo import api, fields, models
from odoo.tools import ormcache


class RetailTicketTeamMember(models.Model):
    """An employee in a service team: how many tickets at once, on which channels, who stands in."""

    _name = 'retail.ticket.team.member'
    _description = 'Service Team Member'
    _order = 'team_id, sequence, id'
    _rec_name = 'user_id'
    _check_company_auto = True

    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        required=True,
        ondelete='cascade',
        index=True,
        help='Team that the employee is in.',
    )
    company_id = fields.Many2one(related='team_id.company_id', store=True)
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        required=True,
        domain=[('share', '=', False)],
        index=True,
        ondelete='cascade',
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    capacity = fields.Integer(
        string='Running Tickets',
        aggregator=None,
        help="How many tickets one handles at the same time. 0: the number of the employee's role.",
    )
    channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        string='Channels',
        help='Channels on which the employee answers. Empty: all.',
    )
    type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        string='Types',
        help='Types of tickets that the employee handles. Empty: all of the team.',
    )
    substitute_id = fields.Many2one(
        comodel_name='res.users',
        domain=[('share', '=', False)],
        help='Stands in during absence.',
    )
    absent_from = fields.Date(help='First day of absence.')
    absent_until = fields.Date(help='Last day of absence.')
    last_assigned_at = fields.Datetime(
        readonly=True, help='When the employee last got a ticket by assignment.'
    )

    _team_user_uniq = models.Constraint(
        'UNIQUE(team_id, user_id)', 'The employee is in this team already.'
    )
    _check_capacity = models.Constraint(
        'CHECK(capacity >= 0)', 'A number of tickets cannot be below zero.'
    )
    _check_absence = models.Constraint(
        'CHECK(absent_until >= absent_from)', 'An absence cannot end before it begins.'
    )

    @api.model
    @ormcache('self.env.uid')
    def _fair_teams_of_user(self):
        """Return the ids of the teams with fair assignment in which the user is; kept until a member or team changes."""
        # sudo: the user's own memberships
        domain = [('user_id', '=', self.env.uid), ('team_id.assign_method', '=', 'fair')]
        return self.sudo().search(domain).team_id._ids

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        self.env.registry.clear_cache()  # of _fair_teams_of_user
        return members

    def write(self, vals):
        result = super().write(vals)
        if {'active', 'team_id', 'user_id'} & set(vals):
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result
