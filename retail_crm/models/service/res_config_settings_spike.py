from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_lost_days = fields.Integer(related='company_id.retail_lost_days', readonly=False)

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'] += [
            'retail_crm.ir_cron_spike_night',
            'retail_crm.ir_cron_spike_changed',
            'retail_crm.ir_cron_problem_messages',
        ]
        return blocks
