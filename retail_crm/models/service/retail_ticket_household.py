from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize


class RetailTicketHousehold(models.Model):
    """Answers from an address that is not the customer's: of the household, with one click, or of a stranger."""

    _inherit = 'retail.ticket'

    unknown_sender = fields.Char(
        string='Answered From',
        readonly=True,
        copy=False,
        help='Address of the last answer that is neither an address of the customer nor in copy. It gets no answers '
        'until it is added to the household.',
    )

    def action_same_household(self):
        """The one who answered belongs to the customer: remember the address, and answer there, too."""
        self.check_access('write')
        for ticket in self.filtered('unknown_sender'):
            if not ticket.partner_id:
                raise UserError(self.env._('Choose the customer of the ticket first.'))
            email = email_normalize(ticket.unknown_sender)
            # sudo: the address of a customer whose ticket one may write; who owns it is looked up over all customers
            addresses = self.env['retail.partner.address'].sudo()
            known = addresses.search([('email', '=', email)])
            if known and known.partner_id != ticket.partner_id:
                raise UserError(
                    self.env._(
                        '%(email)s belongs to another customer already.',
                        email=ticket.unknown_sender,
                    )
                )
            if not known:
                addresses.create({'partner_id': ticket.partner_id.id, 'email': email})
            copies = ticket._mail_cc_sanitized_raw_dict(ticket.email_cc)
            ticket.write(
                {
                    'unknown_sender': False,
                    'email_cc': ', '.join({**copies, email: email}.values()),
                }
            )

    def action_ignore_sender(self):
        """The one who answered is a stranger: nothing changes, the message stays."""
        self.check_access('write')
        self.write({'unknown_sender': False})

    @api.model
    def _retail_contact_columns(self):
        """Addresses of customers leave in no export unmasked (S-SEC-09)."""
        return (
            *super()._retail_contact_columns(),
            'partner_email',
            'partner_phone',
            'email_cc',
            'unknown_sender',
        )
