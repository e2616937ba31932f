"""The follow-ups of a whole year, day by day, on real purchases, compared with a scheduler that knows nothing of them.

First the scheduler itself (oracle_care.py) on cases worked out by hand, then the year of the add-on beside it.
"""

import json
import os
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import care_year
import oracle_care
import pytest
import test_cdnow
from oracle_care import Customer, Occasion, Purchase, Rule, Scheduler, Settings, Yearly
from oracle_care_causes import Category, Offer, Policy, Product, months_later

# === THE ORACLE ITSELF, BY HAND ===

EMAIL = {('marketing', 'email'): True, ('service', 'email'): True}


def on(text):
    return date.fromisoformat(text)


def at(text, hour=11, minute=10):
    """That hour of Shanghai, eight hours before UTC."""
    day = on(text)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def person(number=1, **values):
    values = {'addresses': {'email': f'c{number}@x.example'}, 'consents': dict(EMAIL), **values}
    return Customer(number, number, **values)


def rule(name='rule', trigger='birthday', **values):
    values = {'channels': ('email',), 'started': on('2026-01-01'), **values}
    return Rule(hash(name) % 1000, name, trigger, **values)


def walk(first, last, rules, people, settings=None, occasions=(), events=None):
    """Every day from first to last: its events, the plan in the morning, two runs; the shop at the end."""
    shop = Scheduler(settings or Settings(), rules, people, occasions)
    day = on(first)
    while day <= on(last):
        for event in (events or {}).get(str(day), ()):
            event(shop)
        shop.plan(day)
        for hour in (11, 19):
            shop.process(at(str(day), hour))
        day += timedelta(1)
    return shop


def told(shop):
    """'rule customer anchor due state reason channel contacted' of every row."""
    return [
        f'{row.rule.name} {row.customer.id} {row.anchor:%m-%d} {row.due:%m-%d} {row.state}'
        f' {row.reason or "-"} {row.channel or "-"} {row.acted:%m-%d}'
        if row.acted
        else f'{row.rule.name} {row.customer.id} {row.anchor:%m-%d} {row.due:%m-%d} {row.state} {row.reason or "-"}'
        for row in shop.rows
    ]


def bought(number, day, amount=50, key=None):
    return lambda shop: shop.buy(
        Purchase(number, on(day), Fraction(amount), key or f'{number} {day}')
    )


@pytest.mark.parametrize(
    ('one', 'year', 'expected'),
    [
        (Yearly(2, 29), 2027, '2027-02-28'),
        (Yearly(2, 29), 2028, '2028-02-29'),
        (Yearly(3, 1), 2027, '2027-03-01'),
        # Mid-autumn, the dates as the shop's calendar prints them
        (Yearly(8, 15, lunar=True), 2027, '2027-09-15'),
        (Yearly(8, 15, lunar=True), 2028, '2028-10-03'),
        # the last month of the lunar year 2026 ends on the eve of the 6th of February
        (Yearly(12, 30, lunar=True), 2027, '2027-02-05'),
        # after the leap fifth month of 2028
        (Yearly(7, 7, lunar=True), 2028, '2028-08-26'),
        (Yearly(5, 5, lunar=True), 2028, '2028-05-28'),
    ],
)
def test_yearly_days(one, year, expected):
    found = oracle_care.yearly_dates(one, date(year, 1, 1), date(year, 12, 31))
    assert found[0] == on(expected)


def test_hash_is_that_of_the_agreement():
    # echo -n sample:1:1 | md5sum begins with 74892197: 1955144087 in decimal
    assert oracle_care.chosen('sample', 1, 1, 40.88)
    assert not oracle_care.chosen('sample', 1, 1, 40.87)
    assert not oracle_care.chosen('control', 5, 5, 0)
    assert oracle_care.chosen('sample', 5, 5, 100)
    share = sum(oracle_care.chosen('control', 7, one, 5) for one in range(20000)) / 20000
    assert 0.045 < share < 0.055


def test_a_birthday_is_planned_ahead_and_sent_on_the_day():
    people = [person(1, birthday=Yearly(3, 10)), person(2, birthday=Yearly(3, 20))]
    shop = walk('2027-03-01', '2027-03-12', [rule(lead=7)], people)
    assert told(shop) == ['rule 1 03-10 03-10 done - email 03-10']
    assert shop.rows[0].place == 0
    ahead = walk('2027-03-01', '2027-03-03', [rule(lead=7)], people)
    assert told(ahead) == ['rule 1 03-10 03-10 planned -']
    # a year later it is another one
    assert len(walk('2027-03-10', '2028-03-10', [rule()], people[:1]).rows) == 2


def test_a_rule_started_late_leaves_the_past_alone():
    people = [person(1, birthday=Yearly(3, 10)), person(2, birthday=Yearly(3, 12))]
    shop = walk('2027-03-12', '2027-03-14', [rule(started=on('2027-03-12'))], people)
    assert told(shop) == ['rule 2 03-12 03-12 done - email 03-12']
    # after a pause of the shop rows up to seven days old are made up for, no older ones
    shop = walk('2027-03-18', '2027-03-19', [rule()], people)
    assert told(shop) == ['rule 2 03-12 03-12 done - email 03-18']


