from odoo import fields, models
from odoo.tools import SQL

#: What is measured of points; sums over groups without common customers are those of all.
POINTS_COLUMNS = (
    'points_earned',
    'points_redeemed',
    'redemption_count',
    'redeemer_count',
    'mover_count',
    'points_expired',
    'points_owed',
    'points_owed_amount',
)


class RetailProgrammeEvaluationLine(models.Model):
    """What a group did with its points, by the ledger: of loyalty programs only, eWallets are money."""

    _inherit = 'retail.programme.evaluation.line'

    points_earned = fields.Float(
        readonly=True, help='Points earned in the period, less what was taken back.'
    )
    points_redeemed = fields.Float(
        readonly=True, help='Points spent in the period, less what was given back.'
    )
    redemption_rate = fields.Float(
        string='Redemption (%)',
        digits=(16, 1),
        readonly=True,
        aggregator=None,
        help='Points redeemed in the period, of those earned in it, in percent.',
    )
    redemption_count = fields.Integer(
        string='Redemptions', readonly=True, help='Orders on which points were spent.'
    )
    redeemer_count = fields.Integer(
        string='Customers Who Redeemed',
        readonly=True,
        help='How many of the group spent points in the period.',
    )
    mover_count = fields.Integer(
        string='Customers Whose Points Moved',
        readonly=True,
        help='How many of the group earned or spent points in the period, had some taken or given back, or adjusted.',
    )
    points_participation = fields.Float(
        string='Points Moved (%)',
        digits=(16, 1),
        readonly=True,
        aggregator=None,
        help='Customers of the group whose points moved in the period, in percent of the group: its participation.',
    )
    points_expired = fields.Float(readonly=True, help='Points that expired in the period.')
    points_owed = fields.Float(
        readonly=True,
        aggregator=None,
        help='Points that the group could spend at the end of the period, or later once they no longer wait.',
    )
    points_owed_amount = fields.Monetary(
        string='Points Owed in Money',
        readonly=True,
        aggregator=None,
        help='Points owed at the end of the period, at the value of a point of their program when this was measured.',
    )


class RetailProgrammeEvaluationPoints(models.Model):
    """Measures points: earned, redeemed, expired, and what is owed at the end of the period (S-LOY-19, KPI-22)."""

    _inherit = 'retail.programme.evaluation'

    def _measures(self):
        """Add the figures of points; before and after joining they are not compared."""
        measures = super()._measures()
        by_tier = self._measure_points()
        members = _add_up(figures for tier_id, figures in by_tier.items() if tier_id)
        others = _add_up(figures for tier_id, figures in by_tier.items() if not tier_id)
        found = {
            ('all', False): _add_up([members, others]),
            ('member', False): members,
            ('other', False): others,
        }
        for (group, tier_id), figures in measures.items():
            mine = found.get((group, tier_id)) or (
                by_tier.get(tier_id) if group == 'tier' else None
            )
            figures.update(mine or dict.fromkeys(POINTS_COLUMNS, 0))
            earned = figures['points_earned']
            figures['points_participation'] = (
                100.0 * figures['mover_count'] / (figures['population'] or 1)
            )
            figures['redemption_rate'] = (
                100.0 * figures['points_redeemed'] / earned if earned > 0 else 0.0
            )
        return measures

    def _measure_points(self):
        """Return ``{id of the tier held at the end, or False: figures}``, in one statement."""
        self._flush_measured()
        self.env['retail.points.entry'].flush_model()
        self.env['res.partner'].flush_model(['commercial_partner_id'])
        values = self._point_values()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT member.tier_id,
                       sum(entry.points) FILTER (WHERE %(now)s AND entry.kind IN ('earn', 'reverse_earn')),
                       -sum(entry.points) FILTER (WHERE %(now)s AND entry.kind IN ('burn', 'reverse_burn')),
                       count(DISTINCT (entry.res_model, entry.res_id))
                             FILTER (WHERE %(now)s AND entry.kind = 'burn'),
                       count(DISTINCT contact.commercial_partner_id)
                             FILTER (WHERE %(now)s AND entry.kind = 'burn'),
                       count(DISTINCT contact.commercial_partner_id)
                             FILTER (WHERE %(now)s AND entry.kind NOT IN ('expire', 'migrate', 'merge')),
                       -sum(entry.points) FILTER (WHERE %(now)s AND entry.kind = 'expire'),
                       sum(entry.points), sum(entry.points * program.value)
                  FROM retail_points_entry AS entry
                  JOIN unnest(%(programs)s::int[], %(values)s::float[]) AS program (id, value)
                    ON program.id = entry.program_id
                  LEFT JOIN res_partner AS contact ON contact.id = entry.partner_id
                  LEFT JOIN (%(members)s) AS member ON member.partner_id = contact.commercial_partner_id
                 WHERE entry.company_id = %(company)s AND entry.date <= %(end)s AND entry.state <> 'void'
                 GROUP BY member.tier_id
                """,
                now=SQL('entry.date BETWEEN %s AND %s', self.date_from, self.date_to),
                programs=list(values),
                values=list(values.values()),
                members=self._sql_members(),
                company=self.company_id.id,
                end=self.date_to,
            )
        )
        return {
            tier_id or False: {
                name: value or 0 for name, value in zip(POINTS_COLUMNS, row, strict=True)
            }
            for tier_id, *row in rows
        }

    def _point_values(self):
        """Return ``{id of a loyalty program: value of its point in the programme's currency}``, archived ones, too."""
        # sudo: the system's figures; those of other companies have no entries of this one
        programs = (
            self.env['loyalty.program']
            .sudo()
            .with_context(active_test=False)
            .search([('program_type', '=', 'loyalty')])
        )
        return {
            program.id: program.currency_id._convert(
                program.retail_point_value,
                self.currency_id,
                self.company_id,
                self.date_to,
                round=False,
            )
            for program in programs
        }


def _add_up(groups):
    """Return the figures of groups without common customers together."""
    groups = list(groups)
    return {name: sum(figures[name] for figures in groups) for name in POINTS_COLUMNS}
