"""The arithmetic of working time and of the three targets of a ticket, without the ORM."""

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from odoo.tests import BaseCase, tagged

from odoo.addons.retail_crm.models.service._clock import Clock, Terms, replay
from odoo.addons.retail_crm.models.service._worktime import (
    MAX_PIECES,
    PIECE,
    Piece,
    Wall,
    WorkTime,
)

HOUR = 3600
#: Name: zone, hours by weekday, holidays, days worked as another weekday, first days of windows (clocks change there).
CALENDARS = {
    'berlin': (
        'Europe/Berlin',
        {day: ((9, 12), (13.5, 18)) for day in range(5)},
        {date(2026, 10, 26)},
        {date(2026, 3, 28): 0},
        (date(2026, 3, 27), date(2026, 10, 23)),
    ),
    'new_york': (
        'America/New_York',
        {day: ((0, 4), (10, 22)) for day in range(7)},
        set(),
        {},
        (date(2026, 3, 6), date(2026, 10, 30)),
    ),
    'shanghai': (
        'Asia/Shanghai',
        {day: ((9, 12), (13.5, 18)) for day in range(5)},
        {date(2026, 10, 1), date(2026, 10, 2)},
        {date(2026, 9, 27): 3, date(2026, 10, 10): 4},
        (date(2026, 9, 25), date(2026, 9, 30), date(2026, 10, 9)),
    ),
    'lord_howe': (
        'Australia/Lord_Howe',
        {day: ((0, 4), (20, 24)) for day in (0, 2, 4, 5, 6)},
        {date(2026, 4, 6)},
        {date(2026, 10, 6): 6},
        (date(2026, 4, 3), date(2026, 10, 2)),
    ),
    'wall': ('UTC', {day: ((0, 24),) for day in range(7)}, set(), {}, (date(2026, 1, 1),)),
}
CATEGORIES = ('open', 'waiting', 'waiting', 'on_hold', 'solved', 'archived', 'cancelled', 'new')


