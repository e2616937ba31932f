from odoo import api, models


class RetailConsent(models.Model):
    """A refusal holds at once: what waits to leave on that channel is stopped or goes another way (S-SEC-12)."""

    _inherit = 'retail.consent'

    @api.model
    def _record(self, partner, decisions, source, company=None, note=False, date=None):
        consents = super()._record(
            partner, decisions, source, company=company, note=note, date=date
        )
        refused = consents.sudo().filtered(lambda row: row.is_current and row.state == 'withdrawn')
        for row in refused.filtered('channel_id'):
            # sudo: whoever may record a refusal stops what it is about
            followups_sudo = self.env['retail.followup'].sudo()
            followups_sudo._channel_refused(
                row.partner_id, row.company_id, row.purpose, row.channel_id
            )
        return consents
