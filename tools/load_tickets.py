"""Fill the service desk of the demo: a year of requests and complaints about the loaded orders.

A script for the standard input of `./dev shell DB`. Each ticket is played through the add-on's own methods, event by
event in order of time, with the clock set to the moment of the event; what the add-on refuses is counted and left out.
The same orders get the same tickets on every run; nothing is entered twice. Words are invented.
"""

import os
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta

from odoo import Command, fields
from odoo.exceptions import UserError

sys.path.insert(0, os.environ.get('RETAIL_CRM_TOOLS') or os.path.join(os.getcwd(), 'tools'))
import load_common
import tickets_today

TICKETS = 160
YEAR = timedelta(days=365)
#: Types and how many of each hundred tickets are of them.
TYPES = (
    ('enquiry', 16),
    ('order', 13),
    ('logistics', 12),
    ('aftersales', 7),
    ('return', 13),
    ('complaint', 24),
    ('suggestion', 4),
    ('appointment', 4),
    ('repair', 4),
    ('data_request', 2),
    ('recovery', 1),
)
#: What customers say, and what was done: by type, or by sub-cause of a complaint.
WORDS = {
    'enquiry': (
        ('Do you have the new album?', 'On the shelf since Friday; one was laid aside.'),
        ('Which set is a good present?', 'Recommended three; the customer took the second.'),
    ),
    'order': (
        ('Where is my order?', 'Ready at the counter since yesterday; told the customer.'),
        ('Please change the address', 'Changed before it was sent.'),
    ),
    'logistics': (
        ('The parcel has not moved for three days', 'Carrier found it; delivered the next day.'),
        ('Nobody rang, card in the box', 'Second delivery agreed for the evening.'),
    ),
    'aftersales': (('The case is cracked, can I get one?', 'Sent a new case free of charge.'),),
    'return': (
        ('Bought it twice, one goes back', 'Taken back with receipt, money paid out.'),
        ('Wrong edition, please exchange', 'Exchanged at the counter.'),
    ),
    'suggestion': (
        ('Open at nine on Sundays', 'Answered: will be tried in May.'),
        ('Clerk Li was very patient with my mother', 'Thanked, and told Clerk Li.'),
    ),
    'appointment': (('Advice for a music room, Saturday at two', 'Came, was advised, bought.'),),
    'repair': (('The player skips', 'Lens cleaned and tried before the customer.'),),
    'data_request': (
        ('What do you store about me?', 'Identified at the counter, report handed out.'),
    ),
    'recovery': (('Two of ten in the last survey', 'Called; the cause was put right.'),),
    'internal': (('Please look whether one is in the store room', 'Two are there.'),),
    'product_performance': (('Sounds dull from the first day', 'Fault of the batch: exchanged.'),),
    'product_function': (('The disc stops at track seven', 'Tried it: exchanged at once.'),),
    'product_appearance': (('Scratched when I opened it', 'Exchanged, and shelf checked.'),),
    'logistics_lost': (('The parcel never came', 'Lost by the carrier: sent again.'),),
    'logistics_damaged': (('Box crushed, two of three broken', 'Sent again, better packed.'),),
    'logistics_delayed': (('A week late, the birthday is over', 'Apologised, postage back.'),),
    'service_attitude': (('I was told to look for it myself', 'Apology by the store manager.'),),
    'service_aftersales': (('Third call, and nobody knows of it', 'One owner from now on.'),),
    'order_cancel': (('I cancelled, and it was sent', 'Taken back free of charge.'),),
    'order_refund': (('No money after ten days', 'Paid the same day; cause: order entry.'),),
    'order_exchange': (('Got the same wrong one again', 'Right one brought by courier.'),),
    'account_leak': (('Strangers call me by my order number', 'Checked: no leak with us found.'),),
}
REASONS = [key for key in WORDS if '_' in key and key != 'data_request']
CAUSES = {
    'product': ('defect', 'storage'),
    'logistics': ('carrier', 'picking'),
    'service': ('attitude', 'knowledge'),
    'order': ('entry', 'promise'),
    'account': ('no_fault',),
}
#: Who works in which team.
TEAMS = {
    'desk': ('leader', ('clerk', 'clerk2', 'leader')),
    'hotline': ('leader', ('clerk2', 'clerk3')),
    'online': ('manager', ('clerk3',)),
    'complaint': ('manager', ('leader', 'manager')),
    'expert': ('manager', ('clerk3',)),
    'aftersales': ('leader', ('clerk', 'clerk2')),
    'stock': ('leader', ('clerk2',)),
    'quality': ('manager', ('manager',)),
    'privacy': ('manager', ('manager',)),
}
CHANNELS = (
    'counter',
    'phone',
    'phone',
    'wechat',
    'email',
    'web',
    'counter',
    'social',
    'opinion_box',
)


