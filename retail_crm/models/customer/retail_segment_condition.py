from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .retail_consent_text import PURPOSES

#: Conditions about purchases; the others are about consents.
PURCHASE_KINDS = ('bought', 'not_bought', 'discount')


class RetailSegmentCondition(models.Model):
    """A condition of a segment on what customers bought or agreed to. Written by those who write the segment.

    Windows are those of all figures: (today - N months, today] where the company is (design 5.1). Each condition is one
    SELECT of customers, so that a segment stays one statement.
    """

    _name = 'retail.segment.condition'
    _description = 'Segment Condition'
    _order = 'sequence, id'

    segment_id = fields.Many2one(
        comodel_name='retail.segment',
        required=True,
        index=True,
        ondelete='cascade',
        help='The segment that this condition belongs to.',
    )
    company_id = fields.Many2one(related='segment_id.company_id')
    currency_id = fields.Many2one(related='segment_id.currency_id')
    sequence = fields.Integer(default=10)
    kind = fields.Selection(
        selection=[
            ('bought', 'Has bought'),
            ('not_bought', 'Has not bought'),
            ('discount', 'Buys with a discount'),
            ('consent', 'Has agreed'),
            ('no_consent', 'Has not agreed'),
        ],
        string='Condition',
        required=True,
        default='bought',
        help='Has not bought: less than the number and amount given. Has not agreed: refused or was never asked.',
    )
    months = fields.Integer(
        string='Within Months',
        default=12,
        help='Purchases of the last so many months up to today. 0: of all time.',
    )
    min_count = fields.Integer(
        string='Purchases At Least', default=1, help='Number of purchases that are asked for.'
    )
    min_amount = fields.Monetary(
        string='Amount At Least',
        help='Net amount of these purchases together. With products or categories: their share of the purchases.',
    )
    percent = fields.Float(
        string='Share (%)',
        digits=(5, 1),
        default=70.0,
        help='Share of the purchases in which a line was discounted or a reward was used, at least.',
    )
    category_ids = fields.Many2many(
        comodel_name='product.category',
        string='Product Categories',
        help='Only purchases with a product of one of these categories or those below them.',
    )
    product_ids = fields.Many2many(
        comodel_name='product.product',
        string='Products',
        help='Only purchases with one of these products. With categories: a product or a category.',
    )
    store_ids = fields.Many2many(
        comodel_name='crm.team',
        string='Stores',
        domain=[('retail_is_store', '=', True)],
        help='Only purchases in one of these stores.',
    )
    channel_ids = fields.Many2many(
        comodel_name='retail.channel',
        string='Channels',
        help='Only purchases, or consents, on one of these channels.',
    )
    purpose = fields.Selection(
        selection=PURPOSES,
        default='marketing',
        help='What the customer agreed to.',
    )
    summary = fields.Char(
        string='Meaning', compute='_compute_summary', help='The condition in words.'
    )

    _check_numbers = models.Constraint(
        'CHECK(months >= 0 AND months <= 1200 AND min_count >= 0 AND percent >= 0 AND percent <= 100)',
        'Months and numbers of a condition cannot be negative, months at most 1200, and a share at most 100 %.',
    )

    @api.depends('kind')
    def _compute_display_name(self):
        names = dict(self._fields['kind']._description_selection(self.env))
        for condition in self:
            condition.display_name = names.get(condition.kind)

    @api.depends(
        'kind',
        'months',
        'min_count',
        'min_amount',
        'percent',
        'purpose',
        'category_ids',
        'product_ids',
        'store_ids',
        'channel_ids',
    )
    @api.depends_context('lang')
    def _compute_summary(self):
        """Say the condition in one line, for the list of conditions."""
        purposes = dict(self._fields['purpose']._description_selection(self.env))
        for condition in self:
            parts = []
            if condition.kind in PURCHASE_KINDS:
                if condition.kind == 'discount':
                    parts.append(
                        self.env._(
                            'with a discount in %(percent)g %% of purchases',
                            percent=condition.percent,
                        )
                    )
                if condition.min_count > 1 or condition.kind == 'discount':
                    parts.append(
                        self.env._('at least %(count)s purchases', count=condition.min_count)
                    )
                if condition.min_amount and condition.kind != 'discount':
                    parts.append(
                        self.env._('at least %(amount)s', amount=f'{condition.min_amount:g}')
                    )
                parts.append(
                    self.env._('within %(months)s months', months=condition.months)
                    if condition.months
                    else self.env._('at any time')
                )
            else:
                parts.append(purposes.get(condition.purpose) or '')
            names = [
                *condition.category_ids.mapped('display_name'),
                *condition.product_ids.mapped('display_name'),
                *condition.store_ids.mapped('name'),
                *condition.channel_ids.mapped('name'),
            ]
            condition.summary = ', '.join([*parts, *names])

    @api.constrains('kind', 'purpose')
    def _check_purpose(self):
        for condition in self:
            if condition.kind not in PURCHASE_KINDS and not condition.purpose:
                raise ValidationError(
                    self.env._('Say what the customer agreed to, or did not agree to.')
                )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        conditions = super().create(vals_list)
        conditions.segment_id._rule_changed()
        return conditions

    def write(self, vals):
        before = self.segment_id
        result = super().write(vals)
        (before | self.segment_id)._rule_changed()
        return result

    def unlink(self):
        segments = self.segment_id
        result = super().unlink()
        segments.exists()._rule_changed()
        return result

    def copy_data(self, default=None):
        """Leave stores of another company behind."""
        vals_list = super().copy_data(default=default)
        for condition, vals in zip(self, vals_list, strict=True):
            if stores := condition.store_ids:
                root = self.env.company.root_id
                here = stores.filtered(
                    lambda store, root=root: (
                        store.company_id.sudo().root_id in (root, root.browse())
                    )
                )
                vals['store_ids'] = [fields.Command.set(here.ids)]
        return vals_list

    # === SQL ===#

    def _sql_customers(self, company, ids=None):
        """Return ``(SELECT of partner_id, whether the condition holds for all others instead)``.

        :param company: the main company whose purchases and consents count
        :param ids: the customers that are asked for; None: all
        """
        self.ensure_one()
        only = SQL() if ids is None else SQL('AND partner_id = ANY(%s)', list(ids))
        if self.kind in ('consent', 'no_consent'):
            return self._sql_consents(company, only), self.kind == 'no_consent'
        if self.kind == 'discount':
            return self._sql_discounted(company, only), False
        return self._sql_bought(company, only), self.kind == 'not_bought'

    def _sql_consents(self, company, only):
        channels = self.channel_ids._origin.ids
        return SQL(
            """SELECT partner_id FROM retail_consent
                WHERE is_current AND state = 'granted' AND company_id = %s AND purpose = %s %s %s""",
            company.id,
            self.purpose,
            SQL('AND channel_id = ANY(%s)', channels) if channels else SQL(),
            only,
        )

    def _sql_purchases(self, company, only):
        """Return the condition on ``retail_purchase`` of the purchases that are looked at."""
        today = company._retail_today()
        terms = [SQL('counts AND company_id = %s AND date <= %s', company.id, today)]
        if self.months:
            terms.append(SQL('date > %s', today - relativedelta(months=self.months)))
        if stores := self.store_ids._origin.ids:
            terms.append(SQL('store_id = ANY(%s)', stores))
        if channels := self.channel_ids._origin.ids:
            terms.append(SQL('channel_id = ANY(%s)', channels))
        return SQL('%s %s', SQL(' AND ').join(terms), only)

    def _sql_bought(self, company, only):
        """Return the SELECT of who bought often and for enough, of these goods if any are named."""
        purchases = self._sql_purchases(company, only)
        table = SQL('retail_purchase')
        if self.product_ids or self.category_ids:
            table = self._sql_purchases_of_goods(company, purchases)
            purchases = SQL('true')
        having = [SQL('count(*) >= %s', max(self.min_count, 1))]
        if self.min_amount:
            having.append(SQL('sum(amount) >= %s', self.min_amount))
        return SQL(
            'SELECT partner_id FROM %s AS purchase WHERE %s GROUP BY partner_id HAVING %s',
            table,
            purchases,
            SQL(' AND ').join(having),
        )

    def _sql_purchases_of_goods(self, company, purchases):
        """Return a sub-SELECT of the purchases in which these goods are, with the goods' share of the amount.

        The share of the lines' amounts: returns and exchange rates of the document hold for its lines alike.
        """
        products = (
            self.env['product.product']
            .sudo()  # sudo: what was sold, also goods that are archived or of a branch
            .with_context(active_test=False)
            ._search(
                Domain('id', 'in', self.product_ids._origin.ids)
                | Domain('categ_id', 'child_of', self.category_ids._origin.ids)
            )
            .subselect()
        )
        amount = SQL('NULL::numeric')
        if self.min_amount:
            amount = SQL(
                """purchase.amount * sum(line.amount) FILTER (WHERE line.product_id IN %s)
                   / NULLIF(sum(line.amount), 0)""",
                products,
            )
        selects = [
            SQL(
                """SELECT purchase.partner_id, %(amount)s AS amount
                     FROM (SELECT * FROM retail_purchase WHERE res_model = %(model)s AND %(purchases)s) AS purchase
                     JOIN (%(lines)s) AS line ON line.res_id = purchase.res_id %(these)s
                    GROUP BY purchase.id, purchase.partner_id, purchase.amount
                   HAVING bool_or(line.product_id IN %(products)s)""",
                amount=amount,
                model=model,
                purchases=purchases,
                lines=lines,
                products=products,
                these=SQL() if self.min_amount else SQL('AND line.product_id IN %s', products),
            )
            for model, lines in self._line_sources(company).items()
        ]
        return SQL('(%s)', SQL(' UNION ALL ').join(selects))

    def _sql_discounted(self, company, only):
        """Return the SELECT of those for whom a discount was in enough of their purchases."""
        selects = [
            SQL(
                """SELECT purchase.partner_id, EXISTS (
                          SELECT FROM (%(lines)s) AS line
                           WHERE line.res_id = purchase.res_id AND line.is_discount) AS discounted
                     FROM retail_purchase AS purchase WHERE res_model = %(model)s AND %(purchases)s""",
                lines=lines,
                model=model,
                purchases=self._sql_purchases(company, only),
            )
            for model, lines in self._line_sources(company).items()
        ]
        return SQL(
            """SELECT partner_id FROM (%s) AS purchase GROUP BY partner_id
               HAVING count(*) >= %s AND 100.0 * count(*) FILTER (WHERE discounted) >= %s * count(*)""",
            SQL(' UNION ALL ').join(selects),
            max(self.min_count, 1),
            self.percent,
        )

    @api.model
    def _line_sources(self, company):
        """Hook: return ``{document model: SELECT of res_id, product_id, amount, is_discount}`` of what purchases hold.

        Lines that are no purchase (delivery, gift cards) are out; what pays by card is no discount.
        """
        excluded = self.env['retail.purchase']._sql_excluded_line('line')
        payments = self.env['retail.purchase']._payment_rewards()
        reward = SQL('line.reward_id IS NOT NULL')
        if payments:
            reward = SQL('(%s AND line.reward_id <> ALL(%s))', reward, payments)
        if company.retail_purchase_basis == 'order':
            return {
                'sale.order': SQL(
                    """SELECT line.order_id AS res_id, line.product_id, line.price_subtotal AS amount,
                              line.discount > 0 OR %s AS is_discount
                         FROM sale_order_line AS line WHERE line.display_type IS NULL %s""",
                    reward,
                    SQL('AND NOT %s', excluded) if excluded else SQL(),
                )
            }
        left_out = self.env['retail.purchase']._excluded_products()
        return {
            'account.move': SQL(
                """SELECT item.move_id AS res_id, item.product_id, -item.balance AS amount,
                          item.discount > 0 OR EXISTS (
                              SELECT FROM sale_order_line_invoice_rel AS rel
                                JOIN sale_order_line AS line ON line.id = rel.order_line_id
                               WHERE rel.invoice_line_id = item.id AND %s) AS is_discount
                     FROM account_move_line AS item WHERE item.display_type = 'product' %s""",
                reward,
                SQL('AND (item.product_id IS NULL OR item.product_id <> ALL(%s))', left_out)
                if left_out
                else SQL(),
            )
        }
