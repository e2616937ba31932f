from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from . import _mail_door as door
from .retail_ticket_complaint import SATISFIED
from .retail_ticket_flow import DONE_CATEGORIES
from .retail_ticket_interval_quality import REOPENED_BY
from .retail_ticket_stage import OPEN_CATEGORIES

#: Answers to a question of quality. Pending and excluded tickets are neither counted nor counted against.
QUALITY = [
    ('pending', 'Not known yet'),
    ('yes', 'Yes'),
    ('no', 'No'),
    ('excluded', 'Does not count'),
]
#: Mails that are on the way when a window closes are waited for.
LATE = timedelta(hours=1)
#: Changes of a ticket by which it counts as another request, or no longer as one.
REPEAT_FIELDS = {
    'active',
    'company_id',
    'follow_up_of_id',
    'line_ids',
    'merged_into_id',
    'parent_id',
    'partner_id',
    'reason_id',
    'received_at',
    'type_id',
}


def _verdict(label, help):
    # not prefetched: nobody pays for it who opens or lists tickets at work
    return fields.Selection(
        selection=QUALITY, string=label, readonly=True, copy=False, prefetch=False, help=help
    )


def _hours(label, help):
    return fields.Float(
        string=label,
        readonly=True,
        copy=False,
        prefetch=False,
        digits=(16, 2),
        aggregator='avg',
        help=help,
    )


