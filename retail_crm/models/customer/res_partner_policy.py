from odoo import api, fields, models

from .res_partner import FIGURE_GROUPS


class ResPartner(models.Model):
    _inherit = 'res.partner'

    retail_policy_strategy = fields.Html(
        string='What To Do',
        compute='_compute_retail_policy_strategy',
        groups=FIGURE_GROUPS,
        help='What staff should do with this customer, by the policy that holds for him in the current company.',
    )

    @api.depends('commercial_partner_id.retail_customer', 'retail_profile_id')
    @api.depends_context('company', 'lang')
    def _compute_retail_policy_strategy(self):
        """Ask the policies for all of them at once; suppliers and employees are nobody to sell to."""
        customers = self.filtered('commercial_partner_id.retail_customer')
        answers = self.env['retail.policy']._for_customers(
            customers,
            attributes=['strategy'],
            # sudo: the field's groups decide; the card of the customer has read the profiles anyway
            profiles=customers.sudo().retail_profile_id,
        )
        for partner in self:
            partner.retail_policy_strategy = (
                partner in customers and answers[partner.id]['strategy']
            )
