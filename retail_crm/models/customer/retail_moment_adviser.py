from odoo import api, models


class RetailMomentAdviser(models.Model):
    """Customers who come to be of high value get an adviser, where the company has a rule for it (S-ROL-05)."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        listeners.setdefault('class_changed', []).append('res.users')
        return listeners
