from odoo import fields, models


class RetailTicketTypeAnswer(models.Model):
    """Types whose customers must be told the outcome before it is over: suggestions, like complaints (S-TKT-36)."""

    _inherit = 'retail.ticket.type'

    needs_answer = fields.Boolean(
        string='Needs an Answer',
        help='A ticket of this type is not solved before it has an owner and the customer was thanked and told the '
        'outcome.',
    )
