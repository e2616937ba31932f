from odoo import fields, models


class RetailClassification(models.Model):
    _inherit = 'retail.classification'

    ticket_cost = fields.Float(
        string='Cost of a Ticket',
        default=30.0,
        tracking=True,
        help='What handling one ticket costs, in the company currency. A customer whose margin of 12 months is lower '
        'than the cost of his tickets of these months can be a burden. 0: tickets cost nothing.',
    )

    _check_ticket_cost = models.Constraint(
        'CHECK(ticket_cost >= 0)', 'The cost of a ticket cannot be negative.'
    )
