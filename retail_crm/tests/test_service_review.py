"""Where parts of the service desk meet: what goes wrong when they are run together."""

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceReview(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guide = cls._staff('review_guide')
        cls.staff = cls.users['user']

    def _about_guide(self, **values):
        return self._complain('service_attitude', guide_id=self.guide.id, **values)

    def _parts(self, ticket):
        parts = (('retail.ticket.line', 'product_id', self.goods.id),)
        parts += (('retail.ticket.promise', 'what', 'Call'),)
        return [
            self.env[model].create({'ticket_id': ticket.id, name: value}).with_user(self.staff)
            for model, name, value in parts
        ]

    # === STEPS ===#

    def test_service_cancelled_is_not_solved(self):
        """What is cancelled counts as solved no more, nor when it is opened again."""
        ticket = self._solved()
        ticket.action_cancel()
        self.assertFalse(ticket.solved_at)
        ticket.action_reopen()
        self.assertTrue(ticket._is_open())

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_service_created_as_solved(self):
        """Who enters a request that is over gives its result, and it has its dates (S-SRV-12)."""
        vals = {'subject': 'x', 'type_id': self.enquiry.id}
        vals['stage_id'] = self.enquiry._stage_of(('solved',)).id
        tickets = self.tickets.with_user(self.staff)
        with self.assertRaisesRegex(UserError, 'result'):
            tickets.create(vals)
        self.assertTrue(tickets.create({**vals, 'result': 'Done'}).solved_at)

    def test_service_system_fields(self):
        """How far a complaint is cannot be written from outside, nor brought along (S-TKT-06)."""
        forged = {'step': 'execute', 'round': 9}
        ticket = self._complain(user_id=self.staff.id).with_user(self.staff)
        ticket.write({**forged, 'solved_at': fields.Datetime.now()})
        self.assertFalse(ticket.solved_at)
        new = ticket.create({'subject': 'x', 'type_id': self.complaint.id, **forged})
        for one in (ticket, new):
            self.assertEqual((one.step, one.round), ('receive', 1))

    @mute_logger('odoo.addons.retail_crm.models.service._safely')
    def test_service_one_that_cannot_be_filed(self):
        """One complaint that cannot be filed does not hold up the others (S-TKT-12)."""
        good, bad = self._solved(), self._solved()
        bad._stamp({'step': 'receive'})
        (bad + good)._file_complaints()
        self.assertEqual((good.category, bad.category), ('archived', 'solved'))
        self.assertIn('filed', str(bad.activity_ids.mapped('summary')))

    def test_service_going_back_asks_again(self):
        """Another solution needs another opinion, and is not shown before it was told (S-TKT-17)."""
        ticket = self._complain()
        ticket._complete_steps('execute', self._answers())
        self._go(ticket, 'solution', back_reason='Too dear', solution='Nothing')
        self.assertFalse(ticket.portal_solution)
        with self.assertRaisesRegex(UserError, 'suits him'):
            self._go(ticket, 'execute')

    def test_service_asked_once(self):
        """What was said before solving is no answer to the result; one call-back is planned (S-TKT-11, 18)."""
        ticket = self._complain()
        ticket.satisfied = 'no'
        ticket._complete_steps('feedback', self._answers())
        self.assertFalse(ticket.satisfied)
        count = len(ticket.activity_ids)
        ticket.satisfied = 'no'
        ticket._complete_steps('feedback', self._answers())
        self.assertEqual((ticket.round, len(ticket.activity_ids)), (2, count))
        early = self._complain()
        early.satisfied = 'yes'
        early._complete_steps('feedback', self._answers())
        self.assertTrue(early.satisfied_on)

    # === PARTS ===#

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_service_parts_do_not_move(self):
        """Lines and promises go neither to a filed complaint nor to one that is not theirs (S-TKT-12)."""
        filed, hidden = self._solved(), self._about_guide()
        filed._file_complaints()
        for part in self._parts(self._complain(user_id=self.staff.id)):
            for ticket, error in ((filed, UserError), (hidden, AccessError)):
                with self.subTest(part=part._name, error=error), self.assertRaises(error):
                    part.write({'ticket_id': ticket.id})

    def test_service_promise_is_born_open(self):
        """Nobody enters a promise as kept (S-TKT-42)."""
        ticket = self._complain(user_id=self.staff.id)
        promise = self.env['retail.ticket.promise'].with_user(self.staff)
        self.assertEqual(
            promise.create({'ticket_id': ticket.id, 'what': 'x', 'state': 'kept'}).state, 'open'
        )

    def test_service_case_keeps_its_lesson(self):
        """A case without a lesson teaches nothing (S-STF-14)."""
        ticket = self._solved()
        ticket.write({'case_kind': 'failure', 'lesson': 'Look first'})
        with self.assertRaisesRegex(UserError, 'lesson'):
            ticket.lesson = False
        ticket.write({'case_kind': False, 'lesson': False})

    # === WHO READS IT ===#

    def test_service_tasks_become_restricted(self):
        """Tasks that were given before a person was named are hidden with their ticket (S-TKT-29)."""
        ticket = self._complain('service_attitude')
        task = ticket._ask(self.env.ref('retail_crm.retail_ticket_team_stock'), 'What did he do?')
        ticket.guide_id = self.guide
        self.env.flush_all()
        self.assertFalse(task.with_user(self.guide).has_access('read'))

    def test_service_restricted_by_defaults(self):
        """Class and person that come as default values restrict, too (S-TKT-29)."""
        defaults = {'guide_id': self.guide, 'reason_id': self._reason('service_attitude')}
        tickets = self.tickets.with_context(
            **{f'default_{name}': record.id for name, record in defaults.items()}
        )
        ticket = tickets.create({'subject': 'Rude', 'type_id': self.complaint.id})
        self.assertEqual((ticket.is_restricted, ticket.blocked_user_id), (True, self.guide))

    def test_service_follow_up_of_restricted(self):
        """An answer to a filed restricted complaint quotes it: as few read it (S-TKT-29)."""
        first = self._about_guide()
        first._complete_steps('feedback', self._answers())
        first._file_complaints()
        second = self.tickets.create({'subject': 'Re: x', 'follow_up_of_id': first.id})
        self.env.flush_all()
        self.assertFalse(second.with_user(self.guide).has_access('read'))
        self.assertTrue(second.with_user(self.users['complaint']).has_access('read'))

    def test_service_name_of_hidden(self):
        """Who is complained about reads no subject where the complaint is linked (S-TKT-29)."""
        first = self._about_guide(subject='Mr X was rude')
        first._complete_steps('feedback', self._answers())
        second = self._complain('service_aftersales').with_user(self.guide)
        seen = second.web_read({'recurrence_of_id': {'fields': {'display_name': {}}}})
        self.assertNotIn(first.subject, seen[0]['recurrence_of_id']['display_name'])

    def test_service_unit_keeps_sight(self):
        """The unit reads its tasks, and restricted tickets that are no complaints any more (S-TKT-29)."""
        unit = self.users['complaint']
        department = self.env.ref('retail_crm.retail_ticket_team_stock')
        task = self._complain()._ask(department, 'Is it there?')
        ticket = self._about_guide(user_id=self.staff.id)
        ticket.with_user(self.staff).type_id = self.enquiry
        self.env.flush_all()
        for one in (task, ticket):
            self.assertTrue(one.with_user(unit).has_access('read'))

    def test_service_leader_is_concerned(self):
        """No task goes to a leader who is complained about, or to experts who cannot see it (S-TKT-29)."""
        self.unit.user_id = self.guide
        self.bob.write({'email': False, 'phone': '0912345678'})
        ticket = self._about_guide()
        ticket._tell(self.env.ref('retail_crm.mail_template_ticket_waiting'))
        self.assertTrue(ticket.activity_ids)
        self.assertNotIn(self.guide, ticket.activity_ids.user_id)
        experts = self.env.ref('retail_crm.retail_ticket_team_expert')
        with self.assertRaisesRegex(UserError, 'restricted'):
            self.env['retail.ticket.expert'].create(
                {'ticket_id': ticket.id, 'team_id': experts.id, 'reason': 'x'}
            ).action_hand_over()

    def test_service_seller_takes_it_in(self):
        """Who sold it may take in a complaint about service: the order does not make it one about him (S-CUS-29)."""
        vals = {'subject': 'x', 'type_id': self.complaint.id}
        vals['order_id'] = self._create_order(self.bob, 10, user_id=self.staff.id).id
        for code, guide in (
            ('service_aftersales', self.staff.browse()),
            ('product_function', self.staff),
        ):
            ticket = self.tickets.with_user(self.staff).create(
                {**vals, 'reason_id': self._reason(code).id}
            )
            self.assertEqual(ticket.guide_id, guide)

    def test_service_told_once(self):
        """Who leads two teams that are told is told once (S-TKT-07)."""
        boss = self._staff('review_boss', 'retail_crm.group_manager')
        codes = ('quality', 'finance')
        told = [Command.create({'who': 'team', 'team_code': code}) for code in codes]
        self._reason('product').told_ids = [Command.clear(), *told]
        for code in codes:
            self.env['retail.ticket.team']._find_code(code, self.company).user_id = boss
        tasks = self._complain().activity_ids
        self.assertEqual(len(tasks.filtered(lambda task: task.user_id == boss)), 1)

    # === WHERE IT COMES FROM ===#

    def test_service_branch(self):
        """Teams of the main company serve its branches: all steps, and what comes back (S-TKT-26, 29)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        clerk = self._staff('review_clerk')
        clerk.write({'company_ids': [Command.set(branch.ids)], 'company_id': branch.id})
        vals = {'subject': 'x', 'type_id': self.complaint.id, 'partner_id': self.bob.id}
        vals['reason_id'] = self._reason('account_leak').id
        tickets = self.tickets.with_user(clerk).with_company(branch)
        ticket = tickets.create({**vals, 'user_id': clerk.id})
        self.assertEqual((ticket.company_id, ticket.team_id.company_id), (branch, self.company))
        ticket.write(self._answers())
        for _index in range(6):
            ticket.action_next_stage()
        self.assertEqual(ticket.category, 'archived')
        self.assertTrue(tickets.create(vals).is_recurrence)

    def test_service_mail_to_the_unit(self):
        """Who writes to the address of the complaint unit complains (S-TKT-06)."""
        if not self.company.alias_domain_id:
            self.company.alias_domain_id = self.env['mail.alias.domain'].create(
                {'name': 'example.net'}
            )
        self.unit.alias_name = 'complaints-review'
        self.env['mail.thread'].message_process(
            None,
            f'From: Bobby <bobby@example.com>\nTo: {self.unit.alias_id.display_name}\n'
            'Subject: Broken lamp\nMessage-Id: <review@example.com>\n'
            'Content-Type: text/plain\n\nIt is broken\n',
        )
        ticket = self.tickets.search([('subject', '=', 'Broken lamp')])
        self.assertEqual((ticket.type_id, ticket.step), (self.complaint, 'receive'))

    def test_service_review_raises(self):
        """A public review raises the priority of any request (S-TKT-37)."""
        values = {'subject': 'x', 'type_id': self.enquiry.id}
        ticket = self.tickets.create(values)
        ticket.review_url = 'https://example.com'
        other = self.tickets.create({**values, 'review_url': 'https://example.com'})
        self.assertEqual((ticket + other).mapped('priority'), ['1', '1'])

    def test_service_recurrence_after_merge(self):
        """Complaints of contacts who turn out to be one are seen as one that came back (S-TKT-26)."""
        other = self.env['res.partner'].create({'name': 'Bobby'})
        first, second = self._solved(), self._complain(partner_id=other.id)
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard._merge((self.bob + other).ids, self.bob)
        self.assertEqual(second.recurrence_of_id, first)

    # === INCIDENTS, DAYS ===#

    def test_service_incident_of_who_is_found_later(self):
        """The customer who is found out later is told of the incident, in his language (S-SEC-08)."""
        self.env['res.lang']._activate_lang('zh_CN')
        self.bob.write({'lang': 'zh_CN', 'email': 'bob@example.com'})
        ticket = self._complain('account_leak', partner_id=False)
        ticket.partner_id = self.bob
        incident = ticket.incident_ids
        self.assertEqual(incident.line_ids.partner_id, self.bob)
        incident.notice = 'Change your password'
        incident.action_notify()
        sent = self.env['mail.message'].search([('partner_ids', 'in', self.bob.ids)], limit=1)
        self.assertTrue(sent.subject)
        self.assertNotEqual(sent.subject, 'About your personal data')

    @freeze_time('2026-03-12 10:00:00')
    def test_service_days_of_the_company(self):
        """Days are those where the company is, also for guests and in the list of restricted ones."""
        calendar = self.company.resource_calendar_id
        calendar.tz = 'America/Los_Angeles'
        ticket = self._about_guide(received_at='2026-03-11 01:30:00')
        ticket._stamp({'promised_at': '2026-03-13 01:30:00'})
        words = ticket.with_context(tz=False, lang='en_US')._words_of_promise()
        self.assertEqual(words, '03/12/2026')
        self.env.flush_all()
        row = self.env['retail.ticket.restricted'].with_user(self.staff).browse(ticket.id)
        self.assertEqual(str(row.received_on), '2026-03-10')
