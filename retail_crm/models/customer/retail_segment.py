from random import randint

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

#: Customers shown of a rule that is being written.
SAMPLE = 10
#: Customers that the list of a rule's customers opens with.
MAX_OPENED = 5000
#: Fields that say who belongs to a segment.
RULE_FIELDS = {'domain', 'match', 'condition_ids', 'exclude_refused'}
#: Fields that the system writes: what callers from outside say of them is ignored.
SYSTEM_FIELDS = {
    'is_sensitive',
    'member_count',
    'computed_at',
    'attempted_at',
    'is_pending',
    'error',
}


class RetailSegment(models.Model):
    """A group of customers by a rule: who belongs to it is computed, and who entered and left is kept.

    Staff write the rule; ``_recompute`` (retail_segment_refresh.py) writes ``retail.segment.member`` and the counts.
    A rule is about customers of one company and is evaluated there, with the figures of that company. Invariant: the
    open rows of a segment are the customers for whom the rule held when it was last computed without error.
    """

    _name = 'retail.segment'
    _description = 'Segment'
    _order = 'sequence, name, id'
    _check_company_auto = True

    def _default_color(self):
        return randint(1, 11)

    name = fields.Char(required=True, translate=True)
    description = fields.Text(
        translate=True, help='Who these customers are, and what the segment is used for.'
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.root_id,
        domain=[('parent_id', '=', False)],
        index=True,
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        index='btree_not_null',
        ondelete='set null',
        help='Looks after this segment: whether its rule still fits, and what it is used for.',
    )
    active = fields.Boolean(default=True)
    color = fields.Integer(default=lambda self: self._default_color())
    sequence = fields.Integer(default=10)
    is_marketing = fields.Boolean(
        string='For Marketing',
        default=True,
        help='May be chosen for offers and campaigns. Off: for service and reports only.',
    )
    # --- rule
    domain = fields.Char(
        string='Rule',
        required=True,
        default='[]',
        help='What must be true of a customer. Days may move with the calendar, for example "today -30d".',
    )
    match = fields.Selection(
        selection=[('all', 'All of them'), ('any', 'At least one of them')],
        string='Must Be True',
        required=True,
        default='all',
        help='Whether a customer must fulfil the rule and all conditions, or one of them.',
    )
    condition_ids = fields.One2many(
        comodel_name='retail.segment.condition',
        inverse_name='segment_id',
        string='Conditions',
        copy=True,
        help='What the customer bought, or agreed to.',
    )
    exclude_refused = fields.Boolean(
        string='Leave Out Who Refused Profiling',
        default=True,
        help='Customers who withdrew their consent to profiling are left out, companies also when one of their '
        'contacts did. Turn it off only for segments that the service needs and that no offer is made from.',
    )
    is_sensitive = fields.Boolean(
        string='Uses Sensitive Data',
        compute='_compute_is_sensitive',
        store=True,
        help='The rule is about income or funds: only those who may see these see the segment and its customers.',
    )
    # --- result
    member_count = fields.Integer(
        string='Customers',
        readonly=True,
        copy=False,
        help='How many customers belong to the segment, as last computed.',
    )
    entered_count = fields.Integer(
        string='Entered, 30 Days',
        compute='_compute_movements',
        help='How often customers entered in the last 30 days, without those who entered because the rule changed.',
    )
    left_count = fields.Integer(
        string='Left, 30 Days',
        compute='_compute_movements',
        help='How often customers left in the last 30 days, without those who left because the rule changed.',
    )
    computed_at = fields.Datetime(
        string='Last Computed',
        readonly=True,
        copy=False,
        help='When all customers were last compared with the rule.',
    )
    attempted_at = fields.Datetime(
        string='Last Attempt',
        readonly=True,
        copy=False,
        help='When it was last tried. Later than the last computation: it failed.',
    )
    is_pending = fields.Boolean(
        string='Rule Changed',
        readonly=True,
        copy=False,
        default=True,
        help='The rule is new or changed: customers follow with the next computation, within minutes.',
    )
    error = fields.Text(
        readonly=True,
        copy=False,
        help='Why the segment could not be computed. Its customers stay as they were until the rule is mended.',
    )
    # --- preview
    show_preview = fields.Boolean(
        store=False,
        help='Count the customers for whom the rule holds at this moment, also while it is being written. Looks at all '
        'customers, which may take seconds.',
    )
    preview_count = fields.Integer(
        string='Matching Customers',
        compute='_compute_preview',
        help='How many customers the rule holds for at this moment.',
    )
    preview_partner_ids = fields.Many2many(
        comodel_name='res.partner',
        string='First Customers',
        compute='_compute_preview',
        help='The first customers for whom the rule holds at this moment.',
    )
    preview_error = fields.Char(
        string='Problem',
        compute='_compute_preview',
        help='Why the rule cannot be used as it is.',
    )

    # === COMPUTE ===#

    @api.depends('domain')
    def _compute_is_sensitive(self):
        for segment in self:
            segment.is_sensitive = segment._reads_sensitive_fields()

    @api.depends('computed_at', 'member_count')
    def _compute_movements(self):
        """Count who moved in the last 30 days, in two queries for all segments."""
        since = fields.Date.subtract(fields.Date.context_today(self), days=30)
        counts = {}
        for way in ('entered', 'left'):
            counts[way] = dict(
                self.env['retail.segment.member']
                # sudo: how many is no secret to who sees the segment
                .sudo()
                ._read_group(
                    [
                        ('segment_id', 'in', self._origin.ids),
                        (f'{way}_on', '>', since),
                        (f'{way}_reason', '!=', 'rule'),
                    ],
                    ['segment_id'],
                    ['__count'],
                )
            )
        for segment in self:
            segment.entered_count = counts['entered'].get(segment._origin, 0)
            segment.left_count = counts['left'].get(segment._origin, 0)

    @api.depends(
        'show_preview',
        'domain',
        'match',
        'exclude_refused',
        'company_id',
        'condition_ids',
        'condition_ids.kind',
        'condition_ids.product_ids',
        'condition_ids.category_ids',
        'condition_ids.store_ids',
        'condition_ids.channel_ids',
        'condition_ids.months',
        'condition_ids.min_count',
        'condition_ids.min_amount',
        'condition_ids.percent',
        'condition_ids.purpose',
    )
    def _compute_preview(self):
        """Show for whom the rule holds as it stands on the screen, saved or not, with the user's own rights.

        Only when asked: who opens a segment waits for no rule.
        """
        for segment in self:
            segment.preview_count, segment.preview_error = 0, False
            segment.preview_partner_ids = False
            if not segment.show_preview:
                continue
            try:
                segment._check_rule()
                count, ids = segment._preview()
            except ValidationError as error:
                segment.preview_error = error.args[0]
                continue
            segment.preview_count = count
            visible = self.env['res.partner'].browse(ids)._filtered_access('read')
            segment.preview_partner_ids = visible

    # === CONSTRAINTS ===#

    @api.constrains('company_id')
    def _check_company_id(self):
        self.company_id._retail_check_main(
            self.env._(
                'A segment holds for a company with all its branches: choose the main company.'
            )
        )

    @api.constrains('domain', 'match', 'exclude_refused', 'company_id')
    def _check_domain(self):
        """Refuse a rule that cannot be computed, or that its author may not ask (field groups)."""
        for segment in self:
            segment._check_rule()
            segment._try_rule()

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_given_rule(vals)
        segments = super().create([self._without_system_fields(vals) for vals in vals_list])
        segments._rule_changed()
        return segments

    def write(self, vals):
        if 'company_id' in vals and any(
            segment.company_id.id != vals['company_id'] for segment in self
        ):
            raise ValidationError(
                self.env._(
                    'A segment stays with its company: copy it to the other company instead.'
                )
            )
        self._check_given_rule(vals)
        result = super().write(self._without_system_fields(vals))
        if RULE_FIELDS & set(vals) or vals.get('active'):
            self._rule_changed()
        elif 'active' in vals:
            self.env.registry.clear_cache()  # of _watched_fields
        return result

    @api.model
    def _check_given_rule(self, vals):
        """Say which field its author may not use, before the segment would be hidden from him for it."""
        if 'domain' in vals:
            self.new(
                {'name': vals.get('name') or self[:1].name, 'domain': vals['domain']}
            )._check_rule()

    @api.model
    def _without_system_fields(self, vals):
        if self.env.su:
            return vals
        return {name: value for name, value in vals.items() if name not in SYSTEM_FIELDS}

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()  # of _watched_fields
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for segment, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._('%(name)s (copy)', name=segment.name)
        return vals_list

    def _rule_changed(self):
        """Have all customers compared with the rule soon; until then nobody enters or leaves one by one."""
        if not self:
            return
        self.env.registry.clear_cache()  # of _watched_fields
        # sudo: run times are nobody's to write
        self.sudo().write({'is_pending': True, 'attempted_at': False})
        cron = self.env.ref('retail_crm.ir_cron_segments', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    # === ACTIONS ===#

    def action_recompute(self):
        """Compute who belongs to these segments now.

        :raise AccessError: for those who may not write them
        """
        self.check_access('write')
        segments_sudo = self.sudo()  # sudo: checked above; members are nobody's to write
        if not segments_sudo._try_lock():
            kind, message = (
                'warning',
                self.env._('Segments are being computed right now. Try again in a moment.'),
            )
        else:
            segments_sudo._recompute_safely()
            if failed := segments_sudo.filtered('error'):
                kind, message = 'danger', '\n'.join(failed.mapped('error'))
            else:
                kind = 'success'
                message = self.env._(
                    'Computed: %(count)s customers.', count=sum(self.mapped('member_count'))
                )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_open_matching(self):
        """Open the customers for whom the rule holds at this moment, whether they are members yet or not.

        :raise ValidationError: for a rule that this user may not ask
        """
        self.ensure_one()
        self.check_access('read')
        self._check_rule()
        _count, ids = self._preview(MAX_OPENED)
        return {
            **self._customers_action(),
            'display_name': self.env._('%(segment)s: matching now', segment=self.name),
            'domain': [('id', 'in', ids)],
        }

    def action_open_customers(self):
        """Open the contacts that belong to the segment."""
        self.ensure_one()
        self.check_access('read')
        return {
            **self._customers_action(),
            'display_name': self.name,
            'domain': [('retail_segment_ids', 'in', self.ids)],
        }

    def _customers_action(self):
        """Return the action of the customers, without its usual filters."""
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.res_partner_action_customers'
        )
        return {**action, 'context': {}}

    def action_open_members(self):
        """Open who belongs to the segment, and who entered and left."""
        return self._open_of_segments('retail_crm.retail_segment_member_action')

    def action_open_comparison(self):
        """Open these segments side by side (S-SEG-29)."""
        return self._open_of_segments('retail_crm.retail_segment_report_action')

    def _open_of_segments(self, xmlid):
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(xmlid)
        self.env[action['res_model']].check_access('read')
        return {**action, 'domain': [('segment_id', 'in', self.ids)]}

    def action_open_products(self):
        """Open what the customers of the segment buy most.

        :raise AccessError: for those who may not see the sales analysis
        """
        self.ensure_one()
        self.check_access('read')
        self.env['sale.report'].check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.sale_report_action_product'
        )
        return {
            **action,
            'display_name': self.env._('%(segment)s: top products', segment=self.name),
            'domain': [
                ('state', 'not in', ('draft', 'sent', 'cancel')),
                ('retail_segment_ids', 'in', self.ids),
            ],
        }

    def action_copy_to_company(self):
        """Copy these segments into the current company, with their conditions as far as they make sense there.

        :raise AccessError: for those who may not make segments
        """
        if not self.has_access('create'):
            raise AccessError(self.env._('Only marketing and managers make segments.'))
        self.check_access('read')
        root = self.env.company.root_id
        others = self.filtered(lambda segment: segment.company_id != root)
        if not others:
            return {
                'type': 'ir.actions.client',
                'tag': 'display_notification',
                'params': {
                    'type': 'warning',
                    'message': self.env._(
                        'These are segments of the current company. Switch to the company that should get them, '
                        'keeping this one ticked.'
                    ),
                },
            }
        copies = self.browse()
        for segment in others:
            # under the same name, in all languages
            copy = segment.copy({'company_id': root.id, 'name': segment.name})
            copy._copy_translations_of(segment)
            copies += copy
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Copied Segments'),
            'res_model': 'retail.segment',
            'view_mode': 'list,form',
            'domain': [('id', 'in', copies.ids)],
        }

    def _copy_translations_of(self, segment):
        """Take over the name in all languages: a copy has it in the user's only."""
        for lang, _name in self.env['res.lang'].get_installed():
            self.with_context(lang=lang).name = segment.with_context(lang=lang).name
