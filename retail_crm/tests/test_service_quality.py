"""Figures of quality: first contact, reopening, times, analysis, bottlenecks, goals; formulas in plain Python beside."""

import random
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.service._worktime import instant
from odoo.addons.retail_crm.models.service.retail_ticket_quality_run import COLUMNS
from odoo.addons.retail_crm.tests.test_service_sla import MONDAY, SlaCommon

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
DONE, OPEN = ('solved', 'archived'), ('new', 'open', 'waiting', 'on_hold')


class History:
    """What was done to one ticket, and what follows from it, counted independently of the add-on."""

    def __init__(self, ticket, at, spoken):
        self.ticket, self.received = ticket, at
        self.stages = [(at, 'new')]
        self.messages = [(at, 'agent')] if spoken else []
        self.events = []
        if spoken:
            self.events.append('agent')

    def solved_times(self):
        result, before = [], None
        for at, category in self.stages:
            if category in DONE and before not in DONE:
                result.append(at)
            before = category
        return result

    def verdicts(self, histories):
        """Return first contact, one touch, one message, came back; all None when it was never solved."""
        solved = self.solved_times()
        if self.stages[-1][1] == 'cancelled':
            return ('excluded',) * 4 if solved else (False,) * 4
        if not solved:
            return (False,) * 4
        first, until = solved[0], solved[0] + WEEK
        before, back = None, None
        for at, category in self.stages:
            if before in DONE and category in OPEN and back is None:
                back = at
            before = category
        # in the order in which things happened
        order, seen_reply, asked = self.events, False, False
        for event in order:
            if event == 'solved':
                break
            if event == 'agent':
                seen_reply = True
            elif event == 'customer' and seen_reply:
                asked = True
        replies = sum(at <= first for at, side in self.messages if side == 'agent')
        all_replies = sum(at <= until for at, side in self.messages if side == 'agent')
        more = sum(
            self.received < at <= until
            for at, side in self.messages
            if side in ('customer', 'thanks')
        )
        again = any(
            first < other.received <= until
            for other in histories
            if other is not self
            and other.ticket.partner_id == self.ticket.partner_id
            and other.ticket.type_id == self.ticket.type_id
            and other.stages[-1][1] != 'cancelled'
        )
        came_back = back is not None and back <= until
        good = replies <= 1 and not asked and not came_back and not again
        return tuple(
            'yes' if value else 'no' for value in (good, all_replies < 2, more == 0, came_back)
        )

    def hours(self, names):
        """Return hours by the clock in the named categories until the last solution."""
        last = self.solved_times()[-1]
        total = timedelta()
        for (at, category), (until, _next) in zip(self.stages, self.stages[1:], strict=False):
            if category in names and until <= last:
                total += until - at
        return total / HOUR


@contextmanager
def at(moment):
    """Let it be a moment; much quicker than freezing all clocks."""
    with patch.object(fields.Datetime, 'now', lambda *_args: moment):
        yield


