"""The oracle of the tiers gives what was worked out by hand, and keeps what the text promises.

No database: cases by hand from docs/tiers.md at their boundaries, then small random histories.
"""

import random
import sys
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tools'))

import oracle_tiers
from oracle_tiers import Document, Override, Return, Rules, Tier, Version

BEGIN = date(2000, 1, 1)


def on(text):
    return date.fromisoformat(text)


def tier(name, amount=0, count=0, keep_amount=None, keep_count=None):
    amounts = [None if value is None else Decimal(value) for value in (amount, keep_amount)]
    return Tier(name, (Version(BEGIN, amounts[0], count, amounts[1], keep_count),))


BASIC, SILVER, GOLD = Tier('Basic'), tier('Silver', 500), tier('Gold', 1000)
PLATINUM = tier('Platinum', 2000)
RULES = Rules((BASIC, SILVER, GOLD))
FOUR = Rules((BASIC, SILVER, GOLD, PLATINUM))
NOT_ENTRY = replace(RULES, entry_purchase_counts=False)


def documents(*rows):
    """'2025-01-10 600' is a counted document."""
    return [Document(on(day), Decimal(amount)) for day, amount in (row.split() for row in rows)]


def happened(rows, rules=RULES, last='2029-12-31', first='2000-01-01', **options):
    """'day from>to cause' of each move; rows are as of `documents`, or documents."""
    rows = [one if isinstance(one, Document) else documents(one)[0] for one in rows]
    return [
        f'{day} {before}>{after} {cause}'
        for day, before, after, cause in oracle_tiers.moves(
            rows, rules, on(first), on(last), **options
        )
    ]


def held(rows, day, rules=RULES, **options):
    """'name since until' on one day."""
    rows = [one if isinstance(one, Document) else documents(one)[0] for one in rows]
    ((same_day, name, since, until),) = oracle_tiers.tiers_by_day(
        rows, rules, on(day), on(day), **options
    )
    assert same_day == on(day)
    return f'{name} {since} {until}'


# === THE EXAMPLES OF THE TEXT ===

TWO = ['2025-01-10 600', '2025-03-05 400']
RETURNED = [
    Document(on('2025-01-10'), Decimal(600), returns=(Return(on('2025-03-20'), Decimal(300)),)),
    Document(on('2025-03-05'), Decimal(400)),
]
NOTHING_MORE = [
    '2025-01-10 None>Basic enrolment',
    '2025-01-10 Basic>Silver upgrade',
    '2025-03-05 Silver>Gold upgrade',
    '2026-04-04 Gold>Silver downgrade',
    '2027-05-04 Silver>Basic downgrade',
]


def test_example_one_cent_short():
    rows = documents('2025-01-10 999.99')
    assert held(rows, '2025-01-10') == 'Silver 2025-01-10 2026-01-10'
    missing = oracle_tiers.missing_to_enter(rows, RULES, 'Gold', on('2025-01-10'))
    assert missing == (Decimal('0.01'), None)


def test_example_two_documents():
    assert held(TWO, '2025-01-09') == 'None None None'
    assert held(TWO, '2025-03-04') == 'Silver 2025-01-10 2026-01-10'
    assert held(TWO, '2025-03-05') == 'Gold 2025-03-05 2026-03-05'


def test_example_returned():
    assert held(RETURNED, '2025-03-20') == 'Gold 2025-03-05 2026-03-05'
    # 300 + 400 do not keep it either: grace, as if nothing more
    assert happened(RETURNED) == NOTHING_MORE
    rules = replace(RULES, strict=True)
    assert held(RETURNED, '2025-03-19', rules) == 'Gold 2025-03-05 2026-03-05'
    assert held(RETURNED, '2025-03-20', rules) == 'Silver 2025-03-20 2026-03-20'
    assert happened(RETURNED, rules)[3] == '2025-03-20 Gold>Silver return'


def test_example_nothing_more():
    # keeps 400 of 1000, then nothing
    assert happened(TWO) == NOTHING_MORE
    assert held(TWO, '2026-04-03') == 'Gold 2025-03-05 2026-03-05'
    assert held(TWO, '2026-04-04') == 'Silver 2026-04-04 2027-04-04'
    assert held(TWO, '2027-05-03') == 'Silver 2026-04-04 2027-04-04'
    assert held(TWO, '2027-05-04') == 'Basic 2027-05-04 None'


def test_example_renewed_in_grace():
    rows = [*TWO, '2026-03-20 700']
    assert happened(rows, last='2027-01-01')[3:] == ['2026-03-20 Gold>Gold renewal']
    assert held(rows, '2026-03-20') == 'Gold 2026-03-20 2027-03-20'
    assert happened([*RETURNED, '2026-03-20 700'], last='2027-01-01')[3:] == [
        '2026-03-20 Gold>Gold renewal'
    ]


# === BY HAND: THRESHOLDS ===


def test_equal_is_reached_and_levels_are_skipped():
    assert happened(['2025-01-10 1000.00'], last='2025-12-31') == [
        '2025-01-10 None>Basic enrolment',
        '2025-01-10 Basic>Gold upgrade',
    ]
    assert happened(['2025-01-10 499.99'], last='2035-12-31') == ['2025-01-10 None>Basic enrolment']


def test_two_purchases_a_day():
    assert held(['2025-01-10 500', '2025-01-10 500'], '2025-01-10') == 'Gold 2025-01-10 2026-01-10'
    assert held(['2025-01-10 499.99', '2025-01-10 0.01'], '2025-01-10')[:6] == 'Silver'
    # one day, one move: the documents of a day are not looked at one by one
    assert len(happened(['2025-01-10 500', '2025-01-10 500'], last='2025-02-01')) == 2


@pytest.mark.parametrize(
    ('criteria', 'rows', 'expected'),
    [
        ('either', ['2025-01-10 500'], 'Silver 2025-01-10'),
        ('both', ['2025-01-10 500'], 'Basic 2025-01-10'),
        ('either', ['2025-01-10 1', '2025-01-11 1', '2025-01-12 1'], 'Silver 2025-01-12'),
        ('both', ['2025-01-10 1', '2025-01-11 1', '2025-01-12 1'], 'Basic 2025-01-10'),
        ('both', ['2025-01-10 498', '2025-01-11 1', '2025-01-12 1'], 'Silver 2025-01-12'),
        ('both', ['2025-01-10 498', '2025-01-11 1', '2025-01-12 0.99'], 'Basic 2025-01-10'),
        ('both', ['2025-01-10 500', '2025-01-11 1'], 'Basic 2025-01-10'),
        ('either', ['2025-01-10 498', '2025-01-11 1'], 'Basic 2025-01-10'),
    ],
)
def test_criteria(criteria, rows, expected):
    rules = Rules((BASIC, tier('Silver', 500, 3)), criteria=criteria)
    assert held(rows, '2025-02-01', rules).startswith(expected)


