from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, groupby

from . import _booking, _points
from .retail_points_entry import POSTING

#: A payment may take this much more than there is: cents lost in conversions of currencies.
TOLERANCE = 0.01


@dataclass
class Movement:
    """Points that are to be added to (above 0) or taken from (below 0) a card.

    ``prior`` are the entries of the same document on the card: whose lots are taken back or given back first. Of what is
    spent more than there is remains as a debt where the movement ``may_owe``; else it is refused.
    """

    card: object
    kind: str
    points: float
    prior: object
    source: tuple = ('', 0)
    state: str = 'available'
    may_owe: bool = False
    values: dict = field(default_factory=dict)


class RetailPointsEntryPost(models.Model):
    """How movements become entries: which lots they take, give back or leave as a debt, in one transaction with the card."""

    _inherit = 'retail.points.entry'

    @api.model
    def _post(self, movements, applied=None):
        """Enter movements and bring their cards to the sums of their entries.

        What is added comes first, so that an order may spend what it brings.

        :param movements: list of ``Movement``
        :param applied: ``{card id: points}`` that somebody wrote on the cards already
        :return: the new entries
        :raise ValidationError: when more is spent than there is
        """
        ledger = self._posting()
        cards = self.env['loyalty.card'].browse(
            sorted({move.card.id for move in movements} | set(applied or ()))
        )
        if not cards:
            return ledger.browse()
        book = ledger._open_book(cards, movements, applied or {})
        added = [move for move in movements if move.points >= 0]
        taken = [move for move in movements if move.points < 0]
        entries = ledger.browse()
        rows = [row for move in added for row in ledger._rows_added(move, book)]
        if taken and rows and not book.suffices(rows, taken):
            entries = ledger.create(rows)
            book.add(entries)
            rows = []
        rows += [row for move in taken for row in ledger._rows_taken(move, book)]
        if rows:
            new = ledger.create(rows)
            entries |= new
            book.add(new)
        book.settle_debts()
        book.save()
        entries._move_cards(cards, applied or {})
        entries._extend_inactive()
        booking = _booking.current(self.env)
        if booking is not None:
            booking.forget()
        return entries

    @api.model
    def _open_book(self, cards, movements, applied):
        """Return the lots of cards, locked while something is taken from them or given back into them."""
        cards = cards.sudo()  # sudo: the ledger of cards that the caller moves
        touching = [
            move
            for move in movements
            if move.points < 0
            or move.kind == 'reverse_burn'
            or _points.exact(move.card.sudo().points - applied.get(move.card.id, 0)) < 0
        ]
        ids = sorted({move.card.id for move in touching})
        booking = _booking.current(self.env)
        lots = self.browse()
        if ids and booking is not None and booking.opened.issuperset(ids):
            lots = booking.entries.filtered(
                lambda row: row.card_id.id in ids and row.remaining and row.state == 'available'
            )
        elif ids:
            # The card, never the program: customers do not wait for each other.
            self.env.cr.execute(
                SQL('SELECT id FROM loyalty_card WHERE id = ANY(%s) ORDER BY id FOR UPDATE', ids)
            )
            lots = self.search(
                [('card_id', 'in', ids), ('remaining', '!=', 0), ('state', '=', 'available')]
            )
        return _Book(lots, {card.id: card.points - applied.get(card.id, 0.0) for card in cards})

    def _values_of(self, move, points, number, **values):
        """Return the values of one entry of a movement."""
        model, res_id = move.source
        card = move.card.sudo()  # sudo: see _open_book
        company = move.values.get('company_id') or card.company_id or self.env.company
        key = f'{model},{res_id}:{move.kind}:{number}' if res_id else uuid4().hex
        return {
            'date': company._retail_today(),
            'user_id': self.env.uid,
            **move.values,
            'company_id': company.root_id.id,
            'kind': move.kind,
            'state': move.state,
            'points': _points.exact(points),
            'card_id': card.id,
            'program_id': card.program_id.id,
            'partner_id': card.partner_id.id,
            'res_model': model or False,
            'res_id': res_id or False,
            'key': key,
            **values,
        }

    def _rows_added(self, move, book):
        """Return the values of the entries of what is added to a card."""
        if move.kind == 'reverse_burn':
            return self._rows_given_back(move, book)
        program = move.card.sudo().program_id
        values = self._values_of(move, move.points, book.number(move))
        if not values.get('expires_on'):
            values['expires_on'] = program._retail_expires_on(values['date'])
        values['remaining'] = values['points'] if move.state == 'available' else 0.0
        return [values]

    def _rows_given_back(self, move, book):
        """Return the values of the entries that give spent points back to the lots they came from, the last first."""
        program = move.card.sudo().program_id
        today = (move.values.get('company_id') or self.env.company)._retail_today()
        left, rows = move.points, []
        for lot, part in self._spent_by_lot(move.prior):
            part = min(part, left)
            if part <= 0:
                continue
            left = _points.exact(left - part)
            until = lot.expires_on and _points.reinstated_until(
                lot.expires_on, today, program.retail_reinstate_days
            )
            row = self._values_of(move, part, book.number(move), award_id=lot.id)
            if not lot or until:
                row['remaining'] = part
                row['expires_on'] = until or program._retail_expires_on(today)
            else:
                book.give(lot, part)
            rows.append(row)
        if left > 0:
            row = self._values_of(move, left, book.number(move), remaining=left)
            rows.append({**row, 'expires_on': program._retail_expires_on(today)})
        return rows

    @api.model
    def _spent_by_lot(self, prior):
        """Return ``[(lot, points)]`` that a document still holds as spent, what was taken last first."""
        spent = {}
        for entry in prior.filtered(lambda row: row.kind in ('burn', 'reverse_burn')).sorted('id'):
            spent[entry.award_id] = spent.get(entry.award_id, 0.0) - entry.points
        return [(lot, _points.exact(part)) for lot, part in reversed(spent.items()) if part > 1e-6]

    def _rows_taken(self, move, book):
        """Return the values of the entries of what is taken, one per lot; what no lot has is a debt.

        :raise ValidationError: when more is spent than there is
        """
        if move.state == 'pending':
            return [self._values_of(move, move.points, book.number(move))]
        book.balances[move.card.id] += move.points
        lots = sorted(book.of_card(move.card), key=_points.lot_order)
        if move.kind == 'reverse_earn':
            own = move.prior.filtered(lambda row: row.kind == 'earn')
            # first the points of the returned goods themselves, then what was earned last
            lots.sort(key=lambda lot: (lot.id not in own.ids, -lot.date.toordinal(), -lot.id))
        parts, missing = _points.take([_Open(lot, book) for lot in lots], -move.points)
        if move.kind == 'burn' and missing > TOLERANCE and not self._may_spend(move, book):
            raise ValidationError(
                self.env._(
                    'The card %(card)s has not enough points: %(points)s are missing.',
                    card=move.card.sudo().code,
                    points=f'{missing:g}',
                )
            )
        rows = []
        for lot, part in parts:
            book.give(lot.entry, -part)
            rows.append(self._values_of(move, -part, book.number(move), award_id=lot.entry.id))
        if missing:
            rows.append(self._values_of(move, -missing, book.number(move), remaining=-missing))
        return rows

    @api.model
    def _may_spend(self, move, book):
        """Return whether a card may be left with what it has after a movement, whatever its lots say.

        Where card and ledger differ the reconciliation tells; the customer spends what his card shows.
        """
        rounding = move.card.sudo().program_id.currency_id.rounding
        return move.may_owe or book.balances[move.card.id] >= -max(TOLERANCE, rounding / 2)

    def _move_cards(self, cards, applied):
        """Bring cards to what these new entries say, less what was written on them already."""
        sums = dict.fromkeys(cards.ids, 0.0)
        for entry in self:
            if entry.state == 'available':
                sums[entry.card_id.id] += entry.points
        for card in cards:
            missing = _points.exact(sums[card.id] - applied.get(card.id, 0.0))
            if missing:
                card._retail_move(missing)

    def _extend_inactive(self):
        """Let all points of a card last anew where the program counts the time without any movement."""
        moved = self.filtered(
            lambda row: (
                row.kind in ('earn', 'burn')
                and row.card_id.program_id.retail_expiry == 'inactivity'
            )
        )
        if not moved:
            return
        lots = self.search(
            [
                ('card_id', 'in', moved.card_id.ids),
                ('remaining', '>', 0),
                ('state', '=', 'available'),
            ]
        )
        for (program, company), rows in lots.grouped(
            lambda row: (row.program_id, row.company_id)
        ).items():
            until = program._retail_expires_on(company._retail_today())
            rows.filtered(lambda row, until=until: row.expires_on != until).write(
                {'expires_on': until, 'notice_days': 0}
            )

    @api.model
    def _post_deltas(self, booking):
        """Enter what was written on cards within a block, as entries of the block's kind."""
        nothing = self._posting().browse()
        prior = nothing
        if booking.source[1]:
            prior = self._posting().search(
                [('res_model', '=', booking.source[0]), ('res_id', '=', booking.source[1])]
            )
        cards = self.env['loyalty.card'].sudo().browse(booking.deltas)  # sudo: see _posting
        movements = [
            Movement(
                card=card,
                kind=booking.kind,
                points=booking.deltas[card.id],
                prior=prior.filtered(lambda row, card=card: row.card_id == card),
                source=booking.source,
                values=booking.values,
            )
            for card in cards
            if booking.deltas[card.id]
        ]
        return self._post(movements, applied=booking.deltas)

    # === WAITING POINTS ===#

    def _release(self):
        """Let waiting points be spent, with what was taken back of them meanwhile."""
        waiting = self._posting().browse(self.ids).filtered(lambda row: row.state == 'pending')
        if not waiting:
            return
        cards = waiting.card_id
        self.env.cr.execute(
            SQL('SELECT id FROM loyalty_card WHERE id = ANY(%s) ORDER BY id FOR UPDATE', cards.ids)
        )
        taken = {}
        for row in waiting.filtered('award_id'):
            taken[row.award_id.id] = taken.get(row.award_id.id, 0.0) + row.points
        for row in waiting:
            left = 0.0 if row.award_id else _points.exact(row.points + taken.get(row.id, 0.0))
            row.write({'state': 'available', 'remaining': left})
        in_debt = cards.filtered(lambda card: card.points < 0)
        waiting._move_cards(cards.with_context(loyalty_no_mail=True), {})
        if in_debt:
            book = _Book(
                waiting.search(
                    [
                        ('card_id', 'in', in_debt.ids),
                        ('remaining', '!=', 0),
                        ('state', '=', 'available'),
                    ]
                )
            )
            book.settle_debts()
            book.save()
        waiting._extend_inactive()


