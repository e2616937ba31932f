"""Working days of a company: the one place of area care that counts them."""

from datetime import datetime, time, timedelta

import pytz

#: Days beyond the counted ones in which the next working day is looked for: longer holidays than that are none.
_AHEAD = 31


def working_days(company, first, last):
    """Return the days from ``first`` to ``last`` on which a company works, as a sorted list."""
    calendar = company.sudo().resource_calendar_id  # sudo: working hours are no secret
    if not calendar:
        return [first + timedelta(days=day) for day in range((last - first).days + 1)]
    zone = pytz.timezone(calendar.tz or company._retail_timezone())
    start = zone.localize(datetime.combine(first, time()))
    end = zone.localize(datetime.combine(last + timedelta(days=1), time()))
    hours = calendar._work_intervals_batch(start, end)[False]
    return sorted({begin.astimezone(zone).date() for begin, _end, _leave in hours})


def add_working_days(company, day, count=0):
    """Return the day that is so many working days after ``day``; 0: that day, or the next on which they work.

    Where nobody ever works the days of the calendar are counted.
    """
    last = day + timedelta(days=count * 3 + _AHEAD)
    days = [one for one in working_days(company, day, last) if count == 0 or one > day]
    place = max(count - 1, 0)
    return days[place] if len(days) > place else day + timedelta(days=count)


def working_days_between(company, first, last):
    """Return how many working days lie after ``first`` up to and with ``last``."""
    if first >= last:
        return 0
    return len(working_days(company, first + timedelta(days=1), last))
