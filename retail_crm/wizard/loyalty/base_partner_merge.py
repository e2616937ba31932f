from odoo import api, models

from ...models.loyalty import _booking


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _retail_unique_models(self):
        return [*super()._retail_unique_models(), 'retail.membership']

    def _merge_loyalty_cards(self, src_partners, dst_partner):
        """Have ledger, history and orders of the cards that core empties follow their points."""
        with _booking.booking_merge(self.env):
            return super()._merge_loyalty_cards(src_partners, dst_partner)
