from odoo import fields, models


class ResCompanyComplaint(models.Model):
    _inherit = 'res.company'

    retail_recurrence_days = fields.Integer(
        string='Comes Back Within (Days)',
        default=30,
        help='A complaint of the same customer about the same product or class within this number of days after filing '
        '(or solving) the last one is shown as coming back. 0: never.',
    )
    retail_call_back_days = fields.Integer(
        string='Call Back After (Days)',
        default=3,
        help='This number of days after a complaint was solved, the customer is asked whether he is satisfied.',
    )
    retail_incident_hours = fields.Integer(
        string='Tell of Incidents Within (Hours)',
        default=24,
        help='Authority and customers must be told of a data incident within this number of hours, day and night.',
    )

    _check_retail_complaint_numbers = models.Constraint(
        'CHECK(retail_recurrence_days >= 0 AND retail_call_back_days >= 0 AND retail_incident_hours > 0)',
        'Days cannot be negative, and incidents need at least one hour.',
    )
