"""What happens to follow-ups when a process dies in the middle, or two do the same at the same time (design 9)."""

import signal
import time

import pytest
from test_faults import start

COUNT = 400

# Customers who bought today, by SQL; two rules thank each of them by mail, but one message a week is the limit. Which
# of both is sent depends on what was sent before: nobody may be told by both, nor by none.
FILL = """
env['ir.mail_server'].search([]).active = False
env['retail.care.rule'].search([]).active = False
env.company.write({'retail_service_consent': False, 'retail_care_all_week': 1, 'retail_care_message_from': 0,
                   'retail_care_message_to': 24})
partner = env['res.partner'].create({'name': 'Pattern', 'email': 'pattern@home.example', 'lang': 'en_US'})
env.flush_all()
env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'res_partner'")
changes = {'commercial_partner_id': "currval('res_partner_id_seq')", 'complete_name': "'Customer ' || n",
           'name': "'Customer ' || n", 'ref': "'FAULT'", 'email': "'c' || n || '@home.example'",
           'email_normalized': "'c' || n || '@home.example'"}
names = sorted({name for name, in env.cr.fetchall()} - {'id', *changes})
env.cr.execute("INSERT INTO res_partner (id, %s, %s) SELECT nextval('res_partner_id_seq'), %s, %s"
               " FROM res_partner AS source, generate_series(1, %s) AS n WHERE source.id = %s" % (
    ', '.join(changes), ', '.join(names), ', '.join(changes.values()), ', '.join(names), COUNT, partner.id))
env.cr.execute('DELETE FROM retail_moment')
env.cr.execute("INSERT INTO retail_moment (kind, partner_id, company_id, res_model, res_id, date, state)"
               " SELECT 'purchase', id, %s, 'res.partner', id, now() AT TIME ZONE 'UTC', 'done'"
               " FROM res_partner WHERE ref = 'FAULT'", [env.company.id])
email = env.ref('retail_crm.retail_channel_email')
rules = env['retail.care.rule'].create([{
    'name': name, 'sequence': place, 'state': 'on', 'trigger': 'moment', 'moment_kind': 'purchase', 'purpose': purpose,
    'text': 'Thank you, {name}', 'company_id': env.company.id, 'user_id': env.ref('base.user_admin').id, 'hour': 0.0,
    'channel_mode': 'listed', 'control_percent': 0, 'channel_line_ids': [(0, 0, {'channel_id': email.id})],
    'started_on': env.company._retail_today(),
} for place, (name, purpose) in enumerate([('Broken', 'service'), ('Thanks', 'service'), ('More', 'service'),
                                           ('Offer', 'marketing')])])
rules[0].active = rules[3].active = False
env.cr.commit()
""".replace('COUNT', str(COUNT))

# small batches, and each is told: killed is in the middle on any machine
RUN = """
import odoo.addons.retail_crm.models.care.retail_care_rule_plan as plan
import odoo.addons.retail_crm.models.care.retail_followup_send as send
plan.BATCH_SIZE, send.BATCH_SIZE = 100, 40
Cron = type(env['ir.cron'])
plain = Cron._commit_progress

def told(self, *args, **options):
    result = plain(self, *args, **options)
    print(WORD, flush=True)
    return result

Cron._commit_progress = told
print('GO', flush=True)
WORD = 'PLANNED'
env['retail.care.rule']._cron_plan()
WORD = 'SENT'
env['retail.followup']._cron_send()
env.cr.commit()
"""

# What every customer got: the same whatever happened on the way.
RESULT = """SELECT count(*), md5(string_agg(t::text, ';' ORDER BY partner_id, rule_id)) FROM (
    SELECT partner_id, rule_id, anchor_on, due_on, state, reason, channel_id, counted_on, opened_on, subject,
           (SELECT count(*) FROM mail_mail JOIN mail_message ON mail_message.id = mail_message_id
             WHERE mail_message.model = 'retail.followup' AND mail_message.res_id = followup.id) AS mails
      FROM retail_followup AS followup) AS t"""
MAILS = """SELECT count(*), count(DISTINCT followup.partner_id)
      FROM mail_mail JOIN mail_message ON mail_message.id = mail_message_id
      JOIN retail_followup AS followup ON followup.id = mail_message.res_id
       AND mail_message.model = 'retail.followup'"""


@pytest.fixture(scope='module')
def filled(house, base_db):
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_care')
    try:
        house.shell_script(name, FILL)
        yield name
    finally:
        house.drop(name)


@pytest.fixture(scope='module')
def undisturbed(house, filled):
    """The result of a run that nobody disturbed, and the database in which it was planned and sent."""
    name = house.copy(filled, f'{filled}_calm')
    try:
        house.shell_script(name, RUN)
        assert house.sql(MAILS, name) == [[str(COUNT)] * 2]
        yield house.sql(RESULT, name)
    finally:
        house.drop(name)


def kill_after(house, name, word, count):
    """Run and kill with signal 9 once a word was told so many times, a moment later."""
    process = start(house, house.shell_command(name), RUN)
    for line in process.stdout:
        count -= line.startswith(word)
        if count <= 0:
            break
    time.sleep(0.03)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return running and count <= 0


def test_kill_in_the_middle(house, fresh_db, filled, undisturbed):
    """Design 9: killed while planning and twice while sending, nobody is contacted twice and nobody is forgotten."""
    name = fresh_db(filled)
    assert kill_after(house, name, 'PLANNED', 3)
    planned = int(house.sql('SELECT count(*) FROM retail_followup', name)[0][0])
    assert 0 < planned < 2 * COUNT
    for batches in (3, 3):
        assert kill_after(house, name, 'SENT', batches)
        [[mails, customers]] = house.sql(MAILS, name)
        assert mails == customers
        assert 0 < int(mails) < COUNT
    house.shell_script(name, RUN)
    assert house.sql(MAILS, name) == [[str(COUNT)] * 2]
    assert house.sql(RESULT, name) == undisturbed
    house.shell_script(name, RUN)
    assert house.sql(RESULT, name) == undisturbed


def test_two_at_once(house, fresh_db, filled, undisturbed):
    """Design 9: two processes plan and send at the same time; each customer is contacted by one of them, once."""
    name = fresh_db(filled)
    processes = [start(house, house.shell_command(name), RUN) for _number in range(2)]
    for process in processes:
        process.stdout.read()
        process.stdout.close()
    assert 0 in [process.wait() for process in processes]
    # whoever found the other at work left it to him; what was planned meanwhile is sent by the next run
    house.shell_script(name, RUN)
    assert house.sql(MAILS, name) == [[str(COUNT)] * 2]
    assert house.sql(RESULT, name) == undisturbed


BROKEN = """
rules = env['retail.care.rule'].with_context(active_test=False).search([('name', 'in', ('Broken', 'Offer'))], order='sequence')
broken, offer = rules
rules.active = True
rules.write({'state': 'on', 'started_on': str(env.company._retail_today())})
env.company.retail_care_all_week = 9
env.flush_all()
env.cr.execute("UPDATE retail_care_rule SET domain = '[(''no_such_field'', ''='', 1)]' WHERE id = %s", [broken.id])
partners = env['res.partner'].search([('ref', '=', 'FAULT')], limit=60, order='id')
email = env.ref('retail_crm.retail_channel_email')
for partner in partners:
    env['retail.consent']._record(partner, {('marketing', email): True}, 'shop')
env.cr.commit()
env.invalidate_all()
env['retail.care.rule']._cron_plan()
env['retail.consent']._record(partners[0], {('marketing', email): False}, 'shop')
env['retail.consent']._record(partners[1], {('marketing', email): False}, 'shop')
env.cr.commit()
env['retail.followup']._cron_send()
env.invalidate_all()
count = lambda *domain: env['retail.followup'].search_count(list(domain))
print('FAILED', broken.state, bool(broken.error), [(one.user_id.login) for one in broken.activity_ids],
      count(('rule_id', '=', broken.id)))
print('OTHERS', [(rule.state, count(('rule_id', '=', rule.id)))
                 for rule in env['retail.care.rule'].search([('name', 'in', ('Thanks', 'More', 'Offer'))], order='sequence')])
mine = env['retail.followup'].search([('rule_id', '=', offer.id), ('partner_id', 'in', partners[:2].ids)])
print('WITHDRAWN', mine.mapped('state'), mine.mapped('reason'), mine.mapped('mail_mail_id.id'))
print('OFFER', count(('rule_id', '=', offer.id), ('state', '=', 'done')),
      count(('rule_id', '=', offer.id), ('reason', '=', 'no_consent')))
"""


def test_a_broken_rule_and_a_withdrawn_consent(house, fresh_db, filled):
    """Issue 9: a broken rule stops alone and tells its owner; who withdraws between planning and sending gets nothing."""
    output = house.shell_script(fresh_db(filled), BROKEN)
    assert "FAILED failed True ['admin'] 0" in output, output
    assert f"OTHERS [('on', {COUNT}), ('on', {COUNT}), ('on', {COUNT})]" in output, output
    assert "WITHDRAWN ['skipped', 'skipped'] ['refused', 'refused'] []" in output, output
    assert f'OFFER 58 {COUNT - 60}' in output, output
