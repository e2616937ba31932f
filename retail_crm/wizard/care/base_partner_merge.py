from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Have follow-ups of merged contacts count for the company of the one who remains."""
        result = super()._update_foreign_keys(src_partners, dst_partner)
        Followup = self.env['retail.followup']
        # sudo: whoever may merge contacts merges what is theirs; core wrote by SQL
        followups_sudo = Followup.sudo().search([('partner_id', '=', dst_partner.id)])
        self.env.add_to_compute(Followup._fields['commercial_partner_id'], followups_sudo)
        return result

    @api.model
    def _retail_unique_models(self):
        return [*super()._retail_unique_models(), 'retail.followup', 'loyalty.card']
