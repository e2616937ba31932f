from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: Key of the day down to which the orders of the past were marked; nothing while none was.
FILLED = 'retail_crm.baskets_filled_to'
#: Days of orders that say what belongs together: older ones are counted while they are there, but none is added.
DAYS = 365
#: Days of orders that are marked in one transaction when the counting begins.
STEP = 30


class RetailBasket(models.Model):
    """What of an order is counted in the pairs of products, so that a change counts the difference only.

    A table beside the orders, which are neither rewritten nor made wider by the counting. Rows are made and marked as
    due by ``_mark``, from the moments of orders and once for the orders of the last year (``_fill``); they are counted,
    and taken away when nothing of the order counts, by ``retail.product.pair._count`` only. Invariant: the pairs are
    the sums over the ``products`` of all rows.
    """

    _name = 'retail.basket'
    _description = 'Basket'
    _log_access = False  # derived in bulk

    order_id = fields.Many2one(
        comodel_name='sale.order',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Order whose products are counted.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Main company for which the products are counted.',
    )
    products = fields.Json(
        readonly=True, help='Products of the order that are counted. Empty: not yet.'
    )
    is_due = fields.Boolean(
        string='Due', readonly=True, help='The order changed since its products were counted.'
    )

    _order_uniq = models.UniqueIndex('(order_id)', 'An order is counted once.')
    _due_idx = models.Index('(order_id) WHERE is_due')
    _counted_idx = models.Index('(company_id) WHERE products IS NOT NULL')

    # === MARKING ===#

    @api.model
    def _mark(self, order_ids):
        """Have these orders counted (again) in the next run; those that are old or no purchase only if they were."""
        self.env['sale.order'].flush_model(['state', 'date_order', 'company_id'])
        # Written also when it is due already: whoever counts it just now has not seen what changed, and has to try again.
        self._insert(
            SQL(
                """
                o.id = ANY(%s) AND (o.state = 'sale' AND o.date_order >= %s
                                    OR EXISTS (SELECT FROM retail_basket AS old WHERE old.order_id = o.id))
                """,
                list(order_ids),
                fields.Datetime.now() - timedelta(days=DAYS),
            ),
            SQL('DO UPDATE SET is_due = true'),
        )

    @api.model
    def _fill(self):
        """Mark the orders of the next month of the past year that were there before, and return how many; None at the end.

        Goes back in time, so that what is bought now is known first; the day that was reached is kept.
        """
        parameters = self.env['ir.config_parameter'].sudo()  # sudo: how far we are, no setting
        # what is newer than the first run announces itself
        end = fields.Date.to_date(parameters.get_param(FILLED)) or (
            fields.Date.today() + timedelta(days=1)
        )
        oldest = fields.Date.today() - timedelta(days=DAYS)
        if end <= oldest:
            return None
        start = max(end - timedelta(days=STEP), oldest)
        self.env['sale.order'].flush_model(['state', 'date_order', 'company_id'])
        count = self._insert(
            SQL("o.state = 'sale' AND o.date_order >= %s AND o.date_order < %s", start, end),
            SQL('DO NOTHING'),
        )
        parameters.set_param(FILLED, fields.Date.to_string(start))
        return count

    @api.model
    def _insert(self, condition, conflict):
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO retail_basket (order_id, company_id, is_due)
                SELECT o.id, split_part(c.parent_path, '/', 1)::int, true
                  FROM sale_order AS o JOIN res_company AS c ON c.id = o.company_id
                 WHERE %s ORDER BY o.id
                ON CONFLICT (order_id) %s
                """,
                condition,
                conflict,
            )
        )
        count = self.env.cr.rowcount
        self.invalidate_model()
        return count

    # === LISTENING ===#

    @api.model
    def _on_purchase(self, moments):
        """Mark the orders, and those of invoices and credit notes: the same whatever happened to them."""
        documents = {}
        for moment in moments:
            documents.setdefault(moment.res_model, set()).add(moment.res_id)
        documents = self.env['retail.purchase']._with_original_documents(documents)
        if order_ids := documents.get('sale.order'):
            self._mark(order_ids)

    _on_purchase_changed = _on_cancel = _on_refund = _on_purchase


class RetailMoment(models.Model):
    """Baskets listen to what becomes of orders."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind in ('purchase', 'purchase_changed', 'refund', 'cancel'):
            listeners.setdefault(kind, []).append('retail.basket')
        return listeners
