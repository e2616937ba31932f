"""Which classes a customer must be in, computed without Odoo and without SQL.

The tests compare `retail.profile` with this. It follows docs/classes.md sentence by sentence and
shares nothing with the add-on: exact fractions and whole days, ranks counted in sorted lists,
shares summed in plain loops. Only money and scores are rounded, at the last step.

    python tools/oracle_classes.py              self-test on cases worked out by hand
"""

import os
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import groupby
from math import ceil, floor
from types import SimpleNamespace

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import Purchase, months_before, population_gap

#: The shipped defaults: what stands in [brackets] in docs/classes.md.
RULES = {
    'new_days': 90,
    'won_back_days': 90,
    'lost_months': 24,
    # times the own interval
    'watch_factor': Fraction(3, 2),
    'alert_factor': Fraction(3),
    'lost_factor': Fraction(6),
    'trend_purchases': 3,
    'trend_percent': 20,
    'mature_percentile': 60,
    'loyal_purchases': 4,
    'loyal_months': 12,  # or 24, or None: ever
    'fixed_thresholds': False,  # True: never equal parts
    'equal_parts_buyers': 50,  # with fewer, never equal parts
    'recency_thresholds': (365, 180, 90, 30),
    'frequency_thresholds': (2, 3, 5, 8),
    'monetary_thresholds': (500, 1500, 4000, 10000),
    'expected_years': {
        'prospect': Fraction(0),
        'new': Fraction(30, 100),
        'growth': Fraction(60, 100),
        'mature': Fraction(80, 100),
        'won_back': Fraction(50, 100),
        'at_risk': Fraction(30, 100),
        'lapsed': Fraction(10, 100),
        'lost': Fraction(0),
    },
    'high_value_percent': 10,
    'high_value_amount': None,  # set: this margin of the 12 months, instead of the top percent
    'abc_potential_percent': 30,
    'abc_a_percent': 70,
    'abc_b_percent': 20,
    # buys repeatedly, gives suggestions, follows new products, recommends, rejects competitors
    'loyalty_weights': (40, 15, 15, 20, 10),
    'star_percent': 30,
    'star_score': 60,
}

STAGES = {
    'prospect': 'introduction',
    'new': 'introduction',
    'growth': 'growth',
    'won_back': 'growth',
    'mature': 'maturity',
    'at_risk': 'decline',
    'lapsed': 'decline',
    'lost': 'decline',
}

COARSE = {'prospect': 'potential', 'purchaser': 'ordinary', 'loyal': 'loyal'}

# columns: FM 1 to 5
GROUPS = {
    5: 'recent promising rising champion champion'.split(),
    4: 'promising promising rising regular regular'.split(),
    3: 'fading fading attention regular regular'.split(),
    2: 'hibernating hibernating slipping slipping treasured'.split(),
    1: 'dormant hibernating slipping treasured treasured'.split(),
}


# === NUMBERS AND DATES ===


def rounded(number, digits=0):
    """To `digits` decimals, a half away from zero: 0.5 -> 1, -0.5 -> -1."""
    units = floor(abs(Fraction(number)) * 10**digits + Fraction(1, 2))
    return Decimal(units if number >= 0 else -units).scaleb(-digits)


@cache
def first_day_beyond(last, months):
    """The first day X with X - `months` months > `last`, found by trying one day after another."""
    day = last
    while months_before(day, months) <= last:
        # months are 28 days or more: the first tries may be skipped
        day += timedelta(days=28 * months if day == last and months else 1)
    return day


def percentile(values, percent):
    """The smallest of the values that at least `percent` % of the values do not exceed."""
    values = sorted(values)
    if not values:
        return None
    return values[max(1, ceil(Fraction(percent * len(values), 100))) - 1]


def personal_interval(days, gap):
    """Own interval of somebody with these purchase days, or None; `gap` is the usual one."""
    own_gaps = len(days) - 1
    if own_gaps < 0:
        return None
    span = (days[-1] - days[0]).days
    if gap is not None:
        return max(Fraction(7), (span + 2 * Fraction(gap)) / (own_gaps + 2))
    return max(Fraction(7), Fraction(span, own_gaps)) if own_gaps else None


# === ONE CUSTOMER ===


def facts_of(documents, day, rules):
    """What one customer bought up to `day`, in the periods that classes look at."""
    year_ago, two_years_ago = months_before(day, 12), months_before(day, 24)
    up_to_day = [one for one in documents if one.date <= day]
    this_year = [one for one in up_to_day if one.date > year_ago]
    year_before = [one for one in up_to_day if two_years_ago < one.date <= year_ago]
    two_years = [one for one in up_to_day if one.date > two_years_ago]
    loyal_period = up_to_day
    if rules['loyal_months'] is not None:
        loyal_since = months_before(day, rules['loyal_months'])
        loyal_period = [one for one in up_to_day if one.date > loyal_since]
    return SimpleNamespace(
        days=purchase_days(up_to_day),
        days_12m=len(purchase_days(this_year)),
        days_24m=len(purchase_days(two_years)),
        purchases_12m=sum(1 for one in this_year if one.counts),
        purchases_before=sum(1 for one in year_before if one.counts),
        purchases_loyal=sum(1 for one in loyal_period if one.counts),
        amount=total(one.amount for one in up_to_day),
        amount_12m=total(one.amount for one in this_year),
        amount_before=total(one.amount for one in year_before),
        amount_24m=total(one.amount for one in two_years),
        margin=total(one.margin for one in up_to_day),
        margin_12m=total(one.margin for one in this_year),
    )


