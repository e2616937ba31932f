"""Contacts with customers that are logged: what becomes of the ladder, defaults, rights, and the dialog."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.retail_crm.models.customer.retail_touch import CONTACT_KINDS, KINDS

from .common import RetailCrmCommon


class TouchCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.touches = cls.env['retail.touch']
        cls.counter, cls.phone, cls.social, cls.sms = (
            cls.env.ref(f'retail_crm.retail_channel_{code}')
            for code in ('counter', 'phone', 'social', 'sms')
        )
        cls.cat, cls.dan = cls.env['res.partner'].create([{'name': 'Cat'}, {'name': 'Dan'}])

    @classmethod
    def _touch(cls, partner, kind='visit', **values):
        return cls.touches.create({'partner_id': partner.id, 'kind': kind, **values})

    def _ladder(self, partner, company=None):
        """Return the ladder of a customer after all listeners have worked."""
        self._process()
        self.profiles.invalidate_model()
        return self._profile_of(partner, company).ladder


@tagged('post_install', '-at_install', 'retail_crm')
class TestTouchLadder(TouchCommon):
    def test_each_kind_has_its_step(self):
        """Who turned to us is a potential purchaser; who was registered, called or written to is potential
        (S-SEG-02, S-SEG-03).
        """
        for kind, _label in KINDS:
            with self.subTest(kind=kind):
                partner = self.env['res.partner'].create({'name': kind})
                self.assertFalse(self._ladder(partner))
                self._touch(partner, kind)
                expected = 'prospect' if kind in CONTACT_KINDS else 'potential'
                self.assertEqual(self._ladder(partner), expected)
        self.assertEqual(
            {kind for kind, _label in KINDS} - set(CONTACT_KINDS),
            {'registration', 'call_out', 'message_out'},
        )

    def test_a_visit_moves_a_registered_customer_up(self):
        """The first visit makes a potential customer a potential purchaser, and the history says why (S-SEG-03)."""
        self._touch(self.cat, 'registration')
        self.assertEqual(self._ladder(self.cat), 'potential')
        self._touch(self.cat)
        self.assertEqual(self._ladder(self.cat), 'prospect')
        change = self.env['retail.profile.change'].search(
            [
                ('partner_id', '=', self.cat.id),
                ('classification', '=', 'ladder'),
                ('old_class', '!=', False),
            ]
        )
        self.assertEqual(
            (change.old_class, change.new_class, change.reason),
            ('ladder.potential', 'ladder.prospect', 'contact'),
        )

    def test_a_preference_alone_makes_a_potential_customer(self):
        """An interest tag is an interest, no contact; without it he is nobody again (S-SEG-02)."""
        tea = self.env['retail.preference'].create({'name': 'Tea of the test'})
        self.cat.retail_preference_ids = tea
        self.assertEqual(self._ladder(self.cat), 'potential')
        self.cat.retail_preference_ids = False
        self.assertFalse(self._ladder(self.cat))

    def test_taking_a_contact_back_takes_the_step_back(self):
        """Deleting a contact, changing its kind or its customer brings the ladder back (design 2: derived)."""
        visit = self._touch(self.cat)
        self.assertEqual(self._ladder(self.cat), 'prospect')
        visit.partner_id = self.dan
        self.assertFalse(self._ladder(self.cat))
        self.assertEqual(self._ladder(self.dan), 'prospect')
        visit.kind = 'registration'
        self.assertEqual(self._ladder(self.dan), 'potential')
        visit.unlink()
        self.assertFalse(self._ladder(self.dan))

    def test_contacts_of_a_company_belong_to_it(self):
        """A visit of an employee of a company makes the company a potential purchaser (design 4.3)."""
        self._touch(self.ann)
        self.assertEqual(self._ladder(self.acme), 'prospect')
        self.assertFalse(self._profile_of(self.ann))

    def test_purchasers_are_not_affected(self):
        """A contact with somebody who bought changes no figure and no class (design 4.3)."""
        self._create_order(self.bob, 100, '2026-01-10')
        self._process()
        before = self._profile_of(self.bob).copy_data()[0]
        self._touch(self.bob)
        self.assertEqual(self._ladder(self.bob), 'purchaser')
        self.assertEqual(self._profile_of(self.bob).copy_data()[0], before)

    def test_some_and_all_give_the_same(self):
        """One customer, some and all of them derive the same ladder from contacts and preferences (design 4.3)."""
        tea = self.env['retail.preference'].create({'name': 'Tea of the test'})
        self._touch(self.cat, 'registration')
        self._touch(self.ann)
        self.dan.retail_preference_ids = tea
        customers = self.cat | self.acme | self.dan
        expected = {self.cat: 'potential', self.acme: 'prospect', self.dan: 'potential'}

        def ladders():
            self.profiles.invalidate_model()
            return {partner: self._profile_of(partner).ladder for partner in customers}

        self._process()
        self.assertEqual(ladders(), expected)
        for partners in (self.cat, customers, None):
            self._profile_of_all(customers).sudo().unlink()
            self.env.flush_all()
            self.profiles._refresh(partners)
            found = ladders()
            for partner in customers if partners is None else partners:
                self.assertEqual(found[partner], expected[partner])

    def _profile_of_all(self, partners):
        return self.profiles.search([('partner_id', 'in', partners.ids)])

    def test_companies_and_branches(self):
        """A contact counts in the main company of where it was logged, and in no other (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self._touch(self.cat, company_id=branch.id)
        self._touch(self.dan, company_id=self.company_2.id)
        self.assertEqual(self._ladder(self.cat), 'prospect')
        self.assertFalse(self._profile_of(self.cat, self.company_2))
        self.assertEqual(self._ladder(self.dan, self.company_2), 'prospect')
        self.assertFalse(self._profile_of(self.dan))

    def test_a_preference_counts_where_the_contact_belongs(self):
        """The preference of a shared contact is an interest everywhere, that of a company's contact there only
        (S-SEG-02, design 4.2).
        """
        tea = self.env['retail.preference'].create({'name': 'Tea of the test'})
        self.cat.retail_preference_ids = tea
        self.dan.write(
            {'company_id': self.company_2.id, 'retail_preference_ids': [Command.set(tea.ids)]}
        )
        self.assertEqual(self._ladder(self.cat), 'potential')
        self.assertEqual(self._ladder(self.cat, self.company_2), 'potential')
        self.assertFalse(self._ladder(self.dan))
        self.assertEqual(self._ladder(self.dan, self.company_2), 'potential')

    def test_suppliers_stay_nobody(self):
        """Somebody who is no customer does not become one by a visit (design 3)."""
        self.cat.retail_customer = False
        self._touch(self.cat)
        self.assertFalse(self._ladder(self.cat))

    def test_many_contacts_cost_no_query_each(self):
        """Logging many contacts announces them together (style 2, rule 2)."""
        values = [{'partner_id': self.cat.id, 'kind': 'visit'}]
        self._touch(self.dan)
        self.env.flush_all()
        counts = []
        for number in (1, 40):
            start = self.cr.sql_log_count
            self.touches.create(values * number)
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - start)
        self.assertLessEqual(counts[1], counts[0] + 2)


