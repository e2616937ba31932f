from odoo import fields, models
from odoo.tools import SQL

#: How many requests of one kind make a question that is asked often, and within how many days.
MIN_TICKETS, DAYS = 3, 90


class RetailFaqGap(models.Model):
    """Repeated requests for which there is no article yet: each row proposes one (S-CHN-04). Read from tickets."""

    _name = 'retail.faq.gap'
    _description = 'Repeated Question Without an Article'
    _auto = False
    _order = 'ticket_count desc, id'
    _rec_name = 'type_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type', readonly=True, help='What was asked for.'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        readonly=True,
        help='Product that was asked about. Empty: none.',
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        readonly=True,
        help='Class of the complaints. Empty: no complaint, or not classified.',
    )
    ticket_count = fields.Integer(
        string='Requests',
        readonly=True,
        help='Requests of this type, product and class within the last 90 days that no article answered.',
    )
    last_on = fields.Datetime(
        string='Last Asked', readonly=True, help='When the last of these requests came in.'
    )

    @property
    def _table_query(self):
        """One row per type, product and class that was asked often, and about which there is no article."""
        return SQL(
            """
            SELECT min(ticket.id) AS id, ticket.company_id, ticket.type_id, ticket.product_id, ticket.reason_id,
                   count(*) AS ticket_count, max(ticket.received_at) AS last_on
              FROM retail_ticket ticket
              LEFT JOIN product_product product ON product.id = ticket.product_id
             WHERE ticket.received_at > (now() AT TIME ZONE 'UTC') - make_interval(days => %(days)s)
               AND ticket.active AND ticket.category <> 'cancelled'
               AND ticket.is_internal IS NOT TRUE AND ticket.is_restricted IS NOT TRUE
               AND NOT EXISTS (SELECT FROM retail_ticket_faq_rel link WHERE link.ticket_id = ticket.id)
               AND NOT EXISTS (
                   SELECT
                     FROM retail_faq faq
                    WHERE faq.active AND faq.type_id = ticket.type_id
                      AND (faq.company_id IS NULL OR faq.company_id = ticket.company_id)
                      AND (
                          CASE WHEN ticket.product_id IS NULL THEN NOT EXISTS (
                              SELECT FROM retail_faq_product_rel rel WHERE rel.faq_id = faq.id
                          )
                          ELSE EXISTS (
                              SELECT FROM retail_faq_product_rel rel
                               WHERE rel.faq_id = faq.id
                                 AND rel.product_tmpl_id = product.product_tmpl_id
                          ) END
                      )
               )
             GROUP BY ticket.company_id, ticket.type_id, ticket.product_id, ticket.reason_id
            HAVING count(*) >= %(count)s
            """,
            days=DAYS,
            count=MIN_TICKETS,
        )

    def action_write_article(self):
        """Open a new article about the question."""
        self.ensure_one()
        self.check_access('read')
        self.env['retail.faq'].check_access('create')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('New FAQ article'),
            'res_model': 'retail.faq',
            'view_mode': 'form',
            'context': {
                'default_type_id': self.type_id.id,
                'default_product_ids': self.product_id.product_tmpl_id.ids,
                'default_company_id': False,
            },
        }

    def action_open_tickets(self):
        """Open the requests that the row counts."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Requests'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [
                ('company_id', '=', self.company_id.id),
                ('type_id', '=', self.type_id.id),
                ('product_id', '=', self.product_id.id),
                ('reason_id', '=', self.reason_id.id),
                ('faq_ids', '=', False),
                ('received_at', '>', fields.Datetime.subtract(fields.Datetime.now(), days=DAYS)),
            ],
        }
