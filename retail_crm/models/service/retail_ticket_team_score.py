from odoo import api, fields, models
from odoo.tools import SQL

from .retail_ticket_team_goal import METRICS

#: From this share of the goal on it counts as nearly reached.
NEAR = 0.9
STATES = [
    ('met', 'Reached'),
    ('near', 'Nearly'),
    ('missed', 'Missed'),
    ('none', 'No figures yet'),
]


class RetailTicketTeamScore(models.Model):
    """Goal and actual of each team for this month and the last one (S-SRV-24).

    Read from the tickets when asked, months being those where the company is. An answer or solution belongs to the month
    in which it was given in time or became late, a first contact to that of the solution, an opinion to that of the
    question. Restricted tickets are left out: the board is for all leaders, and each figure opens its tickets.
    """

    _name = 'retail.ticket.team.score'
    _description = 'Goals of Service Teams'
    _auto = False
    _order = 'team_id, period desc, id'
    _rec_name = 'metric'
    _depends = {
        'retail.ticket': [
            'active',
            'category',
            'company_id',
            'first_contact',
            'first_satisfied',
            'first_satisfied_on',
            'first_solved_at',
            'is_restricted',
            'merged_into_id',
            'team_id',
        ],
        'retail.ticket.target': ['ticket_id', 'kind', 'deadline', 'met_at', 'is_breached', 'state'],
        'retail.ticket.team': ['active', 'company_id', 'kind'],
        'retail.ticket.team.goal': ['team_id', 'company_id', 'metric', 'target', 'date_from'],
    }

    team_id = fields.Many2one(
        comodel_name='retail.ticket.team', readonly=True, help='Team that is to reach it.'
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    period = fields.Selection(
        selection=[('last', 'Last month'), ('this', 'This month')],
        readonly=True,
        help='Calendar month where the company is.',
    )
    metric = fields.Selection(
        selection=METRICS, string='Goal', readonly=True, help='What is measured.'
    )
    target = fields.Float(
        string='To Reach (%)', readonly=True, digits=(16, 1), aggregator=None, help='The goal.'
    )
    count = fields.Integer(
        string='Tickets', readonly=True, help='Tickets of which it is known in this month.'
    )
    good = fields.Integer(string='Of Which Good', readonly=True, help='Tickets that reached it.')
    actual = fields.Float(
        string='Actual (%)',
        readonly=True,
        digits=(16, 1),
        aggregator=None,
        help='Share that reached it. Means nothing without tickets.',
    )
    state = fields.Selection(
        selection=STATES,
        readonly=True,
        help='Nearly: nine tenths of the goal at least. No figures yet: no ticket is known.',
    )
    text = fields.Char(
        string='In Words', compute='_compute_text', help='Actual and number of tickets.'
    )

    @api.depends('metric', 'team_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        labels = dict(self._fields['metric']._description_selection(self.env))
        for score in self:
            words = (score.team_id.name, labels.get(score.metric))
            score.display_name = ': '.join(filter(None, words))

    @api.depends('actual', 'count', 'good')
    def _compute_text(self):
        for score in self:
            score.text = (
                self.env._(
                    '%(actual).0f %% (%(good)s of %(count)s)',
                    actual=score.actual,
                    good=score.good,
                    count=score.count,
                )
                if score.count
                else self.env._('No figures yet')
            )

    @property
    def _table_query(self):
        return SQL(
            """
            WITH period AS (%(periods)s),
                 total AS (
                     SELECT fact.team_id, fact.metric, period.number, COUNT(*)::int AS count,
                            COUNT(*) FILTER (WHERE fact.is_good)::int AS good
                       FROM (%(facts)s) fact
                       JOIN period ON period.company_id = fact.company_id
                                  AND fact.at >= period.start AND fact.at < period.stop
                   GROUP BY fact.team_id, fact.metric, period.number
                 )
            SELECT team.id * 16 + metric.number * 2 + period.number AS id, team.id AS team_id, team.company_id,
                   CASE period.number WHEN 0 THEN 'this' ELSE 'last' END AS period, metric.name AS metric,
                   goal.target, COALESCE(total.count, 0) AS count, COALESCE(total.good, 0) AS good, share.actual,
                   CASE WHEN share.actual IS NULL THEN 'none' WHEN goal.target IS NULL THEN NULL
                        WHEN share.actual >= goal.target THEN 'met'
                        WHEN share.actual >= goal.target * %(near)s THEN 'near' ELSE 'missed' END AS state
              FROM retail_ticket_team team
              JOIN period ON period.company_id = team.company_id
        CROSS JOIN (VALUES %(metrics)s) metric (number, name)
         LEFT JOIN total ON total.team_id = team.id AND total.metric = metric.name
                        AND total.number = period.number
        CROSS JOIN LATERAL (SELECT 100.0 * total.good / NULLIF(total.count, 0) AS actual) share
         LEFT JOIN LATERAL (
                       SELECT g.target FROM retail_ticket_team_goal g
                        WHERE g.metric = metric.name AND g.date_from < period.local_stop
                          AND (g.team_id = team.id OR g.team_id IS NULL
                               AND (g.company_id IS NULL OR g.company_id = team.company_id))
                     ORDER BY g.team_id IS NULL, g.company_id IS NULL, g.date_from DESC LIMIT 1
                   ) goal ON TRUE
             WHERE team.active AND team.kind <> 'department'
            """,
            periods=self._sql_periods(),
            facts=self._sql_facts(),
            metrics=SQL(', ').join(
                SQL('(%s, %s)', number, name) for number, (name, _label) in enumerate(METRICS)
            ),
            near=NEAR,
        )

    def _sql_periods(self):
        """Return the query of this month (0) and the last one (1) of each company, as moments."""
        return SQL(
            """
            SELECT zone.id AS company_id, series.number,
                   timezone('UTC', timezone(zone.tz, month.first)) AS start,
                   timezone('UTC', timezone(zone.tz, month.first + INTERVAL '1 month')) AS stop,
                   (month.first + INTERVAL '1 month')::date AS local_stop
              FROM (%s) zone
        CROSS JOIN generate_series(0, 1) series (number)
        CROSS JOIN LATERAL (
                       SELECT date_trunc('month', timezone(zone.tz, timezone('UTC', %s::timestamp)))
                              - series.number * INTERVAL '1 month' AS first
                   ) month
            """,
            self.env['retail.ticket.report']._sql_zones(),
            fields.Datetime.now(),
        )

    def _sql_facts(self):
        """Return the query of what is known of tickets: ``(ticket, company, team, metric, when, is good)``."""
        targets = SQL(
            """
            SELECT t.id, t.company_id, t.team_id, target.kind_name AS metric, target.at, target.is_good
              FROM retail_ticket t
              JOIN (SELECT ticket_id, is_breached IS NOT TRUE AS is_good,
                           CASE kind WHEN 'first' THEN 'answer' ELSE 'solve' END AS kind_name,
                           CASE WHEN is_breached THEN deadline ELSE met_at END AS at
                      FROM retail_ticket_target
                     WHERE kind IN ('first', 'solve') AND state <> 'void') target ON target.ticket_id = t.id
            """
        )
        return SQL(
            """
            %(targets)s WHERE target.at >= %(since)s AND %(counted)s
             UNION ALL
            SELECT t.id, t.company_id, t.team_id, 'first_contact', t.first_solved_at, t.first_contact = 'yes'
              FROM retail_ticket t
             WHERE t.first_contact IN ('yes', 'no') AND t.first_solved_at >= %(since)s AND %(counted)s
             UNION ALL
            SELECT t.id, t.company_id, t.team_id, 'satisfied', t.first_satisfied_on, t.first_satisfied = 'yes'
              FROM retail_ticket t
             WHERE t.first_satisfied IS NOT NULL AND t.first_satisfied_on >= %(since)s AND %(counted)s
            """,
            targets=targets,
            since=fields.Datetime.subtract(fields.Datetime.now(), days=63),
            counted=SQL(
                '%s AND t.is_restricted IS NOT TRUE',
                self.env['retail.ticket.report']._sql_counted(),
            ),
        )

    def _ticket_ids(self):
        """Return the ids of the tickets behind one figure."""
        self.ensure_one()
        self.env['retail.ticket'].flush_model()
        self.env['retail.ticket.target'].flush_model()
        return [
            ticket_id
            for (ticket_id,) in self.env.execute_query(
                SQL(
                    """
                    SELECT fact.id FROM (%s) fact
                      JOIN (%s) period ON period.company_id = fact.company_id
                                      AND fact.at >= period.start AND fact.at < period.stop
                     WHERE fact.team_id = %s AND fact.metric = %s AND period.number = %s
                    """,
                    self._sql_facts(),
                    self._sql_periods(),
                    self.team_id.id,
                    self.metric,
                    0 if self.period == 'this' else 1,
                )
            )
        ]

    def action_open_tickets(self):
        """Open the tickets behind one figure."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': dict(self._fields['metric']._description_selection(self.env))[self.metric],
            'res_model': 'retail.ticket.report',
            'view_mode': 'list,graph,pivot,form',
            'domain': [('ticket_id', 'in', self._ticket_ids())],
        }
