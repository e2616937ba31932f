"""Remedies and returns against somebody who wants to give away more than he may, and against plain arithmetic."""

import random

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .grant_common import GrantCommon
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
                'currency_id': self.company.currency_id.id,
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
        self.assertEqual(card.partner_id, self.acme)

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
        remedy = self._ask(ticket, amount=600, user=self.second)
        self.assertNotIn(self.second, remedy.asked_user_ids)
        with self.assertRaises(AccessError):
            remedy.with_user(self.second).action_approve()
        asked = remedy.approver_id
        self.assertEqual(asked, self.area)
        ticket.blocked_user_id = asked
        with self.assertRaises(AccessError):
            remedy._approve(asked)
        with self.assertRaises(AccessError):
            remedy.with_user(asked).action_approve()

    def test_method_of_a_kind_stays(self):
        """What was given by a kind is taken back the same way: the method is not changed any more, the name is."""
        kind = self.kinds['voucher']
        self._ask(self._case(), amount=10)
        with self.assertRaises(UserError):
            kind.with_user(self.director).method = 'refund'
        kind.with_user(self.director).write({'method': 'voucher', 'name': 'Coupon'})

    def test_cancelled_while_it_waits(self):
        """With a cancelled ticket goes what waits: nobody approves or grants it afterwards."""
        ticket = self._case(self._sold(1000))
        granted = self._ask(ticket, amount=10)
        granted.with_user(self.staff).action_grant()
        remedy = self._ask(ticket, amount=60)
        cancelled = ticket.type_id._stages().filtered(lambda stage: stage.category == 'cancelled')
        ticket.with_user(self.staff).stage_id = cancelled[:1]
        self.assertEqual(ticket.category, 'cancelled')
        self.assertEqual((remedy.state, granted.state), ('cancelled', 'granted'))
        self.assertFalse(remedy.activity_ids)
        remedy.with_user(self.boss).action_approve()
        self.assertEqual(remedy.state, 'cancelled')

    def test_archived_kind(self):
        """A kind that is archived is offered no more; what was approved of it is carried out."""
        ticket = self._case()
        approved, kind = self._ask(ticket, amount=10), self.kinds['voucher']
        kind.active = False
        with self.assertRaises(UserError):
            self._ask(ticket, amount=10)
        approved.with_user(self.staff).action_grant()
        self.assertEqual(approved.state, 'granted', approved.error)

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


