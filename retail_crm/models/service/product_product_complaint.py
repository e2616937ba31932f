from odoo import models


class ProductProductComplaint(models.Model):
    _inherit = 'product.product'

    def _retail_responsible(self):
        """Hook: return who answers for these products besides quality; add-ons of purchasing add the buyer."""
        fields = self.product_tmpl_id._fields
        names = [name for name in ('responsible_id', 'buyer_id') if name in fields]
        users = self.env['res.users']
        for name in names:
            users |= self.product_tmpl_id[name]
        return users

    def action_retail_complaints(self):
        """Open the complaints about a variant's product."""
        self.ensure_one()
        return self.product_tmpl_id.action_retail_complaints()
