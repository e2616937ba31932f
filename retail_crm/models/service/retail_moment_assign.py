from odoo import api, models


class RetailMomentAssign(models.Model):
    """Finds owners for new and reopened tickets (design 5.3)."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind in ('ticket_opened', 'ticket_reopened'):
            listeners.setdefault(kind, []).append('retail.ticket.team')
        return listeners
