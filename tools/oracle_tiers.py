"""Which loyalty tier a member must have on every day, computed without Odoo and without SQL.

The tests compare the add-on's tiers with this. It follows docs/tiers.md sentence by sentence and
shares nothing with the add-on. It is written to be checked by eye, not to be fast: it walks day by
day as a shop does, knows on each day what is known by then, and reads all documents again for each
question. Money is exact: Decimal in, compared and summed, never rounded.

    tiers_by_day(documents, rules, first_day, last_day)     the tier of every single day
    moves(documents, rules, first_day, last_day)            what happened, and why
    warnings(documents, rules, first_day, last_day)         who is told that a tier will end
    story(documents, rules, last_day)                       all three at once
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
    first_day: date | None = None  # of the programme: nobody is enrolled before


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

    `known` is the day on which it is entered, when it comes late. The windows have it by its own
    day.
    """

    day: date
    amount: Decimal
    counted: bool = True
    returns: tuple = ()
    known: date | None = None

    @property
    def known_from(self):
        return max(self.day, self.known or self.day)

    def as_known_on(self, day):
        """(amount, counted) with the returns up to `day`, or None while nobody knows it."""
        if self.known_from > day:
            return None
        returned = [one for one in self.returns if one.day <= day]
        amount = self.amount - sum((one.amount for one in returned), Decimal(0))
        return amount, self.counted and all(one.counted for one in returned)


@dataclass(frozen=True)
class Override:
    """Staff gave a tier (its name) on the day `begins`, until `ends`, or end it on `ended`."""

    tier: str
    begins: date
    ends: date
    ended: date | None = None


@dataclass
class Member:
    """What is known of a member on a day. Levels are positions in `rules.tiers`, 0 the lowest.

    Level, since, until and grace are those of the own tier, as if there were no override.
    """

    enrolled: date
    level: int = 0
    since: date | None = None
    until: date | None = None  # U
    grace_end: date | None = None  # None: there is no grace yet
    upgraded_on: date | None = None  # the upgrade that the tier comes from, for *strict*
    override: Override | None = None
    looked_on: date | None = None  # the last day on which something could change


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


def until_of(level, day, rules, enrolled, cause):
    """U: the first day on which the tier valid from the day is no longer valid, None without end."""
    if level == 0 or rules.window == 'lifetime':
        return None
    if rules.window == 'rolling':
        return months_after(day, rules.validity_months)
    years = 1 if cause == 'renewal' else 2  # the next one, or the one after the next
    if rules.window == 'calendar':
        return months_after(programme_year(day, rules), 12 * years)
    return anniversary(enrolled, last_anniversary(enrolled, day) + years)


def keep_window(member, rules, last_day):
    """(first day, last day) of the keep window of the tier held, both within.

    The last day is the day before U, in grace D, for a warning today.
    """
    if rules.window == 'rolling':
        taken_by_upgrade = member.upgraded_on == member.since
        if taken_by_upgrade and not rules.entry_purchase_counts:
            return member.since + ONE_DAY, last_day
        return member.since, last_day
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


# === WHAT IS SHOWN ===


def shown(member, rules):
    """(level, since, until, is it the override's) of the tier that is shown."""
    own = member.level, member.since, member.until, False
    if member.override is None:
        return own
    names = [tier.name for tier in rules.tiers]
    floor = names.index(member.override.tier)
    given = floor, member.override.begins, member.override.ends, True
    if floor != member.level:
        return max(own, given, key=lambda one: one[0])
    # the same tier: the one that lasts longer
    return given if member.until is not None and member.override.ends > member.until else own


def note(member, day, cause, before, rules, moves):
    """What can be seen: another tier than before, or the own one."""
    after, _since, _until, by_override = shown(member, rules)
    if after != before or not by_override:
        moves.append((day, rules.tiers[before].name, rules.tiers[after].name, cause))


# === WHAT HAPPENS ON A DAY ===


def take(member, day, level, rules, cause, moves):
    """The tier is valid from the day until U(day)."""
    before = shown(member, rules)[0]
    member.level = level
    member.since = day
    member.until = until_of(level, day, rules, member.enrolled, cause)
    member.grace_end = None
    if cause == 'upgrade':
        member.upgraded_on = day
    elif cause != 'renewal':
        member.upgraded_on = None
    note(member, day, cause, before, rules, moves)


