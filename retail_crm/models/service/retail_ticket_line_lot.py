from odoo import api, fields, models


class RetailTicketLineLot(models.Model):
    """The lot of a complaint is that of the order line, where one was noted."""

    _inherit = 'retail.ticket.line'

    lot = fields.Char(compute='_compute_lot', store=True, precompute=True, readonly=False)

    @api.depends('sale_line_id')
    def _compute_lot(self):
        for line in self:
            line.lot = line.lot or line._sold().retail_lot
