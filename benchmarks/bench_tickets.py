"""Tickets with deadlines beside OCA's helpdesk with its SLA: making, moving, mails, and pages with 200,000 of them.

Both are installed beside the same modules, in databases of their own with the same number of tickets, and take turns.
"""

import itertools
import random
from contextlib import contextmanager
from email.message import EmailMessage
from unittest.mock import patch

import tickets
from bench_pages import specification
from common import Bench, Variant, config, environment_of, ratio_of
from lxml import etree

SIZE, MAILS = 100, 20
FLOOR = 'our model, Odoo alone'
WORDS = (
    'the my order blender arrived broken please refund exchange invoice store card points'.split()
)


class Desk:
    """One helpdesk: how its tickets are made and moved, and which of them are listed."""

    def __init__(self, label, env):
        self.label = label
        self.env = env
        self.is_ours = 'retail.ticket' in env
        self.model = env['retail.ticket' if self.is_ours else 'helpdesk.ticket']
        prefix = 'retail.ticket' if self.is_ours else 'helpdesk.ticket'
        self.team = env[f'{prefix}.team'].search([('name', '=', 'Bench team')], limit=1)
        self.partners = env['res.partner'].search([('email', 'like', 'bench.customer')]).ids
        if self.is_ours:
            self.kind = env.ref('retail_crm.retail_ticket_type_enquiry')
            self.stages = [self.kind._stage_of(one).id for one in ('open', 'waiting', 'solved')]
            self.open = [('category', 'in', ('new', 'open', 'waiting', 'on_hold'))]
            self.late = 'is_overdue' in self.model and [*self.open, ('is_overdue', '=', True)]
        else:
            names = ('in_progress', 'awaiting', 'done')
            self.stages = [env.ref(f'helpdesk_mgmt.helpdesk_ticket_stage_{n}').id for n in names]
            self.open = [('stage_id.closed', '=', False)]
            self.late = [*self.open, ('sla_expired', '=', True)]

    def values(self, number):
        subject = f'Blender does not start ({number})'
        shared = {
            'description': '<p>It hums, but nothing turns.</p>' * 3,
            'partner_id': self.partners[number % len(self.partners)],
            'partner_email': f'bench.customer{number % len(self.partners)}@example.com',
            'team_id': self.team.id,
        }
        if self.is_ours:
            return {'subject': subject, 'type_id': self.kind.id, 'result': 'Done', **shared}
        return {'name': subject, 'priority': str(number % 4), **shared}

    # === MAKING AND MOVING ===

    def batch(self, _given):
        self.model.create([self.values(number) for number in range(SIZE)])

    def one_by_one(self, _given):
        for number in range(SIZE):
            self.model.create(self.values(number))
            self.env.cr.flush()

    def made(self):
        found = self.model.with_context(tracking_disable=True).create(
            [self.values(number) for number in range(SIZE)]
        )
        self.env.cr.flush()
        return found.ids

    def move_batch(self, ids):
        for stage in self.stages:
            self.model.browse(ids).write({'stage_id': stage})
            self.env.cr.flush()

    def move_single(self, ids):
        """One request each: with an empty cache."""
        for ticket_id in ids[: SIZE // 4]:
            for stage in self.stages:
                self.model.browse(ticket_id).write({'stage_id': stage})
                self.env.cr.flush()
                self.env.invalidate_all()

    @contextmanager
    def by_odoo_alone(self):
        """Leave out what the desk does: what remains is Odoo's own work on the same model, the floor of our times."""
        given = {'company_id': self.env.company.id, 'stage_id': self.kind._stages()[0].id}
        given['channel_id'] = self.model._default_channel_id().id
        number = itertools.count()

        def prepare(_model, vals_list):
            return [{**given, **vals, 'name': f'F{next(number):08d}'} for vals in vals_list]

        nothing = dict.fromkeys(
            ('_tickets_created', '_check_stage_move', '_on_stage_moved'), lambda *_args: None
        )
        with patch.multiple(type(self.model), _prepare_ticket_values=prepare, **nothing):
            yield

    def floor(self, method):
        """Return a function that does the same without the desk."""

        def run(given):
            with self.by_odoo_alone():
                method(given)

        return run

    # === MAILS ===

    round = 0

    def mime(self, number, reply_to=None):
        Desk.round += 1
        chance = random.Random(number)
        known = f'Ada <bench.customer{number}@example.com>'
        mail = EmailMessage()
        mail['From'] = known if number % 4 else f'New <new{Desk.round}@example.net>'
        mail['To'] = self.team.alias_email
        mail['Subject'] = ('Re: ' if reply_to else '') + f'Problem with my blender {number}'
        mail['Message-ID'] = f'<{Desk.round}.{number}@mail.example.com>'
        if reply_to:
            mail['In-Reply-To'] = mail['References'] = reply_to
        text = '\n\n'.join(' '.join(chance.choices(WORDS, k=60)) for _index in range(4))
        mail.set_content(f'{text}\n\n{Desk.round}')
        mail.add_alternative(
            f'<html><body><p>{text} {Desk.round}</p></body></html>', subtype='html'
        )
        return mail.as_bytes()

    def receive(self, mails, model=None):
        """Each mail is a transaction of its own in the gateway: with an empty cache."""
        root = self.env.ref('base.user_root')
        thread = self.env['mail.thread'].with_user(root).with_context(fetchmail_cron_running=True)
        for raw in mails:
            thread.message_process(model, raw)
            self.env.cr.flush()
            self.env.invalidate_all()

    def inbox(self):
        return [self.mime(number) for number in range(MAILS)]

    def replies(self):
        before = self.env['mail.message'].search([], order='id desc', limit=1).id or 0
        self.receive(self.inbox())
        found = self.env['mail.message'].search(
            [('id', '>', before), ('model', '=', self.model._name), ('message_type', '=', 'email')]
        )
        if len(found) < MAILS * 3 // 4:
            raise SystemExit(f'{self.label}: of {MAILS} mails only {len(found)} became tickets')
        known = [message for message in found if 'bench.customer' in (message.email_from or '')]
        return [
            self.mime(
                int(message.email_from.split('customer')[1].split('@')[0]), message.message_id
            )
            for message in known
        ]

    # === PAGES ===

    def listed(self, domain):
        spec = specification(self.env, self.model._name, 'list')
        got = self.model.get_views([(False, 'list')])['views']['list']
        order = etree.fromstring(got['arch']).get('default_order')

        def read(_given):
            found = self.model.web_search_read(
                domain, spec, limit=80, count_limit=10001, order=order
            )
            assert found['records']

        return read

    def form(self):
        spec = specification(self.env, self.model._name, 'form')
        one = self._one()
        return lambda _given: self.model.browse(one.id).web_read(spec)

    def form_and_card(self):
        """The form, and what our form asks for when it is shown: a request of its own, with an empty cache."""
        read, one = self.form(), self._one()
        chosen = {'partner_id': one.partner_id.id, 'company_id': one.company_id.id}

        def both(given):
            read(given)
            self.env.invalidate_all()
            self.model.browse(one.id).action_card(chosen)

        return both if self.is_ours else read

    def _one(self):
        return self.model.search(self.open, limit=1, offset=50) or self.model.search([], limit=1)


def making(bench, oca, ours):
    """Tickets with deadlines, without owner."""
    for title, method, faster, queries in (
        (f'{SIZE} tickets with deadlines in a batch', 'batch', 8, 0.2),
        (f'{SIZE} tickets with deadlines one by one', 'one_by_one', 1.6, 12),
    ):
        bench.compare(
            title,
            [
                *(Variant(desk.label, desk.env, getattr(desk, method)) for desk in (oca, ours)),
                Variant(FLOOR, ours.env, ours.floor(getattr(ours, method))),
            ],
            SIZE,
            'ticket',
        )
        judge(bench, title, faster, queries)
    for title, method, faster, queries, units in (
        (f'{SIZE} tickets through three stages, batch', 'move_batch', 4, 2.2, SIZE),
        (f'{SIZE // 4} tickets, a request per stage', 'move_single', 2.5, None, SIZE // 4),
    ):
        bench.compare(
            title,
            [
                *(
                    Variant(desk.label, desk.env, getattr(desk, method), desk.made)
                    for desk in (oca, ours)
                ),
                Variant(FLOOR, ours.env, ours.floor(getattr(ours, method)), ours.made),
            ],
            units * 3,
            'move',
        )
        judge(bench, title, faster, queries)


def judge(bench, title, faster, queries=None, by_clock=False):
    """Check how many times faster than OCA we are, and how many queries a unit takes.

    :param by_clock: PostgreSQL scans OCA's tables in parallel workers, whose processor time is not in ours
    """
    _theirs, ours = [row for row in bench.rows if row['title'] == title][:2]
    kind, ratio = ('time', 'ratio') if by_clock else ('processor time', 'cpu_ratio')
    bench.check(f'{title}: our part of the {kind} of OCA', ours[ratio], 1 / faster)
    if queries is not None:
        bench.check(f'{title}: queries', ours['queries'], queries, 'queries')


def mails(bench, oca, ours):
    """Mails that become tickets, against the same into the plainest thread; replies against OCA's."""
    floor = Variant(
        'plain mail.thread record (helpdesk.sla)',
        oca.env,
        lambda given: oca.receive(given, 'helpdesk.sla'),
        lambda: [
            raw.replace(oca.team.alias_email.encode(), b'nobody@bench.example')
            for raw in oca.inbox()
        ],
    )
    made = [Variant(desk.label, desk.env, desk.receive, desk.inbox) for desk in (oca, ours)]
    title = f'{MAILS} mails become tickets'
    bench.compare(title, [floor, *made], MAILS, 'mail')
    plain, _theirs, own = bench.rows[-3:]
    bench.check(f'{title}: against a plain thread', ratio_of(made[1], floor, 'cpu'), 1.3)
    bench.check(f'{title}: queries against a plain thread', own['queries'] / plain['queries'], 1.4)
    title = f'{MAILS * 3 // 4} replies'
    bench.compare(
        title,
        [Variant(desk.label, desk.env, desk.receive, desk.replies) for desk in (oca, ours)],
        MAILS * 3 // 4,
        'mail',
    )
    judge(bench, title, 1.1)


def pages(bench, oca, ours):
    """Lists of 80, the form of one, and what is late."""
    count = ours.model.search_count([])
    for title, faster, page in (
        (f'list, 80 of {count:,}', 4.5, lambda desk: desk.listed([])),
        ('list, 80 of the open ones', 4.5, lambda desk: desk.listed(desk.open)),
        ('form', 4, lambda desk: desk.form()),
        ('form, and the card that it asks for then', None, lambda desk: desk.form_and_card()),
        ('list, 80 that are late', 6, lambda desk: desk.late and desk.listed(desk.late)),
    ):
        read = [page(desk) for desk in (oca, ours)]
        if not all(read):
            continue  # no deadlines in this version
        bench.compare(
            title,
            [
                Variant(desk.label, desk.env, one)
                for desk, one in zip((oca, ours), read, strict=True)
            ],
            unit='page',
            runs=bench.args.runs * 3,
            warm=3,
        )
        if faster:
            judge(bench, title, faster, by_clock=True)


def main():
    bench = Bench('tickets', __doc__)
    names = {kind: tickets.database(kind, bench.args.scale) for kind in ('oca', 'crm')}
    environment_of(names['crm']).cr.close()  # reads the configuration, which one process has once
    config['addons_path'] = tickets.addons_path().split(',')
    from odoo.modules.module import initialize_sys_path

    initialize_sys_path()
    bench.opened = [environment_of(names[kind]) for kind in ('oca', 'crm')]
    oca, ours = Desk('OCA', bench.opened[0]), Desk('retail_crm', bench.opened[1])
    for part in (making, mails, pages):
        if bench.wants(part.__name__):
            part(bench, oca, ours)
    bench.finish()


if __name__ == '__main__':
    main()
