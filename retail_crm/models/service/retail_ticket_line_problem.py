from odoo import models


class RetailTicketLineProblem(models.Model):
    """Other goods: rules of spikes look again."""

    _inherit = 'retail.ticket.line'

    def _goods_changed(self):
        result = super()._goods_changed()
        # sudo: the system's own mark
        self.ticket_id.sudo().filtered(
            lambda ticket: ticket.is_complaint and not ticket.is_spike_pending
        )._stamp({'is_spike_pending': True})
        return result
