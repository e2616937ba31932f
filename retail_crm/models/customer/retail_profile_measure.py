from datetime import date

from odoo import models
from odoo.tools import SQL

from .retail_classification import BANDS

#: Keeps a share such as 0.07 of 100 customers, which is 7.000000000000001 for a computer, at the seventh.
_EPSILON = 1e-12


def _plain(value):
    """Return a value of the database as JSON keeps it (numbers come as floats, of which 15 digits are exact)."""
    return value.isoformat() if isinstance(value, date) else value


class RetailProfileMeasure(models.Model):
    """What customers are compared with: figures of all of them, measured by a full refresh."""

    _inherit = 'retail.profile'

    def _measure_sums(self, companies):
        """Return the companies with their present rules and the figures measured from ``retail_profile_sums``."""
        rules = self.env['retail.classification']._by_company(companies)
        companies = [company.having(rules[company.id]._rules()) for company in companies]
        measured = self._measure_shares(companies)
        nothing = dict.fromkeys(self.env['retail.classification']._figure_types())
        result = []
        for company in companies:
            buyers, figures = measured.get(company.id, (0, {}))
            fixed = (
                company.values['rfm_method'] == 'fixed'
                or buyers < company.values['rfm_min_customers']
            )
            result.append(
                company.having(
                    {
                        **nothing,
                        'gap_days': '0',
                        **figures,
                        'rfm_fixed': fixed,
                        'measured_on': company.day.isoformat(),
                    }
                )
            )
        return self._measure_scores(result)

    def _measure_shares(self, companies):
        """Return ``{company id: (buyers, figures)}``: usual gap and the limits of the best.

        Usual gap: mean over customers with two purchase days or more of their own mean gap, the definition that
        reproduces the published hit rates of R-loy C.6 (flagged 615 / 494 / 421 / 304 / 181 on the CDNOW sample).
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sums.company_id, count(*) FILTER (WHERE occasions > 0),
                       round(avg((last_order_date - first_order_date)::numeric / (occasions - 1))
                             FILTER (WHERE occasions > 1), 4),
                       percentile_disc(GREATEST(company.mature_percentile / 100 - %(epsilon)s, 0)::float)
                           WITHIN GROUP (ORDER BY spend_12m) FILTER (WHERE order_count_12m > 0 AND spend_12m > 0),
                       percentile_disc(ARRAY[
                           (company.star_value_percent / 100)::float - %(epsilon)s,
                           (company.high_value_percent / 100)::float - %(epsilon)s])
                           WITHIN GROUP (ORDER BY margin_12m DESC) FILTER (WHERE order_count_12m > 0)
                  FROM retail_profile_sums AS sums
                  JOIN %(companies)s ON company.id = sums.company_id
                 GROUP BY sums.company_id, company.mature_percentile, company.star_value_percent,
                          company.high_value_percent
                """,
                epsilon=_EPSILON,
                companies=self._sql_companies(companies),
            )
        )
        return {
            company_id: (
                buyers,
                {
                    'gap_days': gap or 0,
                    'mature_amount': _plain(mature),
                    'star_margin': _plain((best or [None])[0]),
                    'high_margin': _plain((best or [None])[-1]),
                },
            )
            for company_id, buyers, gap, mature, best in rows
        }

    def _measure_scores(self, companies):
        """Return the companies with the limits of the RFM scores: each the smallest value that reaches the score.

        A score of k is reached when 5 x (number of smaller values) >= (k - 1) x (number of buyers - 1): that is
        LEAST(5, 1 + FLOOR(5 x percent_rank())), which puts equal values together (R-loy C.4).
        """
        equal = [company for company in companies if not company.values['rfm_fixed']]
        if not equal:
            return companies
        values = {
            'recency': SQL('last_order_date'),
            'frequency': SQL('occasions_24m'),
            'monetary': SQL('spend_12m + spend_prev_12m'),
        }
        limits = {company.id: {} for company in companies}
        for band in BANDS:
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT company_id, %(limits)s
                      FROM (%(ranked)s) AS ranked
                      JOIN (SELECT company_id, count(*) AS buyers
                              FROM retail_profile_sums WHERE occasions > 0 GROUP BY company_id) AS shop USING (company_id)
                     WHERE buyers > 1 AND company_id = ANY(%(companies)s)
                     GROUP BY company_id
                    """,
                    limits=SQL(', ').join(
                        SQL('min(value) FILTER (WHERE 5 * smaller >= %s * (buyers - 1))', score - 1)
                        for score in range(2, 6)
                    ),
                    ranked=self._sql_smaller(values[band], few=band != 'monetary'),
                    companies=[company.id for company in equal],
                )
            )
            for company_id, *row in rows:
                limits[company_id].update(
                    {f'{band}_cut_{score}': _plain(limit) for score, limit in enumerate(row, 2)}
                )
        return [company.having(limits[company.id]) for company in companies]

    def _sql_smaller(self, value, few):
        """Return the SELECT of the buyers' values with the number of smaller ones.

        :param few: there are few different values: these are counted first, which saves sorting all buyers
        """
        if not few:
            return SQL(
                """SELECT company_id, %(value)s AS value,
                          rank() OVER (PARTITION BY company_id ORDER BY %(value)s) - 1 AS smaller
                     FROM retail_profile_sums WHERE occasions > 0""",
                value=value,
            )
        return SQL(
            """SELECT company_id, value, sum(customers) OVER (PARTITION BY company_id ORDER BY value) - customers AS smaller
                 FROM (SELECT company_id, %s AS value, count(*) AS customers
                         FROM retail_profile_sums WHERE occasions > 0 GROUP BY 1, 2) AS counted""",
            value,
        )

    def _measure_indexes(self, companies):
        """Return the companies with the limits of the ABC classes: the smallest index of A and of B.

        Of equal indexes the first decides, which has the fewest before it.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT company_id,
                       min(value) FILTER (WHERE greater * 100 < total * company.abc_a_percent),
                       min(value) FILTER (WHERE greater * 100 < total * (company.abc_a_percent + company.abc_b_percent))
                  FROM (SELECT company_id, abc_index AS value, sum(abc_index) OVER (
                               PARTITION BY company_id ORDER BY abc_index DESC ROWS UNBOUNDED PRECEDING) - abc_index AS greater
                          FROM retail_profile_fresh WHERE abc_index > 0) AS ranked
                  JOIN (SELECT company_id, sum(abc_index) AS total
                          FROM retail_profile_fresh WHERE abc_index > 0 GROUP BY company_id) AS shop USING (company_id)
                  JOIN %(companies)s ON company.id = ranked.company_id
                 GROUP BY company_id
                """,
                companies=self._sql_companies(companies),
            )
        )
        limits = {company_id: {'abc_a': _plain(a), 'abc_b': _plain(b)} for company_id, a, b in rows}
        return [company.having(limits.get(company.id, {})) for company in companies]

    def _note_measured(self, companies):
        """Keep what classes were made with; written only where it differs."""
        rules = self.env['retail.classification']._by_company(companies)
        for company in companies:
            rules[company.id]._note_applied(company.values, company.day)
            gap = float(company.values['gap_days'])
            # sudo: a figure of the run
            record = self.env['res.company'].sudo().browse(company.id)
            if record.retail_gap_days != gap:
                record.retail_gap_days = gap
