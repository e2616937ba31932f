from odoo import api, fields, models
from odoo.tools import format_date

from ._opening import opening

PRIORITIES = [('0', 'Normal'), ('1', 'High'), ('2', 'Urgent')]
#: Settings that every new and moved ticket reads, see ``retail_row_kept.py``.
_SETTINGS = ('type_id', 'stage_id', 'team_id', 'channel_id')


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
    )
    active = fields.Boolean(default=True)

    # === WHO ===#
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        check_company=True,
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up,
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
        compute='_compute_past',
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
        domain=[('retail_is_store', '=', True)],
        check_company=True,
        index='btree_not_null',
        help='Store that it is about.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type',
        required=True,
        default=lambda self: self.env['retail.ticket.type']._default_type(),
        tracking=True,
        index=True,
        ondelete='restrict',
        help='Kind of request: decides its stages, its team and its deadlines.',
    )
    is_complaint = fields.Boolean(
        related='type_id.is_complaint', string='Complaint', store=True, precompute=True
    )
    is_internal = fields.Boolean(related='type_id.is_internal', store=True, precompute=True)
    tag_ids = fields.Many2many(
        comodel_name='retail.ticket.tag', string='Tags', help='Free labels to find tickets by.'
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',
        help="What it is about in the customer's view.",
    )
    line_ids = fields.One2many(
        comodel_name='retail.ticket.line',
        inverse_name='ticket_id',
        string='Goods',
        help='Goods that it is about: lines of orders, or products without one.',
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
        check_company=True,
        tracking=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Team that handles it: found by type, class and store, and changed by handing it over.',
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
        required=True,
        default=lambda self: self._default_stage_id(),
        tracking=True,
        index=True,
        copy=False,
        ondelete='restrict',
        group_expand='_group_expand_stage_id',
        help='Where it stands. The stages are those of its type.',
    )
    category = fields.Selection(
        related='stage_id.category', store=True, precompute=True, string='State'
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
        string='Messages of the Customer',
        readonly=True,
        copy=False,
        help='How often the customer wrote or called about it.',
    )
    agent_message_count = fields.Integer(
        string='Answers',
        readonly=True,
        copy=False,
        help='How often the customer was answered by a person.',
    )
    stage_since = fields.Datetime(
        string='In This Stage Since',
        readonly=True,
        copy=False,
        default=fields.Datetime.now,
        help='When it came into this stage.',
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
    archived_at = fields.Datetime(
        string='Filed',
        readonly=True,
        copy=False,
        help='When it was filed: nothing more is expected.',
    )
    reopen_count = fields.Integer(
        string='Times Reopened',
        readonly=True,
        copy=False,
        aggregator='sum',
        help='How often it was opened again after it had been solved.',
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
        comodel_name='retail.ticket',
        inverse_name='parent_id',
        string='Tasks of Other Departments',
        help='What other departments do for it.',
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
        Channel = self.env['retail.channel']
        counter_id = self.env['ir.model.data']._xmlid_to_res_id('retail_crm.retail_channel_counter')
        if counter_id in Channel._kept_names(self.env.lang):  # both kept in memory: each asks
            return Channel.browse(counter_id)
        return Channel.search([], limit=1)

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

    @api.depends('line_ids.product_id')
    def _compute_product_id(self):
        for ticket in self:
            ticket.product_id = ticket.line_ids.product_id[:1] or ticket.product_id

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for ticket in self:
            ticket.access_url = f'/my/tickets/{ticket.id}'
        return result

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
        values = self._prepare_ticket_values(vals_list)
        with opening():
            tickets = super().create(values)
        tickets._tickets_created()
        return tickets

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Hook: return complete values of tickets to create, in a fixed number of queries for the batch."""
        vals_list = [dict(vals) for vals in vals_list]
        company_ids = {vals.get('company_id') or self.env.company.id for vals in vals_list}
        self.env['res.company'].browse(company_ids)._retail_fetch()
        self._fill_types(vals_list)
        self._recall_settings(vals_list)
        self._fill_teams(vals_list)
        self._fill_numbers(vals_list)
        self._fill_ends(vals_list)
        now = fields.Datetime.now()
        channel_id = self.env.context.get('default_channel_id') or self._default_channel_id().id
        for vals in vals_list:
            vals.setdefault('channel_id', channel_id)
            vals.setdefault('stage_since', now)
            if vals.get('user_id'):
                vals.setdefault('assigned_at', now)
        self._recall_settings(vals_list)  # those that were found
        return vals_list

    @api.model
    def _recall_settings(self, vals_list):
        """Know the settings that values of tickets name without a query for each of their tables."""
        for name in _SETTINGS:
            ids = {vals[name] for vals in vals_list if vals.get(name)}
            self.env[self._fields[name].comodel_name].browse(ids)._recall()

    def _tickets_created(self):
        """Hook: what follows the creation of a batch of tickets."""
        self._clock_opened()
        self.env['retail.moment']._emit('ticket_opened', self)

    def write(self, vals):
        """Stage moves go through ``_check_stage_move`` and ``_on_stage_moved``, whoever writes."""
        vals = dict(vals)
        if 'stage_id' in vals:
            self.company_id._retail_fetch()
            self._recall_settings([vals])
            for name in _SETTINGS:
                self[name]._recall()
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

    def copy_data(self, default=None):
        """A copy is a new request of the same customer, received now."""
        vals_list = super().copy_data(default=default)
        for vals in vals_list:
            vals.pop('stage_id', None)
        return vals_list

    def _words_of_promise(self):
        """Return by when one ticket is promised, in the user's language, or an empty text."""
        if not self.promised_at:
            return ''
        zone = self.env.context.get('tz') or self.company_id.sudo()._retail_timezone()
        return format_date(self.with_context(tz=zone).env, self.promised_at)  # guests have no zone
