from datetime import timedelta

from odoo import api, fields, models

from ._escalation import MISSED
from ._safely import safely
from ._worktime import instant, moment_of
from .retail_ticket_stage import OPEN_CATEGORIES

BATCH_SIZE = 200


class RetailTicketClockRun(models.Model):
    """What the clock does by itself: it notices what is due, once, at a cost by what is due (R-svc C.2).

    ``next_event_at`` of a ticket is the earliest level that a target of it has still to reach. Who is told of a level
    is no matter of the clock: listeners of ``ticket_breached`` and whoever extends ``_clock_reached``.
    """

    _inherit = 'retail.ticket'

    def _clock_due(self, clock, target, level):
        """Hook: return what a target reaches next after ``level`` (see ``_escalation.Due``), or None.

        Levels that were reached stay so; a pause has none to come, and what is done in time neither.
        """
        return clock.terms[target.kind].ladder.next(clock, target, level)

    def _clock_reached(self, events):
        """Hook: levels were reached. ``events``: new rows of ``retail.ticket.event``."""
        missed = events.filtered(lambda event: event.level == 'breach').ticket_id
        self.env['retail.moment']._emit('ticket_breached', missed)

    @api.model
    def _cron_clock(self):
        """Notice what is due, in batches with a commit each; reads due tickets only, by the index on their next event."""
        cron = self.env['ir.cron']
        cron._commit_progress(remaining=self._clock_due_count())
        while tickets := self._clock_due_tickets():
            tickets._clock_fire_safely()
            if not cron._commit_progress(len(tickets)):
                break

    def _clock_due_domain(self):
        return [('next_event_at', '<=', fields.Datetime.now())]

    def _clock_due_count(self):
        return self.with_context(active_test=False).search_count(self._clock_due_domain())

    def _clock_due_tickets(self):
        return self.with_context(active_test=False).search(
            self._clock_due_domain(), order='next_event_at, id', limit=BATCH_SIZE
        )

    def _clock_fire_safely(self):
        """Notice what is due for a batch; one ticket that fails keeps no other from its turn."""
        safely(
            self,
            lambda tickets: tickets._clock_fire(),
            lambda ticket, _error: ticket._stamp(
                {'next_event_at': fields.Datetime.now() + timedelta(hours=1)}
            ),
        )

    def _clock_fire(self):
        """Write the levels that targets have reached by now, and when the next one is."""
        now = fields.Datetime.now()
        tickets_sudo = self.sudo()  # sudo: the clock's own rows
        targets = tickets_sudo._clock_targets()
        rows = []
        for ticket in tickets_sudo:
            plan = ticket._clock_plan_kept()
            clock = ticket._clock_restore(plan, targets.get(ticket, ()))
            clock.settle(instant(now))
            levels = []
            for target, row in zip(clock.targets, targets.get(ticket, ()), strict=True):
                level, reached = ticket._clock_climb(clock, target, row.level, instant(now))
                rows += [{'ticket': ticket, 'date': now, **values} for values in reached]
                levels.append((target, level))
                row._clock_write(
                    {**ticket._clock_target_values(clock, target, plan), 'level': level}
                )
            rows += [
                {'ticket': ticket, 'date': now, **values} for values in ticket._clock_others(now)
            ]
            ticket._clock_show(clock, levels, plan)
        events = self.env['retail.ticket.event'].sudo()
        if new := events.browse(events._fire(rows)):
            tickets_sudo._clock_reached(new)

    def _clock_climb(self, clock, target, level, now):
        """Return the level that a target has reached by now, and the events of those on the way.

        Of what repeats only the last counts: after a standstill nobody is told three times at once.
        """
        reached = {}
        while (due := self._clock_due(clock, target, level)) and due.at <= now:
            level = due.position
            rank, name = due.step.rank, 'warning'
            if rank >= MISSED:
                name = 'breach' if rank == MISSED and not due.is_repeat else 'late'
            step = {'warning': rank, 'breach': 0, 'late': rank - MISSED}[name]
            reached['repeat' if due.is_repeat else rank] = {
                'kind': target.kind,
                'cycle': target.cycle,
                'level': name,
                'step': due.position if due.is_repeat else step,
                'level_id': due.step.level_id,
                'due_at': moment_of(due.at),
            }
        return level, [*reached.values()]

    def _clock_others(self, _now):
        """Hook: return the events of one ticket that are due by now and belong to none of its targets."""
        return []

    # === TIERS AND CLASSES ===#

    @api.model
    def _clock_rematch_customers(self, moments):
        """Grant the open tickets of customers what their new tier or class gives."""
        rules = [
            rule
            for company in self.env['res.company'].sudo()._retail_roots()
            for rule in self.env['retail.sla.policy']._rules(company.id)
        ]
        if not any(rule['conditions']['tier'] or rule['conditions']['granted'] for rule in rules):
            return
        self.sudo().search(
            [
                (
                    'commercial_partner_id',
                    'in',
                    moments.sudo().partner_id.commercial_partner_id.ids,
                ),
                ('category', 'in', OPEN_CATEGORIES),
            ]
        )._clock_rematch()

    def _on_enrolled(self, moments):
        self._clock_rematch_customers(moments)

    def _on_tier_up(self, moments):
        self._clock_rematch_customers(moments)

    def _on_tier_down(self, moments):
        self._clock_rematch_customers(moments)

    def _on_class_changed(self, moments):
        self._clock_rematch_customers(moments)
