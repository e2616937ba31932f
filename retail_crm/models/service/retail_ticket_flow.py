from odoo import api, fields, models
from odoo.exceptions import UserError

from .retail_ticket_stage import OPEN_CATEGORIES

#: Categories in which nothing is left to do.
DONE_CATEGORIES = ('solved', 'archived')


class RetailTicketFlow(models.Model):
    """How tickets go from stage to stage, and what follows from it."""

    _inherit = 'retail.ticket'

    # === ENTERED WHEN IT IS OVER ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Stamp requests that are entered when they are over (imports) as if they had been moved there."""
        vals_list = super()._prepare_ticket_values(vals_list)
        now, stages = fields.Datetime.now(), self.env['retail.ticket.stage']
        for vals in vals_list:
            category = stages.browse(vals['stage_id']).category
            if category not in DONE_CATEGORIES:
                continue
            vals.setdefault('solved_at', now)
            vals.setdefault('first_solved_at', vals['solved_at'])
            vals.setdefault('solved_by', self.env.uid)
            if category == 'archived':
                vals.setdefault('archived_at', now)
        return vals_list

    def _tickets_created(self):
        result = super()._tickets_created()
        if not self.env.su:
            self._check_result(self.filtered(lambda ticket: ticket.category in DONE_CATEGORIES))
        return result

    @api.model
    def _check_result(self, tickets):
        """Refuse that requests are over without what their type asks for."""
        for ticket in tickets.filtered(lambda one: one.type_id.needs_result and not one.result):
            raise UserError(
                self.env._(
                    'Write the result of %(ticket)s first: what was done in the end.',
                    ticket=ticket.display_name,
                )
            )

    # === HOOKS ===#

    def _check_stage_move(self, stage, vals):
        """Hook: refuse a move to ``stage``. ``vals``: what is written together with it.

        :raise UserError: with what is missing; nothing is written then
        """
        if stage.category in DONE_CATEGORIES:
            for ticket in self.filtered('type_id.needs_result'):
                if ticket.category not in DONE_CATEGORIES and not (
                    vals['result'] if 'result' in vals else ticket.result
                ):
                    raise UserError(
                        self.env._(
                            'Write the result of %(ticket)s first: what was done in the end.',
                            ticket=ticket.display_name,
                        )
                    )

    def _on_stage_moved(self, before):
        """Hook: what follows from moves. ``before``: ``{ticket: its stage before}``."""
        now = fields.Datetime.now()
        solved, reopened, dropped, archived, other = (self.browse() for _index in range(5))
        for ticket in self:
            was_done = before[ticket].category in DONE_CATEGORIES
            if ticket.category in DONE_CATEGORIES and not was_done:
                solved += ticket
            elif was_done and ticket.category in OPEN_CATEGORIES:
                reopened += ticket
            elif was_done and ticket.category not in DONE_CATEGORIES:
                dropped += ticket
            else:
                other += ticket
            if ticket.category == 'archived' and before[ticket].category != 'archived':
                archived += ticket
        other._stamp({'stage_since': now})
        # what is cancelled was no request: it is neither solved nor filed
        dropped._stamp({'stage_since': now, 'solved_at': False, 'archived_at': False})
        for first, group in solved.grouped(lambda ticket: not ticket.first_solved_at).items():
            group._stamp(
                {
                    'stage_since': now,
                    'solved_at': now,
                    'solved_by': self.env.uid,
                    'waiting_since': False,
                    **({'first_solved_at': now} if first else {}),
                }
            )
        for count, group in reopened.grouped('reopen_count').items():
            group._stamp(
                {
                    'stage_since': now,
                    'solved_at': False,
                    'archived_at': False,
                    'reopen_count': count + 1,
                }
            )
        archived._stamp({'archived_at': now})
        # what was solved and turns out to be no request, or is taken out of the file
        other.filtered(
            lambda ticket: ticket.solved_at and ticket.category not in DONE_CATEGORIES
        )._stamp({'solved_at': False})
        other.filtered(lambda ticket: ticket.archived_at and ticket.category != 'archived')._stamp(
            {'archived_at': False}
        )
        self._clock_moved(before)
        self._announce(solved, reopened, archived)

    def _announce(self, solved, reopened, archived):
        moments = self.env['retail.moment']
        moments._emit('ticket_solved', solved)
        moments._emit('ticket_reopened', reopened)
        moments._emit('ticket_archived', archived)

    def _stamp(self, vals):
        """Write dates and counters that only the system writes, without the rules of a person's write."""
        if self:
            models.Model.write(self, vals)

    # === HOOKS OF THE CLOCK ===#

    def _clock_opened(self):
        """Hook: the clock of new tickets starts (at ``received_at``)."""

    def _clock_moved(self, before):
        """Hook: tickets changed their stage. ``before``: ``{ticket: its stage before}``."""

    def _clock_contact(self, side, date=None):
        """Hook: a message was exchanged. Called once per message, whatever it came by.

        :param str side: ``'customer'`` (he wrote or called) or ``'agent'`` (a person of ours answered him publicly)
        :param date: when; default: now
        """
        date = date or fields.Datetime.now()
        for ticket in self:
            if side == 'customer':
                ticket._stamp(
                    {
                        'last_customer_at': max(ticket.last_customer_at or date, date),
                        'customer_message_count': ticket.customer_message_count + 1,
                        'waiting_since': min(ticket.waiting_since or date, date),
                    }
                )
            else:
                ticket._stamp(
                    {
                        'last_agent_at': max(ticket.last_agent_at or date, date),
                        'agent_message_count': ticket.agent_message_count + 1,
                        'first_response_at': ticket.first_response_at or date,
                        'waiting_since': False,
                    }
                )
                if ticket.agent_message_count == 1:
                    self.env['retail.moment']._emit('ticket_answered', ticket)

    def _clock_replan(self, changed):
        """Hook: something changed by which the policy is chosen. ``changed``: names of fields."""

    # === MOVING ===#

    def _set_stage(self, categories, step=None, **vals):
        """Move tickets to the first stage of their type in one of the categories, in one write per stage.

        :param categories: tuple of categories of stages, or one
        :param str step: step of the complaint process, or None for any
        :param vals: written together with the stage
        :raise UserError: when a type has no such stage, or something is missing
        """
        categories = (categories,) if isinstance(categories, str) else categories
        for kind, tickets in self.grouped('type_id').items():
            stage = kind._stage_of(categories, step)
            if not stage:
                raise UserError(
                    self.env._('The type %(type)s has no such stage.', type=kind.display_name)
                )
            tickets.write({'stage_id': stage.id, **vals})

    def _is_open(self):
        """Return whether one ticket is neither solved nor filed nor cancelled."""
        return self.category in OPEN_CATEGORIES

    # === ACTIONS ===#

    def action_assign_me(self):
        """Take the tickets."""
        self.check_access('write')
        self.write({'user_id': self.env.uid})

    def action_next_stage(self):
        """Move each ticket to the next stage of its type."""
        self.check_access('write')
        for ticket in self:
            stages = ticket.type_id._stages()
            later = stages.filtered(
                lambda stage, ticket=ticket: (
                    (stage.sequence, stage.id) > (ticket.stage_id.sequence, ticket.stage_id.id)
                    and stage.category not in ('waiting', 'on_hold', 'cancelled')
                )
            )
            if later:
                ticket.write({'stage_id': later[0].id})

    def action_wait(self):
        """Wait for the customer: the clock stops."""
        self.check_access('write')
        self._set_stage('waiting')

    def action_solve(self):
        """Solve the tickets."""
        self.check_access('write')
        self._set_stage('solved')

    def action_reopen(self):
        """Open solved tickets again."""
        self.check_access('write')
        self.filtered(lambda ticket: not ticket._is_open())._set_stage(('open', 'new'))

    def action_cancel(self):
        """Cancel tickets that are no requests: spam, opened by mistake."""
        self.check_access('write')
        self._set_stage('cancelled')
