from odoo import fields, models
from odoo.tools import SQL

from .retail_ticket import PRIORITIES
from .retail_ticket_interval_quality import REOPENED_BY
from .retail_ticket_quality import QUALITY
from .retail_ticket_stage import CATEGORIES


def _many2one(model, label, help):
    return fields.Many2one(comodel_name=model, string=label, readonly=True, help=help)


def _average(label, help):
    return fields.Float(
        string=label, readonly=True, digits=(16, 2), aggregator='avg', help=f'{help} Mean.'
    )


def _share(label, help):
    return fields.Float(
        string=label,
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help=f'{help} Tickets of which this is not known yet are left out.',
    )


class RetailTicketReport(models.Model):
    """Analysis of tickets: how many, how fast, how well, one row for each that counts (R-svc C.5, S-SRV-24).

    Read from tickets and their targets when asked. Cancelled and merged ones and tasks between departments are left out;
    dates are days where the company is. Shares are 100 or 0 for a ticket and empty when it does not count, so that a mean
    over none is empty. Rights are those of the tickets.
    """

    _name = 'retail.ticket.report'
    _description = 'Ticket Analysis'
    _auto = False
    _order = 'received_on desc, id desc'
    _rec_name = 'ticket_id'
    _depends = {
        'retail.ticket': [
            'active',
            'agent_hours',
            'agent_work_hours',
            'answer_hours',
            'answer_work_hours',
            'came_back',
            'cause_id',
            'category',
            'channel_id',
            'class_id',
            'commercial_partner_id',
            'company_id',
            'first_contact',
            'first_satisfied',
            'first_solve_hours',
            'first_solve_work_hours',
            'first_solved_at',
            'hold_hours',
            'hold_work_hours',
            'is_preventable',
            'is_restricted',
            'merged_into_id',
            'one_message',
            'one_touch',
            'reason_id',
            'received_at',
            'reopen_count',
            'requester_hours',
            'requester_work_hours',
            'solve_hours',
            'solve_work_hours',
            'solved_at',
            'store_id',
            'team_id',
            'type_id',
            'user_id',
        ],
        'retail.ticket.target': ['ticket_id', 'kind', 'cycle', 'met_at', 'is_breached', 'state'],
        'retail.membership': ['partner_id', 'company_id', 'tier_id'],
    }

    ticket_id = _many2one('retail.ticket', 'Ticket', 'Ticket that the row is about.')
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    received_on = fields.Date(
        string='Received', readonly=True, help='Day of receipt, where the company is.'
    )
    first_solved_on = fields.Date(
        string='First Solved',
        readonly=True,
        help='Day on which it was first solved, where the company is. Figures of quality belong to this day.',
    )
    category = fields.Selection(
        selection=CATEGORIES, string='State', readonly=True, help='Where it stands.'
    )
    store_id = _many2one('crm.team', 'Store', 'Store that it is about.')
    team_id = _many2one('retail.ticket.team', 'Team', 'Team that handles it.')
    user_id = _many2one('res.users', 'Owner', 'Who answers to the customer for it.')
    solved_by = _many2one('res.users', 'Solved By', 'Who solved it, the last time.')
    channel_id = _many2one('retail.channel', 'Channel', 'Channel on which it came in.')
    type_id = _many2one('retail.ticket.type', 'Type', 'Kind of request.')
    class_id = _many2one('retail.ticket.reason', 'Main Class', "The customer's view.")
    reason_id = _many2one('retail.ticket.reason', 'Class', "The customer's view, in detail.")
    cause_id = _many2one('retail.ticket.cause', 'Root Cause', 'Why it really happened.')
    tier_id = _many2one('retail.tier', 'Tier', 'Tier of the customer now.')
    priority = fields.Selection(selection=PRIORITIES, readonly=True, help='How urgent it is.')
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

    answer_hours = _average('Hours to First Answer', 'By the clock.')
    answer_work_hours = _average('Working Hours to First Answer', 'In working hours.')
    first_solve_hours = _average('Hours to First Solution', 'By the clock.')
    first_solve_work_hours = _average('Working Hours to First Solution', 'In working hours.')
    solve_hours = _average('Hours to Last Solution', 'By the clock, while it stays solved.')
    solve_work_hours = _average('Working Hours to Last Solution', 'In working hours.')
    requester_hours = _average('Hours the Customer Waited', 'It lay with us or with others.')
    requester_work_hours = _average('Working Hours the Customer Waited', 'In working hours.')
    agent_hours = _average('Hours We Waited', 'We waited for the customer.')
    agent_work_hours = _average('Working Hours We Waited', 'In working hours.')
    hold_hours = _average('Hours on Hold', 'We waited for other departments or suppliers.')
    hold_work_hours = _average('Working Hours on Hold', 'In working hours.')

    first_contact = fields.Selection(
        selection=QUALITY,
        string='Solved at First Contact',
        readonly=True,
        help='One answer at most, nothing asked again, not come back within the days of the settings.',
    )
    reopened_by = fields.Selection(
        selection=REOPENED_BY, string='Last Reopened By', readonly=True, help='Who had it opened.'
    )
    solved_rate = _share('Solved (%)', 'Share of requests that are solved now.')
    first_contact_rate = _share('First Contact (%)', 'Share solved at first contact.')
    one_touch_rate = _share('One Answer (%)', 'Share solved with fewer than two answers (Zendesk).')
    one_message_rate = _share(
        'One Message (%)', 'Share solved without a second message of the customer (Freshservice).'
    )
    reopened_rate = _share('Reopened (%)', 'Share opened again within the days of the settings.')
    answered_in_time_rate = _share('First Answer in Time (%)', 'Share answered in time.')
    next_in_time_rate = _share('Further Answers in Time (%)', 'Share with no later answer late.')
    solved_in_time_rate = _share('Solved in Time (%)', 'Share solved in time.')
    satisfied_rate = _share('Satisfied (%)', 'Share satisfied with the first result.')
    preventable_rate = _share('Preventable (%)', 'Share of those with a cause that we can prevent.')
    reopen_count = fields.Integer(
        string='Times Reopened', readonly=True, help='How often it was opened again.'
    )

    @property
    def _table_query(self):
        return SQL('%s %s', self._sql_columns(), self._sql_tables())

    def _sql_columns(self):
        verdicts = [
            SQL(
                "CASE t.%s WHEN 'yes' THEN 100.0 WHEN 'no' THEN 0.0 END AS %s",
                SQL.identifier(name),
                SQL.identifier(f'{rate}_rate'),
            )
            for name, rate in (
                ('first_contact', 'first_contact'),
                ('one_touch', 'one_touch'),
                ('one_message', 'one_message'),
                ('came_back', 'reopened'),
            )
        ]
        return SQL(
            """
            SELECT t.id, t.id AS ticket_id, t.company_id, t.category, t.store_id, t.team_id, t.user_id, t.solved_by,
                   t.channel_id, t.type_id, t.class_id, t.reason_id, t.cause_id, t.priority, t.is_complaint,
                   t.is_restricted, t.blocked_user_id, t.first_contact, t.reopened_by, t.reopen_count,
                   membership.tier_id,
                   timezone(zone.tz, timezone('UTC', t.received_at))::date AS received_on,
                   timezone(zone.tz, timezone('UTC', t.first_solved_at))::date AS first_solved_on,
                   CASE WHEN t.first_response_at IS NOT NULL THEN t.answer_hours END AS answer_hours,
                   t.answer_work_hours, t.first_solve_hours, t.first_solve_work_hours,
                   CASE WHEN t.solved_at IS NOT NULL THEN t.solve_hours END AS solve_hours, t.solve_work_hours,
                   t.requester_hours, t.requester_work_hours, t.agent_hours, t.agent_work_hours,
                   t.hold_hours, t.hold_work_hours,
                   CASE WHEN t.solved_at IS NULL THEN 0.0 ELSE 100.0 END AS solved_rate,
                   CASE WHEN first.is_breached THEN 0.0 WHEN first.met_at IS NOT NULL THEN 100.0 END
                   AS answered_in_time_rate,
                   CASE WHEN t.next_breach_count > 0 THEN 0.0 WHEN next.is_met THEN 100.0 END AS next_in_time_rate,
                   CASE WHEN solve.is_breached THEN 0.0 WHEN solve.met_at IS NOT NULL THEN 100.0 END
                   AS solved_in_time_rate,
                   CASE WHEN t.first_satisfied IS NOT NULL
                        THEN CASE t.first_satisfied WHEN 'yes' THEN 100.0 ELSE 0.0 END END AS satisfied_rate,
                   CASE WHEN t.cause_id IS NOT NULL THEN CASE WHEN t.is_preventable THEN 100.0 ELSE 0.0 END END
                   AS preventable_rate,
                   %s
            """,
            SQL(', ').join(verdicts),
        )

    def _sql_tables(self):
        # each is joined by its unique key: what a question does not ask for is not read
        return SQL(
            """
              FROM retail_ticket t
              JOIN (%(zones)s) zone ON zone.id = t.company_id
         LEFT JOIN retail_membership membership
                ON membership.partner_id = t.commercial_partner_id AND membership.company_id = zone.root_id
         LEFT JOIN retail_ticket_target first ON first.ticket_id = t.id AND first.kind = 'first' AND first.cycle = 1
         LEFT JOIN retail_ticket_target solve ON solve.ticket_id = t.id AND solve.kind = 'solve' AND solve.cycle = 1
         LEFT JOIN LATERAL (
                       SELECT BOOL_AND(answer.met_at IS NOT NULL) AS is_met
                         FROM retail_ticket_target answer
                        WHERE answer.ticket_id = t.id AND answer.kind = 'next'
                   ) next ON TRUE
             WHERE %(counted)s
            """,
            zones=self._sql_zones(),
            counted=self._sql_counted(),
        )

    def _sql_zones(self):
        """Return the query of ``(company, its main company, its zone)``."""
        return SQL(
            """
            SELECT company.id, root.id AS root_id, COALESCE(calendar.tz, 'UTC') AS tz
              FROM res_company company
              JOIN res_company root ON root.id = split_part(company.parent_path, '/', 1)::int
         LEFT JOIN resource_calendar calendar ON calendar.id = root.resource_calendar_id
            """
        )

    def _sql_counted(self):
        """Return the condition under which a ticket counts in statistics."""
        return SQL(
            """
            t.active AND t.category <> 'cancelled' AND t.merged_into_id IS NULL AND t.is_internal IS NOT TRUE
            """
        )

    def action_open_ticket(self):
        """Open the ticket of one row."""
        self.ensure_one()
        self.check_access('read')
        return self.ticket_id._get_records_action()
