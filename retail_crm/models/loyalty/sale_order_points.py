from datetime import timedelta

from odoo import models
from odoo.tools import SQL

from . import _booking, _points
from .retail_points_entry_post import Movement

#: Fields of order lines that change what an order earns or spends.
LINE_FIELDS = {
    'product_id',
    'product_uom_qty',
    'price_unit',
    'discount',
    'tax_ids',
    'points_cost',
    'coupon_id',
    'reward_id',
}


class SaleOrderPoints(models.Model):
    """Orders move points. Whatever was done to an order, at its end the ledger has what the order gives and takes.

    Core writes on cards in many places; what it writes is noted, and then each card gets the difference between what
    the order should have moved by now and what the ledger says it did: so nothing is booked twice and nothing stays.
    """

    _inherit = 'sale.order'

    # === BLOCKS ===#

    def action_confirm(self):
        with _booking.booking_orders(self):
            return super().action_confirm()

    def _action_cancel(self):
        with _booking.booking_orders(self):
            return super()._action_cancel()

    def _update_programs_and_rewards(self):
        if self.state != 'sale':
            return super()._update_programs_and_rewards()
        with _booking.booking_orders(self) as booking:
            booking.recount.update(self.ids)
            return super()._update_programs_and_rewards()

    def _add_points_for_coupon(self, coupon_points):
        if self.state != 'sale':
            return super()._add_points_for_coupon(coupon_points)
        with _booking.booking_orders(self):
            return super()._add_points_for_coupon(coupon_points)

    def _apply_program_reward(self, reward, coupon, **kwargs):
        if self.state != 'sale':
            return super()._apply_program_reward(reward, coupon, **kwargs)
        with _booking.booking_orders(self):
            return super()._apply_program_reward(reward, coupon, **kwargs)

    def write(self, vals):
        """Settle points once when lines of confirmed orders change through their order."""
        sold = self.browse()
        if 'order_line' in vals:
            sold = self.filtered(lambda order: order.state == 'sale')
        if not sold:
            return super().write(vals)
        with _booking.booking_orders(sold):
            return super().write(vals)

    def _get_point_changes(self):
        """Leave cards with a ledger to the end of the booking, which knows earned from spent."""
        changes = super()._get_point_changes()
        booking = _booking.current(self.env)
        if booking is None or booking.orders is None:
            return changes
        cards = self.env['loyalty.card'].browse(card.id for card in changes)._retail_in_ledger()
        return {card: points for card, points in changes.items() if card not in cards}

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        """Count neither points that will wait nor, where nothing is spent, a debt: it never blocks an order."""
        points = super()._get_real_points_for_coupon(coupon, post_confirm=post_confirm)
        program = coupon.program_id
        if not coupon._retail_in_ledger() or self.state in ('sale', 'done'):
            return points
        waits = program.retail_pending and program.program_type == 'loyalty'
        if waits and program.applies_on != 'future':
            own = self.coupon_point_ids.filtered(lambda row: row.coupon_id == coupon)
            points = coupon.currency_id.round(points - sum(own.mapped('points')))
        spends = self.order_line.filtered(
            lambda line: line.coupon_id == coupon and line.points_cost
        )
        return points if spends else max(points, 0.0)

    # === SETTLING ===#

    def _retail_entries(self):
        """Return the entries of these orders, for the system's use.

        Within a booking they are asked for once, with all else that has to be known.
        """
        ledger = self.env['retail.points.entry']._posting()
        booking = _booking.current(self.env)
        if booking is None or booking.orders is None:
            domain = [('res_model', '=', 'sale.order'), ('res_id', 'in', self.ids)]
            return ledger.search(domain, order='id')
        unknown = (self | booking.orders).filtered(lambda order: order.id not in booking.looked)
        if unknown and not set(self.ids) <= booking.looked:
            orders = unknown.sudo()  # sudo: the system's account of the orders
            lines = orders.order_line.filtered('points_cost')
            ledger._look(booking, orders, lines.coupon_id._retail_in_ledger().ids)
        mine = set(self.ids)
        return (booking.entries or ledger.browse()).filtered(
            lambda row: row.res_model == 'sale.order' and row.res_id in mine
        )

    def _retail_recount_points(self):
        """Count anew what changed confirmed orders earn, as core does when it is asked to."""
        for order in self.filtered(lambda order: order.state == 'sale'):
            rows = order.coupon_point_ids.filtered(
                lambda row: row.coupon_id.program_id.program_type == 'loyalty'
            )
            programs = rows.coupon_id.program_id
            if not programs:
                continue
            status = order._program_check_compute_points(programs)
            for row in rows:
                found = status[row.coupon_id.program_id].get('points')
                if found and len(found) == 1 and row.points != found[0]:
                    row.points = found[0]

    def _retail_settle_points(self, booking=None):
        """Bring ledger and cards to what these orders give and take by now: sold, changed, returned or cancelled.

        Idempotent: what the ledger has already is not entered again.
        """
        orders = self.sudo()  # sudo: the system's account of the orders
        if booking is None:
            orders = orders.exists()
        else:
            orders.filtered(lambda order: order.id in booking.recount)._retail_recount_points()
        applied = booking.deltas if booking is not None else {}
        if booking is not None and not any(applied.values()):
            # most orders have nothing to do with points and cost nothing here
            orders = orders.filtered(
                lambda order: order.id in booking.moved or order._retail_point_targets()
            )
            if not orders:
                return
        entries = orders._retail_entries()
        by_order = entries.grouped('res_id')
        returns = None
        movements = []
        for order in orders:
            rows = by_order.get(order.id, entries.browse())
            targets = order._retail_point_targets()
            if not rows and not targets:
                continue
            if booking is not None and 'burn' in rows.mapped('kind'):
                booking.spent.add(order.id)
            if returns is None:
                returns = orders._retail_returned() if entries else {}
            if rows:
                rows._mature(order)
            earnings = booking.earnings if booking is not None else {}
            movements += order._retail_movements(rows, targets, returns, earnings)
        for move in movements:
            # only who sells is asked for points: credit notes and payments go on, what is missing is a debt
            move.may_owe = booking is None
        Entry = self.env['retail.points.entry'].with_context(**self._retail_posting_context())
        Entry._post(movements, applied=self._retail_of_orders(applied, orders, entries))

    def _retail_posting_context(self):
        """Hook: return the context in which cards are moved by orders."""
        return {}

    def _retail_of_orders(self, applied, orders, entries):
        """Return the part of what was written on cards that belongs to the orders, and enter the rest for itself."""
        if not applied:
            return {}
        cards = orders.coupon_point_ids.coupon_id | orders.order_line.coupon_id | entries.card_id
        # a card that core wrote on and that no order knows any more lost its last line just now
        known = {card_id: delta for card_id, delta in applied.items() if card_id in cards.ids}
        rest = {card_id: delta for card_id, delta in applied.items() if card_id not in known}
        if any(rest.values()):
            strays = _booking.Booking(
                cr=self.env.cr, deltas=rest, values={'reason': 'system', 'user_id': self.env.uid}
            )
            self.env['retail.points.entry']._post_deltas(strays)
        return known

    def _retail_point_targets(self):
        """Return ``{card: [earned, spent]}`` of a confirmed order, as it stands; nothing for others."""
        self.ensure_one()
        targets = {}
        if self.state != 'sale':
            return targets
        for row in self.coupon_point_ids:
            if row.coupon_id._retail_in_ledger():
                targets.setdefault(row.coupon_id, [0.0, 0.0])[0] += row.points
        for line in self.order_line:
            if line.reward_id and line.coupon_id._retail_in_ledger():
                targets.setdefault(line.coupon_id, [0.0, 0.0])[1] += line.points_cost
        return targets

    def _retail_movements(self, rows, targets, returns, earnings):
        """Return what is missing in the ledger between its entries of the order and what the order moves."""
        movements = []
        for card in rows.card_id | self.env['loyalty.card'].sudo().concat(*targets):
            mine = rows.filtered(lambda row, card=card: row.card_id == card)
            earned, spent = targets.get(card, (0.0, 0.0))
            refunded, base = self._retail_share(card, returns)
            digits = 2 if card.program_id.retail_rounding == 'cents' else 0
            kept = earned - _points.returned(earned, refunded, base, digits)
            if base > 0 and _points.returned(1.0, refunded, base, 6) >= 1:
                spent = 0.0
            elif card.program_id.retail_burn_pro_rata:
                spent -= _points.returned(spent, refunded, base, digits)
            booked = {
                kinds: sum(row.points for row in mine if row.kind in kinds and row.state != 'void')
                for kinds in (('earn', 'reverse_earn'), ('burn', 'reverse_burn'))
            }
            more = _points.exact(kept - booked['earn', 'reverse_earn'])
            less = _points.exact(spent + booked['burn', 'reverse_burn'])
            movements += self._retail_earn_moves(card, mine, more, earnings)
            if less:
                kind = 'burn' if less > 0 else 'reverse_burn'
                movements.append(self._retail_move_of(card, kind, -less, mine))
        return movements

    def _retail_move_of(self, card, kind, points, prior, **more):
        return Movement(
            card=card,
            kind=kind,
            points=points,
            prior=prior,
            source=('sale.order', self.id),
            state=more.pop('state', 'available'),
            values={'company_id': self.company_id, **more},
        )

    def _retail_earn_moves(self, card, mine, more, earnings):
        """Return the movements that give or take back earned points; waiting ones go first."""
        if not more:
            return []
        if more > 0:
            return [
                self._retail_move_of(
                    card, 'earn', more, mine, **self._retail_earn_values(card, mine, earnings)
                )
            ]
        waiting = mine.filtered(lambda row: row.state == 'pending')
        total = _points.exact(sum(waiting.mapped('points')))
        part = min(total, -more)
        movements = []
        if part and part == total:
            waiting.write({'state': 'void'})
        elif part:
            award = waiting.filtered(lambda row: row.kind == 'earn')[-1:]
            values = {'award_id': award.id, 'valid_from': award.valid_from, 'state': 'pending'}
            movements.append(self._retail_move_of(card, 'reverse_earn', -part, mine, **values))
        rest = _points.exact(more + part)
        if rest:
            movements.append(self._retail_move_of(card, 'reverse_earn', rest, mine))
        return movements

    def _retail_earn_values(self, card, mine, earnings):
        """Return the values of an entry of earned points: their day, factors, amount, and whether they wait."""
        program = card.program_id
        day = self._retail_points_day()
        values = {'date': day, 'expires_on': program._retail_expires_on(day)}
        before = mine.filtered(lambda row: row.kind == 'earn')[:1]
        earning = earnings.get((self.id, program.id))
        if earning:
            values.update(
                base_amount=earning.base,
                factor=earning.factor,
                tier_factor=earning.tier_factor,
                tier_id=before.tier_id.id or earning.tier_id,
            )
        elif before:
            values.update(
                base_amount=before.base_amount,
                factor=before.factor,
                tier_factor=before.tier_factor,
                tier_id=before.tier_id.id,
            )
        if program.retail_pending and program.program_type == 'loyalty':
            free_on = self._retail_free_on(program)
            today = self.company_id._retail_today()
            if not free_on or free_on > today:
                values.update(state='pending', valid_from=free_on)
        return values

    def _retail_tier_then(self):
        """Return the id of the tier that the customer holds, or False."""
        seats = self.env['retail.membership']._seats(self.partner_id, self.company_id)
        return seats[self.partner_id].tier_id if self.partner_id else False

    # === PAYMENT AND RETURNS ===#

    def _retail_free_on(self, program):
        """Return the day from which waiting points of a paid order can be spent, or False when it is not paid."""
        self.ensure_one()
        paid_on = self._retail_paid_on()
        return paid_on and paid_on + timedelta(days=program.retail_return_days)

    def _retail_paid_on(self):
        """Return the day on which the order was paid, or False.

        Paid: nothing to pay, or all its invoices are paid and nothing is left to invoice, or paid on-line.
        """
        if not self.amount_total:
            return self._retail_points_day()
        today = self.company_id._retail_today()
        moves = self.invoice_ids.filtered(lambda move: move.state == 'posted')
        invoices = moves.filtered(lambda move: move.move_type == 'out_invoice')
        # what was credited is to be invoiced again, as core sees it
        whole = self.invoice_status != 'to invoice' or (
            moves != invoices and sum(invoices.mapped('amount_total')) >= self.amount_total
        )
        if invoices and whole:
            open_ones = invoices.filtered(
                lambda move: move.payment_state not in ('paid', 'in_payment', 'reversed')
            )
            return False if open_ones else today
        return today if self.amount_paid >= self.amount_total else False

    def _retail_share(self, card, returns):
        """Return ``(refunded, base)`` of the order as far as it concerns a card."""
        goods, whole = returns.get(self.id, ((0.0, 0.0), (0.0, 0.0)))
        is_top_up = card.program_id.program_type == 'ewallet' and goods[1] <= 0
        return whole if is_top_up or goods[1] <= 0 else goods

    def _retail_returned(self):
        """Return ``{order id: ((refunded, base) of goods, (refunded, base) of all lines)}`` of orders with credit notes.

        As purchases count returns: goods that were credited and billed again are still bought.
        """
        # most orders that are changed were not invoiced yet; credit notes belong to an invoice, or to lines of the order
        orders = self.filtered(lambda order: order.order_line.invoice_lines)
        if not orders:
            return {}
        purchases = self.env['retail.purchase'].sudo()  # sudo: the system's figures
        excluded = purchases._sql_excluded_line('line')
        self.env.flush_all()
        result = {}
        for place, condition in enumerate([excluded, None]):
            if place and excluded is None:
                break
            for order_id, credited, invoiced, ordered in self.env.execute_query(
                SQL('%s', purchases._sql_credits(condition, orders.ids))
            ):
                base = float(ordered or 0)
                again = max(0.0, float(invoiced or 0) - base)
                pair = (max(0.0, float(credited or 0) - again), base)
                found = result.setdefault(order_id, [(0.0, 0.0), (0.0, 0.0)])
                found[place] = pair
                if excluded is None:
                    found[1] = pair
        return {order_id: tuple(pairs) for order_id, pairs in result.items()}
