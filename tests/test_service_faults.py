"""What happens to tickets when a process dies in the middle, or two do the same at the same time (design 9)."""

import socketserver
import threading
from collections import Counter, defaultdict
from email import message_from_bytes

import pytest
from test_faults import kill_at

COUNT = 100

# As many customers whose request waits for them and who are to be reminded now, and as many who are to be told of progress.
FILL = """
env['ir.mail_server'].search([]).active = False
env['ir.mail_server'].create({'name': 'Test', 'smtp_host': '127.0.0.1', 'smtp_port': %(port)s, 'smtp_encryption': 'none'})
env.company.email = 'shop@ours.example'
kind = env.ref('retail_crm.retail_ticket_type_enquiry')
partners = env['res.partner'].create(
    [{'name': f'Customer {n}', 'email': f'c{n}@home.example'} for n in range(%(count)s * 2)])
tickets = env['retail.ticket'].with_context(tracking_disable=True).create([{
    'subject': f'Ticket {partner.name}', 'partner_id': partner.id, 'type_id': kind.id,
    'channel_id': env.ref('retail_crm.retail_channel_email').id} for partner in partners])
waiting, moved = tickets[:%(count)s], tickets[%(count)s:]
waiting.with_context(retail_crm_tell_nobody=True)._set_stage('waiting')
waiting._stamp({'tend_at': '2020-01-01'})
stage = env['retail.ticket.stage'].search([('is_told', '=', True), ('category', '=', 'open')], limit=1) \\
    or env.ref('retail_crm.retail_ticket_stage_progress')
stage.write({'is_told': True,
             'told_template_id': stage.told_template_id.id or env.ref('retail_crm.mail_template_ticket_waiting').id})
moved._stamp({'stage_id': stage.id, 'tell_stage_id': stage.id})
env.cr.commit()
"""

# small batches, so that there is a middle to be hit on any machine
RUN = """
import odoo.addons.retail_crm.models.service.retail_ticket_tell as tell
import odoo.addons.retail_crm.models.service.retail_ticket_tend as tend
tell._BATCH = tend._BATCH = 5
print('GO', flush=True)
env['retail.ticket']._cron_tell()
env['retail.ticket']._cron_tend()
"""
REST = RUN + "env['mail.mail'].process_email_queue()\nenv.cr.commit()\n"


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as takes every mail."""

    def handle(self):
        self.reply(220)
        receivers = []
        for line in self.rfile:
            word = line[:4].upper()
            if word == b'RCPT':
                receivers.append(line.split(b'<')[1].split(b'>')[0].decode())
            if word == b'DATA':
                self.reply(354)
                text = b''
                for row in self.rfile:
                    if row == b'.\r\n':
                        break
                    text += row
                for receiver in receivers:
                    self.server.mails[receiver].add(message_from_bytes(text)['Message-Id'])
                receivers = []
            self.reply(221 if word == b'QUIT' else 250)
            if word == b'QUIT':
                return

    def reply(self, code):
        self.wfile.write(f'{code} ok\r\n'.encode())


@pytest.fixture
def mailbox():
    """A mail server that keeps the Message-IDs of each receiver: a mail that core delivers twice has one only."""
    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Mailbox) as server:
        server.daemon_threads = True
        server.mails = defaultdict(set)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_kill_in_the_middle_of_telling(house, fresh_db, mailbox):
    """Design 9: killed while customers are told and reminded, nobody is told twice and nobody is forgotten."""
    name = fresh_db()
    house.shell_script(name, FILL % {'count': COUNT, 'port': mailbox.server_address[1]})
    hit = [
        kill_at(house, house.shell_command(name), RUN, seconds) for seconds in (0.4, 1.0, 1.7, 2.5)
    ]
    assert any(hit), 'no run was hit in the middle'
    left = int(
        house.sql("SELECT count(*) FROM retail_ticket WHERE tend_at < '2021-01-01'", name)[0][0]
    )
    assert left, 'all was done before it was killed'
    house.shell_script(name, REST)
    house.shell_script(name, REST)
    assert Counter(len(ids) for ids in mailbox.mails.values()) == {1: 2 * COUNT}
    assert house.sql(
        'SELECT count(*), count(DISTINCT res_id) FROM mail_message'
        " WHERE model = 'retail.ticket' AND message_type = 'auto_comment'",
        name,
    ) == [[str(2 * COUNT)] * 2]
    assert house.sql(
        'SELECT count(*) FILTER (WHERE reminder_count = 1), count(tell_stage_id), count(tell_error),'
        ' count(told_stage_id) FROM retail_ticket',
        name,
    ) == [[str(COUNT), '0', '0', str(COUNT)]]


# Two agents of the same ticket at the same time, and the same scheduled actions in two processes.
RACE = """
import threading
from odoo import api
from odoo.modules.registry import Registry
from odoo.service.model import retrying

