from odoo import api, fields, models


class RetailPolicySla(models.Model):
    """What a class, tier or segment of customers gets: the hours within which their requests are answered."""

    _inherit = 'retail.policy'

    sla_policy_id = fields.Many2one(
        comodel_name='retail.sla.policy',
        string='Deadlines',
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Hours within which requests of these customers are answered and solved, where the other conditions of '
        'that policy hold, too. Empty: this policy says nothing.',
    )

    @api.model
    def _attributes(self):
        return [*super()._attributes(), 'sla_policy_id']

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        if any(vals.get('sla_policy_id') for vals in vals_list):
            self.env.registry.clear_cache()  # of the rules of deadlines
        return policies

    def write(self, vals):
        result = super().write(vals)
        if {'sla_policy_id', 'active'} & set(vals):
            self.env.registry.clear_cache()
        return result
