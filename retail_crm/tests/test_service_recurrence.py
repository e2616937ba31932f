"""A complaint that comes back: same customer, same product or class, soon after the last (S-TKT-26)."""

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestRecurrence(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unit.user_id = cls.users['manager']
        with freeze_time('2026-03-01 10:00:00'):
            cls.first = cls._solved('service_attitude', product_id=cls.goods.id)

    def test_edges_of_the_window(self):
        """30 days from filing (else solving), to the second; never before it was solved (defaults 13)."""
        for received, is_back in (
            ('2026-03-01 09:59:59', False),
            ('2026-03-01 10:00:00', True),
            ('2026-03-31 10:00:00', True),
            ('2026-03-31 10:00:01', False),
        ):
            with self.subTest(received=received):
                ticket = self._complain('service_attitude', received_at=received)
                self.assertEqual(ticket.is_recurrence, is_back)
        with freeze_time('2026-03-20 10:00:00'):
            self._go(self.first, 'archive')
        for received, is_back in (('2026-04-19 10:00:00', True), ('2026-04-19 10:00:01', False)):
            with self.subTest(received=received):
                ticket = self._complain('service_attitude', received_at=received)
                self.assertEqual(ticket.recurrence_of_id, self.first if is_back else self.tickets)

    def test_customer_product_or_class(self):
        """Same commercial customer and (same product or same of the five classes), nothing else."""
        when = {'received_at': '2026-03-10'}
        other = self._create_product('Other', 5.0)
        for code, values, is_back in (
            ('service_aftersales', {}, True),  # same class, other sub-cause
            ('order_refund', {'product_id': self.goods.id}, True),
            ('order_refund', {'product_id': other.id}, False),
            ('order_refund', {}, False),
            (None, {}, False),
            ('service_attitude', {'partner_id': self.ann.id}, False),
            ('service_attitude', {'partner_id': False}, False),
            ('service_attitude', {'company_id': self.company_2.id}, False),
            ('service_attitude', {'type_id': self.enquiry.id}, False),
        ):
            with self.subTest(code=code, values=values):
                self.assertEqual(self._complain(code, **when, **values).is_recurrence, is_back)

    def test_looked_for_again(self):
        """Checked again whenever customer, product or class is set, and taken back when it no longer holds."""
        ticket = self._complain(None, received_at='2026-03-10', partner_id=False)
        ticket.partner_id = self.bob
        self.assertFalse(ticket.recurrence_of_id)
        ticket.reason_id = self._reason('service_aftersales')
        self.assertEqual(ticket.recurrence_of_id, self.first)
        self.assertEqual(ticket.priority, '2')
        task = ticket.activity_ids.filtered(lambda item: item.user_id == self.users['manager'])
        self.assertIn(self.first.name, task.mapped('summary')[0])
        ticket.reason_id = self._reason('order_refund')
        self.assertFalse(ticket.recurrence_of_id or ticket.is_recurrence)
        self.env['retail.ticket.line'].create({'ticket_id': ticket.id, 'product_id': self.goods.id})
        self.assertEqual(ticket.recurrence_of_id, self.first)
        ticket.partner_id = self.ann
        self.assertFalse(ticket.recurrence_of_id)

    def test_batch_and_setting(self):
        """A batch is judged at once; 0 days switches it off; reopened and cancelled ones are no earlier ones."""
        vals = {
            'subject': 'Again',
            'type_id': self.complaint.id,
            'partner_id': self.bob.id,
            'reason_id': self._reason('service_attitude').id,
            'received_at': '2026-03-10',
        }
        tickets = self.tickets.create([vals, {**vals, 'partner_id': self.ann.id}, vals])
        self.assertEqual(tickets.mapped('is_recurrence'), [True, False, True])
        self.company.retail_recurrence_days = 0
        self.assertFalse(self.tickets.create(vals).is_recurrence)
        self.company.retail_recurrence_days = 30
        self.first.action_reopen()
        self.assertFalse(self.tickets.create(vals).is_recurrence)
