from odoo import models
from odoo.tools import SQL


class AccountMove(models.Model):
    """Credit notes take points back, payments let waiting ones be spent, at once."""

    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft=soft)
        posted.filtered(lambda move: move.move_type == 'out_refund')._retail_settle_points()
        return posted

    def button_draft(self):
        refunds = self.filtered(
            lambda move: move.move_type == 'out_refund' and move.state == 'posted'
        )
        result = super().button_draft()
        refunds._retail_settle_points()
        return result

    def _invoice_paid_hook(self):
        result = super()._invoice_paid_hook()
        self._retail_settle_points()
        return result

    def _retail_settle_points(self):
        """Settle the points of the orders that these moves bill or credit, where they moved any."""
        sales = self._retail_sales()
        if not sales:
            return
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT line.order_id
                  FROM account_move_line AS item
                  JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                  JOIN sale_order_line AS line ON line.id = rel.order_line_id
                 WHERE item.move_id = ANY(%s)
                   AND EXISTS (SELECT FROM retail_points_entry AS entry
                                WHERE entry.res_model = 'sale.order' AND entry.res_id = line.order_id)
                """,
                [*sales.ids, *sales.reversed_entry_id.ids],
            )
        )
        self.env['sale.order'].browse(order_id for (order_id,) in rows)._retail_settle_points()
