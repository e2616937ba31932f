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
        self._follow_merges()
        for message, lines in self.grouped('message_id').items():
            right = lines.filtered(lambda line: line._may_be_told())
            (lines - right).write({'state': 'skipped'})
            # in the same transaction as the messages: both or neither
            right.write({'state': 'sent', 'sent_at': now})
            right.ticket_id._tell(message._template())
            right.filtered('ticket_id.tell_error').write({'state': 'failed', 'sent_at': False})
        left = self.search([('message_id', 'in', messages.ids), ('state', '=', 'waiting')])
        (messages - left.message_id).write({'state': 'done'})

    def _follow_merges(self):
        """What was merged in the meantime is told where it goes on, unless that has a row of its own or is another's."""
        for line in self.filtered('ticket_id.merged_into_id'):
            survivor = line.ticket_id._merged_into()
            if survivor._merge_is_apart(line.ticket_id):
                continue
            known = [('message_id', '=', line.message_id.id), ('ticket_id', '=', survivor.id)]
            if not self.search_count(known, limit=1):
                line.ticket_id = survivor

    def _was_told(self):
        """Return whether the customer of one row was told the same in a ticket that was merged into this one."""
        if not self.ticket_id.merge_ids:
            return False
        known = [
            ('message_id', '=', self.message_id.id),
            ('ticket_id', 'in', self.ticket_id._merged_here().ids),
            ('state', '=', 'sent'),
        ]
        return bool(self.search_count(known, limit=1))

    def _may_be_told(self):
        """Return whether the complaint of one row is still one whose customer may be written to."""
        ticket = self.ticket_id
        if self._was_told():
            return False
        categories = {'new', 'open', 'waiting', 'on_hold'}
        if self.message_id.scope == 'all':
            categories.add('solved')
        return (
            ticket.category in categories
            and ticket.active
            and not ticket.merged_into_id
            and not ticket.is_restricted
        )
