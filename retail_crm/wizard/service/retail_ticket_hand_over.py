from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ...models.service.retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketHandOver(models.TransientModel):
    """Dialog: hand all of one's open tickets to a colleague, or back to their teams; leaders also those of others."""

    _name = 'retail.ticket.hand.over'
    _description = 'Hand Over My Tickets'

    from_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner Until Now',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        context={'active_test': False},
        help='Whose open tickets are handed over.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='New Owner',
        domain=[('share', '=', False)],
        help='Who gets them. Empty: they go back to the queues of their teams, which find an owner for each.',
    )
    reason = fields.Char(required=True, help='Why; noted in each ticket.')
    is_running_only = fields.Boolean(
        string='Only Those at Work',
        help='Leave what waits for customers or for others with its owner.',
    )
    ticket_count = fields.Integer(
        string='Tickets Concerned',
        compute='_compute_ticket_count',
        help='Open tickets that are handed over.',
    )

    @api.depends('from_user_id', 'is_running_only')
    def _compute_ticket_count(self):
        for dialog in self:
            dialog.ticket_count = len(dialog._tickets())

    def _tickets(self):
        """Return the tickets that the user may hand over."""
        categories = ('new', 'open') if self.is_running_only else OPEN_CATEGORIES
        return (
            self.env['retail.ticket']
            .search([('user_id', '=', self.from_user_id.id or 0), ('category', 'in', categories)])
            ._filtered_access('write')
        )

    def action_apply(self):
        """Hand over, as whoever asks: what he may not write stays, and what the new owner may not have.

        :raise AccessError: when somebody who leads nobody hands over the tickets of others
        :raise UserError: when the new owner cannot be one
        """
        self.ensure_one()
        if self.from_user_id != self.env.user and not self.env.user.has_group(
            'retail_crm.group_lead'
        ):
            raise AccessError(self.env._('Only team leaders hand over the tickets of others.'))
        if self.user_id == self.from_user_id:
            raise UserError(self.env._('Choose somebody else, or nobody.'))
        if self.user_id and (self.user_id.share or not self.user_id.active):
            raise UserError(self.env._('Only an employee can own tickets.'))
        tickets = self._tickets()
        if self.user_id:
            companies = self.user_id.sudo().company_ids  # sudo: where a colleague works
            tickets = tickets.filtered(
                lambda one: one.blocked_user_id != self.user_id and one.company_id in companies
            )
        tickets._hand_over(self.user_id, self.reason)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if tickets else 'warning',
                'message': self.env._('%(count)s tickets were handed over.', count=len(tickets)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
