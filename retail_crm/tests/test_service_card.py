"""The customer beside the ticket, and tickets beside the customer: card, summary, time line, classes, printed sheet."""

from datetime import timedelta

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class CardCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tickets = cls.env['retail.ticket']
        cls.complaint = cls.env.ref('retail_crm.retail_ticket_type_complaint')
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.internal = cls.env.ref('retail_crm.retail_ticket_type_internal')
        cls.clerk = cls.users['user']

    @classmethod
    def _ticket(cls, partner, **values):
        values = {'subject': 'Asks', 'partner_id': partner.id, 'type_id': cls.enquiry.id, **values}
        return cls.tickets.create(values)


@tagged('post_install', '-at_install', 'retail_crm')
class TestCard(CardCommon):
    def test_card_shows_what_the_customer_form_shows(self):
        """Last purchase, sums, remarks, preferences, tickets are those of the customer (S-CUS-24)."""
        self._create_order(self.bob, 120.0, date='2026-05-03')
        self._process()
        self.bob.write({'retail_remark': 'Tall', 'retail_salutation': 'Mr Bob'})
        self.bob.retail_adviser_id = self.users['lead']
        self._ticket(self.bob, type_id=self.complaint.id)
        ticket = self._ticket(self.bob).with_user(self.clerk)
        bob = self.bob.with_user(self.clerk)
        self.assertEqual(ticket.card_last_order_date, bob.retail_last_order_date)
        self.assertTrue(ticket.card_last_order_date)
        self.assertEqual(ticket.card_spend_12m, 120.0)
        self.assertEqual(ticket.card_order_count, 1)
        self.assertEqual(ticket.card_remark, 'Tall')
        self.assertIn('Mr Bob', ticket.card_file_line)
        self.assertEqual(ticket.card_adviser_id, self.users['lead'])
        self.assertIn('2 open', ticket.card_tickets)
        self.assertIn('1 of them complaints', ticket.card_tickets)
        self.assertEqual(ticket.last_purchase_ids.amount, 120.0)

    def test_contact_of_a_company(self):
        """Figures are the company's, remarks the person's, and what both need is minded (S-CUS-24)."""
        self._create_order(self.acme, 50.0)
        self._process()
        self.ann.write({'retail_remark': 'Calls back', 'retail_special_need': 'Wheelchair'})
        self.acme.retail_special_need = 'Invoice twice'
        ticket = self._ticket(self.ann).with_user(self.clerk)
        self.assertEqual(ticket.card_order_count, 1)
        self.assertEqual(ticket.card_remark, 'Calls back')
        self.assertIn('Wheelchair', ticket.card_need)
        self.assertIn('Invoice twice', ticket.card_need)

    def test_refusals_are_shown(self):
        """Who does not want to be called is shown as such beside the ticket (S-CUS-24)."""
        phone = self.env.ref('retail_crm.retail_channel_phone')
        self.env['retail.consent']._record(self.bob, {('service', phone): False}, 'shop')
        ticket = self._ticket(self.bob).with_user(self.clerk)
        self.assertIn('Refused', ticket.card_contact_warning)

    def test_ticket_without_customer(self):
        """A ticket of nobody has an empty card and raises nothing (R-svc E 13)."""
        ticket = self.tickets.create({'subject': 'x'}).with_user(self.clerk)
        self.assertFalse(ticket.card_profile_id)
        self.assertFalse(ticket.card_tickets)
        self.assertFalse(ticket.earlier_ticket_ids)
        self.assertFalse(ticket.last_purchase_ids)
        Form(ticket)

    def test_nobody_reads_strangers_by_entering_a_ticket(self):
        """The card of a ticket that is being entered shows customers the user may read, and no others (design 7)."""
        stranger = self.env['res.partner'].create(
            {'name': 'S', 'company_id': self.company_2.id, 'retail_remark': 'Secret'}
        )
        new = self.tickets.with_user(self.clerk).new({'partner_id': stranger.id})
        self.assertFalse(new.card_remark)
        new = self.tickets.with_user(self.clerk).new({'partner_id': self.bob.id})
        self.bob.retail_remark = 'Tall'
        self.assertEqual(new.card_remark, 'Tall')

    def test_earlier_tickets_as_the_user_may_see_them(self):
        """Earlier tickets with their result are shown; restricted ones only to the complaint unit (design 7)."""
        earlier = self._ticket(self.bob, result='Sent again')
        hidden = self._ticket(self.bob, type_id=self.complaint.id, is_restricted=True)
        task = self._ticket(self.bob, type_id=self.internal.id)
        ticket = self._ticket(self.bob)
        self.assertEqual(ticket.with_user(self.clerk).earlier_ticket_ids, earlier)
        self.assertIn(hidden, ticket.with_user(self.users['manager']).earlier_ticket_ids)
        self.assertNotIn(task, ticket.with_user(self.users['manager']).earlier_ticket_ids)

    def test_form_does_not_wait_for_the_customer(self):
        """With 100 tickets of the customer the form costs less than 25 queries, card and history 16 each (R-svc E 13)."""
        self._create_order(self.bob, 120.0)
        self._process()
        tickets = self.tickets.create(
            [
                {'subject': f'x{n}', 'partner_id': self.bob.id, 'type_id': self.enquiry.id}
                for n in range(100)
            ]
        )
        ticket = tickets[50].with_user(self.clerk)
        arch = etree.fromstring(
            self.tickets.with_user(self.clerk).get_view(view_type='form')['arch']
        )
        spec = _spec_of(arch)
        chosen = {'partner_id': self.bob.id, 'company_id': ticket.company_id.id}

        def cost(method, given):
            for _turn in range(
                2
            ):  # caches of the registry; with nothing known, so that all rules are among them
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                found = getattr(ticket, method)(given)
            return found, self.cr.sql_log_count - before

        _values, queries = cost('web_read', spec)
        self.assertLess(queries, 25)
        self.assertFalse([name for name in spec if name.startswith('card_')])
        _card, queries = cost('action_card', chosen)
        self.assertLess(queries, 16)
        history, queries = cost('action_history', chosen)
        self.assertLess(queries, 16)
        self.assertEqual([len(table['rows']) for table in history['tables']], [5, 1])

    def test_card_in_words(self):
        """What the form shows of the customer is what the fields hold, in words; unknown parts are left out (S-CUS-24)."""
        self._create_order(self.bob, 120.0, date='2026-05-03')
        self._process()
        self.bob.write({'retail_remark': 'Tall', 'retail_adviser_id': self.users['lead'].id})
        ticket = self._ticket(self.bob).with_user(self.clerk)
        card = ticket.action_card({'partner_id': self.bob.id})
        tiles = {tile['name']: tile['text'] for tile in card['tiles']}
        self.assertEqual(tiles['kind'], 'Old customer')
        self.assertEqual(tiles['card_order_count'], '1')
        self.assertIn('120.00', tiles['card_spend_12m'])
        self.assertIn('2026', tiles['card_last_order_date'])
        self.assertEqual(tiles['card_adviser_id'], self.users['lead'].name)
        self.assertEqual(
            tiles['card_lifecycle'],
            dict(ticket._fields['card_lifecycle']._description_selection(self.env))[
                ticket.card_lifecycle
            ],
        )
        self.assertNotIn('earlier_complaint_count', tiles)
        notes = {note['name']: note['text'] for note in card['notes']}
        self.assertEqual(notes['card_remark'], 'Tall')
        self.assertIn('1 open', notes['card_tickets'])
        self.assertNotIn('card_need', notes)
        self.assertEqual(card['duplicates'], 0)
        unknown = self._ticket(self.ann).with_user(self.clerk)
        names = [tile['name'] for tile in unknown.action_card({'partner_id': self.ann.id})['tiles']]
        self.assertEqual(names, ['kind'], 'who never bought has no figures')

    def test_card_of_a_customer_who_is_only_chosen(self):
        """Another customer in the form is shown before it is saved, and with no ticket at all (R-svc E 13)."""
        self._create_order(self.bob, 120.0)
        self._process()
        self.bob.retail_remark = 'Tall'
        ticket = self._ticket(self.ann).with_user(self.clerk)
        for asked in (ticket, ticket.browse()):
            card = asked.action_card({'partner_id': self.bob.id})
            self.assertIn('Tall', [note['text'] for note in card['notes']])
            history = asked.action_history({'partner_id': self.bob.id})
            self.assertEqual(history['tables'][1]['rows'][0]['cells'][2][-6:], '120.00')
            self.env.invalidate_all()  # each request is a transaction of its own
        self.assertEqual(ticket.partner_id, self.ann)
        none = ticket.action_card({'partner_id': False})
        self.assertEqual((none['tiles'], none['notes']), ([], []))
        complaint = {'partner_id': self.ann.id, 'type_id': self.complaint.id}
        self._ticket(self.ann, type_id=self.complaint.id)
        tiles = ticket.browse().action_card(complaint)['tiles']
        self.assertEqual(tiles[-1]['name'], 'earlier_complaint_count')
        self.assertEqual(tiles[-1]['text'], '1')

    def test_card_is_told_to_nobody_else(self):
        """Strangers' customers stay unknown, restricted tickets too, and portal users ask in vain (design 7)."""
        stranger = self.env['res.partner'].create(
            {'name': 'S', 'company_id': self.company_2.id, 'retail_remark': 'Secret'}
        )
        self._ticket(self.bob, type_id=self.complaint.id)
        ticket = self._ticket(self.bob).with_user(self.clerk)
        chosen = {
            'partner_id': stranger.id,
            'company_id': self.company_2.id,
            'type_id': self.complaint.id,
        }
        for asked in (ticket, ticket.browse()):
            card = asked.action_card(chosen)
            self.assertEqual((card['tiles'], card['notes']), ([], []))
            for table in asked.action_history(chosen)['tables']:
                self.assertFalse(table['rows'])
            self.env.invalidate_all()
        hidden = self._ticket(self.bob, type_id=self.complaint.id, is_restricted=True)
        rows = ticket.action_history({'partner_id': self.bob.id})['tables'][0]['rows']
        self.assertNotIn(hidden.id, [row['id'] for row in rows])
        for method in ('action_card', 'action_history'):
            for asked in (ticket.with_user(self.users['portal']), hidden.with_user(self.clerk)):
                with self.assertRaises(AccessError), mute_logger('odoo.models'):
                    getattr(asked, method)({'partner_id': self.bob.id})

    def test_lists_cost_the_same_for_any_number(self):
        """The card of many tickets costs no query each (style 2)."""
        partners = self.env['res.partner'].create([{'name': f'P{n}'} for n in range(20)])
        tickets = self.tickets.create(
            [{'subject': 'x', 'partner_id': partner.id} for partner in partners]
        )

        def cost(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some.with_user(self.clerk).mapped('card_tickets')
            return self.cr.sql_log_count - before

        cost(tickets)
        self.assertLessEqual(cost(tickets), cost(tickets[:2]) + 1)


def _spec_of(node):
    """Return the web client's specification of a form's fields, with those of the lists in it."""
    spec = {}
    for field in node.iter('field'):
        if any(parent.tag == 'field' for parent in field.iterancestors() if parent is not node):
            continue
        inner = field.find('list')
        if inner is not None:
            names = {item.get('name') for item in inner.iter('field')}
            spec[field.get('name')] = {
                'fields': {name: {'fields': {'display_name': {}}} for name in names},
            }
        else:
            spec[field.get('name')] = {'fields': {'display_name': {}}}
    return spec


@tagged('post_install', '-at_install', 'retail_crm')
class TestTicketsOfCustomer(CardCommon):
    def test_counts_of_the_customer(self):
        """Open tickets, complaints and the last complaint are counted for the customer with his contacts (S-CUS-24)."""
        self._ticket(self.ann)
        self._ticket(self.acme, type_id=self.complaint.id, received_at='2026-03-04 10:00:00')
        self._ticket(self.ann)._set_stage('solved', result='Done')
        self._ticket(self.ann, type_id=self.internal.id)
        for partner in (self.acme, self.ann):
            seen = partner.with_user(self.clerk)
            with self.subTest(partner=partner.name):
                self.assertEqual(seen.retail_ticket_count, 3)
                self.assertEqual(seen.retail_ticket_open_count, 2)
                self.assertEqual(seen.retail_complaint_open_count, 1)
                self.assertIn('2 open', seen.retail_ticket_text)
                self.assertIn('2026', seen.retail_ticket_text)
        self.assertFalse(self.bob.with_user(self.clerk).retail_ticket_text)
        action = self.acme.with_user(self.clerk).action_retail_tickets()
        self.assertEqual(self.tickets.search_count(action['domain']), 3)

    def test_who_is_complained_about_learns_nothing(self):
        """A complaint about a clerk is not counted for that clerk, but for all others (S-TKT, design 5.3)."""
        ticket = self._ticket(self.bob, type_id=self.complaint.id)
        ticket._stamp({'blocked_user_id': self.clerk.id})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(self.bob.with_user(self.clerk).retail_ticket_text)
        self.assertEqual(self.bob.with_user(self.clerk).retail_ticket_count, 0)
        self.assertEqual(self.bob.with_user(self.users['lead']).retail_complaint_open_count, 1)
        timeline = self.env['retail.timeline']
        domain = [('partner_id', '=', self.bob.id), ('kind', '=', 'complaint')]
        self.assertFalse(timeline.with_user(self.clerk).search(domain))
        self.assertTrue(timeline.with_user(self.users['lead']).search(domain))

    def test_other_companies_are_not_counted(self):
        """Tickets count in the company they are of (design 4.2)."""
        self.users['manager'].company_ids += self.company_2
        self._ticket(self.bob, company_id=self.company_2.id, team_id=False)
        self.env.invalidate_all()
        bob = self.bob.with_user(self.users['manager'])
        self.assertEqual(bob.with_company(self.company).retail_ticket_count, 0)
        self.assertEqual(bob.with_company(self.company_2).retail_ticket_count, 1)

    def test_customers_in_the_portal_see_nothing(self):
        """Neither counts nor cards are shown to customers (design 7)."""
        portal = self.users['portal']
        with self.assertRaises(AccessError), mute_logger('odoo.models'):
            portal.partner_id.with_user(portal).read(['retail_ticket_text'])
        ticket = self._ticket(portal.partner_id)
        with self.assertRaises(AccessError), mute_logger('odoo.models'):
            ticket.with_user(portal).read(['card_remark'])

    def test_time_line_has_tickets_and_messages(self):
        """Requests and what was said about them stand in the time line in order of time (S-CHN-02)."""
        ticket = self._ticket(self.ann, subject='Where is it?')
        ticket.message_post(
            body='<p>On its way</p>',
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            author_id=self.clerk.partner_id.id,
        )
        ticket.message_post(
            body='<p>Thank you</p>',
            message_type='email',
            subtype_xmlid='mail.mt_comment',
            author_id=self.ann.id,
        )
        ticket.message_post(body='<p>Internal</p>', subtype_xmlid='mail.mt_note')
        rows = self.env['retail.timeline'].search([('partner_id', '=', self.acme.id)])
        self.assertEqual(sorted(rows.mapped('kind')), ['message_in', 'message_out', 'ticket'])
        texts = ' | '.join(rows.mapped('summary'))
        self.assertIn('Where is it?', texts)
        self.assertIn('On its way', texts)
        self.assertNotIn('Internal', texts)
        by_kind = {row.kind: row for row in rows}
        self.assertEqual(by_kind['message_in'].channel_id.code, 'email')
        self.assertEqual(by_kind['message_out'].user_id, self.clerk)
        self.assertEqual(by_kind['ticket'].contact_id, self.ann)
        self.assertEqual(by_kind['message_in'].action_open_document()['res_id'], ticket.id)

    def test_restricted_tickets_are_named_only(self):
        """Of a restricted complaint the time line tells number and state, and no message (design 7)."""
        ticket = self._ticket(
            self.bob, subject='Secret', type_id=self.complaint.id, is_restricted=True
        )
        ticket.message_post(body='Hush', subtype_xmlid='mail.mt_comment', message_type='comment')
        rows = (
            self.env['retail.timeline']
            .with_user(self.clerk)
            .search([('partner_id', '=', self.bob.id)])
        )
        self.assertEqual(rows.kind, 'complaint')
        self.assertIn(ticket.name, rows.summary)
        self.assertNotIn('Secret', rows.summary)

    def test_sheet_has_nine_answers_and_the_kind_of_customer(self):
        """The printed sheet shows what was asked, and whether it is an old customer (S-SEG-28)."""
        self._create_order(self.bob, 10.0, date='2026-05-03')
        self._process()
        old = self._ticket(self.bob, type_id=self.complaint.id, intake_1='It fell')
        new = self._ticket(self.ann, type_id=self.complaint.id)
        report = self.env['ir.actions.report']
        for ticket, kind in ((old, 'Old customer'), (new, 'New customer')):
            html, _format = report.with_user(self.clerk)._render_qweb_html(
                'retail_crm.report_ticket_sheet', ticket.ids
            )
            page = etree.HTML(html)
            rows = page.xpath("//table[@name='intake']//tr")
            with self.subTest(kind=kind):
                self.assertEqual(len(rows), 9)
                self.assertIn(kind, etree.tostring(rows[8], encoding='unicode'))
        self.assertIn('It fell', dict(old._sheet_answers()).values())


@tagged('post_install', '-at_install', 'retail_crm')
class TestTicketClasses(CardCommon):
    def test_a_request_makes_a_potential_purchaser(self):
        """Who asks is on the second step of the ladder; what was no request is taken back (S-SEG-03)."""
        ticket = self._ticket(self.bob)
        self._process()
        self.assertEqual(self._profile_of(self.bob).ladder, 'prospect')
        ticket._set_stage('cancelled')
        self._process()
        self.assertFalse(self._profile_of(self.bob))

    def test_a_request_that_changes_hands(self):
        """The customer before is forgotten, the new one is known (S-SEG-03)."""
        ticket = self._ticket(self.bob)
        self._process()
        ticket.partner_id = self.acme
        self._process()
        self.assertFalse(self._profile_of(self.bob))
        self.assertEqual(self._profile_of(self.acme).ladder, 'prospect')

    def test_tasks_are_no_requests(self):
        """A task for another department says nothing about the customer (S-SEG-03)."""
        self._ticket(self.bob, type_id=self.internal.id)
        self._process()
        self.assertFalse(self._profile_of(self.bob))

    def test_service_cost_makes_a_burden(self):
        """Low value, low loyalty and a margin below 30 a ticket of 12 months is a burden, until they age (S-SEG-15)."""
        rules = self.env['retail.classification']._of_companies(self.company.ids)
        rules.write({'star_value_percent': 1, 'star_loyalty_score': 100, 'ticket_cost': 30})
        with freeze_time('2026-06-01 10:00:00'):
            self._create_order(self.acme, 90000.0, date='2026-05-20')  # the one of value
            self._create_order(self.bob, 1000.0, date='2026-05-20')  # margin 300 at 30 %
            self._process()
            self.profiles._refresh()
            self.assertFalse(self._profile_of(self.bob).star_class)
            self.tickets.create(
                [
                    {'subject': 'x', 'partner_id': self.bob.id, 'type_id': self.enquiry.id}
                    for _index in range(10)
                ]
            )
            self._process()
            profile = self._profile_of(self.bob)
            self.assertEqual(profile.margin_12m, 300)
            self.assertFalse(profile.star_class, '10 tickets of 30 are not more than 300')
            self._ticket(self.bob)
            self._process()
            self.assertEqual(self._profile_of(self.bob).star_class, 'burden')
            self.profiles._refresh()
            self.assertEqual(self._profile_of(self.bob).star_class, 'burden')
            rules.ticket_cost = 0
            self.profiles._refresh()
            self.assertFalse(self._profile_of(self.bob).star_class)

    def test_burden_is_looked_at_again(self):
        """When the oldest of the tickets is a year old, the class is looked at again (design 4.3)."""
        rules = self.env['retail.classification']._of_companies(self.company.ids)
        rules.write({'star_value_percent': 1, 'star_loyalty_score': 100, 'ticket_cost': 1000})
        with freeze_time('2026-06-01 10:00:00'):
            self._create_order(self.acme, 90000.0, date='2026-05-20')
            self._create_order(self.bob, 1000.0, date='2026-05-30')
            received = fields.Datetime.now() - timedelta(days=360)
            self._ticket(self.bob, received_at=received)
            self._process()
            self.profiles._refresh()
            profile = self._profile_of(self.bob)
            self.assertEqual(profile.star_class, 'burden')
            limit = received.date() + timedelta(days=366)
            self.assertLessEqual(profile.refresh_on, limit)
