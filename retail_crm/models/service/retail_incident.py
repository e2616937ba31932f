from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ._safely import safely

BATCH_SIZE = 200


class RetailIncident(models.Model):
    """Personal data leaked, or an account stolen: what was found, who is affected, who was told when (S-SEC-08).

    Opened from an account complaint or by hand; written by managers and privacy officers. Its clock runs day and night
    from the discovery: until ``deadline_at`` authority and customers must be told. Invariant: it is closed only when
    measures are written and each affected customer was told, or need not be with a reason.
    """

    _name = 'retail.incident'
    _description = 'Data Incident'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'discovered_at desc, id desc'
    _check_company_auto = True

    name = fields.Char(
        string='Number', required=True, readonly=True, copy=False, default='/', index='trigram'
    )
    subject = fields.Char(required=True, tracking=True, help='What happened, in a few words.')
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=[
            ('stolen', 'Account stolen'),
            ('leak', 'Information leaked'),
            ('lost', 'Data or device lost'),
            ('other', 'Other'),
        ],
        required=True,
        default='leak',
        tracking=True,
        help='What happened to the data.',
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Complaint',
        check_company=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Complaint by which it was found. Empty: found by ourselves.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        domain=[('share', '=', False)],
        tracking=True,
        index='btree_not_null',
        help='Who handles it.',
    )
    discovered_at = fields.Datetime(
        string='Discovered',
        required=True,
        default=fields.Datetime.now,
        copy=False,
        tracking=True,
        help='When we learnt of it. The clock starts here.',
    )
    deadline_at = fields.Datetime(
        string='Tell Until',
        compute='_compute_deadline_at',
        store=True,
        precompute=True,
        tracking=True,
        help='Until when authority and customers must be told: hours after the discovery, day and night.',
    )
    description = fields.Text(help='What happened, and which data it is about.')
    measures = fields.Text(
        tracking=True, help='What is done to limit the damage and to prevent it.'
    )
    authority = fields.Char(help='Authority that was informed.')
    authority_informed_at = fields.Datetime(
        string='Authority Informed',
        copy=False,
        tracking=True,
        help='When the authority was informed. Empty: not yet.',
    )
    authority_reason = fields.Char(
        string='Why Not Informed',
        tracking=True,
        help='Why the authority need not be informed, when it was not.',
    )
    notice = fields.Text(
        string='Notice to Customers',
        help='What customers are told: what happened, what they should do, what we do.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.incident.customer',
        inverse_name='incident_id',
        string='Affected Customers',
        help='Customers whose data it is about, and when each was told.',
    )
    customer_count = fields.Integer(
        string='Affected', compute='_compute_counts', help='How many customers are affected.'
    )
    open_count = fields.Integer(
        string='Not Told Yet', compute='_compute_counts', help='How many of them were not told yet.'
    )
    state = fields.Selection(
        selection=[('open', 'Open'), ('closed', 'Closed')],
        required=True,
        readonly=True,
        default='open',
        copy=False,
        tracking=True,
        index=True,
    )
    closed_at = fields.Datetime(readonly=True, copy=False, help='When it was closed.')
    closed_by = fields.Many2one(
        comodel_name='res.users', readonly=True, copy=False, help='Who closed it.'
    )
    is_late = fields.Boolean(
        string='Late',
        compute='_compute_is_late',
        search='_search_is_late',
        help='The time is over, and authority or customers were not told yet.',
    )
    next_reminder_at = fields.Datetime(
        readonly=True,
        copy=False,
        help='When the responsible persons are reminded next.',
    )

    _name_company_uniq = models.UniqueIndex(
        "(name, company_id) WHERE name <> '/'", 'Another incident has this number already.'
    )
    _ticket_uniq = models.UniqueIndex(
        '(ticket_id) WHERE ticket_id IS NOT NULL', 'This complaint has an incident already.'
    )
    _reminder_idx = models.Index('(next_reminder_at) WHERE next_reminder_at IS NOT NULL')

    @api.depends('discovered_at', 'company_id')
    def _compute_deadline_at(self):
        for incident in self:
            hours = incident.company_id.root_id.sudo().retail_incident_hours
            incident.deadline_at = incident.discovered_at and incident.discovered_at + timedelta(
                hours=hours
            )

    @api.depends('line_ids.state')
    def _compute_counts(self):
        counts = {
            (incident.id, state): number
            for incident, state, number in self.env['retail.incident.customer']._read_group(
                [('incident_id', 'in', self.ids)], ['incident_id', 'state'], ['__count']
            )
        }
        for incident in self:
            each = {
                state: counts.get((incident.id, state), 0) for state in ('open', 'told', 'waived')
            }
            incident.customer_count = sum(each.values())
            incident.open_count = each['open']

    @api.depends('state', 'deadline_at')
    def _compute_is_late(self):
        now = fields.Datetime.now()
        for incident in self:
            incident.is_late = (
                incident.state == 'open'
                and bool(incident.deadline_at)
                and incident.deadline_at < now
            )

    def _search_is_late(self, operator, value):
        if operator != 'in':
            return NotImplemented
        late = Domain('state', '=', 'open') & Domain('deadline_at', '<', fields.Datetime.now())
        return Domain.OR(late if item else ~late for item in value)

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get('name', '/') == '/':
                company_id = vals.get('company_id') or self.env.company.id
                # sudo: numbering is the system's work
                vals['name'] = (
                    self.env['ir.sequence'].sudo().with_company(company_id).next_by_code(self._name)
                    or '/'
                )
        incidents = super().create(vals_list)
        incidents._plan_reminder()
        incidents._alert(self.env._('A data incident was opened'))
        return incidents

    def write(self, vals):
        if not self.env.su and {'state', 'closed_at', 'closed_by', 'next_reminder_at'} & set(vals):
            raise UserError(self.env._('Use "Close" and "Reopen".'))
        result = super().write(vals)
        if {'discovered_at', 'company_id'} & set(vals):
            self._plan_reminder()
        return result

    # === CLOCK ===#

    def _plan_reminder(self):
        """Plan the first reminder: when three quarters of the time are over."""
        for incident in self.filtered(lambda incident: incident.state == 'open'):
            span = incident.deadline_at - incident.discovered_at
            incident.sudo().next_reminder_at = incident.discovered_at + span * 0.75

    def _cron_remind(self):
        """Remind of open incidents: before the deadline, at the deadline, then every day until they are closed."""
        now = fields.Datetime.now()
        due = self.search(
            [('next_reminder_at', '<=', now), ('state', '=', 'open')],
            order='next_reminder_at',
            limit=BATCH_SIZE,
        )
        safely(
            due,
            lambda incidents: incidents._remind(now),
            # logged; tried again after the others
            lambda one, _error: one.write({'next_reminder_at': now + timedelta(hours=1)}),
        )
        self.env['ir.cron']._commit_progress(len(due), remaining=int(len(due) == BATCH_SIZE))

    def _remind(self, now):
        """Remind whoever is responsible, and plan the next reminder."""
        late = self.filtered(lambda incident: incident.deadline_at <= now)
        late._alert(
            self.env._('The time to tell authority and customers of a data incident is over')
        )
        (self - late)._alert(self.env._('A data incident must be told soon'))
        for incident in self:
            later = now + timedelta(days=1)
            incident.next_reminder_at = later if incident in late else incident.deadline_at

    def _alert(self, words):
        """Give managers, privacy officers and the responsible person a task for today."""
        model_id = self.env['ir.model']._get_id(self._name)
        activity_type = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        vals_list = [
            {
                'res_model_id': model_id,
                'res_id': incident.id,
                'user_id': user.id,
                'activity_type_id': activity_type.id if activity_type else False,
                'summary': words,
                'date_deadline': fields.Date.context_today(self),
            }
            for incident in self
            for user in incident._who_is_alerted()
        ]
        # sudo: tasks for managers and officers are the system's to make
        self.env['mail.activity'].sudo().create(vals_list)

    def _who_is_alerted(self):
        """Hook: return who is told of one incident: responsible person, else managers and privacy officers."""
        if self.user_id:
            return self.user_id
        groups = self.env.ref('retail_crm.group_manager') + self.env.ref(
            'retail_crm.group_sensitive'
        )
        # the person complained about may be a manager
        blocked_sudo = self.ticket_id.sudo().blocked_user_id
        return (
            groups.sudo().all_user_ids.filtered(
                lambda user: user.active and self.company_id in user.company_ids and user.id > 1
            )
            - blocked_sudo.sudo()
        )

    # === ACTIONS ===#

    def action_notify(self):
        """Send the notice by e-mail to all affected customers who were not told yet and have an address."""
        self.check_access('write')
        for incident in self:
            if not incident.notice:
                raise UserError(self.env._('Write the notice to customers first.'))
        self.line_ids.filtered(lambda line: line.state == 'open')._notify()

    def action_close(self):
        """Close incidents of which everybody was told."""
        self.check_access('write')
        for incident in self:
            missing = None
            if not incident.measures:
                missing = self.env._('write the measures first.')
            elif incident.open_count:
                missing = self.env._(
                    '%(count)s affected customers were not told yet.', count=incident.open_count
                )
            elif not incident.authority_informed_at and not incident.authority_reason:
                missing = self.env._('note when the authority was informed, or why it need not be.')
            if missing:
                raise UserError(
                    self.env._('%(incident)s: %(missing)s', incident=incident.name, missing=missing)
                )
        # sudo: the state is written here only
        self.sudo().write(
            {
                'state': 'closed',
                'closed_at': fields.Datetime.now(),
                'closed_by': self.env.uid,
                'next_reminder_at': False,
            }
        )

    def action_reopen(self):
        """Open closed incidents again; the clock still runs from the discovery."""
        self.check_access('write')
        incidents_sudo = self.filtered(lambda incident: incident.state == 'closed').sudo()
        incidents_sudo.write({'state': 'open', 'closed_at': False, 'closed_by': False})
        incidents_sudo._plan_reminder()
