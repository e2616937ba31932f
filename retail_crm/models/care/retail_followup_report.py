from odoo import fields, models
from odoo.tools import SQL

from ..service.retail_ticket_restricted import UNIT

#: What the report takes over from the follow-up as it is.
_COLUMNS = (
    'company_id',
    'rule_id',
    'partner_id',
    'user_id',
    'store_id',
    'channel_id',
    'purpose',
    'family',
    'state',
    'reason',
    'result',
    'due_on',
    'is_restricted',
    'blocked_user_id',
    'second_blocked_user_id',
)


class RetailFollowupReport(models.Model):
    """Follow-ups in figures: planned, done on time, reached, result, and why not (S-FUP-09).

    One row per follow-up, computed when asked. Shares count only what can be judged: on time is whatever was done, or
    left as a message, by the end of its due day where the company is; what is still open after that day is not.
    """

    _name = 'retail.followup.report'
    _description = 'Follow-Ups in Figures'
    _auto = False
    _order = 'due_on desc, id desc'
    _rec_name = 'rule_id'
    _depends = {
        'retail.followup': [*_COLUMNS, 'contacted_at', 'done_at', 'is_control'],
        'res.company': ['parent_path', 'resource_calendar_id'],
        'resource.calendar': ['tz'],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', readonly=True, help='Empty: made by hand.'
    )
    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', readonly=True)
    user_id = fields.Many2one(comodel_name='res.users', string='Owner', readonly=True)
    store_id = fields.Many2one(
        comodel_name='crm.team', readonly=True, help='Store of the customer.'
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='How the customer was contacted.'
    )
    purpose = fields.Selection(
        selection=lambda self: self.env['retail.followup']._fields['purpose'].selection,
        readonly=True,
        help='Service or marketing.',
    )
    family = fields.Selection(
        selection=lambda self: self.env['retail.followup']._fields['family'].selection,
        readonly=True,
        help='Kind of contact.',
    )
    state = fields.Selection(
        selection=lambda self: self.env['retail.followup']._fields['state'].selection, readonly=True
    )
    reason = fields.Selection(
        selection=lambda self: self.env['retail.followup']._fields['reason'].selection,
        string='Why Not',
        readonly=True,
        help='Why the customer was not contacted, or what is waited for.',
    )
    result = fields.Selection(
        selection=lambda self: self.env['retail.followup']._fields['result'].selection,
        readonly=True,
        help='What staff wrote down.',
    )
    due_on = fields.Date(string='Due', readonly=True, help='Day on which it was due.')
    is_restricted = fields.Boolean(
        string='Restricted', readonly=True, help='About a restricted complaint.'
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        groups=','.join(UNIT),
        help='Does not see this row.',
    )
    second_blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Second Person Complained About',
        readonly=True,
        groups=','.join(UNIT),
        help='Does not see this row, either.',
    )
    planned = fields.Integer(readonly=True, help='Follow-ups, without cancelled and control ones.')
    contacted = fields.Integer(readonly=True, help='A message left, or staff acted.')
    done_on_time = fields.Integer(
        readonly=True, help='Done, or left as a message, by the end of the due day.'
    )
    overdue = fields.Integer(readonly=True, help='Still to do after the due day.')
    reached = fields.Integer(readonly=True, help='The customer was spoken to.')
    not_contacted = fields.Integer(
        readonly=True, help='Skipped, failed, or held back for the control group.'
    )
    on_time_percent = fields.Float(
        string='On Time (%)',
        readonly=True,
        aggregator='avg',
        help='Of what was done or should have been done: the part that was done by the end of its due day.',
    )
    reached_percent = fields.Float(
        string='Reached (%)',
        readonly=True,
        aggregator='avg',
        help='Of what has a result: the part in which the customer was spoken to.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT followup.id, %(columns)s,
                   (followup.state NOT IN ('cancelled', 'held') AND followup.is_control IS NOT TRUE)::int AS planned,
                   (followup.contacted_at IS NOT NULL)::int AS contacted,
                   (judged.done_on <= followup.due_on)::int AS done_on_time,
                   (followup.state = 'todo' AND followup.due_on < clock.today)::int AS overdue,
                   (followup.result = 'reached')::int AS reached,
                   (followup.state IN ('skipped', 'failed', 'held'))::int AS not_contacted,
                   CASE WHEN judged.done_on IS NOT NULL
                        THEN CASE WHEN judged.done_on <= followup.due_on THEN 100.0 ELSE 0.0 END
                        WHEN followup.state = 'todo' AND followup.due_on < clock.today THEN 0.0
                   END AS on_time_percent,
                   CASE WHEN followup.result IS NOT NULL
                        THEN CASE WHEN followup.result = 'reached' THEN 100.0 ELSE 0.0 END
                   END AS reached_percent
              FROM retail_followup AS followup
              JOIN res_company AS company ON company.id = followup.company_id
              JOIN res_company AS root ON root.id = split_part(company.parent_path, '/', 1)::int
              LEFT JOIN resource_calendar AS calendar ON calendar.id = root.resource_calendar_id
             CROSS JOIN LATERAL (SELECT COALESCE(calendar.tz, 'UTC') AS zone) AS place
             CROSS JOIN LATERAL (
                   SELECT timezone(place.zone, timezone('UTC', %(now)s::timestamp))::date AS today) AS clock
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN followup.state = 'done' THEN
                          timezone(place.zone, timezone('UTC', COALESCE(followup.done_at, followup.contacted_at)))::date
                          END AS done_on) AS judged
            """,
            columns=SQL(', ').join(
                SQL('followup.%s', SQL.identifier(column)) for column in _COLUMNS
            ),
            now=fields.Datetime.now(),
        )
