from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_reopen_days = fields.Integer(
        string='Reopen Within (Days)',
        default=7,
        help='A request that was solved is opened again by an answer of the customer within this number of days; later '
        'answers open a new request that points to the old one. Complaints can be reopened until they are filed.',
    )
    retail_file_days = fields.Integer(
        string='File Satisfied After (Days)',
        default=14,
        help='A solved complaint is filed this number of days after the customer said to be satisfied.',
    )
    retail_file_silent_days = fields.Integer(
        string='File Unanswered After (Days)',
        default=30,
        help='A solved complaint is filed this number of days after solving when the customer said nothing.',
    )

    _check_retail_ticket_days = models.Constraint(
        'CHECK(retail_reopen_days >= 0 AND retail_file_days >= 0 AND retail_file_silent_days >= 0)',
        'Numbers of days cannot be negative.',
    )
