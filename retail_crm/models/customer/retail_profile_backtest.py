import logging

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, ormcache

from ._classes import CHURN_LEVEL, LIFECYCLE
from .retail_profile_class import CLASS_RANKS

_logger = logging.getLogger(__name__)

#: How far back customers are classed to see what became of them, in months.
BACKTEST_MONTHS = (6, 12)


class RetailProfileBacktest(models.Model):
    """What became of customers classed 6 and 12 months ago: how good the churn warning and the estimates are here.

    Customers are classed as of that day, with rules of today and with what was known then: purchases and population
    of that day. What happened is read from the purchases since. Derived; made anew by every check.
    """

    _name = 'retail.profile.backtest'
    _description = 'Churn Warning Check'
    _inherit = ['retail.class.mixin']
    _order = 'months, lifecycle, churn_level'
    _log_access = False  # derived in bulk; as_of says when

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    months = fields.Selection(
        selection=[(str(months), f'{months} months ago') for months in BACKTEST_MONTHS],
        string='Classed',
        required=True,
        readonly=True,
        help='How long ago the customers were classed.',
    )
    as_of = fields.Date(
        string='Classed On', readonly=True, help='Day for which the customers were classed.'
    )
    lifecycle = fields.Selection(
        selection=LIFECYCLE, readonly=True, help='Lifecycle of the customers on that day.'
    )
    churn_level = fields.Selection(
        selection=CHURN_LEVEL,
        string='Churn Warning',
        readonly=True,
        help='Churn warning for the customers on that day.',
    )
    is_repeat = fields.Boolean(
        string='Had Come Back Before',
        readonly=True,
        help='Customers with two purchase days or more by that day.',
    )
    customers = fields.Integer(readonly=True, help='Customers classed so.')
    silent = fields.Integer(
        string='Stayed Away', readonly=True, help='Of these, how many bought nothing since.'
    )
    silent_percent = fields.Float(
        string='Stayed Away (%)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Of those who were warned about: the hit rate of the warning. In groups it is that of all their customers.',
    )
    expected_margin = fields.Monetary(
        readonly=True, help='Margin expected since that day by the estimate of that day.'
    )
    actual_margin = fields.Monetary(
        readonly=True, help='Margin that these customers brought since.'
    )
    full_margin = fields.Monetary(
        readonly=True,
        help='Margin if all of them had gone on buying at their own interval for the whole time.',
    )
    measured_years = fields.Float(
        readonly=True,
        digits=(16, 2),
        aggregator='avg',
        help='Actual margin divided by the margin at the full interval: what "expected years" were in fact.',
    )

    def _read_group_select(self, aggregate_spec, query):
        """Shares of groups are those of all their customers, not means of shares."""
        parts = {
            'silent_percent:avg': ('silent', 'customers', 100),
            'measured_years:avg': ('actual_margin', 'full_margin', 1),
        }.get(aggregate_spec)
        if not parts:
            return super()._read_group_select(aggregate_spec, query)
        above, below, factor = parts
        return SQL(
            '%s * SUM(%s)::float / NULLIF(SUM(%s), 0)',
            factor,
            self._field_to_sql(self._table, above, query),
            self._field_to_sql(self._table, below, query),
        )

    def _class_ranks(self):
        return {**super()._class_ranks(), **CLASS_RANKS}

    @api.model
    def action_check_now(self):
        """Check the warnings against the past in the background.

        :raise AccessError: for anybody but Retail CRM managers
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can start the check.'))
        cron = self.env.ref('retail_crm.ir_cron_backtest', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._('The check runs in the background.'),
            },
        }

    @api.model
    def _cron_backtest(self):
        """Check each period in a transaction of its own; the same again gives the same rows."""
        cron = self.env['ir.cron']
        for number, months in enumerate(BACKTEST_MONTHS, 1):
            if not self.env['retail.profile']._try_lock():  # the first statement: see _next_batch
                cron._commit_progress(remaining=1)
                return
            self._check(months)
            if not cron._commit_progress(1, remaining=len(BACKTEST_MONTHS) - number):
                return

    @api.model
    def _check(self, months, today=None):
        """Class all customers as of some months ago and count what became of them.

        :param int months: one of ``BACKTEST_MONTHS``
        :param today: the day until which is looked; default: today in each company's zone
        """
        profiles = self.env['retail.profile']
        profiles._flush_sums()
        companies = profiles._take_companies(today)
        for company in companies or []:
            if company.rebuilding:  # half of the purchases are missing: next week
                continue
            until = company.day
            company.day = until - relativedelta(months=months)
            profiles._drop_temporary()
            profiles._collect_sums([company])
            [measured] = profiles._measure_sums([company])
            profiles._derive('retail_profile_fresh', [measured])
            self.env.cr.execute(
                SQL(
                    'DELETE FROM retail_profile_backtest WHERE company_id = %s AND months = %s',
                    company.id,
                    str(months),
                )
            )
            self.env.cr.execute(self._sql_check(measured, months, until))
            profiles._drop_temporary()
        self.invalidate_model()
        self.env.registry.clear_cache()  # of _hit_rates

    def _sql_check(self, company, months, until):
        """Return the INSERT of the rows of one company, from the classes in ``retail_profile_fresh``.

        The full margin leaves the expected years out: margin per purchase day x days of the period / own interval.
        """
        days = (until - company.day).days
        return SQL(
            """
            INSERT INTO retail_profile_backtest (
                   company_id, months, as_of, lifecycle, churn_level, is_repeat, customers, silent, silent_percent,
                   expected_margin, actual_margin, full_margin, measured_years)
            SELECT %(company)s, %(months)s, %(day)s, lifecycle, churn_level, occasions > 1, count(*),
                   count(*) FILTER (WHERE since.bought IS NOT TRUE),
                   100.0 * count(*) FILTER (WHERE since.bought IS NOT TRUE) / count(*),
                   round(sum(clv_next_12m) * %(part)s, %(digits)s), COALESCE(sum(since.margin), 0),
                   COALESCE(round(sum(full_margin), %(digits)s), 0),
                   COALESCE(sum(since.margin), 0) / NULLIF(sum(full_margin), 0)
              FROM (SELECT *, margin_total / occasions * %(days)s / NULLIF(interval_days, 0) AS full_margin
                      FROM retail_profile_fresh WHERE occasions > 0) AS classed
              LEFT JOIN (SELECT partner_id, bool_or(occasion) AS bought, sum(margin) AS margin
                           FROM retail_purchase
                          WHERE company_id = %(company)s AND date > %(day)s AND date <= %(until)s
                          GROUP BY partner_id) AS since USING (partner_id)
             GROUP BY lifecycle, churn_level, occasions > 1
            """,
            company=company.id,
            months=str(months),
            day=company.day,
            until=until,
            days=days,
            part=months / 12,
            digits=company.digits,
        )

    @api.model
    @ormcache('company_id')
    def _hit_rates(self, company_id):
        """Return ``{churn level: percent that stayed away}`` of a company by the latest check, from the cache.

        Of the customers classed 6 months ago, else 12.
        """
        checks = self.sudo()  # sudo: explains a warning that the user sees
        for months in map(str, BACKTEST_MONTHS):
            groups = checks._read_group(
                [('company_id', '=', company_id), ('months', '=', months)],
                ['churn_level'],
                ['silent_percent:avg', 'customers:sum'],
            )
            if any(customers for _level, _percent, customers in groups):
                return {level: percent for level, percent, _customers in groups}
        return {}
