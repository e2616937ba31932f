"""The check of churn warnings against the past, and whether the customer of an order is old or new."""

from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.test_customer_profile import HistoryCase

TODAY = date(2025, 6, 30)


@tagged('post_install', '-at_install', 'retail_crm')
class TestBacktest(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.action_cancel()
        cls._process()
        cls.checks = cls.env['retail.profile.backtest']
        # every 10 days up to a day; then silence, or purchases again
        plans = {
            'steady': (date(2025, 6, 25), ()),
            'stopped early': (date(2024, 3, 1), ()),
            'stopped late': (date(2025, 2, 1), ()),
            'came back': (date(2024, 3, 1), (date(2025, 3, 5), date(2025, 3, 6))),
            'overdue': (date(2024, 6, 14), ()),
        }
        cls.people, cls.source = {}, {}
        rows = []
        for name, (last, later) in plans.items():
            partner = cls.env['res.partner'].create({'name': name})
            days = [last - timedelta(days=10 * back) for back in range(8)] + list(later)
            if name == 'steady':
                days = [date(2024, 1, 1) + timedelta(days=10 * n) for n in range(54)]
            cls.people[name], cls.source[partner.id] = partner, days
            rows += [(partner.id, day, 100) for day in days]
        orders = cls._insert_orders(rows)
        cls.purchases._sync({'sale.order': orders.ids})

    def _rows(self, months):
        return self.checks.search([('company_id', '=', self.shop.id), ('months', '=', str(months))])

    def test_counts_who_stayed_away(self):
        """Customers are classed as of then, and what they did since is counted (R-loy C.6, S-CLV-03)."""
        for months in (6, 12):
            self.checks._check(months, today=TODAY)
            then = TODAY - relativedelta(months=months)
            known = {
                partner_id: [day for day in days if day <= then]
                for partner_id, days in self.source.items()
            }
            known = {partner_id: days for partner_id, days in known.items() if days}
            silent = {
                partner_id
                for partner_id in known
                if not any(then < day <= TODAY for day in self.source[partner_id])
            }
            rows = self._rows(months)
            self.assertEqual(set(rows.mapped('as_of')), {then})
            self.assertEqual(sum(rows.mapped('customers')), len(known))
            self.assertEqual(sum(rows.mapped('silent')), len(silent))
            bought = sum(
                30 * sum(then < day <= TODAY for day in self.source[partner_id])
                for partner_id in known
            )
            self.assertAlmostEqual(sum(rows.mapped('actual_margin')), bought)

    def test_classes_are_those_of_a_refresh_on_that_day(self):
        """The classes of the check are the classes that day's refresh would have given (docs/classes.md)."""
        self.checks._check(12, today=TODAY)
        then = TODAY - relativedelta(months=12)
        self.profiles._refresh(as_of=then)
        expected = {}
        for profile in self.profiles.search([('company_id', '=', self.shop.id)]):
            if profile.order_count:
                key = (profile.lifecycle, profile.churn_level)
                expected[key] = expected.get(key, 0) + 1
        found = {}
        for row in self._rows(12):
            key = (row.lifecycle, row.churn_level)
            found[key] = found.get(key, 0) + row.customers
        self.assertEqual(found, expected)

    def test_shares_of_groups_are_those_of_all_their_customers(self):
        """The hit rate of several rows is stayed away divided by customers, not a mean of rates (S-CLV-03)."""
        self.checks._check(6, today=TODAY)
        [(percent, silent, customers)] = self.checks._read_group(
            [('company_id', '=', self.shop.id)],
            [],
            ['silent_percent:avg', 'silent:sum', 'customers:sum'],
        )
        self.assertAlmostEqual(percent, 100 * silent / customers)
        self.assertNotAlmostEqual(percent, sum(self._rows(6).mapped('silent_percent')) / 2)

    def test_the_same_check_again_gives_the_same_rows(self):
        """A check replaces the rows of the one before; profiles and history are left alone (design 4.3)."""
        self.profiles._refresh(as_of=TODAY)
        before = self.profiles.search([]).mapped('lifecycle')
        self.checks._check(6, today=TODAY)
        first = self._rows(6).read(['lifecycle', 'customers', 'silent', 'actual_margin'])
        changes = self.env['retail.profile.change'].search_count([])
        self.checks._check(6, today=TODAY)
        again = self._rows(6).read(['lifecycle', 'customers', 'silent', 'actual_margin'])
        self.assertEqual([{**row, 'id': 0} for row in again], [{**row, 'id': 0} for row in first])
        self.assertEqual(self.profiles.search([]).mapped('lifecycle'), before)
        self.assertEqual(self.env['retail.profile.change'].search_count([]), changes)

    def test_hit_rate_is_told_with_the_warning(self):
        """A warning says how often such a warning was right (R-loy C.6)."""
        with freeze_time(datetime(2025, 6, 30, 12)):
            self.checks._check(6)
            self.profiles._refresh()
            profile = self._profile_of(self.people['stopped early'])
            self.assertEqual(profile.churn_level, 'alert')
            rate = self.checks._hit_rates(self.shop.id)['alert']
            self.assertIn(f'{round(rate)} %', profile.churn_reason)

    def test_measured_years_can_be_taken_over(self):
        """Expected years are measured on the own past and taken over by a button (S-CLV-04)."""
        rules = self.env['retail.classification']._of_companies(self.shop.ids)
        with self.assertRaises(UserError):
            rules.action_use_measured_years()
        self.checks._check(12, today=TODAY)
        rules.action_use_measured_years()
        for lifecycle in set(self._rows(12).mapped('lifecycle')):
            rows = self._rows(12).filtered(lambda row, key=lifecycle: row.lifecycle == key)
            years = sum(rows.mapped('actual_margin')) / sum(rows.mapped('full_margin'))
            expected = min(max(round(years, 2), 0), 1)
            self.assertAlmostEqual(rules[f'years_{lifecycle}'], expected)
        self.assertTrue(rules.is_pending)

    def test_scheduled_action_checks_both_periods(self):
        """The scheduled action checks 6 and 12 months, and does nothing while figures are derived elsewhere (design 4.3)."""
        self.env.ref('retail_crm.ir_cron_backtest').method_direct_trigger()
        months = self.checks.search([('company_id', '=', self.shop.id)]).mapped('months')
        self.assertEqual(set(months), {'6', '12'})


@tagged('post_install', '-at_install', 'retail_crm')
class TestOldOrNewCustomer(HistoryCase):
    def test_new_until_there_is_an_earlier_purchase(self):
        """Whether the customer had bought before the order, at any date (S-SEG-28)."""
        first = self._create_order(self.bob, 10, '2025-03-10 08:00:00')
        same_day = self._create_order(self.bob, 10, '2025-03-10 18:00:00')
        later = self._create_order(self.bob, 10, '2025-04-10 08:00:00')
        before = self._create_order(self.bob, 10, '2025-01-10 08:00:00')
        self.template.action_cancel()
        self._process()
        orders = first + same_day + later + before
        self.assertEqual(
            orders.mapped('retail_customer_kind'), ['returning', 'returning', 'returning', 'new']
        )
        before._action_cancel()
        self._process()
        self.env.invalidate_all()
        self.assertEqual(
            orders.mapped('retail_customer_kind'), ['new', 'returning', 'returning', 'new']
        )
        domain = [('id', 'in', orders.ids)]
        for kind in ('new', 'returning'):
            self.assertEqual(
                self.env['sale.order'].search([*domain, ('retail_customer_kind', '=', kind)]),
                self.env['sale.order']
                .search(domain)
                .filtered(lambda order, kind=kind: order.retail_customer_kind == kind),
            )

    def test_day_is_the_companys(self):
        """An order just after midnight of the company's zone is of the next day (design 4.2)."""
        self.shop.resource_calendar_id.tz = 'Asia/Shanghai'
        evening = self._create_order(self.acme, 10, '2025-03-10 15:30:00')  # 23:30 there
        self._process()
        night = self._create_order(self.acme, 10, '2025-03-10 16:30:00')  # 0:30 of the 11th there
        self.assertEqual(evening.retail_customer_kind, 'new')
        self.assertEqual(night.retail_customer_kind, 'returning')
        self.assertEqual(self._purchase_of(evening).date, date(2025, 3, 10))

    def test_order_that_is_being_entered(self):
        """An unsaved order shows it as soon as the customer is chosen (S-SEG-28)."""
        self._create_order(self.bob, 10, '2025-03-10')
        self._process()
        orders = self.env['sale.order']
        self.assertEqual(orders.new({'partner_id': self.bob.id}).retail_customer_kind, 'returning')
        self.assertEqual(orders.new({'partner_id': self.acme.id}).retail_customer_kind, 'new')
        self.assertFalse(orders.new({}).retail_customer_kind)

    def test_printed_on_the_order(self):
        """The printed order says whether the customer is old or new (S-SEG-28)."""
        order = self._create_order(self.bob, 10, '2025-03-10')
        self._process()
        html = (
            self.env['ir.actions.report']
            ._render_qweb_html('sale.report_saleorder', order.ids)[0]
            .decode()
        )
        self.assertIn('New customer', html)
        self.assertNotIn('Returning customer', html)
