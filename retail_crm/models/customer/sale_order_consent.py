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
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_retail_contact_warning(self):
        """One query for the orders of a company."""
        self.retail_contact_warning = False
        for company, orders in self._retail_shown().grouped('company_id').items():
            # sudo: as in _compute_retail_card
            partners = orders.sudo().partner_id.with_company(company or self.env.company)
            warnings = {partner.id: partner.retail_contact_warning for partner in partners}
            for order in orders:
                order.retail_contact_warning = warnings.get(order.partner_id.id)
