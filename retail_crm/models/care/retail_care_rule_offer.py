from odoo import api, fields, models


class RetailCareRule(models.Model):
    """What a rule offers: an offer of its own, or the one that the customer's policy names."""

    _inherit = 'retail.care.rule'

    offer_id = fields.Many2one(
        comodel_name='retail.offer',
        index='btree_not_null',
        ondelete='restrict',
        check_company=True,
        help='What customers are offered. Those who are not entitled are left out.',
    )
    offer_by_policy = fields.Boolean(
        string='Offer of the Policy',
        help='Without an offer of its own: what the policy of each customer says, if anything.',
    )

    @api.depends('purpose', 'offer_id', 'offer_by_policy')
    def _compute_control_percent(self):
        return super()._compute_control_percent()

    def _usual_control_percent(self, company):
        """Rules with an offer have the control group of offers."""
        if self.offer_id or self.offer_by_policy:
            return company.sudo().retail_care_offer_control_percent  # sudo: a setting, no secret
        return super()._usual_control_percent(company)
