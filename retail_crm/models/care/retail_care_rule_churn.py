from odoo import fields, models


class RetailCareRule(models.Model):
    """How long a rule against churn waits for the purchase that saves a customer."""

    _inherit = 'retail.care.rule'

    save_days = fields.Integer(
        string='Saved Within (Days)',
        help='A customer who buys within so many days of the contact counts as saved. 0: as the company says.',
    )

    _check_save_days = models.Constraint(
        'CHECK(save_days BETWEEN 0 AND 366)', 'Days are no less than 0 and not more than a year.'
    )
