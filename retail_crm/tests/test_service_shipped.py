"""What ships with the service desk: types with their steps, teams, and what is said to be missing (defaults 1, 8-10)."""

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: Steps of each type between receiving and the end (defaults 8), by the names of the shipped stages.
STEPS = {
    'enquiry': ['new', 'progress', 'confirm', 'solved'],
    'order': ['new', 'progress', 'confirm', 'solved'],
    'logistics': ['new', 'progress', 'confirm', 'solved'],
    'aftersales': ['new', 'progress', 'confirm', 'solved'],
    'return': ['new', 'check', 'decide', 'carry_out', 'confirm', 'solved'],
    'complaint': [
        'receive',
        'classify',
        'investigate',
        'solution',
        'execute',
        'feedback',
        'archive',
    ],
    'suggestion': ['new', 'assess', 'answer', 'told'],
    'appointment': ['new', 'confirmed', 'done'],
    'repair': ['new', 'diagnose', 'repair', 'hand_back', 'solved'],
    'data_request': ['new', 'identify', 'collect', 'answer', 'solved'],
    'recovery': ['new', 'contact', 'cause', 'act', 'resurvey'],
    'internal': ['new', 'progress', 'solved'],
}
#: Whether the customer is asked for a rating after each type (defaults 8).
UNRATED = {'suggestion', 'data_request', 'recovery', 'internal'}


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceShipped(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.types = {code: cls.env.ref(f'retail_crm.retail_ticket_type_{code}') for code in STEPS}
        cls.teams = cls.env['retail.ticket.team']

    def test_every_type_has_its_steps(self):
        """Each shipped type passes the steps of the list, in their order, and may wait, be filed, be cancelled."""
        for code, steps in STEPS.items():
            stages = [self.env.ref(f'retail_crm.retail_ticket_stage_{step}') for step in steps]
            way = self.types[code]._stages()
            with self.subTest(code=code):
                self.assertEqual([stage for stage in way if stage in stages], stages)
                rest = way.filtered(lambda stage, own=stages: stage not in own)
                self.assertLessEqual(
                    set(rest.mapped('category')), {'waiting', 'on_hold', 'archived', 'cancelled'}
                )
                self.assertEqual(way[0].category, 'new')
                self.assertEqual(
                    set(way.mapped('category')),
                    {'new', 'open', 'waiting', 'on_hold', 'solved', 'archived', 'cancelled'},
                )
                self.assertEqual(self.types[code].is_rated, code not in UNRATED)

    def test_every_way_can_be_walked(self):
        """A ticket of each type goes from receiving to filing, every step with its time, by the next button (S-SRV-01)."""
        tickets = self.env['retail.ticket'].create(
            [
                {
                    'subject': code,
                    'type_id': kind.id,
                    'partner_id': self.bob.id,
                    'user_id': self.users['user'].id,
                    'cause_id': self.env.ref('retail_crm.retail_ticket_cause_no_fault').id,
                    'told_on': '2026-01-01',
                    'result': 'Done',
                }
                for code, kind in self.types.items()
                if not kind.is_complaint
            ]
        )
        for ticket in tickets:
            passed = [ticket.stage_id]
            if ticket.type_id.code == 'data_request':
                ticket.action_data_identity()
            while ticket.category in ('new', 'open'):
                ticket.action_next_stage()
                self.assertNotIn(ticket.stage_id, passed)
                passed.append(ticket.stage_id)
            with self.subTest(code=ticket.type_id.code):
                self.assertEqual(ticket.category, 'solved')
                self.assertTrue(ticket.solved_at)
                names = [f'retail_ticket_stage_{step}' for step in STEPS[ticket.type_id.code]]
                self.assertEqual(
                    [stage._get_external_ids()[stage.id][0].split('.')[1] for stage in passed],
                    names,
                )

    def test_customers_read_each_stage(self):
        """Each shipped stage has words for the customer, each working step of ours says what to do (S-TKT-15)."""
        for code, steps in STEPS.items():
            for stage in self.types[code].stage_ids:
                with self.subTest(code=code, stage=stage.name):
                    self.assertTrue(stage.portal_name)
            for step in set(steps) - {'new', 'progress'} - set(STEPS['complaint']):
                stage = self.env.ref(f'retail_crm.retail_ticket_stage_{step}')
                if stage.category == 'open':
                    self.assertTrue(stage.guidance, step)

    # === FIVE PARTS ===#

    def test_shipped_types_are_complete(self):
        """All five parts of each shipped type that customers ask for are given (S-SRV-22)."""
        for code, kind in self.types.items():
            with self.subTest(code=code):
                self.assertFalse(kind._missing_parts()[kind] if not kind.is_internal else [])

    def test_what_a_type_lacks(self):
        """A type without one of its parts is shown as incomplete, with the names of the parts (S-SRV-22)."""
        Type = self.env['retail.ticket.type']
        empty = Type.create({'name': 'Empty', 'code': 'empty'})
        self.assertFalse(empty.is_complete)
        for part in ('channels', 'process', 'content'):
            self.assertIn(part, empty.missing_parts)
        full = Type.create(
            {
                'name': 'Full',
                'code': 'full',
                'channel_ids': self.types['enquiry'].channel_ids.ids,
                'stage_ids': self.types['enquiry'].stage_ids.ids,
                'content': '<p>All</p>',
            }
        )
        missing = full._missing_parts()[full]
        self.assertFalse({'channels', 'content'} & set(missing))
        self.env['retail.sla.policy'].search([]).active = False
        full.invalidate_recordset()
        self.assertIn('response', full.missing_parts)
        policy = self.env['retail.sla.policy'].create({'name': 'Full', 'type_ids': full.ids})
        full.invalidate_recordset()
        self.assertNotIn('response', full.missing_parts or '')
        policy.type_ids = empty
        full.invalidate_recordset()
        self.assertIn('response', full.missing_parts)
        full.content = '<p><br></p>'
        self.assertIn('content', full.missing_parts)
        full.content = '<p>All</p>'
        full.stage_ids -= full.stage_ids.filtered(lambda stage: stage.category == 'solved')
        self.assertIn('process', full.missing_parts)
        incomplete = Type.search([('is_complete', '=', False)])
        self.assertIn(empty, incomplete)
        self.assertIn(full, incomplete)
        self.assertNotIn(empty, Type.search([('is_complete', '!=', False)]))

    # === TEAMS ===#

    def test_requests_find_their_team(self):
        """Types go to the teams of the list: data requests to privacy, repairs to after-sales (defaults 8)."""
        if self.company.id != self.env.ref('base.main_company').id:
            self.skipTest('teams ship with the main company')
        wanted = {
            'enquiry': 'hotline',
            'order': 'hotline',
            'logistics': 'online',
            'aftersales': 'aftersales',
            'repair': 'aftersales',
            'data_request': 'privacy',
            'return': 'desk',
            'suggestion': 'desk',
            'appointment': 'desk',
            'complaint': 'complaint',
        }
        for code, team in wanted.items():
            kind = self.types[code]
            with self.subTest(code=code):
                found = self.teams._find(kind.team_kind, self.company, None, kind)
                self.assertEqual(found, self.env.ref(f'retail_crm.retail_ticket_team_{team}'))
        nowhere = self.teams._find('hotline', self.company_2, None, self.types['enquiry'])
        self.assertFalse(nowhere)

    def test_teams_count_in_their_hours(self):
        """Desks count in store hours, hotlines in theirs, all others in office hours of Shanghai (defaults 3, 11)."""
        hours = {'desk': 'store', 'hotline': 'hotline', 'online': 'hotline'}
        for code in (
            *hours,
            *('complaint', 'expert', 'aftersales', 'sales', 'stock', 'logistics', 'quality'),
            *('finance', 'privacy'),
        ):
            calendar = self.env.ref(f'retail_crm.resource_calendar_{hours.get(code, "office")}')
            team = self.env.ref(f'retail_crm.retail_ticket_team_{code}')
            with self.subTest(code=code):
                self.assertEqual(team._working_calendar(), calendar)
                self.assertEqual(calendar.tz, 'Asia/Shanghai')

    @freeze_time('2026-03-06 13:30:00')
    def test_desk_deadlines_in_shanghai(self):
        """A return that comes on Friday at 21:30 in Shanghai is answered by 10:30 on Saturday (defaults 3, 11).

        Half an hour is left of Friday's twelve; of the twelve hours in which it is solved the same half, so that
        Saturday's half past nine in the evening ends them.
        """
        desk = self.env.ref('retail_crm.retail_ticket_team_desk')
        desk.company_id = self.company
        ticket = self.env['retail.ticket'].create(
            {
                'subject': 'Too small',
                'type_id': self.types['return'].id,
                'partner_id': self.bob.id,
                'team_id': desk.id,
                'channel_id': self.env.ref('retail_crm.retail_channel_email').id,
                'priority': '0',
            }
        )
        self.assertEqual(ticket.clock_calendar_id.tz, 'Asia/Shanghai')
        self.assertEqual(str(ticket.first_response_deadline), '2026-03-07 02:30:00')
        self.assertEqual(str(ticket.solve_deadline), '2026-03-07 13:30:00')

    def _store(self, **values):
        return self.env['crm.team'].create(
            {'name': 'Harbour', 'retail_is_store': True, 'company_id': self.company.id, **values}
        )

    def test_desks_of_stores(self):
        """One desk per store, with leader, deputy and people of the store; made once (defaults 1)."""
        lead, user, manager = (self.users[name] for name in ('lead', 'user', 'manager'))
        store = self._store(
            retail_code='H1',
            user_id=lead.id,
            retail_deputy_id=user.id,
            member_ids=[Command.set((lead + user).ids)],
        )
        as_manager = self.env(user=manager)['retail.ticket.team']
        self.assertIn(store, as_manager._stores_without_desk())
        action = as_manager.action_make_desks()
        desk = self.teams.search([('store_id', '=', store.id)])
        self.assertIn(desk.id, action['domain'][0][2])
        self.assertEqual(desk.kind, 'desk')
        self.assertEqual((desk.user_id, desk.deputy_id), (lead, user))
        self.assertEqual(desk.member_ids.user_id, lead + user)
        self.assertEqual(
            desk._working_calendar(), self.env.ref('retail_crm.resource_calendar_store')
        )
        self.assertEqual(self.teams._find('desk', self.company, store, self.types['return']), desk)
        as_manager.action_make_desks()
        self.assertEqual(self.teams.search_count([('store_id', '=', store.id)]), 1)
        desk.action_archive()
        as_manager.action_make_desks()
        self.assertTrue(desk.active)
        for name in ('lead', 'user', 'complaint'):
            with self.subTest(persona=name), self.assertRaises(AccessError):
                self.env(user=self.users[name])['retail.ticket.team'].action_make_desks()

    def test_desks_follow_their_stores(self):
        """A desk gets the new leader of its store, unless somebody else leads it on purpose (S-SRV-18)."""
        lead, user, manager = (self.users[name] for name in ('lead', 'user', 'manager'))
        store = self._store(user_id=lead.id)
        desk = self.teams._make_desks(store)
        store.write({'user_id': user.id, 'retail_deputy_id': lead.id})
        self.assertEqual((desk.user_id, desk.deputy_id), (user, lead))
        desk.user_id = manager
        store.user_id = lead
        self.assertEqual(desk.user_id, manager)

    # === SETUP ===#

    def test_what_is_left_to_do(self):
        """The settings say what the service desk still needs, and nothing any more once it is there (design 6)."""
        company = self.env['res.company'].create({'name': 'New Shop'})
        missing = company._retail_service_missing()
        self.assertTrue(any('address' in text for text in missing))
        self.assertTrue(any('complaint unit' in text for text in missing))
        self.env['mail.alias.domain'].create({'name': 'new.test', 'company_ids': company.ids})
        team = self.teams.create(
            {
                'name': 'All',
                'kind': 'complaint',
                'company_id': company.id,
                'alias_name': 'all',
                'member_ids': [Command.create({'user_id': self.env.uid})],
            }
        )
        self.assertTrue(any('without leader' in text for text in company._retail_service_missing()))
        store = self.env['crm.team'].create(
            {'name': 'Pier', 'retail_is_store': True, 'company_id': company.id}
        )
        self.assertTrue(any('Pier' in text for text in company._retail_service_missing()))
        self.teams._make_desks(store)
        self.env.user.company_ids += company
        team.user_id = self.env.user
        self.assertTrue(any('director' in text for text in company._retail_service_missing()))
        company.retail_director_id = self.env.user
        left = company._retail_service_missing()
        # stores of all companies are the new one's, too, and are not of this test
        others = ('Types', 'Stores without a desk')
        self.assertFalse([text for text in left if not text.startswith(others)])
        self.assertFalse(any('Pier' in text for text in left))

    def test_settings_go_back_to_what_was_shipped(self):
        """All numbers of the service desk go back to their shipped values in one click (defaults, head)."""
        company = self.env.company
        names = company._retail_service_settings()
        self.assertIn('retail_reopen_days', names)
        company.write({'retail_reopen_days': 99, 'retail_file_days': 98})
        settings = self.env['res.config.settings'].create({})
        settings.action_retail_reset_service()
        self.assertEqual((company.retail_reopen_days, company.retail_file_days), (7, 14))
        with self.assertRaises(AccessError):
            settings.with_user(self.users['manager']).action_retail_reset_service()
        self.assertEqual(
            settings.retail_service_missing, '\n'.join(company._retail_service_missing())
        )

    def test_recurrence_with_goods_in_one_step(self):
        """A complaint made together with its line that repeats an earlier one starts one clock, raised (S-TKT-24)."""
        complaint = self.env.ref('retail_crm.retail_ticket_type_complaint')
        values = {
            'subject': 'Broken',
            'partner_id': self.bob.id,
            'type_id': complaint.id,
            'reason_id': self.env.ref('retail_crm.retail_ticket_reason_product_function').id,
            'line_ids': [Command.create({'product_id': self.goods.id})],
        }
        first = self.env['retail.ticket'].create(dict(values))
        first._stamp({'stage_id': self.env.ref('retail_crm.retail_ticket_stage_archive').id})
        first._stamp({'archived_at': fields.Datetime.now(), 'solved_at': fields.Datetime.now()})
        second = self.env['retail.ticket'].create(dict(values))
        self.assertEqual(second.priority, '2')
        self.assertEqual(len(second.target_ids.filtered(lambda target: target.kind == 'solve')), 1)
