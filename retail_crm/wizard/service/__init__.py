"""Dialogs of the service area."""

from . import (
    mail_compose_message,
    retail_calendar_import,
    retail_complaint_overview,
    retail_ticket_answer,
    retail_ticket_ask,
    retail_ticket_expert,
)
