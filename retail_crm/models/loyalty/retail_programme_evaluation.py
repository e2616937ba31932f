from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

from .retail_programme_goal import GOAL_PERIODS, PERIOD_MONTHS

#: What is measured: written by ``_take`` only, whatever a user's rights on the evaluation.
FIGURES = {
    'company_id',
    'state',
    'taken_on',
    'closed_on',
    'closed_by',
    'goal',
    'goal_value',
    'goal_percent',
    'goal_state',
    'member_count',
    'active_member_count',
    'participation',
    'joined_count',
    'left_count',
    'up_count',
    'down_count',
    'compared_count',
    'automatic',
    'referred_count',
    'referral_rate',
    'line_ids',
}

#: What is measured about: part of the snapshot, too.
SCOPE = {'programme_id', 'period', 'date_from', 'date_to', 'goal_baseline', 'goal_target'}


class RetailProgrammeEvaluation(models.Model):
    """A dated snapshot of how a programme did in a period: participation, buying behaviour, and its goal.

    Figures are written by ``_take`` and by nobody else. A draft can be measured again; once closed nothing of it ever
    changes but the decision that was drawn from it. What is counted is in ``_measures``.
    """

    _name = 'retail.programme.evaluation'
    _description = 'Programme Evaluation'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'date_to desc, date_from desc, id desc'

    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        ondelete='cascade',  # only a programme that never ran can be deleted
        index=True,
        default=lambda self: self.env['retail.programme'].search(
            [('company_id', '=', self.env.company.root_id.id)], limit=1
        ),
        help='Programme that is evaluated.',
    )
    company_id = fields.Many2one(related='programme_id.company_id', store=True)
    currency_id = fields.Many2one(related='programme_id.currency_id')
    period = fields.Selection(
        selection=[*GOAL_PERIODS, ('free', 'From ... to ...')],
        required=True,
        default='month',
        help='Months, quarters and years begin on the first day of a month.',
    )
    date_from = fields.Date(
        string='From',
        required=True,
        default=lambda self: (
            fields.Date.context_today(self) + relativedelta(day=1) - relativedelta(months=1)
        ),
        help='First day of the period, where the company is.',
    )
    date_to = fields.Date(
        string='To',
        required=True,
        compute='_compute_date_to',
        store=True,
        readonly=False,
        precompute=True,
        help='Last day of the period.',
    )
    state = fields.Selection(
        selection=[('draft', 'Draft'), ('closed', 'Closed')],
        required=True,
        default='draft',
        readonly=True,
        copy=False,
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        compute='_compute_user_id',
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help='Who is told when the goal is missed, and decides what follows.',
    )
    taken_on = fields.Datetime(
        string='Measured On', readonly=True, copy=False, help='When the figures were measured.'
    )
    closed_on = fields.Datetime(
        readonly=True, copy=False, help='Since then the figures stay as they are.'
    )
    closed_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Who closed it. Empty: the system.',
    )
    automatic = fields.Boolean(
        string='Made by the System',
        readonly=True,
        copy=False,
        help='The system makes one for each month, and closes it a month later with what was returned since.',
    )
    # the goal
    goal = fields.Selection(
        selection=lambda self: self.env['retail.programme']._fields['goal'].selection,
        readonly=True,
        copy=False,
        help='The goal of the programme when this was measured.',
    )
    goal_baseline = fields.Float(
        string='Goal: Before',
        digits=(16, 2),
        copy=False,
        help='Figure of the goal in a period of this length before the programme began. For the period for which the '
        'programme has its goal it is that of the programme.',
    )
    goal_target = fields.Float(
        string='Goal: Target',
        digits=(16, 2),
        copy=False,
        help='What was to be reached. 0: none. For the '
        'period of its goal it is that of the programme.',
    )
    goal_value = fields.Float(
        string='Goal: Achieved',
        digits=(16, 2),
        readonly=True,
        copy=False,
        aggregator='avg',
        help='The figure of the goal in the period, of all customers.',
    )
    goal_percent = fields.Float(
        string='Way to the Goal (%)',
        digits=(16, 1),
        readonly=True,
        copy=False,
        aggregator='avg',
        help='How much of the way from the figure before to the target was made, in percent.',
    )
    goal_state = fields.Selection(
        selection=[('none', 'No target'), ('reached', 'Reached'), ('missed', 'Missed')],
        string='Goal Result',
        readonly=True,
        copy=False,
        help='Whether the target was reached. Targets hold for the period that the programme names.',
    )
    # members
    member_count = fields.Integer(
        string='Members', readonly=True, copy=False, help='Members at the end of the period.'
    )
    active_member_count = fields.Integer(
        string='Members Who Bought',
        readonly=True,
        copy=False,
        help='Members at the end of the period with a purchase in it.',
    )
    participation = fields.Float(
        string='Participation (%)',
        digits=(16, 1),
        readonly=True,
        copy=False,
        aggregator='avg',
        help='Members who bought in the period, of all members at its end, in percent.',
    )
    joined_count = fields.Integer(
        string='Joined', readonly=True, copy=False, help='Became members in the period.'
    )
    left_count = fields.Integer(
        string='Left', readonly=True, copy=False, help='Left the programme in the period.'
    )
    up_count = fields.Integer(
        string='Tiers Up', readonly=True, copy=False, help='Changes to a higher tier in the period.'
    )
    down_count = fields.Integer(
        string='Tiers Down', readonly=True, copy=False, help='Changes to a lower tier.'
    )
    compared_count = fields.Integer(
        string='Compared Before and After',
        readonly=True,
        copy=False,
        help='Members who were customers for a whole period before they joined, and have been members for one since.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.programme.evaluation.line',
        inverse_name='evaluation_id',
        string='Groups',
        readonly=True,
        copy=False,
        help='The figures of members, of others, of each tier, and of members before and after they joined.',
    )
    adjustment = fields.Text(
        string='Adjustment Decided',
        tracking=True,
        copy=False,
        help='What is changed in the programme because of this evaluation, and from when. It can be written later, too.',
    )
    previous_id = fields.Many2one(
        comodel_name='retail.programme.evaluation',
        string='Compared With',
        compute='_compute_previous_id',
        help='The evaluation of the last such period before.',
    )
    explanation = fields.Html(compute='_compute_texts', help='The figures in words.')
    comparison = fields.Html(
        compute='_compute_texts', help='The figures beside those of the last such period before.'
    )

    _period_uniq = models.UniqueIndex(
        '(programme_id, date_from, date_to)', 'There is an evaluation of this period.'
    )
    _check_days = models.Constraint(
        'CHECK(date_from <= date_to)', 'A period ends on its first day or later.'
    )

    # === COMPUTE ===#

    @api.depends('period', 'date_from')
    def _compute_date_to(self):
        """Months, quarters and years end by themselves."""
        for evaluation in self:
            months = PERIOD_MONTHS.get(evaluation.period)
            if months and evaluation.date_from:
                evaluation.date_to = (
                    evaluation.date_from + relativedelta(months=months) - timedelta(days=1)
                )
            elif not evaluation.date_to or evaluation.date_to < evaluation.date_from:
                evaluation.date_to = evaluation.date_from

    @api.depends('programme_id')
    def _compute_user_id(self):
        for evaluation in self:
            evaluation.user_id = evaluation.programme_id.user_id

    @api.depends('programme_id', 'period', 'date_from', 'date_to')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for evaluation in self:
            evaluation.display_name = ': '.join(
                filter(None, (evaluation.programme_id.name, evaluation._period_text()))
            )

    def _period_text(self):
        """Return the period in words."""
        self.ensure_one()
        if not self.date_from or not self.date_to:
            return ''
        if self.period == 'month':
            return format_date(self.env, self.date_from, date_format='LLLL y')
        return self.env._(
            '%(start)s to %(end)s',
            start=format_date(self.env, self.date_from),
            end=format_date(self.env, self.date_to),
        )

    @api.depends('programme_id', 'period', 'date_from', 'date_to')
    def _compute_previous_id(self):
        """One query: periods of one kind, and free ones of one length, are compared."""
        others = self.search(
            [
                ('programme_id', 'in', self.programme_id.ids),
                ('taken_on', '!=', False),
                ('date_to', '<', max(filter(None, self.mapped('date_from')), default=False)),
            ]
        )
        for evaluation in self:
            evaluation.previous_id = others.filtered(
                lambda other, mine=evaluation: (
                    other.programme_id == mine.programme_id
                    and other.period == mine.period
                    and mine.date_from
                    and other.date_to < mine.date_from
                    and (mine.period != 'free' or other._days() == mine._days())
                )
            )[:1]

    def _compute_texts(self):
        for evaluation in self:
            evaluation.explanation = evaluation._explanation_html()
            evaluation.comparison = evaluation._comparison_html()

    def _days(self):
        """Return the number of days of the period."""
        return (self.date_to - self.date_from).days + 1

    # === CHECK ===#

    @api.constrains('period', 'date_from', 'date_to')
    def _check_period(self):
        for evaluation in self:
            months = PERIOD_MONTHS.get(evaluation.period)
            if months and (
                evaluation.date_from.day != 1
                or evaluation.date_to
                != evaluation.date_from + relativedelta(months=months) - timedelta(days=1)
            ):
                raise ValidationError(
                    self.env._(
                        'Months, quarters and years begin on the first day of a month; choose "From ... to ..." for '
                        'other periods.'
                    )
                )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse figures that were not measured.

        :raise AccessError: saying so
        """
        # who copies or makes one may name what a new one has anyway
        for vals in vals_list:
            self._refuse_figures({name for name in FIGURES & set(vals) if vals[name]} - {'state'})
            if vals.get('state', 'draft') != 'draft':
                self._refuse_figures({'state'})
        return super().create(vals_list)

    def write(self, vals):
        """Refuse to write figures, and to change anything measured of what is closed.

        :raise AccessError: for figures
        :raise UserError: for what is closed
        """
        self._refuse_figures(FIGURES & set(vals))
        if (FIGURES | SCOPE) & set(vals):
            self._refuse_closed()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        self._refuse_closed()

    @api.model
    def _refuse_figures(self, names):
        """Refuse whoever writes figures but the system.

        :raise AccessError: saying so
        """
        if names and not self.env.su:
            raise AccessError(self.env._('The figures of an evaluation are measured, not entered.'))

    def _refuse_closed(self):
        """Refuse to change what is closed.

        :raise UserError: saying so
        """
        if any(evaluation.state == 'closed' for evaluation in self):
            raise UserError(
                self.env._('A closed evaluation stays as it is: only the decision can be written.')
            )

    # === ACTIONS ===#

    def _check_manager(self):
        """Refuse whoever may not measure.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager evaluates the programme.'))
        self.check_access('write')

    def _check_running(self):
        """Refuse to measure what has no members yet, and whose tiers may still be replaced.

        :raise UserError: saying so
        """
        if any(evaluation.programme_id.state != 'running' for evaluation in self):
            raise UserError(self.env._('Start the programme before you evaluate it.'))

    def action_measure(self):
        """Measure drafts, also again.

        :raise AccessError: for those who are no managers
        :raise UserError: for what is closed, and for a programme that does not run
        """
        self._check_manager()
        self._refuse_closed()
        self._check_running()
        self._take()

    def action_measure_baseline(self):
        """Take the figure of the goal in a period of this length before the programme began as the one before.

        Of the period for which the programme has its goal, it is the programme's.

        :raise AccessError: for those who are no managers
        :raise UserError: for what is closed, and for a programme without a first day
        """
        self._check_manager()
        self._refuse_closed()
        self._check_running()
        for evaluation in self:
            programme = evaluation.programme_id
            if evaluation.period == programme.goal_period:
                programme.action_measure_baseline()
                continue
            evaluation.goal_baseline = programme._measure_baseline(
                PERIOD_MONTHS.get(evaluation.period), evaluation._days()
            )
        self._take()

    def action_close(self):
        """Measure a last time and keep the figures as they are.

        :raise AccessError: for those who are no managers
        :raise UserError: for a period that is not over, and for what is closed already
        """
        self._check_manager()
        self._refuse_closed()
        self._check_running()
        if any(evaluation.date_to >= evaluation.company_id._retail_today() for evaluation in self):
            raise UserError(self.env._('The period is not over: its figures can still change.'))
        self._take()
        self._close(self.env.user)

    def _close(self, user=None):
        # sudo: figures are the system's to write; whoever calls has checked
        self.sudo().write(
            {
                'state': 'closed',
                'closed_on': fields.Datetime.now(),
                'closed_by': user.id if user else False,
            }
        )
