from odoo import models

from ...models.loyalty import _booking


class LoyaltyGenerateWizard(models.TransientModel):
    """Cards made with points by the wizard: the points are adjustments that name it."""

    _inherit = 'loyalty.generate.wizard'

    def generate_coupons(self):
        with _booking.booking_kind(
            self.env,
            'adjust',
            reason='campaign',
            note=self[:1].description or self.env._('Gift For Customer'),
            user_id=self.env.uid,
        ):
            return super().generate_coupons()
