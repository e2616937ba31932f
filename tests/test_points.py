"""What happens to points when two people do the same at the same time (issue 6): real transactions, in threads; kill -9."""

import signal

import test_faults

SETUP = """
import threading
from odoo import api
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.service.model import retrying

program = env['loyalty.program'].create({
    'name': 'Race', 'program_type': 'loyalty', 'applies_on': 'both', 'trigger': 'auto', 'company_id': env.company.id,
    'rule_ids': [Command.clear(), Command.create(
        {'reward_point_mode': 'money', 'reward_point_amount': 1, 'minimum_qty': 0})],
    'reward_ids': [Command.clear(), Command.create(
        {'reward_type': 'discount', 'discount_mode': 'per_order', 'discount': 5, 'required_points': 500})]})
product = env['product.product'].create(
    {'name': 'Goods', 'list_price': 20, 'type': 'service', 'invoice_policy': 'order', 'taxes_id': False})

def make(partner, redeem):
    order = env['sale.order'].create({'partner_id': partner.id, 'order_line': [
        Command.create({'product_id': product.id, 'product_uom_qty': 1, 'price_unit': 20})]})
    order._update_programs_and_rewards()
    if redeem:
        card = env['loyalty.card'].search([('partner_id', '=', partner.id)])
        assert not order._apply_program_reward(program.reward_ids, card)
    return order

def together(works):
    barrier = threading.Barrier(len(works))
    outcomes = []
    def run(work):
        with Registry(env.cr.dbname).cursor() as cr:
            own = api.Environment(cr, 1, {})
            tries = []
            def attempt():
                own['loyalty.card'].search_count([])  # from now on others' commits are invisible
                tries.append(1)
                if len(tries) == 1:
                    barrier.wait()
                work(own)
            try:
                retrying(attempt, own)
                outcomes.append('done')
            except Exception as error:
                outcomes.append(type(error).__name__)
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    env.cr.rollback()
    env.invalidate_all()
    return sorted(outcomes)

def told(card):
    rows = env['retail.points.entry'].search([('card_id', '=', card.id), ('state', '=', 'available')])
    return card.points, sum(rows.mapped('points')), sum(rows.mapped('remaining'))
"""

REDEEM = (
    SETUP
    + """
partner = env['res.partner'].create({'name': 'Race'})
card = env['loyalty.card'].create({'program_id': program.id, 'partner_id': partner.id, 'points': 500})
orders = make(partner, True) + make(partner, True)
env.cr.commit()
outcomes = together([
    lambda own, order=order: own['sale.order'].browse(order.id).action_confirm() for order in orders])
print('REDEEM', outcomes, *told(card))
"""
)

EARN = (
    SETUP
    + """
partner = env['res.partner'].create({'name': 'Race'})
card = env['loyalty.card'].create({'program_id': program.id, 'partner_id': partner.id, 'points': 0})
orders = make(partner, False) + make(partner, False) + make(partner, False)
env.cr.commit()
outcomes = together([
    lambda own, order=order: own['sale.order'].browse(order.id).action_confirm() for order in orders])
print('EARN', outcomes, *told(card))
outcomes = together([
    lambda own: own['sale.order'].browse(orders[0].id).action_confirm(),
    lambda own: own['sale.order'].browse(orders[0].id)._retail_settle_points(),
    lambda own: own['sale.order'].browse(orders[0].id)._retail_settle_points()])
print('AGAIN', *told(card))
"""
)

EXPIRE = (
    SETUP
    + """
partner = env['res.partner'].create({'name': 'Race'})
card = env['loyalty.card'].create({'program_id': program.id, 'partner_id': partner.id, 'points': 0})
lot = env['retail.points.entry']
from odoo.addons.retail_crm.models.loyalty.retail_points_entry_post import Movement
lot._post([Movement(card=card, kind='earn', points=500, prior=lot, values={'expires_on': '2020-01-31'})])
order = make(partner, True)
env.cr.commit()
company = env.company.root_id.id
outcomes = together([
    lambda own: own['sale.order'].browse(order.id).action_confirm(),
    lambda own: own['retail.points.entry']._expire_batch(own['res.company'].browse(company)),
    lambda own: own['retail.points.entry']._expire_batch(own['res.company'].browse(company))])
points, entered, left = told(card)
print('EXPIRE', points == entered == left and points in (0, 20), points, outcomes)
"""
)


def test_two_redeem_the_same_points(house, fresh_db):
    """Two simultaneous users spend 500 points: one order is confirmed, the balance is never below zero (S-LOY-04)."""
    output = house.shell_script(fresh_db(), REDEEM)
    assert "REDEEM ['ValidationError', 'done'] 20.0 20.0 20.0" in output, output


