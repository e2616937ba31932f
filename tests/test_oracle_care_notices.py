"""Who is told that a tier ends or that points expire, and on which days, against plain Python.

Tiers by tools/oracle_tiers.py, points counted here, what becomes of it by the scheduler of oracle_care.py. In Odoo the
two shipped rules, the nightly evaluation and the notices of the ledger.
"""

import json
import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import care_notices
from care_notices import DAYS, ENOUGH_POINTS, FIRST, GRACE, MONTHS, NOTICES, TIERS
from oracle_care import Customer, Rule, Scheduler, Settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tools'))

import oracle_tiers

LAST = FIRST + timedelta(DAYS - 1)
SHOP = ZoneInfo('Asia/Shanghai')


class Points:
    """The points of one customer: ``[last day, points left, smallest notice told]``, oldest first."""

    def __init__(self):
        self.lots = []

    def earn(self, points, last):
        self.lots.append([last, points, None])

    def spend(self, points):
        """What expires first goes first, of equal days the older (docs/points.md); never more than there is."""
        for lot in sorted(self.lots, key=lambda lot: lot[0]):
            used = min(points, lot[1])
            lot[1] -= used
            points -= used

    def night(self, today):
        """Points end on the day after their last; whether the customer hears of others that will (docs/points.md)."""
        self.lots = [lot for lot in self.lots if lot[0] >= today and lot[1]]
        told = False
        for lot in self.lots:
            passed = [days for days in NOTICES if (lot[0] - today).days <= days]
            if passed and (lot[2] is None or min(passed) < lot[2]):
                lot[2], told = min(passed), True
        return told


def tier_notices(events):
    """``{customer: [day, ...]}`` of the warnings of docs/tiers.md."""
    tiers = [
        oracle_tiers.Tier(
            name,
            (oracle_tiers.Version(FIRST - timedelta(9999), Decimal(amount)),) if amount else (),
        )
        for name, amount in TIERS
    ]
    rules = oracle_tiers.Rules(
        tuple(tiers), window_months=MONTHS, validity_months=MONTHS, grace_days=GRACE
    )
    bought = {}
    for day, happened in events.items():
        for what, number, value, *_rest in happened:
            if what == 'bought':
                document = oracle_tiers.Document(FIRST.fromisoformat(day), Decimal(value))
                bought.setdefault(number, []).append(document)
    return {
        number: [one[0] for one in oracle_tiers.warnings(documents, rules, FIRST, LAST)]
        for number, documents in bought.items()
    }


def live(events, found_rules):
    """Every day: what is told, the plan, two runs of sending; the scheduler at the end."""
    kinds = {'tier': 'tier_ending', 'points': 'points_expiring'}
    rules = [
        Rule(
            number,
            name,
            'moment',
            moment=kinds[name],
            minimum=minimum,
            late=late,
            hour=hour,
            started=FIRST,
            expected=True,
            channels=('email',),
        )
        for name, (number, minimum, late, hour) in found_rules.items()
    ]
    people = [
        Customer(number, number, addresses={'email': f'c{number}@x.example'})
        for number in range(care_notices.CUSTOMERS)
    ]
    shop = Scheduler(Settings(), rules, people)
    points = {one.id: Points() for one in people}
    shop.lots = {}
    tiers = tier_notices(events)
    for offset in range(DAYS):
        day = FIRST + timedelta(offset)
        for what, number, value, *rest in events.get(str(day), ()):
            if what == 'earned':
                points[number].earn(value, FIRST.fromisoformat(rest[0]))
            elif what == 'spent':
                points[number].spend(value)
        for one in people:
            told = {
                'tier_ending': day in tiers.get(one.id, ()),
                'points_expiring': points[one.id].night(day),
            }
            shop.lots[one.id] = [lot[:2] for lot in points[one.id].lots]
            for kind, is_told in told.items():
                if is_told:
                    shop.moments.setdefault((kind, one.id), []).append((day, day))
        shop.plan(day)
        for hour in (11, 19):
            shop.process(datetime.combine(day, time(hour, 10), SHOP).astimezone(UTC))
    return shop, points


def test_months_of_a_club(house, fresh_db):
    """S-LOY-09, defaults 18: 60, 30 and 7 days before a tier is lost; 30 and 7 before 500 points end; nobody else."""
    events = care_notices.make_months(17)
    data = {
        'first': str(FIRST),
        'last': str(LAST),
        'events': events,
        'customers': care_notices.CUSTOMERS,
        'tiers': TIERS,
        'months': MONTHS,
        'grace': GRACE,
        'notices': ', '.join(map(str, NOTICES)),
    }
    script = care_notices.SCRIPT.replace('DATA', repr(json.dumps(data)), 1)
    output = house.shell_script(fresh_db(), script)
    line = next(line for line in output.splitlines() if 'RESULT ' in line)
    result = json.loads(line.partition('RESULT ')[2])
    assert all(state == 'on' for state, _error in result['states'].values()), result['states']
    assert result['rules']['points'][1] == ENOUGH_POINTS
    shop, points = live(events, result['rules'])
    assert result['points'] == [sum(lot[1] for lot in points[one].lots) for one in sorted(points)]
    expected = [
        [
            row.rule.name,
            row.customer.number,
            str(row.anchor),
            str(row.due),
            row.state,
            row.channel,
            row.acted and str(row.acted),
        ]
        for row in shop.rows
    ]
    found = sorted(result['rows'])
    missing = [row for row in sorted(expected) if row not in found]
    wrong = [row for row in found if row not in expected]
    assert not missing and not wrong, f'missing: {missing[:8]}\nnot expected: {wrong[:8]}'
    assert len(found) == len(expected)
    # all of it happened often enough to mean something
    told = Counter(row[0] for row in found)
    assert told['tier'] >= 15 and told['points'] >= 15, told
    silent = sum(len(days) for (kind, _one), days in shop.moments.items() if kind[0] == 'p')
    assert silent > told['points'] + 5, 'notices of too few points'
