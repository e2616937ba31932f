"""How many points a customer has after each thing that happens, computed without Odoo and without SQL.

The tests compare the add-on's cards with this. It follows docs/points.md sentence by sentence and
shares nothing with the add-on. Numbers are exact: Fraction throughout, rounded only where the rules
round.

    account = Account(program)                  one card
    account.sell(order, redeem) / pay / credit / cancel / adjust / night
    account.available(), account.waiting()      what it says then
"""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

ALWAYS = date.max


# === WHAT IS GIVEN ===


@dataclass(frozen=True)
class Campaign:
    """Days on which goods of a category (None: all goods) earn more."""

    first: date
    last: date
    factor: Fraction
    category: str | None = None


@dataclass(frozen=True)
class Program:
    """The settings of a program; `discount` off (its currency) for `price` points."""

    rounding: str = 'cents'  # 'down', 'nearest'
    earn_on: str = 'total'  # 'net'
    waits: bool = False
    return_days: int = 7
    expiry: str = 'never'  # 'months', 'year', 'inactivity'
    months: int = 12
    max_factor: Fraction = Fraction(5)
    reinstate_days: int = 30
    part_back: bool = False
    price: int = 20
    discount: Fraction = Fraction(5)
    campaigns: tuple = ()

    def last_day(self, day):
        """The last day of points earned (with inactivity: last moved) on a day."""
        if self.expiry == 'never':
            return ALWAYS
        month = day.year * 12 + day.month - 1 + self.months
        year, month = divmod(month, 12)
        end = monthrange(year, month + 1)[1]
        if self.expiry == 'months':
            return date(year, month + 1, end)
        if self.expiry == 'year':
            return date(year, 12, 31)
        return date(year, month + 1, min(day.day, end))

    def earned(self, order, discount):
        """The points of an order: each line's amount times its factor, rounded once.

        On the net amount, all lines are lowered by the same part: together they are what is left after rewards.
        """
        total = sum(amount for amount, _category in order.lines)
        part = (total - discount) / total if self.earn_on == 'net' else Fraction(1)
        points = sum(
            amount * part * order.rate * self.factor(order, category)
            for amount, category in order.lines
        )
        if self.rounding == 'cents':
            return Fraction(int(points * 100), 100)
        return Fraction(int(points) if self.rounding == 'down' else int(points + Fraction(1, 2)))

    def factor(self, order, category):
        """Tier factor times the best campaign of the day, at most the highest factor."""
        best = max(
            (
                one.factor
                for one in self.campaigns
                if one.first <= order.day <= one.last and one.category in (None, category)
            ),
            default=Fraction(1),
        )
        return min(order.tier_factor * best, self.max_factor)

    def taken_back(self, points, credited, amount):
        """What of so many points goes back when so much of the amount was credited, all told; to the program's digits."""
        if credited >= amount:
            return points
        digits = 2 if self.rounding == 'cents' else 0
        return (
            round(points * credited / amount, digits)
            if digits
            else round_whole(points * credited / amount)
        )


def round_whole(number):
    return Fraction(round(number))


@dataclass(frozen=True)
class Order:
    """An order: its lines as (amount, category) in its own currency; `rate` is what 1 of that is in the program's."""

    key: int
    day: date
    lines: tuple
    rate: Fraction = Fraction(1)
    tier_factor: Fraction = Fraction(1)


# === THE ACCOUNT ===


@dataclass(eq=False)
class Lot:
    """Points that came together; `left` is what is not gone."""

    number: int
    day: date
    last: date
    left: Fraction
    is_waiting: bool = False


@dataclass(eq=False)
class Sale:
    """What an order did to the card so far."""

    order: Order
    amount: Fraction
    earned: Fraction
    spent: Fraction = Fraction(0)
    kept: Fraction = Fraction(0)
    credited: Fraction = Fraction(0)
    lot: Lot | None = None
    taken: list = field(default_factory=list)  # [lot, points still spent], as they were taken
    paid_on: date | None = None
    is_cancelled: bool = False


