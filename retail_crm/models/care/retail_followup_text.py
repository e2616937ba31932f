from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date, html2plaintext, plaintext2html

from ._texts import UnknownPlaceholder, fill
from .ir_qweb import compiled_once


class RetailFollowupText(models.Model):
    """What a follow-up says, in the language of the customer: the template or the text of its rule.

    Templates are made by those who may edit templates; in texts words are put into placeholders and nothing is evaluated.
    """

    _inherit = 'retail.followup'

    def _contents(self, text_first=False):
        """Return ``{id: {'subject': ..., 'body': ...}}`` of these; what was made by hand stays as it is.

        :param text_first: where short texts are read: the text of the rule comes before its template
        :raise UserError: when a text cannot be made
        """
        contents = {}
        # sudo: templates, texts and customers, for what the system sends
        for (rule_sudo, lang), followups in (
            self.sudo().grouped(lambda one: (one.rule_id, one.partner_id.lang)).items()
        ):
            lang = lang or self.env.lang or 'en_US'
            if not rule_sudo:
                contents.update(followups._contents_by_hand())
            elif rule_sudo.template_id and not (text_first and rule_sudo.text):
                contents.update(followups._contents_of_template(rule_sudo.template_id, lang))
            elif rule_sudo.text:
                contents.update(followups._contents_of_text(rule_sudo, lang))
            else:
                contents.update(
                    {one.id: {'subject': one.company_id.name, 'body': False} for one in followups}
                )
        return contents

    def _messages(self, text_first=False):
        """Return ``_contents`` of what leaves without anybody looking at it again.

        :raise UserError: when there is nothing to say
        """
        contents = self._contents(text_first)
        for followup in self:
            if not self._plain(contents[followup.id]['body']):
                name = followup.sudo().rule_id.name or followup.display_name
                raise UserError(
                    self.env._('%(rule)s has neither a template nor a text.', rule=name)
                )
        return contents

    def _contents_by_hand(self):
        return {
            one.id: {'subject': one.subject or one.company_id.name, 'body': one.body}
            for one in self
        }

    def _contents_of_template(self, template_sudo, lang):
        numbers = list(self._ids)  # of new records, too
        subjects = template_sudo._render_field('subject', numbers, set_lang=lang)
        with compiled_once():
            bodies = template_sudo._render_field('body_html', numbers, set_lang=lang)
        return {one.id: {'subject': subjects[one.id], 'body': bodies[one.id]} for one in self}

    def _contents_of_text(self, rule_sudo, lang):
        text = rule_sudo.with_context(lang=lang).text
        contents = {}
        for followup in self.with_context(lang=lang):
            body = plaintext2html(followup._filled(text))
            subject = self.with_context(lang=lang).env._(
                'A message from %(company)s', company=followup.company_id.name
            )
            contents[followup.id] = {'subject': subject, 'body': body}
        return contents

    def _render_text(self):
        """Return the text of one follow-up as plain words, in the language of the customer."""
        self.ensure_one()
        return self._plain(self._contents(text_first=True)[self.id]['body'])

    def _plain(self, html):
        """Return what a message says without its form."""
        return html2plaintext(html or '', include_references=False).strip()

    def _filled(self, text):
        try:
            return fill(text, self._text_words())
        except UnknownPlaceholder as error:
            raise UserError(
                self.env._(
                    'The text has placeholders that there are not: %(names)s. There are: %(known)s.',
                    names=str(error),
                    known=', '.join(f'{{{name}}}' for name in sorted(self._text_words())),
                )
            ) from error

    def _text_words(self):
        """Hook: return the words for the placeholders of one follow-up, ``{name: word}``."""
        customer, day = self.partner_id, self.anchor_on or self.due_on
        return {
            'name': customer.retail_greeting_name or customer.name,
            'customer': customer.name,
            'company': self.company_id.name,
            'store': self.store_id.name,
            'store_phone': self.store_id.retail_phone,
            'adviser': customer.retail_adviser_id.name,
            'day': format_date(self.env, day) if day else '',
        }

    def _unsubscribe_line(self, channel):
        """Return the sentence below marketing mails with the link to withdraw, in the language of the environment."""
        self.ensure_one()
        return Markup('<p style="font-size: 12px; color: #666666">%s <a href="%s">%s</a></p>') % (
            self.env._(
                'You get this message because you agreed to offers of %(company)s.',
                company=self.company_id.name,
            ),
            self._unsubscribe_url(channel),
            self.env._('No more such messages'),
        )
