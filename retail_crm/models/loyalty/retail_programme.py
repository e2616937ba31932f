from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _tiers

#: Ladders to choose from: ``{key: (settings of the programme, [(tier, colour, amount, count)])}``. The lowest tier has
#: no threshold.
LADDERS = {
    'general': (
        {'criteria': 'either', 'window_months': 12},
        [
            ('member', 0, 0, 0),
            ('silver', 7, 2000, 6),
            ('gold', 3, 6000, 15),
            ('diamond', 4, 20000, 0),
        ],
    ),
    'small': (
        {'criteria': 'either', 'window_months': 12},
        [('member', 0, 0, 0), ('silver', 7, 0, 10), ('gold', 3, 0, 30), ('diamond', 4, 0, 80)],
    ),
    'ticket': (
        {'criteria': 'either', 'window_months': 24},
        [
            ('member', 0, 0, 0),
            ('silver', 7, 5000, 0),
            ('gold', 3, 20000, 0),
            ('diamond', 4, 50000, 0),
        ],
    ),
}

#: The day from which the thresholds of a chosen ladder are valid: before any purchase.
FIRST_DAY = date(2000, 1, 1)


class RetailProgramme(models.Model):
    """The loyalty programme of a main company: what it is for, and the rules by which members hold their tiers.

    The rules in words are docs/tiers.md. While it is a draft nobody is enrolled and nothing is evaluated; it is started
    once. Changed rules act on what happens from then on: history is never rewritten.
    """

    _name = 'retail.programme'
    _description = 'Loyalty Programme'
    _inherit = ['mail.thread']
    _order = 'company_id, id'

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        domain=[('parent_id', '=', False)],
        default=lambda self: self.env.company.root_id,
        ondelete='restrict',
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        tracking=True,
        help='Who answers for the programme and its rules.',
    )
    state = fields.Selection(
        selection=[('draft', 'Draft'), ('running', 'Running')],
        required=True,
        default='draft',
        readonly=True,
        copy=False,
        tracking=True,
    )
    date_start = fields.Date(
        string='Starts On',
        copy=False,
        tracking=True,
        help='First day of the programme. Who bought before becomes a member on this day. Empty: the day of the start.',
    )
    goal = fields.Selection(
        selection=[
            ('returning', 'More customers who come back'),
            ('frequency', 'More purchases per customer'),
            ('amount', 'Higher amount per purchase'),
        ],
        required=True,
        default='returning',
        tracking=True,
        help='The one thing that the programme is for, and by which it is evaluated.',
    )
    goal_baseline = fields.Float(
        string='Goal: Before',
        tracking=True,
        help='Where the figure of the goal stood before the programme.',
    )
    goal_target = fields.Float(
        string='Goal: Target', tracking=True, help='Where the figure of the goal should be.'
    )
    goal_text = fields.Text(
        string='Goal in Words', help='What is to be reached, by when, and how it is measured.'
    )
    criteria = fields.Selection(
        selection=[('either', 'Amount or number reached'), ('both', 'Amount and number reached')],
        required=True,
        default='either',
        tracking=True,
        help='Whether one of the thresholds of a tier is enough. A threshold of 0 is not used.',
    )
    window = fields.Selection(
        selection=[
            ('rolling', 'The last months'),
            ('calendar', 'Programme year'),
            ('membership', 'Year of the membership'),
            ('lifetime', 'All purchases ever'),
        ],
        required=True,
        default='rolling',
        tracking=True,
        help='Purchases that are added up to reach a tier. With all purchases ever, a tier is never lost.',
    )
    window_months = fields.Integer(
        string='Months Counted',
        required=True,
        default=12,
        tracking=True,
        help='The last so many months up to today count to reach a tier.',
    )
    first_month = fields.Selection(
        selection=[
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
        ],
        required=True,
        default='1',
        tracking=True,
        help='Month with which the programme year begins.',
    )
    validity_months = fields.Integer(
        string='Validity (months)',
        required=True,
        default=12,
        tracking=True,
        help='A tier lasts at least so long from the day on which it is reached or renewed.',
    )
    grace_days = fields.Integer(
        string='Grace (days)',
        required=True,
        default=30,
        tracking=True,
        help='Days after the validity in which purchases can still keep the tier.',
    )
    drop = fields.Selection(
        selection=[
            ('one_down', 'To the next lower tier'),
            ('reevaluate', 'To the tier reached then'),
        ],
        string='Who Does Not Keep a Tier Falls',
        required=True,
        default='one_down',
        tracking=True,
        help='Nobody falls below the tier that the purchases counted on that day reach.',
    )
    strict = fields.Boolean(
        string='Returns Take a Tier Back',
        tracking=True,
        help='On: who returns the goods by which a tier was reached loses it at once. Off: it stays until its validity ends.',
    )
    entry_counts = fields.Boolean(
        string='First Day Counts',
        default=True,
        tracking=True,
        help='The purchases of the day on which the tier begins count for keeping it, too.',
    )
    automatic = fields.Boolean(
        string='Automatic Enrolment',
        default=True,
        tracking=True,
        help='Customers become members by their first purchase. Off: staff enrol them.',
    )
    ladder = fields.Selection(
        string='Ladder of Tiers',
        selection=[
            ('general', 'General retail: amount or number of purchases'),
            ('small', 'Small basket: number of purchases'),
            ('ticket', 'High ticket: amount in 24 months'),
        ],
        default='general',
        help='Tiers to begin with. "Use Ladder" replaces the present tiers by them, as long as nobody has one.',
    )
    tier_ids = fields.One2many(
        comodel_name='retail.tier',
        inverse_name='programme_id',
        copy=True,
        help='The ladder, from the lowest tier, which everybody has, to the highest.',
    )
    member_count = fields.Integer(
        string='Members', compute='_compute_member_count', help='Customers who take part today.'
    )
    opening_after = fields.Integer(
        readonly=True,
        copy=False,
        help='Customers with purchases are being enrolled in the background, after the one of this number. '
        '-1: all are.',
        default=-1,
    )
    is_opening = fields.Boolean(
        string='Customers Are Being Enrolled',
        compute='_compute_is_opening',
        help='Those who bought before are becoming members in the background.',
    )

    _company_uniq = models.UniqueIndex('(company_id)', 'A company has one programme.')
    _check_months = models.Constraint(
        'CHECK(window_months BETWEEN 1 AND 240 AND validity_months BETWEEN 1 AND 240 AND grace_days BETWEEN 0 AND 366)',
        'Months are from 1 to 240, days of grace from 0 to 366.',
    )

    def _compute_member_count(self):
        counts = dict(
            self.env['retail.membership']._read_group(
                [('programme_id', 'in', self.ids), ('state', '=', 'active')],
                ['programme_id'],
                ['__count'],
            )
        )
        for programme in self:
            programme.member_count = counts.get(programme, 0)

    @api.depends('opening_after')
    def _compute_is_opening(self):
        for programme in self:
            programme.is_opening = programme.opening_after >= 0

    @api.constrains('company_id')
    def _check_company_id(self):
        """Branches take part in the programme of their company."""
        if any(programme.company_id.parent_id for programme in self):
            raise UserError(
                self.env._('A programme belongs to a main company; its branches take part in it.')
            )

    def write(self, vals):
        """Refuse to move a programme to another company or to begin it on another day once it runs.

        :raise UserError: saying so
        """
        if {'company_id', 'date_start', 'active'} & set(vals) and self.filtered(
            lambda programme: programme.state == 'running'
        ):
            raise UserError(
                self.env._(
                    'The programme is running: its company and first day stay. Switch loyalty off in the settings to pause it.'
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(programme.state == 'running' for programme in self):
            raise UserError(self.env._('A programme that was started cannot be deleted.'))

    # === ACTIONS ===#

    def action_use_ladder(self):
        """Replace the tiers by those of the chosen ladder.

        :raise AccessError: for those who may not change the programme
        :raise UserError: when somebody has or had a tier already
        """
        self.ensure_one()
        self.check_access('write')
        if self.state != 'draft':
            raise UserError(
                self.env._('The programme is running: add versions to its tiers instead.')
            )
        settings, tiers = LADDERS[self.ladder or 'general']
        self.tier_ids.unlink()
        self.write(
            {
                **settings,
                'tier_ids': [
                    fields.Command.create(self._prepare_tier(place, *tier))
                    for place, tier in enumerate(tiers)
                ],
            }
        )
        self._translate_tiers([name for name, *_rest in tiers])

    def _prepare_tier(self, place, name, color, amount, count):
        """Return the values of a tier of a ladder."""
        version = {'date_from': FIRST_DAY, 'amount': amount, 'count': count}
        return {
            'name': self._tier_names()[name],
            'sequence': 10 * (place + 1),
            'color': color,
            'version_ids': [fields.Command.create(version)] if place else [],
        }

    def _tier_names(self):
        """Return the names of the tiers of ladders in the user's language."""
        return {
            'member': self.env._('Member'),
            'silver': self.env._('Silver'),
            'gold': self.env._('Gold'),
            'diamond': self.env._('Diamond'),
        }

    def _translate_tiers(self, names):
        """Name new tiers in all languages that are installed."""
        for code, _name in self.env['res.lang'].get_installed():
            programme = self.with_context(lang=code)
            translated = programme._tier_names()
            for tier, name in zip(programme.tier_ids.sorted('sequence'), names, strict=True):
                tier.name = translated[name]

    def action_start(self):
        """Start the programme; who bought before becomes a member in the background, without a word to anybody.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: when there are no tiers, or it runs already
        """
        self.ensure_one()
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can start a programme.'))
        self.check_access('write')
        if self.state == 'running':
            raise UserError(self.env._('The programme is running already.'))
        if len(self.tier_ids) < 2:
            raise UserError(self.env._('Enter at least two tiers, or use a ladder.'))
        today = self.company_id._retail_today()
        if self.date_start and self.date_start > today:
            raise UserError(self.env._('A programme starts today or started before.'))
        self.write(
            {
                'date_start': self.date_start or today,
                'state': 'running',
                'opening_after': 0 if self.automatic else -1,
            }
        )
        self.env['retail.membership']._wake_evaluation()

    def action_open_members(self):
        """Open the members of the programme."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_membership_action'
        )
        return {**action, 'domain': [('programme_id', '=', self.id)]}

    # === RULES ===#

    @api.model
    def _running(self, companies=None):
        """Return the running programmes (of these companies) for the system's use."""
        # sudo: tiers are evaluated for all companies, whoever's sale asks for it
        programmes = self.sudo().browse(self._running_ids())
        if companies is None:
            return programmes
        return programmes.filtered(lambda programme: programme.company_id in companies.root_id)

    def _to_cents(self, amount):
        """Return an amount in the smallest coin of the programme's currency."""
        return round((amount or 0) * 10**self.currency_id.decimal_places)

    def _from_cents(self, cents):
        """Return an amount of the smallest coins as a number for display."""
        return (cents or 0) / 10**self.currency_id.decimal_places

    def _threshold_words(self, amount, count, criteria=None):
        """Return an amount (formatted) and a number of purchases as the programme connects them; either may be empty."""
        self.ensure_one()
        if amount and count:
            values = {'amount': amount, 'count': count}
            if (criteria or self.criteria) == 'both':
                return self.env._('%(amount)s and %(count)s purchases', **values)
            return self.env._('%(amount)s or %(count)s purchases', **values)
        if count:
            return self.env._('%(count)s purchases', count=count)
        return amount or self.env._('No threshold')

    def _rules(self):
        """Return the rules for the engine, with the ids of the tiers as keys. A preview replaces parts of them."""
        self.ensure_one()
        return _tiers.Rules(
            tiers=tuple(
                _tiers.Tier(tier.id, tier._versions()) for tier in self.tier_ids.sorted(tier_order)
            ),
            criteria=self.criteria,
            window=self.window,
            months=self.window_months,
            first_month=int(self.first_month),
            validity=self.validity_months,
            grace=self.grace_days,
            drop=self.drop,
            strict=self.strict,
            entry_counts=self.entry_counts,
            automatic=self.automatic,
            start=self.date_start or None,
        )


def tier_order(tier):
    """Return what tiers are ordered by, the lowest first."""
    return tier.sequence, tier._origin.id or 0
