from odoo import fields, models
from odoo.tools import SQL

#: Hours that one request counts as waiting at most: a week. What lies longer is in the list of unanswered ones.
_HOURS = 168

WEEKDAYS = [
    ('1', 'Monday'),
    ('2', 'Tuesday'),
    ('3', 'Wednesday'),
    ('4', 'Thursday'),
    ('5', 'Friday'),
    ('6', 'Saturday'),
    ('7', 'Sunday'),
]


class RetailTicketWaitingReport(models.Model):
    """When requests come in and wait for their first answer, by hour and weekday where the company is (S-CHN-13).

    One row for each hour that a request began to wait or was still waiting in, computed when asked. Tasks between
    departments, merged and cancelled tickets are left out, and what the record rules of tickets hide from everybody.
    """

    _name = 'retail.ticket.waiting.report'
    _description = 'Waiting by Hour'
    _auto = False
    _order = 'date desc, id'
    _depends = {
        'retail.ticket': [
            'received_at',
            'first_response_at',
            'solved_at',
            'company_id',
            'channel_id',
            'team_id',
            'store_id',
            'type_id',
            'category',
            'is_internal',
            'is_restricted',
            'merged_into_id',
            'active',
        ],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    date = fields.Datetime(
        string='Time', readonly=True, help='Beginning of the hour in which the request waited.'
    )
    weekday = fields.Selection(
        selection=WEEKDAYS, readonly=True, help='Day of the week where the company is.'
    )
    hour = fields.Selection(
        selection=[(f'{hour:02}', f'{hour:02}:00') for hour in range(24)],
        readonly=True,
        help='Hour of the day where the company is: 10:00 means 10:00 to 10:59.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='Channel on which it came in.'
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team', readonly=True, help='Team that handles it.'
    )
    store_id = fields.Many2one(
        comodel_name='crm.team', readonly=True, help='Store that it is about.'
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type', readonly=True, help='Type of the request.'
    )
    received = fields.Integer(readonly=True, help='Requests that came in during this hour.')
    waiting = fields.Integer(
        readonly=True,
        help='Requests without a first answer in this hour. One that waits for three hours counts in each of them.',
    )
    unanswered = fields.Integer(
        string='Still Unanswered',
        readonly=True,
        help='Requests that came in during this hour and have no answer to this day.',
    )

    @property
    def _table_query(self):
        return self._sql_rows()

    def _sql_rows(self):
        """Return the rows: each request times the hours in which it waited."""
        return SQL(
            """
            SELECT t.id::bigint * 256 + h.number AS id,
                   t.company_id, t.channel_id, t.team_id, t.store_id, t.type_id,
                   date_trunc('hour', t.received_at) + h.number * INTERVAL '1 hour' AS date,
                   to_char(local.moment, 'ID') AS weekday,
                   to_char(local.moment, 'HH24') AS hour,
                   CASE WHEN h.number = 0 THEN 1 ELSE 0 END AS received,
                   1 AS waiting,
                   CASE WHEN h.number = 0 AND t.first_response_at IS NULL AND t.solved_at IS NULL
                        THEN 1 ELSE 0 END AS unanswered
              FROM retail_ticket t
              JOIN res_company c ON c.id = t.company_id
              JOIN res_company root ON root.id = split_part(c.parent_path, '/', 1)::int
         LEFT JOIN resource_calendar calendar ON calendar.id = root.resource_calendar_id
        CROSS JOIN LATERAL generate_series(
                       0,
                       LEAST(%(hours)s, GREATEST(0, CEIL(EXTRACT(EPOCH FROM
                           COALESCE(LEAST(t.first_response_at, t.solved_at), %(now)s)
                           - date_trunc('hour', t.received_at)
                       ) / 3600)::int - 1))
                   ) AS h (number)
        CROSS JOIN LATERAL (
                       SELECT timezone(
                           COALESCE(calendar.tz, 'UTC'),
                           timezone('UTC', date_trunc('hour', t.received_at)
                                           + h.number * INTERVAL '1 hour')
                       ) AS moment
                   ) AS local
             WHERE t.active
               AND t.is_internal IS NOT TRUE
               AND t.is_restricted IS NOT TRUE
               AND t.category != 'cancelled'
               AND t.merged_into_id IS NULL
            """,
            hours=_HOURS - 1,
            now=fields.Datetime.now(),
        )
