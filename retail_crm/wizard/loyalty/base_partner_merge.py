from odoo import api, models

from ...models.loyalty import _booking


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _retail_unique_models(self):
        return [*super()._retail_unique_models(), 'retail.membership', 'retail.member.list.line']

    @api.model
    def _retail_merged_values(self, partners):
        """Leave no two customers who refer each other: of whom the merged customer refers, none refers him."""
        values = super()._retail_merged_values(partners)
        family = partners.commercial_partner_id | partners
        referrer = partners.browse(values['retail_referrer_id']).commercial_partner_id
        if referrer.retail_referrer_id.commercial_partner_id in family:
            values['retail_referrer_id'] = False
        return values

    def _merge_loyalty_cards(self, src_partners, dst_partner):
        """Have ledger, history and orders of the cards that core empties follow their points."""
        with _booking.booking_merge(self.env):
            return super()._merge_loyalty_cards(src_partners, dst_partner)
