"""Which loyalty tier a member must have on every day, computed without Odoo and without SQL.

The tests compare the add-on's tiers with this. It follows docs/tiers.md sentence by sentence and
shares nothing with the add-on. It is written to be checked by eye, not to be fast: it walks day by
day, and on every day it reads all documents again and asks every question of the text, whether or
not something could have changed. Money is exact: Decimal in, compared and summed, never rounded.

    tiers_by_day(documents, rules, first_day, last_day)     the tier of every single day
    moves(documents, rules, first_day, last_day)            what happened, and why
    warnings(documents, rules, first_day, last_day)         who is told that a tier will end
    missing_to_enter(documents, rules, tier, day)           how far it is to a tier
"""

import os
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import months_before

ONE_DAY = timedelta(days=1)
WARNING_DAYS = (60, 30, 7)  # before U


# === WHAT IS GIVEN ===


@dataclass(frozen=True)
class Version:
    """The thresholds of a tier, valid from a day until the next version begins.

    A threshold of 0 is not used. A threshold to keep of None is as to enter.
    """

    begins: date
    enter_amount: Decimal = Decimal(0)
    enter_count: int = 0
    keep_amount: Decimal | None = None
    keep_count: int | None = None


@dataclass(frozen=True)
class Tier:
    """A tier; the lowest needs no version, and none is read."""

    name: str
    versions: tuple = ()


@dataclass(frozen=True)
class Rules:
    """The settings of the programme, with their defaults; `tiers` are ordered, lowest first."""

    tiers: tuple
    criteria: str = 'either'  # or 'both'
    window: str = 'rolling'  # or 'calendar', 'membership', 'lifetime'
    window_months: int = 12  # rolling only
    first_month: int = 1  # calendar only
    validity_months: int = 12  # rolling only
    grace_days: int = 30
    drop: str = 'one_down'  # or 're_evaluate'
    strict: bool = False
    entry_purchase_counts: bool = True  # rolling only
    automatic_enrolment: bool = True


@dataclass(frozen=True)
class Return:
    """From `day` on, the document it belongs to is known to be lower by `amount`.

    `counted` is False when the document is no counted purchase any more (everything returned).
    """

    day: date
    amount: Decimal
    counted: bool = True


@dataclass(frozen=True)
class Document:
    """An order or invoice. Not `counted`, it adds its amount but nothing to the count.

    `known` is the day on which a document acts that came late: the day the member was last looked
    at, when that is after the day of the document. The windows have it by its own day.
    """

    day: date
    amount: Decimal
    counted: bool = True
    returns: tuple = ()
    known: date | None = None

    @property
    def acts_on(self):
        return max(self.day, self.known or self.day)

    def as_known_on(self, day):
        """(amount, counted) with the returns up to `day`, or None while nobody knows it."""
        if self.acts_on > day:
            return None
        returned = [one for one in self.returns if one.day <= day]
        amount = self.amount - sum((one.amount for one in returned), Decimal(0))
        return amount, self.counted and all(one.counted for one in returned)


@dataclass(frozen=True)
class Override:
    """Staff gave a tier (its name) on the day `begins`; it ends on the day `ends`."""

    tier: str
    begins: date
    ends: date


@dataclass
class Member:
    """What is known of a member on a day. Levels are positions in `rules.tiers`, 0 the lowest."""

    enrolled: date
    level: int = 0
    since: date | None = None
    until: date | None = None  # U
    grace_end: date | None = None  # None: there is no grace yet
    upgraded_on: date | None = None  # the upgrade that the tier comes from, for *strict*
    by_override: bool = False  # held by nothing but an override


# === DAYS ===


def months_after(day, months):
    """31 Aug + 6 months = 28 Feb; 29 Feb + 12 months = 28 Feb."""
    return months_before(day, -months)


def programme_year(day, rules):
    """The first day of the programme year in which the day lies."""
    begins = date(day.year, rules.first_month, 1)
    return begins if begins <= day else months_before(begins, 12)


