from odoo import api, models
from odoo.tools import ormcache


class RetailProgrammeKept(models.Model):
    """Which programmes run, kept in memory: every priority and price asks, and a programme starts once in years.

    Forgotten, in all processes, whenever a programme is made, started, archived or deleted.
    """

    _inherit = 'retail.programme'

    @api.model_create_multi
    def create(self, vals_list):
        programmes = super().create(vals_list)
        self.env.registry.clear_cache()  # of _running_ids
        return programmes

    def write(self, vals):
        result = super().write(vals)
        if {'state', 'active'} & set(vals):
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @ormcache()
    def _running_ids(self):
        """Return the ids of the running programmes of all companies."""
        # sudo: see ``_running``
        return self.sudo().search([('state', '=', 'running')], order='id')._ids
