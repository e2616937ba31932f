from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailTicketPart(models.AbstractModel):
    """What lists of a ticket have in common: they belong to it, to its company, and end with its filing.

    Record rules of such models spell out the conditions of the ticket (security/service_complaint_rules.xml).
    """

    _name = 'retail.ticket.part'
    _description = 'Part of a Ticket'
    _rec_name = 'ticket_id'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        ondelete='cascade',
        index=True,
        help='Ticket that it belongs to.',
    )
    company_id = fields.Many2one(
        related='ticket_id.company_id', store=True, precompute=True, index=True
    )

    @api.model_create_multi
    def create(self, vals_list):
        tickets = self.env['retail.ticket'].browse(
            {vals['ticket_id'] for vals in vals_list if vals.get('ticket_id')}
        )
        self._check_not_filed(tickets)
        return super().create(vals_list)

    def write(self, vals):
        self._check_not_filed(self.ticket_id)
        result = super().write(vals)
        if 'ticket_id' in vals:
            # neither to a filed ticket nor to one that is not theirs
            self._check_not_filed(self.ticket_id)
            self.check_access('write')
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_filed(self):
        self._check_not_filed(self.ticket_id)

    @api.model
    def _check_not_filed(self, tickets):
        """Refuse to change parts of filed complaints (S-TKT-12)."""
        # sudo: whether it is filed must be known; reading it is checked by the rules of this model
        filed = tickets.sudo().filtered(lambda t: t.is_complaint and t.category == 'archived')
        if filed and not self.env.su:
            raise UserError(
                self.env._(
                    '%(ticket)s is filed and can only be read. Open a follow-up ticket instead.',
                    ticket=filed[0].name,
                )
            )
