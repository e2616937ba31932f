from dataclasses import dataclass, field
from datetime import date

from odoo import models
from odoo.tools import SQL

from . import _tiers

#: What the evaluation writes: ``{column: (SQL type, value of a case)}``.
_WRITTEN = {
    'state': ('varchar', lambda case: 'left' if case.after.left else 'active'),
    'enrolled_on': ('date', lambda case: case.after.enrolled_on),
    'left_on': ('date', lambda case: case.after.looked_on if case.after.left else None),
    'tier_id': ('int', lambda case: case.shown.tier),
    'tier_since': ('date', lambda case: case.shown.since),
    'tier_valid_until': ('date', lambda case: case.shown.until),
    'grace_until': ('date', lambda case: case.shown.grace_until),
    'held_by_override': ('boolean', lambda case: case.shown.given),
    'own_tier_id': ('int', lambda case: case.after.tier),
    'own_since': ('date', lambda case: case.after.since),
    'own_valid_until': ('date', lambda case: case.after.until),
    'own_grace_until': ('date', lambda case: case.after.grace_until),
    'tier_taken_on': ('date', lambda case: case.after.taken_on),
    'evaluated_on': ('date', lambda case: case.after.looked_on),
    'override_tier_id': ('int', lambda case: case.after.floor),
    'override_since': ('date', lambda case: case.after.floor_since),
    'override_until': ('date', lambda case: case.after.floor_until),
    'next_on': ('date', lambda case: case.next_on),
    'warned_stage': ('int', lambda case: case.stage),
}

#: The columns a case is read from, in the order of ``_tiers.State``.
_STATE = (
    'enrolled_on',
    "state = 'left'",
    'own_tier_id',
    'own_since',
    'own_valid_until',
    'own_grace_until',
    'tier_taken_on',
    'evaluated_on',
    'override_tier_id',
    'override_since',
    'override_until',
)


@dataclass
class Case:
    """One customer of an evaluation: what was known, the documents, and what became of it.

    :ivar shown_before: what the customer saw, and ``shown`` what he sees now
    :ivar quiet: nothing is announced
    :ivar notice: a warning that is due
    """

    partner_id: int
    membership_id: int | None = None
    before: _tiers.State = field(default_factory=_tiers.State)
    next_before: date | None = None
    stage_before: int = 0
    documents: list = field(default_factory=list)
    shown_before: _tiers.Shown = field(default_factory=_tiers.Shown)
    after: _tiers.State | None = None
    shown: _tiers.Shown | None = None
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


class RetailMembershipStore(models.Model):
    """How an evaluation reads and writes: purchases of a batch in one query, one statement for each table."""

    _inherit = 'retail.membership'

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
                       enrolled_via, store_id, enrolled_by, create_uid, write_uid, create_date, write_date)
                SELECT %(company)s, %(programme)s, case_.partner_id, case_.number, %(values)s,
                       'purchase', first.store_id, first.user_id, %(user)s, %(user)s,
                       now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
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
