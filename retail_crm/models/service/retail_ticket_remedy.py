from odoo import fields, models


class RetailTicketRemedy(models.Model):
    """What the customer gets in a ticket (S-TKT-09, S-TKT-22)."""

    _inherit = 'retail.ticket'

    remedy_ids = fields.One2many(
        comodel_name='retail.remedy',
        inverse_name='ticket_id',
        string='Remedies',
        copy=False,
        help='What the customer is offered and gets.',
    )
