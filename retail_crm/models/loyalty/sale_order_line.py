from odoo import models
from odoo.tools import float_compare


class SaleOrderLine(models.Model):
    """Tells prices of lists from prices agreed by hand."""

    _inherit = 'sale.order.line'

    def _retail_has_list_price(self):
        """Return whether price and discount are as the order's price list gave them; no discount is no agreement."""
        self.ensure_one()
        if self.currency_id.compare_amounts(self.technical_price_unit, self.price_unit):
            return False
        if not self.discount:
            return True
        if not self.pricelist_item_id._show_discount():
            return False
        base = self._get_pricelist_price_before_discount()
        expected = (base - self._get_pricelist_price()) / base * 100 if base else 0
        return not float_compare(self.discount, expected, precision_digits=2)