@pytest.mark.parametrize('criteria', ['either', 'both'])
def test_count_only(criteria):
    """A threshold of 0 is not used: neither does it hold by itself, nor is it in the way."""
    rules = Rules((BASIC, tier('Silver', 0, 2)), criteria=criteria)
    assert held(['2025-01-10 9999'], '2025-02-01', rules)[:5] == 'Basic'
    assert held(['2025-01-10 1', '2025-01-20 1'], '2025-02-01', rules)[:17] == 'Silver 2025-01-20'


def test_zero_and_negative_amounts_count_when_counted():
    rules = Rules((BASIC, tier('Silver', 0, 3)))
    rows = documents('2025-01-10 0', '2025-01-11 0.00', '2025-01-12 -5')
    assert held(rows, '2025-01-12', rules) == 'Silver 2025-01-12 2026-01-12'
    rows[1] = replace(rows[1], counted=False)
    assert held(rows, '2025-01-12', rules) == 'Basic 2025-01-10 None'
    # a document of 0 enrols; one that is not counted does not
    assert held(documents('2025-01-10 0'), '2025-01-10') == 'Basic 2025-01-10 None'
    assert held([replace(rows[0], counted=False)], '2025-01-10') == 'None None None'


def test_nothing_used_is_reached_by_everybody():
    rules = Rules((BASIC, tier('Silver'), GOLD))
    assert held(['2025-01-10 0'], '2025-01-10', rules) == 'Silver 2025-01-10 2026-01-10'
    # and kept by everybody
    assert happened(['2025-01-10 0'], rules, last='2027-01-10')[2:] == [
        '2026-01-10 Silver>Silver renewal',
        '2027-01-10 Silver>Silver renewal',
    ]
    # nothing used for keeping only: Gold is never lost
    rules = Rules((BASIC, SILVER, tier('Gold', 1000, 0, keep_amount=0)))
    assert happened(['2025-01-10 1000'], rules, last='2027-01-10')[2:] == [
        '2026-01-10 Gold>Gold renewal',
        '2027-01-10 Gold>Gold renewal',
    ]


def test_highest_reached_need_not_stand_on_the_lower_ones():
    rules = Rules((BASIC, SILVER, tier('Gold', 0, 2)))
    assert held(['2025-01-10 1', '2025-01-11 1'], '2025-01-11', rules)[:4] == 'Gold'


def test_keep_threshold_to_the_cent():
    rules = Rules((BASIC, SILVER, tier('Gold', 1000, keep_amount=400)), entry_purchase_counts=False)
    enough = ['2025-03-05 1000', '2026-03-04 400']
    assert happened(enough, rules, last='2026-12-31')[2:] == ['2026-03-05 Gold>Gold renewal']
    assert held(enough, '2026-03-05', rules) == 'Gold 2026-03-05 2027-03-05'
    short = ['2025-03-05 1000', '2026-03-04 399.99']
    assert happened(short, rules, last='2026-12-31')[2:] == ['2026-04-04 Gold>Silver downgrade']
    # the last cent in grace
    last_cent = [*short, '2026-04-03 0.01']
    assert happened(last_cent, rules, last='2026-12-31')[2:] == ['2026-04-03 Gold>Gold renewal']


def test_empty_keep_is_as_to_enter_each_on_its_own():
    version = Version(BEGIN, Decimal(500), 3, None, 2)
    assert oracle_tiers.to_keep(version) == (Decimal(500), 2)
    version = Version(BEGIN, Decimal(500), 3, Decimal(0), None)
    assert oracle_tiers.to_keep(version) == (Decimal(0), 3)


# === BY HAND: WINDOWS AND VALIDITY ===


def test_rolling_window_excludes_its_first_day():
    assert happened(['2025-01-10 600', '2026-01-09 400'], last='2026-01-10')[2:] == [
        '2026-01-09 Silver>Gold upgrade'
    ]
    # one day later it is too late; Silver has just been kept by the 600
    rows = ['2025-01-10 600', '2026-01-10 400']
    assert happened(rows, last='2026-01-10')[2:] == ['2026-01-10 Silver>Silver renewal']


@pytest.mark.parametrize(
    ('first', 'second', 'reached'),
    [
        ('2025-02-28', '2025-08-27', True),  # (27 Feb, 27 Aug]
        ('2025-02-28', '2025-08-28', False),  # (28 Feb, 28 Aug]
        ('2025-02-28', '2025-08-31', False),  # 31 Aug - 6 months = 28 Feb
        ('2025-03-01', '2025-08-31', True),
        ('2024-02-29', '2024-08-31', False),  # 31 Aug - 6 months = 29 Feb
        ('2024-03-01', '2024-08-31', True),
        ('2024-02-29', '2024-08-28', True),
        ('2025-08-31', '2026-02-28', True),  # 28 Feb - 6 months = 28 Aug
        ('2025-08-28', '2026-02-28', False),
        ('2025-08-29', '2026-02-28', True),
    ],
)
def test_month_ends_in_the_window(first, second, reached):
    rules = replace(RULES, window_months=6)
    rows = [f'{first} 600', f'{second} 400']
    assert (held(rows, second, rules)[:4] == 'Gold') == reached


@pytest.mark.parametrize(
    ('day', 'months', 'until'),
    [
        ('2024-02-29', 12, '2025-02-28'),
        ('2024-02-29', 48, '2028-02-29'),
        ('2025-08-31', 6, '2026-02-28'),
        ('2023-08-31', 6, '2024-02-29'),
        ('2025-01-31', 1, '2025-02-28'),
        ('2025-11-30', 3, '2026-02-28'),
        ('2025-12-31', 12, '2026-12-31'),
    ],
)
def test_month_ends_in_the_validity(day, months, until):
    rules = replace(RULES, validity_months=months)
    assert held([f'{day} 1000'], day, rules) == f'Gold {day} {until}'


def test_validity_that_begins_at_a_month_end_does_not_climb_back():
    rules = replace(RULES, validity_months=6)
    rows = ['2025-08-31 1000', '2026-05-01 1000']
    assert happened(rows, rules, last='2026-08-28')[2:] == [
        '2026-02-28 Gold>Gold renewal',
        '2026-08-28 Gold>Gold renewal',
    ]


