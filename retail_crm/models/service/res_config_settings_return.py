from odoo import api, fields, models


class ResConfigSettingsReturn(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_refund_post = fields.Boolean(related='company_id.retail_refund_post', readonly=False)
    retail_return_limit = fields.Monetary(
        related='company_id.retail_return_limit',
        currency_field='currency_id',
        readonly=False,
    )
    retail_return_days = fields.Integer(related='company_id.retail_return_days', readonly=False)
    retail_return_pursue_days = fields.Integer(
        related='company_id.retail_return_pursue_days', readonly=False
    )

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'].append('retail_crm.ir_cron_returns')
        return blocks
