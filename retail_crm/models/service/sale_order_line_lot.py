from odoo import fields, models


class SaleOrderLineLot(models.Model):
    """The lot of what was sold: the number of pieces sold of a lot is what its complaints are compared with."""

    _inherit = 'sale.order.line'

    retail_lot = fields.Char(
        string='Lot or Serial Number Sold',
        copy=False,
        help='As printed on the goods that the customer got. Complaints about a lot are compared with the pieces sold '
        'of it.',
    )

    _retail_lot_idx = models.Index('(retail_lot) WHERE retail_lot IS NOT NULL')
