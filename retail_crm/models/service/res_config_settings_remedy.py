from odoo import fields, models


class ResConfigSettingsRemedy(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_right_refund_days = fields.Integer(
        related='company_id.retail_right_refund_days', readonly=False
    )
    retail_right_exchange_days = fields.Integer(
        related='company_id.retail_right_exchange_days', readonly=False
    )
    retail_right_repair_days = fields.Integer(
        related='company_id.retail_right_repair_days', readonly=False
    )
    retail_right_online_days = fields.Integer(
        related='company_id.retail_right_online_days', readonly=False
    )
    retail_approve_minutes = fields.Integer(
        related='company_id.retail_approve_minutes', readonly=False
    )
    retail_approve_hours = fields.Float(related='company_id.retail_approve_hours', readonly=False)
    retail_abuse_count = fields.Integer(related='company_id.retail_abuse_count', readonly=False)
    retail_abuse_days = fields.Integer(related='company_id.retail_abuse_days', readonly=False)
    retail_abuse_percent = fields.Float(related='company_id.retail_abuse_percent', readonly=False)
