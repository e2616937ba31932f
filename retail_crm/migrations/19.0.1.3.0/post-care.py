"""Care: data that ships with it.

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
    for name in Manifest.for_addon('retail_crm')['data']:
        if name.startswith('data/care/'):
            convert_file(env, 'retail_crm', name, None, mode='init', noupdate=True)