def test_delays_and_days_off():
    """2027-03-08 is a Monday."""
    shop = Scheduler(Settings(holidays=frozenset({on('2027-03-10')})), [], [])
    plain, call = rule(delay=2), rule(delay=2, channels=('phone',))
    assert shop.due_day(plain, on('2027-03-08')) == on('2027-03-10')
    assert shop.due_day(call, on('2027-03-08')) == on('2027-03-11')
    assert shop.due_day(call, on('2027-03-11')) == on('2027-03-15')
    hard = rule(channels=('phone',), hard=True)
    assert shop.due_day(hard, on('2027-03-14')) == on('2027-03-12')
    assert shop.due_day(rule(delay=3, in_working_days=True), on('2027-03-08')) == on('2027-03-12')
    assert shop.due_day(rule(delay=-1, in_working_days=True), on('2027-03-08')) == on('2027-03-05')
    assert shop.due_day(rule(delay=1, in_working_days=True), on('2027-03-06')) == on('2027-03-08')


def test_limits_of_a_week_and_a_month():
    people = [person(1, birthday=Yearly(3, 10), named=(('w', Yearly(3, 12)), ('c', Yearly(3, 20))))]
    rules = [
        rule('b', sequence=1, purpose='marketing'),
        rule('n', 'named_date', sequence=2, purpose='marketing'),
    ]
    shop = walk('2027-03-09', '2027-03-25', rules, people)
    # sent on the 10th: the week is over on the 17th; the next one again seven days after that
    assert told(shop) == [
        'b 1 03-10 03-10 done - email 03-10',
        'n 1 03-12 03-12 done - email 03-17',
        'n 1 03-20 03-20 done - email 03-24',
    ]
    # with three days of patience the reason for which it waited is told
    rules = [rules[0], rule('n', 'named_date', sequence=2, purpose='marketing', late=3)]
    shop = walk('2027-03-09', '2027-03-19', rules, people)
    assert told(shop)[1] == 'n 1 03-12 03-12 skipped limit_week'
    # four a month
    settings = Settings(marketing_week=9, all_week=9, marketing_month=1)
    shop = walk('2027-03-09', '2027-03-19', rules, people, settings)
    assert told(shop)[1] == 'n 1 03-12 03-12 skipped limit_month'
    # service counts for all, not for marketing; the expected for nothing
    service = [rule('b', sequence=1), rules[1]]
    assert 'done' in told(walk('2027-03-09', '2027-03-19', service, people))[1]
    settings = Settings(all_week=1)
    shop = walk('2027-03-09', '2027-03-19', service, people, settings)
    assert told(shop)[1] == 'n 1 03-12 03-12 skipped limit_all'
    expected = [rule('b', sequence=1, expected=True), rules[1]]
    shop = walk('2027-03-09', '2027-03-19', expected, people, settings)
    assert told(shop)[1] == 'n 1 03-12 03-12 done - email 03-12'
    settings = Settings(family_gaps={'greeting': 3})
    twins = [
        rule('b', sequence=1, family='greeting'),
        rule('n', 'named_date', sequence=2, family='greeting'),
    ]
    shop = walk('2027-03-09', '2027-03-19', twins, people, settings)
    assert told(shop)[1] == 'n 1 03-12 03-12 done - email 03-13'


def test_a_hard_date_never_waits():
    people = [person(1, birthday=Yearly(3, 10), named=(('w', Yearly(3, 12)),))]
    rules = [
        rule('b', sequence=1, purpose='marketing'),
        rule('n', 'named_date', sequence=2, purpose='marketing', hard=True),
    ]
    assert told(walk('2027-03-09', '2027-03-19', rules, people))[1] == (
        'n 1 03-12 03-12 skipped limit_week'
    )


def test_priority_within_a_run():
    people = [person(1, birthday=Yearly(3, 10), named=(('w', Yearly(3, 10)),))]
    for order, first in (((1, 2), 'b'), ((2, 1), 'n')):
        rules = [
            rule('b', sequence=order[0], purpose='marketing'),
            rule('n', 'named_date', sequence=order[1], purpose='marketing'),
        ]
        shop = walk('2027-03-10', '2027-03-10', rules, people)
        assert [row.rule.name for row in shop.rows if row.state == 'done'] == [first]
    # one e-mail of two customers
    twins = [
        person(1, birthday=Yearly(3, 10)),
        person(2, birthday=Yearly(3, 10), addresses={'email': 'C1@x.example'}),
    ]
    shop = walk('2027-03-10', '2027-03-18', [rule(purpose='marketing')], twins)
    assert told(shop) == [
        'rule 1 03-10 03-10 done - email 03-10',
        'rule 2 03-10 03-10 done - email 03-17',
    ]


