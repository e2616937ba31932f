from odoo import api, fields, models

from .res_partner_file import FILE_GROUPS


class SaleOrderConsent(models.Model):
    """Orders show how the customer does not want to be contacted."""

    _inherit = 'sale.order'

    retail_contact_warning = fields.Char(
        string='Contact Warning',
        compute='_compute_retail_contact_warning',
        groups=FILE_GROUPS,
        help='Ways on which the customer does not want to be contacted, and the preferred one.',
    )

    @api.depends('partner_id.retail_contact_warning', 'company_id')
    @api.depends_context('lang')
    def _compute_retail_contact_warning(self):
        """One query for the orders of a company."""
        # sudo: writes the cache of a field that only some groups may read
        for company, orders in self.sudo().grouped('company_id').items():
            partners = orders.partner_id.with_company(company or self.env.company)
            warnings = {partner.id: partner.retail_contact_warning for partner in partners}
            for order in orders:
                order.retail_contact_warning = warnings.get(order.partner_id.id)
