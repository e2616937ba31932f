from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Kinds of privileges, in the order in which customers read them.
KINDS = [
    ('price', 'Member price'),
    ('factor', 'More points'),
    ('birthday', 'Birthday gift'),
    ('entry', 'Gift on reaching the tier'),
    ('service', 'Special service'),
    ('priority', 'Priority in service'),
    ('delivery', 'Priority delivery'),
    ('adviser', 'Personal adviser'),
    ('event', 'Invitations to events'),
    ('trial', 'Trials of new products'),
    ('other', 'Other'),
]


class RetailPrivilege(models.Model):
    """A benefit of the catalogue that the members of some tiers enjoy. Its kind says what the system does with it.

    The rest of the system asks ``_of_partners`` and never a tier itself. A member has the privileges of the tier that is
    shown, so also of one that staff gave.
    """

    _name = 'retail.privilege'
    _description = 'Privilege'
    _order = 'programme_id, sequence, id'

    name = fields.Char(
        required=True, translate=True, help='As customers read it, for example "2 % off every day".'
    )
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        ondelete='cascade',
        index=True,
        default=lambda self: self.env['retail.programme'].search([], limit=1),
        help='Programme whose members have it.',
    )
    company_id = fields.Many2one(related='programme_id.company_id', store=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        default='other',
        help='What the system does with it. "Other" is only shown to customers and staff.',
    )
    tier_ids = fields.Many2many(
        comodel_name='retail.tier',
        relation='retail_privilege_tier_rel',
        column1='privilege_id',
        column2='tier_id',
        domain="[('programme_id', '=', programme_id)]",
        help='Tiers whose members have the privilege.',
    )
    description = fields.Html(
        translate=True, help='What it is and how to use it, as customers read it in the portal.'
    )

    @api.constrains('tier_ids', 'programme_id')
    def _check_tier_ids(self):
        """A privilege and its tiers are of one programme."""
        for privilege in self:
            if privilege.tier_ids.programme_id - privilege.programme_id:
                raise ValidationError(
                    self.env._(
                        'The privilege "%(name)s" can only be given to tiers of its own programme.',
                        name=privilege.name,
                    )
                )

    @api.model
    def _of_partners(self, partners, company=None, kinds=None):
        """Return ``{partner: privileges}`` of customers or their contacts, in a fixed number of queries.

        Nobody needs rights on privileges to ask. Who is no member of a running programme has none.

        :param company: any company; its main company's programme is asked. Default: the present one
        :param kinds: only these kinds, default: all
        """
        nothing = self.sudo().browse()
        programme = self.env['retail.programme']._running(company or self.env.company)
        if not programme:
            return dict.fromkeys(partners, nothing)
        # sudo: benefits of customers whom the caller has; only privileges are returned
        domain = [('programme_id', '=', programme.id)]
        if kinds:
            domain.append(('kind', 'in', list(kinds)))
        by_tier = {}
        for privilege in self.sudo().search(domain):
            for tier in privilege.tier_ids:
                by_tier.setdefault(tier.id, []).append(privilege.id)
        if not by_tier:
            return dict.fromkeys(partners, nothing)
        # sudo: a contact takes part by the company it belongs to, which not everybody may read
        commercial = partners.sudo().commercial_partner_id
        members = (
            self.env['retail.membership']
            .sudo()
            .search_fetch(
                [
                    ('partner_id', 'in', commercial.ids),
                    ('company_id', '=', programme.company_id.id),
                    ('state', '=', 'active'),
                ],
                ['partner_id', 'tier_id'],
            )
        )
        tiers = {member.partner_id.id: member.tier_id.id for member in members}
        return {
            partner: nothing.browse(
                by_tier.get(tiers.get(partner.sudo().commercial_partner_id.id), [])
            )
            for partner in partners
        }
