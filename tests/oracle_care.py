"""Whom the follow-ups of a shop reach, when, on which channel, and why not: a scheduler in plain Python.

Written from the agreement on area care (triggers, planning, gates) and the public pages of docs/ alone, without Odoo,
SQL or a look at the add-on, so that a year of the add-on can be compared with it row by row. Days are walked one by one,
customers one by one, rows one by one; nothing is clever.

Where the agreement left room, this is how it is read here (each marked R in the code):

R1  Yearly days: 29 February is kept on 28 February in other years; the 30th of a lunar month of 29 days on its last day.
R2  "Rules for staff" are those whose own list of channels begins with a call; a rule that follows the customer's
    preferred channel keeps the day, whatever that channel is.
R3  `delay_days` in working days: the anchor itself is not counted, whether or not it is a working day.
R4  `try_at` is the due day at the rule's hour in the company's zone; quiet hours alone are in the customer's.
R5  Opening hours are half open: at 20:30 sharp no message leaves.
R6  Letters and what staff send by hand know no quiet hours: nobody is woken by them.
R7  Of the channels a row may take, the first fault of each (address, then consent, then block) is noted; told is the
    most telling of them: refused, no_consent, no_address. No channel at all: no_channel.
R8  "Of the same e-mail": rows whose mail went to the address that this customer has now.
R9  A call's place in the owner's day is taken by every call opened for him that day, expected or not.
R10 again_days looks at the distance between anchors in both directions, at rows in every state but cancelled.
R11 Silence happens once per last purchase, however often its day is measured anew.
R12 Second purchase: exactly one counted purchase up to the day of planning.
R13 Occasions: one greeting per customer and date.
R14 Purchase as goal: after the anchor, or on it where the trigger is no purchase; known at the time of sending.
R15 The purchase of a day is known to the planning of that day.
R16 A refusal holds at once (docs/care-sending.md): what is planned for that purpose and has no channel left ends with it.
R17 The control group goes through every gate at its time; who would have been contacted is held and counts nowhere.
R18 Who is not entitled to an offer (any more) is not told of it; it may be told before it begins.
R19 The channel of the policy comes first where neither the customer nor the rule says one.

What makes a follow-up necessary is in oracle_care_causes.py.
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oracle_care_causes import Causes

#: Chinese calendar: first day of the lunar year, lengths of its months 1..12, leap month (0: none) and its length.
#: From the table of the Purple Mountain Observatory, as 17 bits: month 1 is the highest, 1 means 30 days.
LUNAR_YEARS = {
    2025: (date(2025, 1, 29), 0x0A6E6),
    2026: (date(2026, 2, 17), 0x0A4E0),
    2027: (date(2027, 2, 6), 0x0D260),
    2028: (date(2028, 1, 26), 0x0EA65),
    2029: (date(2029, 2, 13), 0x0D530),
}
PURCHASE_TRIGGERS = ('purchase', 'delivery', 'second_purchase', 'refill')
#: R7
TELLING = ('refused', 'no_consent', 'no_address')


class Yearly(NamedTuple):
    """A day that comes back every year."""

    month: int
    day: int
    year: int = 0
    lunar: bool = False


def lunar_day(year, month, day):
    """The date of a day in an ordinary month of a lunar year (R1)."""
    first, code = LUNAR_YEARS[year]
    leap, leap_days = code & 0xF, 30 if code & 0x10000 else 29
    lengths = [30 if code & (0x10000 >> number) else 29 for number in range(1, 13)]
    before = sum(lengths[: month - 1]) + (leap_days if leap and leap < month else 0)
    return first + timedelta(before + min(day, lengths[month - 1]) - 1)


def yearly_dates(one, first, last):
    """The dates from first to last on which a yearly day is kept, in order."""
    found = []
    for year in range(first.year - 1, last.year + 1):
        if one.lunar:
            if year not in LUNAR_YEARS:
                continue
            found.append(lunar_day(year, one.month, one.day))
            continue
        try:
            found.append(date(year, one.month, one.day))
        except ValueError:  # R1
            found.append(date(year, 2, 28))
    return [day for day in found if first <= day <= last]


def chosen(word, rule_id, customer_id, percent):
    """Whether the stable hash puts a customer among so many percent."""
    number = int(hashlib.md5(f'{word}:{rule_id}:{customer_id}'.encode()).hexdigest()[:8], 16)
    return number % 10000 < percent * 100


@dataclass
class Customer:
    """What is known of a customer today; the driver changes it as days pass.

    :ivar addresses: ``{'email', 'mobile', 'postal': text}``
    :ivar consents: ``{(purpose, channel): whether granted}``, nothing where nobody decided
    :ivar paused: names of rules or families that are paused, or ``all``
    """

    id: int
    number: int = 0
    birthday: Yearly | None = None
    named: tuple = ()
    zone: str | None = None
    preferred: str | None = None
    addresses: dict = field(default_factory=dict)
    consents: dict = field(default_factory=dict)
    blocked: bool = False
    adviser: str | None = None
    tier: str | None = None
    segments: set = field(default_factory=set)
    enrolled: date | None = None
    active: bool = True
    complaints: int = 0
    paused: set = field(default_factory=set)
    likes: set = field(default_factory=set)

    def age(self, day):
        one = self.birthday
        if not one or not one.year or one.lunar:
            return None
        return day.year - one.year - ((day.month, day.day) < (one.month, one.day))


@dataclass
class Purchase:
    """What a customer bought; what is returned as a whole does not count any more."""

    customer: int
    day: date
    amount: Fraction
    key: object
    counts: bool = True
    products: tuple = ()


class Occasion(NamedTuple):
    key: object
    day: date
    kind: str = 'greeting'
    is_on: bool = True


@dataclass
class Rule:
    """One care rule. `channels`: its own list in order, empty: as the customer prefers."""

    id: int
    name: str
    trigger: str
    sequence: int = 10
    purpose: str = 'service'
    family: str = 'other'
    started: date | None = None
    state: str = 'on'
    delay: int = 0
    in_working_days: bool = False
    lead: int = 0
    hard: bool = False
    late: int = 7
    again: int = 0
    hour: float = 10.0
    tiers: frozenset = frozenset()
    segments: frozenset = frozenset()
    test: object = None
    minimum: int = 0
    silence: str | None = None
    categories: frozenset = frozenset()
    guidance: bool = False
    moment: str | None = None
    occasions: frozenset = frozenset()
    channels: tuple = ()
    sample: float = 100
    control: float = 0
    day_limit: int = 0
    goal: str = 'none'
    expected: bool = False
    owner: str | None = None  # None: the customer's adviser, then the rule's user
    user: str = 'user'

    def late_days(self):
        return 0 if self.hard else self.late

    def for_staff(self):
        return self.channels[:1] == ('phone',)  # R2


@dataclass
class Settings:
    zone: str = 'Asia/Shanghai'
    marketing_week: int = 1
    marketing_month: int = 4
    all_week: int = 2
    message_from: float = 9.0
    message_to: float = 20.5
    call_from: float = 10.0
    call_to: float = 20.0
    silent_count: int = 3
    pause_days: int = 90
    call_capacity: int = 12
    minor_age: int = 14
    service_consent: bool = False
    family_gaps: dict = field(default_factory=dict)
    fallback: tuple = ('wechat', 'phone', 'sms', 'email', 'letter')
    # channel: (transport, which address it needs)
    channels: dict = field(
        default_factory=lambda: {
            'wechat': ('manual', None),
            'phone': ('phone', 'mobile'),
            'sms': ('sms', 'mobile'),
            'email': ('email', 'email'),
            'letter': ('letter', 'postal'),
            'in_site': ('portal', 'portal'),
        }
    )
    holidays: frozenset = frozenset()
    weekend: tuple = (5, 6)

    def works(self, day):
        return day.weekday() not in self.weekend and day not in self.holidays


@dataclass
class Row:
    """One follow-up."""

    rule: Rule
    customer: Customer
    occurrence: object
    anchor: date
    due: date
    place: int
    try_at: datetime
    state: str = 'planned'
    reason: str | None = None
    channel: str | None = None
    acted: date | None = None
    counted: date | None = None
    email: str | None = None
    owner: str | None = None
    reaction: bool = False
    reached: date | None = None


class Scheduler(Causes):
    """The shop: planned rows, day by day. The driver calls `plan` and `process` and changes what is known."""

    def __init__(self, settings, rules, customers, occasions=()):
        self.settings = settings
        self.rules = sorted(rules, key=lambda rule: rule.sequence)
        self.customers = {one.id: one for one in customers}
        self.occasions = list(occasions)
        self.purchases = {}
        self.today = self.gap = None
        self.learn()
        self.rows = []
        # the same rows by what is asked for: (rule, customer), customer, address of the mail, day of the contact
        self.of_rule, self.of_customer, self.of_email, self.of_day = {}, {}, {}, {}
        self.open = []
        self.zone = ZoneInfo(settings.zone)

    # === WHAT HAPPENS ===

    def buy(self, purchase):
        self.purchases.setdefault(purchase.customer, []).append(purchase)

    def refuse(self, customer, purpose, channel):
        """Somebody withdraws (R16)."""
        customer.consents[purpose, channel] = False
        for row in self.of_customer.get(customer.id, ()):
            if row.state == 'planned' and row.rule.purpose == purpose:
                fault = self.choose(row)[1]
                if fault:
                    row.state, row.reason = 'skipped', fault

    def measure(self, day):
        """Measure the usual gap of all customers (docs/classes.md), as a full refresh does."""
        own = []
        for purchases in self.purchases.values():
            days = sorted({one.day for one in purchases if one.counts and one.day <= day})
            if len(days) > 1:
                own.append(Fraction((days[-1] - days[0]).days, len(days) - 1))
        mean = sum(own) / len(own) if own else None
        # to four places, a half away from zero
        self.gap = None if mean is None else Fraction(floor(mean * 10000 + Fraction(1, 2)), 10000)

    # === PLANNING ===

    def due_day(self, rule, anchor):
        day = anchor
        if rule.in_working_days:
            step = 1 if rule.delay > 0 else -1
            for _number in range(abs(rule.delay)):
                day += timedelta(step)
                while not self.settings.works(day):
                    day += timedelta(step)
        else:
            day += timedelta(rule.delay)
        if rule.for_staff():
            step = timedelta(-1 if rule.hard else 1)
            while not self.settings.works(day):
                day += step
        return day

    def in_audience(self, rule, customer):
        return (
            customer.active
            and (not rule.tiers or customer.tier in rule.tiers)
            and (not rule.segments or bool(rule.segments & customer.segments))
            and (rule.test is None or rule.test(customer))
            and self.is_for_policy(rule, customer)
        )

    def anchors(self, rule, customer, first, last):
        """(occurrence, anchor) of a customer for a rule, as far as known today; yearly ones from first to last."""
        return getattr(self, f'of_{rule.trigger}')(rule, customer, first, last)

    def of_birthday(self, _rule, customer, first, last):
        days = yearly_dates(customer.birthday, first, last) if customer.birthday else []
        return [(day, day) for day in days]

    def of_named_date(self, _rule, customer, first, last):
        return [
            ((key, day), day)
            for key, one in customer.named
            for day in yearly_dates(one, first, last)
        ]

    def of_occasion(self, rule, _customer, _first, _last):
        days = {
            one.day
            for one in self.occasions
            if one.is_on and one.kind == 'greeting' and one.key in rule.occasions
        }
        return [(day, day) for day in sorted(days)]  # R13

    def of_enrolled(self, _rule, customer, _first, _last):
        return [(customer.enrolled, customer.enrolled)] if customer.enrolled else []

    def plan(self, today):
        """Plan all rules for a day."""
        self.today = today
        for rule in self.rules:
            if rule.state == 'on' and rule.started:
                self.plan_rule(rule, today)

    def plan_rule(self, rule, today, only=None):
        first, last = today - timedelta(rule.late_days()), today + timedelta(rule.lead)
        # wide enough for every way in which a due day lies off its anchor
        slack = abs(rule.delay) * 3 + 30
        wide = first - timedelta(slack), last + timedelta(slack)
        for customer in self.customers.values():
            if only and customer.id not in only:
                continue
            if not self.in_audience(rule, customer):
                continue
            if not chosen('sample', rule.id, customer.id, rule.sample):
                continue
            known = self.of_rule.setdefault((rule.name, customer.id), [])
            fits = []
            for occurrence, anchor in self.anchors(rule, customer, *wide):
                due = self.due_day(rule, anchor)
                if not (first <= due <= last and due >= rule.started):
                    continue
                if any(row.occurrence == occurrence for row in known):
                    continue
                if rule.again and any(
                    row.state != 'cancelled' and abs((anchor - row.anchor).days) < rule.again
                    for row in known
                ):  # R10
                    continue
                fits.append((anchor, str(occurrence), occurrence, due))
            fits.sort(key=lambda fit: fit[:2])
            for anchor, _text, occurrence, due in fits[:1] if rule.again else fits:
                self.add(rule, customer, occurrence, anchor, due)

    def add(self, rule, customer, occurrence, anchor, due):
        row = Row(rule, customer, occurrence, anchor, due, len(self.rows), self.at(due, rule.hour))
        self.open.append(row)
        self.rows.append(row)
        self.of_rule[rule.name, customer.id].append(row)
        self.of_customer.setdefault(customer.id, []).append(row)

    def at(self, day, hour, zone=None):
        """A local hour of a day as a moment in UTC (R4)."""
        minutes = round(hour * 60)
        local = datetime.combine(day, time(minutes // 60, minutes % 60), zone or self.zone)
        return local.astimezone(UTC)

    # === SENDING ===

    def process(self, now):
        """Let every row that is due at a moment through the gates, one after another."""
        self.open = [row for row in self.open if row.state == 'planned']
        waiting = [row for row in self.open if row.try_at <= now]
        waiting.sort(key=lambda row: (row.rule.sequence, row.due, row.customer.id, row.place))
        for row in waiting:
            self.process_row(row, now, now.astimezone(self.zone).date())

    def process_row(self, row, now, today):
        """The first gate that is shut decides; through all of them somebody is contacted."""
        if row.rule.state == 'failed':
            return
        for gate in (
            self.gate_row,
            self.gate_marketing,
            self.gate_offer,
            self.gate_reaction,
            self.gate_limits,
        ):
            verdict = gate(row, today)
            if verdict:
                self.shut(row, *verdict, today)
                return
        channel, fault = self.choose(row)
        if fault:
            self.shut(row, 'skipped', fault, today)
            return
        opening = self.opening(channel, row.customer, now)
        if opening:
            row.reason, row.try_at = 'quiet_hours', opening
            return
        owner = row.rule.owner or row.customer.adviser or row.rule.user
        if self.is_full(row, channel, owner, today):
            self.shut(row, 'wait', 'capacity', today)
        elif chosen('control', row.rule.id, row.customer.id, row.rule.control):
            row.state, row.reason = 'held', 'control'  # R17
        else:
            self.contact(row, channel, owner, today)

    def shut(self, row, state, reason, today):
        """A row ends, or waits for the next day; a hard date does not wait."""
        row.reason = reason
        if state != 'wait':
            row.state = state
        elif row.rule.hard:
            row.state = 'skipped'
        else:
            row.try_at = self.at(today + timedelta(1), row.rule.hour)

    def gate_row(self, row, today):
        rule, customer = row.rule, row.customer
        if rule.state != 'on':
            return 'skipped', 'rule_off'
        if rule.goal == 'purchase' and self.bought_since(row):
            return 'stopped', 'goal'
        if today > row.due + timedelta(rule.late_days()):
            return 'skipped', row.reason or 'late'
        if not customer.active:
            return 'skipped', 'not_customer'
        if customer.paused & {'all', rule.name, rule.family}:
            return 'skipped', 'paused'
        return None

    def gate_marketing(self, row, today):
        if row.rule.purpose != 'marketing':
            return None
        customer = row.customer
        age = customer.age(today)
        if age is not None and age < self.settings.minor_age:
            return 'skipped', 'minor'
        if any(
            one.kind == 'no_contact' and one.is_on and one.day == today for one in self.occasions
        ):
            return 'wait', 'no_contact_day'
        return ('wait', 'complaint') if customer.complaints else None

    def gate_offer(self, row, today):
        """R18"""
        offer = self.offers.get(row.occurrence) if row.rule.trigger == 'promotion' else None
        told = not offer or offer.is_given(row.customer, today)
        return None if told else ('skipped', 'not_entitled')

    def gate_reaction(self, row, today):
        is_tired = row.rule.purpose == 'marketing' and self.is_tired(row.customer, today)
        return ('skipped', 'no_reaction') if is_tired else None

    def gate_limits(self, row, today):
        reason = None if row.rule.expected else self.limit_reached(row, today)
        return ('wait', reason) if reason else None

    def is_full(self, row, channel, owner, today):
        """Whether the rule or the owner has done enough for a day; a hard date goes over it."""
        rule, capacity = row.rule, self.settings.call_capacity
        others = self.of_day.get(today, ())
        if rule.day_limit and sum(other.rule is rule for other in others) >= rule.day_limit:
            return True
        calls = sum(other.channel == 'phone' and other.owner == owner for other in others)  # R9
        return channel == 'phone' and not rule.hard and 0 < capacity <= calls

    def contact(self, row, channel, owner, today):
        transport, _address = self.settings.channels[channel]
        row.state = 'done' if transport in ('email', 'sms', 'portal') else 'todo'
        row.reason, row.channel, row.acted, row.owner = None, channel, today, owner
        row.counted = None if row.rule.expected else today
        row.reached = today if row.state == 'done' else None
        if transport == 'email':
            row.email = row.customer.addresses['email'].lower()
            self.of_email.setdefault(row.email, []).append(row)
        self.of_day.setdefault(today, []).append(row)

    def bought_since(self, row):
        """R14"""
        first = row.anchor + timedelta(1 if row.rule.trigger in PURCHASE_TRIGGERS else 0)
        return any(
            one.counts and one.day >= first for one in self.purchases.get(row.customer.id, ())
        )

    def counted_rows(self, customer):
        """What counts for the limits of a customer: contacts of his, and mails to his address (R8)."""
        email = customer.addresses.get('email', '').lower()
        mine = self.of_customer.get(customer.id, [])
        others = [row for row in self.of_email.get(email, ()) if row.customer.id != customer.id]
        return [row for row in (*mine, *others) if row.counted and not row.rule.expected]

    def limit_reached(self, row, today):
        limits, rows = self.settings, self.counted_rows(row.customer)
        week, month = today - timedelta(6), today - timedelta(29)
        if sum(week <= one.counted <= today for one in rows) >= limits.all_week:
            return 'limit_all'
        if row.rule.purpose == 'marketing':
            days = [one.counted for one in rows if one.rule.purpose == 'marketing']
            if sum(week <= day <= today for day in days) >= limits.marketing_week:
                return 'limit_week'
            if sum(month <= day <= today for day in days) >= limits.marketing_month:
                return 'limit_month'
        gap = limits.family_gaps.get(row.rule.family, 0)
        if any(
            one.rule.family == row.rule.family and one.counted > today - timedelta(gap)
            for one in rows
        ):
            return 'limit_family' if gap else None
        return None

    def is_tired(self, customer, today):
        limits = self.settings
        mine = [
            row
            for row in self.of_customer.get(customer.id, ())
            if row.counted and row.rule.purpose == 'marketing'
        ]
        mine.sort(key=lambda row: (row.counted, row.place))
        last = mine[-limits.silent_count :] if limits.silent_count else []
        return (
            len(last) == limits.silent_count > 0
            and not any(row.reaction for row in last)
            and (today - last[-1].counted).days < limits.pause_days
        )

    def choose(self, row):
        """(channel, None) or (None, why there is none)"""
        rule, customer = row.rule, row.customer
        order = rule.channels
        if not order:
            best = customer.preferred or self.policy(customer, 'channel')  # R19
            first = [best] if best in self.settings.channels else []
            order = [*first, *(one for one in self.settings.fallback if one not in first)]
        faults = set()
        for channel in order:
            transport, address = self.settings.channels[channel]
            decided = customer.consents.get((rule.purpose, channel))
            if address and not customer.addresses.get(address):
                faults.add('no_address')
            elif decided is False:
                faults.add('refused')
            elif decided is None and (rule.purpose == 'marketing' or self.settings.service_consent):
                faults.add('no_consent')
            elif transport == 'email' and customer.blocked:
                faults.add('refused')
            else:
                return channel, None
        return None, next((one for one in TELLING if one in faults), 'no_channel')  # R7

    def opening(self, channel, customer, now):
        """The next moment at which a channel may be used, None when it may now (R5, R6)."""
        transport, limits = self.settings.channels[channel][0], self.settings
        if transport in ('letter', 'manual'):
            return None
        begin, end = (
            (limits.call_from, limits.call_to)
            if transport == 'phone'
            else (limits.message_from, limits.message_to)
        )
        zone = ZoneInfo(customer.zone) if customer.zone else self.zone
        local = now.astimezone(zone)
        hour = local.hour + local.minute / 60 + local.second / 3600
        if begin <= hour < end:
            return None
        day = local.date() + timedelta(0 if hour < begin else 1)
        return self.at(day, begin, zone)


def broken_limits(contacts, settings):
    """Breaches of the contact limits, counted by themselves from ``(customer, email, day, is_marketing)`` rows.

    For every contact: how many of the seven (thirty) days up to it, itself included.
    """
    wrong = []
    by_customer, by_email = {}, {}
    for customer, email, day, marketing in contacts:
        by_customer.setdefault(customer, []).append((day, marketing))
        if email:
            by_email.setdefault(email, []).append((day, marketing))
    for who, rows in [*by_customer.items(), *by_email.items()]:
        for marketing, days, most in (
            (False, 7, settings.all_week),
            (True, 7, settings.marketing_week),
            (True, 30, settings.marketing_month),
        ):
            mine = sorted(day for day, is_marketing in rows if is_marketing or not marketing)
            for place, day in enumerate(mine):
                begun = bisect_right(mine, day - timedelta(days))
                if place - begun + 1 > most:
                    wrong.append((who, day, days, most))
    return wrong
