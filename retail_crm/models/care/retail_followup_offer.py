from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date, html2plaintext

from ..loyalty.retail_benefit_claim import _BETWEEN_BIRTHDAYS
from ._sending import skip


class RetailFollowupOffer(models.Model):
    """What a follow-up offers: information, reward, channel, time and reaction stay with it (S-MKT-03).

    ``_prepare_offer`` runs in the transaction in which the message leaves: the coupon, or the birthday gift that loyalty
    grants (S-LOY-14), is there when the customer reads of it, and nobody whose message is held back gets one.
    """

    _inherit = 'retail.followup'

    offer_id = fields.Many2one(
        comodel_name='retail.offer',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='What was offered.',
    )
    coupon_id = fields.Many2one(
        comodel_name='loyalty.card',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Coupon that the customer was told of.',
    )
    benefit_id = fields.Many2one(
        comodel_name='retail.benefit',
        string='Gift Granted',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Birthday gift of the programme that the customer was told of.',
    )
    coupon_code = fields.Char(
        readonly=True, copy=False, help='Code of the coupon or voucher, for templates.'
    )
    coupon_until = fields.Date(
        string='Coupon Valid Until', readonly=True, copy=False, help='Last day of the coupon.'
    )
    gift = fields.Char(
        readonly=True, copy=False, help='What the member gets on the birthday, for templates.'
    )

    # === OFFER ===#

    def _offers(self):
        """Return ``{id: offer (sudo)}``: of the row, of its rule, else of the policy where the rule says so."""
        # sudo: rules, policies and offers decide, whoever asks
        rows_sudo, offers = self.sudo(), {}
        announced = rows_sudo._announced()
        asking = rows_sudo.filtered(
            lambda one: (
                not one.offer_id and not one.rule_id.offer_id and one.rule_id.offer_by_policy
            )
        )
        said = {}
        for company, rows in asking.grouped('company_id').items():
            answers = self.env['retail.policy']._for_customers(
                rows.partner_id, company, ['offer_id']
            )
            for row in rows:
                said[row.id] = answers[row.partner_id.id]['offer_id'].sudo()
        for row in rows_sudo:
            offers[row.id] = (
                row.offer_id
                or row.rule_id.offer_id
                or announced.get(row.id)
                or said.get(row.id, self.env['retail.offer'].sudo())
            )
        return offers

    def _announced(self):
        """Return ``{id: offer}`` of those that are about an offer, as rules of the trigger promotion plan them."""
        rows = self.filtered(lambda one: one.res_model == 'retail.offer' and one.res_id)
        found = self.env['retail.offer'].browse(set(rows.mapped('res_id'))).exists()
        known = {offer.id: offer for offer in found}
        return {row.id: known[row.res_id] for row in rows if row.res_id in known}

    def _gates(self):
        """Who is not entitled (any more) is not told."""
        return [*super()._gates(), '_gate_offer']

    def _gate_offer(self, _sending):
        """The rule offers something to which the customer is not entitled, or that has ended."""
        verdicts = {}
        # sudo: rules decide
        about = self.sudo()._announced()

        def offer_of(one):
            return one.offer_id or one.rule_id.offer_id or about.get(one.id)

        for offer, some in self.sudo().filtered(offer_of).grouped(offer_of).items():
            # a promotion is announced before it begins
            entitled = offer._entitled(some.partner_id, ahead=True)
            verdicts.update(
                {
                    one.id: skip('not_entitled', offer.name)
                    for one in some
                    if offer not in entitled[one.partner_id.id]
                }
            )
        return verdicts

    def _prepare_offer(self):
        """Give these follow-ups what they offer; called when they leave, again without effect."""
        for offer_sudo, rows in self._rows_of_offers().items():
            entitled = offer_sudo._entitled(rows.partner_id, ahead=True)
            going = rows.filtered(
                lambda one, all=entitled, o=offer_sudo: o in all[one.partner_id.id]
            )
            if not going:
                continue
            coupons = offer_sudo._coupons_for(going.partner_id)
            for row in going:
                card = coupons[row.commercial_partner_id.id]
                code = card.code or offer_sudo._code_for(row.partner_id)
                row._note(
                    {
                        'offer_id': offer_sudo.id,
                        'coupon_id': card.id,
                        'coupon_code': code or False,
                        'coupon_until': card.expiration_date or offer_sudo.date_to,
                    }
                )
        self._prepare_gift()

    def _rows_of_offers(self):
        """Return ``{offer (sudo): follow-ups (sudo)}`` of those that have no coupon yet."""
        offers = self._offers()
        rows = self.sudo().filtered(
            lambda one: offers[one.id] and not one.coupon_code
        )  # sudo: ours
        return rows.grouped(lambda one: offers[one.id])

    # === BIRTHDAY ===#

    def _prepare_gift(self):
        """Name the birthday gift of members: the one of this birthday, granted now when the night has not been."""
        # sudo: gifts are granted by the system
        rows = self.sudo().filtered(
            lambda one: one.rule_id.trigger == 'birthday' and not one.benefit_id
        )
        for company, some in rows.grouped('company_id').items():
            gifts = some._birthday_gifts(company)
            for row in some:
                if benefit := gifts.get(row.commercial_partner_id.id):
                    row._note(
                        {
                            'benefit_id': benefit.id,
                            'gift': benefit.privilege_id.with_context(
                                lang=row.partner_id.lang
                            ).display_name,
                            'coupon_id': row.coupon_id.id or benefit.card_id.id,
                            'coupon_code': row.coupon_code or benefit.code,
                            'coupon_until': row.coupon_until or benefit.valid_until,
                        }
                    )

    def _birthday_gifts(self, company):
        """Return ``{customer id: benefit}`` for the birthdays of these follow-ups of one company."""
        benefits = self.env['retail.benefit'].sudo()  # sudo: as above
        programme = self.env['retail.programme'].sudo()._running(company)
        privileges = self.env['retail.privilege']._gifts(programme, 'birthday') if programme else []
        members = self.env['retail.membership'].sudo()
        if privileges:
            members = members.search(
                [
                    ('partner_id', 'in', self.commercial_partner_id.ids),
                    ('programme_id', '=', programme.id),
                    ('state', '=', 'active'),
                ]
            )
        if start := min(self.filtered('anchor_on').mapped('anchor_on'), default=None):
            members = members.filtered('partner_id.retail_birth_day')
            members -= benefits.search(
                [
                    ('membership_id', 'in', members.ids),
                    ('kind', '=', 'birthday'),
                    ('cycle_on', '>', start - timedelta(days=_BETWEEN_BIRTHDAYS)),
                ]
            ).membership_id
            for privilege in privileges:  # best first: a member gets one
                mine = members.filtered(lambda one, p=privilege: one.tier_id in p.tier_ids)
                members -= mine
                benefits._grant(benefits._birthday_claims(mine, privilege, start))
        days = {(one.commercial_partner_id.id, one.anchor_on) for one in self}
        return {
            benefit.partner_id.id: benefit
            for benefit in benefits.search(
                [
                    ('partner_id', 'in', self.commercial_partner_id.ids),
                    ('company_id', '=', company.id),
                    ('kind', '=', 'birthday'),
                ],
                order='id',
            )
            if (benefit.partner_id.id, benefit.cycle_on) in days and benefit.state != 'cancelled'
        }

    # === WORDS ===#

    @api.depends(
        'offer_id', 'rule_id.offer_id', 'res_model', 'res_id', 'coupon_code', 'coupon_until', 'gift'
    )
    @api.depends_context('lang')
    def _compute_offer_words(self):
        """Say what is offered: the information, the gift, and the code with its last day."""
        # sudo: what the customer is told of his own follow-up
        offers, lang = self._offers(), self.env.lang
        for followup in self:
            offer, one = offers.get(followup.id), followup.sudo()
            words = []
            if offer:
                offer = offer.with_context(lang=lang)
                words += [offer.name, html2plaintext(offer.information or '').strip()]
            words.append(one.gift)
            if one.coupon_code and one.coupon_until:
                words.append(
                    self.env._(
                        'Your code: %(code)s, until %(day)s.',
                        code=one.coupon_code,
                        day=format_date(self.env, one.coupon_until),
                    )
                )
            elif one.coupon_code:
                words.append(self.env._('Your code: %(code)s.', code=one.coupon_code))
            followup.offer_words = '\n'.join(filter(None, words)) or False

    def _text_words(self):
        """Add what is offered, also in parts."""
        return {
            **super()._text_words(),
            'offer': self.offer_words or '',
            'coupon': self.coupon_code or '',
            'coupon_until': format_date(self.env, self.coupon_until) if self.coupon_until else '',
            'gift': self.gift or '',
        }
