from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """Welcome points follow an enrolment."""
        listeners = super()._listeners()
        listeners['enrolled'] = [*listeners.get('enrolled', ()), 'retail.points.entry']
        return listeners
