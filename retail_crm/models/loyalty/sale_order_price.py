from contextlib import suppress
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..customer.res_partner import FIGURE_GROUPS

#: Kinds of promotion that are not given on top of a member price. Coupons, points and gift cards were given to the
#: customer or bought by him: they are used on any price.
PROMOTIONS = ('promotion', 'promo_code', 'buy_x_get_y')


class _NotApplied(Exception):
    """Takes a promotion back that was tried."""


class SaleOrder(models.Model):
    """An order has the member price or a promotion, whichever is better for the customer; it says which.

    A promotion is compared when it is to be applied, on the order as it is then, and takes effect by the order's price
    list being the customer's ordinary one instead. An order that was confirmed keeps its prices.
    """

    _inherit = 'sale.order'

    retail_price_text = fields.Char(
        string='Member Price',
        compute='_compute_retail_price',
        groups=FIGURE_GROUPS,
        help='Privilege by which the prices of the order are those of members.',
    )
    retail_price_hint = fields.Char(
        string='Note on Member Prices',
        compute='_compute_retail_price',
        groups=FIGURE_GROUPS,
        help='Says when the prices of a quotation are not those that the customer has today.',
    )

    @api.depends(
        'partner_id.commercial_partner_id',
        'company_id',
        'currency_id',
        'pricelist_id',
        'state',
        'order_line.reward_id',
    )
    @api.depends_context('lang', 'uid', 'allowed_company_ids')
    def _compute_retail_price(self):
        """One query for the orders of a company."""
        texts = {}
        # sudo: as in _compute_retail_card: only what the order's own customer has, of orders the user may see
        for company, orders in self._retail_shown().sudo().grouped('company_id').items():
            orders = orders.with_company(company)
            offered = orders.env['retail.privilege']._member_lists(orders.partner_id)
            for order in orders:
                lists = offered.get(order.partner_id.id, [])
                texts[order.id] = (
                    order._retail_price_name(lists),
                    order._retail_price_hint_text(lists),
                )
        for order in self:
            order.retail_price_text, order.retail_price_hint = texts.get(order.id, (False, False))

    def _retail_price_name(self, lists):
        """Return what the prices of an order are called whose customer is offered these lists, if those of members."""
        pricelist = self.pricelist_id
        if not pricelist.retail_members_only:
            return False
        return dict(lists).get(pricelist.id) or pricelist.name

    def _retail_price_hint_text(self, lists):
        """Return what is to be said of the prices of a quotation whose customer is offered these lists."""
        if self.state not in ('draft', 'sent'):
            return False
        pricelist = self.pricelist_id
        if pricelist.retail_members_only:
            if pricelist.id in dict(lists):
                return False
            return self.env._(
                'The customer does not have the member price "%(name)s" (any more).',
                name=pricelist.name,
            )
        if not lists or self.partner_id._retail_own_pricelist():
            return False
        fitting = pricelist._retail_fitting(lists, self.currency_id)
        if not fitting:
            return False
        name = dict(lists)[fitting[0].id]
        if self._retail_promotion_lines():
            return self.env._(
                'A promotion is applied instead of the member price "%(name)s".', name=name
            )
        return self.env._(
            'The customer has the member price "%(name)s", this quotation has not.', name=name
        )

    def action_retail_customer_price(self):
        """Give a quotation the price list that its customer has today, and its prices.

        :raise AccessError: for those who may not change the order
        :raise UserError: when it is no quotation any more
        """
        self.ensure_one()
        self.check_access('write')
        if self.state not in ('draft', 'sent'):
            raise UserError(self.env._('Only the prices of quotations can be changed.'))
        order = self.with_company(self.company_id)
        pricelist = order.partner_id.property_product_pricelist
        if pricelist.sudo().retail_members_only:  # sudo: a property of the list, not its prices
            order._retail_promotion_lines().unlink()
        order.pricelist_id = pricelist
        order.action_update_prices()

    # === MEMBER PRICE OR PROMOTION ===#

    def _retail_is_member_priced(self):
        """Return whether promotions are not given on top of the prices of this order."""
        # sudo: whoever buys or sells need not read privileges
        pricelist = self.sudo().pricelist_id
        return pricelist.retail_members_only and not any(
            privilege.with_promotions for privilege in pricelist.retail_privilege_ids
        )

    def _retail_is_promotion(self, program):
        """Return whether a program is one that is not given on top of this order's list, if that is for members.

        A program that names the list among its price lists was made for it.
        """
        program = program.sudo()  # sudo: as in _retail_is_member_priced
        return program.program_type in PROMOTIONS and self.pricelist_id not in program.pricelist_ids

    def _retail_promotion_lines(self):
        """Return the lines that promotions have added."""
        return self.order_line.filtered(
            lambda line: line.reward_id and self._retail_is_promotion(line.reward_id.program_id)
        )

    def _apply_program_reward(self, reward, coupon, **kwargs):
        """Apply a promotion to an order with member prices only where it is better, instead of them."""
        apply = partial(super()._apply_program_reward, reward, coupon, **kwargs)
        if not (self._retail_is_member_priced() and self._retail_is_promotion(reward.program_id)):
            return apply()
        name = reward.program_id.name
        refusal = self.env._(
            'The member price is better than "%(promotion)s", which is not given on top of it.',
            promotion=name,
        )
        if self.state not in ('draft', 'sent'):
            return {'error': refusal}
        if self._retail_ordinary_pricelist()[1] != self.currency_id:
            return {'error': refusal}  # prices in two currencies, of a list chosen by hand
        before, result = self.amount_total, {}
        try:
            with self.env.cr.savepoint():
                self._retail_use_ordinary_prices()
                result = apply()
                # whatever Odoo refuses leaves the order as it was
                if 'error' in result or not self._retail_is_cheaper(before):
                    raise _NotApplied
        except _NotApplied:
            if 'error' in result:
                return result
            self._retail_tell(refusal)
            return {'error': refusal}
        self._retail_tell(
            self.env._(
                'The promotion "%(promotion)s" is better than the member price and is applied instead of it.',
                promotion=name,
            )
        )
        return result

    def _update_programs_and_rewards(self):
        """Have no promotion on top of member prices, as after another customer or price list was entered.

        Where the last promotion does not apply any more, the member price that it replaced comes back.
        """
        is_open = self.state in ('draft', 'sent')
        promoted = is_open and bool(self._retail_promotion_lines())
        if promoted and self._retail_is_member_priced():
            self._retail_settle_prices()
            promoted = bool(self._retail_promotion_lines())
        result = super()._update_programs_and_rewards()
        if promoted and not self._retail_promotion_lines():
            self._retail_restore_prices()
        return result

    def _retail_restore_prices(self):
        """Give an order with ordinary prices those of its member, after its promotions are gone."""
        if self.pricelist_id != self._retail_ordinary_pricelist()[0]:
            return  # a list that somebody chose
        # sudo: a visitor of the shop need not read price lists to have one
        pricelist = self.with_company(self.company_id).sudo().partner_id.property_product_pricelist
        if pricelist.retail_members_only:
            self._retail_use_member_prices(self.pricelist_id.browse(pricelist.id))
            self._retail_tell(
                self.env._(
                    'The promotions do not apply any more: the order has the member price again.'
                )
            )

    def _retail_settle_prices(self):
        """Leave the member price or the promotions of an order that has both, whichever is better."""
        pricelist = self.pricelist_id
        # only tried: taken back to compare
        with suppress(_NotApplied), self.env.cr.savepoint():
            self._retail_use_member_prices(pricelist)
            before = self.amount_total
            raise _NotApplied
        if self._retail_ordinary_pricelist()[1] != self.currency_id:
            self._retail_use_member_prices(pricelist)  # as when a promotion is to be applied
            return
        self._retail_use_ordinary_prices()
        if self._retail_is_cheaper(before):
            self._retail_tell(
                self.env._('The promotions are better than the member price and replace it.')
            )
        else:
            self._retail_use_member_prices(pricelist)
            self._retail_tell(
                self.env._('The member price is better than the promotions and replaces them.')
            )

    def _retail_use_member_prices(self, pricelist):
        """Drop promotions and give an order the prices of a list."""
        lines = self._retail_list_priced_lines()
        self._retail_promotion_lines().unlink()
        self.pricelist_id = pricelist
        self._retail_reprice(lines.exists())

    def _retail_use_ordinary_prices(self):
        """Give an order the prices that its customer would have without the programme."""
        lines = self._retail_list_priced_lines()
        self.pricelist_id = self._retail_ordinary_pricelist()[0]
        self._retail_reprice(lines)

    def _retail_ordinary_pricelist(self):
        """Return the list that the customer would have without the programme, maybe none, and its currency."""
        # sudo: a visitor of the shop need not read price lists to have one
        pricelists = self.env['product.pricelist'].with_company(self.company_id).sudo()
        by_partner = pricelists.with_context(
            retail_crm_ordinary_price=True
        )._get_partner_pricelist_multi(self.partner_id.ids)
        ordinary = by_partner[self.partner_id.id]
        currency = ordinary.currency_id or self.company_id.currency_id
        return self.pricelist_id.browse(ordinary.id), currency

    def _retail_reprice(self, lines):
        """Give lines the prices of the order's list."""
        self.with_context(retail_crm_priced_lines=lines.ids)._recompute_prices()

    def _get_update_prices_lines(self):
        """Leave lines alone whose prices were agreed by hand when it is the system that changes the list."""
        lines = super()._get_update_prices_lines()
        only = self.env.context.get('retail_crm_priced_lines')
        return lines if only is None else lines.filtered(lambda line: line.id in only)

    def _retail_list_priced_lines(self):
        """Return the lines whose price and discount nobody changed by hand."""
        lines = self.order_line.filtered(lambda line: not line.display_type and not line.reward_id)
        lines.invalidate_recordset(['pricelist_item_id'])
        return lines.filtered(lambda line: line._retail_has_list_price())

    def _retail_is_cheaper(self, member_total):
        """Return whether this order with promotions costs the customer less than with member prices.

        Goods that a promotion gives are worth their price.
        """
        gifts = self._retail_promotion_lines().filtered(
            lambda line: line.reward_id.reward_type == 'product'
        )
        worth = sum(
            line.tax_ids.compute_all(
                line.price_unit,
                currency=line.currency_id,
                quantity=line.product_uom_qty,
                product=line.product_id,
                partner=line.order_partner_id,
            )['total_included']
            for line in gifts
        )
        return self.currency_id.compare_amounts(self.amount_total - worth, member_total) < 0

    def _retail_tell(self, text):
        """Note for staff what became of the prices; a visitor's cart changes too often for that."""
        if self.env.user._is_internal():
            self.message_post(body=text)
