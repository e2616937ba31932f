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
