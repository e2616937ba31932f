import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare

STATES = [
    ('asked', 'Asked for'),
    ('approved', 'Approved'),
    ('received', 'Goods received'),
    ('done', 'Done'),
    ('refused', 'Refused'),
    ('cancelled', 'Cancelled'),
]
#: What is not finished yet.
OPEN_STATES = ('asked', 'approved', 'received')
WISHES = [('refund', 'Money back'), ('exchange', 'Exchange'), ('repair', 'Repair')]
REASONS = [
    ('defect', 'Defective'),
    ('transit', 'Damaged on the way'),
    ('wrong', 'Wrong article'),
    ('described', 'Not as described'),
    ('size', 'Does not fit'),
    ('late', 'Came too late'),
    ('mind', 'Changed his mind'),
    ('other', 'Something else'),
]
#: What employees may write by themselves; everything else is written by the methods of the model.
TYPED = {'note', 'refusal'}


class RetailReturnRequest(models.Model):
    """Goods that a customer wants to give back: which line, how many, why, and what he wishes instead (S-SRV-10).

    Written by its methods: what is small, recent and has a receipt is approved at once, the rest by somebody else than
    who asked. What the customer gets is a remedy. Invariant: of no order line more pieces are asked back than were sold
    and not returned yet, whoever asks at the same time.
    """

    _name = 'retail.return.request'
    _description = 'Return Request'
    _inherit = ['retail.ticket.part']
    _order = 'id desc'
    _rec_name = 'product_id'

    ticket_id = fields.Many2one(ondelete='restrict')
    line_id = fields.Many2one(
        comodel_name='retail.ticket.line',
        string='Goods',
        required=True,
        index=True,
        ondelete='restrict',
        domain="[('ticket_id', '=', ticket_id), ('sale_line_id', '!=', False)]",
        help='Goods of the ticket, from an order, that are given back.',
    )
    sale_line_id = fields.Many2one(
        related='line_id.sale_line_id',
        string='Order Line',
        store=True,
        precompute=True,
        index=True,
    )
    order_id = fields.Many2one(related='line_id.order_id', store=True, precompute=True)
    product_id = fields.Many2one(
        related='line_id.product_id', store=True, precompute=True, index='btree_not_null'
    )
    partner_id = fields.Many2one(
        related='ticket_id.partner_id',
        string='Customer',
        store=True,
        precompute=True,
        index='btree_not_null',
        ondelete='set null',
    )
    store_id = fields.Many2one(
        related='ticket_id.store_id', store=True, precompute=True, index='btree_not_null'
    )
    team_id = fields.Many2one(related='ticket_id.team_id', store=True, precompute=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    quantity = fields.Float(
        digits='Product Unit', required=True, default=1.0, help='How many pieces are given back.'
    )
    amount = fields.Monetary(
        string='Worth',
        compute='_compute_amount',
        store=True,
        precompute=True,
        help='What the customer paid for these pieces, with tax.',
    )
    reason = fields.Selection(
        selection=REASONS, required=True, default='other', help='Why the goods are given back.'
    )
    wish = fields.Selection(
        selection=WISHES, required=True, default='refund', help='What the customer wishes instead.'
    )
    exchange_product_id = fields.Many2one(
        comodel_name='product.product',
        string='Article Wanted',
        index='btree_not_null',
        ondelete='restrict',
        help='Article that the customer wants instead. Empty: the same again.',
    )
    has_receipt = fields.Boolean(
        string='Receipt',
        compute='_compute_has_receipt',
        store=True,
        precompute=True,
        readonly=False,
        help='The purchase is proved: it is an order of this customer, or he showed the receipt.',
    )
    needs_goods = fields.Boolean(
        string='Goods Come Back',
        default=True,
        help='Untick where the customer may keep the goods, such as broken glass.',
    )
    note = fields.Char(help='What the customer says, state of the goods.')
    state = fields.Selection(
        selection=STATES,
        required=True,
        readonly=True,
        default='asked',
        copy=False,
        index=True,
    )
    asked_at = fields.Datetime(
        string='Asked',
        readonly=True,
        required=True,
        default=fields.Datetime.now,
        copy=False,
        help='When the customer asked for it.',
    )
    asked_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        required=True,
        default=lambda self: self.env.user,
        copy=False,
        ondelete='restrict',
        help='Who asked for it: the employee, or the customer himself on his page.',
    )
    is_automatic = fields.Boolean(
        string='Approved by Itself',
        readonly=True,
        copy=False,
        help='Small and recent enough, with receipt: nobody had to decide.',
    )
    approved_at = fields.Datetime(
        string='Approved On', readonly=True, copy=False, help='When it was approved.'
    )
    approved_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        help='Who approved it. Empty: it was approved by itself.',
    )
    received_at = fields.Datetime(
        string='Goods Received On',
        readonly=True,
        copy=False,
        help='When the goods were back in the shop.',
    )
    done_at = fields.Datetime(
        string='Done On', readonly=True, copy=False, help='When the customer had what he wished.'
    )
    ended_at = fields.Datetime(
        string='Refused or Cancelled On',
        readonly=True,
        copy=False,
        help='When it ended without anything.',
    )
    refusal = fields.Char(
        string='Reason of the Refusal', copy=False, help='The customer may read it.'
    )
    remedy_id = fields.Many2one(
        comodel_name='retail.remedy',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='What the customer gets for the goods: credit note, exchange or repair.',
    )
    error = fields.Text(
        related='remedy_id.error', help='Why the credit note or the order could not be made.'
    )
    pursue_at = fields.Datetime(
        string='Pursued On',
        readonly=True,
        copy=False,
        help='When after-sales gets a task, if it is not finished by then.',
    )
    task_id = fields.Many2one(
        comodel_name='retail.ticket',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Task of after-sales to finish this return.',
    )
    hours_taken = fields.Float(
        readonly=True,
        copy=False,
        aggregator='avg',
        help='Hours from asking until it was done.',
    )

    _pursue_idx = models.Index('(pursue_at) WHERE pursue_at IS NOT NULL')
    _check_quantity = models.Constraint(
        'CHECK(quantity > 0)', 'At least one piece, or a part of it, is given back.'
    )

    # === COMPUTE ===#

    @api.depends('line_id', 'quantity')
    def _compute_amount(self):
        """Worth at the price paid; fixed with the request, as what was decided by it."""
        for request in self:
            line = request.line_id
            # by the order, not by what was typed
            request.amount = (
                self.env['retail.remedy']._paid(line, request.quantity) if line else 0.0
            )

    @api.depends('line_id')
    def _compute_has_receipt(self):
        for request in self:
            # sudo: whether it is his own order; who handles the ticket need not read orders
            buyer = request.line_id.sudo().order_id.partner_id.commercial_partner_id
            customer = request.ticket_id.sudo().partner_id.commercial_partner_id
            request.has_receipt = bool(buyer) and buyer == customer

    @api.depends('product_id', 'quantity')
    def _compute_display_name(self):
        for request in self:
            request.display_name = f'{request.quantity:g} × {request.product_id.display_name or ""}'

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Ask: refused where there is nothing left to return, approved at once where the rules say so."""
        typed = TYPED | {'ticket_id', 'line_id', 'quantity', 'reason', 'wish', 'needs_goods'}
        typed |= {'exchange_product_id', 'has_receipt'}
        # what the client puts into the context decides nothing
        unwanted = {f'default_{name}' for name in self._fields if name not in typed}
        context = self.env.context
        kept = {key: context[key] for key in context if key not in unwanted}
        self = self.with_context(kept)  # pylint: disable=context-overridden
        if not self.env.su:
            vals_list = [
                {name: value for name, value in vals.items() if name in typed} for vals in vals_list
            ]
        requests = super().create(vals_list)
        # sudo: orders, settings and what follows from a permitted request are the system's to read and write
        requests.sudo()._open_requests()
        return requests

    def write(self, vals):
        if not self.env.su and set(vals) - TYPED:
            raise UserError(
                self.env._('A return is not changed: cancel it and ask for another one.')
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_asked(self):
        if any(request.remedy_id for request in self):
            raise UserError(self.env._('What the customer got cannot be deleted with its return.'))

    # === ASKING ===#

    def _open_requests(self):
        """Check new requests and decide those that need nobody's decision."""
        self._check_lines()
        # whoever asks for the same line at the same time begins anew and sees these
        self.sale_line_id._retail_touch()
        self._check_left()
        for request in self:
            request._plan_pursuit()
            if request._is_small():
                request._approve_now(automatic=True)
            else:
                request._ask_for_approval()

    def _check_lines(self):
        for request in self:
            if request.line_id.ticket_id != request.ticket_id or not request.sale_line_id:
                raise UserError(
                    self.env._(
                        'A return is of goods of this ticket that come from an order: choose the order line first.'
                    )
                )
            if request.order_id.state != 'sale':
                raise UserError(
                    self.env._('%(order)s is not confirmed.', order=request.order_id.name)
                )
            if request.sale_line_id.company_id != request.company_id:
                raise UserError(
                    self.env._(
                        '%(order)s is an order of another company.', order=request.order_id.name
                    )
                )
            if request.ticket_id.is_internal:
                raise UserError(self.env._('Customers return goods, departments do not.'))
            request._kind()

    def _check_left(self):
        """Refuse what is more than there is to return."""
        for sold in self.sale_line_id:
            left = self._returnable(sold)
            if float_compare(left, 0, precision_digits=6) < 0:
                own = sum(
                    self.filtered(lambda one, s=sold: one.sale_line_id == s).mapped('quantity')
                )
                raise UserError(
                    self.env._(
                        'Of %(product)s in %(order)s, %(left)s can still be returned.',
                        product=sold.product_id.display_name,
                        order=sold.order_id.name,
                        left=f'{max(left + own, 0):g}',
                    )
                )

    @api.model
    def _returnable(self, sold):
        """Hook: return how many pieces of an order line can still be asked back.

        What was sold (where deliveries are counted: what was delivered) less what is asked back, was taken back, or was
        credited otherwise. What was repaired can be returned again. Add-ons that know of goods on their way back lower
        what is counted twice.
        """
        delivered = sold.qty_delivered_method not in (False, 'manual')
        base = sold.qty_delivered if delivered else sold.product_uom_qty
        # sudo: whoever asks need not see all returns of the order
        requests = self.sudo().search(
            [('sale_line_id', '=', sold.id), ('state', 'not in', ('refused', 'cancelled'))]
        )
        requests = requests.filtered(lambda one: one.wish != 'repair' or one.state != 'done')
        pieces, _parts = sold._retail_credited()
        others = pieces.filtered(
            lambda item: item.move_id.retail_remedy_id not in requests.remedy_id
        )
        debited = others.move_id.filtered('reversed_entry_id').filtered(
            lambda note: note.state == 'posted' and note._retail_debited()
        )
        others = others.filtered(lambda item: item.move_id not in debited)
        return base - sum(requests.mapped('quantity')) - sum(others.mapped('quantity'))

    # === DECIDING BY RULE ===#

    def _zone(self):
        """Return the zone in which the days of one request are counted: of the store that sold it, else the company's."""
        store = self.order_id.team_id
        return pytz.timezone(
            store.retail_calendar_id.tz or self.company_id._retail_timezone() or 'UTC'
        )

    def _days_since_purchase(self):
        """Hook: return how many days ago the goods of one request were bought, in the zone of the store."""
        zone = self._zone()
        bought, asked = (
            pytz.utc.localize(moment).astimezone(zone).date()
            for moment in (self.order_id.date_order, self.asked_at)
        )
        return (asked - bought).days

    def _is_small(self):
        """Return whether nobody has to decide about one request (defaults 17); several of one order count together."""
        company = self.company_id
        if not self.has_receipt or self._days_since_purchase() > company.retail_return_days:
            return False
        before = self.search(
            [
                ('order_id', '=', self.order_id.id),
                ('id', '!=', self.id),
                ('is_automatic', '=', True),
                ('state', 'not in', ('refused', 'cancelled')),
            ]
        )
        total = self.amount + sum(before.mapped('amount'))
        return company.currency_id.compare_amounts(total, company.retail_return_limit) <= 0

    def _kind(self):
        """Return the kind of remedy that fulfils the wish of one request.

        :raise UserError: when the company does not allow it
        """
        kinds = self.env['retail.remedy.kind']._offered(self.company_id, self.ticket_id.type_id)
        kind = kinds.filtered(lambda row: row.method == self.wish)[:1]
        if not kind:
            wishes = dict(self._fields['wish']._description_selection(self.env))
            raise UserError(
                self.env._('"%(wish)s" is not offered for this request.', wish=wishes[self.wish])
            )
        return kind
