"""An update from each released version of the add-on, with data in it, gives what a new install gives (design 9)."""

import io
import os
import subprocess
import tarfile

import pytest

#: Where released versions are in this repository's history; the oldest with RETAIL_CRM_FULL=1 only.
RELEASES = {
    '19.0.1.2.0': '630d02049961929914c9ad531bee74192eaa828e',
    '19.0.1.3.0': 'e34fba24a38f65eda81c736bee6f139fa115eb1a',
}
if os.environ.get('RETAIL_CRM_FULL'):
    RELEASES['19.0.1.1.0'] = '577f573eef727f96bac54d09040f20ac5c4b8877'

# A shop with customers, history and rules of its own, made under the old version.
SHOP = """
import datetime
from odoo.fields import Command
partners = env['res.partner'].create([
    {'name': 'Ann', 'email': 'Ann@Example.com', 'phone': '+1 650 555 0100'}, {'name': 'Bob'}, {'name': 'Cat'},
])
product = env['product.product'].create({'name': 'Goods', 'type': 'service', 'taxes_id': False})
noon = datetime.datetime.now().replace(hour=11, minute=0, second=0, microsecond=0)
for number, partner in enumerate(partners, 1):
    for back in (500, 300, 90)[:number]:
        order = env['sale.order'].create({'partner_id': partner.id, 'order_line': [
            Command.create({'product_id': product.id, 'price_unit': 10 * number})]})
        order.action_confirm()
        order.date_order = noon - datetime.timedelta(days=back)
env.ref('retail_crm.retail_policy_abc_a').name = 'Our best'
env.ref('retail_crm.retail_channel_letter').unlink()
env.cr.commit()
env['retail.moment']._process_all()
env['retail.profile']._refresh()
env.cr.commit()
"""
# What shops of that version had besides: members, their history, points, consents, a store.
MEMBERS = """
programme = env['retail.programme'].search([], limit=1)
programme.action_start()
env['retail.membership']._cron_evaluate()
for partner in partners:
    env['retail.membership']._enrol(partner, env.company)
store = env['crm.team'].create({'name': 'Harbour', 'retail_is_store': True, 'user_id': env.ref('base.user_admin').id})
env['retail.consent']._record(partners[0], {('profiling', env['retail.channel']): True}, 'shop')
env['retail.touch'].create({'partner_id': partners[1].id, 'note': 'Asked for tea'})
program = env['loyalty.program'].create({'name': 'Points', 'program_type': 'loyalty'})
env['loyalty.card'].create({'program_id': program.id, 'partner_id': partners[0].id, 'points': 25})
env['retail.moment']._process_all()
env.cr.commit()
"""
# ... and tickets, follow-ups, a rule of its own.
DESK = """
ticket = env['retail.ticket'].create({'subject': 'Broken', 'partner_id': partners[0].id})
ticket.message_post(body='On its way')
rule = env['retail.care.rule'].create({
    'name': 'Anniversary', 'code': 'shop_anniversary', 'trigger': 'purchase', 'delay_days': 365, 'family': 'purchase'})
env['retail.followup'].create({'partner_id': partners[1].id, 'purpose': 'service', 'is_expected': True})
env.ref('retail_crm.retail_care_rule_win_back').hour = 11.5
env['retail.product.pair']._cron_count()
env.cr.commit()
"""
MORE = {'19.0.1.2.0': MEMBERS, '19.0.1.3.0': MEMBERS + DESK}
#: What of those must be there afterwards as it was, row by row.
CONTRACTS = (
    'SELECT partner_id, number, state, tier_id, enrolled_on FROM retail_membership ORDER BY id',
    'SELECT membership_id, date, from_tier_id, to_tier_id, cause FROM retail_tier_move ORDER BY id',
    'SELECT card_id, kind, points, date FROM retail_points_entry ORDER BY id',
    'SELECT partner_id, purpose, channel_id, state FROM retail_consent ORDER BY id',
    'SELECT partner_id, kind, note FROM retail_touch ORDER BY id',
    'SELECT res_model, res_id, partner_id, amount, date FROM retail_purchase ORDER BY id',
    'SELECT id, retail_code, user_id FROM crm_team ORDER BY id',
)
KEPT = {
    '19.0.1.2.0': CONTRACTS,
    '19.0.1.3.0': (
        *CONTRACTS,
        'SELECT name, subject, partner_id, stage_id, team_id, received_at FROM retail_ticket ORDER BY id',
        'SELECT partner_id, rule_id, state, due_on, purpose FROM retail_followup ORDER BY id',
        "SELECT code, state, hour, trigger, delay_days FROM retail_care_rule WHERE hour = 11.5 OR code LIKE 'shop%'",
    ),
}
PROFILES = """
SELECT partner.name, order_count, spend_total, first_order_date, last_order_date, lifecycle, rfm_code, abc_class
  FROM retail_profile JOIN res_partner AS partner ON partner.id = partner_id ORDER BY partner.name
"""
# What the new version can do with it: rules as the shop named them, and a ticket from receipt to the end.
USE = """
print('POLICY', env.ref('retail_crm.retail_policy_abc_a').name)
ticket = env['retail.ticket'].create({
    'subject': 'Where is it?', 'partner_id': env['res.partner'].search([('name', '=', 'Ann')]).id, 'result': 'Here'})
while ticket.category in ('new', 'open'):
    ticket.action_next_stage()
print('TICKET', ticket.category)
env.cr.rollback()
"""
HISTORY = 'SELECT * FROM retail_profile_change'
# What an install makes in the database, apart from numbers given in order.
MADE = {
    'columns': """
        SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
         WHERE table_schema = 'public' AND (table_name LIKE 'retail%' OR column_name LIKE 'retail%')
    """,
    'indexes': "SELECT indexname FROM pg_indexes WHERE tablename LIKE 'retail%'",
    'constraints': "SELECT conname FROM pg_constraint WHERE conrelid::regclass::text LIKE 'retail%'",
    'shipped': "SELECT model, name FROM ir_model_data WHERE module = 'retail_crm'",
}


