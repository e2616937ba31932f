from odoo import api, fields, models
from odoo.tools import SQL

#: Categories shown as those bought most often.
TOP_CATEGORIES = 3
#: Last purchases that habits are taken from: the contact under whom a till books everybody opens as fast as any other.
MOST_PURCHASES = 1000


class RetailProfileHabit(models.Model):
    """What a customer buys most and who serves him, asked when it is looked at.

    Not stored by the refresh: it would have to read all order lines of a million customers each time a product moves
    to another category, for figures that are looked at one customer at a time.
    """

    _inherit = 'retail.profile'

    top_category_ids = fields.Many2many(
        comodel_name='product.category',
        string='Top Categories',
        compute='_compute_top_category_ids',
        help='The three product categories bought most often in the last 24 months, by number of order lines.',
    )
    usual_guide_id = fields.Many2one(
        comodel_name='res.users',
        string='Usual Shop Guide',
        compute='_compute_usual_guide_id',
        help='Who served most purchases of the last 12 months; of several, who served the last one.',
    )

    @api.depends('partner_id', 'company_id')
    def _compute_top_category_ids(self):
        """One query for any number of customers."""
        self._flush_habits()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT profile.id, top.category_id
                  FROM retail_profile AS profile
                 CROSS JOIN LATERAL (%s) AS top
                 WHERE profile.id = ANY(%s)
                 ORDER BY profile.id, top.place
                """,
                self._sql_top_categories(SQL('profile.partner_id'), SQL('profile.company_id')),
                self.ids,
            )
        )
        found = {}
        for profile_id, category_id in rows:
            found.setdefault(profile_id, []).append(category_id)
        for profile in self:
            profile.top_category_ids = self.env['product.category'].browse(
                found.get(profile.id, ())
            )

    @api.depends('partner_id', 'company_id')
    def _compute_usual_guide_id(self):
        """One query for any number of customers."""
        self._flush_habits()
        rows = self.env.execute_query(
            SQL(
                'SELECT profile.id, (%s) FROM retail_profile AS profile WHERE profile.id = ANY(%s)',
                self._sql_usual('user_id', SQL('profile.partner_id'), SQL('profile.company_id')),
                self.ids,
            )
        )
        found = dict(rows)
        for profile in self:
            profile.usual_guide_id = found.get(profile.id, False)

    # === SQL ===#

    @api.model
    def _habit_sources(self):
        """Hook: return ``[(fields or None for all, model)]`` to write before habits are read."""
        return [
            (None, 'retail.purchase'),
            (['product_id', 'display_type', 'reward_id', 'product_uom_qty'], 'sale.order.line'),
            (['product_id', 'display_type', 'quantity'], 'account.move.line'),
            (['categ_id', 'retail_excluded'], 'product.template'),
            (None, 'product.category'),
        ]

    @api.model
    def _flush_habits(self):
        for fnames, model in self._habit_sources():
            self.env[model].flush_model(fnames)

    @api.model
    def _sql_day(self, company):
        """Return today's date where the company of this SQL expression is, without a query of its own."""
        return SQL(
            """
            (SELECT (%s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(calendar.tz, 'UTC'))::date
               FROM res_company AS home
               LEFT JOIN resource_calendar AS calendar ON calendar.id = home.resource_calendar_id
              WHERE home.id = %s)
            """,
            fields.Datetime.now(),
            company,
        )

    @api.model
    def _sql_recent(self, partner, company, months):
        """Return the SELECT of the purchases of (D - months, D] of one customer, at most the last ``MOST_PURCHASES``."""
        return SQL(
            """
            SELECT res_model, res_id, date, user_id, store_id, channel_id
              FROM retail_purchase
             WHERE partner_id = %(partner)s AND company_id = %(company)s AND counts
               AND date > %(day)s - make_interval(months => %(months)s) AND date <= %(day)s
             ORDER BY date DESC
             LIMIT %(limit)s
            """,
            partner=partner,
            company=company,
            day=self._sql_day(company),
            months=months,
            limit=MOST_PURCHASES,
        )

    @api.model
    def _sql_bought(self):
        """Hook: return SELECTs of the products of ``purchase``, one row for each line that was sold."""
        conditions = SQL()
        if 'is_delivery' in self.env['sale.order.line']._fields:
            conditions = SQL('AND item.is_delivery IS NOT TRUE')
        return [
            SQL(
                """
                SELECT item.product_id FROM sale_order_line AS item
                 WHERE purchase.res_model = 'sale.order' AND item.order_id = purchase.res_id
                   AND item.display_type IS NULL AND item.reward_id IS NULL AND item.product_uom_qty > 0 %s
                """,
                conditions,
            ),
            SQL(
                """
                SELECT item.product_id FROM account_move_line AS item
                 WHERE purchase.res_model = 'account.move' AND item.move_id = purchase.res_id
                   AND item.display_type = 'product' AND item.quantity > 0
                """
            ),
        ]

    @api.model
    def _sql_top_categories(self, partner, company):
        """Return the SELECT (category_id, name, place) of what this customer bought most often.

        Of categories bought equally often, the one bought last comes first.
        """
        return SQL(
            """
            SELECT counted.category_id, counted.name,
                   row_number() OVER (ORDER BY counted.lines DESC, counted.last_date DESC, counted.category_id) AS place
              FROM (SELECT category.id AS category_id, category.name, count(*) AS lines, max(purchase.date) AS last_date
                      FROM (%(recent)s) AS purchase
                     CROSS JOIN LATERAL (%(bought)s) AS line
                      JOIN product_product AS product ON product.id = line.product_id
                      JOIN product_template AS template
                        ON template.id = product.product_tmpl_id AND template.retail_excluded IS NOT TRUE
                      JOIN product_category AS category ON category.id = template.categ_id
                     WHERE NOT EXISTS (SELECT FROM product_category AS excluded
                                        WHERE excluded.retail_excluded
                                          AND category.parent_path LIKE excluded.parent_path || '%%')
                     GROUP BY category.id) AS counted
             ORDER BY place
             LIMIT %(limit)s
            """,
            recent=self._sql_recent(partner, company, 24),
            bought=SQL(' UNION ALL ').join(self._sql_bought()),
            limit=TOP_CATEGORIES,
        )

    @api.model
    def _sql_usual(self, column, partner, company):
        """Return the SELECT of the employee or store of most purchases of the last 12 months; of several, the last one's."""
        return SQL(
            """
            SELECT purchase.%(column)s
              FROM (%(recent)s) AS purchase
             WHERE purchase.%(column)s IS NOT NULL
             GROUP BY purchase.%(column)s
             ORDER BY count(*) DESC, max(purchase.date) DESC, max(purchase.res_id) DESC
             LIMIT 1
            """,
            column=SQL.identifier(column),
            recent=self._sql_recent(partner, company, 12),
        )