def test_calendar_year_from_april():
    rules = replace(RULES, window='calendar', first_month=4)
    assert held(['2025-03-31 500'], '2025-03-31', rules) == 'Silver 2025-03-31 2026-04-01'
    assert held(['2025-04-01 500'], '2025-04-01', rules) == 'Silver 2025-04-01 2027-04-01'
    split = ['2025-03-31 300', '2025-04-01 300']
    assert happened(split, rules) == ['2025-03-31 None>Basic enrolment']
    # kept by [1 Apr 2025, 31 Mar 2026], to the first and the last day
    for day in ('2025-04-01', '2026-03-31'):
        rows = ['2025-03-31 500', f'{day} 499.99', '2025-12-24 0.01']
        assert happened(rows, rules, last='2026-04-01')[2:] == ['2026-04-01 Silver>Silver renewal']
    # renewed: until the next first day of a year
    assert held(rows, '2026-04-01', rules) == 'Silver 2026-04-01 2027-04-01'


def test_calendar_year_in_grace():
    rules = replace(RULES, window='calendar', first_month=4)
    short = ['2025-03-31 500', '2025-04-01 499.99']
    saved = [*short, '2026-04-30 0.01']
    assert happened(saved, rules, last='2026-12-31')[2:] == ['2026-04-30 Silver>Silver renewal']
    assert held(saved, '2026-04-30', rules) == 'Silver 2026-04-30 2027-04-01'
    late = [*short, '2026-05-01 0.01']
    assert happened(late, rules, last='2026-12-31')[2:] == ['2026-05-01 Silver>Basic downgrade']


def test_calendar_year_one_down_and_up_again():
    rules = replace(RULES, window='calendar', grace_days=0)
    rows = ['2025-12-31 1000', '2027-06-01 1000']
    assert happened(rows, rules, last='2029-12-31')[2:] == [
        '2027-01-01 Gold>Silver downgrade',  # nothing in 2026
        '2027-06-01 Silver>Gold upgrade',
        '2029-01-01 Gold>Silver downgrade',  # nothing in 2028
    ]


def test_membership_year():
    rules = replace(RULES, window='membership')
    # enrolled on 15 Jun by the first document
    split = ['2025-06-15 300', '2026-06-15 300']
    assert happened(split, rules) == ['2025-06-15 None>Basic enrolment']
    rows = ['2025-06-15 300', '2026-06-14 300']
    assert held(rows, '2026-06-14', rules) == 'Silver 2026-06-14 2027-06-15'
    # kept by [15 Jun 2026, 14 Jun 2027]
    kept = [*rows, '2026-06-15 250', '2027-06-14 250']
    assert happened(kept, rules, last='2027-07-31')[2:] == ['2027-06-15 Silver>Silver renewal']
    assert happened(rows, rules, last='2027-07-31')[2:] == ['2027-07-15 Silver>Basic downgrade']
    # the day of enrolment is the first of its year
    assert held(['2025-06-15 500'], '2025-06-15', rules) == 'Silver 2025-06-15 2027-06-15'


def test_membership_from_29_february():
    rules = replace(RULES, window='membership')
    enrolled = on('2024-02-29')
    rows = ['2025-02-26 300', '2025-02-27 300']
    expected = 'Silver 2025-02-27 2026-02-28'
    assert held(rows, '2025-02-27', rules, enrolled=enrolled) == expected
    # 28 Feb 2025 begins the second year
    split = ['2025-02-27 300', '2025-02-28 300']
    assert held(split, '2025-02-28', rules, enrolled=enrolled) == 'Basic 2024-02-29 None'
    # but in a leap year 29 Feb exists: 28 Feb 2028 is of the fourth year, 29 Feb of the fifth
    rows = ['2027-05-01 300', '2028-02-28 300']
    expected = 'Silver 2028-02-28 2029-02-28'
    assert held(rows, '2028-02-28', rules, enrolled=enrolled) == expected
    split = ['2027-05-01 300', '2028-02-29 300']
    assert held(split, '2028-02-29', rules, enrolled=enrolled)[:5] == 'Basic'


def test_documents_before_the_enrolment_count():
    rows = ['2025-01-10 600', '2025-03-05 400']
    assert happened(rows, enrolled=on('2025-02-01'), last='2025-12-31') == [
        '2025-02-01 None>Basic enrolment',
        '2025-02-01 Basic>Silver upgrade',
        '2025-03-05 Silver>Gold upgrade',
    ]
    # not those before the enrolment's own year
    rules = replace(RULES, window='membership')
    assert happened(rows, rules, enrolled=on('2025-02-01')) == ['2025-02-01 None>Basic enrolment']


def test_lifetime_never_ends():
    rules = replace(RULES, window='lifetime')
    rows = ['2005-01-10 500', '2024-02-29 500']
    assert held(rows, '2005-01-10', rules) == 'Silver 2005-01-10 None'
    assert happened(rows, rules, last='2034-12-31')[1:] == [
        '2005-01-10 Basic>Silver upgrade',
        '2024-02-29 Silver>Gold upgrade',
    ]


# === BY HAND: WHAT HAPPENS ===


def test_entry_purchase():
    """With it the same thresholds keep a tier for a second year, without it they do not."""
    rows = ['2025-03-05 1000']
    assert happened(rows, last='2027-12-31')[2:] == [
        '2026-03-05 Gold>Gold renewal',
        '2027-04-04 Gold>Silver downgrade',
    ]
    assert happened(rows, NOT_ENTRY, last='2027-12-31')[2:] == [
        '2026-04-04 Gold>Silver downgrade',
        '2027-05-04 Silver>Basic downgrade',
    ]


def test_first_day_of_what_was_no_upgrade_always_counts():
    """The setting is about the purchase that reached the tier."""
    rows = ['2025-03-05 1000', '2025-04-01 1000', '2026-03-05 1000']
    for rules in (RULES, NOT_ENTRY):
        assert happened(rows, rules, last='2027-12-31')[2:] == [
            '2026-03-05 Gold>Gold renewal',
            '2027-03-05 Gold>Gold renewal',
        ]
    # of a downgrade as well
    keep = replace(NOT_ENTRY, tiers=(BASIC, tier('Silver', 500, keep_amount=100), GOLD))
    rows = ['2025-03-05 1000', '2026-04-04 100']
    assert happened(rows, keep, last='2027-12-31')[2:] == [
        '2026-04-04 Gold>Silver downgrade',
        '2027-04-04 Silver>Silver renewal',
    ]


@pytest.mark.parametrize(
    ('day', 'move'),
    [
        ('2026-03-04', '2026-03-05 Gold>Gold renewal'),
        ('2026-03-05', '2026-03-05 Gold>Gold renewal'),  # U itself: in grace, on the same day
        ('2026-03-06', '2026-03-06 Gold>Gold renewal'),
        ('2026-04-03', '2026-04-03 Gold>Gold renewal'),
    ],
)
def test_last_days_to_keep(day, move):
    assert happened(['2025-03-05 1000', f'{day} 1000'], NOT_ENTRY, last='2026-06-01')[2:] == [move]


