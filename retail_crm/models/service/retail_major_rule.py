from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Boxes to tick on a complaint, and the rule that each stands for (defaults 15).
TICKS = [
    ('is_injury', 'Injury'),
    ('is_fire', 'Fire'),
    ('is_shock', 'Electric shock'),
    ('is_food', 'Food safety'),
    ('is_press', 'Press'),
    ('is_regulator', 'Regulator or lawyer'),
    ('is_leak', 'Personal data leaked'),
]


class RetailMajorRule(models.Model):
    """When a complaint is a major case: a box ticked, an amount claimed, or several on the same goods (S-TKT-32)."""

    _name = 'retail.major.rule'
    _description = 'Rule of Major Cases'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        selection=[
            *TICKS,
            ('views', 'Public review with many views'),
            ('claim', 'Large claim'),
            ('product', 'Several complaints on one product'),
            ('lot', 'Several complaints on one lot'),
        ],
        required=True,
        help='What makes a complaint a major case.',
    )
    count = fields.Integer(
        string='From a Number Of',
        aggregator=None,
        help='How many complaints on the same goods, or views of the public review, make it a major case.',
    )
    days = fields.Integer(
        string='Within Days',
        aggregator=None,
        help='Complaints received within this number of days count.',
    )
    amount = fields.Float(
        string='From a Claim Of',
        aggregator=None,
        help='Claimed amount that makes it a major case, in the currency of the company.',
    )

    _kind_uniq = models.Constraint('UNIQUE(kind)', 'There is a rule of this kind already.')
    _check_numbers = models.Constraint(
        'CHECK(count >= 0 AND days >= 0 AND amount >= 0)', 'Limits cannot be negative.'
    )

    @api.constrains('kind', 'count', 'days', 'amount')
    def _check_limits(self):
        for rule in self:
            is_goods = rule.kind in ('product', 'lot')
            if (
                (is_goods and (rule.count < 2 or not rule.days))
                or (rule.kind == 'views' and not rule.count)
                or (rule.kind == 'claim' and not rule.amount)
            ):
                raise ValidationError(
                    self.env._('The rule "%(rule)s" needs its limits.', rule=rule.name)
                )

    def _reasons(self, tickets):
        """Return ``{id of a ticket: the first rule by which it is a major case}``."""
        found = {}
        for rule in self:
            if rule.kind in ('product', 'lot'):
                ids = rule._many_on_goods(tickets)
            elif rule.kind == 'claim':
                ids = tickets.filtered(lambda t, rule=rule: t.claim_amount >= rule.amount).ids
            elif rule.kind == 'views':
                ids = tickets.filtered(lambda t, rule=rule: t.review_views >= rule.count).ids
            else:
                ids = tickets.filtered(rule.kind).ids
            for ticket_id in ids:
                found.setdefault(ticket_id, rule)
        return found

    def _many_on_goods(self, tickets):
        """Return ids of the tickets with which complaints on one product (or lot) reach the number of one rule.

        A running major case on the same goods stands for those that follow it: one alarm, not one per complaint.
        """
        tickets.env['retail.ticket'].flush_model()
        tickets.env['retail.ticket.line'].flush_model()
        lot = SQL('line.lot') if self.kind == 'lot' else SQL('NULL::varchar')
        main = (
            SQL('')
            if self.kind == 'lot'
            else SQL(
                'UNION SELECT id, product_id, NULL::varchar FROM retail_ticket'
                ' WHERE product_id IS NOT NULL AND is_complaint'
            )
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH goods AS NOT MATERIALIZED (
                    SELECT line.ticket_id AS id, line.product_id, %(lot)s AS lot
                      FROM retail_ticket_line line
                     WHERE line.product_id IS NOT NULL AND (%(is_product)s OR line.lot <> '')
                     %(main)s
                )
                SELECT ticket.id
                  FROM retail_ticket ticket
                  JOIN goods mine ON mine.id = ticket.id
                  JOIN res_company own ON own.id = ticket.company_id
                  JOIN goods other ON other.product_id = mine.product_id
                                  AND other.lot IS NOT DISTINCT FROM mine.lot
                  JOIN retail_ticket peer ON peer.id = other.id
                  JOIN res_company company ON company.id = peer.company_id
                 WHERE ticket.id = ANY(%(ids)s)
                   AND peer.is_complaint
                   AND peer.category <> 'cancelled'
                   AND peer.merged_into_id IS NULL
                   AND peer.received_at <= ticket.received_at
                   AND peer.received_at > ticket.received_at - make_interval(days => %(days)s)
                   AND split_part(company.parent_path, '/', 1) = split_part(own.parent_path, '/', 1)
                 GROUP BY ticket.id, mine.product_id, mine.lot
                HAVING COUNT(DISTINCT peer.id) >= %(count)s
                   AND NOT BOOL_OR(
                           peer.is_major AND peer.id <> ticket.id
                           AND peer.category NOT IN ('solved', 'archived')
                       )
                """,
                lot=lot,
                main=main,
                is_product=self.kind == 'product',
                ids=list(tickets.ids),
                days=self.days,
                count=self.count,
            )
        )
        return [ticket_id for (ticket_id,) in rows]
