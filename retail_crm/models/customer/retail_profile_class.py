from datetime import timedelta

from odoo import api, fields, models

from ._classes import (
    ABC,
    CHURN_LEVEL,
    COARSE,
    LADDER,
    LIFECYCLE,
    RFM_GROUP,
    STAGE,
    STAR,
    TRACKED,
)

#: Keys of classes by field, from worst to best: the order in which groups are shown.
CLASS_RANKS = {
    name: [key for key, _label in classes]
    for name, classes in {**TRACKED, 'lifecycle_stage': STAGE, 'coarse_class': COARSE}.items()
}
#: The five tests of loyalty: column of the profile and of its weight in the rules.
LOYALTY_TESTS = {
    'loyalty_purchase': 'weight_purchase',
    'loyalty_reference': 'weight_reference',
    'loyalty_interest': 'weight_interest',
    'loyalty_recommend': 'weight_recommend',
    'loyalty_exclusive': 'weight_exclusive',
}
SNOOZE_DAYS = 30


def _score(text):
    return fields.Integer(
        string=text, readonly=True, aggregator='avg', help='From 1 to 5, 5 is best.'
    )


def _test(text):
    return fields.Integer(
        string=text,
        readonly=True,
        aggregator='avg',
        help='From 0 to 100; part of the loyalty score once it is measured.',
    )


