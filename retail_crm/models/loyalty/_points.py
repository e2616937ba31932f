"""Arithmetic of points, in plain Python: which lots are taken, what lasts how long, what a return takes back.

Nothing here knows the database. The rules in words are docs/points.md.
"""

from calendar import monthrange
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

#: Digits up to which points are exact. Below that they are noise of floating point numbers.
DIGITS = 6


def exact(points):
    """Return a number of points without the noise of adding floating point numbers (and without a negative zero)."""
    return round(points, DIGITS) + 0.0


def month_end(day):
    """Return the last day of the month of a day."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def expires_on(mode, months, earned_on):
    """Return the last day on which points earned (or, with inactivity, last moved) on a day can be spent, or None.

    :param mode: ``never``, ``months`` (to the end of that month), ``year`` (31 December of the year in which so many
        months are over; 0: of the same year) or ``inactivity``
    """
    if mode == 'months':
        return month_end(earned_on + relativedelta(months=months))
    if mode == 'year':
        return date((earned_on + relativedelta(months=months)).year, 12, 31)
    if mode == 'inactivity':
        return earned_on + relativedelta(months=months)
    return None


def reinstated_until(lot_expires_on, day, days):
    """Return the last day of points that are given back on a day into a lot, or None when the lot's own day holds.

    A lot without an end or with at least so many days left takes them back as they were.
    """
    last = day + timedelta(days=days)
    return last if lot_expires_on and lot_expires_on < last else None


def lot_order(lot):
    """Return what lots are ordered by when they are spent: what expires first goes first (C.3)."""
    return (lot.expires_on or date.max, lot.date, lot.id)


def take(lots, points):
    """Return ``([(lot, points)], missing)``: what is taken from each lot, in the given order, and what none has.

    :param lots: objects with ``remaining``, in the order in which they are taken
    """
    parts = []
    for lot in lots:
        part = exact(min(lot.remaining, points))
        if part > 0:
            parts.append((lot, part))
            points = exact(points - part)
        if points <= 0:
            break
    return parts, max(points, 0.0)


def returned(issued, refunded, base, digits=2):
    """Return how many of the issued points are taken back when so much of an amount was refunded, all told.

    Cumulative: asked again after each return, with all refunds so far. A full return takes back exactly what was issued,
    whatever was rounded before.
    """
    if base <= 0 or refunded <= 0:
        return 0.0
    if refunded >= base or abs(refunded - base) < 0.005:
        return exact(issued)
    return min(exact(round(issued * refunded / base, digits)), exact(issued))
