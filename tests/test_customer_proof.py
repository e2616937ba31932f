"""Merging and anonymising real customers changes no total, and killed nightly work ends as if nothing had happened.

A part of the CDNOW customers is loaded like a shop's data; everything here happens in copies of that database.
"""

import json
import subprocess

import pytest

LIMIT = 120  # customers; twenty pairs are merged, twenty others anonymised
MARK = 'PROOF '

# Files, contacts, named dates, consents, messages, a signature and duplicates: what real work leaves behind.
PREPARE = """
from odoo.fields import Command
customers = env['res.partner'].search([('ref', '=like', 'CDNOW-%')], order='ref')
channels = env['retail.channel'].search([('transport', 'in', ('sms', 'email'))])
tags = env['retail.preference'].search([])
for number, partner in enumerate(customers):
    partner.write({
        'name': f'Zqxname{number:03} Zqxfamily', 'phone': f'+86 139 7777 {number // 2 if number < 60 else number:04}',
        'email': f'zqx{number:03}@example.com', 'street': f'{number} Zqxstreet', 'retail_remark': f'Zqxremark {number}',
        'retail_birth_month': '5', 'retail_birth_day': 1 + number % 28, 'retail_salutation': 'Zqxsalutation',
        'retail_preference_ids': [Command.set(tags[number % 3:number % 3 + 2].ids)],
        'retail_occasion_date_ids': [Command.create(
            {'kind': 'wedding', 'name': 'Zqxdate', 'month': '6', 'day': 1 + number % 3})],
    })
    env['retail.touch'].create({'partner_id': partner.id, 'kind': 'visit', 'note': 'Zqxname was here'})
    env['retail.consent']._record(
        partner, {('marketing', channels[number % 2]): True, ('service', channels[0]): number % 3 > 0}, 'shop')
    partner.message_post(body='Zqxname called')
order = env['sale.order'].search([('partner_id', '=', customers[60].id)], limit=1)
order.signed_by = 'Zqxname of the signature'
order.message_post(body='Zqxname wants it wrapped')
env['retail.segment'].create([
    {'name': 'Proof: buyers', 'domain': "[('retail_order_count', '>', 0)]"},
    {'name': 'Proof: agreed', 'domain': "[('retail_marketing_consent', '=', True)]"},
    {'name': 'Proof: likes', 'domain': "[('retail_preference_ids', 'in', %s)]" % tags[:1].ids},
])
env.cr.commit()
env['retail.moment']._process_all()
env['retail.profile']._refresh()
env.cr.commit()
"""

TOTALS = """
def rows(query):
    env.flush_all()
    env.cr.execute(query)
    return [[str(value) for value in row] for row in env.cr.fetchall()]

def totals():
    return {
        'purchases': rows("SELECT company_id, count(*), sum(amount), sum(margin), sum(returned)"
                          " FROM retail_purchase GROUP BY company_id ORDER BY company_id"),
        'orders': rows("SELECT company_id, count(*), sum(amount_untaxed), sum(amount_total)"
                       " FROM sale_order GROUP BY company_id ORDER BY company_id"),
        'profiles': rows("SELECT company_id, sum(spend_total), sum(order_count)"
                         " FROM retail_profile GROUP BY company_id ORDER BY company_id"),
        'customers': int(rows("SELECT count(*) FROM retail_profile WHERE order_count > 0")[0][0]),
    }

def work():
    env.cr.commit()
    env['retail.moment']._process_all()
    env.cr.commit()
"""

