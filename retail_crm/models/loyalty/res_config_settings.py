from odoo import api, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['loyalty']['crons'] = [
            *blocks['loyalty']['crons'],
            'retail_crm.ir_cron_evaluate_tiers',
            'retail_crm.ir_cron_evaluate_programmes',
            'retail_crm.ir_cron_grant_benefits',
            'retail_crm.ir_cron_tier_preview',
            'retail_crm.ir_cron_expire_points',
            'retail_crm.ir_cron_reconcile_points',
            'retail_crm.ir_cron_release_points',
        ]
        return blocks
