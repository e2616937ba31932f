"""Hot products and peak hours: the sales analysis by hour, weekday and class, against plain Python."""

from collections import Counter

import pytz

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

ZONE = 'Europe/Berlin'

#: Times of confirmation in UTC: midnight, both changes of the clock, the ends of months and years.
TIMES = (
    '2024-03-30 22:59:59',
    '2024-03-30 23:30:00',
    '2024-03-31 00:59:00',
    '2024-03-31 01:00:00',
    '2024-06-01 21:59:59',
    '2024-06-01 22:00:00',
    '2024-10-27 00:30:00',
    '2024-10-27 01:30:00',
    '2024-12-31 23:00:00',
    '2025-02-28 23:15:00',
)


@tagged('post_install', '-at_install', 'retail_crm')
class TestSaleReport(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = ZONE
        cls.report = cls.env['sale.report']
        cls.cup = cls._create_product('Cup', 5.0)
        cls.customers = cls.bob + cls.acme
        cls.sold = [('partner_id', 'in', (cls.customers + cls.ann).ids)]

    @classmethod
    def _create_order(cls, *args, **kwargs):
        order = super()._create_order(*args, **kwargs)
        cls.env.flush_all()  # core's report reads the database as it is
        return order

    @classmethod
    def _classify(cls, partner, company=None, **classes):
        """Give the customer these classes and no others."""
        cls._process()
        none = dict.fromkeys(cls.report._retail_class_fields().values(), False)
        cls._profile_of(partner, company).write({**none, **classes})
        cls.env.flush_all()

    def _hours(self, domain=()):
        return Counter(
            (row.retail_weekday, row.retail_hour)
            for row in self.report.search([*self.sold, *domain])
        )

    def _local(self, time, zone=ZONE):
        time = pytz.utc.localize(fields.Datetime.to_datetime(time)).astimezone(pytz.timezone(zone))
        return str(time.isoweekday()), f'{time.hour:02}'

    # === HOURS ===#

    def test_hours_are_those_of_the_company(self):
        """Weekday and hour are local, across midnight and both changes of the clock (S-CUS-27)."""
        for time in TIMES:
            self._create_order(self.bob, 10, time)
        self.assertEqual(self._hours(), Counter(self._local(time) for time in TIMES))
        self.assertEqual(self._local(TIMES[1]), ('7', '00'), 'Saturday in UTC, Sunday in Berlin')
        sunday = self.report.search([*self.sold, ('retail_weekday', '=', '7')])
        self.assertEqual(
            len(sunday), sum(self._local(time)[0] == '7' for time in TIMES), 'can be searched'
        )

    def test_each_company_has_its_zone(self):
        """Orders of several companies are each told by their own clock; a branch has its company's (S-CUS-27)."""
        time = '2024-06-01 22:30:00'
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        branch.resource_calendar_id = self.env['resource.calendar'].create(
            {'name': 'Elsewhere', 'tz': 'Pacific/Auckland'}
        )
        self.company_2.resource_calendar_id = self.env['resource.calendar'].create(
            {'name': 'Shanghai', 'tz': 'Asia/Shanghai'}
        )
        companies = {self.company: ZONE, branch: ZONE, self.company_2: 'Asia/Shanghai'}
        for company in companies:
            self._create_order(self.bob, 10, time, company_id=company.id)
        report = self.report.with_context(allowed_company_ids=[c.id for c in companies])
        for company, zone in companies.items():
            row = report.search([*self.sold, ('company_id', '=', company.id)])
            with self.subTest(company=company.name):
                self.assertEqual((row.retail_weekday, row.retail_hour), self._local(time, zone))

    def test_orders_per_hour(self):
        """Peak hours count each order once, however many lines it has (S-CUS-27)."""
        monday = '2024-07-01 08:10:00'
        two = self._create_order(self.bob, 10, monday)
        two.order_line = [Command.create({'product_id': self.cup.id, 'price_unit': 3})]
        self._create_order(self.acme, 20, '2024-07-01 08:50:00')
        self._create_order(self.acme, 20, '2024-07-02 15:00:00')
        groups = self.report.formatted_read_group(
            self.sold, ['retail_weekday', 'retail_hour'], ['order_reference:count_distinct']
        )
        found = [
            (g['retail_weekday'], g['retail_hour'], g['order_reference:count_distinct'])
            for g in groups
        ]
        self.assertEqual(found, [('1', '10', 2), ('2', '17', 1)])

    # === CLASSES ===#

    def test_products_by_class(self):
        """Units and revenue of a product by the class of those who bought equal a plain sum (S-CUS-27)."""
        sales = [
            (self.bob, self.cup, 2, 5.0),
            (self.bob, self.goods, 1, 40.0),
            (self.acme, self.cup, 7, 4.0),
            (self.ann, self.goods, 3, 10.0),  # Acme's contact
        ]
        for partner, product, quantity, price in sales:
            order = self._create_order(partner, 0, confirm=False)
            line = {'product_id': product.id, 'product_uom_qty': quantity, 'price_unit': price}
            order.order_line = [Command.clear(), Command.create(line)]
            order.action_confirm()
        self._classify(self.bob, lifecycle='new', abc_class='a', rfm_group='recent')
        self._classify(
            self.acme, lifecycle='mature', abc_class='a', coarse_class='loyal', star_class='gold'
        )
        for field, value, buyers in (
            ('retail_lifecycle', 'new', self.bob),
            ('retail_lifecycle', 'mature', self.acme + self.ann),
            ('retail_abc_class', 'a', self.bob + self.acme + self.ann),
            ('retail_coarse_class', 'loyal', self.acme + self.ann),
            ('retail_coarse_class', False, self.bob),
            ('retail_rfm_group', 'recent', self.bob),
            ('retail_star_class', 'gold', self.acme + self.ann),
            ('retail_star_class', 'meteor', self.env['res.partner']),
        ):
            expected = {}
            for partner, product, quantity, price in sales:
                if partner in buyers:
                    units, revenue = expected.get(product, (0, 0))
                    expected[product] = (units + quantity, revenue + quantity * price)
            groups = self.report._read_group(
                [*self.sold, (field, '=', value)],
                ['product_id'],
                ['product_uom_qty:sum', 'price_subtotal:sum'],
            )
            with self.subTest(field=field, value=value):
                self.assertEqual({product: (u, r) for product, u, r in groups}, expected)

    def test_classes_are_those_of_the_company_that_sold(self):
        """A customer can be new here and mature there; orders of a branch show the company's class (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        for company in (self.company, branch, self.company_2):
            self._create_order(self.bob, 10, '2024-07-01', company_id=company.id)
        stranger = self._create_order(self.ann, 5, '2024-07-01')
        self._classify(self.bob, lifecycle='new')
        self._classify(self.bob, self.company_2, lifecycle='mature')
        self._profile_of(self.acme).unlink()
        report = self.report.with_context(
            allowed_company_ids=(self.company + branch + self.company_2).ids
        )
        found = {
            row.company_id: row.retail_lifecycle
            for row in report.search(self.sold[:1])
            if row.partner_id == self.bob
        }
        self.assertEqual(found, {self.company: 'new', branch: 'new', self.company_2: 'mature'})
        row = report.search([('name', '=', stranger.name)])
        self.assertEqual((len(row), row.retail_lifecycle), (1, False), 'without profile, no class')
        clerk = new_test_user(
            self.env,
            login='retail_branch_lead',
            groups='retail_crm.group_lead',
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        mine = self.report.with_user(clerk).with_context(allowed_company_ids=branch.ids)
        self.assertEqual(mine.search(self.sold).mapped('retail_lifecycle'), ['new'])

    # === WHAT COUNTS ===#

    def test_only_what_counts_as_purchase(self):
        """Without delivery, deposits and gift cards the revenue is that of the purchases (design 4.2)."""
        deposit = self._create_product('Deposit', 2.0, retail_excluded=True)
        category = self.env['product.category'].create(
            {'name': 'Services', 'retail_excluded': True}
        )
        below = self.env['product.category'].create({'name': 'Sub', 'parent_id': category.id})
        service = self._create_product('Wrapping', 1.0, categ_id=below.id)
        order = self._create_order(self.bob, 30, '2024-07-01', confirm=False)
        order.order_line = [
            Command.create({'product_id': product.id}) for product in (deposit, service, self.cup)
        ]
        order.action_confirm()
        self._process()
        rows = self.report.search([*self.sold, ('retail_counts', '=', True)])
        self.assertEqual(rows.product_id, self.goods + self.cup)
        self.assertEqual(sum(rows.mapped('price_subtotal')), self._purchase_of(order).amount)
        others = self.report.search([*self.sold, ('retail_counts', '=', False)])
        self.assertEqual(others.product_id, deposit + service)
        self.assertEqual(set(rows.mapped('retail_counts')), {True})
        self.assertEqual(set(others.mapped('retail_counts')), {False})

    def test_nothing_is_left_out_without_rules(self):
        """Where nothing is marked, everything counts."""
        self._create_order(self.bob, 30)
        Purchase = type(self.purchases)
        self.patch(Purchase, '_sql_excluded_line', lambda self, alias: None)
        self.assertTrue(self.report.search([*self.sold, ('retail_counts', '=', True)]))
        self.assertFalse(self.report.search([*self.sold, ('retail_counts', '=', False)]))

    # === OTHERS' REPORT ===#

    def test_point_of_sale_leaves_our_columns_empty(self):
        """Other add-ons' rows join the report with NULL in our columns, as pos_sale does (its _fill_pos_fields)."""
        self._create_order(self.bob, 30, '2024-07-01')
        self.env.flush_all()
        ours = self.report._select_additional_fields()
        self.assertLessEqual(
            {'retail_weekday', 'retail_hour', *self.report._retail_class_fields()}, set(ours)
        )
        columns = [
            name for name in self.report._fields if self.report._fields[name].store and name != 'id'
        ]
        other = ', '.join(
            f'NULL AS {name}' if name in ours else f'report.{name}' for name in columns
        )
        query = self.report._query()
        self.env.cr.execute(
            f"""SELECT * FROM (
                SELECT id, {', '.join(columns)} FROM ({query}) AS report
                UNION ALL SELECT -id, {other} FROM ({query}) AS report
            ) AS both_channels WHERE partner_id = %s AND retail_hour IS NULL""",
            [self.bob.id],
        )
        self.assertEqual(len(self.env.cr.fetchall()), 1)

    def test_core_pays_nothing(self):
        """Reports that do not ask for classes do not read profiles: core's own counters cost what they did (design 8)."""
        for column, needed in (('product_uom_qty', False), ('retail_lifecycle', True)):
            query = self.report._search([('product_id', '=', self.goods.id)])
            plan = self.env.execute_query(
                SQL('EXPLAIN %s', query.select(SQL.identifier('sale_report', column)))
            )
            with self.subTest(column=column):
                self.assertEqual('retail_profile' in str(plan), needed)

    # === ACCESS ===#

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_who_sees_what_was_sold(self):
        """Leaders, managers and marketing see all sales of their companies; sellers their own, as in core (design 7)."""
        own = self._create_order(self.bob, 10, user_id=self.users['sales'].id)
        other = self._create_order(self.acme, 20, user_id=self.users['manager'].id)
        elsewhere = self._create_order(self.bob, 30, company_id=self.company_2.id)
        lead = self.users['lead']
        seller_and_lead = new_test_user(
            self.env,
            login='retail_selling_lead',
            groups='retail_crm.group_lead,sales_team.group_sale_salesman',
        )
        for user, expected in (
            (lead, own + other),
            (self.users['manager'], own + other),
            (self.users['marketing'], own + other),
            (seller_and_lead, own + other),
            (self.users['sales'], own),
        ):
            with self.subTest(user=user.login):
                rows = self.report.with_user(user).search_read(
                    [('name', 'in', (own + other + elsewhere).mapped('name'))],
                    ['name', 'partner_id', 'product_tmpl_id', 'price_subtotal', 'retail_lifecycle'],
                )
                self.assertEqual({row['name'] for row in rows}, set(expected.mapped('name')))
        for persona in ('user', 'internal', 'complaint', 'portal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.report.with_user(self.users[persona]).search([])

    def test_screens_open_for_leaders(self):
        """The views of both reports work for those whose menu they are in, without any right on orders (design 6, 7)."""
        self._create_order(self.bob, 10, user_id=self.users['manager'].id)
        for name in ('sale_report_action_product', 'sale_report_action_hour'):
            action = self.env.ref(f'retail_crm.{name}')
            for persona in ('lead', 'marketing'):
                env = self.env(user=self.users[persona], su=False)
                views = [(view or False, kind) for view, kind in action.views]
                views.append((action.search_view_id.id, 'search'))
                with self.subTest(action=name, persona=persona):
                    answer = call_kw(env['sale.report'], 'get_views', [views, {}], {})
                    self.assertEqual(set(answer['views']), {kind for _view, kind in views})
                    measure = 'order_reference:count_distinct'
                    for group in ('product_tmpl_id', 'retail_hour', 'retail_star_class'):
                        groups = call_kw(
                            env['sale.report'],
                            'formatted_read_group',
                            [self.sold, [group], [measure]],
                            {},
                        )
                        self.assertEqual([g[measure] for g in groups], [1])
                    rows = call_kw(
                        env['sale.report'],
                        'web_search_read',
                        [self.sold, {'name': {}, 'partner_id': {'fields': {'display_name': {}}}}],
                        {},
                    )
                    self.assertEqual(rows['records'][0]['partner_id']['display_name'], 'Bob')
