"""My Day: one screen, one call."""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.desk_common import DeskCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceMyDay(DeskCommon):
    def _load(self, user=None):
        data = self.env['retail.my.day'].with_user(user or self.staff).action_load()
        return {one['key']: one for one in data['counters']}, {
            one['key']: one for one in data['sections']
        }

    def test_empty_day(self):
        """Each list says in words that there is nothing (design 6)."""
        counters, sections = self._load()
        self.assertEqual({one['count'] for one in counters.values()}, {0})
        self.assertEqual(
            list(sections),
            [
                'tickets',
                'followups',
                'appointments',
                'promises',
                'unassigned',
                'activities',
                'birthdays',
            ],
        )
        for section in sections.values():
            self.assertTrue(section['empty'])
            self.assertTrue(section['title'])

    def test_my_tickets_come_by_deadline(self):
        """My open tickets, the earliest deadline first, those without any last; late ones are counted (S-TKT-35)."""
        now = fields.Datetime.now()
        later, late, none, others, done = (
            self._ticket(user_id=user.id, subject=subject)
            for user, subject in (
                (self.staff, 'later'),
                (self.staff, 'late'),
                (self.staff, 'none'),
                (self.users['lead'], 'not mine'),
                (self.staff, 'done'),
            )
        )
        later._stamp({'deadline': now + timedelta(days=3)})
        late._stamp({'deadline': now - timedelta(hours=1)})
        none._stamp({'deadline': False})
        done._set_stage('solved', result='x')
        counters, sections = self._load()
        self.assertEqual(
            [row['id'] for row in sections['tickets']['rows']], (late + later + none).ids
        )
        self.assertEqual((counters['open']['count'], counters['late']['count']), (3, 1))
        self.assertTrue(counters['late']['alert'])
        self.assertNotIn(others.id, [row['id'] for row in sections['tickets']['rows']])

    def test_what_nobody_has_taken(self):
        """Unassigned tickets of my teams on my channels are offered, those of other teams are not (S-SRV-04)."""
        self.team.member_ids.channel_ids = self.wechat
        mine = self._ticket(channel_id=self.wechat.id)
        other_channel = self._ticket()
        other_team = self._ticket(team_id=self.stock.id)
        _counters, sections = self._load()
        found = {row['id'] for row in sections['unassigned']['rows']}
        self.assertIn(mine.id, found)
        self.assertFalse(found & {other_channel.id, other_team.id})

    @freeze_time('2026-03-02 10:00:00')
    def test_appointments_promises_calls_and_birthdays(self):
        """Today's appointments by time, promises, calls and birthdays of customers of mine (S-SRV-06, design 6)."""
        start, end = self.env['retail.my.day'].with_user(self.staff)._today()
        first = self._ticket(user_id=self.staff.id, appointment_at=start + timedelta(hours=9))
        second = self._ticket(appointment_at=start + timedelta(hours=11))
        self._ticket(user_id=self.staff.id, appointment_at=end + timedelta(hours=1))
        promised = self._ticket(user_id=self.staff.id)
        self.env['retail.ticket.promise'].create(
            {
                'ticket_id': promised.id,
                'what': 'Call back',
                'user_id': self.staff.id,
                'due_at': end - timedelta(minutes=1),
            }
        )
        first.activity_schedule(
            'mail.mail_activity_data_call', summary='Ring', user_id=self.staff.id
        )
        day = fields.Date.context_today(self.env['retail.my.day'].with_user(self.staff))
        day += timedelta(days=2)
        self.bob.write(
            {
                'retail_adviser_id': self.staff.id,
                'retail_birth_month': str(day.month),
                'retail_birth_day': day.day,
            }
        )
        _counters, sections = self._load()
        self.assertEqual(
            [row['id'] for row in sections['appointments']['rows']], (first + second).ids
        )
        self.assertEqual([row['id'] for row in sections['promises']['rows']], promised.ids)
        self.assertEqual([row['title'] for row in sections['activities']['rows']], ['Ring'])
        self.assertEqual([row['id'] for row in sections['birthdays']['rows']], self.bob.ids)

    def test_few_queries_however_much_there_is(self):
        """One call of a fixed number of queries (design 8)."""
        counts = []
        for number in (2, 7):
            for _index in range(number):
                self._ticket(user_id=self.staff.id)
                self._ticket()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._load()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 2)
        self.assertLess(counts[1], 60)

    def test_only_for_staff(self):
        """Neither customers nor employees without tickets get it."""
        for persona in ('portal', 'internal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self._load(self.users[persona])
