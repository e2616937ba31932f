from odoo import api, fields, models
from odoo.exceptions import UserError

from ...models.service.retail_remedy import BASES
from ...models.service.retail_remedy_authority import LEGAL_METHODS


class RetailRemedyOffer(models.TransientModel):
    """Dialog: offer a solution in a ticket; says at once whether it is within one's authority (S-TKT-16, S-TKT-22).

    The kinds are those that the company allows for the type. What is remarkable about the customer is shown before
    anything is granted. The remedy that was made is kept, so that a second click makes no second one.
    """

    _name = 'retail.remedy.offer'
    _description = 'Offer a Solution'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Ticket in which it is offered.',
    )
    remedy_id = fields.Many2one(
        comodel_name='retail.remedy', readonly=True, ondelete='cascade', help='What was made of it.'
    )
    company_id = fields.Many2one(related='ticket_id.company_id')
    currency_id = fields.Many2one(related='company_id.currency_id')
    may_grant = fields.Boolean(
        string='Can Be Carried Out',
        compute='_compute_may_grant',
        help='The customer need not be asked any more.',
    )
    offered_kind_ids = fields.Many2many(
        comodel_name='retail.remedy.kind',
        string='Kinds Offered',
        compute='_compute_offered_kind_ids',
        help='Kinds to choose from: what your company allows for tickets of this type.',
    )
    kind_id = fields.Many2one(
        comodel_name='retail.remedy.kind',
        string='Solution',
        ondelete='cascade',
        help='What you offer.',
    )
    method = fields.Selection(related='kind_id.method', string='Done By')
    guidance = fields.Text(related='kind_id.description', string='When to Offer It')
    needs_line = fields.Boolean(related='kind_id.needs_line')
    line_id = fields.Many2one(
        comodel_name='retail.ticket.line',
        string='Goods',
        compute='_compute_line_id',
        store=True,
        readonly=False,
        ondelete='cascade',
        domain="[('ticket_id', '=', ticket_id)]",
        help='For which goods.',
    )
    quantity = fields.Float(
        digits='Product Unit',
        compute='_compute_quantity',
        store=True,
        readonly=False,
        help='For how many pieces.',
    )
    basis = fields.Selection(
        selection=BASES,
        compute='_compute_basis',
        store=True,
        readonly=False,
        help='A legal right has no limit, but needs the receipt and a verdict. Begins with what the customer has a right to.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        string='Article Given',
        compute='_compute_product_id',
        store=True,
        readonly=False,
        check_company=True,
        ondelete='cascade',
        help='What the customer gets. The same article counts nothing against limits, another one the difference.',
    )
    price = fields.Monetary(
        string='Price Paid',
        compute='_compute_price',
        help='What the customer paid for these pieces, less what was refunded.',
    )
    share = fields.Float(string='Of the Price (%)', help='Fills the worth by a part of the price.')
    amount = fields.Monetary(
        string='Worth',
        compute='_compute_amount',
        store=True,
        readonly=False,
        help='What it is worth to the customer.',
    )
    points = fields.Float(help='How many points the customer gets.')
    description = fields.Text(
        string='What Exactly', help='In a few words; the customer may read it.'
    )
    needs_advice = fields.Boolean(
        string='More Than the Price',
        compute='_compute_authority',
        help='More than the price paid needs legal advice.',
    )
    has_advice = fields.Boolean(
        string='Legal Advice Was Taken', help='Somebody with legal knowledge has agreed.'
    )
    legal_advice_by = fields.Char(string='Advice By', help='Who gave legal advice.')
    is_above = fields.Boolean(
        string='Above the Authority',
        compute='_compute_authority',
        help='Somebody else has to approve it.',
    )
    authority_text = fields.Char(
        string='Authority',
        compute='_compute_authority',
        help='Whether you may promise it, or who is asked until when.',
    )
    instead_text = fields.Char(
        string='Instead',
        compute='_compute_authority',
        help='The largest amount within your own authority.',
    )
    abuse_text = fields.Char(
        string='Remarkable',
        compute='_compute_abuse',
        help='What was granted to this customer and the household before.',
    )
    earlier_ids = fields.Many2many(
        comodel_name='retail.remedy',
        string='Earlier Remedies',
        compute='_compute_abuse',
        help='What was granted as goodwill to this customer and the household within 12 months.',
    )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """What was made of it is noted by the system only."""
        return super().create([{**vals, 'remedy_id': False} for vals in vals_list])

    def write(self, vals):
        if not self.env.su:
            vals = {name: value for name, value in vals.items() if name != 'remedy_id'}
        return super().write(vals)

    def _check_ticket(self):
        """What is worked out of ticket and goods is for those who may read them, whoever names them in a call."""
        self.ticket_id._origin.check_access('read')
        self.line_id._origin.check_access('read')

    # === COMPUTE ===#

    @api.depends('ticket_id')
    def _compute_may_grant(self):
        for offer in self:
            ticket = offer.ticket_id
            offer.may_grant = not ticket.is_complaint or ticket.customer_opinion == 'accepts'

    @api.depends('ticket_id')
    def _compute_offered_kind_ids(self):
        Kind = self.env['retail.remedy.kind']
        for offer in self:
            ticket = offer.ticket_id
            offer.offered_kind_ids = Kind._offered(ticket.company_id, ticket.type_id)

    @api.depends('kind_id')
    def _compute_line_id(self):
        for offer in self:
            lines = offer.ticket_id.line_ids
            offer.line_id = offer.line_id or (lines[:1] if len(lines) == 1 else False)

    @api.depends('line_id')
    def _compute_quantity(self):
        for offer in self:
            offer.quantity = offer.line_id.quantity

    @api.depends('kind_id', 'line_id')
    def _compute_basis(self):
        for offer in self:
            is_right = (
                offer.method in LEGAL_METHODS
                and offer.line_id
                and not offer._draft(basis='legal', amount=0.0)._legal_problem()
            )
            offer.basis = 'legal' if is_right else 'goodwill'

    @api.depends('kind_id', 'line_id')
    def _compute_product_id(self):
        for offer in self:
            if offer.method == 'exchange':
                offer.product_id = offer.line_id.product_id
            else:
                offer.product_id = offer.kind_id.product_id

    @api.depends('line_id', 'quantity')
    def _compute_price(self):
        for offer in self:
            offer._check_ticket()
            line = offer.line_id._origin
            offer.price = self.env['retail.remedy']._paid(line, offer.quantity) if line else 0.0

    @api.depends('kind_id', 'basis', 'line_id', 'quantity', 'product_id', 'share')
    def _compute_amount(self):
        for offer in self:
            if offer.share:
                amount = offer.price * offer.share / 100.0
            elif offer.method == 'refund' and offer.basis == 'legal':
                amount = offer.price
            elif offer.method == 'exchange':
                amount = offer._draft(amount=0.0)._difference()
            elif offer.method == 'gift':
                amount = offer._draft(amount=0.0)._worth_of_gift()
            else:
                amount = 0.0
            offer.amount = offer.currency_id.round(amount) if offer.currency_id else amount

    @api.depends(
        'kind_id',
        'basis',
        'line_id',
        'quantity',
        'amount',
        'points',
        'has_advice',
        'legal_advice_by',
    )
    @api.depends_context('uid', 'lang', 'tz')
    def _compute_authority(self):
        user = self.env.user
        for offer in self:
            offer.is_above = offer.needs_advice = offer.authority_text = offer.instead_text = False
            if not offer.kind_id:
                continue
            draft = offer._draft()
            offer.needs_advice = draft._needs_director()
            most = draft._largest(user)
            if most is not None:
                offer.instead_text = self.env._(
                    'Within your authority: up to %(amount)s.',
                    amount=offer.currency_id.format(most),
                )
            exceeded = draft._exceeded(user)
            offer.is_above = bool(exceeded)
            if not exceeded:
                offer.authority_text = self.env._('Within your authority.')
                continue
            approver = draft._choose_approver()
            until = self.env['retail.ticket']._moment_words(
                draft._approve_until(), user.tz or offer.company_id._retail_timezone()
            )
            offer.authority_text = (
                self.env._(
                    'Needs approval by %(user)s until %(time)s: %(why)s.',
                    user=approver.name,
                    time=until,
                    why='; '.join(exceeded),
                )
                if approver
                else self.env._('Needs approval: %(why)s.', why='; '.join(exceeded))
            )

    @api.depends('ticket_id')
    @api.depends_context('uid', 'lang')
    def _compute_abuse(self):
        Remedy = self.env['retail.remedy']
        for offer in self:
            offer._check_ticket()
            ticket_sudo = offer.ticket_id.sudo()  # sudo: its customer
            earlier = Remedy._earlier(ticket_sudo.partner_id, ticket_sudo.company_id)
            offer.abuse_text = Remedy._abuse_words(offer.ticket_id)
            # only those that the user may read
            offer.earlier_ids = earlier.sudo(False)._filtered_access('read')

    # === MAKING ===#

    def _draft(self, **changes):
        """Return the remedy as it would be, without making it (sudo: its limits count what the user cannot read)."""
        self._check_ticket()
        if 'amount' not in changes:
            changes['amount'] = self._worth()
        values = {**self._prepare_values(), 'requested_by': self.env.uid, **changes}
        return self.env['retail.remedy'].sudo().new(values)

    def _worth(self):
        """Return the amount of the remedy: words have none."""
        return self.amount if self.kind_id and not self.kind_id._is_of_words() else 0.0

    def _prepare_values(self):
        """Hook: return the values of the remedy but its amount, which is computed by some of them."""
        ticket_sudo = self.ticket_id.sudo()  # sudo: its customer
        kind = self.kind_id
        gives_goods = kind.method in ('exchange', 'gift')
        return {
            'ticket_id': self.ticket_id._origin.id,
            'partner_id': ticket_sudo.commercial_partner_id.id,
            'kind_id': kind.id,
            'basis': self.basis or 'goodwill',
            'line_id': self.line_id._origin.id,
            'quantity': self.quantity if self.line_id else 0.0,
            'product_id': self.product_id.id if gives_goods else False,
            'points': self.points if kind.method == 'points' else 0.0,
            'valid_until': bool(kind) and kind._valid_until(),
            'description': self.description,
            'legal_advice_by': self.legal_advice_by if self.has_advice else False,
        }

    def _make(self):
        """Return the remedy that is asked for, made as the user once."""
        self.ensure_one()
        self.check_access('write')
        self.ticket_id.check_access('write')
        self.env['retail.ticket.part']._check_not_filed(self.ticket_id)
        if not self.kind_id:
            raise UserError(self.env._('Choose what you offer.'))
        self.lock_for_update()
        if not self.remedy_id:
            # sudo: checked above; nobody writes remedies but by their methods
            remedy_sudo = (
                self.env['retail.remedy']
                .sudo()
                .create({**self._prepare_values(), 'amount': self._worth()})
            )
            remedy_sudo._request()
            self.sudo().remedy_id = remedy_sudo
        return self.remedy_id.sudo()

    # === ACTIONS ===#

    def action_offer(self):
        """Ask for the remedy; it is carried out when the customer accepts it."""
        return self._action_done(self._make())

    def action_grant(self):
        """Ask for the remedy and carry it out, unless it has to be approved first."""
        remedy_sudo = self._make()
        if remedy_sudo.state in ('approved', 'failed'):
            remedy_sudo._grant()
        return self._action_done(remedy_sudo)

    def _action_done(self, remedy_sudo):
        """Return the message that says where the remedy stands, and close."""
        good = remedy_sudo.state in ('approved', 'granted')
        states = dict(remedy_sudo._fields['state']._description_selection(self.env))
        waits = remedy_sudo.state in ('waiting', 'failed')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if good else 'warning',
                'title': states[remedy_sudo.state],
                'message': remedy_sudo._words_of_state() if waits else remedy_sudo._words(),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
