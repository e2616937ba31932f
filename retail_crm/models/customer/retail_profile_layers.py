from odoo import api, models
from odoo.tools import SQL

from ._classes import RFM_GRID
from .retail_classification import BANDS
from .retail_profile_class import LOYALTY_TESTS

#: Weight of the usual gap of all customers against one gap of the customer's own (R-loy C.6).
GAP_WEIGHT = 2
#: No customer is expected back sooner, in days (R-loy C.6).
GAP_FLOOR = 7


def _sql_cases(cases, default=None):
    """Return CASE WHEN ... for ``[(condition, value)]``, the first that fits."""
    parts = [SQL('WHEN %s THEN %s', condition, value) for condition, value in cases]
    return SQL('CASE %s ELSE %s END', SQL(' ').join(parts), default)


def _sql_days(factor, rounding='floor'):
    """Return a factor (with two decimals) times the own interval in whole days, exactly.

    The interval is ``interval_sum / interval_count`` ten-thousandths of a day: all in whole numbers.
    """
    above = SQL('(100 * %s)::bigint * sums.interval_sum', factor)
    below = SQL('(1000000 * sums.interval_count)')
    more = {
        'floor': SQL(),
        'ceil': SQL('+ %s - 1', below),
        'half_up': SQL('+ %s / 2', below),
    }[rounding]
    # no date beyond those that a browser can show
    return SQL(
        'CASE WHEN sums.interval_count > 0 THEN LEAST((%s %s) / %s, 1000000)::int END',
        above,
        more,
        below,
    )


