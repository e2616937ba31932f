from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ._safely import safely
from .retail_ticket_stage import OPEN_CATEGORIES, STEPS

_BATCH = 200

#: Keys of the steps in their order.
ORDER = [key for key, _name in STEPS]


class RetailTicketStep(models.Model):
    """The seven steps of a complaint: one after the other forward, backwards with a reason (L02, S-TKT-06 to 12).

    ``step`` remembers how far the process is, also while the ticket waits for somebody. Each step has a check that is
    made on entering it (``_check_enter_<step>``), whoever moves the ticket; what several steps pass at once (the counter)
    goes through ``_complete_steps``. Invariant: a filed complaint is never moved again.
    """

    _inherit = 'retail.ticket'

    step = fields.Selection(
        selection=STEPS,
        readonly=True,
        copy=False,
        help='How far the complaint process is. Stays while the ticket waits for somebody.',
    )
    back_reason = fields.Text(
        string='Why It Went Back',
        copy=False,
        tracking=True,
        help='Why the complaint went back to an earlier step, the last time.',
    )

    def _becomes_complaint(self, vals):
        """Return whether one ticket is a complaint once ``vals`` are written."""
        if vals.get('type_id'):
            return self.env['retail.ticket.type'].browse(vals['type_id']).is_complaint
        return self.is_complaint

    def _keep_stage_of_type(self, vals):
        """What turns out to be a complaint begins at the first step, however far it was as something else."""
        if vals.get('type_id') and 'stage_id' not in vals:
            kind = self.env['retail.ticket.type'].browse(vals['type_id'])
            first = kind._stage_of(OPEN_CATEGORIES, 'receive')
            if kind.is_complaint and first and not all(self.mapped('is_complaint')):
                vals['stage_id'] = first.id
                return
        super()._keep_stage_of_type(vals)

    # === CHECKS ===#

    def _check_stage_move(self, stage, vals):
        result = super()._check_stage_move(stage, vals)
        for ticket in self:
            if ticket.is_complaint and ticket.category == 'archived':
                raise UserError(
                    self.env._(
                        '%(ticket)s is filed. Open a follow-up ticket instead.',
                        ticket=ticket.display_name,
                    )
                )
            if ticket._becomes_complaint(vals):
                ticket._check_step(stage, vals)
            else:
                ticket._check_done(stage, vals)
        return result

    def _check_step(self, stage, vals):
        """Check the move of one complaint."""
        goal = stage._step()
        if not goal:
            if self.category == 'solved' and stage.category in OPEN_CATEGORIES:
                raise UserError(
                    self.env._(
                        '%(ticket)s is solved. Go back to the solution first.',
                        ticket=self.display_name,
                    )
                )
            return
        here, there = ORDER.index(self.step or 'receive'), ORDER.index(goal)
        if there < here:
            self._check_back(vals)
            return
        kind = self.env['retail.ticket.type'].browse(vals.get('type_id') or self.type_id.id)
        existing = set(kind.stage_ids.mapped('step'))
        passed = ORDER[here + 1 : there + 1]
        missed = [step for step in passed[:-1] if step in existing]
        if missed:
            names = dict(self._fields['step']._description_selection(self.env))
            raise UserError(
                self.env._(
                    'A complaint goes one step after the other. The next step of %(ticket)s is "%(step)s".',
                    ticket=self.display_name,
                    step=names[missed[0]],
                )
            )
        for step in passed:
            self._check_enter(step, vals)

    def _check_back(self, vals):
        """Going back needs a reason, which is logged."""
        if not (vals.get('back_reason') or '').strip():
            raise UserError(
                self.env._(
                    'Say why %(ticket)s goes back to an earlier step: use "Go Back".',
                    ticket=self.display_name,
                )
            )

    def _check_enter(self, step, vals):
        """Check what must be known of one complaint before a step begins."""
        missing = {
            'classify': self._missing_class,
            'solution': self._missing_verdict,
            'execute': self._missing_opinion,
            'feedback': self._missing_cause,
            'archive': self._missing_decision,
        }.get(step)
        words = missing and missing(lambda name: vals[name] if name in vals else self[name])
        if words:
            raise UserError(
                self.env._('%(ticket)s: %(missing)s', ticket=self.display_name, missing=words)
            )

    def _missing_class(self, value):
        """Classes and sub-causes are mandatory before dispatch (S-TKT-05)."""
        reason = value('reason_id')
        if isinstance(reason, int):  # as it is written
            reason = self.env['retail.ticket.reason'].browse(reason)
        if not reason or (not reason.parent_id and reason.child_ids):
            return self.env._('choose the class and its sub-cause first.')
        return None

    def _missing_verdict(self, value):
        """Investigation ends with a verdict (S-TKT-08)."""
        if not value('verdict'):
            return self.env._('write what the investigation found: justified or not.')
        return None

    def _missing_opinion(self, value):
        """The customer is asked before anything is carried out (S-TKT-17)."""
        if not value('solution'):
            return self.env._('write the solution first.')
        if not value('customer_opinion'):
            return self.env._(
                'ask the customer whether this solution suits him, and note what he says.'
            )
        if value('customer_opinion') == 'counter' and not value('counter_wish'):
            return self.env._('note what the customer wishes instead.')
        return None

    def _missing_cause(self, value):
        """Cause, dissatisfaction and result are mandatory at solving (S-TKT-19, S-SRV-12)."""
        if not value('cause_id'):
            return self.env._('name the root cause first.')
        if not value('dissatisfaction_id'):
            return self.env._('name what made the customer dissatisfied.')
        if not value('result'):
            return self.env._('write what was done in the end.')
        return None

    def _missing_decision(self, value):
        """A dispute is decided before it is filed (S-TKT-40)."""
        if value('is_dispute') and not value('dispute_result'):
            return self.env._('the dispute is not decided yet.')
        return None

    def _check_done(self, stage, vals):
        """Check the solving of one ticket that is no complaint: cause and answer, where its type asks for them."""
        if stage.category not in ('solved', 'archived') or self.category in ('solved', 'archived'):
            return
        kind = self.env['retail.ticket.type'].browse(vals.get('type_id') or self.type_id.id)
        words = None
        if kind.needs_cause and not (vals['cause_id'] if 'cause_id' in vals else self.cause_id):
            words = self.env._('name the root cause first.')
        elif kind.needs_answer and not (
            # who took it in on the phone answered at once, but did not tell the outcome
            self.agent_message_count or vals.get('told_on') or self.told_on
        ):
            words = self.env._('tell the customer the outcome first, and note when.')
        elif kind.needs_answer and not (vals['user_id'] if 'user_id' in vals else self.user_id):
            words = self.env._('it needs an owner.')
        if words:
            raise UserError(
                self.env._('%(ticket)s: %(missing)s', ticket=self.display_name, missing=words)
            )

    # === WHAT FOLLOWS ===#

    def _on_stage_moved(self, before):
        result = super()._on_stage_moved(before)
        if complaints := self.filtered('is_complaint'):
            # sudo: what follows from a permitted move is the system's to write
            complaints.sudo()._step_reached({ticket.id: stage for ticket, stage in before.items()})
        if other := self.filtered(lambda ticket: not ticket.is_complaint and ticket.step):
            other._stamp({'step': False})
        return result

    def _step_reached(self, before):
        """Note how far complaints are, and do what belongs to the step. ``before``: ``{id: its stage before}``."""
        for stage, tickets in self.grouped('stage_id').items():
            goal = stage._step()
            if not goal:
                continue
            for was, group in tickets.grouped('step').items():
                is_back = ORDER.index(goal) < ORDER.index(was or 'receive')
                group._stamp({'step': goal})
                if goal == 'execute' and not is_back:
                    group._told()
                elif goal == 'feedback':
                    group._heard_before()
                    group._plan_call_back()
            reopened = tickets.filtered(
                lambda ticket: (
                    before[ticket.id].category == 'solved' and ticket.category in OPEN_CATEGORIES
                )
            )
            reopened._next_round()

    # === MOVING ===#

    def _set_stage(self, categories, step=None, **vals):
        """As for all tickets; a complaint that goes on, or is opened again, finds the step where it was.

        Whoever says "open" without a step (an answer of the customer, the end of waiting) need not know the process:
        waiting and cancelled complaints go on where they were, solved ones go back to the solution.
        """
        wanted = {categories} if isinstance(categories, str) else set(categories)
        going_on = self.browse()
        if not step and wanted & {'new', 'open'}:
            going_on = self.filtered('is_complaint')
        for resume, tickets in going_on.grouped(lambda ticket: ticket._step_to_resume()).items():
            extra = {'back_reason': self.env._('Opened again')} if resume == 'solution' else {}
            super(RetailTicketStep, tickets)._set_stage(
                OPEN_CATEGORIES, resume, **{**extra, **vals}
            )
        others = self - going_on
        return super(RetailTicketStep, others)._set_stage(categories, step, **vals)

    def _step_to_resume(self):
        """Return the step at which one complaint goes on when it is opened."""
        step = self.step or 'receive'
        return 'solution' if step in ('feedback', 'archive') else step

    def _complete_steps(self, until_step, vals=None):
        """Take complaints through all steps up to one, each with its check and stamp, as if done one by one.

        Made for the counter, where everything happens in one talk: ``vals`` holds all that the steps ask for (class with
        sub-cause, verdict, solution, customer's opinion, cause, dissatisfaction, result). The owner stays, also when the
        class sends the complaint to another team. Complaints that are further already stay where they are.

        :param str until_step: one of ``STEPS``, such as ``'feedback'`` (solved)
        :raise UserError: with the first thing that is missing
        """
        goal = ORDER.index(until_step)
        if vals:
            for owner, tickets in self.grouped('user_id').items():
                tickets.write({'user_id': owner.id, **vals})
        for step in ORDER[1 : goal + 1]:
            behind = self.filtered(
                lambda ticket, step=step: ORDER.index(ticket.step or 'receive') < ORDER.index(step)
            )
            for kind, tickets in behind.grouped('type_id').items():
                stage = kind._stages().filtered(lambda stage, step=step: stage._step() == step)[:1]
                if stage:
                    tickets.write({'stage_id': stage.id})

    def action_next_stage(self):
        """A complaint that waits goes on where it was; else it goes to the next step."""
        complaints = self.filtered('is_complaint')
        self.check_access('write')
        for ticket in complaints:
            if ticket.category in ('waiting', 'on_hold', 'cancelled'):
                ticket._set_stage('open')
                continue
            here = ORDER.index(ticket.step or 'receive')
            later = ticket.type_id._stages().filtered(
                lambda stage, here=here: stage._step() and ORDER.index(stage._step()) > here
            )
            if later:
                ticket.write({'stage_id': later.sorted(lambda s: ORDER.index(s._step()))[0].id})
        return super(RetailTicketStep, self - complaints).action_next_stage()

    def action_back(self):
        """Ask to which earlier step complaints go back, and why."""
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Go Back'),
            'res_model': 'retail.ticket.back',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_ticket_ids': self.ids},
        }

    def action_follow_up(self):
        """Open a new ticket that follows a filed one."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'view_mode': 'form',
            'res_id': self._follow_up().id,
        }

    def _follow_up(self, **vals):
        """Return a new ticket of the same customer that follows this one."""
        return self.copy({'follow_up_of_id': self.id, **vals})

    # === FILING ===#

    def _complaints_to_file(self, company, now):
        """Return the domain of solved complaints of one company that are due to be filed (defaults 13)."""
        return Domain(
            [
                ('company_id', '=', company.id),
                ('is_complaint', '=', True),
                ('category', '=', 'solved'),
                ('is_dispute_open', '=', False),
            ]
        ) & (
            Domain('satisfied', '=', 'yes')
            & Domain('satisfied_on', '<=', now - timedelta(days=company.retail_file_days))
            | Domain('solved_at', '<=', now - timedelta(days=company.retail_file_silent_days))
        )

    def _cron_file_complaints(self):
        """File solved complaints whose grace is over, a batch at a time; those that cannot be filed hold up no others."""
        cron, now = self.env['ir.cron'], fields.Datetime.now()
        tickets = self.browse()
        for company in self.env['res.company'].search([('active', '=', True)]):
            tickets += self.search(self._complaints_to_file(company, now))
        cron._commit_progress(remaining=len(tickets))
        for start in range(0, len(tickets), _BATCH):
            batch = tickets[start : start + _BATCH]
            batch._file_complaints()
            if not cron._commit_progress(len(batch)):
                break

    def _file_complaints(self):
        """File solved complaints; one that cannot be filed stays, and its owner has to decide."""
        for kind, tickets in self.grouped('type_id').items():
            if stage := kind._stage_of(('archived',)):
                safely(
                    tickets,
                    lambda due, stage=stage: due.write({'stage_id': stage.id}),
                    lambda one, error: one._plan_activity(
                        self.env._('This request could not be filed'), note=str(error)
                    ),
                )
