from odoo import api, fields, models
from odoo.exceptions import ValidationError


class RetailTicketReasonTold(models.Model):
    """Who is told of complaints of a class besides the team that handles them: a line of the dispatch table."""

    _name = 'retail.ticket.reason.told'
    _description = 'Also Told of a Complaint Class'
    _order = 'reason_id, sequence, id'

    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        required=True,
        ondelete='cascade',
        index=True,
        help='Class of complaints that is told.',
    )
    sequence = fields.Integer(default=10)
    who = fields.Selection(
        selection=[('team', 'Leader of a team'), ('store', 'Manager of the store')],
        required=True,
        default='team',
        help='Who is told. Never the person complained about.',
    )
    team_code = fields.Char(help='Code of the team whose leader is told, such as "quality".')
    amount_from = fields.Float(
        string='From an Amount Of',
        aggregator=None,
        help='Told only when this much money is at stake, in the currency of the company. 0: always.',
    )
    is_involved = fields.Boolean(
        string='Becomes Involved',
        help='May read and write the complaint from then on, also when it is restricted.',
    )

    _check_amount = models.Constraint(
        'CHECK(amount_from >= 0)', 'An amount from which somebody is told cannot be negative.'
    )

    @api.depends('who', 'team_code')
    def _compute_display_name(self):
        words = dict(self._fields['who']._description_selection(self.env))
        for line in self:
            line.display_name = ' '.join(filter(None, (words.get(line.who), line.team_code)))

    @api.constrains('who', 'team_code')
    def _check_team_code(self):
        if any(line.who == 'team' and not line.team_code for line in self):
            raise ValidationError(self.env._('Name the code of the team whose leader is told.'))
