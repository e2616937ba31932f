from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ._safely import safely
from ._spike import expected_count, is_spike, rate_of

#: Dimension -> the columns of complaints and sales that make its values. Those without sales share all orders.
_COLUMNS = {
    'product': ('product_id',),
    'lot': ('product_id', 'lot'),
    'category': ('categ_id',),
    'store': ('store_id',),
    'class': ('class_id',),
    'reason': ('reason_id',),
    'cause': ('cause_id',),
}
_BY_PIECES = ('product', 'lot', 'category')
_WITHOUT_SALES = ('class', 'reason', 'cause')
_BATCH = 500


class RetailSpikeRuleRun(models.Model):
    """The evaluation of rules: one statement per rule finds the candidates, ``_spike.py`` decides, alerts are opened once."""

    _inherit = 'retail.spike.rule'

    # === WHEN ===#

    @api.model
    def _cron_night(self):
        """Evaluate every rule for everything; a rule that fails holds up no others."""
        self._safely_evaluate(self.search([('active', '=', True)]))

    @api.model
    def _cron_changed(self):
        """Evaluate the rules for what changed complaints are about; commits per batch."""
        cron, tickets = self.env['ir.cron'], self.env['retail.ticket']
        domain = [('is_spike_pending', '=', True)]
        cron._commit_progress(remaining=tickets.search_count(domain))
        while changed := tickets.with_context(active_test=False).search(
            domain, limit=_BATCH, order='id'
        ):
            self._evaluate_changed(changed)
            if not cron._commit_progress(len(changed)):
                break

    def _on_ticket_opened(self, moments):
        """New complaints may be one too many of what they are about."""
        # sudo: the system's own look at what happened
        self.sudo()._evaluate_changed(
            self.env['retail.ticket'].sudo().browse(moments.mapped('res_id')).exists()
        )

    @api.model
    def _evaluate_changed(self, tickets):
        tickets.filtered('is_spike_pending')._stamp({'is_spike_pending': False})
        if complaints := tickets.filtered('is_complaint'):
            self._safely_evaluate(self.search([('active', '=', True)]), complaints.ids)

    @api.model
    def _safely_evaluate(self, rules, ticket_ids=None):
        safely(rules, lambda some: some._evaluate(ticket_ids), lambda _rule, _error: None)

    # === WORK ===#

    def _evaluate(self, ticket_ids=None):
        """Open alerts where complaints are more than usual, and refresh those that are open.

        :param ticket_ids: only what these complaints are about; None: everything
        :return: new alerts
        """
        alerts = self.env['retail.spike.alert']
        self.env['retail.complaint.rate']._flush_rows()
        self.env['retail.purchase']._flush_sources()
        self.env['retail.spike.alert'].flush_model()
        for rule in self:
            found = [values for row in rule._candidates(ticket_ids) if (values := rule._judge(row))]
            alerts += self.env['retail.spike.alert']._open(rule, found)
        alerts._act()
        return alerts

    def _judge(self, row):
        """Return the values of the alert of one candidate, or None."""
        sold = {'recent': row['sold_recent'], 'before': row['sold_before']}
        if self.dimension not in _WITHOUT_SALES:
            sold |= {'all': row['sold_all'], 'all_before': row['all_before']}
        expected = expected_count(row['before'], self.window_days, self.baseline_days, sold)
        pieces = (sold['recent'] or 0) + (sold['before'] or 0)
        rate = rate_of(row['recent'], pieces)
        spike, chance = is_spike(row['recent'], expected, rate, self._limits())
        if not spike:
            return None
        return {
            **{name: row[name] for name in ('company_id', 'value_key', 'recent', 'before')},
            **{name: row[name] for name in _COLUMNS[self.dimension]},
            'expected': expected,
            'sold': pieces,
            'rate': rate or 0.0,
            'chance': chance,
        }

    def _candidates(self, ticket_ids=None):
        """Return a dict for each value with enough complaints, with what was sold: one statement.

        Complaints before the last alert on a value was closed do not count again.
        """
        now = fields.Datetime.now()
        since = now - timedelta(days=self.window_days)
        start = since - timedelta(days=self.baseline_days)
        columns = _COLUMNS[self.dimension]
        named = {name: SQL.identifier(name) for name in columns}
        sold_key, sold_measure = self._sql_sold_key()
        rows = self.env.execute_query(
            SQL(
                """
                WITH c AS MATERIALIZED (
                    SELECT company_id, ticket_key, received_at, %(columns)s, %(key)s AS value_key
                      FROM (%(complaints)s) AS row
                     WHERE received_at > %(start)s AND received_at <= %(now)s AND %(key)s IS NOT NULL %(company)s
                ), hit AS MATERIALIZED (
                    SELECT c.company_id, c.value_key, %(first)s,
                           COUNT(DISTINCT c.ticket_key) FILTER (
                               WHERE c.received_at > GREATEST(%(since)s, closed.at)) AS recent,
                           COUNT(DISTINCT c.ticket_key) FILTER (WHERE c.received_at <= %(since)s) AS before
                      FROM c
                 LEFT JOIN (SELECT company_id, value_key, MAX(closed_at) AS at
                              FROM retail_spike_alert
                             WHERE rule_id = %(rule)s AND state = 'closed'
                             GROUP BY company_id, value_key) AS closed
                        ON closed.company_id = c.company_id AND closed.value_key = c.value_key
                     %(only)s
                     GROUP BY c.company_id, c.value_key
                    HAVING COUNT(DISTINCT c.ticket_key) FILTER (
                               WHERE c.received_at > GREATEST(%(since)s, closed.at)) >= %(min_count)s
                ), s AS MATERIALIZED (
                    SELECT company_id, date, purchase_id, quantity, %(sold_key)s AS value_key
                      FROM (%(sold)s) AS row
                     WHERE date > %(start)s::date AND date <= %(now)s::date AND %(sold_key)s IS NOT NULL
                       AND company_id IN (SELECT company_id FROM hit)
                )
                SELECT hit.*, sold.recent, sold.before, total.number, usual.number
                  FROM hit
             LEFT JOIN (SELECT company_id, value_key,
                               %(measure)s FILTER (WHERE date > %(since)s::date) AS recent,
                               %(measure)s FILTER (WHERE date <= %(since)s::date) AS before
                          FROM s GROUP BY company_id, value_key) AS sold
                    ON sold.company_id = hit.company_id AND sold.value_key IN (hit.value_key, '*')
             LEFT JOIN (SELECT company_id, %(measure)s AS number FROM s GROUP BY company_id) AS total
                    ON total.company_id = hit.company_id
             LEFT JOIN (SELECT company_id, COUNT(DISTINCT ticket_key) AS number FROM c
                         WHERE received_at <= %(since)s GROUP BY company_id) AS usual
                    ON usual.company_id = hit.company_id
                 ORDER BY hit.company_id, hit.value_key
                """,
                columns=SQL(', ').join(named.values()),
                first=SQL(', ').join(
                    SQL('MIN(c.%s) AS %s', column, column) for column in named.values()
                ),
                key=_sql_key(columns),
                sold_key=sold_key,
                measure=sold_measure,
                complaints=self.env['retail.complaint.rate']._sql_rows(),
                sold=self.env['retail.sold.line']._sql_rows(),
                company=SQL('AND company_id = %s', self.company_id.sudo().root_id.id)
                if self.company_id
                else SQL(),
                only=SQL(
                    'WHERE c.value_key IN (SELECT value_key FROM c WHERE ticket_key = ANY(%s))',
                    list(ticket_ids),
                )
                if ticket_ids is not None
                else SQL(),
                rule=self.id,
                min_count=self.min_count,
                start=start,
                since=since,
                now=now,
            )
        )
        names = ['company_id', 'value_key', *columns, 'recent', 'before']
        names += ['sold_recent', 'sold_before', 'sold_all', 'all_before']
        return [dict(zip(names, row, strict=True)) for row in rows]

    def _sql_sold_key(self):
        """Return ``(value, measure)`` of sales: pieces of the same goods, orders of the same store, else all orders."""
        pieces, orders = SQL('SUM(quantity)'), SQL('COUNT(DISTINCT purchase_id)')
        if self.dimension in _WITHOUT_SALES:
            return SQL("'*'"), orders
        columns = _COLUMNS[self.dimension]
        return _sql_key(columns), pieces if self.dimension in _BY_PIECES else orders


def _sql_key(columns):
    """Return the text by which a value is known; NULL when a part of it is."""
    return SQL(" || ':' || ").join(SQL('%s::varchar', SQL.identifier(name)) for name in columns)
