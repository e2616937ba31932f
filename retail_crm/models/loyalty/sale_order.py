from odoo import api, fields, models

from ..customer.res_partner import FIGURE_GROUPS


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    retail_tier_text = fields.Char(
        string="Customer's Tier", compute='_compute_retail_tier_text', groups=FIGURE_GROUPS
    )
    retail_tier_color = fields.Integer(
        string="Colour of the Customer's Tier",
        compute='_compute_retail_tier_text',
        groups=FIGURE_GROUPS,
        help='Colour in which the tier is shown.',
    )

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_retail_tier_text(self):
        """Take it from the customer's summary in the company of the order."""
        self.retail_tier_text = False
        self.retail_tier_color = 0
        for company, orders in self._retail_shown().grouped('company_id').items():
            # sudo: groups decide
            partners = orders.sudo().partner_id.commercial_partner_id.with_company(company)
            by_id = {partner.id: partner for partner in partners}
            for order in orders:
                customer = by_id.get(order.sudo().partner_id.commercial_partner_id.id)
                order.retail_tier_text = customer and customer.retail_tier_text
                order.retail_tier_color = customer and customer.retail_tier_color