def utc(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def working_intervals(name, first, last):
    """Return the work of a calendar on days of its zone, as instants."""
    zone, week, holidays, makeups, _windows = CALENDARS[name]
    result = []
    day = first
    while day <= last:
        if day not in holidays:
            for start, stop in week.get(makeups.get(day, day.weekday()), ()):
                result.append(tuple(local_instant(day, hour, zone) for hour in (start, stop)))
        day += timedelta(days=1)
    return result


def local_instant(day, hour, zone):
    midnight = datetime.combine(day + timedelta(days=int(hour // 24)), time())
    return int((midnight + timedelta(hours=hour % 24)).replace(tzinfo=ZoneInfo(zone)).timestamp())


def work_of(name):
    if name == 'wall':
        return Wall()
    intervals = working_intervals(name, date(2025, 6, 1), date(2027, 6, 1))

    @cache
    def piece(number):
        low, high = number * PIECE, (number + 1) * PIECE
        inside = [(max(start, low), min(stop, high)) for start, stop in intervals]
        return Piece([(start, stop) for start, stop in inside if start < stop])

    return WorkTime(piece)


@cache
def is_open(name, at):
    """Return whether a calendar is open at an instant, by looking at the clock on its wall."""
    zone, week, holidays, makeups, _windows = CALENDARS[name]
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    if local.date() in holidays:
        return False
    hour = local.hour + local.minute / 60
    hours = week.get(makeups.get(local.date(), local.weekday()), ())
    return any(start <= hour < stop for start, stop in hours)


class Oracle:
    """What the targets must be, found by walking through time in steps. Knows nothing of plans or of pauses undone."""

    def __init__(self, terms, opened, answered, events, end, step):
        self.terms, self.step = terms, step
        self.category, self.answered, self.ours, self.asked = 'new', answered, answered, False
        self.targets = {}
        for kind in ('first', 'solve'):
            self.start(kind, 1, opened)
        if answered:
            self.finish('first', opened)
        at = opened
        events = sorted(events, key=lambda event: event[:2])
        while True:
            while events and events[0][0] <= at:
                self.tell(at, *events.pop(0)[2:])
            self.check(at)
            if at >= end:
                break
            self.walk(at)
            at += step
        self.end = at

    def start(self, kind, cycle, at):
        if kind in self.terms:
            self.targets[kind, cycle] = {'used': 0, 'met': None, 'due': None, 'broken': False}

    def finish(self, kind, at):
        for (name, _cycle), target in self.targets.items():
            if name == kind and target['met'] is None:
                target['met'] = at

    def tell(self, at, what, value):
        self.check(at)
        finished = ('solved', 'archived')
        if what == 'message':
            self.ours = value
            if value:
                self.answered, self.asked = True, False
                self.finish('first', at)
                self.finish('next', at)
            elif self.category in (*finished, 'cancelled'):
                self.asked = True
            elif self.answered:
                self.ask(at)
            return
        before, self.category = self.category, value
        if value in finished:
            self.answered, self.asked = True, False
            for kind in self.terms:
                self.finish(kind, at)
        elif value != 'cancelled' and before in (*finished, 'cancelled'):
            if target := self.targets.get(('solve', 1)):
                target['met'] = None
            if self.asked and self.answered:
                self.ask(at)

    def ask(self, at):
        self.asked = False
        cycles = [target for (kind, _cycle), target in self.targets.items() if kind == 'next']
        if all(target['met'] is not None for target in cycles):
            self.start('next', len(cycles) + 1, at)

    def ticks(self, kind, target):
        if target['met'] is not None or self.category in ('solved', 'archived', 'cancelled'):
            return False
        return not (kind == 'solve' and self.category == 'waiting' and self.ours)

    def walk(self, at):
        for (kind, _cycle), target in self.targets.items():
            seconds, calendar = self.terms[kind]
            if self.ticks(kind, target) and is_open(calendar, at):
                target['used'] += self.step
                if target['used'] == seconds:
                    target['due'] = at + self.step

    def check(self, at):
        for target in self.targets.values():
            if target['met'] is None and target['due'] is not None and at > target['due']:
                target['broken'] = True

    def verdicts(self):
        """Return ``{(kind, cycle): (state, met at, used, deadline)}`` as of the end."""
        result = {}
        for (kind, cycle), target in self.targets.items():
            seconds, calendar = self.terms[kind]
            runs = self.ticks(kind, target) or target['due'] is not None
            if self.category == 'cancelled':
                result[kind, cycle] = ('void', target['met'], None, None)
                continue
            if target['broken']:
                state = 'breached'
            elif target['met'] is not None:
                state = 'met'
            else:
                state = 'running' if runs else 'paused'
            due, used, at = target['due'], target['used'], target['met'] or self.end
            while due is None and state != 'paused':
                if is_open(calendar, at):
                    used += self.step
                    due = at + self.step if used == seconds else None
                at += self.step
            result[kind, cycle] = (state, target['met'], target['used'], due)
        return result


@tagged('post_install', '-at_install', 'retail_crm', 'any_data')
class TestServiceClock(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = {name: work_of(name) for name in CALENDARS}

    def _clock(self, events=(), first=1, following=1, solve=2, work=None, **options):
        """Return the clock of a ticket opened on a Monday at 10:00 (day and night unless said otherwise)."""
        work = work or Wall()
        terms = {
            kind: Terms(int(hours * HOUR), work)
            for kind, hours in (('first', first), ('next', following), ('solve', solve))
            if hours
        }
        start = utc('2026-06-01T10:00')
        moves, contacts = [], []
        for hour, what in events:
            at = start + int(hour * HOUR)
            if what in ('ours', 'theirs'):
                contacts.append((at, what == 'ours'))
            else:
                moves.append((at, what))
        clock = replay(terms, start, moves, contacts, **options)
        return clock, {target.kind: target for target in clock.targets}, start

    def _history(self, rng, number):
        """Return the parts of a random history: calendars, terms, start, answered, events, end, step."""
        names = list(CALENDARS)
        name = names[number % len(names)]
        # one in a hundred goes by single minutes
        step = 60 if number % 100 == 7 else 1800
        window = rng.choice(CALENDARS[name][4])
        opened = local_instant(window, 12, CALENDARS[name][0])
        opened += rng.randrange(36 * HOUR // step) * step
        length = 6 if step == 60 else rng.choice((6, 24, 72, 96))
        steps = length * HOUR // step
        scale = {60: (1, 240), 1800: (1, 40)}[step]
        plan = {
            'first': (rng.randint(*scale) * step, name),
            'next': (rng.randint(*scale) * step, name),
            'solve': (rng.randint(*scale) * step, rng.choice((name, name, 'wall'))),
        }
        if rng.random() < 0.1:
            del plan[rng.choice(list(plan))]
        events = []
        for place in range(rng.randrange(11)):
            at = opened + rng.randrange(steps) * step
            if rng.random() < 0.5:
                events.append((at, 1, 'message', rng.random() < 0.5, place))
            else:
                events.append((at, 0, 'stage', rng.choice(CATEGORIES), place))
        # one second: stages, then messages, each in the order of the log
        events.sort(key=lambda event: (event[0], event[1], event[4]))
        events = [event[:4] for event in events]
        return plan, opened, rng.random() < 0.2, events, opened + steps * step, step

    def _replay(self, terms, opened, answered, events):
        moves = [(at, value) for at, _order, what, value in events if what == 'stage']
        contacts = [(at, value) for at, _order, what, value in events if what == 'message']
        return replay(terms, opened, moves, contacts, answered=answered)

    def _verdicts(self, clock, end):
        result = {}
        for target in clock.targets:
            state = clock.status(target)
            if state == 'void':
                values = ('void', target.met_at, None, None)
            else:
                used = target.used_at(end, clock.terms[target.kind])
                values = (state, target.met_at, used, target.deadline)
            result[target.kind, target.cycle] = values
        return result

    def test_incremental_recomputed_and_walked_are_one(self):
        """10,000 random histories: event by event, from the log, and by walking through time (R-svc C.1, E 4)."""
        rng = random.Random(20260607)
        states, told = {}, 0
        for number in range(10_000):
            plan, opened, answered, events, end, step = self._history(rng, number)
            terms = {
                kind: Terms(seconds, self.work[name]) for kind, (seconds, name) in plan.items()
            }
            step_by_step = Clock(terms, opened, answered=answered)
            for place, (at, _order, what, value) in enumerate(events):
                # as a row in the database: only what is kept of it goes on
                step_by_step = Clock.restore(terms, step_by_step.state())
                if rng.random() < 0.3:
                    # somebody looks before the event, or before he hears of it
                    step_by_step.settle(rng.randint(step_by_step.at, at + 20 * step))
                if step_by_step.follows(at):
                    (step_by_step.move if what == 'stage' else step_by_step.contact)(at, value)
                    told += 1
                else:
                    step_by_step = self._replay(terms, opened, answered, events[: place + 1])
            rng.shuffle(instants := list({event[0] for event in events}))
            # the log need not be sorted, but for what happened in one second
            unsorted = [event for at in instants for event in events if event[0] == at]
            from_log = self._replay(terms, opened, answered, unsorted)
            for clock in (step_by_step, from_log):
                clock.settle(end)
            self.assertEqual(step_by_step.state(), from_log.state(), number)
            expected = Oracle(plan, opened, answered, events, end, step).verdicts()
            self.assertEqual(self._verdicts(from_log, end), expected, number)
            for state, *_rest in expected.values():
                states[state] = states.get(state, 0) + 1
        # the histories reach what they are about
        for state in ('void', 'running', 'paused', 'met', 'breached'):
            self.assertGreater(states[state], 400, state)
        self.assertGreater(told, 20_000)

    def test_hold_then_solved_is_met(self):
        """Two hours, one of work, waiting four hours, solved on the answer: met, and it stays so (R-svc D.1-2)."""
        events = [(0.5, 'ours'), (1, 'waiting'), (5, 'solved')]
        clock, targets, start = self._clock(events)
        clock.settle(start + 100 * HOUR)
        self.assertEqual(clock.status(targets['solve']), 'met')
        self.assertEqual(targets['solve'].used, HOUR)

    def test_no_deadline_while_paused(self):
        """An open pause has no deadline but what is left; no warning is due either (R-svc C.1, C.2)."""
        clock, targets, start = self._clock([(0.5, 'ours'), (1, 'waiting')])
        clock.settle(start + 100 * HOUR)
        solve = targets['solve']
        self.assertEqual((clock.status(solve), solve.deadline), ('paused', None))
        self.assertEqual(solve.used_at(start + 50 * HOUR, clock.terms['solve']), HOUR)
        self.assertIsNone(solve.reached(0.75, clock.terms['solve']))

    def test_waiting_for_others_pauses_nothing(self):
        """Waiting for a supplier is our time (R-svc C.1 resolution)."""
        clock, targets, start = self._clock([(0.5, 'ours'), (1, 'on_hold'), (5, 'open')])
        self.assertEqual(clock.status(targets['solve']), 'breached')
        self.assertEqual(targets['solve'].deadline, start + 2 * HOUR)

    def test_pause_needs_an_answer_first(self):
        """Waiting without a word to the customer pauses nothing; his word ends the pause when it came (anti-gaming)."""
        clock, targets, _start = self._clock([(1, 'waiting'), (5, 'open')])
        self.assertEqual(clock.status(targets['solve']), 'breached')
        # the message came at hour 3, the stage is moved at hour 9
        clock, targets, start = self._clock(
            [(0.5, 'ours'), (1, 'waiting'), (3, 'theirs'), (9, 'open')]
        )
        self.assertEqual(targets['solve'].deadline, start + 4 * HOUR)
        self.assertEqual(clock.status(targets['solve']), 'breached')

    def test_late_is_missed_for_ever(self):
        """Met late is missed, also after a pause or a reopening (sticky, R-svc C.1)."""
        clock, targets, _start = self._clock([(3, 'ours'), (4, 'solved'), (5, 'open')])
        self.assertEqual(clock.status(targets['first']), 'breached')
        self.assertEqual(clock.status(targets['solve']), 'breached')
        self.assertIsNone(targets['solve'].met_at)

    def test_deadline_itself_is_in_time(self):
        """Done at the deadline is met, a second later is not (R-svc C.1 status)."""
        clock, targets, _start = self._clock([(1, 'ours'), (2, 'solved')])
        self.assertEqual(
            {kind: clock.status(targets[kind]) for kind in targets},
            {'first': 'met', 'solve': 'met'},
        )
        clock, targets, _start = self._clock([(2 + 1 / HOUR, 'solved')])
        self.assertEqual(clock.status(targets['solve']), 'breached')

    def test_answer_that_is_heard_of_late(self):
        """An answer before the deadline that is told after it was in time: the log decides (C.1)."""
        clock, _targets, start = self._clock()
        self.assertTrue(clock.follows(start + 1))
        clock.settle(start + 2 * HOUR)
        self.assertFalse(clock.follows(start + HOUR))
        self.assertTrue(clock.follows(start + HOUR + 1))

    def test_reopened_goes_on_with_what_was_left(self):
        """Time between solved and reopened does not count; the first answer stays met (R-svc C.1 reopen)."""
        clock, targets, start = self._clock([(0.5, 'ours'), (1, 'solved'), (50, 'open')])
        self.assertEqual(clock.status(targets['first']), 'met')
        self.assertEqual(clock.status(targets['solve']), 'running')
        self.assertEqual(targets['solve'].deadline, start + 51 * HOUR)

    def test_cancelled_is_void(self):
        """Cancelled is no success, and neither counts the time until it is taken back (R-svc D.1-9)."""
        clock, targets, start = self._clock([(0.5, 'ours'), (1, 'cancelled')])
        clock.settle(start + 100 * HOUR)
        self.assertEqual({clock.status(target) for target in clock.targets}, {'void'})
        clock, targets, start = self._clock([(0.5, 'ours'), (1, 'cancelled'), (9, 'open')])
        self.assertEqual(clock.status(targets['first']), 'met')
        self.assertEqual(targets['solve'].deadline, start + 10 * HOUR)

    def test_each_unanswered_message_has_its_cycle(self):
        """The oldest unanswered message starts a cycle; each keeps its own result (R-svc C.1 next response)."""
        clock, _targets, start = self._clock(
            [
                (0.2, 'theirs'),  # before the first answer: that target covers it
                (0.5, 'ours'),
                (1, 'theirs'),
                (1.5, 'theirs'),
                (3, 'ours'),
                (4, 'theirs'),
                (4.5, 'ours'),
            ],
            solve=100,
        )
        cycles = [target for target in clock.targets if target.kind == 'next']
        self.assertEqual(
            [(target.start - start, clock.status(target)) for target in cycles],
            [(HOUR, 'breached'), (4 * HOUR, 'met')],
        )

    def test_thanks_after_solving_do_not_ask(self):
        """A message on a solved ticket starts nothing; a reopened ticket has it to answer (R-svc C.1)."""
        clock, targets, _start = self._clock([(0.5, 'ours'), (1, 'solved'), (2, 'theirs')])
        self.assertNotIn('next', targets)
        clock, targets, start = self._clock(
            [(0.5, 'ours'), (1, 'solved'), (2, 'theirs'), (3, 'open')]
        )
        self.assertEqual(targets['next'].start, start + 3 * HOUR)

    def test_answered_on_the_spot(self):
        """At the counter and on the telephone the first answer is there at once (design 5.3)."""
        clock, targets, start = self._clock([(1, 'waiting')], answered=True)
        self.assertEqual(clock.status(targets['first']), 'met')
        self.assertEqual(targets['first'].met_at, start)
        self.assertEqual(clock.status(targets['solve']), 'paused')

    def test_cap_in_clock_hours(self):
        """A cap holds day and night, whatever the working hours say (defaults 11, recovery)."""
        work = self.work['shanghai']
        start = utc('2026-09-30T09:00')  # two holidays and a weekend follow
        terms = {'first': Terms(8 * HOUR, work, 48 * HOUR)}
        self.assertEqual(Clock(terms, start).targets[0].deadline, start + 48 * HOUR)
        plain = Clock({'first': Terms(8 * HOUR, work)}, start).targets[0].deadline
        self.assertEqual(plain, utc('2026-10-05T09:30'))

    def test_warning_at_a_share(self):
        """A warning comes at its share of the working time, not of the time on the wall (R-svc C.2)."""
        start = utc('2026-06-01T00:00')  # Monday 08:00 in Shanghai
        terms = {'first': Terms(4 * HOUR, self.work['shanghai'])}
        target = Clock(terms, start).targets[0]
        self.assertEqual(target.reached(0.75, terms['first']), utc('2026-06-01T04:00'))
        self.assertEqual(target.deadline, utc('2026-06-01T06:30'))

    def test_work_over_split_shifts_and_changed_clocks(self):
        """Seconds and plans agree with looking at the wall clock, minute by minute (R-svc C.1 W)."""
        rng = random.Random(7)
        for name in CALENDARS:
            work = self.work[name]
            for window in CALENDARS[name][4]:
                start = local_instant(window, 12, CALENDARS[name][0]) + rng.randrange(600) * 60
                stop = start + rng.randrange(1, 60) * HOUR
                walked = sum(60 for at in range(start, stop, 60) if is_open(name, at))
                with self.subTest(calendar=name, window=window):
                    self.assertEqual(work.between(start, stop), walked)
                    self.assertEqual(work.between(stop, start), 0)
                    if walked:
                        planned = work.add(start, walked)
                        self.assertLessEqual(planned, stop)
                        self.assertEqual(work.between(start, planned), walked)
                        self.assertEqual(work.between(start, planned - 1), walked - 1)

    def test_no_work_ends(self):
        """A calendar in which nobody works answers all the same (R-svc D.1-5)."""
        work = WorkTime(lambda number: Piece([]))
        start = utc('2026-06-01T00:00')
        self.assertEqual(work.between(start, start + PIECE * 3), 0)
        self.assertGreater(work.add(start, HOUR), start + (MAX_PIECES - 1) * PIECE)
