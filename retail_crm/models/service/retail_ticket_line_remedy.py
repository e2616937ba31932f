from odoo import models
from odoo.exceptions import UserError

from .retail_remedy_authority import COUNTED

#: What a remedy or a return was allowed for.
ALLOWED_FOR = {'product_id', 'quantity', 'price_paid', 'purchased_on', 'sale_line_id', 'ticket_id'}


class RetailTicketLineRemedy(models.Model):
    """Goods for which something was promised stay what they are: it was allowed for these, at their price.

    Else somebody would have cheap goods approved and name dear ones, or free the limit of an order line again.
    """

    _inherit = 'retail.ticket.line'

    def write(self, vals):
        if not self.env.su and ALLOWED_FOR & set(vals):
            self._check_not_promised(vals)
        return super().write(vals)

    def _check_not_promised(self, vals):
        """Refuse to change goods for which a remedy was promised or a return asked.

        :raise UserError: naming them
        """
        changed = self.filtered(
            lambda line: any(
                line._fields[name].convert_to_write(line[name], line)
                != line._fields[name].convert_to_write(
                    line._fields[name].convert_to_cache(vals[name], line), line
                )
                for name in ALLOWED_FOR & set(vals)
            )
        )
        # sudo: what was promised, whoever may read it
        promised = (
            self.env['retail.remedy']
            .sudo()
            .search([('line_id', 'in', changed.ids), ('state', 'in', COUNTED)], limit=1)
            .line_id
            or self.env['retail.return.request']
            .sudo()
            .search(
                [('line_id', 'in', changed.ids), ('state', 'not in', ('refused', 'cancelled'))],
                limit=1,
            )
            .line_id
        )
        if promised:
            raise UserError(
                self.env._(
                    'Something was promised for %(goods)s: drop it or take it back first.',
                    goods=promised.product_id.display_name,
                )
            )
