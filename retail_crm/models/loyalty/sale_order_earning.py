from collections import namedtuple

import pytz

from odoo import models
from odoo.tools import float_round

from . import _booking

#: What an order earns in a program: points, the amount they were computed on (program's currency) and the factors.
Earning = namedtuple('Earning', 'points base factor tier_factor tier_id')

_ROUNDINGS = {
    'cents': {'precision_digits': 2, 'rounding_method': 'DOWN'},
    'down': {'precision_digits': 0, 'rounding_method': 'DOWN'},
    'nearest': {'precision_digits': 0, 'rounding_method': 'HALF-UP'},
}


class SaleOrderEarning(models.Model):
    """How many points an order earns: core's rules, in the program's currency, times factors, rounded once."""

    _inherit = 'sale.order'

    def _program_check_compute_points(self, programs):
        """Replace the points of loyalty programs by ours, which know currencies and factors."""
        result = super()._program_check_compute_points(programs)
        booking = _booking.current(self.env)
        if booking is not None and 'loyalty' in programs.mapped('program_type'):
            self._retail_entries()  # one query for all that points depend on, also for other orders of the booking
        for program in programs:
            status = result.get(program) or {}
            if program.program_type == 'loyalty' and len(status.get('points', ())) == 1:
                earning = self._retail_earning(program)
                status['points'] = [earning.points]
                if booking is not None:
                    tier_id = earning.points and self._retail_tier_then()
                    booking.earnings[self.id, program.id] = earning._replace(tier_id=tier_id)
        return result

    def _retail_points_day(self):
        """Return the day whose campaigns count: of the confirmed order, else today."""
        self.ensure_one()
        if self.state != 'sale' or not self.date_order:
            return self.company_id._retail_today()
        zone = pytz.timezone(self.company_id._retail_timezone())
        return pytz.utc.localize(self.date_order).astimezone(zone).date()

    def _retail_tier_factor(self, program, day):
        """Return the tier's factor: of the moment of confirmation once the order is confirmed."""
        if self.state == 'sale':
            entry = self._retail_entries().filtered(
                lambda row: row.kind == 'earn' and row.program_id == program
            )[:1]
            if entry:
                return entry.tier_factor or 1.0
        partner = self.partner_id
        return program._points_factors(partner, self.company_id, day).get(partner, 1.0)

    def _retail_may_earn(self, program, day):
        """Return whether the customer earns points of a program: members only, where the program says so.

        What was earned at the confirmation stays earned, whoever leaves the club afterwards; who joined after the day of
        the purchase earns nothing for it.
        """
        if not program.retail_members_only:
            return True
        sold = self.state == 'sale'
        if sold and self._retail_entries().filtered(
            lambda row: row.kind == 'earn' and row.program_id == program
        ):
            return True
        return bool(
            program._retail_members(self.partner_id, self.company_id, day if sold else None)
        )

    def _retail_earning(self, program):
        """Return what the order earns in a loyalty program, by the rules of the program that it meets."""
        self.ensure_one()
        day = self._retail_points_day()
        if not self._retail_may_earn(program, day):
            return Earning(0.0, 0.0, 1.0, 1.0, False)
        lines = self.order_line - self._get_no_effect_on_threshold_lines()
        campaigns = self.env['retail.points.campaign']
        tier_factor = self._retail_tier_factor(program, day)

        def factor_of(category=None):
            best = campaigns._best_factor(self.company_id, day, program, category)
            return min(tier_factor * best, program.retail_max_factor or 1.0)

        rate = 1.0
        if self.currency_id != program.currency_id:
            rate = self.currency_id._convert(
                1.0, program.currency_id, self.company_id, day, round=False
            )
        points = plain = base = 0.0
        for rule in self._retail_matched_rules(program, lines):
            if rule.reward_point_mode == 'order':
                plain += rule.reward_point_amount
                points += rule.reward_point_amount * factor_of()
                continue
            for line, amount, quantity in self._retail_counted_lines(program, rule, lines):
                share = amount * rate if rule.reward_point_mode == 'money' else quantity
                base += amount * rate
                plain += rule.reward_point_amount * share
                category = line.product_id.categ_id
                points += rule.reward_point_amount * share * factor_of(category)
        rounded = float_round(points, **_ROUNDINGS[program.retail_rounding])
        # the factor of the order as a whole, where its goods had several
        factor = points / plain if plain else factor_of()
        return Earning(rounded, base, factor, tier_factor, False)

    def _retail_matched_rules(self, program, lines):
        """Return the rules of a program that give points for the order, by the conditions of core."""
        goods = self._get_not_rewarded_order_lines().filtered(lambda line: not line.combo_item_id)
        valid = program._get_valid_products(lines.product_id | goods.product_id)
        matched = program.rule_ids.browse()
        for rule in program.rule_ids:
            if rule.mode == 'with_code' and rule not in self.code_enabled_rule_ids:
                continue
            products = valid.get(rule)
            counted = goods.filtered(lambda line, products=products: line.product_id in products)
            if not products or not counted or not rule.reward_point_amount:
                continue
            paid = lines.filtered(
                lambda line, products=products: (
                    line.product_id in products
                    and not line.combo_item_id
                    and not (
                        line.reward_id.reward_type == 'discount'
                        and (
                            line.reward_id.program_id.trigger == 'auto'
                            or line.reward_id.program_id == program
                        )
                    )
                )
            )
            amount = sum(self._get_order_line_price(line, 'price_subtotal') for line in paid)
            if rule.minimum_amount_tax_mode == 'incl':
                amount += sum(self._get_order_line_price(line, 'price_tax') for line in paid)
            if rule._compute_amount(self.currency_id) > amount:
                continue
            if sum(counted.mapped('product_uom_qty')) >= rule.minimum_qty:
                matched |= rule
        return matched

    def _retail_counted_lines(self, program, rule, lines):
        """Return ``[(line, amount, quantity)]`` on which a rule counts, in the order's currency."""
        payments = ('ewallet', 'gift_card', program.program_type)
        plain = lines.filtered(
            lambda line: (
                not line.combo_item_id and line.reward_id.program_id.program_type not in payments
            )
        )
        products = program._get_valid_products(lines.product_id).get(rule) or lines.product_id
        net = program.retail_earn_on == 'net'
        price = 'price_subtotal' if net else 'price_total'
        scale = 1.0
        if net:
            rewards = lines.filtered(
                lambda line: line.reward_id.program_id.program_type == program.program_type
            )
            whole = sum(self._get_order_line_price(line, price) for line in plain)
            spent = sum(rewards.mapped(price))
            scale = max(0.0, 1 + spent / whole) if whole else 1.0
        result = []
        for line in plain:
            if line.product_id not in products or not line.product_id:
                continue
            if rule.reward_point_mode == 'unit' and line.reward_id:
                continue
            amount = self._get_order_line_price(line, price) * scale
            result.append((line, amount, line.product_uom_qty))
        return result
