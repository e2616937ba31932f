from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError

from ...models.loyalty.retail_membership import OVERRIDE_REASONS


class RetailMembershipOverride(models.TransientModel):
    """Asks team leaders for the tier to give to members, until when and why."""

    _name = 'retail.membership.override'
    _description = 'Give a Tier'

    membership_ids = fields.Many2many(
        comodel_name='retail.membership',
        string='Members',
        required=True,
        help='Members who get the tier.',
    )
    programme_id = fields.Many2one(
        related='membership_ids.programme_id', help='Programme of the members.'
    )
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='Tier to Give',
        required=True,
        help='The members do not fall below this tier before the day below; they may rise above it.',
    )
    until = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(months=12),
        help='On this day the rules decide again.',
    )
    reason = fields.Selection(selection=OVERRIDE_REASONS, required=True, help='Kind of the reason.')
    note = fields.Char(required=True, help='The reason in words; it stays in the history.')

    def action_give(self):
        """Give the tier.

        :raise AccessError: for those who are no team leaders
        :raise UserError: for a day that has passed, or a tier of another programme
        """
        self.ensure_one()
        members = self.membership_ids
        members._check_lead()
        if members.programme_id != self.tier_id.programme_id:
            raise UserError(self.env._('Choose members and a tier of one programme.'))
        if self.until <= members.company_id._retail_today():
            raise UserError(self.env._('The tier must hold at least until tomorrow.'))
        if not (self.note or '').strip():
            raise UserError(self.env._('Say why in words.'))
        members._override(self.tier_id, self.until, self.reason, self.note)
        return {'type': 'ir.actions.act_window_close'}
