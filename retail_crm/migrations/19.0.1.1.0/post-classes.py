"""Classes of customers: purchases learn their previous purchase day, profiles their classes, without any history.

The shipped policies are data that an update does not bring back once they are deleted: made here, once.
"""

from odoo import SUPERUSER_ID, api
from odoo.tools import convert_file

POLICIES = 'data/customer/retail_policy_data.xml'


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    convert_file(env, 'retail_crm', POLICIES, None, mode='init', noupdate=True)
    env['retail.purchase']._mark_occasions()
    if env['retail.profile']._refresh(quiet=True) is None:
        raise RuntimeError(
            'Another process derives customer figures: stop all Odoo servers, then update again.'
        )
