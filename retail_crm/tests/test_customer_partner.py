"""The customer's figures on the contact: who is a customer, searching, sorting,
grouping, merging, moving, deleting.
"""

from datetime import date

from lxml import etree
from psycopg2 import IntegrityError

from odoo import models
from odoo.fields import Command, Domain
from odoo.tests import tagged, users, warmup
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer.res_partner import PROFILE_FIELDS
from odoo.addons.retail_crm.tests.common import RetailCrmCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCustomerFlag(RetailCrmCommon):
    def test_people_and_companies_are_customers(self):
        """Contacts are customers unless something speaks against it (design 3)."""
        self.assertTrue(self.bob.retail_customer)
        self.assertTrue(self.acme.retail_customer)
        self.assertTrue(self.ann.retail_customer)

    def test_suppliers_are_none(self):
        """A contact made as supplier is no customer, unless that is said (design 3)."""
        partners = self.env['res.partner'].with_context(res_partner_search_mode='supplier')
        self.assertFalse(partners.create({'name': 'Mill'}).retail_customer)
        self.assertTrue(partners.create({'name': 'Both', 'retail_customer': True}).retail_customer)

    def test_employees_and_own_companies_are_none(self):
        """Internal users are no customers, portal users are (design 3)."""
        self.assertFalse(self.users['internal'].partner_id.retail_customer)
        self.assertTrue(self.users['portal'].partner_id.retail_customer)

    def test_own_companies_have_no_figures(self):
        """Sales to our own companies are no purchases (design 4.2)."""
        order = self._create_order(self.company_2.partner_id, 100)
        self._process()
        self.assertFalse(self._purchase_of(order))
        self.assertFalse(self._profile_of(self.company_2.partner_id))

    def test_the_flag_is_the_shops_to_set(self):
        """Staff may take a contact out of the figures and put it back; the figures
        follow (design 3, 4.3).
        """
        self._create_order(self.bob, 100)
        self._process()
        self.bob.retail_customer = False
        self._process()
        self.assertFalse(self._profile_of(self.bob))
        self.bob.retail_customer = True
        self._process()
        self.assertEqual(self.bob.retail_spend_total, 100)

    def test_hired_customers_stop_being_some(self):
        """A customer who becomes an employee is taken out of the figures (design 3)."""
        self._create_order(self.bob, 100)
        self._process()
        self.env['res.users'].create(
            {
                'name': 'Bob',
                'login': 'bob@retail',
                'partner_id': self.bob.id,
                'group_ids': [Command.set(self.env.ref('base.group_user').ids)],
            }
        )
        self.assertFalse(self.bob.retail_customer)


