from random import randint

from odoo import fields, models


class RetailPreference(models.Model):
    """What customers like or need, as tags: entered by staff or by the customer."""

    _name = 'retail.preference'
    _description = 'Preference'
    _order = 'kind, sequence, name, id'

    def _default_color(self):
        return randint(1, 11)

    name = fields.Char(required=True, translate=True)
    kind = fields.Selection(
        selection=[
            ('interest', 'Interest'),
            ('taste', 'Taste'),
            ('habit', 'Shopping habit'),
            ('need', 'Special need'),
        ],
        required=True,
        default='interest',
        help='Special needs are shown to everybody who serves the customer, and are never offered in the portal.',
    )
    category_ids = fields.Many2many(
        comodel_name='product.category',
        string='Product Categories',
        help='Products that customers with this preference want to hear of.',
    )
    color = fields.Integer(default=lambda self: self._default_color(), help='Colour of the tag.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _name_uniq = models.UniqueIndex("(kind, (name->>'en_US'))", 'This preference exists already.')
