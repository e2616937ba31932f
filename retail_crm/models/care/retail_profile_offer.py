from odoo import api, models
from odoo.tools import SQL


class RetailProfileOffer(models.Model):
    """Loyalty test 3: who follows new products, by the reactions to notices of them (S-LOY-22).

    The share of such notices of the last 12 months that the customer reacted to, from 0 to 100; not measured while there
    was none.
    """

    _inherit = 'retail.profile'

    def _loyalty_tests(self):
        return {
            **super()._loyalty_tests(),
            'loyalty_interest': SQL(
                """(SELECT round(100.0 * COUNT(*) FILTER (WHERE COALESCE(notice.reaction, 'none') <> 'none') / COUNT(*))::int
                      FROM retail_followup AS notice
                     WHERE notice.commercial_partner_id = sums.partner_id
                       AND notice.company_id = sums.company_id
                       AND notice.contacted_at IS NOT NULL AND notice.family = 'product'
                       AND notice.due_on > company.day - 365
                       AND (notice.rule_id IN (SELECT id FROM retail_care_rule WHERE trigger = 'new_product')
                            OR notice.offer_id IN (SELECT id FROM retail_offer WHERE kind = 'new_product'))
                    HAVING COUNT(*) > 0)"""
            ),
        }

    @api.model
    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['retail.followup'].flush_model()
        self.env['retail.care.rule'].flush_model(['trigger'])
        self.env['retail.offer'].flush_model(['kind'])
        return result
