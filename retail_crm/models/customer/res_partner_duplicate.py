from odoo import api, fields, models
from odoo.tools import SQL

from .res_partner_file import FILE_GROUPS


class ResPartnerDuplicate(models.Model):
    """The hint on the contact that there are others like it, and the indexes by which they are found.

    Of addresses and telephone numbers core has no index that a comparison of normal forms could use.
    """

    _inherit = 'res.partner'

    retail_duplicate_count = fields.Integer(
        string='Possible Duplicates',
        compute='_compute_retail_duplicate_count',
        groups=FILE_GROUPS,
        help='Other customers who may be this one, and about whom nobody decided yet.',
    )

    _retail_phone_idx = models.Index('(phone_sanitized) WHERE phone_sanitized IS NOT NULL')
    _retail_email_idx = models.Index('(email_normalized) WHERE email_normalized IS NOT NULL')
    _retail_name_idx = models.Index('(lower(name)) WHERE name IS NOT NULL')

    @api.depends('retail_summary')
    def _compute_retail_duplicate_count(self):
        for partner in self:
            partner.retail_duplicate_count = (partner.retail_summary or {}).get('duplicates') or 0

    @api.model
    def _summary_parts(self):
        return {
            **super()._summary_parts(),
            'duplicates': SQL(
                """(SELECT count(DISTINCT other.partner_id)
                      FROM retail_duplicate_partner_rel AS mine
                      JOIN retail_duplicate AS duplicate ON duplicate.id = mine.duplicate_id
                      JOIN retail_duplicate_partner_rel AS other ON other.duplicate_id = duplicate.id
                     WHERE mine.partner_id = customer.id AND other.partner_id != customer.id
                       AND duplicate.state = 'open' AND duplicate.suspicion != 'shared'
                       AND COALESCE(duplicate.company_id, %(company)s) = %(company)s)""",
                company=self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [*super()._summary_flush(), (None, 'retail.duplicate')]

    def action_retail_duplicates(self):
        """Open the groups of possible duplicates that this customer is in."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_duplicate_action')
        return {
            **action,
            'domain': [('partner_ids', 'in', self.ids)],
            'context': {'search_default_open': 1},
        }
