"""What happens when a process or PostgreSQL itself dies in the middle (design 9).

Each test lets a job run in a real process, kills it with signal 9 at several moments, runs the job again to its end, and
compares what is there with what an undisturbed derivation of the same documents gives.
"""

import random
import signal
import subprocess
import tempfile
import time

import pytest

# 4,000 customers and 20,000 orders, written by SQL: enough for a job to be hit in the middle.
FILL = """
from odoo.fields import Command
partner = env['res.partner'].create({'name': 'Pattern'})
product = env['product.product'].create({'name': 'Goods', 'list_price': 10, 'taxes_id': False})
order = env['sale.order'].create({'partner_id': partner.id, 'order_line': [
    Command.create({'product_id': product.id, 'price_unit': 10})]})
order.action_confirm()
env.flush_all()
def copy(table, changes, source, count):
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
    names = sorted({name for name, in env.cr.fetchall()} - {'id', *changes})
    env.cr.execute('INSERT INTO %s (%s) SELECT %s FROM %s AS source, generate_series(1, %s) AS n WHERE source.id = %s' % (
        table, ', '.join(['id', *changes, *names]),
        ', '.join(["nextval('%s_id_seq')" % table, *changes.values(), *names]), table, count, source))
copy('res_partner', {'commercial_partner_id': "currval('res_partner_id_seq')", 'complete_name': "'Customer ' || n",
                     'ref': "'FAULT'"}, partner.id, 4000)
copy('sale_order', {
    'partner_id': "(SELECT min(id) FROM res_partner WHERE ref = 'FAULT') + (n * 7919) % 4000",
    'date_order': "now() at time zone 'UTC' - ((n * 31) % 700) * interval '1 day'",
    'amount_untaxed': '(n * 17) % 90'}, order.id, 20000)
env.cr.execute("DELETE FROM retail_moment")
env['retail.purchase']._fill_all()
env['retail.profile']._refresh()
env.cr.commit()
"""

# The state as a text.
DUMP = """
def dump():
    env.cr.execute("SELECT md5(string_agg(t::text, ';' ORDER BY res_model, res_id)) FROM (SELECT res_model, res_id,"
                   " company_id, partner_id, date, amount, margin, returned, counts, occasion FROM retail_purchase) t")
    purchases = env.cr.fetchone()[0]
    env.cr.execute("SELECT md5(string_agg(t::text, ';' ORDER BY partner_id)) FROM (SELECT partner_id, company_id,"
                   " first_order_date, last_order_date, order_count, order_count_12m, spend_total, spend_12m, margin_12m,"
                   " mean_gap_days, expected_next_date, lifecycle, ladder, rfm_code, abc_class, churn_level, clv_next_12m,"
                   " refresh_on FROM retail_profile) t")
    return purchases + ' ' + env.cr.fetchone()[0]
"""

SAME_AS_REBUILT = (
    DUMP
    + """
before = dump()
known = env['retail.profile'].search([]).partner_id
env.cr.execute('DELETE FROM retail_purchase; DELETE FROM retail_profile')
env['retail.purchase']._fill_all()
# by the kept limits, which only a full refresh measures
env['retail.profile']._refresh(known | env['retail.purchase'].search([]).partner_id)
print('SAME' if dump() == before else 'DIFFERENT')
env.cr.rollback()
"""
)

# Changes seen by the ORM, each announced: 3,000 orders get another day.
CHANGE = """
import datetime
orders = env['sale.order'].search([], limit=3000, order='id desc')
for order in orders:
    order.date_order = order.date_order - datetime.timedelta(days=400)
env.cr.commit()
print('MOMENTS', env['retail.moment'].search_count([('state', '=', 'pending')]))
"""

REFRESH = """
print('GO', flush=True)
env['retail.profile']._refresh()
env.cr.commit()
"""
# small batches, so that there is a middle to be hit on any machine
PROCESS = """
import odoo.addons.retail_crm.models.customer.retail_moment as module
module.BATCH_SIZE = 100
print('GO', flush=True)
env['retail.moment']._process_all()
"""
REPAIR = """
import odoo.addons.retail_crm.models.customer.retail_purchase_repair as module
module.REPAIR_BATCH = 2000
print('GO', flush=True)
env['retail.purchase']._cron_repair()
"""


