"""What is moving points right now: a movement of a card is attributed to the block of code around it."""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from . import _points

_current = ContextVar('retail_crm_points_booking', default=None)


@dataclass
class Booking:
    """One cause of movements: orders that are being changed, or a document with one kind of entry.

    What core writes on cards within the block is only noted (``deltas``); at its end the entries are made and the cards
    brought to what the entries say.
    """

    cr: object
    orders: object = None
    kind: str = 'adjust'
    source: tuple = ('', 0)
    values: dict = field(default_factory=dict)
    deltas: dict = field(default_factory=dict)
    recount: set = field(default_factory=set)
    earnings: dict = field(default_factory=dict)
    moved: set = field(default_factory=set)
    #: Cards that were written on at all, also where nothing changed.
    touched: set = field(default_factory=set)
    #: What was asked of the database already (see ``_look``): entries of orders, open lots of cards, and customers.
    looked: set = field(default_factory=set)
    opened: set = field(default_factory=set)
    entries: object = None
    seats: dict = field(default_factory=dict)
    #: Ids of orders that spent points before: only they may have vouchers for rewards.
    spent: set = field(default_factory=set)

    def add(self, deltas):
        """Note what was written on cards."""
        for card_id, delta in deltas.items():
            self.deltas[card_id] = _points.exact(self.deltas.get(card_id, 0.0) + delta)

    def forget(self):
        """Ask for entries and lots anew: there are more or other ones by now."""
        self.looked, self.opened, self.entries = set(), set(), None

    def join(self, orders):
        """Add orders, and remember which of them move points now: core may remove what says so."""
        self.orders |= orders
        sold = orders.sudo().filtered(lambda order: order.state == 'sale')
        self.moved.update(
            sold.filtered(lambda order: order.coupon_point_ids or order.order_line.coupon_id).ids
        )


def current(env):
    """Return the booking around the running code in this transaction, or None."""
    booking = _current.get()
    return booking if booking is not None and booking.cr is env.cr else None


@contextmanager
def booking_orders(orders):
    """Attribute movements of points to orders; at the end their cards have what the orders give and take."""
    outer = current(orders.env)
    if outer is not None and outer.orders is not None:
        outer.join(orders)
        noted = dict(outer.deltas)
        try:
            yield outer
        except BaseException:
            # whoever goes on after this does so from a savepoint: the cards are as they were
            outer.deltas = noted
            outer.forget()
            raise
        return
    booking = Booking(cr=orders.env.cr, orders=orders.browse())
    booking.join(orders)
    token = _current.set(booking)
    try:
        yield booking
        # still within: what the end itself does belongs to the orders, too
        booking.orders._retail_settle_points(booking)
    finally:
        _current.reset(token)


@contextmanager
def booking_kind(env, kind, record=None, **values):
    """Attribute movements of points to a record, as entries of one kind.

    :param values: further values of the entries: ``reason``, ``note``, ``user_id``, ``company_id``
    """
    source = (record._name, record.id) if record else ('', 0)
    booking = Booking(cr=env.cr, kind=kind, source=source, values=values)
    token = _current.set(booking)
    try:
        yield booking
        env['retail.points.entry']._post_deltas(booking)
    finally:
        _current.reset(token)


@contextmanager
def booking_merge(env):
    """Note what core writes on cards while it merges them; nothing is entered: entries change hands with their cards."""
    booking = Booking(cr=env.cr, kind='merge')
    token = _current.set(booking)
    try:
        yield booking
        env['loyalty.card']._retail_absorb(booking.touched)
    finally:
        _current.reset(token)
