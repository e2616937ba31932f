"""The follow-ups of a whole year, day by day, on real purchases, compared with a scheduler that knows nothing of them.

First the scheduler itself (oracle_care.py) on cases worked out by hand, then the year of the add-on beside it.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import oracle_care
import pytest
from oracle_care import Customer, Occasion, Purchase, Rule, Scheduler, Settings, Yearly

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
