from odoo import models

from .retail_purchase import SALE_MOVE_TYPES


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft=soft)
        sales = posted._retail_sales()
        refunds = sales.filtered(lambda move: move.move_type == 'out_refund')
        moments = self.env['retail.moment']
        moments._emit('refund', refunds)
        by_invoice = (sales - refunds).filtered(
            lambda move: move.company_id.root_id.retail_purchase_basis == 'invoice'
        )
        moments._emit('purchase', by_invoice)
        moments._emit('purchase_changed', sales - refunds - by_invoice)
        return posted

    def button_draft(self):
        posted = self._retail_sales().filtered(lambda move: move.state == 'posted')
        result = super().button_draft()
        if posted:
            # By name, not through the move: it may be edited or deleted before anybody looks.
            self.env.flush_all()
            documents = self.env['retail.purchase']._with_original_documents(
                {'account.move': posted.ids}
            )
            for model, ids in documents.items():
                # sudo: whoever may reset the move may announce what depends on it
                self.env['retail.moment']._emit(
                    'purchase_changed', self.env[model].sudo().browse(sorted(ids))
                )
        return result

    def _invoice_paid_hook(self):
        result = super()._invoice_paid_hook()
        self.env['retail.moment']._emit('paid', self._retail_sales())
        return result

    def _retail_sales(self):
        """Return those of the moves that sell to or take back from customers."""
        return self.filtered(lambda move: move.move_type in SALE_MOVE_TYPES)
