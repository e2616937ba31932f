from odoo import models
from odoo.tools import SQL


class RetailPurchaseRemedy(models.Model):
    """Replacement and repair orders made by a remedy are no purchases, nor are their invoices (design 4.2)."""

    _inherit = 'retail.purchase'

    def _sql_counted_order(self, alias):
        return SQL(
            '%s AND %s IS NULL',
            super()._sql_counted_order(alias),
            SQL.identifier(alias, 'retail_remedy_id'),
        )

    def _sql_counted_move(self, alias):
        """Leave out moves that bill nothing but such orders; starts from these orders, which are few."""
        return SQL(
            """%s AND %s NOT IN (
                SELECT item.move_id
                  FROM sale_order AS made
                  JOIN sale_order_line AS line ON line.order_id = made.id
                  JOIN sale_order_line_invoice_rel AS rel ON rel.order_line_id = line.id
                  JOIN account_move_line AS item ON item.id = rel.invoice_line_id
                 WHERE made.retail_remedy_id IS NOT NULL AND NOT EXISTS (
                       SELECT FROM account_move_line AS other
                         JOIN sale_order_line_invoice_rel AS bill ON bill.invoice_line_id = other.id
                         JOIN sale_order_line AS sold ON sold.id = bill.order_line_id
                         JOIN sale_order AS bought ON bought.id = sold.order_id
                        WHERE other.move_id = item.move_id AND bought.retail_remedy_id IS NULL))""",
            super()._sql_counted_move(alias),
            SQL.identifier(alias, 'id'),
        )
