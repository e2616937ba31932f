from odoo import fields, models
from odoo.tools import SQL

from .retail_suggestion import KINDS


class RetailSuggestionReport(models.Model):
    """Success of suggestions: offered, added, kept in a confirmed order, and revenue, by kind (S-MKT-04). Read only."""

    _name = 'retail.suggestion.report'
    _description = 'Success of Suggestions'
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'product_id'
    _depends = {
        'retail.suggestion': [
            'order_id',
            'company_id',
            'product_id',
            'kind',
            'date',
            'user_id',
            'line_id',
        ],
        'sale.order': ['state'],
        'sale.order.line': ['product_uom_qty', 'price_subtotal', 'order_id'],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    date = fields.Date(readonly=True, help='Day on which it was suggested.')
    order_id = fields.Many2one(
        comodel_name='sale.order', readonly=True, help='Quotation on which it was suggested.'
    )
    product_id = fields.Many2one(
        comodel_name='product.product', readonly=True, help='What was suggested.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users', string='Employee', readonly=True, help='Who saw the suggestion.'
    )
    kind = fields.Selection(selection=KINDS, readonly=True, help='Why it was suggested.')
    offered = fields.Integer(readonly=True, help='Suggestions that an employee saw.')
    added = fields.Integer(readonly=True, help='Suggestions that were added to the quotation.')
    kept = fields.Integer(readonly=True, help='Suggestions that are in a confirmed order.')
    revenue = fields.Monetary(readonly=True, help='Net amount of those that were kept.')

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT row.id, row.company_id, row.date, row.order_id, row.product_id, row.user_id, row.kind,
                   1 AS offered, (row.added_at IS NOT NULL)::int AS added,
                   (kept.id IS NOT NULL)::int AS kept,
                   COALESCE(kept.price_subtotal / NULLIF(o.currency_rate, 0), 0) AS revenue
              FROM retail_suggestion AS row
              JOIN sale_order AS o ON o.id = row.order_id
         LEFT JOIN sale_order_line AS kept
                ON kept.id = row.line_id AND kept.order_id = o.id AND o.state = 'sale' AND kept.product_uom_qty > 0
            """
        )
