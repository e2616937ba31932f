from datetime import timedelta

from odoo import models
from odoo.exceptions import UserError

from . import _points

#: Set while a discount for points is computed: the most points that it may cost.
POINTS_CAP = 'retail_crm_points_cap'


class SaleOrderReward(models.Model):
    """What points are redeemed for: services come with a voucher, and discounts pay no more of an order than allowed."""

    _inherit = 'sale.order'

    # === SERVICES ===#

    def _retail_settle_points(self, booking=None):
        """Issue the vouchers of redeemed services, and take those back whose points came back."""
        result = super()._retail_settle_points(booking)
        self.sudo()._retail_settle_vouchers(booking)  # sudo: the system's account of the orders
        return result

    def _retail_service_lines(self):
        """Return the lines by which these confirmed orders redeem a service."""
        return self.order_line.filtered(
            lambda line: line.state == 'sale' and line.coupon_id and line.reward_id.retail_voucher
        )

    def _retail_settle_vouchers(self, booking):
        """Bring open vouchers to what these orders redeem by now. Idempotent; rendered ones stay.

        Costs nothing for an order that never spent points.
        """
        orders = self.exists() if booking is None else self
        orders = orders.filtered(
            lambda order: (
                booking is None or order.id in booking.spent or order._retail_service_lines()
            )
        )
        if not orders:
            return
        vouchers = self.env['retail.voucher'].search(
            [
                ('res_model', '=', 'sale.order'),
                ('res_id', 'in', orders.ids),
                # what a leader cancelled is not issued anew
                '|',
                ('state', '!=', 'cancelled'),
                ('taken_back', '=', False),
            ],
            order='id',
        )
        lines = orders._retail_service_lines()
        if not vouchers and not lines:
            return
        entries = orders._retail_entries()
        for order in orders:
            mine = vouchers.filtered(lambda voucher, order=order: voucher.res_id == order.id)
            order._retail_settle_own_vouchers(
                mine,
                lines.filtered(lambda line, order=order: line.order_id == order),
                entries.filtered(lambda row, order=order: row.res_id == order.id),
            )

    def _retail_settle_own_vouchers(self, vouchers, lines, entries):
        """Issue what is missing and cancel what is too much, of one order."""
        wanted = {}
        for line in lines:
            spent = -sum(
                row.points
                for row in entries
                if row.card_id == line.coupon_id and row.kind in ('burn', 'reverse_burn')
            )
            if _points.exact(spent) > 0:  # else all came back with the goods
                name = line.product_id.display_name
                wanted.setdefault(name, [0, line.reward_id, line.product_id])
                wanted[name][0] += round(line.product_uom_qty)
        surplus = vouchers.browse()
        missing = []
        for name, (number, reward, product) in wanted.items():
            there = vouchers.filtered(lambda voucher, name=name: voucher.name == name)
            vouchers -= there
            surplus |= there[number:]
            missing += [self._prepare_reward_voucher(name, reward, product)] * (number - len(there))
        surplus |= vouchers
        # sudo of the caller: the points of these vouchers came back
        surplus.filtered(lambda voucher: voucher.state in ('open', 'expired')).write(
            {'state': 'cancelled', 'taken_back': True}
        )
        if missing:
            self.env['retail.voucher']._issue(missing)

    def _prepare_reward_voucher(self, name, reward, product):
        """Return the values of the voucher of a redeemed service."""
        company = self.company_id.root_id
        days = reward.retail_voucher_days
        until = days and company._retail_today() + timedelta(days=days)
        return {
            'partner_id': self.partner_id.id,
            'name': name,
            'company_id': company.id,
            'value': product.lst_price,
            'valid_until': until or False,
            'res_model': 'sale.order',
            'res_id': self.id,
        }

    # === LIMIT ===#

    def _retail_share_left(self, reward):
        """Return how much of the order discounts for points may still pay, in its currency; None without a limit."""
        program = reward.program_id
        if program.program_type != 'loyalty' or program.retail_max_share >= 100:
            return None
        paid = [
            line
            for line in self.order_line
            if line.reward_id.program_id == program and line.reward_id.reward_type == 'discount'
        ]
        payments = ('ewallet', 'gift_card')
        whole = sum(
            line.price_total
            for line in self.order_line
            if line not in paid and line.reward_id.program_id.program_type not in payments
        )
        used = -sum(line.price_total for line in paid if line.reward_id != reward)
        limit = whole * program.retail_max_share / 100
        return max(0.0, self.currency_id.round(limit - used))

    def _retail_least_discount(self, reward):
        """Return the least that a discount for points would take off, in the order's currency."""
        if reward.discount_mode == 'percent':
            if reward.discount_applicability != 'order':
                return 0.0  # of some goods: what it takes off is known with them only
            whole = sum(
                self.order_line.filtered(lambda line: not line.reward_id).mapped('price_total')
            )
            least = whole * reward.discount / 100
            most = reward.discount_max_amount
            return min(least, self._retail_in_own(reward, most)) if most else least
        points = reward.required_points if reward.discount_mode == 'per_point' else 1
        return self._retail_in_own(reward, points * reward.discount)

    def _retail_in_own(self, reward, amount):
        """Return an amount of a reward in the order's currency."""
        return reward.currency_id._convert(
            amount, self.currency_id, self.company_id, self.company_id._retail_today()
        )

    def _retail_fits_share(self, reward):
        """Return whether a discount for points can be given without paying more of the order than points may."""
        if reward.reward_type != 'discount':
            return True
        left = self._retail_share_left(reward)
        if left is None:
            return True
        return self.currency_id.compare_amounts(self._retail_least_discount(reward), left) <= 0

    def _get_claimable_rewards(self, forced_coupons=None):
        """Offer no discount for points that would pay more of the order than they may."""
        found = super()._get_claimable_rewards(forced_coupons=forced_coupons)
        for coupon, rewards in list(found.items()):
            fitting = rewards.filtered(self._retail_fits_share)
            if fitting:
                found[coupon] = fitting
            else:
                del found[coupon]
        return found

    def _get_reward_values_discount(self, reward, coupon, **kwargs):
        """Take no more points than may pay.

        :raise UserError: when already the least that the reward takes off is too much
        """
        left = self._retail_share_left(reward)
        if left is None:
            return super()._get_reward_values_discount(reward, coupon, **kwargs)
        if not self._retail_fits_share(reward):
            raise UserError(
                self.env._(
                    'Points may pay at most %(percent)s %% of an order.',
                    percent=f'{reward.program_id.retail_max_share:g}',
                )
            )
        order = self
        if reward.discount_mode == 'per_point':
            cap = self.currency_id._convert(
                left, reward.currency_id, self.company_id, self.company_id._retail_today()
            )
            order = self.with_context(**{POINTS_CAP: cap / reward.discount})
        return super(SaleOrderReward, order)._get_reward_values_discount(reward, coupon, **kwargs)

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        """Within the computation of a limited discount the card has no more than may be used."""
        points = super()._get_real_points_for_coupon(coupon, post_confirm=post_confirm)
        cap = self.env.context.get(POINTS_CAP)
        return points if cap is None else min(points, _points.exact(cap))
