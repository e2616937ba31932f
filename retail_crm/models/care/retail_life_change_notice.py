from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..customer.retail_profile_habit import MOST_PURCHASES

#: Own gaps or baskets that are compared with, and how many there must be.
COMPARED, NEEDED = 8, 5
#: Times the median absolute deviation that is still usual; at least this part of the median, and a week.
SPREAD, PART, WEEK = 3, 0.5, 7
#: Days in which the same change is told once.
TOLD_ONCE = {'interval': 90, 'basket': 90, 'category': 180}
#: Lines that a mix needs before and now, and the share that makes a category the customer's own.
LINES_BEFORE, LINES_NOW, OWN_SHARE = 5, 3, 0.4
#: Days looked at again: documents come late. At the first look a month is looked at, not the whole past.
OVERLAP_DAYS, FIRST_DAYS = 7, 30
#: Years of purchases that habits are taken from.
PAST_YEARS = 5
BATCH = 10_000


class RetailLifeChangeNotice(models.Model):
    """How changed habits are noticed: only those who bought since the last look are looked at (docs/care-churn.md)."""

    _inherit = 'retail.life.change'

    @api.model
    def _cron_notice(self):
        """Look at the customers who bought since the last look, in batches; commits per batch."""
        cron = self.env['ir.cron']
        for company in self.env['res.company']._retail_roots().filtered('active'):
            today = company._retail_today()
            first = self._first_day(company, today)
            partner_ids = self._buyers(company, first, today)
            for start in range(0, len(partner_ids), BATCH):
                batch = partner_ids[start : start + BATCH]
                self._notice(company, batch, first, today)
                if not cron._commit_progress(len(batch), remaining=len(partner_ids) - start):
                    return  # the day is not noted: the next run looks again, which changes nothing twice
            company.retail_life_checked_on = today
        cron._commit_progress(remaining=0)

    @api.model
    def _first_day(self, company, today):
        """Return the first day whose purchases are looked at."""
        checked = company.retail_life_checked_on
        if not checked:
            return today - timedelta(days=FIRST_DAYS)
        return min(checked, today) - timedelta(days=OVERLAP_DAYS)

    @api.model
    def _buyers(self, company, first, last):
        """Return the ids of the customers who bought in these days, by the index of the profile."""
        self.env['retail.profile'].flush_model(['last_order_date'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT partner_id FROM retail_profile
                 WHERE company_id = %s AND last_order_date >= %s AND order_count > 1
                 ORDER BY partner_id
                """,
                company.id,
                first,
            )
        )
        return [partner_id for (partner_id,) in rows]

    @api.model
    def _notice(self, company, partner_ids, first, last):
        """Write what changed with these customers in [first, last] and was not told yet.

        :return: number of rows written
        """
        self.flush_model()
        self.env['retail.profile']._flush_habits()
        count = 0
        for found in (
            self._sql_outside(company, partner_ids, first, last),
            self._sql_mix(company, partner_ids, first, last),
        ):
            self.env.cr.execute(self._sql_insert(company, found))
            count += self.env.cr.rowcount
        if count:
            self.invalidate_model()
        return count

    # === SQL ===#

    @api.model
    def _sql_insert(self, company, found):
        """Return the INSERT of the changes of ``found``, of several of one kind and direction the first.

        What was told so many days before is not told again. A day that is looked at twice writes nothing twice.
        """
        once = SQL(' ').join(SQL('WHEN %s THEN %s', kind, days) for kind, days in TOLD_ONCE.items())
        return SQL(
            """
            INSERT INTO retail_life_change (
                   partner_id, company_id, date, kind, direction, usual, low, high, value, category_id, new_category_id)
            SELECT DISTINCT ON (found.partner_id, found.kind, found.direction)
                   found.partner_id, %(company)s, found.date, found.kind, found.direction, found.usual, found.low,
                   found.high, found.value, found.category_id, found.new_category_id
              FROM (%(found)s) AS found
             WHERE NOT EXISTS (
                   SELECT FROM retail_life_change AS told
                    WHERE told.partner_id = found.partner_id AND told.company_id = %(company)s
                      AND told.kind = found.kind AND told.direction = found.direction
                      AND told.date < found.date AND told.date >= found.date - CASE found.kind %(once)s END)
             ORDER BY found.partner_id, found.kind, found.direction, found.date
            ON CONFLICT DO NOTHING
            """,
            company=company.id,
            found=found,
            once=once,
        )

    @api.model
    def _sql_outside(self, company, partner_ids, first, last):
        """Return the SELECT of the gaps and baskets of [first, last] outside the customer's own usual range.

        Purchases of a day are one. The range: median of the last 8 before (at least 5) plus or minus the greatest of
        three times their median absolute deviation, half the median and, for gaps, a week: who comes every 30 days to
        the day has not changed when he comes after 33.
        """
        return SQL(
            """
            SELECT day.partner_id, day.date, measured.kind, usual.value AS usual,
                   CASE WHEN measured.value > usual.value THEN 'up' ELSE 'down' END AS direction,
                   GREATEST(usual.value - spread.value, 0) AS low, usual.value + spread.value AS high,
                   measured.value AS value, NULL::int AS category_id, NULL::int AS new_category_id
              FROM (SELECT partner_id, date, gap, amount,
                           array_agg(gap) OVER before AS gaps, array_agg(amount) OVER before AS amounts
                      FROM (SELECT partner_id, date, sum(amount)::float8 AS amount,
                                   (date - lag(date) OVER (PARTITION BY partner_id ORDER BY date))::float8 AS gap
                              FROM retail_purchase
                             WHERE partner_id = ANY(%(partners)s) AND company_id = %(company)s AND counts
                               AND date > %(since)s AND date <= %(last)s
                             GROUP BY partner_id, date) AS days
                    WINDOW before AS (PARTITION BY partner_id ORDER BY date
                                      ROWS BETWEEN %(compared)s PRECEDING AND 1 PRECEDING)) AS day
             CROSS JOIN LATERAL (VALUES ('interval', day.gap, day.gaps, %(week)s::float8),
                                        ('basket', day.amount, day.amounts, 0::float8)) AS measured (kind, value, others, least)
             CROSS JOIN LATERAL (
                   SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY other) AS value, count(other) AS number
                     FROM unnest(measured.others) AS other) AS usual
             CROSS JOIN LATERAL (
                   SELECT GREATEST(%(times)s * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(other - usual.value)),
                                   %(part)s * usual.value, measured.least) AS value
                     FROM unnest(measured.others) AS other) AS spread
             WHERE day.date >= %(first)s AND measured.value IS NOT NULL AND usual.number >= %(needed)s
               AND usual.value > 0 AND abs(measured.value - usual.value) > spread.value
            """,
            partners=partner_ids,
            company=company.id,
            since=last - relativedelta(years=PAST_YEARS),
            first=first,
            last=last,
            compared=SQL(str(COMPARED)),
            needed=NEEDED,
            week=WEEK,
            times=SPREAD,
            part=PART,
        )

    @api.model
    def _sql_mix(self, company, partner_ids, first, last):
        """Return the SELECT of customers whose own category lost half of its share of the order lines or more.

        Looked at from the last purchase in [first, last]: the half year up to it against the 18 months before.
        """
        return SQL(
            """
            SELECT mix.partner_id, mix.day AS date, 'category' AS kind, 'other' AS direction,
                   100.0 * mix.own / mix.before AS usual, NULL::float8 AS low, NULL::float8 AS high,
                   100.0 * mix.own_now / mix.now AS value, mix.category_id, mix.new_category_id
              FROM (SELECT partner_id, day, sum(before)::float8 AS before, sum(now)::float8 AS now,
                           (array_agg(category_id ORDER BY before DESC, category_id))[1] AS category_id,
                           (array_agg(before ORDER BY before DESC, category_id))[1] AS own,
                           (array_agg(now ORDER BY before DESC, category_id))[1] AS own_now,
                           (array_agg(category_id ORDER BY now DESC, category_id))[1] AS new_category_id
                      FROM (%(counted)s) AS counted
                     GROUP BY partner_id, day) AS mix
             WHERE mix.before >= %(lines_before)s AND mix.now >= %(lines_now)s
               AND mix.own >= %(own)s * mix.before AND 2 * mix.own_now * mix.before <= mix.own * mix.now
            """,
            counted=self._sql_counted(company, partner_ids, first, last),
            lines_before=LINES_BEFORE,
            lines_now=LINES_NOW,
            own=OWN_SHARE,
        )

    @api.model
    def _sql_counted(self, company, partner_ids, first, last):
        """Return the SELECT (partner, day, category, lines before, lines now) around each customer's last purchase."""
        return SQL(
            """
            SELECT buyer.partner_id, buyer.day, template.categ_id AS category_id,
                   count(*) FILTER (WHERE purchase.date <= buyer.half) AS before,
                   count(*) FILTER (WHERE purchase.date > buyer.half) AS now
              FROM (SELECT partner_id, max(date) AS day, (max(date) - interval '6 months')::date AS half
                      FROM retail_purchase
                     WHERE partner_id = ANY(%(partners)s) AND company_id = %(company)s AND counts
                       AND date >= %(first)s AND date <= %(last)s
                     GROUP BY partner_id) AS buyer
             CROSS JOIN LATERAL (
                   SELECT res_model, res_id, date FROM retail_purchase
                    WHERE partner_id = buyer.partner_id AND company_id = %(company)s AND counts
                      AND date <= buyer.day AND date > (buyer.day - interval '24 months')::date
                    ORDER BY date DESC, id DESC LIMIT %(most)s) AS purchase
             CROSS JOIN LATERAL (%(bought)s) AS line
              JOIN product_product AS product ON product.id = line.product_id
              JOIN product_template AS template
                ON template.id = product.product_tmpl_id AND template.retail_excluded IS NOT TRUE
              JOIN product_category AS category ON category.id = template.categ_id
             WHERE NOT EXISTS (SELECT FROM product_category AS excluded
                                WHERE excluded.retail_excluded
                                  AND category.parent_path LIKE excluded.parent_path || '%%')
             GROUP BY buyer.partner_id, buyer.day, template.categ_id
            """,
            partners=partner_ids,
            company=company.id,
            first=first,
            last=last,
            most=MOST_PURCHASES,
            bought=SQL(' UNION ALL ').join(self.env['retail.profile']._sql_bought()),
        )

    # === MERGE ===#

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Give the changes of merged customers to the remaining one, except what he has of the same kind and day."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM retail_life_change AS row
                 WHERE row.partner_id = ANY(%(src)s) AND EXISTS (
                       SELECT FROM retail_life_change AS other
                        WHERE other.company_id = row.company_id AND other.kind = row.kind AND other.date = row.date
                          AND (other.partner_id = %(dst)s OR other.partner_id = ANY(%(src)s) AND other.id < row.id))
                """,
                src=src_partners.ids,
                dst=dst_partner.id,
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_life_change SET partner_id = %s WHERE partner_id = ANY(%s)',
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.invalidate_model()
