"""The customer file and the loyalty programme: data that ships with them, and the scores of data quality.

Shipped records that a shop may delete do not come back with an update: made here, once.
"""

from odoo import SUPERUSER_ID, api
from odoo.tools import convert_file

SHIPPED = (
    'customer/res_users_data.xml',
    'customer/retail_preference_data.xml',
    'customer/utm_source_data.xml',
    'customer/retail_consent_text_data.xml',
    'customer/retail_role_data.xml',
    'customer/retail_segment_data.xml',
    'customer/mail_activity_type_data.xml',
    'loyalty/retail_programme_data.xml',
    'loyalty/retail_privilege_price_data.xml',
    'loyalty/loyalty_program_data.xml',
    'loyalty/loyalty_program_points_data.xml',
    'loyalty/retail_privilege_data.xml',
)


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name in SHIPPED:
        convert_file(env, 'retail_crm', f'data/{name}', None, mode='init', noupdate=True)
    env['retail.points.entry']._open_ledger()
    # Scores of data quality are new columns of the figures: nobody bought anything, so nothing is told.
    if env['retail.profile']._refresh(quiet=True) is None:
        raise RuntimeError(
            'Another process derives customer figures: stop all Odoo servers, then update again.'
        )
