"""Possible duplicates: what is found, what is decided, and that decisions stand."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

PHONE, PHONE_2 = '+49 30 2345678', '+49 30 2345679'


class DuplicateCase(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.duplicates = cls.env['retail.duplicate']
        cls.Partner = cls.env['res.partner']

    def _customer(self, name, orders=0, **values):
        partner = self.Partner.create({'name': name, **values})
        for _number in range(orders):
            self._create_order(partner, 10)
        return partner

    def _groups(self, *partners):
        """Return the groups that have any of these customers, as ``{(kind, names): (suspicion, state)}``."""
        ids = [partner.id for partner in partners]
        groups = self.duplicates.search([('partner_ids', 'in', ids)])
        return {
            (group.kind, tuple(sorted(group.partner_ids.mapped('name')))): (
                group.suspicion,
                group.state,
            )
            for group in groups
        }

    def _night(self):
        self._process()
        return self.duplicates._search_all()


@tagged('post_install', '-at_install', 'retail_crm')
class TestDuplicateSearch(DuplicateCase):
    def test_each_kind(self):
        """Same telephone, e-mail, name and birthday, name and address, family name and address are found (S-CUS-19)."""
        birthday = {'retail_birth_month': '3', 'retail_birth_day': 5, 'retail_birth_year': 1990}
        address = {'street': 'Musterweg 7', 'zip': '10115'}
        phone = [self._customer(name, phone=PHONE) for name in ('Ada Post', 'Ada Post')]
        mail = [self._customer(name, email='eva@shop.test') for name in ('Eva', 'Eve')]
        born = [self._customer(name, **birthday) for name in ('Max Muster', 'max muster')]
        lives = [self._customer('Zoe Stern', **address), self._customer('ZOE STERN', **address)]
        home = [self._customer('Leo Sturm', **address), self._customer('Mia Sturm', **address)]
        chinese = [self._customer(name, **address) for name in ('王小明', '王美丽', '李美丽')]
        self._night()
        self.assertEqual(
            self._groups(*phone), {('phone', ('Ada Post', 'Ada Post')): ('person', 'open')}
        )
        self.assertEqual(self._groups(*mail), {('email', ('Eva', 'Eve')): ('person', 'open')})
        self.assertEqual(
            self._groups(*born), {('birthday', ('Max Muster', 'max muster')): ('person', 'open')}
        )
        self.assertEqual(
            self._groups(*lives), {('address', ('ZOE STERN', 'Zoe Stern')): ('person', 'open')}
        )
        self.assertEqual(
            self._groups(*home), {('household', ('Leo Sturm', 'Mia Sturm')): ('household', 'open')}
        )
        self.assertEqual(
            self._groups(*chinese), {('household', ('王小明', '王美丽')): ('household', 'open')}
        )

    def test_numbers_typed_differently(self):
        """A number is the same however it was typed (S-CUS-19, S-CUS-20)."""
        country = self.env.ref('base.de').id
        one = self._customer('Kim', phone='030/234 5678', country_id=country)
        two = self._customer('Kim', phone='0049302345678', country_id=country)
        self._night()
        self.assertEqual(self._groups(one, two), {('phone', ('Kim', 'Kim')): ('person', 'open')})

    def test_household_by_telephone(self):
        """One number and different names are perhaps one household; with a name twice it is one customer (S-CUS-19)."""
        self._customer('Ann One', phone=PHONE)
        last = self._customer('Ben Two', phone=PHONE)
        self._night()
        self.assertEqual(
            self._groups(last), {('phone', ('Ann One', 'Ben Two')): ('household', 'open')}
        )
        self._customer('Ben Two', phone=PHONE)
        self._night()
        self.assertEqual(list(self._groups(last).values()), [('person', 'open')])

    def test_guests(self):
        """Contacts with one purchase each, one e-mail and no account are guest checkouts (S-CUS-19)."""
        one = self._customer('Guest A', 1, email='guest@shop.test')
        self._customer('Guest B', 1, email='guest@shop.test')
        self._night()
        self.assertEqual(list(self._groups(one).values()), [('guest', 'open')])
        self._create_order(one, 10)
        self._night()
        self.assertEqual(list(self._groups(one).values()), [('person', 'open')], 'comes back')

    def test_account_is_no_guest(self):
        """Somebody with an account is no guest (S-CUS-19)."""
        self.users['portal'].partner_id.email = 'guest@shop.test'
        guest = self._customer('Guest', 1, email='guest@shop.test')
        self._create_order(self.users['portal'].partner_id, 10)
        self._night()
        self.assertEqual(list(self._groups(guest).values()), [('person', 'open')])

    def test_shared_entries(self):
        """A placeholder, and an entry of more than 20 customers, is reported as shared, not as duplicates (S-CUS-19)."""
        zeros = [self._customer(name, phone='+49 30 2000000') for name in ('Zed', 'Zoe')]
        none = [self._customer(name, email='none@shop.test') for name in ('Nod', 'Ned')]
        crowd = [self._customer(f'Crowd {n}', phone=PHONE) for n in range(21)]
        self._night()
        self.assertEqual(list(self._groups(*zeros).values()), [('shared', 'open')])
        self.assertEqual(list(self._groups(*none).values()), [('shared', 'open')])
        group = self.duplicates.search([('partner_ids', 'in', crowd[0].ids)])
        self.assertEqual((group.suspicion, group.customer_count), ('shared', 21))
        self.assertEqual(len(group.partner_ids), 20)
        self.assertIn('21', group.reason)
        self.assertFalse(crowd[0].retail_duplicate_count)

    def test_who_stays_out(self):
        """Archived contacts, suppliers, employees and the contacts of companies are not compared (S-CUS-26)."""
        customer = self._customer('Only', phone=PHONE)
        self._customer('Archived', phone=PHONE, active=False)
        self._customer('Supplier', phone=PHONE, retail_customer=False)
        self._customer('Address', phone=PHONE, parent_id=self.acme.id)
        self.users['internal'].partner_id.phone = PHONE
        self._night()
        self.assertEqual(self._groups(customer), {})

    def test_companies_are_kept_apart(self):
        """Contacts bound to different companies are no duplicates; shared ones are compared with both (S-CUS-19)."""
        here = self._customer('Here', phone=PHONE, company_id=self.company.id)
        there = self._customer('There', phone=PHONE, company_id=self.company_2.id)
        self._night()
        self.assertEqual(self._groups(here, there), {})
        shared = self._customer('Shared', phone=PHONE)
        self._night()
        groups = self.duplicates.search([('partner_ids', 'in', shared.ids)])
        self.assertEqual(
            {group.company_id: set(group.partner_ids.ids) for group in groups},
            {self.company: {here.id, shared.id}, self.company_2: {there.id, shared.id}},
        )
        seen = self.duplicates.with_user(self.users['user']).search(
            [('partner_ids', 'in', shared.ids)]
        )
        self.assertEqual(seen.company_id, self.company)

    def test_nothing_is_written_twice(self):
        """A night without changes writes no row (design 4.3)."""
        one = self._customer('Same', phone=PHONE)
        self._customer('Same', phone=PHONE)
        self._night()
        group = self.duplicates.search([('partner_ids', 'in', one.ids)])
        self.assertEqual(self._night(), 0)
        self.env.cr.execute(
            'SELECT xmin::text, ctid::text FROM retail_duplicate WHERE id = %s', group.ids
        )
        before = self.env.cr.fetchone()
        self.duplicates._search_some(one.ids)
        self.env.cr.execute(
            'SELECT xmin::text, ctid::text FROM retail_duplicate WHERE id = %s', group.ids
        )
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_changed_customers_within_a_minute(self):
        """A changed customer joins and leaves groups when its moment is told, with the same result as at night (S-CUS-19)."""
        one, two = self._customer('Uma', phone=PHONE), self._customer('Ute')
        three = self._customer('Uta', phone=PHONE)
        self._process()
        two.phone = PHONE
        self._process()
        self.assertEqual(
            self._groups(one, two, three), {('phone', ('Uma', 'Uta', 'Ute')): ('household', 'open')}
        )
        two.write({'phone': PHONE_2, 'email': 'uma@shop.test'})
        one.email = 'uma@shop.test'
        self._process()
        found = self._groups(one, two, three)
        self.assertEqual(
            found,
            {
                ('phone', ('Uma', 'Uta')): ('household', 'open'),
                ('email', ('Uma', 'Ute')): ('person', 'open'),
            },
        )
        self.assertEqual(self._night(), 0)
        one.active = False
        self._process()
        self.assertEqual(self._groups(one, two, three), {})

    def test_deleted_customers(self):
        """A group of which a customer is deleted goes with the next search (S-CUS-19)."""
        one, two = self._customer('Del', phone=PHONE), self._customer('Del', phone=PHONE)
        self._night()
        two.unlink()
        self.assertEqual(self.duplicates.search([('partner_ids', 'in', one.ids)]).customer_count, 2)
        self._night()
        self.assertEqual(self._groups(one), {})


@tagged('post_install', '-at_install', 'retail_crm')
class TestDuplicateDecision(DuplicateCase):
    def setUp(self):
        super().setUp()
        self.one = self._customer('Pia Paul', 1, phone=PHONE)
        self.two = self._customer('Pia Paul', 3, phone=PHONE)
        self._night()
        self.group = self.duplicates.search([('partner_ids', 'in', self.one.ids)])

    def test_decision_stands(self):
        """A decision is not asked again while the customers are the same or fewer; a further one opens it (S-CUS-19)."""
        third = self._customer('Pia Paul', phone=PHONE)
        self._night()
        self.group.with_user(self.users['user']).action_distinct()
        self.assertEqual((self.group.state, self.group.user_id), ('distinct', self.users['user']))
        self._night()
        self.assertEqual(self.group.state, 'distinct')
        third.phone = False
        self._night()
        self.assertEqual((self.group.state, self.group.customer_count), ('distinct', 2))
        third.phone = PHONE
        self._night()
        self.assertEqual(self.group.state, 'distinct', 'it was about this one, too')
        self._customer('Pia Paul', phone=PHONE)
        self._night()
        self.assertEqual((self.group.state, self.group.user_id.id), ('open', False))

    def test_decision_is_about_the_customers(self):
        """Two who were decided about are not asked about for another reason (S-CUS-19)."""
        self.group.action_household()
        (self.one | self.two).write({'street': 'Weg 1', 'zip': '10115'})
        self._night()
        groups = self.duplicates.search([('partner_ids', 'in', self.one.ids)])
        self.assertEqual(set(groups.mapped('kind')), {'phone', 'address'})
        self.assertEqual(set(groups.mapped('state')), {'household'})

    def test_decision_covers_open_groups(self):
        """A decision also closes other open groups of the same customers (S-CUS-19)."""
        (self.one | self.two).email = 'pia@shop.test'
        self._night()
        self.group.action_distinct()
        groups = self.duplicates.search([('partner_ids', 'in', self.one.ids)])
        self.assertEqual((len(groups), set(groups.mapped('state'))), (2, {'distinct'}))
        self.group.action_reopen()
        self.assertEqual(self.group.state, 'open')

    def test_who_may_decide(self):
        """Staff decide, team leaders merge; marketing reads, others see nothing (design 7)."""
        for persona in ('marketing', 'internal', 'portal', 'sales'):
            for method in ('action_distinct', 'action_household', 'action_reopen', 'action_merge'):
                with self.subTest(persona=persona, method=method), self.assertRaises(AccessError):
                    getattr(self.group.with_user(self.users[persona]), method)()
        with self.assertRaises(AccessError):
            self.group.with_user(self.users['user']).action_merge()
        with self.assertRaises(AccessError):
            self.group.with_user(self.users['manager']).write({'state': 'merged'})

    def test_merge_proposes_the_best_customer(self):
        """Merge opens Odoo's wizard with these customers; the one with most purchases remains (S-CUS-19)."""
        action = self.group.with_user(self.users['lead']).action_merge()
        wizard = self.env[action['res_model']].browse(action['res_id'])
        self.assertEqual(wizard.partner_ids, self.one | self.two)
        self.assertEqual(wizard.dst_partner_id, self.two)
        self.assertEqual(wizard.state, 'selection')
        wizard.with_user(self.users['lead']).action_merge()
        self.assertFalse(self.one.exists())
        self.assertEqual((self.group.state, self.group.user_id), ('merged', self.users['lead']))
        self._night()
        self.assertEqual(self.group.state, 'merged')
        self.assertEqual(self.two.retail_order_count, 4)
        with self.assertRaises(UserError):
            self.group.with_user(self.users['lead']).action_merge()

    def test_different_addresses_are_for_the_administrator(self):
        """A leader is told before, not after the choice, that only an administrator merges these (S-CUS-19)."""
        self.one.email, self.two.email = 'one@shop.test', 'other@shop.test'
        with self.assertRaisesRegex(UserError, 'administrator'):
            self.group.with_user(self.users['lead']).action_merge()
        self.assertTrue(self.group.action_merge())
        self.two.email = 'one@shop.test'
        self.assertTrue(self.group.with_user(self.users['lead']).action_merge())

    def test_merged_number_found_again(self):
        """A group that was merged opens again when another customer gets the number (S-CUS-19)."""
        self.env['base.partner.merge.automatic.wizard']._merge((self.one | self.two).ids, self.two)
        self._night()
        self._customer('New', phone=PHONE)
        self._night()
        self.assertEqual((self.group.state, self.group.customer_count), ('open', 2))

    def test_hint_on_the_contact(self):
        """The contact tells how many others may be the same, until somebody decided (S-CUS-19)."""
        third = self._customer('Pia Paul', phone=PHONE, email='pia@shop.test')
        self.one.email = 'pia@shop.test'
        self._night()
        one = self.one.with_user(self.users['user'])
        self.assertEqual(one.retail_duplicate_count, 2)
        self.assertEqual(third.retail_duplicate_count, 2)
        action = one.action_retail_duplicates()
        self.assertIn(self.group, self.duplicates.search(action['domain']))
        self.duplicates.search(action['domain']).action_distinct()
        self.env.invalidate_all()
        self.assertEqual(one.retail_duplicate_count, 0)
        self.assertEqual(self.bob.retail_duplicate_count, 0)

    def test_open_customers(self):
        """The customers of a group are opened together (S-CUS-19)."""
        action = self.group.with_user(self.users['marketing']).action_open_partners()
        self.assertEqual(self.Partner.search(action['domain']), self.one | self.two)

    def test_forgotten_customers_leave_no_fingerprint(self):
        """Of somebody who is anonymised no group and no fingerprint remains (R-loy D.2-16)."""
        self.group.action_distinct()
        self.duplicates._forget_partners(self.one)
        self.assertFalse(self.group.exists())

    def test_decisions_about_the_others_stand(self):
        """A group of two others stays decided without the one who is anonymised, whose id is nowhere left (S-SEC-07)."""
        third = self._customer('Third', phone=PHONE)
        self._night()
        self.group.action_distinct()
        self.assertIn(third.id, self.group.decided_ids)
        self.duplicates._forget_partners(third)
        self.assertEqual(self.group.partner_ids, self.one | self.two)
        self.assertEqual(self.group.member_ids, (self.one | self.two).ids)
        self.assertEqual(self.group.decided_ids, (self.one | self.two).ids)
        self.assertEqual((self.group.state, self.group.customer_count), ('distinct', 2))
        third.action_archive()
        self._night()
        self.assertEqual(self.group.state, 'distinct')

    def test_nightly_action(self):
        """The scheduled action looks at all customers (S-CUS-19)."""
        self.group.sudo().unlink()
        with self.enter_registry_test_mode():
            self.env.ref('retail_crm.ir_cron_duplicates').method_direct_trigger()
        self.assertEqual(list(self._groups(self.one).values()), [('person', 'open')])
