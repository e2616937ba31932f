"""The history of classes and what is announced: who moved, when, why; and what moves without a word."""

from datetime import date

from odoo.tests import freeze_time, tagged

from odoo.addons.retail_crm.tests.class_common import ClassCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestClassHistory(ClassCase):
    """Dora's interval is 10 days: watched after 15, at risk after 16, an alert after 30, lapsed after 31."""

    def test_first_purchase(self):
        """Lifecycle and ladder are kept from the first time on, other classes only when they change (S-SEG-25)."""
        self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        self.assertEqual(
            self._log(self.dora),
            [
                ('03-01', 'lifecycle', False, 'new', 'first', 'purchase'),
                ('03-01', 'ladder', False, 'purchaser', 'first', 'purchase'),
            ],
        )
        self.assertEqual(self._said(self.dora), ['class_changed'] * 2)

    def test_nothing_is_logged_twice(self):
        """A second refresh of the day writes no history and says nothing, of some or of all (design 4.3)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-20')
        before = self._log(self.dora)
        self.assertTrue(self._said(self.dora))
        self._refresh(self.dora, '03-20')
        self._refresh(None, '03-20')
        self.assertEqual(self._log(self.dora), before)
        self.assertEqual(self._said(self.dora), [])

    def test_second_purchase(self):
        """A second purchase is the reason of the moves that it brings, and of no others (S-SEG-25)."""
        self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        self._said(self.dora)
        self._buy(self.dora, ('03-11', 100))
        self._refresh(self.dora, '03-11')
        self.assertEqual(
            self._log(self.dora)[2:],
            [
                ('03-11', 'lifecycle', 'new', 'growth', 'up', 'purchase'),
                ('03-11', 'rfm_group', 'recent', 'promising', 'up', 'purchase'),
            ],
        )
        self.assertEqual(self._said(self.dora), ['class_changed'] * 2)

    def test_fourth_purchase_makes_a_follower(self):
        """With four purchases in 12 months the ladder is climbed (docs/classes.md, Ladder)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100), ('03-21', 100))
        self._refresh(self.dora, '03-21')
        self._buy(self.dora, ('03-22', 100))
        self._refresh(self.dora, '03-22')
        self.assertEqual(
            self._log(self.dora, 'ladder', 'star_class')[1:],
            [
                # three purchase days of four are a score of 75 already
                ('03-22', 'ladder', 'purchaser', 'loyal', 'up', 'purchase'),
            ],
        )

    def test_time_passes(self):
        """Each class is left on the day after which it does not hold, by the nightly refresh alone (docs/classes.md).

        Two purchases: recency leaves its bands after 30, 90, 180 and 365 days, the first of them leaves the two
        years on 1 March 2028, the last on the 11th, and lost is who has not bought in more than them.
        """
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-11')
        self._walk(self.dora, '2030-01-01')
        self.assertEqual(
            self._log(self.dora)[2:],
            [
                ('03-26', 'churn_level', 'none', 'watch', 'down', 'time'),
                ('03-27', 'lifecycle', 'growth', 'at_risk', 'down', 'time'),
                ('04-10', 'churn_level', 'watch', 'alert', 'down', 'time'),
                ('04-11', 'lifecycle', 'at_risk', 'lapsed', 'down', 'time'),
                ('06-10', 'rfm_group', 'promising', 'fading', 'down', 'time'),
                ('09-08', 'rfm_group', 'fading', 'hibernating', 'down', 'time'),
                ('2028-03-01', 'rfm_group', 'hibernating', 'dormant', 'down', 'time'),
                ('2028-03-12', 'lifecycle', 'lapsed', 'lost', 'down', 'time'),
            ],
        )
        self.assertFalse(self._profile_of(self.dora).refresh_on)

    def test_late_refresh_is_dated_when_it_ran(self):
        """The date of a row is the day for which it was found: a server that slept logs one move (S-SEG-25)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-11', '05-05')
        self.assertEqual(
            self._log(self.dora, 'lifecycle', 'churn_level')[1:],
            [
                ('05-05', 'lifecycle', 'growth', 'lapsed', 'down', 'time'),
                ('05-05', 'churn_level', 'none', 'alert', 'down', 'time'),
            ],
        )
        self.assertEqual(self._said(self.dora, 'churn_alert'), ['churn_alert'])

    def test_return_of_one_purchase(self):
        """A purchase that was returned takes its moves back, and the return is the reason (S-SEG-25)."""
        orders = self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-11')
        self._give_back(orders[1])
        self._refresh(self.dora, '03-12')
        self.assertEqual(
            self._log(self.dora)[2:],
            [
                ('03-12', 'lifecycle', 'growth', 'new', 'down', 'return'),
                ('03-12', 'rfm_group', 'promising', 'recent', 'down', 'return'),
            ],
        )

    def test_return_of_everything(self):
        """Who has given everything back is a potential purchaser again, and has no RFM and no ABC class (S-SEG-25)."""
        [order] = self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        self._said(self.dora)
        self._give_back(order)
        self._refresh(self.dora, '03-02')
        self.assertEqual(
            self._log(self.dora)[2:],
            [
                ('03-02', 'lifecycle', 'new', 'prospect', 'down', 'return'),
                ('03-02', 'ladder', 'purchaser', 'prospect', 'down', 'return'),
                ('03-02', 'rfm_group', 'recent', False, 'down', 'return'),
                ('03-02', 'abc_class', 'c', False, 'down', 'return'),
            ],
        )
        self.assertEqual(self._said(self.dora), ['class_changed'] * 4)

    def test_stars_come_and_go(self):
        """No star is between a burden and a small star: better than the one, worse than the other (S-SEG-25)."""
        orders = self._buy(self.dora, ('03-01', 600_000), ('03-02', 1))
        orders |= self._buy(self.dora, ('03-03', 600_000))
        self._refresh(self.dora, '03-03')
        self.assertEqual(self._profile_of(self.dora).star_class, 'gold')
        for order in orders[0] + orders[2]:
            self._give_back(order)
        self._refresh(self.dora, '03-04')
        self._buy(self.dora, ('03-05', -50))
        self._refresh(self.dora, '03-05')
        self._buy(self.dora, ('03-06', 500))
        self._refresh(self.dora, '03-06')
        self._buy(self.dora, ('03-07', 5))  # 4 purchase days of which 3 ask for a score of 60
        self._refresh(self.dora, '03-07')
        self.assertEqual(
            self._log(self.dora, 'star_class'),
            [
                ('03-04', 'star_class', 'gold', False, 'down', 'return'),
                ('03-05', 'star_class', False, 'burden', 'down', 'purchase'),
                ('03-06', 'star_class', 'burden', 'small_star', 'up', 'purchase'),
            ],
        )

    def test_came_back(self):
        """A purchase of a lapsed customer wins him back, which is said once (docs/classes.md, Lifecycle; S-SEG-24)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(self.dora, '03-11')
        self._walk(self.dora, '05-31')
        self._forget()
        self._buy(self.dora, ('06-01', 100))
        self._refresh(self.dora, '06-01')
        self.assertEqual(
            [row for row in self._log(self.dora) if row[0] == '06-01'],
            [
                ('06-01', 'lifecycle', 'lapsed', 'won_back', 'up', 'purchase'),
                ('06-01', 'star_class', False, 'small_star', 'up', 'purchase'),
                ('06-01', 'churn_level', 'alert', 'none', 'up', 'purchase'),
            ],
        )
        self.assertEqual(sorted(self._said(self.dora)), ['came_back', *['class_changed'] * 3])
        self._refresh(self.dora, '06-01', '06-02')
        self._buy(self.dora, ('06-05', 100))
        self._refresh(self.dora, '06-05')
        self.assertEqual(self._said(self.dora, 'came_back'), [])

    def test_moments_name_the_row(self):
        """A moment of a class leads to the row of the history, its customer and company (design 4.1)."""
        self._buy(self.dora, ('03-01', 100))
        self._refresh(self.dora, '03-01')
        self.env.flush_all()
        moments = self.moments.search(
            [('partner_id', '=', self.dora.id), ('kind', '=', 'class_changed')]
        )
        self.assertEqual(set(moments.mapped('res_model')), {'retail.profile.change'})
        rows = self.changes.browse(moments.mapped('res_id'))
        self.assertEqual(rows.partner_id, self.dora)
        self.assertEqual(moments.company_id, self.shop)
        self.assertEqual(set(rows.mapped('classification')), {'lifecycle', 'ladder'})
        self._process()
        self.assertEqual(set(moments.mapped('state')), {'done'})

    def test_history_of_a_whole_run(self):
        """A run over all logs what a run over one customer would (design 4.3)."""
        self._buy(self.dora, ('03-01', 100), ('03-11', 100))
        self._refresh(None, '03-11', '03-26', '03-27')
        self.assertEqual(
            self._log(self.dora, 'lifecycle', 'churn_level'),
            [
                ('03-11', 'lifecycle', False, 'growth', 'first', 'purchase'),
                ('03-26', 'churn_level', 'none', 'watch', 'down', 'time'),
                ('03-27', 'lifecycle', 'growth', 'at_risk', 'down', 'time'),
            ],
        )

    def test_deleted_customer_takes_the_history_along(self):
        """Who may be deleted is deleted with his derived rows (design 4.2; docs/classes.md, When classes change)."""
        order = self._create_order(self.dora, 10, confirm=False)
        self._process()
        self.assertTrue(self._log(self.dora))
        order.unlink()
        self._process()
        self.assertTrue(self._log(self.dora), 'what was stays in the history')
        self.dora.unlink()
        self.assertFalse(self.dora.exists())

    def test_merged_customer_keeps_the_history(self):
        """The history of merged customers is that of the one who remains (design 4.2)."""
        self._buy(self.dora, ('03-01', 100))
        other = self._customer('Dora again')
        self._buy(other, ('03-02', 100))
        self._refresh(self.dora + other, '03-02')
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.dora + other).ids, self.dora)
        self.assertEqual(len(self._log(self.dora, 'ladder')), 2)


