from odoo import fields, models


class ResConfigSettingsComplaint(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_recurrence_days = fields.Integer(
        related='company_id.retail_recurrence_days', readonly=False
    )
    retail_call_back_days = fields.Integer(
        related='company_id.retail_call_back_days', readonly=False
    )
    retail_incident_hours = fields.Integer(
        related='company_id.retail_incident_hours', readonly=False
    )
