"""Who is told of what is late, when, once, and in whose hours (R-svc C.2, defaults 12, 15, S-TKT-28, S-SEG-20)."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.service.retail_escalation_send import RetailEscalationSend
from odoo.addons.retail_crm.tests.test_service_sla import SlaCommon


def local(text, zone='Asia/Shanghai'):
    """Return a time of a zone as the ORM keeps it."""
    at = datetime.fromisoformat(f'2026-{text}').replace(tzinfo=ZoneInfo(zone))
    return at.astimezone(UTC).replace(tzinfo=None)


class EscalationCommon(SlaCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ('owner', 'leader', 'deputy', 'store', 'area', 'director', 'duty', 'helper')
        cls.people = cls._create_users(**{f'e_{name}': 'retail_crm.group_user' for name in names})
        cls.people = {name: cls.people[f'e_{name}'] for name in names}
        for name, user in cls.people.items():
            user.write({'tz': 'Asia/Shanghai', 'email': f'{name}@shop.example'})
        cls.people['leader'].group_ids += cls.env.ref('retail_crm.group_lead')
        area = cls.env['retail.area'].create({'name': 'North', 'manager_id': cls.people['area'].id})
        cls.shop = cls.env['crm.team'].create(
            {
                'name': 'Shop',
                'retail_is_store': True,
                'user_id': cls.people['store'].id,
                'retail_area_id': area.id,
            }
        )
        cls._no_rebuild()
        cls.team.write(
            {
                'user_id': cls.people['leader'].id,
                'deputy_id': cls.people['deputy'].id,
                'store_id': cls.shop.id,
                'member_ids': [Command.create({'user_id': cls.people['owner'].id})],
            }
        )
        cls.company.write(
            {
                'retail_director_id': cls.people['director'].id,
                'resource_calendar_id': cls.office.id,
            }
        )
        cls.env['retail.oncall'].search([]).unlink()
        # the shipped list, for this company alone
        shipped = {'company_id': cls.company.root_id.id}
        cls.levels = cls.env['retail.escalation.level'].create(
            [
                {**shipped, 'name': name, 'unit': unit, 'amount': n, 'repeat_days': repeat}
                | dict.fromkeys([f'to_{role}' for role in roles], True)
                | {'has_activity': unit != 'share' or n == 100}
                for name, unit, n, roles, repeat in (
                    ('nobody', 'unassigned', 15, ['leader'], 0),
                    ('warning', 'share', 75, ['owner'], 0),
                    ('missed', 'share', 100, ['owner', 'leader'], 0),
                    ('hours', 'hours', 4, ['store_manager'], 0),
                    ('day', 'days', 1, ['area_manager', 'director'], 1),
                )
            ]
        )
        cls.policy.write({'first_hours': 0, 'next_hours': 0, 'solve_hours': 8})
        cls.notices = cls.env['retail.escalation.notice']

    def _open(self, at, **values):
        """Return a ticket of the owner, opened at a time in Shanghai."""
        with freeze_time(local(at)):
            return self._create_tickets(**{'user_id': self.people['owner'].id, **values})

    def _run(self, tickets, at):
        """Let the scheduled action run at a time in Shanghai, for these tickets."""
        with freeze_time(local(at) if isinstance(at, str) else at):
            due = self.env['retail.ticket']._clock_due_tickets() & tickets
            due._clock_fire_safely()
            waiting = [('ticket_id', 'in', tickets.ids)]
            while mine := self.notices._due().filtered_domain(waiting):
                mine._send()
            self.env.flush_all()

    def _told(self, tickets, state='sent'):
        """Return who was told, as names of people with levels, in the order of telling."""
        found = self.notices.search(
            [('ticket_id', 'in', tickets.ids), ('state', '=', state)], order='sent_at, id'
        )
        names = {user: name for name, user in self.people.items()}
        return [(names[notice.user_id], notice.level_id.name) for notice in found]

    def _messages(self, user):
        return self.env['mail.message'].search(
            [
                ('partner_ids', 'in', user.partner_id.ids),
                ('message_type', '=', 'user_notification'),
            ],
            order='id',
        )

    def _fired(self, ticket):
        events = self.env['retail.ticket.event'].search([('ticket_id', '=', ticket.id)], order='id')
        return [(event.level_id.name or event.level, event.due_at) for event in events]

    @contextmanager
    def _away(self, user, start, stop):
        """Let an employee be on leave between two days."""
        member = self.env['retail.ticket.team.member'].create(
            {
                'team_id': self.team.id,
                'user_id': user.id,
                'absent_from': f'2026-{start}',
                'absent_until': f'2026-{stop}',
            }
        )
        yield member
        member.unlink()


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceEscalate(EscalationCommon):
    # === LEVELS ===#

    def test_levels_in_working_hours(self):
        """Owner, owner and leader, store, area and director, then each working day: once each (C.2, defaults 12)."""
        ticket = self._open('06-01 10:00')  # Monday; eight hours end on Tuesday 10:30
        expected = (
            ('06-01 17:30', ['owner']),
            ('06-02 10:31', ['owner', 'leader']),
            ('06-02 16:00', ['store']),
            ('06-03 10:31', ['area', 'director']),
            ('06-04 10:32', ['area', 'director']),
            ('06-05 10:33', ['area', 'director']),
            # not on the weekend
            ('06-08 10:34', ['area', 'director']),
        )
        told = []
        for place, (at, names) in enumerate(expected):
            self._run(ticket, local(at) - timedelta(minutes=6))
            self.assertEqual([name for name, _level in self._told(ticket)], told)
            self._run(ticket, at)
            told += names
            with self.subTest(at=at):
                self.assertEqual([name for name, _level in self._told(ticket)], told)
                self.assertEqual(ticket.escalation_level, min(3, place))
            self._run(ticket, local(at) + timedelta(minutes=1))
        self.assertEqual(len(self._told(ticket)), len(told))
        self.assertEqual(
            [level for level, _due in self._fired(ticket)],
            ['warning', 'missed', 'hours', 'day', 'day', 'day', 'day'],
        )
        with freeze_time(local('06-08 11:00')):
            ticket.stage_id = self.stages['solved']
            self.assertFalse(ticket.escalation_level or ticket.next_event_at)
            self.assertFalse(ticket.activity_ids)
        self._run(ticket, '06-20 11:00')
        self.assertEqual(len(self._told(ticket)), len(told))

    def test_weekend_holiday_and_change_of_the_clocks(self):
        """Levels count working hours and days of the calendar in its zone (C.2)."""
        self.env['resource.calendar.leaves'].create(
            {
                'calendar_id': self.office.id,
                'date_from': local('06-08 00:00'),
                'date_to': local('06-08 23:59:59'),
            }
        )
        ticket = self._open('06-05 15:00')  # Friday; Monday is a holiday
        for at in ('06-09 12:00', '06-09 15:31', '06-10 10:30', '06-10 15:31'):
            self._run(ticket, at)
        self.assertEqual(
            self._fired(ticket),
            [
                ('warning', local('06-09 12:00')),
                ('missed', local('06-09 15:30:01')),
                ('hours', local('06-10 10:30')),
                ('day', local('06-10 15:30')),
            ],
        )
        self.office.tz = 'Europe/Berlin'  # the clocks change in the night to Sunday, 25 October
        zone = 'Europe/Berlin'
        with freeze_time(local('10-22 10:00', zone)):
            ticket = self._create_tickets(user_id=self.people['owner'].id)
        self._run(ticket, local('10-26 10:31', zone))
        self.assertEqual(self._fired(ticket)[-1], ('day', local('10-26 10:30', zone)))

    def test_standstill(self):
        """After a standstill each level is noticed once, of the repeated ones only the last, in one message (C.2)."""
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-09 11:00')
        self.assertEqual(
            [level for level, _due in self._fired(ticket)], ['missed', 'hours', 'day', 'day']
        )
        self.assertEqual(self._fired(ticket)[-1][1], local('06-09 10:30'))
        for name in ('owner', 'leader', 'store', 'area', 'director'):
            self.assertEqual(len(self._messages(self.people[name])), 1, name)

    def test_pause_and_resume(self):
        """A pause cancels what was to come, going on plans it anew, and what was reached is not reached again (C.2)."""
        ticket = self._open('06-01 10:00')
        with freeze_time(local('06-01 10:01')):
            ticket._clock_contact('agent')
        with freeze_time(local('06-01 17:00')):
            ticket.stage_id = self.stages['waiting']
            self.assertFalse(ticket.next_event_at)
        self._run(ticket, '06-03 10:00')
        self.assertFalse(self._fired(ticket))
        with freeze_time(local('06-03 10:00')):
            ticket.stage_id = self.stages['open']
        self.assertEqual(ticket.next_event_at, local('06-03 10:30'))
        self._run(ticket, '06-03 10:31')
        with freeze_time(local('06-03 10:35')):  # paused again, after the warning
            ticket.stage_id = self.stages['waiting']
        with freeze_time(local('06-04 09:00')):
            ticket.stage_id = self.stages['open']
        for at in ('06-04 10:56', '06-04 11:30'):
            self._run(ticket, at)
        self.assertEqual([level for level, _due in self._fired(ticket)], ['warning', 'missed'])
        with freeze_time(local('06-04 11:55')):  # an hour late it waits until Friday
            ticket.stage_id = self.stages['waiting']
            self.assertFalse(ticket.next_event_at)
        self._run(ticket, '06-05 11:00')
        with freeze_time(local('06-05 14:00')):
            ticket.stage_id = self.stages['open']
        self.assertEqual(ticket.next_event_at, local('06-05 17:00'))
        with freeze_time(local('06-05 15:00')):
            ticket.stage_id = self.stages['cancelled']
            self.assertFalse(ticket.next_event_at or ticket.escalation_level)
        self._run(ticket, '06-20 11:00')
        self.assertEqual(len(self._fired(ticket)), 2)

    def test_other_policy_keeps_what_was_reached(self):
        """Events are kept with the policy of then; a level that was reached is not reached again (C.1, C.2)."""
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-02 10:31')
        self.policy.copy({'name': 'Long', 'sequence': 1, 'solve_hours': 16})
        with freeze_time(local('06-02 11:00')):
            ticket._clock_rematch()
        self.assertFalse(ticket.escalation_level)
        for at in ('06-02 17:00', '06-03 17:01', '06-04 14:00'):
            self._run(ticket, at)
        events = self.env['retail.ticket.event'].search([('ticket_id', '=', ticket.id)], order='id')
        self.assertEqual(events.mapped('level'), ['breach', 'late', 'late'])
        self.assertEqual(events.mapped('policy_name'), ['Usual', 'Long', 'Long'])

    def test_unassigned(self):
        """Fifteen working minutes without owner: the leader; again when it loses its owner or its team (defaults 12)."""
        ticket = self._open('06-01 11:50', user_id=False)
        self._run(ticket, '06-01 13:34')
        self.assertFalse(self._fired(ticket))
        self._run(ticket, '06-01 13:35')
        self.assertEqual(self._told(ticket), [('leader', 'nobody')])
        self.assertEqual(ticket.activity_ids.user_id, self.people['leader'])
        self._run(ticket, '06-01 13:40')
        self.assertEqual(len(self._told(ticket)), 1)
        with freeze_time(local('06-01 13:45')):
            ticket.user_id = self.people['owner']
            self.assertFalse(ticket.unassigned_minutes or ticket.activity_ids)
        self._run(ticket, '06-01 14:30')
        with freeze_time(local('06-01 14:40')):
            ticket.user_id = False
        self._run(ticket, '06-01 14:55')
        self.assertEqual(self._told(ticket), [('leader', 'nobody')] * 2)
        # nobody has to take what waits for the customer
        other = self._open('06-01 10:00', user_id=False)
        with freeze_time(local('06-01 10:05')):
            other._clock_contact('agent')
            other.stage_id = self.stages['waiting']
        self._run(other, '06-01 11:00')
        self.assertFalse(self._fired(other))

    def test_levels_of_a_company(self):
        """A company follows its own list; an edit shows in open tickets; nonsense is refused (R-svc C.2)."""
        ticket = self._open('06-01 10:00')
        with freeze_time(local('06-02 10:31')):
            ticket._clock_fire()
            self.levels.filtered(lambda level: level.unit == 'hours').amount = 1
            self.assertLessEqual(ticket.next_event_at, local('06-02 10:31'))
            ticket._clock_fire()
        self.assertEqual(ticket.next_event_at, local('06-02 11:30'))
        self.levels.active = False
        shared = self.env['retail.escalation.level'].search([('company_id', '=', False)])
        self.assertEqual(self.env['retail.escalation.level']._of_company(self.company.id), shared)
        for values, error in (
            ({'unit': 'share', 'amount': 101}, CheckViolation),
            ({'unit': 'hours', 'amount': 0}, CheckViolation),
            ({'unit': 'days', 'amount': 1.5}, CheckViolation),
            ({'unit': 'share', 'amount': 50, 'repeat_days': 1}, ValidationError),
            ({'unit': 'share', 'amount': 75}, ValidationError),
        ):
            with (
                self.subTest(values=values),
                mute_logger('odoo.sql_db'),
                self.assertRaises(error),
                self.cr.savepoint(),
            ):
                self.env['retail.escalation.level'].create({'name': 'No', **values})
                self.env.flush_all()

    def test_without_levels(self):
        """That a deadline was missed is recorded also when nobody is told (C.2, report source)."""
        self.levels.filtered(lambda level: level.unit != 'share').active = False
        self.levels.filtered('active').write({'to_owner': False, 'to_leader': False})
        ticket = self._open('06-01 10:00', user_id=False)
        self._run(ticket, '06-02 10:31')
        self.assertEqual([level for level, _due in self._fired(ticket)], ['missed'])
        self.assertFalse(self.notices.search_count([('ticket_id', '=', ticket.id)]))

    # === WHO, AND WHEN HE IS AT WORK ===#

    def test_message_waits_for_the_reader(self):
        """Outside his hours a message waits; what waits goes as one; what is done meanwhile does not (zammad#4432)."""
        evening = self._create_calendar('Evening', [(day, (18, 22)) for day in range(5)])
        self.env['resource.resource'].create(
            {
                'name': 'Store manager',
                'user_id': self.people['store'].id,
                'calendar_id': evening.id,
                'tz': 'Asia/Shanghai',
                'company_id': self.company.id,
            }
        )
        tickets = self.env['retail.ticket'].union(*(self._open('06-01 10:00') for _n in range(3)))
        self._run(tickets, '06-02 16:00')
        waiting = self._told(tickets, 'waiting')
        self.assertEqual(waiting, [('store', 'hours')] * 3)
        notices = self.notices.search([('state', '=', 'waiting'), ('ticket_id', 'in', tickets.ids)])
        self.assertEqual(set(notices.mapped('send_after')), {local('06-02 18:00')})
        with freeze_time(local('06-02 17:00')):
            tickets[0].stage_id = self.stages['solved']
        self._run(tickets, '06-02 18:00')
        [message] = self._messages(self.people['store'])
        self.assertNotIn(tickets[0].name, message.body)
        self.assertIn(tickets[1].name, message.body)
        self.assertIn(tickets[2].name, message.body)
        self.assertIn(('store', 'hours'), self._told(tickets[0], 'dropped'))

    def test_hours_of_his_own_zone(self):
        """Nine o'clock is nine where the reader is, and nothing comes at night (C.2)."""
        director = self.people['director']
        director.tz = 'Europe/Berlin'
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-03 10:31')
        notice = self.notices.search([('ticket_id', '=', ticket.id), ('user_id', '=', director.id)])
        self.assertEqual(notice.send_after, local('06-03 09:00', 'Europe/Berlin'))

    def test_absent_readers(self):
        """Who is away is stood in for; without anybody the next in line is told (C.2, defaults 14)."""
        leave = {
            'time_type': 'leave',
            'date_from': local('06-01 00:00'),
            'date_to': local('06-12 00:00'),
        }
        ticket = self._open('06-01 10:00')
        member = self.team.member_ids
        member.write({'absent_from': '2026-06-01', 'absent_until': '2026-06-05'})
        resource = self.env['resource.resource'].create(
            {
                'name': 'Leader',
                'user_id': self.people['leader'].id,
                'calendar_id': self.office.id,
                'company_id': self.company.id,
            }
        )
        self.env['resource.calendar.leaves'].create({**leave, 'resource_id': resource.id})
        self._run(ticket, '06-01 17:30')
        # no substitute: who leads is told, who is away, too: the deputy
        self.assertEqual(self._told(ticket), [('deputy', 'warning')])
        member.substitute_id = self.people['helper']
        with self._away(self.people['deputy'], '06-02', '06-02'):
            self._run(ticket, '06-02 10:31')
        # nobody leads the team today: the store; the owner's substitute
        self.assertEqual(self._told(ticket)[1:], [('helper', 'missed'), ('store', 'missed')])
        with (
            self._away(self.people['area'], '06-03', '06-09'),
            self._away(self.people['director'], '06-03', '06-12'),
        ):
            self._run(ticket, '06-03 10:31')
            # nobody is left in line: it waits for who comes back
            waiting = self.notices.search(
                [('ticket_id', '=', ticket.id), ('state', '=', 'waiting')], order='id'
            )
            self.assertEqual(
                [(one.user_id, one.send_after) for one in waiting],
                [
                    (self.people['area'], local('06-10 09:00')),
                    (self.people['director'], local('06-15 09:00')),
                ],
            )

    def test_absence_without_end(self):
        """Who is away until further notice, in a team or by his own preferences, is stood in for; never an error."""
        ticket = self._open('06-01 10:00')
        owner, leader = self.people['owner'], self.people['leader']
        owner.write({'retail_away_from': '2026-06-01', 'retail_substitute_id': self.people['duty']})
        self.env['retail.ticket.team.member'].create(
            {'team_id': self.team.id, 'user_id': leader.id, 'absent_from': '2026-05-01'}
        )
        ticket.user_id = owner
        self._run(ticket, '06-02 10:31')
        self.assertEqual(self._told(ticket), [('duty', 'missed'), ('deputy', 'missed')])
        with freeze_time(local('06-02 10:31')):
            self.assertEqual(ticket._escalation_leaders(), [(ticket, self.people['deputy'])])
            self.people['deputy'].retail_away_until = '2026-06-30'
            self.assertFalse(ticket._escalation_leaders())

    def test_hours_of_the_shift(self):
        """The shift that assignment follows says when somebody is told, too (C.2, C.3)."""
        evening = self._create_calendar('Evening', [(day, (18, 22)) for day in range(5)])
        self.team.member_ids.calendar_id = evening
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-01 17:30')
        notice = self.notices.search([('ticket_id', '=', ticket.id)])
        self.assertEqual(
            (notice.user_id, notice.send_after), (self.people['owner'], local('06-01 18:00'))
        )

    def test_one_bad_choice_keeps_no_other(self):
        """Where it cannot be found who is told of one ticket, those of the others are told all the same (C.2)."""
        bad, good = (self._open('06-01 10:00') for _index in range(2))
        with freeze_time(local('06-01 17:30')):
            (bad + good)._clock_fire()
        choose = type(bad)._escalation_choose

        def fail(model, asks, now=None):
            if any(ticket == bad for ticket, _role in asks):
                raise ValueError
            return choose(model, asks, now)

        with (
            patch.object(type(bad), '_escalation_choose', fail),
            mute_logger('odoo.addons.retail_crm.models.service._safely'),
        ):
            self._run(bad + good, '06-01 17:31')
        self.assertEqual(self._told(good), [('owner', 'warning')])
        self.assertEqual(self._told(bad, 'waiting'), [('owner', 'warning')])

    def test_archived_tickets_wait_for_nobody(self):
        """Nobody is told that nobody takes what is archived."""
        ticket = self._open('06-01 10:00', user_id=False)
        ticket.active = False
        self._run(ticket, '06-01 11:00')
        self.assertFalse(self.notices.search([('ticket_id', '=', ticket.id)]))

    def test_without_director_managers(self):
        """Without a service director, or when he has left, the managers are told."""
        ticket = self._open('06-01 10:00')
        manager = self.users['manager']
        for director in (self.env['res.users'], self.people['director']):
            self.company.root_id.retail_director_id = director
            director.active = False
            people = ticket._responsible()['director']
            self.assertIn(manager, [user for user, _deputy in people])
            self.assertNotIn(director, [user for user, _deputy in people])

    def test_choosing_asks_once(self):
        """Who is told of many tickets is found in a number of queries that their number does not change (C.2)."""
        with freeze_time(local('06-01 10:00')):
            tickets = self._create_tickets(21, user_id=self.people['owner'].id)
        self.env.flush_all()
        queries = []
        for some in (tickets[:1], tickets[1:]):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            asks = [(one, role) for one in some for role in ('on_call', 'owner', 'store_manager')]
            found = some._escalation_choose(asks, local('06-01 10:00'))
            self.assertTrue(all(found))
            queries.append(self.cr.sql_log_count - before)
        self.assertLessEqual(queries[1], queries[0])

    def test_passed_on(self):
        """A message that waits goes to whoever has the ticket, or stands in, when it is due (C.2)."""
        ticket = self._open('06-01 10:00')
        with freeze_time(local('06-01 17:30')):
            ticket._clock_fire()
        notice = self.notices.search([('ticket_id', '=', ticket.id)])
        self.assertEqual(notice.user_id, self.people['owner'])
        ticket.user_id = self.people['helper']
        self._run(ticket, '06-01 17:31')
        self.assertEqual(self._told(ticket), [('helper', 'warning')])
        self.assertEqual(notice.state, 'dropped')

    def test_who_may_not_read(self):
        """Neither the person complained about nor who may not read is told: the next in line is (C.2, S-TKT-29)."""
        ticket = self._open('06-01 10:00')
        ticket._stamp({'blocked_user_id': self.people['leader'].id, 'is_restricted': True})
        self.people['area'].group_ids += self.env.ref('retail_crm.group_manager')
        self._run(ticket, '06-02 10:31')
        self._run(ticket, '06-02 16:01')
        # owner reads his own; leader blocked, deputy and store manager are not concerned
        self.assertEqual(
            self._told(ticket), [('owner', 'missed'), ('area', 'missed'), ('area', 'hours')]
        )
        self.assertEqual(ticket.activity_ids.user_id, self.people['owner'] + self.people['area'])
        outsider = self.people['area']
        outsider.write(
            {'company_ids': [Command.set(self.company_2.ids)], 'company_id': self.company_2.id}
        )
        self._run(ticket, '06-03 10:31')
        self.assertEqual(len(self._told(ticket)), 3)

    def test_messages_stay_inside(self):
        """No message in the customer's thread and none to the customer (zammad#1121)."""
        ticket = self._open('06-01 10:00', partner_id=self.bob.id)
        ticket.message_subscribe(self.bob.ids)
        before = ticket.message_ids
        for at in ('06-01 17:30', '06-02 10:31', '06-02 16:01', '06-03 10:31'):
            self._run(ticket, at)
        self.assertEqual(ticket.message_ids, before)
        sent = self._messages(self.people['leader']) + self._messages(self.people['store'])
        self.assertEqual(len(sent), 2)
        self.assertFalse(sent.filtered('model'))
        partners = sent.notified_partner_ids
        self.assertEqual(partners, (self.people['leader'] + self.people['store']).partner_id)

    def test_other_things_a_level_does(self):
        """A level may raise the priority and give the ticket to the leader; who had it stays informed (C.2)."""
        self.levels.filtered(lambda level: level.name == 'missed').write(
            {'raise_priority': True, 'reassign': True}
        )
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-02 10:31')
        self.assertEqual(ticket.priority, '1')
        self.assertEqual(ticket.user_id, self.people['leader'])
        self.assertIn(self.people['owner'], ticket.involved_user_ids)

    # === MAJOR CASES ===#

    def test_on_call(self):
        """Major cases go at once to who is on call; deputy and director stand in (defaults 15)."""
        with freeze_time(local('06-06 03:00')):  # in the night to Saturday
            ticket = self._create_tickets(user_id=self.people['owner'].id)
            ticket._stamp({'is_major': True})
            ticket._clock_rematch(force=True)
        duty = self.env['retail.oncall'].create(
            {
                'user_id': self.people['duty'].id,
                'deputy_id': self.people['helper'].id,
                'date_from': local('06-06 00:00'),
                'date_until': local('06-07 00:00'),
                'company_id': self.company.root_id.id,
            }
        )
        policy = self.policy.copy({'sequence': 1, 'solve_hours': 1, 'solve_wall': True})
        with freeze_time(local('06-06 03:00')):
            ticket._clock_rematch(force=True)
        self.assertEqual(ticket.sla_policy_id, policy)
        self._run(ticket, '06-06 04:01')
        self.assertEqual(self._told(ticket), [('duty', 'missed')])
        self.assertEqual(self._told(ticket, 'waiting'), [('owner', 'missed'), ('leader', 'missed')])
        now = local('06-06 05:00')

        def on_call():
            [found] = self.env['retail.ticket']._escalation_choose([(ticket, 'on_call')], now)
            return found[0], found[1]

        with self._away(self.people['duty'], '06-06', '06-06'):
            self.assertEqual(on_call(), (self.people['helper'], now))
        duty.unlink()
        self.assertEqual(on_call()[0], self.people['director'])
        self.assertIn(
            self.people['director'], self.env['retail.ticket']._who_is_alarmed(self.company)
        )

    # === COST, FAULTS, SCREENS ===#

    def test_cost_by_what_is_due(self):
        """A run reads due tickets only, in a fixed number of queries, by the index (C.2, E 6)."""
        with freeze_time(local('06-01 10:00')):
            tickets = self._create_tickets(40, user_id=self.people['owner'].id)
        self.env.flush_all()
        domain = [('team_id', '=', self.team.id)]
        queries = []
        for count in (2, 20):
            due = tickets[:count]
            tickets -= due
            due._stamp({'next_event_at': local('06-01 17:30')})
            self.env.flush_all()
            self.env.invalidate_all()
            with freeze_time(local('06-01 17:30')):
                found = self.env['retail.ticket']._clock_due_tickets().filtered_domain(domain)
                before = self.cr.sql_log_count
                found._clock_fire()
                self.env.flush_all()
                queries.append(self.cr.sql_log_count - before)
            tickets._stamp({'next_event_at': local('06-02 17:30')})
        self.assertLessEqual(queries[1] - queries[0], 18 * 2)
        self.cr.execute('SET LOCAL enable_seqscan = off')
        with freeze_time(local('06-01 10:00')):
            model = self.env['retail.ticket'].with_context(active_test=False)
            query = model._search(model._clock_due_domain(), order='next_event_at, id', limit=200)
        self.cr.execute(f'EXPLAIN {query.select().code}', query.select().params)
        plan = '\n'.join(line for (line,) in self.cr.fetchall())
        self.assertIn('retail_ticket_next_event_idx', plan)

    def test_failing_message(self):
        """What fails keeps no other from being told, is tried again, then shown with its error; by hand again (C.2)."""
        good, bad = self._open('06-01 10:00'), self._open('06-01 10:00')
        tell = RetailEscalationSend._tell

        def broken(notices):
            if bad in notices.ticket_id:
                raise ValueError('no line')
            return tell(notices)

        with (
            patch.object(type(self.notices), '_tell', broken),
            mute_logger('odoo.addons.retail_crm.models.service._safely'),
        ):
            self._run(good + bad, '06-01 17:30')
            self.assertEqual(self._told(good), [('owner', 'warning')])
            notice = self.notices.search([('ticket_id', '=', bad.id)])
            self.assertEqual((notice.state, notice.error), ('waiting', 'no line'))
            self._run(bad, '06-01 17:45')
            self.assertEqual(notice.attempts, 1)
            self._run(bad, '06-02 09:01')
            self._run(bad, '06-02 09:40')
        self.assertEqual(notice.state, 'failed')
        with freeze_time(local('06-02 09:50')):
            with self.assertRaises(AccessError):
                notice.with_user(self.people['owner']).action_retry()
            notice.with_user(self.users['manager']).action_retry()
            self.assertEqual(notice.state, 'sent')
            with self.assertRaises(UserError):
                notice.with_user(self.users['manager']).action_retry()

    def test_my_day(self):
        """Leaders see what was escalated to them until it is done; others have no such list (S-TKT-28)."""
        ticket = self._open('06-01 10:00')
        self._run(ticket, '06-02 10:31')
        day = self.env['retail.my.day']

        def rows(user):
            sections = day.with_user(user).action_load()['sections']
            found = [one for one in sections if one['key'] == 'escalated']
            return [row['id'] for row in found[0]['rows']] if found else None

        with freeze_time(local('06-02 11:00')):
            self.assertEqual(rows(self.people['leader']), ticket.ids)
            self.assertIsNone(rows(self.people['owner']))
            ticket.stage_id = self.stages['solved']
            self.assertEqual(rows(self.people['leader']), [])
        action = ticket.with_user(self.people['leader']).action_escalations()
        self.assertEqual(action['domain'], [('ticket_id', '=', ticket.id)])

    def test_tier_decides_deadline(self):
        """A changed tier raises and plans open tickets anew, with a line in their log (S-SEG-20, E 5)."""
        programme = self.env['retail.programme'].create(
            {'name': 'Club', 'company_id': self.company_2.id}
        )
        programme.action_use_ladder()
        programme.action_start()
        member = self.env['retail.membership']._enrol(self.bob, self.company_2)
        gold = programme.tier_ids[2]
        self.policy.copy({'name': 'Gold', 'sequence': 1, 'tier_ids': gold.ids})
        self.env['retail.policy'].create(
            {
                'name': 'Gold',
                'sequence': 1,
                'company_id': self.company_2.id,
                'tier_ids': gold.ids,
                'priority': '1',
            }
        )
        values = {'partner_id': self.bob.id, 'company_id': self.company_2.id, 'team_id': False}
        ticket = self._create_tickets(**values)
        self.assertEqual((ticket.priority, ticket.sla_policy_id), ('0', self.policy))
        granted = ticket.target_ids.target_seconds
        member._override(gold, fields.Date.add(fields.Date.today(), months=3), 'vip', 'Patron')
        self._process()
        self.assertEqual((ticket.priority, ticket.sla_policy_id.name), ('1', 'Gold'))
        self.assertEqual(ticket.target_ids.target_seconds, granted / 2)
        self.assertIn('Gold', ticket.message_ids[:1].body)
        self.assertEqual(self._create_tickets(**values).priority, '1')
