from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import api, models
from odoo.exceptions import ConcurrencyError

from ._offer import COUPON_TYPES


class RetailOfferEntitled(models.Model):
    """Who is entitled to which offers, and the coupons of those who are (S-MKT-14)."""

    _inherit = 'retail.offer'

    def _is_open(self, ahead=False):
        """Return whether the offer runs today; with ``ahead`` also when it has not begun yet: it may be announced."""
        self.ensure_one()
        today = self.company_id._retail_today()
        return (
            self.active
            and self.state == 'running'
            and (ahead or self.date_from <= today)
            and (not self.date_to or self.date_to >= today)
        )

    def _entitled(self, partners, ahead=False):
        """Return ``{contact id: offers}``: those of these offers that are open for each contact (``_is_open``).

        A contact is entitled as the customer he belongs to. Segment, tier and class must all fit where the offer names
        them. A fixed number of queries per company for any number of contacts.
        """
        # sudo: who is entitled is decided by the system; whoever asks gets offers, not figures
        partners_sudo, offers_sudo = (
            partners.sudo(),
            self.sudo().filtered(lambda one: one._is_open(ahead)),
        )
        customers_sudo = partners_sudo.commercial_partner_id
        found = {partner.id: self.browse() for partner in partners}
        for company, offers in offers_sudo.grouped('company_id').items():
            facts = offers._facts_of(customers_sudo, company)
            for partner in partners_sudo:
                mine = facts.get(partner.commercial_partner_id.id, set())
                bound = partner.company_id.root_id
                if bound and bound != company:
                    continue
                fitting = offers.filtered(lambda one, mine=mine: one._fits(mine))
                found[partner.id] |= self.browse(fitting.ids)
        return found

    def _fits(self, facts):
        """Return whether a customer of these facts meets all that the offer asks for."""
        asked = [
            {('segment', number) for number in self.segment_ids.ids},
            {('tier', number) for number in self.tier_ids.ids},
            {('class', self.class_key)} if self.class_key else set(),
        ]
        return all(not some or some & facts for some in asked)

    def _facts_of(self, customers, company):
        """Return ``{customer id: facts}`` that these offers of one company ask for; three queries at most."""
        facts = {}
        if segments := self.segment_ids:
            rows = self.env['retail.segment.member']._read_group(
                [
                    ('segment_id', 'in', segments.ids),
                    ('partner_id', 'in', customers.ids),
                    ('left_on', '=', False),
                ],
                ['partner_id', 'segment_id'],
            )
            for partner, segment in rows:
                facts.setdefault(partner.id, set()).add(('segment', segment.id))
        if tiers := self.tier_ids:
            rows = self.env['retail.membership']._read_group(
                [
                    ('tier_id', 'in', tiers.ids),
                    ('partner_id', 'in', customers.ids),
                    ('state', '=', 'active'),
                ],
                ['partner_id', 'tier_id'],
            )
            for partner, tier in rows:
                facts.setdefault(partner.id, set()).add(('tier', tier.id))
        if any(offer.class_key for offer in self):
            policies = self.env['retail.policy'].sudo()
            profiles = policies._profiles_of(customers, company)
            for profile in profiles:
                keys = {
                    f'{name}.{"true" if profile[name] is True else profile[name]}'
                    for name in policies._class_columns()
                    if profile[name]
                }
                facts.setdefault(profile.partner_id.id, set()).update(
                    ('class', key) for key in keys
                )
        return facts

    @api.model
    def _open_for(self, partner, company):
        """Return the offers of a company that are open for one contact, for the order screen."""
        offers = self.search([('company_id', '=', company.root_id.id), ('state', '=', 'running')])
        return offers._entitled(partner)[partner.id]

    # === COUPONS ===#

    def _coupons_for(self, partners):
        """Return ``{customer id: coupon (sudo)}`` of one offer, and make those that are missing; a coupon once each.

        Nothing is sent: whoever makes a coupon tells the customer, in the same transaction. Whose coupon was archived
        gets no other one.

        :raise ConcurrencyError: when another process makes one of them just now; everything is to be tried again
        """
        self.ensure_one()
        offer_sudo = self.sudo()  # sudo: coupons are made by the system
        program = offer_sudo.program_id
        customers = partners.sudo().commercial_partner_id
        cards_sudo = self.env['loyalty.card'].sudo()
        if program.program_type not in COUPON_TYPES or not program.active:
            return {customer.id: cards_sudo for customer in customers}
        found = offer_sudo._coupons_of(customers)
        missing = customers.filtered(lambda one: one.id not in found)
        points = min(program.reward_ids.mapped('required_points'), default=1)
        values = [
            {
                'program_id': program.id,
                'partner_id': customer.id,
                'points': points,
                'expiration_date': offer_sudo._coupon_end(),
                'retail_offer_id': self.id,
            }
            for customer in missing
        ]
        silent = cards_sudo.with_context(loyalty_no_mail=True, tracking_disable=True)
        try:
            with self.env.cr.savepoint():
                cards = silent.create(values)
        except UniqueViolation as error:
            raise ConcurrencyError(
                self.env._('A coupon of this offer is being made. Please try again.')
            ) from error
        return {
            **{number: card.filtered('active') for number, card in found.items()},
            **{card.partner_id.id: card for card in cards},
        }

    def _coupons_of(self, customers):
        """Return ``{customer id: coupon}`` of one offer, archived ones, too."""
        cards = self.env['loyalty.card'].with_context(active_test=False)
        found = cards.search(
            [('retail_offer_id', '=', self.id), ('partner_id', 'in', customers.ids)]
        )
        return {card.partner_id.id: card for card in found}

    def _coupon_end(self):
        """Return the last day of a coupon that is made today."""
        if self.coupon_days:
            return self.company_id._retail_today() + timedelta(days=self.coupon_days)
        return self.date_to
