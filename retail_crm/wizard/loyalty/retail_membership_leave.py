from odoo import fields, models

from ...models.loyalty.retail_membership import LEAVE_REASONS


class RetailMembershipLeave(models.TransientModel):
    """Asks why members leave the programme: they need not say."""

    _name = 'retail.membership.leave'
    _description = 'Leave the Programme'

    membership_ids = fields.Many2many(
        comodel_name='retail.membership',
        string='Members',
        required=True,
        help='Members who asked to leave.',
    )
    reason = fields.Selection(
        selection=LEAVE_REASONS, help='Why, where the customer said so. It may stay empty.'
    )
    note = fields.Char(string='In Words', help='What the customer said; it stays in the history.')

    def action_leave(self):
        """Have the members leave today.

        :raise AccessError: for those who are no staff
        """
        self.ensure_one()
        members = self.membership_ids
        members._check_staff()
        labels = dict(self._fields['reason']._description_selection(self.env))
        words = filter(None, (labels.get(self.reason), (self.note or '').strip()))
        members._leave(self.reason, ': '.join(words) or None)
        return {'type': 'ir.actions.act_window_close'}