def test_end_of_grace_is_no_day_to_keep():
    # but the entry window of that day reaches Gold itself: it is kept
    rows = ['2025-03-05 1000', '2026-04-04 1000']
    assert happened(rows, NOT_ENTRY, last='2026-06-01')[2:] == ['2026-04-04 Gold>Gold renewal']
    assert held(rows, '2026-04-04', NOT_ENTRY) == 'Gold 2026-04-04 2027-04-04'
    # what is only enough to keep does not help
    rules = replace(NOT_ENTRY, tiers=(BASIC, SILVER, tier('Gold', 1000, keep_amount=300)))
    rows = ['2025-03-05 1000', '2026-04-04 300']
    assert happened(rows, rules, last='2026-06-01')[2:] == ['2026-04-04 Gold>Silver downgrade']


def test_grace_of_0_days():
    rules = replace(NOT_ENTRY, grace_days=0)
    assert happened(['2025-03-05 1000'], rules, last='2027-12-31')[2:] == [
        '2026-03-05 Gold>Silver downgrade',
        '2027-03-05 Silver>Basic downgrade',
    ]
    rows = ['2025-03-05 1000', '2026-03-05 999.99']
    assert happened(rows, rules, last='2026-06-01')[2:] == ['2026-03-05 Gold>Silver downgrade']
    # the keep window ends before U, and there is no grace to add the day
    rules = replace(rules, tiers=(BASIC, SILVER, tier('Gold', 1000, keep_amount=300)))
    for day, cause in (('2026-03-04', 'Gold renewal'), ('2026-03-05', 'Silver downgrade')):
        rows = ['2025-03-05 1000', f'{day} 300']
        assert happened(rows, rules, last='2026-06-01')[2:] == [f'2026-03-05 Gold>{cause}']


def test_upgrade_in_grace_and_on_the_day_u():
    for day in ('2026-01-10', '2026-01-25'):
        rows = ['2025-01-10 500', f'{day} 1000']
        assert happened(rows, NOT_ENTRY, last='2026-12-31')[2:] == [f'{day} Silver>Gold upgrade']


def test_re_evaluate():
    rules = replace(FOUR, drop='re_evaluate', entry_purchase_counts=False)
    rows = ['2025-03-05 2000']
    assert happened(rows, rules, last='2029-12-31')[2:] == ['2026-04-04 Platinum>Basic downgrade']
    rows = ['2025-03-05 2000', '2025-04-05 500']
    # (4 Apr 2025, 4 Apr 2026] has the 500
    assert happened(rows, rules, last='2026-12-31')[2:] == ['2026-04-04 Platinum>Silver downgrade']
    rows = ['2025-03-05 2000', '2025-04-04 500']
    assert happened(rows, rules, last='2026-12-31')[2:] == ['2026-04-04 Platinum>Basic downgrade']
    rules = replace(rules, drop='one_down')
    assert happened(rows, rules, last='2029-12-31')[2:] == [
        '2026-04-04 Platinum>Gold downgrade',
        '2027-05-04 Gold>Silver downgrade',
        '2028-06-03 Silver>Basic downgrade',
    ]


def test_down_on_a_day_with_enough_for_another_tier():
    # reached Gold in grace's last day, held Platinum: down to Gold, by re-evaluate, too
    rules = replace(FOUR, drop='re_evaluate', entry_purchase_counts=False)
    rows = ['2025-03-05 2000', '2026-04-04 1000']
    assert happened(rows, rules, last='2026-12-31')[2:] == ['2026-04-04 Platinum>Gold downgrade']
    # below one down it would be 'up' on the next day
    rows = ['2025-03-05 1000', '2026-04-10 1000']
    assert happened(rows, NOT_ENTRY, last='2026-12-31')[2:] == [
        '2026-04-04 Gold>Silver downgrade',
        '2026-04-10 Silver>Gold upgrade',
    ]


def test_long_window_holds_a_tier_that_is_not_kept():
    """24 months to enter, 12 to keep: at the end of grace the entry window still reaches it."""
    rules = replace(NOT_ENTRY, window_months=24)
    assert happened(['2025-03-05 1000'], rules, last='2027-06-01')[2:] == [
        '2026-04-04 Gold>Gold renewal',
        '2027-05-04 Gold>Silver downgrade',
    ]


def test_version_changes():
    versions = (
        Version(on('2025-07-01'), Decimal(300)),
        Version(BEGIN, Decimal(500)),
        Version(on('2026-01-10'), Decimal(800), keep_amount=Decimal(301)),
    )
    rules = Rules((BASIC, Tier('Silver', versions)))
    # 300 are enough from 1 Jul on; on U = 1 Jul 2026 the 301 of the third version keep
    for amount, last in (('300', 'downgrade'), ('301', 'renewal')):
        # that a version begins is no day to look at; the next document is
        assert len(happened([f'2025-06-01 {amount}'], rules, last='2026-07-31')) == 1
        moves = happened([f'2025-06-01 {amount}', '2025-07-03 0'], rules, last='2026-08-02')
        assert moves[1] == '2025-07-03 Basic>Silver upgrade'
        # what was bought on 1 Jun is before F: nothing is kept
        assert moves[2:] == ['2026-08-02 Silver>Basic downgrade']
        moves = happened([f'2025-07-01 {amount}'], rules, last='2026-07-31')
        assert moves[-1].split()[-1] == last
    # the version on U, not the one of grace or of the day the tier was taken
    rows = ['2025-01-10 500', '2026-01-09 0']
    assert happened(rows, rules, last='2026-01-10')[2:] == ['2026-01-10 Silver>Silver renewal']
    later = (Version(BEGIN, Decimal(500)), Version(on('2026-01-11'), Decimal(1)))
    rules = Rules((BASIC, Tier('Silver', later)), entry_purchase_counts=False)
    rows = ['2025-01-10 500', '2026-01-20 100']
    # not kept by 100, but at the end of grace the entry window reaches the cheaper tier
    assert happened(rows, rules, last='2026-02-09')[2:] == ['2026-02-09 Silver>Silver renewal']


def test_no_version_no_tier():
    rules = Rules((BASIC, SILVER, Tier('Gold', (Version(on('2025-07-01'), Decimal(1000)),))))
    assert happened(['2025-06-01 1000', '2025-07-01 0'], rules, last='2025-12-31')[1:] == [
        '2025-06-01 Basic>Silver upgrade',
        '2025-07-01 Silver>Gold upgrade',
    ]
    # nobody falls into a tier that there is not
    late = Tier('Gold', (Version(on('2030-07-01'), Decimal(1000)),))
    rules = replace(NOT_ENTRY, tiers=(BASIC, SILVER, late, PLATINUM))
    assert happened(['2025-03-05 2000'], rules, last='2026-12-31')[2:] == [
        '2026-04-04 Platinum>Silver downgrade'
    ]
    missing = oracle_tiers.missing_to_enter(documents(), rules, 'Gold', on('2025-06-30'))
    assert missing is None


