from odoo import api, fields, models

from ._clock import Terms
from ._worktime import Wall
from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketClockPlan(models.Model):
    """What tickets are granted: policy, calendar and terms, at the start and again when something changes (R-svc C.1).

    A *plan* is ``{'policy_id', 'calendar_id', 'terms'}``, with terms ``{kind: [seconds, day and night, cap]}``. It is
    kept on the ticket: what was granted stays granted until the ticket is matched again.
    """

    _inherit = 'retail.ticket'

    def _clock_ask(self):
        """Return what decides about the policy and calendar of one ticket, as ids."""
        return {
            'company': self.company_id.id,
            'type': self.type_id.id,
            'reason': self.reason_id.id,
            'channel': self.channel_id.id,
            'store': self.store_id.id,
            'team': self.team_id.id,
            'partner': self.partner_id.id,
            'order': self.order_id.id,
            'priority': self.priority,
        }

    @api.model
    def _clock_ask_of(self, vals):
        """Return the same of values of a ticket to create."""
        names = ('company', 'type', 'reason', 'channel', 'store', 'team', 'partner', 'order')
        vals.setdefault('company_id', self.env.company.id)
        ask = {name: vals.get(f'{name}_id') or False for name in names}
        return {**ask, 'priority': vals.get('priority') or '0'}

    def _clock_plans(self):
        """Return ``{ticket: plan}``: policy, calendar and terms that hold for each ticket now."""
        plans = self._clock_plans_of([ticket._clock_ask() for ticket in self])
        return dict(zip(self, plans, strict=True))

    @api.model
    def _clock_plans_of(self, asks):
        """Return the plan of each ask, see ``_clock_ask``."""
        calendars, plans = {}, []
        rules = self.env['retail.sla.policy']._match(asks)
        for ask, rule in zip(asks, rules, strict=True):
            rule = rule or {'id': False, 'calendar_id': False, 'hours': {}}
            key = (rule['calendar_id'], ask['team'], ask['store'], ask['company'])
            if key not in calendars:
                calendars[key] = self._clock_calendar(*key).id
            plans.append(
                {
                    'policy_id': rule['id'],
                    'calendar_id': calendars[key],
                    'terms': dict(rule['hours'].get(ask['priority'], {})),
                }
            )
        return plans

    @api.model
    def _clock_calendar(self, calendar_id, team_id, store_id, company_id):
        """Return the calendar in which a ticket is counted: none for day and night."""
        calendar = (
            self.env['resource.calendar'].browse(calendar_id or [])
            or self.env['retail.ticket.team'].browse(team_id or [])._working_calendar()
            or self.env['crm.team'].browse(store_id or []).retail_calendar_id
        )
        company = self.env['res.company'].browse(company_id)
        for candidate in (calendar, company.resource_calendar_id):
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

    @api.model
    def _clock_work(self, calendar, company_id):
        """Return the time that counts in a calendar; in none, day and night."""
        if not calendar:
            return Wall()
        return calendar._retail_work_time(self.env['res.company'].browse(company_id))

    @api.model
    def _clock_terms(self, plan, company_id):
        """Return the terms of a plan as the clock wants them."""
        calendar = self.env['resource.calendar'].browse(plan['calendar_id'] or [])
        work = self._clock_work(calendar, company_id)
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
