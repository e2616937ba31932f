from odoo import api, fields, models


class RetailTicketMacroRemedy(models.Model):
    """A macro may draft a remedy: whoever uses it asks for it on the ticket, within limits as always (R-svc E 15)."""

    _inherit = 'retail.ticket.macro'

    remedy_kind_id = fields.Many2one(
        comodel_name='retail.remedy.kind',
        string='Draft Remedy',
        ondelete='restrict',
        help='A remedy of this kind is drafted on the ticket. Empty: none.',
    )
    remedy_amount = fields.Monetary(
        string='Worth of the Remedy', help='What it is worth. 0: by the part of the price.'
    )
    remedy_share = fields.Float(
        string='Remedy of the Price (%)', help='Part of the price paid for the goods of the ticket.'
    )
    remedy_points = fields.Float(string='Points of the Remedy', help='How many points are given.')
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for macro in self:
            macro.currency_id = (macro.company_id or self.env.company).currency_id

    @api.depends('remedy_kind_id')
    def _compute_changes_text(self):
        result = super()._compute_changes_text()
        for macro in self.filtered('remedy_kind_id'):
            label = self._fields['remedy_kind_id']._description_string(self.env)
            words = f'{label}: {macro.remedy_kind_id.name}'
            macro.changes_text = '; '.join(filter(None, (macro.changes_text, words)))
        return result

    def _draft_remedy(self, ticket):
        """Draft the remedy of one macro on a ticket that the user may write; nothing where it is not allowed."""
        kind = self.remedy_kind_id
        if not kind or kind not in kind._offered(ticket.company_id, ticket.type_id):
            return self.env['retail.remedy']
        ticket.check_access('write')
        lines = ticket.line_ids
        line = lines if len(lines) == 1 else lines.browse()
        values = {
            'ticket_id': ticket.id,
            'kind_id': kind.id,
            'line_id': line.id,
            'quantity': line.quantity if line else 0.0,
            'product_id': kind.product_id.id,
            'points': self.remedy_points if kind.method == 'points' else 0.0,
            'valid_until': kind._valid_until(),
        }
        # sudo: checked above; nobody writes remedies but by their methods
        remedy_sudo = self.env['retail.remedy'].sudo().new(values)
        amount = self.remedy_amount
        if not amount and self.remedy_share:
            price = remedy_sudo._price_of_line() if line else remedy_sudo._price_of_case()
            amount = price * self.remedy_share / 100.0
        values['amount'] = 0.0 if kind._is_of_words() else ticket.currency_id.round(amount)
        return self.env['retail.remedy'].sudo().create(values).sudo(self.env.su)
