from odoo import models
from odoo.fields import Command


class SaleOrder(models.Model):
    """Wishes on order lines become preferences of the customer when the order is confirmed (S-MKT-17)."""

    _inherit = 'sale.order'

    def _action_confirm(self):
        result = super()._action_confirm()
        for order in self:
            # sudo: preferences that staff noted on the order belong to the customer's file
            order_sudo = order.sudo()
            lines = order_sudo.order_line.filtered('retail_is_custom')
            wishes = lines.retail_wish_preference_ids
            # most orders have none: the customer is not even looked at
            new = wishes and wishes - order_sudo.partner_id.retail_preference_ids
            if new:
                order_sudo.partner_id.retail_preference_ids = [Command.link(one.id) for one in new]
        return result
