"""How a member gets, keeps and loses a tier (docs/tiers.md): plain functions without the ORM.

Money is in whole units of the smallest coin, so that nothing is rounded. The same functions serve the nightly run, one
member, an explanation and a preview: whatever rules and day they are given. Days of windows are both included.
"""

import bisect
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate

from ._tier_rules import (
    ONE_DAY,
    Document,
    Measure,
    Move,
    Notice,
    Rules,
    Shown,
    State,
    Tier,
    Version,
    add_months,
    anniversary,
    entry_window,
    keep_window,
    shown,
    valid_until,
    year_start,
)

__all__ = [
    'ONE_DAY',
    'Document',
    'Measure',
    'Move',
    'Notice',
    'Rules',
    'Shown',
    'State',
    'Tier',
    'Version',
    'add_months',
    'anniversary',
    'entry_window',
    'keep_window',
    'shown',
    'valid_until',
    'year_start',
    'WARNING_STAGES',
    'Ledger',
    'Engine',
    'advance',
    'enrol',
    'leave',
    'override',
    'end_override',
    'rule_change',
    'warning',
    'warning_stage',
    'next_on',
]

#: Days before the end of a tier on which a member who would lose it is warned.
WARNING_STAGES = (60, 30, 7)


class Ledger:
    """A member's documents in order of time with running totals: each window costs two look-ups."""

    def __init__(self, documents):
        ordered = sorted(documents, key=lambda document: document.date)
        self.documents = ordered
        self.days = [document.date for document in ordered]
        self.amounts = [0, *accumulate(document.amount for document in ordered)]
        self.counts = [0, *accumulate(bool(document.counts) for document in ordered)]

    def totals(self, start, end):
        """Return ``(amount, count)`` of the documents from a day (None: the beginning) to a day."""
        first = bisect.bisect_left(self.days, start) if start else 0
        last = max(bisect.bisect_right(self.days, end), first)
        return self.amounts[last] - self.amounts[first], self.counts[last] - self.counts[first]

    def next_day(self, day):
        """Return the day of the first document after a day, or None."""
        place = bisect.bisect_right(self.days, day)
        return self.days[place] if place < len(self.days) else None

    def first_counted(self):
        """Return the day of the first document that counts as a purchase, or None."""
        return next((item.date for item in self.documents if item.counts), None)


def ledger_of(documents):
    """Return the documents as a ledger, made once."""
    return documents if isinstance(documents, Ledger) else Ledger(documents)


