from odoo import api, fields, models

#: How many articles are shown beside a ticket.
SUGGESTIONS = 6


class RetailTicketFaq(models.Model):
    """Answers of the FAQ beside a ticket: the matching ones, and those that were sent (S-CHN-04)."""

    _inherit = 'retail.ticket'

    faq_ids = fields.Many2many(
        comodel_name='retail.faq',
        relation='retail_ticket_faq_rel',
        column1='ticket_id',
        column2='faq_id',
        string='Answers Sent',
        readonly=True,
        copy=False,
        help='FAQ articles that were sent as an answer.',
    )
    faq_suggestion_ids = fields.Many2many(
        comodel_name='retail.faq',
        string='Matching Answers',
        compute='_compute_faq_suggestion_ids',
        help='FAQ articles that match subject, type and product.',
    )

    @api.depends('subject', 'type_id', 'product_id', 'faq_ids')
    def _compute_faq_suggestion_ids(self):
        articles = self.env['retail.faq']
        for ticket in self:  # shown on forms only: one ticket at a time
            domain = [('company_id', 'in', (ticket.company_id.id, False))]
            found = articles._find(
                ticket.subject, domain, SUGGESTIONS, ticket.type_id, ticket.product_id
            )
            ticket.faq_suggestion_ids = found or articles._find(
                '', domain, SUGGESTIONS, ticket.type_id, ticket.product_id
            )

    def _message_post_after_hook(self, message, msg_vals):
        """An answer that was inserted is noted when it is sent, not when somebody only looked at it."""
        result = super()._message_post_after_hook(message, msg_vals)
        article = (
            self.env['retail.faq'].browse(self.env.context.get('retail_faq_id') or []).exists()
        )
        if article and len(self) == 1 and not message.is_internal:
            self._stamp({'faq_ids': [fields.Command.link(article.id)]})
        return result

    def _faq_lang(self):
        """Return the language in which the customer of one ticket is answered."""
        return self.partner_id.lang or self.env.lang