class RetailTicketQuality(models.Model):
    """How well tickets were solved: at first contact or not, who opened them again, who waited for whom (R-svc C.5).

    Written by the system only. What happened is in the log; a scheduled action derives the figures from it when a ticket
    was solved and when its window has closed (``retail_ticket_quality_run.py``), so that they can be derived again at any
    time with the same result. What holds for a ticket when it is solved (the end of its window) is stamped then: a
    setting that changes later does not rewrite the past.
    """

    _inherit = 'retail.ticket'

    first_contact = _verdict(
        'Solved at First Contact',
        'Solved with one answer at most, without a further question of the customer, and he did not come back with it '
        'within the days of the settings. Known when they are over.',
    )
    one_touch = _verdict(
        'One Answer at Most',
        'Solved with fewer than two answers (the definition of Zendesk), answers until the end of the window counted.',
    )
    one_message = _verdict(
        'One Message of the Customer',
        'Solved, and the customer wrote nothing after his first message (the definition of Freshservice), until the end '
        'of the window.',
    )
    came_back = _verdict(
        'Reopened in Time',
        'Opened again within the days of the settings after it was first solved.',
    )
    first_contact_until = fields.Datetime(
        string='Watched Until',
        readonly=True,
        copy=False,
        help='Until when the customer may come back before the ticket counts as solved at first contact.',
    )
    quality_due_at = fields.Datetime(
        string='Quality Due',
        readonly=True,
        copy=False,
        prefetch=False,
        help='When the figures of quality are derived from the log the next time.',
    )
    reopened_by = fields.Selection(
        selection=REOPENED_BY,
        string='Last Reopened By',
        readonly=True,
        copy=False,
        help='Who had it opened again, the last time. Each reopening is in the log.',
    )
    said_unsolved = fields.Boolean(
        string='Said to Be Unsolved',
        readonly=True,
        copy=False,
        help='The customer answered that his problem is not solved, at any time.',
    )
    first_satisfied = fields.Selection(
        selection=SATISFIED,
        string='Satisfied When First Asked',
        readonly=True,
        copy=False,
        help='What the customer said to the first result. Stays when it goes on in another round.',
    )
    first_satisfied_on = fields.Datetime(
        string='First Asked On', readonly=True, copy=False, help='When the customer first said so.'
    )
    answer_work_hours = _hours(
        'Working Hours to First Answer', 'Working hours from receiving to the first answer.'
    )
    first_solve_hours = _hours(
        'Hours to First Solution', 'Hours by the clock from receiving until first solved.'
    )
    first_solve_work_hours = _hours(
        'Working Hours to First Solution', 'Working hours from receiving until first solved.'
    )
    solve_work_hours = _hours(
        'Working Hours to Solution',
        'Working hours from receiving until solved, the last time. Empty while it is open again.',
    )
    requester_hours = _hours(
        'Hours the Customer Waited', 'Hours by the clock in which it lay with us or with others.'
    )
    requester_work_hours = _hours(
        'Working Hours the Customer Waited', 'Working hours in which it lay with us or with others.'
    )
    agent_hours = _hours(
        'Hours We Waited', 'Hours by the clock in which we waited for the customer.'
    )
    agent_work_hours = _hours(
        'Working Hours We Waited', 'Working hours in which we waited for the customer.'
    )
    hold_hours = _hours(
        'Hours on Hold', 'Hours by the clock in which we waited for other departments or suppliers.'
    )
    hold_work_hours = _hours(
        'Working Hours on Hold', 'Working hours in which we waited for others.'
    )

    # used by the scheduled action
    _quality_due_idx = models.Index('(quality_due_at) WHERE quality_due_at IS NOT NULL')

    # === WHAT HAPPENS ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """What is entered when it is over is watched from its solution on."""
        vals_list = super()._prepare_ticket_values(vals_list)
        now, companies = fields.Datetime.now(), self.env['res.company']
        for vals in vals_list:
            if not self.env.su:
                for name in QUALITY_FIELDS & set(vals):
                    vals.pop(name)
            if vals.get('first_solved_at'):
                company = companies.browse(vals.get('company_id') or self.env.company.id)
                until = company._retail_watched_until(vals['first_solved_at'])
                vals.setdefault('first_contact_until', until)
                vals.setdefault('quality_due_at', now)
        return vals_list

    def _tickets_created(self):
        result = super()._tickets_created()
        self._quality_old()._quality_again()
        return result

    def write(self, vals):
        if not self.env.su:
            vals = {name: value for name, value in vals.items() if name not in QUALITY_FIELDS}
        if not REPEAT_FIELDS & set(vals):
            return super().write(vals)
        self._quality_old()._quality_again()  # of the customer before
        result = super().write(vals)
        self._quality_old()._quality_again()
        return result

    def _on_stage_moved(self, before):
        """Watch what is solved, and note who opens it again."""
        reopened = self.filtered(
            lambda ticket: (
                before[ticket].category in DONE_CATEGORIES and ticket.category in OPEN_CATEGORIES
            )
        )
        tickets = self
        if reopened:
            voice = self._reopening_voice()
            reopened._stamp({'reopened_by': voice})
            tickets = self.with_context(retail_crm_reopened=(voice, *reopened.ids))
        result = super(RetailTicketQuality, tickets)._on_stage_moved(before)
        now, voided = fields.Datetime.now(), self.browse()
        solved = self.browse()
        for ticket in self:
            old = before[ticket].category
            if ticket.category in DONE_CATEGORIES and old not in DONE_CATEGORIES:
                solved += ticket if not ticket.is_internal else self.browse()
            if 'cancelled' in (ticket.category, old):
                voided += ticket
        solved._stamp({'quality_due_at': now})
        unwatched = solved.filtered(lambda ticket: not ticket.first_contact_until)
        for (company, start), tickets in unwatched.grouped(
            lambda ticket: (ticket.company_id, ticket.first_solved_at)
        ).items():
            tickets._stamp({'first_contact_until': company._retail_watched_until(start)})
        voided._quality_again()
        return result

    def _reopening_voice(self):
        """Return who has solved tickets opened again: the customer, an agent or the system."""
        if self.env.context.get('retail_crm_voice'):
            return self.env.context['retail_crm_voice']
        if self.env.user.share:
            return 'customer'
        return 'system' if self.env.uid == SUPERUSER_ID else 'agent'

    def _prepare_log(self, date, user, category=None, stage_id=None, side=None):
        """Log who opened it again, and what only said thank you."""
        row = super()._prepare_log(date, user, category=category, stage_id=stage_id, side=side)
        context = self.env.context
        voice, *reopened = context.get('retail_crm_reopened') or (None,)
        row['reopened_by'] = voice if category and self.id in reopened else None
        row['is_thanks'] = side == 'customer' and context.get('retail_crm_thanks', False)
        return row

    def _clock_contact(self, side, date=None):
        """A message that is heard of late may change what was derived already."""
        result = super()._clock_contact(side, date)
        now = fields.Datetime.now()
        self.filtered(
            lambda ticket: (
                ticket.first_contact_until and (date or now) <= ticket.first_contact_until < now
            )
        )._stamp({'quality_due_at': now})
        return result

    def _prepare_log_again(self, row):
        return {**super()._prepare_log_again(row), 'is_thanks': row.is_thanks}

    def _clock_merge(self, sources):
        self._quality_again()  # it may begin earlier now: others within whose windows it was
        result = super()._clock_merge(sources)
        self._quality_again()
        return result

    def _merge_undone(self):
        result = super()._merge_undone()
        self._quality_again()
        return result

    # === WHAT THE CUSTOMER DOES ===#

    def _as_customer(self, **context):
        """Return these tickets, whatever is done to them being the customer's doing."""
        return self.with_context(retail_crm_voice='customer', **context)

    def _customer_answered(self, text, has_files=False, date=None):
        thanks = self.env.context.get('retail_crm_thanks') or door.is_thanks(text, has_files)
        tickets = self._as_customer(retail_crm_thanks=thanks)
        return super(RetailTicketQuality, tickets)._customer_answered(text, has_files, date)

    def action_not_only_thanks(self):
        """What the customer wrote opens it again, though somebody had to see it."""
        return super(RetailTicketQuality, self._as_customer()).action_not_only_thanks()

    def _portal_close(self):
        """That it is settled is no question."""
        tickets = self.with_context(retail_crm_thanks=True)
        return super(RetailTicketQuality, tickets)._portal_close()

    def _portal_reopen(self, reason=''):
        return super(RetailTicketQuality, self._as_customer())._portal_reopen(reason)

    def _heard(self, vals):
        """Keep what the customer said to the first result: further rounds ask again."""
        solved = self.filtered(lambda ticket: ticket.category == 'solved')
        if vals.get('satisfied'):
            solved._keep_first_opinion(vals['satisfied'])
        if 'no' in (vals.get('satisfied'), vals.get('problem_gone')):
            solved._said_unsolved()
        return super(RetailTicketQuality, self._as_customer())._heard(vals)

    def _heard_before(self):
        result = super()._heard_before()
        said = self.filtered(lambda ticket: ticket.satisfied and ticket.satisfied_on)
        for answer, tickets in said.grouped('satisfied').items():
            tickets._keep_first_opinion(answer)
        return result

    def _keep_first_opinion(self, answer):
        """Keep what the customer says to a result, unless he said something before."""
        self.filtered(lambda ticket: not ticket.first_satisfied)._stamp(
            {'first_satisfied': answer, 'first_satisfied_on': fields.Datetime.now()}
        )

    def _said_unsolved(self):
        """The customer says that his problem is not solved: it was not solved at first contact, whenever he says so."""
        solved = self.filtered('first_solved_at')
        solved._stamp({'said_unsolved': True, 'quality_due_at': fields.Datetime.now()})

    # === AGAIN ===#

    def _quality_old(self):
        """Return those of the tickets that may change figures already derived: newer ones find all windows open."""
        limit = fields.Datetime.now() - LATE
        return self.filtered(lambda ticket: ticket.received_at < limit)

    def _quality_again(self):
        """Have figures derived again: of these tickets, and of earlier ones of the same customers within their windows."""
        if not self.ids:
            return
        self.flush_model(
            [
                'commercial_partner_id',
                'company_id',
                'first_contact_until',
                'first_solved_at',
                'quality_due_at',
                'received_at',
            ]
        )
        self.env.execute_query(
            SQL(
                """
                UPDATE retail_ticket earlier
                   SET quality_due_at = %(now)s
                  FROM retail_ticket ticket
                 WHERE ticket.id = ANY(%(ids)s)
                   AND earlier.first_contact_until IS NOT NULL
                   AND (earlier.id = ticket.id
                        OR earlier.commercial_partner_id = ticket.commercial_partner_id
                           AND earlier.company_id = ticket.company_id
                           AND ticket.received_at BETWEEN earlier.first_solved_at
                                                      AND earlier.first_contact_until)
             RETURNING earlier.id
                """,
                now=fields.Datetime.now(),
                ids=list(self.ids),
            )
        )
        self.env['retail.ticket'].invalidate_model(['quality_due_at'], flush=False)


#: What only the system writes.
QUALITY_FIELDS = {
    'agent_hours',
    'agent_work_hours',
    'answer_work_hours',
    'came_back',
    'first_contact',
    'first_contact_until',
    'first_satisfied',
    'first_satisfied_on',
    'first_solve_hours',
    'first_solve_work_hours',
    'hold_hours',
    'hold_work_hours',
    'one_message',
    'one_touch',
    'quality_due_at',
    'reopened_by',
    'requester_hours',
    'requester_work_hours',
    'said_unsolved',
    'solve_work_hours',
}
