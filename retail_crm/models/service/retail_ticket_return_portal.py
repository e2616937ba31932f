from odoo import models

#: How the state of a return is coloured on the page of the customer.
COLOURS = {'done': 'success', 'refused': 'secondary', 'cancelled': 'secondary', 'asked': 'warning'}


class RetailTicketReturnPortal(models.Model):
    """What customers see of their returns, on the page of their request."""

    _inherit = 'retail.ticket'

    def _portal_returns(self):
        """Return the returns of one ticket as its customer reads them: list of texts by name."""
        self.ensure_one()
        # sudo: the page shows a ticket that the visitor may see
        requests = self.env['retail.return.request'].sudo()
        states, wishes = (
            dict(requests._fields[name]._description_selection(requests.env))
            for name in ('state', 'wish')
        )
        return [
            {
                'goods': request.display_name,
                'wish': wishes[request.wish],
                'state': states[request.state],
                'colour': COLOURS.get(request.state, 'info'),
                'why': request.state == 'refused' and request.refusal or '',
                'next': request._portal_next(),
            }
            for request in self._merge_own(
                requests.search([('ticket_id', '=', self.id)], order='id')
            )
        ]


class RetailReturnRequestPortal(models.Model):
    """What a customer has to do next with his return."""

    _inherit = 'retail.return.request'

    def _portal_next(self):
        """Hook: return what comes next for one return, in the words for its customer."""
        return {
            'asked': self.env._('We look at it and tell you.'),
            'approved': self.env._('Please bring or send the goods.'),
            'received': self.env._('We have the goods.'),
        }.get(self.state, '')


class SaleOrderReturn(models.Model):
    _inherit = 'sale.order'

    def _portal_may_return(self):
        """Return whether the visitor of the page of one order may ask for a return there."""
        tickets = self.env['retail.ticket']
        kind = self.env.ref('retail_crm.retail_ticket_type_return', raise_if_not_found=False)
        # sudo: how a kind of requests is switched
        return bool(
            kind
            and kind.sudo().active
            and kind.sudo().is_portal
            and not self.env.user._is_public()
            and tickets._portal_is_on()
        )
