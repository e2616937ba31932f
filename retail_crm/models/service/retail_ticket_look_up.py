from odoo import api, models
from odoo.fields import Domain
from odoo.tools import email_normalize

#: Customers that a look-up shows, at most.
MAX_CUSTOMERS = 8
#: Orders of a customer whose lines are offered, the last ones.
MAX_ORDERS = 5


class RetailTicketLookUp(models.Model):
    """One box for whatever the customer brings: order number, receipt, telephone, e-mail, member card, name."""

    _inherit = 'retail.ticket'

    @api.model
    def _look_up(self, text, company=None):
        """Return (customers, orders as superuser) of what was typed or scanned.

        An order number finds that order and its customer; anything else finds customers as every search of customers
        does (card, telephone, e-mail, name), and of a single one the last orders.

        :raise AccessError: for those who may not make tickets: they learn nothing of orders here
        """
        self.check_access('create')
        partners = self.env['res.partner']
        text = (text or '').strip()
        if not text:
            return partners, self.env['sale.order'].sudo()
        orders = self._look_up_orders(text, company or self.env.company)
        if orders:
            return orders.partner_id.sudo(False), orders
        partners = self._look_up_partners(text)
        return partners, self._last_orders(partners, company or self.env.company)

    @api.model
    def _look_up_orders(self, text, company):
        """Hook: return the orders (as superuser) with a number that is on an order, a receipt or an invoice.

        Add-ons with other documents, such as receipts of a till, add the orders behind them.
        """
        # sudo: staff at the counter need not be sales people; only a number that the customer brought finds an order
        orders = self.env['sale.order'].sudo()
        mine = Domain('company_id', 'child_of', company.root_id.id)
        mine &= Domain('company_id', 'in', self.env.companies.ids)
        found = orders.search(
            mine
            & (Domain('name', '=ilike', _literal(text)) | Domain('client_order_ref', '=', text)),
            limit=MAX_ORDERS,
        )
        if found:
            return found
        moves = self.env['account.move'].sudo()
        invoice = moves.search(
            mine
            & Domain('name', '=ilike', _literal(text))
            & Domain('move_type', '=', 'out_invoice'),
            limit=1,
        )
        return invoice.invoice_line_ids.sale_line_ids.order_id

    @api.model
    def _look_up_partners(self, text):
        """Return the customers that a text finds, as the user may see them."""
        partners = self.env['res.partner']
        if email := '@' in text and email_normalize(text):
            return partners.search([('email_normalized', '=', email)], limit=MAX_CUSTOMERS)
        # card and whole telephone numbers come with the search by name (models/loyalty/res_partner_counter.py)
        return partners.search([('display_name', 'ilike', text)], limit=MAX_CUSTOMERS)

    @api.model
    def _last_orders(self, partners, company):
        """Return the last confirmed orders (as superuser) of a single customer; of several, none yet."""
        # sudo: as in _look_up_orders; staff who see the customer see his purchases
        orders = self.env['sale.order'].sudo()
        customer = partners.commercial_partner_id
        if len(customer) != 1:
            return orders
        return orders.search(
            [
                ('partner_id.commercial_partner_id', '=', customer.id),
                ('company_id', 'child_of', company.root_id.id),
                ('company_id', 'in', self.env.companies.ids),
                ('state', '=', 'sale'),
            ],
            order='date_order desc, id desc',
            limit=MAX_ORDERS,
        )


def _literal(text):
    """Return a text for ``=ilike`` in which nothing stands for anything else."""
    return text.replace('\\', '\\\\').replace('%', '\\%').replace('_', '\\_')
