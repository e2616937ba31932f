from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_amount


class RetailProfilePromising(models.Model):
    """Who is not of high value yet but starts as those did: a worklist with the reason (S-SEG-21).

    Nothing is stored: the measure is the median of the high-value customers of the company, as it is when asked.
    """

    _inherit = 'retail.profile'

    is_promising = fields.Boolean(
        string='Promising',
        compute='_compute_promising',
        search='_search_is_promising',
        help='Not of high value yet, first purchase within 12 months, at least 2 purchases, and the average purchase is '
        'as high, or the days between purchases are as few, as for half of the high-value customers.',
    )
    promising_reason = fields.Char(
        string='Why Promising',
        compute='_compute_promising',
        help='In what the customer resembles high-value customers.',
    )

    @api.depends(
        'is_high_value', 'first_order_date', 'order_count', 'average_order', 'mean_gap_days'
    )
    @api.depends_context('lang')
    def _compute_promising(self):
        """Compare with the medians of the companies, read in one query."""
        medians = self._high_value_medians(self.company_id.ids)
        for profile in self:
            amount, gap = medians.get(profile.company_id.id, (None, None))
            reasons = []
            if profile._is_young():
                currency = profile.currency_id
                if (
                    amount is not None
                    and currency.compare_amounts(profile.average_order, amount) >= 0
                ):
                    reasons.append(
                        self.env._(
                            'spends %(own)s at a time, high-value customers %(usual)s',
                            own=format_amount(self.env, profile.average_order, currency),
                            usual=format_amount(self.env, amount, currency),
                        )
                    )
                if gap is not None and profile.mean_gap_days and profile.mean_gap_days <= gap:
                    reasons.append(
                        self.env._(
                            'comes every %(own).0f days, high-value customers every %(usual).0f',
                            own=profile.mean_gap_days,
                            usual=gap,
                        )
                    )
            profile.is_promising = bool(reasons)
            profile.promising_reason = '; '.join(reasons)

    def _is_young(self):
        """Return whether the customer began within 12 months, has bought twice and is not of high value yet."""
        since = self.company_id.sudo()._retail_today() - relativedelta(months=12)
        return bool(
            not self.is_high_value
            and self.order_count >= 2
            and self.first_order_date
            and self.first_order_date > since
        )

    @api.model
    def _high_value_medians(self, company_ids):
        """Return ``{company id: (median of the average purchase, median of the days between purchases)}``."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL('%s', self._sql_medians(SQL('company_id = ANY(%s)', list(company_ids))))
        )
        return {company_id: medians for company_id, *medians in rows}

    @api.model
    def _sql_medians(self, where):
        return SQL(
            """SELECT company_id,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY average_order)::float AS average_order,
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY NULLIF(mean_gap_days, 0))::float AS mean_gap_days
                 FROM retail_profile WHERE is_high_value AND %s GROUP BY company_id""",
            where,
        )

    def _search_is_promising(self, operator, value):
        if operator != 'in':
            return NotImplemented
        companies = self.env['res.company']._retail_roots()

        def to_sql(_model, alias, _query):
            by_day = companies.grouped(
                lambda company: company._retail_today() - relativedelta(months=12)
            )
            young = SQL(' OR ').join(
                SQL(
                    'profile.company_id = ANY(%s) AND profile.first_order_date > %s', group.ids, day
                )
                for day, group in by_day.items()
            )
            found = SQL(
                """%s IN (SELECT profile.id FROM retail_profile AS profile
                           JOIN (%s) AS median ON median.company_id = profile.company_id
                          WHERE profile.is_high_value IS NOT TRUE AND profile.order_count >= 2 AND (%s)
                            AND (profile.average_order >= median.average_order
                                 OR profile.mean_gap_days > 0 AND profile.mean_gap_days <= median.mean_gap_days))""",
                SQL.identifier(alias, 'id'),
                self._sql_medians(SQL('true')),
                young,
            )
            return found if True in value else SQL('NOT %s', found)

        return Domain.custom(to_sql=to_sql)
