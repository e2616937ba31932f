"""Privileges that act: points, gifts, vouchers, priority, delivery and advisers (docs/tiers.md, "Privileges")."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase


class PrivilegeCase(TierCase):
    """The programme of the tiers' tests, with a coupon program of 20 from 100."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.benefits = cls.env['retail.benefit']
        cls.vouchers = cls.env['retail.voucher']
        cls.coupons = cls.env['loyalty.program'].create(
            {
                'name': 'Welcome 20',
                'program_type': 'coupons',
                'applies_on': 'current',
                'trigger': 'with_code',
                'rule_ids': [
                    Command.clear(),
                    Command.create({'minimum_amount': 100, 'minimum_qty': 0}),
                ],
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount': 20,
                            'discount_mode': 'per_order',
                            'required_points': 1,
                        }
                    ),
                ],
            }
        )

    @classmethod
    def _privilege(cls, kind, tiers, **values):
        if kind in ('entry', 'birthday') and 'gift' not in values:
            values |= {'gift': 'coupon', 'coupon_program_id': cls.coupons.id}
        if kind == 'service':
            values.setdefault('service_text', 'Free care')
        return cls.env['retail.privilege'].create(
            {
                'name': kind,
                'kind': kind,
                'programme_id': (tiers[:1].programme_id or cls.programme).id,
                'tier_ids': [Command.set(tiers.ids)],
                **values,
            }
        )

    def _given(self, partner, kind=None):
        domain = [('partner_id', '=', partner.id)]
        return self.benefits.search([*domain, ('kind', '=', kind)] if kind else domain, order='id')

    def _gift_night(self, day):
        """Run the granting of a night, without its commits."""
        with freeze_time(f'{day} 02:00:00'):
            self._end_transaction()
            return sum(self.benefits._grant_steps())

    def _tell_again(self, kind, partner):
        """Tell the moments of a kind once more, as after a kill in the middle."""
        moments = self.moments.search([('kind', '=', kind), ('partner_id', '=', partner.id)])
        self.assertTrue(moments)
        getattr(self.benefits, f'_on_{kind}')(moments)


