from odoo import models


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    def action_retail_contact(self):
        """Contact the customer of the order about it (S-FUP-10)."""
        self.ensure_one()
        self.check_access('read')
        self.env['retail.followup.contact']._check_contacts(self.partner_id)
        return self.partner_id._action_retail_contact(self)
