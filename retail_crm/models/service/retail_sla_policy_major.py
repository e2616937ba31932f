from odoo import api, fields, models


class RetailSlaPolicyMajor(models.Model):
    """Policies of major cases: a further condition (defaults 11: first contact in 30 minutes, day and night)."""

    _inherit = 'retail.sla.policy'

    only_major = fields.Boolean(
        string='Major Cases Only',
        help='Holds for tickets that are a major case, and for no others.',
    )

    def _prepare_rule(self):
        rule = super()._prepare_rule()
        rule['conditions']['major'] = frozenset([True] if self.only_major else ())
        return rule

    @api.model
    def _facts_of(self, asks, company_sudo, rules):
        result = super()._facts_of(asks, company_sudo, rules)
        for ask, facts in zip(asks, result, strict=True):
            facts['major'] = {ask['major']}
        return result
