from base64 import b64decode, b64encode
from datetime import timedelta

from pytz import timezone, utc

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _holiday_csv

TEMPLATE = (
    'Kind,From,To,Hours of,Name\n'
    'holiday,2027-10-01,2027-10-07,,National Day\n'
    'make-up,2027-10-09,,Thursday,National Day\n'
    'holiday,2027-02-05 17:00,2027-02-06,,Spring Festival\n'
)
#: Bad rows that are told at once.
SHOWN_ROWS = 20


class RetailCalendarImport(models.TransientModel):
    """Takes the holidays and make-up days of a year, as the state announced them, into calendars (defaults 3).

    All or nothing: any bad row is told, and nothing is written. The same file may be taken again. Deadlines of open
    tickets that are counted in one of the calendars are planned again.
    """

    _name = 'retail.calendar.import'
    _description = 'Holidays of a Year'

    calendar_ids = fields.Many2many(
        comodel_name='resource.calendar',
        string='Calendars',
        required=True,
        default=lambda self: self._default_calendar_ids(),
        help='Calendars in which the days are free or worked. Stores that open on holidays are left out.',
    )
    file = fields.Binary(
        string='CSV File',
        help='Columns: Kind (holiday or make-up), From, To (empty: one day), Hours of (weekday whose hours are worked), '
        'Name. Dates as 2027-10-01, with a time as 2027-02-05 17:00, in the zone of the calendar.',
    )
    filename = fields.Char(help='Name of the file.')
    template_file = fields.Binary(
        string='File to Begin With', compute='_compute_template_file', help='A file with headers.'
    )

    @api.model
    def _default_calendar_ids(self):
        office = self.env.ref('retail_crm.resource_calendar_office', raise_if_not_found=False)
        return office or self.env.company.resource_calendar_id

    def _compute_template_file(self):
        for wizard in self:
            wizard.template_file = b64encode(TEMPLATE.encode('utf-8-sig'))

    def _check_manager(self):
        """Refuse whoever may not set calendars.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager imports holidays.'))
        self.calendar_ids.check_access('read')

    def action_template(self):
        """Download the file to begin with."""
        self.ensure_one()
        self._check_manager()
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self._name}/{self.id}/template_file/holidays.csv?download=true',
            'target': 'download',
        }

    def action_import(self):
        """Write the days of the file into the calendars.

        :raise AccessError: for those who are no managers
        :raise UserError: for a file that cannot be read, and for bad rows; nothing is written then
        """
        self.ensure_one()
        self._check_manager()
        rows = self._read()
        # sudo: managers of the shop set its holidays, and only Settings administrators may write calendars
        calendars_sudo = self.calendar_ids.sudo()
        for calendar_sudo in calendars_sudo:
            self._write_holidays(calendar_sudo, [row for row in rows if row['kind'] == 'holiday'])
            self._write_makeups(calendar_sudo, [row for row in rows if row['kind'] == 'makeup'])
        tickets = calendars_sudo._retail_replan_tickets()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    'Rows imported: %(rows)s. Open tickets planned again: %(tickets)s.',
                    rows=len(rows),
                    tickets=len(tickets),
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _read(self):
        """Return the rows of the file.

        :raise UserError: with all that is wrong
        """
        if not self.file:
            raise UserError(self.env._('Choose a file.'))
        try:
            rows = _holiday_csv.read(b64decode(self.file))
        except _holiday_csv.BadFile as error:
            raise UserError(self._errors()[error.args[0]]) from error
        reasons = self._errors()
        bad = [(line, reasons[reason]) for line, _row, reason in rows if reason]
        good = [row for _line, row, _reason in rows if row]
        holidays = [row for row in good if row['kind'] == 'holiday']
        bad += [
            (line, reasons['both'])
            for line, row, _reason in rows
            if row
            and row['kind'] == 'makeup'
            and any(day['from'] < row['to'] and row['from'] < day['to'] for day in holidays)
        ]
        if bad or not good:
            lines = [
                self.env._('Line %(line)s: %(reason)s', line=line, reason=reason)
                for line, reason in sorted(bad)[:SHOWN_ROWS]
            ]
            raise UserError('\n'.join(lines) or reasons['columns'])
        return good

    def _errors(self):
        """Return what can be wrong, in words."""
        return {
            'size': self.env._('The file is too big for the days of a year.'),
            'encoding': self.env._('The file is no text in UTF-8.'),
            'csv': self.env._('The file is no CSV.'),
            'columns': self.env._(
                'The first row must name the columns, at least Kind and From, and days must follow.'
            ),
            'kind': self.env._('The kind is neither holiday nor make-up.'),
            'date': self.env._('A date is missing or not like 2027-10-01.'),
            'order': self.env._('It ends before it begins.'),
            'weekday': self.env._('There is no such weekday.'),
            'whole': self.env._('A make-up day is a whole day.'),
            'both': self.env._('The day is a holiday and a make-up day at once.'),
        }

    def _write_holidays(self, calendar_sudo, rows):
        """Write what is not there yet; the name follows the file."""
        zone = timezone(calendar_sudo.tz)
        known = {(leave.date_from, leave.date_to): leave for leave in calendar_sudo.leave_ids}
        new = []
        for row in rows:
            start, stop = (
                zone.localize(row[key]).astimezone(utc).replace(tzinfo=None)
                for key in ('from', 'to')
            )
            stop -= timedelta(seconds=1)  # as core ends a day
            leave = known.get((start, stop))
            if leave and not leave.resource_id:
                if leave.name != row['name']:
                    leave.name = row['name']
                continue
            new.append(
                {
                    'name': row['name'],
                    'calendar_id': calendar_sudo.id,
                    'date_from': start,
                    'date_to': stop,
                    'resource_id': False,
                }
            )
        self.env['resource.calendar.leaves'].sudo().create(new)

    def _write_makeups(self, calendar_sudo, rows):
        known = {day.date: day for day in calendar_sudo.retail_makeup_ids}
        new = []
        for row in rows:
            day = row['from'].date()
            while day < row['to'].date():
                values = {'dayofweek': row['weekday'], 'name': row['name']}
                if day in known:
                    known[day].write(values)
                else:
                    new.append({**values, 'date': day, 'calendar_id': calendar_sudo.id})
                day += timedelta(days=1)
        self.env['retail.calendar.makeup'].sudo().create(new)
