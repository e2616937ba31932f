from odoo import api, models

from ..customer.retail_moment import KINDS


class RetailMomentCare(models.Model):
    """Care rules listen to everything that happens, after figures, tiers and segments followed."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind, _label in KINDS:
            listeners.setdefault(kind, []).append('retail.care.rule')
        return listeners

    @api.model
    def _late_listeners(self):
        return [*super()._late_listeners(), 'retail.care.rule']
