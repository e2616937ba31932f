from odoo import api, models

from . import _booking
from .sale_order_points import LINE_FIELDS


class SaleOrderLine(models.Model):
    """Lines of confirmed orders move points, for which their order is the cause."""

    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        orders = self.env['sale.order'].browse(
            {vals['order_id'] for vals in vals_list if vals.get('order_id')}
        )
        sold = orders.filtered(lambda order: order.state == 'sale')
        if not sold:
            return super().create(vals_list)
        with _booking.booking_orders(sold) as booking:
            booking.recount.update(sold.ids)
            return super().create(vals_list)

    def write(self, vals):
        sold = self.env['sale.order']
        if LINE_FIELDS & set(vals):
            sold = self.filtered(lambda line: line.state == 'sale').order_id
        if not sold:
            return super().write(vals)
        with _booking.booking_orders(sold) as booking:
            booking.recount.update(sold.ids)
            return super().write(vals)

    def unlink(self):
        sold = self.filtered(lambda line: line.state == 'sale').order_id
        if not sold:
            return super().unlink()
        with _booking.booking_orders(sold) as booking:
            booking.recount.update(sold.ids)
            return super().unlink()