@tagged('post_install', '-at_install', 'retail_crm')
class TestMoneyReturns(GrantCommon):
    """Returns of somebody who types what he likes, and credit notes to the cent (S-SRV-10)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({'retail_return_limit': 300, 'retail_return_days': 7})
        cls.clerk = cls.users['user']

    def _request(self, ticket, **context):
        requests = self.env['retail.return.request'].with_user(self.clerk).with_context(**context)
        return requests.create(
            {'ticket_id': ticket.id, 'line_id': ticket.line_ids[:1].id, 'quantity': 1}
        )

    def test_typed_price_is_not_what_was_paid(self):
        """A return is worth what the order says: neither a price typed on the ticket nor the context makes it small."""
        order = self._buy(1, product=self.vase)
        order.order_line.price_unit = 5000
        self._create_invoice(order)
        for price in (0, 0.01):
            ticket = self._open_ticket(order)
            ticket.line_ids.with_user(self.clerk).price_paid = price
            request = self._request(ticket)
            self.assertEqual((request.amount, request.state), (5000, 'asked'))
            request.sudo()._end('cancelled')
        request = self._request(
            self._open_ticket(order),
            default_amount=1,
            default_state='received',
            default_is_automatic=True,
            default_asked_by=self.users['lead'].id,
            default_approved_by=self.users['lead'].id,
        )
        self.assertRecordValues(
            request,
            [
                {
                    'amount': 5000,
                    'state': 'asked',
                    'asked_by': self.clerk.id,
                    'approved_by': False,
                    'is_automatic': False,
                }
            ],
        )

    def test_goods_of_a_return_stay(self):
        """After it was approved a return is not turned into one of dear goods."""
        dear, cheap = self._buy(1, product=self.vase), self._buy(1, product=self.goods)
        self._create_invoice(cheap)
        ticket = self._open_ticket(cheap)
        self.assertEqual(self._request(ticket).state, 'approved')
        with self.assertRaises(UserError):
            ticket.line_ids.with_user(self.clerk).sale_line_id = dear.order_line

    def test_exchange_by_the_price_of_the_order(self):
        """What a dearer article costs more is by the order and with tax, whatever price somebody typed."""
        self.ticket.line_ids.price_paid = 100000
        self.vase.taxes_id = self.tax
        remedy, order = self._granted('exchange', quantity=1, product_id=self.vase.id)
        self.assertEqual((order.amount_total, remedy.amount), (55, 0))  # 165 - 110
        offer = self.env['retail.remedy.offer'].create(
            {'ticket_id': self.ticket.id, 'kind_id': self.kinds['exchange'].id, 'quantity': 1}
        )
        offer.product_id = self.vase
        self.assertEqual(offer.amount, 55)

    def test_right_to_the_rest(self):
        """After two of three were paid back the third still has its whole price, and nothing is left after it."""
        remedies, line = self.env['retail.remedy'], self.ticket.line_ids

        def refund(quantity, amount):
            remedy, note = self._granted('refund', quantity=quantity, amount=amount, basis='legal')
            note.action_post()
            return remedy

        self.assertEqual(remedies._paid(line, 3), 330)
        refund(2, 220)
        self.assertEqual((remedies._paid(line, 1), remedies._paid(line, 3)), (110, 110))
        part = refund(1, 33)
        self.assertEqual(remedies._paid(line, 1), 77)
        part._reverse('Mistake')
        self.assertEqual(remedies._paid(line, 1), 110)
        refund(1, 110)
        self.assertEqual(remedies._paid(line, 1), 0)

    def test_cents(self):
        """Credit notes are over the amount that was approved to the cent, whatever taxes, discounts and pieces."""
        dice = random.Random(8)
        included, odd = self.env['account.tax'].create(
            [
                {
                    'name': 'In',
                    'amount': 19,
                    'price_include_override': 'tax_included',
                    'company_id': self.company.id,
                },
                {'name': 'Odd', 'amount': 8.875, 'company_id': self.company.id},
            ]
        )
        for taxes in (self.tax, included, odd, self.tax.browse()):
            self.lamp.taxes_id = taxes
            order = self._create_order(self.bob, 0, confirm=False)
            order.order_line = [
                Command.clear(),
                Command.create(
                    {
                        'product_id': self.lamp.id,
                        'product_uom_qty': dice.choice((1, 3, 7)),
                        'price_unit': dice.randint(100, 99999) / 100,
                        'discount': dice.choice((0, 12.5, 33.33)),
                    }
                ),
            ]
            order.action_confirm()
            total = left = self._create_invoice(order).amount_total
            ticket = self._open_ticket(order)
            for _turn in range(3):
                amount = round(total * dice.uniform(0.01, 0.2), 2)
                with self.subTest(taxes=taxes.name, total=total, amount=amount):
                    _remedy, note = self._granted('refund', ticket=ticket, amount=amount)
                    self.assertAlmostEqual(note.amount_total, amount, 2)
                    left -= note.amount_total
            over = self._remedy('refund', ticket=ticket, amount=round(left + 0.01, 2))
            over._grant()
            self.assertEqual(over.state, 'failed')
            _remedy, note = self._granted('refund', ticket=ticket, amount=round(left, 2))
            self.assertAlmostEqual(note.amount_total, left, 2)

    def test_spend_falls_once(self):
        """Spend falls by what was credited without tax, once, and rises again when it is taken back: 300 - 200 - 10."""
        self.company.retail_refund_post = True
        for basis in ('order', 'invoice'):
            with self.subTest(basis=basis):
                self.company.retail_purchase_basis = basis
                order = self._buy(3)
                invoice = self._create_invoice(order)
                ticket = self._open_ticket(order)
                self.assertEqual(self._spend(order, invoice), 300)
                self._granted('refund', ticket=ticket, quantity=2, amount=220)
                self.assertEqual(self._spend(order, invoice), 100)
                part, _note = self._granted('refund', ticket=ticket, quantity=1, amount=11)
                self.assertEqual(self._spend(order, invoice), 90)
                part._reverse('Mistake')
                self.assertEqual(self._spend(order, invoice), 100)
                piece, _note = self._granted('refund', ticket=ticket, quantity=1, amount=110)
                self.assertEqual(self._spend(order, invoice), 0)
                piece._reverse('Mistake')
                self.assertEqual(self._spend(order, invoice), 100)
                remedy, made = self._granted('exchange', ticket=ticket, quantity=1)
                self.assertEqual(self._spend(order, invoice), 100)
                self.assertFalse(self._purchase_of(made))
                remedy._reverse('Mistake')
                self.assertEqual(self._spend(order, invoice), 100)

    def _spend(self, order, invoice):
        """Return what the purchases of an order, its invoice, credit notes and debits add up to."""
        self._process()
        notes = self.env['account.move'].search([('reversed_entry_id', '=', invoice.id)])
        debits = self.env['account.move'].search([('reversed_entry_id', 'in', notes.ids)])
        rows = self._purchase_of(order)
        for move in invoice | notes | debits:
            rows |= self._purchase_of(move)
        return round(sum(rows.mapped('amount')), 2)
