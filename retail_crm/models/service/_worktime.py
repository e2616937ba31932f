"""Working time in plain Python: seconds between two instants, and the instant when so many seconds are over.

Instants are whole seconds since 1970 in UTC, so that no zone and no change of the clocks is left to think of: the zone
was applied when the intervals were made.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from itertools import accumulate

_EPOCH = datetime(1970, 1, 1)
#: Intervals are made and kept in pieces of this length: the same pieces whoever asks, so they can be kept.
PIECE = 91 * 86_400
#: A plan that does not fit into so many pieces goes on day and night: nothing looks for working hours for ever.
MAX_PIECES = 16


def instant(value):
    """Return a datetime of the ORM (UTC without zone) as an instant; microseconds are cut off as by the ORM."""
    return value and int((value - _EPOCH).total_seconds())


def moment_of(value):
    """Return an instant as a datetime of the ORM (UTC without zone), nothing as ``False``."""
    return _EPOCH + timedelta(seconds=value) if value is not None else False


class Wall:
    """Time that runs day and night."""

    def between(self, start, stop):
        """Return the seconds from ``start`` to ``stop``, 0 when that is earlier."""
        return max(0, stop - start)

    def add(self, start, seconds):
        """Return the first instant at which ``seconds`` are over since ``start``."""
        return start + seconds


class Piece:
    """Sorted, separate intervals of work, as lists to search in."""

    __slots__ = ('before', 'starts', 'stops', 'total', 'until')

    def __init__(self, intervals):
        self.starts = [start for start, _stop in intervals]
        self.stops = [stop for _start, stop in intervals]
        #: seconds of work until the end of each interval, and until its start
        self.until = list(accumulate(stop - start for start, stop in intervals))
        self.before = [0, *self.until[:-1]]
        self.total = self.until[-1] if intervals else 0

    def done(self, at):
        """Return the seconds of work of this piece before an instant."""
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.stops[index]) - self.starts[index]

    def when(self, seconds):
        """Return the first instant at which so many seconds of this piece are over, at least one."""
        index = bisect_left(self.until, seconds)
        return self.stops[index] - (self.until[index] - seconds)


class WorkTime:
    """Time of a calendar: only its intervals of work count.

    :param piece: function that returns the ``Piece`` of a number: the work between ``number * PIECE`` and the next one.
        It is asked for the pieces that are needed, and only then.
    """

    __slots__ = ('_piece',)

    def __init__(self, piece):
        self._piece = piece

    def between(self, start, stop):
        """Return the seconds of work from ``start`` to ``stop``, 0 when that is earlier."""
        if stop <= start:
            return 0
        first, last = start // PIECE, stop // PIECE
        result = self._piece(last).done(stop) - self._piece(first).done(start)
        return result + sum(self._piece(number).total for number in range(first, last))

    def add(self, start, seconds):
        """Return the first instant at which ``seconds`` of work are over since ``start``; that itself for none."""
        if seconds <= 0:
            return start
        first = start // PIECE
        left = seconds + self._piece(first).done(start)
        for number in range(first, first + MAX_PIECES):
            piece = self._piece(number)
            if left <= piece.total:
                return piece.when(left)
            left -= piece.total
        return (first + MAX_PIECES) * PIECE + left