def test_strict():
    rules = replace(RULES, strict=True)
    all_back = Return(on('2025-04-01'), Decimal(600), counted=False)
    first = Document(on('2025-01-10'), Decimal(600), returns=(all_back,))
    # 400 do not reach Silver
    rows = [first, *documents('2025-03-05 400')]
    assert happened(rows, rules)[3:] == ['2025-04-01 Gold>Basic return']
    assert held(rows, '2025-04-01', rules) == 'Basic 2025-04-01 None'
    # once: what a return gave is not taken back by the next one
    two = (Return(on('2025-04-01'), Decimal(200)), Return(on('2025-05-01'), Decimal(301)))
    rows = [replace(first, returns=two), *documents('2025-03-05 400')]
    assert happened(rows, rules)[3:] == [
        '2025-04-01 Gold>Silver return',
        '2026-05-01 Silver>Basic downgrade',
    ]
    # what was bought later does not keep what was never earned, but reaches it on its own
    rows = [first, *documents('2025-03-05 400', '2025-03-20 700')]
    assert happened(rows, rules, last='2025-12-31')[3:] == [
        '2025-04-01 Gold>Basic return',
        '2025-04-01 Basic>Gold upgrade',
    ]
    assert held(rows, '2025-04-01', rules) == 'Gold 2025-04-01 2026-04-01'
    # one cent more than needed may be returned
    rows = documents('2025-01-10 1000.01')
    rows[0] = replace(rows[0], returns=(Return(on('2025-02-01'), Decimal('0.01')),))
    assert happened(rows, rules, last='2025-12-31')[2:] == []
    rows[0] = replace(rows[0], returns=(Return(on('2025-02-01'), Decimal('0.02')),))
    assert happened(rows, rules, last='2025-12-31')[2:] == ['2025-02-01 Gold>Silver return']


def test_strict_looks_at_the_last_upgrade():
    strict = replace(RULES, strict=True)
    entry = documents('2025-03-05 1000')[0]
    # a renewal is no upgrade: what reached the tier is still looked at
    back = replace(entry, returns=(Return(on('2026-06-01'), Decimal(1)),))
    assert happened([back, *documents('2025-06-01 999')], strict, last='2026-12-31')[2:] == [
        '2026-03-05 Gold>Gold renewal',
        '2026-06-01 Gold>Silver return',
    ]
    # a tier that came by a fall in time was not taken by an upgrade
    rules = replace(strict, entry_purchase_counts=False)
    back = replace(entry, returns=(Return(on('2026-06-01'), Decimal(1000)),))
    assert happened([back], rules, last='2026-12-31')[2:] == ['2026-04-04 Gold>Silver downgrade']
    # thresholds that rise later take nothing back
    gold = Tier('Gold', (Version(BEGIN, Decimal(1000)), Version(on('2025-04-01'), Decimal(1200))))
    rules = replace(strict, tiers=(BASIC, SILVER, gold))
    assert happened([entry], rules, last='2025-12-31')[2:] == []
    # nor does a late document give what only the window of that day would reach
    late = Document(on('2024-01-09'), Decimal(500), known=on('2025-07-01'))
    rows = [*documents('2025-01-10 600'), late]
    assert happened(rows, strict, last='2025-12-31')[2:] == []


def test_return_without_strict_keeps_no_longer():
    rows = documents('2025-03-05 1000')
    rows[0] = replace(rows[0], returns=(Return(on('2026-03-04'), Decimal('0.01')),))
    assert happened(rows, last='2026-12-31')[2:] == ['2026-04-04 Gold>Silver downgrade']
    rows[0] = replace(rows[0], returns=(Return(on('2026-03-06'), Decimal('0.01')),))
    assert happened(rows, last='2026-12-31')[2:] == ['2026-03-05 Gold>Gold renewal']


def test_late_document():
    rows = documents('2025-01-10 600')
    # dated after the last day that was looked at: on its own day
    late = Document(on('2025-03-05'), Decimal(400), known=on('2025-04-20'))
    assert happened([*rows, late], last='2025-12-31')[2:] == ['2025-03-05 Silver>Gold upgrade']
    assert held([*rows, late], '2025-04-19')[:6] == 'Silver'
    assert held([*rows, late], '2025-04-20') == 'Gold 2025-03-05 2026-03-05'
    # dated before it: that day is looked at again; by its own day it has left the window
    late = replace(late, day=on('2024-01-10'))
    assert happened([*rows, late], last='2025-12-31')[2:] == []
    late = replace(late, day=on('2024-01-11'))
    assert happened([*rows, late], last='2025-12-31')[2:] == ['2025-01-10 Silver>Gold upgrade']
    # in grace, which began on 5 Mar, the last day looked at
    late = Document(on('2026-03-01'), Decimal(600), known=on('2026-03-20'))
    assert happened([*TWO, late], last='2026-12-31')[3:] == ['2026-03-05 Gold>Gold renewal']
    # what has been decided stays: the fall of 4 Apr, and then up again on that day
    late = Document(on('2026-03-01'), Decimal(1000), known=on('2026-06-20'))
    assert happened([*TWO, late], last='2026-12-31')[3:] == [
        '2026-04-04 Gold>Silver downgrade',
        '2026-04-04 Silver>Gold upgrade',
    ]
    # the first purchase comes late: enrolled on its day, and what would have been since then
    late = Document(on('2023-03-05'), Decimal(500), known=on('2025-01-01'))
    assert happened([late], NOT_ENTRY) == [
        '2023-03-05 None>Basic enrolment',
        '2023-03-05 Basic>Silver upgrade',
        '2024-04-04 Silver>Basic downgrade',
    ]
    assert held([late], '2024-12-31') == 'None None None'


def test_enrolment():
    off = replace(RULES, automatic_enrolment=False)
    assert happened(['2025-01-10 1000'], off) == []
    assert happened(['2025-01-10 1000'], off, enrolled=on('2025-02-01'), last='2025-12-31') == [
        '2025-02-01 None>Basic enrolment',
        '2025-02-01 Basic>Gold upgrade',
    ]
    assert happened([], enrolled=on('2025-02-01')) == ['2025-02-01 None>Basic enrolment']
    assert held([], '2035-02-01', enrolled=on('2025-02-01')) == 'Basic 2025-02-01 None'
    # nobody before the programme's first day
    begun = replace(RULES, first_day=on('2025-02-01'))
    assert happened(['2025-01-10 600', '2025-03-05 400'], begun, last='2025-12-31') == [
        '2025-02-01 None>Basic enrolment',
        '2025-02-01 Basic>Silver upgrade',
        '2025-03-05 Silver>Gold upgrade',
    ]


