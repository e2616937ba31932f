from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class RetailHandOverMixin(models.AbstractModel):
    """Dialog: give work to a colleague; leaders also that of others. What is given, the dialogs say in ``_give``."""

    _name = 'retail.hand.over.mixin'
    _description = 'Hand Over'

    from_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner Until Now',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        context={'active_test': False},
        help='Whose open work is handed over.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='New Owner',
        domain=[('share', '=', False)],
        help='Who gets it.',
    )
    reason = fields.Char(required=True, help='Why; noted in each of them.')

    def action_apply(self):
        """Hand over, as whoever asks: what he may not write stays, and what the new owner may not have.

        :raise AccessError: when somebody who leads nobody hands over the work of others
        :raise UserError: when the new owner cannot be one
        """
        self.ensure_one()
        if self._is_all_of_owner():
            is_leader = self.env.user.has_group('retail_crm.group_lead')
            if self.from_user_id != self.env.user and not is_leader:
                raise AccessError(self.env._('Only team leaders hand over the work of others.'))
            if self.user_id == self.from_user_id:
                raise UserError(self.env._('Choose somebody else.'))
        if self.user_id and (self.user_id.share or not self.user_id.active):
            raise UserError(self.env._('Only an employee can own this.'))
        given = self._give()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if given else 'warning',
                'message': self.env._('Handed over: %(count)s.', count=len(given)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _is_all_of_owner(self):
        """Hook: return whether everything open of the owner is handed over; else what somebody has chosen."""
        return True

    def _give(self):
        """Hook: hand over and return what the new owner has got."""
        raise NotImplementedError
