"""Numbers in sentences. Plain functions, no database."""

from odoo.tools import float_repr


def number_words(value):
    """Return a number without superfluous zeros."""
    return float_repr(value, 2).rstrip('0').rstrip('.')