def anniversary(enrolled, number):
    """The anniversary number 0 is the enrolment; 29 February is kept on 28 February."""
    return months_after(enrolled, 12 * number)


def last_anniversary(enrolled, day):
    """The number of the last anniversary of the enrolment up to the day."""
    number = 0
    while anniversary(enrolled, number + 1) <= day:
        number += 1
    return number


def entry_window(day, rules, enrolled):
    """(first day, last day) of the entry window on the day, both within."""
    if rules.window == 'rolling':  # (D - n months, D]
        return months_before(day, rules.window_months) + ONE_DAY, day
    if rules.window == 'calendar':
        return programme_year(day, rules), day
    if rules.window == 'membership':
        return anniversary(enrolled, last_anniversary(enrolled, day)), day
    assert rules.window == 'lifetime', rules.window
    return date.min, day


def until_of(level, day, rules, enrolled):
    """U: the first day on which the tier taken on the day is no longer valid, None without end."""
    if level == 0 or rules.window == 'lifetime':
        return None
    if rules.window == 'rolling':
        return months_after(day, rules.validity_months)
    if rules.window == 'calendar':  # the first day of the programme year after the next one
        return months_after(programme_year(day, rules), 24)
    # the anniversary after the next one
    return anniversary(enrolled, last_anniversary(enrolled, day) + 2)


def keep_window(member, rules, last_day):
    """(first day, last day) of the keep window of the tier held, both within.

    The last day is the day before U, in grace D, for a warning today.
    """
    if rules.window == 'rolling':
        if rules.entry_purchase_counts:
            return member.since, last_day
        return member.since + ONE_DAY, last_day
    return months_before(member.until, 12), last_day


# === THRESHOLDS ===


def measure(documents, window, day):
    """(amount, count) of the documents in the window, as they are known on the day."""
    begin, end = window
    amount, count = Decimal(0), 0
    for document in documents:
        if begin <= document.day <= end:
            known = document.as_known_on(day)
            if known is not None:
                amount += known[0]
                count += 1 if known[1] else 0
    return amount, count


def version_on(tier, day):
    """The version that began last, or None."""
    begun = [version for version in tier.versions if version.begins <= day]
    return max(begun, key=lambda version: version.begins) if begun else None


def to_enter(version):
    return version.enter_amount, version.enter_count


def to_keep(version):
    """Empty: as to enter, each on its own."""
    amount, count = version.keep_amount, version.keep_count
    return (
        version.enter_amount if amount is None else amount,
        version.enter_count if count is None else count,
    )


def reaches(measured, thresholds, criteria):
    """The used thresholds are reached, any or all of them by criteria; equal is reached."""
    used = [
        value >= threshold
        for value, threshold in zip(measured, thresholds, strict=True)
        if threshold != 0
    ]
    if not used:
        return True  # reached by everybody
    return all(used) if criteria == 'both' else any(used)


def highest_reached(documents, window, day, rules, version_day):
    """The highest level that the documents in the window reach by the versions of a day.

    The documents are as they are known on `day`. The lowest has no threshold.
    """
    measured = measure(documents, window, day)
    highest = 0
    for level, tier in enumerate(rules.tiers):
        version = version_on(tier, version_day) if level else None
        if version is not None and reaches(measured, to_enter(version), rules.criteria):
            highest = level
    return highest


def is_kept(member, documents, last_day, day, rules):
    """The keep window reaches the keep threshold (of the version on U).

    A tier without a version on that day is kept by no threshold: it can only end.
    """
    version = version_on(rules.tiers[member.level], member.until)
    if version is None:
        return False
    measured = measure(documents, keep_window(member, rules, last_day), day)
    return reaches(measured, to_keep(version), rules.criteria)


def still_missing(measured, thresholds):
    """(amount, count) missing to the thresholds; None for one that is not used."""
    return tuple(
        max(threshold - value, type(value)(0)) if threshold != 0 else None
        for value, threshold in zip(measured, thresholds, strict=True)
    )


