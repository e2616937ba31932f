from functools import partial

import pytz

from odoo import fields, models

from ._worktime import Wall, WorkTime, instant

FAR = 2**40


class ResUsersHours(models.Model):
    """When employees are at work: hours of their own, else of their team, else of the company, less holidays and leave."""

    _inherit = 'res.users'

    def _retail_hours(self, company, team=None):
        """Return the working time of one employee and its zone: his own hours, else those of his team or the company.

        The hours are read in his own zone: nine o'clock is nine where he is.

        :param company: whose holidays and hours hold
        :param team: service team for which he works, or none
        """
        self.ensure_one()
        # sudo: when somebody works decides when he is told, it is not shown
        user_sudo, team_sudo = self.sudo(), team and team.sudo()
        resources = user_sudo.resource_ids.filtered(
            lambda resource: resource.active and resource.calendar_id
        )
        resource = resources.filtered(lambda one: one.company_id == company)[:1] or resources[:1]
        for calendar_sudo in (
            resource.calendar_id,
            team_sudo and team_sudo._working_calendar(),
            company.sudo().resource_calendar_id,
        ):
            if calendar_sudo and calendar_sudo._retail_has_hours():
                zone = (resource.tz if resource else user_sudo.tz) or calendar_sudo.tz or 'UTC'
                piece = partial(_piece, calendar_sudo, company.id, zone)
                return WorkTime(piece), zone
        return Wall(), user_sudo.tz or company.sudo()._retail_timezone()

    def _retail_absences(self, start):
        """Return ``{user: [(from, until), ...]}`` in instants: leave of his own, and absence entered in his teams.

        :param start: absences that ended before are left out
        """
        # sudo: whether somebody is away decides who is told, it is not shown
        users_sudo = self.sudo()
        found = {user: [] for user in self}
        leaves = (
            self.env['resource.calendar.leaves']
            .sudo()
            .search(
                [
                    ('resource_id', 'in', users_sudo.resource_ids.ids),
                    ('time_type', '=', 'leave'),
                    ('date_to', '>', start),
                ]
            )
        )
        for leave in leaves:
            user = leave.resource_id.user_id.sudo(self.env.su)
            found[user].append((instant(leave.date_from), instant(leave.date_to)))
        members = (
            self.env['retail.ticket.team.member']
            .sudo()
            .search(
                [
                    ('user_id', 'in', self.ids),
                    '|',
                    ('absent_until', '>=', fields.Date.subtract(start.date(), days=1)),
                    '&',
                    ('absent_until', '=', False),
                    ('absent_from', '!=', False),
                ]
            )
        )
        for member in members:
            zone = member.user_id.tz or member.company_id._retail_timezone()
            user = member.user_id.sudo(self.env.su)
            found[user].append(
                (
                    _midnight(member.absent_from, zone) if member.absent_from else 0,
                    _midnight(fields.Date.add(member.absent_until, days=1), zone)
                    if member.absent_until
                    else FAR,
                )
            )
        return found


def _piece(calendar, company_id, zone, number):
    return calendar._retail_piece(company_id, number, zone)


def _midnight(day, zone):
    """Return the beginning of a day in a zone as an instant."""
    local = pytz.timezone(zone).localize(fields.Datetime.to_datetime(day))
    return instant(local.astimezone(pytz.utc).replace(tzinfo=None))
