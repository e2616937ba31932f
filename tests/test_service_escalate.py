"""Escalation when two workers run at once and one is killed: each is told once, as in an undisturbed run (R-svc C.2)."""

import signal
import time

from test_faults import start

COUNT = 60

# As many tickets that are late, of ten owners in two teams, with their people, all at work day and night.
FILL = """
users = env['res.users'].create([{'name': f'Person {n}', 'login': f'person{n}', 'email': f'p{n}@shop.example',
    'group_ids': [(6, 0, env.ref('retail_crm.group_user').ids)]} for n in range(15)])
owners, leaders, stores, area, director = users[:10], users[10:12], users[12:13], users[13], users[14]
env.company.retail_director_id = director
always = env['resource.calendar'].create({'name': 'Always', 'tz': 'UTC', 'attendance_ids': [(5, 0, 0)] + [
    (0, 0, {'name': 'x', 'dayofweek': str(d), 'hour_from': 0, 'hour_to': 24, 'day_period': 'morning'}) for d in range(7)]})
env.company.resource_calendar_id = always
store = env['crm.team'].create({'name': 'Shop', 'retail_is_store': True, 'user_id': stores.id,
    'retail_area_id': env['retail.area'].create({'name': 'A', 'manager_id': area.id}).id})
teams = env['retail.ticket.team'].create([{'name': f'Team {n}', 'calendar_id': always.id, 'user_id': leaders[n].id,
    'store_id': store.id, 'member_ids': [(0, 0, {'user_id': u.id}) for u in owners[n::2]]} for n in range(2)])
env['retail.sla.policy'].search([]).active = False
env['retail.sla.policy'].create({'name': 'Day', 'first_hours': 1, 'first_wall': True, 'solve_hours': 5, 'solve_wall': True})
kind = env.ref('retail_crm.retail_ticket_type_enquiry')
env['retail.ticket'].create([{'subject': f'Late {n}', 'type_id': kind.id, 'received_at': '2026-01-01 10:00:00',
    'channel_id': env.ref('retail_crm.retail_channel_email').id, 'team_id': teams[n % 2].id,
    'user_id': owners[n % 10].id if n % 6 else False} for n in range(COUNT)])
env['ir.cron'].search([]).active = False
env['retail.escalation.level'].search([]).repeat_days = 0
env.cr.commit()
""".replace('COUNT', str(COUNT))

# small batches, so that there is a middle to be hit; a run that lost to another one is repeated, as the scheduler does
RUN = """
from psycopg2 import OperationalError
from odoo.service.model import retrying
import odoo.addons.retail_crm.models.service.retail_ticket_clock_run as clock
import odoo.addons.retail_crm.models.service.retail_escalation_send as send
clock.BATCH_SIZE, send.PEOPLE = 5, 2
print('GO', flush=True)
for turn in range(20):
    try:
        retrying(lambda: env['retail.ticket']._cron_clock(), env)
        env.cr.commit()
        break
    except OperationalError:
        env.cr.rollback()
"""

STATE = (
    'SELECT ticket.subject, event.kind, event.cycle, event.level, event.level_id, login, notice.state,'
    ' count(*) FROM retail_ticket_event event JOIN retail_ticket ticket ON ticket.id = event.ticket_id'
    ' LEFT JOIN retail_escalation_notice notice ON notice.event_id = event.id'
    ' LEFT JOIN res_users ON res_users.id = notice.user_id GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7'
)
# each person reads of each ticket in exactly one message, however they are bundled
MENTIONS = (
    'SELECT login, ticket.name, count(*) FROM mail_message message'
    ' JOIN mail_message_res_partner_rel rel ON rel.mail_message_id = message.id'
    ' JOIN res_users ON res_users.partner_id = rel.res_partner_id'
    " JOIN retail_ticket ticket ON message.body LIKE '%' || ticket.name || '%'"
    " WHERE message.message_type = 'user_notification' GROUP BY 1, 2 ORDER BY 1, 2"
)
TASKS = "SELECT res_id, user_id, count(*) FROM mail_activity WHERE res_model = 'retail.ticket' GROUP BY 1, 2 ORDER BY 1, 2"


def test_two_workers_and_a_kill(house, fresh_db):
    """Two processes at once, one killed, then the rest: the same as one undisturbed run, nobody told twice."""
    filled = fresh_db()
    house.shell_script(filled, FILL)
    calm = fresh_db(filled)
    house.shell_script(calm, RUN)
    results = [house.sql(query, calm) for query in (STATE, MENTIONS, TASKS)]
    assert len(results[0]) > 4 * COUNT
    assert {row[6] for row in results[0]} == {'sent'}
    assert {row[7] for row in results[0]} == {row[2] for row in results[2]} == {'1'}

    command = house.shell_command(filled)
    killed, other = start(house, command, RUN), start(house, command, RUN)
    time.sleep(0.7)
    is_hit = killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    other.wait()
    assert is_hit, 'it was done before it was killed'
    house.shell_script(filled, RUN)
    for query, expected in zip((STATE, MENTIONS, TASKS), results, strict=True):
        assert house.sql(query, filled) == expected