@tagged('post_install', '-at_install', 'retail_crm')
class TestTouch(TouchCommon):
    def test_the_channel_follows_the_kind(self):
        """A visit starts at the counter, a call on the telephone, a comment on social media; what was chosen stays
        (S-CHN-01, S-CUS-15).
        """
        for kind, channel in [
            ('visit', self.counter),
            ('call_in', self.phone),
            ('call_out', self.phone),
            ('comment', self.social),
            ('message_in', self.phone.browse()),
        ]:
            with self.subTest(kind=kind):
                self.assertEqual(self._touch(self.cat, kind).channel_id, channel)
        chosen = self._touch(self.cat, 'message_in', channel_id=self.sms.id)
        self.assertEqual(chosen.channel_id, self.sms)
        chosen.kind = 'event'
        self.assertEqual(chosen.channel_id, self.sms)
        chosen.kind = 'visit'
        self.assertEqual(chosen.channel_id, self.counter)
        chosen.kind = 'message_out'
        self.assertFalse(chosen.channel_id, 'not on the counter because it was a visit first')

    def test_without_the_usual_channel(self):
        """A shop that archived a channel logs without it (S-CHN-01)."""
        self.counter.active = False
        self.assertFalse(self._touch(self.cat).channel_id)

    def test_social_media_is_logged_with_its_channel(self):
        """What was seen on social media hangs on the customer and is found by channel (S-CUS-15, S-CUS-02)."""
        fair = self.env['utm.source'].create({'name': 'Fair of the test'})
        seen = self._touch(self.cat, 'comment', note='Loves the tea', source_id=fair.id)
        visit = self._touch(self.cat, 'visit', channel_id=self.social.id)
        found = self.touches.search(
            [('partner_id', '=', self.cat.id), ('channel_id.code', '=', 'social')]
        )
        self.assertEqual(found, seen + visit)
        groups = self.touches._read_group(
            [('partner_id', '=', self.cat.id)], ['source_id'], ['__count']
        )
        self.assertIn((fair, 1), groups)

    def test_the_store_is_the_employees(self):
        """The store starts as the employee's own, when the team is a store of this company (S-CHN-01)."""
        store = self.env['crm.team'].create(
            {'name': 'North', 'retail_is_store': True, 'company_id': False}
        )
        clerk = self.users['user']
        store.member_ids = clerk
        touches = self.touches.with_user(clerk)
        self.assertEqual(touches.create({'partner_id': self.cat.id}).store_id, store)
        clerk.company_ids += self.company_2
        store.company_id = self.company_2
        self.assertFalse(touches.create({'partner_id': self.cat.id}).store_id)
        store.write({'company_id': False, 'retail_is_store': False})
        self.assertFalse(touches.create({'partner_id': self.cat.id}).store_id)

    def test_companies_must_fit(self):
        """A contact is logged neither with a store nor with a customer of another company (design 7)."""
        store = self.env['crm.team'].create(
            {'name': 'South', 'retail_is_store': True, 'company_id': self.company_2.id}
        )
        with self.assertRaises(UserError):
            self._touch(self.cat, store_id=store.id)
        self.dan.company_id = self.company_2
        with self.assertRaises(UserError):
            self._touch(self.dan)
        touch = self._touch(self.dan, company_id=self.company_2.id, store_id=store.id)
        self.assertTrue(touch)

    def test_nothing_is_logged_in_the_future(self):
        """A date in the future is refused with a clear message; a minute of difference is not (bad input)."""
        now = fields.Datetime.now()
        self._touch(self.cat, date=now + timedelta(seconds=30))
        with self.assertRaisesRegex(ValidationError, 'future'):
            self._touch(self.cat, date=now + timedelta(hours=2))

    def test_customers_with_contacts_are_not_deleted(self):
        """A contact that was logged is kept: its customer is archived, not deleted (S-CUS-28)."""
        touch = self._touch(self.cat)
        with self.assertRaises(UserError):
            self.cat.unlink()
        self.cat.action_archive()
        self.assertTrue(touch.exists())

    def test_merged_customers_keep_their_contacts(self):
        """Merging customers brings their contacts together, and the ladder follows (design 4.3)."""
        touch = self._touch(self.cat)
        self._process()
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.cat + self.dan).ids, self.dan)
        self.assertEqual(touch.partner_id, self.dan)
        self.assertEqual(self._ladder(self.dan), 'prospect')

    def test_display_name(self):
        """A contact is named by its kind and customer (S-CHN-02)."""
        self.assertEqual(
            self._touch(self.cat, 'call_in').display_name, 'Call from the customer: Cat'
        )

    def test_a_branch_sees_what_its_main_company_logged(self):
        """Contacts of the main company are seen in its branches, those of others are not (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        clerk = new_test_user(
            self.env,
            login='retail_branch',
            groups='retail_crm.group_user',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        mine, other = self._touch(self.cat), self._touch(self.cat, company_id=self.company_2.id)
        touches = self.env(user=clerk, context={'allowed_company_ids': branch.ids})['retail.touch']
        self.assertEqual(touches.search([('partner_id', '=', self.cat.id)]).ids, mine.ids)
        with self.assertRaises(AccessError):
            touches.browse(other.id).read(['note'])


@tagged('post_install', '-at_install', 'retail_crm')
class TestQuickLog(TouchCommon):
    def test_one_click_logs(self):
        """The dialog of the customer is filled in: saving it logs the visit or the call (issue: quick log)."""
        clerk = self.users['user']
        for method, kind, channel in [
            ('action_retail_log_visit', 'visit', self.counter),
            ('action_retail_log_call', 'call_in', self.phone),
        ]:
            with self.subTest(method=method):
                customer = self.cat.with_user(clerk)
                action = getattr(customer, method)()
                self.assertEqual((action['target'], action['res_model']), ('new', 'retail.touch'))
                view = self.env['ir.ui.view'].browse(action['views'][0][0])
                model = self.touches.with_user(clerk).with_context(**action['context'])
                touch = Form(model, view=view).save()
                self.assertEqual(
                    (touch.partner_id, touch.kind, touch.channel_id, touch.user_id),
                    (customer, kind, channel, clerk),
                )

    def test_from_the_order(self):
        """A visit is logged from the order as well, for its customer (issue: quick log)."""
        order = self._create_order(self.bob, 10, confirm=False)
        action = order.action_retail_log_visit()
        self.assertEqual(action['context']['default_partner_id'], self.bob.id)

    def test_who_may_log(self):
        """Staff and sales log contacts; marketing only reads them, others are refused (design 7)."""
        for persona, user in self.users.items():
            allowed = persona in ('user', 'lead', 'manager', 'sales')
            with self.subTest(persona=persona):
                if allowed:
                    self.assertTrue(self.cat.with_user(user).action_retail_log_visit())
                else:
                    with self.assertRaises(AccessError):
                        self.cat.with_user(user).action_retail_log_visit()

    def test_buttons_are_on_the_form(self):
        """The buttons are on the customer's form for those who may log, and for nobody else (issue: quick log)."""
        for persona in ('user', 'sales', 'marketing', 'internal'):
            arch = (
                self.env['res.partner']
                .with_user(self.users[persona])
                .get_view(self.env.ref('base.view_partner_form').id, 'form')['arch']
            )
            with self.subTest(persona=persona):
                self.assertEqual('action_retail_log_visit' in arch, persona in ('user', 'sales'))
                self.assertEqual('action_retail_timeline' in arch, persona in ('user', 'marketing'))
