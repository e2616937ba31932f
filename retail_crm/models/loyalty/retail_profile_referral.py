from odoo import api, models
from odoo.tools import SQL


class RetailProfileReferral(models.Model):
    """Who has referred a customer is an advocate, the highest step of the ladder (S-SEG-06)."""

    _inherit = 'retail.profile'

    def _sql_advocate(self):
        """Add those whom another customer names: PostgreSQL looks one up, or hashes the few of them for all customers."""
        return SQL(
            """((%s) OR EXISTS (
                SELECT FROM res_partner AS referrer
                  JOIN res_partner AS referred ON referred.retail_referrer_id = referrer.id
                 WHERE referrer.commercial_partner_id = sums.partner_id
                   AND referred.commercial_partner_id <> referrer.commercial_partner_id))""",
            super()._sql_advocate(),
        )

    @api.model
    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['res.partner'].flush_model(['retail_referrer_id', 'commercial_partner_id'])
        return result
