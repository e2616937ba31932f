from odoo import api, fields, models

#: Who sees lists of purchases and tickets there.
HISTORY_GROUPS = 'retail_crm.group_user'
#: Earlier tickets and last purchases that the form shows.
SHOWN = 5
#: What it shows of earlier tickets.
_HISTORY = ('active', 'name', 'subject', 'received_at', 'type_id', 'stage_id', 'result')


class RetailTicketCard(models.Model):
    """The customer beside the conversation: his card, and what he asked and bought before (R-svc E 13)."""

    _name = 'retail.ticket'
    _inherit = ['retail.ticket', 'retail.card.mixin']

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
