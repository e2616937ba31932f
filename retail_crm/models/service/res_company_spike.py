from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_lost_days = fields.Integer(
        string='Lost After a Complaint (Days)',
        default=180,
        help='Who bought before a complaint and nothing for so many days after it counts as lost after the complaint.',
    )

    _check_retail_lost_days = models.Constraint(
        'CHECK(retail_lost_days BETWEEN 7 AND 730)', 'Customers are lost after 7 to 730 days.'
    )
