"""What holds for a customer: which policy decides, in which order, and what staff see of it."""

from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged, warmup
from odoo.tools import is_html_empty, mute_logger

from odoo.addons.retail_crm.models.customer import _classes
from odoo.addons.retail_crm.tests.common import RetailCrmCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestPolicy(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policies = cls.env['retail.policy']
        cls.shipped = cls.policies.search([])
        cls.shipped.active = False  # each test says itself what holds
        cls.team = cls.env['crm.team'].create({'name': 'Care', 'company_id': False})
        cls._classify(cls.bob, lifecycle='new', abc_class='a', is_high_value=True)
        cls._classify(cls.acme, lifecycle='lost', abc_class='c')

    @classmethod
    def _classify(cls, partners, company=None, **classes):
        return cls.profiles.create(
            [
                {
                    'partner_id': partner.id,
                    'company_id': (company or cls.company).id,
                    **classes,
                }
                for partner in partners
            ]
        )

    @classmethod
    def _create_policy(cls, name, class_key=False, **values):
        return cls.policies.create({'name': name, 'class_key': class_key, **values})

    def _ask(self, partner, company=None):
        return self.policies._for_customers(partner, company)[partner.id]

    # === CLASSES ===#

    def test_every_class_can_be_chosen(self):
        """Each class, the coarse classes and high value can be given a policy, by names that staff know (S-SEG-24)."""
        labels = dict(self.policies._fields['class_key']._description_selection(self.env))
        self.assertEqual(labels['lifecycle.new'], 'Lifecycle: New')
        self.assertIn('is_high_value.true', labels)
        columns = {**_classes.TRACKED, 'coarse_class': _classes.COARSE}
        expected = {f'{column}.{key}' for column, keys in columns.items() for key, _label in keys}
        self.assertEqual(set(labels), expected | {'is_high_value.true'})

    def test_holds_for_each_class(self):
        """A policy holds for the customers of its class and for no others, whichever class it is (S-SEG-24)."""
        profile = self._profile_of(self.bob)
        for key, _label in self.policies._selection_class_key():
            column, _dot, value = key.partition('.')
            profile.write({**dict.fromkeys(self.policies._class_columns(), False), column: value})
            policy = self._create_policy(key, key, contact_days=7)
            with self.subTest(class_key=key):
                self.assertEqual(self._ask(self.bob)['contact_days'], 7)
                self.assertEqual(
                    self._ask(self.acme)['contact_days'],
                    7 if key in ('lifecycle.lost', 'abc_class.c') else 0,
                )
            policy.active = False

    def test_shipped_policies(self):
        """Each lifecycle has a strategy; ABC classes have contact intervals, A and high value come first (S-SEG-24)."""
        self.shipped.active = True
        for key, _label in _classes.LIFECYCLE:
            self._profile_of(self.bob).lifecycle = key
            answer = self._ask(self.bob)
            with self.subTest(lifecycle=key):
                self.assertFalse(is_html_empty(answer['strategy']))
                self.assertEqual(answer['sources']['strategy'].class_key, f'lifecycle.{key}')
        for key, days in (('a', 30), ('b', 60), ('c', 90)):
            self._profile_of(self.bob).write({'abc_class': key, 'is_high_value': False})
            with self.subTest(abc_class=key):
                answer = self._ask(self.bob)
                self.assertEqual(answer['contact_days'], days)
                self.assertEqual(answer['priority'], '1' if key == 'a' else False)
        self._profile_of(self.bob).is_high_value = True
        self.assertEqual(self._ask(self.bob)['priority'], '1')
        self.assertTrue(all(policy.user_id for policy in self.shipped), 'each has a responsible')

    # === PRECEDENCE ===#

    def test_first_policy_that_says_something_decides(self):
        """Attribute by attribute the first matching policy that says something decides (S-SEG-24)."""
        new = self._create_policy('New', 'lifecycle.new', sequence=1, strategy='<p>Welcome</p>')
        great = self._create_policy(
            'A', 'abc_class.a', sequence=2, strategy='<p>Visit</p>', contact_days=30, priority='0'
        )
        value = self._create_policy(
            'High', 'is_high_value.true', sequence=3, priority='1', contact_days=10
        )
        anybody = self._create_policy('All', sequence=4, team_id=self.team.id, contact_days=99)
        answer = self._ask(self.bob)
        self.assertIn('Welcome', answer['strategy'])
        self.assertEqual(answer['contact_days'], 30)
        self.assertEqual(answer['priority'], '0', 'normal is said, too')
        self.assertEqual(answer['team_id'], self.team)
        self.assertEqual(
            answer['sources'],
            {'strategy': new, 'contact_days': great, 'priority': great, 'team_id': anybody},
        )
        value.sequence = 0
        self.assertEqual(self._ask(self.bob)['sources']['priority'], value)
        other = self._ask(self.acme)
        self.assertEqual(other['sources'], {'contact_days': anybody, 'team_id': anybody})
        self.assertFalse(other['strategy'])
        self.assertIs(other['priority'], False)

    def test_company_before_general_and_old_before_new(self):
        """On the same place of the list the company's own policy comes first, then the older one (S-SEG-24)."""
        general = self._create_policy('General', contact_days=1)
        later = self._create_policy('General too', contact_days=2)
        own = self._create_policy('Own', contact_days=3, company_id=self.company.id)
        self.assertEqual(self._ask(self.bob)['contact_days'], 3)
        self.assertEqual(self.policies.search([]), own + general + later, 'the list shows it so')
        later.sequence = 5
        self.assertEqual(self._ask(self.bob)['contact_days'], 2, 'the place decides first')
        (own + later).active = False
        self.assertEqual(self._ask(self.bob)['contact_days'], 1)

    def test_what_says_nothing(self):
        """An empty text, 0 days, an archived team and an archived policy leave the word to the next one (S-SEG-24)."""
        silent = self._create_policy(
            'Silent', 'lifecycle.new', sequence=1, strategy='<p><br></p>', team_id=self.team.id
        )
        speaking = self._create_policy('All', sequence=2, strategy='<p>Hello</p>', contact_days=5)
        self.assertEqual(self._ask(self.bob)['team_id'], self.team)
        self.team.active = False
        answer = self._ask(self.bob)
        self.assertEqual(answer['sources'], {'strategy': speaking, 'contact_days': speaking})
        self.assertEqual(answer['team_id'], self.env['crm.team'])
        silent.strategy = '<p>Psst</p>'
        self.assertIn('Psst', self._ask(self.bob)['strategy'])
        silent.active = False
        self.assertIn('Hello', self._ask(self.bob)['strategy'])

    # === WHOSE ===#

    def test_contacts_get_what_holds_for_their_company(self):
        """A contact gets what holds for the person or company he belongs to (design 4.4)."""
        self._create_policy('Lost', 'lifecycle.lost', contact_days=180)
        answers = self.policies._for_customers(self.ann + self.acme + self.bob)
        self.assertEqual(answers[self.ann.id]['contact_days'], 180)
        self.assertEqual(answers[self.acme.id]['contact_days'], 180)
        self.assertEqual(answers[self.bob.id]['contact_days'], 0)
        answers[self.ann.id]['sources'].clear()
        self.assertTrue(answers[self.acme.id]['sources'], 'each answer is a copy of its own')
        self.assertEqual(self.policies._for_customers(self.env['res.partner']), {})
        only = self.policies._for_customers(self.ann, attributes=['priority'])
        self.assertEqual(only, {self.ann.id: {'priority': False, 'sources': {}}})

    def test_customers_without_profile_have_no_class(self):
        """Who has no profile in the company has no class: only policies for all customers hold (design 4.3)."""
        stranger = self.env['res.partner'].create({'name': 'Stranger'})
        self._create_policy('Prospect', 'lifecycle.prospect', contact_days=10)
        self.assertEqual(self._ask(stranger)['contact_days'], 0)
        self._create_policy('All', contact_days=50)
        self.assertEqual(self._ask(stranger)['contact_days'], 50)

    def test_each_company_has_its_own(self):
        """Class and policies are those of the company that asks; branches ask as their main company (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self._classify(self.bob, self.company_2, lifecycle='mature')
        self._create_policy('New', 'lifecycle.new', contact_days=1)
        self._create_policy('Mature', 'lifecycle.mature', contact_days=2)
        self._create_policy('Ours', priority='1', company_id=self.company.id)
        for company, days, priority in (
            (None, 1, '1'),
            (branch, 1, '1'),
            (self.company_2, 2, False),
        ):
            with self.subTest(company=company and company.name):
                answer = self._ask(self.bob, company)
                self.assertEqual((answer['contact_days'], answer['priority']), (days, priority))
        with self.assertRaises(ValidationError):
            self._create_policy('Branch', company_id=branch.id)

    def test_no_rights_are_needed_to_ask(self):
        """The system asks for whoever serves the customer; what he gets is his to use (design 4.4, 7)."""
        policy = self._create_policy('New', 'lifecycle.new', team_id=self.team.id)
        clerk = new_test_user(self.env, login='retail_asking', groups='base.group_user')
        answer = self.policies.with_user(clerk)._for_customers(self.bob.with_user(clerk))[
            self.bob.id
        ]
        self.assertEqual(answer['sources'], {'team_id': policy})
        self.assertEqual(answer['team_id'], self.team)
        self.assertFalse(answer['team_id'].env.su)
        self.assertFalse(answer['sources']['team_id'].env.su)

    @warmup
    def test_queries_do_not_grow_with_customers(self):
        """A fixed number of queries whatever the number of customers (style 2, rule 2)."""
        self.shipped.active = True
        people = self.env['res.partner'].create([{'name': f'P{i}'} for i in range(1200)])
        for i, (key, _label) in enumerate(_classes.LIFECYCLE):
            self._classify(people[i::8], lifecycle=key, abc_class='abc'[i % 3])
        self.env.flush_all()
        # company, policies, customers, their profiles, rules that policies name; first, whether a programme runs
        for count, queries in ((1, 5), (1200, 5)):  # more than the ORM reads ahead
            self.env.invalidate_all()
            with self.subTest(count=count), self.assertQueryCount(queries):
                answers = self.policies._for_customers(people[:count])
            self.assertEqual(len(answers), count)

    # === HOOKS ===#

    def test_areas_add_attributes_and_facts(self):
        """Later areas add what a policy gives and what it can ask for, and nothing else changes (design 2, 4.4)."""
        Policy = type(self.policies)
        vip = self._create_policy('VIP', 'lifecycle.new', sequence=1, user_id=self.users['lead'].id)
        self._create_policy('All', contact_days=9, sequence=2, user_id=False)
        attributes, conditions, facts = Policy._attributes, Policy._conditions, Policy._facts_of

        def _attributes(self):
            return [*attributes(self), 'user_id']

        def _conditions(self):
            return {*conditions(self), *([('member', True)] if self.name == 'VIP' else ())}

        def _facts_of(self, customers, company, profiles):
            result = facts(self, customers, company, profiles)
            for customer in customers:
                if customer.name in members:
                    result.setdefault(customer.id, set()).add(('member', True))
            return result

        with (
            patch.object(Policy, '_attributes', _attributes),
            patch.object(Policy, '_conditions', _conditions),
            patch.object(Policy, '_facts_of', _facts_of),
        ):
            members = {'Bob'}
            answer = self._ask(self.bob)
            self.assertEqual(answer['user_id'], self.users['lead'])
            self.assertEqual(answer['sources']['user_id'], vip)
            self.assertEqual(answer['contact_days'], 9)
            members = {'Acme'}  # new, but no member; member, but not new
            self.assertFalse(self._ask(self.bob)['user_id'])
            self.assertFalse(self._ask(self.acme)['user_id'])

    # === WHAT STAFF SEE ===#

    def test_strategy_is_shown_on_the_customer(self):
        """Profile and customer show the text of the policy that holds, in the reader's language (S-SEG-24)."""
        self.env['res.lang']._activate_lang('fr_FR')
        policy = self._create_policy('New', 'lifecycle.new', strategy='<p>Welcome</p>')
        policy.update_field_translations('strategy', {'fr_FR': {'Welcome': 'Bienvenue'}})
        profile = self._profile_of(self.bob)
        self.assertIn('Welcome', profile.policy_strategy)
        self.assertIn('Bienvenue', profile.with_context(lang='fr_FR').policy_strategy)
        self.assertFalse(self._profile_of(self.acme).policy_strategy)
        self.assertIn('Welcome', self.bob.retail_policy_strategy)
        self.assertIn('Bienvenue', self.bob.with_context(lang='fr_FR').retail_policy_strategy)
        self.assertFalse(self.bob.with_company(self.company_2).retail_policy_strategy)
        for persona in ('user', 'marketing', 'sales'):
            with self.subTest(persona=persona):
                mine = self.bob.with_user(self.users[persona])
                self.assertIn('Welcome', mine.retail_policy_strategy)
        profile.lifecycle = 'mature'
        self.assertFalse(profile.policy_strategy)

    def test_suppliers_are_told_nothing_about(self):
        """A policy for all customers says nothing about suppliers and employees (S-CUS-26)."""
        self._create_policy('All', strategy='<p>Smile</p>')
        supplier = self.env['res.partner'].create({'name': 'S', 'retail_customer': False})
        self.assertFalse(supplier.retail_policy_strategy)
        self.assertIn('Smile', self.bob.retail_policy_strategy)
        self.assertFalse(self.env['res.partner'].new({'name': 'N'}).retail_policy_strategy is None)

    def test_strategies_are_harmless(self):
        """Text that somebody pastes cannot run in the browser of others (design 9)."""
        policy = self._create_policy(
            'New', 'lifecycle.new', strategy='<p onclick="x()">A</p><script>b()</script>'
        )
        self.assertNotIn('script', policy.strategy)
        self.assertNotIn('onclick', self.bob.retail_policy_strategy)

    # === ENTRY ===#

    def test_days_are_not_negative(self):
        """Contact every so many days, never before (style 2)."""
        with mute_logger('odoo.sql_db'), self.assertRaises(CheckViolation):
            self._create_policy('Wrong', contact_days=-1)
            self.env.flush_all()

    def test_copies_are_told_apart(self):
        """A copied policy has a name of its own (style 1.4)."""
        policy = self._create_policy('New', 'lifecycle.new')
        self.assertEqual(policy.copy().name, 'New (copy)')
        self.assertEqual(policy.copy({'name': 'Other'}).name, 'Other')
