"""Remedies and returns against somebody who wants to give away more than he may, and against plain arithmetic."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .test_service_remedy import NOW, RemedyCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestRemedyAttacks(RemedyCommon):
    """A clerk who calls what he can call, with whatever values (S-TKT-23, S-TKT-29)."""

    def _offer(self, ticket, user=None, context=None, **values):
        offers = self.env['retail.remedy.offer'].with_user(user or self.staff)
        return offers.with_context(**(context or {})).create(
            {'ticket_id': ticket.id, 'description': 'As agreed', **values}
        )

    def test_context_decides_nothing(self):
        """Default values in the context make nothing approved, granted, or asked for by somebody else."""
        ticket = self._case(self._sold(1000))
        context = {
            'default_state': 'approved',
            'default_requested_by': self.boss.id,
            'default_approved_by': self.boss.id,
            'default_amount': 1,
        }
        offer = self._offer(ticket, context=context, kind_id=self.kinds['voucher'].id, amount=400)
        offer.action_grant()
        self.assertRecordValues(
            ticket.remedy_ids,
            [{'state': 'waiting', 'requested_by': self.staff.id, 'approved_by': False}],
        )
        with self.assertRaises(UserError):
            ticket.remedy_ids.with_user(self.staff).with_context(**context).action_grant()

    def test_remedy_of_the_dialog_is_not_chosen(self):
        """The dialog carries out what it made, no remedy that somebody names."""
        other = self._draft(self._case(user_id=self.other.id, team_id=self.unit.id), amount=10)
        other.state = 'approved'
        ticket = self._case(self._sold(1000))
        offer = self._offer(
            ticket,
            context={'default_remedy_id': other.id},
            remedy_id=other.id,
            kind_id=self.kinds['apology'].id,
        )
        offer.write({'remedy_id': other.id})
        offer.action_grant()
        self.assertEqual((other.state, len(ticket.remedy_ids)), ('approved', 1))

    def test_dialog_tells_nothing_of_other_tickets(self):
        """Who may not read a ticket learns neither prices nor habits of its customer from the dialog."""
        hidden = self._case(self._sold(1000), user_id=self.other.id)
        hidden.write({'is_restricted': True})
        for values in ({}, {'line_id': hidden.line_ids.id}):
            with self.assertRaises(AccessError):
                offer = self._offer(
                    hidden if not values else self._case(),
                    kind_id=self.kinds['refund'].id,
                    **values,
                )
                offer.read(['price', 'authority_text', 'abuse_text'])

    def test_gift_is_worth_its_price(self):
        """A gift counts with its price in the shop, whatever worth somebody types."""
        dear = self._create_product('Television', 900.0)
        ticket = self._case()
        offer = self._offer(ticket, kind_id=self.kinds['gift'].id, product_id=dear.id, amount=0.01)
        offer.action_grant()
        self.assertRecordValues(ticket.remedy_ids, [{'state': 'waiting', 'amount': 900}])
        self.assertFalse(self.env['sale.order'].search([('retail_remedy_id', '!=', False)]))

    def test_points_split_over_tickets(self):
        """Points of several tickets count for the limit of the customer."""
        program = self.env['loyalty.program'].create(
            {
                'name': 'Points',
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'company_id': False,
                'retail_point_value': 0.15,
                'rule_ids': [Command.clear()],
            }
        )
        self.kinds['points'].program_id = program
        first = self._ask(self._case(), 'points', points=500)
        first.with_user(self.staff).action_grant()
        self.assertRecordValues(first, [{'state': 'granted', 'amount': 75}])
        second = self._ask(self._case(), 'points', points=200)  # 30 more than 100 in 90 days
        self.assertEqual(second.state, 'waiting')
        self.assertEqual(self._ask(self._case(), 'points', points=100).state, 'approved')

    def test_numbers_that_are_none(self):
        """Infinitely many points, and those that are no number, are refused; with amounts core does that itself."""
        for number in (float('nan'), float('inf')):
            with self.subTest(number=number), self.assertRaises(UserError):
                self._ask(self._case(), 'points', points=number)

    def test_exchanged_once(self):
        """A right to an exchange is used up with the pieces that were sold, however many the ticket says it is about."""
        with freeze_time(NOW):
            sold = self._sold(100, quantity=2)
            ticket = self._case(sold, verdict='justified', received_at=NOW)
            ticket.line_ids.with_user(self.staff).quantity = 1000
            values = {'basis': 'legal', 'product_id': self.goods.id}
            with self.assertRaises(UserError):
                self._ask(ticket, 'exchange', quantity=3, **values)
            self.assertEqual(self._ask(ticket, 'exchange', quantity=1, **values).state, 'approved')
            again = self._case(sold, verdict='justified', received_at=NOW)
            with self.assertRaises(UserError):
                self._ask(again, 'exchange', quantity=2, **values)
            # goodwill of the same article has no amount, either
            with self.assertRaises(UserError):
                self._ask(again, 'exchange', quantity=2, basis='goodwill')
            self.assertEqual(self._ask(again, 'exchange', quantity=1, **values).state, 'approved')

    def test_typed_purchase_is_no_receipt(self):
        """Goods of a purchase that somebody typed, or of somebody else's, are exchanged within the limit per case only."""
        with freeze_time(NOW):
            dear = self._create_product('Television', 900.0)
            typed = self._case(verdict='justified', received_at=NOW)
            typed.with_user(self.staff).line_ids = [
                Command.create(
                    {'product_id': dear.id, 'price_paid': 900, 'purchased_on': NOW.date()}
                )
            ]
            foreign = self._case(
                self._sold(900), verdict='justified', received_at=NOW, partner_id=self.ann.id
            )
            foreign.line_ids.product_id.list_price = 900
            for ticket in (typed, foreign):
                for basis in ('legal', 'goodwill'):
                    remedy = self._ask(ticket, 'exchange', basis=basis)
                    self.assertEqual(remedy.state, 'waiting', basis)
                    self.assertEqual(
                        remedy.approver_id, self.area
                    )  # 500 of the boss are too little
                    remedy._cancel()
            cheap = self._case(verdict='justified', received_at=NOW)
            cheap.line_ids = [
                Command.create(
                    {'product_id': self._create_product('Cup', 50.0).id, 'purchased_on': NOW.date()}
                )
            ]
            self.assertEqual(self._ask(cheap, 'exchange', basis='legal').state, 'approved')

    def test_goods_stay_what_was_allowed(self):
        """After something was promised for goods they are not changed to others, more, or to free their limit again."""
        sold, dear = self._sold(100), self._sold(900)
        ticket = self._case(sold)
        remedy = self._ask(ticket, amount=30)
        line = ticket.line_ids.with_user(self.staff)
        other = self._case()
        for values in (
            {'sale_line_id': dear.id},
            {'product_id': self._create_product('Television', 900.0).id},
            {'quantity': 50},
            {'price_paid': 900},
            {'ticket_id': other.id},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                line.write(values)
        line.write({'note': 'Scratched', 'quantity': 1, 'sale_line_id': sold.id})  # nothing else
        self.assertEqual(self._ask(self._case(sold), amount=1).state, 'waiting')
        remedy.with_user(self.staff).action_cancel()
        line.quantity = 2

    def test_same_order_line_twice(self):
        """The price of a case counts an order line once, on however many lines of the ticket, with its own pieces."""
        sold = self._sold(100)
        ticket = self._case(sold, sold)
        ticket.line_ids.quantity = 40
        draft = self._draft(ticket, amount=10, line_id=False)
        self.assertEqual(draft._price_of_case(), 100)
        self.assertEqual(draft._paid(ticket.line_ids[0], 40), 100)

    def test_customer_who_comes_to_be_known(self):
        """Asked for without a customer it counts for who is chosen later, with what he had before."""
        full = self._ask(self._case(), amount=50)
        more = self._ask(self._case(), amount=40)
        self.assertEqual((full.state, more.state), ('approved', 'approved'))
        ticket = self._case(partner_id=False)
        unknown = self._ask(ticket, amount=20)
        unknown.with_user(self.staff).action_grant()
        self.assertEqual(unknown.state, 'failed')
        ticket.partner_id = self.bob
        unknown.with_user(self.staff).action_grant()  # 110 in 90 days
        self.assertEqual((unknown.state, unknown.partner_id), ('waiting', self.bob))
        unknown._approve(self.boss)
        unknown.with_user(self.staff).action_grant()
        self.assertEqual(unknown.state, 'granted', unknown.error)

    def test_customer_is_changed_before_it_is_asked_for(self):
        """A draft counts for the customer of the ticket when it is asked for; changed later, the first one gets it."""
        ticket = self._case()
        remedy = self._draft(ticket, amount=20)
        ticket.partner_id = self.ann
        remedy.with_user(self.staff).action_request()
        self.assertEqual(remedy.partner_id, self.acme)
        ticket.partner_id = self.bob
        remedy.with_user(self.staff).action_grant()
        card = self.env[remedy.res_model].browse(remedy.res_id)
        self.assertEqual(card.partner_id, self.ann)

    def test_filed_complaint(self):
        """Nothing is offered on a filed complaint (S-TKT-12)."""
        ticket = self._case()
        draft = self._draft(ticket, amount=10)
        offer = self._offer(ticket, kind_id=self.kinds['apology'].id)
        filed = (
            self.env.ref('retail_crm.retail_ticket_type_complaint')
            ._stages()
            .filtered(lambda stage: stage.category == 'archived')[:1]
        )
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE retail_ticket SET is_complaint = true, stage_id = %s, category = %s WHERE id = %s',
            [filed.id, 'archived', ticket.id],
        )
        self.env.invalidate_all()
        for call in (offer.action_grant, draft.with_user(self.staff).action_request):
            with self.assertRaises(UserError):
                call()

    def test_deputy_of_himself(self):
        """A deputy who asks is not asked himself, nor does anybody decide who is complained about since."""
        ticket = self._case(self._sold(1000))
        self._join(self.second, self.desk)
        remedy = self._ask(ticket, amount=100, user=self.second)
        self.assertNotIn(self.second, remedy.asked_user_ids)
        with self.assertRaises(AccessError):
            remedy.with_user(self.second).action_approve()
        asked = remedy.approver_id
        self.assertEqual(asked, self.boss)
        ticket.blocked_user_id = asked
        with self.assertRaises(AccessError):
            remedy._approve(asked)
        with self.assertRaises(AccessError):
            remedy.with_user(asked).action_approve()

    def test_right_to_the_rest(self):
        """After two of three were paid back, the right to the third is its whole price."""
        sold = self._sold(100, quantity=3)
        refund = self._create_refund(self._create_invoice(sold.order_id))
        # posted for all three: two come again as a debit
        self.assertEqual(self.Remedy._paid_of_order_line(sold), 0)
        self.assertTrue(refund)

    def test_forgotten(self):
        """What was written about a remedy is forgotten with its ticket; amounts stay."""
        remedy = self._ask(self._case(), amount=10)
        remedy.write({'decision_note': 'Bob is ill', 'error': 'Bob'})
        remedy.ticket_id._forget(keep_customer=False)
        self.assertRecordValues(
            remedy,
            [{'description': False, 'decision_note': False, 'error': False, 'partner_id': False}],
        )
        self.assertEqual(remedy.amount, 10)
