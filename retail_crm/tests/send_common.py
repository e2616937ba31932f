"""What tests of sending start from: channels in order, customers with consents, rules of a few words."""

from datetime import date, datetime, timedelta

from odoo.fields import Command

from .common import RetailCrmCommon

#: A Wednesday. The company is in UTC, so its hours are those of the clock.
TODAY = date(2027, 3, 10)
NOON = datetime(2027, 3, 10, 12)


class SendCommon(RetailCrmCommon):
    """One rule of marketing and one of service, both by e-mail; customers who agreed to everything by e-mail and phone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = 'UTC'
        cls._no_rebuild()
        cls.followups = cls.env['retail.followup'].with_context(tracking_disable=True)
        # what the database holds already (demo data) is nobody's to send here
        cls.followups.search([('state', '=', 'planned')])._stamp({'state': 'cancelled'})
        ref = cls.env.ref
        cls.email = ref('retail_crm.retail_channel_email')
        cls.phone = ref('retail_crm.retail_channel_phone')
        cls.wechat = ref('retail_crm.retail_channel_wechat')
        cls.letter = ref('retail_crm.retail_channel_letter')
        cls.in_site = ref('retail_crm.retail_channel_in_site')
        cls.sms = ref('retail_crm.retail_channel_sms')
        cls.offer_rule = cls._create_rule('Offer', 'marketing')
        cls.service_rule = cls._create_rule('Guide', 'service')
        cls.cara = cls._create_customer('Cara')

    @classmethod
    def _create_rule(cls, name, purpose, channels=None, **values):
        return cls.env['retail.care.rule'].create(
            {
                'name': name,
                'state': 'on',
                'purpose': purpose,
                'company_id': cls.company.id,
                'user_id': cls.users['manager'].id,
                'text': 'Dear {name}, hello from {company}',
                'channel_mode': 'listed',
                'owner': 'user',
                'owner_id': cls.users['user'].id,
                'trigger': 'birthday',
                'control_percent': 0,
                'channel_line_ids': [
                    Command.create({'channel_id': channel.id, 'sequence': place})
                    for place, channel in enumerate(channels or cls.email)
                ],
                **values,
            }
        )

    @classmethod
    def _change(cls, rule, **values):
        """Change a rule that goes on running: whether it has to be previewed again is another matter."""
        rule.write(values)
        rule.state = 'on'

    @classmethod
    def _create_customer(cls, name, channels=None, **values):
        """Return a customer with addresses who agreed to marketing and service on channels."""
        customer = cls.env['res.partner'].create(
            {
                'name': name,
                'email': f'{name.lower()}@example.com',
                'phone': '+86 138 0013 8000',
                'street': 'Long Street 1',
                'city': 'Shanghai',
                'country_id': cls.env.ref('base.cn').id,
                'tz': 'UTC',
                **values,
            }
        )
        channels = cls.email | cls.phone if channels is None else channels
        cls._agree(customer, channels)
        return customer

    @classmethod
    def _agree(cls, customer, channels, granted=True, purposes=('marketing', 'service')):
        decisions = {(purpose, channel): granted for purpose in purposes for channel in channels}
        cls.env['retail.consent']._record(customer, decisions, 'shop')

    @classmethod
    def _plan(cls, rule, customer, due_on=TODAY, **values):
        """Return a planned follow-up, as the planning makes it."""
        return cls.followups.create(
            {
                'rule_id': rule.id,
                'partner_id': customer.id,
                'company_id': cls.company.id,
                'purpose': rule.purpose or 'service',
                'family': rule.family or 'other',
                'is_expected': bool(not rule or rule.is_expected),
                'hard_date': rule.hard_date,
                'occurrence': str(values.pop('occurrence', due_on)),
                'anchor_on': due_on,
                'due_on': due_on,
                'try_at': datetime.combine(due_on, datetime.min.time()) + timedelta(hours=10),
                **values,
            }
        )

    @classmethod
    def _sent(cls, rule, customer, days_ago, **values):
        """Return a follow-up that left so many days ago and counts."""
        day = TODAY - timedelta(days=days_ago)
        return cls._plan(
            rule,
            customer,
            due_on=day,
            state='done',
            counted_on=day,
            opened_on=day,
            contacted_at=datetime.combine(day, datetime.min.time()) + timedelta(hours=10),
            channel_id=cls.email.id,
            email_normalized=customer.email_normalized,
            **values,
        )

    @classmethod
    def _run(cls, now=NOON):
        """Let everything leave that is due."""
        cls.env.flush_all()
        return cls.followups._process_due(now)

    def assertState(self, followup, state, reason=False):
        self.assertEqual((followup.state, followup.reason), (state, reason))
