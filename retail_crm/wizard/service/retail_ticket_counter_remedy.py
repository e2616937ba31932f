from odoo import api, fields, models
from odoo.exceptions import UserError

from ...models.service.retail_remedy_authority import LEGAL_METHODS


class RetailTicketCounterRemedy(models.TransientModel):
    """At the counter: what the customer gets is granted in the same click, or waits for approval (S-TKT-16)."""

    _inherit = 'retail.ticket.counter'

    offered_kind_ids = fields.Many2many(
        comodel_name='retail.remedy.kind',
        string='Kinds Offered',
        compute='_compute_offered_kind_ids',
        help='What your company allows for requests of this type.',
    )
    remedy_kind_id = fields.Many2one(
        comodel_name='retail.remedy.kind',
        string='The Customer Gets',
        ondelete='cascade',
        help='What is given. It is carried out at once when it is within your authority.',
    )
    remedy_method = fields.Selection(related='remedy_kind_id.method', string='Done By')
    currency_id = fields.Many2one(related='company_id.currency_id')
    remedy_amount = fields.Monetary(
        string='Worth',
        help='What it is worth to the customer. Empty: the price of the goods where the customer has a right to it.',
    )
    remedy_points = fields.Float(string='Points', help='How many points the customer gets.')
    remedy_waits = fields.Char(
        string='Waits',
        compute='_compute_remedy_waits',
        help='Who has to approve it when it is above your authority.',
    )

    @api.depends('type_id', 'company_id')
    def _compute_offered_kind_ids(self):
        Kind = self.env['retail.remedy.kind']
        for counter in self:
            counter.offered_kind_ids = Kind._offered(counter.company_id, counter.type_id)

    @api.depends('remedy_kind_id', 'remedy_amount', 'remedy_points')
    @api.depends_context('uid')
    def _compute_remedy_waits(self):
        """Warn by the limit per case; the others are known when the ticket is made."""
        self.remedy_waits = False
        for counter in self.filtered('remedy_kind_id'):
            limit = self.env['retail.remedy.limit']._of(
                self.env.user, self.env['retail.ticket'], counter.company_id
            )
            points, amount = counter.remedy_points, counter.remedy_amount
            is_above = amount > limit.amount or (limit.points and points > limit.points)
            may_be_right = counter.remedy_method in LEGAL_METHODS and counter.line_ids
            if is_above and not limit.is_unlimited and not may_be_right:
                counter.remedy_waits = self.env._(
                    'Above your authority of %(amount)s: it will wait for approval.',
                    amount=counter.currency_id.format(limit.amount),
                )

    @api.onchange('remedy_kind_id')
    def _onchange_remedy_kind_id(self):
        """The words of the solution begin with what is given."""
        if self.remedy_kind_id and not self.solution:
            self.solution = self.remedy_kind_id.name

    def _prepare_ticket_values(self):
        values = super()._prepare_ticket_values()
        if self.remedy_kind_id:
            values['verdict'] = self.verdict  # what a legal right asks for
        return values

    def action_open(self):
        """What the customer may get goes along as a draft."""
        is_new = not self.sudo().ticket_id  # sudo: it may have become one that only the unit reads
        action = super().action_open()
        if is_new and self.remedy_kind_id:
            ticket_sudo = self.sudo().ticket_id  # sudo: as in _carry_out
            self.env['retail.remedy'].sudo().create(self._prepare_remedies(ticket_sudo))
        return action

    def _carry_out(self, ticket):
        """Grant what the customer gets, before the ticket is solved."""
        if not self.remedy_kind_id:
            return super()._carry_out(ticket)
        # sudo: the user has just made this ticket; nobody writes remedies but by their methods
        remedies = self.env['retail.remedy'].sudo().create(self._prepare_remedies(ticket.sudo()))
        remedies._request()
        if all(remedy.state == 'approved' for remedy in remedies):
            remedies._grant()
        return super()._carry_out(ticket) and all(remedy.state == 'granted' for remedy in remedies)

    def _prepare_remedies(self, ticket_sudo):
        """Return the values of the remedies: one for the case, or one for each of the goods that it is about."""
        kind, lines = self.remedy_kind_id, ticket_sudo.line_ids
        per_line = kind.method in LEGAL_METHODS
        if per_line and len(lines) > 1 and self.remedy_amount:
            raise UserError(
                self.env._('Tick one of the goods to give an amount, or leave the amount empty.')
            )
        return [
            self._prepare_remedy(ticket_sudo, line)
            for line in (lines if per_line and lines else lines[: int(len(lines) == 1)] or [lines])
        ]

    def _prepare_remedy(self, ticket_sudo, line):
        kind = self.remedy_kind_id
        values = {
            'ticket_id': ticket_sudo.id,
            'partner_id': ticket_sudo.commercial_partner_id.id,
            'kind_id': kind.id,
            'line_id': line.id,
            'quantity': line.quantity if line else 0.0,
            'amount': 0.0 if kind._is_of_words() else self.remedy_amount,
            'points': self.remedy_points if kind.method == 'points' else 0.0,
            'description': self.solution,
            'product_id': line.product_id.id if kind.method == 'exchange' else kind.product_id.id,
            'valid_until': kind._valid_until(),
        }
        right = self.env['retail.remedy'].sudo().new({**values, 'basis': 'legal'})
        if kind.method == 'refund' and not self.remedy_amount:
            values['amount'] = right._price_of_line()
        elif kind.method == 'gift' and not self.remedy_amount:
            values['amount'] = right._worth_of_gift()
        right.amount = values['amount']
        values['basis'] = 'goodwill' if right._legal_problem() else 'legal'
        return values
