from odoo import fields, models


class RetailArea(models.Model):
    """A group of stores under one area manager, for example a city or a district."""

    _name = 'retail.area'
    _description = 'Store Area'
    _order = 'sequence, name, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    manager_id = fields.Many2one(
        comodel_name='res.users',
        string='Area Manager',
        domain=[('share', '=', False)],
        index='btree_not_null',
        help='Leads the stores of this area and is told when a store manager does not answer.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        help='Leave empty to use the area in every company.',
    )
    store_ids = fields.One2many(
        comodel_name='crm.team', inverse_name='retail_area_id', string='Stores'
    )
    store_count = fields.Integer(string='Number of Stores', compute='_compute_store_count')

    _name_company_uniq = models.UniqueIndex(
        '(name, COALESCE(company_id, 0))', 'There is already an area of this name.'
    )

    def _compute_store_count(self):
        counts = dict(
            self.env['crm.team']._read_group(
                [('retail_area_id', 'in', self.ids)], ['retail_area_id'], ['__count']
            )
        )
        for area in self:
            area.store_count = counts.get(area, 0)
