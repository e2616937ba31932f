from odoo import fields, models
from odoo.tools import SQL

from ._clock import Clock, replay
from ._escalation import WARNED
from ._worktime import instant, moment_of

#: What is kept of a clock between two events, by its short name on the ticket.
KEPT = {
    'opened_at': 'opened',
    'at': 'at',
    'category': 'category',
    'answered': 'answered',
    'is_ours': 'ours',
    'is_asked': 'asked',
}
#: Columns that the ORM fills, and those in which ``False`` is no empty value.
UID, NOW, FLAGS = ('create_uid', 'write_uid'), ('create_date', 'write_date'), ('is_breached',)


class RetailTicketClockKeep(models.Model):
    """How the log is written, and how clocks are taken up, told of an event, and kept: for whole batches at once."""

    _inherit = 'retail.ticket'

    # === THE LOG ===#

    def _clock_log_stages(self, dates):
        """Log that tickets entered the stages in which they are."""
        self._clock_log(
            ticket._prepare_log(
                dates[ticket],
                ticket.user_id,
                category=ticket.category,
                stage_id=ticket.stage_id.id,
            )
            for ticket in self
        )

    def _prepare_log_opened(self, spoken):
        """Return the log of new tickets: they were opened and, with some of them, the customer was spoken to at once."""
        rows = [
            ticket._prepare_log(
                ticket.received_at,
                ticket.user_id,
                category=ticket.category,
                stage_id=ticket.stage_id.id,
            )
            for ticket in self
        ]
        rows += [
            ticket._prepare_log(ticket.received_at, ticket.user_id, side='agent')
            for ticket in spoken
        ]
        return rows

    def _clock_log_messages(self, side, dates):
        """Log that somebody spoke."""
        self._clock_log(
            ticket._prepare_log(dates[ticket], ticket.user_id, side=side) for ticket in self
        )

    def _prepare_log(self, date, user, category=None, stage_id=None, side=None):
        return {
            'ticket_id': self.id,
            'company_id': self.company_id.id,
            'date_from': date,
            'category': category,
            'stage_id': stage_id,
            'side': side,
            'user_id': user.id,
        }

    def _prepare_log_again(self, row):
        """Hook: return the row of the log of one ticket that says what a row of another ticket said of a message."""
        return self._prepare_log(row.date_from, row.user_id, side=row.side)

    def _clock_log(self, rows):
        self._clock_insert({'retail.ticket.interval': list(rows)})
        self.invalidate_recordset(['interval_ids'])

    def _clock_insert(self, rows_of):
        """Insert rows in one statement: as records they would cost more than the ticket itself.

        :param rows_of: ``{model name: rows of one shape}``
        """
        inserts = [self._sql_insert(self.env[name], rows) for name, rows in rows_of.items() if rows]
        if not inserts:
            return
        *others, last = inserts
        parts = SQL(', ').join(
            SQL('%s AS (%s)', SQL.identifier(f'other_{number}'), insert)
            for number, insert in enumerate(others)
        )
        self.env.execute_query(SQL('WITH %s %s', parts, last) if others else last)

    def _sql_insert(self, model, rows):
        stamps = dict.fromkeys(UID, self.env.uid) | dict.fromkeys(NOW, fields.Datetime.now())
        values = [
            tuple(
                None if value is False and name not in FLAGS else value
                for name, value in {**row, **stamps}.items()
            )
            for row in rows
        ]
        return SQL(
            'INSERT INTO %s (%s) VALUES %s RETURNING id',
            SQL.identifier(model._table),
            SQL(', ').join(map(SQL.identifier, [*rows[0], *stamps])),
            SQL(', ').join(values),
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
            clock = ticket._clock_restore(plans[ticket], targets.get(ticket, ()))
            if clock.follows(at):
                tell(ticket, clock, at)
                clocks[ticket] = clock
            else:
                late += ticket
        if late:
            clocks.update(late._clock_from_log(plans))
        tickets._clock_save(clocks, targets, plans)

    def _clock_targets(self):
        """Return ``{ticket: its targets}``."""
        rows = self.env['retail.ticket.target'].search_fetch(
            [('ticket_id', 'in', self.ids)], order='id'
        )
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
        return Clock.restore(self._clock_terms(plan, self.company_id.id), state)

    def _clock_from_log(self, plans):
        """Return ``{ticket: clock}`` as they follow from the log."""
        rows = self.env['retail.ticket.interval'].search_fetch(
            [('ticket_id', 'in', self.ids)],
            ['ticket_id', 'date_from', 'category', 'side'],
            order='id',
        )
        of_ticket = rows.grouped('ticket_id')
        clocks = {}
        for ticket in self:
            log = of_ticket.get(ticket, rows.browse())
            # who was answered on the spot was so whenever that is said to have been
            said = log.filtered('side')[:1]
            clocks[ticket] = replay(
                ticket._clock_terms(plans[ticket], ticket.company_id.id),
                instant(ticket.received_at),
                [(instant(row.date_from), row.category) for row in log if row.category],
                [(instant(row.date_from), row.side == 'agent') for row in log if row.side],
                answered=said.side == 'agent' and said.date_from == log[0].date_from,
            )
        return clocks

    def _clock_derive(self):
        """Derive all from the log again, with what was granted."""
        tickets_sudo = self.sudo()  # sudo: the clock's own rows
        plans = {ticket: ticket._clock_plan_kept() for ticket in tickets_sudo}
        tickets_sudo._clock_save(
            tickets_sudo._clock_from_log(plans), tickets_sudo._clock_targets(), plans
        )

    # === KEEPING ===#

    def _clock_save(self, clocks, targets, plans, log=(), shown=()):
        """Write targets and columns as the clocks say, and nothing that is so already.

        :param log: rows of the log to write together with new targets
        :param shown: tickets whose columns are right already
        """
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
                # missed under other terms, but not under these: it can be missed again
                level = row.level if target.breached else min(row.level, WARNED)
                levels.append((target, level))
                if row:
                    row._clock_write({**values, 'level': level})
                else:
                    new.append({**values, 'ticket_id': ticket.id, 'level': 0})
            stale = stale.concat(*rows.values())
            if ticket not in shown:
                ticket._clock_show(clock, levels, plans[ticket])
        if new or log:
            self._clock_insert({'retail.ticket.interval': list(log), Target._name: new})
            self.invalidate_recordset(['interval_ids', 'target_ids'])
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
        events = filter(None, (self._clock_due(clock, *level) for level in levels))
        slow = [target for target in live if target.kind == 'next']
        return {
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
            'next_event_at': moment_of(min((due.at for due in events), default=None)),
        }

    def _clock_show(self, clock, levels, plan):
        """Write what one ticket shows of its clock; what somebody promised himself stays."""
        values = self._clock_columns(clock, levels, plan)
        if not self.promised_at or self.promised_at == self.solve_deadline:
            values['promised_at'] = values['solve_deadline'] or self.promised_at
        self._clock_write(values)

    def _clock_write(self, values):
        """Write what differs, past the rules of a person's write."""
        changed = {}
        for name, value in values.items():
            old = self[name]
            if (old.id if isinstance(old, models.BaseModel) else old) != value:
                changed[name] = value
        if changed:
            self._stamp(changed)
