from odoo import api, fields, models

from .retail_yearly_mixin import MONTHS


class RetailOccasionDate(models.Model):
    """A day that matters to one customer and comes back every year: a wedding day, a child's birthday."""

    _name = 'retail.occasion.date'
    _description = 'Named Date'
    _inherit = ['retail.yearly.mixin']
    _order = 'partner_id, month_number, day, id'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    kind = fields.Selection(
        selection=[
            ('wedding', 'Wedding day'),
            ('child', "Child's birthday"),
            ('partner', "Partner's birthday"),
            ('member', 'Customer since'),
            ('business', 'Business anniversary'),
            ('other', 'Other'),
        ],
        required=True,
        default='wedding',
        help='What the day is about.',
    )
    name = fields.Char(
        string='Remark', help='For whom or for what, for example the name of the child.'
    )
    month = fields.Selection(selection=MONTHS, required=True, help='Month of the day.')
    month_number = fields.Integer(
        compute='_compute_month_number',
        store=True,
        help='The month as a number, by which lists are sorted.',
    )
    day = fields.Integer(required=True, help='Day of the month.')
    year = fields.Integer(help='Year in which it happened first. 0: unknown.')
    is_lunar = fields.Boolean(string='Lunar', help='Month and day are of the lunar calendar.')
    next_date = fields.Date(
        compute='_compute_next_date',
        search='_search_next_date',
        help='Next date on which the day is kept. 29 February is kept on 28 February in other years.',
    )
    text = fields.Char(string='In Words', compute='_compute_text', help='The day in words.')

    @api.depends('month')
    def _compute_month_number(self):
        for record in self:
            record.month_number = int(record.month or 0)

    @api.depends('month', 'day', 'is_lunar')
    def _compute_next_date(self):
        today = fields.Date.context_today(self)
        for record in self:
            record.next_date = record._next_yearly(today)

    def _search_next_date(self, operator, value):
        return self._search_yearly(operator, value)

    @api.depends('month', 'day', 'year', 'is_lunar')
    def _compute_text(self):
        for record in self:
            record.text = record._yearly_text()

    @api.depends('kind', 'name', 'text')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for record in self:
            parts = (kinds.get(record.kind), record.name, record.text)
            record.display_name = ', '.join(part for part in parts if part)

    @api.constrains('month', 'day', 'year', 'is_lunar')
    def _check_day(self):
        self._check_yearly()
