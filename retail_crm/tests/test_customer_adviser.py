"""Advisers: who looks after a customer on a day, the rule that gives one, handing over, own absences."""

from datetime import date, timedelta

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .class_common import ClassCase
from .common import RetailCrmCommon

DAY = date(2026, 5, 20)


class AdviserCase(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.amy, cls.ben, cls.cid = (
            new_test_user(cls.env, login=f'retail_{name}', groups='retail_crm.group_user')
            for name in ('amy', 'ben', 'cid')
        )
        cls.store = cls.env['crm.team'].create(
            {'name': 'North', 'retail_is_store': True, 'user_id': cls.cid.id}
        )
        cls._no_rebuild()
        cls.dialogs = cls.env['retail.adviser.assign']

    @classmethod
    def _is_valued(cls, *partners):
        """Make customers of high value, whatever they spent."""
        cls.env.flush_all()
        ids = [partner.id for partner in partners]
        cls.env.cr.execute(
            SQL('UPDATE retail_profile SET is_high_value = true WHERE partner_id = ANY(%s)', ids)
        )
        cls.profiles.invalidate_model()

    @classmethod
    def _sell(cls, partner, guide, days=1, **values):
        return cls._create_order(
            partner,
            10,
            cls.company._retail_today() - timedelta(days=days),
            user_id=guide.id,
            team_id=cls.store.id,
            **values,
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestAdviserOfTheDay(AdviserCase):
    def _of(self, partner, day=DAY):
        return partner._retail_adviser_of(day)[partner.id]

    def test_the_adviser_or_his_substitute(self):
        """On days of absence the substitute looks after the customer, and his substitute after him (S-ROL-05)."""
        self.bob.retail_adviser_id = self.amy
        self.amy.retail_substitute_id = self.ben
        self.assertEqual(self._of(self.bob), self.amy)
        self.amy.write({'retail_away_from': DAY, 'retail_away_until': DAY + timedelta(days=2)})
        for offset, expected in [(-1, self.amy), (0, self.ben), (2, self.ben), (3, self.amy)]:
            with self.subTest(offset=offset):
                self.assertEqual(self._of(self.bob, DAY + timedelta(days=offset)), expected)
        self.ben.write({'retail_away_from': DAY, 'retail_substitute_id': self.cid.id})
        self.assertEqual(self._of(self.bob), self.cid)

    def test_open_absences(self):
        """A first day without last means until further notice, a last without first means already (S-ROL-05)."""
        self.bob.retail_adviser_id = self.amy
        self.amy.retail_substitute_id = self.ben
        self.amy.retail_away_from = DAY
        self.assertEqual(self._of(self.bob, DAY + timedelta(days=400)), self.ben)
        self.assertEqual(self._of(self.bob, DAY - timedelta(days=1)), self.amy)
        self.amy.write({'retail_away_from': False, 'retail_away_until': DAY})
        self.assertEqual(self._of(self.bob, DAY - timedelta(days=400)), self.ben)
        self.assertEqual(self._of(self.bob, DAY + timedelta(days=1)), self.amy)

    def test_nobody_is_nobody(self):
        """Without adviser, with one who left, without substitute or in a circle nobody is named (S-ROL-05)."""
        self.assertFalse(self._of(self.bob))
        self.bob.retail_adviser_id = self.amy
        self.amy.retail_away_from = DAY
        self.assertFalse(self._of(self.bob), 'away without substitute')
        self.amy.retail_substitute_id = self.ben
        self.ben.write({'retail_away_from': DAY, 'retail_substitute_id': self.amy.id})
        self.assertFalse(self._of(self.bob), 'a circle')
        self.ben.write({'retail_away_from': False, 'active': False})
        self.assertFalse(self._of(self.bob), 'the substitute left')
        self.amy.write({'retail_away_from': False, 'active': False})
        self.assertFalse(self._of(self.bob), 'the adviser left')

    def test_contacts_have_their_companys_adviser(self):
        """The adviser of a company looks after its contacts, unless they have their own (S-ROL-05)."""
        self.acme.retail_adviser_id = self.amy
        self.assertEqual(self._of(self.ann), self.amy)
        self.ann.retail_adviser_id = self.ben
        self.assertEqual(self._of(self.ann), self.ben)
        self.assertEqual(self._of(self.acme), self.amy)

    def test_many_customers_cost_no_query_each(self):
        """Who looks after many customers is asked in a fixed number of queries (style 2, rule 2)."""
        self.amy.write({'retail_away_from': DAY, 'retail_substitute_id': self.ben.id})
        partners = self.env['res.partner'].create(
            [{'name': f'P{n}', 'retail_adviser_id': self.amy.id} for n in range(40)]
        )
        counts = []
        for some in (partners[:2], partners):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            found = some._retail_adviser_of(DAY)
            counts.append(self.cr.sql_log_count - start)
            self.assertEqual(set(found.values()), {self.ben})
        self.assertLessEqual(counts[1], counts[0])

    def test_impossible_absences_are_refused(self):
        """The last day is not before the first, nobody stands in for himself, and customers never do (bad input)."""
        for error, values in [
            (IntegrityError, {'retail_away_from': DAY, 'retail_away_until': DAY - timedelta(1)}),
            (IntegrityError, {'retail_substitute_id': self.amy.id}),
            (ValidationError, {'retail_substitute_id': self.users['portal'].id}),
        ]:
            with (
                self.subTest(values=values),
                mute_logger('odoo.sql_db'),
                self.assertRaises(error),
                self.cr.savepoint(),
            ):
                self.amy.write(values)
                self.env.flush_all()

    def test_everybody_sets_his_own_absence(self):
        """An employee without any right on users sets his own absence and substitute, and nobody else's
        (S-ROL-05).
        """
        mine = self.amy.with_user(self.amy)
        values = {
            'retail_away_from': DAY,
            'retail_away_until': DAY,
            'retail_substitute_id': self.ben.id,
        }
        mine.write(values)
        self.assertEqual(self.amy.retail_substitute_id, self.ben)
        self.assertEqual(mine.read(['retail_away_from'])[0]['retail_away_from'], DAY)
        with self.assertRaises(AccessError):
            self.ben.with_user(self.amy).write(values)
        view = self.env.ref('base.view_users_form_simple_modif')
        arch = self.env['res.users'].with_user(self.amy).get_view(view.id, 'form')['arch']
        self.assertIn('retail_substitute_id', arch)


@tagged('post_install', '-at_install', 'retail_crm')
class TestAdviserRule(AdviserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._sell(cls.bob, cls.amy, days=9)
        cls._sell(cls.bob, cls.amy, days=8)
        cls._sell(cls.bob, cls.ben, days=2)
        cls._sell(cls.acme, cls.ben, days=3)
        cls._process()
        cls._is_valued(cls.bob, cls.acme)

    def test_nothing_happens_without_a_rule(self):
        """By default advisers are chosen by hand: nothing is assigned by itself (S-ROL-05)."""
        self.assertEqual(self.company.retail_adviser_rule, 'none')
        self.assertFalse(self.env['res.partner']._assign_advisers())
        self.moments._emit('class_changed', self.bob)
        self._process()
        self.assertFalse(self.bob.retail_adviser_id)

    def test_usual_guide_or_leader_of_the_store(self):
        """The rule gives the usual shop guide, or the leader of the usual store (S-ROL-05, S-CUS-29)."""
        partners = self.env['res.partner']
        for rule, expected in [('guide', [self.amy, self.ben]), ('leader', [self.cid, self.cid])]:
            with self.subTest(rule=rule):
                (self.bob + self.acme).retail_adviser_id = False
                self.company.retail_adviser_rule = rule
                assigned = partners._assign_advisers(self.bob + self.acme)
                self.assertEqual(assigned, self.bob + self.acme)
                self.assertEqual(
                    [partner.retail_adviser_id for partner in (self.bob, self.acme)], expected
                )

    def test_a_choice_is_never_replaced(self):
        """Whoever has an adviser keeps him; assigning twice changes nothing (S-ROL-05)."""
        self.company.retail_adviser_rule = 'guide'
        self.bob.retail_adviser_id = self.cid
        self.env['res.partner']._assign_advisers()
        self.assertEqual(self.bob.retail_adviser_id, self.cid)
        self.assertEqual(self.acme.retail_adviser_id, self.ben)
        self.assertFalse(self.env['res.partner']._assign_advisers(self.bob + self.acme))

    def test_only_high_value_customers_and_active_employees(self):
        """Customers of no high value get none, and nobody gets an employee who left (S-ROL-05)."""
        self.company.retail_adviser_rule = 'guide'
        cat = self.env['res.partner'].create({'name': 'Cat'})
        self._sell(cat, self.amy)
        self._process()
        self._is_valued(self.bob, self.acme)
        self.env.cr.execute(
            SQL('UPDATE retail_profile SET is_high_value = false WHERE partner_id = %s', cat.id)
        )
        self.amy.active = False
        self.env['res.partner']._assign_advisers(self.bob + self.acme + cat)
        self.assertFalse(cat.retail_adviser_id)
        self.assertFalse(self.bob.retail_adviser_id, 'his guide has left')
        self.assertEqual(self.acme.retail_adviser_id, self.ben)

    def test_the_company_decides(self):
        """The rule of one company assigns by its own purchases, and not to customers of others (design 4.2)."""
        self.company_2.retail_adviser_rule = 'guide'
        self.env['res.partner']._assign_advisers(self.bob + self.acme)
        self.assertFalse((self.bob + self.acme).retail_adviser_id)
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.company.retail_adviser_rule = 'guide'
        self.assertEqual(branch.retail_adviser_rule, 'guide')

    def test_a_class_change_assigns(self):
        """A customer who comes to be of high value gets an adviser by the moment (S-ROL-05, design 4.1)."""
        self.company.retail_adviser_rule = 'guide'
        self.moments._emit('class_changed', self.bob)
        self._process()
        self.assertEqual(self.bob.retail_adviser_id, self.amy)
        self.assertFalse(self.acme.retail_adviser_id, 'nothing happened with the other one')

    def test_changes_are_tracked(self):
        """Who became adviser is written in the history of the customer (issue: tracked)."""
        self.company.retail_adviser_rule = 'guide'
        bob = self.bob.with_context(tracking_disable=False, mail_notrack=False)
        bob._assign_advisers(bob)
        self.env.flush_all()
        self.cr.precommit.run()
        values = bob.message_ids.sudo().tracking_value_ids
        self.assertIn('retail_adviser_id', values.field_id.mapped('name'))


@tagged('post_install', '-at_install', 'retail_crm')
class TestAdviserDialog(AdviserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._sell(cls.bob, cls.ben)
        cls._process()

    def _dialog(self, user, **values):
        return self.dialogs.with_user(user).create(values)

    def test_leaders_assign(self):
        """Leaders give selected customers an adviser; those who have one keep him (S-ROL-05)."""
        self.ann.retail_adviser_id = self.amy
        lead = self.users['lead']
        customers = self.ann + self.bob
        dialog = self._dialog(
            lead, mode='assign', partner_ids=[(6, 0, customers.ids)], user_id=self.cid.id
        )
        self.assertEqual(dialog.customer_count, 1)
        dialog.action_apply()
        self.assertEqual(self.bob.retail_adviser_id, self.cid)
        self.assertEqual(self.ann.retail_adviser_id, self.amy)

    def test_assign_by_rule(self):
        """By hand the rule works for any selected customer, whatever the company's setting (S-ROL-05)."""
        for rule, expected in [('guide', self.ben), ('leader', self.cid)]:
            with self.subTest(rule=rule):
                self.bob.retail_adviser_id = False
                dialog = self._dialog(
                    self.users['lead'], partner_ids=[(6, 0, self.bob.ids)], rule=rule
                )
                dialog.action_apply()
                self.assertEqual(self.bob.retail_adviser_id, expected)

    def test_hand_over(self):
        """All customers of one adviser go to another, archived ones too; other customers stay (S-ROL-05)."""
        (self.bob + self.ann).retail_adviser_id = self.amy
        self.acme.retail_adviser_id = self.ben
        self.ann.active = False
        self.amy.active = False
        action = self.env['res.users'].with_user(self.users['lead'])
        action = action._action_retail_hand_over(self.amy)
        dialogs = self.dialogs.with_user(self.users['lead']).with_context(**action['context'])
        with Form(dialogs) as form:
            self.assertEqual(form.customer_count, 2)
            form.user_id = self.cid
        form.record.action_apply()
        self.assertEqual((self.bob + self.ann).retail_adviser_id, self.cid)
        self.assertEqual(self.acme.retail_adviser_id, self.ben)

    def test_bad_choices_are_refused(self):
        """Nobody chosen, the same one, or a customer: a clear message, and nothing changes (bad input)."""
        self.bob.retail_adviser_id = self.amy
        lead = self.users['lead']
        portal = self.users['portal']
        for values in [
            {'mode': 'hand_over', 'user_id': self.cid.id},
            {'mode': 'hand_over', 'from_user_id': self.amy.id},
            {'mode': 'hand_over', 'from_user_id': self.amy.id, 'user_id': self.amy.id},
            {'mode': 'hand_over', 'from_user_id': self.amy.id, 'user_id': portal.id},
            {'mode': 'assign', 'partner_ids': [(6, 0, self.bob.ids)]},
        ]:
            with self.subTest(values=values), self.assertRaises(UserError):
                self._dialog(lead, **values).action_apply()
        self.assertEqual(self.bob.retail_adviser_id, self.amy)

    def test_who_may_assign(self):
        """Only leaders and managers assign and hand over (S-ROL-05, design 7)."""
        for persona, user in self.users.items():
            users = self.env['res.users'].with_user(user)
            with self.subTest(persona=persona):
                if persona in ('lead', 'manager'):
                    self.assertTrue(users._action_retail_hand_over(users))
                    continue
                with self.assertRaises(AccessError):
                    users._action_retail_hand_over(users)
                with self.assertRaises(AccessError):
                    self.dialogs.with_user(user).create({'mode': 'hand_over'})

    def test_my_customers(self):
        """The list of my customers is those whose adviser I am (S-ROL-05, S-ROL-07)."""
        self.bob.retail_adviser_id = self.amy
        action = self.env.ref('retail_crm.res_partner_action_mine')
        self.assertEqual(action.domain, "[('retail_adviser_id', '=', uid)]")
        for user, expected in [(self.amy, self.bob), (self.ben, self.bob.browse())]:
            partners = self.env['res.partner'].with_user(user)
            self.assertEqual(partners.search([('retail_adviser_id', '=', user.id)]), expected)


@tagged('post_install', '-at_install', 'retail_crm')
class TestAdviserEndToEnd(ClassCase):
    def test_from_purchase_to_adviser(self):
        """A purchase that makes a customer of high value gives him his shop guide as adviser (S-ROL-05)."""
        self.shop.retail_adviser_rule = 'guide'
        orders = self._buy(self.dora, ('2026-03-01', 900_000), ('2026-03-11', 900_000))
        orders.user_id = self.clerk
        self._forget()
        self.purchases._sync({'sale.order': orders.ids})
        self._refresh(self.dora, '03-12')
        profile = self._profile_of(self.dora, self.shop)
        self.profiles._refresh(as_of=date(2026, 3, 13))
        profile.invalidate_recordset()
        self.assertTrue(profile.is_high_value)
        self._process()
        self.assertEqual(self.dora.retail_adviser_id, self.clerk)


@tagged('post_install', '-at_install', 'retail_crm')
class TestScheduledActions(RetailCrmCommon):
    def test_own_scheduled_actions_by_hand(self):
        """Administrators find all periodic work of the add-on in one list and start it there (S-SYS-10)."""
        admin = self.env.ref('base.user_admin')
        action = self.env.ref('retail_crm.ir_cron_action').with_user(admin).run()
        crons = self.env['ir.cron'].with_context(active_test=False).search(action['domain'])
        names = self.env['ir.model.data'].search(
            [('module', '=', 'retail_crm'), ('model', '=', 'ir.cron')]
        )
        self.assertLessEqual(set(names.mapped('res_id')), set(crons.ids))
        for cron in crons:
            self.assertIn('Retail CRM', cron.name)
        self.assertIn(self.env.ref('retail_crm.ir_cron_refresh_profiles'), crons)

    def test_only_administrators(self):
        """Nobody else gets the list, a Retail CRM manager neither (S-SYS-10)."""
        action = self.env.ref('retail_crm.ir_cron_action')
        for persona in ('manager', 'user'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                action.with_user(self.users[persona]).run()
