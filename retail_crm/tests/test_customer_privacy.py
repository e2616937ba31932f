"""Sensitive data: nobody without the group learns it on any way, whoever opens it is written down; audits; the report."""

import io
import json
import xmlrpc.client
from datetime import date, timedelta

import openpyxl
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, HttpCase, get_db_name, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer.res_partner_file import SENSITIVE_FIELDS
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

#: An income that appears nowhere else.
INCOME = 7654321.0
#: Everybody who may not see income and funds.
OTHERS = ('user', 'lead', 'manager', 'marketing', 'complaint', 'sales', 'internal', 'portal')


#: Calls that Odoo does not know for fields of this type.
NO_WAYS = {
    ('search panel', 'retail_annual_income'),
}


class PrivacyCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob.write(
            {
                'retail_annual_income': INCOME,
                'retail_funds': 'ample',
                'phone': '+86 138 1234 5678',
                'email': 'bob@mail.com',
            }
        )
        cls.order = cls._create_order(cls.bob, 50.0, '2026-01-10', user_id=cls.users['sales'].id)
        cls._process()
        cls.officer = new_test_user(
            cls.env,
            login='retail_officer',
            groups='retail_crm.group_manager,retail_crm.group_sensitive',
        )
        export = cls.env.ref('base.group_allow_export')
        for user in cls.users.values():
            if not user.share:
                user.group_ids += export
        cls.log = cls.env['retail.access.log']

    def _call(self, user, model, method, *args, **kwargs):
        return call_kw(self.env(user=user, su=False)[model], method, list(args), kwargs)

    def _refusal(self, user, *call, **kwargs):
        """Return the error of a call from outside, or its answer."""
        savepoint = self.cr.savepoint()
        try:
            return self._call(user, *call, **kwargs)
        except (AccessError, UserError, KeyError) as error:
            return error  # core says KeyError where a field does not exist for the user
        finally:
            savepoint.rollback()
            self.env.invalidate_all(flush=False)