def test_orders_of_one_customer_at_the_same_moment(house, fresh_db):
    """Three orders confirmed at once earn three times, and settling one of them again nothing (issue 6)."""
    output = house.shell_script(fresh_db(), EARN)
    assert "EARN ['done', 'done', 'done'] 60.0 60.0 60.0" in output, output
    assert 'AGAIN 60.0 60.0 60.0' in output, output


def test_expiry_while_somebody_spends(house, fresh_db):
    """Points that expire and are spent at the same moment are gone once; two runs of expiry take them once (issue 6)."""
    output = house.shell_script(fresh_db(), EXPIRE)
    assert 'EXPIRE True' in output, output


# === KILLED IN THE MIDDLE ===#

# 300 customers with four lots each, two of which are over; the nightly run in small batches.
LOTS = """
env['loyalty.program'].search([]).active = False
program = env['loyalty.program'].create(
    {'name': 'Night', 'program_type': 'loyalty', 'company_id': env.company.id, 'retail_expiry': 'months'})
partners = env['res.partner'].create([{'name': f'Night {number}'} for number in range(300)])
env['loyalty.card'].create([{'program_id': program.id, 'partner_id': partner.id} for partner in partners])
env.flush_all()
env.cr.execute('''
    INSERT INTO retail_points_entry (kind, state, points, remaining, card_id, program_id, partner_id, company_id, date,
           line_id, factor, tier_factor, key, expires_on, notice_days)
    SELECT 'earn', 'available', 10 * n + card.id %% 7, 10 * n + card.id %% 7, card.id, program_id, partner_id, %s,
           current_date - 300, 0, 1, 1, 'lot:' || card.id || ':' || n, current_date - 5 + 2 * n, 0
      FROM loyalty_card AS card, generate_series(1, 4) AS n WHERE program_id = %s;
    UPDATE loyalty_card AS card SET points = (
           SELECT sum(points) FROM retail_points_entry AS entry WHERE entry.card_id = card.id) WHERE program_id = %s
''', [env.company.id, program.id, program.id])
env.cr.commit()
"""
EXPIRY = """
import odoo.addons.retail_crm.models.loyalty.retail_points_entry_run as module
Model = type(env['retail.points.entry'])
for name in ('_expire_batch', '_tell_expiring'):
    getattr(module.RetailPointsEntryRun, name).__defaults__ = (50,)
print('GO', flush=True)
"""
# All of a batch is written, and nothing of it committed.
DYING = """
import os, signal
batches = []
def dying(method):
    def die(self, *args):
        done = method(self, *args)
        self.env.flush_all()
        batches.extend([1] if done else [])  # other programs have nothing to do
        if len(batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return die
Model.METHOD = dying(Model.METHOD)
"""
RUN = "env['retail.points.entry']._cron_expire()"
ENTRIES = """
    SELECT card_id, entry.kind, entry.points, entry.remaining, entry.notice_days, card.points
      FROM retail_points_entry AS entry JOIN loyalty_card AS card ON card.id = card_id ORDER BY card_id, entry.points
"""
TOLD = "SELECT partner_id, count(*) FROM retail_moment WHERE kind = 'points_expiring' GROUP BY 1 ORDER BY 1"
RECONCILE = """
env['retail.points.difference']._cron_reconcile()
print('DIFFERENCES', env['retail.points.difference'].search_count([]))
"""


def test_kill_in_the_expiry(house, fresh_db):
    """Killed in the middle of expiry, and of the notices, the next run goes on: each lot expires once (issue 6)."""
    base = fresh_db()
    house.shell_script(base, LOTS)
    dumps = []
    for is_killed in (False, True):
        name = fresh_db(base)
        for method in ('_expire_batch', '_tell_expiring') if is_killed else ():
            script = EXPIRY + DYING.replace('METHOD', method) + RUN
            process = test_faults.start(house, house.shell_command(name), script)
            assert process.wait() == -signal.SIGKILL
            process.stdout.close()
            gone, told = house.sql(
                """SELECT count(*) FILTER (WHERE kind = 'expire'),
                          count(DISTINCT card_id) FILTER (WHERE notice_days > 0) FROM retail_points_entry""",
                name,
            )[0]
            # two batches were committed, the third was not
            assert (int(gone), int(told)) == {'_expire_batch': (100, 0)}.get(method, (600, 100))
        house.shell_script(name, EXPIRY + RUN)
        dumps.append([house.sql(query, name) for query in (ENTRIES, TOLD)])
        assert 'DIFFERENCES 0' in house.shell_script(name, RECONCILE)
    calm, killed = dumps
    assert len(calm[0]) == 300 * 6 and len(calm[1]) == 300
    assert killed == calm