class FiguresCommon(RetailCrmCommon):
    """Five contacts: a company with two contacts, two persons who bought, one who never did."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partners = cls.env['res.partner']
        cls.eve = partners.create({'name': 'Eve', 'parent_id': cls.acme.id})
        cls.cat, cls.dan = partners.create([{'name': 'Cat'}, {'name': 'Dan'}])
        today = cls.company._retail_today()
        cls.days = [
            date(today.year - 1, 2, 10),
            date(today.year - 1, 2, 20),
            date(today.year - 2, 6, 5),
        ]
        cls._create_order(cls.ann, 100, cls.days[0])
        cls._create_order(cls.eve, 300, cls.days[1])
        cls._create_order(cls.bob, 50, cls.days[2])
        cls._create_order(cls.cat, 20, cls.days[2])
        # all of it came back: a trace without a purchase
        cls._create_refund(
            cls._create_invoice(cls.env['sale.order'].search([], order='id desc', limit=1))
        )
        cls._process()
        cls.all = cls.acme + cls.ann + cls.eve + cls.bob + cls.cat + cls.dan
        cls.bought = cls.acme + cls.ann + cls.eve + cls.bob

    def _found(self, *condition):
        """Return which of the contacts a condition finds."""
        return self.env['res.partner'].search([('id', 'in', self.all.ids), condition]) & self.all


@tagged('post_install', '-at_install', 'retail_crm')
class TestFigures(FiguresCommon):
    def test_contacts_show_the_figures_of_their_company(self):
        """Figures belong to the commercial partner; its contacts show them (design 3, 4.3)."""
        profile = self._profile_of(self.acme)
        self.assertEqual((self.acme + self.ann + self.eve).retail_profile_id, profile)
        for partner in (self.acme, self.ann, self.eve):
            self.assertEqual((partner.retail_order_count, partner.retail_spend_total), (2, 400))
            self.assertEqual(partner.retail_last_order_date, self.days[1])
            self.assertEqual(partner.retail_currency_id, self.company.currency_id)
        self.assertFalse(self.dan.retail_profile_id)
        self.assertEqual((self.dan.retail_order_count, self.dan.retail_last_order_date), (0, False))

    def test_each_figure_is_the_profiles(self):
        """Every figure of the contact equals that of its profile (design 4.3)."""
        for partner in self.bought:
            for fname, figure in PROFILE_FIELDS.items():
                with self.subTest(partner=partner.name, field=fname):
                    self.assertEqual(partner[fname], partner.retail_profile_id[figure])

    def test_new_contacts_have_no_figures(self):
        """A contact that is being entered shows none, and the form works (design 4.3)."""
        new = self.env['res.partner'].new({'name': 'Nobody yet'})
        self.assertFalse(new.retail_profile_id)
        self.assertEqual(new.retail_spend_12m, 0)

    def test_search_by_profile(self):
        """The profile can be searched, also its absence (design 4.3)."""
        known = self.bought | self.all.filtered('retail_profile_id')
        nobody = self.all - known
        profile = self._profile_of(self.acme)
        self.assertIn(self.dan, nobody)
        self.assertEqual(self._found('retail_profile_id', '!=', False), known)
        self.assertEqual(self._found('retail_profile_id', '=', False), nobody)
        family = self.acme + self.ann + self.eve
        self.assertEqual(self._found('retail_profile_id', '=', profile.id), family)
        self.assertEqual(self._found('retail_profile_id', '!=', profile.id), self.all - family)
        self.assertEqual(
            self._found('retail_profile_id', 'in', [profile.id, False]), family | nobody
        )
        self.assertEqual(
            self._found('retail_profile_id', 'not in', [profile.id]), self.all - family
        )
        self.assertEqual(
            self._found('retail_profile_id', 'not in', [profile.id, False]), known - family
        )
        self.assertEqual(self._found('retail_profile_id.spend_total', '>', 100), family)
        self.assertEqual(
            self._found('retail_profile_id', 'any', [('order_count', '=', 1)]), self.bob
        )
        self.assertEqual(
            self._found('retail_profile_id', 'not any', [('order_count', '=', 1)]),
            self.all - self.bob,
        )

    def test_search_by_figures(self):
        """Figures are searched as people mean it: those without purchases have 0 and
        no dates (design 4.3).
        """
        family = self.acme + self.ann + self.eve
        others = self.all - self.bought
        first, second, third = self.days
        for condition, expected in [
            (('retail_spend_total', '>', 0), self.bought),
            (('retail_spend_total', '>=', 0), self.all),
            (('retail_spend_total', '<=', 0), others),
            (('retail_spend_total', '<', 0), self.all.browse()),
            (('retail_spend_total', '<', 100), others | self.bob),
            (('retail_spend_total', '=', 0), others),
            (('retail_spend_total', '!=', 0), self.bought),
            (('retail_spend_total', '=', 50), self.bob),
            (('retail_spend_total', '!=', 50), self.all - self.bob),
            (('retail_spend_total', '=', False), others),
            (('retail_spend_total', '!=', False), self.bought),
            (('retail_order_count', '=', 2), family),
            (('retail_order_count', 'in', (0, 1)), others | self.bob),
            (('retail_order_count', 'not in', (0, 1)), family),
            (('retail_order_count', '>', 1), family),
            (('retail_last_order_date', '=', False), others),
            (('retail_last_order_date', '!=', False), self.bought),
            (('retail_last_order_date', '=', str(second)), family),
            (('retail_last_order_date', '<', str(second)), self.bob),
            (('retail_last_order_date', '<=', str(second)), self.bought),
            (('retail_last_order_date', '>', str(second)), self.all.browse()),
            (('retail_first_order_date', '>=', str(first)), family),
            (('retail_first_order_date', '=', str(third)), self.bob),
        ]:
            with self.subTest(condition=condition):
                self.assertEqual(self._found(*condition), expected & self.all)

    def test_search_between_dates(self):
        """Two conditions make a period; negation turns it round (design 4.3)."""
        first, second, _third = self.days
        period = Domain('retail_last_order_date', '>=', first) & Domain(
            'retail_last_order_date', '<=', second
        )
        mine = Domain('id', 'in', self.all.ids)
        partners = self.env['res.partner']
        family = self.acme + self.ann + self.eve
        self.assertEqual(partners.search(mine & period), family)
        self.assertEqual(partners.search(mine & ~period), self.all - family)

    def test_order_by_figures(self):
        """Lists are sorted by figures, both ways; those without come last or first,
        and none is lost (design 4.3).
        """
        # contacts of a company are empty in lists: only commercial partners are grouped and sorted
        heads = [('id', 'in', self.all.ids), ('parent_id', '=', False)]
        for fname in PROFILE_FIELDS:
            for way in ('asc', 'desc'):
                with self.subTest(field=fname, way=way):
                    found = self.env['res.partner'].search(heads, order=f'{fname} {way}, id')
                    self.assertEqual(len(found), 4)
        partners = self.env['res.partner']
        # what the list view asks for on a click on the column's head
        for order, expected in {
            'retail_spend_total desc': [self.acme, self.bob],
            'retail_order_count DESC, id': [self.acme, self.bob],
            'retail_last_order_date desc': [self.acme, self.bob],
            'retail_last_order_date': [self.bob, self.acme],
            'retail_spend_total desc nulls last': [self.acme, self.bob],
        }.items():
            with self.subTest(order=order):
                self.assertEqual(list(partners.search(heads, order=order)[:2]), expected)
        # nothing bought is 0
        self.assertEqual(
            list(partners.search(heads, order='retail_spend_total')[-2:]), [self.bob, self.acme]
        )

    def test_group_by_month_counts_each_company_once(self):
        """Grouping and sums count a company once, not once for each contact (design 4.3)."""
        partners = self.env['res.partner']
        mine = [('id', 'in', self.all.ids)]
        rows = partners._read_group(
            mine, ['retail_last_order_date:month'], ['__count', 'retail_spend_total:sum']
        )
        found = {day: (count, amount) for day, count, amount in rows}
        self.assertEqual(found[self.days[1].replace(day=1)], (1, 400))
        self.assertEqual(found[self.days[2].replace(day=1)], (1, 50))
        self.assertEqual(
            found[False][0], 4, 'two contacts, the one who returned all, the one who never bought'
        )
        [(total, purchases)] = partners._read_group(
            mine, [], ['retail_spend_total:sum', 'retail_order_count:sum']
        )
        self.assertEqual((total, purchases), (450, 3))

    def test_formatted_groups_lead_to_their_customers(self):
        """What the list view asks for: groups with sums, and the domain of a group
        finds its customers (design 4.3).
        """
        partners = self.env['res.partner'].with_user(self.users['user'])
        heads = [('id', 'in', self.all.ids), ('parent_id', '=', False)]
        groups = partners.formatted_read_group(
            heads, ['retail_last_order_date:month'], ['__count', 'retail_spend_total:sum']
        )
        self.assertEqual(sum(group['__count'] for group in groups), 4)
        for group in groups:
            with self.subTest(group=group['retail_last_order_date:month']):
                found = partners.search(Domain(heads) & Domain(group['__extra_domain']))
                self.assertEqual(len(found), group['__count'])
        read = partners.web_read_group(
            heads, ['retail_last_order_date:month'], ['retail_spend_total:sum']
        )
        self.assertEqual(sum(group['__count'] for group in read['groups']), 4)

    def test_figures_of_the_current_company(self):
        """Switching the company shows the figures made there, in read, search and
        order (design 4.3).
        """
        self._create_order(self.bob, 7, company_id=self.company_2.id)
        self._create_order(self.dan, 9, company_id=self.company_2.id)
        self._process()
        here = self.env['res.partner'].with_context(allowed_company_ids=self.company.ids)
        there = here.with_context(allowed_company_ids=self.company_2.ids)
        both = here.with_context(allowed_company_ids=(self.company_2 + self.company).ids)
        bob = self.bob.id
        self.assertEqual(here.browse(bob).retail_spend_total, 50)
        self.assertEqual(there.browse(bob).retail_spend_total, 7)
        self.assertEqual(both.browse(bob).retail_spend_total, 7, 'the first of the allowed ones')
        mine = [('id', 'in', self.all.ids), ('retail_spend_total', '>', 0)]
        self.assertEqual(there.search(mine).ids, (self.bob + self.dan).ids)
        self.assertEqual(here.search(mine), self.bought)
        heads = [('id', 'in', (self.bob + self.dan).ids)]
        self.assertEqual(
            there.search(heads, order='retail_spend_total desc nulls last').ids,
            (self.dan + self.bob).ids,
        )
        self.assertEqual(there._read_group(heads, [], ['retail_spend_total:sum']), [(16,)])

    def test_archived_customers_keep_their_figures(self):
        """Archiving a customer changes no figure (design 4.2)."""
        self.bob.action_archive()
        self._process()
        self.bob.invalidate_recordset()
        self.assertEqual(self._profile_of(self.bob).spend_total, 50)
        self.profiles._refresh()
        self.assertEqual(self.bob.retail_spend_total, 50)

    def test_refresh_button(self):
        """Staff bring a customer up to date at once, for what came past the system
        as well (design 4.3).
        """
        order = self._create_order(self.bob, 11)
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE retail_profile SET order_count = 99 WHERE partner_id = %s', [self.bob.id]
        )
        self.env.invalidate_all()
        action = self.bob.with_user(self.users['user']).action_retail_refresh()
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(self.bob.retail_order_count, 2)
        self.assertEqual(self._purchase_of(order).amount, 11)

    def test_refresh_button_on_many(self):
        """The button of the list works on all selected customers and their contacts
        (design 4.3).
        """
        self._create_order(self.ann, 1)
        self._create_order(self.dan, 2)
        (self.ann + self.dan).with_user(self.users['user']).action_retail_refresh()
        self.assertEqual((self.acme.retail_spend_total, self.dan.retail_spend_total), (401, 2))

    def test_purchases_button(self):
        """The button on the customer opens his purchases in the current company (design 5.1)."""
        action = self.ann.with_user(self.users['user']).action_retail_purchases()
        found = self.env['retail.purchase'].search(action['domain'])
        self.assertEqual(len(found), 2)
        self.assertEqual(found.partner_id, self.acme)

    def test_privacy_lookup_finds_our_rows(self):
        """A data request lists the figures and purchases of the person (design 1:
        privacy_lookup).
        """
        self.bob.email = 'bob@example.com'
        wizard = self.env['privacy.lookup.wizard'].create(
            {'name': 'Bob', 'email': 'bob@example.com'}
        )
        wizard.action_lookup()
        models_ = set(wizard.line_ids.mapped('res_model'))
        self.assertLessEqual({'res.partner', 'retail.purchase', 'retail.profile'}, models_)


@tagged('post_install', '-at_install', 'retail_crm')
class TestQueries(RetailCrmCommon):
    """What our fields cost on the pages of customers (design 8: +1 query a list of
    80, +3 a form).
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.many = cls.env['res.partner'].create([{'name': f'Customer {n}'} for n in range(80)])
        for partner in cls.many[:40]:
            cls._create_order(partner, 10)
        cls._process()

    def _spec(self, view, strip):
        """Return the web client's specification of a view's fields, with or without ours."""
        arch = etree.fromstring(self.env['res.partner'].get_view(*view)['arch'])
        names = {
            node.get('name')
            for node in arch.iter('field')
            if not any(parent.tag == 'field' for parent in node.iterancestors())
        }
        return {name: {} for name in names if not (strip and name.startswith('retail_'))}

    def _count(self, call):
        call()  # caches of the registry
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        call()
        return self.cr.sql_log_count - before

    def _compare(self, view_id, view_type, read):
        counts = []
        for strip in (True, False):
            spec = self._spec((view_id, view_type), strip)
            counts.append(self._count(lambda spec=spec: read(spec)))
        return counts

    @users('retail_user')
    @warmup
    def test_list_costs_one_query_more(self):
        """Our columns of the customer list cost at most one query for 80 customers (design 8)."""
        view = self.env.ref('retail_crm.res_partner_view_list_customer').sudo().id
        partners = self.env['res.partner']
        domain = [('id', 'in', self.many.ids)]
        bare, ours = self._compare(
            view, 'list', lambda spec: partners.web_search_read(domain, spec, limit=80)
        )
        self.assertLessEqual(ours, bare + 1)

    @users('retail_user')
    @warmup
    def test_form_costs_three_queries_more(self):
        """Our part of the customer's form costs at most three queries (design 8)."""
        partner = self.many[0].with_env(self.env)
        bare, ours = self._compare(False, 'form', lambda spec: partner.web_read(spec))
        self.assertLessEqual(ours, bare + 3)

    @users('retail_user')
    @warmup
    def test_sorting_needs_no_query_of_its_own(self):
        """The list sorted by a figure costs what the list costs (design 4.3)."""
        partners = self.env['res.partner']
        domain = [('id', 'in', self.many.ids)]
        spec = {'display_name': {}, 'retail_spend_12m': {}}
        plain = self._count(lambda: partners.web_search_read(domain, spec, limit=80))
        ordered = self._count(
            lambda: partners.web_search_read(domain, spec, limit=80, order='retail_spend_12m desc')
        )
        self.assertLessEqual(ordered, plain)

    def test_deriving_writes_no_contact(self):
        """Never an UPDATE of ``res_partner`` for derived data (design 8)."""
        for partner in self.many[40:45]:
            self._create_order(partner, 10)
        self.env.flush_all()
        before = self._updates()
        self._process()
        self.profiles._refresh()
        self.assertEqual(self.many[40].retail_order_count, 1)
        self.env.flush_all()
        self.assertEqual(self._updates(), before)

    def _updates(self):
        """Return how many contacts this transaction has updated."""
        self.env.cr.execute(
            "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'res_partner'"
        )
        return self.env.cr.fetchone()[0]


