"""Outcomes of interventions, reasons of loss, follow-ups of the stages; baskets have a table of their own."""

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL, convert_file

#: Data that is new: shipped records that a shop may delete do not come back with an update, so it is made here, once.
FILES = (
    'mail_template_stage_data.xml',
    'ir_cron_churn_data.xml',
    'retail_lost_reason_data.xml',
    'retail_care_rule_stage_data.xml',
)
#: Shipped rules that give what the customer's policy offers; the column is new, so nobody has chosen otherwise.
OFFERING = (
    'retail_care_rule_churn_alert',
    'retail_care_rule_churn_watch',
    'retail_care_rule_win_back',
)


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name in FILES:
        convert_file(env, 'retail_crm', f'data/care/{name}', None, mode='init', noupdate=True)
    rules = [env.ref(f'retail_crm.{name}', raise_if_not_found=False) for name in OFFERING]
    cr.execute(
        SQL(
            'UPDATE retail_care_rule SET offer_by_policy = true WHERE id = ANY(%s)',
            [rule.id for rule in rules if rule],
        )
    )
    env['retail.care.rule'].invalidate_model(['offer_by_policy'])
    # the columns are new and stay empty but for those about secrets
    env['retail.followup']._follow_all_tickets()
    # what was counted stood on the orders: counted anew, in the background
    env['retail.product.pair']._rebuild()
