from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _retail_unique_models(self):
        return [*super()._retail_unique_models(), 'retail.life.change']
