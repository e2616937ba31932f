"""When the levels of a target are reached (R-svc C.2), in plain Python without the ORM.

A level has a *rank* by which levels follow each other: its share of the time in per mille for warnings, 1000 for the
deadline itself, and 1000 plus the minutes after it, with a day counted as 1440 of them. A target keeps the highest rank
that it reached, its *position*: whatever is edited in the list of levels, and whenever the target is paused and goes on,
what was reached is not reached again. When the last level repeats, the position is the minute of its last time.
"""

from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytz

from ._worktime import Wall, instant, moment_of

#: Position of a target whose deadline has passed, and of the last one before it.
MISSED, WARNED = 1000, 999
#: Positions of repeats begin here: the minute of the last time is added.
REPEATED = 10_000_000
DAY, MINUTE = 86_400, 60
#: Days that are looked ahead for working days: longer than any holiday.
HORIZON = 60
#: What a target kept before levels had ranks: warned, missed.
OLD = {1: WARNED, 2: MISSED}


class Step(NamedTuple):
    """A level of the list: when it is reached, and which record it is (none for the deadline itself without one)."""

    rank: int
    #: ``share``, ``hours`` or ``days``
    when: str
    amount: float
    level_id: int | bool = False


class Due(NamedTuple):
    """What a target reaches next: its position then, when that is, and the level."""

    position: int
    at: int
    step: Step
    is_repeat: bool = False


def rank_of(when, amount):
    """Return the rank of a level."""
    if when == 'share':
        return min(MISSED, round(amount * 10))
    return MISSED + round(amount * (60 if when == 'hours' else 1440))


class Ladder:
    """The levels of a company, for targets that are counted in one zone.

    :param steps: the levels, in any order
    :param zone: zone in which working days are counted
    :param repeat: the last level repeats after so many working days; 0: it does not
    """

    __slots__ = ('after', 'repeat', 'warnings', 'zone')

    def __init__(self, steps, zone='UTC', repeat=0):
        steps = sorted(steps)
        self.warnings = [step for step in steps if step.rank < MISSED]
        self.after = [step for step in steps if step.rank >= MISSED]
        if not self.after or self.after[0].rank > MISSED:
            # that it was missed is noticed whoever is told of it
            self.after.insert(0, Step(MISSED, 'share', 100))
        self.zone = zone
        self.repeat = repeat

    def number(self, position):
        """Return how many levels from the deadline on were reached."""
        position = OLD.get(position, position)
        return sum(step.rank <= position for step in self.after)

    def next(self, clock, target, position):
        """Return what the target reaches after ``position``, or None. A pause has nothing to come, what is done neither."""
        position = OLD.get(position, position)
        state, terms = clock.status(target), clock.terms[target.kind]
        if state == 'running' and position < WARNED:
            for step in self.warnings:
                at = step.rank > position and target.reached(step.rank / 1000, terms)
                if at:
                    return Due(step.rank, at, step)
        if position < MISSED:
            if state in ('running', 'breached'):
                return self._due(self.after[0], target.deadline + 1)
            return None
        if state != 'breached' or target.met_at is not None or target.since is None:
            return None
        for step in self.after:
            if step.rank > position:
                return self._due(step, self._late(step, target, terms))
        if not self.repeat or position < REPEATED:
            return None
        last = (position - REPEATED) * MINUTE
        at = later_days(terms.work, self.zone, max(last, target.since), self.repeat)
        return self._due(self.after[-1], at, True)

    def _due(self, step, at, is_repeat=False):
        if step is self.after[-1] and self.repeat:
            # the next whole minute: counted from there, it never comes before it
            return Due(REPEATED - -at // MINUTE, at, step, is_repeat)
        return Due(step.rank, at, step, is_repeat)

    def _late(self, step, target, terms):
        """Return when a level after the deadline is reached, from the deadline on or from when it last went on."""
        since = max(target.deadline, target.since)
        if step.when == 'days':
            return later_days(terms.work, self.zone, since, step.amount)
        late = max(0, target.used - target.seconds) if target.since > target.deadline else 0
        return terms.work.add(since, max(0, round(step.amount * 3600) - late))


def later_days(work, zone, at, days):
    """Return the same time a number of working days later, or when that day's work begins if that is later.

    Day and night a day has 24 hours. Where nobody works within two months every day counts.
    """
    days = max(1, round(days))
    if isinstance(work, Wall):
        return at + days * DAY
    zone = pytz.timezone(zone or 'UTC')
    local = pytz.utc.localize(moment_of(at)).astimezone(zone)
    left = days
    for ahead in range(1, HORIZON + days):
        day = local.date() + timedelta(days=ahead)
        start, stop = (_instant_of(zone, day + timedelta(days=more), time()) for more in (0, 1))
        if work.between(start, stop):
            left -= 1
            if not left:
                return max(_instant_of(zone, day, local.time()), opening(work, start))
    return at + days * DAY


def opening(work, at):
    """Return the first instant from ``at`` on at which somebody works: that itself while he does."""
    if isinstance(work, Wall):
        return at
    return work.add(at, 1) - 1


def _instant_of(zone, day, clock):
    """Return a time of a day in a zone as an instant; in the hour that is left out, that of the clock before."""
    local = zone.localize(datetime.combine(day, clock))
    return instant(local.astimezone(pytz.utc).replace(tzinfo=None))
