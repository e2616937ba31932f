"""The mail door: what becomes of mails, whose tickets they are, who gets answers, and that nothing is lost."""

from datetime import datetime, timedelta
from email import message_from_string
from email.policy import SMTP
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import MockEmail
from odoo.addons.retail_crm.models.service import _mail_door as door
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

GATEWAY = 'odoo.addons.mail.models.mail_thread'
OURS = 'odoo.addons.retail_crm.models.service'
AUTO = {'Auto-Submitted': 'auto-replied'}


@tagged('post_install', '-at_install', 'retail_crm')
class TestDoorRules(TransactionCase):
    """Plain functions: no database is asked."""

    def _classify(self, head, **facts):
        message = message_from_string(head + '\n\nbody', policy=SMTP)
        return tuple(door.classify(message, door.Facts(**facts)))

    def test_the_first_row_wins(self):
        """The table is walked from the top: a bounce that is automatic, too, is a bounce (R-svc C.6)."""
        mail = 'From: MAILER-DAEMON@x.example\nAuto-Submitted: auto-replied\nPrecedence: bulk'
        self.assertEqual(self._classify(mail), ('drop', 'bounce'))
        self.assertEqual(self._classify(mail, is_reply=True), ('silent', 'bounce'))
        self.assertEqual(self._classify(mail, known_message=True), ('drop', 'duplicate'))
        both = 'From: a@x.example\nAuto-Submitted: auto-replied\nPrecedence: bulk'
        self.assertEqual(self._classify(both), ('quarantine', 'automatic'))
        held = {'counts': lambda: door.Counts(sender=20, blocked=True)}
        self.assertEqual(self._classify('From: a@x.example', **held)[1], 'limit_sender')

    def test_limits(self):
        """Sender, domain and text have a limit each, 0 is none, trusted senders have none (R-svc C.6)."""
        for name, limit in (('sender', 20), ('domain', 50), ('body', 5)):
            at = door.Counts(**{name: limit})
            below = door.Counts(**{name: limit - 1})
            with self.subTest(limit=name):
                self.assertEqual(
                    self._classify('From: a@x.y', counts=lambda at=at: at)[1], f'limit_{name}'
                )
                self.assertEqual(
                    self._classify('From: a@x.y', counts=lambda at=below: at)[0], 'normal'
                )
                free = {'counts': lambda at=at: at}
                self.assertEqual(self._classify('From: a@x.y', trusted=True, **free)[0], 'normal')
                none = door.Limits(0, 0, 0, 0)
                self.assertEqual(self._classify('From: a@x.y', limits=none, **free)[0], 'normal')

    def test_facts_are_asked_late(self):
        """What headers decide costs no counting (design 8: cost of a mail)."""

        def never():
            raise AssertionError('asked')

        self.assertEqual(
            self._classify('Auto-Submitted: auto-replied', counts=never, reopens=never)[0],
            'quarantine',
        )

    def test_thanks(self):
        """Short, no question, no attachment, on the list in English and Chinese (R-svc C.5)."""
        yes = (
            'Thanks!',
            'Thank you very much, great service',
            '谢谢',
            '非常感谢,不错',
            '多謝晒',
            'Many thanks\n-- \nBob',
        )
        no = (
            'Thanks, but it is still broken',
            'Thanks?',
            '谢谢,不过还没收到',
            '谢谢,请再寄一个',
            'ok',
            '',
            'Thanks. ' + 'The lamp that you sent is another one. ' * 5,
            'Why? Thanks',
        )
        for text in yes:
            with self.subTest(text=text):
                self.assertTrue(door.is_thanks(text))
                self.assertFalse(door.is_thanks(text, has_attachment=True))
        for text in no:
            with self.subTest(text=text):
                self.assertFalse(door.is_thanks(text))
        quoted = 'Thank you\n\nOn Mon, 2 Nov 2026, Shop wrote:\n> Does it work?\n> Please tell'
        self.assertTrue(door.is_thanks(quoted))

    def test_same_text(self):
        """Numbers, addresses and dates do not make another text; short texts are no evidence (FreeScout #688)."""
        one = 'Your ticket 123 from a@b.example was received on 2026-11-02 and is being worked on.'
        two = one.replace('123', '98').replace('a@b', 'zz@q').replace('11-02', '12-24')
        self.assertTrue(door.body_hash(one))
        self.assertEqual(door.body_hash(one), door.body_hash(two))
        self.assertNotEqual(door.body_hash(one), door.body_hash(one.replace('ticket', 'parcel')))
        self.assertEqual(door.body_hash('Hello'), '')

    def test_received(self):
        """The time of our mail server counts, never the future nor long ago (R-svc C.1: gateway was down)."""
        now = datetime(2026, 11, 2, 12)

        def received(text):
            return door.received_at(message_from_string(text + '\n\nx', policy=SMTP), now)

        first = 'Received: from a by b; Mon, 02 Nov 2026 10:00:00 +0100'
        self.assertEqual(received(f'{first}\nDate: Mon, 02 Nov 2026 01:00:00 +0000').hour, 9)
        self.assertEqual(received('Date: Mon, 02 Nov 2026 01:00:00 +0000').hour, 1)
        for odd in (
            'Date: Fri, 01 Jan 2100 00:00:00 +0000',
            'Date: Thu, 01 Jan 1970 00:00:00 +0000',
            'Date: x',
            'X: y',
        ):
            self.assertEqual(received(odd), now)


