"""Memberships and their tiers on real documents, under both ways of counting purchases (docs/tiers.md, R-loy C.1)."""

from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.purchase_common import PurchaseCase


class TierCase(PurchaseCase):
    """A running programme with Silver from 500 and Gold from 1000, begun on 1 January 2024."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.members = cls.env['retail.membership']
        cls.programme = cls._create_programme(cls.company)
        cls.base, cls.silver, cls.gold = cls.programme.tier_ids
        cls._no_rebuild()
        cls._process()

    @classmethod
    def _create_programme(cls, company, start='2024-01-01', **values):
        """Return a programme of a company that runs, whose opening is done (nobody bought before the tests)."""
        programmes = cls.env['retail.programme']
        programme = programmes.search([('company_id', '=', company.id)])
        if not programme:
            programme = programmes.create({'name': 'Club', 'company_id': company.id})
        programme.tier_ids.unlink()
        programme.tier_ids = [
            Command.create(
                {
                    'name': name,
                    'sequence': sequence,
                    'version_ids': [Command.create({'date_from': '2000-01-01', 'amount': amount})]
                    if amount
                    else [],
                }
            )
            for name, sequence, amount in (('Base', 1, 0), ('Silver', 2, 500), ('Gold', 3, 1000))
        ]
        programme.write({'date_start': start, **values})
        programme.action_start()
        programme.opening_after = -1
        return programme

    @classmethod
    def _member(cls, partner, company=None):
        return cls.members.search(
            [
                ('partner_id', '=', partner.id),
                ('company_id', '=', (company or cls.company).id),
            ]
        )

    def _buy(self, partner, amount, day, **values):
        """Have a customer buy on a day, by whatever counts as a purchase, and let the system follow on that day."""
        with freeze_time(f'{day} 12:00:00'):
            order = self._create_order(partner, amount, f'{day} 12:00:00', **values)
            if self.company.retail_purchase_basis == 'invoice':
                self._create_invoice_on(order, day)
            self._process()
        return order

    def _return(self, order, amount, day):
        with freeze_time(f'{day} 12:00:00'):
            invoice = order.invoice_ids[:1] or self._create_invoice_on(order, day)
            refund = self._create_refund_on(invoice, day, amount)
            self._process()
        return refund

    def _night(self, day):
        """Run the scheduled evaluation on a day, without its commits, and return the number of customers looked at."""
        done = 0
        with freeze_time(f'{day} 03:00:00'):
            self._end_transaction()
            while count := self.members._evaluate_batch():
                done += count
        return done

    def _history(self, partner):
        moves = self.env['retail.tier.move'].search([('partner_id', '=', partner.id)], order='id')
        return [(str(move.date), move.cause, move.to_tier_id.name) for move in moves]

    def _count_moments(self, kind, partner):
        return self.moments.search_count([('kind', '=', kind), ('partner_id', '=', partner.id)])


class BothBases:
    """What holds whatever is counted as a purchase. No test case itself: nothing runs a third time."""

    def test_examples(self):
        """600 and 400 are Gold for a year; then grace, Silver, grace, the lowest (docs/tiers.md, examples)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        self.assertEqual(member.tier_id, self.silver)
        self._buy(self.bob, 400, '2025-03-05')
        self.assertEqual(member.tier_id, self.gold)
        self.assertEqual(member.tier_valid_until, date(2026, 3, 5))
        self._night('2026-03-05')
        self.assertEqual((member.tier_id, member.grace_until), (self.gold, date(2026, 4, 4)))
        self._night('2026-04-04')
        self.assertEqual((member.tier_id, member.tier_valid_until), (self.silver, date(2027, 4, 4)))
        self._night('2027-05-04')
        self.assertEqual((member.tier_id, member.tier_valid_until), (self.base, False))
        self.assertEqual(
            self._history(self.bob),
            [
                ('2025-01-10', 'entry', 'Base'),
                ('2025-01-10', 'upgrade', 'Silver'),
                ('2025-03-05', 'upgrade', 'Gold'),
                ('2026-04-04', 'downgrade', 'Silver'),
                ('2027-05-04', 'downgrade', 'Base'),
            ],
        )
        move = self.env['retail.tier.move'].search([('to_tier_id', '=', self.gold.id)])
        self.assertEqual((move.amount, move.need_amount, move.count), (1000, 1000, 2))
        self.assertEqual(move.version_id, self.gold.version_ids)
        self.assertEqual((move.window_start, move.window_end), (date(2024, 3, 6), date(2025, 3, 5)))
        self.assertEqual(self._count_moments('tier_up', self.bob), 2)
        self.assertEqual(self._count_moments('tier_down', self.bob), 2)
        self.assertEqual(self._count_moments('enrolled', self.bob), 1)

    def test_renewal_in_grace(self):
        """700 on 20 March 2026 renew Gold until 20 March 2027 (docs/tiers.md, examples)."""
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.bob, 400, '2025-03-05')
        self._night('2026-03-06')
        self._buy(self.bob, 700, '2026-03-20')
        member = self._member(self.bob)
        self.assertEqual((member.tier_id, member.tier_valid_until), (self.gold, date(2027, 3, 20)))
        self.assertFalse(member.grace_until)

    def test_returns_keep_the_tier_or_take_it_back(self):
        """A return of 300 leaves Gold until its end; strict: Silver at once (docs/tiers.md, examples)."""
        for partner, strict, tier in ((self.bob, False, self.gold), (self.acme, True, self.silver)):
            self.programme.strict = strict
            order = self._buy(partner, 600, '2025-01-10')
            self._buy(partner, 400, '2025-03-05')
            self._return(order, 300, '2025-03-20')
            with self.subTest(strict=strict):
                self.assertEqual(self._member(partner).tier_id, tier)
        self.assertEqual(self._history(self.acme)[-1], ('2025-03-20', 'return', 'Silver'))

    def test_a_cent_is_missing(self):
        """999.99 is Silver, and 0.01 is missing to Gold (docs/tiers.md, examples)."""
        self._buy(self.bob, 999.99, '2025-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-01-10 12:00:00'):
            facts = member._explain()[member.id]
            self.assertEqual((member.tier_id, facts['next_tier']), (self.silver, self.gold))
            self.assertAlmostEqual(facts['missing_amount'], 0.01)
            self.assertAlmostEqual(member.missing_amount, 0.01)
            self.assertIn('0.01', member.explanation)

    def test_other_currency(self):
        """1000 in a currency worth 0.80 on that day are 1250 of ours, whatever the rate is today (R-loy C.1)."""
        self._buy(self.bob, 799.99, '2024-06-10', pricelist_id=self.euros.id)
        self.assertEqual(self._member(self.bob).tier_id, self.silver)
        self._buy(self.acme, 800, '2024-06-10', pricelist_id=self.euros.id)
        self.assertEqual(self._member(self.acme).tier_id, self.gold)

    def test_tax_and_delivery_are_no_purchase(self):
        """Goods of 480, 20 % of tax and what is no goods reach no Silver (R-loy C.1)."""
        tax = self.env['account.tax'].create({'name': 'Twenty', 'amount': 20})
        goods = self._create_product('Taxed', 480, taxes_id=[Command.set(tax.ids)])
        wallet = self._create_ewallet(self.bob, 0)[1]
        with freeze_time('2025-01-10 12:00:00'):
            order = self._create_lines(self.bob, (goods, 480), (wallet, 50), date='2025-01-10')
            self.assertGreater(order.amount_total, 600)
            if self.company.retail_purchase_basis == 'invoice':
                self._create_invoice_on(order, '2025-01-10')
            self._process()
        self.assertEqual(self._member(self.bob).tier_id, self.base)

    def test_merge_of_two_members(self):
        """400 and 700 of two who are one: one membership, Gold, the earlier number, both histories (R-loy C.1)."""
        twin = self.env['res.partner'].create({'name': 'Bob B.'})
        self._buy(self.bob, 400, '2025-01-10')
        self._buy(twin, 700, '2025-02-10')
        first, second = self._member(self.bob), self._member(twin)
        number, other = first.number, second.number
        until = second.tier_valid_until
        with freeze_time('2025-03-05 12:00:00'):
            wizard = self.env['base.partner.merge.automatic.wizard'].create({})
            wizard._merge((self.bob + twin).ids, twin, extra_checks=False)
            merged = self._member(twin)
            self.assertEqual((merged.tier_id, merged.tier_valid_until), (self.silver, until))
            self._process()
        merged = self.members.search([('partner_id', 'in', (self.bob + twin).ids)])
        self.assertEqual(len(merged), 1)
        self.assertEqual((merged.tier_id, merged.number), (self.gold, number))
        self.assertEqual(merged.former_numbers, other)
        self.assertEqual(merged.enrolled_on, date(2025, 1, 10))
        self.assertEqual(
            self._history(twin),
            [
                ('2025-01-10', 'entry', 'Base'),
                ('2025-02-10', 'entry', 'Base'),
                ('2025-02-10', 'upgrade', 'Silver'),
                ('2025-03-05', 'merge', 'Silver'),
                ('2025-03-05', 'upgrade', 'Gold'),
            ],
        )
        self.assertEqual(merged.move_ids.partner_id, twin)
        found = self.env['res.partner'].search([('retail_member_number', '=', other)])
        self.assertEqual(found, twin, 'the card with the other number still finds the customer')


