"""Follow-ups and what is about their customer: tickets, contact by hand, card, time line, merge, privacy, companies."""

from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_care_work import DAY, NOON, CareWorkCommon


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareTicket(CareWorkCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref('base.group_user')._apply_group(cls.env.ref('retail_crm.group_block_care'))
        cls.complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.rules = cls.env['retail.care.rule'].with_context(active_test=False)
        cls.rules.search([('code', '=', 'after_complaint')]).write({'code': False, 'state': 'off'})
        cls.env.flush_all()
        cls.rule.write(
            {
                'code': 'after_complaint',
                'family': 'complaint',
                'trigger': 'moment',
                'moment_kind': 'ticket_solved',
                'delay_days': 3,
                'owner': 'handler',
                'is_expected': True,
            }
        )
        cls.rule.write({'state': 'on', 'started_on': DAY - timedelta(days=30)})
        cls.bob.retail_customer = True

    def _solved(self, partner=None):
        ticket = self.env['retail.ticket'].create(
            {
                'subject': 'Broken',
                'partner_id': (partner or self.bob).id,
                'type_id': self.complaint.id,
                'channel_id': self.phone.id,
                'user_id': self.user.id,
            }
        )
        stage = self.env['retail.ticket.stage'].search(
            [('category', '=', 'solved'), ('type_ids', 'in', self.complaint.id)], limit=1
        )
        ticket._stamp({'stage_id': stage.id, 'step': 'feedback'})
        return ticket

    def _about(self, ticket, **values):
        return self._followup(
            ticket.partner_id, res_model='retail.ticket', res_id=ticket.id, **values
        )

    def test_dissatisfied_gets_a_ticket_by_one_click(self):
        """Who is not satisfied gets a ticket with his words, linked both ways (S-FUP-12)."""
        followup = self._followup()
        dialog = (
            self.env['retail.followup.close']
            .with_user(self.user)
            .create(
                {
                    'followup_ids': followup.ids,
                    'result': 'reached',
                    'satisfaction': '1',
                    'opinion': 'It squeaks',
                }
            )
        )
        self.assertTrue(dialog.is_low)
        action = dialog.action_save_ticket()
        ticket = self.env['retail.ticket'].browse(action['res_id'])
        self.assertEqual((ticket.partner_id, ticket.is_complaint), (self.bob, True))
        self.assertIn('It squeaks', ticket.description)
        self.assertEqual((followup.ticket_id, ticket.followup_ids), (ticket, followup))
        self.assertEqual((followup.state, followup.is_low), ('done', True))
        # once
        self.assertEqual(followup.with_user(self.user).action_ticket()['res_id'], ticket.id)

    def test_solving_leaves_the_question_to_the_rule(self):
        """While the rule runs a solved complaint has no activity of its own; without it the activity stays (S-TKT-18)."""
        ticket = self._solved()
        ticket._plan_call_back()
        self.assertFalse(ticket.activity_ids)
        self.rule.state = 'off'
        ticket._plan_call_back()
        self.assertEqual(len(ticket.activity_ids), 1)
        self.rule.state = 'on'
        block = self.env.ref('retail_crm.group_block_care')
        self.env.ref('base.group_user')._remove_group(block)
        other = self._solved()
        other._plan_call_back()
        self.assertEqual(len(other.activity_ids), 1)

    def test_solved_complaint_is_called_back(self):
        """Solved: three days later the handler has a call; reached in vain: tried on day 4 and 5 (S-TKT-18, S-FUP-07)."""
        ticket = self._solved()
        self.moments._emit('ticket_solved', ticket)
        self._process()
        for day, tries in ((5, 0), (7, 1), (8, 2), (9, 3)):
            with freeze_time(f'2027-06-0{day} 12:00:00'):
                # Saturday: the call waits for Monday
                self.rule._plan(date(2027, 6, day))
                self.env['retail.followup']._process_due()
                followup = self.env['retail.followup'].search(
                    [('rule_id', '=', self.rule.id), ('res_id', '=', ticket.id)]
                )
                if day == 5:
                    self.assertNotEqual(followup.state, 'todo')
                    continue
                self.assertEqual((len(followup), followup.state), (1, 'todo'), day)
                self.assertEqual(followup.user_id, self.user)
                followup.with_user(self.user).action_not_reached()
                self.assertEqual(len(followup.attempt_ids), tries)
        self.assertEqual((followup.state, followup.result), ('done', 'not_reached'))

    def test_whom_the_rule_cannot_reach_keeps_the_activity(self):
        """A customer without telephone is not forgotten by a rule that calls."""
        self.bob.phone = False
        ticket = self._solved()
        ticket._plan_call_back()
        self.assertEqual(len(ticket.activity_ids), 1)

    def test_not_satisfied_opens_the_complaint_again(self):
        """The call-back that hears "not satisfied" sends the complaint back to its solution (S-FUP-07)."""
        ticket = self._solved()
        followup = self._about(ticket)
        self._close(followup, result='reached', satisfaction='2', opinion='Still angry')
        self.assertEqual((ticket.category, ticket.step), ('open', 'solution'))
        self.assertEqual((ticket.satisfied, ticket.round), (False, 2))
        self.assertEqual((followup.state, followup.ticket_id), ('done', ticket))

    def test_satisfied_answers_the_complaint(self):
        """Satisfied customers are noted on the complaint, which stays solved (S-TKT-26)."""
        ticket = self._solved()
        followup = self._about(ticket)
        self._close(followup, result='reached', satisfaction='5', problem_gone='yes')
        self.assertEqual((ticket.category, ticket.satisfied), ('solved', 'yes'))
        self.assertEqual((ticket.problem_gone, ticket.satisfied_channel_id), ('yes', self.phone))
        self.assertEqual(followup.state, 'done')

    def test_problem_still_there_opens_the_complaint_again(self):
        """The check that hears "it is still there" opens the complaint again (S-TKT-26)."""
        ticket = self._solved()
        self._close(self._about(ticket), result='reached', satisfaction='3', problem_gone='no')
        self.assertEqual((ticket.category, ticket.step), ('open', 'solution'))

    def test_answer_of_the_customer_ends_the_question(self):
        """Who answers by himself, or complains again, is not called any more."""
        ticket, again = self._solved(), self._solved(self.ann)
        followups = self._about(ticket) + self._about(again)
        ticket._record_satisfaction('yes')
        again._set_stage(('open',))
        self.assertEqual(followups.mapped('state'), ['stopped', 'stopped'])
        self.assertEqual(set(followups.mapped('reason')), {'goal'})

    def test_promise_on_a_ticket(self):
        """A promise about an open complaint is a promise of the complaint (S-FUP-12)."""
        ticket = self._solved()
        self._close(
            self._about(ticket),
            result='reached',
            satisfaction='1',
            promise='A new one',
            promise_until='2027-06-04',
        )
        promise = ticket.promise_ids if 'promise_ids' in ticket._fields else None
        promise = self.env['retail.ticket.promise'].search([('ticket_id', '=', ticket.id)])
        self.assertEqual((promise.what, promise.due_at.date()), ('A new one', date(2027, 6, 4)))
        self.assertFalse(self.bob.activity_ids)


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareContact(CareWorkCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env['mail.template'].create(
            {
                'name': 'Hello',
                'model_id': cls.env['ir.model']._get_id('retail.followup'),
                'subject': 'For {{ object.partner_id.name }}',
                'body_html': '<p>Dear <t t-out="object.partner_id.name"/></p>',
            }
        )

    def _contact(self, partners, user=None, **values):
        dialog = self.env['retail.followup.contact'].with_user(user or self.user)
        return dialog.create({'partner_ids': [Command.set(partners.ids)], **values})

    def _made(self, partners):
        return self.env['retail.followup'].search(
            [('partner_id', 'in', partners.ids), ('rule_id', '=', False)]
        )

    def test_forged_dialog(self):
        """No template of another model, no document of another customer; marketing is limited."""
        other = self.bob.copy({'name': 'Other'})
        foreign = self.env['mail.template'].create(
            {
                'name': 'Foreign',
                'model_id': self.env['ir.model']._get_id('res.users'),
                'subject': 'Link of {{ object.login }}',
                'body_html': '<p t-out="object.login"/>',
            }
        )
        ticket = self.env['retail.ticket'].create({'subject': 'Late', 'partner_id': other.id})
        dialog = self._contact(
            self.bob,
            channel_id=self.phone.id,
            purpose='marketing',
            template_id=foreign.id,
            res_model='retail.ticket',
            res_id=ticket.id,
        )
        self.assertFalse(dialog.subject)
        dialog.action_apply()
        followup = self._made(self.bob)
        self.assertFalse(followup.template_id)
        self.assertFalse(followup.res_id)
        self.assertFalse(followup.is_expected)
        own = self.env['retail.ticket'].create({'subject': 'Mine', 'partner_id': self.bob.id})
        dialog = self._contact(
            self.bob, channel_id=self.phone.id, res_model='retail.ticket', res_id=own.id
        )
        self.assertEqual(dialog._document(), {'res_model': 'retail.ticket', 'res_id': own.id})

    def test_message_by_template_leaves_at_once(self):
        """A contact by template in the dialog leaves as a mail and is on the file (S-FUP-10)."""
        dialog = self._contact(self.bob, channel_id=self.email.id, template_id=self.template.id)
        self.assertEqual(dialog.subject, 'For Bob')
        self.assertIn('Dear Bob', dialog.body)
        dialog.action_apply()
        followup = self._made(self.bob)
        self.assertEqual((followup.state, followup.channel_id), ('done', self.email))
        self.assertEqual((followup.purpose, followup.is_expected), ('service', True))
        self.assertTrue(followup.contacted_at)
        self.assertFalse(followup.counted_on)

    def test_call_is_a_task_of_somebody(self):
        """A call waits for who was chosen, as an activity."""
        self._contact(
            self.bob, channel_id=self.phone.id, subject='Ask about the shoes', user_id=self.user.id
        ).action_apply()
        followup = self._made(self.bob)
        self.assertEqual((followup.state, followup.user_id), ('todo', self.user))
        self.assertEqual(self._activity(followup).user_id, self.user)

    def test_on_a_later_day(self):
        """What is planned for another day waits until its morning (S-FUP-11)."""
        self._contact(
            self.bob, channel_id=self.phone.id, subject='Later', due_on=date(2027, 6, 9)
        ).action_apply()
        followup = self._made(self.bob)
        self.assertEqual((followup.state, followup.due_on), ('planned', date(2027, 6, 9)))
        self.assertEqual(followup.try_at.date(), date(2027, 6, 9))

    def test_preference_and_refusal_are_said_first(self):
        """The dialog starts with the preferred channel and says what speaks against the chosen one (S-FUP-10)."""
        self.bob.retail_preferred_channel_id = self.email
        dialog = self._contact(self.bob)
        self.assertEqual((dialog.channel_id, dialog.warning), (self.email, False))
        dialog.channel_id = self.phone
        self.assertIn('E-mail', dialog.warning)

    def test_refused_channel_is_not_used(self):
        """Consent rules also what is started by hand: the follow-up says why nothing left."""
        self.env['retail.consent']._record(
            self.bob, {('service', self.email): False}, source='shop', company=self.company
        )
        self._contact(self.bob, channel_id=self.email.id, body='<p>Hi</p>').action_apply()
        followup = self._made(self.bob)
        self.assertEqual((followup.state, followup.reason), ('skipped', 'refused'))

    def test_many_are_marketings(self):
        """Several customers at once: marketing only, each by his consent, and limited (S-FUP-10)."""
        partners = self.bob + self.ann
        self.ann.email = 'ann@shop.test'
        values = {'channel_id': self.email.id, 'template_id': self.template.id}
        with self.assertRaises(AccessError):
            self._contact(partners, **values).action_apply()
        with self.assertRaises(AccessError):
            partners.with_user(self.user).action_retail_contact()
        text = self.env['retail.consent.text']._current('marketing', self.company)
        if not text:
            self.env['retail.consent.text'].create(
                {'purpose': 'marketing', 'version': 'x', 'text': 'Yes'}
            )
        self.env['retail.consent']._record(
            self.bob, {('marketing', self.email): True}, source='shop', company=self.company
        )
        self._contact(
            partners, self.users['marketing'], purpose='marketing', **values
        ).action_apply()
        made = self._made(partners)
        self.assertEqual(
            {(one.partner_id, one.state, one.reason) for one in made},
            {(self.bob, 'done', False), (self.ann, 'skipped', 'no_consent')},
        )
        self.assertEqual(made.filtered(lambda one: one.state == 'done').subject, 'For Bob')
        self.assertEqual(made.filtered(lambda one: one.state == 'done').counted_on, DAY)

    def test_nonsense_is_refused(self):
        """Nobody, nothing to say, the past."""
        for values in (
            {'channel_id': self.email.id},
            {'channel_id': self.phone.id, 'due_on': date(2027, 6, 1)},
        ):
            with self.assertRaises(UserError):
                self._contact(self.bob, **values).action_apply()
        with self.assertRaises(UserError):
            self._contact(self.bob.browse(), channel_id=self.phone.id).action_apply()
        with self.assertRaises(AccessError):
            self.bob.with_user(self.users['sales']).action_retail_contact()

    def test_from_ticket_and_order(self):
        """The button is on tickets and orders, and the follow-up keeps what it is about (S-FUP-10)."""
        order = self._create_order(self.bob, 10)
        action = order.action_retail_contact()
        context = action['context']
        self.assertEqual(
            (context['default_res_model'], context['default_res_id']), ('sale.order', order.id)
        )


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareCustomer(CareWorkCommon):
    def test_card_and_history(self):
        """The form shows the card, what was bought and what was said before, and what speaks against a call."""
        earlier = self._followup()
        self._close(earlier, result='reached', opinion='Nice')
        self._create_order(self.bob, 50, DAY)
        self._process()
        self.bob.retail_preferred_channel_id = self.email
        followup = self._followup().with_user(self.user)
        self.assertEqual(followup.earlier_ids, earlier)
        self.assertEqual(followup.bought_ids.partner_id, self.bob)
        self.assertIn('E-mail', followup.contact_warning)
        self.company.write({'retail_care_call_from': 14.0, 'retail_care_call_to': 20.0})
        followup.invalidate_recordset()
        self.assertIn('not before 14:00', followup.contact_warning)

    def test_customers_card(self):
        """The customer's form tells next and last follow-up, for staff (S-FUP-17)."""
        done = self._followup()
        self._close(done, result='reached')
        self._followup(due_on=date(2027, 6, 9))
        partner = self.bob.with_user(self.user)
        self.assertEqual(
            (partner.retail_followup_count, partner.retail_followup_open_count), (2, 1)
        )
        self.assertIn('Reached', partner.retail_followup_text)
        self.assertIn('06/09/2027', partner.retail_followup_text)
        self.assertEqual(
            partner.action_retail_followups()['domain'],
            [('commercial_partner_id', '=', self.bob.id)],
        )
        self.assertFalse(self.ann.with_user(self.user).retail_followup_text)

    def test_time_line(self):
        """Each contact of ours is a touch point with date and channel; what nobody saw is none (S-FUP-17)."""
        followup, _open = self._followup(), self._followup()
        self._close(followup, result='reached', opinion='Nice shop')
        rows = self.env['retail.timeline'].search(
            [('partner_id', '=', self.bob.id), ('kind', '=', 'followup')]
        )
        self.assertEqual((rows.res_id, rows.channel_id), (followup.id, self.phone))
        self.assertIn('Nice shop', rows.summary)

    def test_merge(self):
        """Merged customers keep all follow-ups; nobody is contacted twice for one occasion (R-loy D.2 15)."""
        twin = self.env['res.partner'].create({'name': 'Bob Twin'})
        done = self._followup(occurrence='2027')
        self._close(done, result='reached')
        double = self._followup(twin, occurrence='2027')
        own = self._followup(twin, occurrence='2028')
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard._merge((self.bob + twin).ids, self.bob, extra_checks=False)
        everything = done + double + own
        self.assertEqual(everything.partner_id, self.bob)
        self.assertEqual(everything.commercial_partner_id, self.bob)
        self.assertEqual(everything.mapped('state'), ['done', 'cancelled', 'todo'])
        self.assertFalse(self._activity(double))

    def test_anonymise(self):
        """Of the anonymised stays that they were contacted, not what was said; what waits is given up (S-SEC-07)."""
        officer = self.users['manager']
        officer.group_ids += self.env.ref('retail_crm.group_sensitive')
        followup, waiting = self._followup(subject='Hi Bob'), self._followup()
        self._close(followup, result='not_reached', note='His wife Eve answered')
        self._close(followup, result='reached', opinion='I am Bob', needs='Pills', next_step='Ask')
        followup.message_post(body='Bob called back')
        followup.write({'coupon_code': '044-bob', 'gift': 'A cake for Bob'})
        self.bob.with_user(officer)._retail_anonymise('He asked')
        self.assertEqual((followup.state, waiting.state), ('done', 'cancelled'))
        self.assertTrue(followup.contacted_at)
        names = ('subject', 'opinion', 'needs', 'next_step', 'coupon_code', 'gift')
        self.assertFalse(any(followup[name] for name in names))
        self.assertFalse(any(followup.attempt_ids.mapped('note')))
        self.assertFalse([body for body in followup.message_ids.mapped('body') if 'Bob' in body])
        self.assertFalse(self._activity(waiting))

    def test_data_report_has_them(self):
        """What is kept of follow-ups is among the data of a customer (S-SEC-07)."""
        followup = self._followup()
        models = {model._name: ids for model, ids in self.bob.sudo()._retail_report_rows()}
        self.assertIn(followup.id, models['retail.followup'])

    def test_two_companies(self):
        """Follow-ups of another company are invisible, on card and time line, too (design 7)."""
        other = self.env['retail.followup'].create(
            {'partner_id': self.bob.id, 'company_id': self.company_2.id}
        )
        other.write({'state': 'done', 'contacted_at': NOON, 'result': 'reached'})
        with self.assertRaises(AccessError):
            other.with_user(self.user).read(['state'])
        self.assertEqual(self.bob.with_user(self.user).retail_followup_count, 0)
        self.assertFalse(
            self.env['retail.timeline']
            .with_user(self.user)
            .search([('partner_id', '=', self.bob.id), ('kind', '=', 'followup')])
        )
        with self.assertRaises(UserError):
            other.company_id = self.company.id

    def test_birthday_leads_to_its_follow_up(self):
        """On My Day a birthday opens the follow-up that waits for it."""
        self.bob.write(
            {
                'retail_customer': True,
                'retail_adviser_id': self.user.id,
                'retail_birth_month': '6',
                'retail_birth_day': 4,
            }
        )
        self.env.ref('base.group_user')._apply_group(self.env.ref('retail_crm.group_block_care'))
        self.rule.write({'trigger': 'birthday', 'state': 'on'})
        followup = self._followup(due_on=DAY + timedelta(days=2))
        day = self.env['retail.my.day'].with_user(self.user)
        section = next(one for one in day.action_load()['sections'] if one['key'] == 'birthdays')
        self.assertEqual(
            [(row['model'], row['id']) for row in section['rows']],
            [('retail.followup', followup.id)],
        )