class _Open:
    """A lot as the arithmetic of points sees it: with what is left of it in the book."""

    def __init__(self, entry, book):
        self.entry, self.remaining = entry, book.left[entry.id]


class _Book:
    """The open lots and debts of cards while movements are entered: what is left of each, written once at the end."""

    def __init__(self, lots, balances=None):
        self.balances = balances or {}
        self.lots, self.left, self.by_card = {}, {}, {}
        self.changed = set()
        self.numbers = {}
        for lot in lots:
            self._open(lot)

    def _open(self, lot):
        self.lots[lot.id], self.left[lot.id] = lot, lot.remaining
        self.by_card.setdefault(lot.card_id.id, []).append(lot)

    def add(self, entries):
        for entry in entries:
            if entry.state == 'available' and entry.points > 0:
                self.balances[entry.card_id.id] += entry.points
            if entry.state == 'available' and entry.remaining:
                self._open(entry)

    def number(self, move):
        """Return the next number of an entry of this document on this card."""
        key = (move.card.id, move.source)
        self.numbers[key] = self.numbers.get(key, len(move.prior)) + 1
        return self.numbers[key]

    def of_card(self, card):
        return [lot for lot in self.by_card.get(card.id, ()) if self.left[lot.id] > 0]

    def give(self, lot, points):
        """Give points back into a lot, or take them (below 0)."""
        if lot.id not in self.left:
            self._open(lot)
        self.left[lot.id] = _points.exact(self.left[lot.id] + points)
        self.changed.add(lot.id)

    def suffices(self, rows, taken):
        """Return whether what is spent comes from lots that are open, so that these new ones can be entered with it."""
        for card, moves in groupby(taken, lambda move: move.card):
            new = [row for row in rows if row['card_id'] == card.id and row.get('remaining')]
            if not new:
                continue
            if any(move.kind != 'burn' for move in moves):
                return False
            first = min((row['expires_on'] or date.max, row['date']) for row in new)
            ahead = sum(
                self.left[lot.id]
                for lot in self.of_card(card)
                if _points.lot_order(lot)[:2] <= first
            )
            if ahead < -sum(move.points for move in moves):
                return False
        return True

    def settle_debts(self):
        """Let open lots pay what was taken before there was anything."""
        debts = [lot for lot in self.lots.values() if self.left[lot.id] < 0]
        for debt in sorted(debts, key=lambda lot: lot.id):
            lots = sorted(self.of_card(debt.card_id), key=_points.lot_order)
            parts, _missing = _points.take([_Open(lot, self) for lot in lots], -self.left[debt.id])
            for lot, part in parts:
                self.give(lot.entry, -part)
                self.give(debt, part)

    def save(self):
        for lot_id in sorted(self.changed):
            lot = self.lots[lot_id]
            if lot.remaining != self.left[lot_id]:
                lot.with_context(**{POSTING: True}).write({'remaining': self.left[lot_id]})