class QualityCommon(SlaCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'Asia/Shanghai'
        cls.env.registry.clear_cache()

    def _make(self, moment=MONDAY, **values):
        with at(moment):
            return self._create_tickets(**{'partner_id': self.bob.id, **values})

    def _do(self, ticket, name, moment):
        with at(moment):
            ticket.write({'stage_id': self.stages[name].id})

    def _speak(self, ticket, side, moment, **context):
        with at(moment):
            ticket.with_context(**context)._clock_contact(side)

    def _derive(self, tickets, moment):
        with at(moment):
            tickets._quality_refresh()

    def _run(self):
        """Let the scheduled action work, without its commits."""
        with patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *_a, **_k: 1):
            self.env['retail.ticket']._cron_quality()

    def _solved(self, **values):
        """Return a ticket that was answered once after one hour and solved after two."""
        ticket = self._make(**values)
        self._speak(ticket, 'agent', MONDAY + HOUR)
        self._do(ticket, 'solved', MONDAY + 2 * HOUR)
        return ticket


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceQuality(QualityCommon):
    # === DEFINITIONS ===#

    def _random_histories(self, seed, count):
        """Return random histories on a coarse grid of time, so that many things fall together, also 7 days after."""
        dice = random.Random(seed)
        actions = ['customer', 'agent', 'thanks', 'solved', 'open', 'waiting', 'on_hold']
        weights = [3, 5, 2, 6, 2, 2, 1]
        plan = []
        for number in range(count):
            start = MONDAY + dice.randrange(40) * 12 * HOUR
            plan.append((start, number, 0, 'create'))
            moment = start
            for place in range(dice.randint(1, 7)):
                moment += dice.choice([0, 6, 12, 24, 168]) * HOUR
                name = dice.choices(actions, weights)[0]
                plan.append((moment, number, place + 1, name))
            if dice.random() < 0.1:
                plan.append((moment + HOUR, number, 9, 'cancelled'))
        customers = self.env['res.partner'].create([{'name': name} for name in 'ABCDEF'])
        histories = {}
        for moment, number, _place, name in sorted(plan):
            with at(moment):
                if name == 'create':
                    spoken = dice.random() < 0.3
                    ticket = self._create_tickets(
                        partner_id=dice.choice(customers).id,
                        type_id=dice.choice([self.kind, self.other_kind]).id,
                        channel_id=(self.phone if spoken else self.mail).id,
                    )
                    histories[number] = History(ticket, moment, spoken)
                else:
                    self._act(histories[number], name, moment)
        return list(histories.values())

    def _act(self, history, name, moment):
        ticket = history.ticket
        if name in self.stages:
            if ticket.category == name:
                return
            ticket.write({'stage_id': self.stages[name].id})
            history.stages.append((moment, name))
            history.events.append(name)
        else:
            side = 'customer' if name == 'thanks' else name
            ticket.with_context(retail_crm_thanks=name == 'thanks')._clock_contact(side)
            history.messages.append((moment, name))
            history.events.append(name)

    def test_random_histories_as_in_plain_python(self):
        """Each definition of C.5 agrees with a count by hand on random histories; a closed month stays as it is (E 12)."""
        histories = self._random_histories(seed=8, count=70)
        tickets = self.env['retail.ticket'].union(*(item.ticket for item in histories))
        later = MONDAY + timedelta(days=120)
        watched = tickets.filtered('first_contact_until')
        self._derive(watched, later)
        found = set()
        for history in histories:
            ticket = history.ticket
            expected = history.verdicts(histories)
            found.add(expected)
            self.assertEqual(
                (ticket.first_contact, ticket.one_touch, ticket.one_message, ticket.came_back),
                expected,
                (history.stages, history.messages, history.received),
            )
            if expected[0] in ('yes', 'no'):
                solved = history.solved_times()
                for name, value in {
                    'first_solve_hours': (solved[0] - history.received) / HOUR,
                    'requester_hours': history.hours(('new', 'open', 'on_hold')),
                    'agent_hours': history.hours(('waiting',)),
                    'hold_hours': history.hours(('on_hold',)),
                }.items():
                    self.assertAlmostEqual(ticket[name], value, 6, name)
        self.assertGreaterEqual(len(found), 8, 'the histories are too much alike')
        self.assertFalse(watched.filtered('quality_due_at'))
        self._assert_reproducible(watched, later + timedelta(days=400))

    def _assert_reproducible(self, tickets, moment):
        """Derived again at another time and under another setting, all is as it was stored (E 12)."""
        stored = {ticket.id: [ticket[name] for name in COLUMNS] for ticket in tickets}
        self.company.retail_first_contact_days = 30
        with at(moment):
            again = tickets._quality_from_log()
            for ticket in tickets:
                for name, value in zip(COLUMNS, stored[ticket.id], strict=True):
                    self.assertEqual(again[ticket.id][name] or False, value or False, name)
            tickets._quality_refresh()
        self.assertEqual(
            stored, {ticket.id: [ticket[name] for name in COLUMNS] for ticket in tickets}
        )

    def test_window_of_seven_days(self):
        """Pending until 7 days are over, and not counted; a new ticket at exactly 7 days counts, later not (C.5)."""
        late, later = self.env['res.partner'].create([{'name': 'Late'}, {'name': 'Later'}])
        first, second = self._solved(partner_id=late.id), self._solved(partner_id=later.id)
        tickets, end = first + second, MONDAY + 2 * HOUR + WEEK
        self._derive(tickets, MONDAY + 3 * HOUR)
        self.assertEqual(set(tickets.mapped('first_contact')), {'pending'})
        self.assertEqual(set(tickets.mapped('one_touch')), {'pending'})
        self.assertEqual(tickets[0].quality_due_at, end + HOUR)
        self.assertEqual(tickets[0].first_solve_hours, 2, 'known at once')
        self._make(end, partner_id=late.id)
        self._make(end + timedelta(seconds=1), partner_id=later.id)
        self._derive(tickets, end)
        self.assertEqual(
            set(tickets.mapped('first_contact')), {'pending'}, 'mails may be on the way'
        )
        self._derive(tickets, end + HOUR)
        self.assertEqual(tickets.mapped('first_contact'), ['no', 'yes'])

    def test_what_counts_as_the_same(self):
        """A new ticket counts with the same order line, class, or neither having one with the same type (C.5)."""
        order = self._create_order(self.bob, 10)
        reasons = self.env['retail.ticket.reason'].search([('parent_id', '=', False)], limit=2)
        line = [Command.create({'sale_line_id': order.order_line.id})]
        cases = {
            'other type': ({}, {'type_id': self.other_kind.id}, 'yes'),
            'same class, other type': (
                {'reason_id': reasons[0].id},
                {'reason_id': reasons[0].id, 'type_id': self.other_kind.id},
                'no',
            ),
            'other class': ({'reason_id': reasons[0].id}, {'reason_id': reasons[1].id}, 'yes'),
            'one without class': ({'reason_id': reasons[0].id}, {}, 'yes'),
            'same line': (
                {'reason_id': reasons[0].id, 'line_ids': line},
                {'reason_id': reasons[1].id, 'line_ids': line},
                'no',
            ),
        }
        tickets = {}
        for name, (values, others, _expected) in cases.items():
            partner = self.env['res.partner'].create({'name': name})
            tickets[name] = self._solved(partner_id=partner.id, **values)
            self._make(MONDAY + 30 * HOUR, partner_id=partner.id, **others)
        every = self.env['retail.ticket'].union(*tickets.values())
        self._derive(every, MONDAY + timedelta(days=9))
        self.assertEqual(
            {name: ticket.first_contact for name, ticket in tickets.items()},
            {name: expected for name, (_one, _two, expected) in cases.items()},
        )

    def test_void_tickets_do_not_count(self):
        """Cancelled, merged, internal tickets and those entered when they were long over are in no statistics (C.1)."""
        spam, merged, task = self._solved(), self._solved(), self._solved()
        self._do(spam, 'cancelled', MONDAY + 3 * HOUR)
        survivor = self._solved()
        with at(MONDAY + 3 * HOUR):
            merged.merged_into_id = survivor
            task.parent_id = survivor
            internal = self.env['retail.ticket.type'].search([('is_internal', '=', True)], limit=1)
            models_write = task._stamp
            models_write({'type_id': internal.id})
        with at(MONDAY + 24 * HOUR):
            entered = self._create_tickets(
                stage_id=self.stages['solved'].id,
                received_at=MONDAY,
                first_solved_at=MONDAY + HOUR,
                solved_at=MONDAY + HOUR,
            )
        on_the_spot = self._make(stage_id=self.stages['solved'].id, partner_id=self.ann.id)
        tickets = spam + merged + task + entered
        every = tickets + survivor + on_the_spot
        self._derive(every, MONDAY + timedelta(days=9))
        self.assertEqual(tickets.mapped('first_contact'), ['excluded'] * 4)
        self.assertEqual(set(tickets.mapped('requester_hours')), {0})
        self.assertEqual(survivor.first_contact, 'yes', 'what was merged is no new ticket')
        self.assertEqual(on_the_spot.first_contact, 'yes', 'solved as it was entered')
        self.env.flush_all()
        shown = self.env['retail.ticket.report'].search([('ticket_id', 'in', every.ids)])
        self.assertEqual(shown.ticket_id, survivor + on_the_spot + entered)

    # === WHO OPENED IT AGAIN ===#

    def test_who_reopened_is_kept_for_each_time(self):
        """Customer, agent or system: the cause of each reopening is in the log (C.5)."""
        ticket = self._solved()
        with at(MONDAY + 5 * HOUR):
            ticket._customer_answered('It does not work. What now?')
        self._do(ticket, 'solved', MONDAY + 6 * HOUR)
        with at(MONDAY + 7 * HOUR):
            ticket.with_user(self.users['manager']).sudo().write(
                {'stage_id': self.stages['open'].id}
            )
        self._do(ticket, 'solved', MONDAY + 8 * HOUR)
        self._do(ticket, 'open', MONDAY + 9 * HOUR)
        self.assertEqual(ticket.reopened_by, 'system')
        self.assertEqual(ticket.reopen_count, 3)
        self.env.flush_all()
        rows = self.env['retail.ticket.interval'].search([('ticket_id', '=', ticket.id)])
        self.assertEqual(
            rows.filtered('reopened_by').mapped('reopened_by'), ['customer', 'agent', 'system']
        )
        self._derive(ticket, MONDAY + timedelta(days=9))
        self.assertEqual((ticket.first_contact, ticket.came_back), ('no', 'yes'))
        self.assertFalse(ticket.solve_work_hours, 'it is open')

    def test_thanks_cost_nothing(self):
        """A thank-you keeps it solved with a hint; before solving it is no further question (C.5)."""
        ticket = self._make()
        self._speak(ticket, 'agent', MONDAY + HOUR)
        with at(MONDAY + 2 * HOUR):
            ticket._customer_answered('Thank you!')
        self._do(ticket, 'solved', MONDAY + 3 * HOUR)
        with at(MONDAY + 4 * HOUR):
            ticket._customer_answered('Thanks a lot!')
        self.assertTrue(ticket.is_possibly_thanks)
        self.assertEqual(ticket.category, 'solved')
        self._derive(ticket, MONDAY + timedelta(days=9))
        self.assertEqual((ticket.first_contact, ticket.one_message), ('yes', 'no'))
        with at(MONDAY + timedelta(days=10)):
            ticket.action_not_only_thanks()
        self.assertEqual(ticket.reopened_by, 'customer')
        self.assertFalse(ticket.is_possibly_thanks)

    def test_said_to_be_unsolved(self):
        """Whoever says that it is not solved was not helped at first contact, however late he says so (C.5)."""
        ticket = self._solved()
        self._derive(ticket, MONDAY + timedelta(days=9))
        self.assertEqual(ticket.first_contact, 'yes')
        with at(MONDAY + timedelta(days=20)):
            ticket._said_unsolved()
            self._run()
        self.assertEqual((ticket.first_contact, ticket.came_back), ('no', 'no'))

    def test_first_opinion_stays(self):
        """What the customer said to the first result stays when a new round asks again (S-SRV-24)."""
        ticket = self._solved(type_id=self.kind.id)
        with at(MONDAY + 4 * HOUR):
            ticket._keep_first_opinion('no')
            ticket._keep_first_opinion('yes')
        self.assertEqual(ticket.first_satisfied, 'no')
        self.assertEqual(ticket.first_satisfied_on, MONDAY + 4 * HOUR)

    # === LATE NEWS ===#

    def test_what_is_heard_of_late_is_derived_again(self):
        """A letter put in within the window, entered after it, changes what was derived; so does its cancelling (E 12)."""
        ticket = self._solved()
        self._derive(ticket, MONDAY + timedelta(days=9))
        self.assertEqual(ticket.first_contact, 'yes')
        late = MONDAY + timedelta(days=12)
        letter = self._make(late, received_at=MONDAY + timedelta(days=3))
        self.assertEqual(ticket.quality_due_at, late)
        self._derive(ticket, late)
        self.assertEqual(ticket.first_contact, 'no')
        with at(late):
            letter.partner_id = self.ann
        self.assertEqual(ticket.quality_due_at, late)
        self._derive(ticket, late)
        self.assertEqual(ticket.first_contact, 'yes')
        with at(late):
            letter.partner_id = self.bob
        self._do(letter, 'cancelled', late + HOUR)
        self._derive(ticket, late + HOUR)
        self.assertEqual(ticket.first_contact, 'yes')
        self._speak(ticket, 'agent', late + 2 * HOUR)
        self.assertFalse(ticket.quality_due_at, 'after the window nothing is derived')

    # === TIMES ===#

    def test_working_hours_when_the_clocks_change(self):
        """Working hours are counted in the calendar of the deadlines, also over the change of the clocks (C.5)."""
        berlin = self._create_calendar('Berlin', [(day, (0, 24)) for day in range(7)])
        berlin.tz = 'Europe/Berlin'
        self.team.calendar_id = berlin
        saturday = datetime(2026, 3, 28, 12, 0)
        ticket = self._make(saturday)
        self._do(ticket, 'waiting', saturday + 6 * HOUR)
        self._do(ticket, 'on_hold', saturday + 20 * HOUR)
        self._do(ticket, 'solved', saturday + 24 * HOUR)
        self._derive(ticket, saturday + 25 * HOUR)
        # the night in which 2:00 is 3:00 has 24 hours all the same on the wall, of work an hour less is there
        self.assertAlmostEqual(ticket.first_solve_hours, 24)
        self.assertAlmostEqual(ticket.first_solve_work_hours, 24)
        self.assertAlmostEqual(ticket.agent_work_hours, 14)
        self.assertAlmostEqual(ticket.hold_work_hours, 4)
        self.assertAlmostEqual(ticket.requester_work_hours, 10)
        office = self._make(
            MONDAY
        )  # Monday 10:00 in Shanghai; the team works in Berlin, day and night
        office._stamp({'clock_calendar_id': self.office.id})
        self._do(office, 'solved', MONDAY + 26 * HOUR)
        self._derive(office, MONDAY + 27 * HOUR)
        minutes = sum(
            self._is_working(MONDAY + timedelta(minutes=minute)) for minute in range(26 * 60)
        )
        self.assertAlmostEqual(office.first_solve_work_hours, minutes / 60)

    def _is_working(self, moment):
        local = moment + 8 * HOUR
        hour = local.hour + local.minute / 60
        return local.weekday() < 5 and (9 <= hour < 12 or 13.5 <= hour < 18)

    # === SCHEDULED ACTION ===#

    def test_the_action_reads_what_is_due(self):
        """Solved tickets are derived once now and once after their window; one that fails keeps no other (E 12)."""
        one, two = self._solved(), self._solved(partner_id=self.ann.id)
        other = self._make()
        refresh = type(one)._quality_refresh

        def failing(tickets):
            if two in tickets:
                raise ValueError('broken')
            return refresh(tickets)

        with (
            at(MONDAY + 3 * HOUR),
            patch.object(type(one), '_quality_refresh', failing),
            mute_logger('odoo.addons.retail_crm.models.service._safely'),
        ):
            self._run()
        self.assertEqual(one.first_contact, 'pending')
        self.assertFalse(two.first_contact)
        self.assertEqual(two.quality_due_at, MONDAY + 27 * HOUR)
        with at(MONDAY + timedelta(days=8)):
            self._run()
        self.assertEqual((one + two).mapped('first_contact'), ['yes', 'yes'])
        self.assertFalse((one + two + other).filtered('quality_due_at'))

    def test_figures_are_the_systems(self):
        """Nobody writes figures of quality by hand, whatever client he uses."""
        ticket = self._solved()
        ticket.with_user(self.users['manager']).write({'first_contact': 'yes', 'subject': 'X'})
        self.assertEqual((ticket.first_contact, ticket.subject), (False, 'X'))
        made = self._create_tickets(partner_id=self.bob.id)
        values = {'subject': 'Y', 'type_id': self.kind.id, 'one_touch': 'yes'}
        made = made.with_user(self.users['manager']).create(values)
        self.assertFalse(made.one_touch)

    # === ANALYSIS ===#

    def test_shares_of_nothing_are_empty(self):
        """Shares count what is known only; over nothing they are empty, never 0 % (C.5)."""
        self._solved(), self._solved(partner_id=self.ann.id)
        team = [('team_id', '=', self.team.id)]
        rates = ('first_contact_rate', 'reopened_rate', 'satisfied_rate', 'preventable_rate')
        measures = [f'{name}:avg' for name in rates]

        def ask():
            self.env.flush_all()
            return self.env['retail.ticket.report']._read_group(team, [], measures)[0]

        self.assertEqual([value or None for value in ask()], [None] * 4)
        self.assertNotIn(
            0.0, [value for value in ask() if value is not False and value is not None]
        )
        tickets = self.env['retail.ticket'].search(team, order='id')
        self._derive(tickets, MONDAY + timedelta(days=9))
        self.assertEqual(list(ask())[:2], [100.0, 0.0])
        tickets[0]._stamp({'first_contact': 'no'})
        self.assertEqual(list(ask())[:2], [50.0, 0.0])

    def test_days_are_those_of_the_company(self):
        """A ticket of 23:30 on the last day of May in Shanghai belongs to May, whoever looks (E 12)."""
        moment = datetime(2026, 5, 31, 15, 30)
        may, june = self._make(moment), self._make(moment + HOUR)
        self.env.flush_all()
        report = self.env['retail.ticket.report'].with_context(tz='America/New_York')
        rows = report.search([('ticket_id', 'in', (may + june).ids)], order='id')
        self.assertEqual([str(row.received_on) for row in rows], ['2026-05-31', '2026-06-01'])

    def test_in_time_as_the_targets_say(self):
        """Answers and solutions in time are those of the targets; what still runs counts for nothing."""
        good, late, running = (self._make() for _index in range(3))
        self._speak(good, 'agent', MONDAY + HOUR / 2)
        self._do(good, 'solved', MONDAY + HOUR)
        self._speak(late, 'agent', MONDAY + 30 * HOUR)
        self._speak(late, 'customer', MONDAY + 31 * HOUR)
        self._speak(late, 'agent', MONDAY + 31 * HOUR + HOUR / 2)
        self._do(late, 'solved', MONDAY + 50 * HOUR)
        self.env.flush_all()
        report = self.env['retail.ticket.report']
        names = ('answered_in_time_rate', 'next_in_time_rate', 'solved_in_time_rate')
        found = {
            row.ticket_id: [
                report._read_group([('id', '=', row.id)], [], [f'{name}:avg'])[0][0]
                for name in names
            ]
            for row in report.search([('ticket_id', 'in', (good + late + running).ids)])
        }
        self.assertEqual([value or 0 for value in found[good]], [100, 0, 100])
        self.assertEqual(found[late], [0, 100, 0])
        self.assertFalse(any(found[running]))

    def test_restricted_tickets_in_the_analysis(self):
        """Leaders see no restricted complaints in the analysis, the person complained about never (design 7)."""
        ticket = self._solved()
        lead, manager = self.users['lead'], self.users['manager']
        ticket._stamp({'is_restricted': True, 'blocked_user_id': manager.id, 'is_complaint': True})
        self.env.flush_all()
        for model in ('retail.ticket.report', 'retail.ticket.stage.report'):
            rows = self.env[model].search([('ticket_id', '=', ticket.id)])
            self.assertTrue(rows)
            for user, expected in ((lead, 0), (manager, 0), (self.users['complaint'], len(rows))):
                seen = self.env[model].with_user(user).search_count([('id', 'in', rows.ids)])
                self.assertEqual(seen, expected, (model, user.login))
        self.assertFalse(
            self.env['retail.ticket.bottleneck'].search([('type_id', '=', self.kind.id)])
        )

    def test_time_per_stage_and_bottleneck(self):
        """Time per stage adds up, waiting is told by whom, and the largest share is marked (S-IMP-05)."""
        ticket = self._make()
        self._do(ticket, 'waiting', MONDAY + 2 * HOUR)
        with at(MONDAY + 5 * HOUR):
            stock = self.env['retail.ticket.team'].create({'name': 'Stock', 'kind': 'department'})
            ticket._ask(stock, 'Where is it?')
        self._do(ticket, 'on_hold', MONDAY + 6 * HOUR)
        self._do(ticket, 'open', MONDAY + 16 * HOUR)
        ticket = ticket.with_context(retail_crm_open_tasks=True)
        self._do(ticket, 'solved', MONDAY + 17 * HOUR)
        spam = self._make()
        self._do(spam, 'open', MONDAY + 900 * HOUR)
        self._do(spam, 'cancelled', MONDAY + 1000 * HOUR)
        with at(MONDAY + timedelta(days=30)):
            self.env.flush_all()
            rows = self.env['retail.ticket.stage.report'].search(
                [('type_id', '=', self.kind.id)], order='id'
            )
            self.assertEqual(
                [(row.stage_id.category, row.waited_for, row.hours) for row in rows],
                [
                    ('new', 'us', 2),
                    ('waiting', 'customer', 4),
                    ('on_hold', 'department', 10),
                    ('open', 'us', 1),
                ],
            )
            self.assertEqual(rows.mapped('department_id'), stock)
            lines = self.env['retail.ticket.bottleneck'].search([('type_id', '=', self.kind.id)])
            self.assertEqual(
                {line.stage_id.category: round(line.share, 4) for line in lines},
                {
                    'on_hold': round(1000 / 17, 4),
                    'waiting': round(400 / 17, 4),
                    'new': round(200 / 17, 4),
                    'open': round(100 / 17, 4),
                },
            )
            worst = lines.filtered('is_bottleneck')
            self.assertEqual(worst.stage_id.category, 'on_hold')
            self.assertEqual(lines.filtered('is_slowest'), worst)
            action = worst.action_open_rows()
            found = self.env[action['res_model']].search(action['domain'])
            self.assertEqual(found.ticket_id, ticket)
        with at(MONDAY + timedelta(days=200)):
            Bottleneck = self.env['retail.ticket.bottleneck']
            Bottleneck.invalidate_model()
            domain = [('type_id', '=', self.kind.id)]
            self.assertFalse(Bottleneck.search(domain))
            self.assertTrue(Bottleneck.with_context(retail_days=365).search(domain))

    # === GOALS ===#

    def _scores(self, moment, **values):
        domain = [('team_id', '=', self.team.id)]
        domain += [(name, '=', value) for name, value in values.items()]
        self.env.flush_all()
        self.env['retail.ticket.team.score'].invalidate_model()
        with at(moment):
            scores = self.env['retail.ticket.team.score'].search(domain)
            return {(score.metric, score.period): score for score in scores.with_prefetch()}

    def test_goal_against_actual(self):
        """The board shows goal and actual per team this month and last; each figure opens its tickets (S-SRV-24)."""
        good, late = self._solved(), self._make()
        self._do(late, 'solved', MONDAY + 60 * HOUR)
        open_one = self._make(partner_id=self.ann.id)  # never answered: late, too
        spam = self._solved()
        self._do(spam, 'cancelled', MONDAY + 3 * HOUR)
        good._keep_first_opinion('yes')
        good._stamp({'first_satisfied_on': MONDAY})
        july = datetime(2026, 7, 10)
        with at(july):
            open_one._clock_fire()
            (good + late)._quality_refresh()
            scores = self._scores(july)
            self.assertEqual(len(scores), 8)
            solve = scores['solve', 'last']
            self.assertEqual((solve.good, solve.count, solve.target), (1, 3, 92))
            self.assertAlmostEqual(solve.actual, 100 / 3)
            self.assertEqual(solve.state, 'missed')
            self.assertIn('1', solve.text)
            shown = self.env['retail.ticket.report'].search(solve.action_open_tickets()['domain'])
            self.assertEqual(shown.ticket_id, good + late + open_one)
            self.assertEqual(scores['satisfied', 'last'].state, 'met')
            # both tickets of one customer within a week of each other's solution, received at once: no repetition
            contact = scores['first_contact', 'last']
            self.assertEqual((contact.good, contact.count), (2, 2))
            nothing = scores['solve', 'this']
            self.assertEqual((nothing.count, nothing.state), (0, 'none'))
            self.assertEqual(nothing.text, 'No figures yet')
            self.assertEqual(nothing.display_name, f'{self.team.name}: Solved in time')

    def test_goals_of_teams_and_days(self):
        """A goal of the team wins over that of all, then the later one; past months keep theirs (S-SRV-24)."""
        Goal = self.env['retail.ticket.team.goal']
        values = {'team_id': self.team.id, 'metric': 'answer'}
        Goal.create({**values, 'target': 80, 'date_from': '2026-01-01'})
        Goal.create({**values, 'target': 95, 'date_from': '2026-07-01'})
        july = datetime(2026, 7, 10)
        scores = self._scores(july)
        self.assertEqual(scores['answer', 'last'].target, 80)
        self.assertEqual(scores['answer', 'this'].target, 95)
        self.assertEqual(scores['first_contact', 'this'].target, 70, 'that of all teams')
        for wrong in (
            {'target': 0, 'date_from': '2026-08-01'},
            {'target': 70, 'date_from': '2026-07-01'},
        ):
            with (
                self.subTest(**wrong),
                mute_logger('odoo.sql_db'),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                Goal.create({**values, **wrong})

    def test_months_of_goals_begin_where_the_company_is(self):
        """What was solved at 23:30 on the last day of the month in Shanghai belongs to that month (S-SRV-24)."""
        moment = datetime(2026, 6, 30, 15, 30)
        for start in (moment, moment + HOUR):
            ticket = self._make(start - HOUR / 2)
            self._do(ticket, 'solved', start)
        scores = self._scores(datetime(2026, 7, 10))
        self.assertEqual(scores['solve', 'last'].count, 1)
        self.assertEqual(scores['solve', 'this'].count, 1)

    def test_settings_of_the_window(self):
        """The number of days is a setting; it holds for what is solved from then on (C.5)."""
        before = self._solved()
        self.company.retail_first_contact_days = 2
        after = self._solved()
        self.assertEqual(before.first_contact_until - before.first_solved_at, WEEK)
        self.assertEqual(instant(after.first_contact_until), instant(MONDAY) + 50 * 3600)

    def test_tickets_with_their_history(self):
        """Tickets entered with their history get clock and figures as if they had been handled here, and tell nobody."""
        events = [
            (1, 'agent'),
            (2, 'solved'),
            (5, 'customer'),
            (5, 'open'),
            (6, 'agent'),
            (7, 'solved'),
        ]
        live = self._make()
        for hours, what in events:
            if what in self.stages:
                self._do(live, what, MONDAY + hours * HOUR)
            else:
                self._speak(live, what, MONDAY + hours * HOUR)
        later = MONDAY + timedelta(days=30)
        self._derive(live, later)
        values = {
            'subject': 'Old',
            'type_id': self.kind.id,
            'team_id': self.team.id,
            'channel_id': self.mail.id,
            'partner_id': self.ann.id,
            'received_at': MONDAY,
        }
        with at(later):
            entered = self.env['retail.ticket']._enter_histories([(values, events)])
        names = (*COLUMNS, 'reopen_count', 'solved_at', 'first_solved_at', 'first_response_at')
        names += ('stage_id', 'category', 'deadline', 'is_breached', 'agent_message_count')
        for name in names:
            self.assertEqual(entered[name], live[name], name)
        self.assertEqual(self._states(entered), self._states(live))
        self._end_transaction()
        announced = self.moments.search(
            [('res_model', '=', 'retail.ticket'), ('res_id', '=', entered.id)]
        )
        self.assertFalse(announced)
