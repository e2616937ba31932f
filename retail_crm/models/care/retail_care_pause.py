from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ._care import FAMILIES

#: What a pause stops.
SCOPES = [
    ('all', 'All contacts by rule'),
    ('marketing', 'Marketing by rule'),
    ('family', 'Contacts of one kind'),
    ('rule', 'Contacts of one rule'),
]


class RetailCarePause(models.Model):
    """A customer is left in peace until a day: by all rules, by marketing, those of a kind, or one (S-FUP-13).

    Made by staff, for example after a complaint about contacts, and by the result "refused". Holds on its last day too and
    ends by itself; what falls due meanwhile is skipped, not kept for later. What an employee does by hand is never stopped,
    only warned about. A pause of a company or person holds for its contacts too.
    """

    _name = 'retail.care.pause'
    _description = 'Pause of Contacts'
    _order = 'until desc, id desc'
    _rec_name = 'partner_id'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company.sudo().root_id,  # sudo: staff of a branch
        ondelete='cascade',
    )
    scope = fields.Selection(
        selection=SCOPES, required=True, default='all', help='What the pause stops.'
    )
    family = fields.Selection(selection=FAMILIES, help='Kind of contact that pauses.')
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule',
        index='btree_not_null',
        ondelete='cascade',
        help='Rule that pauses for this customer.',
    )
    until = fields.Date(
        required=True,
        default=lambda self: self._default_until(),
        help='Last day of the pause. The day after, contacts go on by themselves.',
    )
    reason = fields.Char(required=True, help='Why, for colleagues: what the customer said.')
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='By',
        readonly=True,
        default=lambda self: self.env.user,
        ondelete='restrict',
        help='Who made the pause.',
    )
    followup_id = fields.Many2one(
        comodel_name='retail.followup',
        string='After Follow-Up',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='Contact after which the customer asked to be left in peace.',
    )
    is_running = fields.Boolean(
        string='Running',
        compute='_compute_is_running',
        search='_search_is_running',
        help='The pause holds today.',
    )

    _check_scope = models.Constraint(
        "CHECK((scope = 'family') = (family IS NOT NULL) AND (scope = 'rule') = (rule_id IS NOT NULL))",
        'Choose the kind of contact or the rule that pauses.',
    )

    @api.model
    def _default_until(self):
        company = self.env.company.sudo().root_id  # sudo: staff of a branch
        return company._retail_today() + timedelta(days=company.retail_care_pause_days or 90)

    @api.depends('until', 'company_id')
    def _compute_is_running(self):
        for pause in self:
            # sudo: the company's day
            today = (pause.company_id or self.env.company).sudo()._retail_today()
            pause.is_running = bool(pause.until and pause.until >= today)

    def _search_is_running(self, operator, value):
        if operator != 'in':
            return NotImplemented
        running = Domain.OR(
            Domain('company_id', '=', company.id) & Domain('until', '>=', company._retail_today())
            for company in self.env['res.company']._retail_roots()
        )
        wanted = {bool(item) for item in value}
        if len(wanted) == 2:
            return Domain.TRUE
        return running if True in wanted else ~running

    @api.constrains('until')
    def _check_until(self):
        """A pause that has ended before it began would only look like one; ending one early is allowed."""
        for pause in self:
            if pause.until < pause.create_date.date() - timedelta(days=1):
                raise ValidationError(self.env._('A pause ends today or later.'))

    @api.model_create_multi
    def create(self, vals_list):
        """Empty what the chosen scope has no use for: forms keep what was entered before another choice."""
        for vals in vals_list:
            self._fit_scope(
                vals, vals.get('scope') or self.env.context.get('default_scope') or 'all'
            )
        pauses = super().create(vals_list)
        pauses.partner_id.invalidate_recordset(['retail_summary'])
        return pauses

    def write(self, vals):
        if vals.get('scope'):
            vals = dict(vals)
            self._fit_scope(vals, vals['scope'])
        result = super().write(vals)
        self.partner_id.invalidate_recordset(['retail_summary'])
        return result

    @api.model
    def _fit_scope(self, vals, scope):
        if scope != 'family':
            vals['family'] = False
        if scope != 'rule':
            vals['rule_id'] = False

    def action_end(self):
        """End pauses: from today on contacts go on."""
        self.check_access('write')
        for company, pauses in self.filtered('is_running').grouped('company_id').items():
            # sudo: the company's day; rights were checked
            pauses.write({'until': company.sudo()._retail_today() - timedelta(days=1)})

    # === ASKING ===#

    @api.model
    def _holding(self, partners, company, day):
        """Return the pauses of customers, and of those they belong to, that hold on a day in a company."""
        # sudo: whoever asks must respect them
        customers = partners | partners.sudo().commercial_partner_id
        return self.sudo().search(
            [
                ('partner_id', 'in', customers.ids),
                ('company_id', '=', company.id),
                ('until', '>=', day),
            ]
        )

    def _covers(self, rule, family):
        """Return whether one pause stops contacts of a rule and kind."""
        if self.scope == 'rule':
            return self.rule_id == rule
        if self.scope == 'marketing':
            return rule.purpose == 'marketing'
        return self.scope == 'all' or self.family == family

    def _words(self):
        """Return one pause as staff read it: ``until 3 May (asked for fewer messages)``."""
        day = self.env['retail.followup']._date_words(self.until)
        return self.env._('until %(day)s: %(reason)s', day=day, reason=self.reason)
