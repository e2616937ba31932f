from odoo import fields, models


class RetailTicketDissatisfaction(models.Model):
    """What made the customer dissatisfied: the eight things of the ready list (S-TKT-21)."""

    _name = 'retail.ticket.dissatisfaction'
    _description = 'Dissatisfaction'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help='Short name used by rules and interfaces. It must be unique.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another value has this code already.')
