from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """Who wrote a mail is told that it arrived."""
        listeners = super()._listeners()
        listeners.setdefault('ticket_opened', []).append('retail.mail.log')
        return listeners
