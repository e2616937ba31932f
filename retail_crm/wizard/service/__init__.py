"""Dialogs of the service area."""

from . import (
    retail_ticket_counter,
    retail_ticket_counter_line,
    retail_ticket_call,
)
