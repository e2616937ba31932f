from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_duplicate_hours = fields.Integer(
        string='Compare Tickets of (Hours)',
        default=24,
        help='Open tickets of one customer that came in within this number of hours are shown as possible duplicates. '
        '0: none are.',
    )

    _check_retail_duplicate_hours = models.Constraint(
        'CHECK(retail_duplicate_hours >= 0)', 'Hours cannot be negative.'
    )
