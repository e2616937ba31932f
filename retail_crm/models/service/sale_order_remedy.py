from odoo import fields, models

from .sale_order_line_ticket import TICKET_GROUPS


class SaleOrderRemedy(models.Model):
    """Orders by which we make good what went wrong: no purchases, whatever they cost, and without points (design 4.2)."""

    _inherit = 'sale.order'

    retail_remedy_id = fields.Many2one(
        comodel_name='retail.remedy',
        string='Remedy',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        groups=TICKET_GROUPS,
        help='What is given to the customer by this order. It is no purchase of his.',
    )

    def _retail_purchases(self):
        """Replacements are no purchases."""
        # sudo: only asks what kind of order it is
        return super()._retail_purchases().filtered(lambda order: not order.sudo().retail_remedy_id)

    def _update_programs_and_rewards(self):
        """Replacements neither earn points nor take part in promotions."""
        if len(self) == 1 and self.sudo().retail_remedy_id:  # sudo: as above
            return None
        return super()._update_programs_and_rewards()

    def _get_claimable_rewards(self, forced_coupons=None):
        if len(self) == 1 and self.sudo().retail_remedy_id:  # sudo: as above
            return {}
        return super()._get_claimable_rewards(forced_coupons=forced_coupons)
