"""Preview, "why (not) contacted", pauses, settings, report and shipped rules of care."""

from datetime import datetime, timedelta
from hashlib import md5
from random import Random
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.care._texts import placeholders
from .send_common import NOON, TODAY, SendCommon


class WhyCommon(SendCommon):
    """Birthdays of a dictionary: ``occasions`` says who is due when."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = cls.env['retail.care.rule']
        cls.rules.search([('id', 'not in', (cls.offer_rule | cls.service_rule).ids)]).state = 'off'
        (cls.offer_rule | cls.service_rule).started_on = TODAY
        cls.occasions = occasions = {}

        def builder(self, company, first, last, partner_ids):
            return SQL(
                """SELECT happened.partner_id, happened.anchor_on, 'on ' || happened.anchor_on, NULL, NULL::int
                     FROM unnest(%s::int[], %s::date[]) AS happened(partner_id, anchor_on)""",
                list(occasions),
                list(occasions.values()),
            )

        cls.startClassPatcher(patch.object(type(cls.rules), '_sql_birthday', builder, create=True))
        cls.startClassPatcher(freeze_time(NOON))

    def setUp(self):
        super().setUp()
        self.occasions.clear()

    def _why_of(self, customer, rule=None):
        rule = rule or self.offer_rule
        return rule._why(customer, NOON)[rule.id]


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareWhy(WhyCommon):
    def test_answers_agree_with_sending(self):
        """What "why not" says of planned follow-ups is what the next run does with them (S-FUP-13, issue 9)."""
        dice = Random(9)
        rules = self.offer_rule | self.service_rule
        rules |= self._create_rule('Call', 'service', channels=self.phone)
        rows = self.followups
        for number in range(40):
            customer = self._create_customer(
                f'Random{number}',
                channels=dice.choice([self.email, self.phone, self.email | self.phone]),
                email=dice.choice([False, 'shared@example.com', f'random{number}@example.com']),
            )
            if dice.random() < 0.2:
                self._agree(customer, self.email, granted=False)
            if dice.random() < 0.2:
                self.env['retail.care.pause'].create(
                    {
                        'partner_id': customer.id,
                        'scope': 'family',
                        'family': 'other',
                        'until': TODAY,
                        'reason': 'Asked for it',
                    }
                )
            if dice.random() < 0.3:
                self._sent(self.offer_rule, customer, dice.randrange(1, 40), occurrence='before')
            for rule in rules:
                if dice.random() < 0.7:
                    rows |= self._plan(rule, customer, TODAY - timedelta(days=dice.randrange(0, 9)))
        answers = rows._why_not(NOON)
        self.assertFalse(
            rows.filtered(lambda one: one.state != 'planned'), 'asking changes nothing'
        )
        self._run()
        outcome = {'phone': 'todo', 'manual': 'todo', 'letter': 'todo', 'email': 'done'}
        reasons = set()
        for row in rows:
            verdict = answers[row.id].verdict
            expected = outcome[verdict.channel.transport] if verdict.is_go else verdict.state
            with self.subTest(customer=row.partner_id.name, rule=row.rule_id.name):
                self.assertEqual((row.state, row.reason or None), (expected, verdict.reason))
            reasons.add(row.reason)
        self.assertGreater(len(reasons), 4, 'the dice fell on many cases')

    def test_words_of_each_end(self):
        """Contacted when and how, waiting for whom, held, skipped with the reason, in words (S-FUP-09)."""
        sent = self._sent(self.offer_rule, self.cara, 1)
        self.assertIn('E-mail', self._why_of(self.cara).text)
        self.assertEqual(self._why_of(self.cara).kind, 'done')
        for state, reason, words in (
            ('skipped', 'no_consent', 'No consent'),
            ('held', 'control', 'control group'),
            ('stopped', 'goal', 'goal was reached'),
            ('failed', 'error', 'Technical failure'),
            ('cancelled', False, 'Cancelled'),
        ):
            sent.write({'state': state, 'reason': reason, 'contacted_at': False})
            answer = self._why_of(self.cara)
            self.assertEqual(answer.kind, state)
            self.assertIn(words, answer.text)

    def test_who_is_not_meant(self):
        """Not planned: which condition of the rule the customer does not meet, each alone (R-loy D.1)."""
        self.occasions[self.cara.id] = TODAY
        self.assertEqual(self._why_of(self.cara).kind, 'will')
        segment = self.env['retail.segment'].create(
            {'name': 'Nobody', 'domain': "[('id', '=', 0)]", 'company_id': self.company.id}
        )
        for values, words in (
            ({'segment_ids': [Command.set(segment.ids)]}, 'segments'),
            ({'domain': "[('name', '=', 'Nobody')]"}, 'conditions'),
            ({'sample_percent': 0.0}, 'sample'),
            ({'started_on': TODAY + timedelta(days=1)}, 'before the rule was started'),
        ):
            before = {name: self.offer_rule[name] for name in values}
            self._raw(self.offer_rule, values)
            answer = self._why_of(self.cara)
            self.assertEqual(answer.kind, 'out', words)
            self.assertIn(words, answer.text)
            self._raw(
                self.offer_rule,
                {
                    name: [Command.set(value.ids)] if hasattr(value, 'ids') else value
                    for name, value in before.items()
                },
            )
        self.assertFalse(self.followups.search([('rule_id', '=', self.offer_rule.id)]))

    def _raw(self, rule, values):
        """Change a running rule without stopping it."""
        models.Model.write(rule, values)
        self.env.flush_all()

    def test_when_the_next_time_is(self):
        """No occasion now: when the next one is, or that there is none; a rule that is off says so."""
        self.assertEqual(self._why_of(self.cara).kind, 'not_due')
        self.occasions[self.cara.id] = TODAY + timedelta(days=40)
        self.assertIn('04/19/2027', self._why_of(self.cara).text)
        self._raw(self.offer_rule, {'state': 'off'})
        self.assertEqual(self._why_of(self.cara).kind, 'off')

    def test_again_days(self):
        """The last occasion is nearer than the rule wants: told with what became of it."""
        self._raw(self.offer_rule, {'again_days': 300})
        self._sent(self.offer_rule, self.cara, 100)
        self.occasions[self.cara.id] = TODAY
        answer = self._why_of(self.cara)
        self.assertEqual(answer.kind, 'out')
        self.assertIn('300', answer.text)
        self.assertIn('Contacted on', answer.text)

    def test_dialog(self):
        """Staff ask from the customer; every running rule answers; others may not ask (design 7)."""
        self._sent(self.offer_rule, self.cara, 1)
        action = self.cara.with_user(self.users['user']).action_retail_why()
        why = self.env['retail.care.why'].browse(action['res_id'])
        self.assertEqual(why.line_ids.rule_id, self.offer_rule | self.service_rule)
        self.assertEqual(why.line_ids[0].kind, 'done')
        action = self.offer_rule.with_user(self.users['marketing']).action_why()
        why = (
            self.env['retail.care.why'].browse(action['res_id']).with_user(self.users['marketing'])
        )
        with self.assertRaises(UserError):
            why.action_show()
        why.partner_id = self.cara
        why.action_show()
        self.assertEqual(why.line_ids.mapped('kind'), ['done'])
        for persona in ('sales', 'internal'):
            with self.assertRaises(AccessError):
                self.cara.with_user(self.users[persona]).action_retail_why()


@tagged('post_install', '-at_install', 'retail_crm')
class TestCarePreview(WhyCommon):
    def test_counts_and_nothing_stays(self):
        """The next 30 days: meant, in the sample, control group; the same stable hash; no row is left (issue 9)."""
        # one of the shipped days without contact lies among the next 30
        self.env['retail.occasion'].search([('kind', '=', 'no_contact')]).is_on = False
        customers = self.env['res.partner'].union(
            *[self._create_customer(f'Many{number}') for number in range(30)]
        )
        for number, customer in enumerate(customers):
            self.occasions[customer.id] = TODAY + timedelta(days=number + 2)
        self.offer_rule.write({'sample_percent': 60.0, 'control_percent': 30.0})

        def share(word, customer, percent):
            text = f'{word}:{self.offer_rule.id}:{customer.id}'
            return int(md5(text.encode()).hexdigest()[:8], 16) % 10000 < percent * 100

        meant = customers[:28]  # the last two are due later than in 30 days
        sampled = meant.filtered(lambda one: share('sample', one, 60))
        held = sampled.filtered(lambda one: share('control', one, 30))
        found = self.offer_rule._preview(self.company)
        self.assertEqual(
            (found.meant, found.planned, found.held),
            (len(meant), len(sampled - held), len(held)),
        )
        self.assertEqual(found.by_channel, {self.email.id: len(sampled - held)})
        self.assertEqual(len(found.first), min(20, len(sampled)))
        self.assertFalse(self.followups.search([('rule_id', '=', self.offer_rule.id)]))
        self.assertEqual(self.offer_rule.sample_percent, 60.0)

    def test_dialog(self):
        """Opening makes the rule startable; reasons of most customers are a warning; the message of a customer."""
        rule = self._create_rule('New', 'marketing', state='off', script='<p>Ask</p>')
        refusers = [self._create_customer(f'No{n}', channels=self.phone) for n in range(5)]
        for customer in refusers:
            self.occasions[customer.id] = TODAY + timedelta(days=1)
        with self.assertRaises(UserError):
            rule.with_user(self.users['marketing']).action_start()
        action = rule.with_user(self.users['marketing']).action_preview()
        preview = self.env['retail.care.preview'].browse(action['res_id'])
        self.assertEqual((preview.meant_count, preview.planned_count), (5, 5))
        self.assertIn('100 % would not be contacted: No consent', preview.warnings)
        self.assertIn('Dear No', preview.text)
        self.assertEqual(len(preview.line_ids), 5)
        preview = preview.with_user(self.users['marketing'])
        preview.partner_id = self.cara
        preview.action_render()
        self.assertIn('Dear Cara', preview.text)
        preview.action_start()
        self.assertEqual(rule.state, 'on')
        for persona in ('user', 'lead'):
            with self.assertRaises(AccessError):
                rule.with_user(self.users[persona]).action_preview()

    def test_test_send(self):
        """A test goes to the user himself and counts nowhere (issue 9)."""
        self.users['manager'].email = 'boss@example.com'
        preview = (
            self.env['retail.care.preview']
            .with_user(self.users['manager'])
            .create({'rule_id': self.offer_rule.id, 'company_id': self.company.id})
        )
        with self.assertRaises(UserError):
            preview.action_send_test()
        preview.partner_id = self.cara
        preview.action_render()
        with self.mock_mail() as sent:
            preview.action_send_test()
        self.assertEqual([values['email_to'] for values in sent], ['boss@example.com'])
        self.assertFalse(self.followups.search([('partner_id', '=', self.cara.id)]))

    def mock_mail(self):
        """Collect the values of mails instead of sending them."""
        sent = []
        Mail = type(self.env['mail.mail'])

        class Collect:
            def __enter__(inner):
                def send(mails, *args, **kwargs):
                    sent.extend(
                        {'email_to': mail.email_to.split('<')[-1].strip('>')} for mail in mails
                    )

                inner.patcher = patch.object(Mail, 'send', send)
                inner.patcher.start()
                return sent

            def __exit__(inner, *exc):
                inner.patcher.stop()

        return Collect()

    def test_broken_text_is_shown(self):
        """A placeholder that there is not is told in the preview instead of failing at night."""
        self.offer_rule.text = 'Dear {nobody}'
        preview = self.env['retail.care.preview'].create(
            {
                'rule_id': self.offer_rule.id,
                'company_id': self.company.id,
                'partner_id': self.cara.id,
            }
        )
        preview.action_render()
        self.assertIn('{nobody}', preview.text)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCarePause(WhyCommon):
    def _pause(self, customer, until=TODAY, **values):
        return self.env['retail.care.pause'].create(
            {'partner_id': customer.id, 'until': until, 'reason': 'Too many', **values}
        )

    def test_scopes(self):
        """All rules, those of a kind, or one; the last day counts, the day after contacts go on (S-FUP-13)."""
        other = self._create_rule('Other', 'marketing', family='greeting')
        for scope, values, paused in (
            ('all', {}, {self.offer_rule, other}),
            ('family', {'family': 'greeting'}, {other}),
            ('rule', {'rule_id': self.offer_rule.id}, {self.offer_rule}),
        ):
            customer = self._create_customer(f'Scope{scope}')
            self._pause(customer, scope=scope, **values)
            for rule in (self.offer_rule, other):
                row = self._plan(rule, customer)
                verdict = row._judge()[row.id]
                self.assertEqual(verdict.reason == 'paused', rule in paused, (scope, rule.name))
        customer = self._create_customer('Ended')
        self._pause(customer, until=TODAY - timedelta(days=1))
        row = self._plan(self.offer_rule, customer)
        self._run()
        self.assertState(row, 'done')

    def test_company_and_contacts(self):
        """A pause of a company holds for its contacts; by hand staff may still contact."""
        self._agree(self.ann, self.email)
        self.ann.email = 'ann@example.com'
        self._pause(self.acme)
        row = self._plan(self.offer_rule, self.ann)
        by_hand = self._plan(self.rules, self.ann, channel_id=self.email.id, body='<p>Hello</p>')
        self._run()
        self.assertState(row, 'skipped', 'paused')
        self.assertEqual(by_hand.state, 'done')
        self.assertIn('Too many', self.ann.with_user(self.users['user']).retail_pause_text)

    def test_staff_make_and_end_pauses(self):
        """Staff pause from the customer or the follow-up, and end it; marketing only reads (design 7)."""
        row = self._sent(self.offer_rule, self.cara, 1)
        action = row.with_user(self.users['user']).action_pause()
        Pause = self.env['retail.care.pause'].with_user(self.users['user'])
        pause = Pause.with_context(**action['context']).create({'reason': 'Enough'})
        self.assertEqual((pause.rule_id, pause.followup_id), (self.offer_rule, row))
        self.assertEqual(pause.until, TODAY + timedelta(days=90))
        self.assertEqual(Pause.search([('is_running', '=', True), ('id', '=', pause.id)]), pause)
        pause.action_end()
        self.assertFalse(pause.is_running)
        self.assertFalse(self.cara.retail_pause_text)
        with self.assertRaises(AccessError):
            self.cara.with_user(self.users['marketing']).action_retail_pause()

    @mute_logger('odoo.sql_db')
    def test_bad_input(self):
        """A pause of a kind needs the kind; what another scope has no use for is emptied."""
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self._pause(self.cara, scope='family')
        pause = self._pause(self.cara, scope='all', family='greeting')
        self.assertFalse(pause.family)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareSettings(WhyCommon):
    def test_shipped_values(self):
        """The limits and hours of defaults 19, again after a reset; only administrators reset."""
        expected = {
            'retail_care_marketing_week': 1,
            'retail_care_marketing_month': 4,
            'retail_care_all_week': 2,
            'retail_care_silent_count': 3,
            'retail_care_pause_days': 90,
            'retail_care_message_from': 9.0,
            'retail_care_message_to': 20.5,
            'retail_care_call_from': 10.0,
            'retail_care_call_to': 20.0,
            'retail_care_call_capacity': 12,
            'retail_care_overdue_days': 1,
            'retail_care_minor_age': 14,
            'retail_care_control_percent': 5.0,
            'retail_care_offer_control_percent': 10.0,
        }
        company = self.env['res.company'].create({'name': 'Fresh'})
        self.assertEqual({name: company[name] for name in expected}, expected)
        company.write({'retail_care_all_week': 9, 'retail_care_message_to': 22})
        self.env['retail.care.gap'].create(
            {'company_id': company.id, 'family': 'churn', 'days': 30}
        )
        self.assertEqual(company._retail_care_gaps(), {'churn': 30})
        settings = self.env['res.config.settings'].with_company(company).create({})
        settings.action_retail_reset_care()
        self.assertEqual({name: company[name] for name in expected}, expected)
        self.assertFalse(company._retail_care_gaps())
        with self.assertRaises(AccessError):
            settings.with_user(self.users['manager']).action_retail_reset_care()

    @mute_logger('odoo.sql_db')
    def test_bad_values(self):
        """Hours begin before they end; numbers are not negative."""
        for values in (
            {'retail_care_message_from': 21.0},
            {'retail_care_call_to': 25.0},
            {'retail_care_all_week': -1},
            {'retail_care_control_percent': 101.0},
        ):
            with self.assertRaises(IntegrityError), self.env.cr.savepoint():
                self.company.write(values)
                self.company.flush_recordset()

    def test_block(self):
        """The block "care" takes its scheduled actions along (design 4.4)."""
        crons = self.env['res.config.settings']._retail_blocks()['care']['crons']
        self.assertEqual(
            set(crons),
            {
                'retail_crm.ir_cron_plan_followups',
                'retail_crm.ir_cron_settle_churn',
                'retail_crm.ir_cron_send_followups',
                'retail_crm.ir_cron_tend_followups',
            },
        )
        for xmlid in crons:
            self.assertEqual(self.env.ref(xmlid)._name, 'ir.cron')


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareReport(WhyCommon):
    def test_figures(self):
        """Planned, on time by the company's day, overdue, reached, not contacted (S-FUP-09)."""
        day = TODAY - timedelta(days=2)
        plan = {'due_on': day, 'contacted_at': datetime(2027, 3, 8, 12)}
        for occurrence, values in enumerate(
            (
                {
                    **plan,
                    'state': 'done',
                    'done_at': datetime(2027, 3, 8, 23, 30),
                    'result': 'reached',
                },
                {
                    **plan,
                    'state': 'done',
                    'done_at': datetime(2027, 3, 9, 0, 30),
                    'result': 'not_reached',
                },
                {'due_on': day, 'state': 'todo'},
                {'due_on': day, 'state': 'skipped', 'reason': 'no_consent'},
                {'due_on': day, 'state': 'held', 'reason': 'control'},
                {'due_on': TODAY, 'state': 'planned'},
            )
        ):
            self._plan(self.offer_rule, self.cara, occurrence=occurrence, **values)
        self.env.flush_all()
        [row] = self.env['retail.followup.report']._read_group(
            [('rule_id', '=', self.offer_rule.id)],
            [],
            [
                'planned:sum',
                'contacted:sum',
                'done_on_time:sum',
                'overdue:sum',
                'reached:sum',
                'not_contacted:sum',
                'on_time_percent:avg',
                'reached_percent:avg',
            ],
        )
        self.assertEqual(row[:6], (5, 2, 1, 1, 1, 2))
        self.assertAlmostEqual(row[6], 100 / 3)
        self.assertAlmostEqual(row[7], 50)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareShipped(WhyCommon):
    def _shipped(self):
        names = self.env['ir.model.data'].search(
            [('module', '=', 'retail_crm'), ('model', '=', 'retail.care.rule')]
        )
        return self.rules.with_context(active_test=False).browse(names.mapped('res_id')).exists()

    def test_all_rules_of_the_defaults(self):
        """Each follow-up of defaults 18 is there, for all companies, by its code."""
        self.assertLessEqual(
            set(
                'welcome welcome_call use_guidance after_purchase second_purchase refill after_complaint '
                'recurrence_check birthday birthday_call named_date holiday new_product promotion regular_call '
                'tier_ending points_expiring churn_alert churn_watch win_back no_show'.split()
            ),
            set(self._shipped().mapped('code')),
        )
        self.assertFalse(self._shipped().company_id)

    def test_every_text_can_be_sent(self):
        """Every shipped rule has something to say, with words that there are, in mail, text and call."""
        words = set(self._plan(self.offer_rule, self.cara)._text_words())
        for rule in self._shipped():
            with self.subTest(rule=rule.code):
                by_phone = rule.channel_mode == 'listed'
                self.assertTrue(rule.script)
                self.assertTrue(rule.text or by_phone)
                self.assertTrue(rule.template_id or by_phone)
                self.assertLessEqual(placeholders(rule.text), words)
                self.assertTrue(3 <= rule.script.count('<li>') <= 5)
                followup = self._plan(rule, self.cara)
                content = followup._contents()[followup.id]
                if rule.template_id:
                    self.assertTrue(content['subject'])
                    self.assertIn('Cara', content['subject'] + content['body'])
                    self.assertNotIn(
                        '%', followup._plain(content['body']), 'no discount is made up'
                    )

    def test_words(self):
        """Name, shop, goods of the order, last purchase (S-MKT-13)."""
        order = self._create_order(self.cara, 100, date=TODAY)
        self._process()
        self.env['retail.profile']._refresh(self.cara)
        self.cara.retail_salutation = 'Mrs Cara'
        row = self._plan(
            self.offer_rule, self.cara, res_model='sale.order', res_id=order.id, occurrence='order'
        )
        self.assertEqual(row.customer_words, 'Mrs Cara')
        self.assertEqual(row.goods_words, 'Goods')
        self.assertEqual(row.purchase_words, '03/10/2027')
        self.offer_rule.text = '{name} {goods} {last_purchase} {company}'
        self.assertEqual(row._render_text(), f'Mrs Cara Goods 03/10/2027 {self.company.name}')