@tagged('post_install', '-at_install', 'retail_crm')
class TestPrivilege(PrivilegeCase):
    # === POINTS ===#

    def test_best_factor_holds(self):
        """Points are multiplied by the best factor of today's tier, 1 for all others (S-LOY-08, R-loy C.2)."""
        self._privilege('factor', self.silver + self.gold, points_factor=1.2)
        self._privilege('factor', self.gold, points_factor=1.5)
        self._privilege('factor', self.gold, points_factor=1.3)
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 1200, '2025-01-10')
        stranger = self.env['res.partner'].create({'name': 'Stranger'})
        partners = self.bob | self.acme | self.ann | stranger
        factors = self.env['retail.privilege']._factor_of(partners, self.company)
        self.assertEqual(
            {partner.name: round(factor, 2) for partner, factor in factors.items()},
            {'Bob': 1.2, 'Acme': 1.5, 'Ann': 1.5, 'Stranger': 1.0},
        )
        others = self.env['retail.privilege']._factor_of(self.acme, self.company_2)
        self.assertEqual(others, {self.acme: 1.0})

    def test_wrong_settings_are_refused(self):
        """A privilege that could not act cannot be saved (S-LOY-08)."""
        for factor in (0, -1, 5.01):
            with (
                self.subTest(factor=factor),
                mute_logger('odoo.sql_db'),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                self._privilege('factor', self.gold, points_factor=factor)
        for kind, values in (
            ('priority', {}),
            ('entry', {'gift': 'coupon', 'coupon_program_id': False}),
            ('birthday', {'gift': 'voucher', 'service_text': False}),
            ('service', {'service_text': False}),
        ):
            with self.subTest(kind=kind), self.assertRaises(ValidationError), self.cr.savepoint():
                self._privilege(kind, self.gold, **values)
        promotion = self.env['loyalty.program'].create({'name': 'P', 'program_type': 'promotion'})
        elsewhere = self.coupons.copy({'company_id': self.company_2.id})
        for program in promotion + elsewhere:
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self._privilege('entry', self.gold, gift='coupon', coupon_program_id=program.id)
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            self._privilege('birthday', self.gold, lead_days=15)

    # === ENTRY ===#

    def test_entry_gift(self):
        """Who reaches the tier gets a coupon of his own, once, without e-mail; others are told (R-loy C.1-12)."""
        privilege = self._privilege('entry', self.silver, valid_days=30)
        mails = self.env['mail.mail'].search_count([])
        self._buy(self.bob, 600, '2025-01-10')
        benefit = self._given(self.bob)
        self.assertEqual((benefit.kind, benefit.privilege_id), ('entry', privilege))
        self.assertEqual(benefit.tier_id, self.silver)
        card = benefit.card_id
        self.assertEqual((card.partner_id, card.points), (self.bob, 1))
        self.assertEqual((benefit.code, benefit.date), (card.code, date(2025, 1, 10)))
        self.assertEqual(card.expiration_date, date(2025, 2, 9))
        self.assertEqual(benefit.valid_until, date(2025, 2, 9))
        self.assertEqual(self._count_moments('benefit_granted', self.bob), 1)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        self._tell_again('tier_up', self.bob)
        self._tell_again('enrolled', self.bob)
        self._buy(self.bob, 10, '2025-01-11')
        self.assertEqual(self._given(self.bob), benefit)
        self.assertEqual(self.coupons.coupon_ids, card)

    def test_coupon_is_used_once_from_its_amount(self):
        """The coupon takes 20 off an order from 100, once; the benefit shows it (defaults 5)."""
        self._privilege('entry', self.silver)
        self._buy(self.bob, 600, '2025-01-10')
        benefit = self._given(self.bob)
        with freeze_time('2025-01-20 12:00:00'):
            self.assertEqual(benefit.state, 'open')
            small = self._create_order(self.bob, 99, confirm=False)
            self.assertIn('error', small._try_apply_code(benefit.code))
            order = self._create_order(self.bob, 150, confirm=False)
            [(coupon, rewards)] = order._try_apply_code(benefit.code).items()
            order._apply_program_reward(rewards, coupon)
            self.assertEqual(order.amount_untaxed, 130)
            order.action_confirm()
            benefit.invalidate_recordset()
            self.assertEqual(benefit.state, 'used')

    def test_coupon_of_a_cheap_reward_is_used_once(self):
        """A coupon holds what one reward costs, also when that is less than a point: it is not used twice (issue 5)."""
        self.coupons.reward_ids.required_points = 0.5
        self._privilege('entry', self.silver)
        self._buy(self.bob, 600, '2025-01-10')
        self.assertEqual(self._given(self.bob).card_id.points, 0.5)

    def test_skipped_tier_brings_nothing(self):
        """Who reaches Gold at once gets the gift of Gold only (docs/tiers.md)."""
        self._privilege('entry', self.silver)
        gold = self._privilege('entry', self.gold)
        self._buy(self.bob, 1500, '2025-01-10')
        self.assertEqual(self._given(self.bob).privilege_id, gold)

    def test_gift_of_the_lowest_tier(self):
        """The gift of the lowest tier is the gift of the enrolment, once for a member (docs/tiers.md)."""
        self._privilege('entry', self.base)
        self._buy(self.bob, 10, '2025-01-10')
        self.assertEqual(self._given(self.bob).tier_id, self.base)
        with freeze_time('2025-02-01 12:00:00'):
            member = self._member(self.bob)
            member.with_user(self.users['user']).action_leave()
            member.with_user(self.users['user']).action_enrol()
            self._process()
        self.assertEqual(self._count_moments('enrolled', self.bob), 2)
        self.assertEqual(len(self._given(self.bob)), 1)

    def test_again_after_a_real_loss_only(self):
        """A new cycle begins when the tier was not kept, not by leaving and coming back (R-loy C.1-12)."""
        self._privilege('entry', self.silver)
        self._buy(self.bob, 600, '2024-06-01')
        with freeze_time('2024-06-10 12:00:00'):
            member = self._member(self.bob)
            member.with_user(self.users['user']).action_leave()
            member.with_user(self.users['user']).action_enrol()
            self._process()
        self.assertEqual(member.tier_id, self.silver)
        self.assertEqual(self._count_moments('tier_up', self.bob), 2)
        self.assertEqual(len(self._given(self.bob)), 1)
        self._night('2026-01-01')
        self.assertEqual(member.tier_id, self.base)
        self._buy(self.bob, 700, '2026-02-01')
        given = self._given(self.bob)
        self.assertEqual(len(given), 2)
        self.assertEqual(given[1].cycle_on, date(2025, 7, 10))
        self._tell_again('tier_up', self.bob)
        self.assertEqual(len(self._given(self.bob)), 2)

    def test_gift_of_a_tier_lost_again(self):
        """Who returned the goods before the system worked on it gets nothing (docs/tiers.md)."""
        self._privilege('entry', self.silver)
        self.programme.strict = True
        with patch.object(type(self.benefits), '_on_tier_up', lambda benefits, moments: None):
            order = self._buy(self.bob, 600, '2025-01-10')
        self._return(order, 600, '2025-01-11')
        self.assertEqual(self._member(self.bob).tier_id, self.base)
        self._tell_again('tier_up', self.bob)
        self.assertFalse(self._given(self.bob))

    def test_quiet_opening_brings_nothing_unless_wanted(self):
        """Members of before the start get the gift only when the privilege says so (defaults 5)."""
        privilege = self._privilege('entry', self.silver + self.gold)
        self._buy(self.bob, 600, '2023-12-20')
        self._buy(self.acme, 2000, '2023-12-20')
        self.programme.opening_after = 0
        self._night('2024-01-01')
        self._process()
        self.assertEqual(self._member(self.bob).tier_id, self.silver)
        self._gift_night('2024-01-02')
        self.assertFalse(self._given(self.bob))
        privilege.for_holders = True
        self._gift_night('2024-01-03')
        self._gift_night('2024-01-04')
        self.assertEqual(self._given(self.bob).tier_id, self.silver)
        self.assertEqual(self._given(self.acme).tier_id, self.gold)

    def test_two_at_once_grant_once(self):
        """The unique key decides: of two that grant the same, one does and the other does nothing (issue 5)."""
        privilege = self._privilege('entry', self.silver)
        with patch.object(type(self.benefits), '_on_tier_up', lambda benefits, moments: None):
            self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        claims = self.benefits._entry_claims([(member, self.silver, None)])
        self.assertEqual(len(claims), 1)
        self.assertTrue(self.benefits._grant(claims))
        self.assertFalse(self.benefits._grant(claims))
        self.assertFalse(self.benefits._grant(claims * 2))
        self.assertEqual(len(self.coupons.coupon_ids), 1)
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            self.benefits.create(
                {
                    'membership_id': member.id,
                    'partner_id': self.bob.id,
                    'company_id': self.company.id,
                    'privilege_id': privilege.id,
                    'kind': 'entry',
                    'key': claims[0].key,
                    'date': '2025-01-10',
                }
            )

    def test_failed_coupon_leaves_no_row(self):
        """A failure while making coupons takes the row back, too: the next attempt grants it (issue 5)."""
        self._privilege('entry', self.silver)
        cards = type(self.env['loyalty.card'])
        with (
            patch.object(cards, 'create', side_effect=RuntimeError('full')),
            mute_logger('odoo.addons.retail_crm.models.customer.retail_moment'),
        ):
            self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._given(self.bob))
        failed = self.moments.search(
            [('listener', '=', 'retail.benefit'), ('partner_id', '=', self.bob.id)]
        )
        self.assertEqual(failed.mapped('kind'), ['tier_up'])
        with freeze_time('2025-01-10 13:00:00'):
            self._process()
        self.assertEqual(len(self._given(self.bob)), 1)

    def test_failing_gift_takes_nothing_from_others(self):
        """Of several gifts of a tier one may fail: the others are granted at once, it is tried again (issue 5)."""
        self._privilege('entry', self.silver)
        self._privilege('service', self.silver)
        self._privilege('entry', self.silver, gift='voucher', service_text='Tea')
        with (
            patch.object(type(self.env['loyalty.card']), 'create', side_effect=RuntimeError('x')),
            mute_logger('odoo.addons.retail_crm.models.customer.retail_moment'),
        ):
            self._buy(self.bob, 600, '2025-01-10')
        self.assertEqual(len(self._given(self.bob).voucher_id), 2)
        self.assertEqual(len(self._given(self.bob)), 2)
        with freeze_time('2025-01-10 13:00:00'):
            self._process()
        self.assertEqual(len(self._given(self.bob).card_id), 1)
        self.assertEqual(len(self._given(self.bob)), 3)

    def test_failing_gift_stops_no_night(self):
        """A coupon that cannot be made stops nobody else's gifts, and the birthday is made up for (issue 5)."""
        self._privilege('birthday', self.silver)
        self._privilege('service', self.silver)
        partners = self.bob | self.ann.commercial_partner_id
        for partner in partners:
            self._born(partner, 5, 20)
        with freeze_time('2025-05-10 12:00:00'):
            self.members._enrol(partners)
            for partner in partners:
                self._member(partner)._override(self.silver, date(2026, 12, 31), 'vip', 'x')
        self._gift_night('2025-05-11')
        cards = type(self.env['loyalty.card'])
        create = cards.create

        def fail(records, vals_list):
            if any(vals['partner_id'] == self.bob.id for vals in vals_list):
                raise RuntimeError('x')
            return create(records, vals_list)

        logger = 'odoo.addons.retail_crm.models.loyalty.retail_benefit_claim'
        with patch.object(cards, 'create', fail), mute_logger(logger):
            self._gift_night('2025-05-15')
        self.assertEqual(len(self._given(partners[1], 'birthday')), 1)
        self.assertFalse(self._given(self.bob, 'birthday'))
        self.assertEqual(len(self._given(self.bob, 'service')), 1)
        self._gift_night('2025-05-22')
        self.assertEqual(len(self._given(self.bob, 'birthday')), 1)
        self.assertEqual(len(self._given(partners[1], 'birthday')), 1)

    def test_program_that_was_changed_gives_nothing(self):
        """A coupon program that has become one of another company, or no program of coupons, is not used (design 7)."""
        self._privilege('entry', self.silver)
        self.coupons.company_id = self.company_2
        self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._given(self.bob))

    def test_archived_customer_is_given_nothing(self):
        """Who is archived reaches tiers by what he bought, but is given nothing (issue 5)."""
        self._privilege('entry', self.silver)
        self.bob.active = False
        self._buy(self.bob, 600, '2025-01-10')
        self.assertEqual(self._member(self.bob).tier_id, self.silver)
        self.assertFalse(self._given(self.bob))

    def test_archived_program_gives_nothing(self):
        """No coupon is made of a program that nobody can use."""
        self._privilege('entry', self.silver)
        self.coupons.active = False
        self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._given(self.bob))

    # === BIRTHDAY ===#

    def _born(self, partner, month, day, year=0, lunar=False):
        partner.write(
            {
                'retail_birth_month': str(month),
                'retail_birth_day': day,
                'retail_birth_year': year,
                'retail_birth_lunar': lunar,
            }
        )

    def test_birthday_once_a_year(self):
        """Entitled members get the gift some days before the birthday, once a year, also without year (S-LOY-14)."""
        self._privilege('birthday', self.silver + self.gold, lead_days=7, valid_days=30)
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 100, '2025-01-10')
        self._born(self.bob, 5, 20)
        self._born(self.acme, 5, 20)
        self._gift_night('2025-05-12')
        self.assertFalse(self._given(self.bob))
        self._gift_night('2025-05-13')
        benefit = self._given(self.bob)
        self.assertEqual((benefit.cycle_on, benefit.date), (date(2025, 5, 20), date(2025, 5, 13)))
        self.assertEqual(benefit.valid_until, date(2025, 6, 19))
        self.assertEqual(self._count_moments('benefit_granted', self.bob), 1)
        for day in ('2025-05-13', '2025-05-14', '2025-05-20', '2025-05-21'):
            self._gift_night(day)
        self._born(self.bob, 11, 1)
        self._gift_night('2025-10-30')
        self.assertEqual(self._given(self.bob), benefit, 'another birthday is no other gift')
        self._buy(self.bob, 600, '2025-12-01')
        self._gift_night('2026-10-30')
        self.assertEqual(
            self._given(self.bob, 'birthday').mapped('cycle_on'),
            [date(2025, 5, 20), date(2026, 11, 1)],
        )
        self.assertFalse(self._given(self.acme, 'birthday'), 'not entitled')

    def test_leap_day_and_lunar_birthday(self):
        """29 February is kept on the 28th; a lunar birthday falls on another day each year (S-LOY-14)."""
        self._privilege('birthday', self.silver, lead_days=0)
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 600, '2025-01-10')
        self._born(self.bob, 2, 29, 2000)
        self._born(self.acme, 8, 15, lunar=True)
        self._gift_night('2025-02-28')
        self._gift_night('2025-03-01')
        self.assertEqual(self._given(self.bob).cycle_on, date(2025, 2, 28))
        self._gift_night('2025-10-06')  # the mid-autumn festival of 2025
        self.assertEqual(self._given(self.acme).cycle_on, date(2025, 10, 6))

    def test_missed_nights_are_made_up_for(self):
        """A birthday on a night on which the server was off is not forgotten, for two weeks (S-LOY-14)."""
        self._privilege('birthday', self.silver, lead_days=0)
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 600, '2025-01-10')
        self._born(self.bob, 5, 20)
        self._born(self.acme, 5, 1)
        self._gift_night('2025-05-02')
        self._gift_night('2025-05-23')
        self.assertEqual(self._given(self.bob).cycle_on, date(2025, 5, 20))
        self.assertFalse(self._given(self.acme), 'before the first night')

    def test_birthday_voucher_and_call(self):
        """A gift by voucher, with a call on the day for the adviser (defaults 5: Diamond)."""
        self._privilege(
            'birthday',
            self.silver,
            gift='voucher',
            service_text='Gift box',
            value=100,
            call=True,
        )
        self._buy(self.bob, 600, '2025-01-10')
        self.bob.retail_adviser_id = self.users['user']
        self._born(self.bob, 5, 20)
        self._gift_night('2025-05-15')
        self._gift_night('2025-05-16')
        voucher = self._given(self.bob).voucher_id
        self.assertEqual((voucher.name, voucher.value, voucher.state), ('Gift box', 100, 'open'))
        calls = self.bob.activity_ids
        self.assertEqual(
            (calls.date_deadline, calls.user_id), (date(2025, 5, 20), self.users['user'])
        )

    def test_night_costs_by_those_who_get_something(self):
        """The night asks the same number of queries for one birthday and for forty (design 8)."""
        self._privilege('birthday', self.silver, gift='voucher', service_text='Cake')
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(41)])
        with freeze_time('2025-05-01 12:00:00'):
            self.members._enrol(partners)
            for partner in partners:
                self._member(partner)._override(self.silver, date(2025, 12, 31), 'vip', 'x')
            self._process()
        self._born(partners[0], 5, 20)
        self._born(partners[1:], 6, 20)

        def queries(day):
            before = self.cr.sql_log_count
            self._gift_night(day)
            self.env.flush_all()
            return self.cr.sql_log_count - before

        queries('2025-05-02')
        one, forty = queries('2025-05-15'), queries('2025-06-15')
        self.assertEqual(len(self._given(partners[5])), 1)
        self.assertLessEqual(forty, one + 10)

    # === SERVICE ===#

    def test_service_voucher_each_membership_year(self):
        """One voucher at once, one in each year of the membership while entitled (defaults 5)."""
        self._privilege('service', self.gold, valid_days=365, service_text='Free check')
        self._buy(self.bob, 10, '2024-03-01')
        self._buy(self.bob, 1200, '2024-06-01')
        first = self._given(self.bob)
        self.assertEqual((first.cycle_on, first.voucher_id.name), (date(2024, 3, 1), 'Free check'))
        for day in ('2024-06-02', '2024-12-31', '2025-02-28'):
            self._gift_night(day)
        self.assertEqual(len(self._given(self.bob)), 1)
        self._gift_night('2025-03-01')
        self._gift_night('2025-03-02')
        self.assertEqual(
            self._given(self.bob).mapped('cycle_on'), [date(2024, 3, 1), date(2025, 3, 1)]
        )
        self.assertEqual(self._gift_night('2025-03-03'), 0, 'nobody is looked at who has it')
        with freeze_time('2025-03-05 12:00:00'):
            member = self._member(self.bob)
            member.with_user(self.users['user']).action_leave()
            member.with_user(self.users['user']).action_enrol()
            self._process()
        self.assertEqual(member.tier_id, self.gold)
        self._gift_night('2025-03-06')
        self.assertEqual(len(self._given(self.bob)), 2, 'leaving brings no other voucher')

    def test_who_left_keeps_open_vouchers(self):
        """Leaving takes nothing back that was given, and brings nothing more (docs/tiers.md)."""
        self._privilege('service', self.silver, valid_days=365)
        self._privilege('birthday', self.silver, lead_days=0)
        self._buy(self.bob, 600, '2025-01-10')
        self._born(self.bob, 5, 20)
        with freeze_time('2025-02-01 12:00:00'):
            self._member(self.bob).with_user(self.users['user']).action_leave()
        self._gift_night('2025-05-20')
        self.assertEqual(self._given(self.bob).voucher_id.state, 'open')

    # === PRIORITY ===#

    def test_priority_is_the_least_a_member_gets(self):
        """The higher of policy and privilege holds, and is named as the source (S-SEG-20)."""
        policies = self.env['retail.policy']
        policies.search([]).active = False
        urgent = self._privilege('priority', self.gold, priority='2')
        self._privilege('priority', self.silver, priority='1')
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 1200, '2025-01-10')
        stranger = self.env['res.partner'].create({'name': 'Stranger'})
        partners = self.bob | self.acme | self.ann | stranger

        def priorities():
            answers = policies.with_user(self.users['internal'])._for_customers(partners)
            return [answers[partner.id]['priority'] for partner in partners]

        self.assertEqual(priorities(), ['1', '2', '2', False])
        policy = policies.create({'name': 'All', 'priority': '2'})
        self.assertEqual(priorities(), ['2', '2', '2', '2'])
        answers = policies._for_customers(partners)
        self.assertEqual(answers[self.bob.id]['sources']['priority'], policy)
        policy.priority = '0'
        answers = policies._for_customers(partners)
        self.assertEqual(answers[self.acme.id]['sources']['priority'], urgent)
        self.assertEqual(answers[stranger.id]['priority'], '0')
        self.assertNotIn(
            'priority', policies._for_customers(partners, attributes=['strategy'])[self.bob.id]
        )
        other = policies._for_customers(partners, self.company_2)
        self.assertEqual(other[self.acme.id]['priority'], '0')

    def test_policy_of_tiers(self):
        """A policy may hold for members of some tiers, also together with a class (S-SEG-20, S-SEG-24)."""
        policies = self.env['retail.policy']
        policies.search([]).active = False
        policy = policies.create(
            {
                'name': 'Upper tiers',
                'contact_days': 30,
                'tier_ids': [Command.set((self.silver + self.gold).ids)],
            }
        )
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 100, '2025-01-10')
        answers = policies._for_customers(self.bob | self.acme)
        self.assertEqual(
            [answers[partner.id]['contact_days'] for partner in self.bob | self.acme], [30, 0]
        )
        policy.class_key = 'ladder.lost'
        self.assertEqual(policies._for_customers(self.bob)[self.bob.id]['contact_days'], 0)
        policy.write({'class_key': False, 'tier_ids': [Command.clear()]})
        self.assertEqual(policies._for_customers(self.acme)[self.acme.id]['contact_days'], 30)

    # === DELIVERY ===#

    def test_priority_delivery(self):
        """New quotations of entitled members are marked, staff may change it, confirmed orders stay (S-LOY-11)."""
        self._privilege('delivery', self.silver)
        self._buy(self.bob, 600, '2025-01-10')
        with freeze_time('2025-02-01 12:00:00'):
            order = self._create_order(self.bob, 10, confirm=False)
            self.assertTrue(order.retail_priority_delivery)
            order.partner_id = self.acme
            self.assertFalse(order.retail_priority_delivery)
            order.partner_id = self.bob
            order.retail_priority_delivery = False
            order.action_confirm()
            self.assertFalse(order.retail_priority_delivery)
            kept = self._create_order(self.bob, 10)
            self._member(self.bob).with_user(self.users['user']).action_leave()
            kept.partner_id = self.acme
            self.assertTrue(kept.retail_priority_delivery, 'as it was confirmed')
            self.assertFalse(
                self._create_order(self.bob, 10, confirm=False).retail_priority_delivery
            )
        found = self.env['sale.order'].search([('retail_priority_delivery', '=', True)])
        self.assertIn(kept, found)

    # === ADVISER ===#

    def test_adviser_of_the_tier(self):
        """Entitled members without adviser are found and get one by the rule, in one click or each night (S-LOY-10)."""
        privilege = self._privilege('adviser', self.gold)
        guide = self.users['user']
        for partner in (self.bob, self.acme):
            self._buy(partner, 1200, '2025-01-10', user_id=guide.id)
        self.acme.retail_adviser_id = self.users['lead']
        members = self._member(self.bob) | self._member(self.acme)
        found = self.members.search([('adviser_missing', '=', True), ('id', 'in', members.ids)])
        self.assertEqual(found.partner_id, self.bob)
        self.assertEqual(
            self.members.search(
                [('adviser_missing', '=', False), ('id', 'in', members.ids)]
            ).partner_id,
            self.acme,
        )
        self.assertEqual(members.mapped('adviser_missing'), [True, False])
        with freeze_time('2025-02-01 12:00:00'):
            with self.assertRaises(AccessError):
                members.with_user(self.users['user']).action_assign_adviser()
            self._gift_night('2025-02-01')
            self.assertFalse(self.bob.retail_adviser_id, 'not by itself')
            self.profiles._refresh()
            members.with_user(self.users['lead']).action_assign_adviser()
            self.assertEqual(self.bob.retail_adviser_id, guide)
            self.assertEqual(self.acme.retail_adviser_id, self.users['lead'])
            self.bob.retail_adviser_id = False
            privilege.adviser_auto = True
        self._gift_night('2025-02-02')
        self.assertEqual(self.bob.retail_adviser_id, guide)

    # === HISTORY ===#

    def test_merge_keeps_what_both_were_given(self):
        """Of two members who are one all benefits and vouchers stay (R-loy C.1-12)."""
        self._privilege('entry', self.silver)
        self._privilege('service', self.silver)
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 600, '2025-01-11')
        given = self._given(self.bob) | self._given(self.acme)
        self.assertEqual(len(given), 4)
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        with freeze_time('2025-02-01 12:00:00'):
            wizard._merge((self.bob | self.acme).ids, self.bob, extra_checks=False)
            self._process()
            self.assertEqual(self._given(self.bob), given.exists().sorted('id'))
            self.assertEqual(len(given.exists()), 4)
            member = self._member(self.bob)
            self.assertEqual(given.membership_id, member)
            self.assertEqual(member.voucher_count, 2)
            self.assertEqual(given.voucher_id.partner_id, self.bob)
            self._gift_night('2025-02-02')
        self.assertEqual(len(self._given(self.bob)), 4)

    def test_time_line(self):
        """What was given and rendered stands in the time line of the customer (S-CUS-28)."""
        self._privilege('service', self.silver, service_text='Free check')
        self._buy(self.bob, 600, '2025-01-10')
        voucher = self._given(self.bob).voucher_id
        with freeze_time('2025-01-12 12:00:00'):
            voucher.with_user(self.users['user'])._render('Two shoes')
        self.env.flush_all()
        rows = self.env['retail.timeline'].search(
            [('partner_id', '=', self.bob.id), ('kind', 'in', ('benefit', 'voucher'))],
            order='date, id',
        )
        self.assertEqual(rows.mapped('kind'), ['benefit', 'voucher'])
        self.assertEqual(rows.mapped('summary'), ['service', 'Free check: Two shoes'])
        self.assertEqual(rows.mapped('res_model'), ['retail.benefit', 'retail.voucher'])

    def test_membership_names_the_privileges(self):
        """The membership names what the tier brings, and nothing when the customer has left (S-LOY-08)."""
        first = self._privilege('trial', self.silver, sequence=5)
        second = self._privilege('event', self.silver, sequence=1)
        self._privilege('event', self.gold)
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        self.assertEqual(list(member.privilege_ids), [second, first])
        self.assertEqual(member._privilege_text(), 'event, trial')
        member.with_user(self.users['user']).action_leave()
        self.assertFalse(member.privilege_ids)

    def test_ladder_keeps_the_privileges(self):
        """Other tiers by another ladder have the privileges of the same level (defaults 4, 5)."""
        programme = self.env['retail.programme'].create(
            {'name': 'Club', 'company_id': self.company_2.id}
        )
        programme.action_use_ladder()
        upper = programme.tier_ids[2:]
        event = self._privilege('event', upper)
        hidden = self._privilege('trial', upper[:1], active=False)
        programme.ladder = 'small'
        programme.action_use_ladder()
        self.assertFalse(upper.exists())
        self.assertEqual(event.tier_ids.mapped('name'), ['Gold', 'Diamond'])
        self.assertEqual(hidden.tier_ids.mapped('name'), ['Gold'])

    def test_other_company_has_its_own(self):
        """Tiers, gifts and the night of one company leave those of another alone (design 4.2)."""
        programme = self._create_programme(self.company_2)
        tier = programme.tier_ids[1]
        with self.assertRaises(ValidationError), self.cr.savepoint():
            self.env['retail.privilege'].create(
                {
                    'name': 'x',
                    'programme_id': programme.id,
                    'tier_ids': [Command.set(self.gold.ids)],
                }
            )
        self._privilege('service', tier)
        self._buy(self.bob, 600, '2025-01-10')
        self._gift_night('2025-01-11')
        self.assertFalse(self._given(self.bob))
        order = self._create_order(self.bob, 600, '2025-01-12', company_id=self.company_2.id)
        self.assertTrue(order)
        with freeze_time('2025-01-12 12:00:00'):
            if self.company_2.retail_purchase_basis == 'order':
                self._process()
                self.assertEqual(self._given(self.bob).company_id, self.company_2)


