"""Member prices: who has them, that they are never frozen nor anybody else's, and promotions (S-LOY-08, S-LOY-09)."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.retail_crm.hooks import uninstall_hook
from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase


class PriceCase(TierCase):
    """Gold members have 10 % off by a list that the button made; Bob is Gold, Acme is in the lowest tier."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lists = cls.env['product.pricelist']
        cls.privileges = cls.env['retail.privilege']
        cls.env['loyalty.program'].search([]).active = False  # of demo data
        # so that what is ordinary does not depend on demo data either
        cls.privileges._switch_features_on()
        cls.lists.search([]).active = False
        cls.ordinary = cls.lists.create(
            {'name': 'Ordinary', 'company_id': cls.company.id, 'sequence': 1}
        )
        cls.price = cls.privileges.create(
            {
                'name': '10 % off',
                'programme_id': cls.programme.id,
                'kind': 'price',
                'tier_ids': [Command.set(cls.gold.ids)],
                'discount_percent': 10,
            }
        )
        cls.price.action_make_price_list()
        cls.pricelist = cls.price.pricelist_id
        cls.bob_member = cls._make_member(cls.bob, cls.gold)
        cls._make_member(cls.acme, cls.base)

    @classmethod
    def _make_member(cls, partner, tier, company=None):
        """Return the membership of a customer who holds a tier for a year."""
        cls.members._enrol(partner, company or cls.company)
        member = cls._member(partner, company)
        if tier != member.tier_id:
            until = fields.Date.today() + timedelta(days=365)
            member._override(tier, until, 'vip', 'Patron')
        return member

    @classmethod
    def _quote(cls, partner, quantity=10, **values):
        """Return a quotation over pieces of 10.0 each, with the prices of its list."""
        return cls.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'order_line': [
                    Command.create({'product_id': cls.goods.id, 'product_uom_qty': quantity})
                ],
                **values,
            }
        )

    @classmethod
    def _promotion(cls, percent, kind='promotion', **values):
        """Return an automatic promotion over the whole order (or another kind of program)."""
        automatic = kind in ('promotion', 'buy_x_get_y')
        rule = {'minimum_amount': 0, 'minimum_qty': 0}
        if not automatic:
            rule.update(mode='with_code', code=f'{kind}{percent}')
        return cls.env['loyalty.program'].create(
            {
                'name': f'{percent} off',
                'program_type': kind,
                'trigger': 'auto' if automatic else 'with_code',
                'applies_on': 'current',
                'company_id': cls.company.id,
                'rule_ids': [Command.clear(), Command.create(rule)],
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount': percent,
                            'discount_mode': 'percent',
                            'discount_applicability': 'order',
                        }
                    ),
                ],
                **values,
            }
        )

    def _price_of(self, partner, **context):
        partner.invalidate_recordset(['property_product_pricelist'])
        return partner.with_context(**context).property_product_pricelist

    def _frozen(self, partner):
        """Return what is written down as the customer's own list, in the database."""
        self.env.flush_all()
        self.env.cr.execute(
            'SELECT specific_property_product_pricelist FROM res_partner WHERE id = %s',
            (partner.id,),
        )
        return (self.env.cr.fetchone()[0] or {}).get(str(self.company.id))


