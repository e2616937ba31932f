"""The seven steps of a complaint: checks, loop with rounds, filing (L02, S-TKT-06 to 21)."""

from ast import literal_eval
from datetime import date

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestComplaintSteps(ComplaintCommon):
    def test_five_classes_and_seven_steps_ship(self):
        """Five classes with their sub-causes, seven steps in their order, guidance in six (L01, L02, L04)."""
        expected = {
            'product': {'performance', 'function', 'appearance'},
            'logistics': {'lost', 'damaged', 'delayed'},
            'service': {'attitude', 'aftersales'},
            'order': {'cancel', 'refund', 'exchange'},
            'account': {'stolen', 'leak'},
        }
        for code, parts in expected.items():
            found = {
                item.removeprefix(f'{code}_')
                for item in self._reason(code).child_ids.mapped('code')
            }
            self.assertEqual(found, parts)
        stages = self.complaint._stages().filtered('step')
        self.assertEqual(
            stages.mapped('step'),
            ['receive', 'classify', 'investigate', 'solution', 'execute', 'feedback', 'archive'],
        )
        self.assertTrue(all(stage.guidance for stage in stages[:6]))

    def test_nothing_is_forced_at_receiving(self):
        """The intake is free: a complaint without class, goods and customer is received (S-TKT-13)."""
        ticket = self.tickets.create({'subject': 'Angry', 'type_id': self.complaint.id})
        self.assertEqual((ticket.step, ticket.category), ('receive', 'new'))
        with self.assertRaisesRegex(UserError, 'class'):
            self._go(ticket, 'classify')

    def test_class_needs_its_sub_cause(self):
        """Class and sub-cause are mandatory before dispatch (S-TKT-05)."""
        ticket = self._complain(None)
        with self.assertRaisesRegex(UserError, 'sub-cause'):
            self._go(ticket, 'classify', reason_id=self._reason('product').id)
        self._go(ticket, 'classify', reason_id=self._reason('product_function').id)
        self.assertEqual(ticket.step, 'classify')

    def test_each_step_asks_for_what_belongs_to_it(self):
        """Verdict, solution, opinion, counter-wish, cause, dissatisfaction and result are asked for (S-TKT-08 to 21)."""
        ticket = self._complain()
        self._go(ticket, 'classify')
        self._go(ticket, 'investigate')
        with self.assertRaisesRegex(UserError, 'investigation'):
            self._go(ticket, 'solution')
        self._go(ticket, 'solution', verdict='open')
        for vals, words in (
            ({}, 'write the solution'),
            ({'solution': 'Repair'}, 'suits him'),
            ({'solution': 'Repair', 'customer_opinion': 'counter'}, 'wishes instead'),
        ):
            with self.subTest(missing=words), self.assertRaisesRegex(UserError, words):
                self._go(ticket, 'execute', **vals)
        self.assertFalse(ticket.told_on)
        self._go(
            ticket,
            'execute',
            solution='Repair',
            customer_opinion='counter',
            counter_wish='Money back',
        )
        self.assertTrue(ticket.told_on)
        self.assertEqual(ticket.told_channel_id, ticket.channel_id)
        answers = self._answers()
        for name, words in (
            ('result', 'result'),
            ('cause_id', 'root cause'),
            ('dissatisfaction_id', 'dissatisfied'),
        ):
            vals = {key: answers[key] for key in ('result', 'cause_id', 'dissatisfaction_id')}
            with self.subTest(missing=words), self.assertRaisesRegex(UserError, words):
                self._go(ticket, 'feedback', **{**vals, name: False})
        self._go(ticket, 'feedback', **answers)
        self.assertTrue(ticket.is_preventable, 'first answer from the cause')
        self.assertEqual(ticket.category, 'solved')

    def test_steps_are_not_skipped(self):
        """One step after the other; solving at once is refused, in batch, too (L02)."""
        tickets = self._complain() + self._complain()
        tickets.write(self._answers())
        self._go(tickets, 'classify')
        for step in ('solution', 'execute', 'feedback', 'archive'):
            with self.subTest(step=step), self.assertRaisesRegex(UserError, 'next step'):
                self._go(tickets, step)
        with self.assertRaises(UserError):
            tickets.action_solve()
        with self.assertRaisesRegex(UserError, 'begins with receiving'):
            self.tickets.with_user(self.users['user']).create(
                {
                    'subject': 'Late',
                    'type_id': self.complaint.id,
                    'stage_id': self.env.ref('retail_crm.retail_ticket_stage_execute').id,
                }
            )

    def test_next_step_goes_on_where_it_waited(self):
        """The button leads through the steps; what waited, or got an answer, goes on at its step."""
        ticket = self._complain()
        ticket.action_next_stage()
        ticket.action_next_stage()
        self.assertEqual(ticket.step, 'investigate')
        ticket.action_wait()
        self.assertEqual((ticket.step, ticket.category), ('investigate', 'waiting'))
        ticket._set_stage(('open', 'new'))
        self.assertEqual(ticket.stage_id.step, 'investigate')
        ticket.action_wait()
        ticket.action_next_stage()
        self.assertEqual(ticket.stage_id.step, 'investigate')
        ticket.action_cancel()
        ticket.action_reopen()
        self.assertEqual(ticket.stage_id.step, 'investigate')
        self.assertEqual(ticket.round, 1)

    def test_going_back_needs_a_reason(self):
        """Backwards is allowed with a reason, which is logged (S-TKT-43)."""
        ticket = self._complain()
        ticket._complete_steps('solution', self._answers())
        with self.assertRaisesRegex(UserError, 'Say why'):
            self._go(ticket, 'investigate')
        dialog = (
            self.env['retail.ticket.back']
            .with_user(self.users['complaint'])
            .create({'ticket_ids': ticket.ids, 'step': 'investigate', 'reason': 'Other lot'})
        )
        dialog.action_back()
        self.assertEqual((ticket.step, ticket.back_reason), ('investigate', 'Other lot'))
        self.assertEqual(ticket.round, 1, 'it was not solved')

    def test_back_dialog_gives_no_rights(self):
        """Whoever may not write a complaint cannot send it back either."""
        ticket = self._complain(team_id=self.hotline.id, user_id=self.users['manager'].id)
        ticket._complete_steps('solution', self._answers())
        dialog = (
            self.env['retail.ticket.back']
            .with_user(self.users['user'])
            .create({'ticket_ids': ticket.ids, 'step': 'classify', 'reason': 'Because'})
        )
        with self.assertRaises(AccessError):
            dialog.action_back()

    def test_customer_says_so_on_his_page(self):
        """What he answers on his page counts like what he says on the phone, and is asked once (S-TKT-11, S-TKT-18)."""
        ticket = self._solved(user_id=self.users['user'].id)
        self.assertIn('is the customer satisfied', ' '.join(ticket.activity_ids.mapped('summary')))
        ticket._customer_satisfied(True)
        self.assertEqual((ticket.satisfied, ticket.category), ('yes', 'solved'))
        self.assertTrue(ticket.satisfied_on)
        self.assertEqual(ticket.satisfied_channel_id.code, 'web')
        self.assertFalse(ticket.activity_ids.filtered(lambda row: 'satisfied' in row.summary))
        other = self._solved()
        other._customer_satisfied(False)
        self.assertEqual((other.step, other.round, other.reopen_count), ('solution', 2, 1))
        self.assertEqual(other.back_reason, 'The customer is not satisfied with the result.')

    def test_not_satisfied_begins_a_new_round(self):
        """Not satisfied: back to the solution, the round is counted, priority high, asked again (S-TKT-11)."""
        ticket = self._solved()
        first = ticket.first_solved_at
        ticket._record_satisfaction(
            'no', self.env.ref('retail_crm.retail_channel_phone'), 'Still loud'
        )
        self.assertEqual((ticket.step, ticket.category, ticket.round), ('solution', 'open', 2))
        self.assertEqual(ticket.priority, '1')
        self.assertFalse(ticket.customer_opinion or ticket.told_on or ticket.satisfied)
        self.assertIn('Satisfied: No', ' '.join(ticket.message_ids.mapped('body')))
        with self.assertRaisesRegex(UserError, 'suits him'):
            self._go(ticket, 'execute')
        self._go(ticket, 'execute', customer_opinion='accepts')
        self._go(ticket, 'feedback')
        ticket.problem_gone = 'no'
        self.assertEqual((ticket.step, ticket.round), ('solution', 3))
        self._go(ticket, 'execute', customer_opinion='accepts')
        self._go(ticket, 'feedback')
        ticket._record_satisfaction('partly')
        self.assertEqual((ticket.step, ticket.round, ticket.category), ('feedback', 3, 'solved'))
        self.assertEqual(ticket.first_solved_at, first)

    def test_reopening_is_a_round(self):
        """A complaint that is opened again goes back to the solution (S-TKT-11)."""
        ticket = self._solved()
        ticket.action_reopen()
        self.assertEqual((ticket.step, ticket.round, ticket.reopen_count), ('solution', 2, 1))
        self.assertFalse(ticket.solved_at)
        with self.assertRaisesRegex(UserError, 'solved'):
            self._solved().action_wait()

    def test_counter_passes_all_steps_at_once(self):
        """``_complete_steps`` stamps each step with its checks, for many, and keeps the owner (design 5.3)."""
        clerk = self.users['user']
        tickets = self._complain('logistics_lost', user_id=clerk.id).with_user(clerk)
        tickets += self._complain(None, user_id=clerk.id).with_user(clerk)
        with self.assertRaisesRegex(UserError, 'class'):
            tickets[1]._complete_steps('feedback', self._answers())
        tickets._complete_steps(
            'feedback', self._answers(reason_id=self._reason('order_refund').id)
        )
        self.assertEqual(set(tickets.mapped('step')), {'feedback'})
        self.assertEqual(tickets.user_id, clerk)
        self.assertTrue(all(tickets.mapped('told_on')) and all(tickets.mapped('solved_at')))
        tickets._complete_steps('classify')
        self.assertEqual(set(tickets.mapped('step')), {'feedback'}, 'never back')

    def test_cost_of_a_step_is_fixed(self):
        """Moving 40 complaints costs no more queries than moving 10, nothing per ticket (design 8)."""
        many = self.tickets.create(
            [
                {
                    'subject': 'Broken',
                    'type_id': self.complaint.id,
                    'partner_id': self.bob.id,
                    'reason_id': self._reason('product_function').id,
                }
                for _index in range(50)
            ]
        )
        costs = []
        for tickets in (many[:10], many[10:]):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self._go(tickets, 'classify')
            self.env.flush_all()
            costs.append(self.cr.sql_log_count - before)
        self.assertLessEqual(costs[1], costs[0] + 2, costs)

    def test_enquiry_that_is_a_complaint_begins_at_the_first_step(self):
        """What turns out to be a complaint passes all steps; the other way the process ends."""
        ticket = self.tickets.create(
            {'subject': 'Loud', 'type_id': self.enquiry.id, 'partner_id': self.bob.id}
        )
        ticket.result = 'Explained'
        ticket.action_solve()
        ticket.type_id = self.complaint
        self.assertEqual((ticket.step, ticket.category), ('receive', 'new'))
        self.assertEqual(ticket.intake_9, 'new')
        ticket.type_id = self.enquiry
        self.assertFalse(ticket.step)

    def test_old_or_new_customer_is_filled_in_batch(self):
        """Question 9 is answered by the system: bought before the request, or not (S-TKT-20)."""
        self._create_order(self.bob, 50.0, '2026-01-05')
        self._process()
        vals = {'type_id': self.complaint.id, 'subject': 'X'}
        old, early, new, nobody = self.tickets.create(
            [
                {**vals, 'partner_id': self.bob.id, 'received_at': '2026-02-01'},
                {**vals, 'partner_id': self.bob.id, 'received_at': '2026-01-01'},
                {**vals, 'partner_id': self.ann.id},
                vals,
            ]
        )
        self.assertEqual(
            [ticket.intake_9 for ticket in (old, early, new, nobody)], ['old', 'new', 'new', False]
        )
        nobody.partner_id = self.bob
        self.assertEqual(nobody.intake_9, 'old')

    @freeze_time('2026-03-02 10:00:00')
    def test_call_back_is_planned(self):
        """Solving plans a call (or mail) some days later, by the preferred channel (S-TKT-18)."""
        self.company.retail_call_back_days = 5
        self.bob.retail_preferred_channel_id = self.env.ref('retail_crm.retail_channel_email')
        ticket = self._complain(user_id=self.users['complaint'].id)
        ticket._complete_steps('feedback', self._answers())
        task = ticket.activity_ids.filtered(lambda item: item.user_id == self.users['complaint'])
        self.assertEqual(task.activity_type_id, self.env.ref('mail.mail_activity_data_email'))
        self.assertEqual(task.date_deadline, date(2026, 3, 7))

    # === FILING ===#

    def test_filed_after_the_grace(self):
        """Filed 14 days after a satisfied answer, 30 without one; open disputes never by themselves (defaults 13)."""
        with freeze_time('2026-03-01 10:00:00'):
            happy, silent, dispute, partly = (self._solved() for _index in range(4))
            dispute.write({'is_dispute': True, 'satisfied': 'yes'})
            partly.satisfied = 'partly'
        with freeze_time('2026-03-06 10:00:00'):
            happy.satisfied = 'yes'
        tickets = happy + silent + dispute + partly
        for now, filed in (
            ('2026-03-20 09:59:59', self.tickets),
            ('2026-03-20 10:00:00', happy),
            ('2026-03-31 09:59:59', happy),
            ('2026-03-31 10:00:00', happy + silent + partly),
        ):
            with self.subTest(now=now), freeze_time(now):
                self._run_cron(self.tickets._cron_file_complaints)
                self.assertEqual(tickets.filtered('archived_at'), filed)
        with self.assertRaisesRegex(UserError, 'not decided'):
            dispute.action_next_stage()
        dispute.dispute_result = 'Settled'
        dispute.action_next_stage()
        self.assertEqual(dispute.category, 'archived')

    def test_filed_is_read_only(self):
        """A filed complaint keeps content, goods and promises; talk and lesson go on; follow-up instead (S-TKT-12)."""
        ticket = self._solved(line_ids=[Command.create({'product_id': self.goods.id})])
        promise = self.env['retail.ticket.promise'].create({'ticket_id': ticket.id, 'what': 'Call'})
        self._go(ticket, 'archive')
        boss = self.users['manager']
        filed = ticket.with_user(boss)
        for vals in ({'result': 'X'}, {'partner_id': self.ann.id}, {'cause_id': False}):
            with self.subTest(vals=vals), self.assertRaisesRegex(UserError, 'filed'):
                filed.write(vals)
        with self.assertRaisesRegex(UserError, 'filed'):
            filed.line_ids.write({'lot': '7'})
        with self.assertRaisesRegex(UserError, 'filed'):
            promise.with_user(boss).write({'what': 'Nothing'})
        with self.assertRaisesRegex(UserError, 'filed'):
            self.env['retail.ticket.promise'].with_user(boss).create(
                {'ticket_id': ticket.id, 'what': 'More'}
            )
        for move in (filed.action_reopen, filed.action_next_stage, filed.action_cancel):
            if move == filed.action_next_stage:
                move()  # nothing comes after it
                continue
            with self.assertRaisesRegex(UserError, 'filed'):
                move()
        self.assertEqual(ticket.category, 'archived')
        filed.message_post(body='He called again')
        filed.write({'case_kind': 'failure', 'lesson': 'Test before delivery'})
        follow_up = self.tickets.browse(filed.action_follow_up()['res_id'])
        self.assertEqual((follow_up.follow_up_of_id, follow_up.step), (ticket, 'receive'))
        self.assertFalse(follow_up.case_kind or follow_up.verdict)

    # === OTHER TYPES ===#

    def test_after_sale_problem_needs_its_cause(self):
        """An after-sale problem is not closed without result and cause (S-SRV-12)."""
        ticket = self.tickets.create(
            {
                'subject': 'Repair',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_aftersales').id,
                'order_id': self._create_order(self.bob, 10.0).id,
                'result': 'Repaired',
            }
        )
        with self.assertRaisesRegex(UserError, 'root cause'):
            ticket.action_solve()
        ticket.cause_id = self.defect
        ticket.action_solve()
        self.assertEqual(ticket.category, 'solved')
        weak = self.env.ref('retail_crm.retail_ticket_action_weak')
        self.assertIn(ticket, self.tickets.search(literal_eval(weak.domain)))

    def test_suggestion_is_answered_like_a_complaint(self):
        """A suggestion has owner, answer and result; the customer is told the outcome (S-TKT-36)."""
        ticket = self.tickets.create(
            {
                'subject': 'More benches',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_suggestion').id,
                'partner_id': self.bob.id,
                'channel_id': self.env.ref(
                    'retail_crm.retail_channel_email'
                ).id,  # at the counter he hears it
                'result': 'Two benches bought',
            }
        )
        with self.assertRaisesRegex(UserError, 'tell the customer'):
            ticket.action_solve()
        ticket.told_on = fields.Datetime.now()
        with self.assertRaisesRegex(UserError, 'owner'):
            ticket.action_solve()
        ticket.user_id = self.users['user']
        ticket.action_solve()
        self.assertEqual(ticket.category, 'solved')

    # === LESSONS ===#

    def test_case_library(self):
        """Only what is over is a case, with a lesson; staff find it by its words (S-TKT-34, S-STF-14)."""
        ticket = self._complain()
        with self.assertRaisesRegex(UserError, 'not solved'):
            ticket.write({'case_kind': 'success', 'lesson': 'Listen'})
        ticket._complete_steps('feedback', self._answers())
        with self.assertRaisesRegex(UserError, 'lesson'):
            ticket.case_kind = 'success'
        ticket.write({'case_kind': 'success', 'lesson': 'Listen before you speak'})
        found = self.tickets.with_user(self.users['user']).search(
            [('case_kind', '!=', False), ('lesson', 'ilike', 'before you')]
        )
        self.assertEqual(found, ticket)

    def test_change_of_plan_is_kept(self):
        """The plan may change during handling, and the change is kept in the history (S-TKT-43)."""
        ticket = self._complain().with_context(tracking_disable=False, mail_notrack=False)
        ticket.plan = 'Ask the supplier'
        self.cr.precommit.run()
        ticket.plan = 'Replace it'
        self.cr.precommit.run()
        values = ticket.message_ids.tracking_value_ids.filtered(
            lambda value: value.field_id.name == 'plan'
        )
        self.assertIn('Ask the supplier', values.mapped('old_value_text'))

    def test_review_and_amounts(self):
        """A public review raises the priority and counts as open until answered; numbers are checked (S-TKT-37)."""
        ticket = self._complain()
        ticket.write({'review_url': 'https://example.com/1', 'review_rating': 2})
        self.assertEqual((ticket.priority, ticket.review_state), ('1', 'open'))
        ticket.review_answered_on = fields.Date.today()
        self.assertEqual(ticket.review_state, 'answered')
        self.assertEqual(self._complain(review_url='https://example.com/2').priority, '1')
