from datetime import UTC, datetime

import pytz

from odoo import api, fields, models

from ._escalation import opening
from ._worktime import instant, moment_of
from .retail_escalation_level import ROLES


class Choice:
    """Finds who is told of tickets: knows who may read them and who is at work, each asked once for a batch."""

    def __init__(self, tickets, now):
        self.tickets = tickets
        self.at = instant(now)
        self.now = now
        self.readable = {}
        self.absences = {}
        self.openings = {}

    def prepare(self, users):
        """Ask for all of these employees what is not known yet."""
        new = users.browse(user.id for user in users if user not in self.absences)
        self.absences.update(new._retail_absences(self.now))
        for user in new:
            mine = self.tickets.with_user(user).sudo(False)
            # whatever companies are chosen in somebody's session: his own count
            mine = mine.with_context(allowed_company_ids=user.sudo().company_ids.ids)
            is_staff = user.active and not user.sudo().share and mine.has_access('read')
            self.readable[user] = set(mine._filtered_access('read')._ids) if is_staff else set()

    def arrival(self, user, company, team):
        """Return when somebody is at work next, and whether he is away until another day than he would be."""
        key = user, company, team
        if key not in self.openings:
            work, zone = user._retail_hours(company, team)
            first = at = opening(work, self.at)
            away = sorted(self.absences[user])
            for start, stop in away:
                if start <= at < stop:
                    at = opening(work, stop)
            is_away = at > first and _day(at, zone) != _day(first, zone)
            self.openings[key] = at, is_away
        return self.openings[key]

    def first(self, ticket, people):
        """Return ``(user, arrival)`` of the first who may read a ticket and is not away; else of the first who may.

        :param people: list of ``(user, team or none)``, nearest first
        """
        away = None
        for user, team in people:
            if ticket.id not in self.readable.get(user, ()):
                continue
            at, is_away = self.arrival(user, ticket.company_id, team)
            if not is_away:
                return user, at
            away = away or (user, at)
        return away


class RetailTicketEscalateWho(models.Model):
    """Who is who around a ticket: owner, leader, store manager, area manager, director, person on call (R-svc C.2).

    Who is away is stood in for by the substitute or deputy; who may not read the ticket, such as the person complained
    about, is never told: the next in line is instead.
    """

    _inherit = 'retail.ticket'

    def _escalation_role(self, role):
        """Hook: return who has a role for one ticket and who stands in, as ``[(user, team whose hours count), ...]``."""
        team = self.team_id
        store = self.store_id or team.store_id
        none = team.browse()
        if role == 'owner':
            owner = self.user_id
            rows = owner and team.member_ids.filtered(lambda row: row.user_id == owner)
            stand_ins = rows and rows.substitute_id
            if owner and not stand_ins:
                rows = self.env['retail.ticket.team.member'].search(
                    [('user_id', '=', owner.id), ('substitute_id', '!=', False)], limit=1
                )
                stand_ins = rows.substitute_id
            people = [*owner, *(stand_ins or ()), *(store.retail_deputy_id if owner else ())]
        elif role == 'leader':
            people = [*team.user_id, *team.deputy_id]
        elif role == 'store_manager':
            people = [*store.user_id, *store.retail_deputy_id]
        elif role == 'area_manager':
            people = [*store.retail_area_id.manager_id]
        else:
            people = [*self.company_id.root_id.retail_director_id]
        desk = team.member_ids.user_id + team.user_id + team.deputy_id
        desk += team.store_id.user_id + team.store_id.retail_deputy_id
        return [(user, team if user in desk else none) for user in people]

    def _escalation_lines(self, roles):
        """Return ``{role: people from that role on up the line}`` of one ticket."""
        people = {role: self._escalation_role(role) for role in ROLES}
        return {
            role: [person for above in ROLES[ROLES.index(role) :] for person in people[above]]
            for role in roles
            if role in ROLES
        }

    def _escalation_leader(self):
        """Return who leads the team of one ticket, or stands in: may read it, and is not away; else nobody."""
        people = self.sudo()._escalation_role('leader')  # sudo: who leads a team is no secret
        choice = Choice(self.sudo(), fields.Datetime.now().replace(microsecond=0))
        choice.prepare(self.env['res.users'].sudo().union(*(user for user, _team in people)))
        found = choice.first(self.sudo(), people)
        return (found[0] if found else self.env['res.users']).sudo(self.env.su)

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
        choice = Choice(tickets, now)
        lines, duty = {}, {}
        for ticket, role in asks:
            if role == 'on_call':
                duty[ticket] = self.env['retail.oncall']._on_duty(ticket, now)
            elif (ticket, role) not in lines:
                found = ticket._escalation_lines([role])
                lines.update({(ticket, key): people for key, people in found.items()})
        users = self.env['res.users'].sudo()
        for people in [*lines.values(), *duty.values()]:
            users = users.union(*(user for user, _team in people))
        choice.prepare(users)
        result = []
        for ticket, role in asks:
            if role == 'on_call':
                found = self._escalation_on_call(choice, ticket, duty[ticket])
            else:
                found = choice.first(ticket, lines[ticket, role])
            result.append(found and (found[0].sudo(self.env.su), moment_of(found[1])))
        return result

    @api.model
    def _escalation_on_call(self, choice, ticket, people):
        """Return the first on the roster who is not on leave, else the first; told at once whatever the hour."""
        able = [user for user, _team in people if ticket.id in choice.readable.get(user, ())]
        there = [
            user
            for user in able
            if not any(start <= choice.at < stop for start, stop in choice.absences[user])
        ]
        return next(((user, choice.at) for user in [*there, *able]), None)


def _day(at, zone):
    return datetime.fromtimestamp(at, UTC).astimezone(pytz.timezone(zone)).date()
