"""Roles: one choice gives the groups, and sales groups of Odoo read what they need."""

import runpy

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import convert_file, file_path, mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: The table of the presets: groups, goodwill limit (None: no limit), running tickets.
PRESETS = {
    'guide': ({'group_user'}, 50, 8),
    'store_manager': ({'group_lead'}, 500, 10),
    'area_manager': ({'group_lead'}, 2000, 0),
    'agent': ({'group_user'}, 100, 15),
    'complaint': ({'group_user', 'group_complaint'}, 500, 12),
    'director': ({'group_manager'}, None, 0),
    'marketing': ({'group_marketing'}, 0, 0),
    'privacy': ({'group_manager', 'group_sensitive', 'base.group_allow_export'}, 0, 0),
}


@tagged('post_install', '-at_install', 'retail_crm')
class TestRole(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(
            cls.env,
            login='retail_admin',
            groups='base.group_erp_manager,base.group_partner_manager',
        )
        cls.foreign = cls.env.ref('sales_team.group_sale_salesman')

    def _role(self, name):
        return self.env.ref(f'retail_crm.retail_role_{name}')

    def _groups(self, names):
        xmlids = (name if '.' in name else f'retail_crm.{name}' for name in names)
        return self.env['res.groups'].union(*map(self.env.ref, xmlids))

    def _clerk(self, **values):
        return self.env['res.users'].create({'name': 'Clerk', 'login': 'retail_clerk', **values})

    def test_presets(self):
        """The eight presets have the groups, limits and capacities of the table (defaults 2, S-ROL-01, 05-07, 12)."""
        for name, (groups, limit, capacity) in PRESETS.items():
            role = self._role(name)
            with self.subTest(role=name):
                self.assertEqual(role.group_ids, self._groups(groups))
                self.assertEqual(role.is_goodwill_unlimited, limit is None)
                self.assertEqual(role.goodwill_limit, limit or 0)
                self.assertEqual(role.capacity, capacity)
                self.assertTrue(role.description)

    def test_one_choice_when_a_user_is_made(self):
        """A new user gets the groups of his role and no other of ours (defaults 2)."""
        ours = (
            self.env['res.groups']
            .search([])
            .filtered(
                lambda group: (
                    (group.get_external_id()[group.id] or '').startswith('retail_crm.group_')
                    and 'block' not in group.get_external_id()[group.id]
                )
            )
        )
        for name, (groups, _limit, _capacity) in PRESETS.items():
            user = self._clerk(login=f'clerk_{name}', retail_role_id=self._role(name).id)
            expected = self._groups(groups)
            with self.subTest(role=name):
                self.assertLessEqual(expected, user.group_ids)
                self.assertEqual(user.all_group_ids & ours, expected.all_implied_ids & ours)
                self.assertFalse(user.share)

    def test_changing_the_role(self):
        """Another role takes away what only the old one gave, and leaves groups of other apps alone (defaults 2)."""
        user = self._clerk(retail_role_id=self._role('privacy').id)
        user.group_ids += self.foreign
        user.retail_role_id = self._role('complaint')
        self.assertFalse(user.has_group('retail_crm.group_manager'))
        self.assertFalse(user.has_group('retail_crm.group_sensitive'))
        self.assertFalse(user.has_group('base.group_allow_export'))
        self.assertTrue(user.has_group('retail_crm.group_complaint'))
        self.assertTrue(user.has_group('retail_crm.group_user'))
        self.assertIn(self.foreign, user.group_ids)
        user.retail_role_id = self._role('guide')
        self.assertFalse(user.has_group('retail_crm.group_complaint'))
        self.assertTrue(user.has_group('retail_crm.group_user'))

    def test_clearing_the_role(self):
        """Without a role the user keeps what others gave him and stays an employee (defaults 2)."""
        user = self._clerk(retail_role_id=self._role('director').id)
        user.group_ids += self.foreign
        user.retail_role_id = False
        self.assertFalse(user.has_group('retail_crm.group_user'))
        self.assertTrue(user.has_group('base.group_user'))
        self.assertIn(self.foreign, user.group_ids)

    def test_groups_given_by_hand_stay(self):
        """A group that the user had before he got a role with it outlives the role (S-SEC-01)."""
        user = self._clerk()
        user.group_ids += self.env.ref('retail_crm.group_sensitive')
        copied = user.copy({'login': 'clerk_copied'})
        (user | copied).retail_role_id = self._role('privacy')
        self.assertTrue(user.has_group('retail_crm.group_manager'))
        user.retail_role_id = self._role('guide')
        self.assertTrue(user.has_group('retail_crm.group_sensitive'))
        self.assertFalse(user.has_group('retail_crm.group_manager'))
        # also when the role itself loses the group
        self._role('privacy').group_ids -= self._groups({'group_sensitive', 'group_manager'})
        self.assertTrue(copied.has_group('retail_crm.group_sensitive'))
        self.assertFalse(copied.has_group('retail_crm.group_manager'))

    def test_sensitive_group_of_the_administrator(self):
        """The administrator gets the sensitive group once; an update does not give it back (S-SEC-03)."""
        admin, group = self.env.ref('base.user_admin'), self.env.ref('retail_crm.group_sensitive')
        admin.group_ids -= group
        for name in ('security/groups.xml', 'data/customer/res_users_data.xml'):
            convert_file(self.env, 'retail_crm', name, None, mode='update')
        self.assertNotIn(group, admin.group_ids)
        # an update from a version before does, once
        path = file_path('retail_crm/migrations/19.0.1.2.0/post-file.py')
        self.assertIn('customer/res_users_data.xml', runpy.run_path(path)['SHIPPED'])
        convert_file(
            self.env,
            'retail_crm',
            'data/customer/res_users_data.xml',
            None,
            mode='init',
            noupdate=True,
        )
        self.assertIn(group, admin.group_ids)

    def test_several_users_at_once(self):
        """A role is given to many users, each losing the groups of his own old role (style 1)."""
        first = self._clerk(login='clerk_1', retail_role_id=self._role('director').id)
        second = self._clerk(login='clerk_2', retail_role_id=self._role('marketing').id)
        third = self._clerk(login='clerk_3')
        (first + second + third).retail_role_id = self._role('guide')
        for user in first + second + third:
            self.assertTrue(user.has_group('retail_crm.group_user'))
            self.assertFalse(user.has_group('retail_crm.group_lead'))
            self.assertFalse(user.has_group('retail_crm.group_marketing'))

    def test_role_on_the_form(self):
        """The administrator chooses the role on the form of the user (defaults 2)."""
        users = self.env['res.users'].with_user(self.admin)
        with Form(users, view='base.view_users_form') as form:
            form.name = 'New'
            form.login = 'retail_new'
            form.retail_role_id = self._role('store_manager')
        self.assertTrue(form.record.has_group('retail_crm.group_lead'))

    def test_role_changes_reach_its_users(self):
        """A group added to or taken from a role is given to or taken from its users (defaults 2)."""
        role = self._role('guide').copy({'name': 'Trainee'})
        user = self._clerk(retail_role_id=role.id)
        role.group_ids += self.env.ref('retail_crm.group_complaint')
        self.assertTrue(user.has_group('retail_crm.group_complaint'))
        role.group_ids -= self.env.ref('retail_crm.group_user')
        self.assertFalse(user.has_group('retail_crm.group_user'))
        self.assertTrue(user.has_group('retail_crm.group_complaint'))

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_nobody_raises_himself(self):
        """Neither a manager nor the user himself can give a role or change what roles give (S-SEC-01)."""
        manager = self.users['manager']
        director = self._role('director')
        for user in (manager, self.users['user']):
            for target in (user, self.users['lead']):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    target.with_user(user).write({'retail_role_id': director.id})
        with self.assertRaises(AccessError):
            director.with_user(manager).write(
                {'group_ids': [Command.link(self.env.ref('base.group_system').id)]}
            )
        self.assertTrue(director.with_user(manager).read(['name', 'user_count']))

    def test_customers_get_no_role(self):
        """A portal user cannot have a role: its groups are for employees (S-SEC-01)."""
        with self.assertRaises(ValidationError):
            self.users['portal'].retail_role_id = self._role('guide')

    def test_copied_users(self):
        """A copied user has the groups but no role, as core copies groups (defaults 2)."""
        user = self._clerk(retail_role_id=self._role('guide').id)
        copy = user.copy({'login': 'clerk_copy'})
        self.assertFalse(copy.retail_role_id)
        self.assertTrue(copy.has_group('retail_crm.group_user'))

    def test_users_of_a_role(self):
        """The role counts its users and opens them (defaults 2)."""
        role = self._role('guide')
        before = role.user_count
        user = self._clerk(retail_role_id=role.id)
        role.invalidate_recordset()
        self.assertEqual(role.user_count, before + 1)
        self.assertIn(user, self.env['res.users'].search(role.action_open_users()['domain']))

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_sales_groups_read_what_they_need(self):
        """Odoo's salesperson and sales manager read the customer file and figures, and not what is ours alone (S-ROL-08)."""
        boss = new_test_user(self.env, login='retail_boss', groups='sales_team.group_sale_manager')
        for user in (self.users['sales'], boss):
            env = self.env(user=user)
            bob = env['res.partner'].browse(self.bob.id)
            with self.subTest(user=user.login):
                self.assertTrue(
                    bob.read(
                        ['retail_spend_total', 'retail_adviser_id', 'retail_summary', 'birthday']
                    )
                )
                for model in (
                    'retail.channel',
                    'retail.area',
                    'retail.preference',
                    'retail.consent',
                    'retail.touch',
                    'retail.occasion.date',
                ):
                    self.assertTrue(env[model].has_access('read'), model)
                for model in (
                    'retail.access.log',
                    'retail.audit',
                    'retail.sensitive',
                    'retail.classification',
                    'retail.moment',
                ):
                    self.assertFalse(env[model].has_access('read'), model)
                with self.assertRaises(AccessError):
                    bob.read(['retail_annual_income'])
