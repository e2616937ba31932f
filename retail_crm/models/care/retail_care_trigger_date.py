from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..customer import _yearly


def yearly_keys(first, last):
    """Return ``[(month, day, lunar, date, year)]`` of the yearly days kept from first to last; the year is their own."""
    keys = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        solar, lunar = _yearly.days_between(day, day)
        keys += [(str(month), number, False, day, day.year) for month, number in sorted(solar)]
        if lunar:
            year = _yearly.to_lunar(day)[0]
            keys += [(str(month), number, True, day, year) for month, number in sorted(lunar)]
    return keys


class RetailCareTriggerDate(models.Model):
    """Care rules about days that come back every year (S-FUP-03) and about occasions by date (S-FUP-04).

    Days of the lunar calendar are worked out for the window, never for a customer: PostgreSQL compares months and days.
    """

    _inherit = 'retail.care.rule'

    occasion_code = fields.Char(
        string='Only Occasion',
        help='Code of the occasion that the rule is about, the same in all years. Empty: all that are switched on.',
    )

    def _definition_fields(self):
        return super()._definition_fields() | {'occasion_code'}

    def _anchor_window(self, first, last):
        """Return the first and last anchor of follow-ups that are due from first to last."""
        delay = timedelta(days=self.delay_days)
        return first - delay, last - delay

    def _sql_yearly_keys(self, first, last):
        """Return the table of days ``(month, day, lunar, date, year)`` that are kept in the window."""
        keys = yearly_keys(*self._anchor_window(first, last))
        columns = [list(column) for column in zip(*keys, strict=True)] or [[], [], [], [], []]
        return SQL('unnest(%s::text[], %s::int[], %s::bool[], %s::date[], %s::int[])', *columns)

    def _sql_birthday(self, company, first, last, partner_ids):
        """Return birthdays: once a year, of the lunar year for lunar ones."""
        return SQL(
            """SELECT person.id, yearly.date, 'birthday:' || yearly.year, 'res.partner', person.id
                 FROM %s AS yearly(month, day, lunar, date, year)
                 JOIN res_partner AS person ON person.retail_birth_month = yearly.month
                  AND person.retail_birth_day = yearly.day
                  AND COALESCE(person.retail_birth_lunar, false) = yearly.lunar
                WHERE person.retail_birth_month IS NOT NULL %s""",
            self._sql_yearly_keys(first, last),
            self._sql_only(SQL('person.id'), partner_ids),
        )

    def _sql_named_date(self, company, first, last, partner_ids):
        """Return days that customers named, each once a year."""
        return SQL(
            """SELECT named.partner_id, yearly.date, 'named_date:' || named.id || ':' || yearly.year,
                      'retail.occasion.date', named.id
                 FROM %s AS yearly(month, day, lunar, date, year)
                 JOIN retail_occasion_date AS named ON named.month = yearly.month AND named.day = yearly.day
                  AND COALESCE(named.is_lunar, false) = yearly.lunar
                WHERE true %s""",
            self._sql_yearly_keys(first, last),
            self._sql_only(SQL('named.partner_id'), partner_ids),
        )

    def _sql_occasion(self, company, first, last, partner_ids):
        """Return the occasions of the window with their customers: of two on one day, the first that is for them."""
        low, high = self._anchor_window(first, last)
        occasions = self.env['retail.occasion']._of_rule(self, company, low, high)
        selects = []
        for _day, same_day in occasions.grouped('date').items():
            before = []
            for occasion in same_day:
                own = occasion._sql_is_for(company)
                selects.append(
                    SQL(
                        """SELECT person.id, %s::date, %s, 'retail.occasion', %s
                             FROM res_partner AS person
                            WHERE person.retail_customer AND person.active AND %s %s %s""",
                        occasion.date,
                        f'occasion:{occasion.date}',
                        occasion.id,
                        own,
                        SQL(' ').join(SQL('AND NOT %s', condition) for condition in before),
                        self._sql_only(SQL('person.id'), partner_ids),
                    )
                )
                before.append(own)
        return SQL(' UNION ALL ').join(selects) if selects else self._sql_none()

    def _sql_only(self, column, partner_ids):
        """Return the condition that limits a builder to some contacts, to be appended to others."""
        return SQL() if partner_ids is None else SQL('AND %s = ANY(%s)', column, list(partner_ids))

    def _sql_none(self):
        """Return the SELECT of nothing, for a trigger without occasion."""
        return SQL('SELECT NULL::int, NULL::date, NULL::text, NULL::text, NULL::int WHERE false')


class RetailOccasionDate(models.Model):
    """Named dates of a day are found among those of a million customers."""

    _inherit = 'retail.occasion.date'

    _yearly_idx = models.Index('(month, day)')
