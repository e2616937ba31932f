from odoo import api, fields, models

from .res_partner import CARD_FIELDS, FIGURE_GROUPS

# Fields of a confirmed order, other than amounts, that its purchase is made of.
_PURCHASE_FIELDS = {'partner_id', 'date_order', 'team_id', 'company_id', 'user_id'}


def _card(field_class, string, **attributes):
    """Return a field that shows a figure of the order's customer in the order's company."""
    return field_class(
        string=string, compute='_compute_retail_card', groups=FIGURE_GROUPS, **attributes
    )


class SaleOrder(models.Model):
    """Orders show the customer card and announce what becomes of purchases."""

    _inherit = 'sale.order'

    retail_profile_id = _card(fields.Many2one, 'Customer Profile', comodel_name='retail.profile')
    retail_currency_id = _card(fields.Many2one, 'Figures Currency', comodel_name='res.currency')
    retail_last_order_date = _card(fields.Date, "Customer's Last Purchase")
    retail_order_count = _card(fields.Integer, "Customer's Purchases")
    retail_spend_12m = _card(
        fields.Monetary, "Customer's Amount Spent, 12 Months", currency_field='retail_currency_id'
    )
    retail_average_order = _card(
        fields.Monetary, "Customer's Average Purchase", currency_field='retail_currency_id'
    )
    retail_expected_next_date = _card(fields.Date, "Customer's Next Purchase Expected")

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    def _compute_retail_card(self):
        # sudo: the fields' groups decide who sees figures; only those of the order's own customer and company
        profiles = (
            self.env['retail.profile']
            .sudo()
            .search_fetch(
                [
                    ('partner_id', 'in', self.partner_id.commercial_partner_id._origin.ids),
                    ('company_id', 'in', self.company_id.root_id.ids),
                ],
                ['partner_id', 'company_id', *CARD_FIELDS.values()],
            )
        )
        by_key = {(profile.partner_id.id, profile.company_id.id): profile for profile in profiles}
        for order in self.sudo():  # sudo: writes the cache of fields that only some groups may read
            profile = by_key.get(
                (
                    order.partner_id.commercial_partner_id._origin.id,
                    order.company_id.root_id.id,
                ),
                profiles.browse(),
            )
            order.retail_profile_id = profile
            for fname, figure in CARD_FIELDS.items():
                order[fname] = profile[figure]

    @api.model_create_multi
    def create(self, vals_list):
        """Announce the first quotation of somebody new: it makes a potential purchaser."""
        orders = super().create(vals_list)
        by_customer = orders.filtered(lambda order: order.state != 'sale').grouped(
            lambda order: (
                order.partner_id.commercial_partner_id.id,
                order.company_id.root_id.id,
            )
        )
        strangers = self.env['retail.profile']._strangers(set(by_customer))
        self.env['retail.moment']._emit(
            'purchase_changed',
            self.concat(*(by_customer[pair] for pair in by_customer if pair in strangers)),
        )
        return orders

    def unlink(self):
        """Have customers forgotten of whom there was only a quotation."""
        partners = self.partner_id
        result = super().unlink()
        self.env['retail.moment']._emit('partner_changed', partners)
        return result

    def _action_confirm(self):
        result = super()._action_confirm()
        # Where invoices are the purchases, the posted invoice says so: nobody is greeted twice.
        by_order = self.filtered(
            lambda order: order.company_id.root_id.retail_purchase_basis == 'order'
        )
        self.env['retail.moment']._emit('purchase', by_order)
        self.env['retail.moment']._emit('purchase_changed', self - by_order)
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
            sold = self.filtered(lambda order: isinstance(order.id, int) and order.state == 'sale')
            self.env['retail.moment']._emit('purchase_changed', sold)
        return result