@tagged('post_install', '-at_install', 'retail_crm')
class TestMerge(RetailCrmCommon):
    """Merging contacts: figures are those of all documents, nothing is lost, nothing
    fails (design 4.3).
    """

    def _merge(self, sources, destination):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((sources + destination).ids, destination, extra_checks=False)
        self._process()
        self.env.invalidate_all()

    def _persons(self, *amounts):
        persons = self.env['res.partner'].create(
            [{'name': f'Person {n}'} for n in range(len(amounts))]
        )
        for person, amount in zip(persons, amounts, strict=True):
            if amount:
                self._create_order(person, amount)
        self._process()
        return persons

    def _check(self, customer, amount, count, company=None):
        profile = self._profile_of(customer, company)
        self.assertEqual((profile.spend_total, profile.order_count), (amount, count))
        rows = self.purchases.search(
            [
                ('partner_id', '=', customer.id),
                ('company_id', '=', (company or self.company).id),
            ]
        )
        self.assertEqual((sum(rows.mapped('amount')), len(rows)), (amount, count))

    def test_two_persons(self):
        """Figures on both sides: the sum of both remains on one row (design 4.3)."""
        one, two = self._persons(10, 20)
        self._merge(one, two)
        self.assertFalse(one.exists())
        self._check(two, 30, 2)
        self.assertEqual(
            sum(self.purchases.search([('partner_id', '=', two.id)]).mapped('occasion')), 1
        )

    def test_three_persons_at_once(self):
        """Several sources at once, one of which never bought (design 4.3)."""
        one, two, three = self._persons(10, 0, 30)
        self._merge(one + two, three)
        self._check(three, 40, 2)

    def test_only_one_side_bought(self):
        """Figures come along when only the source bought, and stay when only the
        destination did (design 4.3).
        """
        one, two = self._persons(10, 0)
        self._merge(one, two)
        self._check(two, 10, 1)
        three, four = self._persons(0, 40)
        self._merge(three, four)
        self._check(four, 40, 1)

    def test_in_two_companies(self):
        """Profiles on both sides in two companies: each company has its own sum (design 4.3)."""
        one, two = self._persons(10, 20)
        for person, amount in ((one, 3), (two, 4)):
            self._create_order(person, amount, company_id=self.company_2.id)
        self._process()
        self._merge(one, two)
        self._check(two, 30, 2)
        self._check(two, 7, 2, self.company_2)

    def test_person_into_company(self):
        """A person who turns out to be a company's: its figures become the company's
        (design 4.3).
        """
        (one,) = self._persons(10)
        self._create_order(self.ann, 5)
        self._process()
        self._merge(one, self.acme)
        self._check(self.acme, 15, 2)

    def test_person_into_contact_of_a_company(self):
        """A person merged into a company's contact: its purchases are the company's
        (design 4.3).
        """
        (one,) = self._persons(10)
        self._create_order(self.acme, 5)
        self._process()
        self._merge(one, self.ann)
        self._check(self.acme, 15, 2)
        self.assertFalse(self._profile_of(self.ann))

    def test_contact_into_person(self):
        """A contact of a company merged into a person: core makes the person the company's contact (design 4.3)."""
        (one,) = self._persons(10)
        self._create_order(self.ann, 5)
        self._create_order(self.acme, 7)
        self._process()
        self._merge(self.ann, one)
        self.assertEqual(one.commercial_partner_id, self.acme)
        self._check(self.acme, 22, 3)
        self.assertFalse(self._profile_of(one))

    def test_two_companies_with_contacts(self):
        """Two companies with contacts: all purchases of all contacts are the
        remaining company's (design 4.3).
        """
        other = self.env['res.partner'].create({'name': 'Acme Ltd', 'is_company': True})
        child = self.env['res.partner'].create({'name': 'Child', 'parent_id': other.id})
        for partner, amount in ((self.acme, 1), (self.ann, 2), (other, 4), (child, 8)):
            self._create_order(partner, amount)
        self._process()
        self._merge(other, self.acme)
        self._check(self.acme, 15, 4)
        self.assertEqual(child.commercial_partner_id, self.acme)

    def test_merge_equals_rebuild(self):
        """After merges the rows are those of a derivation from nothing (design 4.2)."""
        one, two, three = self._persons(10, 20, 30)
        self._create_order(self.ann, 5)
        self._process()
        self._merge(one, two)
        self._merge(three, self.ann)
        before = self._content()
        self.env.cr.execute('DELETE FROM retail_purchase')
        self.purchases._fill_all()
        # by the limits that were in force: a run over all would measure new ones
        self.profiles._refresh(self.env['res.partner'].search([]))
        self.assertEqual(self._content(), before)

    def _content(self):
        self.env.flush_all()
        content = []
        for table, key in (
            ('retail_purchase', 'res_model, res_id'),
            ('retail_profile', 'partner_id, company_id'),
        ):
            self.env.cr.execute(f'SELECT * FROM {table} ORDER BY {key}')
            names = [column.name for column in self.env.cr.description]
            rows = [dict(zip(names, row, strict=True)) for row in self.env.cr.fetchall()]
            content.append(
                [{k: v for k, v in row.items() if k not in ('id', 'refresh_on')} for row in rows]
            )
        return content

    def test_unique_models_are_merged(self):
        """Every model of ours with a unique key on a customer merges its rows before
        core does (design 4.3).
        """
        wizard = self.env['base.partner.merge.automatic.wizard']
        named = wizard._retail_unique_models()
        for name in named:
            self.assertTrue(callable(getattr(self.env[name], '_merge_partners', None)), name)
        self.assertEqual(set(self._models_unique_on_customers()) - set(named), set())
        self.assertIn('retail.profile', self._models_unique_on_customers())

    def _models_unique_on_customers(self):
        """Walk the registry: models of ours whose unique constraint or index names a
        many2one to contacts.
        """
        found = []
        for name, model in self.env.registry.items():
            if not name.startswith('retail.') or model._abstract or model._transient:
                continue
            contacts = {
                field.name
                for field in model._fields.values()
                if field.store and field.type == 'many2one' and field.comodel_name == 'res.partner'
            }
            for unique in model._table_objects.values():
                definition = unique.get_definition(self.env.registry).lower()
                is_unique = isinstance(unique, models.UniqueIndex) or definition.startswith(
                    'unique'
                )
                words = set(
                    definition.replace('(', ' ').replace(')', ' ').replace(',', ' ').split()
                )
                if is_unique and contacts & words:
                    found.append(name)
        return found