@pytest.fixture(scope='module')
def filled(house, base_db):
    """A database of 4,000 customers with 20,000 orders and their figures. To be copied."""
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_faults')
    try:
        house.shell_script(name, FILL)
        yield name
    finally:
        house.drop(name)


@pytest.fixture
def shop(fresh_db, filled):
    return fresh_db(filled)


def start(house, command, script, **env):
    """Start a shell script and return its process once it has said GO."""
    errors = tempfile.TemporaryFile(
        'w+'
    )  # nobody reads them meanwhile: in a full pipe it would wait for ever
    process = subprocess.Popen(
        command,
        env=house.environment(**env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    process.stdin.write(script)
    process.stdin.close()
    for line in process.stdout:
        if line.startswith('GO'):
            return process
    errors.seek(0)
    raise AssertionError(errors.read()[-3000:])


def kill_at(house, command, script, seconds, **env):
    """Run a script and kill it after GO and so many seconds; returns whether it was still running."""
    process = start(house, command, script, **env)
    time.sleep(seconds)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return running


def test_kill_in_a_full_refresh(house, shop):
    """Design 9: a killed refresh leaves the figures as they were; the next one ends right."""
    house.shell_script(shop, "env.cr.execute('DELETE FROM retail_profile'); env.cr.commit()")
    hit = [
        kill_at(house, house.shell_command(shop), REFRESH, seconds)
        for seconds in (0.02, 0.08, 0.15)
    ]
    assert any(hit), 'no run was hit in the middle'
    house.shell_script(shop, REFRESH)
    assert 'SAME' in house.shell_script(shop, SAME_AS_REBUILT)


def test_kill_in_the_outbox(house, shop):
    """Design 9: batches that were committed stay done, the others are worked on again, none twice to another result."""
    assert 'MOMENTS 3000' in house.shell_script(shop, CHANGE)
    hit = [
        kill_at(house, house.shell_command(shop), PROCESS, seconds) for seconds in (0.1, 0.4, 0.8)
    ]
    assert any(hit), 'no run was hit in the middle'
    house.shell_script(shop, PROCESS)
    assert house.sql("SELECT count(*) FROM retail_moment WHERE state <> 'done'", shop) == [['0']]
    assert 'SAME' in house.shell_script(shop, SAME_AS_REBUILT)


def test_kill_in_the_repair(house, shop):
    """Design 9: a rebuild that was killed goes on where it was and ends with the right rows."""
    house.shell_script(
        shop,
        'env.cr.execute("UPDATE retail_purchase SET amount = amount + 1 WHERE id %% 3 = 0;'
        ' DELETE FROM retail_purchase WHERE id %% 7 = 0")\n'
        'env.company._retail_request_rebuild()\nenv.cr.commit()'.replace('%%', '%'),
    )
    hit = [
        kill_at(house, house.shell_command(shop), REPAIR, seconds) for seconds in (0.2, 0.6, 1.2)
    ]
    assert any(hit), 'no run was hit in the middle'
    house.shell_script(shop, REPAIR)
    pending = 'SELECT count(*) FROM res_company WHERE retail_rebuild_pending'
    assert house.sql(pending, shop) == [['0']]
    assert 'SAME' in house.shell_script(shop, SAME_AS_REBUILT)


def test_kill_in_the_loader(house, fresh_db):
    """The loader continues after kill -9: no customer and no order twice, none missing."""
    name = fresh_db()
    env = {
        'RETAIL_CRM_DATA': 'cdnow',
        'RETAIL_CRM_DATA_DIR': str(house.get_data('cdnow')),
        'RETAIL_CRM_TOOLS': str(house.HERE / 'tools'),
        'RETAIL_CRM_LIMIT': '200',
    }
    loader = (house.HERE / 'tools/load_cdnow.py').read_text()
    script = f"print('GO', flush=True)\n{loader}"
    chance = random.Random(19)
    for _attempt in range(3):
        kill_at(house, house.shell_command(name), script, chance.uniform(0.5, 4), **env)
    house.shell_script(name, loader, **env)
    once = house.sql('SELECT count(*), sum(amount_untaxed) FROM sale_order', name)
    house.shell_script(name, loader, **env)
    assert house.sql('SELECT count(*), sum(amount_untaxed) FROM sale_order', name) == once
    lines = [line.split() for line in source_lines(house)]
    chosen = sorted({line[0] for line in lines})[:200]
    expected = [line for line in lines if line[0] in chosen]
    assert int(once[0][0]) == len(expected)
    assert float(once[0][1]) == pytest.approx(sum(float(line[-1]) for line in expected), abs=0.005)
    twice = "SELECT count(*) - count(DISTINCT ref) FROM res_partner WHERE ref LIKE 'CDNOW-%'"
    assert house.sql(twice, name) == [['0']]
    twice = 'SELECT count(*) - count(DISTINCT client_order_ref) FROM sale_order'
    assert house.sql(twice, name) == [['0']]
    assert 'SAME' in house.shell_script(name, SAME_AS_REBUILT)


def source_lines(house):
    """The lines of the sample file that are purchases."""
    sample = next(house.get_data('cdnow').rglob('CDNOW_sample.txt'))
    return [line for line in sample.read_text().splitlines() if line.strip()[:1].isdigit()]


def test_two_servers_and_one_killed(house, shop, server):
    """Design 9: two servers work on the same outbox, one is killed; the other ends with the right rows."""
    # before there is a server, which would delete what is due, too
    forget = "env['ir.cron.trigger'].search([]).unlink()\nenv.cr.commit()\n"
    house.shell_script(shop, CHANGE + forget)
    first = server(shop, args=['--max-cron-threads=1'])
    server(shop, args=['--max-cron-threads=1'])
    house.shell_script(
        shop,
        "env.ref('retail_crm.ir_cron_process_moments')._trigger()\nenv.cr.commit()",
    )
    time.sleep(1)
    first.stop(signal.SIGKILL)
    waiting = "SELECT count(*) FROM retail_moment WHERE state <> 'done'"
    until = time.monotonic() + 400
    while house.sql(waiting, shop) != [['0']]:
        assert time.monotonic() < until, 'the outbox was not worked through'
        time.sleep(1)
    assert 'SAME' in house.shell_script(shop, SAME_AS_REBUILT)


def test_kill_of_postgresql(house, shop, cluster):
    """Design 9: PostgreSQL itself dies while the outbox is worked on; after its restart the next run ends right."""
    house.shell_script(shop, CHANGE)
    private = cluster()
    private.sql(f'CREATE DATABASE "{shop}"')
    programs = house.server_programs()
    dump = subprocess.Popen(
        [programs / 'pg_dump', '-Fc', '--no-owner', shop],
        env=house.environment(),
        stdout=subprocess.PIPE,
    )
    subprocess.run(
        [programs / 'pg_restore', '--no-owner', '-d', shop],
        stdin=dump.stdout,
        env=house.environment(**private.env),
        check=True,
    )
    assert dump.wait() == 0
    host, port = private.env['PGHOST'], private.env['PGPORT']
    command = [*house.shell_command(shop), f'--db_host={host}', f'--db_port={port}']
    process = start(house, command, PROCESS, **private.env)
    time.sleep(0.6)
    private.kill()
    process.wait()
    process.stdout.close()
    private.start()
    count = "SELECT count(*) FROM retail_moment WHERE state = 'pending'"
    left = int(private.sql(count, shop)[0][0])
    assert left, 'PostgreSQL was not hit in the middle'
    for script, word in ((PROCESS, ''), (SAME_AS_REBUILT, 'SAME')):
        done = subprocess.run(
            command,
            input=script,
            env=house.environment(**private.env),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert word in done.stdout
    assert private.sql(count, shop) == [['0']]
