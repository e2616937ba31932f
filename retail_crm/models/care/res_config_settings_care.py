from odoo import api, fields, models
from odoo.exceptions import AccessError


class ResConfigSettingsCare(models.TransientModel):
    """Limits and hours of care of the company, and the switch of the block."""

    _inherit = 'res.config.settings'

    retail_care_marketing_week = fields.Integer(
        related='company_id.retail_care_marketing_week', readonly=False
    )
    retail_care_marketing_month = fields.Integer(
        related='company_id.retail_care_marketing_month', readonly=False
    )
    retail_care_all_week = fields.Integer(related='company_id.retail_care_all_week', readonly=False)
    retail_care_silent_count = fields.Integer(
        related='company_id.retail_care_silent_count', readonly=False
    )
    retail_care_pause_days = fields.Integer(
        related='company_id.retail_care_pause_days', readonly=False
    )
    retail_care_message_from = fields.Float(
        related='company_id.retail_care_message_from', readonly=False
    )
    retail_care_message_to = fields.Float(
        related='company_id.retail_care_message_to', readonly=False
    )
    retail_care_call_from = fields.Float(related='company_id.retail_care_call_from', readonly=False)
    retail_care_call_to = fields.Float(related='company_id.retail_care_call_to', readonly=False)
    retail_care_call_capacity = fields.Integer(
        related='company_id.retail_care_call_capacity', readonly=False
    )
    retail_care_overdue_days = fields.Integer(
        related='company_id.retail_care_overdue_days', readonly=False
    )
    retail_care_minor_age = fields.Integer(
        related='company_id.retail_care_minor_age', readonly=False
    )
    retail_care_control_percent = fields.Float(
        related='company_id.retail_care_control_percent', readonly=False
    )
    retail_care_offer_control_percent = fields.Float(
        related='company_id.retail_care_offer_control_percent', readonly=False
    )

    @api.model
    def _retail_blocks(self):
        blocks = super()._retail_blocks()
        blocks['care']['crons'] += [
            'retail_crm.ir_cron_plan_followups',
            'retail_crm.ir_cron_send_followups',
            'retail_crm.ir_cron_tend_followups',
        ]
        return blocks

    def action_retail_reset_care(self):
        """Set the limits and hours of care of this company to their shipped values.

        :raise AccessError: for others than those who may change settings
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._('Only administrators change settings.'))
        self.env.company._retail_reset_care()
        return {'type': 'ir.actions.client', 'tag': 'reload'}