def test_leaving_and_coming_back():
    stays = [(on('2025-01-10'), on('2025-06-01')), (on('2025-08-01'), None)]
    assert happened(['2025-01-10 1000'], enrolled=stays, last='2025-12-31') == [
        '2025-01-10 None>Basic enrolment',
        '2025-01-10 Basic>Gold upgrade',
        '2025-06-01 Gold>None leaving',
        '2025-08-01 None>Basic enrolment',
        '2025-08-01 Basic>Gold upgrade',
    ]
    assert held(['2025-01-10 1000'], '2025-05-31', enrolled=stays)[:4] == 'Gold'
    assert held(['2025-01-10 1000'], '2025-06-01', enrolled=stays) == 'None None None'
    assert held(['2025-01-10 1000'], '2025-08-01', enrolled=stays) == 'Gold 2025-08-01 2026-08-01'


# === BY HAND: OVERRIDES ===


def test_override_is_a_floor_and_ends():
    gold = [Override('Gold', on('2025-02-01'), on('2025-08-01'))]
    rows = ['2025-01-10 600']
    assert happened(rows, overrides=gold, last='2025-12-31')[1:] == [
        '2025-01-10 Basic>Silver upgrade',
        '2025-02-01 Silver>Gold override',
        '2025-08-01 Gold>Silver override ended',
    ]
    assert held(rows, '2025-02-01', overrides=gold) == 'Gold 2025-02-01 2025-08-01'
    assert held(rows, '2025-07-31', overrides=gold) == 'Gold 2025-02-01 2025-08-01'
    # the own tier with its own validity
    assert held(rows, '2025-08-01', overrides=gold) == 'Silver 2025-01-10 2026-01-10'
    # which has ended underneath: in grace on 10 Jan, the lowest on 9 Feb
    gold = [Override('Gold', on('2025-02-01'), on('2026-02-08'))]
    assert happened(rows, NOT_ENTRY, overrides=gold)[3:] == [
        '2026-02-08 Gold>Silver override ended',
        '2026-02-09 Silver>Basic downgrade',
    ]
    # the end of the override comes first on its day
    gold = [Override('Gold', on('2025-02-01'), on('2026-02-09'))]
    assert happened(rows, NOT_ENTRY, overrides=gold)[3:] == [
        '2026-02-09 Gold>Silver override ended',
        '2026-02-09 Silver>Basic downgrade',
    ]
    gold = [Override('Gold', on('2025-02-01'), on('2026-02-10'))]
    assert happened(rows, NOT_ENTRY, overrides=gold)[3:] == ['2026-02-10 Gold>Basic override ended']


def test_override_ended_by_staff():
    gold = [Override('Gold', on('2025-02-01'), on('2025-08-01'), ended=on('2025-03-01'))]
    rows = ['2025-01-10 600', '2025-03-01 400']
    # the purchase of that day is seen first: Gold is his own
    assert happened(rows, overrides=gold, last='2025-12-31')[2:] == [
        '2025-02-01 Silver>Gold override',
        '2025-03-01 Gold>Gold upgrade',
    ]
    assert happened(rows[:1], overrides=gold, last='2025-12-31')[3:] == [
        '2025-03-01 Gold>Silver override ended'
    ]


def test_own_tier_above_the_override():
    silver = [Override('Silver', on('2025-02-01'), on('2025-08-01'))]
    rows = ['2025-01-10 1', '2025-03-01 1000']
    assert happened(rows, NOT_ENTRY, overrides=silver, last='2026-12-31')[1:] == [
        '2025-02-01 Basic>Silver override',
        '2025-03-01 Silver>Gold upgrade',
        # its end changes nothing; Gold ends by itself
        '2026-03-31 Gold>Silver downgrade',
    ]
    assert held(rows, '2025-03-01', NOT_ENTRY, overrides=silver) == 'Gold 2025-03-01 2026-03-01'


def test_override_that_is_earned_on_the_way():
    gold = [Override('Gold', on('2025-02-01'), on('2025-08-01'))]
    rows = ['2025-01-10 1', '2025-03-01 1000']
    assert happened(rows, overrides=gold, last='2025-12-31')[1:] == [
        '2025-02-01 Basic>Gold override',
        '2025-03-01 Gold>Gold upgrade',  # his own lasts longer
    ]
    assert held(rows, '2025-02-28', overrides=gold) == 'Gold 2025-02-01 2025-08-01'
    assert held(rows, '2025-03-01', overrides=gold) == 'Gold 2025-03-01 2026-03-01'
    # or not: the override's is shown as long as it lasts longer
    gold = [Override('Gold', on('2025-02-01'), on('2026-03-02'))]
    assert happened(rows, NOT_ENTRY, overrides=gold, last='2026-12-31')[1:] == [
        '2025-02-01 Basic>Gold override',
        '2026-03-31 Gold>Silver downgrade',  # in grace since 1 Mar
    ]
    assert held(rows, '2025-08-01', overrides=gold) == 'Gold 2025-02-01 2026-03-02'
    assert held(rows, '2026-03-02', NOT_ENTRY, overrides=gold) == 'Gold 2025-03-01 2026-03-01'
    # without end lasts longest
    life = replace(RULES, window='lifetime')
    assert held(rows, '2025-08-01', life, overrides=gold) == 'Gold 2025-03-01 None'


def test_override_stops_a_fall():
    gold = [Override('Gold', on('2026-03-01'), on('2026-07-01'))]
    rows = ['2025-03-05 1000']
    # underneath Silver since 4 Apr 2026
    assert happened(rows, NOT_ENTRY, overrides=gold, last='2027-12-31')[2:] == [
        '2026-03-01 Gold>Gold override',
        '2026-07-01 Gold>Silver override ended',
        '2027-05-04 Silver>Basic downgrade',
    ]
    assert held(rows, '2026-07-01', NOT_ENTRY, overrides=gold) == 'Silver 2026-04-04 2027-04-04'
    # of a lower tier: one down is as high, then it is the longer one
    silver = [Override('Silver', on('2026-03-01'), on('2028-07-01'))]
    assert happened(rows, NOT_ENTRY, overrides=silver, last='2028-12-31')[2:] == [
        '2026-03-01 Gold>Gold override',
        '2026-04-04 Gold>Silver downgrade',
        '2028-07-01 Silver>Basic override ended',
    ]
    assert held(rows, '2026-04-04', NOT_ENTRY, overrides=silver) == 'Silver 2026-03-01 2028-07-01'
    # and a return
    back = Document(
        on('2025-03-05'), Decimal(1000), returns=(Return(on('2025-04-01'), Decimal(1000)),)
    )
    silver = [Override('Silver', on('2025-03-20'), on('2025-07-01'))]
    strict = replace(RULES, strict=True)
    assert happened([back], strict, overrides=silver)[2:] == [
        '2025-03-20 Gold>Gold override',
        '2025-04-01 Gold>Silver return',
        '2025-07-01 Silver>Basic override ended',
    ]


