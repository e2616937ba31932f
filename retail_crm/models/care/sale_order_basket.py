from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.sql import column_exists


class SaleOrder(models.Model):
    """What of an order is counted in the pairs of products, so that a change counts the difference only."""

    _inherit = 'sale.order'

    retail_basket = fields.Json(
        copy=False,
        readonly=True,
        groups='retail_crm.group_user',
        help='Products of this order that are counted in pairs.',
    )
    retail_basket_due = fields.Boolean(
        compute='_compute_retail_basket_due',
        store=True,
        copy=False,
        groups='retail_crm.group_user',
        help='The order changed since its products were counted.',
    )

    _retail_basket_idx = models.Index('(id) WHERE retail_basket_due')

    def _auto_init(self):
        """Mark all orders at once when the column is new: the ORM would compute it for a million of them."""
        if not column_exists(self.env.cr, 'sale_order', 'retail_basket_due'):
            self.env.cr.execute(
                SQL('ALTER TABLE sale_order ADD COLUMN retail_basket_due boolean DEFAULT true')
            )
            self.env.cr.execute(
                SQL('ALTER TABLE sale_order ALTER COLUMN retail_basket_due DROP DEFAULT')
            )
        return super()._auto_init()

    @api.depends(
        'state', 'order_line.product_id', 'order_line.product_uom_qty', 'order_line.display_type'
    )
    def _compute_retail_basket_due(self):
        """What changes is counted in the next run."""
        self.retail_basket_due = True

    def unlink(self):
        """Take what is deleted out of the pairs first."""
        # sudo: counting is the system's
        counted = self.sudo().filtered('retail_basket')
        if counted:
            self.env['retail.product.pair']._count(counted.ids, gone=True)
        return super().unlink()
