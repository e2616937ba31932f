"""Days that come back every year: arithmetic without a database, in the Gregorian and the lunar calendar.

The lunar calendar is computed by ``lunar_python``, which looks up a year in milliseconds: years are remembered. A lunar
date is given by month and day of the ordinary (not leap) month, as people remember it.
"""

from calendar import isleap, monthrange
from datetime import date, timedelta
from functools import lru_cache

from lunar_python import LunarYear, Solar

#: Years for which the lunar calendar is computed.
FIRST_YEAR, LAST_YEAR = 1900, 2200
#: Years have four digits: whoever enters 90 means 1990.
FIRST_SOLAR_YEAR = 1000
#: Days a lunar month has at most.
LUNAR_DAYS = 30
#: Days after which every yearly day has come back: a lunar year with a leap month has up to 385.
LONGEST_YEAR = 385


def is_possible(month, day, year=0, lunar=False):
    """Return whether there is such a day: 29 February only without year or in a leap year."""
    if not 1 <= month <= 12 or day < 1:
        return False
    if lunar:
        if year and not FIRST_YEAR <= year <= LAST_YEAR:
            return False
        return day <= (_lunar_months(year)[month, False][1] if year else LUNAR_DAYS)
    if year and not FIRST_SOLAR_YEAR <= year <= 9999:
        return False
    return day <= monthrange(year or 2000, month)[1]


@lru_cache(maxsize=LAST_YEAR - FIRST_YEAR + 3)
def _lunar_months(year):
    """Return ``{(month, whether it is a leap month): (first date, number of days)}`` of a lunar year."""
    months = {}
    for month in LunarYear.fromYear(year).getMonthsInYear():
        first = Solar.fromJulianDay(month.getFirstJulianDay())
        months[abs(month.getMonth()), month.isLeap()] = (
            date(first.getYear(), first.getMonth(), first.getDay()),
            month.getDayCount(),
        )
    return months


def _from_lunar(year, month, day):
    """Return the date of a lunar day; the 30th of a month of 29 days is its last day."""
    first, length = _lunar_months(year)[month, False]
    return first + timedelta(days=min(day, length) - 1)


def to_lunar(day):
    """Return ``(year, month, day, whether the month is a leap month)`` of a date in the lunar calendar."""
    # a lunar year begins up to seven weeks after the Gregorian one and reaches into the next
    for year in (day.year, day.year - 1):
        for (month, leap), (first, length) in _lunar_months(year).items():
            offset = (day - first).days
            if 0 <= offset < length:
                return year, month, offset + 1, leap
    raise ValueError(f'no lunar date of {day}')


def occurrence(year, month, day, lunar=False):
    """Return the date on which a yearly day falls in a year, of the lunar year where ``lunar``.

    29 February is kept on 28 February in other years: a greeting may be early, never late.
    """
    if lunar:
        return _from_lunar(year, month, day)
    if month == 2 and day == 29 and not isleap(year):
        day = 28
    return date(year, month, day)


def next_occurrence(month, day, lunar=False, start=None):
    """Return the first date from ``start`` (default: today) on, itself included, on which a yearly day falls."""
    start = start or date.today()
    first = start.year - (1 if lunar else 0)
    dates = (occurrence(year, month, day, lunar) for year in range(first, first + 4))
    return next(found for found in dates if found >= start)


@lru_cache(maxsize=8)
def next_days(start):
    """Return ``{(month, day, lunar): the next date from start on}`` of all days that there are."""
    return {
        (month, day, lunar): next_occurrence(month, day, lunar, start)
        for lunar in (False, True)
        for month in range(1, 13)
        for day in range(1, 32)
        if is_possible(month, day, lunar=lunar)
    }


def days_between(start, end):
    """Return the yearly days that fall on a date from ``start`` to ``end``: ``(set of (month, day), set of lunar ones)``.

    The inverse of ``occurrence`` for many customers at once: whose (month, day) is in the set has the day. At most a
    year is looked at.
    """
    solar, lunar = set(), set()
    for offset in range(min((end - start).days, LONGEST_YEAR) + 1):
        day = start + timedelta(days=offset)
        solar.add((day.month, day.day))
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            solar.add((2, 29))
        year, month, lunar_day, leap = to_lunar(day)
        if leap:
            continue  # kept in the ordinary month before
        lunar.add((month, lunar_day))
        if lunar_day == 29 and _lunar_months(year)[month, False][1] == 29:
            lunar.add((month, 30))
    return solar, lunar


def age_on(day, birth):
    """Return the full years between a date of birth and a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