@tagged('post_install', '-at_install', 'retail_crm')
class TestPrivacy(PrivacyCommon):
    def _ways(self, name, value):
        """Return ``{way: (model, method, arguments)}`` on which somebody could learn a sensitive value."""
        ids, partner = self.bob.ids, 'res.partner'
        bigger = (name, '>', 100) if name == 'retail_annual_income' else (name, '=', value)
        spec = {name: {}}
        return {
            'read': (partner, 'read', ids, [name]),
            'web_read': (partner, 'web_read', ids, spec),
            'search_read': (partner, 'search_read', [('id', 'in', ids)], [name]),
            'web_search_read': (partner, 'web_search_read', [('id', 'in', ids)], spec),
            'domain': (partner, 'search', [('id', 'in', ids), bigger]),
            'negated domain': (partner, 'search', ['!', (name, '=', value)]),
            'in': (partner, 'search', [(name, 'in', [value])]),
            'count': (partner, 'search_count', [bigger]),
            'order': (partner, 'search', [], 0, 5, f'{name} desc'),
            'order of search_read': (partner, 'search_read', [], ['name'], 0, 5, name),
            'name_search': (partner, 'name_search', '', [bigger]),
            'formatted group': (partner, 'formatted_read_group', [], [name], ['__count']),
            'aggregate': (partner, 'formatted_read_group', [], [], [f'{name}:max']),
            'array': (partner, 'formatted_read_group', [], ['lang'], [f'{name}:array_agg']),
            'having': (
                partner,
                'formatted_read_group',
                [],
                ['lang'],
                ['__count'],
                [(f'{name}:max', '=', value)],
            ),
            'grouped list': (partner, 'web_read_group', [], [name]),
            'progress bar': (
                partner,
                'read_progress_bar',
                [],
                'lang',
                {'field': name, 'colors': {}},
            ),
            'search panel': (partner, 'search_panel_select_range', name),
            'export': (partner, 'export_data', ids, [name]),
            'filtered': (partner, 'search', [('child_ids', 'any', [bigger])]),
            'through parent': (partner, 'search', [('parent_id', 'any', [bigger])]),
            'through parent group': (
                partner,
                'formatted_read_group',
                [],
                [f'parent_id.{name}'],
                ['__count'],
            ),
            'through the order': (
                'sale.order',
                'search',
                [(f'partner_id.{name}', bigger[1], bigger[2])],
            ),
            'through the order any': ('sale.order', 'search', [('partner_id', 'any', [bigger])]),
            'through the order export': (
                'sale.order',
                'export_data',
                self.order.ids,
                [f'partner_id/{name}'],
            ),
            'through the order read': (
                'sale.order',
                'web_read',
                self.order.ids,
                {'partner_id': {'fields': spec}},
            ),
            'through the order group': (
                'sale.order',
                'formatted_read_group',
                [],
                [f'partner_id.{name}'],
                ['__count'],
            ),
            'through the user': ('res.users', 'search', [(f'partner_id.{name}', '!=', False)]),
            'through the purchase': (
                'retail.purchase',
                'search',
                [(f'partner_id.{name}', bigger[1], bigger[2])],
            ),
            'write': (partner, 'write', ids, {name: value}),
            'create': (partner, 'create', [{'name': 'X', name: value}]),
        }

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule', 'odoo.http')
    def test_no_way_to_sensitive_values(self):
        """Nobody without the group learns income or funds by reading, searching, sorting, grouping or export (S-SEC-01)."""
        for name in SENSITIVE_FIELDS:
            for way, call in self._ways(name, self.bob[name]).items():
                if (way, name) in NO_WAYS:
                    continue
                for persona in OTHERS:
                    with self.subTest(field=name, way=way, persona=persona):
                        answer = self._refusal(self.users[persona], *call)
                        self.assertIsInstance(answer, Exception)
                        self.assertNotIn(str(int(INCOME)), str(answer))

    def test_the_ways_are_ways(self):
        """The same calls work for whoever has all groups: what is refused above is refused because of the field (S-SEC-01)."""
        groups = ','.join(
            (
                'base.group_allow_export',
                'base.group_partner_manager',
                'base.group_erp_manager',
                'retail_crm.group_manager',
                'retail_crm.group_sensitive',
                'sales_team.group_sale_salesman_all_leads',
            )
        )
        user = new_test_user(self.env, login='retail_all', groups=groups)
        for name in SENSITIVE_FIELDS:
            for way, call in self._ways(name, self.bob[name]).items():
                if (way, name) in NO_WAYS:
                    continue
                with self.subTest(field=name, way=way):
                    self.assertNotIsInstance(self._refusal(user, *call), Exception)

    def test_fields_are_not_even_described(self):
        """Views, field lists and the export dialog do not name the fields to others (S-SEC-01)."""
        for persona in OTHERS[:-1]:
            Partner = self.env['res.partner'].with_user(self.users[persona])
            with self.subTest(persona=persona):
                self.assertFalse(set(SENSITIVE_FIELDS) & set(Partner.fields_get()))
                self.assertNotIn(
                    'action_retail_reveal',
                    Partner.get_view(self.env.ref('base.view_partner_form').id, 'form')['arch'],
                )

    def test_no_leak_beside_the_fields(self):
        """Names, the summary, copies, texts of mails and the conversation do not tell them (S-SEC-01)."""
        user = self.users['user']
        bob = self.bob.with_user(user)
        stored = [
            name
            for name, field in bob.fields_get().items()
            if field['store'] and not field['type'].endswith('2many')
        ]
        values = bob.read([*stored, 'display_name', 'retail_summary'])[0]
        self.assertNotIn(str(int(INCOME)), json.dumps(values, default=str))
        self.assertNotIn('retail_annual_income', bob.copy_data()[0])
        with self.assertRaises(AccessError):
            self.env['mail.render.mixin'].with_user(user)._render_template(
                '{{ object.retail_annual_income }}', 'res.partner', self.bob.ids
            )
        self.bob.with_context(tracking_disable=False, mail_notrack=False).write(
            {'retail_annual_income': INCOME + 1, 'retail_funds': 'tight'}
        )
        self.env.flush_all()
        self.assertFalse(self.bob.message_ids.sudo().tracking_value_ids)

    def test_contacts_can_be_duplicated(self):
        """Who may not see the file or the sensitive part can duplicate a contact, and these are not copied (S-SEC-01)."""
        self.bob.retail_occupation = 'Baker'
        clerk = new_test_user(
            self.env, login='retail_clerk', groups='base.group_user,base.group_partner_manager'
        )
        copy = self.bob.with_user(clerk).copy()
        self.assertFalse(copy.sudo().retail_occupation)
        copy = self.bob.with_user(self.users['user']).copy()
        self.assertEqual(copy.retail_occupation, 'Baker')
        self.assertFalse(copy.sudo().retail_annual_income)
        self.assertFalse(self.bob.copy().retail_annual_income)

    # === REVEAL ===#

    def test_reveal_is_logged_first(self):
        """The dialog shows the values to the group, and who opened it is written down (S-SEC-06, design 7)."""
        before = self.log.search([])
        action = self.bob.with_user(self.officer).action_retail_reveal()
        [row] = self.log.search([]) - before
        self.assertEqual(
            (row.kind, row.user_id, row.partner_id), ('reveal', self.officer, self.bob)
        )
        self.assertEqual(row.field_names, ', '.join(SENSITIVE_FIELDS))
        dialog = self.env['retail.sensitive'].with_user(self.officer).browse(action['res_id'])
        [values] = dialog.web_read({'annual_income': {}, 'funds': {}})
        self.assertEqual((values['annual_income'], values['funds']), (INCOME, 'ample'))

    def test_a_dialog_made_by_hand_is_logged_too(self):
        """There is no way to the dialog that leaves no trace (S-SEC-06)."""
        before = self.log.search_count([('kind', '=', 'reveal')])
        [dialog] = self._call(
            self.officer, 'retail.sensitive', 'create', [{'partner_id': self.bob.id}]
        )
        self.assertEqual(self.log.search_count([('kind', '=', 'reveal')]), before + 1)
        # turned to another customer
        self._call(self.officer, 'retail.sensitive', 'write', [dialog], {'partner_id': self.ann.id})
        [row] = self.log.search([('kind', '=', 'reveal'), ('partner_id', '=', self.ann.id)])
        self.assertEqual(row.user_id, self.officer)

    def test_reveal_changes_the_customer(self):
        """What is changed in the dialog is written to the customer and to the log (S-SEC-06)."""
        action = self.bob.with_user(self.officer).action_retail_reveal()
        before = self.log.search([])
        dialog = self.env['retail.sensitive'].with_user(self.officer).browse(action['res_id'])
        with Form(dialog) as form:
            form.annual_income = 5000.0
        self.assertEqual(self.bob.retail_annual_income, 5000.0)
        self.assertEqual(self.bob.retail_funds, 'ample')
        [row] = self.log.search([]) - before
        self.assertEqual(row.field_labels, 'Annual Income')
        self.assertEqual((row.kind, row.field_names), ('change', 'retail_annual_income'))

    def test_no_value_before_it_is_logged(self):
        """A dialog that is not saved, or is turned to somebody else, shows nothing: nobody wrote it down (S-SEC-06)."""
        spec = {'partner_id': {}, 'annual_income': {}, 'funds': {}}
        before = self.log.search([])
        for values in ({'partner_id': self.bob.id}, {}):
            answer = self._call(
                self.officer,
                'retail.sensitive',
                'onchange',
                [],
                values,
                list(values),
                spec,
                context={'default_partner_id': self.bob.id},
            )
            shown = answer['value']
            self.assertFalse(shown.get('annual_income') or shown.get('funds'))
        [dialog] = self._call(
            self.officer, 'retail.sensitive', 'create', [{'partner_id': self.ann.id}]
        )
        turned = [[dialog], {'partner_id': self.bob.id}, ['partner_id'], spec]
        shown = self._call(self.officer, 'retail.sensitive', 'onchange', *turned)['value']
        self.assertFalse(shown.get('annual_income') or shown.get('funds'))
        logged = self.log.search([]) - before
        self.assertEqual(logged.mapped('partner_id'), self.ann)
        other = new_test_user(
            self.env, login='retail_other', groups='base.group_user,retail_crm.group_sensitive'
        )
        action = self.bob.with_user(self.officer).action_retail_reveal()
        [shown] = self._call(other, 'retail.sensitive', 'read', [action['res_id']], list(spec))
        self.assertFalse(shown['annual_income'] or shown['funds'], 'somebody else opened it')

    def test_an_unsaved_dialog_empties_nothing(self):
        """The empty fields of a dialog that shows nothing yet are no change of the customer (S-SEC-06)."""
        vals = {'partner_id': self.bob.id, 'annual_income': 0, 'funds': False}
        self._call(self.officer, 'retail.sensitive', 'create', [vals])
        self.assertEqual((self.bob.retail_annual_income, self.bob.retail_funds), (INCOME, 'ample'))

    def test_every_change_is_logged(self):
        """Written from outside, imported or entered with a new contact: who changed what is written down once (S-SEC-06)."""

        def told(method, *args):
            before = self.log.search([])
            self._call(self.officer, 'res.partner', method, *args)
            self.env.flush_all()
            rows = self.log.search([]) - before
            return [
                (row.kind, row.field_names, row.user_id, row.partner_id, row.record_count)
                for row in rows
            ]

        both = [self.bob.id, self.ann.id]
        income, funds = SENSITIVE_FIELDS
        nobody = self.env['res.partner']
        self.assertEqual(
            told('write', [self.bob.id], {income: 5, 'ref': 'x'}),
            [('change', income, self.officer, self.bob, 1)],
        )
        self.assertEqual(
            told('write', both, {income: 6, funds: 'tight'}),
            [('change', f'{income}, {funds}', self.officer, nobody, 2)],
        )
        self.assertEqual(told('write', both, {income: 6, funds: 'tight'}), [], 'nothing changed')
        self.assertEqual(
            told('write', both, {funds: False, 'retail_remark': 'x'}),
            [('change', funds, self.officer, nobody, 2)],
        )
        self.assertEqual(told('write', both, {'ref': 'y'}), [])
        [row] = told('create', [{'name': 'Eve', income: 7}])
        self.assertEqual((row[0], row[1], row[3].name), ('change', income, 'Eve'))
        self.assertEqual(told('create', [{'name': 'Eve', income: 0}]), [])
        rows = told('load', ['.id', funds], [[str(self.bob.id), 'Ample']])
        self.assertEqual(rows, [('change', funds, self.officer, self.bob, 1)])

    def test_a_merge_that_changes_is_logged(self):
        """What a merge brings to a customer is a change by the one who merged (S-SEC-06)."""
        twin = self.env['res.partner'].create({'name': 'Bob', 'email': 'bob@mail.com'})
        before = self.log.search([])
        merge = self.env['base.partner.merge.automatic.wizard'].with_user(self.users['lead'])
        merge._merge([self.bob.id, twin.id], twin.with_user(self.users['lead']))
        rows = (self.log.search([]) - before).filtered(lambda row: row.kind == 'change')
        self.assertEqual(rows.partner_id, twin)
        self.assertEqual(rows.user_id, self.users['lead'])
        self.assertEqual(rows.field_names, ', '.join(sorted(SENSITIVE_FIELDS)))

    def test_evidence_forbids_deletion_in_words(self):
        """Who is named in consents, contacts or the log is archived or anonymised: the refusal says so (S-SEC-06)."""
        Partner = self.env['res.partner']
        sms = self.env.ref('retail_crm.retail_channel_sms')
        visited, refusing, dated, plain = Partner.create([{'name': name} for name in 'VRDP'])
        self.env['retail.touch'].create({'partner_id': visited.id, 'kind': 'visit'})
        self.env['retail.consent']._record(refusing, {('service', sms): False}, 'shop')
        self.env['retail.occasion.date'].create(
            {'partner_id': dated.id, 'kind': 'wedding', 'month': '5', 'day': 1}
        )
        for partner in (visited, refusing, dated, visited | plain):
            with self.subTest(partner=partner), self.assertRaises(UserError) as caught:
                partner.unlink()
            self.assertIn('nonymise', str(caught.exception))
        plain.unlink()
        self.assertFalse(plain.exists())
        reader, clerk = (
            new_test_user(self.env, login=f'retail_gone_{name}', groups='base.group_user')
            for name in ('reader', 'clerk')
        )
        self.log.with_user(reader)._log('export', self.bob)
        with self.assertRaises(UserError) as caught:
            reader.unlink()
        self.assertIn('rchive', str(caught.exception))
        clerk.unlink()
        self.assertFalse(clerk.exists())

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_reveal_is_refused_to_others(self):
        """Neither the button nor the dialog opens for those without the group (S-SEC-01)."""
        dialog = self.env['retail.sensitive'].create({'partner_id': self.bob.id})
        for persona in OTHERS:
            user = self.users[persona]
            for call in (
                ('res.partner', 'action_retail_reveal', self.bob.ids),
                ('retail.sensitive', 'create', [{'partner_id': self.bob.id}]),
                ('retail.sensitive', 'read', dialog.ids, ['annual_income']),
                (
                    'retail.sensitive',
                    'onchange',
                    [],
                    {'partner_id': self.bob.id},
                    ['partner_id'],
                    {'annual_income': {}},
                ),
            ):
                with self.subTest(persona=persona, method=call[1]):
                    self.assertIsInstance(self._refusal(user, *call), AccessError)

    def test_administrators_have_the_group(self):
        """Whoever installs can open what was entered (S-SEC-01)."""
        self.assertTrue(self.env.ref('base.user_admin').has_group('retail_crm.group_sensitive'))

    # === LOG ===#

    def test_log_is_append_only(self):
        """Nobody changes or deletes a row of the log, not even the system (S-SEC-06)."""
        row = self.log._log('reveal', self.bob)
        for way in (lambda: row.write({'kind': 'export'}), row.unlink):
            with self.assertRaises(UserError):
                way()
        for user in (*self.users.values(), self.officer):
            with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_model'):
                self._call(user, 'retail.access.log', 'create', [{'kind': 'reveal'}])

    def test_log_names_the_user_behind_sudo(self):
        """The user who acts is written down, also where the code works as superuser (S-SEC-06)."""
        row = self.log.with_user(self.officer).sudo()._log('reveal', self.bob)
        self.assertEqual(row.user_id, self.officer)
        self.assertEqual(row.model_label, 'Contact')

    def test_log_survives_a_merge(self):
        """Rows of a merged customer follow to the one that stays (S-SEC-06)."""
        other = self.env['res.partner'].create({'name': 'Bob B.'})
        row = self.log._log('reveal', other)
        self.env['base.partner.merge.automatic.wizard']._merge(
            (other + self.bob).ids, self.bob, extra_checks=False
        )
        row.invalidate_recordset()
        self.assertEqual(row.partner_id, self.bob)

    def test_privacy_lookup_finds_our_rows(self):
        """No row of ours about a customer hides behind a cascade from core's privacy look-up (S-SEC-07, R-loy D.2-16)."""
        hidden = [
            f'{name}.{field.name}'
            for name in self.env.registry
            if name.startswith('retail.') and not self.env[name]._transient
            for field in self.env[name]._fields.values()
            if field.type == 'many2one'
            and field.comodel_name == 'res.partner'
            and field.store
            and field.ondelete == 'cascade'
        ]
        self.assertEqual(hidden, [])
        row = self.log._log('reveal', self.bob)
        lookup = self.env['privacy.lookup.wizard'].create({'name': 'Bob', 'email': 'bob@mail.com'})
        lookup.action_lookup()
        found = {(line.res_model, line.res_id) for line in lookup.line_ids}
        self.assertIn(('retail.access.log', row.id), found)
        self.assertIn(('retail.purchase', self._purchase_of(self.order).id), found)

    # === REPORT ===#

    def _sheets(self, user, partner):
        book = openpyxl.load_workbook(io.BytesIO(partner.with_user(user)._retail_data_report()))
        return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}

    def test_report_holds_what_is_stored(self):
        """The data of a customer: his contact, his orders, his purchases, his visits and consents (S-SEC-07)."""
        self.env['retail.touch'].create({'partner_id': self.bob.id, 'note': 'Asked for =boots'})
        preference = self.env['retail.preference'].search([], limit=1) or self.env[
            'retail.preference'
        ].create({'name': 'Tea'})
        self.bob.write(
            {'retail_preference_ids': [Command.set(preference.ids)], 'retail_occupation': 'Baker'}
        )
        self.env['res.partner'].create({'name': 'Bobs flat', 'parent_id': self.bob.id})
        before = self.log.search([])
        sheets = self._sheets(self.officer, self.bob)
        [row] = self.log.search([]) - before
        self.assertEqual((row.kind, row.partner_id), ('report', self.bob))
        head, *rows = sheets['Contact']
        contact = dict(zip(head, rows[0], strict=True))
        self.assertEqual(contact['Name'], 'Bob')
        self.assertEqual(contact['Phone'], '+86 138 1234 5678')
        self.assertEqual(contact['Occupation'], 'Baker')
        self.assertEqual(contact['Preferences'], preference.name)
        self.assertEqual(contact['Annual Income'], INCOME)
        self.assertEqual(contact['Funds'], 'Ample')
        self.assertEqual(rows[1][head.index('Name')], 'Bobs flat')
        self.assertIn(self.order.name, {cell for line in sheets['Sales Order'] for cell in line})
        self.assertIn(
            'Asked for =boots',
            {cell for line in sheets['Contact With a Customer'] for cell in line},
        )

    def test_report_tells_no_judgement(self):
        """Scores, classes and what staff think of the customer are left out (design 5.1)."""
        self.bob.write(
            {'retail_remark': 'Pays late', 'retail_dealing': 'demanding', 'comment': 'odd'}
        )
        sheets = self._sheets(self.officer, self.bob)
        text = json.dumps(sheets, default=str)
        for word in (
            'Pays late',
            'Demanding',
            '<p>odd',
            'Star Class',
            'Loyalty Score',
            'Lifecycle',
        ):
            self.assertNotIn(word, text)
        self.assertNotIn('Customer Profile', sheets)

    def test_report_tells_nothing_of_others(self):
        """No row of another customer gets into the report (S-SEC-07)."""
        self._create_order(self.acme, 33.0, '2026-01-11')
        self._process()
        self.assertNotIn('Acme', json.dumps(self._sheets(self.officer, self.bob), default=str))

    def test_report_costs_by_kinds_not_by_rows(self):
        """The queries of the report do not grow with the orders of the customer (S-SEC-07)."""
        partner = self.bob.with_user(self.officer)
        partner._retail_data_report()

        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            partner._retail_data_report()
            return self.cr.sql_log_count - start

        few = queries()
        for amount in range(30):
            self._create_order(self.bob, amount + 1.0, '2026-01-11')
        self._process()
        self.assertLessEqual(queries(), few + 10)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_report_and_anonymise_are_the_officers(self):
        """Only a manager who may see sensitive data hands out or erases (S-SEC-07)."""
        for persona in (*OTHERS, 'sensitive'):
            user = self.users[persona]
            for method in ('action_retail_data_report', 'action_retail_anonymise'):
                with self.subTest(persona=persona, method=method):
                    answer = self._refusal(user, 'res.partner', method, self.bob.ids)
                    self.assertIsInstance(answer, AccessError)
            with self.assertRaises(AccessError):
                self.bob.with_user(user)._retail_data_report()
        action = self._call(self.officer, 'res.partner', 'action_retail_data_report', self.bob.ids)
        self.assertIn(str(self.bob.id), action['url'])

    # === AUDIT ===#

    @freeze_time('2026-05-04 08:00:00')
    def test_audit_plans_the_next(self):
        """An audit that is done reminds its responsible user of the next one, a year later unless said otherwise (S-SEC-06)."""
        manager = self.users['manager']
        audit = self.env['retail.audit'].with_user(manager).create({'name': 'Rights'})
        self.assertEqual((audit.state, audit.date_next), ('planned', date(2027, 5, 4)))
        self.assertFalse(audit.activity_ids)
        audit.action_start()
        self.assertEqual(audit.state, 'running')
        audit.action_done()
        [reminder] = audit.activity_ids
        self.assertEqual((reminder.user_id, reminder.date_deadline), (manager, date(2027, 5, 4)))
        audit.date_next = date(2026, 11, 4)
        [reminder] = audit.activity_ids
        self.assertEqual(reminder.date_deadline, date(2026, 11, 4))
        audit.state = 'running'
        self.assertFalse(audit.activity_ids)

    def test_audit_repeats(self):
        """The next audit starts from the scope of the last, without its findings, and ends the reminder (S-SEC-06)."""
        today = fields.Date.context_today(self.env['retail.audit'])
        audit = self.env['retail.audit'].create(
            {'name': 'Rights', 'scope': 'Exports', 'risks': 'Many', 'date': today, 'state': 'done'}
        )
        self.assertTrue(audit.activity_ids)
        following = self.env['retail.audit'].browse(audit.action_repeat()['res_id'])
        self.assertEqual((following.scope, following.risks), ('Exports', False))
        self.assertEqual((following.date, following.state), (audit.date_next, 'planned'))
        self.assertFalse(audit.activity_ids)

    def test_audit_overdue(self):
        """Audits whose day or measures have passed are found (S-SEC-06)."""
        today = fields.Date.context_today(self.env['retail.audit'])
        Audit = self.env['retail.audit']
        late = Audit.create({'name': 'A', 'date': today - timedelta(days=1)})
        coming = Audit.create({'name': 'B', 'date': today + timedelta(days=1)})
        done = Audit.create({'name': 'C', 'date': today - timedelta(days=1), 'state': 'done'})
        everything = late + coming + done
        self.assertEqual(everything.filtered('is_overdue'), late)
        ours = [('id', 'in', everything.ids)]
        self.assertEqual(Audit.search([('is_overdue', '=', True), *ours]), late)
        self.assertEqual(Audit.search([('is_overdue', '=', False), *ours]), everything - late)


