"""Return requests: how many, who decides, what the customer gets, and who pursues them (S-SRV-10, S-SRV-11)."""

from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .grant_common import GrantCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceReturns(GrantCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.requests = cls.env['retail.return.request']
        cls.company.write({'retail_return_limit': 300, 'retail_return_days': 7})
        cls.line = cls.ticket.line_ids

    def _ask(self, line=None, user=None, **values):
        line = line or self.line
        requests = self.requests.with_user(user) if user else self.requests
        return requests.create(
            {'ticket_id': line.ticket_id.id, 'line_id': line.id, 'reason': 'defect', **values}
        )

    def _refused(self, words, *args, **values):
        with self.assertRaises(UserError) as caught:
            self._ask(*args, **values)
        self.assertIn(words, str(caught.exception))

    def _line(self, price, pieces=1, date=None, **values):
        """Return the ticket line of a new invoiced order at a price with tax."""
        order = self._buy(pieces, product=self.goods, **values)
        order.order_line.price_unit = price
        self._create_invoice(order)
        if date:
            order.date_order = date
        return self._open_ticket(order).line_ids

    # === WHO DECIDES ===#

    def test_small_is_approved_at_once(self):
        """Defaults 17: up to 300 with receipt within 7 days nobody has to decide; exactly 300 is small, a cent more is not."""
        at, above = self._ask(self._line(300)), self._ask(self._line(300.01))
        self.assertRecordValues(
            at + above,
            [
                {'state': 'approved', 'is_automatic': True},
                {'state': 'asked', 'is_automatic': False},
            ],
        )
        self.assertFalse(at.approved_by)
        self.assertTrue(at.approved_at)

    def test_split_counts_together(self):
        """Several returns of one order count together: 220 and 110 of one order are not both small."""
        first = self._ask(quantity=2)
        second = self._ask(quantity=1)
        self.assertEqual((first.amount, first.state), (220, 'approved'))
        self.assertEqual((second.amount, second.state), (110, 'asked'))

    def test_without_receipt(self):
        """Defaults 17: without receipt a manager decides; the order of another customer is no receipt of his."""
        self.assertEqual(self._ask(quantity=1, has_receipt=False).state, 'asked')
        line = self._line(50)
        line.ticket_id.partner_id = self.ann
        self.assertEqual(self._ask(line).has_receipt, False)
        self.assertEqual(self._ask(self._line(50), has_receipt=True).state, 'approved')

    def test_seventh_day_in_the_zone_of_the_store(self):
        """Defaults 17: day 7 is in time, day 8 is not, by the calendar of the store, wherever the company counts its days."""
        calendar = self.env['resource.calendar'].create(
            {'name': 'Far', 'tz': 'Asia/Shanghai', 'company_id': False}
        )
        store = self.env['crm.team'].create(
            {'name': 'Far Store', 'retail_is_store': True, 'retail_calendar_id': calendar.id}
        )
        # bought on 1 March there: 07:00 on the 1st is 23:00 on 28 February in UTC
        values = {'date': '2026-02-28 23:00:00', 'team_id': store.id}
        line, late = self._line(50, **values), self._line(50, **values)
        with freeze_time('2026-03-08 15:59:59'):  # 23:59:59 on the 8th
            self.assertEqual(self._ask(line).state, 'approved')
        with freeze_time('2026-03-08 16:00:00'):  # the 9th
            self.assertEqual(self._ask(late).state, 'asked')

    def test_decided_by_a_leader_who_did_not_ask(self):
        """S-SRV-10: above the limit a leader decides, never who asked; staff may not."""
        line = self._line(400)
        line.ticket_id.team_id.user_id = self.users['lead']
        own = self._ask(line, user=self.users['lead'])
        self.assertEqual(own.asked_by, self.users['lead'])
        with self.assertRaises(AccessError):
            own.with_user(self.users['lead']).action_approve()
        with self.assertRaises(AccessError):
            own.with_user(self.users['user']).action_approve()
        own.with_user(self.users['manager']).action_approve()
        self.assertEqual((own.state, own.approved_by), ('approved', self.users['manager']))
        own.with_user(self.users['manager']).action_approve()  # a second click
        self.assertEqual(own.state, 'approved')

    def test_leader_is_asked(self):
        """Who may decide finds a task, which is over once it was decided."""
        line = self._line(400)
        ticket = line.ticket_id
        ticket.team_id = self.env['retail.ticket.team'].create(
            {'name': 'Desk', 'user_id': self.users['lead'].id}
        )
        request = self._ask(line)
        self.assertEqual(ticket.activity_ids.user_id, self.users['lead'])
        request.with_user(self.users['lead']).action_approve()
        self.assertFalse(ticket.activity_ids)

    def test_refused_with_a_reason(self):
        """A refusal has a reason that the customer reads; the goods may be asked back again."""
        request = self._ask(quantity=3)
        manager = request.with_user(self.users['manager'])
        with self.assertRaises(UserError):
            manager.action_refuse()
        manager.refusal = 'Worn'
        manager.action_refuse()
        self.assertEqual(request.state, 'refused')
        self.assertTrue(request.ended_at)
        self.assertEqual(self.ticket._portal_returns()[0]['why'], 'Worn')
        self.assertTrue(self._ask(quantity=3))

    # === HOW MANY ===#

    def test_never_more_than_is_left(self):
        """S-SRV-10: never more than was ordered less what was asked back, in whatever ticket, or credited otherwise."""
        self._refused('3 can still', quantity=4)
        self._ask(quantity=1)
        other = self._open_ticket(self.order).line_ids
        self._refused('2 can still', other, quantity=3)
        note = self._create_refund(self.invoice, 0)  # one piece, credited by hand
        self.assertEqual(note.invoice_line_ids.quantity, 1)
        self._refused('1 can still', other, quantity=2)
        self._ask(other, quantity=1)

    def test_delivered_where_deliveries_are_counted(self):
        """S-SRV-10: where deliveries are counted, only what was delivered can come back."""
        sold = self.order.order_line
        with patch.object(type(sold), 'qty_delivered_method', 'stock_move'):
            sold.qty_delivered = 1
            self.assertEqual(self.requests._returnable(sold), 1)

    def test_repaired_goods_can_come_back(self):
        """What was repaired is the customer's again and can be returned; what was cancelled, too."""
        request = self._ask(quantity=3, wish='repair')
        request.with_user(self.users['manager']).action_approve()
        sold = self.order.order_line
        self.assertEqual(self.requests._returnable(sold), 0)
        request.sudo()._end('cancelled')
        self.assertEqual(self.requests._returnable(sold), 3)
        request = self._ask(quantity=1, wish='repair')
        request.action_receive()
        request.action_done()
        self.assertEqual(self.requests._returnable(sold), 3)

    def test_wrong_lines(self):
        """Goods without an order, of another ticket, of a quotation, or none at all cannot be asked back."""
        loose = self.env['retail.ticket.line'].create(
            {'ticket_id': self.ticket.id, 'product_id': self.lamp.id}
        )
        with self.assertRaises(UserError):
            self._ask(loose)
        with self.assertRaises(UserError):
            self._ask(self._line(5), ticket_id=self.ticket.id)
        quotation = self._create_order(self.bob, 5, confirm=False)
        with self.assertRaises(UserError):
            self._ask(self._open_ticket(quotation).line_ids)
        for quantity in (0, -1):
            with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'):
                self._ask(quantity=quantity)
                self.env.flush_all()

    # === WHAT THE CUSTOMER GETS ===#

    def test_money_back(self):
        """S-SRV-10: when the goods are there a credit note over exactly these is made; done when it is posted, with hours."""
        with freeze_time('2026-03-02 10:00:00'):
            self.order.date_order = fields.Datetime.now()
            request = self._ask(quantity=2)
            self.assertEqual(request.state, 'approved')
            self.assertFalse(request.remedy_id)
        with freeze_time('2026-03-03 10:30:00'):
            request.with_user(self.users['manager']).action_receive()
            note = self.env['account.move'].browse(request.remedy_id.res_id)
            self.assertEqual(
                (request.state, note.state, note.amount_total), ('received', 'draft', 220)
            )
            note.action_post()
        self.assertRecordValues(
            request,
            [
                {
                    'state': 'done',
                    'hours_taken': 24.5,
                    'received_at': fields.Datetime.to_datetime('2026-03-03 10:30:00'),
                    'done_at': fields.Datetime.to_datetime('2026-03-03 10:30:00'),
                    'pursue_at': False,
                }
            ],
        )
        self._process()
        self.assertRecordValues(self._purchase_of(self.order), [{'amount': 100, 'returned': 200}])

    def test_posted_at_once(self):
        """With the setting the credit note is posted and the return done in one step; a second click does nothing."""
        self.company.retail_refund_post = True
        request = self._ask(quantity=1)
        request.action_receive()
        request.action_receive()
        self.assertEqual(request.state, 'done')
        self.assertEqual(
            self.env['account.move'].search_count(
                [('retail_remedy_id', '=', request.remedy_id.id)]
            ),
            1,
        )

    def test_exchange(self):
        """S-SRV-10: an exchange makes a replacement order, of the same or of another article, which is no purchase."""
        request = self._ask(quantity=1, wish='exchange')
        request.action_receive()
        order = self.env['sale.order'].browse(request.remedy_id.res_id)
        self.assertEqual((order.order_line.product_id, order.amount_total), (self.lamp, 0))
        self.assertEqual(request.state, 'received')
        request.action_done()
        self.assertEqual(request.state, 'done')
        other = self._ask(quantity=1, wish='exchange', exchange_product_id=self.vase.id)
        other.action_receive()
        order = self.env['sale.order'].browse(other.remedy_id.res_id)
        self.assertEqual(order.amount_total, 40)  # 150 - 110

    def test_goods_that_stay(self):
        """Where the customer may keep the goods, he gets what he wishes with the approval."""
        request = self._ask(quantity=1, needs_goods=False)
        self.assertEqual((request.state, request.remedy_id.state), ('received', 'granted'))
        self.assertFalse(request.received_at)

    def test_what_fails_is_tried_again(self):
        """Not invoiced yet: the goods are noted, the error is shown, and it is tried again by a button."""
        order = self._buy(1)
        request = self._ask(self._open_ticket(order).line_ids)
        request.action_receive()
        self.assertEqual((request.state, request.remedy_id.state), ('received', 'failed'))
        self.assertIn('no posted invoice', request.error)
        with self.assertRaises(UserError):
            request.action_done()
        self._create_invoice(order)
        request.action_settle()
        self.assertFalse(request.error)
        self.assertEqual(request.remedy_id.state, 'granted')

    def test_cancelled_before_and_not_after(self):
        """The customer may keep the goods as long as he got nothing for them."""
        request = self._ask(quantity=1)
        request.action_cancel()
        self.assertEqual(request.state, 'cancelled')
        request = self._ask(quantity=1)
        request.action_receive()
        with self.assertRaises(UserError):
            request.action_cancel()

    def test_what_the_company_does_not_allow(self):
        """S-TKT-22: what the company does not allow cannot be wished for."""
        self.kinds['repair'].barred_company_ids = self.company
        with self.assertRaises(UserError):
            self._ask(wish='repair')

    # === PURSUED ===#

    def _pursue(self):
        with patch.object(self.env.registry['ir.cron'], '_commit_progress', return_value=0):
            self.requests._cron_pursue()

    def test_pursued_once(self):
        """S-SRV-11: after 5 working days after-sales gets a task, once; what is finished is left alone."""
        team = self.env.ref('retail_crm.retail_ticket_team_aftersales')
        with freeze_time('2026-03-04 10:00:00'):  # a Wednesday
            self.ticket.team_id = self.env['retail.ticket.team'].create(
                {'name': 'Desk', 'calendar_id': self.env.company.resource_calendar_id.id}
            )
            request, done = self._ask(quantity=1), self._ask(quantity=1)
            self.assertEqual(str(request.pursue_at), '2026-03-11 10:00:00')
            done.action_cancel()
        with freeze_time('2026-03-11 09:59:00'):
            self._pursue()
            self.assertFalse(request.task_id)
        with freeze_time('2026-03-11 10:00:00'):
            self._pursue()
            task = request.task_id
            self.assertEqual((task.team_id, task.parent_id), (team, self.ticket))
            self._pursue()
        with freeze_time('2026-06-01 10:00:00'):
            self._pursue()
        self.assertEqual(self.ticket.child_ids, task)
        self.assertFalse(done.task_id)

    # === WHO MAY WHAT ===#

    def test_nothing_is_changed_by_hand(self):
        """What was asked and decided is not edited: neither by a form nor by a call from outside."""
        staff = self.users['manager']
        request = self._ask(quantity=3, user=staff, is_automatic=True, state='done', asked_by=1)
        self.assertRecordValues(
            request, [{'state': 'asked', 'is_automatic': False, 'asked_by': staff.id}]
        )
        for values in ({'quantity': 1}, {'state': 'approved'}, {'has_receipt': True}):
            with self.assertRaises(UserError):
                request.with_user(staff).write(values)
        request.with_user(staff).note = 'Box is open'

    def test_other_company_and_customers(self):
        """Returns are seen in their company only, and never by customers themselves: their page shows their own."""
        request = self._ask(quantity=1)
        stranger = self._create_users(stranger='retail_crm.group_manager')['stranger']
        stranger.write(
            {'company_ids': [Command.set(self.company_2.ids)], 'company_id': self.company_2.id}
        )
        for user in (stranger, self.users['portal'], self.users['sales']):
            with self.assertRaises(AccessError):
                request.with_user(user).read(['state'])

    def test_merged_customers(self):
        """A return follows the customer when contacts are merged."""
        request = self._ask(quantity=1)
        other = self.env['res.partner'].create({'name': 'Bob again'})
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.bob + other).ids, dst_partner=other
        )
        self.env.invalidate_all()
        self.assertEqual(request.partner_id, other)


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceReturnsPortal(GrantCommon, HttpCase):
    """Customers ask on their pages (S-SRV-10)."""

    def _send(self, line, **values):
        kind = self.env.ref('retail_crm.retail_ticket_type_return')
        self.authenticate('retail_portal', 'retail_portal')
        page = self.url_open('/my/tickets/new')
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return self.url_open(
            '/my/tickets/new',
            {
                'csrf_token': token,
                'type': kind.id,
                'subject': 'Back',
                'text': 'It flickers',
                'about': f'line-{line.id}',
                'return_quantity': '1',
                'return_wish': 'refund',
                'return_reason': 'defect',
                **values,
            },
        )

    def test_customer_asks_for_a_return(self):
        """The customer asks back a line of his own order, once; it is approved at once and he sees its state."""
        self.env.ref('retail_crm.retail_ticket_type_return').is_portal = True
        order = self._buy(2, partner=self.users['portal'].partner_id)
        self._create_invoice(order)
        requests = self.env['retail.return.request']
        own = [('order_id', '=', order.id)]
        self.assertIn('At most 2', self._send(order.order_line, return_quantity='3').text)
        self.assertIn('is-invalid', self._send(order.order_line, return_quantity='nan').text)
        self.assertFalse(requests.search(own))
        page = self._send(order.order_line)
        request = requests.search(own)
        self.assertRecordValues(
            request,
            [{'state': 'approved', 'is_automatic': True, 'quantity': 1, 'reason': 'defect'}],
        )
        self.assertEqual(request.asked_by, self.users['portal'])
        self.assertIn('1 × Lamp', page.text)
        self.assertIn('Please bring or send the goods', page.text)
        # the same form once more
        self.assertIn(request.ticket_id.name, self._send(order.order_line).text)
        self.assertEqual(requests.search(own), request)
        # nobody else's goods
        self._send(self.order.order_line)
        self.assertFalse(requests.search([('order_id', '=', self.order.id)]))
