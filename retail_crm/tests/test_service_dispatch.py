"""Choosing the class sends a complaint to its team and tells the others (S-TKT-01 to 07, defaults 9)."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestComplaintDispatch(ComplaintCommon):
    def test_class_finds_the_team(self):
        """The shipped table: desk of the store of purchase, online team, complaint unit, hotline for on-line orders."""
        # nobody enters complaints about what he sold himself
        seller_id = self.users['lead'].id
        in_store = self._create_order(self.bob, 10.0, team_id=self.store.id, user_id=seller_id)
        elsewhere = self.env['crm.team'].create({'name': 'Web Shop'})
        online = self._create_order(self.bob, 10.0, team_id=elsewhere.id, user_id=seller_id)
        for code, order, team in (
            ('product_function', in_store, self.desk),
            ('logistics_lost', in_store, self.online),
            ('service_attitude', in_store, self.unit),
            ('order_refund', in_store, self.desk),
            ('order_refund', online, self.hotline),
            ('account_leak', online, self.unit),
        ):
            with self.subTest(code=code, order=order.name):
                created = self._complain(code, order_id=order.id)
                self.assertEqual(created.team_id, team)
                later = self._complain(None, order_id=order.id)
                later.reason_id = self._reason(code)
                self.assertEqual(later.team_id, team, 'the same when the class is chosen later')

    def test_table_can_be_edited(self):
        """The dispatch table is data: a rule of a sub-cause goes before that of its class (S-TKT-07)."""
        self._reason('logistics_lost').write({'dispatch': 'kind', 'team_kind': 'complaint'})
        self.assertEqual(self._complain('logistics_lost').team_id, self.unit)
        self.assertEqual(self._complain('logistics_delayed').team_id, self.online)
        with self.assertRaises(ValidationError):
            self.env['retail.ticket.reason.told'].create(
                {'reason_id': self._reason('product').id, 'who': 'team'}
            )

    def test_chosen_team_and_owner_stay(self):
        """A team given by hand stays; an owner outside the new team gives it up, unless chosen with the class."""
        chosen = self._complain('logistics_lost', team_id=self.unit.id)
        self.assertEqual(chosen.team_id, self.unit)
        self._join(self.users['lead'], self.online)
        clerk = self.users['user']
        first, second = (self._complain(None, user_id=clerk.id) for _index in range(2))
        first.reason_id = self._reason('logistics_lost')
        self.assertFalse(first.user_id)
        second.write({'reason_id': self._reason('logistics_lost').id, 'user_id': clerk.id})
        self.assertEqual((second.user_id, second.team_id), (clerk, self.online))
        # demo data may have members in the hotline; an owner who is in the team stays
        third = self._complain(None, user_id=self.users['lead'].id)
        third.reason_id = self._reason('logistics_lost')
        self.assertEqual(third.user_id, self.users['lead'])

    def test_staff_may_send_it_away(self):
        """A clerk who chooses the class loses no step of it, though the complaint goes to another team."""
        clerk = self.users['user']
        ticket = self._complain(None, user_id=clerk.id).with_user(clerk)
        self._join(self.users['lead'], self.online)
        ticket.write({'reason_id': self._reason('logistics_lost').id})
        self.assertEqual(ticket.team_id, self.online)
        self.assertEqual(ticket.read(['subject'])[0]['subject'], 'Broken')

    def test_others_are_told(self):
        """Quality is told of goods, Finance of orders from 500 of value, each once (defaults 9)."""
        boss = self.users['manager']

        def told(ticket):
            return ticket.activity_ids.filtered(lambda task: task.user_id == boss)

        ticket = self._complain('product_function')
        self.assertEqual(len(told(ticket)), 1)
        self.assertEqual(ticket.told_team_ids.code, 'quality')
        ticket.reason_id = self._reason('product_appearance')
        self.assertEqual(len(told(ticket)), 1, 'once only')
        order = self._complain('order_refund', claim_amount=499.99)
        self.assertFalse(told(order))
        order.claim_amount = 500
        self.assertEqual(order.told_team_ids.code, 'finance')
        dear = self._create_order(self.bob, 600.0)
        self.assertTrue(told(self._complain('order_cancel', order_id=dear.id)))

    def test_priority_by_class(self):
        """An account complaint is urgent; nothing lowers a priority again (S-TKT-05, defaults 11)."""
        self.assertEqual(self._complain('account_stolen').priority, '2')
        ticket = self._complain(None, priority='1')
        ticket.reason_id = self._reason('product_function')
        self.assertEqual(ticket.priority, '1')
        ticket.reason_id = self._reason('account_leak')
        self.assertEqual(ticket.priority, '2')
        ticket.reason_id = self._reason('product_function')
        self.assertEqual(ticket.priority, '2')

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_team_of_the_own_company(self):
        """Complaints of another company never go to teams of this one; its own team is found (two companies)."""
        ticket = self._complain('logistics_lost', company_id=self.company_2.id)
        self.assertNotEqual(ticket.team_id.company_id, self.company)
        team = self.env['retail.ticket.team'].create(
            {
                'name': 'Online two',
                'kind': 'hotline',
                'code': 'online',
                'sequence': 0,
                'company_id': self.company_2.id,
            }
        )
        ticket = self._complain('logistics_lost', company_id=self.company_2.id)
        self.assertEqual(ticket.team_id, team)

    def test_cost_of_a_batch_is_fixed(self):
        """Creating 60 classified complaints costs about as many queries as 20: nothing per ticket (design 8)."""
        vals = {
            'subject': 'Broken',
            'type_id': self.complaint.id,
            'partner_id': self.bob.id,
            'reason_id': self._reason('order_refund').id,
        }
        costs = []
        for count in (20, 60):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.tickets.create([dict(vals) for _index in range(count)])
            self.env.flush_all()
            costs.append(self.cr.sql_log_count - before)
        self.assertLessEqual(costs[1], costs[0] + 5, costs)
