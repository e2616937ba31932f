from odoo import api, models


class RetailMomentSpike(models.Model):
    """Tells the rules of spikes of new complaints."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        listeners['ticket_opened'] = [*listeners.get('ticket_opened', ()), 'retail.spike.rule']
        return listeners
