"""Care rules: switching on and off, whom they are for, planning against plain Python, what fails stops alone."""

from datetime import date, datetime, timedelta
from hashlib import md5
from random import Random
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.retail_crm.models.care import retail_care_rule_plan
from odoo.addons.retail_crm.models.care._window import due_days, local_instant
from odoo.addons.retail_crm.tests.common import RetailCrmCommon

DAY = date(2027, 3, 10)  # a Wednesday


class CareRuleCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = cls.env['retail.care.rule']
        cls.rules.search([]).action_archive()
        cls.followups = cls.env['retail.followup']
        cls.company.resource_calendar_id.tz = 'Europe/Paris'

    @classmethod
    def _rule(cls, day=DAY, on=True, **values):
        rule = cls.rules.create(
            {
                'name': 'Rule',
                'company_id': cls.company.id,
                'trigger': 'moment',
                'moment_kind': 'came_back',
                'user_id': cls.users['manager'].id,
                **values,
            }
        )
        if on:
            rule._set_previewed()
            with freeze_time(f'{day} 08:00'):
                rule.action_start()
        return rule

    @classmethod
    def _moment(cls, partner, at, kind='came_back', document=None, state='done', **values):
        document = document or partner
        return cls.moments.create(
            {
                'kind': kind,
                'partner_id': partner.id,
                'company_id': cls.company.id,
                'res_model': document._name,
                'res_id': document.id,
                'date': at,
                'state': state,
                **values,
            }
        )

    def _without_commits(self):
        """Return a patch under which scheduled actions report without committing."""
        return patch.object(
            type(self.env['ir.cron']), '_commit_progress', lambda *args, **kwargs: float('inf')
        )

    def _rows(self, rule):
        self.env.invalidate_all()
        return self.followups.search([('rule_id', '=', rule.id)], order='partner_id, anchor_on, id')


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareRuleState(CareRuleCommon):
    def test_start_needs_a_preview_of_the_present_definition(self):
        """A rule starts only as it was previewed (issue 9: preview before activating)."""
        rule = self._rule(on=False)
        with self.assertRaises(UserError):
            rule.action_start()
        rule._set_previewed()
        rule.delay_days = 3
        self.assertFalse(rule.is_previewed)
        with self.assertRaises(UserError):
            rule.action_start()
        rule._set_previewed()
        with freeze_time('2027-03-09 23:30'):  # already the 10th in Paris
            rule.action_start()
        self.assertEqual((rule.state, rule.started_on), ('on', DAY))

    def test_changing_a_running_rule_stops_it_but_words_do_not(self):
        """Trigger, audience and content stop a running rule, wording does not (issue 9)."""
        sms = self.env.ref('retail_crm.retail_channel_sms')
        rule = self._rule(channel_mode='listed')
        rule.write({'text': 'Dear {name}', 'name': 'Other', 'hour': 11.0, 'day_limit': 5})
        self.assertEqual(rule.state, 'on')
        rule.domain = "[('name', '=', 'Bob')]"
        self.assertEqual((rule.state, rule.started_on), ('off', False))
        self.assertIn('preview', rule.message_ids[0].body)
        rule._set_previewed()
        rule.action_start()
        line = self.env['retail.care.rule.channel'].create(
            {'rule_id': rule.id, 'channel_id': sms.id}
        )
        self.assertEqual(rule.state, 'off')
        rule._set_previewed()
        rule.action_start()
        line.unlink()
        self.assertEqual(rule.state, 'off')

    def test_stopping_keeps_what_is_planned_and_a_new_definition_plans_anew(self):
        """What is planned waits; started with another definition it is planned anew where it still fits."""
        rule = self._rule()
        self._moment(self.bob, '2027-03-10 09:00')
        self._moment(self.ann, '2027-03-10 09:00')
        rule._plan(DAY)
        self.assertEqual(rule.planned_count, 2)
        with freeze_time(f'{DAY} 12:00'):
            self.assertIn('2', rule.action_stop()['params']['message'])
            rule.action_start()
            self.assertEqual(len(self._rows(rule)), 2)
            rule.domain = "[('name', '=', 'Bob')]"
            rule._set_previewed()
            rule.action_start()
            self.assertFalse(self._rows(rule))
            rule._plan(DAY)
        self.assertEqual(self._rows(rule).partner_id, self.bob)

    def test_used_rules_are_not_deleted(self):
        """The ledger keeps its rules: archive them."""
        rule, unused = self._rule(), self._rule()
        self._moment(self.bob, '2027-03-10 09:00')
        rule._plan(DAY)
        with self.assertRaises(UserError):
            rule.unlink()
        unused.unlink()
        rule.action_archive()
        self.assertEqual(rule.state, 'off')

    def test_who_may_write_and_switch_rules(self):
        """Marketing writes rules of marketing, managers all, staff none (S-SYS-04; design 7)."""
        service, marketing = self._rule(on=False), self._rule(on=False, purpose='marketing')
        (service + marketing)._set_previewed()
        for persona, rule, allowed in (
            ('user', marketing, False),
            ('lead', marketing, False),
            ('marketing', marketing, True),
            ('marketing', service, False),
            ('manager', service, True),
        ):
            mine = rule.with_user(self.users[persona])
            with self.subTest(persona=persona, purpose=rule.purpose):
                if not allowed:
                    with self.assertRaises(AccessError):
                        mine.action_start()
                    continue
                mine.write({'state': 'failed', 'previewed_mark': 'x'})  # the system's: ignored
                self.assertEqual(rule.state, 'off')
                mine.action_start()
                self.assertEqual(rule.state, 'on')
                mine.action_stop()

    def test_followups_are_recorded_by_the_system(self):
        """Nobody writes that a customer was contacted: only results, and by hand only what is about to happen."""
        rule = self._rule()
        self._moment(self.bob, '2027-03-10 09:00')
        rule._plan(DAY)
        mine = self._rows(rule).with_user(self.users['user'])
        for values in ({'state': 'done'}, {'counted_on': DAY}, {'reason': 'goal'}):
            with self.subTest(values=values), self.assertRaises(UserError):
                mine.write(values)
        mine.opinion = 'Happy'
        with self.assertRaises(AccessError):
            mine.create({'partner_id': self.bob.id, 'rule_id': rule.id})

    def test_every_rule_has_somebody_responsible(self):
        """S-SYS-04: every rule has a responsible user, whom nobody can delete."""
        user = new_test_user(self.env, login='care_owner', groups='retail_crm.group_manager')
        rule = self.rules.with_user(user).create({'name': 'Mine', 'trigger': 'birthday'})
        self.assertEqual(rule.user_id, user)
        self.assertTrue(self.rules._fields['user_id'].required)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareRuleConditions(CareRuleCommon):
    def test_conditions_are_asked_with_the_rights_of_author_and_responsible(self):
        """Neither writes a rule about what he may not see: who is contacted would tell it (issue 9, design 7)."""
        field = next(
            name
            for name, field in self.env['res.partner']._fields.items()
            if field.groups == 'retail_crm.group_sensitive' and field.store and not field.relational
        )
        secret = f"[('{field}', '!=', False)]"
        with self.assertRaises(ValidationError):
            self._rule(domain=secret)  # the responsible manager may not see it
        self.users['manager'].group_ids = [
            Command.link(self.env.ref('retail_crm.group_sensitive').id)
        ]
        rule = self._rule(domain=secret, purpose='marketing')
        mine = rule.with_user(self.users['marketing'])
        with self.assertRaises(ValidationError):
            mine.write({'domain': secret.replace('!=', '=')})

    def test_conditions_that_cannot_be_read_are_refused(self):
        """What is no list of conditions, or asks for what does not exist, is refused when it is written."""
        for domain in ('open("x")', "[('nothing', '=', 1)]", "{'a': 1}", '[('):
            with self.subTest(domain=domain), self.assertRaises(ValidationError):
                self._rule(domain=domain, on=False)

    def test_moments_are_due_while_they_are_kept(self):
        """Moments are removed after 90 days: a rule about them is due before."""
        with self.assertRaises(ValidationError):
            self._rule(delay_days=100, on=False)
        with self.assertRaises(ValidationError):
            self._rule(delay_days=-1, on=False)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareRulePlan(CareRuleCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.crowd = cls.env['res.partner'].create(
            [{'name': f'Crowd {number}'} for number in range(60)]
        )

    def _expected(self, rule, moments, day, known=()):
        """Return ``{(partner id, anchor day)}`` that a planning adds, in plain Python."""
        found = set()
        by_partner = {}
        for partner, at in moments:
            # Paris: an hour ahead in winter, two in summer (from 28 March 2027, 01:00 UTC)
            ahead = 2 if datetime(2027, 3, 28, 1) <= at < datetime(2027, 10, 31, 1) else 1
            by_partner.setdefault(partner, set()).add((at + timedelta(hours=ahead)).date())
        for partner, anchors in by_partner.items():
            share = int(md5(f'sample:{rule.id}:{partner}'.encode()).hexdigest()[:8], 16) % 10000
            if share >= rule.sample_percent * 100:
                continue
            of_partner = [anchor for other, anchor in known if other == partner]
            fits = []
            for anchor in sorted(anchors):
                due = anchor + timedelta(rule.delay_days)
                in_window = (
                    day - timedelta(rule.late_days) <= due <= day + timedelta(rule.lead_days)
                    and due >= rule.started_on
                )
                near = any(abs((anchor - old).days) < rule.again_days for old in of_partner)
                if in_window and anchor not in of_partner and not near:
                    fits.append(anchor)
            found |= {(partner, anchor) for anchor in (fits[:1] if rule.again_days else fits)}
        return found

    def test_planning_equals_plain_python(self):
        """Windows, start, delay, again after, sample: random moments around the change of the clocks (FUP-01)."""
        random = Random(9)
        day = date(2027, 3, 28)
        start = datetime(2027, 3, 10)
        moments = []
        for partner in self.crowd:
            for _number in range(random.randint(0, 5)):
                hours = random.choice((0, 22, 23, 12)) + 24 * random.randint(0, 24)
                moments.append((partner.id, start + timedelta(hours=hours, minutes=59)))
        for partner, at in moments:
            self._moment(self.env['res.partner'].browse(partner), at)
        for number in range(8):
            rule = self._rule(
                day=date(2027, 3, 12),
                delay_days=random.randint(0, 6),
                late_days=random.choice((0, 3, 7, 20)),
                lead_days=random.choice((0, 2)),
                again_days=random.choice((0, 0, 1, 5, 30)),
                sample_percent=random.choice((100.0, 40.0, 12.5)),
                control_percent=random.choice((0.0, 30.0)),
            )
            known = set()
            for today in (day, day + timedelta(1), day + timedelta(4)):
                new = self._expected(rule, moments, today, known)
                self.assertEqual(rule._plan(today), len(new))
                known |= new
                rows = self._rows(rule)
                with self.subTest(number=number, day=today):
                    self.assertEqual({(r.partner_id.id, r.anchor_on) for r in rows}, known)
            for row in rows:
                self.assertEqual(row.due_on, row.anchor_on + timedelta(rule.delay_days))
                word = f'control:{rule.id}:{row.partner_id.id}'
                is_control = (
                    int(md5(word.encode()).hexdigest()[:8], 16) % 10000 < rule.control_percent * 100
                )
                self.assertEqual((row.state, row.reason), ('planned', False))
                self.assertEqual(row.is_control, is_control)
                self.assertEqual(row.commercial_partner_id, row.partner_id)
            if not rule.again_days:
                self.assertEqual(rule._plan(day + timedelta(4)), 0, 'idempotent')

    def test_only_customers_of_the_audience(self):
        """Archived customers, suppliers and employees are never planned; segments, tiers and conditions narrow."""
        one, two, three, four, gone, supplier = self.crowd[:6]
        gone.active = False
        supplier.retail_customer = False
        for partner in self.crowd[:6] | self.users['user'].partner_id | self.company.partner_id:
            self._moment(partner, '2027-03-10 09:00')
        plain = self._rule()
        plain._plan(DAY)
        self.assertEqual(self._rows(plain).partner_id, one + two + three + four)
        segment = self.env['retail.segment'].create(
            {'name': 'S', 'domain': f"[('id', 'in', {(one + two).ids})]"}
        )
        segment._recompute()
        narrow = self._rule(
            segment_ids=segment.ids, domain=f"[('name', 'in', ['{two.name}', '{three.name}'])]"
        )
        narrow._plan(DAY)
        self.assertEqual(self._rows(narrow).partner_id, two)
        programmes = self.env['retail.programme']
        programme = programmes.search([('company_id', '=', self.company.id)]) or programmes.create(
            {'name': 'Club', 'company_id': self.company.id}
        )
        if programme.state != 'running':
            programme.action_use_ladder()
            programme.action_start()
        member = self.env['retail.membership']._enrol(three, self.company)
        tiers = self._rule(tier_ids=member.tier_id.ids)
        tiers._plan(DAY)
        self.assertEqual(self._rows(tiers).partner_id, three)

    def test_contacts_count_with_their_company(self):
        """A contact of a company is planned himself; segments and limits go by the company."""
        self._moment(self.ann, '2027-03-10 09:00')
        rule = self._rule()
        rule._plan(DAY)
        row = self._rows(rule)
        self.assertEqual((row.partner_id, row.commercial_partner_id), (self.ann, self.acme))

    def test_two_companies_plan_their_own_customers(self):
        """A rule without company runs in each, about what happened there; one of a company only in it (SYS)."""
        mine, other = self.crowd[0], self.crowd[1]
        theirs = self.env['res.partner'].create({'name': 'T', 'company_id': self.company_2.id})
        self._moment(mine, '2027-03-10 09:00')
        for partner in other + theirs:
            self._moment(partner, '2027-03-10 09:00', company_id=self.company_2.id)
        everywhere, here = self._rule(company_id=False), self._rule()
        (everywhere + here)._plan(DAY)
        self.assertEqual(self._rows(here).partner_id, mine)
        rows = self._rows(everywhere)
        self.assertEqual(rows.partner_id, mine + other + theirs)
        self.assertEqual(
            rows.mapped('company_id'), self.company + self.company_2, 'of the one where it happened'
        )
        self.assertFalse(
            self.followups.with_user(self.users['user']).search(
                [('rule_id', '=', everywhere.id), ('company_id', '=', self.company_2.id)]
            )
        )

    def test_quiet_moments_and_retries_plan_nothing(self):
        """Imports greet nobody; a row of one listener is no second moment."""
        self._moment(self.bob, '2027-03-10 09:00', quiet=True)
        self._moment(self.ann, '2027-03-10 09:00', listener='retail.purchase')
        rule = self._rule()
        rule._plan(DAY)
        self.assertFalse(self._rows(rule))

    def test_a_document_is_one_occasion_of_what_happens_once(self):
        """A purchase confirmed twice is thanked for once; coming back again counts again (issue 9)."""
        thanks, back = self._rule(moment_kind='purchase'), self._rule()
        for kind in ('purchase', 'came_back'):
            for at in ('2027-03-10 09:00', '2027-03-10 10:00', '2027-03-11 09:00'):
                self._moment(self.bob, at, kind=kind)
        (thanks + back)._plan(date(2027, 3, 11))
        self.assertEqual(len(self._rows(thanks)), 1)
        self.assertEqual(self._rows(back).mapped('anchor_on'), [DAY, date(2027, 3, 11)])

    def test_told_moments_plan_at_once_and_every_kind_can(self):
        """Each kind of moment can be a trigger, planned when it is told (issue 9: every moment)."""
        ticket = self.env['retail.ticket'].create(
            {
                'subject': 'Broken',
                'partner_id': self.bob.id,
                'type_id': self.env.ref('retail_crm.retail_ticket_type_enquiry').id,
                'channel_id': self.env.ref('retail_crm.retail_channel_phone').id,
            }
        )
        with freeze_time('2027-03-10 09:00'):
            rules = {
                kind: self._rule(moment_kind=kind)
                for kind, _label in self.moments._fields['kind'].selection
            }
            for kind in rules:
                document = ticket if kind.startswith('ticket_') else None
                self._moment(self.bob, fields.Datetime.now(), kind, document, state='pending')
            for kind, rule in rules.items():
                moment = self.moments.search(
                    [
                        ('kind', '=', kind),
                        ('partner_id', '=', self.bob.id),
                        ('state', '=', 'pending'),
                    ],
                    limit=1,
                )
                getattr(self.rules, f'_on_{kind}')(moment)
                with self.subTest(kind=kind):
                    self.assertEqual(self._rows(rule).partner_id, self.bob)
                    self.assertIn('retail.care.rule', self.moments._listeners()[kind])

    def test_moments_cost_one_query_where_no_rule_listens(self):
        """Nobody's purchase waits for care: one query per batch where no rule listens."""
        moments = self.moments.concat(
            *(self._moment(partner, '2027-03-10 09:00') for partner in self.crowd[:20])
        )
        self._rule(moment_kind='refund')
        moments.mapped('partner_id.name')
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.rules._on_any(moments)

    def test_planning_costs_the_same_for_few_and_many(self):
        """Set-based: a fixed number of queries, whatever the number of customers (design 8)."""
        rule = self._rule(domain="[('name', '!=', 'Nobody')]")
        counts = []
        for number in (1, 30):
            for partner in self.crowd[:number]:
                self._moment(partner, '2027-03-10 09:00', res_id=number)
            self.env.flush_all()
            before = self.cr.sql_log_count
            self.assertEqual(rule._plan(DAY), number)
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])
        self.assertLessEqual(counts[1], 12)

    def test_a_killed_run_goes_on(self):
        """Batches are committed one by one; a run that was killed plans the rest and nobody twice (faults)."""
        for partner in self.crowd:
            self._moment(partner, '2027-03-10 09:00')
        rule = self._rule()
        middle = self.crowd[30].id
        batches = [(0, middle), (middle, self.crowd[-1].id + 1)]
        plan = type(rule)._plan_company
        calls = []

        def killed(self, *args, **kwargs):
            calls.append(args)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return plan(self, *args, **kwargs)

        with (
            freeze_time('2027-03-10 12:00'),
            patch.object(type(rule), '_batches', lambda *args: batches),
            self._without_commits(),
        ):
            with patch.object(type(rule), '_plan_company', killed):
                try:
                    rule._plan_daily()
                except KeyboardInterrupt:
                    calls.append('killed')
            self.assertEqual(calls[2:], ['killed'])
            self.assertEqual(len(self._rows(rule)), 30)
            self.assertFalse(rule.planned_on)
            rule._plan_daily()
            self.assertEqual(self._rows(rule).partner_id, self.crowd)
            self.assertEqual((rule.planned_on, len(self._rows(rule))), (DAY, 60))

    def test_batches_cover_all_contacts(self):
        """Huge shops are planned in ranges of contacts without gap or overlap."""
        with patch.object(retail_care_rule_plan, 'BATCH_SIZE', 7):
            batches = self.rules._batches(None)
        self.assertEqual(batches[0][0], 0)
        self.assertGreater(batches[-1][1], self.crowd[-1].id)
        for (_low, high), (following, _high) in zip(batches, batches[1:], strict=False):
            self.assertEqual(high, following)

    def test_the_cron_plans_once_a_local_day_of_each_company(self):
        """Hourly runs plan a rule once a day, by the day of each company (contract: day D)."""
        self.company_2.resource_calendar_id = self.env['resource.calendar'].create(
            {'name': 'Far', 'tz': 'Pacific/Auckland', 'company_id': self.company_2.id}
        )
        rule = self._rule(company_id=False)
        planned = []
        plan = type(rule)._plan_company

        def noted(self, company, day, *args, **kwargs):
            planned.append((company, day))
            return plan(self, company, day, *args, **kwargs)

        self.maxDiff = None
        ours = {self.company, self.company_2}
        with patch.object(type(rule), '_plan_company', noted), self._without_commits():
            for at in (
                '2027-03-10 09:00',
                '2027-03-10 10:00',
                '2027-03-10 12:00',
                '2027-03-11 00:00',
            ):
                with freeze_time(at):
                    self.rules._cron_plan()
        self.assertEqual(
            [row for row in planned if row[0] in ours],
            [
                (self.company, DAY),
                (self.company_2, DAY),
                (self.company_2, date(2027, 3, 11)),
                (self.company, date(2027, 3, 11)),
            ],
        )

    @mute_logger('odoo.addons.retail_crm.models.care.retail_care_rule_plan', 'odoo.sql_db')
    def test_a_broken_rule_stops_alone_and_tells_who_is_responsible(self):
        """A broken condition, a field that is gone, an error of SQL: that rule fails, the others go on (issue 9)."""
        self._moment(self.bob, '2027-03-10 09:00')
        broken, gone, sql, good = (self._rule() for _number in range(4))
        for rule, domain in ((broken, "[('name', "), (gone, "[('x_gone', '=', 1)]")):
            self.env.cr.execute(
                SQL('UPDATE retail_care_rule SET domain = %s WHERE id = %s', domain, rule.id)
            )
        self.env.invalidate_all()
        build = type(sql)._sql_moment

        def bad(self, *args):
            return SQL('SELECT 1 / 0') if self == sql else build(self, *args)

        with patch.object(type(sql), '_sql_moment', bad), freeze_time('2027-03-10 12:00'):
            (broken + gone + sql + good)._plan()
        self.assertEqual((broken + gone + sql).mapped('state'), ['failed'] * 3)
        self.assertTrue(all((broken + gone + sql).mapped('error')))
        self.assertEqual(self._rows(good).partner_id, self.bob)
        activity = (broken + gone + sql).activity_ids
        self.assertEqual(len(activity), 3)
        self.assertEqual(activity.user_id, self.users['manager'])
        with self.assertRaises(ValidationError):
            gone.with_user(self.users['manager']).action_retry()
        gone.domain = '[]'
        with freeze_time('2027-03-12 12:00'):
            gone.with_user(self.users['manager']).action_retry()
            self.assertFalse(gone.activity_ids)
            gone._plan()
        self.assertEqual(self._rows(gone).due_on, DAY, 'missed, and not too late')

    def test_responsible_user_without_the_company_fails_the_rule(self):
        """Conditions are asked with the rights of the responsible user: who does not work there may not ask."""
        self._moment(self.bob, '2027-03-10 09:00', company_id=self.company_2.id)
        rule = self._rule(company_id=False, domain="[('name', '=', 'Bob')]")
        with mute_logger('odoo.addons.retail_crm.models.care.retail_care_rule_plan'):
            rule._plan(DAY)
        self.assertEqual(rule.state, 'failed')
        self.assertIn(self.company_2.name, rule.error)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareRuleDays(CareRuleCommon):
    def test_windows_equal_a_search_of_all_days(self):
        """Due days by calendar or working days, moved off days off: against counting day by day (contract: days)."""
        random = Random(10)
        off = {date(2028, 2, 28) + timedelta(random.randint(0, 200)) for _number in range(40)}
        off |= {date(2028, 5, 1) + timedelta(number) for number in range(9)}

        def works(day):
            return day.weekday() < 5 and day not in off

        def working(low, high):
            days = (low + timedelta(number) for number in range((high - low).days + 1))
            return [day for day in days if works(day)]

        for _number in range(60):
            first = date(2028, 2, 20) + timedelta(random.randint(0, 120))
            last = first + timedelta(random.randint(0, 15))
            delay, count = random.randint(-20, 20), random.random() < 0.5
            shift = random.choice((None, 'later', 'earlier'))
            expected = []
            for number in range(-120, 160):
                anchor = due = first + timedelta(number)
                step = timedelta(1 if delay > 0 else -1)
                if count:
                    for _day in range(abs(delay)):
                        due += step
                        while not works(due):
                            due += step
                else:
                    due += timedelta(delay)
                while shift and not works(due):
                    due += timedelta(1 if shift == 'later' else -1)
                if first <= due <= last:
                    expected.append((anchor, due))
            found = due_days(first, last, delay, working, count and bool(delay), shift)
            self.assertEqual(found, expected)

    def test_a_shop_that_never_works_counts_all_days(self):
        """A calendar without hours keeps no follow-up from being due."""
        found = due_days(DAY, DAY, 2, lambda low, high: [], True, 'later')
        self.assertEqual(found, [(DAY - timedelta(2), DAY)])

    def test_the_hour_is_the_companys_through_the_change_of_clocks(self):
        """10:00 in Paris is 9:00 UTC in winter and 8:00 in summer; an hour that is skipped is the one after it."""
        self.assertEqual(local_instant(date(2027, 3, 27), 10.0, 'Europe/Paris').hour, 9)
        self.assertEqual(local_instant(date(2027, 3, 28), 10.0, 'Europe/Paris').hour, 8)
        self.assertEqual(
            local_instant(date(2027, 3, 28), 2.5, 'Europe/Paris'), datetime(2027, 3, 28, 1, 30)
        )
        rule = self._rule(hour=9.5)
        self._moment(self.bob, '2027-03-10 09:00')
        rule._plan(DAY)
        self.assertEqual(self._rows(rule).try_at, datetime(2027, 3, 10, 8, 30))

    def test_calls_move_off_days_on_which_nobody_works(self):
        """Calls go to the next working day, hard dates to the one before; messages keep the day (contract)."""
        phone = self.env.ref('retail_crm.retail_channel_phone')
        saturday = date(2027, 3, 13)
        self._moment(self.bob, '2027-03-11 09:00')
        calls = {
            'channel_mode': 'listed',
            'channel_line_ids': [Command.create({'channel_id': phone.id})],
        }
        dues = []
        for values in ({}, calls, {**calls, 'hard_date': True}):
            rule = self._rule(delay_days=2, lead_days=5, **values)
            rule._plan(date(2027, 3, 11))
            dues.append(self._rows(rule).due_on)
        self.assertEqual(dues, [saturday, saturday + timedelta(2), saturday - timedelta(1)])

    def test_leap_day(self):
        """A moment on 29 February is due a year's days later on its own count of days."""
        self._moment(self.bob, '2028-02-29 09:00')
        rule = self._rule(day=date(2028, 2, 1), delay_days=1)
        self.assertEqual(rule._plan(date(2028, 2, 29)), 0)
        self.assertEqual(rule._plan(date(2028, 3, 1)), 1)
        self.assertEqual(self._rows(rule).anchor_on, date(2028, 2, 29))

    def test_defaults(self):
        """Hard dates are never late; marketing has a control group, service none (defaults 18)."""
        hard, marketing = (
            self._rule(on=False, hard_date=True),
            self._rule(on=False, purpose='marketing'),
        )
        self.assertEqual((hard.late_days, hard.control_percent), (0, 0.0))
        self.assertEqual((marketing.late_days, marketing.control_percent), (7, 5.0))
        with self.assertRaises(ValidationError):
            hard.late_days = 3
        self.assertEqual(fields.Date.to_date(DAY), DAY)
