from odoo import api, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        """Segments follow purchases, figures, consents and entered data within minutes: figures first."""
        listeners = super()._listeners()
        for kind in (
            'purchase',
            'purchase_changed',
            'refund',
            'cancel',
            'partner_changed',
            'consent_changed',
            'class_changed',
        ):
            listeners.setdefault(kind, []).append('retail.segment')
        return listeners

    @api.model
    def _late_listeners(self):
        """Segments are computed once for a batch, not for each kind of what happened in it."""
        return [*super()._late_listeners(), 'retail.segment']
