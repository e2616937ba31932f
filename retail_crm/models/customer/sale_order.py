from odoo import api, fields, models
from odoo.fields import Domain

from .res_partner import FIGURE_GROUPS

# Fields of a confirmed order, other than amounts, that its purchase is made of.
_PURCHASE_FIELDS = {'partner_id', 'date_order', 'team_id', 'company_id', 'user_id'}


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    retail_profile_id = fields.Many2one(
        comodel_name='retail.profile',
        string='Customer Profile',
        compute='_compute_retail_profile_id',
        search='_search_retail_profile_id',
        groups=FIGURE_GROUPS,
        help='Figures of the customer in the company of the order.',
    )

    retail_currency_id = fields.Many2one(related='retail_profile_id.currency_id', string='Figures Currency', groups=FIGURE_GROUPS)
    retail_last_order_date = fields.Date(
        related='retail_profile_id.last_order_date', string='Customer: Last Purchase', groups=FIGURE_GROUPS
    )
    retail_order_count = fields.Integer(
        related='retail_profile_id.order_count', string='Customer: Purchases', groups=FIGURE_GROUPS
    )
    retail_spend_12m = fields.Monetary(
        related='retail_profile_id.spend_12m',
        string='Customer: Spent, 12 Months',
        currency_field='retail_currency_id',
        groups=FIGURE_GROUPS,
    )
    retail_average_order = fields.Monetary(
        related='retail_profile_id.average_order',
        string='Customer: Average Purchase',
        currency_field='retail_currency_id',
        groups=FIGURE_GROUPS,
    )
    retail_spend_trend = fields.Float(
        related='retail_profile_id.spend_trend', string='Customer: Trend (%)', groups=FIGURE_GROUPS
    )
    retail_expected_next_date = fields.Date(
        related='retail_profile_id.expected_next_date',
        string='Customer: Next Purchase Expected',
        groups=FIGURE_GROUPS,
    )

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    def _compute_retail_profile_id(self):
        # sudo: the field's groups decide who sees figures; only those of the order's own customer and company
        profiles = self.env['retail.profile'].sudo().search(
            [
                ('partner_id', 'in', self.partner_id.commercial_partner_id.ids),
                ('company_id', 'in', self.company_id.root_id.ids),
            ]
        )
        by_key = {(profile.partner_id, profile.company_id): profile for profile in profiles}
        for order in self:
            order.retail_profile_id = by_key.get(
                (order.partner_id.commercial_partner_id, order.company_id.root_id), False
            )

    def _search_retail_profile_id(self, operator, value):
        """Search orders by the profile of their customer in their company; False: without any."""
        if operator != 'in':
            return NotImplemented
        profiles = self.env['retail.profile'].sudo().browse(filter(None, value))  # sudo: as in the compute
        found = Domain.OR(
            Domain('partner_id.commercial_partner_id', '=', profile.partner_id.id)
            & Domain('company_id', 'child_of', profile.company_id.id)
            for profile in profiles
        )
        if False in value:
            known = self.env['res.partner']._partners_of(profiles._search([]))
            found |= ~Domain('partner_id.commercial_partner_id', 'in', known)
        return found

    def _action_confirm(self):
        result = super()._action_confirm()
        self.env['retail.moment']._emit('purchase', self)
        return result

    def _action_cancel(self):
        sold = self.filtered(lambda order: order.state == 'sale')
        result = super()._action_cancel()
        self.env['retail.moment']._emit('cancel', sold)
        return result

    def write(self, vals):
        """Announce changes of confirmed orders that move their purchase to another customer, day or store."""
        sold = self.browse()
        if _PURCHASE_FIELDS & set(vals):
            sold = self.filtered(lambda order: order.state == 'sale')
        result = super().write(vals)
        self.env['retail.moment']._emit('purchase_changed', sold)
        return result

    def _compute_field_value(self, field):
        """Announce changed amounts of confirmed orders: stored computed fields do not pass through ``write``."""
        result = super()._compute_field_value(field)
        if field.name == 'amount_untaxed':
            sold = self.filtered(lambda order: order._origin.id and order.state == 'sale')
            self.env['retail.moment']._emit('purchase_changed', sold)
        return result
