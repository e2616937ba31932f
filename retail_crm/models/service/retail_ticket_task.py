from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, plaintext2html

from .retail_ticket_flow import DONE_CATEGORIES
from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketTask(models.Model):
    """Tasks of other departments for a ticket, and experts (S-SRV-08, S-SRV-15).

    A task is a child ticket with a deadline of its own. The customer keeps one contact, the owner of the parent: what
    the department found comes back to the parent as an internal note. A task never says more than it was told, and the
    person complained about sees neither.
    """

    _inherit = 'retail.ticket'

    due_at = fields.Datetime(
        string='Needed By',
        tracking=True,
        copy=False,
        help='Until when whoever asked for this task needs the answer.',
    )
    asked_by_id = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Who asked for this task, or handed the ticket over.',
    )
    open_task_count = fields.Integer(
        string='Open Tasks', compute='_compute_task_count', help='Tasks that others still work on.'
    )
    task_count = fields.Integer(
        string='Tasks', compute='_compute_task_count', help='Tasks that others got for this ticket.'
    )
    task_text = fields.Text(
        string='State of the Tasks',
        compute='_compute_task_count',
        help='Which department works on what, and until when.',
    )

    @api.depends('child_ids.category', 'child_ids.team_id', 'child_ids.due_at')
    @api.depends_context('uid', 'lang', 'tz')
    def _compute_task_count(self):
        # sudo: state and team of a task for a ticket that the user reads, not what it says
        known = self._fields['child_ids']._get_cache(self.env)
        parents = [ticket.id for ticket in self._origin if known.get(ticket.id) != ()]
        tasks_sudo = self.sudo().search_fetch(
            [('parent_id', 'in', parents)],
            ['parent_id', 'category', 'stage_id', 'team_id', 'due_at'],
            order='id',
        )
        by_parent = tasks_sudo.grouped('parent_id')
        for ticket in self:
            tasks = by_parent.get(ticket._origin.sudo(), tasks_sudo.browse())
            ticket.task_count = len(tasks)
            ticket.open_task_count = sum(task.category in OPEN_CATEGORIES for task in tasks)
            ticket.task_text = '\n'.join(task._task_words() for task in tasks)

    def _task_words(self):
        """Return the state of one task in words."""
        values = {
            'team': self.team_id.name or self.env._('Department'),
            'number': self.name,
            'stage': self.stage_id.name,
        }
        if self.due_at and self.category in OPEN_CATEGORIES:
            zone = self.env.user.tz or self.company_id._retail_timezone()
            return self.env._(
                '%(team)s (%(number)s): %(stage)s, until %(date)s',
                date=self._moment_words(self.due_at, zone),
                **values,
            )
        return self.env._('%(team)s (%(number)s): %(stage)s', **values)

    # === ASKING ===#

    def action_ask_department(self):
        """Open the dialog that asks a department."""
        self.ensure_one()
        self.check_access('write')
        return self._action_dialog('retail.ticket.ask', self.env._('Ask a Department'))

    def action_ask_expert(self):
        """Open the dialog that hands the ticket to experts."""
        self.ensure_one()
        self.check_access('write')
        return self._action_dialog('retail.ticket.expert', self.env._('Hand Over to Experts'))

    def action_answer(self):
        """Open the dialog of macros."""
        self.ensure_one()
        self.check_access('write')
        return self._action_dialog('retail.ticket.answer', self.env._('Answer with a Macro'))

    def _action_dialog(self, model, name):
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_ticket_id': self.id},
        }

    def action_open_tasks(self):
        """Open the tasks of one ticket."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Tasks for %(ticket)s', ticket=self.name),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [('parent_id', '=', self.id)],
            'context': {'create': False},
        }

    def _ask(self, team, what, due_at=None, user=None):
        """Open a task for a department and return it.

        :param team: the department
        :param str what: what is asked, in a few words or more
        :param due_at: until when
        :param user: who in the department, or none
        """
        self.ensure_one()
        kind = self._task_type()
        task = self._create_task(kind, team, what, due_at, user)
        self.message_post(
            body=self.env._(
                '%(team)s was asked (%(task)s): %(what)s', team=team.name, task=task.name, what=what
            ),
            subtype_xmlid='mail.mt_note',
        )
        return task

    def _task_type(self):
        """Return the type of tasks.

        :raise UserError: when there is none
        """
        kind = self.env.ref('retail_crm.retail_ticket_type_internal', raise_if_not_found=False)
        kind = kind or self.env['retail.ticket.type'].search([('is_internal', '=', True)], limit=1)
        if not kind:
            raise UserError(
                self.env._('There is no type of tickets for tasks between departments.')
            )
        return kind

    def _create_task(self, kind, team, what, due_at, user):
        """Create a task. It is as restricted as its ticket, and as hidden from the person complained about."""
        user = user or self.env['res.users']
        # sudo: whoever handles the ticket may give work to a team that he is not in
        task_sudo = self.sudo().create(
            {
                'parent_id': self.id,
                'type_id': kind.id,
                'team_id': team.id,
                'company_id': self.company_id.id,
                'user_id': user.id,
                'subject': what.strip().splitlines()[0][:100],
                'description': plaintext2html(what),
                'channel_id': self.channel_id.id,
                'store_id': self.store_id.id,
                'order_id': self.order_id.id,
                'product_id': self.product_id.id,
                'priority': self.priority,
                'is_restricted': self.is_restricted,
                'blocked_user_id': self.blocked_user_id.id,
                'due_at': due_at,
                'asked_by_id': self.env.uid,
                'involved_user_ids': [fields.Command.set(self.env.user.ids)],
            }
        )
        return task_sudo.sudo(self.env.su)

    # === WHAT COMES BACK ===#

    def _has_tasks(self):
        """Return whether a department was ever asked about these tickets: mostly not, which is told by an index."""
        column = SQL.identifier('parent_id', to_flush=self._fields['parent_id'])
        ids = list(self.ids)
        return bool(
            self.env.execute_query(
                SQL('SELECT 1 FROM retail_ticket WHERE %s = ANY(%s) LIMIT 1', column, ids)
            )
        )

    def _check_stage_move(self, stage, vals):
        """A request is not solved while a department still works on it, unless that is confirmed."""
        super()._check_stage_move(stage, vals)
        if stage.category not in DONE_CATEGORIES or self.env.context.get('retail_crm_open_tasks'):
            return
        moving = self.filtered(lambda ticket: ticket.category not in DONE_CATEGORIES)
        if not moving:
            return
        if tasks_sudo := moving._has_tasks() and self.sudo().search(
            # sudo: counts tasks, also those of other departments
            [('parent_id', 'in', moving.ids), ('category', 'in', OPEN_CATEGORIES)]
        ):
            raise UserError(
                self.env._(
                    'Departments still work on this: %(tasks)s. Wait for their answers, or use the button '
                    '"Solve" on the form and confirm.',
                    tasks=', '.join(task._task_words() for task in tasks_sudo),
                )
            )

    def _on_stage_moved(self, before):
        result = super()._on_stage_moved(before)
        done = self.filtered(
            lambda ticket: (
                ticket.parent_id
                and ticket.category in (*DONE_CATEGORIES, 'cancelled')
                and before[ticket].category in OPEN_CATEGORIES
            )
        )
        done._report_back()
        return result

    def _report_back(self):
        """Write what departments found on the tickets they found it for, as internal notes."""
        for task in self:
            # sudo: a department reports to a ticket that it may not read itself
            parent_sudo = task.parent_id.sudo()
            team_sudo = task.team_id.sudo()
            text = self.env._(
                '%(team)s has finished %(task)s:', team=team_sudo.name or '', task=task.name
            )
            asked = (task.asked_by_id | parent_sudo.user_id).filtered('active')
            parent_sudo.message_post(
                body=Markup('<p>%s</p>%s')
                % (text, plaintext2html(task.result or task.stage_id.name)),
                subtype_xmlid='mail.mt_note',
                author_id=self.env.user.partner_id.id,
                partner_ids=(asked - self.env.user).partner_id.ids,
            )

    # === EXPERTS ===#

    def _hand_to_experts(self, team, reason, user=None):
        """Give tickets to experts; who owned them until now stays informed and may still write.

        :param team: team of experts
        :param str reason: why
        :param user: which of them, or none
        """
        user = user or self.env['res.users']
        for ticket in self:
            owner = ticket.user_id or self.env.user
            # first: afterwards the writer may no longer have the right to
            ticket.message_subscribe(partner_ids=owner.partner_id.ids)
            ticket.message_post(
                body=self.env._('Handed to %(team)s: %(reason)s', team=team.name, reason=reason),
                subtype_xmlid='mail.mt_note',
                partner_ids=(user.partner_id or team.user_id.partner_id).ids,
            )
            ticket.write(
                {
                    'involved_user_ids': [fields.Command.link(owner.id)],
                    'asked_by_id': self.env.uid,
                    'team_id': team.id,
                    'user_id': user.id,
                }
            )
