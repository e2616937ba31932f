from odoo import api, fields, models
from odoo.tools import SQL

from .retail_ticket_stage import CATEGORIES, OPEN_CATEGORIES

WAITED_FOR = [
    ('us', 'Us'),
    ('customer', 'The customer'),
    ('department', 'Other departments'),
]


class RetailTicketStageReport(models.Model):
    """How long tickets were in each stage and who was waited for, one row for each stage that one passed (S-IMP-05).

    Read from the log when asked. Time after solving is left out, and so are cancelled and merged tickets. Tasks between
    departments are in, marked as such. Rights are those of the tickets.
    """

    _name = 'retail.ticket.stage.report'
    _description = 'Time per Stage'
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'ticket_id'
    _depends = {
        'retail.ticket.interval': ['ticket_id', 'category', 'stage_id', 'date_from'],
        'retail.ticket': [
            'active',
            'category',
            'channel_id',
            'company_id',
            'is_restricted',
            'merged_into_id',
            'parent_id',
            'store_id',
            'team_id',
            'type_id',
            'user_id',
        ],
    }

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket', readonly=True, help='Ticket that was in the stage.'
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    date = fields.Datetime(string='Since', readonly=True, help='When it came into the stage.')
    stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage', readonly=True, help='Stage that it was in.'
    )
    category = fields.Selection(
        selection=CATEGORIES, string='State', readonly=True, help='What the stage means.'
    )
    waited_for = fields.Selection(
        selection=WAITED_FOR, readonly=True, help='Who had to do something in this time.'
    )
    department_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        readonly=True,
        help='Department that was waited for: the last one asked before the time was over.',
    )
    hours = fields.Float(
        readonly=True,
        digits=(16, 2),
        help='Hours by the clock in the stage, until now if it lasts.',
    )
    mean_hours = fields.Float(
        string='Hours (Mean)',
        readonly=True,
        digits=(16, 2),
        aggregator='avg',
        help='Hours by the clock in the stage, mean of all passes.',
    )
    is_running = fields.Boolean(
        string='Lasts', readonly=True, help='The ticket is in this stage now.'
    )
    is_internal = fields.Boolean(
        string='Task', readonly=True, help='Time of a task between departments.'
    )
    is_complaint = fields.Boolean(string='Complaint', readonly=True, help='It is a complaint.')
    is_restricted = fields.Boolean(
        string='Restricted', readonly=True, help='Few may read the ticket.'
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        groups='retail_crm.group_complaint,retail_crm.group_manager',
        help='May neither own nor read the ticket.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type', readonly=True, help='Kind of request.'
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team', readonly=True, help='Team that handles it.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users', string='Owner', readonly=True, help='Who owns the ticket.'
    )
    store_id = fields.Many2one(comodel_name='crm.team', readonly=True, help='Store concerned.')
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='Channel on which it came in.'
    )

    @property
    def _table_query(self):
        return self._sql_rows(self._since(self.env.context.get('retail_days')))

    @api.model
    def _since(self, days):
        """Return the moment so many days ago, or none when it is no sensible number."""
        if isinstance(days, int) and 0 < days < 36_500:
            return fields.Datetime.subtract(fields.Datetime.now(), days=days)
        return None

    def _sql_passes(self, since):
        """Return the query of all stages that tickets entered, each with its end.

        Later rows of a ticket are never before earlier ones: those since a day are enough to tell the ends of all since
        then, in one sort. Over all times the next stage is looked up row by row, for what a question asks for only.
        """
        if since:
            return SQL(
                """
                SELECT passed.id, passed.ticket_id, passed.date_from, passed.stage_id, passed.category,
                       LEAD(passed.date_from) OVER (
                           PARTITION BY passed.ticket_id ORDER BY passed.date_from, passed.id
                       ) AS date_to
                  FROM retail_ticket_interval passed
                 WHERE passed.category IS NOT NULL AND passed.date_from >= %s
                """,
                since,
            )
        return SQL(
            """
            SELECT passed.id, passed.ticket_id, passed.date_from, passed.stage_id, passed.category,
                   following.date_from AS date_to
              FROM retail_ticket_interval passed
         LEFT JOIN LATERAL (
                       SELECT n.date_from FROM retail_ticket_interval n
                        WHERE n.ticket_id = passed.ticket_id AND n.category IS NOT NULL
                          AND (n.date_from, n.id) > (passed.date_from, passed.id)
                     ORDER BY n.date_from, n.id LIMIT 1
                   ) following ON TRUE
            """
        )

    def _sql_rows(self, since=None):
        """Return the rows, of all times or since a moment."""
        return SQL(
            """
            SELECT i.id, i.ticket_id, t.company_id, i.date_from AS date, i.stage_id, i.category,
                   CASE i.category WHEN 'waiting' THEN 'customer' WHEN 'on_hold' THEN 'department' ELSE 'us' END
                   AS waited_for,
                   CASE WHEN i.category = 'on_hold' THEN (
                       SELECT task.team_id FROM retail_ticket task
                        WHERE task.parent_id = t.id AND task.category <> 'cancelled'
                          AND task.received_at <= COALESCE(i.date_to, %(now)s)
                     ORDER BY task.received_at DESC, task.id DESC LIMIT 1
                   ) END AS department_id,
                   length.hours, length.hours AS mean_hours,
                   i.date_to IS NULL AS is_running, t.is_internal, t.is_complaint, t.is_restricted,
                   t.blocked_user_id, t.type_id, t.team_id, t.user_id, t.store_id, t.channel_id
              FROM (%(passes)s) i
              JOIN retail_ticket t ON t.id = i.ticket_id
        CROSS JOIN LATERAL (
                       SELECT GREATEST(0, EXTRACT(
                           EPOCH FROM COALESCE(i.date_to, %(now)s) - i.date_from
                       ))::float8 / 3600 AS hours
                   ) length
             WHERE i.category IN %(open)s
               AND t.active AND t.category <> 'cancelled' AND t.merged_into_id IS NULL
            """,
            passes=self._sql_passes(since),
            now=fields.Datetime.now(),
            open=OPEN_CATEGORIES,
        )

    def action_open_ticket(self):
        """Open the ticket of one row."""
        self.ensure_one()
        self.check_access('read')
        return self.ticket_id._get_records_action()
