"""What customers, managers and staff see of points: portal, evaluation, origin of coupons (S-CHN-11, S-LOY-18, -19)."""

from datetime import date

from freezegun import freeze_time
from lxml import html

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.retail_crm.tests.test_loyalty_points_club import ClubCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsPortal(ClubCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = cls.users['portal']
        cls.customer = cls.portal.partner_id
        cls.mine = cls._join(cls.customer)
        cls.others = cls._join(cls.bob)

    def _section(self):
        self.authenticate('retail_portal', 'retail_portal')
        response = self.url_open('/my/loyalty')
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text).find_class('o_retail_points')

    def test_balance_and_history(self):
        """What can be spent, waits and ends when, and what happened with its order, as the ledger says (S-CHN-11)."""
        self.program.write({'retail_expiry': 'months', 'retail_expiry_months': 12})
        sold = self._sell(self.customer, 700)
        spent = self._sell(self.customer, 20, redeem=True)
        self.program.retail_pending = True
        waits = self._sell(self.customer, 35)
        card = self._card_of(self.customer)
        self.ledger._grant(self.customer, 5, self.mine, 'welcome', 'Secret note')
        secret = self._sell(self.bob, 999)
        [section] = self._section()
        text = ' '.join(section.text_content().split())
        self.assertEqual(section.find_class('o_retail_points_available')[0].text, '225')
        self.assertEqual(section.find_class('o_retail_points_waiting')[0].text, '35')
        ends = self._entries(card, kind='earn')[0].expires_on
        self.assertIn(f'225 expire after {ends:%m/%d/%Y}', text)
        for words in (
            f'Earned: {sold.name} +700',
            f'Redeemed: {spent.name} -500',
            f'Earned: {waits.name} (waiting) +35',
            'Welcome +5',
        ):
            self.assertIn(words, text)
        for words in (secret.name, '999', 'Secret'):
            self.assertNotIn(words, text)
        [link] = section.xpath('.//a/@href')
        self.assertEqual(link, f'/my/loyalty_card/{card.id}/history')
        self.assertEqual(self.url_open(link).status_code, 200)

    def test_nothing_to_show(self):
        """Without a card there is no section (S-CHN-11)."""
        self._sell(self.bob, 10)
        self.assertFalse(self._section())

    def test_only_the_last_twenty(self):
        """A long history is cut; all of it is on the page of the card (S-CHN-11)."""
        card = self._give_card(self.customer)
        for points in range(1, 26):
            card.points = points
        [section] = self._section()
        self.assertEqual(len(section.xpath('.//li')), 20)

    def test_own_card_of_a_contact(self):
        """A contact of a company sees the own points, which nobody else can spend (R-loy D.2 7)."""
        self.customer.parent_id = self.acme
        member = self._join(self.acme)
        self._sell(self.ann, 70)
        self._sell(self.customer, 30)
        values = member.sudo().with_user(self.portal).sudo()._portal_points()
        self.assertEqual(values['points_available'], '30')
        values = member._portal_points()
        self.assertIsNone(values, 'the company itself has no card')

    def test_ledger_is_closed(self):
        """Customers cannot ask the ledger itself, not even for their own rows (style 6)."""
        self._sell(self.customer, 10)
        rows = self._entries(self._card_of(self.customer)).with_user(self.portal)
        with self.assertRaises(AccessError):
            rows.read(['points'])
        with self.assertRaises(AccessError):
            self.ledger.with_user(self.portal).search([])


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsEvaluation(ClubCase):
    def _measured(self, start, end):
        with freeze_time('2026-12-31 12:00'):
            evaluation = self.env['retail.programme.evaluation'].create(
                {
                    'programme_id': self.programme.id,
                    'period': 'free',
                    'date_from': start,
                    'date_to': end,
                }
            )
            evaluation.action_measure()
        return evaluation

    def _expected(self, start, end, partners):
        """Return the figures of customers in plain Python, from the ledger row by row."""
        figures = dict.fromkeys(('earned', 'redeemed', 'expired', 'owed'), 0.0)
        orders, customers, movers = set(), set(), set()
        for row in self.ledger.search([('program_id', '=', self.program.id)]):
            customer = row.partner_id.commercial_partner_id
            if customer not in partners or row.state == 'void' or row.date > end:
                continue
            figures['owed'] += row.points
            if row.date < start:
                continue
            if row.kind != 'expire':
                movers.add(customer)
            if row.kind in ('earn', 'reverse_earn'):
                figures['earned'] += row.points
            elif row.kind in ('burn', 'reverse_burn'):
                figures['redeemed'] -= row.points
            elif row.kind == 'expire':
                figures['expired'] -= row.points
            if row.kind == 'burn':
                orders.add((row.res_model, row.res_id))
                customers.add(customer)
        earned = figures['earned']
        return {
            **figures,
            'rate': 100 * figures['redeemed'] / earned if earned > 0 else 0,
            'orders': len(orders),
            'customers': len(customers),
            'movers': len(movers),
        }

    def _shop(self):
        """Have a Silver member, a company and a stranger earn, spend, return and let points expire."""
        self.program.write(
            {'retail_expiry': 'months', 'retail_expiry_months': 1, 'retail_point_value': 0.02}
        )
        with freeze_time('2026-01-05 12:00'):
            self.members._enrol(self.bob | self.acme, self.company)
            self._member_of(self.bob)._override(self.silver, date(2026, 12, 31), 'vip', 'Test')
            self._sell(self.bob, 800)
            self._sell(self.ann, 300)
        with freeze_time('2026-02-10 12:00'):
            self._sell(self.bob, 20, redeem=True)
            returned = self._sell(self.ann, 500, redeem=True)
            self._sell(self.friend, 700)
        with freeze_time('2026-02-20 12:00'):
            self._create_refund(self._create_invoice(returned))
            self._sell(self.friend, 10, redeem=True)
        with freeze_time('2026-03-05 12:00'):
            self.ledger._expire_batch(self.company)
            self.program.retail_pending = True
            self._sell(self.bob, 40)
        self.env.invalidate_all()

    def _member_of(self, partner):
        return self.members.search([('partner_id', '=', partner.id)])

    def test_points_beside_plain_python(self):
        """Earned, redeemed, expired and owed of each group are those of the ledger, row by row (S-LOY-19, KPI-22)."""
        self.friend = self.env['res.partner'].create({'name': 'Friend'})
        self._shop()
        everybody = self.bob | self.acme | self.friend
        seen = set()
        for start, end in (
            (date(2026, 1, 1), date(2026, 1, 31)),
            (date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 3, 1), date(2026, 3, 31)),
            (date(2025, 1, 1), date(2025, 1, 31)),
        ):
            evaluation = self._measured(start, end)
            held = self.bob | self.acme if start.year == 2026 else self.bob.browse()
            for group, tier, partners in (
                ('all', None, everybody),
                ('member', None, held),
                ('other', None, everybody - held),
                ('tier', self.silver, self.bob & held),
                ('tier', self.base, self.acme & held),
            ):
                with self.subTest(start=start, group=group, tier=tier and tier.name):
                    line = evaluation.line_ids.filtered(
                        lambda one, group=group, tier=tier: (
                            one.group == group and (not tier or one.tier_id == tier)
                        )
                    )
                    plain = self._expected(start, end, partners)
                    self.assertAlmostEqual(line.points_earned, plain['earned'])
                    self.assertAlmostEqual(line.points_redeemed, plain['redeemed'])
                    self.assertAlmostEqual(line.points_expired, plain['expired'])
                    self.assertAlmostEqual(line.points_owed, plain['owed'])
                    self.assertAlmostEqual(line.points_owed_amount, plain['owed'] * 0.02)
                    self.assertAlmostEqual(line.redemption_rate, plain['rate'], delta=0.05)
                    self.assertEqual(line.redemption_count, plain['orders'])
                    self.assertEqual(line.redeemer_count, plain['customers'])
                    self.assertEqual(line.mover_count, plain['movers'])
                    share = 100 * plain['movers'] / (line.population or 1)
                    self.assertAlmostEqual(line.points_participation, share, delta=0.05)
                    seen |= {name for name, value in plain.items() if value}
        self.assertEqual(
            seen,
            {'earned', 'redeemed', 'expired', 'owed', 'rate', 'orders', 'customers', 'movers'},
        )

    def test_referrals_beside_what_is_expected(self):
        """New customers by recommendation of 100 who bought, beside the expected 25 (S-NUM-03)."""
        self.assertEqual(self.programme.referral_expected, 25)
        friend = self.env['res.partner'].create({'name': 'Eve', 'retail_referrer_id': self.bob.id})
        late = self.env['res.partner'].create({'name': 'Late', 'retail_referrer_id': self.bob.id})
        for partner, day in (
            (self.bob, '2026-01-05'),
            (self.ann, '2026-01-06'),
            (friend, '2026-01-07'),
            (late, '2026-02-07'),
        ):
            with freeze_time(f'{day} 12:00'):
                self._sell(partner, 100)
        self._process()
        self.profiles._refresh(as_of=date(2026, 12, 31))
        evaluation = self._measured(date(2026, 1, 1), date(2026, 1, 31))
        self.assertEqual(evaluation.referred_count, 1)
        self.assertAlmostEqual(evaluation.referral_rate, 100 / 3, 1)
        self.assertIn('brought 1 new customers: 33.3 for each 100', evaluation.explanation)

    def test_before_and_after_have_no_points(self):
        """Nothing is compared that was not measured; wallets are money (S-LOY-19)."""
        wallet = self._create_program(program_type='ewallet', applies_on='future')
        with freeze_time('2026-01-05 12:00'):
            self._give_card(self.bob, 77, wallet)
        evaluation = self._measured(date(2026, 1, 1), date(2026, 1, 31))
        self.assertFalse(sum(evaluation.line_ids.mapped('points_owed')))


