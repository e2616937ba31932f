"""What happens when two people do the same at the same time (design 9): real transactions, in threads of one process."""

RACE = """
import threading
from odoo import api
from odoo.modules.registry import Registry
from odoo.service.model import retrying

partner = env['res.partner'].create({'name': 'Race'})
channels = env['retail.channel'].search([('transport', 'in', ('sms', 'email'))])
env.cr.commit()
barrier = threading.Barrier(4)

def decide(granted, reverse):
    with Registry(env.cr.dbname).cursor() as cr:
        own = api.Environment(cr, 1, {})
        tries = []
        def work():
            own['res.partner'].browse(partner.id).name  # from now on others' commits are invisible
            tries.append(1)
            if len(tries) == 1:
                barrier.wait()
            ids = channels.ids[::-1] if reverse else channels.ids
            decisions = {('marketing', channel): granted for channel in own['retail.channel'].browse(ids)}
            own['retail.consent']._record(own['res.partner'].browse(partner.id), decisions, 'shop')
        retrying(work, own)

threads = [threading.Thread(target=decide, args=args)
           for args in ((True, False), (False, True), (True, True), (False, False))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
env.cr.rollback()
env.invalidate_all()
rows = env['retail.consent'].search([('partner_id', '=', partner.id)], order='id')
for channel in channels:
    mine = rows.filtered(lambda row: row.channel_id == channel)
    states = mine.mapped('state')
    ok = mine.filtered('is_current') == mine[-1] and set(states) == {'granted', 'withdrawn'}
    # who found his decision in force already added no row
    ok = ok and all(one != other for one, other in zip(states, states[1:]))
    print('CHANNEL', ok)
"""


def test_decisions_at_the_same_time(house, fresh_db):
    """Of simultaneous decisions the last one is in force and none is lost, whatever their order (S-SEC-02)."""
    output = house.shell_script(fresh_db(), RACE)
    assert output.count('CHANNEL True') == 2, output
    assert 'CHANNEL False' not in output


DESK = """
import threading
from datetime import timedelta
from odoo import api, fields
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import retrying

Ticket = env['retail.ticket']
customer = env['res.partner'].create({'name': 'Race', 'email': 'race@example.com'})
product = env['product.product'].create({'name': 'Race'})
complaint = env.ref('retail_crm.retail_ticket_type_complaint')
env['retail.spike.rule'].search([]).active = False
rule = env['retail.spike.rule'].create(
    {'name': 'Race', 'dimension': 'product', 'min_count': 3, 'factor': 0, 'p_limit': 0, 'action': 'problem'})
tickets = Ticket.with_context(retail_crm_quiet=True).create(
    [{'subject': f'Race {number}', 'partner_id': customer.id, 'type_id': complaint.id, 'product_id': product.id}
     for number in range(3)])
env.cr.commit()

def together(*jobs):
    barrier, said = threading.Barrier(len(jobs)), []
    def run(job):
        with Registry(env.cr.dbname).cursor() as cr:
            own, tries = api.Environment(cr, 1, {}), []
            def work():
                own['retail.ticket'].search_count([('merged_into_id', '=', False)])  # others' commits are invisible
                tries.append(1)
                if len(tries) == 1:
                    barrier.wait()
                return job(own)
            try:
                retrying(work, own)
                said.append('done')
            except UserError:
                said.append('refused')
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    env.cr.rollback()
    env.invalidate_all()
    return sorted(said)

together(*[lambda own: own['retail.spike.rule'].browse(rule.id)._evaluate()] * 2)
alerts = env['retail.spike.alert'].search([('rule_id', '=', rule.id)])
print('ALERTS', len(alerts), len(alerts.problem_id), set(tickets.problem_id) == set(alerts.problem_id))

one, two, three = tickets.ids
def merge(survivor, source):
    return lambda own: own['retail.ticket'].browse(survivor)._merge(own['retail.ticket'].browse(source))
said = together(merge(one, two), merge(three, two), merge(two, one))
merges = env['retail.ticket.merge'].search([('source_ids', 'in', tickets.ids)])
pointers = {ticket.id: ticket.merged_into_id.id for ticket in tickets if ticket.merged_into_id}
print('MERGES', said.count('done') == len(merges) == 1, merges.source_ids.ids == list(pointers),
      merges.survivor_id.ids == list(pointers.values()))
"""


def test_the_same_ticket_merged_at_the_same_time(house, fresh_db):
    """Of merges of the same tickets one is made and the others are refused; one alert of a spike rings (issue 8)."""
    output = house.shell_script(fresh_db(), DESK)
    assert 'ALERTS 1 1 True' in output, output
    assert 'MERGES True True True' in output, output
