import time
from collections import OrderedDict, deque
from threading import Lock

#: Most callers that are remembered; the oldest are forgotten first.
MAX_CALLERS = 20000


class Limit:
    """Counts calls and refuses too many of one caller.

    Kept in memory by each process: nothing about visitors is stored, and what a request rolls back stays counted. With
    several processes a caller gets at most as many calls more as there are processes.
    """

    def __init__(self, calls, seconds):
        self.calls, self.seconds = calls, seconds
        self._times, self._lock = OrderedDict(), Lock()

    def is_over(self, *caller):
        """Count a call, and return whether the caller had all of his calls already."""
        now = time.monotonic()
        with self._lock:
            times = self._times.setdefault(caller, deque())
            self._times.move_to_end(caller)
            while times and times[0] <= now - self.seconds:
                times.popleft()
            if len(times) >= self.calls:
                return True
            times.append(now)
            while len(self._times) > MAX_CALLERS:
                self._times.popitem(last=False)
        return False

    def forget(self):
        """Forget all callers (tests)."""
        with self._lock:
            self._times.clear()
