from odoo import SUPERUSER_ID, api, models
from odoo.fields import Command


class RetailTicketGoods(models.Model):
    """A ticket that speaks of an order knows what the order knows: customer, store, seller (R-svc E 1).

    Filled where the ticket is made, whichever way, and in the form when the order is chosen there. What was given
    explicitly stays.
    """

    _inherit = 'retail.ticket'

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Take customer, store and shop guide from the order, before team and priority are found by them."""
        return super()._prepare_ticket_values(self._fill_from_orders(vals_list))

    @api.model
    def _fill_from_orders(self, vals_list):
        """Return the values with those of their orders; two queries, whatever the number of tickets."""
        vals_list = [dict(vals) for vals in vals_list]
        sale_line_ids = {
            line_id
            for vals in vals_list
            if not vals.get('order_id')
            for line_id in _sale_line_ids(vals.get('line_ids'))
        }
        # sudo: staff who take in a request need not be sales people; the values are those of the ticket's own order
        lines = self.env['sale.order.line'].sudo().browse(sale_line_ids)
        for vals in vals_list:
            for line in lines.browse(_sale_line_ids(vals.get('line_ids'))):
                vals['order_id'] = vals.get('order_id') or line.order_id.id
        orders = lines.order_id.browse(
            {vals['order_id'] for vals in vals_list if vals.get('order_id')}
        )
        orders.fetch(['partner_id', 'team_id', 'user_id'])
        for vals in vals_list:
            if vals.get('order_id'):
                taken = self._values_of_order(orders.browse(vals['order_id']))
                if taken.get('guide_id') == self.env.uid and self._is_about_person(vals):
                    # who sold it and takes in the complaint is not complaining about himself
                    taken['guide_id'] = False
                for name, value in taken.items():
                    # whoever empties the shop guide means it: a complaint about a person names the guide
                    if name != 'guide_id' or name not in vals:
                        vals[name] = vals.get(name) or value
        return vals_list

    @api.model
    def _is_about_person(self, vals):
        """Return whether a ticket with these values would be about the shop guide that it names."""
        reason = self.env['retail.ticket.reason'].browse(vals.get('reason_id') or ())
        return bool(reason) and reason._main().about_person

    @api.model
    def _values_of_order(self, order):
        """Hook: return what a ticket takes from its order; add-ons with other documents add theirs."""
        seller = order.user_id  # the system itself serves nobody
        return {
            'partner_id': order.partner_id.id,
            'store_id': order.team_id.id if order.team_id.retail_is_store else False,
            'guide_id': seller.id if not seller.share and seller.id != SUPERUSER_ID else False,
        }

    @api.onchange('order_id')
    def _onchange_order_id(self):
        """Show in the form at once what creating would fill."""
        # sudo: as above; of orders of one's companies
        if self.order_id and self.order_id.sudo().company_id in self.env.user.company_ids:
            for name, value in self._values_of_order(self.order_id.sudo()).items():
                if not self[name]:
                    self[name] = value

    def action_find_purchase(self):
        """Open the dialog that finds orders and receipts, to put their lines on this ticket."""
        self.ensure_one()
        self.check_access('write')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_ticket_counter_action'
        )
        return {
            **action,
            'name': self.env._('Find the Purchase'),
            'context': {
                'default_ticket_id': self.id,
                'default_partner_id': self.partner_id.id,
                'default_company_id': self.company_id.id,
            },
        }


def _sale_line_ids(commands):
    """Return the order lines of commands that create ticket lines."""
    return [
        command[2]['sale_line_id']
        for command in commands or ()
        if command[0] == Command.CREATE and command[2].get('sale_line_id')
    ]
