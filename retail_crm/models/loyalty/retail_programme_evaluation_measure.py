from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import SQL, float_compare
from odoo.tools.misc import formatLang

from .retail_programme import tier_order

#: What the figures of a group are made of; sums of these over groups without common customers are those of all.
_COUNTED = ('population', 'customer_count', 'returning_count', 'purchase_count', 'amount')

#: The order of the groups.
_SEQUENCE = {'all': 10, 'member': 20, 'other': 30, 'tier': 40, 'before': 90, 'after': 91}


class RetailProgrammeEvaluationMeasure(models.Model):
    """How an evaluation measures: a fixed number of statements whatever the number of customers.

    A member at the end of the period is whose last line in the history of tiers up to that day names a tier: today's
    tier says nothing about last year. Of memberships that were merged since, the later line holds.

    Purchases are the counting ones of ``retail.purchase`` whose day, where the company is, lies in the period. Amounts
    are net of tax and returns: a return lowers its document, one that belongs to no document the period in which it is.
    """

    _inherit = 'retail.programme.evaluation'

    def _take(self):
        """Measure and write the snapshot. Rights are checked by whoever calls."""
        # sudo: figures are the system's to write and are sums over all customers of the company
        for evaluation in self.sudo():
            measures = evaluation._measures()
            evaluation.line_ids.unlink()
            evaluation.write(
                {
                    'line_ids': [
                        fields.Command.create(
                            evaluation._prepare_line(group, tier_id, place, figures)
                        )
                        for place, ((group, tier_id), figures) in enumerate(measures.items())
                    ],
                    **evaluation._member_values(measures),
                    **evaluation._measure_moves(),
                    **evaluation._goal_values(measures),
                    'taken_on': fields.Datetime.now(),
                }
            )

    def _measures(self):
        """Hook: return ``{(group, id of the tier or False): {column of the line: value}}`` of this evaluation.

        Groups are those of ``retail.programme.evaluation.line``, in the order in which they are shown. Later areas add
        columns to that model and their values to the groups here: satisfaction, redemption of points and the like. One
        statement for all groups each; ``_sql_members`` names the members with their tiers. Figures must be additive or
        complete: nothing of other groups is added up here.
        """
        self.ensure_one()
        by_tier = self._measure_customers_by_tier()
        nobody = dict.fromkeys(_COUNTED, 0)
        tiers = {
            ('tier', tier.id): by_tier.get(tier.id, nobody)
            for tier in self.programme_id.tier_ids.sorted(tier_order)
        }
        others = by_tier.get(False, nobody)
        members = _add_up(figures for tier_id, figures in by_tier.items() if tier_id)
        return {
            ('all', False): _add_up([members, others]),
            ('member', False): members,
            ('other', False): others,
            **tiers,
            **self._measure_before_and_after(),
        }

    # === VALUES ===#

    def _prepare_line(self, group, tier_id, place, figures):
        """Return the values of the line of a group."""
        bought, purchases = figures['customer_count'], figures['purchase_count']
        return {
            **figures,
            'group': group,
            'tier_id': tier_id,
            'sequence': _SEQUENCE[group] + (place if group == 'tier' else 0),
            'participation': 100.0 * bought / (figures['population'] or 1),
            'frequency': purchases / (bought or 1),
            'amount_per_purchase': figures['amount'] / (purchases or 1),
        }

    @api.model
    def _member_values(self, measures):
        """Return what the evaluation itself says about its members."""
        members = measures['member', False]
        return {
            'member_count': members['population'],
            'active_member_count': members['customer_count'],
            'participation': 100.0 * members['customer_count'] / (members['population'] or 1),
            'compared_count': measures['after', False]['population'],
        }

    def _goal_values(self, measures):
        """Return the goal, and how much of the way to it was made.

        Baseline and target of the programme are those of its own period; for another length those that are entered here.
        """
        programme = self.programme_id
        own = self.period == programme.goal_period
        baseline = programme.goal_baseline if own else self.goal_baseline
        target = programme.goal_target if own else self.goal_target
        value = programme._goal_figure(measures['all', False])
        reached = float_compare(value, target, precision_digits=2) >= 0
        way = target - baseline
        return {
            'goal': programme.goal,
            'goal_baseline': baseline,
            'goal_target': target,
            'goal_value': value,
            'goal_state': 'none' if not target else 'reached' if reached else 'missed',
            'goal_percent': (
                0.0
                if not target
                else 100.0 * (value - baseline) / way
                if float_compare(way, 0.0, precision_digits=2) > 0
                else 100.0 * reached
            ),
        }

    # === SQL ===#

    def _sql_members(self):
        """Return the SELECT of ``membership_id, partner_id, tier_id`` of the members at the end of the period."""
        return SQL(
            """
            SELECT membership_id, partner_id, to_tier_id AS tier_id
              FROM (SELECT DISTINCT ON (membership_id) membership_id, partner_id, to_tier_id
                      FROM retail_tier_move WHERE company_id = %s AND date <= %s
                     ORDER BY membership_id, date DESC, id DESC) AS last
             WHERE to_tier_id IS NOT NULL
            """,
            self.company_id.id,
            self.date_to,
        )

    @api.model
    def _sql_bought(self, company, date_from, date_to):
        """Return the SELECT of what each customer bought in a period."""
        return SQL(
            """
            SELECT partner_id, count(*) FILTER (WHERE counts) AS purchases, COALESCE(sum(amount), 0) AS amount,
                   bool_or(counts AND previous_date IS NOT NULL) AS is_returning
              FROM retail_purchase WHERE company_id = %s AND date BETWEEN %s AND %s GROUP BY partner_id
            """,
            company.id,
            date_from,
            date_to,
        )

    @api.model
    def _flush_measured(self):
        for model in ('retail.purchase', 'retail.tier.move'):
            self.env[model].flush_model()

    def _measure_customers_by_tier(self):
        """Return ``{id of the tier held at the end, or False: figures}``, in one statement."""
        self._flush_measured()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.tier_id, count(*) FILTER (WHERE member.partner_id IS NOT NULL OR bought.purchases > 0),
                       count(*) FILTER (WHERE bought.purchases > 0), count(*) FILTER (WHERE bought.is_returning),
                       COALESCE(sum(bought.purchases), 0)::int, COALESCE(sum(bought.amount), 0)
                  FROM (%s) AS bought
                  FULL JOIN (%s) AS member ON member.partner_id = bought.partner_id
                 GROUP BY member.tier_id
                """,
                self._sql_bought(self.company_id, self.date_from, self.date_to),
                self._sql_members(),
            )
        )
        return {tier_id or False: _figures(row) for tier_id, *row in rows}

    @api.model
    def _measure_customers(self, company, date_from, date_to):
        """Return the figures of all customers of a company in a period."""
        self._flush_measured()
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FILTER (WHERE purchases > 0), count(*) FILTER (WHERE purchases > 0),
                       count(*) FILTER (WHERE is_returning), COALESCE(sum(purchases), 0)::int, COALESCE(sum(amount), 0)
                  FROM (%s) AS bought
                """,
                self._sql_bought(company, date_from, date_to),
            )
        )
        return _figures(row)

    def _measure_before_and_after(self):
        """Return the figures of the same members before and after they joined, in one statement.

        The periods are as many days as the evaluation has, up to the day before and from the day after that of joining,
        whose own purchases made many a member and would favour one side. Who was no customer yet when the first period
        began, or is a member for less than one, is left out. Who left and came back joined when he came back.
        """
        days = self._days()
        rows = self.env.execute_query(
            SQL(
                """
                WITH member AS (%(members)s),
                entry AS (
                    SELECT member.partner_id, min(move.date) AS day
                      FROM member JOIN retail_tier_move AS move USING (membership_id)
                     WHERE move.cause = 'entry' AND move.date <= %(end)s AND NOT EXISTS (
                           SELECT FROM retail_tier_move AS gone
                            WHERE gone.membership_id = move.membership_id AND gone.cause = 'leave'
                              AND gone.date <= %(end)s AND (gone.date, gone.id) > (move.date, move.id))
                     GROUP BY member.partner_id
                ),
                compared AS (
                    SELECT partner_id, side.name, day + side.first AS first, day + side.last AS last
                      FROM entry
                     CROSS JOIN (VALUES ('before', -%(days)s, -1), ('after', 1, %(days)s)) AS side (name, first, last)
                     WHERE day + %(days)s <= %(end)s AND EXISTS (
                           SELECT FROM retail_purchase AS purchase
                            WHERE purchase.partner_id = entry.partner_id AND purchase.company_id = %(company)s
                              AND purchase.counts AND purchase.date <= entry.day - %(days)s)
                ),
                bought AS (
                    SELECT compared.name, count(purchase.id) FILTER (WHERE purchase.counts) AS purchases,
                           COALESCE(sum(purchase.amount), 0) AS amount,
                           COALESCE(bool_or(purchase.counts AND purchase.previous_date IS NOT NULL), false) AS is_returning
                      FROM compared
                      LEFT JOIN retail_purchase AS purchase
                        ON purchase.partner_id = compared.partner_id AND purchase.company_id = %(company)s
                       AND purchase.date BETWEEN compared.first AND compared.last
                     GROUP BY compared.partner_id, compared.name
                )
                SELECT name, count(*), count(*) FILTER (WHERE purchases > 0), count(*) FILTER (WHERE is_returning),
                       sum(purchases)::int, sum(amount)
                  FROM bought GROUP BY name
                """,
                members=self._sql_members(),
                end=self.date_to,
                days=days,
                company=self.company_id.id,
            )
        )
        found = {name: _figures(row) for name, *row in rows}
        return {
            (name, False): found.get(name) or dict.fromkeys(_COUNTED, 0)
            for name in ('before', 'after')
        }

    def _measure_moves(self):
        """Return how many joined, left, rose and fell in the period; merges of contacts are none of these."""
        [row] = self.env.execute_query(
            SQL(
                """
                SELECT count(DISTINCT membership_id) FILTER (WHERE cause = 'entry') AS joined_count,
                       count(DISTINCT membership_id) FILTER (WHERE cause = 'leave') AS left_count,
                       count(*) FILTER (WHERE direction = 'up' AND cause NOT IN ('entry', 'merge')) AS up_count,
                       count(*) FILTER (WHERE direction = 'down' AND cause NOT IN ('leave', 'merge')) AS down_count
                  FROM retail_tier_move WHERE company_id = %s AND date BETWEEN %s AND %s
                """,
                self.company_id.id,
                self.date_from,
                self.date_to,
            )
        )
        return dict(zip(('joined_count', 'left_count', 'up_count', 'down_count'), row, strict=True))

    # === WORDS ===#

    def _explanation_html(self):
        """Return the figures in words."""
        self.ensure_one()
        if not self.taken_on:
            return Markup('<p>%s</p>') % self.env._('Not measured yet.')
        words = [self._participation_text(), self._goal_text(), self._moves_text()]
        words.append(
            self.env._(
                'Before and after joining: %(count)s members were customers for %(days)s days before they joined and '
                'have been members for as long since. The day of joining is left out; all others are not compared.',
                count=self.compared_count,
                days=self._days(),
            )
        )
        return Markup().join(Markup('<p>%s</p>') % line for line in words)

    def _participation_text(self):
        if not self.member_count:
            return self.env._('There were no members at the end of the period.')
        return self.env._(
            '%(active)s of %(members)s members bought in the period: a participation of %(percent)s %%.',
            active=self.active_member_count,
            members=self.member_count,
            percent=self._number(self.participation, 1),
        )

    def _goal_text(self):
        goals = dict(self._fields['goal']._description_selection(self.env))
        values = {
            'goal': goals.get(self.goal, ''),
            'value': self._number(self.goal_value),
            'before': self._number(self.goal_baseline),
            'target': self._number(self.goal_target),
            'percent': self._number(self.goal_percent, 1),
        }
        if self.goal_state == 'none':
            return self.env._(
                'Goal: %(goal)s. The figure is %(value)s; there is no target for a period of this length.',
                **values,
            )
        if self.goal_state == 'reached':
            return self.env._(
                'Goal reached: %(goal)s. From %(before)s before the programme to %(value)s; the target was %(target)s.',
                **values,
            )
        if self.goal_value < self.goal_baseline:
            return self.env._(
                'Goal missed: %(goal)s. The figure is %(value)s, less than the %(before)s before the programme; '
                'the target was %(target)s.',
                **values,
            )
        return self.env._(
            'Goal missed: %(goal)s. From %(before)s before the programme to %(value)s; the target was %(target)s. '
            '%(percent)s %% of the way was made.',
            **values,
        )

    def _moves_text(self):
        return self.env._(
            '%(joined)s joined and %(left)s left; %(up)s times a member rose, and %(down)s times one fell.',
            joined=self.joined_count,
            left=self.left_count,
            up=self.up_count,
            down=self.down_count,
        )

    def _comparison_html(self):
        """Return a table of the figures beside those of the last such period before; empty without one."""
        self.ensure_one()
        before = self.previous_id
        if not before or not self.taken_on:
            return False
        head = (
            self.env._('Figure'),
            before._period_text(),
            self._period_text(),
            self.env._('Change'),
        )
        rows = [
            (
                label,
                self._number(old, digits),
                self._number(new, digits),
                _signed(new - old, digits),
            )
            for label, old, new, digits in self._compared_figures(before)
        ]
        return Markup('<table class="table table-sm"><tr>%s</tr>%s</table>') % (
            Markup().join(Markup('<th>%s</th>') % word for word in head),
            Markup().join(
                Markup('<tr>%s</tr>') % Markup().join(Markup('<td>%s</td>') % word for word in row)
                for row in rows
            ),
        )

    def _compared_figures(self, before):
        """Return ``[(label, figure before, figure now, digits)]``."""
        labels = self.fields_get(['goal_value', 'member_count', 'participation'], ['string'])
        rows = [
            (labels[name]['string'], before[name], self[name], digits)
            for name, digits in (('goal_value', 2), ('member_count', 0), ('participation', 1))
            if name != 'goal_value' or before.goal == self.goal
        ]
        columns = {
            'customer_count': 0,
            'returning_count': 0,
            'purchase_count': 0,
            'frequency': 2,
            'amount_per_purchase': 2,
        }
        labels = self.line_ids.fields_get(list(columns), ['string'])
        old, new = (
            evaluation.line_ids.filtered(lambda line: line.group == 'all')[:1]
            for evaluation in (before, self)
        )
        rows += [
            (labels[name]['string'], old[name], new[name], digits)
            for name, digits in columns.items()
        ]
        return rows

    def _number(self, value, digits=2):
        return formatLang(self.env, value or 0, digits=digits)


def _figures(row):
    """Return the figures of a row of SQL."""
    figures = dict(zip(_COUNTED, row, strict=True))
    return {**figures, 'amount': float(figures['amount'])}


def _add_up(groups):
    """Return the figures of groups without common customers together."""
    groups = list(groups)
    return {name: sum(figures[name] for figures in groups) for name in _COUNTED}


def _signed(value, digits):
    return f'{value:+.{digits}f}'
