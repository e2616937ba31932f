from odoo import api, fields, models

from ._shown import shown

#: Who sees lists of purchases and tickets there.
HISTORY_GROUPS = 'retail_crm.group_user'
#: Earlier tickets and last purchases that the form shows.
SHOWN = 5
#: What it shows of earlier tickets.
_HISTORY = ('active', 'name', 'subject', 'received_at', 'type_id', 'stage_id', 'result')
#: What a form tells of itself when it asks.
_CHOSEN = ('partner_id', 'company_id', 'type_id')
#: Columns of the lists in the customer's page.
_COLUMNS = {
    'earlier_ticket_ids': ('name', 'subject', 'received_at', 'type_id', 'stage_id', 'result'),
    'last_purchase_ids': ('display_name', 'date', 'amount', 'returned', 'store_id'),
}


class RetailTicketCard(models.Model):
    """The customer beside the conversation: his card, and what he asked and bought before (R-svc E 13).

    Forms do not wait for it: they ask for it when they are shown (``action_card``, ``action_history``).
    """

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

    # === ASKED BY FORMS ===#

    @api.readonly
    def action_card(self, chosen=None):
        """Return the customer's card of one ticket in words, and how many possible duplicates it has.

        Each part for those who may read the fields it comes from. See ``_card_words``.

        :param chosen: ids that the form has for ``partner_id``, ``company_id`` and ``type_id``; they may not be saved
            yet, and there may be no ticket yet, either; default: what is saved
        """
        ticket = self._in_form(chosen)
        card = ticket._card_words()
        # of a customer who was only chosen nothing is told to those who may not read him
        if ticket.partner_id and (ticket == self or ticket._card_shown()):
            if ticket._has_field_access(self._fields['card_profile_id'], 'read'):
                label = self._fields['partner_id']._description_string(self.env)
                kind = {'name': 'kind', 'label': label, 'text': ticket._sheet_customer_kind()}
                card['tiles'].insert(0, kind)
            if ticket.is_complaint and ticket.earlier_complaint_count:
                card['tiles'].append(ticket._card_part('earlier_complaint_count'))
        return {**card, 'duplicates': self.duplicate_count if self else 0}

    @api.readonly
    def action_history(self, chosen=None):
        """Return earlier tickets and last purchases of one ticket's customer as tables, and what he agreed to.

        :param chosen: what the form has, see ``action_card``
        """
        ticket = self._in_form(chosen)
        tables = []
        for name, columns in _COLUMNS.items():
            field = self._fields[name]
            if not ticket._has_field_access(field, 'read'):
                continue
            rows = self.env[field.comodel_name]
            tables.append(
                {
                    'name': name,
                    'label': field._description_string(self.env),
                    'model': field.comodel_name,
                    'columns': [rows._fields[one]._description_string(self.env) for one in columns],
                    'rows': [
                        {'id': row.id, 'cells': [shown(row, one) for one in columns]}
                        for row in ticket[name]
                    ],
                }
            )
        may = ticket._has_field_access(self._fields['card_consent'], 'read')
        consent = [ticket._card_part('card_consent')] if may and ticket.card_consent else []
        return {'tables': tables, 'notes': consent}

    def _in_form(self, chosen):
        """Return one ticket as it is in a form: with the customer chosen there, saved or not."""
        self.check_access('read')
        chosen = chosen or {}
        values = {name: chosen[name] for name in _CHOSEN if chosen.get(name)}
        if self:
            self.ensure_one()
            values = {name: value for name, value in values.items() if self[name].id != value}
            if 'partner_id' in chosen and not chosen['partner_id']:
                values['partner_id'] = False
            return self.new(values, origin=self) if values else self
        values.setdefault('company_id', self.env.company.id)
        return self.new({'received_at': fields.Datetime.now(), **values})

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
