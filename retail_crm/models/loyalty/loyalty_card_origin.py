from odoo import fields, models

#: Who sees what members were given.
_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing'


class LoyaltyCard(models.Model):
    """Where a coupon comes from, and where it was used: issue and use are traceable (S-LOY-18)."""

    _inherit = 'loyalty.card'

    retail_benefit_ids = fields.One2many(
        comodel_name='retail.benefit',
        inverse_name='card_id',
        string='Given By',
        readonly=True,
        groups=_GROUPS,
        help='Privilege and occasion by which the customer was given this coupon. Empty: made by hand or by an order.',
    )
    retail_use_ids = fields.Many2many(
        comodel_name='sale.order',
        string='Used On',
        compute='_compute_retail_use_ids',
        groups=_GROUPS,
        help='Confirmed orders on which the card or coupon was redeemed, of those that you may see.',
    )

    def _compute_retail_use_ids(self):
        """Find them by the lines of rewards, in one query whatever the number of cards."""
        lines = self.env['sale.order.line']
        found = {}
        if lines.has_access('read'):
            for card, order in lines._read_group(
                [('coupon_id', 'in', self.ids), ('reward_id', '!=', False), ('state', '=', 'sale')],
                ['coupon_id', 'order_id'],
            ):
                found.setdefault(card.id, []).append(order.id)
        for card in self:
            card.retail_use_ids = found.get(card.id, [])
