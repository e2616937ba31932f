from odoo import api, models

#: Default follow-up of each stage of the customer's life: code of the shipped rule by shipped policy (S-SEG-07 to 10).
#: Prospects have none (nobody knows when they want to hear from us), lost ones are left in peace.
STAGE_RULES = {
    'new': 'second_purchase',
    'growth': 'repeat_purchase',
    'won_back': 'repeat_purchase',
    'mature': 'more_value',
    'at_risk': 'churn_watch',
    'lapsed': 'win_back',
}


class RetailPolicy(models.Model):
    _inherit = 'retail.policy'

    @api.model
    def _fill_care(self):
        """Give the shipped policies of the lifecycle their follow-up, where nobody chose one (installation, update)."""
        rules = self.env['retail.care.rule'].with_context(active_test=False)
        by_code = {
            rule.code: rule for rule in rules.search([('code', 'in', [*STAGE_RULES.values()])])
        }
        for stage, code in STAGE_RULES.items():
            policy = self.env.ref(
                f'retail_crm.retail_policy_lifecycle_{stage}', raise_if_not_found=False
            )
            if policy and not policy.care_rule_id and code in by_code:
                policy.care_rule_id = by_code[code]
