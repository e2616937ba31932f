from odoo import api, models
from odoo.tools import consteq, hmac


class RetailFollowupUnsubscribe(models.Model):
    """The way out of marketing, in each marketing message: as easy as agreeing (RFC 8058, S-SEC-12).

    A link names follow-up and channel and proves both by a secret: after the follow-up went on by another channel, the
    link in the mail is still about mails.
    """

    _inherit = 'retail.followup'

    def _unsubscribe_token(self, channel):
        """Return the secret of the link of one follow-up and channel."""
        self.ensure_one()
        return hmac(self.env(su=True), 'retail-care-unsubscribe', (self.id, channel.id))

    def _unsubscribe_url(self, channel):
        token = self._unsubscribe_token(channel)
        return f'{self.get_base_url()}/care/unsubscribe/{self.id}/{channel.id}/{token}'

    def _unsubscribe_headers(self, channel):
        """Return the headers by which programs for mail offer a button."""
        return {
            'List-Unsubscribe': f'<{self._unsubscribe_url(channel)}>',
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        }

    @api.model
    def _of_unsubscribe(self, number, channel_number, token):
        """Return the follow-up and the channel of a link, for the system to work with; nothing for a wrong link."""
        # sudo: the secret says that it was sent to the customer
        followup_sudo = self.sudo().browse(number).exists()
        channel_sudo = self.env['retail.channel'].sudo().browse(channel_number).exists()
        if not (followup_sudo and channel_sudo and token and token.isascii()):
            return None, None
        if not consteq(followup_sudo._unsubscribe_token(channel_sudo), token):
            return None, None
        return followup_sudo, channel_sudo

    def _unsubscribe(self, channel):
        """Record that the customer of one follow-up wants no more marketing on a channel; again changes nothing."""
        return self.env['retail.consent']._record(
            self.partner_id,
            {('marketing', channel): False},
            'message',
            company=self.company_id,
            note=self.env._('By the link in a message'),
        )
