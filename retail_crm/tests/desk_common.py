"""What the tests of the desk start from."""

from odoo.fields import Command

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class DeskCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.env['resource.calendar'].create(
            {
                'name': 'Office',
                'tz': 'UTC',
                'attendance_ids': [
                    Command.create(
                        {'name': 'Day', 'dayofweek': str(day), 'hour_from': 9, 'hour_to': 17}
                    )
                    for day in range(5)
                ],
            }
        )
        cls.staff = cls.users['user']
        cls.team = cls.env['retail.ticket.team'].create(
            {
                'name': 'Desk of the Tests',
                'calendar_id': cls.calendar.id,
                'user_id': cls.users['lead'].id,
                'member_ids': [Command.create({'user_id': cls.staff.id})],
            }
        )
        cls.stock = cls.env['retail.ticket.team'].create(
            {'name': 'Store Room', 'kind': 'department'}
        )
        cls.experts = cls.env['retail.ticket.team'].create({'name': 'Masters', 'kind': 'expert'})
        cls.bob.write({'email': 'bob@example.com', 'lang': 'en_US'})
        cls.email = cls.env.ref('retail_crm.retail_channel_email')
        cls.wechat = cls.env.ref('retail_crm.retail_channel_wechat')
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.solved = cls.env.ref('retail_crm.retail_ticket_stage_solved')

    @classmethod
    def _ticket(cls, **values):
        return cls.env['retail.ticket'].create(
            {
                'subject': 'Lamp flickers',
                'partner_id': cls.bob.id,
                'team_id': cls.team.id,
                'type_id': cls.enquiry.id,
                'channel_id': cls.email.id,
                **values,
            }
        )

    def _public(self, ticket):
        """Return what the customer was sent, oldest first."""
        return ticket.message_ids.filtered(
            lambda message: message.message_type == 'auto_comment'
        ).sorted('id')
