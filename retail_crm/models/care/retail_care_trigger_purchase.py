from calendar import monthrange
from datetime import date, datetime, time, timedelta

import pytz

from odoo import models
from odoo.tools import SQL

#: Months before its first day in which who bought such things is told of a new product.
NEW_PRODUCT_MONTHS = 12
#: Years for which a product is remembered after its purchase.
REFILL_YEARS = 10


def months_later(day, months):
    """Return the day so many months later (before: negative); where there is none, the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if day.day > 28:
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return date(year, month + 1, day.day)


def repeated(first, last, months):
    """Return ``[(date of purchase, anchor, number)]`` of all repetitions every so many months from first to last."""
    found = []
    for step in range(months, REFILL_YEARS * 12 + 1, months):
        # the 29th to 31st of a month all fall on the last day of a shorter one
        day = months_later(first, -step) - timedelta(days=3)
        end = months_later(last, -step) + timedelta(days=3)
        while day <= end:
            if first <= (anchor := months_later(day, step)) <= last:
                found.append((day, anchor, step // months))
            day += timedelta(days=1)
    return found


class RetailCareTriggerPurchase(models.Model):
    """Care rules about purchases, deliveries and products (S-FUP-05, S-FUP-08, S-SRV-14).

    Purchases are those of ``retail.purchase``: what was cancelled or returned as a whole is none.
    """

    _inherit = 'retail.care.rule'

    def _sql_purchase(self, company, first, last, partner_ids):
        """Return purchases of at least the minimum with goods of the categories, each once, with who ordered."""
        low, high = self._anchor_window(first, last)
        earlier = SQL()
        if self.first_only:
            earlier = SQL(
                """AND NOT EXISTS (SELECT FROM retail_purchase AS earlier
                    WHERE earlier.partner_id = purchase.partner_id AND earlier.company_id = purchase.company_id
                      AND earlier.counts AND (earlier.date, earlier.id) < (purchase.date, purchase.id))"""
            )
        return SQL(
            """SELECT orderer.id, purchase.date,
                      'purchase:' || purchase.res_model || ':' || purchase.res_id,
                      purchase.res_model, purchase.res_id
                 FROM retail_purchase AS purchase
                CROSS JOIN LATERAL (%s) AS orderer(id)
                WHERE purchase.company_id = %s AND purchase.counts AND purchase.date BETWEEN %s AND %s
                  AND purchase.amount >= %s %s %s %s %s""",
            # looked up one by one: a join would read all documents there are
            SQL(
                """SELECT COALESCE(
                          (SELECT partner_id FROM sale_order
                            WHERE id = purchase.res_id AND purchase.res_model = 'sale.order'),
                          (SELECT partner_id FROM account_move
                            WHERE id = purchase.res_id AND purchase.res_model = 'account.move'),
                          purchase.partner_id)"""
            ),
            company.id,
            low,
            high,
            self.minimum,
            earlier,
            self._sql_of_categories(),
            self._sql_of_customers(partner_ids),
            self._sql_only(SQL('orderer.id'), partner_ids),
        )

    def _sql_of_customers(self, partner_ids):
        """Return the condition that a ``purchase`` is of the customers of some contacts, which an index finds."""
        if partner_ids is None:
            return SQL()
        # sudo: to whom a contact belongs
        customers = self.env['res.partner'].browse(partner_ids).sudo().commercial_partner_id
        return SQL('AND purchase.partner_id = ANY(%s)', customers.ids)

    def _sql_of_categories(self):
        """Return the condition that a ``purchase`` has goods of the categories of this rule, to be appended."""
        if not self.category_ids:
            return SQL()
        return SQL(
            """AND EXISTS (SELECT FROM (%s) AS bought(product_id)
                 JOIN product_product AS product ON product.id = bought.product_id
                 JOIN product_template AS template ON template.id = product.product_tmpl_id
                WHERE template.categ_id = ANY(%s))""",
            self.env['retail.purchase']._sql_bought_lines(),
            self._categories_below().ids,
        )

    def _categories_below(self):
        # sudo: which categories there are says nothing of a customer
        categories = self.env['product.category'].sudo()
        return categories.search([('id', 'child_of', self.category_ids.ids)])

    def _sql_delivery(self, company, first, last, partner_ids):
        """Return orders that were delivered and not returned as a whole, each once, with who ordered.

        Replacements by a remedy are no purchase: where orders are purchases, they are left out.
        """
        low, high = self._anchor_window(first, last)
        zone = company._retail_timezone()
        by_order = company.retail_purchase_basis == 'order'
        return SQL(
            """SELECT delivered.partner_id, delivered.day, 'delivery:' || delivered.id, 'sale.order', delivered.id
                 FROM (SELECT ordered.*, (ordered.retail_delivered_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date
                              AS day FROM sale_order AS ordered) AS delivered
                 LEFT JOIN retail_purchase AS purchase
                   ON purchase.res_model = 'sale.order' AND purchase.res_id = delivered.id
                WHERE delivered.retail_delivered_at >= %(start)s AND delivered.retail_delivered_at < %(end)s
                  AND delivered.day BETWEEN %(low)s AND %(high)s
                  AND delivered.state = 'sale' AND delivered.company_id = ANY(%(tree)s)
                  AND COALESCE(purchase.counts, %(other)s)
                  AND COALESCE(purchase.amount, delivered.amount_untaxed / COALESCE(NULLIF(delivered.currency_rate, 0), 1))
                      >= %(minimum)s %(categories)s %(only)s""",
            zone=zone,
            start=self._utc(low, zone),
            end=self._utc(high + timedelta(days=1), zone),
            low=low,
            high=high,
            tree=self.env['retail.segment']._company_tree(company),
            other=not by_order,
            minimum=self.minimum,
            categories=self._sql_of_ordered_categories(),
            only=self._sql_only(SQL('delivered.partner_id'), partner_ids),
        )

    def _sql_of_ordered_categories(self):
        """Return the condition that the order ``delivered`` has goods of the categories of this rule."""
        if not self.category_ids:
            return SQL()
        return SQL(
            """AND EXISTS (SELECT FROM sale_order_line AS item
                 JOIN product_product AS product ON product.id = item.product_id
                 JOIN product_template AS template ON template.id = product.product_tmpl_id
                WHERE item.order_id = delivered.id AND item.display_type IS NULL AND item.reward_id IS NULL
                  AND item.product_uom_qty > 0 AND template.categ_id = ANY(%s))""",
            self._categories_below().ids,
        )

    def _utc(self, day, zone):
        """Return the instant at which a local day begins, in UTC without zone as the database has it."""
        local = pytz.timezone(zone).localize(datetime.combine(day, time.min))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    def _sql_second_purchase(self, company, first, last, partner_ids):
        """Return the only purchase of customers who bought once: the second one is what it is about."""
        low, high = self._anchor_window(first, last)
        return SQL(
            """SELECT purchase.partner_id, purchase.date,
                      'second_purchase:' || purchase.res_model || ':' || purchase.res_id,
                      purchase.res_model, purchase.res_id
                 FROM retail_profile AS profile
                 JOIN retail_purchase AS purchase ON purchase.partner_id = profile.partner_id
                  AND purchase.company_id = profile.company_id AND purchase.counts
                WHERE profile.company_id = %s AND profile.order_count = 1
                  AND profile.last_order_date BETWEEN %s AND %s AND purchase.amount >= %s %s %s""",
            company.id,
            low,
            high,
            self.minimum,
            self._sql_of_categories(),
            self._sql_only(SQL('profile.partner_id'), partner_ids),
        )

    # === REFILL AND MAINTENANCE ===#

    def _sql_refill(self, company, first, last, partner_ids):
        """Return what was bought last so many days or months ago, by the settings of products and categories.

        Buying the product again moves it: only the latest purchase of a product counts. Settings are few and purchases
        many: the days of purchase are worked out here, and found by their index.
        """
        settings = self.env['product.template']._retail_contact_settings(company, self.category_ids)
        rows = self._refill_days(settings, *self._anchor_window(first, last))
        if not rows:
            return self._sql_none()
        templates = [
            (template_id, *setting)
            for setting, template_ids in settings.items()
            for template_id in template_ids
        ]
        days, columns = zip(*rows, strict=True), zip(*templates, strict=True)
        return SQL(
            """SELECT DISTINCT purchase.partner_id, due.anchor_on,
                      'refill:' || template.id || ':' || purchase.date || ':' || due.number,
                      purchase.res_model, purchase.res_id
                 FROM unnest(%(dates)s::date[], %(anchors)s::date[], %(numbers)s::int[], %(days)s::int[], %(months)s::int[])
                   AS due(date, anchor_on, number, days, months)
                 JOIN (%(sold)s) AS purchase ON purchase.company_id = %(company)s AND purchase.counts
                  AND purchase.date = due.date AND purchase.date = ANY(%(dates)s::date[])
                 JOIN product_product AS product ON product.id = purchase.product_id
                 JOIN unnest(%(ids)s::int[], %(own_days)s::int[], %(own_months)s::int[]) AS template(id, days, months)
                   ON template.id = product.product_tmpl_id
                  AND CASE due.number WHEN 0 THEN template.days = due.days ELSE template.months = due.months END
                WHERE NOT EXISTS (SELECT FROM retail_purchase AS later
                      CROSS JOIN LATERAL (%(later)s) AS again(product_id)
                       JOIN product_product AS other ON other.id = again.product_id
                      WHERE later.partner_id = purchase.partner_id AND later.company_id = purchase.company_id
                        AND later.counts AND (later.date, later.id) > (purchase.date, purchase.id)
                        AND other.product_tmpl_id = template.id) %(only)s""",
            **dict(
                zip(('dates', 'anchors', 'numbers', 'days', 'months'), map(list, days), strict=True)
            ),
            **dict(zip(('ids', 'own_days', 'own_months'), map(list, columns), strict=True)),
            company=company.id,
            sold=self.env['retail.purchase']._sql_sold(),
            later=self.env['retail.purchase']._sql_bought_lines('later'),
            only=self._sql_only(SQL('purchase.partner_id'), partner_ids),
        )

    def _refill_days(self, settings, low, high):
        """Return ``[(day of purchase, anchor, number, days, months)]``; number 0: once after some days."""
        rows = set()
        for days, months in settings:
            if days:
                for offset in range((high - low).days + 1):
                    anchor = low + timedelta(days=offset)
                    rows.add((anchor - timedelta(days=days), anchor, 0, days, 0))
            if months:
                rows.update((*row, 0, months) for row in repeated(low, high, months))
        return sorted(rows)

    # === NEW PRODUCTS ===#

    def _sql_new_product(self, company, first, last, partner_ids):
        """Return the first day of new products, for those who like or bought such things: one a day and customer."""
        low, high = self._anchor_window(first, last)
        today = company._retail_today()
        tree = self.env['retail.segment']._company_tree(company)
        below = SQL("category.parent_path LIKE liked.parent_path || '%%'")
        return SQL(
            """WITH fresh AS MATERIALIZED (
                   SELECT template.id, template.retail_new_from AS day, category.id AS category_id, category.parent_path
                     FROM product_template AS template JOIN product_category AS category ON category.id = template.categ_id
                    WHERE template.active AND template.sale_ok AND template.retail_new_from BETWEEN %(low)s AND %(high)s
                      AND (template.retail_new_until IS NULL OR template.retail_new_until >= %(today)s)
                      AND (template.company_id IS NULL OR template.company_id = ANY(%(tree)s)) %(categories)s),
               matching AS (
                   SELECT likes.res_partner_id AS partner_id, fresh.day, fresh.id
                     FROM fresh AS fresh
                     JOIN product_category AS category ON category.id = fresh.category_id
                     JOIN product_category AS liked ON %(below)s
                     JOIN product_category_retail_preference_rel AS about ON about.product_category_id = liked.id
                     JOIN retail_preference AS preference ON preference.id = about.retail_preference_id AND preference.active
                     JOIN res_partner_retail_preference_rel AS likes
                       ON likes.retail_preference_id = preference.id
                    UNION ALL
                   SELECT purchase.partner_id, fresh.day, fresh.id
                     FROM fresh AS fresh
                     JOIN retail_purchase AS purchase ON purchase.company_id = %(company)s AND purchase.counts
                      AND purchase.date > fresh.day - %(months)s::interval AND purchase.date <= fresh.day
                    CROSS JOIN LATERAL (%(bought)s) AS bought(product_id)
                     JOIN product_product AS product ON product.id = bought.product_id
                     JOIN product_template AS sold ON sold.id = product.product_tmpl_id
                     JOIN product_category AS category ON category.id = sold.categ_id
                      AND category.parent_path LIKE fresh.parent_path || '%%')
               SELECT partner_id, day, 'new_product:' || day, 'product.template', min(id)
                 FROM matching WHERE true %(only)s GROUP BY partner_id, day""",
            low=low,
            high=high,
            today=today,
            tree=tree,
            company=company.id,
            months=f'{NEW_PRODUCT_MONTHS} months',
            categories=SQL('AND template.categ_id = ANY(%s)', self._categories_below().ids)
            if self.category_ids
            else SQL(),
            below=below,
            bought=self.env['retail.purchase']._sql_bought_lines(),
            only=self._sql_only(SQL('partner_id'), partner_ids),
        )


class RetailPurchase(models.Model):
    """Which products a purchase is of, for rules about products."""

    _inherit = 'retail.purchase'

    def _sql_bought_lines(self, alias='purchase'):
        """Return the SELECT of the products of a purchase; the hook to extend is ``retail.profile._sql_bought``."""
        sql = SQL(' UNION ALL ').join(self.env['retail.profile']._sql_bought())
        if alias == 'purchase':
            return sql
        return SQL(
            """SELECT item.product_id FROM (SELECT %s, %s) AS purchase(res_model, res_id)
                CROSS JOIN LATERAL (%s) AS item""",
            SQL.identifier(alias, 'res_model'),
            SQL.identifier(alias, 'res_id'),
            sql,
        )

    def _sql_sold(self):
        """Return the SELECT of all purchases, a row for each line: joins, which PostgreSQL may do in the order it likes."""
        return SQL(' UNION ALL ').join(
            SQL(
                """SELECT purchase.id, purchase.company_id, purchase.partner_id, purchase.date, purchase.counts,
                          purchase.res_model, purchase.res_id, line.product_id
                     FROM retail_purchase AS purchase CROSS JOIN LATERAL (%s) AS line(product_id)""",
                bought,
            )
            for bought in self.env['retail.profile']._sql_bought()
        )
