"""Attacks on the service desk: whoever tries to see or change what is not his (R-svc C.8, D.1, design 7)."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import MockEmail
from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon

RULES = ('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceSecurity(MockEmail, ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ('guide', 'owner', 'colleague')
        cls.people = cls._create_users(**dict.fromkeys(names, 'retail_crm.group_user'))
        cls.guide, cls.owner, cls.colleague = (cls.people[name] for name in names)
        cls.ticket = cls._complain(
            'service_attitude', guide_id=cls.guide.id, user_id=cls.owner.id, partner_id=cls.bob.id
        )
        cls.env.flush_all()

    @mute_logger(*RULES)
    def test_links(self):
        """Nobody gets the secret of a link to a ticket that he may not read, by no public method (R-svc C.8)."""
        for user in (self.guide, self.colleague, self.users['portal'], self.users['internal']):
            mine = self.ticket.with_user(user)
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                mine.get_portal_url()
        self.assertFalse(self.ticket.access_token)

    @mute_logger(*RULES)
    def test_dialogs(self):
        """What somebody types in a dialog is his, also while it is about a person (S-TKT-29)."""
        values = {
            'retail.ticket.counter': {'description': 'secret'},
            'retail.ticket.answer': {'ticket_id': self.ticket.id, 'body': 'secret'},
            'retail.ticket.ask': {
                'ticket_id': self.ticket.id,
                'team_id': self.desk.id,
                'what': 'secret',
            },
            'retail.ticket.expert': {
                'ticket_id': self.ticket.id,
                'team_id': self.desk.id,
                'reason': 'secret',
            },
            'retail.ticket.back': {'ticket_ids': self.ticket.ids, 'reason': 'secret'},
            'retail.ticket.call': {'phone': '+32 475 12 34 56', 'note': 'secret'},
        }
        for model, vals in values.items():
            dialog = self.env[model].with_user(self.owner).create(vals)
            self.env.flush_all()
            for user in (self.guide, self.colleague, self.users['manager']):
                with self.subTest(model=model, user=user.name):
                    self.assertFalse(dialog.with_user(user).search([('id', '=', dialog.id)]))

    @mute_logger(*RULES)
    def test_follow_up(self):
        """What follows a restricted complaint is as restricted, whoever opens it (S-TKT-29)."""
        ticket = self.env['retail.ticket'].create(
            {'subject': 'Again', 'partner_id': self.bob.id, 'follow_up_of_id': self.ticket.id}
        )
        self.assertTrue(ticket.is_restricted)
        self.assertFalse(ticket.with_user(self.guide).has_access('read'))

    @mute_logger(*RULES)
    def test_task_of_restricted(self):
        """Tasks are hidden when their ticket becomes restricted (S-SRV-15)."""
        ticket = self._complain('service_attitude', user_id=self.owner.id)
        task = ticket._ask(self.desk, 'What did he say?')
        self.assertTrue(task.with_user(self.guide).has_access('read'))
        ticket.guide_id = self.guide
        self.env.flush_all()
        self.assertFalse(ticket.with_user(self.guide).has_access('read'))
        self.assertFalse(task.with_user(self.guide).has_access('read'))
        self.assertFalse(task.with_user(self.colleague).has_access('read'))

    @mute_logger(*RULES)
    def test_foreign_parent(self):
        """Nobody hangs a ticket below one that he may not read: its result would be written there."""
        mine = self.env['retail.ticket'].with_user(self.colleague)
        links = ('parent_id', 'merged_into_id', 'follow_up_of_id')
        for name in links:
            with self.subTest(field=name, what='create'), self.assertRaises(AccessError):
                mine.create({'subject': 'x', name: self.ticket.id})
        own = mine.create({'subject': 'x', 'recurrence_of_id': self.ticket.id})
        self.assertFalse(own.recurrence_of_id, 'only the system says what comes back')
        for name in links:
            with self.subTest(field=name, what='write'), self.assertRaises(AccessError):
                own.write({name: self.ticket.id})

    @mute_logger(*RULES)
    def test_calls_of_core(self):
        """Core's public methods ask for rights on tickets, too: followers, and mails handed in by a call."""
        mail = f'From: a@x.example\nTo: b@x.example\nSubject: Hi\nMessage-Id: <{self.id()}@x>\n\nHi'
        for user in (self.guide, self.users['portal']):
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                self.ticket.with_user(user).message_get_followers()
            with self.subTest(user=user.name), self.assertRaises(AccessError):
                self.env['mail.thread'].with_user(user).message_process(
                    'retail.ticket', mail, thread_id=self.ticket.id
                )
        with self.assertRaises(AccessError):
            self.env['mail.thread'].with_user(self.users['portal']).message_process(
                'retail.ticket', mail, custom_values={'team_id': self.desk.id}
            )

    @mute_logger(*RULES)
    def test_parts_of_others(self):
        """Who may not write a ticket changes neither its promises nor its check list (design 7)."""
        ticket = self._complain(user_id=self.owner.id, team_id=self.unit.id)
        ticket.write({'user_id': self.owner.id, 'is_major': True})
        promise = self.env['retail.ticket.promise'].create(
            {'ticket_id': ticket.id, 'what': 'Call', 'user_id': self.owner.id}
        )
        self.env.flush_all()
        for part in (promise, ticket.check_ids[:1]):
            with self.subTest(model=part._name):
                self.assertTrue(part.with_user(self.owner).has_access('write'))
                self.assertTrue(part.with_user(self.colleague).has_access('read'))
                self.assertFalse(part.with_user(self.colleague).has_access('write'))

    @mute_logger(*RULES)
    def test_tasks_for_the_accused(self):
        """Nobody gets a task about a complaint that he may not read, as the leader of its team either (S-TKT-29)."""
        self.desk.user_id = self.guide
        self.ticket.write({'user_id': False, 'team_id': self.desk.id})
        self.ticket._plan_activity('Tell the customer')
        self.ticket._door_tell_leader()
        self.assertTrue(self.ticket.activity_ids)
        self.assertNotIn(self.guide, self.ticket.activity_ids.user_id)

    @mute_logger(*RULES)
    def test_orders_of_others(self):
        """No form tells what was sold in another company, whichever id it names (R-svc D.1)."""
        theirs = self._create_order(
            self.bob, 77.0, company_id=self.company_2.id, user_id=self.users['lead'].id
        )
        own = self.env['retail.ticket'].create({'subject': 'x', 'user_id': self.colleague.id})
        lines = self.env['retail.ticket.line'].with_user(self.colleague)
        values = {'ticket_id': own.id, 'sale_line_id': theirs.order_line.id}
        typed = lines.new(values)
        self.assertFalse(typed.price_paid or typed.product_id or typed.delivery)
        with self.assertRaises(UserError):
            lines.create(values)
        form = own.with_user(self.colleague).new({'order_id': theirs.id})
        form._onchange_order_id()
        self.assertFalse(form.partner_id or form.guide_id)

    def test_other_customer(self):
        """Another customer: nothing goes to the old one's addresses any more (odoo#69281)."""
        ann = self.env['res.partner'].create({'name': 'Ann B', 'email': 'ann.b@x.example'})
        self.env['retail.partner.address'].create(
            {'partner_id': ann.id, 'email': 'ann.home@x.example'}
        )
        ticket = self.env['retail.ticket'].create({'subject': 'x', 'partner_id': ann.id})
        ticket.email_cc = 'ann.home@x.example, other@x.example'
        ticket.partner_phone = '+32 475 12 34 56'
        nobody = self.env['res.partner'].create({'name': 'No Mail'})
        ticket.partner_id = nobody
        self.assertFalse(ticket._door_addresses() & {'ann.b@x.example', 'ann.home@x.example'})
        self.assertFalse(ticket._is_contact('ann.b@x.example'))
        self.assertNotIn('ann.home', ticket.email_cc or '')

    def test_subject(self):
        """A line break in a subject cannot stop our answers, nor add a header."""
        ticket = self.env['retail.ticket'].create(
            {'subject': 'Lamp\r\nBcc: x@evil.example', 'partner_id': self.bob.id}
        )
        self.bob.email = 'bob@x.example'
        with self.mock_mail_gateway():
            ticket.message_post(body='x', message_type='comment', subtype_xmlid='mail.mt_comment')
        self.assertNotIn('\n', ticket._message_compute_subject())
        self.assertEqual(len(self._mails), 1)

    @mute_logger(*RULES)
    def test_counts(self):
        """No number tells the person that there is a complaint about him (design 7)."""
        other = self._complain('product_function', partner_id=self.bob.id)
        self.env.flush_all()
        self.assertEqual(other.with_user(self.colleague).earlier_complaint_count, 1)
        self.assertEqual(other.with_user(self.guide).earlier_complaint_count, 0)

    @mute_logger(*RULES)
    def test_names_of_links(self):
        """Core shows the name behind a link to whoever reads the record: not to the person it is about (S-TKT-29)."""
        self._join(self.owner, self.unit)
        self.ticket._complete_steps('feedback', self._answers())
        again = self._complain('service_attitude', partner_id=self.bob.id)
        self.assertEqual(again.recurrence_of_id, self.ticket)
        self.env.flush_all()
        for user, shown in ((self.colleague, True), (self.guide, False)):
            self.env.invalidate_all()
            [values] = again.with_user(user).read(['recurrence_of_id'])
            [web] = again.with_user(user).web_read(
                {'recurrence_of_id': {'fields': {'display_name': {}}}}
            )
            for name in (values['recurrence_of_id'][1], web['recurrence_of_id']['display_name']):
                with self.subTest(user=user.name):
                    self.assertEqual(self.ticket.name in name, shown)

    @mute_logger(*RULES)
    def test_time_line(self):
        """Who may not read tickets reads nothing of them in the time line."""
        ticket = self.env['retail.ticket'].create(
            {'subject': 'Rude words', 'partner_id': self.ann.id}
        )
        ticket.message_post(
            body='What he wrote',
            author_id=self.ann.id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )
        self.env.flush_all()
        for name, count in (('user', 2), ('marketing', 0)):
            rows = (
                self.env['retail.timeline']
                .with_user(self.users[name])
                .search([('partner_id', '=', self.acme.id), ('res_model', '=', 'retail.ticket')])
            )
            with self.subTest(user=name):
                self.assertEqual(len(rows), count)

    def test_forgotten(self):
        """Held mails, the list of mails and addresses forget the customer, too (S-SEC-07)."""
        carl = self.env['res.partner'].create({'name': 'Carl', 'email': 'ca_l@x.example'})
        address = self.env['retail.partner.address'].create(
            {'partner_id': carl.id, 'email': 'carl.home@x.example'}
        )
        ticket = self.env['retail.ticket'].create({'subject': 'x', 'partner_id': carl.id})
        held = [
            self.env['retail.quarantine']._hold(
                b'From: ca_l@x.example\n\nsecret',
                {
                    'email_from': 'Carl <ca_l@x.example>',
                    'sender': sender,
                    'subject': 'I am Carl',
                    'excerpt': 'secret',
                    'reason': 'automatic',
                    'ticket_id': link,
                },
            )
            for sender, link in (('ca_l@x.example', False), ('carl.home@x.example', ticket.id))
        ]
        log = self.env['retail.mail.log'].create(
            [
                {
                    'sender': 'ca_l@x.example',
                    'domain': 'x.example',
                    'subject': 'I am Carl',
                    'result': 'quarantine',
                    'reason': 'automatic',
                    'company_id': self.company.id,
                },
            ]
        )
        home = self.env['retail.ticket'].create(
            {'subject': 'From home', 'partner_email': 'carl.home@x.example'}
        )
        alike = self.env['retail.ticket'].create(
            {'subject': 'Not his', 'partner_email': 'carl@x.example'}
        )
        alike.email_cc = 'Carl <ca_l@x.example>, dora@x.example'
        lookup = self.env['privacy.lookup.wizard'].create(
            {'name': 'Nobody at all', 'email': 'carl@x.example'}
        )
        lookup.action_lookup()
        self.assertIn(
            ('retail.ticket', alike.id), {(line.res_model, line.res_id) for line in lookup.line_ids}
        )
        (ticket + home + alike)._set_stage('cancelled')
        officer = self.users['manager']
        officer.group_ids += self.env.ref('retail_crm.group_sensitive')
        carl.with_user(officer)._retail_anonymise('asked')
        self.env.flush_all()
        self.env.invalidate_all()
        for mail in held:
            self.assertFalse(
                mail.exists() and (mail.sender or mail.email_from or mail.excerpt or mail.subject)
            )
            self.assertFalse(mail.exists() and mail.attachment_id)
        self.assertFalse(log.exists() and (log.sender or log.subject))
        self.assertFalse(address.exists())
        self.assertEqual(home.subject, 'Anonymised')
        self.assertEqual(alike.subject, 'Not his')
        self.assertNotIn('ca_l@x.example', alike.email_cc)
        self.assertIn('dora@x.example', alike.email_cc)
