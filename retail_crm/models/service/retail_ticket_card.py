from odoo import api, fields, models

from ..customer._classes import LIFECYCLE

#: Who sees the card of the customer on tickets: whoever works on them. Customers in the portal never do.
CARD_GROUPS = 'retail_crm.group_user,retail_crm.group_complaint'
#: Who sees lists of purchases and tickets there.
HISTORY_GROUPS = 'retail_crm.group_user'
#: Earlier tickets and last purchases that the form shows.
SHOWN = 5
#: What it shows of earlier tickets.
_HISTORY = ('active', 'name', 'subject', 'received_at', 'type_id', 'stage_id', 'result')

#: ``{field of the card: field of the customer}``.
_CARD = {
    'card_profile_id': 'retail_profile_id',
    'card_currency_id': 'retail_currency_id',
    'card_lifecycle': 'retail_lifecycle',
    'card_is_high_value': 'retail_is_high_value',
    'card_last_order_date': 'retail_last_order_date',
    'card_order_count': 'retail_order_count',
    'card_spend_12m': 'retail_spend_12m',
    'card_tier': 'retail_tier_text',
    'card_tier_color': 'retail_tier_color',
    'card_points': 'retail_points_text',
    'card_contact_warning': 'retail_contact_warning',
    'card_consent': 'retail_consent_text',
    'card_adviser_id': 'retail_adviser_id',
}
#: Parts of the customer's summary that the card needs; a field that needs another one adds it here.
_SUMMARY = (
    'channel',
    'consents',
    'needs',
    'points',
    'preferences',
    'preferred_channel_id',
    'tickets',
    'tier',
    'top_categories',
)
#: What is known of the person first, else of the company.
_CARD_OF_PERSON = {'card_file_line': 'retail_file_line', 'card_remark': 'retail_remark'}


def _card(field_class, string, **attributes):
    """Return a field that shows something of the ticket's customer in the ticket's company."""
    return field_class(
        string=string,
        compute='_compute_card',
        groups=CARD_GROUPS,
        help='Of the customer, in the company of the ticket.',
        **attributes,
    )


