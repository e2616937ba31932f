import time

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import split_every

from ._safely import safely
from .retail_spike_alert import VALUE_FIELDS

STATES = [
    ('new', 'New'),
    ('investigating', 'Investigating'),
    ('known', 'Known error'),
    ('solved', 'Solved'),
]
#: Complaints that are solved at a time, and for how many seconds of a request: the rest by another click.
_AT_A_TIME, _SECONDS = 50, 30
_ABOUT = tuple(VALUE_FIELDS.values())


class RetailProblem(models.Model):
    """What is behind several complaints: one cause, one measure, one answer to all (R-svc E 8, S-TKT-33).

    Opened by an alert with its complaints, or by hand. A complaint belongs to one problem at most. Restricted
    complaints are never bundled by the system, and everybody sees those complaints only that he may read anyway.
    Invariant: ``solved_at`` is set while, and only while, it is solved; a solved problem has no open alert.
    """

    _name = 'retail.problem'
    _description = 'Problem'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True, help='What it is about, in a few words.')
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company.root_id,
        index=True,
    )
    active = fields.Boolean(default=True)
    state = fields.Selection(
        selection=STATES,
        required=True,
        default='new',
        copy=False,
        tracking=True,
        index=True,
        help='Known error: the cause is found and there is a workaround, the measure is still to come.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        domain=[('share', '=', False)],
        tracking=True,
        index='btree_not_null',
        help='Who finds the cause and sees to the measure.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        index='btree_not_null',
        ondelete='restrict',
        help='Product that it is about.',
    )
    lot = fields.Char(string='Lot or Serial Number', help='Lot that it is about.')
    categ_id = fields.Many2one(
        comodel_name='product.category',
        string='Product Category',
        ondelete='restrict',
        help='Category of the products that it is about.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        ondelete='restrict',
        help='Store that it is about.',
    )
    class_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Main Class',
        domain=[('parent_id', '=', False)],
        ondelete='restrict',
        help='Class of its complaints.',
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Sub-Cause',
        domain=[('parent_id', '!=', False)],
        ondelete='restrict',
        help='Sub-cause of its complaints.',
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Cause Found',
        tracking=True,
        ondelete='restrict',
        help='Root cause of all its complaints; they get it when they are solved together.',
    )
    root_cause = fields.Text(tracking=True, help='What the investigation found, in words.')
    workaround = fields.Text(
        tracking=True, help='What customers can do, or we for them, until the cause is gone.'
    )
    measure = fields.Text(
        string='Permanent Measure',
        tracking=True,
        help='What is done so that it does not happen again.',
    )
    result = fields.Text(
        string='Result for Complaints',
        help='What was done in the end. Complaints that are solved together get it.',
    )
    ticket_ids = fields.One2many(
        comodel_name='retail.ticket',
        inverse_name='problem_id',
        string='Complaints',
        help='Complaints that are bundled here.',
    )
    alert_ids = fields.One2many(
        comodel_name='retail.spike.alert',
        inverse_name='problem_id',
        string='Alerts',
        help='Alerts by which it was found.',
    )
    message_to_all_ids = fields.One2many(
        comodel_name='retail.problem.message',
        inverse_name='problem_id',
        string='Answers to All',
        help='What its customers were told.',
    )
    ticket_count = fields.Integer(
        string='Complaints Bundled',
        compute='_compute_counts',
        help='How many complaints are bundled here, those that you may not read included.',
    )
    open_count = fields.Integer(
        string='Still Open', compute='_compute_counts', help='How many of them are not solved yet.'
    )
    solved_at = fields.Datetime(
        string='Solved On', readonly=True, copy=False, help='When it was solved.'
    )
    solved_by = fields.Many2one(
        comodel_name='res.users', readonly=True, copy=False, help='Who solved it.'
    )

    @api.depends('ticket_ids.problem_id', 'ticket_ids.category')
    def _compute_counts(self):
        # sudo: numbers only
        counts = {
            (problem.id, is_open): number
            for is_open, domain in (
                (False, []),
                (True, [('category', 'in', ('new', 'open', 'waiting', 'on_hold'))]),
            )
            for problem, number in self.env['retail.ticket']
            .sudo()
            ._read_group(
                Domain('problem_id', 'in', self.ids) & Domain(domain), ['problem_id'], ['__count']
            )
        }
        for problem in self:
            problem.ticket_count = counts.get((problem._origin.id, False), 0)
            problem.open_count = counts.get((problem._origin.id, True), 0)

    def write(self, vals):
        """Note who solved it; a solved problem rings no more."""
        vals = dict(vals)
        if not self.env.su:
            vals.pop('solved_at', None)
            vals.pop('solved_by', None)
        result = True
        if 'state' in vals:
            is_solved = vals['state'] == 'solved'
            changed = self.filtered(lambda problem: (problem.state == 'solved') != is_solved)
            if changed:
                # super(): written here only
                super(RetailProblem, changed).write(
                    {
                        'solved_at': is_solved and fields.Datetime.now(),
                        'solved_by': is_solved and self.env.uid,
                    }
                )
                if is_solved:
                    # sudo: alerts are the system's to write
                    changed.sudo().alert_ids._close()
        result = super().write(vals) and result
        return result

    # === BUNDLING ===#

    @api.model
    def _of_alert(self, alert):
        """Return the unsolved problem of what an alert is about, else a new one; its complaints are put into it."""
        name = VALUE_FIELDS[alert.rule_id.dimension]
        about = {name: alert.lot if name == 'lot' else alert[name].id}
        if name == 'lot':
            about['product_id'] = alert.product_id.id
        domain = Domain(
            [('company_id', '=', alert.company_id.id), ('state', '!=', 'solved')]
        ) & Domain.AND(
            Domain(key, '=', about.get(key, False)) for key in _ABOUT if key != 'cause_id'
        )
        if name == 'cause_id':
            domain &= Domain('cause_id', '=', about['cause_id'])
        problem = self.search(domain, limit=1)
        if not problem:
            problem = self.create(
                {
                    'name': alert._words(),
                    'company_id': alert.company_id.id,
                    'user_id': alert._who_is_told()[:1].id,
                    **about,
                }
            )
        problem._bundle(alert._tickets())
        return problem

    def _bundle(self, tickets):
        """Put complaints into one problem; those that are in another one stay there."""
        self.ensure_one()
        new = tickets.filtered(
            lambda ticket: (
                not ticket.problem_id
                and not ticket.merged_into_id
                and ticket.category != 'cancelled'
                and ticket.company_id.root_id == self.company_id.root_id
            )
        )
        # the bundle is no part of the complaint: also filed ones are put into it
        new.sudo()._stamp({'problem_id': self.id})
        return new

    def _propose_improvement(self, users, why):
        """Hook: propose an improvement for one problem (S-TKT-33). Now a task; the feedback area opens its action.

        :param users: who is to decide on it
        :param str why: what made it necessary
        """
        for problem in self:
            words = self.env._('Propose an improvement: %(why)s', why=why)
            for user in users or problem.user_id:
                if words not in problem.activity_ids.mapped('summary'):
                    problem.activity_schedule(
                        'mail.mail_activity_data_todo', summary=words, user_id=user.id
                    )

    # === SOLVING ===#

    def _solve_tickets(self):
        """Solve the open complaints of one problem with its cause and result.

        Only those that the user may write; whatever cannot be solved stays, and is returned with the reason. Thousands
        are more than a request has time for: those that were not reached are open still.

        :return: ``(solved, {ticket: reason})``
        """
        self.ensure_one()
        wanted = self.ticket_ids.filtered(
            lambda ticket: ticket._is_open() and not ticket.merged_into_id
        )._filtered_access('write')
        # what is known to fail keeps nobody else from his turn
        wanted = wanted.sorted(
            lambda ticket: (ticket.remedy_state not in (False, 'granted'), ticket.id)
        )
        failed, done, end = {}, wanted.browse(), time.monotonic() + _SECONDS
        for ids in split_every(_AT_A_TIME, wanted.ids):
            batch = wanted.browse(ids)
            safely(
                batch,
                lambda tickets: tickets._solve_with_problem(self),
                lambda ticket, error: failed.update({ticket: str(error)}),
            )
            done += batch
            if time.monotonic() > end:
                break
        return done.filtered(lambda ticket: ticket not in failed), failed

    # === ACTIONS ===#

    def action_investigate(self):
        """Begin to look for the cause."""
        self.check_access('write')
        self.write({'state': 'investigating'})

    def action_known(self):
        """The cause is known and there is a workaround.

        :raise UserError: when neither is written
        """
        self.check_access('write')
        for problem in self:
            if not (problem.cause_id or problem.root_cause):
                raise UserError(self.env._('Write the cause first.'))
        self.write({'state': 'known'})

    def action_solve(self):
        """The problem is solved: its permanent measure is done.

        :raise UserError: when no measure is written
        """
        self.check_access('write')
        for problem in self:
            if not problem.measure:
                raise UserError(self.env._('Write the permanent measure first.'))
        self.write({'state': 'solved'})

    def action_reopen(self):
        """It was not solved after all."""
        self.check_access('write')
        self.write({'state': 'investigating'})

    def action_solve_tickets(self):
        """Solve the open complaints with the cause and the result written here, those that the user may write.

        :raise UserError: when cause or result are missing
        """
        self.ensure_one()
        self.check_access('write')
        if not self.result or not self.cause_id:
            raise UserError(self.env._('Write the cause and the result for complaints first.'))
        solved, failed = self._solve_tickets()
        lines = [
            self.env._('%(ticket)s: %(why)s', ticket=ticket.display_name, why=why)
            for ticket, why in list(failed.items())[:10]
        ]
        message = self.env._(
            '%(solved)s complaints solved, %(left)s left open.',
            solved=len(solved),
            left=self.open_count,
        )
        self.message_post(body=message)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning' if lines else 'success',
                'sticky': bool(lines),
                'message': '\n'.join([message, *lines]),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_propose_tickets(self):
        """Put the complaints into it that its alerts are about and that came in since.

        :raise AccessError: for those who may not change it
        """
        self.check_access('write')
        for problem in self:
            # sudo: the rows of the report; restricted complaints are not among them
            tickets_sudo = problem.sudo().alert_ids.filtered('rule_id')
            problem._bundle(self.env['retail.ticket'].concat(*(a._tickets() for a in tickets_sudo)))

    def action_open_tickets(self):
        """Open the complaints of a problem; who may not read one does not see it."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Complaints'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [('problem_id', '=', self.id)],
            'context': {'create': False},
        }

    def action_answer_all(self):
        """Write one message to all customers of a problem."""
        self.ensure_one()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Answer All'),
            'res_model': 'retail.problem.message',
            'view_mode': 'form',
            'context': {
                'default_problem_id': self.id,
                'default_subject': self.name,
                'default_body': self.workaround or '',
            },
        }

    def action_empty(self):
        """Take all complaints out that the user may read."""
        self.check_access('write')
        self.ticket_ids.sudo()._stamp({'problem_id': False})  # sudo: as in _bundle
