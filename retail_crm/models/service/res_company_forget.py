from odoo import fields, models


class ResCompanyForget(models.Model):
    _inherit = 'res.company'

    retail_keep_years = fields.Integer(
        string='Keep Tickets (Years)',
        default=5,
        help='Tickets that were closed this number of years ago are anonymised: who asked and what was said goes, '
        'figures stay. 0: they are kept as they are.',
    )

    _check_retail_keep_years = models.Constraint(
        'CHECK(retail_keep_years >= 0)', 'A number of years cannot be below zero.'
    )
