"""What segments are used for: filters, policies, comparison, promising customers (S-SEG-21, S-SEG-24, S-SEG-29)."""

import statistics
from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .segment_common import NOW, SegmentCase

TODAY = NOW.date()


@tagged('post_install', '-at_install', 'retail_crm')
class TestSegmentUse(SegmentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._segment("[('name', 'in', ['Segment A', 'Segment B'])]", name='First Group')
        cls.second = cls._segment("[('name', 'in', ['Segment B', 'Acme'])]", name='Second Group')

    def _find(self, operator, value, model='res.partner', user='user'):
        known = self.people | self.acme | self.ann | self.bob
        return self.env(user=self.users[user])['res.partner'].search(
            [('retail_segment_ids', operator, value), ('id', 'in', known.ids)]
        )

    # === ON CUSTOMERS ===#

    def test_customers_by_segment(self):
        """Segments are a filter and a domain like any field: by id, by name, none, through (S-SEG-01, S-CUS-21)."""
        a, b, *_others = self.people
        known = self.people | self.acme | self.ann | self.bob
        group = self.acme | self.ann
        for operator, value, expected in (
            ('=', self.first.id, a | b),
            ('in', (self.first | self.second).ids, a | b | group),
            ('in', [], known.browse()),
            ('not in', self.first.ids, known - a - b),
            ('!=', self.first.id, known - a - b),
            ('=', 'First Group', a | b),
            ('ilike', 'group', a | b | group),
            ('not ilike', 'first', known - a - b),
            ('=', False, known - a - b - group),
            ('!=', False, a | b | group),
            ('any', [('name', '=', 'Second Group')], b | group),
            ('not any', [('name', '=', 'Second Group')], known - b - group),
        ):
            with self.subTest(operator=operator, value=value):
                found = self._find(operator, value)
                self.assertEqual(set(found.ids), set(expected.ids))
        self.first.active = False
        self.assertFalse(self._find('=', 'First Group'))

    def test_segments_of_a_customer(self):
        """The customer shows his segments, a contact of a company those of the company (S-CUS-01)."""
        b = self.people[1].with_user(self.users['user'])
        self.assertEqual(b.retail_segment_ids, self.first | self.second)
        self.assertEqual(b.retail_segment_text, 'First Group, Second Group')
        self.assertEqual(self.ann.with_user(self.users['sales']).retail_segment_ids, self.second)
        self.assertFalse(self.bob.retail_segment_ids)
        elsewhere = self._segment('[]', name='Elsewhere', company_id=self.company_2.id)
        self.assertNotIn(elsewhere, self.people[1].retail_segment_ids)
        there = self.people[1].with_context(allowed_company_ids=self.company_2.ids)
        self.assertEqual(there.retail_segment_ids, elsewhere)
        self.assertEqual(there.retail_segment_text, 'Elsewhere')
        action = b.action_retail_segments()
        self.assertEqual(self.members.search(action['domain']).segment_id, self.first | self.second)

    def test_segments_are_closed_to_others(self):
        """Who may not see the file of customers finds nobody by segment, nor through other models (design 7)."""
        for persona in ('internal', 'sensitive', 'portal'):
            env = self.env(user=self.users[persona])
            for model, path in (('res.partner', ''), ('res.users', 'partner_id.')):
                with self.subTest(persona=persona, model=model), self.assertRaises(AccessError):
                    env[model].search([(f'{path}retail_segment_ids', '=', self.first.id)])

    def test_many_customers_cost_two_queries(self):
        """The segments of many customers are read in a fixed number of queries (style 2)."""
        partners = self.people.with_user(self.users['user'])
        partners.mapped('commercial_partner_id')
        partners.mapped('retail_segment_ids')
        for count in (1, 8):
            self.env.invalidate_all()
            partners.mapped('commercial_partner_id')
            with self.subTest(count=count), self.assertQueryCount(6):
                partners[:count].mapped('retail_segment_ids')

    # === SALES ANALYSIS ===#

    def test_products_by_segment(self):
        """The sales analysis can be filtered by segment, and the segment opens its top products (S-CUS-27)."""
        self._sell(self.people[0], TODAY, (self.novel, 20, 0))
        self._sell(self.people[2], TODAY, (self.juice, 5, 0))
        self._process()
        self.env.flush_all()
        segment = self.first.with_user(self.users['marketing'])
        report = self.env(user=self.users['marketing'])['sale.report']
        found = report.search(segment.action_open_products()['domain'])
        self.assertEqual(found.product_id, self.novel)
        self.assertEqual(found.retail_segment_ids, self.first)

    # === POLICY ===#

    def test_policy_of_a_segment(self):
        """A policy holds for the customers of its segment, with a class for those who are in both (S-SEG-24)."""
        policies = self.env['retail.policy']
        policies.search([]).active = False
        a, b, c = self.people[:3]
        for partner, lifecycle in ((a, 'new'), (b, 'mature')):
            self.profiles.create(
                {'partner_id': partner.id, 'company_id': self.company.id, 'lifecycle': lifecycle}
            )
        policies.create(
            [
                {
                    'name': 'New of the first',
                    'segment_id': self.first.id,
                    'class_key': 'lifecycle.new',
                    'contact_days': 5,
                    'sequence': 1,
                },
                {'name': 'First', 'segment_id': self.first.id, 'contact_days': 10, 'sequence': 2},
                {'name': 'All', 'contact_days': 90, 'sequence': 3},
            ]
        )

        def days():
            answers = policies._for_customers(a | b | c)
            return [answers[partner.id]['contact_days'] for partner in (a, b, c)]

        self.assertEqual(days(), [5, 10, 90])
        b.name = 'Other'
        self._process()
        self.assertEqual(days(), [5, 90, 90])
        there = policies._for_customers(a, self.company_2)
        self.assertEqual(there[a.id]['contact_days'], 90, 'a segment holds in its own company')
        self.first.active = False
        self.assertEqual(days(), [90, 90, 90])

    def test_no_policy_of_a_sensitive_segment(self):
        """A policy would tell everybody who is in a segment that reads income: it is refused (S-SEG-24, S-SEC-01)."""
        rich = self.segments.create(
            {'name': 'Rich', 'domain': "[('retail_annual_income', '>', 100)]"}
        )
        self.assertTrue(rich.is_sensitive)
        policies = self.env['retail.policy'].with_user(self.users['manager'])
        vals = {'name': 'Of the rich', 'contact_days': 5}
        with self.assertRaises(ValidationError) as caught:
            policies.create({**vals, 'segment_id': rich.id})
        self.assertNotIn('Rich', str(caught.exception))
        policy = policies.create({**vals, 'segment_id': self.first.id})
        with self.assertRaises(ValidationError):
            policy.segment_id = rich.id
            policy.flush_recordset()

    def test_policy_whose_segment_became_sensitive(self):
        """A policy no longer holds when its segment comes to read sensitive data (S-SEG-24, S-SEC-01)."""
        policies = self.env['retail.policy']
        policies.search([]).active = False
        policies.create({'name': 'First', 'segment_id': self.first.id, 'contact_days': 10})
        one = self.people[:1]
        self.assertEqual(policies._for_customers(one)[one.id]['contact_days'], 10)
        one.retail_annual_income = 1000
        self.first.domain = "[('retail_annual_income', '>', 100)]"
        self._process()
        self.assertTrue(self.first.is_sensitive)
        answer = policies._for_customers(one).get(one.id) or {}
        self.assertNotEqual(answer.get('contact_days'), 10)

    def test_policies_by_segment_cost_one_query(self):
        """Policies that ask for segments cost one query more, others none (style 2)."""
        policies = self.env['retail.policy']
        policies.search([]).active = False
        policy = policies.create({'name': 'First', 'contact_days': 10})
        for segment, count in ((False, 5), (self.first.id, 7)):
            policy.segment_id = segment
            self.env.flush_all()
            policies._for_customers(self.people)
            self.env.invalidate_all()
            # whether a programme runs, whose privileges say something, too; with segments: their members, and
            # company_id of the segments for the access rules
            with self.subTest(count=count), self.assertQueryCount(count):
                policies._for_customers(self.people)

    # === COMPARISON ===#

    def test_comparison(self):
        """Size, revenue, frequency and means of each segment, those who bought nothing included (S-SEG-29)."""
        a, b = self.people[:2]
        for amount in (100, 50):
            self._sell(a, TODAY - timedelta(days=amount), (self.novel, amount, 0))
        self._sell(self.people[3], TODAY, (self.novel, 999, 0))
        self._process()
        report = self.env(user=self.users['user'])['retail.segment.report']
        [row] = report.formatted_read_group(
            [('segment_id', '=', self.first.id)],
            ['segment_id'],
            [
                'customers:sum',
                'spend_12m:sum',
                'order_count_12m:sum',
                'orders_each:avg',
                'average_order:avg',
                'margin_12m:sum',
            ],
        )
        self.assertEqual(row['customers:sum'], 2)
        self.assertEqual(row['spend_12m:sum'], 150)
        self.assertEqual(row['order_count_12m:sum'], 2)
        self.assertEqual(row['orders_each:avg'], 1)
        self.assertEqual(row['average_order:avg'], 75)
        self.assertEqual(row['margin_12m:sum'], self._profile_of(a).margin_12m)
        self.assertEqual(b.retail_order_count, 0)
        action = self.first.with_user(self.users['user']).action_open_comparison()
        self.assertEqual(report.search(action['domain']).partner_id, a | b)

    # === PROMISING ===#

    def test_promising_customers(self):
        """Young customers who spend or come as half of the high-value customers do, with the reason (S-SEG-21)."""
        partners = self.env['res.partner'].create([{'name': f'P{i}'} for i in range(9)])
        company = self.company_2
        year = TODAY.replace(year=TODAY.year - 1)
        rows = [
            # high value, first purchase, purchases, average, gap
            (True, '2020-01-01', 9, 100, 10),
            (True, '2020-01-01', 9, 200, 20),
            (True, '2020-01-01', 9, 400, 60),
            (False, year + timedelta(days=1), 2, 200, 100),  # spends as the median
            (False, year, 2, 500, 5),  # a day too old
            (False, TODAY, 2, 10, 20),  # comes as often as the median
            (False, TODAY, 1, 500, 0),  # one purchase
            (False, TODAY, 2, 199.99, 20.5),  # neither
            (False, TODAY, 3, 10, 0),  # several purchases of one day: no gap
        ]
        profiles = self.profiles.create(
            [
                {
                    'partner_id': partner.id,
                    'company_id': company.id,
                    'is_high_value': high,
                    'first_order_date': first,
                    'order_count': count,
                    'average_order': average,
                    'mean_gap_days': gap,
                }
                for partner, (high, first, count, average, gap) in zip(partners, rows, strict=True)
            ]
        )
        amount = statistics.median(row[3] for row in rows if row[0])
        gap = statistics.median(row[4] for row in rows if row[0])
        expected = profiles.browse(
            profile.id
            for profile, (high, first, count, average, days) in zip(profiles, rows, strict=True)
            if not high
            and self._day(str(first)) > year
            and count >= 2
            and (average >= amount or 0 < days <= gap)
        )
        self.assertEqual(expected, profiles[3] | profiles[5])
        domain = [('company_id', '=', company.id)]
        found = self.profiles.search([*domain, ('is_promising', '=', True)], order='id')
        self.assertEqual(found, expected)
        self.assertEqual(profiles.filtered('is_promising'), expected)
        others = self.profiles.search([*domain, ('is_promising', '=', False)], order='id')
        self.assertEqual(others, profiles - expected)
        self.assertIn('200', profiles[3].promising_reason)
        self.assertIn('20', profiles[5].promising_reason)
        self.assertFalse(profiles[4].promising_reason)
        action = self.env.ref('retail_crm.retail_profile_action_promising')
        self.assertEqual(action.res_model, 'retail.profile')

    def test_nobody_is_promising_without_measure(self):
        """Without high-value customers nobody can resemble them (empty case)."""
        self.profiles.create(
            {
                'partner_id': self.people[0].id,
                'company_id': self.company_2.id,
                'first_order_date': TODAY,
                'order_count': 5,
                'average_order': 50,
            }
        )
        domain = [('company_id', '=', self.company_2.id), ('is_promising', '=', True)]
        self.assertFalse(self.profiles.search(domain))