def test_override_of_a_tier_held_by_right_changes_nothing():
    gold = [Override('Gold', on('2025-03-01'), on('2025-07-01'))]
    rows = ['2025-01-10 1000']
    line = '2025-03-01 Gold>Gold override'
    with_it = happened(rows, overrides=gold)
    assert [one for one in with_it if one != line] == happened(rows)
    assert held(rows, '2025-05-01', overrides=gold) == held(rows, '2025-05-01')


def test_overrides_in_a_row():
    gold = Override('Gold', on('2025-02-01'), on('2025-08-01'))
    silver = Override('Silver', on('2025-05-01'), on('2025-10-01'))
    # another one ends the first
    assert happened(['2025-01-10 1'], overrides=[gold, silver])[1:] == [
        '2025-02-01 Basic>Gold override',
        '2025-05-01 Gold>Basic override ended',
        '2025-05-01 Basic>Silver override',
        '2025-10-01 Silver>Basic override ended',
    ]
    longer = Override('Gold', on('2025-08-01'), on('2025-09-01'))
    assert happened(['2025-01-10 1'], overrides=[gold, longer])[1:] == [
        '2025-02-01 Basic>Gold override',
        '2025-08-01 Gold>Basic override ended',
        '2025-08-01 Basic>Gold override',
        '2025-09-01 Gold>Basic override ended',
    ]
    rows = ['2025-01-10 1']
    assert held(rows, '2025-07-31', overrides=[gold, longer]) == 'Gold 2025-02-01 2025-08-01'
    assert held(rows, '2025-08-01', overrides=[gold, longer]) == 'Gold 2025-08-01 2025-09-01'
    # on the day of a fall: all else of this day comes first
    rows = ['2025-03-05 500']
    gold = Override('Gold', on('2026-04-04'), on('2026-08-01'))
    assert happened(rows, NOT_ENTRY, overrides=[gold])[2:] == [
        '2026-04-04 Silver>Basic downgrade',
        '2026-04-04 Basic>Gold override',
        '2026-08-01 Gold>Basic override ended',
    ]
    # who is no member is given nothing
    gold = Override('Gold', on('2025-02-01'), on('2025-08-01'))
    assert happened(['2025-03-10 1'], overrides=[gold]) == ['2025-03-10 None>Basic enrolment']
    # leaving ends it
    stays = [(on('2025-01-10'), on('2025-06-01')), (on('2025-07-01'), None)]
    assert happened([], enrolled=stays, overrides=[gold]) == [
        '2025-01-10 None>Basic enrolment',
        '2025-02-01 Basic>Gold override',
        '2025-06-01 Gold>None leaving',
        '2025-07-01 None>Basic enrolment',
    ]


# === BY HAND: WARNINGS ===


def test_warnings():
    def told(rows, rules=RULES):
        found = oracle_tiers.warnings(documents(*rows), rules, BEGIN, on('2026-12-31'))
        return [' '.join(map(str, one)) for one in found]

    assert told(['2025-01-10 600', '2025-03-05 400']) == [
        '2026-01-04 Gold 2026-03-04 600 None',
        '2026-02-03 Gold 2026-03-04 600 None',
        '2026-02-26 Gold 2026-03-04 600 None',
    ]
    # on the day of the warning it counts already
    assert told(['2025-01-10 600', '2025-03-05 400', '2026-02-03 600']) == [
        '2026-01-04 Gold 2026-03-04 600 None'
    ]
    assert told(['2025-03-05 1000'], replace(RULES, window='lifetime')) == []
    assert told(['2025-03-05 1000'], replace(RULES, window='calendar'))[0] == (
        '2026-11-02 Gold 2026-12-31 1000 None'
    )


# === RANDOM HISTORIES ===

HISTORIES = 2000
DAYS = 180


def random_rules(chance):
    window = chance.choice(['rolling'] * 20 + ['calendar', 'membership', 'lifetime'])
    tiers = [Tier('0')]
    for level in range(1, chance.choice((2, 3, 4))):
        versions = []
        days = [BEGIN]
        if chance.random() < 0.25:
            days.append(date(2024, 1, 1) + timedelta(chance.randrange(DAYS)))
        for begins in days:
            amount = level * chance.choice((0, 3, 4, 5))
            count = level * chance.choice((0, 0, 1, 2)) or (0 if amount else level)
            versions.append(
                Version(
                    begins,
                    Decimal(amount),
                    count,
                    chance.choice((None, None, Decimal(chance.randrange(1, 8)))),
                    chance.choice((None, None, chance.randrange(1, 3))),
                )
            )
        tiers.append(Tier(str(level), tuple(versions)))
    return Rules(
        tuple(tiers),
        criteria=chance.choice(('either', 'both')),
        window=window,
        window_months=chance.randrange(1, 5),
        first_month=chance.randrange(1, 13),
        validity_months=chance.randrange(1, 4),
        grace_days=chance.choice((0, 0, 1, 5, 10, 20)),
        drop=chance.choice(('one_down', 're_evaluate')),
        strict=chance.random() < 0.4,
        entry_purchase_counts=chance.random() < 0.5,
    )


