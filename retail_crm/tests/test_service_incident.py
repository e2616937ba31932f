"""Data incidents: opened by account complaints, own clock, notices, closing (S-SEC-08)."""

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestIncident(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.incidents = cls.env['retail.incident']
        cls.officer = cls.users['sensitive']
        cls.bob.email = 'bob@example.com'

    def _incident(self, **values):
        return self.incidents.with_user(self.officer).create({'subject': 'List sent', **values})

    def test_account_complaint_opens_it(self):
        """Class 5 opens an incident with the customer, once, whoever takes the complaint (S-TKT-05)."""
        clerk = self.users['user']
        ticket = self.tickets.with_user(clerk).create(
            {
                'subject': 'Account gone',
                'type_id': self.complaint.id,
                'partner_id': self.bob.id,
                'user_id': clerk.id,
                'received_at': '2026-03-01 10:00:00',
            }
        )
        self.assertFalse(ticket.sudo().incident_ids)
        ticket.reason_id = self._reason('account_stolen')
        incident = ticket.sudo().incident_ids
        self.assertEqual(len(incident), 1)
        self.assertEqual(incident.kind, 'stolen')
        self.assertEqual(incident.line_ids.partner_id, self.bob)
        self.assertEqual(incident.deadline_at, fields.Datetime.to_datetime('2026-03-02 10:00:00'))
        self.assertIn(self.officer, incident.activity_ids.user_id)
        ticket.sudo().reason_id = self._reason('account_leak')
        self.assertEqual(ticket.sudo().incident_ids, incident)
        self.assertFalse(self._complain('product_function').incident_ids)
        with mute_logger('odoo.addons.base.models.ir_model'), self.assertRaises(AccessError):
            incident.with_user(clerk).read(['subject'])
        batch = self.tickets.create(
            [
                {
                    'subject': 'Leak',
                    'type_id': self.complaint.id,
                    'reason_id': self._reason('account_leak').id,
                }
            ]
            * 3
        )
        self.assertEqual(len(batch.incident_ids), 3)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_rights(self):
        """Managers and privacy officers write, the complaint unit reads, nobody else; other companies nothing."""
        incident = self._incident()
        for name, may_write in (('manager', True), ('sensitive', True), ('complaint', False)):
            mine = incident.with_user(self.users[name])
            with self.subTest(user=name):
                self.assertTrue(mine.read(['subject']))
                if may_write:
                    mine.measures = 'Passwords changed'
                else:
                    with self.assertRaises(AccessError):
                        mine.measures = 'None'
        for name in ('user', 'lead', 'marketing', 'sales', 'internal'):
            with self.subTest(user=name), self.assertRaises(AccessError):
                incident.with_user(self.users[name]).read(['subject'])
        foreign = self.incidents.create({'subject': 'There', 'company_id': self.company_2.id})
        with self.assertRaises(AccessError):
            foreign.with_user(self.officer).read(['subject'])
        about = self._complain('service_attitude', guide_id=self.users['manager'].id)
        incident.sudo().ticket_id = about
        with self.assertRaises(AccessError):
            incident.with_user(self.users['manager']).read(['subject'])

    def test_closing_needs_everybody_told(self):
        """Closed only with measures, authority and each customer told, or a reason why not (S-SEC-08)."""
        incident = self._incident(
            line_ids=[Command.create({'partner_id': partner.id}) for partner in self.ann + self.bob]
        )
        self.assertEqual((incident.customer_count, incident.open_count), (2, 2))
        with self.assertRaisesRegex(UserError, 'measures'):
            incident.action_close()
        incident.measures = 'Passwords changed'
        with self.assertRaisesRegex(UserError, 'not told yet'):
            incident.action_close()
        with self.assertRaisesRegex(UserError, 'notice'):
            incident.action_notify()
        incident.notice = 'Change your password.'
        incident.action_notify()
        by_mail = incident.line_ids.filtered('notified_at')
        self.assertEqual(by_mail.partner_id, self.bob, 'the other one has no address')
        self.assertEqual(by_mail.channel_id.code, 'email')
        (incident.line_ids - by_mail).action_told()
        with self.assertRaisesRegex(UserError, 'authority'):
            incident.action_close()
        incident.authority_reason = 'Two customers, no harm'
        incident.action_close()
        self.assertEqual((incident.state, incident.closed_by), ('closed', self.officer))
        with self.assertRaisesRegex(UserError, 'closed'):
            by_mail.notified_at = False
        with self.assertRaises(UserError):
            incident.write({'state': 'open'})
        incident.action_reopen()
        self.assertEqual(incident.state, 'open')
        self.assertTrue(incident.next_reminder_at)

    def test_clock_reminds(self):
        """24 hours day and night: reminded at three quarters, at the end, then daily; editable (defaults 25)."""
        with freeze_time('2026-03-06 20:00:00'):
            incident = self._incident(user_id=self.officer.id)
        start = len(incident.activity_ids)
        for now, count, late in (
            ('2026-03-07 13:59:59', 0, False),
            ('2026-03-07 14:00:00', 1, False),
            ('2026-03-07 15:00:00', 1, False),
            ('2026-03-07 20:00:01', 2, True),
            ('2026-03-07 21:00:00', 2, True),
            ('2026-03-08 20:00:01', 3, True),
        ):
            with self.subTest(now=now), freeze_time(now):
                self._run_cron(self.incidents._cron_remind)
                incident.invalidate_recordset()
                self.assertEqual(len(incident.activity_ids) - start, count)
                self.assertEqual(incident.is_late, late)
                found = self.incidents.search([('id', '=', incident.id), ('is_late', '=', True)])
                self.assertEqual(bool(found), late)
        self.company.retail_incident_hours = 48
        later = self._incident(discovered_at='2026-03-01 00:00:00')
        self.assertEqual(later.deadline_at, fields.Datetime.to_datetime('2026-03-03 00:00:00'))

    def test_merge_of_customers(self):
        """Customers who become one are one row of an incident, with the date on which he was told first."""
        twin = self.env['res.partner'].create({'name': 'Bob'})
        incident = self._incident(
            line_ids=[
                Command.create({'partner_id': self.bob.id}),
                Command.create({'partner_id': twin.id, 'notified_at': '2026-03-01 10:00:00'}),
            ]
        )
        other = self._incident(line_ids=[Command.create({'partner_id': twin.id})])
        self.env['base.partner.merge.automatic.wizard']._merge((self.bob + twin).ids, self.bob)
        self.assertEqual(incident.line_ids.partner_id, self.bob)
        self.assertEqual(len(incident.line_ids), 1)
        self.assertTrue(incident.line_ids.notified_at)
        self.assertEqual(other.line_ids.partner_id, self.bob)
