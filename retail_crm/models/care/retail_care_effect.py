from odoo import api, fields, models
from odoo.tools import SQL

from . import _care
from ._effect import ENOUGH, newcombe, sql_difference, sql_roi, sql_share

#: Measures that are not added up: name -> expression of the sums of the others.
RATIOS = {
    'conversion': lambda s: sql_share(s['bought'], s['contacted']),
    'control_conversion': lambda s: sql_share(s['held_bought'], s['held']),
    'difference': lambda s: sql_difference(
        s['bought'], s['contacted'], s['held_bought'], s['held']
    ),
    'difference_low': lambda s: sql_difference(
        s['bought'], s['contacted'], s['held_bought'], s['held'], 'low'
    ),
    'difference_high': lambda s: sql_difference(
        s['bought'], s['contacted'], s['held_bought'], s['held'], 'high'
    ),
    'roi': lambda s: sql_roi(s['margin'], s['cost']),
}
_PARTS = ('contacted', 'held', 'bought', 'held_bought', 'margin', 'cost')


class RetailCareEffect(models.Model):
    """What follow-ups brought, against those who were left out on purpose (S-MKT-06, S-MKT-03).

    One row per company, rule, offer, channel, month and hour; derived from follow-ups and purchases, read only. Bought
    means in both groups: a purchase from the day on which all gates were open, that of the contact, to the last day of
    reaction. Shares, differences and return are computed of the sums of each group, never added up: docs/care-offers.md.
    """

    _name = 'retail.care.effect'
    _description = 'Effect of Follow-Ups'
    _auto = False
    _order = 'month desc, id desc'
    _rec_name = 'rule_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', readonly=True, help='Empty: contacts by hand.'
    )
    offer_id = fields.Many2one(
        comodel_name='retail.offer', readonly=True, help='What was offered, if anything.'
    )
    program_id = fields.Many2one(
        comodel_name='loyalty.program', string='Reward', readonly=True, help='Reward of the offer.'
    )
    kind = fields.Selection(
        selection='_selection_kind',
        string='Kind of Offer',
        readonly=True,
        help='Kind of the offer.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        readonly=True,
        help='Channel that was used. Empty: nobody was contacted.',
    )
    purpose = fields.Selection(selection=_care.PURPOSES, readonly=True, help='Purpose of the rule.')
    family = fields.Selection(selection=_care.FAMILIES, readonly=True, help='Family of the rule.')
    month = fields.Date(readonly=True, help='First day of the month in which it was due.')
    hour = fields.Integer(
        string='Hour of the Day',
        readonly=True,
        aggregator=None,
        help='Hour of the contact where the company is; -1: none.',
    )
    planned = fields.Integer(readonly=True, help='Follow-ups planned, sent or not.')
    contacted = fields.Integer(readonly=True, help='Messages that left, and calls that were made.')
    held = fields.Integer(string='Control Group', readonly=True, help='Left out to compare with.')
    skipped = fields.Integer(string='Not Sent', readonly=True, help='Planned and not sent.')
    reached = fields.Integer(readonly=True, help='Contacted and not told that it failed.')
    reacted = fields.Integer(readonly=True, help='Opened, clicked, answered, came or bought.')
    bought = fields.Integer(readonly=True, help='Contacted who bought within the days of reaction.')
    held_bought = fields.Integer(
        string='Control Group Who Bought',
        readonly=True,
        help='Customers of the control group who bought within the same days.',
    )
    revenue = fields.Monetary(
        readonly=True, help='Purchases of those contacted in these days, net.'
    )
    margin = fields.Monetary(readonly=True, help='Margin of these purchases.')
    coupons_used = fields.Integer(readonly=True, help='Coupons of these contacts that were used.')
    cost = fields.Monetary(
        readonly=True, help='Contacts times cost per contact, plus rewards used times their cost.'
    )
    conversion = fields.Float(
        string='Bought (%)', readonly=True, aggregator='sum', help='Share of those contacted.'
    )
    control_conversion = fields.Float(
        string='Control Bought (%)',
        readonly=True,
        aggregator='sum',
        help='Share of the control group.',
    )
    difference = fields.Float(
        string='Difference (Points)',
        readonly=True,
        aggregator='sum',
        help='How much more of those contacted bought. Empty: fewer than 30 in one of the groups.',
    )
    difference_low = fields.Float(
        string='Difference at Least',
        readonly=True,
        aggregator='sum',
        help='Lower bound of the 95 % interval (Newcombe).',
    )
    difference_high = fields.Float(
        string='Difference at Most',
        readonly=True,
        aggregator='sum',
        help='Upper bound of the 95 % interval (Newcombe).',
    )
    roi = fields.Float(
        string='Return (%)',
        readonly=True,
        aggregator='sum',
        help='(margin - cost) / cost. Empty: it cost nothing.',
    )

    @api.model
    def _selection_kind(self):
        return self.env['retail.offer']._fields['kind']._description_selection(self.env)

    # === ROWS ===#

    @property
    def _table_query(self):
        parts = {name: SQL.identifier('sums', name) for name in _PARTS}
        return SQL(
            'SELECT sums.*, %s FROM (%s) AS sums',
            SQL(', ').join(
                SQL('%s AS %s', ratio(parts), SQL.identifier(name))
                for name, ratio in RATIOS.items()
            ),
            self._sql_sums(),
        )

    def _sql_sums(self):
        """Return the sums of each company, rule, offer, channel, month and hour."""
        return SQL(
            """
            SELECT MIN(one.id) AS id, one.company_id, one.rule_id, one.offer_id, one.program_id, one.kind,
                   one.channel_id, one.purpose, one.family, one.month, one.hour,
                   COUNT(*)::int AS planned,
                   COUNT(*) FILTER (WHERE one.contacted)::int AS contacted,
                   COUNT(*) FILTER (WHERE one.held)::int AS held,
                   COUNT(*) FILTER (WHERE one.state = 'skipped')::int AS skipped,
                   COUNT(*) FILTER (WHERE one.contacted AND one.reached)::int AS reached,
                   COUNT(*) FILTER (WHERE one.contacted AND one.reacted)::int AS reacted,
                   COUNT(*) FILTER (WHERE one.contacted AND one.purchases > 0)::int AS bought,
                   COUNT(*) FILTER (WHERE one.held AND one.purchases > 0)::int AS held_bought,
                   COALESCE(SUM(one.amount) FILTER (WHERE one.contacted), 0) AS revenue,
                   COALESCE(SUM(one.margin) FILTER (WHERE one.contacted), 0) AS margin,
                   COUNT(*) FILTER (WHERE one.contacted AND one.used)::int AS coupons_used,
                   COALESCE(SUM(one.contact_cost) FILTER (WHERE one.contacted), 0)
                   + COALESCE(SUM(one.reward_cost) FILTER (WHERE one.contacted AND one.used), 0) AS cost
              FROM (%s) AS one
             GROUP BY one.company_id, one.rule_id, one.offer_id, one.program_id, one.kind, one.channel_id, one.purpose,
                      one.family, one.month, one.hour
            """,
            self._sql_each(),
        )

    def _sql_each(self):
        """Return each follow-up with what the customer bought in its days of reaction."""
        # sudo: zones of companies
        roots = self.env['res.company'].sudo()._retail_roots()
        return SQL(
            """
            SELECT followup.id, followup.company_id, followup.rule_id, offer.id AS offer_id, offer.program_id, offer.kind,
                   CASE WHEN followup.contacted_at IS NOT NULL THEN followup.channel_id END AS channel_id,
                   followup.purpose, followup.family, followup.state,
                   date_trunc('month', followup.due_on)::date AS month,
                   COALESCE(EXTRACT(hour FROM local.at)::int, -1) AS hour,
                   followup.contacted_at IS NOT NULL AND followup.state <> 'failed' AS contacted,
                   followup.state = 'held' AS held,
                   COALESCE(followup.result, 'reached') NOT IN ('not_reached', 'wrong_address') AS reached,
                   COALESCE(followup.reaction, 'none') <> 'none' AS reacted,
                   COALESCE(followup.coupon_id IS NOT NULL AND EXISTS (
                       SELECT FROM sale_order_line AS line JOIN sale_order AS o ON o.id = line.order_id
                        WHERE line.coupon_id = followup.coupon_id AND o.partner_id IS NOT NULL AND o.state = 'sale'
                   ), false) AS used,
                   offer.contact_cost, offer.reward_cost, bought.purchases, bought.amount, bought.margin
              FROM retail_followup AS followup
              LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
              LEFT JOIN retail_offer AS offer ON offer.id = COALESCE(followup.offer_id, rule.offer_id)
              LEFT JOIN unnest(%(companies)s, %(zones)s) AS zone(company_id, name)
                ON zone.company_id = followup.company_id
             CROSS JOIN LATERAL (
                   SELECT timezone(COALESCE(zone.name, 'UTC'), timezone('UTC', followup.contacted_at)) AS at,
                          timezone(COALESCE(zone.name, 'UTC'), timezone('UTC', followup.done_at)) AS held_at) AS local
             CROSS JOIN LATERAL (
                   SELECT COALESCE(local.at, CASE WHEN followup.state = 'held' THEN local.held_at END,
                                   followup.due_on)::date AS day) AS start
              LEFT JOIN LATERAL (
                   SELECT COUNT(*) AS purchases, SUM(purchase.amount) AS amount, SUM(purchase.margin) AS margin
                     FROM retail_purchase AS purchase
                    WHERE (followup.contacted_at IS NOT NULL OR followup.state = 'held')
                      AND purchase.partner_id = followup.commercial_partner_id
                      AND purchase.company_id = followup.company_id AND purchase.counts
                      AND purchase.date BETWEEN start.day AND start.day + COALESCE(rule.reaction_days, 14)
                   ) AS bought ON true
            """,
            companies=roots.ids,
            zones=[company._retail_timezone() for company in roots],
        )

    @api.model
    def _search(self, domain, *args, **kwargs):
        """Write what the ORM still holds of what the rows are read from."""
        for model in (
            'retail.followup',
            'retail.care.rule',
            'retail.offer',
            'retail.purchase',
            'sale.order.line',
            'sale.order',
        ):
            self.env[model].flush_model()
        # to compile it would take longer than it runs
        self.env.cr.execute(SQL("SELECT set_config('jit', 'off', true)"))
        return super()._search(domain, *args, **kwargs)

    # === GROUPS ===#

    def _read_group_select(self, aggregate_spec, query):
        """Compute shares and returns of the sums of a group."""
        name = aggregate_spec.split(':')[0]
        if name not in RATIOS:
            return super()._read_group_select(aggregate_spec, query)
        return RATIOS[name](
            {part: SQL('SUM(%s)', self._field_to_sql(self._table, part, query)) for part in _PARTS}
        )

    @api.model
    def _effect_of(self, domain):
        """Return ``(measures, sentence)`` of what these rows brought: for rules, offers and other reports."""
        names = ('contacted', 'held', 'bought', 'held_bought', 'revenue', 'margin', 'cost')
        [row] = self._read_group(domain, [], [f'{name}:sum' for name in names])
        sums = dict(zip(names, (value or 0 for value in row), strict=True))
        return sums, self._effect_sentence(sums)

    @api.model
    def _effect_sentence(self, sums):
        """Say the difference to the control group in words; "too few" says that it says nothing yet."""
        if min(sums['contacted'], sums['held']) < ENOUGH:
            return self.env._(
                'Too few to compare: %(contacted)s contacted, %(held)s in the control group; at least %(enough)s each.',
                contacted=sums['contacted'],
                held=sums['held'],
                enough=ENOUGH,
            )
        value, low, high = newcombe(
            sums['bought'], sums['contacted'], sums['held_bought'], sums['held']
        )
        words = {
            'value': f'{100 * value:+.1f}',
            'low': f'{100 * low:+.1f}',
            'high': f'{100 * high:+.1f}',
        }
        if low <= 0 <= high:
            return self.env._(
                'No proven effect: %(value)s points, 95 %% between %(low)s and %(high)s.', **words
            )
        return self.env._(
            'Bought more often by %(value)s points, 95 %% between %(low)s and %(high)s.', **words
        )
