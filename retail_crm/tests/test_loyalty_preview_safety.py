"""What must not happen to members and rules by a change that goes live: taken tiers, lost plans, silent reversals."""

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from odoo.addons.retail_crm.models.loyalty import retail_tier_preview_compute as compute
from odoo.addons.retail_crm.tests.test_loyalty_preview import PreviewCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestPreviewSafety(PreviewCase):
    def test_rules_stay_while_computing(self):
        """The result belongs to the rules beside it: these do not change between two batches (docs/tiers.md, Preview)."""
        with patch.object(compute, 'AT_ONCE', 0), patch.object(compute, 'PREVIEW_BATCH', 1):
            self.preview.action_compute()
            self.preview.sudo()._work_batch()
            for change in ({'grace_days': 5}, {'as_of': '2026-08-01'}):
                with self.subTest(change=change), self.assertRaises(UserError):
                    self.preview.write(change)
            row = self._row(self.preview, self.gold)
            with self.assertRaises(UserError):
                row.amount = 1
            with self.assertRaises(UserError):
                row.unlink()
            self.preview.note = 'why'
            self.preview.action_cancel_work()
        row.amount = 1

    def test_a_floor_lowers_nobody(self):
        """A floor for those who would fall takes no better one away that staff gave before (S-LOY-28)."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        with freeze_time('2026-06-15 12:00:00'):
            self._member(self.acme)._override(self.gold, date(2029, 1, 1), 'vip', 'Promised')
            self._member(self.bob)._override(self.gold, date(2029, 1, 1), 'vip', 'Promised')
        wizard = self.env['retail.tier.preview.floor'].with_user(self.users['manager'])
        wizard = wizard.with_context(**self.preview.action_floor()['context']).create(
            {'until': '2028-01-01', 'note': 'Rules'}
        )
        wizard.action_give()
        for partner in (self.acme, self.bob):
            member = self._member(partner)
            self.assertEqual(
                (member.tier_id, member.override_tier_id, member.override_until),
                (self.gold, self.gold, date(2029, 1, 1)),
            )
            self.assertEqual(member.override_note, 'Promised')
        wizard.until = '2030-01-01'  # longer is better
        wizard.action_give()
        self.assertEqual(self._member(self.bob).override_until, date(2030, 1, 1))
        self.assertEqual(self._member(self.acme).override_tier_id, self.gold)

    def test_a_planned_version_comes_back(self):
        """Who gives a planned change up has the thresholds that were planned before, as they were."""
        version = self.env['retail.tier.version'].create(
            {'tier_id': self.gold.id, 'date_from': '2026-07-01', 'amount': 1100}
        )
        preview = self._approve(self._preview(as_of='2026-07-01', gold=1500, silver=700))
        preview.action_apply()
        self.assertEqual((preview.state, version.amount), ('scheduled', 1500))
        preview.action_cancel()
        self.assertEqual(version.exists().amount, 1100)
        self.assertEqual(len(self.silver.version_ids), 1)

    def test_in_the_background_all_or_nothing(self):
        """What cannot go live whole does not go live in part: no thresholds stay of a change that was refused."""
        self.env['retail.tier.version'].sudo().with_context(retail_crm_rule_change=True).create(
            {'tier_id': self.gold.id, 'date_from': '2026-06-15', 'amount': 1100}
        )
        preview = self._approve(self._preview(gold=1500, silver=700))
        with patch.object(compute, 'AT_ONCE', 0):
            preview.action_apply()
        with patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *_, **__: 1):
            self.env['retail.tier.preview'].with_context(cron_id=1)._cron_preview()
        self.assertEqual((preview.state, preview.work), ('approved', False))
        self.assertEqual(len(self.silver.version_ids), 1)
        self.assertTrue(preview.message_ids.filtered(lambda m: 'begun' in (m.body or '')))

    def test_strict_and_thresholds_of_today(self):
        """Who reached a tier in the morning keeps it when higher thresholds go live at noon: nothing was returned."""
        self.programme.strict = True
        self.programme.rules_since = False  # since long ago
        order = self._buy(self.carl, 1000, '2026-06-15')
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        preview = self._approve(self._preview(gold=1500, mode='now'))
        preview.action_apply()
        while preview.sudo()._work_batch():
            pass
        self.assertEqual(preview.state, 'applied')
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        self._buy(self.carl, 1, '2026-06-20')
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        self._return(order, 900, '2026-06-21')
        self.assertEqual(self._member(self.carl).tier_id, self.base)

    def test_strict_and_settings_of_today(self):
        """The same with other settings: a tier reached on the day on which they begin was granted by those of before."""
        self.programme.strict = True
        self.programme.rules_since = False  # since long ago
        self.env.flush_all()
        self.env.cr.execute('UPDATE retail_tier_version SET count = 3')
        self.env.invalidate_all()
        self._buy(self.carl, 1000, '2026-06-15')
        self.assertEqual(self._member(self.carl).tier_id, self.gold)
        preview = self._approve(self._preview(gold=1000, criteria='both', mode='now'))
        preview.action_apply()
        while preview.sudo()._work_batch():
            pass
        self.assertEqual(self._member(self.carl).tier_id, self.gold)

    def test_approved_beside_other_rules(self):
        """What was approved beside other rules than today's does not go live: it would take back what changed since."""
        stale = self._approve(self._preview(gold=1000, strict=True))
        preview = self._approve(self._preview(gold=1000, grace_days=10))
        preview.action_apply()
        self.assertEqual(self.programme.grace_days, 10)
        with self.assertRaises(UserError):
            stale.action_apply()
        with self.assertRaises(UserError):
            stale.action_apply_anyway()
        self.assertEqual((self.programme.grace_days, self.programme.strict), (10, False))
        stale.action_draft()
        stale.grace_days = 10
        self._approve(stale).action_apply()
        self.assertEqual((self.programme.grace_days, self.programme.strict), (10, True))

    def test_who_asks_does_not_approve(self):
        """Of two managers one asks and the other one approves, whoever of them began (design 5.2)."""
        both = self.users['manager'] | self.other_manager
        with patch.object(type(self.preview), '_managers', lambda self: both):
            mine = self.preview.with_user(self.other_manager)
            mine.action_compute()
            mine.action_ask()
            with self.assertRaises(AccessError):
                mine.action_approve()
            self.preview.action_approve()
        self.assertEqual(self.preview.approved_by, self.users['manager'])

    def test_days_of_rules_are_not_entered(self):
        """From when rules hold is the system's to write: it decides what can be taken back."""
        programme = self.programme.with_user(self.users['manager'])
        for name in ('rules_since', 'change_on'):
            with self.subTest(name=name), self.assertRaises(UserError):
                programme.write({name: '2020-01-01'})
        programme.write({'name': 'Other', 'strict': False, 'window_months': 12})
        self.assertFalse(programme.rules_since)

    def test_thresholds_stay_with_their_programme(self):
        """No row is handed to a tier of another company's programme, whose thresholds would go live with it (design 7)."""
        other = self.env['retail.programme'].create(
            {'name': 'Club', 'company_id': self.company_2.id}
        )
        other.action_use_ladder()
        row = self._row(self.preview, self.gold)
        with self.assertRaises(UserError):
            row.tier_id = other.tier_ids[-1]
        second = self._preview(gold=1200)
        with self.assertRaises(UserError):
            row.preview_id = second
        row.write({'tier_id': self.gold.id, 'preview_id': self.preview.id, 'amount': 1700})
        self.assertEqual(row.amount, 1700)

    def test_chosen_members_only(self):
        """Who chose some members gives a floor to nobody else, also when the result is another one by then."""
        self._row(self.preview, self.silver).amount = 1300
        self.preview.action_compute()
        line = self.preview.line_ids.filtered(lambda line: line.partner_id == self.acme)
        wizards = [
            self.env[action['res_model']]
            .with_user(self.users['manager'])
            .with_context(**action['context'])
            .create(values)
            for action, values in (
                (line.action_floor(), {'until': '2028-01-01', 'note': 'Promised'}),
                (line.action_call_list(), {'summary': 'New rules'}),
            )
        ]
        self.preview.action_draft()
        self.preview.action_compute()
        self.env.invalidate_all()
        wizards[0].action_give()
        wizards[1].action_plan()
        self.assertFalse(self._member(self.bob).override_until)
        self.assertFalse(self.env['mail.activity'].search([('summary', '=', 'New rules')]))

    def test_an_adviser_who_left_calls_nobody(self):
        """Customers of an adviser who works here no more are called by the person chosen (design 5.2)."""
        self.preview.action_compute()
        adviser = new_test_user(self.env, login='retail_gone', groups='retail_crm.group_user')
        self.bob.retail_adviser_id = adviser
        adviser.active = False
        wizard = self.env['retail.tier.preview.call'].with_user(self.users['manager'])
        wizard = wizard.with_context(**self.preview.action_call_list()['context']).create({})
        wizard.action_plan()
        call = self.env['mail.activity'].search([('summary', '=', wizard.summary)])
        self.assertEqual(call.user_id, self.users['manager'])
