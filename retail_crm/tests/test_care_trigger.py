"""Builders of care rules: what the statements find, against what plain Python says."""

from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from odoo.addons.retail_crm.models.care.retail_care_trigger_date import yearly_keys
from odoo.addons.retail_crm.models.care.retail_care_trigger_purchase import repeated
from odoo.addons.retail_crm.models.customer import _yearly
from odoo.addons.retail_crm.tests.common import RetailCrmCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareTrigger(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = cls.env['retail.care.rule']
        cls.rules.search([]).action_archive()
        cls.env['retail.occasion'].search([]).action_archive()
        cls.company.resource_calendar_id.tz = 'Asia/Shanghai'
        cls.people = cls.env['res.partner'].create(
            [{'name': f'Person {number}', 'retail_customer': True} for number in range(4)]
        )
        cls.category = cls.env['product.category'].create({'name': 'Water'})
        cls.filter = cls._create_product('Filter', 100, categ_id=cls.category.id)

    def _rows(self, trigger, first, last, partners=None, **values):
        """Return what the builder finds for due days from first to last, of these partners."""
        rule = self.rules.create(
            {
                'name': trigger,
                'trigger': trigger,
                'company_id': self.company.id,
                'user_id': self.users['manager'].id,
                **values,
            }
        )
        ids = (self.people if partners is None else partners).ids
        self.env.flush_all()
        build = getattr(rule, f'_sql_{trigger}')
        found = self.env.execute_query(build(self.company, first, last, ids))
        everybody = self.env.execute_query(build(self.company, first, last, None))
        self.assertEqual(
            sorted(found), sorted(row for row in everybody if row[0] in ids), 'all and some agree'
        )
        return sorted(found)

    def _bought(self, partner, day, product=None, quantity=1):
        order = self.env['sale.order'].create(
            {
                'partner_id': partner.id,
                'order_line': [
                    Command.create(
                        {
                            'product_id': (product or self.filter).id,
                            'product_uom_qty': quantity,
                            'price_unit': 100,
                            'tax_ids': False,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        order.date_order = f'{day} 04:00:00'
        return order

    def _fill(self):
        self.env.flush_all()
        self._process()

    def test_yearly_days_are_those_of_plain_python(self):
        """Each day of two years, solar and lunar, falls where the calendar says; 29 February on the 28th (S-FUP-03)."""
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        keys = yearly_keys(first, last)
        solar = {(int(month), day, when) for month, day, lunar, when, _year in keys if not lunar}
        wanted = {
            (month, day, _yearly.occurrence(year, month, day))
            for year in (2027, 2028)
            for month in range(1, 13)
            for day in range(1, 32)
            if _yearly.is_possible(month, day)
        }
        self.assertEqual(solar, wanted)
        self.assertIn((2, 29, date(2027, 2, 28)), solar)
        self.assertNotIn((2, 29, date(2028, 2, 28)), solar)
        lunar = {(int(month), day, when) for month, day, is_lunar, when, _year in keys if is_lunar}
        wanted = {
            (month, day, _yearly.occurrence(year, month, day, lunar=True))
            for year in (2026, 2027, 2028)
            for month in range(1, 13)
            for day in range(1, 31)
        }
        self.assertEqual(lunar, {row for row in wanted if first <= row[2] <= last})

    def test_birthdays(self):
        """Solar, lunar, and 29 February; the days of the rule move the window (S-FUP-03)."""
        leap, lunar, other, _none = self.people
        leap.write({'retail_birth_month': '2', 'retail_birth_day': 29})
        lunar.write({'retail_birth_month': '1', 'retail_birth_day': 1, 'retail_birth_lunar': True})
        other.write({'retail_birth_month': '2', 'retail_birth_day': 8})
        self.assertEqual(
            self._rows('birthday', date(2027, 2, 6), date(2027, 2, 28)),
            [
                (leap.id, date(2027, 2, 28), 'birthday:2027', 'res.partner', leap.id),
                (lunar.id, date(2027, 2, 6), 'birthday:2027', 'res.partner', lunar.id),
                (other.id, date(2027, 2, 8), 'birthday:2027', 'res.partner', other.id),
            ],
        )
        rows = self._rows('birthday', date(2027, 2, 1), date(2027, 2, 1), delay_days=-7)
        self.assertEqual([row[:2] for row in rows], [(other.id, date(2027, 2, 8))])

    def test_named_dates(self):
        """Each named date once a year."""
        named = self.env['retail.occasion.date'].create(
            {'partner_id': self.people[0].id, 'month': '5', 'day': 4, 'kind': 'wedding'}
        )
        rows = self._rows('named_date', date(2027, 5, 1), date(2027, 5, 1), delay_days=-3)
        occurrence = f'named_date:{named.id}:2027'
        self.assertEqual(
            rows,
            [
                (
                    self.people[0].id,
                    date(2027, 5, 4),
                    occurrence,
                    'retail.occasion.date',
                    named.id,
                )
            ],
        )

    def test_occasions(self):
        """Only those that are on; of two on one day one greeting; no advertising days hold marketing (S-FUP-04)."""
        feast, second, off, quiet = self.env['retail.occasion'].create(
            [
                {'name': 'Feast', 'date': '2031-10-01', 'is_on': True, 'sequence': 1},
                {'name': 'Second', 'date': '2031-10-01', 'is_on': True},
                {'name': 'Off', 'date': '2031-10-02'},
                {'name': 'Quiet', 'date': '2031-10-03', 'is_on': True, 'kind': 'no_contact'},
            ]
        )
        rows = self._rows('occasion', date(2031, 9, 30), date(2031, 10, 4))
        self.assertEqual(
            rows,
            [
                (one.id, feast.date, 'occasion:2031-10-01', 'retail.occasion', feast.id)
                for one in self.people
            ],
        )
        feast.is_on = False
        rows = self._rows('occasion', date(2031, 10, 1), date(2031, 10, 1))
        self.assertEqual({row[4] for row in rows}, {second.id})
        followups = self.env['retail.followup']
        self.assertEqual(followups._no_contact_day(self.company, quiet.date), 'Quiet')
        self.assertFalse(followups._no_contact_day(self.company, off.date))

    def test_shipped_calendar(self):
        """Ten years; moving holidays are those of the lunar calendar (defaults 23)."""
        occasions = self.env['retail.occasion'].with_context(active_test=False)
        for code, month, day in (
            ('spring_festival', 1, 1),
            ('lantern', 1, 15),
            ('dragon_boat', 5, 5),
            ('qixi', 7, 7),
            ('zhongyuan', 7, 15),
            ('mid_autumn', 8, 15),
            ('chongyang', 9, 9),
        ):
            shipped = occasions.search([('code', '=', code)], order='date')
            self.assertEqual(
                shipped.mapped('date'),
                [_yearly.occurrence(year, month, day, lunar=True) for year in range(2027, 2037)],
            )
        on = set(occasions.search([('code', '!=', False), ('is_on', '=', True)]).mapped('code'))
        self.assertLessEqual(
            {'spring_festival', 'mid_autumn', 'national_day', 'zhongyuan', 'qingming'}, on
        )
        self.assertNotIn('christmas', on)

    def test_calendar_ends(self):
        """Once, when the last year comes near, the responsible user is asked to continue it."""
        rule = self.rules.create({'name': 'Greet', 'trigger': 'occasion'})
        occasions = self.env['retail.occasion']
        occasions.create({'name': 'Last', 'date': '2036-10-01', 'is_on': True})
        with freeze_time('2035-06-01'):
            occasions._cron_remind()
            self.assertFalse(rule.activity_ids)
        with freeze_time('2035-11-01'):
            occasions._cron_remind()
            occasions._cron_remind()
        self.assertEqual(len(rule.activity_ids), 1)

    def test_purchases(self):
        """Boundaries of window and amount, categories, cancelled ones (S-FUP-08)."""
        one, two, three, four = self.people
        first = self._bought(one, '2026-03-01')
        self._bought(two, '2026-03-02', quantity=3)
        self._bought(three, '2026-03-03')
        cancelled = self._bought(four, '2026-03-02')
        cancelled._action_cancel()
        self._fill()
        window = date(2026, 3, 8), date(2026, 3, 9)
        rows = self._rows('purchase', *window, delay_days=7)
        self.assertEqual([row[0] for row in rows], [one.id, two.id])
        self.assertEqual(
            rows[0][1:],
            (date(2026, 3, 1), f'purchase:sale.order:{first.id}', 'sale.order', first.id),
        )
        rows = self._rows('purchase', *window, delay_days=7, minimum=300)
        self.assertEqual([row[0] for row in rows], [two.id])
        other = self.env['product.category'].create({'name': 'Other'})
        self.assertFalse(self._rows('purchase', *window, delay_days=7, category_ids=other.ids))
        self.assertEqual(
            len(self._rows('purchase', *window, delay_days=7, category_ids=self.category.ids)), 2
        )
        self.assertEqual(
            [row[0] for row in self._rows('second_purchase', *window, delay_days=7)],
            [one.id, two.id],
        )
        self._bought(one, '2026-03-20')
        self._fill()
        self.assertEqual(
            [row[0] for row in self._rows('second_purchase', *window, delay_days=7)], [two.id]
        )

    def test_delivered(self):
        """The moment comes once, with the last goods; where nobody records deliveries, with the sale (S-FUP-08)."""
        self.company.retail_sold_is_delivered = False
        with freeze_time('2027-03-01 04:00:00'):
            order = self._bought(self.people[0], '2027-03-01', quantity=2)
            self._fill()
            self.assertFalse(order.retail_delivered_at)
            order.order_line.qty_delivered = 1
            self.assertFalse(order.retail_delivered_at)
            order.order_line.qty_delivered = 2
            self.assertEqual(order.retail_delivered_at, datetime(2027, 3, 1, 4))
            order.order_line.qty_delivered = 1
            order.order_line.qty_delivered = 2
            self._fill()
        domain = [('kind', '=', 'delivered'), ('res_model', '=', 'sale.order')]
        moments = self.env['retail.moment'].search([*domain, ('res_id', '=', order.id)])
        self.assertEqual(len(moments), 1)
        self.company.retail_sold_is_delivered = True
        with freeze_time('2027-03-02 04:00:00'):
            sold = self._bought(self.people[1], '2027-03-02')
            self.assertFalse(sold.retail_delivered_at, 'not with the confirmation itself')
            self._fill()
        self.assertEqual(sold.retail_delivered_at, datetime(2027, 3, 2, 4))
        rows = self._rows('delivery', date(2027, 3, 4), date(2027, 3, 5), delay_days=3)
        self.assertEqual(
            rows,
            [
                (
                    self.people[0].id,
                    date(2027, 3, 1),
                    f'delivery:{order.id}',
                    'sale.order',
                    order.id,
                ),
                (self.people[1].id, date(2027, 3, 2), f'delivery:{sold.id}', 'sale.order', sold.id),
            ],
        )

    def test_enquiry_before(self):
        """The last request about such goods is linked to the order when it is delivered (S-SRV-07)."""
        desk = self.env['retail.ticket.type'].search([('code', '=', 'enquiry')], limit=1)
        with freeze_time('2027-02-20 04:00:00'):
            ticket = self.env['retail.ticket'].create(
                {'partner_id': self.people[0].id, 'type_id': desk.id, 'subject': 'Which filter?'}
            )
        with freeze_time('2027-03-01 04:00:00'):
            order = self._bought(self.people[0], '2027-03-01')
            self._fill()
        self.assertEqual(order.retail_enquiry_id, ticket)

    def test_repeated_days(self):
        """Every so many months, the last days of long months too, as plain Python adds months (S-SRV-14)."""
        rows = repeated(date(2027, 2, 26), date(2027, 3, 2), 6)
        self.assertIn((date(2026, 8, 31), date(2027, 2, 28), 1), rows)
        self.assertIn((date(2026, 8, 28), date(2027, 2, 28), 1), rows)
        self.assertIn((date(2026, 3, 1), date(2027, 3, 1), 2), rows)
        self.assertEqual(len(rows), len(set(rows)))

    def test_refill(self):
        """By product, else category; the latest purchase of the product counts (S-SRV-14)."""
        one, two = self.people[:2]
        self.category.retail_contact_days = 180
        self.filter.product_tmpl_id.retail_contact_every_months = 6
        old = self._bought(one, '2027-01-10')
        self._bought(two, '2027-01-10')
        self._bought(two, '2027-02-10')
        self._fill()
        once = date(2027, 1, 10) + timedelta(days=180)
        template = self.filter.product_tmpl_id
        self.assertEqual(
            self._rows('refill', once, once + timedelta(days=1)),
            [
                (one.id, once, f'refill:{template.id}:2027-01-10:0', 'sale.order', old.id),
                (
                    one.id,
                    date(2027, 7, 10),
                    f'refill:{template.id}:2027-01-10:1',
                    'sale.order',
                    old.id,
                ),
            ],
        )
        self.category.retail_contact_days = 0
        template.retail_contact_every_months = 0
        self.assertFalse(self._rows('refill', once, once + timedelta(days=1)))

    def test_silence_and_expected(self):
        """The dates of the profile, once per last purchase (S-CLV-05)."""
        for day in ('2026-01-01', '2026-01-31'):
            self._bought(self.people[0], day)
        self._fill()
        profile = self._profile_of(self.people[0])
        for trigger, silence, column in (
            ('silence', 'watch', 'watch_on'),
            ('silence', 'alert', 'alert_on'),
            ('silence', 'lapse', 'lapse_on'),
            ('expected', 'watch', 'expected_next_date'),
        ):
            day = profile[column]
            [row] = self._rows(trigger, day, day, silence=silence)
            self.assertEqual(row[1:3], (day, f'{trigger}:{profile.last_order_date}'))
            self.assertFalse(
                self._rows(
                    trigger, day + timedelta(days=1), day + timedelta(days=2), silence=silence
                )
            )

    def test_interval(self):
        """Days of the policy since the last contact, of who is overdue the next multiple (S-FUP-01, S-FUP-14)."""
        self.env['retail.policy'].search([]).action_archive()
        self.env['retail.policy'].create(
            {'name': 'All', 'company_id': self.company.id, 'contact_days': 30}
        )
        one, two, three, _never = self.people
        self.env['retail.touch'].create(
            [
                {'partner_id': one.id, 'date': '2026-01-01 04:00:00', 'kind': 'visit'},
                {'partner_id': one.id, 'date': '2026-01-05 18:00:00', 'kind': 'call_out'},
                {'partner_id': two.id, 'date': '2025-12-07 04:00:00', 'kind': 'visit'},
                {'partner_id': three.id, 'date': '2026-01-20 04:00:00', 'kind': 'visit'},
            ]
        )
        heard = {one.id: date(2026, 1, 6), two.id: date(2025, 12, 7), three.id: date(2026, 1, 20)}
        first, last = date(2026, 2, 1), date(2026, 2, 8)
        wanted = sorted(
            (person, day + timedelta(days=30 * number), f'interval:{day}:{number}')
            for person, day in heard.items()
            for number in range(1, 9)
            if first <= day + timedelta(days=30 * number) <= last
        )
        self.assertEqual([row[:3] for row in self._rows('interval', first, last)], wanted)
        self.assertEqual(len(wanted), 2)

    def test_policy_names_rule_and_channel(self):
        """A rule that policies name is for the customers of these policies; their channel comes first (S-FUP-14)."""
        phone = self.env.ref('retail_crm.retail_channel_phone')
        rule = self.rules.create({'name': 'Call', 'company_id': self.company.id})
        other = self.rules.create({'name': 'Other', 'company_id': self.company.id})
        before = other._sql_audience(self.company)
        self.env['retail.policy'].search([]).action_archive()
        self.env['retail.policy'].create(
            {
                'name': 'All',
                'company_id': self.company.id,
                'class_key': 'lifecycle.new',
                'care_rule_id': rule.id,
                'care_channel_id': phone.id,
            }
        )
        self.assertEqual(len(rule._sql_audience(self.company)), len(before) + 1)
        self.assertEqual(len(other._sql_audience(self.company)), len(before))
        with freeze_time('2027-03-01 04:00:00'):
            self._bought(self.people[0], '2027-03-01')
            self._fill()
        followups = self.env['retail.followup'].create(
            [
                {'rule_id': rule.id, 'partner_id': one.id, 'company_id': self.company.id}
                for one in self.people[:2]
            ]
        )
        self.assertEqual(self._profile_of(self.people[0]).lifecycle, 'new')
        orders = followups._channel_orders()
        self.assertEqual(orders[followups[0].id][:1], phone)
        self.assertEqual(orders[followups[1].id], followups._fallback_channels().filtered('active'))

    def test_new_product(self):
        """Who likes or bought such things within a year, once a day (S-FUP-05)."""
        one, two, three, _four = self.people
        tag = self.env['retail.preference'].create(
            {'name': 'Tea water', 'category_ids': self.category.ids}
        )
        one.retail_preference_ids = tag
        self._bought(one, '2027-01-10')
        self._bought(two, '2026-03-02')
        self._bought(three, '2026-03-01')
        self._fill()
        news = [
            self._create_product(f'New {number}', 1, categ_id=self.category.id) for number in (1, 2)
        ]
        for product in news:
            product.product_tmpl_id.retail_new_from = '2027-03-01'
        rows = self._rows('new_product', date(2027, 3, 1), date(2027, 3, 1))
        first = news[0].product_tmpl_id
        self.assertEqual(
            rows,
            [
                (who.id, date(2027, 3, 1), 'new_product:2027-03-01', 'product.template', first.id)
                for who in (one, two)
            ],
        )

    def test_visits_and_appointments(self):
        """The local day counts; who did not come is found once per date (S-FUP-08)."""
        one, two = self.people[:2]
        visit = self.env['retail.touch'].create(
            {'partner_id': one.id, 'date': '2026-03-01 17:00:00', 'kind': 'visit'}
        )
        day = date(2026, 3, 2)
        self.assertEqual(
            self._rows('visit', day, day),
            [(one.id, day, f'visit:{visit.id}', 'retail.touch', visit.id)],
        )
        ticket = self.env['retail.ticket'].create(
            {'partner_id': two.id, 'appointment_at': '2026-03-01 17:00:00', 'subject': 'Fitting'}
        )
        self.assertFalse(self._rows('no_show', day, day))
        ticket.appointment_state = 'no_show'
        [row] = self._rows('no_show', day, day)
        self.assertEqual((row[0], row[1], row[3:]), (two.id, day, ('retail.ticket', ticket.id)))
