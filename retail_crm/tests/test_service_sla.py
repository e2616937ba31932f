"""Deadlines of tickets: policies, the stored clock, calendars with make-up days, missed deadlines, queries."""

import random
from base64 import b64encode
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.models.service._worktime import Wall, instant
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: A Monday, 10:00 in Shanghai.
MONDAY = datetime(2026, 6, 1, 2, 0)


class SlaCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['retail.sla.policy'].search([]).active = False
        # what comes after a deadline, and without owner, is in test_service_escalate.py
        cls.env['retail.escalation.level'].search([('unit', '!=', 'share')]).active = False
        cls.office = cls._create_calendar(
            'Office', [(day, hours) for day in range(5) for hours in ((9, 12), (13.5, 18))]
        )
        Stage, Type = cls.env['retail.ticket.stage'], cls.env['retail.ticket.type']
        names = ('new', 'open', 'waiting', 'on_hold', 'solved', 'archived', 'cancelled')
        cls.stages = dict(
            zip(
                names,
                Stage.create(
                    [
                        {'name': name, 'category': name, 'sequence': 1000 + place}
                        for place, name in enumerate(names)
                    ]
                ),
                strict=True,
            )
        )
        cls.kind, cls.other_kind = Type.create(
            [
                {
                    'name': name,
                    'code': f'test_{name}',
                    'needs_result': False,
                    'team_kind': False,
                    'stage_ids': [Command.set([stage.id for stage in cls.stages.values()])],
                }
                for name in ('question', 'repair')
            ]
        )
        cls.team = cls.env['retail.ticket.team'].create(
            {'name': 'Desk', 'calendar_id': cls.office.id}
        )
        cls.policy = cls.env['retail.sla.policy'].create(
            {
                'name': 'Usual',
                'sequence': 500,
                'first_hours': 1,
                'next_hours': 2,
                'solve_hours': 8,
            }
        )
        cls.mail = cls.env.ref('retail_crm.retail_channel_email')
        cls.phone = cls.env.ref('retail_crm.retail_channel_phone')

    @classmethod
    def _create_calendar(cls, name, hours, **values):
        return cls.env['resource.calendar'].create(
            {
                'name': name,
                'tz': 'Asia/Shanghai',
                'attendance_ids': [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                'name': f'{day}',
                                'dayofweek': str(day),
                                'hour_from': start,
                                'hour_to': stop,
                                'day_period': 'morning' if stop <= 12 else 'afternoon',
                            }
                        )
                        for day, (start, stop) in hours
                    ),
                ],
                **values,
            }
        )

    @classmethod
    def _create_tickets(cls, count=1, **values):
        return cls.env['retail.ticket'].create(
            [
                {
                    'subject': 'Help',
                    'type_id': cls.kind.id,
                    'team_id': cls.team.id,
                    'channel_id': cls.mail.id,
                    **values,
                }
                for _index in range(count)
            ]
        )

    def _at(self, hours):
        """Return so many hours on the wall after the Monday."""
        return MONDAY + timedelta(hours=hours)

    def _states(self, ticket):
        self.env.flush_all()
        return {
            (target.kind, target.cycle): target.state
            for target in self.env['retail.ticket.target'].search([('ticket_id', '=', ticket.id)])
        }

    def _move(self, ticket, name, hours):
        with freeze_time(self._at(hours)):
            ticket.write({'stage_id': self.stages[name].id})

    def _say(self, ticket, side, hours):
        with freeze_time(self._at(hours)):
            ticket._clock_contact(side)


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceSla(SlaCommon):
    def test_deadlines_in_the_hours_of_the_team(self):
        """Targets start at the request and count in the team's hours, with the break at noon (C.1, S-TKT-13)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self.assertEqual(ticket.sla_policy_id, self.policy)
        self.assertEqual(ticket.clock_calendar_id, self.office)
        self.assertEqual(ticket.first_response_deadline, self._at(1))
        # two hours before noon, 4.5 after it, 1.5 on Tuesday
        self.assertEqual(ticket.solve_deadline, datetime(2026, 6, 2, 2, 30))
        self.assertEqual(ticket.deadline, self._at(1))
        self.assertEqual(ticket.promised_at, ticket.solve_deadline)
        self.assertEqual(ticket.next_event_at, self._at(0.75))
        self.assertEqual(self._states(ticket), {('first', 1): 'running', ('solve', 1): 'running'})

    def test_received_before_it_was_entered(self):
        """The clock of a letter starts when it was put into the box, not when it was typed (C.1 starts)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(received_at=self._at(-68))  # Friday 14:00
            self.assertEqual(ticket.first_response_deadline, self._at(-67))
            self.assertTrue(ticket.is_overdue)
            self.assertEqual(self._states(ticket)['first', 1], 'breached')
            ticket.received_at = MONDAY
            self.assertEqual(ticket.first_response_deadline, self._at(1))
            self.assertEqual(self._states(ticket)['first', 1], 'running')

    def test_answered_on_the_spot(self):
        """On a synchronous channel the first answer is there at creation (design 5.3)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(channel_id=self.phone.id)
        self.assertEqual(self._states(ticket), {('first', 1): 'met', ('solve', 1): 'running'})
        self.assertEqual(ticket.first_response_at, MONDAY)
        self.assertEqual(ticket.deadline, ticket.solve_deadline)

    def test_hold_then_solved_is_met(self):
        """The customer answers, it is solved at once: met, and not late a day after (R-svc D.1-2 of OCA)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._say(ticket, 'agent', 0.5)
        self._move(ticket, 'waiting', 1)
        self.assertFalse(ticket.solve_deadline)
        self.assertFalse(ticket.deadline)
        self.assertFalse(ticket.next_event_at)
        self.assertEqual(self._states(ticket)['solve', 1], 'paused')
        target = ticket.target_ids.filtered(lambda row: row.kind == 'solve')
        self.assertEqual(target.remaining_hours, 7)
        self._move(ticket, 'solved', 24 * 5)
        self.assertEqual(self._states(ticket), {('first', 1): 'met', ('solve', 1): 'met'})
        with freeze_time(self._at(24 * 30)):
            ticket.invalidate_recordset()
            self.assertFalse(ticket.is_overdue)
            self.assertNotIn(ticket, ticket.search([('is_overdue', '=', True)]))
            self.env['retail.ticket']._clock_due_tickets()._clock_fire()
        self.assertEqual(self._states(ticket)['solve', 1], 'met')

    def test_message_ends_the_pause_at_its_date(self):
        """The mail is fetched hours later: the pause ended when the customer wrote (C.1 anti-gaming)."""
        with freeze_time(MONDAY):
            ticket, twin = self._create_tickets(2)
        for each in (ticket, twin):
            self._say(each, 'agent', 0.5)
            self._move(each, 'waiting', 1)
        with freeze_time(self._at(7)):
            ticket._clock_contact('customer', self._at(5))
        with freeze_time(self._at(5)):
            twin._clock_contact('customer')
        self.assertEqual(ticket.solve_deadline, twin.solve_deadline)
        self.assertEqual(ticket.next_response_deadline, twin.next_response_deadline)
        self.assertEqual(ticket.next_response_deadline, self._at(7))
        # an earlier message than the last event has all derived again
        with freeze_time(self._at(8)):
            twin._clock_contact('customer', self._at(3.5))
        self.assertEqual(
            twin.target_ids.filtered(lambda row: row.kind == 'next').date_start, self._at(3.5)
        )

    def test_answer_that_is_heard_of_late(self):
        """An answer given in time, of which the system hears after the deadline, was in time (C.1)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        with freeze_time(self._at(3)):
            ticket._clock_fire()
            self.assertEqual(self._states(ticket)['first', 1], 'breached')
            ticket._clock_contact('agent', self._at(0.9))
            self.assertEqual(self._states(ticket)['first', 1], 'met')
            self.assertFalse(ticket.is_breached)

    def test_date_in_the_future_is_now(self):
        """The sender's clock is wrong: his message is of now at the latest (C.1)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(channel_id=self.phone.id)
            ticket._clock_contact('customer', self._at(5000))
            self.assertEqual(ticket.next_response_deadline, self._at(2))

    def test_cycles_of_answers(self):
        """Each unanswered message has its cycle; the slowest and the number of late ones are kept (C.1 next)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        for side, hours in (
            ('agent', 0.5),
            ('customer', 0.6),
            ('customer', 1),
            ('agent', 1.6),
            ('customer', 3.5),
            ('agent', 6.5),
        ):
            self._say(ticket, side, hours)
        self.assertEqual(self._states(ticket)['next', 1], 'met')
        self.assertEqual(self._states(ticket)['next', 2], 'breached')
        self.assertEqual((ticket.next_breach_count, ticket.next_worst_hours), (1, 3))
        self.assertTrue(ticket.is_breached)
        self.assertFalse(ticket.next_response_deadline)

    def test_cancelled_is_void(self):
        """A cancelled ticket counts as no success and has nothing due (R-svc D.1-9)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._move(ticket, 'cancelled', 0.5)
        self.assertEqual(set(self._states(ticket).values()), {'void'})
        self.assertFalse(ticket.deadline or ticket.next_event_at or ticket.first_response_deadline)
        self._move(ticket, 'open', 6)
        self.assertEqual(ticket.first_response_deadline, self._at(6.5))

    def test_reopened_goes_on(self):
        """Reopened, the rest of the time is left; the first answer stays met (C.1 reopen)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._say(ticket, 'agent', 0.5)
        self._move(ticket, 'solved', 1)
        self._move(ticket, 'open', 24)
        self.assertEqual(self._states(ticket), {('first', 1): 'met', ('solve', 1): 'running'})
        self.assertEqual(ticket.solve_deadline, self._at(47.5))
        self.assertFalse(ticket.target_ids.filtered('met_at').filtered(lambda t: t.kind == 'solve'))

    def test_no_calendar_no_crash(self):
        """Without a calendar, or with an empty one, hours count in the company's, else day and night (D.1-5)."""
        empty = self._create_calendar('Empty', [])
        self.team.calendar_id = empty
        self.company.resource_calendar_id = self.office
        with freeze_time(MONDAY):
            self.assertEqual(self._create_tickets().clock_calendar_id, self.office)
            self.company.resource_calendar_id = empty
            ticket = self._create_tickets()
            self.assertFalse(ticket.clock_calendar_id)
            self.assertEqual(ticket.solve_deadline, self._at(8))
            self.team.calendar_id = self.office
            planned = self._create_tickets()
            self.office.attendance_ids.unlink()
        # what was planned in a calendar that is empty now
        self._move(planned, 'on_hold', 1)
        self.assertEqual(self._states(planned)['solve', 1], 'running')
        self.assertIsInstance(planned._clock_work(self.office, self.company.id), Wall)

    def test_no_policy_no_target(self):
        """Without a policy nothing is due, and nothing fails."""
        self.policy.active = False
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._say(ticket, 'customer', 1)
        self._move(ticket, 'solved', 2)
        self.assertFalse(self._states(ticket))
        self.assertFalse(ticket.deadline)

    # === POLICIES ===#

    def test_first_policy_that_fits(self):
        """The list is ordered, the first match decides, every condition counts (C.1 policy choice)."""
        Policy = self.env['retail.sla.policy']
        store = self.env['crm.team'].create({'name': 'North', 'retail_is_store': True})
        reason = self.env['retail.ticket.reason'].create({'name': 'Product'})
        sub_cause = self.env['retail.ticket.reason'].create(
            {'name': 'Function', 'parent_id': reason.id}
        )
        order = self._create_order(self.bob, 500)
        cases = [
            ('type_ids', {'type_id': self.other_kind.id}),
            ('channel_ids', {'channel_id': self.phone.id}),
            ('store_ids', {'store_id': store.id}),
            ('reason_ids', {'reason_id': sub_cause.id}),
            ('order_amount', {'order_id': order.id, 'partner_id': self.bob.id}),
        ]
        links = {
            'type_ids': self.other_kind,
            'channel_ids': self.phone,
            'store_ids': store,
            'reason_ids': reason,
        }
        for place, (field, values) in enumerate(cases):
            policy = Policy.create(
                {
                    'name': field,
                    'sequence': 100 - place,
                    'first_hours': 3,
                    field: [Command.set(links[field].ids)] if field in links else 500,
                }
            )
            with self.subTest(field=field):
                self.assertEqual(self._create_tickets(**values).sla_policy_id, policy)
                self.assertEqual(self._create_tickets().sla_policy_id, self.policy)
        # the same conditions when they come to hold later
        ticket = self._create_tickets()
        ticket.channel_id = self.phone
        self.assertEqual(ticket.sla_policy_id.name, 'channel_ids')
        ticket.write({'channel_id': self.mail.id, 'order_id': order.id})
        self.assertEqual(ticket.sla_policy_id, policy)
        # archived and other companies' policies hold for nobody
        policy.company_id = self.company_2
        self.assertNotEqual(self._create_tickets(**cases[-1][1]).sla_policy_id, policy)

    def test_priority_shortens(self):
        """High gets half of the hours and urgent a quarter, unless the matrix says otherwise (defaults 11)."""
        self.assertEqual((self.policy.solve_hours_high, self.policy.solve_hours_urgent), (4, 2))
        self.policy.first_hours_urgent = 0.1
        with freeze_time(MONDAY):
            ticket = self._create_tickets(priority='2')
        self.assertEqual(ticket.first_response_deadline, MONDAY + timedelta(minutes=6))
        self.assertEqual(ticket.solve_deadline, self._at(2))

    def test_day_and_night_and_cap(self):
        """Targets may count calendar hours, and a first answer has a last hour (defaults 11)."""
        self.policy.write({'solve_wall': True, 'first_hours': 40, 'first_cap_hours': 48})
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self.assertEqual(ticket.solve_deadline, self._at(8))
        self.assertEqual(ticket.first_response_deadline, self._at(48))

    def test_priority_raised_plans_again(self):
        """Start and log stay, hours change, and the chatter tells old and new (C.1 re-match)."""
        urgent = self.env['retail.sla.policy'].create(
            {'name': 'Repairs', 'sequence': 1, 'type_ids': self.other_kind.ids, 'solve_hours': 4}
        )
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        with freeze_time(self._at(0.5)):
            ticket.priority = '1'
            self.assertEqual(ticket.first_response_deadline, self._at(0.5))
            ticket.type_id = self.other_kind
        self.assertEqual(ticket.sla_policy_id, urgent)
        self.assertEqual(self._states(ticket), {('solve', 1): 'running'})
        self.assertEqual(ticket.solve_deadline, self._at(2))  # high: half of four hours
        body = ticket.message_ids[0].body
        self.assertIn('Usual', body)
        self.assertIn('Repairs', body)
        self.assertIn('2026-06-01 12:00', body)

    def test_tier_plans_again(self):
        """A customer who rises gets the hours of his new tier, also for what is open (C.1, E 5)."""
        programme = self.env['retail.programme'].create(
            {'name': 'Club', 'company_id': self.company_2.id}
        )
        programme.action_use_ladder()
        programme.action_start()
        member = self.env['retail.membership']._enrol(self.bob, self.company_2)
        gold = programme.tier_ids[2]
        policy = self.env['retail.sla.policy'].create(
            {'name': 'Gold', 'sequence': 1, 'tier_ids': gold.ids, 'solve_hours': 2}
        )
        values = {'partner_id': self.bob.id, 'company_id': self.company_2.id, 'team_id': False}
        ticket = self._create_tickets(**values)
        self.assertEqual(ticket.sla_policy_id, self.policy)
        member._override(gold, fields.Date.add(fields.Date.today(), months=3), 'vip', 'Patron')
        self._process()
        self.assertEqual(ticket.sla_policy_id, policy)
        self.assertEqual(self._create_tickets(**values).sla_policy_id, policy)

    def test_customer_policy_grants_hours(self):
        """What holds for a class of customers may name their deadlines (design 3, retail.policy)."""
        fast = self.env['retail.sla.policy'].create(
            {'name': 'Fast', 'sequence': 1, 'solve_hours': 1}
        )
        segment = self.env['retail.segment'].create({'name': 'Friends'})
        self.env['retail.segment.member'].create(
            {
                'segment_id': segment.id,
                'partner_id': self.bob.id,
                'entered_on': fields.Date.today(),
            }
        )
        self.env['retail.policy'].create(
            {'name': 'Friends', 'segment_id': segment.id, 'sla_policy_id': fast.id, 'sequence': 0}
        )
        self.assertEqual(self._create_tickets(partner_id=self.bob.id).sla_policy_id, fast)
        self.assertEqual(self._create_tickets(partner_id=self.ann.id).sla_policy_id, self.policy)

    def test_changed_policy_holds_for_new_tickets(self):
        """What was granted stays granted, until a manager applies the change (C.1 snapshot)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
            self.policy.first_hours = 0.5
            self.assertEqual(self._create_tickets().first_response_deadline, self._at(0.5))
        self._move(ticket, 'open', 0.2)
        self.assertEqual(ticket.first_response_deadline, self._at(1))
        with self.assertRaises(AccessError):
            self.policy.with_user(self.users['lead']).action_apply()
        with freeze_time(self._at(0.3)):
            self.policy.with_user(self.users['manager']).action_apply()
        self.assertEqual(ticket.first_response_deadline, self._at(0.5))

    def test_major_case_has_hours_of_its_own(self):
        """What becomes a major case gets the hours of major cases, from the start of the ticket (defaults 11, 15)."""
        major = self.env['retail.sla.policy'].create(
            {'name': 'Major', 'sequence': 1, 'only_major': True, 'first_hours': 0.5}
        )
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
            self.assertEqual(ticket.sla_policy_id, self.policy)
            ticket.is_major = True
            ticket._clock_replan({'is_major'})
        self.assertEqual(ticket.sla_policy_id, major)
        self.assertEqual(ticket.first_response_deadline, self._at(0.5))

    def test_merge_keeps_the_strictest(self):
        """The surviving ticket goes on from the earliest start with the strictest hours (C.1 merge)."""
        with freeze_time(MONDAY):
            source = self._create_tickets(priority='1')
        self._say(source, 'agent', 0.2)
        with freeze_time(self._at(1)):
            ticket = self._create_tickets()
            ticket._clock_merge(source)
        self.assertEqual(ticket.received_at, MONDAY)
        self.assertEqual(self._states(ticket), {('first', 1): 'met', ('solve', 1): 'running'})
        self.assertEqual(ticket.solve_deadline, source.solve_deadline)

    # === WHAT IS DUE ===#

    def test_levels_fire_once(self):
        """Warning, then missed: each once, with the owner of that moment, and the moment is announced (C.2)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(user_id=self.users['user'].id)
        self._end_transaction()
        before = self.moments.search_count([('kind', '=', 'ticket_breached')])
        for hours, levels in (
            (0.5, []),
            (0.75, ['warning']),
            (0.9, ['warning']),
            (1, ['warning']),
            (1.5, ['warning', 'breach']),
            (1.6, ['warning', 'breach']),
        ):
            with freeze_time(self._at(hours)):
                self.env['retail.ticket']._clock_due_tickets().filtered(
                    lambda due: due == ticket
                )._clock_fire_safely()
                events = self.env['retail.ticket.event'].search(
                    [('ticket_id', '=', ticket.id)], order='id'
                )
                with self.subTest(hours=hours):
                    self.assertEqual(events.mapped('level'), levels)
        self.assertEqual(events.user_id, self.users['user'])
        self.assertEqual(set(events.mapped('policy_name')), {'Usual'})
        self.assertEqual(self._states(ticket)['first', 1], 'breached')
        after = self.moments.search_count([('kind', '=', 'ticket_breached')])
        self.assertEqual(after, before + 1)
        # told again: nothing new
        ticket.target_ids.level = 0
        with freeze_time(self._at(1.7)):
            ticket._clock_fire()
        self.assertEqual(
            self.env['retail.ticket.event'].search_count([('ticket_id', '=', ticket.id)]), 2
        )
        self.assertEqual(self.moments.search_count([('kind', '=', 'ticket_breached')]), before + 1)

    def test_answered_late_before_anybody_looked(self):
        """A deadline that was missed between two runs is recorded, too (C.2, sticky)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._say(ticket, 'agent', 1.5)
        self.assertEqual(self._states(ticket)['first', 1], 'breached')
        with freeze_time(self._at(1.6)):
            ticket._clock_fire()
            self.assertGreater(ticket.next_event_at, self._at(1.6))
        events = self.env['retail.ticket.event'].search([('ticket_id', '=', ticket.id)])
        self.assertEqual(events.mapped('level'), ['breach'])

    def test_run_reads_what_is_due_only(self):
        """Cost by due events: a run with nothing due reads no ticket, and comes to an end (C.2)."""
        with freeze_time(MONDAY):
            self._create_tickets(20)
            self.env.flush_all()
            due = self.env['retail.ticket']._clock_due_tickets()
        self.assertFalse(due.filtered(lambda ticket: ticket.team_id == self.team))
        with freeze_time(self._at(24 * 20)):
            due = self.env['retail.ticket']._clock_due_tickets()
            mine = due.filtered(lambda ticket: ticket.team_id == self.team)
            self.assertEqual(len(mine), 20)
            mine._clock_fire_safely()
            self.assertFalse(mine.filtered('next_event_at'))

    def test_one_failing_ticket_keeps_no_other(self):
        """A ticket of which the clock fails is tried again later; the others have their turn."""
        with freeze_time(MONDAY):
            good, bad = self._create_tickets(2)
            self.env.flush_all()
        bad.clock_kept = {'broken': True}
        with freeze_time(self._at(2)), self.assertLogs('odoo.addons.retail_crm', 'ERROR'):
            (good + bad)._clock_fire_safely()
        self.assertEqual(self._states(good)['first', 1], 'breached')
        self.assertEqual(bad.next_event_at, self._at(3))

    # === THE LOG ===#

    def test_log_and_columns_agree(self):
        """What is kept event by event is what follows from the log, whatever happened (C.1, E 4)."""
        rng = random.Random(11)
        with freeze_time(MONDAY):
            tickets = self._create_tickets(20)
        for step in range(8):
            now = self._at(step * 7 + rng.random())
            with freeze_time(now):
                for ticket in tickets:
                    what = rng.choice(('customer', 'agent', 'late', 'look', *self.stages))
                    if what == 'late':
                        side = rng.choice(('customer', 'agent'))
                        ticket._clock_contact(side, now - timedelta(hours=rng.random() * 20))
                    elif what == 'look':
                        ticket._clock_fire()
                    elif what in self.stages:
                        ticket.stage_id = self.stages[what]
                    else:
                        ticket._clock_contact(what)
        self.env.flush_all()
        with freeze_time(now):
            kept = self._columns(tickets)
            plans = {ticket: ticket._clock_plan_kept() for ticket in tickets}
            tickets._clock_save(tickets._clock_from_log(plans), tickets._clock_targets(), plans)
            self.assertEqual(self._columns(tickets), kept)

    def _columns(self, tickets):
        self.env.flush_all()
        targets = self.env['retail.ticket.target'].search([('ticket_id', 'in', tickets.ids)])
        names = ('deadline', 'solve_deadline', 'next_event_at', 'next_worst_hours', 'clock_kept')
        rows = ('deadline', 'state', 'since', 'used_seconds', 'met_at', 'is_breached', 'cycle')
        return (
            [[ticket[name] for name in names if name != 'clock_kept'] for ticket in tickets],
            [[row[name] for name in rows] for row in targets],
        )

    def test_log_is_append_only(self):
        """Nobody changes the log or what was noticed, not even the administrator (design 2, contract)."""
        ticket = self._create_tickets()
        with self.assertRaises(UserError):
            ticket.interval_ids.write({'date_from': MONDAY})
        for model in ('interval', 'target', 'event'):
            rows = self.env[f'retail.ticket.{model}'].with_user(self.users['manager'])
            for operation in ('create', 'write', 'unlink'):
                with self.subTest(model=model, operation=operation):
                    self.assertFalse(rows.has_access(operation))
        self.assertEqual(ticket.interval_ids.mapped('category'), ['new'])
        self.assertFalse(ticket.interval_ids.date_to)

    def test_staff_need_no_rights_on_the_clock(self):
        """Whoever may move a ticket moves its clock, without rights on targets."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(user_id=self.users['user'].id)
        ticket = ticket.with_user(self.users['user'])
        self._say(ticket, 'agent', 0.5)
        self._move(ticket, 'solved', 1)
        self.assertEqual(self._states(ticket), {('first', 1): 'met', ('solve', 1): 'met'})

    # === QUERIES ===#

    def test_batches_cost_no_query_each(self):
        """200 tickets with targets: at most 0.2 query each; 20 moved: at most 2.2 each (design 8)."""
        self._create_tickets(2).write({'stage_id': self.stages['open'].id})
        self.env.flush_all()
        self.env.invalidate_all()
        with self._counted() as counted:
            tickets = self._create_tickets(200)
            self.env.flush_all()
        self.assertLessEqual(counted() / 200, 0.2)
        self.env.invalidate_all()
        moved = tickets[:20]
        with self._counted() as counted:
            moved.write({'stage_id': self.stages['waiting'].id})
            self.env.flush_all()
        self.assertLessEqual(counted() / 20, 2.2)

    @contextmanager
    def _counted(self):
        """Yield a function that tells how many queries have been made since."""
        start = self.env.cr.sql_log_count
        yield lambda: self.env.cr.sql_log_count - start


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceCalendar(SlaCommon):
    def _is_open(self, zone, week, at, holidays, makeups):
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        if local.date() in holidays:
            return False
        hour = local.hour + local.minute / 60
        hours = week.get(makeups.get(local.date(), local.weekday()), ())
        return any(start <= hour < stop for start, stop in hours)

    def test_work_time_of_a_calendar(self):
        """Split shifts, holidays, make-up days and changed clocks count as on the wall, minute by minute (C.1)."""
        week = {day: ((0, 4), (9, 12), (13.5, 24)) for day in range(5)}
        holidays, makeups = {date(2026, 10, 5)}, {date(2026, 10, 3): 0, date(2026, 3, 29): 4}
        for zone, days in (
            ('Europe/Berlin', (date(2026, 3, 27), date(2026, 10, 23))),
            ('America/New_York', (date(2026, 3, 6), date(2026, 10, 30))),
            ('Australia/Lord_Howe', (date(2026, 4, 3), date(2026, 10, 2))),
            ('Asia/Shanghai', (date(2026, 10, 2),)),
        ):
            calendar = self._create_calendar(
                zone, [(day, hours) for day in range(5) for hours in week[day]], tz=zone
            )
            self.env['retail.calendar.makeup'].create(
                [
                    {'calendar_id': calendar.id, 'date': day, 'dayofweek': str(weekday)}
                    for day, weekday in makeups.items()
                ]
            )
            wizard = self.env['retail.calendar.import'].create(
                {
                    'calendar_ids': calendar.ids,
                    'file': b64encode(b'Kind,From\nholiday,2026-10-05\n'),
                }
            )
            wizard.action_import()
            work = calendar._retail_work_time(self.company)
            for first in days:
                start = instant(datetime.combine(first, datetime.min.time())) - 12 * 3600
                stop = start + 5 * 86_400 + 1800
                walked = sum(
                    60
                    for at in range(start, stop, 60)
                    if self._is_open(zone, week, at, holidays, makeups)
                )
                with self.subTest(zone=zone, first=first):
                    self.assertEqual(work.between(start, stop), walked)

    def test_makeup_day_is_worked_everywhere(self):
        """Whoever asks a calendar, core included, gets the make-up day (design 5.3, 调休)."""
        saturday = date(2026, 6, 6)
        start, stop = datetime(2026, 6, 6), datetime(2026, 6, 7)
        self.assertEqual(self.office.get_work_hours_count(start, stop), 0)
        day = self.env['retail.calendar.makeup'].create(
            {'calendar_id': self.office.id, 'date': saturday, 'dayofweek': '3'}
        )
        self.assertEqual(self.office.get_work_hours_count(start, stop), 7.5)
        with freeze_time(datetime(2026, 6, 5, 9, 30)):  # Friday 17:30
            ticket = self._create_tickets()
        self.assertEqual(ticket.first_response_deadline, datetime(2026, 6, 6, 1, 30))
        day.unlink()
        self.assertEqual(self.office.get_work_hours_count(start, stop), 0)

    def test_makeup_day_needs_hours(self):
        """The hours of a weekday on which nobody works are none (bad input)."""
        with self.assertRaises(ValidationError):
            self.env['retail.calendar.makeup'].create(
                {'calendar_id': self.office.id, 'date': '2026-06-06', 'dayofweek': '6'}
            )

    def test_file_of_a_year(self):
        """Holidays and make-up days come by file, all or nothing, again without doubles; open tickets follow."""
        with freeze_time(datetime(2027, 9, 30, 9, 30)):  # Thursday 17:30
            ticket = self._create_tickets()
            self.assertEqual(ticket.first_response_deadline, datetime(2027, 10, 1, 1, 30))
            content = (
                '类型;开始;结束;按;名称\n'
                '放假;2027-10-01;2027-10-07;;国庆\n'
                '调休;2027-10-09;;周四;国庆\n'
            )
            wizard = self.env['retail.calendar.import'].create(
                {'calendar_ids': self.office.ids, 'file': b64encode(content.encode())}
            )
            with self.assertRaises(AccessError):
                wizard.with_user(self.users['lead']).action_import()
            for _again in range(2):
                wizard.with_user(self.users['manager']).action_import()
        self.assertEqual(len(self.office.global_leave_ids), 1)
        self.assertEqual(self.office.retail_makeup_ids.mapped('dayofweek'), ['3'])
        self.assertEqual(ticket.first_response_deadline, datetime(2027, 10, 8, 1, 30))

    def test_bad_file_changes_nothing(self):
        """Each bad row is told by its line, and nothing is written (bad input)."""
        for content, words in (
            ('Kind,From\nfeast,2027-10-01\n', 'Line 2'),
            ('Kind,From\nholiday,10/01/2027\n', 'Line 2'),
            ('Kind,From,To\nholiday,2027-10-02,2027-10-01\n', 'ends before'),
            ('Kind,From,Hours of\nmake-up,2027-10-09,Funday\n', 'weekday'),
            ('Kind,From,To\nholiday,2027-10-01,2027-10-07\nmake-up,2027-10-07,\n', 'Line 3'),
            ('Kind,From\n', 'columns'),
            ('a,b\n1,2\n', 'columns'),
            ('', 'columns'),
        ):
            wizard = self.env['retail.calendar.import'].create(
                {
                    'calendar_ids': self.office.ids,
                    'file': b64encode(content.encode()) if content else False,
                }
            )
            with self.subTest(content=content), self.assertRaises(UserError) as caught:
                wizard.action_import()
            if content:
                self.assertIn(words, str(caught.exception))
        self.assertFalse(self.office.global_leave_ids or self.office.retail_makeup_ids)

    def test_reminder_on_1_december(self):
        """Whoever keeps a calendar is reminded once of the next year's days (defaults 3)."""
        self.env['resource.calendar'].search([]).retail_user_id = False
        self.office.retail_user_id = self.users['manager']
        with freeze_time('2026-12-01 01:00:00'):
            for _run in range(2):
                self.env['resource.calendar']._cron_retail_remind_holidays()
        activity = self.env['mail.activity'].search([('user_id', '=', self.users['manager'].id)])
        self.assertEqual(len(activity), 1)
        self.assertIn('2027', activity.summary)
        self.assertEqual(activity.date_deadline, date(2026, 12, 1))

    def test_holidays_of_others_do_not_count(self):
        """Time off of an employee and holidays of another company move no deadline."""
        with freeze_time(MONDAY):
            plain = self._create_tickets().solve_deadline
            self.env['resource.calendar.leaves'].create(
                {
                    'name': 'Theirs',
                    'company_id': self.company_2.id,
                    'calendar_id': False,
                    'date_from': MONDAY,
                    'date_to': self._at(8),
                }
            ).company_id = self.company_2
            self.assertEqual(self._create_tickets().solve_deadline, plain)
