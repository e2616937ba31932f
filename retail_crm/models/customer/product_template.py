from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    retail_excluded = fields.Boolean(
        string='Not a Purchase',
        help='Sales of this product do not count in customer figures, for example delivery or deposits.',
    )

    def write(self, vals):
        """Derive purchases again when another product counts."""
        changed = 'retail_excluded' in vals and any(
            product.retail_excluded != bool(vals['retail_excluded']) for product in self
        )
        result = super().write(vals)
        if changed:
            self.env['res.company']._retail_roots()._retail_request_rebuild()
        return result
