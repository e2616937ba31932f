from odoo import api, fields, models

from ._clock import Clock
from ._worktime import instant


class RetailTicketClock(models.Model):
    """The clock of tickets: targets and deadlines, kept up to date event by event (R-svc C.1).

    What happened goes into the log (``retail.ticket.interval``) first; targets and the columns here follow from it.
    An event that comes in order goes on from what is kept, one that comes late has all derived from the log again:
    both ways lead to the same. All of it works on whole batches, in a fixed number of queries.
    """

    _inherit = 'retail.ticket'

    sla_policy_id = fields.Many2one(
        comodel_name='retail.sla.policy',
        string='Deadline Policy',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Policy that granted the hours. Chosen by type, class, channel, store, team, tier and order.',
    )
    clock_calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Counted In',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Working hours in which the deadlines are counted. Empty: day and night.',
    )
    clock_kept = fields.Json(
        string='Kept by the Clock',
        readonly=True,
        copy=False,
        help='What was granted, and where the clock stands between two events.',
    )
    target_ids = fields.One2many(
        comodel_name='retail.ticket.target',
        inverse_name='ticket_id',
        string='Targets',
        readonly=True,
        copy=False,
        help='First answer, further answers and solution, each with its deadline.',
    )
    interval_ids = fields.One2many(
        comodel_name='retail.ticket.interval',
        inverse_name='ticket_id',
        string='Log',
        readonly=True,
        copy=False,
        help='Stages and messages, as they happened.',
    )
    deadline = fields.Datetime(
        string='Next Deadline',
        readonly=True,
        copy=False,
        help='The earliest deadline of what is still to be done. Empty: nothing is due, or the customer is waited for.',
    )
    first_response_deadline = fields.Datetime(
        string='First Answer Due', readonly=True, copy=False, help='When the first answer is due.'
    )
    next_response_deadline = fields.Datetime(
        string='Answer Due',
        readonly=True,
        copy=False,
        help="When the customer's last open question must be answered.",
    )
    solve_deadline = fields.Datetime(
        string='Solution Due',
        readonly=True,
        copy=False,
        help='When it must be solved. Empty while we wait for the customer.',
    )
    is_overdue = fields.Boolean(
        string='Overdue',
        compute='_compute_is_overdue',
        search='_search_is_overdue',
        help='A deadline has passed, and what was due is not done.',
    )
    is_breached = fields.Boolean(
        string='Deadline Missed',
        readonly=True,
        copy=False,
        help='A deadline was missed at any time, also when what was due was done later.',
    )
    next_breach_count = fields.Integer(
        string='Answers Too Late',
        readonly=True,
        copy=False,
        aggregator='sum',
        help='How many further answers came too late, or are late now.',
    )
    next_worst_hours = fields.Float(
        string='Slowest Answer (Hours)',
        readonly=True,
        copy=False,
        aggregator='max',
        help='Working hours that the customer waited for the slowest of our further answers.',
    )

    # used by queues and by the list of late tickets
    _deadline_idx = models.Index('(deadline) WHERE deadline IS NOT NULL')

    @api.depends('deadline')
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for ticket in self:
            ticket.is_overdue = bool(ticket.deadline and ticket.deadline < now)

    def _search_is_overdue(self, operator, value):
        if operator != 'in':
            return NotImplemented
        now = fields.Datetime.now()
        if set(value) == {True}:
            return [('deadline', '<', now)]
        if set(value) == {False}:
            return ['|', ('deadline', '=', False), ('deadline', '>=', now)]
        return [(1, '=', 1)] if value else [(0, '=', 1)]

    def write(self, vals):
        """Another day of receipt moves all that was counted from it; channel and order may grant other hours."""
        spoken = self.browse()
        if 'received_at' in vals:  # who was answered when he came, was so whenever he came
            spoken = self.filtered(lambda ticket: ticket.first_response_at == ticket.received_at)
        result = super().write(vals)
        for date, tickets in spoken.grouped('received_at').items():
            tickets._stamp({'first_response_at': date})
        if changed := {'received_at', 'channel_id', 'order_id'} & set(vals):
            self._clock_replan(changed)
        return result

    # === WHAT HAPPENS ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Give new tickets what the clock will say: a second UPDATE of each would cost as much as its INSERT."""
        vals_list = super()._prepare_ticket_values(vals_list)
        now = fields.Datetime.now()
        for vals in vals_list:
            vals.setdefault('received_at', now)
        # sudo: calendars and stages are read whoever opens a ticket
        self_sudo = self.sudo()
        plans = self_sudo._clock_plans_of([self_sudo._clock_ask_of(vals) for vals in vals_list])
        for vals, plan in zip(vals_list, plans, strict=True):
            opened = fields.Datetime.to_datetime(vals['received_at'])
            if not opened:
                continue  # the ORM will say what is missing
            spoken = self_sudo.env['retail.channel'].browse(vals['channel_id']).synchronous
            clock = Clock(
                self_sudo._clock_terms(plan, vals['company_id']),
                instant(opened),
                self_sudo.env['retail.ticket.stage'].browse(vals['stage_id']).category,
                answered=spoken,
            )
            clock.settle(instant(now))
            levels = [(target, 0) for target in clock.targets]
            for name, value in self._clock_columns(clock, levels, plan).items():
                vals[name] = value
            vals['promised_at'] = vals.get('promised_at') or vals['solve_deadline']
            if spoken:
                vals['first_response_at'] = vals['last_agent_at'] = opened
        return vals_list

    def _clock_opened(self):
        """Start the clock of new tickets; on synchronous channels the first answer is there at once."""
        result = super()._clock_opened()
        # sudo: log and targets are the system's, whoever opens a ticket
        tickets_sudo = self.sudo()
        spoken = tickets_sudo.filtered('channel_id.synchronous')
        plans = tickets_sudo._clock_plans()
        clocks = {
            ticket: Clock(
                ticket._clock_terms(plans[ticket], ticket.company_id.id),
                instant(ticket.received_at),
                ticket.category,
                answered=ticket in spoken,
            )
            for ticket in tickets_sudo
        }
        # what was granted before the INSERT still is: the columns are those of these clocks
        shown = tickets_sudo.filtered(lambda one: plans[one] == one._clock_plan_kept())
        log = tickets_sudo._prepare_log_opened(spoken)
        tickets_sudo._clock_save(clocks, {}, plans, log, shown)
        return result

    def _clock_moved(self, before):
        """Log the move; a stage of the same category changes nothing for the clock."""
        result = super()._clock_moved(before)
        now = fields.Datetime.now()
        tickets_sudo = self.sudo()  # sudo: as above
        tickets_sudo._clock_log_stages(dict.fromkeys(tickets_sudo, now))
        moved = self.filtered(lambda ticket: before[ticket].category != ticket.category).sudo()
        moved._clock_tell(
            {ticket: now for ticket in moved},
            lambda ticket, clock, at: clock.move(at, ticket.category),
        )
        return result

    def _clock_contact(self, side, date=None):
        """Log the message at its own date: it ends a pause then, whenever the stage is moved."""
        result = super()._clock_contact(side, date)
        now = fields.Datetime.now()
        date = min(date.replace(microsecond=0), now) if date else now
        tickets_sudo = self.sudo()  # sudo: as above
        tickets_sudo._clock_log_messages(side, dict.fromkeys(tickets_sudo, date))
        if side == 'customer':
            # asked again before the first answer: nothing new is due
            quiet = tickets_sudo.filtered(
                lambda ticket: (
                    ticket.category in ('new', 'open', 'on_hold')
                    and ticket.clock_kept
                    and not ticket.clock_kept['answered']
                    and ticket.clock_kept['at'] <= instant(date)
                )
            )
            for ticket in quiet:
                # an answer that is heard of late may have been given before this message
                kept = {**ticket.clock_kept, 'at': instant(date)}
                ticket._clock_write({'clock_kept': kept})
            tickets_sudo -= quiet
        tickets_sudo._clock_tell(
            dict.fromkeys(tickets_sudo, date),
            lambda ticket, clock, at: clock.contact(at, side == 'agent'),
        )
        return result

    def _clock_replan(self, changed):
        """Grant what the policies say now, when something changed by which they are chosen."""
        result = super()._clock_replan(changed)
        # what is just being made is raised by its lines, perhaps: its log and targets begin after that
        # sudo: the log is the system's
        logged = self.env['retail.ticket.interval'].sudo()
        begun = logged._read_group([('ticket_id', 'in', self.ids)], ['ticket_id'])
        running = self.browse(ticket.id for (ticket,) in begun)
        running._clock_rematch(force='received_at' in changed)
        if 'received_at' in changed:
            running.filtered(lambda ticket: not ticket._is_open())._clock_derive()
        return result

    def _clock_merge(self, sources):
        """Go on for other tickets, too: with the earliest start, the strictest hours, and what was said in them.

        The others are to be cancelled by whoever merges: their targets are void then.
        """
        self.ensure_one()
        # sudo: log and targets are the system's; whoever merges was checked
        ticket_sudo, sources_sudo = self.sudo(), sources.sudo()
        plan = ticket_sudo._clock_plan_kept()
        for kept in filter(None, sources_sudo.mapped('clock_kept')):
            for kind, terms in kept['terms'].items():
                mine = plan['terms'].get(kind)
                if not mine or terms[0] < mine[0]:
                    plan['terms'][kind] = terms
        ticket_sudo._clock_log(
            ticket_sudo._prepare_log_again(row) for row in sources_sudo.interval_ids if row.side
        )
        earliest = min((ticket_sudo | sources_sudo).mapped('received_at'))
        ticket_sudo._stamp({'received_at': earliest})
        plans = {ticket_sudo: plan}
        ticket_sudo._clock_save(
            ticket_sudo._clock_from_log(plans), ticket_sudo._clock_targets(), plans
        )
