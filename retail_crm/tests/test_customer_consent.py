"""Consents: recorded once and for all, asked before contacting, shown where staff contact."""

from datetime import date, datetime, timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged
from odoo.tests.common import warmup
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

NOBODY = ('internal', 'portal', 'complaint', 'sensitive')


class ConsentCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.consents = cls.env['retail.consent']
        cls.texts = cls.env['retail.consent.text']
        ref = cls.env.ref
        cls.sms = ref('retail_crm.retail_channel_sms')
        cls.mail = ref('retail_crm.retail_channel_email')
        cls.phone = ref('retail_crm.retail_channel_phone')
        cls.wechat = ref('retail_crm.retail_channel_wechat')
        cls.counter = ref('retail_crm.retail_channel_counter')
        cls.none = cls.env['retail.channel']
        cls.texts.search([]).active = False
        cls.text = {
            purpose: cls.texts.create(
                {
                    'purpose': purpose,
                    'version': 'test-1',
                    'text': f'<p>{purpose} text</p>',
                    'date_from': '2020-01-01',
                }
            )
            for purpose in ('service', 'marketing', 'profiling')
        }

    @classmethod
    def _grant(cls, partner, purpose='marketing', channel=None, **more):
        return cls._decide(partner, True, purpose, channel, **more)

    @classmethod
    def _withdraw(cls, partner, purpose='marketing', channel=None, **more):
        return cls._decide(partner, False, purpose, channel, **more)

    @classmethod
    def _decide(cls, partner, granted, purpose, channel, **more):
        channel = cls.sms if channel is None else channel
        return cls.consents._record(partner, {(purpose, channel): granted}, 'shop', **more)

    def _rows(self, partner, **where):
        domain = [('partner_id', '=', partner.id), *((k, '=', v) for k, v in where.items())]
        return self.consents.search(domain)


