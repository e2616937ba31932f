"""How long a ticket took and who was waited for, from its log, in plain Python without the ORM (R-svc C.5).

Instants are seconds, see ``_worktime``. A stage holds until the next one; what is before the start counts as of the start.
"""

from .retail_ticket_flow import DONE_CATEGORIES
from .retail_ticket_stage import OPEN_CATEGORIES

#: Categories in which the customer waits for us, in which we wait for him, and in which we wait for others.
WAITS = {
    'requester': ('new', 'open', 'on_hold'),
    'agent': ('waiting',),
    'hold': ('on_hold',),
}


def spells(stages, received):
    """Return ``[(from, until, category)]`` of the open categories, and the instants at which it was solved.

    :param stages: ``[(instant, category)]`` in the order of the log
    :param received: instant at which the ticket began
    """
    result, solved = [], []
    before, since = None, received
    for at, category in stages:
        at = max(at, received)
        if before in OPEN_CATEGORIES and at > since:
            result.append((since, at, before))
        if category in DONE_CATEGORIES and before not in DONE_CATEGORIES:
            solved.append(at)
        before, since = category, at
    return result, solved


def times(stages, received, answered, entered=None):
    """Return the seconds of a ticket as ``{name: function of a working time}``'s arguments: lists of ``(from, until)``.

    :param answered: instant of the first answer of a person, or None
    :param entered: instant of the solution of a ticket that was over when it was entered
    """
    if entered is not None:
        stages = [(received, 'new'), (entered, 'solved'), *stages[1:]]
    held, solved = spells(stages, received)
    if not solved:
        return {}
    result = {
        'answer': [(received, answered)] if answered is not None else None,
        'first_solve': [(received, solved[0])],
        # open again: there is no last solution
        'solve': [(received, solved[-1])] if stages[-1][1] in DONE_CATEGORIES else None,
    }
    for name, categories in WAITS.items():
        result[name] = [
            (start, stop)
            for start, stop, category in held
            if category in categories and stop <= solved[-1]
        ]
    return result
