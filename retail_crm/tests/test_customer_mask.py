"""Masked telephone numbers and e-mail addresses: the function, the lists and the exports."""

import json

from lxml import etree

from odoo.exceptions import UserError
from odoo.http import Request
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.retail_crm.models.customer import _mask
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

PHONE = '+86 138 1234 5678'
MASKED = '+86 138****5678'
#: A number in other words, so that a masked one is recognised by what is missing.
SECRET = '1234'


@tagged('post_install', '-at_install', 'retail_crm')
class TestMaskFunctions(RetailCrmCommon):
    def test_numbers(self):
        """At least four digits of a number are hidden, short ones as a whole (S-SEC-09)."""
        for text, expected in {
            '': '',
            None: '',
            False: '',
            '   ': '',
            PHONE: MASKED,
            '+8613812345678': '+86138****5678',
            '138-1234-5678': '138****5678',
            '(010) 8765 4321': '010****4321',
            '+1 202 555 0123': '+1 20****23',
            '87654321': '87****21',
            '876543': '****43',
            '110': '****',
            'call mum': '****',
            '１３８１２３４５６７８': '１３８****５６７８',
            '138 1234 5678, 010-87654321': '138****5678, 010****4321',
            '13812345678/13912345678': '138****5678, 139****5678',
        }.items():
            with self.subTest(text=text):
                self.assertEqual(_mask.mask_phone(text), expected)

    def test_no_number_shows_too_much(self):
        """Whatever the length, four digits or more than half of a shorter number stay hidden (S-SEC-09)."""
        digits = '98765432109876543210'
        for size in range(1, 21):
            for prefix in ('', '+', '+86 '):
                shown = _mask.mask_phone(prefix + digits[:size]).removeprefix('+86 ')
                shown = sum(character.isdigit() for character in shown)
                with self.subTest(size=size, prefix=prefix):
                    self.assertLessEqual(shown, max(size - 4, 0))

    def test_addresses(self):
        """Of an e-mail address the first letter and the domain stay (S-SEC-09)."""
        for text, expected in {
            '': '',
            None: '',
            'ann.lee@mail.com': 'a***@mail.com',
            'a@mail.com': '***@mail.com',
            '"Ann Lee" <ann@mail.com>': 'a***@mail.com',
            'ann@mail.com, bob@shop.cn': 'a***@mail.com, b***@shop.cn',
            'ann@mail.com;bob@shop.cn': 'a***@mail.com, b***@shop.cn',
            '张三丰@例子.中国': '张***@例子.中国',
            'not an address': '***',
            '@': '***',
        }.items():
            with self.subTest(text=text):
                self.assertEqual(_mask.mask_email(text), expected)


#: Columns with such names that hold no contact data of customers; for each of a further module somebody must decide.
OWN_COLUMNS = {
    ('account.journal', 'alias_email'),
    ('account.journal', 'incoming_einvoice_notification_email'),
    ('crm.team', 'retail_phone'),
    ('fetchmail.server', 'google_gmail_access_token'),
    ('fetchmail.server', 'google_gmail_refresh_token'),
    ('fetchmail.server', 'google_gmail_uri'),
    ('ir.actions.act_window', 'mobile_view_mode'),
    ('ir.mail_server', 'google_gmail_access_token'),
    ('ir.mail_server', 'google_gmail_refresh_token'),
    ('ir.mail_server', 'google_gmail_uri'),
    ('mail.alias.domain', 'bounce_email'),
    ('mail.alias.domain', 'catchall_email'),
    ('mail.alias.domain', 'default_from_email'),
    ('mail.mail', 'email_layout_xmlid'),
    ('mail.message', 'email_layout_xmlid'),
    ('mail.template', 'email_cc'),
    ('mail.template', 'email_from'),
    ('mail.template', 'email_layout_xmlid'),
    ('mail.template', 'email_to'),
    ('privacy.log', 'anonymized_email'),
    ('res.bank', 'email'),
    ('res.bank', 'phone'),
    ('res.company', 'bounce_email'),
    ('res.company', 'catchall_email'),
    ('res.company', 'default_from_email'),
    ('res.company', 'email_formatted'),
    ('res.company', 'email_primary_color'),
    ('res.company', 'email_secondary_color'),
    ('res.users', 'email_domain_placeholder'),
    ('retail.ticket.team', 'alias_email'),
}


class MaskCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob.write({'phone': PHONE, 'email': 'bob.brown@mail.com', 'company_id': False})
        cls.order = cls._create_order(cls.bob, 50.0, '2026-01-10', user_id=cls.users['sales'].id)
        cls._process()
        export = cls.env.ref('base.group_allow_export')
        for user in cls.users.values():
            if not user.share:
                user.group_ids += export
        cls.log = cls.env['retail.access.log']

    def _as(self, persona, records, **context):
        return records.with_user(self.users[persona]).with_context(**context)

    def _export(self, persona, records, paths, compatible=False):
        """Return the cells of an export as a user gets them through a call from outside."""
        model = self.env(user=self.users[persona], su=False)[records._name]
        options = {'context': {'import_compat': compatible}}
        return call_kw(model, 'export_data', [records.ids, paths], options)['datas']


@tagged('post_install', '-at_install', 'retail_crm')
class TestMask(MaskCommon):
    def test_lists_show_masked_values(self):
        """Who is not in the sensitive group gets masked columns in our list and cards, the others the full ones (S-SEC-09)."""
        views = {
            'list': 'retail_crm.res_partner_view_list_customer',
            'kanban': 'retail_crm.res_partner_view_kanban_customer',
        }
        both = new_test_user(
            self.env,
            login='retail_both',
            groups='retail_crm.group_user,retail_crm.group_sensitive',
        )
        for kind, xmlid in views.items():
            for persona in ('user', 'manager', 'marketing', 'sales'):
                fields = self._fields_of_view(self.users[persona], xmlid, kind)
                with self.subTest(view=kind, persona=persona):
                    self.assertIn('retail_phone_masked', fields)
                    self.assertNotIn('phone', fields)
                    self.assertNotIn('email', fields)
            fields = self._fields_of_view(both, xmlid, kind)
            self.assertIn('phone', fields)
            self.assertNotIn('retail_phone_masked', fields)

    def _fields_of_view(self, user, xmlid, kind):
        """Return the names of the fields that the browser of a user reads for a view."""
        view = self.env['res.partner'].with_user(user).get_view(self.env.ref(xmlid).id, kind)
        return etree.fromstring(view['arch']).xpath('//field/@name')

    def test_masked_fields(self):
        """The masked fields hide for those without the group and follow the setting (S-SEC-09)."""
        bob = self._as('user', self.bob)
        self.assertEqual(bob.retail_phone_masked, MASKED)
        self.assertEqual(bob.retail_email_masked, 'b***@mail.com')
        self.env['res.config.settings'].create({'retail_mask_contacts': False}).set_values()
        self.env.invalidate_all()
        self.assertEqual(bob.retail_phone_masked, PHONE)
        settings = self.env['res.config.settings'].create({})
        self.assertFalse(settings.retail_mask_contacts)
        settings.retail_mask_contacts = True
        settings.set_values()
        self.env.invalidate_all()
        self.assertEqual(bob.retail_phone_masked, MASKED)
        self.assertFalse(self._as('user', self.acme).retail_phone_masked)

    def test_masking_is_the_default(self):
        """Without the parameter, values are masked (S-SEC-09)."""
        self.env['ir.config_parameter'].search([('key', '=', 'retail_crm.mask_contacts')]).unlink()
        self.assertTrue(self.env['res.config.settings'].create({}).retail_mask_contacts)
        self.assertEqual(self._as('user', self.bob).retail_phone_masked, MASKED)

    def test_eighty_masked_rows_cost_no_query_each(self):
        """Masking a list of 80 costs no query more than masking one row (design 8)."""
        partners = self.env['res.partner'].create(
            [{'name': f'P{i}', 'phone': '13812345678'} for i in range(80)]
        )
        partners = self._as('user', partners)

        def queries(records):
            records.invalidate_recordset()
            start = self.cr.sql_log_count
            self.assertEqual(set(records.mapped('retail_phone_masked')), {'138****5678'})
            return self.cr.sql_log_count - start

        queries(partners)
        self.assertEqual(queries(partners), queries(partners[:1].with_prefetch()))

    def test_searching_by_number_still_works(self):
        """Staff find the customer by the number that he tells (S-SEC-09)."""
        found = self._as('user', self.env['res.partner']).search(
            [('phone_mobile_search', 'ilike', '138 1234 5678')]
        )
        self.assertIn(self.bob, found)

    # === EXPORT ===#

    def test_exports_are_masked(self):
        """Telephone and e-mail come out masked in each of their forms without the group (S-SEC-09)."""
        paths = ['name', 'phone', 'email', 'email_normalized', 'email_formatted', 'phone_sanitized']
        for persona in ('user', 'lead', 'manager', 'marketing', 'sales', 'internal', 'complaint'):
            [row] = self._export(persona, self.bob, paths)
            with self.subTest(persona=persona):
                self.assertEqual(row[0], 'Bob')
                self.assertEqual(row[1:4], [MASKED, 'b***@mail.com', 'b***@mail.com'])
                self.assertNotIn(SECRET, ''.join(map(str, row)))
                self.assertNotIn('brown', ''.join(map(str, row)))
        [row] = self._export('sensitive', self.bob, paths)
        self.assertEqual(row[1:3], [PHONE, 'bob.brown@mail.com'])

    def test_exports_through_relations_are_masked(self):
        """The way from an order, a purchase or a parent to the customer masks as well (S-SEC-09)."""
        child = self.env['res.partner'].create({'name': 'Kid', 'parent_id': self.bob.id})
        purchase = self._purchase_of(self.order)
        for persona, record, path in (
            ('sales', self.order, 'partner_id/phone'),
            ('sales', self.order, 'partner_id/commercial_partner_id/phone'),
            ('user', purchase, 'partner_id/phone'),
            ('user', self._profile_of(self.bob), 'partner_id/phone'),
            ('user', child, 'parent_id/phone'),
        ):
            with self.subTest(model=record._name, path=path):
                self.assertEqual(self._export(persona, record, [path]), [[MASKED]])
        self.assertEqual(self._export('sensitive', child, ['parent_id/phone']), [[PHONE]])
        # several rows for one record
        rows = self._export(
            'user', self.bob, ['name', 'phone', 'child_ids/name', 'child_ids/phone']
        )
        self.assertEqual(rows[0][:2], ['Bob', MASKED])
        child.phone = PHONE
        rows = self._export('user', self.bob, ['name', 'child_ids/phone'])
        self.assertEqual(rows, [['Bob', MASKED]])

    def test_names_in_exports_tell_no_address(self):
        """The client's context does not make names show addresses, on the way from an order neither (S-SEC-09)."""
        self.bob.street = 'Secret Road 7'
        context = {'import_compat': False, 'show_email': True, 'show_address': True}
        for persona, record, path in (
            ('user', self.bob, 'display_name'),
            ('internal', self.bob, 'display_name'),
            ('sales', self.order, 'partner_id'),
            ('sales', self.order, 'partner_id/display_name'),
            ('user', self._purchase_of(self.order), 'partner_id'),
        ):
            records = self.env(user=self.users[persona], su=False)[record._name]
            options = {'context': context}
            [row] = call_kw(records, 'export_data', [record.ids, [path]], options)['datas']
            with self.subTest(persona=persona, path=path):
                self.assertEqual(row, ['Bob'])
        partners = self.env(user=self.users['sensitive'], su=False)['res.partner']
        options = {'context': {**context, 'show_address': False}}
        [row] = call_kw(partners, 'export_data', [self.bob.ids, ['display_name']], options)['datas']
        self.assertIn('bob.brown@mail.com', row[0])

    def test_exports_of_messages_are_masked(self):
        """Who wrote to us is masked as well, on the way from the customer and from the messages themselves (S-SEC-09)."""
        message = self.bob.message_post(
            body='Hello', author_id=False, email_from='Bob Brown <bob.brown@mail.com>'
        )
        message.write({'incoming_email_to': 'eve.brown@mail.com'})
        guest = self.env['mail.guest'].create({'name': 'G', 'email': 'bob.brown@mail.com'})
        paths = ['message_ids/email_from', 'message_ids/incoming_email_to']
        [row, *_more] = self._export('user', self.bob, paths)
        self.assertEqual(row, ['b***@mail.com', 'e***@mail.com'])
        [row, *_more] = self._export('sensitive', self.bob, paths)
        self.assertEqual(row[1], 'eve.brown@mail.com')
        self.assertIn('email', guest._retail_export_masks())

    def test_every_column_is_decided_about(self):
        """Each column whose name promises addresses or numbers is masked, or is known to be nobody's (S-SEC-09)."""
        open_columns = {
            (model._name, name)
            for model in map(self.env.get, self.env.registry)
            if not (model._abstract or model._transient)
            for name, field in model._fields.items()
            if field.type in ('char', 'text', 'html') and not name.endswith('_masked')
            if any(part in name for part in ('email', 'phone', 'mobile'))
            if name not in model._retail_export_masks()
        }
        self.assertEqual(open_columns - OWN_COLUMNS, set())

    def test_accounts_of_customers_are_masked(self):
        """A portal account repeats the customer's address: it is masked; that of an employee is not (S-SEC-09)."""
        portal = self.users['portal']
        portal.email = 'customer@mail.com'
        self.assertEqual(self._export('internal', portal, ['email'])[0][0], 'c***@mail.com')
        self.users['lead'].email = 'lead@mail.com'
        self.assertEqual(
            self._export('internal', self.users['lead'], ['email'])[0][0], 'lead@mail.com'
        )

    def test_masked_values_cannot_be_imported_back(self):
        """An export made for a later import is refused with those columns, and fine without them (S-SEC-09)."""
        for record, path in (
            (self.bob, 'phone'),
            (self.bob, 'email'),
            (self.bob, 'parent_id/phone'),
            (self._purchase_of(self.order), 'partner_id/phone'),
        ):
            with self.subTest(path=path), self.assertRaisesRegex(UserError, 'masked'):
                self._export('user', record, [path], compatible=True)
        self.assertEqual(self._export('user', self.bob, ['name'], compatible=True), [['Bob']])
        self.assertEqual(self._export('sensitive', self.bob, ['phone'], compatible=True), [[PHONE]])

    def test_export_follows_the_setting(self):
        """Switched off, exports are as Odoo's (S-SEC-09)."""
        self.env['ir.config_parameter'].set_param('retail_crm.mask_contacts', 'False')
        self.assertEqual(self._export('user', self.bob, ['phone']), [[PHONE]])
        self.assertEqual(self._export('user', self.bob, ['phone'], compatible=True), [[PHONE]])

    def test_exports_are_logged(self):
        """One row for each export of customers: who, which records, how many, which fields (S-SEC-06)."""
        before = self.log.search([])
        self._export('sensitive', self.bob + self.acme, ['name', 'phone'])
        [row] = self.log.search([]) - before
        self.assertEqual(row.user_id, self.users['sensitive'])
        self.assertEqual((row.kind, row.res_model, row.record_count), ('export', 'res.partner', 2))
        self.assertEqual(row.field_names, 'name, phone')
        self.assertFalse(row.partner_id)
        self._export('user', self._purchase_of(self.order), ['amount'])
        [row] = self.log.search([]) - before - row
        self.assertEqual((row.res_model, row.partner_id), ('retail.purchase', self.bob))

    def test_exports_without_customers_are_not_logged(self):
        """Exports of goods or of orders without contact data leave no row (S-SEC-06)."""
        before = self.log.search_count([])
        self._export('sales', self.goods, ['name'])
        self._export('sales', self.order, ['name', 'amount_total'])
        self.assertEqual(self.log.search_count([]), before)
        self._export('sales', self.order, ['name', 'partner_id/city'])
        self.assertEqual(self.log.search_count([]), before + 1)

    def test_nothing_is_exported_without_the_right(self):
        """Core's right to export is still asked for (S-SEC-09)."""
        self.users['user'].group_ids -= self.env.ref('base.group_allow_export')
        with self.assertRaises(UserError):
            self._export('user', self.bob, ['name'])