@pytest.fixture
def old_code(tmp_path):
    """A function that lays out a released version and returns the folder to take add-ons from."""

    def lay_out(version):
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        listing = ['git', 'ls-tree', '--name-only', RELEASES[version]]
        done = subprocess.run(listing, cwd=root, capture_output=True, text=True)
        ours = [name for name in done.stdout.split() if name.startswith('retail_crm')]
        command = ['git', 'archive', RELEASES[version], *ours]
        done = subprocess.run(command, cwd=root, capture_output=True)
        assert not done.returncode, f'{version} is not in the history: clone all of it'
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(tmp_path / version, filter='data')
        return tmp_path / version

    return lay_out


@pytest.mark.parametrize('version', sorted(RELEASES))
def test_update_with_data(house, old_code, base_db, version):
    """Design 9: figures, history and edits stay, nobody is told anything, and nothing of a new install is missing."""
    name = f'retail_crm_test_{os.getpid()}_old'
    house.copy(house.template(house.dependencies(), False), name)
    try:
        old = old_code(version)
        addons = ','.join(map(str, [old, *house.odoo_addons()]))
        # add-ons of today that the version did not have
        for later in {addon.name for addon in house.HERE.glob('retail_crm_*')} - {*os.listdir(old)}:
            house.sql(f"DELETE FROM ir_module_module WHERE name = '{later}'", name)
            house.sql(f"DELETE FROM ir_model_data WHERE name = 'module_{later}'", name)
        options = ['--no-http', f'--addons-path={addons}']
        house.odoo_run(name, f'install {version}', *options, '-i', 'retail_crm')
        command = [*house.shell_command(name), f'--addons-path={addons}']
        done = subprocess.run(
            command,
            env=house.environment(),
            input=SHOP + MORE.get(version, ''),
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr[-3000:]
        kept = (PROFILES, HISTORY, *KEPT.get(version, ()))
        before = {query: house.sql(query, name) for query in kept}
        assert all(before[query] for query in KEPT.get(version, ()))
        told = house.sql('SELECT count(*) FROM retail_moment', name)
        house.odoo_run(name, f'update from {version}', '--no-http', '-u', 'retail_crm')
        for query, found in before.items():
            assert house.sql(query, name) == found
        assert before[PROFILES] and len(before[PROFILES]) == 3
        assert house.sql('SELECT count(*) FROM retail_moment', name) == told
        for what, query in MADE.items():
            missing = {*map(tuple, house.sql(query, base_db))}
            missing -= {*map(tuple, house.sql(query, name))}
            if what == 'shipped':  # what the shop deleted stays deleted
                missing.discard(('retail.channel', 'retail_channel_letter'))
            assert not missing, what
        said = house.shell_script(name, USE)
        assert 'POLICY Our best' in said
        assert 'TICKET solved' in said
    finally:
        house.drop(name)
