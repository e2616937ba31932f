"""Promises: their time, reminders, kept and broken (S-TKT-42, defaults 17)."""

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestPromise(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.promises = cls.env['retail.ticket.promise']
        calendar = cls.env['resource.calendar'].create(
            {
                'name': 'Mon to Fri',
                'tz': 'Asia/Shanghai',
                'company_id': cls.company.id,
                'attendance_ids': [
                    Command.create(
                        {'name': str(day), 'dayofweek': str(day), 'hour_from': 9, 'hour_to': 18}
                    )
                    for day in range(5)
                ],
            }
        )
        cls.desk.calendar_id = calendar
        cls.desk.user_id = cls.users['manager']
        cls.ticket = cls._complain(
            None, team_id=cls.desk.id, store_id=cls.store.id, user_id=cls.users['user'].id
        )

    def _promise(self, **values):
        return self.promises.with_user(self.users['user']).create(
            {'ticket_id': self.ticket.id, 'what': 'Call back', **values}
        )

    def test_default_time(self):
        """Next working day 18:00 in the zone of the team's calendar (defaults 17)."""
        for now, due in (
            ('2026-11-19 02:00:00', '2026-11-20 10:00:00'),  # Thursday: Friday 18:00 in Shanghai
            ('2026-11-20 02:00:00', '2026-11-23 10:00:00'),  # Friday: Monday
            ('2026-11-19 17:00:00', '2026-11-23 10:00:00'),  # Friday 01:00 there already
        ):
            with self.subTest(now=now), freeze_time(now):
                self.assertEqual(self._promise().due_at, fields.Datetime.to_datetime(due))
        given = self._promise(due_at='2026-12-24 12:00:00')
        self.assertEqual(given.due_at, fields.Datetime.to_datetime('2026-12-24 12:00:00'))

    def test_reminder_then_broken(self):
        """The maker is reminded 2 hours before, once; at its time it is broken and the leader hears of it."""
        with freeze_time('2026-11-19 02:00:00'):
            promise = self._promise(due_at='2026-11-19 10:00:00')
        maker, leader = self.users['user'], self.users['manager']

        def tasks(user):
            return self.ticket.activity_ids.filtered(lambda task: task.user_id == user)

        for now, state, reminders, alerts in (
            ('2026-11-19 07:59:59', 'open', 0, 0),
            ('2026-11-19 08:00:00', 'open', 1, 0),
            ('2026-11-19 09:00:00', 'open', 1, 0),
            ('2026-11-19 10:00:00', 'broken', 1, 1),
            ('2026-11-19 11:00:00', 'broken', 1, 1),
        ):
            with self.subTest(now=now), freeze_time(now):
                self._run_cron(self.promises._cron_promises)
                self.assertEqual(
                    (promise.state, len(tasks(maker)), len(tasks(leader))),
                    (state, reminders, alerts),
                )
        self.assertFalse(promise.next_at)
        promise.action_keep()
        self.assertEqual(promise.state, 'broken', 'kept late is broken')
        self.assertTrue(promise.done_at)

    def test_kept(self):
        """Kept in time counts as kept and is never reminded of."""
        with freeze_time('2026-11-19 02:00:00'):
            promise = self._promise(due_at='2026-11-19 10:00:00')
            promise.action_keep()
            self.assertEqual(promise.state, 'kept')
        with freeze_time('2026-11-20 10:00:00'):
            self._run_cron(self.promises._cron_promises)
        self.assertEqual(promise.state, 'kept')
        other = self._promise()
        other.action_break()
        self.assertEqual(other.state, 'broken')

    def test_state_is_not_written_by_hand(self):
        """Nobody writes a broken promise away, or puts it off afterwards."""
        promise = self._promise()
        with self.assertRaises(UserError):
            promise.write({'state': 'kept'})
        promise.due_at = '2027-01-01 10:00:00'
        promise.action_break()
        with self.assertRaisesRegex(UserError, 'put off'):
            promise.due_at = '2028-01-01 10:00:00'

    def test_counted_by_person_and_store(self):
        """Broken promises are counted per person and store."""
        for _index in range(2):
            self._promise().action_break()
        groups = self.promises._read_group(
            [('ticket_id', '=', self.ticket.id), ('state', '=', 'broken')],
            ['store_id', 'user_id'],
            ['__count'],
        )
        self.assertEqual(groups, [(self.store, self.users['user'], 2)])