# === WHAT HAPPENS ON A DAY ===


def take(member, day, level, rules, cause, moves):
    """The tier is valid from the day until U(day)."""
    moves.append((day, rules.tiers[member.level].name, rules.tiers[level].name, cause))
    member.level = level
    member.since = day
    member.until = until_of(level, day, rules, member.enrolled)
    member.grace_end = None
    member.by_override = False
    if cause == 'upgrade':
        member.upgraded_on = day
    elif cause not in ('renewal', 'return'):
        member.upgraded_on = None


def take_not_below(member, day, level, overrides, rules, cause, moves):
    """As `take`, but never below the floor: what only an override holds ends with it.

    A floor above the tier held begins on this very day: it raises him instead, see `look_at`.
    """
    floor, _ends = floor_on(day, overrides, rules)
    if floor > member.level:
        return
    take(member, day, max(level, floor), rules, cause, moves)
    if floor > level:
        hold_by_override(member, day, overrides, rules)


def floor_on(day, overrides, rules):
    """(level of the highest override on the day, the day on which the last such one ends)"""
    names = [tier.name for tier in rules.tiers]
    given = [
        (names.index(override.tier), override.ends)
        for override in overrides
        if override.begins <= day < override.ends
    ]
    return max(given, default=(0, None))


def hold_by_override(member, day, overrides, rules):
    _floor, member.until = floor_on(day, overrides, rules)
    member.by_override = True
    member.upgraded_on = None


def look_at(member, day, documents, rules, overrides, moves):
    """All that happens to a member on one day."""
    if rules.strict and member.upgraded_on is not None:
        strict(member, day, documents, rules, overrides, moves)
    steps(member, day, documents, rules, overrides, moves)
    # an override is a floor under what the rules gave on this day
    floor, _ends = floor_on(day, overrides, rules)
    if member.level < floor:
        take(member, day, floor, rules, 'override', moves)
        hold_by_override(member, day, overrides, rules)


def strict(member, day, documents, rules, overrides, moves):
    """The documents of the entry window of the last upgrade no longer reach the tier.

    The member falls at once to the highest tier that they still reach, by the versions of the day
    of the upgrade, for it is that upgrade that was not earned.
    """
    window = entry_window(member.upgraded_on, rules, member.enrolled)
    still = highest_reached(documents, window, day, rules, version_day=member.upgraded_on)
    if still < member.level:
        take_not_below(member, day, still, overrides, rules, 'return', moves)


def steps(member, day, documents, rules, overrides, moves):
    """The four steps, in this order, and what takes their place under an override."""
    window = entry_window(day, rules, member.enrolled)
    reached = highest_reached(documents, window, day, rules, version_day=day)

    # 1. Up. Nothing else happens on this day.
    if reached > member.level:
        take(member, day, reached, rules, 'upgrade', moves)
        return

    if member.by_override:
        floor, ends = floor_on(day, overrides, rules)
        if floor < member.level:
            # as *re-evaluate* by the entry window on that day
            take_not_below(member, day, reached, overrides, rules, 'override ended', moves)
        elif floor == member.level:
            member.until = ends  # another override may have prolonged it
        return  # no validity of its own that could end

    # 2. Renewal. D is U or later and there is no grace yet.
    if member.until is not None and day >= member.until and member.grace_end is None:
        if is_kept(member, documents, member.until - ONE_DAY, day, rules):
            take(member, day, member.level, rules, 'renewal', moves)
            return
        member.grace_end = member.until + timedelta(days=rules.grace_days)

    # 3. Renewal in grace, on the day of a document before its end.
    if member.grace_end is not None and day < member.grace_end:
        has_document = any(document.acts_on == day for document in documents)
        if has_document and is_kept(member, documents, day, day, rules):
            take(member, day, member.level, rules, 'renewal', moves)
            return

    # 4. Down. D is the end of grace. *Re-evaluate*: the highest one below that the entry window
    # reaches, which is what `max` gives; never lower than the highest that it reaches.
    if member.grace_end is not None and day >= member.grace_end:
        lower = member.level - 1 if rules.drop == 'one_down' else 0
        take_not_below(member, day, max(lower, reached), overrides, rules, 'downgrade', moves)