def test_channels_consents_and_the_most_telling_reason():
    birthday = Yearly(3, 10)
    both = {'email': 'a@x.example', 'mobile': '1'}
    cases = [
        ({}, both, 'phone', 'todo - phone'),
        ({('service', 'phone'): False}, both, 'phone', 'done - email'),
        ({('service', 'phone'): False, ('service', 'email'): False}, both, 'phone', 'refused'),
        ({}, {}, 'phone', 'no_address'),
        ({('service', 'email'): False}, {'email': 'a@x.example'}, 'phone', 'refused'),
    ]
    for consents, addresses, preferred, expected in cases:
        people = [
            person(
                1, birthday=birthday, consents=consents, addresses=addresses, preferred=preferred
            )
        ]
        settings = Settings(fallback=('phone', 'email'))
        shop = walk('2027-03-10', '2027-03-10', [rule(channels=())], people, settings)
        assert expected in told(shop)[0]
    nobody = [person(1, birthday=birthday, consents={})]
    shop = walk('2027-03-10', '2027-03-10', [rule(purpose='marketing')], nobody)
    assert told(shop) == ['rule 1 03-10 03-10 skipped no_consent']


def test_quiet_hours_are_the_customers():
    """11:10 in Shanghai is 03:10 in London in winter; London opens at 17:00 of Shanghai, before the run of 19:10."""
    people = [person(1, birthday=Yearly(3, 10), zone='Europe/London')]
    shop = walk('2027-03-10', '2027-03-10', [rule()], people)
    assert told(shop) == ['rule 1 03-10 03-10 done - email 03-10']
    assert shop.rows[0].try_at == datetime(2027, 3, 10, 9, tzinfo=UTC)
    # Los Angeles on summer time: 19:10 of the day before when Shanghai has 10:10 - open; 04:10 at 19:10
    far = person(1, birthday=Yearly(3, 20), zone='America/Los_Angeles')
    shop = walk('2027-03-20', '2027-03-20', [rule(hour=18)], [far])
    assert told(shop) == ['rule 1 03-20 03-20 planned quiet_hours']
    # opens at 09:00 there, 16:00 in UTC, which is the next day in Shanghai
    assert shop.rows[0].try_at == datetime(2027, 3, 20, 16, tzinfo=UTC)
    letter = rule(hour=18, channels=('letter',))
    far.addresses['postal'] = 'Street'
    assert told(walk('2027-03-20', '2027-03-20', [letter], [far]))[0].endswith('letter 03-20')


def test_a_refusal_holds_at_once():
    def refuse(shop):
        shop.refuse(shop.customers[1], 'service', 'email')

    people = [person(1, birthday=Yearly(3, 10)), person(2, birthday=Yearly(3, 10))]
    shop = walk('2027-03-05', '2027-03-08', [rule(lead=7)], people, events={'2027-03-07': [refuse]})
    assert told(shop) == ['rule 1 03-10 03-10 skipped refused', 'rule 2 03-10 03-10 planned -']


def test_capacity_of_a_rule_and_of_an_owner():
    people = [
        person(number, birthday=Yearly(3, 10), addresses={'mobile': '1'}, consents={}, adviser='a')
        for number in range(1, 6)
    ]
    calls = rule(channels=('phone',))
    shop = walk('2027-03-10', '2027-03-12', [calls], people, Settings(call_capacity=2))
    assert [row.acted.day for row in shop.rows] == [10, 10, 11, 11, 12]
    shop = walk('2027-03-10', '2027-03-12', [rule(channels=('phone',), day_limit=3)], people)
    assert [row.acted.day for row in shop.rows] == [10, 10, 10, 11, 11]
    hard = rule(channels=('phone',), hard=True)
    shop = walk('2027-03-10', '2027-03-12', [hard], people, Settings(call_capacity=2))
    assert [row.acted.day for row in shop.rows] == [10] * 5


def test_purchase_second_purchase_and_goal():
    rules = [
        rule('after', 'purchase', delay=7, minimum=100),
        rule('second', 'second_purchase', delay=10, goal='purchase', lead=3),
    ]
    events = {
        '2027-03-01': [bought(1, '2027-03-01', 100)],
        '2027-03-02': [bought(2, '2027-03-02', 99.99)],
        '2027-03-09': [bought(1, '2027-03-09', 20)],
    }
    people = [person(1), person(2)]
    shop = walk('2027-03-01', '2027-03-20', rules, people, events=events)
    assert told(shop) == [
        'after 1 03-01 03-08 done - email 03-08',
        # planned on the 8th, one day before the second purchase
        'second 1 03-01 03-11 stopped goal',
        'second 2 03-02 03-12 done - email 03-12',
    ]


def test_silence_by_own_interval():
    """Usual gap 20 of the one who came back: (20 + 2 x 20) / 3 = 20 for him, 20 for the other."""
    events = {
        '2027-03-01': [bought(1, '2027-03-01'), bought(2, '2027-03-01')],
        '2027-03-21': [bought(1, '2027-03-21'), lambda shop: shop.measure(on('2027-03-21'))],
    }
    rules = [
        rule('watch', 'silence', silence='watch'),
        rule('alert', 'silence', silence='alert'),
        rule('lapse', 'silence', silence='lapse'),
    ]
    shop = walk('2027-03-01', '2027-05-30', rules, [person(1), person(2)], events=events)
    assert sorted(told(shop)) == sorted(
        [
            'watch 2 03-31 03-31 done - email 03-31',
            'watch 1 04-20 04-20 done - email 04-20',
            'alert 2 04-30 04-30 done - email 04-30',
            'lapse 2 05-01 05-01 done - email 05-01',
            'alert 1 05-20 05-20 done - email 05-20',
            'lapse 1 05-21 05-21 done - email 05-21',
        ]
    )


