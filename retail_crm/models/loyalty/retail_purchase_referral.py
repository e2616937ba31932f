from odoo import models
from odoo.tools import SQL


class RetailPurchaseReferral(models.Model):
    """Announces the first purchase of a customer who was referred: ``referral_purchased``, on the purchase."""

    _inherit = 'retail.purchase'

    def _on_purchase(self, moments):
        """Look for first purchases among what was bought just now; what is only derived again is nobody's first."""
        result = super()._on_purchase(moments)
        documents = {}
        for moment in moments:
            if moment.kind == 'purchase' and not moment.quiet:
                documents.setdefault(moment.res_model, []).append(moment.res_id)
        if documents:
            self._announce_referred(documents)
        return result

    def _announce_referred(self, documents):
        """Announce those of these purchases that are the first of a referred customer in the company, once.

        Told again, the moment is there already. Who returns all of it and buys again a quarter later is announced
        again: whoever rewards referrers does so once for each referred customer.
        """
        self.env['res.partner'].flush_model(['retail_referrer_id', 'commercial_partner_id'])
        self.env['retail.moment'].flush_model(['kind', 'partner_id', 'company_id'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT purchase.id FROM retail_purchase AS purchase
                 WHERE (%(documents)s) AND purchase.counts
                   AND EXISTS (
                       SELECT FROM res_partner AS referred
                         JOIN res_partner AS referrer ON referrer.id = referred.retail_referrer_id
                        WHERE referred.commercial_partner_id = purchase.partner_id AND referrer.active
                          AND referrer.commercial_partner_id <> purchase.partner_id)
                   AND NOT EXISTS (
                       SELECT FROM retail_purchase AS earlier
                        WHERE earlier.partner_id = purchase.partner_id AND earlier.company_id = purchase.company_id
                          AND earlier.counts AND (earlier.date, earlier.id) < (purchase.date, purchase.id))
                   AND NOT EXISTS (
                       SELECT FROM retail_moment AS moment
                        WHERE moment.kind = 'referral_purchased' AND moment.partner_id = purchase.partner_id
                          AND moment.company_id = purchase.company_id)
                 ORDER BY purchase.id
                """,
                documents=SQL(' OR ').join(
                    SQL('(purchase.res_model = %s AND purchase.res_id = ANY(%s))', model, ids)
                    for model, ids in documents.items()
                ),
            )
        )
        purchases = self.browse([purchase_id for (purchase_id,) in rows])
        self.env['retail.moment']._emit('referral_purchased', purchases)
