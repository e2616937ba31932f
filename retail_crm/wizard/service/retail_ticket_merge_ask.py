from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailTicketMergeAsk(models.TransientModel):
    """Dialog: compare tickets and merge them (R-svc C.7). What is refused is said when it is tried."""

    _name = 'retail.ticket.merge.ask'
    _description = 'Merge Tickets'

    ticket_ids = fields.Many2many(
        comodel_name='retail.ticket', required=True, help='Tickets that become one.'
    )
    survivor_id = fields.Many2one(
        comodel_name='retail.ticket',
        string='Goes On In',
        compute='_compute_survivor_id',
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        help='Ticket that stays: the oldest open one, unless you choose another.',
    )
    is_apart = fields.Boolean(
        string='Different Customers',
        compute='_compute_is_apart',
        help='Not all of the tickets are of the same customer.',
    )
    confirmed = fields.Boolean(
        string='Merge in spite of different customers',
        help='Messages move, but those of the other customers are shown to staff only; nobody else takes part.',
    )
    tell = fields.Boolean(
        string='Tell the customers of the others',
        help='Writes to the customers of the tickets that end that we go on with them.',
    )

    @api.depends('ticket_ids')
    def _compute_survivor_id(self):
        for dialog in self:
            tickets = dialog.ticket_ids._origin
            if dialog.survivor_id not in tickets:
                dialog.survivor_id = tickets._merge_survivor()

    @api.depends('ticket_ids', 'survivor_id')
    def _compute_is_apart(self):
        for dialog in self:
            survivor = dialog.survivor_id
            dialog.is_apart = bool(survivor) and any(
                survivor._merge_is_apart(ticket) for ticket in dialog.ticket_ids._origin - survivor
            )

    def action_merge(self):
        """Merge the tickets; the rights are those of the tickets."""
        self.ensure_one()
        tickets = self.ticket_ids | self.survivor_id
        tickets.check_access('write')
        if self.survivor_id not in self.ticket_ids:
            raise UserError(self.env._('Choose which of the tickets stays.'))
        self.survivor_id._merge(
            tickets - self.survivor_id, confirmed=self.confirmed, tell=self.tell
        )
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'view_mode': 'form',
            'res_id': self.survivor_id.id,
        }
