"""Cohort retention, against a count in plain Python."""

from collections import defaultdict
from datetime import date

from odoo import fields
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

TODAY = date(2024, 6, 15)

#: Days on which customers bought. Ends of months, 29 February, several on a day, nobody in a month, a new year.
DAYS = {
    'Eve': ['2023-11-30', '2023-12-31', '2024-01-31', '2024-02-29', '2024-03-31'],
    'Fay': ['2023-11-01', '2024-01-01', '2024-01-01', '2024-01-31', '2024-06-15'],
    'Gus': ['2023-11-15'],
    'Hal': ['2024-02-29', '2024-03-01', '2024-05-31'],
    'Ivy': ['2024-02-01', '2024-02-29'],
    'Jon': ['2024-06-01'],
}


def number(day):
    return day.year * 12 + day.month


@tagged('post_install', '-at_install', 'retail_crm')
class TestCohort(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'UTC'
        cls.startClassPatcher(freeze_time('2024-06-15 12:00:00'))
        cls.report = cls.env['retail.cohort.report']
        # the table of this company belongs to the test alone
        cls.shop = cls.env['res.company'].create(
            {'name': 'Cohort Shop', 'currency_id': cls.company.currency_id.id}
        )
        cls.shop.resource_calendar_id.tz = 'UTC'
        cls.days = {
            cls.env['res.partner'].create({'name': name}): [
                fields.Date.to_date(day) for day in days
            ]
            for name, days in DAYS.items()
        }
        for partner, days in cls.days.items():
            cls._buy(partner, *days)
        cls.profiles._refresh()

    @classmethod
    def _buy(cls, partner, *days, company=None, **values):
        """Record purchases as deriving them would."""
        last = cls.purchases.search([('res_model', '=', 'test')], order='res_id desc', limit=1)
        return cls.purchases.create(
            [
                {
                    'res_model': 'test',
                    'res_id': last.res_id + index,
                    'company_id': (company or cls.shop).id,
                    'partner_id': partner.id,
                    'date': day,
                    'amount': 10,
                    'counts': True,
                    **values,
                }
                for index, day in enumerate(days, start=1)
            ]
        )

    def _expected(self, days):
        """Return ``{(first day of the cohort, months since): (customers, size)}`` of purchase days by customer."""
        cohorts = defaultdict(list)
        for bought in days.values():
            cohorts[min(bought).replace(day=1)].append({number(day) for day in bought})
        return {
            (cohort, index): (
                sum(number(cohort) + index in months for months in customers),
                len(customers),
            )
            for cohort, customers in cohorts.items()
            for index in range(number(TODAY) - number(cohort) + 1)
        }

    def _found(self, domain=()):
        self.report.invalidate_model()  # read anew, not from the cache
        rows = self.report.search([('company_id', '=', self.shop.id), *domain])
        return {
            (row.cohort_month, row.month_index): (row.customers, row.cohort_size) for row in rows
        }

    def test_grid_equals_a_plain_count(self):
        """Each cohort and month up to today has a row, also where nobody bought, with what a plain count gives."""
        expected = self._expected(self.days)
        self.assertEqual(self._found(), expected)
        november = date(2023, 11, 1)
        self.assertEqual(
            [expected[november, index] for index in range(8)],
            [(3, 3), (1, 3), (2, 3), (1, 3), (1, 3), (0, 3), (0, 3), (1, 3)],
        )
        self.assertEqual(expected[date(2024, 2, 1), 0], (2, 2), '29 February is in February')
        self.assertEqual(max(index for _cohort, index in expected), 7, 'no month to come')

    def test_columns_of_a_row(self):
        """A row names its month, says whether that is over, and gives the share in percent."""
        rows = self.report.search(
            [('company_id', '=', self.shop.id), ('cohort_month', '=', '2023-11-01')],
            order='month_index',
        )
        self.assertEqual(
            rows.mapped('month'), [date(2023 + m // 12, m % 12 + 1, 1) for m in range(10, 18)]
        )
        self.assertEqual(rows.mapped('is_running'), [False] * 7 + [True])
        self.assertAlmostEqual(rows[1].retention, 100 / 3)
        self.assertEqual(rows[1].display_name, 'November 2023')
        everything = self.report.search([])
        self.assertEqual(len(set(everything.ids)), len(everything), 'each row has an id of its own')
        self.assertEqual(self.report.browse(rows[2].id).read(['customers'])[0]['customers'], 2)

    def test_totals_are_weighted(self):
        """Shares of several cohorts and months are customers by customers, not a mean of percentages."""
        expected = self._expected(self.days)
        domain = [('company_id', '=', self.shop.id)]
        groups = self.report._read_group(domain, ['month_index'], ['retention:avg'])
        for index, share in groups:
            cells = [cell for (_cohort, at), cell in expected.items() if at == index]
            with self.subTest(month_index=index):
                self.assertAlmostEqual(
                    share, 100 * sum(cell[0] for cell in cells) / sum(cell[1] for cell in cells)
                )
        self.assertEqual(groups[0], (0, 100))
        [(total, bought)] = self.report._read_group(domain, [], ['retention:avg', 'customers:sum'])
        self.assertEqual(bought, sum(cell[0] for cell in expected.values()))
        self.assertAlmostEqual(total, 100 * bought / sum(cell[1] for cell in expected.values()))
        nothing = self.report._read_group([('month_index', '=', -1)], [], ['retention:avg'])
        self.assertEqual(nothing, [(0,)])

    def test_views_of_the_client(self):
        """Pivot and graph get their numbers by the aggregator of the field, sorted and filtered (S-CUS-21)."""
        self.assertEqual(self.report._fields['retention'].aggregator, 'avg')
        domain = [('company_id', '=', self.shop.id), ('cohort_month', '>=', 'today =1d -4m')]
        groups = self.report.formatted_read_group(
            domain, ['cohort_month:month', 'month_index'], ['retention:avg', '__count']
        )
        self.assertEqual(len(groups), 5 + 1)
        self.assertEqual([group['retention:avg'] for group in groups], [100, 50, 0, 50, 0, 100])
        last = self.report._read_group(
            domain, ['month_index'], ['retention:avg'], order='retention:avg desc', limit=1
        )
        self.assertEqual(last, [(0, 100)])
        self.assertEqual(
            self._found([('cohort_month', '>=', '2024-02-01')]),
            {
                key: cell
                for key, cell in self._expected(self.days).items()
                if key[0] >= date(2024, 2, 1)
            },
        )

    def test_returned_and_future_purchases_do_not_count(self):
        """A purchase that was returned as a whole, or is dated in the future, brings nobody back (design 4.2)."""
        [eve, fay, gus] = [
            partner for partner in self.days if partner.name in ('Eve', 'Fay', 'Gus')
        ]
        before = self._found()
        self._buy(gus, date(2024, 4, 10), counts=False)
        self._buy(fay, date(2024, 5, 1), counts=False)
        self._buy(eve, date(2024, 6, 16))  # in the running month, but not yet
        self.assertEqual(self._found(), before)
        # Hal's first purchase is returned: he belongs to the cohort of March now.
        hal = next(partner for partner in self.days if partner.name == 'Hal')
        self.purchases.search(
            [('partner_id', '=', hal.id), ('date', '=', '2024-02-29')]
        ).counts = False
        self.profiles._refresh()
        days = {**self.days, hal: self.days[hal][1:]}
        self.assertEqual(self._found(), self._expected(days))

    def test_today_is_each_companys_own(self):
        """A month begins where the company is: in Auckland July has begun while it is June in New York."""
        auckland, new_york = self.shop, self.company_2
        auckland.resource_calendar_id.tz = 'Pacific/Auckland'
        new_york.resource_calendar_id = self.env['resource.calendar'].create(
            {'name': 'New York', 'tz': 'America/New_York'}
        )
        jon = next(partner for partner in self.days if partner.name == 'Jon')
        self._buy(jon, date(2024, 6, 1), company=new_york)
        with freeze_time('2024-06-30 20:00:00'):
            self.profiles._refresh()
            for company, months in ((auckland, 2), (new_york, 1)):
                rows = self.report.search(
                    [('company_id', '=', company.id), ('cohort_month', '=', '2024-06-01')]
                )
                with self.subTest(company=company.name):
                    self.assertEqual(len(rows), months)
                    self.assertEqual(sum(rows.mapped('is_running')), 1)

    def test_companies_are_separate(self):
        """A customer belongs to a cohort in each company; nobody sees the cohorts of others (design 4.2, 7)."""
        eve = next(iter(self.days))
        self._buy(eve, date(2024, 4, 1), company=self.company_2)
        self.profiles._refresh()
        rows = self.report.search([('company_id', '=', self.company_2.id)])
        self.assertEqual(
            {(row.cohort_month, row.month_index): row.customers for row in rows},
            {(date(2024, 4, 1), index): int(not index) for index in range(3)},
        )
        self.assertEqual(self._found(), self._expected(self.days))
        clerk = self.users['user']
        clerk.write({'company_ids': [(4, self.shop.id)]})
        mine = self.report.with_user(clerk).with_context(allowed_company_ids=self.shop.ids)
        self.assertEqual(mine.search([]).company_id, self.shop)

    def test_filter_reaches_the_profiles(self):
        """A filter on the cohort keeps PostgreSQL from reading the purchases of all others (design 8)."""
        query = self.report._search([('cohort_month', '>=', '2024-01-01')])
        plan = '\n'.join(
            line for (line,) in self.env.execute_query(SQL('EXPLAIN %s', query.select()))
        )
        # the profiles themselves are filtered, as an index condition or while they are read
        filters = [line for line in plan.splitlines() if 'first_order_date' in line]
        self.assertTrue(any('2024-01-01' in line for line in filters), plan)
