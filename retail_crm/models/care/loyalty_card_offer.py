from odoo import api, fields, models
from odoo.tools import SQL

from ._offer import OFFER_GROUPS


class LoyaltyCard(models.Model):
    """The offer for which a coupon was made: a customer has one of each offer, archived or not."""

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

    _retail_offer_uniq = models.UniqueIndex(
        '(retail_offer_id, partner_id) WHERE retail_offer_id IS NOT NULL AND partner_id IS NOT NULL',
        'A customer gets one coupon of an offer.',
    )

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Keep the coupons of merged customers, all of them valid: of several of one offer one remains that of the offer.

        It is the one that can still be used; the others keep their program, code and points.
        """
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE loyalty_card SET retail_offer_id = NULL
                 WHERE id IN (SELECT id FROM (
                           SELECT id, row_number() OVER (
                                      PARTITION BY retail_offer_id
                                      ORDER BY active DESC, points > 0 DESC, expiration_date DESC NULLS FIRST, id) AS place
                             FROM loyalty_card
                            WHERE partner_id = ANY(%s) AND retail_offer_id IS NOT NULL) AS ranked
                        WHERE place > 1)
                """,
                [*src_partners.ids, dst_partner.id],
            )
        )
        self.invalidate_model(['retail_offer_id'])
