from odoo import fields, models


class RetailClassificationQuality(models.Model):
    """The rule of the data quality: how long what the customer confirmed is taken for true."""

    _inherit = 'retail.classification'

    check_days = fields.Integer(
        string='Contact Data Confirmed For (Days)',
        default=365,
        required=True,
        tracking=True,
        help='Data that the customer confirmed is up to date for so many days, half up to date for as many again, '
        'and then out of date.',
    )

    _check_check_days = models.Constraint(
        'CHECK(check_days BETWEEN 1 AND 3650)',
        'Contact data is taken for confirmed for 1 to 3,650 days.',
    )
