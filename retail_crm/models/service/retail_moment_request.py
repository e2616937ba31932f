from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """A ticket changes what its customer is; a purchase may be the answer to an earlier enquiry."""
        listeners = super()._listeners()
        listeners['ticket_opened'] = [*listeners.get('ticket_opened', ()), 'retail.profile']
        listeners['purchase'] = [*listeners.get('purchase', ()), 'retail.ticket']
        return listeners
