import logging
from collections import namedtuple
from datetime import timedelta

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, groupby

from .res_partner import CARD_FIELDS, PROFILE_FIELDS

_logger = logging.getLogger(__name__)

#: Weight of the usual gap of all customers against one gap of the customer's own (R-loy C.6).
GAP_WEIGHT = 2
#: No customer is expected back sooner, in days (R-loy C.6).
GAP_FLOOR = 7
#: Customers refreshed per transaction by the scheduled action.
REFRESH_BATCH = 10_000
#: Days after which all customers are compared with each other again.
FULL_REFRESH_DAYS = 7
LOCK_KEY = 'retail_crm.profile'

#: What the figures of a company depend on: id, today (or as of), usual gap in days, decimal places of its currency.
CompanyRow = namedtuple('CompanyRow', 'id day gap_days digits')


class RetailProfileRefresh(models.Model):
    """The refresh pipeline: figures, then the merge of what differs. The same for one customer or for all."""

    _inherit = 'retail.profile'

    @api.model
    def _try_lock(self):
        """Take the turn to derive figures until the end of the transaction.

        :return: whether this transaction has it; if not, whoever asked stays dirty and asks again
        """
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    @api.model
    def _refresh(self, partners=None, as_of=None):
        """Derive figures again and write what differs.

        :param partners: customers (commercial partners; others are ignored), or None for all of them. Only a run over
            all of them measures the usual gap between purchases, which the others use.
        :param as_of: the day for which figures are made; default: today in each company's zone
        :return: number of rows written or removed, or None when another process has the turn
        """
        if partners is not None and not partners:
            return 0
        self.env['retail.purchase'].flush_model()
        self.env['res.partner'].flush_model(['retail_customer', 'commercial_partner_id'])
        companies = self._take_companies(as_of)
        if companies is None:
            return None
        changed = 0
        for day, group in groupby(companies, lambda row: row.day):
            if partners is None:
                changed += self._refresh_all(group, day)
            else:
                changed += self._refresh_some(group, day, partners)
        self._forget_figures()
        self._note_time(full=partners is None, changed=changed)
        return changed

    def _take_companies(self, as_of):
        """Take the turn (see ``_try_lock``) and read what the companies' figures depend on, in one query.

        :return: a list of ``CompanyRow`` of all companies that are no branches, or None when another has the turn
        """
        self.env['res.company'].flush_model(
            ['parent_id', 'retail_gap_days', 'resource_calendar_id', 'currency_id']
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company.id, calendar.tz, company.retail_gap_days, currency.decimal_places,
                       pg_try_advisory_xact_lock(hashtext(%s))
                  FROM res_company AS company
                  JOIN res_currency AS currency ON currency.id = company.currency_id
                  LEFT JOIN resource_calendar AS calendar ON calendar.id = company.resource_calendar_id
                 WHERE company.parent_id IS NULL
                 ORDER BY company.id
                """,
                LOCK_KEY,
                to_flush=self.env['resource.calendar']._fields['tz'],
            )
        )
        if not all(row[-1] for row in rows):
            return None
        now = pytz.utc.localize(fields.Datetime.now())
        return [
            CompanyRow(
                company_id,
                as_of or now.astimezone(pytz.timezone(zone or 'UTC')).date(),
                gap or 0,
                digits,
            )
            for company_id, zone, gap, digits, _locked in rows
        ]

    def _forget_figures(self):
        """Have the ORM read figures anew, also where contacts and orders show them."""
        self.invalidate_model()
        self.env['res.partner'].invalidate_model(
            ['retail_profile_id', *PROFILE_FIELDS], flush=False
        )
        self.env['sale.order'].invalidate_model(['retail_profile_id', *CARD_FIELDS], flush=False)

    def _note_time(self, full, changed):
        """Note when figures were computed: always by a full run, else at most every quarter of an hour.

        The company's row is everybody's: written with every batch, it would make transactions abort each other.
        """
        if not full and not (changed and self.env.context.get('cron_id')):
            return
        now = fields.Datetime.now()
        companies = self.env['res.company']._retail_roots()
        if full:
            companies.write({'retail_refreshed_at': now, 'retail_full_refreshed_at': now})
        else:
            late = now - timedelta(minutes=15)
            companies.filtered(
                lambda company: (
                    not company.retail_refreshed_at or company.retail_refreshed_at < late
                )
            ).retail_refreshed_at = now

    def _refresh_all(self, companies, day):
        """Derive all customers of these companies: a parallel temporary table, then the merge.

        ``CREATE TABLE AS`` runs in parallel where ``INSERT ... SELECT`` never does.
        """
        cr = self.env.cr
        cr.execute(SQL('DROP TABLE IF EXISTS retail_profile_aggregate, retail_profile_fresh'))
        cr.execute(
            SQL(
                'CREATE TEMPORARY TABLE retail_profile_aggregate ON COMMIT DROP AS %s',
                self._sql_aggregate(companies, day),
            )
        )
        # Without statistics the joins with the customers would be loops over a million of them.
        cr.execute(SQL('ANALYZE retail_profile_aggregate (partner_id, company_id)'))
        companies = self._measure_gaps(companies)
        cr.execute(
            SQL(
                'CREATE TEMPORARY TABLE retail_profile_fresh ON COMMIT DROP AS %s',
                self._sql_figures(SQL('retail_profile_aggregate'), companies, day),
            )
        )
        cr.execute(SQL('ANALYZE retail_profile_fresh'))
        cr.execute(
            SQL(
                """
                DELETE FROM retail_profile AS profile
                 WHERE company_id = ANY(%s) AND NOT EXISTS (
                       SELECT FROM retail_profile_fresh AS fresh
                        WHERE fresh.partner_id = profile.partner_id AND fresh.company_id = profile.company_id)
                """,
                [company.id for company in companies],
            )
        )
        removed = cr.rowcount
        cr.execute(self._sql_merge(SQL('retail_profile_fresh')))
        changed = removed + cr.rowcount
        cr.execute(SQL('DROP TABLE retail_profile_aggregate, retail_profile_fresh'))
        _logger.info('%s customer profiles written or removed', changed)
        return changed

    def _refresh_some(self, companies, day, partners):
        """Derive these customers in one statement."""
        figures = self._sql_figures(
            SQL('(%s)', self._sql_aggregate(companies, day, partners.ids)), companies, day
        )
        [(changed,)] = self.env.execute_query(
            SQL(
                """
                WITH fresh AS MATERIALIZED (%(figures)s),
                gone AS (
                    DELETE FROM retail_profile AS profile
                     WHERE partner_id = ANY(%(partners)s) AND company_id = ANY(%(companies)s) AND NOT EXISTS (
                           SELECT FROM fresh
                            WHERE fresh.partner_id = profile.partner_id AND fresh.company_id = profile.company_id)
                    RETURNING id
                ),
                merged AS (%(merge)s RETURNING id)
                SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM merged)
                """,
                figures=figures,
                partners=partners.ids,
                companies=[company.id for company in companies],
                merge=self._sql_merge(SQL('fresh')),
            )
        )
        return changed

    def _measure_gaps(self, companies):
        """Store the usual gap between purchases, by which customers with few purchases are judged, and return it.

        Mean over customers with at least two purchase days of their own mean gap: the definition that reproduces the
        published hit rates of R-loy C.6 (flagged 615 / 494 / 421 / 304 / 181 on the CDNOW sample).
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT retail_profile_aggregate.company_id, avg((last_order_date - first_order_date)::numeric / (occasions - 1))
                  FROM retail_profile_aggregate
                  JOIN res_partner AS partner ON partner.id = partner_id AND partner.retail_customer IS NOT FALSE
                 WHERE occasions > 1
                 GROUP BY retail_profile_aggregate.company_id
                """
            )
        )
        gaps = {company_id: round(float(gap), 4) for company_id, gap in rows}
        measured = [row._replace(gap_days=gaps.get(row.id, 0)) for row in companies]
        for old, new in zip(companies, measured, strict=True):
            if old.gap_days != new.gap_days:
                self.env['res.company'].sudo().browse(
                    new.id
                ).retail_gap_days = new.gap_days  # sudo: run figures
        return measured

    # === SQL ===#

    def _sql_aggregate(self, companies, day, partner_ids=None):
        """Return the SELECT that adds up purchases per customer and company.

        Windows are (D - 12 months, D] and (D - 24 months, D - 12 months]; purchases after D wait for their day. The
        oldest dates of both windows and the next future date tell when a figure changes by time.
        """
        year, two_years = day - relativedelta(months=12), day - relativedelta(months=24)
        return SQL(
            """
            SELECT partner_id, company_id,
                   min(date) FILTER (WHERE counts AND date <= %(day)s) AS first_order_date,
                   max(date) FILTER (WHERE counts AND date <= %(day)s) AS last_order_date,
                   count(*) FILTER (WHERE counts AND date <= %(day)s) AS order_count,
                   count(*) FILTER (WHERE counts AND date > %(year)s AND date <= %(day)s) AS order_count_12m,
                   count(*) FILTER (WHERE counts AND date > %(two_years)s AND date <= %(year)s)
                       AS order_count_prev_12m,
                   COALESCE(sum(amount) FILTER (WHERE date <= %(day)s), 0) AS spend_total,
                   COALESCE(sum(amount) FILTER (WHERE date > %(year)s AND date <= %(day)s), 0) AS spend_12m,
                   COALESCE(sum(amount) FILTER (WHERE date > %(two_years)s AND date <= %(year)s), 0)
                       AS spend_prev_12m,
                   COALESCE(sum(margin) FILTER (WHERE date > %(year)s AND date <= %(day)s), 0) AS margin_12m,
                   count(*) FILTER (WHERE occasion AND date <= %(day)s) AS occasions,
                   min(date) FILTER (WHERE date > %(day)s) AS next_date,
                   min(date) FILTER (WHERE date > %(year)s AND date <= %(day)s) AS oldest_12m,
                   min(date) FILTER (WHERE date > %(two_years)s AND date <= %(year)s) AS oldest_prev_12m
              FROM retail_purchase
             WHERE company_id = ANY(%(companies)s) %(only)s
             GROUP BY partner_id, company_id
            """,
            day=day,
            year=year,
            two_years=two_years,
            companies=[company.id for company in companies],
            only=SQL() if partner_ids is None else SQL('AND partner_id = ANY(%s)', partner_ids),
        )

    def _figure_columns(self):
        """Hook: return ``{column of retail_profile: SQL}`` over ``sums`` (see ``_sql_aggregate``) and ``company``.

        Everything the refresh stores is named here; later steps and areas add their columns by inheritance.
        """
        columns = {
            name: SQL.identifier('sums', name)
            for name in (
                'first_order_date',
                'last_order_date',
                'order_count',
                'order_count_12m',
                'order_count_prev_12m',
                'spend_total',
                'spend_12m',
                'spend_prev_12m',
                'margin_12m',
            )
        }
        span = SQL('(sums.last_order_date - sums.first_order_date)::numeric')
        interval = SQL(
            'GREATEST(%(floor)s, (%(span)s + %(k)s * company.gap_days) / (sums.occasions - 1 + %(k)s))',
            floor=GAP_FLOOR,
            span=span,
            k=GAP_WEIGHT,
        )
        columns['spend_trend'] = SQL(
            'round((sums.spend_12m - sums.spend_prev_12m) * 100 / NULLIF(GREATEST(sums.spend_prev_12m, 0), 0), 1)'
        )
        columns['average_order'] = SQL(
            'COALESCE(round(sums.spend_total / NULLIF(sums.order_count, 0), company.digits), 0)'
        )
        columns['mean_gap_days'] = SQL('round(%s / NULLIF(sums.occasions - 1, 0), 2)', span)
        # Nobody is expected who never bought; without any gap in the whole shop nothing can be expected of newcomers.
        columns['expected_next_date'] = SQL(
            """CASE WHEN sums.occasions > 1 AND company.gap_days = 0
                         THEN sums.last_order_date + round(GREATEST(%(floor)s, %(span)s / (sums.occasions - 1)))::int
                    WHEN sums.occasions > 0 AND company.gap_days > 0
                         THEN sums.last_order_date + round(%(interval)s)::int END""",
            floor=GAP_FLOOR,
            span=span,
            interval=interval,
        )
        columns['refresh_on'] = SQL(
            'LEAST(sums.next_date, %s, %s)',
            self._sql_leaves(SQL('sums.oldest_12m'), 12),
            self._sql_leaves(SQL('sums.oldest_prev_12m'), 24),
        )
        return columns

    def _sql_leaves(self, date, months):
        """Return the first day D for which ``date`` is no longer in (D - months, ...].

        A year after 29 February is 28 February, from which a year back is still before the date: one day later.
        """
        later = SQL("(%s + interval '%s months')", date, months)
        return SQL(
            "(%(later)s + CASE WHEN %(later)s - interval '%(months)s months' < %(date)s THEN interval '1 day' "
            "ELSE interval '0' END)::date",
            later=later,
            date=date,
            months=months,
        )

    def _sql_figures(self, aggregate, companies, day):
        """Return the SELECT of the rows that ``retail_profile`` should have, from the aggregate.

        Only customers in the wide sense: suppliers, employees and branches are left out by their flag.
        """
        columns = self._figure_columns()
        return SQL(
            """
            SELECT sums.partner_id, sums.company_id, %(columns)s
              FROM %(aggregate)s AS sums
              JOIN (VALUES %(companies)s) AS company (id, gap_days, digits) ON company.id = sums.company_id
              JOIN res_partner AS partner ON partner.id = sums.partner_id AND partner.retail_customer IS NOT FALSE
            """,
            columns=SQL(', ').join(
                SQL('%s AS %s', sql, SQL.identifier(name)) for name, sql in columns.items()
            ),
            aggregate=aggregate,
            companies=SQL(', ').join(
                SQL(
                    '(%s::int, %s::numeric, %s::int)',
                    company.id,
                    company.gap_days,
                    company.digits,
                )
                for company in companies
            ),
        )

    def _sql_merge(self, fresh):
        """Return the statement that writes those rows of ``fresh`` that differ from ``retail_profile``."""
        names = list(self._figure_columns())
        return SQL(
            """
            INSERT INTO retail_profile (partner_id, company_id, %(names)s)
            SELECT fresh.partner_id, fresh.company_id, %(fresh_names)s
              FROM %(fresh)s AS fresh
              LEFT JOIN retail_profile AS old USING (partner_id, company_id)
             WHERE old.id IS NULL OR (%(old_names)s) IS DISTINCT FROM (%(fresh_names)s)
            ON CONFLICT (partner_id, company_id) DO UPDATE SET (%(names)s) = ROW(%(excluded_names)s)
            """,
            fresh=fresh,
            names=SQL(', ').join(map(SQL.identifier, names)),
            fresh_names=SQL(', ').join(SQL.identifier('fresh', name) for name in names),
            old_names=SQL(', ').join(SQL.identifier('old', name) for name in names),
            excluded_names=SQL(', ').join(SQL.identifier('excluded', name) for name in names),
        )

    # === CRON ===#

    @api.model
    def _cron_refresh(self):
        """Refresh every night whose figures change by time, and once a week everybody. Commits per batch."""
        cron = self.env['ir.cron']
        while True:
            if (
                not self._try_lock()
            ):  # the first statement of each transaction: see _next_batch of moments
                cron._commit_progress(remaining=1)
                return
            if self._full_refresh_is_due():
                self._refresh()
                cron._commit_progress(1, remaining=1)
                continue
            due = self._due_partners()
            if due:
                self._refresh(due)
            stuck = due and self._due_partners() == due
            left = cron._commit_progress(len(due), remaining=1 if due and not stuck else 0)
            if not left or not due or stuck:
                return

    def _full_refresh_is_due(self):
        """Return whether all customers should be compared again: weekly, and as soon as a usual gap can be measured."""
        companies = self.env['res.company']._retail_roots()
        week_ago = fields.Datetime.now() - timedelta(days=FULL_REFRESH_DAYS)
        if any(
            not company.retail_full_refreshed_at or company.retail_full_refreshed_at < week_ago
            for company in companies
        ):
            return True
        unmeasured = companies.filtered(lambda company: not company.retail_gap_days)
        return bool(
            unmeasured
            and self.search_count(
                [('company_id', 'in', unmeasured.ids), ('mean_gap_days', '>', 0)], limit=1
            )
        )

    def _due_partners(self, limit=REFRESH_BATCH):
        """Return customers with a figure that changed by time, where their company is."""
        domain = Domain.OR(
            Domain('company_id', '=', company.id)
            & Domain('refresh_on', '<=', company._retail_today())
            for company in self.env['res.company']._retail_roots()
        )
        return self.search(domain, limit=limit, order='refresh_on, id').partner_id
