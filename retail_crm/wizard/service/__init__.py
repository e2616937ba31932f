"""Dialogs of the service area."""

from . import retail_calendar_import
from . import base_partner_merge
from . import base_partner_merge, retail_ticket_back