def store(shop):
    """A shop that sells a filter (10 days, every month) and tea, of categories one below the other."""
    shop.learn(
        categories=[Category('all', days=10, months=1), Category('water', 'all'), Category('tea')],
        products=[
            Product('filter', 'water', months=2),
            Product('tea', 'tea'),
            Product('new', 'water', new_from=on('2027-03-20')),
        ],
        offers=[
            Offer('early', on('2027-03-10'), on('2027-03-10'), tiers=frozenset({'gold'})),
            Offer('draft', on('2027-03-10'), runs=False),
        ],
        policies=[
            Policy(lifecycle='new', rule='second', contact_days=5),
            Policy(tiers=frozenset({'gold'}), contact_days=9, rule='visits', channel='letter'),
        ],
        tags={'home': {'all'}},
    )


def test_goods_policies_and_promotions():
    assert months_later(on('2027-12-31'), 2) == on('2028-02-29')
    assert months_later(on('2028-03-31'), -12) == on('2027-03-31')
    assert months_later(on('2027-01-30'), -11) == on('2026-02-28')

    def buy(number, day, *goods):
        return lambda shop: shop.buy(
            Purchase(number, on(day), Fraction(50), f'{number} {day}', products=goods)
        )

    def tier(name):
        return lambda shop: setattr(shop.customers[1], 'tier', name)

    people = [person(1), person(2, likes={'home'}), person(3)]
    events = {
        '2027-03-01': [store, buy(1, '2027-03-01', 'filter', 'tea'), buy(3, '2027-03-01', 'tea')],
        '2027-03-03': [buy(1, '2027-03-03', 'filter')],
        '2027-03-06': [tier('gold')],
    }

    def days(until, *rules):
        shop = walk('2027-03-01', until, rules, people, None, (), events)
        return [(row.customer.id, f'{row.anchor:%m-%d}', row.state) for row in shop.rows]

    # the later purchase of the filter counts; its days are those of the category, its months its own
    refill = rule('refill', 'refill')
    assert days('2027-05-31', refill) == [(1, '03-13', 'done'), (1, '05-03', 'done')]
    # bought such things, or likes them
    news = rule('news', 'new_product')
    assert days('2027-03-31', news) == [(1, '03-20', 'done'), (2, '03-20', 'done')]
    assert days('2027-03-31', rule('news', 'new_product', categories=frozenset({'tea'}))) == []
    # told two days before it begins to who is gold on that day
    early = rule('promotion', 'promotion', delay=-2)
    assert days('2027-03-31', early) == [(1, '03-10', 'done')]
    events['2027-03-06'].append(tier(None))
    assert days('2027-03-31', early) == []
    # third: new, 5 days after 1 and 6 March (the mail); first: no longer new after the second purchase
    rules = (rule('calls', 'interval'),)
    assert days('2027-03-11', *rules) == [(3, '03-06', 'done'), (3, '03-11', 'done')]
    # a rule that a policy names is for its customers only
    second = rule('second', 'purchase'), rule('others', 'purchase')
    assert [one[0] for one in days('2027-03-02', *second)] == [1, 3, 1, 3]
    assert [one[0] for one in days('2027-03-01', rule('visits', 'purchase'))] == []


def test_again_days_and_control():
    events = {f'2027-03-{day:02}': [bought(1, f'2027-03-{day:02}')] for day in (1, 5, 20)}
    shop = walk(
        '2027-03-01',
        '2027-04-01',
        [rule('after', 'purchase', again=15)],
        [person(1)],
        events=events,
    )
    assert [str(row.anchor) for row in shop.rows] == ['2027-03-01', '2027-03-20']
    people = [person(number, birthday=Yearly(3, 10)) for number in range(1, 201)]
    shop = walk('2027-03-10', '2027-03-10', [rule(control=50, sample=50)], people)
    states = [row.state for row in shop.rows]
    assert 70 < len(states) < 130 and states.count('held') + states.count('done') == len(states)
    assert 0.3 < states.count('held') / len(states) < 0.7
    assert not any(row.counted for row in shop.rows if row.state == 'held')


