"""What a customer's figures must be, computed without Odoo and without SQL.

The tests compare `retail.profile` with these functions, so they are written to be checked by eye:
one plain pass per figure, no sharing of intermediate results with the add-on. Money is Decimal and
days are whole numbers or exact fractions: nothing is rounded before the last step.

    python tools/oracle.py                      self-test on cases worked out by hand
    python tools/oracle.py CDNOW_sample.txt     also repeats the published early-warning figures
"""

import calendar
import statistics
import sys
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import NamedTuple

SHRINKAGE = 2  # k: how many population gaps a customer's own gaps are mixed with
FLOOR_DAYS = 7  # no personal interval is shorter


class Purchase(NamedTuple):
    """One document of one customer, as a row of `retail.purchase`.

    `amount` and `margin` are net, in company currency; `counts` is False for a document that adds
    its amount but is no purchase (everything returned). Plain tuples in this order do as well.
    """

    customer: object
    date: date
    amount: Decimal
    margin: Decimal = Decimal(0)
    counts: bool = True


def months_before(day, months):
    """The same day of the month `months` earlier, or that month's last day: 29 Feb -> 28 Feb."""
    count = day.year * 12 + (day.month - 1) - months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def round_half_up(number):
    """The nearest whole number, a half upwards."""
    return floor(Fraction(number) + Fraction(1, 2))


def occasion_days(purchases, day):
    """{customer: ascending distinct days of counting purchases up to `day`}"""
    days = {}
    for customer, purchase_date, _amount, _margin, counts in purchases:
        if counts and purchase_date <= day:
            days.setdefault(customer, set()).add(purchase_date)
    return {customer: sorted(own) for customer, own in days.items()}


def gaps_of(days):
    """Days between consecutive occasions: one less than there are occasions."""
    return [(later - earlier).days for earlier, later in pairwise(days)]


def population_gap(purchases, day, definition='mean_of_means'):
    """The usual number of days between two purchases of one customer, over all customers.

    The default, the mean over repeat customers of each one's mean gap, is the definition that
    reproduces the figures printed in R-loy C.6 (64.9 days on CDNOW up to 1997-09-30); the three
    medians do not. None while nobody has come back.
    """
    own_gaps = [gaps_of(days) for days in occasion_days(purchases, day).values() if len(days) > 1]
    if not own_gaps:
        return None
    own_means = [Fraction(sum(gaps), len(gaps)) for gaps in own_gaps]
    if definition == 'mean_of_means':
        return sum(own_means) / len(own_means)
    if definition == 'median_of_means':
        return Fraction(statistics.median(own_means))
    if definition == 'median_first_gap':
        return Fraction(statistics.median(gaps[0] for gaps in own_gaps))
    if definition == 'median_of_gaps':
        return Fraction(statistics.median(gap for gaps in own_gaps for gap in gaps))
    raise ValueError(f'unknown definition {definition!r}')


def personal_interval(gaps, population):
    """Days after which the next purchase is expected (R-loy C.6), exact.

    (n x mean own gap + k x population gap) / (n + k), at least 7; n x mean own gap is the sum.
    None when neither the customer nor the population has a gap.
    """
    if population is None:
        return None
    mixed = (sum(gaps) + SHRINKAGE * Fraction(population)) / (len(gaps) + SHRINKAGE)
    return max(mixed, Fraction(FLOOR_DAYS))


def figures(purchases, day, population=None):
    """{customer: {figure: value}} as of `day`, for every customer with a document up to `day`.

    Later documents are ignored. Amounts and margins add up over all documents; dates, counts and
    gaps only see the counting ones. A figure that does not exist (no counting purchase, no second
    occasion) is None. `population` replaces the population gap of these same purchases.
    """
    purchases = [Purchase(*purchase) for purchase in purchases]
    if population is None:
        population = population_gap(purchases, day)
    days_of = occasion_days(purchases, day)
    by_customer = {}
    for purchase in purchases:
        if purchase.date <= day:
            by_customer.setdefault(purchase.customer, []).append(purchase)
    return {
        customer: _figures_of_one(own, days_of.get(customer, []), day, population)
        for customer, own in by_customer.items()
    }


def _figures_of_one(own, days, day, population):
    """The figures of one customer: `own` documents up to `day`, `days` their occasions."""
    year_ago, two_years_ago = months_before(day, 12), months_before(day, 24)
    this_year = [purchase for purchase in own if purchase.date > year_ago]
    year_before = [purchase for purchase in own if two_years_ago < purchase.date <= year_ago]
    spend_total = sum((purchase.amount for purchase in own), Decimal(0))
    order_count = sum(1 for purchase in own if purchase.counts)
    gaps = gaps_of(days)
    interval = personal_interval(gaps, population) if days else None
    return {
        'first_order_date': days[0] if days else None,
        'last_order_date': days[-1] if days else None,
        'order_count': order_count,
        'order_count_12m': sum(1 for purchase in this_year if purchase.counts),
        'spend_total': spend_total,
        'spend_12m': sum((purchase.amount for purchase in this_year), Decimal(0)),
        'spend_prev_12m': sum((purchase.amount for purchase in year_before), Decimal(0)),
        'margin_12m': sum((purchase.margin for purchase in this_year), Decimal(0)),
        'average_order': spend_total / order_count if order_count else None,
        'occasions': len(days),
        'mean_gap_days': Fraction((days[-1] - days[0]).days, len(days) - 1) if gaps else None,
        'interval_days': interval,
        'expected_next_date': (
            None if interval is None else days[-1] + timedelta(days=round_half_up(interval))
        ),
    }


