from odoo import api, fields, models


class ResUsers(models.Model):
    """A portal account makes its contact a potential customer."""

    _inherit = 'res.users'

    retail_substitute_id = fields.Many2one(
        comodel_name='res.users',
        string='Substitute',
        domain=[('share', '=', False)],
        ondelete='set null',
        help="Looks after this employee's customers while the employee is away.",
    )
    retail_away_from = fields.Date(string='Away From', help='First day of absence.')
    retail_away_until = fields.Date(string='Away Until', help='Last day of absence.')

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
