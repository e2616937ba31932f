"""Points and the customer club: tier factors, members only, the shipped program, rewards, referrals (issue 6)."""

from calendar import monthrange
from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.points_common import PointsCommon


class ClubCase(PointsCommon):
    """A running club of Base and Silver; nobody is a member before a test says so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        programmes = cls.env['retail.programme']
        cls.programme = programmes.search(
            [('company_id', '=', cls.company.id)]
        ) or programmes.create({'name': 'Club', 'company_id': cls.company.id})
        cls.programme.tier_ids.unlink()
        cls.programme.privilege_ids.unlink()
        cls.programme.tier_ids = [
            Command.create({'name': 'Base', 'sequence': 1}),
            Command.create(
                {
                    'name': 'Silver',
                    'sequence': 2,
                    'version_ids': [Command.create({'date_from': '2000-01-01', 'amount': 500})],
                }
            ),
        ]
        cls.programme.write({'date_start': '2024-01-01', 'automatic': False})
        cls.programme.action_start()
        cls.programme.opening_after = -1
        cls.base, cls.silver = cls.programme.tier_ids
        cls.members = cls.env['retail.membership']
        cls._no_rebuild()
        cls._process()

    @classmethod
    def _factor(cls, tier, factor):
        return cls.env['retail.privilege'].create(
            {
                'name': f'Factor {factor}',
                'kind': 'factor',
                'programme_id': cls.programme.id,
                'tier_ids': [Command.set(tier.ids)],
                'points_factor': factor,
            }
        )

    @classmethod
    def _join(cls, partner, tier=None):
        """Return the membership of a customer, whom staff give a tier until the end of the year."""
        member = cls.members._enrol(partner, cls.company)
        if tier:
            member._override(tier, date.today().replace(month=12, day=31), 'vip', 'Test')
        return member


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsClub(ClubCase):
    # === TIER FACTOR ===#

    def test_tier_multiplies_what_members_earn(self):
        """Silver earns 1.2 times, the lowest tier and strangers once; the entry keeps factor and tier (S-LOY-02)."""
        self._factor(self.silver, 1.2)
        self._join(self.bob, self.silver)
        self._join(self.acme)
        stranger = self.env['res.partner'].create({'name': 'Stranger'})
        found = {}
        for partner in (self.bob, self.ann, stranger):
            self._sell(partner, 100)
            entry = self._entries(self._card_of(partner))
            found[partner.name] = (entry.points, entry.tier_factor, entry.tier_id.name)
        self.assertEqual(
            found,
            {
                'Bob': (120, 1.2, 'Silver'),
                'Ann': (100, 1, 'Base'),
                'Stranger': (100, 1, False),
            },
        )

    def test_factor_of_the_confirmation_stays(self):
        """Returns and changes count with the factor of then, whatever tier the customer has by now (R-loy C.2)."""
        factor = self._factor(self.silver, 1.5)
        member = self._join(self.bob, self.silver)
        order = self._sell(self.bob, 100)
        invoice = self._create_invoice(order)
        changed = self._sell(self.bob, 100)
        card = self._card_of(self.bob)
        self.assertEqual(card.points, 300)
        factor.points_factor = 3
        member._leave('moved')
        self._create_refund(invoice, 40)
        self.assertEqual(card.points, 240)
        changed.order_line.price_unit = 200
        self.assertEqual(card.points, 390)
        later = self._sell(self.bob, 100)
        self.assertEqual(self._points(card, res_id=later.id), 100)
        self.assertAgrees(card)

    def test_tier_times_campaign_up_to_the_cap(self):
        """Tier factor times campaign factor, at most the cap; a return uses the factor of then (R-loy C.2)."""
        privilege = self._factor(self.silver, 2)
        self._join(self.bob, self.silver)
        self.env['retail.points.campaign'].create(
            {
                'name': 'Week',
                'company_id': self.company.root_id.id,
                'date_from': date.today() - timedelta(days=1),
                'date_to': date.today() + timedelta(days=1),
                'factor': 3,
            }
        )
        order = self._sell(self.bob, 100)
        card = self._card_of(self.bob)
        entry = self._entries(card)
        self.assertEqual((entry.points, entry.factor, entry.tier_factor), (500, 5, 2))
        invoice = self._create_invoice(order)
        privilege.active = False
        self._create_refund(invoice, 40)
        self.assertEqual(card.points, 300)
        order.order_line.write({'product_uom_qty': 2, 'price_unit': 100})
        self.assertEqual(order.coupon_point_ids.points, 1000)
        self.assertAgrees(card)

    def test_wallets_know_no_factor(self):
        """Money that is paid into an eWallet is not multiplied by a tier (R-loy C.2)."""
        self._factor(self.silver, 2)
        self._join(self.bob, self.silver)
        top_up = self._create_product('Top up', 50)
        wallet = self._create_program(
            program_type='ewallet',
            applies_on='future',
            rule={'product_ids': [Command.set(top_up.ids)]},
            reward_ids=[
                Command.clear(),
                Command.create(
                    {'reward_type': 'discount', 'discount_mode': 'per_point', 'discount': 1}
                ),
            ],
            trigger_product_ids=[Command.set(top_up.ids)],
        )
        card = self._give_card(self.bob, 0, wallet)
        order = self._create_order(self.bob, 10, confirm=False)
        order.order_line = [Command.create({'product_id': top_up.id, 'product_uom_qty': 1})]
        order._update_programs_and_rewards()
        order.action_confirm()
        self.assertEqual(card.points, 50)
        self.assertEqual(self._entries(card).factor, 1)
        self.assertEqual(self._points(self._card_of(self.bob)), 120)

    # === ONLY MEMBERS ===#

    def test_only_members_earn(self):
        """Where the program says so strangers and who left earn nothing; without a running club all earn (S-LOY-16)."""
        self._sell(self.bob, 10)
        card = self._card_of(self.bob)
        self.assertEqual(card.points, 10, 'off for programs that are there')
        self.program.retail_members_only = True
        self._sell(self.bob, 10)
        self.assertEqual(card.points, 10)
        member = self._join(self.bob)
        self._sell(self.bob, 10)
        self.assertEqual(card.points, 20)
        member._leave('moved')
        self._sell(self.bob, 10)
        self.assertEqual(card.points, 20)
        self.programme.automatic = True
        self._sell(self.bob, 10)
        self.assertEqual(card.points, 20, 'left: the purchase makes him no member')
        stranger = self.env['res.partner'].create({'name': 'Stranger'})
        self._sell(stranger, 10)
        self.assertEqual(self._card_of(stranger).points, 10, 'becomes a member by it')
        self.programme.state = 'draft'
        self._sell(self.bob, 10)
        self.assertEqual(card.points, 30, 'no club')

    def test_joining_earns_nothing_for_the_past(self):
        """A stranger's order that is changed after he joined earns nothing; a member's stays earned when he left."""
        self.program.retail_members_only = True
        with freeze_time('2026-03-02 12:00'):
            order = self._sell(self.bob, 10)
        with freeze_time('2026-03-04 12:00'):
            member = self._join(self.bob)
            order.order_line.price_unit = 50
            self.assertEqual(sum(self._card_of(self.bob).mapped('points')), 0)
            mine = self._sell(self.bob, 10)
            member._leave('moved')
            mine.order_line.price_unit = 20
        self.assertEqual(self._card_of(self.bob).points, 20)

    def test_members_only_costs_two_queries_more(self):
        """Asking whether the customer is a member costs the confirmation at most 2 queries (issue 6)."""
        self._join(self.bob)
        self._factor(self.silver, 1.2)
        counts = []
        for setting in (False, False, True, True):
            self.program.retail_members_only = setting
            order = self._create_order(self.bob, 10, confirm=False)
            order._update_programs_and_rewards()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            order.action_confirm()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[3] - counts[1], 2)

    # === SHIPPED PROGRAM ===#

    def test_shipped_program_waits_for_a_manager(self):
        """It acts once a manager starts it, and never beside a program that is used already (defaults 6)."""
        shipped = self.env.ref('retail_crm.loyalty_program_points')
        shipped.active = False
        programme = self.programme
        self.assertFalse(programme.can_start_points, 'a program is used')
        with self.assertRaises(UserError):
            programme.with_user(self.users['manager']).action_start_points()
        self.program.active = False
        programme.invalidate_recordset()
        self.assertTrue(programme.can_start_points)
        with self.assertRaises(AccessError):
            programme.with_user(self.users['lead']).action_start_points()
        programme.with_user(self.users['manager']).action_start_points()
        self.assertTrue(shipped.active)
        self.assertTrue(
            all(shipped.rule_ids.mapped('active') + shipped.reward_ids.mapped('active'))
        )

    def test_shipped_program_does_what_it_says(self):
        """1 point per 1.00 net, waiting, 12 months, welcome 100, 500 points = 5.00, half of an order (defaults 6)."""
        self.program.active = False
        shipped = self.env.ref('retail_crm.loyalty_program_points')
        shipped.active = True
        tax = self.env['account.tax'].create({'name': 'Ten', 'amount': 10})
        self.goods.taxes_id = tax
        self._join(self.bob)
        self._process()
        card = self._card_of(self.bob, shipped)
        self.assertEqual(card.points, 100)
        order = self._sell(self.bob, 99.9)
        entry = self._entries(card, res_id=order.id, res_model='sale.order')
        self.assertEqual((entry.points, entry.base_amount, entry.state), (99, 99.9, 'pending'))
        year, month = entry.date.year + 1, entry.date.month
        self.assertEqual(entry.expires_on, date(year, month, monthrange(year, month)[1]))
        self.ledger._grant(self.bob, 1400, self.bob, 'gift', 'Gift', program=shipped)
        big = self._create_order(self.bob, 12, confirm=False)
        big._update_programs_and_rewards()
        reward = shipped.reward_ids.filtered(lambda one: one.reward_type == 'discount')
        big._apply_program_reward(reward, card)
        # 13.20 with tax: at most 6.60, in steps of 5.00
        self.assertAlmostEqual(big.amount_total, 13.20 - 5)
        self.assertEqual(sum(big.order_line.mapped('points_cost')), 500)
        goods, service = (
            shipped.reward_ids.filtered(lambda one, kind=kind: one.reward_product_id.type == kind)
            for kind in ('consu', 'service')
        )
        self.assertTrue(goods and service.retail_voucher)

    # === REDEEMING ===#

    def _reward(self, **values):
        self.program.reward_ids = [Command.create({'required_points': 300, **values})]
        return self.program.reward_ids.sorted('id')[-1]

    def _redeem(self, reward, amount=20, partner=None):
        partner = partner or self.bob
        order = self._create_order(partner, amount, confirm=False)
        order._update_programs_and_rewards()
        order._apply_program_reward(reward, self._card_of(partner))
        return order

    def test_goods_for_points(self):
        """The order gets the free line and the ledger a negative entry; a second one is refused (S-LOY-03)."""
        tea = self._create_product('Milk tea', 4)
        reward = self._reward(reward_type='product', reward_product_id=tea.id)
        card = self._give_card(self.bob, 350)
        first, second = self._redeem(reward), self._redeem(reward)
        first.action_confirm()
        line = first.order_line.filtered('reward_id')
        self.assertEqual((line.product_id, line.price_total, line.points_cost), (tea, 0, 300))
        self.assertEqual(self._points(card, kind='burn'), -300)
        with self.assertRaises(ValidationError):
            second.action_confirm()
        self.assertEqual(card.points, 70)
        third = self._create_order(self.bob, 20, confirm=False)
        third._update_programs_and_rewards()
        self.assertTrue(third._apply_program_reward(reward, card).get('error'))
        self.assertAgrees(card)

    def test_discount_for_points(self):
        """Points are money off, at their value, and never more than there are (S-LOY-04)."""
        reward = self._reward(
            reward_type='discount', discount_mode='per_point', discount=0.01, required_points=100
        )
        card = self._give_card(self.bob, 550)
        first, second = self._redeem(reward), self._redeem(reward)
        # 550 and the 20 of the order, in steps of 100
        self.assertEqual((first.amount_total, second.amount_total), (15, 15))
        first.action_confirm()
        self.assertEqual(card.points, 550 - 500 + 20)
        with self.assertRaises(ValidationError):
            second.action_confirm()
        self.assertEqual(card.points, 70)
        self.assertAgrees(card)

    def test_service_for_points(self):
        """The order issues a voucher for those who render it; cancelled, the points and the voucher are back (S-LOY-05)."""
        care = self._create_product('Shoe care', 30)
        reward = self._reward(reward_type='product', reward_product_id=care.id, retail_voucher=True)
        card = self._give_card(self.bob, 300)
        order = self._redeem(reward)
        vouchers = self.env['retail.voucher']
        mine = [('partner_id', '=', self.bob.id)]
        self.assertFalse(vouchers.search(mine))
        order.action_confirm()
        order._retail_settle_points()
        voucher = vouchers.search(mine)
        self.assertEqual(
            (voucher.name, voucher.state, voucher.res_model, voucher.res_id, voucher.value),
            ('Shoe care', 'open', 'sale.order', order.id, 30),
        )
        self.assertEqual((voucher.valid_until - voucher.date).days, 90)
        order._action_cancel()
        self.assertEqual((voucher.state, voucher.taken_back, card.points), ('cancelled', True, 300))
        order.action_draft()
        order._update_programs_and_rewards()
        order._apply_program_reward(reward, card)
        order.action_confirm()
        again = vouchers.search(mine) - voucher
        self.assertEqual((again.state, card.points), ('open', 20))
        again.with_user(self.users['user']).action_render()
        order._action_cancel()
        self.assertEqual(again.state, 'rendered')

    def test_voucher_goes_with_returned_points(self):
        """A full return gives the points back and takes the open voucher; what a leader cancelled stays so (S-LOY-05)."""
        care = self._create_product('Shoe care', 30)
        reward = self._reward(reward_type='product', reward_product_id=care.id, retail_voucher=True)
        card = self._give_card(self.bob, 600)
        vouchers = self.env['retail.voucher']
        order = self._create_order(self.bob, 20, confirm=False)
        order._update_programs_and_rewards()
        order._apply_program_reward(reward, card)
        order.action_confirm()
        mine = vouchers.search([('partner_id', '=', self.bob.id)])
        self.assertEqual(len(mine), 2, 'core redeems as many as there are points')
        mine[0].with_user(self.users['lead']).action_cancel()
        order.order_line.filtered(lambda line: not line.reward_id).price_unit = 25
        self.assertEqual(sorted(mine.mapped('state')), ['cancelled', 'open'])
        self.assertEqual(vouchers.search_count([('partner_id', '=', self.bob.id)]), 2)
        self._create_refund(self._create_invoice(order))
        self.assertEqual(card.points, 600)
        self.assertEqual(set(mine.mapped('state')), {'cancelled'})

    def test_discounts_come_without_voucher(self):
        """A voucher is for a service (S-LOY-05)."""
        with self.assertRaises(ValidationError):
            self._reward(reward_type='discount', discount=5, retail_voucher=True)

    # === AT MOST A PART OF THE ORDER ===#

    def test_points_pay_at_most_a_part(self):
        """Discounts for points pay at most the share, in steps, all of them together (defaults 6)."""
        self.program.retail_max_share = 50
        steps = self._reward(
            reward_type='discount', discount_mode='per_point', discount=0.01, required_points=100
        )
        fixed = self.program.reward_ids - steps
        self._give_card(self.bob, 5000)
        # (amount, left to pay): 50 % of 20 is 10; of 5.50 it is 2.75, so 2 in steps of 1
        for amount, left in ((20, 10), (5.5, 3.5), (2, 1)):
            with self.subTest(amount=amount):
                self.assertAlmostEqual(self._redeem(steps, amount).amount_total, left)
        with self.assertRaises(UserError):
            self._redeem(steps, 1.9)
        with self.assertRaises(UserError):
            self._redeem(fixed, 9)
        order = self._redeem(fixed, 14)
        self.assertEqual(order.amount_total, 9)
        offered = order._get_claimable_rewards()
        self.assertEqual(offered[self._card_of(self.bob)], steps)
        order._apply_program_reward(steps, self._card_of(self.bob))
        self.assertEqual(order.amount_total, 7)
        self.assertFalse(self._create_order(self.bob, 1, confirm=False)._get_claimable_rewards())
        order.order_line.filtered(lambda line: not line.reward_id).price_unit = 11
        order._update_programs_and_rewards()
        self.assertEqual(order.amount_total, 6, '5 and nothing of the steps: 0.50 is no step')

    def test_no_limit_as_shipped_by_odoo(self):
        """A program that was there before has no limit: points pay all of an order (style 2)."""
        self._give_card(self.bob, 5000)
        self.assertEqual(self._redeem(self.program.reward_ids, 5).amount_total, 0)
        self.assertIn(
            self.program.reward_ids,
            self._create_claims(5),
        )

    def _create_claims(self, amount):
        order = self._create_order(self.bob, amount, confirm=False)
        order._update_programs_and_rewards()
        return order._get_claimable_rewards()[self._card_of(self.bob)]
