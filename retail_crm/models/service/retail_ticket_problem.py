from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class RetailTicketProblem(models.Model):
    """A complaint can be one of several with the same cause; rules of spikes look at what changed."""

    _inherit = 'retail.ticket'

    problem_id = fields.Many2one(
        comodel_name='retail.problem',
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Problem that is behind it, with others of the same cause.',
    )
    problem_words = fields.Html(
        string='Message to All',
        compute='_compute_problem_words',
        help="What all customers of a problem are told, in this customer's language; for templates.",
    )
    problem_subject = fields.Char(
        string='Subject of the Message to All',
        compute='_compute_problem_words',
        help='Its subject; for templates.',
    )
    is_spike_pending = fields.Boolean(
        string='Spikes to Be Sought',
        readonly=True,
        copy=False,
        help='What it is about changed: rules of spikes look at it soon.',
    )

    _received_idx = models.Index('(received_at) WHERE is_complaint')
    _spike_idx = models.Index('(id) WHERE is_spike_pending')

    @api.depends_context('retail_crm_problem_message', 'lang')
    def _compute_problem_words(self):
        message_id = self.env.context.get('retail_crm_problem_message')
        # sudo: the words that are sent to the customer
        message_sudo = self.env['retail.problem.message'].sudo().browse(message_id or ()).exists()
        self.problem_words = message_sudo.body
        self.problem_subject = message_sudo.subject

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """New complaints are looked at by rules of spikes; imported ones, too, which announce themselves to nobody."""
        vals_list = super()._prepare_ticket_values(vals_list)
        kinds = self.env['retail.ticket.type']
        for vals in vals_list:
            vals['is_spike_pending'] = kinds.browse(vals['type_id']).is_complaint
        return vals_list

    @api.model
    def _spike_fields(self):
        """Return the names of fields by which complaints are counted."""
        return {'reason_id', 'cause_id', 'product_id', 'store_id', 'type_id', 'received_at'}

    def write(self, vals):
        """What a complaint is about changed: no query more."""
        if not self.env.su:
            vals = {name: value for name, value in vals.items() if name != 'is_spike_pending'}
        if self._spike_fields() & set(vals):
            vals = {**vals, 'is_spike_pending': True}
        return super().write(vals)

    def _merge_values(self, sources, apart):
        """The ticket that stays takes the place of the others in their problem."""
        result = super()._merge_values(sources, apart)
        problem = (sources - apart).problem_id[:1] or sources.problem_id[:1]
        if problem and not self.problem_id and not self.is_restricted:
            self._stamp({'problem_id': problem.id})
        sources.filtered('problem_id')._stamp({'problem_id': False})
        return result

    def _solve_with_problem(self, problem):
        """Solve complaints (and requests) with the cause and the result of a problem."""
        complaints = self.filtered('is_complaint')
        values = {'cause_id': problem.cause_id.id, 'result': problem.result}
        if complaints:
            complaints._complete_steps('feedback', values)
        for ticket in self - complaints:
            ticket._set_stage('solved', **values)

    def action_bundle(self):
        """Put complaints into a new problem, or into that of the first which has one.

        :raise AccessError: for those who may not make problems
        """
        self.check_access('read')
        problems = self.env['retail.problem']
        problems.check_access('write')
        if not self:
            raise UserError(self.env._('Choose the complaints first.'))
        if self.filtered('is_restricted'):
            raise AccessError(self.env._('Restricted complaints are not bundled.'))
        problem = self.problem_id[:1] or problems.create(
            {
                'name': self[0].subject,
                'company_id': self[0].company_id.root_id.id,
                'user_id': self.env.uid,
                'product_id': self.product_id.id if len(self.product_id) == 1 else False,
            }
        )
        problem.check_access('write')
        problem._bundle(self)
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.problem',
            'res_id': problem.id,
            'view_mode': 'form',
        }

    def action_unbundle(self):
        """Take complaints out of their problem."""
        self.check_access('read')
        self.problem_id.check_access('write')
        self.sudo()._stamp({'problem_id': False})  # sudo: whoever may change the problem may do it
