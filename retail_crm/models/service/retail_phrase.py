import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import html2plaintext


class RetailPhrase(models.Model):
    """An expression to avoid towards customers, with what to say instead (S-TKT-24).

    Kept by managers. Nothing is refused because of it: whoever writes is warned, and may send anyway.
    """

    _name = 'retail.phrase'
    _description = 'Phrase to Avoid'
    _order = 'sequence, id'
    _rec_name = 'phrase'

    phrase = fields.Char(
        required=True,
        translate=True,
        help='What should not be written to a customer. Found in whole words, in capital or small letters.',
    )
    suggestion = fields.Char(translate=True, help='What to say instead.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)

    @api.constrains('phrase')
    def _check_phrase(self):
        """One letter would warn of every message."""
        if any(len((phrase.phrase or '').strip()) < 2 for phrase in self):
            raise ValidationError(self.env._('A phrase to avoid has two letters at least.'))

    @api.model
    def _found_in(self, text, lang=None):
        """Return the phrases that a text contains, in the user's language or in that of the text.

        :param str text: plain text or HTML
        :param str lang: language of the customer, when it is another one
        """
        text = html2plaintext(text or '')
        if not text.strip():
            return self.browse()
        # sudo: which words are to be avoided concerns everybody who writes
        phrases_sudo = self.sudo().search(Domain.TRUE)
        langs = {self.env.lang, lang} - {None, False}
        found = phrases_sudo.filtered(
            lambda phrase: any(
                _contains(text, phrase.with_context(lang=code).phrase)
                for code in langs or {'en_US'}
            )
        )
        return found.sudo(self.env.su)

    @api.model
    def _warning_of(self, text, lang=None):
        """Return what to tell somebody who is about to send this text; empty when it is well said."""
        lines = []
        for phrase_sudo in self._found_in(text, lang).sudo():  # sudo: as above
            if phrase_sudo.suggestion:
                line = self.env._(
                    'Avoid "%(phrase)s". Better: %(suggestion)s',
                    phrase=phrase_sudo.phrase,
                    suggestion=phrase_sudo.suggestion,
                )
            else:
                line = self.env._('Avoid "%(phrase)s".', phrase=phrase_sudo.phrase)
            lines.append(line)
        return '\n'.join(lines)

    @api.model
    def action_check(self, text=''):
        """Return the warning about a text that an employee is about to send to a customer."""
        self.browse().check_access('read')
        return self._warning_of(text)


def _contains(text, phrase):
    """Return whether a text contains a phrase in whole words; scripts without spaces have no words to break."""
    words = re.split(r'\s+', (phrase or '').strip())
    pattern = r'\s+'.join(map(re.escape, words))
    if pattern.isascii():
        pattern = rf'(?<!\w){pattern}(?!\w)'
    # an apostrophe is typed in two ways
    return re.search(pattern, text.replace('\u2019', "'"), re.IGNORECASE) is not None
