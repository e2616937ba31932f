"""When somebody is at work, in plain Python: working time of a calendar less times of absence.

Instants are whole seconds as in ``_worktime``.
"""

#: Absences that follow one another are skipped; somebody away so often is away for good.
MAX_STEPS = 50


class Shift:
    """Working time of one person.

    :param work: ``WorkTime`` or ``Wall``
    :param absences: ``[(first instant, first instant after or None for ever)]``
    :param zone: name of the zone in which the person counts days
    """

    __slots__ = ('_absences', '_work', 'zone')

    def __init__(self, work, absences=(), zone='UTC'):
        self._work, self.zone = work, zone
        self._absences = sorted(absences, key=lambda item: item[0])

    def away_until(self, at):
        """Return ``(is away, until when)`` for an instant; until None: for ever. Absences that meet are one."""
        is_away, until = False, at
        for start, stop in self._absences:
            if start > until:
                break
            if stop is None:
                return True, None
            if stop > until:
                is_away, until = True, stop
        return is_away, until if is_away else None

    def is_on(self, at):
        """Return whether the person is at work at an instant."""
        return not self.away_until(at)[0] and self._work.between(at, at + 1) > 0

    def opening(self, at):
        """Return the first instant from ``at`` on at which the person would be at work if he were never absent."""
        return self._work.add(at, 1) - 1

    def next_on(self, at):
        """Return the first instant from ``at`` on at which the person is at work, or None."""
        for _step in range(MAX_STEPS):
            is_away, until = self.away_until(at)
            if is_away and until is None:
                return None
            at = until if is_away else at
            start = self.opening(at)
            if start == at:
                return at
            at = start
            if not self.away_until(at)[0]:
                return at
        return None
