"""Who belongs to a segment: rules and conditions, entering and leaving, incrementally and in full (S-SEG-01)."""

import random
from datetime import date, timedelta
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .segment_common import NOW, SegmentCase

TODAY = NOW.date()


def months_before(day, months):
    """The same day of the month so many months earlier; the tests use days that all months have."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, day.day)


@tagged('post_install', '-at_install', 'retail_crm')
class TestSegmentConditions(SegmentCase):
    """Membership equals what plain Python says of the same purchases, condition by condition."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        chance = random.Random(19)
        edges = [months_before(TODAY, months) for months in (3, 6, 12)]
        days = [
            *edges,
            *(day + timedelta(days=1) for day in edges),
            *(day - timedelta(days=1) for day in edges),
            TODAY,
            TODAY - timedelta(days=40),
        ]
        goods = [cls.espresso, cls.juice, cls.novel]
        cls.sales = []
        for partner in cls.people[:7]:
            for _number in range(chance.randint(1, 6)):
                lines = [
                    (product, chance.choice([10, 25, 40]), chance.choice([0, 0, 50]))
                    for product in chance.sample(goods, chance.randint(1, 2))
                ]
                day, store = chance.choice(days), chance.choice([cls.north, cls.south])
                cls._sell(partner, day, *lines, store=store)
                cls.sales.append((partner, day, store, lines))
        cls._process()

    def _expected(self, months=12, count=1, amount=0, goods=None, store=None, percent=None):
        """Who fulfils a condition, from the sales as they were made."""
        start = months_before(TODAY, months) if months else date.min
        found = self.people.browse()
        for partner in self.people:
            sales = [
                [(product, price * (100 - off) / 100, off) for product, price, off in lines]
                for who, day, where, lines in self.sales
                if who == partner and start < day <= TODAY and where in (store or where)
            ]
            if goods is not None:
                sales = [sale for sale in sales if any(line[0] in goods for line in sale)]
            value = sum(
                price
                for sale in sales
                for product, price, _off in sale
                if goods is None or product in goods
            )
            fits = len(sales) >= count and value >= amount
            if percent is not None:
                cheap = sum(any(off for _product, _price, off in sale) for sale in sales)
                fits = len(sales) >= count and 100 * cheap >= percent * len(sales)
            if fits:
                found |= partner
        return found

    def _check(self, expected, **condition):
        """Check a condition and its opposite, over all customers and over these only."""
        condition.setdefault('kind', 'bought')
        segment = self._segment("[('ref', '=', 'seg')]", condition)
        self.assertEqual(self._in(segment), expected)
        segment._members().unlink()
        segment._recompute(self.people)
        self.assertEqual(self._in(segment), expected, 'incrementally')
        if condition['kind'] == 'bought':
            opposite = self._segment("[('ref', '=', 'seg')]", {**condition, 'kind': 'not_bought'})
            self.assertEqual(self._in(opposite), self.people - expected)
        return expected

    def test_window_of_months(self):
        """Purchases count from the day after N months ago to today; 0 months: of all time (design 5.1, S-SEG-01)."""
        sizes = set()
        for months in (0, 3, 6, 12):
            with self.subTest(months=months):
                sizes.add(len(self._check(self._expected(months), months=months)))
        self.assertGreater(len(sizes), 1, 'the window matters')

    def test_number_of_purchases(self):
        """Exactly N purchases are enough, one less is not (S-SEG-01)."""
        for count in range(1, 7):
            with self.subTest(count=count):
                self._check(self._expected(12, count), months=12, min_count=count)

    def test_amount(self):
        """Exactly the amount is enough (S-SEG-19: value)."""
        for amount in (10, 25, 50, 75, 100, 150):
            with self.subTest(amount=amount):
                self._check(self._expected(0, 1, amount), months=0, min_amount=amount)

    def test_products_and_categories(self):
        """Goods by product or category with all below it; the amount is that of these goods (S-SEG-01)."""
        drinks = self.espresso | self.juice
        for goods, values in (
            (drinks, {'category_ids': [Command.set(self.drinks.ids)]}),
            (self.espresso, {'category_ids': [Command.set(self.coffee.ids)]}),
            (self.novel, {'product_ids': [Command.set(self.novel.ids)]}),
            (
                self.espresso | self.novel,
                {
                    'category_ids': [Command.set(self.coffee.ids)],
                    'product_ids': [Command.set(self.novel.ids)],
                },
            ),
        ):
            for count, amount in ((1, 0), (2, 0), (1, 40), (2, 60)):
                with self.subTest(goods=goods.mapped('name'), count=count, amount=amount):
                    self._check(
                        self._expected(12, count, amount, goods),
                        months=12,
                        min_count=count,
                        min_amount=amount,
                        **values,
                    )

    def test_stores_and_channels(self):
        """Purchases in a store, or on the channel of a store (S-SEG-19: behaviour)."""
        expected = self._expected(12, 1, store=self.south)
        self.assertNotEqual(expected, self._expected(12, 1))
        self._check(expected, store_ids=[Command.set(self.south.ids)])
        self._check(expected, channel_ids=[Command.set(self.app.ids)])

    def test_discounted_share(self):
        """At least P % of the purchases were with a discounted line; exactly P % is enough (S-SEG-01)."""
        for percent in (0, 33, 50, 70, 100):
            for count in (1, 2, 3):
                with self.subTest(percent=percent, count=count):
                    self._check(
                        self._expected(0, count, percent=percent),
                        kind='discount',
                        months=0,
                        min_count=count,
                        percent=percent,
                    )

    def test_all_or_any(self):
        """All conditions with the rule, or at least one of them; an empty rule is none of the alternatives (S-SEG-01)."""
        drinks = {'kind': 'bought', 'category_ids': [Command.set(self.drinks.ids)]}
        never = {'kind': 'not_bought', 'months': 0}
        rule = "[('name', '=', 'Segment B')]"
        bought = self._expected(12, 1, goods=self.espresso | self.juice)
        nothing = self.people - self._expected(0)
        second = self.people[1]
        self.assertTrue(bought and nothing)
        self.assertEqual(self._in(self._segment(rule, drinks)), bought & second)
        both = self._segment(rule, drinks, never, match='any')
        self.assertEqual(self._in(both) & self.people, bought | nothing | second)
        self.assertEqual(self._in(self._segment('[]', drinks, match='any')), bought)

    def test_reward_is_a_discount(self):
        """A purchase with a reward line was with a discount, a payment by eWallet was not (S-SEG-01)."""
        program = self.env['loyalty.program'].create(
            {
                'name': 'Ten off',
                'program_type': 'promotion',
                'trigger': 'auto',
                'rule_ids': [Command.create({})],
                'reward_ids': [Command.create({'reward_type': 'discount', 'discount': 10})],
            }
        )
        wallet = self.env['loyalty.program'].create(
            {
                'name': 'Wallet',
                'program_type': 'ewallet',
                'trigger': 'auto',
                'applies_on': 'future',
                'reward_ids': [
                    Command.create(
                        {'reward_type': 'discount', 'discount_mode': 'per_point', 'discount': 1}
                    )
                ],
            }
        )
        rewarded, paid = self.env['res.partner'].create([{'name': 'Rewarded'}, {'name': 'Paid'}])
        for partner, reward in ((rewarded, program.reward_ids), (paid, wallet.reward_ids)):
            order = self._sell(partner, TODAY, (self.novel, 20, 0))
            order.order_line = [
                Command.create(
                    {
                        'name': 'Reward',
                        'product_id': self.goods.id,
                        'price_unit': -2,
                        'reward_id': reward.id,
                    }
                )
            ]
        self._process()
        segment = self._segment('[]', {'kind': 'discount', 'percent': 100})
        self.assertIn(rewarded, segment._members().partner_id)
        self.assertNotIn(paid, segment._members().partner_id)

    def test_invoices_as_basis(self):
        """Where purchases are invoices, conditions read the lines of invoices (design 4.2)."""
        company = self.company_2
        self.env['account.chart.template'].try_loading('generic_coa', company)
        company.retail_purchase_basis = 'invoice'
        env = self.env(context={**self.env.context, 'allowed_company_ids': company.ids})
        self.env.user.company_ids |= company
        self._no_rebuild()
        partners = self.people[:2].with_env(env)
        for partner, product, discount in zip(
            partners, (self.espresso, self.novel), (0, 20), strict=True
        ):
            env['account.move'].create(
                {
                    'move_type': 'out_invoice',
                    'partner_id': partner.id,
                    'invoice_date': TODAY,
                    'invoice_line_ids': [
                        Command.create(
                            {
                                'product_id': product.id,
                                'price_unit': 50,
                                'discount': discount,
                                'tax_ids': False,
                            }
                        )
                    ],
                }
            ).action_post()
        self._process()
        coffee = {'category_ids': [Command.set(self.drinks.ids)], 'min_amount': 50}
        for expected, condition in (
            (partners[0], coffee),
            (partners[1], {'kind': 'discount', 'percent': 100}),
        ):
            segment = self._segment('[]', condition, company_id=company.id)
            self.assertEqual(segment._members().partner_id, expected)

    def test_consents(self):
        """Who agreed to a purpose, on any channel or on one, and who did not (S-SEG-01, ready segment)."""
        consents = self.env['retail.consent']
        first, second, third = self.people[:3]
        consents._record(first, {('marketing', self.app): True}, 'shop')
        consents._record(second, {('marketing', self.till): True}, 'shop')
        consents._record(third, {('marketing', self.app): True}, 'shop')
        consents._record(third, {('marketing', self.app): False}, 'shop')
        rule = "[('ref', '=', 'seg')]"
        agreed = self._segment(rule, {'kind': 'consent', 'purpose': 'marketing'})
        self.assertEqual(self._in(agreed), first | second)
        app = {'kind': 'consent', 'channel_ids': [Command.set(self.app.ids)]}
        self.assertEqual(self._in(self._segment(rule, app)), first)
        others = self._segment(rule, {'kind': 'no_consent', 'purpose': 'marketing'})
        self.assertEqual(self._in(others), self.people - first - second)
        consents._record(first, {('marketing', self.app): False}, 'portal')
        self._process()
        self.assertEqual(self._in(agreed), second, 'a withdrawal acts within minutes')
        self.assertIn(first, self._in(others))


