from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ._classes import ABC, CHURN_LEVEL, COARSE, LADDER, LIFECYCLE, RFM_GROUP, STAGE, STAR

#: Lists of classes by field, from worst to best: the order in which groups are shown.
CLASS_FIELDS = {
    'lifecycle': LIFECYCLE,
    'lifecycle_stage': STAGE,
    'ladder': LADDER,
    'coarse_class': COARSE,
    'rfm_group': RFM_GROUP,
    'abc_class': ABC,
    'star_class': STAR,
    'churn_level': CHURN_LEVEL,
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

    _inherit = 'retail.profile'

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
        "(company_id, churn_level, clv_next_12m DESC NULLS LAST) WHERE churn_level <> 'none'"
    )

    # === COMPUTE ===#

    @api.depends('interval_days', 'last_order_date', 'is_falling', 'spend_trend')
    def _compute_churn_reason(self):
        """Say in one sentence how overdue the customer is, and whether amounts fall. Computed: it ages every day."""
        for profile in self:
            today = profile.company_id._retail_today()
            parts = []
            if profile.churn_level in ('watch', 'alert') and profile.interval_days:
                days = (today - profile.last_order_date).days
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
            profile.churn_reason = ' '.join(parts)

    @api.depends('loyalty_score')
    def _compute_loyalty_text(self):
        rules = self._rules_by_company()
        measured = self._measured_tests()
        for profile in self:
            lines = []
            for test, weight in LOYALTY_TESTS.items():
                label = self._fields[test]._description_string(self.env)
                value = profile[test] if test in measured else self.env._('not yet')
                own = rules.get(profile.company_id.id, {}).get(weight)
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
        rules = self._rules_by_company()
        for profile in self:
            years = rules.get(profile.company_id.id, {}).get(f'years_{profile.lifecycle}')
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

    def _rules_by_company(self):
        """Return ``{company id: rules and figures in force}`` of the companies of these profiles."""
        # sudo: explains figures that the user sees
        rules = self.env['retail.classification'].sudo()
        rules = rules.search([('company_id', 'in', self.company_id.ids)])
        return {record.company_id.id: record.applied or record._rules() for record in rules}

    @api.model
    def _measured_tests(self):
        """Hook: return the tests of loyalty that some area measures."""
        return {'loyalty_purchase'}

    # === ORDER OF CLASSES ===#

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Sort classes from worst to best instead of by their keys."""
        result = super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        if field_name not in CLASS_FIELDS:
            return result
        return SQL(
            '%s %s %s',
            sql_rank(self._field_to_sql(alias, field_name, query), CLASS_FIELDS[field_name]),
            direction,
            nulls if nulls.code else SQL('NULLS LAST'),
        )

    def _read_group_orderby(self, order, groupby_terms, query):
        """Show groups of classes from worst to best."""
        ranked = {
            term: sql_rank(sql, CLASS_FIELDS[term]) if term in CLASS_FIELDS else sql
            for term, sql in groupby_terms.items()
        }
        result = super()._read_group_orderby(order, ranked, query)
        # core may add to what is grouped by
        groupby_terms.update({term: ranked[term] for term in ranked if term not in CLASS_FIELDS})
        return result

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


def sql_rank(sql, classes):
    """Return the position of a class among its list; of nothing: none."""
    return SQL('array_position(%s::varchar[], %s)', [key for key, _label in classes], sql)
