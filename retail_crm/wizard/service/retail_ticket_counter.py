from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, plaintext2html

from ...models.service.retail_ticket_look_up import MAX_CUSTOMERS
from ...models.service.retail_ticket_stage import OPEN_CATEGORIES

#: Order lines that the dialog offers, and open tickets about them that it names, at most.
MAX_LINES, MAX_SAME = 30, 3


class RetailTicketCounter(models.TransientModel):
    """One screen for a request with the customer in front: scan or pick, why, solution, customer agrees (design 5.3).

    One click makes the ticket and solves it, with all steps stamped; what cannot be solved on the spot becomes an open
    ticket with all that was entered. Opened from a ticket it only finds the purchase and adds its lines. The ticket that
    was made is kept, so that a second click makes no second one.
    """

    _name = 'retail.ticket.counter'
    _description = 'Solve at the Counter'

    search_text = fields.Char(
        string='Scan or Type',
        help='Number of an order, receipt or invoice, member card, telephone, e-mail address or name.',
    )
    found_text = fields.Char(
        string='Found', readonly=True, help='What was found, or that there is nothing.'
    )
    found_partner_ids = fields.Many2many(
        comodel_name='res.partner',
        relation='retail_ticket_counter_found_rel',
        string='Customers Found',
        help='Customers to choose from when several were found.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        readonly=True,
        ondelete='cascade',
        help='Ticket to which the purchase is added. Empty: a new one is made.',
    )
    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', ondelete='set null')
    customer_text = fields.Char(
        string='About the Customer',
        compute='_compute_customer_text',
        help='Tier, points, open tickets and remarks.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.ticket.counter.line',
        inverse_name='counter_id',
        string='Goods',
        help='What the customer bought; tick what it is about.',
    )
    same_text = fields.Char(
        string='Already Open',
        compute='_compute_same_text',
        help='Open tickets about the goods that are ticked: this may be one of them.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        required=True,
        default=lambda self: self.env['retail.ticket']._default_channel_id(),
        ondelete='cascade',
        help='Where you speak with the customer.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type',
        required=True,
        domain=[('is_internal', '=', False), ('code', 'not in', ('data_request', 'recovery'))],
        default=lambda self: (
            self.env['retail.ticket.type'].search([('code', '=', 'return')], limit=1)
            or self.env['retail.ticket.type']._default_type()
        ),
        ondelete='cascade',
        help='What kind of request it is.',
    )
    is_complaint = fields.Boolean(
        string='Complaint', compute='_compute_type', help='The type is a complaint.'
    )
    needs_cause = fields.Boolean(
        compute='_compute_type', help='The type is not solved without cause and dissatisfaction.'
    )
    guidance = fields.Html(
        compute='_compute_type', help='What to ask for, and how to begin the talk.'
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        domain=[('child_ids', '=', False)],
        ondelete='cascade',
        help="What it is about in the customer's view.",
    )
    subject = fields.Char(
        compute='_compute_subject',
        store=True,
        readonly=False,
        help='In a few words; made of class or type and goods unless you write one.',
    )
    description = fields.Text(
        string="Customer's Words",
        help='What the customer tells; nothing has to be filled in first.',
    )
    problem_restated = fields.Text(
        string='Problem in Our Words', help='Read back to the customer and confirmed.'
    )
    customer_wish = fields.Char(help='How the customer wishes it to be solved.')
    solution = fields.Text(help='What you offer, and what is done.')
    result = fields.Text(help='What was done in the end. Empty: the solution.')
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        ondelete='cascade',
        help='Why it really happened.',
    )
    dissatisfaction_id = fields.Many2one(
        comodel_name='retail.ticket.dissatisfaction',
        ondelete='cascade',
        help='What made the customer dissatisfied.',
    )
    verdict = fields.Selection(
        selection='_selection_verdict',
        default='justified',
        help='What you found when you looked into it.',
    )

    @api.model
    def _selection_verdict(self):
        return self.env['retail.ticket']._fields['verdict']._description_selection(self.env)

    # === COMPUTE ===#

    @api.depends('type_id')
    def _compute_type(self):
        for counter in self:
            counter.is_complaint = counter.type_id.is_complaint
            counter.needs_cause = counter.type_id.needs_cause
            first = counter.type_id._stages()[:1]
            counter.guidance = counter.type_id.content or first.guidance

    @api.depends('type_id', 'reason_id', 'line_ids.is_chosen')
    def _compute_subject(self):
        for counter in self:
            goods = counter.line_ids.filtered('is_chosen').product_id[:1]
            what = counter.reason_id if counter.is_complaint else counter.type_id
            names = (what.display_name, goods.sudo().name)  # sudo: a name on the receipt
            counter.subject = ': '.join(filter(None, names))

    @api.depends('partner_id', 'company_id')
    @api.depends_context('uid', 'lang')
    def _compute_customer_text(self):
        self.customer_text = False
        for counter in self.filtered('partner_id'):
            person = counter.partner_id._origin
            person.check_access('read')
            if counter.company_id not in self.env.user.company_ids:
                continue  # named by the client: points and tier of another company
            # sudo: who serves at the counter sees the card; the customer is one the user may read
            customer = person.sudo().commercial_partner_id.with_company(counter.company_id)
            words = [
                customer.retail_tier_text,
                customer.retail_points_text
                and self.env._('%(points)s points', points=customer.retail_points_text),
                customer._ticket_words(self.env.uid),
                customer.retail_remark,
            ]
            counter.customer_text = ' \N{MIDDLE DOT} '.join(filter(None, words))

    @api.depends('line_ids.is_chosen', 'line_ids.sale_line_id', 'ticket_id')
    @api.depends_context('uid', 'lang')
    def _compute_same_text(self):
        self.same_text = False
        for counter in self:
            lines = counter.line_ids.filtered('is_chosen').sale_line_id._origin
            tickets = lines and self.env['retail.ticket'].search(
                [
                    ('line_ids.sale_line_id', 'in', lines.ids),
                    ('category', 'in', OPEN_CATEGORIES),
                    ('id', '!=', counter.ticket_id.id),
                ],
                limit=MAX_SAME,
            )
            if tickets:
                counter.same_text = self.env._(
                    'Already open about these goods: %(tickets)s',
                    tickets=', '.join(tickets.mapped('display_name')),
                )

    # === FINDING ===#

    @api.onchange('search_text')
    def _onchange_search_text(self):
        if not (self.search_text or '').strip():
            return
        Ticket = self.env['retail.ticket']
        partners, orders = Ticket._look_up(self.search_text, self.company_id)
        self.found_partner_ids = partners
        if len(partners) == 1:
            self.partner_id = partners
        elif self.partner_id not in partners:
            self.partner_id = False
        self._offer(orders)
        if len(partners) == 1:
            self.found_text = False
        elif partners:
            several = self.env._('%(count)s customers found: choose one.', count=len(partners))
            many = self.env._('Many customers found: choose one, or type more.')
            self.found_text = several if len(partners) < MAX_CUSTOMERS else many
        else:
            self.found_text = self.env._('Nothing found for "%(text)s".', text=self.search_text)

    @api.onchange('partner_id')
    def _onchange_partner_id(self):
        """Offer the last purchases of a customer who was chosen by hand."""
        shown = self.line_ids.sudo().order_id.partner_id.commercial_partner_id
        customer = self.partner_id.sudo().commercial_partner_id._origin
        if self.partner_id and shown._origin != customer:
            Ticket = self.env['retail.ticket']
            Ticket.check_access('create')
            self._offer(Ticket._last_orders(self.partner_id._origin, self.company_id))

    def _offer(self, orders):
        """Offer the goods of these orders; the only one is ticked at once."""
        lines = orders.order_line._retail_goods()[:MAX_LINES]
        self.line_ids = [Command.clear()] + self._commands_of(lines)

    @api.model
    def _commands_of(self, sale_lines, products=(), date=False):
        alone = len(sale_lines) + len(products) == 1
        return [
            *(Command.create({'sale_line_id': line.id, 'is_chosen': alone}) for line in sale_lines),
            *(
                Command.create({'product_id': one.id, 'purchased_on': date, 'is_chosen': alone})
                for one in products
            ),
        ]

    @api.model
    def _action_of_lines(self, partner, sale_lines, company, products=(), date=False):
        """Return the dialog for a request about these goods of an order or invoice.

        :raise AccessError: for those who may not make tickets
        """
        self.check_access('create')
        counter = self.create(
            {
                'partner_id': partner.id,
                'company_id': company.id,
                'line_ids': self._commands_of(sale_lines, products, date),
            }
        )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('New Ticket'),
            'res_model': self._name,
            'res_id': counter.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
        }

    # === ACTIONS ===#

    def action_solve(self):
        """Make the ticket and solve it: the customer agrees with the solution.

        :raise UserError: naming what is missing
        """
        self.ensure_one()
        self._take_turns()
        # sudo: it may have become one that only the complaint unit reads
        ticket = self.sudo().ticket_id
        if not ticket:
            missing = self._missing()
            if missing:
                raise UserError(self.env._('Still missing: %(what)s.', what=', '.join(missing)))
            ticket = self.ticket_id = self._make_ticket()
            if self._carry_out(ticket):
                ticket._solve_at_once(self._prepare_outcome_values())
            else:
                ticket.write({'solution': self.solution})
                ticket._answered_at_once()
        if ticket.sudo()._is_open():  # sudo: as above
            return self._action_of(ticket)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                # sudo: it may have become one that only the complaint unit reads
                'message': self.env._('%(ticket)s is solved.', ticket=ticket.sudo().name),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def action_open(self):
        """Make the ticket with what was entered, and open it: it is not solved yet."""
        self.ensure_one()
        self._take_turns()
        ticket = self.ticket_id
        if not ticket:
            ticket = self.ticket_id = self._make_ticket({'solution': self.solution})
            ticket._answered_at_once()
        return self._action_of(ticket)

    @api.model
    def _action_of(self, ticket):
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': ticket.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def action_attach(self):
        """Put the goods that were ticked on the ticket from which the dialog was opened."""
        self.ensure_one()
        ticket = self.ticket_id
        ticket.check_access('write')
        lines = self.line_ids.filtered('is_chosen')
        if not lines:
            raise UserError(self.env._('Tick what the request is about.'))
        vals = {'line_ids': lines._ticket_commands()}
        # the lines are of the company (see _ticket_commands); what was entered on the ticket stays
        order = lines.sudo().sale_line_id.order_id[:1]
        if order and not ticket.order_id:
            taken = {'order_id': order.id, **ticket._values_of_order(order)}
            vals.update({name: value for name, value in taken.items() if not ticket[name]})
        ticket.write(vals)
        return {'type': 'ir.actions.act_window_close'}

    # === MAKING ===#

    def _take_turns(self):
        """Let a second click wait for the first one, and then find the ticket that this one has made."""
        self.check_access('write')
        self.env.cr.execute(
            SQL('SELECT 1 FROM retail_ticket_counter WHERE id = %s FOR UPDATE', self.id)
        )

    def _missing(self):
        """Hook: return the names of what has to be known before the ticket can be solved."""
        needed = ['subject', 'solution']
        if self.is_complaint:
            needed += ['reason_id', 'verdict']
        if self.needs_cause:
            needed += ['cause_id', 'dissatisfaction_id']
        return [
            self._fields[name]._description_string(self.env) for name in needed if not self[name]
        ]

    def _carry_out(self, ticket):
        """Hook: do what the customer gets, and return whether the ticket can be solved now."""
        return True

    def _make_ticket(self, vals=None):
        """Return the ticket, made as the user: owned by whoever stands at the counter."""
        return self.env['retail.ticket'].create({**self._prepare_ticket_values(), **(vals or {})})

    def _prepare_ticket_values(self):
        """Hook: return the values of the ticket."""
        return {
            'company_id': self.company_id.id,
            'partner_id': self.partner_id.id,
            'channel_id': self.channel_id.id,
            'type_id': self.type_id.id,
            'reason_id': self.reason_id.id if self.is_complaint else False,
            'subject': self.subject or self.type_id.display_name,
            'description': self.description and plaintext2html(self.description),
            'problem_restated': self.problem_restated,
            'customer_wish': self.customer_wish,
            'user_id': self.env.uid,
            'line_ids': self.line_ids.filtered('is_chosen')._ticket_commands(),
            **self._prepare_store_values(),
        }

    def _prepare_store_values(self):
        """Return the store of the employee, for requests without an order: those with one are about its store."""
        if self.line_ids.filtered(lambda line: line.is_chosen and line.sale_line_id):
            return {}
        store = self.env['retail.touch']._default_store_id()
        return {'store_id': store.id} if store else {}

    def _prepare_outcome_values(self):
        """Hook: return what is written when the customer has agreed."""
        values = {
            'solution': self.solution,
            'result': self.result or self.solution,
            'told_on': fields.Datetime.now(),
            'told_channel_id': self.channel_id.id,
        }
        if self.cause_id:
            values['cause_id'] = self.cause_id.id
        if self.dissatisfaction_id:
            values['dissatisfaction_id'] = self.dissatisfaction_id.id
        if self.is_complaint:
            values.update(
                verdict=self.verdict,
                customer_opinion='accepts',
            )
        return values
