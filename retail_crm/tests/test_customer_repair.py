"""The nightly repair: finds what came past the ORM, in constant steps that survive an end (design
4.2).
"""

from datetime import date, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer import retail_purchase_repair

from .test_customer_profile import HistoryCase


@tagged('post_install', '-at_install')
class TestCustomerRepair(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template.action_cancel()
        cls._process()
        cls.cron = cls.env.ref('retail_crm.ir_cron_repair_purchases')
        cls.main = cls.env['res.company']._retail_roots()[0]
        today = fields.Date.today()
        cls.recent, cls.old = today - timedelta(days=10), date(2024, 3, 10)
        days = [cls.old] * 8 + [cls.recent] * 2
        cls.orders = cls._insert_orders(
            [(cls.bob.id, day, 10 + number) for number, day in enumerate(days)]
        )
        cls.purchases._sync({'sale.order': cls.orders.ids})
        cls.profiles._refresh()

    def setUp(self):
        super().setUp()
        self.patch(retail_purchase_repair, 'REPAIR_BATCH', 3)
        self.main.write({'retail_repair_cursor': False, 'retail_repair_tonight': False})
        self.env['res.company'].search([]).retail_rebuild_pending = False

    def _run(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def _tamper(self, order, amount=99999):
        self.env.cr.execute(
            'UPDATE retail_purchase SET amount = %s WHERE res_model = %s AND res_id = %s',
            [amount, 'sale.order', order.id],
        )
        self.env.invalidate_all()

    def _spend(self):
        return self._profile_of(self.bob).spend_total

    def _steps(self):
        """Return ``{'recent': [...], 'walk': [...]}``, which collects the orders of each step."""
        steps = {'recent': [], 'walk': []}
        for phase, name in (('recent', '_recent_documents'), ('walk', '_next_documents')):
            original = getattr(type(self.purchases), name)

            def spy(purchases, *args, phase=phase, original=original):
                documents, following = original(purchases, *args)
                steps[phase].append(sorted(documents.get('sale.order', ())))
                return documents, following

            self.patch(type(self.purchases), name, spy)
        return steps

    def test_tampered_row(self):
        """A row that somebody changed by SQL is what its document says again (design 4.2)."""
        before = self._spend()
        self._tamper(self.orders[4])
        self._run()
        self.assertEqual(self._purchase_of(self.orders[4]).amount, 14)
        self.assertEqual(self._spend(), before)
        self._tamper(self.orders[4])
        self.profiles._refresh()
        self.assertNotEqual(self._spend(), before)
        self._run()
        self.assertEqual(self._spend(), before, 'the figures follow')

    def test_order_imported_by_sql(self):
        """An order that no moment told of is found (design 4.2)."""
        before = self._spend()
        orders = self._insert_orders([(self.bob.id, self.old, 5), (self.bob.id, self.recent, 6)])
        self.assertFalse(self._purchase_of(orders[0]))
        self._run()
        self.assertEqual([self._purchase_of(order).amount for order in orders], [5, 6])
        self.assertEqual(self._spend(), before + 11)

    def test_order_deleted_by_sql(self):
        """A row without document is found, and its customer's figures follow (design 4.2)."""
        before = self._spend()
        gone = self.orders[0] | self.orders[-1]
        self.env.cr.execute('DELETE FROM sale_order_line WHERE order_id = ANY(%s)', [gone.ids])
        self.env.cr.execute('DELETE FROM sale_order WHERE id = ANY(%s)', [gone.ids])
        self.env.invalidate_all()
        self._run()
        found = self.purchases.search(
            [('res_id', 'in', gone.ids), ('res_model', '=', 'sale.order')]
        )
        self.assertFalse(found)
        self.assertEqual(self._spend(), before - 10 - 19)

    def test_customers_last_order_deleted_by_sql(self):
        """The profile of a customer who has no purchase left goes (design 4.3)."""
        order = self._insert_orders([(self.acme.id, self.old, 5)])
        self._run()
        self.assertTrue(self._profile_of(self.acme))
        self.env.cr.execute('DELETE FROM sale_order_line WHERE order_id = %s', order.ids)
        self.env.cr.execute('DELETE FROM sale_order WHERE id = %s', order.ids)
        self.env.invalidate_all()
        self._run()
        self.assertFalse(self._profile_of(self.acme))

    def test_idle_repair_changes_nothing(self):
        """Where all is in line, no row is touched (design 4.2)."""
        self._run()
        self.env.cr.execute(
            'SELECT id, xmin, ctid FROM retail_purchase UNION ALL '
            'SELECT id, xmin, ctid FROM retail_profile ORDER BY 1'
        )
        before = self.env.cr.fetchall()
        self._run()
        self.env.cr.execute(
            'SELECT id, xmin, ctid FROM retail_purchase UNION ALL '
            'SELECT id, xmin, ctid FROM retail_profile ORDER BY 1'
        )
        self.assertEqual(self.env.cr.fetchall(), before)

    def test_recent_documents_every_night_and_the_rest_in_turn(self):
        """One night costs the last weeks and one slice; the next one goes on from there (design
        4.2).
        """
        self.patch(retail_purchase_repair, 'REPAIR_SLICE', 3)
        steps = self._steps()
        self._run()
        recent = {order_id for step in steps['recent'] for order_id in step}
        self.assertLessEqual(set(self.orders[-2:].ids), recent)
        self.assertFalse(set(self.orders[:8].ids) & recent)
        [first] = steps['walk']
        self.assertEqual(len(first), 3)
        self.assertEqual(self.main.retail_repair_cursor, f'sale.order,{first[-1]}')
        self._run()
        second = steps['walk'][1]
        self.assertEqual(len(second), 3)
        self.assertGreater(second[0], first[-1])
        # what lies behind the cursor waits for its turn, what is recent does not
        self.main.retail_repair_cursor = f'sale.order,{self.orders[-1].id}'
        self._tamper(self.orders[0])
        self._tamper(self.orders[-1])
        self._run()
        self.assertEqual(self._purchase_of(self.orders[-1]).amount, 19)
        self.assertEqual(self._purchase_of(self.orders[0]).amount, 99999)
        for _night in range(100):
            if self._purchase_of(self.orders[0]).amount == 10:
                break
            self._run()
        self.assertEqual(self._purchase_of(self.orders[0]).amount, 10)

    def test_walk_passes_every_document_once(self):
        """All ids of documents and of rows, in order, none twice, none left out (design 4.2)."""
        steps = self._steps()
        self._run()
        walked = [order_id for step in steps['walk'] for order_id in step]
        self.env.cr.execute('SELECT id FROM sale_order ORDER BY id')
        self.assertEqual(walked, [order_id for (order_id,) in self.env.cr.fetchall()])
        self.assertFalse(self.main.retail_repair_cursor)

    def test_each_slice_is_kept_when_the_next_one_fails(self):
        """What is done is committed with where to go on; the next run continues (design 4.2, 9)."""
        for order in self.orders:
            self._tamper(order)
        self.main.retail_repair_cursor = f'sale.order,{self.orders[0].id}'
        original = type(self.purchases)._sync_documents
        failures = []

        def failing(purchases, documents, **options):
            if self.orders[4].id in documents.get('sale.order', ()):
                failures.append(documents)
                raise ValueError('power cut')
            return original(purchases, documents, **options)

        with (
            patch.object(type(self.purchases), '_sync_documents', failing),
            mute_logger('odoo.addons.base.models.ir_cron', 'odoo.addons.base.models.ir_actions'),
            self.enter_registry_test_mode(),
        ):
            self.cron.method_direct_trigger()
        self.assertTrue(failures)
        self.env.invalidate_all()
        self.assertEqual(
            [self._purchase_of(order).amount for order in self.orders],
            [99999, 11, 12, 13, 99999, 99999, 99999, 99999, 18, 19],
        )
        self.assertEqual(self.main.retail_repair_cursor, f'sale.order,{self.orders[3].id}')
        self._run()
        self.assertEqual(
            [self._purchase_of(order).amount for order in self.orders[4:8]], [14, 15, 16, 17]
        )

    def test_product_marked_later(self):
        """A product marked as no purchase takes its past sales out with the repair (design 4.2)."""
        order = self._create_order(self.acme, 30, '2024-03-10')
        self._process()
        self.assertEqual(self._purchase_of(order).amount, 30)
        self.goods.retail_excluded = True
        self._run()
        self.assertEqual(self._purchase_of(order).amount, 0)
        self.assertEqual(self._profile_of(self.acme).spend_total, 0)

    def test_repair_waits_for_its_turn(self):
        """While another process derives figures, nothing is done and nothing is lost
        (design 4.3).
        """
        self._tamper(self.orders[4])
        with (
            patch.object(type(self.profiles), '_try_lock', lambda profiles: False),
            mute_logger('odoo.addons.base.models.ir_cron'),
        ):
            self._run()
        self.assertEqual(self._purchase_of(self.orders[4]).amount, 99999)
        self._run()
        self.assertEqual(self._purchase_of(self.orders[4]).amount, 14)
