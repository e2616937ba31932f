from odoo import api, fields, models


class RetailPolicy(models.Model):
    """Which service team answers the customers of a class, and with which macro (S-SRV-23)."""

    _inherit = 'retail.policy'

    service_team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        check_company=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Team that gets the requests of these customers, apart from complaints. Empty: this policy says nothing.',
    )
    macro_id = fields.Many2one(
        comodel_name='retail.ticket.macro',
        string='Macro to Begin With',
        index='btree_not_null',
        ondelete='restrict',
        help='Macro that is offered first for the requests of these customers. Empty: this policy says nothing.',
    )

    @api.model
    def _attributes(self):
        return [*super()._attributes(), 'service_team_id', 'macro_id']
