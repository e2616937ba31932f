from odoo import fields, models
from odoo.exceptions import UserError

from ...models.loyalty.retail_points_adjustment import REASONS


class LoyaltyCardUpdateBalance(models.TransientModel):
    """Core's wizard for balances becomes an adjustment with a kind of reason and, above a limit, a second person."""

    _inherit = 'loyalty.card.update.balance'

    retail_reason = fields.Selection(
        selection=REASONS,
        string='Kind of Reason',
        required=True,
        default='correction',
        help='It stays in the points ledger.',
    )

    def action_update_card_point(self):
        """Adjust the card, at once or when somebody else has approved it.

        :raise AccessError: for those who may not adjust points
        :raise UserError: for an amount that changes nothing or is below 0
        """
        self.ensure_one()
        if not self.card_id._retail_in_ledger():
            return super().action_update_card_point()
        if self.new_balance < 0 or self.new_balance == self.old_balance:
            raise UserError(self.env._('Enter another balance, of 0 or more.'))
        adjustment = self.env['retail.points.adjustment']._request(
            self.card_id,
            self.new_balance - self.old_balance,
            self.retail_reason or 'correction',
            self.description or self.env._('Gift for customer'),
        )
        # sudo: the state of what was just asked for
        if adjustment.sudo().state != 'pending':
            return None
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._(
                    'So many points need a second person: another manager has to approve them.'
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
