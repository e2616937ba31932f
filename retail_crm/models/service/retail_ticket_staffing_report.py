from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from .retail_ticket_waiting_report import WEEKDAYS

#: Weeks over which is averaged.
WEEKS = 8


class RetailTicketStaffingReport(models.Model):
    """Tickets received per hour of the week against people on shift, per team (S-STF-16).

    Received: the mean of the last eight weeks, by the clock of the company. People: members whose hours (their shift,
    those of their contract, else the team's) cover the hour, half an hour as half a person; holidays and absences are
    not considered. Computed when asked; tasks, merged, cancelled and restricted tickets are left out.
    """

    _name = 'retail.ticket.staffing.report'
    _description = 'Requests and People by Hour'
    _auto = False
    _order = 'team_id, weekday, hour'
    _rec_name = 'team_id'
    _depends = {
        'retail.ticket': [
            'active',
            'category',
            'company_id',
            'is_internal',
            'is_restricted',
            'merged_into_id',
            'received_at',
            'team_id',
        ],
        'retail.ticket.team': ['active', 'calendar_id', 'company_id', 'store_id'],
        'retail.ticket.team.member': ['active', 'calendar_id', 'team_id', 'user_id'],
        'crm.team': ['retail_calendar_id'],
        'res.company': ['resource_calendar_id'],
        'resource.calendar': ['tz', 'two_weeks_calendar'],
        'resource.calendar.attendance': [
            'calendar_id',
            'day_period',
            'dayofweek',
            'display_type',
            'hour_from',
            'hour_to',
        ],
        'resource.resource': ['active', 'calendar_id', 'user_id'],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team', readonly=True, help='Team that gets the requests.'
    )
    weekday = fields.Selection(selection=WEEKDAYS, readonly=True, help='Day of the week.')
    hour = fields.Selection(
        selection=[(f'{hour:02}', f'{hour:02}:00') for hour in range(24)],
        readonly=True,
        help='Hour of the day: 10:00 means 10:00 to 10:59.',
    )
    received = fields.Float(
        string='Received per Week',
        readonly=True,
        help='Requests that came in during this hour of the week, mean of the last eight weeks.',
    )
    people = fields.Float(
        string='People on Shift',
        readonly=True,
        help='Members of the team who work in this hour; summed up over hours: hours of work.',
    )
    per_person = fields.Float(
        string='Requests per Person',
        readonly=True,
        aggregator='max',
        help='Requests received per member on shift; of several hours the highest. Empty: nobody is on shift.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT COALESCE(came.team_id, there.team_id, 0)::bigint * 1000
                   + COALESCE(came.weekday, there.weekday) * 100 + COALESCE(came.hour, there.hour) AS id,
                   COALESCE(team.company_id, came.company_id) AS company_id,
                   COALESCE(came.team_id, there.team_id) AS team_id,
                   COALESCE(came.weekday, there.weekday)::text AS weekday,
                   to_char(COALESCE(came.hour, there.hour), 'FM00') AS hour,
                   COALESCE(came.received, 0)::float8 / %(weeks)s AS received,
                   COALESCE(there.people, 0)::float8 AS people,
                   COALESCE(came.received, 0)::float8 / %(weeks)s / NULLIF(there.people, 0) AS per_person
              FROM (%(came)s) AS came
              FULL JOIN (%(there)s) AS there
                ON there.team_id = came.team_id AND there.weekday = came.weekday AND there.hour = came.hour
              LEFT JOIN retail_ticket_team AS team ON team.id = COALESCE(came.team_id, there.team_id)
            """,
            weeks=WEEKS,
            came=self._sql_received(),
            there=self._sql_people(),
        )

    def _sql_received(self):
        """Return the requests of the last weeks by team, weekday and hour where their company is."""
        return SQL(
            """
            SELECT ticket.team_id, MIN(ticket.company_id) AS company_id,
                   EXTRACT(ISODOW FROM local.moment)::int AS weekday,
                   EXTRACT(HOUR FROM local.moment)::int AS hour,
                   COUNT(*) AS received
              FROM retail_ticket AS ticket
              JOIN res_company AS company ON company.id = ticket.company_id
              JOIN res_company AS root ON root.id = split_part(company.parent_path, '/', 1)::int
              LEFT JOIN resource_calendar AS calendar ON calendar.id = root.resource_calendar_id
             CROSS JOIN LATERAL (
                   SELECT timezone(COALESCE(calendar.tz, 'UTC'), timezone('UTC', ticket.received_at)) AS moment
                   ) AS local
             WHERE ticket.active AND ticket.is_internal IS NOT TRUE AND ticket.is_restricted IS NOT TRUE
               AND ticket.category != 'cancelled' AND ticket.merged_into_id IS NULL
               AND ticket.received_at >= %s AND ticket.received_at < %s
             GROUP BY 1, 3, 4
            """,
            fields.Datetime.now() - timedelta(weeks=WEEKS),
            fields.Datetime.now(),
        )

    def _sql_people(self):
        """Return the members on shift by team, weekday and hour, by the hours that hold for each."""
        return SQL(
            """
            SELECT member.team_id, line.dayofweek::int + 1 AS weekday, slot.hour,
                   SUM(GREATEST(0, LEAST(slot.hour + 1, line.hour_to) - GREATEST(slot.hour, line.hour_from))
                       * CASE WHEN calendar.two_weeks_calendar THEN 0.5 ELSE 1 END) AS people
              FROM retail_ticket_team_member AS member
              JOIN retail_ticket_team AS team ON team.id = member.team_id AND team.active
              JOIN res_users AS account ON account.id = member.user_id AND account.active
              JOIN res_company AS company ON company.id = team.company_id
              LEFT JOIN crm_team AS store ON store.id = team.store_id
              LEFT JOIN LATERAL (
                   SELECT resource.calendar_id FROM resource_resource AS resource
                    WHERE resource.user_id = member.user_id AND resource.active
                    ORDER BY resource.company_id = team.company_id DESC, resource.id LIMIT 1
                   ) AS contract ON TRUE
              JOIN resource_calendar AS calendar ON calendar.id = COALESCE(
                   member.calendar_id, contract.calendar_id, team.calendar_id, store.retail_calendar_id,
                   company.resource_calendar_id)
              JOIN resource_calendar_attendance AS line ON line.calendar_id = calendar.id
               AND line.display_type IS NULL AND COALESCE(line.day_period, '') != 'lunch'
             CROSS JOIN generate_series(FLOOR(line.hour_from)::int, LEAST(23, CEIL(line.hour_to)::int - 1))
                   AS slot (hour)
             WHERE member.active
             GROUP BY 1, 2, 3
            """
        )
