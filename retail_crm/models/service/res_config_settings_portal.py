from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_link_days = fields.Integer(related='company_id.retail_link_days', readonly=False)
    retail_portal_hourly = fields.Integer(related='company_id.retail_portal_hourly', readonly=False)
