from odoo import api, fields, models

METRICS = [
    ('answer', 'First answer in time'),
    ('solve', 'Solved in time'),
    ('first_contact', 'Solved at first contact'),
    ('satisfied', 'Customers satisfied'),
]


class RetailTicketTeamGoal(models.Model):
    """What a team is to reach, in percent, from a day on: response time, solving, attitude (S-SRV-24).

    Entered by managers. Without team it holds for all teams of the company, or of all companies; what is nearer to the
    team wins, then what is later. Months that are over keep the goal that held on their last day.
    """

    _name = 'retail.ticket.team.goal'
    _description = 'Goal of a Service Team'
    _order = 'team_id, metric, date_from desc, id'
    _rec_name = 'metric'
    _check_company_auto = True

    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        check_company=True,
        index='btree_not_null',
        ondelete='cascade',
        help='Team that is to reach it. Empty: all teams without a goal of their own.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        compute='_compute_company_id',
        store=True,
        readonly=False,
        precompute=True,
        index=True,
        help='Company whose teams are to reach it. Empty: those of all companies.',
    )
    metric = fields.Selection(
        selection=METRICS, required=True, string='Goal', help='What is measured.'
    )
    target = fields.Float(
        string='To Reach (%)',
        required=True,
        digits=(16, 1),
        aggregator=None,
        help='Share that is to be reached at least, in percent.',
    )
    date_from = fields.Date(
        string='Valid From',
        required=True,
        default=lambda self: fields.Date.start_of(fields.Date.context_today(self), 'month'),
        help='It holds for the month of this day and those after it.',
    )
    note = fields.Char(help='Why it is set so.')

    _check_target = models.Constraint(
        'CHECK(target > 0 AND target <= 100)', 'A goal is a share between 0 and 100 %.'
    )
    _metric_uniq = models.UniqueIndex(
        '(COALESCE(team_id, 0), COALESCE(company_id, 0), metric, date_from)',
        'The team has a goal of this kind from this day already.',
    )

    @api.depends('metric', 'team_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        labels = dict(self._fields['metric']._description_selection(self.env))
        for goal in self:
            words = (goal.team_id.name, labels.get(goal.metric))
            goal.display_name = ': '.join(filter(None, words))

    @api.depends('team_id')
    def _compute_company_id(self):
        for goal in self:
            goal.company_id = goal.team_id.company_id or goal.company_id
