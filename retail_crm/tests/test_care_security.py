"""What care keeps from whom: restricted complaints, owners, documents of others, sensitive conditions, archived companies."""

from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .send_common import NOON, TODAY, SendCommon
from .test_care_work import DAY, CareWorkCommon
from .test_care_work import NOON as WORK_NOON


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(WORK_NOON)
class TestRestrictedFollowups(CareWorkCommon):
    """Secrets of complaints about a person do not come out by the follow-ups about them (S-TKT-29, design 7)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref('base.group_user')._apply_group(cls.env.ref('retail_crm.group_block_care'))
        cls.guide, cls.involved, cls.colleague, cls.officer = cls._create_users(
            guide='retail_crm.group_user',
            involved='retail_crm.group_user',
            colleague='retail_crm.group_user',
            officer='retail_crm.group_user',
        ).values()
        cls.officer.group_ids += cls.env.ref('retail_crm.group_complaint')
        cls.complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.rule.user_id = cls.users['manager']
        cls.bob.retail_customer = True

    @classmethod
    def _ticket(cls, **values):
        return cls.env['retail.ticket'].create(
            {
                'subject': 'Rude',
                'partner_id': cls.bob.id,
                'type_id': cls.complaint.id,
                'user_id': cls.user.id,
                'involved_user_ids': [Command.link(cls.involved.id)],
                **values,
            }
        )

    def _about(self, ticket, **values):
        return self._followup(res_model='retail.ticket', res_id=ticket.id, **values)

    def _secret(self, ticket):
        ticket.write({'is_restricted': True, 'blocked_user_id': self.guide.id})

    def _readers(self, records):
        """Return who of all reads records."""
        records.env.flush_all()
        people = {
            'owner': self.user,
            'involved': self.involved,
            'officer': self.officer,
            'manager': self.users['manager'],
            'marketing': self.users['marketing'],
            'lead': self.lead,
            'colleague': self.colleague,
            'guide': self.guide,
        }
        return {
            name
            for name, user in people.items()
            if records.with_user(user).search([('id', 'in', records.ids)])
        }

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_who_reads_what(self):
        """Follow-up, attempts, figures and time line are as secret as the ticket, from the moment it becomes secret."""
        ticket = self._ticket()
        followup = self._about(ticket, contacted_at=WORK_NOON)
        led = self._followup(ticket_id=ticket.id)
        attempt = followup._log_attempts('not_reached')
        everybody = self._readers(followup)
        self.assertEqual(len(everybody), 8)
        self._secret(ticket)
        in_charge = {'owner', 'involved', 'officer', 'manager'}
        for records in (followup, led, attempt):
            self.assertEqual(self._readers(records), in_charge, records)
        figures = self.env['retail.followup.report'].browse(followup.id)
        self.assertEqual(self._readers(figures), in_charge - {'involved'})
        row = ('row_id', '=', followup.id), ('kind', '=', 'followup')
        for user, seen in ((self.user, 1), (self.colleague, 0), (self.guide, 0)):
            timeline = self.env['retail.timeline'].with_user(user)
            domain = [('partner_id', '=', self.bob.id), *row]
            self.assertEqual(timeline.search_count(domain), seen, user.name)
        for user in (self.colleague, self.guide, self.lead):
            with self.assertRaises(AccessError):
                followup.with_user(user).read(['opinion'])
            with self.assertRaises(AccessError):
                followup.with_user(user).action_cancel()
        ticket.write({'is_restricted': False})
        self.assertEqual(self._readers(followup), everybody - {'guide'})
        ticket.write({'blocked_user_id': False})
        self.assertEqual(self._readers(followup), everybody)

    def test_two_persons(self):
        """The call is about one complaint and led to another, of another person: neither of them reads it."""
        ticket, other = self._ticket(), self._ticket()
        followup = self._about(ticket)
        followup._stamp({'ticket_id': other.id})
        self._secret(ticket)
        other.write({'is_restricted': True, 'blocked_user_id': self.colleague.id})
        self.assertLessEqual({'owner', 'officer'}, self._readers(followup))
        self.assertFalse({'guide', 'colleague'} & self._readers(followup))
        # the system writes it past the rules of a person's write
        other._stamp({'blocked_user_id': self.lead.id})
        self.assertFalse({'guide', 'lead'} & self._readers(followup))

    def test_update(self):
        """An update fills the columns of follow-ups that are there, in one statement, and of no others."""
        ticket, other = self._ticket(), self._ticket()
        about, led, plain = self._about(ticket), self._followup(), self._about(other)
        led._stamp({'ticket_id': ticket.id})
        self._secret(ticket)
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE retail_followup SET is_restricted = NULL, blocked_user_id = NULL WHERE id IN %s',
            [(about.id, led.id, plain.id)],
        )
        self.env.invalidate_all()
        self.env['retail.followup']._follow_all_tickets()
        for followup in (about, led):
            self.assertEqual((followup.is_restricted, followup.blocked_user_id), (True, self.guide))
        self.assertFalse(plain.is_restricted or plain.blocked_user_id)

    def test_blocked_manager(self):
        """Whoever is complained about reads nothing of it, whatever his rights are."""
        ticket = self._ticket()
        followup = self._about(ticket)
        ticket.write({'is_restricted': True, 'blocked_user_id': self.users['manager'].id})
        self.assertEqual(self._readers(followup), {'owner', 'involved', 'officer'})

    def test_owner_task_and_subscription_go(self):
        """Who had the call loses it with its task when the complaint becomes a secret to him."""
        ticket = self._ticket()
        followup = self._about(ticket, user_id=self.guide.id)
        followup.message_subscribe(self.guide.partner_id.ids)
        self.assertEqual(self._activity(followup).user_id, self.guide)
        self._secret(ticket)
        self.assertEqual(followup.user_id, self.user, 'the owner of the rule handles it')
        self.assertEqual(self._activity(followup).user_id, self.user)
        self.assertNotIn(self.guide.partner_id, followup.message_partner_ids)

    def test_planned_as_secret(self):
        """What a rule plans about a restricted complaint is restricted from its first moment, and its handler's."""
        self.env['retail.care.rule'].search([('code', '=', 'after_complaint')]).write(
            {'code': False, 'state': 'off'}
        )
        self.rule.write(
            {
                'code': 'after_complaint',
                'trigger': 'moment',
                'moment_kind': 'ticket_solved',
                'owner': 'handler',
            }
        )
        self.rule.write({'state': 'on', 'started_on': DAY - timedelta(days=30)})
        self.env.flush_all()
        ticket = self._ticket()
        self._secret(ticket)
        self.moments._emit('ticket_solved', ticket)
        self._process()
        followup = self.env['retail.followup'].search([('rule_id', '=', self.rule.id)])
        self.assertEqual((followup.res_id, followup.is_restricted), (ticket.id, True))
        self.assertEqual(followup.sudo().blocked_user_id, self.guide)
        self.assertNotIn('colleague', self._readers(followup))
        self.env['retail.followup']._process_due()
        self.assertEqual((followup.state, followup.user_id), ('todo', self.user))
        # the rule asks: no activity besides
        ticket._plan_call_back()
        self.assertFalse(ticket.activity_ids)
        # nor does the question "why" tell of it
        answer = self.rule.with_user(self.colleague)._why(self.bob)[self.rule.id]
        self.assertFalse(answer.followup)
        self.assertTrue(self.rule.with_user(self.user)._why(self.bob)[self.rule.id].followup)
        summary = self.bob.with_user(self.colleague).retail_followup_count
        self.assertEqual(summary, 0)

    def test_what_follows_is_secret(self):
        """Another contact, or a promise, noted in a restricted call is no open secret."""
        ticket = self._ticket()
        followup = self._about(ticket)
        self._secret(ticket)
        followup.with_user(self.user)._contact_again(DAY + timedelta(days=3), 'Say sorry')
        again = self.env['retail.followup'].search([('subject', '=', 'Say sorry')])
        self.assertTrue(again.is_restricted)
        self.assertNotIn('colleague', self._readers(again))
        closed = self.complaint.stage_ids.filtered(lambda stage: stage.category == 'solved')[:1]
        ticket._stamp({'stage_id': closed.id})
        followup.with_user(self.user)._keep_promise('An apology in writing', False)
        task = self.env['mail.activity'].search([('summary', 'like', 'An apology in writing')])
        self.assertEqual((task.res_model, task.res_id), ('retail.followup', followup.id))

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_contact_about_a_secret(self):
        """Who handles a restricted complaint contacts the customer about it: only in charge may do it."""
        ticket = self._ticket()
        self._secret(ticket)
        values = {
            'partner_ids': self.bob.ids,
            'channel_id': self.phone.id,
            'subject': 'Sorry',
            'res_model': 'retail.ticket',
            'res_id': ticket.id,
        }
        Dialog = self.env['retail.followup.contact'].with_user(self.user)
        for who in (self.guide, self.colleague):
            with self.assertRaises(UserError):
                Dialog.create({**values, 'user_id': who.id}).action_apply()
        Dialog.create(values).action_apply()
        followup = self.env['retail.followup'].search([('subject', '=', 'Sorry')])
        self.assertEqual((followup.res_id, followup.is_restricted), (ticket.id, True))


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(WORK_NOON)
class TestFollowupChecks(CareWorkCommon):
    """What people say of follow-ups by RPC is checked as what they say by buttons."""

    def test_owner_may_work_on_it(self):
        """Nobody takes, gets or is asked to do what he may not see: other company, left, blocked, no staff."""
        stranger, gone = self._create_users(
            stranger='retail_crm.group_user', gone='retail_crm.group_user'
        ).values()
        stranger.write(
            {'company_id': self.company_2.id, 'company_ids': [Command.set(self.company_2.ids)]}
        )
        gone.active = False
        followup = self._followup()
        mine = followup.with_user(self.user)
        for user in (stranger, gone, self.users['internal'], self.users['portal']):
            with self.subTest(user=user.name):
                with self.assertRaises(UserError):
                    mine.write({'user_id': user.id})
                with self.assertRaises(UserError):
                    self._activity(followup).with_user(self.user).write({'user_id': user.id})
                with self.assertRaises(UserError):
                    mine.create(
                        {
                            'partner_id': self.bob.id,
                            'company_id': self.company.id,
                            'user_id': user.id,
                        }
                    )
                with self.assertRaises(UserError):
                    self.env['retail.followup.contact'].with_user(self.user).create(
                        {
                            'partner_ids': self.bob.ids,
                            'channel_id': self.phone.id,
                            'user_id': user.id,
                        }
                    ).action_apply()
        mine.write({'user_id': self.lead.id})
        self.assertEqual(followup.user_id, self.lead)

    def test_taking(self):
        """Taking asks whether the taker may see the customer, too."""
        followup = self._followup()
        followup.sudo().user_id = False
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.bob.company_id = branch
        with self.assertRaises(UserError):
            followup.with_user(self.user).action_take()
        self.bob.company_id = self.company
        followup.with_user(self.user).action_take()
        self.assertEqual(followup.user_id, self.user)

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_documents_and_customers_of_others(self):
        """A follow-up by RPC names neither what its maker may not read nor a customer of another company."""
        ticket = self.env['retail.ticket'].create(
            {'subject': 'Secret', 'partner_id': self.bob.id, 'is_restricted': True}
        )
        foreign = self.env['res.partner'].create(
            {'name': 'Foreign', 'company_id': self.company_2.id}
        )
        followups = self.env['retail.followup'].with_user(self.user)
        values = {'partner_id': self.bob.id, 'company_id': self.company.id}
        refused = (
            (AccessError, {'res_model': 'retail.ticket', 'res_id': ticket.id}),
            (AccessError, {'res_model': 'ir.config_parameter', 'res_id': 1}),
            (UserError, {'res_model': 'retail.ticket', 'res_id': 2**30}),
            (UserError, {'res_model': 'no.model', 'res_id': 1}),
            (UserError, {'res_model': 'retail.ticket'}),
            (AccessError, {'partner_id': foreign.id}),
        )
        for error, extra in refused:
            with self.subTest(extra=extra), self.assertRaises(error):
                followups.create({**values, **extra})
        both = self.lead
        both.company_ids += self.company_2
        with self.assertRaises(UserError):
            followups.with_user(both).with_context(
                allowed_company_ids=(self.company | self.company_2).ids
            ).create({**values, 'partner_id': foreign.id})
        for vals in ({'partner_id': self.ann.id}, {'res_model': 'retail.ticket', 'res_id': 1}):
            with self.assertRaises(AccessError):
                self._followup().with_user(self.user).write(vals)
        own = self.env['retail.ticket'].create({'subject': 'Open', 'partner_id': self.bob.id})
        made = followups.create({**values, 'res_model': 'retail.ticket', 'res_id': own.id})
        self.assertEqual(made.res_id, own.id)

    def test_merging_into_the_contact_of_a_company(self):
        """Follow-ups of merged contacts, and of those below them, count for the company of the one who remains."""
        chief = self.env['res.partner'].create({'name': 'Chief'})
        child = self.env['res.partner'].create({'name': 'Child', 'parent_id': chief.id})
        one, two = self._followup(chief), self._followup(child)
        self.assertEqual(two.commercial_partner_id, chief)
        self.env['base.partner.merge.automatic.wizard']._merge((chief | self.ann).ids, self.ann)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual((one.partner_id, one.commercial_partner_id), (self.ann, self.acme))
        self.assertEqual((two.partner_id, two.commercial_partner_id), (child, self.acme))


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOON)
class TestCareQuestions(SendCommon):
    """Questions tell nobody what he may not read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.env['res.partner'].create(
            {'name': 'Foreign', 'company_id': cls.company_2.id}
        )
        cls.foreign_rule = cls.service_rule.copy({'company_id': cls.company_2.id, 'name': 'Theirs'})

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_dialogs_ask_for_read_access(self):
        """Why and preview answer about customers and rules that the user may read only."""
        Why = self.env['retail.care.why'].with_user(self.users['user'])
        for values in (
            {'partner_id': self.foreign.id},
            {'partner_id': self.cara.id, 'rule_id': self.foreign_rule.id},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                Why.create(values)
            with self.subTest(values=values), self.assertRaises(AccessError):
                Why.create({'partner_id': self.cara.id}).write(values)
        with self.assertRaises(AccessError):
            _hint = Why.new({'partner_id': self.foreign.id}).hint
        Preview = self.env['retail.care.preview'].with_user(self.users['marketing'])
        with self.assertRaises(AccessError):
            Preview.create({'rule_id': self.foreign_rule.id, 'company_id': self.company.id})
        preview = Preview.create({'rule_id': self.offer_rule.id, 'company_id': self.company.id})
        with self.assertRaises(AccessError):
            preview.write({'partner_id': self.foreign.id})
        with self.assertRaises(AccessError):
            preview.write({'rule_id': self.foreign_rule.id})

    def _birthday_today(self):
        self.cara.write({'birthday': TODAY.replace(year=1980)})
        self.offer_rule.write({'state': 'on', 'started_on': TODAY, 'lead_days': 0})

    def test_sensitive_conditions_are_not_told(self):
        """Who may not read a sensitive segment or field learns of the audience only that the customer is not in it."""
        segment = self.env['retail.segment'].create(
            {
                'name': 'Rich',
                'company_id': self.company.id,
                'domain': "[('retail_annual_income', '>', 100)]",
            }
        )
        self.assertTrue(segment.is_sensitive)
        knowing = self.users['manager']
        knowing.group_ids += self.env.ref('retail_crm.group_sensitive')
        staff, director = self.users['user'], self.users['lead']
        director.group_ids += self.env.ref('retail_crm.group_manager')
        general = 'The customer is not in the audience of the rule.'
        self._birthday_today()
        cases = ({'segment_ids': segment.ids}, {'domain': segment.domain, 'segment_ids': False})
        for values in cases:
            self._change(self.offer_rule, **values)
            self.offer_rule.started_on = TODAY
            with self.subTest(values=values):
                ask = lambda user: self.offer_rule.with_user(user)._why(self.cara, NOON)  # noqa: E731
                mine, theirs = ask(knowing), ask(staff)
                self.assertNotEqual(mine[self.offer_rule.id].text, general)
                answer = theirs[self.offer_rule.id]
                self.assertEqual((answer.kind, answer.text), ('out', general))
                # whether an occasion comes would tell it, too
                self.cara.birthday = TODAY.replace(year=1980) + timedelta(days=40)
                self.assertEqual(ask(staff)[self.offer_rule.id].text, general)
                self.cara.birthday = TODAY.replace(year=1980)
                shown = self.env['retail.care.preview'].with_user(director)
                action = shown._open(self.offer_rule.with_user(director))
                preview = shown.browse(action['res_id'])
                self.assertIn('may not see', preview.warnings)
                self.assertFalse(preview.line_ids or preview.meant_count or preview.figures)
                self.assertFalse(self.offer_rule.is_previewed)

    def test_archived_company(self):
        """For an archived company nothing is planned and nothing leaves; nor for customers of an archived branch."""
        self._birthday_today()
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        self.cara.company_id = branch
        branch.active = False
        self.assertEqual(self.offer_rule._plan(TODAY), 0)
        waiting = self._plan(self.service_rule, self.cara)
        self._run()
        self.assertState(waiting, 'skipped', 'company_archived')
        branch.active = True
        self.assertEqual(self.offer_rule._plan(TODAY, partners=self.cara), 1)
        theirs = self._plan(self.foreign_rule, self.foreign, company_id=self.company_2.id)
        self.foreign_rule.write({'state': 'on'})
        self.company_2.active = False
        self._run()
        self.assertState(theirs, 'skipped', 'company_archived')
        self.assertEqual(self.foreign_rule._plan(TODAY), 0)
