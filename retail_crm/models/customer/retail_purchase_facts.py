from odoo import api, models
from odoo.tools import SQL, float_round, ormcache


def _union(parts):
    """Join SELECTs, or return None for none."""
    return SQL(' UNION ALL ').join(parts) if parts else None


class RetailPurchaseFacts(models.Model):
    """How documents become purchases: one SQL builder for install, moments, repair and a change of basis."""

    _inherit = 'retail.purchase'

    @api.model
    def _sql_purchase_facts(self, documents=None):
        """Return the SELECT of the rows that these documents should have.

        :param documents: ``{model name: ids}``, or None for all documents of all companies
        :return: SQL with the columns of ``retail_purchase``, or None when no such document can have a row
        """
        sources = self._purchase_sources()
        selects = []
        for model, build in sources.items():
            ids = None if documents is None else documents.get(model)
            if documents is not None and not ids:
                continue
            companies = self._purchase_companies(model)
            if companies:
                selects.append(build(companies, ids))
        return _union(selects)

    @api.model
    def _purchase_sources(self):
        """Hook: return ``{model name: builder}``; a builder takes company parameters and ids and returns a SELECT."""
        return {'sale.order': self._sql_facts_orders, 'account.move': self._sql_facts_invoices}

    def _purchase_companies(self, model):
        """Hook: return the VALUES rows of the companies that count this kind of document, as tuples.

        Columns: company, root company, zone, usual margin (fraction), decimal places and currency of the root.
        """
        basis = {'sale.order': 'order', 'account.move': 'invoice'}.get(model)
        # sudo: figures are made for all companies; archived ones keep theirs
        companies = self.env['res.company'].sudo().search([('active', 'in', [True, False])])
        rows = []
        for company in companies:
            root = company.root_id
            if basis and root.retail_purchase_basis != basis:
                continue
            rows.append(
                (
                    company.id,
                    root.id,
                    root._retail_timezone(),
                    float_round(root.retail_margin_percent / 100, precision_digits=6),
                    root.currency_id.decimal_places,
                    root.currency_id.id,
                )
            )
        return rows

    def _sql_companies(self, companies):
        """Return the company parameters as a table expression ``company``."""
        return SQL(
            '(VALUES %s) AS company (id, root_id, zone, margin, digits, currency_id)',
            SQL(', ').join(
                SQL('(%s::int, %s::int, %s::text, %s::numeric, %s::int, %s::int)', *row)
                for row in companies
            ),
        )

    # === WHAT IS LEFT OUT ===#

    def _sql_excluded_line(self, alias):
        """Hook: return the condition under which an order line is no purchase, or None when none can be excluded.

        Delivery, goods marked so, and both sides of gift cards and eWallets: money put on a card is spent later, and a
        payment by card is a payment (core books it as a negative line, so that the order would be worth nothing).
        """
        terms = []
        if 'is_delivery' in self.env['sale.order.line']._fields:
            terms.append(SQL('%s', SQL.identifier(alias, 'is_delivery')))
        reward_ids, product_ids = self._payment_rewards(), self._excluded_products()
        if reward_ids:
            terms.append(SQL('%s = ANY(%s)', SQL.identifier(alias, 'reward_id'), reward_ids))
        if product_ids:
            terms.append(SQL('%s = ANY(%s)', SQL.identifier(alias, 'product_id'), product_ids))
        return (
            SQL('(%s)', SQL(' OR ').join(SQL('%s IS TRUE', term) for term in terms))
            if terms
            else None
        )

    def _payment_rewards(self):
        """Return the ids of the rewards that are payments by gift card or eWallet."""
        rewards = (
            self.env['loyalty.reward'].sudo().with_context(active_test=False)
        )  # sudo: a rule for everybody
        return rewards.search([('program_id.program_type', 'in', ['gift_card', 'ewallet'])]).ids

    def _excluded_products(self):
        """Return the ids of products that are no purchase: marked, in a marked category, or topping up a card."""
        # sudo: a rule for everybody; archived products were sold, too
        products = self.env['product.product'].sudo().with_context(active_test=False)
        categories = self.env['product.category'].sudo().search([('retail_excluded', '=', True)])
        domain = [('product_tmpl_id.retail_excluded', '=', True)]
        if categories:
            domain = ['|', *domain, ('categ_id', 'child_of', categories.ids)]
        rules = self.env['loyalty.rule'].sudo().with_context(active_test=False)
        top_ups = rules.search(
            [('program_id.program_type', 'in', ['gift_card', 'ewallet'])]
        ).product_ids
        return sorted({*products.search(domain).ids, *top_ups.ids})

    @api.model
    @ormcache()
    def _sql_not_counted_partners(self):
        """Hook: return the ids of contacts whose documents are never purchases: visitors and our own companies."""
        users = (
            self.env.ref('base.group_public').sudo().with_context(active_test=False).all_user_ids
        )
        companies = self.env['res.company'].sudo().search([('active', 'in', [True, False])])
        return tuple(sorted({*users.partner_id.ids, *companies.partner_id.ids}))

    def _sql_counted_order(self, alias):
        """Hook: return the condition under which an order counts at all; remedies add their replacement orders."""
        return SQL("%s = 'sale'", SQL.identifier(alias, 'state'))

    # === MARGIN ===#

    def _sql_order_margin(self):
        """Return ``(join, expression)`` of the margin of an order before returns, in the order's currency.

        ``ordered`` (the counted net amount) and ``company.margin`` (the usual fraction) are in scope.
        """
        lines = self.env['sale.order.line']
        percents = self.env['product.category'].sudo()._retail_margin_percents()
        usual = self._sql_category_margin(percents)
        if 'purchase_price' in lines._fields:
            margin = self._sql_line_margin(usual)
        elif percents:
            margin = SQL('line.price_subtotal * %s', usual)
        else:
            return SQL(), SQL('ordered.amount * company.margin')
        excluded = self._sql_excluded_line('line')
        join = SQL(
            """
            LEFT JOIN LATERAL (
                SELECT sum(%(margin)s)::numeric AS amount
                  FROM sale_order_line AS line %(category)s
                 WHERE line.order_id = o.id AND line.display_type IS NULL %(counted)s
            ) AS line_margin ON true
            """,
            margin=margin,
            category=self._sql_category_join(percents, SQL('line.product_id')),
            counted=SQL('AND NOT %s', excluded) if excluded else SQL(),
        )
        return join, SQL('COALESCE(line_margin.amount, ordered.amount * company.margin)')

    def _sql_line_margin(self, usual):
        """Return the margin of an order line where costs are kept: of its cost, else the usual fraction.

        A line without cost has no known margin (core says all of its price is). Discounts lower the margin as they are.
        """
        return SQL(
            """CASE WHEN line.purchase_price <> 0 OR line.price_subtotal <= 0 THEN line.margin
                    ELSE line.price_subtotal * %s END""",
            usual,
        )

    def _sql_category_join(self, percents, product):
        """Return the join that finds the percentage of a product's category as ``category.percent``."""
        if not percents:
            return SQL()
        return SQL(
            """
            LEFT JOIN product_product AS product ON product.id = %(product)s
            LEFT JOIN product_template AS template ON template.id = product.product_tmpl_id
            LEFT JOIN unnest(%(ids)s::int[], %(percents)s::numeric[]) AS category (id, percent)
                   ON category.id = template.categ_id
            """,
            product=product,
            ids=list(percents),
            percents=list(percents.values()),
        )

    def _sql_category_margin(self, percents):
        """Return the margin of a line as a fraction: of its category, else of the company."""
        if not percents:
            return SQL('company.margin')
        return SQL('COALESCE(category.percent / 100, company.margin)')

    # === CURRENCIES ===#

    def _sql_rate_missing(self, alias):
        """Return the condition under which a document is in a currency of which its company knows no exchange rate.

        Odoo takes such a currency one to one; it uses rates of the root company and those without company only.
        """
        return SQL(
            """
            %(currency)s <> company.currency_id AND NOT EXISTS (
                SELECT FROM res_currency_rate AS known
                 WHERE known.currency_id = %(currency)s
                   AND (known.company_id IS NULL OR known.company_id = company.root_id))
            """,
            currency=SQL.identifier(alias, 'currency_id'),
        )

    # === ORDERS ===#

    def _sql_facts_orders(self, companies, ids):
        """Facts on the basis of orders: net = ordered - max(0, credited - max(0, invoiced - ordered)).

        The inner term is what was billed beyond the order: goods credited and billed again are still bought (design
        4.2). Credited and invoiced amounts are taken in the order's currency and valued at the order's rate, so that
        a full return leaves exactly nothing whatever currencies did in between.
        """
        excluded = self._sql_excluded_line('line')
        margin_join, margin = self._sql_order_margin()
        return SQL(
            """
            (%(with)s SELECT 'sale.order' AS res_model, o.id AS res_id, company.root_id AS company_id,
                   partner.commercial_partner_id AS partner_id,
                   timezone(company.zone, timezone('UTC', o.date_order))::date AS date,
                   round(net.amount / rate.value, company.digits) AS amount,
                   round(CASE WHEN ordered.amount = 0 THEN %(margin)s
                              ELSE %(margin)s * net.amount / ordered.amount END / rate.value, company.digits) AS margin,
                   round((ordered.amount - net.amount) / rate.value, company.digits) AS returned,
                   NOT (ordered.amount > 0 AND net.amount <= 0 AND net.amount < ordered.amount) AS counts,
                   CASE WHEN team.retail_is_store THEN o.team_id END AS store_id,
                   team.retail_channel_id AS channel_id,
                   o.user_id,
                   %(rate_missing)s AS rate_missing
              FROM sale_order AS o
              JOIN %(companies)s ON company.id = o.company_id
              JOIN res_partner AS partner ON partner.id = o.partner_id
              LEFT JOIN crm_team AS team ON team.id = o.team_id
              %(excluded_join)s
              LEFT JOIN credit ON credit.order_id = o.id
              CROSS JOIN LATERAL (
                  SELECT COALESCE(credit.ordered, o.amount_untaxed %(excluded_amount)s) AS amount) AS ordered
              CROSS JOIN LATERAL (SELECT ordered.amount - GREATEST(0, COALESCE(credit.credited, 0)
                  - GREATEST(0, COALESCE(credit.invoiced, 0) - ordered.amount)) AS amount) AS net
              CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(o.currency_rate, 0), 1)::numeric AS value) AS rate
              %(margin_join)s
             WHERE %(counted)s
               AND partner.commercial_partner_id <> ALL(%(not_counted)s)
               %(only)s)
            """,
            margin=margin,
            margin_join=margin_join,
            rate_missing=self._sql_rate_missing('o'),
            companies=self._sql_companies(companies),
            **{'with': self._sql_order_sums(excluded, ids)},
            excluded_join=SQL('LEFT JOIN left_out ON left_out.order_id = o.id')
            if excluded
            else SQL(),
            excluded_amount=SQL('- COALESCE(left_out.amount, 0)') if excluded else SQL(),
            counted=self._sql_counted_order('o'),
            not_counted=list(self._sql_not_counted_partners()),
            only=SQL() if ids is None else SQL('AND o.id = ANY(%s)', ids),
        )

    def _sql_order_sums(self, excluded, ids):
        """Return the WITH clause of ``left_out`` and ``credit``, the sums per order that facts are made with.

        Materialized, here and below: right after an import PostgreSQL knows nothing of the tables, takes them for
        nearly empty and would work out such a sum again for each order.
        """
        parts = [SQL('credit AS MATERIALIZED (%s)', self._sql_credits(excluded, ids))]
        if excluded:
            parts.append(SQL('left_out AS MATERIALIZED (%s)', self._sql_left_out(excluded, ids)))
        return SQL('WITH %s', SQL(', ').join(parts))

    def _sql_left_out(self, excluded, ids):
        """Return the SELECT of what is left out of orders: ``order_id``, ``amount``."""
        return SQL(
            """
            SELECT line.order_id, sum(line.price_subtotal) AS amount
              FROM sale_order_line AS line
             WHERE %(excluded)s %(only)s
             GROUP BY line.order_id
            """,
            excluded=excluded,
            only=SQL() if ids is None else SQL('AND line.order_id = ANY(%s)', ids),
        )

    def _sql_credits(self, excluded, ids):
        """Return the SELECT of ``order_id, credited, invoiced, ordered`` of orders with a credit note.

        Starts from credit notes, which are few. A line of a credit note belongs to the order of its order line or,
        when somebody typed it in by hand, to the (first) order of the invoice that the note reverses, unless it was
        debited again. ``ordered`` is what the lines add up to: the order's total may be rounded otherwise than they.
        """
        product_ids = self._excluded_products()
        counted = SQL('AND line.is_downpayment IS NOT TRUE')
        if excluded:
            counted = SQL('%s AND NOT %s', counted, excluded)
        return SQL(
            """
                WITH note AS MATERIALIZED (
                    SELECT item.id, item.price_subtotal, item.balance, move.currency_id, move.reversed_entry_id,
                           item.product_id, move.id AS move_id
                      FROM account_move AS move
                      JOIN account_move_line AS item ON item.move_id = move.id AND item.display_type = 'product'
                     WHERE move.move_type = 'out_refund' AND move.state = 'posted' %(only_notes)s
                ), linked AS MATERIALIZED (
                    SELECT line.order_id, note.price_subtotal, note.balance, note.currency_id
                      FROM note
                      JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = note.id
                      JOIN sale_order_line AS line ON line.id = rel.order_line_id
                     WHERE true %(counted)s
                    UNION ALL
                    SELECT (SELECT min(line.order_id)
                              FROM account_move_line AS item
                              JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                              JOIN sale_order_line AS line ON line.id = rel.order_line_id
                             WHERE item.move_id = note.reversed_entry_id),
                           note.price_subtotal, note.balance, note.currency_id
                      FROM note
                     WHERE note.reversed_entry_id IS NOT NULL %(by_hand)s AND NOT EXISTS (
                           SELECT FROM sale_order_line_invoice_rel WHERE invoice_line_id = note.id)
                       AND NOT EXISTS (SELECT FROM account_move AS debit
                                        WHERE debit.reversed_entry_id = note.move_id AND debit.state = 'posted')
                ), credited AS MATERIALIZED (
                    SELECT linked.order_id,
                           sum(CASE WHEN linked.currency_id = o.currency_id THEN linked.price_subtotal
                                    ELSE linked.balance * COALESCE(NULLIF(o.currency_rate, 0), 1)::numeric END) AS amount
                      FROM linked JOIN sale_order AS o ON o.id = linked.order_id
                     WHERE true %(only_orders)s
                     GROUP BY linked.order_id
                ), invoiced AS MATERIALIZED (
                    SELECT line.order_id,
                           sum(CASE WHEN move.currency_id = o.currency_id THEN item.price_subtotal
                                    ELSE -item.balance * COALESCE(NULLIF(o.currency_rate, 0), 1)::numeric END) AS amount
                      FROM credited
                      JOIN sale_order AS o ON o.id = credited.order_id
                      JOIN sale_order_line AS line ON line.order_id = o.id
                      JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = line.id
                      JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                      JOIN account_move AS move ON move.id = item.move_id
                     WHERE move.move_type IN ('out_invoice', 'out_receipt') AND move.state = 'posted' %(counted)s
                     GROUP BY line.order_id
                )
                SELECT credited.order_id, credited.amount AS credited, invoiced.amount AS invoiced,
                       (SELECT sum(line.price_subtotal) FROM sale_order_line AS line
                         WHERE line.order_id = credited.order_id %(counted)s) AS ordered
                  FROM credited LEFT JOIN invoiced USING (order_id)
            """,
            counted=counted,
            by_hand=SQL('AND (note.product_id = ANY(%s)) IS NOT TRUE', product_ids)
            if product_ids
            else SQL(),
            only_orders=SQL() if ids is None else SQL('AND linked.order_id = ANY(%s)', ids),
            only_notes=SQL() if ids is None else self._sql_only_notes(ids),
        )

    def _sql_only_notes(self, order_ids):
        """Restrict credit notes to those that can touch these orders, found through indexes."""
        return SQL(
            """
            AND move.id IN (
                WITH touching AS (
                    SELECT DISTINCT item.move_id
                      FROM sale_order_line AS line
                      JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = line.id
                      JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                     WHERE line.order_id = ANY(%s)
                )
                SELECT move_id FROM touching
                 UNION SELECT id FROM account_move WHERE reversed_entry_id IN (SELECT move_id FROM touching))
            """,
            order_ids,
        )

    # === INVOICES ===#

    def _sql_facts_invoices(self, companies, ids):
        """Facts on the basis of invoices: a posted invoice less its credit notes, at the invoice's rate and date.

        A credit note that reverses an invoice, or credits order lines which an invoice bills, is part of that
        invoice's row. One that belongs to nothing is a row of its own: it lowers what was spent, but is no purchase.
        """
        excluded_products = self._excluded_products()
        excluded = self._sql_excluded_line('line')
        percents = self.env['product.category'].sudo()._retail_margin_percents()
        left_out = (
            [SQL('item.product_id = ANY(%s)', excluded_products)] if excluded_products else []
        )
        if excluded:
            left_out.append(
                SQL(
                    """EXISTS (SELECT FROM sale_order_line_invoice_rel AS rel
                                 JOIN sale_order_line AS line ON line.id = rel.order_line_id
                                WHERE rel.invoice_line_id = item.id AND %s)""",
                    excluded,
                )
            )
        has_margin = 'purchase_price' in self.env['sale.order.line']._fields
        line_margin = SQL(
            """(SELECT sum(%s) / NULLIF(sum(line.price_subtotal), 0)
                  FROM sale_order_line_invoice_rel AS rel JOIN sale_order_line AS line ON line.id = rel.order_line_id
                 WHERE rel.invoice_line_id = item.id)::numeric, """,
            self._sql_line_margin(self._sql_category_margin(percents)),
        )
        return SQL(
            """
            (WITH document AS MATERIALIZED (
                SELECT move.id, move.move_type, move.company_id, move.commercial_partner_id, move.invoice_date,
                       move.currency_id, move.team_id, move.invoice_user_id,
                       CASE WHEN move.move_type = 'out_refund' THEN COALESCE(move.reversed_entry_id, (
                           SELECT min(other.id)
                             FROM account_move_line AS item
                             JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                             JOIN sale_order_line_invoice_rel AS shared ON shared.order_line_id = rel.order_line_id
                             JOIN account_move_line AS other_item ON other_item.id = shared.invoice_line_id
                             JOIN account_move AS other ON other.id = other_item.move_id
                            WHERE item.move_id = move.id AND other.state = 'posted'
                              AND other.move_type IN ('out_invoice', 'out_receipt'))) END AS original_id
                  FROM account_move AS move
                 WHERE %(counted_move)s AND move.move_type IN ('out_invoice', 'out_receipt', 'out_refund')
                   AND move.invoice_date IS NOT NULL %(only)s
            ), value AS MATERIALIZED (
                SELECT document.id, sum(item.price_subtotal) AS amount, sum(-item.balance) AS company_amount,
                       sum(abs(item.balance) * sign(item.price_subtotal) * COALESCE(%(line_margin)s%(margin)s)) AS margin
                  FROM document
                  JOIN %(companies)s ON company.id = document.company_id
                  JOIN account_move_line AS item ON item.move_id = document.id AND item.display_type = 'product'
                  %(category_join)s
                 WHERE true %(counted)s
                 GROUP BY document.id
            ), credit AS MATERIALIZED (
                SELECT document.original_id,
                       sum(CASE WHEN document.currency_id = original.currency_id THEN value.amount END) AS amount,
                       sum(CASE WHEN document.currency_id <> original.currency_id THEN -value.company_amount END)
                           AS company_amount
                  FROM document JOIN value ON value.id = document.id
                  JOIN account_move AS original ON original.id = document.original_id AND original.state = 'posted'
                 GROUP BY document.original_id
            )
            SELECT 'account.move' AS res_model, document.id AS res_id, company.root_id AS company_id,
                   document.commercial_partner_id AS partner_id, document.invoice_date AS date,
                   round(net.amount, company.digits) AS amount,
                   round(CASE WHEN gross.amount = 0 THEN COALESCE(value.margin, 0)
                              WHEN document.move_type = 'out_refund' THEN -COALESCE(value.margin, 0)
                              ELSE COALESCE(value.margin, 0) * net.amount / gross.amount END, company.digits) AS margin,
                   round(gross.positive - net.amount, company.digits) AS returned,
                   document.move_type <> 'out_refund'
                       AND NOT (gross.amount > 0 AND net.amount <= 0 AND net.amount < gross.amount) AS counts,
                   CASE WHEN team.retail_is_store THEN document.team_id END AS store_id,
                   team.retail_channel_id AS channel_id,
                   document.invoice_user_id AS user_id,
                   %(rate_missing)s AS rate_missing
              FROM document
              JOIN %(companies)s ON company.id = document.company_id
              LEFT JOIN crm_team AS team ON team.id = document.team_id
              LEFT JOIN value ON value.id = document.id
              LEFT JOIN credit ON credit.original_id = document.id
              LEFT JOIN account_move AS original ON original.id = document.original_id AND original.state = 'posted'
              CROSS JOIN LATERAL (SELECT COALESCE(value.company_amount, 0) AS amount,
                  CASE WHEN document.move_type = 'out_refund' THEN 0 ELSE COALESCE(value.company_amount, 0) END
                  AS positive) AS gross
              CROSS JOIN LATERAL (SELECT gross.amount - COALESCE(credit.company_amount, 0)
                  - CASE WHEN COALESCE(value.amount, 0) = 0 THEN COALESCE(credit.amount, 0)
                         ELSE COALESCE(credit.amount, 0) * gross.amount / value.amount END AS amount) AS net
             WHERE document.commercial_partner_id IS NOT NULL
               AND document.commercial_partner_id <> ALL(%(not_counted)s)
               AND (document.move_type <> 'out_refund' OR original.id IS NULL)
               %(only_document)s)
            """,
            only=SQL() if ids is None else self._sql_only_moves(ids),
            counted_move=self._sql_counted_move('move'),
            only_document=SQL() if ids is None else SQL('AND document.id = ANY(%s)', ids),
            companies=self._sql_companies(companies),
            category_join=self._sql_category_join(percents, SQL('item.product_id')),
            margin=self._sql_category_margin(percents),
            line_margin=line_margin if has_margin else SQL(),
            counted=SQL('AND NOT (%s)', SQL(' OR ').join(left_out)) if left_out else SQL(),
            rate_missing=self._sql_rate_missing('document'),
            not_counted=list(self._sql_not_counted_partners()),
        )

    def _sql_only_moves(self, move_ids):
        """Restrict invoices to these and the credit notes that belong to them."""
        return SQL(
            """
            AND move.id IN (
                SELECT unnest(%(ids)s::int[])
                 UNION SELECT id FROM account_move WHERE reversed_entry_id = ANY(%(ids)s)
                 UNION SELECT other.move_id
                  FROM account_move_line AS item
                  JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                  JOIN sale_order_line_invoice_rel AS shared ON shared.order_line_id = rel.order_line_id
                  JOIN account_move_line AS other ON other.id = shared.invoice_line_id
                 WHERE item.move_id = ANY(%(ids)s))
            """,
            ids=list(move_ids),
        )
