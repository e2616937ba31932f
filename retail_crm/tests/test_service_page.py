"""Pages of tickets are cheap: what they cost in queries, and that nothing kept in memory outlives a change."""

from odoo.exceptions import AccessError
from odoo.tests import tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

NAMED = {'fields': {'display_name': {}}}
LIST = {
    'name': {},
    'subject': {},
    'is_overdue': {},
    'category': {},
    **dict.fromkeys(('partner_id', 'type_id', 'channel_id', 'team_id', 'user_id'), NAMED),
    'stage_id': NAMED,
    'tag_ids': {'fields': {'display_name': {}}},
}


@tagged('post_install', '-at_install', 'retail_crm')
class TestTicketPages(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tickets = cls.env['retail.ticket']
        cls.clerk = cls.users['user']
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.some = cls.tickets.create(
            [
                {'subject': f'x{n}', 'partner_id': partner.id, 'user_id': cls.clerk.id}
                for n, partner in enumerate([cls.bob, cls.ann] * 10)
            ]
        )

    def _cost(self, run):
        """Return the queries of a page with an empty cache; what the registry keeps is there."""
        run()
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        run()
        return self.cr.sql_log_count - before

    def test_list_costs_seven_queries(self):
        """A list costs the same few queries for any number of rows (design 8)."""
        mine = self.tickets.with_user(self.clerk)
        for limit in (5, 20):
            with self.subTest(rows=limit):
                cost = self._cost(
                    lambda limit=limit: mine.web_search_read(
                        [('id', 'in', self.some.ids)], LIST, limit=limit, count_limit=10001
                    )
                )
                self.assertLessEqual(cost, 7)

    def test_empty_lists_cost_one_query(self):
        """Of a ticket without goods, tags, promises and people, all these lists are found empty at once."""
        ticket = self.some[0].with_user(self.clerk)
        names = ('tag_ids', 'line_ids', 'promise_ids', 'child_ids', 'faq_ids', 'involved_user_ids')
        alone = self._cost(lambda: ticket.web_read({'subject': {}}))
        cost = self._cost(lambda: ticket.web_read({'subject': {}, **dict.fromkeys(names, {})}))
        self.assertLessEqual(cost, alone + 1)

    def test_lists_are_read_when_they_are_not_empty(self):
        """A tag that was just set is on the page, one of a line that was just made as well."""
        ticket = self.some[0]
        tag = self.env['retail.ticket.tag'].create({'name': 'Hums'})
        spec = {'tag_ids': {'fields': {'display_name': {}}}, 'line_ids': {}}
        self.assertEqual(ticket.web_read(spec)[0]['tag_ids'], [])
        ticket.tag_ids = tag
        line = self.env['retail.ticket.line'].create({'ticket_id': ticket.id, 'note': 'Lid'})
        [values] = ticket.web_read(spec)
        self.assertEqual(values['tag_ids'], [{'id': tag.id, 'display_name': 'Hums'}])
        self.assertEqual(values['line_ids'], line.ids)
        self.env.invalidate_all()
        self.assertEqual(ticket.web_read(spec), [values])

    def test_restricted_ticket_stays_closed(self):
        """Reading in larger steps shows nothing to those who may not read the ticket."""
        ticket = self.some[0]
        ticket.write({'is_restricted': True, 'user_id': self.users['manager'].id})
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            ticket.with_user(self.clerk).web_read(LIST)
        found = self.tickets.with_user(self.clerk).web_search_read([('id', '=', ticket.id)], LIST)
        self.assertFalse(found['records'])

    def test_deleted_ticket_is_left_out(self):
        """Odoo answers nothing for a row that is gone; so do we."""
        ticket = self.tickets.create({'subject': 'Gone'})
        ticket.sudo().unlink()
        self.assertEqual(ticket.web_read(LIST), [])

    def test_new_name_is_shown(self):
        """Names that are kept in memory change with the record, in each language."""
        kind = self.enquiry
        self.assertEqual(kind.display_name, kind.name)
        kind.name = 'Question'
        self.assertEqual(kind.display_name, 'Question')
        made = self.env['retail.ticket.team'].create({'name': 'Night desk'})
        self.assertEqual(made.display_name, 'Night desk')
        self.assertEqual(kind.new({'name': 'Not saved'}).display_name, 'Not saved')

    def test_article_is_found_after_the_first_one_is_written(self):
        """A desk without FAQ does not search it; the first article ends that."""
        Faq = self.env['retail.faq']
        Faq.search([]).unlink()
        self.assertFalse(Faq._find('blender hums'))
        made = Faq.create({'question': 'Blender hums', 'answer': '<p>Turn it on</p>'})
        self.assertEqual(Faq._find('blender hums'), made)
