from odoo import api, fields, models
from odoo.tools import ormcache


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

    @api.model
    @ormcache()
    def _names_teams(self):
        """Return whether any policy names a service team: where none does, tickets do not ask. Kept until one does."""
        # sudo: which team is responsible is no secret
        return bool(self.sudo().search_count([('service_team_id', '!=', False)], limit=1))

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        if any(vals.get('service_team_id') for vals in vals_list):
            self.env.registry.clear_cache()  # of _names_teams
        return policies

    def write(self, vals):
        result = super().write(vals)
        if {'service_team_id', 'active'} & set(vals):
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()
