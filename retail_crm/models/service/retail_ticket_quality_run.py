from odoo import api, fields, models
from odoo.tools import SQL

from ._quality import WAITS, times
from ._safely import safely
from ._worktime import Wall, instant
from .retail_ticket_flow import DONE_CATEGORIES
from .retail_ticket_quality import LATE
from .retail_ticket_stage import OPEN_CATEGORIES

BATCH_SIZE = 500

#: What the log says of a ticket: ``{column: its type in the database}``.
COLUMNS = {
    'first_contact': SQL('varchar'),
    'one_touch': SQL('varchar'),
    'one_message': SQL('varchar'),
    'came_back': SQL('varchar'),
    **{
        name: SQL('float8')
        for name in (
            'answer_work_hours',
            'first_solve_hours',
            'first_solve_work_hours',
            'solve_work_hours',
            *(f'{wait}_hours' for wait in WAITS),
            *(f'{wait}_work_hours' for wait in WAITS),
        )
    },
    'quality_due_at': SQL('timestamp'),
}


class RetailTicketQualityRun(models.Model):
    """How the figures of quality are derived from the log, batch by batch (R-svc C.5)."""

    _inherit = 'retail.ticket'

    @api.model
    def _cron_quality(self):
        """Derive what is due, in batches with a commit each; reads due tickets only, by the index on the due column."""
        cron = self.env['ir.cron']
        every = self.with_context(active_test=False)
        due = [('quality_due_at', '<=', fields.Datetime.now())]
        cron._commit_progress(remaining=every.search_count(due))
        while tickets := every.search(due, order='quality_due_at, id', limit=BATCH_SIZE):
            safely(
                tickets,
                lambda batch: batch._quality_refresh(),
                lambda ticket, _error: ticket._stamp(
                    {'quality_due_at': fields.Datetime.now() + 24 * LATE}
                ),
            )
            if not cron._commit_progress(len(tickets)):
                break

    def _quality_refresh(self):
        """Store what the log says of these tickets, in one statement. Doing it again changes nothing."""
        figures = self._quality_from_log()
        if not figures:
            return
        rows = (
            SQL(
                '(%s, %s)',
                ticket_id,
                SQL(', ').join(SQL('%s::%s', row[name], kind) for name, kind in COLUMNS.items()),
            )
            for ticket_id, row in figures.items()
        )
        names = [SQL.identifier(name) for name in COLUMNS]
        self.env.execute_query(
            SQL(
                """
                UPDATE retail_ticket ticket
                   SET (%(names)s) = (SELECT %(new)s)
                  FROM (VALUES %(rows)s) AS new (id, %(names)s)
                 WHERE ticket.id = new.id
             RETURNING ticket.id
                """,
                names=SQL(', ').join(names),
                new=SQL(', ').join(SQL('new.%s', name) for name in names),
                rows=SQL(', ').join(rows),
            )
        )
        self.invalidate_recordset(list(COLUMNS), flush=False)

    def _quality_from_log(self):
        """Return ``{ticket id: {column: value}}`` of these tickets as it follows from log and stamps."""
        self.env.flush_all()
        # sudo: the system's own figures
        tickets_sudo = self.sudo().with_context(active_test=False)
        hours = tickets_sudo._quality_hours()
        now = fields.Datetime.now()
        figures = {}
        for ticket_id, until, is_void, *verdicts in tickets_sudo._quality_verdicts():
            pending = bool(until) and now < until + LATE
            names = ('first_contact', 'one_touch', 'one_message', 'came_back')
            figures[ticket_id] = {
                **dict.fromkeys(COLUMNS),
                **({} if is_void else hours.get(ticket_id, {})),
                **{
                    name: _answer(verdict, is_void, pending)
                    for name, verdict in zip(names, verdicts, strict=True)
                },
                'quality_due_at': until + LATE if pending and not is_void else None,
            }
        return figures

    def _quality_verdicts(self):
        """Return ``(id, end of the window, does not count, first contact, one touch, one message, reopened)`` of tickets.

        All verdicts are taken on what happened until the end of the window, whenever they are asked for.
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT t.id, t.first_contact_until,
                       t.category = 'cancelled' OR t.merged_into_id IS NOT NULL OR t.is_internal IS TRUE
                       -- entered long after it was over: nobody logged what had been said
                       OR s.is_entered AND s.at < s.logged_at - INTERVAL '1 minute' AS is_void,
                       s.at IS NOT NULL AND NOT (
                           t.said_unsolved IS TRUE OR m.replies > 1
                           OR COALESCE(back.at <= t.first_contact_until, FALSE)
                           OR %(asked)s OR %(repeated)s
                       ) AS first_contact,
                       m.all_replies < 2 AS one_touch,
                       m.questions = 0 AS one_message,
                       COALESCE(back.at <= t.first_contact_until, FALSE) AS came_back
                  FROM retail_ticket t
            CROSS JOIN LATERAL (%(solved)s) s
             LEFT JOIN LATERAL (%(back)s) back ON TRUE
             LEFT JOIN LATERAL (
                           SELECT r.date_from AS at, r.id FROM retail_ticket_interval r
                            WHERE r.ticket_id = t.id AND r.side = 'agent'
                         ORDER BY r.date_from, r.id LIMIT 1
                       ) reply ON TRUE
            CROSS JOIN LATERAL (
                           SELECT COUNT(*) FILTER (WHERE i.side = 'agent' AND i.date_from <= s.at) AS replies,
                                  COUNT(*) FILTER (WHERE i.side = 'agent') AS all_replies,
                                  COUNT(*) FILTER (
                                      WHERE i.side = 'customer' AND i.date_from > t.received_at
                                  ) AS questions
                             FROM retail_ticket_interval i
                            WHERE i.ticket_id = t.id AND i.date_from <= t.first_contact_until
                       ) m
                 WHERE t.id = ANY(%(ids)s)
                """,
                solved=self._sql_quality_solved(),
                back=self._sql_quality_back(),
                asked=self._sql_quality_asked(),
                repeated=self._sql_quality_repeated(),
                ids=list(self.ids),
            )
        )

    def _sql_quality_solved(self):
        """Return the query of the first solution: when, after which row of the log, and whether it was entered so."""
        return SQL(
            """
            SELECT CASE WHEN o.category IN %(done)s THEN t.first_solved_at ELSE d.date_from END AS at,
                   CASE WHEN o.category IN %(done)s THEN 9223372036854775807 ELSE d.id END AS id,
                   o.category IN %(done)s AS is_entered, o.create_date AS logged_at
              FROM (SELECT i.category, i.create_date FROM retail_ticket_interval i
                     WHERE i.ticket_id = t.id AND i.category IS NOT NULL
                  ORDER BY i.id LIMIT 1) o
         LEFT JOIN (SELECT i.date_from, i.id FROM retail_ticket_interval i
                     WHERE i.ticket_id = t.id AND i.category IN %(done)s
                  ORDER BY i.date_from, i.id LIMIT 1) d ON TRUE
            """,
            done=DONE_CATEGORIES,
        )

    def _sql_quality_back(self):
        """Return the query of when a ticket was first opened again."""
        return SQL(
            """
            SELECT MIN(stage.date_from) AS at
              FROM (SELECT i.date_from, i.category,
                           LAG(i.category) OVER (ORDER BY i.date_from, i.id) AS before
                      FROM retail_ticket_interval i
                     WHERE i.ticket_id = t.id AND i.category IS NOT NULL) stage
             WHERE stage.before IN %s AND stage.category IN %s
            """,
            DONE_CATEGORIES,
            OPEN_CATEGORIES,
        )

    def _sql_quality_asked(self):
        """Return the condition that the customer asked something between the first answer and the solution."""
        return SQL(
            """
            EXISTS (
                SELECT FROM retail_ticket_interval i
                 WHERE i.ticket_id = t.id AND i.side = 'customer' AND i.is_thanks IS NOT TRUE
                   AND (i.date_from, i.id) > (reply.at, reply.id)
                   AND (i.date_from, i.id::bigint) < (s.at, s.id)
            )
            """
        )

    def _sql_quality_repeated(self):
        """Return the condition that the customer came again with the same, in a ticket that counts."""
        return SQL(
            """
            EXISTS (
                SELECT FROM retail_ticket n
                 WHERE n.commercial_partner_id = t.commercial_partner_id
                   AND n.id <> t.id
                   AND n.company_id = t.company_id
                   AND n.received_at > s.at AND n.received_at <= t.first_contact_until
                   AND n.category <> 'cancelled' AND n.merged_into_id IS NULL
                   AND n.is_internal IS NOT TRUE
                   AND (n.follow_up_of_id = t.id
                        OR n.class_id = t.class_id
                        OR n.class_id IS NULL AND t.class_id IS NULL AND n.type_id = t.type_id
                        OR EXISTS (
                            SELECT FROM retail_ticket_line mine
                              JOIN retail_ticket_line theirs ON theirs.sale_line_id = mine.sale_line_id
                             WHERE mine.ticket_id = t.id AND theirs.ticket_id = n.id
                        ))
            )
            """
        )

    def _quality_hours(self):
        """Return ``{ticket id: {column: hours}}``, by the clock and in the working hours of the ticket's deadlines."""
        rows = self.env['retail.ticket.interval'].search_fetch(
            [('ticket_id', 'in', self.ids), ('category', '!=', False)],
            ['ticket_id', 'date_from', 'category'],
            order='ticket_id, id',
        )
        stages = rows.grouped('ticket_id')
        result = {}
        for ticket in self:
            log = [
                (instant(row.date_from), row.category) for row in stages.get(ticket, rows.browse())
            ]
            entered = log and log[0][1] in DONE_CATEGORIES
            parts = times(
                log,
                instant(ticket.received_at),
                instant(ticket.first_response_at) or None,
                entered=instant(ticket.first_solved_at) if entered else None,
            )
            work = self._clock_work(ticket.clock_calendar_id, ticket.company_id.id)
            result[ticket.id] = values = {}
            for name, spans in parts.items():
                if spans is not None:
                    values[f'{name}_hours'] = _sum(Wall(), spans)
                    values[f'{name}_work_hours'] = _sum(work, spans)
            # these two are the desk's own columns
            values.pop('answer_hours', None)
            values.pop('solve_hours', None)
        return result


def _sum(work, spans):
    return sum(work.between(start, stop) for start, stop in spans) / 3600


def _answer(verdict, is_void, pending):
    """Return the verdict as it is stored."""
    if is_void:
        return 'excluded'
    if pending:
        return 'pending'
    return 'yes' if verdict else 'no'
