from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merge our rows before core moves foreign keys: it would abort, or delete them, on our unique keys."""
        for model in self._retail_unique_models():
            self.env[model]._merge_partners(src_partners, dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # Documents now name the destination: its purchases are derived again from them.
        # Quietly: nobody bought anything.
        moments = self.env['retail.moment'].with_context(retail_crm_quiet=True)
        moments._emit('partner_changed', dst_partner)
        return result

    @api.model
    def _retail_unique_models(self):
        """Hook: return the models of ours with a unique key on a customer; each has ``_merge_partners(src, dst)``."""
        return ['retail.profile', 'retail.consent', 'retail.membership']
