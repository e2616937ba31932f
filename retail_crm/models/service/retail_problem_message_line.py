from odoo import fields, models


class RetailProblemMessageLine(models.Model):
    """One complaint whose customer gets a message to all: waiting, told, or why not. Written by the sending only."""

    _name = 'retail.problem.message.line'
    _description = 'Recipient of a Message to All'
    _order = 'message_id, id'
    _rec_name = 'ticket_id'

    message_id = fields.Many2one(
        comodel_name='retail.problem.message',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Message that is sent.',
    )
    company_id = fields.Many2one(
        related='message_id.company_id', store=True, precompute=True, index=True
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Complaint whose customer is told.',
    )
    state = fields.Selection(
        selection=[
            ('waiting', 'Waiting'),
            ('sent', 'Told'),
            ('skipped', 'Left out'),
            ('failed', 'Could not be told'),
        ],
        required=True,
        readonly=True,
        default='waiting',
        help='Left out: it was filed, cancelled, merged or restricted in the meantime.',
    )
    sent_at = fields.Datetime(string='Told On', readonly=True, help='When the customer was told.')

    _message_ticket_uniq = models.Constraint(
        'UNIQUE(message_id, ticket_id)', 'Each complaint is answered once by a message.'
    )
    _waiting_idx = models.Index("(id) WHERE state = 'waiting'")

    def _send(self):
        """Tell the customers of these rows, each once, and close messages of which all are told."""
        now = fields.Datetime.now()
        messages = self.message_id
        for message, lines in self.grouped('message_id').items():
            right = lines.filtered(lambda line: line._may_be_told())
            (lines - right).write({'state': 'skipped'})
            # in the same transaction as the messages: both or neither
            right.write({'state': 'sent', 'sent_at': now})
            right.ticket_id._tell(message._template())
            right.filtered('ticket_id.tell_error').write({'state': 'failed', 'sent_at': False})
        left = self.search([('message_id', 'in', messages.ids), ('state', '=', 'waiting')])
        (messages - left.message_id).write({'state': 'done'})

    def _may_be_told(self):
        """Return whether the complaint of one row is still one whose customer may be written to."""
        ticket = self.ticket_id
        categories = {'new', 'open', 'waiting', 'on_hold'}
        if self.message_id.scope == 'all':
            categories.add('solved')
        return (
            ticket.category in categories
            and ticket.active
            and not ticket.merged_into_id
            and not ticket.is_restricted
        )
