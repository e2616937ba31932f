from odoo import api, fields, models


class LoyaltyProgram(models.Model):
    """What a points program has to do with the customer club: who earns, what referrals bring, how much points may pay.

    As shipped all are off for programs that are there already.
    """

    _inherit = 'loyalty.program'

    retail_members_only = fields.Boolean(
        string='Only Members Earn',
        help='Purchases of customers who are no members of the customer club earn no points, while the club runs. Where '
        'customers become members by their first purchase, that purchase earns points already.',
    )
    retail_max_share = fields.Float(
        string='Highest Share Paid by Points (%)',
        default=100.0,
        digits=(5, 2),
        help='Discounts for points pay at most this part of an order. Free goods and services are not counted.',
    )
    retail_referral_points = fields.Float(
        string='Points for a Referral',
        help='Points for the customer who recommended us and for the new one, each, after his first purchase. 0: none.',
    )
    retail_referral_minimum = fields.Float(
        string='First Purchase of Referred From',
        default=100.0,
        help="Least amount of the new customer's first purchase, net of tax, for the points of the referral.",
    )

    _retail_check_club = models.Constraint(
        'CHECK(retail_max_share > 0 AND retail_max_share <= 100 AND retail_referral_points >= 0'
        ' AND retail_referral_minimum >= 0)',
        'The share paid by points is above 0 and at most 100; points for referrals and their minimum are not below 0.',
    )

    @api.model
    def _retail_members(self, partners, company, day=None):
        """Return those of these partners who take part in the customer club of a company: all without a running club.

        In one query. With automatic enrolment who was never a member becomes one by the purchase. With a day,
        who became a member after it did not take part.
        """
        seats = self.env['retail.membership']._seats(partners, company)

        def takes_part(partner):
            seat = seats[partner]
            if not seat.programme_id:
                return True
            if not seat.state:
                return seat.automatic
            return seat.state == 'active' and not (day and seat.enrolled_on > day)

        return partners.filtered(takes_part)

    def _retail_is_enough(self, purchase):
        """Return whether a purchase, net of returns, is large enough for the points of a referral."""
        self.ensure_one()
        amount = purchase.currency_id._convert(
            purchase.amount, self.currency_id, purchase.company_id, purchase.date, round=False
        )
        return self.currency_id.compare_amounts(amount, self.retail_referral_minimum) >= 0
