"""Dialogs of the service area."""

from . import retail_calendar_import
