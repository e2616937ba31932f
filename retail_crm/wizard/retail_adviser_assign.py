from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import split_every

_BATCH = 1000


class RetailAdviserAssign(models.TransientModel):
    """Dialog of leaders: give customers an adviser, or hand the customers of one adviser to another (S-ROL-05)."""

    _name = 'retail.adviser.assign'
    _description = 'Assign or Hand Over Customers'

    mode = fields.Selection(
        selection=[
            ('assign', 'Give an adviser to customers without one'),
            ('hand_over', 'Hand all customers of an adviser to another'),
        ],
        required=True,
        default='assign',
        help='What is done. An adviser who was chosen is replaced only by handing over.',
    )
    partner_ids = fields.Many2many(
        comodel_name='res.partner', string='Customers', help='Customers chosen in the list.'
    )
    rule = fields.Selection(
        selection=[
            ('user', 'One employee'),
            ('guide', 'Usual shop guide of each'),
            ('leader', 'Leader of the usual store of each'),
        ],
        string='Adviser By',
        required=True,
        default='user',
        help='Who becomes the adviser. Shop guide and store are those of most purchases of the last 12 months.',
    )
    from_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Adviser Until Now',
        domain=[('share', '=', False)],
        context={'active_test': False},
        help='Whose customers are handed over; also somebody who has left.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='New Adviser',
        domain=[('share', '=', False)],
        help='Who looks after the customers from now on.',
    )
    customer_count = fields.Integer(
        string='Customers Concerned',
        compute='_compute_customer_count',
        help='Customers who get another adviser.',
    )

    @api.depends('mode', 'partner_ids', 'from_user_id')
    def _compute_customer_count(self):
        for dialog in self:
            dialog.customer_count = self.env['res.partner'].search_count(dialog._customers_domain())

    def _customers_domain(self):
        """Return the domain of the customers concerned, archived ones too when an adviser leaves."""
        if self.mode == 'hand_over':
            return [
                ('retail_adviser_id', '=', self.from_user_id.id or 0),
                ('active', 'in', [True, False]),
            ]
        return [('id', 'in', self.partner_ids._origin.ids), ('retail_adviser_id', '=', False)]

    @api.model
    def _action_open(self, context):
        """Return the dialog.

        :raise AccessError: for those who lead nobody
        """
        self._check_leader()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Hand Over Customers')
            if context.get('default_mode') == 'hand_over'
            else self.env._('Assign Adviser'),
            'res_model': self._name,
            'view_mode': 'form',
            'target': 'new',
            'context': context,
        }

    def _check_leader(self):
        if not self.env.user.has_group('retail_crm.group_lead'):
            raise AccessError(self.env._('Only team leaders and managers assign advisers.'))

    def action_apply(self):
        """Assign or hand over, as whoever asks: customers he may not change stay as they are.

        :raise AccessError: for those who lead nobody
        :raise UserError: when nobody was chosen
        """
        self.ensure_one()
        self._check_leader()
        if self.mode == 'assign' and self.rule != 'user':
            changed = self.env['res.partner']._assign_by_rules(
                {self.env.company.root_id.id: self.rule}, self.partner_ids, only_high_value=False
            )
        else:
            changed = self._give_to_user()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if changed else 'warning',
                'message': self.env._(
                    '%(count)s customers have a new adviser.', count=len(changed)
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _give_to_user(self):
        """Make the chosen employee the adviser, each change tracked on its customer."""
        if self.mode == 'hand_over' and not self.from_user_id:
            raise UserError(self.env._('Choose whose customers are handed over.'))
        if not self.user_id or self.user_id == self.from_user_id:
            raise UserError(self.env._('Choose the new adviser.'))
        if self.user_id.share or not self.user_id.active:
            raise UserError(self.env._('Only an employee can be an adviser.'))
        customers = self.env['res.partner'].search(self._customers_domain())
        for ids in split_every(_BATCH, customers.ids):
            customers.browse(ids).write({'retail_adviser_id': self.user_id.id})
        return customers
