"""The portal page on which a customer sees and changes his profile and consents."""

from lxml import html

from odoo.exceptions import AccessError
from odoo.http import Request
from odoo.service.model import call_kw
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.test_customer_consent import ConsentCommon

URL = '/my/profile'


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalProfile(ConsentCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.users['portal'].partner_id
        cls.tea, cls.coffee, cls.need = cls.env['retail.preference'].create(
            [
                {'name': 'Green tea', 'kind': 'taste'},
                {'name': 'Coffee', 'kind': 'interest'},
                {'name': 'Wheelchair', 'kind': 'need'},
            ]
        )
        cls.customer.write(
            {
                'retail_remark': 'Secret remark',
                'retail_special_need': 'Secret need',
                'retail_dealing': 'impatient',
                'retail_preference_ids': cls.need.ids,
            }
        )

    def setUp(self):
        super().setUp()
        self.authenticate('retail_portal', 'retail_portal')

    def _key(self, purpose, channel):
        return f'consent-{purpose}-{channel.id or 0}'

    def _page(self, url=URL):
        response = self.url_open(url)
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text)

    def _marks(self):
        """Return the hidden values of a page that is opened now: what is in force and asked."""
        answers = self.consents._answers(self.customer)
        return {f'shown-{self._key(*asked)}': answer.mark for asked, answer in answers.items()}

    def _post(self, url=URL, token=True, **values):
        data = {**self._marks(), **values}
        if token:
            data['csrf_token'] = Request.csrf_token(self)
        return self.url_open(url, data=data)

    def _value(self, page, name):
        [node] = page.xpath(f'//input[@name="{name}" and not(@type="radio")]')
        return node.get('value') or ''

    def test_page_shows_what_is_stored(self):
        """A customer sees his profile, the texts and each decision with its date (S-SEC-13, S-CHN-11)."""
        self.customer.write(
            {
                'retail_salutation': 'Ms Portal',
                'retail_birth_day': 5,
                'retail_birth_month': '3',
                'retail_preferred_channel_id': self.sms.id,
                'retail_preference_ids': (self.tea | self.need).ids,
            }
        )
        self._grant(self.customer)
        self._withdraw(self.customer, 'service', self.mail)
        page = self._page()
        self.assertEqual(self._value(page, 'salutation'), 'Ms Portal')
        self.assertEqual(self._value(page, 'birth_day'), '5')
        self.assertEqual(self._value(page, 'birth_year'), '')
        chosen = page.xpath('//select/option[@selected]/@value')
        self.assertEqual(chosen, ['3', str(self.sms.id)])
        checked = {
            (node.get('name'), node.get('value')) for node in page.xpath('//input[@checked]')
        }
        self.assertEqual(
            checked,
            {
                ('preferences', str(self.tea.id)),
                (self._key('marketing', self.sms), 'yes'),
                (self._key('service', self.mail), 'no'),
            },
        )
        text = page.text_content()
        for purpose in ('service', 'marketing', 'profiling'):
            self.assertIn(f'{purpose} text', text)
        self.assertEqual(text.count('Decided on'), 2)
        self.assertTrue(page.xpath('//a[@href="/my/account"]'))

    def test_internal_matters_never_appear(self):
        """Remarks, special needs, classes and scores stay inside (L17, S-SEC-13)."""
        self._create_order(self.customer, 10)
        self._process()
        text = self.url_open(URL).text
        for secret in ('Secret remark', 'Secret need', 'impatient', 'Wheelchair', 'prospect'):
            self.assertNotIn(secret, text)

    def test_save(self):
        """What a customer enters lands on his contact with source and time (S-CUS-14, S-SEC-13, S-SYS-11)."""
        response = self._post(
            salutation=' Dr Li ',
            birth_day='15',
            birth_month='8',
            birth_year='',
            birth_lunar='1',
            channel=str(self.mail.id),
            preferences=[str(self.tea.id), str(self.coffee.id)],
            **{
                self._key('marketing', self.sms): 'yes',
                self._key('service', self.mail): 'no',
                self._key('profiling', self.none): 'yes',
            },
        )
        self.assertIn('your profile is saved', response.text)
        self.env.invalidate_all()
        partner = self.customer
        self.assertEqual(partner.retail_salutation, 'Dr Li')
        self.assertEqual(partner.retail_birthday_text, 'lunar month 8, day 15')
        self.assertEqual(partner.retail_preferred_channel_id, self.mail)
        self.assertEqual(partner.retail_preference_ids, self.tea | self.coffee | self.need)
        self.assertTrue(partner.retail_checked_on)
        rows = self._rows(partner)
        self.assertEqual(
            {(row.purpose, row.channel_id, row.state) for row in rows},
            {
                ('marketing', self.sms, 'granted'),
                ('service', self.mail, 'withdrawn'),
                ('profiling', self.none, 'granted'),
            },
        )
        self.assertEqual(set(rows.mapped('source')), {'portal'})
        self.assertEqual(rows.user_id, self.users['portal'])
        self.assertEqual(partner.retail_remark, 'Secret remark')

    def test_first_save_is_the_registration(self):
        """The first save registers the customer, once, with the source web where it is empty (S-CUS-14)."""
        self._post(salutation='One')
        self._post(salutation='Two')
        touches = self.env['retail.touch'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual(touches.mapped('kind'), ['registration'])
        self.assertEqual(touches.channel_id, self.env.ref('retail_crm.retail_channel_web'))
        self.assertFalse(touches.user_id)
        self.env.invalidate_all()
        self.assertEqual(self.customer.retail_salutation, 'Two')
        web = self.env.ref('retail_crm.utm_source_web', raise_if_not_found=False)
        self.assertEqual(self.customer.retail_source_id, web or self.env['utm.source'])

    def test_nothing_ticked_is_no_decision(self):
        """Who saves without answering has decided nothing; unticking interests removes them (S-SEC-02)."""
        self.customer.retail_preference_ids = self.tea | self.need
        self._post(salutation='')
        self.env.invalidate_all()
        self.assertFalse(self._rows(self.customer))
        self.assertEqual(self.customer.retail_preference_ids, self.need)

    def _new_text(self, purpose='marketing'):
        return self.texts.create(
            {'purpose': purpose, 'version': 'test-2', 'text': 'new', 'date_from': '2021-01-01'}
        )

    def _shown(self, page):
        """Return what a browser posts of the consents on a page where nothing is touched."""
        nodes = page.xpath('//form[@action="/my/profile"]//input[@type="hidden" or @checked]')
        return {
            node.get('name'): node.get('value')
            for node in nodes
            if node.get('name') not in ('csrf_token', 'preferences')
        }

    def test_page_has_its_marks(self):
        """The page posts what it showed (S-SEC-02)."""
        self._grant(self.customer)
        key = self._key('marketing', self.sms)
        self.assertEqual(self._shown(self._page()), {**self._marks(), key: 'yes'})

    def test_stale_page_grants_nothing(self):
        """Who withdrew meanwhile is not granted again by an old page, but asked (S-SEC-02)."""
        self._grant(self.customer)
        page = self._shown(self._page())
        withdrawn = self._withdraw(self.customer)
        response = self._post(salutation='Late', **page)
        self.assertIn('In the meantime', response.text)
        self.env.invalidate_all()
        self.assertEqual(self._rows(self.customer, is_current=True), withdrawn)
        self.assertFalse(self.customer.retail_salutation, 'all or nothing')
        # the page that came back shows what is in force, and saving it as it is changes nothing
        again = self._shown(html.fromstring(response.text))
        self.assertEqual(again[self._key('marketing', self.sms)], 'no')
        self._post(salutation='Late', **again)
        self.env.invalidate_all()
        self.assertEqual(self._rows(self.customer, is_current=True), withdrawn)
        self.assertEqual(self.customer.retail_salutation, 'Late')

    def test_new_text_is_asked_again(self):
        """Who agreed to an earlier text does not agree to a new one by saving something else (S-SEC-02)."""
        granted = self._grant(self.customer)
        self._new_text()
        page = self._page()
        key = self._key('marketing', self.sms)
        self.assertNotIn(key, self._shown(page))
        self.assertIn('The text has changed since then', page.text_content())
        self._post(birth_day='5', birth_month='3', **self._shown(page))
        self.assertEqual(self._rows(self.customer), granted)
        self._post(**{**self._shown(page), key: 'yes'})
        row = self._rows(self.customer, is_current=True)
        self.assertEqual(row.text_id.version, 'test-2')
        self.assertNotIn('The text has changed', self._page().text_content())

    def test_text_that_changed_while_the_page_was_open(self):
        """An answer to a text that is no longer asked is not recorded (S-SEC-02)."""
        page = self._shown(self._page())
        self._new_text()
        response = self._post(**{**page, self._key('marketing', self.sms): 'yes'})
        self.assertIn('In the meantime', response.text)
        self.assertFalse(self._rows(self.customer))
        marks = {name: '' for name in page}
        self._post(**{**marks, self._key('marketing', self.sms): 'yes'})
        self.assertFalse(self._rows(self.customer), 'a form made up')

    def test_withdraw_all(self):
        """One click withdraws everything, at once (S-SEC-12, S-SEC-13)."""
        self._grant(self.customer)
        self._grant(self.customer, 'profiling', self.none)
        response = self._post(f'{URL}/withdraw')
        self.assertIn('All consents are withdrawn', response.text)
        current = self._rows(self.customer, is_current=True)
        self.assertEqual(set(current.mapped('state')), {'withdrawn'})
        self.assertEqual(len(current), len(self.consents._questions()))
        self.assertFalse(self.consents._allowed(self.customer, 'marketing', self.sms))
        count = len(self._rows(self.customer))
        self._post(f'{URL}/withdraw')
        self.assertEqual(len(self._rows(self.customer)), count)

    def test_bad_input_is_told_and_kept(self):
        """Impossible input is refused with a clear message; what was typed stays, nothing is stored (issue 4)."""
        for values, message in (
            ({'birth_day': '31', 'birth_month': '2'}, 'no day 31'),
            ({'birth_day': '1', 'birth_month': '1', 'birth_year': '2999'}, 'future'),
            ({'birth_day': 'x', 'birth_month': '1'}, 'as numbers'),
            ({'birth_day': '-5', 'birth_month': '1'}, 'as numbers'),
            ({'birth_day': '5', 'birth_month': '13'}, 'no such month'),
            ({'birth_day': '5'}, 'month and a day'),
            ({'birth_day': '5', 'birth_month': '3', 'birth_year': '85'}, 'four digits'),
            ({'channel': '999999'}, 'one of the channels'),
            ({'salutation': 'x' * 65}, 'below 64'),
        ):
            with self.subTest(values=values):
                data = {
                    'salutation': 'Typed',
                    'preferences': str(self.tea.id),
                    self._key('marketing', self.sms): 'yes',
                    **values,
                }
                response = self._post(**data)
                self.assertIn(message, response.text)
                page = html.fromstring(response.text)
                self.assertEqual(self._value(page, 'salutation'), data['salutation'])
                self.assertEqual(self._value(page, 'birth_day'), data.get('birth_day', ''))
                self.assertEqual(len(page.xpath('//input[@checked]')), 2)
                self.env.invalidate_all()
                self.assertFalse(self.customer.retail_salutation)
                self.assertFalse(self.customer.retail_checked_on)
                self.assertFalse(self._rows(self.customer))

    def test_without_text(self):
        """Where there is no text a customer can only refuse, also by a form made up (issue 4: bad input)."""
        self.text['marketing'].active = False
        key = self._key('marketing', self.sms)
        page = self._page()
        self.assertEqual(page.xpath(f'//input[@name="{key}"]/@value'), ['no'])
        response = self._post(salutation='Typed', **{key: 'yes'})
        self.assertIn('no text yet', response.text)
        self.assertFalse(self._rows(self.customer))
        self._post(**{key: 'no'})
        self.assertEqual(self._rows(self.customer).state, 'withdrawn')

    def test_only_his_own_contact(self):
        """Whatever the form says, only the signed-in customer's contact changes (design 7)."""
        self._post(
            salutation='Mine', partner_id=str(self.bob.id), id=str(self.bob.id), retail_remark='x'
        )
        self.env.invalidate_all()
        self.assertFalse(self.bob.retail_salutation)
        self.assertEqual(self.customer.retail_salutation, 'Mine')
        self.assertEqual(self.customer.retail_remark, 'Secret remark')
        self._post(preferences=str(self.need.id))
        self._post(preferences=['nonsense', '٣', '999999999999999999'])
        self.env.invalidate_all()
        self.assertEqual(self.customer.retail_preference_ids, self.need)

    def test_typed_text_is_escaped(self):
        """What a customer types comes back as text (design 9)."""
        page = self._post(salutation='"><script>alert(1)</script>').text
        self.assertNotIn('<script>alert(1)', page)

    @mute_logger('odoo.http')
    def test_without_token(self):
        """A form from another site is refused (design 7)."""
        for url in (URL, f'{URL}/withdraw'):
            response = self._post(url, token=False, salutation='Forged')
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self.customer.retail_salutation)
        self.assertFalse(self._rows(self.customer))

    @mute_logger('odoo.http')
    def test_withdrawing_by_link_does_nothing(self):
        """A link alone withdraws nothing: a mail scanner opens links (design 9)."""
        response = self.url_open(f'{URL}/withdraw')
        self.assertIn(response.status_code, (404, 405))
        self.assertFalse(self._rows(self.customer))

    def test_signed_in_only(self):
        """A visitor is asked to sign in (S-SEC-11)."""
        self.authenticate(None, None)
        response = self.url_open(URL, allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        self.assertIn('/web/login', response.headers['Location'])

    def test_block_off(self):
        """With the portal switched off the page, its entry and the invitation are gone (design 4.4)."""
        home = self.url_open('/my/home').text
        self.assertIn('href="/my/profile"', home)
        self.assertIn('Complete my profile', home)
        group = self.env.ref('retail_crm.group_block_portal')
        for users in ('base.group_portal', 'base.group_user'):
            self.env.ref(users)._remove_group(group)
        self.env.flush_all()
        with mute_logger('odoo.http'):
            self.assertEqual(self.url_open(URL).status_code, 404)
            self.assertEqual(self._post(salutation='x').status_code, 404)
            self.assertEqual(self._post(f'{URL}/withdraw').status_code, 404)
        self.assertFalse(self._rows(self.customer))
        home = self.url_open('/my/home').text
        self.assertNotIn('/my/profile', home)
        self.assertNotIn('Complete my profile', home)

    def test_invitation_until_saved(self):
        """The portal home invites to the profile until the customer confirmed it (S-CUS-14)."""
        self.assertIn('Complete my profile', self.url_open('/my/home').text)
        self._post(salutation='Done')
        home = self.url_open('/my/home').text
        self.assertNotIn('Complete my profile', home)
        self.assertIn('href="/my/profile"', home)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_customers_reach_no_model(self):
        """A portal user reads neither consents nor texts nor his own file by RPC (design 7)."""
        row = self._grant(self.customer)
        env = self.env(user=self.users['portal'], su=False)
        for model, ids in (
            ('retail.consent', row.ids),
            ('retail.consent.text', self.text['marketing'].ids),
        ):
            for method, args in (('read', [ids]), ('search_read', [[]])):
                with self.subTest(model=model, method=method), self.assertRaises(AccessError):
                    call_kw(env[model], method, args, {})
        for name in ('retail_remark', 'retail_consent_text', 'retail_marketing_consent'):
            with self.subTest(field=name), self.assertRaises(AccessError):
                call_kw(env['res.partner'], 'read', [self.customer.ids, [name]], {})