kind = env.ref('retail_crm.retail_ticket_type_enquiry')
authors = env['res.users'].create([{'name': name, 'login': name, 'group_ids': [(6, 0, env.ref('retail_crm.group_user').ids)]}
    for name in ('one', 'two')]).partner_id
tickets = env['retail.ticket'].create([{'subject': f'Race {n}', 'type_id': kind.id, 'result': 'Done',
    'channel_id': env.ref('retail_crm.retail_channel_email').id, 'partner_id': env.user.partner_id.id} for n in range(20)])
env['retail.sla.policy'].search([]).active = False
env['retail.sla.policy'].create({'name': 'Day', 'first_hours': 1, 'first_wall': True, 'solve_hours': 5, 'solve_wall': True})
late = env['retail.ticket'].create([{'subject': f'Late {n}', 'type_id': kind.id, 'received_at': '2026-01-01 10:00:00',
    'channel_id': env.ref('retail_crm.retail_channel_email').id} for n in range(20)])
env.cr.commit()

def together(*works):
    barrier, errors = threading.Barrier(len(works)), []
    def run(work):
        try:
            with Registry(env.cr.dbname).cursor() as cr:
                own = api.Environment(cr, 1, {})
                tries = []
                def call():
                    own['retail.ticket'].search_count([])  # from now on others' commits are invisible
                    tries.append(1)
                    if len(tries) == 1:
                        barrier.wait()
                    work(own)
                retrying(call, own)
        except Exception as error:
            errors.append(repr(error))
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print('ERRORS', errors)

def on(name):
    return lambda own: getattr(own['retail.ticket'].browse(tickets.ids), name)()

def answer(author):
    def work(own):
        for ticket in own['retail.ticket'].browse(tickets.ids):
            ticket.message_post(body='So', message_type='comment', subtype_xmlid='mail.mt_comment', author_id=author.id)
    return work

together(on('action_solve'), on('action_solve'), *map(answer, authors))
together(on('action_reopen'), on('action_reopen'))
together(on('action_assign_me'), on('action_assign_me'))
together(*[lambda own: own['retail.ticket']._cron_clock()] * 3)
env.cr.rollback()
env.invalidate_all()
print('SOLVED', *(set(tickets.mapped(name)) for name in ('reopen_count', 'agent_message_count', 'category')))
moments = env['retail.moment'].search([('res_id', 'in', tickets.ids), ('res_model', '=', 'retail.ticket')])
print('MOMENTS', {kind: len(moments.filtered(lambda m: m.kind == kind)) for kind in ('ticket_solved', 'ticket_reopened')})
print('EVENTS', len(env['retail.ticket.event'].search([('ticket_id', 'in', late.ids), ('level', '=', 'breach')])))
print('BREACHED', env['retail.moment'].search_count([('kind', '=', 'ticket_breached'), ('res_id', 'in', late.ids)]))
wrong = 0
for ticket in tickets | late:
    kept = ticket.target_ids.mapped(lambda t: (t.kind, t.deadline, t.state, t.used_seconds, t.met_at))
    ticket._clock_derive()
    wrong += kept != ticket.target_ids.mapped(lambda t: (t.kind, t.deadline, t.state, t.used_seconds, t.met_at))
print('WRONG', wrong)
"""


def test_two_at_the_same_time(house, fresh_db):
    """Design 9, R-svc D.3: two agents on the same tickets and three runs of the clock: nothing is lost or done twice."""
    output = house.shell_script(fresh_db(), RACE)
    assert output.count('ERRORS []') == 4, output
    assert "SOLVED {1} {2} {'open'}" in output or "SOLVED {1} {2} {'new'}" in output, output
    assert "MOMENTS {'ticket_solved': 20, 'ticket_reopened': 20}" in output, output
    assert 'EVENTS 40' in output, output
    assert 'WRONG 0' in output, output
