from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

_OF_LOG = ('id', *models.LOG_ACCESS_COLUMNS)
#: Types of columns that are big, or note what a scheduled action has done: they change too often to be kept.
_CHANGING = ('binary', 'datetime', 'json', 'properties', 'properties_definition')


class RetailRowKept(models.AbstractModel):
    """Plain columns of small tables of settings, kept in memory: each mail, ticket and move reads the same few rows.

    Odoo forgets its records with every request and reads them again one table at a time. Here the first read of a
    request is answered from memory, in the same cache, after the same checks. Columns in several languages, or
    for some groups only, are read as always. Invariant: the rows are forgotten, in all processes, whenever one of the
    table is made, changed (also by a computation) or deleted, and a transaction that changed any setting reads them as
    always until it is committed.
    """

    _name = 'retail.row.kept'
    _description = 'Setting Whose Rows Are Kept'

    def _fetch_field(self, field):
        if field.name in self._kept_columns() and self._may_read_kept():
            rows = self._kept_rows()
            ids = self._origin._ids
            if ids and all(record_id in rows for record_id in ids):
                for name, values in zip(
                    self._kept_columns(),
                    zip(*(rows[record_id] for record_id in ids), strict=True),
                    strict=True,
                ):
                    self._fields[name]._insert_cache(self._origin, values)
                return
        super()._fetch_field(field)

    def _may_read_kept(self):
        """Return whether the user may read these rows, as far as that can be told without asking the database."""
        if self.env.registry.cache_invalidated:
            return False  # this transaction has changed something that nobody else may see yet
        if self.env.su:
            return True
        if not self.browse().has_access('read'):
            return False
        rules = self.env['ir.rule']._compute_domain(self._name, 'read')
        if any(rule.field_expr != 'id' for rule in rules.iter_conditions()):
            return False
        return len(self._origin.filtered_domain(rules)) == len(self._origin)

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
            and not (field.translate or field.groups or field.company_dependent)
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

    def _write_multi(self, vals_list):
        """Every UPDATE comes by here, also of what was computed."""
        result = super()._write_multi(vals_list)
        if not set().union(*vals_list).isdisjoint(self._kept_columns()):
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

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()  # of _kept_stages
        return result

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

    def write(self, vals):
        result = super().write(vals)
        self.env.registry.clear_cache()  # of _kept_stages
        return result


class RetailTicketTeam(models.Model):
    _name = 'retail.ticket.team'
    _inherit = ['retail.ticket.team', 'retail.row.kept']


class RetailChannel(models.Model):
    _name = 'retail.channel'
    _inherit = ['retail.channel', 'retail.row.kept']


class RetailPolicy(models.Model):
    _name = 'retail.policy'
    _inherit = ['retail.policy', 'retail.row.kept']


class ResCompany(models.Model):
    """A company has 130 columns, and each request of each user reads them; the same for what mails read below."""

    _name = 'res.company'
    _inherit = ['res.company', 'retail.row.kept']


class MailAliasDomain(models.Model):
    _name = 'mail.alias.domain'
    _inherit = ['mail.alias.domain', 'retail.row.kept']


class MailMessageSubtype(models.Model):
    _name = 'mail.message.subtype'
    _inherit = ['mail.message.subtype', 'retail.row.kept']


class IrModel(models.Model):
    _name = 'ir.model'
    _inherit = ['ir.model', 'retail.row.kept']