@tagged('post_install', '-at_install', 'retail_crm')
class TestTiersByOrder(BothBases, TierCase):
    def test_cancelled_order(self):
        """A cancelled order counts no more; without strict the tier stays, and it is not kept (docs/tiers.md)."""
        order = self._buy(self.bob, 600, '2025-01-10')
        with freeze_time('2025-01-20 12:00:00'):
            order._action_cancel()
            self._process()
        member = self._member(self.bob)
        self.assertEqual(member.tier_id, self.silver)
        with freeze_time('2025-01-20 12:00:00'):
            self.assertEqual(member._explain()[member.id]['amount'], 0)
        self._night('2026-02-09')
        self.assertEqual(member.tier_id, self.base)

    def test_contacts_buy_for_their_company(self):
        """What contacts buy makes their company the member; a member who joins it brings his (docs/tiers.md)."""
        self._buy(self.ann, 600, '2025-01-10')
        self.assertEqual(self._member(self.acme).tier_id, self.silver)
        self.assertFalse(self._member(self.ann))
        self._buy(self.bob, 600, '2025-01-11')
        with freeze_time('2025-01-12 12:00:00'):
            self.bob.parent_id = self.acme
            self._process()
        self.assertFalse(self._member(self.bob))
        self.assertEqual(self._member(self.acme).tier_id, self.gold)

    def test_second_run_writes_nothing(self):
        """The same run again writes no membership and no history (R-loy C.1, last vector)."""
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 40, '2025-01-10')
        with freeze_time('2026-01-10 12:00:00'):
            partners = self.bob | self.acme
            self.assertEqual(self.members._evaluate(partners), 1, 'grace begins')
            before = self._history(self.bob)
            self.assertEqual(self.members._evaluate(partners), 0)
            self.assertEqual(self._history(self.bob), before)
        self.assertEqual(self._night('2026-01-10'), 0)

    def test_idle_night_reads_nobody(self):
        """A night on which nothing is due looks at nobody (design 8)."""
        self._buy(self.bob, 600, '2025-01-10')
        self.assertEqual(self._night('2025-01-11'), 0)
        self.assertEqual(
            self._member(self.bob).next_on, date(2025, 11, 11), '60 days before the end'
        )

    def test_cost_of_a_batch(self):
        """A batch costs the same number of queries whatever its size (design 8)."""
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(12)])
        with freeze_time('2025-01-10 12:00:00'):
            for partner in partners:
                self._create_order(partner, 600, '2025-01-10 12:00:00')
            self._process()
        costs = []
        for group in (partners[:2], partners[2:]):
            with freeze_time('2026-03-01 12:00:00'):
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                self.assertEqual(self.members._evaluate(group), len(group))
                self.env.flush_all()
                costs.append(self.cr.sql_log_count - before)
        self.assertLessEqual(costs[1], costs[0] + 1)

    def test_warnings_once_each(self):
        """60, 30 and 7 days before the end one warning each, none when enough was bought (R-loy C.1 10)."""
        self._buy(self.bob, 1000, '2025-03-05')
        self._buy(self.bob, 100, '2025-12-01')
        member = self._member(self.bob)
        member.programme_id.entry_counts = False
        for day, stage, told in (
            ('2026-01-03', 0, 0),
            ('2026-01-04', 60, 1),
            ('2026-01-04', 60, 1),
            ('2026-02-03', 30, 2),
            ('2026-02-26', 7, 3),
            ('2026-03-04', 7, 3),
        ):
            with self.subTest(day=day):
                self._night(day)
                self.assertEqual(member.warned_stage, stage)
                self.assertEqual(self._count_moments('tier_ending', self.bob), told)
        self._buy(self.bob, 900, '2026-03-04')
        self._night('2026-03-05')
        self.assertEqual((member.tier_id, member.warned_stage), (self.gold, 0))
        self.assertEqual(member.tier_valid_until, date(2027, 3, 5))

    def test_late_night_warns_once(self):
        """After nights without a run only the last warning is sent (docs/tiers.md, warnings)."""
        self._buy(self.bob, 600, '2025-03-05')
        self.programme.entry_counts = False
        self._night('2026-03-01')
        self.assertEqual(self._count_moments('tier_ending', self.bob), 1)
        self.assertEqual(self._member(self.bob).warned_stage, 7)

    # === START, ENROLMENT, LEAVING ===#

    def test_draft_does_nothing(self):
        """While the programme is a draft nobody is enrolled (S-LOY-16, brief of the programme)."""
        self.env.cr.execute("UPDATE retail_programme SET state = 'draft'")
        self.env.invalidate_all()
        self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._member(self.bob))
        with self.assertRaisesRegex(UserError, 'no running programme'):
            self.bob.action_retail_enrol()

    def test_start_enrols_quietly(self):
        """At the start those who bought before become members in batches, with one line and without a word."""
        self.env.cr.execute("UPDATE retail_programme SET state = 'draft', date_start = NULL")
        self.env.invalidate_all()
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.acme, 20, '2020-01-10')
        with freeze_time('2025-03-05 12:00:00'):
            self.programme.action_start()
            self.assertTrue(self.programme.is_opening)
        with patch(
            'odoo.addons.retail_crm.models.loyalty.retail_membership_evaluate.EVALUATION_BATCH', 1
        ):
            self._night('2025-03-05')
        self.assertFalse(self.programme.is_opening)
        self.assertEqual(self._history(self.bob), [('2025-03-05', 'entry', 'Silver')])
        self.assertEqual(self._history(self.acme), [('2025-03-05', 'entry', 'Base')])
        self.assertEqual(self._member(self.bob).tier_valid_until, date(2026, 3, 5))
        for kind in ('enrolled', 'tier_up'):
            self.assertFalse(
                self._count_moments(kind, self.bob) + self._count_moments(kind, self.acme)
            )

    def test_who_is_enrolled(self):
        """Suppliers and employees are not enrolled by buying, and cannot be by hand (S-LOY-16)."""
        self.bob.retail_customer = False
        self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._member(self.bob))
        with self.assertRaises(UserError):
            self.bob.action_retail_enrol()

    def test_enrolment_by_staff(self):
        """Staff enrol who has bought nothing; who did it, when and in which store is on record (S-LOY-15, 16)."""
        store = self.env['crm.team'].create({'name': 'Main Street', 'retail_is_store': True})
        user = self.users['user']
        store.member_ids = user
        self.programme.automatic = False
        self._buy(self.bob, 600, '2025-01-10')
        self.assertFalse(self._member(self.bob))
        with freeze_time('2025-02-01 12:00:00'):
            self.bob.with_user(user).action_retail_enrol()
        member = self._member(self.bob)
        self.assertEqual((member.enrolled_by, member.store_id), (user, store))
        self.assertEqual((member.enrolled_on, member.tier_id), (date(2025, 2, 1), self.silver))
        self.assertRegex(member.number, r'^042\d{10}$')
        digits = [int(digit) for digit in member.number]
        self.assertEqual(
            (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10, 0, 'check digit of EAN-13'
        )
        self.assertIn('data:image/svg+xml', member.barcode)
        again = self.bob.with_user(user).action_retail_enrol()
        self.assertEqual(again['res_id'], member.id)

    def test_leave_and_return(self):
        """Who leaves keeps number and history and has no tier; a purchase brings nobody back, staff do (docs/tiers.md)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob).with_user(self.users['user'])
        number = member.number
        with freeze_time('2025-02-01 12:00:00'):
            member.action_leave()
        self.assertEqual(
            (member.state, member.tier_id.id, member.left_on), ('left', False, date(2025, 2, 1))
        )
        self._buy(self.bob, 600, '2025-03-01')
        self.assertEqual(member.state, 'left')
        with freeze_time('2025-04-01 12:00:00'):
            member.action_enrol()
        self.assertEqual((member.state, member.number, member.left_on), ('active', number, False))
        self.assertEqual(
            self._history(self.bob)[2:],
            [
                ('2025-02-01', 'leave', False),
                ('2025-04-01', 'entry', 'Base'),
                ('2025-04-01', 'upgrade', 'Gold'),
            ],
        )

    # === OVERRIDE ===#

    def _give(self, member, user='lead', **values):
        wizard = self.env['retail.membership.override'].with_user(self.users[user])
        return wizard.create(
            {
                'membership_ids': member.ids,
                'tier_id': self.gold.id,
                'until': '2025-12-31',
                'reason': 'recovery',
                'note': 'Broken on arrival twice',
                **values,
            }
        ).action_give()

    def test_override(self):
        """Gold given until 31 December, then the computed tier, with a line each and the reason (R-loy C.1 8)."""
        self._buy(self.bob, 10, '2025-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-02-01 12:00:00'):
            self._give(member)
            self.assertEqual(
                (member.tier_id, member.override_user_id), (self.gold, self.users['lead'])
            )
            self.assertIn('was given by', member.explanation)
        self.assertEqual(member.override_note, 'Broken on arrival twice')
        move = member.move_ids[0]
        self.assertEqual((move.cause, move.user_id), ('override', self.users['lead']))
        self.assertEqual(move.note, 'Broken on arrival twice')
        self._night('2025-12-30')
        self.assertEqual(member.tier_id, self.gold)
        self._night('2025-12-31')
        self.assertEqual((member.tier_id, member.override_reason), (self.base, False))
        self.assertEqual(self._history(self.bob)[-1], ('2025-12-31', 'override_end', 'Base'))

    def test_own_tier_goes_on_under_an_override(self):
        """Beneath a given tier the own one keeps its validity, and shows again with it (docs/tiers.md, override)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-02-01 12:00:00'):
            self._give(member)
            self.assertEqual(
                (member.tier_id, member.tier_since, member.tier_valid_until),
                (self.gold, date(2025, 2, 1), date(2025, 12, 31)),
            )
            self.assertEqual(
                (member.own_tier_id, member.own_since, member.own_valid_until),
                (self.silver, date(2025, 1, 10), date(2026, 1, 10)),
            )
            self.assertTrue(member.held_by_override)
            self.assertIn('By the rules: Silver to', member.explanation)
            self.assertNotIn('keep', member._explain()[member.id])
            self.assertEqual(self._count_moments('tier_up', self.bob), 2)
            self.assertEqual(member.next_on, date(2025, 12, 31), 'no warning about the own tier')
        self._night('2025-12-31')
        self.assertEqual(
            (member.tier_id, member.tier_since, member.tier_valid_until),
            (self.silver, date(2025, 1, 10), date(2026, 1, 10)),
        )
        self.assertFalse(member.held_by_override or member.override_since)
        self.assertEqual(self._history(self.bob)[-1], ('2025-12-31', 'override_end', 'Silver'))
        self.assertEqual(self._count_moments('tier_down', self.bob), 1)

    def test_end_of_an_override_without_effect(self):
        """Who reached the given tier himself has no line when it ends, and nobody is told (docs/tiers.md, override)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-02-01 12:00:00'):
            self._give(member, until='2025-06-01')
        self._buy(self.bob, 500, '2025-03-01')
        before = self._history(self.bob)
        self.assertEqual(before[-1], ('2025-03-01', 'upgrade', 'Gold'))
        self._night('2025-06-01')
        self.assertEqual(self._history(self.bob), before)
        self.assertEqual(
            (member.tier_id, member.tier_valid_until, member.override_tier_id.id),
            (self.gold, date(2026, 3, 1), False),
        )
        self.assertFalse(self._count_moments('tier_down', self.bob))

    def test_merge_keeps_own_tiers_and_overrides_apart(self):
        """Of two members the better own tier and the better given one go on, each with its end (docs/tiers.md, merge)."""
        twin = self.env['res.partner'].create({'name': 'Bob B.'})
        self._buy(self.bob, 10, '2025-01-10')
        self._buy(twin, 600, '2025-02-10')
        with freeze_time('2025-03-01 12:00:00'):
            self._give(self._member(self.bob), until='2025-09-01')
        with freeze_time('2025-03-05 12:00:00'):
            wizard = self.env['base.partner.merge.automatic.wizard'].create({})
            wizard._merge((self.bob + twin).ids, twin, extra_checks=False)
            self._process()
        member = self._member(twin)
        self.assertEqual((member.tier_id, member.tier_valid_until), (self.gold, date(2025, 9, 1)))
        self.assertEqual(
            (member.own_tier_id, member.own_valid_until), (self.silver, date(2026, 2, 10))
        )
        self._night('2025-09-01')
        self.assertEqual(
            (member.tier_id, member.tier_valid_until), (self.silver, date(2026, 2, 10))
        )

    def test_override_ended_by_hand(self):
        """Leaders end what was given before its day; without any there is nothing to end (docs/tiers.md)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob).with_user(self.users['lead'])
        with freeze_time('2025-02-01 12:00:00'):
            self._give(member)
            member.action_end_override()
            self.assertEqual((member.tier_id, member.override_until), (self.silver, False))
            with self.assertRaises(UserError):
                member.action_end_override()

    def test_override_is_asked_for_properly(self):
        """A tier is given until a later day, with a reason in words, to members, by leaders (R-loy C.1 8)."""
        self._buy(self.bob, 10, '2025-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-02-01 12:00:00'):
            for values in ({'until': '2025-02-01'}, {'note': '  '}):
                with self.subTest(values=values), self.assertRaises(UserError):
                    self._give(member, **values)
            with self.assertRaises(AccessError):
                self._give(member, user='user')
            with self.assertRaises(AccessError):
                member.with_user(self.users['user']).action_override()
            member.action_leave()
            with self.assertRaises(UserError):
                self._give(member)

    # === COMPANIES ===#

    def test_two_companies_and_a_branch(self):
        """Each main company has its programme and members; a branch's sales are the company's (design 4.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self._create_programme(self.company_2)
        self._no_rebuild()
        self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.bob, 400, '2025-01-11', company_id=branch.id)
        self._buy(self.bob, 500, '2025-01-12', company_id=self.company_2.id)
        self.assertEqual(self._member(self.bob).tier_id, self.gold)
        other = self._member(self.bob, self.company_2)
        self.assertEqual(other.tier_id.name, 'Silver')
        self.assertEqual(other.programme_id.company_id, self.company_2)
        self.assertEqual(self.bob.retail_tier_id, self.gold)
        self.assertEqual(self.bob.with_company(branch).retail_tier_id, self.gold)
        self.assertEqual(self.bob.with_company(self.company_2).retail_tier_id, other.tier_id)
        clerk = new_test_user(
            self.env,
            login='retail_second',
            groups='retail_crm.group_lead',
            company_id=self.company_2.id,
            company_ids=[Command.set(self.company_2.ids)],
        )
        mine = self._member(self.bob).with_user(clerk)
        for action in ('action_leave', 'action_override', 'action_enrol'):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(mine, action)()

    def test_programme_is_of_a_main_company(self):
        """One programme for each main company; branches have none (design 5.2)."""
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        with self.assertRaises(UserError):
            self.env['retail.programme'].create({'name': 'X', 'company_id': branch.id})

    # === RULES ===#

    def test_begun_versions_stay(self):
        """Thresholds that have begun are neither changed, deleted nor made; later ones are free (S-LOY-28)."""
        version = self.silver.version_ids
        today = self.company._retail_today()
        with self.assertRaisesRegex(UserError, 'from tomorrow'):
            version.amount = 400
        with self.assertRaises(UserError):
            version.unlink()
        with self.assertRaises(UserError):
            self.silver.version_ids = [Command.create({'date_from': today, 'amount': 400})]
        later = version.create(
            {'tier_id': self.silver.id, 'date_from': today + timedelta(days=1), 'amount': 400}
        )
        later.amount = 450
        with self.assertRaises(UserError):
            later.date_from = today
        later.unlink()
        with self.assertRaises(ValidationError):
            version.create(
                {'tier_id': self.base.id, 'date_from': today + timedelta(days=1), 'amount': 1}
            )

    def test_changed_rules_leave_the_past(self):
        """A new version acts on what is bought from its day on; what was decided stays (S-LOY-28)."""
        self._buy(self.bob, 600, '2025-01-10')
        with freeze_time('2025-02-01 12:00:00'):
            self.silver.version_ids.create(
                {'tier_id': self.silver.id, 'date_from': '2025-02-10', 'amount': 900}
            )
        self._night('2025-02-10')
        self.assertEqual(self._member(self.bob).tier_id, self.silver)
        self._buy(self.acme, 600, '2025-02-09')
        self.assertEqual(self._member(self.acme).tier_id, self.silver)
        carl = self.env['res.partner'].create({'name': 'Carl'})
        self._buy(carl, 600, '2025-02-10')
        self.assertEqual(self._member(carl).tier_id, self.base)

    def test_running_programme_keeps_its_order(self):
        """Once it runs, the order of the tiers, the company and the first day stay (docs/tiers.md)."""
        for record, values in (
            (self.gold, {'sequence': 0}),
            (self.programme, {'date_start': '2020-01-01'}),
            (self.programme, {'company_id': self.company_2.id}),
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                record.write(values)
        for record in (self.gold, self.programme):
            with self.assertRaises(UserError):
                record.unlink()
        with self.assertRaises(UserError):
            self.programme.action_use_ladder()
        with self.assertRaises(UserError):
            self.programme.action_start()

    def test_ladders(self):
        """Three ladders to choose from, as long as the programme is a draft (defaults 4)."""
        programme = self.env['retail.programme'].create(
            {'name': 'Second', 'company_id': self.company_2.id}
        )
        expected = {
            'general': [(0, 0), (2000, 6), (6000, 15), (20000, 0)],
            'small': [(0, 0), (0, 10), (0, 30), (0, 80)],
            'ticket': [(0, 0), (5000, 0), (20000, 0), (50000, 0)],
        }
        for ladder, thresholds in expected.items():
            programme.ladder = ladder
            programme.action_use_ladder()
            with self.subTest(ladder=ladder):
                found = [
                    (tier.version_ids.amount, tier.version_ids.count) for tier in programme.tier_ids
                ]
                self.assertEqual(found, thresholds)
                self.assertEqual(programme.tier_ids.mapped('is_base'), [True, False, False, False])
                self.assertEqual(programme.tier_ids.mapped('is_top'), [False, False, False, True])
        self.assertEqual(programme.window_months, 24)

    # === HISTORY AND ACCESS ===#

    def test_history_is_nobodys_to_change(self):
        """The history of tiers is never changed or deleted, by nobody; memberships by methods only (design 7)."""
        self._buy(self.bob, 600, '2025-01-10')
        member = self._member(self.bob)
        moves = member.move_ids
        with self.assertRaises(UserError):
            moves[0].sudo().write({'amount': 1})
        with self.assertRaises(UserError):
            moves[0].sudo().unlink()
        with self.assertRaises(UserError):
            member.sudo().unlink()
        for persona in ('user', 'lead', 'manager', 'marketing'):
            mine = member.with_user(self.users[persona])
            with self.subTest(persona=persona):
                self.assertTrue(mine.read(['tier_id', 'explanation']))
                with (
                    self.assertRaises(AccessError),
                    mute_logger('odoo.addons.base.models.ir_model'),
                ):
                    mine.write({'tier_id': self.gold.id})
        with self.assertRaises(AccessError):
            member.with_user(self.users['marketing']).action_leave()
        with self.assertRaises(AccessError):
            self.bob.with_user(self.users['marketing']).action_retail_enrol()
        with self.assertRaises(AccessError):
            self.programme.with_user(self.users['lead']).action_start()

    # === FAULTS ===#

    def test_busy_evaluation_is_done_later(self):
        """While another process evaluates, the sale's customers wait in the outbox and lose nothing (design 9)."""
        with patch.object(type(self.members), '_try_lock', return_value=False):
            self._buy(self.bob, 600, '2025-01-10')
            self.assertFalse(self._member(self.bob))
            with self.assertRaises(UserError):
                self.bob.action_retail_enrol()
        with freeze_time('2025-01-10 12:05:00'):
            self._process()
        self.assertEqual(self._member(self.bob).tier_id, self.silver)

    def test_a_failure_costs_no_figures(self):
        """A defect of the tiers leaves the customer's figures right and is tried again (design 4.1)."""
        with (
            patch.object(type(self.members), '_decide', side_effect=ValueError('defect')),
            mute_logger('odoo.addons.retail_crm.models.loyalty.retail_membership_evaluate'),
        ):
            self._buy(self.bob, 600, '2025-01-10')
        self.assertEqual(self._profile_of(self.bob).spend_total, 600)
        self.assertFalse(self._member(self.bob))
        waiting = self.moments.search([('listener', '=', 'retail.membership')])
        self.assertIn('defect', waiting.error)
        with freeze_time('2025-01-10 12:05:00'):
            self._process()
        self.assertEqual(self._member(self.bob).tier_id, self.silver)

    def test_rebuild_looks_at_all_afterwards(self):
        """While purchases are derived anew no tier moves; afterwards all members are looked at (design 4.2)."""
        self._buy(self.bob, 600, '2025-01-10')
        self.company.retail_rebuild_pending = True
        self._buy(self.acme, 600, '2025-01-11')
        self.assertFalse(self._member(self.acme))
        self.company.retail_rebuild_pending = False
        with freeze_time('2025-01-12 12:00:00'):
            self.members._make_all_due(self.company)
        self._night('2025-01-12')
        self.assertEqual(self._member(self.acme).tier_id, self.silver)
        self.assertEqual(self._member(self.bob).tier_id, self.silver)

    # === ON THE CUSTOMER ===#

    def test_tier_on_contacts(self):
        """Contacts show, find, group and sort by the tier; contacts of a company show the company's (S-LOY-06)."""
        self._buy(self.ann, 600, '2025-01-10')
        self._buy(self.bob, 1000, '2025-01-10')
        partners = self.env['res.partner'].with_user(self.users['user'])
        ours = [('id', 'in', (self.ann | self.acme | self.bob).ids)]
        self.assertEqual(partners.browse(self.ann.id).retail_tier_id, self.silver)
        found = partners.search([*ours, ('retail_tier_id', '=', self.silver.id)])
        self.assertEqual(found.ids, partners.browse((self.acme | self.ann).ids).sorted().ids)
        self.assertEqual(
            partners.search([*ours, ('retail_tier_id', 'ilike', 'gol')]).ids, self.bob.ids
        )
        self.assertFalse(partners.search([*ours, ('retail_tier_id', '=', False)]))
        number = self._member(self.bob).number
        self.assertEqual(
            partners.search([('retail_member_number', 'ilike', number[4:])]).ids, self.bob.ids
        )
        groups = partners._read_group(ours, ['retail_tier_id'], ['__count'])
        self.assertEqual(
            {tier.id: count for tier, count in groups},
            {self.silver.id: 1, self.gold.id: 1, False: 1},
        )
        self.assertIn('Gold to', partners.browse(self.bob.id).retail_tier_text)
        order = self._create_order(self.ann, 10)
        self.assertIn('Silver to', order.retail_tier_text)
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_model'):
            self.bob.with_user(self.users['internal']).read(['retail_tier_id'])

    def test_highest_tier_is_high_value(self):
        """Members of the highest tier are high-value customers, also by what staff gave, and no longer after (S-SEG-20)."""
        self.env['retail.classification']._of_companies(self.company.ids).write(
            {'high_value_method': 'amount', 'high_value_amount': 1e6}
        )
        self._buy(self.bob, 600, '2025-01-10')
        profile = self._profile_of(self.bob)
        self.assertFalse(profile.is_high_value)
        self._buy(self.bob, 400, '2025-01-11')
        self.assertTrue(profile.is_high_value, 'with the purchase that reached Gold')
        self._night('2026-03-01')
        with freeze_time('2026-03-01 12:00:00'):
            self.assertEqual(
                profile.refresh_on, fields.Date.today(), 'looked at by the next refresh'
            )
            self.profiles._refresh(self.bob)
        self.assertFalse(profile.is_high_value)

    def test_explanation_names_the_purchases(self):
        """Why this tier: window, purchases, what is missing to the next and to keep, the last day (S-LOY-06)."""
        first = self._buy(self.bob, 600, '2025-01-10')
        self._buy(self.bob, 40, '2023-01-10')
        member = self._member(self.bob)
        with freeze_time('2025-06-01 12:00:00'):
            self._process()
            facts = member._explain()[member.id]
            purchases = self.purchases.search(facts['domain'])
            self.assertEqual(purchases.mapped('res_id'), first.ids)
            self.assertEqual(
                (facts['amount'], facts['count'], facts['missing_amount']), (600, 1, 400)
            )
            self.assertEqual(
                (facts['keep']['end'], facts['keep']['kept']), (date(2026, 1, 9), True)
            )
            action = member.with_user(self.users['user']).action_open_purchases()
            self.assertEqual(action['domain'], facts['domain'])
            self.assertFalse(self.members.browse()._explain())


@tagged('post_install', '-at_install', 'retail_crm')
class TestTiersByInvoice(BothBases, TierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.retail_purchase_basis = 'invoice'
        cls._no_rebuild()
