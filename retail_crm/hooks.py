"""What has to happen around install and uninstall and the ORM cannot do by itself."""

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
    """Derive the purchases and figures of the sales that were there before the add-on."""
    env['retail.purchase']._fill_all()
    env['retail.profile']._refresh()


def uninstall_hook(env):
    """Leave no parameter of ours behind; tables, columns and views are dropped by Odoo itself."""
    env['ir.config_parameter'].sudo().search([('key', '=like', 'retail_crm.%')]).unlink()
