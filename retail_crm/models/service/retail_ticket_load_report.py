from odoo import fields, models
from odoo.tools import SQL

from ._crew import RUNNING, sql_weight
from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketLoadReport(models.Model):
    """Open and running tickets per employee and team against what each handles at once (S-STF-16).

    One row for each member of a team, for each other owner of its tickets, and for what nobody owns; computed when
    asked. Restricted tickets are work like others and counted; what they are about is not shown.
    """

    _name = 'retail.ticket.load.report'
    _description = 'Load Against Capacity'
    _auto = False
    _order = 'team_id, user_id, id'
    _rec_name = 'user_id'
    _depends = {
        'retail.ticket': [
            'active',
            'category',
            'channel_id',
            'company_id',
            'deadline',
            'priority',
            'team_id',
            'user_id',
        ],
        'retail.ticket.team': ['company_id', 'active'],
        'retail.ticket.team.member': ['active', 'capacity', 'team_id', 'user_id'],
        'retail.channel': ['load_weight'],
        'retail.role': ['capacity'],
        'res.users': ['retail_role_id'],
        'res.company': [
            'retail_assign_capacity',
            'retail_assign_high',
            'retail_assign_urgent',
        ],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team', readonly=True, help='Team of the tickets.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner',
        readonly=True,
        help='Who has them. Empty: nobody yet.',
    )
    open_count = fields.Integer(
        string='Open', readonly=True, help='Tickets that are neither solved nor cancelled.'
    )
    running_count = fields.Integer(
        string='Running', readonly=True, help='Open tickets whose clock runs: new or in progress.'
    )
    late_count = fields.Integer(
        string='Late', readonly=True, help='Open tickets of which a deadline has passed.'
    )
    load = fields.Float(
        readonly=True, help='Running tickets, weighted by priority and channel as in the settings.'
    )
    capacity = fields.Integer(
        readonly=True, help='How many running tickets the employee handles at once in this team.'
    )
    used_percent = fields.Float(
        string='Used (%)',
        readonly=True,
        aggregator='avg',
        help='Load in percent of the capacity.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT *, CASE WHEN capacity > 0 THEN 100 * load / capacity END AS used_percent FROM (
            SELECT COALESCE(member.team_id, work.team_id, 0)::bigint * 10000000
                   + COALESCE(member.user_id, work.user_id, 0) AS id,
                   COALESCE(team.company_id, work.company_id) AS company_id,
                   COALESCE(member.team_id, work.team_id) AS team_id,
                   COALESCE(member.user_id, work.user_id) AS user_id,
                   COALESCE(work.open_count, 0) AS open_count,
                   COALESCE(work.running_count, 0) AS running_count,
                   COALESCE(work.late_count, 0) AS late_count,
                   COALESCE(work.load, 0) AS load,
                   COALESCE(member.capacity, 0) AS capacity
              FROM (
                   SELECT ticket.team_id, ticket.user_id, MIN(ticket.company_id) AS company_id,
                          COUNT(*) AS open_count,
                          COUNT(*) FILTER (WHERE ticket.category IN %(running)s) AS running_count,
                          COUNT(*) FILTER (WHERE ticket.deadline < %(now)s) AS late_count,
                          SUM(%(weight)s / 100.0) FILTER (WHERE ticket.category IN %(running)s) AS load
                     FROM retail_ticket AS ticket
                     JOIN res_company AS company ON company.id = ticket.company_id
                     LEFT JOIN retail_channel AS channel ON channel.id = ticket.channel_id
                    WHERE ticket.active AND ticket.category IN %(open)s
                    GROUP BY ticket.team_id, ticket.user_id
                   ) AS work
              FULL JOIN (
                   SELECT one.team_id, one.user_id,
                          COALESCE(NULLIF(one.capacity, 0), role.capacity, root.retail_assign_capacity) AS capacity
                     FROM retail_ticket_team_member AS one
                     JOIN retail_ticket_team AS of_team ON of_team.id = one.team_id AND of_team.active
                     JOIN res_users AS account ON account.id = one.user_id AND account.active
                     JOIN res_company AS company ON company.id = of_team.company_id
                     JOIN res_company AS root ON root.id = split_part(company.parent_path, '/', 1)::int
                     LEFT JOIN retail_role AS role ON role.id = account.retail_role_id
                    WHERE one.active
                   ) AS member ON member.team_id = work.team_id AND member.user_id = work.user_id
              LEFT JOIN retail_ticket_team AS team ON team.id = COALESCE(member.team_id, work.team_id)
            ) AS row
            """,
            weight=sql_weight(),
            running=RUNNING,
            open=OPEN_CATEGORIES,
            now=fields.Datetime.now(),
        )

    def action_open_tickets(self):
        """Open the tickets of one row, those that the user may read."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.user_id.name or self.env._('Without Owner'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,kanban,form',
            'domain': [
                ('team_id', '=', self.team_id.id),
                ('user_id', '=', self.user_id.id),
                ('category', 'in', OPEN_CATEGORIES),
            ],
        }
