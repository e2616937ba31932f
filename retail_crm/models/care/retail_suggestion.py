from odoo import api, fields, models
from odoo.exceptions import UserError

KINDS = [
    ('due', 'Due again'),
    ('together', 'Often bought together'),
    ('cross', 'Goes with it'),
    ('up', 'Better choice'),
    ('category', 'Same category, not bought yet'),
]


class RetailSuggestion(models.Model):
    """A product that was suggested on a quotation, why, and what became of it: the success of suggestions (S-MKT-04).

    Written when suggestions are opened on a quotation and when one is added; a product is suggested once on an order. What
    was kept and its revenue are read from the order line: ``retail.suggestion.report``.
    """

    _name = 'retail.suggestion'
    _description = 'Suggestion on a Quotation'
    _order = 'id'
    _rec_name = 'product_id'

    order_id = fields.Many2one(
        comodel_name='sale.order',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Quotation on which it was suggested.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True, ondelete='restrict'
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='What was suggested.',
    )
    kind = fields.Selection(
        selection=KINDS, required=True, readonly=True, help='Why it was suggested.'
    )
    reason = fields.Char(readonly=True, help='Why it was suggested, in words.')
    date = fields.Date(readonly=True, help='Day on which it was suggested.')
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Suggested To',
        readonly=True,
        ondelete='set null',
        help='Employee who saw the suggestion.',
    )
    line_id = fields.Many2one(
        comodel_name='sale.order.line',
        string='Order Line',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='Line by which it was added. Empty: not added, or removed again.',
    )
    added_at = fields.Datetime(string='Added', readonly=True, help='When it was added.')

    _order_product_uniq = models.UniqueIndex(
        '(order_id, product_id)', 'A product is suggested once on an order.'
    )

    @api.model
    def _suggest(self, order):
        """Note the suggestions of today for a quotation and return those that are still open."""
        rows_sudo = self.sudo().search([('order_id', '=', order.id)])  # sudo: written by the system
        known = set(rows_sudo.product_id.ids)
        found = order.partner_id._retail_suggestions(order=order)
        rows_sudo |= rows_sudo.create(
            [
                {
                    'order_id': order.id,
                    'company_id': order.company_id.id,
                    'product_id': row.product.id,
                    'kind': row.kind,
                    'reason': row.reason,
                    'date': order.company_id.root_id._retail_today(),
                    'user_id': self.env.uid,
                }
                for row in found
                if row.product.id not in known
            ]
        )
        wanted = {row.product.id for row in found}
        return rows_sudo.filtered(lambda one: one.product_id.id in wanted and not one.line_id).sudo(
            self.env.su
        )

    def action_add(self):
        """Put what was suggested on its quotation.

        :raise AccessError: for those who may not write the quotation
        :raise UserError: when it is no quotation any more
        """
        self.check_access('read')
        self.order_id.check_access('write')
        for row in self.filtered(lambda one: not one.line_id):
            if row.order_id.state not in ('draft', 'sent'):
                raise UserError(
                    self.env._('%(order)s is confirmed already.', order=row.order_id.name)
                )
            line = self.env['sale.order.line'].create(
                {
                    'order_id': row.order_id.id,
                    'product_id': row.product_id.id,
                    'retail_suggestion_kind': row.kind,
                    'retail_suggestion_reason': row.reason,
                }
            )
            # sudo: the user may write the order; the ledger is the system's
            row.sudo().write({'line_id': line.id, 'added_at': fields.Datetime.now()})
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
