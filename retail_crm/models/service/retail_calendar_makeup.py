from odoo import api, fields, models
from odoo.exceptions import ValidationError

WEEKDAYS = [
    ('0', 'Monday'),
    ('1', 'Tuesday'),
    ('2', 'Wednesday'),
    ('3', 'Thursday'),
    ('4', 'Friday'),
    ('5', 'Saturday'),
    ('6', 'Sunday'),
]


class RetailCalendarMakeup(models.Model):
    """A day that is worked though its weekday is free, with the hours of another weekday (调休, defaults 3).

    Written by managers, by hand or from the file of a year. All of Odoo that asks a calendar for its hours gets them.
    """

    _name = 'retail.calendar.makeup'
    _description = 'Make-up Working Day'
    _order = 'date, id'

    name = fields.Char(string='Occasion', help='What the day makes up for, for example a holiday.')
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Working Hours',
        required=True,
        index=True,
        ondelete='cascade',
        help='Calendar in which the day is worked.',
    )
    company_id = fields.Many2one(related='calendar_id.company_id', store=True)
    date = fields.Date(
        string='Worked On', required=True, help='Day that is worked, in the zone of the calendar.'
    )
    dayofweek = fields.Selection(
        selection=WEEKDAYS,
        string='Hours Of',
        required=True,
        default='0',
        help='Weekday whose hours are worked on that day, instead of its own.',
    )

    _calendar_date_uniq = models.Constraint(
        'UNIQUE(calendar_id, date)', 'This calendar has a make-up day on that date already.'
    )

    @api.constrains('calendar_id', 'dayofweek')
    def _check_dayofweek(self):
        """A day with the hours of a free weekday would be free: surely not what is meant."""
        for day in self:
            hours = day.calendar_id.attendance_ids.filtered(lambda line: not line.display_type)
            if hours and day.dayofweek not in hours.mapped('dayofweek'):
                raise ValidationError(
                    self.env._(
                        'Nobody works on %(weekday)s in the calendar "%(calendar)s": choose another weekday.',
                        weekday=dict(self._fields['dayofweek']._description_selection(self.env))[
                            day.dayofweek
                        ],
                        calendar=day.calendar_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        days = super().create(vals_list)
        self.env.registry.clear_cache()  # of the working time of calendars
        return days

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()
