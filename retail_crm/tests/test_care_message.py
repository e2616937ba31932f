from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .send_common import NOON, TODAY, SendCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareChannels(SendCommon):
    def _sent_by(self, customer, rule=None, **values):
        followup = self._plan(rule or self.any_rule, customer, **values)
        self._run()
        return followup

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.any_rule = cls._create_rule('Any', 'marketing', channel_mode='preferred')

    def test_preferred_channel_first(self):
        """The preferred channel, then the fallbacks in their order, where consent holds (S-FUP-02, defaults 7)."""
        letters = self.cara.copy({'name': 'Lea', 'email': 'lea@example.com'})
        self._agree(letters, self.letter | self.email)
        letters.retail_preferred_channel_id = self.letter
        self.assertEqual(self._sent_by(letters).channel_id, self.letter)
        self.assertEqual(self._sent_by(self.cara).channel_id, self.phone)
        self._agree(self.cara, self.phone, granted=False)
        self.assertEqual(self._sent_by(self.cara, occurrence='2').reason, 'limit_week')

    def test_why_on_no_channel(self):
        """The most telling reason: refused, never asked, no address (S-MKT-02)."""
        reasons = {}
        for name, channels in (('Refuser', self.email), ('Unasked', self.email.browse())):
            customer = self._create_customer(name, channels=self.email.browse())
            self._agree(customer, channels, granted=False, purposes=('marketing',))
            reasons[name] = self._sent_by(customer, self.offer_rule)
        reasons['Nowhere'] = self._sent_by(
            self._create_customer('Nowhere', email=False), self.offer_rule
        )
        came_back = self._create_customer('Bounce')
        came_back.message_bounce = 1
        reasons['Bounce'] = self._sent_by(came_back, self.offer_rule)
        blocked = self._create_customer('Blocked')
        self.env['mail.blacklist']._add(blocked.email)
        reasons['Blocked'] = self._sent_by(blocked, self.offer_rule)
        self.assertEqual(
            {name: (row.state, row.reason) for name, row in reasons.items()},
            {
                'Refuser': ('skipped', 'refused'),
                'Unasked': ('skipped', 'no_consent'),
                'Nowhere': ('skipped', 'no_address'),
                'Bounce': ('skipped', 'no_address'),
                'Blocked': ('skipped', 'refused'),
            },
        )

    def test_service_without_consent(self):
        """Service needs no consent where the company says so, but a refusal always holds (consent rule of the company)."""
        self.company.retail_service_consent = False
        dora = self._create_customer('Dora', channels=self.email.browse())
        self.assertEqual(self._sent_by(dora, self.service_rule).state, 'done')
        self._agree(dora, self.email, granted=False)
        again = self._sent_by(dora, self.service_rule, occurrence='again')
        self.assertState(again, 'skipped', 'refused')

    def test_consent_as_the_one_place_has_it(self):
        """Sending agrees with ``retail.consent._allowed`` for every purpose, channel and decision (S-SEC-12)."""
        people = self.env['res.partner']
        for number, granted in enumerate((True, False, None)):
            person = self._create_customer(f'P{number}', channels=self.email.browse())
            if granted is not None:
                self._agree(person, self.email, granted=granted)
            people |= person
        for needs_consent in (True, False):
            self.company.retail_service_consent = needs_consent
            for purpose, rule in (('marketing', self.offer_rule), ('service', self.service_rule)):
                rows = self.followups.concat(
                    *[self._plan(rule, one, occurrence=f'{needs_consent}') for one in people]
                )
                reaches = rows._reaches()
                allowed = self.env['retail.consent']._allowed(
                    people, purpose, self.email, self.company
                )
                self.assertEqual(
                    rows.filtered(lambda one, reaches=reaches: reaches[one.id].channel).partner_id,
                    allowed,
                )

    def test_call_and_hand(self):
        """Calls and messages by hand wait for their owner, with the prepared text (S-FUP-02)."""
        hand = self._create_rule('Hand', 'service', self.wechat)
        self._agree(self.cara, self.wechat)
        message = self._sent_by(self.cara, hand)
        self.assertState(message, 'todo')
        self.assertEqual(message.user_id, self.users['user'])
        self.assertIn('Dear Cara', message.body)
        self.assertFalse(message.contacted_at)
        self.assertEqual(message.counted_on, TODAY)

    def test_by_hand(self):
        """What somebody starts himself leaves on the channel that he chose, in his words, whatever the limits (S-FUP-10)."""
        self._sent(self.service_rule, self.cara, 1)
        self._sent(self.service_rule, self.cara, 2)
        followup = self._plan(
            self.env['retail.care.rule'],
            self.cara,
            channel_id=self.email.id,
            subject='Your dress',
            body='<p>It is here.</p>',
        )
        self._run()
        self.assertState(followup, 'done')
        self.assertEqual(followup.mail_mail_id.subject, 'Your dress')
        self.assertFalse(followup.counted_on)

    def test_customers_language(self):
        """Template and text are in the language of the customer (S-FUP-10)."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.cara.lang = 'fr_FR'
        self.service_rule.with_context(lang='fr_FR').text = 'Bonjour {name}'
        self.assertIn('Bonjour Cara', self._sent_by(self.cara, self.service_rule).body)
        template = self.env['mail.template'].create(
            {
                'name': 'Hello',
                'model_id': self.env['ir.model']._get_id('retail.followup'),
                'subject': 'Hello {{ object.partner_id.name }}',
                'body_html': '<p>Good day <t t-out="object.partner_id.name"/></p>',
            }
        )
        template.with_context(lang='fr_FR').subject = 'Salut {{ object.partner_id.name }}'
        self._change(self.service_rule, template_id=template.id)
        followup = self._sent_by(self.cara, self.service_rule, occurrence='2')
        self.assertEqual(followup.subject, 'Salut Cara')
        self.assertIn('Good day Cara', followup.mail_mail_id.body_html)

    def test_warning_of_a_rule(self):
        """Who writes a rule is told when its hour is quiet, nothing is written or a channel cannot be used (S-MKT-03)."""
        self.assertFalse(self.offer_rule.send_warning)
        self.offer_rule.hour = 21
        self.assertIn('quiet hours', self.offer_rule.send_warning)
        self.offer_rule.write({'hour': 10, 'text': False})
        self.assertIn('neither', self.offer_rule.send_warning)
        self.offer_rule.channel_line_ids.unlink()
        self.assertIn('no channel', self.offer_rule.send_warning)

    def test_each_gets_his_own_words(self):
        """A template that is compiled once for a batch still says to everybody what is his (S-FUP-10)."""
        template = self.env['mail.template'].create(
            {
                'name': 'Hello',
                'model_id': self.env['ir.model']._get_id('retail.followup'),
                'subject': 'Hello',
                'body_html': '<p t-if="object.partner_id.city" t-set="city" t-value="object.partner_id.city"/>'
                '<p><t t-out="object.partner_id.name"/> of <t t-out="city or 0"/></p>',
            }
        )
        self._change(self.service_rule, template_id=template.id)
        people = self.cara | self._create_customer('Dora', city=False)
        rows = self.followups.concat(*[self._plan(self.service_rule, one) for one in people])
        self._run()
        texts = rows.sorted('id').mapped(lambda one: one._plain(one.body))
        self.assertEqual(texts, ['Cara of Shanghai', 'Dora of 0'])

    # === FAILURES ===#

    def test_failed_mail_goes_on_by_the_next_channel(self):
        """A mail that cannot be delivered counts for nothing and the next channel is tried; at last it has failed."""
        rule = self._create_rule('Both', 'service', self.email | self.letter)
        self._agree(self.cara, self.letter)
        dora = self._create_customer('Dora')
        first, second = self._plan(rule, self.cara), self._plan(rule, dora)
        self._run()
        for followup in (first, second):
            followup.mail_mail_id._postprocess_sent_message(
                [], [], failure_reason='No such address', failure_type='mail_email_invalid'
            )
        self.assertState(first, 'planned')
        self.assertFalse(first.counted_on or first.contacted_at)
        first.try_at = NOON
        second.try_at = NOON
        self._run()
        self.assertEqual((first.state, first.channel_id), ('todo', self.letter))
        self.assertState(second, 'skipped', 'no_consent')
        self.assertEqual(first.attempt_ids.mapped('note'), ['No such address'])
        only = self._sent_by(dora, self.service_rule)
        only._message_receive_bounce('dora@example.com', dora)
        self.assertState(only, 'failed', 'error')

    # === REFUSAL ===#

    def test_refusal_stops_at_once(self):
        """A refusal stops what is planned or waits for staff on the channel, at once; another channel is taken (S-SEC-12)."""
        calls = self._create_rule('Call', 'marketing', self.phone)
        both = self._create_rule('Both', 'marketing', self.phone | self.email)
        call = self._sent_by(self.cara, calls)
        planned, other = self._plan(calls, self.cara, occurrence=2), self._plan(both, self.cara)
        self.assertState(call, 'todo')
        self._agree(self.cara, self.phone, granted=False, purposes=('marketing',))
        self.assertState(call, 'skipped', 'refused')
        self.assertFalse(call.counted_on)
        self.assertState(planned, 'skipped', 'refused')
        self.assertState(other, 'planned')
        self._run()
        self.assertEqual((other.state, other.channel_id), ('done', self.email))

    def test_refusal_between_planning_and_sending(self):
        """What was agreed to when it was planned does not matter when it leaves (design 5.4)."""
        followup = self._plan(self.service_rule, self.cara)
        self.cara.email = False
        self._run()
        self.assertState(followup, 'skipped', 'no_address')

    def test_mail_in_the_queue_is_taken_back(self):
        """Who refuses while the mail is still in the queue does not get it (S-SEC-12)."""
        followup = self._sent_by(self.cara, self.offer_rule)
        mail = followup.mail_mail_id
        self._agree(self.cara, self.email, granted=False, purposes=('marketing',))
        self.assertEqual(mail.state, 'cancel')
        self.assertState(followup, 'skipped', 'refused')

    # === LETTERS AND THE CUSTOMER'S PAGES ===#

    def test_letters(self):
        """Letters are printed together and count as contacts when they were (S-FUP-02)."""
        rule = self._create_rule('Letter', 'service', self.letter)
        self._agree(self.cara, self.letter)
        letter = self._sent_by(self.cara, rule)
        self.assertState(letter, 'todo')
        self.assertFalse(letter.user_id or letter.activity_ids)
        html, _kind = self.env['ir.actions.report']._render_qweb_html(
            'retail_crm.report_letter', letter.ids
        )
        for word in ('Cara', 'Long Street 1', 'Shanghai', 'Dear Cara'):
            self.assertIn(word, html.decode())
        with self.assertRaises(AccessError):
            letter.with_user(self.users['internal']).action_letters_printed()
        letter.with_user(self.users['manager']).action_letters_printed()
        self.assertState(letter, 'done')
        self.assertTrue(letter.contacted_at)
        self.assertEqual(letter.done_by, self.users['manager'])
        with self.assertRaises(UserError):
            letter.with_user(self.users['manager']).action_print_letters()

    def test_messages_of_the_customers_pages(self):
        """Customers who can sign in read their own messages, without what staff noted about them (S-FUP-02)."""
        rule = self._create_rule('Shelf', 'service', self.in_site)
        owner, no_login = self.users['portal'].partner_id, self.cara
        owner.retail_customer = True
        self._agree(owner, self.email)
        mine, none = self._plan(rule, owner), self._plan(rule, no_login)
        self._run()
        self.assertState(mine, 'done')
        self.assertState(none, 'skipped', 'no_address')
        hidden = self._sent(self.service_rule, owner, 1)
        mine.opinion = 'Difficult'
        as_customer = self.followups.with_user(self.users['portal'])
        self.assertEqual(as_customer.search([]), mine)
        self.assertIn('hello', as_customer.browse(mine.id).body)
        for number, name in ((mine.id, 'opinion'), (mine.id, 'reason'), (hidden.id, 'body')):
            with self.assertRaises(AccessError):
                as_customer.browse(number).read([name])
        with self.assertRaises(AccessError):
            as_customer.browse(mine.id).write({'body': 'x'})

    # === REACTIONS ===#

    def test_bought(self):
        """Purchases within the days of reaction are counted with their amounts; those of before and later are not."""
        self.offer_rule.reaction_days = 14
        sent = self._sent(self.offer_rule, self.cara, 20)
        day = TODAY - timedelta(days=20)
        self._create_order(self.cara, 5, date=datetime.combine(day, datetime.min.time()))
        orders = [
            self._create_order(self.cara, amount, date=TODAY - timedelta(days=days))
            for amount, days in ((10, 18), (20, 6), (40, 5))
        ]
        self._process()
        self.followups._note_reactions(NOON - timedelta(days=5))
        self.assertEqual((sent.reaction, sent.order_id, sent.revenue), ('bought', orders[0], 30))
        orders[0]._action_cancel()
        self._process()
        self.followups._note_reactions(NOON - timedelta(days=5))
        self.assertEqual((sent.order_id, sent.revenue), (orders[1], 20))
        self.assertEqual(self.followups._note_reactions(NOON - timedelta(days=5)), 0)

    def test_answered_and_came(self):
        """An answer is a reaction that somebody is asked to read; so is a visit (S-FUP-13)."""
        answered = self._sent(self.offer_rule, self.cara, 3)
        answered.message_update({'body': '<p>Hm</p>', 'email_from': 'clerk@example.com'})
        self.assertFalse(answered.reaction)
        answered.message_update(
            {'body': '<p>Please call me</p>', 'email_from': 'Cara <CARA@example.com>'}
        )
        self.assertEqual(answered.reaction, 'replied')
        self.assertEqual(answered.activity_ids.user_id, self.users['user'])
        came = self._sent(self.service_rule, self.bob, 3)
        with freeze_time(NOON):
            self.env['retail.touch'].create({'partner_id': self.bob.id, 'kind': 'visit'})
        self.followups._note_reactions(NOON)
        self.assertEqual(came.reaction, 'visited')


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareUnsubscribe(SendCommon):
    def test_link_and_headers(self):
        """Marketing mails carry a link and the headers of RFC 8058; others do not (S-SEC-12)."""
        offer, guide = (
            self._plan(self.offer_rule, self.cara),
            self._plan(self.service_rule, self.cara),
        )
        self._run()
        url = offer._unsubscribe_url(self.email)
        self.assertIn(url, offer.mail_mail_id.body_html)
        self.assertIn(f"'List-Unsubscribe': '<{url}>'", offer.mail_mail_id.headers)
        self.assertIn('List-Unsubscribe=One-Click', offer.mail_mail_id.headers)
        self.assertNotIn(
            'unsubscribe', (guide.mail_mail_id.headers + guide.mail_mail_id.body_html).lower()
        )

    def test_withdrawal_by_link(self):
        """A link withdraws marketing on its channel, once however often it is used, and nothing else (S-SEC-12)."""
        followup = self._sent(self.offer_rule, self.cara, 1)
        token = followup._unsubscribe_token(self.email)
        found, channel = self.followups._of_unsubscribe(followup.id, self.email.id, token)
        with freeze_time(NOON):
            self.assertEqual(len(found._unsubscribe(channel)), 1)
            self.assertFalse(found._unsubscribe(channel))
        Consent = self.env['retail.consent']
        self.assertFalse(Consent._allowed(self.cara, 'marketing', self.email, self.company))
        self.assertTrue(Consent._allowed(self.cara, 'marketing', self.phone, self.company))
        self.assertTrue(Consent._allowed(self.cara, 'service', self.email, self.company))

    def test_wrong_links(self):
        """A token of another channel or follow-up, garbled or missing, opens nothing (S-SEC-12)."""
        followup = self._sent(self.offer_rule, self.cara, 1)
        other = self._sent(self.service_rule, self.cara, 1)
        token = followup._unsubscribe_token(self.email)
        for number, channel, given in (
            (followup.id, self.phone.id, token),
            (other.id, self.email.id, token),
            (followup.id, self.email.id, token[:-1]),
            (followup.id, self.email.id, 'ä'),
            (followup.id, self.email.id, ''),
            (0, self.email.id, token),
        ):
            with self.subTest(number=number, channel=channel, given=given):
                self.assertEqual(
                    self.followups._of_unsubscribe(number, channel, given), (None, None)
                )