@tagged('post_install', '-at_install', 'retail_crm')
class TestRecord(ConsentCommon):
    @freeze_time('2026-11-20 10:00:00')
    def test_a_consent_says_everything(self):
        """A consent has purpose, channel, date, source and the text that was in force (S-SEC-02)."""
        row = self._grant(self.bob, note='at the till')
        self.assertEqual(row.partner_id, self.bob)
        self.assertEqual(row.company_id, self.company)
        self.assertEqual((row.purpose, row.state, row.source), ('marketing', 'granted', 'shop'))
        self.assertEqual(row.channel_id, self.sms)
        self.assertEqual(row.text_id, self.text['marketing'])
        self.assertEqual(row.date, datetime(2026, 11, 20, 10))
        self.assertEqual(row.note, 'at the till')
        self.assertEqual(row.user_id, self.env.user)
        self.assertTrue(row.is_current)

    def test_withdrawal_is_a_further_row(self):
        """Withdrawing keeps the consent as evidence and comes into force at once (S-SEC-02)."""
        granted = self._grant(self.bob)
        withdrawn = self._withdraw(self.bob)
        self.assertEqual(granted.state, 'granted')
        self.assertFalse(granted.is_current)
        self.assertTrue(withdrawn.is_current)
        self.assertEqual(self._rows(self.bob, is_current=True), withdrawn)
        self.assertEqual(len(self._rows(self.bob)), 2)

    def test_the_same_decision_is_recorded_once(self):
        """Saying the same again adds no row; agreeing to a new text does (S-SEC-02)."""
        self._grant(self.bob)
        self.assertFalse(self._grant(self.bob))
        self.texts.create(
            {
                'purpose': 'marketing',
                'version': 'test-2',
                'text': 'new',
                'date_from': '2021-01-01',
            }
        )
        row = self._grant(self.bob)
        self.assertEqual(row.text_id.version, 'test-2')
        self._withdraw(self.bob)
        self.assertFalse(self._withdraw(self.bob))
        self.assertEqual(len(self._rows(self.bob)), 3)

    def test_a_late_paper_does_not_come_into_force(self):
        """A decision that was taken before the one in force is kept and changes nothing (S-SEC-02)."""
        with freeze_time('2026-11-20 10:00:00'):
            withdrawn = self._withdraw(self.bob)
        late = self._grant(self.bob, date=datetime(2026, 11, 1))
        self.assertFalse(late.is_current)
        self.assertTrue(withdrawn.is_current)
        self.assertFalse(self.consents._allowed(self.bob, 'marketing', self.sms))
        newer = self._grant(self.bob, date=datetime(2026, 11, 21))
        self.assertEqual(self._rows(self.bob, is_current=True), newer)

    def test_no_consent_without_text(self):
        """Nobody agrees to nothing: a clear error, and no row; refusing needs no text (issue 4: bad input)."""
        self.text['marketing'].active = False
        with self.assertRaisesRegex(UserError, 'no text'):
            self._grant(self.bob)
        self.assertFalse(self._rows(self.bob))
        self.assertTrue(self._withdraw(self.bob))

    @mute_logger('odoo.sql_db')
    def test_no_consent_without_text_in_the_database(self):
        """The database itself refuses a consent without text (S-SEC-02)."""
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.consents.create(
                {
                    'partner_id': self.bob.id,
                    'company_id': self.company.id,
                    'purpose': 'profiling',
                    'state': 'granted',
                    'source': 'shop',
                }
            )

    def test_channel_and_purpose_belong_together(self):
        """Marketing and service are agreed to by channel, profiling at all (S-SEC-02)."""
        for purpose, channel in (
            ('marketing', self.none),
            ('service', self.none),
            ('profiling', self.sms),
        ):
            with self.subTest(purpose=purpose), self.assertRaises(UserError):
                self._grant(self.bob, purpose, channel)
        self.assertTrue(self._grant(self.bob, 'profiling', self.none))

    def test_all_or_nothing(self):
        """Of several decisions at once none is recorded when one cannot be (issue 4: nothing half-done)."""
        decisions = {('marketing', self.sms): True, ('marketing', self.none): True}
        with self.assertRaises(UserError), self.cr.savepoint():
            self.consents._record(self.bob, decisions, 'shop')
        self.assertFalse(self._rows(self.bob))

    def test_companies_are_apart_and_branches_are_not(self):
        """A consent holds for the company and its branches, not for another company (S-SEC-02, design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        row = self._grant(self.bob, company=branch)
        self.assertEqual(row.company_id, self.company)
        for company, allowed in ((self.company, self.bob), (branch, self.bob)):
            self.assertEqual(
                self.consents._allowed(self.bob, 'marketing', self.sms, company), allowed
            )
        self.assertFalse(self.consents._allowed(self.bob, 'marketing', self.sms, self.company_2))
        self._withdraw(self.bob, company=self.company_2)
        self.assertTrue(row.is_current)

    def test_decisions_are_announced(self):
        """Each new decision is a moment, one that changes nothing is not (design 3)."""
        row = self._grant(self.bob)
        self._grant(self.bob)
        moments = self.moments.search(
            [('kind', '=', 'consent_changed'), ('res_model', '=', 'retail.consent')]
        ).filtered(lambda moment: moment.partner_id == self.bob)
        self.assertEqual(moments.mapped('res_id'), row.ids)

    def test_two_decisions_at_the_same_time(self):
        """Who records the same decision as somebody else is repeated by Odoo, and none is lost (S-SEC-02).

        The second transaction does not see the first's row: it finds it by the unique key only.
        """
        self._grant(self.bob)
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(ConcurrencyError),
            self.cr.savepoint(),
        ):
            rows = [
                {
                    'partner_id': self.bob.id,
                    'company_id': self.company.id,
                    'purpose': 'marketing',
                    'channel_id': self.sms.id,
                    'state': 'withdrawn',
                    'source': 'phone',
                    'is_current': True,
                }
            ]
            self.consents._insert(rows, self.consents)
        # repeated with a look at what is there now
        last = self._withdraw(self.bob)
        self.assertEqual(self._rows(self.bob, is_current=True), last)
        self.assertEqual(len(self._rows(self.bob)), 2)


@tagged('post_install', '-at_install', 'retail_crm')
class TestAppendOnly(ConsentCommon):
    def _rpc(self, user, method, *args):
        return call_kw(self.env(user=user, su=False)['retail.consent'], method, list(args), {})

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_nobody_changes_a_decision(self):
        """No persona writes, deletes, creates or imports a consent (S-SEC-02: append-only)."""
        row = self._grant(self.bob)
        values = {
            'partner_id': self.bob.id,
            'company_id': self.company.id,
            'purpose': 'profiling',
            'state': 'withdrawn',
            'source': 'shop',
        }
        admin = self.env.ref('base.user_admin')
        for user in (*self.users.values(), admin):
            for method, args in (
                ('write', (row.ids, {'state': 'withdrawn'})),
                ('unlink', (row.ids,)),
                ('create', ([values],)),
                ('copy', (row.ids,)),
            ):
                with self.subTest(user=user.login, method=method):
                    with self.assertRaises(AccessError), self.cr.savepoint():
                        self._rpc(user, method, *args)
            with self.subTest(user=user.login, method='load'):
                self.assertFalse(self._load(user))
        self.assertEqual(self._rows(self.bob), row)
        self.assertEqual(row.state, 'granted')

    def _load(self, user):
        """Import a row as a user and return the ids of what came of it."""
        names = ['partner_id/.id', 'company_id/.id', 'purpose', 'state', 'source']
        data = [[str(self.bob.id), str(self.company.id), 'profiling', 'withdrawn', 'shop']]
        try:
            with self.cr.savepoint():
                return self._rpc(user, 'load', names, data).get('ids')
        except AccessError:
            return False

    def test_the_system_does_not_either(self):
        """Not even the system rewrites or deletes a decision by the ORM (S-SEC-02)."""
        row = self._grant(self.bob)
        for write in (
            lambda: row.sudo().write({'state': 'withdrawn'}),
            lambda: row.sudo().write({'is_current': False}),
            lambda: row.sudo().write({'partner_id': self.ann.id}),
        ):
            with self.assertRaises(UserError):
                write()
        with self.assertRaises(UserError):
            row.sudo().unlink()
        self.assertTrue(row.exists())

    def test_a_customer_with_consents_is_not_deleted(self):
        """Evidence keeps its customer (S-SEC-02)."""
        self._withdraw(self.bob)
        with self.assertRaises(UserError):
            self.bob.unlink()

    def test_privacy_look_up_finds_consents(self):
        """The privacy look-up lists the consents of a person (R-loy D.2-16)."""
        self.bob.email = 'bob.lookup@example.com'
        row = self._grant(self.bob)
        self.env.flush_all()
        wizard = self.env['privacy.lookup.wizard'].create(
            {'name': self.bob.name, 'email': 'bob.lookup@example.com'}
        )
        wizard.action_lookup()
        found = wizard.line_ids.filtered(lambda line: line.res_model == 'retail.consent')
        self.assertIn(row.id, found.mapped('res_id'))


@tagged('post_install', '-at_install', 'retail_crm')
class TestText(ConsentCommon):
    def test_a_text_in_use_is_frozen(self):
        """What somebody agreed to is never changed or deleted; a new version is made (S-SEC-02)."""
        text = self.text['marketing'].with_user(self.users['manager'])
        text.write({'text': '<p>better</p>', 'version': 'test-1b'})
        self._grant(self.bob)
        for vals in (
            {'text': 'worse'},
            {'version': 'x'},
            {'purpose': 'service'},
            {'company_id': self.company.id},
            {'date_from': '2020-01-02'},
            {'date_from': date(2030, 1, 1)},
        ):
            with self.subTest(vals=vals), self.assertRaisesRegex(UserError, 'new version'):
                text.write(vals)
        text.write({'date_from': '2020-01-01'})  # as it is
        with self.assertRaises(UserError):
            text.unlink()
        with self.assertRaises(UserError):
            text.update_field_translations('text', {'en_US': {'better': 'worse'}})
        text.active = False
        self.assertIn('better', text.text)

    def test_a_language_may_be_added(self):
        """A text in use may get a further language, but a language that was read is not changed (S-SEC-02)."""
        self.env['res.lang']._activate_lang('fr_FR')
        self._grant(self.bob)
        text = self.text['marketing'].with_user(self.users['manager'])
        text.update_field_translations('text', {'fr_FR': {'marketing text': 'texte'}})
        self.assertIn('texte', text.with_context(lang='fr_FR').text)
        with self.assertRaises(UserError):
            text.update_field_translations('text', {'fr_FR': {'marketing text': 'autre'}})

    def test_which_text_is_in_force(self):
        """The last version that is valid today, the company's own before that of all (S-SEC-02)."""
        today = fields.Date.context_today(self.texts)

        def make(version, day, company=False):
            return self.texts.create(
                {
                    'purpose': 'service',
                    'version': version,
                    'text': version,
                    'date_from': day,
                    'company_id': company and company.id,
                }
            )

        newer = make('test-2', today - timedelta(days=10))
        coming = make('test-3', today + timedelta(days=1))
        self.assertEqual(self.texts._current('service', self.company), newer)
        self.assertEqual(self.texts._current('service', self.company, coming.date_from), coming)
        own = make('test-own', date(2020, 1, 1), self.company)
        self.assertEqual(self.texts._current('service', self.company), own)
        self.assertEqual(self.texts._current('service', self.company_2), newer)
        self.assertFalse(self.texts._current('service', self.company, date(2019, 1, 1)))

    def test_shipped_texts(self):
        """One text per purpose is shipped, without promises of ours about law in it (issue 4)."""
        for purpose in ('service', 'marketing', 'profiling'):
            text = self.env.ref(f'retail_crm.retail_consent_text_{purpose}')
            self.assertEqual((text.purpose, text.version), (purpose, '2026-11'))
            self.assertTrue(text.text)
            self.assertNotIn('counsel', text.text)
        self.assertIn('counsel', self.texts._fields['text'].help)


