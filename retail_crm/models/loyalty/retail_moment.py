from datetime import timedelta

from odoo import api, fields, models


class RetailMoment(models.Model):
    _inherit = 'retail.moment'

    @api.model
    def _evaluate_later(self, partners, quiet=False, error=None):
        """Keep customers whose tiers could not be looked at now: the memberships are told again in a minute."""
        at = fields.Datetime.now() + timedelta(minutes=1)
        # sudo: the outbox is nobody's to write
        self.sudo().create(
            [
                {
                    'kind': 'purchase_changed',
                    'partner_id': partner.id,
                    'res_model': 'res.partner',
                    'res_id': partner.id,
                    'quiet': quiet,
                    'listener': 'retail.membership',
                    'date_next': at,
                    'attempts': 1 if error else 0,
                    'error': error,
                }
                for partner in partners.exists()
            ]
        )
        self._wake_up(at)
