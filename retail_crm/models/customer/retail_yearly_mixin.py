from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from . import _yearly

MONTHS = [
    ('1', 'January'),
    ('2', 'February'),
    ('3', 'March'),
    ('4', 'April'),
    ('5', 'May'),
    ('6', 'June'),
    ('7', 'July'),
    ('8', 'August'),
    ('9', 'September'),
    ('10', 'October'),
    ('11', 'November'),
    ('12', 'December'),
]


class RetailYearlyMixin(models.AbstractModel):
    """What is the same for every day that comes back each year: its check, its next date, its text.

    The model names its fields in ``_yearly_fields``: month (a Selection of ``MONTHS``), day, year (0: unknown) and
    whether they are of the lunar calendar.
    """

    _name = 'retail.yearly.mixin'
    _description = 'Yearly Day'

    #: month, day, year, lunar
    _yearly_fields = ('month', 'day', 'year', 'is_lunar')

    def _yearly(self):
        """Return ``(month, day, year, lunar)``; month 0 when no day is known."""
        self.ensure_one()
        month, day, year, lunar = (self[name] for name in self._yearly_fields)
        return int(month or 0), day, year, lunar

    def _check_yearly(self):
        """Refuse days that do not exist, and years to come.

        :raise ValidationError: naming what is wrong
        """
        for record in self:
            month, day, year, lunar = record._yearly()
            if not month and not day and not year:
                continue
            if not month or not day:
                raise ValidationError(
                    self.env._('A yearly day needs a month and a day; the year may stay empty.')
                )
            if not _yearly.is_possible(month, day, year, lunar):
                raise ValidationError(
                    self.env._(
                        'There is no day %(day)s in month %(month)s of this year.',
                        day=day,
                        month=month,
                    )
                )
            today = fields.Date.context_today(record)
            if year and _yearly.occurrence(year, month, day, lunar) > today:
                raise ValidationError(self.env._('This day lies in the future.'))

    def _next_yearly(self, start):
        """Return the next date of this day from ``start`` on, or False."""
        month, day, _year, lunar = self._yearly()
        return _yearly.next_occurrence(month, day, lunar, start) if month and day else False

    def _yearly_text(self):
        """Return the day in words: ``5 March 1990``, ``15 August (lunar)``."""
        month, day, year, lunar = self._yearly()
        if not month or not day:
            return ''
        names = dict(self._fields[self._yearly_fields[0]]._description_selection(self.env))
        text = self.env._('%(day)s %(month)s', day=day, month=names[str(month)])
        if year:
            text = self.env._('%(day)s %(year)s', day=text, year=year)
        return self.env._('%(day)s (lunar)', day=text) if lunar else text

    @api.model
    def _domain_of_yearly(self, start, end):
        """Return the domain of records whose day falls on a date from ``start`` to ``end``."""
        month, day, _year, is_lunar = self._yearly_fields
        solar, lunar = _yearly.days_between(start, end)
        parts = []
        for pairs, flag in ((solar, False), (lunar, True)):
            by_month = {}
            for month_number, day_number in pairs:
                by_month.setdefault(str(month_number), []).append(day_number)
            parts += [
                [(is_lunar, '=', flag), (month, '=', key), (day, 'in', sorted(days))]
                for key, days in sorted(by_month.items())
            ]
        return Domain.OR(parts)

    @api.model
    def _search_yearly(self, operator, value):
        """Return the domain of a search for the next date: within the coming year, compared with dates.

        Both bounds of a period come as two conditions, so each is a period with today or a year from now.
        """
        today = fields.Date.context_today(self)
        last = today + timedelta(days=364)
        if operator == 'in':
            days = [fields.Date.to_date(day) for day in value if day]
            found = [self._domain_of_yearly(day, day) for day in days if today <= day <= last]
            nobody = [[(self._yearly_fields[0], '=', False)]] if False in value else []
            return Domain.OR([*found, *nobody])
        if operator not in ('<', '<=', '>', '>='):
            return NotImplemented
        bound = fields.Date.to_date(value)
        start, end = {
            '<': (today, bound - timedelta(days=1)),
            '<=': (today, bound),
            '>': (bound + timedelta(days=1), last),
            '>=': (bound, last),
        }[operator]
        start, end = max(start, today), min(end, last)
        return self._domain_of_yearly(start, end) if start <= end else Domain.FALSE
