from odoo import api, fields, models


class RetailPolicyTier(models.Model):
    """Policies of tiers: a further condition beside class and segment; and the priority that privileges bring (S-SEG-20).

    A privilege is promised to the customer, so its priority is the least he gets: the higher of policy and privilege
    holds, and ``'sources'`` names the one that decided.
    """

    _inherit = 'retail.policy'

    tier_ids = fields.Many2many(
        comodel_name='retail.tier',
        relation='retail_policy_tier_rel',
        column1='policy_id',
        column2='tier_id',
        string='Tiers',
        help='Only members who hold one of these tiers. With a class or segment as well: those of them who are in it.',
    )
    is_for_tiers = fields.Boolean(
        string='Limited to Tiers',
        compute='_compute_is_for_tiers',
        store=True,
        help='Holds for members of some tiers only.',
    )

    @api.depends('tier_ids')
    def _compute_is_for_tiers(self):
        for policy in self:
            policy.is_for_tiers = bool(policy.tier_ids)

    def _conditions(self):
        conditions = super()._conditions()
        return conditions | {f'policy_tier.{self.id}'} if self.is_for_tiers else conditions

    @api.model
    def _facts_of(self, customers_sudo, company, profiles_sudo):
        """Add the policies of the tiers that customers hold: two queries more, and only when a policy asks for tiers."""
        facts = super()._facts_of(customers_sudo, company, profiles_sudo)
        asking = self.filtered('is_for_tiers')
        if not asking:
            return facts
        policies = {}
        for policy in asking:
            for tier_id in policy.tier_ids.ids:
                policies.setdefault(tier_id, set()).add(f'policy_tier.{policy.id}')
        # sudo: as for the profiles
        members = self.env['retail.membership'].sudo()
        for member in members.search_fetch(
            [
                ('partner_id', 'in', customers_sudo.ids),
                ('company_id', '=', company.id),
                ('state', '=', 'active'),
                ('tier_id', 'in', list(policies)),
            ],
            ['partner_id', 'tier_id'],
        ):
            facts.setdefault(member.partner_id.id, set()).update(policies[member.tier_id.id])
        return facts

    @api.model
    def _for_customers(self, partners, company=None, attributes=None, profiles=None):
        """Add the priority of privileges as the least that their members get."""
        answers = super()._for_customers(partners, company, attributes, profiles)
        if attributes and 'priority' not in attributes:
            return answers
        found = self.env['retail.privilege']._of_partners(partners, company, ['priority'])
        for partner, privileges in found.items():
            # a form asks for a customer that is not saved yet by the id of its copy
            answer = answers.get(partner.id)
            best = max(privileges, key=lambda item: item.priority or '0', default=None)
            if answer and best and (best.priority or '0') > (answer['priority'] or '0'):
                answer['priority'] = best.priority
                answer['sources']['priority'] = best.with_env(self.env)
        return answers
