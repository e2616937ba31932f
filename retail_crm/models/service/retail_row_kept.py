from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

_OF_LOG = ('id', *models.LOG_ACCESS_COLUMNS)
#: Types of columns that are big, or note what a scheduled action has done: they change too often to be kept.
_CHANGING = ('binary', 'datetime', 'json', 'properties', 'properties_definition')


class RetailRowKept(models.AbstractModel):
    """Plain columns of small tables of ours, kept in memory: each mail, ticket and move reads the same few rows.

    Odoo forgets its records with every request and reads them again one table at a time. Tickets that are made or moved
    recall the rows that they are about to read (``_recall``); whoever else reads them asks the database as always.
    Columns in several languages, computed ones and those for some groups only are not kept.

    Invariant: the rows are forgotten, in all processes, whenever one of the table is made, changed or deleted; a
    transaction that changed any setting recalls nothing, so that nothing is kept that may yet be undone.
    """

    _name = 'retail.row.kept'
    _description = 'Setting Whose Rows Are Kept'

    def _recall(self):
        """Know these rows without asking the database, as if they had been read with ``sudo``: for our own code only.

        What is known already, or changed and not yet written, stays as it is.
        """
        if not self or self.env.registry.cache_invalidated:
            return  # this transaction has changed something that nobody else may see yet
        rows = self._kept_rows()
        known = self.browse(record_id for record_id in self._ids if record_id in rows)
        if known:
            columns = zip(*(rows[record_id] for record_id in known._ids), strict=True)
            for name, values in zip(self._kept_columns(), columns, strict=True):
                self._fields[name]._insert_cache(known, values)

    @api.model
    @ormcache()
    def _kept_columns(self):
        """Return the names of the columns that are kept."""
        return tuple(
            name
            for name, field in self._fields.items()
            if field.store
            and field.column_type
            and field.prefetch is True
            and name not in _OF_LOG
            and not (field.compute or field.translate or field.groups or field.company_dependent)
            and field.type not in _CHANGING
        )

    @api.model
    @ormcache()
    def _kept_rows(self):
        """Return ``{id: values of the columns}`` of all rows, as the database has them."""
        names = self._kept_columns()
        self.flush_model(names)
        columns = SQL(', ').join(SQL.identifier(name) for name in names)
        rows = self.env.execute_query(
            SQL('SELECT id, %s FROM %s', columns, SQL.identifier(self._table))
        )
        return {record_id: values for record_id, *values in rows}

    # === FORGETTING ===#

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env.registry.clear_cache()  # of _kept_rows
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result


class RetailTicketType(models.Model):
    _name = 'retail.ticket.type'
    _inherit = ['retail.ticket.type', 'retail.row.kept']

    def _stages(self):
        """Return the stages of one type in their order, from memory."""
        if not isinstance(self.id, int) or not self.env.context.get('active_test', True):
            return super()._stages()
        return self.env['retail.ticket.stage'].browse(self._kept_stages().get(self.id, ()))

    @api.model
    @ormcache()
    def _kept_stages(self):
        """Return ``{type id: ids of its stages in their order}``; forgotten with types and stages."""
        # sudo: ids only, of what everybody reads who handles tickets
        everything = self.sudo().with_context(active_test=False).search(Domain.TRUE)
        return {
            kind.id: kind.with_context(active_test=True).stage_ids.sorted()._ids
            for kind in everything
        }


class RetailTicketStage(models.Model):
    _name = 'retail.ticket.stage'
    _inherit = ['retail.ticket.stage', 'retail.row.kept']


class RetailTicketTeam(models.Model):
    _name = 'retail.ticket.team'
    _inherit = ['retail.ticket.team', 'retail.row.kept']


class RetailChannel(models.Model):
    _name = 'retail.channel'
    _inherit = ['retail.channel', 'retail.row.kept']
