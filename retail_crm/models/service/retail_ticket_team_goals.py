from odoo import fields, models


class RetailTicketTeam(models.Model):
    _inherit = 'retail.ticket.team'

    goal_ids = fields.One2many(
        comodel_name='retail.ticket.team.goal',
        inverse_name='team_id',
        string='Goals',
        help='What the team is to reach. Empty: what all teams are to reach.',
    )
