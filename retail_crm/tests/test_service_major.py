"""Major cases: rules, emergency plan, alarm, statements, disputes (S-TKT-32, S-TKT-40, defaults 15)."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestMajorCase(ComplaintCommon):
    def test_each_box_makes_a_major_case(self):
        """Injury, fire, shock, food, press, regulator, leak, many views, a large claim: each by its rule."""
        for vals, rule in (
            ({'is_injury': True}, 'injury'),
            ({'is_fire': True}, 'fire'),
            ({'is_shock': True}, 'shock'),
            ({'is_food': True}, 'food'),
            ({'is_press': True}, 'press'),
            ({'is_regulator': True}, 'regulator'),
            ({'is_leak': True}, 'leak'),
            ({'review_views': 10000}, 'views'),
            ({'claim_amount': 5000}, 'claim'),
        ):
            with self.subTest(rule=rule):
                ticket = self._complain()
                ticket.write(vals)
                self.assertTrue(ticket.is_major)
                self.assertEqual(
                    ticket.major_rule_id, self.env.ref(f'retail_crm.retail_major_rule_{rule}')
                )
        self.assertTrue(self._complain(is_food=True).is_major, 'also at once')
        for vals in ({'review_views': 9999}, {'claim_amount': 4999.99}):
            self.assertFalse(self._complain(**vals).is_major)

    def test_rules_can_be_edited(self):
        """A rule can be changed or switched off; limits are asked for."""
        self.env.ref('retail_crm.retail_major_rule_claim').amount = 100
        self.assertTrue(self._complain(claim_amount=100).is_major)
        self.env.ref('retail_crm.retail_major_rule_press').active = False
        self.assertFalse(self._complain(is_press=True).is_major)
        with self.assertRaises(ValidationError):
            self.env.ref('retail_crm.retail_major_rule_product').count = 1

    def test_who_is_alarmed_may_enter_it(self):
        """The third complaint on a lot may be entered, with its goods, by the manager who is alarmed of it."""
        complaints = [
            {
                'subject': 'Glue',
                'partner_id': partner.id,
                'type_id': self.env.ref('retail_crm.retail_ticket_type_complaint').id,
                'reason_id': self.env.ref('retail_crm.retail_ticket_reason_product_function').id,
                'line_ids': [Command.create({'product_id': self.goods.id, 'lot': 'L-7'})],
            }
            for partner in (self.ann, self.bob, self.acme)
        ]
        manager = self.env.ref('base.user_admin')
        self.assertIn(manager, self.env['retail.ticket']._who_is_alarmed(self.company))
        Ticket = self.env['retail.ticket'].with_user(manager)
        Ticket = Ticket.with_context(tracking_disable=False, mail_create_nosubscribe=False)
        tickets = self.env['retail.ticket'].union(*(Ticket.create([vals]) for vals in complaints))
        self.assertEqual(tickets.mapped('is_major'), [False, False, True])
        self.assertIn(manager.partner_id, tickets[2].message_partner_ids)

    def test_three_on_one_product(self):
        """Three complaints on one product in 7 days: the third is the case; the next ones do not ring again."""
        goods = {'product_id': self.goods.id}
        days = ('2026-03-01', '2026-03-03', '2026-03-07 23:59:59')
        first, second, third = (
            self._complain(received_at=day, partner_id=partner.id, **goods)
            for day, partner in zip(days, (self.ann, self.bob, self.acme), strict=True)
        )
        self.assertEqual(
            [ticket.is_major for ticket in first + second + third], [False, False, True]
        )
        fourth = self._complain(received_at='2026-03-07 23:59:59', **goods)
        self.assertFalse(fourth.is_major, 'one alarm for all of them')
        self.assertFalse(self._complain(received_at='2026-03-20', **goods).is_major)

    def test_window_and_what_does_not_count(self):
        """Seven days exactly are outside; cancelled ones, other companies and enquiries do not count."""
        goods = {'product_id': self.goods.id}
        self._complain(received_at='2026-03-01', **goods)
        self._complain(received_at='2026-03-02', **goods).action_cancel()
        self._complain(received_at='2026-03-02', company_id=self.company_2.id, **goods)
        self._complain(received_at='2026-03-02', type_id=self.enquiry.id, **goods)
        self._complain(received_at='2026-03-05', **goods)
        self.assertFalse(self._complain(received_at='2026-03-08', **goods).is_major)
        self.assertTrue(self._complain(received_at='2026-03-08', **goods).is_major)

    def test_three_on_one_lot(self):
        """The lot counts over lines, of one product (defaults 15)."""
        self.env.ref('retail_crm.retail_major_rule_product').active = False
        line = Command.create({'product_id': self.goods.id, 'lot': 'L7'})
        other = Command.create({'product_id': self.goods.id, 'lot': 'L8'})
        for commands in ([line], [other], [line]):
            self.assertFalse(self._complain(line_ids=commands).is_major)
        self.assertFalse(self._complain().is_major)
        self.assertTrue(self._complain(line_ids=[other, line]).is_major)

    def test_alarm_reaches_only_readers(self):
        """Who is on call and may not read a restricted complaint learns nothing of it: the deputy does (S-TKT-29)."""
        self.env['retail.oncall'].search([]).unlink()
        self.env['retail.oncall'].create(
            {
                'company_id': self.company.root_id.id,
                'user_id': self.users['user'].id,
                'deputy_id': self.users['complaint'].id,
                'date_until': fields.Datetime.add(fields.Datetime.now(), days=1),
            }
        )
        ticket = self._complain(is_restricted=True)
        ticket.is_major = True
        notified = self.env['mail.notification'].search(
            [
                ('mail_message_id.model', '=', 'retail.ticket'),
                ('mail_message_id.res_id', '=', ticket.id),
            ]
        )
        self.assertNotIn(self.users['user'].partner_id, notified.res_partner_id)
        self.assertIn(self.users['complaint'].partner_id, notified.res_partner_id)

    def test_emergency_plan_and_alarm(self):
        """Urgent, nine points with their times, a task and a message for managers and who is on call, a new plan."""
        self.env['retail.oncall'].create(
            {
                'company_id': self.company.root_id.id,
                'user_id': self.users['complaint'].id,
                'date_until': fields.Datetime.add(fields.Datetime.now(), days=1),
            }
        )
        ticket = self._complain()
        now = fields.Datetime.now()
        with patch.object(
            self.env.registry['retail.ticket'], '_clock_replan', autospec=True
        ) as replan:
            ticket.with_user(self.users['complaint']).is_major = True
        self.assertIn({'is_major'}, [call.args[1] for call in replan.call_args_list])
        self.assertEqual(ticket.priority, '2')
        self.assertEqual(len(ticket.check_ids), 9)
        due = {item.name: item.due_at for item in ticket.check_ids}
        self.assertAlmostEqual(
            due['Call the customer back'], now + timedelta(minutes=30), delta=timedelta(minutes=1)
        )
        self.assertAlmostEqual(
            due['Publish a statement'], now + timedelta(hours=24), delta=timedelta(minutes=1)
        )
        told = ticket.activity_ids.user_id
        self.assertLessEqual(self.users['manager'] + self.users['complaint'], told)
        notified = self.env['mail.notification'].search(
            [
                ('mail_message_id.model', '=', 'retail.ticket'),
                ('mail_message_id.res_id', '=', ticket.id),
            ]
        )
        self.assertIn(self.users['manager'].partner_id, notified.res_partner_id)

    def test_points_say_who_and_when(self):
        """Who ticked a point, and when; taking the mark off and setting it again makes no second list."""
        ticket = self._complain()
        ticket.is_major = True
        point = ticket.check_ids[0].with_user(self.users['complaint'])
        point.is_done = True
        self.assertEqual(point.done_by, self.users['complaint'])
        self.assertTrue(point.done_at)
        point.write({'done_by': self.users['manager'].id})
        self.assertEqual(point.done_by, self.users['complaint'])
        self.assertEqual(ticket.check_open_count, 8)
        point.is_done = False
        self.assertFalse(point.done_by or point.done_at)
        ticket.is_major = False
        ticket.is_major = True
        self.assertEqual(len(ticket.check_ids), 9)
