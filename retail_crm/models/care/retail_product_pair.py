from odoo import api, fields, models
from odoo.tools import SQL

from .retail_basket import FILLED

#: Orders counted in one transaction.
BATCH = 5000
#: An order of more products says nothing of what belongs together.
MAX_BASKET = 30


class RetailProductPair(models.Model):
    """How often two products were bought in one order (S-MKT-01, S-MKT-04); a product with itself: its orders.

    Derived from confirmed orders by ``_count`` only, which adds what is new in an order and takes away what is gone from
    it (``retail.basket``): a run costs by what changed. May be emptied and counted anew (``_rebuild``) with the same result.
    """

    _name = 'retail.product.pair'
    _description = 'Products Bought Together'
    _order = 'together desc, id'
    _rec_name = 'product_id'
    _log_access = False  # counted in bulk

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='The product that was bought.',
    )
    other_id = fields.Many2one(
        comodel_name='product.product',
        string='Bought Together With',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='The other product; the same one for all orders of the product.',
    )
    together = fields.Integer(readonly=True, help='Orders with both products.')
    share = fields.Float(
        string='Of the Orders (%)',
        compute='_compute_lift',
        help='Share of the orders of the product that had the other one, too.',
    )
    lift = fields.Float(
        compute='_compute_lift',
        help='How much more often than by chance: 1 is chance. 0: not known.',
    )

    _pair_uniq = models.UniqueIndex('(company_id, product_id, other_id)', 'A pair is counted once.')

    @api.depends('together')
    def _compute_lift(self):
        """Three queries for any number of pairs."""
        singles = {
            (pair.company_id.id, pair.product_id.id): pair.together
            for pair in self.search(
                [
                    ('product_id', 'in', (self.product_id | self.other_id).ids),
                    ('company_id', 'in', self.company_id.ids),
                ]
            )
            if pair.product_id == pair.other_id
        }
        totals = {company.id: self._basket_count(company) for company in self.company_id}
        for pair in self:
            company = pair.company_id.id
            mine = singles.get((company, pair.product_id.id), 0)
            others = singles.get((company, pair.other_id.id), 0)
            pair.share = 100 * pair.together / mine if mine else 0
            pair.lift = pair.together * totals[company] / (mine * others) if mine and others else 0

    @api.model
    def _basket_count(self, company):
        """Return how many orders of a main company are counted."""
        # read from an index of the small table alone
        [(count,)] = self.env.execute_query(
            SQL(
                'SELECT COUNT(*) FROM retail_basket WHERE company_id = %s AND products IS NOT NULL',
                company.id,
            )
        )
        return count

    # === COUNTING ===#

    @api.model
    def _cron_count(self):
        """Count the orders that changed; goes on where it was stopped."""
        cron, baskets = self.env['ir.cron'], self.env['retail.basket']
        while (marked := baskets._fill()) is not None:
            if not cron._commit_progress(marked, remaining=1):
                return
        while ids := self._due_ids():
            self._count(ids)
            if not cron._commit_progress(len(ids), remaining=1):
                return
        cron._commit_progress(remaining=0)

    @api.model
    def _due_ids(self):
        rows = self.env.execute_query(
            SQL('SELECT order_id FROM retail_basket WHERE is_due ORDER BY order_id LIMIT %s', BATCH)
        )
        return [number for (number,) in rows]

    @api.model
    def _count(self, order_ids, gone=False):
        """Bring the pairs up to date with the baskets of these orders.

        :param gone: the orders are about to be deleted
        """
        self.env['sale.order'].flush_model()
        self.env['sale.order.line'].flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH basket AS (
                    SELECT b.id, b.company_id AS old_company_id, split_part(c.parent_path, '/', 1)::int AS company_id,
                           COALESCE(b.products, '[]'::jsonb) AS before, COALESCE(%(now)s, '[]'::jsonb) AS after
                      FROM retail_basket AS b
                      JOIN sale_order AS o ON o.id = b.order_id JOIN res_company AS c ON c.id = o.company_id
                     WHERE b.order_id = ANY(%(ids)s)),
                side AS (
                    SELECT old_company_id AS company_id, before AS products, -1 AS sign FROM basket
                     WHERE before <> after OR old_company_id <> company_id
                     UNION ALL
                    SELECT company_id, after, 1 FROM basket
                     WHERE before <> after OR old_company_id <> company_id),
                change AS (
                    SELECT side.company_id, one.id::int AS product_id, other.id::int AS other_id, SUM(side.sign) AS together
                      FROM side
                     CROSS JOIN LATERAL jsonb_array_elements_text(side.products) AS one(id)
                     CROSS JOIN LATERAL jsonb_array_elements_text(side.products) AS other(id)
                     WHERE jsonb_array_length(side.products) <= %(most)s OR one.id = other.id
                     GROUP BY 1, 2, 3 HAVING SUM(side.sign) <> 0),
                counted AS (
                    INSERT INTO retail_product_pair AS pair (company_id, product_id, other_id, together)
                    SELECT company_id, product_id, other_id, together FROM change
                     WHERE EXISTS (SELECT FROM product_product WHERE id = product_id)
                       AND EXISTS (SELECT FROM product_product WHERE id = other_id)
                     ORDER BY 1, 2, 3
                    ON CONFLICT (company_id, product_id, other_id)
                    DO UPDATE SET together = pair.together + EXCLUDED.together),
                empty AS (
                    DELETE FROM retail_basket USING basket
                     WHERE retail_basket.id = basket.id AND basket.after = '[]'::jsonb)
                UPDATE retail_basket SET products = basket.after, company_id = basket.company_id, is_due = false
                  FROM basket WHERE retail_basket.id = basket.id AND basket.after <> '[]'::jsonb
                """,
                ids=list(order_ids),
                now=SQL('NULL::jsonb') if gone else self._sql_products(),
                most=MAX_BASKET,
            )
        )
        self.env['retail.basket'].invalidate_model()
        self.invalidate_model()

    def _sql_products(self):
        """Return the products of a confirmed order ``o`` as a list; rewards, delivery and what is no purchase left out."""
        excluded = self.env['retail.purchase']._sql_excluded_line('line')
        return SQL(
            """
            (SELECT jsonb_agg(DISTINCT line.product_id ORDER BY line.product_id)
               FROM sale_order_line AS line
              WHERE line.order_id = o.id AND o.state = 'sale' AND line.display_type IS NULL
                AND line.product_id IS NOT NULL AND line.product_uom_qty > 0
                AND line.is_downpayment IS NOT TRUE AND line.reward_id IS NULL %s)
            """,
            SQL('AND NOT %s', excluded) if excluded else SQL(),
        )

    @api.model
    def _rebuild(self):
        """Have everything counted anew, and orders of the past year that nobody announced found."""
        self.env.cr.execute(SQL('DELETE FROM retail_product_pair'))
        self.env.cr.execute(SQL('UPDATE retail_basket SET products = NULL, is_due = true'))
        # sudo: how far we are, no setting
        self.env['ir.config_parameter'].sudo().set_param(FILLED, False)
        self.env['retail.basket'].invalidate_model()
        self.invalidate_model()
