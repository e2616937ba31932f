from odoo import fields, models
from odoo.tools import SQL

#: What complaints and sales have in common: by these, complaints are compared with what was sold in the same group.
SHARED = {
    'company_id',
    'date',
    'product_id',
    'product_tmpl_id',
    'categ_id',
    'supplier_id',
    'lot',
    'store_id',
    'carrier',
}


class RetailSoldLine(models.Model):
    """What was sold: the denominator of every complaint rate (R-svc E 8).

    One row for each line of a document that counts as a purchase (``retail.purchase``), so that replacement orders of
    remedies, orders returned as a whole and what is no purchase are left out. A view of the database, read only.
    """

    _name = 'retail.sold.line'
    _description = 'Goods Sold'
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'product_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    date = fields.Date(readonly=True, help='Day of the purchase where the company is.')
    purchase_id = fields.Many2one(
        comodel_name='retail.purchase', readonly=True, help='Purchase that it was part of.'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner', string='Customer', readonly=True, help='Who bought it.'
    )
    product_id = fields.Many2one(comodel_name='product.product', readonly=True, help='What it was.')
    product_tmpl_id = fields.Many2one(
        comodel_name='product.template',
        string='Product of All Variants',
        readonly=True,
        help='Product without its variants.',
    )
    categ_id = fields.Many2one(
        comodel_name='product.category',
        string='Product Category',
        readonly=True,
        help='Category of the product.',
    )
    supplier_id = fields.Many2one(
        comodel_name='res.partner', readonly=True, help='First vendor of the product.'
    )
    lot = fields.Char(
        string='Lot or Serial Number', readonly=True, help='Lot noted on the order line.'
    )
    store_id = fields.Many2one(comodel_name='crm.team', readonly=True, help='Where it was bought.')
    carrier = fields.Char(readonly=True, help='Who delivered it, where deliveries are kept.')
    quantity = fields.Float(
        digits='Product Unit', readonly=True, help="Pieces sold, in the product's own unit."
    )

    @property
    def _table_query(self):
        return self._sql_rows()

    def _sql_rows(self):
        """Return the rows of orders and invoices; which of them count is said by the purchases."""
        excluded = self.env['retail.purchase']._sql_excluded_line('line')
        return SQL(
            """
            SELECT sold.id, p.company_id, p.date, p.id AS purchase_id, p.partner_id,
                   sold.product_id, product.product_tmpl_id, template.categ_id, vendor.partner_id AS supplier_id,
                   NULLIF(sold.lot, '') AS lot, p.store_id, sold.carrier,
                   sold.quantity * COALESCE(unit.factor / NULLIF(own.factor, 0), 1) AS quantity
              FROM (
                    SELECT 'sale.order' AS res_model, line.order_id AS res_id, line.id::bigint * 2 AS id,
                           line.product_id, line.product_uom_qty AS quantity, line.product_uom_id AS uom_id,
                           line.retail_lot AS lot, %(carrier)s AS carrier
                      FROM sale_order_line AS line
                      %(carrier_join)s
                     WHERE line.display_type IS NULL AND line.product_uom_qty > 0
                       AND line.is_downpayment IS NOT TRUE %(counted)s
                     UNION ALL
                    SELECT 'account.move', line.move_id, line.id::bigint * 2 + 1,
                           line.product_id, line.quantity, line.product_uom_id, NULL, NULL
                      FROM account_move_line AS line
                     WHERE line.display_type = 'product' AND line.quantity > 0
                   ) AS sold
              JOIN retail_purchase p ON p.res_model = sold.res_model AND p.res_id = sold.res_id AND p.counts
              JOIN product_product product ON product.id = sold.product_id
              JOIN product_template template ON template.id = product.product_tmpl_id
         LEFT JOIN uom_uom unit ON unit.id = sold.uom_id
         LEFT JOIN uom_uom own ON own.id = template.uom_id
              %(vendor)s
            """,
            counted=SQL('AND NOT %s', excluded) if excluded else SQL(),
            vendor=self._sql_vendor(),
            **self._sql_carrier(),
        )

    def _sql_vendor(self):
        """Return the join that finds the first vendor of ``template`` as ``vendor``."""
        return SQL(
            """
            LEFT JOIN (
                SELECT DISTINCT ON (product_tmpl_id) product_tmpl_id, partner_id
                  FROM product_supplierinfo
                 ORDER BY product_tmpl_id, sequence, id
            ) AS vendor ON vendor.product_tmpl_id = template.id
            """
        )

    def _sql_carrier(self):
        """Return join and expression of the name of who delivers the order of ``line``, where orders say it."""
        if 'carrier_id' not in self.env['sale.order']._fields:
            return {'carrier_join': SQL(), 'carrier': SQL('NULL::varchar')}
        return {
            'carrier_join': SQL(
                """
                LEFT JOIN sale_order AS delivered ON delivered.id = line.order_id
                LEFT JOIN delivery_carrier AS carrier ON carrier.id = delivered.carrier_id
                """
            ),
            'carrier': SQL("carrier.name->>'en_US'"),
        }
