from odoo import models


class MailMail(models.Model):
    """Mails of follow-ups tell them what became of them."""

    _inherit = 'mail.mail'

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """A mail that cannot be delivered sends its follow-up on by the next channel.

        Before core's own part, which deletes mails to wrong addresses.
        """
        if failure_type:
            # sudo: the queue of mails works for everybody
            followups_sudo = (
                self.env['retail.followup']
                .sudo()
                .search([('mail_mail_id', 'in', self.ids), ('state', '=', 'done')])
            )
            if followups_sudo:
                followups_sudo._message_failed(str(failure_reason or failure_type))
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )
