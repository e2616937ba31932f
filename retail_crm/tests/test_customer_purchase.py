"""Orders as purchases: what of an order counts (basis ``order``, design 4.2)."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .purchase_common import PurchaseCase


@tagged('post_install', '-at_install')
class TestCustomerPurchase(PurchaseCase):
    def test_amount_is_net_of_tax(self):
        """Amounts are net of tax, whether prices include it or not (design 4.2)."""
        Tax = self.env['account.tax']
        above = Tax.create({'name': 'on top', 'amount': 15})
        inside = Tax.create(
            {'name': 'in the price', 'amount': 15, 'price_include_override': 'tax_included'}
        )
        order = self._create_order(self.bob, 100, '2024-03-10', confirm=False)
        order.order_line = [
            Command.update(order.order_line.id, {'tax_ids': above.ids}),
            Command.create({'product_id': self.goods.id, 'price_unit': 23, 'tax_ids': inside.ids}),
        ]
        order.action_confirm()
        self.assertAlmostEqual(order.amount_total, 138)
        self._assert_purchase(order, amount=120.0, returned=0.0, counts=True, margin=36.0)

    def test_quotation_is_no_purchase(self):
        """An order counts once confirmed, not before (design 4.2)."""
        order = self._create_order(self.bob, 100, confirm=False)
        self._assert_no_purchase(order)
        order.action_quotation_sent()
        self._assert_no_purchase(order)
        order.action_confirm()
        self._assert_purchase(order, amount=100.0)

    def test_foreign_amount_is_taken_at_the_rate_of_its_day(self):
        """Amounts are in the company currency at the document's date (design 4.2)."""
        early = self._create_order(self.bob, 100, '2024-03-10', pricelist_id=self.euros.id)
        late = self._create_order(self.bob, 100, '2024-07-10', pricelist_id=self.euros.id)
        self._assert_purchase(early, amount=200.0, margin=60.0, rate_missing=False)
        self._assert_purchase(late, amount=125.0, margin=37.5)
        self.assertEqual(self._purchase_of(late).currency_id, self.company.currency_id)

    def test_full_return_at_another_rate_leaves_exactly_nothing(self):
        """A linked credit note belongs to its document's date, also its rate (design 4.2)."""
        order = self._create_order(self.bob, 99.99, '2024-03-10', pricelist_id=self.euros.id)
        invoice = self._create_invoice_on(order, '2024-03-12')
        self._assert_purchase(order, amount=199.98, returned=0.0)
        refund = self._create_refund_on(invoice, '2024-07-20')
        self.assertNotAlmostEqual(
            sum(refund.invoice_line_ids.mapped('balance')), 199.98, msg='another rate'
        )
        self._assert_purchase(
            order, amount=0.0, returned=199.98, counts=False, date=date(2024, 3, 10)
        )
        self.assertEqual(self._purchase_of(order).amount, 0)

    def test_partial_return_at_another_rate_is_valued_at_the_orders(self):
        """What is left of a foreign order is valued at the order's rate (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10', pricelist_id=self.euros.id)
        invoice = self._create_invoice_on(order, '2024-03-12')
        self._create_refund_on(invoice, '2024-07-20', amount=25)
        self._assert_purchase(order, amount=150.0, returned=50.0, counts=True)

    def test_return_paid_out_in_company_currency(self):
        """A credit note in another currency than the order lowers it by what was paid back (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10', pricelist_id=self.euros.id)
        self._create_invoice_on(order, '2024-03-12')
        self._create_note(
            50, order.order_line, day='2024-07-20', currency_id=self.company.currency_id.id
        )
        self._assert_purchase(order, amount=150.0, returned=50.0)

    def test_partial_return(self):
        """Net = ordered less credited; the margin shrinks in proportion (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        refund = self._create_refund(self._create_invoice(order), 30)
        self._assert_purchase(order, amount=70.0, returned=30.0, margin=21.0, counts=True)
        refund.button_draft()
        self._assert_purchase(order, amount=100.0, returned=0.0, margin=30.0, counts=True)

    def test_full_return_keeps_the_trace(self):
        """A fully returned order keeps its row with what was returned, but is no purchase (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._create_refund(self._create_invoice(order))
        self._assert_purchase(order, amount=0.0, returned=100.0, margin=0.0, counts=False)
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.spend_total), (0, 0))
        self.assertFalse(profile.last_order_date)

    def test_credit_and_rebill_counts_once(self):
        """Ordered 100, invoiced, credited, billed again: still 100; credited again: nothing (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._create_refund(self._create_invoice(order))
        self._assert_purchase(order, amount=0.0, counts=False)
        again = self._create_invoice(order)
        self._assert_purchase(order, amount=100.0, returned=0.0, counts=True)
        self._create_refund(again, 40)
        self._assert_purchase(order, amount=60.0, returned=40.0, counts=True)

    def test_credited_more_than_ordered(self):
        """Net = ordered - max(0, credited - max(0, invoiced - ordered)), also below zero (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._create_refund(self._create_invoice(order), 150)
        self._assert_purchase(order, amount=-50.0, returned=150.0, counts=False)

    def test_billed_more_than_ordered_and_corrected(self):
        """Crediting what was billed beyond the order takes nothing back from the customer (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        invoice = order._create_invoices()
        invoice.invoice_line_ids.price_unit = 130
        invoice.action_post()
        self._assert_purchase(order, amount=100.0)
        self._create_refund(invoice, 30)
        self._assert_purchase(order, amount=100.0, returned=0.0)
        self._create_note(20, order.order_line)
        self._assert_purchase(order, amount=80.0, returned=20.0)

    def test_credit_note_with_a_typed_line_belongs_to_the_invoice_it_reverses(self):
        """A credit note line without an order line follows the reversed invoice to the order
        (design 4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        invoice = self._create_invoice(order)
        note = self._create_note(40, reversed_entry_id=invoice.id)
        self.assertFalse(note.invoice_line_ids.sale_line_ids)
        self._assert_purchase(order, amount=60.0, returned=40.0)

    def test_credit_note_of_nothing_does_not_touch_orders(self):
        """Only a linked credit note lowers an order (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._create_invoice(order)
        note = self._create_note(40)
        self._assert_purchase(order, amount=100.0)
        self._assert_no_purchase(note)

    def test_credit_note_over_lines_of_two_orders(self):
        """Each order is lowered by the lines of its own (design 4.2)."""
        first = self._create_order(self.bob, 100, '2024-03-10')
        second = self._create_order(self.bob, 50, '2024-03-11')
        invoice = (first | second)._create_invoices()
        self.assertEqual(len(invoice), 1)
        invoice.action_post()
        refund = self._create_refund(invoice)
        self._assert_purchase(first, amount=0.0, counts=False)
        self._assert_purchase(second, amount=0.0, returned=50.0, counts=False)
        refund.button_draft()
        refund.invoice_line_ids.filtered(lambda i: i.sale_line_ids.order_id == first).unlink()
        refund.action_post()
        self._assert_purchase(first, amount=100.0, counts=True)
        self._assert_purchase(second, amount=0.0, counts=False)

    def test_credit_note_taken_back_and_deleted_at_once(self):
        """Rows follow also when the credit note is gone before anybody looked at it
        (design 4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        refund = self._create_refund(self._create_invoice(order), 30)
        self._assert_purchase(order, amount=70.0)
        refund.button_draft()
        refund.unlink()
        self._assert_purchase(order, amount=100.0, returned=0.0)

    def test_down_payment_does_not_count(self):
        """Neither the invoice of a down payment nor its credit note moves the purchase (design
        4.2).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        wizard = self.env['sale.advance.payment.inv'].with_context(
            active_model='sale.order', active_ids=order.ids
        )
        wizard.create({'advance_payment_method': 'percentage', 'amount': 30}).create_invoices()
        advance = order.invoice_ids
        self.assertAlmostEqual(advance.amount_untaxed, 30)
        advance.action_post()
        self._assert_purchase(order, amount=100.0, returned=0.0)
        self._create_refund(advance)
        self._assert_purchase(order, amount=100.0, returned=0.0, counts=True)
        invoice = self._create_invoice(order)
        self._assert_purchase(order, amount=100.0)
        self._create_refund(invoice, 10)
        self._assert_purchase(order, amount=90.0, returned=10.0)

    def test_zero_and_negative_orders_count(self):
        """An order counts once confirmed and not fully returned, whatever its amount
        (design 4.2).
        """
        free = self._create_order(self.bob, 0, '2024-03-10')
        back = self._create_order(self.bob, -20, '2024-03-11')
        self._assert_purchase(free, amount=0.0, returned=0.0, counts=True)
        self._assert_purchase(back, amount=-20.0, returned=0.0, counts=True)
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.spend_total), (2, -20))

    def test_cancelled_order_goes(self):
        """A cancelled order has no row; it was an enquiry, so that its customer is a potential purchaser until it is
        deleted (design 4.2; docs/classes.md, Ladder).
        """
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._assert_purchase(order, amount=100.0)
        self.assertTrue(self._profile_of(self.bob))
        order.action_cancel()
        self._assert_no_purchase(order)
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.lifecycle, profile.ladder), ('prospect', 'prospect'))
        self.assertEqual((profile.order_count, profile.spend_total), (0, 0))
        order.action_draft()
        order.action_confirm()
        order.date_order = '2024-03-12'
        self._assert_purchase(order, amount=100.0, date=date(2024, 3, 12))

    def test_edits_after_confirmation_follow(self):
        """Quantity, price, lines, partner, date, team and seller of a confirmed
        order (design 4.1).
        """
        team = self.env['crm.team'].create({'name': 'Mall', 'retail_is_store': True})
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._assert_purchase(order, amount=100.0)
        order.order_line.write({'product_uom_qty': 3, 'price_unit': 100})
        self._assert_purchase(order, amount=300.0)
        order.order_line.price_unit = 50
        self._assert_purchase(order, amount=150.0)
        order.order_line.discount = 50
        self._assert_purchase(order, amount=75.0)
        order.order_line = [Command.create({'product_id': self.goods.id, 'price_unit': 5})]
        self._assert_purchase(order, amount=80.0, margin=24.0)
        order.order_line[1].product_uom_qty = 0
        self._assert_purchase(order, amount=75.0)
        order.partner_id = self.acme
        self._assert_purchase(order, partner_id=self.acme)
        self.assertFalse(self._profile_of(self.bob))
        order.date_order = '2024-02-29 10:00:00'
        self._assert_purchase(order, date=date(2024, 2, 29))
        order.team_id = team
        self._assert_purchase(order, store_id=team)
        order.user_id = self.users['sales']
        self._assert_purchase(order, user_id=self.users['sales'])
        self.assertEqual(self._profile_of(self.acme).spend_total, 75)

    def test_product_of_a_line_changed_for_a_marked_one(self):
        """The purchase follows what the line sells now, though the total stays (design 4.2)."""
        deposit = self._create_product('Deposit', 10, retail_excluded=True)
        order = self._create_order(self.bob, 10, '2024-03-10')
        self._assert_purchase(order, amount=10.0)
        order.order_line.product_id = deposit
        order.order_line.price_unit = 10
        self._assert_purchase(order, amount=0.0)

    def test_nothing_is_written_twice(self):
        """Deriving what is in line already changes nothing and names no customer (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._process()
        row = self._purchase_of(order)
        self.assertEqual(self.purchases._sync({'sale.order': order.ids}), [])
        self.assertEqual(self._purchase_of(order).id, row.id)

    def test_documents_that_are_not_there(self):
        """Ids of deleted documents, and such as never existed, are welcome (design 4.2)."""
        self.assertEqual(self.purchases._sync({}), [])
        self.assertEqual(self.purchases._sync({'sale.order': []}), [])
        self.assertEqual(self.purchases._sync({'sale.order': [2**30], 'account.move': [2**30]}), [])
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._process()
        self.env.cr.execute('DELETE FROM sale_order_line WHERE order_id = %s', order.ids)
        self.env.cr.execute('DELETE FROM sale_order WHERE id = %s', order.ids)
        self.env.invalidate_all()
        self.assertEqual(self.purchases._sync({'sale.order': order.ids}), self.bob.ids)
        self.assertFalse(self._purchase_of(order))

    def test_order_deleted_before_anybody_looked(self):
        """A moment of a document that is gone takes its row away (design 4.1)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._assert_purchase(order, amount=100.0)
        order.action_cancel()
        order.unlink()
        self._process()
        self.assertFalse(self._purchase_of(order))
        failed = self.moments.search([('res_id', '=', order.id), ('state', '!=', 'done')])
        self.assertFalse(failed)

    # === LEFT OUT ===

    def test_marked_product(self):
        """Lines of products marked as no purchase are out, also of what is credited
        (design 4.2).
        """
        delivery = self._create_product('Delivery', 20, retail_excluded=True)
        order = self._create_lines(self.bob, (self.goods, 100), (delivery, 20), date='2024-03-10')
        self._assert_purchase(order, amount=100.0, margin=30.0)
        invoice = self._create_invoice(order)
        fee = order.order_line.filtered(lambda line: line.product_id == delivery)
        self._create_note(20, fee)
        self._assert_purchase(order, amount=100.0, returned=0.0)
        self._create_refund(invoice)
        self._assert_purchase(order, amount=0.0, returned=100.0, counts=False)

    def test_order_of_nothing_but_marked_products(self):
        """It is a confirmed order over nothing (design 4.2)."""
        delivery = self._create_product('Delivery', 20, retail_excluded=True)
        order = self._create_lines(self.bob, (delivery, 20), date='2024-03-10')
        self._assert_purchase(order, amount=0.0, returned=0.0, counts=True)

    def test_archived_marked_product(self):
        """A product stays out when it is no longer sold (design 4.2)."""
        delivery = self._create_product('Delivery', 20, retail_excluded=True)
        order = self._create_lines(self.bob, (self.goods, 100), (delivery, 20))
        delivery.product_tmpl_id.active = False
        self._assert_purchase(order, amount=100.0)

    def test_marked_category_and_those_below(self):
        """Categories marked as no purchase are out with everything below them (design 4.2)."""
        Category = self.env['product.category']
        fees = Category.create({'name': 'Fees', 'retail_excluded': True})
        deposits = Category.create({'name': 'Deposits', 'parent_id': fees.id})
        other = Category.create({'name': 'Other'})
        order = self._create_lines(
            self.bob,
            (self._create_product('Fee', 1, categ_id=fees.id), 1),
            (self._create_product('Deposit', 2, categ_id=deposits.id), 2),
            (self._create_product('Mug', 4, categ_id=other.id), 4),
        )
        self._assert_purchase(order, amount=4.0)

    def test_ewallet_top_up(self):
        """Money put on an eWallet is spent later: topping up is worth nothing (design 4.2)."""
        _program, top_up, _card = self._create_ewallet(self.bob, 0)
        order = self._create_lines(self.bob, (top_up, 50), (self.goods, 10))
        self._assert_purchase(order, amount=10.0, counts=True)

    def test_gift_card_sold(self):
        """A gift card is spent later: buying one is worth nothing (design 4.2)."""
        card = self._create_product('Gift card', 50)
        self.env['loyalty.program'].create(
            {
                'name': 'Gift cards',
                'program_type': 'gift_card',
                'applies_on': 'future',
                'trigger': 'auto',
                'rule_ids': [
                    Command.create(
                        {
                            'product_ids': card.ids,
                            'reward_point_amount': 1,
                            'reward_point_mode': 'money',
                            'reward_point_split': True,
                        }
                    )
                ],
                'reward_ids': [
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount': 1,
                            'discount_mode': 'per_point',
                            'discount_applicability': 'order',
                        }
                    )
                ],
            }
        )
        order = self._create_lines(self.bob, (card, 50))
        self._assert_purchase(order, amount=0.0, counts=True)

    def test_order_paid_by_ewallet(self):
        """An order fully paid by eWallet, worth 0 in core, has its full net amount (design 4.2)."""
        _program, _top_up, card = self._create_ewallet(self.bob, 500)
        order = self._create_order(self.bob, 100, confirm=False)
        self._pay_by_card(order, card)
        order.action_confirm()
        order.date_order = '2024-03-10'
        self.assertAlmostEqual(order.amount_untaxed, 0)
        self._assert_purchase(order, amount=100.0, margin=30.0, counts=True)
        invoice = self._create_invoice(order)
        self._create_refund(invoice)
        self._assert_purchase(order, amount=0.0, returned=100.0, counts=False)

    def test_order_partly_paid_by_archived_ewallet(self):
        """A payment stays a payment when the program has ended (design 4.2)."""
        program, _top_up, card = self._create_ewallet(self.bob, 40)
        order = self._create_order(self.bob, 100, confirm=False)
        self._pay_by_card(order, card)
        order.action_confirm()
        program.active = False
        self.assertAlmostEqual(order.amount_untaxed, 60)
        self._assert_purchase(order, amount=100.0)

    def test_discount_of_a_promotion_counts(self):
        """Only payments are out: a promotion really lowers what was bought (design 4.2)."""
        self.env['loyalty.program'].create(
            {
                'name': '10 percent',
                'program_type': 'promotion',
                'trigger': 'auto',
                'applies_on': 'current',
                'rule_ids': [Command.create({})],
                'reward_ids': [
                    Command.create(
                        {'reward_type': 'discount', 'discount': 10, 'discount_mode': 'percent'}
                    )
                ],
            }
        )
        order = self._create_order(self.bob, 100, confirm=False)
        order._update_programs_and_rewards()
        for card, rewards in order._get_claimable_rewards().items():
            order._apply_program_reward(rewards[:1], card)
        order.action_confirm()
        self.assertAlmostEqual(order.amount_untaxed, 90)
        self._assert_purchase(order, amount=90.0)

    def test_visitors_and_own_companies(self):
        """The public user and the partners of our own companies are never customers
        (design 4.2).
        """
        visitor = self._create_order(self.env.ref('base.public_partner'), 10)
        ourselves = self._create_order(self.company_2.partner_id, 10)
        colleague = self.env['res.partner'].create(
            {'name': 'Colleague', 'parent_id': self.company_2.partner_id.id}
        )
        inside = self._create_order(colleague, 10)
        portal = self._create_order(self.users['portal'].partner_id, 10)
        for order in (visitor, ourselves, inside):
            self._assert_no_purchase(order)
        self._assert_purchase(portal, amount=10.0)
