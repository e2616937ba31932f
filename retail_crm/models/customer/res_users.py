from odoo import api, models


class ResUsers(models.Model):
    """A portal account makes its contact a potential customer."""

    _inherit = 'res.users'

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        self.env['retail.moment']._emit('partner_changed', users.filtered('share').partner_id)
        return users
