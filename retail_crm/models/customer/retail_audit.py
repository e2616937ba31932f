from dateutil.relativedelta import relativedelta

from odoo import api, fields, models


class RetailAudit(models.Model):
    """A review of how customer data is protected: what was looked at, which risks were found, what is done about them.

    Written by managers. One that is done plans an activity for its responsible user on the day of the next one.
    """

    _name = 'retail.audit'
    _description = 'Security Audit'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'date desc, id desc'

    name = fields.Char(
        string='Subject', required=True, tracking=True, help='What the audit is about.'
    )
    date = fields.Date(
        required=True,
        default=fields.Date.context_today,
        tracking=True,
        help='Day of the audit, or for which it is planned.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        tracking=True,
        help='Carries out the audit and is reminded of the next one.',
    )
    scope = fields.Text(
        help='What is looked at, for example rights, exports, backups, papers in the shop.'
    )
    risks = fields.Text(help='What was found, and how bad it is.')
    measures = fields.Text(help='What is done about it, and by whom.')
    date_due = fields.Date(
        string='Measures Due', tracking=True, help='By when the measures must be in force.'
    )
    state = fields.Selection(
        selection=[('planned', 'Planned'), ('running', 'Running'), ('done', 'Done')],
        required=True,
        default='planned',
        tracking=True,
        copy=False,
        index=True,
        help='Done: the report is final, measures may still be under way.',
    )
    date_next = fields.Date(
        string='Next Audit',
        compute='_compute_date_next',
        store=True,
        readonly=False,
        copy=False,
        tracking=True,
        help='A year after this one unless you say otherwise. The responsible user is reminded on that day.',
    )
    is_overdue = fields.Boolean(
        string='Overdue',
        compute='_compute_is_overdue',
        search='_search_is_overdue',
        help='Measures are late, or the audit is planned for a day that has passed.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )

    _check_dates = models.Constraint(
        'CHECK(date_next IS NULL OR date_next > date)', 'The next audit must be after this one.'
    )

    @api.depends('date')
    def _compute_date_next(self):
        for audit in self:
            audit.date_next = audit.date and audit.date + relativedelta(years=1)

    @api.depends('state', 'date', 'date_due')
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for audit in self:
            planned_late = audit.state != 'done' and audit.date and audit.date < today
            audit.is_overdue = bool(
                planned_late or audit.state != 'done' and audit.date_due and audit.date_due < today
            )

    def _search_is_overdue(self, operator, value):
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        late = ['&', ('state', '!=', 'done'), '|', ('date', '<', today), ('date_due', '<', today)]
        if set(value) == {True}:
            return late
        return ['!', *late] if set(value) == {False} else [(1, '=', 1)]

    @api.model_create_multi
    def create(self, vals_list):
        audits = super().create(vals_list)
        audits.filtered(lambda audit: audit.state == 'done')._plan_next()
        return audits

    def write(self, vals):
        """Plan the reminder when an audit is done, and move it when the day or the responsible user changes."""
        result = super().write(vals)
        if {'state', 'date_next', 'user_id', 'date'} & set(vals):
            self._plan_next()
        return result

    def _plan_next(self):
        """Have one reminder for each audit that is done, on the day of the next one; none for the others."""
        activity_type = ['retail_crm.mail_activity_type_audit']
        self.activity_unlink(activity_type)
        for audit in self.filtered(lambda audit: audit.state == 'done' and audit.date_next):
            audit.activity_schedule(
                activity_type[0],
                date_deadline=audit.date_next,
                user_id=audit.user_id.id,
                note=self.env._('The last audit was on %(date)s.', date=audit.date),
            )

    def action_start(self):
        """Start planned audits."""
        self.check_access('write')
        self.filtered(lambda audit: audit.state == 'planned').state = 'running'

    def action_done(self):
        """Close audits and plan the next ones."""
        self.check_access('write')
        self.state = 'done'

    def action_repeat(self):
        """Make the next audit with the same scope, and open it."""
        self.ensure_one()
        self.check_access('create')
        following = self.copy(
            {'date': self.date_next, 'risks': False, 'measures': False, 'date_due': False}
        )
        self.activity_feedback(['retail_crm.mail_activity_type_audit'])
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.audit',
            'res_id': following.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }
