"""The contacts of customers that count, those of the database and those of this very run, in plain Python."""

from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

#: Days of the two windows, the day itself among them.
WEEK, MONTH = 7, 30


class Contact(NamedTuple):
    """One contact that counts."""

    number: int
    day: object
    purpose: str
    family: str


class Limits(NamedTuple):
    """How often customers of a company may be contacted unasked; 0: not at all."""

    all_week: int
    marketing_week: int
    marketing_month: int
    gaps: dict


class Ledger:
    """Contacts by customer and by address: whoever shares an address shares its limits."""

    def __init__(self):
        self._contacts = defaultdict(dict)

    def add(self, keys, contact):
        """Enter a contact under the keys of its customer; the same one twice is one."""
        for key in keys:
            self._contacts[key][contact.number] = contact

    def _of(self, keys):
        found = {}
        for key in keys:
            found.update(self._contacts.get(key, {}))
        return found.values()

    def exceeded(self, keys, day, purpose, family, limits):
        """Return the first limit that one more contact on a day would break, or None."""
        contacts = [one for one in self._of(keys) if one.day <= day]
        week = [one for one in contacts if one.day > day - timedelta(days=WEEK)]
        if len(week) >= limits.all_week:
            return 'limit_all'
        if purpose == 'marketing':
            if _marketing(week) >= limits.marketing_week:
                return 'limit_week'
            month = [one for one in contacts if one.day > day - timedelta(days=MONTH)]
            if _marketing(month) >= limits.marketing_month:
                return 'limit_month'
        gap = limits.gaps.get(family, 0)
        if gap and any(
            one.family == family and one.day > day - timedelta(days=gap) for one in contacts
        ):
            return 'limit_family'
        return None


def _marketing(contacts):
    return sum(one.purpose == 'marketing' for one in contacts)