class Account:
    """A card: its lots, what it owes, and its sales."""

    def __init__(self, program):
        self.program = program
        self.lots, self.debts, self.sales = [], [], {}

    def available(self):
        return sum(lot.left for lot in self.lots if not lot.is_waiting) - sum(self.debts)

    def waiting(self):
        return sum(lot.left for lot in self.lots if lot.is_waiting)

    # --- what happens ---

    def sell(self, order, redeem=False):
        """An order is confirmed, paying with points where the customer wants that and has enough."""
        program = self.program
        amount = sum(amount for amount, _category in order.lines)
        discount = round(program.discount / order.rate, 2)
        does = redeem and self.available() >= program.price and amount > discount
        discount = discount if does else 0
        sale = Sale(order, amount - discount, program.earned(order, discount))
        self.sales[order.key] = sale
        if sale.earned:
            sale.lot = self.add(sale.earned, order.day, program.last_day(order.day), program.waits)
            sale.kept = sale.earned
        if does:
            sale.spent = Fraction(program.price)
            sale.taken = self.take(sale.spent, self.first_to_expire())
        self.pay_debts()
        if program.expiry == 'inactivity' and (sale.earned or does):
            for lot in self.lots:
                lot.last = program.last_day(order.day)

    def pay(self, key, day):
        self.sales[key].paid_on = day

    def credit(self, key, amount, day):
        """Goods are returned: so much more of the order was credited."""
        sale = self.sales[key]
        sale.credited += amount
        self.settle(sale, day)

    def cancel(self, key, day):
        self.sales[key].is_cancelled = True
        self.settle(self.sales[key], day)

    def adjust(self, points, day):
        """Staff give points, or take what is there."""
        if points > 0:
            self.add(Fraction(points), day, self.program.last_day(day))
        elif self.available() + points >= 0:
            self.take(Fraction(-points), self.first_to_expire())
        self.pay_debts()

    def night(self, day):
        """Points that need not wait any longer are released, points whose last day has passed expire."""
        for sale in self.sales.values():
            if not sale.lot or not sale.lot.is_waiting or not sale.paid_on:
                continue
            if sale.paid_on + timedelta(days=self.program.return_days) <= day:
                sale.lot.is_waiting = False
        self.pay_debts()
        for lot in self.lots:
            if not lot.is_waiting and lot.last < day:
                lot.left = Fraction(0)

    # --- how ---

    def add(self, points, day, last, is_waiting=False):
        lot = Lot(len(self.lots), day, last, points, is_waiting)
        self.lots.append(lot)
        return lot

    def first_to_expire(self):
        """What expires first is spent first; of equal days the older first."""
        return sorted(self.lots, key=lambda lot: (lot.last, lot.day, lot.number))

    def take(self, points, lots):
        """Take points from lots in this order and return [[lot, points]]; what nobody has is a debt."""
        parts = []
        for lot in lots:
            part = min(points, lot.left)
            if lot.is_waiting or not part:
                continue
            lot.left -= part
            points -= part
            parts.append([lot, part])
        if points:
            self.debts.append(points)
        return parts

    def pay_debts(self):
        """The next points settle what is owed, the oldest debt first."""
        debts, self.debts = self.debts, []
        for debt in debts:
            self.take(debt, self.first_to_expire())

    def settle(self, sale, day):
        """After a return or cancellation: take earned points back, give spent ones back."""
        program = self.program
        spent = held = sum(part for _lot, part in sale.taken)
        kept = sale.earned - program.taken_back(sale.earned, sale.credited, sale.amount)
        if program.part_back:
            spent = sale.spent - program.taken_back(sale.spent, sale.credited, sale.amount)
        if sale.is_cancelled:
            kept = Fraction(0)
        if sale.is_cancelled or sale.credited >= sale.amount:
            spent = Fraction(0)
        self.give_back(sale, held - spent, day)
        self.take_back(sale, sale.kept - kept)
        sale.kept = kept
        self.pay_debts()

    def take_back(self, sale, points):
        """Waiting ones first, then the points of the goods themselves, then those earned last."""
        if sale.lot and sale.lot.is_waiting:
            part = min(points, sale.lot.left)
            sale.lot.left -= part
            points -= part
        others = sorted(
            (lot for lot in self.lots if lot is not sale.lot),
            key=lambda lot: (lot.day, lot.number),
            reverse=True,
        )
        self.take(points, ([sale.lot] if sale.lot else []) + others)

    def give_back(self, sale, points, day):
        """Into the lots they came from, those taken last first; what ends too soon is new for some days."""
        until = day + timedelta(days=self.program.reinstate_days)
        for entry in reversed(sale.taken):
            lot, held = entry
            part = min(points, held)
            if not part:
                continue
            entry[1] -= part
            points -= part
            if lot.last < until:
                self.add(part, day, until)
            else:
                lot.left += part