class RetailTicketCard(models.Model):
    """The customer beside the conversation: what orders show of him, and what he asked and bought before (R-svc E 13).

    Read in the company of the ticket, as the customer's own form would show it; a fixed number of queries whatever
    the number of his tickets.
    """

    _inherit = 'retail.ticket'

    card_profile_id = _card(fields.Many2one, 'Customer Profile', comodel_name='retail.profile')
    card_currency_id = _card(fields.Many2one, 'Figures Currency', comodel_name='res.currency')
    card_lifecycle = _card(fields.Selection, 'Lifecycle', selection=LIFECYCLE)
    card_is_high_value = _card(fields.Boolean, 'High-Value Customer')
    card_last_order_date = _card(fields.Date, 'Last Purchase')
    card_order_count = _card(fields.Integer, 'Purchases')
    card_spend_12m = _card(fields.Monetary, 'Spent, 12 Months', currency_field='card_currency_id')
    card_tier = _card(fields.Char, 'Tier')
    card_tier_color = _card(fields.Integer, 'Colour of the Tier')
    card_points = _card(fields.Char, 'Points')
    card_file_line = _card(fields.Char, 'Customer at a Glance')
    card_need = _card(fields.Char, 'Special Needs')
    card_remark = _card(fields.Char, 'Remarks')
    card_contact_warning = _card(fields.Char, 'Do Not Contact')
    card_consent = _card(fields.Char, 'Agreed To')
    card_adviser_id = _card(fields.Many2one, 'Adviser', comodel_name='res.users')
    card_tickets = _card(fields.Char, 'Tickets of the Customer')
    earlier_ticket_ids = fields.Many2many(
        comodel_name='retail.ticket',
        string='Earlier Tickets',
        compute='_compute_history',
        groups=HISTORY_GROUPS,
        help='The last tickets of the customer, with what came out of them.',
    )
    last_purchase_ids = fields.Many2many(
        comodel_name='retail.purchase',
        string='Last Purchases',
        compute='_compute_history',
        groups=HISTORY_GROUPS,
        help='The last orders of the customer, and what was returned of them.',
    )

    def _card_shown(self):
        """Return those of these tickets of whose customer the user may see something.

        While a ticket is entered it is the client who names customer and company (as for orders).
        """
        if self.env.su:
            return self.filtered('partner_id')
        partners = self.partner_id | self.sudo().partner_id.commercial_partner_id.sudo(False)
        seen = set(partners._origin._filtered_access('read')._ids)
        return self.filtered(
            lambda ticket: (
                ticket.partner_id._origin.id in seen
                and (isinstance(ticket.id, int) or ticket.company_id <= self.env.companies)
            )
        )

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('uid', 'lang', 'allowed_company_ids')
    def _compute_card(self):
        """Read customers company by company: of each company's all in a fixed number of queries."""
        names = [*_CARD, *_CARD_OF_PERSON, 'card_need', 'card_tickets']
        for ticket in self:
            ticket.update(dict.fromkeys(names, False))
        uid = self.env.uid
        for company, tickets in self._card_shown().grouped('company_id').items():
            # sudo: the fields' groups decide who sees the card; only of the tickets' own customers
            partners = tickets.sudo().partner_id.with_company(company)
            partners = partners.with_context(retail_crm_summary=_SUMMARY)
            everybody = (partners | partners.commercial_partner_id)._origin
            everybody.mapped('retail_summary')  # of all of them in one query
            by_id = {partner.id: partner for partner in everybody}  # which are prefetched together
            for ticket in tickets:
                person = by_id[ticket.partner_id._origin.id]
                customer = by_id[person.commercial_partner_id.id]
                known = customer if person == customer else person + customer
                ticket.update({name: customer[source] for name, source in _CARD.items()})
                for name, source in _CARD_OF_PERSON.items():
                    ticket[name] = next(filter(None, known.mapped(source)), False)
                needs = filter(None, known.mapped('retail_need_text'))
                ticket.card_need = '; '.join(dict.fromkeys(needs))
                ticket.card_contact_warning = person.retail_contact_warning
                ticket.card_tickets = customer._ticket_words(uid)

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_history(self):
        """Ask once for the tickets and once for the purchases of all customers."""
        customers = self._card_shown().sudo().partner_id.commercial_partner_id._origin.ids
        last_tickets = self._last_tickets_of(customers)
        purchases = self.env['retail.purchase'].search(
            [('partner_id', 'in', customers), ('company_id', 'in', self.company_id.root_id.ids)],
            limit=SHOWN if len(customers) < 2 else None,
        )
        last_purchases = purchases.grouped(lambda row: (row.partner_id.id, row.company_id.id))
        for ticket in self:
            customer = ticket.sudo().partner_id.commercial_partner_id._origin.id
            ids = [one for one in last_tickets.get(customer, ()) if one != ticket._origin.id]
            ticket.earlier_ticket_ids = self.browse(ids[:SHOWN])
            key = customer, ticket.company_id.root_id.id
            ticket.last_purchase_ids = last_purchases.get(key, purchases.browse())[:SHOWN]

    def _last_tickets_of(self, customers):
        """Return ``{customer's id: ids}`` of their tickets, the newest first: as many as forms show, or all of several.

        As the user may see them: restricted ones stay hidden.
        """
        domain = [('commercial_partner_id', 'in', customers), ('is_internal', '=', False)]
        if len(customers) < 2:  # with the columns that the form shows, one query reads them
            columns = ['commercial_partner_id', *_HISTORY]
            last = self.search_fetch(domain, columns, order='id desc', limit=SHOWN + 1)
            return dict.fromkeys(customers, last.ids)
        found = self._read_group(domain, ['commercial_partner_id'], ['id:array_agg'])
        return {partner.id: sorted(ids, reverse=True) for partner, ids in found}

    # === ACTIONS ===#

    def action_customer_tickets(self):
        """Open all tickets of the customer."""
        self.ensure_one()
        self.check_access('read')
        return self.partner_id.action_retail_tickets()

    def action_customer_timeline(self):
        """Open everything that happened with the customer."""
        self.ensure_one()
        self.check_access('read')
        return self.partner_id.action_retail_timeline()
