"""Settings: blocks that are switched off, the basis of purchases, margins, stores, areas, channels."""

from psycopg2.errors import CheckViolation, UniqueViolation

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: Blocks of the settings: the menu that goes with each, and the fields that leave the customer's screens.
BLOCKS = {
    'loyalty': 'retail_crm.loyalty_menu',
    'service': 'retail_crm.service_menu',
    'care': 'retail_crm.care_menu',
    'feedback': 'retail_crm.feedback_menu',
    'churn': None,
    'portal': None,
}

#: defaults.md section 7, in its order.
CHANNELS = [
    'counter',
    'phone',
    'wechat',
    'chat',
    'sms',
    'email',
    'web',
    'marketplace',
    'social',
    'letter',
    'opinion_box',
    'in_site',
]


class SettingsCommon(RetailCrmCommon):
    def _set(self, **values):
        """Save the settings form with these values."""
        self.env['res.config.settings'].create(values).execute()
        self.env.invalidate_all()


@tagged('post_install', '-at_install', 'retail_crm')
class TestBlocks(SettingsCommon):
    def test_blocks_are_known(self):
        """A new block needs a row in the table of these tests (design 4.4)."""
        self.assertEqual(set(self.env['res.config.settings']._retail_blocks()), set(BLOCKS))

    def test_all_blocks_start_on(self):
        """After the install every block is on, for employees; the portal for customers, too (design 4.4)."""
        values = self.env['res.config.settings'].get_values()
        for block in BLOCKS:
            with self.subTest(block=block):
                self.assertTrue(values[f'retail_block_{block}'])
                self.assertTrue(self.users['internal'].has_group(f'retail_crm.group_block_{block}'))
        self.assertTrue(self._has_group('portal', 'portal'))
        self.assertFalse(self._has_group('portal', 'loyalty'))

    def _has_group(self, persona, block):
        group = self.env.ref(f'retail_crm.group_block_{block}')
        return group in self.users[persona].all_group_ids

    def test_switching_gives_and_takes_the_group(self):
        """Each switch gives its group to all employees or takes it away, and leaves the others alone (design 4.4)."""
        # a different pattern for each block, in few saves
        for bit in (1, 2, 4, 8):
            on = {block: not (number & bit) for number, block in enumerate(BLOCKS, 1)}
            self._set(**{f'retail_block_{block}': on[block] for block in BLOCKS})
            values = self.env['res.config.settings'].get_values()
            for block in BLOCKS:
                with self.subTest(bit=bit, block=block):
                    self.assertEqual(values[f'retail_block_{block}'], on[block])
                    self.assertEqual(self._has_group('user', block), on[block])
                    self.assertEqual(self._has_group('manager', block), on[block])
            self.assertEqual(self._has_group('portal', 'portal'), on['portal'])

    def test_saving_other_settings_switches_nothing(self):
        """Saving the form without touching the blocks writes no group (design 4.4)."""
        group = self.env.ref('base.group_user')
        before = group.implied_ids
        self._set(retail_block_care=False)
        self._set(retail_margin_percent=31)
        self.assertEqual(before - group.implied_ids, self.env.ref('retail_crm.group_block_care'))

    def _menus(self, persona):
        menus = self.env['ir.ui.menu'].with_user(self.users[persona])
        return set(menus.load_menus(False)) - {'root'}

    def test_switching_off_hides_the_menu(self):
        """The menu of a block goes with it (design 4.4). Menus without content never show."""
        action = self.env.ref('retail_crm.retail_purchase_action')
        for block, xmlid in BLOCKS.items():
            if not xmlid:
                continue
            menu = self.env.ref(xmlid)
            # something to open, whatever the areas have put there
            self.env['ir.ui.menu'].create(
                {'name': 'Test', 'parent_id': menu.id, 'action': f'{action._name},{action.id}'}
            )
            with self.subTest(block=block):
                self.assertIn(menu.id, self._menus('user'))
                self._set(**{f'retail_block_{block}': False})
                self.assertNotIn(menu.id, self._menus('user'))

    def test_app_is_for_staff_and_marketing(self):
        """The app shows for our staff and marketing, its configuration for managers (design 6, 7)."""
        app = self.env.ref('retail_crm.retail_crm_menu').id
        configuration = self.env.ref('retail_crm.configuration_menu').id
        for persona in ('user', 'lead', 'manager', 'marketing', 'internal', 'sales', 'complaint'):
            with self.subTest(persona=persona):
                menus = self._menus(persona)
                self.assertEqual(app in menus, persona in ('user', 'lead', 'manager', 'marketing'))
                self.assertEqual(configuration in menus, persona == 'manager')

    def test_churn_off_hides_dates_and_keeps_them(self):
        """Without churn warning the expected dates leave every screen, and the data stays (design 4.4)."""
        self._create_order(self.bob, 10, '2026-01-05')
        self._create_order(self.bob, 10, '2026-02-05')
        self._process()
        self.profiles._refresh()
        expected = self._profile_of(self.bob).expected_next_date
        self.assertTrue(expected)
        views = {
            ('res.partner', 'base.view_partner_form', 'form'): 'retail_expected_next_date',
            (
                'res.partner',
                'retail_crm.res_partner_view_list_customer',
                'list',
            ): 'retail_expected_next_date',
            ('sale.order', 'sale.view_order_form', 'form'): 'retail_expected_next_date',
            ('retail.profile', 'retail_crm.retail_profile_view_form', 'form'): 'expected_next_date',
            ('retail.profile', 'retail_crm.retail_profile_view_list', 'list'): 'expected_next_date',
            (
                'retail.profile',
                'retail_crm.retail_profile_view_search',
                'search',
            ): 'expected_next_date',
        }
        user = self.users['user']
        user.group_ids += self.env.ref('sales_team.group_sale_salesman')
        for on in (True, False):
            self._set(retail_block_churn=on)
            for (model, view, view_type), name in views.items():
                with self.subTest(view=view, on=on):
                    arch = (
                        self.env[model]
                        .with_user(user)
                        .get_view(self.env.ref(view).id, view_type)['arch']
                    )
                    self.assertEqual(name in arch, on)
        self.assertEqual(self._profile_of(self.bob).expected_next_date, expected)

    def test_settings_are_for_administrators(self):
        """The settings form is core's: only administrators save it (design 1)."""
        for persona in ('user', 'manager'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.env['res.config.settings'].with_user(self.users[persona]).create({}).execute()


@tagged('post_install', '-at_install', 'retail_crm')
class TestBasis(SettingsCommon):
    def _repair(self):
        """Run the nightly repair as the scheduler does."""
        with self.enter_registry_test_mode():
            self.env.ref('retail_crm.ir_cron_repair_purchases').method_direct_trigger()
        self.env.invalidate_all()

    def test_change_of_basis_derives_everything_again(self):
        """From orders to invoices and back: the figures are those of the new basis, no moment tells (design 4.2, 4.1)."""
        order = self._create_order(self.bob, 10)
        self._create_order(self.bob, 5)
        invoice = self._create_invoice(order)
        self._process()
        self.assertEqual(self.bob.retail_spend_total, 15)
        moments = self.moments.search_count([])
        self._set(retail_purchase_basis='invoice')
        self.assertTrue(self.company.retail_rebuild_pending)
        self._repair()
        self.assertFalse(self.company.retail_rebuild_pending)
        self.assertEqual((self.bob.retail_spend_total, self.bob.retail_order_count), (10, 1))
        self.assertTrue(self._purchase_of(invoice))
        self.assertFalse(self._purchase_of(order))
        self._set(retail_purchase_basis='order')
        self._repair()
        self.assertEqual((self.bob.retail_spend_total, self.bob.retail_order_count), (15, 2))
        self.assertEqual(self.moments.search_count([]), moments)

    def test_change_wakes_the_repair(self):
        """A change of basis or margin starts the repair soon; saving the same value does not (design 4.2)."""
        cron = self.env.ref('retail_crm.ir_cron_repair_purchases')
        triggers = self.env['ir.cron.trigger']
        for values, woken in (
            ({'retail_purchase_basis': 'order'}, False),
            ({'retail_margin_percent': 44}, True),
            ({'retail_purchase_basis': 'invoice'}, True),
        ):
            with self.subTest(values=values):
                before = triggers.search_count([('cron_id', '=', cron.id)])
                self._set(**values)
                self.assertEqual(triggers.search_count([('cron_id', '=', cron.id)]) > before, woken)

    def test_margin_follows_the_setting(self):
        """The usual margin of the company is that of purchases without a better one (design 4.2)."""
        order = self._create_order(self.bob, 100)
        self._process()
        self.assertEqual(self._purchase_of(order).margin, 30)
        self._set(retail_margin_percent=20)
        self._repair()
        self.assertEqual(self._purchase_of(order).margin, 20)
        self.assertEqual(self.bob.retail_margin_12m, 20)

    def test_each_company_has_its_own_settings(self):
        """A change in one company leaves the other alone (design 4.2)."""
        self.company_2.retail_purchase_basis = 'invoice'
        self.assertEqual(self.company.retail_purchase_basis, 'order')
        self.assertFalse(self.company.retail_rebuild_pending)
        self.assertTrue(self.company_2.retail_rebuild_pending)

    def test_branches_follow_their_company(self):
        """A branch counts as the company it belongs to (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self._set(retail_purchase_basis='invoice', retail_margin_percent=12)
        self.assertEqual(
            (branch.retail_purchase_basis, branch.retail_margin_percent), ('invoice', 12)
        )

    @mute_logger('odoo.sql_db')
    def test_margins_are_percentages(self):
        """A margin is between -100 and 100 percent, in the company and in categories, and the message says so."""
        category = self.env['product.category'].create({'name': 'Bread'})
        for record in (self.company, category):
            for value in (101, -100.5):
                with (
                    self.subTest(model=record._name, value=value),
                    self.assertRaises(CheckViolation),
                    self.cr.savepoint(),
                ):
                    record.retail_margin_percent = value
                    record.flush_recordset()
            record.invalidate_recordset()
            constraint = record._table_objects[f'{record._table}_check_retail_margin_percent']
            self.assertIn('between -100 and 100', constraint.get_error_message(record))

    def test_rebuild_is_for_managers(self):
        """Only managers have all figures derived again (design 7)."""
        for persona in ('user', 'lead', 'sales', 'internal', 'portal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.profiles.with_user(self.users[persona]).action_rebuild()
        self.assertFalse(self.company.retail_rebuild_pending)
        action = self.profiles.with_user(self.users['manager']).action_rebuild()
        self.assertEqual(action['tag'], 'display_notification')
        self.assertTrue(self.company.retail_rebuild_pending)
        self._repair()
        self.assertFalse(self.company.retail_rebuild_pending)

    def test_form_of_a_manager(self):
        """The settings form holds our part for managers who are administrators (design 6)."""
        administrator = self.users['manager']
        administrator.group_ids += self.env.ref('base.group_system')
        arch = (
            self.env['res.config.settings']
            .with_user(administrator)
            .get_view(view_type='form')['arch']
        )
        for name in ('retail_purchase_basis', 'retail_margin_percent', 'action_retail_rebuild'):
            self.assertIn(name, arch)


@tagged('post_install', '-at_install', 'retail_crm')
class TestStoresAndChannels(SettingsCommon):
    @mute_logger('odoo.sql_db')
    def test_store_codes_are_unique_in_a_company(self):
        """Two stores of a company have different codes; two companies may use the same (design 3)."""
        stores = self.env['crm.team']
        stores.create({'name': 'One', 'retail_code': 'S1', 'company_id': self.company.id})
        stores.create({'name': 'Two', 'retail_code': 'S1', 'company_id': self.company_2.id})
        stores.create([{'name': 'A'}, {'name': 'B'}])  # without a code
        stores.create({'name': 'Shared', 'retail_code': 'S1', 'company_id': False})
        for company in (self.company.id, False):
            with (
                self.subTest(company=company),
                self.assertRaises(UniqueViolation),
                self.cr.savepoint(),
            ):
                stores.create({'name': 'Three', 'retail_code': 'S1', 'company_id': company})

    def test_copy_of_a_store(self):
        """A copied store has no code yet (design 3)."""
        store = self.env['crm.team'].create(
            {'name': 'One', 'retail_code': 'S1', 'retail_is_store': True}
        )
        copy = store.copy()
        self.assertFalse(copy.retail_code)
        self.assertTrue(copy.retail_is_store)

    def test_stores_start_with_the_counter(self):
        """The channel of a store is the counter, of a team none, and what is chosen stays (design 3)."""
        counter, web = (
            self.env.ref(f'retail_crm.retail_channel_{code}') for code in ('counter', 'web')
        )
        stores = self.env['crm.team']
        store = stores.create({'name': 'One', 'retail_is_store': True})
        self.assertEqual(store.retail_channel_id, counter)
        self.assertFalse(stores.create({'name': 'Team'}).retail_channel_id)
        shop = stores.create({'name': 'Net', 'retail_is_store': True, 'retail_channel_id': web.id})
        self.assertEqual(shop.retail_channel_id, web)
        team = stores.create({'name': 'Later'})
        team.retail_is_store = True
        self.assertEqual(team.retail_channel_id, counter)

    @mute_logger('odoo.sql_db')
    def test_areas(self):
        """Areas count their stores; a name is used once in a company (design 3)."""
        areas = self.env['retail.area']
        north = areas.create({'name': 'North', 'company_id': self.company.id})
        areas.create({'name': 'North', 'company_id': self.company_2.id})
        self.env['crm.team'].create(
            [
                {'name': name, 'company_id': self.company.id, 'retail_area_id': north.id}
                for name in ('Store 1', 'Store 2')
            ]
        )
        self.assertEqual(north.store_count, 2)
        with self.assertRaises(UniqueViolation), self.cr.savepoint():
            areas.create({'name': 'North', 'company_id': self.company.id})

    def test_shipped_channels(self):
        """Twelve channels; the customer is present at the counter and on the phone (defaults 7)."""
        xmlids = self.env['ir.model.data'].search(
            [('module', '=', 'retail_crm'), ('model', '=', 'retail.channel')]
        )
        channels = self.env['retail.channel'].browse(xmlids.mapped('res_id')).sorted('sequence')
        self.assertEqual(channels.mapped('code'), CHANNELS)
        self.assertEqual(channels.filtered('synchronous').mapped('code'), ['counter', 'phone'])
        self.assertTrue(all(xmlids.mapped('noupdate')), 'a shop may rename them')
        self.assertEqual(channels[CHANNELS.index('marketplace')].transport, 'none')
        self.assertEqual(channels[CHANNELS.index('email')].transport, 'email')

    @mute_logger('odoo.sql_db')
    def test_channel_codes_are_unique(self):
        """Imports find a channel by its code (design 3)."""
        with self.assertRaises(UniqueViolation), self.cr.savepoint():
            self.env['retail.channel'].create({'name': 'Second', 'code': 'counter'})
