"""What remedies do in the ERP, once, and how they are taken back (S-TKT-22, R-svc E 2, design 4.2)."""

from datetime import timedelta

from odoo.fields import Command
from odoo.tests import tagged

from .grant_common import GrantCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceVouchers(GrantCommon):
    def _use(self, card, amount, confirm=True):
        """Return an order of Bob on which the coupon is used."""
        order = self._create_order(self.bob, amount, confirm=False)
        status = order._try_apply_code(card.code)
        self.assertNotIn('error', status)
        for coupon, rewards in status.items():
            order._apply_program_reward(rewards[:1], coupon)
        if confirm:
            order.action_confirm()
        return order

    def test_voucher_is_a_coupon_of_its_worth(self):
        """The customer gets a coupon worth the remedy to the cent, valid for the days of the kind; cost at margin 30 %."""
        self.kinds['voucher'].default_days = 10
        remedy, card = self._granted('voucher', amount=12.55, goods=False)
        self.assertEqual(
            (card.partner_id, card.expiration_date),
            (self.bob, self.company._retail_today() + timedelta(days=10)),
        )
        self.assertEqual(remedy.valid_until, card.expiration_date)
        self.assertEqual((remedy.amount, remedy.cost), (12.55, 8.79))  # 12.55 x 0.7 = 8.785
        self.assertEqual(self._use(card, 100).amount_total, 87.45)
        self.assertFalse(card.points)

    def test_voucher_sends_no_mail(self):
        """Coupons are announced by whoever grants them, not by core's template (design 5.2)."""
        template = self.env['mail.template'].create(
            {
                'name': 'Coupon',
                'model_id': self.env['ir.model']._get_id('loyalty.card'),
                'partner_to': '{{ object.partner_id.id }}',
            }
        )
        program = self.env.ref('retail_crm.loyalty_program_remedy')
        program.communication_plan_ids = [
            Command.create({'trigger': 'create', 'mail_template_id': template.id})
        ]
        _remedy, card = self._granted('voucher', amount=5, goods=False)
        self.assertFalse(
            self.env['mail.mail'].search([('model', '=', card._name), ('res_id', '=', card.id)])
        )

    def test_unused_voucher_is_taken_back(self):
        """R-svc E 2: taken back, a voucher that was not used cannot be used any more, and nothing is reported."""
        remedy, card = self._granted('voucher', amount=20, goods=False)
        self.assertEqual(remedy._reverse('Wrong customer'), '')
        self.assertEqual(remedy.state, 'reversed')
        self.assertIn(
            'error', self._create_order(self.bob, 100, confirm=False)._try_apply_code(card.code)
        )

    def test_spent_voucher_is_reported(self):
        """R-svc E 2: what was spent of a voucher is reported when it is taken back; the rest expires."""
        remedy, card = self._granted('voucher', amount=20, goods=False)
        self._use(card, 5)
        self.assertEqual(card.points, 1500)
        self.assertIn('25 %', remedy._reverse('Wrong customer'))
        self.assertFalse(card.points)

    def test_programs_that_cannot(self):
        """A program with a fixed discount gives that and nothing else; without a program it fails and says what to do."""
        kind = self.kinds['voucher']
        kind.company_id = self.company
        kind.program_id = self.env['loyalty.program'].create(
            {
                'name': 'Fixed',
                'program_type': 'coupons',
                'applies_on': 'current',
                'trigger': 'with_code',
                'reward_ids': [
                    Command.clear(),
                    Command.create({'discount': 15, 'discount_mode': 'per_order'}),
                ],
            }
        )
        remedy, card = self._granted('voucher', goods=False)
        self.assertEqual((remedy.amount, card.points), (15, 1))
        wrong = self._remedy('voucher', amount=20, goods=False)
        wrong._grant()
        self.assertEqual(wrong.state, 'failed')
        self.assertIn('15', wrong.error)
        kind.program_id = False
        self.env.ref('retail_crm.loyalty_program_remedy').active = False
        wrong._grant()
        self.assertIn('coupon program', wrong.error)
        self.env.ref('retail_crm.loyalty_program_remedy').active = True
        wrong._grant()  # tried again
        self.assertEqual((wrong.state, wrong.error), ('granted', False))

    def test_ticket_without_customer(self):
        """Nobody gets nothing: a ticket without a customer is told so."""
        ticket = self.env['retail.ticket'].create(
            {
                'subject': 'Who?',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_enquiry').id,
            }
        )
        remedy = self._remedy('voucher', ticket=ticket, amount=5, goods=False)
        remedy._grant()
        self.assertEqual(remedy.state, 'failed')
        self.assertIn('no customer', remedy.error)

    def test_twice_is_once(self):
        """R-svc E 2: a double click grants once."""
        remedy, _card = self._granted('voucher', amount=5, goods=False)
        remedy._grant()
        self.assertEqual(self.bob.loyalty_card_count, 1)


