from odoo import models


class RetailTicket(models.Model):
    """What customers may read of their tickets by themselves: what their page shows, and no more (R-svc C.8, D.1-4)."""

    _name = 'retail.ticket'
    _inherit = ['retail.ticket', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'name',
            'subject',
            'description',
            'active',
            'company_id',
            'partner_id',
            'type_id',
            'category',
            'order_id',
            'product_id',
            'received_at',
            'solved_at',
            'customer_wish',
            'portal_state',
            'portal_solution',
            'portal_result',
            'access_url',
        }
    )
