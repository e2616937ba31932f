from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .res_partner_file import FILE_GROUPS
from .retail_consent_text import PURPOSES

#: Who may record what customers decided.
RECORD_GROUPS = 'retail_crm.group_user,sales_team.group_sale_salesman'


class ResPartnerConsent(models.Model):
    """What the customer agreed to and refused, in words where staff could contact the customer."""

    _inherit = 'res.partner'

    retail_consent_ids = fields.One2many(
        comodel_name='retail.consent',
        inverse_name='partner_id',
        string='Consents',
        groups=FILE_GROUPS,
        help='All decisions of the customer, the last first.',
    )
    retail_consent_text = fields.Char(
        string='Agreed To',
        compute='_compute_retail_consent',
        groups=FILE_GROUPS,
        help='What the customer agreed to, refused and was not asked yet, in the current company.',
    )
    retail_contact_warning = fields.Char(
        string='Contact Warning',
        compute='_compute_retail_consent',
        groups=FILE_GROUPS,
        help='Ways on which the customer does not want to be contacted, and the preferred one.',
    )
    retail_marketing_consent = fields.Boolean(
        string='Marketing Consent',
        compute='_compute_retail_consent',
        search='_search_retail_marketing_consent',
        groups=FILE_GROUPS,
        help='The customer agreed to marketing on at least one channel in the current company.',
    )

    # === SUMMARY ===#

    @api.depends('retail_consent_ids.is_current', 'retail_preferred_channel_id')
    def _compute_retail_summary(self):
        return super()._compute_retail_summary()

    @api.model
    def _summary_parts(self):
        """Add what the customer is asked, with the decision in force where there is one."""
        return {
            **super()._summary_parts(),
            'preferred_channel_id': SQL('customer.retail_preferred_channel_id'),
            'consents': SQL(
                """
                (SELECT jsonb_agg(jsonb_build_object(
                            'purpose', question.purpose, 'channel', question.channel_id, 'name', question.name,
                            'transport', question.transport, 'state', consent.state)
                        ORDER BY question.sequence, question.channel_id)
                   FROM (SELECT purpose.key AS purpose, channel.id AS channel_id, %(name)s AS name,
                                channel.transport, channel.sequence
                           FROM retail_channel AS channel, (VALUES ('service'), ('marketing')) AS purpose(key)
                          WHERE channel.id IN %(channels)s
                          UNION ALL SELECT 'profiling', NULL, NULL, NULL, 0) AS question
                   LEFT JOIN retail_consent AS consent
                     ON consent.partner_id = customer.id AND consent.company_id = %(company)s
                    AND consent.purpose = question.purpose AND consent.is_current
                    AND COALESCE(consent.channel_id, 0) = COALESCE(question.channel_id, 0))
                """,
                name=self._summary_name('channel'),
                channels=self._sql_consent_channels(),
                company=self.env.company.sudo().root_id.id,  # sudo: staff of a branch
            ),
        }

    @api.model
    def _sql_consent_channels(self):
        """Return the sub-select of the channels on which consent is asked."""
        # sudo: see ``retail.consent._consent_channels``
        domain = self.env['retail.consent']._domain_of_channels()
        return self.env['retail.channel'].sudo()._search(domain).subselect()

    @api.model
    def _summary_flush(self):
        return [*super()._summary_flush(), (None, 'retail.consent')]

    # === COMPUTE ===#

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_consent(self):
        for partner in self:
            consents = (partner.retail_summary or {}).get('consents') or []
            partner.retail_consent_text = partner._consent_text(consents)
            partner.retail_contact_warning = partner._refusal_text(consents)
            partner.retail_marketing_consent = any(
                row['purpose'] == 'marketing' and row['state'] == 'granted' for row in consents
            )

    def _consent_text(self, consents):
        """Return what was agreed to, refused and not asked: ``Marketing: SMS. Refused: Service by Phone.``"""
        sentences = self._sentences_of(consents, 'granted')
        if refused := self._sentences_of(consents, 'withdrawn'):
            sentences.append(self.env._('Refused: %(what)s', what='; '.join(refused)))
        if not any(row['state'] for row in consents):
            return self.env._('Not asked yet.') if self.ids else ''
        if unasked := self._sentences_of(consents, None):
            sentences.append(self.env._('Not asked: %(what)s', what='; '.join(unasked)))
        return '. '.join(sentences) + '.'

    def _sentences_of(self, consents, state):
        """Return ``['Marketing: SMS, E-mail', 'Profiling']`` of the decisions of a state, None: no decision."""
        labels = dict(
            self.env['retail.consent']._fields['purpose']._description_selection(self.env)
        )
        sentences = []
        for purpose, _label in PURPOSES:
            found = [row for row in consents if row['purpose'] == purpose and row['state'] == state]
            names = ', '.join(row['name'] for row in found if row['name'])
            if names:
                sentences.append(
                    self.env._('%(purpose)s: %(channels)s', purpose=labels[purpose], channels=names)
                )
            elif found:
                sentences.append(labels[purpose])
        return sentences

    def _refusal_text(self, consents, transport=None):
        """Return a warning about the channels (of a transport) that were refused, or an empty text."""
        rows = [
            row
            for row in consents
            if row['channel'] and (not transport or row['transport'] == transport)
        ]
        refused = self._sentences_of(rows, 'withdrawn')
        if not refused:
            return ''
        text = self.env._('Refused: %(what)s', what='; '.join(refused)) + '.'
        if prefers := (self.retail_summary or {}).get('channel'):
            text = f'{self.env._("Prefers %(channel)s.", channel=prefers)} {text}'
        return text

    def _contact_warnings(self, transport):
        """Return ``{contact: what speaks against contacting it on this transport}`` of those for whom there is something.

        That it was refused, or that another channel is preferred. For whoever writes to or calls customers; one query
        for any number of contacts.
        """
        channels = self.env['retail.channel'].sudo()  # sudo: a label
        warnings = {}
        # sudo: whoever contacts customers must know whom not to
        for partner in self.sudo():
            summary = partner.retail_summary or {}
            text = partner._refusal_text(summary.get('consents') or [], transport)
            preferred = channels.browse(summary.get('preferred_channel_id') or [])
            if not text and preferred and preferred.transport != transport:
                text = self.env._('Prefers %(channel)s.', channel=preferred.name)
            if text:
                warnings[partner.sudo(False)] = text
        return warnings

    def _contact_warning_text(self, transport):
        """Return what speaks against contacting these on a transport in one text, or an empty one."""
        return '\n'.join(
            self.env._('%(customer)s: %(warning)s', customer=partner.display_name, warning=text)
            for partner, text in self._contact_warnings(transport).items()
        )

    # === SEARCH ===#

    def _search_retail_marketing_consent(self, operator, value):
        """Search by the index of decisions in force; who was never asked has not agreed."""
        # Odoo asks for a field's groups in a domain only where it reads the field's column.
        self._check_field_access(self._fields['retail_marketing_consent'], 'read')
        if operator != 'in':
            return NotImplemented
        wanted = {bool(item) for item in value}
        if len(wanted) != 1:
            return Domain(bool(wanted))
        self.env['retail.consent'].flush_model()

        def to_sql(_model, alias, _query):
            exists = self._sql_marketing_consent(alias)
            return exists if True in wanted else SQL('NOT %s', exists)

        return Domain.custom(to_sql=to_sql)

    def _sql_marketing_consent(self, alias):
        """Return the condition that a contact agreed to marketing, by the index of decisions in force."""
        return SQL(
            """
            EXISTS (SELECT FROM retail_consent AS consent
                     WHERE consent.partner_id = %s AND consent.company_id = %s AND consent.is_current
                       AND consent.purpose = 'marketing' AND consent.state = 'granted')
            """,
            SQL.identifier(alias, 'id'),
            self.env.company.sudo().root_id.id,  # sudo: staff of a branch
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Have contacts sorted and grouped by their consent."""
        if field_expr != 'retail_marketing_consent':
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], 'read')
        self.env['retail.consent'].flush_model()
        return self._sql_marketing_consent(alias)

    # === ACTIONS ===#

    def action_retail_record_consents(self):
        """Open the dialog in which the decisions of the customer are recorded.

        :raise AccessError: for those who may not record them
        """
        self.ensure_one()
        self.check_access('read')
        self.env['retail.consent.record']._check_recorder()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Consents of %(customer)s', customer=self.display_name),
            'res_model': 'retail.consent.record',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_partner_id': self.id},
        }

    def action_retail_consents(self):
        """Open all decisions of the customer.

        :raise AccessError: for those who may not see them
        """
        self.ensure_one()
        self.check_access('read')
        if not self.env['retail.consent'].has_access('read'):
            raise AccessError(self.env._('You may not see the consents of customers.'))
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_consent_action')
        return {**action, 'domain': [('partner_id', '=', self.id)], 'context': {}}
