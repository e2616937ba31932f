from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

from ._alike import alike
from .retail_ticket_portal import MIN_DIGITS, _digits
from .retail_ticket_stage import OPEN_CATEGORIES

#: Older tickets are not compared any more when they are opened.
YOUNG = timedelta(days=7)
#: Most tickets that are compared with one.
COMPARED = 50
#: Channels of tickets that a team may have merged by themselves: the customer wrote both.
WRITTEN_BY_CUSTOMER = ('email', 'web')


class RetailTicketDuplicate(models.Model):
    """Tickets that may be the same: same customer and same goods or words, within some hours (R-svc C.7-8).

    A suggestion, shown on young open tickets; one query. Teams may have sure cases merged by themselves.
    """

    _inherit = 'retail.ticket'

    duplicate_count = fields.Integer(
        string='Possible Duplicates',
        compute='_compute_duplicate_count',
        help='Open tickets of the same customer about the same goods or in similar words, of about the same time.',
    )

    # used to look for duplicates among what came in lately
    _recent_idx = models.Index(
        "(company_id, received_at) WHERE category IN ('new', 'open', 'waiting', 'on_hold')"
    )

    @api.depends('partner_id', 'subject', 'category', 'order_id')
    def _compute_duplicate_count(self):
        for ticket in self:
            ticket.duplicate_count = len(ticket._duplicates())

    def _duplicates(self):
        """Return open tickets that may be the same as this one, as far as the user may read them."""
        ticket = self._origin
        since = fields.Datetime.now() - YOUNG
        hours = ticket.company_id.retail_duplicate_hours if ticket else 0
        if (
            not hours
            or not ticket._is_open()
            or ticket.is_internal
            or (ticket.create_date or since) < since
        ):
            return self.browse()
        window = timedelta(hours=hours)
        query = self._search(
            [
                ('id', '!=', ticket.id),
                ('company_id', '=', ticket.company_id.id),
                ('category', 'in', OPEN_CATEGORIES),
                ('is_internal', '=', False),
                ('received_at', '>=', ticket.received_at - window),
                ('received_at', '<=', ticket.received_at + window),
            ],
            order='received_at, id',
            limit=COMPARED,
        )
        if query.is_empty():
            return self.browse()
        query.add_where(SQL('(%s)', SQL(' OR ').join(ticket._sql_same_customer())))
        rows = self.env.execute_query(
            query.select(
                SQL.identifier('retail_ticket', 'id'),
                SQL.identifier('retail_ticket', 'subject', to_flush=self._fields['subject']),
                ticket._sql_same_goods(),
            )
        )
        return self.browse(
            [
                found
                for found, subject, same_goods in rows
                if same_goods or alike(ticket.subject, subject)
            ]
        )

    def _sql_column(self, name):
        return SQL.identifier('retail_ticket', name, to_flush=self._fields[name])

    def _sql_same_customer(self):
        """Return conditions, one of which a ticket of the same customer as this one meets."""
        conditions = [SQL('FALSE')]
        if customer := self.commercial_partner_id:
            conditions.append(
                SQL('%s = %s', self._sql_column('commercial_partner_id'), customer.id)
            )
        if email := email_normalize(self.partner_email or ''):
            conditions.append(SQL('lower(%s) = %s', self._sql_column('partner_email'), email))
        digits = _digits(self.partner_phone)
        if len(digits) >= MIN_DIGITS:
            conditions.append(
                SQL(
                    r"regexp_replace(%s, '\D', '', 'g') LIKE %s",
                    self._sql_column('partner_phone'),
                    f'%{digits[-MIN_DIGITS:]}',
                )
            )
        if self.order_id:
            conditions.append(
                SQL(
                    """(%s = %s OR %s ILIKE '%%' || (SELECT name FROM sale_order WHERE id = %s) || '%%')""",
                    self._sql_column('order_id'),
                    self.order_id.id,
                    self._sql_column('subject'),
                    self.order_id.id,
                )
            )
        return conditions

    def _sql_same_goods(self):
        """Return the condition that a ticket is about a line of an order that this one is about."""
        self.env['retail.ticket.line'].flush_model(['ticket_id', 'sale_line_id'])
        return SQL(
            """
            EXISTS (
                SELECT FROM retail_ticket_line mine
                  JOIN retail_ticket_line theirs ON theirs.sale_line_id = mine.sale_line_id
                 WHERE mine.ticket_id = %s AND theirs.ticket_id = retail_ticket.id
            )
            """,
            self.id,
        )

    # === BY ITSELF ===#

    def _merge_by_itself(self):
        """Merge tickets that the same customer wrote twice about the same line of an order."""
        for ticket in self:
            if (
                ticket.channel_id.code not in WRITTEN_BY_CUSTOMER
                or not ticket.line_ids.sale_line_id
            ):
                continue
            same = ticket._duplicates().filtered(
                lambda other, ticket=ticket: (
                    other.channel_id.code in WRITTEN_BY_CUSTOMER
                    and other.partner_id
                    and other.partner_id == ticket.partner_id
                    and other.type_id == ticket.type_id
                    and other.line_ids.sale_line_id & ticket.line_ids.sale_line_id
                    and not (other.is_restricted or ticket.is_restricted)
                )
            )
            survivor = (same | ticket)._merge_survivor()
            if same and survivor != ticket:
                survivor._merge(ticket)

    # === ACTIONS ===#

    def action_merge(self):
        """Compare tickets, and merge them: those that were chosen, or one with its possible duplicates."""
        self.check_access('write')
        tickets = self if len(self) > 1 else self | self._duplicates()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Merge Tickets'),
            'res_model': 'retail.ticket.merge.ask',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_ticket_ids': tickets.ids},
        }

    def action_merges(self):
        """Open what was merged into one ticket, and what it was merged into."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Merges'),
            'res_model': 'retail.ticket.merge',
            'view_mode': 'list,form',
            'domain': ['|', ('survivor_id', '=', self.id), ('source_ids', 'in', self.ids)],
        }
