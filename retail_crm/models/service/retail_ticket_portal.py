import uuid
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import consteq, email_normalize, is_html_empty

from ._uploads import MAX_BYTES, MAX_FILES, is_allowed

#: What a customer may ask of the thread of his ticket beside its messages.
THREAD_REQUESTS = {'display_name'}
#: Fewest digits of a telephone number by which a guest is recognised.
MIN_DIGITS = 8


class RetailTicketPortal(models.Model):
    """What customers see of their tickets, by which links, and what they do with them (R-svc C.8).

    A link works for one ticket, until ``link_until`` and while the ticket has the same customer. Whoever follows a
    ticket gets its messages by mail, but may not read it for that. What staff wrote for themselves is never shown.
    """

    _inherit = 'retail.ticket'

    link_until = fields.Datetime(
        string='Link Valid Until',
        readonly=True,
        copy=False,
        help='Until then the link that was sent to the customer opens the request without signing in.',
    )
    portal_state = fields.Char(
        string='State for the Customer',
        compute='_compute_portal_words',
        help='Where it stands, in the words that the customer reads.',
    )
    portal_solution = fields.Text(
        string='Solution the Customer Was Told',
        compute='_compute_portal_words',
        help='What was offered, once the customer was told.',
    )
    portal_result = fields.Text(
        string='Result Shown to the Customer',
        compute='_compute_portal_words',
        help='What was done in the end, once the request is solved.',
    )

    @api.depends('stage_id', 'solution', 'told_on', 'result', 'category')
    def _compute_portal_words(self):
        # sudo: names of stages and what customers are told; who may read the ticket is asked before
        for ticket, ticket_sudo in zip(self, self.sudo(), strict=True):
            done = ticket_sudo.category in ('solved', 'archived')
            stage = ticket_sudo.stage_id
            ticket.portal_state = stage.portal_name or stage.name
            ticket.portal_solution = ticket_sudo.told_on and ticket_sudo.solution
            ticket.portal_result = done and ticket_sudo.result

    # === CRUD ===#

    def write(self, vals):
        """Another customer: the old one loses link and messages."""
        if 'partner_id' not in vals:
            return super().write(vals)
        before = {ticket: ticket.partner_id for ticket in self}
        result = super().write(vals)
        changed = self.filtered(lambda ticket: ticket.partner_id != before[ticket])
        changed._stamp({'access_token': False, 'link_until': False})
        for partner, tickets in changed.grouped(lambda ticket: before[ticket]).items():
            if partner:
                tickets.message_unsubscribe(partner.ids)
                tickets._leave_addresses(partner, vals)
        return result

    def _leave_addresses(self, partner, vals):
        """Take the addresses of the customer of before from tickets, unless they are the new one's, too (odoo#69281)."""
        # sudo: addresses of customers, to compare with; whoever writes the ticket was checked
        emails, phones = partner.sudo()._retail_ticket_contacts()
        for ticket in self.sudo():
            own_emails, own_phones = ticket.partner_id._retail_ticket_contacts()
            gone, left = emails - own_emails, {}
            if 'partner_email' not in vals and email_normalize(ticket.partner_email or '') in gone:
                left['partner_email'] = ticket.partner_id.email
            if 'partner_phone' not in vals and _digits(ticket.partner_phone) in (
                phones - own_phones
            ):
                left['partner_phone'] = ticket.partner_id.phone
            copies = ticket._mail_cc_sanitized_raw_dict(ticket.email_cc)
            if 'email_cc' not in vals and gone & set(copies):
                left['email_cc'] = ', '.join(
                    text for address, text in copies.items() if address not in gone
                )
            if ticket.unknown_sender in gone:
                left['unknown_sender'] = False
            if left:
                ticket._stamp(left)

    # === LINKS ===#

    def _portal_ensure_token(self):
        """Return the secret of the link of one ticket and have it work for the company's number of days from now on."""
        self.ensure_one()
        self.check_access('read')  # core's public get_portal_url asks nothing
        ticket_sudo = self.sudo()  # sudo: as in core, whoever may read a ticket may send its link
        now = fields.Datetime.now()
        until = now + timedelta(days=ticket_sudo.company_id.retail_link_days)
        if not ticket_sudo.access_token or not ticket_sudo._link_is_open():
            ticket_sudo._stamp({'access_token': str(uuid.uuid4()), 'link_until': until})
        elif ticket_sudo.link_until < until - timedelta(days=1):
            ticket_sudo._stamp({'link_until': until})
        return ticket_sudo.access_token

    def _link_is_open(self):
        """Return whether links to one ticket work at all now."""
        return bool(
            self.link_until and self.link_until >= fields.Datetime.now() and not self.is_internal
        )

    def _link_matches(self, token):
        """Return whether ``token`` opens one ticket now."""
        return bool(
            token
            and self.access_token
            and self._link_is_open()
            and consteq(self.access_token, str(token))
        )

    def _get_access_action(self, access_uid=None, force_website=False):
        """Customers go to their page; a link that is over is not made anew on the way."""
        self.ensure_one()
        user = (
            self.env['res.users'].sudo().browse(access_uid)  # sudo: asks only what kind of user
            if access_uid
            else self.env.user
        )
        page = {
            'type': 'ir.actions.act_url',
            'url': self.access_url,
            'target': 'self',
            'res_id': self.id,
        }
        if force_website and not self.sudo()._link_is_open():  # sudo: only asks for the date
            return page
        if user.share and not force_website:
            return page
        return super()._get_access_action(access_uid=access_uid, force_website=force_website)

    @api.model
    def _get_thread_with_access(self, thread_id, *, hash=None, pid=None, token=None, **kwargs):
        """Core's own ways by a link end with it."""
        if hash or token:
            ticket_sudo = self.sudo().browse(thread_id).exists()  # sudo: only asks for the date
            if not ticket_sudo or not ticket_sudo._link_is_open():
                hash = pid = token = None
        return super()._get_thread_with_access(thread_id, hash=hash, pid=pid, token=token, **kwargs)

    # === THREAD ===#

    def _thread_to_store(self, store, fields, *, request_list=None):
        """Files, activities, followers and addresses of a thread are for staff, also when a link opens it."""
        if request_list and not self.env.user._is_internal():
            request_list = [name for name in request_list if name in THREAD_REQUESTS]
        return super()._thread_to_store(store, fields, request_list=request_list)

    def _get_allowed_message_params(self):
        """Customers do not choose what kind of message theirs is."""
        return set() if self.env.user.share else super()._get_allowed_message_params()

    def message_post(self, **kwargs):
        """Customers post on their pages only: an open message, with files that they may send."""
        if self.env.user.share:
            if not self.env.su:  # a call from outside, which could name author, kind and recipients
                raise AccessError(self.env._('Please write on the page of your request.'))
            if kwargs.get('message_type') == 'comment':
                if not kwargs.get('subtype_id'):
                    kwargs.setdefault('subtype_xmlid', 'mail.mt_comment')
                self._check_portal_files(kwargs)
        return super().message_post(**kwargs)

    def _check_portal_files(self, kwargs):
        """Refuse files of a post by number, size and kind."""
        attachments = [(name, content) for name, content, *_info in kwargs.get('attachments') or ()]
        # sudo: files that are about to be posted; core checks whose they are
        stored = self.env['ir.attachment'].sudo().browse(kwargs.get('attachment_ids') or ())
        self._check_uploads(attachments + [(file.name, file.raw) for file in stored])

    def message_get_followers(self, *args, **kwargs):
        """Core asks nothing: who follows a complaint is told to its readers only."""
        self.check_access('read')
        return super().message_get_followers(*args, **kwargs)

    def _message_update_content(self, message, **kwargs):
        """What a customer wrote stays as he wrote it: others have acted on it."""
        if self.env.user.share:
            raise AccessError(self.env._('What was sent cannot be changed. Please write again.'))
        return super()._message_update_content(message, **kwargs)

    @api.model
    def _check_uploads(self, files):
        """Refuse files of customers that are too many, too large or of a kind that we do not take.

        :param files: list of ``(name, content)``
        :raise UserError: with what is wrong
        """
        if len(files) > MAX_FILES:
            raise UserError(self.env._('Please send at most %(count)s files.', count=MAX_FILES))
        for name, content in files:
            if len(content or b'') > MAX_BYTES:
                raise UserError(
                    self.env._(
                        'The file %(name)s is larger than %(size)s MB.',
                        name=name,
                        size=MAX_BYTES // 1024 // 1024,
                    )
                )
            if not is_allowed(name, content):
                raise UserError(
                    self.env._(
                        'We cannot take the file %(name)s. Please send pictures, sound, video, PDF or documents.',
                        name=name,
                    )
                )

    # === WHAT THE PAGE SHOWS ===#

    @api.model
    def _portal_is_on(self):
        """Return whether customers reach their tickets: neither tickets nor portal are switched off."""
        # sudo: how the blocks are switched is no secret
        users, portal = (
            self.env.ref(name).sudo().all_implied_ids
            for name in ('base.group_user', 'base.group_portal')
        )
        return (
            self.env.ref('retail_crm.group_block_service') in users
            and self.env.ref('retail_crm.group_block_portal') in portal
        )

    def _portal_messages(self):
        """Return the messages that the customer of one ticket sees, oldest first (sudo)."""
        self.ensure_one()
        # sudo: the customer may read the ticket; only its open messages are taken
        Message = self.env['mail.message'].sudo()
        domain = (
            Domain(Message._get_search_domain_share())
            & Domain('model', '=', self._name)
            & Domain('res_id', '=', self.id)
            & Domain('message_type', 'in', ('comment', 'email', 'email_outgoing', 'auto_comment'))
            & Domain('subtype_id', '=', self.env.ref('mail.mt_comment').id)
        )
        return Message.search(domain, order='id').filtered(
            lambda message: message.attachment_ids or not is_html_empty(message.body)
        )

    def _portal_files(self):
        """Return the files that the customer of one ticket sent with it (sudo); those of messages are with them."""
        self.ensure_one()
        # sudo: only files that a customer stored himself; what staff added is theirs
        files = (
            self.env['ir.attachment']
            .sudo()
            .search(
                [
                    ('res_model', '=', self._name),
                    ('res_id', '=', self.id),
                    ('res_field', '=', False),
                    ('create_uid.share', '=', True),
                ],
                order='id',
            )
        )
        if not files:
            return files
        # a file of a message is shown with it, or not at all when the message is a note
        posted = (
            self.env['mail.message'].sudo().search([('attachment_ids', 'in', files.ids)])
        ).attachment_ids
        return files - posted

    def _portal_promise(self):
        """Return by when the customer of one ticket may expect something, or an empty text."""
        self.ensure_one()
        # while we wait for the customer the clock stands: the next word is his
        is_ours = self._is_open() and self.category != 'waiting'
        return self._words_of_promise() if is_ours else ''

    def _portal_lines(self):
        """Return what one ticket is about, as texts."""
        return [
            ' '.join(
                filter(
                    None,
                    (
                        f'{line.quantity:g} ×' if line.quantity else '',
                        line.product_id.display_name,
                        line.lot and f'({line.lot})',
                    ),
                )
            )
            for line in self._merge_own(self.line_ids)
        ]

    def _portal_may(self):
        """Return the names of what the customer of one ticket may do now."""
        self.ensure_one()
        if self.merged_into_id or self.category in ('archived', 'cancelled'):
            return {'again'}
        if self._is_open():
            return {'answer', 'close'}
        may = {'answer', 'reopen'} if self._portal_may_reopen() else {'again'}
        if self.is_complaint and self.stage_id.step == 'feedback':
            may.add('satisfied')
        return may

    def _portal_may_reopen(self):
        """Return whether one solved ticket may still be opened again by its customer."""
        days = self.company_id.retail_reopen_days
        return self.category == 'solved' and (
            self.is_complaint
            or not self.solved_at
            or self.solved_at >= fields.Datetime.now() - timedelta(days=days)
        )

    # === WHAT THE CUSTOMER DOES ===#

    def _portal_author(self):
        """Return who posts on one ticket by a link: its customer, or the address that he gave."""
        if not self.env.user._is_public():
            return {}
        if self.partner_id:
            return {'author_id': self.partner_id.id}
        return {'author_id': False, 'email_from': self.partner_email or self.partner_name or False}

    def _portal_answer(self, body, files=()):
        """Post what the customer of one ticket writes: text (escaped here) and files ``(name, content)``."""
        self.ensure_one()
        self._check_uploads(list(files))
        body = Markup('<br/>').join(body.splitlines())
        return self.message_post(
            body=Markup('<p>%s</p>') % body,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            attachments=list(files),
            **self._portal_author(),
        )

    def _portal_close(self):
        """Solve one ticket for its customer, whose matter is settled; what staff has to add first keeps it open.

        :return: whether it is solved
        """
        self.ensure_one()
        self._portal_answer(self.env._('My matter is settled, thank you.'))
        words = self.env._('The customer says that the matter is settled.')
        try:
            with self.env.cr.savepoint():
                self._set_stage('solved', result=self.result or words)
        except UserError:
            return False
        return True

    def _portal_reopen(self, reason=''):
        """Hook: open one solved ticket again for its customer."""
        self.ensure_one()
        self._portal_answer(reason or self.env._('My matter is not settled yet.'))
        if not self._is_open():  # the post may have opened it
            self._set_stage(('open', 'new'))

    def _customer_satisfied(self, answer):
        """The customer says on his page whether he is satisfied. Not satisfied: it goes on (S-TKT-11, S-TKT-18)."""
        self.ensure_one()
        if self.is_complaint and self.category == 'solved':
            channel = self.env.ref('retail_crm.retail_channel_web', raise_if_not_found=False)
            # first of all: a message to a solved ticket would open it as if it had come by mail
            self._record_satisfaction('yes' if answer else 'no', channel)
        if answer:
            self._portal_note(self.env._('The customer is satisfied with the solution.'))
        else:
            self._portal_reopen(self.env._('I am not satisfied with the solution.'))

    def _portal_note(self, text):
        """Write an internal line about what the customer did on his page."""
        self._message_log(body=text)

    # === GUESTS ===#

    @api.model
    def _of_guest(self, number, contact):
        """Return the request (sudo) of somebody without a login who knows both its number and an address of it.

        :param str number: number of the ticket, or of the order or receipt that it is about
        :param str contact: telephone number or e-mail address
        """
        if not number or not contact:
            return self.browse()
        # sudo: a visitor reads nothing; what he gave must be right in both parts
        tickets = self.sudo().search(
            [
                '|',
                ('name', '=ilike', _literal(number)),
                ('order_id.name', '=ilike', _literal(number)),
                ('is_internal', '=', False),
                ('is_restricted', '=', False),
                ('merged_into_id', '=', False),
            ],
            limit=20,
        )
        matching = tickets.filtered(lambda ticket: ticket._is_contact(contact))
        return (matching.filtered(lambda ticket: ticket._is_open()) or matching)[:1]

    def _is_contact(self, contact):
        """Return whether an e-mail address or telephone number is that of one ticket or of its customer."""
        emails = {email_normalize(text) for text in (self.partner_email, self.partner_id.email)}
        if '@' in contact:
            return (email_normalize(contact) or None) in emails - {False, None, ''}
        phones = {_digits(text) for text in (self.partner_phone, self.partner_id.phone)}
        given = _digits(contact)
        # with or without the country's number, but never a few last digits only
        return len(given) >= MIN_DIGITS and any(
            len(phone) >= MIN_DIGITS
            and (phone == given or phone.endswith(given) or given.endswith(phone))
            for phone in phones
        )


def _digits(text):
    """Return the digits of a telephone number without those that stand for 'abroad' or 'long distance'."""
    return ''.join(letter for letter in text or '' if letter in '0123456789').lstrip('0')


def _literal(text):
    """Return a text that ``=ilike`` compares as it is, in capitals or not."""
    return text.replace('\\', '\\\\').replace('%', r'\%').replace('_', r'\_')
