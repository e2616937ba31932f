from odoo import api, fields, models

from ..customer.res_partner import FIGURE_GROUPS


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    retail_tier_text = fields.Char(
        string="Customer's Tier", compute='_compute_retail_tier_text', groups=FIGURE_GROUPS
    )

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('lang')
    def _compute_retail_tier_text(self):
        """Take it from the customer's summary in the company of the order."""
        for company, orders in self.sudo().grouped('company_id').items():  # sudo: groups decide
            partners = orders.partner_id.commercial_partner_id.with_company(company)
            words = {partner.id: partner.retail_tier_text for partner in partners}
            for order in orders:
                order.retail_tier_text = words.get(order.partner_id.commercial_partner_id.id)