@tagged('post_install', '-at_install', 'retail_crm')
class TestServicePoints(GrantCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.env['loyalty.program'].create(
            {
                'name': 'Points',
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'company_id': cls.company.id,
                'retail_point_value': 0.01,
                'rule_ids': [Command.clear()],
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {'discount_mode': 'per_order', 'discount': 1, 'required_points': 100}
                    ),
                ],
            }
        )

    def test_points_are_an_entry_with_the_remedy_as_source(self):
        """R-svc E 2: points come with a ledger entry; worth by the value of a point, cost at margin 30 %."""
        remedy, entry = self._granted('points', points=300, goods=False)
        self.assertEqual((entry.res_model, entry.res_id), ('retail.remedy', remedy.id))
        self.assertEqual((entry.points, entry.card_id.points), (300, 300))
        self.assertEqual((remedy.amount, remedy.cost), (3, 2.1))
        self.assertEqual(remedy._reverse('Mistake'), '')
        self.assertEqual(entry.card_id.points, 0)
        self.assertEqual(
            sum(
                self.env['retail.points.entry']
                .search([('card_id', '=', entry.card_id.id)])
                .mapped('points')
            ),
            0,
        )

    def test_spent_points_are_owed(self):
        """R-svc E 2: points that were spent are reported when they are taken back, and stay as a debt of the ledger."""
        remedy, entry = self._granted('points', points=300, goods=False)
        order = self._create_order(self.bob, 50, confirm=False)
        order._apply_program_reward(self.program.reward_ids, entry.card_id)
        order.action_confirm()
        self.assertEqual(entry.card_id.points, 200)
        self.assertIn('100 points', remedy._reverse('Mistake'))
        self.assertEqual(entry.card_id.points, -100)

    def test_without_a_program(self):
        """Without a loyalty program the remedy fails with what to do."""
        self.program.active = False
        remedy = self._remedy('points', points=10, goods=False)
        remedy._grant()
        self.assertEqual(remedy.state, 'failed')
        self.assertIn('loyalty program', remedy.error)

    def test_replacement_earns_no_points(self):
        """Design 4.2: an order made by a remedy is no purchase: it earns no points, not even those by the order."""
        self.program.rule_ids = [
            Command.create(
                {'reward_point_mode': 'order', 'reward_point_amount': 7, 'minimum_qty': 0}
            )
        ]
        _remedy, order = self._granted('exchange')
        self.assertFalse(order.coupon_point_ids)
        self.assertFalse(self.env['retail.points.entry'].search([('partner_id', '=', self.bob.id)]))


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceRefunds(GrantCommon):
    def _pay(self, move):
        wizard = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=move.ids
        )
        wizard.create({})._create_payments()

    def test_pieces_are_credited(self):
        """A refund of two of three lamps is a draft credit note over exactly these, at the price paid with tax."""
        remedy, note = self._granted('refund', quantity=2, amount=220)
        self.assertEqual(
            (note.move_type, note.state, note.reversed_entry_id),
            ('out_refund', 'draft', self.invoice),
        )
        self.assertEqual((note.amount_untaxed, note.amount_total), (200, 220))
        self.assertEqual(note.invoice_line_ids.sale_line_ids, self.order.order_line)
        self.assertEqual((remedy.amount, remedy.cost), (220, 200))
        note.action_post()
        self.assertEqual(self.order.order_line.qty_invoiced, 1)

    def test_only_the_line_is_credited(self):
        """Of an invoice with other goods, only the goods of the ticket are credited."""
        order = self._create_lines(self.bob, (self.goods, 10), (self.lamp, 100), (self.vase, 70))
        self._create_invoice(order)
        ticket = self._open_ticket(order)
        line = ticket.line_ids.filtered(lambda row: row.product_id == self.lamp)
        _remedy, note = self._granted('refund', ticket=ticket, line_id=line.id, amount=110)
        self.assertEqual(note.invoice_line_ids.product_id, self.lamp)
        self.assertEqual(note.amount_total, 110)

    def test_part_of_the_price(self):
        """A part of the price leaves the pieces with the customer: nothing is to be invoiced again, the purchase is less."""
        self.company.retail_refund_post = True
        self._process()
        _remedy, note = self._granted('refund', quantity=1, amount=33)
        self.assertEqual((note.state, note.amount_untaxed, note.amount_total), ('posted', 30, 33))
        self.assertEqual(self.order.order_line.qty_invoiced, 3)
        self.assertEqual(self.order.invoice_status, 'invoiced')
        self._process()
        self.assertRecordValues(self._purchase_of(self.order), [{'amount': 270, 'returned': 30}])

    def test_never_more_than_is_left(self):
        """Drafts count: three lamps are credited once, whatever the way, and no cent more than was paid."""
        self._granted('refund', quantity=2, amount=220)
        _part, _note = self._granted('refund', quantity=1, amount=10)
        over = self._remedy('refund', quantity=2, amount=220)
        over._grant()
        self.assertEqual(over.state, 'failed')
        self.assertIn('Only 1 pieces', over.error)
        over = self._remedy('refund', quantity=1, amount=105)
        over._grant()
        self.assertIn('100', over.error)  # 330 - 220 - 10
        _rest, note = self._granted('refund', quantity=1, basis='legal')
        self.assertEqual(note.amount_total, 100)
        last = self._remedy('refund', quantity=1, amount=1)
        last._grant()
        self.assertEqual(last.state, 'failed')

    def test_other_currency(self):
        """The amount is in the company's currency, the credit note in the invoice's."""
        order = self._buy(1, pricelist_id=self.euros.id)
        order.order_line.price_unit = 80
        self._create_invoice(order)
        ticket = self._open_ticket(order)
        rate = order.currency_rate
        _remedy, note = self._granted('refund', ticket=ticket, amount=11)
        self.assertEqual(note.currency_id, self.eur)
        self.assertAlmostEqual(note.amount_total, 11 * rate, places=2)

    def test_not_invoiced(self):
        """Without an invoice there is nothing to credit: the remedy says what to do."""
        order = self._buy(1)
        remedy = self._remedy('refund', ticket=self._open_ticket(order), amount=110)
        remedy._grant()
        self.assertEqual(remedy.state, 'failed')
        self.assertIn('no posted invoice', remedy.error)

    def test_taken_back(self):
        """A draft is cancelled, a posted one debited; then the goods may be credited again, and the purchase is whole."""
        remedy, note = self._granted('refund', quantity=3, amount=330)
        self.assertEqual(remedy._reverse('Kept after all'), '')
        self.assertEqual(note.state, 'cancel')
        self.company.retail_refund_post = True
        remedy, note = self._granted('refund', quantity=3, amount=330)
        self._process()
        self.assertFalse(self._purchase_of(self.order).counts)
        self.assertEqual(remedy._reverse('Kept after all'), '')
        debit = self.env['account.move'].search([('reversed_entry_id', '=', note.id)])
        self.assertEqual((debit.state, debit.amount_total), ('posted', 330))
        self.assertEqual((note.amount_residual, debit.amount_residual), (0, 0))
        self.assertEqual(self.invoice.amount_residual, 330)
        self.assertEqual(self.order.order_line.qty_invoiced, 3)
        self._process()
        self.assertRecordValues(self._purchase_of(self.order), [{'amount': 300, 'counts': True}])
        self._granted('refund', quantity=1, amount=50)

    def test_paid_out_is_reported(self):
        """What was paid out already is owed by the customer: that is reported, the payment stays."""
        self._pay(self.invoice)
        self.company.retail_refund_post = True
        remedy, note = self._granted('refund', quantity=1, amount=110)
        self._pay(note)
        self.assertIn(note.payment_state, ('paid', 'in_payment'))
        self.assertIn('owes', remedy._reverse('Mistake'))
        self.assertIn(note.payment_state, ('paid', 'in_payment'))

    def test_error_of_core_is_shown(self):
        """An error of Odoo ends as a failed remedy with its words, and leaves no half of a document."""
        self.company.retail_refund_post = True
        remedy = self._remedy('refund', quantity=1, amount=110)
        self.invoice.journal_id.default_account_id.active = False
        self.invoice.line_ids.account_id.filtered(
            lambda account: account.account_type == 'income'
        ).active = False
        before = self.env['account.move'].search_count([])
        remedy._grant()
        self.assertEqual(remedy.state, 'failed')
        self.assertTrue(remedy.error)
        self.assertEqual(self.env['account.move'].search_count([]), before)


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceReplacements(GrantCommon):
    def test_exchange_is_no_purchase(self):
        """Design 4.2: the replacement is a confirmed order at 0, linked to ticket and first order, that does not count."""
        remedy, order = self._granted('exchange', quantity=1)
        self._process()
        self.assertRecordValues(
            order,
            [
                {
                    'state': 'sale',
                    'amount_total': 0,
                    'partner_id': self.bob.id,
                    'retail_remedy_id': remedy.id,
                }
            ],
        )
        self.assertEqual(order.origin, f'{self.ticket.name}, {self.order.name}')
        self.assertEqual(order.order_line.product_uom_qty, 1)
        self.assertFalse(self._purchase_of(order))
        self.assertEqual(self._profile_of(self.bob).order_count, 1)
        self.assertEqual((remedy.amount, remedy.cost), (0, 40))

    def test_other_article(self):
        """Defaults 16: of another article the difference counts; what the remedy does not waive the customer pays."""
        _remedy, order = self._granted('exchange', quantity=1, product_id=self.vase.id, amount=40)
        self.assertEqual(order.amount_total, 0)  # 150 - 110 = 40
        _remedy, order = self._granted('exchange', quantity=1, product_id=self.vase.id, amount=10)
        self.assertEqual(order.amount_total, 30)
        self._process()
        self.assertFalse(self._purchase_of(order))

    def test_invoice_of_a_replacement_is_no_purchase(self):
        """Design 4.2: neither where invoices are the purchases; one that bills other goods, too, counts."""
        self.company.retail_purchase_basis = 'invoice'
        self._no_rebuild()
        _remedy, order = self._granted('exchange', quantity=1, product_id=self.vase.id)
        bill = self._create_invoice(order)
        self._process()
        self.assertEqual(bill.amount_total, 40)
        self.assertFalse(self._purchase_of(bill))
        _remedy, order = self._granted('exchange', quantity=1, product_id=self.vase.id)
        both = self._create_invoice(order + self._buy(1))
        self._process()
        self.assertEqual(len(both), 1)
        self.assertTrue(self._purchase_of(both).counts)

    def test_repair_and_gift(self):
        """A repair is an order of the repair service that names the goods, a gift one of the gift; both cost nothing."""
        _remedy, order = self._granted('repair', quantity=1)
        self.assertEqual(order.amount_total, 0)
        self.assertIn('Lamp', order.order_line.name)
        self.assertEqual(order.order_line.product_id.type, 'service')
        self.kinds['gift'].product_id = self.vase
        remedy, order = self._granted('gift', goods=False)
        self.assertEqual((order.order_line.product_id, order.amount_total), (self.vase, 0))
        # 150 in the shop; the cost is not known: 150 x 0.7
        self.assertEqual((remedy.amount, remedy.cost), (150, 105))

    def test_taken_back_until_delivered(self):
        """A replacement is cancelled as long as nothing was delivered; then that is reported."""
        remedy, order = self._granted('exchange', quantity=1)
        self.assertEqual(remedy._reverse('Came back'), '')
        self.assertEqual(order.state, 'cancel')
        remedy, order = self._granted('exchange', quantity=1)
        order.order_line.qty_delivered = 1
        self.assertIn('delivered', remedy._reverse('Came back'))
        self.assertEqual(order.state, 'sale')

    def test_staff_without_sales_rights(self):
        """Who handles requests need not be a sales person or an accountant."""
        staff = self.users['user']
        for method, values in {
            'exchange': {'quantity': 1},
            'refund': {'quantity': 1, 'amount': 110},
            'voucher': {'amount': 5},
        }.items():
            remedy = self._remedy(method, **values)
            remedy.with_user(staff).sudo()._grant()
            self.assertEqual(remedy.state, 'granted', remedy.error)

    def test_merged_customers(self):
        """Remedies, their coupons and orders follow the customer when contacts are merged."""
        remedy, card = self._granted('voucher', amount=5, goods=False)
        _exchange, order = self._granted('exchange', quantity=1)
        other = self.env['res.partner'].create({'name': 'Bob again'})
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.bob + other).ids, dst_partner=other
        )
        self.env.invalidate_all()
        self.assertEqual(
            (remedy.partner_id, card.partner_id, order.partner_id), (other, other, other)
        )
        self.assertEqual(self.ticket.partner_id, other)
        self.assertFalse(self._purchase_of(order))
