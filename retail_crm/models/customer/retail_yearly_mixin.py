import operator as operators
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

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


_COMPARE = {
    '<': operators.lt,
    '<=': operators.le,
    '>': operators.gt,
    '>=': operators.ge,
}


class RetailYearlyMixin(models.AbstractModel):
    """What is the same for every day that comes back each year: its check, its next date, its text.

    The model names its fields in ``_yearly_fields``: month (a Selection of ``MONTHS``), day, year (0: unknown) and
    whether they are of the lunar calendar; and in ``_yearly_next`` the computed date on which the day is kept next, which
    the database can sort and group by although it is not stored: it would be wrong a day later.
    """

    _name = 'retail.yearly.mixin'
    _description = 'Yearly Day'

    #: month, day, year, lunar
    _yearly_fields = ('month', 'day', 'year', 'is_lunar')
    #: the next date
    _yearly_next = 'next_date'

    def _yearly(self):
        """Return ``(month, day, year, lunar)``; month 0 when no day is known."""
        self.ensure_one()
        month, day, year, lunar = (self[name] for name in self._yearly_fields)
        return int(month or 0), day, year, lunar

    def _check_yearly(self):
        """Refuse days that do not exist, and years to come.

        :raise ValidationError: naming what is wrong
        """
        today = fields.Date.context_today(self)
        for record in self:
            month, day, year, lunar = record._yearly()
            if not month and not day and not year:
                continue
            if not month or not day:
                raise ValidationError(
                    self.env._('A yearly day needs a month and a day; the year may stay empty.')
                )
            if year > today.year:
                raise ValidationError(self.env._('This day lies in the future.'))
            if year and year < (_yearly.FIRST_YEAR if lunar else _yearly.FIRST_SOLAR_YEAR):
                raise ValidationError(
                    self.env._(
                        'The year %(year)s is too long ago. Enter all four digits, or no year.',
                        year=year,
                    )
                )
            if not _yearly.is_possible(month, day, year, lunar):
                raise ValidationError(self._no_such_day(month, day, year, lunar))
            if year and _yearly.occurrence(year, month, day, lunar) > today:
                raise ValidationError(self.env._('This day lies in the future.'))

    def _no_such_day(self, month, day, year, lunar):
        """Return what is wrong with a day that there is not."""
        if lunar:
            return self.env._(
                'There is no day %(day)s in lunar month %(month)s.', day=day, month=month
            )
        names = self._month_names()
        if year:
            return self.env._(
                'There is no day %(day)s in %(month)s %(year)s.',
                day=day,
                month=names[str(month)],
                year=year,
            )
        return self.env._('There is no day %(day)s in %(month)s.', day=day, month=names[str(month)])

    def _month_names(self):
        """Return ``{month as text: name}`` in the user's language."""
        return dict(self._fields[self._yearly_fields[0]]._description_selection(self.env))

    def _next_yearly(self, start):
        """Return the next date of this day from ``start`` on, or False."""
        month, day, _year, lunar = self._yearly()
        # a form may hold a day that there is not, until it is saved
        possible = month and _yearly.is_possible(month, day, lunar=lunar)
        return possible and _yearly.next_occurrence(month, day, lunar, start)

    def _yearly_text(self):
        """Return the day in words: ``5 March 1990``, ``lunar month 8, day 15``."""
        month, day, year, lunar = self._yearly()
        if not month or not day:
            return ''
        if lunar:
            text = self.env._('lunar month %(month)s, day %(day)s', month=month, day=day)
            return self.env._('%(day)s, %(year)s', day=text, year=year) if year else text
        text = self.env._('%(day)s %(month)s', day=day, month=self._month_names()[str(month)])
        return self.env._('%(day)s %(year)s', day=text, year=year) if year else text

    @api.model
    def _domain_of_yearly(self, start, end):
        """Return the domain of records whose day falls on a date from ``start`` to ``end``."""
        solar, lunar = _yearly.days_between(start, end)
        return self._domain_of_days(
            {(*pair, False) for pair in solar} | {(*pair, True) for pair in lunar}
        )

    @api.model
    def _domain_of_days(self, days):
        """Return the domain of records whose ``(month, day, lunar)`` is one of these."""
        month, day, _year, is_lunar = self._yearly_fields
        by_month = {}
        for month_number, day_number, lunar in days:
            by_month.setdefault((lunar, month_number), []).append(day_number)
        return Domain.OR(
            Domain(month, '=', str(month_number))
            & Domain(day, 'in', sorted(numbers))
            & Domain(is_lunar, '=', lunar)
            for (lunar, month_number), numbers in sorted(by_month.items())
        )

    @api.model
    def _search_yearly(self, operator, value):
        """Return the domain of a search for the next date: of all days that there are, those whose next date fits."""
        dates = _yearly.next_days(fields.Date.context_today(self))
        if operator == 'in':
            wanted = {fields.Date.to_date(day) for day in value if day}
            found = self._domain_of_days(day for day, when in dates.items() if when in wanted)
            return found | Domain(self._yearly_fields[0], '=', False) if False in value else found
        if operator not in _COMPARE:
            return NotImplemented
        compare, bound = _COMPARE[operator], fields.Date.to_date(value)
        return self._domain_of_days(day for day, when in dates.items() if compare(when, bound))

    def _field_to_sql(self, alias, field_expr, query=None):
        """Look the next date up in a list of all days that there are, so that lists can be sorted and grouped by it."""
        if field_expr != self._yearly_next:
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], 'read')
        month, day, _year, is_lunar = (
            self._field_to_sql(alias, name, query) for name in self._yearly_fields
        )
        dates = _yearly.next_days(fields.Date.context_today(self))
        # a place for each of 2 x 12 x 31 days; those that there are not hold a date that nobody reads
        slots = [
            dates.get((month_number, day_number, lunar), date.max)
            for lunar in (False, True)
            for month_number in range(1, 13)
            for day_number in range(1, 32)
        ]
        return SQL(
            '(%s::date[])[CASE WHEN %s THEN 372 ELSE 0 END + (%s::int - 1) * 31 + %s]',
            slots,
            is_lunar,
            month,
            day,
        )
