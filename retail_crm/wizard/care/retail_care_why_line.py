from odoo import fields, models

#: What a rule says of a customer, more roughly than the states of follow-ups.
KINDS = [
    ('done', 'Contacted'),
    ('todo', 'To Do'),
    ('planned', 'Planned'),
    ('will', 'Will Be Planned'),
    ('held', 'Control Group'),
    ('skipped', 'Not Contacted'),
    ('stopped', 'Goal Reached'),
    ('failed', 'Failed'),
    ('cancelled', 'Cancelled'),
    ('not_due', 'No Occasion'),
    ('out', 'Not Meant'),
    ('off', 'Rule Off'),
    ('failed_rule', 'Rule Failed'),
]


class RetailCareWhyLine(models.TransientModel):
    """The answer of one rule."""

    _name = 'retail.care.why.line'
    _description = 'Why (Not) Contacted, Rule by Rule'
    _order = 'sequence, id'
    _rec_name = 'rule_id'

    why_id = fields.Many2one(
        comodel_name='retail.care.why', required=True, ondelete='cascade', help='The question.'
    )
    sequence = fields.Integer(default=10)
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', readonly=True, help='Rule that is asked.'
    )
    kind = fields.Selection(
        selection=KINDS, string='Answer', readonly=True, help='What became of it.'
    )
    text = fields.Char(string='In Words', readonly=True, help='When and how, or why not.')
    followup_id = fields.Many2one(
        comodel_name='retail.followup', string='Follow-Up', readonly=True, help='The last one.'
    )

    def action_open(self):
        """Open the follow-up of one answer, else its rule."""
        self.ensure_one()
        self.check_access('read')
        record = self.followup_id or self.rule_id
        return {
            'type': 'ir.actions.act_window',
            'res_model': record._name,
            'res_id': record.id,
            'views': [(False, 'form')],
        }