class RetailProfileClass(models.Model):
    """The classes of a customer: what they mean is in docs/classes.md, how they are made in ``retail_profile_layers.py``."""

    _name = 'retail.profile'
    _inherit = ['retail.profile', 'retail.class.mixin']

    interval_days = fields.Float(
        string='Own Interval (Days)',
        readonly=True,
        digits=(16, 4),
        aggregator='avg',
        help='Days after which the customer usually buys again: own gaps, mixed with the usual gap of all customers as '
        'long as there are few of them.',
    )
    watch_on = fields.Date(
        string='Watch From', readonly=True, help='Day on which the customer becomes overdue.'
    )
    alert_on = fields.Date(
        string='Alert From', readonly=True, help='Day on which the customer is probably leaving.'
    )
    lapse_on = fields.Date(
        string='Lapsed From', readonly=True, help='Day on which the customer counts as lapsed.'
    )
    lost_on = fields.Date(
        string='Lost From', readonly=True, help='Day on which the customer counts as lost.'
    )
    lifecycle = fields.Selection(
        selection=LIFECYCLE,
        readonly=True,
        group_expand=True,
        help='Where the customer stands between the first purchase and the last.',
    )
    lifecycle_stage = fields.Selection(
        selection=STAGE,
        string='Stage',
        readonly=True,
        group_expand=True,
        help='Introduction: acquire. Growth: retain. Maturity: raise value. Decline: prevent loss; customers who spend '
        'less than the year before are listed here, too.',
    )
    is_falling = fields.Boolean(
        string='Falling',
        readonly=True,
        help='Spends or buys clearly less than in the 12 months before.',
    )
    ladder = fields.Selection(
        selection=LADDER,
        readonly=True,
        help='From a potential customer to one who recommends us.',
    )
    coarse_class = fields.Selection(
        selection=COARSE,
        string='Customer Class',
        readonly=True,
        help='The ladder in three classes.',
    )
    recency_score = _score('Recency Score')
    frequency_score = _score('Frequency Score')
    monetary_score = _score('Monetary Score')
    rfm_code = fields.Char(
        string='RFM',
        readonly=True,
        help='Scores of recency, frequency and amount, each from 1 to 5.',
    )
    rfm_group = fields.Selection(
        selection=RFM_GROUP,
        string='RFM Group',
        readonly=True,
        help='How recent, against how often and how much.',
    )
    abc_class = fields.Selection(
        selection=ABC,
        string='ABC Class',
        readonly=True,
        help='A: the best customers who together bring most of the sales, by what they spent and may spend.',
    )
    star_class = fields.Selection(
        selection=STAR,
        readonly=True,
        help='Value and loyalty: golden both, meteor value only, small star loyalty only, burden neither and at a loss.',
    )
    is_high_value = fields.Boolean(
        string='High Value', readonly=True, help='Among the best by margin of the last 12 months.'
    )
    loyalty_score = fields.Integer(
        readonly=True,
        aggregator='avg',
        help='From 0 to 100: weighted mean of the tests of loyalty that are measured.',
    )
    loyalty_purchase = _test('Buys Repeatedly')
    loyalty_reference = _test('Gives Suggestions')
    loyalty_interest = _test('Follows New Products')
    loyalty_recommend = _test('Recommends Us')
    loyalty_exclusive = _test('Rejects Competitors')
    churn_level = fields.Selection(
        selection=CHURN_LEVEL,
        string='Churn Warning',
        readonly=True,
        help='How far the customer is over the own interval between purchases.',
    )
    clv_past = fields.Monetary(
        string='Customer Value So Far', readonly=True, help='Margin of all purchases.'
    )
    clv_next_12m = fields.Monetary(
        string='Expected Margin, Next 12 Months',
        readonly=True,
        help='Margin per purchase day x 365 / own interval x expected years of the lifecycle stage (Classification Rules).',
    )
    potential_12m = fields.Monetary(
        string='Expected Amount, Next 12 Months',
        readonly=True,
        help='Amount per purchase day x 365 / own interval x expected years of the lifecycle stage.',
    )
    churn_reason = fields.Char(
        compute='_compute_churn_reason',
        help='Why the customer is listed, in words and with its own figures.',
    )
    loyalty_text = fields.Text(
        string='Tests of Loyalty',
        compute='_compute_loyalty_text',
        help='The five tests with their weights, and which of them are not measured yet.',
    )
    clv_text = fields.Char(
        string='How It Is Estimated',
        compute='_compute_clv_text',
        help="The formula of the expected margin with this customer's figures.",
    )
    snoozed_until = fields.Date(
        related='partner_id.retail_snoozed_until', help='No churn warning before this day.'
    )

    _churn_idx = models.Index(
        "(company_id, clv_next_12m DESC, last_order_date) WHERE churn_level IN ('alert', 'watch') OR is_falling IS TRUE"
    )

    # === COMPUTE ===#

    @api.depends('interval_days', 'last_order_date', 'is_falling', 'spend_trend')
    def _compute_churn_reason(self):
        """Say in one sentence how overdue the customer is, and whether amounts fall. Computed: it ages every day."""
        backtests = self.env['retail.profile.backtest']
        for profile in self:
            parts = []
            is_warned = profile.churn_level in ('watch', 'alert')
            if is_warned and profile.interval_days:
                # only here: what day it is costs a query
                days = (profile.company_id._retail_today() - profile.last_order_date).days
                parts.append(
                    self.env._(
                        'Expected every %(interval)s days, last purchase %(days)s days ago: %(ratio)s times the interval.',
                        interval=round(profile.interval_days),
                        days=days,
                        ratio=f'{days / profile.interval_days:.1f}',
                    )
                )
            if profile.is_falling and profile.spend_prev_12m <= 0:
                parts.append(
                    self.env._(
                        'Falling: %(now)s purchases in 12 months, %(before)s in the 12 before.',
                        now=profile.order_count_12m,
                        before=profile.order_count_prev_12m,
                    )
                )
            elif profile.is_falling:
                parts.append(
                    self.env._(
                        'Falling: %(now)s purchases in 12 months, %(before)s in the 12 before; amount %(trend)s %%.',
                        now=profile.order_count_12m,
                        before=profile.order_count_prev_12m,
                        trend=f'{profile.spend_trend:+.0f}',
                    )
                )
            hit_rates = backtests._hit_rates(profile.company_id.id) if is_warned else {}
            if hit_rates.get(profile.churn_level):
                parts.append(
                    self.env._(
                        'Of customers who stood like this before, %(percent)s %% stayed away.',
                        percent=round(hit_rates[profile.churn_level]),
                    )
                )
            profile.churn_reason = ' '.join(parts)

    @api.depends('loyalty_score')
    def _compute_loyalty_text(self):
        Classification = self.env['retail.classification']
        measured = self._measured_tests()
        for profile in self:
            lines = []
            for test, weight in LOYALTY_TESTS.items():
                label = self._fields[test]._description_string(self.env)
                value = profile[test] if test in measured else self.env._('not yet')
                own = Classification._applied_of(profile.company_id.id).get(weight)
                lines.append(
                    self.env._(
                        '%(test)s: %(value)s (weight %(weight)s)',
                        test=label,
                        value=value,
                        weight=own,
                    )
                )
            profile.loyalty_text = '\n'.join(lines) if profile.loyalty_score else False

    @api.depends('clv_next_12m', 'interval_days', 'lifecycle', 'clv_past')
    def _compute_clv_text(self):
        Classification = self.env['retail.classification']
        for profile in self:
            years = Classification._applied_of(profile.company_id.id).get(
                f'years_{profile.lifecycle}'
            )
            if years is None:
                profile.clv_text = False
                continue
            figures = {
                'years': float(years),
                'result': profile.currency_id.format(profile.clv_next_12m or 0.0),
            }
            if profile.interval_days:
                profile.clv_text = self.env._(
                    'Margin per purchase day x 365 / %(interval)s days x %(years)s expected years = %(result)s',
                    interval=round(profile.interval_days, 1),
                    **figures,
                )
            else:
                profile.clv_text = self.env._(
                    'Margin of the last 12 months x %(years)s expected years = %(result)s',
                    **figures,
                )

    @api.model
    def _measured_tests(self):
        """Hook: return the tests of loyalty that some area measures."""
        return {'loyalty_purchase'}

    def _class_ranks(self):
        return {**super()._class_ranks(), **CLASS_RANKS}

    # === ACTIONS ===#

    def action_snooze(self):
        """Keep these customers off the churn list for a month. For all who see them.

        :raise AccessError: for those who may not read the profiles
        """
        self.check_access('read')
        today = self.env.company._retail_today()
        # sudo: checked above; the contact's only field that staff without contact rights write here
        self.partner_id.sudo().retail_snoozed_until = today + timedelta(days=SNOOZE_DAYS)

    def action_unsnooze(self):
        """Put these customers back on the churn list.

        :raise AccessError: for those who may not read the profiles
        """
        self.check_access('read')
        self.partner_id.sudo().retail_snoozed_until = False  # sudo: as in action_snooze