@tagged('post_install', '-at_install', 'retail_crm')
class TestMemberPrice(PriceCase):
    def test_order_of_a_member(self):
        """The tier's discount is on the order when the customer is chosen, as discount of the line (S-LOY-09)."""
        order = self._quote(self.bob)
        self.assertEqual(order.pricelist_id, self.pricelist)
        self.assertEqual((order.order_line.price_unit, order.order_line.discount), (10, 10))
        self.assertEqual(order.amount_untaxed, 90)
        self.assertEqual(order.retail_price_text, 'Gold: 10 % off')
        self.assertFalse(order.retail_price_hint)
        with Form(self.env['sale.order']) as form:
            form.partner_id = self.acme
            self.assertEqual(form.pricelist_id, self.ordinary)
            form.partner_id = self.bob
            self.assertEqual(form.pricelist_id, self.pricelist)
            self.assertEqual(form.retail_price_text, 'Gold: 10 % off')

    def test_others_have_it_not(self):
        """Other tiers, strangers and those who left have the ordinary list."""
        stranger = self.env['res.partner'].create({'name': 'Carl'})
        self.assertEqual(self._price_of(self.acme), self.ordinary)
        self.assertEqual(self._price_of(stranger), self.ordinary)
        order = self._quote(self.acme)
        self.assertEqual((order.order_line.discount, order.amount_untaxed), (0, 100))
        self.assertFalse(order.retail_price_text)
        self.bob_member.action_leave()
        self.assertEqual(self._price_of(self.bob), self.ordinary)

    def test_same_answer_as_the_catalogue(self):
        """The quick question and ``_of_partners`` agree for everybody."""
        self._make_member(self.acme, self.gold)
        stranger = self.env['res.partner'].create({'name': 'Carl'})
        partners = self.bob | self.acme | self.ann | stranger
        offered = self.privileges._member_lists(partners)
        slow = self.privileges._of_partners(partners, kinds=['price'])
        for partner in partners:
            self.assertEqual(
                [pricelist_id for pricelist_id, _name in offered.get(partner.id, [])],
                slow[partner].pricelist_id.ids,
                partner.name,
            )
        self.assertEqual(set(offered), set((self.bob | self.acme | self.ann).ids))

    def test_contacts_follow_their_company(self):
        """A contact has the price of the company it belongs to, also while that is entered."""
        self.assertEqual(self._price_of(self.ann), self.ordinary)
        self._make_member(self.acme, self.gold)
        self.assertEqual(self._price_of(self.ann), self.pricelist)
        carl = self.env['res.partner'].create({'name': 'Carl'})
        self.assertEqual(carl.property_product_pricelist, self.ordinary)
        carl.parent_id = self.acme
        self.assertEqual(carl.property_product_pricelist, self.pricelist)

    def test_only_while_it_is_on(self):
        """Nothing acts before the start, with loyalty off, price lists off, or the privilege archived."""
        everybody = self.env.ref('base.group_user')
        block = self.env.ref('retail_crm.group_block_loyalty')
        everybody._remove_group(block)
        self.assertEqual(self._price_of(self.bob), self.ordinary)
        everybody._apply_group(block)
        self.assertEqual(self._price_of(self.bob), self.pricelist)
        self.price.active = False
        self.assertEqual(self._price_of(self.bob), self.ordinary)
        self.price.active = True
        self.pricelist.active = False
        self.assertEqual(self._price_of(self.bob), self.ordinary)
        self.pricelist.active = True
        self.env.cr.execute("UPDATE retail_programme SET state = 'draft'")
        self.programme.invalidate_recordset()
        self.assertEqual(self._price_of(self.bob), self.ordinary)
        self.env.cr.execute("UPDATE retail_programme SET state = 'running'")
        self.programme.invalidate_recordset()
        everybody._remove_group(self.env.ref('product.group_product_pricelist'))
        self.assertFalse(self._price_of(self.bob))
        self.assertEqual(dict(self.lists._get_partner_pricelist_multi(self.bob.ids)), {})

    def test_own_list_wins(self):
        """A list given to the customer in person stays (R-loy, tier price without overwrite)."""
        own = self.lists.create({'name': 'VIP', 'company_id': self.company.id})
        self.bob.property_product_pricelist = own
        self.assertEqual(self._price_of(self.bob), own)
        order = self._quote(self.bob)
        self.assertEqual(order.pricelist_id, own)
        self.assertFalse(order.retail_price_hint)
        self.bob.property_product_pricelist = False
        self.assertEqual(self._price_of(self.bob), self.pricelist)

    def test_queries_do_not_grow(self):
        """Members cost the same number of queries whatever their number, at most two more than without the programme."""
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(20)])
        self.members._enrol(partners, self.company)
        self.env.cr.execute(
            'UPDATE retail_membership SET tier_id = %s WHERE partner_id = ANY(%s)',
            (self.gold.id, partners.ids),
        )

        def queries(records, **context):
            self.env.flush_all()
            self.env.invalidate_all()
            self.env['res.groups']._is_feature_enabled('retail_crm.group_block_loyalty')
            before = self.env.cr.sql_log_count
            lists = self.lists.with_context(**context)
            result = lists._get_partner_pricelist_multi(records.ids)
            self.assertEqual(len(result), len(records))
            return self.env.cr.sql_log_count - before

        queries(partners)
        self.assertEqual(queries(partners), queries(partners[:1]))
        ordinary = queries(partners, retail_crm_ordinary_price=True)
        self.assertLessEqual(queries(partners), ordinary + 2)

    # === COMPANIES AND CURRENCIES ===#

    def test_companies(self):
        """The tier of one company gives nothing in another, and a list of one is not used in a branch."""
        other = self.bob.with_company(self.company_2)
        self.assertNotEqual(other.property_product_pricelist, self.pricelist)
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        in_branch = self.bob.with_company(branch)
        self.assertNotEqual(in_branch.property_product_pricelist, self.pricelist)
        self.pricelist.company_id = False
        in_branch.invalidate_recordset()
        self.assertEqual(in_branch.property_product_pricelist, self.pricelist)
        order = self._quote(self.bob, company_id=branch.id)
        self.assertEqual(order.pricelist_id, self.pricelist)
        self.assertNotEqual(
            self._quote(self.bob, company_id=self.company_2.id).pricelist_id, self.pricelist
        )

    def test_first_that_fits(self):
        """Of several lists the first of the catalogue that can be used in the company is taken."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        lists = self.lists.create(
            [
                {
                    'name': 'Branch',
                    'company_id': branch.id,
                    'currency_id': self.company.currency_id.id,
                },
                {'name': 'Second', 'company_id': self.company.id},
            ]
        )
        for pricelist, sequence in zip(lists, (1, 2), strict=True):
            self.privileges.create(
                {
                    'name': pricelist.name,
                    'programme_id': self.programme.id,
                    'kind': 'price',
                    'sequence': sequence,
                    'tier_ids': [Command.set(self.gold.ids)],
                    'pricelist_id': pricelist.id,
                }
            )
        self.assertEqual(self._price_of(self.bob), lists[1])
        self.assertEqual(self.bob.with_company(branch).property_product_pricelist, lists[0])

    def test_currency_of_the_customer_stays(self):
        """Who buys in another currency than the list's keeps it, unless there is a member price in that one."""
        other = (
            self.env['res.currency']
            .with_context(active_test=False)
            .search([('id', '!=', self.company.currency_id.id)], limit=1)
        )
        other.active = True
        country = self.env.ref('base.be')
        group = self.env['res.country.group'].create(
            {'name': 'Far', 'country_ids': [Command.set(country.ids)]}
        )
        far = self.lists.create(
            {
                'name': 'Far',
                'currency_id': other.id,
                'country_group_ids': [Command.set(group.ids)],
                'company_id': self.company.id,
            }
        )
        self.bob.country_id = country
        self.assertEqual(self._price_of(self.bob), far)
        gold = self.lists.create(
            {'name': 'Far Gold', 'currency_id': other.id, 'company_id': self.company.id}
        )
        self.privileges.create(
            {
                'name': 'Far',
                'programme_id': self.programme.id,
                'kind': 'price',
                'sequence': 99,
                'tier_ids': [Command.set(self.gold.ids)],
                'pricelist_id': gold.id,
            }
        )
        self.assertEqual(self._price_of(self.bob), gold)

    def test_list_of_another_company_refused(self):
        """A privilege has no list of another company."""
        foreign = self.lists.create({'name': 'Foreign', 'company_id': self.company_2.id})
        with self.assertRaises(ValidationError):
            self.price.pricelist_id = foreign

    # === NEVER FROZEN ===#

    def test_form_freezes_nothing(self):
        """Saving the contact's form never makes the tier's list the customer's own, also when it is sent along."""
        with Form(self.bob) as form:
            form.name = 'Robert'
        self.assertFalse(self._frozen(self.bob))
        carl = self.env['res.partner'].create({'name': 'Carl'})
        self._make_member(self.acme, self.gold)
        with Form(carl) as form:
            form.parent_id = self.acme  # the list changes in the form and is saved with it
            self.assertEqual(form.property_product_pricelist, self.pricelist)
        self.assertEqual(self._price_of(carl), self.pricelist)
        self.assertFalse(self._frozen(carl))
        self.bob.write({'property_product_pricelist': self.pricelist.id, 'country_id': False})
        self.assertFalse(self._frozen(self.bob))
        self.bob_member.action_end_override()
        self.assertEqual(self._price_of(self.bob), self.ordinary)

    def test_import_freezes_nothing(self):
        """An export that comes back leaves the tier in charge."""
        names = ['.id', 'name', 'property_product_pricelist/.id']
        rows = self.bob.export_data(names)['datas']
        self.assertEqual(str(rows[0][2]), str(self.pricelist.id))
        result = self.env['res.partner'].load(names, [[str(cell) for cell in row] for row in rows])
        self.assertEqual(result['ids'], self.bob.ids)
        self.assertFalse(self._frozen(self.bob))
        # of somebody who is not Gold any more, or never was
        self.acme.property_product_pricelist = self.pricelist
        self.assertFalse(self._frozen(self.acme))
        self.assertEqual(self.acme.property_product_pricelist, self.ordinary)

    def test_written_behind_our_back(self):
        """Even when somebody wrote it down as own list, only the tier gives it."""
        self.acme.specific_property_product_pricelist = self.pricelist
        self.assertEqual(self._price_of(self.acme), self.ordinary)
        self.bob.specific_property_product_pricelist = self.pricelist
        self.assertEqual(self._price_of(self.bob), self.pricelist)
        self.bob_member.action_end_override()
        self.assertEqual(self._price_of(self.bob), self.ordinary)

    def test_own_list_given_up_for_the_tier(self):
        """Who is given the list of his tier loses his own one; another's tier takes it not away."""
        own = self.lists.create({'name': 'VIP', 'company_id': self.company.id})
        (self.bob | self.acme).property_product_pricelist = own
        (self.bob | self.acme).property_product_pricelist = self.pricelist
        self.assertFalse(self._frozen(self.bob))
        self.assertEqual(self._frozen(self.acme), own.id)

    def test_merge_freezes_nothing(self):
        """Two contacts that are merged have the price of the tier that is left, and none of their own."""
        twin = self.env['res.partner'].create({'name': 'Bob'})
        self.env['base.partner.merge.automatic.wizard']._merge((self.bob | twin).ids, twin)
        self.assertFalse(self._frozen(twin))
        self.assertEqual(self._price_of(twin), self.pricelist)

    def test_list_of_single_customers_refused(self):
        """A list that customers have in person cannot become one for members: they would lose it."""
        own = self.lists.create({'name': 'VIP', 'company_id': self.company.id})
        self.acme.property_product_pricelist = own
        with self.assertRaises(ValidationError):
            self.price.pricelist_id = own

    # === NOBODY'S FALLBACK ===#

    def test_never_a_fallback(self):
        """The list is nobody else's, be it the first, the only one, of a country or named by a parameter."""
        group = self.env['res.country.group'].create(
            {'name': 'Home', 'country_ids': [Command.set(self.env.ref('base.be').ids)]}
        )
        self.pricelist.sequence = 0
        self.acme.country_id = self.env.ref('base.be')
        self.assertEqual(self._price_of(self.acme), self.ordinary)
        self.pricelist.country_group_ids = group
        self.assertEqual(self._price_of(self.acme), self.ordinary)
        self.pricelist.country_group_ids = False
        self.ordinary.active = False
        self.assertFalse(self._price_of(self.acme))
        self.assertEqual(self._quote(self.acme).amount_untaxed, 100)
        self.assertEqual(self._price_of(self.bob), self.pricelist)
        parameters = self.env['ir.config_parameter']
        parameters.set_param(
            f'res.partner.property_product_pricelist_{self.company.id}', self.pricelist.id
        )
        self.assertFalse(self._price_of(self.acme))

    def test_never_a_fallback_later(self):
        """It stays for members when its privilege is archived or deleted, and so do its copies."""
        self.ordinary.active = False
        copied = self.pricelist.copy()
        self.price.active = False
        self.assertFalse(self._price_of(self.acme))
        self.assertFalse(self._price_of(self.bob))
        with self.assertRaises(ValidationError):
            self.pricelist.retail_members_only = False
        self.price.unlink()
        self.assertFalse(self._price_of(self.bob))
        (self.pricelist | copied).retail_members_only = False  # by hand, knowing what one does
        self.assertEqual(self._price_of(self.acme), self.lists.search([], limit=1))

    def test_parameter_of_a_deleted_list(self):
        """A system parameter that names a list which is gone makes no contact unreadable and no sale impossible."""
        self.ordinary.active = False
        gone = self.lists.create({'name': 'Gone'})
        self.env['ir.config_parameter'].set_param('res.partner.property_product_pricelist', gone.id)
        gone.unlink()
        self.assertFalse(self._price_of(self.acme))
        self.assertEqual(self._price_of(self.bob), self.pricelist)
        self.assertEqual(self._quote(self.acme).amount_untaxed, 100)

    def test_uninstall_leaves_it_to_nobody(self):
        """Without the add-on nothing would keep the list from being everybody's: it is archived."""
        uninstall_hook(self.env)
        self.assertFalse(self.pricelist.active)
        self.assertTrue(self.ordinary.active)

    # === CHANGES OF THE TIER ===#

    def test_new_tier_new_quotations(self):
        """Another tier changes new quotations; old ones say so, and confirmed orders keep their prices."""
        draft, sold = self._quote(self.bob), self._quote(self.bob)
        sold.action_confirm()
        self.bob_member.action_end_override()
        self.assertEqual(self._quote(self.bob).pricelist_id, self.ordinary)
        self.env.invalidate_all()
        for order in (draft, sold):
            self.assertEqual((order.pricelist_id, order.amount_untaxed), (self.pricelist, 90))
        self.assertEqual(sold.retail_price_text, self.pricelist.name)
        self.assertFalse(sold.retail_price_hint)
        self.assertIn('does not have', draft.retail_price_hint)
        draft.action_retail_customer_price()
        self.assertEqual((draft.pricelist_id, draft.amount_untaxed), (self.ordinary, 100))
        self.assertFalse(draft.retail_price_hint)
        with self.assertRaises(UserError):
            sold.action_retail_customer_price()

    def test_quotation_from_before_the_tier(self):
        """A quotation made before its customer reached the tier says so and gets the price by one button."""
        order = self._quote(self.acme)
        self.assertFalse(order.retail_price_hint)
        self._make_member(self.acme, self.gold)
        order.invalidate_recordset()
        self.assertIn('10 % off', order.retail_price_hint)
        order.action_retail_customer_price()
        self.assertEqual((order.pricelist_id, order.amount_untaxed), (self.pricelist, 90))
        self.assertEqual(order.retail_price_text, 'Gold: 10 % off')

    def test_card_costs_one_query(self):
        """What the order says of member prices costs one query for any number of orders."""
        orders = self._quote(self.bob) | self._quote(self.bob)
        orders |= self._quote(self.acme)
        names = ['partner_id', 'pricelist_id', 'state', 'currency_id', 'company_id']

        def queries(records):
            self.env.flush_all()
            self.env.invalidate_all()
            records.read(names)
            records.partner_id.mapped('commercial_partner_id.specific_property_product_pricelist')
            records.pricelist_id.mapped('retail_members_only')
            records.order_line.mapped('reward_id')
            before = self.env.cr.sql_log_count
            records.mapped('retail_price_text')
            return self.env.cr.sql_log_count - before

        queries(orders)
        self.assertEqual(queries(orders), 1)
        self.assertEqual(queries(orders[:1]), 1)

    # === START AND SETTINGS ===#

    def test_start_switches_price_lists_on(self):
        """The start makes the lists, switches on what they need, and says so; a draft does nothing."""
        everybody = self.env.ref('base.group_user')
        groups = self.env.ref('product.group_product_pricelist') + self.env.ref(
            'sale.group_discount_per_so_line'
        )
        for group in groups:
            everybody._remove_group(group)
        programme = self.env['retail.programme'].create(
            {'name': 'Club', 'company_id': self.company_2.id}
        )
        programme.action_use_ladder()
        price = self.privileges.create(
            {
                'name': '5 % off',
                'programme_id': programme.id,
                'kind': 'price',
                'tier_ids': [Command.set(programme.tier_ids[3].ids)],
                'discount_percent': 5,
            }
        )
        self.assertTrue(programme.needs_price_lists)
        self.assertFalse(price.pricelist_id)
        self.assertEqual(set(groups) & set(everybody.all_implied_ids), set())
        manager = self.users['manager']
        manager.company_ids += self.company_2
        programme.with_user(manager).action_start()
        self.assertEqual(set(groups) & set(everybody.all_implied_ids), set(groups))
        self.assertTrue(price.pricelist_id.retail_members_only)
        ordinary = self._price_of(self.bob.with_company(self.company_2))
        self.assertTrue(ordinary)  # of everybody else: as the settings do it
        self.assertFalse(ordinary.retail_members_only)
        self.assertEqual(price.pricelist_id.company_id, self.company_2)
        self.assertEqual(price.pricelist_id.item_ids.percent_price, 5)
        self.assertIn('switched on', programme.message_ids[0].body)
        self.assertFalse(programme.needs_price_lists)
        # somebody switches them off again: the privilege says so and switches them on
        for group in groups:
            everybody._remove_group(group)
        price.pricelist_id.active = False
        price.invalidate_recordset()
        self.assertTrue(price.is_price_off)
        price.action_switch_price_lists_on()
        self.assertTrue(price.pricelist_id.active)
        self.assertFalse(price.is_price_off)

    def test_shipped_prices_do_nothing(self):
        """Gold and Diamond of the shipped programme have 2 and 5 %, and no list before the start (defaults 5)."""
        for name, percent in (('gold', 2), ('diamond', 5)):
            price = self.env.ref(f'retail_crm.retail_privilege_price_{name}')
            self.assertEqual((price.kind, price.discount_percent), ('price', percent))
            self.assertFalse(price.pricelist_id or price.with_promotions)

    def test_list_follows_ordinary_prices(self):
        """Where the shop's ordinary prices come from a list, the percentage is taken off those."""
        self.ordinary.item_ids = [
            Command.create({'compute_price': 'fixed', 'fixed_price': 8, 'applied_on': '3_global'})
        ]
        price = self.price.copy({'sequence': 1})
        price.action_make_price_list()
        line = self._quote(self.bob, 1).order_line
        self.assertEqual(line.order_id.pricelist_id, price.pricelist_id)
        self.assertEqual((line.price_unit, line.discount), (8, 10))
        self.assertEqual(line.price_subtotal, 7.2)

    def test_make_list_refusals(self):
        """Only managers make lists, once, with a percentage."""
        with self.assertRaises(UserError):
            self.price.action_make_price_list()
        price = self.privileges.create(
            {'name': 'Other', 'programme_id': self.programme.id, 'kind': 'price'}
        )
        with self.assertRaises(UserError):
            price.action_make_price_list()
        price.discount_percent = 3
        for name in ('user', 'lead', 'marketing', 'sales'):
            for action in ('action_make_price_list', 'action_switch_price_lists_on'):
                with self.assertRaises(AccessError, msg=name):
                    getattr(price.with_user(self.users[name]), action)()
        price.with_user(self.users['manager']).action_make_price_list()
        self.assertTrue(price.pricelist_id)

    def test_seller_without_rights_on_tiers(self):
        """A seller who may read no privileges quotes member prices and sees them named."""
        order = (
            self.env['sale.order']
            .with_user(self.users['sales'])
            .create(
                {
                    'partner_id': self.bob.id,
                    'order_line': [Command.create({'product_id': self.goods.id})],
                }
            )
        )
        self.assertEqual(order.pricelist_id, self.pricelist)
        self.assertEqual(order.retail_price_text, 'Gold: 10 % off')
        user = new_test_user(self.env, login='plain', groups='base.group_user')
        with self.assertRaises(AccessError):
            order.with_user(user).read(['retail_price_text'])
        with self.assertRaises(AccessError):
            order.with_user(user).action_retail_customer_price()


