from odoo import api, models
from odoo.tools import SQL


class RetailProfileTier(models.Model):
    """The highest tier makes high-value customers, whatever they brought lately (S-SEG-20)."""

    _inherit = 'retail.profile'

    def _sql_high_value(self):
        """Add the members of the highest tier: PostgreSQL looks one up, or hashes the few of them for all customers."""
        return SQL(
            """((%s) OR EXISTS (
                SELECT FROM retail_membership AS membership
                  JOIN retail_tier AS tier ON tier.id = membership.tier_id AND tier.is_top
                 WHERE membership.partner_id = sums.partner_id AND membership.company_id = sums.company_id))""",
            super()._sql_high_value(),
        )

    @api.model
    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['retail.membership'].flush_model(['tier_id'])
        self.env['retail.tier'].flush_model(['is_top'])
        return result
