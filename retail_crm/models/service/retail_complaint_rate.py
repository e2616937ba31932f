from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .retail_sold_line import SHARED

#: Measures that are read from what was sold: name -> aggregate of ``retail.sold.line``.
SOLD = {
    'orders': 'purchase_id:count_distinct',
    'units': 'quantity:sum',
    'customers': 'partner_id:count_distinct',
}
#: Rates: name -> the measure that they are a thousandth of.
RATES = {'rate_orders': 'orders', 'rate_units': 'units', 'rate_customers': 'customers'}
#: Ways to look at complaints that ``_complaint_rates`` knows.
DIMENSIONS = {
    'class': 'class_id',
    'reason': 'reason_id',
    'cause': 'cause_id',
    'product': 'product_id',
    'category': 'categ_id',
    'supplier': 'supplier_id',
    'lot': 'lot',
    'store': 'store_id',
    'carrier': 'carrier',
    'month': 'date:month',
}


class RetailComplaintRate(models.Model):
    """How often there are complaints, compared with what was sold: the rate, not the number (R-svc E 8, S-KPI-23).

    One row for each complaint and each of its goods, computed when asked. A complaint counts once in each group,
    whatever the number of its lines. Groups take their orders, pieces and customers from ``retail.sold.line`` of the
    same period, product, store and so on; what only complaints have (class, cause) divides complaints, not sales.
    Restricted complaints and those of other branches count, and are not named. Left out: cancelled and merged ones, tasks,
    recovery requests.
    """

    _name = 'retail.complaint.rate'
    _description = 'Complaint Rate'
    _auto = False
    _order = 'received_at desc, id desc'
    _rec_name = 'ticket_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        readonly=True,
        help='The complaint. Empty: it is restricted, and only counted here.',
    )
    ticket_key = fields.Integer(
        string='Complaint Counted', readonly=True, aggregator=None, help='What is counted once.'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        help='Who complained. Empty for restricted complaints.',
    )
    date = fields.Date(readonly=True, help='Day on which it was received, where the company is.')
    received_at = fields.Datetime(string='Received', readonly=True, help='When it reached us.')
    product_id = fields.Many2one(
        comodel_name='product.product', readonly=True, help='Product complained about.'
    )
    product_tmpl_id = fields.Many2one(
        comodel_name='product.template',
        string='Product of All Variants',
        readonly=True,
        help='Product without its variants.',
    )
    categ_id = fields.Many2one(
        comodel_name='product.category',
        string='Product Category',
        readonly=True,
        help='Category of the product.',
    )
    supplier_id = fields.Many2one(
        comodel_name='res.partner', readonly=True, help='First vendor of the product.'
    )
    lot = fields.Char(string='Lot or Serial Number', readonly=True, help='Lot complained about.')
    store_id = fields.Many2one(
        comodel_name='crm.team', readonly=True, help='Store that it is about.'
    )
    carrier = fields.Char(readonly=True, help='Who delivered it, where deliveries are kept.')
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='Channel on which it came in.'
    )
    class_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Main Class',
        readonly=True,
        help='One of the five classes.',
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Class',
        readonly=True,
        help="What it is about in the customer's view.",
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        readonly=True,
        help='Why it really happened.',
    )
    is_preventable = fields.Boolean(
        string='Preventable', readonly=True, help='Could have been prevented by us.'
    )
    is_open = fields.Boolean(
        string='Still Open', readonly=True, help='It is neither solved nor filed.'
    )
    is_restricted = fields.Boolean(
        string='Restricted', readonly=True, help='Only those concerned may read it.'
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        groups='retail_crm.group_complaint,retail_crm.group_manager',
        help='Does not see the row.',
    )
    complaints = fields.Integer(readonly=True, help='Number of complaints; each counts once.')
    orders = fields.Integer(
        string='Orders Sold', readonly=True, help='Purchases in the same period and group.'
    )
    units = fields.Float(
        string='Pieces Sold', readonly=True, help='Pieces sold in the same period and group.'
    )
    customers = fields.Integer(
        string='Customers Who Bought',
        readonly=True,
        help='Customers who bought in the same period and group.',
    )
    rate_orders = fields.Float(
        string='Complaints per 1,000 Orders',
        digits=(16, 2),
        readonly=True,
        aggregator='sum',
        help='0 where nothing was sold.',
    )
    rate_units = fields.Float(
        string='Complaints per 1,000 Pieces',
        digits=(16, 2),
        readonly=True,
        aggregator='sum',
        help='0 where nothing was sold.',
    )
    rate_customers = fields.Float(
        string='Complaints per 1,000 Customers',
        digits=(16, 2),
        readonly=True,
        aggregator='sum',
        help='0 where nobody bought.',
    )
    cost = fields.Monetary(
        string='Cost of Remedies',
        readonly=True,
        groups='retail_crm.group_lead',
        help='What granted remedies cost us: of the goods that they are for, else shared among all of the complaint.',
    )

    @property
    def _table_query(self):
        return self._sql_rows()

    def _sql_rows(self):
        """Return the rows: each complaint times its goods."""
        sold = self.env['retail.sold.line']
        carrier = sold._sql_carrier()
        return SQL(
            """
            SELECT CASE WHEN item.id IS NULL THEN t.id::bigint * 2 ELSE item.id::bigint * 2 + 1 END AS id,
                   root.id AS company_id, t.id AS ticket_key,
                   CASE WHEN %(named)s THEN t.id END AS ticket_id,
                   CASE WHEN %(named)s THEN t.commercial_partner_id END AS partner_id,
                   timezone(COALESCE(calendar.tz, 'UTC'), timezone('UTC', t.received_at))::date AS date,
                   t.received_at, product.id AS product_id, product.product_tmpl_id, template.categ_id,
                   vendor.partner_id AS supplier_id, NULLIF(item.lot, '') AS lot, t.store_id, %(carrier)s AS carrier,
                   t.channel_id, t.class_id, t.reason_id, t.cause_id, t.is_preventable,
                   t.category IN ('new', 'open', 'waiting', 'on_hold') AS is_open,
                   t.is_restricted, t.blocked_user_id, 1 AS complaints,
                   0 AS orders, 0.0 AS units, 0 AS customers,
                   0.0 AS rate_orders, 0.0 AS rate_units, 0.0 AS rate_customers,
                   %(cost)s AS cost
              FROM retail_ticket t
              JOIN retail_ticket_type kind ON kind.id = t.type_id
              JOIN res_company c ON c.id = t.company_id
              JOIN res_company root ON root.id = split_part(c.parent_path, '/', 1)::int
         LEFT JOIN resource_calendar calendar ON calendar.id = root.resource_calendar_id
         LEFT JOIN retail_ticket_line item ON item.ticket_id = t.id
         LEFT JOIN product_product product ON product.id = COALESCE(item.product_id, t.product_id)
         LEFT JOIN product_template template ON template.id = product.product_tmpl_id
              %(vendor)s
         LEFT JOIN LATERAL (SELECT COALESCE(item.order_id, t.order_id) AS order_id) AS line ON true
              %(carrier_join)s
             WHERE t.active AND t.is_complaint
               AND t.is_internal IS NOT TRUE
               AND t.category <> 'cancelled'
               AND t.merged_into_id IS NULL
               AND kind.code IS DISTINCT FROM 'recovery'
            """,
            cost=self._sql_cost(),
            named=self._sql_named(),
            vendor=sold._sql_vendor(),
            **carrier,
        )

    def _sql_named(self):
        """Return the condition that a complaint is named: it is not restricted, and of a branch that the user works in."""
        named = SQL('t.is_restricted IS NOT TRUE')
        if self.env.su:
            return named
        return SQL('%s AND t.company_id = ANY(%s)', named, self.env.companies.ids)

    def _sql_cost(self):
        """Return the expression of what the granted remedies of a row cost."""
        return SQL(
            """
            COALESCE((SELECT SUM(CASE WHEN remedy.line_id = item.id THEN remedy.cost
                                      WHEN remedy.line_id IS NULL THEN remedy.cost / GREATEST(1,
                                           (SELECT COUNT(*) FROM retail_ticket_line each WHERE each.ticket_id = t.id))
                                 END)
                        FROM retail_remedy remedy
                       WHERE remedy.ticket_id = t.id AND remedy.state = 'granted'), 0)
            """
        )

    def _flush_rows(self):
        """Write what the ORM still holds of what the rows are read from."""
        for model in ('retail.ticket', 'retail.ticket.line', 'retail.remedy', 'sale.order.line'):
            self.env[model].flush_model()

    # === RATES OF GROUPS ===#

    @api.model
    def _search(self, domain, *args, **kwargs):
        self._flush_rows()
        return super()._search(domain, *args, **kwargs)

    def _read_group_select(self, aggregate_spec, query):
        """A complaint counts once in a group; measures of sales come from elsewhere (``_with_sales``)."""
        name = aggregate_spec.split(':')[0]
        if name == 'complaints':
            return SQL('COUNT(DISTINCT %s)', self._field_to_sql(self._table, 'ticket_key', query))
        if name in SOLD or name in RATES:
            return SQL('0')
        return super()._read_group_select(aggregate_spec, query)

    @api.model
    def _read_group(
        self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None
    ):
        inner = self._inner_aggregates(aggregates)
        rows = super()._read_group(domain, groupby, inner, having, offset, limit, order)
        [rows] = self._with_sales(domain, [groupby], aggregates, inner, [rows])
        return rows

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        inner = self._inner_aggregates(aggregates)
        groups = super()._read_grouping_sets(domain, grouping_sets, inner, order)
        return self._with_sales(domain, grouping_sets, aggregates, inner, groups)

    @api.model
    def _inner_aggregates(self, aggregates):
        """Return the aggregates that are asked of the complaints themselves."""
        names = {spec.split(':')[0] for spec in aggregates}
        if not names & {*SOLD, *RATES}:
            return tuple(aggregates)
        return tuple(dict.fromkeys((*aggregates, 'complaints:sum')))

    @api.model
    def _with_sales(self, domain, grouping_sets, aggregates, inner, groups):
        """Fill in what was sold in each group, and the rates; one query for all of them."""
        if inner == tuple(aggregates) and not {spec.split(':')[0] for spec in aggregates} & {
            *SOLD,
            *RATES,
        }:
            return groups
        shared = [[spec for spec in groupby if _is_shared(spec)] for groupby in grouping_sets]
        sales = self.env['retail.sold.line']._read_grouping_sets(
            self._sold_domain(domain), shared, list(SOLD.values())
        )
        complaints = inner.index('complaints:sum')
        result = []
        for groupby, common, rows, sold in zip(grouping_sets, shared, groups, sales, strict=True):
            known = {tuple(row[: len(common)]): row[len(common) :] for row in sold}
            size = len(groupby)
            filled = []
            for row in rows:
                keys = [
                    value for spec, value in zip(groupby, row[:size], strict=True) if spec in common
                ]
                counts = dict(zip(SOLD, known.get(tuple(keys), (0, 0, 0)), strict=True))
                values = dict(zip(inner, row[size:], strict=True))
                number = row[size + complaints]
                filled.append(
                    (
                        *row[:size],
                        *(_measure(spec, values, counts, number) for spec in aggregates),
                    )
                )
            result.append(filled)
        return result

    @api.model
    def _sold_domain(self, domain):
        """Return the conditions of a domain that sales know, too; the others choose among complaints only."""
        return (
            Domain(domain)
            .optimize(self)
            .map_conditions(
                lambda condition: condition if _is_shared(condition.field_expr) else Domain.TRUE
            )
        )

    @api.model
    def _complaint_rates(self, company, start, end, by):
        """Return complaints against sales of a period, for figures and boards (S-KPI-23).

        :param company: its root company is counted as a whole
        :param start: first day
        :param end: last day
        :param str by: one of ``DIMENSIONS``, or None for the company as a whole
        :return: ``{value: {'complaints': , 'orders': , 'units': , 'customers': , 'rate_orders': , ...}}``; the value
            is a record, a text, the first day of a month, or None. Values without a complaint are left out.
        """
        names = ['complaints', *SOLD, *RATES]
        groupby = [DIMENSIONS[by]] if by else []
        # sudo: figures of a company as a whole; nothing of a single complaint is told
        rows = self.sudo()._read_group(
            [
                ('company_id', '=', company.sudo().root_id.id),
                ('date', '>=', start),
                ('date', '<=', end),
            ],
            groupby,
            [f'{name}:sum' for name in names],
        )
        return {
            (row[0] if by else None): dict(zip(names, row[len(groupby) :], strict=True))
            for row in rows
        }

    # === ACTIONS ===#

    def action_open_ticket(self):
        """Open the complaint of a row."""
        self.ensure_one()
        self.check_access('read')
        return bool(self.ticket_id) and {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': self.ticket_id.id,
            'view_mode': 'form',
        }


def _is_shared(spec):
    """Return whether sales can be grouped or chosen by a field, with or without granularity."""
    return spec.split(':')[0].split('.')[0] in SHARED


def _measure(spec, values, counts, complaints):
    """Return one aggregate of a group."""
    name = spec.split(':')[0]
    if name in SOLD:
        return counts[name] or 0
    if name in RATES:
        base = counts[RATES[name]]
        return complaints * 1000.0 / base if base else 0.0
    return values[spec]
