from odoo import api, fields, models

from ...models.service.retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketHandOver(models.TransientModel):
    """Dialog: hand all of one's open tickets to a colleague, or back to their teams; leaders also those of others."""

    _name = 'retail.ticket.hand.over'
    _inherit = 'retail.hand.over.mixin'
    _description = 'Hand Over My Tickets'

    user_id = fields.Many2one(
        help='Who gets them. Empty: they go back to the queues of their teams, which find an owner for each.'
    )
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

    def _give(self):
        tickets = self._tickets()
        if self.user_id:
            companies = self.user_id.sudo().company_ids  # sudo: where a colleague works
            tickets = tickets.filtered(
                lambda one: one.blocked_user_id != self.user_id and one.company_id in companies
            )
        tickets._hand_over(self.user_id, self.reason)
        return tickets
