from odoo import fields, models


class RetailMajorItem(models.Model):
    """A point of the emergency plan: copied to each major case as something to do (S-TKT-32)."""

    _name = 'retail.major.item'
    _description = 'Point of the Emergency Plan'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    hours = fields.Float(
        string='Within Hours',
        aggregator=None,
        help='To be done within this many hours, day and night. 0: without a time.',
    )
    note = fields.Text(translate=True, help='What is meant by it.')

    _check_hours = models.Constraint('CHECK(hours >= 0)', 'Hours cannot be negative.')
