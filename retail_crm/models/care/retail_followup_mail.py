from odoo import api, fields, models
from odoo.tools import email_normalize, formataddr, html2plaintext
from odoo.tools.mail import append_content_to_html

#: Keeps answering machines quiet, and tells that a person did not write it.
AUTOMATIC = {'X-Auto-Response-Suppress': 'OOF', 'Auto-Submitted': 'auto-generated'}


class RetailFollowupMail(models.Model):
    """Follow-ups that leave as mails, what comes back of them, and the way on when a mail fails.

    The mail is a message in the history of the follow-up, so that an answer finds it. A mail that cannot be delivered
    did not reach the customer: it counts for no limit, and the next channel is tried.
    """

    _inherit = 'retail.followup'

    @api.model
    def _retail_contact_columns(self):
        return [*super()._retail_contact_columns(), 'email_normalized']

    def _leave_email(self, verdicts, sending):
        """Make the mails of these, all at once."""
        contents = self._messages()
        sender = self._mail_senders()
        values = [
            one._prepare_mail(verdicts[one.id].channel, contents[one.id], sender[one.id])
            for one in self
        ]
        # sudo: the queue of mails is nobody's to write
        mails_sudo = self.env['mail.mail'].sudo().create(values)
        for followup, mail in zip(self, mails_sudo, strict=True):
            contents[followup.id] |= {
                # sudo: where it goes
                'email_normalized': followup.partner_id.sudo().email_normalized,
                'mail_mail_id': mail.id,
            }
        self._left(verdicts, 'done', sending, contents)

    def _mail_senders(self):
        """Return ``{id: values that say who sends}``: of the template, else the company."""
        senders = {}
        # sudo: templates and addresses of companies
        for template_sudo, followups in (
            self.sudo().grouped(lambda one: one.rule_id.template_id).items()
        ):
            given = (
                template_sudo._render_field('email_from', followups.ids)
                if template_sudo.email_from
                else {}
            )
            for one in followups:
                company_sudo = one.company_id
                email_from = given.get(one.id) or company_sudo.email_formatted
                senders[one.id] = {
                    **({'email_from': email_from} if email_from else {}),
                    'mail_server_id': template_sudo.mail_server_id.id,
                    'attachment_ids': [(4, number) for number in template_sudo.attachment_ids.ids],
                    'author_id': company_sudo.partner_id.id,
                }
        replies = self._notify_get_reply_to()
        for number, values in senders.items():
            # given in any case: core looks for it with a query for each mail
            values['reply_to'] = replies.get(number) or values.get('email_from')
        return senders

    def _prepare_mail(self, channel, content, sender):
        """Return the values of the mail of one follow-up."""
        followup = self.with_context(lang=self.partner_id.lang or self.env.lang)
        body, headers = content['body'], dict(AUTOMATIC)
        template_sudo = self.sudo().rule_id.template_id  # sudo: the form of the mail
        if self.purpose == 'marketing':
            body = append_content_to_html(
                body, followup._unsubscribe_line(channel), plaintext=False
            )
            headers |= self._unsubscribe_headers(channel)
        if template_sudo.email_layout_xmlid:
            body = template_sudo.with_context(lang=followup.env.lang)._render_encapsulate(
                template_sudo.email_layout_xmlid,
                body,
                add_context={'company': self.company_id.sudo()},
                context_record=followup,
            )
        customer_sudo = self.partner_id.sudo()  # sudo: where it goes
        return {
            'subject': content['subject'],
            'body': body,
            'body_html': body,
            'email_to': formataddr((customer_sudo.name or '', customer_sudo.email_normalized)),
            'model': self._name,
            'res_id': self.id,
            'message_type': 'auto_comment',
            'headers': repr(headers),
            'auto_delete': True,
            # the message stays in the history when the mail has been sent: answers refer to it
            'is_notification': True,
            **sender,
        }

    # === WHAT COMES BACK ===#

    def _message_failed(self, note):
        """The mails of these did not arrive: note it, and go on by the next channel; without one they have failed."""
        now = fields.Datetime.now()
        attempts = [
            {
                'followup_id': one.id,
                'date': now,
                'channel_id': one.channel_id.id,
                'user_id': False,
                'result': 'failed',
                'note': note[:250],
            }
            for one in self
        ]
        self.env['retail.followup.attempt'].sudo().create(attempts)  # sudo: written by the system
        for followup in self:
            channel = followup._next_channel()
            followup._note(
                {
                    'contacted_at': False,
                    'counted_on': False,
                    'opened_on': False,
                    'mail_mail_id': False,
                    'reason_text': note[:500],
                    **({'channel_id': channel.id, 'try_at': now} if channel else {}),
                }
            )
            followup.write(
                {'state': 'planned', 'reason': False}
                if channel
                else {'state': 'failed', 'reason': 'error'}
            )

    def _message_receive_bounce(self, email, partner):
        """The mail came back."""
        result = super()._message_receive_bounce(email, partner)
        # sudo: gateway
        self.sudo().filtered(
            lambda one: one.state == 'done' and one.email_normalized == email
        )._message_failed(self.env._('The mail to %(email)s came back.', email=email))
        return result

    def message_update(self, msg_dict, update_vals=None):
        """The customer answered: that is a reaction, and somebody has to read it."""
        result = super().message_update(msg_dict, update_vals=update_vals)
        email = email_normalize(msg_dict.get('email_from') or msg_dict.get('from') or '')
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or [])
        # sudo: gateway
        mine = self.sudo().filtered(
            lambda one: (
                one.commercial_partner_id == author.sudo().commercial_partner_id
                or email
                and email in (one.email_normalized, one.partner_id.email_normalized)
            )
        )
        if not msg_dict.get('is_bounce'):
            mine._replied(html2plaintext(msg_dict.get('body') or ''))
        return result

    def _replied(self, text):
        """Note that the customers answered, and ask who looks after them to read it."""
        now = fields.Datetime.now()
        self.filtered(lambda one: one.reaction != 'bought')._note(
            {'reaction': 'replied', 'reacted_at': now}
        )
        owners = self._choose_owner(now)
        for followup in self:
            owner = owners.get(followup.id) or self.env.ref('base.user_admin')
            followup.with_context(mail_activity_quick_update=True).activity_schedule(
                'mail.mail_activity_data_todo',
                summary=self.env._('The customer answered'),
                note=text[:500],
                user_id=owner.id,
            )