@tagged('post_install', '-at_install', 'retail_crm')
class TestChurnAlert(ClassCase):
    """Dora, who bought on 1 and 11 March, is watched from the 26th and an alert from 10 April."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._buy(cls.dora, ('03-01', 100), ('03-11', 100))
        cls.profiles._refresh(cls.dora, as_of=date(2026, 3, 11))
        cls._forget()

    def _alerts(self, *days):
        """Return on which of these days a churn alert is raised."""
        raised = []
        for day in days:
            self._refresh(self.dora, day)
            raised += [day] * len(self._said(self.dora, 'churn_alert'))
        return raised

    def test_once_for_each_level(self):
        """An alert when the customer is to be watched, another when he is leaving, none on the days after (S-SEG-18)."""
        days = ('03-25', '03-26', '03-27', '03-28', '04-09', '04-10', '04-11', '05-01', '12-31')
        self.assertEqual(self._alerts(*days), ['03-26', '04-10'])

    def test_not_again_by_a_run_over_all(self):
        """Runs over all raise no alert that was raised (S-SEG-18)."""
        self._refresh(None, '03-26')
        self.assertEqual(self._said(self.dora, 'churn_alert'), ['churn_alert'])
        self._refresh(None, '03-26', '03-27')
        self.assertEqual(self._said(self.dora, 'churn_alert'), [])

    def test_none_while_snoozed(self):
        """No alert before the day on which the pause ends; the class is kept all the same (S-SEG-18)."""
        self.dora.retail_snoozed_until = '2026-03-27'
        self.assertEqual(self._alerts('03-26', '03-27', '04-10'), ['04-10'])
        self.assertEqual(
            self._log(self.dora, 'churn_level'),
            [
                ('03-26', 'churn_level', 'none', 'watch', 'down', 'time'),
                ('04-10', 'churn_level', 'watch', 'alert', 'down', 'time'),
            ],
        )

    def test_snoozed_until_today(self):
        """On the day on which the pause ends alerts are raised again, and an old pause is none (S-SEG-18)."""
        self.dora.retail_snoozed_until = '2026-03-26'
        self.assertEqual(self._alerts('03-26', '04-10'), ['03-26', '04-10'])

    def test_snooze_for_a_month(self):
        """ "Not now" is 30 days from today, for all who see the list, and can be taken back (S-SEG-18)."""
        self._refresh(self.dora, '03-26')
        profile = self._profile_of(self.dora)
        with freeze_time('2026-03-26 10:00:00'):
            profile.with_user(self.clerk).action_snooze()
        self.assertEqual(self.dora.retail_snoozed_until, date(2026, 4, 25))
        self.assertEqual(profile.snoozed_until, date(2026, 4, 25))
        self._said(self.dora)
        self.assertEqual(self._alerts('04-10'), [])
        profile.with_user(self.clerk).action_unsnooze()
        self.assertFalse(self.dora.retail_snoozed_until)

    def test_cleared_by_a_purchase_and_raised_again(self):
        """A purchase clears the level; the next time that the customer is overdue is told again (S-SEG-18)."""
        self.assertEqual(self._alerts('03-26'), ['03-26'])
        self._buy(self.dora, ('03-30', 100))
        # three purchase days in 29 days: (29 + 20) / 4 = 12.25, so 19 and 37 days
        self.assertEqual(self._alerts('03-30', '04-10', '04-17', '04-18', '04-19'), ['04-18'])
        self.assertEqual(self._alerts('05-05', '05-06', '05-07'), ['05-06'])
        self.assertEqual(
            [row[:4] for row in self._log(self.dora, 'churn_level')],
            [
                ('03-26', 'churn_level', 'none', 'watch'),
                ('03-30', 'churn_level', 'watch', 'none'),
                ('04-18', 'churn_level', 'none', 'watch'),
                ('05-06', 'churn_level', 'watch', 'alert'),
            ],
        )

    def test_straight_to_the_alert(self):
        """Who was not looked at in between is told of once (S-SEG-18)."""
        self.assertEqual(self._alerts('04-20', '04-21'), ['04-20'])


@tagged('post_install', '-at_install', 'retail_crm')
class TestQuietClasses(ClassCase):
    """What brings figures up to date without a word."""

    def _assert_silent(self, partner, before=()):
        self.env.flush_all()
        self.assertEqual(self._log(partner), list(before))
        told = ('class_changed', 'came_back', 'churn_alert')
        self.assertFalse(
            self.moments.search([('partner_id', '=', partner.id), ('kind', 'in', told)])
        )

    def _assert_next_change_is_logged(self, partner, seen='03-08'):
        """Check that the customer's next real change is kept."""
        self._buy(partner, ('03-08', 100))
        self._refresh(partner, seen)
        self.assertEqual(
            self._log(partner, 'lifecycle'),
            [(seen, 'lifecycle', 'new', 'growth', 'up', 'purchase')],
        )

    def test_quiet_refresh(self):
        """A quiet refresh makes figures and classes, and no history (docs/classes.md, When classes change)."""
        self._buy(self.dora, ('03-01', 100))
        self.profiles._refresh(self.dora, as_of=date(2026, 3, 1), quiet=True)
        profile = self._profile_of(self.dora)
        self.assertEqual((profile.lifecycle, profile.order_count), ('new', 1))
        self._assert_silent(self.dora)
        self._assert_next_change_is_logged(self.dora)

    def test_installation(self):
        """The figures of the sales before the installation are made without a word, whatever the zones (design 4.2)."""
        # never the same day in both
        self.shop.resource_calendar_id.tz = 'Pacific/Kiritimati'
        far = self.env['res.company'].create({'name': 'Far'})
        far.resource_calendar_id.tz = 'Pacific/Niue'
        self.env['res.company'].search([]).retail_rebuild_pending = False
        self._buy(self.dora, ('03-01', 100))
        other = self._buy(self.dora, ('03-01', 50))
        other.company_id = far
        self.purchases._sync({'sale.order': other.ids})
        self.env.cr.execute('DELETE FROM retail_profile')
        self.env.invalidate_all()
        with freeze_time('2026-03-02 10:30:00'):
            self.assertNotEqual(self.shop._retail_today(), far._retail_today())
            self.profiles._refresh()
        self.assertEqual(self._profile_of(self.dora).lifecycle, 'new')
        self.assertEqual(self._profile_of(self.dora, far).spend_total, 50)
        self._assert_silent(self.dora)
        self.assertFalse(self.changes.search([('company_id', '=', far.id)]))
        self._assert_next_change_is_logged(self.dora, '03-09')  # where the shop is

    def test_import(self):
        """Imported orders bring figures up to date; nobody is greeted, no move is kept (design 4.1)."""
        for number, context in enumerate(({'import_file': True}, {'retail_crm_quiet': True})):
            with self.subTest(context=context), freeze_time('2026-03-01 10:00:00'):
                partner = self._customer(f'Imported {number}')
                order = self._create_order(partner.with_context(**context), 100, confirm=False)
                self._forget()
                order.with_context(**context).action_confirm()
                order.with_context(**context).date_order = '2026-03-01 09:00:00'
                self.env.flush_all()
                moments = self.moments.search([('partner_id', '=', partner.id)])
                self.assertEqual(set(moments.mapped('quiet')), {True})
                self._process()
                self.assertEqual(self._profile_of(partner).lifecycle, 'new')
                self._assert_silent(partner)
                self._assert_next_change_is_logged(partner)

    def test_retry_of_an_import_is_quiet(self):
        """Imported orders that wait for their turn are told without a word later, too (design 4.1)."""
        with freeze_time('2026-03-01 10:00:00'):
            order = self._create_order(self.dora, 100, confirm=False)
            self._forget()
            order.with_context(import_file=True).action_confirm()
            self.env.flush_all()
            moments = self.moments.search([('partner_id', '=', self.dora.id)])
            moments._postpone('retail.purchase')
            moments.write({'state': 'done'})
        with freeze_time('2026-03-01 10:05:00'):
            self._process()
            self.assertEqual(self._profile_of(self.dora).lifecycle, 'new')
        self._assert_silent(self.dora)

    def test_import_beside_a_sale(self):
        """An import of one customer takes no word from what another did in the same minute (design 4.1)."""
        with freeze_time('2026-03-01 10:00:00'):
            old, new = (
                self._create_order(partner, 100, confirm=False)
                for partner in (self.dora, self._customer('Eve'))
            )
            self._forget()
            new.action_confirm()
            old.with_context(import_file=True).action_confirm()
            self._process()
        self._assert_silent(self.dora)
        self.assertEqual(len(self._log(new.partner_id, 'lifecycle', 'ladder')), 2)

    def test_rebuild(self):
        """While purchases are derived again, figures follow and nothing is kept: they are half the old ones (design 4.2)."""
        self._buy(self.dora, ('03-01', 100))
        self.shop.retail_rebuild_pending = True
        self._refresh(self.dora, '03-01')
        self.assertEqual(self._profile_of(self.dora).lifecycle, 'new')
        self._assert_silent(self.dora)
        self._refresh(None, '05-01')
        self._assert_silent(self.dora)
        self.shop.retail_rebuild_pending = False
        self._refresh(self.dora, '05-01')
        self._assert_silent(self.dora)

    def test_rebuild_of_another_company(self):
        """A company whose purchases are derived again takes no history from the others (docs/classes.md)."""
        other = self.env['res.company'].create({'name': 'Other'})
        other.retail_rebuild_pending = True
        self._buy(self.dora, ('03-01', 100))
        order = self._buy(self.dora, ('03-01', 50))
        order.company_id = other
        self.purchases._sync({'sale.order': order.ids})
        self._refresh(self.dora, '03-01')
        self.assertEqual(len(self._log(self.dora)), 2)
        self.assertTrue(self._profile_of(self.dora, other))
        self.assertFalse(self.changes.search([('company_id', '=', other.id)]))

    def test_new_company_asks_for_no_rebuild(self):
        """A new company or branch has nothing to derive again, though it gets a calendar (design 4.2)."""
        company = self.env['res.company'].create({'name': 'New'})
        self.env['res.company'].create({'name': 'Branch', 'parent_id': self.shop.id})
        self.env.flush_all()
        self.assertFalse((company + self.shop).filtered('retail_rebuild_pending'))
        self.shop.resource_calendar_id = company.resource_calendar_id.copy({'tz': 'Asia/Tokyo'})
        self.assertTrue(self.shop.retail_rebuild_pending)
