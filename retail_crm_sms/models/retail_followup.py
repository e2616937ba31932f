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

    def _with_address(self, transport):
        """Text messages need a number that can be dialled as it is."""
        found, blocked = super()._with_address(transport)
        if transport == 'sms':
            # sudo: whether there is a number
            found = {one.id for one in self.sudo() if one.partner_id.phone_sanitized}
        return found, blocked

    @api.model
    def _take_back(self, domain):
        waiting = [('state', '=', 'outgoing'), ('to_delete', '=', False)]
        messages = self.env['sms.sms'].search([*waiting, ('retail_followup_id', 'any', domain)])
        messages.action_set_canceled()
        return super()._take_back(domain) | messages.retail_followup_id
