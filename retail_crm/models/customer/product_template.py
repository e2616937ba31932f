from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    retail_excluded = fields.Boolean(
        string='Not a Purchase',
        help='Sales of this product do not count in customer figures, for example delivery or deposits.',
    )