class DoorCommon(RetailCrmCommon, MockEmail):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['mail.alias.domain'].search([]).write(
            {'catchall_alias': 'catchall', 'bounce_alias': 'bounce'}
        )
        cls.alias_domain = cls.env['mail.alias.domain'].create({'name': 'door.example'})
        cls.company.alias_domain_id = cls.alias_domain
        cls.team = cls.env['retail.ticket.team'].create(
            {
                'name': 'Door Desk',
                'alias_name': 'door-desk',
                'company_id': cls.company.id,
                'user_id': cls.users['lead'].id,
            }
        )
        cls.to = 'door-desk@door.example'
        cls.customer = cls.env['res.partner'].create(
            {'name': 'Carla', 'email': 'Carla <Carla@Home.Example>'}
        )
        cls.users['user'].partner_id.email = 'agent@staff.example'
        cls.logs = cls.env['retail.mail.log']
        cls.tickets = cls.env['retail.ticket']
        cls.gateway = cls.env['mail.thread'].with_user(cls.env.ref('base.user_root'))
        cls.number = 0

    def setUp(self):
        super().setUp()
        # what goes out is kept in the table of mails
        send = patch.object(type(self.env['mail.mail']), 'send', lambda *args, **options: None)
        send.start()
        self.addCleanup(send.stop)

    def _mail(
        self, sender='carla@home.example', body='The lamp is broken', reply_to=None, to=None, **head
    ):
        """Let a mail come in and return its row in the log."""
        type(self).number += 1
        head = {
            'From': sender,
            'To': to or self.to,
            'Subject': 'About the lamp',
            'Message-ID': f'<{self.number}@door.test>',
            'In-Reply-To': reply_to or '',
            'Content-Type': 'text/plain; charset="utf-8"',
            **{name.replace('_', '-'): value for name, value in head.items()},
        }
        text = ''.join(f'{name}: {value}\r\n' for name, value in head.items() if value)
        last = self.logs.search([], order='id desc', limit=1).id or 0
        with mute_logger(GATEWAY, f'{OURS}.mail_thread_door', f'{OURS}.retail_ticket_door'):
            self.gateway.message_process('retail.ticket', f'{text}\r\n{body}')
        self.env.flush_all()
        return self.logs.search([('id', '>', last)])

    def _ticket(self, **options):
        """Return a new ticket, made by a mail."""
        ticket = self._mail(**options).ticket_id
        self.assertTrue(ticket)
        return ticket

    def _reply(self, ticket, **options):
        return self._mail(reply_to=self._first(ticket).message_id, **options)

    def _first(self, ticket):
        return ticket.message_ids.filtered(lambda item: item.message_type == 'email')[-1]

    def _solve(self, ticket):
        ticket.result = 'Done'
        ticket._set_stage('solved')

    def _sent(self, message):
        """Return the addresses to which a message went, and the mails."""
        mails = self.env['mail.mail'].search([('mail_message_id', '=', message.id)])
        to = set(mails.recipient_ids.mapped('email_normalized'))
        for mail in mails:
            to |= {address.strip() for address in (mail.email_to or '').split(',') if address}
        return to, mails


