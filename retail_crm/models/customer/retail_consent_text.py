from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

PURPOSES = [
    ('service', 'Service'),
    ('marketing', 'Marketing'),
    ('profiling', 'Profiling'),
]


class RetailConsentText(models.Model):
    """One version of what customers agree to, for one purpose. Written by managers.

    What somebody agreed to is never changed or deleted afterwards; a further language may be added.
    """

    _name = 'retail.consent.text'
    _description = 'Consent Text'
    _order = 'purpose, version desc, id desc'
    _rec_name = 'version'

    purpose = fields.Selection(
        selection=PURPOSES,
        required=True,
        default='marketing',
        help='Service: contacts about what was bought. Marketing: offers. Profiling: segments and scores for marketing.',
    )
    version = fields.Char(
        required=True,
        help='Short name of the version, for example 2026-11. It is kept with each consent.',
    )
    text = fields.Html(
        required=True,
        translate=True,
        help='What the customer reads before agreeing. To be confirmed by the counsel of the company: the shipped texts '
        'are a beginning.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        help='Leave empty for a text of all companies.',
    )
    date_from = fields.Date(
        string='Valid From',
        required=True,
        default=fields.Date.context_today,
        help='Consents given from this day on refer to this version.',
    )
    consent_ids = fields.One2many(
        comodel_name='retail.consent',
        inverse_name='text_id',
        string='Decisions',
        help='What customers decided after reading this version.',
    )
    consent_count = fields.Integer(
        string='Consents',
        compute='_compute_consent_count',
        help='Decisions that refer to this version.',
    )
    active = fields.Boolean(default=True)

    _version_uniq = models.UniqueIndex(
        '(purpose, version, COALESCE(company_id, 0))', 'This version exists already.'
    )

    def _compute_consent_count(self):
        counts = dict(
            self.env['retail.consent']._read_group(
                [('text_id', 'in', self.ids)], ['text_id'], ['__count']
            )
        )
        for text in self:
            text.consent_count = counts.get(text, 0)

    @api.depends('purpose', 'version')
    def _compute_display_name(self):
        purposes = dict(self._fields['purpose']._description_selection(self.env))
        for text in self:
            text.display_name = f'{purposes.get(text.purpose, "")} {text.version or ""}'.strip()

    def write(self, vals):
        """Refuse to change what somebody agreed to, and since when it was asked; translations may follow.

        :raise UserError: asking for a new version
        """
        self.filtered(lambda text: text._is_rewritten(vals))._check_unused()
        return super().write(vals)

    def _is_rewritten(self, vals):
        """Return whether values change what somebody may have agreed to."""
        if 'date_from' in vals and fields.Date.to_date(vals['date_from']) != self.date_from:
            return True
        return any(
            self._fields[name].convert_to_write(self[name], self) != vals[name]
            for name in ('purpose', 'version', 'text', 'company_id')
            if name in vals
        )

    def _update_field_translations(self, field_name, translations, *args, **kwargs):
        """Refuse to change a language in which somebody may have read the text: this way does not pass ``write``."""
        if field_name == 'text':
            stored = self._fields['text']._get_stored_translations(self) or {}
            if set(stored) & set(translations):
                self._check_unused()
        return super()._update_field_translations(field_name, translations, *args, **kwargs)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        self._check_unused()

    def _check_unused(self):
        """Refuse for texts to which somebody decided.

        :raise UserError: asking for a new version
        """
        # sudo: only asks whether there is any, in whatever company
        if self.env['retail.consent'].sudo().search_count([('text_id', 'in', self.ids)], limit=1):
            raise UserError(
                self.env._('Customers agreed to this text already: make a new version instead.')
            )

    @api.model
    def _current(self, purpose, company, day=None):
        """Return the text in force for a purpose in a company, its own before one of all companies; maybe none."""
        day = day or fields.Date.context_today(self)
        return self.sudo().search(  # sudo: customers and staff read what is asked of the customer
            [
                ('purpose', '=', purpose),
                ('date_from', '<=', day),
                ('company_id', 'in', (False, company.root_id.id)),
            ],
            order='company_id, date_from desc, id desc',
            limit=1,
        )

    @api.model
    def _html_of(self, company):
        """Return the texts in force in a company under the names of their purposes, or what is missing."""
        parts = []
        for purpose, label in self._fields['purpose']._description_selection(self.env):
            text = self._current(purpose, company).text
            missing = self.env._('There is no text yet: nobody can agree to this.')
            parts.append(Markup('<p><b>%s</b></p>%s') % (label, text or missing))
        return Markup('').join(parts)
