"""The service desk and care: data that ships with them, in this order.

Shipped records that a shop may delete do not come back with an update: made here, once. Rules that are on contact
nobody for what was due before today.
"""

from odoo import SUPERUSER_ID, api
from odoo.modules import Manifest
from odoo.tools import convert_file


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for area in ('service', 'care'):  # the manifest lists files by kind
        for name in Manifest.for_addon('retail_crm')['data']:
            if name.startswith(f'data/{area}/'):
                convert_file(env, 'retail_crm', name, None, mode='init', noupdate=True)
    _install_glue(env)


def _install_glue(env):
    """Have the add-on for text messages installed, as it is beside a new install: updates install nothing by themselves."""
    modules = env['ir.module.module']
    glue = modules.search([('name', '=', 'retail_crm_sms'), ('state', '=', 'uninstalled')])
    if glue and modules.search_count([('name', '=', 'sms'), ('state', '=', 'installed')]):
        glue.button_install()
