from odoo import api, models

from ._opening import is_opening


class RetailTicketLineGoods(models.Model):
    """What follows when goods are added to a complaint: it may come back, or be one of several. Filed ones stay."""

    _inherit = 'retail.ticket.line'

    _lot_idx = models.Index('(lot) WHERE lot IS NOT NULL')

    @api.model_create_multi
    def create(self, vals_list):
        tickets = self.env['retail.ticket'].browse(
            {vals['ticket_id'] for vals in vals_list if vals.get('ticket_id')}
        )
        self.env['retail.ticket.part']._check_not_filed(tickets)
        lines = super().create(vals_list)
        lines._goods_changed()
        return lines

    def write(self, vals):
        self.env['retail.ticket.part']._check_not_filed(self.ticket_id)
        result = super().write(vals)
        if 'ticket_id' in vals:
            # neither to a filed ticket nor to one that is not theirs
            self.env['retail.ticket.part']._check_not_filed(self.ticket_id)
            self.check_access('write')
        if {'product_id', 'sale_line_id', 'lot'} & set(vals):
            self._goods_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_filed(self):
        self.env['retail.ticket.part']._check_not_filed(self.ticket_id)

    def _goods_changed(self):
        """Ask again whether the complaints of these lines come back or are major cases."""
        if is_opening():
            return  # asked when the tickets are complete
        # sudo: what follows from a permitted change is the system's to write
        if complaints_sudo := self.ticket_id.sudo().filtered('is_complaint'):
            complaints_sudo._seek_recurrence()
            complaints_sudo._seek_major()