def purchase_days(documents):
    return sorted({one.date for one in documents if one.counts})


def total(amounts):
    return Fraction(sum(amounts, Decimal(0)))


def is_rising(one, rules):
    up = Fraction(100 + rules['trend_percent'], 100)
    more_amount = one.amount_12m > 0 and one.amount_12m >= up * one.amount_before
    more_purchases = one.purchases_12m >= up * one.purchases_before
    enough = one.purchases_12m >= rules['trend_purchases']
    return enough and (more_amount or more_purchases)


def is_falling(one, rules):
    down = Fraction(100 - rules['trend_percent'], 100)
    less_amount = one.amount_before > 0 and one.amount_12m <= down * one.amount_before
    fewer_purchases = one.purchases_12m <= down * one.purchases_before
    enough = one.purchases_before >= rules['trend_purchases']
    return not is_rising(one, rules) and enough and (less_amount or fewer_purchases)


def dates_of(one, interval, rules):
    """The days from which the customer is watched, an alert, lapsed, lost."""
    none = {'watch_on': None, 'alert_on': None, 'lapse_on': None, 'lost_on': None}
    if not one.days:
        return none
    last = one.days[-1]
    beyond = first_day_beyond(last, rules['lost_months'])
    if interval is None:
        return {**none, 'lost_on': beyond}
    return {
        'watch_on': last + timedelta(days=ceil(rules['watch_factor'] * interval)),
        'alert_on': last + timedelta(days=ceil(rules['alert_factor'] * interval)),
        'lapse_on': last + timedelta(days=floor(rules['alert_factor'] * interval) + 1),
        'lost_on': max(last + timedelta(days=floor(rules['lost_factor'] * interval) + 1), beyond),
    }


def churn_level(dates, day):
    if dates['alert_on'] and day >= dates['alert_on']:
        return 'alert'
    if dates['watch_on'] and day >= dates['watch_on']:
        return 'watch'
    return 'none'


def had_lapsed(days, gap, rules):
    """The last purchase came later than [three] intervals, as they were before it, would allow."""
    interval = personal_interval(days[:-1], gap)
    return interval is not None and (days[-1] - days[-2]).days > rules['alert_factor'] * interval


def lifecycle_of(one, day, gap, mature_amount, rules):
    """The first that fits. `mature_amount` is M, None when no recent buyer has an amount."""
    if not one.days:
        return 'prospect'
    silent = (day - one.days[-1]).days
    interval = personal_interval(one.days, gap)
    if len(one.days) == 1 and silent <= rules['new_days']:
        return 'new'
    lapsed_before = len(one.days) > 1 and had_lapsed(one.days, gap, rules)
    if lapsed_before and silent <= rules['won_back_days']:
        return 'won_back'
    if day >= dates_of(one, interval, rules)['lost_on']:
        return 'lost'
    if interval is not None and silent > rules['alert_factor'] * interval:
        return 'lapsed'
    if interval is not None and silent > rules['watch_factor'] * interval:
        return 'at_risk'
    steady = not is_rising(one, rules) and not is_falling(one, rules)
    loyal = one.purchases_loyal >= rules['loyal_purchases']
    if loyal and steady and mature_amount is not None and one.amount_12m >= mature_amount:
        return 'mature'
    return 'growth'


def next_12m(one, value, value_12m, interval, years):
    """What `value` (so far) and `value_12m` (of the 12 months) let expect for the next 12."""
    if interval is None:
        return value_12m * years
    return value / len(one.days) * 365 / interval * years


def loyalty_of(one, rules):
    """(buys repeatedly, loyalty score)"""
    step = rules['loyal_purchases']
    buys_repeatedly = min(100, int(rounded(Fraction(100 * one.days_12m, step))))
    tests = (buys_repeatedly, None, None, None, None)  # the others are not measured yet
    measured = [
        (score, weight)
        for score, weight in zip(tests, rules['loyalty_weights'], strict=True)
        if score is not None
    ]
    weights = sum(weight for _score, weight in measured)
    if not weights:
        return buys_repeatedly, 0
    mean = Fraction(sum(score * weight for score, weight in measured), weights)
    return buys_repeatedly, int(rounded(mean))


# === ALL CUSTOMERS ===


def equal_parts(values):
    """{customer: score} of {customer: value} by the number of smaller values."""
    ordered = sorted(values.values())
    scores = {}
    for customer, value in values.items():
        smaller = bisect_left(ordered, value)
        parts = 5 * smaller // (len(ordered) - 1) if len(ordered) > 1 else 0
        scores[customer] = min(5, 1 + parts)
    return scores


