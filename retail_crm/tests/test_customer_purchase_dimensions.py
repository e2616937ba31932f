"""Orders as purchases: whose, where, when and with which margin (basis ``order``, design 4.2)."""

from datetime import date

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .purchase_common import PurchaseCase


@tagged('post_install', '-at_install')
class TestCustomerPurchaseDimensions(PurchaseCase):
    def test_contact_buys_for_its_company(self):
        """The customer is the commercial partner of the order's contact (design 4.2)."""
        order = self._create_order(self.ann, 100, '2024-03-10')
        self._assert_purchase(order, partner_id=self.acme)
        self.assertEqual(self._profile_of(self.acme).spend_total, 100)
        self.assertFalse(self._profile_of(self.ann))

    def test_contact_moves_to_another_company(self):
        """Purchases follow who the customer is now (design 4.2)."""
        order = self._create_order(self.ann, 100, '2024-03-10')
        self._process()
        other = self.env['res.partner'].create({'name': 'Other', 'is_company': True})
        self.ann.parent_id = other
        self._assert_purchase(order, partner_id=other)
        self.assertFalse(self._profile_of(self.acme))
        self.assertEqual(self._profile_of(other).order_count, 1)
        self.ann.parent_id = False
        self._assert_purchase(order, partner_id=self.ann)

    def test_company_becomes_part_of_another(self):
        """Contacts below a moved contact move as well (design 4.2)."""
        order = self._create_order(self.ann, 100, '2024-03-10')
        group = self.env['res.partner'].create({'name': 'Group', 'is_company': True})
        self._process()
        self.acme.write({'is_company': False, 'parent_id': group.id})
        self.assertEqual(self.ann.commercial_partner_id, group)
        self._assert_purchase(order, partner_id=group)

    def test_branch_and_second_company(self):
        """Rows carry the root company: a branch's purchases are the company's, another's are not
        (design 4.2).
        """
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        companies = self.company | branch | self.company_2
        self.env.user.company_ids |= companies
        everywhere = self.env(context={**self.env.context, 'allowed_company_ids': companies.ids})
        bob = self.bob.with_env(everywhere)
        orders = self.env['sale.order'].with_env(everywhere)
        for company, amount in zip(companies, (100, 50, 7), strict=True):
            orders |= everywhere['sale.order'].create(
                {
                    'partner_id': bob.id,
                    'company_id': company.id,
                    'date_order': '2024-03-10',
                    'order_line': [
                        Command.create({'product_id': self.goods.id, 'price_unit': amount})
                    ],
                }
            )
        orders.action_confirm()
        self._assert_purchase(orders[0], company_id=self.company, amount=100.0)
        self._assert_purchase(orders[1], company_id=self.company, amount=50.0)
        self._assert_purchase(orders[2], company_id=self.company_2, amount=7.0)
        self.assertEqual(self._profile_of(bob).spend_total, 150)
        self.assertEqual(self._profile_of(bob).order_count, 2)
        self.assertEqual(self._profile_of(bob, branch), self._profile_of(bob))
        self.assertEqual(self._profile_of(bob, self.company_2).spend_total, 7)
        self.assertEqual(bob.with_company(branch).retail_spend_total, 150)
        self.assertEqual(bob.with_company(self.company_2).retail_spend_total, 7)

    def test_store_and_channel(self):
        """The store is the document's team when that is a store; the channel is the team's (design
        4.2).
        """
        Team = self.env['crm.team']
        store = Team.create({'name': 'Mall', 'retail_is_store': True})
        counter = self.env.ref('retail_crm.retail_channel_counter')
        web = self.env['retail.channel'].create({'name': 'Web', 'code': 'test_web'})
        online = Team.create({'name': 'Online', 'retail_channel_id': web.id})
        bare = Team.create({'name': 'Wholesale'})
        none = self.env['retail.channel']
        for team, expected in (
            (store, (store, counter)),
            (online, (Team, web)),
            (bare, (Team, none)),
        ):
            order = self._create_order(self.bob, 10, team_id=team.id)
            self._assert_purchase(order, store_id=expected[0], channel_id=expected[1])

    def test_seller(self):
        """The seller of the document is who served (design 3)."""
        clerk = new_test_user(self.env, 'clerk_t', groups='sales_team.group_sale_salesman')
        self._assert_purchase(self._create_order(self.bob, 10, user_id=clerk.id), user_id=clerk)

    def test_margin_of_company_and_category(self):
        """Without recorded costs: the percentage of the nearest category above, else the company's
        (design 4.2).
        """
        Category = self.env['product.category']
        media = Category.create({'name': 'Media', 'retail_margin_percent': 40})
        books = Category.create({'name': 'Books', 'parent_id': media.id})
        rare = Category.create(
            {'name': 'Rare', 'parent_id': books.id, 'retail_margin_percent': 12.5}
        )
        other = Category.create({'name': 'Other'})
        book, rarity, mug = (
            self._create_product(category.name, 1, categ_id=category.id)
            for category in (books, rare, other)
        )
        order = self._create_lines(self.bob, (book, 100), (rarity, 10), (mug, 50))
        self._assert_purchase(order, amount=160.0, margin=40 + 1.25 + 15)
        self._create_invoice(order)
        self._create_note(40, order.order_line[0])
        self._assert_purchase(order, amount=120.0, margin=round(56.25 * 120 / 160, 2))

    def test_margin_percentage_of_the_company(self):
        """The percentage is a setting of the company; changing it asks for a rebuild
        (design 4.2).
        """
        order = self._create_order(self.bob, 10.01)
        self._assert_purchase(order, margin=3.0)
        self.company.retail_margin_percent = 45.5
        self.assertTrue(self.company.retail_rebuild_pending)
        self.purchases._sync({'sale.order': order.ids})
        self._assert_purchase(order, margin=4.55)

    # === WHEN ===

    def test_day_is_that_of_the_companys_zone(self):
        """23:30 UTC is the next day in Shanghai (design 4.2)."""
        self.company.resource_calendar_id.tz = 'Asia/Shanghai'
        for moment, day in (
            ('2024-02-28 15:59:59', date(2024, 2, 28)),
            ('2024-02-28 16:00:00', date(2024, 2, 29)),
            ('2024-02-29 23:30:00', date(2024, 3, 1)),
            ('2024-12-31 23:30:00', date(2025, 1, 1)),
        ):
            with self.subTest(moment=moment):
                self._assert_purchase(self._create_order(self.bob, 10, moment), date=day)

    def test_days_around_daylight_saving(self):
        """The offset is the one of that moment: UTC-4 in summer, UTC-5 in winter (design 4.2)."""
        self.company.resource_calendar_id.tz = 'America/New_York'
        for moment, day in (
            ('2026-03-08 04:30:00', date(2026, 3, 7)),  # the clock goes forward at 07:00 UTC
            ('2026-03-09 04:30:00', date(2026, 3, 9)),
            ('2026-11-01 04:30:00', date(2026, 11, 1)),  # and back at 06:00 UTC
            ('2026-11-02 04:30:00', date(2026, 11, 1)),
        ):
            with self.subTest(moment=moment):
                self._assert_purchase(self._create_order(self.bob, 10, moment), date=day)

    def test_zone_of_a_branch_is_the_companys(self):
        """A branch's purchases are dated where the company is (design 4.2)."""
        self.company.resource_calendar_id.tz = 'Asia/Shanghai'
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        calendar = self.env['resource.calendar'].create(
            {'name': 'Hawaii', 'tz': 'Pacific/Honolulu', 'company_id': branch.id}
        )
        branch.resource_calendar_id = calendar
        self.env.user.company_ids |= branch
        order = self._create_order(
            self.bob.with_company(branch), 10, '2024-02-29 23:30:00', company_id=branch.id
        )
        self._assert_purchase(order, date=date(2024, 3, 1), company_id=self.company)

    def test_purchases_of_one_day_are_one_occasion(self):
        """The first counting purchase of a day marks it, and only that (design 5.1)."""
        first, second, third = (
            self._create_order(self.bob, 10, f'2024-03-10 1{hour}:00:00') for hour in range(3)
        )
        other_day = self._create_order(self.bob, 10, '2024-03-11')
        other_customer = self._create_order(self.ann, 10, '2024-03-10')
        for order, occasion in (
            (first, True),
            (second, False),
            (third, False),
            (other_day, True),
            (other_customer, True),
        ):
            self._assert_purchase(order, occasion=occasion)
        profile = self._profile_of(self.bob)
        self.assertEqual((profile.order_count, profile.mean_gap_days), (4, 1))

    def test_returning_the_first_purchase_of_a_day_moves_the_mark(self):
        """Returned, cancelled, moved or edited away: the day stays one occasion (design 5.1)."""
        first, second, third = (
            self._create_order(self.bob, 10, f'2024-03-10 1{hour}:00:00') for hour in range(3)
        )
        refund = self._create_refund(self._create_invoice(first))
        self._assert_purchase(first, occasion=False, counts=False)
        self._assert_purchase(second, occasion=True)
        second.action_cancel()
        self._assert_no_purchase(second)
        self._assert_purchase(third, occasion=True)
        refund.button_draft()
        self._assert_purchase(first, occasion=True)
        self._assert_purchase(third, occasion=False)
        first.partner_id = self.acme
        self._assert_purchase(first, occasion=True)
        self._assert_purchase(third, occasion=True)

    def test_currency_without_any_rate(self):
        """It is taken one to one and flagged until a rate is recorded and applied (design 4.2)."""
        chf = self.setup_other_currency('CHF')
        francs = self.env['product.pricelist'].create({'name': 'Francs', 'currency_id': chf.id})
        order = self._create_order(self.bob, 100, '2024-03-10', pricelist_id=francs.id)
        home = self._create_order(self.bob, 100, '2024-03-10')
        self._assert_purchase(order, amount=100.0, rate_missing=True)
        self._assert_purchase(home, rate_missing=False)
        self.assertIn(
            self._purchase_of(order), self.purchases.search([('rate_missing', '=', True)])
        )
        chf.rate_ids = [Command.create({'name': '2020-01-01', 'rate': 0.8})]
        self._purchase_of(order).action_apply_rates()
        self._assert_purchase(order, amount=125.0, rate_missing=False)
        self.assertEqual(self._profile_of(self.bob).spend_total, 225)

    def test_rates_that_only_another_company_recorded(self):
        """Odoo does not use another company's rates, so they do not make a rate
        known (design 4.2).
        """
        chf = self.setup_other_currency('CHF')
        chf.rate_ids = [
            Command.create({'name': '2020-01-01', 'rate': 0.8, 'company_id': self.company_2.id})
        ]
        francs = self.env['product.pricelist'].create({'name': 'Francs', 'currency_id': chf.id})
        order = self._create_order(self.bob, 100, '2024-03-10', pricelist_id=francs.id)
        self._assert_purchase(order, amount=100.0, rate_missing=True)
