"""What an evaluation of a programme measures, beside a computation of its own in plain Python (S-LOY-01, 19, 28, KPI-21)."""

from datetime import date, timedelta
from random import Random

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase

COLUMNS = ('population', 'customer_count', 'returning_count', 'purchase_count', 'amount')


class EvaluationCase(TierCase):
    """The programme of ``TierCase`` and what was bought, noted beside it as plain ``[customer, day, amount]``."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.evaluations = cls.env['retail.programme.evaluation']
        cls.people = cls.env['res.partner'].create(
            [{'name': f'Customer {number}', 'retail_customer': True} for number in range(8)]
        )

    def setUp(self):
        super().setUp()
        self.facts = []

    def _shop(self, partner, amount, day):
        self.facts.append([partner.id, date.fromisoformat(day), amount])
        return self._buy(partner, amount, day)

    def _measured(self, start, end, on='2025-12-31', **values):
        """Return the measured evaluation of a period."""
        with freeze_time(f'{on} 12:00:00'):
            evaluation = self.evaluations.create(
                {
                    'programme_id': self.programme.id,
                    'period': 'free',
                    'date_from': start,
                    'date_to': end,
                    **values,
                }
            )
            evaluation.action_measure()
        return evaluation

    def _line(self, evaluation, group, tier=None):
        return evaluation.line_ids.filtered(
            lambda line: line.group == group and line.tier_id == (tier or self.env['retail.tier'])
        )

    # === THE SAME IN PLAIN PYTHON ===#

    def _members_on(self, day):
        """Return ``{customer: tier}`` on a day, from the history as it is listed."""
        held = {}
        for move in self.env['retail.tier.move'].search(
            [('company_id', '=', self.company.id)], order='id'
        ):
            if move.date <= day:
                held[move.partner_id.id] = move.to_tier_id.id
        return {partner: tier for partner, tier in held.items() if tier}

    def _expected(self, start, end, members=None):
        """Return the figures of a group (None: everybody) in a period from the noted facts."""
        customers = {}
        for partner, day, amount in self.facts:
            if start <= day <= end and (members is None or partner in members):
                customers.setdefault(partner, []).append((day, amount))
        returning = sum(
            any(
                earlier < day
                for other, earlier, amount in self.facts
                if other == partner and amount
                for day, bought in rows
                if bought
            )
            for partner, rows in customers.items()
        )
        bought = {
            partner: rows
            for partner, rows in customers.items()
            if any(amount for _day, amount in rows)
        }
        amounts = [amount for rows in bought.values() for _day, amount in rows if amount]
        return {
            'population': len(bought) if members is None else len(members),
            'customer_count': len(bought),
            'returning_count': returning,
            'purchase_count': len(amounts),
            'amount': sum(amounts),
        }

    def _assert_group(self, line, expected):
        self.assertEqual({name: line[name] for name in COLUMNS}, expected)


@tagged('post_install', '-at_install', 'retail_crm')
class TestEvaluation(EvaluationCase):
    def test_figures_of_all_groups(self):
        """Members, others and tiers add up as a plain computation says, with returns, ties and who left (S-LOY-19)."""
        random = Random(5)
        days = ['2024-01-31', '2024-02-01', '2024-02-28', '2024-02-29', '2024-03-01', '2024-03-31']
        orders = []
        for _number in range(24):
            partner = random.choice(self.people[:7])
            day = random.choice(days)
            orders.append((day, partner, random.choice([100, 260, 500])))
        made = [
            self._shop(partner, amount, day) for day, partner, amount in sorted(orders, key=str)
        ]
        # one comes back as a whole, of another a part
        by_order = dict(zip(made, self.facts, strict=True))
        whole, part = made[3], next(order for order in made if by_order[order][2] == 500)
        self._return(whole, None, '2024-04-02')
        self._return(part, 150, '2024-04-03')
        by_order[whole][2] = 0
        by_order[part][2] -= 150
        with freeze_time('2024-02-20 12:00:00'):
            self.members._enrol(self.people[7])  # never buys anything
        with freeze_time('2024-03-31 12:00:00'):
            self._member(self.people[0]).action_leave()
        with freeze_time('2024-04-01 12:00:00'):
            self._member(self.people[1]).action_leave()
        for start, end in (
            (date(2024, 2, 1), date(2024, 2, 29)),
            (date(2024, 2, 29), date(2024, 2, 29)),
            (date(2024, 3, 1), date(2024, 3, 31)),
            (date(2024, 1, 1), date(2024, 4, 30)),
        ):
            with self.subTest(start=start, end=end):
                evaluation = self._measured(start, end)
                held = self._members_on(end)
                others = {partner for partner, *_rest in self.facts} - set(held)
                self._assert_group(
                    self._line(evaluation, 'member'), self._expected(start, end, held)
                )
                other = self._expected(start, end, others)
                self._assert_group(
                    self._line(evaluation, 'other'),
                    {**other, 'population': other['customer_count']},
                )
                for tier in self.programme.tier_ids:
                    group = {partner for partner, tier_id in held.items() if tier_id == tier.id}
                    self._assert_group(
                        self._line(evaluation, 'tier', tier), self._expected(start, end, group)
                    )
                everybody = self._expected(start, end)
                line = self._line(evaluation, 'all')
                self.assertEqual(
                    {name: line[name] for name in COLUMNS[1:]},
                    {name: everybody[name] for name in COLUMNS[1:]},
                )
                bought = self._expected(start, end, held)['customer_count']
                self.assertEqual(evaluation.member_count, len(held))
                self.assertAlmostEqual(
                    evaluation.participation, 100 * bought / len(held), delta=0.06
                )
                self.assertAlmostEqual(
                    line.frequency,
                    everybody['purchase_count'] / (everybody['customer_count'] or 1),
                    delta=0.006,
                )
                self.assertAlmostEqual(
                    line.amount_per_purchase,
                    everybody['amount'] / (everybody['purchase_count'] or 1),
                    delta=0.006,
                )
        # somebody rose between the two ends, or today's tier would do as well
        self.assertNotEqual(self._members_on(date(2024, 2, 1)), self._members_on(date(2024, 3, 30)))

    def test_tier_of_the_end_of_the_period(self):
        """The tier is the one held at the end of the period, not today's (S-LOY-19)."""
        self._shop(self.bob, 600, '2024-02-10')
        self._shop(self.bob, 600, '2024-03-10')
        february = self._measured('2024-02-01', '2024-02-29')
        march = self._measured('2024-03-01', '2024-03-31')
        self.assertEqual(self._line(february, 'tier', self.silver).purchase_count, 1)
        self.assertEqual(self._line(february, 'tier', self.gold).population, 0)
        self.assertEqual(self._line(march, 'tier', self.gold).purchase_count, 1)
        self.assertEqual((february.up_count, march.up_count), (1, 1))

    def test_returning_customers(self):
        """Who bought on an earlier day returned, before the period or in it; twice on a day did not (S-KPI-21)."""
        one, two, three = self.people[:3]
        self._shop(one, 10, '2024-02-29')
        self._shop(one, 10, '2024-03-01')
        self._shop(two, 10, '2024-03-05')
        self._shop(two, 10, '2024-03-05')
        order = self._shop(three, 10, '2024-01-05')
        self._shop(three, 10, '2024-03-05')
        march = self._measured('2024-03-01', '2024-03-31')
        self.assertEqual(self._line(march, 'all').returning_count, 2)
        self._return(order, None, '2024-04-01')  # it was the only earlier one
        with freeze_time('2025-01-01'):
            march.action_measure()
        self.assertEqual(self._line(march, 'all').returning_count, 1)

    def test_day_of_the_company(self):
        """A purchase belongs to the day it was where the company is (S-KPI-21)."""
        self.company.resource_calendar_id.tz = 'America/New_York'
        self._no_rebuild()
        self._create_order(self.bob, 50, '2024-03-01 02:00:00')
        self._process()
        leap_day = self._measured('2024-02-29', '2024-02-29')
        march = self._measured('2024-03-01', '2024-03-31')
        self.assertEqual(self._line(leap_day, 'all').amount, 50)
        self.assertEqual(self._line(march, 'all').amount, 0)

    def test_credit_without_document(self):
        """A credit note that belongs to no order lowers the amount, and makes nobody a customer (S-LOY-19)."""
        self.company.retail_purchase_basis = 'invoice'
        self._no_rebuild()
        self._buy(self.bob, 100, '2024-03-05')
        self._create_note(30, day='2024-03-20')
        self._create_note(5, day='2024-03-20', partner_id=self.acme.id)
        self._process()
        march = self._measured('2024-03-01', '2024-03-31')
        line = self._line(march, 'all')
        self.assertEqual((line.customer_count, line.purchase_count, line.amount), (1, 1, 65))

    def test_nobody(self):
        """Without members and purchases all figures are 0, and the words say so (S-LOY-19)."""
        evaluation = self._measured('2024-02-01', '2024-02-29')
        self.assertEqual(
            (evaluation.member_count, evaluation.participation, evaluation.goal_value), (0, 0, 0)
        )
        self.assertEqual(len(evaluation.line_ids), 8)
        self.assertIn('no members', evaluation.explanation)
        self.assertFalse(evaluation.comparison)

    def test_before_and_after_joining(self):
        """The same members, as many days before and after the day they joined; others are left out (S-LOY-19)."""
        self.programme.automatic = False
        long, fresh, late, back = self.people[:4]
        for partner, days in {
            long: ['2024-01-02', '2024-05-31', '2024-06-01', '2024-06-29', '2024-06-30']
            + ['2024-07-01', '2024-07-20', '2024-07-30', '2024-07-31'],
            fresh: ['2024-06-20', '2024-07-10'],  # no customer yet when the period before began
            late: ['2024-01-02', '2024-08-20'],  # not a member for long enough
            back: ['2024-01-02', '2024-06-10', '2024-07-05'],  # left, and joined again later
        }.items():
            for day in days:
                self._shop(partner, 10, day)
        for partner, day in (
            (long, '2024-06-30'),
            (fresh, '2024-06-30'),
            (late, '2024-08-10'),
            (back, '2024-05-01'),
        ):
            with freeze_time(f'{day} 13:00:00'):
                self.members._enrol(partner)
        with freeze_time('2024-06-01 12:00:00'):
            self._member(back).action_leave()
        with freeze_time('2024-06-25 12:00:00'):
            self.members._enrol(back)
        august = self._measured('2024-08-01', '2024-08-30')  # 30 days
        self.assertEqual(august.compared_count, 2)
        expected = {'before': [0, 0, 0], 'after': [0, 0, 0]}
        for partner, joined in ((long, date(2024, 6, 30)), (back, date(2024, 6, 25))):
            for side, first, last in (('before', -30, -1), ('after', 1, 30)):
                figures = self._expected(
                    joined + timedelta(days=first), joined + timedelta(days=last), {partner.id}
                )
                for place, name in enumerate(('customer_count', 'purchase_count', 'amount')):
                    expected[side][place] += figures[name]
        for side, values in expected.items():
            line = self._line(august, side)
            with self.subTest(side=side):
                self.assertEqual(line.population, 2)
                self.assertEqual([line.customer_count, line.purchase_count, line.amount], values)
        self.assertEqual(expected['before'][1], 4, 'May 31, June 1, June 29, and June 10')
        self.assertIn('2 members', august.explanation)
        # a day earlier the last of the thirty days was not over
        self.assertEqual(self._measured('2024-07-01', '2024-07-29').compared_count, 2)
        self.assertEqual(self._measured('2024-06-30', '2024-07-29').compared_count, 1)

    def test_joined_left_up_down(self):
        """Who joined, left, rose and fell in the period, both its days included (S-LOY-16, S-LOY-19)."""
        self._shop(self.bob, 600, '2024-02-01')
        self._shop(self.acme, 10, '2024-02-29')
        with freeze_time('2024-02-29 13:00:00'):
            self._member(self.acme).action_leave()
        february = self._measured('2024-02-01', '2024-02-29')
        self.assertEqual(
            [february[n] for n in ('joined_count', 'left_count', 'up_count', 'down_count')],
            [2, 1, 1, 0],
        )
        self.assertEqual(february.member_count, 1)
        self._night('2025-02-01')  # kept by the purchase by which it was reached
        self._night('2026-02-01')
        self._night('2026-03-03')
        march = self._measured('2026-03-01', '2026-03-31')
        self.assertEqual((march.joined_count, march.down_count), (0, 1))

    # === GOAL ===#

    def test_goal(self):
        """Before, target and achieved of each of the three goals, and how much of the way was made (S-LOY-01)."""
        one, two = self.people[:2]
        for partner, amount, day in (
            (one, 100, '2023-12-05'),
            (one, 100, '2023-12-20'),
            (two, 50, '2023-12-31'),
            (one, 100, '2024-01-01'),
            (one, 200, '2024-01-20'),
            (two, 300, '2024-01-31'),
        ):
            self._shop(partner, amount, day)
        for goal, before, value in (
            ('returning', 1, 2),
            ('frequency', 1.5, 1.5),
            ('amount', 250 / 3, 200),
        ):
            with self.subTest(goal=goal):
                self.programme.write({'goal': goal, 'goal_target': before + 2 * (value - before)})
                self.programme.action_measure_baseline()
                self.assertAlmostEqual(self.programme.goal_baseline, before, 4)
                january = self._measured(
                    '2024-01-01', '2024-01-31', period='month', programme_id=self.programme.id
                )
                self.assertAlmostEqual(january.goal_value, value, 2)
                if value > before:
                    self.assertAlmostEqual(january.goal_percent, 50, 2)
                    self.assertEqual(january.goal_state, 'missed')
                    self.assertIn('missed', january.explanation)
                else:  # a target that was held before
                    self.assertEqual((january.goal_state, january.goal_percent), ('reached', 100))
                self.programme.goal_target = value  # a tie reaches it
                with freeze_time('2025-01-01'):
                    january.action_measure()
                self.assertEqual((january.goal_state, january.goal_percent), ('reached', 100))
                january.unlink()

    def test_goal_of_another_length(self):
        """Targets of a month do not judge a year; it has a baseline of its own length (S-LOY-01)."""
        self._shop(self.bob, 100, '2023-02-01')
        self._shop(self.bob, 100, '2023-12-01')
        self.programme.write({'goal': 'amount', 'goal_target': 120, 'goal_period': 'month'})
        year = self._measured('2024-01-01', '2024-12-31', period='year')
        self.assertEqual(year.goal_state, 'none')
        with freeze_time('2025-06-01'):
            year.goal_target = 150
            year.action_measure_baseline()
        self.assertEqual((year.goal_baseline, year.goal_state), (100, 'missed'))
        self.assertFalse(self.programme.goal_baseline)

    def test_baseline_needs_a_first_day(self):
        """Without a first day nothing was before it."""
        programme = self.env['retail.programme'].create(
            {'name': 'Elsewhere', 'company_id': self.company_2.id}
        )
        with self.assertRaises(UserError):
            programme.action_measure_baseline()

    # === SNAPSHOT ===#

    def test_closed_stays(self):
        """What is closed never changes, whatever is returned later; the decision can be written (S-LOY-19, S-LOY-28)."""
        order = self._shop(self.bob, 100, '2024-02-10')
        february = self._measured('2024-02-01', '2024-02-29')
        february.action_close()
        self._return(order, None, '2024-03-10')
        for attempt in (
            lambda: february.action_measure(),
            lambda: february.action_close(),
            lambda: february.action_measure_baseline(),
            lambda: february.write({'goal_target': 1}),
            lambda: february.sudo().write({'participation': 1}),
            lambda: february.unlink(),
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                attempt()
        self.assertEqual(self._line(february, 'all').amount, 100)
        february.adjustment = 'Silver from 400'
        again = self._measured('2024-02-02', '2024-02-29')
        self.assertEqual(self._line(again, 'all').amount, 0)

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_figures_are_nobodys_to_write(self):
        """Managers measure, and write no figures; others read (S-LOY-19)."""
        february = self._measured('2024-02-01', '2024-02-29')
        mine = february.with_user(self.users['manager'])
        for vals in ({'participation': 90}, {'state': 'closed'}, {'goal_state': 'reached'}):
            with self.assertRaises(AccessError):
                mine.write(vals)
        with self.assertRaises(AccessError):
            mine.create(
                {
                    'programme_id': self.programme.id,
                    'date_from': '2024-03-01',
                    'participation': 90,
                }
            )
        with self.assertRaises(AccessError):
            mine.line_ids[0].write({'amount': 1})
        mine.action_measure()
        for name in ('user', 'lead', 'marketing'):
            theirs = february.with_user(self.users[name])
            self.assertEqual(theirs.member_count, 0)
            for action in ('action_measure', 'action_close', 'action_measure_baseline'):
                with self.assertRaises(AccessError):
                    getattr(theirs, action)()
        with self.assertRaises(AccessError):
            february.with_user(self.users['sales']).read(['participation'])

    def test_not_over(self):
        """A period that is not over is not closed (S-LOY-19)."""
        evaluation = self._measured('2025-12-01', '2025-12-31', on='2025-12-31')
        with freeze_time('2025-12-31 12:00'), self.assertRaises(UserError):
            evaluation.action_close()
        with freeze_time('2026-01-01 12:00'):
            evaluation.action_close()
        self.assertEqual(evaluation.state, 'closed')

    def test_periods(self):
        """Months, quarters and years end by themselves, also in February of a leap year, and begin on a first."""
        for period, start, end in (
            ('month', '2024-02-01', date(2024, 2, 29)),
            ('quarter', '2024-01-01', date(2024, 3, 31)),
            ('year', '2024-03-01', date(2025, 2, 28)),
        ):
            evaluation = self.evaluations.create(
                {'programme_id': self.programme.id, 'period': period, 'date_from': start}
            )
            self.assertEqual(evaluation.date_to, end)
        with self.assertRaises(ValidationError):
            self.evaluations.create(
                {'programme_id': self.programme.id, 'period': 'month', 'date_from': '2024-02-02'}
            )

    def test_comparison(self):
        """Beside the last period of the same kind before, and no other (S-LOY-28)."""
        self._shop(self.bob, 100, '2024-02-10')
        values = {'period': 'month'}
        january = self._measured('2024-01-01', '2024-01-31', **values)
        february = self._measured('2024-02-01', '2024-02-29', **values)
        self._measured('2024-02-10', '2024-02-20')
        march = self._measured('2024-03-01', '2024-03-31', **values)
        self.assertEqual(march.previous_id, february)
        self.assertEqual(february.previous_id, january)
        self.assertFalse(january.previous_id)
        self.assertIn('+1', february.comparison)
        self.assertIn('-1', march.comparison)

    def test_statements_do_not_grow(self):
        """An evaluation costs as many statements for many customers as for one (design 8)."""
        self._shop(self.bob, 100, '2024-02-10')
        first = self._measured('2024-02-01', '2024-02-28')
        for partner in self.people:
            self._shop(partner, 100, '2024-02-11')
        second = self._measured('2024-02-01', '2024-02-29')
        self.env.flush_all()
        counts = []
        for evaluation in (first, second):
            before = self.env.cr.sql_log_count
            evaluation._measures()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])

    # === CRON ===#

    def _made(self, day):
        with freeze_time(f'{day} 04:00:00'):
            return self.evaluations._make_due(self.programme)

    def test_monthly(self):
        """Each month the last one is evaluated once; the one before is measured again and closed (S-LOY-19)."""
        order = self._shop(self.bob, 100, '2024-02-10')
        made = self._made('2024-03-02')
        self.assertEqual((made.date_from, made.date_to), (date(2024, 2, 1), date(2024, 2, 29)))
        self.assertEqual((made.state, self._line(made, 'all').amount), ('draft', 100))
        self.assertFalse(self._made('2024-03-02'))
        self.assertFalse(self._made('2024-03-31'))
        self._return(order, 40, '2024-03-10')
        march = self._made('2024-04-02')
        self.assertEqual(march.date_to, date(2024, 3, 31))
        self.assertEqual((made.state, self._line(made, 'all').amount), ('closed', 60))
        self.programme.goal_period = 'quarter'
        self.assertEqual(self._made('2024-04-03').period, 'quarter')
        self.programme.goal_period = 'month'

    def test_before_the_programme(self):
        """A month before the programme began is none of its months; a draft programme has none."""
        self.assertFalse(self._made('2024-01-02'))
        self.assertTrue(self._made('2024-02-02'))

    def test_missed_goal_is_told(self):
        """The responsible gets an activity when the goal is missed, once, if he may see it (S-LOY-28)."""
        self.programme.write({'goal_target': 5, 'user_id': self.users['manager'].id})
        made = self._made('2024-02-02')
        self.assertEqual(made.goal_state, 'missed')
        self.assertEqual(made.activity_ids.user_id, self.users['manager'])
        self._made('2024-02-03')
        self.assertEqual(len(made.activity_ids), 1)
        self.programme.user_id = new_test_user(self.env, login='retail_nobody')
        self.assertFalse(self._made('2024-03-02').activity_ids)
        self.programme.goal_target = 0
        self.assertEqual(self._made('2024-04-02').goal_state, 'none')

    def test_companies_apart(self):
        """What is bought in another company is no part of it (design 7)."""
        self._create_order(self.bob, 100, '2024-02-10 12:00:00', company_id=self.company_2.id)
        self._process()
        february = self._measured('2024-02-01', '2024-02-29')
        self.assertEqual(self._line(february, 'all').customer_count, 0)

    def test_enrolments_by_store_and_staff(self):
        """Members are counted by the store and the person who won them (S-LOY-16)."""
        store = self.env['crm.team'].create({'name': 'North', 'retail_is_store': True})
        clerk = new_test_user(self.env, login='retail_north', groups='retail_crm.group_user')
        store.member_ids = clerk
        with freeze_time('2024-02-10 12:00'):
            self.members.with_user(clerk)._enrol(self.people[:3])
        groups = self.members.with_user(self.users['marketing'])._read_group(
            [('store_id', '=', store.id)],
            ['store_id', 'enrolled_by', 'enrolled_on:month'],
            ['__count'],
        )
        self.assertEqual(groups, [(store, clerk, date(2024, 2, 1), 3)])
        self.assertEqual(
            fields.Date.to_string(self._member(self.people[0]).enrolled_on), '2024-02-10'
        )

    def test_late_by_months(self):
        """What the scheduled action missed is made up for, each period once, and the older ones are closed (S-LOY-19)."""
        self.programme.goal_period = 'quarter'
        self._shop(self.bob, 100, '2024-02-10')
        self.assertEqual(len(self._made('2024-02-02')), 1)
        made = self._made('2024-05-20')
        self.assertEqual(
            sorted((str(one.date_from), one.period, one.state) for one in made),
            [
                ('2024-01-01', 'quarter', 'draft'),
                ('2024-02-01', 'month', 'closed'),
                ('2024-03-01', 'month', 'closed'),
                ('2024-04-01', 'month', 'draft'),
            ],
        )
        self.assertFalse(self._made('2024-05-21'))
        everything = self.evaluations.search([('programme_id', '=', self.programme.id)])
        self.assertEqual(len(everything), 5)

    def test_another_goal_period(self):
        """What the system made for a goal of another period is closed as well (S-LOY-19)."""
        self.programme.goal_period = 'quarter'
        quarter = self._made('2024-04-02').filtered(lambda one: one.period == 'quarter')
        self.assertEqual(quarter.state, 'draft')
        self.programme.goal_period = 'month'
        self._made('2024-07-02')
        self.assertEqual(quarter.state, 'closed')

    def test_closed_stays_in_its_company(self):
        """Nobody hands an evaluation over to another company past its programme (design 7)."""
        february = self._measured('2024-02-01', '2024-02-29')
        self.users['manager'].company_ids += self.company_2
        with self.assertRaises(AccessError):
            february.with_user(self.users['manager']).write({'company_id': self.company_2.id})
        february.action_close()
        with self.assertRaises(UserError):
            february.write({'company_id': self.company_2.id})
