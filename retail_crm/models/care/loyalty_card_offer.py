from odoo import fields, models

from ._offer import OFFER_GROUPS


class LoyaltyCard(models.Model):
    """The offer for which a coupon was made: a customer has one of each offer."""

    _inherit = 'loyalty.card'

    retail_offer_id = fields.Many2one(
        comodel_name='retail.offer',
        string='Offer',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups=OFFER_GROUPS,
        help='Offer for which the coupon was made.',
    )
