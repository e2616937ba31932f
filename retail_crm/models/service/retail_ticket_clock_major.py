from odoo import api, models


class RetailTicketClockMajor(models.Model):
    """Tells whether a ticket is a major case, for the policy that holds then."""

    _inherit = 'retail.ticket'

    def _clock_ask(self):
        return {**super()._clock_ask(), 'major': self.is_major}

    @api.model
    def _clock_ask_of(self, vals):
        return {**super()._clock_ask_of(vals), 'major': bool(vals.get('is_major'))}
