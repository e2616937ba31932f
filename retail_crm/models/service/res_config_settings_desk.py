from odoo import api, fields, models

#: Scheduled actions that work while tickets are switched on. Data incidents are reminded of whatever is switched off.
CRONS = (
    'ir_cron_tell',
    'ir_cron_tend',
    'ir_cron_appointments',
    'ir_cron_promises',
    'ir_cron_file_complaints',
)


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_remind_days = fields.Integer(related='company_id.retail_remind_days', readonly=False)
    retail_remind_again_days = fields.Integer(
        related='company_id.retail_remind_again_days', readonly=False
    )
    retail_give_up_days = fields.Integer(related='company_id.retail_give_up_days', readonly=False)
    retail_reopen_days = fields.Integer(related='company_id.retail_reopen_days', readonly=False)
    retail_file_days = fields.Integer(related='company_id.retail_file_days', readonly=False)
    retail_file_silent_days = fields.Integer(
        related='company_id.retail_file_silent_days', readonly=False
    )
    retail_silent_factor = fields.Integer(related='company_id.retail_silent_factor', readonly=False)
    retail_failure_percent = fields.Float(
        related='company_id.retail_failure_percent', readonly=False
    )
    retail_ticket_cost = fields.Monetary(
        related='company_id.retail_ticket_cost',
        currency_field='currency_id',
        readonly=False,
    )

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'] += [f'retail_crm.{name}' for name in CRONS]
        return blocks
