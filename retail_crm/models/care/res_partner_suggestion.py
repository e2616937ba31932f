from datetime import timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..customer.res_partner_file import FILE_GROUPS

#: Purchases that are looked at, in days.
PAST_DAYS = 730
#: A pair is suggested from so many orders on, and when it is more than chance.
LEAST_TOGETHER = 2
#: Due from this part of the own interval on, and no more after so many of them.
DUE_FROM, DUE_UNTIL = 0.9, 3.0
#: A dearer product is at most so much dearer.
MOST_DEARER = 1.5
ADULT = 18
#: Candidates of each kind that are looked at.
_CANDIDATES = 30


class Suggestion(NamedTuple):
    """A product, why it is suggested (kind, see ``retail.suggestion``), and the same in words."""

    product: object
    kind: str
    reason: str


class ResPartnerSuggestion(models.Model):
    """What a customer may want next, each with the reason (S-MKT-01, S-MKT-04, S-MKT-13).

    Read from pairs that are counted at night and from the customer's own purchases: a fixed number of queries, whatever
    the number of products.
    """

    _inherit = 'res.partner'

    retail_suggestion_text = fields.Html(
        string='Suggestions',
        compute='_compute_retail_suggestion_text',
        groups=FILE_GROUPS,
        help='What the customer may want next, and why.',
    )

    @api.depends_context('company', 'lang')
    def _compute_retail_suggestion_text(self):
        for partner in self:
            rows = partner._origin._retail_suggestions() if len(self) == 1 else []
            lines = [
                Markup('<li><b>%s</b>: %s</li>') % (row.product.display_name, row.reason)
                for row in rows
            ]
            partner.retail_suggestion_text = lines and Markup('<ul>%s</ul>') % Markup().join(lines)

    def _retail_suggestions(self, limit=5, order=None):
        """Return up to ``limit`` suggestions ``(product, kind, reason)`` for one customer, best first.

        What is due comes first, then what belongs to the goods of the order, then the rest. Only goods that are sold by
        the company; nothing that the order has already, and for minors nothing that is not for them.

        :param order: quotation for which they are
        """
        if not self:
            return []
        self.ensure_one()
        company = (order.company_id if order else self.env.company).sudo().root_id
        # sudo: whoever serves the customer gets suggestions, not the purchases behind them
        customer = self.sudo().commercial_partner_id
        bought = customer._retail_bought(company)
        taken = set(order.sudo().order_line.product_id.ids) if order else set()
        base = list(taken) or list(bought)[:_CANDIDATES]
        candidates = [
            *customer._suggest_due(bought, company),
            *customer._suggest_together(base, bought, company),
            *customer._suggest_cross(base, bought),
            *(customer._suggest_up(taken) if taken else []),
            *customer._suggest_category(bought, company),
        ]
        return self._retail_choose(candidates, taken, company, limit)

    def _retail_choose(self, candidates, taken, company, limit):
        """Return the first of each product among those that may be suggested to this customer."""
        products = self.env['product.product'].search(
            Domain('id', 'in', [number for number, _kind, _reason in candidates])
            & self._retail_suggestible(company)
        )
        allowed, result = set(products.ids) - taken, []
        for number, kind, reason in candidates:
            if number in allowed and len(result) < limit:
                allowed.discard(number)
                result.append(Suggestion(self.env['product.product'].browse(number), kind, reason))
        return result

    def _retail_suggestible(self, company):
        """Hook: return the domain of products that may be suggested to this customer."""
        domain = (
            Domain('active', '=', True)
            & Domain('sale_ok', '=', True)
            & Domain('company_id', 'in', [False, *company.ids])
            & Domain('retail_excluded', '=', False)
        )
        # sudo: the age decides, nobody is told it
        born_on = self.sudo().birthday
        if born_on and born_on > company._retail_today() - relativedelta(years=ADULT):
            domain &= Domain('product_tmpl_id.retail_adults_only', '=', False)
        return domain

    # === WHAT WAS BOUGHT ===#

    def _retail_bought(self, company):
        """Return ``{product id: (days, last day, mean interval in days, name)}`` of the customer, latest first."""
        purchases = self.env['retail.purchase']
        purchases.flush_model()
        self.env['sale.order.line'].flush_model()
        excluded = purchases._sql_excluded_line('line')
        rows = self.env.execute_query(
            SQL(
                """
                SELECT product_id, COUNT(DISTINCT date), MAX(date), MIN(date) FROM (
                    SELECT line.product_id, p.date
                      FROM retail_purchase AS p
                      JOIN sale_order_line AS line ON line.order_id = p.res_id
                     WHERE p.res_model = 'sale.order' AND p.partner_id = %(partner)s AND p.company_id = %(company)s
                       AND p.counts AND p.date >= %(since)s AND line.display_type IS NULL
                       AND line.product_uom_qty > 0 AND line.reward_id IS NULL %(counted)s
                     UNION ALL
                    SELECT line.product_id, p.date
                      FROM retail_purchase AS p
                      JOIN account_move_line AS line ON line.move_id = p.res_id
                     WHERE p.res_model = 'account.move' AND p.partner_id = %(partner)s AND p.company_id = %(company)s
                       AND p.counts AND p.date >= %(since)s AND line.display_type = 'product' AND line.quantity > 0
                ) AS bought
                 WHERE product_id IS NOT NULL
                 GROUP BY product_id ORDER BY MAX(date) DESC, COUNT(*) DESC, product_id LIMIT 200
                """,
                partner=self.id,
                company=company.id,
                since=company._retail_today() - timedelta(days=PAST_DAYS),
                counted=SQL('AND NOT %s', excluded) if excluded else SQL(),
            )
        )
        return {
            product: (days, last, (last - first).days / (days - 1) if days > 1 else 0)
            for product, days, last, first in rows
        }

    # === KINDS ===#

    def _suggest_due(self, bought, company):
        """Bought again and again, and due by the own interval, or used up by the refill setting of the product."""
        today, due = company._retail_today(), []
        refills = self._retail_refills(list(bought))
        for product, (_days, last, interval) in bought.items():
            interval = interval or refills.get(product, 0)
            passed = (today - last).days
            if interval and DUE_FROM * interval <= passed <= DUE_UNTIL * interval:
                reason = self.env._(
                    'Last bought on %(day)s, usually every %(days)s days.',
                    day=format_date(self.env, last),
                    days=round(interval),
                )
                due.append((passed / interval, product, reason))
        return [(product, 'due', reason) for _late, product, reason in sorted(due, reverse=True)]

    @api.model
    def _retail_refills(self, product_ids):
        """Hook: return ``{product id: days}`` after which a product is used up, by its setting."""
        # sudo: catalogue
        products = self.env['product.product'].sudo().browse(product_ids)
        if 'retail_contact_days' not in products._fields:
            return {}
        return {one.id: one.retail_contact_days for one in products if one.retail_contact_days}

    def _suggest_together(self, base, bought, company):
        """Often bought together with what is in the order, or with what was bought last."""
        if not base:
            return []
        self.env['retail.product.pair'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (pair.other_id) pair.other_id, pair.product_id,
                       100.0 * pair.together / NULLIF(mine.together, 0) AS share
                  FROM retail_product_pair AS pair
                  JOIN retail_product_pair AS mine ON mine.company_id = pair.company_id
                   AND mine.product_id = pair.product_id AND mine.other_id = pair.product_id
                  JOIN retail_product_pair AS others ON others.company_id = pair.company_id
                   AND others.product_id = pair.other_id AND others.other_id = pair.other_id
                 WHERE pair.company_id = %(company)s AND pair.product_id = ANY(%(base)s)
                   AND pair.other_id <> pair.product_id AND NOT pair.other_id = ANY(%(known)s)
                   AND pair.together >= %(least)s
                   AND pair.together::float8 * %(total)s > mine.together::float8 * others.together
                 ORDER BY pair.other_id, share DESC, pair.product_id
                """,
                company=company.id,
                base=base,
                known=list({*bought, *base}),
                least=LEAST_TOGETHER,
                total=self.env['retail.product.pair']._basket_count(company),
            )
        )
        rows = sorted(rows, key=lambda row: (-row[2], row[0]))[:_CANDIDATES]
        names = self._retail_names([product for _other, product, _share in rows])
        return [
            (
                other,
                'together',
                self.env._(
                    '%(share)s %% of the orders with %(product)s have it, too.',
                    share=round(share),
                    product=names[product],
                ),
            )
            for other, product, share in rows
        ]

    def _suggest_cross(self, base, bought):
        """Named at the product as what goes with it (optional products of core)."""
        products = self.env['product.product'].sudo().browse(base)  # sudo: catalogue
        result = []
        for product in products:
            for other in product.product_tmpl_id.optional_product_ids.product_variant_ids:
                if other.id not in bought:
                    reason = self.env._('Goes with %(product)s.', product=product.display_name)
                    result.append((other.id, 'cross', reason))
        return result[:_CANDIDATES]

    def _suggest_up(self, taken):
        """A better one of the same category: dearer than one in the order, but not by much."""
        products = self.env['product.product'].sudo().browse(sorted(taken))  # sudo: catalogue
        result = []
        dearer = (
            self.env['product.product']
            .sudo()
            .search(
                Domain.OR(
                    Domain('categ_id', '=', one.categ_id.id)
                    & Domain('list_price', '>', one.list_price)
                    & Domain('list_price', '<=', one.list_price * MOST_DEARER)
                    for one in products
                ),
                order='list_price, id',
                limit=_CANDIDATES,
            )
        )
        for other in dearer:
            one = next(
                (
                    one
                    for one in products
                    if one.categ_id == other.categ_id
                    and one.list_price < other.list_price <= one.list_price * MOST_DEARER
                ),
                None,
            )
            if one:
                reason = self.env._('A better choice than %(product)s.', product=one.display_name)
                result.append((other.id, 'up', reason))
        return result

    def _suggest_category(self, bought, company):
        """Sells best in the categories that the customer buys or prefers, and was never bought."""
        # sudo: catalogue and preferences decide
        products = self.env['product.product'].sudo().browse(list(bought))
        liked = self.retail_preference_ids.category_ids
        categories = (
            self.env['product.category'].sudo().search([('id', 'child_of', liked.ids)])
            if liked
            else liked
        )
        categories |= products.categ_id
        if not categories:
            return []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT product.id, template.categ_id, COALESCE(pair.together, 0)
                  FROM product_product AS product
                  JOIN product_template AS template ON template.id = product.product_tmpl_id
                  LEFT JOIN retail_product_pair AS pair ON pair.company_id = %(company)s
                   AND pair.product_id = product.id AND pair.other_id = product.id
                 WHERE template.categ_id = ANY(%(categories)s) AND NOT product.id = ANY(%(known)s)
                   AND product.active AND template.active AND template.sale_ok
                 ORDER BY 3 DESC, 1 LIMIT %(limit)s
                """,
                company=company.id,
                categories=categories.ids,
                known=list(bought),
                limit=_CANDIDATES,
            )
        )
        names = {category.id: category.name for category in categories}
        own = set(products.categ_id.ids)
        return [
            (
                number,
                'category',
                self.env._('Sells well in %(category)s, not bought yet.', category=names[category])
                if category in own
                else self.env._(
                    'Fits what the customer likes: %(category)s.', category=names[category]
                ),
            )
            for number, category, _orders in rows
        ]

    @api.model
    def _retail_names(self, product_ids):
        # sudo: names of goods
        products = self.env['product.product'].sudo().browse(set(product_ids))
        return {product.id: product.display_name for product in products}
