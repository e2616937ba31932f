from odoo.tests import tagged

from odoo.addons.retail_crm.tests.send_common import SendCommon


@tagged('post_install', '-at_install', 'retail_crm_sms')
class TestSmsFollowup(SendCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = cls._create_rule('Short', 'service', cls.sms | cls.email)
        cls._agree(cls.cara, cls.sms)

    def _message(self, followup):
        return self.env['sms.sms'].search([('retail_followup_id', '=', followup.id)])

    def test_text_message(self):
        """With this add-on a follow-up leaves as a text message, as plain words (S-FUP-02)."""
        followup = self._plan(self.rule, self.cara)
        self._run()
        self.assertState(followup, 'done')
        message = self._message(followup)
        self.assertEqual((followup.channel_id, message.state), (self.sms, 'outgoing'))
        self.assertEqual(message.number, '+8613800138000')
        self.assertIn('Dear Cara, hello from', message.body)
        self.assertNotIn('<', message.body)

    def test_offer(self):
        """What is offered goes by text message, too: the coupon is there, and the message names it (S-MKT-03)."""
        program = self.env['loyalty.program'].create(
            {
                'name': 'Ten Off',
                'program_type': 'coupons',
                'applies_on': 'current',
                'trigger': 'with_code',
                'company_id': self.company.id,
            }
        )
        offer = self.env['retail.offer'].create(
            {
                'name': 'Tea Week',
                'program_id': program.id,
                'company_id': self.company.id,
                'date_from': '2020-01-01',
                'state': 'running',
            }
        )
        self._change(self.rule, offer_id=offer.id, text='{name}: {offer}')
        followup = self._plan(self.rule, self.cara)
        self._run()
        card = self.env['loyalty.card'].search([('partner_id', '=', self.cara.id)])
        self.assertEqual(
            (followup.state, followup.channel_id, followup.coupon_id), ('done', self.sms, card)
        )
        self.assertTrue(card.code)
        self.assertIn(card.code, self._message(followup).body)

    def test_no_number(self):
        """Who has no number that can be dialled is written to on the next channel (S-FUP-02)."""
        self.cara.phone = 'ask for Cara'
        followup = self._plan(self.rule, self.cara)
        self._run()
        self.assertEqual((followup.state, followup.channel_id), ('done', self.email))

    def test_failed_message_goes_on_by_the_next_channel(self):
        """A text message that cannot be handed over counts for nothing; the next channel is tried (design 5.4)."""
        followup = self._plan(self.rule, self.cara)
        self._run()
        self._message(followup).write({'state': 'error', 'failure_type': 'sms_credit'})
        self.assertEqual((followup.state, followup.channel_id), ('planned', self.email))
        self.assertFalse(followup.counted_on)
        self.assertEqual(followup.attempt_ids.note, 'Insufficient Credit')
        followup.try_at = '2027-03-10 12:00:00'
        self._run()
        self.assertEqual((followup.state, followup.channel_id), ('done', self.email))

    def test_refusal_takes_it_out_of_the_queue(self):
        """Who refuses while the text message still waits does not get it (S-SEC-12)."""
        followup = self._plan(self.rule, self.cara)
        self._run()
        self._agree(self.cara, self.sms, granted=False, purposes=('service',))
        self.assertEqual(self._message(followup).state, 'canceled')
        self._run()
        self.assertEqual(followup.channel_id, self.email)
