from odoo import fields, models


class ProductTemplate(models.Model):
    """Goods that are not suggested to minors."""

    _inherit = 'product.template'

    retail_adults_only = fields.Boolean(
        string='Not for Minors', help='Never suggested to customers who are known to be under 18.'
    )
