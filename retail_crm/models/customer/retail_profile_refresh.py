import logging
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytz

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, groupby, ormcache

from ._classes import TRACKED
from .res_partner import CARD_FIELDS, PROFILE_FIELDS
from .retail_profile_sums import SUM_FIGURES

_logger = logging.getLogger(__name__)

#: Customers refreshed per transaction by the scheduled action.
REFRESH_BATCH = 10_000
#: Days after which all customers are compared with each other again.
FULL_REFRESH_DAYS = 7
LOCK_KEY = 'retail_crm.profile'


@dataclass
class Company:
    """What figures of a company's customers depend on.

    :ivar values: rules and population figures in force
    :ivar rebuilding: purchases are being derived again: figures are half the old ones
    :ivar basis: ``order`` or ``invoice``, what purchases are made from
    """

    id: int
    day: date
    digits: int
    values: dict
    rebuilding: bool
    basis: str

    def having(self, values):
        """Return the same company with these rules and figures changed."""
        return replace(self, values={**self.values, **values})


def _named_of_company(sql):
    """Return the columns of ``company`` that an expression names."""
    return frozenset(re.findall(r'\bcompany"?\."?(\w+)', sql.code))


class RetailProfileRefresh(models.Model):
    """The refresh pipeline: sums, figures and classes in layers, then the merge of what differs with its history.

    The same for one customer or for all; only a run over all measures the population.
    """

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
    def _refresh(self, partners=None, as_of=None, quiet=False):
        """Derive figures and classes again and write what differs.

        :param partners: customers (commercial partners; others are ignored), or None for all of them. Only a run over
            all of them measures population figures and uses changed rules.
        :param as_of: the day for which figures are made; default: today in each company's zone
        :param quiet: write no history and announce nothing (installation, import, rebuild)
        :return: number of rows written or removed, or None when another process has the turn
        """
        if partners is not None and not partners:
            return 0
        self._flush_sums()
        companies = self._take_companies(as_of)
        if companies is None:
            return None
        changed = 0
        # an empty table is being filled
        quiet = quiet or (partners is None and not self.search_count([], limit=1))
        for _day, group in groupby(companies, lambda company: company.day):
            if partners is None:
                changed += self._refresh_all(group, quiet)
            else:
                changed += self._refresh_some(group, partners, quiet)
        self._forget_figures()
        self._note_time(full=partners is None, changed=changed)
        return changed

    def _take_companies(self, as_of):
        """Take the turn (see ``_try_lock``) and read what the companies' figures depend on, in one query.

        It also switches just-in-time compilation off for this transaction: compiling the many expressions of the
        layers takes seconds and saves none.

        :return: a list of ``Company`` of all companies that are no branches, or None when another has the turn
        """
        self.env['res.company'].flush_model(
            [
                'parent_id',
                'resource_calendar_id',
                'currency_id',
                'retail_rebuild_pending',
                'retail_purchase_basis',
            ]
        )
        Classification = self.env['retail.classification']
        Classification.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company.id, calendar.tz, currency.decimal_places, rules.applied,
                       company.retail_rebuild_pending, company.retail_purchase_basis, set_config('jit', 'off', true),
                       pg_try_advisory_xact_lock(hashtext(%s))
                  FROM res_company AS company
                  JOIN res_currency AS currency ON currency.id = company.currency_id
                  LEFT JOIN resource_calendar AS calendar ON calendar.id = company.resource_calendar_id
                  LEFT JOIN retail_classification AS rules ON rules.company_id = company.id
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
        unmeasured = [row[0] for row in rows if not row[3]]
        rules = Classification._of_companies(unmeasured).grouped(lambda rule: rule.company_id.id)
        return [
            Company(
                company_id,
                as_of or now.astimezone(pytz.timezone(zone or 'UTC')).date(),
                digits,
                # Nothing was measured yet: fixed thresholds, as in a shop with few customers.
                applied or {**rules[company_id]._rules(), 'rfm_fixed': True, 'gap_days': '0'},
                rebuilding,
                basis,
            )
            for company_id, zone, digits, applied, rebuilding, basis, _jit, _locked in rows
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

    def _refresh_all(self, companies, quiet):
        """Derive all customers of these companies: temporary tables made in parallel, then the merge.

        ``CREATE TABLE AS`` runs in parallel where ``INSERT ... SELECT`` never does. New rules and population figures
        change classes without a word: what would have changed without them is found by deriving with the old ones.
        """
        before = [self._kept_until_today(company) for company in companies]
        self._drop_temporary()
        self._collect_sums(companies)
        companies = self._measure_sums(companies)
        self._derive('retail_profile_fresh', companies)
        companies = self._measure_indexes(companies)
        kept = None
        if not quiet and any(
            old.values != new.values for old, new in zip(before, companies, strict=True)
        ):
            self._derive('retail_profile_kept', before)
            kept = self._sql_fresh(SQL('retail_profile_kept'), before)
        changed = self._write_fresh(
            self._sql_fresh(SQL('retail_profile_fresh'), companies),
            companies,
            quiet,
            present=SQL('retail_profile_fresh'),
            kept=kept,
        )
        self._drop_temporary()
        self._note_measured(companies)
        _logger.info('%s customer profiles written or removed', changed)
        return changed

    def _kept_until_today(self, company):
        """Return the company with its kept limits as they are today: those of recency move with the calendar.

        They are stored as dates, so that no night writes a row; but who did not buy since has lost those days.
        """
        measured_on = company.values.get('measured_on')
        passed = company.day - date.fromisoformat(measured_on) if measured_on else timedelta()
        if passed <= timedelta():
            return company
        names = [f'recency_cut_{score}' for score in range(2, 6)]
        return company.having(
            {
                name: (date.fromisoformat(company.values[name]) + passed).isoformat()
                for name in names
                if company.values.get(name)
            }
        )

    def _drop_temporary(self):
        self.env.cr.execute(
            SQL(
                'DROP TABLE IF EXISTS retail_profile_sums, retail_profile_fresh, retail_profile_kept'
            )
        )

    def _refresh_some(self, companies, partners, quiet):
        """Derive these customers in one statement."""
        derived = self._sql_derived(SQL('(%s)', self._sql_sums(companies, partners.ids)), companies)
        return self._write_fresh(
            self._sql_fresh(derived, companies), companies, quiet, partner_ids=partners.ids
        )

    def _derive(self, table, companies):
        """Put figures and classes of all customers, from ``retail_profile_sums``, into a temporary table."""
        self.env.cr.execute(
            SQL(
                'CREATE TEMPORARY TABLE %s ON COMMIT DROP AS SELECT * FROM %s AS derived',
                SQL.identifier(table),
                self._sql_derived(SQL('retail_profile_sums'), companies),
            )
        )
        # Without statistics the joins with the customers would be loops over a million of them.
        self.env.cr.execute(SQL('ANALYZE %s (partner_id, company_id)', SQL.identifier(table)))

    # === SQL ===#

    @api.model
    @ormcache()
    def _stored_columns(self):
        """Return the columns that a refresh writes."""
        layers = [name for layer in self._layers() for name in layer]
        return [
            name
            for name in (*SUM_FIGURES, *self._contact_columns(), *layers, 'abc_class')
            if name in self._fields and self._fields[name].store
        ]

    @ormcache()
    def _layer_parts(self):
        """Return ``(columns, what they name of the company)`` of each layer, built once: they are hundreds of parts."""
        parts = []
        for layer in self._layers():
            columns = SQL(', ').join(
                SQL('%s AS %s', sql, SQL.identifier(name)) for name, sql in layer.items()
            )
            parts.append((columns, _named_of_company(columns)))
        return parts

    def _sql_join(self, companies, named):
        """Return the join with ``company``: id, day, digits and whatever of what is in force is named.

        Of one company all customers are: a CROSS JOIN, whose values PostgreSQL takes for constants. Of several, a LEFT
        JOIN, which keeps it from expecting fewer customers with each layer (and looping over them instead of hashing).
        """
        if len(companies) == 1:
            return SQL('CROSS JOIN %s', self._sql_companies(companies, named))
        return SQL(
            'LEFT JOIN %s ON company.id = sums.company_id', self._sql_companies(companies, named)
        )

    def _sql_companies(self, companies, named=None):
        """Return the table ``company`` of these companies: id, day, digits and what is in force (or what is named)."""
        Classification = self.env['retail.classification']
        types = {
            name: SQL(kind)
            for name, kind in {
                **Classification._rule_types(),
                **Classification._figure_types(),
            }.items()
            if named is None or name in named
        }
        rows = [
            SQL(', ').join(
                [
                    SQL('%s::int, %s::date, %s::int', company.id, company.day, company.digits),
                    *(
                        SQL('%s::%s', company.values.get(name), kind)
                        for name, kind in types.items()
                    ),
                ]
            )
            for company in companies
        ]
        return SQL(
            '(VALUES %s) AS company (%s)',
            SQL(', ').join(SQL('(%s)', row) for row in rows),
            SQL(', ').join(map(SQL.identifier, ('id', 'day', 'digits', *types))),
        )

    def _sql_derived(self, sums, companies):
        """Return a sub-SELECT with all columns of ``sums`` and of the layers.

        OFFSET 0 keeps PostgreSQL from writing a layer's expressions out wherever the next one uses them.
        """
        for columns, named in self._layer_parts():
            sums = SQL(
                '(SELECT sums.*, %s FROM %s AS sums %s OFFSET 0)',
                columns,
                sums,
                self._sql_join(companies, named),
            )
        return sums

    def _sql_fresh(self, derived, companies):
        """Return the SELECT of the rows that ``retail_profile`` should have."""
        names = [name for name in self._stored_columns() if name != 'abc_class']
        abc = self._sql_abc()
        return SQL(
            'SELECT sums.partner_id, sums.company_id, %s, %s AS abc_class FROM %s AS sums %s',
            SQL(', ').join(SQL.identifier('sums', name) for name in names),
            abc,
            derived,
            self._sql_join(companies, _named_of_company(abc)),
        )

    def _write_fresh(self, fresh, companies, quiet, partner_ids=None, present=None, kept=None):
        """Write what differs from ``retail_profile``, remove what is gone, keep the history and announce it.

        :param fresh: SELECT of the rows that there should be
        :param partner_ids: the customers that ``fresh`` is about; None: all
        :param present: a table with the keys of ``fresh``, where there is one
        :param kept: SELECT of the rows that there would be under the rules and figures of before
        :return: number of rows written or removed
        """
        names = self._stored_columns()
        heard = [] if quiet else [company.id for company in companies if not company.rebuilding]
        changes = self._sql_changes(companies[0].day, heard) if heard else {}
        if kept is not None:
            changes['kept'] = SQL('kept AS (%s),', kept)
        classes = SQL(', ').join(
            SQL(
                '%(old)s AS %(old_name)s, %(kept)s AS %(kept_name)s',
                old=SQL.identifier('old', name),
                old_name=SQL.identifier(f'old_{name}'),
                kept=SQL.identifier('fresh' if kept is None else 'kept', name),
                kept_name=SQL.identifier(f'kept_{name}'),
            )
            for name in TRACKED
        )
        [(changed, announced)] = self.env.execute_query(
            SQL(
                """
                WITH fresh AS (%(fresh)s),
                %(kept)s
                differing AS %(materialized)s (
                    SELECT fresh.*, old.id AS old_id, old.order_count AS old_order_count,
                           old.spend_total AS old_spend_total, %(classes)s
                      FROM fresh
                      LEFT JOIN retail_profile AS old ON old.partner_id = fresh.partner_id
                                                     AND old.company_id = fresh.company_id %(only_old)s
                      %(join_kept)s
                     WHERE old.id IS NULL OR (%(old_names)s) IS DISTINCT FROM (%(fresh_names)s)
                ),
                gone AS (
                    DELETE FROM retail_profile AS profile
                     WHERE company_id = ANY(%(companies)s) %(only)s AND NOT EXISTS (
                           SELECT FROM %(present)s AS present
                            WHERE present.partner_id = profile.partner_id AND present.company_id = profile.company_id)
                    RETURNING id
                ),
                %(history)s
                merged AS (
                    INSERT INTO retail_profile (partner_id, company_id, %(names)s)
                    SELECT partner_id, company_id, %(names)s FROM differing
                    ON CONFLICT (partner_id, company_id) DO UPDATE SET (%(names)s) = ROW(%(excluded)s)
                    RETURNING id
                )
                SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM merged), %(announced)s
                """,
                fresh=fresh,
                kept=changes.get('kept', SQL()),
                materialized=SQL('MATERIALIZED' if heard else 'NOT MATERIALIZED'),
                classes=classes,
                join_kept=SQL(
                    'LEFT JOIN kept ON kept.partner_id = fresh.partner_id AND kept.company_id = fresh.company_id'
                )
                if kept is not None
                else SQL(),
                # Named again, so that PostgreSQL looks these customers up instead of reading all of them.
                only_old=SQL()
                if partner_ids is None
                else SQL('AND old.partner_id = ANY(%s)', partner_ids),
                old_names=SQL(', ').join(SQL.identifier('old', name) for name in names),
                fresh_names=SQL(', ').join(SQL.identifier('fresh', name) for name in names),
                companies=[company.id for company in companies],
                only=SQL()
                if partner_ids is None
                else SQL('AND profile.partner_id = ANY(%s)', partner_ids),
                present=present or SQL('fresh'),
                history=changes.get('history', SQL()),
                names=SQL(', ').join(map(SQL.identifier, names)),
                excluded=SQL(', ').join(SQL.identifier('excluded', name) for name in names),
                announced=changes.get('announced', SQL('0')),
            )
        )
        if announced:
            self.env['retail.moment']._wake_up()
        return changed

    def _sql_changes(self, day, company_ids):
        """Return the parts of the writing statement that keep these companies' history and announce it, from ``differing``."""
        return {
            'history': SQL(
                'change AS (%s), moment AS (%s),',
                self.env['retail.profile.change']._sql_insert(day, company_ids),
                self.env['retail.profile.change']._sql_announce(day),
            ),
            'announced': SQL('(SELECT count(*) FROM moment)'),
        }

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
        """Return whether all customers should be compared again: weekly, when rules changed, and as soon as a usual gap
        can be measured.
        """
        companies = self.env['res.company']._retail_roots()
        week_ago = fields.Datetime.now() - timedelta(days=FULL_REFRESH_DAYS)
        if any(
            not company.retail_full_refreshed_at or company.retail_full_refreshed_at < week_ago
            for company in companies
        ):
            return True
        if self.env['retail.classification'].search_count([('is_pending', '=', True)], limit=1):
            return True
        unmeasured = companies.filtered(lambda company: not company.retail_gap_days)
        return bool(
            unmeasured
            and self.search_count(
                [('company_id', 'in', unmeasured.ids), ('mean_gap_days', '>', 0)], limit=1
            )
        )

    @api.model
    def _wake_refresh(self):
        """Have the scheduled refresh run soon."""
        cron = self.env.ref('retail_crm.ir_cron_refresh_profiles', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    def _due_partners(self, limit=REFRESH_BATCH):
        """Return customers with a figure that changed by time, where their company is."""
        domain = Domain.OR(
            Domain('company_id', '=', company.id)
            & Domain('refresh_on', '<=', company._retail_today())
            for company in self.env['res.company']._retail_roots()
        )
        return self.search(domain, limit=limit, order='refresh_on, id').partner_id
