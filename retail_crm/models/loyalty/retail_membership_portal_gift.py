from odoo import models

#: How many vouchers and coupons a customer is shown.
SHOWN_GIFTS = 50


class RetailMembershipPortalGift(models.Model):
    """Vouchers and coupons on the customer's page: what can be used today, and what became of the others (S-CHN-11)."""

    _inherit = 'retail.membership'

    def _portal_sections(self):
        """Add vouchers and coupons, where there are any."""
        sections = super()._portal_sections()
        vouchers = self._portal_vouchers()
        coupons = self._portal_coupons()
        if vouchers or coupons:
            sections.append(
                {
                    'template': 'retail_crm.portal_loyalty_gifts',
                    'values': {'vouchers': vouchers, 'coupons': coupons},
                }
            )
        return sections

    def _portal_vouchers(self):
        """Return ``[(voucher, state)]`` of the customer, usable ones first.

        A voucher of yesterday is over, whether the night has noted it or not.
        """
        company = self.company_id
        # a contact of the company also sees what he was given in person
        reader = self.env.user.partner_id
        if reader.sudo().commercial_partner_id != self.partner_id:  # sudo: whose contact he is
            reader = self.partner_id
        vouchers = self.env['retail.voucher'].with_company(company)._portal_vouchers(reader)
        today = company._retail_today()
        found = []
        for voucher in vouchers:
            over = voucher.valid_until and voucher.valid_until < today
            found.append(
                (voucher, 'expired' if over and voucher.state == 'open' else voucher.state)
            )
        return sorted(found, key=lambda pair: pair[1] != 'open')[:SHOWN_GIFTS]

    def _portal_coupons(self):
        """Return the coupons that privileges gave the member, usable ones first."""
        # sudo: what this member was given himself
        coupons = (
            self.env['retail.benefit']
            .sudo()
            .search(
                [
                    ('membership_id', '=', self.id),
                    ('voucher_id', '=', False),
                    ('code', '!=', False),
                ]
            )
        )
        return coupons.sorted(lambda coupon: coupon.state != 'open')[:SHOWN_GIFTS]
