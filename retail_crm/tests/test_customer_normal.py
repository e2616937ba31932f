"""Names, e-mail addresses and telephone numbers in one form when they are written."""

from odoo.tests import Form, tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestNormal(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.germany, cls.china = cls.env.ref('base.de'), cls.env.ref('base.cn')
        cls.Partner = cls.env['res.partner']

    def _create(self, **values):
        return self.Partner.create({'name': 'Somebody', **values})

    def test_names_are_trimmed(self):
        """White space around a name goes, and several spaces become one, full-width ones included (S-CUS-20)."""
        for typed, kept in (
            ('  Ann   Lee ', 'Ann Lee'),
            ('李\u3000小龙\u3000', '李 小龙'),
            ('Ann\tMary\nLee', 'Ann Mary Lee'),
            ("O'Neill-Smith", "O'Neill-Smith"),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(self._create(name=typed).name, kept)

    def test_mail_addresses_are_lower_case(self):
        """E-mail is trimmed and in lower case; names and further addresses beside it survive (S-CUS-20)."""
        for typed, kept in (
            ('  Ann.Lee@Example.COM ', 'ann.lee@example.com'),
            ('A@x.com, B@Y.com', 'a@x.com, b@y.com'),
            ('"Ann Lee" <Ann@Example.com>', '"Ann Lee" <ann@example.com>'),
            # one address is the end, or the beginning, of another
            ('B@x.com, AB@x.com', 'b@x.com, ab@x.com'),
            ('B@x.com, AB@X.com.CN; b@X.com', 'b@x.com, ab@x.com.cn; b@x.com'),
            ('Jürgen@Example.com', 'Jürgen@example.com'),  # whose left part is not ours to change
        ):
            with self.subTest(typed=typed):
                self.assertEqual(self._create(email=typed).email, kept)

    def test_what_is_no_address_stays_as_typed(self):
        """What cannot be understood stays as it is, to be found by the data quality (S-CUS-20)."""
        for typed in ('no mail', 'Ask Again', 'NONE', '   '):
            with self.subTest(typed=typed):
                self.assertEqual(self._create(email=typed).email, typed)
        self.assertEqual(self._create(phone='12', country_id=self.germany.id).phone, '12')
        self.assertEqual(self._create(name='   ').name, '   ')

    def test_phone_by_the_country_of_the_contact(self):
        """A valid number is kept in international form, by the country that is written with it (S-CUS-20)."""
        german = self._create(phone='030 2345678', country_id=self.germany.id)
        self.assertEqual((german.phone, german.phone_sanitized), ('+49 30 2345678', '+49302345678'))
        chinese = self._create(phone='138 0013 8001', country_id=self.china.id)
        self.assertEqual(chinese.phone_sanitized, '+8613800138001')
        self.assertEqual(chinese.phone, '+86 138 0013 8001')

    def test_words_beside_a_number_stay(self):
        """What is typed beside a telephone number is kept: whose it is, a second number, letters (S-CUS-20)."""
        swiss = self.env.ref('base.ch')
        for typed in (
            'Mama 044 668 18 00',
            'Frau Li: +86 138 1234 5678',
            '044 668 18 00 M',
            '1-800-FLOWERS',
            '+41 79 123 45 67; 2',
            '044 668 18 00, 079 123 45 67',
            '044 668 18 00 / 079 123 45 67',
        ):
            with self.subTest(typed=typed):
                self.assertEqual(self._create(phone=typed, country_id=swiss.id).phone, typed)
                with Form(self.Partner) as form:
                    form.name = 'Fay'
                    form.country_id = swiss
                    form.phone = typed
                self.assertEqual(form.record.phone, typed)
        united = self.env.ref('base.us')
        self.assertEqual(
            self._create(phone='1-800-FLOWERS', country_id=united.id).phone, '1-800-FLOWERS'
        )
        for typed in (
            '(044) 668-18.00',
            '044/6681800',
            '０４４ ６６８ １８ ００',
            '0041 44 668 18 00',
            '044–668 18 00',
        ):
            with self.subTest(typed=typed):
                self.assertEqual(
                    self._create(phone=typed, country_id=swiss.id).phone, '+41 44 668 18 00'
                )
        for typed in ('044 668 18 00 ext. 5', '044 668 18 00 x5', '044 668 18 00 #5'):
            with self.subTest(typed=typed):
                self.assertEqual(
                    self._create(phone=typed, country_id=swiss.id).phone, '+41 44 668 18 00 ext. 5'
                )

    def test_phone_by_the_country_of_the_parent_and_the_company(self):
        """Without a country of its own a contact's number is read by that of its company, then of ours (S-CUS-20)."""
        self.acme.country_id = self.germany
        child = self._create(phone='030 2345678', parent_id=self.acme.id)
        self.assertEqual(child.phone_sanitized, '+49302345678')
        self.company_2.country_id = self.china
        bound = self._create(phone='13800138001', company_id=self.company_2.id)
        self.assertEqual(bound.phone, '+86 138 0013 8001')
        self.company.country_id = self.germany
        self.assertEqual(self._create(phone='030 2345678').phone, '+49 30 2345678')

    def test_writing_is_normalised_too(self):
        """A change is normalised by the country that is there, and only what is written changes (S-CUS-20)."""
        self.bob.country_id = self.germany
        self.env.cr.execute(
            "UPDATE res_partner SET email = 'OLD@Example.com' WHERE id = %s", [self.bob.id]
        )
        self.bob.invalidate_recordset()
        self.bob.write({'phone': ' 030/2345678 ', 'name': ' Bob  B. '})
        self.assertEqual((self.bob.phone, self.bob.name), ('+49 30 2345678', 'Bob B.'))
        self.assertEqual(self.bob.email, 'OLD@Example.com')
        self.bob.write({'phone': False, 'email': False})
        self.assertFalse(self.bob.phone or self.bob.email)

    def test_many_contacts_of_several_countries(self):
        """One number written to contacts of several countries is nobody's country's: it stays (S-CUS-20)."""
        contacts = self._create(country_id=self.germany.id) | self._create(country_id=self.china.id)
        contacts.write({'phone': '030 2345678'})
        self.assertEqual(contacts.mapped('phone'), ['030 2345678'] * 2)

    def test_batch_needs_no_query_per_contact(self):
        """A batch with countries, parents and companies costs the same number of queries as a small one (S-CUS-20)."""

        def values(count):
            return [
                {
                    'name': f'Contact {number}',
                    'phone': f'030 23456{number:02}',
                    'country_id': self.germany.id if number % 2 else False,
                    'company_id': self.company.id,
                }
                for number in range(count)
            ]

        def cost(switch, count):
            self.env['ir.config_parameter'].set_param('retail_crm.normalise', switch)
            self.Partner._retail_normalises()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Partner.create(values(count))
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        cost('1', 2)
        self.assertLessEqual(cost('1', 60) - cost('0', 60), 2)

    def test_imports_are_normalised(self):
        """Imported contacts are normalised like typed ones (S-CUS-20)."""
        result = self.Partner.load(
            ['name', 'email', 'phone', 'country_id/.id'],
            [['  Ida   Import ', 'Ida@Example.COM', '030 2345678', str(self.germany.id)]],
        )
        ida = self.Partner.browse(result['ids'])
        self.assertEqual(
            (ida.name, ida.email, ida.phone), ('Ida Import', 'ida@example.com', '+49 30 2345678')
        )

    def test_switched_off(self):
        """The setting switches it off and on again; it is on when nobody said anything (S-CUS-20)."""
        settings = self.env['res.config.settings']
        self.assertTrue(settings.create({}).retail_normalise)
        settings.create({'retail_normalise': False}).execute()
        self.assertFalse(settings.create({}).retail_normalise)
        self.assertEqual(self._create(name=' A  B ', email='A@B.com').name, ' A  B ')
        settings.create({'retail_normalise': True}).execute()
        self.assertEqual(self._create(name=' A  B ').name, 'A B')

    def test_logins_are_untouched(self):
        """A user whose e-mail is put into lower case logs in as before (S-CUS-20)."""
        user = self.env['res.users'].create(
            {'name': ' Una  User ', 'login': 'Una@Example.com', 'email': 'Una@Example.com'}
        )
        self.assertEqual(user.login, 'Una@Example.com')
        self.assertEqual((user.name, user.email), ('Una User', 'una@example.com'))

    def test_form_of_a_contact(self):
        """The form keeps what was normalised, and searching a number in any form finds it (S-CUS-20)."""
        with Form(self.Partner) as form:
            form.name = ' Fay   Form '
            form.country_id = self.germany
            form.phone = '030 2345678'
        fay = self.Partner.search([('name', '=', 'Fay Form')])
        self.assertEqual(fay.phone, '+49 30 2345678')
        self.assertIn(fay, self.Partner.search([('phone_mobile_search', '=', '+49302345678')]))

    def test_extension_of_a_number(self):
        """A number with an extension keeps it, and its normal form is core's (S-CUS-20)."""
        partner = self._create(phone='030 2345678 ext. 12', country_id=self.germany.id)
        self.assertEqual(partner.phone, '+49 30 2345678 ext. 12')
        expected = (
            self.env['res.country']
            .browse()
            .env['base']
            ._phone_format_number(partner.phone, self.germany)
        )
        self.assertEqual(partner.phone_sanitized, expected)
