"""Rules and limits: when they take effect, that they move classes without a word, and what is refused."""

from datetime import date, timedelta

from psycopg2 import IntegrityError
from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.customer._classes import TRACKED
from odoo.addons.retail_crm.tests.class_common import ClassCase

TODAY = date(2026, 6, 30)


@tagged('post_install', '-at_install', 'retail_crm')
class TestLimits(ClassCase):
    """Sixty customers who come every 73 days, the first of whom spend most; then a hundred who spend more."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.cr.execute('DELETE FROM retail_purchase')
        cls.env.invalidate_all()
        cls.crowd = cls.env['res.partner'].create([{'name': f'Old {n}'} for n in range(60)])
        days = ('2024-09-08', '2024-11-20', '2025-02-01', '2025-04-15', '2025-06-27')
        days += ('2025-09-08', '2025-11-20', '2026-02-01', '2026-04-15', '2026-06-27')
        cls._buy_all(
            (partner, day, 1000 - 15 * number)
            for number, partner in enumerate(cls.crowd)
            # the second half came once less in each year
            for day in (days if number < 30 else days[1:5] + days[6:])
        )
        cls.profiles._refresh(as_of=TODAY)
        cls.env.cr.execute('DELETE FROM retail_profile_change')
        cls._forget()

    @classmethod
    def _buy_all(cls, rows):
        orders = cls._insert_orders([(partner.id, day, amount) for partner, day, amount in rows])
        cls.purchases._sync({'sale.order': orders.ids})

    def _newcomers(self):
        """Put in a hundred customers who buy more than anybody, and refresh them alone."""
        new = self.env['res.partner'].create([{'name': f'New {n}'} for n in range(100)])
        self._buy_all(
            (partner, day, 5000 + 10 * number)
            for number, partner in enumerate(new)
            for day in ('2026-06-01', '2026-06-10', '2026-06-20', '2026-06-29')
        )
        self.profiles._refresh(new, as_of=TODAY)
        return new

    def _moved(self, before, after, name):
        """Return the old customers for whom a class or flag differs."""
        return self.crowd.filtered(lambda one: before[one.id][name] != after[one.id][name])

    def test_newcomers_do_not_move_others(self):
        """A refresh of some uses the kept limits: nobody else moves, equal customers stay equal (docs/classes.md)."""
        before = self._stored()
        new = self._newcomers()
        after = self._stored()
        self.assertEqual(self.crowd.filtered(lambda one: before[one.id] != after[one.id]).ids, [])
        self.assertEqual({after[one.id]['abc_class'] for one in new}, {'a'})
        self.assertEqual(len(self.changes.search([]).partner_id & new), 100)

    def test_limits_move_without_a_word(self):
        """Who falls because others spend more falls silently: he has done nothing (docs/classes.md, When classes change)."""
        before = self._stored()
        self._newcomers()
        own = self.changes.search([])
        self._forget()
        self.profiles._refresh(as_of=TODAY)
        after = self._stored()
        for name in ('lifecycle', 'rfm_group', 'abc_class', 'star_class', 'is_high_value'):
            with self.subTest(name=name):
                self.assertTrue(self._moved(before, after, name), 'moved by the limits')
        self.assertFalse(self.changes.search([]) - own)
        self.assertFalse(self.moments.search([('state', '=', 'pending')]))
        # and the next look at them is as silent
        self.profiles._refresh(self.crowd, as_of=TODAY)
        self.profiles._refresh(as_of=TODAY)
        self.assertFalse(self.changes.search([]) - own)

    def test_real_changes_in_the_same_run_are_logged(self):
        """A purchase that comes with the run over all is logged, beside those whom only limits moved (docs/classes.md)."""
        before = self._stored()
        buyer, returner = self.crowd[50], self.crowd[40]
        self._newcomers()
        own = self.changes.search([])
        # 5 x 4 purchases of 250 are few; 50 x 900 in a day are the most of all
        self._buy_all([(buyer, '2026-06-28', 90_000)])
        order = self.env['sale.order'].search(
            [('partner_id', '=', returner.id)], order='date_order desc', limit=1
        )
        self._give_back(order)
        self.profiles._refresh(as_of=TODAY)
        logged = self.changes.search([]) - own
        self.assertEqual(logged.partner_id, buyer + returner)
        bought, returned = (
            logged.grouped('partner_id')[buyer],
            logged.grouped('partner_id')[returner],
        )
        self.assertEqual(set(bought.mapped('reason')), {'purchase'})
        self.assertEqual(set(returned.mapped('reason')), {'return'})
        after = self._stored()
        for change in logged:
            name = change.classification
            old, new = (
                key and key.removeprefix(f'{name}.') for key in (change.old_class, change.new_class)
            )
            row = change.partner_id.id
            self.assertEqual((old or None, new or None), (before[row][name], after[row][name]))
        self.assertIn('abc_class', bought.mapped('classification'))
        self.assertEqual(
            self._log(returner, 'ladder')[0][2:], ('loyal', 'purchaser', 'down', 'return')
        )

    def test_time_in_the_same_run_is_logged(self):
        """Days that pass until a run over all are logged as such, though limits move in it, too (docs/classes.md)."""
        self._newcomers()
        own = self.changes.search([])
        later = date(2026, 10, 20)  # 115 days after the last purchase of the crowd
        self.profiles._refresh(as_of=later)
        logged = (self.changes.search([]) - own).filtered(
            lambda change: change.partner_id in self.crowd
        )
        self.assertEqual(set(logged.mapped('reason')), {'time'})
        self.assertEqual(set(logged.mapped('date')), {later})
        after = self._stored()
        self.assertEqual({after[one.id]['churn_level'] for one in self.crowd}, {'watch'})
        levels = logged.filtered(lambda change: change.classification == 'churn_level')
        # The usual gap was 78 days, and is 34 with the newcomers. With 78, those who came every 73 days are watched from
        # the 109th day on, those who left one out ((584 + 2 x 78) / 9 = 82 days) from the 124th: not yet.
        self.assertEqual(set(levels.partner_id.ids), set(self.crowd[:30].ids))

    def test_limits_are_kept(self):
        """What classes were made with is kept with the rules, and noted only when it differs (docs/classes.md)."""
        self.assertEqual(self.rules.applied_on, TODAY)
        applied = self.rules.applied
        self.assertEqual(set(self.rules._figure_types()) - set(applied), set())
        self.assertEqual(set(self.rules._rules()) - set(applied), set())
        self.assertFalse(applied['rfm_fixed'])
        self.profiles._refresh(as_of=TODAY)
        self.assertEqual(self.rules.applied, applied)
        self.profiles._refresh(as_of=date(2026, 7, 1))
        self.assertEqual(self.rules.applied, {**applied, 'measured_on': '2026-07-01'})
        self._newcomers()
        self.profiles._refresh(as_of=date(2026, 7, 1))
        self.assertNotEqual(self.rules.applied, applied)
        self.assertEqual(self.rules.applied_on, date(2026, 7, 1))


@tagged('post_install', '-at_install', 'retail_crm')
class TestRecencyLimits(ClassCase):
    """Sixty customers, each of whom bought a day later than the one before."""

    def test_who_stays_away_slides(self):
        """Who does not buy falls to a worse RFM group as time passes, and that is kept (docs/classes.md, S-SEG-25)."""
        self.env.cr.execute('DELETE FROM retail_purchase')
        crowd = self.env['res.partner'].create([{'name': f'One {n}'} for n in range(60)])
        start = date(2026, 5, 1)
        for number, partner in enumerate(crowd):
            last = start + timedelta(days=number)
            self._buy(partner, (str(last - timedelta(days=90)), 50), (str(last), 50))
        day = start + timedelta(days=60)
        self.profiles._refresh(as_of=day)
        self.env.cr.execute('DELETE FROM retail_profile_change')
        idle = crowd[-1]
        before = self._profile_of(idle)
        scores = (before.recency_score, before.rfm_group)
        self.assertEqual(scores[0], 5)
        for number, partner in enumerate(crowd[:-1]):
            self._buy(partner, (str(start + timedelta(days=number + 60)), 50))
        day += timedelta(days=60)
        self.profiles._refresh(crowd[:-1], as_of=day)
        self.assertEqual(self._profile_of(idle).recency_score, 5, 'limits stay until the full run')
        self.profiles._refresh(as_of=day)
        self.assertEqual(self._profile_of(idle).recency_score, 1)
        row = self.changes.search(
            [('partner_id', '=', idle.id), ('classification', '=', 'rfm_group')]
        )
        self.assertEqual(
            (row.old_class, row.direction, row.reason, row.date),
            (f'rfm_group.{scores[1]}', 'down', 'time', day),
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestRules(ClassCase):
    """Changing the rules by which customers are classed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.eve = cls._customer('Eve')
        cls._buy(cls.dora, ('03-01', 100))
        cls._buy(cls.eve, ('03-01', 100))
        cls.profiles._refresh(as_of=date(2026, 3, 21))
        cls._forget()

    def _classes(self, partner):
        profile = self._profile_of(partner)
        return {name: profile[name] for name in TRACKED}

    def test_rules_follow_with_the_next_run_over_all(self):
        """Changed rules wait for a run over all; until then everybody is classed by the old ones (docs/classes.md)."""
        before, logged = self._classes(self.dora), self.changes.search([])
        applied = self.rules.applied
        cron = self.env.ref('retail_crm.ir_cron_refresh_profiles')
        triggers = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        with freeze_time('2026-03-21 10:00:00'):
            self.shop.search([]).retail_full_refreshed_at = fields.Datetime.now()
            self.assertFalse(self.profiles._full_refresh_is_due())
            self.rules.write({'new_days': 10, 'abc_a_percent': 60, 'loyal_orders': 1})
            self.assertTrue(self.profiles._full_refresh_is_due())
        self.assertTrue(self.rules.is_pending)
        self.assertGreater(
            self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), triggers
        )
        self.assertEqual(self.rules.applied, applied)
        # refreshes of some: the old rules, for those who did something as for those who did not
        other = self._customer('Fay')
        self._buy(other, ('03-05', 100))
        self._refresh(self.dora + other, '03-21')
        self.assertEqual(self._classes(self.dora), before)
        self.assertEqual(self._profile_of(other).lifecycle, 'new')
        self.assertEqual(self._profile_of(other).ladder, 'purchaser')
        self.assertEqual((self.changes.search([]) - logged).partner_id, other)
        logged = self.changes.search([])
        self._forget()
        # the run over all: the new rules, without a word
        self._refresh(None, '03-21')
        self.assertFalse(self.rules.is_pending)
        self.assertEqual(self.rules.applied['new_days'], 10)
        self.assertEqual(self.rules.applied['loyal_orders'], 1)
        self.assertEqual(self._profile_of(self.dora).lifecycle, 'at_risk')
        self.assertEqual(self._profile_of(self.dora).ladder, 'loyal')
        self.assertFalse(self.changes.search([]) - logged)
        self.assertFalse(self.moments.search([('state', '=', 'pending')]))
        # from now on refreshes of some use them
        self._buy(other, ('03-20', 100))
        self._buy(self.eve, ('03-20', 100))
        self._refresh(other + self.eve, '03-21')
        self.assertEqual(self._log(self.eve, 'ladder')[1:], [])
        self.assertEqual(self._profile_of(self.eve).ladder, 'loyal')

    def test_purchase_in_the_run_that_applies_rules(self):
        """Who buys in the run that applies new rules is logged, from the class that he had (docs/classes.md)."""
        self.rules.new_days = 10
        self._buy(self.dora, ('03-20', 100))
        self._refresh(None, '03-21')
        self.assertEqual(
            self._log(self.dora, 'lifecycle')[1:],
            [('03-21', 'lifecycle', 'new', 'growth', 'up', 'purchase')],
        )
        self.assertEqual(self._profile_of(self.eve).lifecycle, 'growth', 'new for 10 days only')
        self.assertEqual(len(self._log(self.eve, 'lifecycle')), 1)

    def test_same_value_asks_for_nothing(self):
        """Saving a rule as it is, or who is responsible, asks for no run over all (docs/classes.md)."""
        self.rules.write({'new_days': 90, 'user_id': self.clerk.id})
        self.assertFalse(self.rules.is_pending)

    def test_reset(self):
        """All rules go back to the shipped values, and wait for the next run (docs/classes.md)."""
        shipped = self.rules._rules()
        self.assertEqual(shipped, self.env['retail.classification'].new()._rules())
        self.rules.write(
            {
                'new_days': 10,
                'watch_factor': 2,
                'loyal_months': '0',
                'rfm_method': 'fixed',
                'monetary_5': 20_000,
                'high_value_method': 'amount',
                'high_value_amount': 700,
                'years_lost': 0.1,
                'weight_exclusive': 0,
            }
        )
        self._refresh(None, '03-21')
        self.rules.action_reset()
        self.assertEqual(self.rules._rules(), shipped)
        self.assertTrue(self.rules.is_pending)
        self.assertEqual(self.rules.company_id, self.shop)

    def test_apply(self):
        """ "Apply now" asks for a run over all, though no rule was changed (docs/classes.md)."""
        action = self.rules.action_apply()
        self.assertEqual(action['tag'], 'display_notification')
        self.assertTrue(self.rules.is_pending)

    def test_open(self):
        """The rules of the current company open, and are made where there are none yet (docs/classes.md)."""
        self.assertEqual(self.rules.action_open()['res_id'], self.rules.id)
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.shop.id})
        in_branch = self.rules.with_context(allowed_company_ids=branch.ids)
        self.assertEqual(in_branch.action_open()['res_id'], self.rules.id)
        new = self.env['res.company'].create({'name': 'New'})
        made = self.rules.with_context(allowed_company_ids=new.ids).action_open()['res_id']
        self.assertEqual(self.rules.browse(made).company_id, new)
        self.assertEqual(self.rules.browse(made)._rules(), self.rules._rules())

    @mute_logger('odoo.sql_db')
    def test_refused(self):
        """Rules that contradict themselves are refused with a message, and the record stays (style 6)."""
        before = self.rules._rules()
        cases = (
            ({'watch_factor': 4}, 'at least as late as the one before'),
            ({'alert_factor': 7}, 'at least as late as the one before'),
            ({'watch_factor': 0.5}, 'at least as late as the one before it'),
            ({'abc_a_percent': 85}, 'A and B together at most 100'),
            ({'abc_b_percent': 30.01}, 'A and B together at most 100'),
            ({'abc_a_percent': 0}, 'between 0 and 100'),
            ({'trend_percent': 101}, 'between 0 and 100'),
            ({'mature_percentile': -1}, 'between 0 and 100'),
            ({'high_value_percent': 0}, 'between 0 and 100'),
            ({'star_value_percent': 101}, 'between 0 and 100'),
            ({'abc_potential_percent': 101}, 'between 0 and 100'),
            ({'years_mature': 1.1}, 'between 0 and 1'),
            ({'years_lost': -0.1}, 'between 0 and 1'),
            ({'weight_purchase': 0}, 'repeated buying must count'),
            ({'weight_reference': -1}, 'cannot be negative'),
            ({'new_days': 0}, 'greater than zero'),
            ({'lost_months': 0}, 'greater than zero'),
            ({'loyal_orders': 0}, 'greater than zero'),
        )
        for values, message in cases:
            with self.subTest(values=values):
                with self.assertRaises(CheckViolation) as caught, self.cr.savepoint():
                    self.rules.write(values)
                    self.rules.flush_recordset()
                # as the client is told
                self.assertIn(message, self.rules._sql_error_to_message(caught.exception))
                self.rules.invalidate_recordset()
                self.assertEqual(self.rules._rules(), before)
                self.assertFalse(self.rules.is_pending)

    def test_refused_limits(self):
        """The limits of the scores must each be harder to reach, equal ones are allowed (docs/classes.md, RFM)."""
        before = self.rules._rules()
        for values in (
            {'recency_2': 100},
            {'recency_5': 91},
            {'frequency_2': 4},
            {'frequency_5': 4},
            {'monetary_3': 499.99},
            {'monetary_4': 10_001},
        ):
            with self.subTest(values=values):
                with (
                    self.assertRaisesRegex(ValidationError, 'each be harder to reach'),
                    self.cr.savepoint(),
                ):
                    self.rules.write(values)
                self.rules.invalidate_recordset()
                self.assertEqual(self.rules._rules(), before)
        self.rules.write({'recency_3': 365, 'frequency_2': 3, 'monetary_4': 10_000})

    @mute_logger('odoo.sql_db')
    def test_one_record_for_each_company(self):
        """A company has one set of rules (docs/classes.md)."""
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.rules.copy({'company_id': self.shop.id})
            self.env.flush_all()

    def test_changes_are_in_the_chatter(self):
        """Whoever changes a rule leaves a trace with the value of before, for every rule (docs/classes.md)."""
        untracked = [
            name
            for name in self.rules._rule_types()
            if not getattr(self.rules._fields[name], 'tracking', False)
        ]
        self.assertEqual(untracked, [])
        rules = self.rules.with_context(tracking_disable=False, mail_notrack=False)
        self.env.cr.flush()
        rules.write({'new_days': 60, 'years_mature': 0.9, 'rfm_method': 'fixed'})
        self.env.cr.flush()
        values = rules.message_ids.tracking_value_ids
        self.assertEqual(
            set(values.field_id.mapped('name')), {'new_days', 'years_mature', 'rfm_method'}
        )
        days = values.filtered(lambda value: value.field_id.name == 'new_days')
        self.assertEqual((days.old_value_integer, days.new_value_integer), (90, 60))
        self._refresh(None, '03-22')
        self.env.cr.flush()
        self.assertEqual(rules.message_ids.tracking_value_ids, values, 'applying is no change')

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_rules_are_the_managers(self):
        """Staff reads the rules, managers change them (design 7)."""
        rules = self.rules.with_user(self.clerk)
        self.assertEqual(rules.new_days, 90)
        for call in (rules.action_reset, rules.action_apply):
            with self.assertRaises(AccessError):
                call()
        self.clerk.group_ids += self.env.ref('retail_crm.group_manager')
        rules.write({'new_days': 60})
        self.assertTrue(self.rules.is_pending)
