"""Parts that were made apart, run together: what a review found at their seams."""

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestReview(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.guide = cls._staff('review_guide')
        cls.staff = cls.users['user']

    def _filed(self):
        ticket = self._solved()
        ticket._file_complaints()
        self.assertEqual(ticket.category, 'archived')
        return ticket

    def test_service_cancelled_is_not_solved(self):
        ticket = self._solved()
        self.assertTrue(ticket.solved_at)
        ticket.action_cancel()
        self.assertFalse(ticket.solved_at)
        ticket.action_reopen()
        self.assertTrue(ticket._is_open())
        self.assertFalse(ticket.solved_at)

    def test_service_parts_do_not_move_to_filed(self):
        filed, other = self._filed(), self._complain(user_id=self.staff.id)
        line = self.env['retail.ticket.line'].create(
            {'ticket_id': other.id, 'product_id': self.goods.id}
        )
        promise = self.env['retail.ticket.promise'].create({'ticket_id': other.id, 'what': 'Call'})
        for part in (line, promise):
            with self.subTest(part=part._name), self.assertRaises(UserError):
                part.with_user(self.staff).write({'ticket_id': filed.id})

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_service_parts_do_not_move_to_hidden(self):
        other = self._complain(user_id=self.staff.id)
        hidden = self._complain('service_attitude', guide_id=self.guide.id)
        line = self.env['retail.ticket.line'].create(
            {'ticket_id': other.id, 'product_id': self.goods.id}
        )
        promise = self.env['retail.ticket.promise'].create({'ticket_id': other.id, 'what': 'Call'})
        for part in (line, promise):
            with self.subTest(part=part._name), self.assertRaises(AccessError):
                part.with_user(self.staff).write({'ticket_id': hidden.id})

    def test_service_tasks_become_restricted(self):
        ticket = self._complain('service_attitude')
        task = ticket._ask(self.env.ref('retail_crm.retail_ticket_team_stock'), 'What did he do?')
        self.assertTrue(task.with_user(self.guide).has_access('read'))
        ticket.guide_id = self.guide
        self.env.flush_all()
        self.assertFalse(task.with_user(self.guide).has_access('read'))
        self.assertTrue(task.is_restricted)

    def test_service_one_that_cannot_be_filed(self):
        good, bad = self._solved(), self._solved()
        bad._stamp({'step': 'execute'})
        archive = self.complaint.stage_ids.filtered(lambda s: s.step == 'feedback')
        bad._stamp({'step': 'receive'})
        (bad + good)._file_complaints()
        self.assertEqual(good.category, 'archived')
        self.assertEqual(bad.category, 'solved')

    def test_service_incident_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.bob.write({'lang': 'zh_CN', 'email': 'bob@example.com'})
        ticket = self._complain('account_leak')
        incident = self.env['retail.incident'].search([('ticket_id', '=', ticket.id)])
        incident.notice = 'Change your password'
        incident.action_notify()
        message = self.env['mail.message'].search(
            [('model', '=', 'res.partner'), ('partner_ids', 'in', self.bob.ids)]
        ) or self.env['mail.message'].search([('partner_ids', 'in', self.bob.ids)], limit=1)
        self.assertNotEqual(message.subject, 'About your personal data')

    def test_service_incident_partner_later(self):
        ticket = self._complain('account_leak', partner_id=False)
        ticket.partner_id = self.bob
        incident = self.env['retail.incident'].search([('ticket_id', '=', ticket.id)])
        self.assertEqual(incident.line_ids.partner_id, self.bob)

    def test_service_restricted_by_defaults(self):
        ticket = self.tickets.with_context(
            default_guide_id=self.guide.id, default_reason_id=self._reason('service_attitude').id
        ).create({'subject': 'Rude', 'type_id': self.complaint.id})
        self.assertTrue(ticket.is_restricted)

    def test_service_talk_about_filed(self):
        self.bob.email = 'bob@example.com'
        filed = self._filed()
        mine = filed.with_user(self.users['manager'])
        mine.message_post(
            body='Hello',
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            partner_ids=self.bob.ids,
        )
        mine.message_post(body='Note', message_type='comment', subtype_xmlid='mail.mt_note')
        mine.activity_schedule(
            'mail.mail_activity_data_todo', user_id=self.users['manager'].id
        ).action_feedback('ok')

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_service_name_of_hidden(self):
        first = self._complain('service_attitude', guide_id=self.guide.id, subject='Mr X was rude')
        first._complete_steps('feedback', self._answers())
        second = self._complain('service_aftersales')
        self.assertEqual(second.recurrence_of_id, first)
        seen = second.with_user(self.guide).web_read(
            {'recurrence_of_id': {'fields': {'display_name': {}}}}
        )
        self.assertNotIn('rude', str(seen))
        self.assertNotIn('rude', str(second.with_user(self.guide).read(['recurrence_of_id'])))

    def test_service_unit_asks(self):
        ticket = self._complain()
        unit = self.users['complaint']
        dialog = (
            self.env['retail.ticket.ask']
            .with_user(unit)
            .create(
                {
                    'ticket_id': ticket.id,
                    'team_id': self.env.ref('retail_crm.retail_ticket_team_stock').id,
                    'what': 'Is it there?',
                }
            )
        )
        dialog.action_ask()
        self.assertEqual(ticket.open_task_count, 1)
        ticket.child_ids.with_user(unit).check_access('read')
        self.assertTrue(ticket.with_user(unit).child_ids.mapped('name'))

    def test_service_leader_blocked(self):
        self.unit.user_id = self.guide
        self.bob.write({'email': False, 'phone': '0912345678'})
        ticket = self._complain('service_attitude', guide_id=self.guide.id)
        ticket.user_id = False
        template = self.env['mail.template'].search([('model', '=', 'retail.ticket')], limit=1)
        ticket._tell(template)
        self.assertNotIn(self.guide, ticket.activity_ids.user_id)

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.models')
    def test_service_created_as_solved(self):
        stage = self.enquiry._stage_of(('solved',))
        with self.assertRaises(UserError):
            self.tickets.with_user(self.staff).create(
                {'subject': 'x', 'type_id': self.enquiry.id, 'stage_id': stage.id}
            )
        ticket = self.tickets.with_user(self.staff).create(
            {'subject': 'x', 'type_id': self.enquiry.id, 'stage_id': stage.id, 'result': 'Done'}
        )
        self.assertTrue(ticket.solved_at)

    def test_service_early_no(self):
        ticket = self._complain()
        ticket.satisfied = 'no'
        ticket._complete_steps('feedback', self._answers())
        self.assertFalse(ticket.satisfied)

    def test_service_case_keeps_lesson(self):
        ticket = self._solved()
        ticket.write({'case_kind': 'failure', 'lesson': 'Look first'})
        with self.assertRaises(UserError):
            ticket.lesson = False

    def test_service_promise_is_born_open(self):
        ticket = self._complain(user_id=self.staff.id)
        promise = (
            self.env['retail.ticket.promise']
            .with_user(self.staff)
            .create(
                {
                    'ticket_id': ticket.id,
                    'what': 'x',
                    'state': 'kept',
                    'done_at': fields.Datetime.now(),
                }
            )
        )
        self.assertEqual((promise.state, promise.done_at), ('open', False))