def limits_of(values, scores):
    """The smallest values with a score of 2, 3, 4, 5 or more (fewer, when nobody has the last)."""
    limits = []
    for score in (2, 3, 4, 5):
        reached = [values[customer] for customer in values if scores[customer] >= score]
        limits += [min(reached)] if reached else []
    return limits


def by_limits(values, limits):
    return {customer: 1 + bisect_right(limits, value) for customer, value in values.items()}


def rfm_scores(people, day, rules, kept, population):
    """({customer: (R, F, M)} of the buyers); notes the limits of the scores in `population`."""
    buyers = {customer: one for customer, one in people.items() if one.days}
    values = {
        'recency': {customer: one.days[-1] for customer, one in buyers.items()},
        'frequency': {customer: one.days_24m for customer, one in buyers.items()},
        'monetary': {customer: one.amount_24m for customer, one in buyers.items()},
    }
    fixed = rules['fixed_thresholds'] or len(buyers) < rules['equal_parts_buyers']
    scores = {}
    for name, of_buyers in values.items():
        key = f'{name}_limits'
        if key in kept:
            population[key] = kept[key]
            scores[name] = None if kept[key] is None else by_limits(of_buyers, kept[key])
        else:
            scores[name] = None if fixed else equal_parts(of_buyers)
            population[key] = None if fixed else limits_of(of_buyers, scores[name])
        if scores[name] is None:
            scores[name] = {
                customer: fixed_score(name, value, day, rules)
                for customer, value in of_buyers.items()
            }
    return {
        customer: tuple(scores[name][customer] for name in ('recency', 'frequency', 'monetary'))
        for customer in buyers
    }


def fixed_score(name, value, day, rules):
    thresholds = rules[f'{name}_thresholds']
    if name == 'recency':
        return 1 + sum(1 for days in thresholds if (day - value).days <= days)
    return 1 + sum(1 for threshold in thresholds if value >= threshold)


def top_limit(margins, percent):
    """The least positive margin that fewer than `percent` % of all these margins exceed."""
    ordered = sorted(margins)
    for margin in ordered:
        more = len(ordered) - bisect_right(ordered, margin)
        if margin > 0 and more * 100 < percent * len(ordered):
            return margin
    return None


def abc_limits(indexes, rules):
    """(least index of A, least index of B): both None when nobody has a positive index."""
    positive = sorted((index for index in indexes if index > 0), reverse=True)
    whole = sum(positive)
    least = {'a': None, 'b': None, 'c': None}
    greater = 0  # held by those with a greater index
    for index, equal in groupby(positive):
        if greater * 100 < rules['abc_a_percent'] * whole:
            least['a'] = index
        elif greater * 100 < (rules['abc_a_percent'] + rules['abc_b_percent']) * whole:
            least['b'] = index
        greater += sum(equal)
    return least['a'], least['b']


def abc_of(index, limits):
    least_a, least_b = limits
    if least_a is not None and index >= least_a:
        return 'a'
    if least_b is not None and index >= least_b:
        return 'b'
    return 'c'


def classes(purchases, day, rules=None, population=None, digits=2):
    """({customer: {column of retail.profile: value}}, figures of the population) as of `day`.

    Customers are all with a document of whatever date: later documents are ignored, and who has no
    counting one up to `day` is a prospect. What does not exist is None. `population` replaces
    figures of the population, any of those that are returned: `{'gap': None}` is a usual gap that
    could not be measured. `digits` are the decimals of the currency.
    """
    rules = {**RULES, **(rules or {})}
    assert rules.keys() == RULES.keys(), rules.keys() - RULES.keys()
    kept = population or {}
    purchases = [Purchase(*purchase) for purchase in purchases]
    by_customer = {}
    for purchase in purchases:
        by_customer.setdefault(purchase.customer, []).append(purchase)
    people = {
        customer: facts_of(documents, day, rules) for customer, documents in by_customer.items()
    }
    recent = [one for one in people.values() if one.days_12m]
    figures = measure(purchases, recent, day, rules, kept)
    scores = rfm_scores(people, day, rules, kept, figures)

    result = {
        customer: classes_of_one(one, day, figures, scores.get(customer), rules, digits)
        for customer, one in people.items()
    }
    # the index needs the rounded potential of everybody
    share = Fraction(rules['abc_potential_percent'], 100)
    indexes = {
        customer: (1 - share) * one.amount_12m + share * Fraction(result[customer]['potential_12m'])
        for customer, one in people.items()
        if one.days
    }
    figures['abc_limits'] = kept.get('abc_limits') or abc_limits(indexes.values(), rules)
    for customer, columns in result.items():
        buyer = customer in indexes
        columns['abc_class'] = abc_of(indexes[customer], figures['abc_limits']) if buyer else None
    return result, figures