@tagged('post_install', '-at_install', 'retail_crm')
class TestSegmentMembers(SegmentCase):
    """Entering, leaving, coming back, and who is no customer."""

    def test_only_customers(self):
        """Contacts of companies, archived contacts, no customers and those of other companies stay out (S-CUS-26)."""
        Partner = self.env['res.partner']
        Partner.create(
            [
                {'name': 'Out', 'retail_customer': False},
                {'name': 'Out', 'active': False},
                {'name': 'Out', 'company_id': self.company_2.id},
                {'name': 'Out', 'parent_id': self.acme.id},
            ]
        )
        inside = Partner.create({'name': 'Out', 'company_id': self.company.id})
        for rule in (
            "[('name', '=', 'Out')]",
            "[('name', '=', 'Out'), ('active', 'in', [True, False])]",
        ):
            segment = self._segment(rule)
            self.assertEqual(segment._members().partner_id, inside)
            self.assertEqual(segment.member_count, 1)
        segment = self._segment(rule, {'kind': 'bought'}, match='any')
        self.assertEqual(segment._members().partner_id, inside)

    def test_refused_profiling(self):
        """Who withdrew the consent to profiling is left out, unless the segment says otherwise (S-SEG-01)."""
        self.env['retail.consent.text'].create(
            {'version': 'seg', 'purpose': 'profiling', 'text': '<p>We sort you.</p>'}
        )
        consents, none = self.env['retail.consent'], self.env['retail.channel']
        refusing, agreeing, other = self.people[:3]
        consents._record(refusing, {('profiling', none): True}, 'shop')
        consents._record(agreeing, {('profiling', none): True}, 'shop')
        consents._record(other, {('profiling', none): False}, 'shop', company=self.company_2)
        rule = "[('ref', '=', 'seg')]"
        segment = self._segment(rule)
        service = self._segment(rule, exclude_refused=False)
        self.assertEqual(self._in(segment), self.people)
        consents._record(refusing, {('profiling', none): False}, 'portal')
        self._process()
        self.assertEqual(self._in(segment), self.people - refusing)
        self.assertEqual(self._in(service), self.people)

    def test_enter_leave_return(self):
        """Who leaves and comes back has two rows, with days and reasons; counts follow (S-SEG-01, S-CUS-28)."""
        customer = self.people[0]
        segment = self._segment("[('ref', '=', 'seg'), ('function', '=', 'VIP')]")
        self.assertFalse(self._in(segment))
        customer.function = 'VIP'
        self._process()
        self.assertEqual(self._rows(segment, customer), [('2026-06-15', 'customer', False, False)])
        self.assertEqual((segment.member_count, segment.entered_count), (1, 1))
        with freeze_time('2026-06-20 12:00:00'):
            customer.function = False
            self._process()
            self.assertEqual((segment.member_count, segment.left_count), (0, 1))
        with freeze_time('2026-07-01 12:00:00'):
            customer.function = 'VIP'
            self._process()
        self.assertEqual(
            self._rows(segment, customer),
            [
                ('2026-06-15', 'customer', '2026-06-20', 'customer'),
                ('2026-07-01', 'customer', False, False),
            ],
        )

    def test_second_run_writes_nothing(self):
        """A run in which nothing changed writes no member (S-SYS-10: idempotent)."""
        segment = self._segment("[('ref', '=', 'seg')]")
        before = self._written()
        self.assertEqual(segment._recompute(), (0, 0))
        segment._recompute(self.people)
        self.assertEqual(self._written(), before)

    def test_changed_rule_is_quiet(self):
        """Who enters or leaves because the rule changed is marked so and no movement (S-SEG-01)."""
        segment = self._segment("[('name', '=', 'Segment A')]")
        first, second = self.people[:2]
        self.assertEqual(self._rows(segment, first), [('2026-06-15', 'rule', False, False)])
        segment.domain = "[('name', '=', 'Segment B')]"
        self.assertTrue(segment.is_pending)
        second.name = 'Segment B'  # a moment in between does not enter one by one
        self._process()
        self.assertEqual(self._in(segment), first)
        segment._recompute()
        self.assertFalse(segment.is_pending)
        self.assertEqual(self._in(segment), second)
        self.assertEqual(self._rows(segment, first), [('2026-06-15', 'rule', '2026-06-15', 'rule')])
        self.assertEqual((segment.entered_count, segment.left_count), (0, 0))
        for change in (
            {'match': 'any'},
            {'exclude_refused': False},
            {'condition_ids': [Command.create({'kind': 'bought'})]},
        ):
            segment._recompute()
            segment.write(change)
            self.assertTrue(segment.is_pending, change)
        segment._recompute()
        segment.condition_ids.months = 3
        self.assertTrue(segment.is_pending)
        segment._recompute()
        segment.name = 'Other'
        self.assertFalse(segment.is_pending)

    def test_archived_and_unflagged(self):
        """An archived customer, one who is none any more, and one who became a contact leave, and it says so."""
        archived, unflagged, contact = self.people[:3]
        segment = self._segment("[('ref', '=', 'seg')]")
        archived.active = False
        unflagged.retail_customer = False
        contact.parent_id = self.acme
        self._process()
        self.assertEqual(self._in(segment), self.people[3:])
        for partner in (archived, unflagged, contact):
            self.assertEqual(self._rows(segment, partner)[-1][2:], ('2026-06-15', 'archived'))
        archived.active = True
        self._process()
        self.assertIn(archived, self._in(segment))
        self.assertEqual(segment.member_count, len(segment._members()))

    def test_merge_keeps_history_and_one_open_row(self):
        """Merging keeps all rows of both, and of each segment the oldest open one (design 4.3)."""
        source, destination = self.people[:2]
        segment = self._segment("[('ref', '=', 'seg')]")
        only_source = self._segment("[('name', '=', 'Segment A')]")
        row = segment._members().filtered(lambda member: member.partner_id == source)
        row.entered_on = '2026-01-01'
        self.env.flush_all()
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([source.id, destination.id], destination)
        self.assertFalse(source.exists())
        self.assertEqual(
            sorted(self._rows(segment, destination)),
            [
                ('2026-01-01', 'rule', False, False),
                ('2026-06-15', 'rule', '2026-06-15', 'merged'),
            ],
        )
        self.assertEqual(segment.member_count, len(segment._members()))
        self._process()
        self.assertEqual(self._rows(only_source, destination)[-1][3], 'customer')
        self.assertEqual(only_source.member_count, 0)

    def test_deleted_contact(self):
        """A contact that may be deleted takes its rows along."""
        segment = self._segment("[('ref', '=', 'seg')]")
        self.people[0].unlink()
        self.assertEqual(segment.member_count, len(segment._members()))
        self.assertEqual(self._in(segment), self.people[1:])

    def test_incremental_equals_full(self):
        """After any changes, what moments did is what a full run would do (design 4.3)."""
        chance = random.Random(7)
        segments = (
            self._segment("[('ref', '=', 'seg'), ('retail_order_count', '>', 1)]")
            + self._segment("[('ref', '=', 'seg')]", {'min_count': 2, 'months': 6})
            + self._segment("[('retail_spend_12m', '>=', 100), ('ref', '=', 'seg')]")
            + self._segment("[('function', '=', 'VIP')]", {'kind': 'discount'}, match='any')
            + self._segment("[('retail_lifecycle', '=', 'new'), ('ref', '=', 'seg')]")
        )
        orders = self.env['sale.order']
        for step in range(12):
            partner = chance.choice(self.people)
            match step % 4:
                case 0 | 1:
                    orders |= self._sell(
                        partner, TODAY - timedelta(days=step), (self.novel, 60, step % 2 * 10)
                    )
                case 2:
                    partner.function = chance.choice(['VIP', False])
                case 3:
                    chance.choice(orders)._action_cancel()
        self._process()
        before = {segment: self._in(segment) for segment in segments}
        self.assertTrue(any(before.values()))
        self.assertEqual(segments._recompute(), (0, 0))

    def test_two_companies(self):
        """A segment looks at the figures, purchases and consents of its own company (design 4.2)."""
        here, there = self.people[:2]
        self._sell(here, TODAY, (self.novel, 20, 0))
        self._create_order(there, 20, f'{TODAY} 10:00:00', company_id=self.company_2.id)
        self._process()
        for company, expected in ((self.company, here), (self.company_2, there)):
            for rule, conditions in (
                ("[('retail_order_count', '=', 1)]", []),
                ('[]', [{'kind': 'bought'}]),
            ):
                segment = self._segment(rule, *conditions, company_id=company.id)
                with self.subTest(company=company.name, rule=rule):
                    self.assertEqual(self._in(segment), expected)

    def test_orders_of_other_companies(self):
        """A rule through orders is about those of the segment's company, who computes it (design 7)."""
        here, there = self.people[:2]
        self._sell(here, TODAY, (self.novel, 20, 0))
        self._create_order(there, 20, f'{TODAY} 10:00:00', company_id=self.company_2.id)
        for rule, both in (
            ("[('sale_order_ids.amount_untaxed', '=', 20)]", False),
            ("[('sale_order_ids', 'any', [('amount_untaxed', '=', 20)])]", False),
            ("[('sale_order_ids', '!=', False)]", False),
            ("['!', ('sale_order_ids', '=', False)]", False),
            ("[('sale_order_ids.company_id', '!=', False)]", False),
            ("['|', ('sale_order_ids.amount_untaxed', '=', 20), ('ref', '=', 'seg')]", True),
        ):
            for company, expected in ((self.company, here), (self.company_2, there)):
                segment = self._segment(rule, company_id=company.id)
                with self.subTest(rule=rule, company=company.name):
                    self.assertEqual(
                        self._in(segment) & (here | there),
                        expected | (here | there if both else here.browse()),
                    )

    def test_branch(self):
        """A branch's user makes segments of the main company and sees its customers (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        user = new_test_user(
            self.env,
            login='retail_branch_marketing',
            groups='retail_crm.group_marketing',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        self._create_order(self.people[0], 20, f'{TODAY} 10:00:00', company_id=branch.id)
        self._process()
        env = self.env(user=user, context={'allowed_company_ids': branch.ids}, su=False)
        segment = env['retail.segment'].create(
            {
                'name': 'Branch',
                'domain': "[('retail_order_count', '=', 1)]",
                'condition_ids': [Command.create({'kind': 'bought'})],
            }
        )
        self.assertEqual(segment.company_id.id, self.company.id)
        segment.show_preview = True
        self.assertEqual(segment.preview_count, 1)
        segment.action_recompute()
        self.assertEqual(segment.member_count, 1)
        self.assertEqual(
            env['res.partner'].search([('retail_segment_ids', 'in', segment.ids)]), self.people[0]
        )

    # === SCHEDULED ACTION ===#

    def _night(self, hours=24):
        """Run the scheduled action so many hours from now, without its commits."""
        with (
            freeze_time(NOW.replace(day=NOW.day + hours // 24)),
            patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *a, **k: 99),
        ):
            self.segments._cron_segments()

    def test_failing_segment_does_not_stop_others(self):
        """A rule whose field vanished keeps its customers and shows its error; the others are computed (bad input)."""
        good = self._segment("[('name', '=', 'Segment A')]", sequence=2)
        bad = self._segment("[('name', '=', 'Segment B')]", sequence=1)
        self.env.cr.execute(
            'UPDATE retail_segment SET domain = %s WHERE id = %s', ["[('gone', '=', 1)]", bad.id]
        )
        self.env.invalidate_all()
        self.people[2].name = 'Segment A'
        with mute_logger('odoo.addons.retail_crm.models.customer.retail_segment_refresh'):
            self._night()
        self.assertEqual(self._in(good), self.people[0] | self.people[2])
        self.assertFalse(good.error)
        self.assertEqual(self._in(bad), self.people[1])
        self.assertIn('gone', bad.error)
        self.assertIn(bad, self.segments.search([('error', '!=', False)]))
        self.assertGreater(bad.attempted_at, bad.computed_at)
        with mute_logger('odoo.addons.retail_crm.models.customer.retail_segment_refresh'):
            self._process()  # nor does it stop moments
        bad.domain = "[('name', '=', 'Segment B')]"
        self._night()
        self.assertFalse(bad.error)

    def test_killed_in_between_resumes(self):
        """A run that ends after some segments goes on with the others, and does none of them twice (design 9)."""
        segments = self.segments.browse()
        for number in range(4):
            segments += self._segment("[('ref', '=', 'seg')]", sequence=number)
        done = []

        def compute(self):
            if len(done) == 2:
                raise SystemExit  # the worker is gone
            done.append(self.id)
            self._note_computed(0)
            return self.browse()

        with patch.object(type(segments), '_recompute_safely', compute):
            killed = False
            try:  # assertRaises would undo what the real run has committed
                self._night()
            except SystemExit:
                killed = True
            self.assertTrue(killed)
        done_first, done = list(done), []
        with patch.object(
            type(segments),
            '_recompute_safely',
            lambda self: done.append(self.id) or self._note_computed(0),
        ):
            self._night()
            self._night()
        self.assertEqual(sorted(done_first + done), sorted(segments.ids))

    def test_busy(self):
        """While another process computes, the button says so and moments wait (design 4.3)."""
        segment = self._segment("[('ref', '=', 'seg'), ('function', '=', 'VIP')]")
        with patch.object(type(segment), '_try_lock', lambda self: False):
            answer = segment.action_recompute()
            self.assertEqual(answer['params']['type'], 'warning')
            self.people[0].function = 'VIP'
            self._process()
            self.assertFalse(self._in(segment))
        with freeze_time('2026-06-15 12:05:00'):
            self._process()
        self.assertEqual(self._in(segment), self.people[0])