def test_what_stops_and_what_waits():
    birthday = Yearly(3, 10)
    marketing = rule(purpose='marketing')

    def one(expected, moment=None, rules=None, until='2027-03-18', occasions=(), **values):
        people = [person(1, birthday=birthday, **values)]
        events = {'2027-03-09': [], **(moment or {})}
        shop = walk('2027-03-09', until, rules or [marketing], people, None, occasions, events)
        assert told(shop) == [f'rule 1 03-10 03-10 {expected}']

    def gone(shop):
        shop.customers[1].active = False

    one('skipped not_customer', {'2027-03-10': [gone]}, [rule(lead=1)])
    one('skipped paused', paused={'rule'})
    one('skipped paused', paused={'all'})
    one('skipped complaint', complaints=1)
    one('done - email 03-10', rules=[rule()], complaints=1)

    def solved(shop):
        shop.customers[1].complaints = 0

    one('done - email 03-15', {'2027-03-15': [solved]}, complaints=1)
    one('done - email 03-11', occasions=[Occasion('q', on('2027-03-10'), 'no_contact')])
    one('done - email 03-10', occasions=[Occasion('q', on('2027-03-10'), 'no_contact', False)])
    one('skipped refused', blocked=True)
    young = person(1, birthday=Yearly(3, 10, 2013))  # 14 on the day
    younger = person(2, birthday=Yearly(3, 11, 2013))
    shop = walk('2027-03-09', '2027-03-11', [rule(purpose='marketing', delay=0)], [young, younger])
    assert told(shop)[0] == 'rule 1 03-10 03-10 done - email 03-10'
    assert told(shop)[1] == 'rule 2 03-11 03-11 done - email 03-11'
    shop = walk('2027-03-09', '2027-03-11', [rule(purpose='marketing', delay=-1)], [younger, young])
    assert told(shop)[-1] == 'rule 2 03-11 03-10 skipped minor'


def test_three_without_reaction():
    days = [Yearly(3, 1), Yearly(3, 10), Yearly(3, 20), Yearly(4, 10), Yearly(6, 18), Yearly(7, 1)]
    people = [person(1, named=tuple(enumerate(days)))]
    rules = [rule('n', 'named_date', purpose='marketing')]
    shop = walk('2027-03-01', '2027-07-02', rules, people)
    assert [row.state for row in shop.rows] == ['done'] * 3 + ['skipped', 'done', 'skipped']
    # the last of the three was on 20 March: 18 June is the 90th day after it

    def clicked(shop):
        shop.rows[2].reaction = True

    people = [person(1, named=tuple(enumerate(days)))]
    shop = walk('2027-03-01', '2027-07-02', rules, people, events={'2027-03-22': [clicked]})
    assert [row.state for row in shop.rows] == ['done'] * 6


def test_the_independent_count_of_limits():
    settings = Settings()
    fine = [
        (1, 'a', on('2027-03-01'), True),
        (1, 'a', on('2027-03-08'), True),
        (1, '', on('2027-03-08'), False),
    ]
    assert oracle_care.broken_limits(fine, settings) == []
    assert oracle_care.broken_limits([*fine, (2, 'a', on('2027-03-14'), True)], settings)
    assert oracle_care.broken_limits([*fine, (1, '', on('2027-03-07'), False)], settings)


# === THE YEAR ===

