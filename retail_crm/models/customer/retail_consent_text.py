from odoo import api, fields, models
from odoo.exceptions import UserError

PURPOSES = [
    ('service', 'Service'),
    ('marketing', 'Marketing'),
    ('profiling', 'Profiling'),
]


class RetailConsentText(models.Model):
    """One version of what customers agree to, for one purpose. What somebody agreed to is never changed afterwards."""

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
        help='What the customer reads before agreeing.',
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
    consent_ids = fields.One2many(comodel_name='retail.consent', inverse_name='text_id')
    consent_count = fields.Integer(
        string='Consents', compute='_compute_consent_count', help='Consents given to this version.'
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
        """Refuse to change what somebody agreed to; translations and dates of use may follow.

        :raise UserError: asking for a new version
        """
        if {'purpose', 'version', 'text', 'company_id'} & set(vals):
            # sudo: only asks whether there is any
            used = self.env['retail.consent'].sudo().search([('text_id', 'in', self.ids)], limit=1)
            if used:
                raise UserError(
                    self.env._('Customers agreed to this text already: make a new version instead.')
                )
        return super().write(vals)

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
