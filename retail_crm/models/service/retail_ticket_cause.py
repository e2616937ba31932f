from odoo import fields, models


class RetailTicketCause(models.Model):
    """Why something really happened, in our view: found at solving, apart from the customer's words (S-TKT-19)."""

    _name = 'retail.ticket.cause'
    _description = 'Root Cause'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help='Short name used by rules and interfaces. It must be unique.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    is_preventable = fields.Boolean(
        string='Preventable',
        help='Could have been prevented by us; a first answer for each ticket.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another cause has this code already.')
