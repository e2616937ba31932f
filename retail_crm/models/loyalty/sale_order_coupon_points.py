from odoo import api, models
from odoo.exceptions import UserError

from . import _booking


class SaleOrderCouponPoints(models.Model):
    """What an order gives to cards goes with the order, whoever may cancel it: core asks for a right sellers lack.

    Once the order is confirmed its ledger follows what is written here: so nobody writes it by hand.
    """

    _inherit = 'sale.order.coupon.points'

    @api.model_create_multi
    def create(self, vals_list):
        rows = super().create(vals_list)
        rows._retail_check_source()
        return rows

    def write(self, vals):
        self._retail_check_source()
        return super().write(vals)

    def unlink(self):
        booking = _booking.current(self.env)
        if booking is None or booking.orders is None or self.env.su:
            return super().unlink()
        # whoever changes the order within the block may write it
        mine = self.filtered(lambda row: row.order_id in booking.orders)
        mine.order_id.check_access('write')
        super(SaleOrderCouponPoints, mine.sudo()).unlink()  # sudo: checked above
        return super(SaleOrderCouponPoints, self - mine).unlink()

    def _retail_check_source(self):
        """Refuse to write by hand what confirmed orders give.

        :raise UserError: for staff, on loyalty cards and eWallets, also together with other changes of the order
        """
        if self.env.su:  # as core does it
            return
        if self.filtered(lambda row: row.order_id.state == 'sale').coupon_id._retail_in_ledger():
            raise UserError(self.env._('What confirmed orders give is not written by hand.'))
