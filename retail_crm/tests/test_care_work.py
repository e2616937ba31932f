"""What employees do with follow-ups: results, tries, tickets, activities, steps, hand-over, contact by hand."""

from datetime import date, datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import RetailCrmCommon

#: A Wednesday.
DAY = date(2027, 6, 2)
NOON = '2027-06-02 12:00:00'


class CareWorkCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'UTC'
        # nobody is tied to the hour at which tests run
        cls.company.write({'retail_care_call_from': 0.0, 'retail_care_call_to': 24.0})
        cls.company.write({'retail_care_message_from': 0.0, 'retail_care_message_to': 24.0})
        cls.company.retail_service_consent = False
        cls.user, cls.lead = cls.users['user'], cls.users['lead']
        cls.phone = cls.env.ref('retail_crm.retail_channel_phone')
        cls.email = cls.env.ref('retail_crm.retail_channel_email')
        cls.wechat = cls.env.ref('retail_crm.retail_channel_wechat')
        cls.bob.write({'phone': '+86 138 0000 1234', 'email': 'bob@shop.test'})
        cls.rule = cls.env['retail.care.rule'].create(
            {
                'name': 'How Was It',
                'company_id': cls.company.id,
                'channel_mode': 'listed',
                'channel_line_ids': [Command.create({'channel_id': cls.phone.id})],
                'retry_count': 2,
                'retry_gap_days': 1,
                'owner': 'user',
                'owner_id': cls.user.id,
            }
        )
        cls.rule.write({'state': 'on', 'started_on': DAY - timedelta(days=30)})

    @classmethod
    def _followup(cls, partner=None, **values):
        """Return a follow-up that waits for an employee."""
        followup = cls.env['retail.followup'].create(
            {
                'rule_id': cls.rule.id,
                'partner_id': (partner or cls.bob).id,
                'company_id': cls.company.id,
                'user_id': cls.user.id,
                'occurrence': f'x{cls.env["retail.followup"].search_count([])}',
                'anchor_on': DAY,
                'due_on': DAY,
                'channel_id': cls.phone.id,
                **values,
            }
        )
        followup.state = values.get('state', 'todo')
        return followup

    def _close(self, followups, user=None, **values):
        """Close by the dialog, as an employee."""
        dialog = self.env['retail.followup.close'].with_user(user or self.user)
        dialog = dialog.create({'followup_ids': [Command.set(followups.ids)], **values})
        return dialog.action_save()

    def _activity(self, followup):
        return self.env['mail.activity'].search([('retail_followup_id', '=', followup.id)])


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareResult(CareWorkCommon):
    def test_done_needs_a_result(self):
        """A follow-up is closed with a result and by nothing else (S-FUP-01)."""
        followup = self._followup()
        for vals in ({'state': 'done'}, {'result': 'reached'}):
            with self.assertRaises(UserError):
                followup.with_user(self.user).write(vals)
        action = followup.with_user(self.user).action_done()
        self.assertEqual(action['res_model'], 'retail.followup.close')
        self.assertEqual(followup.state, 'todo')
        self._close(
            followup,
            result='reached',
            satisfaction='4',
            opinion='Fine',
            needs='A bag',
            next_step='Show bags',
        )
        self.assertEqual((followup.state, followup.result), ('done', 'reached'))
        self.assertEqual((followup.satisfaction, followup.opinion), (4, 'Fine'))
        self.assertEqual((followup.needs, followup.next_step), ('A bag', 'Show bags'))
        self.assertEqual(followup.done_by, self.user)
        self.assertEqual(followup.done_at, datetime(2027, 6, 2, 12))
        self.assertEqual(followup.contacted_at, datetime(2027, 6, 2, 12))
        attempt = followup.attempt_ids
        self.assertEqual((attempt.result, attempt.channel_id), ('reached', self.phone))
        moments = self.moments.search([('kind', '=', 'followup_done')])
        self.assertIn(
            followup.id, moments.filtered(lambda m: m.partner_id == self.bob).mapped('res_id')
        )

    def test_nobody_closes_twice(self):
        """Who comes second is told who closed it; in a batch what is closed already is left out."""
        one, two = self._followup(), self._followup(self.ann)
        self._close(one, result='reached')
        with self.assertRaisesRegex(UserError, 'was closed by'):
            one.with_user(self.user).action_done()
        self._close(one + two, result='message')
        self.assertEqual((one.result, two.result), ('reached', 'message'))

    def test_not_reached_is_tried_again(self):
        """Tried again after the gap on a working day, so often as the rule says, then closed (S-FUP-01, defaults 18)."""
        followup = self._followup()
        days = []
        for moment in ('2027-06-03 12:00:00', '2027-06-04 12:00:00', '2027-06-07 12:00:00'):
            with freeze_time(moment):
                followup.with_user(self.user).action_not_reached()
            days.append((followup.state, followup.due_on))
        # Thursday + 1 = Friday, Friday + 1 = Monday
        self.assertEqual(days[0], ('todo', date(2027, 6, 4)))
        self.assertEqual(days[1], ('todo', date(2027, 6, 7)))
        self.assertEqual(days[2][0], 'done')
        self.assertEqual(followup.result, 'not_reached')
        self.assertEqual(len(followup.attempt_ids), 3)
        self.assertFalse(followup.contacted_at)

    def test_hard_date_is_not_tried_later(self):
        """A birthday call that reaches nobody is not repeated on another day."""
        followup = self._followup(hard_date=True)
        followup.with_user(self.user).action_not_reached()
        self.assertEqual((followup.state, followup.due_on), ('done', DAY))

    def test_next_channel_after_the_last_try(self):
        """After the last try on a channel the next one of the rule follows."""
        self.rule.channel_line_ids = [
            Command.create({'channel_id': self.wechat.id, 'sequence': 20})
        ]
        self.rule.write({'retry_count': 0, 'state': 'on'})
        followup = self._followup()
        followup.with_user(self.user).action_not_reached()
        self.assertEqual((followup.state, followup.channel_id), ('planned', self.wechat))
        self.assertFalse(self._activity(followup))

    def test_refused_withdraws_the_consent(self):
        """Who wants no more calls gets none: the consent of that purpose and channel is withdrawn (S-FUP-12)."""
        followup, other = self._followup(), self._followup()
        self._close(followup, result='refused')
        self.assertEqual((followup.state, followup.result), ('done', 'refused'))
        consent = self.env['retail.consent'].search(
            [('partner_id', '=', self.bob.id), ('is_current', '=', True)]
        )
        self.assertEqual(
            (consent.purpose, consent.channel_id, consent.state, consent.user_id),
            ('service', self.phone, 'withdrawn', self.user),
        )
        self.assertFalse(
            self.env['retail.consent']._allowed(self.bob, 'service', self.phone, self.company)
        )
        # what waited on the same channel does not stay a call
        self.assertNotEqual(other.state, 'todo')

    def test_refused_pauses_marketing(self):
        """Who wants no contact has peace from marketing for a while; staff may leave that out (S-FUP-06, S-FUP-13)."""
        pauses = self.env['retail.care.pause']
        self._close(self._followup(self.ann), result='refused', pause_marketing=False)
        self._close(self._followup(), result='reached')
        self.assertFalse(pauses.search([('partner_id', 'in', (self.bob | self.ann).ids)]))
        followup = self._followup()
        self._close(followup, result='refused', note='Too often')
        self._close(self._followup(state='todo', channel_id=self.email.id), result='refused')
        pause = pauses.search([('partner_id', '=', self.bob.id)])
        days = timedelta(days=self.company.retail_care_pause_days)
        self.assertEqual(
            (pause.scope, pause.until, pause.reason, pause.user_id, pause.followup_id),
            ('marketing', DAY + days, 'Too often', self.user, followup),
        )
        marketing = self.rule.copy({'purpose': 'marketing'})
        self.assertTrue(pause._covers(marketing, 'other'))
        self.assertFalse(pause._covers(self.rule, 'other'))

    def test_wrong_number_asks_for_the_right_one(self):
        """A wrong number closes the follow-up and has somebody find the right one."""
        followup = self._followup()
        self._close(followup, result='wrong_address')
        self.assertEqual((followup.state, followup.result), ('done', 'wrong_address'))
        task = self.bob.activity_ids
        self.assertEqual(task.user_id, self.user)

    def test_promise_becomes_a_task(self):
        """What was promised is an activity on the customer until its day (S-FUP-12)."""
        followup = self._followup()
        self._close(followup, result='reached', promise='Send the list', promise_until='2027-06-05')
        task = self.bob.activity_ids
        self.assertEqual((task.user_id, task.date_deadline), (self.user, date(2027, 6, 5)))
        self.assertIn('Send the list', task.summary)
        self.assertEqual(followup.promise, 'Send the list')

    def test_next_contact_is_a_follow_up(self):
        """A next contact on a day is planned as a follow-up by hand."""
        followup = self._followup()
        self._close(followup, result='reached', next_step='Ask again', next_on='2027-06-10')
        later = self.env['retail.followup'].search(
            [('partner_id', '=', self.bob.id), ('rule_id', '=', False)]
        )
        self.assertEqual((later.state, later.due_on), ('planned', date(2027, 6, 10)))
        self.assertEqual((later.subject, later.user_id), ('Ask again', self.user))

    def test_nonsense_is_refused(self):
        """Opinions of nobody, contacts in the past, promises to many, empty dialogs."""
        followup, other = self._followup(), self._followup(self.ann)
        with self.assertRaises(UserError):
            self._close(followup, result='not_reached', satisfaction='1')
        with self.assertRaises(UserError):
            self._close(followup, result='reached', next_on='2027-06-01')
        with self.assertRaises(UserError):
            self._close(followup + other, result='reached', promise='All')
        with self.assertRaises(UserError):
            self._close(followup.browse(), result='reached')
        self.assertEqual(set((followup + other).mapped('state')), {'todo'})

    def test_take_back(self):
        """Who closed it may take it back within a day, others and later only leaders; tries stay."""
        followup = self._followup()
        self._close(followup, result='reached')
        colleague = self.users['user'].copy({'login': 'colleague', 'name': 'Colleague'})
        self.bob.user_id = False
        followup.sudo().user_id = False
        with self.assertRaises(UserError):
            followup.with_user(colleague).action_reopen()
        followup.with_user(self.user).action_reopen()
        self.assertEqual((followup.state, followup.result), ('todo', False))
        self.assertEqual(len(followup.attempt_ids), 1)
        self.assertEqual(len(self._activity(followup)), 1)
        self._close(followup, result='reached')
        with freeze_time('2027-06-04 12:00:00'), self.assertRaises(UserError):
            followup.with_user(self.user).action_reopen()

    def test_rights(self):
        """Staff work on their own, their store's and unassigned ones; others on none (design 7)."""
        followup = self._followup(user_id=self.lead.id)
        for name in ('action_done', 'action_not_reached', 'action_cancel', 'action_snooze'):
            with self.assertRaises(AccessError):
                getattr(followup.with_user(self.user), name)()
        with self.assertRaises(AccessError):
            followup.with_user(self.users['sales']).action_done()
        mine = self._followup(user_id=self.user.id)
        both = (mine | followup).with_user(self.user)
        self.assertEqual(both.mapped('is_workable'), [True, False])
        followup.with_user(self.users['manager']).action_cancel()
        self.assertEqual(followup.state, 'cancelled')

    def test_contacted_is_never_deleted(self):
        """What was tried or counted is kept; a follow-up that never came to anything may go."""
        followup, untouched = self._followup(), self._followup(state='planned')
        followup.with_user(self.user).action_not_reached()
        with self.assertRaises(UserError):
            followup.unlink()
        untouched.unlink()
        self.assertFalse(untouched.exists())


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareActivity(CareWorkCommon):
    def test_one_activity_for_one_follow_up(self):
        """Opening makes the owner's activity, closing ends it (S-FUP-15)."""
        followup = self._followup()
        activity = self._activity(followup)
        self.assertEqual((activity.user_id, activity.date_deadline), (self.user, DAY))
        self.assertEqual(activity.activity_category, 'phonecall')
        self._close(followup, result='reached')
        self.assertFalse(activity.active)
        stopped = self._followup()
        stopped.state = 'stopped'
        self.assertFalse(self._activity(stopped))

    def test_activity_done_asks_for_the_result(self):
        """Marking the activity as done leads to the dialog, and closes nothing without it."""
        followup = self._followup()
        activity = self._activity(followup)
        with self.assertRaises(RedirectWarning) as caught:
            activity.with_user(self.user).action_feedback(feedback='He is happy')
        action = caught.exception.args[1]
        self.assertEqual(action['res_model'], 'retail.followup.close')
        self.assertEqual(action['context']['default_opinion'], 'He is happy')
        self.assertEqual((followup.state, activity.active), ('todo', True))

    def test_activity_leads_and_follows(self):
        """Moved or given to somebody, the one takes the other along; its task is not deleted under it."""
        followup = self._followup()
        activity = self._activity(followup).with_user(self.user)
        activity.date_deadline = '2027-06-04'
        self.assertEqual(followup.due_on, date(2027, 6, 4))
        self.assertEqual((followup.first_due_on, followup.snooze_count), (DAY, 1))
        activity.sudo().user_id = self.lead
        self.assertEqual(followup.user_id, self.lead)
        followup.user_id = self.user
        self.assertEqual(activity.user_id, self.user)
        with self.assertRaises(UserError):
            activity.unlink()
        self.assertTrue(activity.exists())

    def test_hard_date_is_not_moved(self):
        """The activity of a birthday cannot be put off, by no way."""
        followup = self._followup(hard_date=True)
        with self.assertRaises(UserError):
            self._activity(followup).with_user(self.user).date_deadline = '2027-06-03'
        snooze = self.env['retail.followup.snooze'].with_user(self.user)
        snooze = snooze.create(
            {'followup_ids': followup.ids, 'day': '2027-06-03', 'reason': 'Busy'}
        )
        with self.assertRaises(UserError):
            snooze.action_apply()
        self.assertEqual(followup.due_on, DAY)

    def test_snooze_needs_a_reason(self):
        """Put off with a reason, which is noted; without one, or to the past, not at all (R-loy A.3 14)."""
        followup = self._followup()
        snooze = self.env['retail.followup.snooze'].with_user(self.user)
        for values in ({'reason': ' ', 'day': '2027-06-03'}, {'reason': 'x', 'day': '2027-06-01'}):
            with self.assertRaises(UserError):
                snooze.create({'followup_ids': followup.ids, **values}).action_apply()
        snooze.create(
            {'followup_ids': followup.ids, 'day': '2027-06-09', 'reason': 'In Rome'}
        ).action_apply()
        self.assertEqual(followup.due_on, date(2027, 6, 9))
        self.assertEqual(self._activity(followup).date_deadline, date(2027, 6, 9))
        self.assertIn('In Rome', followup.message_ids[0].body)

    def _plan(self):
        call = self.env.ref('mail.mail_activity_data_call')
        steps = [('Call', 0), ('Send sample', 2), ('Ask', 3)]
        self.rule.plan_id = self.env['mail.activity.plan'].create(
            {
                'name': 'Win',
                'res_model': 'retail.followup',
                'template_ids': [
                    Command.create(
                        {
                            'summary': summary,
                            'sequence': number,
                            'activity_type_id': call.id,
                            'delay_count': days,
                            'delay_from': 'after_plan_date',
                            'responsible_type': 'on_demand',
                        }
                    )
                    for number, (summary, days) in enumerate(steps)
                ],
            }
        )
        self.rule.state = 'on'

    def test_steps_one_after_another(self):
        """The next step comes when the earlier is done, in working days; the last asks for the result (R-loy C.11)."""
        self._plan()
        followup = self._followup()
        seen = []
        for moment in ('2027-06-03 12:00:00', '2027-06-07 12:00:00'):
            with freeze_time(moment):
                activity = self._activity(followup)
                seen.append((activity.summary, activity.date_deadline, followup.step_text))
                activity.with_user(self.user).action_feedback()
        activity = self._activity(followup)
        seen.append((activity.summary, activity.date_deadline, followup.step_text))
        # Thursday + 2 working days = Monday; Monday + 3 = Thursday
        self.assertEqual(
            seen,
            [
                ('Call', DAY, '1 of 3'),
                ('Send sample', date(2027, 6, 7), '2 of 3'),
                ('Ask', date(2027, 6, 10), '3 of 3'),
            ],
        )
        self.assertEqual(followup.due_on, date(2027, 6, 10))
        with self.assertRaises(RedirectWarning):
            activity.with_user(self.user).action_feedback()
        self._close(followup, result='reached')
        self.assertEqual((followup.state, followup.step_id.id), ('done', False))

    def test_steps_stop_with_the_goal(self):
        """When the goal is reached in between no further step comes."""
        self._plan()
        followup = self._followup()
        self._activity(followup).with_user(self.user).action_feedback()
        followup.write({'state': 'stopped', 'reason': 'goal'})
        self.assertFalse(self._activity(followup))

    def test_steps_run_once_for_a_customer(self):
        """One plan runs per customer and reason: another one is not opened beside it, but after it (R-loy C.11)."""
        self._plan()
        first, second, other = self._followup(), self._followup(), self._followup(self.ann)
        self.assertEqual((first.state, other.state), ('todo', 'todo'))
        self.assertEqual((second.state, second.reason), ('skipped', 'running'))
        self._close(first, result='reached')
        self.assertEqual(self._followup().state, 'todo')


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareOwner(CareWorkCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.substitute = cls.user.copy({'login': 'substitute', 'name': 'Substitute'})
        cls.store = cls.env['crm.team'].create(
            {'name': 'Store', 'retail_is_store': True, 'user_id': cls.lead.id}
        )

    def test_who_leaves_hands_over(self):
        """Follow-ups of somebody who leaves go to the substitute, else to the store's leader, with their task."""
        self.user.retail_substitute_id = self.substitute
        one = self._followup()
        self.user.action_archive()
        self.assertEqual(one.user_id, self.substitute)
        self.assertEqual(self._activity(one).user_id, self.substitute)
        two = self._followup(user_id=self.substitute.id, store_id=self.store.id)
        self.substitute.action_archive()
        self.assertEqual(two.user_id, self.lead)
        self.assertEqual(self._activity(two).user_id, self.lead)

    def test_absence_takes_what_falls_due_in_it(self):
        """Of who is away only what is due while he is away goes to others (S-FUP-15)."""
        soon, later = self._followup(), self._followup(self.ann, due_on=date(2027, 6, 20))
        self.user.write(
            {
                'retail_substitute_id': self.substitute.id,
                'retail_away_from': '2027-06-01',
                'retail_away_until': '2027-06-10',
            }
        )
        self.assertEqual((soon.user_id, later.user_id), (self.substitute, self.user))

    def test_late_is_told_to_the_leader_once(self):
        """A follow-up later than one working day is told to the leader of the store, once (S-FUP-15)."""
        followup = self._followup(store_id=self.store.id)  # due on a Wednesday
        hand = followup.copy({'due_on': date(2027, 6, 3), 'occurrence': 'y'})
        hand.write({'state': 'todo', 'user_id': self.user.id})
        # a Friday late by no working day, on the Monday after
        friday = followup.copy({'due_on': date(2027, 6, 4), 'occurrence': 'z'})
        friday.write({'state': 'todo', 'user_id': self.user.id})
        for moment, late in (
            ('2027-06-03 12:00:00', set()),
            ('2027-06-04 12:00:00', {followup}),
            ('2027-06-07 12:00:00', {followup, hand}),
            ('2027-06-07 13:00:00', {followup, hand}),
        ):
            with freeze_time(moment):
                self.env['retail.followup']._tend(self.company)
            mine = (followup + hand + friday).filtered('escalated_on')
            self.assertEqual(set(mine), late, moment)
        tasks = (followup + hand).activity_ids.filtered(lambda one: one.user_id == self.lead)
        self.assertEqual(len(tasks), 2)
        self.assertEqual(followup.escalated_to_id, self.lead)

    def test_hand_over(self):
        """Given to a colleague with a reason; not to somebody who may not see it, and not those of others by staff."""
        followup = self._followup()
        dialog = self.env['retail.followup.hand.over'].with_user(self.user)
        with self.assertRaises(UserError):
            dialog.create(
                {
                    'followup_ids': followup.ids,
                    'user_id': self.users['internal'].id,
                    'reason': 'Away',
                }
            ).action_apply()
        dialog.create({'user_id': self.substitute.id, 'reason': 'Away'}).action_apply()
        self.assertEqual(followup.user_id, self.substitute)
        with self.assertRaises(AccessError):
            dialog.create(
                {
                    'from_user_id': self.substitute.id,
                    'user_id': self.user.id,
                    'reason': 'I want',
                }
            ).action_apply()

    def test_my_day(self):
        """My Day counts and lists calls of today and before, each once, and leads to them (S-FUP-15)."""
        late = self._followup(due_on=date(2027, 6, 1))
        today = self._followup(self.ann)
        self._followup(self.acme, due_on=date(2027, 6, 3))
        data = self.env['retail.my.day'].with_user(self.user).action_load()
        counter = next(one for one in data['counters'] if one['key'] == 'followups')
        self.assertEqual((counter['count'], counter['alert']), (2, True))
        section = next(one for one in data['sections'] if one['key'] == 'followups')
        self.assertEqual([row['id'] for row in section['rows']], [late.id, today.id])
        self.assertEqual([row['late'] for row in section['rows']], [True, False])
        tasks = next(one for one in data['sections'] if one['key'] == 'activities')
        self.assertNotIn('retail.followup', [row['model'] for row in tasks['rows']])
        self.assertNotIn(
            'followups',
            [
                one['key']
                for one in self.env['retail.my.day']
                .with_user(self.users['complaint'])
                .action_load()['sections']
            ],
        )
