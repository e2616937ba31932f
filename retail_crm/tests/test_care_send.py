from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .send_common import NOON, TODAY, SendCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareGates(SendCommon):
    def test_message_leaves_once(self):
        """A due message leaves as a mail in the customer's words; state and day are written with it (S-FUP-02, 11)."""
        followup = self._plan(self.offer_rule, self.cara)
        self._run()
        self.assertState(followup, 'done')
        self.assertEqual(followup.channel_id, self.email)
        self.assertEqual((followup.counted_on, followup.opened_on), (TODAY, TODAY))
        self.assertEqual(followup.contacted_at, NOON)
        self.assertEqual(followup.email_normalized, 'cara@example.com')
        mail = followup.mail_mail_id
        self.assertIn('Dear Cara', mail.body_html)
        self.assertEqual((mail.model, mail.res_id), ('retail.followup', followup.id))
        self.assertIn('cara@example.com', mail.email_to)
        self._run()
        self.assertEqual(followup.mail_mail_id, mail)

    def test_not_before_its_time(self):
        """Nothing leaves before ``try_at`` (S-FUP-11)."""
        followup = self._plan(self.offer_rule, self.cara, try_at=NOON + timedelta(minutes=1))
        self.assertEqual(self._run(), 0)
        self.assertState(followup, 'planned')

    def test_rule_off_or_failed(self):
        """Of a rule that is off nothing leaves; of one that failed it waits until the rule is started again (design 5.4)."""
        first = self._plan(self.offer_rule, self.cara)
        self.offer_rule.state = 'failed'
        self._run()
        self.assertState(first, 'planned')
        self.offer_rule.state = 'off'
        self._run()
        self.assertState(first, 'skipped', 'rule_off')

    def test_goal_reached(self):
        """Who bought since the anchor is not reminded; a purchase of the day itself counts where none was the cause."""
        self._change(self.offer_rule, goal='purchase')
        self._change(self.service_rule, goal='purchase', trigger='purchase')
        self._create_order(self.cara, 10, date=datetime(2027, 3, 10, 8))
        self._process()
        offer = self._plan(self.offer_rule, self.cara)
        guide = self._plan(self.service_rule, self.cara)
        self._run()
        self.assertState(offer, 'stopped', 'goal')
        self.assertState(guide, 'done')

    def test_late(self):
        """What has waited longer than its rule allows is given up, with what it has waited for (design 5.4)."""
        in_time = self._plan(self.offer_rule, self.cara, TODAY - timedelta(days=7))
        late = self._plan(self.offer_rule, self.bob, TODAY - timedelta(days=8))
        waited = self._plan(
            self.offer_rule, self.ann, TODAY - timedelta(days=8), reason='complaint'
        )
        self._run()
        self.assertState(in_time, 'done')
        self.assertState(late, 'skipped', 'late')
        self.assertState(waited, 'skipped', 'complaint')

    def test_not_a_customer_any_more(self):
        """Archived contacts and employees get nothing (R-loy C.9)."""
        self.cara.active = False
        gone = self._plan(self.offer_rule, self.cara)
        staff = self._plan(self.offer_rule, self.users['user'].partner_id)
        self._run()
        self.assertState(gone, 'skipped', 'not_customer')
        self.assertState(staff, 'skipped', 'not_customer')

    def test_minor(self):
        """No marketing to persons under 14, to the day; service reaches them (defaults 19)."""
        child = self._create_customer(
            'Kid', retail_birth_year=2013, retail_birth_month='3', retail_birth_day=11
        )
        grown = self._create_customer(
            'Teen', retail_birth_year=2013, retail_birth_month='3', retail_birth_day=10
        )
        rows = [self._plan(self.offer_rule, one) for one in (child, grown)]
        service = self._plan(self.service_rule, child)
        self._run()
        self.assertState(rows[0], 'skipped', 'minor')
        self.assertState(rows[1], 'done')
        self.assertState(service, 'done')

    def test_complaint_stops_marketing(self):
        """Nothing but service while a complaint is open; the next day at the rule's hour it is asked again (defaults 19)."""
        ticket = self.env['retail.ticket'].create(
            {
                'partner_id': self.cara.id,
                'subject': 'Broken',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_complaint').id,
            }
        )
        offer = self._plan(self.offer_rule, self.cara)
        guide = self._plan(self.service_rule, self.cara)
        self._run()
        self.assertState(offer, 'planned', 'complaint')
        self.assertEqual(offer.try_at, datetime(2027, 3, 11, 10))
        self.assertState(guide, 'done')
        ticket._stamp({'category': 'solved'})
        self._run(datetime(2027, 3, 11, 10))
        self.assertState(offer, 'done')

    def test_control_group_passes_the_same_gates(self):
        """Held is only who would have been contacted, and it counts nowhere; others are not sent or wait (S-MKT-06)."""
        self.offer_rule.day_limit = 1
        none = self._create_customer('None', channels=self.phone)
        child = self._create_customer(
            'Child', retail_birth_year=2020, retail_birth_month='1', retail_birth_day=1
        )
        waiting = self._create_customer('Waiting')
        self._sent(self.offer_rule, waiting, 1)
        people = self.cara | none | child | waiting
        rows = [self._plan(self.offer_rule, one, is_control=True) for one in people]
        self.assertEqual(rows[0]._why_not(NOON)[rows[0].id].kind, 'held')
        self.assertEqual(rows[1]._why_not(NOON)[rows[1].id].verdict.reason, 'no_consent')
        other = self._plan(self.offer_rule, self._create_customer('Other'))
        self._run()
        self.assertState(rows[0], 'held', 'control')
        self.assertEqual(
            (rows[0].done_at, rows[0].contacted_at, rows[0].opened_on), (NOON, False, False)
        )
        self.assertFalse(rows[0].counted_on or rows[0].mail_mail_id or rows[0].attempt_ids)
        self.assertState(rows[1], 'skipped', 'no_consent')
        self.assertState(rows[2], 'skipped', 'minor')
        self.assertState(rows[3], 'planned', 'limit_week')
        self.assertState(
            other, 'done'
        )  # nobody of the control group took the one contact of the day
        # nor has it used up the customer's week
        cara = self._plan(self.offer_rule, self.cara, occurrence='later')
        self._change(self.offer_rule, day_limit=0)
        self._run()
        self.assertState(cara, 'done')

    def test_complaint_of_hard_date(self):
        """What may not be later than its day does not wait (design 5.4)."""
        self.env['retail.ticket'].create(
            {
                'partner_id': self.cara.id,
                'subject': 'Broken',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_complaint').id,
            }
        )
        offer = self._plan(self.offer_rule, self.cara, hard_date=True)
        self._run()
        self.assertState(offer, 'skipped', 'complaint')

    def test_store_closed_by_a_major_case(self):
        """No marketing of a store with an open major case (defaults 19)."""
        store = self.env['crm.team'].create({'name': 'North', 'retail_is_store': True})
        ticket = self.env['retail.ticket'].create(
            {'partner_id': self.bob.id, 'subject': 'Fire', 'store_id': store.id}
        )
        ticket._stamp({'is_major': True})
        offer = self._plan(self.offer_rule, self.cara, store_id=store.id)
        self._run()
        self.assertState(offer, 'planned', 'store_closed')

    def test_a_broken_row_fails_alone(self):
        """A text that cannot be made fails its follow-up alone, and the responsible user is told once (design 5.4)."""
        broken_rule = self._create_rule('Broken', 'service', text='Dear {surname}')
        broken = self._plan(broken_rule, self.cara) | self._plan(broken_rule, self.bob)
        self._agree(self.bob, self.email)
        self.bob.email = 'bob@example.com'
        fine = self._plan(self.service_rule, self.cara)
        self._run()
        self.assertEqual(set(broken.mapped('state')), {'failed'})
        self.assertIn('{surname}', broken[0].reason_text)
        self.assertFalse(broken.filtered('counted_on'))
        self.assertState(fine, 'done')
        activity = broken_rule.activity_ids
        self.assertEqual((len(activity), activity.user_id), (1, self.users['manager']))

    def test_try_again(self):
        """What failed leaves when its cause is mended and somebody who may write it tries again."""
        self.service_rule.text = 'Dear {surname}'
        followup = self._plan(self.service_rule, self.cara, user_id=self.users['user'].id)
        self._run()
        self.assertState(followup, 'failed', 'error')
        self.service_rule.text = 'Dear {name}'
        with self.assertRaises(AccessError):
            followup.with_user(self.users['internal']).action_try_again()
        with freeze_time(NOON):
            followup.with_user(self.users['user']).action_try_again()
        self._run()
        self.assertState(followup, 'done')

    def test_one_run_at_a_time(self):
        """While another process sends, nothing leaves a second time (design 9)."""
        self._plan(self.offer_rule, self.cara)
        self.env.flush_all()
        with patch.object(type(self.followups), '_take', lambda *args: None):
            self.assertEqual(self.followups._process_due(NOON), 0)

    def test_queries_do_not_grow_with_the_batch(self):
        """A batch costs a fixed number of look-ups: what grows is what is written (style 2)."""
        customers = [self._create_customer(f'Many{number}') for number in range(12)]
        for customer in customers[:2]:
            self._plan(self.offer_rule, customer)
        few = self._judging_queries()
        for customer in customers[2:]:
            self._plan(self.offer_rule, customer)
        self.assertLessEqual(self._judging_queries(), few + 1)

    def _judging_queries(self):
        self.env.flush_all()
        rows = self.followups.search([('state', '=', 'planned')])
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        with freeze_time(NOON):
            verdicts = rows._judge()
        self.assertTrue(all(verdict.is_go for verdict in verdicts.values()))
        return self.env.cr.sql_log_count - before


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareLimits(SendCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_rule('Other', 'service')

    def test_one_marketing_contact_a_week(self):
        """A marketing contact six days ago holds back the next, one seven days ago does not (defaults 19)."""
        dora = self._create_customer('Dora')
        self._sent(self.offer_rule, self.cara, 6)
        self._sent(self.offer_rule, dora, 7)
        held, free = self._plan(self.offer_rule, self.cara), self._plan(self.offer_rule, dora)
        self._run()
        self.assertState(held, 'planned', 'limit_week')
        self.assertEqual(held.try_at, datetime(2027, 3, 11, 10))
        self.assertState(free, 'done')

    def test_four_marketing_contacts_a_month(self):
        """The fourth contact 29 days ago still counts, 30 days ago no more (defaults 19)."""
        dora = self._create_customer('Dora')
        for customer, first in ((self.cara, 29), (dora, 30)):
            for days in (7, 14, 21, first):
                self._sent(self.offer_rule, customer, days, reaction='opened')
        held, free = self._plan(self.offer_rule, self.cara), self._plan(self.offer_rule, dora)
        self._run()
        self.assertState(held, 'planned', 'limit_month')
        self.assertState(free, 'done')

    def test_two_unasked_contacts_a_week(self):
        """All unasked contacts count together; what customers expect neither waits nor counts (defaults 19)."""
        self._change(self.other, is_expected=True)
        for rule in (self.offer_rule, self.service_rule, self.other):
            self._sent(rule, self.cara, 3, is_expected=rule.is_expected)
        guide = self._plan(self.service_rule, self.cara)
        notice = self._plan(self.other, self.cara)
        self._run()
        self.assertState(guide, 'planned', 'limit_all')
        self.assertState(notice, 'done')
        self.assertFalse(notice.counted_on)
        self.assertEqual(notice.opened_on, TODAY)

    def test_limits_hold_within_one_run(self):
        """Of two offers in one batch one leaves: that of the rule that comes first (design 5.4)."""
        first = self._create_rule('First', 'marketing', sequence=1)
        later = self._plan(self.offer_rule, self.cara)
        sooner = self._plan(first, self.cara)
        self._run()
        self.assertState(sooner, 'done')
        self.assertState(later, 'planned', 'limit_week')

    def test_contacts_of_one_company_and_one_address_count_together(self):
        """Limits count for the commercial partner, and for whoever shares the address (R-loy C.9)."""
        people = [self._create_customer(name, parent_id=self.acme.id) for name in ('Eve', 'Finn')]
        double = self._create_customer('Twin', email='Cara@example.com')
        rows = [self._plan(self.offer_rule, one) for one in (*people, self.cara, double)]
        self._run()
        self.assertEqual([row.state for row in rows], ['done', 'planned', 'done', 'planned'])

    def test_gap_of_a_family(self):
        """A contact of the same kind holds back the next until the gap is over (defaults 19)."""
        self.env['retail.care.gap'].create(
            {'company_id': self.company.id, 'family': 'product', 'days': 10}
        )
        self._change(self.service_rule | self.other, family='product')
        dora = self._create_customer('Dora')
        self._sent(self.other, self.cara, 9)
        self._sent(self.other, dora, 10)
        held, free = self._plan(self.service_rule, self.cara), self._plan(self.service_rule, dora)
        self._run()
        self.assertState(held, 'planned', 'limit_family')
        self.assertState(free, 'done')

    def test_pause_after_silence(self):
        """Three marketing contacts without reaction: no more for 90 days after the last (S-FUP-13)."""
        dora, eve = self._create_customer('Dora'), self._create_customer('Eve')
        for days in (89, 100, 110):
            self._sent(self.offer_rule, self.cara, days)
            self._sent(self.offer_rule, dora, days + 1)
            self._sent(self.offer_rule, eve, days, reaction='opened' if days == 100 else 'none')
        rows = [self._plan(self.offer_rule, one) for one in (self.cara, dora, eve)]
        self._run()
        self.assertState(rows[0], 'skipped', 'no_reaction')
        self.assertState(rows[1], 'done')
        self.assertState(rows[2], 'done')

    def test_contacts_of_a_rule_a_day(self):
        """What is more than the rule allows on a day waits (design 5.4)."""
        self.offer_rule.day_limit = 1
        dora = self._create_customer('Dora')
        rows = self._plan(self.offer_rule, self.cara) | self._plan(self.offer_rule, dora)
        self._run()
        self.assertEqual(rows.mapped('state'), ['done', 'planned'])
        self.assertEqual(rows[1].reason, 'capacity')

    def test_calls_of_an_employee_a_day(self):
        """More calls than an employee can make wait; what has its day goes to his substitute, else is done by him."""
        self.company.retail_care_call_capacity = 1
        calls = self._create_rule('Call', 'service', self.phone)
        customers = [self._create_customer(name) for name in ('Dora', 'Eve', 'Finn')]
        first, second = (self._plan(calls, one) for one in customers[:2])
        hard = self._plan(calls, customers[2], hard_date=True)
        self.users['user'].retail_substitute_id = self.users['lead']
        self._run()
        self.assertState(first, 'todo')
        self.assertEqual(first.user_id, self.users['user'])
        self.assertState(second, 'planned', 'capacity')
        self.assertEqual((hard.state, hard.user_id), ('todo', self.users['lead']))

    def test_owner(self):
        """Adviser, else who answers for the rule; his substitute while he is away; who may read it (R-loy D.2 24)."""
        calls = self._create_rule('Call', 'service', self.phone, owner='adviser')
        stranger = self.users['complaint']
        stranger.write({'company_id': self.company_2.id, 'company_ids': self.company_2.ids})
        dora = self._create_customer('Dora', retail_adviser_id=self.users['user'].id)
        followup, orphan = self._plan(calls, dora), self._plan(calls, self.cara)
        self.cara.sudo().retail_adviser_id = stranger
        owners = (followup | orphan)._choose_owner(NOON)
        self.assertEqual(owners[followup.id], self.users['user'])
        self.assertEqual(owners[orphan.id], self.users['manager'])
        self.users['user'].write(
            {
                'retail_away_from': TODAY,
                'retail_away_until': TODAY + timedelta(days=3),
                'retail_substitute_id': self.users['lead'].id,
            }
        )
        self.assertEqual(followup._choose_owner(NOON)[followup.id], self.users['lead'])


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareHours(SendCommon):
    def test_messages_in_the_customers_time(self):
        """Messages 09:00 to 20:30 where the customer is; else at the next opening (defaults 19)."""
        self.cara.tz = 'Asia/Shanghai'  # noon in UTC is 20:00 there
        dora = self._create_customer('Dora', tz='Asia/Tokyo')  # 21:00
        rows = [self._plan(self.offer_rule, one) for one in (self.cara, dora)]
        self._run()
        self.assertState(rows[0], 'done')
        self.assertState(rows[1], 'planned', 'quiet_hours')
        self.assertEqual(rows[1].try_at, datetime(2027, 3, 11, 0))  # 09:00 in Tokyo

    def test_boundaries(self):
        """20:29 is in the hours, 20:30 is not; 08:59 waits one minute, on the same day also where the day is fixed."""
        rows = [self._plan(self.service_rule, self.cara, occurrence=n) for n in range(3)]
        self.company.retail_care_all_week = 9
        for row in rows:
            row.try_at = datetime(2027, 3, 10, 8)
        rows[0]._take(rows[0].ids, NOON)._let_leave(datetime(2027, 3, 10, 20, 29, 59))
        rows[1]._let_leave(datetime(2027, 3, 10, 20, 30))
        rows[2].hard_date = True
        rows[2]._let_leave(datetime(2027, 3, 10, 8, 59))
        self.assertState(rows[0], 'done')
        self.assertEqual(rows[1].try_at, datetime(2027, 3, 11, 9))
        self.assertState(rows[2], 'planned', 'quiet_hours')
        self.assertEqual(rows[2].try_at, datetime(2027, 3, 10, 9))

    def test_hard_date_too_late(self):
        """A message for today that can only leave tomorrow does not leave (design 5.4)."""
        row = self._plan(self.service_rule, self.cara, hard_date=True)
        self._run(datetime(2027, 3, 10, 21))
        self.assertState(row, 'skipped', 'quiet_hours')

    def test_calls_have_hours_of_their_own(self):
        """Calls 10:00 to 20:00 (defaults 19)."""
        calls = self._create_rule('Call', 'service', self.phone)
        row = self._plan(calls, self.cara, try_at=datetime(2027, 3, 10, 9))
        self._run(datetime(2027, 3, 10, 9, 30))
        self.assertEqual(row.try_at, datetime(2027, 3, 10, 10))

    def test_clocks_that_change(self):
        """The morning after the clocks change is nine o'clock of the new time (R-svc C.1)."""
        self.cara.tz = 'Europe/Berlin'  # clocks go forward on 28 March 2027
        row = self._plan(self.service_rule, self.cara, date(2027, 3, 27))
        self._run(datetime(2027, 3, 27, 22))
        self.assertEqual(row.try_at, datetime(2027, 3, 28, 7))
