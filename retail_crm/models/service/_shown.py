from odoo import fields
from odoo.tools import format_amount, format_date


def shown(record, name):
    """Return the value of a field of one record as lists show it."""
    field, value, env = record._fields[name], record[name], record.env
    if field.type == 'many2one':
        return value.display_name or ''
    if field.type == 'monetary':
        return format_amount(env, value, record[field.get_currency_field(record)])
    if field.type == 'datetime':
        return format_date(env, value and fields.Datetime.context_timestamp(record, value))
    if field.type == 'date':
        return format_date(env, value)
    if field.type == 'selection':
        return dict(field._description_selection(env)).get(value, '')
    return str(value) if field.type == 'integer' else value or ''
