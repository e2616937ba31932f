"""All kinds of mails through the gateway of a real database: each ends by rule, none raises, none is lost (design 9)."""

from pathlib import Path

CORPUS = """
import collections, logging, sys, time
from unittest.mock import patch
sys.path.insert(0, {folder!r})
import mail_corpus
from odoo.addons.mail.models.mail_mail import MailMail

logging.disable(logging.WARNING)
domain = env['mail.alias.domain'].search([], limit=1) or env['mail.alias.domain'].create({{'name': 'shop.example'}})
env.company.alias_domain_id = domain
team = env.ref('retail_crm.retail_ticket_team_desk')
team.write({{'alias_name': 'service', 'alias_domain_id': domain.id}})
to = team.alias_email
env['retail.mail.block']._block(['spam@spam.example', 'spam-domain.example'])
env.company.write({{'retail_mail_limit_sender': 20, 'retail_mail_limit_domain': 25, 'retail_mail_limit_body': 5}})
limits = {{'sender': 20, 'domain': 25, 'body': 5}}
env.cr.commit()
Log, Ticket = env['retail.mail.log'], env['retail.ticket']
gateway = env['mail.thread'].with_user(env.ref('base.user_root')).with_context(default_fetchmail_server_id=1)
scenes, bad, ends, came, raised = {{}}, [], collections.Counter(), 0, 0
slow = []

def receive(mail):
    global came, raised
    came += 1
    start, last, tickets = time.time(), Log.search([], order='id desc', limit=1).id or 0, Ticket.search_count([])
    try:
        gateway.message_process('retail.ticket', mail.raw)
        env.cr.commit()
    except Exception as error:
        env.cr.rollback()
        raised += 1
        print('RAISED', mail.name, repr(error)[:200])
        return
    env.invalidate_all()
    row = Log.search([('id', '>', last)])
    made = Ticket.search_count([]) - tickets
    if not row and not made:  # core knew the Message-ID, or a notice of its own
        ends['drop'] += 1
        if mail.result != 'drop':
            bad.append((mail.name, 'core dropped'))
        return
    result = row[:1].result
    ends[result] += 1
    if time.time() - start > 1:
        slow.append((mail.name, round(time.time() - start, 1)))
    fits = len(row) == 1 and (result == mail.result or (result, mail.result) == ('failed', 'normal'))
    fits = fits and (not mail.reason or mail.reason == row.reason)
    if mail.ticket.startswith('new'):
        fits = fits and made == 1 and row.ticket_id
        if mail.ticket[4:]:
            scenes[mail.ticket[4:]] = row.ticket_id
    elif mail.ticket in scenes:
        fits = fits and not made and (row.ticket_id == scenes[mail.ticket] or result == 'drop')
    else:
        fits = fits and not made
    if not fits:
        bad.append((mail.name, result, row.mapped('reason'), made, row.ticket_id.mapped('subject')))
    if result == 'failed':
        print('FAILED', mail.name)

def solve(*tickets):
    for ticket in tickets:
        ticket.result = 'Done'
        ticket._set_stage('solved')

with patch.object(MailMail, 'send', lambda self, **options: None):
    start = time.time()
    own = [to, domain.catchall_email, domain.bounce_email]
    for mail in mail_corpus.incoming(to, Ticket._door_mark(), own[:1], ['spam@spam.example', 'x@spam-domain.example'], limits):
        receive(mail)
    for mail in mail_corpus.openers(to):
        receive(mail)
    solve(*[scenes[key] for key in ('solved', 'solved_thanks', 'solved_old', 'archived', 'complaint_old')])
    scenes['waiting']._set_stage('waiting')
    scenes['on_hold']._door_write({{'category': 'on_hold'}})
    scenes['solved_old']._door_write({{'solved_at': '2020-01-01'}})
    scenes['complaint_old']._door_write({{'solved_at': '2020-01-01', 'is_complaint': True}})
    scenes['archived'].active = False
    scenes['cancelled']._set_stage('cancelled')
    scenes['merged']._door_write({{'merged_into_id': scenes['open'].id}})
    scenes['merged_chain']._door_write({{'merged_into_id': scenes['merged'].id}})
    scenes['merged_loop']._door_write({{'merged_into_id': scenes['merged_loop'].id}})
    numbers = {{key: ticket.name for key, ticket in scenes.items() if key in mail_corpus.SCENES}}
    scenes.pop('deleted').unlink()
    env.cr.commit()
    for mail in mail_corpus.replies(to, numbers):
        if mail.name.startswith('answer reopening'):
            solve(scenes['reopened'])
        elif mail.result == 'silent' and mail.ticket in ('solved', 'waiting'):
            if scenes[mail.ticket].category != mail.ticket:
                scenes[mail.ticket].result = 'Done'
                scenes[mail.ticket]._set_stage(mail.ticket)
        before = scenes[mail.ticket].read(['stage_id', 'customer_message_count', 'waiting_since', 'reopen_count']) if (
            mail.result == 'silent' and mail.ticket in scenes) else None
        receive(mail)
        if before and scenes[mail.ticket].read(
                ['stage_id', 'customer_message_count', 'waiting_since', 'reopen_count']) != before:
            bad.append((mail.name, 'had an effect'))
    print('SECONDS', round(time.time() - start))
    env['retail.moment']._process_all()
    env.invalidate_all()
    acknowledged = collections.Counter(Log.search([('acknowledged_at', '!=', False)]).mapped('sender'))

# what leaves the shop; staff who were asked to look after a ticket hear of what comes to it
mails = env['mail.mail'].search([]).filtered(
    lambda mail: mail.email_to or any(partner.partner_share for partner in mail.recipient_ids))
released = 0
with patch.object(MailMail, 'send', lambda self, **options: None):
    for held in env['retail.quarantine'].search([], limit=5):
        ticket = held._release()
        released += bool(ticket) and held.state == 'released'
    env.cr.commit()

print('CAME', came, dict(ends), 'RAISED', raised)
print('BAD', len(bad))
for one in bad:
    print('  ', one)
print('SLOW', slow)
print('ENDS', sum(ends.values()) == came)
kept = Log.search_count([('result', '=', 'quarantine')])
held = env['retail.quarantine'].search([])
print('HELD', kept == len(held), all(held.mapped('attachment_id.file_size')))
print('ONCE', not acknowledged or max(acknowledged.values()) == 1)
print('OUT', len(mails), len(mails) <= len(acknowledged) + 2)
print('MARKED', all("X-Retail-Crm" in (mail.headers or '') and "auto-replied" in mail.headers for mail in mails))
print('RELEASED', released)
bounced = env['res.partner'].search([('email', '=', mail_corpus.address('bounced'))])
print('BOUNCED', bounced.message_bounce > 0)
outside = [('res_model', '=', 'retail.ticket'), ('partner_id.partner_share', '=', True)]
print('STRANGER', not env['mail.followers'].search_count(outside))
print('THANKS', scenes['solved_thanks'].category, scenes['solved_thanks'].is_possibly_thanks)
print('HOUSEHOLD', scenes['household'].unknown_sender)
"""


def test_every_mail_ends_by_rule(house, fresh_db):
    """Of several hundred mails each becomes a ticket, is attached, held or dropped by rule; nothing loops (R-svc C.6)."""
    script = CORPUS.format(folder=str(Path(__file__).resolve().parent))
    output = house.shell_script(fresh_db(), script, timeout=600)
    lines = dict(line.split(' ', 1) for line in output.splitlines() if line[:1].isupper())
    assert lines['BAD'] == '0', output
    assert 'RAISED 0' in lines['CAME'], output
    assert int(lines['CAME'].split()[0]) >= 300, output
    for name in ('ENDS', 'HELD True', 'ONCE', 'MARKED', 'BOUNCED', 'STRANGER'):
        key, _space, more = name.partition(' ')
        assert lines[key] == f'{more} True'.strip(), output
    assert lines['OUT'].endswith('True'), output
    assert lines['RELEASED'] == '5', output
    assert lines['THANKS'] == 'solved True', output
    assert lines['HOUSEHOLD'] == 'friend@friends.example', output
