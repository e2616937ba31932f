"""What the rules of tiers are made of: thresholds, settings, what is known of a member, and days (docs/tiers.md)."""

from collections import namedtuple
from dataclasses import dataclass
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

ONE_DAY = timedelta(days=1)


class Document(namedtuple('Document', 'date amount counts', defaults=(True,))):
    """A purchase: its day, its net amount in the smallest coin, and whether it counts as a purchase."""


@dataclass(frozen=True)
class Version:
    """Thresholds of a tier from a day on. 0: not used; to keep None: as to enter."""

    date_from: date
    amount: int = 0
    count: int = 0
    keep_amount: int | None = None
    keep_count: int | None = None
    id: int | None = None

    def thresholds(self, keep=False):
        """Return ``(amount, count)`` to enter or to keep."""
        if not keep:
            return self.amount, self.count
        return (
            self.amount if self.keep_amount is None else self.keep_amount,
            self.count if self.keep_count is None else self.keep_count,
        )


@dataclass(frozen=True)
class Tier:
    """A tier by its key, with its versions in order of time. The lowest one has none."""

    key: object
    versions: tuple = ()

    def version(self, day):
        """Return the version in force on a day, or None."""
        return next((item for item in reversed(self.versions) if item.date_from <= day), None)


@dataclass(frozen=True)
class Rules:
    """The settings of a programme and its tiers from the lowest to the highest.

    :ivar start: the programme's first day; nobody is a member before
    :ivar settled: the day from which the settings hold: tiers taken before are not taken back, days before not looked at
        again
    """

    tiers: tuple
    criteria: str = 'either'
    window: str = 'rolling'
    months: int = 12
    first_month: int = 1
    validity: int = 12
    grace: int = 30
    drop: str = 'one_down'
    strict: bool = False
    entry_counts: bool = True
    automatic: bool = True
    start: date | None = None
    settled: date | None = None

    def level(self, key):
        """Return the place of a tier in the ladder; below the lowest for None or a tier that is gone."""
        return next((place for place, tier in enumerate(self.tiers) if tier.key == key), -1)


@dataclass(frozen=True)
class State:
    """What is known of a member: the own tier, as if staff had never given any, and beside it the one that they gave.

    :ivar since: first day of the own tier's validity; its keep window begins there
    :ivar until: first day on which it is no longer valid
    :ivar grace_until: the day on which grace ends, while there is one
    :ivar taken_on: day of the upgrade by which the tier is held, for the strict rule
    :ivar looked_on: the last day that was looked at
    :ivar floor: tier given by staff on the day ``floor_since`` until ``floor_until``
    """

    enrolled_on: date | None = None
    left: bool = False
    tier: object = None
    since: date | None = None
    until: date | None = None
    grace_until: date | None = None
    taken_on: date | None = None
    looked_on: date | None = None
    floor: object = None
    floor_since: date | None = None
    floor_until: date | None = None


@dataclass(frozen=True)
class Shown:
    """What a member sees: the own tier or the one that staff gave (``given``)."""

    tier: object = None
    since: date | None = None
    until: date | None = None
    grace_until: date | None = None
    given: bool = False


def shown(state, rules):
    """Return what of a state is shown: the higher tier, of the same tier the one that lasts longer."""
    if state.floor_until:
        own, floor = rules.level(state.tier), rules.level(state.floor)
        if floor > own or (floor == own and state.until and state.floor_until > state.until):
            return Shown(state.floor, state.floor_since, state.floor_until, given=True)
    return Shown(state.tier, state.since, state.until, state.grace_until)


@dataclass(frozen=True)
class Measure:
    """What the documents of a window add up to, beside the thresholds of a version."""

    start: date | None
    end: date
    amount: int
    count: int
    version: Version | None = None
    keep: bool = False

    def reaches(self, criteria):
        """Return whether the used thresholds are reached; equal is reached, and so is a version that uses none."""
        if self.version is None:
            return False
        amount, count = self.version.thresholds(self.keep)
        tests = []
        if amount:
            tests.append(self.amount >= amount)
        if count:
            tests.append(self.count >= count)
        return not tests or (any if criteria == 'either' else all)(tests)

    def missing(self):
        """Return ``(amount, count)`` that are missing to the used thresholds; None where one is not used."""
        if self.version is None:
            return None, None
        amount, count = self.version.thresholds(self.keep)
        return (
            max(amount - self.amount, 0) if amount else None,
            max(count - self.count, 0) if count else None,
        )


@dataclass(frozen=True)
class Move:
    """One line of the history: what happened on a day, and by which measure."""

    day: date
    cause: str
    source: object
    target: object
    measure: Measure | None = None


@dataclass(frozen=True)
class Notice:
    """A warning: a member will lose the tier: the stage (days before), the last day and what is missing to keep it."""

    stage: int
    last_day: date
    measure: Measure


# === DAYS ===#


def add_months(day, months):
    """Return the same day so many months later (or before); the month's last day where there is none."""
    return day + relativedelta(months=months)


def year_start(day, first_month):
    """Return the first day of the programme year in which a day lies."""
    return date(day.year - (day.month < first_month), first_month, 1)


def anniversary(enrolled_on, day):
    """Return how many whole years lie between the enrolment and a day, never less than none."""
    years = day.year - enrolled_on.year
    if add_months(enrolled_on, 12 * years) > day:
        years -= 1
    return max(years, 0)


def entry_window(rules, enrolled_on, day):
    """Return the first and the last day of the entry window on a day; without first day it has no beginning."""
    if rules.window == 'rolling':
        return add_months(day, -rules.months) + ONE_DAY, day
    if rules.window == 'calendar':
        return year_start(day, rules.first_month), day
    if rules.window == 'membership':
        # Before the enrolment, which only a document of the same day can be, there is no year yet.
        return add_months(enrolled_on, 12 * anniversary(enrolled_on, day)), day
    return None, day


def valid_until(rules, enrolled_on, day, renewed=False):
    """Return the first day on which a tier reached on a day is no longer valid, or None.

    :param renewed: in years: to the end of the year in which the day lies instead of that of the next one
    """
    years = 1 if renewed else 2
    if rules.window == 'rolling':
        return add_months(day, rules.validity)
    if rules.window == 'calendar':
        return add_months(year_start(day, rules.first_month), 12 * years)
    if rules.window == 'membership':
        return add_months(enrolled_on, 12 * (anniversary(enrolled_on, day) + years))
    return None


def keep_window(rules, since, until, last, reached=True):
    """Return the first and the last day of the keep window of a tier valid from ``since`` until ``until``.

    :param reached: the validity began with an upgrade, whose purchases need not count for keeping
    """
    if rules.window == 'rolling':
        return since + ONE_DAY if reached and not rules.entry_counts else since, last
    return add_months(until, -12), last
