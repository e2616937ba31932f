from dataclasses import dataclass
from datetime import date

from odoo import models
from odoo.tools import SQL

from . import _tiers
from .retail_membership_store import _sql_table


@dataclass
class Opening:
    """What a customer brings from the scheme before: a day of enrolment, a tier until a day, a number, and a note.

    :ivar tier_id: None: the lowest tier, which needs no gift
    :ivar number: None: stays, or is the next one
    """

    partner_id: int
    since: date
    tier_id: int | None = None
    until: date | None = None
    number: str | None = None
    note: str | None = None


class _Openings:
    """The ``work`` of ``_change`` for openings: what it does differs from customer to customer."""

    def __init__(self, openings, day):
        self.by_partner = {opening.partner_id: opening for opening in openings}
        self.day = day

    def work_on(self, partner_id):
        """Return the function of one customer."""
        opening = self.by_partner[partner_id]

        def work(state, ledger, rules):
            state, moves = (
                _tiers.enrol(state, ledger, rules, opening.since)
                if state.enrolled_on is None
                else (state, [])
            )
            if opening.tier_id:
                state, more = _tiers.override(
                    state, ledger, rules, self.day, opening.tier_id, opening.until
                )
            else:
                state, more = _tiers.advance(state, ledger, rules, self.day)
            return state, [*moves, *more]

        return work


class RetailMembershipOpening(models.Model):
    """Tiers that members bring from the scheme before (docs/tiers.md, *Opening tiers from a file*)."""

    _inherit = 'retail.membership'

    def _decide(self, case, rules, day, work):
        if isinstance(work, _Openings):
            work = work.work_on(case.partner_id)
        return super()._decide(case, rules, day, work)

    def _open(self, programme, openings, note):
        """Enrol customers and give them their tiers, without a word to anybody, in a fixed number of statements.

        Rights, and that the openings make sense, are checked by whoever calls.

        :param openings: list of ``Opening`` of commercial partners
        :param str note: what the history says
        :return: number of memberships that were made or changed
        """
        self._take_turn()
        day = programme.company_id._retail_today()
        self.env.flush_all()
        partner_ids = [opening.partner_id for opening in openings]
        there = self._opening_members(programme.company_id, partner_ids)
        news = [opening for opening in openings if _brings_news(opening, there)]
        changed = self._change(
            programme,
            [opening.partner_id for opening in news],
            day,
            work=_Openings(news, day),
            quiet=True,
            user=self.env.user,
            note=note,
        )
        touched = {case.partner_id for case in changed}
        self._write_opening_origin(programme, touched - there.keys())
        self._write_opening_reasons(programme, [item for item in news if item.tier_id], note)
        numbered = [
            item
            for item in openings
            if item.number and item.number != there.get(item.partner_id, {}).get('number')
        ]
        self._write_opening_numbers(programme, numbered, there)
        self._forget_tiers()
        return len(touched | {item.partner_id for item in numbered})

    def _opening_members(self, company, partner_ids):
        """Return ``{customer: {column: value}}`` of those who have a membership, in one query."""
        names = (
            'partner_id',
            'state',
            'number',
            'tier_id',
            'override_tier_id',
            'override_until',
            'override_reason',
        )
        rows = self.env.execute_query(
            SQL(
                'SELECT %s FROM retail_membership WHERE company_id = %s AND partner_id = ANY(%s)',
                SQL(', ').join(map(SQL.identifier, names)),
                company.id,
                partner_ids,
            )
        )
        return {row[0]: dict(zip(names, row, strict=True)) for row in rows}

    def _write_opening_origin(self, programme, partner_ids):
        """Write down that these new members came by an import: no store and no employee has won them."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_membership SET enrolled_via = 'import', enrolled_by = NULL, store_id = NULL
                 WHERE company_id = %s AND partner_id = ANY(%s)
                """,
                programme.company_id.id,
                list(partner_ids),
            )
        )

    def _write_opening_reasons(self, programme, openings, note):
        """Write down why the tiers were given, and by whom."""
        if not openings:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_membership AS membership
                   SET override_reason = 'migration', override_note = opening.note, override_user_id = %(user)s
                  FROM %(openings)s
                 WHERE membership.partner_id = opening.partner_id AND membership.company_id = %(company)s
                   AND membership.override_until IS NOT NULL
                """,
                user=self.env.uid,
                openings=_sql_table(
                    'opening',
                    {
                        'partner_id': ('int', [item.partner_id for item in openings]),
                        'note': ('varchar', [item.note or note for item in openings]),
                    },
                ),
                company=programme.company_id.id,
            )
        )

    def _write_opening_numbers(self, programme, openings, there):
        """Give members the numbers of their cards; a number that somebody had before still finds him."""
        if not openings:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_membership AS membership
                   SET number = opening.number,
                       former_numbers = NULLIF(array_to_string(array_remove(
                           string_to_array(membership.former_numbers, ' ') || opening.former, opening.number), ' '), '')
                  FROM %(openings)s
                 WHERE membership.partner_id = opening.partner_id AND membership.company_id = %(company)s
                """,
                openings=_sql_table(
                    'opening',
                    {
                        'partner_id': ('int', [item.partner_id for item in openings]),
                        'number': ('text', [item.number for item in openings]),
                        'former': (
                            'text',
                            [
                                there.get(item.partner_id, {}).get('number') or None
                                for item in openings
                            ],
                        ),
                    },
                ),
                company=programme.company_id.id,
            )
        )


def _brings_news(opening, there):
    """Return whether there is something to do but the number."""
    member = there.get(opening.partner_id)
    if not member:
        return True
    return bool(opening.tier_id) and (opening.tier_id, opening.until) != (
        member['override_tier_id'],
        member['override_until'],
    )
