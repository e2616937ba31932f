from odoo import api, fields, models
from odoo.tools import format_date

from .retail_ticket_stage import OPEN_CATEGORIES

PRIORITIES = [('0', 'Normal'), ('1', 'High'), ('2', 'Urgent')]

VERDICTS = [
    ('justified', 'Justified'),
    ('partly', 'Partly justified'),
    ('unjustified', 'Not justified'),
    ('open', 'Cannot be verified'),
]

OPINIONS = [('accepts', 'Accepts the solution'), ('counter', 'Wishes something else')]


class RetailTicket(models.Model):
    """A request or complaint of a customer, or (as a child of one) a task for another department. A contract.

    Who it is for, what happened, who handles it and where it stands. Stages are moved by ``write`` or ``_set_stage``;
    whatever follows from a move is in ``retail_ticket_flow.py``. The clock (targets and deadlines), the mail door and
    the complaint process extend this model in files of their own through the hooks that are named ``_clock_*``,
    ``_check_stage_move``, ``_on_stage_moved``, ``_prepare_ticket_values`` and ``_tickets_created``.

    Invariants: every ticket has number, type, stage and company; ``category`` is that of the stage; ``solved_at`` is
    set while, and only while, it is solved or filed; ``first_solved_at`` and ``first_response_at`` never move.
    """

    _name = 'retail.ticket'
    _description = 'Ticket'
    _inherit = ['portal.mixin', 'mail.thread.cc', 'mail.activity.mixin']
    _order = 'id desc'
    _rec_names_search = ('name', 'subject')
    _check_company_auto = True
    _mail_post_access = 'read'
    _primary_email = 'partner_email'

    name = fields.Char(
        string='Number', required=True, readonly=True, copy=False, default='/', index='trigram'
    )
    subject = fields.Char(required=True, tracking=True, help='What it is about, in a few words.')
    description = fields.Html(help="The customer's own words.")
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    active = fields.Boolean(default=True)

    # === WHO ===#
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        check_company=True,
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
        help='Who asks. Empty: not known yet.',
    )
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id',
        string='Customer or Company',
        store=True,
        precompute=True,
        index='btree_not_null',
    )
    partner_name = fields.Char(
        string='Name Given', help='Name as the customer gave it, when it is not the one on file.'
    )
    partner_email = fields.Char(
        string='E-mail',
        compute='_compute_partner_contact',
        store=True,
        readonly=False,
        precompute=True,
        help='Address to which answers go.',
    )
    partner_phone = fields.Char(
        string='Phone',
        compute='_compute_partner_contact',
        store=True,
        readonly=False,
        precompute=True,
        help='Number at which the customer can be called about this.',
    )
    is_old_customer = fields.Boolean(
        string='Old Customer',
        compute='_compute_is_old_customer',
        help='The customer had bought before the request came in.',
    )

    # === WHERE FROM AND WHAT ===#
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        required=True,
        default=lambda self: self._default_channel_id(),
        tracking=True,
        index=True,
        help='Channel on which the request came in.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        string='Store',
        domain=[('retail_is_store', '=', True)],
        check_company=True,
        index='btree_not_null',
        help='Store that it is about.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type',
        string='Type',
        required=True,
        default=lambda self: self.env['retail.ticket.type']._default_type(),
        tracking=True,
        index=True,
        ondelete='restrict',
    )
    is_complaint = fields.Boolean(
        related='type_id.is_complaint', string='Complaint', store=True, precompute=True
    )
    is_internal = fields.Boolean(related='type_id.is_internal', store=True, precompute=True)
    tag_ids = fields.Many2many(comodel_name='retail.ticket.tag', string='Tags')
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',
        help="What it is about in the customer's view.",
    )
    line_ids = fields.One2many(
        comodel_name='retail.ticket.line', inverse_name='ticket_id', string='Goods'
    )
    order_id = fields.Many2one(
        comodel_name='sale.order',
        check_company=True,
        index='btree_not_null',
        ondelete='set null',
        help='Order or quotation that it is about.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_product_id',
        store=True,
        readonly=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Product that it is about: that of the first line, or chosen here.',
    )

    # === WHO HANDLES IT ===#
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        string='Team',
        check_company=True,
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner',
        domain=[('share', '=', False)],
        tracking=True,
        index='btree_not_null',
        help='Who answers to the customer for it.',
    )
    priority = fields.Selection(
        selection=PRIORITIES,
        compute='_compute_priority',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        tracking=True,
        help="Set by the customer's tier, the class and what happened; it shortens the deadlines.",
    )
    color = fields.Integer(string='Colour')
    guide_id = fields.Many2one(
        comodel_name='res.users',
        string='Shop Guide Concerned',
        domain=[('share', '=', False)],
        index='btree_not_null',
        help='Who served the customer.',
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        index='btree_not_null',
        help='May neither own nor read the ticket.',
    )
    involved_user_ids = fields.Many2many(
        comodel_name='res.users',
        relation='retail_ticket_involved_rel',
        string='Also Involved',
        domain=[('share', '=', False)],
        help='May read the ticket and write to it, though they neither own it nor are in the team.',
    )
    is_restricted = fields.Boolean(
        string='Restricted',
        tracking=True,
        help='Only the complaint unit, its owner and those involved may read it.',
    )

    # === WHERE IT STANDS ===#
    stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage',
        string='Stage',
        required=True,
        default=lambda self: self._default_stage_id(),
        tracking=True,
        index=True,
        copy=False,
        ondelete='restrict',
        group_expand='_group_expand_stage_id',
    )
    category = fields.Selection(
        related='stage_id.category', store=True, precompute=True, string='State', index=True
    )
    received_at = fields.Datetime(
        string='Received',
        required=True,
        default=fields.Datetime.now,
        copy=False,
        help='When it reached us; the clock starts here. For a letter from the box: when it was put in.',
    )
    assigned_at = fields.Datetime(
        string='First Assigned', readonly=True, copy=False, help='When it got its first owner.'
    )
    first_response_at = fields.Datetime(
        string='First Answered',
        readonly=True,
        copy=False,
        help='When the customer first got an answer of a person.',
    )
    waiting_since = fields.Datetime(
        string='Unanswered Since',
        readonly=True,
        copy=False,
        help='Date of the oldest message of the customer that was not answered yet.',
    )
    last_customer_at = fields.Datetime(
        string='Last Heard From', readonly=True, copy=False, help='Last message of the customer.'
    )
    last_agent_at = fields.Datetime(
        string='Last Answered', readonly=True, copy=False, help='Last message to the customer.'
    )
    customer_message_count = fields.Integer(
        string='Messages of the Customer', readonly=True, copy=False
    )
    agent_message_count = fields.Integer(string='Answers', readonly=True, copy=False)
    stage_since = fields.Datetime(
        string='In This Stage Since', readonly=True, copy=False, default=fields.Datetime.now
    )
    first_solved_at = fields.Datetime(
        string='First Solved',
        readonly=True,
        copy=False,
        help='When it was solved for the first time.',
    )
    solved_at = fields.Datetime(
        string='Solved',
        readonly=True,
        copy=False,
        help='When it was solved. Empty again when reopened.',
    )
    solved_by = fields.Many2one(
        comodel_name='res.users', readonly=True, copy=False, help='Who solved it, the last time.'
    )
    archived_at = fields.Datetime(string='Filed', readonly=True, copy=False)
    reopen_count = fields.Integer(
        string='Times Reopened', readonly=True, copy=False, aggregator='sum'
    )
    next_event_at = fields.Datetime(
        string='Next Event',
        readonly=True,
        copy=False,
        help='When the clock next has something to do.',
    )
    promised_at = fields.Datetime(
        string='Promised For',
        readonly=True,
        copy=False,
        help='When the customer was told that it will be solved.',
    )
    merged_into_id = fields.Many2one(
        comodel_name='retail.ticket',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Ticket in which this one goes on.',
    )
    parent_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Part Of',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Ticket for which this task is done.',
    )
    child_ids = fields.One2many(
        comodel_name='retail.ticket', inverse_name='parent_id', string='Tasks of Other Departments'
    )
    follow_up_of_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Follows',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Earlier ticket that the customer answered after it was closed, or that this one speaks of.',
    )

    # === WHAT CAME OUT ===#
    problem_restated = fields.Text(
        string='Problem in Our Words',
        help='The problem as we understood it, read back to the customer and confirmed.',
    )
    customer_wish = fields.Text(help='How the customer wishes it to be solved.')
    verdict = fields.Selection(
        selection=VERDICTS, tracking=True, copy=False, help='What the investigation found.'
    )
    solution = fields.Text(copy=False, help='What we offer to do.')
    customer_opinion = fields.Selection(
        selection=OPINIONS,
        tracking=True,
        copy=False,
        help='What the customer says to the solution before it is carried out.',
    )
    told_on = fields.Datetime(
        string='Told On', copy=False, help='When the customer was told the solution.'
    )
    told_channel_id = fields.Many2one(
        comodel_name='retail.channel', string='Told By', copy=False, help='On which channel.'
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        tracking=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Why it really happened, as we found. Stays when the ticket is given to somebody else.',
    )
    dissatisfaction_id = fields.Many2one(
        comodel_name='retail.ticket.dissatisfaction',
        tracking=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='What made the customer dissatisfied.',
    )
    is_preventable = fields.Boolean(
        string='Preventable',
        compute='_compute_is_preventable',
        store=True,
        precompute=True,
        readonly=False,
        copy=False,
        help='Could have been prevented by us. Starts with what the root cause says.',
    )
    result = fields.Text(copy=False, help='What was done in the end.')
    round = fields.Integer(
        default=1,
        readonly=True,
        copy=False,
        aggregator='avg',
        help='How often a solution was sought: 2 when the customer was not satisfied with the first one.',
    )
    intake_1 = fields.Text(string='What happened?')
    intake_2 = fields.Text(string='How did it happen?')
    intake_3 = fields.Text(string='Which product?')
    intake_4 = fields.Text(string='Why is the customer dissatisfied?')
    intake_5 = fields.Text(string='Who was the shop guide?')
    intake_6 = fields.Text(string='Other reasons to be dissatisfied?')
    intake_7 = fields.Selection(
        selection=[('yes', 'Yes'), ('partly', 'Partly'), ('no', 'No')],
        string='Is the customer reasonable?',
    )
    intake_8 = fields.Text(string='Which solution does the customer wish?')
    intake_9 = fields.Selection(
        selection=[('old', 'Old customer'), ('new', 'New customer')],
        string='Old or new customer?',
        readonly=True,
        copy=False,
        help='Filled by the system from purchases before the request.',
    )

    _name_company_uniq = models.UniqueIndex(
        "(name, company_id) WHERE name <> '/'", 'Another ticket has this number already.'
    )
    # used by queues: open tickets by team or owner
    _open_user_idx = models.Index(
        "(user_id, company_id) WHERE category IN ('new', 'open', 'waiting', 'on_hold')"
    )
    _open_team_idx = models.Index(
        "(team_id, company_id) WHERE category IN ('new', 'open', 'waiting', 'on_hold')"
    )
    _next_event_idx = models.Index('(next_event_at) WHERE next_event_at IS NOT NULL')

    # === DEFAULTS AND COMPUTES ===#

    @api.model
    def _default_channel_id(self):
        return self.env.ref(
            'retail_crm.retail_channel_counter', raise_if_not_found=False
        ) or self.env['retail.channel'].search([], limit=1)

    @api.model
    def _default_stage_id(self):
        kind = self.env['retail.ticket.type'].browse(self.env.context.get('default_type_id'))
        kind = kind or self.env['retail.ticket.type']._default_type()
        return kind._first_stages().get(kind)

    @api.onchange('type_id')
    def _onchange_type_id(self):
        """Show the process of the type while a ticket is entered; for all others ``write`` keeps them together."""
        if self.type_id and self.stage_id not in self.type_id._stages():
            self.stage_id = self.type_id._first_stages()[self.type_id]

    @api.depends('partner_id')
    def _compute_partner_contact(self):
        for ticket in self:
            if ticket.partner_id:
                ticket.partner_email = ticket.partner_id.email or ticket.partner_email
                ticket.partner_phone = ticket.partner_id.phone or ticket.partner_phone
            else:
                ticket.partner_email = ticket.partner_email
                ticket.partner_phone = ticket.partner_phone

    @api.depends('partner_id')
    def _compute_priority(self):
        """Ask the policy once for the priority of all customers; what is higher already stays."""
        for company, tickets in self.grouped('company_id').items():
            answers = self.env['retail.policy']._for_customers(
                tickets.partner_id, company, ['priority']
            )
            for ticket in tickets:
                by_policy = answers.get(ticket.partner_id.id, {}).get('priority')
                ticket.priority = max(ticket.priority or '0', by_policy or '0')

    @api.depends('partner_id', 'received_at', 'company_id')
    def _compute_is_old_customer(self):
        """Ask once for all customers when they bought first."""
        # sudo: whether somebody bought before is told to whoever handles his request
        first = dict(
            self.env['retail.purchase']
            .sudo()
            ._read_group(
                [
                    ('partner_id', 'in', self.partner_id.commercial_partner_id._origin.ids),
                    ('company_id', 'in', self.company_id.root_id.ids),
                    ('counts', '=', True),
                ],
                ['partner_id'],
                ['date:min'],
            )
        )
        for ticket in self:
            bought = first.get(ticket.partner_id.commercial_partner_id._origin)
            received = ticket.received_at and fields.Datetime.context_timestamp(
                ticket, ticket.received_at
            )
            ticket.is_old_customer = bool(bought and received and bought < received.date())

    @api.depends('line_ids.product_id')
    def _compute_product_id(self):
        for ticket in self:
            ticket.product_id = ticket.line_ids.product_id[:1] or ticket.product_id

    @api.depends('cause_id')
    def _compute_is_preventable(self):
        for ticket in self:
            ticket.is_preventable = ticket.cause_id.is_preventable

    def _compute_access_url(self):
        super()._compute_access_url()
        for ticket in self:
            ticket.access_url = f'/my/tickets/{ticket.id}'

    @api.depends('name', 'subject')
    def _compute_display_name(self):
        for ticket in self:
            ticket.display_name = ' '.join(filter(None, (ticket.name, ticket.subject)))

    @api.model
    def _group_expand_stage_id(self, stages, domain):
        """Show the stages of the types in the board, also those without a ticket."""
        kinds = self.env.context.get('default_type_id')
        if kinds:
            return self.env['retail.ticket.type'].browse(kinds)._stages()
        return stages

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Number, type, stage, team and priority are found here for all of a batch."""
        tickets = super().create(self._prepare_ticket_values(vals_list))
        tickets._tickets_created()
        return tickets

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Hook: return complete values of tickets to create, in a fixed number of queries for the batch."""
        vals_list = [dict(vals) for vals in vals_list]
        self._fill_types(vals_list)
        self._fill_teams(vals_list)
        self._fill_numbers(vals_list)
        now = fields.Datetime.now()
        channel_id = self.env.context.get('default_channel_id') or self._default_channel_id().id
        for vals in vals_list:
            vals.setdefault('channel_id', channel_id)
            vals.setdefault('stage_since', now)
            if vals.get('user_id'):
                vals.setdefault('assigned_at', now)
        return vals_list

    def _fill_types(self, vals_list):
        """Give type and first stage to those without."""
        Type = self.env['retail.ticket.type']
        if any(not vals.get('type_id') for vals in vals_list):
            usual = self.env.context.get('default_type_id') or Type._default_type().id
            for vals in vals_list:
                vals['type_id'] = vals.get('type_id') or usual
        first = Type.browse({vals['type_id'] for vals in vals_list})._first_stages()
        for vals in vals_list:
            if not vals.get('stage_id'):
                vals['stage_id'] = first[Type.browse(vals['type_id'])].id

    def _fill_teams(self, vals_list):
        """Give a team (and its company) to those without, by type, company and store; each case is asked once."""
        Team, Type = self.env['retail.ticket.team'], self.env['retail.ticket.type']
        Company, Store = self.env['res.company'], self.env['crm.team']
        found = {}
        for vals in vals_list:
            if vals.get('team_id'):
                vals.setdefault('company_id', Team.browse(vals['team_id']).sudo().company_id.id)
                continue
            company = Company.browse(vals.get('company_id') or self.env.company.id)
            key = (vals['type_id'], company.id, vals.get('store_id'))
            if key not in found:
                kind = Type.browse(vals['type_id']).with_company(company)
                found[key] = kind.team_id or Team._find(
                    kind.team_kind or 'desk',
                    company,
                    Store.browse(vals.get('store_id') or []),
                    kind,
                )
            vals['team_id'] = found[key].id

    def _tickets_created(self):
        """Hook: what follows the creation of a batch of tickets."""
        self._clock_opened()
        self.env['retail.moment']._emit('ticket_opened', self)

    def write(self, vals):
        """Stage moves go through ``_check_stage_move`` and ``_on_stage_moved``, whoever writes."""
        vals = dict(vals)
        if vals.get('type_id') and 'stage_id' not in vals:
            by_category = self.grouped('category')
            if len(by_category) > 1:  # each keeps the meaning of its own stage
                return all(tickets.write(vals) for tickets in by_category.values())
        self._keep_stage_of_type(vals)
        before = {ticket: ticket.stage_id for ticket in self} if 'stage_id' in vals else {}
        moved = self.browse()
        if before:
            stage = self.env['retail.ticket.stage'].browse(vals['stage_id'])
            moved = self.filtered(lambda ticket: ticket.stage_id != stage)
            moved._check_stage_move(stage, vals)
        replan = {'priority', 'type_id', 'team_id', 'partner_id', 'reason_id', 'store_id'} & set(
            vals
        )
        unassigned = (
            self.filtered(lambda ticket: not ticket.assigned_at) if vals.get('user_id') else None
        )
        result = super().write(vals)
        if unassigned:
            super(RetailTicket, unassigned).write({'assigned_at': fields.Datetime.now()})
        if moved:
            moved._on_stage_moved({ticket: before[ticket] for ticket in moved})
        if replan:
            self._clock_replan(replan)
        return result

    def _keep_stage_of_type(self, vals):
        """A type with another process keeps the meaning of the stage: the first stage of the same category."""
        if not vals.get('type_id') or 'stage_id' in vals or not self:
            return
        kind = self.env['retail.ticket.type'].browse(vals['type_id'])
        stages = kind._stages()
        if stages and any(ticket.stage_id not in stages for ticket in self):
            category = self[:1].category
            stage = kind._stage_of([category]) or kind._stage_of(OPEN_CATEGORIES) or stages[:1]
            vals['stage_id'] = stage.id

    def copy_data(self, default=None):
        """A copy is a new request of the same customer, received now."""
        vals_list = super().copy_data(default=default)
        for vals in vals_list:
            vals.pop('stage_id', None)
        return vals_list

    # === HOOKS OF THE CLOCK ===#

    def _clock_opened(self):
        """Hook: the clock of new tickets starts (at ``received_at``)."""

    def _clock_moved(self, before):
        """Hook: tickets changed their stage. ``before``: ``{ticket: its stage before}``."""

    def _clock_contact(self, side, date=None):
        """Hook: a message was exchanged. Called once per message, whatever it came by.

        :param str side: ``'customer'`` (he wrote or called) or ``'agent'`` (a person of ours answered him publicly)
        :param date: when; default: now
        """
        date = date or fields.Datetime.now()
        for ticket in self:
            if side == 'customer':
                ticket.write(
                    {
                        'last_customer_at': date,
                        'customer_message_count': ticket.customer_message_count + 1,
                        'waiting_since': ticket.waiting_since or date,
                    }
                )
            else:
                ticket.write(
                    {
                        'last_agent_at': date,
                        'agent_message_count': ticket.agent_message_count + 1,
                        'first_response_at': ticket.first_response_at or date,
                        'waiting_since': False,
                    }
                )
                if ticket.agent_message_count == 1:
                    self.env['retail.moment']._emit('ticket_answered', ticket)

    def _clock_replan(self, changed):
        """Hook: something changed by which the policy is chosen. ``changed``: names of fields."""

    def _words_of_promise(self):
        """Return by when one ticket is promised, in the user's language, or an empty text."""
        self.ensure_one()
        return format_date(self.env, self.promised_at) if self.promised_at else ''
