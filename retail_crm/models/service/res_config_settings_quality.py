from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_first_contact_days = fields.Integer(
        related='company_id.retail_first_contact_days', readonly=False
    )

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'].append('retail_crm.ir_cron_ticket_quality')
        return blocks
