"""Classes as people see them: who has any, sentences, companies."""

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.class_common import ClassCase

ACCESS_LOGGERS = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')


@tagged('post_install', '-at_install', 'retail_crm')
class TestSignals(ClassCase):
    """Who is a customer before the first purchase (docs/classes.md, Ladder; S-SEG-02)."""

    def _assert_classes(self, partner, ladder, lifecycle='prospect'):
        self._process()
        profile = self._profile_of(partner)
        self.assertEqual((profile.ladder, profile.lifecycle), (ladder, lifecycle))
        return profile

    def _portal_user(self, **values):
        return new_test_user(
            self.env,
            login='client',
            groups='base.group_portal',
            company_id=self.shop.id,
            company_ids=self.shop.ids,
            **values,
        )

    def test_quotation(self):
        """A quotation makes a potential purchaser as soon as moments are worked on (docs/classes.md, Ladder)."""
        with freeze_time('2026-03-01 10:00:00'):
            self._create_order(self.dora, 10, confirm=False)
            profile = self._assert_classes(self.dora, 'prospect')
        self.assertEqual(profile.coarse_class, 'potential')
        self.assertEqual(profile.lifecycle_stage, 'introduction')
        self.assertEqual((profile.order_count, profile.churn_level), (0, 'none'))
        self.assertFalse(profile.rfm_group or profile.abc_class or profile.star_class)
        self.assertFalse(profile.first_order_date or profile.refresh_on)
        self.assertEqual(
            self._log(self.dora),
            [
                ('03-01', 'lifecycle', False, 'prospect', 'first', 'contact'),
                ('03-01', 'ladder', False, 'prospect', 'first', 'contact'),
            ],
        )

    def test_quotation_of_a_contact(self):
        """The quotation of a company's contact makes the company a potential purchaser (docs/classes.md, Ladder)."""
        self._create_order(self.ann, 10, confirm=False)
        self._assert_classes(self.acme, 'prospect')
        self.assertFalse(self._profile_of(self.ann))

    def test_deleted_quotation(self):
        """Of whom there was only a quotation that is deleted nothing is known any more (docs/classes.md, Ladder)."""
        orders = self._create_order(self.dora, 10, confirm=False)
        orders += self._create_order(self.dora, 20, confirm=False)
        self._assert_classes(self.dora, 'prospect')
        orders[0].unlink()
        self._assert_classes(self.dora, 'prospect')
        orders[1].unlink()
        self._process()
        self.assertFalse(self._profile_of(self.dora))

    def test_cancelled_quotation(self):
        """A cancelled quotation was an enquiry (docs/classes.md, Ladder)."""
        order = self._create_order(self.dora, 10, confirm=False)
        self._process()
        order._action_cancel()
        self.profiles._refresh(self.dora)
        self._assert_classes(self.dora, 'prospect')

    def test_portal_account(self):
        """A portal account is an interest, a quotation is more than that (docs/classes.md, Ladder)."""
        user = self._portal_user()
        profile = self._assert_classes(user.partner_id, 'potential')
        self.assertEqual(profile.coarse_class, 'potential')
        self._create_order(user.partner_id, 10, confirm=False)
        self._assert_classes(user.partner_id, 'prospect')
        self.assertEqual(
            [row[1:] for row in self._log(user.partner_id, 'ladder')][0],
            ('ladder', False, 'potential', 'first', 'contact'),
        )

    def test_account_of_an_archived_user(self):
        """An account that was closed is no interest any more (docs/classes.md, Ladder)."""
        user = self._portal_user()
        self._assert_classes(user.partner_id, 'potential')
        user.active = False
        self.profiles._refresh(user.partner_id)
        self.assertFalse(self._profile_of(user.partner_id))

    def test_nobody(self):
        """Visitors, suppliers, employees and our own companies are no customers, whatever they ask (docs/classes.md)."""
        visitor = self.env.ref('base.public_user').partner_id
        supplier = self.env['res.partner'].with_context(res_partner_search_mode='supplier')
        supplier = supplier.create({'name': 'Mill'})
        nobody = visitor + supplier + self.clerk.partner_id + self.shop.partner_id
        for partner in nobody:
            self._create_order(partner, 10, confirm=False)
        self._process()
        self.profiles._refresh()
        self.assertFalse(self.profiles.search([('partner_id', 'in', nobody.ids)]))
        self.assertFalse(self.changes.search([('partner_id', 'in', nobody.ids)]))

    def test_supplier_who_becomes_a_customer(self):
        """Of whom is flagged as customer later, quotations count at once (docs/classes.md, Ladder)."""
        self.dora.retail_customer = False
        self._create_order(self.dora, 10, confirm=False)
        self._process()
        self.assertFalse(self._profile_of(self.dora))
        self.dora.retail_customer = True
        self._assert_classes(self.dora, 'prospect')

    def test_from_enquiry_to_purchase_and_back(self):
        """A confirmed quotation makes a purchaser; given back as a whole it was an enquiry (docs/classes.md, Ladder)."""
        order = self._create_order(self.dora, 10, confirm=False)
        self._assert_classes(self.dora, 'prospect')
        order.action_confirm()
        self._assert_classes(self.dora, 'purchaser', 'new')
        self._create_refund(self._create_invoice(order))
        profile = self._assert_classes(self.dora, 'prospect')
        self.assertEqual(profile.order_count, 0)
        self.assertEqual(
            [row[2:] for row in self._log(self.dora, 'ladder')],
            [
                (False, 'prospect', 'first', 'contact'),
                ('prospect', 'purchaser', 'up', 'purchase'),
                ('purchaser', 'prospect', 'down', 'return'),
            ],
        )

    def test_cancelled_purchase(self):
        """A purchase that is cancelled was an enquiry; confirmed again it is one (docs/classes.md, Ladder)."""
        order = self._create_order(self.dora, 10)
        self._assert_classes(self.dora, 'purchaser', 'new')
        order._action_cancel()
        self._assert_classes(self.dora, 'prospect')
        order.action_draft()
        order.action_confirm()
        self._assert_classes(self.dora, 'purchaser', 'new')

    def test_confirmed_order_that_waits_for_its_invoice(self):
        """Where invoices are the purchases, a confirmed order is an enquiry until it is invoiced (docs/classes.md, Ladder)."""
        self.shop.retail_purchase_basis = 'invoice'
        self.shop.retail_rebuild_pending = False
        order = self._create_order(self.dora, 10)
        self._assert_classes(self.dora, 'prospect')
        self.profiles._refresh()
        self._assert_classes(self.dora, 'prospect')
        self._create_invoice(order)
        self._assert_classes(self.dora, 'purchaser', 'new')

    def test_quotation_of_another_companys_customer(self):
        """Customers of one company who ask another are potential purchasers of that, too (design 4.2)."""
        other = self.env['res.company'].create({'name': 'Other'})
        self._buy(self.dora, ('2026-03-01', 100))
        self.profiles._refresh(self.dora)
        self.assertFalse(self._profile_of(self.dora, other))
        self._create_order(self.dora, 10, confirm=False, company_id=other.id)
        self._process()
        self.assertEqual(self._profile_of(self.dora, other).ladder, 'prospect')
        self.assertEqual(self._profile_of(self.dora).ladder, 'purchaser')