class Engine:
    """A member on the way from the day last looked at to another day."""

    def __init__(self, state, documents, rules):
        self.state = state
        self.ledger = ledger_of(documents)
        self.rules = rules
        self.moves = []

    # --- measures

    def measure(self, start, end, version, keep=False):
        """Return what the documents of a window add up to, beside the thresholds of a version."""
        return Measure(start, end, *self.ledger.totals(start, end), version, keep)

    def entry(self, tier, day):
        """Return the measure of the entry window on a day for a tier."""
        start, end = entry_window(self.rules, self.state.enrolled_on, day)
        return self.measure(start, end, tier.version(day))

    def highest(self, day, version_day=None):
        """Return ``(level, measure)`` of the highest tier that the entry window on a day reaches.

        :param version_day: the day whose thresholds count; default: the same
        """
        start, end = entry_window(self.rules, self.state.enrolled_on, day)
        amount, count = self.ledger.totals(start, end)
        for level in range(len(self.rules.tiers) - 1, 0, -1):
            version = self.rules.tiers[level].version(version_day or day)
            if version is None:
                continue
            measure = Measure(start, end, amount, count, version)
            if measure.reaches(self.rules.criteria):
                return level, measure
        return 0, Measure(start, end, amount, count)

    def keeping(self, last):
        """Return the measure of the keep window of the own tier, up to a day, by the version on the validity's end."""
        state = self.state
        tier = self.rules.tiers[self.rules.level(state.tier)]
        reached = state.taken_on == state.since
        start, end = keep_window(self.rules, state.since, state.until, last, reached)
        return self.measure(start, end, tier.version(state.until), keep=True)

    # --- changes

    def shown(self):
        """Return what the member sees."""
        return shown(self.state, self.rules)

    def hold(self, day, cause, level, measure, since=None, taken_on=None):
        """Have the member hold a tier of his own from a day on, with a full validity, and note it."""
        since = since or day
        before = self.shown().tier
        until = (
            valid_until(self.rules, self.state.enrolled_on, since, renewed=cause == 'renewal')
            if level
            else None
        )
        if cause == 'upgrade' and until and self.state.until:
            until = max(until, self.state.until)  # granted by settings of before
        self.state = replace(
            self.state,
            tier=self.rules.tiers[level].key,
            since=since,
            until=until,
            grace_until=None,
            taken_on=self.state.taken_on if cause == 'renewal' else taken_on,
        )
        self.note(day, cause, before, measure)

    def note(self, day, cause, before, measure):
        """Note what happened, unless nobody sees it because staff gave a tier that is as good."""
        after = self.shown()
        if after.tier != before or not after.given:
            self.moves.append(Move(day, cause, before, after.tier, measure))

    def enrol(self, day):
        """Make a member, with the lowest tier; the day is looked at by whoever calls."""
        self.state = State(enrolled_on=day, looked_on=day)
        self.hold(day, 'entry', 0, None)

    # --- a day

    def look(self, day):
        """Look at a day: what can change on it, in the order of the rules."""
        self.state = replace(self.state, looked_on=day)
        if self.state.floor_until and day >= self.state.floor_until:
            self.end_floor(day)
        level, measure = self.highest(day)
        held = self.rules.level(self.state.tier)
        if level > held:
            self.hold(day, 'upgrade', level, measure, taken_on=day)
            return
        if held <= 0 or not self.state.until:
            return
        if not self.state.grace_until and day >= self.state.until:
            self.end_validity(day)
        if self.state.grace_until:
            self.look_in_grace(day, level, measure)

    def end_validity(self, day):
        """At the end of the validity: renew the tier, or let grace begin."""
        until = self.state.until
        measure = self.keeping(until - ONE_DAY)
        if measure.reaches(self.rules.criteria):
            self.hold(day, 'renewal', self.rules.level(self.state.tier), measure, since=until)
        else:
            grace_until = until + timedelta(days=self.rules.grace)
            self.state = replace(self.state, grace_until=grace_until)

    def look_in_grace(self, day, reached, measure):
        """In grace: renew the tier when the threshold is reached in time; at its end the member falls."""
        held = self.rules.level(self.state.tier)
        if day < self.state.grace_until:
            keeping = self.keeping(day)
            if keeping.reaches(self.rules.criteria):
                self.hold(day, 'renewal', held, keeping)
            return
        if reached == held:  # it would be taken again on the same day
            self.hold(day, 'renewal', held, measure)
            return
        target = reached
        if self.rules.drop == 'one_down':
            target = max(reached, self.next_lower(held, day))
        self.hold(day, 'downgrade', target, self.keeping(day))

    def next_lower(self, level, day):
        """Return the level of the next lower tier that there is on a day."""
        return next(
            (
                lower
                for lower in range(level - 1, 0, -1)
                if self.rules.tiers[lower].version(day) is not None
            ),
            0,
        )

    def end_floor(self, day):
        """The tier that staff gave ends: the own one shows again, with its own validity."""
        before = self.shown().tier
        self.state = replace(self.state, floor=None, floor_since=None, floor_until=None)
        after = self.shown().tier
        if after != before:
            measure = self.highest(day)[1]
            self.moves.append(Move(day, 'override_end', before, after, measure))

    def give(self, day, tier, until):
        """Staff give a tier from a day until another one."""
        before = self.shown().tier
        self.state = replace(self.state, floor=tier, floor_since=day, floor_until=until)
        after = self.shown().tier
        self.moves.append(Move(day, 'override', before, after, self.highest(day)[1]))

    def take_back(self, day):
        """Strict: a tier that its documents no longer reach is lost on the day that this is noticed.

        :return: whether it was
        """
        state = self.state
        if not self.rules.strict or not state.taken_on:
            return False
        if self.rules.settled and state.taken_on <= self.rules.settled <= day:
            return False  # reached by other rules, which granted it
        # Thresholds may have begun in the middle of the day: those of its eve may have granted the tier.
        level, measure = max(
            self.highest(state.taken_on),
            self.highest(state.taken_on, state.taken_on - ONE_DAY),
            key=lambda found: found[0],
        )
        if level >= self.rules.level(state.tier):
            return False
        self.hold(day, 'return', level, measure)
        return True

    # --- the way

    def next_event(self, after):
        """Return the first day after a day on which something can change, or None."""
        state = self.state
        days = [self.ledger.next_day(after), state.grace_until or state.until, state.floor_until]
        return min((day for day in days if day and day > after), default=None)

    def run(self, until_day):
        """Look at all days up to a day: the last one again, for documents that came late, then those that follow."""
        state = self.state
        if state.left:
            return
        if state.enrolled_on is None:
            first = self.ledger.first_counted() if self.rules.automatic else None
            if first is None:
                return
            day = max(first, self.rules.start or first)
            if day > until_day:
                return
            self.enrol(day)
        day = self.state.looked_on
        # What was looked at by other settings is not looked at again by these: the day of the run is, instead.
        is_new = self.rules.settled and day < self.rules.settled <= until_day
        if is_new:
            day = self.next_event(day)
        while day and day <= until_day:
            if day == until_day:
                self.take_back(day)
            self.look(day)
            day = self.next_event(day)
        if is_new and self.state.looked_on < until_day:
            self.look(until_day)
        if self.state.looked_on < until_day and self.take_back(until_day):
            self.look(until_day)