@tagged('post_install', '-at_install', 'retail_crm')
class TestAllowed(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.yes, cls.no, cls.silent = cls.env['res.partner'].create(
            [{'name': name} for name in ('Yes', 'No', 'Silent')]
        )
        cls.all = cls.yes | cls.no | cls.silent
        for purpose in ('service', 'marketing'):
            cls._grant(cls.yes, purpose)
            cls._withdraw(cls.no, purpose)
        cls._grant(cls.yes, 'profiling', cls.none)
        cls._withdraw(cls.no, 'profiling', cls.none)

    def _allowed(self, *args, **kwargs):
        return self.consents._allowed(self.all, *args, **kwargs)

    def test_marketing_and_profiling_need_consent(self):
        """Marketing and profiling without consent are blocked (S-SEC-02)."""
        self.assertEqual(self._allowed('marketing', self.sms), self.yes)
        self.assertEqual(self._allowed('marketing'), self.yes)
        self.assertEqual(self._allowed('profiling'), self.yes)
        self.assertFalse(self._allowed('marketing', self.mail), 'another channel')

    def test_service_with_and_without_the_setting(self):
        """Service needs a consent where the company says so; else it is allowed unless refused (S-SEC-02)."""
        self.company.retail_service_consent = True
        self.assertEqual(self._allowed('service', self.sms), self.yes)
        self.company.retail_service_consent = False
        self.assertEqual(self._allowed('service', self.sms), self.yes | self.silent)
        self.assertEqual(self._allowed('service', self.mail), self.all)
        self.assertEqual(self._allowed('service'), self.all, 'on another channel than SMS')
        for channel in self.consents._consent_channels():
            self._withdraw(self.no, 'service', channel)
        self.assertEqual(self._allowed('service'), self.yes | self.silent)

    def test_the_setting_is_of_the_main_company(self):
        """Branches follow the setting of their company; another company has its own (S-SEC-02)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.company.retail_service_consent = False
        self.company_2.retail_service_consent = True
        self.assertEqual(self._allowed('service', self.sms, branch), self.yes | self.silent)
        self.assertFalse(self._allowed('service', self.sms, self.company_2))

    def test_the_setting_is_switched_in_the_settings(self):
        """The settings switch whether service contacts need a consent (S-SEC-02)."""
        self.assertTrue(self.company.retail_service_consent, 'the careful default')
        self.env['res.config.settings'].create({'retail_service_consent': False}).execute()
        self.assertFalse(self.company.retail_service_consent)
        self.assertEqual(self._allowed('service', self.sms), self.yes | self.silent)

    def test_withdrawal_acts_at_once(self):
        """A withdrawal stops contacts from the same moment on (S-SEC-12)."""
        self.assertIn(self.yes, self._allowed('marketing', self.sms))
        self._withdraw(self.yes)
        self.assertNotIn(self.yes, self._allowed('marketing', self.sms))
        self._grant(self.yes)
        self.assertIn(self.yes, self._allowed('marketing', self.sms))

    def test_order_and_empty_set(self):
        """The answer keeps the order of the question; nobody asked, nobody allowed (style 2)."""
        self._grant(self.silent)
        asked = self.silent | self.no | self.yes
        self.assertEqual(
            self.consents._allowed(asked, 'marketing', self.sms).ids, [self.silent.id, self.yes.id]
        )
        self.assertFalse(self.consents._allowed(self.env['res.partner'], 'marketing', self.sms))

    @warmup
    def test_a_thousand_in_one_query(self):
        """A thousand customers are asked about in one query (design 2, rule 2)."""
        many = self.env['res.partner'].create([{'name': f'P{i}'} for i in range(1000)])
        self._grant(many[7])
        self.env.flush_all()
        self.consents._allowed(many[:1], 'marketing', self.sms)
        with self.assertQueryCount(1):
            allowed = self.consents._allowed(many, 'marketing', self.sms)
        self.assertEqual(allowed, many[7])

    def test_whoever_contacts_may_ask(self):
        """The question works for any user in code, also for those who may not read consents (S-SEC-12)."""
        for name in ('portal', 'internal', 'user', 'marketing'):
            env = self.env(user=self.users[name])
            partners = self.all.with_env(env)
            allowed = env['retail.consent']._allowed(partners, 'marketing', self.sms.with_env(env))
            self.assertEqual(allowed.ids, self.yes.ids)
            self.assertEqual(allowed.env.uid, self.users[name].id)

    def test_channels_that_are_asked(self):
        """Consent is asked for channels on which we reach customers of our own accord (S-SEC-02)."""
        channels = self.consents._consent_channels()
        for channel in (self.sms, self.mail, self.phone, self.wechat):
            self.assertIn(channel, channels)
        label = self.env['retail.channel'].create(
            {'name': 'Label', 'code': 'label', 'transport': 'none', 'fallback_sequence': 5}
        )
        asked = self.consents._questions()
        self.assertNotIn(self.counter, channels)
        self.assertNotIn(label, self.consents._consent_channels())
        self.assertEqual(len(asked), 2 * len(channels) + 1)
        self.assertIn(('profiling', self.none), asked)


@tagged('post_install', '-at_install', 'retail_crm')
class TestMergeConsents(ConsentCommon):
    def _merge(self, src, dst):
        self.env['base.partner.merge.automatic.wizard']._merge((src | dst).ids, dst)

    def test_merge_keeps_all_and_the_last_is_in_force(self):
        """Merging keeps every decision; the last of each purpose and channel is in force (design 4.3)."""
        other = self.env['res.partner'].create({'name': 'Bobby'})
        with freeze_time('2026-11-01 10:00:00'):
            self._grant(self.bob)
            self._withdraw(other, 'marketing', self.mail)
        with freeze_time('2026-11-02 10:00:00'):
            last = self._withdraw(other)
            self._grant(other, 'profiling', self.none)
        with freeze_time('2026-11-03 10:00:00'):
            mail = self._grant(self.bob, 'marketing', self.mail)
        rows = self._rows(self.bob) | self._rows(other)
        self._merge(other, self.bob)
        self.assertEqual(self._rows(self.bob), rows.sorted(lambda r: (r.date, r.id), reverse=True))
        self.assertEqual(len(rows), 5)
        self.assertEqual(self._rows(self.bob, is_current=True, purpose='marketing'), mail | last)
        self.assertFalse(self.consents._allowed(self.bob, 'marketing', self.sms))
        self.assertTrue(self.consents._allowed(self.bob, 'marketing', self.mail))
        self.assertTrue(self.consents._allowed(self.bob, 'profiling'))

    def test_merge_prefers_refusal_of_the_same_moment(self):
        """Of two decisions of the same second the refusal holds: nobody is contacted by mistake (S-SEC-12)."""
        other = self.env['res.partner'].create({'name': 'Bobby'})
        with freeze_time('2026-11-01 10:00:00'):
            self._withdraw(self.bob)
            self._grant(other)
        self._merge(other, self.bob)
        self.assertEqual(self._rows(self.bob, is_current=True).state, 'withdrawn')

    def test_merge_keeps_companies_apart(self):
        """Decisions of different companies are both in force after a merge (design 4.2)."""
        other = self.env['res.partner'].create({'name': 'Bobby'})
        self._grant(self.bob)
        self._withdraw(other, company=self.company_2)
        self._merge(other, self.bob)
        self.assertEqual(
            sorted(self._rows(self.bob, is_current=True).mapped('state')), ['granted', 'withdrawn']
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestDialog(ConsentCommon):
    def _form(self, user, partner):
        env = self.env(user=user)
        action = partner.with_env(env).action_retail_record_consents()
        return Form(env[action['res_model']].with_context(**action['context']))

    def _answer(self, form, answers):
        """Fill in the grid: ``{(purpose, channel): answer}``."""
        for index in range(len(form.line_ids)):
            with form.line_ids.edit(index) as line:
                answer = answers.get((line.purpose, line.channel_id))
                if answer:
                    line.decision = answer

    def test_staff_record_what_was_decided(self):
        """Staff and sales people record decisions; only what changed becomes a row (S-SEC-02)."""
        self._grant(self.bob, 'service', self.mail)
        for name in ('user', 'sales'):
            customer = self.env['res.partner'].create({'name': name})
            self._grant(customer, 'service', self.mail)
            form = self._form(self.users[name], customer)
            self.assertIn('marketing text', form.text)
            form.source, form.note = 'phone', 'called'
            self._answer(
                form, {('marketing', self.sms): 'granted', ('service', self.phone): 'withdrawn'}
            )
            form.save().action_save()
            rows = self._rows(customer)
            self.assertEqual(len(rows), 3)
            new = rows.filtered(lambda row: row.source == 'phone')
            self.assertEqual(
                {(row.purpose, row.channel_id, row.state) for row in new},
                {('marketing', self.sms, 'granted'), ('service', self.phone, 'withdrawn')},
            )
            self.assertEqual(new.user_id, self.users[name])
            self.assertEqual(set(new.mapped('note')), {'called'})

    def test_saving_twice_records_once(self):
        """A double click records nothing twice (S-SEC-02)."""
        form = self._form(self.users['user'], self.bob)
        self._answer(form, {('profiling', self.none): 'granted'})
        record = form.save()
        record.action_save()
        record.action_save()
        self.assertEqual(len(self._rows(self.bob)), 1)

    def test_a_stale_dialog_grants_nothing(self):
        """What the customer withdrew while the dialog was open is not granted again, but told (S-SEC-02)."""
        self._grant(self.bob)
        form = self._form(self.users['user'], self.bob)
        self._answer(form, {('profiling', self.none): 'granted'})
        withdrawn = self._withdraw(self.bob)
        with self.assertRaisesRegex(UserError, 'In the meantime.*SMS'):
            form.save().action_save()
        self.assertEqual(self._rows(self.bob, is_current=True), withdrawn)
        # what changed to the same is no contradiction
        self._answer(form, {('marketing', self.sms): 'withdrawn'})
        form.save().action_save()
        self.assertEqual(len(self._rows(self.bob)), 3)

    def test_a_new_text_is_asked_again(self):
        """Who agreed to an earlier text is not taken to agree to the new one: the dialog asks (S-SEC-02)."""
        granted = self._grant(self.bob)
        old = self._form(self.users['user'], self.bob)
        text = self.texts.create(
            {'purpose': 'marketing', 'version': 'test-2', 'text': 'x', 'date_from': '2021-01-01'}
        )
        self._answer(old, {('marketing', self.mail): 'granted'})
        with self.assertRaisesRegex(UserError, 'In the meantime'):
            old.save().action_save()
        form = self._form(self.users['user'], self.bob)
        self._answer(form, {('service', self.phone): 'withdrawn'})
        lines = [form.line_ids.edit(index) for index in range(len(form.line_ids))]
        outdated = [(line.purpose, line.channel_id) for line in lines if line.is_outdated]
        self.assertEqual(outdated, [('marketing', self.sms)])
        record = form.save()
        line = record.line_ids.filtered(
            lambda line: (line.purpose, line.channel_id) == ('marketing', self.sms)
        )
        self.assertEqual(line.decision, 'unknown')
        record.action_save()
        self.assertEqual(self._rows(self.bob, purpose='marketing'), granted)
        line.decision = 'granted'
        record.action_save()
        self.assertEqual(self._rows(self.bob, purpose='marketing', is_current=True).text_id, text)

    def test_a_decision_is_not_unsaid(self):
        """What was decided cannot become "not asked" (S-SEC-02)."""
        self._grant(self.bob)
        form = self._form(self.users['user'], self.bob)
        self._answer(form, {('marketing', self.sms): 'unknown'})
        with self.assertRaisesRegex(UserError, 'SMS'):
            form.save().action_save()

    def test_without_text(self):
        """Without a text nobody can agree, and the dialog says so (issue 4: bad input)."""
        self.text['marketing'].active = False
        form = self._form(self.users['user'], self.bob)
        self.assertIn('There is no text yet', form.text)
        self._answer(form, {('marketing', self.sms): 'granted'})
        with self.assertRaisesRegex(UserError, 'no text'):
            form.save().action_save()
        self.assertFalse(self._rows(self.bob))

    def test_who_may_not(self):
        """Marketing reads consents only; others do not get that far (S-SEC-02)."""
        for name in ('marketing', *NOBODY):
            partner = self.bob.with_user(self.users[name])
            with self.subTest(user=name), self.assertRaises(AccessError):
                partner.action_retail_record_consents()
        history = self.bob.with_user(self.users['marketing']).action_retail_consents()
        self.assertEqual(history['domain'], [('partner_id', '=', self.bob.id)])
        with self.assertRaises(AccessError):
            self.bob.with_user(self.users['internal']).action_retail_consents()

    def _asked(self, user, **values):
        """Return the answers that a new dialog shows, asked as a browser asks."""
        records = self.env['retail.consent.record'].with_user(self.users[user])
        values = {name: record.id for name, record in values.items()}
        spec = {
            **dict.fromkeys(('partner_id', 'company_id'), {}),
            'line_ids': {'fields': {'decision': {}, 'date': {}}},
        }
        answer = call_kw(records, 'onchange', [[], values, list(values), spec], {})
        lines = [command[2] for command in answer['value']['line_ids'] if command[0] == 0]
        return {line['decision'] for line in lines}, any(line['date'] for line in lines)

    def test_a_new_dialog_tells_nothing_of_another_company(self):
        """Whatever customer and company the client names: only decisions that the user may see are shown (design 7)."""
        stranger = self.env['res.partner'].create(
            {'name': 'Stranger', 'company_id': self.company_2.id}
        )
        for partner in (stranger, self.bob):
            for company in (self.company, self.company_2):
                self._withdraw(partner, company=company)
        nothing = ({'unknown'}, False)
        for company in (self.company, self.company_2):
            asked = self._asked('user', partner_id=stranger, company_id=company)
            self.assertEqual(asked, nothing)
        asked = self._asked('user', partner_id=self.bob, company_id=self.company_2)
        self.assertEqual(asked, nothing)
        asked = self._asked('user', partner_id=self.bob, company_id=self.company)
        self.assertEqual(asked, ({'unknown', 'withdrawn'}, True))

    def test_a_record_of_another_company_is_refused(self):
        """Nobody records decisions for a company he does not belong to (design 7)."""
        record = self.env['retail.consent.record'].create(
            {'partner_id': self.bob.id, 'company_id': self.company_2.id}
        )
        with self.assertRaises(AccessError):
            record.with_user(self.users['user']).action_save()


@tagged('post_install', '-at_install', 'retail_crm')
class TestWarnings(ConsentCommon):
    def test_consents_in_words(self):
        """The contact tells what was agreed to, refused and not asked (S-SEC-12)."""
        self.assertEqual(self.bob.retail_consent_text, 'Not asked yet.')
        self.assertFalse(self.bob.retail_contact_warning)
        self._grant(self.bob, 'marketing', self.sms)
        self._grant(self.bob, 'marketing', self.mail)
        self._withdraw(self.bob, 'service', self.phone)
        self.env.invalidate_all()
        text = self.bob.retail_consent_text
        self.assertTrue(
            text.startswith('Marketing: SMS, E-mail. Refused: Service: Phone. Not asked: ')
        )
        self.assertIn('Profiling', text)
        self.assertEqual(self.bob.retail_contact_warning, 'Refused: Service: Phone.')
        self.bob.retail_preferred_channel_id = self.wechat
        self.assertEqual(
            self.bob.retail_contact_warning,
            'Prefers WeChat / WeCom. Refused: Service: Phone.',
        )

    def test_text_follows_within_the_transaction(self):
        """What was just decided shows at once (S-SEC-12)."""
        self.assertFalse(self.bob.retail_contact_warning)
        self._withdraw(self.bob)
        self.assertIn('SMS', self.bob.retail_contact_warning)
        self._grant(self.bob)
        self.assertFalse(self.bob.retail_contact_warning)
        self.assertTrue(self.bob.retail_marketing_consent)

    def test_another_company_has_its_own(self):
        """The line tells of the current company (design 4.2)."""
        self._withdraw(self.bob, company=self.company_2)
        self.assertFalse(self.bob.with_company(self.company).retail_contact_warning)
        self.assertTrue(self.bob.with_company(self.company_2).retail_contact_warning)

    def test_a_new_contact_has_none(self):
        """A contact that is not saved yet shows nothing (style 6: empty cases)."""
        new = self.env['res.partner'].new({'name': 'New'})
        self.assertFalse(new.retail_consent_text)
        self.assertFalse(new.retail_contact_warning)
        self.assertFalse(new.retail_marketing_consent)

    def test_orders_warn(self):
        """The order shows how its customer does not want to be contacted, in its company (S-SEC-12)."""
        order = self._create_order(self.bob, 10, confirm=False)
        self._withdraw(self.bob, company=self.company_2)
        self.assertFalse(order.retail_contact_warning)
        self._withdraw(self.bob, 'service')
        self.env.invalidate_all()
        sales = order.with_user(self.users['user'])
        self.assertEqual(order.retail_contact_warning, 'Refused: Service: SMS.')
        with self.assertRaises(AccessError):
            sales.with_user(self.users['internal']).read(['retail_contact_warning'])

    @warmup
    def test_warnings_of_many_orders_in_one_query(self):
        """The warnings of a list of orders cost one query (design 8)."""
        orders = self.env['sale.order'].concat(
            *(self._create_order(partner, 10, confirm=False) for partner in self.bob | self.acme)
        )
        self.env.flush_all()
        self.env.invalidate_all()
        orders.mapped('partner_id.name')
        orders.mapped('company_id.name')
        orders.company_id.root_id.mapped('name')
        with self.assertQueryCount(1):
            orders.mapped('retail_contact_warning')

    def test_composer_warns(self):
        """Writing to somebody who refused e-mail or prefers another channel is warned of (S-SEC-12, S-CUS-23)."""
        self.ann.retail_preferred_channel_id = self.sms
        self._withdraw(self.bob, 'marketing', self.mail)
        composer = (
            self.env['mail.compose.message']
            .with_user(self.users['user'])
            .create(
                {
                    'composition_mode': 'comment',
                    'model': 'res.partner',
                    'res_ids': self.bob.ids,
                    'partner_ids': [Command.set((self.bob | self.ann | self.acme).ids)],
                }
            )
        )
        text = composer.retail_contact_warning
        self.assertIn('Bob: Refused: Marketing: E-mail.', text)
        self.assertIn('Prefers SMS.', text)
        self.assertEqual(len(text.splitlines()), 2)
        composer.partner_ids = self.acme
        self.assertFalse(composer.retail_contact_warning)

    def test_mass_mail_warns(self):
        """So does a message to a selection of customers (S-SEC-12)."""
        self._withdraw(self.bob, 'marketing', self.mail)
        composer = self.env['mail.compose.message'].create(
            {
                'composition_mode': 'mass_mail',
                'model': 'res.partner',
                'res_ids': (self.bob | self.acme).ids,
            }
        )
        self.assertIn('Bob', composer.retail_contact_warning)

    def test_activities_warn(self):
        """A call that is planned warns of who refused it or prefers another channel (S-SEC-12, S-CUS-23)."""
        call = self.env.ref('mail.mail_activity_data_call')
        todo = self.env.ref('mail.mail_activity_data_todo')
        self._withdraw(self.bob, 'service', self.phone)
        order = self._create_order(self.bob, 10, confirm=False)
        for record in (self.bob, order):
            schedule = self.env['mail.activity.schedule'].with_user(self.users['user'])
            wizard = (
                schedule.sudo()
                .with_context(active_model=record._name, active_ids=record.ids)
                .create({'activity_type_id': call.id, 'activity_user_id': self.users['user'].id})
            )
            self.assertTrue(wizard.has_warning)
            self.assertIn('Refused: Service: Phone.', wizard.warning)
            wizard.activity_type_id = todo
            self.assertFalse(wizard.has_warning)
        activity = self.bob.activity_schedule(
            activity_type_id=call.id, user_id=self.users['user'].id
        )
        self.assertIn('Phone', activity.with_user(self.users['user']).retail_contact_warning)
        self.bob.retail_preferred_channel_id = self.sms
        self.assertIn('Prefers SMS', self.bob._contact_warnings('phone')[self.bob])
        self._grant(self.bob, 'service', self.phone)
        self.assertEqual(self.bob._contact_warnings('phone')[self.bob], 'Prefers SMS.')
        self.assertFalse(self.bob._contact_warnings('sms'))

    @warmup
    def test_warnings_of_many_in_one_query(self):
        """Any number of contacts are looked at in one query (style 2, rule 2)."""
        many = self.env['res.partner'].create([{'name': f'P{i}'} for i in range(100)])
        for partner in many[:10]:
            self._withdraw(partner)
        self.env.flush_all()
        self.env.invalidate_all()
        many.mapped('name')
        self.company.root_id.mapped('name')
        with self.assertQueryCount(1):
            self.assertEqual(len(many._contact_warnings('sms')), 10)


@tagged('post_install', '-at_install', 'retail_crm')
class TestSearch(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Partner = cls.env['res.partner']
        cls.people = Partner.create(
            [{'name': name} for name in ('granted', 'refused', 'silent', 'elsewhere', 'profiled')]
        )
        granted, refused, _silent, elsewhere, profiled = cls.people
        cls._grant(granted)
        cls._withdraw(granted, 'marketing', cls.mail)
        cls._grant(refused)
        cls._withdraw(refused)
        cls._grant(elsewhere, company=cls.company_2)
        cls._grant(profiled, 'profiling', cls.none)

    def _found(self, *domain, user=None):
        partners = self.env(user=user or self.users['user'])['res.partner']
        return set(partners.search([('id', 'in', self.people.ids), *domain]).mapped('name'))

    def test_search_by_consent(self):
        """Marketing consent on any channel in the current company is searchable, and so is its lack (S-SEC-02)."""
        others = {'refused', 'silent', 'elsewhere', 'profiled'}
        for domain, names in (
            (('retail_marketing_consent', '=', True), {'granted'}),
            (('retail_marketing_consent', '!=', False), {'granted'}),
            (('retail_marketing_consent', '=', False), others),
            (('retail_marketing_consent', '!=', True), others),
            (('retail_marketing_consent', 'in', [True, False]), others | {'granted'}),
        ):
            with self.subTest(domain=domain):
                self.assertEqual(self._found(domain), names)
        for partner in self.people:
            self.assertEqual(partner.retail_marketing_consent, partner.name == 'granted')

    def test_group_by_consent(self):
        """Customers are grouped and sorted by their consent (S-SEC-02)."""
        partners = self.env(user=self.users['user'])['res.partner']
        domain = [('id', 'in', self.people.ids)]
        groups = dict(partners._read_group(domain, ['retail_marketing_consent'], ['__count']))
        self.assertEqual(groups, {True: 1, False: 4})
        first = partners.search(domain, order='retail_marketing_consent desc, id', limit=1)
        self.assertEqual(first.name, 'granted')

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_search_is_for_staff(self):
        """Nobody else learns of consents by searching contacts (design 7)."""
        for name in NOBODY:
            with self.subTest(user=name), self.assertRaises(AccessError):
                self._found(('retail_marketing_consent', '=', True), user=self.users[name])
            with self.subTest(user=name), self.assertRaises(AccessError):
                self._found(('retail_consent_ids.state', '=', 'granted'), user=self.users[name])

    def test_branch(self):
        """Staff of a branch search and see the consents given to their company (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        clerk = new_test_user(
            self.env,
            login='retail_consent_branch',
            groups='retail_crm.group_user',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        partners = self.env(user=clerk, context={'allowed_company_ids': branch.ids})['res.partner']
        domain = [('id', 'in', self.people.ids), ('retail_marketing_consent', '=', True)]
        found = partners.search(domain)
        self.assertEqual(found.mapped('name'), ['granted'])
        self.assertTrue(found.retail_marketing_consent)
        self.assertEqual(found.retail_contact_warning, 'Refused: Marketing: E-mail.')

    def test_consents_of_a_customer(self):
        """The contact lists its decisions, the last first (S-SEC-02)."""
        refused = self.people[1].with_user(self.users['marketing'])
        self.assertEqual(refused.retail_consent_ids.mapped('state'), ['withdrawn', 'granted'])
