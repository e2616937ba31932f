from odoo import models
from odoo.fields import Domain

from .retail_ticket_stage import OPEN_CATEGORIES


class ResPartnerForget(models.Model):
    """What service does when a customer is anonymised: his tickets tell nothing any more, and are still counted."""

    _inherit = 'res.partner'

    def _retail_anonymise_obstacles(self):
        """Whoever still waits for an answer cannot be forgotten; the request to be forgotten itself is none.

        Tickets of all companies count: the officer may not see those of others, but they would be emptied.
        """
        found = super()._retail_anonymise_obstacles()
        # sudo: see _retail_anonymise
        tickets_sudo = (
            self.env['retail.ticket']
            .sudo()
            .search(
                [
                    ('partner_id', 'in', self._retail_family_sudo().ids),
                    ('category', 'in', OPEN_CATEGORIES),
                    ('type_id.code', '!=', 'data_request'),
                ]
            )
        )
        if tickets_sudo:
            found.append(
                self.env._(
                    '%(names)s: there are open requests (%(tickets)s). Solve or cancel them first.',
                    names=', '.join(tickets_sudo.partner_id.mapped('display_name')),
                    tickets=', '.join(tickets_sudo.mapped('name')),
                )
            )
        return found

    def _retail_erase_copies(self):
        """Empty tickets first, while it is still known from which addresses the customer wrote."""
        # sudo: the officer's rights were checked
        tickets_sudo = self.env['retail.ticket'].sudo()
        emails, _phones = self._retail_ticket_contacts()
        tickets_sudo._of_customers(self)._forget()
        tickets_sudo._forget_mails(Domain('sender', 'in', list(emails)))
        self.retail_address_ids.unlink()
        return super()._retail_erase_copies()
