from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_care_save_days = fields.Integer(
        related='company_id.retail_care_save_days', readonly=False
    )

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['care']['crons'].append('retail_crm.ir_cron_settle_churn')
        blocks['churn']['crons'].append('retail_crm.ir_cron_notice_changes')
        return blocks
