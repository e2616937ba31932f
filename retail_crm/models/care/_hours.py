"""Hours in which customers may be reached, in plain Python. Moments are naive UTC, hours are 9.5 for half past nine."""

from datetime import datetime, time, timedelta

from pytz import UnknownTimeZoneError, timezone, utc

#: Minutes of an hour.
HOUR = 60


def zone_of(*names):
    """Return the first zone that there is."""
    for name in names:
        if name:
            try:
                return timezone(name)
            except UnknownTimeZoneError:
                continue
    return utc


def day_of(moment, zone):
    """Return the local date of a moment."""
    return utc.localize(moment).astimezone(zone).date()


def moment_at(day, hour, zone):
    """Return the moment at which it is that late on a day; an hour that a clock skips is one later."""
    wanted = datetime.combine(day, time()) + timedelta(minutes=round(hour * HOUR))
    local = zone.normalize(zone.localize(wanted, is_dst=False))
    return local.astimezone(utc).replace(tzinfo=None)


def opening(moment, zone, first, last):
    """Return the first moment from this one on that lies in the hours ``[first, last)`` of a zone.

    Hours that end before they begin go over midnight; equal ones are the whole day.
    """
    local = utc.localize(moment).astimezone(zone)
    minute = local.hour * HOUR + local.minute
    start, end = round(first * HOUR), round(last * HOUR)
    if start < end:
        is_open = start <= minute < end
    else:
        is_open = start == end or minute >= start or minute < end
    if is_open:
        return moment
    day = local.date() if minute < start else local.date() + timedelta(days=1)
    return moment_at(day, first, zone)
