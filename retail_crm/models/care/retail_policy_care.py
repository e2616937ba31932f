from odoo import api, fields, models
from odoo.tools import SQL


class RetailPolicyCare(models.Model):
    """What a class, tier or segment gets in care: the channel and the rule of its follow-ups (S-FUP-14)."""

    _inherit = 'retail.policy'

    care_channel_id = fields.Many2one(
        comodel_name='retail.channel',
        string='Channel of Care',
        index='btree_not_null',
        ondelete='restrict',
        help='How these customers are contacted where they have no preference of their own and the rule says none. '
        'Empty: this policy says nothing.',
    )
    care_rule_id = fields.Many2one(
        comodel_name='retail.care.rule',
        string='Follow-Up',
        index='btree_not_null',
        ondelete='restrict',
        help='A rule that policies name is for the customers of these policies only. Empty: this policy says nothing.',
    )

    @api.model
    def _attributes(self):
        return [*super()._attributes(), 'care_channel_id', 'care_rule_id']

    @api.model
    def _sql_answer(self, attribute, company):
        """Return what policies say of a contact ``person`` with the profile ``profile``, as one CASE; None: nothing.

        The same as ``_for_customers`` for many: the first policy that holds and says something decides.
        """
        policies_sudo = self.sudo().browse(self._saying(company.id, (attribute,)))
        cases = []
        for policy in policies_sudo.filtered(lambda one: one._says(attribute)):
            value = policy[attribute]
            conditions = [policy._sql_condition(fact, company) for fact in policy._conditions()]
            cases.append(
                SQL(
                    'WHEN %s THEN %s::int',
                    SQL(' AND ').join([SQL('true'), *conditions]),
                    value.id if isinstance(value, models.BaseModel) else value,
                )
            )
        return SQL('CASE %s END', SQL(' ').join(cases)) if cases else None

    def _sql_condition(self, fact, company):
        """Hook: return a fact of ``_conditions`` as SQL about ``person`` and ``profile``."""
        word, key = fact.split('.', 1)
        if word == 'segment':
            return SQL(
                """EXISTS (SELECT FROM retail_segment_member AS member
                     JOIN retail_segment AS segment ON segment.id = member.segment_id AND segment.active
                      AND segment.company_id = %s AND segment.is_sensitive IS NOT TRUE
                    WHERE member.partner_id = person.commercial_partner_id AND member.left_on IS NULL
                      AND member.segment_id = %s)""",
                company.id,
                int(key),
            )
        if word == 'policy_tier':
            return SQL(
                """EXISTS (SELECT FROM retail_membership AS membership
                    WHERE membership.partner_id = person.commercial_partner_id AND membership.company_id = %s
                      AND membership.state = 'active' AND membership.tier_id = ANY(%s))""",
                company.id,
                self.tier_ids.ids,
            )
        column = SQL.identifier('profile', word)
        if self.env['retail.profile']._fields[word].type == 'boolean':
            return SQL('%s IS TRUE', column)
        return SQL('%s = %s', column, key)


class RetailCareRule(models.Model):
    """A rule that policies name is for the customers of these policies."""

    _inherit = 'retail.care.rule'

    def _sql_audience(self, company):
        conditions = super()._sql_audience(company)
        # sudo: policies decide for everybody
        if self.env['retail.policy'].sudo().search_count([('care_rule_id', '=', self.id)], limit=1):
            conditions.append(self._sql_of_policy(company))
        return conditions

    def _sql_of_policy(self, company):
        """Return the condition that the policy of a customer names this rule."""
        answer = self.env['retail.policy']._sql_answer('care_rule_id', company)
        if answer is None:
            return SQL('false')  # only policies of other companies name it
        return SQL(
            """EXISTS (SELECT FROM res_partner AS person
                 LEFT JOIN retail_profile AS profile
                   ON profile.partner_id = person.id AND profile.company_id = %s
                WHERE person.id = partner.commercial_partner_id AND %s = %s)""",
            company.id,
            answer,
            self.id,
        )
