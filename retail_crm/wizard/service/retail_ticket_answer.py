from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import is_html_empty


class RetailTicketAnswer(models.TransientModel):
    """Dialog: choose a macro, see what the customer gets and what changes, and send (R-svc E 15, S-TKT-14, S-TKT-24)."""

    _name = 'retail.ticket.answer'
    _description = 'Answer with a Macro'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Ticket that is answered.',
    )
    offered_ids = fields.Many2many(
        comodel_name='retail.ticket.macro',
        compute='_compute_offered_ids',
        help='Macros to choose from.',
    )
    macro_id = fields.Many2one(
        comodel_name='retail.ticket.macro',
        compute='_compute_macro_id',
        store=True,
        readonly=False,
        ondelete='cascade',
        help='What is answered and changed.',
    )
    body = fields.Html(
        string='Answer',
        compute='_compute_body',
        store=True,
        readonly=False,
        sanitize_style=True,
        help='What the customer gets. It can be changed before it is sent.',
    )
    changes_text = fields.Char(related='macro_id.changes_text', string='Changes')
    phrase_warning = fields.Text(
        string='Choose Other Words', compute='_compute_phrase_warning', help='Phrases to avoid.'
    )

    @api.depends('ticket_id')
    def _compute_offered_ids(self):
        macro = self.env['retail.ticket.macro']
        for dialog in self:
            dialog.offered_ids = macro.search(macro._domain_for(dialog.ticket_id))

    @api.depends('ticket_id')
    def _compute_macro_id(self):
        """Begin with the macro that the customer's policy names."""
        for dialog in self:
            ticket = dialog.ticket_id
            macro = self.env['retail.ticket.macro']
            if ticket.partner_id and not dialog.macro_id:
                answer = self.env['retail.policy']._for_customers(
                    ticket.partner_id, ticket.company_id, ['macro_id']
                )
                macro = answer[ticket.partner_id.id]['macro_id'] or macro
            dialog.macro_id = dialog.macro_id or (macro & dialog.offered_ids)

    @api.depends('macro_id')
    def _compute_body(self):
        for dialog in self:
            dialog.body = (
                dialog.macro_id._text_for(dialog.ticket_id)
                if dialog.macro_id and dialog.ticket_id
                else False
            )

    @api.depends('body')
    def _compute_phrase_warning(self):
        for dialog in self:
            lang = dialog.ticket_id._customer_lang() if dialog.ticket_id else None
            dialog.phrase_warning = self.env['retail.phrase']._warning_of(dialog.body, lang)

    def action_send(self):
        """Send the answer and change the ticket: both or neither.

        :raise UserError: when there is nothing to send and nothing to change
        """
        self.check_access('write')
        for dialog in self:
            ticket = dialog.ticket_id
            ticket.check_access('write')
            macro = dialog.macro_id
            vals = macro._values_for(ticket) if macro else {}
            if is_html_empty(dialog.body) and not vals and not macro.remedy_kind_id:
                raise UserError(self.env._('Choose a macro, or write what the customer gets.'))
            if not is_html_empty(dialog.body):
                ticket._send_answer(dialog.body)
            if vals:
                ticket.write(vals)
            macro._draft_remedy(ticket)
        return {'type': 'ir.actions.act_window_close'}
