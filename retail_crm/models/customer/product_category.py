from odoo import fields, models


class ProductCategory(models.Model):
    _inherit = 'product.category'

    retail_excluded = fields.Boolean(
        string='Not a Purchase',
        help='Products of this category and the categories below it do not count in customer figures, '
        'for example delivery, deposits or services sold to other shops.',
    )
    retail_margin_percent = fields.Float(
        string='Margin (%)',
        help='Usual margin in percent of the net price, used where no cost is recorded on the order line. '
        '0 means: as in the category above or, without one, as in the company.',
    )

    _check_retail_margin_percent = models.Constraint(
        'CHECK(retail_margin_percent >= -100 AND retail_margin_percent <= 100)',
        'The margin must be between -100 and 100 percent.',
    )

    def write(self, vals):
        """Derive purchases again when other categories count or have another margin."""
        watched = {'retail_excluded', 'retail_margin_percent', 'parent_id'} & set(vals)
        before = {category.id: [category[name] for name in watched] for category in self}
        result = super().write(vals)
        if any([category[name] for name in watched] != before[category.id] for category in self):
            self.env['res.company']._retail_roots()._retail_request_rebuild()
        return result

    def _retail_margin_percents(self):
        """Return ``{category id: percent}`` of all categories whose percentage is set on them or above them."""
        percents = {}
        for category in self.search_fetch(
            [], ['parent_path', 'retail_margin_percent'], order='parent_path'
        ):
            inherited = percents.get(category.parent_id.id)
            if percent := category.retail_margin_percent or inherited:
                percents[category.id] = percent
        return percents