RULES = [
    {
        'name': 'named',
        'trigger': 'named_date',
        'purpose': 'marketing',
        'delay_days': -3,
        'lead_days': 5,
    },
    {
        'name': 'birthday',
        'trigger': 'birthday',
        'purpose': 'marketing',
        'family': 'greeting',
        'hard': True,
        'late_days': 0,
        'lead_days': 7,
        'control_percent': 10,
    },
    {
        'name': 'birthday call',
        'trigger': 'birthday',
        'family': 'greeting',
        'hard': True,
        'late_days': 0,
        'lead_days': 3,
        'tiers': [1],
        'channels': ['phone', 'letter'],
        'adviser': True,
    },
    {
        'name': 'day',
        'trigger': 'occasion',
        'purpose': 'marketing',
        'family': 'greeting',
        'segment': True,
        'late_days': 2,
    },
    {
        'name': 'thanks',
        'trigger': 'purchase',
        'family': 'purchase',
        'delay_days': 2,
        'is_expected': True,
        'channels': ['email'],
        'again_days': 20,
    },
    {
        'name': 'after purchase',
        'trigger': 'purchase',
        'family': 'purchase',
        'delay_days': 7,
        'minimum': 30,
        'channels': ['phone', 'email'],
        'adviser': True,
        'day_limit': 6,
        'late_days': 4,
    },
    {
        'name': 'use',
        'trigger': 'purchase',
        'family': 'product',
        'delay_days': 3,
        'in_working_days': True,
        'sample_percent': 40,
        'domain': "[('ref', '=like', '%3')]",
    },
    {
        'name': 'second',
        'trigger': 'second_purchase',
        'purpose': 'marketing',
        'delay_days': 30,
        'lead_days': 7,
        'goal': 'purchase',
        'control_percent': 20,
        'channels': ['email', 'letter'],
    },
    {
        'name': 'watch',
        'trigger': 'silence',
        'silence': 'watch',
        'purpose': 'marketing',
        'family': 'churn',
        'goal': 'purchase',
        'hour': 15.0,
        'channels': ['email', 'phone'],
        'again_days': 60,
    },
    {
        'name': 'alert',
        'trigger': 'silence',
        'silence': 'alert',
        'family': 'churn',
        'goal': 'purchase',
        'channels': ['phone'],
        'sample_percent': 60,
    },
    {
        'name': 'lapse',
        'trigger': 'silence',
        'silence': 'lapse',
        'purpose': 'marketing',
        'family': 'churn',
        'delay_days': 10,
        'late_days': 20,
    },
    {
        'name': 'expected',
        'trigger': 'expected',
        'purpose': 'marketing',
        'family': 'purchase',
        'delay_days': -3,
        'lead_days': 3,
        'again_days': 30,
        'goal': 'purchase',
    },
    {
        'name': 'interval',
        'trigger': 'interval',
        'family': 'call_back',
        'lead_days': 7,
        'late_days': 14,
        'channels': ['phone', 'email'],
        'adviser': True,
    },
    {
        'name': 'guidance',
        'trigger': 'delivery',
        'family': 'product',
        'delay_days': 3,
        'guidance_only': True,
        'is_expected': True,
    },
    {
        'name': 'after delivery',
        'trigger': 'delivery',
        'family': 'purchase',
        'delay_days': 2,
        'in_working_days': True,
        'minimum': 15,
        'categories': ['Music'],
        'goal': 'purchase',
    },
    {
        'name': 'refill',
        'trigger': 'refill',
        'family': 'product',
        'late_days': 14,
        'goal': 'purchase',
        'is_expected': True,
    },
    {
        'name': 'check',
        'trigger': 'refill',
        'family': 'product',
        'delay_days': -2,
        'lead_days': 5,
        'categories': ['Rock', 'Players'],
        'control_percent': 20,
    },
    {'name': 'visit', 'trigger': 'visit', 'delay_days': 1, 'late_days': 3, 'again_days': 10},
    {
        'name': 'no show',
        'trigger': 'no_show',
        'late_days': 2,
        'is_expected': True,
        'channels': ['phone', 'email'],
    },
    {'name': 'news', 'trigger': 'new_product', 'purpose': 'marketing', 'family': 'product'},
    {
        'name': 'promotion',
        'trigger': 'promotion',
        'purpose': 'marketing',
        'family': 'promotion',
        'delay_days': -2,
        'late_days': 3,
    },
]
PREDICATES = {'use': lambda customer: str(customer.number).endswith('3')}
FULL = bool(os.environ.get('RETAIL_CRM_FULL'))
SHIPPED, TIGHT = (
    {},
    {
        'retail_care_marketing_week': 2,
        'retail_care_marketing_month': 3,
        'retail_care_all_week': 3,
        'retail_care_message_from': 8.5,
        'retail_care_message_to': 11.5,
        'retail_care_call_from': 11.0,
        'retail_care_call_to': 19.0,
        'retail_care_silent_count': 2,
        'retail_care_pause_days': 30,
        'retail_care_call_capacity': 2,
        'retail_care_minor_age': 15,
        'retail_service_consent': False,
        'gaps': {'greeting': 20, 'churn': 5},
    },
)


def oracle_settings(year):
    values = {
        name.removeprefix('retail_care_'): value
        for name, value in year.settings.items()
        if name.startswith('retail_care_')
    }
    return Settings(
        **values,
        family_gaps=year.settings.get('gaps', {}),
        service_consent=year.settings.get('retail_service_consent', True),
        fallback=('wechat', 'phone', 'email', 'letter'),
        holidays=frozenset(map(on, year.holidays)),
    )


def oracle_rules(year, ids):
    rules = []
    for place, one in enumerate(year.rules):
        if one['name'] not in ids:
            continue
        rules.append(
            Rule(
                ids[one['name']],
                one['name'],
                one['trigger'],
                sequence=place,
                started=year.first,
                purpose=one.get('purpose', 'service'),
                family=one.get('family', 'other'),
                delay=one.get('delay_days', 0),
                in_working_days=one.get('in_working_days', False),
                lead=one.get('lead_days', 0),
                hard=one.get('hard', False),
                late=one.get('late_days', 7),
                again=one.get('again_days', 0),
                hour=one.get('hour', 10.0),
                tiers=frozenset(one.get('tiers', ())),
                segments=frozenset({'chosen'} if one.get('segment') else ()),
                test=PREDICATES.get(one['name']),
                minimum=one.get('minimum', 0),
                silence=one.get('silence'),
                categories=frozenset(one.get('categories', ())),
                guidance=one.get('guidance_only', False),
                occasions=frozenset(key for key, _day, _kind in year.occasions),
                channels=tuple(one.get('channels', ())),
                sample=one.get('sample_percent', 100),
                control=one.get('control_percent', 0),
                day_limit=one.get('day_limit', 0),
                goal=one.get('goal', 'none'),
                expected=one.get('is_expected', False),
                owner=None if one.get('adviser') else 'user',
            )
        )
    return rules


