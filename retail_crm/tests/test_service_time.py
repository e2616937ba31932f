"""Time through the whole service desk: random histories by mail, desk and portal; what fails in scheduled actions."""

import random
from datetime import UTC, timedelta
from email.utils import format_datetime
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.service._clock import replay
from odoo.addons.retail_crm.models.service._worktime import instant, moment_of
from odoo.addons.retail_crm.tests.test_service_sla import MONDAY, SlaCommon

GATEWAY = 'odoo.addons.mail.models.mail_thread'
SAFELY = 'odoo.addons.retail_crm.models.service._safely'
#: What may happen, as often as it is listed.
HAPPENS = (
    *['move'] * 6,
    *[
        'mail',
        'late',
        'program',
        'thanks',
        'colleague',
        'answer',
        'note',
        'public',
        'told',
        'portal',
    ],
    *['wait', 'solve', 'reopen', 'cancel', 'priority', 'type', 'team', 'received', 'look', 'tend'],
)


class TimeCommon(SlaCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent, cls.portal = cls.users['manager'], cls.users['portal']
        cls.customer = cls.portal.partner_id
        cls.customer.email = 'carla@home.example'
        cls.agent.partner_id.email = 'agent@staff.example'
        cls.gateway = cls.env['mail.thread'].with_user(cls.env.ref('base.user_root')).sudo()
        limits = ('sender', 'domain', 'body', 'reopens')
        cls.company.write({f'retail_mail_limit_{name}': 1000 for name in limits})
        cls.number = 0

    def _mail(self, ticket, sender, date, body='Where is it?', **head):
        """Let an answer to a ticket come in that our mail server took on ``date``."""
        type(self).number += 1
        told = ticket.message_ids.filtered(lambda item: item.message_type == 'auto_comment')[-1]
        head = {
            'Received': f'from x by y; {format_datetime(date.replace(tzinfo=UTC))}',
            'From': sender,
            'To': 'desk@shop.example',
            'Subject': 'Re',
            'Message-ID': f'<{self.number}@time.test>',
            'In-Reply-To': told.message_id,
            **head,
        }
        text = ''.join(f'{name}: {value}\r\n' for name, value in head.items())
        with mute_logger(GATEWAY):
            self.gateway.message_process('retail.ticket', f'{text}\r\n{body}')

    def _post(self, ticket, **options):
        return ticket.message_post(body='So', **{'message_type': 'comment', **options})


@tagged('post_install', '-at_install', 'retail_crm', 'any_data')
class TestServiceTime(TimeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        hours = [(day, hours) for day in range(6) for hours in ((8, 12), (15, 20))]
        calendar = cls._create_calendar('Shop', hours, tz='Europe/Berlin')
        cls.shop = cls.env['retail.ticket.team'].create(
            {'name': 'Shop', 'calendar_id': calendar.id}
        )

    def test_histories(self):
        """However a ticket is handled: each message is told once, columns and targets follow from all of it (C.1, E 4)."""
        for seed, start in enumerate((MONDAY, MONDAY.replace(month=10, day=22))):
            rng, now = random.Random(seed), start
            self.notes, self.opened, told = [], start, []
            with freeze_time(now):
                ticket = self._create_tickets(partner_id=self.customer.id, team_id=self.shop.id)
                self._post(ticket, message_type='auto_comment', subtype_xmlid='mail.mt_comment')
            moves = [(now, 'new')]
            for _step in range(18):
                now += timedelta(seconds=rng.choice((0, 1, 1831, 3607, rng.randrange(100_000))))
                what, stage = rng.choice(HAPPENS), ticket.stage_id
                with freeze_time(now), self.subTest(seed=seed, now=now, what=what):
                    told += self._happen(rng, what, ticket, now)
                    self.env.flush_all()
                    ticket.invalidate_recordset()
                    if ticket.stage_id != stage:
                        moves.append((now, ticket.category))
                    self._check(ticket, moves, told, now)

    def _happen(self, rng, what, ticket, now):
        """Let something happen and return ``[(side, date)]`` of the message that the clock must have been told of."""
        agent = ticket.with_user(self.agent)
        over = ticket._door_survivor(ticket)[1]
        was_solved = ticket.category == 'solved'
        earlier = (now - timedelta(hours=rng.random() * 30)).replace(microsecond=0)
        mails = {
            'mail': (self.customer.email, now, 'Where is it?', {}),
            'late': (self.customer.email, earlier, 'Where is it?', {}),
            'program': (self.customer.email, now, 'Away', {'Auto-Submitted': 'auto-replied'}),
            'thanks': (self.customer.email, now, 'Thank you very much!', {}),
            'colleague': (self.agent.partner_id.email, earlier, 'So', {}),
        }
        values = {
            'priority': lambda: {'priority': rng.choice('012')},
            'type': lambda: {'type_id': rng.choice((self.kind, self.other_kind)).id},
            'team': lambda: {'team_id': rng.choice((self.team, self.shop)).id},
            'received': lambda: {
                'received_at': self.opened + timedelta(hours=rng.randrange(-30, 3))
            },
            'move': lambda: {'stage_id': rng.choice(list(self.stages.values())).id},
        }
        if what in mails:
            sender, date, body, head = mails[what]
            self._mail(ticket, sender, date, body, **head)
            if not over and what != 'program' and not (what == 'thanks' and was_solved):
                return [('agent' if what == 'colleague' else 'customer', date)]
        elif what in values:
            agent.write(values[what]())
        elif what in ('wait', 'solve', 'reopen', 'cancel'):
            getattr(agent, f'action_{what}')()
        elif what == 'answer':
            self._post(agent, subtype_xmlid='mail.mt_comment')
            return [('agent', now)]
        elif what == 'note':
            self.notes.append(self._post(agent, subtype_xmlid='mail.mt_note'))
        elif what == 'public' and self.notes:
            self.notes.pop().subtype_id = self.env.ref('mail.mt_comment')
            return [('agent', now)]
        elif what == 'told':
            ticket._tell(self.env.ref('retail_crm.mail_template_ticket_waiting'))
        elif what == 'portal':
            ticket.with_user(self.portal).sudo()._portal_answer('But when?')
            return [('customer', now)]
        elif what == 'tend':
            ticket.tend_at = now
            ticket._tend()
        return []

    def _check(self, ticket, moves, told, now):
        """Compare a ticket with what happened to it, kept beside it."""
        ticket._clock_fire()
        self.env.flush_all()
        sides = {
            side: sorted(date for who, date in told if who == side)
            for side in ('agent', 'customer')
        }
        log = ticket.interval_ids.filtered('side')
        self.assertEqual(sorted((row.side, row.date_from) for row in log), sorted(told))
        self.assertEqual(ticket.agent_message_count, len(sides['agent']))
        self.assertEqual(ticket.customer_message_count, len(sides['customer']))
        self.assertEqual(ticket.last_agent_at, max(sides['agent'], default=False))
        self.assertEqual(ticket.last_customer_at, max(sides['customer'], default=False))
        self.assertEqual(bool(ticket.solved_at), ticket.category in ('solved', 'archived'))
        self.assertEqual(bool(ticket.archived_at), ticket.category == 'archived')
        plan = ticket._clock_plan_kept()
        clock = replay(
            ticket._clock_terms(plan, ticket.company_id.id),
            instant(ticket.received_at),
            [(instant(date), category) for date, category in moves],
            [(instant(date), side == 'agent') for side, date in told],
        )
        clock.settle(instant(now))
        rows = {(row.kind, row.cycle): row for row in ticket.target_ids}
        self.assertEqual(
            {
                key: (row.deadline, row.met_at, row.used_seconds, row.state)
                for key, row in rows.items()
            },
            {
                (target.kind, target.cycle): (
                    moment_of(target.deadline),
                    moment_of(target.met_at),
                    target.used,
                    clock.status(target),
                )
                for target in clock.targets
            },
        )
        due = [
            row.deadline
            for row in rows.values()
            if row.state != 'void' and not row.met_at and row.deadline
        ]
        self.assertEqual(ticket.deadline, min(due, default=False))
        self.assertEqual(ticket.is_overdue, bool(due) and min(due) < now)
        self.assertEqual(
            ticket.filtered_domain([('is_overdue', '=', True)]), ticket.filtered('is_overdue')
        )

    def test_receipt_of_a_solved_ticket(self):
        """Another day of receipt counts for a ticket that is solved, too (S-SRV-04)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._move(ticket, 'solved', 0.5)
        with freeze_time(self._at(1)):
            ticket.received_at = MONDAY - timedelta(days=5)
        self.assertEqual(self._states(ticket), {('first', 1): 'breached', ('solve', 1): 'breached'})
        self.assertTrue(ticket.is_breached)

    def test_receipt_of_a_talk(self):
        """Who was answered on the spot was so on whatever day he came (design 5.3)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(channel_id=self.phone.id)
        with freeze_time(self._at(1)):
            ticket.received_at = MONDAY - timedelta(days=5)
        self.assertEqual(self._states(ticket)['first', 1], 'met')
        self.assertEqual(ticket.first_response_at, ticket.received_at)
        self.assertEqual(ticket.target_ids[0].met_at, ticket.received_at)

    def test_answer_before_a_question(self):
        """An answer by mail that is heard of late leaves the question after it open (C.1)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        self._say(ticket, 'customer', 0.5)
        with freeze_time(self._at(0.6)):
            ticket._clock_contact('agent', self._at(0.25))
        self.assertEqual(self._states(ticket)['next', 1], 'running')
        self.assertEqual(ticket.next_response_deadline, self._at(4))

    def test_ends(self):
        """The dates of solving and filing hold as long as it is solved and filed (design 3)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
        for hours, name, dates in (
            (1, 'solved', [True, False]),
            (2, 'cancelled', [False, False]),
            (3, 'open', [False, False]),
            (4, 'archived', [True, True]),
            (5, 'solved', [True, False]),
        ):
            self._move(ticket, name, hours)
            with self.subTest(hours=hours, name=name):
                self.assertEqual([bool(ticket.solved_at), bool(ticket.archived_at)], dates)
        self.assertEqual(ticket.first_solved_at, self._at(1))
        with freeze_time(MONDAY):
            ticket = self._create_tickets(stage_id=self.stages['archived'].id)
        self.assertEqual([ticket.solved_at, ticket.archived_at], [MONDAY, MONDAY])

    def test_missed_again(self):
        """What was missed under other terms and not under these is noticed when it is missed again (C.1)."""
        with freeze_time(MONDAY):
            ticket = self._create_tickets(priority='2')
        with freeze_time(self._at(0.5)):
            ticket._clock_fire()
            self.assertTrue(ticket.is_breached)
            ticket.priority = '0'
            self.assertFalse(ticket.is_breached)
        with freeze_time(self._at(1.5)):
            self.assertLessEqual(ticket.next_event_at, self._at(1.5))
            ticket._clock_fire()
            self.assertTrue(ticket.is_breached)

    def test_deleted_calendar(self):
        """Open tickets of a calendar that is deleted are counted in the next one, not day and night (D.1-5)."""
        calendar = self._create_calendar('Short', [(0, (9, 10))], company_id=False)
        self.policy.calendar_id = calendar
        with freeze_time(MONDAY):
            ticket = self._create_tickets()
            self.assertEqual(ticket.clock_calendar_id, calendar)
            self.policy.calendar_id = False
            calendar.unlink()
            self.assertEqual(ticket.clock_calendar_id, self.office)
            self.assertEqual(ticket.first_response_deadline, self._at(1))
            self.assertEqual(ticket.target_ids.calendar_id, self.office)

    def test_visitor_with_a_link(self):
        """Who answers by a link, though nobody knows who he is, ends waiting as a customer does (R-svc C.8)."""
        ticket = self._create_tickets(partner_name='Somebody')
        self._move(ticket, 'waiting', 1)
        ticket.with_user(self.env.ref('base.public_user')).sudo()._portal_answer('Here it is')
        self.assertEqual(ticket.customer_message_count, 1)
        self.assertEqual(ticket.category, 'open')


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceFailures(TimeCommon):
    """In each scheduled action one record fails: the others have their turn, and somebody sees the failure."""

    def _run(self, job):
        """Run a scheduled action without its commits."""
        with patch.object(
            type(self.env['ir.cron']), '_commit_progress', lambda *args, **options: 60
        ):
            job()

    def _breaking(self, model, method, bad):
        """Make a method fail for one record."""
        original = getattr(type(self.env[model]), method)

        def broken(records, *args, **options):
            if bad in records:
                raise ValueError('broken')
            return original(records, *args, **options)

        return patch.object(type(self.env[model]), method, broken)

    def test_tending(self):
        """Of waiting requests one cannot be tended: it has a task, the others are reminded (S-TKT-12)."""
        tickets = self._create_tickets(3, partner_id=self.customer.id)
        tickets._set_stage('waiting')
        tickets._stamp({'tend_at': '2020-01-01 00:00:00'})
        bad = tickets[1]
        with (
            self._breaking('retail.ticket', '_plan_by_work', bad),
            self.assertLogs(SAFELY, 'ERROR'),
        ):
            self._run(self.env['retail.ticket']._cron_tend)
        self.assertEqual(tickets.mapped('reminder_count'), [1, 0, 1])
        self.assertIn('broken', bad.activity_ids.note)
        self.assertFalse(bad.tend_at)

    def test_filing(self):
        """A complaint that cannot be filed has a task once and keeps no other from being filed (defaults 13)."""
        kind = self.env.ref('retail_crm.retail_ticket_type_complaint')
        tickets = self._create_tickets(3, type_id=kind.id, team_id=False)
        stage = kind._stage_of(('solved',))
        tickets.with_context(retail_crm_quiet=True)._stamp(
            {'stage_id': stage.id, 'step': 'feedback', 'solved_at': '2020-01-01 00:00:00'}
        )
        tickets.flush_recordset()
        bad = tickets[1]
        for _time in range(2):
            with (
                self._breaking('retail.ticket', '_check_stage_move', bad),
                self.assertLogs(SAFELY, 'ERROR'),
            ):
                self._run(self.env['retail.ticket']._cron_file_complaints)
        self.assertEqual(tickets.mapped('category'), ['archived', 'solved', 'archived'])
        self.assertEqual(len(bad.activity_ids), 1)

    def test_promises(self):
        """A promise of which nobody can be reminded is tried again later; the others are found broken (S-TKT-42)."""
        ticket = self._create_tickets()
        promises = self.env['retail.ticket.promise'].create(
            [
                {'ticket_id': ticket.id, 'what': f'Call {number}', 'due_at': '2020-01-01 00:00:00'}
                for number in range(3)
            ]
        )
        bad = promises[1]
        with (
            self._breaking('retail.ticket.promise', '_plan_promise_tasks', bad),
            self.assertLogs(SAFELY, 'ERROR'),
        ):
            self._run(self.env['retail.ticket.promise']._cron_promises)
        self.assertEqual(promises.mapped('state'), ['broken', 'open', 'broken'])
        self.assertTrue(bad.next_at)

    def test_incidents(self):
        """An incident of which nobody can be reminded is tried again later; of the others somebody is (S-SEC-08)."""
        incidents = self.env['retail.incident'].create(
            [
                {'subject': f'Leak {number}', 'discovered_at': '2020-01-01 00:00:00'}
                for number in range(3)
            ]
        )
        tasks = len(incidents[0].activity_ids)
        bad = incidents[1]
        with self._breaking('retail.incident', '_alert', bad), self.assertLogs(SAFELY, 'ERROR'):
            self._run(self.env['retail.incident']._cron_remind)
        good = incidents - bad
        self.assertGreater(len(good[0].activity_ids), tasks)
        self.assertTrue(all(incident.next_reminder_at > incident.create_date for incident in good))
        self.assertTrue(bad.next_reminder_at)

    def test_switched_off(self):
        """Scheduled actions of the desk stand still while it is switched off, also when somebody deleted one."""
        names = ('ticket_clock', 'tell', 'tend', 'appointments', 'promises', 'file_complaints')
        crons = self.env['ir.cron'].browse(
            self.env.ref(f'retail_crm.ir_cron_{name}').id for name in names
        )
        crons[1].unlink()
        crons = crons.exists()
        settings = self.env['res.config.settings']
        for on in (False, True):
            settings._retail_switch_block(settings._retail_blocks()['service'], on)
            self.assertEqual(set(crons.mapped('active')), {on})
