from odoo import models


class RetailPurchase(models.Model):
    _inherit = 'retail.purchase'

    def _refresh_profiles(self, partner_ids, quiet=False):
        """Look at the tiers of customers whose purchases changed, before their figures, which read the tier."""
        partners = self.env['res.partner'].browse(sorted(partner_ids))
        memberships = self.env['retail.membership'].with_context(retail_crm_refresh_follows=True)
        memberships._evaluate_or_later(partners, quiet=quiet)
        return super()._refresh_profiles(partner_ids, quiet=quiet)

    def _end_walk(self, rebuilding):
        """Purchases were derived anew: all members are looked at by them in the background."""
        result = super()._end_walk(rebuilding)
        if rebuilding:
            self.env['retail.membership']._make_all_due(rebuilding)
        return result
