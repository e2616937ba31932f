"""Dialogs of the service area."""

from . import base_partner_merge_incident, retail_ticket_back
