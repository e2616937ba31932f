from odoo import models


class SaleOrderTouch(models.Model):
    """Contacts can be logged from the order, too."""

    _inherit = 'sale.order'

    def action_retail_log_visit(self):
        """Open the dialog in which a visit of the order's customer is logged."""
        self.ensure_one()
        return self.partner_id.action_retail_log_visit()
