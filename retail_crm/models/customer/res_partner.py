from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: Who may see figures: our own staff, and sales people on their orders and customers.
FIGURE_GROUPS = 'retail_crm.group_user,sales_team.group_sale_salesman'

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
}

# Changes of these fields move purchases to another customer or make somebody a customer.
_IDENTITY_FIELDS = {'parent_id', 'is_company', 'retail_customer', 'company_type'}


class ResPartner(models.Model):
    """Customers: what was entered about them, and a look at their profile in the current company."""

    _inherit = 'res.partner'

    retail_customer = fields.Boolean(
        string='Retail Customer',
        compute='_compute_retail_customer',
        store=True,
        readonly=False,
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
    retail_first_order_date = fields.Date(related='retail_profile_id.first_order_date', groups=FIGURE_GROUPS)
    retail_last_order_date = fields.Date(related='retail_profile_id.last_order_date', groups=FIGURE_GROUPS)
    retail_order_count = fields.Integer(related='retail_profile_id.order_count', groups=FIGURE_GROUPS)
    retail_order_count_12m = fields.Integer(related='retail_profile_id.order_count_12m', groups=FIGURE_GROUPS)
    retail_spend_total = fields.Monetary(
        related='retail_profile_id.spend_total', currency_field='retail_currency_id', groups=FIGURE_GROUPS
    )
    retail_spend_12m = fields.Monetary(
        related='retail_profile_id.spend_12m', currency_field='retail_currency_id', groups=FIGURE_GROUPS
    )
    retail_spend_prev_12m = fields.Monetary(
        related='retail_profile_id.spend_prev_12m', currency_field='retail_currency_id', groups=FIGURE_GROUPS
    )
    retail_spend_trend = fields.Float(related='retail_profile_id.spend_trend', groups=FIGURE_GROUPS)
    retail_margin_12m = fields.Monetary(
        related='retail_profile_id.margin_12m', currency_field='retail_currency_id', groups=FIGURE_GROUPS
    )
    retail_average_order = fields.Monetary(
        related='retail_profile_id.average_order', currency_field='retail_currency_id', groups=FIGURE_GROUPS
    )
    retail_mean_gap_days = fields.Float(related='retail_profile_id.mean_gap_days', groups=FIGURE_GROUPS)
    retail_expected_next_date = fields.Date(
        related='retail_profile_id.expected_next_date', groups=FIGURE_GROUPS
    )

    # === COMPUTE ===#

    @api.depends('partner_share')
    @api.depends_context('res_partner_search_mode')
    def _compute_retail_customer(self):
        supplier = self.env.context.get('res_partner_search_mode') == 'supplier'
        for partner in self:
            partner.retail_customer = partner.partner_share and not (supplier and not partner._origin)

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_retail_profile_id(self):
        """One query for any number of contacts, which fetches the figures as well."""
        # sudo: the field's groups decide who sees figures; the company is the user's current one
        profiles = self.env['retail.profile'].sudo().search_fetch(
            [
                ('partner_id', 'in', self.commercial_partner_id.ids),
                ('company_id', '=', self.env.company.root_id.id),
            ],
            ['partner_id', *PROFILE_FIELDS.values()],
            order='id',
        )
        by_partner = {profile.partner_id.id: profile.id for profile in profiles}
        for partner in self:
            partner.retail_profile_id = by_partner.get(partner.commercial_partner_id.id, False)

    @api.depends_context('company')
    def _compute_retail_currency_id(self):
        self.retail_currency_id = self.env.company.currency_id

    def _search_retail_profile_id(self, operator, value):
        """Search contacts by the profile of their commercial partner in the current company; False: without any."""
        if operator not in ('in', 'any', 'any!'):
            return NotImplemented
        company = Domain('company_id', '=', self.env.company.root_id.id)
        Profile = self.env['retail.profile'].sudo()  # sudo: as in the compute
        if operator == 'in':
            ids = [profile_id for profile_id in value if profile_id]
            found = Domain('commercial_partner_id', 'in', self._partners_of(Profile._search(company & Domain('id', 'in', ids))))
            if False not in value:
                return found
            known = Domain('commercial_partner_id', 'in', self._partners_of(Profile._search(company)))
            return found | ~known
        if isinstance(value, Domain):
            value = Profile._search(company & value)
        return Domain('commercial_partner_id', 'in', self._partners_of(value))

    def _partners_of(self, profiles):
        """Return the partner ids of a query on profiles as a sub-select."""
        return profiles.subselect(SQL.identifier(profiles.table, 'partner_id'))

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

    # === CRUD ===#

    def write(self, vals):
        """Announce changes of who the customer is, so that purchases follow."""
        result = super().write(vals)
        if _IDENTITY_FIELDS & set(vals):
            self.env['retail.moment']._emit('partner_changed', self)
        return result

    def unlink(self):
        """Take the derived rows of deleted contacts along; what they are derived from still forbids the deletion."""
        if self.ids:
            for table in ('retail_profile', 'retail_purchase'):
                self.env.cr.execute(
                    SQL('DELETE FROM %s WHERE partner_id = ANY(%s)', SQL.identifier(table), self.ids)
                )
            self.env['retail.profile'].invalidate_model()
            self.env['retail.purchase'].invalidate_model()
        return super().unlink()

    # === ACTIONS ===#

    def action_retail_refresh(self):
        """Bring the purchases and figures of these customers up to date now.

        :raise AccessError: for those who may not read the customers
        """
        self.check_access('read')
        Purchase = self.env['retail.purchase'].sudo()  # sudo: derives figures, which the button's user may read
        family = self.with_context(active_test=False).sudo().search(
            [('id', 'child_of', self.commercial_partner_id.ids)]
        )
        if not self.env['retail.profile'].sudo()._try_lock():
            message, kind = self.env._('Figures are being computed right now. Try again in a moment.'), 'warning'
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
