"""What customers see of their requests and do with them, and what nobody reaches (R-svc C.8, D.1-1, D.1-4, D.1-4b)."""

import json
from base64 import b64decode
from datetime import date, timedelta

from freezegun import freeze_time
from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.service.model import call_kw
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.controllers import portal_request, portal_service
from odoo.addons.retail_crm.models.service._uploads import MAX_BYTES, is_allowed
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

URL = '/my/tickets'
CLOSED = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule', 'odoo.http')
#: All that a customer may read by himself; whoever adds a field here has thought about it.
READABLE = set(
    'id display_name name subject description active company_id partner_id type_id category order_id product_id '
    'received_at solved_at customer_wish portal_state portal_solution portal_result access_url'.split()
)
PNG = b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)


class PortalTicketCase(RetailCrmCommon):
    """Two contacts of one company, a customer of nobody, and a ticket of each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.me = cls.users['portal']
        cls.customer = cls.me.partner_id
        cls.customer.write({'parent_id': cls.acme.id, 'phone': '+32 475 12 34 56'})
        cls.more = cls._create_users(colleague='base.group_portal', stranger='base.group_portal')
        cls.colleague, cls.stranger = cls.more['colleague'], cls.more['stranger']
        cls.colleague.partner_id.parent_id = cls.acme
        cls.stranger.partner_id.email = 'stranger@shop.test'
        cls.tickets = cls.env['retail.ticket']
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.mine = cls._ticket(cls.customer, subject='Where is my tea?')

    @classmethod
    def _ticket(cls, partner, **values):
        return cls.tickets.create(
            {
                'partner_id': partner.id,
                'subject': 'Question',
                'type_id': cls.enquiry.id,
                'priority': '2',
                **values,
            }
        )

    def _as(self, user):
        return self.env(user=user, su=False)['retail.ticket']

    def _rpc(self, user, model, method, *args, **kwargs):
        return call_kw(self.env(user=user, su=False)[model], method, list(args), kwargs)

    def _is_refused(self, user, model, method, *args, **kwargs):
        savepoint = self.cr.savepoint()
        try:
            self._rpc(user, model, method, *args, **kwargs)
        except (UserError, ValueError):
            return True
        finally:
            savepoint.rollback()
            self.env.invalidate_all(flush=False)
        return False

    def _note_with_file(self, ticket):
        """Return the attachment of an internal note, the one of an open message, and one that staff added."""
        return [
            ticket.message_post(
                body=body,
                subtype_xmlid=subtype,
                message_type='comment',
                attachments=[(f'{body}.txt', body.encode())],
            ).attachment_ids
            for body, subtype in (('Secret', 'mail.mt_note'), ('Hello', 'mail.mt_comment'))
        ] + [
            self.env['ir.attachment'].create(
                {
                    'name': 'Staff.txt',
                    'raw': b'Staff',
                    'res_model': 'retail.ticket',
                    'res_id': ticket.id,
                }
            )
        ]


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalTicketAccess(PortalTicketCase):
    # === ROWS ===#

    def _readers(self, ticket):
        """Return which of the portal users find and read a ticket."""
        readers = set()
        for name, user in (
            ('me', self.me),
            ('colleague', self.colleague),
            ('stranger', self.stranger),
        ):
            row = self._as(user).browse(ticket.id)
            found = bool(self._as(user).search([('id', '=', ticket.id)]))
            self.assertEqual(found, row.has_access('read'), name)
            for operation in ('write', 'create', 'unlink'):
                self.assertFalse(row.has_access(operation), (name, operation))
            if found:
                readers.add(name)
        return readers

    @mute_logger(*CLOSED)
    def test_rows_by_sharing(self):
        """Own requests; those of the company by its mode, for marked contacts or everyone (R-svc C.8)."""
        mark = self.colleague.partner_id
        for mode, marked, readers in (
            (False, False, {'me'}),
            (False, True, {'me', 'colleague'}),
            ('none', True, {'me'}),
            ('managers', False, {'me'}),
            ('managers', True, {'me', 'colleague'}),
            ('everyone', False, {'me', 'colleague'}),
        ):
            with self.subTest(mode=mode, marked=marked):
                self.acme.retail_ticket_sharing = mode
                mark.retail_ticket_manager = marked
                self.assertEqual(self._readers(self.mine), readers)

    @mute_logger(*CLOSED)
    def test_restricted_and_internal(self):
        """A restricted one is for whoever made it, an internal one for no customer (R-svc C.8)."""
        self.acme.retail_ticket_sharing = 'everyone'
        self.mine.is_restricted = True
        self.assertEqual(self._readers(self.mine), {'me'})
        task = self._ticket(
            self.customer, type_id=self.env.ref('retail_crm.retail_ticket_type_internal').id
        )
        self.assertEqual(self._readers(task), set())

    @mute_logger(*CLOSED)
    def test_following_is_no_right(self):
        """Somebody in copy or a follower reads the messages sent to him, never the ticket (D.1-4b)."""
        self.mine.message_subscribe(self.stranger.partner_id.ids)
        self.mine.email_cc = 'stranger@shop.test'
        self.assertEqual(self._readers(self.mine), {'me'})
        person = self._ticket(self.bob)
        self.assertEqual(self._readers(person), set())

    @mute_logger(*CLOSED)
    def test_moved_contact_and_person(self):
        """A private person shares nothing; who leaves the company loses its requests at once (R-svc C.8)."""
        self.acme.retail_ticket_sharing = 'everyone'
        self.assertEqual(self._readers(self.mine), {'me', 'colleague'})
        self.colleague.partner_id.parent_id = False
        self.assertEqual(self._readers(self.mine), {'me'})
        child = self.env['res.partner'].create({'name': 'Kid', 'parent_id': self.bob.id})
        self.stranger.partner_id.write({'parent_id': self.bob.id, 'retail_ticket_manager': True})
        self.assertEqual(self._readers(self._ticket(child)), set())

    @mute_logger(*CLOSED)
    def test_other_customer_ends_everything(self):
        """With another customer the old one loses ticket, link and messages (R-svc C.8)."""
        self.mine.message_subscribe(self.customer.ids)
        token = self.mine._portal_ensure_token()
        self.assertTrue(self.mine._link_matches(token))
        self.mine.partner_id = self.stranger.partner_id
        self.assertEqual(self._readers(self.mine), {'stranger'})
        self.assertFalse(self.mine._link_matches(token))
        self.assertNotIn(self.customer, self.mine.message_partner_ids)
        self.assertNotEqual(self.mine._portal_ensure_token(), token)

    # === FIELDS ===#

    @mute_logger(*CLOSED)
    def test_every_field_by_rpc(self):
        """A customer reads the named fields of his tickets and no other, in whatever way he asks (design 7)."""
        row = self.mine.ids
        self.assertEqual(set(self._rpc(self.me, 'retail.ticket', 'fields_get')), READABLE)
        for name, field in self.tickets._fields.items():
            calls = [('read', row, [name]), ('search_read', [], [name])]
            if field.store and name not in READABLE:
                # Odoo leaves out what is always true: a field that must be filled is compared with something
                value = (
                    {'many2one': 1, 'selection': '0'}.get(field.type) if field.required else False
                )
                calls += [('search', [(name, '!=', value)]), ('search', [], 0, 1, f'{name} desc')]
                if field.type not in ('html', 'one2many', 'many2many'):
                    calls.append(('formatted_read_group', [], [name], ['__count']))
            for method, *args in calls:
                with self.subTest(field=name, method=method):
                    refused = self._is_refused(self.me, 'retail.ticket', method, *args)
                    self.assertEqual(refused, name not in READABLE)

    @mute_logger(*CLOSED)
    def test_nothing_is_changed_by_rpc(self):
        """Customers neither write nor post nor call a button by RPC: their pages do it for them (D.1-1)."""
        row = self.mine.ids
        for method, *args in (
            ('write', row, {'subject': 'x'}),
            ('create', [{'subject': 'x'}]),
            ('unlink', row),
            ('copy', row),
            ('action_solve', row),
            ('action_reopen', row),
            ('action_cancel', row),
            ('action_assign_me', row),
            ('message_subscribe', row, self.bob.ids),
        ):
            with self.subTest(method=method):
                self.assertTrue(self._is_refused(self.me, 'retail.ticket', method, *args))
        for kwargs in ({}, {'subtype_xmlid': 'mail.mt_note'}, {'author_id': self.bob.id}):
            with self.assertRaises(AccessError):
                self._rpc(self.me, 'retail.ticket', 'message_post', row, body='x', **kwargs)
        for method in ('_portal_close', '_portal_ensure_token', '_customer_satisfied'):
            with self.assertRaises(AccessError):
                self._rpc(self.me, 'retail.ticket', method, row)

    @mute_logger(*CLOSED)
    def test_words_instead_of_internals(self):
        """The state is in the customer's words; solution and result only once they are told (R-svc C.8)."""
        self.mine.write({'solution': 'New tea', 'result': 'Sent'})
        read = ['portal_state', 'portal_solution', 'portal_result', 'type_id']
        [values] = self._rpc(self.me, 'retail.ticket', 'read', self.mine.ids, read)
        self.assertEqual(values['portal_state'], 'Received')
        self.assertFalse(values['portal_solution'] or values['portal_result'])
        self.mine.told_on = fields.Datetime.now()
        self.mine.action_solve()
        [values] = self._rpc(self.me, 'retail.ticket', 'read', self.mine.ids, read)
        self.assertEqual([values[name] for name in read[:3]], ['Solved', 'New tea', 'Sent'])

    # === MESSAGES AND FILES ===#

    @mute_logger(*CLOSED)
    def test_files_of_notes_stay_inside(self):
        """Files of notes and files of staff are no customer's, by the page, by RPC or by the thread (D.1-4)."""
        secret, opened, staff = self._note_with_file(self.mine)
        self.assertEqual(self.mine._portal_messages().attachment_ids, opened)
        self.assertFalse(self.mine._portal_files())
        sent = (
            self.env(user=self.me)['ir.attachment']
            .sudo()
            .create(
                {
                    'name': 'photo.png',
                    'raw': PNG,
                    'res_model': 'retail.ticket',
                    'res_id': self.mine.id,
                }
            )
        )
        self.assertEqual(self.mine._portal_files(), sent)
        for file in secret + opened + staff:
            self.assertTrue(self._is_refused(self.me, 'ir.attachment', 'read', file.ids, ['raw']))
        bodies = self._rpc(
            self.me,
            'mail.message',
            'search_read',
            [('model', '=', 'retail.ticket'), ('res_id', '=', self.mine.id)],
            ['body'],
        )
        self.assertEqual(len(bodies), 1)
        self.assertIn('Hello', bodies[0]['body'])

    def test_uploads(self):
        """Number, size and kind of files are checked by the server, by content and not by name (R-svc C.8, S-CHN-16)."""
        for name, content, allowed in (
            ('photo.png', PNG, True),
            ('PHOTO.PNG', PNG, True),
            ('note.txt', b'Hello', True),
            ('voice.mp3', b'ID3\x03\x00\x00\x00\x00\x00\x00', True),
            ('bill.pdf', b'%PDF-1.4\n%%EOF', True),
            ('photo.png', b'<html><script>alert(1)</script></html>', False),
            ('bill.pdf', b'MZ\x90\x00\x03', False),
            ('page.html', b'<p>x</p>', False),
            ('drawing.svg', b'<svg xmlns="http://www.w3.org/2000/svg"/>', False),
            ('tool.exe', b'MZ\x90\x00', False),
            ('photo.png.exe', PNG, False),
            ('png', PNG, False),
            ('empty.txt', b'', False),
            ('', PNG, False),
        ):
            with self.subTest(name=name, content=content[:10]):
                self.assertEqual(is_allowed(name, content), allowed)
        self.tickets._check_uploads([('a.png', PNG)] * 5)
        with self.assertRaises(UserError):
            self.tickets._check_uploads([('a.png', PNG)] * 6)
        with self.assertRaises(UserError):
            self.tickets._check_uploads([('a.txt', b'x' * (MAX_BYTES + 1))])

    def test_core_upload_is_limited(self):
        """A file that comes by core's own way is checked, too; staff may add what they like (R-svc C.8)."""
        values = {
            'name': 'tool.exe',
            'raw': b'MZ\x90\x00',
            'res_model': 'retail.ticket',
            'res_id': self.mine.id,
        }
        with self.assertRaises(UserError):
            self.env(user=self.me)['ir.attachment'].sudo().create(values)
        pending = (
            self.env(user=self.me)['ir.attachment']
            .sudo()
            .create({**values, 'res_model': 'mail.compose.message', 'res_id': 0})
        )
        ticket_sudo = self._as(self.me).browse(self.mine.id).sudo()
        with self.assertRaises(UserError):
            ticket_sudo.message_post(body='x', message_type='comment', attachment_ids=pending.ids)
        self.env['ir.attachment'].create(values)

    # === LINKS ===#

    def test_link_expires(self):
        """A link works for the company's days from the last message on, then never again (R-svc C.8)."""
        self.company.retail_link_days = 10
        with freeze_time('2026-03-01 10:00:00'):
            token = self.mine._portal_ensure_token()
            self.assertEqual(self.mine._portal_ensure_token(), token)
        thread = {'hash': None, 'pid': None, 'token': token}
        public = self.env.ref('base.public_user')
        with freeze_time('2026-03-11 09:59:00'):
            self.assertTrue(self.mine._link_matches(token))
            self.assertTrue(self._as(public)._get_thread_with_access(self.mine.id, **thread))
        sign = self.mine._sign_token(self.customer.id)
        with freeze_time('2026-03-11 10:01:00'):
            self.assertFalse(self.mine._link_matches(token))
            self.assertFalse(self._as(public)._get_thread_with_access(self.mine.id, **thread))
            self.assertFalse(
                self._as(public)._get_thread_with_access(
                    self.mine.id, hash=sign, pid=self.customer.id
                )
            )
            # core's way from a mail does not make it anew
            action = self.mine._get_access_action(force_website=True)
            self.assertEqual(action['url'], f'{URL}/{self.mine.id}')
            self.assertNotEqual(self.mine._portal_ensure_token(), token)
        for wrong in (None, '', 'x', token[:-1]):
            self.assertFalse(self.mine._link_matches(wrong))

    def test_guest_needs_both(self):
        """Number and address of the same ticket, both; nothing else opens it (R-svc C.8)."""
        order = self._create_order(self.customer, 10)
        self.mine.write({'partner_email': 'me@shop.test', 'order_id': order.id})
        number = self.mine.name
        public = self._as(self.env.ref('base.public_user'))
        for given, contact, found in (
            (number, 'me@shop.test', True),
            (number.lower(), ' ME@shop.test', True),
            (order.name, 'me@shop.test', True),
            (number, '0475 12 34 56', True),
            (number, '+32475123456', True),
            (number, '0032 475/12.34.56', True),
            (number, '123456', False),
            (number, '0475 12 34 57', False),
            (number, 'other@shop.test', False),
            (number, '', False),
            (number, '%', False),
            ('%', 'me@shop.test', False),
            (number[:-1] + '_', 'me@shop.test', False),
            ('', 'me@shop.test', False),
        ):
            with self.subTest(number=given, contact=contact):
                self.assertEqual(bool(public._of_guest(given, contact)), found)
        self.mine.is_restricted = True
        self.assertFalse(public._of_guest(number, 'me@shop.test'))

    # === WHAT MAY BE DONE ===#

    def test_may(self):
        """What is offered follows the state; reopening ends with the company's window (R-svc C.1)."""
        self.assertEqual(self.mine._portal_may(), {'answer', 'close'})
        with freeze_time('2026-03-01 10:00:00'):
            self.mine.write({'result': 'Told'})
            self.mine.action_solve()
        with freeze_time('2026-03-08 09:00:00'):
            self.assertEqual(self.mine._portal_may(), {'answer', 'reopen'})
        with freeze_time('2026-03-08 11:00:00'):
            self.assertEqual(self.mine._portal_may(), {'again'})
        self.mine.action_reopen()
        self.mine.action_cancel()
        self.assertEqual(self.mine._portal_may(), {'again'})

    def test_close_and_reopen(self):
        """The server chooses the stage, also where the type asks for a result (D.1-1, S-TKT-25)."""
        ticket_sudo = self._as(self.me).browse(self.mine.id).sudo()
        self.assertTrue(ticket_sudo._portal_close())
        self.assertEqual(self.mine.category, 'solved')
        self.assertTrue(self.mine.result)
        ticket_sudo._portal_reopen('Still <b>no</b> tea')
        self.assertTrue(self.mine._is_open())
        self.assertEqual(self.mine.reopen_count, 1)
        message = self.mine._portal_messages()[-1]
        self.assertEqual(message.author_id, self.customer)
        self.assertIn('&lt;b&gt;no', message.body)


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalTicketPages(PortalTicketCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.customer.email = self.customer.email or 'me@shop.test'
        self.authenticate('retail_portal', 'retail_portal')
        for limit in (
            portal_request.NEW_BY_ADDRESS,
            portal_service.POSTS_BY_ADDRESS,
            portal_service.GUESTS_BY_ADDRESS,
            portal_service.GUESTS_BY_NUMBER,
        ):
            limit.forget()

    def _page(self, url=URL, status=200):
        response = self.url_open(url)
        self.assertEqual(response.status_code, status)
        return html.fromstring(response.text)

    def _post(self, url, files=(), csrf=True, **values):
        if csrf:
            values['csrf_token'] = Request.csrf_token(self)
        return self.url_open(url, data=values, files=[('files', file) for file in files] or None)

    def _new(self, files=(), **values):
        """Send the form of a new request, and return answer and new tickets."""
        before = self.tickets.search([])
        values = {
            'type': str(self.enquiry.id),
            'subject': 'Tea <b>cold</b>',
            'text': 'It was\n<script>cold</script>',
            **values,
        }
        response = self._post(f'{URL}/new', files=files, **values)
        self.env.invalidate_all()
        return response, self.tickets.search([]) - before

    # === LOOKING ===#

    def test_list(self):
        """List with search, filter and sorting; only what the rules allow (S-CHN-11, S-CHN-20)."""
        self._ticket(self.colleague.partner_id, subject='Colleague secret')
        done = self._ticket(self.customer, subject='Done thing', result='x')
        done.action_solve()
        other = self._ticket(self.stranger.partner_id, subject='Stranger secret')
        text = self._page().text_content()
        self.assertIn('Where is my tea?', text)
        self.assertIn('Received', text)
        self.assertNotIn('secret', text)
        for query, shown in (
            ('filterby=open', {'tea'}),
            ('filterby=closed', {'Done'}),
            ('search=TEA', {'tea'}),
            (f'search={done.name}', {'Done'}),
            (f'search={other.name}', set()),
            ('sortby=subject&filterby=nonsense', {'tea', 'Done'}),
            ('sortby=priority', {'tea', 'Done'}),
        ):
            with self.subTest(query=query):
                rows = self._page(f'{URL}?{query}').xpath(
                    '//a[contains(@class, "list-group-item")]'
                )
                found = ''.join(row.text_content() for row in rows)
                self.assertEqual({word for word in ('tea', 'Done') if word in found}, shown)
        self.assertEqual(self.url_open(f'{URL}/page/2').status_code, 200)

    def test_home_and_counter(self):
        """The home page has a card with the number of open requests (S-CHN-11)."""
        self.assertIn('href="/my/tickets"', self.url_open('/my/home').text)
        answer = self.url_open(
            '/my/counters',
            data=json.dumps({'params': {'counters': ['retail_ticket_count']}}),
            headers={'Content-Type': 'application/json'},
        ).json()
        self.assertEqual(answer['result'], {'retail_ticket_count': 1})

    def test_detail_shows_what_is_open(self):
        """Messages, files, promise, state; no note, name of a file of a note, cause or verdict (D.1-4)."""
        self._note_with_file(self.mine)
        self.mine.write(
            {
                'description': 'Own words',
                'user_id': self.users['user'].id,
                'cause_id': self.env.ref('retail_crm.retail_ticket_cause_storage').id,
                'verdict': 'unjustified',
                'intake_7': 'no',
                'problem_restated': 'Internal view',
                'solution': 'Not told yet',
                'promised_at': '2027-01-05 10:00:00',
                'line_ids': [Command.create({'product_id': self.goods.id, 'lot': 'L1'})],
            }
        )
        self.users['user'].email = 'owner@shop.test'
        response = self.url_open(f'{URL}/{self.mine.id}')
        self.assertEqual(response.headers['Cache-Control'], 'no-store')
        text = response.text
        for shown in ('Hello.txt', 'Own words', 'Answer by', 'Goods', 'L1', 'Received'):
            self.assertIn(shown, text)
        for hidden in (
            'Secret',
            'Staff.txt',
            'owner@shop.test',
            'Internal view',
            'Not told yet',
            'unjustified',
            self.mine.cause_id.name,
        ):
            self.assertNotIn(hidden, text)
        [link] = html.fromstring(text).xpath('//a[contains(., "Hello.txt")]/@href')
        self.assertEqual(self.url_open(link).content, b'Hello')
        secret = self.env['ir.attachment'].search([('name', '=', 'Secret.txt')])
        with mute_logger(*CLOSED):
            for url in (f'/web/content/{secret.id}', f'/web/content/{secret.id}?access_token=x'):
                self.assertNotEqual(self.url_open(url).content, b'Secret')

    @mute_logger(*CLOSED)
    def test_foreign_numbers(self):
        """A number of somebody else's ticket neither shows nor changes anything, whoever tries (D.1-1)."""
        self.mine.write({'result': 'x'})
        task = self._ticket(
            self.stranger.partner_id,
            type_id=self.env.ref('retail_crm.retail_ticket_type_internal').id,
        )
        for login in ('retail_stranger', 'retail_colleague', None):
            self.authenticate(login, login)
            for number in (self.mine.id, task.id, 999999999):
                response = self.url_open(f'{URL}/{number}', allow_redirects=False)
                self.assertEqual(response.status_code, 303, (login, number))
                for what in ('answer', 'close', 'reopen', 'satisfied'):
                    response = self._post(f'{URL}/{number}/{what}', body='x', answer='no')
                    self.assertNotIn('Where is my tea', response.text)
        self.env.invalidate_all()
        self.assertEqual(self.mine.category, 'new')
        self.assertFalse(self.mine._portal_messages())

    @mute_logger(*CLOSED)
    def test_changes_need_post_and_csrf(self):
        """Nothing is changed by a link or a foreign page (R-svc C.8, D.1-1)."""
        for what in ('answer', 'close', 'reopen', 'satisfied'):
            self.assertIn(self.url_open(f'{URL}/{self.mine.id}/{what}').status_code, (404, 405))
            response = self._post(f'{URL}/{self.mine.id}/{what}', csrf=False, body='x')
            self.assertEqual(response.status_code, 400)
        response = self._post(f'{URL}/new', csrf=False, subject='x')
        self.assertEqual(response.status_code, 400)
        self.env.invalidate_all()
        self.assertEqual(self.mine.category, 'new')
        self.assertEqual(len(self.tickets.search([('partner_id', '=', self.customer.id)])), 1)

    def test_blocks(self):
        """With tickets or portal switched off the pages and entries are gone (design 4.4)."""
        for group, users in (
            ('service', ['base.group_user']),
            ('portal', ['base.group_portal', 'base.group_user']),
        ):
            block = self.env.ref(f'retail_crm.group_block_{group}')
            for name in users:
                self.env.ref(name)._remove_group(block)
            self.env.flush_all()
            with mute_logger('odoo.http'):
                for url in (URL, f'{URL}/new', f'{URL}/{self.mine.id}', '/tickets', '/faq'):
                    self.assertEqual(self.url_open(url).status_code, 404, (group, url))
            self.assertNotIn('href="/my/tickets"', self.url_open('/my/home').text)
            for name in users:
                self.env.ref(name)._apply_group(block)
            self.env.flush_all()

    # === OPENING ===#

    def test_new(self):
        """A request with text, wish and files; all that decides is set by the server (S-CHN-20, S-CHN-16)."""
        page = self._page(f'{URL}/new')
        self.assertIn('Please choose', page.text_content())
        self.assertLessEqual(
            {'type', 'subject', 'text', 'wish', 'day', 'intake_2', 'intake_4', 'files'},
            set(page.xpath('//form[contains(@class, "o_retail_request")]//@name')),
        )
        response, ticket = self._new(
            files=[('photo.png', PNG, 'image/png'), ('note.txt', b'Hi', 'text/plain')],
            wish='New tea',
            partner_id=self.bob.id,
            stage_id='1',
            user_id=self.users['user'].id,
            priority='2',
            is_restricted='1',
        )
        self.assertEqual(len(ticket), 1)
        self.assertIn('We have received your request', response.text)
        self.assertNotIn('<script>cold', response.text)
        self.assertEqual(
            (ticket.partner_id, ticket.type_id, ticket.subject, ticket.customer_wish),
            (self.customer, self.enquiry, 'Tea <b>cold</b>', 'New tea'),
        )
        self.assertEqual(ticket.channel_id, self.env.ref('retail_crm.retail_channel_web'))
        self.assertEqual((ticket.user_id.id, ticket.is_restricted), (False, False))
        self.assertNotIn('<script', ticket.description)
        self.assertEqual(sorted(ticket._portal_files().mapped('name')), ['note.txt', 'photo.png'])
        self.assertFalse(ticket.message_partner_ids, 'only employees follow (R-svc D.1-4b)')

    @mute_logger(*CLOSED)
    def test_new_refused(self):
        """What is missing, too long, not offered or somebody else's is refused and the form kept (R-svc C.8)."""
        order = self._create_order(self.stranger.partner_id, 10)
        recovery = self.env.ref('retail_crm.retail_ticket_type_recovery')
        many = [(f'{number}.png', PNG, 'image/png') for number in range(6)]
        for values in (
            {'type': ''},
            {'type': 'x'},
            {'type': str(recovery.id)},
            {'subject': ' '},
            {'subject': 'x' * 201},
            {'text': ''},
            {'text': 'x' * 20001},
            {'about': f'order-{order.id}'},
            {'about': f'line-{order.order_line.id}'},
            {'about': 'order-1e9'},
            {'about': 'product-1'},
            {'files': [('tool.exe', b'MZ', 'image/png')]},
            {'files': many},
        ):
            with self.subTest(values=str(values)[:60]):
                response, ticket = self._new(**values)
                self.assertFalse(ticket)
                self.assertIn('Nothing was sent yet', response.text)
        self.assertNotIn(order.name, self.url_open(f'{URL}/new?order_id={order.id}').text)
        self.assertNotIn('selected="selected"', self.url_open(f'{URL}/new?line_id=x').text)

    def test_from_the_order(self):
        """The page of an order leads to a request that carries it, or one of its lines (S-CHN-07)."""
        order = self._create_order(self.customer, 10)
        link = f'{URL}/new?order_id={order.id}'
        self.assertIn(link, self.url_open(f'/my/orders/{order.id}').text)
        [chosen] = self._page(link).xpath('//select[@name="about"]//option[@selected]/@value')
        self.assertEqual(chosen, f'order-{order.id}')
        line = order.order_line
        _response, ticket = self._new(about=f'line-{line.id}')
        self.assertEqual((ticket.order_id, ticket.line_ids.sale_line_id), (order, line))
        self.assertEqual(ticket.product_id, self.goods)
        _response, ticket = self._new(about=f'order-{order.id}')
        self.assertEqual((ticket.order_id, len(ticket.line_ids)), (order, 0))

    def test_complaint_and_appointment(self):
        """A complaint takes the customer's answers to the intake, an appointment its day (S-TKT-20, S-TKT-30, S-SRV-06)."""
        reason = self.env.ref('retail_crm.retail_ticket_reason_product')
        _response, ticket = self._new(
            type=str(self.complaint.id),
            reason=str(reason.id),
            wish='Exchange',
            intake_4='Too cold',
            intake_7='no',
        )
        self.assertEqual((ticket.reason_id, ticket.stage_id.step), (reason, 'receive'))
        self.assertEqual(
            (ticket.intake_4, ticket.intake_7, ticket.intake_8), ('Too cold', False, 'Exchange')
        )
        visit = self.env.ref('retail_crm.retail_ticket_type_appointment')
        tomorrow = str(date.today() + timedelta(2))
        _response, ticket = self._new(type=str(visit.id), day=tomorrow, time='14:00')
        self.assertIn(f'{tomorrow} 14:00', ticket.customer_wish)
        for day in ('', 'soon', '2020-01-01'):
            response, ticket = self._new(type=str(visit.id), day=day)
            self.assertFalse(ticket)
            self.assertIn('Choose a day', response.text)

    def test_hourly_limit(self):
        """Too many requests within an hour are refused, per customer and per address (R-svc C.8)."""
        self.company.retail_portal_hourly = 2
        self.assertTrue(self._new()[1])
        self.assertTrue(self._new()[1])
        response, ticket = self._new()
        self.assertFalse(ticket)
        self.assertIn('many requests within the last hour', response.text)
        self.company.retail_portal_hourly = 100
        for _call in range(30):
            portal_request.NEW_BY_ADDRESS.is_over('127.0.0.1')
        self.assertFalse(self._new()[1])

    # === CHANGING ===#

    def test_answer_close_reopen(self):
        """Answer with a file, close, reopen: each by a form, each shown afterwards (S-TKT-25)."""
        url = f'{URL}/{self.mine.id}'
        response = self._post(
            f'{url}/answer', files=[('p.png', PNG, 'image/png')], body='Hi <b>you</b>'
        )
        self.assertIn('Hi &lt;b&gt;you', response.text)
        self.assertIn('p.png', response.text)
        self.env.invalidate_all()
        message = self.mine._portal_messages()
        self.assertEqual(
            (message.author_id, message.message_type, message.subtype_id),
            (self.customer, 'comment', self.env.ref('mail.mt_comment')),
        )
        self.assertIn('Please write', self._post(f'{url}/answer', body=' ').text)
        self.assertIn(
            'cannot take',
            self._post(f'{url}/answer', files=[('x.exe', b'MZ', 'image/png')], body='x').text,
        )
        self.assertIn('not possible', self._post(f'{url}/reopen').text)
        self._post(f'{url}/close')
        self.env.invalidate_all()
        self.assertEqual(self.mine.category, 'solved')
        self.assertIn('What was done', self.url_open(url).text)
        self._post(f'{url}/reopen', body='No')
        self.env.invalidate_all()
        self.assertTrue(self.mine._is_open())
        self.assertEqual(len(self.mine._portal_messages()), 3)

    def test_after_the_window(self):
        """After the window there is no reopening: a new request points to the old one (R-svc C.1)."""
        self.mine.write({'result': 'x'})
        self.mine.action_solve()
        self.mine._stamp({'solved_at': fields.Datetime.now() - timedelta(days=8)})
        url = f'{URL}/{self.mine.id}'
        self.assertIn(f'/new?follows={self.mine.id}', self.url_open(url).text)
        self.assertIn('not possible', self._post(f'{url}/reopen').text)
        _response, ticket = self._new(follows=str(self.mine.id))
        self.assertEqual(ticket.follow_up_of_id, self.mine)
        foreign = self._ticket(self.stranger.partner_id)
        _response, ticket = self._new(follows=str(foreign.id))
        self.assertFalse(ticket.follow_up_of_id)

    def test_satisfied(self):
        """In the follow-up step of a complaint the customer says yes or no by a form (S-TKT-11)."""
        ticket = self._ticket(self.customer, type_id=self.complaint.id, result='Exchanged')
        stage = self.env.ref('retail_crm.retail_ticket_stage_feedback')
        ticket._stamp(
            {'stage_id': stage.id, 'category': 'solved', 'solved_at': fields.Datetime.now()}
        )
        url = f'{URL}/{ticket.id}'
        self.assertIn('Are you satisfied', self.url_open(url).text)
        self.assertIn('yes or no', self._post(f'{url}/satisfied', answer='perhaps').text)
        calls = []
        self.patch(
            type(self.tickets), '_customer_satisfied', lambda row, answer: calls.append(answer)
        )
        self._post(f'{url}/satisfied', answer='yes')
        self._post(f'{url}/satisfied', answer='no')
        self.assertEqual(calls, [True, False])
        self.assertIn(
            'not possible', self._post(f'{URL}/{self.mine.id}/satisfied', answer='no').text
        )

    def test_merged(self):
        """Who may not read the surviving request is told that it goes on, and no more (R-svc C.7)."""
        other = self._ticket(self.stranger.partner_id, subject='Other')
        self.mine._stamp({'merged_into_id': other.id})
        text = self.url_open(f'{URL}/{self.mine.id}').text
        self.assertIn('Our team goes on with this', text)
        self.assertNotIn(other.name, text)
        self.mine._stamp({'merged_into_id': self._ticket(self.customer).id})
        self.assertIn(self.mine.merged_into_id.name, self.url_open(f'{URL}/{self.mine.id}').text)

    # === GUESTS ===#

    @mute_logger(*CLOSED)
    def test_guest(self):
        """By number and address a guest comes to his request and acts on it by the link alone (R-svc C.8)."""
        self.mine.partner_email = 'me@shop.test'
        secret, _opened, staff = self._note_with_file(self.mine)
        self.authenticate(None, None)
        self.assertEqual(self.url_open('/tickets').status_code, 200)
        wrong = self._post('/tickets', number=self.mine.name, contact='x@shop.test')
        self.assertIn('found no request', wrong.text)
        self.assertNotIn('Where is my tea', wrong.text)
        response = self._post('/tickets', number=self.mine.name, contact='me@shop.test')
        self.assertIn('Where is my tea', response.text)
        self.assertNotIn('Secret', response.text)
        self.env.invalidate_all()
        token = self.mine.access_token
        url = f'{URL}/{self.mine.id}'
        response = self._post(f'{url}/answer', body='From a guest', access_token=token)
        self.assertIn('From a guest', response.text)
        self.env.invalidate_all()
        self.assertEqual(self.mine._portal_messages()[-1].author_id, self.customer)
        # core's own routes give a holder of the link neither files nor followers
        answer = self.url_open(
            '/mail/data',
            data=json.dumps(
                {
                    'params': {
                        'fetch_params': [
                            [
                                'mail.thread',
                                {
                                    'thread_model': 'retail.ticket',
                                    'thread_id': self.mine.id,
                                    'request_list': ['attachments', 'followers', 'activities'],
                                    'access_params': {'token': token},
                                },
                            ]
                        ]
                    }
                }
            ),
            headers={'Content-Type': 'application/json'},
        )
        self.assertIn('result', answer.json())
        for word in (secret.name, staff.name, 'ownership_token', 'mail.followers'):
            self.assertNotIn(word, answer.text)
        # another customer: the link is dead
        self.mine.partner_id = self.bob
        self.env.flush_all()
        response = self.url_open(f'{url}?access_token={token}', allow_redirects=False)
        self.assertEqual(response.status_code, 303)

    def test_guest_limits(self):
        """Numbers and addresses cannot be tried one after the other (R-svc C.8)."""
        self.authenticate(None, None)
        self.mine.partner_email = 'me@shop.test'
        for _try in range(5):
            self._post('/tickets', number=self.mine.name, contact='x@shop.test')
        response = self._post('/tickets', number=self.mine.name, contact='me@shop.test')
        self.assertIn('Too many tries', response.text)
        portal_service.GUESTS_BY_NUMBER.forget()
        for number in range(5):
            self._post('/tickets', number=f'T{number}', contact='x@shop.test')
        portal_service.GUESTS_BY_NUMBER.forget()
        response = self._post('/tickets', number=self.mine.name, contact='me@shop.test')
        self.assertIn('Too many tries', response.text)
