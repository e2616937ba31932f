from odoo import api, fields, models

from ...models.service.retail_ticket_stage import OPEN_CATEGORIES, STEPS

#: Steps to which a complaint can go back.
BACK = [item for item in STEPS if item[0] not in ('feedback', 'archive')]


class RetailTicketBack(models.TransientModel):
    """Dialog: send complaints back to an earlier step, with the reason that is logged (S-TKT-11, S-TKT-43)."""

    _name = 'retail.ticket.back'
    _description = 'Go Back to an Earlier Step'

    ticket_ids = fields.Many2many(
        comodel_name='retail.ticket', required=True, help='Complaints that go back.'
    )
    step = fields.Selection(
        selection=BACK,
        required=True,
        default='solution',
        help='Step that is done again, and those after it.',
    )
    reason = fields.Text(required=True, help='Why it goes back. Kept in the history of the ticket.')

    @api.model
    def _go_back(self, tickets, step, reason):
        """Move complaints back to a step, with a reason."""
        tickets._set_stage(OPEN_CATEGORIES, step=step, back_reason=reason)

    def action_back(self):
        """Send the complaints back; the rights are those of the tickets."""
        self.ensure_one()
        self.ticket_ids.check_access('write')
        self._go_back(self.ticket_ids, self.step, self.reason)
        return {'type': 'ir.actions.act_window_close'}
