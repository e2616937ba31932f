from odoo import SUPERUSER_ID, api, fields, models


class RetailTicketLine(models.Model):
    """What a ticket is about: a line of an order, or a product with lot and quantity without one."""

    _name = 'retail.ticket.line'
    _description = 'Ticket Line'
    _order = 'ticket_id, id'
    _rec_name = 'product_id'
    _check_company_auto = True

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        ondelete='cascade',
        index=True,
        help='Ticket that is about it.',
    )
    company_id = fields.Many2one(related='ticket_id.company_id', store=True)
    sale_line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string='Order Line',
        check_company=True,
        index='btree_not_null',
        ondelete='set null',
        help='Line of the order that the customer speaks of. A line can be in several tickets.',
    )
    order_id = fields.Many2one(
        related='sale_line_id.order_id', string='Order', store=True, index='btree_not_null'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_product_id',
        store=True,
        readonly=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Product that the ticket is about.',
    )
    quantity = fields.Float(
        digits='Product Unit',
        compute='_compute_quantity',
        store=True,
        readonly=False,
        help='How many of them.',
    )
    lot = fields.Char(string='Lot or Serial Number', help='As printed on the goods.')
    currency_id = fields.Many2one(related='ticket_id.company_id.currency_id')
    note = fields.Char(help='What is wrong with it.')

    @api.depends('sale_line_id')
    def _compute_product_id(self):
        for line in self:
            line.product_id = line._sold().product_id or line.product_id

    # a compute of its own: whoever gives the quantity only still gets the product
    @api.depends('sale_line_id')
    def _compute_quantity(self):
        for line in self:
            line.quantity = line._sold().product_uom_qty or line.quantity or 1

    def _sold(self):
        """Return the order line of one of these (sudo), unless an employee of another company names it in a form."""
        # sudo: who handles a request need not be a sales person
        sold = self.sudo().sale_line_id
        user = self.env.user
        is_typed = not isinstance(self.id, int) and user._is_internal() and user.id != SUPERUSER_ID
        return sold.browse() if is_typed and sold.company_id not in user.company_ids else sold