@tagged('post_install', '-at_install', 'retail_crm')
class TestPromotions(PriceCase):
    """Never on top of a promotion: the better one wins (defaults 5)."""

    def _prices(self, order):
        """Return whose list the order has, the discount of its goods, the number of promotion lines and the total."""
        line = order.order_line.filtered(lambda item: not item.reward_id)
        return (
            'member' if order.pricelist_id == self.pricelist else 'ordinary',
            line.discount,
            len(order.order_line) - len(line),
            order.amount_total,
        )

    def test_better_promotion_wins(self):
        """20 % off replace the member's 10 %, with a note; 28 % off would be both."""
        self._promotion(20)
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('ordinary', 0, 1, 80))
        self.assertIn('is better than the member price', order.message_ids[0].body)
        self.assertIn('instead of the member price', order.retail_price_hint)
        order.action_confirm()
        self.assertEqual(self._prices(order), ('ordinary', 0, 1, 80))

    def test_better_member_price_wins(self):
        """5 % off are not applied to a member who has 10 %, with a note; neither are equal ones."""
        self._promotion(5)
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('member', 10, 0, 90))
        self.assertIn('member price is better', order.message_ids[0].body)
        order.action_confirm()
        self.assertEqual(self._prices(order), ('member', 10, 0, 90))
        self.env['loyalty.program'].search([('name', '=', '5 off')]).reward_ids.discount = 10
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('member', 10, 0, 90))

    def test_who_is_no_member_gets_any_promotion(self):
        """Promotions of others are core's."""
        self._promotion(5)
        order = self._quote(self.acme)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('ordinary', 0, 1, 95))

    def test_discount_code(self):
        """A code is a promotion, too."""
        for percent, expected in ((5, ('member', 10, 0, 90)), (20, ('ordinary', 0, 1, 80))):
            program = self._promotion(percent, 'promo_code')
            order = self._quote(self.bob)
            rewards = order._try_apply_code(program.rule_ids.code)
            self.assertNotIn('error', rewards)
            for coupon, reward in rewards.items():
                result = order._apply_program_reward(reward, coupon)
                self.assertEqual('error' in result, percent == 5)
            self.assertEqual(self._prices(order), expected)

    def test_coupons_are_used_on_member_prices(self):
        """A coupon was given to the customer: it is used on top."""
        program = self._promotion(20, 'coupons')
        program.rule_ids.unlink()
        coupon = self.env['loyalty.card'].create(
            {'program_id': program.id, 'points': 1, 'code': 'gift'}
        )
        order = self._quote(self.bob)
        order._try_apply_code('gift')
        order._apply_program_reward(program.reward_ids, coupon)
        self.assertEqual(self._prices(order), ('member', 10, 1, 72))

    def test_free_goods_are_worth_their_price(self):
        """One piece free is worth 10: better than 10 % of 50, not than 10 % of 500."""
        self._promotion(
            0,
            'buy_x_get_y',
            reward_ids=[
                Command.clear(),
                Command.create({'reward_type': 'product', 'reward_product_id': self.goods.id}),
            ],
        )
        for quantity, kind, total in ((5, 'ordinary', 50), (50, 'member', 450)):
            order = self._quote(self.bob, quantity)
            order.action_open_reward_wizard()
            self.assertEqual(self._prices(order)[0], kind)
            self.assertEqual(order.amount_total, total)
            self.assertEqual(len(order.order_line), 2 if kind == 'ordinary' else 1)

    def test_on_top_when_the_shop_says_so(self):
        """By the privilege's setting, or a program that names the list among its own, both apply."""
        program = self._promotion(20)
        self.price.with_promotions = True
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('member', 10, 1, 72))
        self.price.with_promotions = False
        program.pricelist_ids = self.pricelist
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        self.assertEqual(self._prices(order), ('member', 10, 1, 72))

    def test_both_is_settled(self):
        """An order that came to have both keeps the better one when it is updated or confirmed."""
        program = self._promotion(20)
        for percent, expected in ((20, ('ordinary', 0, 1, 80)), (5, ('member', 10, 0, 90))):
            program.reward_ids.discount = percent
            order = self._quote(self.acme)
            order.action_open_reward_wizard()
            order.partner_id = self.bob  # with his list, as it is computed
            self.assertEqual(order.pricelist_id, self.pricelist)
            self.assertEqual(self._prices(order)[2], 1)
            order.action_confirm()
            self.assertEqual(self._prices(order), expected)

    def test_staff_choose_the_member_price(self):
        """The button takes the promotion off and gives the member price."""
        self._promotion(20)
        order = self._quote(self.bob)
        order.action_open_reward_wizard()
        order.action_retail_customer_price()
        self.assertEqual(self._prices(order), ('member', 10, 0, 90))

    def test_agreed_prices_stay(self):
        """Prices and discounts agreed by hand stay when a promotion replaces the member price."""
        self._promotion(20)
        order = self._quote(self.bob)
        order.order_line = [
            Command.create({'product_id': self.goods.id, 'product_uom_qty': 1, 'discount': 50}),
            Command.create({'product_id': self.goods.id, 'product_uom_qty': 1}),
        ]
        order.order_line[2].price_unit = 7
        order.action_open_reward_wizard()
        lines = order.order_line.filtered(lambda item: not item.reward_id)
        self.assertEqual(lines.mapped('discount')[:2], [0, 50])
        self.assertEqual(lines.mapped('price_unit'), [10, 10, 7])

    def test_refused_promotion_changes_nothing(self):
        """A promotion that Odoo itself refuses leaves the order its member prices."""
        coupons = self._promotion(20, 'coupons')
        coupons.rule_ids.unlink()
        self.env['loyalty.card'].create({'program_id': coupons.id, 'points': 1, 'code': 'gift'})
        self._promotion(15)
        order = self._quote(self.bob)
        order._update_programs_and_rewards()
        [(coupon, reward)] = order._get_claimable_rewards().items()
        for gift, rewards in order._try_apply_code('gift').items():
            order._apply_program_reward(rewards, gift)
        self.assertEqual(self._prices(order), ('member', 10, 1, 72))
        self.assertIn('global discount', order._apply_program_reward(reward, coupon)['error'])
        self.assertEqual(self._prices(order), ('member', 10, 1, 72))

    def test_member_price_comes_back(self):
        """When the promotion does not apply any more, the member price that it replaced does (S-LOY-09)."""
        rule = {'minimum_amount': 0, 'minimum_qty': 10}
        self._promotion(20, rule_ids=[Command.clear(), Command.create(rule)])
        orders = self._quote(self.bob) | self._quote(self.bob) | self._quote(self.acme)
        for order in orders:
            order.action_open_reward_wizard()
            self.assertEqual(self._prices(order), ('ordinary', 0, 1, 80))
        chosen = self.lists.create({'name': 'Chosen', 'company_id': self.company.id})
        orders[1].pricelist_id = chosen
        for order in orders:
            order.order_line.filtered(lambda line: not line.reward_id).product_uom_qty = 5
            order.action_confirm()
        self.assertEqual(self._prices(orders[0]), ('member', 10, 0, 45))
        self.assertIn('member price again', ''.join(orders[0].message_ids.mapped('body')))
        self.assertEqual(orders[1].pricelist_id, chosen)
        self.assertEqual(self._prices(orders[2]), ('ordinary', 0, 0, 50))

    def test_promotion_never_changes_the_currency(self):
        """An order on a members' list in another currency, chosen by hand, stays in it: nothing is compared."""
        other = (
            self.env['res.currency']
            .with_context(active_test=False)
            .search([('id', '!=', self.company.currency_id.id)], limit=1)
        )
        other.active = True
        far = self.lists.create(
            {
                'name': 'Far',
                'currency_id': other.id,
                'company_id': self.company.id,
                'retail_members_only': True,
                'item_ids': [Command.create({'compute_price': 'fixed', 'fixed_price': 1000})],
            }
        )
        self._promotion(20)
        order = self._quote(self.bob, pricelist_id=far.id)
        order.action_open_reward_wizard()
        self.assertEqual((order.pricelist_id, order.currency_id), (far, other))
        self.assertEqual(len(order.order_line), 1)
