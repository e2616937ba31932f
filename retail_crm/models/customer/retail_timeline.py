from collections.abc import Set as AbstractSet

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .retail_touch import KINDS as TOUCH_KINDS

#: Room for so many sources in the ids of rows: 2^31 x 64 stays far below 2^53, the largest number of a browser.
_SOURCES = 64


class RetailTimeline(models.Model):
    """Everything that happened with a customer, whatever the channel, in order of time (S-CHN-02, S-CUS-28).

    Read from the documents themselves when asked; nothing is stored, so nothing gets lost or stale. A row belongs to
    the commercial partner and, like purchases, to the main company. Each source is a SELECT of ``_timeline_sources``
    with the columns of ``_timeline_columns``: PostgreSQL takes the condition on the customer down into each of them.
    """

    _name = 'retail.timeline'
    _description = 'Time Line'
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'reference'
    _depends = {
        'res.partner': ['commercial_partner_id'],
        'res.company': ['parent_path'],
        'retail.purchase': [
            'partner_id',
            'company_id',
            'date',
            'amount',
            'channel_id',
            'store_id',
            'user_id',
            'res_model',
            'res_id',
        ],
        'sale.order': [
            'name',
            'partner_id',
            'company_id',
            'date_order',
            'state',
            'amount_untaxed',
            'currency_rate',
            'team_id',
            'user_id',
        ],
        'crm.team': ['retail_is_store', 'retail_channel_id'],
        'retail.touch': [
            'partner_id',
            'company_id',
            'date',
            'kind',
            'channel_id',
            'store_id',
            'user_id',
            'note',
        ],
        'retail.consent': [
            'partner_id',
            'company_id',
            'date',
            'channel_id',
            'user_id',
        ],
        'retail.profile.change': ['partner_id', 'company_id', 'date'],
    }

    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', readonly=True)
    contact_id = fields.Many2one(
        comodel_name='res.partner',
        readonly=True,
        help='The person it happened with, where the customer is a company.',
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    date = fields.Datetime(
        readonly=True,
        help='When it was. What is dated by day only stands at noon.',
    )
    day = fields.Date(
        readonly=True, help='Day on which it was; purchases by the day where the company is.'
    )
    kind = fields.Selection(
        selection=[
            ('purchase', 'Purchase'),
            ('quotation', 'Quotation'),
            ('order', 'Order not counted yet'),
            *TOUCH_KINDS,
            ('consent', 'Consent'),
            ('class_change', 'Class change'),
        ],
        readonly=True,
        help='What happened.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel', readonly=True, help='Channel on which it happened.'
    )
    store_id = fields.Many2one(
        comodel_name='crm.team', readonly=True, help='Store in which it happened.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users', string='Employee', readonly=True, help='Who served the customer.'
    )
    amount = fields.Monetary(readonly=True, help='Net amount, in the company currency.')
    reference = fields.Char(readonly=True, help='Number of the document.')
    summary = fields.Char(
        compute='_compute_summary', help='What it was about: products, the note, the decision.'
    )
    source = fields.Char(readonly=True, help='Kind of record from which this row comes.')
    row_id = fields.Integer(
        readonly=True, aggregator=None, help='Record from which this row comes.'
    )
    res_model = fields.Char(string='Document Model', readonly=True)
    res_id = fields.Many2oneReference(
        string='Document', model_field='res_model', readonly=True, aggregator=None
    )

    # === SOURCES ===#

    @api.model
    def _timeline_columns(self):
        """Return ``{column: type}`` of what each source selects, in this order.

        The types are exact: PostgreSQL takes no condition into a UNION ALL whose types differ.
        """
        return {
            'row_id': 'integer',  # unique within the source
            'partner_id': 'integer',  # the commercial partner
            'contact_id': 'integer',
            'company_id': 'integer',  # the main company
            'date': 'timestamp',
            'day': 'date',
            'kind': 'varchar',
            'channel_id': 'integer',
            'store_id': 'integer',
            'user_id': 'integer',
            'amount': 'numeric',
            'reference': 'varchar',
            'res_model': 'varchar',
            'res_id': 'integer',
        }

    @api.model
    def _timeline_sources(self):
        """Hook: return ``{key: SELECT of _timeline_columns}``; later areas add tier moves, tickets, surveys.

        A source with a new kind adds it to ``kind``; one with words of its own has a method ``_timeline_text_<key>``.
        """
        return {
            'purchase': self._sql_purchases(),
            'quotation': self._sql_quotations(),
            'touch': self._sql_touches(),
            'consent': self._sql_consents(),
            'change': self._sql_changes(),
        }

    @property
    def _table_query(self):
        columns = self._timeline_columns()
        names = SQL(', ').join(map(SQL.identifier, columns))
        typed = SQL(', ').join(
            SQL('%s::%s', SQL.identifier(name), SQL(kind)) for name, kind in columns.items()
        )
        return SQL(' UNION ALL ').join(
            SQL(
                """
                SELECT row_id::bigint * %s + %s AS id, %s::varchar AS source, %s
                  FROM (%s) AS %s (%s)
                """,
                _SOURCES,
                number,
                key,
                typed,
                select,
                SQL.identifier(key),
                names,
            )
            for number, (key, select) in enumerate(self._timeline_sources().items())
        )

    def _sql_root(self, alias):
        """Return the main company of the ``res_company`` of that alias."""
        return SQL("split_part(%s, '/', 1)::int", SQL.identifier(alias, 'parent_path'))

    def _sql_purchases(self):
        """Return the purchases; those of orders at the order's time of day."""
        return SQL(
            """
            SELECT purchase.id, purchase.partner_id, NULL::int, purchase.company_id,
                   COALESCE(sold.date_order, purchase.date + interval '12 hours'), purchase.date, 'purchase',
                   purchase.channel_id, purchase.store_id, purchase.user_id, purchase.amount,
                   sold.name, purchase.res_model, purchase.res_id
              FROM retail_purchase AS purchase
              LEFT JOIN sale_order AS sold ON purchase.res_model = 'sale.order' AND sold.id = purchase.res_id
            """
        )

    def _sql_quotations(self):
        """Return the orders that are no purchase: quotations, cancelled ones, and those not invoiced yet."""
        return SQL(
            """
            SELECT quotation.id, contact.commercial_partner_id, quotation.partner_id, %s,
                   quotation.date_order, quotation.date_order::date,
                   CASE quotation.state WHEN 'sale' THEN 'order' ELSE 'quotation' END,
                   team.retail_channel_id, CASE WHEN team.retail_is_store THEN team.id END, quotation.user_id,
                   quotation.amount_untaxed / COALESCE(NULLIF(quotation.currency_rate, 0), 1),
                   quotation.name, 'sale.order', quotation.id
              FROM sale_order AS quotation
              JOIN res_partner AS contact ON contact.id = quotation.partner_id
              JOIN res_company AS company ON company.id = quotation.company_id
              LEFT JOIN crm_team AS team ON team.id = quotation.team_id
             WHERE NOT EXISTS (SELECT FROM retail_purchase AS counted
                                WHERE counted.res_model = 'sale.order' AND counted.res_id = quotation.id)
            """,
            self._sql_root('company'),
        )

    def _sql_touches(self):
        return SQL(
            """
            SELECT touch.id, contact.commercial_partner_id, touch.partner_id, %s, touch.date, touch.date::date, touch.kind,
                   touch.channel_id, touch.store_id, touch.user_id, NULL, NULL, 'retail.touch', touch.id
              FROM retail_touch AS touch
              JOIN res_partner AS contact ON contact.id = touch.partner_id
              JOIN res_company AS company ON company.id = touch.company_id
            """,
            self._sql_root('company'),
        )

    def _sql_consents(self):
        return SQL(
            """
            SELECT consent.id, contact.commercial_partner_id, consent.partner_id, consent.company_id, consent.date,
                   consent.date::date, 'consent', consent.channel_id, NULL, consent.user_id, NULL, NULL,
                   'retail.consent', consent.id
              FROM retail_consent AS consent
              JOIN res_partner AS contact ON contact.id = consent.partner_id
            """
        )

    def _sql_changes(self):
        return SQL(
            """
            SELECT id, partner_id, NULL::int, company_id, date + interval '12 hours', date, 'class_change', NULL, NULL, NULL,
                   NULL, NULL, 'retail.profile.change', id
              FROM retail_profile_change
            """
        )

    # === READING ===#

    @api.model
    def _search(self, domain, *args, **kwargs):
        """Find rows by their ids in the records they come from, instead of making all rows to compare their ids."""
        domain = Domain(domain).map_conditions(self._domain_of_rows)
        return super()._search(domain, *args, **kwargs)

    def _domain_of_rows(self, condition):
        """Return the condition on ids in terms of source and row; others as they are."""
        ids = condition.value
        if condition.field_expr != 'id' or condition.operator not in ('in', '='):
            return condition
        if condition.operator == '=':
            ids = [ids]
        elif not isinstance(ids, (list, tuple, AbstractSet)):
            return condition  # a sub-query
        keys = list(self._timeline_sources())
        rows = {}
        for id_ in ids:
            if isinstance(id_, int) and id_ and id_ % _SOURCES < len(keys):
                rows.setdefault(keys[id_ % _SOURCES], []).append(id_ // _SOURCES)
        return Domain.OR(
            Domain('source', '=', key) & Domain('row_id', 'in', row_ids)
            for key, row_ids in rows.items()
        )

    @api.depends('source', 'row_id', 'reference', 'res_model', 'res_id')
    @api.depends_context('lang')
    def _compute_summary(self):
        """Put the rows into words, with one query or two for each source."""
        for key, rows in self.grouped('source').items():
            texts = getattr(rows, f'_timeline_text_{key}', dict)()
            for row in rows:
                row.summary = texts.get(row.row_id) or row.reference

    @api.depends('kind', 'summary')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for row in self:
            row.display_name = ': '.join(filter(None, [kinds.get(row.kind), row.summary]))

    def action_open_document(self):
        """Open what the row comes from; Odoo refuses what the employee may not see."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }
