"""Anonymise: nothing tells any more who it was, and no total changes."""

import base64
import hashlib
import json

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
#: Found nowhere but in what was entered about the customer.
WORD = 'Zylphia'


@tagged('post_install', '-at_install', 'retail_crm')
class TestAnonymise(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env,
            login='retail_officer',
            groups='retail_crm.group_manager,retail_crm.group_sensitive,base.group_partner_manager',
        )
        tracked = cls.env['res.partner'].with_context(tracking_disable=False, mail_notrack=False)
        cls.zoe = tracked.create({'name': f'{WORD} Zimmer', 'email': f'{WORD}@mail.com'})
        cls.flat = tracked.create(
            {'name': f'{WORD} flat', 'parent_id': cls.zoe.id, 'type': 'delivery', 'city': WORD}
        )
        cls._fill(cls.zoe)
        cls.cr.precommit.run()  # tracking looks from here on
        cls.zoe.email = f'{WORD}.new@mail.com'
        cls.cr.precommit.run()
        cls.order = cls._create_order(cls.zoe, 120.0, '2026-01-10')
        cls._pay(cls._create_invoice(cls.order))
        cls.order_2 = cls._create_order(cls.bob, 30.0, '2026-01-11')
        cls._fill_documents()
        cls._process()

    @classmethod
    def _fill(cls, partner):
        """Enter something into each field of the contact that takes what staff enter."""
        text = {
            name: WORD
            for name, field in partner._fields.items()
            if name.startswith('retail_')
            and field.store
            and not field.compute
            and field.type in ('char', 'text')
        }
        country = cls.env.ref('base.us')
        partner.write(
            {
                **text,
                'phone': '+8613812345678',
                'street': WORD,
                'street2': WORD,
                'zip': '12345',
                'city': WORD,
                'country_id': country.id,
                'state_id': country.state_ids[:1].id,
                'website': f'https://{WORD}.com',
                'function': WORD,
                'ref': WORD,
                'comment': f'<p>{WORD}</p>',
                'barcode': f'044{partner.id}',
                'image_1920': PIXEL,
                'retail_annual_income': 1000.0,
                'retail_funds': 'ample',
                'retail_birth_month': '5',
                'retail_birth_day': 4,
                'retail_birth_year': 1980,
                'retail_adviser_id': cls.users['user'].id,
                'retail_referrer_id': cls.bob.id,
                'retail_education': 'master',
                'retail_dealing': 'careful',
                'retail_checked_on': '2026-01-01',
                'retail_preference_ids': [
                    Command.create({'name': 'Tea leaves of anonymise'}),
                ],
                'category_id': [Command.create({'name': 'Tag of anonymise'})],
                'bank_ids': [Command.create({'acc_number': f'{WORD}-1', 'acc_holder_name': WORD})],
            }
        )
        cls.env['retail.occasion.date'].create(
            {'partner_id': partner.id, 'name': WORD, 'month': '5', 'day': 4}
        )
        cls.env['retail.touch'].create({'partner_id': partner.id, 'note': WORD})
        partner.message_post(body=f'{WORD} called', subject=WORD, email_from=f'{WORD}@mail.com')
        cls.env['ir.attachment'].create(
            {
                'name': f'{WORD}.txt',
                'res_model': 'res.partner',
                'res_id': partner.id,
                'datas': base64.b64encode(WORD.encode()),
            }
        )
        partner.activity_schedule('mail.mail_activity_data_todo', summary=WORD)
        partner.message_subscribe(cls.users['user'].partner_id.ids)

    @classmethod
    def _fill_documents(cls):
        """Enter something about the customer where it does not belong to the contact itself."""
        cls.order.write({'client_order_ref': WORD, 'signed_by': WORD, 'signature': PIXEL})
        for record in cls.order, cls.order.invoice_ids:
            activity = record.activity_schedule('mail.mail_activity_data_todo', summary=WORD)
            activity.note = f'<p>{WORD}</p>'
            done = record.activity_schedule('mail.mail_activity_data_todo', note=WORD)
            done.action_feedback(feedback=WORD)
        purpose = 'service'
        channel = cls.env.ref('retail_crm.retail_channel_phone')
        cls.env['retail.consent']._record(cls.zoe, {(purpose, channel): False}, 'shop', note=WORD)
        # on a list of those who must not be contacted, which is nobody's file
        cls.env['mail.blacklist']._add(f'{WORD}@mail.com')
        cls.env['phone.blacklist'].add('+8613812345678')
        cls.zoe.retail_customer = True
        cls.twin = cls.env['res.partner'].create({'name': 'Twin', 'phone': cls.zoe.phone})
        cls.env['retail.duplicate']._search_all()

    @classmethod
    def _pay(cls, invoice):
        payments = cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        payments.create({})._create_payments()
        # core ends with "in payment" until the bank says so, or at once: both are paid for the customer
        cls.env.flush_all()

    def _anonymise(self, partners, reason='Asked by letter'):
        partners.with_user(self.officer)._retail_anonymise(reason)
        self.env.flush_all()
        self.env.invalidate_all()

    def _totals(self):
        """Return all sums that must not change."""
        self.env.flush_all()
        self.env.invalidate_all()
        return (
            self.env['retail.purchase']._read_group([], [], ['amount:sum', '__count'])
            # who only had an interest and never bought is nobody's customer any more
            + self.env['retail.profile']._read_group(
                [('order_count', '>', 0)], [], ['spend_total:sum', 'order_count:sum', '__count']
            )
            + self.env['sale.order']._read_group([], ['state'], ['amount_total:sum', '__count'])
            + self.env['account.move']._read_group([], ['state'], ['amount_total:sum', '__count'])
            + [self.env['res.partner'].search_count([('retail_order_count', '>', 0)])]
            + [
                self.env['res.partner']
                .with_context(active_test=False)
                .search_count([('retail_order_count', '>', 0)])
            ]
        )

    def _traces(self, word):
        """Return ``table.column`` of each text in the database that holds a word."""
        self.env.flush_all()
        self.cr.execute(
            """
            SELECT c.table_name, c.column_name FROM information_schema.columns c
              JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
               AND c.data_type IN ('character varying', 'text', 'jsonb')
            """
        )
        found = set()
        for table, column in self.cr.fetchall():
            self.cr.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f'%{word}%']
            )
            if self.cr.fetchone()[0]:
                found.add(f'{table}.{column}')
        return found

    def test_nothing_tells_who_it_was(self):
        """After it no text of the database holds the name but the issued documents (S-SEC-07)."""
        before = self._traces(WORD)
        self.assertIn('res_partner.name', before)
        self.assertIn('retail_touch.note', before)
        self.assertIn('mail_message.body', before)
        self.assertIn('mail_tracking_value.new_value_char', before)
        for column in (
            'retail_consent.note',
            'mail_activity.summary',
            'mail_activity.note',
            'mail_activity.feedback',
            'sale_order.client_order_ref',
            'sale_order.signed_by',
        ):
            self.assertIn(column, before)
        self._anonymise(self.zoe)
        left = self._traces(WORD)
        # the invoice stays as it was issued, messages on it, too; the address stays on the block list
        self.assertLessEqual(
            left,
            {
                'account_move.invoice_partner_display_name',
                'account_move.invoice_source_email',
                'mail_blacklist.email',
                'mail_message.body',
            },
        )
        told = self.env['mail.message'].search([('body', 'ilike', WORD)])
        self.assertEqual(set(told.mapped('model')), {'sale.order', 'account.move'})
        self.assertFalse(self.order.signature)
        activities = self.env['mail.activity'].search(
            [('res_model', '=', 'sale.order'), ('res_id', '=', self.order.id)]
        )
        self.assertTrue(activities, 'what is to be done is still to be done')
        messages = self.env['mail.message'].search(
            [('model', '=', 'res.partner'), ('res_id', 'in', (self.zoe + self.flat).ids)]
        )
        self.assertTrue(messages)
        self.assertFalse([message for message in messages if WORD in str(message.body)])
        self.assertFalse(messages.sudo().tracking_value_ids)

    def test_no_fingerprint_stays(self):
        """No group of duplicates tells the telephone number, neither now nor after the next night (S-SEC-07)."""
        groups = self.env['retail.duplicate']
        key = hashlib.md5(self.zoe.phone_sanitized.encode()).hexdigest()
        group = groups.search([('key', '=', key)])
        self.assertIn(self.zoe, group.partner_ids)
        group.action_distinct()
        self._anonymise(self.zoe)
        for _night in range(2):
            self.assertFalse(groups.search([('key', '=', key)]))
            self.assertFalse(groups.search([('partner_ids', 'in', self.zoe.ids)]))
            self._process()
            groups._search_all()

    def test_fields_are_empty(self):
        """Contact data, the file, pictures, notes and links are gone from the contact and its addresses (S-SEC-07)."""
        self._anonymise(self.zoe)
        zoe = self.zoe
        self.assertEqual(zoe.name, f'Anonymous {zoe.id}')
        self.assertEqual(zoe.complete_name, f'Anonymous {zoe.id}')
        self.assertEqual(self.flat.name, f'Anonymous {self.flat.id}')
        for name in (
            *zoe._retail_personal_fields(),
            'phone_sanitized',
            'email_normalized',
            'birthday',
            'retail_occasion_date_ids',
            'activity_ids',
            'message_follower_ids',
        ):
            for partner in zoe + self.flat:
                with self.subTest(field=name, partner=partner.id):
                    self.assertFalse(partner[name])
        self.assertFalse((zoe + self.flat).filtered('active'))
        self.assertEqual(zoe.retail_anonymised_on, fields.Date.context_today(zoe))
        self.assertTrue(zoe.country_id, 'kept for taxes and statistics')
        attached = [('res_model', '=', 'res.partner'), ('res_id', '=', zoe.id)]
        self.assertFalse(
            self.env['ir.attachment'].search(
                [*attached, ('res_field', 'in', (False, 'image_1920'))]
            )
        )
        banks = self.env['res.partner.bank'].with_context(active_test=False)
        [bank] = banks.search([('partner_id', '=', zoe.id)])
        self.assertEqual((bank.acc_number, bank.active), (f'anonymous-{bank.id}', False))

    def test_personal_fields_are_complete(self):
        """Each entered field of ours is emptied or kept on purpose: a new one cannot be forgotten (S-SEC-07)."""
        names = set(self.zoe._retail_personal_fields())
        entered = {
            name
            for name, field in self.zoe._fields.items()
            if name.startswith('retail_') and field.store and not field.compute
        }
        self.assertEqual(
            entered - names,
            {'retail_anonymised_on', 'retail_snoozed_until'}
            | {name for name in entered if self.zoe._fields[name].type == 'one2many'},
        )

    def test_totals_stay(self):
        """Purchases, figures, orders, invoices and the number of customers are what they were (S-SEC-07)."""
        before = self._totals()
        self._anonymise(self.zoe)
        self.assertEqual(self._totals()[:-2], before[:-2])
        self.assertEqual(self._totals()[-1], before[-1])
        self.assertEqual(self._profile_of(self.zoe).spend_total, 120.0)
        self._process()
        self.env['retail.profile']._refresh()
        self.assertEqual(self._totals()[:-2], before[:-2])
        self.assertEqual(self._profile_of(self.zoe).spend_total, 120.0)
        # derived anew from the documents
        self._purchase_of(self.order)._sync(self.env['retail.purchase']._documents_of(self.zoe))
        self.assertEqual(self._totals()[:-2], before[:-2])
        self.assertEqual(self.order.partner_id, self.zoe)

    def test_others_are_untouched(self):
        """Other customers keep what they have, also the company whose contact was anonymised (S-SEC-07)."""
        self.acme.write({'street': 'Main Street', 'city': 'Town', 'vat': 'BE0477472701'})
        self.ann.write({'email': 'ann@acme.com', 'type': 'contact'})
        self.assertEqual(self.ann.street, 'Main Street')
        before = (self.acme + self.bob).read(['name', 'street', 'city', 'vat', 'active', 'email'])
        self._anonymise(self.ann)
        self.assertEqual(
            (self.acme + self.bob).read(['name', 'street', 'city', 'vat', 'active', 'email']),
            before,
        )
        self.assertFalse(self.ann.street)
        self.assertFalse(self.ann.email)
        self.assertEqual(self.ann.parent_id, self.acme)

    def test_many_at_once(self):
        """Several customers go in one step, and each has its row in the log (S-SEC-06, S-SEC-07)."""
        partners = self.env['res.partner'].create(
            [{'name': f'{WORD} {i}', 'email': f'{WORD}{i}@mail.com'} for i in range(5)]
        )
        before = self.env['retail.access.log'].search([])
        self._anonymise(partners + self.zoe)
        rows = self.env['retail.access.log'].search([]) - before
        self.assertEqual(rows.partner_id, partners + self.zoe)
        # beside them the log says that income and funds were emptied
        rows = rows.filtered(lambda row: row.kind == 'anonymise')
        self.assertEqual(len(rows), 6)
        self.assertEqual(set(rows.mapped('note')), {'Asked by letter'})
        self.assertEqual(rows.user_id, self.officer)
        with self.assertRaises(UserError):
            self._anonymise(partners.browse(range(10**6, 10**6 + 201)))

    def test_twice_is_harmless(self):
        """A customer who was anonymised can be again (S-SEC-07)."""
        self._anonymise(self.zoe)
        self._anonymise(self.zoe)
        self.assertEqual(self.zoe.name, f'Anonymous {self.zoe.id}')

    def test_consents_are_withdrawn_and_kept(self):
        """Nothing is agreed to any more; the evidence of what was stays (S-SEC-07, S-SEC-02)."""
        channel = self.env.ref('retail_crm.retail_channel_phone')
        Consent = self.env['retail.consent']
        for purpose in ('marketing', 'profiling'):
            if not self.env['retail.consent.text']._current(purpose, self.company):
                self.env['retail.consent.text'].create(
                    {'purpose': purpose, 'version': 'anonymise', 'text': '<p>Agree?</p>'}
                )
        Consent._record(
            self.zoe,
            {
                ('marketing', channel): True,
                ('profiling', channel.browse()): True,
                ('service', channel): False,
            },
            'shop',
        )
        given = Consent.search([('partner_id', '=', self.zoe.id)])
        self._anonymise(self.zoe)
        rows = Consent.search([('partner_id', '=', self.zoe.id)])
        self.assertLess(given, rows)
        self.assertEqual(set(rows.filtered('is_current').mapped('state')), {'withdrawn'})
        self.assertFalse(Consent._allowed(self.zoe, 'marketing', channel))
        self.assertEqual(given[0].partner_id, self.zoe)

    def test_account_is_closed(self):
        """The portal account of the customer no longer opens, and its name tells nothing (S-SEC-07)."""
        user = new_test_user(
            self.env, login=f'{WORD}@mail.com', groups='base.group_portal', partner_id=self.zoe.id
        )
        self._anonymise(self.zoe)
        self.assertFalse(user.active)
        self.assertEqual(user.login, f'__anonymous_{user.id}')
        self.assertFalse(self.zoe.active)

    # === REFUSALS ===#

    def _assert_refused(self, partner, text):
        name = partner.name
        with self.assertRaisesRegex(UserError, text):
            self._anonymise(partner)
        self.assertEqual(partner.name, name)

    def test_employees_and_own_companies_stay(self):
        """Employees, the shop's own companies and the public visitor are no customers (S-SEC-07)."""
        self._assert_refused(self.users['user'].partner_id, 'employees')
        self._assert_refused(self.company_2.partner_id, 'company of this shop')
        self._assert_refused(self.env.ref('base.public_partner'), 'employees')
        # an employee among the contacts of a customer, also a former one
        self.users['lead'].partner_id.parent_id = self.zoe
        self._assert_refused(self.zoe, 'employees')

    def test_open_documents_refuse(self):
        """Open quotations, drafts and unpaid invoices first have to be settled (S-SEC-07)."""
        quotation = self._create_order(self.zoe, 10.0, confirm=False)
        self._assert_refused(self.zoe, 'open quotations')
        quotation.state = 'sent'
        self._assert_refused(self.zoe, 'open quotations')
        quotation.action_confirm()
        invoice = quotation._create_invoices()
        self._assert_refused(self.zoe, 'not paid')
        invoice.action_post()
        self._assert_refused(self.zoe, 'not paid')
        self._pay(invoice)
        self._anonymise(self.zoe)
        self.assertEqual(self.zoe.name, f'Anonymous {self.zoe.id}')

    def test_one_obstacle_stops_all(self):
        """When one of several cannot be anonymised, nobody is, and the message names him (S-SEC-07)."""
        self._create_order(self.bob, 10.0, confirm=False)
        with self.assertRaisesRegex(UserError, 'Bob'):
            self._anonymise(self.zoe + self.bob)
        self.assertIn(WORD, self.zoe.name)

    def test_a_reason_is_asked(self):
        """Without a reason nothing happens (S-SEC-06)."""
        for reason in ('', '  ', False):
            with self.assertRaises(UserError):
                self._anonymise(self.zoe, reason)

    # === DIALOG ===#

    def test_dialog(self):
        """The dialog shows what will happen, asks once more and then does it (S-SEC-07)."""
        action = self.zoe.with_user(self.officer).action_retail_anonymise()
        dialog = (
            self.env['retail.anonymise']
            .with_user(self.officer)
            .with_context(**action['context'])
            .create({'reason': 'Letter'})
        )
        self.assertEqual(dialog.partner_ids, self.zoe)
        self.assertEqual((dialog.contact_count, dialog.order_count), (2, 1))
        self.assertFalse(dialog.obstacles)
        with self.assertRaisesRegex(UserError, 'undone'):
            dialog.action_anonymise()
        dialog.is_sure = True
        dialog.action_anonymise()
        self.assertEqual(self.zoe.name, f'Anonymous {self.zoe.id}')
        dialog = self.env['retail.anonymise'].create(
            {'reason': 'x', 'partner_ids': [Command.set(self.company.partner_id.ids)]}
        )
        self.assertIn('company of this shop', dialog.obstacles)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_only_the_officer(self):
        """Managers without the sensitive group, the group alone and all others are refused (S-SEC-07)."""
        dialog = self.env['retail.anonymise'].create(
            {'reason': 'x', 'is_sure': True, 'partner_ids': [Command.set(self.zoe.ids)]}
        )
        for persona, user in self.users.items():
            with self.subTest(persona=persona):
                for model, method, ids in (
                    ('res.partner', 'action_retail_anonymise', self.zoe.ids),
                    ('retail.anonymise', 'action_anonymise', dialog.ids),
                ):
                    with self.assertRaises(AccessError):
                        call_kw(self.env(user=user, su=False)[model], method, [ids], {})
                with self.assertRaises(AccessError):
                    self.zoe.with_user(user)._retail_anonymise('x')
        self.assertIn(WORD, json.dumps(self.zoe.name))
