import operator

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

#: Who may see figures: our own staff, and sales people on the customers and orders they see anyway.
FIGURE_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing,sales_team.group_sale_salesman'

#: Figures shown on contacts: ``{field of the contact: field of the profile}``.
PROFILE_FIELDS = {
    'retail_first_order_date': 'first_order_date',
    'retail_last_order_date': 'last_order_date',
    'retail_order_count': 'order_count',
    'retail_order_count_12m': 'order_count_12m',
    'retail_spend_total': 'spend_total',
    'retail_spend_12m': 'spend_12m',
    'retail_spend_prev_12m': 'spend_prev_12m',
    'retail_spend_trend': 'spend_trend',
    'retail_margin_12m': 'margin_12m',
    'retail_average_order': 'average_order',
    'retail_mean_gap_days': 'mean_gap_days',
    'retail_expected_next_date': 'expected_next_date',
    'retail_lifecycle': 'lifecycle',
    'retail_lifecycle_stage': 'lifecycle_stage',
    'retail_ladder': 'ladder',
    'retail_coarse_class': 'coarse_class',
    'retail_rfm_code': 'rfm_code',
    'retail_rfm_group': 'rfm_group',
    'retail_abc_class': 'abc_class',
    'retail_star_class': 'star_class',
    'retail_is_high_value': 'is_high_value',
    'retail_loyalty_score': 'loyalty_score',
    'retail_churn_level': 'churn_level',
    'retail_clv_past': 'clv_past',
    'retail_clv_next_12m': 'clv_next_12m',
    'retail_data_quality': 'data_quality',
    'retail_data_band': 'data_band',
}

#: Further figures that the sentences on the card are made of.
_SENTENCE_FIELDS = [
    'company_id',
    'interval_days',
    'is_falling',
    'order_count_prev_12m',
    'loyalty_purchase',
]

#: Customers that one button press may refresh; more are a matter of the background.
MAX_REFRESH = 1000

#: Figures of the customer shown on orders: ``{field of the order: field of the profile}``.
CARD_FIELDS = {
    'retail_currency_id': 'currency_id',
    'retail_last_order_date': 'last_order_date',
    'retail_order_count': 'order_count',
    'retail_spend_12m': 'spend_12m',
    'retail_average_order': 'average_order',
    'retail_expected_next_date': 'expected_next_date',
    'retail_lifecycle': 'lifecycle',
    'retail_abc_class': 'abc_class',
    'retail_is_high_value': 'is_high_value',
}

# Changes of these fields move purchases to another customer or make somebody a customer.
_IDENTITY_FIELDS = {'parent_id', 'is_company', 'retail_customer', 'company_type'}

_COMPARE = {'<': operator.lt, '<=': operator.le, '>': operator.gt, '>=': operator.ge}


def figure(field_class, name, **attributes):
    """Return a field of the contact that shows the figure ``name`` of its profile in the current company.

    Not a related field: the ORM's search through an empty relation takes "more than 0" for "empty or more than 0".
    """
    return field_class(
        # a compute of its own: a list shows two of the twelve and should not pay for all
        compute=lambda self: self._compute_retail_figure(name),
        depends=('retail_profile_id',),
        depends_context=('company',),
        search=lambda self, operator_, value: self._search_retail_figure(name, operator_, value),
        groups=FIGURE_GROUPS,
        **attributes,
    )


