from odoo import api, fields, models
from odoo.tools import SQL, format_date


class RetailCohortReport(models.Model):
    """How many of those who bought first in a month came back, month by month since then.

    Read from profiles and purchases when asked. The cohort of a month is the customers whose first purchase was in it;
    month 0 is that month, in which all of them bought. Every month up to today has a row, also where nobody came back:
    shares of several cohorts add up to the share of all their customers (``retention:avg``).
    """

    _name = 'retail.cohort.report'
    _description = 'Cohort Retention'
    _auto = False
    _order = 'cohort_month desc, month_index, id'
    _depends = {
        'retail.profile': ['partner_id', 'company_id', 'first_order_date'],
        'retail.purchase': ['partner_id', 'company_id', 'date', 'counts'],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    cohort_month = fields.Date(
        string='First Purchase In',
        readonly=True,
        help='Month of the first purchase: the customers of a cohort bought first in the same month.',
    )
    month_index = fields.Integer(
        string='Months Since First Purchase',
        readonly=True,
        aggregator=None,
        help='0 is the month of the first purchase, 1 the month after it.',
    )
    month = fields.Date(
        readonly=True,
        help='The month in which these customers bought again or did not.',
    )
    is_running = fields.Boolean(
        string='Month Not Over',
        readonly=True,
        help='More customers may buy before this month ends.',
    )
    customers = fields.Integer(
        string='Customers Who Bought',
        readonly=True,
        help='How many of the cohort bought in this month.',
    )
    cohort_size = fields.Integer(
        string='Customers of the Cohort',
        readonly=True,
        help='How many bought first in the month of the cohort. Added up over several months, each month counts anew: '
        'how many could have bought.',
    )
    retention = fields.Float(
        string='Retention (%)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Share of the cohort that bought in this month, in percent. Over several cohorts or months: customers who '
        'bought divided by those who could have.',
    )

    @api.depends('cohort_month')
    @api.depends_context('lang')
    def _compute_display_name(self):
        """Name a cohort by its month: "May 2026"."""
        for row in self:
            row.display_name = format_date(self.env, row.cohort_month, date_format='LLLL y')

    def _read_group_select(self, aggregate_spec, query):
        """Weigh shares by the size of the cohorts: the mean of percentages would be wrong."""
        if aggregate_spec != 'retention:avg':
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            'COALESCE(100.0 * SUM(%s) / NULLIF(SUM(%s), 0), 0)',
            self._field_to_sql(self._table, 'customers', query),
            self._field_to_sql(self._table, 'cohort_size', query),
        )

    @property
    def _table_query(self):
        """Return the SELECT of the whole grid of cohorts and months.

        Company and cohort are grouped by at each level and computed from the profile alone, so that PostgreSQL takes
        their filters down to the profiles; a window function or a join of two aggregates would keep them up here.
        """
        return SQL(
            """
            SELECT (cohort.company_id::bigint * 100000 + (cohort.cohort_month - date '1970-01-01')) * 10000
                       + step.number AS id,
                   cohort.company_id,
                   cohort.cohort_month,
                   step.number::int - 1 AS month_index,
                   step.month,
                   step.month + interval '1 month' > %(today)s AS is_running,
                   COALESCE((cohort.bought ->> step.month::text)::int, 0) AS customers,
                   cohort.size AS cohort_size,
                   100.0 * COALESCE((cohort.bought ->> step.month::text)::int, 0) / NULLIF(cohort.size, 0) AS retention
              FROM (
                   SELECT company_id, cohort_month, jsonb_object_agg(month::text, customers) AS bought,
                          COALESCE(max(customers) FILTER (WHERE month = cohort_month), 0) AS size
                     FROM (%(activity)s) AS activity
                    GROUP BY company_id, cohort_month
                   ) AS cohort
             CROSS JOIN LATERAL unnest(%(months)s) WITH ORDINALITY AS step (month, number)
            """,
            today=self._sql_today(SQL('cohort.company_id')),
            activity=self._sql_activity(),
            # Through an array: PostgreSQL takes a bare series for 1000 rows, and would compile such a big query first.
            months=SQL(
                "ARRAY(SELECT generate_series(cohort.cohort_month::timestamp, %s, interval '1 month')::date)",
                self._sql_today(SQL('cohort.company_id')),
            ),
        )

    @api.model
    def _sql_activity(self):
        """Return the SELECT of how many customers of each cohort bought in each month in which any did."""
        return SQL(
            """
            SELECT profile.company_id,
                   date_trunc('month', profile.first_order_date::timestamp)::date AS cohort_month,
                   date_trunc('month', purchase.date::timestamp)::date AS month,
                   count(DISTINCT profile.partner_id) AS customers
              FROM retail_profile AS profile
              JOIN retail_purchase AS purchase
                ON purchase.partner_id = profile.partner_id AND purchase.company_id = profile.company_id
             WHERE profile.first_order_date IS NOT NULL AND purchase.counts AND purchase.date <= %s
             GROUP BY 1, 2, 3
            """,
            self._sql_today(SQL('purchase.company_id')),
        )

    @api.model
    def _sql_today(self, company):
        """Return today's date where the company of this SQL expression is; there are two or three at any moment."""
        companies = self.env['res.company']._retail_roots()
        by_day = companies.grouped(lambda company: company._retail_today())
        *others, last = [
            (day, SQL('WHEN %s = ANY(%s) THEN %s::date', company, group.ids, day))
            for day, group in by_day.items()
        ]
        if not others:
            return SQL('%s::date', last[0])
        return SQL(
            'CASE %s ELSE %s::date END', SQL(' ').join(case for _day, case in others), last[0]
        )
