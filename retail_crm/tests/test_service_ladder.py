"""When levels of escalation are reached: the arithmetic against a walk through time, without the ORM."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import BaseCase, tagged

from odoo.addons.retail_crm.models.service._clock import Clock, Terms
from odoo.addons.retail_crm.models.service._escalation import (
    MISSED,
    Ladder,
    Step,
    later_days,
    opening,
    rank_of,
)
from odoo.addons.retail_crm.models.service._worktime import Wall
from odoo.addons.retail_crm.tests.test_service_clock import CALENDARS, is_open, utc, work_of

STEP, HOUR = 300, 3600


def ladder(zone, *levels, repeat=0):
    return Ladder([Step(rank_of(unit, n), unit, n) for unit, n in levels], zone, repeat)


class Walk:
    """Which levels a target of so many seconds reaches, found by walking through time in steps of five minutes."""

    def __init__(self, name, levels, repeat, seconds, start, events, end):
        self.name, self.repeat, self.seconds = name, repeat, seconds
        self.zone = ZoneInfo(CALENDARS[name][0])
        self.levels = sorted(levels, key=lambda level: rank_of(*level))
        self.fired, self.used, self.late, self.days = [], 0, 0, {}
        self.deadline, self.resumed, self.last, self.runs = None, start, None, True
        for at in range(start, end, STEP):
            for when, runs in events:
                if when == at and runs != self.runs:
                    self.runs = runs
                    self.resumed = at if runs else self.resumed
            self.look(at)
            if self.runs and is_open(name, at):
                self.used += STEP
                if self.used == seconds:
                    self.deadline = at + STEP
                elif self.used > seconds:
                    self.late += STEP

    def look(self, at):
        """Note what is reached now; what would be paused is not. Missed is what is not done when the time is over."""
        while self.runs:
            done = [name for name, _at in self.fired]
            left = [level for level in self.levels if level not in done]
            before = [level for level in left if level[0] == 'share' and level[1] < 100]
            is_missed = self.deadline is not None and at > self.deadline
            if before and not is_missed and self.used >= self.seconds * before[0][1] / 100:
                self.fired.append((before[0], at))
                continue
            if not is_missed:
                return
            left = [level for level in left if level not in before]
            if left and not self.is_reached(left[0], at):
                return
            if left:
                self.fired.append((left[0], at))
                continue
            due = self.day(max(self.last, self.resumed), self.repeat) if self.repeat else None
            if due is None or at < due:
                return
            self.fired.append(('again', at))
            self.last = due

    def is_reached(self, level, at):
        unit, amount = level
        base = max(self.deadline, self.resumed)
        if unit == 'share':
            due = self.deadline + 1
        elif unit == 'hours':
            due = at if self.late >= amount * HOUR else at + 1
        else:
            due = self.day(base, amount)
        if at >= due and level == self.levels[-1]:
            # counted from when it was reached, which the walk sees in steps
            self.last = due if unit == 'days' else at
        return at >= due

    def day(self, base, days):
        """Return the same time on the clock so many working days later, or when the shop opens."""
        if (base, days) not in self.days:
            self.days[base, days] = self.count(base, days)
        return self.days[base, days]

    def count(self, base, days):
        local = datetime.fromtimestamp(base, UTC).astimezone(self.zone)
        day = local.date()
        while days:
            day += timedelta(days=1)
            quarters = [
                datetime.combine(day, datetime.min.time()) + timedelta(minutes=m)
                for m in range(0, 1440, 30)
            ]
            stamps = [int(q.replace(tzinfo=self.zone).timestamp()) for q in quarters]
            hours = [stamp for stamp in stamps if is_open(self.name, stamp)]
            days -= bool(hours)
        same = datetime.combine(day, local.time()).replace(tzinfo=self.zone)
        return max(int(same.timestamp()), hours[0])


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceLadder(BaseCase):
    def _climb(self, steps, terms, start, events, end):
        """Return what a clock with these levels reaches, looked at every five minutes."""
        clock = Clock({'solve': terms}, start, 'open')
        clock.contact(start + 1, True)  # it is for us to wait: the last message is ours
        position, fired = 0, []
        for at in range(start, end, STEP):
            for when, runs in events:
                if when == at:
                    clock.move(at + 0, 'open' if runs else 'waiting')
            clock.settle(at)
            [target] = clock.targets
            while (due := terms.ladder.next(clock, target, position)) and due.at <= at:
                position = due.position
                fired.append(('again' if due.is_repeat else steps[due.step.rank], at))
        return fired

    def test_random_histories(self):
        """Levels of random histories with pauses are those of a walk through time, in four zones (R-svc C.2, E 6)."""
        rng = random.Random(12)
        levels = [('share', 75), ('share', 100), ('hours', 4), ('days', 1)]
        steps = {rank_of(*level): level for level in levels}
        seen = set()
        for _round in range(20):
            name = rng.choice(('berlin', 'shanghai', 'new_york'))
            repeat = rng.choice((0, 1, 2))
            first = rng.choice(CALENDARS[name][4])
            midnight = datetime.combine(first, datetime.min.time())
            start = int(midnight.replace(tzinfo=UTC).timestamp()) + rng.randrange(288) * STEP
            end = start + 8 * 86_400
            seconds = rng.choice((1, 2, 5, 8)) * HOUR
            marks = sorted(rng.sample(range(start + STEP, end, STEP), rng.choice((0, 2, 4))))
            events = [(at, place % 2 == 1) for place, at in enumerate(marks)]
            terms = Terms(
                seconds, work_of(name), None, ladder(CALENDARS[name][0], *levels, repeat=repeat)
            )
            with self.subTest(name=name, start=start, events=events, repeat=repeat):
                fired = self._climb(steps, terms, start, events, end)
                walk = Walk(name, levels, repeat, seconds, start, events, end)
                self.assertEqual(fired, walk.fired)
                seen.update(what for what, _at in fired)
        self.assertEqual(seen, {*levels, 'again'})

    def test_working_days(self):
        """The same time on the next working day, also across a change of the clocks and a holiday (C.2)."""
        berlin, zone = work_of('berlin'), 'Europe/Berlin'
        for at, days, expected in (
            # Friday 10:00, clocks change on Sunday, Monday is a holiday, Saturday none
            ('2026-10-23T08:00', 1, '2026-10-27T09:00'),
            # Saturday is worked as a Monday
            ('2026-03-27T09:00', 1, '2026-03-28T09:00'),
            ('2026-03-27T09:00', 2, '2026-03-30T08:00'),
            # at night: when the day begins
            ('2026-07-01T03:00', 1, '2026-07-02T07:00'),
            ('2026-07-01T07:30', 3, '2026-07-06T07:30'),
        ):
            with self.subTest(at=at, days=days):
                self.assertEqual(later_days(berlin, zone, utc(at), days), utc(expected))
        self.assertEqual(later_days(Wall(), zone, 0, 2), 2 * 86_400)

    def test_next_opening(self):
        """Who is at work is told now, others when they come (C.2, zammad#4432)."""
        shanghai = work_of('shanghai')
        for at, expected in (
            ('2026-09-29T02:00', '2026-09-29T02:00'),
            # the break at noon, the evening, two holidays before a weekend that is worked in part
            ('2026-09-29T04:30', '2026-09-29T05:30'),
            ('2026-09-29T10:00', '2026-09-30T01:00'),
            ('2026-09-30T10:00', '2026-10-05T01:00'),
        ):
            with self.subTest(at=at):
                self.assertEqual(opening(shanghai, utc(at)), utc(expected))
        self.assertEqual(opening(Wall(), 17), 17)

    def test_after_an_edit_nothing_is_reached_again(self):
        """A target goes on from where it is in a list that was changed meanwhile; an old position counts, too."""
        terms = Terms(HOUR, Wall(), None, ladder('UTC', ('share', 50), ('hours', 2)))
        clock = Clock({'solve': terms}, 0, 'open')
        clock.settle(HOUR + 1)
        [target] = clock.targets
        # missed is missed, with or without a level for it
        due = terms.ladder.next(clock, target, 999)
        self.assertEqual((due.position, due.at), (MISSED, HOUR + 1))
        self.assertEqual(terms.ladder.next(clock, target, MISSED).at, 3 * HOUR)
        # now with an earlier level: it is passed already
        other = ladder('UTC', ('share', 50), ('hours', 1), ('hours', 3))
        self.assertEqual(other.next(clock, target, MISSED + 120).at, 4 * HOUR)
        self.assertEqual(other.next(clock, target, 2).position, MISSED + 60)
        self.assertEqual(other.next(clock, target, 1).position, MISSED)
        self.assertIsNone(other.next(clock, target, MISSED + 180))
        self.assertEqual([other.number(p) for p in (0, 999, MISSED, MISSED + 60)], [0, 0, 1, 2])
