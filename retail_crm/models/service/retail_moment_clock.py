from odoo import api, models


class RetailMomentClock(models.Model):
    """Tells the clock of tickets of new tiers and classes: they may grant other hours."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind in ('enrolled', 'tier_up', 'tier_down', 'class_changed'):
            listeners.setdefault(kind, []).append('retail.ticket')
        return listeners
