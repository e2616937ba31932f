from odoo import api, models


class ResConfigSettingsClock(models.TransientModel):
    """The clock of tickets stands still while the service desk is switched off."""

    _inherit = 'res.config.settings'

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'] += [
            'retail_crm.ir_cron_ticket_clock',
            'retail_crm.ir_cron_holidays',
        ]
        return blocks