def _test_calendar():
    assert months_before(date(2024, 2, 29), 12) == date(2023, 2, 28)
    assert months_before(date(2024, 2, 29), 24) == date(2022, 2, 28)
    assert months_before(date(2025, 2, 28), 12) == date(2024, 2, 28)
    assert months_before(date(2026, 1, 31), 2) == date(2025, 11, 30)
    assert months_before(date(2026, 12, 31), 12) == date(2025, 12, 31)
    assert [round_half_up(Fraction(n, 4)) for n in (1, 2, 3, 10, 14)] == [0, 1, 1, 3, 4]


def _test_figures():
    day = date(2026, 3, 31)
    rows = [
        ('ann', date(2024, 3, 31), Decimal('7'), Decimal('1')),  # too old for both windows
        ('ann', date(2024, 4, 1), Decimal('10'), Decimal('2')),  # first day of the year before
        ('ann', date(2025, 3, 31), Decimal('20'), Decimal('3')),  # last day of the year before
        ('ann', date(2025, 4, 1), Decimal('40.10'), Decimal('4.05')),  # first day of this year
        ('ann', date(2025, 4, 1), Decimal('0'), Decimal('0')),  # second order of that day
        ('ann', date(2025, 6, 1), Decimal('-5'), Decimal('-1'), False),  # no purchase
        ('ann', day, Decimal('80'), Decimal('5')),  # D itself counts
        ('ann', date(2026, 4, 1), Decimal('999'), Decimal('9')),  # after D: ignored
        ('bob', date(2026, 3, 1), Decimal('15'), Decimal('6')),
        ('cid', date(2026, 3, 1), Decimal('0'), Decimal('0'), False),
        ('dan', date(2026, 4, 1), Decimal('3'), Decimal('1')),
        ('eve', date(2026, 1, 1), Decimal('1'), Decimal('0')),
        ('eve', date(2026, 1, 2), Decimal('2'), Decimal('0')),
    ]
    result = figures(rows, day)
    assert set(result) == {'ann', 'bob', 'cid', 'eve'}
    ann = result['ann']
    assert (ann['first_order_date'], ann['last_order_date']) == (date(2024, 3, 31), day)
    assert (ann['order_count'], ann['order_count_12m'], ann['occasions']) == (6, 3, 5)
    assert (ann['spend_total'], ann['spend_12m']) == (Decimal('152.10'), Decimal('115.10'))
    assert (ann['spend_prev_12m'], ann['margin_12m']) == (Decimal('30'), Decimal('8.05'))
    assert ann['average_order'] == Decimal('25.35')
    assert ann['mean_gap_days'] == Fraction(730, 4)
    # population = mean(730 / 4, 1) = 91.75; ann (730 + 183.5) / 6 = 152.25; bob 91.75, half up
    assert population_gap([Purchase(*row) for row in rows], day) == Fraction(367, 4)
    assert ann['interval_days'] == Fraction(609, 4)
    assert ann['expected_next_date'] == day + timedelta(days=152)
    assert result['bob']['mean_gap_days'] is None
    assert result['bob']['expected_next_date'] == date(2026, 3, 1) + timedelta(days=92)
    assert result['cid']['order_count'] == 0 and result['cid']['expected_next_date'] is None
    assert result['cid']['average_order'] is None
    short = figures(rows, day, population=Fraction(5))['eve']  # (1 + 2 x 5) / 3 is under a week
    assert short['interval_days'] == 7 and short['expected_next_date'] == date(2026, 1, 9)
    alone = figures(rows[8:9], day)['bob']  # nobody ever came back: nothing to expect
    assert alone['interval_days'] is None and alone['expected_next_date'] is None


def _test_published(path):
    """R-loy C.6 on the CDNOW sample: 39 weeks to predict the next 39, 946 repeat customers."""
    end = date(1997, 9, 30)
    rows = []
    with open(path, encoding='ascii') as lines:
        for line in lines:
            customer, _number, day, _cds, dollars = line.split()
            bought = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            rows.append(Purchase(customer, bought, Decimal(dollars)))
    buys_again = {row.customer for row in rows if row.date > end}
    overdue = {
        customer: (end - one['last_order_date']).days / one['interval_days']
        for customer, one in figures(rows, end).items()
        if one['occasions'] > 1
    }
    assert len(overdue) == 946
    flagged, silent = [], []
    for threshold in (1, Fraction(3, 2), 2, 3, 4):
        listed = [customer for customer, ratio in overdue.items() if ratio >= threshold]
        flagged.append(len(listed))
        silent.append(round(100 * len(set(listed) - buys_again) / len(listed), 1))
    assert flagged == [615, 494, 421, 304, 181], flagged
    assert silent == [57.1, 60.1, 63.4, 68.4, 72.9], silent


if __name__ == '__main__':
    _test_calendar()
    _test_figures()
    for argument in sys.argv[1:]:
        _test_published(argument)
    sys.stdout.write('oracle: all cases hold\n')
