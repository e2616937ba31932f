from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command


class RetailRemedyOrder(models.Model):
    """Exchange, repair and gift are confirmed orders without charge, linked to ticket, remedy and the first order.

    For another, dearer article the customer pays what the remedy does not waive. Where stock is kept the order delivers
    as any other. Taken back, it is cancelled as long as nothing was delivered.
    """

    _inherit = 'retail.remedy'

    def _grant_exchange(self):
        self.ensure_one()
        self._check_goods()
        line = self.line_id
        product = self.product_id or line.product_id
        pieces = self.quantity or line.quantity
        new_worth = self._retail_price(product, pieces)
        pay = 0.0
        if product != line.product_id:
            # by the order, not by what was typed
            pay = max(0.0, new_worth - self._paid(line, pieces) - self.amount)
        order = self._replacement_order(product, pieces, pay, new_worth)
        self._note_worth(0.0, self._cost_of_goods(product, pieces, new_worth))
        return order

    def _grant_repair(self):
        self.ensure_one()
        self._check_goods()
        product = self.env.ref('retail_crm.product_product_repair', raise_if_not_found=False)
        if not product or not product.active:
            raise UserError(
                self.env._(
                    'The service product for repairs does not exist any more. Use "Something Else" and open the repair by '
                    'hand.'
                )
            )
        pieces = self.quantity or self.line_id.quantity
        goods = ' '.join(filter(None, (self.line_id.product_id.display_name, self.line_id.lot)))
        order = self._replacement_order(
            product,
            pieces,
            0.0,
            0.0,
            name=self.env._('Repair without charge: %(goods)s', goods=goods),
        )
        self._note_worth(0.0, self._cost_of_goods(product, pieces, self.amount))
        return order

    def _grant_gift(self):
        self.ensure_one()
        product = self.product_id or self.kind_id.product_id
        if not product:
            raise UserError(
                self.env._('Say what is given: "%(kind)s" has no product.', kind=self.kind_id.name)
            )
        pieces = self.quantity or 1.0
        worth = self._retail_price(product, pieces)
        order = self._replacement_order(product, pieces, 0.0, worth)
        self._note_worth(worth, self._cost_of_goods(product, pieces, worth))
        return order

    def _check_goods(self):
        if not self.line_id.product_id:
            raise UserError(
                self.env._(
                    '%(ticket)s does not say which goods it is about. Add them first.',
                    ticket=self.ticket_id.display_name,
                )
            )

    # === THE ORDER ===#

    def _replacement_order(self, product, pieces, pay, worth, name=None):
        """Return the confirmed order of one remedy.

        :param pay: what the customer pays for all pieces with tax, in the company currency
        :param worth: what they cost in the shop with tax
        :param name: text of the line, default: of the product
        """
        # sudo: whoever handles the ticket need not be a sales person
        orders_sudo = self.env['sale.order'].sudo().with_company(self.company_id)
        order_sudo = orders_sudo.create(self._prepare_replacement_order())
        price = 0.0
        if pay > 0 and worth > 0:
            # at the share of the list price that is left to pay, so that taxes fit
            price = product.currency_id._convert(
                product.lst_price * pay / worth,
                order_sudo.currency_id,
                self.company_id,
                self.company_id._retail_today(),
            )
        values = {'product_id': product.id, 'product_uom_qty': pieces, 'price_unit': price}
        if name:
            values['name'] = name
        order_sudo.order_line = [Command.create({**values, 'discount': 0.0})]
        order_sudo.action_confirm()
        order_sudo.message_post(
            body=self.env._(
                'Made for %(ticket)s: %(remedy)s',
                ticket=self.ticket_id.name,
                remedy=self.display_name,
            ),
            subtype_xmlid='mail.mt_note',
        )
        return order_sudo.sudo(self.env.su)

    def _prepare_replacement_order(self):
        """Hook: return the values of the order of one remedy: as the first order, where there is one."""
        ticket_sudo = self.ticket_id.sudo()  # sudo: as above
        first = self.line_id.sudo().order_id or ticket_sudo.order_id
        receiver = self._receiver()
        values = {
            'partner_id': receiver.id,
            'company_id': self.company_id.id,
            'origin': ', '.join(filter(None, (ticket_sudo.name, first.name))),
            'client_order_ref': self.name,
            'retail_remedy_id': self.id,
            'team_id': (first.team_id or ticket_sudo.store_id).id,
        }
        if first and first.company_id == self.company_id:
            values['pricelist_id'] = first.pricelist_id.id
            if first.partner_id.commercial_partner_id == receiver.commercial_partner_id:
                values |= {
                    'partner_id': first.partner_id.id,
                    'partner_invoice_id': first.partner_invoice_id.id,
                    'partner_shipping_id': first.partner_shipping_id.id,
                }
        return values

    def _reverse_order(self):
        """Cancel the order of one remedy as long as nothing was delivered."""
        # sudo: made by the system, taken back by the system
        order_sudo = self.env['sale.order'].sudo().browse(self.res_id).exists()
        if not order_sudo or order_sudo.state == 'cancel':
            return ''
        if any(line.qty_delivered > 0 for line in order_sudo.order_line):
            return self.env._('%(order)s was delivered already.', order=order_sudo.name)
        order_sudo._action_cancel()
        return ''

    def _reverse_exchange(self):
        return self._reverse_order()

    def _reverse_repair(self):
        return self._reverse_order()

    def _reverse_gift(self):
        return self._reverse_order()
