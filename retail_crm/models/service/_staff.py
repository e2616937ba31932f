"""When some employees are at work, and who stands in for them: the one place that reads memberships, hours and absences."""

from datetime import datetime, time, timedelta
from functools import partial

from pytz import timezone, utc

from odoo.fields import Domain

from ._shift import Shift
from ._worktime import Wall, WorkTime, instant, moment_of


class Staff:
    """Hours, zones, absences and substitutes of employees, in a fixed number of queries however many they are.

    :param users: employees to look at
    :param now: naive UTC
    """

    def __init__(self, users, now):
        # sudo: hours and absences of colleagues decide who gets a ticket or is told; they are shown by the caller, or not
        env = users.sudo().with_context(active_test=False).env
        self.env, self.now = env, instant(now)
        self.users = env['res.users']
        self.members = env['retail.ticket.team.member']
        self.by_user, self.resources, self.leaves, self._shifts = {}, {}, {}, {}
        self.add(users)

    def add(self, users):
        """Look at more employees."""
        new = users.with_env(self.env) - self.users
        if not new:
            return
        self.users |= new
        members = self.members.search(
            [('user_id', 'in', new.ids), ('team_id.active', '=', True)]
        ).filtered('active')
        self.members |= members
        self.by_user.update(members.grouped('user_id'))
        resources = self.env['resource.resource'].search(
            [('user_id', 'in', new.ids), ('active', '=', True)], order='id'
        )
        self.resources.update(resources.grouped('user_id'))
        if resources:
            self._read_leaves(resources)

    def _read_leaves(self, resources):
        """Read approved absences of resources; time off of the personnel department is among them."""
        leaves = self.env['resource.calendar.leaves'].search(
            Domain('resource_id', 'in', resources.ids)
            & Domain('date_to', '>', moment_of(self.now))
            & Domain('time_type', '=', 'leave')
        )
        for leave in leaves:
            self.leaves.setdefault(leave.resource_id.user_id, []).append(
                (instant(leave.date_from), instant(leave.date_to))
            )

    # === MEMBERSHIPS ===#

    def memberships(self, user, team):
        """Return the membership of somebody in a team; all of his when he is not in it."""
        mine = self.by_user.get(user, self.members.browse())
        return mine.filtered(lambda one: one.team_id == team) or mine

    def appointed(self, user, team):
        """Return who stands in for somebody by his memberships: that in the team, else the first that says so."""
        return (
            self.memberships(user, team).substitute_id
            or self.by_user.get(user, self.members.browse()).substitute_id
        )[:1]

    def substitute(self, user, team):
        """Return who stands in for somebody: by the membership in the team, by his own choice, by another membership."""
        at_team = self.memberships(user, team).filtered(lambda one: one.team_id == team)
        return at_team.substitute_id or user.retail_substitute_id or self.appointed(user, team)

    # === HOURS ===#

    def shift(self, user, team, company):
        """Return when somebody works for a team, and in which zone.

        His hours there or else those of his contract, in its zone; else the team's. Hours of the company, of somebody
        who is in no team, are those hours where he is.

        :param team: may be empty: then that of his first membership
        """
        user = user.with_env(self.env)
        members = self.memberships(user, team)
        team = team or members[:1].team_id
        resources = self.resources.get(user, self.env['resource.resource'])
        resource = (resources.filtered(lambda one: one.company_id == company) or resources)[:1]
        calendar, zone = members[:1].calendar_id, None
        if not calendar and resource.calendar_id:
            calendar, zone = resource.calendar_id, resource.tz
        elif not calendar and team:
            calendar = team._working_calendar()
        elif not calendar:
            calendar, zone = company.sudo().resource_calendar_id, user.tz
        key = (user, members, calendar, zone, company)
        if key not in self._shifts:
            work = calendar._retail_work_time(company)
            where = zone or calendar.tz or user.tz or company._retail_timezone()
            if (
                zone
                and zone != calendar.tz
                and not isinstance(work, Wall)
                and calendar._retail_has_hours()
            ):
                work = WorkTime(partial(_piece_in_zone, calendar, company.id, zone))
            self._shifts[key] = Shift(work, self._absences(user, members, where), where)
        return self._shifts[key]

    def _absences(self, user, members, zone):
        """Return all times at which somebody is away, as instants; days are days of his zone."""
        absences = list(self.leaves.get(user, ()))
        days = [(user.retail_away_from, user.retail_away_until)]
        days += [(member.absent_from, member.absent_until) for member in members]
        for first, last in days:
            if first or last:
                absences.append(
                    (
                        _midnight(first, zone) if first else 0,
                        _midnight(last + timedelta(days=1), zone) if last else None,
                    )
                )
        return absences

    def is_away(self, user, team, company):
        """Return whether somebody is away now, whatever his hours."""
        return self.shift(user, team, company).away_until(self.now)[0]


def _midnight(day, zone):
    """Return the instant at which a day begins in a zone."""
    local = timezone(zone).localize(datetime.combine(day, time()))
    return instant(local.astimezone(utc).replace(tzinfo=None))


def _piece_in_zone(calendar, company_id, zone, number):
    return calendar._retail_piece(company_id, number, zone)
