from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL, float_compare, float_is_zero


class SaleOrderLineCredit(models.Model):
    """How order lines are credited: pieces by reversing their invoice line, a part of the price by a line without pieces.

    A part of the price is not linked to the order line, which would seem to be invoiced less often; it belongs to the
    order through the invoice that the note reverses, as notes that somebody types in.
    """

    _inherit = 'sale.order.line'

    def _retail_touch(self):
        """Have everybody else who asks about these lines wait, or begin anew, until this transaction is over.

        A lock alone would let the other go on with what he read before; a changed row makes Odoo repeat his request.
        """
        self.env.cr.execute(
            SQL('UPDATE sale_order_line SET write_date = write_date WHERE id = ANY(%s)', self.ids)
        )

    def _retail_credited(self):
        """Return the lines of credit notes, also of drafts, for one order line: ``(of pieces, of parts of the price)``."""
        pieces = self.invoice_lines.filtered(
            lambda item: item.move_id.move_type == 'out_refund' and item.move_id.state != 'cancel'
        )
        remedies = self.env['retail.remedy'].search([('line_id.sale_line_id', '=', self.id)])
        notes = self.env['account.move'].search(
            [
                ('retail_remedy_id', 'in', remedies.ids),
                ('move_type', '=', 'out_refund'),
                ('state', '!=', 'cancel'),
            ]
        )
        # those that were debited again do not count
        notes = notes.filtered(lambda note: note.state == 'draft' or not note._retail_debited())
        parts = notes.invoice_line_ids.filtered(
            lambda item: item.display_type == 'product' and not item.sale_line_ids
        )
        return pieces, parts

    def _retail_invoiced(self):
        """Return the posted invoice lines of one order line, the last first."""
        return self.invoice_lines.filtered(
            lambda item: (
                item.move_id.move_type in ('out_invoice', 'out_receipt')
                and item.move_id.state == 'posted'
                and item.quantity > 0
            )
        ).sorted(lambda item: (item.move_id.invoice_date, item.id), reverse=True)

    def _retail_left_to_credit(self):
        """Return ``(pieces, amount in the company currency with tax)`` that are invoiced and not credited of one line."""
        pieces, parts = self._retail_credited()
        invoiced = self._retail_invoiced()
        number = sum(invoiced.mapped('quantity')) - sum(pieces.mapped('quantity'))
        amount = sum(item._retail_total() for item in invoiced)
        amount -= sum(item._retail_total() for item in pieces | parts)
        return number, self.company_id.currency_id.round(amount)

    def _retail_credit(self, quantity, amount, remedy):
        """Make the draft credit notes for pieces of one order line, or for a part of their price.

        :param quantity: number of pieces
        :param amount: what is paid back for them with tax, in the company currency; 0 or their price: they are credited
            as pieces
        :param remedy: what it is done for
        :return: credit notes, one for each invoice that is needed
        :raise UserError: when they are not invoiced, or more is asked than is left
        """
        self.ensure_one()
        self._retail_touch()
        currency = self.company_id.currency_id
        invoiced = self._retail_invoiced()
        if not invoiced:
            raise UserError(
                self.env._(
                    '%(order)s has no posted invoice for %(product)s yet. Lower price or quantity on the order, or invoice '
                    'it first.',
                    order=self.order_id.name,
                    product=self.product_id.display_name,
                )
            )
        left_pieces, left_amount = self._retail_left_to_credit()
        full = sum(item._retail_total() for item in invoiced) / sum(invoiced.mapped('quantity'))
        full = currency.round(full * quantity)
        as_pieces = not amount or not currency.compare_amounts(amount, full)
        amount = min(full, left_amount) if as_pieces else amount
        if currency.compare_amounts(amount, left_amount) > 0 or currency.is_zero(left_amount):
            raise UserError(
                self.env._(
                    'Only %(left)s of %(product)s in %(order)s are left to pay back.',
                    left=currency.format(max(left_amount, 0)),
                    product=self.product_id.display_name,
                    order=self.order_id.name,
                )
            )
        if as_pieces and float_compare(quantity, left_pieces, precision_digits=6) > 0:
            raise UserError(
                self.env._(
                    'Only %(left)s pieces of %(product)s in %(order)s are left to take back.',
                    left=f'{max(left_pieces, 0):g}',
                    product=self.product_id.display_name,
                    order=self.order_id.name,
                )
            )
        if as_pieces:
            return self._retail_credit_pieces(invoiced, quantity, amount / full, remedy)
        return self._retail_credit_part(invoiced, amount, remedy)

    def _retail_credit_pieces(self, invoiced, quantity, share, remedy):
        """Credit pieces, of the last invoice first, at a share of their price."""
        notes, rest = self.env['account.move'], quantity
        for item in invoiced:
            pieces = min(rest, item.quantity - item._retail_taken_back(self))
            if pieces <= 0:
                continue
            rest -= pieces
            values, total = {'quantity': pieces}, 0.0
            if not float_is_zero(share - 1, precision_digits=6):
                values['price_unit'] = item.price_unit * share
                total = item._retail_total() * share * pieces / item.quantity
            notes |= item._retail_reverse_line(values, remedy, total)
            if float_is_zero(rest, precision_digits=6):
                break
        return notes

    def _retail_credit_part(self, invoiced, amount, remedy):
        """Credit a part of the price, of the last invoice first; the pieces stay with the customer."""
        notes, rest = self.env['account.move'], amount
        currency = self.company_id.currency_id
        for item in invoiced:
            total = item._retail_total()
            part = min(rest, total)
            if currency.is_zero(part):
                continue
            rest -= part
            # one "piece" at the part of the price, with the taxes and the discount of the goods
            price = item.price_unit * item.quantity * part / total
            notes |= item._retail_reverse_line(
                {
                    'quantity': 1,
                    'price_unit': price,
                    'name': self.env._('Price reduction: %(goods)s', goods=item.name or ''),
                    'sale_line_ids': [Command.clear()],
                },
                remedy,
                part,
            )
            if currency.is_zero(rest):
                break
        return notes
