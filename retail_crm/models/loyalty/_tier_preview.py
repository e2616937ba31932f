"""What becomes of a member under other rules, beside the present ones (docs/tiers.md, Preview): without the ORM.

Both ways are gone by the same engine; nothing here decides about a tier.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from . import _tiers


@dataclass(frozen=True)
class Outcome:
    """What becomes of one member.

    :ivar held: tier held before the day from which the other rules hold
    :ivar present: own tier by the present rules at the end of what is looked at, ``proposed`` by the other ones
    :ivar day: the day from which they differ; None: they do not
    :ivar measure: what the other rules count at that point
    """

    held: object
    present: object
    proposed: object
    day: date | None = None
    measure: _tiers.Measure | None = None


class Way:
    """A member from the day on which rules begin, under these rules."""

    def __init__(self, start, ledger, rules, as_of, enrolled_on):
        self.start, self.as_of = start, as_of
        self.engine = _tiers.Engine(start, ledger, rules)
        if start.enrolled_on is None:  # became a member later
            self.engine.enrol(enrolled_on)
            self.engine.look(enrolled_on)
            return
        self.engine.run(as_of)
        if self.engine.state.looked_on < as_of:
            self.engine.look(as_of)

    def go(self, ledger, day):
        """Go on to a day, with these documents."""
        self.engine.ledger = ledger
        self.engine.run(day)

    @property
    def tier(self):
        return self.engine.state.tier

    @property
    def end(self):
        """Return the day on which the validity and its grace are over; None: without end."""
        state = self.engine.state
        if state.grace_until or not state.until:
            return state.grace_until
        return state.until + timedelta(days=self.engine.rules.grace)

    def tier_on(self, day):
        """Return the tier at the end of a day."""
        past = [move.target for move in self.engine.moves if move.day <= day]
        return past[-1] if past else self.start.tier

    def move_on(self, day):
        """Return the last thing that happened on a day, or None."""
        return next((move for move in reversed(self.engine.moves) if move.day == day), None)


def compare(state, documents, present, proposed, as_of, today, repeat=True):
    """Return the ``Outcome`` for a member.

    :param State state: as it is stored; what staff gave hides a difference but makes none
    :param documents: all that are known
    :param Rules present: as they are, ``proposed`` the other ones
    :param as_of: the day from which the other rules hold; before today: as if they had held since
    :param repeat: after today everybody buys again what he bought in the twelve months before; else nobody buys
    """
    horizon = max(as_of, today)
    ledger = _ledger(documents, today, horizon, repeat)
    start = _start(state, ledger, present, as_of, today)
    ways = [Way(start, ledger, rules, as_of, state.enrolled_on) for rules in (present, proposed)]
    now, new = ways
    if horizon > as_of:
        for way in ways:
            way.go(ledger, horizon)
    if now.tier == new.tier:
        ends = [way.end for way in ways if way.end]
        end = max(ends, default=horizon)
        if end > horizon:
            ledger = _ledger(documents, today, end, repeat)
            for way in ways:
                way.go(ledger, end)
    held = start.tier if start.enrolled_on else present.tiers[0].key
    if now.tier == new.tier:
        return Outcome(held, now.tier, new.tier)
    day = _differ_since(now, new)
    return Outcome(
        held, now.tier, new.tier, _seen_on(state, proposed, now, new, day), _measure(now, new, day)
    )


def _ledger(documents, today, end, repeat):
    """Return the documents, with those of the last twelve months again in each year up to a day."""
    if not repeat or end <= today:
        return _tiers.Ledger(documents)
    first = _tiers.add_months(today, -12)
    again = []
    for document in documents:
        if first < document.date <= today:
            years = 1
            while (day := _years_later(document.date, years)) <= end:
                again.append(document._replace(date=day))
                years += 1
    return _tiers.Ledger([*documents, *again])


def _years_later(day, years):
    """Return the same day so many years later; quicker than adding months, for there are millions of them."""
    if day.month == 2 and day.day == 29:
        return _tiers.add_months(day, 12 * years)
    return day.replace(year=day.year + years)


def _start(state, ledger, present, as_of, today):
    """Return the own tier on the eve of the other rules.

    From today on it is the stored one, brought up to that day. For an earlier day it is made anew from the enrolment:
    what is stored has seen what came later.
    """
    eve = as_of - _tiers.ONE_DAY
    own = replace(state, floor=None, floor_since=None, floor_until=None)
    if as_of >= today:
        return _tiers.advance(own, ledger, present, eve)[0]
    if state.enrolled_on > eve:
        return _tiers.State()
    anew, _moves = _tiers.enrol(_tiers.State(), ledger, present, state.enrolled_on)
    return _tiers.advance(anew, ledger, present, eve)[0]


def _differ_since(now, new):
    """Return the day from which two ways differ to their ends."""
    since = None
    days = {now.as_of, *(move.day for way in (now, new) for move in way.engine.moves)}
    for day in sorted(days):
        if now.tier_on(day) == new.tier_on(day):
            since = None
        elif since is None:
            since = day
    return since


def _seen_on(state, rules, now, new, day):
    """Return the day on which a difference can be seen: not while staff's tier is as good as both."""
    if state.floor_until and state.floor_until > day:
        floor = rules.level(state.floor)
        if floor >= max(rules.level(now.tier), rules.level(new.tier)):
            return state.floor_until
    return day


def _measure(now, new, day):
    """Return what the other rules count for what they decide, or for what they do not grant."""
    engine = new.engine
    move = new.move_on(day)
    if move and move.measure:
        return move.measure
    level = max(engine.rules.level(now.tier), engine.rules.level(new.tier))
    return engine.entry(engine.rules.tiers[level], day)
