from odoo import fields, models

from .retail_suggestion import KINDS


class SaleOrderLine(models.Model):
    """An order line remembers that and why it was suggested, and what the customer wishes of it (S-MKT-17)."""

    _inherit = 'sale.order.line'

    retail_suggestion_kind = fields.Selection(
        selection=KINDS,
        string='Suggested As',
        readonly=True,
        copy=False,
        help='Why the product was suggested. Empty: it was not.',
    )
    retail_suggestion_reason = fields.Char(
        string='Reason of the Suggestion', readonly=True, copy=False, help='The reason in words.'
    )
    retail_is_custom = fields.Boolean(
        string='Custom', help='Made as the customer wishes: the wish is on the line.'
    )
    retail_wish = fields.Char(
        string='Wish', help='What the customer wishes, such as a size, an engraving or less sugar.'
    )
    retail_wish_preference_ids = fields.Many2many(
        comodel_name='retail.preference',
        relation='retail_wish_preference_rel',
        column1='line_id',
        column2='preference_id',
        string='Preferences of the Wish',
        help='Preferences that the wish shows. The customer gets them when the order is confirmed.',
    )
