import logging
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..customer.retail_moment import LOCK_KEY
from ._days import working_days
from ._window import due_days, local_instant

_logger = logging.getLogger(__name__)

#: Contacts whose follow-ups are planned in one transaction of the scheduled action.
BATCH_SIZE = 250_000
#: Table of a session for what happened, while a rule is planned.
_ANCHORS = SQL.identifier('retail_care_anchor')


class RetailCareRulePlan(models.Model):
    """Planning: one INSERT per rule and company makes the follow-ups that become due.

    Each trigger has a builder ``_sql_<trigger>(company, first, last, partner_ids)`` on the rule. It returns the SELECT
    of what happens to whom: ``partner_id, anchor_on, occurrence, res_model, res_id``, with all rows whose ``anchor_on``
    lies from ``first - delay_days`` to ``last - delay_days``; rows beyond do no harm. ``partner_ids`` is a list of
    contacts to look at, or None for all. Whom the rule is for, due days, what is planned already, samples and control
    groups are added here, for all triggers alike.
    """

    _inherit = 'retail.care.rule'

    planned_days = fields.Json(
        readonly=True,
        copy=False,
        help='Last day planned, by company: days begin where a company is.',
    )

    # === SCHEDULED ACTION ===#

    @api.model
    def _cron_plan(self):
        """Plan each running rule once a local day of each company, one commit per rule and batch of contacts."""
        cron = self.env['ir.cron']
        rules = self.sudo().search([('state', '=', 'on')])  # sudo: system process
        due = rules.filtered(lambda rule: rule._companies_to_plan())
        cron._commit_progress(remaining=len(due))
        for rule in due:
            if rule.trigger == 'moment' and not rule._try_moment_lock():
                # told by moments at this very minute: planned again when they are done
                self._wake_planning(minutes=1)
                cron._commit_progress(1)
                continue
            rule._plan_daily()
            if not cron._commit_progress(1):
                self._wake_planning()
                break

    def _companies_to_plan(self):
        """Return the companies in which this rule has not been planned today, as ``[(company, day)]``."""
        self.ensure_one()
        done = self.planned_days or {}
        return [
            (company, day)
            for company in self._companies()
            if (done.get(str(company.id)) or '') < str(day := company._retail_today())
        ]

    def _companies(self):
        """Return the root companies whose customers the rule is for, without archived ones."""
        self.ensure_one()
        return (self.company_id or self.env['res.company']._retail_roots()).filtered('active')

    def _try_moment_lock(self):
        """Return whether nobody plans from moments now; as the first statement of a transaction it sees all they did."""
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    @api.model
    def _wake_planning(self, minutes=0):
        cron = self.env.ref('retail_crm.ir_cron_plan_followups', raise_if_not_found=False)
        if cron:
            # sudo: only starts our own scheduled action
            cron.sudo()._trigger(fields.Datetime.now() + timedelta(minutes=minutes))

    def _plan_daily(self):
        """Plan this rule for today in each company, committing per batch; it goes on after a kill."""
        commit = self.env['ir.cron']._commit_progress
        for company, day in self._companies_to_plan():
            if self._plan_company_safely(company, day, after_batch=commit) is None:
                return
            self.write(
                {
                    'planned_days': {**(self.planned_days or {}), str(company.id): str(day)},
                    'planned_on': max(day, self.planned_on or day),
                }
            )

    # === PLANNING ===#

    def _plan(self, day=None, partners=None):
        """Plan the follow-ups of these rules that become due, once each; rules that are not on plan nothing.

        :param day: local day of the companies; today when not given
        :param partners: contacts to look at; all when not given
        :return: the number of new follow-ups
        """
        planned = 0
        partner_ids = None if partners is None else partners.ids
        for rule in self.sudo().sorted():  # sudo: follow-ups are the system's to plan
            for company in rule._companies() if rule.state == 'on' else ():
                today = day or company._retail_today()
                planned += rule._plan_company_safely(company, today, partner_ids) or 0
        return planned

    def _plan_company_safely(self, company, day, partner_ids=None, after_batch=None):
        """Plan one rule in one company; a rule that fails stops alone and tells who is responsible.

        :return: the number of new follow-ups, None for a rule that failed
        """
        self.ensure_one()
        self.env.flush_all()
        batches = self._batches(partner_ids) if after_batch else [(None, None)]
        planned = 0
        try:
            with self._anchors_for(company, day, len(batches)) as anchors:
                for low, high in batches:
                    with self.env.cr.savepoint(flush=False):
                        among = anchors and self._sql_range(anchors, low, high)
                        planned += self._plan_company(company, day, partner_ids, among)
                    if after_batch:
                        after_batch()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # the whole transaction is lost and repeated by the scheduler
        except Exception as error:  # whatever a rule does wrong is shown to who looks after it
            _logger.warning('Care rule %s failed: %s', self.id, error, exc_info=error)
            self._fail(error)
            return None
        if planned:
            self.env['retail.followup'].invalidate_model()
        return planned

    def _batches(self, partner_ids):
        """Return ranges of ids of contacts, each for one transaction."""
        if partner_ids is not None:
            return [(None, None)]
        [(highest,)] = self.env.execute_query(SQL('SELECT max(id) FROM res_partner'))
        bounds = range(0, (highest or 0) + 1, BATCH_SIZE)
        if len(bounds) <= 1:
            return [(None, None)]
        return [(low, low + BATCH_SIZE) for low in bounds]

    def _plan_company(self, company, day, partner_ids=None, anchors=None):
        """Insert what becomes due in a company within the window of a day; return the number of rows.

        :param anchors: SELECT of what happened, where it is known already
        """
        days = self._days_of_run(company, day)
        if not days or partner_ids == []:
            return 0
        if partner_ids is not None:
            anchors = self._sql_anchors(company, days, partner_ids)
        if anchors:
            return self._execute(self._sql_plan(company, days, anchors))
        # made first: a rule that is broken says so also where nothing happened
        plan = self._sql_plan(company, days, SQL('SELECT * FROM %s', _ANCHORS))
        with self._keep_anchors(company, days) as count:
            return self._execute(plan) if count else 0

    def _days_of_run(self, company, day):
        """Return the days that are planned on a day, as ``_due_days`` does."""
        first = max(day - timedelta(days=self.late_days), self.started_on or day)
        return self._due_days(company, first, day + timedelta(days=self.lead_days))

    @contextmanager
    def _anchors_for(self, company, day, batches):
        """Find once for several batches what happened; give the SELECT of it, or None where one batch finds it itself."""
        days = self._days_of_run(company, day) if batches > 1 else []
        if not days:
            yield None
            return
        with ExitStack() as stack:
            with self.env.cr.savepoint(flush=False):
                stack.enter_context(self._keep_anchors(company, days))
            yield SQL('SELECT * FROM %s', _ANCHORS)

    @contextmanager
    def _keep_anchors(self, company, days):
        """Keep what happened in a table of this session, and give the number of rows.

        PostgreSQL guesses badly how many occasions there are, and would compare each with all follow-ups.
        """
        drop = SQL('DROP TABLE IF EXISTS %s', _ANCHORS)
        # a transaction that was lost leaves what an earlier one of the session made
        self._execute(drop)
        self._execute(SQL('CREATE TEMP TABLE %s AS %s', _ANCHORS, self._sql_anchors(company, days)))
        count = self.env.cr.rowcount
        self._execute(SQL('ANALYZE %s', _ANCHORS))
        try:
            yield count
        finally:
            # after an error the savepoint takes it away
            if self.env.cr._cnx.info.transaction_status != TRANSACTION_STATUS_INERROR:
                self._execute(drop)

    def _sql_range(self, anchors, low, high):
        """Return of a SELECT of what happened the part of a range of contacts."""
        return SQL(
            'SELECT * FROM (%s) AS kept WHERE partner_id >= %s AND partner_id < %s',
            anchors,
            low,
            high,
        )

    def _execute(self, sql):
        """Run a statement and return the number of its rows."""
        self.env.flush_query(sql)
        self.env.cr.execute(sql)
        return self.env.cr.rowcount

    def _due_days(self, company, first, last):
        """Return ``[(anchor day, due day, first try)]`` of all anchors that are due from first to last."""
        self.ensure_one()
        if first > last:
            return []
        shift = ('earlier' if self.hard_date else 'later') if self._is_for_staff() else None
        pairs = due_days(
            first,
            last,
            self.delay_days,
            working=lambda low, high: working_days(company, low, high),
            count_working=self.in_working_days and bool(self.delay_days),
            shift=shift,
        )
        zone = company._retail_timezone()
        return [(anchor, due, local_instant(due, self.hour, zone)) for anchor, due in pairs]

    def _is_for_staff(self):
        """Return whether the first channel is a call: those move off days on which nobody works."""
        self.ensure_one()
        first = self.channel_line_ids[:1]
        return self.channel_mode == 'listed' and first.channel_id.transport == 'phone'

    # === SQL ===#

    def _sql_anchors(self, company, days, partner_ids=None):
        """Return the SELECT of what happened to whom on one of these days, of some contacts or all."""
        delay = timedelta(days=self.delay_days)
        happened = [anchor for anchor, _due, _first_try in days]
        first, last = min(happened), max(happened)
        builder = getattr(self, f'_sql_{self.trigger}')
        among = SQL('')
        if partner_ids is not None:
            among = SQL('AND anchor.partner_id = ANY(%s)', partner_ids)
        return SQL(
            """SELECT anchor.partner_id, anchor.anchor_on, anchor.occurrence::text AS occurrence,
                      anchor.res_model::text AS res_model, anchor.res_id::int AS res_id
                 FROM (%s) AS anchor(partner_id, anchor_on, occurrence, res_model, res_id)
                WHERE anchor.anchor_on BETWEEN %s AND %s %s""",
            builder(company, first + delay, last + delay, partner_ids),
            first,
            last,
            among,
        )

    def _sql_plan(self, company, days, anchors):
        """Return the INSERT of the follow-ups of this rule in a company."""
        columns = self._sql_columns(company)
        return SQL(
            """
            INSERT INTO retail_followup (%(names)s)
            SELECT %(values)s
              FROM (%(wanted)s) AS wanted
            ON CONFLICT (rule_id, partner_id, occurrence) DO NOTHING
            """,
            names=SQL(', ').join(SQL.identifier(name) for name in columns),
            values=SQL(', ').join(columns.values()),
            wanted=self._sql_wanted(company, days, anchors),
        )

    def _sql_columns(self, company):
        """Hook: return ``{column of retail_followup: SQL}``; ``wanted`` has the columns of ``_sql_wanted``."""
        now = fields.Datetime.now()
        columns = {
            name: SQL('wanted.%s', SQL.identifier(name))
            for name in (
                'partner_id',
                'commercial_partner_id',
                'anchor_on',
                'occurrence',
                'res_model',
                'res_id',
                'due_on',
                'try_at',
                'is_control',
            )
        }
        values = {
            'rule_id': self.id,
            'company_id': company.id,
            'purpose': self.purpose,
            'family': self.family,
            'is_expected': self.is_expected,
            'hard_date': self.hard_date,
            'create_uid': self.env.uid,
            'write_uid': self.env.uid,
            'create_date': now,
            'write_date': now,
        }
        columns |= {name: SQL('%s', value) for name, value in values.items()}
        columns['state'] = SQL("'planned'")
        return columns

    def _sql_wanted(self, company, days, anchors):
        """Return the SELECT of the follow-ups that should be there and are not, of what happened."""
        happened, dues, tries = ([row[place] for row in days] for place in range(3))
        conditions = self._sql_audience(company)
        is_control = (
            self._sql_share('control', self.control_percent)
            if self.control_percent
            else SQL('false')
        )
        return SQL(
            """
            SELECT %(distinct)s
                   anchor.partner_id, partner.commercial_partner_id, anchor.anchor_on, anchor.occurrence,
                   anchor.res_model, anchor.res_id, calendar.due_on, calendar.try_at, %(is_control)s AS is_control
              FROM (%(anchors)s) AS anchor
              JOIN unnest(%(days)s::date[], %(dues)s::date[], %(tries)s::timestamp[])
                AS calendar(anchor_on, due_on, try_at) ON calendar.anchor_on = anchor.anchor_on
              JOIN res_partner AS partner ON partner.id = anchor.partner_id
              JOIN res_partner AS customer ON customer.id = partner.commercial_partner_id
             WHERE %(conditions)s AND %(new)s
             %(order)s
            """,
            # with again_days one row per customer and run: the earliest that fits
            distinct=SQL('DISTINCT ON (anchor.partner_id)') if self.again_days else SQL(),
            # all is found before the first row is written: else an empty ledger that PostgreSQL chose to scan grows
            # while it is scanned for each row
            order=SQL(
                'ORDER BY anchor.partner_id, anchor.anchor_on, anchor.occurrence COLLATE "C"'
            ),
            is_control=is_control,
            anchors=anchors,
            days=happened,
            dues=dues,
            tries=tries,
            conditions=SQL(' AND ').join(conditions),
            new=self._sql_not_planned(),
        )

    def _sql_not_planned(self):
        """Return the condition that this rule has no follow-up of the customer for this occasion, nor one too near."""
        condition = SQL(
            """NOT EXISTS (SELECT FROM retail_followup AS same
                WHERE same.rule_id = %s AND same.partner_id = anchor.partner_id AND same.occurrence = anchor.occurrence)""",
            self.id,
        )
        if self.again_days:
            condition = SQL(
                """%s AND NOT EXISTS (SELECT FROM retail_followup AS near
                    WHERE near.rule_id = %s AND near.partner_id = anchor.partner_id AND near.state != 'cancelled'
                      AND near.anchor_on > anchor.anchor_on - %s AND near.anchor_on < anchor.anchor_on + %s)""",
                condition,
                self.id,
                self.again_days,
                self.again_days,
            )
        return condition
