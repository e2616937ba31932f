from odoo import api, fields, models
from odoo.tools import SQL


class RetailTimeline(models.Model):
    _inherit = 'retail.timeline'
    _depends = {
        'retail.benefit': ['partner_id', 'company_id', 'date', 'code'],
        'retail.voucher': [
            'partner_id',
            'company_id',
            'state',
            'rendered_on',
            'rendered_by',
            'store_id',
            'code',
        ],
    }

    kind = fields.Selection(
        selection_add=[('benefit', 'Benefit granted'), ('voucher', 'Voucher rendered')]
    )

    @api.model
    def _timeline_sources(self):
        """Add what members were given and what staff rendered for it."""
        return {
            **super()._timeline_sources(),
            'benefit': SQL(
                """
                SELECT id, partner_id, NULL::int, company_id, date + interval '12 hours', date, 'benefit', NULL, NULL, NULL,
                       NULL, code, 'retail.benefit', id
                  FROM retail_benefit
                """
            ),
            'voucher': SQL(
                """
                SELECT voucher.id, contact.commercial_partner_id, voucher.partner_id, voucher.company_id,
                       voucher.rendered_on, voucher.rendered_on::date, 'voucher', NULL, voucher.store_id,
                       voucher.rendered_by, NULL, voucher.code, 'retail.voucher', voucher.id
                  FROM retail_voucher AS voucher
                  JOIN res_partner AS contact ON contact.id = voucher.partner_id
                 WHERE voucher.state = 'rendered'
                """
            ),
        }

    def _timeline_text_benefit(self):
        """Return ``{row: text}`` of benefits: by which privilege."""
        # sudo: whoever may see the time line may see what the customer was given
        benefits = self.env['retail.benefit'].sudo().browse(self.mapped('row_id'))
        benefits.fetch(['privilege_id'])
        return {benefit.id: benefit.privilege_id.name for benefit in benefits}

    def _timeline_text_voucher(self):
        """Return ``{row: text}`` of vouchers: what was rendered, and the note."""
        # sudo: as above
        vouchers = self.env['retail.voucher'].sudo().browse(self.mapped('row_id'))
        vouchers.fetch(['name', 'note'])
        return {
            voucher.id: ': '.join(filter(None, (voucher.name, voucher.note)))
            for voucher in vouchers
        }
