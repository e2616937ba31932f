from odoo import fields, models


class ResPartnerPreview(models.Model):
    """Lines of previews about a customer, for rules of segments; shown nowhere."""

    _inherit = 'res.partner'

    retail_tier_preview_line_ids = fields.One2many(
        comodel_name='retail.tier.preview.line',
        inverse_name='partner_id',
        string='Previews of Other Rules',
        groups='retail_crm.group_manager',
        copy=False,
        help='Previews by which the customer would hold another tier.',
    )
