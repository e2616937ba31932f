"""The time line of a customer: everything, once, in order, for those who may see it; channels and habits in words."""

from ast import literal_eval
from collections import Counter
from datetime import date, datetime, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from .common import RetailCrmCommon


class TimelineCase(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'UTC'
        cls._no_rebuild()
        cls.timeline = cls.env['retail.timeline']
        cls.counter, cls.phone, cls.wechat, cls.sms = (
            cls.env.ref(f'retail_crm.retail_channel_{code}')
            for code in ('counter', 'phone', 'wechat', 'sms')
        )
        cls.store = cls.env['crm.team'].create(
            {'name': 'North', 'retail_is_store': True, 'company_id': cls.company.id}
        )
        cls.clerk = cls.users['user']

    @classmethod
    def _touch(cls, partner, kind='visit', **values):
        return cls.env['retail.touch'].create({'partner_id': partner.id, 'kind': kind, **values})

    def _rows(self, partner, **kwargs):
        """Return the time line of a customer as staff see it, newest first."""
        self._process()
        self.timeline.invalidate_model()
        rows = self.timeline.with_user(self.clerk)
        return rows.search([('partner_id', '=', partner.commercial_partner_id.id)], **kwargs)


@tagged('post_install', '-at_install', 'retail_crm')
class TestTimeline(TimelineCase):
    @freeze_time('2026-05-20 10:00:00')
    def test_everything_in_order_of_time(self):
        """Purchases, quotations, contacts, consents and class changes stand in one list, newest first
        (S-CHN-02, S-CUS-28, S-CUS-02).
        """
        self._touch(self.bob, 'call_in', date='2026-05-01 09:00:00', note='Asks for tea\nand cups')
        order = self._create_order(
            self.bob, 100, '2026-05-10 15:00:00', team_id=self.store.id, user_id=self.clerk.id
        )
        quotation = self._create_order(self.bob, 30, confirm=False)
        quotation.date_order = '2026-05-15 08:00:00'
        self.env['retail.consent.text'].sudo().search([]).unlink()
        self.env['retail.consent']._record(
            self.bob, {('marketing', self.sms): False}, 'shop', date='2026-05-16 08:00:00'
        )
        rows = self._rows(self.bob)
        told = [(row.kind, row.date, row.summary) for row in rows if row.kind != 'class_change']
        self.assertEqual(
            told,
            [
                ('consent', datetime(2026, 5, 16, 8), 'Marketing, SMS: Withdrawn'),
                ('quotation', datetime(2026, 5, 15, 8), f'{quotation.name}: Goods'),
                ('purchase', datetime(2026, 5, 10, 15), f'{order.name}: Goods'),
                ('call_in', datetime(2026, 5, 1, 9), 'Asks for tea'),
            ],
        )
        self.assertEqual(rows.mapped('date'), sorted(rows.mapped('date'), reverse=True))
        purchase = rows.filtered(lambda row: row.kind == 'purchase')
        self.assertEqual(
            (purchase.amount, purchase.store_id, purchase.channel_id, purchase.user_id),
            (100, self.store, self.counter, self.clerk),
        )
        changes = rows.filtered(lambda row: row.kind == 'class_change')
        logged = self.env['retail.profile.change'].search([('partner_id', '=', self.bob.id)])
        self.assertEqual(sorted(changes.mapped('res_id')), sorted(logged.ids))
        self.assertIn('Ladder: Purchaser (Purchase)', changes.mapped('summary'))

    def test_each_document_is_shown_once(self):
        """An order is a quotation or a purchase, never both; cancelled ones say so, and under invoices an order waits
        as order (design 4.2).
        """
        order = self._create_order(self.bob, 100, confirm=False)

        def kinds():
            rows = self._rows(self.bob)
            return [row.kind for row in rows if row.res_id == order.id or row.kind == 'purchase']

        self.assertEqual(kinds(), ['quotation'])
        order.action_confirm()
        self.assertEqual(kinds(), ['purchase'])
        order._action_cancel()
        self.assertEqual(kinds(), ['quotation'])
        [row] = self._rows(self.bob).filtered(lambda row: row.kind == 'quotation')
        self.assertEqual(row.summary, f'{order.name} (Cancelled): Goods')
        self.company.retail_purchase_basis = 'invoice'
        order.action_draft()
        order.action_confirm()
        self.assertEqual(kinds(), ['order'])

    def test_ids_are_unique_and_lead_back(self):
        """Ids are unique over all sources, fit into a browser's numbers, and are found again (style 2)."""
        self._touch(self.bob)
        self._create_order(self.bob, 100, '2026-01-10')
        self._create_order(self.bob, 10, confirm=False)
        rows = self._rows(self.bob)
        self.assertEqual(len(set(rows.ids)), len(rows))
        self.assertGreaterEqual(len(set(rows.mapped('source'))), 4)
        self.assertLess((2**31 - 1) * 64 + 63, 2**53)
        self.timeline.invalidate_model()
        for row in rows:
            again = self.timeline.with_user(self.clerk).browse(row.id)
            again.invalidate_recordset()
            self.assertEqual(
                (again.partner_id, again.row_id, again.source),
                (self.bob, row.row_id, row.source),
            )
        found = self.timeline.search([('id', 'in', rows.ids[:2])])
        self.assertEqual(found.ids, rows.ids[:2])
        self.assertEqual(self.timeline.search([('id', '=', rows.ids[0])]).ids, rows.ids[:1])
        others = self.timeline.search(
            [('partner_id', '=', self.bob.id), ('id', 'not in', rows.ids[:2])]
        )
        self.assertEqual(others.ids, rows.ids[2:])
        self.assertFalse(self.timeline.search([('id', 'in', [])]))

    def test_contacts_of_a_company_belong_to_it(self):
        """What happened with the contacts of a company stands in its time line, with their names (design 4.3)."""
        self._touch(self.ann)
        quotation = self._create_order(self.ann, 10, confirm=False)
        rows = self._rows(self.acme)
        self.assertEqual(rows.partner_id, self.acme)
        self.assertEqual(rows.filtered(lambda row: row.res_id == quotation.id).contact_id, self.ann)
        action = self.ann.with_user(self.clerk).action_retail_timeline()
        self.assertEqual(self.timeline.search(action['domain']), rows)

    def test_archived_customers_keep_their_history(self):
        """Archiving a customer deletes nothing from the time line (S-CUS-28)."""
        self._touch(self.bob)
        self._create_order(self.bob, 100, '2026-01-10')
        before = self._rows(self.bob)
        self.assertGreaterEqual(len(before), 3)
        self.bob.action_archive()
        self.assertEqual(self._rows(self.bob), before)

    def test_merged_customers_have_one_time_line(self):
        """After a merge the history of both stands in one list (S-CUS-28)."""
        cat = self.env['res.partner'].create({'name': 'Cat'})
        touch, order = self._touch(cat), self._create_order(self.bob, 100, '2026-01-10')
        self._process()
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            (cat + self.bob).ids, self.bob
        )
        documents = [(row.res_model, row.res_id) for row in self._rows(self.bob)]
        self.assertIn(('retail.touch', touch.id), documents)
        self.assertIn(('sale.order', order.id), documents)

    def test_companies(self):
        """Rows belong to the main company: its branches see them, other companies do not (design 4.2, 7)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        clerk = new_test_user(
            self.env,
            login='retail_branch',
            groups='retail_crm.group_user',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        self._touch(self.bob, company_id=branch.id)
        here = self._rows(self.bob)
        self.assertEqual(here.company_id, self.company)
        self._touch(self.bob, company_id=self.company_2.id)
        self._create_order(self.bob, 10, company_id=self.company_2.id, confirm=False)
        self.assertEqual(
            self._rows(self.bob).filtered(lambda row: row.kind != 'class_change'),
            here.filtered(lambda row: row.kind != 'class_change'),
        )
        env = self.env(user=clerk, context={'allowed_company_ids': branch.ids})
        rows = env['retail.timeline'].search([('partner_id', '=', self.bob.id)])
        self.assertIn('visit', rows.mapped('kind'))
        self.assertEqual(rows.sudo().company_id.ids, self.company.ids)
        there = self.timeline.search(
            [('partner_id', '=', self.bob.id), ('company_id', '=', self.company_2.id)]
        )
        self.assertTrue(there)
        with self.assertRaises(AccessError):
            env['retail.timeline'].browse(there.ids).read(['kind'])

    def test_amounts_are_in_the_company_currency(self):
        """A quotation in another currency is shown in the company's (design 4.2)."""
        eur = self.setup_other_currency('EUR', rates=[('2020-01-01', 0.5)])
        euros = self.env['product.pricelist'].create({'name': 'Euros', 'currency_id': eur.id})
        quotation = self._create_order(self.bob, 30, confirm=False, pricelist_id=euros.id)
        [row] = self._rows(self.bob).filtered(lambda row: row.res_id == quotation.id)
        self.assertEqual(row.currency_id, self.company.currency_id)
        self.assertAlmostEqual(row.amount, 60)

    def test_products_are_named_shortly(self):
        """A purchase names its first products and how many more there are (S-CUS-10)."""
        order = self._create_order(self.bob, 10, confirm=False)
        for number in range(4):
            product = self._create_product(f'Cup {number}', 1)
            order.order_line = [Command.create({'product_id': product.id})]
        order.action_confirm()
        [row] = self._rows(self.bob).filtered(lambda row: row.kind == 'purchase')
        self.assertEqual(row.summary, f'{order.name}: Goods, Cup 0, Cup 1 and 2 more')

    def test_rows_open_their_documents(self):
        """A click opens the document, for staff who may see it (S-CHN-02)."""
        touch = self._touch(self.bob)
        [row] = self._rows(self.bob).filtered(lambda row: row.kind == 'visit')
        action = row.action_open_document()
        self.assertEqual((action['res_model'], action['res_id']), ('retail.touch', touch.id))

    def test_reading_costs_no_query_a_row(self):
        """The list of many rows costs as many queries as that of a few (style 2, rule 2)."""
        spec = {'date': {}, 'kind': {}, 'summary': {}, 'amount': {}, 'partner_id': {'fields': {}}}
        counts = []
        for number in (1, 20):
            for _count in range(number):
                self._touch(self.bob, note='Tea')
                self._create_order(self.bob, 10, '2026-01-10')
                self._create_order(self.bob, 10, confirm=False)
            self._process()
            for _warm in range(2):
                self.env.invalidate_all()
                start = self.cr.sql_log_count
                self.timeline.web_search_read([('partner_id', '=', self.bob.id)], spec, limit=80)
                cost = self.cr.sql_log_count - start
            counts.append(cost)
        self.assertLessEqual(counts[1], counts[0] + 1)

    def test_one_customer_reads_his_rows_only(self):
        """The condition on the customer reaches each source: none is read as a whole (issue: speed)."""
        self._process()
        query = self.timeline._search([('partner_id', '=', self.bob.id)])
        with self.cr.savepoint() as savepoint:
            # few rows are read as a whole anyway: asked is whether an index could be used
            self.cr.execute('SET LOCAL enable_seqscan = off')
            plan = [row for (row,) in self.env.execute_query(SQL('EXPLAIN %s', query.select()))]
            savepoint.rollback()
        for line in plan:
            for table in ('retail_purchase', 'sale_order', 'retail_touch', 'retail_profile_change'):
                self.assertNotIn(f'Seq Scan on {table}', line)
        self.assertFalse([line for line in plan if 'Filter:' in line and 'commercial' in line])

    def test_channels_used_reads_purchases_and_contacts_only(self):
        """Channels of all customers are counted without reading every order (issue: speed)."""
        self._touch(self.bob)
        self._create_order(self.bob, 10, '2026-01-10', team_id=self.store.id)
        quotation = self._create_order(self.bob, 10, '2026-01-10', confirm=False)
        quotation.team_id = self.store
        self._process()
        action = self.env.ref('retail_crm.retail_timeline_action_channels')
        domain = [*literal_eval(action.domain), ('partner_id', '=', self.bob.id)]
        self.assertEqual(set(self.timeline.search(domain).mapped('source')), {'purchase', 'touch'})
        query = self.timeline._search(literal_eval(action.domain)).select()
        plan = [row for (row,) in self.env.execute_query(SQL('EXPLAIN %s', query))]
        self.assertFalse([line for line in plan if ' quotation' in line or ' consent' in line])
        self.assertTrue([line for line in plan if 'retail_purchase' in line])

    def test_report_by_channel(self):
        """The time line is counted by channel and kind (S-CHN-17)."""
        self._touch(self.bob)
        self._touch(self.bob, 'call_in')
        self._create_order(self.bob, 10, '2026-01-10', team_id=self.store.id)
        self._process()
        rows = self.timeline.with_user(self.clerk)._read_group(
            [('partner_id', '=', self.bob.id), ('channel_id', '!=', False)],
            ['channel_id', 'kind'],
            ['__count'],
        )
        self.assertEqual(
            {(channel.code, kind): count for channel, kind, count in rows},
            {('counter', 'visit'): 1, ('phone', 'call_in'): 1, ('counter', 'purchase'): 1},
        )

    def test_who_may_see_it(self):
        """Staff and marketing open the time line, others are refused (design 7)."""
        for persona, user in self.users.items():
            customer = self.bob.with_user(user)
            with self.subTest(persona=persona):
                if persona in ('user', 'lead', 'manager', 'marketing'):
                    self.assertTrue(customer.action_retail_timeline())
                else:
                    with self.assertRaises(AccessError):
                        customer.action_retail_timeline()

    def test_later_areas_add_sources(self):
        """A further source shows in the list, with the words of the document when it has none of its own (hook)."""
        sources = type(self.timeline)._timeline_sources
        partner_id = self.bob.id

        def _timeline_sources(model):
            return {
                **sources(model),
                'extra': SQL(
                    """SELECT 7, %s, NULL::int, %s, timestamp '2026-03-01', date '2026-03-01', 'event', NULL, NULL, NULL,
                              NULL, 'T7', 'res.partner', 7""",
                    partner_id,
                    self.company.id,
                ),
            }

        self.patch(type(self.timeline), '_timeline_sources', _timeline_sources)
        [row] = self._rows(self.bob).filtered(lambda row: row.source == 'extra')
        self.assertEqual((row.kind, row.summary, row.row_id), ('event', 'T7', 7))


