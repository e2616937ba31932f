from odoo import api, fields, models
from odoo.tools import SQL

from ..customer.res_partner import FIGURE_GROUPS


class ResPartner(models.Model):
    """The open vouchers of a customer: from the contact to the counter in two clicks."""

    _inherit = 'res.partner'

    retail_open_vouchers = fields.Integer(
        string='Open Vouchers',
        compute='_compute_retail_open_vouchers',
        groups=FIGURE_GROUPS,
        help='Vouchers of the current company that the customer has not used yet.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company')
    def _compute_retail_open_vouchers(self):
        # sudo: writes the cache of a field that only some groups may read
        for partner in self.sudo():
            partner.retail_open_vouchers = (partner.retail_summary or {}).get('vouchers') or 0

    @api.model
    def _summary_parts(self):
        return {
            **super()._summary_parts(),
            'vouchers': SQL(
                """(SELECT count(*) FROM retail_voucher AS voucher
                     WHERE voucher.partner_id IN (customer.id, customer.commercial_partner_id)
                       AND voucher.company_id = %s AND voucher.state = 'open')""",
                self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [*super()._summary_flush(), (None, 'retail.voucher')]

    def action_retail_vouchers(self):
        """Open the vouchers of these customers, open ones first."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_voucher_action')
        partners = self | self.commercial_partner_id
        return {
            **action,
            'domain': [('partner_id', 'in', partners.ids)],
            'context': {
                'search_default_open': 1,
                'default_partner_id': self.id if len(self) == 1 else False,
            },
        }
