"""What has to happen around install and uninstall and the ORM cannot do by itself."""

from contextlib import contextmanager

from odoo.tools import SQL


def pre_init_hook(env):
    """Add the customer flag to every contact without rewriting the contact table.

    A column with a constant default is only a catalogue entry for PostgreSQL, where letting the ORM fill a new
    stored field would update each of perhaps a million contacts and each of their indexes.
    """
    env.cr.execute(
        SQL('ALTER TABLE res_partner ADD COLUMN IF NOT EXISTS retail_customer boolean DEFAULT true')
    )
    env.cr.execute(SQL('ALTER TABLE res_partner ALTER COLUMN retail_customer DROP DEFAULT'))
    # Those who are certainly no customers: a handful of rows in any shop.
    env.cr.execute(
        SQL(
            """
            UPDATE res_partner SET retail_customer = false
             WHERE partner_share IS NOT TRUE
                OR id IN (SELECT partner_id FROM res_company)
                OR (supplier_rank > 0 AND COALESCE(customer_rank, 0) = 0)
            """
        )
    )


def post_init_hook(env):
    """Derive the purchases and figures of the sales that were there before the add-on, and open the points ledger."""
    with _filled_in_bulk(env, 'retail_purchase', unique=False):
        env['retail.purchase']._fill_all()
    with _filled_in_bulk(env, 'retail_profile', unique=True):
        env['retail.profile']._refresh()
    env['retail.points.entry']._open_ledger()


@contextmanager
def _filled_in_bulk(env, table, unique):
    """Take indexes and foreign keys off a table while it is filled, and put the same ones back.

    Millions of rows are inserted three times faster so: one join proves a key, one sort makes an index.

    :param unique: keep unique keys, because the filling statement relies on them
    """
    parts = env.execute_query(
        SQL(
            """
            SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname),
                   format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
                          pg_get_constraintdef(oid)),
                   format('COMMENT ON CONSTRAINT %%I ON %%s IS %%L', conname, conrelid::regclass,
                          obj_description(oid, 'pg_constraint')),
                   contype = 'f' AS is_foreign_key
              FROM pg_constraint
             WHERE conrelid = %(table)s::regclass AND (contype = 'f' OR contype IN ('p', 'u') AND NOT %(unique)s)
             UNION ALL
            SELECT format('DROP INDEX %%s', indexrelid::regclass), pg_get_indexdef(indexrelid),
                   format('COMMENT ON INDEX %%s IS %%L', indexrelid::regclass, obj_description(indexrelid, 'pg_class')),
                   false
              FROM pg_index
             WHERE indrelid = %(table)s::regclass AND NOT (indisunique AND %(unique)s)
               AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
             ORDER BY is_foreign_key
            """,
            table=table,
            unique=unique,
        )
    )
    for drop, _restore, _comment, _is_foreign_key in parts:
        env.cr.execute(drop)
    yield
    for _drop, restore, comment, _is_foreign_key in parts:
        env.cr.execute(restore)
        env.cr.execute(comment)  # by which Odoo recognises that a definition has not changed


def uninstall_hook(env):
    """Leave no parameter of ours behind; tables, columns and views are dropped by Odoo itself.

    Price lists for members are archived: nothing would keep them from being anybody's.
    """
    env['product.pricelist'].search([('retail_members_only', '=', True)]).active = False
    env['ir.config_parameter'].sudo().search([('key', '=like', 'retail_crm.%')]).unlink()
