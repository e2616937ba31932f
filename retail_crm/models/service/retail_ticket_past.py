from odoo import api, fields, models
from odoo.tools import SQL


class RetailTicketPast(models.Model):
    """What is known of the customer from before the ticket: whether he had bought, and how often he had complained.

    Both are on every form, so they are asked together: one statement for the tickets of a main company.
    """

    _inherit = 'retail.ticket'

    @api.depends(
        'partner_id',
        'commercial_partner_id',
        'received_at',
        'company_id',
        'is_complaint',
        'category',
    )
    @api.depends_context('uid')
    def _compute_past(self):
        # sudo: a branch's ticket asks in its main company
        for root, tickets in self.grouped(lambda ticket: ticket.company_id.sudo().root_id).items():
            past = tickets._past_of_customers(root)
            for ticket in tickets:
                bought, complaints = past.get(ticket._past_customer().id, (None, 0))
                received = ticket.received_at and fields.Datetime.context_timestamp(
                    ticket, ticket.received_at
                )
                ticket.is_old_customer = bool(bought and received and bought < received.date())
                is_one = ticket.is_complaint and ticket._origin and ticket.category != 'cancelled'
                ticket.earlier_complaint_count = max(0, complaints - int(bool(is_one)))

    def _past_customer(self):
        return self.partner_id.commercial_partner_id._origin

    def _past_of_customers(self, root):
        """Return ``{customer id: (day of the first purchase or None, number of complaints)}`` in a main company.

        No rules are asked: whether somebody bought, and how many complaints there were, is told to whoever handles the
        next one, not what they were about; of one about himself he learns nothing.
        """
        customers = {ticket._past_customer().id for ticket in self} - {False}
        if not customers:
            return {}
        names = ['partner_id', 'company_id', 'counts', 'date']
        self.env['retail.purchase'].flush_model(names)
        names = ['active', 'blocked_user_id', 'category', 'commercial_partner_id', 'is_complaint']
        self.env['retail.ticket'].flush_model([*names, 'company_id'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT customer.id,
                       (SELECT min(purchase.date) FROM retail_purchase AS purchase
                         WHERE purchase.partner_id = customer.id AND purchase.company_id = %(root)s
                           AND purchase.counts),
                       (SELECT count(*) FROM retail_ticket AS ticket
                          JOIN res_company AS branch ON branch.id = ticket.company_id
                         WHERE ticket.commercial_partner_id = customer.id AND ticket.active
                           AND ticket.is_complaint AND ticket.category <> 'cancelled'
                           AND ticket.blocked_user_id IS DISTINCT FROM %(uid)s
                           AND branch.parent_path LIKE %(branches)s)
                  FROM unnest(%(customers)s) AS customer (id)
                """,
                root=root.id or None,
                branches=f'{root.id}/%' if root else '%',
                uid=self.env.uid,
                customers=list(customers),
            )
        )
        return {customer: (bought, complaints) for customer, bought, complaints in rows}
