"""Who may do what with one ticket and what hangs on it: persona x object x operation (design 7, R-svc D.1)."""

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.test_access import OPERATIONS, AccessCalls

#: Who may do what with a ticket of the team that its owner ("member") has, by what kind of ticket it is.
#: Messages and files follow reading to read and to post, writing to change; nobody deletes tickets.
TICKETS = {
    'plain': {
        'owner': 'rw',
        'mate': 'rw',
        'other': 'r',
        'leader': 'rw',
        'deputy': 'rw',
        'store': 'rw',
        'area': 'rw',
        'other_leader': 'r',
        'former': 'r',
        'unit': '',
        'manager': 'rw',
        'accused': 'r',
        'elsewhere': '',
        'internal': '',
        'stranger': '',
    },
    'complaint': {
        'owner': 'rw',
        'mate': 'rw',
        'other': 'r',
        'leader': 'rw',
        'deputy': 'rw',
        'store': 'rw',
        'area': 'rw',
        'other_leader': 'r',
        'former': 'r',
        'unit': 'rw',
        'manager': 'rw',
        'accused': '',  # it is about him, though he leads the team and is a manager
        'elsewhere': '',
        'internal': '',
        'stranger': '',
    },
    'restricted': {
        'owner': 'rw',
        'mate': '',
        'other': 'rw',  # is involved
        'leader': '',
        'deputy': '',
        'store': '',
        'area': '',
        'other_leader': '',
        'former': '',
        'unit': 'rw',
        'manager': 'rw',
        'accused': '',
        'elsewhere': '',
        'internal': '',
        'stranger': '',
    },
    'unassigned': {
        'owner': 'rw',
        'mate': 'rw',
        'other': 'rw',
        'leader': 'rw',
        'deputy': 'rw',
        'store': 'rw',
        'area': 'rw',
        'other_leader': 'rw',
        'former': 'rw',
        'unit': '',
        'manager': 'rw',
        'accused': 'rw',
        'elsewhere': '',
        'internal': '',
        'stranger': '',
    },
}