@tagged('post_install', '-at_install', 'retail_crm')
class TestDoor(DoorCommon):
    def test_new_ticket(self):
        """A mail to the team's address is a ticket of the team, its company and the customer (S-CHN-19)."""
        row = self._mail(
            sender='"C. Home" <CARLA@home.example>',
            Cc='Neighbour <n@next.example>, door-desk@door.example',
        )
        ticket = row.ticket_id
        self.assertEqual((row.result, row.is_reply), ('normal', False))
        self.assertEqual(ticket.partner_id, self.customer, 'found by the normalised address')
        self.assertEqual((ticket.team_id, ticket.company_id), (self.team, self.company))
        self.assertEqual(ticket.channel_id.code, 'email')
        self.assertEqual(ticket.partner_email, 'carla@home.example')
        self.assertEqual(ticket.email_cc, '"Neighbour" <n@next.example>', 'not our own address')
        self.assertEqual(ticket.customer_message_count, 1)
        self.assertTrue(ticket.waiting_since)
        self.assertFalse(ticket.user_id, 'nobody by chance (R-svc D.1-12)')
        self.assertFalse(ticket.message_partner_ids)
        self.assertFalse(self._first(ticket).subtype_id.internal)
        self.assertIn('lamp is broken', ticket.description)

    def test_unknown_sender(self):
        """Somebody unknown becomes a potential customer with the source e-mail, by setting (S-CHN-19)."""
        partner = self._ticket(sender='Nora New <nora@new.example>').partner_id
        self.assertEqual((partner.name, partner.email), ('Nora New', 'nora@new.example'))
        self.assertTrue(partner.retail_customer)
        self.assertEqual(partner.retail_source_id, self.env.ref('retail_crm.utm_source_email'))
        crook = self._ticket(sender='"boss@door.example" <crook@crook.example>').partner_id
        self.assertEqual(crook.name, 'crook@crook.example', 'an address is no name')
        self.company.retail_mail_new_customer = False
        ticket = self._ticket(sender='Otto <otto@new.example>')
        self.assertFalse(ticket.partner_id)
        self.assertEqual((ticket.partner_name, ticket.partner_email), ('Otto', 'otto@new.example'))

    def test_employee_is_no_customer(self):
        """An employee who writes is not made the customer, nor the owner."""
        ticket = self._ticket(sender='agent@staff.example')
        self.assertFalse(ticket.partner_id)
        self.assertFalse(ticket.user_id)

    def test_one_ticket_for_two_addresses(self):
        """A mail to two of our addresses is one ticket, and one mail."""
        self.env['retail.ticket.team'].create({'name': 'Two', 'alias_name': 'door-two'})
        before = self.tickets.search_count([])
        self._mail(to=f'{self.to}, door-two@door.example')
        self.assertEqual(self.tickets.search_count([]), before + 1)

    def test_customer_of_another_company(self):
        """A customer of another company is neither customer nor author here (OCA/multi-company 944)."""
        self.env['res.partner'].create(
            {'name': 'Far', 'email': 'far@far.example', 'company_id': self.company_2.id}
        )
        ticket = self._ticket(sender='far@far.example', Cc='far@far.example')
        self.assertNotEqual(ticket.partner_id.company_id, self.company_2)
        self.assertFalse(self._first(ticket).author_id.company_id)

    def test_cc_never_follows(self):
        """Those in copy are addresses on the ticket: known contacts among them get no right to read (R-svc D.1-4b)."""
        self.ann.email = 'ann@acme.example'
        ticket = self._ticket(Cc='ann@acme.example')
        self._reply(ticket, Cc='ann@acme.example')
        ticket.message_subscribe(partner_ids=[self.ann.id, self.users['user'].partner_id.id])
        self.assertEqual(ticket.message_partner_ids, self.users['user'].partner_id)
        self.assertIn('ann@acme.example', ticket.email_cc)

    # === ANSWERS OF THE CUSTOMER ===#

    def test_answer_ends_waiting(self):
        """The customer's answer ends waiting, at the time of the mail (R-svc C.1: anti-gaming)."""
        ticket = self._ticket()
        ticket._set_stage('waiting')
        row = self._reply(ticket)
        self.assertEqual(row.ticket_id, ticket)
        self.assertEqual((ticket.category, ticket.customer_message_count), ('open', 2))

    def test_answer_reopens(self):
        """An answer to a solved ticket opens it within the window, a later one is a new ticket that follows (frappe#3465)."""
        ticket = self._ticket()
        self._solve(ticket)
        row = self._reply(ticket)
        self.assertTrue(row.reopened)
        self.assertEqual(
            (ticket.category, ticket.reopen_count, ticket.solved_at), ('open', 1, False)
        )
        self._solve(ticket)
        ticket._stamp({'solved_at': fields.Datetime.now() - timedelta(days=8)})
        later = self._reply(ticket).ticket_id
        self.assertNotEqual(later, ticket)
        self.assertEqual((later.follow_up_of_id, later.partner_id), (ticket, self.customer))
        self.assertEqual(ticket.category, 'solved')
        ticket.type_id = self.env['retail.ticket.type'].search(
            [('is_complaint', '=', True)], limit=1
        )
        self.assertEqual(self._reply(ticket).ticket_id, ticket, 'complaints until they are filed')

    def test_thanks_stays_solved(self):
        """A thank-you leaves the ticket solved and is shown; one click opens it; nothing is lost (R-svc C.5)."""
        ticket = self._ticket()
        self._solve(ticket)
        messages = len(ticket.message_ids)
        self._reply(ticket, body='Thank you!')
        self.assertEqual((ticket.category, ticket.is_possibly_thanks), ('solved', True))
        self.assertEqual(len(ticket.message_ids), messages + 1)
        self.assertFalse(ticket.waiting_since, 'nobody owes an answer')
        ticket.user_id = self.users['user']
        ticket.with_user(self.users['user']).action_not_only_thanks()
        self.assertEqual((ticket.category, ticket.is_possibly_thanks), ('open', False))
        self._solve(ticket)
        self._reply(ticket, body='谢谢!')
        ticket.with_user(self.users['user']).action_only_thanks()
        self.assertEqual((ticket.category, ticket.is_possibly_thanks), ('solved', False))

    def test_programs_have_no_effect(self):
        """What a program answers is kept as a note: no stage, no clock, no acknowledgement (R-svc C.6)."""
        ticket = self._ticket()
        ticket._set_stage('waiting')
        before = ticket.read(
            ['stage_id', 'waiting_since', 'last_customer_at', 'customer_message_count']
        )
        row = self._reply(ticket, **AUTO)
        self.assertEqual((row.result, row.reason, row.ticket_id), ('silent', 'automatic', ticket))
        self.assertEqual(ticket.read(list(before[0])[1:]), before)
        note = ticket.message_ids[0]
        self.assertTrue(note.subtype_id.internal, 'not in the portal')
        self.assertFalse(note.notified_partner_ids)

    def test_reopening_again_and_again(self):
        """After three reopens of a ticket a day mails are only attached, and the leader is told once (alga-psa 2772)."""
        ticket = self._ticket()
        for number in range(5):
            self._solve(ticket)
            row = self._reply(ticket, body=f'Still not right, number {number}')
            self.assertEqual(row.result, 'normal' if number < 3 else 'silent')
        self.assertEqual((ticket.category, ticket.reopen_count), ('solved', 3))
        self.assertEqual(ticket.activity_ids.user_id, self.users['lead'])
        self.assertEqual(len(ticket.activity_ids), 1)

    def test_merged(self):
        """Mail to a merged ticket goes to the survivor, however long the chain; a circle ends (R-svc C.7-5)."""
        one, two, three = self._ticket(), self._ticket(body='Two'), self._ticket(body='Three')
        one.merged_into_id, two.merged_into_id = two, three
        self.assertEqual(self._reply(one).ticket_id, three)
        three.merged_into_id = one
        self.assertTrue(self._reply(one).ticket_id)

    def test_number_in_subject(self):
        """A number in the subject brings home mails of those it concerns; strangers only mention it (zammad#5064)."""
        ticket = self._ticket(Cc='copy@copy.example')
        subject = f'Lamp [{ticket.name}]'
        for sender in ('carla@home.example', 'copy@copy.example', 'agent@staff.example'):
            self.assertEqual(self._mail(sender=sender, Subject=subject).ticket_id, ticket)
        other = self._mail(sender='stranger@strange.example', Subject=subject).ticket_id
        self.assertNotEqual(other, ticket)
        self.assertEqual(other.follow_up_of_id, ticket)
        ticket.is_restricted = True
        row = self._mail(sender='agent@staff.example', Subject=subject)
        self.assertNotEqual(row.ticket_id, ticket, 'he may not read it')

    def test_refused_move_keeps_the_mail(self):
        """When a stage refuses to be left, the customer's mail is there all the same."""
        ticket = self._ticket()
        ticket._set_stage('waiting')
        with patch.object(type(ticket), '_check_stage_move', side_effect=UserError('No')):
            row = self._reply(ticket)
        self.assertEqual(
            (row.result, row.ticket_id, ticket.category), ('normal', ticket, 'waiting')
        )
        self.assertEqual(ticket.customer_message_count, 2)

    def test_household(self):
        """An answer of the spouse counts as the customer's; one click adds the address (R-svc D.1-17)."""
        ticket = self._ticket()
        ticket._set_stage('waiting')
        self._reply(ticket, sender='Sam <sam@home.example>', Cc='evil@evil.example')
        self.assertEqual((ticket.category, ticket.unknown_sender), ('open', 'sam@home.example'))
        self.assertFalse(ticket.email_cc, 'a stranger brings nobody in')
        ticket.user_id = self.users['user']
        ticket.with_user(self.users['user']).action_same_household()
        self.assertEqual(self.customer.retail_address_ids.email, 'sam@home.example')
        self.assertEqual((ticket.unknown_sender, ticket.email_cc), (False, 'sam@home.example'))
        self.assertEqual(self._ticket(sender='SAM@home.example').partner_id, self.customer)
        other = self._ticket(sender='bea@bea.example')
        other.unknown_sender = 'sam@home.example'
        with self.assertRaises(UserError):
            other.action_same_household()
        other.action_ignore_sender()
        self.assertFalse(other.unknown_sender)
        with self.assertRaises(ValidationError):
            self.customer.retail_address_ids.email = 'nonsense'

    # === ANSWERS OF OURS ===#

    def test_answer_goes_to_customer_and_copies(self):
        """An agent's answer goes to the customer and those in copy, from the team's address, with the number (S-CHN-19)."""
        ticket = self._ticket(Cc='copy@copy.example')
        agent = self.users['user']
        message = ticket.with_user(agent).message_post(
            body='It comes tomorrow', message_type='comment', subtype_xmlid='mail.mt_comment'
        )
        to, mails = self._sent(message)
        self.assertEqual(to, {'carla@home.example', 'copy@copy.example'})
        for mail in mails:
            self.assertIn(self.to, mail.email_from)
            self.assertNotIn('agent@staff.example', mail.email_from + (mail.reply_to or ''))
            self.assertIn(self.to, mail.reply_to)
            self.assertIn(ticket.name, mail.subject)
            self.assertIn(door.MARK, mail.headers)
            self.assertNotIn('Auto-Submitted', mail.headers, 'a person wrote it')
        self.assertEqual((ticket.agent_message_count, ticket.waiting_since), (1, False))
        self.assertTrue(ticket.first_response_at)

    def test_employee_answers_by_mail(self):
        """An employee's answer by mail goes to the customer; a mail that only names the ticket stays inside."""
        ticket = self._ticket(Cc='copy@copy.example')
        self._reply(ticket, sender='agent@staff.example', Cc='copy@copy.example')
        self.assertEqual(self._sent(ticket.message_ids[0])[0], {'carla@home.example'})
        self.assertEqual((ticket.agent_message_count, ticket.category), (1, 'new'))
        self._mail(sender='agent@staff.example', Subject=f'FYI [{ticket.name}]')
        self.assertTrue(ticket.message_ids[0].subtype_id.internal)
        self.assertFalse(self._sent(ticket.message_ids[0])[0])
        self.assertEqual(ticket.agent_message_count, 1)

    def test_other_callers(self):
        """Whoever makes a ticket of a mail without the gateway gets a number and a subject."""
        values = {'subject': 'Lamp', 'email_from': 'x@x.example'}
        ticket = self.tickets.message_new(values, {'team_id': self.team.id})
        self.assertEqual(ticket.subject, 'Lamp')
        self.assertNotIn(ticket.name, ('/', 'Lamp'))

    def test_notes_never_leave(self):
        """A note, and its files, stay inside even when the customer is mentioned in it (zammad#662)."""
        ticket = self._ticket(Cc='copy@copy.example')
        message = ticket.message_post(
            body='He is difficult',
            message_type='comment',
            subtype_xmlid='mail.mt_note',
            partner_ids=[self.customer.id, self.users['lead'].partner_id.id],
            outgoing_email_to='copy@copy.example',
            attachments=[('secret.txt', b'x')],
        )
        to, _mails = self._sent(message)
        self.assertFalse(to & {'carla@home.example', 'copy@copy.example'})
        self.assertFalse(ticket.agent_message_count, 'no answer for the clock')

    def test_stranger_is_not_forwarded(self):
        """What somebody answers is not sent on to the customer by mail."""
        ticket = self._ticket()
        self._reply(ticket, sender='friend@friends.example')
        self.assertFalse(self._sent(ticket.message_ids[0])[0])

    def test_note_made_public(self):
        """A note that is made public later is the answer, from then on and once (zammad#5925)."""
        ticket = self._ticket()
        note = ticket.with_user(self.users['user']).message_post(body='x', message_type='comment')
        self.assertFalse(ticket.first_response_at)
        comment = self.env.ref('mail.mt_comment')
        note.sudo().write({'subtype_id': comment.id, 'is_internal': False})
        self.assertEqual(ticket.agent_message_count, 1)
        note.sudo().write({'subtype_id': comment.id})
        self.assertEqual(ticket.agent_message_count, 1)

    def test_assignment_goes_to_the_owner(self):
        """The notice "assigned to you" goes to the owner, never to the customer (OCA #120)."""
        ticket = self._ticket()
        before = self.env['mail.mail'].search([]).ids
        ticket.with_context(tracking_disable=False, mail_notrack=False).user_id = self.users['lead']
        self.env.flush_all()
        mails = self.env['mail.mail'].search([('id', 'not in', before)])
        self.assertNotIn(self.customer, mails.recipient_ids)
        self.assertNotIn('carla@home.example', ''.join(mail.email_to or '' for mail in mails))

    def test_customer_in_the_portal(self):
        """What the customer writes in the portal counts as a mail of his does."""
        ticket = self._ticket()
        ticket._set_stage('waiting')
        ticket.sudo().message_post(
            body='Any news',
            author_id=self.customer.id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )
        self.assertEqual((ticket.category, ticket.customer_message_count), ('open', 2))
        self.assertFalse(ticket.first_response_at)

    # === ACKNOWLEDGEMENT ===#

    def test_acknowledged_once_an_hour(self):
        """Each sender gets one notice an hour, which says that it is automatic; held and silent mails get none (R-svc C.6)."""
        with freeze_time('2026-11-02 09:00:00'):
            one, two = self._mail(), self._mail(body='Another thing')
            held = self._mail(sender='robot@robot.example', **AUTO)
            self._process()
        self.assertTrue(one.acknowledged_at)
        self.assertFalse(two.acknowledged_at)
        self.assertFalse(held.ticket_id)
        message = one.ticket_id.message_ids[0]
        self.assertEqual(message.author_id, self.company.partner_id, 'the shop, not the robot')
        to, mails = self._sent(message)
        self.assertEqual(to, {'carla@home.example'})
        for name, value in {**door.AUTOMATIC_HEADERS, door.MARK: self.tickets._door_mark()}.items():
            self.assertIn(f"'{name}': '{value}'", mails.headers)
        self.assertFalse(one.ticket_id.first_response_at, 'no answer of a person')
        with freeze_time('2026-11-02 10:01:00'):
            three = self._mail(body='A third thing')
            self._process()
            self.assertTrue(three.acknowledged_at)
            self.company.retail_mail_acknowledge = False
        with freeze_time('2026-11-02 12:00:00'):
            four = self._mail(body='A fourth thing')
            self._process()
            self.assertFalse(four.acknowledged_at)

    def test_own_mail_comes_back(self):
        """A mail of ours that comes back is dropped, whatever its sender; another shop's is not (Zammad)."""
        headers = {door.MARK: self.tickets._door_mark()}
        self.assertEqual(self._mail(**headers).reason, 'own')
        self.assertEqual(self._mail(**{door.MARK: 'other'}).result, 'normal')
        self.assertEqual(self._mail(sender=self.to).reason, 'own')
        self.assertEqual(self._mail(sender='catchall@door.example').reason, 'own')

    # === NOTHING IS LOST ===#

    def test_crash_leaves_a_ticket(self):
        """A crash anywhere leaves a minimal ticket with the mail as it came, and no exception (R-svc C.6, D.1-5)."""
        for method in ('_clock_opened', '_door_values', '_door_route', '_prepare_ticket_values'):
            with (
                self.subTest(crash=method),
                patch.object(type(self.tickets), method, side_effect=ZeroDivisionError),
            ):
                row = self._mail(sender='crash@crash.example', Subject=f'Crash in {method}')
            if method == '_prepare_ticket_values':  # not even a bare ticket can be made
                self.assertEqual((row.result, row.reason), ('quarantine', 'error'))
                held = self.env['retail.quarantine'].search([], limit=1)
                self.assertIn(b'Crash in', held.attachment_id.raw)
                continue
            self.assertEqual((row.result, row.reason), ('failed', 'error'))
            ticket = row.ticket_id
            self.assertEqual((ticket.subject, ticket.team_id), (f'Crash in {method}', self.team))
            file = ticket.message_ids.attachment_ids
            self.assertEqual(file.mimetype, 'message/rfc822')
            self.assertIn(b'The lamp is broken', file.raw)

    def test_broken_constraint_leaves_a_ticket(self):
        """Also an error of the database, which spoils the transaction, leaves a ticket (R-svc C.6)."""
        number = self._ticket().name
        with (
            mute_logger('odoo.sql_db'),
            patch.object(type(self.tickets), '_next_numbers', lambda *args: [number]),
        ):
            row = self._mail()
        self.assertEqual((row.result, row.reason), ('quarantine', 'error'))

    def test_concurrency(self):
        """A collision is left to the caller who tries again; one who does not gets a ticket."""
        failure = patch.object(type(self.tickets), 'message_new', side_effect=SerializationFailure)
        with failure, self.assertRaises(SerializationFailure):
            self._mail()
        with failure, mute_logger(f'{OURS}.mail_thread_door'):
            fetching = self.gateway.with_context(default_fetchmail_server_id=1)
            ticket_id = fetching.message_process(
                'retail.ticket', f'From: a@b.example\r\nTo: {self.to}\r\n\r\nx'
            )
        self.assertTrue(ticket_id)

    def test_others_are_left_alone(self):
        """Mails that are not for tickets raise and go as before."""
        with mute_logger(GATEWAY), self.assertRaises(ValueError):
            self.gateway.message_process(
                False, 'From: a@b.example\r\nTo: nobody@nowhere.example\r\n\r\nx'
            )
        before = self.logs.search_count([])
        raw = 'From: a@b.example\r\nTo: x@nowhere.example\r\nPrecedence: bulk\r\n\r\nx'
        with mute_logger(GATEWAY):
            self.assertEqual(
                self.gateway.message_process('res.partner', raw, thread_id=self.bob.id), self.bob.id
            )
        self.assertEqual(self.logs.search_count([]), before)

    def test_bounce(self):
        """A mail that could not be delivered marks the address and makes no ticket, also without a readable report."""
        ticket = self._ticket()
        count = self.tickets.search_count([])
        row = self._reply(
            ticket, sender='MAILER-DAEMON@mx.example', body='<carla@home.example>: no mailbox'
        )
        self.assertEqual((row.result, row.ticket_id), ('silent', ticket))
        self.assertEqual(self.customer.message_bounce, 1)
        self.assertEqual(self._mail(sender='MAILER-DAEMON@mx.example').result, 'drop')
        self.assertEqual(self.tickets.search_count([]), count)

    def test_cost(self):
        """A mail costs at most 1.4 times what Odoo takes for a plain record of a thread (design 8)."""
        self._mail()
        self._mail(body='Warm')
        self.env.invalidate_all()
        with self.assertQueryCount(
            58
        ):  # two are the test's own, three write what the clock counts by
            self._mail(body='How much does it cost?')


