from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from . import _points
from .retail_points_entry import LEDGER_TYPES


class LoyaltyProgram(models.Model):
    """The life of points, as settings of a program. All are neutral until the shop chooses them: then core's rules hold.

    The rules in words are docs/points.md. A changed setting acts on points earned from then on.
    """

    _inherit = 'loyalty.program'

    retail_pending = fields.Boolean(
        string='Points Wait for Payment',
        help='Points can be spent once the purchase is paid and can no longer be returned. Off: at once.',
    )
    retail_return_days = fields.Integer(
        string='Days to Return Goods',
        default=7,
        help='Waiting points can be spent so many days after the purchase was paid.',
    )
    retail_expiry = fields.Selection(
        string='Points Expire',
        selection=[
            ('never', 'Never'),
            ('months', 'Months after they were earned, at the end of the month'),
            ('year', 'At the end of a year'),
            ('inactivity', 'After months without earning or spending'),
        ],
        required=True,
        default='never',
        help='When points that were not spent are lost. Customers hear of it before.',
    )
    retail_expiry_months = fields.Integer(
        string='Months Until Points Expire',
        default=12,
        help='Months after which points expire. At the end of a year: of the year in which they are over.',
    )
    retail_notice_days = fields.Char(
        string='Days of Notice',
        default='30, 7',
        help='So many days before points expire the customer is told, once each.',
    )
    retail_reinstate_days = fields.Integer(
        string='Days for Points Given Back',
        default=30,
        help='Spent points that come back after they would have expired can be spent so many days more.',
    )
    retail_earn_on = fields.Selection(
        string='Points Are Earned On',
        selection=[
            ('total', 'Amount with taxes, before rewards of points'),
            ('net', 'Amount without taxes, after rewards of points'),
        ],
        required=True,
        default='total',
        help='Amount on which rules "per amount spent" count. The first is how Odoo counts.',
    )
    retail_rounding = fields.Selection(
        string='Rounding of Points',
        selection=[
            ('cents', 'Two decimals, down'),
            ('down', 'Whole points, down'),
            ('nearest', 'Whole points, nearest'),
        ],
        required=True,
        default='cents',
        help='Points are rounded once for each order, after all rules and factors.',
    )
    retail_max_factor = fields.Float(
        string='Highest Factor',
        default=5.0,
        help='Tier factor times campaign factor is never more than this.',
    )
    retail_burn_pro_rata = fields.Boolean(
        string='Partial Returns Give Points Back',
        help='A partial return gives back that part of the points spent on the order. Off: only a full return does.',
    )
    retail_welcome_points = fields.Float(
        string='Welcome Points',
        help='Points for new members of the customer club, once. 0: none.',
    )
    retail_point_value = fields.Float(
        string='Value of a Point',
        digits=(16, 4),
        default=0.01,
        help="What a point is worth, in the program's currency, for the liability. An eWallet's is 1.",
    )
    retail_adjust_limit = fields.Float(
        string='Adjustments Need a Second Person Above',
        default=1000.0,
        help='Adjustments of more points wait until another manager approves them. What one person adjusts on one card '
        'within 24 hours counts together. 0: all of them.',
    )
    retail_liability_points = fields.Float(
        string='Points Owed',
        compute='_compute_retail_liability',
        groups='retail_crm.group_user,sales_team.group_sale_manager',
        help='Points that customers can spend now.',
    )
    retail_liability_pending = fields.Float(
        string='Points Owed, Waiting',
        compute='_compute_retail_liability',
        groups='retail_crm.group_user,sales_team.group_sale_manager',
        help='Points that customers will be able to spend.',
    )
    retail_liability_amount = fields.Monetary(
        string='Points Owed in Money',
        compute='_compute_retail_liability',
        groups='retail_crm.group_user,sales_team.group_sale_manager',
        help='Points that customers can spend now or later, at the value of a point.',
    )

    _retail_check_numbers = models.Constraint(
        'CHECK(retail_return_days BETWEEN 0 AND 366 AND retail_expiry_months BETWEEN 0 AND 240'
        ' AND retail_reinstate_days BETWEEN 0 AND 366 AND retail_max_factor >= 1)',
        'Days are from 0 to 366, months from 0 to 240, the highest factor is 1 or more.',
    )

    @api.constrains('retail_notice_days')
    def _check_retail_notice_days(self):
        """Days of notice are numbers."""
        for program in self:
            try:
                program._retail_notices()
            except ValueError:
                raise ValidationError(
                    self.env._('Days of notice are whole numbers, such as "30, 7".')
                ) from None

    @api.constrains('retail_expiry', 'retail_expiry_months')
    def _check_retail_expiry_months(self):
        """Points last at least a month where months are counted."""
        for program in self:
            if (
                program.retail_expiry in ('months', 'inactivity')
                and not program.retail_expiry_months
            ):
                raise ValidationError(self.env._('Points last at least one month.'))

    def _compute_retail_liability(self):
        """What customers could spend, by the ledger of the companies the user works in."""
        self.env['retail.points.entry'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT program_id, sum(points) FILTER (WHERE state = 'available'),
                       sum(points) FILTER (WHERE state = 'pending')
                  FROM retail_points_entry
                 WHERE program_id = ANY(%s) AND company_id = ANY(%s) GROUP BY program_id
                """,
                self._origin.ids,
                self.env.companies.root_id.ids,
            )
        )
        sums = {program_id: (now or 0.0, later or 0.0) for program_id, now, later in rows}
        # sudo: writes the cache of fields that only some groups may read
        for program in self.sudo():
            now, later = sums.get(program._origin.id, (0.0, 0.0))
            value = 1.0 if program.program_type == 'ewallet' else program.retail_point_value
            program.retail_liability_points = now
            program.retail_liability_pending = later
            program.retail_liability_amount = (now + later) * value

    def _retail_notices(self):
        """Return the days before the end on which customers are told, the longest first."""
        self.ensure_one()
        words = (self.retail_notice_days or '').replace(',', ' ').split()
        return sorted({int(word) for word in words}, reverse=True)

    def _retail_expires_on(self, earned_on):
        """Return the last day of points earned on a day, or False."""
        self.ensure_one()
        if self.program_type not in LEDGER_TYPES:
            return False
        return _points.expires_on(self.retail_expiry, self.retail_expiry_months, earned_on) or False

    @api.model
    def _points_factors(self, partners, company, day):
        """Hook: return ``{partner: factor}``, by how much the points of these customers are multiplied by their tier.

        :param company: the company that sells
        :param day: the day of the purchase
        """
        return self.env['retail.privilege']._factor_of(partners, company, day)
