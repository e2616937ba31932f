from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from . import _yearly
from .retail_yearly_mixin import MONTHS

#: Who may see what was entered about a customer beyond the address.
FILE_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing,sales_team.group_sale_salesman'
#: Who may see income and funds.
SENSITIVE_GROUP = 'retail_crm.group_sensitive'
#: Entered fields that only ``SENSITIVE_GROUP`` may see.
SENSITIVE_FIELDS = ('retail_annual_income', 'retail_funds')

GRADES = [('low', 'Weak'), ('medium', 'Fair'), ('high', 'Strong')]


class ResPartnerFile(models.Model):
    """The customer file: what was entered about a customer, by staff or by the customer himself."""

    _name = 'res.partner'
    _inherit = ['res.partner', 'retail.yearly.mixin']

    _yearly_fields = (
        'retail_birth_month',
        'retail_birth_day',
        'retail_birth_year',
        'retail_birth_lunar',
    )

    # --- contact
    retail_preferred_channel_id = fields.Many2one(
        comodel_name='retail.channel',
        string='Preferred Channel',
        index='btree_not_null',
        ondelete='set null',
        tracking=True,
        groups=FILE_GROUPS,
        help='How the customer wants to be reached. Follow-ups and notices use it and warn when another is chosen.',
    )
    retail_salutation = fields.Char(
        string='Form of Address',
        groups=FILE_GROUPS,
        help='How the customer is addressed, for example "Ms Chen" or "Dr Li". Used on cards and in messages.',
    )
    retail_pronunciation = fields.Char(
        string='Pronunciation',
        groups=FILE_GROUPS,
        help='How the name is spoken, for those who greet the customer.',
    )
    retail_remark = fields.Char(
        string='Remarks',
        groups=FILE_GROUPS,
        help='What everybody who serves the customer should know. Shown on the card; never shown to the customer.',
    )
    retail_special_need = fields.Char(
        string='Special Needs',
        groups=FILE_GROUPS,
        tracking=True,
        help='What has to be taken care of, for example a wheelchair or an allergy. Shown on the card and on orders.',
    )
    retail_adviser_id = fields.Many2one(
        comodel_name='res.users',
        string='Adviser',
        domain=[('share', '=', False)],
        index='btree_not_null',
        ondelete='set null',
        tracking=True,
        groups=FILE_GROUPS,
        help='Looks after this customer: gets the calls, the birthdays and the requests.',
    )
    retail_source_id = fields.Many2one(
        comodel_name='utm.source',
        string='Source',
        index='btree_not_null',
        ondelete='set null',
        groups=FILE_GROUPS,
        help='Where the customer came from.',
    )
    retail_referrer_id = fields.Many2one(
        comodel_name='res.partner',
        string='Referred By',
        index='btree_not_null',
        ondelete='set null',
        tracking=True,
        groups=FILE_GROUPS,
        help='The customer who recommended us.',
    )
    retail_preference_ids = fields.Many2many(
        comodel_name='retail.preference',
        string='Preferences',
        groups=FILE_GROUPS,
        help='What the customer likes or needs.',
    )
    retail_checked_on = fields.Date(
        string='Data Confirmed On',
        groups=FILE_GROUPS,
        help='When the customer last confirmed name, contact data and preferences.',
    )
    # --- birthday
    birthday = fields.Date(
        string='Date of Birth',
        compute='_compute_birthday',
        inverse='_inverse_birthday',
        search='_search_birthday',
        groups=FILE_GROUPS,
        help='Date of birth in the Gregorian calendar, as far as the year is known.',
    )
    retail_birth_month = fields.Selection(
        selection=MONTHS, string='Birthday: Month', tracking=True, groups=FILE_GROUPS
    )
    retail_birth_day = fields.Integer(
        string='Birthday: Day',
        aggregator=None,
        tracking=True,
        groups=FILE_GROUPS,
        help='Day of the month.',
    )
    retail_birth_year = fields.Integer(
        string='Birthday: Year',
        aggregator=None,
        tracking=True,
        groups=FILE_GROUPS,
        help='0: the customer did not tell.',
    )
    retail_birth_lunar = fields.Boolean(
        string='Lunar Birthday',
        groups=FILE_GROUPS,
        help='Month and day are of the lunar calendar: the birthday falls on another date each year.',
    )
    retail_birthday_text = fields.Char(
        string='Birthday',
        compute='_compute_retail_birthday',
        groups=FILE_GROUPS,
        help='The birthday in words.',
    )
    retail_birthday_next = fields.Date(
        string='Next Birthday',
        compute='_compute_retail_birthday',
        search='_search_retail_birthday_next',
        groups=FILE_GROUPS,
        help='Next date on which the birthday is kept. 29 February is kept on 28 February in other years.',
    )
    retail_age = fields.Integer(
        string='Age',
        compute='_compute_retail_birthday',
        search='_search_retail_age',
        groups=FILE_GROUPS,
        help='Age in full years. 0: the year of birth is not known.',
    )
    retail_occasion_date_ids = fields.One2many(
        comodel_name='retail.occasion.date',
        inverse_name='partner_id',
        string='Named Dates',
        groups=FILE_GROUPS,
        help="Other days that come back every year: a wedding day, a child's birthday.",
    )
    # --- basic data (L17)
    retail_family = fields.Text(
        string='Family Background', groups=FILE_GROUPS, help='Household, children, family business.'
    )
    retail_occupation = fields.Char(
        string='Occupation', groups=FILE_GROUPS, help='What the customer does for a living.'
    )
    retail_education = fields.Selection(
        selection=[
            ('school', 'School'),
            ('vocational', 'Vocational training'),
            ('bachelor', "Bachelor's degree"),
            ('master', "Master's degree or higher"),
        ],
        string='Education',
        groups=FILE_GROUPS,
        help='Highest degree.',
    )
    retail_personality = fields.Char(
        string='Personality', groups=FILE_GROUPS, help='Temper and leanings, as staff know them.'
    )
    retail_network = fields.Text(
        string='Network of Contacts',
        groups=FILE_GROUPS,
        help='Whom the customer knows: relatives, colleagues and friends who buy here as well.',
    )
    retail_annual_income = fields.Monetary(
        string='Annual Income',
        currency_field='retail_currency_id',
        groups=SENSITIVE_GROUP,
        help='Yearly income in the company currency, as far as the customer told it. Opening it is logged.',
    )
    retail_funds = fields.Selection(
        selection=[('tight', 'Tight'), ('sufficient', 'Sufficient'), ('ample', 'Ample')],
        string='Funds',
        groups=SENSITIVE_GROUP,
        help='How much the customer can spend. Opening it is logged.',
    )
    # --- characteristics (L17)
    retail_dealing = fields.Selection(
        selection=[
            ('easy', 'Easy-going'),
            ('factual', 'Factual'),
            ('careful', 'Careful'),
            ('demanding', 'Demanding'),
            ('impatient', 'Impatient'),
        ],
        string='Way of Dealing',
        groups=FILE_GROUPS,
        help='How the customer deals with people. Never shown to the customer.',
    )
    retail_management = fields.Selection(
        selection=GRADES,
        string='Management',
        groups=FILE_GROUPS,
        help='How well the business is run. For companies; never shown to the customer.',
    )
    # --- business situation (L17), of companies
    retail_strength = fields.Selection(
        selection=GRADES,
        string='Financial Strength',
        groups=FILE_GROUPS,
        help='Means of the company.',
    )
    retail_cost_control = fields.Selection(
        selection=GRADES,
        string='Cost Control',
        groups=FILE_GROUPS,
        help='Cost budget and how it is kept.',
    )
    retail_sales_situation = fields.Selection(
        selection=GRADES, string='Sales Situation', groups=FILE_GROUPS, help='How it sells now.'
    )
    retail_cost_recovery = fields.Selection(
        selection=GRADES,
        string='Cost Recovery',
        groups=FILE_GROUPS,
        help='How fast costs come back.',
    )

    # === COMPUTE ===#

    @api.depends(
        'retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'
    )
    def _compute_birthday(self):
        for partner in self:
            month, day, year, lunar = partner._yearly()
            known = year and _yearly.is_possible(month, day, year, lunar)
            partner.birthday = known and _yearly.occurrence(year, month, day, lunar)

    def _inverse_birthday(self):
        """Take the parts from a date; an empty date empties them."""
        for partner in self:
            day = partner.birthday
            partner.write(
                {
                    'retail_birth_month': str(day.month) if day else False,
                    'retail_birth_day': day.day if day else 0,
                    'retail_birth_year': day.year if day else 0,
                    'retail_birth_lunar': False,
                }
            )

    def _search_birthday(self, operator, value):
        """Search dates of birth as entered in the Gregorian calendar; lunar ones by their year only."""
        if operator == 'in':
            parts = []
            for day in value:
                if not day:
                    parts.append(Domain('retail_birth_year', 'in', (0, False)))
                    continue
                day = fields.Date.to_date(day)
                parts.append(
                    Domain('retail_birth_year', '=', day.year)
                    & Domain('retail_birth_month', '=', str(day.month))
                    & Domain('retail_birth_day', '=', day.day)
                    & Domain('retail_birth_lunar', '!=', True)
                )
            return Domain.OR(parts)
        if operator not in ('<', '<=', '>', '>='):
            return NotImplemented
        day = fields.Date.to_date(value)
        months = [str(month) for month in range(1, 13)]
        beyond = months[: day.month - 1] if operator[0] == '<' else months[day.month :]
        same_year = Domain('retail_birth_year', '=', day.year) & (
            Domain('retail_birth_month', 'in', beyond)
            | Domain('retail_birth_month', '=', str(day.month))
            & Domain('retail_birth_day', operator, day.day)
        )
        known = Domain('retail_birth_year', '>', 0)
        return known & (Domain('retail_birth_year', operator[0], day.year) | same_year)

    @api.depends(
        'retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'
    )
    def _compute_retail_birthday(self):
        today = fields.Date.context_today(self)
        for partner in self:
            partner.retail_birthday_text = partner._yearly_text()
            partner.retail_birthday_next = partner._next_yearly(today)
            partner.retail_age = partner.birthday and _yearly.age_on(today, partner.birthday)

    def _search_retail_birthday_next(self, operator, value):
        return self._search_yearly(operator, value)

    def _search_retail_age(self, operator, value):
        """Search by age: who is at least 30 was born 30 years ago or before."""
        today = fields.Date.context_today(self)

        def born_before(age):
            """Return the domain of those who are ``age`` or older."""
            return Domain('birthday', '<=', today - relativedelta(years=int(age)))

        if operator == 'in':
            known = [
                born_before(age) & ~born_before(age + 1) & Domain('retail_birth_year', '>', 0)
                for age in value
                if age
            ]
            unknown = (
                [Domain('retail_birth_year', 'in', (0, False))]
                if any(not age for age in value)
                else []
            )
            return Domain.OR([*known, *unknown])
        if operator not in ('<', '<=', '>', '>='):
            return NotImplemented
        known = Domain('retail_birth_year', '>', 0)
        age = value + 1 if operator in ('>', '<=') else value
        return born_before(age) if operator[0] == '>' else known & ~born_before(age)

    # === CHECK ===#

    @api.constrains(
        'retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'
    )
    def _check_retail_birthday(self):
        self._check_yearly()

    @api.constrains('retail_referrer_id')
    def _check_retail_referrer_id(self):
        for partner in self:
            if partner.retail_referrer_id.commercial_partner_id == partner.commercial_partner_id:
                raise ValidationError(self.env._('Nobody can be referred by himself.'))

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        # sudo: whoever makes a contact may not see its file
        partners.sudo().filtered('retail_preference_ids')._announce_interests()
        return partners

    def write(self, vals):
        result = super().write(vals)
        if 'retail_preference_ids' in vals:
            self._announce_interests()
        return result

    def _announce_interests(self):
        """Have the classes follow: somebody with an interest is a potential customer."""
        self.env['retail.moment']._emit('partner_changed', self)
