"""Referrals: counts, revenue, moments, guards and the report (S-LOY-27, S-CLV-12, S-SEG-06)."""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.purchase_common import PurchaseCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestReferral(PurchaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.friends = cls.env['res.partner'].create(
            [
                {'name': f'Friend {n}', 'retail_customer': True, 'retail_referrer_id': cls.bob.id}
                for n in range(3)
            ]
        )
        cls._no_rebuild()
        cls._process()
        cls.report = cls.env['retail.referral.report']

    def _figures(self, partner):
        self.env.flush_all()
        self.env.invalidate_all()
        return [
            partner.retail_referral_count,
            partner.retail_referral_buyer_count,
            partner.retail_referral_spend_total,
            partner.retail_referral_spend_12m,
        ]

    def _day(self, days):
        return f'{fields.Date.today() - timedelta(days=days)} 12:00:00'

    def test_count_and_revenue(self):
        """Referred customers, who of them bought, and what, net of returns, in all and in 12 months (S-LOY-27)."""
        self.assertEqual(self._figures(self.bob), [3, 0, 0, 0])
        self._create_order(self.friends[0], 100, self._day(10))
        old = self._create_order(self.friends[0], 30, self._day(500))
        order = self._create_order(self.friends[1], 70, self._day(5))
        self._create_order(self.acme, 1000, self._day(5))
        self._create_refund(self._create_invoice(order), 20)
        self._process()
        self.assertEqual(self._figures(self.bob), [3, 2, 180, 150])
        self.assertEqual(self._figures(self.acme), [0, 0, 0, 0])
        old._action_cancel()
        self._process()
        self.assertEqual(self._figures(self.bob)[2], 150)

    def test_companies_and_contacts(self):
        """A contact's referrals are those of the company; two contacts of one customer are one (design 5)."""
        self.friends[0].parent_id = self.friends[1]
        (self.friends[0] | self.friends[1]).retail_referrer_id = self.ann
        self._process()
        self._create_order(self.friends[0], 40, self._day(3))
        self._process()
        for partner in (self.ann, self.acme):
            self.assertEqual(self._figures(partner), [1, 1, 40, 40])
        self.assertEqual(self._figures(self.bob)[0], 1)

    def test_other_company(self):
        """What is bought in another company is its revenue; a customer of another company is none of ours (design 7)."""
        self._create_order(self.friends[0], 100, self._day(3), company_id=self.company_2.id)
        self.friends[1].company_id = self.company_2
        self._process()
        self.assertEqual(self._figures(self.bob), [2, 0, 0, 0])
        elsewhere = self.bob.with_company(self.company_2)
        self.assertEqual(self._figures(elsewhere), [3, 1, 100, 100])

    def test_search(self):
        """Who has referred somebody is found by a sub-select, also in the rule of a segment (S-SEG-06)."""
        partners = self.env['res.partner']
        ours = [('id', 'in', (self.bob | self.acme | self.friends).ids)]
        for domain, found in (
            ([('retail_referral_count', '>', 0)], self.bob),
            ([('retail_referral_count', '>=', 3)], self.bob),
            ([('retail_referral_count', '>', 3)], partners),
            ([('retail_referral_count', '=', 3)], self.bob),
            ([('retail_referral_count', '=', 0)], self.acme | self.friends),
            ([('retail_referral_count', '!=', 0)], self.bob),
            ([('retail_referral_count', '<', 4)], self.bob | self.acme | self.friends),
            ([('retail_referral_count', '=', False)], self.acme | self.friends),
        ):
            with self.subTest(domain=domain):
                self.assertEqual(partners.search(domain + ours), found.sorted())
        segment = self.env['retail.segment'].create(
            {'name': 'Advocates', 'domain': "[('retail_referral_count', '>=', 2)]"}
        )
        self.bob.retail_customer = True
        segment._recompute()
        self.assertIn(self.bob, segment._members().partner_id)
        self.assertNotIn(self.acme, segment._members().partner_id)
        with self.assertRaises(AccessError):
            partners.with_user(self.users['internal']).search([('retail_referral_count', '>', 0)])

    def test_one_query_for_many(self):
        """Counts of many contacts cost as many queries as those of one (design 8)."""
        partners = self.bob | self.acme | self.friends
        counts = []
        for group in (self.bob, partners):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            group.mapped('retail_referral_count')
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1)

    # === LADDER, MOMENT ===#

    def test_advocate(self):
        """Who referred somebody is an advocate, from the day it is recorded, and no more when it was a mistake (S-SEG-06)."""
        self._create_order(self.bob, 10, self._day(3))
        self._create_order(self.acme, 10, self._day(3))
        self._process()
        self.assertEqual(self._profile_of(self.bob).ladder, 'advocate')
        self.assertNotEqual(self._profile_of(self.acme).ladder, 'advocate')
        self.friends.retail_referrer_id = self.ann
        self._process()
        self.env.invalidate_all()
        self.assertNotEqual(self._profile_of(self.bob).ladder, 'advocate')
        self.assertEqual(self._profile_of(self.acme).ladder, 'advocate')

    def _told(self, partner):
        return self.moments.search(
            [('kind', '=', 'referral_purchased'), ('partner_id', '=', partner.id)]
        )

    def test_first_purchase_is_announced_once(self):
        """The first counted purchase of a referred customer is announced, no later one, and nobody else's (S-LOY-27)."""
        order = self._create_order(self.friends[0], 100)
        self._create_order(self.friends[1], 100)
        self._create_order(self.friends[1], 100)
        self._create_order(self.acme, 100)
        self._process()
        told = self._told(self.friends[0])
        self.assertEqual((told.company_id, told.res_model), (self.company, 'retail.purchase'))
        self.assertEqual(told.res_id, self._purchase_of(order).id)
        self.assertEqual(len(self._told(self.friends[1])), 1)
        self.assertFalse(self._told(self.acme))
        order.order_line[0].price_unit = 120
        self._create_order(self.friends[0], 100)
        self._process()
        self.assertEqual(len(self._told(self.friends[0])), 1)

    def test_old_customers_are_not_announced(self):
        """Whose referrer is entered later, and what is imported, is announced to nobody."""
        self._create_order(self.acme, 100, self._day(100))
        self._process()
        self.acme.retail_referrer_id = self.bob
        self._create_order(self.acme, 100)
        order = self._create_order(self.friends[0], 100, confirm=False)
        order.with_context(import_file=True).action_confirm()
        self._process()
        self.assertFalse(self._told(self.acme) | self._told(self.friends[0]))

    def test_archived_referrer(self):
        """A referrer who is gone is told nothing; what he brought stays."""
        self.bob.active = False
        self._create_order(self.friends[0], 100)
        self._process()
        self.assertFalse(self._told(self.friends[0]))
        self.assertEqual(self._figures(self.bob)[:2], [3, 1])

    # === GUARDS ===#

    def test_guards(self):
        """Nobody refers himself or by a contact, and no two refer each other (S-LOY-27)."""
        for partner, referrer in (
            (self.bob, self.bob),
            (self.acme, self.ann),
            (self.bob, self.friends[0]),
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                partner.retail_referrer_id = referrer
        self.friends[1].retail_referrer_id = self.friends[0]  # a chain is none

    def _merge(self, src, dst):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((src | dst).ids, dst)
        self._process()

    def test_merge(self):
        """Referrals go with the contact that is merged; two who would refer each other are left with one way."""
        twin = self.env['res.partner'].create({'name': 'Bob', 'retail_customer': True})
        self._merge(self.bob, twin)
        self.assertEqual(self.friends.retail_referrer_id, twin)
        self.assertEqual(self._figures(twin)[0], 3)
        # friend 0 came by the twin; who came by friend 0 turns out to be the twin
        other = self.env['res.partner'].create(
            {'name': 'Bob', 'retail_customer': True, 'retail_referrer_id': self.friends[0].id}
        )
        self._merge(other, twin)
        self.assertEqual(self.friends[0].retail_referrer_id, twin)
        self.assertFalse(twin.retail_referrer_id)

    def test_merge_of_referred(self):
        """Two referred customers who are one are one."""
        self._merge(self.friends[0], self.friends[1])
        self.assertEqual(self._figures(self.bob)[0], 2)

    # === REPORT ===#

    def test_report(self):
        """Each referred customer with first purchase and revenue; staff of the company see it (S-LOY-27)."""
        self._create_order(self.friends[0], 100, self._day(10))
        self._create_order(self.friends[0], 50, self._day(3))
        self._process()
        action = self.bob.with_user(self.users['user']).action_retail_referrals()
        rows = self.report.with_user(self.users['user']).search(
            [*action['domain'], ('company_id', '=', self.company.id)]
        )
        self.assertEqual(set(rows.partner_id.ids), set(self.friends.ids))
        bought = rows.filtered('has_bought')
        self.assertEqual(
            (bought.partner_id, bought.order_count, bought.spend_total),
            (self.friends[0], 2, 150),
        )
        self.assertEqual(str(bought.first_order_date), self._day(10)[:10])
        self.assertEqual(bought.action_open_partner()['res_id'], self.friends[0].id)
        self.assertIn('Bob', bought.display_name)
        for name in ('internal', 'portal'):
            with self.assertRaises(AccessError):
                self.report.with_user(self.users[name]).search([])
        with self.assertRaises(AccessError):
            self.bob.with_user(self.users['internal']).action_retail_referrals()

    def test_days_go_by(self):
        """What was bought more than 12 months ago leaves the last 12 months by itself."""
        self._create_order(self.friends[0], 100, self._day(1))
        self._process()
        self.assertEqual(self._figures(self.bob)[2:], [100, 100])
        with freeze_time(fields.Date.today() + timedelta(days=400)):
            self.profiles._refresh()
            self.assertEqual(self._figures(self.bob)[2:], [100, 0])

    def test_sort_and_group(self):
        """Customers are sorted and grouped by the number of those they referred."""
        self.friends[2].retail_referrer_id = self.acme
        partners = self.env['res.partner']
        domain = [('id', 'in', (self.bob | self.acme | self.friends[0]).ids)]
        self.assertEqual(
            partners.search(domain, order='retail_referral_count desc, id'),
            self.bob | self.acme | self.friends[0],
        )
        self.assertEqual(
            partners._read_group(domain, ['retail_referral_count'], ['__count']),
            [(0, 1), (1, 1), (2, 1)],
        )