@tagged('post_install', '-at_install', 'retail_crm')
class TestQuarantine(DoorCommon):
    def _held(self, **options):
        row = self._mail(sender='robot@robot.example', **{**AUTO, **options})
        self.assertEqual(row.result, 'quarantine')
        return self.env['retail.quarantine'].search([], order='id desc', limit=1)

    def test_held(self):
        """A held mail tells who, what and why, with the mail as it came (R-svc C.6)."""
        held = self._held()
        self.assertEqual(
            (held.sender, held.reason, held.state), ('robot@robot.example', 'automatic', 'held')
        )
        self.assertEqual((held.team_id, held.company_id), (self.team, self.company))
        self.assertIn('lamp is broken', held.excerpt)
        self.assertIn(b'Auto-Submitted', held.attachment_id.raw)
        self.assertEqual(
            (held.attachment_id.res_model, held.attachment_id.res_id), (held._name, held.id)
        )

    def test_release(self):
        """A released mail comes in as if nothing had been unusual, once."""
        held = self._held()
        with mute_logger(GATEWAY):
            held.with_user(self.users['user']).action_release()
        self.assertEqual((held.state, held.decided_by_id), ('released', self.users['user']))
        self.assertEqual(held.ticket_id.team_id, self.team)
        self.assertEqual(held.ticket_id.partner_email, 'robot@robot.example')
        with self.assertRaises(UserError):
            held.with_user(self.users['user']).action_release()

    def test_release_of_an_answer(self):
        """A released answer goes to the ticket it answers."""
        ticket = self._ticket()
        self.env['retail.mail.block']._block(['carla@home.example'])
        self.assertEqual(self._reply(ticket).reason, 'blocked')
        held = self.env['retail.quarantine'].search([], limit=1)
        self.assertEqual(held.ticket_id, ticket)
        with mute_logger(GATEWAY):
            held.action_release()
        self.assertEqual((held.ticket_id, ticket.customer_message_count), (ticket, 2))

    def test_same_mail_twice(self):
        """A mail that is held already is dropped when it comes again."""
        self._held(Message_ID='<twice@robot.example>')
        again = self._mail(sender='robot@robot.example', Message_ID='<twice@robot.example>', **AUTO)
        self.assertEqual((again.result, again.reason), ('drop', 'duplicate'))

    def test_discard_and_block(self):
        """Staff discard and block senders; leaders block domains; nobody blocks a whole public provider."""
        user = self.users['user']
        self._held().with_user(user).action_discard()
        self._held(body='One').with_user(user).action_block_sender()
        row = self._mail(sender='Robot@robot.example')
        self.assertEqual((row.result, row.reason), ('quarantine', 'blocked'))
        with self.assertRaises(AccessError):
            self._held(body='Two').with_user(user).action_block_domain()
        self._held(body='Three').with_user(self.users['lead']).action_block_domain()
        self.assertEqual(self._mail(sender='else@robot.example').reason, 'blocked')
        with self.assertRaises(ValidationError):
            self.env['retail.mail.block'].create({'name': 'gmail.com'})
        with self.assertRaises(ValidationError):
            self.env['retail.mail.block'].create({'name': 'nonsense'})

    def test_who_sees_them(self):
        """Staff see held mails of their companies, but not those that answer what they may not read; others see none."""
        ticket = self._ticket()
        held = self._held()
        answer = (
            self.env['retail.quarantine']
            .sudo()
            ._hold(b'x', {'reason': 'blocked', 'ticket_id': ticket.id, 'sender': 'a@b.example'})
        )
        ticket.is_restricted = True
        visible = self.env['retail.quarantine'].with_user(self.users['user']).search([])
        self.assertIn(held, visible)
        self.assertNotIn(answer, visible)
        self.assertIn(answer, visible.with_user(self.users['manager']).search([]))
        with self.assertRaises(AccessError):
            answer.with_user(self.users['user']).action_release()
        for name in ('marketing', 'internal', 'portal'):
            with self.assertRaises(AccessError):
                held.with_user(self.users[name]).action_discard()

    def test_kept_for_days(self):
        """Held mails and the list of mails go by themselves after the days of the settings (R-svc C.6)."""
        old, young = self._held(), self._held(body='Young')
        file = old.attachment_id
        past = fields.Datetime.now() - timedelta(days=self.company.retail_quarantine_days + 1)
        old.date = past
        row = self.logs.search([], limit=1)
        row.date = past
        self.env['retail.quarantine']._gc_old()
        self.logs._gc_old()
        self.assertFalse(old.exists() or file.exists() or row.exists())
        self.assertTrue(young.exists())

    def test_counts_use_indexes(self):
        """The counters are read by indexes: a loop does not get slower with the size of the list."""
        self.env.cr.execute('SET LOCAL enable_seqscan = off')
        query = self.logs._sql_facts(
            'a@b.example', 'b.example', 'abc', '<1@x>', fields.Datetime.now(), 100
        )
        self.env.cr.execute('EXPLAIN ' + query.code, query.params)
        plan = '\n'.join(line for (line,) in self.env.cr.fetchall())
        self.assertNotIn('Seq Scan on retail_mail_log', plan)
