"""Previews of other rules on real members: nothing is written, approval, going live, what is done with the result."""

from datetime import date
from math import ceil
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.retail_crm.models.loyalty import retail_tier_preview_compute as compute
from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase
from odoo.addons.retail_crm.wizard.loyalty.retail_tier_proposal import percentiles, round_up

NOW = '2026-06-15 12:00:00'


class PreviewCase(TierCase):
    """Bob holds Gold, Acme Silver, Carl the lowest tier, and a preview with another threshold of Gold is there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_manager = new_test_user(
            cls.env, login='retail_manager_2', groups='retail_crm.group_manager'
        )
        cls.carl = cls.env['res.partner'].create({'name': 'Carl'})
        # Bob holds Gold with 1010 a year, Acme Silver with 850, Carl the lowest with 100.
        for partner, purchases in (
            (cls.bob, (('2025-10-01', 600), ('2026-01-10', 410))),
            (cls.acme, (('2025-10-01', 450), ('2026-01-10', 400))),
            (cls.carl, (('2026-02-01', 100),)),
        ):
            for day, amount in purchases:
                cls._buy(cls, partner, amount, day)
        cls._night(cls, '2026-06-15')

    def setUp(self):
        super().setUp()
        freezer = freeze_time(NOW)
        freezer.start()
        self.addCleanup(freezer.stop)
        self.preview = self._preview()

    def _preview(self, user='manager', gold=1500, silver=None, **values):
        """Return a preview with another threshold of Gold (and Silver)."""
        programme = self.programme.with_user(self.users[user])
        preview = self.env['retail.tier.preview'].with_user(self.users[user])
        preview = preview.browse(programme.action_preview_rules()['res_id'])
        self._row(preview, self.gold).amount = gold
        if silver:
            self._row(preview, self.silver).amount = silver
        preview.write(values)
        return preview

    def _row(self, preview, tier):
        return preview.threshold_ids.filtered(lambda row: row.tier_id == tier)

    def _lines(self, preview, round_='result'):
        """Return ``{customer: (from, to, day)}``."""
        lines = self.env['retail.tier.preview.line'].search(
            [('preview_id', '=', preview.id), ('round', '=', round_)]
        )
        return {
            line.partner_id: (line.from_tier_id.name, line.to_tier_id.name, str(line.date))
            for line in lines
        }

    def _stored(self):
        """Return all that is known of members and their history."""
        self.env.flush_all()
        rows = []
        for table in ('retail_membership', 'retail_tier_move', 'retail_tier_version'):
            self.env.cr.execute(f'SELECT * FROM {table} ORDER BY id')
            rows.append(self.env.cr.fetchall())
        return rows

    def _approve(self, preview):
        preview.action_compute()
        preview.action_ask()
        preview.with_user(self.other_manager).action_approve()
        return preview


@tagged('post_install', '-at_install', 'retail_crm')
class TestPreview(PreviewCase):
    # === RESULT ===#

    def test_a_preview_starts_with_the_present_rules(self):
        """R-loy C.1, 11: settings and thresholds are copied; what differs is said."""
        programme = self.programme.with_user(self.users['manager'])
        preview = self.preview.browse(programme.action_preview_rules()['res_id'])
        self.assertEqual(preview._settings(), self.programme._rule_settings())
        self.assertEqual(preview.threshold_ids.tier_id, self.programme.tier_ids)
        self.assertEqual(preview.threshold_ids.mapped('amount'), [0, 500, 1000])
        self.assertFalse(preview.change_text)
        preview.write({'grace_days': 10, 'strict': True})
        self._row(preview, self.gold).amount = 1500
        text = preview.change_text
        for words in ('10', '30', 'yes', '1,500', '1,000'):
            self.assertIn(words, text)
        preview.action_compute()
        self.assertEqual(preview.state, 'computed')

    def test_who_moves_and_when(self):
        """R-loy C.1, 11; S-LOY-28: who falls, falls at the end of validity and grace; nothing is written by looking."""
        before = self._stored()
        self.preview.action_compute()
        self.assertEqual(self._lines(self.preview), {self.bob: ('Gold', 'Silver', '2027-02-09')})
        self.assertEqual((self.preview.up_count, self.preview.down_count), (0, 1))
        counts = [
            (row.tier_id.name, row.held_count, row.present_count, row.proposed_count)
            for row in self.preview.threshold_ids.sorted('sequence')
        ]
        members = self.members.search_count(
            [('programme_id', '=', self.programme.id), ('state', '=', 'active')]
        )
        self.assertEqual(sum(row[1] for row in counts), members)
        self.assertEqual(counts[2], ('Gold', 1, 1, 0))
        line = self.preview.line_ids
        self.assertEqual((line.amount, line.count, line.need_amount), (1420, 3, 1500))
        self.assertEqual((line.missing_amount, line.direction), (80, 'down'))
        self.assertIn('Gold', self.preview.summary)
        self.assertEqual(self._stored(), before)

    def test_who_rises(self):
        """A lower threshold: who reaches it in the window rises on the first day."""
        preview = self._preview(gold=800)
        preview.action_compute()
        self.assertEqual(self._lines(preview), {self.acme: ('Silver', 'Gold', '2026-06-15')})
        self.assertEqual((preview.line_ids.amount, preview.line_ids.need_amount), (850, 800))

    def test_computed_again_it_is_the_same(self):
        """The same rules and purchases give the same lines, at once and in batches of one (kill-safe)."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        lines, result = self._lines(self.preview), self.preview.result
        self.assertEqual(set(lines), {self.bob, self.acme})
        self.preview.action_draft()
        self.assertFalse(self._lines(self.preview))
        with patch.object(compute, 'AT_ONCE', 0), patch.object(compute, 'PREVIEW_BATCH', 1):
            self.preview.action_compute()
            preview = self.preview.sudo()
            self.assertEqual((preview.work, preview.state), ('result', 'draft'))
            with self.assertRaises(UserError):  # not twice at the same time
                self.preview.action_compute()
            self.assertEqual(preview._work_batch(), 1)
            self.env.flush_all()
            # killed in the middle of the second batch: what was committed stays, the rest comes again
            savepoint = self.cr.savepoint()
            preview._work_batch()
            savepoint.rollback()
            self.env.invalidate_all(flush=False)
            self.assertEqual(preview.done_count, 1)
            self.assertTrue(0 < preview.progress < 100)
            while preview._work_batch():
                self.env.flush_all()
        self.assertEqual((self._lines(self.preview), preview.result), (lines, result))
        self.assertEqual(preview.state, 'computed')

    def test_the_scheduled_action_goes_on(self):
        """Large populations are compared by the scheduled action, which can be stopped."""
        with patch.object(compute, 'AT_ONCE', 0):
            self.preview.action_compute()
            self.preview.action_cancel_work()
            self.assertFalse(self.preview.work or self._lines(self.preview))
            self.preview.action_compute()
            with patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *_, **__: 1):
                self.env['retail.tier.preview']._cron_preview()
        self.assertEqual(self.preview.state, 'computed')
        self.assertIn(self.bob, self._lines(self.preview))

    def test_result_belongs_to_its_rules(self):
        """Once computed, rules change in the draft only, and steps are nobody's to write (S-LOY-28)."""
        self.preview.action_compute()
        for change in ({'grace_days': 5}, {'as_of': '2026-08-01'}, {'state': 'approved'}):
            with self.subTest(change=change), self.assertRaises(UserError):
                self.preview.write(change)
        with self.assertRaises(UserError):
            self._row(self.preview, self.gold).amount = 1
        with self.assertRaises(UserError):
            self.env['retail.tier.preview'].with_user(self.users['manager']).create(
                {'name': 'Quick', 'programme_id': self.programme.id, 'state': 'approved'}
            )
        self.preview.action_draft()
        self.assertFalse(self.preview.computed_on)
        self._row(self.preview, self.gold).amount = 1

    def test_days_that_are_meant(self):
        """A preview looks at most three years back and two ahead."""
        for day in ('2023-01-01', '2028-12-31'):
            with self.subTest(day=day), self.assertRaises(ValidationError):
                self.preview.as_of = day

    # === STEPS ===#

    def test_another_manager_approves(self):
        """Design 5.2: saved and approved, by a manager other than the author where there is one."""
        self.preview.action_compute()
        self.preview.action_ask()
        self.assertFalse(self.preview.can_approve)
        with self.assertRaises(AccessError):
            self.preview.action_approve()
        for persona in ('user', 'lead', 'marketing', 'sales'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.preview.with_user(self.users[persona]).action_approve()
        self.preview.with_user(self.other_manager).action_approve()
        self.assertEqual(self.preview.approved_by, self.other_manager)
        self.assertEqual(self.preview.asked_by, self.users['manager'])

    def test_a_manager_alone_approves(self):
        """Where nobody else is manager, the author approves."""
        self.preview.action_compute()
        self.preview.action_ask()
        alone = self.users['manager']
        with patch.object(type(self.preview), '_managers', lambda self: alone):
            self.preview.action_approve()
        self.assertEqual(self.preview.state, 'approved')

    def test_steps_in_turn(self):
        """Nothing goes live that was not computed and approved."""
        for step in ('action_ask', 'action_approve', 'action_apply', 'action_apply_anyway'):
            with self.subTest(step=step), self.assertRaises(UserError):
                getattr(self.preview, step)()

    # === GOING LIVE ===#

    def test_next_evaluation(self):
        """R-loy C.1, 11: by default the rules act when a member is looked at next; history stays (S-LOY-28)."""
        preview = self._approve(self._preview(gold=800, window_months=18))
        history = self._stored()[:2]
        preview.action_apply()
        self.assertEqual((preview.state, preview.applied_by), ('applied', self.users['manager']))
        self.assertEqual(self._stored()[:2], history)
        version = self.gold._version_on(date(2026, 6, 15))
        self.assertEqual((version.amount, version.date_from), (800, date(2026, 6, 15)))
        self.assertEqual(len(self.gold.version_ids), 2)
        self.assertEqual((self.programme.window_months, self.silver.version_ids.amount), (18, 500))
        self.assertEqual(self.programme.rules_since, date(2026, 6, 15))
        self._buy(self.acme, 1, '2026-06-20')
        self.assertEqual(self._history(self.acme)[-1], ('2026-06-20', 'upgrade', 'Gold'))
        with self.assertRaises(UserError):
            preview.action_apply()

    def test_now(self):
        """R-loy C.1, 11: at once: all are looked at; "Rules changed" is the cause; nobody loses a granted validity."""
        preview = self._approve(self._preview(gold=800, silver=10**6, mode='now'))
        bob = self._member(self.bob)
        before = (bob.tier_id, bob.tier_since, bob.tier_valid_until)
        preview.action_apply()
        self.assertEqual((preview.state, preview.work), ('applied', 'now'))
        with patch.object(compute, 'PREVIEW_BATCH', 1):
            while preview.sudo()._work_batch():
                pass
        self.assertFalse(preview.work)
        self.assertEqual(self._history(self.acme)[-1], ('2026-06-15', 'rule_change', 'Gold'))
        self.assertEqual((bob.tier_id, bob.tier_since, bob.tier_valid_until), before)
        moves = self.env['retail.tier.move'].search([('cause', '=', 'rule_change')])
        self.assertEqual(moves.partner_id, self.acme)
        self.assertEqual((moves.direction, moves.amount, moves.need_amount), ('up', 850, 800))
        preview.sudo().write({'work': 'now', 'work_after': 0})
        while preview.sudo()._work_batch():
            pass
        self.assertEqual(
            self.env['retail.tier.move'].search([('cause', '=', 'rule_change')]), moves
        )

    def test_a_purchase_makes_a_difference(self):
        """Design 5.2: before going live it is computed again, and what differs is shown and has to be confirmed."""
        preview = self._approve(self.preview)
        self._buy(self.acme, 200, '2026-06-15')
        preview.action_apply()
        self.assertEqual((preview.state, preview.difference_count), ('approved', 1))
        lines = self.env['retail.tier.preview.line'].search(
            preview.action_open_differences()['domain']
        )
        self.assertEqual((lines.partner_id, lines.difference), (self.acme, 'new'))
        self.assertIn('1 new', preview.difference_text)
        self.assertEqual(len(self.gold.version_ids), 1)
        preview.action_apply_anyway()
        self.assertEqual(preview.state, 'applied')
        self.assertEqual(len(self.gold.version_ids), 2)
        self.assertIn('1 differences', preview.message_ids.mapped('body')[0])

    def test_confirmation_needs_a_check(self):
        """Nobody confirms a difference that was not computed, or not today."""
        preview = self._approve(self._preview(as_of='2026-07-01'))
        with self.assertRaises(UserError):
            preview.action_apply_anyway()
        self._buy(self.bob, 2000, '2026-06-15')
        preview.action_apply()
        self.assertEqual(preview.difference_count, 1)
        gone = preview.line_ids.filtered(lambda line: line.difference == 'gone')
        self.assertEqual(gone.partner_id, self.bob)
        with freeze_time('2026-06-20 12:00:00'), self.assertRaises(UserError):
            preview.action_apply_anyway()

    def test_planned(self):
        """Settings and thresholds of a later day come on that day, by the scheduled action, once."""
        preview = self._approve(
            self._preview(gold=1500, as_of='2026-07-01', grace_days=5, criteria='both')
        )
        preview.action_apply()
        self.assertEqual((preview.state, self.programme.grace_days), ('scheduled', 30))
        self.assertEqual(self.programme.change_on, date(2026, 7, 1))
        self.assertEqual(self.gold._version_on(date(2026, 6, 30)).amount, 1000)
        self.assertEqual(self.gold._version_on(date(2026, 7, 1)).amount, 1500)
        other = self._approve(self._preview(gold=1200, as_of='2026-08-01'))
        with self.assertRaises(UserError):  # one change after the other
            other.action_apply()
        previews = self.env['retail.tier.preview']
        with freeze_time('2026-06-30 23:00:00'):
            previews._apply_due()
            self.assertEqual(self.programme._rules().grace, 30)
        with freeze_time('2026-07-01 01:00:00'):
            # also before the scheduled action ran
            self.assertEqual(self.programme._rules().grace, 5)
            for _time in range(2):
                previews._apply_due()
        self.assertEqual((preview.state, self.programme.grace_days), ('applied', 5))
        self.assertEqual((self.programme.criteria, self.programme.change_on), ('both', False))
        self.assertEqual(self.programme.rules_since, date(2026, 7, 1))
        self.assertEqual(len(self.gold.version_ids), 2)

    def test_a_planned_change_is_given_up(self):
        """Until its day a planned change can be cancelled: its thresholds are gone."""
        preview = self._approve(self._preview(as_of='2026-07-01', grace_days=5))
        preview.action_apply()
        self.assertEqual(len(self.gold.version_ids), 2)
        preview.action_cancel()
        self.assertEqual(len(self.gold.version_ids), 1)
        self.assertFalse(self.programme.change_on)
        with freeze_time('2026-07-01 12:00:00'):
            self.env['retail.tier.preview']._apply_due()
        self.assertEqual(self.programme.grace_days, 30)

    def test_no_rules_for_days_that_are_over(self):
        """A preview of the past is for looking only: history is never rewritten (S-LOY-28)."""
        preview = self._preview(gold=800, as_of='2026-01-01')
        preview.action_compute()
        self.assertEqual(self._lines(preview), {self.acme: ('Silver', 'Gold', '2026-01-10')})
        preview.action_ask()
        preview.with_user(self.other_manager).action_approve()
        with self.assertRaises(UserError):
            preview.action_apply()

    def test_settings_on_the_form_take_nothing_back(self):
        """A manager who makes the programme strict by hand does not take tiers back that were reached before."""
        order = self._buy(self.carl, 1000, '2026-06-15')
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        self.programme.strict = True
        self.assertEqual(self.programme.rules_since, date(2026, 6, 15))
        self._return(order, 900, '2026-06-16')
        # reached on the very day on which the rule began, maybe before it: that stays
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        order = self._buy(self.acme, 1000, '2026-06-16')
        self.assertEqual(self._member(self.acme).tier_id, self.gold)
        self._return(order, 900, '2026-06-17')
        self.assertEqual(self._member(self.acme).tier_id, self.silver)
        with freeze_time('2026-06-17 12:00:00'):
            self.programme.write({'strict': False})
            self.programme.write({'strict': True})
        self.assertEqual(self._rule_day(), date(2026, 6, 17))

    def _rule_day(self):
        return self.programme._rules().settled

    # === WHAT IS DONE WITH IT ===#

    def test_floor(self):
        """Design 5.2: a floor until a day with a reason, for all who would fall."""
        self.preview.action_compute()
        action = self.preview.action_floor()
        wizard = self.env[action['res_model']].with_user(self.users['manager'])
        wizard = wizard.with_context(**action['context']).create(
            {'until': '2028-01-01', 'reason': 'migration', 'note': 'Promised'}
        )
        self.assertEqual(wizard.member_count, 1)
        wizard.action_give()
        bob = self._member(self.bob)
        self.assertEqual(
            (bob.override_tier_id, bob.override_until, bob.override_reason, bob.override_note),
            (self.gold, date(2028, 1, 1), 'migration', 'Promised'),
        )
        self.assertFalse(self._member(self.acme).override_until)
        self.preview.action_draft()
        self.preview.action_compute()
        self.assertEqual(self._lines(self.preview)[self.bob][2], '2028-01-01')
        self.assertEqual(self.preview.line_ids.override_until, date(2028, 1, 1))
        wizard.until = '2026-06-15'
        with self.assertRaises(UserError):
            wizard.action_give()

    def test_floor_of_chosen_lines(self):
        """Only the chosen ones get it, and of these only who falls."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        line = self.preview.line_ids.filtered(lambda line: line.partner_id == self.acme)
        wizard = self.env['retail.tier.preview.floor'].with_user(self.users['manager'])
        wizard = wizard.with_context(**line.action_floor()['context']).create(
            {'until': '2028-01-01', 'note': 'Promised'}
        )
        wizard.action_give()
        self.assertEqual(self._member(self.acme).override_tier_id, self.silver)
        self.assertFalse(self._member(self.bob).override_until)

    def test_segment(self):
        """Design 5.2: a segment of those who would fall follows the result; one of chosen customers names them."""
        self.preview.action_compute()
        segment = self.env['retail.segment'].browse(self.preview.action_segment()['res_id'])
        segment.sudo()._recompute()
        self.assertEqual(segment._members().partner_id, self.bob)
        named = self.preview.line_ids.action_segment()
        named = self.env['retail.segment'].browse(named['res_id'])
        named.sudo()._recompute()
        self.assertEqual(named._members().partner_id, self.bob)
        self.preview.action_draft()
        self._row(self.preview, self.gold).amount = 1000
        self.preview.action_compute()
        segment.sudo()._recompute()
        self.assertFalse(segment._members().filtered(lambda member: not member.left_on))
        with self.assertRaises(UserError):
            self.preview.action_segment()

    def test_call_list(self):
        """Design 5.2: calls for the adviser, or a chosen person, up to a limit, and none twice."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        self.bob.retail_adviser_id = self.users['user']
        action = self.preview.action_call_list()
        wizard = self.env['retail.tier.preview.call'].with_user(self.users['manager'])
        wizard = wizard.with_context(**action['context']).create({'limit': 1})
        self.assertEqual(wizard.customer_count, 2)
        called = self.env['mail.activity'].search([('summary', '=', wizard.summary)])
        for expected in (1, 2, 2):
            wizard.action_plan()
            called = self.env['mail.activity'].search([('summary', '=', wizard.summary)])
            self.assertEqual(len(called), expected)
        self.assertEqual(
            {call.res_id: call.user_id for call in called},
            {self.bob.id: self.users['user'], self.acme.id: self.users['manager']},
        )
        self.assertEqual(called.activity_type_id, self.env.ref('mail.mail_activity_data_call'))
        wizard.limit = 0
        with self.assertRaises(UserError):
            wizard.action_plan()

    # === FROM OUR DATA ===#

    def test_places_and_rounding(self):
        """75, 92 and 98.5 for three tiers; spread for others; two digits upward."""
        self.assertEqual(percentiles(3), [75, 92, 98.5])
        self.assertEqual(percentiles(1), [75])
        self.assertEqual(percentiles(2), [75, 98.5])
        for count in (4, 5, 7):
            places = percentiles(count)
            self.assertEqual((len(places), places[0], places[-1]), (count, 75, 98.5))
            self.assertEqual(places, sorted(set(places)))
        rounded = [
            float(round_up(value)) for value in (0, -3, 1, 9.99, 10.01, 99.5, 1234, 5000, 5001)
        ]
        self.assertEqual(rounded, [0, 0, 1, 10, 11, 100, 1300, 5000, 5100])

    def _propose(self, record):
        return self.env['retail.tier.proposal'].browse(record.action_propose()['res_id'])

    def test_proposal_equals_plain_percentiles(self):
        """Thresholds from our data: the percentiles of members' amounts and numbers, as reckoned in plain Python."""
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(40)])
        for number, partner in enumerate(partners):
            for place in range(1 + number % 4):
                order = self._create_order(partner, 7 * number + place, '2026-05-01')
        self.assertTrue(order)
        self._process()
        preview = self._preview(gold=1000)
        proposal = self._propose(preview)
        members = self.members.search(
            [('programme_id', '=', self.programme.id), ('state', '=', 'active')]
        )
        amounts, counts = [], []
        for partner in members.partner_id:
            rows = self.purchases.search(
                [
                    ('partner_id', '=', partner.id),
                    ('company_id', '=', self.company.id),
                    ('date', '>', '2025-06-15'),
                    ('date', '<=', '2026-06-15'),
                ]
            )
            amounts.append(sum(rows.mapped('amount')))
            counts.append(len(rows.filtered('counts')))
        self.assertEqual(proposal.customer_count, len(amounts))
        for line, share in zip(proposal.line_ids, (75, 98.5), strict=True):
            place = ceil(share / 100 * len(amounts)) - 1
            self.assertAlmostEqual(line.measured_amount, sorted(amounts)[place])
            self.assertEqual(line.measured_count, sorted(counts)[place])
            self.assertGreaterEqual(line.amount, line.measured_amount)
            self.assertEqual(line.amount_reach, sum(one >= line.amount for one in amounts))
            self.assertEqual(line.count_reach, sum(one >= line.count for one in counts))
            self.assertEqual(line.tie_count, sum(one == line.measured_count for one in counts))
        proposal.write({'use_amount': True, 'use_count': True})
        self.assertIn('come together', proposal.line_ids[0].remark)
        self.assertEqual(self._row(preview, self.gold).amount, 1000)
        proposal.action_use()
        rows = preview.threshold_ids.filtered(lambda row: not row.is_base)
        self.assertEqual(rows.mapped('amount'), proposal.line_ids.mapped('amount'))
        self.assertEqual(rows.mapped('count'), proposal.line_ids.mapped('count'))

    def test_proposal_before_the_start(self):
        """Before a programme runs, customers with purchases are measured, and the thresholds are the first ones."""
        company = self.company_2
        self.users['manager'].company_ids += company
        programme = self.env['retail.programme'].create({'name': 'Club', 'company_id': company.id})
        programme.action_use_ladder()
        programme = programme.with_user(self.users['manager'])
        with self.assertRaises(UserError):
            programme.action_propose()
        for number, amount in enumerate((120, 230, 340, 1000)):
            partner = self.env['res.partner'].create({'name': f'Q{number}'})
            self._create_order(partner, amount, '2026-05-01', company_id=company.id)
        self._no_rebuild()
        self._process()
        proposal = self._propose(programme)
        self.assertEqual(proposal.customer_count, 4)
        self.assertEqual(proposal.line_ids.mapped('amount'), [340, 1000, 1000])
        self.assertIn('not above', proposal.line_ids[2].remark)
        proposal.use_count = False
        proposal.action_use()
        tiers = programme.tier_ids.sorted('sequence')
        self.assertEqual([tier.version_ids.amount for tier in tiers], [0, 340, 1000, 1000])
        self.assertEqual(set(tiers.version_ids.mapped('count')), {0})
        with self.assertRaises(UserError):  # there are no members to look at
            programme.action_preview_rules()

    def test_who_may(self):
        """Only managers try other rules, and nobody sees those of a company that is not his."""
        for persona in ('user', 'lead', 'marketing', 'sales', 'internal'):
            user = self.users[persona]
            for action in ('action_preview_rules', 'action_propose'):
                with self.subTest(persona=persona, action=action), self.assertRaises(AccessError):
                    getattr(self.programme.with_user(user), action)()
        self.preview.action_compute()
        stranger = new_test_user(
            self.env,
            login='retail_stranger',
            groups='retail_crm.group_manager',
            company_id=self.company_2.id,
            company_ids=[(6, 0, self.company_2.ids)],
        )
        for model in ('retail.tier.preview', 'retail.tier.preview.line'):
            self.assertFalse(
                self.env[model]
                .with_user(stranger)
                .search_count([('company_id', '=', self.company.id)])
            )
        with self.assertRaises(AccessError):
            self.preview.with_user(stranger).action_ask()

    def test_merged_customers(self):
        """Contacts that are merged keep one line at most; nothing stands in the way of the merge."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge([self.bob.id, self.carl.id], self.carl)
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        self.assertEqual(
            self.env['retail.tier.preview.line']
            .search([('preview_id', '=', self.preview.id)])
            .partner_id,
            self.carl | self.acme,
        )