def measure(purchases, recent, day, rules, kept):
    """The figures of the population that do not depend on any class."""
    gap = population_gap(purchases, day)
    measured = {
        'gap': None if gap is None else Fraction(rounded(gap, 4)),
        'mature_amount': percentile(
            [one.amount_12m for one in recent if one.amount_12m > 0], rules['mature_percentile']
        ),
        'high_value_limit': top_limit(
            [one.margin_12m for one in recent], rules['high_value_percent']
        ),
        'star_limit': top_limit([one.margin_12m for one in recent], rules['star_percent']),
    }
    return {name: kept.get(name, value) for name, value in measured.items()}


def in_top(one, limit):
    """Recent buyer with a positive margin in the 12 months that reaches the limit."""
    reached = limit is not None and one.margin_12m >= limit
    return bool(one.days_12m) and one.margin_12m > 0 and reached


def star_of(one, is_valuable, is_loyal):
    if is_valuable:
        return 'gold' if is_loyal else 'meteor'
    if is_loyal:
        return 'small_star'
    return 'burden' if one.margin_12m < 0 else None


def classes_of_one(one, day, figures, scores, rules, digits):
    """All columns of one customer but the ABC class, which needs those of all others."""
    interval = personal_interval(one.days, figures['gap'])
    dates = dates_of(one, interval, rules)
    lifecycle = lifecycle_of(one, day, figures['gap'], figures['mature_amount'], rules)
    falling = is_falling(one, rules)
    ladder = 'prospect'
    if one.days:
        loyal = one.purchases_loyal >= rules['loyal_purchases']
        ladder = 'loyal' if loyal else 'purchaser'
    recency, frequency, monetary = scores or (None, None, None)
    years = rules['expected_years'][lifecycle]
    if rules['high_value_amount'] is None:
        high_value = in_top(one, figures['high_value_limit'])
    else:
        high_value = bool(one.days_12m) and one.margin_12m >= rules['high_value_amount']
    loyalty_purchase, loyalty_score = loyalty_of(one, rules)
    valuable = in_top(one, figures['star_limit'])
    star = star_of(one, valuable, loyalty_score >= rules['star_score']) if one.days else None
    return {
        'interval_days': interval,
        **dates,
        'churn_level': churn_level(dates, day),
        'is_falling': falling,
        'lifecycle': lifecycle,
        'lifecycle_stage': 'decline' if falling else STAGES[lifecycle],
        'ladder': ladder,
        'coarse_class': COARSE[ladder],
        'recency_score': recency,
        'frequency_score': frequency,
        'monetary_score': monetary,
        'rfm_code': f'{recency}{frequency}{monetary}' if scores else None,
        'rfm_group': GROUPS[recency][(frequency + monetary + 1) // 2 - 1] if scores else None,
        'clv_past': rounded(one.margin, digits),
        'clv_next_12m': rounded(next_12m(one, one.margin, one.margin_12m, interval, years), digits),
        'potential_12m': rounded(
            next_12m(one, one.amount, one.amount_12m, interval, years), digits
        ),
        'is_high_value': high_value,
        'loyalty_purchase': loyalty_purchase,
        'loyalty_score': loyalty_score,
        'star_class': star,
    }


# === CASES WORKED OUT BY HAND ===


def bought(customer, *days, amount=10, margin=3):
    """One purchase of this amount on each of these days (numbers are days of 2026)."""
    return [Purchase(customer, on(day), Decimal(str(amount)), Decimal(str(margin))) for day in days]


def on(day):
    return day if isinstance(day, date) else date(2026, 1, 1) + timedelta(days=day - 1)


def one_of(purchases, day, **options):
    """The columns of the only customer."""
    [columns] = classes(purchases, on(day), **options)[0].values()
    return columns


def _test_numbers():
    assert [str(rounded(Fraction(n, 2))) for n in (1, -1, 3, -3, 0)] == ['1', '-1', '2', '-2', '0']
    assert str(rounded(Fraction(-1005, 1000), 2)) == '-1.01'
    assert percentile([5, 1, 4, 2, 3], 60) == 3  # 3 of 5 are at most 3
    assert percentile([5, 1, 4, 2, 3], 61) == 4
    assert percentile([7], 60) == 7 and percentile([], 60) is None
    # 2024-02-29 minus 24 months is 2022-02-28 as well: not beyond it yet
    assert first_day_beyond(date(2022, 2, 28), 24) == date(2024, 3, 1)
    assert first_day_beyond(date(2022, 2, 27), 24) == date(2024, 2, 28)
    assert first_day_beyond(date(2024, 2, 29), 24) == date(2026, 3, 1)
    assert first_day_beyond(date(2024, 1, 31), 24) == date(2026, 2, 1)
    # 31 March minus a month is 28 February, as is the 28th to the 30th
    assert first_day_beyond(date(2026, 2, 28), 1) == date(2026, 4, 1)


def _test_interval():
    """Two purchases ten days apart and a usual gap of ten days: an interval of ten days."""
    ten = {'population': {'gap': Fraction(10)}}
    rows = bought('ann', 1, 11)
    expected = {'watch_on': on(26), 'alert_on': on(41), 'lapse_on': on(42)}
    columns = one_of(rows, 11, **ten)
    assert columns['interval_days'] == 10
    assert {name: columns[name] for name in expected} == expected
    assert columns['lost_on'] == date(2028, 1, 12)  # 60 days are less than two years
    # on the boundaries themselves: flagged, but not yet late
    seen = {
        day: (columns['churn_level'], columns['lifecycle'])
        for day in (25, 26, 27, 40, 41, 42)
        for columns in [one_of(rows, day, **ten)]
    }
    assert seen == {
        25: ('none', 'growth'),
        26: ('watch', 'growth'),  # d = 15 = 1.5 I
        27: ('watch', 'at_risk'),
        40: ('watch', 'at_risk'),
        41: ('alert', 'at_risk'),  # d = 30 = 3 I
        42: ('alert', 'lapsed'),
    }
    # (10 + 2 x 9.1) / 3 = 9.4: 1.5 I = 14.1, 3 I = 28.2
    columns = one_of(rows, 11, population={'gap': Fraction('9.1')})
    assert columns['interval_days'] == Fraction('9.4')
    assert [columns[name] for name in expected] == [on(26), on(40), on(40)]
    # (0 + 2 x 400) / 2 = 400: 6 I = 2400 days are more than two years
    columns = one_of(bought('bob', 1), 1, population={'gap': Fraction(400)})
    assert columns['lost_on'] == on(1 + 2401)
    # (1 + 2 x 5) / 3 is less than a week
    assert one_of(bought('eve', 1, 2), 2, population={'gap': Fraction(5)})['interval_days'] == 7
    # mean of 7 / 3, 1 and 2 days is 16 / 9, rounded to 1.7778; bob is mixed with that
    rows = bought('ann', 1, 3, 5, 8) + bought('bob', 1, 2) + bought('cid', 1, 3)
    columns, population = classes(rows, on(8), rules={'new_days': 0})
    assert population['gap'] == Fraction('1.7778')
    assert columns['bob']['interval_days'] == 7
    rows = bought('ann', 1, 31) + bought('bob', 1, 15) + bought('cid', 1, 16) + bought('dan', 1, 1)
    columns, population = classes(rows, on(31))
    assert population['gap'] == Fraction('19.6667')  # 59 / 3
    assert columns['ann']['interval_days'] == Fraction('69.3334') / 3
    assert columns['dan']['interval_days'] == Fraction('19.6667')  # twice on one day: no gap


def _test_gap_unknown():
    """Nobody has come back: no interval, so nobody is late before he is lost."""
    unknown = {'population': {'gap': None}}
    rows = bought('ann', 1, amount=80, margin=30) + bought('bob', 1)
    columns, population = classes(rows, on(200))
    assert population['gap'] is None
    assert columns['ann']['interval_days'] is None
    assert [columns['ann'][name] for name in ('watch_on', 'alert_on', 'lapse_on')] == [None] * 3
    assert columns['ann']['lost_on'] == date(2028, 1, 2)
    assert (columns['ann']['lifecycle'], columns['ann']['churn_level']) == ('growth', 'none')
    # without an interval the 12 months go on: 80 x 0.60, 30 x 0.60
    assert columns['ann']['potential_12m'] == 48 and columns['ann']['clv_next_12m'] == 18
    assert one_of(rows[:1], date(2028, 1, 1))['lifecycle'] == 'growth'
    assert one_of(rows[:1], date(2028, 1, 2))['lifecycle'] == 'lost'
    # kept figures: who has come back since has an own interval
    columns = one_of(bought('ann', 1, 31, 51), 51, **unknown)
    assert columns['interval_days'] == 25 and columns['alert_on'] == on(51 + 75)
    assert one_of(bought('ann', 1, 2), 2, **unknown)['interval_days'] == 7
    # two purchase days have no interval before the last one, three have
    assert one_of(bought('ann', 1, 301), 301, **unknown)['lifecycle'] == 'growth'
    assert one_of(bought('ann', 1, 11, 41), 41, **unknown)['lifecycle'] == 'growth'  # 30 = 3 x 10
    assert one_of(bought('ann', 1, 11, 42), 42, **unknown)['lifecycle'] == 'won_back'


def _test_lifecycle():
    ten = {'population': {'gap': Fraction(10)}}
    # new: until the 90th day; 90 days are more than 3 x 10
    assert one_of(bought('ann', 1, 1), 91, **ten)['lifecycle'] == 'new'
    assert one_of(bought('ann', 1, 1), 92, **ten)['lifecycle'] == 'lapsed'
    # won back: 31 days after a single purchase (I' = 10) are more than 3 x 10, 30 are not
    assert one_of(bought('ann', 1, 31), 31, **ten)['lifecycle'] == 'growth'
    rows = bought('ann', 1, 32)
    assert one_of(rows, 32, **ten)['lifecycle'] == 'won_back'
    assert one_of(rows, 122, **ten)['lifecycle'] == 'won_back'  # 90 days
    assert one_of(rows, 123, **ten)['lifecycle'] == 'lapsed'  # I = (31 + 20) / 3 = 17
    assert one_of(rows, 32, **ten)['lifecycle_stage'] == 'growth'
    # lost: after two years; a 29 February
    leap = bought('ann', date(2022, 2, 28))
    assert one_of(leap, date(2024, 2, 29), **ten)['lifecycle'] == 'lapsed'
    assert one_of(leap, date(2024, 3, 1), **ten)['lifecycle'] == 'lost'
    # prospects: nothing yet, nothing that counts
    returned = [Purchase('cid', on(1), Decimal('-4'), Decimal('-1.50'), False)]
    for columns in (one_of(bought('bob', 9), 8), one_of(returned, 8)):
        assert columns['lifecycle'] == columns['ladder'] == 'prospect'
        assert (columns['lifecycle_stage'], columns['coarse_class']) == (
            'introduction',
            'potential',
        )
        assert columns['lost_on'] is columns['rfm_code'] is columns['abc_class'] is None
        assert columns['churn_level'] == 'none' and columns['star_class'] is None
        assert columns['clv_next_12m'] == columns['loyalty_score'] == 0
        assert not columns['is_high_value'] and not columns['is_falling']
    assert columns['clv_past'] == Decimal('-1.50')


def _test_trend():
    """Five purchases in each of two years, then fewer; the year ends on 2027-12-31."""
    day = date(2027, 12, 31)
    ten = {'population': {'gap': Fraction(10)}}
    before = [date(2026, month, 1) for month in (2, 3, 4, 5, 6)]
    four = [date(2027, month, 25) for month in (9, 10, 11, 12)]
    five = [date(2027, 8, 25), *four]
    six = [date(2027, 7, 25), *five]

    def trend(this_year, amount, before=before):
        rows = bought('ann', *before, amount=10) + bought('ann', *this_year, amount=amount)
        columns = one_of(rows, day, **ten)
        return columns['is_falling'], columns['lifecycle']

    assert trend(five, 10) == (False, 'mature')  # the only amount is the 60th percentile
    assert trend(five, '11.99') == (False, 'mature')
    assert trend(five, 12) == (False, 'growth')  # 60 of 50: rising
    assert trend(six, 1) == (False, 'growth')  # more purchases are enough, 6 of 5
    assert trend(five, '8.01') == (False, 'mature')
    assert trend(five, 8) == (True, 'growth')
    assert trend(four, '12.49') == (True, 'growth')  # 4 of 5
    assert trend(four, 15) == (False, 'growth')  # 60 of 50: rising comes first
    assert trend(four[:2], 99)[0] is True  # two purchases never rise
    assert trend(four[:2], 10, before[:2])[0] is False  # two are too few to fall from
    assert trend(four, 1, []) == (False, 'growth')  # four of none: rising
    rows = bought('ann', *before) + bought('ann', *five, amount=8)
    assert one_of(rows, day, **ten)['lifecycle_stage'] == 'decline'
    assert one_of(bought('ann', *before), day, **ten)['is_falling']
    # 5 x 10 against 5 x 10 - 50: nothing left is not rising, and falling
    refund = [Purchase('ann', day, Decimal(-50), Decimal(-15), False)]
    rows = bought('ann', *before) + bought('ann', *five)
    assert one_of(rows + refund, day, **ten)['is_falling']
    # M: 5 others with 10, 20, 30, 40, 50 make 40 the 60th percentile of six, so 30 is too little
    # and 40 is enough
    others = [bought(n, date(2027, 12, 1), amount=10 * n) for n in (1, 2, 3, 4, 5)]
    others = [row for rows in others for row in rows]
    for amount, lifecycle in ((6, 'growth'), (8, 'mature')):
        rows = bought('ann', *before, amount=amount) + bought('ann', *five, amount=amount)
        columns, population = classes(others + rows, day, **ten)
        assert population['mature_amount'] == (30 if amount == 6 else 40)
        assert columns['ann']['lifecycle'] == 'mature'
        columns, population = classes(others + rows, day, {'mature_percentile': 80}, **ten)
        assert population['mature_amount'] == 40 and columns['ann']['lifecycle'] == lifecycle


def _test_ladder():
    rows = bought('ann', 1, 1, 1, 2)  # four purchases on two days
    columns = one_of(rows, 2)
    assert (columns['ladder'], columns['coarse_class']) == ('loyal', 'loyal')
    assert (columns['loyalty_purchase'], columns['loyalty_score']) == (50, 50)
    columns = one_of(rows[1:], 2)
    assert (columns['ladder'], columns['coarse_class']) == ('purchaser', 'ordinary')
    # a year after the first day only the fourth purchase is left
    for months, ladder in ((12, 'purchaser'), (24, 'loyal'), (None, 'loyal')):
        columns = one_of(rows, date(2027, 1, 1), rules={'loyal_months': months})
        assert columns['ladder'] == ladder and columns['loyalty_purchase'] == 25
    assert one_of(rows, date(2026, 12, 31))['ladder'] == 'loyal'
    columns = one_of(bought('ann', 1, 2), 2, rules={'loyal_purchases': 3})
    assert columns['loyalty_purchase'] == 67  # 66.67
    columns = one_of(bought('ann', *range(1, 6)), 5, rules={'loyal_purchases': 8})
    assert columns['loyalty_purchase'] == 63  # 62.5
    assert one_of(bought('ann', *range(1, 6)), 5)['loyalty_purchase'] == 100


def _test_rfm():
    frequencies = dict(enumerate((1, 1, 1, 1, 1, 1, 2, 2, 3, 5)))
    scores = equal_parts(frequencies)
    assert list(scores.values()) == [1, 1, 1, 1, 1, 1, 4, 4, 5, 5]
    assert limits_of(frequencies, scores) == [2, 2, 2, 3]
    assert equal_parts({'ann': 7}) == {'ann': 1}
    assert equal_parts({'ann': 7, 'bob': 7}) == {'ann': 1, 'bob': 1}
    assert equal_parts({'ann': 7, 'bob': 6}) == {'ann': 5, 'bob': 1}
    assert limits_of({'ann': 7}, {'ann': 1}) == []
    # 51 buyers on different days: 5 x rank / 50 is 1 at the eleventh
    scores = equal_parts(dict(enumerate(range(51)))).values()
    assert Counter(scores) == {1: 10, 2: 10, 3: 10, 4: 10, 5: 11}
    # 49 buyers: fixed thresholds; 50: equal parts, and the one who spent most is the best
    many = [row for n in range(1, 49) for row in bought(n, 1)] + bought(49, 1, amount=500)
    columns, population = classes(many, on(31))
    assert columns[49]['rfm_code'] == '512' and columns[1]['rfm_code'] == '511'
    assert population['monetary_limits'] is None
    columns, population = classes(many + bought(50, 1), on(31))
    assert columns[49]['rfm_code'] == '115' and columns[1]['rfm_code'] == '111'
    assert columns[49]['rfm_group'] == 'slipping' and columns[1]['rfm_group'] == 'dormant'
    assert population['monetary_limits'] == [500] * 4 and population['recency_limits'] == []
    columns = classes(many + bought(50, 1), on(31), {'fixed_thresholds': True})[0]
    assert columns[49]['rfm_code'] == '512'
    # prospects are no buyers
    assert classes(many + bought(50, 40), on(31))[0][49]['rfm_code'] == '512'
    # each threshold, reached and just missed
    rows = bought('ann', 1, amount=500)
    codes = [one_of(rows, 1 + days)['rfm_code'] for days in (30, 31, 90, 91, 180, 181, 365, 366)]
    assert codes == ['512', '412', '412', '312', '312', '212', '212', '112']
    amounts = ('-1', '499.99', 500, '1499.99', 1500, 4000, 10000)
    codes = [one_of(bought('ann', 1, amount=amount), 1)['rfm_code'] for amount in amounts]
    assert codes == ['511', '511', '512', '512', '513', '514', '515']
    codes = [one_of(bought('ann', *range(1, n + 1)), 9)['rfm_code'] for n in (1, 2, 3, 5, 8)]
    assert codes == ['511', '521', '531', '541', '551']
    # frequency and monetary look back two years, and several purchases of a day are one
    columns = one_of(bought('ann', 1, 2, 2, 3, amount=500), date(2028, 1, 1))
    assert columns['rfm_code'] == '123'
    columns = one_of(bought('ann', 1), date(2028, 1, 1))
    assert columns['rfm_code'] == '111' and columns['lifecycle'] == 'growth'


def _test_value():
    """Ann's interval is 10 days: 36.5 purchases a year, of which new 0.30, growth 0.60."""
    ten = {'population': {'gap': Fraction(10)}}
    columns = one_of(bought('ann', 1, amount=10, margin='3.33'), 1, **ten)
    assert columns['potential_12m'] == Decimal('109.50')
    assert columns['clv_next_12m'] == Decimal('36.46')  # 36.4635
    columns = one_of(bought('ann', 1, amount='-1', margin='-0.01'), 1, **ten)
    assert (columns['clv_past'], columns['clv_next_12m']) == (Decimal('-0.01'), Decimal('-0.11'))
    assert columns['potential_12m'] == Decimal('-10.95')
    assert (columns['abc_class'], columns['star_class']) == ('c', 'burden')
    assert not columns['is_high_value']
    # 0.02 / 2 x 365 / 10 x 0.60 = 0.219; at risk 0.30: 0.1095; lapsed 0.10: 0.0365; lost 0
    rows = bought('ann', 1, 11, amount='0.01', margin='0.01')
    days = (11, 27, 42, date(2028, 1, 12))
    expected = [Decimal(text) for text in ('0.22', '0.11', '0.04', '0.00')]
    assert [one_of(rows, day, **ten)['clv_next_12m'] for day in days] == expected
    # halves away from zero: 1 x 365 / 10 x 0.30 = 10.95 to one decimal, and below zero
    assert one_of(bought('ann', 1, amount=1), 1, digits=1, **ten)['potential_12m'] == Decimal('11')
    columns = one_of(bought('ann', 1, amount=-1), 1, digits=1, **ten)
    assert columns['potential_12m'] == Decimal('-11')
    # returned as a whole: no purchase day, but its amount is in the mean
    refund = [Purchase('ann', on(2), Decimal(-5), Decimal(-1), False)]
    columns = one_of(bought('ann', 1) + refund, 2, **ten)
    assert columns['clv_past'] == 2 and columns['potential_12m'] == Decimal('54.75')


def _test_top():
    """Twenty recent buyers: fewer than 10 % have more than the second best, not than the third."""
    rows = [row for n in range(1, 21) for row in bought(n, 1, margin=n)]
    columns, population = classes(rows, on(1))
    assert (population['high_value_limit'], population['star_limit']) == (19, 15)
    assert {n for n in columns if columns[n]['is_high_value']} == {19, 20}
    # no second purchase day: nobody is loyal
    assert {n for n in columns if columns[n]['star_class'] == 'meteor'} == set(range(15, 21))
    assert {columns[n]['star_class'] for n in range(1, 15)} == {None}
    # equal margins are equally high: fewer than 10 % have more than the best three
    columns = classes(rows + bought(18, 1, margin=2) + bought(19, 1, margin=1), on(1))[0]
    assert {n for n in columns if columns[n]['is_high_value']} == {18, 19, 20}
    # a year later nobody is a recent buyer; a fixed amount instead
    columns, population = classes(rows, date(2027, 1, 1))
    assert population['high_value_limit'] is None
    assert not any(one['is_high_value'] for one in columns.values())
    columns = classes(rows, on(1), {'high_value_amount': 5})[0]
    assert {n for n in columns if columns[n]['is_high_value']} == set(range(5, 21))
    # loyal from 60: three days of four are 75, two are 50
    rows += bought(3, 2, 3, margin=0) + bought(20, 2, 3, margin=0) + bought(19, 2, margin=0)
    columns = classes(rows, on(3))[0]
    assert [columns[n]['star_class'] for n in (3, 19, 20)] == ['small_star', 'meteor', 'gold']
    # a margin of nothing is not high, though nobody has more
    columns = one_of(bought('ann', 1, margin=0), 1)
    assert not columns['is_high_value'] and columns['star_class'] is None


def _test_abc():
    """Lost customers have no potential: the index is 0.7 x amount of the 12 months."""
    no_years = dict.fromkeys(RULES['expected_years'], Fraction(0))

    def letters(*amounts):
        rows = [row for n, amount in enumerate(amounts) for row in bought(n, 1, amount=amount)]
        columns = classes(rows, on(1), {'expected_years': no_years})[0]
        return ''.join(one['abc_class'] for one in columns.values())

    assert letters(70, 20, 10) == 'abc'  # greater hold 0, exactly 70, exactly 90 %
    assert letters(69, 21, 10) == 'aac'  # 0, 69, 90 %
    assert letters(71, 18, 11) == 'abb'  # 0, 71, 89 %
    assert letters(10, 20, 70) == 'cba'
    assert letters(50, 30, 10, 10) == 'aabb'  # both tens: greater hold 80 %
    assert letters(60, 15, 15, 10) == 'aaac'  # both fifteens: greater hold 60 %; ten: 90 %
    assert letters(70, 20, 10, 0, '-80') == 'abccc'
    assert letters(0, '-1') == 'cc'
    assert letters(5) == 'a'
    # the potential counts: bob has 10 in the 12 months, and 10 x 36.5 x 0.30 = 109.5 to come
    ten = {'gap': Fraction(10)}
    rows = bought('ann', date(2025, 1, 1), amount=1000) + bought('bob', 1)
    columns = classes(rows, on(1), population=ten)[0]
    # ann is lapsed, with nothing in the 12 months but 0.3 x 3650 = 1095 against 7 + 32.85
    assert columns['ann']['potential_12m'] == 3650
    assert [columns[name]['abc_class'] for name in ('ann', 'bob')] == ['a', 'c']
    # rounding: 0.01 x 3.65 x 0.10 is nothing once rounded, so the index is not positive
    rows = bought('ann', date(2025, 1, 1), amount='0.01')
    columns = classes(rows, on(1), population={'gap': Fraction(100)})[0]
    assert columns['ann']['abc_class'] == 'c'


def _test_kept():
    """Classed by limits that were kept, everybody is in the class he has by his rank."""
    rows = []
    for n in range(200):
        days = [1 + (n * 37 + k * k * (n % 11 + 3)) % 700 for k in range(1 + n % 7)]
        rows += bought(n, *days, amount=(n * 53) % 97 - 5, margin=(n * 31) % 61 - 4)
    for day in (300, 500, 900):
        measured, population = classes(rows, on(day))
        by_limits, same = classes(rows, on(day), population=population)
        assert by_limits == measured and same == population
        for column in ('lifecycle', 'abc_class', 'rfm_group', 'churn_level'):
            assert len({one[column] for one in measured.values()}) > 1, (day, column)


def test_all():
    for name, test in sorted(globals().items()):
        if name.startswith('_test_'):
            test()


if __name__ == '__main__':
    test_all()
    sys.stdout.write('oracle_classes: all cases hold\n')
