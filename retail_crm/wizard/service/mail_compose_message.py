from odoo import api, fields, models


class MailComposeMessage(models.TransientModel):
    """Public answers on tickets: phrases to avoid and files of internal notes are pointed out before sending (S-TKT-24)."""

    _inherit = 'mail.compose.message'

    retail_phrase_warning = fields.Text(
        string='Choose Other Words',
        compute='_compute_retail_phrase_warning',
        help='Phrases to avoid, and files that were attached to internal notes.',
    )

    @api.depends('body', 'model', 'subtype_is_log', 'attachment_ids')
    def _compute_retail_phrase_warning(self):
        for composer in self:
            warning = ''
            if composer.model == 'retail.ticket' and not composer.subtype_is_log:
                parts = (
                    self.env['retail.phrase']._warning_of(composer.body),
                    composer._retail_internal_files(),
                )
                warning = '\n'.join(filter(None, parts))
            composer.retail_phrase_warning = warning

    def _retail_internal_files(self):
        """Return a warning about attachments that came from internal notes, in one query."""
        files = self.attachment_ids._origin._filtered_access('read')
        if not files:
            return ''
        # sudo: only whether files that the user attaches himself were internal until now
        notes_sudo = (
            self.env['mail.message']
            .sudo()
            .search(
                [
                    ('model', '=', 'retail.ticket'),
                    ('attachment_ids', 'in', files.ids),
                    '|',
                    ('is_internal', '=', True),
                    ('subtype_id.internal', '=', True),
                ]
            )
        )
        internal = notes_sudo.attachment_ids & files.sudo()
        if not internal:
            return ''
        return self.env._(
            'The customer will get files of an internal note: %(files)s',
            files=', '.join(internal.mapped('name')),
        )
