from markupsafe import Markup

from odoo import api, fields, models


class RetailProgrammeEvaluation(models.Model):
    """How many new customers came by a recommendation, beside what was expected (S-NUM-03)."""

    _inherit = 'retail.programme.evaluation'

    referred_count = fields.Integer(
        string='Referred Customers',
        readonly=True,
        copy=False,
        aggregator=None,
        help='Customers of the company who were recommended and bought for the first time in the period.',
    )
    referral_rate = fields.Float(
        string='Referred of 100 Customers',
        digits=(16, 1),
        readonly=True,
        copy=False,
        aggregator=None,
        help='Referred customers for each 100 customers who bought in the period.',
    )

    @api.model
    def _member_values(self, measures):
        """Count whom recommendations brought."""
        # sudo: the system's figures, a number only
        count = (
            self.env['retail.referral.report']
            .sudo()
            .search_count(
                [
                    ('company_id', '=', self.company_id.id),
                    ('first_order_date', '>=', self.date_from),
                    ('first_order_date', '<=', self.date_to),
                ]
            )
        )
        bought = measures['all', False]['customer_count']
        return {
            **super()._member_values(measures),
            'referred_count': count,
            'referral_rate': 100.0 * count / bought if bought else 0.0,
        }

    def _explanation_html(self):
        """Add what recommendations brought."""
        text = super()._explanation_html()
        if not self.taken_on:
            return text
        return text + Markup('<p>%s</p>') % self.env._(
            'Recommendations brought %(count)s new customers: %(rate)s for each 100 who bought in the period. Expected are '
            '%(expected)s of 100 satisfied customers in a year.',
            count=self.referred_count,
            rate=self._number(self.referral_rate, 1),
            expected=self._number(self.programme_id.referral_expected, 1),
        )