def advance(state, documents, rules, until_day):
    """Bring a member from the day last looked at to a day.

    :param State state: as it was left the last time; ``State()`` for somebody who is no member yet
    :param documents: all documents that are known (``Document`` or a ``Ledger``), also those after the day
    :param Rules rules: any rules; a preview gives other ones
    :return: ``(state, moves)``; the same again with the same documents changes nothing
    """
    engine = Engine(state, documents, rules)
    if rules.tiers:
        engine.run(until_day)
    return engine.state, engine.moves


def enrol(state, documents, rules, day):
    """Make somebody a member on a day, also again; who is one already stays as he is."""
    engine = Engine(state, documents, rules)
    if rules.tiers and (state.enrolled_on is None or state.left):
        engine.enrol(day)
        engine.look(day)
    return engine.state, engine.moves


def leave(state, rules, day):
    """Have a member leave on a day: without tier from that day."""
    if state.left or state.enrolled_on is None:
        return state, []
    gone = State(enrolled_on=state.enrolled_on, left=True, looked_on=day)
    return gone, [Move(day, 'leave', shown(state, rules).tier, None)]


def override(state, documents, rules, day, tier, until):
    """Give a member a tier as a floor until a day, after all else of this day; an earlier one ends first."""
    engine = _looked_at(state, documents, rules, day)
    engine.end_floor(day)
    engine.give(day, tier, until)
    return engine.state, engine.moves


def end_override(state, documents, rules, day):
    """End what staff gave, on a day before its end."""
    if not state.floor_until:
        return advance(state, documents, rules, day)
    engine = _looked_at(state, documents, rules, day)
    engine.end_floor(day)
    return engine.state, engine.moves


def rule_change(state, documents, before, rules, day):
    """Bring a member to a day and look at that day whatever happens on it, because the rules are other ones from now on.

    What the rules of before would not have done on this day has the cause *rule_change*. A fall has its own cause: it
    comes with the end of grace, which the rules of before had granted.

    :param Rules before: as they were, to tell what comes of the change
    """
    if state.enrolled_on is None or state.left:
        return state, []
    usual = {
        (move.day, move.cause, move.target) for move in advance(state, documents, before, day)[1]
    }
    engine = _looked_at(state, documents, rules, day)
    moves = [
        replace(move, cause='rule_change')
        if move.day == day
        and move.cause in ('upgrade', 'renewal')
        and (move.day, move.cause, move.target) not in usual
        else move
        for move in engine.moves
    ]
    return engine.state, moves


def _looked_at(state, documents, rules, day):
    """Return an engine with all days up to a day, and that day itself, looked at."""
    engine = Engine(state, documents, rules)
    engine.run(day)
    if engine.state.looked_on < day:
        engine.look(day)
    return engine


def warning(state, documents, rules, day):
    """Return the ``Notice`` for a member who will lose the tier soon, by what is known on a day, or None."""
    stage = warning_stage(state, rules, day)
    if stage is None:
        return None
    measure = Engine(state, documents, rules).keeping(day)
    if measure.reaches(rules.criteria):
        return None
    return Notice(stage, state.until - ONE_DAY, measure)


def warning_stage(state, rules, day):
    """Return the last of the stages of warning that a day has passed before the validity's end, or None."""
    if state.left or shown(state, rules).given or state.grace_until:
        return None
    if not state.until or day >= state.until:
        return None
    return min(
        (stage for stage in WARNING_STAGES if state.until - timedelta(days=stage) <= day),
        default=None,
    )


def next_on(state, documents, rules, day):
    """Return the next day after a day on which something happens to a member by time, or None."""
    if state.left:
        return None
    if state.enrolled_on is None:
        return None
    days = [Engine(state, documents, rules).next_event(day)]
    if state.until and not state.grace_until and not shown(state, rules).given:
        days += [state.until - timedelta(days=stage) for stage in WARNING_STAGES]
    return min((item for item in days if item and item > day), default=None)