@tagged('post_install', '-at_install', 'retail_crm')
class TestVoucher(PrivilegeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.voucher = cls.vouchers._issue(
            [
                {
                    'partner_id': cls.bob.id,
                    'name': 'Free check',
                    'company_id': cls.company.id,
                    'valid_until': '2025-06-30',
                }
            ]
        )

    def test_render_once(self):
        """Staff note at the counter that the service was rendered: once, with day, employee and store (S-LOY-05)."""
        store = self.env['crm.team'].create({'name': 'North', 'retail_is_store': True})
        self.users['user'].sale_team_id = store
        self.env['crm.team.member'].create(
            {'crm_team_id': store.id, 'user_id': self.users['user'].id}
        )
        with freeze_time('2025-06-30 12:00:00'):
            self.voucher.with_user(self.users['user']).action_render()
            self.assertEqual(self.voucher.state, 'rendered')
            self.assertEqual(self.voucher.rendered_by, self.users['user'])
            self.assertEqual(self.voucher.store_id, store)
            with self.assertRaises(UserError):
                self.voucher.with_user(self.users['lead']).action_render()
            self.voucher.with_user(self.users['lead']).action_reopen()
            self.assertEqual((self.voucher.state, self.voucher.rendered_by.id), ('open', False))
            self.voucher.with_user(self.users['lead']).action_cancel()
            with self.assertRaises(UserError):
                self.voucher.with_user(self.users['user']).action_render()

    def test_render_by_code(self):
        """The dialog finds the voucher by what was scanned or typed, and says why it cannot be rendered (S-LOY-15)."""
        dialogs = self.env['retail.voucher.render'].with_user(self.users['user'])
        with freeze_time('2025-06-01 12:00:00'):
            dialog = dialogs.create({'code': f' {self.voucher.code.lower()} ', 'note': 'Watch'})
            self.assertEqual((dialog.voucher_id, dialog.problem), (self.voucher, False))
            dialog.action_render()
            self.assertEqual((self.voucher.state, self.voucher.note), ('rendered', 'Watch'))
            again = dialogs.create({'code': self.voucher.code})
            self.assertIn('was rendered', again.problem)
            with self.assertRaises(UserError):
                again.action_render()
            unknown = dialogs.create({'code': 'NOTHING'})
            self.assertIn('no voucher', unknown.problem)
            with self.assertRaises(UserError):
                unknown.action_render()

    def test_expiry(self):
        """The last day is a day on which it is rendered; after it never, even before the night (S-LOY-15)."""
        endless = self.vouchers._issue(
            [{'partner_id': self.bob.id, 'name': 'Gift', 'company_id': self.company.id}]
        )
        with freeze_time('2025-06-30 12:00:00'):
            self.vouchers._expire()
            self.assertEqual(self.voucher.state, 'open')
        with freeze_time('2025-07-01 12:00:00'):
            with self.assertRaises(UserError):
                self.voucher.with_user(self.users['user']).action_render()
            self.assertEqual(self.voucher.state, 'open')
            self.vouchers._expire()
            self.assertEqual((self.voucher.state, endless.state), ('expired', 'open'))
            with self.assertRaises(UserError):
                self.voucher.with_user(self.users['user']).action_render()

    def test_by_hand(self):
        """Leaders issue vouchers by hand with a reason; nobody makes one that looks rendered (S-LOY-15)."""
        values = {'partner_id': self.bob.id, 'name': 'Cake', 'state': 'rendered', 'code': 'X'}
        with self.assertRaises(AccessError):
            self.vouchers.with_user(self.users['user']).create({**values, 'reason': 'Sorry'})
        mine = self.vouchers.with_user(self.users['lead'])
        for reason in (False, '  '):
            with self.assertRaises(UserError):
                mine.create({**values, 'reason': reason})
        voucher = mine.create({**values, 'reason': 'Sorry'})
        self.assertEqual((voucher.state, voucher.company_id), ('open', self.company))
        self.assertEqual(len(voucher.code), 10)
        with self.assertRaises(AccessError):
            voucher.write({'state': 'rendered'})
        with self.assertRaises(UserError):
            voucher.sudo().unlink()

    def test_portal_sees_his_own(self):
        """The portal gets the customer's vouchers of the company, open ones first, those of his company too."""
        vouchers = self.vouchers._issue(
            [
                {'partner_id': partner.id, 'name': 'Gift', 'company_id': company.id}
                for partner, company in (
                    (self.acme, self.company),
                    (self.ann, self.company),
                    (self.acme, self.company_2),
                )
            ]
        )
        vouchers[1].state = 'rendered'
        portal = self.vouchers.with_user(self.users['portal'])
        self.assertEqual(portal._portal_vouchers(self.ann), vouchers[:2])
        self.assertEqual(portal._portal_vouchers(self.bob), self.voucher)
        self.assertIn('<img', self.voucher.barcode)

    def test_contact_shows_open_vouchers(self):
        """The number of open vouchers stands on the contact, for the contact of a company too (S-LOY-05)."""
        self.vouchers._issue(
            [{'partner_id': self.acme.id, 'name': 'Gift', 'company_id': self.company.id}]
        )
        self.env.invalidate_all()
        self.assertEqual((self.bob | self.ann).mapped('retail_open_vouchers'), [1, 1])
        action = self.ann.with_user(self.users['user']).action_retail_vouchers()
        self.assertEqual(self.vouchers.search(action['domain']).partner_id, self.acme)

    def test_print(self):
        """A voucher can be printed with its bar code (S-LOY-15)."""
        report = self.env['ir.actions.report'].with_user(self.users['user'])
        html = report._render_qweb_html('retail_crm.report_voucher', self.voucher.ids)[0].decode()
        self.assertIn(self.voucher.code, html)
        self.assertIn('data:image/svg+xml', html)

    def test_issued_in_the_language_of_the_customer(self):
        """The text on the voucher is in the customer's language (S-LOY-15)."""
        self.env['res.lang']._activate_lang('fr_FR')
        privilege = self._privilege('service', self.silver, service_text='Free check')
        privilege.with_context(lang='fr_FR').service_text = 'Contrôle gratuit'
        self.acme.lang = 'fr_FR'
        self._buy(self.acme, 600, '2025-01-10')
        self.assertEqual(self._given(self.acme).voucher_id.name, 'Contrôle gratuit')


@tagged('post_install', '-at_install', 'retail_crm')
class TestMemberList(PrivilegeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lists = cls.env['retail.member.list']
        cls.guests = cls.env['res.partner'].create([{'name': f'Guest {n}'} for n in range(6)])
        with freeze_time('2025-01-10 12:00:00'):
            cls.members._enrol(cls.guests)
            for guest in cls.guests[:5]:
                cls._member(guest)._override(cls.gold, date(2025, 12, 31), 'vip', 'x')
            cls._process()
        cls._privilege('event', cls.gold)
        cls._privilege('trial', cls.gold)

    def _list(self, kind='event', **values):
        values = {'name': 'Tea', 'kind': kind, 'only_consent': False, **values}
        if kind == 'trial':
            values.setdefault('product_id', self.goods.id)
        return self.lists.create(values)

    def test_event_list(self):
        """The members whose tier brings invitations are put on the list at once; who came is noted (S-LOY-12)."""
        event = self._list()
        event.with_user(self.users['lead']).action_draw()
        self.assertEqual(event.line_ids.partner_id, self.guests[:5])
        self.assertEqual((event.line_count, event.without_consent), (5, 5))
        lines = event.line_ids.with_user(self.users['user'])
        lines[:2].state = 'accepted'
        lines[0].write({'state': 'used', 'note': 'With a friend'})
        self.assertTrue(lines[0].date)
        event.invalidate_recordset()
        self.assertEqual((event.accepted_count, event.used_count), (2, 1))
        with self.assertRaises(UserError):
            event.with_user(self.users['lead']).action_draw()
        self.assertEqual(len(event.line_ids), 5)
        with self.assertRaises(AccessError):
            event.with_user(self.users['user']).action_draw()
        with self.assertRaises(UserError):
            lines[3].partner_id = self.bob
        with self.assertRaises(UserError):
            event.kind = 'trial'

    def test_only_with_consent(self):
        """A list is limited to those who agreed to marketing, unless it says otherwise (S-LOY-12)."""
        channel = self.env.ref('retail_crm.retail_channel_sms')
        self.env['retail.consent']._record(self.guests[2], {('marketing', channel): True}, 'shop')
        event = self._list(only_consent=True)
        event._draw()
        self.assertEqual(event.line_ids.partner_id, self.guests[2])
        self.assertEqual(event.without_consent, 0)
        # whoever looks from another company asks for the consent to the company that invites
        self.env.invalidate_all()
        self.assertEqual(event.with_company(self.company_2).without_consent, 0)

    def test_segment_of_another_company(self):
        """Nobody is chosen among the customers of another company (design 7)."""
        segment = self.env['retail.segment'].create(
            {'name': 'G', 'company_id': self.company_2.id, 'domain': '[]'}
        )
        with self.assertRaises(ValidationError):
            self._list(segment_id=segment.id)

    def test_places_and_order(self):
        """The most loyal get the places; a second drawing takes the next ones (S-LOY-13)."""
        for number, guest in enumerate(self.guests[:5]):
            self._buy(guest, 10 + number, '2025-02-01')
        trial = self._list('trial', places=2)
        self.assertEqual(trial._draw(), 2)
        scores = {
            guest: (
                -self._profile_of(guest).loyalty_score,
                -self._profile_of(guest).spend_12m,
                guest.id,
            )
            for guest in self.guests[:5]
        }
        ranked = sorted(scores, key=scores.get)
        self.assertEqual(set(trial.line_ids.partner_id), set(ranked[:2]))
        self.assertEqual(trial._draw(), 0)
        trial.places = 3
        self.assertEqual(trial._draw(), 1)
        self.assertIn(ranked[2], trial.line_ids.partner_id)

    def test_lot(self):
        """Drawing by lot depends on the list and not on how often it is asked (S-LOY-13)."""
        first = self._list(order='random', places=3)
        first._draw()
        drawn = first.line_ids.partner_id
        first.line_ids.unlink()
        first._draw()
        self.assertEqual(first.line_ids.partner_id, drawn)

    def test_one_trial_of_a_product(self):
        """A customer gets one trial of a product, on whichever list, and is asked for his opinion (S-LOY-13)."""
        trial = self._list('trial', places=2, opinion_days=10, user_id=self.users['lead'].id)
        trial._draw()
        other = self._list('trial')
        other._draw()
        self.assertEqual(len(other.line_ids), 3)
        self.assertFalse(trial.line_ids.partner_id & other.line_ids.partner_id)
        guest = trial.line_ids[0].partner_id
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(IntegrityError),
            self.cr.savepoint(),
        ):
            self.env['retail.member.list.line'].create(
                {'list_id': other.id, 'partner_id': guest.id}
            )
        line = trial.line_ids[0].with_user(self.users['user'])
        with freeze_time('2025-03-01 12:00:00'):
            line.state = 'accepted'
            line.state = 'used'
        task = guest.activity_ids
        self.assertEqual(
            (task.date_deadline, task.user_id), (date(2025, 3, 11), self.users['lead'])
        )
        line.write({'rating': '5', 'opinion': 'Very good'})
        self._list(kind='event')._draw()  # an event is no trial

    def test_from_a_segment(self):
        """Instead of a tier a segment may say who is chosen (S-LOY-13)."""
        segment = self.env['retail.segment'].create(
            {'name': 'G', 'domain': f"[('id', 'in', {(self.guests[5] | self.bob).ids})]"}
        )
        segment._recompute()
        trial = self._list('trial', segment_id=segment.id)
        trial._draw()
        self.assertEqual(trial.line_ids.partner_id, self.guests[5] | self.bob)

    def test_merge(self):
        """Of two lines of one customer the one that came furthest stays (S-LOY-12)."""
        event, trial = self._list(), self._list('trial')
        event._draw()
        trial._draw()
        one, two = self.guests[0], self.guests[1]
        event.line_ids.filtered(lambda line: line.partner_id == two).state = 'used'
        self.env['retail.member.list.line']._merge_partners(two, one)
        self.assertEqual((len(event.line_ids), len(trial.line_ids)), (4, 4))
        self.assertEqual(event.line_ids.filtered(lambda line: line.partner_id == one).state, 'used')


@tagged('post_install', '-at_install', 'retail_crm')
class TestShippedPrivileges(TierCase):
    def test_shipped_privileges(self):
        """Factors, priorities, gifts and the rest are those of the defaults, on the shipped tiers (defaults 5)."""
        found = {}
        xmlids = self.env['ir.model.data'].search(
            [('module', '=', 'retail_crm'), ('model', '=', 'retail.privilege')]
        )
        privileges = self.env['retail.privilege'].browse(xmlids.mapped('res_id'))
        for privilege in privileges.sorted('sequence'):
            found.setdefault(privilege.kind, []).append(privilege)
        self.assertEqual([item.points_factor for item in found['factor']], [1.2, 1.5, 2])
        self.assertEqual([item.priority for item in found['priority']], ['1', '2'])
        entry = [
            item.coupon_program_id.reward_ids.discount
            for item in sorted(found['entry'], key=lambda p: p.sequence)
        ]
        self.assertEqual(entry, [20, 50, 100])
        for privilege, (amount, minimum) in zip(
            found['birthday'], ((20, 100), (50, 200)), strict=False
        ):
            program = privilege.coupon_program_id
            self.assertEqual(
                (program.reward_ids.discount, program.rule_ids.minimum_amount), (amount, minimum)
            )
            self.assertEqual(program.reward_ids.discount_mode, 'per_order')
            self.assertFalse(program.communication_plan_ids, 'no e-mail by itself')
        diamond = found['birthday'][2]
        self.assertEqual((diamond.gift, diamond.value, diamond.call), ('voucher', 100, True))
        self.assertLessEqual({'service', 'delivery', 'trial', 'adviser', 'event'}, set(found))
