"""Whether tickets are being created: what their lines change is then looked at once, when they are complete.

Before that nobody may be told of a ticket: its followers are only written when all of it is there.
"""

from contextlib import contextmanager
from contextvars import ContextVar

_OPENING = ContextVar('retail_crm_opening', default=False)


@contextmanager
def opening():
    """Tickets are created in this block."""
    token = _OPENING.set(True)
    try:
        yield
    finally:
        _OPENING.reset(token)


def is_opening():
    """Return whether this happens while tickets are created."""
    return _OPENING.get()
