from odoo import models
from odoo.exceptions import AccessError

from ._offer import OFFER_GROUPS


class SaleOrder(models.Model):
    """Quotations propose the offers to which their customer is entitled, and no others (S-MKT-14)."""

    _inherit = 'sale.order'

    def action_retail_offers(self):
        """List the offers that are open for the customer; asked when the button is used, not with each form.

        :raise AccessError: for those who do not see offers
        """
        self.ensure_one()
        self.check_access('read')
        if not self.env.user.has_groups(OFFER_GROUPS):
            raise AccessError(self.env._('Only Retail CRM staff see offers.'))
        offers = self.env['retail.offer']._open_for(self.partner_id, self.company_id)
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_offer_action_order'
        )
        return {
            **action,
            'domain': [('id', 'in', offers.ids)],
            'context': {'retail_order_id': self.id, 'create': False},
        }
