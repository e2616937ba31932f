from odoo import api, models


class ResPartnerAnonymise(models.Model):
    """What loyalty does when a customer is anonymised: no notes about him remain, and he takes part no more."""

    _inherit = 'res.partner'

    @api.model
    def _retail_personal_copies(self):
        """Memberships, their history, vouchers and lists keep no notes about the anonymised."""
        return {
            **super()._retail_personal_copies(),
            'retail.membership': ('partner_id', ('override_note',)),
            'retail.tier.move': ('partner_id', ('note',)),
            'retail.voucher': ('partner_id', ('note', 'reason')),
            'retail.member.list.line': ('partner_id', ('note', 'opinion')),
        }

    def _retail_anonymise_rows(self):
        """Who is nobody any more leaves the programme and is given nothing; history and vouchers stay as they were.

        Nobody recommended us in his name any more, either.

        :raise UserError: while others change memberships
        """
        result = super()._retail_anonymise_rows()
        # sudo: the officer's rights were checked
        members = self.env['retail.membership'].sudo().search([('partner_id', 'in', self.ids)])
        members.filtered(lambda member: member.state == 'active')._leave()
        return result
