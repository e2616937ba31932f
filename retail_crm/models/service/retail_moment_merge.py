from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """New tickets may be the same as others."""
        listeners = super()._listeners()
        listeners['ticket_opened'] = [
            *listeners.get('ticket_opened', ()),
            'retail.ticket.merge',
        ]
        return listeners
