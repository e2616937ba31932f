"""The three targets of a ticket, derived from what happened to it (R-svc C.1), in plain Python without the ORM.

What happens is told in order: ``move`` (the ticket enters a category of stage) and ``contact`` (a message that customer
and agent both see). ``replay`` tells it from the log; whoever keeps ``Clock.state()`` goes on from there, with the same
result. Instants are seconds, see ``_worktime``.

- *first*: from the start to the first public message of an agent. Nothing pauses it. Solving answers, too.
- *next*: a cycle for the oldest customer message that nobody has answered since the first answer, up to the next public
  message of an agent. Nothing pauses it. A message on a solved ticket asks from the reopening on.
- *solve*: from the start to solved. Pauses while waiting for the customer, but only if the last message is ours: the
  customer's message ends the pause at its own time. Time between solved and reopened does not count.

Waiting for a supplier pauses nothing. Time in a cancelled state counts for nothing: all targets are void meanwhile.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

#: Categories of stages in which the ticket is worked on, in which it is finished, and in which it never was one.
RUNNING = frozenset(('new', 'open', 'on_hold'))
WAITING = 'waiting'
STOPPED = frozenset(('solved', 'archived'))
VOID = 'cancelled'
KINDS = ('first', 'next', 'solve')


class Terms(NamedTuple):
    """What a policy grants for a kind of target."""

    seconds: int
    #: ``WorkTime`` or ``Wall``
    work: Any
    #: At most so many seconds day and night from the start, whatever the working hours say.
    cap: int | None = None
    #: ``_escalation.Ladder``: what is reached when
    ladder: Any = None


@dataclass(slots=True)
class Target:
    """One target, cycle for cycle. ``used`` is what had been used up at ``since``, or when it stopped."""

    kind: str
    cycle: int
    start: int
    seconds: int
    used: int = 0
    #: Runs since then; None while it is paused and when it was met.
    since: int | None = None
    #: When it breaks if nothing happens; unknown (None) while it is paused, and final once it broke or was met.
    deadline: int | None = None
    met_at: int | None = None
    breached: bool = False

    def settle(self, at):
        """Break for good when the deadline has passed."""
        if self.met_at is None and self.deadline is not None and at > self.deadline:
            self.breached = True

    def run(self, at, terms):
        """Go on from ``at``."""
        if self.since is not None:
            return
        self.since = at
        if self.breached:
            return
        # what was used up in a second before keeps its deadline
        if self.used < self.seconds or self.deadline is None:
            self.deadline = terms.work.add(at, self.seconds - self.used)
            if terms.cap is not None:
                self.deadline = min(self.deadline, self.start + terms.cap)

    def used_at(self, at, terms):
        """Return the seconds that have been used up; more than there are when it broke."""
        if self.since is None:
            return self.used
        return self.used + terms.work.between(self.since, at)

    def pause(self, at, terms):
        """Stop counting; the deadline is unknown until it goes on. At the deadline itself there is nothing to keep."""
        if self.since is None or self.met_at is not None:
            return
        self.used = self.used_at(at, terms)
        self.since = None
        if self.used < self.seconds and not self.breached:
            self.deadline = None

    def meet(self, at, terms):
        """Be done at ``at``, in time or not."""
        if self.met_at is not None:
            return
        self.run(at, terms)
        self.used = self.used_at(at, terms)
        self.since = None
        self.met_at = at

    def reopen(self, at, terms):
        """Go on with what was left."""
        self.met_at = None
        self.run(at, terms)

    def reached(self, share, terms):
        """Return when this share of the time is used up, if the target goes on; None while it does not run."""
        if self.since is None:
            return None
        at = terms.work.add(self.since, int(self.seconds * share) - self.used)
        return min(at, self.deadline)


class Clock:
    """The targets of one ticket.

    :param terms: ``{kind: Terms}``; a kind that is missing has no target
    :param answered: a person answered on the spot: counter and telephone
    """

    def __init__(self, terms, opened_at, category='new', answered=False):
        self.terms = terms
        self.opened_at = opened_at
        self.at = opened_at
        self.category = 'new'
        self.answered = answered
        #: The last public message is ours. A conversation at the counter counts as one.
        self.is_ours = answered
        #: A customer wrote while the ticket was finished.
        self.is_asked = False
        self.targets = []
        self._open('first', 1, opened_at)
        self._open('solve', 1, opened_at)
        if answered:
            self._meet('first', opened_at)
        if category != 'new':
            self.move(opened_at, category)

    # What is to be kept of a clock, to go on without its log; and back.

    def state(self):
        """Return all there is to keep, as plain values."""
        names = ('opened_at', 'at', 'category', 'answered', 'is_ours', 'is_asked')
        return {
            **{name: getattr(self, name) for name in names},
            'targets': [asdict(target) for target in self.targets],
        }

    @classmethod
    def restore(cls, terms, state):
        """Return the clock of which ``state`` was kept."""
        clock = cls.__new__(cls)
        clock.terms = terms
        for name, value in state.items():
            setattr(clock, name, value)
        clock.targets = [Target(**values) for values in state['targets']]
        return clock

    def _open(self, kind, cycle, at):
        terms = self.terms.get(kind)
        if terms:
            target = Target(kind, cycle, at, terms.seconds)
            self.targets.append(target)
            target.run(at, terms)

    def _of(self, kind):
        return [target for target in self.targets if target.kind == kind]

    def _meet(self, kind, at):
        for target in self._of(kind):
            target.meet(at, self.terms[kind])

    def _cycle(self, at):
        """Begin a cycle of answers, unless one is open."""
        self.is_asked = False
        cycles = self._of('next')
        if not any(target.met_at is None for target in cycles):
            self._open('next', len(cycles) + 1, at)

    # What happens.

    def follows(self, at):
        """Return whether what happened at ``at`` may be told now; what comes too late needs the log.

        Too late is what is not after the last event, and what comes before a deadline that was taken for missed since.
        """
        return at > self.at and not any(
            target.breached and target.met_at is None and target.deadline >= at
            for target in self.targets
        )

    def settle(self, now):
        """Break what should have been done before ``now``."""
        for target in self.targets:
            target.settle(now)

    def move(self, at, category):
        """Enter a category of stage."""
        self.settle(at)
        self.at = at
        before, self.category = self.category, category
        if category in STOPPED:
            self.answered = True
            self.is_asked = False
            for kind in self.terms:
                self._meet(kind, at)
        elif category == VOID:
            for target in self.targets:
                target.pause(at, self.terms[target.kind])
        else:
            if before in STOPPED or before == VOID:
                self._resume(at)
            self._run_or_pause(at)

    def _resume(self, at):
        """Go on after solved or cancelled. Answers that were given stay given."""
        for target in self.targets:
            terms = self.terms[target.kind]
            if target.kind == 'solve':
                target.reopen(at, terms)
            elif target.met_at is None:
                target.run(at, terms)
        if self.is_asked and self.answered:
            self._cycle(at)

    def _run_or_pause(self, at):
        """Run or pause what pauses, as category and last message say."""
        for target in self._of('solve'):
            if self.category == WAITING and self.is_ours:
                target.pause(at, self.terms['solve'])
            else:
                target.run(at, self.terms['solve'])

    def contact(self, at, by_agent):
        """Take note of a message that customer and agent both see."""
        self.settle(at)
        self.at = at
        self.is_ours = by_agent
        idle = self.category in STOPPED or self.category == VOID
        if by_agent:
            self.answered = True
            self.is_asked = False
            self._meet('first', at)
            self._meet('next', at)
        elif idle:
            self.is_asked = True
        elif self.answered:
            self._cycle(at)
        if not idle:
            self._run_or_pause(at)

    def status(self, target):
        """Return the state of a target: void, breached, met, paused or running."""
        if self.category == VOID:
            return 'void'
        if target.breached:
            return 'breached'
        if target.met_at is not None:
            return 'met'
        return 'paused' if target.deadline is None else 'running'


def replay(terms, opened_at, moves, contacts, category='new', answered=False):
    """Return the clock of a log.

    Whatever is logged before the start counts as of the start. What happened in one second is told in a fixed order:
    stages, then messages, each in the order of the log.

    :param moves: ``[(instant, category)]``
    :param contacts: ``[(instant, by_agent)]``
    """
    clock = Clock(terms, opened_at, category, answered)
    events = [(max(at, opened_at), 0, clock.move, value) for at, value in moves]
    events += [(max(at, opened_at), 1, clock.contact, value) for at, value in contacts]
    for at, _order, tell, value in sorted(events, key=lambda event: event[:2]):
        tell(at, value)
    return clock
