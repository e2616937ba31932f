from odoo import api, fields, models


class CrmTeam(models.Model):
    """A store is a sales team: orders and invoices carry it already."""

    _inherit = 'crm.team'

    retail_is_store = fields.Boolean(
        string='Is a Store',
        help='Purchases of this team are counted as purchases in this store.',
    )
    retail_code = fields.Char(
        string='Store Code',
        copy=False,
        help='Number or short name of the store, unique in its company. Used by imports and reports.',
    )
    retail_area_id = fields.Many2one(
        comodel_name='retail.area',
        string='Area',
        check_company=True,
        index='btree_not_null',
        help='Group of stores led by one area manager.',
    )
    retail_deputy_id = fields.Many2one(
        comodel_name='res.users',
        string='Deputy',
        domain=[('share', '=', False)],
        check_company=True,
        help='Stands in for the team leader during absence.',
    )
    retail_calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Opening Hours',
        check_company=True,
        help='Hours in which the store is open. Empty: the working hours of the company.',
    )
    retail_phone = fields.Char(string='Store Phone')
    retail_channel_id = fields.Many2one(
        comodel_name='retail.channel',
        string='Sales Channel',
        compute='_compute_retail_channel_id',
        store=True,
        readonly=False,
        help='Channel recorded on the purchases of this team. A store starts with the counter.',
    )

    _retail_code_uniq = models.UniqueIndex(
        '(retail_code, COALESCE(company_id, 0)) WHERE retail_code IS NOT NULL',
        'Another store of this company has this code already.',
    )

    @api.depends('retail_is_store')
    def _compute_retail_channel_id(self):
        counter = self.env.ref('retail_crm.retail_channel_counter', raise_if_not_found=False)
        for team in self:
            if team.retail_is_store and not team.retail_channel_id:
                team.retail_channel_id = counter

    def write(self, vals):
        """Derive purchases again when a team becomes a store or sells on another channel."""
        watched = {'retail_is_store', 'retail_channel_id'} & set(vals)
        before = {team.id: [team[name] for name in watched] for team in self}
        result = super().write(vals)
        changed = self.filtered(lambda team: [team[name] for name in watched] != before[team.id])
        if changed and self.env['sale.order'].sudo().search_count(
            [('team_id', 'in', changed.ids)], limit=1
        ):
            self.env['res.company']._retail_roots()._retail_request_rebuild()
        return result
