from odoo import fields, models


class ProductCategoryCare(models.Model):
    """Which goods need explaining after they were delivered."""

    _inherit = 'product.category'

    retail_needs_guidance = fields.Boolean(
        string='Needs Explaining',
        help='Some days after delivery customers are told how to use goods of this category.',
    )
