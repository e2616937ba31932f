from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError

GOAL_PERIODS = [('month', 'Month'), ('quarter', 'Quarter'), ('year', 'Year')]

#: New customers that 100 satisfied ones are said to bring (S-NUM-03).
REFERRALS_EXPECTED = 25.0

#: Number of months of the periods that have one.
PERIOD_MONTHS = {'month': 1, 'quarter': 3, 'year': 12}


class RetailProgrammeGoal(models.Model):
    """The goal of a programme: for which period its figures are, and where it stood before (S-LOY-01)."""

    _inherit = 'retail.programme'

    goal_period = fields.Selection(
        selection=GOAL_PERIODS,
        required=True,
        default='month',
        tracking=True,
        help='Period for which the figures of the goal are: numbers of customers or purchases grow with its length.',
    )
    referral_expected = fields.Float(
        string='Referrals Expected of 100 Customers',
        default=REFERRALS_EXPECTED,
        digits=(16, 1),
        help='New customers whom 100 satisfied customers may bring in a year. Evaluations compare it with the real number.',
    )
    evaluation_count = fields.Integer(
        string='Evaluations',
        compute='_compute_evaluation_count',
        help='Snapshots of how the programme did.',
    )

    _check_referral_expected = models.Constraint(
        'CHECK(referral_expected >= 0)', 'The expected number of referrals is not below 0.'
    )

    def _compute_evaluation_count(self):
        counts = dict(
            self.env['retail.programme.evaluation']._read_group(
                [('programme_id', 'in', self.ids)], ['programme_id'], ['__count']
            )
        )
        for programme in self:
            programme.evaluation_count = counts.get(programme, 0)

    def action_measure_baseline(self):
        """Enter the figure of the goal in the period before the programme began as the one to start from.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: for a programme without a first day
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager measures the goal.'))
        self.check_access('write')
        for programme in self:
            programme.goal_baseline = programme._measure_baseline(
                PERIOD_MONTHS[programme.goal_period]
            )

    def action_open_evaluations(self):
        """Open the evaluations of the programme."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_programme_evaluation_action'
        )
        return {**action, 'domain': [('programme_id', '=', self.id)]}

    def _measure_baseline(self, months, days=0):
        """Return the figure of the goal in so many months (or days) before the first day of the programme.

        :raise UserError: for a programme without a first day
        """
        self.ensure_one()
        start = self.date_start
        if not start:
            raise UserError(self.env._('Enter the first day of the programme before.'))
        first = start - (relativedelta(months=months) if months else relativedelta(days=days))
        figures = self.env['retail.programme.evaluation']._measure_customers(
            self.company_id, first, start - timedelta(days=1)
        )
        return self._goal_figure(figures)

    def _goal_figure(self, figures):
        """Return the figure of the goal among the figures of all customers."""
        return {
            'returning': figures['returning_count'],
            'frequency': figures['purchase_count'] / (figures['customer_count'] or 1),
            'amount': figures['amount'] / (figures['purchase_count'] or 1),
        }[self.goal]