@tagged('post_install', '-at_install', 'retail_crm')
class TestClassTexts(ClassCase):
    """What is said about a customer in words."""

    def _profile(self):
        self.env.invalidate_all()
        return self._profile_of(self.dora).with_user(self.clerk)

    def test_churn_reason(self):
        """The sentence has the customer's own figures and ages from day to day without being written (S-SEG-19)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-25')
        with freeze_time('2026-03-25 10:00:00'):
            self.assertEqual(self._profile().churn_reason, '')
        self._refresh(self.dora, '03-26')
        stored = self._stored()[self.dora.id]
        for day, ago, ratio in (('26', 15, '1.5'), ('27', 16, '1.6'), ('31', 20, '2.0')):
            with freeze_time(f'2026-03-{day} 10:00:00'):
                self.assertEqual(
                    self._profile().churn_reason,
                    f'Expected every 10 days, last purchase {ago} days ago: {ratio} times the interval.',
                )
                contact = self.dora.with_user(self.clerk)
                self.assertEqual(contact.retail_churn_reason, self._profile().churn_reason)
        self.assertEqual(self._stored()[self.dora.id], stored)

    def test_reason_of_falling(self):
        """Who falls has the purchases of both years and the change of the amount in the sentence (S-SEG-19)."""
        days = ('2024-08-01', '2024-10-01', '2024-12-01', '2025-02-01', '2025-04-01')
        self._buy(self.dora, *((day, 100) for day in (*days, '2025-08-01', '06-20')))
        self._refresh(self.dora, '06-30')
        falling = 'Falling: 2 purchases in 12 months, 5 in the 12 before; amount -60 %.'
        with freeze_time('2026-06-30 10:00:00'):
            self.assertEqual(self._profile().churn_reason, falling)
        # (688 + 2 x 10) / 8 = 88.5 days
        with freeze_time('2026-11-01 10:00:00'):
            self._refresh(self.dora, '2026-11-01')
            self.assertEqual(
                self._profile().churn_reason.splitlines(),
                [
                    'Expected every 88 days, last purchase 134 days ago: 1.5 times the interval. '
                    'Falling: 1 purchases in 12 months, 4 in the 12 before; amount -75 %.'
                ],
            )

    def test_reason_without_an_amount_before(self):
        """There is no percentage of nothing: only purchases are compared then (docs/classes.md, Trend)."""
        days = ('2024-08-01', '2024-10-01', '2024-12-01', '2025-02-01')
        self._buy(self.dora, *((day, 0) for day in days), ('06-20', 50))
        self._refresh(self.dora, '06-30')
        with freeze_time('2026-06-30 10:00:00'):
            self.assertEqual(
                self._profile().churn_reason,
                'Falling: 1 purchases in 12 months, 4 in the 12 before.',
            )

    def test_loyalty_text(self):
        """The five tests are listed with their weights, four of them as not measured yet (S-SEG-14)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-11')
        profile = self._profile()
        self.assertEqual(profile.loyalty_score, 50)
        self.assertEqual(
            profile.loyalty_text.splitlines(),
            [
                'Buys Repeatedly: 50 (weight 40)',
                'Gives Suggestions: not yet (weight 15)',
                'Follows New Products: not yet (weight 15)',
                'Recommends Us: not yet (weight 20)',
                'Rejects Competitors: not yet (weight 10)',
            ],
        )
        self.assertEqual(self.dora.with_user(self.clerk).retail_loyalty_text, profile.loyalty_text)

    def test_weights_are_those_in_force(self):
        """Weights are shown as the score was made with, also before they were ever applied (S-SEG-14)."""
        self.rules.weight_purchase = 80
        self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        self.assertIn('(weight 40)', self._profile().loyalty_text)
        self._refresh(None, '03-01')
        self.assertIn('(weight 80)', self._profile().loyalty_text)
        self.rules.applied = False
        self._refresh(self.dora, '03-01')
        self.assertNotIn('None', self._profile().loyalty_text)

    def test_clv_text(self):
        """The estimate is explained with the numbers that it was made of (S-SEG-15)."""
        self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        profile = self._profile()
        self.assertEqual(profile.clv_next_12m, 328.5)  # 30 x 365 / 10 x 0.3
        self.assertEqual(
            profile.clv_text,
            'Margin per purchase day x 365 / 10.0 days x 0.3 expected years = '
            f'{self.shop.currency_id.format(328.5)}',
        )
        self._refresh(self.dora, '2029-01-01')
        self.assertIn('x 0.0 expected years', self._profile().clv_text, 'lost')

    def test_clv_text_without_interval(self):
        """Where nobody has come back yet the estimate is part of the margin of the year (docs/classes.md, Value)."""
        self.env.cr.execute('DELETE FROM retail_purchase')
        self.env.invalidate_all()
        self._buy(self.dora, ('03-01', 100))
        self._refresh(None, '03-01')
        profile = self._profile()
        self.assertEqual((profile.interval_days, profile.clv_next_12m), (0, 9))
        self.assertEqual(
            profile.clv_text,
            f'Margin of the last 12 months x 0.3 expected years = {self.shop.currency_id.format(9)}',
        )

    def test_prospects_have_no_estimate(self):
        """Of whom has not bought nothing is estimated (docs/classes.md, Value)."""
        self._create_order(self.dora, 10, confirm=False)
        self._process()
        profile = self._profile()
        self.assertFalse(profile.clv_text or profile.loyalty_text or profile.churn_reason)


