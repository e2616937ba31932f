from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """What comes with a tier is granted when it is reached."""
        listeners = super()._listeners()
        for kind in ('enrolled', 'tier_up'):
            listeners.setdefault(kind, []).append('retail.benefit')
        return listeners
