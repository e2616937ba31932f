"""The life of points: lots first in first out, expiry and notices, waiting, returns, debts; and random histories."""

import random
from datetime import date, timedelta

from freezegun import freeze_time

from odoo.tests import TransactionCase, new_test_user, tagged

from odoo.addons.retail_crm.models.loyalty import _points
from odoo.addons.retail_crm.models.loyalty.retail_points_entry_post import Movement
from odoo.addons.retail_crm.tests.points_common import PointsCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsRules(TransactionCase):
    def test_last_days(self):
        """Months from earning to the end of that month; end of a year; inactivity; never (R-loy C.3 item 5)."""
        cases = [
            ('months', 12, date(2026, 3, 15), date(2027, 3, 31)),
            ('months', 1, date(2026, 1, 31), date(2026, 2, 28)),
            ('months', 12, date(2024, 2, 29), date(2025, 2, 28)),
            ('year', 0, date(2026, 3, 15), date(2026, 12, 31)),
            ('year', 12, date(2026, 3, 15), date(2027, 12, 31)),
            ('inactivity', 6, date(2026, 3, 15), date(2026, 9, 15)),
            ('never', 12, date(2026, 3, 15), None),
        ]
        for mode, months, day, last in cases:
            with self.subTest(mode=mode, day=day):
                self.assertEqual(_points.expires_on(mode, months, day), last)

    def test_returned_share_adds_up(self):
        """However a purchase is returned in parts, together exactly what was issued is taken back (C.3 item 6)."""
        randomly = random.Random(3)
        for _case in range(500):
            base = randomly.randint(1, 9999) / 100
            issued = round(randomly.uniform(0, 5) * base, 2)
            parts = sorted(randomly.uniform(0, base) for _part in range(4))
            taken = [_points.returned(issued, part, base) for part in [*parts, base]]
            self.assertEqual(taken, sorted(taken))
            self.assertEqual(taken[-1], issued)
            self.assertLessEqual(max(taken), issued)

    def test_nothing_refunded_takes_nothing(self):
        """Without a refund or an amount nothing is taken back."""
        self.assertEqual(_points.returned(10, 0, 5), 0)
        self.assertEqual(_points.returned(10, 5, 0), 0)
        self.assertEqual(_points.returned(10, -5, 5), 0)


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsLife(PointsCommon):
    def _move(self, card, kind, points, source=0, **values):
        """Enter one movement of a made-up document."""
        prior = self.ledger.search(
            [('card_id', '=', card.id), ('res_model', '=', 'x.test'), ('res_id', '=', source)]
        )
        return self.ledger._post(
            [
                Movement(
                    card=card,
                    kind=kind,
                    points=points,
                    prior=prior if source else prior.browse(),
                    source=('x.test', source) if source else ('', 0),
                    values=values,
                )
            ]
        )

    def _two_lots(self):
        """Return a card with 100 points to 31 March (of document 1) and 50 to 30 June."""
        card = self._give_card(self.bob)
        self._move(card, 'earn', 100, 1, date=date(2026, 1, 10), expires_on=date(2026, 3, 31))
        self._move(card, 'earn', 50, 2, date=date(2026, 1, 20), expires_on=date(2026, 6, 30))
        return card

    def _expire(self):
        while self.ledger._expire_batch(self.company):
            pass

    # === VECTORS OF R-loy C.3 ===#

    def test_first_to_expire_is_spent_first(self):
        """Own FIFO vector: burn 120 takes 100 and 20; 1 April nothing expires, 1 July 30 (R-loy C.3)."""
        with freeze_time('2026-02-01 12:00'):
            card = self._two_lots()
        with freeze_time('2026-03-01 12:00'):
            burnt = self._move(card, 'burn', -120, 3)
            self.assertEqual(burnt.mapped('points'), [-100, -20])
            self.assertEqual(burnt.award_id.mapped('points'), [100, 50])
        with freeze_time('2026-04-01 12:00'):
            self._expire()
            self.assertEqual(card.points, 30)
        with freeze_time('2026-06-30 12:00'):
            self._expire()
            self.assertEqual(card.points, 30)
        with freeze_time('2026-07-01 12:00'):
            self._expire()
            self._expire()
        self.assertEqual(card.points, 0)
        self.assertEqual(self._points(card, kind='expire'), -30)
        self.assertAgrees(card)

    def test_spent_points_come_back_to_their_lots(self):
        """Own FIFO vector: reversed on 15 April: 100 to 15 May, 20 back into June; balance 150 (R-loy C.3 item 7)."""
        with freeze_time('2026-03-01 12:00'):
            card = self._two_lots()
            self._move(card, 'burn', -120, 3)
        with freeze_time('2026-04-15 12:00'):
            self._move(card, 'reverse_burn', 120, 3)
            self.assertEqual(card.points, 150)
            left = self.ledger.search([('card_id', '=', card.id), ('remaining', '>', 0)])
            self.assertEqual(
                sorted((row.expires_on, row.remaining) for row in left),
                [(date(2026, 5, 15), 100), (date(2026, 6, 30), 50)],
            )
        with freeze_time('2026-05-16 12:00'):
            self._expire()
        self.assertEqual(card.points, 50)
        self.assertAgrees(card)

    def test_return_of_spent_points_leaves_a_debt(self):
        """Return of what earned 100 after they were spent: the youngest lot, the rest a debt; then 100 leave 60 (C.3)."""
        card = self._give_card(self.bob)
        self._move(card, 'earn', 100, 1, date=date(2026, 1, 10))
        self._move(card, 'burn', -100, 2)
        self._move(card, 'earn', 60, 3, date=date(2026, 2, 10))
        taken = self._move(card, 'reverse_earn', -100, 1)
        self.assertEqual(taken.mapped('points'), [-60, -40])
        self.assertEqual(taken.mapped('remaining'), [0, -40])
        self.assertEqual(card.points, -40)
        self.assertAgrees(card)
        new = self._move(card, 'earn', 100, 4)
        self.assertEqual((card.points, new.remaining), (60, 60))
        self.assertAgrees(card)

    def test_a_return_takes_its_own_points_first(self):
        """Returned goods take back their own points, then the youngest of others (R-loy C.3 item 6)."""
        card = self._give_card(self.bob)
        for number in (1, 2, 3):
            self._move(card, 'earn', 10, number, date=date(2026, 1, number))
        taken = self._move(card, 'reverse_earn', -10, 2)
        self.assertEqual(taken.award_id.res_id, 2)
        self._move(card, 'burn', -5, 9)
        taken = self._move(card, 'reverse_earn', -10, 1)
        self.assertEqual(taken.award_id.mapped('res_id'), [1, 3])
        self.assertEqual(taken.mapped('points'), [-5, -5])
        self.assertAgrees(card)

    def test_inactivity_extends_all_lots(self):
        """With inactivity any earning or spending extends all open points (R-loy C.3 item 5)."""
        self.program.write({'retail_expiry': 'inactivity', 'retail_expiry_months': 6})
        with freeze_time('2026-01-10 12:00'):
            card = self._give_card(self.bob)
            self._move(card, 'earn', 100, 1)
        with freeze_time('2026-05-10 12:00'):
            self._move(card, 'burn', -10, 2)
        lot = self._entries(card, kind='earn')
        self.assertEqual(lot.expires_on, date(2026, 11, 10))
        with freeze_time('2026-11-11 12:00'):
            self._expire()
        self.assertEqual(card.points, 0)
        self.assertAgrees(card)

    def test_expiry_in_batches_goes_on(self):
        """Expiry works in batches; one that was interrupted goes on and takes nothing twice (issue 6)."""
        cards = self.env['loyalty.card']
        for number in range(5):
            partner = self.env['res.partner'].create({'name': f'P{number}'})
            card = self._give_card(partner)
            self._move(card, 'earn', 10, number + 1, expires_on=date(2026, 1, 31))
            self._move(card, 'earn', 5, number + 11, expires_on=date(2027, 1, 31))
            cards |= card
        with freeze_time('2026-02-01 12:00'):
            self.assertEqual(self.ledger._expire_batch(self.company, limit=2), 2)
            self.assertEqual(sum(cards.mapped('points')), 55)
            while self.ledger._expire_batch(self.company, limit=2):
                pass
        self.assertEqual(cards.mapped('points'), [5] * 5)
        self.assertAgrees(*cards)

    def test_points_never_expire_by_default(self):
        """A program without a choice keeps core's rules: points do not expire."""
        with freeze_time('2020-01-10 12:00'):
            self._sell(self.bob, 10)
        self._expire()
        self.assertEqual(self._card_of(self.bob).points, 10)

    # === NOTICES ===#

    def _told(self):
        moments = self.moments.search([('kind', '=', 'points_expiring')])
        return moments.filtered(lambda moment: moment.partner_id == self.bob)

    def test_customers_are_told_before(self):
        """30 and 7 days before points expire the customer is told, once each, not per lot (R-loy C.3 item 5)."""
        self.program.retail_expiry = 'months'
        card = self._give_card(self.bob)
        for number in (1, 2):
            self._move(card, 'earn', 50, number, expires_on=date(2026, 6, 30))
        counts = {}
        for day in ('2026-05-30', '2026-05-31', '2026-06-01', '2026-06-23', '2026-06-24'):
            with freeze_time(f'{day} 12:00'):
                self._tell()
                self._tell()
                counts[day] = len(self._told())
        self.assertEqual(list(counts.values()), [0, 1, 1, 2, 2])
        with freeze_time('2026-06-25 12:00'):
            ends = self.ledger._expiring(card, 30)
        self.assertEqual(ends, {card.id: [(date(2026, 6, 30), 100)]})

    def test_batches_of_notices(self):
        """Notices come in batches of cards, each a transaction: nobody is left out or told twice (issue 6)."""
        self.program.retail_expiry = 'months'
        for partner in (self.bob, self.ann):
            card = self._give_card(partner)
            for number in (1, 2):
                self._move(card, 'earn', 50, number, expires_on=date(2026, 6, 30))
        with freeze_time('2026-06-25 12:00'):
            told = [
                self.ledger._tell_expiring(self.program, 7, self.company.root_id, limit=1)
                for _batch in range(3)
            ]
        self.assertEqual(told, [1, 1, 0])
        moments = self.moments.search([('kind', '=', 'points_expiring')])
        self.assertEqual(sorted(moments.partner_id.mapped('name')), ['Ann', 'Bob'])

    def test_spent_points_are_not_announced(self):
        """Nobody is told of points that he has spent."""
        self.program.retail_expiry = 'months'
        card = self._give_card(self.bob)
        self._move(card, 'earn', 50, 1, expires_on=date(2026, 6, 30))
        self._move(card, 'burn', -50, 2)
        with freeze_time('2026-06-25 12:00'):
            self._tell()
        self.assertFalse(self._told())

    # === WAITING ===#

    def test_points_wait_for_payment_and_return_window(self):
        """Waiting until paid and 7 days more; the night of that day releases them (R-loy C.3 item 3)."""
        self.program.retail_pending = True
        with freeze_time('2026-03-02 12:00'):
            order = self._sell(self.bob, 100)
            invoice = self._create_invoice(order)
        card = self._card_of(self.bob)
        with freeze_time('2026-03-20 12:00'):
            self._release()
            self.assertEqual(card.points, 0)
            self._pay(invoice)
            entry = self._entries(card)
            self.assertEqual(entry.valid_from, date(2026, 3, 27))
        with freeze_time('2026-03-26 12:00'):
            self._release()
            self.assertEqual(card.points, 0)
        with freeze_time('2026-03-27 12:00'):
            self._release()
            self._release()
        self.assertEqual((card.points, entry.state), (100, 'available'))
        self.assertEqual(entry.remaining, 100)
        self.assertAgrees(card)

    def test_waiting_points_cannot_be_spent(self):
        """What an order will earn cannot be spent on it while points wait (R-loy C.3 item 3)."""
        self.program.retail_pending = True
        order = self._create_order(self.bob, 600, confirm=False)
        order._update_programs_and_rewards()
        card = self._card_of(self.bob)
        self.assertIn('error', order._apply_program_reward(self.program.reward_ids, card))

    def test_return_while_waiting(self):
        """A return takes waiting points first: in part, then all of them are void (R-loy C.3 item 6)."""
        self.program.retail_pending = True
        with freeze_time('2026-03-02 12:00'):
            order = self._sell(self.bob, 100)
            invoice = self._create_invoice(order)
            self._create_refund(invoice, 40)
            card = self._card_of(self.bob)
            self.assertEqual((card.points, card.retail_pending_points), (0, 60))
            self._pay(invoice)
        with freeze_time('2026-03-09 12:00'):
            self._release()
        self.assertEqual(card.points, 60)
        self.assertEqual(self._entries(card, kind='earn').remaining, 60)
        self.assertAgrees(card)
        with freeze_time('2026-03-02 12:00'):
            other = self._sell(self.ann, 100)
            self._create_refund(self._create_invoice(other))
        entry = self._entries(self._card_of(self.ann))
        self.assertEqual((entry.state, entry.points), ('void', 100))
        self.assertEqual(self._card_of(self.ann).retail_pending_points, 0)

    def test_cancel_while_waiting(self):
        """A cancelled order's waiting points are void; confirmed again it earns once."""
        self.program.retail_pending = True
        order = self._sell(self.bob, 100)
        order._action_cancel()
        card = self._card_of(self.bob)
        self.assertEqual((card.points, card.retail_pending_points), (0, 0))
        order.action_draft()
        order.action_confirm()
        self.assertEqual(card.retail_pending_points, 100)
        self.assertAgrees(card)

    # === RETURNS ===#

    def test_example_of_a_refund_with_reward(self):
        """LoyaltyLion's example: 1000, 500, 515, 505, and 1000 again after the last return (R-loy C.3, oracle)."""
        self.program.retail_earn_on = 'net'
        card = self._give_card(self.bob, 1000)
        order = self._sell(self.bob, 10, quantity=2, redeem=True)
        self.assertEqual(order.amount_untaxed, 15)
        self.assertEqual(card.points, 515)
        self.assertEqual(self._points(card, kind='burn'), -500)
        invoice = self._create_invoice(order)
        self._refund_line(invoice, 10)
        self.assertEqual(card.points, 505)
        self.assertEqual(self._points(card, kind='reverse_burn'), 0)
        self._refund_line(invoice, 10, rest=True)
        self.assertEqual(card.points, 1000)
        self.assertAgrees(card)

    def test_partial_returns_keep_spent_points(self):
        """A partial return gives back none of the points spent, unless pro rata is on (R-loy C.3 item 7)."""
        card = self._give_card(self.bob, 1000)
        order = self._sell(self.bob, 50, redeem=True)
        invoice = self._create_invoice(order)
        self._refund_line(invoice, 9)
        self.assertEqual(self._points(card, kind='reverse_burn'), 0)
        self.assertEqual(card.points, 1000 - 500 + 40)
        self.program.retail_burn_pro_rata = True
        order._retail_settle_points()
        self.assertEqual(self._points(card, kind='reverse_burn'), 100)
        self.assertAgrees(card)

    def _refund_line(self, invoice, amount, rest=False):
        """Return the posted credit note over an amount of the goods of an invoice, of the reward only with ``rest``."""
        wizard = (
            self.env['account.move.reversal']
            .with_context(active_model='account.move', active_ids=invoice.ids)
            .create({'journal_id': invoice.journal_id.id})
        )
        wizard.refund_moves()
        refund = wizard.new_move_ids
        goods = refund.invoice_line_ids.filtered(lambda line: line.price_unit > 0)[:1]
        if not rest:
            (refund.invoice_line_ids - goods).unlink()
        goods.write({'quantity': 1, 'price_unit': amount})
        refund.action_post()
        return refund

    def test_credit_note_taken_back(self):
        """A credit note that is reset to draft gives the points back; posted again it takes them again."""
        order = self._sell(self.bob, 100)
        refund = self._create_refund(self._create_invoice(order))
        card = self._card_of(self.bob)
        refund.button_draft()
        self.assertEqual(card.points, 100)
        refund.action_post()
        self.assertEqual(card.points, 0)
        self.assertAgrees(card)

    def test_a_debt_never_blocks_an_order(self):
        """Who owes points buys as before; what he earns settles the debt (R-loy C.3 item 6)."""
        card = self._give_card(self.bob)
        order = self._sell(self.bob, 100)
        self._move(card, 'burn', -100, 1)
        self._create_refund(self._create_invoice(order))
        self.assertEqual(card.points, -100)
        self._sell(self.bob, 30)
        self.assertEqual(card.points, -70)
        self._sell(self.bob, 100)
        self.assertEqual(card.points, 30)
        self.assertAgrees(card)

    def test_credit_note_by_an_accountant(self):
        """Whoever posts a credit note need not see orders, cards or the ledger."""
        order = self._sell(self.bob, 100)
        invoice = self._create_invoice(order)
        refund = invoice._reverse_moves()
        accountant = new_test_user(
            self.env, login='retail_accountant', groups='account.group_account_invoice'
        )
        refund.with_user(accountant).action_post()
        card = self._card_of(self.bob)
        self.assertEqual(card.points, 0)
        self.assertAgrees(card)

    # === RANDOM HISTORIES ===#

    def test_random_orders(self):
        """Orders sold, changed, redeemed, credited in parts and cancelled by chance: balances by plain sums (issue 6)."""
        randomly = random.Random(12)
        for customer in range(12):
            partner = self.env['res.partner'].create({'name': f'O{customer}'})
            card = self._give_card(partner, 5000)
            sold = []
            for _step in range(6):
                self._random_order_step(randomly, partner, sold)
                self.assertAgrees(card)
                self.assertAlmostEqual(
                    card.points, 5000 + sum(_expected(one) for one in sold), 2, sold
                )

    def _random_order_step(self, randomly, partner, sold):
        """Sell, or do something to an order; ``sold`` says what became of each in plain numbers."""
        what = randomly.choice(['sell', 'edit', 'credit', 'credit', 'cancel'])
        free = [one for one in sold if not one['invoice'] and not one['cancelled']]
        if what == 'edit' and free:
            one = randomly.choice(free)
            one['amount'] = randomly.randint(2000, 9900) / 100
            one['order'].order_line.filtered(lambda line: not line.reward_id).price_unit = one[
                'amount'
            ]
        elif what == 'cancel' and free:
            one = randomly.choice(free)
            one['order']._action_cancel()
            one['cancelled'] = True
        elif what == 'credit' and [one for one in sold if not one['cancelled']]:
            one = randomly.choice([one for one in sold if not one['cancelled']])
            one['invoice'] = one['invoice'] or self._create_invoice(one['order'])
            left = one['amount'] - one['credited'] - (5 if one['redeem'] else 0)
            part = round(left * randomly.choice([0.25, 0.5, 1]), 2)
            if part > 0:
                self._refund_line(one['invoice'], part)
                one['credited'] = round(one['credited'] + part, 2)
        else:
            amount = randomly.randint(2000, 9900) / 100
            redeem = randomly.random() < 0.4
            order = self._sell(partner, amount, redeem=redeem)
            values = {'order': order, 'amount': amount, 'redeem': redeem}
            sold.append({**values, 'invoice': False, 'credited': 0.0, 'cancelled': False})

    def test_random_histories(self):
        """2,000 random histories: card, ledger and a plain-Python account agree after each (issue 6)."""
        randomly = random.Random(6)
        program = self.program
        program.retail_reinstate_days = 30
        partners = self.env['res.partner'].create([{'name': f'R{n}'} for n in range(2000)])
        cards = self.env['loyalty.card'].create(
            [{'program_id': program.id, 'partner_id': partner.id} for partner in partners]
        )
        accounts = {card.id: Account() for card in cards}
        today = date(2026, 1, 1)
        for number in range(1, 7):
            with freeze_time(f'{today} 12:00'):
                self._expire()
                for account in accounts.values():
                    account.expire(today)
                steps = [
                    self._random_step(randomly, card, accounts[card.id], today, number)
                    for card in cards
                ]
                self._move_all([step for step in steps if step])
            today += timedelta(days=randomly.randint(20, 60))
        self.env.flush_all()
        sums = self.ledger._sums(cards)
        for card in cards:
            expected = accounts[card.id].balance()
            self.assertAlmostEqual(card.points, expected, 4, accounts[card.id].log)
            self.assertAlmostEqual(sums.get(card.id, (0, 0))[0], expected, 4)
        left = dict(
            self.ledger._read_group([('card_id', 'in', cards.ids)], ['card_id'], ['remaining:sum'])
        )
        for card in cards:
            self.assertAlmostEqual(left.get(card, 0), accounts[card.id].balance(), 4)

    def _move_all(self, steps):
        """Enter ``(card, kind, points, source, values)`` at once."""
        prior = self.ledger.search(
            [('card_id', 'in', [step[0].id for step in steps]), ('res_model', '=', 'x.test')]
        ).grouped(lambda row: (row.card_id.id, row.res_id))
        self.ledger._post(
            [
                Movement(
                    card=card,
                    kind=kind,
                    points=points,
                    prior=prior.get((card.id, source), self.ledger.browse()),
                    source=('x.test', source),
                    values=values,
                )
                for card, kind, points, source, values in steps
            ]
        )

    def _random_step(self, randomly, card, account, today, number):
        """Do something by chance on the account and return the movement that should do the same."""
        what = randomly.choice(['earn', 'earn', 'burn', 'return', 'back', 'nothing'])
        if what == 'earn':
            points = randomly.randint(1, 20000) / 100
            last = today + timedelta(days=randomly.choice([25, 45, 90, 400]))
            account.earn(number, points, last, today)
            return card, 'earn', points, number, {'expires_on': last}
        if what == 'burn' and account.balance() > 0:
            points = round(account.balance() * randomly.choice([0.3, 0.7, 1]) - 0.005, 2)
            if points > 0:
                account.burn(number, points)
                return card, 'burn', -points, number, {}
        if what == 'return' and account.earned:
            source = randomly.choice(sorted(account.earned))
            part = round(account.earned[source] * randomly.choice([0.5, 1]), 2)
            if part > 0:
                account.take_back(source, part)
                return card, 'reverse_earn', -part, source, {}
        if what == 'back' and account.burnt:
            source = randomly.choice(sorted(account.burnt))
            part = round(sum(points for _lot, points in account.burnt[source]), 6)
            account.give_back(source, today)
            return card, 'reverse_burn', part, source, {}
        return None