@tagged('post_install', '-at_install', 'retail_crm')
class TestCouponOrigin(ClubCase):
    def test_coupon_names_its_origin_and_use(self):
        """A coupon of a privilege leads to the privilege, and to the order on which it was used (S-LOY-18)."""
        coupons = self._create_program(
            program_type='coupons',
            applies_on='current',
            trigger='with_code',
            rule_ids=[Command.clear()],
            reward_ids=[
                Command.clear(),
                Command.create(
                    {
                        'reward_type': 'discount',
                        'discount_mode': 'per_order',
                        'discount': 5,
                        'required_points': 1,
                    }
                ),
            ],
        )
        privilege = self.env['retail.privilege'].create(
            {
                'name': 'Coupon on Silver',
                'kind': 'entry',
                'programme_id': self.programme.id,
                'tier_ids': [Command.set(self.silver.ids)],
                'gift': 'coupon',
                'coupon_program_id': coupons.id,
            }
        )
        self._join(self.bob, self.silver)
        self._process()
        card = self._card_of(self.bob, coupons)
        other = self._give_card(self.ann, 1, coupons)
        self.assertEqual(card.retail_benefit_ids.privilege_id, privilege)
        self.assertFalse(other.retail_benefit_ids)
        self.assertFalse(card.retail_use_ids)
        order = self._create_order(self.bob, 20, confirm=False)
        status = order._try_apply_code(card.code)
        [(coupon, reward)] = status.items()
        order._apply_program_reward(reward, coupon)
        self.assertFalse(card.retail_use_ids, 'a quotation is no use')
        order.action_confirm()
        (card | other).invalidate_recordset()
        self.assertEqual((card.retail_use_ids, other.retail_use_ids.ids), (order, []))
        with self.assertRaises(AccessError):
            card.with_user(self.users['sales']).read(['retail_benefit_ids'])
