"""Who gets which ticket, in plain Python: tickets in their order, seats with skills, people with loads (R-svc C.3).

Nothing here knows of records. Loads, weights and capacities are whole numbers (hundredths of a ticket), so that two
shares are equal when they are, and not when a machine rounds them so.
"""

from dataclasses import dataclass, field
from fractions import Fraction

#: What became of a ticket that nobody got.
FULL, NOBODY = 'full', 'nobody'


@dataclass(slots=True)
class Seat:
    """A person in a team: what he can do there, and how much."""

    user: int
    #: hundredths of tickets; None: as many as come
    capacity: int | None
    #: who goes first when all else is equal
    order: int
    #: ``{name of a skill: values}``; a skill that is missing or empty is no limit
    skills: dict = field(default_factory=dict)
    companies: frozenset = frozenset()


@dataclass(slots=True)
class Person:
    """What somebody has on his desk over all teams, and since when he got nothing."""

    load: int = 0
    #: any numbers that grow with time; None: never got one
    last: tuple | None = None


@dataclass(slots=True)
class Job:
    """A ticket without owner."""

    key: int
    weight: int
    company: int
    #: ``[(why, seats)]``: the first of them in which somebody is free decides
    tiers: list
    #: ``{name of a skill: the value it takes}``
    needs: dict = field(default_factory=dict)
    #: users who must not get it
    barred: frozenset = frozenset()
    #: users who may read it; None: everybody
    readers: frozenset | None = None


def may_take(job, seat):
    """Return whether somebody may get a ticket at all, however much he has to do."""
    return (
        job.company in seat.companies
        and seat.user not in job.barred
        and (job.readers is None or seat.user in job.readers)
        and all(
            not seat.skills.get(name) or value in seat.skills[name]
            for name, value in job.needs.items()
        )
    )


def is_free(seat, person):
    """Return whether somebody has room for another ticket."""
    return seat.capacity is None or person.load < seat.capacity


def rank(seat, person):
    """Return by what the seats of a tier are sorted: least used capacity, longest idle, then by their order.

    Who has no limit is measured by a hundred tickets.
    """
    used = Fraction(person.load, seat.capacity or 10_000)
    return used, person.last is not None, person.last or (), seat.order


def choose(jobs, people):
    """Return ``{key: (user, why)}``; the user is None for whom nobody was free, ``why`` is then FULL or NOBODY.

    One after the other, with loads and turns updated after each, so that a batch is as fair as single tickets.

    :param jobs: tickets in the order in which they are given out
    :param people: ``{user: Person}``; changed on the way
    """
    result = {}
    for turn, job in enumerate(jobs):
        result[job.key] = (None, NOBODY)
        for why, seats in job.tiers:
            fit = [seat for seat in seats if may_take(job, seat)]
            free = [seat for seat in fit if is_free(seat, people[seat.user])]
            if free:
                seat = min(free, key=lambda one: rank(one, people[one.user]))
                person = people[seat.user]
                person.load += job.weight
                person.last = (1, turn)  # after everything that was before this batch
                result[job.key] = (seat.user, why)
                break
            if fit:
                result[job.key] = (None, FULL)
    return result
