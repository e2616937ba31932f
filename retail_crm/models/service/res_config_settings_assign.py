from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_assign_adviser = fields.Boolean(
        related='company_id.retail_assign_adviser', readonly=False
    )
    retail_assign_previous_days = fields.Integer(
        related='company_id.retail_assign_previous_days', readonly=False
    )
    retail_assign_desk_minutes = fields.Integer(
        related='company_id.retail_assign_desk_minutes', readonly=False
    )
    retail_assign_skill_minutes = fields.Integer(
        related='company_id.retail_assign_skill_minutes', readonly=False
    )
    retail_assign_capacity = fields.Integer(
        related='company_id.retail_assign_capacity', readonly=False
    )
    retail_assign_high = fields.Float(related='company_id.retail_assign_high', readonly=False)
    retail_assign_urgent = fields.Float(related='company_id.retail_assign_urgent', readonly=False)

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['service']['crons'] += ['retail_crm.ir_cron_assign', 'retail_crm.ir_cron_absences']
        return blocks
