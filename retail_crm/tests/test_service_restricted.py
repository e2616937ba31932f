"""Complaints about a person: who reads, who owns, who is told (S-TKT-29, design 5.3)."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestRestricted(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        names = ('guide', 'owner', 'involved', 'colleague', 'leader')
        cls.people = cls._create_users(**dict.fromkeys(names, 'retail_crm.group_user'))
        cls.people['leader'].group_ids += cls.env.ref('retail_crm.group_lead')
        cls.store.user_id = cls.people['leader']
        cls.guide = cls.people['guide']
        cls._join(cls.guide, cls.desk)

    def _about_guide(self, **values):
        ticket = self._complain(
            'service_attitude', guide_id=self.guide.id, store_id=self.store.id, **values
        )
        ticket.write(
            {
                'user_id': self.people['owner'].id,
                'involved_user_ids': [(4, self.people['involved'].id)],
            }
        )
        return ticket

    def _reads(self, records, user):
        return bool(records.with_user(user).search([('id', 'in', records.ids)]))

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_who_reads_what(self):
        """Unit, owner, involved and managers read it; others title and state; the person concerned nothing at all."""
        ticket = self._about_guide(line_ids=[(0, 0, {'product_id': self.goods.id})])
        self.assertTrue(ticket.is_restricted)
        self.assertEqual(ticket.blocked_user_id, self.guide)
        self.assertEqual(ticket.team_id, self.unit)
        ticket.is_major = True
        self.env['retail.ticket.statement'].create(
            {'ticket_id': ticket.id, 'place': 'Paper', 'text': 'Sorry'}
        )
        self.env['retail.ticket.promise'].create({'ticket_id': ticket.id, 'what': 'Call'})
        self.env.flush_all()
        title = self.env['retail.ticket.restricted'].browse(ticket.id)
        readers = {
            'owner': self.people['owner'],
            'involved': self.people['involved'],
            'store manager': self.people['leader'],
            'unit': self.users['complaint'],
            'manager': self.users['manager'],
        }
        parts = [
            ticket,
            ticket.line_ids,
            ticket.promise_ids,
            ticket.check_ids,
            ticket.statement_ids,
        ]
        for name, user in readers.items():
            for records in parts:
                with self.subTest(user=name, model=records._name):
                    self.assertTrue(self._reads(records, user))
        for name, user in (('colleague', self.people['colleague']), ('guide', self.guide)):
            for records in parts:
                with self.subTest(user=name, model=records._name):
                    self.assertFalse(self._reads(records, user))
                    with self.assertRaises(AccessError):
                        records.with_user(user).read(['display_name'])
        self.assertTrue(self._reads(title, self.people['colleague']))
        self.assertEqual(
            title.with_user(self.people['colleague']).read(['name', 'subject'])[0]['subject'],
            ticket.subject,
        )
        self.assertNotIn('blocked_user_id', title.with_user(self.people['colleague']).fields_get())
        self.assertFalse(self._reads(title, self.guide), 'not even that there is one')

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_even_a_manager_who_is_complained_about(self):
        """The person complained about reads nothing, whatever his rights are."""
        boss = self.users['manager']
        ticket = self._complain('service_attitude', guide_id=boss.id)
        self.assertFalse(self._reads(ticket, boss))
        ticket.is_major = True
        self.assertNotIn(boss, ticket.activity_ids.user_id)
        self.assertFalse(
            self.env['mail.notification'].search(
                [
                    ('res_partner_id', '=', boss.partner_id.id),
                    ('mail_message_id.model', '=', 'retail.ticket'),
                    ('mail_message_id.res_id', '=', ticket.id),
                ]
            )
        )

    def test_neither_owner_nor_involved(self):
        """The person complained about loses the ticket and cannot get it back."""
        ticket = self._complain(None, user_id=self.guide.id, involved_user_ids=[(4, self.guide.id)])
        ticket.activity_schedule('mail.mail_activity_data_todo', user_id=self.guide.id)
        ticket.write({'reason_id': self._reason('service_attitude').id, 'guide_id': self.guide.id})
        self.assertFalse(ticket.user_id)
        self.assertNotIn(self.guide, ticket.involved_user_ids)
        self.assertFalse(ticket.activity_ids.filtered(lambda task: task.user_id == self.guide))
        self.assertNotIn(self.guide.partner_id, ticket.message_partner_ids)
        for vals in ({'user_id': self.guide.id}, {'involved_user_ids': [(4, self.guide.id)]}):
            with self.subTest(vals=vals), self.assertRaises(ValidationError):
                ticket.write(vals)
        created = self._complain('service_attitude', guide_id=self.guide.id, user_id=self.guide.id)
        self.assertFalse(created.user_id)

    def test_desk_concerned_does_not_handle_it(self):
        """Never the person or desk concerned, even where no complaint unit exists (defaults 9)."""
        self.unit.active = False
        ticket = self._complain(None, store_id=self.store.id, team_id=self.desk.id)
        ticket.write({'reason_id': self._reason('service_attitude').id, 'guide_id': self.guide.id})
        self.assertNotEqual(ticket.team_id, self.desk)

    def test_who_entered_it_stays_involved(self):
        """A clerk who enters a complaint about a colleague still reads it; about himself he is refused."""
        clerk = self.people['colleague']
        ticket = self.tickets.with_user(clerk).create(
            {
                'subject': 'Rude',
                'type_id': self.complaint.id,
                'reason_id': self._reason('service_attitude').id,
                'guide_id': self.guide.id,
            }
        )
        self.assertEqual(ticket.read(['subject'])[0]['subject'], 'Rude')
        self.assertIn(clerk, ticket.sudo().involved_user_ids)
        later = self._complain(None).with_user(clerk)
        later.write({'reason_id': self._reason('service_attitude').id, 'guide_id': self.guide.id})
        self.assertEqual(later.read(['subject'])[0]['subject'], 'Broken')
        with self.assertRaisesRegex(UserError, 'about yourself'):
            self._complain(None).with_user(clerk).write(
                {'reason_id': self._reason('service_attitude').id, 'guide_id': clerk.id}
            )
        with self.assertRaisesRegex(UserError, 'about yourself'):
            self.tickets.with_user(clerk).create(
                {
                    'subject': 'Me',
                    'type_id': self.complaint.id,
                    'reason_id': self._reason('service_attitude').id,
                    'guide_id': clerk.id,
                }
            )

    def test_seller_may_enter_what_is_about_others(self):
        """Who sold the order enters a complaint about a colleague: it is not about himself (design 7)."""
        clerk = self.people['colleague']
        values = {
            'subject': 'Rude',
            'type_id': self.complaint.id,
            'reason_id': self._reason('service_attitude').id,
            'order_id': self._create_order(self.bob, 10.0, user_id=clerk.id).id,
        }
        ticket = self.tickets.with_user(clerk).create(values)
        self.assertFalse(ticket.sudo().guide_id)
        ticket = self.tickets.with_user(clerk).create({**values, 'guide_id': False})
        self.assertFalse(ticket.sudo().blocked_user_id)

    def test_only_the_unit_lifts_it(self):
        """Owner and involved cannot open it to everybody; the unit can; the person stays out without the flag."""
        ticket = self._about_guide()
        owner = ticket.with_user(self.people['owner'])
        with self.assertRaises(AccessError):
            owner.is_restricted = False
        with self.assertRaises(AccessError):
            owner.write({'blocked_user_id': False})
        owner.reason_id = self._reason('order_refund')
        self.assertFalse(ticket.blocked_user_id)
        self.assertTrue(ticket.is_restricted, 'until the unit lifts it')
        self.assertFalse(self._reads(ticket, self.guide))
        ticket.with_user(self.users['complaint']).is_restricted = False
        self.assertTrue(self._reads(ticket, self.guide))

    def test_guide_of_other_classes_is_not_blocked(self):
        """A shop guide is only who served the customer, unless the class is about persons."""
        ticket = self._complain('product_function', guide_id=self.guide.id)
        self.assertFalse(ticket.blocked_user_id or ticket.is_restricted)

    def test_messages_do_not_reach_the_person(self):
        """Neither following nor being mentioned brings a restricted message to who may not read it."""
        ticket = self._about_guide()
        ticket.message_subscribe(self.guide.partner_id.ids)
        message = ticket.message_post(
            body='Look',
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            partner_ids=(
                self.guide + self.people['colleague'] + self.people['owner']
            ).partner_id.ids,
        )
        told = message.notification_ids.res_partner_id
        self.assertIn(self.people['owner'].partner_id, told)
        self.assertFalse(told & (self.guide + self.people['colleague']).partner_id)
