from datetime import timedelta

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_first_contact_days = fields.Integer(
        string='Come Back Within (Days)',
        default=7,
        help='A request counts as solved at first contact when the customer does not come back with it within this number '
        'of days. A change holds for what is solved from then on.',
    )

    _check_retail_first_contact_days = models.Constraint(
        'CHECK(retail_first_contact_days >= 0)', 'Numbers of days cannot be negative.'
    )

    def _retail_watched_until(self, solved_at):
        """Return until when a ticket of one company is watched that was solved at a moment."""
        solved_at = fields.Datetime.to_datetime(solved_at)
        # sudo: how long is watched holds whoever solves it
        return solved_at and solved_at + timedelta(days=self.sudo().retail_first_contact_days)
