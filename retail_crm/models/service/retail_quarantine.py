from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .retail_mail_log import REASONS

GC_LIMIT = 1000
EXCERPT = 500


class RetailQuarantine(models.Model):
    """A mail that was held instead of becoming a ticket or an answer, with what it said and as it came.

    Written only by the mail door and by the buttons: *Release* lets it in as if nothing had been unusual, *Discard* leaves it,
    *Block* also holds what comes from there later. Held mails are never answered. Mails go by themselves after the days of the
    settings, decided or not.
    """

    _name = 'retail.quarantine'
    _description = 'Held Mail'
    _order = 'date desc, id desc'
    _rec_name = 'subject'

    date = fields.Datetime(
        string='Received',
        required=True,
        default=fields.Datetime.now,
        index=True,
        help='When the mail came.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    email_from = fields.Char(string='From', help='Sender as the mail says.')
    sender = fields.Char(index=True, help='Address of the sender, in small letters.')
    subject = fields.Char(help='Subject of the mail.')
    excerpt = fields.Text(help='How the text of the mail begins.')
    reason = fields.Selection(
        selection=REASONS, required=True, help='The rule by which the mail was held.'
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        ondelete='set null',
        help='Team whose address the mail was sent to.',
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        ondelete='set null',
        index='btree_not_null',
        help='Ticket that the mail answers or, once released, that it made.',
    )
    attachment_id = fields.Many2one(
        comodel_name='ir.attachment',
        string='Mail as It Came',
        ondelete='set null',
        help='The whole mail with all headers, as a file.',
    )
    message_id = fields.Char(string='Message-ID', help='What the sender calls this mail.')
    state = fields.Selection(
        selection=[('held', 'Held'), ('released', 'Released'), ('discarded', 'Discarded')],
        required=True,
        default='held',
        index=True,
        help='Held mails wait for somebody to look.',
    )
    decided_by_id = fields.Many2one(
        comodel_name='res.users',
        ondelete='set null',
        help='Who released or discarded it.',
    )
    decided_at = fields.Datetime(string='Decided', help='When it was released or discarded.')

    # === ACTIONS ===#

    def action_release(self):
        """Let the mails in as if nothing had been unusual.

        :raise UserError: when one of them was decided before or its file is gone
        """
        self._check_decide()
        tickets = self._release()
        return self.action_open_ticket() if len(self) == 1 and tickets else True

    def action_discard(self):
        """Leave the mails out. They can be read until they go by themselves."""
        self._check_decide()
        self._decide('discarded')

    def action_block_sender(self):
        """Leave the mails out, and hold whatever their senders write from now on."""
        self._check_decide()
        # sudo: who may decide about held mails may block their senders, not edit the list
        self.env['retail.mail.block'].sudo()._block(
            self.mapped('sender'), self.env._('From the held mails')
        )
        self._decide('discarded')

    def action_block_domain(self):
        """Leave the mails out, and hold whatever comes from the domains of their senders (leaders)."""
        self._check_decide()
        if not self.env.user.has_group('retail_crm.group_lead'):
            raise AccessError(self.env._('Leaders block whole domains.'))
        domains = {(sender or '').rpartition('@')[2] for sender in self.mapped('sender')}
        # sudo: as for single senders
        self.env['retail.mail.block'].sudo()._block(domains, self.env._('From the held mails'))
        self._decide('discarded')

    def action_open_ticket(self):
        """Open the ticket that the mail belongs to."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': self.ticket_id.id,
            'view_mode': 'form',
        }

    def _check_decide(self):
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Service staff decide about held mails.'))
        self.check_access('read')
        if any(mail.state != 'held' for mail in self):
            raise UserError(self.env._('Somebody has decided about this mail already.'))

    # === WORK ===#

    def _decide(self, state, **values):
        # sudo: rows are written only by our methods, which have checked who calls them
        self.sudo().write(
            {
                'state': state,
                'decided_by_id': self.env.uid,
                'decided_at': fields.Datetime.now(),
                **values,
            }
        )

    def _release(self):
        """Process the mails as normal ones and return the tickets they made or belong to."""
        tickets = self.env['retail.ticket']
        for mail in self:
            # sudo: the file of a mail that the user may read
            raw = mail.sudo().attachment_id.raw
            if not raw:
                raise UserError(
                    self.env._('The file of "%(subject)s" is gone.', subject=mail.subject or '')
                )
            ticket = mail._let_in(raw)
            mail._decide('released', ticket_id=ticket.id or mail.ticket_id.id)
            tickets |= ticket
        return tickets

    def _let_in(self, raw):
        """Give the mail to the gateway, as the mail server does, and return its ticket."""
        self.ensure_one()
        # superuser: mails come in by the gateway, whoever released them
        gateway = self.env['mail.thread'].with_user(self.env.ref('base.user_root')).sudo()
        ticket_id = gateway.with_context(retail_crm_released=self.id).message_process(
            'retail.ticket',
            raw,
            custom_values={'team_id': self.team_id.id} if self.team_id else None,
        )
        return self.env['retail.ticket'].browse(ticket_id or ())

    @api.model
    def _hold(self, raw, values):
        """Hold a mail: its row, and the mail as it came as a file of the row."""
        mail = self.create(values)
        mail.attachment_id = self.env['ir.attachment'].create(
            {
                'name': 'mail.eml',
                'raw': raw,
                'mimetype': 'message/rfc822',
                'res_model': self._name,
                'res_id': mail.id,
            }
        )
        return mail

    @api.autovacuum
    def _gc_old(self):
        """Remove mails that are older than the days of their company, with their files."""
        more = False
        for company in self.env['res.company'].search([('retail_quarantine_days', '>', 0)]):
            limit = fields.Datetime.now() - timedelta(days=company.retail_quarantine_days)
            old = self.search(
                [('company_id', '=', company.id), ('date', '<', limit)],
                limit=GC_LIMIT,
                order='date',
            )
            more = more or len(old) == GC_LIMIT
            old.unlink()
        return more

    @api.model
    def _retail_contact_columns(self):
        """Addresses of customers leave in no export unmasked (S-SEC-09)."""
        return (*super()._retail_contact_columns(), 'email_from', 'sender')
