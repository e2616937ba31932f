from datetime import UTC, datetime

import pytz

from odoo import api, fields, models

from ._staff import Staff
from ._worktime import instant, moment_of


class Choice:
    """Finds who is told of tickets: knows who may read them and who is at work, each asked once for a batch.

    :param tickets: tickets, as system
    :param lines: ``{(ticket, role): [(person, deputy), ...]}``, nearest first
    """

    def __init__(self, tickets, lines, now):
        self.at = instant(now)
        self.arrivals = {}
        users = tickets.env['res.users'].union(
            *(user for line in lines.values() for rung in line for user in rung)
        )
        self.staff = Staff(users, now)
        self.lines = {
            (ticket, role): [
                user
                for person, deputy in line
                for user in (
                    *person,
                    *deputy,
                    *(person and self.staff.substitute(person, ticket.team_id)),
                )
            ]
            for (ticket, role), line in lines.items()
        }
        users = users.union(*(user for line in self.lines.values() for user in line))
        self.staff.add(users)
        self.readable = {user: set(tickets._readable_by(user)._ids) for user in users}

    def able(self, ticket, role):
        """Return who may read a ticket of those in line, nearest first."""
        return [user for user in self.lines[ticket, role] if ticket.id in self.readable[user]]

    def arrival(self, user, ticket):
        """Return when somebody is at work next (None: never), and whether he is away until another day than he would be."""
        team, company = ticket._team_of(user), ticket.company_id
        key = user, team, company
        if key not in self.arrivals:
            shift = self.staff.shift(user, team, company)
            first, at = shift.opening(self.at), shift.next_on(self.at)
            is_away = at is None or (at > first and _day(at, shift.zone) != _day(first, shift.zone))
            self.arrivals[key] = at, is_away
        return self.arrivals[key]

    def first(self, ticket, role):
        """Return ``(user, arrival)`` of the first who is not away; else of who comes back; else of the first at all."""
        able = self.able(ticket, role)
        arrivals = [(user, *self.arrival(user, ticket)) for user in able]
        for user, at, is_away in arrivals:
            if not is_away:
                return user, at
        for user, at, _is_away in arrivals:
            if at is not None:
                return user, at
        # better told while he is away for good than nobody
        return (able[0], self.at) if able else None

    def present(self, ticket, role):
        """Return the first who is not away, or None."""
        return next(
            (user for user in self.able(ticket, role) if not self.arrival(user, ticket)[1]), None
        )

    def at_once(self, ticket, role):
        """Return the first who is not on leave, else the first; whatever the hour."""
        able = self.able(ticket, role)
        there = [
            user
            for user in able
            if not self.staff.is_away(user, ticket._team_of(user), ticket.company_id)
        ]
        return next(((user, self.at) for user in [*there, *able]), None)


class RetailTicketEscalateWho(models.Model):
    """Who is told of a ticket in which role, and when (R-svc C.2).

    Who is away is stood in for by the deputy or substitute; who may not read the ticket, such as the person complained
    about, is never told: the next in line is instead.
    """

    _inherit = 'retail.ticket'

    def _escalation_leaders(self):
        """Return ``[(ticket, leader), ...]``: who leads its team or stands in, may read it and is not away."""
        tickets = self.sudo()  # sudo: who leads a team is no secret
        lines = {(one, 'leader'): one._responsible()['leader'] for one in tickets}
        choice = Choice(tickets, lines, fields.Datetime.now())
        found = [(one, choice.present(one, 'leader')) for one in tickets]
        return [
            (ticket.sudo(self.env.su), leader.sudo(self.env.su))
            for ticket, leader in found
            if leader
        ]

    def _escalation_link(self):
        """Return where one ticket opens for whoever may read it."""
        return f'{self.get_base_url()}/mail/view?model={self._name}&res_id={self.id}'

    @api.model
    def _escalation_choose(self, asks, now=None):
        """Return who is told, and when.

        :param asks: list of ``(ticket, role)``
        :return: list of ``(user, arrival)`` or None, in the order of ``asks``; who is on call is told at once
        """
        now = (now or fields.Datetime.now()).replace(microsecond=0)
        # sudo: who is told is found by the system; each must be able to read the ticket himself
        asks = [(ticket.sudo(), role) for ticket, role in asks]
        tickets = self.sudo().union(*(ticket for ticket, _role in asks))
        urgent = tickets.browse(ticket.id for ticket, role in asks if role == 'on_call')
        duties = self.env['retail.oncall']._of_now(urgent.company_id, now)
        lines = {}
        for ticket, role in dict.fromkeys(asks):
            if role == 'on_call':
                lines[ticket, role] = duties._line_of(ticket) + ticket._responsible()['director']
            else:
                lines[ticket, role] = ticket._responsible_from(role)
        choice = Choice(tickets, lines, now)
        result = []
        for ask in asks:
            found = choice.at_once(*ask) if ask[1] == 'on_call' else choice.first(*ask)
            result.append(found and (found[0].sudo(self.env.su), moment_of(found[1])))
        return result


def _day(at, zone):
    return datetime.fromtimestamp(at, UTC).astimezone(pytz.timezone(zone)).date()
