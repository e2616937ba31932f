from datetime import timedelta

from odoo import api, models

#: Reasons of the points of a referral: of the one who recommended us, and of the new customer.
REFERRER, REFERRED = 'referral', 'referred'


class RetailPointsReferral(models.Model):
    """Points for a recommendation: both customers get some when the new one's first purchase can no longer be returned.

    Once for each new customer, whoever recommended him: the entries name him as their document.
    """

    _inherit = 'retail.points.entry'

    @api.model
    def _on_referral_purchased(self, moments):
        """Promise the points of first purchases that are large enough (issue 6)."""
        # sudo: the system's gift
        programs = (
            self.env['loyalty.program']
            .sudo()
            .search([('retail_referral_points', '>', 0), ('program_type', '=', 'loyalty')])
        )
        mine = moments.filtered(lambda one: one.res_model == 'retail.purchase')
        if not programs or not mine:
            return
        purchases = self.env['retail.purchase'].sudo().browse(mine.mapped('res_id')).exists()
        for purchase in purchases.filtered('counts'):
            referred = self._referred_contact(purchase.partner_id)
            if not referred:
                continue
            for program in programs:
                company = purchase.company_id
                if program.company_id and program.company_id.root_id != company.root_id:
                    continue
                if program._retail_is_enough(purchase):
                    self.with_company(company)._grant_referral(program, purchase, referred)

    @api.model
    def _referred_contact(self, partner):
        """Return the contact of a customer that names who recommended us, another customer, or an empty one."""
        contacts = (
            self.env['res.partner']
            .sudo()  # sudo: the system's gift
            .search(
                [
                    ('commercial_partner_id', '=', partner.commercial_partner_id.id),
                    ('retail_referrer_id.active', '=', True),
                ],
                order='id',
            )
        )
        return contacts.filtered(
            lambda one: (
                one.retail_referrer_id.commercial_partner_id != partner.commercial_partner_id
            )
        )[:1]

    @api.model
    def _grant_referral(self, program, purchase, referred):
        """Give both their points, which wait until the purchase can no longer be returned."""
        company = purchase.company_id
        free_on = purchase.date + timedelta(days=program.retail_return_days)
        referrer = referred.retail_referrer_id
        for partner, reason, note in (
            (referrer, REFERRER, self.env._('Recommended us')),
            (referred, REFERRED, self.env._('Came by a recommendation')),
        ):
            if program.retail_members_only and not program._retail_members(partner, company):
                continue
            # always waiting first: whether the purchase stands is looked at when they are released
            valid_from = max(free_on, company._retail_today() + timedelta(days=1))
            self._grant(
                partner,
                program.retail_referral_points,
                referred,
                reason,
                note,
                program=program,
                valid_from=valid_from,
            )

    def _look_at_waiting(self):
        """Points of a referral whose purchase was returned meanwhile never come into force."""
        promised = self.filtered(
            lambda row: (
                row.res_model == 'res.partner'
                and row.reason in (REFERRER, REFERRED)
                and row.valid_from
                and row.valid_from <= row.company_id._retail_today()
            )
        )
        lost = promised.filtered(lambda row: not row._referral_stands()) if promised else self[:0]
        if lost:
            lost.write({'state': 'void'})
        return super(RetailPointsReferral, self - lost)._look_at_waiting()

    def _referral_stands(self):
        """Return whether the new customer still has a purchase that is large enough, net of returns."""
        self.ensure_one()
        # sudo: the system looks at what was bought
        referred = self.env['res.partner'].sudo().browse(self.res_id).exists()
        purchases = (
            self.env['retail.purchase']
            .sudo()
            .search(
                [
                    ('partner_id', '=', referred.commercial_partner_id.id),
                    ('company_id', '=', self.company_id.id),
                    ('counts', '=', True),
                ]
            )
        )
        return any(self.program_id._retail_is_enough(purchase) for purchase in purchases)
