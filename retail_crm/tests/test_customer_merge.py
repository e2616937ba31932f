"""Merging contacts: companies are not mixed, nothing is lost."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestMergeData(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Partner = cls.env['res.partner']
        cls.one = Partner.create({'name': 'One', 'email': 'one@shop.test'})
        cls.two = Partner.create({'name': 'Two', 'email': 'one@shop.test'})
        cls.channel = cls.env.ref('retail_crm.retail_channel_counter')
        cls.wizard = cls.env['base.partner.merge.automatic.wizard'].create({})

    def _merge(self, source=None, destination=None, user=None):
        source, destination = source or self.one, destination or self.two
        user = user or self.env.user
        wizard = self.wizard.with_user(user)
        wizard._merge((source | destination).ids, destination.with_user(user))
        self._process()
        destination.invalidate_recordset()

    # === COMPANIES ===#

    def test_merge_across_companies_is_refused(self):
        """Contacts bound to different companies are not merged; nothing has changed (issue: bad input)."""
        self.one.company_id, self.two.company_id = self.company, self.company_2
        order = self._create_order(self.one, 10)
        with self.assertRaises(UserError) as caught:
            self._merge()
        self.assertIn(self.company.name, str(caught.exception))
        self.assertIn('Second Company', str(caught.exception))
        self.assertTrue(self.one.exists())
        self.assertEqual(order.partner_id, self.one)
        wizard = self.wizard.create(
            {'partner_ids': [Command.set((self.one | self.two).ids)], 'dst_partner_id': self.two.id}
        )
        with self.assertRaises(UserError):
            wizard.action_merge()
        self.assertTrue(self.one.exists())

    def test_branches_of_one_company_are_merged(self):
        """Contacts of a company and of its branch are of one company (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.one.company_id, self.two.company_id = self.company, branch
        self._merge()
        self.assertFalse(self.one.exists())

    def test_shared_contact_stays_shared(self):
        """Who was a customer of all companies is not bound to one by a merge: other companies have orders of him."""
        self.one.company_id = self.company
        self._create_order(self.two, 10, company_id=self.company_2.id)
        self._merge()
        self.assertFalse(self.two.company_id)
        self.assertEqual(self._profile_of(self.two, self.company_2).order_count, 1)

    # === ANONYMISED ===#

    def test_anonymised_customers_are_not_merged(self):
        """Nobody is the same as one who is no longer known; nothing has changed (S-SEC-07, S-CUS-19)."""
        self.one.retail_anonymised_on = '2026-01-01'
        for source, destination in ((self.one, self.two), (self.two, self.one)):
            with self.assertRaisesRegex(UserError, 'Anonymised .*One'):
                self._merge(source, destination)
        self.assertTrue(self.one.exists() and self.two.exists())
        self.assertFalse(self.two.retail_anonymised_on)

    # === TOTALS ===#

    def test_totals_are_the_same(self):
        """Purchases, consents, contacts, preferences, named dates of both are there afterwards (S-CUS-19)."""
        both = self.one | self.two
        self._create_order(self.one, 10, '2026-01-05')
        self._create_order(self.one, 20, '2026-02-05')
        self._create_order(self.two, 40, '2026-03-05')
        likings = self.env['retail.preference'].create(
            [{'name': f'Merge Test {number}'} for number in range(3)]
        )
        self.one.retail_preference_ids, self.two.retail_preference_ids = likings[:2], likings[1:]
        touches = self.env['retail.touch'].create(
            [{'partner_id': partner.id, 'kind': 'visit', 'note': partner.name} for partner in both]
        )
        dates = self.env['retail.occasion.date'].create(
            [
                {'partner_id': self.one.id, 'kind': 'wedding', 'month': '5', 'day': 4},
                {'partner_id': self.two.id, 'kind': 'wedding', 'month': '5', 'day': 4},
                {'partner_id': self.one.id, 'kind': 'child', 'month': '6', 'day': 1, 'name': 'Li'},
            ]
        )
        self.env['retail.consent.text'].create(
            {'purpose': 'marketing', 'version': 'Merge Test', 'text': 'I agree.'}
        )
        consents = self.env['retail.consent']
        for partner, granted in ((self.one, True), (self.two, False)):
            consents |= consents._record(partner, {('marketing', self.channel): granted}, 'shop')
        self._process()
        before = sum(self._profile_of(partner).spend_total for partner in both)
        self._merge()
        profile = self._profile_of(self.two)
        self.assertEqual((profile.spend_total, profile.order_count), (before, 3))
        self.assertEqual(before, 70)
        self.assertEqual(self.two.retail_preference_ids, likings)
        self.assertEqual(touches.partner_id, self.two)
        self.assertEqual(len(touches.exists()), 2)
        self.assertEqual(
            sorted(self.two.retail_occasion_date_ids.mapped('kind')), ['child', 'wedding']
        )
        self.assertEqual(len(dates.exists()), 2, 'the wedding day was there twice')
        self.assertEqual(consents.partner_id, self.two)
        self.assertEqual(len(consents.filtered('is_current')), 1)
        self.assertFalse(consents._allowed(self.two, 'marketing', self.channel))

    # === ENTERED DATA ===#

    def test_empty_entries_are_filled(self):
        """What the remaining customer lacks comes from the other; what he has stays (S-CUS-19)."""
        adviser = self.users['user']
        self.one.write(
            {
                'retail_adviser_id': adviser.id,
                'retail_salutation': 'Ms One',
                'retail_preferred_channel_id': self.channel.id,
                'retail_checked_on': '2026-01-01',
                'retail_annual_income': 1000,
                'retail_funds': 'ample',
            }
        )
        self.two.retail_salutation = 'Ms Two'
        self._merge()
        self.assertEqual(self.two.retail_adviser_id, adviser)
        self.assertEqual(self.two.retail_salutation, 'Ms Two')
        self.assertEqual(self.two.retail_preferred_channel_id, self.channel)
        self.assertEqual(self.two.retail_checked_on, date(2026, 1, 1))
        self.assertEqual((self.two.retail_annual_income, self.two.retail_funds), (1000, 'ample'))

    def test_last_look_and_pause(self):
        """The last time that anybody confirmed the data counts; a pause only for whom it was meant (S-CUS-19)."""
        self.one.write({'retail_checked_on': '2026-03-01', 'retail_snoozed_until': '2099-01-01'})
        self.two.retail_checked_on = '2025-01-01'
        self._merge()
        self.assertEqual(self.two.retail_checked_on, date(2026, 3, 1))
        self.assertFalse(self.two.retail_snoozed_until)

    def test_nothing_is_lost_whatever_the_user_may_see(self):
        """A leader who may not see income merges it all the same; he does not see it afterwards (S-CUS-19, design 7)."""
        self.one.write({'retail_annual_income': 1000, 'retail_funds': 'ample'})
        self._merge(user=self.users['lead'])
        self.assertFalse(self.one.exists())
        self.assertEqual((self.two.retail_annual_income, self.two.retail_funds), (1000, 'ample'))
        visible = self.two.with_user(self.users['lead']).fields_get()
        self.assertNotIn('retail_annual_income', visible)

    def test_remarks_and_needs_of_both(self):
        """No allergy is lost because the other had a remark, too (S-CUS-19)."""
        self.one.write({'retail_special_need': 'Nuts', 'retail_remark': 'Likes to talk'})
        self.two.write({'retail_special_need': 'Wheelchair', 'retail_remark': 'Likes to talk'})
        self._merge()
        self.assertEqual(self.two.retail_special_need, 'Wheelchair; Nuts')
        self.assertEqual(self.two.retail_remark, 'Likes to talk')

    def _birthday(self, partner):
        return (
            partner.retail_birth_month,
            partner.retail_birth_day,
            partner.retail_birth_year,
            partner.retail_birth_lunar,
        )

    def test_birthdays_are_not_mixed(self):
        """A birthday is that of one of them: no day of the one with the year of the other (S-CUS-19)."""
        self.one.write(
            {
                'retail_birth_month': '2',
                'retail_birth_day': 30,
                'retail_birth_year': 1990,
                'retail_birth_lunar': True,
            }
        )
        self.two.write({'retail_birth_month': '1', 'retail_birth_day': 31})
        self._merge()
        self.assertEqual(self._birthday(self.two), ('1', 31, 0, False))

    def test_year_of_the_same_birthday(self):
        """The same day known without and with year is known with year (S-CUS-19)."""
        day = {'retail_birth_month': '1', 'retail_birth_day': 31}
        self.one.write({**day, 'retail_birth_year': 1990})
        self.two.write(day)
        self._merge()
        self.assertEqual(self._birthday(self.two), ('1', 31, 1990, False))

    def test_birthday_from_the_other(self):
        """Somebody without birthday gets that of the other, as a whole (S-CUS-19)."""
        self.one.write(
            {'retail_birth_month': '2', 'retail_birth_day': 30, 'retail_birth_lunar': True}
        )
        self._merge()
        self.assertEqual(self._birthday(self.two), ('2', 30, 0, True))

    def test_referrer_among_the_merged(self):
        """A customer referred by his own duplicate is referred by nobody, and the merge works (S-CUS-19)."""
        for source, referred in ((self.one, self.two), (self.two, self.one)):
            with self.subTest(referred=referred.name), self.env.cr.savepoint() as savepoint:
                (source | referred).retail_referrer_id = False
                referred.retail_referrer_id = source
                self._merge()
                self.assertFalse(self.two.retail_referrer_id)
                savepoint.rollback()
                self.env.invalidate_all(flush=False)

    def test_referrer_from_outside(self):
        """Who was referred by a third one stays so, and those whom the merged one referred name the other (S-CUS-19)."""
        self.one.retail_referrer_id = self.bob
        self.acme.retail_referrer_id = self.one
        self._merge()
        self.assertEqual(self.two.retail_referrer_id, self.bob)
        self.assertEqual(self.acme.retail_referrer_id, self.two)

    def test_customer_and_supplier(self):
        """A customer merged into a supplier stays a customer with his figures (S-CUS-26)."""
        self.two.retail_customer = False
        self._create_order(self.one, 10)
        self._process()
        self._merge()
        self.assertTrue(self.two.retail_customer)
        self.assertEqual(self._profile_of(self.two).spend_total, 10)

    def test_two_suppliers_stay_suppliers(self):
        """Nobody becomes a customer by a merge (S-CUS-26)."""
        (self.one | self.two).retail_customer = False
        self._merge()
        self.assertFalse(self.two.retail_customer)

    # === MODELS WITH A KEY ===#

    def test_every_model_with_a_key_on_a_customer_merges_its_rows(self):
        """Every unique key of ours that names a customer has its merge: core would delete rows or stop (design 4.3)."""
        merged = set(self.wizard._retail_unique_models())
        unique = set()
        self.env.cr.execute(
            """
            SELECT class.relname
              FROM pg_index
              JOIN pg_class AS class ON class.oid = pg_index.indrelid
              JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
             WHERE indisunique AND class.relname LIKE 'retail\\_%' AND attribute.attnum = ANY(indkey)
               AND EXISTS (
                   SELECT FROM pg_constraint
                    WHERE conrelid = class.oid AND contype = 'f' AND confrelid = 'res_partner'::regclass
                      AND conkey[1] = attribute.attnum)
            """
        )
        tables = {table for (table,) in self.env.cr.fetchall()}
        for name in self.env.registry:
            model = self.env[name]
            if name.startswith('retail.') and model._auto and model._table in tables:
                unique.add(name)
        self.assertIn('retail.profile', unique)
        self.assertEqual(unique - merged, set())
        for name in merged:
            self.assertTrue(hasattr(self.env[name], '_merge_partners'), name)
