from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

KINDS = [
    ('greeting', 'Greeting'),
    ('promotion', 'Promotion'),
    ('no_contact', 'No advertising'),
]
#: Months before the last occasion of the calendar in which somebody is asked to continue it.
REMIND_MONTHS = 12
#: Days until the reminder is due.
REMIND_DAYS = 30


class RetailOccasion(models.Model):
    """A holiday or occasion on a date, one row a year: some move with the lunar calendar (S-FUP-04).

    Marketing and managers keep the calendar. Those switched on make greetings by the rules of the trigger "occasion"; on
    days without advertising marketing waits. Invariant: an occasion is there once a day in a company.
    """

    _name = 'retail.occasion'
    _description = 'Occasion'
    _order = 'date, sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help='The same in all years: rules and reports know the occasion by it.')
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        default='greeting',
        help='Greetings go to rules of greeting, promotions to those of promotion. On days without advertising no '
        'marketing leaves.',
    )
    date = fields.Date(required=True, index=True, help='Day of the occasion in this year.')
    year = fields.Integer(
        compute='_compute_year', store=True, aggregator=None, help='Year of the date.'
    )
    is_on = fields.Boolean(
        string='On', help='Only occasions that are on make greetings, or keep marketing back.'
    )
    sequence = fields.Integer(
        default=10,
        help='Of two occasions on one day customers are greeted for the first that is for them.',
    )
    segment_ids = fields.Many2many(
        comodel_name='retail.segment',
        relation='retail_occasion_segment_rel',
        column1='occasion_id',
        column2='segment_id',
        string='Segments',
        help='Only customers of at least one of these. Empty: all that the rule is for.',
    )
    text = fields.Text(
        translate=True, help='Words for the greeting, put in the place of {occasion}.'
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        ondelete='cascade',
        help='Main company that keeps this day. Empty: all companies.',
    )
    active = fields.Boolean(default=True)

    _day_uniq = models.UniqueIndex(
        '(code, date, COALESCE(company_id, 0)) WHERE code IS NOT NULL',
        'This occasion is in the calendar on that day already.',
    )

    @api.depends('date')
    def _compute_year(self):
        for occasion in self:
            occasion.year = occasion.date.year if occasion.date else 0

    # === ASKING ===#

    @api.model
    def _of_rule(self, rule, company, first, last):
        """Return the occasions that are on from first to last for a rule: promotions for rules of promotion."""
        kind = 'promotion' if rule.family == 'promotion' else 'greeting'
        domain = [
            ('is_on', '=', True),
            ('kind', '=', kind),
            ('date', '>=', first),
            ('date', '<=', last),
            ('company_id', 'in', [False, company.id]),
        ]
        if rule.occasion_code:
            domain.append(('code', '=', rule.occasion_code))
        return self.sudo().search(domain)  # sudo: the calendar is read by whoever plans

    @api.model
    def _no_contact_on(self, company, day):
        """Return the occasion for which no marketing leaves on a day, or none."""
        # sudo: asked by whatever sends
        return self.sudo().search(
            [
                ('is_on', '=', True),
                ('kind', '=', 'no_contact'),
                ('date', '=', day),
                ('company_id', 'in', [False, company.root_id.id]),
            ],
            limit=1,
        )

    def _sql_is_for(self, company):
        """Return the condition that a contact ``person`` is one of those this occasion is for."""
        self.ensure_one()
        if not self.segment_ids:
            return SQL('true')
        return SQL(
            """EXISTS (SELECT FROM retail_segment_member AS meant
                 JOIN retail_segment AS segment ON segment.id = meant.segment_id AND segment.company_id = %s
                WHERE meant.partner_id = person.commercial_partner_id AND meant.left_on IS NULL
                  AND meant.segment_id = ANY(%s))""",
            company.id,
            self.segment_ids.ids,
        )

    # === SCHEDULED ACTION ===#

    @api.model
    def _cron_remind(self):
        """Ask once a year, when the last year of the calendar comes near, that somebody enters the next ones."""
        last = self.search([('is_on', '=', True)], order='date desc', limit=1)
        today = fields.Date.context_today(self)
        if not last or last.date > today + relativedelta(months=REMIND_MONTHS):
            return
        rules = self.env['retail.care.rule'].search([('trigger', '=', 'occasion')])
        summary = self.env._('The calendar of occasions ends on %(date)s', date=last.date)
        for rule in rules:
            asked = rule.activity_ids.filtered(lambda item: item.summary == summary)
            if not asked:
                rule.activity_schedule(
                    'mail.mail_activity_data_todo',
                    date_deadline=today + timedelta(days=REMIND_DAYS),
                    summary=summary,
                    note=self.env._(
                        'Enter the dates of the next years under Configuration > Care > Occasions: holidays of the '
                        'lunar calendar fall on another date each year.'
                    ),
                    user_id=rule.user_id.id,
                )


class RetailFollowup(models.Model):
    """Marketing waits on days without advertising."""

    _inherit = 'retail.followup'

    @api.model
    def _no_contact_day(self, company, day):
        name = super()._no_contact_day(company, day)
        return name or self.env['retail.occasion']._no_contact_on(company, day).name or ''
