from odoo import fields, models


class RetailChannel(models.Model):
    """A way in which customers and the shop reach each other."""

    _name = 'retail.channel'
    _description = 'Contact Channel'
    _order = 'sequence, id'
    _rec_names_search = ('name', 'code')  # imports may name either

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help='Short name used by imports and interfaces. It must be unique.',
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    synchronous = fields.Boolean(
        help='The customer is present while the matter is recorded (counter, telephone), so it counts as answered at once.',
    )
    transport = fields.Selection(
        selection=[
            ('manual', 'Sent by hand and logged'),
            ('email', 'E-mail'),
            ('sms', 'SMS'),
            ('phone', 'Telephone call'),
            ('letter', 'Printed letter'),
            ('portal', 'Customer portal'),
            ('none', 'Label only'),
        ],
        required=True,
        default='manual',
        help='How a message to a customer leaves the system on this channel.',
    )
    fallback_sequence = fields.Integer(
        string='Fallback Order',
        help='Order in which channels are tried when the preferred one is not possible. 0: never used as a fallback.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another channel has this code already.')
