from odoo import api, fields, models
from odoo.tools.sql import column_exists, create_column

from ..customer.res_partner import FIGURE_GROUPS


class SaleOrder(models.Model):
    """Priority delivery of members whose tier brings it (S-LOY-11): marked on the order, where staff may change it."""

    _inherit = 'sale.order'

    retail_priority_delivery = fields.Boolean(
        string='Priority Delivery',
        compute='_compute_retail_priority_delivery',
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        groups=FIGURE_GROUPS,
        help='The order is delivered before others. Set for members whose tier brings it, as long as it is a quotation.',
    )

    def _auto_init(self):
        """Add the column without filling it: orders of before have no priority, and there may be millions."""
        if not column_exists(self.env.cr, 'sale_order', 'retail_priority_delivery'):
            create_column(self.env.cr, 'sale_order', 'retail_priority_delivery', 'boolean')
        return super()._auto_init()

    @api.depends('partner_id', 'company_id')
    def _compute_retail_priority_delivery(self):
        """Ask the privileges once for each company; orders keep what they were confirmed with."""
        drafts = self.filtered(lambda order: order.state in ('draft', 'sent'))
        for order in self - drafts:
            order.retail_priority_delivery = order.retail_priority_delivery
        for company, orders in drafts.grouped('company_id').items():
            entitled = self.env['retail.privilege']._of_partners(
                orders.partner_id, company, ['delivery']
            )
            for order in orders:
                order.retail_priority_delivery = bool(entitled.get(order.partner_id))