def _expected(one):
    """Return what an order should have moved by now: what is kept of its points, less what was spent on it."""
    if one['cancelled']:
        return 0.0
    base = round(one['amount'] - (5 if one['redeem'] else 0), 2)
    if one['credited'] >= base - 0.004:
        return 0.0
    taken = round(one['amount'] * one['credited'] / base, 2)
    return one['amount'] - taken - (500 if one['redeem'] else 0)


class Account:
    """The rules of docs/points.md once more, written without the add-on: lots as lists [source, left, last, day]."""

    def __init__(self):
        self.lots, self.debt, self.earned, self.burnt, self.log = [], 0.0, {}, {}, []

    def balance(self):
        return round(sum(lot[1] for lot in self.lots) - self.debt, 6)

    def settle(self):
        for lot in sorted(self.lots, key=lambda one: one[2]):
            part = min(lot[1], self.debt)
            lot[1] -= part
            self.debt -= part

    def expire(self, today):
        for lot in self.lots:
            if lot[2] < today:
                lot[1] = 0.0

    def earn(self, source, points, last, day):
        self.log.append(('earn', source, points, last, day))
        self.lots.append([source, points, last, day])
        self.earned[source] = self.earned.get(source, 0) + points
        self.settle()

    def _take(self, lots, points):
        taken = []
        for lot in lots:
            part = min(lot[1], points)
            if part > 1e-9:
                lot[1] -= part
                points -= part
                taken.append((lot, part))
        return taken, points

    def burn(self, source, points):
        self.log.append(('burn', source, points))
        lots = sorted((lot for lot in self.lots if lot[1] > 0), key=lambda lot: (lot[2], lot[3]))
        taken, missing = self._take(lots, points)
        assert missing < 1e-6, self.log
        self.burnt.setdefault(source, []).extend(taken)

    def take_back(self, source, points):
        self.log.append(('return', source, points))
        self.earned[source] -= points
        order = sorted(range(len(self.lots)), key=lambda n: (-self.lots[n][3].toordinal(), -n))
        own = [n for n in order if self.lots[n][0] == source]
        others = [n for n in order if self.lots[n][0] != source]
        _taken, missing = self._take([self.lots[n] for n in own + others], points)
        self.debt += missing

    def give_back(self, source, today):
        self.log.append(('back', source, today))
        last = today + timedelta(days=30)
        for lot, part in self.burnt.pop(source):
            if lot[2] < last:
                self.lots.append([None, part, last, today])
            else:
                lot[1] += part
        self.settle()
