from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import ormcache

_TWO_DIGITS = {'digits': (16, 2), 'required': True}

#: Orders of four thresholds, from the score 2 to the score 5.
BANDS = ('recency', 'frequency', 'monetary')


def _years(stage, default):
    """Return the field of the years that customers of a lifecycle stage are expected to go on buying."""
    return fields.Float(
        string=f'Expected Years: {stage}',
        default=default,
        tracking=True,
        help='Part of the next 12 months during which such a customer is expected to go on buying at the own '
        'interval, from 0 to 1. The yearly check against your own past shows what it really was.',
        **_TWO_DIGITS,
    )


def _weight(test, default):
    """Return the field of the weight of a test of loyalty."""
    return fields.Integer(
        string=test,
        default=default,
        tracking=True,
        help='Weight of this test in the loyalty score.',
    )


def _limit(band, score, default):
    """Return the field of the fixed threshold from which a customer has this score."""
    field_class, text, explanation = {
        'recency': (fields.Integer, 'Bought Within (Days)', 'Days since the last purchase.'),
        'frequency': (fields.Integer, 'Purchase Days', 'In the last 24 months.'),
        'monetary': (fields.Monetary, 'Spent', 'In the last 24 months.'),
    }[band]
    return field_class(
        string=f'Score {score}: {text}', default=default, tracking=True, help=explanation
    )


