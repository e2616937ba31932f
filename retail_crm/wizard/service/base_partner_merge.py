from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Have tickets of merged contacts belong to the company of the one who remains."""
        result = super()._update_foreign_keys(src_partners, dst_partner)
        Ticket = self.env['retail.ticket'].with_context(active_test=False)
        # sudo: whoever may merge contacts merges what is theirs; core wrote by SQL
        tickets_sudo = Ticket.sudo().search([('partner_id', '=', dst_partner.id)])
        self.env.add_to_compute(Ticket._fields['commercial_partner_id'], tickets_sudo)
        # what two contacts complained about may turn out to be one complaint that came back
        tickets_sudo._seek_recurrence()
        return result

    @api.model
    def _retail_unique_models(self):
        return [*super()._retail_unique_models(), 'retail.incident.customer']
