"""Registration at the counter: one contact in seconds, with consent, and a warning of duplicates."""

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from odoo.addons.retail_crm.tests.test_customer_consent import NOBODY, ConsentCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestRegistration(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref('base.ch')
        cls.store = cls.env['crm.team'].create({'name': 'Shop', 'retail_is_store': True})
        cls.tea = cls.env['retail.preference'].create({'name': 'Green tea', 'kind': 'taste'})

    def _form(self, user='user', **context):
        return Form(self.env(user=self.users[user])['retail.registration'].with_context(**context))

    def _registered(self, form):
        wizard = form.save()
        action = wizard.action_register()
        self.assertEqual(action['res_model'], 'res.partner')
        return self.env['res.partner'].browse(action['res_id'])

    def _contacts(self, name):
        return self.env['res.partner'].search([('name', '=', name)])

    @freeze_time('2026-11-20 10:00:00')
    def test_everything_in_one_form(self):
        """A clerk registers name, contact, birthday, preferences, store, referrer and consents (S-CUS-13)."""
        form = self._form()
        form.name = '  Dora   Müller '
        form.phone = '044 668 18 00'
        form.email = ' Dora.M@Example.COM '
        form.salutation = 'Ms Müller'
        form.birth_day, form.birth_month, form.birth_year = '29', '2', '1992'
        form.preference_ids.add(self.tea)
        form.preferred_channel_id = self.sms
        form.store_id = self.store
        form.referrer_id = self.bob
        form.marketing_channel_ids.add(self.sms)
        form.service_channel_ids.add(self.mail)
        form.profiling = True
        partner = self._registered(form)
        self.assertEqual(partner.name, 'Dora Müller')
        self.assertEqual(partner.phone, '+41 44 668 18 00')
        self.assertEqual(partner.phone_sanitized, '+41446681800')
        self.assertEqual(partner.email, 'dora.m@example.com')
        self.assertEqual(partner.retail_salutation, 'Ms Müller')
        self.assertEqual(str(partner.birthday), '1992-02-29')
        self.assertEqual(partner.retail_preference_ids, self.tea)
        self.assertEqual(partner.retail_preferred_channel_id, self.sms)
        self.assertEqual(partner.retail_referrer_id, self.bob)
        self.assertEqual(str(partner.retail_checked_on), '2026-11-20')
        self.assertTrue(partner.retail_customer)
        touch = self.env['retail.touch'].search([('partner_id', '=', partner.id)])
        self.assertEqual((touch.kind, touch.store_id), ('registration', self.store))
        self.assertEqual((touch.channel_id, touch.user_id), (self.counter, self.users['user']))
        rows = self._rows(partner)
        self.assertEqual(
            {(row.purpose, row.channel_id, row.state, row.source) for row in rows},
            {
                ('marketing', self.sms, 'granted', 'shop'),
                ('service', self.mail, 'granted', 'shop'),
                ('profiling', self.none, 'granted', 'shop'),
            },
        )
        self.assertEqual(rows.user_id, self.users['user'])

    def test_a_name_is_enough(self):
        """Name only: nothing is invented, and what was not asked is no decision (S-CUS-13)."""
        form = self._form()
        form.name = 'Only Name'
        partner = self._registered(form)
        self.assertFalse(partner.phone or partner.email or partner.birthday)
        self.assertFalse(self._rows(partner))

    def test_source_is_the_shop(self):
        """The source defaults to the shop where that source is set up (S-CUS-13)."""
        shop = self.env.ref('retail_crm.utm_source_shop', raise_if_not_found=False)
        form = self._form()
        form.name = 'Sourced'
        self.assertEqual(self._registered(form).retail_source_id, shop or self.env['utm.source'])
        own = self.env['utm.source'].create({'name': 'Fair'})
        form = self._form(default_source_id=own.id)
        form.name = 'Sourced 2'
        self.assertEqual(self._registered(form).retail_source_id, own)

    def test_lunar_birthday(self):
        """A birthday of the lunar calendar without year is taken as it is (S-CUS-13)."""
        form = self._form()
        form.name = 'Li'
        form.birth_day, form.birth_month = '15', '8'
        form.birth_lunar = True
        partner = self._registered(form)
        self.assertEqual(partner.retail_birthday_text, 'lunar month 8, day 15')

    def test_duplicates_are_warned_of(self):
        """While typing, customers with the phone, the e-mail or name and birthday are listed (S-CUS-13)."""
        by_phone, by_mail, by_name = self.env['res.partner'].create(
            [
                {'name': 'Phone Twin', 'phone': '+41 44 668 18 00'},
                {'name': 'Mail Twin', 'email': 'Twin <TWIN@example.com>'},
                {'name': 'Same Name', 'retail_birth_day': 5, 'retail_birth_month': '3'},
            ]
        )
        form = self._form()
        form.name = 'Somebody'
        self.assertFalse(form.duplicate_text)
        form.phone = '(044) 6681800'
        self.assertIn('Phone Twin', form.duplicate_text)
        self.assertIn(f'/odoo/res.partner/{by_phone.id}', form.duplicate_text)
        self.assertIn('same phone number', form.duplicate_text)
        form.phone = '+41 44 668 18 01'
        self.assertFalse(form.duplicate_text)
        form.email = 'twin@EXAMPLE.com'
        self.assertIn(f'/odoo/res.partner/{by_mail.id}', form.duplicate_text)
        form.email = False
        form.name = 'same  name'
        self.assertFalse(form.duplicate_text, 'the name alone is no duplicate')
        form.birth_day, form.birth_month = '5', '3'
        self.assertIn(f'/odoo/res.partner/{by_name.id}', form.duplicate_text)
        self.assertTrue(self._registered(form), 'a warning does not forbid')

    def test_warning_escapes_names(self):
        """A name from outside cannot bring markup into the warning (design 9)."""
        self.env['res.partner'].create({'name': '<script>x</script>', 'phone': '+41446681800'})
        form = self._form()
        form.phone = '+41446681800'
        self.assertNotIn('<script>', form.duplicate_text)
        self.assertIn('&lt;script&gt;', form.duplicate_text)
        form.name = 'Ok'

    def test_warning_keeps_companies_apart(self):
        """Customers whom the clerk may not see are not named (design 7)."""
        self.env['res.partner'].create(
            {'name': 'Far Away', 'phone': '+41446681800', 'company_id': self.company_2.id}
        )
        form = self._form()
        form.phone = '+41446681800'
        self.assertFalse(form.duplicate_text)
        form.name = 'Ok'

    def test_bad_input_is_refused_and_kept(self):
        """Malformed phone or e-mail and impossible birthdays: a clear message, nothing made, nothing lost (issue 4)."""
        tomorrow = fields.Date.add(fields.Date.context_today(self.env.user), days=1)
        for values, message in (
            ({'phone': 'abc'}, 'no phone number'),
            ({'phone': '12'}, 'no phone number'),
            ({'email': 'nobody'}, 'no e-mail address'),
            ({'email': 'a@b@c'}, 'no e-mail address'),
            ({'name': '   '}, 'name'),
            ({'birth_day': '31', 'birth_month': '2'}, 'no day 31'),
            ({'birth_day': '29', 'birth_month': '2', 'birth_year': '1991'}, 'no day 29'),
            ({'birth_day': '3'}, 'a month'),
            ({'birth_day': 'x', 'birth_month': '3'}, 'as numbers'),
            ({'birth_year': '-1'}, 'as numbers'),
            ({'birth_year': '90'}, 'four digits'),
            (
                {
                    'birth_day': str(tomorrow.day),
                    'birth_month': str(tomorrow.month),
                    'birth_year': str(tomorrow.year),
                },
                'future',
            ),
        ):
            with self.subTest(values=values):
                wizard = self.env['retail.registration'].with_user(self.users['user'])
                wizard = wizard.create({'name': 'Bad Input', **values})
                with self.assertRaisesRegex(ValidationError, message), self.cr.savepoint():
                    wizard.action_register()
                self.assertFalse(wizard.partner_id)
                for name, value in values.items():
                    self.assertEqual(wizard[name], value)
        self.assertFalse(self._contacts('Bad Input'))

    def test_consent_without_text(self):
        """Without a text nothing is agreed to, and nobody is registered half (issue 4: bad input)."""
        self.text['marketing'].active = False
        form = self._form()
        form.name = 'Half'
        form.marketing_channel_ids.add(self.sms)
        self.assertIn('There is no text yet', form.text)
        wizard = form.save()
        with self.assertRaisesRegex(UserError, 'no text'), self.cr.savepoint():
            wizard.action_register()
        self.assertFalse(self._contacts('Half'))

    def test_double_submit(self):
        """A second click makes no second customer (issue 4: bad input)."""
        form = self._form()
        form.name = 'Clicked Twice'
        form.profiling = True
        wizard = form.save()
        first = wizard.action_register()['res_id']
        self.assertEqual(wizard.action_register()['res_id'], first)
        wizard.action_register_next()
        self.assertEqual(self._contacts('Clicked Twice').ids, [first])
        self.assertEqual(len(self._rows(self.env['res.partner'].browse(first))), 1)

    def test_next_customer(self):
        """Register & New opens an empty form that keeps the store (S-CUS-13)."""
        form = self._form()
        form.name = 'First In Line'
        form.store_id = self.store
        action = form.save().action_register_next()
        self.assertEqual(action['res_model'], 'retail.registration')
        self.assertTrue(self._contacts('First In Line'))
        following = self._form(**action['context'])
        self.assertEqual(following.store_id, self.store)
        self.assertFalse(following.name)
        following.name = 'Ok'

    def test_own_store_is_proposed(self):
        """Who works in a store registers for it (S-CUS-13)."""
        self.env['crm.team.member'].create(
            {'crm_team_id': self.store.id, 'user_id': self.users['user'].id}
        )
        form = self._form()
        self.assertEqual(form.store_id, self.store)
        form.name = 'Ok'

    def test_sales_people_register(self):
        """Sales people register customers, also where they may not make contacts otherwise (S-CUS-13)."""
        self.assertFalse(self.env(user=self.users['sales'])['res.partner'].has_access('create'))
        form = self._form('sales')
        form.name = 'By Sales'
        form.marketing_channel_ids.add(self.sms)
        partner = self._registered(form)
        self.assertEqual(partner.create_uid, self.users['sales'])
        self.assertEqual(self._rows(partner).user_id, self.users['sales'])

    def test_others_do_not(self):
        """Nobody else registers customers (design 7)."""
        wizard = self.env['retail.registration'].create({'name': 'Refused'})
        for name in ('marketing', *NOBODY):
            with self.subTest(user=name), self.assertRaises(AccessError):
                wizard.with_user(self.users[name]).action_register()
            with self.subTest(user=name), self.assertRaises(AccessError):
                self.env(user=self.users[name])['retail.registration'].create({'name': 'Refused'})
        self.assertFalse(self._contacts('Refused'))

    def test_registered_makes_a_potential_customer(self):
        """Who registered is known to the figures as a potential customer (R-loy, S-CUS-13)."""
        form = self._form()
        form.name = 'Potential'
        form.store_id = self.store
        partner = self._registered(form)
        self._process()
        self.assertEqual(self._profile_of(partner).ladder, 'potential')
