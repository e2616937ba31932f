from datetime import timedelta

from odoo import api, models

from .retail_ticket_flow import DONE_CATEGORIES
from .retail_ticket_stage import CATEGORIES, OPEN_CATEGORIES

_STAGES = dict(CATEGORIES)


class RetailTicketHistory(models.Model):
    """Tickets that come with their history, such as those of another help desk: log first, all else follows from it."""

    _inherit = 'retail.ticket'

    @api.model
    def _enter_histories(self, histories):
        """Enter tickets with what happened to them, and return them. Nobody is told of anything.

        :param histories: list of ``(values with received_at, [(hours after receipt, what)])``, oldest first; what is a
            category of stages, or who spoke: ``'customer'``, ``'thanks'`` or ``'agent'``
        """
        vals_list = [dict(values) for values, _events in histories]
        quiet = self.with_context(tracking_disable=True)
        # past the moments of create: these are no news
        tickets = models.BaseModel.create(quiet, self._prepare_ticket_values(vals_list))
        tickets._clock_opened()
        rows = []
        for ticket, (_values, events) in zip(tickets, histories, strict=True):
            stamps, done = {}, False
            for hours, what in events:
                moment = ticket.received_at + timedelta(hours=hours)
                rows.append(ticket._history_row(moment, what, done))
                stamps.update(ticket._history_stamps(moment, what, done, stamps))
                done = what in DONE_CATEGORIES if what in _STAGES else done
            ticket._stamp(stamps)
        tickets._clock_log(rows)
        tickets._clock_derive()
        solved = tickets.filtered('first_solved_at')
        for ticket in solved:
            until = ticket.company_id._retail_watched_until(ticket.first_solved_at)
            ticket._stamp({'first_contact_until': until})
        solved._quality_refresh()
        return tickets

    def _history_row(self, moment, what, done):
        """Return the row of the log of one event."""
        if what not in _STAGES:
            side = 'agent' if what == 'agent' else 'customer'
            ticket = self.with_context(retail_crm_thanks=what == 'thanks')
            return ticket._prepare_log(moment, self.user_id, side=side)
        reopened = ('customer', self.id) if done and what in OPEN_CATEGORIES else None
        return self.with_context(retail_crm_reopened=reopened)._prepare_log(
            moment, self.user_id, category=what, stage_id=self.type_id._stage_of((what,)).id
        )

    def _history_stamps(self, moment, what, done, stamps):
        """Return what one event changes on the ticket; ``stamps``: what those before it did."""
        if what == 'agent':
            return {
                'first_response_at': self.first_response_at
                or stamps.get('first_response_at')
                or moment,
                'last_agent_at': moment,
                'agent_message_count': stamps.get('agent_message_count', 0) + 1,
                'waiting_since': False,
            }
        if what not in _STAGES:
            count = stamps.get('customer_message_count', 0) + 1
            return {'last_customer_at': moment, 'customer_message_count': count}
        result = {'stage_id': self.type_id._stage_of((what,)).id, 'stage_since': moment}
        if what in DONE_CATEGORIES and not done:
            first = stamps.get('first_solved_at') or moment
            result.update(solved_at=moment, first_solved_at=first, solved_by=self.user_id.id)
        elif done and what not in DONE_CATEGORIES:
            count = stamps.get('reopen_count', 0) + 1
            result.update(solved_at=False, reopen_count=count, reopened_by='customer')
        if what == 'archived':
            result['archived_at'] = moment
        return result