@tagged('post_install', '-at_install', 'retail_crm')
class TestMoveAndDelete(RetailCrmCommon):
    def test_person_becomes_contact_and_leaves_again(self):
        """Purchases follow the person into a company and back; both have the right
        figures (design 4.3).
        """
        self._create_order(self.bob, 10)
        self._create_order(self.acme, 5)
        self._process()
        self.bob.parent_id = self.acme
        self._process()
        self.assertEqual(self._profile_of(self.acme).spend_total, 15)
        self.assertFalse(self._profile_of(self.bob))
        self.bob.parent_id = False
        self._process()
        self.assertEqual(self._profile_of(self.acme).spend_total, 5)
        self.assertEqual(self._profile_of(self.bob).spend_total, 10)

    def test_contact_moves_to_another_company(self):
        """Purchases follow the contact to his new employer (design 4.3)."""
        other = self.env['res.partner'].create({'name': 'Other', 'is_company': True})
        self._create_order(self.ann, 10)
        self._process()
        self.ann.parent_id = other
        self._process()
        self.assertFalse(self._profile_of(self.acme))
        self.assertEqual(self._profile_of(other).spend_total, 10)

    def test_contact_becomes_a_company(self):
        """A contact that becomes a company of its own takes its purchases along (design 4.3)."""
        self._create_order(self.ann, 10)
        self._create_order(self.acme, 5)
        self._process()
        self.ann.is_company = True
        self._process()
        self.assertEqual(self._profile_of(self.ann).spend_total, 10)
        self.assertEqual(self._profile_of(self.acme).spend_total, 5)

    def test_company_moves_under_another_with_its_contacts(self):
        """Contacts of contacts follow as well (design 4.3)."""
        self._create_order(self.ann, 10)
        self._process()
        self.acme.write({'is_company': False, 'parent_id': self.bob.id})
        self._process()
        self.assertEqual(self.ann.commercial_partner_id, self.bob)
        self.assertEqual(self._profile_of(self.bob).spend_total, 10)
        self.assertFalse(self._profile_of(self.acme))

    def test_delete_contact_without_documents(self):
        """A contact without documents is deleted as before (design 2)."""
        self.bob.unlink()
        self._process()
        self.assertFalse(self.bob.exists())

    def test_delete_contact_with_derived_rows_only(self):
        """Derived rows are no reason to keep a contact whose documents are gone (design 2)."""
        order = self._create_order(self.bob, 10)
        self._process()
        order._action_cancel()
        order.unlink()
        self.bob.unlink()
        self.env.flush_all()
        self.assertFalse(self.purchases.search([('partner_id', '=', self.bob.id)]))
        self._process()
        self.assertFalse(self._emitted_failures())

    def _emitted_failures(self):
        return self.moments.search([('listener', '!=', False)])

    @mute_logger('odoo.sql_db')
    def test_delete_customer_with_orders_is_refused(self):
        """A customer with orders can't be deleted, as in core, and keeps his rows (design 2)."""
        order = self._create_order(self.bob, 10)
        self._process()
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.bob.unlink()
            self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self._purchase_of(order).amount, 10)
        self.assertEqual(self._profile_of(self.bob).spend_total, 10)
