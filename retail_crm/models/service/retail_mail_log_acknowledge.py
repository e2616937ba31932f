from datetime import timedelta

from odoo import fields, models


class RetailMailLogAcknowledge(models.Model):
    """The notice to a sender that his mail arrived, with the number of the ticket: at most one an hour."""

    _inherit = 'retail.mail.log'

    def _on_ticket_opened(self, moments):
        """Acknowledge the mails that made these tickets."""
        of_tickets = moments.filtered(lambda moment: moment.res_model == 'retail.ticket')
        mails = self.sudo().search(  # sudo: the system's work
            [
                ('ticket_id', 'in', of_tickets.mapped('res_id')),
                ('is_reply', '=', False),
                ('result', '=', 'normal'),
                ('acknowledged_at', '=', False),
                ('company_id.retail_mail_acknowledge', '=', True),
            ],
            order='id',
        )
        mails._acknowledge()

    def _acknowledge(self):
        """Answer each sender once, unless he got a notice within the hour."""
        now = fields.Datetime.now()
        recent = dict(
            self._read_group(
                [
                    ('sender', 'in', self.mapped('sender')),
                    ('acknowledged_at', '>', now - timedelta(hours=1)),
                ],
                ['sender'],
                ['__count'],
            )
        )
        template = self.env.ref(
            'retail_crm.mail_template_ticket_received', raise_if_not_found=False
        )
        for mail in self if template else ():
            ticket = mail.ticket_id
            if not mail.sender or '@' not in mail.sender or mail.sender in recent:
                continue
            recent[mail.sender] = 1
            mail.acknowledged_at = now
            ticket._send_automatic(template, mail.sender)