def oracle_customers(year, ids):
    customers = []
    for number, one in enumerate(year.customers):
        birthday = one['birthday'] and Yearly(*one['birthday'])
        customers.append(
            Customer(
                ids[number],
                number,
                birthday=birthday,
                named=tuple(
                    (place, Yearly(month, day, lunar=lunar))
                    for place, (month, day, lunar) in enumerate(one['named'])
                ),
                zone=one['zone'],
                preferred=one['preferred'],
                addresses=dict(one['addresses']),
                consents={
                    (purpose, channel): granted for purpose, channel, granted in one['consents']
                },
                blocked=one['blocked'],
                adviser=one['adviser'],
                tier=one['tier'],
                segments={'chosen'} if one['segment'] else set(),
                likes=set(one['likes']),
            )
        )
    return customers


def day_or_none(text):
    return text and on(text)


def chosen(one):
    return {
        'segments': frozenset({'chosen'} if one.get('segment') else ()),
        'tiers': frozenset(one.get('tiers', ())),
    }


def learn_shop(shop, year):
    """Tell the oracle what the shop of the year sells, promises and offers."""
    names = ('lifecycle', 'contact_days', 'rule', 'channel')
    shop.learn(
        categories=[Category(*one) for one in care_year.CATEGORIES],
        products=[
            Product(place, kind, days, months, day_or_none(begun), day_or_none(until))
            for place, (kind, days, months, begun, until) in enumerate(year.products)
        ],
        offers=[
            Offer(
                one['name'],
                on(one['date_from']),
                day_or_none(one['date_to']),
                runs=one['state'] == 'running',
                **chosen(one),
            )
            for one in year.offers
        ],
        policies=[
            Policy(**{name: one[name] for name in names if name in one}, **chosen(one))
            for one in care_year.POLICIES
        ],
        tags={tag: set(kinds) for tag, kinds in care_year.TAGS.items()},
    )


#: When things happen, in UTC: on the next day where the shop is.
NIGHT = time(17, 30, tzinfo=UTC)
SHOP = ZoneInfo('Asia/Shanghai')


class Story:
    """The oracle's side of what happens."""

    def __init__(self, shop, people, year):
        self.shop, self.people, self.year = shop, people, year
        self.left, self.asked = {}, {}
        #: place in the year: the purchase, once it was made
        self.purchases = {}

    def happen(self, day, what, *values):
        self.now = datetime.combine(day - timedelta(1), NIGHT)
        self.day = day
        getattr(self, f'on_{what}')(*values)

    def buy(self, key, number, bought_on, dollars, products):
        bought = Purchase(
            self.people[number].id, on(bought_on), Fraction(dollars), key, products=tuple(products)
        )
        self.purchases[key] = bought
        self.left[key] = set(range(len(products)))
        self.shop.buy(bought)

    def on_consent(self, number, purpose, channel, granted):
        if granted:
            self.people[number].consents[purpose, channel] = True
        else:
            self.shop.refuse(self.people[number], purpose, channel)

    def on_complaint(self, number):
        self.people[number].complaints += 1
        self.hear(number, self.now)

    def on_solved(self, number):
        self.people[number].complaints -= 1

    def on_tier(self, number, level):
        self.people[number].tier = level

    def on_gone(self, number):
        self.people[number].active = False

    def on_pause(self, number, what):
        self.people[number].paused.add(what)

    def on_likes(self, number, tag):
        self.people[number].likes.add(tag)

    def on_stop(self, name):
        next(rule for rule in self.shop.rules if rule.name == name).state = 'off'

    def on_start(self, name):
        rule = next(rule for rule in self.shop.rules if rule.name == name)
        rule.state, rule.started = 'on', self.day

    def hear(self, number, instant):
        """Somebody was in contact with us; the day in the shop."""
        day = instant.astimezone(SHOP).date()
        self.shop.contacts.setdefault(self.people[number].id, []).append(day)
        return day

    def on_touch(self, number, kind, minutes):
        day = self.hear(number, self.now - timedelta(minutes=minutes))
        if kind == 'visit':
            visits = self.shop.visits.setdefault(self.people[number].id, [])
            visits.append(((self.day, minutes, len(visits)), day))

    def on_appointment(self, number, days, hour):
        if number not in self.asked:
            self.hear(number, self.now)
        self.asked[number] = self.now + timedelta(days=days, hours=hour - 24)

    def on_missed(self, number):
        at = self.asked[number]
        missed = self.shop.no_shows.setdefault(self.people[number].id, [])
        missed[:] = [(at, at.astimezone(SHOP).date())]  # of a request the last date only

    def on_sold(self, key):
        self.shop.delivered[key] = self.day

    def on_delivered(self, key, line):
        self.left[key].discard(line)
        if not self.left[key]:
            self.shop.delivered.setdefault(key, self.day)

    def on_returned(self, key):
        self.purchases[key].counts = False


def live(year, result):
    """Let the oracle live through the year."""
    people = oracle_customers(year, result['partners'])
    occasions = [Occasion(key, on(day), kind) for key, day, kind in year.occasions]
    occasions = occasions if result['has_occasions'] else []
    shop = Scheduler(oracle_settings(year), oracle_rules(year, result['rules']), people, occasions)
    learn_shop(shop, year)
    story = Story(shop, people, year)
    day, left = year.first, list(enumerate(year.purchases))[::-1]
    while day <= year.last:
        while left and left[-1][1][1] <= str(day):
            key, values = left.pop()
            story.buy(key, *values)
        for event in year.events.get(str(day), ()):
            story.happen(day, *event)
        if day.day == 1:
            shop.measure(day)
        for row in shop.of_day.get(day - timedelta(1), ()):
            if care_year.reacts(row.rule.name, row.customer.number):
                row.reaction = True
        shop.plan(day)
        for hour in (11, 19):
            shop.process(datetime.combine(day, time(hour, 10), SHOP).astimezone(UTC))
        for row in shop.of_day.get(day, ()):
            if row.state == 'todo' and care_year.answers(row.rule.name, row.customer.number):
                row.reached = day
            row.state = 'done'
        day += timedelta(1)
    return shop


def found_rows(result):
    """{(rule, customer, anchor): (due, state, reason, channel, day)}, several of them in a list"""
    rows = {}
    for name, number, anchor, *rest in result['rows']:
        rows.setdefault((name, number, anchor), []).append(tuple(rest[:5]))
    return {key: sorted(values, key=str) for key, values in rows.items()}


def expected_rows(shop):
    rows = {}
    for row in shop.rows:
        key = (row.rule.name, row.customer.number, str(row.anchor))
        day = str(row.acted) if row.acted else None
        rows.setdefault(key, []).append((str(row.due), row.state, row.reason, row.channel, day))
    return {key: sorted(values, key=str) for key, values in rows.items()}


def check_limits(year, result):
    """The limits were never broken, by a count of what Odoo says it sent; and each follow-up has one mail at most."""
    purposes = {one['name']: one.get('purpose', 'service') for one in year.rules}
    expected = {one['name'] for one in year.rules if one.get('is_expected')}
    contacts = [
        (number, email if channel == 'email' else '', on(day), purposes[name] == 'marketing')
        for name, number, _anchor, _due, _state, _reason, channel, day, *_rest, email in result[
            'rows'
        ]
        if day and name not in expected
    ]
    assert len(contacts) > 50
    assert oracle_care.broken_limits(contacts, oracle_settings(year)) == []
    mails = Counter(number for number, _to in result['mails'])
    assert max(mails.values()) == 1
    assert len(mails) == sum(row[6] == 'email' for row in result['rows'])


@pytest.mark.parametrize(
    ('seed', 'first', 'days', 'customers', 'settings'),
    [
        pytest.param(9, date(2027, 1, 1), *((365, 150) if FULL else (150, 60)), SHIPPED, id='2027'),
        pytest.param(28, date(2028, 1, 1), *((90, 100) if FULL else (60, 40)), TIGHT, id='2028'),
    ],
)
def test_a_year_of_follow_ups(house, fresh_db, monkeypatch, seed, first, days, customers, settings):
    """Issue 9: a simulated year gives exactly the contacts of an independent scheduler, and never breaks a limit."""
    house.setup('odoo', 'cdnow')
    monkeypatch.setattr(test_cdnow, 'LIMIT', customers)
    source = test_cdnow.read_source(house.data_folder('cdnow'))
    last = first + timedelta(days - 1)
    rules = [{'sequence': place, **one} for place, one in enumerate(RULES)]
    year = care_year.make_year(seed, first, last, source, rules, settings)
    result = live_in_odoo(house, fresh_db(), year)
    assert not [name for name, (state, _error) in result['states'].items() if state == 'failed'], (
        result['states']
    )
    shop = live(year, result)
    found, expected = found_rows(result), expected_rows(shop)
    wrong = sorted(
        key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)
    )
    report = [f'{key}: Odoo {found.get(key)}, oracle {expected.get(key)}' for key in wrong[:10]]
    assert not wrong, f'{len(wrong)} of {len(expected)} differ:\n' + '\n'.join(report)
    check_limits(year, result)
    # all of it happened often enough to mean something
    told = Counter(row.reason or row.state for row in shop.rows)
    enough = ENOUGH[first.year] if FULL else ('done', 'control', 'refused')
    assert {name for name in enough if not told[name]} == set(), told
    if not FULL:
        return
    by_rule = Counter(row.rule.name for row in shop.rows)
    assert {rule['name'] for rule in RULES if not by_rule[rule['name']]} == set(), by_rule


#: What each year must have seen when it is run in full (RETAIL_CRM_FULL=1), and all rules.
ENOUGH = {
    2027: (
        'done',
        'control',
        'no_consent',
        'refused',
        'no_address',
        'goal',
        'limit_week',
        'paused',
    ),
    2028: ('done', 'quiet_hours', 'limit_family', 'capacity', 'complaint', 'refused'),
}


def live_in_odoo(house, name, year):
    script = care_year.SCRIPT.replace('DATA', repr(json.dumps(year.as_data())), 1)
    script = script.replace('DAYS', repr([str(year.first), str(year.last)]), 1)
    output = house.shell_script(name, script)
    line = next(line for line in output.splitlines() if 'RESULT ' in line)
    return json.loads(line.partition('RESULT ')[2], parse_float=Decimal)
