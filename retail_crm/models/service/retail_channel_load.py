from odoo import fields, models


class RetailChannelLoad(models.Model):
    """How much work a request on a channel is, compared with others (R-svc C.3)."""

    _inherit = 'retail.channel'

    load_weight = fields.Float(
        string='Weight in the Load',
        default=1.0,
        help='How much a running ticket of this channel counts in the load of its owner. 1: as one ticket.',
    )

    _check_load_weight = models.Constraint(
        'CHECK(load_weight >= 0)', 'A weight cannot be below zero.'
    )
