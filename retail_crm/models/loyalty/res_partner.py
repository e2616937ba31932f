from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..customer.res_partner import FIGURE_GROUPS

#: What a contact shows of the membership: ``{field of the contact: column of the membership}``.
MEMBERSHIP_FIELDS = {'retail_tier_id': 'tier_id', 'retail_member_number': 'number'}


class ResPartner(models.Model):
    """Tier and number of the customer's membership in the current company; contacts of a company show the company's."""

    _inherit = 'res.partner'

    retail_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='Tier',
        compute='_compute_retail_membership',
        search='_search_retail_tier_id',
        groups=FIGURE_GROUPS,
        help='Tier that the customer holds in the programme of the current company.',
    )
    retail_member_number = fields.Char(
        string='Member Number',
        compute='_compute_retail_membership',
        search='_search_retail_member_number',
        groups=FIGURE_GROUPS,
        help='Number on the member card.',
    )
    retail_tier_text = fields.Char(
        string='Tier and Validity',
        compute='_compute_retail_tier_text',
        groups=FIGURE_GROUPS,
        help='Tier held and the last day on which it is valid.',
    )
    retail_tier_color = fields.Integer(
        string='Colour of the Tier',
        compute='_compute_retail_tier_text',
        groups=FIGURE_GROUPS,
        help='Colour in which the tier is shown.',
    )
    retail_is_member = fields.Boolean(
        string='Member',
        compute='_compute_retail_tier_text',
        groups=FIGURE_GROUPS,
        help='Takes part in the programme of the current company.',
    )

    @api.depends('commercial_partner_id')
    @api.depends_context('company')
    def _compute_retail_membership(self):
        """One query for any number of contacts."""
        # sudo: the fields' groups decide who sees tiers; the company is the user's current one
        members = (
            self.env['retail.membership']
            .sudo()
            .search_fetch(
                [
                    ('partner_id', 'in', self.commercial_partner_id._origin.ids),
                    ('company_id', '=', self.env.company.root_id.id),
                ],
                ['partner_id', *MEMBERSHIP_FIELDS.values()],
                order='id',
            )
        )
        by_partner = members.grouped(lambda member: member.partner_id.id)
        for partner in self:
            member = by_partner.get(partner.commercial_partner_id._origin.id)
            for name, column in MEMBERSHIP_FIELDS.items():
                partner[name] = member[column] if member else False

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_tier_text(self):
        for (
            partner
        ) in self.sudo():  # sudo: writes the cache of fields that only some groups may read
            tier = (partner.retail_summary or {}).get('tier') or {}
            partner.retail_is_member = tier.get('state') == 'active'
            partner.retail_tier_text = tier.get('name')
            partner.retail_tier_color = tier.get('color') or 0
            if tier.get('until'):
                last = fields.Date.to_date(tier['until']) - timedelta(days=1)
                partner.retail_tier_text = self.env._(
                    '%(tier)s to %(day)s', tier=tier['name'], day=format_date(self.env, last)
                )

    @api.model
    def _summary_parts(self):
        """Add the membership in the current company."""
        return {
            **super()._summary_parts(),
            'tier': SQL(
                """(SELECT jsonb_build_object('name', %(name)s, 'until', membership.tier_valid_until,
                                              'state', membership.state, 'number', membership.number,
                                              'color', tier.color)
                      FROM retail_membership AS membership
                      LEFT JOIN retail_tier AS tier ON tier.id = membership.tier_id
                     WHERE membership.partner_id = customer.commercial_partner_id
                       AND membership.company_id = %(company)s)""",
                name=self._summary_name('tier'),
                company=self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (None, 'retail.membership'),
            (['name', 'color'], 'retail.tier'),
        ]

    # === SEARCH, GROUP, SORT ===#

    def _search_retail_tier_id(self, operator, value):
        """Search contacts by the tier of their commercial partner; False: without any."""
        if operator == 'in':
            domain = Domain('tier_id', 'in', [tier_id for tier_id in value if tier_id])
            if False in value:
                return self._domain_of_members(domain) | ~self._domain_of_members(
                    Domain('tier_id', '!=', False)
                )
            return self._domain_of_members(domain)
        if operator in ('any', 'any!') and isinstance(value, Domain):
            return self._domain_of_members(Domain('tier_id', operator, value))
        return NotImplemented

    def _search_retail_member_number(self, operator, value):
        """Search contacts by the number of their card, also of one from before a merge."""
        if operator == 'in':
            numbers = [number for number in value if number]
            domain = Domain.OR(
                Domain(name, operator_, number)
                for number in numbers
                for name, operator_ in (('number', '='), ('former_numbers', 'ilike'))
            )
            found = self._domain_of_members(domain)
            return (
                found | ~self._domain_of_members(Domain.TRUE)
                if len(numbers) < len(value)
                else found
            )
        if operator in ('like', 'ilike', '=like', '=ilike') and value:
            return self._domain_of_members(
                Domain('number', operator, value) | Domain('former_numbers', operator, value)
            )
        return NotImplemented

    def _domain_of_members(self, domain):
        """Return the domain of contacts with such a membership in the current company."""
        # Odoo asks for a field's groups in a domain only where it reads the field's column.
        self._check_field_access(self._fields['retail_tier_id'], 'read')
        condition = Domain('company_id', '=', self.env.company.root_id.id) & Domain(domain)
        # sudo: the fields' groups, checked above, decide
        Membership = self.env['retail.membership'].sudo()

        def to_sql(_model, alias, _query):
            members = Membership._search(condition)
            members.add_where(
                SQL(
                    '%s = %s',
                    SQL.identifier(members.table, 'partner_id'),
                    SQL.identifier(alias, 'commercial_partner_id'),
                )
            )
            return SQL('EXISTS (%s)', members.select(SQL('1')))

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Read the membership's columns through one LEFT JOIN; only commercial partners have a row."""
        fname = field_expr.partition('.')[0]
        if query is None or fname not in MEMBERSHIP_FIELDS:
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[fname], 'read')
        join_alias = query.make_alias(alias, 'retail_membership')
        query.add_join(
            'LEFT JOIN',
            join_alias,
            'retail_membership',
            SQL(
                '%s = %s AND %s = %s',
                SQL.identifier(join_alias, 'partner_id'),
                SQL.identifier(alias, 'id'),
                SQL.identifier(join_alias, 'company_id'),
                self.env.company.root_id.id,
            ),
        )
        column = MEMBERSHIP_FIELDS[fname]
        return self.env['retail.membership'].sudo()._field_to_sql(join_alias, column, query)

    # === ACTIONS ===#

    def action_retail_enrol(self):
        """Make the customer a member of the programme of the current company. Staff have asked him.

        :raise AccessError: for those who are no staff
        """
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff may change memberships.'))
        self.check_access('read')
        self.env['retail.membership']._enrol(self)
        return self.action_retail_membership() if len(self) == 1 else None

    def action_retail_ask_enrol(self):
        """Ask whether the customers agreed to take part, and who enrols them where.

        :raise AccessError: for those who are no staff
        :raise UserError: when there is no running programme
        """
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff may change memberships.'))
        self.check_access('read')
        self.env['retail.membership']._programme_of(self.env.company)
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_membership_enrol_action'
        )
        context = {'active_model': self._name, 'active_ids': self.ids}
        return {**action, 'context': context}

    def action_retail_membership(self):
        """Open the membership of the customer in the current company."""
        self.ensure_one()
        member = self.env['retail.membership'].search(
            [
                ('partner_id', '=', self.commercial_partner_id.id),
                ('company_id', '=', self.env.company.root_id.id),
            ]
        )
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.membership',
            'res_id': member.id,
            'view_mode': 'form',
        }
