from odoo import models
from odoo.tools import SQL


class RetailClassMixin(models.AbstractModel):
    """Records and groups of classes in the order of the classes, from worst to best, instead of by their keys."""

    _name = 'retail.class.mixin'
    _description = 'Sorted by Class'

    def _class_ranks(self):
        """Hook: return ``{field: [keys from worst to best]}``."""
        return {}

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        keys = self._class_ranks().get(field_name)
        if not keys:
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        rank = self._sql_rank(self._field_to_sql(alias, field_name, query), keys)
        return SQL('%s %s %s', rank, direction, nulls if nulls.code else SQL('NULLS LAST'))

    def _read_group_orderby(self, order, groupby_terms, query):
        ranks = self._class_ranks()
        terms = {
            term: self._sql_rank(sql, ranks[term]) if term in ranks else sql
            for term, sql in groupby_terms.items()
        }
        given = dict(terms)
        result = super()._read_group_orderby(order, terms, query)
        # the ORM may add columns to group by for the sake of the order
        groupby_terms.update({term: sql for term, sql in terms.items() if sql is not given[term]})
        return result

    def _sql_rank(self, sql, keys):
        """Return the position of a class among its keys; of nothing: none."""
        return SQL('array_position(%s::varchar[], %s)', keys, sql)
