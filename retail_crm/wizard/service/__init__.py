"""Dialogs of the service area."""
