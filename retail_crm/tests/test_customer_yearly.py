"""The arithmetic of days that come back every year, against published calendars and plain counting."""

from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from odoo.addons.retail_crm.models.customer import _yearly
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: Published by observatories: lunar new year (1/1) and the mid-autumn day (8/15).
NEW_YEARS = ['2024-02-10', '2025-01-29', '2026-02-17', '2027-02-06', '2033-01-31', '2034-02-19']
MID_AUTUMNS = ['2024-09-17', '2025-10-06', '2026-09-25']


def lengths(first_year, last_year):
    """Yield ``(year, month, day)`` of all days of a span, counted by hand."""
    for year in range(first_year, last_year + 1):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        for month, days in enumerate(
            [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], start=1
        ):
            for day in range(1, days + 1):
                yield year, month, day


@tagged('post_install', '-at_install', 'retail_crm')
class TestYearlyArithmetic(RetailCrmCommon):
    def test_lunar_days_are_the_published_ones(self):
        """Lunar dates are those of the published calendars, also around the leap month of 2033 (S-CUS-08)."""
        for month, day, published in ((1, 1, NEW_YEARS), (8, 15, MID_AUTUMNS)):
            for text in published:
                when = date.fromisoformat(text)
                with self.subTest(month=month, day=day, year=when.year):
                    self.assertEqual(_yearly.occurrence(when.year, month, day, True), when)
                    self.assertEqual(_yearly.to_lunar(when), (when.year, month, day, False))

    def test_dates_survive_the_way_there_and_back(self):
        """Each date of sixty years has one lunar day, which falls on that date; leap months apart (S-CUS-08)."""
        day, leaps, seen = date(1990, 1, 1), 0, set()
        while day < date(2050, 1, 1):
            year, month, number, leap = _yearly.to_lunar(day)
            self.assertNotIn((year, month, number, leap), seen)
            seen.add((year, month, number, leap))
            if leap:
                leaps += 1
            else:
                self.assertEqual(_yearly.occurrence(year, month, number, True), day)
            day += timedelta(days=1)
        # 7 leap months in 19 years, of 29 or 30 days
        self.assertAlmostEqual(leaps / 29.5, 60 * 7 / 19, delta=1.5)

    def test_days_that_there_are(self):
        """29 February without year or in leap years; 30 days in lunar months (S-CUS-07)."""
        for year in (1900, 2000, 2023, 2024):
            there_are = {(month, day) for _year, month, day in lengths(year, year)}
            for month in range(14):
                for day in range(33):
                    possible = _yearly.is_possible(month, day, year)
                    self.assertEqual(possible, (month, day) in there_are, (year, month, day))
        self.assertTrue(_yearly.is_possible(2, 29))
        self.assertFalse(_yearly.is_possible(2, 30))
        self.assertTrue(_yearly.is_possible(2, 30, lunar=True))
        self.assertFalse(_yearly.is_possible(2, 31, lunar=True))
        # the second month of 2025 had 29 days, the first one 30
        self.assertFalse(_yearly.is_possible(2, 30, 2025, lunar=True))
        self.assertTrue(_yearly.is_possible(1, 30, 2025, lunar=True))
        self.assertFalse(_yearly.is_possible(1, 1, 1850, lunar=True))
        self.assertFalse(_yearly.is_possible(1, 1, 90))

    def test_leap_day_is_kept_the_day_before(self):
        """29 February is kept on 28 February in other years (S-CUS-08)."""
        self.assertEqual(_yearly.occurrence(2023, 2, 29), date(2023, 2, 28))
        self.assertEqual(_yearly.occurrence(2024, 2, 29), date(2024, 2, 29))
        self.assertEqual(_yearly.next_occurrence(2, 29, start=date(2026, 3, 1)), date(2027, 2, 28))
        self.assertEqual(_yearly.next_occurrence(2, 29, start=date(2027, 3, 1)), date(2028, 2, 29))

    def test_next_day_is_the_first_one(self):
        """The next date is the first from today on, today included, in both calendars (S-CUS-08)."""
        for start in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 2, 16), date(2027, 2, 28)):
            for lunar in (False, True):
                expected, day = {}, start
                for _offset in range(_yearly.LONGEST_YEAR + 1):
                    solar, lunars = _yearly.days_between(day, day)
                    for pair in lunars if lunar else solar:
                        expected.setdefault(pair, day)
                    day += timedelta(days=1)
                found = {
                    (month, number): when
                    for (month, number, is_lunar), when in _yearly.next_days(start).items()
                    if is_lunar == lunar
                }
                with self.subTest(start=start, lunar=lunar):
                    self.assertEqual(found, expected)

    def test_days_between_is_the_inverse_of_occurrence(self):
        """Who has a day in a period is found by it, and nobody else (S-CUS-08)."""
        for start, length in (
            (date(2026, 2, 10), 13),
            (date(2025, 7, 20), 40),
            (date(2027, 2, 28), 0),
        ):
            end = start + timedelta(days=length)
            found = _yearly.days_between(start, end)
            for lunar in (False, True):
                expected = {
                    (month, day)
                    for month in range(1, 13)
                    for day in range(1, 31 if lunar else 32)
                    if _yearly.is_possible(month, day, lunar=lunar)
                    for year in range(start.year - 1, end.year + 1)
                    if start <= _yearly.occurrence(year, month, day, lunar) <= end
                }
                with self.subTest(start=start, lunar=lunar):
                    self.assertEqual(found[lunar], expected)

    def test_age(self):
        """Full years; who was born on 29 February is a year older on 1 March (S-SEG-19)."""
        cases = [
            ('2026-03-05', '1990-03-05', 36),
            ('2026-03-04', '1990-03-05', 35),
            ('2026-02-28', '2004-02-29', 21),
            ('2026-03-01', '2004-02-29', 22),
            ('2028-02-29', '2004-02-29', 24),
            ('2026-03-05', '2026-03-05', 0),
        ]
        for day, birth, age in cases:
            with self.subTest(day=day, birth=birth):
                args = date.fromisoformat(day), date.fromisoformat(birth)
                self.assertEqual(_yearly.age_on(*args), age)


