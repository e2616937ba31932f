"""Dialogs of the care area."""

from . import retail_care_preview, retail_care_preview_line, retail_care_why, retail_care_why_line

from . import (
    base_partner_merge,
    retail_followup_close,
    retail_followup_contact,
    retail_followup_hand_over,
    retail_followup_snooze,
)

from . import base_partner_merge_churn, retail_followup_lost
