from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailFollowupSnooze(models.TransientModel):
    """Dialog: put follow-ups off to another day, and say why."""

    _name = 'retail.followup.snooze'
    _description = 'Put Off Follow-ups'

    followup_ids = fields.Many2many(
        comodel_name='retail.followup', string='Follow-ups', help='What is put off.'
    )
    day = fields.Date(
        string='Until',
        required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=1),
        help='Day on which it has to be done.',
    )
    reason = fields.Char(required=True, help='Why; noted in each of them.')
    is_hard = fields.Boolean(
        string='Later Is Too Late',
        compute='_compute_is_hard',
        help='One of them is for a certain day, such as a birthday.',
    )

    @api.depends('followup_ids', 'day')
    def _compute_is_hard(self):
        for dialog in self:
            dialog.is_hard = any(
                one.hard_date and one.due_on and dialog.day and dialog.day > one.due_on
                for one in dialog.followup_ids
            )

    def action_apply(self):
        """Put them off.

        :raise UserError: without a reason, to the past, and where later is too late
        """
        self.ensure_one()
        self.followup_ids.check_access('write')
        followups = self.followup_ids._open_ones()
        if not (self.reason or '').strip():
            raise UserError(self.env._('Say why it is put off.'))
        if self.day < fields.Date.context_today(self):
            raise UserError(self.env._('It cannot be put off to the past.'))
        followups._snooze(self.day, self.reason.strip())
        return {'type': 'ir.actions.act_window_close'}
