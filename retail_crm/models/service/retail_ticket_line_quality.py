from odoo import api, models


class RetailTicketLine(models.Model):
    """Goods tell whether a customer came again with the same: what was derived from them is derived again."""

    _inherit = 'retail.ticket.line'

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._quality_again()
        return lines

    def write(self, vals):
        result = super().write(vals)
        if {'sale_line_id', 'ticket_id'} & set(vals):
            self._quality_again()
        return result

    def unlink(self):
        self._quality_again()
        return super().unlink()

    def _quality_again(self):
        # sudo: whoever changes the goods of a ticket was checked
        self.filtered('sale_line_id').sudo().ticket_id._quality_old()._quality_again()
