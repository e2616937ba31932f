from odoo import models

from .mail_thread_door import TICKET


class MailMessage(models.Model):
    _inherit = 'mail.message'

    def write(self, vals):
        """A note on a ticket that is made public later counts as an answer from then on."""
        if not {'subtype_id', 'is_internal'} & set(vals):
            return super().write(vals)
        notes = self.filtered(
            lambda message: (
                message.model == TICKET
                and message.message_type == 'comment'
                and (message.is_internal or message.subtype_id.internal)
                and message.author_id
                and not message.author_id.partner_share
            )
        )
        result = super().write(vals)
        public = notes.filtered(
            lambda message: not message.is_internal and not message.subtype_id.internal
        )
        self.env[TICKET].browse(public.mapped('res_id'))._note_made_public()
        return result
