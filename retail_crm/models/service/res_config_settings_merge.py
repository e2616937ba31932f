from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_duplicate_hours = fields.Integer(
        related='company_id.retail_duplicate_hours', readonly=False
    )
