from odoo import api, fields, models

from ._numbers import number_words


class RetailTicketLinePurchase(models.Model):
    """What a ticket line knows of the purchase: price paid, day, delivery; filled from the order line."""

    _inherit = 'retail.ticket.line'

    price_paid = fields.Monetary(
        compute='_compute_purchase',
        store=True,
        precompute=True,
        readonly=False,
        help='What one piece cost the customer, with tax and after discounts, in the company currency.',
    )
    purchased_on = fields.Date(
        compute='_compute_purchase',
        store=True,
        precompute=True,
        readonly=False,
        help='Day of the purchase: with it the times for returns and guarantee run.',
    )
    delivery = fields.Char(
        compute='_compute_delivery',
        help='How many pieces of the order line were delivered.',
    )

    @api.depends('sale_line_id')
    def _compute_purchase(self):
        """Take price and day from the order line; without one, what was entered stays."""
        for line in self:
            if sold := line._sold():
                line.price_paid, line.purchased_on = sold._retail_paid()
            else:
                line.price_paid, line.purchased_on = line.price_paid, line.purchased_on

    @api.depends('sale_line_id.qty_delivered', 'sale_line_id.product_uom_qty')
    def _compute_delivery(self):
        for line in self:
            # sudo: whoever sees the ticket may see what was delivered
            sold = line._sold()
            line.delivery = bool(sold) and self.env._(
                '%(delivered)s of %(ordered)s',
                delivered=number_words(sold.qty_delivered),
                ordered=number_words(sold.product_uom_qty),
            )