def random_history(seed):
    """(documents, rules, first day, last day, overrides)"""
    chance = random.Random(seed)
    rules = random_rules(chance)
    length = DAYS if rules.window == 'rolling' else 900
    first = date(chance.choice((2023, 2024, 2025)), chance.randrange(1, 13), 1)
    rows = []
    for _number in range(chance.randrange(0, 8)):
        day = first + timedelta(chance.randrange(length * 2 // 3))
        amount = Decimal(chance.choice((0, 100, 200, 300, 399, 400, 401, 800))) / 100
        returns = ()
        if chance.random() < 0.3:
            back = day + timedelta(chance.randrange(1, 60))
            part = chance.choice((1, 2))  # all of it, or half
            returns = (Return(back, amount / part, counted=part > 1),)
        rows.append(Document(day, amount, chance.random() < 0.95, returns))
    overrides = ()
    if chance.random() < 0.5:
        begins = first + timedelta(chance.randrange(length))
        ends = begins + timedelta(chance.randrange(1, length))
        overrides = (Override(chance.choice(rules.tiers).name, begins, ends),)
    return rows, rules, first, first + timedelta(length), overrides


def check_history(rows, rules, first, last, overrides):
    """What follows from the text, whatever the history."""
    counted = [document.day for document in rows if document.counted]
    enrolled = min(counted, default=None)
    moves = []
    held_before, own_before, highest = None, None, 0
    # the same walk as of `tiers_by_day` and `moves`, once for both
    for day, member, of_day in oracle_tiers.walk(rows, rules, last, None, overrides):
        # the moves lead from day to day, and nothing changes without one
        for moved_on, before, after, cause in of_day:
            assert moved_on == day
            assert before == held_before
            held_before = after
            check_move(before, after, cause)
        moves += of_day
        if member is None:
            assert enrolled is None or day < enrolled
            continue
        level, since, until, by_override = oracle_tiers.shown(member, rules)
        assert rules.tiers[level].name == held_before
        own = (member.level, member.since, member.until)
        if not of_day and not overrides:
            assert own == own_before
        own_before = own
        assert since <= day
        assert by_override or own == (level, since, until)
        given = [  # before the enrolment there is nobody to give it to
            int(override.tier)
            for override in overrides
            if enrolled <= override.begins <= day < override.ends
        ]
        # every member has the lowest, without end; every other one ends, unless for a lifetime
        if member.level == 0:
            assert member.until is None
        elif rules.window != 'lifetime':
            # a tier lasts at least its validity and no longer than its grace
            assert member.since < member.until
            assert day < member.until + timedelta(max(rules.grace_days, 1))
        if by_override:
            assert until > day
        # the highest tier reached by the entry window is never above the tier held, on a day
        # that is looked at; nor is an override, nor is a tier held that never was reached
        window = oracle_tiers.entry_window(day, rules, enrolled)
        reached = oracle_tiers.highest_reached(rows, window, day, rules, version_day=day)
        if any(document.day == day for document in rows):
            assert reached <= member.level
        assert max(given, default=0) <= level
        highest = max(highest, reached, *given)
        assert level <= highest
    check_falls(moves, rules, enrolled, overrides)
    if not overrides:
        check_days(moves, rows, rules)
    return moves


def check_move(before, after, cause):
    if cause == 'enrolment':
        assert (before, after) == (None, '0')
    elif cause in ('upgrade', 'override'):
        assert int(after) >= int(before)
    elif cause == 'renewal':
        assert after == before != '0'
    elif cause == 'return':
        assert int(after) <= int(before)
    else:
        assert cause in ('downgrade', 'override ended')
        assert int(after) <= int(before)


def check_falls(moves, rules, enrolled, overrides):
    """Nobody falls before the tier was valid as long as it lasts, and its grace was over."""
    taken = ()
    for move in moves:
        day, before, _after, cause = move
        assert cause != 'return' or rules.strict
        assert not cause.startswith('override') or overrides
        if cause in ('downgrade', 'renewal') and not overrides:
            assert rules.window != 'lifetime'
            until = oracle_tiers.until_of(int(before), taken[0], rules, enrolled, taken[3])
            assert until <= day <= until + timedelta(rules.grace_days)
            assert cause == 'renewal' or day == until + timedelta(rules.grace_days)
        taken = move
    for earlier, later in zip(moves, moves[1:], strict=False):
        assert earlier[2] == later[1]
        # one day has one move, but for what precedes step 1, and what staff do after it
        if earlier[0] == later[0]:
            assert earlier[3] in ('enrolment', 'return', 'override ended') or later[3].startswith(
                'override'
            )


def check_days(moves, rows, rules):
    """Something happens only on days on which something can change."""
    days = {document.day for document in rows}
    days |= {one.day for document in rows for one in document.returns}
    for day, _before, _after, cause in moves:
        if cause in ('enrolment', 'upgrade', 'return'):
            assert day in days, (day, cause)


def test_random_histories():
    causes = {}
    for seed in range(HISTORIES):
        history = random_history(seed)
        try:
            for move in check_history(*history):
                causes[move[3]] = causes.get(move[3], 0) + 1
        except AssertionError as error:
            raise AssertionError(f'seed {seed}: {history}') from error
    # the histories are worth something: everything happens often
    wanted = 'enrolment upgrade renewal downgrade return override'.split() + ['override ended']
    assert {cause for cause in wanted if causes.get(cause, 0) >= 50} == set(wanted), causes


def test_without_documents_everybody_ends_at_the_lowest():
    for seed in range(HISTORIES, HISTORIES + 150):
        rows, rules, first, _last, overrides = random_history(seed)
        free = [
            version
            for tier in rules.tiers[1:]
            for version in tier.versions
            if version.enter_amount == 0 == version.enter_count
        ]
        if rules.window != 'rolling' or free:
            continue
        # nothing at all: no member; enrolled by hand: the lowest from the first day on
        assert oracle_tiers.moves([], rules, first, first + timedelta(DAYS)) == []
        assert len(oracle_tiers.moves([], rules, first, first + timedelta(99), first)) == 1
        # after the last document and the last override: one level a validity, at most
        days = [document.day for document in rows] + [override.ends for override in overrides]
        months = (rules.validity_months + 1) * 2 * len(rules.tiers) + rules.window_months
        last = max(days, default=first) + timedelta(31 * months)
        ((_day, name, _since, until),) = oracle_tiers.tiers_by_day(
            rows, rules, last, last, first, overrides
        )
        assert (name, until) == ('0', None), seed


def test_what_does_not_matter():
    """The past does not depend on the future, nor anything on the order or the era."""
    era = timedelta(146097)  # 400 years: the calendar repeats, with its days of the week
    for seed in range(2 * HISTORIES, 2 * HISTORIES + 200):
        rows, rules, first, last, overrides = random_history(seed)
        if rules.window == 'lifetime':
            continue
        moves = oracle_tiers.moves(rows, rules, first, last, overrides=overrides)
        middle = first + (last - first) / 2
        earlier = [document for document in rows if document.day <= middle]
        known = [
            replace(one, returns=tuple(back for back in one.returns if back.day <= middle))
            for one in earlier
        ]
        assert oracle_tiers.moves(known, rules, first, middle, overrides=overrides) == [
            move for move in moves if move[0] <= middle
        ]
        assert oracle_tiers.moves(rows[::-1], rules, middle, last, overrides=overrides) == [
            move for move in moves if move[0] >= middle
        ]
        moved = [
            replace(
                one,
                day=one.day + era,
                returns=tuple(replace(back, day=back.day + era) for back in one.returns),
            )
            for one in rows
        ]
        later_rules = replace(
            rules,
            tiers=tuple(
                Tier(one.name, tuple(replace(v, begins=v.begins + era) for v in one.versions))
                for one in rules.tiers
            ),
        )
        later = tuple(Override(one.tier, one.begins + era, one.ends + era) for one in overrides)
        assert oracle_tiers.moves(moved, later_rules, first + era, last + era, overrides=later) == [
            (day + era, *rest) for day, *rest in moves
        ]
