import pytz

from odoo import api, fields, models

#: Who sees tickets.
TICKET_GROUPS = 'retail_crm.group_user,retail_crm.group_complaint'


class SaleOrderLine(models.Model):
    """Order lines say what was paid and how many tickets speak of them; a line can be in several."""

    _inherit = 'sale.order.line'

    retail_ticket_count = fields.Integer(
        string='Tickets',
        compute='_compute_retail_ticket_count',
        groups=TICKET_GROUPS,
        help='Tickets that speak of this line.',
    )

    @api.depends_context('uid')
    def _compute_retail_ticket_count(self):
        """One grouped query for any number of lines."""
        counts = dict(
            self.env['retail.ticket.line']._read_group(
                [('sale_line_id', 'in', self._origin.ids)],
                ['sale_line_id'],
                ['ticket_id:count_distinct'],
            )
        )
        for line in self:
            line.retail_ticket_count = counts.get(line._origin, 0)

    def _retail_paid(self):
        """Return what one piece of one line cost with tax, in the company currency, and the day it was bought."""
        order, company = self.order_id, self.company_id
        price = self.price_reduce_taxinc / (order.currency_rate or 1.0)
        if not order.date_order:
            return company.currency_id.round(price), False
        zone = pytz.timezone(company._retail_timezone())
        bought = pytz.utc.localize(order.date_order).astimezone(zone)
        return company.currency_id.round(price), bought.date()

    def _retail_goods(self):
        """Hook: return those of these lines that are goods or services a customer can speak of."""
        return self.filtered(
            lambda line: not line.display_type and line.product_id and not line.is_downpayment
        )
