"""Invoices as purchases (basis ``invoice``, design 4.2), and the way from one basis
to the other.
"""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.models.customer import retail_purchase_repair

from .purchase_common import PurchaseCase


@tagged('post_install', '-at_install')
class TestCustomerPurchaseInvoice(PurchaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.retail_purchase_basis = 'invoice'
        cls.company.retail_rebuild_pending = False

    @classmethod
    def _bill(cls, partner, amount, day='2024-03-10', **values):
        """Return a posted invoice of one line without an order."""
        line = {'product_id': cls.goods.id, 'quantity': 1, 'price_unit': amount, 'tax_ids': False}
        invoice = cls.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'partner_id': partner.id,
                'invoice_date': day,
                'invoice_line_ids': [Command.create(line)],
                **values,
            }
        )
        invoice.action_post()
        return invoice

    def _figures(self, partner):
        profile = self._profile_of(partner)
        return profile.order_count, profile.spend_total, profile.last_order_date

    def test_posted_invoice_is_the_purchase(self):
        """Orders and drafts do not count; a posted invoice does, on its own date (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        self._assert_no_purchase(order)
        invoice = order._create_invoices()
        invoice.invoice_date = '2024-04-01'
        self._assert_no_purchase(invoice)
        invoice.action_post()
        self._assert_purchase(
            invoice, amount=100.0, margin=30.0, returned=0.0, counts=True, date=date(2024, 4, 1)
        )
        self._assert_no_purchase(order)
        self.assertEqual(self._figures(self.bob), (1, 100, date(2024, 4, 1)))

    def test_invoice_without_order_and_receipt(self):
        """Sales without an order count, receipts as well; bills of suppliers do not
        (design 4.2).
        """
        invoice = self._bill(self.ann, 80)
        receipt = self._bill(self.ann, 20, move_type='out_receipt')
        bill = self._bill(self.ann, 500, move_type='in_invoice')
        self._assert_purchase(invoice, amount=80.0, partner_id=self.acme)
        self._assert_purchase(receipt, amount=20.0, partner_id=self.acme)
        self._assert_no_purchase(bill)

    def test_invoice_is_net_of_tax(self):
        """Amounts are net of tax (design 4.2)."""
        tax = self.env['account.tax'].create({'name': 'on top', 'amount': 15})
        invoice = self._bill(self.bob, 100)
        invoice.button_draft()
        invoice.invoice_line_ids.tax_ids = tax
        invoice.action_post()
        self.assertAlmostEqual(invoice.amount_total, 115)
        self._assert_purchase(invoice, amount=100.0)

    def test_team_and_seller_of_the_invoice(self):
        """Store, channel and seller are those of the invoice (design 4.2)."""
        store = self.env['crm.team'].create({'name': 'Mall', 'retail_is_store': True})
        invoice = self._bill(self.bob, 10, team_id=store.id, invoice_user_id=self.users['sales'].id)
        counter = self.env.ref('retail_crm.retail_channel_counter')
        self._assert_purchase(
            invoice, store_id=store, channel_id=counter, user_id=self.users['sales']
        )

    def test_credit_note_lowers_its_invoice_at_the_invoices_date(self):
        """A linked credit note belongs to its original document's date (design 4.2)."""
        invoice = self._bill(self.bob, 100, '2024-03-10')
        refund = self._create_refund_on(invoice, '2024-07-20', 30)
        self._assert_purchase(
            invoice, amount=70.0, returned=30.0, margin=21.0, counts=True, date=date(2024, 3, 10)
        )
        self._assert_no_purchase(refund)
        rest = self._create_refund_on(invoice, '2024-08-20', 70)
        self._assert_purchase(invoice, amount=0.0, returned=100.0, margin=0.0, counts=False)
        self.assertEqual(self._figures(self.bob), (0, 0, False))
        rest.button_draft()
        self._assert_purchase(invoice, amount=70.0, counts=True)
        self.assertEqual(self._figures(self.bob), (1, 70, date(2024, 3, 10)))

    def test_standalone_credit_note_lowers_spend_only(self):
        """A credit note of nothing lowers what was spent, at its own date, without being a purchase
        (design 4.2).
        """
        invoice = self._bill(self.bob, 100, '2024-03-10')
        note = self._create_note(30, day='2024-05-01')
        self._assert_purchase(invoice, amount=100.0, returned=0.0)
        self._assert_purchase(
            note, amount=-30.0, margin=-9.0, returned=30.0, counts=False, date=date(2024, 5, 1)
        )
        self.assertEqual(self._figures(self.bob), (1, 70, date(2024, 3, 10)))
        self.assertFalse(self._purchase_of(note).occasion)
        note.button_draft()
        self._assert_no_purchase(note)
        self.assertEqual(self._figures(self.bob), (1, 100, date(2024, 3, 10)))

    def test_credit_note_linked_by_order_lines_only(self):
        """A credit note over order lines belongs to the invoice that bills them (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        invoice = self._create_invoice_on(order, '2024-03-12')
        note = self._create_note(40, order.order_line, day='2024-06-01')
        self.assertFalse(note.reversed_entry_id)
        self._assert_purchase(invoice, amount=60.0, returned=40.0, date=date(2024, 3, 12))
        self._assert_no_purchase(note)
        note.button_draft()
        note.unlink()
        self._assert_purchase(invoice, amount=100.0)

    def test_credit_and_rebill_counts_once(self):
        """Invoiced, credited, billed again: the second invoice is the one purchase (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        first = self._create_invoice_on(order, '2024-03-12')
        self._create_refund_on(first, '2024-03-13')
        again = self._create_invoice_on(order, '2024-03-14')
        self._assert_purchase(first, amount=0.0, returned=100.0, counts=False)
        self._assert_purchase(again, amount=100.0, returned=0.0, counts=True)
        self.assertEqual(self._figures(self.bob), (1, 100, date(2024, 3, 14)))

    def test_reset_to_draft_removes(self):
        """An invoice that is no longer posted is no purchase; posted again it is one
        (design 4.2).
        """
        invoice = self._bill(self.bob, 100)
        self._assert_purchase(invoice, amount=100.0)
        invoice.button_draft()
        self._assert_no_purchase(invoice)
        self.assertFalse(self._profile_of(self.bob))
        invoice.invoice_line_ids.price_unit = 60
        invoice.action_post()
        self._assert_purchase(invoice, amount=60.0)
        invoice.button_cancel()
        self._assert_no_purchase(invoice)

    def test_full_return_at_another_rate_leaves_exactly_nothing(self):
        """What is left of an invoice is valued at the invoice's rate (design 4.2)."""
        invoice = self._bill(self.bob, 99.99, '2024-03-10', currency_id=self.eur.id)
        self._assert_purchase(invoice, amount=199.98, rate_missing=False)
        refund = self._create_refund_on(invoice, '2024-07-20', 49.99)
        self._assert_purchase(invoice, amount=100.0, returned=99.98)
        rest = self._create_refund_on(invoice, '2024-07-21', 50)
        self._assert_purchase(invoice, amount=0.0, returned=199.98, counts=False)
        (refund | rest).button_draft()
        self._assert_purchase(invoice, amount=199.98, counts=True)

    def test_currency_without_any_rate(self):
        """It is taken one to one and flagged (design 4.2)."""
        chf = self.setup_other_currency('CHF')
        invoice = self._bill(self.bob, 100, currency_id=chf.id)
        self._assert_purchase(invoice, amount=100.0, rate_missing=True)

    def test_what_is_left_out_of_orders_is_left_out_of_invoices(self):
        """Marked products, and eWallets as top-up and as payment (design 4.2)."""
        fee = self._create_product('Fee', 20, retail_excluded=True)
        order = self._create_lines(self.bob, (self.goods, 100), (fee, 20), date='2024-03-10')
        self._assert_purchase(self._create_invoice(order), amount=100.0, margin=30.0)
        _program, top_up, card = self._create_ewallet(self.bob, 500)
        filled = self._create_lines(self.bob, (top_up, 50), date='2024-03-10')
        self._assert_purchase(self._create_invoice(filled), amount=0.0, counts=True)
        paid = self._create_order(self.bob, 80, confirm=False)
        self._pay_by_card(paid, card)
        paid.action_confirm()
        invoice = self._create_invoice(paid)
        self.assertAlmostEqual(invoice.amount_untaxed, 0)
        self._assert_purchase(invoice, amount=80.0, margin=24.0)
        self._create_refund(invoice)
        self._assert_purchase(invoice, amount=0.0, returned=80.0, counts=False)

    def test_margin_of_the_category(self):
        """The percentage of the nearest category above, else the company's (design 4.2)."""
        media = self.env['product.category'].create({'name': 'M', 'retail_margin_percent': 40})
        books = self.env['product.category'].create({'name': 'B', 'parent_id': media.id})
        book = self._create_product('Book', 1, categ_id=books.id)
        order = self._create_lines(self.bob, (book, 100), (self.goods, 50), date='2024-03-10')
        invoice = self._create_invoice(order)
        self._assert_purchase(invoice, amount=150.0, margin=55.0)
        self._create_note(30, reversed_entry_id=invoice.id)
        self._assert_purchase(invoice, amount=120.0, margin=44.0)

    def test_visitors_and_own_companies(self):
        """Whoever is never a customer is none by invoice either (design 4.2)."""
        self._assert_no_purchase(self._bill(self.env.ref('base.public_partner'), 10))
        self._assert_no_purchase(self._bill(self.company_2.partner_id, 10))

    def test_invoice_of_a_moved_contact(self):
        """Purchases follow the invoice's commercial partner as it is now (design 4.2)."""
        invoice = self._bill(self.ann, 10)
        self._assert_purchase(invoice, partner_id=self.acme)
        invoice.button_draft()
        invoice.partner_id = self.bob
        invoice.action_post()
        self._assert_purchase(invoice, partner_id=self.bob)
        self.assertFalse(self._profile_of(self.acme))


@tagged('post_install', '-at_install')
class TestCustomerPurchaseBasis(PurchaseCase):
    def setUp(self):
        super().setUp()
        self.patch(retail_purchase_repair, 'REPAIR_BATCH', 5)
        self.cron = self.env.ref('retail_crm.ir_cron_repair_purchases')

    def _run_repair(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def _state(self):
        """Return all rows of purchases and profiles, without their ids."""
        rows = []
        for table in ('retail_purchase', 'retail_profile'):
            self.env.cr.execute(
                f'SELECT to_jsonb(t) - $$id$$ AS row FROM {table} AS t ORDER BY row'
            )
            rows.append(self.env.cr.fetchall())
        return rows

    def _sell(self):
        """Return orders of many kinds: billed, credited, open, another's, a branch's."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.env.user.company_ids |= branch | self.company_2
        orders = self.env['sale.order']
        for number in range(7):
            day = f'2024-03-{10 + number}'
            orders |= self._create_order(self.bob, 100 + number, day)
        for number in (1, 2, 3):
            invoice = self._create_invoice_on(orders[number], f'2024-04-0{number}')
            if number > 1:
                self._create_refund_on(invoice, '2024-05-01', 20 if number == 2 else None)
        elsewhere = self._create_order(self.bob, 7, '2024-03-10', company_id=self.company_2.id)
        at_branch = self._create_order(
            self.bob.with_company(branch), 50, '2024-03-10', company_id=branch.id
        )
        self._process()
        return orders, elsewhere, at_branch

    def test_changing_the_basis_and_back(self):
        """The repair brings every row in line, silently, and back gives the first state (design
        4.1, 4.2).
        """
        orders, elsewhere, at_branch = self._sell()
        self.profiles._refresh()
        before = self._state()
        moments = self.moments.search([])
        (self.company | self.company_2).retail_rebuild_pending = False
        self.company.retail_purchase_basis = 'invoice'
        self.assertTrue(self.company.retail_rebuild_pending)
        self.assertFalse(self.company_2.retail_rebuild_pending)
        self._run_repair()
        self.assertFalse(self.company.retail_rebuild_pending)
        self.assertEqual(self.moments.search([]), moments, 'a rebuild emits nothing')
        for order in orders | at_branch:
            self._assert_no_purchase(order)
        self._assert_purchase(elsewhere, amount=7.0, company_id=self.company_2)
        billed = orders.invoice_ids.filtered(lambda move: move.move_type == 'out_invoice')
        self.assertEqual(
            [self._purchase_of(move).amount for move in billed.sorted('invoice_date')], [101, 82, 0]
        )
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.spend_total), (2, 183))
        self.company.retail_purchase_basis = 'order'
        self._run_repair()
        self.assertEqual(self._state(), before)
        self.assertEqual(self.moments.search([]), moments)

    def test_branches_follow_their_company(self):
        """The setting of the root company holds for its branches (design 4.2)."""
        _orders, _elsewhere, at_branch = self._sell()
        branch = at_branch.company_id
        self.company.retail_purchase_basis = 'invoice'
        self.assertEqual(branch.retail_purchase_basis, 'invoice')
        self._run_repair()
        invoice = at_branch.with_company(branch)._create_invoices()
        invoice.invoice_date = '2024-04-01'
        invoice.action_post()
        self.assertEqual(invoice.company_id, branch)
        self._assert_purchase(invoice, amount=50.0, company_id=self.company)

    def test_request_in_the_middle_of_a_walk(self):
        """A rebuild passes every document, wherever the nightly walk had come to (design 4.2)."""
        orders, _elsewhere, _at_branch = self._sell()
        self.patch(retail_purchase_repair, 'REPAIR_SLICE', 1)
        for _night in range(2):  # leave the walk somewhere beyond the first documents
            self._run_repair()
        self.company.retail_purchase_basis = 'invoice'
        self._run_repair()
        self.assertFalse(self.company.retail_rebuild_pending)
        self.assertFalse(
            self.purchases.search(
                [('res_model', '=', 'sale.order'), ('company_id', '=', self.company.id)]
            )
        )
        self.assertEqual(len(self.purchases.search([('res_id', 'in', orders.invoice_ids.ids)])), 3)

    def test_documents_of_the_other_basis_are_not_purchases(self):
        """Only documents of the basis have facts, whatever moments say (design 4.2)."""
        order = self._create_order(self.bob, 100, '2024-03-10')
        invoice = self._create_invoice(order)
        self._assert_purchase(order, amount=100.0)
        self._assert_no_purchase(invoice)

    def test_only_a_change_asks_for_a_rebuild(self):
        """Saving settings without a change rebuilds nothing (design 4.1)."""
        self.company.retail_rebuild_pending = False
        settings = self.env['res.config.settings'].create({'retail_purchase_basis': 'order'})
        settings.execute()
        self.assertFalse(self.company.retail_rebuild_pending)
        settings = self.env['res.config.settings'].create({'retail_purchase_basis': 'invoice'})
        settings.execute()
        self.assertTrue(self.company.retail_rebuild_pending)
        self.assertEqual(self.company.retail_purchase_basis, 'invoice')