@tagged('post_install', '-at_install', 'retail_crm')
class TestPrivacyOverHttp(HttpCase, PrivacyCommon):
    def setUp(self):
        super().setUp()
        self.keys = {}

    def _json2(self, user, model, method, **params):
        key = self.keys.get(user) or self.env['res.users.apikeys'].with_user(user)._generate(
            'rpc', 'test', fields.Datetime.now() + timedelta(days=1)
        )
        self.keys[user] = key
        return self.url_open(
            f'/json/2/{model}/{method}',
            data=json.dumps(params),
            headers={
                'Content-Type': 'application/json',
                'Authorization': f'bearer {key}',
                'X-Odoo-Database': get_db_name(),
            },
        )

    @mute_logger('odoo.http', 'odoo.addons.base.models.ir_model')
    def test_json_2_tells_nothing(self):
        """Over JSON-2, staff without the group get an error and no value; the group gets it (S-SEC-01)."""
        calls = {
            'search_read': {
                'domain': [['id', '=', self.bob.id]],
                'fields': ['retail_annual_income'],
            },
            'search': {'domain': [['retail_annual_income', '>', 1000]]},
            'search_count': {'domain': [['retail_funds', '=', 'ample']]},
            'formatted_read_group': {
                'domain': [],
                'groupby': ['retail_funds'],
                'aggregates': ['retail_annual_income:sum'],
            },
            'export_data': {'ids': self.bob.ids, 'fields_to_export': ['retail_annual_income']},
        }
        for method, params in calls.items():
            for persona in ('user', 'manager', 'internal'):
                answer = self._json2(self.users[persona], 'res.partner', method, **params)
                with self.subTest(method=method, persona=persona):
                    self.assertEqual(answer.status_code, 403)
                    self.assertNotIn(str(int(INCOME)), answer.text)
        answer = self._json2(
            self.users['sensitive'], 'res.partner', 'search_read', **calls['search_read']
        )
        self.assertEqual(answer.json()[0]['retail_annual_income'], INCOME)

    @mute_logger('odoo.http')
    def test_json_2_exports_masked(self):
        """Over JSON-2, an export is masked where it cannot be imported, refused where it can, and logged (S-SEC-09)."""
        user = self.users['user']
        params = {'ids': self.bob.ids, 'fields_to_export': ['phone']}
        answer = self._json2(user, 'res.partner', 'export_data', **params)
        self.assertEqual(answer.status_code, 422)
        self.assertNotIn('1234', answer.text)
        before = self.log.search([])
        answer = self._json2(
            user, 'res.partner', 'export_data', context={'import_compat': False}, **params
        )
        self.assertEqual(answer.json(), {'datas': [['+86 138****5678']]})
        [row] = self.log.search([]) - before
        self.assertEqual((row.user_id, row.kind), (user, 'export'))

    @mute_logger(
        'odoo.http', 'odoo.addons.base.models.ir_model', 'odoo.addons.rpc.controllers.xmlrpc'
    )
    def test_xml_rpc_tells_nothing(self):
        """Over XML-RPC, staff without the group get an error and no value (S-SEC-01)."""
        user = self.users['user']
        database = get_db_name()
        for call in (
            ('read', [self.bob.ids, ['retail_annual_income']]),
            ('search_read', [[('id', '=', self.bob.id)], ['retail_funds']]),
            ('search', [[('retail_annual_income', '>', 1000)]]),
            ('formatted_read_group', [[], ['retail_funds'], ['__count']]),
            ('export_data', [self.bob.ids, ['retail_annual_income']]),
            ('export_data', [self.bob.ids, ['phone']]),
        ):
            with self.subTest(call=call), self.assertRaises(xmlrpc.client.Fault) as caught:
                self.xmlrpc_object.execute_kw(
                    database, user.id, 'retail_user', 'res.partner', *call
                )
            self.assertNotIn(str(int(INCOME)), caught.exception.faultString)
        [row] = self.xmlrpc_object.execute_kw(
            database, user.id, 'retail_user', 'res.partner', 'read', [self.bob.ids, ['name']]
        )
        self.assertEqual(row['name'], 'Bob')

    @mute_logger('odoo.http')
    def test_report_is_downloaded(self):
        """The officer downloads the report; others and unknown customers get nothing (S-SEC-07)."""
        url = f'/retail_crm/customer/{self.bob.id}/data'
        self.authenticate('retail_officer', 'retail_officer')
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200)
        self.assertIn('.xlsx', answer.headers['Content-Disposition'])
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')
        self.assertIn('Contact', openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames)
        self.assertEqual(self.url_open('/retail_crm/customer/999999999/data').status_code, 404)
        for login in ('retail_manager', 'retail_portal'):
            self.authenticate(login, login)
            answer = self.url_open(url)
            self.assertIn(answer.status_code, (403, 404))
            self.assertNotIn('bob@mail.com', answer.text)
        self.authenticate(None, None)
        self.assertIn('/web/login', self.url_open(url).url)
