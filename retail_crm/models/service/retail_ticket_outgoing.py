from odoo import api, models
from odoo.tools import email_normalize, email_normalize_all, formataddr

from . import _mail_door as door

#: Kinds of messages that a person writes; all others are made by the system.
WRITTEN = ('comment', 'email', 'email_outgoing')


class RetailTicketOutgoing(models.Model):
    """Mails that go out: answers to the customer and those in copy from the team's address, notes to nobody outside.

    What the system sends by itself says so in its headers, so that no program answers it (RFC 3834).
    """

    _inherit = 'retail.ticket'

    # === HEADERS ===#

    @api.model
    def _automatic_mail_headers(self):
        """Hook: return the headers of every mail that no person wrote. To be given to whatever sends one."""
        return {**door.AUTOMATIC_HEADERS, **self._own_mail_headers()}

    @api.model
    def _own_mail_headers(self):
        """Return the header by which the door knows mails of this database."""
        return {door.MARK: self._door_mark()}

    def _notify_by_email_get_base_mail_values(
        self, message, recipients_data, additional_values=None
    ):
        """Answers come from the team's address; automatic mails say what they are."""
        values = dict(additional_values or {})
        is_written = message.message_type in WRITTEN
        headers = self._own_mail_headers() if is_written else self._automatic_mail_headers()
        values['headers'] = {**(values.get('headers') or {}), **headers}
        address = self._team_address()
        if address and self._is_public_message(message):
            name = message.author_id.name if is_written else self.company_id.name
            values['email_from'] = formataddr((name or self.company_id.name, address))
        return super()._notify_by_email_get_base_mail_values(message, recipients_data, values)

    def _team_address(self):
        """Return the address of the team's alias, or nothing."""
        # sudo: the address to write to is no secret
        return self.sudo().team_id.alias_email or False

    def _notify_get_reply_to_batch(self, defaults=None, author_ids=None):
        """Answers come back to the address of the team."""
        addresses = {ticket: address for ticket in self if (address := ticket._team_address())}
        others = self.browse([ticket.id for ticket in self if ticket not in addresses])
        result = {}
        if others or not self:
            result = super(RetailTicketOutgoing, others)._notify_get_reply_to_batch(
                {ids: (defaults or {}).get(ids) for ids in others.ids or [False]},
                {ids: (author_ids or {}).get(ids) for ids in others.ids or [False]},
            )
        for ticket, address in addresses.items():
            author_id = (author_ids or {}).get(ticket.id)
            result[ticket.id] = ticket._notify_get_reply_to_formatted_email(address, author_id)
        return result

    def _message_compute_subject(self):
        """The number in the subject brings answers home that lost their references."""
        self.ensure_one()
        # a line break, which customers can send, would make the mail one that no server takes
        return f'[{self.name}] {" ".join((self.subject or "").split())}'

    # === WHO GETS IT ===#

    def _is_public_message(self, message):
        """Return whether customers may read a message."""
        message_sudo = message.sudo()  # the kind of a message is no secret
        return not message_sudo.is_internal and not message_sudo.subtype_id.internal

    def _is_public_subtype(self, values):
        """Return whether a message to be posted with these values is one for the customer."""
        if values.get('subtype_xmlid'):
            subtype = self.env.ref(values['subtype_xmlid'], raise_if_not_found=False)
        else:
            subtype = self.env['mail.message.subtype'].browse(values.get('subtype_id') or ())
        # without a subtype core makes a note of it
        return bool(subtype) and not subtype.sudo().internal

    def message_post(self, **kwargs):
        """An answer of ours goes to the customer and those in copy, whatever it was posted by; the clock is told."""
        is_public = self._is_public_subtype(kwargs)
        if kwargs.get('subject'):
            kwargs['subject'] = ' '.join(str(kwargs['subject']).split())
        # an employee may answer by mail, too: then the gateway posts it
        if is_public and kwargs.get('message_type') in WRITTEN:
            kwargs = self._with_customer(kwargs)
        message = super().message_post(**kwargs)
        if is_public and kwargs.get('message_type') in ('comment', 'email_outgoing'):
            self._count_message(message.sudo())
        return message

    def _with_customer(self, values):
        """Return the values of an answer with the customer and those in copy among its recipients."""
        author_id, _email = self._message_compute_author(
            values.get('author_id'), values.get('email_from')
        )
        # sudo: whether the author is one of us; the customer's name and address of a ticket that one may write to
        author = self.env['res.partner'].sudo().browse(author_id or ())
        if author.partner_share or not author:
            return values
        ticket_sudo = self.sudo()
        partner = ticket_sudo.partner_id
        partner_ids = list(values.get('partner_ids') or [])
        got_it = f'{values.get("incoming_email_to") or ""},{values.get("incoming_email_cc") or ""}'
        taken = {author.email_normalized, *email_normalize_all(got_it)}
        known = author.browse(partner_ids) | partner
        taken |= {item.email_normalized for item in known}
        if partner and partner not in author and partner.id not in partner_ids:
            partner_ids.append(partner.id)
        more = {
            **ticket_sudo._mail_cc_sanitized_raw_dict(ticket_sudo.email_cc),
            email_normalize(ticket_sudo.partner_email or ''): ticket_sudo.partner_email,
        }
        others = [text for address, text in more.items() if address and address not in taken]
        given = [values['outgoing_email_to']] if values.get('outgoing_email_to') else []
        return {
            **values,
            'partner_ids': partner_ids,
            'outgoing_email_to': ','.join([*given, *others]) or False,
        }

    def _count_message(self, message):
        """Tell the clock who wrote: a customer in the portal, or one of us."""
        author = message.author_id
        if author == self.env.ref('base.partner_root'):
            return
        # without an author: a visitor who has the link of a ticket whose customer is not known
        if author.partner_share or (not author and self.env.user._is_public()):
            # sudo: what follows from an answer is the system's work, the customer may not write the ticket
            self.sudo()._customer_answered(
                door.text_of(message.body), bool(message.attachment_ids), message.date
            )
        else:
            # sudo: dates and counters are the system's; whoever may read the ticket may answer
            self.sudo()._clock_contact('agent', message.date)

    def _note_made_public(self):
        """A note was made public later: the customer has his answer from now on (zammad#5925)."""
        for ticket in self:
            ticket.sudo()._clock_contact('agent')  # sudo: as for answers

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """Notes never leave the house, whoever is mentioned in them; nor do mails that came in go out to others.

        Core would send what a stranger answers to the author of the message that he answered.
        """
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        msg_vals = msg_vals or {}
        kind = msg_vals.get('message_type') or message.sudo().message_type
        if self and (kind == 'email' and not self._is_by_colleague(message, msg_vals)):
            return [item for item in recipients if not item['share']]
        if self and self._is_note(message, msg_vals):
            return [item for item in recipients if not item['share']]
        if self and kind == 'auto_comment':
            # written to the customer: followers read it on the ticket and need no copy in their mails
            named = msg_vals.get('partner_ids') or message.sudo().partner_ids.ids
            return [item for item in recipients if item['id'] in named or not item['id']]
        return recipients

    def _is_by_colleague(self, message, msg_vals):
        author_id = msg_vals.get('author_id') or message.sudo().author_id.id
        author = self.env['res.partner'].sudo().browse(author_id or ())
        return bool(author) and not author.partner_share

    def _is_note(self, message, msg_vals):
        subtype_id = msg_vals.get('subtype_id') or message.sudo().subtype_id.id
        subtype = self.env['mail.message.subtype'].sudo().browse(subtype_id or ())
        return bool(subtype.internal or message.sudo().is_internal)

    def _message_subscribe(self, partner_ids=None, subtype_ids=None, customer_ids=None):
        """Only employees follow tickets: following must never be a right to read (R-svc D.1-4b)."""
        partners = self.env['res.partner'].sudo().browse(partner_ids or ())
        inside = partners.filtered(lambda partner: not partner.partner_share)
        if partner_ids and not inside:
            return True
        return super()._message_subscribe(inside.ids, subtype_ids, customer_ids)

    # === AUTOMATIC ===#

    def _send_automatic(self, template, email):
        """Send a template of one ticket to an address as an automatic message, and show it in the thread.

        :param template: mail template of tickets; subject and body are used
        :param str email: where to; it is also the customer's when this is his address
        """
        self.ensure_one()
        lang = self.partner_id.lang or self.company_id.partner_id.lang
        template = template.with_context(lang=lang)
        body = template._render_field('body_html', self.ids)[self.id]
        subject = template._render_field('subject', self.ids)[self.id]
        is_partner = self.partner_id.email_normalized == email
        return self.with_context(lang=lang).message_post(
            body=body,
            subject=' '.join(subject.split()),
            message_type='auto_comment',
            subtype_xmlid='mail.mt_comment',
            partner_ids=self.partner_id.ids if is_partner else [],
            outgoing_email_to=False if is_partner else email,
            **self._automatic_author(),
        )

    def _automatic_author(self):
        """Return who signs a message that the system writes to a customer: the company, never the robot."""
        company_sudo = (
            self.company_id.sudo()
        )  # sudo: name and address of the company, for its own letter
        return {
            'author_id': company_sudo.partner_id.id,
            'email_from': company_sudo.email_formatted or self.env.user.email_formatted,
            'email_add_signature': False,
        }
