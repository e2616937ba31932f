"""Automatic assignment of tickets (S-TKT-27, S-STF-15 to 17, R-svc C.3): the pure choice, and the desk around it."""

import random
from collections import Counter
from datetime import timedelta
from fractions import Fraction
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import BaseCase, Form, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.service._assign import (
    FULL,
    NOBODY,
    Job,
    Person,
    Seat,
    choose,
)
from odoo.addons.retail_crm.models.service._shift import Shift
from odoo.addons.retail_crm.models.service._worktime import Wall
from odoo.addons.retail_crm.tests.desk_common import DeskCommon

#: A Tuesday within the hours of the tests' calendar (09:00 to 17:00 UTC), and the Friday evening after it.
NOON = '2026-03-10 12:00:00'
FRIDAY_EVENING = '2026-03-13 20:00:00'
MONDAY_MORNING = '2026-03-16 09:00:00'


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceAssignChoice(BaseCase):
    """The choice without records."""

    def _oracle(self, jobs, people):
        """Choose by trying all, with no help of the code that is tested; loads in plain numbers."""
        loads = {user: Fraction(one.load) for user, one in people.items()}
        lasts = {user: one.last for user, one in people.items()}
        result, turn = {}, 0
        for job in jobs:
            got, why = None, NOBODY
            for name, seats in job.tiers:
                best = None
                for seat in seats:
                    if job.company not in seat.companies or seat.user in job.barred:
                        continue
                    if job.readers is not None and seat.user not in job.readers:
                        continue
                    missing = [
                        skill
                        for skill, value in job.needs.items()
                        if seat.skills.get(skill) and value not in seat.skills[skill]
                    ]
                    if missing:
                        continue
                    why = FULL
                    if seat.capacity is not None and loads[seat.user] >= seat.capacity:
                        continue
                    share = loads[seat.user] / (seat.capacity or 10_000)
                    last = lasts[seat.user]
                    key = (share, 0 if last is None else 1, last or (), seat.order)
                    if best is None or key < best[0]:
                        best = (key, seat.user)
                if best:
                    got, why = best[1], name
                    break
            result[job.key] = (got, why)
            if got:
                loads[got] += job.weight
                lasts[got] = (1, turn)
            turn += 1
        return result

    def test_choice_agrees_with_trying_all(self):
        """R-svc C.3: random people, skills, ties, loads and capacities of zero; the choice is that of a plain search."""
        rnd = random.Random(20260310)
        for _round in range(400):
            users = range(1, rnd.randint(2, 6))
            people = {
                user: Person(rnd.choice((0, 0, 100, 150, 300)), rnd.choice((None, (0, 5), (0, 9))))
                for user in users
            }
            seats = {
                user: Seat(
                    user,
                    rnd.choice((None, 0, 200, 400, 1000)),
                    rnd.randint(1, 99),
                    {
                        'language': frozenset(rnd.sample(('zh', 'en', 'es'), rnd.randint(0, 2))),
                        'type': frozenset(rnd.sample((1, 2, 3), rnd.randint(0, 2))),
                    },
                    frozenset(rnd.sample((1, 2), rnd.randint(1, 2))),
                )
                for user in users
            }
            jobs = [
                Job(
                    key,
                    rnd.choice((100, 150, 200)),
                    rnd.choice((1, 2)),
                    [
                        ('adviser', rnd.sample(list(seats.values()), min(1, len(seats)))),
                        ('fair', rnd.sample(list(seats.values()), rnd.randint(0, len(seats)))),
                    ][rnd.randint(0, 1) :],
                    rnd.choice(({}, {'language': 'en'}, {'language': 'zh', 'type': 2})),
                    frozenset(rnd.sample(list(users), rnd.randint(0, 1))),
                    rnd.choice((None, None, frozenset(users), frozenset())),
                )
                for key in range(rnd.randint(1, 12))
            ]
            # orders may be equal only for the same person
            for order, seat in enumerate(seats.values()):
                seat.order = seat.order * 100 + order
            expected = self._oracle(jobs, people)
            self.assertEqual(choose(jobs, people), expected)

    def test_one_of_two_beats_eight_of_ten(self):
        """R-svc C.3-2: with different capacities the used share counts, not the number."""
        seats = [
            Seat(1, 200, 1, companies=frozenset({1})),
            Seat(2, 1000, 2, companies=frozenset({1})),
        ]
        people = {1: Person(100), 2: Person(800)}
        self.assertEqual(choose([Job(7, 100, 1, [('fair', seats)])], people), {7: (1, 'fair')})

    def test_longest_idle_breaks_ties(self):
        """R-svc C.3-1: of equal loads, who never got one goes first, then who got his last one longest ago."""
        seats = [Seat(user, 1000, user, companies=frozenset({1})) for user in (1, 2, 3)]
        people = {1: Person(0, (0, 9)), 2: Person(0, (0, 5)), 3: Person(0, None)}
        jobs = [Job(key, 100, 1, [('fair', seats)]) for key in range(4)]
        self.assertEqual([user for user, _why in choose(jobs, people).values()], [3, 2, 1, 3])

    def test_shift_skips_absences_that_meet(self):
        """R-svc C.3-4: the next shift begins after all absences; without an end there is none."""
        self.assertEqual(Shift(Wall(), [(0, 50), (50, 90)]).next_on(10), 90)
        self.assertEqual(Shift(Wall(), [(20, 50)]).next_on(10), 10)
        self.assertIsNone(Shift(Wall(), [(0, 50), (40, None)]).next_on(10))
        self.assertEqual(Shift(Wall(), [(0, 50), (60, None)]).away_until(10), (True, 50))


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceAssign(DeskCommon):
    """The desk: two agents besides ``staff``, hours 09:00 to 17:00 UTC from Monday to Friday."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['retail.moment'].search([]).unlink()
        cls.agents = cls._create_users(
            one='retail_crm.group_user',
            two='retail_crm.group_user',
            three='retail_crm.group_user',
            outside='retail_crm.group_user',
        )
        cls.one, cls.two, cls.three, cls.outside = cls.agents.values()
        cls.fair = cls.env['retail.ticket.team'].create(
            {
                'name': 'Fair Desk',
                'kind': 'expert',
                'assign_method': 'fair',
                'calendar_id': cls.calendar.id,
                'member_ids': [
                    Command.create({'user_id': user.id, 'capacity': 50})
                    for user in (cls.one, cls.two, cls.three)
                ],
            }
        )
        cls.members = dict(
            zip(('one', 'two', 'three'), cls.fair.member_ids.sorted('id'), strict=True)
        )
        cls.desk = cls.env['retail.ticket.team'].create(
            {
                'name': 'Front',
                'assign_method': 'fair',
                'calendar_id': cls.calendar.id,
                'member_ids': [Command.create({'user_id': cls.one.id, 'capacity': 50})],
            }
        )

    def _open(self, count=1, now=NOON, **values):
        """Return tickets that came in, after their owners were looked for."""
        with freeze_time(now):
            tickets = self.env['retail.ticket'].create(
                [
                    {
                        'subject': f'Request {number}',
                        'team_id': self.fair.id,
                        'type_id': self.enquiry.id,
                        'channel_id': self.email.id,
                        **values,
                    }
                    for number in range(count)
                ]
            )
            self._process()
        return tickets

    def _run(self):
        """Run the scheduled action, without its commits."""
        cron = type(self.env['ir.cron'])
        with patch.object(cron, '_commit_progress', lambda *_args, **_values: 60):
            self.env['retail.ticket']._cron_assign()

    def _only(self, *names):
        """Have nobody else in the team."""
        gone = [member.id for name, member in self.members.items() if name not in names]
        self.env['retail.ticket.team.member'].browse(gone).active = False

    # === FAIRNESS ===#

    def test_batch_of_hundred_over_three(self):
        """R-svc C.3-8: 100 tickets in one create over 3 agents are 34, 33 and 33; each says why in one note."""
        tickets = self._open(100)
        owners = Counter(ticket.user_id.id for ticket in tickets)
        self.assertEqual(sorted(owners.values()), [33, 33, 34])
        self.assertEqual(set(tickets.mapped('assigned_by')), {'fair'})
        self.assertFalse(any(tickets.mapped('assign_after')))
        self.assertTrue(all(tickets.mapped('assigned_at')))
        notes = tickets.message_ids.filtered(lambda one: 'Least used capacity' in (one.body or ''))
        self.assertEqual(len(notes), 100)
        self.assertTrue(all(self.fair.member_ids.mapped('last_assigned_at')))

    def test_cost_of_a_batch_is_fixed(self):
        """S-TKT-27: owners of 60 tickets cost as many queries as those of 6."""
        with freeze_time(NOON):
            small, large = (
                self.env['retail.ticket'].create(
                    [
                        {
                            'subject': f'{number}',
                            'team_id': self.fair.id,
                            'type_id': self.enquiry.id,
                            'channel_id': self.email.id,
                        }
                        for number in range(count)
                    ]
                )
                for count in (6, 60)
            )
            costs = []
            for tickets in (small, large):
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                tickets._assign()
                self.env.flush_all()
                costs.append(self.cr.sql_log_count - before)
        self.assertTrue(all(large.mapped('user_id')))
        self.assertLessEqual(costs[1], costs[0] + 3, costs)

    def test_waiting_tickets_are_no_load(self):
        """R-svc C.3-2: what waits for the customer or for others is no load."""
        mine = self._open(4, user_id=self.one.id)
        mine[:2]._set_stage('waiting')
        mine[2:]._set_stage('on_hold')
        self._open(1, user_id=self.two.id)
        self._open(1, user_id=self.three.id)
        self.assertEqual(self._open().user_id, self.one)

    def test_priority_and_channel_weigh(self):
        """R-svc C.3-2: urgent tickets count twice, and a channel what the setting says."""
        self._only('one', 'two')
        self._open(1, user_id=self.one.id, priority='2')
        self._open(1, user_id=self.two.id)
        self.assertEqual(self._open().user_id, self.two)
        self.assertEqual(self._open().user_id, self.one, 'both have 200, one is longer idle')
        self.email.load_weight = 0
        self._open(1, user_id=self.one.id, channel_id=self.wechat.id)
        self.assertEqual(self._open().user_id, self.two)

    def test_full_team_waits_and_manual_exceeds(self):
        """R-svc C.3-7: nobody gets more than he handles by itself; by hand he may, with a warning."""
        self._only('one')
        self.members['one'].capacity = 2
        first = self._open(3)
        self.assertEqual(len(first.filtered('user_id')), 2)
        [rest] = first.filtered(lambda one: not one.user_id)
        self.assertEqual(rest.assign_after, fields.Datetime.to_datetime('2026-03-10 12:05:00'))
        with freeze_time(NOON):
            words = rest._owner_words(self.one)
            self.assertIn('2 of 2', words)
            rest.user_id = self.one
        self.assertEqual(rest.assigned_by, 'manual')
        self.assertFalse(rest.assign_after)

    def test_zero_is_the_number_of_the_role(self):
        """Members without a number handle as many as their role says, else as the company says."""
        self._only('one')
        self.members['one'].capacity = 0
        self.company.retail_assign_capacity = 1
        self.assertEqual(len(self._open(2).filtered('user_id')), 1)
        role = self.env['retail.role'].create({'name': 'Agent', 'capacity': 3})
        self.one.sudo().retail_role_id = role
        self.assertEqual(len(self._open(5).filtered('user_id')), 2)

    # === ORDER ===#

    def test_adviser_comes_first(self):
        """S-LOY-10, S-SEG-20, S-STF-15: a request goes to the customer's adviser; when he is away, to his substitute."""
        self.bob.retail_adviser_id = self.outside
        front = {'team_id': self.desk.id, 'partner_id': self.bob.id}
        ticket = self._open(**front)
        self.assertEqual((ticket.user_id, ticket.assigned_by), (self.outside, 'adviser'))
        self.company.retail_assign_previous_days = 0
        self.outside.write(
            {
                'retail_away_from': '2026-03-09',
                'retail_away_until': '2026-03-11',
                'retail_substitute_id': self.two.id,
            }
        )
        ticket = self._open(**front)
        self.assertEqual((ticket.user_id, ticket.assigned_by), (self.two, 'stand_in'))
        self.outside.retail_substitute_id = False
        ticket = self._open(**front)
        self.assertEqual((ticket.user_id, ticket.assigned_by), (self.one, 'fair'))
        self.company.retail_assign_adviser = False
        self.outside.write({'retail_away_from': False, 'retail_away_until': False})
        self.assertEqual(self._open(**front).user_id, self.one)

    def test_adviser_is_no_expert(self):
        """S-SRV-08: what special teams handle goes to their members, adviser or not."""
        self.bob.retail_adviser_id = self.outside
        self.assertIn(self._open(partner_id=self.bob.id).user_id, self.fair.member_ids.user_id)

    def test_previous_owner_within_days(self):
        """R-svc C.3-5: a new ticket of the same customer or order goes to the last owner, for 14 days."""
        order = self._create_order(self.ann, 10)
        self._open(user_id=self.three.id, partner_id=self.bob.id)
        self._open(user_id=self.two.id, partner_id=self.ann.id, order_id=order.id)
        again = self._open(partner_id=self.bob.id, now='2026-03-23 12:00:00')
        self.assertEqual((again.user_id, again.assigned_by), (self.three, 'previous'))
        by_order = self._open(order_id=order.id, now='2026-03-20 12:00:00')
        self.assertEqual((by_order.user_id, by_order.assigned_by), (self.two, 'previous'))
        by_company = self._open(partner_id=self.acme.id, now='2026-03-20 12:00:00')
        self.assertEqual(by_company.user_id, self.two, 'a colleague of the same company')
        late = self._open(partner_id=self.bob.id, now='2026-04-07 12:00:00')
        self.assertEqual(late.assigned_by, 'fair')

    def test_reopened_goes_to_its_owner_if_he_can(self):
        """R-svc C.3-5: a reopened ticket stays with its owner; when he is away, somebody else gets it."""
        ticket = self._open(user_id=self.three.id)
        with freeze_time(NOON):
            ticket._set_stage('solved', result='Done')
            ticket._set_stage('open')
            self._process()
            self.assertEqual(ticket.user_id, self.three)
            ticket._set_stage('solved')
            self.three.retail_away_from = '2026-03-10'
            ticket._set_stage('open')
            self._process()
        self.assertIn(ticket.user_id, self.one + self.two)

    def test_store_desk_first_then_hotline(self):
        """Defaults 14: the desk has 30 of its working minutes, then the ticket goes to the hotline."""
        hotline = self.env['retail.ticket.team'].create(
            {
                'name': 'Centre',
                'kind': 'hotline',
                'sequence': -1,
                'assign_method': 'fair',
                'member_ids': [Command.create({'user_id': self.two.id, 'capacity': 9})],
                'calendar_id': self.calendar.id,
            }
        )
        self.desk.member_ids.absent_from = '2026-03-01'
        ticket = self._open(team_id=self.desk.id, now='2026-03-10 16:50:00')
        self.assertFalse(ticket.user_id)
        # ten minutes are left of this day, twenty are of the next one
        due = fields.Datetime.to_datetime('2026-03-11 09:20:00')
        self.assertEqual(ticket.assign_after, due)
        with freeze_time(due - timedelta(minutes=1)):
            ticket._assign()
            self.assertEqual((ticket.team_id, ticket.user_id), (self.desk, self.env['res.users']))
        with freeze_time(due):
            ticket._assign()
        self.assertEqual((ticket.team_id, ticket.user_id), (hotline, self.two))

    def test_tickets_without_team_have_a_pool(self):
        """R-svc C.3-3: a ticket without a team goes to the hotline, a restricted one to the complaint unit."""
        self.env['retail.ticket.team'].create(
            {
                'name': 'Pool',
                'kind': 'hotline',
                'sequence': -1,
                'assign_method': 'fair',
                'calendar_id': self.calendar.id,
                'member_ids': [Command.create({'user_id': self.two.id, 'capacity': 9})],
            }
        )
        ticket = self._open()
        ticket._stamp({'team_id': False, 'user_id': False})
        with freeze_time(NOON):
            ticket._assign()
        self.assertEqual(ticket.user_id, self.two)
        self.assertEqual(ticket.team_id.name, 'Pool')

    # === WHO MAY ===#

    def test_skills_come_first(self):
        """R-svc C.3-3: language, class, type, channel and store are asked for; what is left empty is no limit."""
        chinese = self.env['res.lang']._activate_lang('zh_CN')
        english = self.env['res.lang']._get_data(code='en_US')
        self.members['one'].lang_ids = [Command.link(chinese.id)]
        self.members['two'].lang_ids = [Command.link(english.id)]
        self.members['three'].lang_ids = [Command.link(english.id)]
        self.bob.lang = 'zh_CN'
        self.assertEqual(self._open(3, partner_id=self.bob.id).user_id, self.one)
        reason = self.env['retail.ticket.reason'].search([('parent_id', '!=', False)], limit=1)
        self.bob.lang = 'en_US'
        self.company.retail_assign_previous_days = 0
        self.members['three'].reason_ids = reason.parent_id
        self.members['two'].reason_ids = self.env['retail.ticket.reason'].search(
            [('parent_id', '=', False), ('id', '!=', reason.parent_id.id)], limit=1
        )
        of_class = self._open(2, partner_id=self.bob.id, reason_id=reason.id)
        self.assertEqual(of_class.user_id, self.three)
        self.members['three'].channel_ids = self.wechat
        self.assertFalse(self._open(partner_id=self.bob.id, reason_id=reason.id).user_id)

    def test_preferred_skills_are_given_up(self):
        """R-svc C.3-3: preferred skills are dropped after 15 working minutes, required ones never."""
        self._only('one')
        self.members['one'].store_ids = self.env['crm.team'].create(
            {'name': 'North', 'retail_is_store': True}
        )
        south = self.env['crm.team'].create({'name': 'South', 'retail_is_store': True})
        self.fair.store_rule = 'preferred'
        preferred = self._open(store_id=south.id, now='2026-03-10 16:55:00')
        self.assertFalse(preferred.user_id)
        later = fields.Datetime.to_datetime('2026-03-11 09:10:00')
        self.assertEqual(preferred.assign_after, later)
        with freeze_time(later):
            preferred._assign()
        self.assertEqual(preferred.user_id, self.one)
        self.fair.store_rule = 'required'
        required = self._open(store_id=south.id)
        with freeze_time('2026-03-12 12:00:00'):
            required._assign()
        self.assertFalse(required.user_id)

    def test_person_complained_about_and_readers(self):
        """S-TKT-29: never who is complained about; a restricted ticket only to who may read it."""
        self._only('one', 'two')
        ticket = self._open(is_restricted=True)
        self.assertFalse(ticket.user_id)
        unit = self.users['complaint']
        self.fair.member_ids = [Command.create({'user_id': unit.id, 'capacity': 1})]
        with freeze_time(NOON):
            ticket._assign()
        self.assertEqual(ticket.user_id, unit)
        self.assertEqual(set(self._open(4, blocked_user_id=self.one.id).user_id), {self.two})

    def test_company_of_the_ticket(self):
        """R-svc C.3: nobody gets a ticket of a company that is not his; archived, portal and foreign users none."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.two.company_ids += branch
        self.assertEqual(set(self._open(3, company_id=branch.id).user_id), {self.two})
        self.two.group_ids = self.env.ref('base.group_user')
        self.assertFalse(self._open(company_id=branch.id).user_id)

    def test_given_back_goes_to_somebody_else(self):
        """R-svc C.3-7: who gives a ticket back does not get it again by itself."""
        self._only('one', 'two')
        self._open(3, user_id=self.two.id)
        ticket = self._open()
        self.assertEqual(ticket.user_id, self.one)
        with freeze_time(NOON):
            ticket.with_user(self.one).user_id = False
            self.assertTrue(ticket.assign_after)
            ticket._assign()
        self.assertEqual(ticket.user_id, self.two)

    def test_by_hand_stays_by_hand(self):
        """S-TKT-27: teams that take tickets by hand get none assigned, unless a leader asks for it."""
        self.fair.assign_method = 'manual'
        tickets = self._open(2)
        self.assertFalse(tickets.user_id)
        self.assertFalse(any(tickets.mapped('assign_after')))
        with freeze_time(NOON):
            tickets.with_user(self.users['manager']).action_find_owner()
        self.assertEqual(len(tickets.user_id), 2)

    def test_team_that_begins_to_assign(self):
        """S-TKT-27: a team switched to automatic assignment gives out what waits in its queue, too."""
        self.fair.assign_method = 'manual'
        tickets = self._open(2)
        with freeze_time(NOON):
            self.fair.assign_method = 'fair'
            self._run()
        self.assertEqual(len(tickets.user_id), 2)

    def test_forms_open_and_take_members(self):
        """S-STF-16: the form of a team shows load and hours of a member before he is saved."""
        with Form(self.desk) as form, form.member_ids.new() as line:
            line.user_id = self.outside
            line.capacity = 4
            self.assertEqual(line.load_text, '0 of 4')
        self.assertIn(self.outside, self.desk.member_ids.user_id)
        with Form(self.env['retail.ticket'].with_user(self.users['manager'])) as form:
            form.subject = 'By hand'
            form.team_id = self.desk
            form.user_id = self.one

    def test_owner_that_was_chosen_stays(self):
        """R-svc C.3-7: who was chosen by hand is never overruled, also outside the team and while away."""
        self.outside.retail_away_from = '2026-03-01'
        ticket = self._open(user_id=self.outside.id)
        with freeze_time(NOON):
            ticket._assign()
        self.assertEqual((ticket.user_id, ticket.assigned_by), (self.outside, 'manual'))

    def test_at_the_counter_who_takes_it_keeps_it(self):
        """R-svc C.3: what a member takes in on a channel where both speak is his at once; by mail it is not."""
        counter = self.env.ref('retail_crm.retail_channel_counter')
        values = {'subject': 'Here', 'team_id': self.fair.id, 'type_id': self.enquiry.id}
        Ticket = self.env['retail.ticket'].with_user(self.one)
        here = Ticket.create({**values, 'channel_id': counter.id})
        mail = Ticket.create({**values, 'channel_id': self.email.id})
        other = Ticket.with_user(self.outside).create({**values, 'channel_id': counter.id})
        self.assertEqual(here.user_id, self.one)
        self.assertTrue(here.assigned_at)
        self.assertFalse(mail.user_id or other.user_id)

    def test_handed_to_experts_finds_an_expert(self):
        """S-SRV-08: handed to a team of experts without a name, it gets one of them, and the owner stays involved."""
        ticket = self._open(team_id=self.desk.id)
        self.assertEqual(ticket.user_id, self.one)
        self._only('two')
        with freeze_time(NOON):
            ticket.with_user(self.one)._hand_to_experts(self.fair, 'Needs a master')
            self.assertFalse(ticket.user_id)
            self.env['retail.ticket'].browse(ticket.id)._assign()
        self.assertEqual(ticket.user_id, self.two)
        self.assertIn(self.one, ticket.involved_user_ids)

    # === WHEN ===#

    def test_nobody_on_shift_waits_for_the_next_one(self):
        """R-svc C.3-4: on Friday evening nobody gets it; it is looked for again when the next shift begins."""
        tickets = self._open(2, now=FRIDAY_EVENING)
        self.assertFalse(tickets.user_id)
        monday = fields.Datetime.to_datetime(MONDAY_MORNING)
        self.assertEqual(set(tickets.mapped('assign_after')), {monday})
        self.assertEqual(
            self.env['retail.ticket'].search_count(
                [('assign_after', '!=', False), ('user_id', '=', False), ('id', 'in', tickets.ids)]
            ),
            2,
        )
        with freeze_time(monday - timedelta(seconds=1)):
            self._run()
            self.assertFalse(tickets.user_id)
        with freeze_time(monday):
            self._run()
        self.assertEqual(len(tickets.user_id), 2)

    def test_holidays_and_clocks_that_change(self):
        """R-svc C.3: holidays of the company and the change of the clocks move the next shift."""
        self.calendar.tz = 'Europe/Paris'
        self.env['resource.calendar.leaves'].create(
            {
                'name': 'Holiday',
                'calendar_id': self.calendar.id,
                'company_id': self.company.id,
                'date_from': '2026-03-29 22:00:00',
                'date_to': '2026-03-30 22:00:00',
            }
        )
        # before the change 09:00 is 08:00 UTC, after it 07:00; Monday 30 March is a holiday
        before = self._open(now='2026-03-20 20:00:00')
        after = self._open(now='2026-03-27 20:00:00')
        self.assertEqual(before.assign_after, fields.Datetime.to_datetime('2026-03-23 08:00:00'))
        self.assertEqual(after.assign_after, fields.Datetime.to_datetime('2026-03-31 07:00:00'))

    def test_shift_of_a_member_and_of_a_contract(self):
        """R-svc C.3: the member's shift decides, else the hours of the contract in its zone, else the team's."""
        self._only('one', 'two')
        evening = self.calendar.copy({'name': 'Evening'})
        evening.attendance_ids.write({'hour_from': 17, 'hour_to': 22})
        self.members['one'].calendar_id = evening
        self.env['resource.resource'].create(
            {
                'name': 'Two',
                'user_id': self.two.id,
                'calendar_id': self.calendar.id,
                'tz': 'Asia/Shanghai',
                'company_id': self.company.id,
            }
        )
        self.assertEqual(self._open(now='2026-03-10 18:00:00').user_id, self.one)
        self.assertEqual(self._open(now='2026-03-10 02:00:00').user_id, self.two)
        nobody = self._open(now=NOON)
        self.assertEqual(nobody.assign_after, fields.Datetime.to_datetime('2026-03-10 17:00:00'))

    def test_approved_leave_keeps_tickets_away(self):
        """R-svc C.3: who is on approved leave gets nothing; time off writes the same rows."""
        self._only('one', 'two')
        resource = self.env['resource.resource'].create(
            {'name': 'One', 'user_id': self.one.id, 'calendar_id': self.calendar.id, 'tz': 'UTC'}
        )
        self.env['resource.calendar.leaves'].create(
            {
                'name': 'Leave',
                'resource_id': resource.id,
                'calendar_id': self.calendar.id,
                'date_from': '2026-03-10 00:00:00',
                'date_to': '2026-03-11 00:00:00',
            }
        )
        self.assertEqual(self._open(2).user_id, self.two)

    def test_switch_in_my_day(self):
        """R-svc C.3: who takes no tickets now gets none until his day ends; switched back he gets what waits."""
        self._only('one')
        with freeze_time(NOON):
            self.assertTrue(self.env['res.users'].with_user(self.one).action_retail_pause())
            load = self.env['retail.my.day'].with_user(self.one).action_load()
            self.assertTrue(load['pause']['on'])
        ticket = self._open()
        self.assertFalse(ticket.user_id)
        self.assertEqual(ticket.assign_after, fields.Datetime.to_datetime('2026-03-11 09:00:00'))
        with freeze_time(NOON):
            self.assertFalse(self.env['res.users'].with_user(self.one).action_retail_pause())
            self.env.invalidate_all()
            self.assertEqual(ticket.assign_after, fields.Datetime.now())
            self._run()
        self.assertEqual(ticket.user_id, self.one)
        with self.assertRaises(AccessError):
            self.env['res.users'].with_user(self.users['internal']).action_retail_pause()

    def test_one_failing_ticket_keeps_no_other(self):
        """Design 9: a ticket whose owner cannot be written is put off, the others of the run get theirs."""
        self._only('one', 'two')
        with freeze_time(FRIDAY_EVENING):
            tickets = self._open(3, now=FRIDAY_EVENING)
        give_to = type(tickets)._give_to

        def fail(records, *args, **kwargs):
            if tickets[1] in records:
                raise ValueError('broken')
            return give_to(records, *args, **kwargs)

        with (
            freeze_time(MONDAY_MORNING),
            patch.object(type(tickets), '_give_to', fail),
            mute_logger('odoo.addons.retail_crm.models.service._safely'),
        ):
            self._run()
        self.assertEqual([bool(one.user_id) for one in tickets], [True, False, True])
        self.assertEqual(
            tickets[1].assign_after, fields.Datetime.to_datetime('2026-03-16 10:00:00')
        )

    # === GOING AWAY ===#

    def _with_deadlines(self, *deadlines):
        tickets = self._open(len(deadlines), user_id=self.one.id)
        for ticket, deadline in zip(tickets, deadlines, strict=True):
            ticket._stamp({'deadline': deadline})
        return tickets

    def test_absence_gives_away_what_falls_due_in_it(self):
        """R-svc C.3-6: what is due within the absence goes back to the queue with a note; the rest stays."""
        tickets = self._with_deadlines(
            '2026-03-11 10:00:00', '2026-03-17 10:00:00', '2026-03-25 10:00:00', False
        )
        with freeze_time(NOON):
            self.members['one'].write({'absent_from': '2026-03-16', 'absent_until': '2026-03-18'})
        self.assertEqual([one.user_id == self.one for one in tickets], [True, False, True, True])
        self.assertTrue(tickets[1].assign_after)
        self.assertTrue(
            tickets[1].message_ids.filtered(lambda note: 'is away' in (note.body or ''))
        )
        with freeze_time(NOON):
            tickets[1]._assign()
        self.assertIn(tickets[1].user_id, self.two + self.three)

    def test_substitute_gets_them(self):
        """Defaults 14: the substitute gets them, unless he is away himself or complained about."""
        tickets = self._with_deadlines('2026-03-11 10:00:00', '2026-03-11 11:00:00')
        tickets[1]._stamp({'blocked_user_id': self.two.id})
        with freeze_time(NOON):
            self.one.write(
                {
                    'retail_substitute_id': self.two.id,
                    'retail_away_from': '2026-03-10',
                    'retail_away_until': '2026-03-12',
                }
            )
        self.assertEqual((tickets[0].user_id, tickets[0].assigned_by), (self.two, 'substitute'))
        self.assertFalse(tickets[1].user_id)

    def test_absence_that_begins_later_catches_what_came_in_since(self):
        """R-svc C.3-6: on the days of an absence the daily run gives away what came in after it was entered."""
        with freeze_time(NOON):
            self.members['one'].write({'absent_from': '2026-03-16', 'absent_until': '2026-03-18'})
        ticket = self._with_deadlines('2026-03-17 10:00:00')
        with freeze_time('2026-03-16 04:00:00'):
            self.env['retail.ticket.team']._cron_absences()
        self.assertFalse(ticket.user_id)

    def test_archived_user_and_removed_member_leave_everything(self):
        """R-svc C.3-6: of who leaves everything open goes back; of who leaves the team, what is the team's."""
        of_team = self._open(2, user_id=self.one.id)
        of_team[0]._set_stage('waiting')
        other = self._open(user_id=self.one.id, team_id=self.desk.id)
        with freeze_time(NOON):
            self.members['one'].unlink()
        self.assertFalse(of_team.user_id)
        self.assertEqual([bool(one.assign_after) for one in of_team], [False, True])
        self.assertEqual(other.user_id, self.one)
        with freeze_time(NOON):
            self.one.active = False
        self.assertFalse(other.user_id)

    def test_hand_over_my_tickets(self):
        """R-svc C.3-6: one hands over all one's open tickets, with the reason; those of others are a leader's to hand."""
        tickets = self._open(3, user_id=self.one.id)
        tickets[0]._stamp({'blocked_user_id': self.two.id})
        Dialog = self.env['retail.ticket.hand.over'].with_user(self.one)
        dialog = Dialog.create({'user_id': self.two.id, 'reason': 'Course'})
        self.assertEqual((dialog.from_user_id, dialog.ticket_count), (self.one, 3))
        dialog.action_apply()
        self.assertEqual(tickets.mapped('user_id'), self.one + self.two)
        self.assertEqual(tickets[0].user_id, self.one)
        note = tickets[1].message_ids.filtered(lambda one: 'Course' in (one.body or ''))
        self.assertEqual(len(note), 1)
        Dialog.create({'reason': 'Ill'}).action_apply()
        self.assertFalse(tickets[0].user_id)
        self.assertEqual(tickets[0].declined_by_id, self.one)
        others = Dialog.create({'from_user_id': self.two.id, 'reason': 'Mine now'})
        with self.assertRaises(AccessError):
            others.action_apply()
        with self.assertRaises(UserError):
            Dialog.create({'user_id': self.one.id, 'reason': 'Me'}).action_apply()

    # === WHAT IS SHOWN ===#

    def test_owner_who_is_away_is_shown(self):
        """R-svc C.3-7: by hand somebody away may be chosen; the form says until when, for one query when nobody is."""
        ticket = self._open(user_id=self.three.id)
        with freeze_time(NOON):
            self.assertFalse(ticket.owner_warning)
            self.three.write({'retail_away_from': '2026-03-09', 'retail_away_until': '2026-03-15'})
            ticket.user_id = self.three
            self.env.invalidate_all()
            self.assertIn('Monday, 16 March', ticket.owner_warning)
            form = self.env['retail.ticket'].new({'user_id': self.three.id}, origin=self._open())
            warning = form._onchange_user_id()['warning']
            self.assertIn('Away until Monday', warning['message'])
            self.three.write({'retail_away_from': False, 'retail_away_until': False})
            self.env.invalidate_all()
            ticket.fetch(['user_id', 'category'])
            with self.assertQueryCount(1):
                self.assertFalse(ticket.owner_warning)

    def test_members_show_load_and_whether_they_are_there(self):
        """S-STF-16: of each member his load against his capacity, and whether he can get tickets now."""
        self._open(2, user_id=self.one.id, priority='2')
        self.members['one'].capacity = 8
        with freeze_time(NOON):
            self.assertEqual(self.members['one'].load_text, '4 of 8')
            self.assertEqual(self.members['one'].load_percent, 50)
            self.assertEqual(self.members['one'].running_count, 2)
            self.assertEqual(self.members['one'].state_text, 'At work')
        with freeze_time(FRIDAY_EVENING):
            self.env.invalidate_all()
            self.assertIn('Monday', self.members['two'].state_text)

    def test_report_of_load(self):
        """S-STF-16: open and running tickets per agent and team against capacity, also what nobody owns."""
        mine = self._open(3, user_id=self.one.id)
        mine[0]._set_stage('waiting')
        self._open(now=FRIDAY_EVENING)
        report = self.env['retail.ticket.load.report'].search([('team_id', '=', self.fair.id)])
        rows = {
            row.user_id: (row.open_count, row.running_count, row.load, row.capacity)
            for row in report
        }
        nobody = self.env['res.users']
        self.assertEqual(rows[self.one], (3, 2, 2.0, 50))
        self.assertEqual(rows[self.two], (0, 0, 0.0, 50))
        self.assertEqual(rows[nobody], (1, 1, 1.0, 0))
        self.assertEqual(report.filtered(lambda row: row.user_id == self.one).used_percent, 4.0)
        action = report.filtered(lambda row: row.user_id == self.one).action_open_tickets()
        self.assertEqual(
            self.env['retail.ticket'].search(action['domain']), mine.sorted('id', True)
        )

    def test_report_of_staffing(self):
        """S-STF-16: requests per hour of the week against people on shift; half an hour is half a person."""
        self.company.resource_calendar_id.tz = 'UTC'
        self._open(4, now='2026-03-10 12:30:00')
        half = self.calendar.copy({'name': 'Half'})
        half.attendance_ids.write({'hour_from': 12.5, 'hour_to': 20})
        self.members['one'].calendar_id = half
        with freeze_time('2026-03-12 12:00:00'):
            rows = {
                (row.weekday, row.hour): row
                for row in self.env['retail.ticket.staffing.report'].search(
                    [('team_id', '=', self.fair.id)]
                )
            }
        tuesday = rows['2', '12']
        self.assertEqual((tuesday.received, tuesday.people), (0.5, 2.5))
        self.assertAlmostEqual(tuesday.per_person, 0.2)
        self.assertEqual(rows['1', '18'].people, 1)
        self.assertEqual(sum(row.received for row in rows.values()), 0.5)

    def test_report_of_advisers(self):
        """S-STF-15: customers per adviser and their open requests; who has left is shown."""
        self.acme.retail_adviser_id = self.outside
        self.bob.retail_adviser_id = self.outside
        self._open(2, partner_id=self.ann.id, user_id=self.one.id)
        self._open(user_id=self.outside.id)
        [row] = self.env['retail.adviser.report'].search([('user_id', '=', self.outside.id)])
        self.assertEqual((row.customer_count, row.request_count, row.own_count), (2, 2, 1))
        self.assertFalse(row.is_gone)
        domain = row.action_open_customers()['domain']
        self.assertLessEqual(self.acme + self.bob, self.env['res.partner'].search(domain))
        self.outside.active = False
        self.env.flush_all()
        self.env.invalidate_all()
        [row] = self.env['retail.adviser.report'].search([('user_id', '=', self.outside.id)])
        self.assertTrue(row.is_gone)
