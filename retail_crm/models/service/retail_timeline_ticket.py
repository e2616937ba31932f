from odoo import api, fields, models
from odoo.tools import SQL, html2plaintext

#: Characters of a message that the time line shows.
_MESSAGE_LENGTH = 120


class RetailTimelineTicket(models.Model):
    """Tickets in the time line, and every message that was exchanged on them, whatever the channel (S-CHN-02).

    Of a restricted ticket the time line says that there is one and nothing else; who is complained about does not
    even read that.
    """

    _inherit = 'retail.timeline'
    _depends = {
        'retail.ticket': [
            'name',
            'partner_id',
            'company_id',
            'received_at',
            'channel_id',
            'store_id',
            'user_id',
            'is_complaint',
            'is_internal',
            'is_restricted',
            'blocked_user_id',
            'category',
        ],
        'mail.message': ['model', 'res_id', 'date', 'message_type', 'subtype_id', 'author_id'],
    }

    kind = fields.Selection(
        selection_add=[('ticket', 'Request'), ('complaint', 'Complaint')],
    )

    @api.model
    def _timeline_sources(self):
        return {
            **super()._timeline_sources(),
            'ticket': self._sql_tickets(),
            'ticket_message': self._sql_ticket_messages(),
        }

    def _sql_shown_tickets(self):
        """Return the tickets that the user may know of, joined with contact and company.

        None for those who may not read tickets at all, and as everywhere only those of one's companies.
        """
        tickets = self.env['retail.ticket']
        companies = self.env.companies.ids if tickets.has_access('read') else []
        return SQL(
            """retail_ticket AS ticket
               JOIN res_partner AS contact ON contact.id = ticket.partner_id
                AND ticket.blocked_user_id IS DISTINCT FROM %s AND ticket.is_internal IS NOT TRUE
                AND (%s OR ticket.company_id = ANY(%s))
               JOIN res_company AS company ON company.id = ticket.company_id""",
            self.env.uid,
            self.env.su,
            companies,
        )

    def _sql_tickets(self):
        return SQL(
            """
            SELECT ticket.id, contact.commercial_partner_id, ticket.partner_id, %s, ticket.received_at,
                   ticket.received_at::date, CASE WHEN ticket.is_complaint THEN 'complaint' ELSE 'ticket' END,
                   ticket.channel_id, ticket.store_id, ticket.user_id, NULL, ticket.name, 'retail.ticket', ticket.id
              FROM %s
             WHERE ticket.category != 'cancelled'
            """,
            self._sql_root('company'),
            self._sql_shown_tickets(),
        )

    def _sql_ticket_messages(self):
        """Return the messages that customer and shop exchanged: comments and mails, no notes and no system messages."""
        return SQL(
            """
            SELECT message.id, contact.commercial_partner_id, ticket.partner_id, %s, message.date, message.date::date,
                   CASE WHEN author.partner_share IS NOT FALSE THEN 'message_in' ELSE 'message_out' END,
                   CASE WHEN message.message_type = 'email' THEN email.id ELSE ticket.channel_id END,
                   ticket.store_id, account.id, NULL, ticket.name, 'retail.ticket', ticket.id
              FROM %s
              JOIN mail_message AS message ON message.model = 'retail.ticket' AND message.res_id = ticket.id
               AND message.message_type IN ('email', 'comment', 'email_outgoing')
              JOIN mail_message_subtype AS subtype ON subtype.id = message.subtype_id AND subtype.internal IS NOT TRUE
              LEFT JOIN res_partner AS author ON author.id = message.author_id
              LEFT JOIN LATERAL (SELECT id FROM res_users WHERE partner_id = author.id AND NOT share LIMIT 1)
                   AS account ON true
              LEFT JOIN retail_channel AS email ON email.code = 'email'
             WHERE ticket.is_restricted IS NOT TRUE
            """,
            self._sql_root('company'),
            self._sql_shown_tickets(),
        )

    def _timeline_text_ticket(self):
        """Return ``{row: text}`` of tickets: number, subject and state; of restricted ones the state only."""
        # sudo: whoever may see the time line may see what was asked for
        tickets = self.env['retail.ticket'].sudo().browse(self.mapped('row_id'))
        tickets.fetch(['name', 'subject', 'is_restricted', 'stage_id'])
        return {
            ticket.id: self.env._(
                '%(ticket)s (%(stage)s)',
                ticket=ticket.name if ticket.is_restricted else ticket.display_name,
                stage=ticket.stage_id.name,
            )
            for ticket in tickets
        }

    def _timeline_text_ticket_message(self):
        """Return ``{row: text}`` of messages: the ticket and how it begins."""
        # sudo: as above; messages of restricted tickets are no rows
        messages = self.env['mail.message'].sudo().browse(self.mapped('row_id'))
        messages.fetch(['body', 'subject'])
        texts = {}
        for row, message in zip(self, messages, strict=True):
            words = ' '.join(html2plaintext(message.body or '').split()) or message.subject or ''
            texts[message.id] = f'{row.reference}: {words[:_MESSAGE_LENGTH]}'
        return texts
