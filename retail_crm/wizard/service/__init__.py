"""Dialogs of the service area."""

from . import (
    base_partner_merge,
    mail_compose_message,
    privacy_lookup_wizard,
    retail_hand_over_mixin,
    retail_calendar_import,
    retail_complaint_overview,
    retail_remedy_decide,
    retail_remedy_offer,
    retail_ticket_answer,
    retail_ticket_ask,
    retail_ticket_back,
    retail_ticket_call,
    retail_ticket_counter,
    retail_ticket_counter_line,
    retail_ticket_counter_remedy,
    retail_ticket_expert,
    retail_ticket_merge_ask,
    retail_ticket_split,
    retail_ticket_hand_over,
)
