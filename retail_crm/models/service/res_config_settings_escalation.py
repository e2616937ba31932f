from odoo import fields, models


class ResConfigSettingsEscalation(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_director_id = fields.Many2one(related='company_id.retail_director_id', readonly=False)