# In Odoo's shell, as the administrator: what a merge and an anonymisation do to the figures, and what is left of names.
SCRIPT = (
    TOTALS
    + """
import json
admin = env(user=env.ref('base.user_admin').id)
customers = env['res.partner'].search([('ref', '=like', 'CDNOW-%')], order='ref')
segments = env['retail.segment'].search([])
segments._recompute_safely()
assert not segments.filtered('error'), segments.mapped('error')
env.cr.commit()
result = {'before': totals()}

pairs = [customers[number:number + 2] for number in range(0, 40, 2)]
gone, kept = [], []
for pair in pairs:
    kept.append(pair[0].id)
    gone.append(pair[1].id)
    admin['base.partner.merge.automatic.wizard']._merge(pair.ids, admin['res.partner'].browse(pair[0].id))
work()
result['merged'] = totals()
result['gone'] = env['res.partner'].with_context(active_test=False).search_count([('id', 'in', gone)])
result['dates'] = env['retail.occasion.date'].search_count([('partner_id', 'in', kept)])
result['touches'] = env['retail.touch'].search_count([('partner_id', 'in', kept), ('kind', '=', 'visit')])

secret = customers[60:80]
admin['res.partner'].browse(secret.ids)._retail_anonymise('They asked for it')
work()
result['anonymised'] = totals()
words = [f'Zqxname{number:03}|zqx{number:03}@|7777 ?{number:04}|{number} Zqxstreet|Zqxremark {number}'
         for number in range(60, 80)]
result['traces'] = traces = {}
for table, in rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"):
    env.cr.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text ~* %s', ['|'.join(words)])
    if found := env.cr.fetchone()[0]:
        traces[table] = found
ids = ','.join(map(str, secret.ids))
result['blank'] = rows(f"SELECT count(*) FROM res_partner WHERE id IN ({ids}) AND res_partner::text ~* 'zqx'")[0][0]
result['notes'] = rows(f"SELECT count(*) FROM retail_touch WHERE partner_id IN ({ids}) AND note ~* 'zqx'")[0][0]
result['dates_left'] = env['retail.occasion.date'].search_count([('partner_id', 'in', secret.ids)])
result['kept_order'] = rows("SELECT count(*) FROM sale_order WHERE signed_by = 'Zqxname of the signature'")[0][0]
result['kept_message'] = rows(
    "SELECT count(*) FROM mail_message WHERE model = 'sale.order' AND body LIKE '%Zqxname wants it wrapped%'")[0][0]

segments._recompute_safely()
assert not segments.filtered('error'), segments.mapped('error')
env.cr.commit()
result['twice'] = rows("SELECT segment_id, partner_id FROM retail_segment_member WHERE left_on IS NULL"
                       " GROUP BY segment_id, partner_id HAVING count(*) > 1")
buyers = env['retail.segment'].search([('name', '=', 'Proof: buyers')])
members = buyers._members().partner_id
result['buyers'] = [len(members), len(members & env['res.partner'].browse(kept)), buyers.member_count]
result['secret_members'] = env['retail.segment.member'].search_count(
    [('partner_id', 'in', secret.ids), ('left_on', '=', False)])

for number in range(2):
    env['retail.profile']._refresh()
    env.company._retail_request_rebuild()
    env.cr.commit()
    env['retail.purchase']._cron_repair()
    env['retail.profile']._refresh()
    work()
    result[f'rebuilt{number}'] = totals()
print('MARK' + json.dumps(result))
"""
).replace('MARK', MARK)

# What the nightly actions write, without when.
DUMP_SEGMENTS = """
def dump():
    env.cr.execute("SELECT md5(string_agg(t::text, ';' ORDER BY t)) FROM (SELECT segment_id, partner_id,"
                   " left_on IS NULL, entered_reason, left_reason FROM retail_segment_member) t")
    members = env.cr.fetchone()[0]
    env.cr.execute("SELECT string_agg(t::text, ';' ORDER BY t) FROM"
                   " (SELECT id, member_count, is_pending, error, computed_at IS NULL FROM retail_segment) t")
    return members, env.cr.fetchone()[0]
"""
DUMP_DUPLICATES = """
def dump():
    env.cr.execute("SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t)) FROM (SELECT kind, key, company_id, suspicion,"
                   " customer_count, member_ids, state, (SELECT array_agg(partner_id ORDER BY partner_id)"
                   " FROM retail_duplicate_partner_rel WHERE duplicate_id = d.id) FROM retail_duplicate d) t")
    return env.cr.fetchone()
"""
# The process kills itself, so that it happens always at the same place: {where} names a method, and how many calls of it
# are survived; the work of that call is done, but not committed.
DYING = """
import os, signal
model = type(env['{model}'])
work, calls = model.{method}, []
def dying(self, *args, **kwargs):
    result = work(self, *args, **kwargs)
    calls.append(1)
    if len(calls) > {survived}:
        env.flush_all()
        os.kill(os.getpid(), signal.SIGKILL)
    return result
model.{method} = dying
"""