@tagged('post_install', '-at_install', 'retail_crm')
class TestNamedDates(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dates = cls.env['retail.occasion.date']

    def _create(self, month, day, **values):
        return self.dates.create(
            {'partner_id': self.bob.id, 'month': str(month), 'day': day, **values}
        )

    def _found(self, *condition):
        return self.dates.search([('partner_id', '=', self.bob.id), *condition])

    @freeze_time('2026-09-20 10:00')
    def test_next_date_and_words(self):
        """A named date knows its next date and says it in words, with and without year, solar and lunar (S-CUS-08)."""
        wedding = self._create(5, 20, year=2003)
        festival = self._create(8, 15, is_lunar=True, kind='other', name='Mid-autumn')
        born = self._create(2, 29, kind='child', name='Xiaomei')
        self.assertEqual(wedding.next_date, date(2027, 5, 20))
        self.assertEqual(festival.next_date, date(2026, 9, 25))
        self.assertEqual(born.next_date, date(2027, 2, 28))
        self.assertEqual(wedding.text, '20 May 2003')
        self.assertEqual(festival.text, 'lunar month 8, day 15')
        self.assertEqual(born.display_name, "Child's birthday, Xiaomei, 29 February")

    @freeze_time('2026-09-20 10:00')
    def test_search_sort_and_group_by_next_date(self):
        """Named dates are found, sorted and grouped by their next date (S-CUS-08)."""
        wedding = self._create(5, 20)
        festival = self._create(8, 15, is_lunar=True)
        leap = self._create(2, 29)
        past = self._create(9, 19)
        rows = wedding + festival + leap + past
        self.assertEqual(self._found(('next_date', '=', '2026-09-25')), festival)
        self.assertEqual(self._found(('next_date', '<', 'today =1d +1m')), festival)
        self.assertEqual(self._found(('next_date', '=', '2027-02-28')), leap)
        self.assertEqual(self._found(('next_date', '>', '2027-05-20')), past)
        self.assertEqual(self._found(('next_date', '!=', '2027-02-28')), rows - leap)
        self.assertEqual(self._found(('next_date', '>=', 'today')), rows)
        self.assertFalse(self._found(('next_date', '<', 'today')))
        self.assertFalse(self._found(('next_date', '=', False)))
        self.assertEqual(
            self._found(('next_date', '>=', '2027-01-01'), ('next_date', '<=', '2027-05-20')),
            wedding + leap,
        )
        ordered = self.dates.search([('partner_id', '=', self.bob.id)], order='next_date desc')
        self.assertEqual(list(ordered), [past, wedding, leap, festival])
        groups = self.dates.formatted_read_group(
            [('partner_id', '=', self.bob.id)], ['next_date:month'], ['__count']
        )
        self.assertEqual(
            [group['next_date:month'][0] for group in groups],
            ['2026-09-01', '2027-02-01', '2027-05-01', '2027-09-01'],
        )
        for group in groups:
            self.assertEqual(len(self._found(*group['__extra_domain'])), group['__count'])

    @freeze_time('2026-09-20 10:00')
    def test_search_agrees_with_the_dates(self):
        """Each day of the coming year: search and database find what each record computes (S-CUS-08)."""
        rows = self.dates.create(
            [
                {'partner_id': self.bob.id, 'month': str(month), 'day': day, 'is_lunar': lunar}
                for lunar in (False, True)
                for month in range(1, 13)
                for day in (1, 15, 28, 29, 30)
                if _yearly.is_possible(month, day, lunar=lunar)
            ]
        )
        for offset in range(0, 390, 7):
            bound = date(2026, 9, 20) + timedelta(days=offset)
            with self.subTest(bound=bound):
                expected = rows.filtered(lambda row, bound=bound: row.next_date <= bound)
                self.assertEqual(self._found(('next_date', '<=', bound)), expected)
                later = rows.filtered(lambda row, bound=bound: row.next_date > bound)
                self.assertEqual(self._found(('next_date', '>', bound)), later)
        ordered = self.dates.search([('id', 'in', rows.ids)], order='next_date, id')
        self.assertEqual(ordered, rows.sorted(lambda row: (row.next_date, row.id)))

    @freeze_time('2026-09-20 10:00')
    def test_wrong_days_are_refused(self):
        """Days that there are not and years to come are refused with a message that says so (issue: bad input)."""
        wrong = [
            (2, 30, 0, False, 'no day 30 in February'),
            (2, 29, 2025, False, 'no day 29 in February 2025'),
            (4, 31, 0, False, 'no day 31 in April'),
            (1, 0, 0, False, 'needs a month and a day'),
            (1, -3, 0, False, 'no day -3'),
            (1, 31, 0, True, 'no day 31 in lunar month 1'),
            (9, 21, 2026, False, 'in the future'),
            (1, 1, 2999, True, 'in the future'),
            (8, 15, 2026, True, 'in the future'),
            (5, 5, 90, False, 'four digits'),
            (5, 5, 1800, True, 'four digits'),
            (5, 5, -1, False, 'four digits'),
        ]
        for month, day, year, lunar, message in wrong:
            with self.subTest(month=month, day=day, year=year, lunar=lunar):
                with self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                    self._create(month, day, year=year, is_lunar=lunar)
        self.assertTrue(self._create(9, 20, year=2026))

    def test_customers_are_not_deleted_with_their_dates_unseen(self):
        """A merge moves named dates to the contact that stays (S-CUS-08)."""
        row = self._create(5, 20)
        dan = self.env['res.partner'].create({'name': 'Dan'})
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.bob + dan).ids, dan, extra_checks=False)
        self.env.invalidate_all()
        self.assertEqual(row.partner_id, dan)