class RetailClassification(models.Model):
    """The rules by which a company's customers are classed (docs/classes.md), one record per root company.

    Written by managers; a change asks for a full refresh, which is the only one to use new rules. ``applied`` holds
    the rules and population figures that classes were last made with: every other refresh uses those, so that equal
    customers are classed alike on any day.
    """

    _name = 'retail.classification'
    _description = 'Classification Rules'
    _inherit = ['mail.thread']
    _rec_name = 'company_id'
    _order = 'company_id'

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        ondelete='cascade',
        default=lambda self: self.env.company.root_id,
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        tracking=True,
        help='Who answers for these rules.',
    )

    # Lifecycle
    new_days = fields.Integer(
        string='New For (Days)',
        default=90,
        required=True,
        tracking=True,
        help='A customer with one purchase day is new, and one who came back is won back, for so many days.',
    )
    watch_factor = fields.Float(
        string='Watch and At Risk From (x Interval)',
        default=1.5,
        digits=(16, 2),
        required=True,
        tracking=True,
        help="Days since the last purchase divided by the customer's own interval between purchases.",
    )
    alert_factor = fields.Float(
        string='Alert and Lapsed From (x Interval)',
        default=3.0,
        digits=(16, 2),
        required=True,
        tracking=True,
        help="Days since the last purchase divided by the customer's own interval between purchases.",
    )
    lost_factor = fields.Float(
        string='Lost From (x Interval)',
        default=6.0,
        digits=(16, 2),
        required=True,
        tracking=True,
        help='Lost is who is over both limits: this one and the months.',
    )
    lost_months = fields.Integer(
        string='Lost After (Months)',
        default=24,
        required=True,
        tracking=True,
        help='Nobody is called lost before so many months without a purchase.',
    )
    trend_percent = fields.Float(
        string='Rising or Falling From (%)',
        default=20.0,
        tracking=True,
        help='Change of amount or purchases in the last 12 months against the 12 months before.',
        **_TWO_DIGITS,
    )
    trend_orders = fields.Integer(
        string='Purchases Needed for a Trend',
        default=3,
        required=True,
        tracking=True,
        help='Rising needs so many purchases in the last 12 months, falling as many in the 12 months before.',
    )
    mature_percentile = fields.Float(
        string='Mature From Percentile',
        default=60.0,
        tracking=True,
        help='Mature customers spend in 12 months at least what this share of the buyers of these months does not exceed.',
        **_TWO_DIGITS,
    )

    # Ladder
    loyal_orders = fields.Integer(
        string='Loyal From (Purchases)',
        default=4,
        required=True,
        tracking=True,
        help='Purchases that make a loyal follower.',
    )
    loyal_months = fields.Selection(
        selection=[('12', '12 months'), ('24', '24 months'), ('0', 'Ever')],
        string='Loyal Within',
        default='12',
        required=True,
        tracking=True,
        help='Period in which these purchases are counted.',
    )

    # RFM
    rfm_method = fields.Selection(
        selection=[('equal', 'Equal parts'), ('fixed', 'Fixed thresholds')],
        string='RFM Scores By',
        default='equal',
        required=True,
        tracking=True,
        help='Equal parts: five bands of about as many customers, equal customers always together. '
        'Fixed thresholds: the limits below, the same every week.',
    )
    rfm_min_customers = fields.Integer(
        string='Equal Parts Need (Customers)',
        default=50,
        required=True,
        tracking=True,
        help='With fewer buyers fixed thresholds are used.',
    )
    recency_2 = _limit('recency', 2, 365)
    recency_3 = _limit('recency', 3, 180)
    recency_4 = _limit('recency', 4, 90)
    recency_5 = _limit('recency', 5, 30)
    frequency_2 = _limit('frequency', 2, 2)
    frequency_3 = _limit('frequency', 3, 3)
    frequency_4 = _limit('frequency', 4, 5)
    frequency_5 = _limit('frequency', 5, 8)
    monetary_2 = _limit('monetary', 2, 500)
    monetary_3 = _limit('monetary', 3, 1500)
    monetary_4 = _limit('monetary', 4, 4000)
    monetary_5 = _limit('monetary', 5, 10000)

    # Value
    high_value_method = fields.Selection(
        selection=[('share', 'Best share of buyers'), ('amount', 'Margin from an amount')],
        string='High Value By',
        default='share',
        required=True,
        tracking=True,
        help='Who is a high-value customer.',
    )
    high_value_percent = fields.Float(
        string='High Value: Best (%)',
        default=10.0,
        tracking=True,
        help='Buyers of the last 12 months with the greatest margin in these months.',
        **_TWO_DIGITS,
    )
    high_value_amount = fields.Monetary(
        string='High Value: Margin From', tracking=True, help='Margin of the last 12 months.'
    )
    star_value_percent = fields.Float(
        string='Star Classes: Best (%)',
        default=30.0,
        tracking=True,
        help='Golden customers and meteors are among these buyers by margin of the last 12 months.',
        **_TWO_DIGITS,
    )
    star_loyalty_score = fields.Integer(
        string='Star Classes: Loyal From Score',
        default=60,
        required=True,
        tracking=True,
        help='Golden customers and small stars have at least this loyalty score.',
    )
    abc_a_percent = fields.Float(
        string='A: Share of Sales (%)',
        default=70.0,
        tracking=True,
        help='The best customers who together bring this share.',
        **_TWO_DIGITS,
    )
    abc_b_percent = fields.Float(
        string='B: Share of Sales (%)',
        default=20.0,
        tracking=True,
        help='The next best who together bring this share; all others are C.',
        **_TWO_DIGITS,
    )
    abc_potential_percent = fields.Float(
        string='Weight of the Potential (%)',
        default=30.0,
        tracking=True,
        help='The rest is the amount spent in the last 12 months. The potential is the amount expected in the next 12.',
        **_TWO_DIGITS,
    )
    years_new = _years('New', 0.3)
    years_growth = _years('Growth', 0.6)
    years_mature = _years('Mature', 0.8)
    years_won_back = _years('Won Back', 0.5)
    years_at_risk = _years('At Risk', 0.3)
    years_lapsed = _years('Lapsed', 0.1)
    years_lost = _years('Lost', 0.0)

    # Loyalty score
    weight_purchase = _weight('Buys Repeatedly', 40)
    weight_reference = _weight('Gives Suggestions', 15)
    weight_interest = _weight('Follows New Products', 15)
    weight_recommend = _weight('Recommends Us', 20)
    weight_exclusive = _weight('Rejects Competitors', 10)

    applied = fields.Json(
        string='In Force',
        readonly=True,
        copy=False,
        help='Rules and population figures that present classes were made with.',
    )
    applied_on = fields.Date(
        string='Measured On',
        readonly=True,
        copy=False,
        help='Day for which the population figures were measured.',
    )
    is_pending = fields.Boolean(
        string='Waiting for a Full Refresh',
        readonly=True,
        copy=False,
        help='Rules were changed; the classes follow with the next full refresh.',
    )

    limits_text = fields.Text(
        string='Limits in Force',
        compute='_compute_limits_text',
        help='Population figures of the last full refresh, by which customers are classed until the next one.',
    )

    _company_uniq = models.UniqueIndex('(company_id)', 'A company has one set of rules.')
    _check_positive = models.Constraint(
        'CHECK(new_days BETWEEN 1 AND 3650 AND lost_months BETWEEN 1 AND 240 '
        'AND trend_orders >= 0 AND loyal_orders > 0 AND rfm_min_customers >= 0)',
        'Days (at most 3,650), months (at most 240) and purchases must be greater than zero.',
    )
    _check_factors = models.Constraint(
        'CHECK(watch_factor >= 1 AND alert_factor >= watch_factor AND lost_factor BETWEEN alert_factor AND 100)',
        'Each limit must be at least as late as the one before it, from the interval up to a hundred times of it.',
    )
    _check_percents = models.Constraint(
        'CHECK(trend_percent BETWEEN 0 AND 100 AND mature_percentile BETWEEN 0 AND 100 '
        'AND high_value_percent BETWEEN 0.01 AND 100 AND star_value_percent BETWEEN 0.01 AND 100 '
        'AND abc_a_percent > 0 AND abc_b_percent >= 0 AND abc_a_percent + abc_b_percent <= 100 '
        'AND abc_potential_percent BETWEEN 0 AND 100)',
        'Percentages must be between 0 and 100, and A and B together at most 100.',
    )
    _check_years = models.Constraint(
        'CHECK(LEAST(years_new, years_growth, years_mature, years_won_back, years_at_risk, years_lapsed, years_lost) >= 0 '
        'AND GREATEST(years_new, years_growth, years_mature, years_won_back, years_at_risk, years_lapsed, years_lost) <= 1)',
        'Expected years are between 0 and 1.',
    )
    _check_weights = models.Constraint(
        'CHECK(LEAST(weight_purchase, weight_reference, weight_interest, weight_recommend, weight_exclusive) >= 0 '
        'AND weight_purchase > 0)',
        'Weights cannot be negative, and repeated buying must count.',
    )

    @api.constrains(*(f'{band}_{score}' for band in BANDS for score in range(2, 6)))
    def _check_bands(self):
        for rules in self:
            for band in BANDS:
                limits = [rules[f'{band}_{score}'] for score in range(2, 6)]
                if limits != sorted(limits, reverse=band == 'recency'):
                    raise ValidationError(
                        self.env._('The limits of the scores 2 to 5 must each be harder to reach.')
                    )

    @api.depends('applied')
    def _compute_limits_text(self):
        for rules in self:
            rules.limits_text = '\n'.join(rules._limit_lines()) if rules.applied else False

    def _limit_lines(self):
        """Return the population figures in force as sentences."""
        values = self.applied

        def money(name):
            return self.currency_id.format(float(values[name])) if values.get(name) else '-'

        lines = [
            self.env._('Usual gap between purchases: %(days)s days', days=values['gap_days']),
            self.env._('Mature from %(amount)s in 12 months', amount=money('mature_amount')),
            self.env._('High value from a margin of %(amount)s', amount=money('high_margin')),
            self.env._('Star value from a margin of %(amount)s', amount=money('star_margin')),
            self.env._('ABC index: A from %(a)s, B from %(b)s', a=money('abc_a'), b=money('abc_b')),
        ]
        if values.get('rfm_fixed'):
            return [*lines, self.env._('RFM scores: fixed thresholds')]
        return lines + [
            self.env._(
                'RFM score %(score)s: bought since %(date)s; %(days)s purchase days; %(amount)s',
                score=score,
                date=values.get(f'recency_cut_{score}') or '-',
                days=values.get(f'frequency_cut_{score}') or '-',
                amount=money(f'monetary_cut_{score}'),
            )
            for score in range(2, 6)
        ]

    # === RULES ===#

    @api.model
    def _rule_types(self):
        """Hook: return ``{rule: SQL type}`` of the fields that classes depend on."""
        types = {'integer': 'int', 'float': 'numeric', 'monetary': 'numeric', 'selection': 'text'}
        return {
            name: types[field.type]
            for name, field in self._fields.items()
            if field.type in types
            and name not in models.MAGIC_COLUMNS
            and field.store
            and not field.related
            and not name.startswith(('message_', 'website_'))
        }

    @api.model
    def _figure_types(self):
        """Hook: return ``{population figure: SQL type}``, measured by a full refresh and used by all others."""
        return {
            'rfm_fixed': 'bool',
            'measured_on': 'date',
            **{f'recency_cut_{score}': 'date' for score in range(2, 6)},
            **{f'{band}_cut_{score}': 'numeric' for band in BANDS[1:] for score in range(2, 6)},
            'gap_days': 'numeric',
            'mature_amount': 'numeric',
            'star_margin': 'numeric',
            'high_margin': 'numeric',
            'abc_a': 'numeric',
            'abc_b': 'numeric',
        }

    def _rules(self):
        """Return the rules of one company as plain values, as ``applied`` keeps them."""
        self.ensure_one()
        return {
            name: f'{self[name]:.4f}' if kind == 'numeric' else self[name]
            for name, kind in self._rule_types().items()
        }

    @api.model
    def _of_companies(self, company_ids):
        """Return the rules of these root companies; those without any get the shipped ones."""
        # sudo: rules of all companies, for the refresh
        rules = self.sudo().search([('company_id', 'in', list(company_ids))])
        missing = set(company_ids) - set(rules.company_id.ids)
        return rules | self.sudo().create(
            [{'company_id': company_id} for company_id in sorted(missing)]
        )

    @api.model
    def _by_company(self, companies):
        """Return ``{company id: rules}`` of what has the id of a root company."""
        rules = self._of_companies([company.id for company in companies])
        return rules.grouped(lambda record: record.company_id.id)

    @api.model
    @ormcache('company_id')
    def _applied_of(self, company_id):
        """Return rules and figures in force in a root company, from the cache; never to be changed."""
        # sudo: explains figures that the user sees
        rules = self.sudo().search([('company_id', '=', company_id)]) or self.new()
        return rules.applied or rules._rules()

    def _note_applied(self, values, day):
        """Keep what a full refresh made classes with."""
        self.ensure_one()
        changes = {}
        if self.applied != values:
            changes.update(applied=values, applied_on=day)
        if self.is_pending:
            changes['is_pending'] = False
        if changes:
            # sudo: figures of the run; tracking off: nobody changed a rule
            self.sudo().with_context(tracking_disable=True).write(changes)

    def write(self, vals):
        """Ask for a full refresh when a rule changes."""
        rules = set(self._rule_types()) & set(vals)
        before = {record.id: record._rules() for record in self} if rules else {}
        result = super().write(vals)
        if rules or 'applied' in vals:
            self.env.registry.clear_cache()  # of _applied_of
        changed = self.filtered(lambda record: rules and record._rules() != before[record.id])
        if changed:
            super(RetailClassification, changed).write({'is_pending': True})
            self.env['retail.profile']._wake_refresh()
        return result

    # === ACTIONS ===#

    @api.model
    def action_open(self):
        """Open the rules of the current company."""
        self.check_access('read')
        rules = self._of_companies([self.env.company.root_id.id])
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Classification Rules'),
            'res_model': self._name,
            'res_id': rules.id,
            'view_mode': 'form',
            'path': 'retail-classification',
        }

    def action_reset(self):
        """Set all rules to their shipped values."""
        self.check_access('write')
        defaults = {name: self._fields[name].default for name in self._rule_types()}
        self.write({name: default(self) if default else 0 for name, default in defaults.items()})

    def action_use_measured_years(self):
        """Take the expected years that the check against the last 12 months measured, where it had customers.

        :raise UserError: when nothing was measured yet
        """
        self.ensure_one()
        self.check_access('write')
        groups = self.env['retail.profile.backtest']._read_group(
            [('company_id', '=', self.company_id.id), ('months', '=', '12')],
            ['lifecycle'],
            ['measured_years:avg'],
        )
        values = {
            f'years_{lifecycle}': min(max(round(years or 0, 2), 0), 1)
            for lifecycle, years in groups
            if f'years_{lifecycle}' in self._fields and years is not None
        }
        if not values:
            raise UserError(
                self.env._(
                    'Nothing was measured yet: the check needs purchases of more than a year.'
                )
            )
        self.write(values)

    def action_apply(self):
        """Class all customers by these rules in the background, soon.

        :raise AccessError: for those who may not change the rules
        """
        self.check_access('write')
        self.is_pending = True
        self.env['retail.profile']._wake_refresh()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._('Customers are being classed again in the background.'),
            },
        }
