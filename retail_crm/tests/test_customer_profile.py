"""The figures of a customer: what they are on any day, and when they change (design 4.3, 5.1)."""

import calendar
import json
import random
import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import RetailCrmCommon

#: Days on which windows are easily wrong: leap days, ends of months and years.
DAYS = [
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2024, 3, 1),
    date(2024, 12, 31),
    date(2025, 2, 28),
    date(2025, 3, 1),
    date(2025, 3, 31),
    date(2026, 2, 28),
]
#: Days of purchases on the edges of those windows.
EDGES = [
    date(year, month, day)
    for year in range(2022, 2027)
    for month, day in ((2, 28), (3, 1), (3, 31), (12, 31), (1, 1))
] + [date(2024, 2, 29)]


def cents(number):
    """A Decimal or Fraction as money: half a cent away from zero."""
    if isinstance(number, Fraction):
        number = Decimal(number.numerator) / Decimal(number.denominator)
    return number.quantize(Decimal('0.01'), ROUND_HALF_UP)


def months_before(day, months):
    """The same day of the month so many months earlier, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def usual_gap(purchases, day):
    """Mean over customers of their own mean number of days between purchase days (R-loy C.6)."""
    days = {}
    for customer, bought, _amount, _margin, counts in purchases:
        if counts and bought <= day:
            days.setdefault(customer, set()).add(bought)
    means = [
        Fraction((max(own) - min(own)).days, len(own) - 1) for own in days.values() if len(own) > 1
    ]
    return round(float(sum(means) / len(means)), 4) if means else 0


def figures(purchases, day, gap):
    """The figures of one customer's ``(customer, date, amount, margin, counts)`` in
    plain Python.
    """
    year, two_years = months_before(day, 12), months_before(day, 24)
    known = [row for row in purchases if row[1] <= day]
    last = [row for row in known if row[1] > year]
    before = [row for row in known if two_years < row[1] <= year]
    days = sorted({row[1] for row in known if row[4]})
    total = sum((row[2] for row in known), Decimal())
    spend = sum((row[2] for row in last), Decimal())
    spend_before = sum((row[2] for row in before), Decimal())
    count = sum(row[4] for row in known)
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    expected = None
    if days and gap:
        interval = max(Fraction(7), (sum(gaps) + 2 * Fraction(str(gap))) / (len(gaps) + 2))
        expected = days[-1] + timedelta(days=int(interval + Fraction(1, 2)))
    trend = None
    if spend_before > 0:
        change = Fraction(spend - spend_before) * 100 / Fraction(spend_before)
        change = Decimal(change.numerator) / Decimal(change.denominator)
        trend = change.quantize(Decimal('0.1'), ROUND_HALF_UP)
    return {
        'first_order_date': days[0] if days else None,
        'last_order_date': days[-1] if days else None,
        'order_count': count,
        'order_count_12m': sum(row[4] for row in last),
        'order_count_prev_12m': sum(row[4] for row in before),
        'spend_total': total,
        'spend_12m': spend,
        'spend_prev_12m': spend_before,
        'spend_trend': trend,
        'margin_12m': sum((row[3] for row in last), Decimal()),
        'average_order': cents(Fraction(total) / count) if count else Decimal(),
        'mean_gap_days': cents(Fraction(sum(gaps), len(gaps))) if gaps else None,
        'expected_next_date': expected,
    }


class HistoryCase(RetailCrmCommon):
    """A company of its own, whose orders are copied by SQL: hundreds of them in a moment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shop = cls.env['res.company'].create({'name': 'History Shop'})
        cls.env['account.chart.template'].try_loading('generic_coa', cls.shop)
        cls.env.user.company_ids |= cls.shop
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': cls.shop.ids})
        cls.moments = cls.moments.with_env(cls.env)
        cls.purchases = cls.purchases.with_env(cls.env)
        cls.profiles = cls.profiles.with_env(cls.env)
        cls.shop = cls.shop.with_env(cls.env)
        cls.shop.resource_calendar_id.tz = 'UTC'
        cls.shop.retail_margin_percent = 30
        cls._no_rebuild()
        cls.template = cls._create_order(cls.bob, 1, '2020-01-01')
        cls.env.flush_all()

    @classmethod
    def _columns(cls, table, but):
        cls.env.cr.execute(
            'SELECT column_name FROM information_schema.columns WHERE table_name = %s '
            'AND column_name <> ALL(%s)',
            [table, ['id', *but]],
        )
        return ', '.join(f'"{name}"' for (name,) in cls.env.cr.fetchall())

    @classmethod
    def _insert_orders(cls, rows):
        """Insert confirmed orders ``(partner id, day, amount)`` by SQL, copied from
        the template.
        """
        cr = cls.env.cr
        cls.env.flush_all()
        own = ('partner_id', 'date_order', 'amount_untaxed', 'amount_total', 'state')
        columns = cls._columns('sale_order', own)
        ids = []
        for partner_id, day, amount in rows:
            cr.execute(
                f'INSERT INTO sale_order ({columns}, {", ".join(own)}) '
                f"SELECT {columns}, %s, %s, %s, %s, 'sale' FROM sale_order WHERE id = %s "
                'RETURNING id',
                [partner_id, f'{day} 12:00:00', amount, amount, cls.template.id],
            )
            ids.append(cr.fetchone()[0])
        own = ('order_id', 'price_unit', 'price_subtotal', 'price_total', 'state')
        columns = cls._columns('sale_order_line', own)
        cr.execute(
            f'INSERT INTO sale_order_line ({columns}, {", ".join(own)}) '
            f"SELECT {columns}, o.id, o.amount, o.amount, o.amount, 'sale' "
            'FROM (SELECT id, amount_untaxed AS amount FROM sale_order WHERE id = ANY(%s)) '
            'AS o (id, amount), '
            f'(SELECT {columns} FROM sale_order_line WHERE order_id = %s) AS line',
            [ids, cls.template.id],
        )
        cls.env.invalidate_all()
        return cls.env['sale.order'].browse(ids)

    @classmethod
    def _credit(cls, credits):
        """Post one credit note over lines of many orders: ``{order: amount}``."""
        note = cls.env['account.move'].create(
            {
                'move_type': 'out_refund',
                'partner_id': cls.bob.id,
                'invoice_line_ids': [
                    Command.create(
                        {
                            'product_id': cls.goods.id,
                            'quantity': 1,
                            'price_unit': amount,
                            'tax_ids': False,
                            'sale_line_ids': [Command.set(order.order_line.ids)],
                        }
                    )
                    for order, amount in credits.items()
                ],
            }
        )
        note.action_post()
        return note

    def _stored(self):
        """Return ``{partner id: {figure: value}}`` as the table has it."""
        self.env.flush_all()
        self.env.cr.execute(
            'SELECT row_to_json(f)::text FROM retail_profile AS f WHERE company_id = %s',
            [self.shop.id],
        )
        stored = {}
        for (text,) in self.env.cr.fetchall():
            row = json.loads(text, parse_float=Decimal)  # the cursor would give floats
            for name, value in row.items():
                if isinstance(value, str) and re.fullmatch(r'\d{4}-\d\d-\d\d', value):
                    row[name] = date.fromisoformat(value)
            stored[row['partner_id']] = row
        return stored

    def _snapshot(self):
        """Return all rows of purchases and profiles of the company, without their ids."""
        rows = []
        for table in ('retail_purchase', 'retail_profile'):
            self.env.cr.execute(
                f'SELECT to_jsonb(t) - $$id$$ AS row FROM {table} AS t '
                'WHERE company_id = %s ORDER BY row',
                [self.shop.id],
            )
            rows.append([row for (row,) in self.env.cr.fetchall()])
        return rows

    def _rebuild(self):
        """Drop everything derived and derive the purchases again."""
        self.env.cr.execute('DELETE FROM retail_profile')
        self.env.cr.execute('DELETE FROM retail_purchase')
        self.env.invalidate_all()
        self.purchases._fill_all()