@contextmanager
def clock_at(moment):
    """Set the clock that the add-on asks."""
    true = fields.Datetime.now
    fields.Datetime.now = staticmethod(lambda *_args: moment.replace(microsecond=0))
    try:
        yield
    finally:
        fields.Datetime.now = staticmethod(true)


class Tickets:
    """A year of the service desk; all choices depend on nothing but numbers and references."""

    def __init__(self, env):
        self.env = env(context={**env.context, **load_common.QUIET})
        self.now = datetime.now().replace(microsecond=0)
        users = self.env['res.users'].search(
            [('login', 'in', ('clerk', 'clerk2', 'clerk3', 'leader', 'manager'))]
        )
        self.users = {user.login: user for user in users}
        self.refused = 0
        self.played = self.env['retail.ticket']

    def ref(self, name):
        return self.env.ref(f'retail_crm.{name}')

    def at(self, moment):
        return clock_at(moment)

    def choose(self, what, options):
        return options[load_common.spread(what, len(options))]

    # === TEAMS ===#

    def staff_teams(self):
        """Put people into the shipped teams, and give each store a desk."""
        for code, (leader, logins) in TEAMS.items():
            team = self.ref(f'retail_ticket_team_{code}')
            known = team.member_ids.user_id
            team.write(
                {
                    'user_id': self.users[leader].id,
                    'member_ids': [
                        Command.create({'user_id': self.users[login].id})
                        for login in logins
                        if self.users[login] not in known
                    ],
                }
            )
        self.users['leader'].group_ids += self.ref('group_complaint')
        Team = self.env['retail.ticket.team']
        desks = Team._make_desks(Team._stores_without_desk())
        for desk in desks:
            known = desk.member_ids.user_id
            wanted = self.users['clerk'] + self.users['clerk2']
            desk.member_ids = [Command.create({'user_id': user.id}) for user in wanted - known]

    # === WHAT HAPPENS ===#

    def orders(self):
        """The orders that tickets are about, spread over the year."""
        orders = self.env['sale.order'].search(
            [
                ('state', '=', 'sale'),
                ('date_order', '>', self.now - YEAR),
                ('date_order', '<', self.now - timedelta(days=3)),
            ],
            order='date_order, id',
        )
        return orders[:: max(1, len(orders) // TICKETS)][:TICKETS]

    def types(self):
        """A hundred types in a mixed order."""
        every = [code for code, share in TYPES for _index in range(share)]
        return [every[(index * 37) % len(every)] for index in range(len(every))]

    def plan(self):
        """Return all events as ``(moment, number, step, story)`` in order of time."""
        orders, kinds = self.orders(), self.types()
        partner = self.env['res.users'].search([('login', '=', 'customer')]).partner_id
        events = []
        for number, order in enumerate(orders):
            code = kinds[number % len(kinds)]
            hours = 20 + load_common.spread(f'wait {order.name}', 200)
            received = order.date_order + timedelta(hours=hours)
            if number >= len(orders) - 24:  # of the last days, so that there is something to do
                received = self.now - timedelta(hours=3 + 9 * (len(orders) - number))
            received = min(received, self.now - timedelta(hours=2))
            story = self.story(number, code, order)
            if order.partner_id == partner:  # who may sign in has three of his own
                continue
            events += self.events(number, received, story)
            if code == 'complaint' and number % 8 == 3:  # it happens again
                again = {**story, 'subject': story['subject'] + ' again'}
                later = received + timedelta(days=18)
                if later < self.now:
                    events += self.events(1000 + number, later, again)
        return sorted(events, key=lambda event: event[:2])

    def story(self, number, code, order):
        """What one customer wants, and what comes out."""
        key = self.choose(f'reason {number}', REASONS) if code == 'complaint' else code
        wish, result = self.choose(f'words {number}', WORDS[key])
        channel = self.choose(f'channel {number}', CHANNELS)
        line = order.order_line[:1]
        story = {
            'code': code,
            'subject': wish,
            'description': f'<p>{wish}.</p>',
            'result': result,
            'partner_id': order.partner_id.id,
            'order_id': order.id,
            'store_id': order.team_id.id,
            'channel_id': self.ref(f'retail_channel_{channel}').id,
            'type_id': self.ref(f'retail_ticket_type_{code}').id,
            'line_ids': code in ('return', 'complaint', 'repair', 'aftersales')
            and [Command.create({'sale_line_id': line.id})],
        }
        if code == 'complaint':
            story |= {
                'reason_id': self.ref(f'retail_ticket_reason_{key}').id,
                'guide_id': key.startswith('service') and self.users['clerk2'].id,
                'intake_1': f'{wish}.',
                'intake_4': 'Took time off for it.',
                'intake_8': 'That it is put right quickly.',
            }
        return story

    def events(self, number, received, story):
        """Return what happens to one ticket; what would be after now has not happened yet."""
        slow = load_common.spread(f'slow {number}', 10)  # two of ten are late
        answer = timedelta(minutes=20 + 7 * slow) if slow < 8 else timedelta(hours=30)
        step = timedelta(hours=3 + slow) if slow < 8 else timedelta(hours=40)
        moment = received
        found = [(moment, number, 'open', story)]
        moment += answer
        found.append((moment, number, 'take', story))
        found.append((moment + timedelta(minutes=5), number, 'answer', story))
        if number % 9 == 4:
            found.append((moment + timedelta(hours=1), number, 'wait', story))
            if moment > self.now - timedelta(days=4):  # of the last days: still waiting
                return [event for event in found if event[0] < self.now]
            moment += timedelta(hours=20)
            found.append((moment, number, 'customer', story))
        if number % 11 == 5:
            found.append((moment + timedelta(minutes=30), number, 'task', story))
            found.append((moment + timedelta(hours=2), number, 'task_done', story))
        for _index in range(6):  # as many as the longest process asks for; what is solved stays so
            moment += step
            found.append((moment, number, 'next', story))
        if number % 17 == 6:
            moment += timedelta(days=2)
            found.append((moment, number, 'again', story))
            moment += timedelta(hours=5)
            found.append((moment, number, 'solve', story))
        moment += timedelta(days=14)
        found.append((moment, number, 'file', story))
        return [event for event in found if event[0] < self.now]

    # === PLAYING ===#

    def play(self):
        """Play all events in order; what is refused is left out."""
        tickets = {}
        for moment, number, step, story in self.plan():
            with clock_at(moment):
                try:
                    with self.env.cr.savepoint():
                        if step == 'open':
                            tickets[number] = self.open(moment, story)
                        elif number in tickets:
                            getattr(self, step)(tickets[number], moment, story)
                        self.env.flush_all()
                except UserError as error:
                    self.refused += 1
                    if self.refused < 4:
                        load_common.say(f'refused ({step}, {story["code"]}): {error}')
                    self.env.invalidate_all(flush=False)
        self.played = self.env['retail.ticket'].union(*tickets.values())

    def open(self, moment, story):
        values = {
            key: value
            for key, value in story.items()
            if key not in ('code', 'result') and value is not False
        }
        return self.env['retail.ticket'].create({**values, 'received_at': moment})

    def as_owner(self, ticket):
        return ticket.with_user(ticket.user_id or self.users['clerk']).sudo()

    def take(self, ticket, _moment, _story):
        members = ticket.team_id.member_ids.user_id.sorted('id') or self.users['clerk']
        owner = members[load_common.spread(ticket.name, len(members))]
        if ticket.is_complaint and owner == ticket.guide_id:
            owner = self.users['leader']
        ticket.with_user(owner).sudo().write({'user_id': owner.id})

    def post(self, ticket, side, moment, body):
        """A message of the customer or an answer; counted once, whoever counts."""
        name = 'customer_message_count' if side == 'customer' else 'agent_message_count'
        before = ticket[name]
        values = {'author_id': ticket.partner_id.id} if side == 'customer' else {}
        ticket.message_post(
            body=body,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            date=moment,
            **values,
        )
        if ticket[name] == before:
            ticket._clock_contact(side, moment)

    def answer(self, ticket, moment, _story):
        self.post(self.as_owner(ticket), 'agent', moment, 'Thank you. We are looking into it.')

    def customer(self, ticket, moment, _story):
        self.post(ticket, 'customer', moment, 'Here is what you asked for.')
        if ticket.category == 'waiting':
            ticket._set_stage('open')

    def wait(self, ticket, moment, _story):
        self.post(self.as_owner(ticket), 'agent', moment, 'Please send us a picture of it.')
        self.as_owner(ticket)._set_stage('waiting')

    def task(self, ticket, moment, story):
        wish, _result = WORDS['internal'][0]
        self.env['retail.ticket'].create(
            {
                'subject': wish,
                'parent_id': ticket.id,
                'partner_id': ticket.partner_id.id,
                'type_id': self.ref('retail_ticket_type_internal').id,
                'team_id': self.ref('retail_ticket_team_stock').id,
                'channel_id': self.ref('retail_channel_in_site').id,
                'received_at': moment,
            }
        )

    def task_done(self, ticket, _moment, _story):
        """The other department has done its part."""
        for task in ticket.child_ids.filtered(lambda child: child._is_open()):
            _wish, result = WORDS['internal'][0]
            task.with_user(self.users['clerk2']).sudo().write(
                {'user_id': self.users['clerk2'].id, 'result': result}
            )
            task._set_stage('solved')

    def next(self, ticket, moment, story):
        """One step on, with what it asks for."""
        ticket = self.as_owner(ticket)
        if not ticket._is_open() or ticket.category == 'waiting':
            return
        reason = ticket.reason_id
        top = (reason.parent_id or reason).code or ''
        causes = next((known for name, known in CAUSES.items() if name in top), ('no_fault',))
        values = {
            'result': story['result'],
            'told_on': moment,
            'told_channel_id': ticket.channel_id.id,
            'cause_id': self.ref(f'retail_ticket_cause_{self.choose(ticket.name, causes)}').id,
            'dissatisfaction_id': self.ref(
                'retail_ticket_dissatisfaction_'
                + self.choose(f'd {ticket.name}', ('goods', 'service', 'slow', 'remedy'))
            ).id,
        }
        if ticket.is_complaint:
            values |= {
                'problem_restated': story['subject'],
                'customer_wish': story.get('intake_8', ''),
                'verdict': self.choose(f'v {ticket.name}', ('justified', 'justified', 'partly')),
                'solution': story['result'],
                'customer_opinion': 'accepts',
            }
        if story['code'] == 'data_request' and not ticket.identity_checked_by:
            ticket.action_data_identity()
        ticket.write(values)
        ticket.action_next_stage()

    def again(self, ticket, moment, _story):
        """The customer is not content."""
        if ticket.category == 'solved':
            self.post(ticket, 'customer', moment, 'It happened once more.')
            self.as_owner(ticket).action_reopen()

    def solve(self, ticket, moment, story):
        if ticket.is_complaint:  # from making another solution to following it up
            for _step in range(3):
                self.next(ticket, moment, story)
        elif ticket._is_open():
            self.as_owner(ticket).action_solve()

    def file(self, ticket, _moment, _story):
        if ticket.category == 'solved':
            self.as_owner(ticket)._set_stage('archived')


def main(env):
    marker = 'retail_crm.demo_tickets'
    parameters = env['ir.config_parameter'].sudo()
    if parameters.get_param(marker) or 'retail.ticket' not in env:
        return
    tickets = Tickets(env)
    if len(tickets.users) < 5:
        return  # not the demo's staff
    tickets.staff_teams()
    tickets.play()
    tickets_today.Today(tickets).play()
    env.cr.execute("UPDATE retail_moment SET state = 'done' WHERE state = 'pending'")
    parameters.set_param(marker, '1')
    env.cr.commit()
    states = env['retail.ticket']._read_group([], ['category'], ['__count'])
    load_common.say(
        f'{len(tickets.played)} tickets played, {tickets.refused} steps refused: '
        + ', '.join(f'{count} {category}' for category, count in states)
    )


if 'env' in globals():
    main(globals()['env'])
