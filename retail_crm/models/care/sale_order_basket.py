from odoo import models


class SaleOrder(models.Model):
    """Orders that are deleted are taken out of the pairs of products."""

    _inherit = 'sale.order'

    def unlink(self):
        """Take what is deleted out of the pairs first: its basket goes with it."""
        self.env['retail.product.pair']._count(self.ids, gone=True)
        return super().unlink()
