"""probe 2"""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestReview2(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guide = cls._staff('review_guide')
        cls.staff = cls.users['user']

    def test_follow_up_of_restricted(self):
        first = self._complain('service_attitude', guide_id=self.guide.id)
        first._complete_steps('feedback', self._answers())
        first._file_complaints()
        second = self.tickets.create(
            {
                'subject': 'Re: x',
                'follow_up_of_id': first.id,
                'type_id': self.complaint.id,
                'partner_id': self.bob.id,
            }
        )
        self.env.flush_all()
        self.assertFalse(second.with_user(self.guide).has_access('read'))

    def test_told_once(self):
        boss = self._staff('boss', 'retail_crm.group_manager')
        reason = self._reason('product')
        self.assertTrue(reason.told_ids)
        codes = ['quality', 'finance']
        reason.told_ids = [(5,)] + [(0, 0, {'who': 'team', 'team_code': c}) for c in codes]
        for c in codes:
            self.env['retail.ticket.team']._find_code(c, self.company).user_id = boss
        ticket = self._complain()
        self.assertEqual(len(ticket.activity_ids.filtered(lambda a: a.user_id == boss)), 1)

    def test_step_by_rpc(self):
        ticket = self._complain(user_id=self.staff.id).with_user(self.staff)
        ticket.write({'step': 'execute', 'solved_at': fields.Datetime.now(), 'round': 9})
        self.assertEqual((ticket.step, ticket.solved_at, ticket.round), ('receive', False, 1))

    def test_create_step_by_rpc(self):
        ticket = self.tickets.with_user(self.staff).create(
            {
                'subject': 'x',
                'type_id': self.complaint.id,
                'step': 'execute',
                'round': 5,
                'user_id': self.staff.id,
                'first_response_at': '2020-01-01 00:00:00',
            }
        )
        self.assertEqual((ticket.step, ticket.round), ('receive', 1))

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_expert_restricted(self):
        ticket = self._complain('service_attitude', guide_id=self.guide.id)
        expert = self.env['retail.ticket.team'].search([('kind', '=', 'expert')], limit=1)
        dialog = self.env['retail.ticket.expert'].create(
            {'ticket_id': ticket.id, 'team_id': expert.id, 'reason': 'x'}
        )
        with self.assertRaises(UserError):
            dialog.action_hand_over()

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_guide_reads_nothing(self):
        ticket = self._complain(
            'service_attitude',
            guide_id=self.guide.id,
            order_id=self._create_order(self.bob, 10).id,
            subject='Zebra',
        )
        ticket.message_post(
            body='Zebra secret', message_type='comment', subtype_xmlid='mail.mt_comment'
        )
        self.env['ir.attachment'].create(
            {'name': 'Zebra', 'raw': b'x', 'res_model': 'retail.ticket', 'res_id': ticket.id}
        )
        ticket.activity_schedule(
            'mail.mail_activity_data_todo', user_id=self.users['manager'].id, summary='Zebra'
        )
        self._process()
        env = self.env(user=self.guide)
        self.env.flush_all()
        self.env.invalidate_all()
        for model, domain in (
            ('mail.message', [('model', '=', 'retail.ticket'), ('res_id', '=', ticket.id)]),
            ('mail.message', [('body', 'ilike', 'zebra')]),
            ('ir.attachment', [('name', 'ilike', 'zebra')]),
            ('mail.activity', [('summary', 'ilike', 'zebra')]),
            ('mail.activity', [('res_name', 'ilike', 'zebra')]),
            ('retail.ticket', [('subject', 'ilike', 'zebra')]),
            ('retail.ticket.restricted', [('subject', 'ilike', 'zebra')]),
            ('retail.timeline', [('row_id', '=', ticket.id), ('res_model', '=', 'retail.ticket')]),
            ('retail.ticket.target', [('ticket_id', '=', ticket.id)]),
            ('retail.ticket.interval', [('ticket_id', '=', ticket.id)]),
            ('retail.ticket.event', [('ticket_id', '=', ticket.id)]),
            ('retail.moment', [('res_model', '=', 'retail.ticket'), ('res_id', '=', ticket.id)]),
            (
                'mail.notification',
                [
                    ('mail_message_id.model', '=', 'retail.ticket'),
                    ('mail_message_id.res_id', '=', ticket.id),
                ],
            ),
            ('mail.mail', [('model', '=', 'retail.ticket'), ('res_id', '=', ticket.id)]),
            ('mail.tracking.value', []),
        ):
            with self.subTest(model=model, domain=str(domain)):
                try:
                    found = env[model].search(domain)
                except AccessError:
                    continue
                if model == 'mail.tracking.value':
                    found = found.filtered(
                        lambda v: (
                            v.sudo().mail_message_id.res_id == ticket.id
                            and v.sudo().mail_message_id.model == 'retail.ticket'
                        )
                    )
                self.assertFalse(found)
        self.assertEqual(env['retail.ticket'].name_search('Zebra'), [])
        self.assertFalse(any(r.get('id') for r in []))
        groups = env['retail.ticket'].formatted_read_group(
            [('id', '=', ticket.id)], ['category'], ['__count']
        )
        self.assertEqual(groups, [])
        self.assertEqual(ticket.order_id.with_user(self.users['sales']).exists(), ticket.order_id)
        self.assertEqual(self.bob.with_user(self.guide)._ticket_words(self.guide.id), '')

    def test_filing_edges(self):
        self.company.write({'retail_file_days': 14, 'retail_file_silent_days': 30})
        with freeze_time('2028-01-30 10:00:00'):
            yes, silent = self._solved(), self._solved()
            yes.satisfied = 'yes'
        for date, states in (
            ('2028-02-13 09:59:59', ('solved', 'solved')),
            ('2028-02-13 10:00:00', ('archived', 'solved')),
            ('2028-02-29 09:59:59', ('archived', 'solved')),
            ('2028-02-29 10:00:00', ('archived', 'archived')),
        ):
            with freeze_time(date):
                self._run_cron(self.tickets._cron_file_complaints)
                self.assertEqual((yes.category, silent.category), states, date)

    def test_unit_walks_all(self):
        user = self.users['complaint']
        ticket = self.tickets.with_user(user).create(
            {'subject': 'x', 'type_id': self.complaint.id, 'partner_id': self.bob.id}
        )
        ticket.write({'reason_id': self._reason('account_leak').id, 'user_id': user.id})
        answers = self._answers()
        for step in ('classify', 'investigate', 'solution', 'execute', 'feedback', 'archive'):
            ticket.write(answers if step == 'solution' else {})
            self._go(ticket, step)
        self.assertEqual(ticket.category, 'archived')
        ticket.action_follow_up()

    def test_staff_walks_all(self):
        user = self.staff
        with Form(
            self.tickets.with_user(user).with_context(default_type_id=self.complaint.id)
        ) as form:
            form.subject = 'Form'
            form.partner_id = self.bob
        ticket = form.record
        ticket.write(
            {
                'reason_id': self._reason('product_function').id,
                'user_id': user.id,
                **self._answers(),
            }
        )
        for _i in range(6):
            ticket.action_next_stage()
        self.assertEqual((ticket.category, ticket.step), ('archived', 'archive'))
        with self.assertRaises(UserError):
            ticket.action_reopen()
        for vals in (
            {'subject': 'y'},
            {'line_ids': [(0, 0, {'product_id': self.goods.id})]},
            {'promise_ids': [(0, 0, {'what': 'x'})]},
            {'message_follower_ids': [(5,)], 'result': 'z'},
            {'user_id': False},
            {'appointment_at': fields.Datetime.now()},
        ):
            with self.subTest(vals=str(vals)), self.assertRaises(UserError):
                ticket.write(vals)
        for action in (
            'action_assign_me',
            'action_cancel',
            'action_wait',
            'action_solve',
            'action_confirm_appointment',
            'action_data_identity',
        ):
            with self.subTest(action=action), self.assertRaises(UserError):
                getattr(ticket, action)()
        before = ticket.read(['category', 'step', 'result', 'appointment_state'])
        try:
            ticket.action_appointment_done()
        except UserError:
            pass
        self.assertEqual(before, ticket.read(['category', 'step', 'result', 'appointment_state']))

    def test_mixed_batch(self):
        one = self._complain(user_id=self.staff.id)
        two = self.tickets.create(
            {'subject': 'x', 'type_id': self.enquiry.id, 'user_id': self.staff.id, 'result': 'r'}
        )
        both = (one + two).with_user(self.staff)
        both.write({'is_major': True, 'priority': '1'})
        self.assertTrue(one.check_ids)
        self.assertFalse(two.check_ids)
        both.action_wait()
        both.action_next_stage()
        self.assertEqual(one.category, 'new')
        both.write({'type_id': self.enquiry.id})
        self.assertFalse(one.step)
        both.write({'type_id': self.complaint.id})
        self.assertEqual(two.step, 'receive')

    def test_retyped(self):
        ticket = self._complain('service_attitude', guide_id=self.guide.id, user_id=self.staff.id)
        ticket.with_user(self.staff).type_id = self.enquiry
        self.env.flush_all()
        self.assertTrue(ticket.is_restricted)
        self.assertTrue(ticket.with_user(self.users['complaint']).has_access('read'))
        self.assertFalse(ticket.with_user(self.guide).has_access('read'))

    def test_import(self):
        user = self.users['manager']
        result = (
            self.tickets.with_user(user)
            .with_context(import_file=True)
            .load(
                [
                    'subject',
                    'type_id',
                    'partner_id',
                    'reason_id/.id',
                    'channel_id',
                    'received_at',
                    'guide_id/.id',
                    'stage_id',
                ],
                [
                    [
                        'Imp',
                        self.complaint.name,
                        'Bob',
                        str(self._reason('service_attitude').id),
                        'Phone',
                        '2026-01-05 10:00:00',
                        str(self.guide.id),
                        '',
                    ]
                ],
            )
        )
        self.assertTrue(result['ids'], result['messages'])
        ticket = self.tickets.browse(result['ids'])
        self.assertTrue(ticket.is_restricted)
        self.assertEqual(ticket.intake_9, 'new')

    def test_parent_solved(self):
        ticket = self._complain()
        ticket._complete_steps('execute', self._answers())
        task = ticket._ask(self.env.ref('retail_crm.retail_ticket_team_stock'), 'Is it there?')
        with self.assertRaises(UserError):
            self._go(ticket, 'feedback')
        self.assertFalse(ticket._portal_close())
        task.result = 'Yes'
        task.action_solve()
        self._go(ticket, 'feedback')

    def test_missing_shipped(self):
        """A shop archives or deletes shipped records."""
        for xmlid in ('retail_ticket_type_suggestion', 'retail_ticket_type_internal'):
            self.env.ref(f'retail_crm.{xmlid}').unlink()
        self.env.ref('retail_crm.retail_ticket_team_complaint').active = False
        self.env.ref('retail_crm.retail_channel_counter').active = False
        self.env.ref('retail_crm.retail_ticket_team_desk').active = False
        ticket = self.tickets.with_user(self.staff).create(
            {
                'subject': 'x',
                'type_id': self.complaint.id,
                'reason_id': self._reason('service_attitude').id,
                'guide_id': self.guide.id,
            }
        )
        self.bob.phone = '0912345678'
        ticket.partner_id = self.bob
        ticket.sudo()._complete_steps('feedback', self._answers())
        with self.assertRaises(UserError):
            self._complain()._ask(self.online, 'x')

    def test_major_and_incident(self):
        ticket = self._complain('account_leak', user_id=self.staff.id)
        self.assertEqual(ticket.sudo().incident_ids.kind, 'leak')
        self.assertEqual(ticket.priority, '2')
        ticket.with_user(self.staff).is_injury = True
        self.assertTrue(ticket.is_major)
        self.assertIn(self.users['manager'], ticket.activity_ids.user_id)
        ticket.check_ids[:1].with_user(self.staff).is_done = True
        self.assertEqual(ticket.check_ids[:1].done_by, self.staff)

    def test_loop(self):
        ticket = self._solved(user_id=self.staff.id)
        ticket.with_user(self.staff)._record_satisfaction('no')
        self.assertEqual((ticket.step, ticket.round, ticket.reopen_count), ('solution', 2, 1))
        with self.assertRaises(UserError):
            self._go(ticket.with_user(self.staff), 'execute')

    def test_recurrence_merge(self):
        other = self.env['res.partner'].create({'name': 'Bobby'})
        first = self._solved()
        second = self._complain(partner_id=other.id)
        self.assertFalse(second.is_recurrence)
        self.env['base.partner.merge.automatic.wizard']._merge((self.bob + other).ids, self.bob)
        self.env.invalidate_all()
        self.assertEqual(second.commercial_partner_id, self.bob)
        self.assertEqual(second.recurrence_of_id, first)

    def test_review_raises(self):
        ticket = self.tickets.create({'subject': 'x', 'type_id': self.enquiry.id})
        ticket.review_url = 'https://example.com'
        self.assertEqual(ticket.priority, '1')
        other = self.tickets.create(
            {'subject': 'x', 'type_id': self.enquiry.id, 'review_url': 'https://example.com'}
        )
        self.assertEqual(other.priority, '1')

    def test_overview_last_day(self):
        today = fields.Date.today()
        overview = (
            self.env['retail.complaint.overview']
            .with_user(self.users['lead'])
            .create({'date_from': today, 'date_to': today})
        )
        before = overview.complaint_count
        self._complain()
        self.env.invalidate_all()
        self.assertEqual(overview.complaint_count, before + 1)
        self.assertEqual(overview.affected_count, (before + 1) * 21)

    def test_seller_takes_complaint(self):
        order = self._create_order(self.bob, 10, user_id=self.staff.id)
        ticket = self.tickets.with_user(self.staff).create(
            {
                'subject': 'x',
                'type_id': self.complaint.id,
                'order_id': order.id,
                'reason_id': self._reason('service_aftersales').id,
            }
        )
        self.assertFalse(ticket.guide_id)
        other = self.tickets.with_user(self.staff).create(
            {
                'subject': 'x',
                'type_id': self.complaint.id,
                'order_id': order.id,
                'reason_id': self._reason('product_function').id,
            }
        )
        self.assertEqual(other.guide_id, self.staff)

    def test_delete_types_and_stages(self):
        """A type without stages, a complaint type without some steps."""
        kind = self.complaint.copy(
            {
                'code': 'short',
                'stage_ids': [
                    (
                        6,
                        0,
                        self.complaint.stage_ids.filtered(
                            lambda s: s.step in ('receive', 'execute', 'archive')
                        ).ids,
                    )
                ],
            }
        )
        ticket = self.tickets.create(
            {
                'subject': 'x',
                'type_id': kind.id,
                **self._answers(),
                'reason_id': self._reason('product_function').id,
            }
        )
        ticket.write(self._answers())
        for _i in range(3):
            ticket.action_next_stage()
        self.assertEqual(ticket.category, 'archived')

    def test_promise_and_case(self):
        ticket = self._complain('service_attitude', guide_id=self.guide.id, user_id=self.staff.id)
        promise = (
            self.env['retail.ticket.promise']
            .with_user(self.staff)
            .create(
                {
                    'ticket_id': ticket.id,
                    'what': 'Call',
                    'due_at': fields.Datetime.now() + timedelta(hours=1),
                }
            )
        )
        with freeze_time(fields.Datetime.now() + timedelta(days=1)):
            self._run_cron(self.env['retail.ticket.promise']._cron_promises)
            self.assertEqual(promise.state, 'broken')
            ticket.sudo()._complete_steps('feedback', self._answers())
        self.assertTrue(ticket.activity_ids)
        ticket.with_user(self.staff).write({'case_kind': 'failure', 'lesson': 'Zebra'})
        self.assertFalse(self.tickets.with_user(self.guide).search([('lesson', 'ilike', 'zebra')]))
        ticket._file_complaints()
        with self.assertRaises(UserError):
            promise.with_user(self.staff).what = 'x'
        promise.with_user(self.staff).action_keep()
        self.assertEqual(promise.state, 'broken')
