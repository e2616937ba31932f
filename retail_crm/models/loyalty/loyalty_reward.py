from odoo import api, fields, models
from odoo.exceptions import ValidationError


class LoyaltyReward(models.Model):
    """A free service for points is rendered by staff: with the order that redeems it a voucher is issued (S-LOY-05)."""

    _inherit = 'loyalty.reward'

    retail_voucher = fields.Boolean(
        string='Service With a Voucher',
        help='The order that redeems it gives the customer a voucher; staff render the service and note it there.',
    )
    retail_voucher_days = fields.Integer(
        string='Voucher Valid (days)',
        default=90,
        help='Days for which the voucher is valid. 0: without end.',
    )

    _retail_check_days = models.Constraint(
        'CHECK(retail_voucher_days BETWEEN 0 AND 3660)', 'Vouchers are valid for 0 to 3660 days.'
    )

    @api.constrains('retail_voucher', 'reward_type')
    def _check_retail_voucher(self):
        """A voucher is for something that is rendered, not for a discount."""
        if any(reward.retail_voucher and reward.reward_type != 'product' for reward in self):
            raise ValidationError(self.env._('Only a free service can come with a voucher.'))
