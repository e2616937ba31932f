"""Which days of an occasion make a follow-up due within a window, in plain Python: worked out per day, not per row."""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: Longest stretch without a working day that is looked beyond.
LONGEST_REST = 45


def add_worked(worked, day, count):
    """Return the day so many working days after ``day`` (before it: negative), which is not counted itself."""
    if not count:
        return day
    if count > 0:
        place = bisect_right(worked, day) + count - 1
    else:
        place = bisect_left(worked, day) + count
    return worked[place] if 0 <= place < len(worked) else None


def next_worked(worked, day, backwards=False):
    """Return ``day`` when it is a working day, else the next one, or the last one before."""
    place = bisect_right(worked, day) - 1 if backwards else bisect_left(worked, day)
    return worked[place] if 0 <= place < len(worked) else None


def local_instant(day, hour, zone):
    """Return an hour of a day in a zone as naive UTC; an hour that the clocks skip is the one after it."""
    minutes = round(hour * 60)
    local = datetime.combine(day, time(minutes // 60, minutes % 60), ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def days_between(first, last):
    """Return all days from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def due_days(first, last, delay, working=None, count_working=False, shift=None):
    """Return ``[(anchor day, due day)]`` of all anchors whose due day lies from first to last.

    :param working: function of two days that returns the sorted working days between them
    :param bool count_working: the delay is counted in working days
    :param shift: ``later`` or ``earlier``: where a due day on a day off goes
    """
    if not count_working and not shift:
        return [(due - timedelta(days=delay), due) for due in days_between(first, last)]
    slack = timedelta(days=(abs(delay) * 3 if count_working else 0) + LONGEST_REST)
    low, high = first - slack, last + slack
    worked = working(low - slack, high + slack) or days_between(low - slack, high + slack)
    away = timedelta(days=0 if count_working else delay)
    found = []
    for raw in days_between(low, high):
        due = add_worked(worked, raw, delay) if count_working else raw
        if due and shift:
            due = next_worked(worked, due, backwards=shift == 'earlier')
        if due and first <= due <= last:
            found.append((raw - away, due))
    return found
