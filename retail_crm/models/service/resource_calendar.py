from datetime import datetime, time, timedelta
from functools import partial
from math import ceil

from pytz import timezone, utc

from odoo import api, fields, models
from odoo.tools import ormcache
from odoo.tools.intervals import Intervals

from ._worktime import PIECE, Piece, Wall, WorkTime, moment_of
from .retail_ticket_stage import OPEN_CATEGORIES

#: Core ends a day at 23:59:59 here and at 24:00 there: what lies between is no work.
SLIVER = 60
#: Fields of a calendar that say when somebody works.
HOURS = {
    'tz',
    'attendance_ids',
    'two_weeks_calendar',
    'schedule_type',
    'flexible_hours',
    'hours_per_day',
    'full_time_required_hours',
}


class ResourceCalendar(models.Model):
    """Make-up working days, and the working time that the clock of tickets counts in (R-svc C.1, design 5.3)."""

    _inherit = 'resource.calendar'

    retail_makeup_ids = fields.One2many(
        comodel_name='retail.calendar.makeup',
        inverse_name='calendar_id',
        string='Make-up Working Days',
        help='Days that are worked though their weekday is free, as the state announces for each year.',
    )
    retail_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Keeps Holidays',
        domain=[('share', '=', False)],
        index='btree_not_null',
        ondelete='set null',
        help='Is reminded on 1 December to enter the holidays and make-up days of the next year.',
    )

    def write(self, vals):
        result = super().write(vals)
        if HOURS & set(vals):
            self.env.registry.clear_cache()  # of the working time
        return result

    def unlink(self):
        """Open tickets that were counted in these hours are counted in those that hold now."""
        # sudo: deadlines follow the calendar whoever deletes it
        tickets_sudo = (
            self.env['retail.ticket']
            .sudo()
            .search([('clock_calendar_id', 'in', self.ids), ('category', 'in', OPEN_CATEGORIES)])
        )
        result = super().unlink()
        self.env.registry.clear_cache()
        tickets_sudo.invalidate_model(['clock_calendar_id'])
        self.env['retail.ticket.target'].invalidate_model(['calendar_id'])
        tickets_sudo._clock_rematch(force=True)
        return result

    # === MAKE-UP DAYS ===#

    @ormcache('self.id')
    def _retail_makeup_days(self):
        """Return the make-up days as ``{date: weekday}``."""
        # sudo: when somebody works is no secret for whoever may ask for it at all
        return {day.date: day.dayofweek for day in self.sudo().retail_makeup_ids}

    def _attendance_intervals_batch(
        self, start_dt, end_dt, resources=None, domain=None, tz=None, lunch=False
    ):
        """Give make-up days the hours of their weekday, for everything that asks a calendar."""
        result = super()._attendance_intervals_batch(
            start_dt, end_dt, resources=resources, domain=domain, tz=tz, lunch=lunch
        )
        makeups = {} if self.flexible_hours else self._retail_makeup_days()
        if not makeups:
            return result
        lines = self.attendance_ids.filtered(
            lambda line: not line.display_type and (line.day_period == 'lunch') == lunch
        )
        if domain:
            lines = lines.filtered_domain(domain)
        for resource_id in result:
            resource = self.env['resource.resource'].browse(resource_id or [])
            if resource and resource.calendar_id != self:
                continue
            zone = tz or timezone((resource or self).tz)
            low, high = start_dt.astimezone(zone), end_dt.astimezone(zone)
            days = {
                day: weekday for day, weekday in makeups.items() if low.date() <= day <= high.date()
            }
            if days:
                result[resource_id] = self._retail_with_makeups(
                    result[resource_id], days, lines, zone, (low, high)
                )
        return result

    def _retail_with_makeups(self, intervals, days, lines, zone, bounds):
        """Return attendances in which the hours of some days are those of other weekdays."""
        whole_days, worked = [], []
        for day, weekday in days.items():
            start, stop = datetime.combine(day, time()), datetime.combine(day, time.max)
            whole_days.append((zone.localize(start), zone.localize(stop), lines.browse()))
            week = str(lines.get_week_type(day)) if self.two_weeks_calendar else False
            for line in lines:
                if line.dayofweek == weekday and (not week or line.week_type == week):
                    worked.append(
                        (
                            max(bounds[0], zone.localize(start + _hours(line.hour_from))),
                            min(bounds[1], zone.localize(start + _hours(line.hour_to))),
                            line,
                        )
                    )
        others = intervals - Intervals(whole_days, keep_distinct=True)
        return Intervals([*others, *worked], keep_distinct=True)

    # === WORKING TIME ===#

    def _retail_work_time(self, company):
        """Return the time that counts in this calendar, or else in that of the company, or else day and night.

        For the clock of tickets: nobody's ticket fails because a calendar is missing or empty (R-svc D.1-5).

        :param company: whose holidays hold
        """
        # sudo: the hours count whoever moves the ticket
        calendar_sudo = self.sudo()
        if not (calendar_sudo and calendar_sudo._retail_has_hours()):
            calendar_sudo = company.sudo().resource_calendar_id
            if not (calendar_sudo and calendar_sudo._retail_has_hours()):
                return Wall()
        return WorkTime(partial(calendar_sudo._retail_piece, company.id))

    @ormcache('self.id')
    def _retail_zone(self):
        """Return the name of the time zone of one calendar."""
        return self.tz or 'UTC'

    @ormcache('self.id')
    def _retail_has_hours(self):
        """Return whether anybody works in this calendar at all."""
        if self.flexible_hours:
            return self.hours_per_day > 0 and self.full_time_required_hours > 0
        return any(
            line._is_work_period() and line.hour_to > line.hour_from for line in self.attendance_ids
        )

    @ormcache('self.id', 'company_id', 'number', 'zone')
    def _retail_piece(self, company_id, number, zone=None):
        """Return the work of one piece of time, see ``WorkTime``. Kept until a calendar changes.

        :param str zone: whose hours these are, when not those of the calendar's own zone
        """
        self.ensure_one()
        start, stop = (utc.localize(moment_of((number + add) * PIECE)) for add in (0, 1))
        intervals = self._work_intervals_batch(
            start,
            stop,
            # holidays of no calendar hold for their company only
            domain=[('time_type', '=', 'leave'), ('company_id', 'in', (False, company_id))],
            tz=timezone(zone or self.tz),
        )[False]
        work = [(int(low.timestamp()), ceil(high.timestamp())) for low, high, _line in intervals]
        return Piece([(low, high) for low, high in work if high - low >= SLIVER])

    @ormcache('self.id', 'day', 'days')
    def _retail_first_hours(self, day, days):
        """Return ``{date: instant at which work begins}`` of a number of days from one on; kept as the pieces are."""
        zone = timezone(self.tz or 'UTC')
        begin = zone.localize(datetime.combine(day, time()))
        intervals = self._work_intervals_batch(begin, begin + timedelta(days=days), tz=zone)[False]
        first_hours = {}
        for low, _high, _attendance in intervals:
            first_hours.setdefault(low.astimezone(zone).date(), low)
        return first_hours

    # === HOLIDAYS ===#

    def _retail_replan_tickets(self):
        """Plan the open tickets that are counted in these calendars again, and return them."""
        # sudo: deadlines follow the calendar whoever changed it
        tickets_sudo = (
            self.env['retail.ticket']
            .sudo()
            .search(
                [('clock_calendar_id', 'in', self.ids), ('category', 'in', OPEN_CATEGORIES)],
                order='id',
            )
        )
        for start in range(0, len(tickets_sudo), 1000):
            tickets_sudo[start : start + 1000]._clock_rematch(force=True)
        return tickets_sudo

    @api.model
    def _cron_retail_remind_holidays(self):
        """Remind those who keep calendars of the holidays of the next year; once, however often it runs."""
        year = fields.Date.today().year + 1
        calendars = self.search([('retail_user_id', '!=', False)])
        Activity = self.env['mail.activity']
        for user, kept in calendars.grouped('retail_user_id').items():
            summary = self.with_context(lang=user.lang).env._(
                'Enter the holidays and make-up days of %(year)s', year=year
            )
            if not Activity.search_count(
                [('user_id', '=', user.id), ('summary', '=', summary)], limit=1
            ):
                Activity.create(
                    {
                        'user_id': user.id,
                        'summary': summary,
                        'note': ', '.join(kept.mapped('name')),
                        'date_deadline': fields.Date.today(),
                        'activity_type_id': self.env['mail.activity']._default_activity_type().id,
                    }
                )


def _hours(value):
    """Return a number of hours as the end of that second: 24 is the end of the day, as in core."""
    return min(timedelta(seconds=round(value * 3600)), timedelta(days=1, microseconds=-1))
