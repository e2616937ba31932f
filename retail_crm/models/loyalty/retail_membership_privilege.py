from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_list


class RetailMembershipPrivilege(models.Model):
    """What a member enjoys by his tier and was given, and the members to whom an adviser is due (S-LOY-10, S-SEG-20)."""

    _inherit = 'retail.membership'

    privilege_ids = fields.Many2many(
        comodel_name='retail.privilege',
        compute='_compute_privilege_ids',
        help='What the member enjoys by the tier.',
    )
    benefit_ids = fields.One2many(
        comodel_name='retail.benefit',
        inverse_name='membership_id',
        string='Benefits Granted',
        help='Gifts and vouchers that the member was given.',
    )
    voucher_count = fields.Integer(
        string='Open Vouchers',
        compute='_compute_voucher_count',
        help='Vouchers that staff have not rendered yet.',
    )
    adviser_missing = fields.Boolean(
        string='Entitled to an Adviser, Has None',
        compute='_compute_adviser_missing',
        search='_search_adviser_missing',
        help='The tier brings a personal adviser, and nobody looks after the customer yet.',
    )

    @api.depends('tier_id.privilege_ids.active', 'state')
    def _compute_privilege_ids(self):
        for member in self:
            tier = member.tier_id if member.state == 'active' else self.env['retail.tier']
            member.privilege_ids = tier.privilege_ids.filtered('active').sorted(
                lambda privilege: (privilege.sequence, privilege._origin.id)
            )

    def _compute_voucher_count(self):
        counts = dict(
            self.env['retail.voucher']._read_group(
                [('membership_id', 'in', self.ids), ('state', '=', 'open')],
                ['membership_id'],
                ['__count'],
            )
        )
        for member in self:
            member.voucher_count = counts.get(member, 0)

    @api.depends('privilege_ids', 'partner_id.retail_adviser_id')
    def _compute_adviser_missing(self):
        # sudo: whether there is an adviser, of a customer whose membership the user sees
        for member in self.sudo():
            member.adviser_missing = (
                'adviser' in member.privilege_ids.mapped('kind')
                and not member.partner_id.retail_adviser_id
            )

    def _search_adviser_missing(self, operator, value):
        if operator != 'in':
            return NotImplemented
        wanted = {bool(item) for item in value}
        if len(wanted) != 1:
            return Domain(bool(wanted))
        domain = self._domain_of_entitled('adviser') & Domain(
            'partner_id',
            'any!',  # as above: whether there is an adviser, of members whom the user sees
            [('retail_adviser_id', '=', False)],
        )
        return domain if True in wanted else ~domain

    @api.model
    def _domain_of_entitled(self, kind, privileges=None):
        """Return the domain of the members who enjoy privileges of a kind (or these)."""
        # sudo: which tiers bring what
        if privileges is None:
            privileges = self.env['retail.privilege'].sudo().search([('kind', '=', kind)])
        return Domain(
            [
                ('state', '=', 'active'),
                ('tier_id', 'in', privileges.sudo().tier_ids.ids),
            ]
        )

    # === ADVISERS ===#

    def action_assign_adviser(self):
        """Give these members an adviser by the rule of the settings; those who have one keep him.

        :raise AccessError: for those who are no team leaders
        """
        self._check_lead()
        assigned = self._assign_adviser()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if assigned else 'warning',
                'message': self.env._(
                    '%(count)s customers have a new adviser.', count=len(assigned)
                )
                if assigned
                else self.env._(
                    'Nobody could be found by the rule: choose the adviser on the customer.'
                ),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _assign_adviser(self):
        """Give these members an adviser: by the rule of the company, or the usual shop guide where it has none.

        :return: the customers that got one
        """
        # sudo: an adviser is part of the tier; whoever calls has checked that he may assign
        assigned = self.env['res.partner'].sudo()
        for company, members in self.sudo().grouped('company_id').items():
            rule = company.retail_adviser_rule
            assigned |= assigned._assign_by_rules(
                {company.id: 'guide' if rule == 'none' else rule},
                members.partner_id,
                only_high_value=False,
            )
        return assigned

    @api.model
    def _assign_entitled(self, programme):
        """Assign advisers where a privilege says that the system does; return the number of members."""
        # sudo: the system's work
        privileges = self.env['retail.privilege'].sudo()
        privileges = privileges.search(
            [
                ('programme_id', '=', programme.id),
                ('kind', '=', 'adviser'),
                ('adviser_auto', '=', True),
            ]
        )
        if not privileges:
            return 0
        members = self.sudo().search(
            self._domain_of_entitled('adviser', privileges)
            & Domain('programme_id', '=', programme.id)
            & Domain('partner_id.retail_adviser_id', '=', False)
        )
        return len(members._assign_adviser())

    # === NAVIGATION ===#

    def action_open_benefits(self):
        """Open what these members were given."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_benefit_action')
        return {**action, 'domain': [('membership_id', 'in', self.ids)], 'context': {}}

    def action_open_vouchers(self):
        """Open the vouchers of these members."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_voucher_action')
        return {**action, 'domain': [('membership_id', 'in', self.ids)]}

    # === MERGE ===#

    def _merge_rows(self, kept, target):
        """Keep what all of them were given; of two benefits for one occasion the later one gets a key of its own."""
        self.env['retail.benefit'].flush_model()
        self.env['retail.voucher'].flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH ranked AS (
                    SELECT id, row_number() OVER (PARTITION BY key ORDER BY membership_id <> %(kept)s, id) AS place
                      FROM retail_benefit WHERE membership_id = ANY(%(all)s)
                )
                UPDATE retail_benefit AS benefit
                   SET membership_id = %(kept)s, partner_id = %(target)s,
                       key = CASE WHEN place > 1 THEN benefit.key || '/' || benefit.id ELSE benefit.key END
                  FROM ranked WHERE ranked.id = benefit.id
                """,
                kept=kept.id,
                target=target.id,
                all=self.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_voucher SET membership_id = %s, partner_id = %s WHERE membership_id = ANY(%s)',
                kept.id,
                target.id,
                self.ids,
            )
        )
        self.env['retail.benefit'].invalidate_model()
        self.env['retail.voucher'].invalidate_model()
        return super()._merge_rows(kept, target)

    def _privilege_text(self):
        """Return the names of what a member enjoys, in one sentence."""
        self.ensure_one()
        return format_list(self.env, self.privilege_ids.mapped('name'), style='unit')
