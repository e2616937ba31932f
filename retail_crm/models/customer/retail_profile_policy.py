from odoo import api, fields, models


class RetailProfile(models.Model):
    _inherit = 'retail.profile'

    policy_strategy = fields.Html(
        string='What To Do',
        compute='_compute_policy_strategy',
        help='What staff should do with this customer, by the policy that holds for him.',
    )

    @api.depends(lambda self: ('partner_id', 'company_id', *self._policy_columns()))
    @api.depends_context('lang')
    def _compute_policy_strategy(self):
        """Ask the policies once for each company."""
        for company, profiles in self.grouped('company_id').items():
            answers = self.env['retail.policy']._for_customers(
                profiles.partner_id, company, ['strategy'], profiles
            )
            for profile in profiles:
                profile.policy_strategy = answers[profile.partner_id.id]['strategy']

    @api.model
    def _policy_columns(self):
        return self.env['retail.policy']._class_columns()
