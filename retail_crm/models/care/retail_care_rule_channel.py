from odoo import api, fields, models


class RetailCareRuleChannel(models.Model):
    """One channel of a care rule in the order in which they are tried; written with the rule."""

    _name = 'retail.care.rule.channel'
    _description = 'Channel of a Care Rule'
    _order = 'sequence, id'
    _rec_name = 'channel_id'

    rule_id = fields.Many2one(
        comodel_name='retail.care.rule',
        required=True,
        index=True,
        ondelete='cascade',
        help='Rule that uses the channel.',
    )
    sequence = fields.Integer(default=10)
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        required=True,
        ondelete='restrict',
        help='How the customer is contacted.',
    )

    _rule_channel_uniq = models.Constraint(
        'UNIQUE(rule_id, channel_id)', 'The rule has this channel already.'
    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.rule_id._stop_changed()
        return lines

    def write(self, vals):
        rules = self.rule_id
        result = super().write(vals)
        (rules | self.rule_id)._stop_changed()
        return result

    def unlink(self):
        rules = self.rule_id
        result = super().unlink()
        rules.exists()._stop_changed()
        return result
