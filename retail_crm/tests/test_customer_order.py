"""What orders and invoices announce, what it costs them, and the customer card on the order."""

from unittest.mock import patch

from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class OrderCommon(RetailCrmCommon):
    def setUp(self):
        super().setUp()
        self._end_transaction()

    def _told(self):
        """Return ``[(kind, document)]`` announced since the last call, in order, as a commit would see it."""
        self.env.flush_all()
        moments = self.moments.search([('state', '=', 'pending')], order='id')
        told = [
            (moment.kind, self.env[moment.res_model].browse(moment.res_id)) for moment in moments
        ]
        moments.sudo().unlink()
        self._end_transaction()
        return told


@tagged('post_install', '-at_install', 'retail_crm')
class TestOrderMoments(OrderCommon):
    def test_confirm_announces_one_purchase(self):
        """Confirming an order is one moment, and nothing else (design 4.1)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self._told()
        order.action_confirm()
        self.assertEqual(self._told(), [('purchase', order)])

    def test_first_quotation_is_told_once(self):
        """A quotation for somebody without profile is one look at him, later ones are nothing (docs/classes.md, Ladder)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self.assertEqual(self._told(), [('purchase_changed', order)])
        self.moments._emit('purchase_changed', order)
        self._process()
        self.assertEqual(self._profile_of(self.bob).ladder, 'prospect')
        self._told()
        self._create_order(self.bob, 10, confirm=False)
        self.assertEqual(self._told(), [])

    def test_quotation_confirmed_at_once(self):
        """Made and confirmed in one go, as in a shop: the look at a stranger, then the purchase (design 4.1)."""
        order = self._create_order(self.bob, 10)
        self.assertEqual(self._told(), [('purchase_changed', order), ('purchase', order)])

    def test_deleted_quotation_is_told(self):
        """A deleted quotation is a look at its customer: there may be nothing of him left (docs/classes.md, Ladder)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self._process()
        self.assertEqual(self._profile_of(self.bob).ladder, 'prospect')
        self._told()
        order.unlink()
        self.assertEqual(self._told(), [('partner_changed', self.bob)])
        buyer = self._create_order(self.acme, 10)
        other = self._create_order(self.acme, 10, confirm=False)
        self._process()
        self._told()
        other.unlink()
        self.assertEqual(self._told(), [], 'who bought stays what he is')
        self.assertTrue(buyer.exists())

    def test_new_portal_account_is_told(self):
        """A portal account is a look at its contact, an employee's is none (docs/classes.md, Ladder)."""
        client = new_test_user(self.env, login='client', groups='base.group_portal')
        told = self._told()
        self.assertIn(('partner_changed', client.partner_id), told)
        client.active = False
        self.assertIn(('partner_changed', client.partner_id), self._told())
        client.signature = 'Somebody'
        self.assertNotIn(('partner_changed', client.partner_id), self._told())
        clerk = new_test_user(self.env, login='clerk', groups='base.group_user')
        self._process()
        self.assertFalse(self._profile_of(clerk.partner_id))

    def test_confirm_many_announces_each(self):
        """A batch of orders: one purchase each (design 4.1)."""
        orders = self.env['sale.order'].concat(
            *(self._create_order(self.bob, n, confirm=False) for n in range(1, 6))
        )
        self._told()
        orders.action_confirm()
        self.assertEqual(self._told(), [('purchase', order) for order in orders])

    def test_quotations_are_silent(self):
        """Editing, sending and cancelling a quotation announces nothing (design 4.1)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self._told()
        order.order_line.price_unit = 12
        order.write({'date_order': '2026-01-01'})
        order.action_quotation_sent()
        order._action_cancel()
        order.action_draft()
        self.assertEqual(self._told(), [])

    def test_quotation_for_somebody_else_is_told(self):
        """A quotation that gets another customer, as a cart at log-in, makes that one a prospect (docs/classes.md, Ladder)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self._process()
        order.partner_id = self.ann
        self._process()
        self.assertFalse(self._profile_of(self.bob))
        self.assertEqual(self._profile_of(self.acme).ladder, 'prospect', "ann's company")

    def test_carts_of_visitors_are_silent(self):
        """Quotations of visitors and suppliers announce nothing, however many there are (design 4.2)."""
        visitor = self.env.ref('base.public_user').partner_id
        supplier = self.env['res.partner'].create({'name': 'Mill', 'retail_customer': False})
        self._told()
        self._create_order(visitor, 10, confirm=False)
        self._create_order(supplier, 10, confirm=False)
        self.assertEqual(self._told(), [])

    def test_edit_of_a_confirmed_order_is_told(self):
        """Changed amounts of a confirmed order are told, once in a transaction (design 4.1)."""
        order = self._create_order(self.bob, 10)
        self._told()
        order.order_line.price_unit = 12
        order.order_line.product_uom_qty = 3
        self.assertEqual(self._told(), [('purchase_changed', order)])
        order.order_line = [
            Command.create({'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 5})
        ]
        self.assertEqual(self._told(), [('purchase_changed', order)])
        order.order_line[-1].product_uom_qty = 0
        self.assertEqual(self._told(), [('purchase_changed', order)])

    def test_who_when_and_where_is_told(self):
        """Another customer, day, store or seller of a confirmed order is told (design 4.1)."""
        team = self.env['crm.team'].create({'name': 'Shop', 'retail_is_store': True})
        order = self._create_order(self.bob, 10)
        self._told()
        for values in (
            {'partner_id': self.ann.id},
            {'date_order': '2026-03-01 10:00:00'},
            {'team_id': team.id},
            {'user_id': self.users['sales'].id},
        ):
            with self.subTest(values=values):
                order.write(values)
                self.assertEqual(self._told(), [('purchase_changed', order)])
        self._process()
        self.moments._emit('purchase_changed', order)
        self._process()
        purchase = self._purchase_of(order)
        self.assertEqual((purchase.partner_id, purchase.store_id), (self.acme, team))

    def test_other_fields_are_not_told(self):
        """A note or a reference is no change of the purchase (design 4.1)."""
        order = self._create_order(self.bob, 10)
        self._told()
        order.write({'client_order_ref': 'X', 'note': 'please'})
        self.assertEqual(self._told(), [])

    def test_cancel_is_told_and_removes_the_purchase(self):
        """A cancelled order is no purchase; confirmed again it is one (design 4.1, 4.2)."""
        order = self._create_order(self.bob, 10)
        self._process()
        order._action_cancel()
        self.assertIn(('cancel', order), self._told())
        self.moments._emit('cancel', order)
        self._process()
        self.assertFalse(self._purchase_of(order))
        order.action_draft()
        self.assertEqual(self._told(), [])
        order.action_confirm()
        self.assertEqual(self._told(), [('purchase', order)])

    def test_confirm_returns_what_core_returns(self):
        """The caller gets core's answer: True, or the note that rewards are available (design 4.1)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self.assertIs(order.action_confirm(), True)
        self.env['loyalty.program'].create(
            {
                'name': 'A tenth',
                'program_type': 'promotion',
                'trigger': 'auto',
                'applies_on': 'current',
                'rule_ids': [Command.create({'minimum_amount': 1})],
                'reward_ids': [
                    Command.create(
                        {'reward_type': 'discount', 'discount': 10, 'discount_mode': 'percent'}
                    )
                ],
            }
        )
        order = self._create_order(self.bob, 10, confirm=False)
        answer = order.action_confirm()
        self.assertIsInstance(answer, dict)
        self.assertEqual(answer['tag'], 'display_notification')
        self.assertIn(('purchase', order), self._told())

    def test_new_lines_through_the_form(self):
        """A clerk edits a confirmed order in the form: the purchase follows (design 4.1)."""
        order = self._create_order(self.bob, 10)
        self._process()
        with Form(order) as form, form.order_line.edit(0) as line:
            line.product_uom_qty = 4
        self._process()
        self.assertEqual(self._purchase_of(order).amount, 40)


@tagged('post_install', '-at_install', 'retail_crm')
class TestOrderCosts(OrderCommon):
    """What the sale pays for us (design 8): 2 queries for one order, 0.1 an order in a batch of 200."""

    def _confirm_cost(self, number, emit):
        """Return the queries of confirming fresh orders, with or without our announcing."""
        order_values = {
            'partner_id': self.bob.id,
            'order_line': [
                Command.create(
                    {'product_id': self.goods.id, 'product_uom_qty': 1, 'price_unit': 10}
                )
            ],
        }
        orders = self.env['sale.order'].create([order_values] * number)
        self._end_transaction()
        self.env.invalidate_all()

        def confirm():
            before = self.cr.sql_log_count
            orders.action_confirm()
            self.env.flush_all()
            return self.cr.sql_log_count - before

        if emit:
            return confirm()
        nothing = self.moments.browse()
        with patch.object(type(self.moments), '_emit', lambda moments, kind, records: nothing):
            return confirm()

    def test_one_order(self):
        """At most two queries more for one order (design 8)."""
        self._confirm_cost(1, True)
        self.assertLessEqual(self._confirm_cost(1, True) - self._confirm_cost(1, False), 2)

    def test_batch(self):
        """At most 0.1 query an order more in a batch (design 8: of 200; half of it here, for speed)."""
        self._confirm_cost(1, True)
        without = self._confirm_cost(100, False)
        self.assertLessEqual(self._confirm_cost(100, True) - without, 100 * 0.1)


@tagged('post_install', '-at_install', 'retail_crm')
class TestInvoiceMoments(OrderCommon):
    def test_invoice_of_an_order(self):
        """On the basis of orders a posted invoice changes at most a purchase (design 4.2)."""
        order = self._create_order(self.bob, 10)
        self._told()
        invoice = self._create_invoice(order)
        kinds = {kind for kind, document in self._told() if document._name == 'account.move'}
        self.assertLessEqual(kinds, {'purchase_changed'})
        invoice.button_draft()
        told = self._told()
        self.assertIn(('purchase_changed', invoice), told)

    def test_invoice_basis_makes_invoices_purchases(self):
        """On the basis of invoices the posted invoice is the purchase (design 4.2)."""
        self.company.retail_purchase_basis = 'invoice'
        order = self._create_order(self.bob, 10)
        self._told()
        invoice = self._create_invoice(order)
        self.assertIn(('purchase', invoice), self._told())

    def test_credit_note_is_a_refund(self):
        """A posted credit note is a refund, and lowers the purchase of its order (design 4.1, 4.2)."""
        order = self._create_order(self.bob, 10)
        invoice = self._create_invoice(order)
        self._process()
        self._told()
        refund = self._create_refund(invoice, 4)
        told = self._told()
        self.assertIn(('refund', refund), told)
        self.moments._emit('refund', refund)
        self._process()
        self.assertEqual(self._purchase_of(order).amount, 6)

    def test_credit_note_reset_and_deleted(self):
        """A credit note that is reset to draft and deleted has not happened (design 4.2)."""
        order = self._create_order(self.bob, 10)
        refund = self._create_refund(self._create_invoice(order), 4)
        self._process()
        refund.button_draft()
        refund.with_context(force_delete=True).unlink()
        self._process()
        self.assertEqual(self._purchase_of(order).amount, 10)

    def test_vendor_bills_are_silent(self):
        """What we buy is nobody's purchase (design 4.1)."""
        bill = self.env['account.move'].create(
            {
                'move_type': 'in_invoice',
                'partner_id': self.bob.id,
                'invoice_date': '2026-01-10',
                'invoice_line_ids': [
                    Command.create({'name': 'Flour', 'price_unit': 10, 'tax_ids': False})
                ],
            }
        )
        bill.action_post()
        bill.button_draft()
        self.assertEqual(self._told(), [])

    def test_payment_is_told(self):
        """A paid invoice is announced as paid (design 3)."""
        invoice = self._create_invoice(self._create_order(self.bob, 10))
        self._told()
        wizard = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        wizard.create({}).action_create_payments()
        if invoice.payment_state in ('paid', 'in_payment'):
            self.assertIn(('paid', invoice), self._told())


@tagged('post_install', '-at_install', 'retail_crm')
class TestOrderCard(OrderCommon):
    def test_card_shows_the_customer_in_the_company_of_the_order(self):
        """The card shows the figures that the customer has in the order's company, whatever company the user is in."""
        here = self._create_order(self.ann, 10)
        there = self._create_order(self.ann, 70, company_id=self.company_2.id)
        self._process()
        self.env.invalidate_all()
        both = (here + there).with_context(allowed_company_ids=(self.company + self.company_2).ids)
        self.assertEqual(both.mapped('retail_spend_12m'), [10, 70])
        self.assertEqual(both.mapped('retail_order_count'), [1, 1])
        self.assertEqual(both[0].retail_profile_id, self._profile_of(self.acme))
        self.assertEqual(both[1].retail_profile_id, self._profile_of(self.acme, self.company_2))
        self.assertEqual(both[1].retail_currency_id, self.company_2.currency_id)

    def test_card_of_a_quotation_for_somebody_new(self):
        """No purchase yet: no card, no error; it follows the customer in the form (design 5.1)."""
        self._create_order(self.bob, 10)
        self._process()
        with Form(self.env['sale.order']) as form:
            self.assertFalse(form.retail_profile_id)
            form.partner_id = self.bob
            self.assertEqual(form.retail_profile_id, self._profile_of(self.bob))
            self.assertEqual(form.retail_spend_12m, 10)
            form.partner_id = self.acme
            self.assertFalse(form.retail_profile_id)

    def test_card_in_one_query(self):
        """The card of many orders is one query (design 8)."""
        orders = self.env['sale.order'].concat(
            *(self._create_order(self.bob, n) for n in range(1, 21))
        )
        self._process()
        self.env.invalidate_all()
        orders.mapped('partner_id.commercial_partner_id.name')
        orders.mapped('company_id.root_id.currency_id.name')
        with self.assertQueryCount(1):
            orders.mapped('retail_spend_12m')

    def test_sellers_and_staff_see_the_card(self):
        """The card opens for sales people and for our staff (design 7)."""
        order = self._create_order(self.bob, 10, user_id=self.users['sales'].id)
        self._process()
        seller = order.with_user(self.users['sales'])
        self.assertEqual(seller.web_read({'retail_spend_12m': {}})[0]['retail_spend_12m'], 10)
        self.assertIn('retail_card', seller.get_view(view_type='form')['arch'])

    #: What an order shows of its customer.
    SHOWN = (
        'retail_profile_id',
        'retail_spend_12m',
        'retail_order_count',
        'retail_lifecycle',
        'retail_churn_reason',
        'retail_note',
        'retail_file_line',
        'retail_need_text',
        'retail_remark',
        'retail_customer_kind',
        'retail_contact_warning',
        'retail_tier_text',
    )

    def _onchange(self, user, values):
        """Return what the form of a new order shows, asked as a browser asks."""
        orders = self.env['sale.order'].with_user(user).with_context(allowed_company_ids=None)
        spec = {name: {} for name in ('partner_id', 'company_id', *self.SHOWN)}
        answer = call_kw(orders, 'onchange', [[], values, list(values), spec], {})
        return {name: answer['value'].get(name) for name in self.SHOWN}

    def _known_stranger(self):
        """Return a contact of the second company of whom there is something to show in each field."""
        need = self.env['retail.preference'].create({'name': 'Ramp', 'kind': 'need'})
        stranger = self.env['res.partner'].create(
            {
                'name': 'Stranger',
                'company_id': self.company_2.id,
                'comment': '<p>Secret note</p>',
                'retail_remark': 'Secret remark',
                'retail_salutation': 'Ms Secret',
                'retail_preference_ids': need.ids,
            }
        )
        sms = self.env.ref('retail_crm.retail_channel_sms')
        self.env['retail.consent']._record(
            stranger, {('service', sms): False}, 'shop', company=self.company_2
        )
        for company in self.company + self.company_2:
            order = self.env['sale.order'].with_company(company)
            order = order.with_context(allowed_company_ids=(company + self.company_2).ids)
            values = {'product_id': self.goods.id, 'price_unit': 70}
            order.create(
                {
                    'partner_id': stranger.id,
                    'company_id': self.company_2.id,
                    'order_line': [Command.create(values)],
                }
            ).action_confirm()
        self._process()
        self.env.invalidate_all()
        return stranger

    def test_a_new_order_tells_nothing_of_another_company(self):
        """Whatever customer and company a client names for a new order: what the user may not see stays empty (S-SEC-02)."""
        stranger = self._known_stranger()
        for company in self.company + self.company_2:
            values = {'partner_id': stranger.id, 'company_id': company.id}
            with self.subTest(company=company.name):
                shown = self._onchange(self.users['sales'], values)
                self.assertFalse([name for name, value in shown.items() if value])
        own = {'partner_id': self.bob.id, 'company_id': self.company_2.id}
        self.bob.retail_remark = 'Drinks tea'
        self.assertFalse(any(self._onchange(self.users['sales'], own).values()))
        own['company_id'] = self.company.id
        self.assertEqual(self._onchange(self.users['sales'], own)['retail_remark'], 'Drinks tea')

    def test_a_new_order_tells_those_of_the_company(self):
        """The same order entered by a seller of that company shows it all, whoever asked before (S-CUS-24)."""
        stranger = self._known_stranger()
        values = {'partner_id': stranger.id, 'company_id': self.company_2.id}
        self._onchange(self.users['sales'], values)
        seller = new_test_user(
            self.env,
            login='retail_seller_2',
            groups='sales_team.group_sale_salesman',
            company_id=self.company_2.id,
            company_ids=self.company_2.ids,
        )
        shown = self._onchange(seller, values)
        self.assertEqual(shown['retail_remark'], 'Secret remark')
        self.assertEqual(shown['retail_need_text'], 'Ramp')
        self.assertEqual(shown['retail_spend_12m'], 140)
        self.assertEqual(shown['retail_customer_kind'], 'returning')
        self.assertEqual(shown['retail_contact_warning'], 'Refused: Service: SMS.')

    def test_card_for_a_seller_in_few_queries(self):
        """Looking whose cards a seller may see costs no query an order (design 8)."""
        orders = self.env['sale.order'].concat(
            *(
                self._create_order(partner, n, user_id=self.users['sales'].id)
                for n, partner in enumerate((self.bob, self.ann, self.acme) * 5, 1)
            )
        )
        self._process()

        def queries(records):
            self.env.invalidate_all()
            records = records.with_user(self.users['sales']).with_prefetch(records.ids)
            records.mapped('partner_id.commercial_partner_id.name')
            records.mapped('company_id.root_id.currency_id.name')
            start = self.cr.sql_log_count
            records.mapped('retail_spend_12m')
            records.mapped('retail_remark')
            records.mapped('retail_contact_warning')
            return self.cr.sql_log_count - start

        queries(orders)
        self.assertEqual(queries(orders), queries(orders[:1]))
        self.assertLessEqual(queries(orders), 2)
