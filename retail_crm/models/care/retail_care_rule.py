from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..customer.retail_moment import KINDS
from . import _care

#: Written by the system: what callers from outside say of them is ignored.
SYSTEM_FIELDS = {
    'state',
    'error',
    'started_on',
    'started_mark',
    'planned_on',
    'planned_days',
    'previewed_mark',
}


class RetailCareRule(models.Model):
    """When to contact whom with what: a trigger, an audience, the content, who does it and how often.

    Marketing and managers write rules, for which one user each is responsible. ``_plan`` (retail_care_rule_plan.py)
    makes the follow-ups of a running rule. Invariants: a rule runs only as it was previewed (``previewed_mark``), it
    makes at most one follow-up per customer and occurrence, and a rule that fails keeps no other from its turn.
    """

    _name = 'retail.care.rule'
    _description = 'Care Rule'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(copy=False, help='Name by which the system knows a shipped rule.')
    sequence = fields.Integer(
        default=50, help='Rules before others contact a customer first when there is room for one.'
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        default=lambda self: self.env.company.root_id,
        index='btree_not_null',
        help='Company whose customers are contacted. Empty: all companies.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        ondelete='restrict',
        help='Looks after this rule and is told when it fails. The conditions are evaluated with the rights of this '
        'user.',
    )
    description = fields.Text(translate=True, help='What the rule is for, in words.')
    # --- run
    state = fields.Selection(
        selection=[('off', 'Off'), ('on', 'On'), ('failed', 'Failed')],
        required=True,
        default='off',
        readonly=True,
        copy=False,
        tracking=True,
    )
    error = fields.Text(
        readonly=True,
        copy=False,
        help='Why the rule failed. It rests until somebody starts it again.',
    )
    started_on = fields.Date(
        readonly=True,
        copy=False,
        help='Day since which the rule runs: nobody is contacted for what was due before.',
    )
    planned_on = fields.Date(
        string='Last Planned', readonly=True, copy=False, help='Day of the last daily planning.'
    )
    previewed_mark = fields.Char(
        readonly=True,
        copy=False,
        help='Fingerprint of the definition that somebody looked at in the preview.',
    )
    # --- kind
    purpose = fields.Selection(
        selection=_care.PURPOSES,
        required=True,
        default='service',
        tracking=True,
        help='Which consent the customer must have given.',
    )
    family = fields.Selection(
        selection=_care.FAMILIES,
        required=True,
        default='other',
        help='Rules of one family keep a distance from each other.',
    )
    is_expected = fields.Boolean(
        string='Expected by Customers',
        help='Customers expect this contact (a notice about their contract, the answer after a complaint): contact '
        'limits neither stop nor count it.',
    )
    # --- trigger
    trigger = fields.Selection(
        selection=_care.TRIGGERS,
        required=True,
        default='purchase',
        tracking=True,
        help='What makes the follow-up necessary.',
    )
    moment_kind = fields.Selection(
        selection=KINDS, string='Moment', help='What must happen to a customer for this rule.'
    )
    silence = fields.Selection(
        selection=_care.SILENCES,
        string='Silence Until',
        default='watch',
        help='How late a customer must be by the own interval between purchases.',
    )
    delay_days = fields.Integer(
        string='Days After',
        help='Due so many days after what happened; negative: before it.',
    )
    in_working_days = fields.Boolean(
        string='Count Working Days',
        help='The days are counted on which the company works.',
    )
    lead_days = fields.Integer(
        string='Planned Ahead (Days)',
        help='Follow-ups are planned so many days before they are due, for staff to see.',
    )
    hard_date = fields.Boolean(
        string='On the Day or Not At All',
        help='Never later than due: on a day off or a full day it is done earlier or by a substitute.',
    )
    late_days = fields.Integer(
        string='May Be Late (Days)',
        compute='_compute_late_days',
        store=True,
        readonly=False,
        precompute=True,
        help='How long a follow-up may wait after its due day for limits, complaints or capacity. Then it is dropped.',
    )
    again_days = fields.Integer(
        string='Again After (Days)',
        help='Least days between two occasions of one customer for this rule. 0: each occasion counts.',
    )
    hour = fields.Float(
        default=10.0, help='Hour at which messages leave, in the time of the company.'
    )
    # --- audience
    segment_ids = fields.Many2many(
        comodel_name='retail.segment',
        relation='retail_care_rule_segment_rel',
        column1='rule_id',
        column2='segment_id',
        string='Segments',
        help='Customers of at least one of these. Empty: all customers.',
    )
    tier_ids = fields.Many2many(
        comodel_name='retail.tier',
        relation='retail_care_rule_tier_rel',
        column1='rule_id',
        column2='tier_id',
        string='Tiers',
        help='Members of at least one of these tiers. Empty: members or not.',
    )
    domain = fields.Char(
        string='Conditions',
        default='[]',
        help='What else must be true of a customer, evaluated with the rights of the responsible user.',
    )
    category_ids = fields.Many2many(
        comodel_name='product.category',
        relation='retail_care_rule_category_rel',
        column1='rule_id',
        column2='category_id',
        string='Product Categories',
        help='Only products of these categories and of those below them. Empty: all products.',
    )
    minimum = fields.Float(
        string='At Least',
        help='Smallest amount of the purchase, or number of points.',
    )
    first_only = fields.Boolean(
        string='First Time Only', help='Only the first occasion of each customer.'
    )
    # --- content
    channel_mode = fields.Selection(
        selection=[('preferred', "Customer's preferred channel"), ('listed', 'Channels in order')],
        string='Channels',
        required=True,
        default='preferred',
        help='The preferred channel comes first, then the usual fallbacks; or the channels of this rule one after '
        'another.',
    )
    channel_line_ids = fields.One2many(
        comodel_name='retail.care.rule.channel',
        inverse_name='rule_id',
        string='Channels in Order',
        copy=True,
        help='Channels that are tried one after another.',
    )
    template_id = fields.Many2one(
        comodel_name='mail.template',
        string='E-mail Template',
        domain=[('model', '=', 'retail.followup')],
        ondelete='restrict',
        help='Text of e-mails.',
    )
    text = fields.Text(
        translate=True,
        help='Text of short messages, letters and messages in the shop. Placeholders like {name} are filled in.',
    )
    script = fields.Html(translate=True, help='What to say in a call.')
    activity_type_id = fields.Many2one(
        comodel_name='mail.activity.type',
        ondelete='restrict',
        help='Kind of activity of a task for staff.',
    )
    plan_id = fields.Many2one(
        comodel_name='mail.activity.plan',
        string='Steps',
        domain=[('res_model', '=', 'retail.followup')],
        ondelete='restrict',
        help='Steps that staff take one after another.',
    )
    survey_id = fields.Many2one(
        comodel_name='survey.survey',
        ondelete='restrict',
        help='Survey whose link is offered in the text.',
    )
    # --- owner
    owner = fields.Selection(
        selection=_care.OWNERS,
        string='Done By',
        required=True,
        default='adviser',
        help='Who does what is left to staff. Where there is none: the leader of the store, then the responsible user.',
    )
    owner_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        domain=[('share', '=', False)],
        ondelete='restrict',
        help='The employee who does it.',
    )
    owner_team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        string='Team',
        ondelete='restrict',
        help='The team whose least loaded member does it.',
    )
    # --- limits
    sample_percent = fields.Float(
        string='Sample (%)',
        default=100.0,
        help='Share of customers who are contacted. Who belongs to it stays the same for this rule.',
    )
    control_percent = fields.Float(
        string='Control Group (%)',
        compute='_compute_control_percent',
        store=True,
        readonly=False,
        precompute=True,
        help='Share of customers who are left out on purpose, to measure the effect. Nothing is sent to them.',
    )
    day_limit = fields.Integer(
        string='Contacts a Day', help='Most contacts of this rule a day. 0: no limit.'
    )
    retry_count = fields.Integer(
        string='Attempts After the First',
        help='How often a customer who was not reached is tried again.',
    )
    retry_gap_days = fields.Integer(
        string='Days Between Attempts', default=2, help='Days until the next attempt.'
    )
    goal = fields.Selection(
        selection=_care.GOALS,
        required=True,
        default='none',
        help='What ends the follow-up before it is done.',
    )
    reaction_days = fields.Integer(
        string='Reaction Within (Days)',
        default=14,
        help='What the customer does within so many days counts as a reaction.',
    )
    followup_ids = fields.One2many(
        comodel_name='retail.followup',
        inverse_name='rule_id',
        string='Follow-Ups',
        help='All contacts that this rule planned, sent or not.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another care rule has this code already.')
    _check_percents = models.Constraint(
        'CHECK(sample_percent BETWEEN 0 AND 100 AND control_percent BETWEEN 0 AND 100)',
        'A share is between 0 and 100 percent.',
    )
    _check_days = models.Constraint(
        'CHECK(abs(delay_days) <= 3660 AND lead_days BETWEEN 0 AND 366 AND late_days BETWEEN 0 AND 366'
        ' AND again_days BETWEEN 0 AND 36600 AND retry_gap_days BETWEEN 0 AND 366'
        ' AND reaction_days BETWEEN 0 AND 366)',
        'Days are no less than 0 (only the days after what happened may be) and not more than a year or ten.',
    )
    _check_numbers = models.Constraint(
        'CHECK(day_limit >= 0 AND retry_count BETWEEN 0 AND 99 AND hour >= 0 AND hour < 24)',
        'Limits are no less than 0, and the hour is between 0:00 and 23:59.',
    )
    _on_idx = models.Index("(trigger, moment_kind) WHERE state = 'on'")

    # === COMPUTE ===#

    @api.depends('hard_date')
    def _compute_late_days(self):
        for rule in self:
            rule.late_days = 0 if rule.hard_date else 7

    @api.depends('purpose')
    def _compute_control_percent(self):
        for rule in self:
            company = rule.company_id or self.env.company.root_id
            rule.control_percent = (
                rule._usual_control_percent(company) if rule.purpose == 'marketing' else 0.0
            )

    def _usual_control_percent(self, company):
        """Hook: return the share of the control group of this marketing rule in a company."""
        return company.sudo().retail_care_control_percent  # sudo: a setting, no secret

    # === CONSTRAINTS ===#

    @api.constrains('company_id')
    def _check_company_id(self):
        self.company_id._retail_check_main(
            self.env._(
                'A care rule holds for a company with all its branches: choose the main company.'
            )
        )

    @api.constrains('trigger', 'moment_kind')
    def _check_moment_kind(self):
        if any(rule.trigger == 'moment' and not rule.moment_kind for rule in self):
            raise ValidationError(self.env._('Say what must happen for this rule.'))

    @api.constrains('hard_date', 'late_days')
    def _check_hard_date(self):
        if any(rule.hard_date and rule.late_days for rule in self):
            raise ValidationError(
                self.env._('A contact on the day or not at all cannot be late: set 0 days.')
            )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_system_fields(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._without_system_fields(vals))

    @api.model
    def _without_system_fields(self, vals):
        if self.env.su:
            return vals
        return {name: value for name, value in vals.items() if name not in SYSTEM_FIELDS}

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for rule, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._('%(name)s (copy)', name=rule.name)
        return vals_list
