from odoo import api, fields, models

from ._clock import Clock, Terms, replay
from ._worktime import Wall, instant, moment_of
from .retail_ticket_stage import OPEN_CATEGORIES

#: What is kept of a clock between two events, by its short name on the ticket.
KEPT = {
    'opened_at': 'opened',
    'at': 'at',
    'category': 'category',
    'answered': 'answered',
    'is_ours': 'ours',
    'is_asked': 'asked',
}


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
        """Another day of receipt moves all that was counted from it."""
        result = super().write(vals)
        if 'received_at' in vals:
            self._clock_replan({'received_at'})
        return result

    # === WHAT HAPPENS ===#

    def _clock_opened(self):
        """Start the clock of new tickets; on synchronous channels the first answer is there at once."""
        result = super()._clock_opened()
        # sudo: log and targets are the system's, whoever opens a ticket
        tickets_sudo = self.sudo()
        spoken = tickets_sudo.filtered('channel_id.synchronous')
        tickets_sudo._clock_log_stages({ticket: ticket.received_at for ticket in tickets_sudo})
        spoken._clock_log_messages('agent', {ticket: ticket.received_at for ticket in spoken})
        plans = tickets_sudo._clock_plans()
        clocks = {}
        for ticket in tickets_sudo:
            clocks[ticket] = Clock(
                ticket._clock_terms(plans[ticket]),
                instant(ticket.received_at),
                ticket.category,
                answered=ticket in spoken,
            )
            if ticket in spoken and not ticket.first_response_at:
                plans[ticket]['stamp'] = {
                    'first_response_at': ticket.received_at,
                    'last_agent_at': ticket.received_at,
                }
        tickets_sudo._clock_save(clocks, {}, plans)
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
            tickets_sudo = tickets_sudo.filtered(
                lambda ticket: (
                    ticket.category not in ('new', 'open', 'on_hold')
                    or not ticket.clock_kept
                    or ticket.clock_kept['answered']
                )
            )
        tickets_sudo._clock_tell(
            dict.fromkeys(tickets_sudo, date),
            lambda ticket, clock, at: clock.contact(at, side == 'agent'),
        )
        return result

    def _clock_replan(self, changed):
        """Grant what the policies say now, when something changed by which they are chosen."""
        result = super()._clock_replan(changed)
        self._clock_rematch(force='received_at' in changed)
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
        self.env['retail.ticket.interval'].sudo().create(
            [
                {
                    'ticket_id': ticket_sudo.id,
                    'company_id': ticket_sudo.company_id.id,
                    'date_from': row.date_from,
                    'side': row.side,
                    'user_id': row.user_id.id,
                }
                for row in sources_sudo.interval_ids
                if row.side
            ]
        )
        earliest = min((ticket_sudo | sources_sudo).mapped('received_at'))
        ticket_sudo._stamp({'received_at': earliest})
        plans = {ticket_sudo: plan}
        ticket_sudo._clock_save(
            ticket_sudo._clock_from_log(plans), ticket_sudo._clock_targets(), plans
        )

    # === THE LOG ===#

    def _clock_log_stages(self, dates):
        self.env['retail.ticket.interval'].create(
            [
                {
                    'ticket_id': ticket.id,
                    'company_id': ticket.company_id.id,
                    'date_from': dates[ticket],
                    'category': ticket.category,
                    'stage_id': ticket.stage_id.id,
                    'user_id': ticket.user_id.id,
                }
                for ticket in self
            ]
        )

    def _clock_log_messages(self, side, dates):
        self.env['retail.ticket.interval'].create(
            [
                {
                    'ticket_id': ticket.id,
                    'company_id': ticket.company_id.id,
                    'date_from': dates[ticket],
                    'side': side,
                    'user_id': ticket.user_id.id,
                }
                for ticket in self
            ]
        )

    # === WHAT IS GRANTED ===#

    def _clock_plans(self):
        """Return ``{ticket: plan}``: policy, calendar and terms that hold for each ticket now."""
        rules = self.env['retail.sla.policy']._match(self)
        calendars, plans = {}, {}
        for ticket in self:
            rule = rules[ticket] or {'id': False, 'calendar_id': False, 'hours': {}}
            key = (rule['calendar_id'], ticket.team_id, ticket.store_id, ticket.company_id)
            if key not in calendars:
                calendars[key] = ticket._clock_calendar(rule['calendar_id'])
            plans[ticket] = {
                'policy_id': rule['id'],
                'calendar_id': calendars[key].id,
                'terms': dict(rule['hours'].get(ticket.priority, {})),
            }
        return plans

    def _clock_calendar(self, calendar_id):
        """Return the calendar in which one ticket is counted: none for day and night."""
        self.ensure_one()
        company_calendar = self.company_id.resource_calendar_id
        calendar = (
            self.env['resource.calendar'].browse(calendar_id or [])
            or self.team_id._working_calendar()
            or self.store_id.retail_calendar_id
        )
        for candidate in (calendar, company_calendar):
            if candidate and candidate._retail_has_hours():
                return candidate
        return calendar.browse()

    def _clock_plan_kept(self):
        """Return the plan that one ticket was granted."""
        self.ensure_one()
        return {
            'policy_id': self.sla_policy_id.id,
            'calendar_id': self.clock_calendar_id.id,
            'terms': dict((self.clock_kept or {}).get('terms', {})),
        }

    def _clock_work(self, calendar):
        """Return the time that counts for a ticket in a calendar; in none, day and night."""
        return calendar._retail_work_time(self.company_id) if calendar else Wall()

    def _clock_terms(self, plan):
        """Return the terms of a plan as the clock wants them."""
        work = self._clock_work(self.env['resource.calendar'].browse(plan['calendar_id'] or []))
        return {
            kind: Terms(seconds, Wall() if wall else work, cap)
            for kind, (seconds, wall, cap) in plan['terms'].items()
        }

    def _clock_rematch(self, force=False):
        """Grant open tickets what the policies say now: start and log stay, hours and calendar change.

        :param force: derive from the log though nothing else was granted: a calendar or the start has changed
        :return: tickets whose deadlines were derived again
        """
        # sudo: policies hold whoever changes the ticket
        tickets_sudo = self.sudo().filtered(lambda ticket: ticket.category in OPEN_CATEGORIES)
        plans = tickets_sudo._clock_plans()
        if not force:
            tickets_sudo = tickets_sudo.filtered(
                lambda ticket: plans[ticket] != ticket._clock_plan_kept()
            )
        before = {ticket: (ticket.sla_policy_id, ticket.deadline) for ticket in tickets_sudo}
        if tickets_sudo:
            tickets_sudo._clock_save(
                tickets_sudo._clock_from_log(plans), tickets_sudo._clock_targets(), plans
            )
            tickets_sudo._clock_log_change(before)
        return tickets_sudo.sudo(self.env.su)

    def _clock_log_change(self, before):
        """Tell in the chatter which policy and deadline held before and hold now."""
        bodies = {}
        for ticket in self:
            policy, deadline = before[ticket]
            if (policy, deadline) == (ticket.sla_policy_id, ticket.deadline):
                continue
            bodies[ticket.id] = self.env._(
                'Deadlines: policy "%(old_policy)s" -> "%(new_policy)s", next deadline %(old)s -> %(new)s.',
                old_policy=policy.name or '-',
                new_policy=ticket.sla_policy_id.name or '-',
                old=ticket._clock_text(deadline),
                new=ticket._clock_text(ticket.deadline),
            )
        if bodies:
            self.filtered(lambda ticket: ticket.id in bodies)._message_log_batch(bodies=bodies)

    def _clock_text(self, date):
        zone = self.clock_calendar_id.tz or self.company_id.resource_calendar_id.tz
        if not date:
            return '-'
        return (
            f'{fields.Datetime.context_timestamp(self.with_context(tz=zone), date):%Y-%m-%d %H:%M}'
        )

    # === FROM EVENT TO EVENT ===#

    def _clock_tell(self, dates, tell):
        """Let the clocks know of an event of each ticket, and keep what follows.

        :param dates: ``{ticket: when}``
        :param tell: function of ticket, clock and instant
        """
        tickets = self.filtered('clock_kept')
        if not tickets:
            return
        targets = tickets._clock_targets()
        plans = {ticket: ticket._clock_plan_kept() for ticket in tickets}
        clocks, late = {}, tickets.browse()
        for ticket in tickets:
            at = instant(dates[ticket])
            kept = ticket.clock_kept
            # From a cancelled state only the log knows the way back.
            if at <= kept['at'] or kept['category'] == 'cancelled':
                late += ticket
                continue
            clock = ticket._clock_restore(plans[ticket], targets.get(ticket, ()))
            tell(ticket, clock, at)
            clocks[ticket] = clock
        if late:
            clocks.update(late._clock_from_log(plans))
        tickets._clock_save(clocks, targets, plans)

    def _clock_targets(self):
        """Return ``{ticket: its targets}``."""
        rows = self.env['retail.ticket.target'].search([('ticket_id', 'in', self.ids)])
        return rows.grouped('ticket_id')

    def _clock_restore(self, plan, rows):
        """Return the clock of one ticket as it was kept."""
        kept = self.clock_kept
        state = {name: kept[short] for name, short in KEPT.items()}
        state['targets'] = [
            {
                'kind': row.kind,
                'cycle': row.cycle,
                'start': instant(row.date_start),
                'seconds': row.target_seconds,
                'used': row.used_seconds,
                'since': instant(row.since) or None,
                'deadline': instant(row.deadline) or None,
                'met_at': instant(row.met_at) or None,
                'breached': row.is_breached,
            }
            for row in rows
        ]
        return Clock.restore(self._clock_terms(plan), state)

    def _clock_from_log(self, plans):
        """Return ``{ticket: clock}`` as they follow from the log."""
        rows = self.env['retail.ticket.interval'].search([('ticket_id', 'in', self.ids)])
        of_ticket = rows.grouped('ticket_id')
        clocks = {}
        for ticket in self:
            log = of_ticket.get(ticket, rows.browse()).sorted('id')
            clocks[ticket] = replay(
                ticket._clock_terms(plans[ticket]),
                instant(ticket.received_at),
                [(instant(row.date_from), row.category) for row in log if row.category],
                [(instant(row.date_from), row.side == 'agent') for row in log if row.side],
            )
        return clocks

    # === KEEPING ===#

    def _clock_save(self, clocks, targets, plans):
        """Write targets and columns as the clocks say, and nothing that is so already."""
        now = instant(fields.Datetime.now())
        Target = self.env['retail.ticket.target']
        new, stale = [], Target
        for ticket, clock in clocks.items():
            clock.settle(now)
            rows = {(row.kind, row.cycle): row for row in targets.get(ticket, ())}
            levels = []
            for target in clock.targets:
                row = rows.pop((target.kind, target.cycle), Target)
                values = ticket._clock_target_values(clock, target, plans[ticket])
                levels.append((target, row.level))
                if row:
                    row._clock_write(values)
                else:
                    new.append({**values, 'ticket_id': ticket.id})
            stale = stale.concat(*rows.values())
            ticket._clock_write(ticket._clock_columns(clock, levels, plans[ticket]))
        if new:
            Target.create(new)
        stale.unlink()

    def _clock_target_values(self, clock, target, plan):
        """Return the row of a target."""
        wall = plan['terms'][target.kind][1]
        return {
            'company_id': self.company_id.id,
            'kind': target.kind,
            'cycle': target.cycle,
            'date_start': moment_of(target.start),
            'target_seconds': target.seconds,
            'used_seconds': target.used,
            'calendar_id': False if wall else plan['calendar_id'],
            'policy_id': plan['policy_id'],
            'since': moment_of(target.since),
            'deadline': moment_of(target.deadline),
            'met_at': moment_of(target.met_at),
            'is_breached': target.breached,
            'state': clock.status(target),
        }

    def _clock_columns(self, clock, levels, plan):
        """Return what the ticket shows of its clock."""
        live = [target for target in clock.targets if clock.status(target) != 'void']
        due = [target.deadline for target in live if target.met_at is None and target.deadline]
        deadlines = {
            target.kind: target.deadline
            for target in live
            if target.kind != 'next' or target.met_at is None
        }
        events = [self._clock_due(clock, target, level) for target, level in levels]
        slow = [target for target in live if target.kind == 'next']
        values = {
            'sla_policy_id': plan['policy_id'],
            'clock_calendar_id': plan['calendar_id'],
            'clock_kept': {
                **{short: getattr(clock, name) for name, short in KEPT.items()},
                'terms': plan['terms'],
            },
            'deadline': moment_of(min(due, default=None)),
            'first_response_deadline': moment_of(deadlines.get('first')),
            'next_response_deadline': moment_of(deadlines.get('next')),
            'solve_deadline': moment_of(deadlines.get('solve')),
            'is_breached': any(target.breached for target in live),
            'next_breach_count': sum(target.breached for target in slow),
            'next_worst_hours': max((target.used for target in slow), default=0) / 3600,
            'next_event_at': moment_of(
                min((at for _level, at in filter(None, events)), default=None)
            ),
            **plan.get('stamp', {}),
        }
        # what somebody promised himself stays
        if not self.promised_at or self.promised_at == self.solve_deadline:
            values['promised_at'] = values['solve_deadline'] or self.promised_at
        return values

    def _clock_write(self, values):
        """Write what differs, past the rules of a person's write."""
        changed = {}
        for name, value in values.items():
            old = self[name]
            if (old.id if isinstance(old, models.BaseModel) else old) != value:
                changed[name] = value
        if changed:
            self._stamp(changed)
