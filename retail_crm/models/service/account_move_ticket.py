from odoo import models


class AccountMove(models.Model):
    """A request about an invoice starts from the invoice."""

    _inherit = 'account.move'

    def action_retail_new_ticket(self):
        """Take in a request about what this invoice sold.

        :raise AccessError: for those who may not make tickets
        """
        self.ensure_one()
        self.check_access('read')
        # sudo: an accountant need not see orders; only the lines that this invoice bills
        sold = self.invoice_line_ids.sudo().sale_line_ids.sudo(False)
        return self.env['retail.ticket.counter']._action_of_lines(
            self.partner_id,
            sold.sudo()._retail_goods().sudo(False),
            self.company_id,
            products=self.invoice_line_ids.filtered(lambda line: not line.sale_line_ids).product_id,
            date=self.invoice_date,
        )
