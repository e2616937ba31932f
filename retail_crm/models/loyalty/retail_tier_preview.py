from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

from .retail_programme_change import RULE_SETTINGS

STATES = [
    ('draft', 'Draft'),
    ('computed', 'Computed'),
    ('approval', 'Approval Asked'),
    ('approved', 'Approved'),
    ('scheduled', 'Planned'),
    ('applied', 'In Force'),
    ('cancelled', 'Cancelled'),
]
#: How far from today the day of a preview may lie, in months.
PAST_MONTHS, FUTURE_MONTHS = 36, 24
#: What people write; everything else is the system's.
OWN_FIELDS = {
    'name',
    'programme_id',
    'as_of',
    'assumption',
    'mode',
    'note',
    'threshold_ids',
    *RULE_SETTINGS,
}
#: What may change when the result is there already.
FREE_FIELDS = {'name', 'note'}


def _same_choices(name):
    """Return a function that gives the choices of a setting of the programme."""
    return lambda self: self.env['retail.programme']._fields[name]._description_selection(self.env)


class RetailTierPreview(models.Model):
    """Other rules for a programme, tried out: who would hold another tier, and from when. Nothing is written by it.

    Managers write the rules; the computation (retail_tier_preview_compute.py) writes result and lines, and once another
    manager has approved it, the change can go live (retail_tier_preview_apply.py). The result belongs to the rules beside
    it: these change in a draft only (docs/tiers.md, Preview).
    """

    _name = 'retail.tier.preview'
    _description = 'Preview of Other Rules'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'

    name = fields.Char(required=True)
    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        index=True,
        ondelete='cascade',
        default=lambda self: self.env['retail.programme'].search(
            [('company_id', '=', self.env.company.root_id.id)], limit=1
        ),
        help='Programme whose rules would be other ones.',
    )
    company_id = fields.Many2one(related='programme_id.company_id', store=True)
    currency_id = fields.Many2one(related='programme_id.currency_id')
    state = fields.Selection(
        selection=STATES, required=True, readonly=True, default='draft', copy=False, tracking=True
    )
    as_of = fields.Date(
        string='Rules From',
        required=True,
        default=fields.Date.context_today,
        copy=False,
        tracking=True,
        help='First day of these rules. In the past: what would be today, had they held since then.',
    )
    assumption = fields.Selection(
        selection=[
            ('repeat', 'Everybody buys again as in the last twelve months'),
            ('nothing', 'Nobody buys anything more'),
        ],
        string='From Today On',
        required=True,
        default='repeat',
        tracking=True,
        help='What is assumed of the time after today, for the present rules and for these alike.',
    )
    mode = fields.Selection(
        selection=[
            ('next', 'When a member is looked at next'),
            ('now', 'At once: all members are looked at on that day'),
        ],
        string='Goes Live',
        required=True,
        default='next',
        tracking=True,
        help='Who rises by these rules rises at the next purchase, or at once. Nobody loses a tier before its validity ends.',
    )
    note = fields.Text(string='Reason', help='Why the rules should change.')

    # --- rules
    criteria = fields.Selection(
        selection=_same_choices('criteria'),
        required=True,
        default='either',
        tracking=True,
        help='Whether one of the thresholds of a tier is enough. A threshold of 0 is not used.',
    )
    window = fields.Selection(
        selection=_same_choices('window'),
        required=True,
        default='rolling',
        tracking=True,
        help='Purchases that are added up to reach a tier.',
    )
    window_months = fields.Integer(
        string='Months Counted',
        required=True,
        default=12,
        tracking=True,
        help='The last so many months up to a day count to reach a tier.',
    )
    first_month = fields.Selection(
        selection=_same_choices('first_month'),
        required=True,
        default='1',
        tracking=True,
        help='Month with which the programme year begins.',
    )
    validity_months = fields.Integer(
        string='Validity (months)',
        required=True,
        default=12,
        tracking=True,
        help='A tier lasts at least so long from the day on which it is reached or renewed.',
    )
    grace_days = fields.Integer(
        string='Grace (days)',
        required=True,
        default=30,
        tracking=True,
        help='Days after the validity in which purchases can still keep the tier.',
    )
    drop = fields.Selection(
        selection=_same_choices('drop'),
        string='Who Does Not Keep a Tier Falls',
        required=True,
        default='one_down',
        tracking=True,
        help='Nobody falls below the tier that the purchases counted on that day reach.',
    )
    strict = fields.Boolean(
        string='Returns Take a Tier Back',
        tracking=True,
        help='On: who returns the goods by which a tier was reached loses it at once.',
    )
    entry_counts = fields.Boolean(
        string='First Day Counts',
        default=True,
        tracking=True,
        help='The purchases of the day on which the tier begins count for keeping it, too.',
    )
    threshold_ids = fields.One2many(
        comodel_name='retail.tier.preview.threshold',
        inverse_name='preview_id',
        string='Tiers',
        copy=True,
        help='Thresholds by these rules, and how many members would hold each tier.',
    )
    change_text = fields.Html(
        string='What Changes',
        compute='_compute_change_text',
        help='Settings and thresholds that differ from the present ones.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.tier.preview.line',
        inverse_name='preview_id',
        help='Members who would hold another tier.',
    )

    # --- approval
    asked_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        tracking=True,
        ondelete='set null',
        help='Who asked for approval.',
    )
    asked_on = fields.Datetime(readonly=True, copy=False, help='When approval was asked for.')
    approved_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        tracking=True,
        ondelete='set null',
        help='Who approved the change.',
    )
    approved_on = fields.Datetime(readonly=True, copy=False, help='When the change was approved.')
    can_approve = fields.Boolean(
        string='May Be Approved by Me',
        compute='_compute_can_approve',
        help='The author does not approve his own change when there is another manager.',
    )

    _check_months = models.Constraint(
        'CHECK(window_months BETWEEN 1 AND 240 AND validity_months BETWEEN 1 AND 240 AND grace_days BETWEEN 0 AND 366)',
        'Months of a preview are from 1 to 240, days of grace from 0 to 366.',
    )

    # === COMPUTE ===#

    @api.depends('state', 'asked_by')
    @api.depends_context('uid')
    def _compute_can_approve(self):
        for preview in self:
            preview.can_approve = preview.state == 'approval' and preview._may_approve()

    @api.depends(
        *RULE_SETTINGS,
        'as_of',
        'programme_id',
        'threshold_ids.is_used',
        'threshold_ids.amount',
        'threshold_ids.count',
        'threshold_ids.keeps_differently',
        'threshold_ids.keep_amount',
        'threshold_ids.keep_count',
    )
    @api.depends_context('lang')
    def _compute_change_text(self):
        for preview in self:
            lines = preview._change_lines() if preview.programme_id and preview.as_of else []
            preview.change_text = Markup('').join(Markup('<div>%s</div>') % line for line in lines)

    def _change_lines(self):
        """Return what differs from the present rules, in words."""
        if self.state in ('scheduled', 'applied'):  # the programme follows or has followed
            return []
        lines = []
        for name in RULE_SETTINGS:
            field, before, after = self._fields[name], self.programme_id[name], self[name]
            if before == after:
                continue
            if field.type == 'selection':
                words = dict(field._description_selection(self.env))
                before, after = words.get(before), words.get(after)
            elif field.type == 'boolean':
                words = {True: self.env._('yes'), False: self.env._('no')}
                before, after = words[before], words[after]
            label = field.get_description(self.env, ['string'])['string']
            lines.append(
                self.env._(
                    '%(setting)s: %(after)s (now %(before)s)',
                    setting=label,
                    before=before,
                    after=after,
                )
            )
        for row in self.threshold_ids:
            if row._is_change():
                lines.append(
                    self.env._(
                        '%(tier)s: %(after)s (now %(before)s)',
                        tier=row.tier_id.name,
                        before=row.present_text or '-',
                        after=row._threshold_text(),
                    )
                )
        return lines

    @api.constrains('as_of', 'programme_id')
    def _check_as_of(self):
        """Refuse days too far away to be meant."""
        for preview in self:
            today = preview.company_id._retail_today()
            first = today - relativedelta(months=PAST_MONTHS)
            last = today + relativedelta(months=FUTURE_MONTHS)
            if preview.state == 'draft' and not first <= preview.as_of <= last:
                raise ValidationError(
                    self.env._(
                        'Choose a day from %(first)s to %(last)s.',
                        first=format_date(self.env, first),
                        last=format_date(self.env, last),
                    )
                )

    # === CRUD ===#

    @api.model
    def default_get(self, fields):
        """Begin with the present rules."""
        values = super().default_get(fields)
        programme = self.env['retail.programme'].browse(values.get('programme_id'))
        if programme:
            values.update({name: programme[name] for name in RULE_SETTINGS if name in fields})
        return values

    @api.model
    def _of_programme(self, programme):
        """Return a new preview with the present rules of a programme."""
        day = programme.company_id._retail_today()
        return self.create(
            {
                'name': self.env._('Other rules, %(day)s', day=format_date(self.env, day)),
                'programme_id': programme.id,
                'as_of': day,
            }
        )

    @api.model_create_multi
    def create(self, vals_list):
        """Start with the present rules: settings and thresholds that are not given are those of the programme.

        :raise UserError: for a programme that does not run: nobody is a member yet
        """
        prepared = []
        for vals in vals_list:
            self._refuse_system_fields(vals)
            programme = self.env['retail.programme'].browse(
                vals.get('programme_id') or self.default_get(['programme_id']).get('programme_id')
            )
            present = {name: programme[name] for name in RULE_SETTINGS} if programme else {}
            prepared.append({**present, **vals})
        previews = super().create(prepared)
        for preview in previews:
            if preview.programme_id.state != 'running':
                raise UserError(
                    self.env._('A preview looks at members: start the programme first.')
                )
            preview._fill_thresholds()
        return previews

    def _fill_thresholds(self):
        """Add the tiers that have no row yet, with the thresholds that hold on the day."""
        self.ensure_one()
        missing = self.programme_id.tier_ids - self.threshold_ids.tier_id
        rows = self.env['retail.tier.preview.threshold']
        rows.create(
            [{**rows._prepare_present(tier, self.as_of), 'preview_id': self.id} for tier in missing]
        )

    def write(self, vals):
        """Refuse what would part the result from its rules.

        :raise UserError: saying so
        """
        self._refuse_system_fields(vals)
        if not self.env.su and (OWN_FIELDS - FREE_FIELDS) & set(vals):
            self._refuse_decided()
            if 'programme_id' in vals and any(
                preview.programme_id.id != vals['programme_id'] for preview in self
            ):
                raise UserError(self.env._('A preview stays with its programme.'))
        return super().write(vals)

    def _refuse_decided(self):
        """Refuse other rules beside a result, also one of which only the first batches are there.

        :raise UserError: saying so
        """
        if any(preview.work for preview in self):
            raise UserError(
                self.env._('Members are being compared by these rules: stop the computation first.')
            )
        if any(preview.state != 'draft' for preview in self):
            raise UserError(
                self.env._('Go back to the draft first: the result belongs to these rules.')
            )

    @api.model
    def _refuse_system_fields(self, vals):
        """Refuse callers from outside who write what only the steps of a preview write."""
        ours = {
            name
            for name in vals
            if name in self._fields and self._fields[name]._modules[:1] == ('retail_crm',)
        }
        if not self.env.su and ours - OWN_FIELDS:
            raise UserError(self.env._('Use the buttons: steps and results are not entered.'))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        if any(preview.state in ('scheduled', 'applied') for preview in self):
            raise UserError(
                self.env._('Rules that went live stay on record. Cancel a planned change first.')
            )

    # === STEPS ===#

    def _check_manager(self):
        """Refuse whoever does not set the rules.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can change the rules.'))
        self.check_access('write')

    def _check_state(self, *states):
        """Refuse a step out of turn.

        :raise UserError: saying so
        """
        names = dict(self._fields['state']._description_selection(self.env))
        for preview in self:
            if preview.state not in states or preview.work:
                raise UserError(
                    self.env._(
                        'This cannot be done now: the preview is in the step "%(step)s".',
                        step=self.env._('Computing') if preview.work else names[preview.state],
                    )
                )

    def action_draft(self):
        """Go back to the rules: result and approval are gone.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self._check_manager()
        self._check_state('computed', 'approval', 'approved', 'cancelled')
        # sudo: checked above
        self.sudo()._forget('result', 'check')
        self.sudo().write(
            {
                'state': 'draft',
                'asked_by': False,
                'asked_on': False,
                'approved_by': False,
                'approved_on': False,
            }
        )

    def action_ask(self):
        """Ask another manager for approval.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self._check_manager()
        self._check_state('computed')
        self.sudo().write(  # sudo: checked above
            {
                'state': 'approval',
                'asked_by': self.env.uid,
                'asked_on': fields.Datetime.now(),
            }
        )

    def action_approve(self):
        """Approve the change with the result that is shown.

        :raise AccessError: for those who are no managers, and for the author when there is another manager
        """
        self._check_manager()
        self._check_state('approval')
        if not all(preview._may_approve() for preview in self):
            raise AccessError(self.env._('Another manager approves this change.'))
        self.sudo().write(  # sudo: checked above
            {
                'state': 'approved',
                'approved_by': self.env.uid,
                'approved_on': fields.Datetime.now(),
            }
        )

    def _may_approve(self):
        """Return whether the user may approve: not the author, when there is another manager.

        Where all managers had a part in it, whoever did not ask approves.
        """
        self.ensure_one()
        if not self.env.user.has_group('retail_crm.group_manager'):
            return False
        managers, authors = self._managers(), self.asked_by | self.create_uid
        others = managers - authors or managers - self.asked_by
        return self.env.user not in authors or self.env.user in others or not others

    def _managers(self):
        """Return the managers of the company."""
        # sudo: who manages is no secret to a manager
        managers = self.env.ref('retail_crm.group_manager').sudo().all_user_ids
        return managers.filtered(
            lambda user: (
                user.active and not user.share and self.company_id in user.company_ids.root_id
            )
        )

    def _form_action(self):
        """Return the action that opens the preview."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
        }
