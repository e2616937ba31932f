from odoo import api, fields, models
from odoo.exceptions import ValidationError

DAYS_HELP = 'So many days after the purchase the customer is contacted once: used up, a first check. 0: as in the category.'
MONTHS_HELP = 'Every so many months after the purchase the customer is contacted: maintenance. 0: as in the category.'


class ProductTemplateCare(models.Model):
    """When buyers of a product are contacted again (S-SRV-14), and as what is new it is announced (S-FUP-05)."""

    _inherit = 'product.template'

    retail_contact_days = fields.Integer(string='Contact Buyers After (Days)', help=DAYS_HELP)
    retail_contact_every_months = fields.Integer(
        string='Contact Buyers Every (Months)', help=MONTHS_HELP
    )
    retail_contact_text = fields.Text(
        string='What To Say to Buyers',
        translate=True,
        help='What a refill or maintenance of this product is about. Staff see it with the follow-up.',
    )
    retail_new_from = fields.Date(
        string='New From',
        help='First day on which customers are told of this product by the rules about new products.',
    )
    retail_new_until = fields.Date(
        string='New Until', help='Last day on which it is new. Empty: no end.'
    )

    _retail_new_idx = models.Index('(retail_new_from) WHERE retail_new_from IS NOT NULL')
    _check_retail_contact = models.Constraint(
        'CHECK(retail_contact_days BETWEEN 0 AND 3650 AND retail_contact_every_months BETWEEN 0 AND 120)',
        'Buyers are contacted again within ten years.',
    )

    @api.constrains('retail_new_from', 'retail_new_until')
    def _check_retail_new(self):
        for product in self:
            first, last = product.retail_new_from, product.retail_new_until
            if last and (not first or last < first):
                raise ValidationError(
                    self.env._('What is new needs a first day, not after the last one.')
                )

    @api.model
    def _retail_contact_settings(self, company, categories):
        """Return ``{(days, months): [ids of products]}`` of all products whose buyers are contacted again.

        What a product does not say its category says, else the category above.

        :param company: only its products, and those of all companies
        :param categories: only products of these categories and those below; empty: all
        """
        usual = self.env['product.category'].sudo()._retail_contact_usual()
        domain = [
            '&',
            ('company_id', 'in', [False, *self.env['retail.segment']._company_tree(company)]),
            '|',
            '|',
            ('retail_contact_days', '>', 0),
            ('retail_contact_every_months', '>', 0),
            ('categ_id', 'in', list(usual)),
        ]
        if categories:
            domain = ['&', ('categ_id', 'child_of', categories.ids), *domain]
        # sudo: settings of products say nothing of a customer; archived products were sold, too
        products = (
            self.sudo()
            .with_context(active_test=False)
            .search_fetch(
                domain,
                ['categ_id', 'retail_contact_days', 'retail_contact_every_months'],
                order='id',
            )
        )
        found = {}
        for product in products:
            days, months = usual.get(product.categ_id.id, (0, 0))
            setting = (
                product.retail_contact_days or days,
                product.retail_contact_every_months or months,
            )
            found.setdefault(setting, []).append(product.id)
        return found


class ProductCategoryCare(models.Model):
    """When buyers of the products of a category are contacted again."""

    _inherit = 'product.category'

    retail_contact_days = fields.Integer(string='Contact Buyers After (Days)', help=DAYS_HELP)
    retail_contact_every_months = fields.Integer(
        string='Contact Buyers Every (Months)', help=MONTHS_HELP
    )

    _check_retail_contact = models.Constraint(
        'CHECK(retail_contact_days BETWEEN 0 AND 3650 AND retail_contact_every_months BETWEEN 0 AND 120)',
        'Buyers are contacted again within ten years.',
    )

    def _retail_contact_usual(self):
        """Return ``{category id: (days, months)}`` of the categories that say something, themselves or from above."""
        usual = {}
        for category in self.search_fetch(
            [],
            ['parent_path', 'retail_contact_days', 'retail_contact_every_months'],
            order='parent_path',
        ):
            days, months = usual.get(category.parent_id.id, (0, 0))
            own = (
                category.retail_contact_days or days,
                category.retail_contact_every_months or months,
            )
            if any(own):
                usual[category.id] = own
        return usual
