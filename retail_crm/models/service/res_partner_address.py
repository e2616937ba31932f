from odoo import fields, models
from odoo.tools import email_normalize


class ResPartner(models.Model):
    _inherit = 'res.partner'

    retail_address_ids = fields.One2many(
        comodel_name='retail.partner.address',
        inverse_name='partner_id',
        string='Additional E-mail Addresses',
        groups='retail_crm.group_user',
        help='Other addresses from which the customer or the household writes.',
    )

    def _retail_ticket_contacts(self):
        """Return ``(e-mail addresses, digits of telephone numbers)`` of contacts, with those of their households.

        For the system: the caller has the right to all of them.
        """
        emails = {
            email_normalize(email) or email.strip().lower()
            for email in self.mapped('email')
            if email
        }
        emails |= set(self.retail_address_ids.mapped('email'))
        phones = {
            ''.join(letter for letter in phone if letter in '0123456789').lstrip('0')
            for phone in self.mapped('phone')
            if phone
        }
        return emails - {''}, phones - {''}
