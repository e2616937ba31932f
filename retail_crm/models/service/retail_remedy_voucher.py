from datetime import timedelta

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, float_compare, float_is_zero

#: Programs of which a single card can be given away, worth what it is given for.
VOUCHER_TYPES = ('coupons', 'next_order_coupons', 'gift_card')


class RetailRemedyVoucher(models.Model):
    """A voucher is a coupon of core, for one customer, that is told by whoever grants it (design 5.2).

    Of a program that discounts by the point the coupon has as many points as the remedy is worth; of one with a fixed
    discount it gives that. What the coupon had at first is in its history: what is missing when it is taken back, was
    spent.
    """

    _inherit = 'retail.remedy'

    def _grant_voucher(self):
        self.ensure_one()
        receiver, program = self._receiver(), self._voucher_program()
        points, worth = self._voucher_points(program)
        # sudo: coupons are made by the system; nothing is sent, the customer is told in the ticket
        cards_sudo = self.env['loyalty.card'].sudo()
        card_sudo = cards_sudo.with_context(loyalty_no_mail=True, tracking_disable=True).create(
            {
                'program_id': program.id,
                'partner_id': receiver.id,
                'points': points,
                'expiration_date': self._last_day(),
            }
        )
        card_sudo.history_ids.create(
            {'card_id': card_sudo.id, 'description': self.name, 'issued': points}
        )
        self._note_worth(worth, self._cost_at_margin(self.amount or worth))
        self.sudo().valid_until = card_sudo.expiration_date  # sudo: as in _note_worth
        return card_sudo.sudo(self.env.su)

    def _voucher_program(self):
        """Return the program (sudo) of which one remedy gives a coupon.

        :raise UserError: when there is none that can
        """
        # sudo: whoever gives a voucher need not see programs
        program_sudo = self.kind_id.sudo().program_id or self.env.ref(
            'retail_crm.loyalty_program_remedy', raise_if_not_found=False
        )
        program_sudo = (program_sudo or self.env['loyalty.program']).sudo()
        if not program_sudo.active or program_sudo.program_type not in VOUCHER_TYPES:
            raise UserError(
                self.env._(
                    'There is no coupon program for "%(kind)s". Choose one at the kind of remedy.',
                    kind=self.kind_id.name,
                )
            )
        if program_sudo.company_id - self.company_id.parent_ids:
            raise UserError(
                self.env._(
                    'The program %(program)s belongs to another company.', program=program_sudo.name
                )
            )
        return program_sudo

    def _voucher_points(self, program):
        """Return ``(points, worth)`` of the coupon that gives what one remedy is worth.

        :raise UserError: when the program cannot give that
        """
        rewards = program.reward_ids
        reward = rewards.filtered(lambda row: row.discount_mode == 'per_point' and row.discount)[:1]
        if reward and not self.amount:
            raise UserError(self.env._('Say what the voucher is worth.'))
        if reward:
            worth = self._in_currency_of(program, self.amount)
            points = round(worth / reward.discount, 6)
            step = reward.required_points or 1
            if not program.is_payment_program and not float_is_zero(
                points / step - round(points / step), precision_digits=6
            ):
                raise UserError(
                    self.env._(
                        'Coupons of %(program)s are in steps of %(step)s.',
                        program=program.name,
                        step=f'{reward.discount * step:g}',
                    )
                )
            return points, self.amount
        points = min(rewards.mapped('required_points'), default=0)
        if not points:
            raise UserError(
                self.env._('The program %(program)s has no reward.', program=program.name)
            )
        fixed = rewards.filtered(lambda row: row.discount_mode == 'per_order')[:1].discount
        worth = self._in_currency_of(program, self.amount)
        if fixed and self.amount and float_compare(fixed, worth, precision_digits=2):
            raise UserError(
                self.env._(
                    'Coupons of %(program)s are worth %(fixed)s, not %(worth)s.',
                    program=program.name,
                    fixed=f'{fixed:g}',
                    worth=f'{worth:g}',
                )
            )
        return points, self.amount or fixed

    def _in_currency_of(self, program, amount):
        """Return an amount of the company in the currency of a program."""
        today = self.company_id._retail_today()
        return self.currency_id._convert(amount, program.currency_id, self.company_id, today)

    def _reverse_voucher(self):
        """Let the coupon expire, and tell what was spent of it."""
        # sudo: made by the system, taken back by the system
        card_sudo = self.env['loyalty.card'].sudo().browse(self.res_id).exists()
        if not card_sudo:
            return self.env._('The voucher does not exist any more.')
        # an order that is just being confirmed with it goes first
        card_sudo.flush_recordset()
        self.env.cr.execute(
            SQL('SELECT id FROM loyalty_card WHERE id = %s FOR UPDATE', card_sudo.id)
        )
        card_sudo.invalidate_recordset(['points'])
        given = sum(card_sudo.history_ids.mapped('issued'))
        left, spent = card_sudo.points, given - card_sudo.points
        card_sudo.with_context(loyalty_no_mail=True).write(
            {
                'points': 0,
                'expiration_date': self.company_id._retail_today() - timedelta(days=1),
            }
        )
        if left > 0:
            card_sudo.history_ids.create(
                {
                    'card_id': card_sudo.id,
                    'description': self.env._('%(remedy)s was taken back', remedy=self.name),
                    'used': left,
                }
            )
        if float_compare(spent, 0, precision_digits=6) <= 0:
            return ''
        return self.env._(
            'Of the voucher %(code)s, %(share)s %% were spent already.',
            code=card_sudo.code,
            share=f'{100 * spent / given:.0f}',
        )
