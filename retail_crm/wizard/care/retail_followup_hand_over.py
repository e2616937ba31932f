from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class RetailFollowupHandOver(models.TransientModel):
    """Dialog: give follow-ups to a colleague, those chosen in a list or all open ones of somebody."""

    _name = 'retail.followup.hand.over'
    _description = 'Hand Over Follow-ups'

    followup_ids = fields.Many2many(
        comodel_name='retail.followup',
        string='Follow-ups',
        help='What is handed over. Empty: all open ones of the owner until now.',
    )
    from_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner Until Now',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        context={'active_test': False},
        help='Whose open follow-ups are handed over.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='New Owner',
        required=True,
        domain=[('share', '=', False)],
        help='Who gets them.',
    )
    reason = fields.Char(required=True, help='Why; noted in each of them.')

    def action_apply(self):
        """Hand over, as whoever asks: what he may not write stays.

        :raise AccessError: when somebody who leads nobody hands over the follow-ups of others
        :raise UserError: when the new owner cannot be one
        """
        self.ensure_one()
        followups = self.followup_ids
        if not followups:
            is_leader = self.env.user.has_group('retail_crm.group_lead')
            if self.from_user_id != self.env.user and not is_leader:
                raise AccessError(
                    self.env._('Only team leaders hand over the follow-ups of others.')
                )
            followups = self.env['retail.followup'].search(
                [('user_id', '=', self.from_user_id.id), ('state', 'in', ('planned', 'todo'))]
            )
        else:
            followups.check_access('write')
        waiting = followups.filtered(lambda one: one.state in ('planned', 'todo'))
        if followups and not waiting:
            raise UserError(self.env._('There is nothing to do here: nobody has to act on it.'))
        given = waiting._filtered_access('write')._hand_over(self.user_id, self.reason)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if given else 'warning',
                'message': self.env._('%(count)s follow-ups were handed over.', count=len(given)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
