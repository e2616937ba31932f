from odoo import fields, models


class RetailFollowupSuggestion(models.Model):
    """Products that fit the customer, in welcomes and other texts, and beside the talk (S-SEG-22, S-CLV-05)."""

    _inherit = 'retail.followup'

    suggestion_words = fields.Char(
        compute='_compute_suggestion_words',
        compute_sudo=True,  # names of goods that are sold, chosen for the customer
        help='Up to three products that the customer may like, for templates.',
    )

    def _compute_suggestion_words(self):
        """Ask for each customer: texts and forms that do not show it do not ask."""
        for followup in self:
            partner = followup.partner_id.with_company(followup.company_id)
            rows = partner._retail_suggestions(limit=3) if partner else []
            lang = self.env.context.get('lang') or partner.lang
            followup.suggestion_words = ', '.join(
                row.product.with_context(lang=lang).name for row in rows
            )

    def _filled(self, text):
        asks = '{suggestions}' in (text or '')
        return super(
            RetailFollowupSuggestion, self.with_context(retail_crm_suggestions=asks)
        )._filled(text)

    def _text_words(self):
        asked = self.env.context.get('retail_crm_suggestions')
        return {**super()._text_words(), 'suggestions': self.suggestion_words if asked else ''}
