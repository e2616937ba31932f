from datetime import timedelta
from itertools import permutations

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.models.care.retail_basket import FILLED

from .send_common import NOON, TODAY, SendCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareSuggestion(SendCommon):
    @classmethod
    def setUpClass(cls):
        cls.startClassPatcher(freeze_time(NOON))
        super().setUpClass()
        cls.category = cls.env['product.category'].create({'name': 'Tea'})
        cls.pairs = cls.env['retail.product.pair']
        cls.tea, cls.pot, cls.cup, cls.tray = (
            cls._create_product(name, price, categ_id=cls.category.id)
            for name, price in (('Leaves', 10), ('Pot', 40), ('Cup', 5), ('Tray', 55))
        )
        cls._count()
        cls._sell(cls.bob, cls.tea, cls.pot)
        cls._sell(cls.bob, cls.tea, cls.pot, cls.tray)
        cls._sell(cls.acme, cls.goods)
        cls._count()
        cls._process()

    @classmethod
    def _sell(cls, customer, *products, days=1, confirm=True):
        order = cls.env['sale.order'].create(
            {
                'partner_id': customer.id,
                'order_line': [Command.create({'product_id': one.id}) for one in products],
            }
        )
        if confirm:
            order.action_confirm()
            order.date_order = NOON - timedelta(days=days)
        return order

    @classmethod
    def _count(cls):
        cls._process()
        while cls.env['retail.basket']._fill() is not None:
            pass
        while ids := cls.pairs._due_ids():
            cls.pairs._count(ids)

    def _together(self, one, other):
        return sum(
            self.pairs.search(
                [
                    ('company_id', '=', self.company.id),
                    ('product_id', '=', one.id),
                    ('other_id', '=', other.id),
                ]
            ).mapped('together')
        )

    def _suggested(self, customer, order=None, limit=20):
        return {
            row.product: (row.kind, row.reason)
            for row in customer._retail_suggestions(limit, order)
        }

    def test_pairs_by_what_changed(self):
        """Pairs count orders with both products; changes count the difference, and counting anew gives the same (S-MKT-01)."""
        self.assertEqual(self._together(self.tea, self.pot), 2)
        self.assertEqual(self._together(self.pot, self.tea), 2)
        self.assertEqual(self._together(self.tea, self.tea), 2)
        self.assertEqual(self._together(self.tray, self.cup), 0)
        self.assertFalse(self.pairs._due_ids())
        order = self._sell(self.cara, self.cup, self.tray)
        order.order_line[0].product_id = self.pot
        self.assertFalse(self.pairs._due_ids())
        self._count()
        self.assertEqual(self._together(self.pot, self.tray), 2)
        order._action_cancel()
        self._count()
        self.assertEqual(self._together(self.pot, self.tray), 1)
        before = self._all_pairs()
        since = NOON - timedelta(days=365)
        orders = self.env['sale.order'].search(
            [
                ('state', '=', 'sale'),
                ('date_order', '>=', since),
                ('company_id', 'child_of', self.company.id),
            ]
        )
        expected = 0
        for one in orders:
            goods = set(one.order_line.product_id.ids)
            expected += (self.tea.id, self.pot.id) in permutations(goods, 2)
        self.pairs._rebuild()
        self._count()
        self.assertEqual(self._all_pairs(), before)
        self.assertEqual(self._together(self.tea, self.pot), expected)
        pair = self.pairs.search(
            [('product_id', '=', self.tray.id), ('other_id', '=', self.tea.id)]
        )
        total = self.pairs._basket_count(self.company)
        self.assertAlmostEqual(pair.lift, 1 * total / (1 * 2))
        self.assertEqual(pair.share, 100)

    def _all_pairs(self):
        rows = self.pairs.search([('together', '!=', 0)])
        return {(one.company_id, one.product_id, one.other_id): one.together for one in rows}

    def test_orders_before_the_add_on(self):
        """Orders of the past year are counted once, month by month, going on where it was stopped (design 8)."""
        baskets = self.env['retail.basket']
        for days in (1, 200, 364, 370):
            self._sell(self.cara, self.cup, self.tray, days=days)
        self._process()
        orders = self.env['sale.order'].search([('partner_id', '=', self.cara.id)])
        baskets.search([('order_id', 'in', orders.ids)]).unlink()
        self.env['ir.config_parameter'].sudo().set_param(FILLED, False)
        for _month in range(4):
            baskets._fill()
        self.assertEqual(baskets.search_count([('order_id', 'in', orders.ids)]), 1)
        self._count()
        self.assertEqual(self._together(self.cup, self.tray), 3)
        self.assertIsNone(baskets._fill())
        self._count()
        self.assertEqual(self._together(self.cup, self.tray), 3)

    def test_marked_by_moments(self):
        """Invoices and credit notes have their orders looked at again; quotations have no basket (S-MKT-01)."""
        baskets = self.env['retail.basket']
        quotation = self._sell(self.cara, self.tea, confirm=False)
        order = self._sell(self.cara, self.tea, self.pot)
        self._count()
        order._create_invoices().action_post()
        self._process()
        self.assertFalse(self.moments.search([('listener', '=', 'retail.basket')]))
        self.assertEqual(self.pairs._due_ids(), order.ids)
        baskets._mark((quotation | order).ids)
        self._count()
        self.assertFalse(baskets.search([('order_id', '=', quotation.id)]))
        self.assertEqual(self._together(self.tea, self.pot), 3)

    def test_deleted_order(self):
        """An order that was cancelled and deleted at once leaves nothing behind."""
        order = self._sell(self.cara, self.tea, self.pot)
        self._count()
        self.assertEqual(self._together(self.tea, self.pot), 3)
        basket = self.env['retail.basket'].search([('order_id', '=', order.id)])
        self.assertEqual(basket.products, sorted((self.tea | self.pot).ids))
        order._action_cancel()
        order.unlink()
        self.assertEqual(self._together(self.tea, self.pot), 2)
        self.assertFalse(basket.exists())

    def test_kinds_and_reasons(self):
        """Together, cross, better, same category and due again, each with its reason (S-MKT-01, S-MKT-04)."""
        self.tea.product_tmpl_id.optional_product_ids = self.cup.product_tmpl_id
        quotation = self._sell(self.cara, self.tea, confirm=False)
        found = self._suggested(self.cara, quotation)
        self.assertEqual(found[self.pot][0], 'together')
        self.assertIn('100 %', found[self.pot][1])
        self.assertEqual(found[self.cup][0], 'cross')
        self.assertNotIn(self.tea, found)
        quotation = self._sell(self.cara, self.pot, confirm=False)
        self.assertEqual(self._suggested(self.cara, quotation)[self.tray][0], 'up')
        for days in (70, 50, 30):
            self._sell(self.cara, self.cup, days=days)
        self._process()
        found = self._suggested(self.cara)
        self.assertEqual(found[self.cup][0], 'due')
        self.assertIn('every 20 days', found[self.cup][1])
        self.assertEqual(next(iter(found)), self.cup)
        self.assertEqual(found[self.tray][0], 'category')

    def test_left_out(self):
        """Nothing archived, not sold, of another company, or not for minors is suggested (S-MKT-01)."""
        quotation = self._sell(self.cara, self.tea, confirm=False)
        self.assertIn(self.pot, self._suggested(self.cara, quotation))
        template = self.pot.product_tmpl_id
        for values in (
            {'active': False},
            {'sale_ok': False},
            {'company_id': self.company_2.id},
            {'retail_excluded': True},
        ):
            before = template.read(list(values), load=False)[0]
            if 'company_id' in values:
                template.flush_recordset()
                self.cr.execute(
                    'UPDATE product_template SET company_id = %s WHERE id = %s',
                    [self.company_2.id, template.id],
                )
                template.invalidate_recordset()
            else:
                template.write(values)
            self.assertNotIn(self.pot, self._suggested(self.cara, quotation), values)
            if 'company_id' in values:
                self.cr.execute(
                    'UPDATE product_template SET company_id = NULL WHERE id = %s', [template.id]
                )
                template.invalidate_recordset()
            else:
                template.write({name: before[name] for name in values})
        template.retail_adults_only = True
        self.assertIn(self.pot, self._suggested(self.cara, quotation))
        self.cara.write(
            {'retail_birth_year': 2009, 'retail_birth_month': '3', 'retail_birth_day': 11}
        )
        self.assertNotIn(self.pot, self._suggested(self.cara, quotation))

    def test_queries_do_not_grow(self):
        """Suggestions cost the same whatever the customer bought (design 8)."""

        def count(customer):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            customer._retail_suggestions()
            return self.cr.sql_log_count - before

        few = count(self.bob)
        more = [
            self._create_product(f'G{number}', 1, categ_id=self.category.id) for number in range(12)
        ]
        self._sell(self.bob, *more[:6])
        self._sell(self.bob, *more)
        self._count()
        self._process()
        self.assertLessEqual(count(self.bob), few + 2)

    def test_added_with_a_click(self):
        """One click adds a suggestion; the line remembers why, and success is counted by kind (S-MKT-01, S-MKT-04)."""
        quotation = self._sell(self.cara, self.tea, confirm=False)
        action = quotation.action_retail_suggestions()
        rows = self.env['retail.suggestion'].search(action['domain'])
        row = rows.filtered(lambda one: one.product_id == self.pot)
        with self.assertRaises(AccessError):
            row.with_user(self.users['user']).action_add()
        row.action_add()
        line = quotation.order_line - quotation.order_line[:1]
        self.assertEqual(line.product_id, self.pot)
        self.assertEqual(line.retail_suggestion_kind, 'together')
        self.assertEqual(line.retail_suggestion_reason, row.reason)
        again = quotation.action_retail_suggestions()
        self.assertNotIn(row.id, again['domain'][0][2])
        self.assertEqual(self._success(quotation), (1, 1, 0, 0))
        late = self._sell(self.cara, self.tea, confirm=False)
        too_late = self.env['retail.suggestion']._suggest(late)
        (quotation | late).action_confirm()
        self.assertEqual(self._success(quotation), (1, 1, 1, 40))
        with self.assertRaises(UserError):
            too_late.action_add()
        quotation.order_line.filtered(lambda one: one.product_id == self.pot).product_uom_qty = 0
        self.assertEqual(self._success(quotation), (1, 1, 0, 0))

    def _success(self, order):
        [row] = self.env['retail.suggestion.report']._read_group(
            [('order_id', '=', order.id), ('product_id', '=', self.pot.id)],
            [],
            ['offered:sum', 'added:sum', 'kept:sum', 'revenue:sum'],
        )
        return row

    def test_file(self):
        """The customer file lists suggestions with reasons; who may not see the file does not (S-MKT-01)."""
        self.assertIn('Cup', self.bob.retail_suggestion_text)
        with self.assertRaises(AccessError):
            self.bob.with_user(self.users['internal']).read(['retail_suggestion_text'])

    def test_wish(self):
        """A wish on a custom line gives the customer its preferences when the order is confirmed (S-MKT-17)."""
        sweet = self.env['retail.preference'].create({'name': 'Less Sugar At All', 'kind': 'taste'})
        order = self._sell(self.cara, self.tea, self.cup, confirm=False)
        order.order_line[0].write(
            {
                'retail_is_custom': True,
                'retail_wish': 'Half',
                'retail_wish_preference_ids': sweet.ids,
            }
        )
        self.assertNotIn(sweet, self.cara.retail_preference_ids)
        order.action_confirm()
        self.assertIn(sweet, self.cara.retail_preference_ids)
        self.assertEqual(TODAY, self.company._retail_today())