@tagged('post_install', '-at_install', 'retail_crm')
class TestHabits(TimelineCase):
    """What is told about a customer on his page, against plain Python."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Category = cls.env['product.category']
        cls.categories = Category.create(
            [{'name': name} for name in ('Tea', 'Cups', 'Books', 'Hats')]
        )
        cls.excluded = Category.create({'name': 'Bags', 'retail_excluded': True})
        cls.handles = Category.create({'name': 'Handles', 'parent_id': cls.excluded.id})
        cls.products = [
            cls._create_product(category.name, 10, categ_id=category.id)
            for category in [*cls.categories, cls.excluded, cls.handles]
        ]
        cls.marked = cls._create_product('Fee', 10, categ_id=cls.categories[0].id)
        cls.marked.retail_excluded = True
        cls.guides = [
            new_test_user(cls.env, login=f'retail_guide_{number}', groups='retail_crm.group_user')
            for number in range(3)
        ]
        cls.today = cls.company._retail_today()

    def _sell(self, partner, day, guide, products):
        order = self.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'user_id': guide.id if guide else False,
                'team_id': self.store.id,
                'order_line': [Command.create({'product_id': product.id}) for product in products],
            }
        )
        order.action_confirm()
        order.date_order = datetime(day.year, day.month, day.day, 12)
        return order

    def _expected(self, orders):
        """Return (names of the top categories, the usual guide) of orders, by hand."""
        lines, last, served, latest = Counter(), {}, Counter(), {}
        for order in orders:
            day = order.date_order.date()
            if self.today - relativedelta(months=24) < day <= self.today:
                for line in order.order_line:
                    product = line.product_id
                    if product.categ_id in self.categories and product != self.marked:
                        lines[product.categ_id] += 1
                        last[product.categ_id] = max(last.get(product.categ_id, day), day)
            if self.today - relativedelta(months=12) < day <= self.today and order.user_id:
                served[order.user_id] += 1
                key = (day, order.id)
                latest[order.user_id] = max(latest.get(order.user_id, key), key)
        top = sorted(lines, key=lambda one: (-lines[one], -last[one].toordinal(), one.id))[:3]
        guide = max(served, key=lambda user: (served[user], latest[user]), default=None)
        return [category.name for category in top], guide

    def test_top_categories_and_guide_against_plain_python(self):
        """The three categories bought most often in 24 months and who served most often in 12 (S-CUS-09, S-CUS-29)."""
        plans = {
            self.bob: [
                (1, 0, [0, 1]),
                (40, 1, [0, 2, 4]),
                (200, 1, [3, 3, 5]),
                (380, 2, [2, 3]),
                (500, 2, [2]),
                (900, 2, [1, 1, 1, 1]),
            ],
            self.acme: [(30, 0, [1]), (20, 1, [2]), (10, None, [3])],
            self.ann: [(5, 2, [1])],
        }
        orders = {}
        for partner, sales in plans.items():
            for days, guide, numbers in sales:
                order = self._sell(
                    partner,
                    self.today - timedelta(days=days),
                    None if guide is None else self.guides[guide],
                    [*(self.products[number] for number in numbers), self.marked],
                )
                orders.setdefault(partner.commercial_partner_id, []).append(order)
        self._process()
        profiles = self._profile_of(self.bob) | self._profile_of(self.acme)
        for partner in (self.bob, self.acme, self.ann):
            names, guide = self._expected(orders[partner.commercial_partner_id])
            self.assertTrue(names and guide)
            with self.subTest(partner=partner.name):
                seen = partner.with_user(self.clerk)
                self.assertEqual(seen.retail_top_categories, ', '.join(names))
                self.assertEqual(seen.retail_usual_guide, guide.name)
                profile = profiles.filtered(
                    lambda one, partner=partner: one.partner_id == partner.commercial_partner_id
                )
                self.assertEqual(profile.top_category_ids.mapped('name'), names)
                self.assertEqual(profile.usual_guide_id, guide)

    def test_the_last_of_equals_is_the_usual_guide(self):
        """Of guides who served equally often, the one of the last purchase is the usual one (S-CUS-29)."""
        first, second, _third = self.guides
        self._sell(self.bob, self.today - timedelta(days=9), first, self.products[:1])
        self._sell(self.bob, self.today - timedelta(days=3), second, self.products[:1])
        self._process()
        self.assertEqual(self._profile_of(self.bob).usual_guide_id, second)
        order = self._sell(self.bob, self.today - timedelta(days=1), first, self.products[:1])
        self._process()
        profile = self._profile_of(self.bob)
        profile.invalidate_recordset()
        self.assertEqual(profile.usual_guide_id, first)
        order._action_cancel()
        self._process()
        profile.invalidate_recordset()
        self.assertEqual(profile.usual_guide_id, second, 'cancelled orders do not count')

    def test_invoices_as_purchases(self):
        """Where invoices are the purchases, their lines tell the categories (design 4.2)."""
        if not self.company.chart_template:
            self.env['account.chart.template'].try_loading('generic_coa', self.company)
        self.company.retail_purchase_basis = 'invoice'
        order = self._sell(self.bob, self.today, self.guides[0], self.products[:2])
        self._create_invoice(order)
        self._process()
        profile = self._profile_of(self.bob)
        self.assertEqual(sorted(profile.top_category_ids.mapped('name')), ['Cups', 'Tea'])
        [row] = self._rows(self.bob).filtered(lambda row: row.kind == 'purchase')
        self.assertIn('Tea, Cups', row.summary)

    def test_habits_come_from_the_last_purchases(self):
        """Of a contact with endless purchases only the last ones are read, so that the form opens (design 8)."""
        for days, number in [(30, 0), (20, 1), (10, 2)]:
            guide = self.guides[number]
            self._sell(
                self.bob, self.today - timedelta(days=days), guide, [self.products[number]] * 2
            )
        self._process()
        module = 'odoo.addons.retail_crm.models.customer.retail_profile_habit'
        with patch(f'{module}.MOST_PURCHASES', 2):
            self.assertEqual(self.bob.retail_top_categories, 'Books, Cups')
            self.assertEqual(self.bob.retail_channels_used, 'Mostly Counter (2)')
        self.bob.invalidate_recordset()
        self.assertEqual(self.bob.retail_channels_used, 'Mostly Counter (3)')

    def test_strangers_have_no_habits(self):
        """Somebody of whom nothing is known has none, and the form of a new contact works (empty case)."""
        for partner in (self.bob, self.env['res.partner'].new({'name': 'Nobody yet'})):
            self.assertFalse(partner.retail_top_categories)
            self.assertFalse(partner.retail_usual_guide)
            self.assertFalse(partner.retail_channels_used)
        self._touch(self.bob)
        self._process()
        self.assertFalse(self._profile_of(self.bob).top_category_ids)
        self.assertFalse(self._profile_of(self.bob).usual_guide_id)

    def test_other_companies_do_not_count(self):
        """What was bought in another company tells nothing here (design 4.2)."""
        order = self._create_order(self.bob, 10, company_id=self.company_2.id)
        order.user_id = self.guides[0]
        self._touch(self.bob, company_id=self.company_2.id)
        self._process()
        self.assertFalse(self.bob.retail_top_categories)
        self.assertFalse(self.bob.retail_channels_used)
        there = self.bob.with_company(self.company_2)
        self.assertTrue(there.retail_channels_used)

    def test_two_queries_for_any_number(self):
        """Categories and guides of many profiles cost one query each (style 2, rule 2)."""
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(12)])
        for partner in partners:
            self._sell(partner, self.today, self.guides[0], self.products[:1])
        self._process()
        profiles = self.profiles.search([('partner_id', 'in', partners.ids)])
        profiles.mapped('partner_id')
        self.env.flush_all()
        start = self.cr.sql_log_count
        profiles.mapped('usual_guide_id.id')
        profiles.mapped('top_category_ids.id')
        self.assertLessEqual(self.cr.sql_log_count - start, 2)

    def test_channels_used_and_preferred(self):
        """Channels of purchases and contacts with their numbers, and the preferred one beside them (S-CHN-17)."""
        self.assertFalse(self.bob.retail_channels_used)
        self.bob.retail_preferred_channel_id = self.sms
        self.bob.invalidate_recordset()
        self.assertEqual(self.bob.retail_channels_used, 'Prefers SMS')
        for _number in range(2):
            self._sell(self.bob, self.today, self.guides[0], self.products[:1])
        self._touch(self.bob)
        self._touch(self.bob, 'message_in', channel_id=self.wechat.id)
        old = self._touch(self.bob, 'call_in')
        old.date = datetime(self.today.year - 3, 1, 1)
        self._process()
        self.bob.invalidate_recordset()
        self.assertEqual(
            self.bob.with_user(self.clerk).retail_channels_used,
            'Mostly Counter (3), WeChat / WeCom (1); prefers SMS',
        )
        self.bob.retail_preferred_channel_id = False
        self.bob.invalidate_recordset()
        self.assertEqual(self.bob.retail_channels_used, 'Mostly Counter (3), WeChat / WeCom (1)')

    def test_months_end(self):
        """The window of 24 months ends with the same day two years ago, not included (design 5.1)."""
        for day, counted in [(self.today - relativedelta(months=24), False), (self.today, True)]:
            with self.subTest(day=day):
                partner = self.env['res.partner'].create({'name': str(day)})
                self._sell(partner, day, self.guides[0], self.products[:1])
                self._process()
                self.assertEqual(bool(self._profile_of(partner).top_category_ids), counted)
        self.assertIsInstance(self.today, date)
