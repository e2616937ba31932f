from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Command


class RetailTicketCounterLine(models.TransientModel):
    """Something the customer bought, offered in the dialog at the counter: ticked or not."""

    _name = 'retail.ticket.counter.line'
    _description = 'Goods at the Counter'
    _order = 'id'

    counter_id = fields.Many2one(
        comodel_name='retail.ticket.counter',
        string='Dialog',
        required=True,
        ondelete='cascade',
        help='Dialog in which it is offered.',
    )
    is_chosen = fields.Boolean(string='About This', help='The request is about it.')
    sale_line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string='Order Line',
        ondelete='cascade',
        help='Line of the order that was found.',
    )
    order_id = fields.Many2one(
        comodel_name='sale.order',
        compute='_compute_order_id',
        help='Order that was found.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_purchase',
        compute_sudo=False,  # the companies that count are those of the user
        store=True,
        readonly=False,
        help='What was bought.',
    )
    quantity = fields.Float(
        digits='Product Unit',
        compute='_compute_purchase',
        compute_sudo=False,  # the companies that count are those of the user
        store=True,
        readonly=False,
        help='How many of them it is about.',
    )
    currency_id = fields.Many2one(related='counter_id.company_id.currency_id')
    price_paid = fields.Monetary(
        compute='_compute_purchase',
        compute_sudo=False,  # the companies that count are those of the user
        store=True,
        readonly=False,
        help='What one piece cost the customer, with tax and after discounts.',
    )
    purchased_on = fields.Date(
        compute='_compute_purchase',
        compute_sudo=False,
        store=True,
        readonly=False,
        help='Day of the purchase.',
    )
    lot = fields.Char(string='Lot or Serial Number', help='As printed on the goods.')

    @api.depends('sale_line_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_order_id(self):
        for line in self:
            line.order_id = line._sold().order_id.sudo(False)

    @api.depends('sale_line_id')
    def _compute_purchase(self):
        for line in self:
            sold = line._sold()
            if sold:
                line.product_id = sold.product_id.sudo(False)
                line.quantity = sold.product_uom_qty
                line.price_paid, line.purchased_on = sold._retail_paid()
            else:
                line.product_id = line.product_id
                line.quantity = line.quantity or 1
                line.price_paid = line.price_paid
                line.purchased_on = line.purchased_on

    def _sold(self):
        """Return the order line of one of these, as superuser: one of the companies of the user and of no other."""
        # sudo: staff at the counter need not be sales people
        sold = self.sudo().sale_line_id
        if sold and sold.company_id not in self.sudo(False).env.companies:
            raise AccessError(self.env._('This purchase was made in another company.'))
        return sold

    def _ticket_commands(self):
        """Return the commands that make ticket lines of these."""
        commands = []
        for line in self:
            sold = line._sold()
            vals = {'quantity': line.quantity, 'lot': line.lot}
            if sold:
                vals['sale_line_id'] = sold.id
            else:
                vals['product_id'] = line.product_id.id
                vals['price_paid'] = line.price_paid
                vals['purchased_on'] = line.purchased_on
            commands.append(Command.create(vals))
        return commands
