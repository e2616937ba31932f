from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from . import _yearly
from .retail_yearly_mixin import MONTHS

#: Who may see what was entered about a customer beyond the address.
FILE_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing,sales_team.group_sale_salesman'
#: Who may see income and funds.
SENSITIVE_GROUP = 'retail_crm.group_sensitive'
#: Entered fields that only ``SENSITIVE_GROUP`` may see.
SENSITIVE_FIELDS = ('retail_annual_income', 'retail_funds')

#: Nobody is older: bounds the dates that an age is turned into.
MAX_AGE = 900

GRADES = [('low', 'Weak'), ('medium', 'Fair'), ('high', 'Strong')]


class ResPartnerFile(models.Model):
    """The customer file: what was entered about a customer, by staff or by the customer himself.

    A birthday is its parts (month, day, year as far as told, lunar or not); ``birthday`` is the date they make, kept so
    that customers can be searched and grouped by it, and sets the parts when it is entered.
    """

    _name = 'res.partner'
    _inherit = ['res.partner', 'retail.yearly.mixin']

    _yearly_fields = (
        'retail_birth_month',
        'retail_birth_day',
        'retail_birth_year',
        'retail_birth_lunar',
    )
    _yearly_next = 'retail_birthday_next'

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
    retail_greeting_name = fields.Char(
        string='Name in Greetings',
        compute='_compute_retail_greeting_name',
        compute_sudo=True,  # letters may be sent by those who do not see the file
        groups='base.group_user',
        help='How letters and messages begin: the form of address, or the name.',
    )
    retail_remark = fields.Char(
        string='Remarks',
        tracking=True,
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
        tracking=True,
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
        tracking=True,
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
        store=True,
        copy=False,
        groups=FILE_GROUPS,
        help='Date of birth in the Gregorian calendar. Empty while the year is not known.',
    )
    retail_birth_month = fields.Selection(
        selection=MONTHS,
        string='Birthday: Month',
        tracking=True,
        copy=False,
        groups=FILE_GROUPS,
        help='Month of the birthday; of the lunar calendar where that is ticked.',
    )
    retail_birth_day = fields.Integer(
        string='Birthday: Day',
        aggregator=None,
        tracking=True,
        copy=False,
        groups=FILE_GROUPS,
        help='Day of the month.',
    )
    retail_birth_year = fields.Integer(
        string='Birthday: Year',
        aggregator=None,
        tracking=True,
        copy=False,
        groups=FILE_GROUPS,
        help='0: the customer did not tell.',
    )
    retail_birth_lunar = fields.Boolean(
        string='Lunar Birthday',
        tracking=True,
        copy=False,
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
        aggregator='avg',
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

    # for the birthdays of a day among a million customers
    _retail_birthday_idx = models.Index(
        '(retail_birth_month, retail_birth_day) WHERE retail_birth_month IS NOT NULL'
    )

    def _auto_init(self):
        """Add the date of birth empty: the ORM would compute it for each of a million contacts, of whom none has one."""
        if not column_exists(self.env.cr, 'res_partner', 'birthday'):
            create_column(self.env.cr, 'res_partner', 'birthday', 'date')
        return super()._auto_init()

    # === COMPUTE ===#

    @api.depends('retail_salutation', 'name')
    def _compute_retail_greeting_name(self):
        for partner in self:
            partner.retail_greeting_name = partner.retail_salutation or partner.name

    def _date_of_birth(self):
        """Return the date that the parts make, or False."""
        month, day, year, lunar = self._yearly()
        known = year and _yearly.is_possible(month, day, year, lunar)
        return known and _yearly.occurrence(year, month, day, lunar)

    @api.depends(
        'retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'
    )
    def _compute_birthday(self):
        for partner in self:
            partner.birthday = partner._date_of_birth()

    def _inverse_birthday(self):
        """Take the parts from a date; an empty date empties them.

        Parts that say the same stay: a lunar birthday comes back from a form or a file together with its date, and one
        without year with an empty date.
        """
        for partner in self:
            day = partner.birthday
            if (day or False) == (partner._date_of_birth() or False):
                continue
            partner.write(
                {
                    'retail_birth_month': str(day.month) if day else False,
                    'retail_birth_day': day.day if day else 0,
                    'retail_birth_year': day.year if day else 0,
                    'retail_birth_lunar': False,
                }
            )

    @api.depends(
        'retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'
    )
    def _compute_retail_birthday(self):
        today = fields.Date.context_today(self)
        for partner in self:
            birth = partner._date_of_birth()
            partner.retail_birthday_text = partner._yearly_text()
            partner.retail_birthday_next = partner._next_yearly(today)
            partner.retail_age = birth and max(_yearly.age_on(today, birth), 0)

    def _search_retail_birthday_next(self, operator, value):
        return self._search_yearly(operator, value)

    def _search_retail_age(self, operator, value):
        """Search by age: who is at least 30 was born 30 years ago or before. An unknown age is no age."""
        today = fields.Date.context_today(self)

        def at_least(age):
            """Return the domain of those who are ``age`` or older."""
            born = today - relativedelta(years=max(-1, min(int(age), MAX_AGE)))
            return Domain('birthday', '<=', born)

        known = Domain('birthday', '!=', False)
        if operator == 'in':
            parts = [at_least(age) & ~at_least(age + 1) & known for age in value if age]
            if any(not age for age in value):
                parts.append(~known)
            return Domain.OR(parts)
        if operator not in ('<', '<=', '>', '>='):
            return NotImplemented
        older = at_least(value + 1 if operator in ('>', '<=') else value)
        return older if operator[0] == '>' else known & ~older

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let lists be sorted and grouped by age, which is not stored: it grows by itself."""
        if field_expr != 'retail_age':
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], 'read')
        return SQL(
            'EXTRACT(YEAR FROM age(%s, %s))::int',
            fields.Date.context_today(self),
            self._field_to_sql(alias, 'birthday', query),
        )

    def _read_group_groupby(self, alias, groupby_spec, query):
        """Ask for the groups of tags: Odoo asks where it reads a field's own column, and tags have none."""
        field = self._fields.get(groupby_spec.partition('.')[0].partition(':')[0])
        if field and field.type == 'many2many' and field.groups:
            self._check_field_access(field, 'read')
        return super()._read_group_groupby(alias, groupby_spec, query)

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
        partners.sudo().filtered('retail_preference_ids')._announce_changed()
        return partners

    def write(self, vals):
        """Have the classes follow: somebody with an interest is a potential customer."""
        if 'retail_preference_ids' not in vals:
            return super().write(vals)
        context = self.env.context
        if not context.get('tracking_disable') and not context.get('mail_notrack'):
            self._track_prepare(['retail_preference_ids'])
        result = super().write(vals)
        self._announce_changed()
        return result

    def _track_prepare(self, fields_iter):
        """Leave out preferences unless they alone are asked for: each write would read the table of their relation."""
        names = list(fields_iter)
        if names != ['retail_preference_ids']:
            names = [name for name in names if name != 'retail_preference_ids']
        return super()._track_prepare(names)

    # === ACTIONS ===#

    def action_retail_file(self):
        """Open the customer file: the form of one customer, the list of several.

        :raise AccessError: for those who do not see files
        """
        if not self.env.user.has_groups(FILE_GROUPS):
            raise AccessError(self.env._('Only those who serve customers may open their files.'))
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.res_partner_action_file')
        if len(self) != 1:
            return {**action, 'domain': [('id', 'in', self.ids)], 'context': {}}
        form = [view for view in action['views'] if view[1] == 'form']
        return {**action, 'views': form, 'view_mode': 'form', 'res_id': self.id, 'context': {}}