@tagged('post_install', '-at_install', 'retail_crm', 'any_data')
class TestServiceAccess(AccessCalls):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        users = cls._create_users(
            **dict.fromkeys(('owner', 'mate', 'other', 'former'), 'retail_crm.group_user'),
            **dict.fromkeys(
                ('leader', 'deputy', 'store', 'area', 'other_leader'), 'retail_crm.group_lead'
            ),
            unit='retail_crm.group_complaint',
            elsewhere='retail_crm.group_manager',
            accused='retail_crm.group_manager',
            stranger='base.group_portal',
        )
        users['elsewhere'].write(
            {'company_ids': [Command.set(cls.company_2.ids)], 'company_id': cls.company_2.id}
        )
        # who is complained about shall be staff in this table: his rights as manager are tested apart
        users['accused'].group_ids = cls.env.ref('retail_crm.group_user')
        cls.staff = {
            **users,
            'manager': cls.users['manager'],
            'internal': cls.users['internal'],
        }
        area = cls.env['retail.area'].create({'name': 'North', 'manager_id': users['area'].id})
        store = cls.env['crm.team'].create(
            {
                'name': 'Store',
                'retail_is_store': True,
                'user_id': users['store'].id,
                'retail_area_id': area.id,
            }
        )
        Team = cls.env['retail.ticket.team']
        cls.team, cls.other_team = Team.create(
            [
                {
                    'name': 'One',
                    'store_id': store.id,
                    'user_id': users['leader'].id,
                    'deputy_id': users['deputy'].id,
                    'member_ids': [
                        Command.create({'user_id': users['owner'].id}),
                        Command.create({'user_id': users['mate'].id}),
                        Command.create({'user_id': users['former'].id, 'active': False}),
                    ],
                },
                {
                    'name': 'Other',
                    'user_id': users['other_leader'].id,
                    'member_ids': [Command.create({'user_id': users['other'].id})],
                },
            ]
        )
        complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint').id
        about = {
            'type_id': complaint,
            'blocked_user_id': users['accused'].id,
            'user_id': users['owner'].id,
        }
        extra = {
            'plain': {'user_id': users['owner'].id},
            'complaint': about,
            'restricted': {
                **about,
                'is_restricted': True,
                'involved_user_ids': users['other'].ids,
            },
            'unassigned': {},
        }
        tickets = cls.env['retail.ticket'].create(
            [
                {
                    'subject': kind,
                    'partner_id': cls.bob.id,
                    'team_id': cls.team.id,
                    'line_ids': [Command.create({'product_id': cls.goods.id})],
                    **values,
                }
                for kind, values in extra.items()
            ]
        )
        cls.tickets = dict(zip(extra, tickets, strict=True))
        cls.notes, cls.files, cls.activities = {}, {}, {}
        for kind, ticket in cls.tickets.items():
            cls.notes[kind] = ticket.message_post(body='Inside', subtype_xmlid='mail.mt_note')
            cls.files[kind] = cls.env['ir.attachment'].create(
                {'name': 'a.txt', 'raw': b'a', 'res_model': ticket._name, 'res_id': ticket.id}
            )
            cls.activities[kind] = ticket.activity_schedule(
                'mail.mail_activity_data_todo', user_id=cls.env.ref('base.user_admin').id
            )
        cls.env.flush_all()

    def _walk(self, calls_of):
        """Compare ``{letter: call}`` of each kind of ticket with the table, whoever calls."""
        for kind, allowed in TICKETS.items():
            for letter, (model, method, *args) in calls_of(kind).items():
                for persona, rights in allowed.items():
                    with self.subTest(kind=kind, persona=persona, call=f'{model}.{method}'):
                        refused = self._is_refused(self.staff[persona], model, method, *args)
                        self.assertEqual(refused, letter not in rights)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_tickets(self):
        """Staff read all but restricted tickets, write their own, their team's and those nobody owns (design 7)."""
        self._walk(
            lambda kind: {
                'r': ('retail.ticket', 'read', self.tickets[kind].ids, ['subject']),
                'w': ('retail.ticket', 'write', self.tickets[kind].ids, {'subject': 'Else'}),
                'd': ('retail.ticket', 'unlink', self.tickets[kind].ids),
            }
        )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_found_is_what_may_be_read(self):
        """Searching, counting, grouping and exporting show no ticket that cannot be read (R-svc D.1.7)."""
        ids = [ticket.id for ticket in self.tickets.values()]
        for persona, user in self.staff.items():
            mine = self.env(user=user)['retail.ticket']
            expected = {kind for kind, rights in TICKETS.items() if 'r' in rights[persona]}
            with self.subTest(persona=persona):
                if not mine.has_access('read'):
                    self.assertFalse(expected)
                    continue
                found = mine.search([('id', 'in', ids)])
                self.assertEqual({ticket.subject for ticket in found}, expected)
                self.assertEqual(mine.search_count([('id', 'in', ids)]), len(expected))
                groups = mine._read_group([('id', 'in', ids)], [], ['__count'])
                self.assertEqual(groups, [(len(expected),)])
                names = mine.name_search('', domain=[('id', 'in', ids)])
                self.assertEqual(len(names), len(expected))

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_lines(self):
        """What a ticket is about follows the ticket: a rule of its own on each child (R-svc D.1.7)."""
        self._walk(
            lambda kind: {
                'r': ('retail.ticket.line', 'read', self.tickets[kind].line_ids.ids, ['lot']),
                'w': ('retail.ticket.line', 'write', self.tickets[kind].line_ids.ids, {'lot': '1'}),
            }
        )
        self._walk(
            lambda kind: {
                'w': ('retail.ticket.line', 'create', [{'ticket_id': self.tickets[kind].id}])
            }
        )
        self._walk(
            lambda kind: {'w': ('retail.ticket.line', 'unlink', self.tickets[kind].line_ids.ids)}
        )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_messages(self):
        """Whoever may read a ticket reads and posts; only who may write it changes or deletes messages (design 7)."""
        self._walk(
            lambda kind: {
                'r': ('mail.message', 'read', self.notes[kind].ids, ['body']),
                'w': ('mail.message', 'write', self.notes[kind].ids, {'body': 'Else'}),
            }
        )
        for kind, rights in TICKETS.items():
            for persona, allowed in rights.items():
                with self.subTest(kind=kind, persona=persona):
                    refused = self._is_refused(
                        self.staff[persona],
                        'retail.ticket',
                        'message_post',
                        self.tickets[kind].ids,
                        body='Hello',
                    )
                    self.assertEqual(refused, 'r' not in allowed)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_files(self):
        """Files on a ticket are for its readers; adding and removing them is for its writers (R-svc D.1.4)."""
        self._walk(
            lambda kind: {
                'r': ('ir.attachment', 'read', self.files[kind].ids, ['name']),
                'w': ('ir.attachment', 'write', self.files[kind].ids, {'name': 'b'}),
            }
        )
        new = {'name': 'c', 'raw': b'c', 'res_model': 'retail.ticket'}
        self._walk(
            lambda kind: {
                'w': ('ir.attachment', 'create', [{**new, 'res_id': self.tickets[kind].id}])
            }
        )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_activities(self):
        """Activities of others on a ticket are for its readers; changing them is for its writers (design 7)."""
        self._walk(
            lambda kind: {
                'r': ('mail.activity', 'read', self.activities[kind].ids, ['summary']),
                'w': ('mail.activity', 'write', self.activities[kind].ids, {'summary': 'Else'}),
            }
        )
        self._walk(lambda kind: {'w': ('mail.activity', 'unlink', self.activities[kind].ids)})

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_complained_about_whatever_his_rights(self):
        """The person complained about reads nothing of it as manager, unit, leader, owner or involved (S-TKT-14)."""
        ticket, user = self.tickets['complaint'], self.staff['accused']
        user.group_ids = self.env.ref('retail_crm.group_manager') + self.env.ref(
            'retail_crm.group_complaint'
        )
        self.team.write({'user_id': user.id, 'member_ids': [Command.create({'user_id': user.id})]})
        # nobody can enter that; rows of before would say it
        self.env.flush_all()
        self.cr.execute('UPDATE retail_ticket SET user_id = %s WHERE id = %s', [user.id, ticket.id])
        self.cr.execute(
            'INSERT INTO retail_ticket_involved_rel (retail_ticket_id, res_users_id) VALUES (%s, %s)',
            [ticket.id, user.id],
        )
        self.env.invalidate_all()
        for letter, operation in OPERATIONS.items():
            if letter != 'c':
                with self.subTest(operation=operation):
                    self.assertFalse(ticket.with_user(user).has_access(operation))
                    self.assertFalse(ticket.line_ids.with_user(user).has_access(operation))
        for record in (self.notes['complaint'], self.files['complaint']):
            self.assertFalse(record.with_user(user).has_access('read'))
        self.assertTrue(self.tickets['plain'].with_user(user).has_access('write'))

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_way_through_other_records(self):
        """A ticket that cannot be read cannot be reached through customer, order, team or domain, either (R-svc D.1)."""
        user, ticket = self.staff['mate'], self.tickets['restricted']
        line = self.env(user=user)['retail.ticket.line']
        self.assertFalse(line.search([('ticket_id', '=', ticket.id)]))
        self.assertFalse(line.search([('ticket_id.subject', '=', 'restricted')]))
        child = self.env['retail.ticket'].create({'subject': 'Task', 'parent_id': ticket.id})
        mine = self.env(user=user)['retail.ticket']
        self.assertFalse(mine.search([('parent_id.subject', '=', 'restricted')]))
        self.assertIn(child.id, mine.search([('id', '=', child.id)]).ids)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_followers_gain_nothing(self):
        """Following or being in copy gives no right (R-svc D.1.4b): rules name owner, team and those involved only."""
        self.tickets['restricted'].message_subscribe(
            (
                self.staff['mate'].partner_id
                + self.staff['stranger'].partner_id
                + self.staff['internal'].partner_id
            ).ids
        )
        for persona in ('mate', 'stranger', 'internal'):
            with self.subTest(persona=persona):
                self.assertTrue(
                    self._is_refused(
                        self.staff[persona],
                        'retail.ticket',
                        'read',
                        self.tickets['restricted'].ids,
                        ['subject'],
                    )
                )

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_customers_write_nothing_by_call(self):
        """Customers reach tickets by their pages only: no call of theirs writes, creates or moves one (R-svc D.1.1)."""
        user, ticket = self.staff['stranger'], self.tickets['plain']
        ticket.partner_id = user.partner_id
        done = self.env.ref('retail_crm.retail_ticket_stage_solved')
        for method, *args in (
            ('write', ticket.ids, {'stage_id': done.id}),
            ('write', ticket.ids, {'subject': 'Mine'}),
            ('create', [{'subject': 'New', 'partner_id': user.partner_id.id}]),
            ('unlink', ticket.ids),
            ('action_solve', ticket.ids),
            ('action_cancel', ticket.ids),
            ('action_reopen', ticket.ids),
            ('action_assign_me', ticket.ids),
        ):
            with self.subTest(method=method):
                self.assertTrue(self._is_refused(user, 'retail.ticket', method, *args))
        for model in ('retail.ticket.stage', 'retail.ticket.type', 'retail.ticket.team'):
            for user_id in (user, self.env.ref('base.public_user')):
                mine = self.env(user=user_id)[model]
                for operation in ('write', 'create', 'unlink'):
                    with self.subTest(model=model, operation=operation):
                        self.assertFalse(mine.has_access(operation))

    def test_company_stays(self):
        """A ticket stays with its company: customer, team and store of another one are refused (design 4.2)."""
        team = self.env['retail.ticket.team'].create(
            {'name': 'Theirs', 'company_id': self.company_2.id}
        )
        partner = self.env['res.partner'].create(
            {'name': 'Theirs', 'company_id': self.company_2.id}
        )
        for vals in ({'team_id': team.id}, {'partner_id': partner.id}):
            with self.subTest(vals=vals), self.assertRaises(Exception) as caught:
                self.tickets['plain'].write(vals)
            self.assertIn('compan', str(caught.exception))

    def test_staff_of_another_company_create_for_theirs_only(self):
        """Nobody opens a ticket in a company that is not his (design 7)."""
        with self.assertRaises(AccessError):
            self.env(user=self.staff['mate'])['retail.ticket'].create(
                {'subject': 'Elsewhere', 'company_id': self.company_2.id}
            )
