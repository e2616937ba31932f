import logging
from dataclasses import dataclass, field, replace
from datetime import date

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..customer.retail_moment import ListenerBusy
from . import _tiers

_logger = logging.getLogger(__name__)

#: Members evaluated per transaction by the scheduled action.
EVALUATION_BATCH = 5_000
LOCK_KEY = 'retail_crm.loyalty'

#: What the evaluation writes: ``{column: (SQL type, value of a case)}``.
_WRITTEN = {
    'state': ('varchar', lambda case: 'left' if case.after.left else 'active'),
    'enrolled_on': ('date', lambda case: case.after.enrolled_on),
    'left_on': ('date', lambda case: case.after.looked_on if case.after.left else None),
    'tier_id': ('int', lambda case: case.after.tier),
    'tier_since': ('date', lambda case: case.after.since),
    'tier_valid_until': ('date', lambda case: case.after.until),
    'grace_until': ('date', lambda case: case.after.grace_until),
    'tier_taken_on': ('date', lambda case: case.after.taken_on),
    'evaluated_on': ('date', lambda case: case.after.looked_on),
    'override_tier_id': ('int', lambda case: case.after.floor),
    'override_until': ('date', lambda case: case.after.floor_until),
    'held_by_override': ('boolean', lambda case: case.after.by_floor),
    'next_on': ('date', lambda case: case.next_on),
    'warned_stage': ('int', lambda case: case.stage),
}

#: The columns a case is read from, in the order of ``_tiers.State``.
_STATE = (
    'enrolled_on',
    "state = 'left'",
    'tier_id',
    'tier_since',
    'tier_valid_until',
    'grace_until',
    'tier_taken_on',
    'evaluated_on',
    'override_tier_id',
    'override_until',
    'COALESCE(held_by_override, false)',
)


@dataclass
class Case:
    """One customer of an evaluation: what was known, the documents, and what became of it.

    :ivar quiet: nothing is announced
    :ivar notice: a warning that is due
    """

    partner_id: int
    membership_id: int | None = None
    before: _tiers.State = field(default_factory=_tiers.State)
    next_before: date | None = None
    stage_before: int = 0
    documents: list = field(default_factory=list)
    after: _tiers.State | None = None
    moves: list = field(default_factory=list)
    next_on: date | None = None
    stage: int = 0
    quiet: bool = False
    notice: _tiers.Notice | None = None

    @property
    def is_changed(self):
        """Return whether there is something to write."""
        return (self.before, self.next_before, self.stage_before) != (
            self.after,
            self.next_on,
            self.stage,
        )


