from odoo import fields, models

from .sale_order_line_ticket import TICKET_GROUPS


class AccountMoveRemedy(models.Model):
    """Credit notes know the remedy that they are made for."""

    _inherit = 'account.move'

    retail_remedy_id = fields.Many2one(
        comodel_name='retail.remedy',
        string='Remedy',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        groups=TICKET_GROUPS,
        help='What was given to the customer by this credit note.',
    )

    def _post(self, soft=True):
        """A return is done when its credit note is posted."""
        posted = super()._post(soft=soft)
        # sudo: accountants need not see returns
        if remedies_sudo := posted.sudo().retail_remedy_id:
            requests_sudo = self.env['retail.return.request'].sudo()
            requests_sudo.search([('remedy_id', 'in', remedies_sudo.ids)])._refund_posted()
        return posted

    def _retail_debited(self):
        """Return whether one credit note was taken back by a posted debit."""
        return bool(
            self.search_count(
                [('reversed_entry_id', '=', self.id), ('state', '=', 'posted')], limit=1
            )
        )

    def _retail_is_paid_out(self):
        """Return whether money has gone out for one credit note; one that is set off against invoices has cost none."""
        items = self.line_ids.filtered(lambda item: item.account_type == 'asset_receivable')
        others = items.matched_debit_ids.debit_move_id | items.matched_credit_ids.credit_move_id
        return not all(item.move_id.is_invoice(include_receipts=True) for item in others)


class AccountMoveLineRemedy(models.Model):
    """Invoice lines that are credited one by one."""

    _inherit = 'account.move.line'

    def _retail_total(self):
        """Return the price of one line with tax, in the company currency."""
        return self.price_total / (self.move_id.invoice_currency_rate or 1.0)

    def _retail_taken_back(self, sold):
        """Return how many pieces of one invoice line for an order line its credit notes took back."""
        pieces, _parts = sold._retail_credited()
        return sum(
            pieces.filtered(
                lambda item: item.move_id.reversed_entry_id in (self.move_id, self.move_id.browse())
            ).mapped('quantity')
        )

    def _retail_reverse_line(self, values, remedy, total=0.0):
        """Return a draft credit note of one invoice line alone, changed by ``values``.

        :param total: what it is over with tax, in the company currency; 0: as the prices say
        """
        invoice = self.move_id
        today = remedy.company_id._retail_today()
        position = invoice.invoice_line_ids.ids.index(self.id)
        note = invoice._reverse_moves(
            [
                {
                    'ref': self.env._(
                        'Reversal of %(invoice)s (%(remedy)s)',
                        invoice=invoice.name,
                        remedy=remedy.name,
                    ),
                    'date': today,
                    'invoice_date': today,
                    'invoice_date_due': today,
                    'invoice_payment_term_id': False,
                    'invoice_origin': remedy.ticket_id.name,
                    'invoice_user_id': invoice.invoice_user_id.id,
                    'retail_remedy_id': remedy.id,
                }
            ]
        )
        kept = note.invoice_line_ids[position]  # copied in their order
        note.write(
            {
                'invoice_line_ids': [
                    *[(2, item.id) for item in note.invoice_line_ids - kept],
                    (1, kept.id, values),
                ]
            }
        )
        wanted = note.currency_id.round(total * (invoice.invoice_currency_rate or 1.0))
        for _turn in range(3 if wanted else 0):
            gap = wanted - note.amount_total
            if note.currency_id.is_zero(gap):
                break
            # tax and price are rounded one by one: a cent may be missing
            kept.price_unit *= 1 + gap / note.amount_total
        return note
