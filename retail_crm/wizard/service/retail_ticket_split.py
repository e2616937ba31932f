from odoo import fields, models


class RetailTicketSplitAsk(models.TransientModel):
    """Dialog: which messages of a ticket are about something else, and for whom they become a ticket."""

    _name = 'retail.ticket.split'
    _description = 'Split a Ticket'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket', required=True, help='Ticket that is split.'
    )
    message_ids = fields.Many2many(
        comodel_name='mail.message',
        string='Messages',
        domain="[('model', '=', 'retail.ticket'), ('res_id', '=', ticket_id),"
        " ('message_type', 'in', ('comment', 'email', 'email_outgoing'))]",
        help='Messages that go to the new ticket. Its clock begins with the first of them.',
    )
    subject = fields.Char(required=True, help='What the new ticket is about.')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        help='Customer of the new ticket. When he is another one, neither reads what the other one wrote.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type', required=True, help='Type of the new ticket.'
    )

    def action_split(self):
        """Make the new ticket and open it; the rights are those of the ticket."""
        self.ensure_one()
        self.ticket_id.check_access('write')
        ticket = self.ticket_id._split(
            self.message_ids, self.subject, self.partner_id, self.type_id
        )
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'view_mode': 'form',
            'res_id': ticket.id,
        }