class RetailMembershipEvaluate(models.Model):
    """The evaluation: documents of a batch in one query, the rules in plain Python, one statement for each table."""

    _inherit = 'retail.membership'

    @api.model
    def _try_lock(self):
        """Take the turn to change memberships until the end of the transaction, and return whether it was free."""
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    @api.model
    def _evaluate(self, partners=None, as_of=None, quiet=False):
        """Bring members up to date by the rules, and enrol customers by their first purchase.

        Costs by the members it is asked about. The same again writes nothing.

        :param partners: customers; None: those for whom something is due by time, at most ``EVALUATION_BATCH``
        :param as_of: the day up to which is evaluated; default: today in each company's zone
        :param quiet: announce nothing
        :return: number of memberships written, or None when another process has the turn
        """
        programmes = self.env['retail.programme']._running()
        if not programmes or (partners is not None and not partners):
            return 0
        if not self._try_lock():
            return None
        if partners is not None:
            partners |= self._absorb(partners)
        written = 0
        for programme in programmes:
            if self._is_waiting(programme):
                continue  # all are due when that ends
            day = as_of or programme.company_id._retail_today()
            partner_ids = (
                self._due_partner_ids(programme, day) if partners is None else partners.ids
            )
            written += len(self._change(programme, partner_ids, day, quiet=quiet))
        return written

    @api.model
    def _is_waiting(self, programme):
        """Return whether purchases of the company are being derived anew: half of them would move tiers."""
        return programme.company_id.retail_rebuild_pending

    @api.model
    def _due_partner_ids(self, programme, day, limit=EVALUATION_BATCH):
        """Return the customers for whom something happens by time up to a day."""
        members = self.sudo().search_fetch(  # sudo: the system's work
            [('company_id', '=', programme.company_id.id), ('next_on', '<=', day)],
            ['partner_id'],
            limit=limit,
            order='next_on, id',
        )
        return members.partner_id.ids

    @api.model
    def _change(self, programme, partner_ids, day, work=None, quiet=False, user=None, note=None):
        """Let rules or staff change the memberships of these customers, write it down and announce it.

        :param work: ``function(state, ledger, rules) -> (state, moves)``; default: the rules up to the day
        :param user: who did it
        :return: the cases that were written
        """
        if not partner_ids:
            return []
        rules = programme._rules()
        cases = self._read_cases(programme, partner_ids, strangers_too=bool(work))
        for case in cases:
            self._decide(case, rules, day, work)
        changed = [case for case in cases if case.after.enrolled_on and case.is_changed]
        if not changed:
            return []
        self._write_cases(programme, changed)
        moves = self._write_moves(programme, rules, changed, user, note)
        self._forget_tiers()
        self._follow_top(programme, rules, changed)
        if not quiet:
            self._announce(rules, changed, moves)
        return changed

    def _decide(self, case, rules, day, work):
        """Find out what becomes of one customer."""
        ledger = _tiers.Ledger(case.documents)
        if work:
            case.after, case.moves = work(case.before, ledger, rules)
        else:
            case.after, case.moves = _tiers.advance(case.before, ledger, rules, day)
        if case.membership_id is None and not work:
            case.quiet = self._is_opening(case, ledger, rules)
            if case.quiet:
                case.moves = _as_opening(case.moves)
        case.stage = case.stage_before if case.after.until == case.before.until else 0
        stage = _tiers.warning_stage(case.after, day)
        if stage and not 0 < case.stage <= stage:
            case.notice = _tiers.warning(case.after, ledger, rules, day)
            case.stage = stage if case.notice else case.stage
        case.next_on = _tiers.next_on(case.after, ledger, rules, day)

    @staticmethod
    def _is_opening(case, ledger, rules):
        """Return whether a new member bought before the programme began: nobody is greeted for that."""
        first = ledger.first_counted()
        return bool(case.after.enrolled_on and first and rules.start and first < rules.start)

    # === READING ===#

    def _read_cases(self, programme, partner_ids, strangers_too=False):
        """Return what is known of these customers: memberships, and purchases, in a query each.

        Who is no member is looked at where customers become members by buying, or when asked for.
        """
        self.flush_model()
        company_id = programme.company_id.id
        partner_ids = sorted(set(partner_ids))
        cases = {
            partner_id: Case(
                partner_id,
                membership_id,
                _tiers.State(*state),
                next_on,
                stage or 0,
            )
            for partner_id, membership_id, next_on, stage, *state in self.env.execute_query(
                SQL(
                    """
                    SELECT partner_id, id, next_on, warned_stage, %s FROM retail_membership
                     WHERE company_id = %s AND partner_id = ANY(%s) ORDER BY partner_id
                    """,
                    SQL(', '.join(_STATE)),
                    company_id,
                    partner_ids,
                )
            )
        }
        if programme.automatic or strangers_too:
            self.env['res.partner'].flush_model(['retail_customer', 'commercial_partner_id'])
            strangers = [partner_id for partner_id in partner_ids if partner_id not in cases]
            for (partner_id,) in self.env.execute_query(
                SQL(
                    'SELECT id FROM res_partner WHERE id = ANY(%s) AND retail_customer '
                    'AND commercial_partner_id = id ORDER BY id',
                    strangers,
                )
            ):
                cases[partner_id] = Case(partner_id)
        self._read_documents(programme, cases)
        return list(cases.values())

    def _read_documents(self, programme, cases):
        """Give cases their purchases, in one query."""
        digits = programme.currency_id.decimal_places
        for partner_id, day, amount, counts in self.env.execute_query(
            SQL(
                """
                SELECT partner_id, date, round(COALESCE(amount, 0) * %s)::bigint, COALESCE(counts, false)
                  FROM retail_purchase WHERE company_id = %s AND partner_id = ANY(%s) ORDER BY partner_id, date
                """,
                10**digits,
                programme.company_id.id,
                list(cases),
            )
        ):
            cases[partner_id].documents.append(_tiers.Document(day, amount, counts))

    # === WRITING ===#

    def _write_cases(self, programme, cases):
        """Write memberships: one statement for those that there are, one for new ones."""
        old = [case for case in cases if case.membership_id]
        if old:
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE retail_membership AS membership
                       SET (%(names)s) = ROW(%(values)s), write_date = now() AT TIME ZONE 'UTC', write_uid = %(user)s,
                           (override_reason, override_note, override_user_id) = ROW(
                               CASE WHEN case_.override_until IS NOT NULL THEN membership.override_reason END,
                               CASE WHEN case_.override_until IS NOT NULL THEN membership.override_note END,
                               CASE WHEN case_.override_until IS NOT NULL THEN membership.override_user_id END)
                      FROM %(cases)s
                     WHERE membership.id = case_.id
                    """,
                    names=SQL(', ').join(map(SQL.identifier, _WRITTEN)),
                    values=SQL(', ').join(SQL.identifier('case_', name) for name in _WRITTEN),
                    user=self.env.uid,
                    cases=_sql_table(
                        'case_',
                        {
                            'id': ('int', [case.membership_id for case in old]),
                            **_columns(old),
                        },
                    ),
                )
            )
        new = [case for case in cases if not case.membership_id]
        if new:
            self._insert_cases(programme, new)

    def _insert_cases(self, programme, cases):
        """Make memberships; who bought first where and from whom is on record with the purchase."""
        numbers = self._next_numbers(len(cases))
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO retail_membership (company_id, programme_id, partner_id, number, %(names)s,
                       store_id, enrolled_by, create_uid, write_uid, create_date, write_date)
                SELECT %(company)s, %(programme)s, case_.partner_id, case_.number, %(values)s,
                       first.store_id, first.user_id, %(user)s, %(user)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                  FROM %(cases)s
                  LEFT JOIN LATERAL (
                       SELECT store_id, user_id FROM retail_purchase AS purchase
                        WHERE purchase.partner_id = case_.partner_id AND purchase.company_id = %(company)s
                          AND purchase.counts ORDER BY date, id LIMIT 1) AS first ON true
                RETURNING partner_id, id
                """,
                names=SQL(', ').join(map(SQL.identifier, _WRITTEN)),
                values=SQL(', ').join(SQL.identifier('case_', name) for name in _WRITTEN),
                company=programme.company_id.id,
                programme=programme.id,
                user=self.env.uid,
                cases=_sql_table(
                    'case_',
                    {
                        'partner_id': ('int', [case.partner_id for case in cases]),
                        'number': ('varchar', numbers),
                        **_columns(cases),
                    },
                ),
            )
        )
        ids = dict(rows)
        for case in cases:
            case.membership_id = ids[case.partner_id]

    def _write_moves(self, programme, rules, cases, user=None, note=None):
        """Write the history of these cases in one statement.

        :return: ``{id of the membership: id of its last move that changed the tier}``
        """
        lines = [(case, move) for case in cases for move in case.moves]
        if not lines:
            return {}
        columns = _move_columns(programme, rules, lines)
        columns['user_id'] = ('int', [user.id if user else None] * len(lines))
        columns['note'] = ('varchar', [note or None] * len(lines))
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO retail_tier_move (company_id, %(names)s, create_uid, write_uid, create_date, write_date)
                SELECT %(company)s, %(names)s, %(user)s, %(user)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                  FROM %(lines)s
                 ORDER BY line.place
                RETURNING id, membership_id, direction
                """,
                names=SQL(', ').join(map(SQL.identifier, columns)),
                company=programme.company_id.id,
                user=self.env.uid,
                lines=_sql_table('line', {**columns, 'place': ('int', list(range(len(lines))))}),
            )
        )
        return {membership_id: move_id for move_id, membership_id, way in rows if way != 'same'}

    @api.model
    def _forget_tiers(self):
        """Have the ORM read memberships anew, also where contacts and orders show them."""
        self.invalidate_model()
        self.env['retail.tier.move'].invalidate_model()
        self.env['res.partner'].invalidate_model(
            ['retail_summary', 'retail_tier_id', 'retail_member_number', 'retail_tier_text'],
            flush=False,
        )
        self.env['retail.tier'].invalidate_model(['member_count'], flush=False)

    def _follow_top(self, programme, rules, cases):
        """Have the figures of those follow who came to the highest tier or lost it: it makes high-value customers."""
        top = rules.tiers[-1].key
        partner_ids = [
            case.partner_id
            for case in cases
            if (case.before.tier == top) != (case.after.tier == top)
        ]
        if not partner_ids:
            return
        self.env['retail.profile'].flush_model(['refresh_on'])
        self.env.cr.execute(
            SQL(
                'UPDATE retail_profile SET refresh_on = %s WHERE company_id = %s AND partner_id = ANY(%s)',
                programme.company_id._retail_today(),
                programme.company_id.id,
                partner_ids,
            )
        )
        self.env['retail.profile'].invalidate_model(['refresh_on'])
        if not self.env.context.get('retail_crm_refresh_follows'):
            self.env['retail.profile']._wake_refresh()

    def _announce(self, rules, cases, moves):
        """Announce new members, other tiers than before, and warnings, each kind at once."""
        told = {'enrolled': [], 'tier_ending': []}
        changes = {'tier_up': [], 'tier_down': []}
        for case in cases:
            if case.quiet:
                continue
            if case.before.enrolled_on is None or (case.before.left and not case.after.left):
                told['enrolled'].append(case.membership_id)
            if case.notice:
                told['tier_ending'].append(case.membership_id)
            before = max(rules.level(case.before.tier), 0)
            after = rules.level(case.after.tier)
            if after >= 0 and after != before and case.membership_id in moves:
                kind = 'tier_up' if after > before else 'tier_down'
                changes[kind].append(moves[case.membership_id])
        moments = self.env['retail.moment']
        for kind, ids in told.items():
            moments._emit(kind, self.sudo().browse(ids))  # sudo: the system's own record
        for kind, ids in changes.items():
            moments._emit(kind, self.env['retail.tier.move'].sudo().browse(ids))  # sudo: as above

    # === CRON ===#

    @api.model
    def _wake_evaluation(self):
        """Have the scheduled evaluation run soon."""
        cron = self.env.ref('retail_crm.ir_cron_evaluate_tiers', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    @api.model
    def _cron_evaluate(self):
        """Enrol who bought before a programme began, then look at members for whom something is due.

        One commit per batch; after a kill it goes on with what is left. Costs nothing for all others.
        """
        cron = self.env['ir.cron']
        while True:
            if (
                not self._try_lock()
            ):  # the first statement of each transaction: it sees what the last holder committed
                cron._commit_progress(remaining=1)
                return
            done = self._evaluate_batch()
            if not cron._commit_progress(done, remaining=1 if done else 0) or not done:
                return

    def _evaluate_batch(self):
        """Work on one batch and return the number of customers looked at; 0: all is done."""
        for programme in self.env['retail.programme']._running():
            if self._is_waiting(programme):
                continue
            day = programme.company_id._retail_today()
            if programme.opening_after >= 0:
                partner_ids = self._opening_partner_ids(programme)
                self._change(programme, partner_ids, day)
                programme.opening_after = partner_ids[-1] if partner_ids else -1
                return len(partner_ids) or 1
            partner_ids = self._due_partner_ids(programme, day)
            if partner_ids:
                changed = self._change(programme, partner_ids, day)
                if not changed:
                    _logger.error('%s members are due and nothing happens', len(partner_ids))
                    continue
                return len(partner_ids)
        return 0

    def _opening_partner_ids(self, programme):
        """Return the next customers with purchases who may become members."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner_id FROM retail_purchase
                 WHERE company_id = %s AND counts AND partner_id > %s ORDER BY partner_id LIMIT %s
                """,
                programme.company_id.id,
                programme.opening_after,
                EVALUATION_BATCH,
            )
        )
        return [partner_id for (partner_id,) in rows]

    @api.model
    def _make_all_due(self, companies):
        """Have all members of these companies looked at in the background, and customers who are none yet."""
        for programme in self.env['retail.programme']._running(companies):
            self.flush_model(['next_on'])
            self.env.cr.execute(
                SQL(
                    "UPDATE retail_membership SET next_on = %s WHERE company_id = %s AND state = 'active'",
                    programme.company_id._retail_today(),
                    programme.company_id.id,
                )
            )
            self.invalidate_model(['next_on'])
            programme.opening_after = 0 if programme.automatic else -1
            self._wake_evaluation()

    # === AFTER PURCHASES ===#

    @api.model
    def _evaluate_or_later(self, partners, quiet=False):
        """Evaluate customers whose purchases changed; what cannot be done now is kept as a moment and tried again."""
        if not self.env['retail.programme']._running():
            return
        error = None
        try:
            with self.env.cr.savepoint():
                done = self._evaluate(partners, quiet=quiet)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # the whole transaction is lost and repeated by the scheduler
        except Exception as failure:  # a defect here never costs the customer's figures
            _logger.warning('Tiers of %s customers failed', len(partners), exc_info=failure)
            done, error = None, f'{type(failure).__name__}: {failure}'
        if done is None:
            self.env['retail.moment']._evaluate_later(partners, quiet, error)

    def _on_purchase_changed(self, moments):
        """Evaluate customers whose turn had to wait.

        :raise ListenerBusy: when it still has to
        """
        for quiet, group in moments.sorted('quiet', reverse=True).grouped('quiet').items():
            partners = group.partner_id.commercial_partner_id
            if self._evaluate(partners, quiet=quiet) is None:
                raise ListenerBusy


def _as_opening(moves):
    """Return moves in which the enrolment leads at once to the tier reached: nobody was promoted on that day."""
    if len(moves) > 1 and moves[1].cause == 'upgrade' and moves[1].day == moves[0].day:
        return [replace(moves[1], cause='entry', source=None), *moves[2:]]
    return moves


def _columns(cases):
    """Return what is written of memberships, column by column."""
    return {
        name: (kind, [value(case) for case in cases]) for name, (kind, value) in _WRITTEN.items()
    }


def _move_columns(programme, rules, lines):
    """Return what is written of moves, column by column."""

    def measured(value):
        return [value(move.measure) if move.measure else None for _case, move in lines]

    def threshold(place, measure):
        return measure.version.thresholds(measure.keep)[place] if measure.version else None

    def money(cents):
        return None if cents is None else programme._from_cents(cents)

    def way(move):
        before, after = rules.level(move.source), rules.level(move.target)
        return 'same' if before == after else 'up' if after > before else 'down'

    return {
        'membership_id': ('int', [case.membership_id for case, _move in lines]),
        'partner_id': ('int', [case.partner_id for case, _move in lines]),
        'date': ('date', [move.day for _case, move in lines]),
        'from_tier_id': ('int', [move.source for _case, move in lines]),
        'to_tier_id': ('int', [move.target for _case, move in lines]),
        'direction': ('varchar', [way(move) for _case, move in lines]),
        'cause': ('varchar', [move.cause for _case, move in lines]),
        'amount': ('numeric', measured(lambda item: money(item.amount))),
        'count': ('int', measured(lambda item: item.count)),
        'need_amount': ('numeric', measured(lambda item: money(threshold(0, item)))),
        'need_count': ('int', measured(lambda item: threshold(1, item))),
        'window_start': ('date', measured(lambda item: item.start)),
        'window_end': ('date', measured(lambda item: item.end)),
        'version_id': ('int', measured(lambda item: item.version and item.version.id)),
    }


def _sql_table(alias, columns):
    """Return ``unnest(...) AS alias (columns)`` of ``{column: (SQL type, values)}``."""
    return SQL(
        'unnest(%s) AS %s (%s)',
        SQL(', ').join(SQL('%s::' + kind + '[]', values) for kind, values in columns.values()),
        SQL.identifier(alias),
        SQL(', ').join(map(SQL.identifier, columns)),
    )
