"""Customers about to leave: why, interventions and their outcome, reasons of loss, win-back, the stages' follow-ups."""

from ast import literal_eval
from collections import defaultdict
from datetime import date, datetime, timedelta
from random import Random
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_customer_profile import HistoryCase

DAY = date(2027, 6, 2)
NOON = '2027-06-02 12:00:00'


def days(number):
    return timedelta(days=number)


class ChurnCase(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number = 900_000_000
        cls.followups = cls.env['retail.followup']
        cls.churn = cls.env['retail.churn']
        cls.phone = cls.env.ref('retail_crm.retail_channel_phone')
        cls.shop.write({'retail_care_call_from': 0.0, 'retail_care_call_to': 24.0})
        for user in cls.users.values():
            user.write({'company_ids': [Command.link(cls.shop.id)], 'company_id': cls.shop.id})
        cls.rule = cls.env['retail.care.rule'].create(
            {
                'name': 'Watch',
                'company_id': cls.shop.id,
                'family': 'churn',
                'purpose': 'marketing',
                'trigger': 'silence',
                'silence': 'watch',
                'owner': 'user',
                'owner_id': cls.users['user'].id,
            }
        )

    @classmethod
    def _customer(cls, name='Dora', **values):
        return cls.env['res.partner'].create({'name': name, **values})

    @classmethod
    def _buy(cls, partner, *purchases):
        """Give a customer purchases ``(day, amount)``, without documents."""
        for day, amount in purchases:
            cls.number += 1
            cls.env.cr.execute(
                """INSERT INTO retail_purchase (res_model, res_id, company_id, partner_id, date, amount, margin, counts)
                   VALUES ('sale.order', %s, %s, %s, %s, %s, %s, true)""",
                [cls.number, cls.shop.id, partner.id, day, amount, amount],
            )
        cls.purchases._mark_occasions(partner.ids)
        cls.env.invalidate_all()

    @classmethod
    def _profile(cls, partner, **values):
        """Insert a profile as it is, or return the one there is."""
        if values:
            names = list(values)
            columns = ''.join(f', {name}' for name in names)
            cls.env.cr.execute(
                f'INSERT INTO retail_profile (partner_id, company_id{columns}) '
                f'VALUES (%s, %s{", %s" * len(names)})',
                [partner.id, cls.shop.id, *values.values()],
            )
            cls.env.invalidate_all()
        return cls._profile_of(partner, cls.shop)

    @classmethod
    def _followup(cls, partner, state='done', contacted=None, **values):
        return cls.followups.create(
            {
                'rule_id': cls.rule.id,
                'partner_id': partner.id,
                'company_id': cls.shop.id,
                'family': 'churn',
                'purpose': 'marketing',
                'occurrence': f'x{partner.id}',
                'due_on': contacted or DAY,
                'user_id': cls.users['user'].id,
                'state': state,
                'contacted_at': contacted and datetime(*contacted.timetuple()[:3], 9),
                'counted_on': contacted,
                **values,
            }
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestChurnOutcome(ChurnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random = Random(7)
        partners = cls.env['res.partner'].create([{'name': f'C{i}'} for i in range(150)])
        cls.cases = []
        for place, partner in enumerate(partners):
            held = place % 2 and place > 20
            due = DAY - days(random.randint(0, 130))
            contact = None if held or random.random() < 0.2 else due + days(random.randint(0, 3))
            contact = min(contact, DAY) if contact else None
            state = 'held' if held else 'done' if contact else random.choice(['skipped', 'todo'])
            result = contact and random.choice([False, 'reached', 'not_reached', 'refused'])
            gone = contact and random.random() < 0.1 and min(contact + days(2), DAY)
            start = due if held else contact
            bought = start and [
                start + days(random.choice([-3, 0, 1, 30, 59, 60, 61, 90]))
                for _number in range(random.randint(0, 2))
            ]
            bought = [day for day in bought or () if day <= DAY]
            last = due - days(100)
            lapse = due + days(random.randint(-5, 100))
            cls._buy(partner, *[(day, 10) for day in bought])
            cls._profile(partner, last_order_date=last, lapse_on=lapse, lost_on=lapse + days(400))
            followup = cls._followup(
                partner,
                state=state,
                contacted=contact,
                due_on=due,
                result=result or False,
                given_up_on=gone or False,
            )
            cls.cases.append((followup, held, due, contact, result, gone, bought, lapse))
        with freeze_time(NOON):
            cls.churn._settle()

    def _expected(self, followup, held, due, contact, result, gone, bought, lapse):
        """Return the outcome by the rules of docs/care-churn.md, in plain Python."""
        start = due if held else contact
        if result == 'not_reached':
            start = None
        begin = start or gone
        if begin and any(begin <= day <= begin + days(60) for day in bought):
            return 'saved'
        if gone:
            return 'lost'
        if not start:
            return 'open' if followup.state == 'todo' else False
        is_lapsed = start < lapse <= min(DAY, start + days(60))
        return 'lost' if is_lapsed or start + days(60) < DAY else 'open'

    def test_outcome_is_what_happened(self):
        """Saved, lost and open follow from purchases, figures and what staff noted (S-CLV-02)."""
        found = defaultdict(int)
        for case in self.cases:
            with self.subTest(case=case[1:]):
                self.assertEqual(case[0].outcome, self._expected(*case))
            found[case[0].outcome] += 1
        for outcome in ('saved', 'lost', 'open', False):
            self.assertGreater(found[outcome], 3, 'the cases say nothing of it')

    @freeze_time(NOON)
    def test_settling_again_changes_nothing(self):
        """Told twice, nothing happens twice (design 4.1)."""
        before = [(one[0].outcome, one[0].outcome_on, one[0].outcome_until) for one in self.cases]
        self.assertFalse(self.churn._settle())
        self.env.cr.execute('SELECT pg_current_xact_id_if_assigned() IS NOT NULL')
        self.env.invalidate_all()
        after = [(one[0].outcome, one[0].outcome_on, one[0].outcome_until) for one in self.cases]
        self.assertEqual(before, after)

    @freeze_time(NOON)
    def test_returned_purchase_takes_it_back(self):
        """A purchase that is returned as a whole saves nobody; a late one undoes a loss in time."""
        case = next(
            one for one in self.cases if one[0].outcome == 'saved' and not one[1] and not one[5]
        )
        followup = case[0]
        self.env.cr.execute(
            'UPDATE retail_purchase SET counts = false WHERE partner_id = %s',
            [followup.partner_id.id],
        )
        self.churn._settle(followup.partner_id.ids)
        self.assertIn(followup.outcome, ('lost', 'open'))
        self._buy(followup.partner_id, (case[3], 5))
        self.assertEqual(self.churn._settle(followup.partner_id.ids), followup)
        self.assertEqual((followup.outcome, followup.outcome_on), ('saved', case[3]))

    @freeze_time(NOON)
    def test_save_rate(self):
        """Save rate = saved / closed of those contacted; the effect against the control group (S-CLV-02)."""
        report = self.env['retail.churn.report']
        mine = [('rule_id', '=', self.rule.id)]
        names = ['closed', 'saved', 'assigned', 'control', 'control_back', 'assigned_back']
        names += ['save_percent:avg', 'control_percent:avg', 'effect:avg']
        [values] = report._read_group(mine, [], [f'{n}:sum' if ':' not in n else n for n in names])
        got = dict(zip(names, values, strict=True))
        reached = [one for one in self.cases if one[3] and one[4] != 'not_reached']
        saved = sum(one[0].outcome == 'saved' for one in reached)
        closed = saved + sum(one[0].outcome == 'lost' for one in reached)
        over = [one for one in self.cases if one[2] + days(60) < DAY]

        def back(cases):
            return sum(any(c[2] <= d <= c[2] + days(60) for d in c[6]) for c in cases)

        control = [one for one in over if one[1]]
        assigned = [one for one in over if not one[1]]
        self.assertEqual((got['closed'], got['saved']), (closed, saved))
        self.assertEqual((got['control'], got['assigned']), (len(control), len(assigned)))
        self.assertEqual(
            (got['control_back'], got['assigned_back']), (back(control), back(assigned))
        )
        self.assertAlmostEqual(got['save_percent:avg'], 100 * saved / closed)
        enough = min(len(control), len(assigned)) >= 30
        effect = 100 * (back(assigned) / len(assigned) - back(control) / len(control))
        self.assertAlmostEqual(got['effect:avg'] or 0, effect if enough else 0)

    @freeze_time(NOON)
    def test_save_rate_of_nobody(self):
        """Nobody is no share of anything: no division by zero, no zero percent; few say no effect."""
        report = self.env['retail.churn.report']
        nobody = report._read_group(
            [('id', '=', 0)], [], ['save_percent:avg', 'effect:avg', 'closed:sum']
        )
        self.assertFalse(any(nobody[0]))
        few = [('id', 'in', [one[0].id for one in self.cases[:4]])]
        self.assertFalse(report._read_group(few, [], ['effect:avg'])[0][0])
        rows = report.search([('rule_id', '=', self.rule.id)], limit=3)
        self.assertEqual(rows[0].action_open_followup()['res_id'], rows[0].id)
        self.assertEqual(set(report.search(few).mapped('level')), {'watch'})


@tagged('post_install', '-at_install', 'retail_crm')
class TestChurn(ChurnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dora = cls._customer(phone='+86 138 0000 1234')
        cls.price = cls.env.ref('retail_crm.retail_lost_reason_price')
        cls.moved = cls.env.ref('retail_crm.retail_lost_reason_moved')

    def _tell(self, kind, partner):
        moment = self.moments.create(
            {
                'kind': kind,
                'partner_id': partner.id,
                'company_id': self.shop.id,
                'res_model': 'res.partner',
                'res_id': partner.id,
            }
        )
        getattr(self.churn, f'_on_{kind}')(moment)
        return moment

    def _notices(self, user):
        return self.env['mail.notification'].search_count(
            [('res_partner_id', '=', user.partner_id.id)]
        )

    # === REASONS ===#

    @freeze_time(NOON)
    def test_unsolved_complaint_is_a_reason(self):
        """A buyer with an unsolved complaint is listed, and told why; once it is solved he is not (S-CLV-01)."""
        self._buy(self.dora, (DAY - days(40), 10), (DAY - days(20), 10), (DAY, 10))
        self.profiles._refresh(self.dora)
        profile = self._profile(self.dora)
        self.assertFalse(profile.has_complaint)
        self.assertFalse(profile.churn_reason)
        ticket = self.env['retail.ticket'].create(
            {
                'partner_id': self.dora.id,
                'company_id': self.shop.id,
                'subject': 'x',
                'type_id': self.env.ref('retail_crm.retail_ticket_type_complaint').id,
            }
        )
        self.profiles._refresh(self.dora)
        self.env.invalidate_all()
        self.assertTrue(profile.has_complaint)
        self.assertIn('Complaint open since', profile.churn_reason)
        self.assertIn('Complaint open since', self.dora.retail_churn_reason)
        domain = self.env.ref('retail_crm.retail_profile_action_churn').domain
        self.assertIn(profile, self.profiles.search(literal_eval(domain)))
        # without any moment: found by the night
        self.env.cr.execute(
            "UPDATE retail_ticket SET category = 'solved' WHERE id = %s", [ticket.id]
        )
        self.env.invalidate_all()
        self.assertIn(self.dora, self.profiles._due_partners())
        # with one: at once
        for kind in ('ticket_solved', 'ticket_reopened', 'ticket_archived'):
            self.assertIn('retail.profile', self.moments._listeners()[kind])
        self.profiles._on_ticket_solved(
            self.moments.create(
                {
                    'kind': 'ticket_solved',
                    'partner_id': self.dora.id,
                    'company_id': self.shop.id,
                    'res_model': 'retail.ticket',
                    'res_id': ticket.id,
                }
            )
        )
        self.env.invalidate_all()
        self.assertFalse(profile.has_complaint)
        self.assertNotIn(self.dora, self.profiles._due_partners())

    def test_restricted_complaint_is_no_reason(self):
        """Those complained about read the list: restricted complaints say nothing there (S-TKT-30)."""
        self._buy(self.dora, (DAY, 10))
        self.env['retail.ticket'].create(
            {
                'partner_id': self.dora.id,
                'company_id': self.shop.id,
                'subject': 'x',
                'is_restricted': True,
                'type_id': self.env.ref('retail_crm.retail_ticket_type_complaint').id,
            }
        )
        self.profiles._refresh(self.dora)
        self.assertFalse(self._profile(self.dora).has_complaint)

    def test_no_reaction_is_a_reason(self):
        """Three marketing contacts without any reaction are told beside other reasons (S-CLV-01)."""
        profile = self._profile(self.dora, churn_level='watch', order_count=3, is_falling=False)
        for number in range(3):
            self.assertFalse(profile.is_silent)
            self.assertNotIn(profile, self.profiles.search([('is_silent', '=', True)]))
            last = self._followup(
                self.dora, contacted=DAY - days(number), occurrence=f'n{number}', reaction='none'
            )
            self.env.invalidate_all()
        self.assertTrue(profile.is_silent)
        self.assertIn(profile, self.profiles.search([('is_silent', '=', True)]))
        self.assertIn('No reaction to the last 3 contacts', profile.churn_reason)
        last.reaction = 'opened'
        self.env.invalidate_all()
        self.assertFalse(profile.is_silent)
        self.assertIn(profile, self.profiles.search([('is_silent', '=', False)]))

    # === INTERVENTION ===#

    @freeze_time(NOON)
    def test_owner_is_told_once(self):
        """Who contacted the customer is told when he buys; control rows tell nobody (S-CLV-02)."""
        owner = self.users['user']
        followup = self._followup(self.dora, contacted=DAY - days(5))
        held = self._followup(self._customer('Held'), state='held', due_on=DAY - days(5))
        self._buy(self.dora, (DAY, 10))
        self._buy(held.partner_id, (DAY, 10))
        before = self._notices(owner)
        self._tell('purchase', self.dora)
        self._tell('purchase', self.dora)
        self._tell('purchase', held.partner_id)
        self.assertEqual((followup.outcome, held.outcome), ('saved', 'saved'))
        self.assertEqual(self._notices(owner), before + 1)

    @freeze_time(NOON)
    def test_return_is_told_to_the_adviser(self):
        """Who comes back without an intervention is noticed, too: his adviser is told (S-CLV-03)."""
        adviser = self.users['lead']
        self.dora.retail_adviser_id = adviser
        before = self._notices(adviser)
        self._tell('came_back', self.dora)
        self.assertEqual(self._notices(adviser), before + 1)
        self.assertIn('retail.churn', self.moments._listeners()['came_back'])

    @freeze_time(NOON)
    def test_lost_with_a_reason(self):
        """Staff say that a customer is lost, with a reason and date; a purchase in time undoes it (S-CLV-03)."""
        followup = self._followup(self.dora, contacted=DAY - days(2))
        dialog = self.env['retail.followup.lost'].with_user(self.users['user'])
        with self.assertRaises(AccessError):
            self.env['retail.followup.lost'].with_user(self.users['internal']).create({})
        action = followup.with_user(self.users['user']).action_give_up()
        self.assertEqual(action['res_model'], 'retail.followup.lost')
        dialog.create(
            {'followup_ids': followup.ids, 'reason_id': self.price.id, 'note': 'Cheap & Co'}
        ).action_apply()
        self.assertEqual((followup.outcome, followup.outcome_on), ('lost', DAY))
        self.assertEqual(followup.lost_reason_on, DAY)
        self.assertEqual(followup.lost_reason_by, self.users['user'])
        self.assertIn('Price', self.dora.with_user(self.users['user']).retail_lost_text)
        self._buy(self.dora, (DAY, 10))
        self._tell('purchase', self.dora)
        self.assertEqual(followup.outcome, 'saved')
        self.assertEqual(followup.lost_reason_id, self.price, 'what he said stays said')

    def test_only_interventions_are_lost(self):
        """Another follow-up, or one of the control group, says nothing of loss."""
        with self.assertRaises(UserError):
            self._followup(self.dora, family='other').action_give_up()
        with self.assertRaises(UserError):
            self._followup(self._customer('Held'), state='held')._note_loss(self.price)

    @freeze_time(NOON)
    def test_result_asks_for_the_reason(self):
        """The dialog of the call asks why; the reason is kept with its date (S-CLV-03)."""
        followup = self._followup(self.dora, state='todo', channel_id=self.phone.id)
        dialog = (
            self.env['retail.followup.close']
            .with_user(self.users['user'])
            .create(
                {
                    'followup_ids': followup.ids,
                    'result': 'reached',
                    'lost_reason_id': self.moved.id,
                    'is_lost': True,
                }
            )
        )
        self.assertTrue(dialog.is_churn)
        dialog.action_save()
        self.assertEqual((followup.state, followup.outcome), ('done', 'lost'))
        self.assertEqual((followup.lost_reason_id, followup.lost_reason_on), (self.moved, DAY))

    def test_staff_write_the_reason_and_nothing_else(self):
        """Outcomes are derived: nobody writes them (S-CLV-02)."""
        followup = self._followup(self.dora, state='todo').with_user(self.users['user'])
        followup.lost_reason_id = self.price
        self.assertTrue(followup.lost_reason_on)
        followup.lost_reason_id = False
        self.assertFalse(followup.lost_reason_on)
        for name, value in (('outcome', 'saved'), ('outcome_on', DAY), ('given_up_on', DAY)):
            with self.subTest(field=name), self.assertRaises(AccessError):
                followup.write({name: value})

    @freeze_time(NOON)
    def test_plan_from_the_list(self):
        """A listed customer leads to a call with owner, script, level and the offer of the policy (S-CLV-02)."""
        adviser = self.users['lead']
        self.dora.retail_adviser_id = adviser
        offer = self.env['retail.offer'].create(
            {'name': 'Tea', 'company_id': self.shop.id, 'date_from': DAY}
        )
        offer.state = 'running'
        self.env['retail.policy'].create(
            {
                'name': 'Late',
                'sequence': 1,
                'company_id': self.shop.id,
                'class_key': 'lifecycle.at_risk',
                'offer_id': offer.id,
            }
        )
        profile = self._profile(
            self.dora, lifecycle='at_risk', churn_level='watch', order_count=3, clv_past=9
        )
        user = self.users['user']
        action = profile.with_user(user).action_plan_intervention()
        followup = self.followups.search(action['domain'])
        self.assertEqual(followup.partner_id, self.dora)
        self.assertEqual((followup.family, followup.churn_level), ('churn', 'watch'))
        self.assertEqual(followup.offer_id, offer)
        self.assertFalse(followup.is_expected)
        self.assertIn('a while', followup.body)
        self.assertIn(followup.user_id, adviser | user)
        followup.state = 'todo'
        with self.assertRaises(UserError):
            profile.with_user(user).action_plan_intervention()

    def test_who_may_plan(self):
        """One customer is for staff, several for leaders and marketing; others plan nothing (S-FUP-10)."""
        other = self._customer('Other')
        profiles = self._profile(self.dora, order_count=2) | self._profile(other, order_count=2)
        with self.assertRaises(AccessError):
            profiles.with_user(self.users['user']).action_plan_intervention()
        with self.assertRaises(AccessError):
            profiles[0].with_user(self.users['sales']).action_plan_intervention()
        profiles.with_user(self.users['lead']).action_plan_intervention()
        self.assertEqual(
            self.followups.search_count([('partner_id', 'in', (self.dora | other).ids)]), 2
        )

    @freeze_time(NOON)
    def test_worth_winning_back(self):
        """Two purchases or more that earned something, not asked lately, no reason without return (S-CLV-03)."""
        good = {'lifecycle': 'lapsed', 'order_count': 2, 'clv_past': 5}

        def case(name, **values):
            return self._profile(self._customer(name), **{**good, **values})

        worth, lost = case('Worth'), case('Lost', lifecycle='lost')
        out = [
            case('Active', lifecycle='growth'),
            case('Once', order_count=1),
            case('Loss', clv_past=-1),
        ]
        for number, values in enumerate(
            (
                {'state': 'todo'},
                {'contacted': DAY - days(100)},
                {'state': 'held', 'due_on': DAY - days(10)},
                {'contacted': DAY - days(400), 'lost_reason_id': self.moved.id},
            )
        ):
            out.append(case(f'Asked {number}'))
            self._followup(out[-1].partner_id, **values)
        again = case('Again')
        self._followup(again.partner_id, contacted=DAY - days(181), lost_reason_id=self.price.id)
        self.env.invalidate_all()
        mine = [('company_id', '=', self.shop.id)]
        self.assertEqual(
            self.profiles.search([*mine, ('is_winback', '=', True)]), worth | lost | again
        )
        for profile in out:
            with self.subTest(name=profile.partner_id.name):
                self.assertFalse(profile.is_winback)
                self.assertIn(profile, self.profiles.search([*mine, ('is_winback', '=', False)]))
        self.assertEqual(again.lost_reason_id, self.price)
        self.assertEqual(
            self.profiles.search([*mine, ('lost_reason_id', '=', self.price.id)]), again
        )
        self.assertEqual(
            self.profiles.search([*mine, ('lost_reason_id', '!=', False)]), again | out[-1]
        )
        self.assertNotIn(again, self.profiles.search([*mine, ('lost_reason_id', '=', False)]))

    # === STAGES ===#

    def test_stages_have_a_follow_up(self):
        """Each stage has its default follow-up; what a shop chose stays (S-SEG-07 to S-SEG-10)."""
        policies = self.env['retail.policy']
        codes = {
            stage: self.env.ref(f'retail_crm.retail_policy_lifecycle_{stage}').care_rule_id.code
            for stage in ('new', 'growth', 'mature', 'at_risk')
        }
        self.assertEqual(
            codes,
            {
                'new': 'second_purchase',
                'growth': 'repeat_purchase',
                'mature': 'more_value',
                'at_risk': 'churn_watch',
            },
        )
        new = self.env.ref('retail_crm.retail_policy_lifecycle_new')
        new.care_rule_id = self.rule
        growth = self.env.ref('retail_crm.retail_policy_lifecycle_growth')
        growth.unlink()
        policies._fill_care()
        self.assertEqual(new.care_rule_id, self.rule)

    @freeze_time(NOON)
    def test_expected_this_week(self):
        """Who is expected within seven days is listed, with the categories he buys; one click contacts (S-CLV-05)."""
        profile = self._profile(self.dora, expected_next_date=DAY + days(7), order_count=2)
        late = self._profile(self._customer('Late'), expected_next_date=DAY + days(8))
        domain = [
            ('expected_next_date', '>=', 'today'),
            ('expected_next_date', '<=', 'today +7d'),
        ]
        found = self.profiles.search(domain)
        self.assertIn(profile, found)
        self.assertNotIn(late, found)
        action = profile.with_user(self.users['user']).action_contact()
        self.assertEqual(action['res_model'], 'retail.followup.contact')

    def test_welcome_names_products(self):
        """The welcome suggests products; texts that do not ask for them do not look for them (S-SEG-22)."""
        followup = self._followup(self.dora, state='planned', family='welcome')
        row = type('Row', (), {'product': self.goods})
        partners = type(self.env['res.partner'])
        with patch.object(partners, '_retail_suggestions', return_value=[row]) as asked:
            self.assertEqual(followup._filled('Hello {name}'), 'Hello Dora')
            asked.assert_not_called()
            self.assertEqual(followup._filled('See {suggestions}'), 'See Goods')
            template = self.env.ref('retail_crm.mail_template_care_welcome')
            body = template._render_field('body_html', followup.ids)[followup.id]
        self.assertIn('Goods', body)

    # === PRIVACY ===#

    def test_anonymised_words_go(self):
        """The customer's words on his leaving go when he is anonymised; the reason is a figure (S-SEC-07)."""
        followup = self._followup(self.dora, contacted=DAY, lost_reason_id=self.price.id)
        followup.lost_note = 'My ex works there'
        followup._forget()
        self.assertFalse(followup.lost_note)
        self.assertEqual(followup.lost_reason_id, self.price)
