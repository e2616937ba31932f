from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ._safely import safely

_BATCH = 50

#: Days that are looked ahead for working days: longer than any holiday.
_HORIZON = 60


class RetailTicketTend(models.Model):
    """Tickets that wait for the customer are brought to an end, and solved ones are filed (S-TKT-12, defaults 13).

    Who does not answer is reminded twice and then told that the request is closed. Solved requests are filed when they
    can no longer be reopened; complaints by their own process. ``tend_at`` says when the next of these is due; whoever
    moves the ticket plans it anew. Everything can be repeated: what was done is noted before anything is sent.
    """

    _inherit = 'retail.ticket'

    tend_at = fields.Datetime(
        string='Tended On',
        readonly=True,
        copy=False,
        help='When the customer is reminded next, or the request is closed or filed by itself.',
    )
    reminder_count = fields.Integer(
        string='Reminders', readonly=True, copy=False, help='How often the customer was reminded.'
    )

    _tend_idx = models.Index('(tend_at) WHERE tend_at IS NOT NULL')

    # === PLANNING ===#

    def _tickets_created(self):
        result = super()._tickets_created()
        self.filtered(lambda ticket: ticket.category in ('waiting', 'solved'))._plan_tending()
        return result

    def _on_stage_moved(self, before):
        result = super()._on_stage_moved(before)
        self._plan_tending()
        return result

    def _plan_tending(self):
        """Plan when these tickets are tended next, from the stage they have just entered."""
        waiting = self.filtered(
            lambda ticket: ticket.category == 'waiting' and not ticket.is_internal
        )
        # complaints are filed by their own process, which knows whether the customer is satisfied
        solved = self.filtered(
            lambda ticket: ticket.category == 'solved' and not ticket.is_complaint
        )
        (self - waiting - solved).filtered('tend_at')._stamp({'tend_at': False})
        waiting._stamp({'reminder_count': 0})
        waiting._plan_by_work(lambda ticket: ticket.company_id.retail_remind_days)
        for company, tickets in solved.grouped('company_id').items():
            days = company.sudo().retail_reopen_days  # sudo: settings
            tickets._stamp({'tend_at': fields.Datetime.add(fields.Datetime.now(), days=days)})

    def _plan_by_work(self, days_of, start=None):
        """Plan tickets a number of working days after they began to wait; each calendar is asked once.

        :param days_of: function that returns the number of days of a ticket
        :param start: from when they are counted; default: since the ticket waits
        """
        # sudo: settings of the company and hours of the team, whoever moves the ticket
        plans = {}
        for ticket in self.sudo():
            since = (start or ticket.stage_since or fields.Datetime.now()).replace(microsecond=0)
            calendar = ticket.team_id._working_calendar() or ticket.company_id.resource_calendar_id
            key = (calendar, since, days_of(ticket))
            plans.setdefault(key, []).append(ticket.id)
        for (calendar, since, days), ids in plans.items():
            self.browse(ids)._stamp({'tend_at': _after_working_days(calendar, since, days)})

    # === TENDING ===#

    @api.model
    def _cron_tend(self):
        """Tend what is due, oldest first; commits per batch, and what a run leaves the next one does."""
        cron = self.env['ir.cron']
        domain = Domain('tend_at', '<=', fields.Datetime.now())
        cron._commit_progress(remaining=self.search_count(domain))
        while tickets := self.search(domain, limit=_BATCH, order='tend_at, id'):
            safely(tickets, lambda due: due._tend(), lambda one, error: one._tend_failed(error))
            if not cron._commit_progress(len(tickets)):
                break

    def _tend_failed(self, error):
        """Ask somebody to decide about one ticket, and leave it alone."""
        self._stamp({'tend_at': False})
        words = self.env._('The customer does not answer: close this request?')
        if self.category == 'solved':
            words = self.env._('This request could not be filed')
        self._plan_activity(words, note=str(error))

    def _tend(self):
        """Do what is due on these tickets."""
        self.filtered(lambda ticket: ticket.category == 'waiting')._tend_waiting()
        self.filtered(lambda ticket: ticket.category == 'solved')._tend_solved()
        self.filtered(lambda ticket: ticket.category not in ('waiting', 'solved'))._stamp(
            {'tend_at': False}
        )

    def _tend_waiting(self):
        """Remind, remind again, close."""
        first, second, last = (self.browse() for _index in range(3))
        for ticket in self:
            if ticket.reminder_count == 0:
                first += ticket
            elif ticket.reminder_count == 1:
                second += ticket
            else:
                last += ticket
        first._remind(
            1,
            lambda company: company.retail_remind_again_days - company.retail_remind_days,
            'mail_template_ticket_waiting',
        )
        second._remind(
            2,
            lambda company: company.retail_give_up_days - company.retail_remind_again_days,
            'mail_template_ticket_waiting_again',
        )
        for ticket in last:
            ticket._give_up()

    def _remind(self, count, days_of, template):
        """Remind customers and plan the next step; noted first, so that an interrupted run reminds nobody twice.

        The next step is counted from now: a scheduled action that stood still for a week does not do all at once.

        :param int count: the first or the second reminder
        :param days_of: function that returns the working days until the next step, by the settings of a company
        :param str template: name of the template
        """
        self._stamp({'reminder_count': count})
        self._plan_by_work(lambda ticket: days_of(ticket.company_id), fields.Datetime.now())
        if template := self._tend_template(template):
            self._tell(template)

    def _give_up(self):
        """Close one request that the customer does not answer; where that is refused, its owner has to decide."""
        self._stamp({'tend_at': False})
        try:
            with self.env.cr.savepoint():
                # of the stage "solved" itself the customer is not told: he is told that it is closed
                self.with_context(retail_crm_tell_nobody=True)._set_stage(
                    'solved',
                    result=self.result or self.env._('The customer did not answer any more.'),
                )
        except UserError as error:
            self._plan_activity(
                self.env._('The customer does not answer: close this request?'), note=str(error)
            )
            return
        if template := self._tend_template('mail_template_ticket_given_up'):
            self._tell(template)

    @api.model
    def _tend_template(self, name):
        """Return a shipped template, or none when somebody deleted it."""
        return self.env.ref(f'retail_crm.{name}', raise_if_not_found=False)

    def _tend_solved(self):
        """File what can no longer be reopened; where the setting has grown since, later."""
        now = fields.Datetime.now()
        due = self.browse()
        for ticket in self:
            days = ticket.company_id.sudo().retail_reopen_days  # sudo: settings
            until = (ticket.solved_at or now) + timedelta(days=days)
            if until <= now:
                due += ticket
            else:
                ticket._stamp({'tend_at': until})
        due._stamp({'tend_at': False})
        for kind, tickets in due.grouped('type_id').items():
            if kind._stage_of(['archived']):
                tickets._file()

    def _file(self):
        """File tickets; where that is refused for one, its owner has to decide."""
        try:
            with self.env.cr.savepoint():
                self.with_context(retail_crm_tell_nobody=True)._set_stage('archived')
        except UserError as error:
            if len(self) > 1:
                for ticket in self:
                    ticket._file()
            else:
                self._plan_activity(self.env._('This request could not be filed'), note=str(error))


def _after_working_days(calendar, start, days):
    """Return the moment that lies a number of working days after ``start`` (naive UTC).

    The same time of that day, or when the day's work begins if that is later. Without working hours every day counts.
    """
    if not calendar or not days:
        return start + timedelta(days=days)
    begin = pytz.utc.localize(start)
    zone = pytz.timezone(calendar.tz or 'UTC')
    today = begin.astimezone(zone).date()
    first_hours = calendar._retail_first_hours(today, _HORIZON)
    later = sorted(day for day in first_hours if day > today)
    if len(later) < days:
        return start + timedelta(days=days)
    day = later[days - 1]
    same_time = zone.localize(begin.astimezone(zone).replace(tzinfo=None) + (day - today))
    return max(same_time, first_hours[day]).astimezone(pytz.utc).replace(tzinfo=None)
