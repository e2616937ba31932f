"""Dialogs of the care area."""

from . import (
    base_partner_merge,
    retail_followup_close,
    retail_followup_contact,
    retail_followup_hand_over,
    retail_followup_snooze,
)
