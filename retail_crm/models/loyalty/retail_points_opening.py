from odoo import api, models
from odoo.tools import SQL


class RetailPointsOpening(models.Model):
    """The first entries of cards that were there before the ledger."""

    _inherit = 'retail.points.entry'

    @api.model
    def _open_ledger(self):
        """Enter the balances of cards without any entry, by SQL, whatever their number. Repeated, it does nothing.

        What confirmed orders gave and took is entered as theirs, so that a later return or cancellation takes back just
        that; the opening balance is the rest, and all that can be spent remains of it.
        """
        self.env.flush_all()
        # a restored dump has no statistics, and without them cards and movements are joined one by one
        self.env.cr.execute(SQL('ANALYZE loyalty_card, sale_order_coupon_points'))
        columns = SQL(
            """kind, state, points, remaining, card_id, program_id, partner_id, company_id, date, res_model, res_id,
               line_id, factor, tier_factor, key, note, create_uid, write_uid, create_date, write_date"""
        )
        stamp = SQL(
            "%(uid)s, %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'", uid=self.env.uid
        )
        fresh = SQL(
            """
            SELECT card.id, card.program_id, card.partner_id, COALESCE(card.points, 0) AS points,
                   card.create_date, COALESCE(program.company_id, %(company)s) AS company_id
              FROM loyalty_card AS card JOIN loyalty_program AS program ON program.id = card.program_id
             WHERE program.program_type IN ('loyalty', 'ewallet')
               AND NOT EXISTS (SELECT FROM retail_points_entry AS entry WHERE entry.card_id = card.id)
            """,
            company=self.env.company.root_id.id,
        )
        self.env.cr.execute(
            SQL(
                """
                WITH card AS MATERIALIZED (%(fresh)s), moved AS MATERIALIZED (
                    SELECT row.coupon_id, row.order_id, 'earn' AS kind, row.points
                      FROM sale_order_coupon_points AS row JOIN card ON card.id = row.coupon_id
                      JOIN sale_order AS o ON o.id = row.order_id AND o.state = 'sale'
                     WHERE row.points <> 0
                     UNION ALL
                    SELECT line.coupon_id, line.order_id, 'burn', -sum(line.points_cost)
                      FROM sale_order_line AS line JOIN card ON card.id = line.coupon_id
                      JOIN sale_order AS o ON o.id = line.order_id AND o.state = 'sale'
                     WHERE line.reward_id IS NOT NULL GROUP BY line.coupon_id, line.order_id
                    HAVING sum(line.points_cost) <> 0
                ), opening AS (
                    SELECT card.id, card.points - COALESCE(sum(moved.points), 0) AS rest
                      FROM card LEFT JOIN moved ON moved.coupon_id = card.id GROUP BY card.id, card.points
                )
                INSERT INTO retail_points_entry (%(columns)s)
                SELECT moved.kind, 'available', moved.points, 0, card.id, card.program_id, card.partner_id,
                       card.company_id, o.date_order::date, 'sale.order', o.id, 0, 1, 1,
                       'sale.order,' || o.id || ':' || moved.kind || ':0', %(note)s, %(stamp)s
                  FROM moved JOIN card ON card.id = moved.coupon_id JOIN sale_order AS o ON o.id = moved.order_id
                 UNION ALL
                SELECT 'migrate', 'available', opening.rest, card.points, card.id, card.program_id, card.partner_id,
                       card.company_id, COALESCE(card.create_date, now())::date, NULL, NULL, 0, 1, 1,
                       'migrate:' || card.id, %(note)s, %(stamp)s
                  FROM opening JOIN card ON card.id = opening.id
                 WHERE card.points <> 0 OR opening.rest <> 0
                """,
                fresh=fresh,
                columns=columns,
                stamp=stamp,
                note=self.env._('Before the ledger'),
            )
        )
        # a branch's program belongs to its company
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_points_entry AS entry SET company_id = split_part(company.parent_path, '/', 1)::int
                  FROM res_company AS company
                 WHERE company.id = entry.company_id AND company.parent_id IS NOT NULL
                """
            )
        )
        self.invalidate_model(flush=False)
