from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

METHODS = [
    ('apology', 'Apology'),
    ('explanation', 'Explanation'),
    ('repair', 'Repair'),
    ('exchange', 'Exchange'),
    ('refund', 'Refund'),
    ('voucher', 'Voucher'),
    ('points', 'Points'),
    ('gift', 'Gift'),
    ('other', 'Other'),
]
#: Methods that need neither money nor goods: words.
WORDS = ('apology', 'explanation')


class RetailRemedyKind(models.Model):
    """A way to make good what went wrong, such as a refund or a voucher of 20; managers say which are allowed.

    ``method`` decides what granting does. A kind without company serves all; each company says for itself whether it
    is allowed there (``barred_company_ids``, main companies). Invariant: what is not allowed cannot be chosen.
    """

    _name = 'retail.remedy.kind'
    _description = 'Kind of Remedy'
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(
        required=True, translate=True, help='As the customer reads it, for example "Voucher of 20".'
    )
    code = fields.Char(help='Short name used by rules and interfaces. It must be unique.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    method = fields.Selection(
        selection=METHODS,
        required=True,
        default='other',
        help='What the system does when it is granted: a credit note, a coupon, points, an order without charge.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        help='Empty: for all companies.',
    )
    barred_company_ids = fields.Many2many(
        comodel_name='res.company',
        relation='retail_remedy_kind_barred_rel',
        string='Not Allowed In',
        help='Main companies in which nobody may offer it.',
    )
    is_allowed = fields.Boolean(
        string='Allowed',
        compute='_compute_is_allowed',
        inverse='_inverse_is_allowed',
        search='_search_is_allowed',
        default=True,
        help='Your company allows it. What is not allowed cannot be chosen.',
    )
    description = fields.Text(
        translate=True, help='When to offer it, and what to say with it. For staff only.'
    )
    type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        relation='retail_remedy_kind_type_rel',
        string='Types of Tickets',
        help='Types of tickets for which it is offered. Empty: all.',
    )
    needs_line = fields.Boolean(
        string='Needs Goods',
        help='It can be offered only for goods that the ticket is about.',
    )
    default_days = fields.Integer(
        string='Valid for (Days)',
        help='How long what the customer gets is valid. 0: without end.',
    )
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        check_company=True,
        ondelete='restrict',
        help='Program of which a coupon or points are given.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        string='Gift',
        check_company=True,
        ondelete='restrict',
        help='What is given.',
    )

    _code_uniq = models.Constraint('UNIQUE(code)', 'Another kind has this code already.')
    _check_days = models.Constraint(
        'CHECK(default_days >= 0)', 'A number of days cannot be below zero.'
    )

    @api.constrains('method', 'product_id')
    def _check_product(self):
        if wrong := self.filtered(lambda kind: kind.product_id and kind.method != 'gift'):
            raise ValidationError(
                self.env._('%(kind)s: only gifts have a product.', kind=wrong[0].display_name)
            )

    def write(self, vals):
        """What was given by a kind is taken back the same way: its method stays once somebody asked for it."""
        method = vals.get('method')
        changed = self.filtered(lambda kind: method and kind.method != method)
        # sudo: whether there are any
        if changed and self.env['retail.remedy'].sudo().search_count(
            [('kind_id', 'in', changed.ids)], limit=1
        ):
            raise UserError(self.env._('Remedies that were asked for are kept.'))
        return super().write(vals)

    @api.depends('barred_company_ids')
    @api.depends_context('company')
    def _compute_is_allowed(self):
        for kind in self:
            # sudo: whether it is allowed here; the other companies stay unnamed
            kind.is_allowed = self.env.company.root_id not in kind.sudo().barred_company_ids

    def _inverse_is_allowed(self):
        root = self.env.company.root_id
        for kind in self:
            command = fields.Command.unlink if kind.is_allowed else fields.Command.link
            kind.barred_company_ids = [command(root.id)]

    @api.model
    def _search_is_allowed(self, operator, value):
        if operator != 'in':
            return NotImplemented
        root = self.env.company.root_id
        # sudo: as above
        barred = (
            self.sudo()
            .with_context(active_test=False)
            .search([('barred_company_ids', 'in', root.ids)])
        )
        return [('id', 'not in' if True in value else 'in', barred.ids)]

    def _is_of_words(self):
        """Return whether one kind gives neither money nor goods."""
        return self.method in WORDS

    def _valid_until(self):
        """Return the last day on which what is given today is valid, or nothing."""
        days = self.default_days
        return bool(days) and fields.Date.context_today(self) + timedelta(days=days)

    @api.model
    def _offered(self, company, ticket_type=None):
        """Return the kinds that may be offered in a company for a type of tickets."""
        kinds = self.with_company(company).search(
            [('is_allowed', '=', True), ('company_id', 'in', [False, *company.parent_ids.ids])]
        )
        if ticket_type:
            kinds = kinds.filtered(lambda kind: not kind.type_ids or ticket_type in kind.type_ids)
        return kinds
