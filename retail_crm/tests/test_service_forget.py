"""What becomes of tickets when customers are merged, anonymised, reported to, and after years (S-SEC-07, S-CUS-22)."""

from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

WORD = 'Zxqv'


@tagged('post_install', '-at_install', 'retail_crm')
class TestServiceForget(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env,
            login='retail_service_officer',
            groups='retail_crm.group_manager,retail_crm.group_sensitive,base.group_partner_manager',
        )
        cls.Ticket = cls.env['retail.ticket']
        cls.zoe = cls.env['res.partner'].create(
            {'name': f'{WORD} Zoe', 'email': f'{WORD}@mail.test', 'phone': '+86 138 1234 5678'}
        )
        complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.ticket, cls.unknown, cls.foreign = cls.Ticket.create(
            [
                {
                    'subject': f'{WORD} is angry',
                    'partner_id': cls.zoe.id,
                    'partner_name': WORD,
                    'type_id': complaint.id,
                    'description': f'<p>{WORD}</p>',
                    'email_cc': f'{WORD}@mail.test',
                    'problem_restated': WORD,
                    'result': WORD,
                    'intake_1': WORD,
                    'reason_id': cls.env.ref('retail_crm.retail_ticket_reason_product').id,
                    'cause_id': cls.env.ref('retail_crm.retail_ticket_cause_defect').id,
                    'line_ids': [
                        Command.create({'product_id': cls.goods.id, 'note': WORD, 'lot': '7'})
                    ],
                },
                {'subject': WORD, 'partner_email': f'{WORD.lower()}@mail.test', 'result': WORD},
                {'subject': 'Other', 'partner_id': cls.bob.id, 'description': 'Bob wrote'},
            ]
        )
        cls.ticket.message_post(body=WORD, subject=WORD, email_from=f'{WORD}@mail.test')
        cls.foreign.message_post(body='Kept')
        cls.env['ir.attachment'].create(
            {
                'name': f'{WORD}.txt',
                'raw': b'x',
                'res_model': 'retail.ticket',
                'res_id': cls.ticket.id,
            }
        )
        cls.ticket.activity_schedule('mail.mail_activity_data_todo', summary=WORD)
        done = cls.env.ref('retail_crm.retail_ticket_stage_archive')
        (cls.ticket + cls.unknown)._stamp({'stage_id': done.id})
        cls.env.flush_all()

    def _traces(self):
        """Return ``table.column`` of each text about tickets in the database that holds the word."""
        self.env.flush_all()
        self.cr.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
             WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text', 'jsonb')
               AND table_name IN (SELECT relname FROM pg_class WHERE relkind = 'r')
               AND (table_name LIKE 'retail_%' OR table_name LIKE 'mail_%' OR table_name LIKE 'ir_attach%')
            """
        )
        found = set()
        for table, column in self.cr.fetchall():
            self.cr.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f'%{WORD}%']
            )
            if self.cr.fetchone()[0]:
                found.add(f'{table}.{column}')
        return found

    # === ANONYMISED ===#

    def test_nothing_tells_who_asked(self):
        """No text of ticket, line, message or file holds the name; class, cause, dates and counts stay (S-SEC-07)."""
        before = self._traces()
        for column in (
            'retail_ticket.subject',
            'retail_ticket.description',
            'retail_ticket.email_cc',
            'retail_ticket_line.note',
            'mail_message.body',
            'ir_attachment.name',
            'mail_activity.summary',
        ):
            self.assertIn(column, before)
        count = self.Ticket.search_count([])
        kept = ('name', 'type_id', 'reason_id', 'cause_id', 'received_at', 'stage_id', 'partner_id')
        values = self.ticket.read(kept)
        values[0]['partner_id'] = values[0]['partner_id'][0]
        self.zoe.with_user(self.officer)._retail_anonymise('Letter')
        self.env.invalidate_all()
        self.assertEqual(self._traces(), set())
        after = self.ticket.read(kept)
        after[0]['partner_id'] = after[0]['partner_id'][0]
        self.assertEqual(after, values)
        self.assertEqual(self.Ticket.search_count([]), count)
        self.assertEqual(self.ticket.line_ids.product_id, self.goods)
        self.assertEqual(self.ticket.line_ids.lot, '7')
        self.assertTrue(self.ticket.message_ids)
        self.assertEqual(self.ticket.anonymised_on, fields.Date.today())
        self.assertFalse(self.unknown.partner_email)
        self.assertFalse(self.ticket.access_token)
        self.assertEqual(self.foreign.subject, 'Other')
        self.assertIn('Kept', ''.join(self.foreign.message_ids.mapped('body')))

    def test_open_requests_stand_in_the_way(self):
        """Whoever waits for an answer is not forgotten, but for the request to be forgotten itself (S-SEC-07)."""
        request = self.Ticket.create(
            {
                'subject': 'Forget me',
                'partner_id': self.zoe.id,
                'type_id': self.env.ref('retail_crm.retail_ticket_type_data_request').id,
            }
        )
        other = self.Ticket.create({'subject': 'Where is it?', 'partner_id': self.zoe.id})
        with self.assertRaises(UserError) as caught:
            self.zoe.with_user(self.officer)._retail_anonymise('Letter')
        self.assertIn(other.name, str(caught.exception))
        self.assertNotIn(request.name, str(caught.exception))
        other.action_cancel()
        self.zoe.with_user(self.officer)._retail_anonymise('Letter')
        self.assertTrue(request.anonymised_on)

    # === REPORT AND LOOK-UP ===#

    def test_data_report(self):
        """The customer is told of his tickets, but not what staff thought of him (S-CUS-22)."""
        rows = self.zoe.with_user(self.officer).sudo()._retail_report_rows()
        found = {model._name: ids for model, ids in rows}
        self.assertEqual(found['retail.ticket'], self.ticket.ids)
        names = {field.name for field in self.Ticket._retail_report_fields()}
        self.assertLessEqual({'subject', 'description', 'result', 'received_at'}, names)
        self.assertFalse({'intake_7', 'blocked_user_id', 'access_token'} & names)

    def test_privacy_lookup(self):
        """Core's look-up finds the tickets of a customer (S-CUS-22)."""
        lookup = self.env['privacy.lookup.wizard'].create(
            {'name': self.zoe.name, 'email': self.zoe.email}
        )
        lookup.action_lookup()
        found = {(line.res_model, line.res_id) for line in lookup.line_ids}
        self.assertIn(('retail.ticket', self.ticket.id), found)
        self.assertNotIn(('retail.ticket', self.foreign.id), found)

    # === MERGED ===#

    def test_merge_of_customers(self):
        """Merged customers keep all their tickets, words, numbers and dates; the company is that of who remains."""
        acme = self.env['res.partner'].create({'name': 'Works', 'is_company': True})
        twin = self.env['res.partner'].create({'name': 'Zoe', 'parent_id': acme.id})
        mine = self.Ticket.create({'subject': 'Mine', 'partner_id': twin.id})
        self.zoe.email = False
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        number = self.ticket.name
        wizard._merge((self.zoe + twin).ids, twin)
        self._process()
        self.assertFalse(self.zoe.exists())
        self.assertEqual((self.ticket + mine).partner_id, twin)
        self.assertEqual((self.ticket + mine).commercial_partner_id, acme)
        self.assertEqual(self.ticket.name, number)
        self.assertEqual(self.ticket.problem_restated, WORD)
        self.assertEqual(self.foreign.partner_id, self.bob)

    # === KEPT ===#

    def test_nobody_deletes_tickets(self):
        """Tickets are a contract: staff, leaders, the unit and managers archive and file, nobody deletes (design 2)."""
        for name in ('user', 'lead', 'complaint', 'manager'):
            with self.subTest(persona=name), self.assertRaises(AccessError):
                self.foreign.with_user(self.users[name]).unlink()

    def test_company_stays(self):
        """A ticket does not change its company, whoever asks; saying the same one again is no change (design 4.2)."""
        with self.assertRaises(UserError):
            self.foreign.write({'company_id': self.company_2.id})
        self.foreign.write({'company_id': self.company.id, 'subject': 'Same'})
        self.assertEqual(self.foreign.subject, 'Same')

    def test_customers_with_tickets_stay(self):
        """A customer with tickets is not deleted with them (design 2: a contract)."""
        with self.assertRaises(Exception) as caught, self.cr.savepoint():
            self.zoe.unlink()
            self.env.flush_all()
        self.assertNotIsInstance(caught.exception, AssertionError)
        self.assertTrue(self.ticket.exists())

    # === AFTER YEARS ===#

    def _forget_but(self, broken):
        """Run the scheduled action twice while one ticket cannot be anonymised."""
        forget = type(broken)._forget

        def fail(tickets, *args, **kwargs):
            if broken in tickets:
                raise ValueError('Broken')
            return forget(tickets, *args, **kwargs)

        with (
            patch.object(type(broken), '_forget', fail),
            patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *a, **k: 60),
            mute_logger('odoo.addons.retail_crm.models.service._safely'),
        ):
            for _run in range(2):
                self.Ticket._cron_forget()

    def test_old_tickets_are_anonymised(self):
        """Closed tickets are anonymised after the years of their company, open and younger ones stay (defaults 25)."""
        limit = date(2032, 6, 1)
        old = fields.Datetime.to_datetime(limit) - timedelta(days=1)
        self.ticket._stamp({'stage_since': old})
        self.unknown._stamp({'stage_since': old + timedelta(days=2)})
        self.foreign._stamp({'stage_since': old})  # is open
        self.company.retail_keep_years = 5
        with freeze_time('2037-06-01 00:00:00'):
            self.assertIn(self.ticket, self.Ticket._to_forget())
            self.assertNotIn(self.unknown, self.Ticket._to_forget())
            self.assertNotIn(self.foreign, self.Ticket._to_forget())
            self.company.retail_keep_years = 0
            self.assertNotIn(self.ticket, self.Ticket._to_forget())
            self.company.retail_keep_years = 5
            self.unknown._stamp({'stage_since': old})
            self._forget_but(self.unknown)
            self.assertFalse(self.Ticket._to_forget() & self.ticket)
            self.unknown._stamp({'stage_since': old + timedelta(days=2)})
        self.assertFalse(self.ticket.partner_id or self.ticket.commercial_partner_id)
        self.assertNotIn(WORD, self.ticket.subject)
        self.assertTrue(self.ticket.cause_id)
        self.assertTrue(self.zoe.exists().email)
        self.assertEqual(self.unknown.subject, WORD)
        self.assertEqual(len(self.unknown.activity_ids), 1)
