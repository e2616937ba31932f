from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_care_save_days = fields.Integer(
        string='Saved Within (Days)',
        default=60,
        help='A customer who was about to leave counts as saved when he buys within so many days of the contact, unless '
        'the rule says otherwise.',
    )
    retail_life_checked_on = fields.Date(
        string='Habits Looked At', readonly=True, help='Day up to which purchases were looked at.'
    )

    _check_retail_care_save_days = models.Constraint(
        'CHECK(retail_care_save_days BETWEEN 1 AND 366)',
        'A customer is saved within 1 to 366 days.',
    )
