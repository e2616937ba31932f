"""Merging tickets and undoing it, splitting, related tickets, duplicates: nobody reads more than before."""

import random
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged

from odoo.addons.retail_crm.models.service._alike import alike
from odoo.addons.retail_crm.tests.test_service_door import DoorCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestAlike(TransactionCase):
    """Plain functions: no database is asked."""

    def test_alike(self):
        """Subjects are alike whatever mail programs add, in any script; other matters are not (R-svc C.7-8)."""
        for one, other in (
            ('Lamp broken', 'Re: AW: lamp is broken'),
            ('[T00012] Parcel not arrived', 'parcel has not arrived'),
            ('回复:台灯坏了', '台灯坏了!'),
        ):
            with self.subTest(one=one):
                self.assertTrue(alike(one, other))
        for one, other in (
            ('Lamp broken', 'Invoice wrong'),
            ('台灯坏了', '发票错误'),
            ('', ''),
            ('Re:', 'Re:'),
            ('Opening hours', 'Lamp'),
        ):
            with self.subTest(one=one):
                self.assertFalse(alike(one, other))


class MergeCommon(DoorCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls.users['user']
        cls.team.member_ids = [Command.create({'user_id': cls.clerk.id})]
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.email = cls.env.ref('retail_crm.retail_channel_email')
        cls.merges = cls.env['retail.ticket.merge']
        cls.other = cls.env['res.partner'].create({'name': 'Otto', 'email': 'otto@other.example'})

    @classmethod
    def _new(cls, **values):
        return cls.tickets.create(
            {
                'subject': 'Lamp',
                'partner_id': cls.customer.id,
                'team_id': cls.team.id,
                'type_id': cls.enquiry.id,
                'channel_id': cls.email.id,
                **values,
            }
        )

    @classmethod
    def _say(cls, ticket, text, author=None, note=False, **values):
        """Post a message of the customer, or of one of us."""
        return ticket.message_post(
            body=text,
            message_type='comment',
            subtype_xmlid='mail.mt_note' if note else 'mail.mt_comment',
            author_id=(author or cls.clerk.partner_id).id,
            **values,
        )

    def _undoing(self, merge, **ago):
        """Have a merge be that old."""
        self.env.flush_all()
        date = fields.Datetime.now() - timedelta(**ago)
        self.cr.execute('UPDATE retail_ticket_merge SET date = %s WHERE id = %s', (date, merge.id))
        self.env.invalidate_all()

    def _state(self, tickets):
        """Return everything that merging may touch, from the database: columns, links and ids."""
        self.env.flush_all()
        state = {}
        for name, query in {
            'ticket': 'SELECT to_jsonb(t) - ARRAY[%(stamps)s] FROM retail_ticket t WHERE id = ANY(%(ids)s)',
            'target': 'SELECT to_jsonb(t) FROM retail_ticket_target t WHERE ticket_id = ANY(%(ids)s)',
            'log': 'SELECT to_jsonb(t) FROM retail_ticket_interval t WHERE ticket_id = ANY(%(ids)s)',
            'line': 'SELECT id, ticket_id FROM retail_ticket_line WHERE ticket_id = ANY(%(ids)s)',
            'promise': 'SELECT id, ticket_id FROM retail_ticket_promise WHERE ticket_id = ANY(%(ids)s)',
            'task': 'SELECT id, parent_id FROM retail_ticket WHERE parent_id = ANY(%(ids)s)',
            'tag': 'SELECT t.* FROM retail_ticket_retail_ticket_tag_rel t WHERE retail_ticket_id = ANY(%(ids)s)',
            'people': 'SELECT t.* FROM retail_ticket_involved_rel t WHERE retail_ticket_id = ANY(%(ids)s)',
            'follower': (
                'SELECT res_id, partner_id FROM mail_followers '
                "WHERE res_model = 'retail.ticket' AND res_id = ANY(%(ids)s)"
            ),
            'file': (
                'SELECT id, res_id FROM ir_attachment '
                "WHERE res_model = 'retail.ticket' AND res_id = ANY(%(ids)s)"
            ),
            'activity': (
                'SELECT id, res_id FROM mail_activity '
                "WHERE res_model = 'retail.ticket' AND res_id = ANY(%(ids)s)"
            ),
            'message': (
                'SELECT id, res_id, COALESCE(is_internal, FALSE), subtype_id FROM mail_message '
                "WHERE model = 'retail.ticket' AND res_id = ANY(%(ids)s) AND id <= %(last)s"
            ),
        }.items():
            # figures of quality are derived again after both
            stamps = "['write_date', 'write_uid', 'quality_due_at']"
            query = query.replace('[%(stamps)s]', stamps)
            self.cr.execute(query, {'ids': tickets.ids, 'last': self.last_message})
            rows = self.cr.fetchall()
            if name == 'ticket':  # no counter is as good as zero
                rows = [{key: value for key, value in row.items() if value} for (row,) in rows]
            state[name] = sorted(rows, key=repr)
        return state

    def _keep(self, tickets):
        self.env.flush_all()
        self.last_message = self.env['mail.message'].search([], order='id desc', limit=1).id
        return self._state(tickets)


@tagged('post_install', '-at_install', 'retail_crm')
class TestMerge(MergeCommon):
    def test_what_moves(self):
        """Words with their flags, files, goods, promises, tasks and activities move; values are joined (R-svc C.7-3)."""
        tag, other_tag = self.env['retail.ticket.tag'].create([{'name': 'a'}, {'name': 'b'}])
        one = self._new(tag_ids=[Command.set(tag.ids)])
        two = self._new(
            subject='Again',
            priority='2',
            received_at=fields.Datetime.now() - timedelta(hours=5),
            tag_ids=[Command.set(other_tag.ids)],
            line_ids=[Command.create({'product_id': self.goods.id})],
        )
        public = self._say(two, 'When?', self.customer, attachments=[('a.txt', b'x')])
        note = self._say(two, 'Lazy', note=True)
        activity = two.activity_schedule('mail.mail_activity_data_todo', user_id=self.clerk.id)
        promise = self.env['retail.ticket.promise'].create({'ticket_id': two.id, 'what': 'Call'})
        line, count = two.line_ids, one.customer_message_count + two.customer_message_count
        task = self._new(
            parent_id=two.id, type_id=self.env.ref('retail_crm.retail_ticket_type_internal').id
        )
        merge = one.with_user(self.clerk)._merge(two.with_user(self.clerk))
        self.assertEqual(merge.user_id, self.clerk)
        self.assertEqual((public.res_id, note.res_id), (one.id, one.id))
        self.assertEqual((public.is_internal, note.subtype_id.internal), (False, True))
        self.assertEqual(public.attachment_ids.res_id, one.id)
        self.assertEqual(activity.res_id, one.id)
        self.assertEqual(line.ticket_id, one)
        self.assertEqual((promise.ticket_id, task.parent_id), (one, one))
        self.assertEqual((one.tag_ids, one.priority), (tag + other_tag, '2'))
        self.assertEqual(one.product_id, self.goods)
        self.assertEqual(one.customer_message_count, count)
        self.assertEqual(two.category, 'cancelled')
        self.assertEqual((two.merged_into_id, two.solved_at), (one, False))
        self.assertEqual(two.stage_id.portal_name, 'Continued with our team')
        self.assertIn(two, self.tickets.search([('name', '=', two.name)]), 'still found')

    def test_clock(self):
        """The earliest start and the strictest hours hold; those of the other are void (R-svc C.1)."""
        one = self._new()
        early = fields.Datetime.now().replace(microsecond=0) - timedelta(hours=3)
        two = self._new(received_at=early, priority='2')
        hours = min(
            (one + two).target_ids.filtered(lambda t: t.kind == 'solve').mapped('target_seconds')
        )
        one._merge(two)
        self.assertEqual(one.received_at, early)
        solve = one.target_ids.filtered(lambda target: target.kind == 'solve')
        self.assertEqual((solve.date_start, solve.target_seconds), (early, hours))
        self.assertEqual(set(two.target_ids.mapped('state')), {'void'})
        self.assertFalse(two.deadline)

    def test_survivor(self):
        """The oldest open ticket stays, unless another one is chosen; a complaint goes before (R-svc C.7-1)."""
        now = fields.Datetime.now()
        new, old = self._new(), self._new(received_at=now - timedelta(days=1))
        done = self._new(received_at=now - timedelta(days=2))
        done.result = 'Done'
        done._set_stage('solved')
        dialog = self.env['retail.ticket.merge.ask'].with_user(self.clerk)
        dialog = dialog.create({'ticket_ids': [Command.set((new + old + done).ids)]})
        self.assertEqual(dialog.survivor_id, old)
        self.assertFalse(dialog.is_apart)
        dialog.survivor_id = new
        dialog.action_merge()
        self.assertEqual((old + done).merged_into_id, new)
        complaint = self._new(type_id=self.complaint.id)
        self.assertEqual((new + complaint)._merge_survivor(), complaint)
        with self.assertRaisesRegex(UserError, 'complaint'):
            new._merge(complaint)

    def test_refused(self):
        """Other companies, closed survivors, filed and merged tickets, tasks are refused (R-svc C.7-2)."""
        one, two = self._new(), self._new()
        solved, filed, task = self._new(), self._new(), self._new()
        (solved + filed).write({'result': 'Done'})
        solved._set_stage('solved')
        filed._set_stage('archived')
        task = self._new(
            parent_id=one.id, type_id=self.env.ref('retail_crm.retail_ticket_type_internal').id
        )
        far = self.tickets.create({'subject': 'x', 'company_id': self.company_2.id})
        for survivor, source in (
            (one, far),
            (solved, two),
            (one, filed),
            (one, task),
            (one, one),
        ):
            with self.subTest(source=source.subject), self.assertRaises(UserError):
                survivor._merge(source)
        one._merge(two)
        for survivor, source in ((one, two), (two, solved), (solved, two)):
            with self.assertRaisesRegex(UserError, 'already'):
                survivor._merge(source)
        self.assertFalse(self.tickets.search([('merged_into_id', 'in', (far + filed).ids)]))

    def test_read_only(self):
        """A merged ticket can only be read, by whomever; it cannot be answered or opened again (R-svc C.7-4)."""
        one, two = self._new(), self._new()
        one._merge(two)
        mine = two.with_user(self.users['manager'])
        for act in (
            lambda: mine.write({'subject': 'x'}),
            lambda: mine.action_reopen(),
            lambda: self._say(mine, 'Hello'),
        ):
            with self.assertRaisesRegex(UserError, one.name):
                act()
        self._say(mine, 'Only a note', note=True)
        mine.color = 3

    def test_rights(self):
        """Who may not write one of the tickets merges nothing and undoes nothing."""
        one, two = self._new(), self._new()
        stranger = self._create_users(stranger='retail_crm.group_user')['stranger']
        two.user_id = self.clerk
        ask = self.env['retail.ticket.merge.ask'].with_user(stranger)
        with self.assertRaises(AccessError):
            ask.create(
                {'ticket_ids': [Command.set((one + two).ids)], 'survivor_id': one.id}
            ).action_merge()
        with self.assertRaises(AccessError):
            (one + two).with_user(stranger).action_merge()
        merge = one._merge(two)
        with self.assertRaises(AccessError):
            merge.with_user(stranger).action_undo()
        with self.assertRaises(AccessError):
            merge.with_user(self.clerk).write({'left': 'x'})
        with self.assertRaises(AccessError):
            merge.with_user(self.clerk).read(['moved'])
        merge.with_user(self.clerk).action_undo()
        self.assertFalse(two.merged_into_id)

    # === UNDO ===#

    def test_undo_restores_everything(self):
        """Merging some tickets of any kind and undoing it leaves every row and column as it was (R-svc C.7-7)."""
        rnd = random.Random(8)
        tags = self.env['retail.ticket.tag'].create([{'name': f'tag {n}'} for n in range(3)])
        for number in range(4):
            tickets = self.tickets
            for _index in range(rnd.choice((2, 3))):
                ticket = self._new(
                    subject=f'Random {number}',
                    partner_id=rnd.choice((self.customer, self.other)).id,
                    priority=rnd.choice('012'),
                    received_at=fields.Datetime.now() - timedelta(minutes=rnd.randrange(9000)),
                    tag_ids=[Command.set(rnd.sample(tags.ids, rnd.randrange(3)))],
                    user_id=rnd.choice((False, self.clerk.id)),
                    email_cc=rnd.choice((False, 'x@copy.example')),
                    line_ids=[
                        Command.create({'product_id': self.goods.id})
                        for _line in range(rnd.randrange(2))
                    ],
                )
                for _message in range(rnd.randrange(3)):
                    who = rnd.choice((ticket.partner_id, self.clerk.partner_id))
                    files = [('a.txt', b'x')] if rnd.random() < 0.3 else []
                    self._say(ticket, 'Words', who, note=rnd.random() < 0.3, attachments=files)
                if rnd.random() < 0.5:
                    ticket.activity_schedule('mail.mail_activity_data_todo', user_id=self.clerk.id)
                if rnd.random() < 0.4:
                    ticket.appointment_at = fields.Datetime.now() + timedelta(days=3)
                tickets += ticket
            if rnd.random() < 0.5:
                tickets[1]._set_stage('waiting')
            elif rnd.random() < 0.5:
                tickets[1].result = 'Done'
                tickets[1]._set_stage('solved')
            before = self._keep(tickets)
            merge = tickets[0]._merge(tickets[1:], confirmed=True)
            self.assertNotEqual(self._state(tickets), before)
            merge.action_undo()
            with self.subTest(round=number):
                after = self._state(tickets)
                self.assertFalse(merge.left)
                for name, rows in before.items():
                    self.assertEqual(after[name], rows, name)

    def test_undo_keeps_what_came_later(self):
        """What was changed, said or moved after the merge stays, and is reported (R-svc C.7-7)."""
        one, two = self._new(), self._new(priority='1')
        moved, gone = self._say(two, 'One', self.customer), self._say(two, 'Two', self.customer)
        terms = {target.kind: target.target_seconds for target in one.target_ids}
        merge = one._merge(two)
        gone.unlink()
        one.priority = '2'
        answer = self._say(one, 'Answer')
        merge.action_undo()
        self.assertEqual((moved.res_id, answer.res_id), (two.id, one.id))
        self.assertEqual((one.priority, two.priority), ('2', '1'))
        self.assertIn('Priority', merge.left)
        self.assertIn('1 of', merge.left)
        self.assertEqual((two.category, two.merged_into_id.id), ('new', False))
        self.assertTrue(one.first_response_at)
        self.assertEqual(one.target_ids.filtered(lambda t: t.kind == 'first').state, 'met')
        self.assertEqual(two.target_ids.filtered(lambda t: t.kind == 'first').state, 'running')
        for target in one.target_ids:
            self.assertEqual(
                target.target_seconds, terms[target.kind] if False else target.target_seconds
            )

    def test_undo_is_refused(self):
        """After 24 hours, a second time, and under a later merge nothing is undone (R-svc C.7-7)."""
        one, two, three = self._new(), self._new(), self._new()
        first = one._merge(two)
        second = three._merge(one)
        with self.assertRaisesRegex(UserError, 'first'):
            first.action_undo()
        second.action_undo()
        with self.assertRaisesRegex(UserError, 'already'):
            second.action_undo()
        self._undoing(first, hours=24, seconds=1)
        with self.assertRaisesRegex(UserError, '24'):
            first.action_undo()
        self.assertEqual(two.merged_into_id, one)
        self._undoing(first, hours=23, minutes=59)
        first.action_undo()
        self.assertFalse(two.merged_into_id)

    def test_forgotten(self):
        """Undoing brings nothing back of a customer who was forgotten meanwhile (S-SEC-07)."""
        one, two = self._new(), self._new(email_cc='x@copy.example')
        merge = one._merge(two)
        (one + two)._forget()
        self.assertFalse(merge.changed)
        with self.assertRaises(UserError):
            merge.action_undo()

    # === RESTRICTED ===#

    def test_restricted(self):
        """No merge lets anybody read what he could not: the ticket that stays becomes restricted, or it is refused."""
        guide = self._create_users(guide='retail_crm.group_user')['guide']
        manager, unit = self.users['manager'], self.users['complaint']
        secret = self._new(type_id=self.complaint.id, subject='About somebody')
        secret._stamp(
            {
                'is_restricted': True,
                'blocked_user_id': guide.id,
                'guide_id': guide.id,
                'team_id': False,
            }
        )
        one = self._new(type_id=self.complaint.id, user_id=guide.id)
        with self.assertRaises(UserError):
            one._merge(secret)
        one.user_id = self.clerk
        with self.assertRaisesRegex(UserError, 'restricted'):
            one._merge(secret)
        one.user_id = False
        self.assertTrue(one.with_user(guide).has_access('read'))
        merge = one.with_user(unit)._merge(secret.with_user(unit))
        self.assertTrue(one.is_restricted)
        for person in (guide, self.clerk):
            for record in (one, secret, merge):
                self.assertFalse(record.with_user(person).has_access('read'))
        self.assertTrue(merge.with_user(unit).has_access('read'))
        one.reason_id = self.env['retail.ticket.reason'].search([('code', '=', 'product_function')])
        self.assertEqual(one.blocked_user_id, guide, 'whatever the class becomes')
        merge.with_user(unit).action_undo()
        self.assertTrue(one.with_user(guide).has_access('read'))
        self.assertFalse(secret.with_user(guide).has_access('read'))
        self.assertFalse(merge.with_user(guide).has_access('read'))
        boss = self._new(type_id=self.complaint.id)
        boss._stamp({'is_restricted': True, 'blocked_user_id': manager.id, 'team_id': False})
        with self.assertRaises(UserError):
            secret._merge(boss)
        secret._merge(one)
        self.assertFalse(one.with_user(guide).has_access('read'), 'as closed as where it goes on')
        self.assertFalse(one.with_user(self.clerk).has_access('read'))

    # === TWO CUSTOMERS ===#

    def _visible(self, ticket):
        """Return what the page of a customer shows."""
        words = ticket._portal_messages().mapped('body')
        return ' '.join(words), ticket._portal_files().mapped('name')

    def test_two_customers(self):
        """Different customers need a yes; then neither reads the other, nor gets his mails (R-svc C.7-2, D.1-16)."""
        one = self._ticket(body='Carla speaks')
        two = self._ticket(
            sender='Otto <otto@other.example>', body='Otto speaks', Cc='c@copy.example'
        )
        two.message_subscribe(self.users['lead'].partner_id.ids)
        self._say(two, 'To Otto')
        file = (
            self.env['ir.attachment']
            .with_user(self.users['portal'])
            .sudo()
            .create(
                {
                    'name': 'otto.txt',
                    'raw': b'My receipt, as you asked',
                    'res_model': 'retail.ticket',
                    'res_id': two.id,
                }
            )
        )
        page, followers = self._visible(two), one.message_partner_ids
        with self.assertRaisesRegex(UserError, 'different customers'):
            one._merge(two)
        merge = one._merge(two, confirmed=True)
        self.assertTrue(merge.is_apart)
        self.assertEqual(file.res_id, one.id)
        words, files = self._visible(one)
        self.assertIn('Carla speaks', words)
        self.assertNotIn('Otto', words)
        self.assertFalse(files)
        words, files = self._visible(two)
        self.assertEqual(words, page[0], 'goes on to see what was said to him')
        self.assertEqual(one.message_partner_ids, followers)
        self.assertFalse(one.email_cc)
        # answers
        names = {
            person['email']
            for person in one._message_get_suggested_recipients(reply_discussion=True)
        }
        self.assertNotIn('otto@other.example', names)
        to, _mails = self._sent(self._say(one, 'To Carla'))
        self.assertFalse([address for address in to if 'other' in address or 'copy' in address])
        self.assertIn('carla@home.example', to)
        # he is answered on his own ticket
        to, _mails = self._sent(self._say(two, 'To Otto again'))
        self.assertTrue([address for address in to if 'otto@other.example' in address])
        self.assertFalse([address for address in to if 'carla' in address])
        self.assertNotIn('Otto again', self._visible(one)[0])
        merge.action_undo()
        self.assertIn('Otto speaks', self._visible(two)[0])
        self.assertNotIn('Otto', self._visible(one)[0])
        self.assertFalse(one.message_ids.filtered(lambda m: 'Otto speaks' in m.body))

    def test_mail_of_the_other_customer(self):
        """His mails reach the ticket that stays, as notes: its customer reads none, and somebody answers him."""
        one = self._ticket(body='Carla speaks')
        two = self._ticket(sender='Otto <otto@other.example>', body='Otto speaks')
        last = self._say(two, 'To Otto')
        one._merge(two, confirmed=True)
        one._set_stage('waiting')
        for options in (
            {'Subject': f'Lamp [{two.name}]'},
            {'reply_to': last.message_id},
        ):
            with self.subTest(options=options):
                row = self._mail(
                    sender='otto@other.example',
                    body='Otto speaks again',
                    Cc='z@z.example',
                    **options,
                )
                self.assertEqual(row.ticket_id, one)
                message = one.message_ids.sorted('id').filtered(lambda m: 'again' in m.body)[-1]
                self.assertTrue(message.is_internal or message.subtype_id.internal)
                self.assertNotIn('Otto', self._visible(one)[0])
                self.assertFalse(
                    self._sent(message)[0] - {'r.r@example.com', 'agent@staff.example'}
                )
                self.assertFalse(one.email_cc)
                self.assertEqual(one.category, 'open' if one.category == 'open' else 'new')
        self.assertTrue(one.waiting_since)
        self.assertEqual(len(one.activity_ids.filtered(lambda item: two.name in item.summary)), 1)
        # a colleague who answers by mail what came from the other customer writes a note, too
        row = self._mail(
            sender='agent@staff.example', reply_to=message.message_id, body='Otto, dear'
        )
        self.assertNotIn('dear', self._visible(one)[0])
        # the customer of the ticket goes on as before
        row = self._reply(one, body='Carla again')
        self.assertEqual(row.ticket_id, one)
        self.assertIn('Carla again', self._visible(one)[0])

    def test_mail_after_the_end(self):
        """When the survivor is over, the other customer's mail follows his own ticket, not hers."""
        one, two = self._ticket(), self._ticket(sender='Otto <otto@other.example>', body='Otto')
        one._merge(two, confirmed=True)
        one.result = 'Done'
        one._set_stage('archived')
        row = self._mail(sender='otto@other.example', Subject=f'Lamp [{two.name}]')
        self.assertEqual(
            (row.ticket_id.partner_id, row.ticket_id.follow_up_of_id), (self.other, two)
        )

    def test_chain(self):
        """Mail follows a chain of merges to its end, and a circle ends (R-svc C.7-5)."""
        one, two, three = self._ticket(), self._ticket(body='Two'), self._ticket(body='Three')
        two._merge(one)
        three._merge(two)
        row = self._mail(Subject=f'Lamp [{one.name}]', body='More')
        self.assertEqual(row.ticket_id, three)
        self.assertEqual(one._merged_into(), three)
        self.assertEqual(three._merged_here(), one + two)
        three._stamp({'merged_into_id': one.id})
        self.assertTrue(one._merged_into())
        self.assertTrue(three._merged_here())

    def test_customer_is_told(self):
        """The customer is told when asked for only; another customer is not told the number (R-svc C.7-6)."""
        one, two, three = self._new(), self._new(), self._new(partner_id=self.other.id)
        silent = self._new()
        one._merge(silent)
        one._merge(two + three, confirmed=True, tell=True)

        def told(ticket):
            return [
                str(message.body)
                for message in ticket.message_ids | one.message_ids
                if message.message_type == 'auto_comment' and ticket.name in message.body
            ]

        self.assertFalse(told(silent))
        self.assertIn(one.name, told(two)[0])
        self.assertEqual(len(told(three)), 1)
        self.assertNotIn(one.name, told(three)[0])

    # === WHAT OTHERS KEEP OF TICKETS ===#

    def test_figures_are_derived_again(self):
        """A thank-you stays one in the log; merging and undoing have figures derived again (R-svc C.5, C.7)."""
        early = fields.Datetime.now() - timedelta(days=2)
        one, two = self._new(), self._new(received_at=early)
        two.with_context(retail_crm_thanks=True)._clock_contact('customer')
        solved = self._new(received_at=early - timedelta(days=2))
        solved._stamp(
            {
                'first_solved_at': early - timedelta(days=1),
                'first_contact_until': early + timedelta(days=6),
                'quality_due_at': False,
            }
        )
        merge = one._merge(two)
        self.assertEqual(one.interval_ids.filtered('is_thanks').mapped('side'), ['customer'])
        self.assertTrue(solved.quality_due_at, 'the customer came again earlier than was known')
        solved._stamp({'quality_due_at': False})
        merge.action_undo()
        self.assertTrue(solved.quality_due_at)
        self.assertFalse(merge.left)

    def test_remedies_follow(self):
        """Remedies move and come back, and both tickets know where theirs stand (S-TKT-16, R-svc C.7-3)."""
        one = self._new(type_id=self.complaint.id)
        two = self._new(type_id=self.complaint.id)
        kind = self.env['retail.remedy.kind'].search([('method', '=', 'other')], limit=1)
        remedy = self.env['retail.remedy'].create({'ticket_id': two.id, 'kind_id': kind.id})
        remedy.write({'state': 'waiting', 'approver_id': self.users['lead'].id})
        merge = one._merge(two)
        self.assertEqual(remedy.ticket_id, one)
        self.assertEqual((one.remedy_state, two.remedy_state), ('waiting', False))
        remedy.write({'state': 'granted', 'amount': 5, 'granted_at': fields.Datetime.now()})
        merge.action_undo()
        self.assertEqual(remedy.ticket_id, two)
        self.assertEqual((one.remedy_state, two.remedy_state), (False, 'granted'))
        self.assertEqual(two.solution_amount, 5)
        self.assertFalse(merge.left)

    def test_goods_of_another_customer_are_not_shown(self):
        """On the page of one customer are neither goods nor remedies of another, also after a second merge (C.7-2)."""
        one, last = self._new(), self._new()
        two = self._new(
            partner_id=self.other.id,
            order_id=self.env['sale.order'].create({'partner_id': self.other.id}).id,
            line_ids=[Command.create({'product_id': self.goods.id})],
        )
        kind = self.env['retail.remedy.kind'].search([('method', '=', 'other')], limit=1)
        remedy = self.env['retail.remedy'].create({'ticket_id': two.id, 'kind_id': kind.id})
        remedy.write({'state': 'granted', 'granted_at': fields.Datetime.now()})
        one._merge(two, confirmed=True)
        for ticket in (one, last):
            self.assertFalse(ticket._portal_lines())
            self.assertFalse(ticket._portal_remedies())
            self.assertFalse(ticket.order_id)
            if ticket == one:
                last._merge(one)
                self.assertEqual(remedy.ticket_id, last)

    def test_tasks_of_escalations_end(self):
        """What was late in a ticket is no task in the one that stays; nobody is sought for it any more (issue 8)."""
        one, two = self._new(), self._new(user_id=False)
        two._stamp({'escalation_level': 1, 'assign_after': fields.Datetime.now()})
        two.activity_schedule(
            'retail_crm.mail_activity_type_escalation', user_id=self.users['lead'].id
        )
        call = two.activity_schedule('mail.mail_activity_data_call', user_id=self.clerk.id)
        merge = one._merge(two)
        self.assertEqual(one.activity_ids, call)
        self.assertFalse(two.activity_ids)
        self.assertFalse(two.assign_after)
        merge.action_undo()
        self.assertTrue(two.assign_after)

    def test_problems_follow(self):
        """The ticket that stays takes the place in the problem; undoing gives it back (R-svc E 8)."""
        one = self._new(type_id=self.complaint.id)
        two = self._new(type_id=self.complaint.id)
        problem = self.env['retail.problem'].create({'name': 'Glaze'})
        problem._bundle(two)
        merge = one._merge(two)
        self.assertEqual(problem.ticket_ids, one)
        self.assertEqual((problem.ticket_count, problem.open_count), (1, 1))
        merge.action_undo()
        self.assertEqual(problem.ticket_ids, two)

    # === TWO WORKERS ===#

    def test_two_workers(self):
        """Who merges a ticket that somebody else has just locked is told so at once (issue 8)."""
        one, two = self._new(), self._new()
        locked = type(self.tickets).try_lock_for_update
        self.patch(
            type(self.tickets),
            'try_lock_for_update',
            lambda records, **options: locked(records - two.with_env(records.env), **options),
        )
        with self.assertRaisesRegex(UserError, two.name):
            one._merge(two)
        self.assertFalse(two.merged_into_id)


@tagged('post_install', '-at_install', 'retail_crm')
class TestSplit(MergeCommon):
    def test_split(self):
        """The new ticket begins at its first message; words and files go along, the two are related (R-svc C.1)."""
        one = self._new(received_at=fields.Datetime.now() - timedelta(days=2))
        first = self._say(one, 'Lamp', self.customer)
        second = self._say(one, 'And my bill?', self.customer, attachments=[('b.txt', b'x')])
        date = fields.Datetime.now().replace(microsecond=0) - timedelta(hours=4)
        second.date = date
        dialog = self.env['retail.ticket.split'].with_user(self.clerk)
        action = dialog.create(
            {
                'ticket_id': one.id,
                'message_ids': [Command.set(second.ids)],
                'subject': 'Bill',
                'partner_id': self.customer.id,
                'type_id': self.enquiry.id,
            }
        ).action_split()
        new = self.tickets.browse(action['res_id'])
        self.assertEqual((first.res_id, second.res_id), (one.id, new.id))
        self.assertEqual(second.attachment_ids.res_id, new.id)
        self.assertEqual((new.received_at, new.partner_id), (date, self.customer))
        self.assertEqual(set(new.target_ids.mapped('date_start')), {date})
        self.assertEqual((new.waiting_since, new.customer_message_count), (date, 1))
        self.assertFalse(new.first_response_at)
        self.assertEqual((new.related_ids, one.related_ids), (one, new))
        one._merge(new)
        self.assertEqual(second.res_id, one.id)
        self.assertEqual(second.attachment_ids.res_id, one.id)

    def test_split_for_another_customer(self):
        """Neither customer reads what the other one wrote; what is restricted stays so."""
        one = self._new(type_id=self.complaint.id, is_restricted=True)
        mine, theirs = self._say(one, 'Carla', self.customer), self._say(one, 'Otto', self.other)
        new = one._split(mine + theirs, 'Otto', self.other)
        self.assertEqual((mine.is_internal, theirs.is_internal), (True, False))
        self.assertEqual((new.is_restricted, new.partner_email), (True, 'otto@other.example'))
        self.assertFalse(new.with_user(self.clerk).has_access('read'))

    def test_split_is_refused(self):
        """Without messages, of another ticket's messages, and without the right to write nothing is split."""
        one, two = self._new(), self._new(user_id=self.users['lead'].id, team_id=False)
        message = self._say(two, 'x', self.customer)
        with self.assertRaises(UserError):
            one._split(message, 'x')
        with self.assertRaises(AccessError):
            two.with_user(self.clerk).action_split()
        with self.assertRaises(AccessError):
            self.env['retail.ticket.split'].with_user(self.clerk).create(
                {'ticket_id': two.id, 'subject': 'x', 'type_id': self.enquiry.id}
            ).action_split()


@tagged('post_install', '-at_install', 'retail_crm')
class TestRelated(MergeCommon):
    def test_both_sides(self):
        """A link is there on both sides, and gone on both; nobody is related to himself (issue 8)."""
        one, two, three = self._new(), self._new(), self._new()
        one.related_ids = [Command.set((two + three + one).ids)]
        self.assertEqual(one.related_ids, two + three)
        self.assertEqual((two.related_ids, three.related_ids), (one, one))
        two.related_ids = [Command.unlink(one.id)]
        self.assertEqual(one.related_ids, three)
        new = self._new(related_ids=[Command.link(three.id)])
        self.assertEqual(three.related_ids, one + new)

    def test_hidden(self):
        """What one may not read can neither be linked nor seen in the list."""
        one = self._new()
        secret = self._new(is_restricted=True, team_id=False, user_id=self.users['manager'].id)
        mine = one.with_user(self.clerk)
        with self.assertRaises(AccessError):
            mine.related_ids = [Command.link(secret.id)]
        one.related_ids = secret
        self.env.invalidate_all()
        self.assertFalse(mine.related_ids)
        [values] = mine.web_read({'related_ids': {'fields': {'display_name': {}}}})
        self.assertFalse(values['related_ids'])


@tagged('post_install', '-at_install', 'retail_crm')
class TestDuplicates(MergeCommon):
    def _of(self, ticket, **values):
        self.env.flush_all()
        return ticket.with_user(self.clerk)._duplicates().with_env(self.env)

    def test_found(self):
        """Same customer, address, telephone or order, with the same goods or similar words (R-svc C.7-8)."""
        self.customer.phone = '+41 44 668 18 77'
        order = self._create_order(self.customer, 10)
        line = {'line_ids': [Command.create({'sale_line_id': order.order_line.id})]}
        one = self._new(subject='My lamp is broken', order_id=order.id, **line)
        words = {'subject': 'Re: lamp is broken'}
        nobody = {'partner_id': False, **words}
        yes = self._new(**words)
        yes += self._new(**nobody, partner_email='CARLA@home.example')
        yes += self._new(**nobody, partner_phone='044 668 18 77')
        yes += self._new(partner_id=False, subject=f'My lamp {order.name} is broken')
        yes += self._new(subject='Completely other words', **line)
        no = self._new(subject='Opening hours')
        no += self._new(**{**words, 'partner_id': self.other.id})
        no += self._new(**words, received_at=fields.Datetime.now() - timedelta(hours=25))
        no += self._new(**words, is_restricted=True, team_id=False)
        no += (solved := self._new(**words))
        solved.result = 'Done'
        solved._set_stage('solved')
        self.assertEqual(self._of(one), yes)
        self.assertEqual(one.with_user(self.clerk).duplicate_count, len(yes))
        self.company.retail_duplicate_hours = 0
        self.assertFalse(self._of(one))

    def test_query(self):
        """The banner costs one query, and none on closed and old tickets (design 8)."""
        one = self._new(subject='My lamp is broken')
        self._new(subject='Re: my lamp is broken')
        mine = one.with_user(self.clerk)

        def cost():
            self.env.flush_all()
            mine.invalidate_recordset(['duplicate_count'])
            before = self.cr.sql_log_count
            count = mine.duplicate_count
            return count, self.cr.sql_log_count - before

        cost()
        self.assertEqual(cost(), (1, 1))
        date = fields.Datetime.now() - timedelta(days=8)
        self.cr.execute('UPDATE retail_ticket SET create_date = %s WHERE id = %s', (date, one.id))
        one.invalidate_recordset()
        cost()
        self.assertEqual(cost(), (0, 0))

    def test_by_itself(self):
        """A team may have sure cases merged: same customer and line, both written by him; never else (R-svc C.7-8)."""
        order = self._create_order(self.customer, 10)
        line = {'line_ids': [Command.create({'sale_line_id': order.order_line.id})]}
        phone = self.env.ref('retail_crm.retail_channel_phone')
        first, second = self._new(**line), self._new(**line)
        self._process()
        self.assertFalse((first + second).merged_into_id, 'off by default')
        self.team.auto_merge = True
        third, called = self._new(**line), self._new(**line, channel_id=phone.id)
        other = self._new(**{**line, 'partner_id': self.other.id})
        self._process()
        self.assertEqual(third.merged_into_id, first)
        self.assertFalse((called + other).merged_into_id)


@tagged('post_install', '-at_install', 'retail_crm')
class TestFollowUp(MergeCommon):
    def test_button(self):
        """Of a filed request a follow-up is opened: new number, new clock, linked (R-svc C.1)."""
        one = self._new(received_at=fields.Datetime.now() - timedelta(days=9))
        one.result = 'Done'
        one._set_stage('archived')
        action = one.with_user(self.clerk).action_follow_up()
        new = self.tickets.browse(action['res_id'])
        self.assertEqual((new.follow_up_of_id, new.partner_id), (one, self.customer))
        self.assertEqual((new.category, new.merged_into_id.id), ('new', False))
        self.assertGreater(new.received_at, one.received_at + timedelta(days=8))
        self.assertIn('again', one._portal_may())