# === DAY BY DAY ===


def memberships_of(documents, rules, enrolled):
    """[(day of enrolment, day of leaving or None)]

    `enrolled` is a day, or such a list; None leaves it to the automatic enrolment, by the first
    counted document on its day.
    """
    if isinstance(enrolled, date):
        return [(enrolled, None)]
    if enrolled is not None:
        return list(enrolled)
    days = [document.acts_on for document in documents if document.counted]
    return [(min(days), None)] if days and rules.automatic_enrolment else []


def walk(documents, rules, last_day, enrolled, overrides):
    """For each day from the first enrolment: (day, member or None, moves of this day)."""
    documents = [
        document if isinstance(document, Document) else Document(*document)
        for document in documents
    ]
    memberships = memberships_of(documents, rules, enrolled)
    if not memberships:
        return
    member = None
    day = min(begins for begins, _left in memberships)
    while day <= last_day:
        moves = []
        if member is not None and any(left == day for _begins, left in memberships):
            moves.append((day, rules.tiers[member.level].name, None, 'leaving'))
            member = None
        if member is None and any(begins == day for begins, _left in memberships):
            member = Member(enrolled=day, since=day)
            moves.append((day, None, rules.tiers[0].name, 'enrolment'))
        if member is not None:
            look_at(member, day, documents, rules, overrides, moves)
        yield day, member, moves
        day += ONE_DAY


def tiers_by_day(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier or None, since, until)] at the end of each day.

    What happened before `first_day` is taken into account. `until` is U, also in grace; for a tier
    that only an override holds it is the day on which the override ends; None is without end.
    """
    found = {}
    for day, member, _moves in walk(documents, rules, last_day, enrolled, overrides):
        if member is not None:
            name = rules.tiers[member.level].name
            found[day] = (day, name, member.since, member.until)
    days = [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]
    return [found.get(day, (day, None, None, None)) for day in days]


def moves(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier before, name of the tier after, cause)], in order.

    Causes of the text: upgrade, renewal, downgrade, return, override ended; and for what has no
    name there: enrolment (from None), override (the day it raises the tier), leaving (to None).
    """
    return [
        move
        for day, _member, of_day in walk(documents, rules, last_day, enrolled, overrides)
        if day >= first_day
        for move in of_day
    ]


def warnings(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier, last day of it, amount missing, count missing)]

    60, 30 and 7 days before U, when the keep window up to today does not reach the keep threshold.
    What is missing is None for a threshold that is not used.
    """
    documents = [
        document if isinstance(document, Document) else Document(*document)
        for document in documents
    ]
    result = []
    for day, member, _moves in walk(documents, rules, last_day, enrolled, overrides):
        if member is None or member.until is None or member.by_override or day < first_day:
            continue
        soon = (member.until - day).days in WARNING_DAYS
        if soon and not is_kept(member, documents, day, day, rules):
            tier = rules.tiers[member.level]
            version = version_on(tier, member.until)
            missing = (None, None)
            if version is not None:
                measured = measure(documents, keep_window(member, rules, day), day)
                missing = still_missing(measured, to_keep(version))
            result.append((day, tier.name, member.until - ONE_DAY, *missing))
    return result


def missing_to_enter(documents, rules, tier, day, enrolled=None):
    """(amount, count) that the entry window on the day lacks; None for a threshold not used.

    None when the tier (its name) has no version on that day: it cannot be reached.
    """
    documents = [
        document if isinstance(document, Document) else Document(*document)
        for document in documents
    ]
    version = version_on(next(one for one in rules.tiers if one.name == tier), day)
    if version is None:
        return None
    measured = measure(documents, entry_window(day, rules, enrolled), day)
    return still_missing(measured, to_enter(version))
