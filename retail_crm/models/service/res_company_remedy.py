from odoo import fields, models


class ResCompanyRemedy(models.Model):
    """Times of legal rights and of approval, and from when compensation is worth a second look (defaults 16)."""

    _inherit = 'res.company'

    retail_right_refund_days = fields.Integer(
        string='Return Within (Days)',
        default=7,
        help='So many days after the purchase the customer has a right to return goods that are not in order.',
    )
    retail_right_exchange_days = fields.Integer(
        string='Exchange Within (Days)',
        default=15,
        help='So many days after the purchase the customer has a right to exchange goods that are not in order.',
    )
    retail_right_repair_days = fields.Integer(
        string='Repair Within (Days)',
        default=365,
        help='So many days after the purchase the customer has a right to repair: the warranty.',
    )
    retail_right_online_days = fields.Integer(
        string='Online Return Without Reason (Days)',
        default=7,
        help='So many days after the purchase goods that were ordered online can be returned without a reason.',
    )
    retail_approve_minutes = fields.Integer(
        string='Approve at the Counter Within (Minutes)',
        default=15,
        help='While the customer waits at the counter, somebody else is asked after this number of minutes.',
    )
    retail_approve_hours = fields.Float(
        string='Approve Within (Working Hours)',
        default=4.0,
        help='Otherwise somebody else is asked after this number of working hours.',
    )
    retail_abuse_count = fields.Integer(
        string='Remarkable From (Grants)',
        default=3,
        help='From this number of goodwill grants to one customer within the days below, whoever offers more is told. '
        '0: never.',
    )
    retail_abuse_days = fields.Integer(
        string='Counted Within (Days)',
        default=90,
        help='Days within which goodwill grants to one customer are counted.',
    )
    retail_abuse_percent = fields.Float(
        string='Remarkable From (% of Orders)',
        default=10.0,
        help='When more than this part of the orders of a customer within 12 months led to goodwill, whoever offers more '
        'is told. 0: never.',
    )

    _check_retail_remedy_numbers = models.Constraint(
        'CHECK(retail_right_refund_days >= 0 AND retail_right_exchange_days >= 0'
        ' AND retail_right_repair_days >= 0 AND retail_right_online_days >= 0'
        ' AND retail_approve_minutes > 0 AND retail_approve_hours > 0'
        ' AND retail_abuse_count >= 0 AND retail_abuse_days > 0 AND retail_abuse_percent >= 0)',
        'Days of rights cannot be below zero, and times for approval are above zero.',
    )
