from odoo import api, models
from odoo.tools import SQL


class LoyaltyCardMerge(models.Model):
    """Of several cards of what turns out to be one customer one remains, with the ledger and the history of all."""

    _inherit = 'loyalty.card'

    @api.model
    def _retail_absorb(self, card_ids):
        """Hand over what cards that core emptied had to the card that remains, so that no entry has to be made.

        Core adds up balances and leaves history and orders with the emptied cards: returns of those orders would take
        points from a card that is archived. So it is for cards that had none left: they may have waiting ones.

        :param card_ids: ids of the cards that core wrote on
        """
        # sudo: whoever may merge contacts merges what is theirs
        cards = self.sudo().browse(sorted(card_ids)).with_context(active_test=False)
        for program, group in cards.grouped('program_id').items():
            kept = group.filtered('active')[:1]
            emptied = group - kept
            if not kept or not emptied:
                continue
            if program in emptied._retail_in_ledger().program_id:
                kept._retail_take_over(emptied)

    def _retail_take_over(self, emptied):
        """Take over entries, history and orders of emptied cards."""
        self.ensure_one()
        self.env.flush_all()
        ids = emptied.ids
        moves = {
            'loyalty_history': 'card_id',
            'retail_points_adjustment': 'card_id',
            'sale_order_line': 'coupon_id',
        }
        for table, column in moves.items():
            self.env.cr.execute(
                SQL(
                    'UPDATE %(table)s SET %(column)s = %(kept)s WHERE %(column)s = ANY(%(ids)s)',
                    table=SQL.identifier(table),
                    column=SQL.identifier(column),
                    kept=self.id,
                    ids=ids,
                )
            )
        # keys of documents hold no card: those of one document on two cards keep apart by the old card
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_points_entry AS entry
                   SET card_id = %(kept)s,
                       key = CASE WHEN EXISTS (SELECT FROM retail_points_entry AS other
                                                WHERE other.card_id = ANY(%(all)s) AND other.key = entry.key
                                                  AND other.id <> entry.id)
                                  THEN entry.key || '@' || entry.card_id ELSE entry.key END
                 WHERE card_id = ANY(%(ids)s)
                """,
                kept=self.id,
                ids=ids,
                all=[self.id, *ids],
            )
        )
        self._retail_take_over_points(ids)
        self.env.invalidate_all(flush=False)
        entries = self.env['retail.points.entry']._posting()
        entries.create(
            [
                {
                    'kind': 'merge',
                    'points': 0.0,
                    'card_id': self.id,
                    'program_id': self.program_id.id,
                    'partner_id': self.partner_id.id,
                    'company_id': (self.company_id or self.env.company).root_id.id,
                    'date': (self.company_id or self.env.company)._retail_today(),
                    'user_id': self.env.uid,
                    'note': card.code,
                    'key': f'merge:{card.id}',
                }
                for card in emptied
            ]
        )

    def _retail_take_over_points(self, ids):
        """Take over what orders will give to emptied cards; of an order on both cards the sum."""
        self.env.cr.execute(
            SQL(
                """
                WITH sums AS (
                    SELECT order_id, sum(points) AS points, min(id) AS id
                      FROM sale_order_coupon_points WHERE coupon_id = ANY(%(all)s) GROUP BY order_id
                ), gone AS (
                    DELETE FROM sale_order_coupon_points AS row USING sums
                     WHERE row.order_id = sums.order_id AND row.coupon_id = ANY(%(all)s) AND row.id <> sums.id
                    RETURNING row.id
                )
                UPDATE sale_order_coupon_points AS row SET points = sums.points
                  FROM sums WHERE row.id = sums.id
                """,
                all=[self.id, *ids],
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE sale_order_coupon_points SET coupon_id = %s WHERE coupon_id = ANY(%s)',
                self.id,
                ids,
            )
        )
