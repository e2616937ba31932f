"""What makes a follow-up necessary, in plain Python: policies, deliveries, products, visits, promotions, moments.

The part of the scheduler (oracle_care.py) that says on which days something happens to whom. Written from
docs/care-triggers.md, docs/care-rules.md, docs/classes.md and docs/policies.md, without a look at the add-on.

C1  A day is a day of the company, whatever the day of UTC is.
C2  Of products and categories each figure is its own: days from the product, months from the category above.
C3  Policies: attribute by attribute the first one in the list that holds and says something.
C4  The next purchase is expected on the last purchase + own interval, rounded to whole days, a half up.
C5  Points about to expire are those that end within 30 days of the notice.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

#: Years for which a product is remembered, and months in which its category makes a new one interesting.
REFILL_MONTHS, NEW_PRODUCT_MONTHS = 120, 12
POINTS_DAYS = 30


def months_later(day, months):
    """The same day so many months later (before: negative), or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(frozen=True)
class Category:
    key: str
    parent: str | None = None
    days: int = 0
    months: int = 0
    needs_guidance: bool = False


@dataclass(frozen=True)
class Product:
    key: object
    category: str
    days: int = 0
    months: int = 0
    new_from: date | None = None
    new_until: date | None = None


@dataclass(frozen=True)
class Offer:
    """A promotion that runs; without segments and tiers it is for everybody."""

    key: object
    first: date
    last: date | None = None
    segments: frozenset = frozenset()
    tiers: frozenset = frozenset()
    runs: bool = True

    def is_for(self, customer):
        return (not self.segments or bool(self.segments & customer.segments)) and (
            not self.tiers or customer.tier in self.tiers
        )

    def is_given(self, customer, today):
        """Whether somebody may be told of it today: it need not have begun."""
        return self.runs and (not self.last or today <= self.last) and self.is_for(customer)


@dataclass(frozen=True)
class Policy:
    """What holds for some customers. Empty: it says nothing."""

    lifecycle: str | None = None
    segments: frozenset = frozenset()
    tiers: frozenset = frozenset()
    contact_days: int = 0
    rule: str | None = None
    channel: str | None = None


