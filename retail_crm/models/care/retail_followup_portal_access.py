from odoo import models


class RetailFollowup(models.Model):
    """Customers read their messages, and nothing of what staff noted about them."""

    _name = 'retail.followup'
    _inherit = ['retail.followup', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'partner_id',
            'company_id',
            'subject',
            'body',
            'due_on',
            'contacted_at',
            'state',
            'reaction',
        }
    )
