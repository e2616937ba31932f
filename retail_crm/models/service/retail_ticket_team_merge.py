from odoo import fields, models


class RetailTicketTeam(models.Model):
    _inherit = 'retail.ticket.team'

    auto_merge = fields.Boolean(
        string='Merge Sure Duplicates',
        help='What the same customer writes twice about the same line of an order, by mail or in the portal, is merged '
        'without asking. It can be undone for a day.',
    )
