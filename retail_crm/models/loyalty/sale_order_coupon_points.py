from odoo import models

from . import _booking


class SaleOrderCouponPoints(models.Model):
    """What an order gives to cards goes with the order, whoever may cancel it: core asks for a right sellers lack."""

    _inherit = 'sale.order.coupon.points'

    def unlink(self):
        booking = _booking.current(self.env)
        if booking is None or booking.orders is None or self.env.su:
            return super().unlink()
        # whoever changes the order within the block may write it
        mine = self.filtered(lambda row: row.order_id in booking.orders)
        mine.order_id.check_access('write')
        super(SaleOrderCouponPoints, mine.sudo()).unlink()  # sudo: checked above
        return super(SaleOrderCouponPoints, self - mine).unlink()
