from odoo import api, models
from odoo.tools import SQL

from .retail_membership_seat import Seat


class RetailPointsLook(models.Model):
    """All that has to be known before orders move points, in one query: every confirmation pays for it."""

    _inherit = 'retail.points.entry'

    @api.model
    def _look(self, booking, orders, cards):
        """Note in a booking: the entries of orders, who their customers are, and the open lots of cards, which are locked.

        :param cards: ids of the cards from which the orders take points
        """
        members = self.env['retail.membership']
        ledger = self._posting()
        fields = [
            field
            for field in ledger._fields.values()
            if field.store and field.column_type and field.prefetch and field.name != 'id'
        ]
        ledger.flush_model()
        members._flush_seats()
        pairs = {(order.partner_id.id, order.company_id.root_id.id) for order in orders}
        rows = self.env.execute_query(
            self._sql_look(
                members._sql_seats(sorted(pairs)),
                orders.ids,
                sorted(cards),
                [field.name for field in fields],
            )
        )
        width = 2 + len(Seat._fields)
        booking.seats.update({row[:2]: Seat(*row[2:width]) for row in rows if row[0]})
        columns = list(zip(*(row[width:] for row in rows if not row[0]), strict=True))
        entries = ledger.browse(columns[0] if columns else ())
        for field, values in zip(fields, columns[1:], strict=bool(columns)):
            field._insert_cache(entries, values)
        booking.looked |= set(orders.ids)
        booking.opened |= set(cards)
        booking.entries = entries if booking.entries is None else booking.entries | entries

    @api.model
    def _sql_look(self, seats, order_ids, card_ids, columns):
        """Return the query of ``_look``: rows of customers, and after them rows of entries."""
        width = 2 + len(Seat._fields)
        return SQL(
            """
            WITH seat AS MATERIALIZED (%(seats)s), card AS MATERIALIZED (
                SELECT id FROM loyalty_card WHERE id = ANY(%(cards)s) ORDER BY id FOR UPDATE
            ), entry AS MATERIALIZED (
                SELECT id FROM retail_points_entry
                 WHERE res_model = 'sale.order' AND res_id = ANY(%(orders)s)
                 UNION
                SELECT lot.id FROM card JOIN retail_points_entry AS lot ON lot.card_id = card.id
                 WHERE lot.remaining <> 0 AND lot.state = 'available'
            )
            SELECT seat.*, %(no_entry)s FROM seat
             UNION ALL
            (SELECT %(no_seat)s, retail_points_entry.id, %(columns)s
               FROM entry JOIN retail_points_entry ON retail_points_entry.id = entry.id
              ORDER BY retail_points_entry.id)
            """,
            seats=seats,
            cards=card_ids,
            orders=order_ids,
            no_entry=SQL(', ').join([SQL('NULL')] * (len(columns) + 1)),
            no_seat=SQL(', ').join([SQL('NULL')] * width),
            columns=SQL(', ').join(SQL.identifier('retail_points_entry', name) for name in columns),
        )
