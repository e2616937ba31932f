from odoo import fields, models
from odoo.exceptions import UserError

_OPEN = ('planned', 'todo')


class RetailFollowupHandOver(models.TransientModel):
    """Dialog: give follow-ups to a colleague, those chosen in a list or all open ones of somebody."""

    _name = 'retail.followup.hand.over'
    _inherit = 'retail.hand.over.mixin'
    _description = 'Hand Over Follow-ups'

    followup_ids = fields.Many2many(
        comodel_name='retail.followup',
        string='Follow-ups',
        help='What is handed over. Empty: all open ones of the owner until now.',
    )
    user_id = fields.Many2one(required=True)

    def _is_all_of_owner(self):
        return not self.followup_ids

    def _give(self):
        followups = self.followup_ids
        if not followups:
            followups = followups.search(
                [('user_id', '=', self.from_user_id.id), ('state', 'in', _OPEN)]
            )
        else:
            followups.check_access('write')
        waiting = followups.filtered(lambda one: one.state in _OPEN)
        if followups and not waiting:
            raise UserError(self.env._('There is nothing to do here: nobody has to act on it.'))
        return waiting._filtered_access('write')._hand_over(self.user_id, self.reason)
