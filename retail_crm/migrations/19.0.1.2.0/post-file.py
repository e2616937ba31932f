"""The customer file: data that ships with it, the scores of data quality, and who may see sensitive data.

Shipped records that a shop may delete do not come back with an update: made here, once.
"""

from odoo import SUPERUSER_ID, api
from odoo.tools import convert_file

SHIPPED = (
    'retail_preference_data.xml',
    'utm_source_data.xml',
    'retail_consent_text_data.xml',
    'retail_role_data.xml',
    'retail_segment_data.xml',
    'mail_activity_type_data.xml',
)


def give_sensitive(env):
    """Let the administrator open sensitive data: what an installation does, and later updates do not repeat."""
    for name in ('base.user_root', 'base.user_admin'):
        # an administrator's account may have been deleted
        user = env.ref(name, raise_if_not_found=False)
        if user:
            env.ref('retail_crm.group_sensitive').user_ids += user


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name in SHIPPED:
        convert_file(env, 'retail_crm', f'data/customer/{name}', None, mode='init', noupdate=True)
    give_sensitive(env)
    # Scores of data quality are new columns of the figures: nobody bought anything, so nothing is told.
    if env['retail.profile']._refresh(quiet=True) is None:
        raise RuntimeError(
            'Another process derives customer figures: stop all Odoo servers, then update again.'
        )
