from random import randint

from odoo import fields, models


class RetailTicketTag(models.Model):
    """A free label on tickets."""

    _name = 'retail.ticket.tag'
    _description = 'Ticket Tag'
    _order = 'name, id'

    name = fields.Char(required=True, translate=True)
    color = fields.Integer(string='Colour', default=lambda self: randint(1, 11))
    active = fields.Boolean(default=True)

    _name_uniq = models.Constraint('UNIQUE(name)', 'Another tag has this name already.')
