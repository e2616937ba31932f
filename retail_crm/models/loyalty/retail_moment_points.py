from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """Welcome points follow an enrolment, and points for both a purchase of who was recommended."""
        listeners = super()._listeners()
        for kind in ('enrolled', 'referral_purchased'):
            listeners[kind] = [*listeners.get(kind, ()), 'retail.points.entry']
        return listeners
