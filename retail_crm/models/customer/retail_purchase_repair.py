from odoo import api, fields, models
from odoo.tools import SQL

from .retail_purchase import SALE_MOVE_TYPES

#: Documents derived again in one transaction by the repair and by a rebuild.
REPAIR_BATCH = 50_000
#: Documents the nightly repair looks at beyond the recent ones; a constant price however old the shop is.
REPAIR_SLICE = 200_000
#: Days of documents the nightly repair looks at every night.
REPAIR_DAYS = 35


class RetailPurchaseRepair(models.Model):
    """The nightly repair and the rebuild: purchases are compared with their documents, slice by slice."""

    _inherit = 'retail.purchase'

    @api.model
    def _cron_repair(self):
        """Compare rows with documents every night: those of the last weeks, and a slice of the rest in turn.

        Finds what came past the ORM (imports by SQL, restored backups). Each slice is a constant amount of work; when
        a rebuild was requested, the slices go through everything. Commits per slice and continues after a kill.
        """
        cron = self.env['ir.cron']
        while True:
            if not self.env[
                'retail.profile'
            ]._try_lock():  # first in each transaction, as in _next_batch
                cron._commit_progress(remaining=1)
                return
            count, finished = self._repair_slice()
            if not cron._commit_progress(count or 1, remaining=0 if finished else 1) or finished:
                return

    def _repair_slice(self):
        """Compare the next documents of this night's walk and note where to continue.

        :return: number of documents looked at, and whether the night's work is done
        """
        companies = self.env['res.company']._retail_roots()
        place = companies[0]
        rebuilding = companies.filtered('retail_rebuild_pending')
        phase, _sep, rest = (place.retail_repair_tonight or 'recent:').partition(':')
        if phase == 'recent' and not rebuilding:
            model, _sep, last_id = rest.partition(',')
            documents, following = self._recent_documents(model, int(last_id or 0))
            self._sync_documents(documents)
            place.retail_repair_tonight = (
                f'recent:{following}' if following else f'walk:{REPAIR_SLICE}'
            )
            return sum(map(len, documents.values())), False
        model, _sep, last_id = (place.retail_repair_cursor or '').partition(',')
        documents, following = self._next_documents(model, int(last_id or 0))
        # A rebuild refreshes all figures at its end; half-way they would be those of no basis.
        self._sync_documents(documents, refresh=not rebuilding)
        place.retail_repair_cursor = following
        count = sum(map(len, documents.values()))
        if not following:
            self._end_walk(rebuilding)
        left = int(rest or 0) - count if phase == 'walk' else REPAIR_SLICE
        finished = not following or (not rebuilding and left <= 0)
        place.retail_repair_tonight = False if finished else f'walk:{max(left, 1)}'
        return count, finished

    def _end_walk(self, rebuilding):
        """All documents were passed: drop rows of models that are no source any more, and end a rebuild."""
        self.search([('res_model', 'not in', list(self._purchase_sources()))]).unlink()
        if rebuilding:
            self.env['retail.profile']._refresh()
            rebuilding.retail_rebuild_pending = False

    def _sync_documents(self, documents, refresh=True):
        """Derive documents and, where that changed anything, their customers' figures.

        Without history: what nobody announced was written past Odoo, most often long after it happened.
        """
        partner_ids = self._sync(documents)
        if partner_ids and refresh:
            self._refresh_profiles(partner_ids, quiet=True)

    def _recent_documents(self, model, last_id):
        """Hook: return the next documents of the last weeks, which people still change, and where to continue.

        :return: ``({model: ids}, 'model,id' or '' at the end)``
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT model, id FROM (
                    SELECT 'sale.order' AS model, id FROM sale_order WHERE date_order >= %(since)s
                    UNION ALL
                    SELECT 'account.move', id FROM account_move
                     WHERE invoice_date >= %(since)s AND move_type = ANY(%(types)s)
                ) AS document
                 WHERE (model, id) > (%(model)s, %(last_id)s) ORDER BY model, id LIMIT %(limit)s
                """,
                since=fields.Date.subtract(fields.Date.today(), days=REPAIR_DAYS),
                types=SALE_MOVE_TYPES,
                model=model,
                last_id=last_id,
                limit=REPAIR_BATCH,
            )
        )
        documents = {}
        for document_model, res_id in rows:
            documents.setdefault(document_model, set()).add(res_id)
        following = f'{rows[-1][0]},{rows[-1][1]}' if len(rows) == REPAIR_BATCH else ''
        return documents, following

    def _next_documents(self, model, last_id):
        """Return the next batch of documents after ``model, last_id`` and where to continue ('' at the end).

        The ids of rows are walked beside those of documents, so that rows without document are found as well.
        """
        models_ = list(self._purchase_sources())
        model = model if model in models_ else models_[0]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM (
                    (SELECT id FROM %(table)s WHERE id > %(last)s AND %(source)s ORDER BY id LIMIT %(limit)s)
                    UNION
                    (SELECT res_id FROM retail_purchase WHERE res_model = %(model)s AND res_id > %(last)s
                      ORDER BY res_id LIMIT %(limit)s)
                ) AS document ORDER BY id LIMIT %(limit)s
                """,
                table=SQL.identifier(self.env[model]._table),
                source=self._sql_source(model),
                model=model,
                last=last_id,
                limit=REPAIR_BATCH,
            )
        )
        ids = [res_id for (res_id,) in rows]
        if len(ids) == REPAIR_BATCH:
            return {model: ids}, f'{model},{ids[-1]}'
        position = models_.index(model) + 1
        following = f'{models_[position]},0' if position < len(models_) else ''
        return {model: ids}, following

    def _sql_source(self, model):
        """Hook: return the condition under which a record of this model can be a purchase at all."""
        if not self._purchase_companies(model):
            return SQL('false')
        return (
            SQL('move_type = ANY(%s)', SALE_MOVE_TYPES) if model == 'account.move' else SQL('true')
        )
