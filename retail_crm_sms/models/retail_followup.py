from odoo import api, models


class RetailFollowup(models.Model):
    """Follow-ups that leave as text messages, through the queue of Odoo's SMS module."""

    _inherit = 'retail.followup'

    @api.model
    def _transports(self):
        return {**super()._transports(), 'sms': '_leave_sms'}

    def _leave_sms(self, verdicts, sending):
        """Make the text messages of these, all at once."""
        contents, values = self._messages(text_first=True), []
        for followup in self:
            customer_sudo = followup.partner_id.sudo()  # sudo: where it goes
            values.append(
                {
                    'partner_id': customer_sudo.id,
                    'number': customer_sudo.phone_sanitized,
                    'body': followup._plain(contents[followup.id]['body']),
                    'retail_followup_id': followup.id,
                }
            )
        self.env['sms.sms'].sudo().create(values)  # sudo: the queue is nobody's to write
        self._left(verdicts, 'done', sending, contents)
