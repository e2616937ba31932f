from odoo import api, models
from odoo.exceptions import UserError

from . import _booking
from .retail_points_entry import LEDGER_TYPES


class LoyaltyHistory(models.Model):
    """Core's history stays what it is, a display for customers; the ledger is the account. Staff do not edit it."""

    _inherit = 'loyalty.history'

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse lines about nothing.

        :raise UserError: for staff, on loyalty cards and eWallets, outside of a movement
        """
        lines = super().create(vals_list)
        by_hand = lines.filtered(
            lambda line: not line.order_id or line.order_model in (False, 'sale.order')
        )
        by_hand._retail_check_source()
        return lines

    def write(self, vals):
        """Refuse changes by staff.

        :raise UserError: on loyalty cards and eWallets, outside of a movement
        """
        self._retail_check_source()
        return super().write(vals)

    def _retail_check_source(self):
        if self.env.su or _booking.current(self.env) is not None:
            return
        # sudo: the type of a program is no secret
        types = set(self.sudo().card_id.program_id.mapped('program_type'))
        if types & set(LEDGER_TYPES):
            raise UserError(self.env._('The history of loyalty cards is not edited by hand.'))
