from odoo import api, fields, models

from ._worktime import instant, moment_of
from .retail_ticket_stage import OPEN_CATEGORIES

#: States in which somebody must take the ticket.
TO_TAKE = ('new', 'open')
ACTIVITY = 'retail_crm.mail_activity_type_escalation'


class RetailTicketEscalate(models.Model):
    """What tickets know of their escalation: the level that they reached, and since when nobody has them (R-svc C.2).

    ``escalation_level`` follows from the clock and is empty again when what was due is done. That a ticket has no owner
    is noticed by the same run of the clock, by the same ``next_event_at``; whoever takes it writes nothing for that.
    """

    _inherit = 'retail.ticket'

    escalation_level = fields.Integer(
        readonly=True,
        copy=False,
        aggregator='max',
        help='How many levels from the deadline on were reached by what is still due. 0: nothing is late.',
    )
    unassigned_since = fields.Datetime(
        readonly=True, copy=False, help='Since when nobody has had this ticket.'
    )
    unassigned_minutes = fields.Integer(
        string='Told After (Minutes)',
        readonly=True,
        copy=False,
        aggregator=None,
        help='Highest level at which somebody was told that nobody takes it.',
    )
    notice_ids = fields.One2many(
        comodel_name='retail.escalation.notice',
        inverse_name='ticket_id',
        string='Escalation Messages',
        readonly=True,
        copy=False,
        help='Who is or was told that something is late.',
    )

    _escalated_idx = models.Index('(escalation_level) WHERE escalation_level > 0')

    # === LEVELS OF THE CLOCK ===#

    @api.model
    def _clock_terms(self, plan, company_id):
        """Terms know the levels of the company, and the zone of its working days."""
        calendar = self.env['resource.calendar'].browse(plan['calendar_id'] or [])
        zone = calendar._retail_zone() if calendar else 'UTC'
        ladder = self.env['retail.escalation.level']._ladder(company_id, zone)
        return {
            kind: terms._replace(ladder=ladder)
            for kind, terms in super()._clock_terms(plan, company_id).items()
        }

    def _clock_columns(self, clock, levels, plan):
        values = super()._clock_columns(clock, levels, plan)
        values['escalation_level'] = max(
            (
                clock.terms[target.kind].ladder.number(level)
                for target, level in levels
                if target.met_at is None and clock.status(target) != 'void'
            ),
            default=0,
        )
        if due := self and self._unassigned_due():
            at, values['next_event_at'] = moment_of(due[0]), values['next_event_at']
            values['next_event_at'] = min(at, values['next_event_at'] or at)
        return values

    def _clock_save(self, clocks, targets, plans, log=(), shown=()):
        """What is no longer due needs no task of an escalation."""
        before = self.browse(ticket.id for ticket in clocks).filtered('escalation_level')
        result = super()._clock_save(clocks, targets, plans, log, shown)
        before.filtered(lambda ticket: not ticket.escalation_level)._drop_escalation_tasks()
        return result

    def _clock_reached(self, events):
        """Tell those concerned: what they are told is written together with the event."""
        result = super()._clock_reached(events)
        self.env['retail.escalation.notice'].sudo()._plan(events)
        events.ticket_id._escalation_act(events)
        return result

    @api.model
    def _cron_clock(self):
        """Notice what is due, then tell whoever is at work."""
        result = super()._cron_clock()
        self.env['retail.escalation.notice']._send_due()
        return result

    # === NOBODY HAS IT ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Tickets without owner are looked at when the first level of those is reached."""
        vals_list = super()._prepare_ticket_values(vals_list)
        now = fields.Datetime.now().replace(microsecond=0)
        stages = self.env['retail.ticket.stage'].sudo()  # sudo: read whoever opens a ticket
        for vals in vals_list:
            stage = stages.browse(vals.get('stage_id') or [])
            if vals.get('user_id') or stage.category not in TO_TAKE:
                continue
            vals['unassigned_since'] = now
            due = self._unassigned_next(
                vals['company_id'], vals.get('clock_calendar_id'), instant(now), -1
            )
            if due:
                at, planned = moment_of(due[0]), vals.get('next_event_at')
                vals['next_event_at'] = min(at, planned or at)
        return vals_list

    def write(self, vals):
        """A ticket that loses its owner, or comes to another team without one, waits for one anew."""
        lost, taken = self.browse(), self.browse()
        if 'user_id' in vals and not vals['user_id']:
            lost = self.filtered('user_id')
        elif 'team_id' in vals and 'user_id' not in vals:
            lost = self.filtered(
                lambda ticket: not ticket.user_id and ticket.team_id.id != vals['team_id']
            )
        if vals.get('user_id'):
            taken = self.filtered('unassigned_minutes')
        result = super().write(vals)
        lost._wait_for_owner()
        if taken:
            taken._stamp({'unassigned_minutes': 0})
            taken.filtered(lambda ticket: not ticket.escalation_level)._drop_escalation_tasks()
        return result

    def _clock_moved(self, before):
        """Who comes back without owner waits for one; what is finished needs no task of an escalation."""
        result = super()._clock_moved(before)
        back = self.filtered(
            lambda ticket: (
                ticket.category in TO_TAKE
                and not ticket.user_id
                and before[ticket].category not in TO_TAKE
            )
        )
        back._wait_for_owner()
        done = self.filtered(
            lambda ticket: ticket.unassigned_minutes and ticket.category not in OPEN_CATEGORIES
        )
        done._stamp({'unassigned_minutes': 0})
        done._drop_escalation_tasks()
        return result

    def _wait_for_owner(self):
        """Count from now on how long nobody has these tickets."""
        tickets_sudo = (
            self.sudo().filtered(  # sudo: columns of the system, whoever gave the ticket back
                lambda ticket: not ticket.user_id and ticket.category in TO_TAKE
            )
        )
        tickets_sudo._stamp(
            {
                'unassigned_since': fields.Datetime.now().replace(microsecond=0),
                'unassigned_minutes': 0,
            }
        )
        for ticket in tickets_sudo:
            due = ticket._unassigned_due()
            at = due and moment_of(due[0])
            if at and (not ticket.next_event_at or at < ticket.next_event_at):
                ticket._stamp({'next_event_at': at})

    def _unassigned_due(self):
        """Return ``(instant, minutes, level id)`` of when somebody is told next that nobody has one ticket, or None."""
        is_waiting = self.active and not self.user_id and self.category in TO_TAKE
        if not is_waiting or not self.unassigned_since:
            return None
        return self._unassigned_next(
            self.company_id.id,
            self.clock_calendar_id.id,
            instant(self.unassigned_since),
            self.unassigned_minutes,
        )

    @api.model
    def _unassigned_next(self, company_id, calendar_id, since, after):
        # sudo: hours count whoever opens a ticket
        calendar_sudo = self.env['resource.calendar'].sudo().browse(calendar_id or [])
        for minutes, level_id in self.env['retail.escalation.level']._unassigned(company_id):
            if minutes > after:
                work = self._clock_work(calendar_sudo, company_id)
                return work.add(since, minutes * 60), minutes, level_id
        return None

    def _clock_others(self, now):
        """Return the levels of waiting for an owner that one ticket has reached."""
        rows = super()._clock_others(now)
        while (due := self._unassigned_due()) and due[0] <= instant(now):
            at, minutes, level_id = due
            self._stamp({'unassigned_minutes': minutes})
            rows.append(
                {
                    'kind': 'owner',
                    'cycle': instant(self.unassigned_since) // 60,
                    'level': 'unassigned',
                    'step': minutes,
                    'level_id': level_id,
                    'due_at': moment_of(at),
                }
            )
        return rows

    # === WHAT ELSE A LEVEL DOES ===#

    def _escalation_act(self, events):
        """Raise priorities and hand tickets to the leader, where the levels say so."""
        levels = events.level_id
        for ticket in events.filtered('level_id.raise_priority').ticket_id:
            ticket._raise_priority(str(min(2, int(ticket.priority or '0') + 1)))
        if not any(levels.mapped('reassign')):
            return
        groups = {}
        for ticket, leader in events.filtered('level_id.reassign').ticket_id._escalation_leaders():
            if leader != ticket.user_id:
                key = leader, ticket.user_id
                groups[key] = groups.get(key, self.browse()) + ticket
        for (leader, owner), tickets in groups.items():
            tickets.write(
                {
                    'user_id': leader.id,
                    'assigned_by': False,  # nobody chose him
                    # who had it stays informed
                    'involved_user_ids': [fields.Command.link(user.id) for user in owner],
                }
            )

    @api.model
    def _merge_tasks(self):
        """What is late in a ticket that ends is no task in the one that stays: that has deadlines of its own."""
        kind = self.env.ref(ACTIVITY, raise_if_not_found=False)
        return [*super()._merge_tasks(), *([('activity_type_id', '!=', kind.id)] if kind else [])]

    def _drop_escalation_tasks(self):
        """Take back the tasks of escalations on these tickets."""
        kind = self and self.env.ref(ACTIVITY, raise_if_not_found=False)
        if kind:
            # sudo: tasks of the system, whoever answers the customer
            self.env['mail.activity'].sudo().search(
                [
                    ('res_model', '=', self._name),
                    ('res_id', 'in', self.ids),
                    ('activity_type_id', '=', kind.id),
                ]
            ).unlink()

    def action_escalations(self):
        """Open what happened to the deadlines of one ticket, for whoever may read it."""
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'retail_crm.retail_ticket_event_action'
            ),
            'domain': [('ticket_id', '=', self.id)],
            'name': self.env._('Escalation of %(ticket)s', ticket=self.name),
        }
