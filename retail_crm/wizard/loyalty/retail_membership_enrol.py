from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailMembershipEnrol(models.TransientModel):
    """Asks staff, before customers become members, whether they agreed, and who enrols them in which store."""

    _name = 'retail.membership.enrol'
    _description = 'Enrol in the Programme'

    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        readonly=True,
        default=lambda self: self.env['retail.programme']._running(self.env.company)[:1],
        help='Programme of the current company.',
    )
    partner_ids = fields.Many2many(
        comodel_name='res.partner',
        string='Customers',
        required=True,
        help='Who becomes a member. Contacts of a company stand for the company.',
    )
    agreed = fields.Boolean(
        string='The Customer Agreed',
        help='To take part, and to have purchases recorded for it. Offers need a consent of their own.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Enrolled By',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        help='Who won the customer: counted for this employee.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        default=lambda self: self._default_store_id(),
        help='Where the customer became a member: counted for this store.',
    )
    join_text = fields.Html(
        related='programme_id.join_text',
        string='What Is Agreed To',
        help='To be read out or shown to the customer.',
    )

    @api.model
    def default_get(self, names):
        """Take the customers that were chosen in a list."""
        values = super().default_get(names)
        if self.env.context.get('active_model') == 'res.partner' and 'partner_ids' not in values:
            partner_ids = self.env.context.get('active_ids') or []
            values['partner_ids'] = [fields.Command.set(partner_ids)]
        return values

    @api.model
    def _default_store_id(self):
        team = self.env.user.sale_team_id
        return team if team.retail_is_store else False

    def action_enrol(self):
        """Enrol those who are no members yet and show them.

        :raise AccessError: for those who are no staff
        :raise UserError: without the customers' agreement, or for contacts that are no customers
        """
        self.ensure_one()
        Membership = self.env['retail.membership']
        Membership._check_staff()
        self.partner_ids.check_access('read')
        self.programme_id.check_access('read')
        if not self.agreed:
            raise UserError(self.env._('Ask first: without agreement nobody becomes a member.'))
        partners = self.partner_ids.commercial_partner_id
        strangers = partners.filtered(lambda partner: not partner.retail_customer)
        if strangers:
            raise UserError(
                self.env._(
                    'These contacts are no retail customers: %(names)s',
                    names=', '.join(strangers.mapped('display_name')),
                )
            )
        self._add_members(partners)
        return self._open_members(partners)

    def _add_members(self, partners):
        """Make members of those who are none; members stay what they are."""
        Membership = self.env['retail.membership']
        known = Membership.search(
            [
                ('partner_id', 'in', partners.ids),
                ('programme_id', '=', self.programme_id.id),
                ('state', '=', 'active'),
            ]
        )
        others = partners - known.partner_id
        if others:
            # sudo: staff of a branch may not see its company; colleague and store were chosen among those one sees
            company = self.programme_id.sudo().company_id
            user, store = self.user_id.sudo(), self.store_id.sudo()
            Membership._enrol(others, company, user=user, store=store)

    def _open_members(self, partners):
        members = self.env['retail.membership'].search(
            [
                ('partner_id', 'in', partners.ids),
                ('programme_id', '=', self.programme_id.id),
            ]
        )
        if len(members) == 1:
            return {
                'type': 'ir.actions.act_window',
                'res_model': 'retail.membership',
                'res_id': members.id,
                'view_mode': 'form',
                'views': [(False, 'form')],
            }
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_membership_action'
        )
        return {**action, 'domain': [('id', 'in', members.ids)], 'context': {}}
