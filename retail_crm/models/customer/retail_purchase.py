import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .res_partner import MAX_REFRESH
from .retail_moment import ListenerBusy

_logger = logging.getLogger(__name__)

#: Invoices that sell to customers or take back from them.
SALE_MOVE_TYPES = ['out_invoice', 'out_refund', 'out_receipt']

_COLUMNS = (
    'res_model',
    'res_id',
    'company_id',
    'partner_id',
    'date',
    'amount',
    'margin',
    'returned',
    'counts',
    'store_id',
    'channel_id',
    'user_id',
    'rate_missing',
)


class RetailPurchase(models.Model):
    """What customers bought: one row per counted document, derived from orders or invoices.

    Written only by ``_sync`` from the facts of ``_sql_purchase_facts``; may be dropped and derived again at any time
    with the same result. Money is net of tax and of returns, in the company currency at the document's date; days are
    those of the company's zone (R-loy C.4, design 4.2). Rows without ``counts`` are documents whose goods were all
    credited: they keep the trace, but are no purchase.
    """

    _name = 'retail.purchase'
    _description = 'Purchase'
    _order = 'date desc, id desc'
    _rec_name = 'date'
    _log_access = False  # derived in bulk: who derived a row when says nothing

    res_model = fields.Char(string='Document Model', required=True, readonly=True)
    res_id = fields.Many2oneReference(
        string='Document', model_field='res_model', required=True, readonly=True
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        ondelete='restrict',
        help='The person or company that bought; purchases of the contacts of a company are those of the company.',
    )
    date = fields.Date(
        required=True, readonly=True, help='Day of the purchase where the company is.'
    )
    amount = fields.Monetary(
        readonly=True,
        help='Net of tax, returns, delivery, gift cards and eWallet top-ups, in the company currency.',
    )
    margin = fields.Monetary(
        readonly=True,
        help='Margin of the amount: from the order line where a cost is recorded, else the usual percentage.',
    )
    returned = fields.Monetary(
        readonly=True, help='Net value of goods credited and not billed again.'
    )
    counts = fields.Boolean(
        readonly=True,
        help='The document is a purchase: confirmed and not returned as a whole.',
    )
    occasion = fields.Boolean(
        string='Purchase Day',
        readonly=True,
        help='First purchase of the customer on this day: several on one day are one occasion.',
    )
    previous_date = fields.Date(
        string='Previous Purchase Day',
        readonly=True,
        help="The customer's purchase day before this one. Empty on the first, and on all but one purchase of a day.",
    )
    store_id = fields.Many2one(comodel_name='crm.team', readonly=True, ondelete='set null')
    channel_id = fields.Many2one(comodel_name='retail.channel', readonly=True, ondelete='set null')
    user_id = fields.Many2one(
        comodel_name='res.users', string='Served By', readonly=True, ondelete='set null'
    )
    rate_missing = fields.Boolean(
        string='No Exchange Rate',
        readonly=True,
        help='The document is in a currency for which no exchange rate is recorded, so its amount was taken one to one. '
        'Record the rate, then use "Apply exchange rates".',
    )

    _document_uniq = models.Constraint('UNIQUE(res_model, res_id)', 'A document is one purchase.')
    _partner_idx = models.Index('(partner_id, company_id, date)')
    _company_date_idx = models.Index('(company_id, date)')
    _store_date_idx = models.Index('(store_id, date) WHERE store_id IS NOT NULL')
    _rate_missing_idx = models.Index('(id) WHERE rate_missing')

    @api.depends('res_model', 'res_id')
    def _compute_display_name(self):
        """Show the number of the document; one query per kind of document."""
        for purchase in self:
            purchase.display_name = str(purchase.date)
        for model, purchases in self.grouped('res_model').items():
            if (
                model not in self.env
            ):  # a row of a glue add-on that is gone; the repair takes it away
                continue
            # sudo: whoever may see the purchase may see the number of its document, and nothing else of it
            documents = self.env[model].sudo().browse(purchases.mapped('res_id')).exists()
            names = {document.id: document.display_name for document in documents}
            for purchase in purchases:
                purchase.display_name = names.get(purchase.res_id) or purchase.display_name

    # === DERIVING ===#

    @api.model
    def _fill_all(self):
        """Derive everything into the empty table in one statement (install)."""
        facts = self._sql_purchase_facts()
        if facts is None:
            return
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO retail_purchase (%(columns)s, occasion, previous_date)
                SELECT %(columns)s, %(occasion)s, %(previous)s
                  FROM (%(facts)s) AS fact
                WINDOW days AS (%(days)s)
                """,
                columns=SQL(', ').join(map(SQL.identifier, _COLUMNS)),
                facts=facts,
                **self._sql_occasion(),
            )
        )
        _logger.info('%s purchases derived', self.env.cr.rowcount)
        self.env.cr.execute(SQL('ANALYZE retail_purchase'))
        self.invalidate_model()

    @api.model
    def _sync(self, documents):
        """Bring the rows of these documents in line with the documents, in a fixed number of statements.

        :param dict documents: ``{model name: iterable of ids}``; ids of deleted documents are welcome
        :return: ids of the customers whose purchases changed, before or after
        :rtype: list[int]
        """
        documents = {model: sorted(set(ids)) for model, ids in documents.items() if ids}
        if not documents:
            return []
        self._flush_sources()
        facts = self._sql_purchase_facts(documents) or SQL(
            'SELECT %s FROM retail_purchase WHERE false',
            SQL(', ').join(map(SQL.identifier, _COLUMNS)),
        )
        keys = SQL(' OR ').join(
            SQL('(res_model = %s AND res_id = ANY(%s))', model, ids)
            for model, ids in documents.items()
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH fact AS MATERIALIZED (%(facts)s),
                old AS MATERIALIZED (SELECT * FROM retail_purchase WHERE %(keys)s),
                gone AS (
                    DELETE FROM retail_purchase
                     WHERE id IN (SELECT id FROM old WHERE NOT EXISTS (
                           SELECT FROM fact WHERE fact.res_model = old.res_model AND fact.res_id = old.res_id))
                ),
                news AS MATERIALIZED (
                    SELECT fact.*, old.partner_id AS old_partner_id
                      FROM fact LEFT JOIN old USING (res_model, res_id)
                     WHERE old.id IS NULL OR (%(old)s) IS DISTINCT FROM (%(fact)s)
                ),
                merged AS (
                    INSERT INTO retail_purchase (%(columns)s)
                    SELECT %(columns)s FROM news
                    ON CONFLICT (res_model, res_id) DO UPDATE SET (%(columns)s) = ROW(%(excluded)s)
                )
                SELECT partner_id FROM news
                 UNION SELECT old_partner_id FROM news WHERE old_partner_id IS NOT NULL
                 UNION SELECT partner_id FROM old WHERE NOT EXISTS (
                       SELECT FROM fact WHERE fact.res_model = old.res_model AND fact.res_id = old.res_id)
                """,
                facts=facts,
                keys=keys,
                columns=SQL(', ').join(map(SQL.identifier, _COLUMNS)),
                old=SQL(', ').join(SQL.identifier('old', column) for column in _COLUMNS),
                fact=SQL(', ').join(SQL.identifier('fact', column) for column in _COLUMNS),
                excluded=SQL(', ').join(SQL.identifier('excluded', column) for column in _COLUMNS),
            )
        )
        partner_ids = [partner_id for (partner_id,) in rows]
        self._mark_occasions(partner_ids)
        self.invalidate_model()
        return partner_ids

    def _sql_occasion(self):
        """Return the parts of a SELECT from purchases that tell a customer's purchase days, in one sort.

        Counting purchases stand together in order of time: one that is later than its predecessor is the first of
        its day, and the predecessor's day is the purchase day before.
        """
        return {
            'days': SQL(
                'PARTITION BY partner_id, company_id, counts ORDER BY date, res_model, res_id'
            ),
            'occasion': SQL('counts AND lag(date) OVER days IS DISTINCT FROM date'),
            'previous': SQL(
                'CASE WHEN counts AND lag(date) OVER days IS DISTINCT FROM date THEN lag(date) OVER days END'
            ),
        }

    def _mark_occasions(self, partner_ids=None):
        """Mark the first counting purchase of each day of these customers (None: all), and the purchase day before it."""
        if partner_ids is not None and not partner_ids:
            return
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_purchase AS purchase
                   SET occasion = marked.occasion, previous_date = marked.previous_date
                  FROM (SELECT id, %(occasion)s AS occasion, %(previous)s AS previous_date
                          FROM retail_purchase WHERE %(only)s
                        WINDOW days AS (%(days)s)) AS marked
                 WHERE purchase.id = marked.id
                   AND (purchase.occasion, purchase.previous_date)
                       IS DISTINCT FROM (marked.occasion, marked.previous_date)
                """,
                only=SQL('true')
                if partner_ids is None
                else SQL('partner_id = ANY(%s)', list(partner_ids)),
                **self._sql_occasion(),
            )
        )

    def _flush_sources(self):
        """Write what the ORM still holds of the documents and rules that facts are read from."""
        for model in (
            'sale.order',
            'sale.order.line',
            'account.move',
            'account.move.line',
            'res.partner',
            'product.template',
            'crm.team',
        ):
            self.env[model].flush_model()

    # === MOMENTS ===#

    def _on_purchase(self, moments):
        """Derive the purchases of the documents again: the same whatever happened to them.

        Documents that were imported come first, so that their figures follow without a word.
        """
        self._take_turn()
        for quiet, group in moments.sorted('quiet', reverse=True).grouped('quiet').items():
            documents = {}
            for moment in group:
                documents.setdefault(moment.res_model, set()).add(moment.res_id)
            changed = self._sync(self._with_original_documents(documents))
            self._refresh_profiles({*changed, *self._strangers(group)}, quiet=quiet)

    _on_purchase_changed = _on_refund = _on_cancel = _on_purchase

    def _strangers(self, moments):
        """Return the ids of the customers of these moments who have no profile yet: a quotation makes them one."""
        pairs = {
            (moment.partner_id.commercial_partner_id.id, moment.company_id.root_id.id)
            for moment in moments.filtered('partner_id')
        }
        return {
            partner_id for partner_id, _company_id in self.env['retail.profile']._strangers(pairs)
        }

    def _on_partner_changed(self, moments):
        """Derive again what a contact bought who moved to another company, was merged or became no customer."""
        self._take_turn()
        for quiet, group in moments.sorted('quiet', reverse=True).grouped('quiet').items():
            partners = self.env['res.partner'].with_context(active_test=False)
            family = partners.search([('id', 'child_of', group.mapped('res_id'))])
            changed = self._sync(self._documents_of(family))
            partner_ids = sorted({*changed, *family.ids, *family.commercial_partner_id.ids})
            # A merge of contacts moves rows past the facts: two first purchases of a day may have met.
            self._mark_occasions(partner_ids)
            self._refresh_profiles(partner_ids, quiet=quiet)

    def _take_turn(self):
        """Make sure no other process derives figures now.

        :raise ListenerBusy: when one does
        """
        if not self.env['retail.profile']._try_lock():
            raise ListenerBusy

    def _refresh_profiles(self, partner_ids, quiet=False):
        partners = self.env['res.partner'].browse(sorted(partner_ids))
        self.env['retail.profile']._refresh(partners, quiet=quiet)

    def _with_original_documents(self, documents):
        """Hook: add to ``{model: ids}`` the documents whose row depends on these: orders, invoices of credit notes."""
        move_ids = documents.get('account.move')
        if not move_ids:
            return documents
        moves = tuple(move_ids)
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE related AS (
                    SELECT id FROM account_move WHERE id IN %(moves)s
                     UNION SELECT move.reversed_entry_id
                      FROM related JOIN account_move AS move ON move.id = related.id
                     WHERE move.reversed_entry_id > 0
                )
                SELECT 'sale.order', line.order_id
                  FROM account_move_line AS item
                  JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                  JOIN sale_order_line AS line ON line.id = rel.order_line_id
                 WHERE item.move_id IN (SELECT id FROM related)
                 UNION SELECT 'account.move', id FROM related
                 UNION SELECT 'account.move', other.move_id
                  FROM account_move_line AS item
                  JOIN sale_order_line_invoice_rel AS rel ON rel.invoice_line_id = item.id
                  JOIN sale_order_line_invoice_rel AS shared ON shared.order_line_id = rel.order_line_id
                  JOIN account_move_line AS other ON other.id = shared.invoice_line_id
                 WHERE item.move_id IN (SELECT id FROM related)
                """,
                moves=moves,
            )
        )
        result = {model: set(ids) for model, ids in documents.items()}
        for model, res_id in rows:
            result.setdefault(model, set()).add(res_id)
        return result

    def _documents_of(self, partners):
        """Hook: return ``{model: ids}`` of all documents that name one of these contacts, or have a row of theirs."""
        self.env['sale.order'].flush_model(['partner_id'])
        self.env['account.move'].flush_model(['partner_id'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT 'sale.order', id FROM sale_order WHERE partner_id = ANY(%(ids)s)
                 UNION ALL SELECT 'account.move', id FROM account_move
                            WHERE partner_id = ANY(%(ids)s) AND move_type = ANY(%(types)s)
                 UNION SELECT res_model, res_id FROM retail_purchase WHERE partner_id = ANY(%(ids)s)
                """,
                ids=partners.ids,
                types=SALE_MOVE_TYPES,
            )
        )
        documents = {}
        for model, res_id in rows:
            documents.setdefault(model, set()).add(res_id)
        return documents

    def _sql_counted_move(self, alias):
        """Hook: return the condition under which an invoice counts at all; remedies leave out those of replacements."""
        return SQL("%s = 'posted'", SQL.identifier(alias, 'state'))

    # === ACTIONS ===#

    def action_open_document(self):
        """Open the order or invoice of the purchase."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.res_model,
            'res_id': self.res_id,
            'view_mode': 'form',
        }

    def action_apply_rates(self):
        """Recompute the exchange rate of the orders of these purchases and derive them again.

        Odoo stores the rate of an order when it is made: one recorded later would never reach it.

        :raise AccessError: for those who are neither Retail CRM managers nor may write the orders
        :raise UserError: for too many purchases at once
        """
        if len(self) > MAX_REFRESH:
            raise UserError(
                self.env._('Choose at most %(count)s purchases at a time.', count=MAX_REFRESH)
            )
        orders = self.env['sale.order'].browse(
            self.filtered(lambda purchase: purchase.res_model == 'sale.order').mapped('res_id')
        )
        if not orders:
            raise UserError(
                self.env._(
                    'The rate of an invoice is fixed when it is posted: reset it to draft and post it again.'
                )
            )
        if not self.env.user.has_group('retail_crm.group_manager'):
            orders.check_access('write')
        self.check_access('read')
        orders = (
            orders.sudo()
        )  # sudo: checked above; recomputes a stored rate from Odoo's own table, nothing else
        self.env.add_to_compute(orders._fields['currency_rate'], orders)
        orders.flush_recordset(['currency_rate'])
        self.env['retail.moment']._emit('purchase_changed', orders)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('The figures follow within a minute.'),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
