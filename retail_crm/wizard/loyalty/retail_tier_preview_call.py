from odoo import api, fields, models
from odoo.exceptions import UserError

#: Calls that can be planned at a time.
MAX_CALLS = 1_000


class RetailTierPreviewCall(models.TransientModel):
    """Asks who calls the customers who would hold another tier by other rules, and plans the calls."""

    _name = 'retail.tier.preview.call'
    _description = 'Call List'

    preview_id = fields.Many2one(
        comodel_name='retail.tier.preview',
        required=True,
        ondelete='cascade',
        help='Preview by which they would fall.',
    )
    line_ids = fields.Many2many(
        comodel_name='retail.tier.preview.line',
        string='Chosen Members',
        help='Members who were chosen. Empty: all who would fall.',
    )
    is_chosen = fields.Boolean(
        string='Members Were Chosen',
        readonly=True,
        default=lambda self: bool(self.env.context.get('default_line_ids')),
        help='Nobody else is meant, also when their lines are gone.',
    )
    who = fields.Selection(
        selection=[('adviser', 'Their advisers'), ('user', 'One person')],
        string='Called By',
        required=True,
        default='adviser',
        help='Customers without an adviser are called by the person below.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person',
        required=True,
        domain=[('share', '=', False)],
        default=lambda self: self.env.user,
        help='Calls all of them, or those without an adviser.',
    )
    limit = fields.Integer(
        string='Customers At Most',
        required=True,
        default=100,
        help='The first so many: who would fall first, of these who lacks least.',
    )
    deadline = fields.Date(
        required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=7),
        help='Day by which the calls are made.',
    )
    summary = fields.Char(
        required=True,
        default=lambda self: self.env._('Tell about the new rules'),
        help='What the call is about.',
    )
    customer_count = fields.Integer(
        string='Customers', compute='_compute_customer_count', help='Customers to choose from.'
    )

    @api.depends('preview_id', 'line_ids')
    def _compute_customer_count(self):
        for wizard in self:
            wizard.customer_count = self.env['retail.tier.preview.line'].search_count(
                wizard._lines_domain()
            )

    def _lines_domain(self):
        """Return the domain of the customers to call."""
        chosen = self.line_ids if self.is_chosen or self.line_ids else None
        return [
            *self.preview_id._lines_domain(chosen),
            ('preview_id', '=', self.preview_id.id),
        ]

    def action_plan(self):
        """Plan the calls, all at once and without a mail for each; who has one of this text open gets no other.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: for a limit that is none
        """
        self.ensure_one()
        self.preview_id._check_manager()
        if not 1 <= self.limit <= MAX_CALLS:
            raise UserError(self.env._('Plan from 1 to %(count)s calls.', count=MAX_CALLS))
        lines = self.env['retail.tier.preview.line'].search(
            [*self._lines_domain(), ('partner_id', 'not in', self._called_ids())],
            order='date, missing_amount, id',
            limit=self.limit,
        )
        activities = self.env['mail.activity'].with_context(mail_activity_quick_update=True)
        activities.create([self._prepare_call(line) for line in lines])
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('%(count)s calls are planned.', count=len(lines)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _called_ids(self):
        """Return the customers for whom such a call is open."""
        calls = self.env['mail.activity'].search_fetch(
            [
                ('res_model', '=', 'res.partner'),
                ('activity_type_id', '=', self.env.ref('mail.mail_activity_data_call').id),
                ('summary', '=', self.summary),
            ],
            ['res_id'],
        )
        return calls.mapped('res_id')

    def _prepare_call(self, line):
        """Return the values of a call."""
        adviser = line.partner_id.retail_adviser_id if self.who == 'adviser' else None
        return {
            'res_model_id': self.env['ir.model']._get_id('res.partner'),
            'res_id': line.partner_id.id,
            'activity_type_id': self.env.ref('mail.mail_activity_data_call').id,
            'summary': self.summary,
            'date_deadline': self.deadline,
            'user_id': (adviser if adviser and adviser.active else self.user_id).id,
        }
