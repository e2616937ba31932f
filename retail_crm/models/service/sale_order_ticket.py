from odoo import api, fields, models

from .sale_order_line_ticket import TICKET_GROUPS


class SaleOrder(models.Model):
    """Orders lead to their tickets, start new ones, and show what else the customer has open."""

    _inherit = 'sale.order'

    retail_ticket_count = fields.Integer(
        string='Tickets',
        compute='_compute_retail_ticket_count',
        groups=TICKET_GROUPS,
        help='Tickets about this order.',
    )
    retail_ticket_text = fields.Char(
        string="Customer's Open Tickets",
        compute='_compute_retail_ticket_text',
        groups=TICKET_GROUPS,
        help='Open tickets and complaints of the customer.',
    )

    @api.depends_context('uid')
    def _compute_retail_ticket_count(self):
        """One grouped query for any number of orders."""
        counts = dict(
            self.env['retail.ticket']._read_group(
                [('order_id', 'in', self._origin.ids)], ['order_id'], ['__count']
            )
        )
        for order in self:
            order.retail_ticket_count = counts.get(order._origin, 0)

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_retail_ticket_text(self):
        """Take it from the customer's summary in the company of the order."""
        self.retail_ticket_text = False
        for company, orders in self._retail_shown().grouped('company_id').items():
            # sudo: groups decide
            partners = orders.sudo().partner_id.commercial_partner_id.with_company(company)
            texts = {partner.id: partner._ticket_words(self.env.uid) for partner in partners}
            for order in orders:
                order.retail_ticket_text = texts.get(
                    order.sudo().partner_id.commercial_partner_id.id
                )

    def action_retail_tickets(self):
        """Open the tickets about this order."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_ticket_action')
        return {**action, 'domain': [('order_id', '=', self.id)], 'context': {}}

    def action_retail_new_ticket(self):
        """Take in a request about this order: customer, store, goods and dates are filled in.

        :raise AccessError: for those who may not make tickets
        """
        self.ensure_one()
        self.check_access('read')
        return self.env['retail.ticket.counter']._action_of_lines(
            self.partner_id, self.order_line._retail_goods(), self.company_id
        )