def end_override(member, day, rules, moves):
    """The own tier shows again; nothing is noted where nothing changes."""
    before = shown(member, rules)[0]
    member.override = None
    after = shown(member, rules)[0]
    if after != before:
        moves.append((day, rules.tiers[before].name, rules.tiers[after].name, 'override ended'))


def give(member, day, override, rules, moves):
    before = shown(member, rules)[0]
    member.override = override
    after = shown(member, rules)[0]
    moves.append((day, rules.tiers[before].name, rules.tiers[after].name, 'override'))


def can_change(member, day, documents, today):
    """Whether the day is one on which something can change, by what is known today."""
    return (
        any(one.day == day and one.known_from <= today for one in documents)
        or (day == member.until and member.grace_end is None)
        or day == member.grace_end
        or (member.override is not None and day == member.override.ends)
    )


def strict(member, today, documents, rules, moves):
    """The documents of the entry window of the last upgrade no longer reach the tier.

    The member falls at once to the highest tier that they still reach, by the versions of the day
    of the upgrade or of its eve, whichever is better for him, for it is that upgrade that was not
    earned. Returns whether he falls.
    """
    if not rules.strict or member.upgraded_on is None:
        return False
    window = entry_window(member.upgraded_on, rules, member.enrolled)
    still = max(
        highest_reached(documents, window, today, rules, version_day=version_day)
        for version_day in (member.upgraded_on, member.upgraded_on - ONE_DAY)
    )
    if still >= member.level:
        return False
    take(member, today, still, rules, 'return', moves)
    return True


def look_at(member, day, today, documents, rules, moves):
    """The four steps on a day, in this order, with the documents as they are known today."""
    member.looked_on = day
    if member.override is not None and day >= member.override.ends:
        end_override(member, day, rules, moves)
    window = entry_window(day, rules, member.enrolled)
    reached = highest_reached(documents, window, today, rules, version_day=day)

    # 1. Up. Nothing else happens on this day.
    if reached > member.level:
        take(member, day, reached, rules, 'upgrade', moves)
        return

    # 2. Renewal. D is U or later and there is no grace yet.
    if member.until is not None and day >= member.until and member.grace_end is None:
        if is_kept(member, documents, member.until - ONE_DAY, today, rules):
            take(member, day, member.level, rules, 'renewal', moves)
            return
        member.grace_end = member.until + timedelta(days=rules.grace_days)

    # 3. Renewal in grace, before its end.
    if member.grace_end is not None and day < member.grace_end:
        if is_kept(member, documents, day, today, rules):
            take(member, day, member.level, rules, 'renewal', moves)
        return

    # 4. Down. D is the end of grace.
    if member.grace_end is not None and day >= member.grace_end:
        if reached == member.level:  # the very tier held
            take(member, day, member.level, rules, 'renewal', moves)
            return
        lower = next_lower(member.level, day, rules) if rules.drop == 'one_down' else 0
        take(member, day, max(lower, reached), rules, 'downgrade', moves)


def next_lower(level, day, rules):
    """The next lower tier that has a version on the day; the lowest needs none."""
    below = [lower for lower in range(1, level) if version_on(rules.tiers[lower], day) is not None]
    return max(below, default=0)


# === DAY BY DAY ===


def first_purchase(documents, today):
    """The day of the first document that counts, by what is known today, or None."""
    known = [(one.day, one.as_known_on(today)) for one in documents]
    return min((day for day, found in known if found is not None and found[1]), default=None)


def enrol(day, rules, moves):
    moves.append((day, None, rules.tiers[0].name, 'enrolment'))
    return Member(enrolled=day, since=day)


def live(member, today, is_new, documents, rules, overrides, moves):
    """All that happens to a member on one day, today.

    Days that were missed are looked at first: those since the enrolment, or since the last day
    looked at, which is looked at again when a document dated before or on it is new.
    """
    came = [one for one in documents if one.known_from == today]
    days = [today]
    if is_new:
        days = days_between(member.enrolled, today)
    elif any(one.day < today for one in came):
        late = any(one.day <= member.looked_on for one in came)
        days = days_between(member.looked_on + (timedelta(0) if late else ONE_DAY), today)
    for day in days:
        fallen = day == today and strict(member, today, documents, rules, moves)
        again = day == member.looked_on or (is_new and day == member.enrolled)
        if again or fallen or can_change(member, day, documents, today):
            look_at(member, day, today, documents, rules, moves)

    # What staff do comes after all else of this day, on which the member is looked at.
    for override in overrides:
        if override.begins == today:
            look_at(member, today, today, documents, rules, moves)
            end_override(member, today, rules, moves)
            give(member, today, override, rules, moves)
        if override.ended == today and member.override is override:
            look_at(member, today, today, documents, rules, moves)
            end_override(member, today, rules, moves)


