from odoo import fields, models

NEED_KINDS = [('ask', 'Asks for'), ('expect', 'Expects')]


class RetailTicketNeed(models.Model):
    """What an enquiry asks (price, quality, function) or expects (a fast answer, after-sales service): S-SRV-05."""

    _name = 'retail.ticket.need'
    _description = 'Need of an Enquiry'
    _order = 'kind, sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=NEED_KINDS,
        required=True,
        default='ask',
        help='Whether customers ask for it, or expect it of our service.',
    )
    color = fields.Integer(string='Colour')

    _name_kind_uniq = models.Constraint(
        'UNIQUE(name, kind)', 'There is another need of this name already.'
    )
