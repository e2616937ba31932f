from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .send_common import NOON, TODAY, SendCommon


class OfferCommon(SendCommon):
    @classmethod
    def setUpClass(cls):
        cls.startClassPatcher(freeze_time(NOON))
        super().setUpClass()
        cls.coupons = cls.env['loyalty.program'].create(
            {
                'name': 'Ten Off',
                'program_type': 'coupons',
                'applies_on': 'current',
                'trigger': 'with_code',
                'company_id': cls.company.id,
                'reward_ids': [
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount': 10,
                            'discount_mode': 'per_order',
                            'discount_applicability': 'order',
                            'required_points': 1,
                        }
                    )
                ],
            }
        )
        cls.segment = cls.env['retail.segment'].create(
            {'name': 'Tea', 'company_id': cls.company.id, 'state': 'draft'}
            if 'state' in cls.env['retail.segment']._fields
            else {'name': 'Tea', 'company_id': cls.company.id}
        )
        cls.env['retail.segment.member'].create(
            {'segment_id': cls.segment.id, 'partner_id': cls.cara.id, 'entered_on': TODAY}
        )
        cls.offer = cls._create_offer('Tea Week', segment_ids=cls.segment.ids)

    @classmethod
    def _create_offer(cls, name, **values):
        return (
            cls.env['retail.offer']
            .sudo()
            .create(
                {
                    'name': name,
                    'information': '<p>Ten off</p>',
                    'program_id': cls.coupons.id,
                    'company_id': cls.company.id,
                    'date_from': TODAY,
                    'date_to': TODAY + timedelta(days=7),
                    'state': 'running',
                    **values,
                }
            )
        )

    def _cards(self, customer):
        return self.env['loyalty.card'].search([('partner_id', '=', customer.id)])


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareOffer(OfferCommon):
    def test_entitled(self):
        """Segment, tier and class say who is entitled; contacts as their company; only while it is open (S-MKT-14)."""
        everybody = self._create_offer('All')
        class_of = self._create_offer('New ones', class_key='lifecycle.new')
        offers = self.offer | everybody | class_of
        self._create_order(self.bob, 10, date=NOON - timedelta(hours=4))
        self._process()
        found = offers._entitled(self.cara | self.bob)
        self.assertEqual(found[self.cara.id], self.offer | everybody)
        self.assertEqual(found[self.bob.id], everybody | class_of)
        clerk = self.env['res.partner'].create({'name': 'Clerk', 'parent_id': self.cara.id})
        self.assertIn(self.offer, offers._entitled(clerk)[clerk.id])
        with freeze_time('2027-03-18'):
            self.assertFalse(offers._entitled(self.cara)[self.cara.id])
        self.offer.action_end()
        self.assertNotIn(self.offer, offers._entitled(self.cara)[self.cara.id])

    def test_queries_do_not_grow(self):
        """Who is entitled is asked at once for any number of customers (design 8)."""
        many = self.env['res.partner'].create([{'name': f'C{number}'} for number in range(40)])
        self.env.flush_all()

        def count(partners):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.offer._entitled(partners)
            return self.cr.sql_log_count - before

        count(many[:1])  # what is kept
        self.assertEqual(count(many[:1]), count(many))

    def test_coupon_with_the_message(self):
        """The coupon is made when the message leaves, once for a customer, and the message names it (S-MKT-03)."""
        self.offer_rule.write({'offer_id': self.offer.id, 'text': '{name}: {offer}', 'state': 'on'})
        self.offer_rule.sudo().state = 'on'
        followup = self._plan(self.offer_rule, self.cara)
        stranger = self._plan(self.offer_rule, self.bob)
        held = self._plan(self.offer_rule, self.acme, state='held')
        self._run()
        self.assertState(followup, 'done')
        self.assertEqual(followup.offer_id, self.offer)
        card = self._cards(self.cara)
        self.assertEqual((followup.coupon_id, followup.coupon_code), (card, card.code))
        self.assertEqual(card.expiration_date, self.offer.date_to)
        self.assertIn(card.code, followup.mail_mail_id.body_html)
        self.assertIn('Ten off', followup.mail_mail_id.body_html)
        self.assertState(stranger, 'skipped', 'not_entitled')
        self.assertFalse(self._cards(self.bob) | self._cards(self.acme))
        self.assertFalse(held.coupon_id)
        again = self._plan(self.offer_rule, self.cara, occurrence='again')
        again._prepare_offer()
        followup._prepare_offer()
        self.assertEqual(again.coupon_id, card)
        self.assertEqual(len(self._cards(self.cara)), 1)
        self.assertEqual((self.offer.told_count, self.offer.coupon_count), (1, 1))

    def test_offer_of_the_policy(self):
        """A rule may leave the offer to the policy of the customer's class (design 4.4)."""
        self.env['retail.policy'].create(
            {
                'name': 'All',
                'sequence': -1,
                'offer_id': self.offer.id,
                'company_id': self.company.id,
            }
        )
        row = self._plan(self.offer_rule, self.cara)
        row._prepare_offer()
        self.assertFalse(row.offer_id)
        self.offer_rule.offer_by_policy = True
        row._prepare_offer()
        self.assertEqual(row.offer_id, self.offer)

    def test_announce(self):
        """Announcing makes one rule for the segment, which is off until previewed; without a segment it refuses (S-MKT-12)."""
        offer = self.offer.with_user(self.users['marketing'])
        action = offer.action_announce()
        rule = self.offer.rule_ids
        self.assertEqual((action['res_id'], rule.state), (rule.id, 'off'))
        self.assertEqual((rule.trigger, rule.purpose), ('promotion', 'marketing'))
        self.assertEqual(rule.segment_ids, self.segment)
        self.assertEqual(offer.action_announce()['res_id'], rule.id)
        nobody = self._create_offer('Nobody').with_user(self.users['marketing'])
        with self.assertRaises(UserError):
            nobody.action_announce()

    def test_promotion_end_to_end(self):
        """A promotion tells its segment before it begins, once, within consent and limits; what follows is kept (S-FUP-06)."""
        offer = self._create_offer(
            'Tea Days', segment_ids=self.segment.ids, date_from=TODAY + timedelta(days=2)
        )
        told, again, refused, busy = [
            self._create_customer(name) for name in ('Tess', 'Gus', 'Rex', 'Bea')
        ]
        (told | again | refused | busy | self.cara).retail_preferred_channel_id = self.email
        self.env['retail.segment.member'].create(
            [
                {'segment_id': self.segment.id, 'partner_id': one.id, 'entered_on': TODAY}
                for one in (told, again, refused, busy)
            ]
        )
        self._agree(refused, self.email | self.phone, granted=False, purposes=['marketing'])
        self._sent(self.offer_rule, busy, 3)
        with freeze_time(NOON - timedelta(days=1)):
            rule = self.env['retail.care.rule'].browse(offer.action_announce()['res_id'])
            rule.write({'delay_days': -2, 'control_percent': 0})
            rule.sudo().write({'state': 'on', 'started_on': TODAY - timedelta(days=1)})
            rule._plan()
        self.assertFalse(self.followups.search([('rule_id', '=', rule.id)]), 'a day too early')
        rule._plan()
        rule._plan()
        rows = self.followups.search([('rule_id', '=', rule.id)])
        self.assertEqual(rows.partner_id, self.cara | told | again | refused | busy)
        self.assertEqual(len(rows), 5)
        self.env['retail.segment.member'].search([('partner_id', '=', again.id)]).left_on = TODAY
        self._run()
        by_name = rows.grouped(lambda row: row.partner_id.name)
        self.assertState(by_name['Tess'], 'done')
        self.assertEqual(by_name['Tess'].mail_mail_id.email_to, told.email_formatted)
        self.assertIn('Ten off', by_name['Tess'].mail_mail_id.body_html)
        self.assertEqual((by_name['Tess'].offer_id, offer.told_count), (offer, 2))
        self.assertState(by_name['Gus'], 'skipped', 'not_entitled')
        self.assertState(by_name['Rex'], 'skipped', 'refused')
        self.assertState(by_name['Bea'], 'planned', 'limit_week')
        with freeze_time(NOON + timedelta(days=3)):
            order = self._create_order(told, 50, date=NOON + timedelta(days=3))
            self._process()
            self.followups._note_reactions()
        self.assertEqual(
            (by_name['Tess'].reaction, by_name['Tess'].order_id, by_name['Tess'].revenue),
            ('bought', order, 50),
        )
        self.assertIn(by_name['Cara'].reaction, (False, 'none'))

    def test_control_group_of_offers(self):
        """Rules of marketing keep 5 % back, with an offer 10 %; what somebody chose stays (defaults, 19)."""
        rules = self.env['retail.care.rule']
        values = {'name': 'R', 'company_id': self.company.id, 'purpose': 'marketing'}
        plain, offering = rules.create([values, {**values, 'offer_by_policy': True}])
        chosen = rules.create({**values, 'offer_id': self.offer.id, 'control_percent': 3})
        service = rules.create({**values, 'purpose': 'service', 'offer_id': self.offer.id})
        self.assertEqual(
            [one.control_percent for one in (plain, offering, chosen, service)], [5, 10, 3, 0]
        )
        plain.offer_id = self.offer
        self.assertEqual(plain.control_percent, 10)

    def test_order_screen(self):
        """A quotation proposes only what its customer is entitled to, and the reward is used with a click (S-MKT-14)."""
        order = self._create_order(self.cara, 50, confirm=False)
        other = self._create_order(self.bob, 50, confirm=False)
        shown = self.env['retail.offer'].search(order.action_retail_offers()['domain'])
        self.assertIn(self.offer, shown)
        shown = self.env['retail.offer'].search(other.action_retail_offers()['domain'])
        self.assertNotIn(self.offer, shown)
        offer = self.offer.with_user(self.env.user)
        offer.with_context(retail_order_id=order.id).action_use()
        self.assertEqual(len(self._cards(self.cara)), 1)
        with self.assertRaises(UserError):
            offer.with_context(retail_order_id=other.id).action_use()
        self.assertFalse(self._cards(self.bob))

    def test_rights(self):
        """Marketing writes offers, staff read them; the state is the system's; companies stay apart (design 7)."""
        offer = self.offer.with_user(self.users['marketing'])
        offer.write({'name': 'Tea Days', 'state': 'ended'})
        self.assertEqual((offer.name, offer.state), ('Tea Days', 'running'))
        with self.assertRaises(AccessError):
            self.offer.with_user(self.users['user']).action_end()
        with self.assertRaises(ValidationError):
            self._create_offer('Wrong', company_id=self.company_2.id)

    def test_merge(self):
        """Offers and coupons of merged customers follow the one that remains (S-CUS-22)."""
        twin = self._create_customer('Cara Twin')
        all_offer = self._create_offer('All')
        row = self._plan(self.offer_rule, twin, offer_id=all_offer.id)
        row._prepare_offer()
        card = row.coupon_id
        self.env['base.partner.merge.automatic.wizard']._merge((twin | self.cara).ids, self.cara)
        self.assertEqual(row.partner_id, self.cara)
        again = self._plan(self.offer_rule, self.cara, offer_id=all_offer.id, occurrence='x')
        again._prepare_offer()
        self.assertEqual(len(self._cards(self.cara).filtered('retail_offer_id')), 1)
        self.assertTrue(card.exists())

    def test_merge_with_two_coupons(self):
        """Two coupons of one offer meet in a merge: both stay valid, one is that of the offer (S-CUS-22)."""
        twin = self._create_customer('Cara Twin')
        offer = self._create_offer('All')
        cards = self.env['loyalty.card'].browse(
            card.id for card in offer._coupons_for(self.cara | twin).values()
        )
        used = cards.filtered(lambda one: one.partner_id == self.cara)
        used.points = 0
        self.env['base.partner.merge.automatic.wizard']._merge((twin | self.cara).ids, self.cara)
        self.assertEqual(cards.partner_id, self.cara)
        self.assertTrue(all(cards.mapped('active')))
        self.assertEqual((cards - used).points, 1)
        self.assertEqual(cards.filtered('retail_offer_id'), cards - used)
        self.assertEqual(offer._coupons_for(self.cara)[self.cara.id], cards - used)

    def test_coupon_made_elsewhere(self):
        """Whoever makes a coupon at the same time as another tries again; an archived one is not replaced (S-MKT-03)."""
        card = self.offer._coupons_for(self.cara)[self.cara.id]
        with (
            patch.object(type(self.offer), '_coupons_of', lambda *_args: {}),
            mute_logger('odoo.sql_db'),
            self.assertRaises(ConcurrencyError),
        ):
            self.offer._coupons_for(self.cara)
        card.active = False
        self.assertFalse(self.offer._coupons_for(self.cara)[self.cara.id])
        self.assertFalse(self._cards(self.cara))

    def test_new_products_followed(self):
        """The third test of loyalty: the share of notices of new products that were reacted to (S-LOY-22)."""
        self.offer_rule.write({'trigger': 'new_product', 'family': 'product'})
        for days, reaction in ((10, 'bought'), (20, 'none'), (40, 'opened'), (400, 'bought')):
            self._sent(self.offer_rule, self.cara, days, reaction=reaction, occurrence=str(days))
        self._create_order(self.cara, 10, date=NOON - timedelta(hours=4))
        self._create_order(self.bob, 10, date=NOON - timedelta(hours=4))
        self._process()
        profiles = self.env['retail.profile'].search([('company_id', '=', self.company.id)])
        tests = {one.partner_id: one.loyalty_interest for one in profiles}
        self.assertEqual(tests[self.cara], 67)
        self.assertFalse(tests[self.bob])
        self.cr.execute(
            'SELECT loyalty_interest FROM retail_profile WHERE partner_id = %s', [self.bob.id]
        )
        self.assertEqual(self.cr.fetchone(), (None,))


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareGift(OfferCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        programmes = cls.env['retail.programme']
        programme = programmes.search([('company_id', '=', cls.company.id)]) or programmes.create(
            {'name': 'Club', 'company_id': cls.company.id}
        )
        if not programme.tier_ids:
            programme.action_use_ladder()
        if programme.state != 'running':
            programme.action_start()
        cls.base, cls.gold = programme.tier_ids[0], programme.tier_ids[2]
        gifts = cls.env['retail.privilege'].search(
            [('programme_id', '=', programme.id), ('kind', '=', 'birthday')]
        )
        gifts.active = False
        cls.privilege = cls.env['retail.privilege'].create(
            {
                'name': 'Birthday cake',
                'kind': 'birthday',
                'gift': 'voucher',
                'service_text': 'A cake',
                'programme_id': programme.id,
                'tier_ids': cls.base.ids,
            }
        )
        values = {'retail_birth_month': '3', 'retail_birth_day': 10, 'retail_birth_year': 1990}
        cls.cara.write(values)
        cls.dora = cls._create_customer('Dora', **values)
        cls.eve = cls._create_customer('Eve', **values)
        cls.member = cls.env['retail.membership']._enrol(cls.cara, cls.company)
        other = cls.env['retail.membership']._enrol(cls.dora, cls.company)
        other._override(cls.gold, date(2027, 9, 1), 'vip', 'Patron')
        cls._process()

    def test_gift_in_the_message(self):
        """The birthday message names the member's gift, granted at once, once a year; others get a greeting (S-LOY-14)."""
        self.offer_rule.text = 'Dear {name}. {offer}'
        rows = [
            self._plan(self.offer_rule, one, occurrence='birthday 2027')
            for one in (self.cara, self.dora, self.eve)
        ]
        self._run()
        self.assertEqual([row.state for row in rows], ['done'] * 3)
        benefit = self.env['retail.benefit'].search([('membership_id', '=', self.member.id)])
        self.assertEqual((len(benefit), rows[0].benefit_id), (1, benefit))
        self.assertEqual(rows[0].coupon_code, benefit.voucher_id.code)
        self.assertIn('Birthday cake', rows[0].mail_mail_id.body_html)
        self.assertIn(benefit.code, rows[0].mail_mail_id.body_html)
        self.assertFalse(rows[1].benefit_id | rows[2].benefit_id)
        again = self._plan(self.offer_rule, self.cara, occurrence='again')
        again._prepare_offer()
        for _done in self.env['retail.benefit']._grant_steps():
            pass
        self.assertEqual(again.benefit_id, benefit)
        self.assertEqual(
            self.env['retail.benefit'].search_count([('membership_id', '=', self.member.id)]), 1
        )
