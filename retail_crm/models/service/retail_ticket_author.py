from odoo import api, models

#: What core asks of whoever writes a message or moves a ticket.
_OF_USERS = ('active', 'company_id', 'partner_id', 'share')
_OF_AUTHORS = (
    'active',
    'company_id',
    'complete_name',
    'email',
    'email_normalized',
    'is_company',
    'lang',
    'name',
    'parent_id',
    'partner_share',
    'type',
    'tz',
)


class RetailTicketAuthor(models.Model):
    """Who writes is read in a few columns: a contact has 80, and his name and address are all that is asked."""

    _inherit = 'retail.ticket'

    def _message_compute_author(self, author_id=None, email_from=None):
        user_sudo = self._fetch_writer()
        if author_id is None:
            user_sudo.partner_id.fetch(_OF_AUTHORS)
        return super()._message_compute_author(author_id, email_from)

    def message_post(self, **kwargs):
        self._fetch_writer()
        return super().message_post(**kwargs)

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        self._fetch_writer()
        return super().message_new(msg_dict, custom_values)

    @api.model
    def _fetch_writer(self):
        """Return the user, of whom the columns are known that are asked of whoever writes."""
        # sudo: only fills the cache; whoever reads from it is checked as always
        user_sudo = self.env.user.sudo()
        user_sudo.fetch(_OF_USERS)
        return user_sudo