@tagged('post_install', '-at_install', 'retail_crm')
class TestClassCompanies(ClassCase):
    """Each root company classes its own customers, by its own rules (design 4.2)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env['res.company'].create({'name': 'Other'})
        cls.other.resource_calendar_id.tz = 'UTC'
        cls.branch = cls.env['res.company'].create({'name': 'Branch', 'parent_id': cls.shop.id})
        cls.env['res.company'].search([]).retail_rebuild_pending = False

    def _buy_in(self, company, partner, *purchases):
        orders = self._buy(partner, *purchases)
        orders.company_id = company
        self.purchases._sync({'sale.order': orders.ids})
        self._forget()

    def test_classes_are_apart(self):
        """A customer of two companies has a class in each, by the population and the rules of each (design 4.2)."""
        self._buy(self.dora, ('03-01', 100))
        self._buy_in(self.other, self.dora, ('03-01', 100))
        rules = self.env['retail.classification']._of_companies(self.other.ids)
        rules.write({'new_days': 5, 'loyal_orders': 1})
        self._refresh(None, '03-11')
        here, there = self._profile_of(self.dora), self._profile_of(self.dora, self.other)
        self.assertEqual((here.lifecycle, here.ladder), ('new', 'purchaser'))
        self.assertEqual((there.lifecycle, there.ladder), ('mature', 'loyal'))
        self.assertEqual((here.abc_class, there.abc_class), ('c', 'a'))
        self.assertEqual((here.interval_days, there.interval_days), (10, 0))
        self.assertTrue(there.is_high_value)
        self.assertFalse(here.is_high_value)
        self.assertEqual(self.rules.applied['new_days'], 90)
        self.assertEqual(rules.applied['new_days'], 5)
        for company, lifecycle in ((self.shop, 'new'), (self.other, 'mature')):
            contact = self.dora.with_context(allowed_company_ids=company.ids)
            self.assertEqual(contact.retail_lifecycle, lifecycle)
            found = contact.search([('retail_lifecycle', '=', lifecycle), ('id', '=', contact.id)])
            self.assertEqual(found, contact)

    def test_rules_of_one_company_wait_alone(self):
        """A changed rule asks for a run over all; the other company's classes stay as they are (design 4.2)."""
        self._buy(self.dora, ('03-01', 100))
        self._buy_in(self.other, self.dora, ('03-01', 100))
        self._refresh(None, '03-11')
        rules = self.env['retail.classification']._of_companies(self.other.ids)
        self.assertEqual(rules.company_id, self.other)
        rules.new_days = 5
        self.assertFalse(self.rules.is_pending)
        self._refresh(None, '03-11')
        self.assertEqual(self._profile_of(self.dora).lifecycle, 'new')
        self.assertEqual(self._profile_of(self.dora, self.other).lifecycle, 'growth')

    def test_branches_are_their_company(self):
        """What is bought in a branch counts in its company, by the rules of that (design 4.2)."""
        self._buy_in(self.branch, self.dora, ('03-01', 100))
        self.rules.new_days = 5
        self._refresh(None, '03-11')
        profile = self.profiles.search([('partner_id', '=', self.dora.id)])
        self.assertEqual((profile.company_id, profile.lifecycle), (self.shop, 'growth'))
        contact = self.dora.with_context(allowed_company_ids=self.branch.ids)
        self.assertEqual(contact.retail_lifecycle, 'growth')
        rules = self.env['retail.classification']
        self.assertFalse(rules.search([('company_id', '=', self.branch.id)]))

    @mute_logger(*ACCESS_LOGGERS)
    def test_others_are_invisible(self):
        """Staff sees profiles, rules and history of the own company only, and those of a branch its company's (design 7)."""
        self._buy(self.dora, ('03-01', 100))
        self._buy_in(self.other, self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-11')
        self.env['retail.classification']._of_companies(self.other.ids)
        in_branch = new_test_user(
            self.env,
            login='branch_clerk',
            groups='retail_crm.group_user',
            company_id=self.branch.id,
            company_ids=[fields.Command.set(self.branch.ids)],
        )
        for user, company in ((self.clerk, self.shop), (in_branch, self.branch)):
            for model in ('retail.profile', 'retail.profile.change', 'retail.classification'):
                with self.subTest(user=user.login, model=model):
                    mine = self.env[model].with_user(user)
                    mine = mine.with_context(allowed_company_ids=company.ids)
                    self.assertEqual(mine.search([]).company_id, self.shop)
                    foreign = self.env[model].search([('company_id', '=', self.other.id)], limit=1)
                    self.assertTrue(foreign)
                    with self.assertRaises(AccessError):
                        foreign.with_env(mine.env).read(['company_id'])
