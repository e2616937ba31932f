from odoo import models

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
        # sudo: only fills the cache; whoever reads from it is checked as always
        user_sudo = self.env.user.sudo()
        user_sudo.fetch(_OF_USERS)
        if author_id is None:
            user_sudo.partner_id.fetch(_OF_AUTHORS)
        return super()._message_compute_author(author_id, email_from)
