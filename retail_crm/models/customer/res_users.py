from odoo import api, models


class ResUsers(models.Model):
    """A portal account makes its contact a potential customer."""

    _inherit = 'res.users'

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        users._announce_accounts(users.filtered('share').partner_id)
        return users

    def write(self, vals):
        """Announce accounts that are given, taken away or handed to somebody else."""
        if not {'active', 'group_ids', 'partner_id'} & set(vals):
            return super().write(vals)
        partners = self.filtered('share').partner_id
        result = super().write(vals)
        self._announce_accounts(partners | self.filtered('share').partner_id)
        return result

    def _announce_accounts(self, partners):
        self.env.registry.clear_cache()  # of _sql_not_counted_partners
        self.env['retail.moment']._emit('partner_changed', partners)