@pytest.fixture(scope='module')
def loaded(house, base_db):
    """A database with real customers and what work on them left behind. To be copied."""
    house.setup('odoo', 'cdnow')
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_proof')
    house.config_of(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RETAIL_CRM_LIMIT', str(LIMIT))
        house.load_data(name, 'cdnow', None)
    house.shell_script(name, PREPARE)
    yield name
    house.drop(name)


@pytest.fixture
def shop(house, loaded):
    """A function that copies that database; returns the name of the copy."""
    names = []

    def make():
        names.append(house.copy(loaded, f'{loaded}{len(names)}'))
        house.config_of(names[-1])
        return names[-1]

    yield make
    for name in names:
        house.drop(name)


def test_merge_and_anonymise_change_no_total(house, shop):
    """S-CUS-14, S-SEC-07: purchases, orders and amounts stay, also when all is derived again; names are gone."""
    output = house.shell_script(shop(), SCRIPT)
    [line] = [line for line in output.splitlines() if line.startswith(MARK)]
    result = json.loads(line.removeprefix(MARK))
    before = result['before']
    assert before['customers'] == LIMIT and int(before['purchases'][0][1]) > LIMIT
    after = {**before, 'customers': LIMIT - 20}
    for moment in 'merged', 'anonymised', 'rebuilt0', 'rebuilt1':
        assert result[moment] == after, moment
    # merged: nothing of the other contact is lost, and nobody is counted twice
    assert result['gone'] == 0
    assert result['touches'] == 40
    assert 20 < result['dates'] <= 40
    assert result['twice'] == []
    assert result['buyers'][1] == 20
    # anonymised: only what stands on documents is still there
    assert result['traces'] == {}
    assert [result['blank'], result['notes'], result['dates_left']] == ['0', '0', 0]
    # a signature is the customer's own, a message on an order belongs to the order
    assert [result['kept_order'], result['kept_message']] == ['0', '1']
    assert result['secret_members'] == 0
    assert result['buyers'][0] == result['buyers'][2] == LIMIT - 40


def die(house, name, model, method, survived, script):
    """Run a script that is killed in the middle, see DYING."""
    dying = DYING.format(model=model, method=method, survived=survived)
    done = subprocess.run(
        house.shell_command(name),
        input=dying + script,
        env=house.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode in (-9, 137), done.stderr[-3000:]


@pytest.mark.parametrize(
    ('dump', 'run', 'deaths'),
    [
        (
            DUMP_SEGMENTS,
            "env['retail.segment']._cron_segments()\n",
            [
                ('retail.segment', '_recompute_one', 0),
                ('retail.segment', '_note_computed', 3),
                ('ir.cron', '_commit_progress', 2),
                ('retail.segment', '_recompute_safely', 1),
            ],
        ),
        (
            DUMP_DUPLICATES,
            "env['retail.duplicate']._cron_duplicates()\n",
            [
                ('retail.duplicate', '_try_lock', 0),
                ('retail.duplicate', '_sql_write', 0),
                ('retail.duplicate', '_write_groups', 0),
                ('retail.duplicate', '_search_all', 0),
            ],
        ),
    ],
    ids=['segments', 'duplicates'],
)
def test_kill_in_the_night(house, shop, dump, run, deaths):
    """Design 9: killed at several places, the nightly action ends with what an undisturbed run gives."""
    forget = (
        "env['retail.duplicate'].search([('state', '=', 'open')]).unlink()\n"
        "env.cr.execute('DELETE FROM retail_segment_member WHERE id % 3 = 0')\n"
        "env.cr.execute('UPDATE retail_segment SET attempted_at = NULL, member_count = 0')\n"
        'env.cr.commit()\n'
    )
    show = f"{dump}\nprint('{MARK}' + repr(dump()))\n"
    undisturbed, killed = shop(), shop()
    expected = house.shell_script(undisturbed, forget + run + 'env.cr.commit()\n' + show)
    house.shell_script(killed, forget)
    for death in deaths:
        die(house, killed, *death, run)
    found = house.shell_script(killed, run + 'env.cr.commit()\n' + show)
    assert lines_of(found) == lines_of(expected) and len(lines_of(expected)) == 1
    assert 'None' not in lines_of(expected)[0].split('(')[1]


def lines_of(output):
    return [line for line in output.splitlines() if line.startswith(MARK)]
