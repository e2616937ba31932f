from odoo import fields, models


class ResCompanyReturn(models.Model):
    _inherit = 'res.company'

    retail_refund_post = fields.Boolean(
        string='Post Credit Notes at Once',
        help='Credit notes for refunds and returns are posted by themselves. Otherwise an accountant posts them.',
    )
    retail_return_limit = fields.Monetary(
        string='Returns Approved by Themselves up To',
        default=300,
        help='Returns up to this worth (with tax, of one order together) are approved at once; above, a manager decides.',
    )
    retail_return_days = fields.Integer(
        string='Returns Approved by Themselves Within (Days)',
        default=7,
        help='Only returns within this number of days after the purchase, and with receipt, are approved at once.',
    )
    retail_return_pursue_days = fields.Integer(
        string='Returns Are Pursued After (Working Days)',
        default=5,
        help='A return that is not finished after this number of working days becomes a task of after-sales.',
    )

    _check_retail_return_numbers = models.Constraint(
        'CHECK(retail_return_limit >= 0 AND retail_return_days >= 0 AND retail_return_pursue_days > 0)',
        'Limits of returns cannot be negative, and they are pursued after one working day at the earliest.',
    )
