from odoo import fields, models
from odoo.tools import SQL

#: Periods in days, by their key.
PERIODS = {'30': 30, '90': 90, '365': 365}
#: Up to this share of all complaints are the vital few.
VITAL = 0.8


class RetailComplaintPareto(models.Model):
    """Which few classes, causes and products make most complaints (S-TKT-33): shares, and shares added up.

    One row per period, dimension and value, computed when asked. Complaints are counted as in
    ``retail.complaint.rate``; one with two products counts for both of them. The vital few are the values that together
    reach 80 %, the one that reaches it included. Equal numbers stand in the order in which the values were made.
    """

    _name = 'retail.complaint.pareto'
    _description = 'Pareto of Complaints'
    _auto = False
    _order = 'company_id, period, dimension, position'
    _rec_name = 'label'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    period = fields.Selection(
        selection=[
            ('30', 'Last 30 days'),
            ('90', 'Last 90 days'),
            ('365', 'Last 365 days'),
        ],
        readonly=True,
        help='Complaints received in these days, today included.',
    )
    dimension = fields.Selection(
        selection=[
            ('class', 'Class'),
            ('reason', 'Sub-cause'),
            ('cause', 'Root cause'),
            ('product', 'Product'),
            ('preventable', 'Preventable'),
        ],
        readonly=True,
        help='What complaints are counted by.',
    )
    position = fields.Integer(
        string='Rank', readonly=True, aggregator=None, help='1 is the most frequent.'
    )
    label = fields.Char(string='Name', readonly=True, help='Class, cause or product.')
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        readonly=True,
        help='Class or sub-cause that it is.',
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        readonly=True,
        help='Root cause that it is.',
    )
    product_id = fields.Many2one(
        comodel_name='product.product', readonly=True, help='Product that it is.'
    )
    complaints = fields.Integer(readonly=True, help='Complaints in the period.')
    share = fields.Float(readonly=True, help='Share of all complaints that have such a value.')
    cumulative = fields.Float(
        string='Share Added Up',
        readonly=True,
        aggregator='max',
        help='Share of this and all more frequent ones together.',
    )
    is_vital = fields.Boolean(
        string='Vital Few',
        readonly=True,
        help='One of the few that together make 80 % of all: here an improvement pays most.',
    )
    date_from = fields.Date(string='From', readonly=True, help='First day of the period.')

    @property
    def _table_query(self):
        return self._sql_rows()

    def _sql_rows(self):
        """Return the rows; the shares are added up by a window function."""
        self.env['retail.complaint.rate']._flush_rows()
        lang = self.env.lang or 'en_US'
        return SQL(
            """
            WITH complaint AS MATERIALIZED (
                SELECT DISTINCT row.company_id, row.ticket_key, period.key AS period, period.start AS date_from,
                       row.class_id, row.reason_id, row.cause_id, row.product_id, row.is_preventable
                  FROM (%(rows)s) AS row
                  JOIN (VALUES %(periods)s) AS period (key, start) ON row.date >= period.start
                 WHERE row.date <= %(today)s
            ), counted AS (
                SELECT complaint.company_id, period, date_from, side.dimension, side.number, side.value,
                       COUNT(DISTINCT ticket_key) AS complaints
                  FROM complaint
            CROSS JOIN LATERAL (VALUES ('class', 1, class_id), ('reason', 2, reason_id), ('cause', 3, cause_id),
                                       ('product', 4, product_id),
                                       ('preventable', 5, CASE WHEN cause_id IS NULL THEN NULL
                                                               WHEN is_preventable THEN 2 ELSE 1 END)
                               ) AS side (dimension, number, value)
                 WHERE side.value IS NOT NULL
                 GROUP BY complaint.company_id, period, date_from, side.dimension, side.number, side.value
            ), ranked AS (
                SELECT *, ROW_NUMBER() OVER along AS position,
                       SUM(complaints) OVER along AS reached,
                       SUM(complaints) OVER (PARTITION BY company_id, period, dimension) AS total
                  FROM counted
                WINDOW along AS (PARTITION BY company_id, period, dimension ORDER BY complaints DESC, value
                                 ROWS UNBOUNDED PRECEDING)
            )
            SELECT ((company_id::bigint * 366 + period::int) * 8 + number) * 100000000 + value AS id,
                   company_id, period, date_from, dimension, position, complaints::int AS complaints,
                   CASE WHEN number IN (1, 2) THEN value END AS reason_id,
                   CASE WHEN number = 3 THEN value END AS cause_id,
                   CASE WHEN number = 4 THEN value END AS product_id,
                   complaints / total AS share, reached / total AS cumulative,
                   (reached - complaints) / total < %(vital)s AS is_vital,
                   CASE number
                        WHEN 3 THEN (SELECT COALESCE(name->>%(lang)s, name->>'en_US') FROM retail_ticket_cause
                                      WHERE id = value)
                        WHEN 4 THEN (SELECT COALESCE(template.name->>%(lang)s, template.name->>'en_US')
                                       FROM product_product product
                                       JOIN product_template template ON template.id = product.product_tmpl_id
                                      WHERE product.id = value)
                        WHEN 5 THEN CASE value WHEN 2 THEN %(yes)s ELSE %(no)s END
                        ELSE (SELECT COALESCE(name->>%(lang)s, name->>'en_US') FROM retail_ticket_reason
                               WHERE id = value)
                    END AS label
              FROM ranked
            """,
            rows=self.env['retail.complaint.rate']._sql_rows(),
            periods=SQL(', ').join(
                SQL(
                    '(%s, %s::date)',
                    key,
                    fields.Date.subtract(fields.Date.context_today(self), days=days - 1),
                )
                for key, days in PERIODS.items()
            ),
            today=fields.Date.context_today(self),
            vital=VITAL,
            lang=lang,
            yes=self.env._('Preventable'),
            no=self.env._('Not preventable'),
        )

    def action_open_tickets(self):
        """Open the complaints of a row that the user may read."""
        self.ensure_one()
        self.check_access('read')
        domain = [
            ('company_id', '=', self.company_id.id),
            ('date', '>=', self.date_from),
            ('date', '<=', fields.Date.context_today(self)),
        ]
        if self.dimension == 'product':
            domain.append(('product_id', '=', self.product_id.id))
        elif self.dimension == 'cause':
            domain.append(('cause_id', '=', self.cause_id.id))
        elif self.dimension == 'preventable':
            domain += [('cause_id', '!=', False), ('is_preventable', '=', self.id % 10 == 2)]
        else:
            name = 'class_id' if self.dimension == 'class' else 'reason_id'
            domain.append((name, '=', self.reason_id.id))
        rows = self.env['retail.complaint.rate']
        return {
            'type': 'ir.actions.act_window',
            'name': self.label,
            'res_model': 'retail.ticket',
            'view_mode': 'list,form,pivot,graph',
            # those that were counted; sudo: the tickets are shown by the reader's own rights
            'domain': [('id', 'in', rows.sudo().search(domain).mapped('ticket_key'))],
        }