def days_between(first, last):
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def walk(documents, rules, last_day, enrolled, overrides):
    """For each day from the first on which something is known: (day, member or None, moves).

    `enrolled` is a day, or [(day of enrolment, day of leaving or None)], by hand; None leaves it
    to the automatic enrolment, by the first counted document on its day.
    """
    documents = [
        document if isinstance(document, Document) else Document(*document)
        for document in documents
    ]
    by_hand = [(enrolled, None)] if isinstance(enrolled, date) else enrolled
    if by_hand is None:
        starts = [document.known_from for document in documents]
        starts = starts if rules.automatic_enrolment else []
    else:
        starts = [begins for begins, _left in by_hand]
    member = None
    for today in days_between(min(starts), last_day) if starts else ():
        moves, is_new = [], False
        if by_hand is None:
            bought = first_purchase(documents, today) if member is None else None
            day = bought and max(bought, rules.first_day or bought)
            if day is not None and day <= today:
                member, is_new = enrol(day, rules, moves), True
        else:
            if member is not None and any(left == today for _begins, left in by_hand):
                # he leaves after all else of this day
                live(member, today, False, documents, rules, (), moves)
                before = shown(member, rules)[0]
                moves.append((today, rules.tiers[before].name, None, 'leaving'))
                member = None
            if member is None and any(begins == today for begins, _left in by_hand):
                member, is_new = enrol(today, rules, moves), True
        if member is not None:
            live(member, today, is_new, documents, rules, overrides, moves)
        yield today, member, moves


def story(documents, rules, last_day, enrolled=None, overrides=()):
    """({day: (name, since, until)}, moves, warnings) up to a day, as the functions below say."""
    documents = [
        document if isinstance(document, Document) else Document(*document)
        for document in documents
    ]
    days, moves, told = {}, [], []
    told_of, last_stage = None, 0  # U, and the last stage told for it
    for day, member, of_day in walk(documents, rules, last_day, enrolled, overrides):
        moves += of_day
        if member is None:
            told_of = None
            continue
        level, since, until, by_override = shown(member, rules)
        days[day] = (rules.tiers[level].name, since, until)
        if member.until != told_of:
            told_of, last_stage = member.until, 999
        if by_override or member.until is None or member.grace_end is not None:
            continue
        left = (member.until - day).days
        stage = min((stage for stage in WARNING_DAYS if 0 < left <= stage), default=999)
        if stage < last_stage and not is_kept(member, documents, day, day, rules):
            last_stage = stage
            told.append(warning(member, day, documents, rules))
    return days, moves, told


def warning(member, day, documents, rules):
    tier = rules.tiers[member.level]
    version = version_on(tier, member.until)
    missing = (None, None)
    if version is not None:
        measured = measure(documents, keep_window(member, rules, day), day)
        missing = still_missing(measured, to_keep(version))
    return (day, tier.name, member.until - ONE_DAY, *missing)


def tiers_by_day(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier or None, since, until)] at the end of each day.

    What happened before `first_day` is taken into account. It is what is shown: `until` is U, also
    in grace, or the day on which the override ends; None is without end.
    """
    found, _moves, _told = story(documents, rules, last_day, enrolled, overrides)
    nobody = (None, None, None)
    return [(day, *found.get(day, nobody)) for day in days_between(first_day, last_day)]


def moves(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier before, name of the tier after, cause)], in order.

    Causes of the text: upgrade, renewal, downgrade, return, override ended; and for what has no
    name there: enrolment (from None), override (the day it is given), leaving (to None).
    """
    _found, moved, _told = story(documents, rules, last_day, enrolled, overrides)
    return [move for move in moved if move[0] >= first_day]


def warnings(documents, rules, first_day, last_day, enrolled=None, overrides=()):
    """[(day, name of the tier, last day of it, amount missing, count missing)]

    60, 30 and 7 days before U, each once for this U, when the keep window up to today does not
    reach the keep threshold; who falls below it later is warned at once for the stage passed. What
    is missing is None for a threshold that is not used.
    """
    _found, _moves, told = story(documents, rules, last_day, enrolled, overrides)
    return [one for one in told if one[0] >= first_day]


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
