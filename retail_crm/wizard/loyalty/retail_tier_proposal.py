from decimal import ROUND_CEILING, Decimal
from math import exp, log

from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...models.loyalty.retail_programme import FIRST_DAY

#: Shares of the customers, in percent, that reach the first tier, the middle one and the last one.
SHARES = (25.0, 8.0, 1.5)


def percentiles(count):
    """Return the percentile of each of so many tiers: 75, 92 and 98.5 for three.

    Of fewer the first, or the first and the last; of more the shares between fall by the same factor from tier to tier.
    """
    if count == 1:
        return [100 - SHARES[0]]
    result = []
    for place in range(count):
        at = 2 * place / (count - 1)
        low = min(int(at), 1)
        part = at - low
        share = exp(log(SHARES[low]) * (1 - part) + log(SHARES[low + 1]) * part)
        result.append(round(100 - share, 2))
    return result


def round_up(value):
    """Return a number rounded upward to two significant digits; 0 for 0 and below."""
    value = Decimal(str(value))
    if value <= 0:
        return Decimal(0)
    step = Decimal(1).scaleb(value.adjusted() - 1)
    return (value / step).to_integral_value(ROUND_CEILING) * step


class RetailTierProposal(models.TransientModel):
    """Thresholds by what customers buy, shown before they are used: in a programme that does not run yet, or a preview."""

    _name = 'retail.tier.proposal'
    _description = 'Thresholds From Our Data'

    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        ondelete='cascade',
        help='Programme whose customers are measured.',
    )
    preview_id = fields.Many2one(
        comodel_name='retail.tier.preview',
        ondelete='cascade',
        help='Preview that gets the thresholds. Empty: the programme while it is a draft, or a new preview.',
    )
    use_amount = fields.Boolean(
        string='By Amount', default=True, help='Thresholds on the amount are proposed.'
    )
    use_count = fields.Boolean(
        string='By Number of Purchases',
        default=True,
        help='Thresholds on the number of purchases are proposed.',
    )
    customer_count = fields.Integer(
        string='Customers Measured', readonly=True, help='Customers whose purchases were added up.'
    )
    date_from = fields.Date(
        string='Purchases From', readonly=True, help='First day counted. Empty: from the beginning.'
    )
    date_to = fields.Date(string='Purchases To', readonly=True, help='Last day counted.')
    line_ids = fields.One2many(
        comodel_name='retail.tier.proposal.line',
        inverse_name='proposal_id',
        string='Tiers',
        help='What is proposed for each tier.',
    )

    @api.model
    def _open(self, programme, preview=None):
        """Measure customers and show what is proposed.

        :raise UserError: when there is nothing to measure or no tier to reach
        """
        tiers = programme.tier_ids.filtered(lambda tier: not tier.is_base).sorted('sequence')
        if not tiers:
            raise UserError(self.env._('Enter at least two tiers, or use a ladder.'))
        rules = preview or programme
        start, end = self._window(programme, rules)
        shares = percentiles(len(tiers))
        measured = self._sql_measured(programme, start, end)
        [(customers, amounts, counts)] = self.env.execute_query(
            SQL(
                """
                SELECT count(*), percentile_disc(%(at)s) WITHIN GROUP (ORDER BY amount),
                       percentile_disc(%(at)s) WITHIN GROUP (ORDER BY count)
                  FROM (%(measured)s) AS measured
                """,
                at=[share / 100 for share in shares],
                measured=measured,
            )
        )
        if not customers:
            raise UserError(self.env._('There are no purchases to measure yet.'))
        versions = tiers.mapped('version_ids')
        proposal = self.create(
            {
                'programme_id': programme.id,
                'preview_id': preview.id if preview else False,
                'use_amount': not versions or any(version.amount for version in versions),
                'use_count': any(version.count for version in versions),
                'customer_count': customers,
                'date_from': start,
                'date_to': end,
                'line_ids': [
                    Command.create(self._prepare_line(measured, tier, share, amount, count))
                    for tier, share, amount, count in zip(
                        tiers, shares, amounts, counts, strict=True
                    )
                ],
            }
        )
        return proposal._form_action()

    def _form_action(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Propose From Our Data'),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'target': 'new',
        }

    @api.model
    def _window(self, programme, rules):
        """Return the first and the last day that count: those of the entry window, of years a whole one."""
        today = programme.company_id._retail_today()
        if rules.window == 'lifetime':
            return None, today
        months = rules.window_months if rules.window == 'rolling' else 12
        return today - relativedelta(months=months) + relativedelta(days=1), today

    @api.model
    def _sql_measured(self, programme, start, end):
        """Return the SELECT of amount and count of each customer: active members, or who bought before the start."""
        for model in ('retail.purchase', 'retail.membership', 'res.partner'):
            self.env[model].flush_model()
        company = programme.company_id.id
        days = SQL('purchase.date <= %s', end)
        if start:
            days = SQL('%s AND purchase.date >= %s', days, start)
        sums = SQL(
            'COALESCE(sum(purchase.amount), 0) AS amount, count(*) FILTER (WHERE purchase.counts) AS count'
        )
        if programme.state == 'running':
            return SQL(
                """
                SELECT %(sums)s
                  FROM retail_membership AS member
                  LEFT JOIN retail_purchase AS purchase
                    ON purchase.partner_id = member.partner_id AND purchase.company_id = %(company)s AND %(days)s
                 WHERE member.programme_id = %(programme)s AND member.state = 'active'
                 GROUP BY member.id
                """,
                sums=sums,
                company=company,
                days=days,
                programme=programme.id,
            )
        return SQL(
            """
            SELECT %(sums)s
              FROM retail_purchase AS purchase
              JOIN res_partner AS partner ON partner.id = purchase.partner_id
             WHERE purchase.company_id = %(company)s AND %(days)s
               AND partner.retail_customer AND partner.commercial_partner_id = partner.id
             GROUP BY purchase.partner_id
            HAVING bool_or(purchase.counts)
            """,
            sums=sums,
            company=company,
            days=days,
        )

    @api.model
    def _prepare_line(self, measured, tier, share, amount, count):
        """Return the values of a line: what is proposed, and how many would reach it."""
        proposed, number = round_up(amount), int(max(round_up(count), 0))
        [(by_amount, by_count, ties)] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE amount >= %s), count(*) FILTER (WHERE count >= %s),
                       count(*) FILTER (WHERE count = %s)
                  FROM (%s) AS measured
                """,
                proposed,
                number,
                count,
                measured,
            )
        )
        return {
            'tier_id': tier.id,
            'percentile': share,
            'measured_amount': amount,
            'measured_count': count,
            'amount': float(proposed),
            'count': number,
            'amount_reach': by_amount if proposed else 0,
            'count_reach': by_count if number else 0,
            'tie_count': ties,
        }

    def action_use(self):
        """Take the thresholds over: into the preview, a new one, or the programme that does not run yet.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: when nothing is chosen
        """
        self.ensure_one()
        self.programme_id._check_manager()
        if not (self.use_amount or self.use_count):
            raise UserError(self.env._('Choose the amount, the number of purchases, or both.'))
        if self.programme_id.state == 'draft':
            for line in self.line_ids:
                line.tier_id.version_ids.unlink()
                line.tier_id.version_ids = [
                    Command.create({**line._thresholds(), 'date_from': FIRST_DAY})
                ]
            return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
        preview = self.preview_id or self.env['retail.tier.preview']._of_programme(
            self.programme_id
        )
        for line in self.line_ids:
            row = preview.threshold_ids.filtered(lambda row, line=line: row.tier_id == line.tier_id)
            row.write({**line._thresholds(), 'is_used': True})
        return preview._form_action()