@tagged('post_install', '-at_install', 'any_data')
class TestCustomerProfileRandom(HistoryCase):
    """Random histories of 60 customers against the computation above."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        chance = random.Random(20240229)
        cls.customers = cls.env['res.partner'].create(
            [{'name': f'Customer {number}'} for number in range(60)]
        )
        rows = []
        for customer in cls.customers:
            start = date(2021, 1, 1) + timedelta(days=chance.randrange(1800))
            for _order in range(chance.choice((1, 1, 2, 3, 8, 16, 25))):
                kind = chance.random()
                if kind < 0.3:
                    day = chance.choice(EDGES)
                elif kind < 0.4 and rows and rows[-1][0] == customer.id:
                    day = rows[-1][1]  # several on one day
                else:
                    day = start + timedelta(days=chance.randrange(400))
                amount = chance.choice((0, -5, 10, 10, 20, chance.randrange(1, 50000) / 100))
                rows.append((customer.id, day, Decimal(str(amount))))
        cls.orders = cls._insert_orders(rows)
        cls.source = [
            [customer, day, amount, amount * 3 / 10, True] for customer, day, amount in rows
        ]
        returned = {}
        for position in chance.sample(range(len(rows)), 60):
            amount = rows[position][2]
            if amount > 0:
                part = amount if chance.random() < 0.5 else cents(amount / 3)
                returned[cls.orders[position]] = float(part)
                cls.source[position][2] = amount - part
                cls.source[position][3] = (amount - part) * 3 / 10
                cls.source[position][4] = amount > part
        for row in cls.source:
            row[3] = cents(row[3])
        cls._credit(returned)
        cls.template.sudo().action_cancel()
        cls._process()
        cls.env.cr.execute('DELETE FROM retail_purchase')
        cls.purchases._fill_all()

    def test_all_figures_on_difficult_days(self):
        """Every figure of every customer equals the plain computation (design 5.1, R-loy C.6)."""
        for day in DAYS:
            with self.subTest(day=day):
                self.profiles._refresh(as_of=day)
                gap = usual_gap(self.source, day)
                self.assertAlmostEqual(self.shop.retail_gap_days, gap, places=4)
                gap = self.shop.retail_gap_days  # a half of the last digit may fall either way
                stored = self._stored()
                self.assertEqual(set(stored), {*self.customers.ids, self.bob.id})
                for customer in self.customers:
                    own = [row for row in self.source if row[0] == customer.id]
                    expected = figures(own, day, gap)
                    row = stored[customer.id]
                    self.assertEqual({name: row[name] for name in expected}, expected)

    def test_refresh_of_some_equals_refresh_of_all(self):
        """The same pipeline for one customer, for some and for all (design 4.3)."""
        day = date(2025, 3, 1)
        self.profiles._refresh(as_of=day)
        everything = self._snapshot()
        self.env.cr.execute('DELETE FROM retail_profile')
        self.profiles._refresh(self.customers[:1], as_of=day)
        # bob has a quotation only
        self.profiles._refresh(self.customers[1:] + self.bob, as_of=day)
        self.assertEqual(self._snapshot(), everything)

    def test_idle_refresh_writes_nothing(self):
        """A second refresh of the same day writes 0 rows and leaves the rows alone (design 4.3)."""
        day = date(2025, 3, 1)
        self.assertGreater(self.profiles._refresh(as_of=day), 0)
        self.env.cr.execute('SELECT id, xmin, ctid FROM retail_profile ORDER BY id')
        before = self.env.cr.fetchall()
        self.assertEqual(self.profiles._refresh(as_of=day), 0)
        self.assertEqual(self.profiles._refresh(self.customers, as_of=day), 0)
        self.env.cr.execute('SELECT id, xmin, ctid FROM retail_profile ORDER BY id')
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_refresh_on_is_the_next_day_of_a_change(self):
        """Between two refresh dates a recomputation gives the same row (design 4.3)."""
        few = self.customers.filtered(
            lambda customer: sum(row[0] == customer.id for row in self.source) < 9
        )[:12]
        days = sorted({day + timedelta(days=n) for day in DAYS for n in range(-2, 3)})
        days += [date(2023, 1, 1) + timedelta(days=n) for n in range(0, 420)]
        days = sorted(set(days))
        self.profiles._refresh(as_of=days[0])
        before = self._stored()
        for yesterday, day in pairwise(days):
            due = {
                customer.id
                for customer in few
                if before[customer.id]['refresh_on'] and before[customer.id]['refresh_on'] <= day
            }
            self.profiles._refresh(few, as_of=day)
            after = self._stored()
            changed = {customer.id for customer in few if after[customer.id] != before[customer.id]}
            self.assertEqual(changed, due, f'{yesterday} -> {day}')
            for customer in few:
                moment = after[customer.id]['refresh_on']
                self.assertTrue(moment is None or moment > day)
            before = after

    def test_rebuild_equals_incremental(self):
        """After any changes, deriving everything again gives what the moments gave (design 4.3)."""
        self.profiles._refresh()
        self._process()
        chance = random.Random(7)
        orders = self.orders.filtered(lambda order: order.amount_untaxed > 0)
        picked = chance.sample(list(orders), 24)
        for order in picked[:5]:
            order.order_line.price_unit = chance.randrange(1, 90)
        for order in picked[5:9]:
            order._action_cancel()
        for order in picked[9:12]:
            order.partner_id = chance.choice(self.customers)
        for order in picked[12:16]:
            order.date_order = f'2025-0{chance.randrange(1, 9)}-15'
        self._credit({order: order.amount_untaxed / 2 for order in picked[16:20]})
        self._credit({order: order.amount_untaxed for order in picked[20:24]})
        for _new in range(4):
            self._create_order(chance.choice(self.customers), chance.randrange(90), '2026-01-31')
        self.customers[0].parent_id = self.acme
        self.customers[1].write({'is_company': True})
        self.customers[2].parent_id = self.customers[1]
        self.customers[3].retail_customer = False
        self.customers[4].parent_id = self.customers[3]
        self.assertTrue(self._snapshot())
        self._process()
        incremental = self._snapshot()
        self._rebuild()
        everybody = self.purchases.search([]).partner_id + self.bob  # who has a quotation only
        self.profiles._refresh(everybody)
        purchases, profiles = self._snapshot()
        self.assertEqual(purchases, incremental[0])
        self.assertEqual(profiles, incremental[1], 'for the same usual gap')
        self.profiles._refresh()
        full = self._snapshot()
        self._rebuild()
        self.profiles._refresh()
        self.assertEqual(self._snapshot(), full)


@tagged('post_install', '-at_install')
class TestCustomerProfile(HistoryCase):
    """Single figures worked out by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.action_cancel()
        cls._process()

    def _buy(self, partner, *purchases):
        """Give a customer purchases ``(day, amount)``."""
        orders = self._insert_orders([(partner.id, day, amount) for day, amount in purchases])
        self.purchases._sync({'sale.order': orders.ids})
        return orders

    def test_usual_gap_is_the_mean_of_means(self):
        """Mean over customers with two purchase days of their own mean gap (R-loy C.6)."""
        self._buy(self.bob, ('2025-01-01', 1), ('2025-01-11', 1), ('2025-01-11', 1))
        self._buy(self.acme, ('2025-01-01', 1), ('2025-01-02', 1), ('2025-01-03', 1))
        self._buy(self.partner, ('2025-01-01', 1))
        self.profiles._refresh(as_of=date(2025, 6, 1))
        self.assertAlmostEqual(self.shop.retail_gap_days, (10 + 1) / 2)
        self._buy(self.partner, ('2025-01-06', 1))
        self.profiles._refresh(self.partner, as_of=date(2025, 6, 1))
        self.assertAlmostEqual(self.shop.retail_gap_days, 5.5, msg='only measured over all')
        self.profiles._refresh(as_of=date(2025, 6, 1))
        self.assertAlmostEqual(self.shop.retail_gap_days, round((10 + 1 + 5) / 3, 4))

    def test_expected_next_purchase(self):
        """Last purchase plus (own gaps + 2 usual gaps) / (n + 2), at least 7 days (R-loy C.6)."""
        self._buy(self.bob, ('2025-01-01', 1), ('2025-01-31', 1))  # 30 days
        self._buy(self.acme, ('2025-01-01', 1), ('2025-01-11', 1))  # 10 days
        self._buy(self.partner, ('2025-01-01', 1))
        day = date(2025, 6, 1)
        self.profiles._refresh(as_of=day)
        self.assertEqual(self.shop.retail_gap_days, 20)
        expected = {
            self.bob: date(2025, 1, 31) + timedelta(days=23),  # (30 + 40) / 3 = 23.33
            self.acme: date(2025, 1, 11) + timedelta(days=17),  # (10 + 40) / 3 = 16.67
            self.partner: date(2025, 1, 21),
        }
        for partner, next_date in expected.items():
            self.assertEqual(self._profile_of(partner).expected_next_date, next_date)
        rules = self.env['retail.classification'].search([('company_id', '=', self.shop.id)])
        rules.applied = {**rules.applied, 'gap_days': '1'}
        self.profiles._refresh(self.partner, as_of=day)
        self.assertEqual(self._profile_of(self.partner).expected_next_date, date(2025, 1, 8))

    def test_decades_between_two_purchases(self):
        """The longest gaps are gaps like any other (R-loy C.6)."""
        self._buy(self.bob, ('1950-01-01', 10), ('2020-01-01', 10), ('2025-05-01', 10))
        self._buy(self.acme, ('1026-05-01', 10), ('2025-05-01', 10))
        self.profiles._refresh(as_of=date(2025, 6, 1))
        profile = self._profile_of(self.bob)
        gaps = (date(2025, 5, 1) - date(1950, 1, 1)).days
        interval = (gaps + 2 * self.shop.retail_gap_days) / 4
        self.assertAlmostEqual(profile.interval_days, interval, places=3)
        self.assertEqual(profile.lifecycle, 'growth')

    def test_nobody_is_expected_without_a_purchase(self):
        """Who never bought anything that counts is not expected (R-loy C.6)."""
        self._buy(self.acme, ('2025-01-01', 1), ('2025-01-11', 1))
        orders = self._buy(self.bob, ('2025-01-01', 50))
        self._credit({orders: 50})
        self._process()
        self.profiles._refresh(as_of=date(2025, 6, 1))
        profile = self._profile_of(self.bob)
        self.assertFalse(profile.expected_next_date)
        self.assertFalse(profile.first_order_date)
        self.assertEqual((profile.order_count, profile.average_order), (0, 0))

    def test_spend_trend(self):
        """Change against the 12 months before, empty when nothing was spent before (design 5.1)."""
        day = date(2025, 6, 30)
        self._buy(self.bob, ('2025-01-01', 90), ('2024-01-01', 60))
        self._buy(self.acme, ('2025-01-01', 90))
        self._buy(self.partner, ('2024-01-01', 30), ('2024-02-01', -40), ('2025-01-01', 5))
        self.profiles._refresh(as_of=day)
        stored = self._stored()
        self.assertEqual(stored[self.bob.id]['spend_trend'], Decimal('50.0'))
        self.assertIsNone(stored[self.acme.id]['spend_trend'])
        self.assertIsNone(stored[self.partner.id]['spend_trend'], 'no percentage of a debt')
        self.assertFalse(self._profile_of(self.acme).spend_trend)

    def test_future_order_waits_for_its_day(self):
        """An order dated tomorrow does not count until its day, and then by itself (design 4.3)."""
        self._buy(self.bob, ('2025-03-10', 100))
        self.profiles._refresh(as_of=date(2025, 3, 9))
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.spend_total), (0, 0))
        self.assertEqual(profile.refresh_on, date(2025, 3, 10))
        self.profiles._refresh(as_of=date(2025, 3, 10))
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.spend_12m), (1, 100))
        self.assertEqual(profile.refresh_on, date(2025, 4, 10), 'bought within 30 days no more')

    def _hop(self, partner, day):
        """Refresh on the customer's own refresh dates, one of which must be this day."""
        profile = self._profile_of(partner)
        while profile.refresh_on < day:
            self.profiles._refresh(partner, as_of=profile.refresh_on)
        self.assertEqual(profile.refresh_on, day)

    def test_refresh_dates_around_leap_days(self):
        """A purchase of 29 February leaves the year on 1 March (design 4.3)."""
        for bought, leaves, leaves_again in (
            (date(2024, 2, 29), date(2025, 3, 1), date(2026, 3, 1)),
            (date(2024, 2, 28), date(2025, 2, 28), date(2026, 2, 28)),
            (date(2023, 2, 28), date(2024, 2, 28), date(2025, 2, 28)),
            (date(2023, 3, 1), date(2024, 3, 1), date(2025, 3, 1)),
        ):
            with self.subTest(bought=bought):
                partner = self.env['res.partner'].create({'name': str(bought)})
                self._buy(partner, (str(bought), 10))
                self.profiles._refresh(partner, as_of=bought)
                self._hop(partner, leaves)
                self.profiles._refresh(partner, as_of=leaves - timedelta(days=1))
                self.assertEqual(self._profile_of(partner).spend_12m, 10)
                self.profiles._refresh(partner, as_of=leaves)
                profile = self._profile_of(partner)
                self.assertEqual((profile.spend_12m, profile.spend_prev_12m), (0, 10))
                self._hop(partner, leaves_again)
                self.profiles._refresh(partner, as_of=leaves_again)
                profile = self._profile_of(partner)
                self.assertEqual((profile.spend_prev_12m, profile.spend_total), (0, 10))
                self.assertEqual(profile.lost_on, leaves_again + timedelta(days=bought.day != 29))
                self.profiles._refresh(partner, as_of=profile.lost_on)
                self.assertFalse(self._profile_of(partner).refresh_on)

    def test_only_customers_have_a_profile(self):
        """Whoever is flagged as no customer has no profile, and gets it back (design 5.1)."""
        self._create_order(self.bob, 100, '2025-03-10')
        self._process()
        self.assertTrue(self._profile_of(self.bob))
        self.bob.retail_customer = False
        self._process()
        self.assertFalse(self._profile_of(self.bob))
        self.assertFalse(self.bob.retail_profile_id)
        self.bob.retail_customer = True
        self._process()
        self.assertEqual(self._profile_of(self.bob).spend_total, 100)

    def test_contacts_show_the_companys_figures(self):
        """Contacts of a company show those of the company (design 4.3)."""
        self._create_order(self.ann, 100, '2025-03-10')
        self._process()
        contact = self.ann.with_env(self.env)
        self.assertEqual(contact.retail_profile_id, self._profile_of(self.acme))
        self.assertEqual((contact.retail_spend_total, contact.retail_order_count), (100, 1))
        found = self.env['res.partner'].search([('retail_spend_total', '=', 100)])
        self.assertEqual(found, (self.acme | self.ann).with_env(self.env))

    def test_time_of_the_refresh(self):
        """The company says when figures were last brought up to date (design 4.3).

        By a full run always, by the scheduled actions at most every quarter of an hour.
        """
        with freeze_time('2026-01-05 10:00:00'):
            self.profiles._refresh()
        self.assertEqual(str(self.shop.retail_full_refreshed_at), '2026-01-05 10:00:00')
        self.assertEqual(str(self.shop.retail_refreshed_at), '2026-01-05 10:00:00')
        nightly = self.profiles.with_context(cron_id=1)
        for amount, now, expected in (
            (100, '2026-01-06 10:00:00', '2026-01-06 10:00:00'),
            (100, '2026-01-06 10:14:00', '2026-01-06 10:00:00'),
            (100, '2026-01-06 10:16:00', '2026-01-06 10:16:00'),
            (None, '2026-01-07 10:00:00', '2026-01-06 10:16:00'),  # nothing changed
        ):
            if amount:
                self._buy(self.bob, ('2025-03-10', amount))
            with freeze_time(now):
                nightly._refresh(self.bob)
            self.assertEqual(str(self.shop.retail_refreshed_at), expected)
        self.assertEqual(str(self.shop.retail_full_refreshed_at), '2026-01-05 10:00:00')

    def test_today_is_that_of_the_company(self):
        """Figures are made for today where the company is (design 4.2)."""
        self.shop.resource_calendar_id.tz = 'Asia/Shanghai'
        orders = self._insert_orders([(self.bob.id, '2026-01-05', 10)])
        orders.date_order = '2026-01-05 17:00:00'  # the 6th in Shanghai
        self.env.flush_all()
        self.purchases._sync({'sale.order': orders.ids})
        with freeze_time('2026-01-05 15:59:00'):
            self.profiles._refresh(self.bob)
            self.assertEqual(self._profile_of(self.bob).order_count, 0)
        with freeze_time('2026-01-05 16:00:00'):
            self.profiles._refresh(self.bob)
            self.assertEqual(self._profile_of(self.bob).order_count, 1)

    def test_nightly_refresh_takes_those_whose_day_has_come(self):
        """The scheduled action refreshes customers with ``refresh_on`` reached, and only them
        (design 4.3).
        """
        self._buy(self.bob, ('2025-03-10', 100))
        self._buy(self.acme, ('2025-06-10', 50), ('2025-06-20', 50))
        with freeze_time('2026-03-09 10:00:00'):
            self.profiles._refresh()
        cron = self.env.ref('retail_crm.ir_cron_refresh_profiles')
        # somebody's figure that nothing but a needless refresh would mend
        self.env.cr.execute(
            'UPDATE retail_profile SET spend_total = 1 WHERE partner_id = %s', self.acme.ids
        )
        with freeze_time('2026-03-10 10:00:00'), self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.spend_12m, profile.spend_prev_12m), (0, 100))
        self.assertEqual(self._profile_of(self.acme).spend_total, 1)
        with freeze_time('2026-03-17 10:00:00'), self.enter_registry_test_mode():
            cron.method_direct_trigger()  # a week later: everybody
        self.env.invalidate_all()
        self.assertEqual(self._profile_of(self.acme).spend_total, 100)
