from odoo import models
from odoo.tools import SQL


class RetailProfileTicket(models.Model):
    """What tickets say about customers: whoever asks is a potential purchaser, and service has its cost.

    A request makes somebody who never bought a potential purchaser (S-SEG-03). A customer of low value and loyalty
    whose margin does not pay for his tickets is a burden (S-SEG-15).
    """

    _inherit = 'retail.profile'

    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['retail.ticket'].flush_model(
            [
                'partner_id',
                'commercial_partner_id',
                'company_id',
                'category',
                'is_internal',
                'received_at',
            ]
        )
        return result

    def _sql_signals(self, companies, partner_ids=None):
        """Add the requests of customers: each is a contact."""
        only = (
            SQL()
            if partner_ids is None
            else SQL('AND contact.commercial_partner_id = ANY(%s)', partner_ids)
        )
        requests = SQL(
            """
            SELECT contact.commercial_partner_id, split_part(branch.parent_path, '/', 1)::int, true
              FROM retail_ticket AS ticket
              JOIN res_partner AS contact ON contact.id = ticket.partner_id
              JOIN res_company AS branch ON branch.id = ticket.company_id
             WHERE ticket.is_internal IS NOT TRUE AND ticket.category != 'cancelled' %s
            """,
            only,
        )
        return [*super()._sql_signals(companies, partner_ids), requests]

    def _sql_at_a_loss(self):
        """Subtract the cost of the tickets of 12 months; a shop without tickets pays nothing for asking."""
        return SQL(
            """(%s OR (EXISTS (SELECT FROM retail_ticket)
                       AND sums.margin_12m < COALESCE(company.ticket_cost, 0) * (SELECT count(*) %s)))""",
            super()._sql_at_a_loss(),
            self._sql_recent_tickets(),
        )

    def _sql_recent_tickets(self):
        """Return FROM and WHERE of the tickets of the customer ``sums`` in the last 12 months."""
        return SQL(
            """FROM retail_ticket AS ticket
               JOIN res_company AS branch ON branch.id = ticket.company_id
                AND split_part(branch.parent_path, '/', 1)::int = sums.company_id
              WHERE ticket.commercial_partner_id = sums.partner_id
                AND ticket.is_internal IS NOT TRUE AND ticket.category != 'cancelled'
                AND ticket.received_at::date <= company.day
                AND ticket.received_at::date > (company.day - interval '12 months')::date"""
        )

    def _sql_refresh_on(self):
        """Who is a burden because of tickets is looked at again when the oldest of them is a year old."""
        oldest = SQL('(SELECT min(ticket.received_at::date) %s)', self._sql_recent_tickets())
        return SQL(
            "LEAST(%s, CASE WHEN sums.star_class = 'burden' AND sums.margin_12m >= 0 THEN %s END)",
            super()._sql_refresh_on(),
            self._sql_leaves(oldest, 12),
        )

    def _on_ticket_opened(self, moments):
        """Have the classes of those who asked for something follow."""
        self.env['retail.purchase']._take_turn()
        for quiet, group in moments.sorted('quiet', reverse=True).grouped('quiet').items():
            partners = group.partner_id.commercial_partner_id
            self._refresh(partners.sorted('id'), quiet=quiet)