class RetailProfileLayers(models.Model):
    """How figures and classes follow from a customer's sums: SQL expressions in layers (docs/classes.md).

    A layer reads ``sums.<column>`` of the layers before it and ``company.<rule or population figure>``.
    """

    _inherit = 'retail.profile'

    @api.model
    def _layers(self):
        """Hook: return the layers, dictionaries of ``{column: SQL}``; columns of the table are stored, others only help."""
        return [
            self._layer_interval(),
            self._layer_times(),
            self._layer_lifecycle(),
            self._layer_classes(),
            self._layer_value(),
            {'refresh_on': self._sql_refresh_on()},
        ]

    def _layer_interval(self):
        """Figures of the purchases, and the parts of the own interval (sum divided by count)."""
        span = SQL('(sums.last_order_date - sums.first_order_date)')
        known = SQL('company.gap_days > 0')
        return {
            'spend_trend': SQL(
                'round((sums.spend_12m - sums.spend_prev_12m) * 100 / NULLIF(GREATEST(sums.spend_prev_12m, 0), 0), 1)'
            ),
            'average_order': SQL(
                'COALESCE(round(sums.spend_total / NULLIF(sums.order_count, 0), company.digits), 0)'
            ),
            'mean_gap_days': SQL('round(%s::numeric / NULLIF(sums.occasions - 1, 0), 2)', span),
            'interval_sum': self._sql_interval_sum(span, SQL('(sums.occasions - 1)')),
            # Without any gap in the whole shop nothing can be expected of newcomers.
            'interval_count': SQL(
                'CASE WHEN sums.occasions > 0 THEN NULLIF(sums.occasions - 1 + CASE WHEN %s THEN %s ELSE 0 END, 0) END',
                known,
                GAP_WEIGHT,
            ),
            'had_lapsed': SQL(
                """COALESCE((sums.last_order_date - sums.previous_order_date)::bigint
                       * 1000000 * (sums.occasions - 2 + CASE WHEN %(known)s THEN %(weight)s ELSE 0 END)
                       > (100 * company.alert_factor)::bigint * %(before)s
                   AND (%(known)s OR sums.occasions > 2), false)""",
                known=known,
                weight=GAP_WEIGHT,
                before=self._sql_interval_sum(
                    SQL('(sums.previous_order_date - sums.first_order_date)'),
                    SQL('(sums.occasions - 2)'),
                ),
            ),
            'is_rising': SQL(
                """sums.order_count_12m >= company.trend_orders AND (
                       sums.spend_12m > 0 AND sums.spend_12m * 100 >= sums.spend_prev_12m * (100 + company.trend_percent)
                    OR sums.order_count_12m * 100 >= sums.order_count_prev_12m * (100 + company.trend_percent))"""
            ),
        }

    def _sql_interval_sum(self, span, gaps):
        """Return the sum of an interval in ten-thousandths of a day, of which the usual gap has no smaller parts.

        Over so many gaps, and twice the usual one while that is known; at least a week for each.
        """
        return SQL(
            """CASE WHEN company.gap_days > 0
                    THEN GREATEST(10000::bigint * %(span)s + (10000 * %(weight)s * company.gap_days)::bigint,
                                  10000 * %(floor)s * (%(gaps)s + %(weight)s))
                    ELSE GREATEST(10000::bigint * %(span)s, 10000 * %(floor)s * %(gaps)s) END""",
            span=span,
            gaps=gaps,
            weight=GAP_WEIGHT,
            floor=GAP_FLOOR,
        )

    def _layer_times(self):
        """The days on which something happens to the customer because time passes."""
        last = SQL('sums.last_order_date')
        watch, alert, lost = (
            SQL.identifier('company', f'{name}_factor') for name in ('watch', 'alert', 'lost')
        )
        return {
            'interval_days': SQL(
                'round(sums.interval_sum::numeric / (10000 * sums.interval_count), 4)'
            ),
            'expected_next_date': SQL('%s + %s', last, _sql_days(SQL('1.0'), 'half_up')),
            'watch_on': SQL('%s + %s', last, _sql_days(watch, 'ceil')),
            'risk_on': SQL('%s + %s + 1', last, _sql_days(watch)),
            'alert_on': SQL('%s + %s', last, _sql_days(alert, 'ceil')),
            'lapse_on': SQL('%s + %s + 1', last, _sql_days(alert)),
            'lost_on': SQL(
                'GREATEST(%s + %s + 1, %s)',
                last,
                _sql_days(lost),
                self._sql_leaves(SQL('(%s + 1)', last), SQL('company.lost_months')),
            ),
            'new_until': SQL(
                'CASE WHEN sums.occasions = 1 OR sums.had_lapsed THEN %s + company.new_days END',
                last,
            ),
            'is_falling': SQL(
                """NOT sums.is_rising AND sums.order_count_prev_12m >= company.trend_orders AND (
                       sums.spend_prev_12m > 0 AND sums.spend_12m * 100 <= sums.spend_prev_12m * (100 - company.trend_percent)
                    OR sums.order_count_12m * 100 <= sums.order_count_prev_12m * (100 - company.trend_percent))"""
            ),
            'is_loyal': SQL(
                """CASE company.loyal_months WHEN '12' THEN sums.order_count_12m
                        WHEN '24' THEN sums.order_count_12m + sums.order_count_prev_12m
                        ELSE sums.order_count END >= company.loyal_orders"""
            ),
        }

    def _layer_lifecycle(self):
        """Lifecycle, scores, and whether the customer is of value."""
        return {
            'lifecycle': _sql_cases(
                [
                    (SQL('sums.occasions = 0'), 'prospect'),
                    (SQL('sums.occasions = 1 AND company.day <= sums.new_until'), 'new'),
                    (SQL('sums.had_lapsed AND company.day <= sums.new_until'), 'won_back'),
                    (SQL('company.day >= sums.lost_on'), 'lost'),
                    (SQL('company.day >= sums.lapse_on'), 'lapsed'),
                    (SQL('company.day >= sums.risk_on'), 'at_risk'),
                    (
                        SQL(
                            'sums.is_loyal AND NOT sums.is_rising AND NOT sums.is_falling '
                            'AND sums.spend_12m >= company.mature_amount'
                        ),
                        'mature',
                    ),
                ],
                'growth',
            ),
            'churn_level': _sql_cases(
                [
                    (SQL('company.day >= sums.alert_on'), 'alert'),
                    (SQL('company.day >= sums.watch_on'), 'watch'),
                ],
                'none',
            ),
            **{f'{band}_score': self._sql_score(band) for band in BANDS},
            'is_high_value': SQL('COALESCE(%s, false)', self._sql_high_value()),
            'has_star_value': SQL(
                'COALESCE(sums.order_count_12m > 0 AND sums.margin_12m > 0 AND sums.margin_12m >= company.star_margin, false)'
            ),
            **self._loyalty_tests(),
        }

    def _sql_score(self, band):
        """Return the score 1 to 5 of a buyer: one for each limit that is reached."""
        value = {
            'recency': SQL('sums.last_order_date'),
            'frequency': SQL('sums.occasions_24m'),
            'monetary': SQL('(sums.spend_12m + sums.spend_prev_12m)'),
        }[band]
        limits = []
        for score in range(2, 6):
            fixed = SQL.identifier('company', f'{band}_{score}')
            if band == 'recency':
                fixed = SQL('company.day - %s', fixed)
            limit = SQL(
                'CASE WHEN company.rfm_fixed THEN %s ELSE %s END',
                fixed,
                SQL.identifier('company', f'{band}_cut_{score}'),
            )
            limits.append(SQL('COALESCE((%s >= %s)::int, 0)', value, limit))
        return SQL('CASE WHEN sums.occasions > 0 THEN 1 + %s END', SQL(' + ').join(limits))

    def _sql_high_value(self):
        """Hook: return the condition of a high-value customer; later areas add theirs with OR."""
        return SQL(
            """sums.order_count_12m > 0 AND CASE company.high_value_method
                    WHEN 'share' THEN sums.margin_12m > 0 AND sums.margin_12m >= company.high_margin
                    ELSE sums.margin_12m >= company.high_value_amount END"""
        )

    def _loyalty_tests(self):
        """Hook: return ``{column: SQL}`` of the five tests of loyalty, each from 0 to 100 or NULL when not measured."""
        nothing = SQL('NULL::int')
        return {
            **dict.fromkeys(LOYALTY_TESTS, nothing),
            'loyalty_purchase': SQL(
                'LEAST(100, round(100.0 * sums.occasions_12m / company.loyal_orders))::int'
            ),
        }

    def _layer_classes(self):
        """What follows from lifecycle and scores."""
        weights = [
            SQL('sums.%s * company.%s', SQL.identifier(test), SQL.identifier(weight))
            for test, weight in LOYALTY_TESTS.items()
        ]
        measured = [
            SQL(
                'CASE WHEN sums.%s IS NULL THEN 0 ELSE company.%s END',
                SQL.identifier(test),
                SQL.identifier(weight),
            )
            for test, weight in LOYALTY_TESTS.items()
        ]
        middle = SQL('(sums.frequency_score + sums.monetary_score + 1) / 2')
        return {
            'lifecycle_stage': _sql_cases(
                [
                    (
                        SQL("sums.is_falling OR sums.lifecycle IN ('at_risk', 'lapsed', 'lost')"),
                        'decline',
                    ),
                    (SQL("sums.lifecycle IN ('prospect', 'new')"), 'introduction'),
                    (SQL("sums.lifecycle = 'mature'"), 'maturity'),
                ],
                'growth',
            ),
            'ladder': _sql_cases(
                [
                    (self._sql_advocate(), 'advocate'),
                    (SQL('sums.occasions > 0 AND sums.is_loyal'), 'loyal'),
                    (SQL('sums.occasions > 0'), 'purchaser'),
                    (SQL('sums.has_contact'), 'prospect'),
                ],
                'potential',
            ),
            'rfm_code': SQL(
                'sums.recency_score::varchar || sums.frequency_score || sums.monetary_score'
            ),
            'rfm_group': _sql_cases(
                [
                    (SQL('sums.recency_score = %s AND %s = %s', recency, middle, column), group)
                    for recency, groups in RFM_GRID.items()
                    for column, group in enumerate(groups, 1)
                ]
            ),
            'loyalty_score': SQL(
                'COALESCE(round((%s)::numeric / NULLIF(%s, 0)), 0)::int',
                SQL(' + ').join(SQL('COALESCE(%s, 0)', weight) for weight in weights),
                SQL(' + ').join(measured),
            ),
            'clv_past': SQL('sums.margin_total'),
            'clv_next_12m': self._sql_next_12m(SQL('sums.margin_total'), SQL('sums.margin_12m')),
            'potential_12m': self._sql_next_12m(SQL('sums.spend_total'), SQL('sums.spend_12m')),
        }

    def _sql_advocate(self):
        """Hook: return the condition of an advocate; nobody is one until recommendations are recorded."""
        return SQL('false')

    def _sql_next_12m(self, total, recent):
        """Return the estimate for the next 12 months of a sum: per purchase day x 365 / interval x expected years.

        Without an interval, the last 12 months x expected years. Divided once, at the end.
        """
        years = _sql_cases(
            [
                (SQL('sums.lifecycle = %s', stage), SQL.identifier('company', f'years_{stage}'))
                for stage in ('new', 'growth', 'mature', 'won_back', 'at_risk', 'lapsed', 'lost')
            ],
            0,
        )
        return SQL(
            """round(COALESCE(CASE WHEN sums.interval_count > 0
                   THEN %(total)s * (3650000 * %(years)s * sums.interval_count) / (sums.occasions * sums.interval_sum)
                   ELSE %(recent)s * %(years)s END, 0), company.digits)""",
            total=total,
            recent=recent,
            years=years,
        )

    def _layer_value(self):
        """Classes of worth."""
        loyal = SQL('sums.loyalty_score >= company.star_loyalty_score')
        return {
            'coarse_class': _sql_cases(
                [
                    (SQL("sums.ladder IN ('potential', 'prospect')"), 'potential'),
                    (SQL("sums.ladder = 'purchaser'"), 'ordinary'),
                ],
                'loyal',
            ),
            'star_class': _sql_cases(
                [
                    (SQL('sums.occasions = 0'), None),
                    (SQL('sums.has_star_value AND %s', loyal), 'gold'),
                    (SQL('sums.has_star_value'), 'meteor'),
                    (loyal, 'small_star'),
                    (self._sql_at_a_loss(), 'burden'),
                ]
            ),
            'abc_index': SQL(
                """CASE WHEN sums.occasions > 0 THEN (sums.spend_12m * (100 - company.abc_potential_percent)
                        + sums.potential_12m * company.abc_potential_percent) / 100 END"""
            ),
        }

    def _sql_at_a_loss(self):
        """Hook: return the condition of a customer who costs more than he brings; later areas subtract their costs."""
        return SQL('sums.margin_12m < 0')

    def _sql_abc(self):
        """Return the ABC class, for which all indexes must be known."""
        return _sql_cases(
            [
                (SQL('sums.abc_index IS NULL'), None),
                (SQL('sums.abc_index > 0 AND sums.abc_index >= company.abc_a'), 'a'),
                (SQL('sums.abc_index > 0 AND sums.abc_index >= company.abc_b'), 'b'),
            ],
            'c',
        )

    def _sql_refresh_on(self):
        """Return the next day on which something changes because time passes."""
        dates = [
            *(
                SQL.identifier('sums', name)
                for name in ('watch_on', 'risk_on', 'alert_on', 'lapse_on', 'lost_on')
            ),
            SQL('sums.new_until + 1'),
            *(
                SQL(
                    'CASE WHEN company.rfm_fixed THEN sums.last_order_date + %s + 1 END',
                    SQL.identifier('company', f'recency_{score}'),
                )
                for score in range(2, 6)
            ),
        ]
        return SQL(
            'LEAST(sums.next_date, %s, %s, %s)',
            self._sql_leaves(SQL('sums.oldest_12m'), 12),
            self._sql_leaves(SQL('sums.oldest_prev_12m'), 24),
            SQL(', ').join(
                SQL('CASE WHEN %(date)s > company.day THEN %(date)s END', date=date)
                for date in dates
            ),
        )

    def _sql_leaves(self, date, months):
        """Return the first day D for which ``date`` is no longer in (D - months, ...].

        A year after 29 February is 28 February, from which a year back is still before the date: one day later.
        """
        return SQL(
            'GREATEST((%(date)s + make_interval(months => %(months)s))::date, '
            '(%(date)s - 1 + make_interval(months => %(months)s))::date + 1)',
            date=date,
            months=months,
        )
