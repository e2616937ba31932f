from odoo import api, fields, models


class RetailProgramme(models.Model):
    """The start of a programme makes its member prices work."""

    _inherit = 'retail.programme'

    needs_price_lists = fields.Boolean(
        string='Price Lists Are Switched On by the Start',
        compute='_compute_needs_price_lists',
        help='There are member prices, and price lists or discounts are switched off in the settings.',
    )

    @api.depends('state')
    def _compute_needs_price_lists(self):
        privileges = self.env['retail.privilege']
        missing = privileges._missing_features()
        for programme in self:
            programme.needs_price_lists = bool(
                missing
                and programme.state == 'draft'
                and privileges.search_count(programme._price_domain(), limit=1)
            )

    def _price_domain(self):
        """Return the domain of the member prices that somebody has."""
        return [
            ('programme_id', '=', self.id),
            ('kind', '=', 'price'),
            ('tier_ids', '!=', False),
        ]

    def action_start(self):
        """Start, make the price lists that are missing, and switch on what member prices need."""
        result = super().action_start()
        self.env['retail.privilege'].search(self._price_domain())._start_prices()
        return result
