from odoo import models
from odoo.exceptions import RedirectWarning, UserError


class RetailRemedyRefund(models.Model):
    """A refund is a credit note of Odoo on the invoice of the goods, over exactly these pieces or this part of the price.

    Never more than what is left to credit. The note is a draft until an accountant posts it, or posted at once
    (setting); taken back, a draft is cancelled and a posted one debited.
    """

    _inherit = 'retail.remedy'

    def _grant_refund(self):
        self.ensure_one()
        # sudo: accountants keep the books; what is credited was approved
        sold_sudo = self.line_id.sudo().sale_line_id
        if not sold_sudo:
            raise UserError(
                self.env._(
                    'A refund needs the order line: choose the goods of the ticket from the order or receipt.'
                )
            )
        pieces = self.quantity or self.line_id.quantity
        if not self.amount and self.basis != 'legal':
            raise UserError(self.env._('Say how much is paid back.'))
        try:
            notes_sudo = sold_sudo._retail_credit(pieces, self.amount, self)
            if self.company_id.sudo().retail_refund_post:
                notes_sudo.action_post()
        except RedirectWarning as error:  # a journal or an account is missing
            raise UserError(str(error.args[0])) from error
        worth = sum(notes_sudo.mapped(lambda note: abs(note.amount_total_signed)))
        self._note_worth(worth, sum(notes_sudo.mapped(lambda n: abs(n.amount_untaxed_signed))))
        return notes_sudo[:1].sudo(self.env.su)

    def _reverse_refund(self):
        """Cancel the credit notes, or debit those that are posted, and tell what was paid out."""
        notes_sudo = (
            self.env['account.move']
            .sudo()  # sudo: as for granting
            .search([('retail_remedy_id', '=', self.id), ('move_type', '=', 'out_refund')])
        )
        notes_sudo.filtered(lambda note: note.state == 'draft').button_cancel()
        left = []
        for note_sudo in notes_sudo.filtered(lambda note: note.state == 'posted'):
            paid = note_sudo._retail_is_paid_out()
            number = note_sudo.name
            try:
                debit = note_sudo._reverse_moves(
                    [
                        {
                            'ref': self.env._(
                                'Reversal of %(note)s (%(remedy)s)', note=number, remedy=self.name
                            ),
                            'invoice_date': self.company_id._retail_today(),
                            'date': self.company_id._retail_today(),
                        }
                    ],
                    # what was paid out stays so: the debit is then open
                    cancel=not paid,
                )
                if paid:
                    debit.action_post()
            except RedirectWarning as error:
                raise UserError(str(error.args[0])) from error
            if paid:
                left.append(
                    self.env._(
                        '%(note)s was paid out already: the customer owes %(debit)s.',
                        note=number,
                        debit=debit.name,
                    )
                )
        return '\n'.join(left)
