from odoo import fields, models

#: What tickets and the mails about them ask of a company.
_ASKED = (
    'alias_domain_id',
    'currency_id',
    'name',
    'parent_id',
    'parent_path',
    'partner_id',
    'resource_calendar_id',
    'retail_first_contact_days',
    'retail_mail_limit_body',
    'retail_mail_limit_domain',
    'retail_mail_limit_minutes',
    'retail_mail_limit_reopens',
    'retail_mail_limit_sender',
    'retail_mail_new_customer',
    'retail_remind_days',
    'retail_reopen_days',
)


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_remind_days = fields.Integer(
        string='Remind After (Working Days)',
        default=2,
        help='A customer for whom a request waits is reminded after this number of working days.',
    )
    retail_remind_again_days = fields.Integer(
        string='Remind Again After (Working Days)',
        default=4,
        help='He is reminded again this number of working days after the waiting began.',
    )
    retail_give_up_days = fields.Integer(
        string='Close Unanswered After (Working Days)',
        default=7,
        help='The request is closed, with notice to the customer, this number of working days after the waiting began.',
    )
    retail_silent_factor = fields.Integer(
        string='Silent per Complaint',
        default=20,
        help='How many customers feel the same and say nothing, for each who complains. 20 is what the literature says; '
        'put your own figure.',
    )
    retail_failure_percent = fields.Float(
        string='Cost of a Second Try (%)',
        default=35,
        help='How much more it costs to repair a bad first service than to do it well, in percent. The literature says '
        '25 to 50; put your own figure.',
    )
    retail_ticket_cost = fields.Monetary(
        string='Cost per Request',
        currency_field='currency_id',
        default=30,
        help='What handling one request costs on average; for estimates only.',
    )

    _check_retail_waiting_days = models.Constraint(
        'CHECK(retail_remind_days >= 0 AND retail_remind_again_days >= retail_remind_days '
        'AND retail_give_up_days >= retail_remind_again_days)',
        'The second reminder comes after the first one, and closing after both.',
    )
    _check_retail_estimates = models.Constraint(
        'CHECK(retail_silent_factor >= 0 AND retail_failure_percent >= 0 AND retail_ticket_cost >= 0)',
        'Figures of estimates cannot be negative.',
    )

    def _retail_fetch(self):
        """Read what the desk is about to ask of these companies: of 170 columns these, instead of all of them."""
        self.sudo().fetch(
            _ASKED
        )  # sudo: fills the cache; whoever reads from it is checked as always