class Causes:
    """The triggers; a scheduler has purchases, rows and `today`."""

    def learn(self, categories=(), products=(), offers=(), policies=(), tags=None):
        """Take over what the shop has."""
        self.categories = {one.key: one for one in categories}
        self.products = {one.key: one for one in products}
        self.offers = {one.key: one for one in offers}
        self.policies = list(policies)
        self.tags = tags or {}
        #: customer: days of logged contacts and requests; (key, day) of visits and of missed appointments
        self.contacts, self.visits, self.no_shows = {}, {}, {}
        #: key of a purchase: day on which all of it was delivered
        self.delivered = {}
        #: (kind, customer): (key, day) of what happened
        self.moments = {}

    def bought(self, customer):
        return [one for one in self.purchases.get(customer.id, ()) if one.counts]

    # === CLASSES AND POLICIES ===

    def own_interval(self, days):
        """The own interval of purchase days in order, None where nothing can be said."""
        gaps, span = len(days) - 1, (days[-1] - days[0]).days
        if self.gap is not None:
            return max(Fraction(7), (span + 2 * self.gap) / (gaps + 2))
        return max(Fraction(7), Fraction(span, gaps)) if gaps else None

    def lifecycle(self, customer):
        """The class of today, as far as policies of these tests tell them apart (nobody is lost before 24 months)."""
        days = sorted({one.day for one in self.bought(customer)})
        if not days:
            return 'prospect'
        silent = (self.today - days[-1]).days
        if len(days) == 1 and silent <= 90:
            return 'new'
        before = self.own_interval(days[:-1]) if len(days) > 1 else None
        if silent <= 90 and before and (days[-1] - days[-2]).days > 3 * before:
            return 'won_back'
        interval = self.own_interval(days)
        if interval and silent > 3 * interval:
            return 'lapsed'
        return 'at_risk' if interval and silent * 2 > 3 * interval else 'active'

    def policy(self, customer, attribute):
        """C3"""
        for one in self.policies:
            holds = (
                (not one.lifecycle or one.lifecycle == self.lifecycle(customer))
                and (not one.segments or one.segments & customer.segments)
                and (not one.tiers or customer.tier in one.tiers)
            )
            if getattr(one, attribute) and holds:
                return getattr(one, attribute)
        return None

    def is_for_policy(self, rule, customer):
        """A rule that policies name is for their customers only."""
        named = any(one.rule == rule.name for one in self.policies)
        return not named or self.policy(customer, 'rule') == rule.name

    # === PURCHASES ===

    def chain(self, category):
        """A category and all above it."""
        while category:
            yield category
            category = self.categories[category].parent

    def has_goods(self, rule, purchase):
        kinds = [self.products[key].category for key in purchase.products]
        return not rule.categories or any(rule.categories & set(self.chain(one)) for one in kinds)

    def of_purchase(self, rule, customer, _first, _last):
        return [
            (one.key, one.day)
            for one in self.bought(customer)
            if one.amount >= rule.minimum and self.has_goods(rule, one)
        ]

    def of_second_purchase(self, _rule, customer, _first, _last):
        mine = self.bought(customer)
        return [(one.key, one.day) for one in mine] if len(mine) == 1 else []  # R12

    def of_delivery(self, rule, customer, _first, _last):
        return [
            (one.key, self.delivered[one.key])
            for one in self.bought(customer)
            if one.key in self.delivered
            and one.amount >= rule.minimum
            and self.has_goods(rule, one)
            and (
                not rule.guidance
                or any(
                    self.categories[self.products[key].category].needs_guidance
                    for key in one.products
                )
            )
        ]

    def of_refill(self, rule, customer, _first, _last):
        latest = {}
        for one in sorted(self.bought(customer), key=lambda one: one.day):
            latest.update(dict.fromkeys(one.products, one.day))
        found = []
        for key, day in latest.items():
            product = self.products[key]
            above = list(self.chain(product.category))
            if rule.categories and not rule.categories & set(above):
                continue
            said = [product, *(self.categories[one] for one in above)]  # C2
            days = next((one.days for one in said if one.days), 0)
            months = next((one.months for one in said if one.months), 0)
            if days:
                found.append(((key, day, 0), day + timedelta(days)))
            for number in range(1, REFILL_MONTHS // months + 1 if months else 0):
                found.append(((key, day, number), months_later(day, months * number)))
        return found

    # === SILENCE ===

    def silence_day(self, customer, silence):
        """The day on which somebody's silence becomes worth a look, and the last purchase (docs/classes.md)."""
        days = sorted({one.day for one in self.bought(customer)})
        interval = self.own_interval(days) if days else None
        if not interval:
            return None, None
        offset = {
            'expected': floor(interval + Fraction(1, 2)),  # C4
            'watch': ceil(interval * 3 / 2),
            'alert': ceil(interval * 3),
            'lapse': floor(interval * 3) + 1,
        }[silence]
        return days[-1] + timedelta(offset), days[-1]

    def of_silence(self, rule, customer, _first, _last):
        day, last_purchase = self.silence_day(customer, rule.silence)
        return [(last_purchase, day)] if day else []  # R11

    def of_expected(self, _rule, customer, _first, _last):
        day, last_purchase = self.silence_day(customer, 'expected')
        return [(last_purchase, day)] if day else []

    def of_interval(self, _rule, customer, _first, last):
        days = self.policy(customer, 'contact_days')
        heard = [
            *(one.day for one in self.bought(customer)),
            *self.contacts.get(customer.id, ()),
            *(row.reached for row in self.of_customer.get(customer.id, ()) if row.reached),
        ]
        if not days or not heard:
            return []
        begun = max(heard)
        turns = range(1, max(0, (last - begun).days // days) + 1)
        return [((begun, turn), begun + timedelta(days * turn)) for turn in turns]

    # === NEWS AND VISITS ===

    def of_new_product(self, rule, customer, _first, _last):
        likes = set().union(*(self.tags[tag] for tag in customer.likes))
        days = set()
        for product in self.products.values():
            day, above = product.new_from, set(self.chain(product.category))
            if not day or (product.new_until and product.new_until < self.today):
                continue
            if rule.categories and not rule.categories & above:
                continue
            since = months_later(day, -NEW_PRODUCT_MONTHS)
            fits = any(
                product.category in self.chain(self.products[key].category)
                for one in self.bought(customer)
                if since < one.day <= day
                for key in one.products
            )
            if fits or likes & above:
                days.add(day)
        return [(day, day) for day in days]

    def of_promotion(self, _rule, customer, _first, _last):
        return [
            (one.key, one.first)
            for one in self.offers.values()
            if one.runs and one.is_for(customer)
        ]

    def of_visit(self, _rule, customer, _first, _last):
        return self.visits.get(customer.id, [])

    def of_no_show(self, _rule, customer, _first, _last):
        return self.no_shows.get(customer.id, [])

    # === WHAT IS TOLD ===

    def of_moment(self, rule, customer, _first, _last):
        happened = self.moments.get((rule.moment, customer.id), [])
        if rule.moment == 'points_expiring':
            happened = [one for one in happened if self.ending(customer, one[1]) >= rule.minimum]
        return happened

    def ending(self, customer, day):
        """C5: the driver keeps ``lots``: [[last day, points left]]."""
        return sum(
            left
            for last, left in self.lots.get(customer.id, ())
            if 0 <= (last - day).days <= POINTS_DAYS
        )