@tagged('post_install', '-at_install', 'retail_crm')
class TestMaskOverHttp(HttpCase, MaskCommon):
    def _web_export(self, persona, paths, kind='xlsx', compatible=False, groupby=()):
        self.authenticate(f'retail_{persona}', f'retail_{persona}')
        data = {
            'model': 'res.partner',
            'fields': [{'name': path, 'label': path, 'type': 'char'} for path in paths],
            'ids': self.bob.ids,
            'domain': [],
            'import_compat': compatible,
            'groupby': list(groupby),
            'context': {},
        }
        return self.url_open(
            f'/web/export/{kind}',
            data={'data': json.dumps(data), 'csrf_token': Request.csrf_token(self)},
        )

    def test_files_are_masked(self):
        """The file that the browser downloads holds masked values, and is logged (S-SEC-06, S-SEC-09)."""
        before = self.log.search([])
        answer = self._web_export('user', ['name', 'phone', 'email'], 'csv')
        self.assertEqual(answer.status_code, 200)
        self.assertIn(MASKED, answer.text)
        self.assertIn('b***@mail.com', answer.text)
        self.assertNotIn(SECRET, answer.text)
        [row] = self.log.search([]) - before
        self.assertEqual((row.kind, row.user_id), ('export', self.users['user']))

    def test_refusals_reach_the_browser(self):
        """Import-compatible files and headings by number are refused with words (S-SEC-09)."""
        for options in (
            {'compatible': True},
            {'groupby': ['phone']},
            {'groupby': ['parent_id.email']},
        ):
            with self.subTest(**options), self.assertLogs('odoo', 'ERROR'):
                answer = self._web_export('user', ['name', 'phone'], **options)
                self.assertEqual(answer.status_code, 500)
                self.assertIn('UserError', answer.text)
        self.assertEqual(
            self._web_export('user', ['name', 'phone'], groupby=['lang']).status_code, 200
        )
        self.assertEqual(
            self._web_export('sensitive', ['name', 'phone'], groupby=['phone']).status_code, 200
        )
