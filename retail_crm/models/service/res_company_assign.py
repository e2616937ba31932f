from odoo import fields, models

#: Settings that a shop may set to their shipped values.
ASSIGN_SETTINGS = (
    'retail_assign_adviser',
    'retail_assign_previous_days',
    'retail_assign_desk_minutes',
    'retail_assign_skill_minutes',
    'retail_assign_capacity',
    'retail_assign_high',
    'retail_assign_urgent',
)


class ResCompanyAssign(models.Model):
    """By what tickets are assigned automatically (R-svc C.3, defaults 14)."""

    _inherit = 'res.company'

    retail_assign_adviser = fields.Boolean(
        string='Adviser First',
        default=True,
        help="A request goes to the customer's adviser, or to who stands in for him, when he is at work and has room.",
    )
    retail_assign_previous_days = fields.Integer(
        string='Same Owner Within (Days)',
        default=14,
        help='A request goes to who handled the last one of the customer, or of the order, within this number of days. '
        '0: never.',
    )
    retail_assign_desk_minutes = fields.Integer(
        string='Store Desk First (Working Minutes)',
        default=30,
        help="A store's request that nobody of its desk could get within this number of the desk's working minutes goes "
        'to the hotline. 0: it stays with the desk.',
    )
    retail_assign_skill_minutes = fields.Integer(
        string='Wait for Preferred Skills (Working Minutes)',
        default=15,
        help='Skills that a team only prefers are given up after this number of its working minutes.',
    )
    retail_assign_capacity = fields.Integer(
        string='Usual Capacity (Tickets)',
        default=15,
        help='How many running tickets one handles whose membership and role name no number.',
    )
    retail_assign_high = fields.Float(
        string='Weight of High Priority',
        default=1.5,
        help='How much a running ticket of high priority counts in the load of its owner.',
    )
    retail_assign_urgent = fields.Float(
        string='Weight of Urgent Tickets',
        default=2.0,
        help='How much a running urgent ticket counts in the load of its owner.',
    )

    _check_retail_assign = models.Constraint(
        'CHECK(retail_assign_previous_days >= 0 AND retail_assign_desk_minutes >= 0 '
        'AND retail_assign_skill_minutes >= 0 AND retail_assign_high >= 0 AND retail_assign_urgent >= 0)',
        'Days, minutes and weights of assignment cannot be negative.',
    )
    _check_retail_assign_capacity = models.Constraint(
        'CHECK(retail_assign_capacity > 0)', 'The usual capacity is one ticket at least.'
    )

    def _retail_service_settings(self):
        return [*super()._retail_service_settings(), *ASSIGN_SETTINGS]
