from odoo import fields, models


class ResConfigSettingsReturn(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_refund_post = fields.Boolean(related='company_id.retail_refund_post', readonly=False)
    retail_return_limit = fields.Monetary(
        related='company_id.retail_return_limit',
        currency_field='currency_id',
        readonly=False,
    )
    retail_return_days = fields.Integer(related='company_id.retail_return_days', readonly=False)
    retail_return_pursue_days = fields.Integer(
        related='company_id.retail_return_pursue_days', readonly=False
    )
