from odoo import api, models


class RetailMembership(models.Model):
    """A tier that changes changes the price list of its customers from then on."""

    _inherit = 'retail.membership'

    @api.model
    def _forget_tiers(self):
        result = super()._forget_tiers()
        self.env['res.partner'].invalidate_model(['property_product_pricelist'], flush=False)
        return result