class ResPartner(models.Model):
    """Customers: what was entered about them, and a look at their profile in the current company."""

    _inherit = 'res.partner'

    retail_customer = fields.Boolean(
        compute='_compute_retail_customer',
        store=True,
        readonly=False,
        default=True,
        help='Takes part in figures, tiers and segments. Off for suppliers, employees and branches.',
    )
    retail_profile_id = fields.Many2one(
        comodel_name='retail.profile',
        string='Profile',
        compute='_compute_retail_profile_id',
        search='_search_retail_profile_id',
        groups=FIGURE_GROUPS,
        help='Figures of the customer in the current company. Contacts of a company show those of the company.',
    )
    retail_currency_id = fields.Many2one(
        comodel_name='res.currency',
        string='Figures Currency',
        compute='_compute_retail_currency_id',
    )
    retail_first_order_date = figure(fields.Date, 'first_order_date', string='First Purchase')
    retail_last_order_date = figure(
        fields.Date,
        'last_order_date',
        string='Last Purchase',
        help='Day of the last purchase that was not returned as a whole.',
    )
    retail_order_count = figure(fields.Integer, 'order_count', string='Purchases')
    retail_order_count_12m = figure(
        fields.Integer,
        'order_count_12m',
        string='Purchases, 12 Months',
        help='Purchases of the last 12 months up to today.',
    )
    retail_spend_total = figure(
        fields.Monetary,
        'spend_total',
        string='Spent',
        currency_field='retail_currency_id',
        help='Net of tax and returns, in the company currency, since the first purchase.',
    )
    retail_spend_12m = figure(
        fields.Monetary,
        'spend_12m',
        string='Spent, 12 Months',
        currency_field='retail_currency_id',
        help='Net of tax and returns, the last 12 months up to today.',
    )
    retail_spend_prev_12m = figure(
        fields.Monetary,
        'spend_prev_12m',
        string='Spent, 12 Months Before',
        currency_field='retail_currency_id',
        help='Net of tax and returns, the 12 months before those.',
    )
    retail_spend_trend = figure(
        fields.Float,
        'spend_trend',
        string='Trend (%)',
        digits=(16, 1),
        aggregator=None,
        help='Change of the amount spent in the last 12 months against the 12 months before, in percent. '
        'Empty when nothing was spent before.',
    )
    retail_margin_12m = figure(
        fields.Monetary,
        'margin_12m',
        string='Margin, 12 Months',
        currency_field='retail_currency_id',
        help='Margin on the amount spent in the last 12 months.',
    )
    retail_average_order = figure(
        fields.Monetary,
        'average_order',
        string='Average Purchase',
        currency_field='retail_currency_id',
        aggregator='avg',
        help='Amount spent divided by purchases.',
    )
    retail_mean_gap_days = figure(
        fields.Float,
        'mean_gap_days',
        string='Days Between Purchases',
        digits=(16, 2),
        aggregator='avg',
        help='Mean number of days from one purchase day to the next. Empty with a single purchase day.',
    )
    retail_expected_next_date = figure(
        fields.Date,
        'expected_next_date',
        string='Next Purchase Expected',
        help="Last purchase plus the customer's own interval: (sum of own gaps + 2 x usual gap of all customers) / "
        '(number of own gaps + 2), at least 7 days.',
    )

    # === COMPUTE ===#

    @api.depends('partner_share')
    def _compute_retail_customer(self):
        """Employees are no customers; for all others what was entered stays."""
        for partner in self:
            partner.retail_customer = partner.partner_share and partner.retail_customer

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_retail_profile_id(self):
        """One query for any number of contacts, which fetches the figures as well."""
        # sudo: the field's groups decide who sees figures; the company is the user's current one
        profiles = (
            self.env['retail.profile']
            .sudo()
            .search_fetch(
                [
                    ('partner_id', 'in', self.commercial_partner_id._origin.ids),
                    ('company_id', '=', self.env.company.root_id.id),
                ],
                ['partner_id', *PROFILE_FIELDS.values(), *self._sentence_fields()],
                order='id',
            )
        )
        by_partner = {profile.partner_id.id: profile.id for profile in profiles}
        for partner in self:
            partner.retail_profile_id = by_partner.get(
                partner.commercial_partner_id._origin.id, False
            )

    @api.model
    def _sentence_fields(self):
        """Hook: return the further figures that the sentences on the card are made of."""
        return _SENTENCE_FIELDS

    def _compute_retail_figure(self, name):
        """Show one figure of the profile, from the cache that ``_compute_retail_profile_id`` filled."""
        field = self._fields[f'retail_{name}']
        for partner in self.sudo():  # sudo: as in _compute_retail_profile_id
            # Not by assignment, which reads the currency to round what is rounded already (design 8: one query).
            value = partner.retail_profile_id[name]
            field._update_cache(partner, field.convert_to_cache(value, partner, validate=False))

    @api.depends_context('company')
    def _compute_retail_currency_id(self):
        self.retail_currency_id = self.env.company.currency_id

    def _search_retail_profile_id(self, operator_, value):
        """Search contacts by the profile of their commercial partner in the current company; False: without any."""
        if operator_ == 'in':
            profiles = Domain('id', 'in', [profile_id for profile_id in value if profile_id])
            return self._domain_of_profiles(profiles, with_empty=False in value)
        if operator_ in ('any', 'any!') and isinstance(value, Domain):
            return self._domain_of_profiles(value)
        return NotImplemented

    def _search_retail_figure(self, name, operator_, value):
        """Search contacts by a figure; contacts without profile have empty dates and the number 0."""
        if operator_ == 'in':
            with_empty = any(not item for item in value)
        elif operator_ in _COMPARE:
            is_number = self.env['retail.profile']._fields[name].type != 'date'
            with_empty = is_number and _COMPARE[operator_](0, value)
        elif operator_ in ('like', 'ilike', '=like', '=ilike') and value:
            with_empty = False
        else:
            return NotImplemented
        return self._domain_of_profiles(Domain(name, operator_, value), with_empty)

    def _domain_of_profiles(self, domain, with_empty=False):
        """Return the domain of contacts with such a profile in the current company, or also of those without any.

        An EXISTS on the profile's key: ``NOT IN`` a list of a million customers would be compared one by one.
        """
        # Odoo asks for a field's groups in a domain only where it reads the field's column, not in its search method.
        self._check_field_access(self._fields['retail_profile_id'], 'read')
        company = Domain('company_id', '=', self.env.company.root_id.id)
        Profile = self.env[
            'retail.profile'
        ].sudo()  # sudo: the fields' groups, checked above, decide
        condition = company & (~Domain(domain) if with_empty else Domain(domain))

        def to_sql(_model, alias, _query):
            profiles = Profile._search(condition)
            profiles.add_where(
                SQL(
                    '%s = %s',
                    SQL.identifier(profiles.table, 'partner_id'),
                    SQL.identifier(alias, 'commercial_partner_id'),
                )
            )
            exists = SQL('EXISTS (%s)', profiles.select(SQL('1')))
            return SQL('NOT %s', exists) if with_empty else exists

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Read the profile's columns through one LEFT JOIN, so that contacts can be sorted and grouped by figures.

        Only commercial partners have a row: the contacts of a company are empty here, so that sums count once.
        """
        fname = field_expr.partition('.')[0]
        field = self._fields.get(fname)
        if query is None or (fname != 'retail_profile_id' and fname not in PROFILE_FIELDS):
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(field, 'read')
        join_alias = query.make_alias(alias, 'retail_profile')
        query.add_join(
            'LEFT JOIN',
            join_alias,
            'retail_profile',
            SQL(
                '%s = %s AND %s = %s',
                SQL.identifier(join_alias, 'partner_id'),
                SQL.identifier(alias, 'id'),
                SQL.identifier(join_alias, 'company_id'),
                self.env.company.root_id.id,
            ),
        )
        column = 'id' if fname == 'retail_profile_id' else PROFILE_FIELDS[fname]
        return self.env['retail.profile'].sudo()._field_to_sql(join_alias, column, query)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Sort contacts without figures like 0, and those without a date last: PostgreSQL would put them before the best."""
        kind = self._fields[field_name].type
        if field_name in PROFILE_FIELDS and not nulls.code and kind != 'selection':
            first = kind not in ('date', 'char') and direction.code != 'DESC'
            nulls = SQL('NULLS FIRST') if first else SQL('NULLS LAST')
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        """Take contacts made as suppliers (purchases, vendor bills) for no customers unless told otherwise."""
        if self.env.context.get('res_partner_search_mode') == 'supplier':
            vals_list = [{'retail_customer': False, **vals} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Announce changes of who the customer is, so that purchases follow."""
        result = super().write(vals)
        if _IDENTITY_FIELDS & set(vals):
            self._announce_changed()
        return result

    def _announce_changed(self):
        """Announce changed contacts, each once in a transaction: listeners look at it when that is over.

        Announced quietly (an import, a merge), a contact is announced again when somebody changes it.
        """
        context = self.env.context
        quiet = bool(context.get('import_file') or context.get('retail_crm_quiet'))
        # emptied at commit and at any rollback
        announced = self.env.cr.precommit.data.setdefault('retail_crm.partner_announced', {})
        partners = self.browse(
            [id_ for id_ in self._ids if id_ and announced.get(id_) not in (False, quiet)]
        )
        announced.update(dict.fromkeys(partners._ids, quiet))
        self.env['retail.moment']._emit('partner_changed', partners)

    def unlink(self):
        """Take the derived rows of deleted contacts along; what they are derived from still forbids the deletion."""
        self.check_access('unlink')
        # Contacts of a deleted company stand on their own: what they bought is theirs now.
        orphans = self.with_context(active_test=False).child_ids - self
        if self.ids:
            for table in ('retail_profile', 'retail_profile_change', 'retail_purchase'):
                self.env.cr.execute(
                    SQL(
                        'DELETE FROM %s WHERE partner_id = ANY(%s)', SQL.identifier(table), self.ids
                    )
                )
            for model in ('retail.profile', 'retail.profile.change', 'retail.purchase'):
                self.env[model].invalidate_model()
        result = super().unlink()
        self.env['retail.moment']._emit('partner_changed', orphans.exists())
        return result

    # === ACTIONS ===#

    def action_retail_refresh(self):
        """Bring the purchases and figures of these customers up to date now.

        :raise AccessError: for those who may not see the customers or their figures
        :raise UserError: for too many customers at once
        """
        if not self.env.user.has_groups(FIGURE_GROUPS):
            raise AccessError(self.env._('Only those who see customer figures may refresh them.'))
        if len(self) > MAX_REFRESH:
            raise UserError(
                self.env._('Choose at most %(count)s customers at a time.', count=MAX_REFRESH)
            )
        self.check_access('read')
        Purchase = self.env[
            'retail.purchase'
        ].sudo()  # sudo: derives figures, which the button's user may read
        family = (
            self.with_context(active_test=False)
            .sudo()
            .search([('id', 'child_of', self.commercial_partner_id.ids)])
        )
        if not self.env['retail.profile'].sudo()._try_lock():
            message, kind = (
                self.env._('Figures are being computed right now. Try again in a moment.'),
                'warning',
            )
        else:
            changed = Purchase._sync(Purchase._documents_of(family))
            Purchase._refresh_profiles({*changed, *self.commercial_partner_id.ids})
            message, kind = self.env._('The figures are up to date.'), 'success'
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_retail_purchases(self):
        """Open the purchases of the customer."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_purchase_action')
        return {
            **action,
            'domain': [
                ('partner_id', '=', self.commercial_partner_id.id),
                ('company_id', '=', self.env.company.root_id.id),
            ],
            'context': {},
        }
