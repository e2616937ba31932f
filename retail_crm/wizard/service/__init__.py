"""Dialogs of the service area."""

from . import base_partner_merge, retail_ticket_back
