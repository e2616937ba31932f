from odoo import api, models
from odoo.fields import Domain
from odoo.tools import ormcache


class RetailPolicyKept(models.Model):
    """Which policies say something, kept in memory: each new ticket asks, and policies change once in a season.

    Only ids are kept; what a policy says is read when it is asked. Forgotten, in all processes, whenever a policy is
    made, changed or deleted.
    """

    _inherit = 'retail.policy'

    @api.model_create_multi
    def create(self, vals_list):
        policies = super().create(vals_list)
        self.env.registry.clear_cache()  # of _saying
        return policies

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @ormcache('company_id', 'attributes')
    def _saying(self, company_id, attributes):
        """Return the ids of the active policies of a main company that say anything by one of the attributes, in order.

        What they refer to may be archived since: that is asked anew each time, see ``_says``.
        """
        policies_sudo = self.sudo().search_fetch(
            Domain('active', '=', True) & Domain('company_id', 'in', (False, company_id))
        )
        translated = any(self._fields[name].translate for name in attributes)
        return policies_sudo.filtered(
            lambda policy: translated or any(policy[name] for name in attributes)
        )._ids
