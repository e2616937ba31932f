"""Remedies when a process dies in the middle of granting, or several do the same at the same time (design 9)."""

from test_faults import kill_at

# Ten approved refunds, exchanges and vouchers of a customer who bought and was billed.
FILL = """
from odoo.fields import Command
if not env.company.chart_template:
    env['account.chart.template'].try_loading('generic_coa', env.company)
bob = env['res.partner'].create({'name': 'Bob'})
lamp = env['product.product'].create({'name': 'Lamp', 'list_price': 100, 'type': 'service', 'invoice_policy': 'order',
                                      'taxes_id': False})
order = env['sale.order'].create({'partner_id': bob.id, 'order_line': [
    Command.create({'product_id': lamp.id, 'product_uom_qty': 100})]})
order.action_confirm()
order._create_invoices().action_post()
ticket = env['retail.ticket'].create({
    'subject': 'Lamps', 'partner_id': bob.id, 'type_id': env.ref('retail_crm.retail_ticket_type_return').id,
    'line_ids': [Command.create({'sale_line_id': order.order_line.id})]})
ticket._stamp({'verdict': 'justified'})
def remedies(count, *methods, **values):
    return env['retail.remedy'].create([{
        'ticket_id': ticket.id, 'kind_id': env.ref('retail_crm.retail_remedy_kind_' + method).id, 'state': 'approved',
        'line_id': ticket.line_ids.id, 'quantity': 1, 'amount': 0 if method == 'exchange' else 100, **values}
        for method in methods for n in range(count)])
"""
KILLED = FILL + "remedies(10, 'refund', 'exchange', 'voucher')\nenv.cr.commit()\n"

# each in a transaction of its own, as clicks are
RUN = """
print('GO', flush=True)
for remedy in env['retail.remedy'].search([('state', 'in', ('approved', 'failed'))], order='id'):
    remedy._grant()
    env.cr.commit()
"""

LEFT = """
states = set(env['retail.remedy'].search([]).mapped('state'))
made = {model: env[model].search_count(domain) for model, domain in {
    'account.move': [('retail_remedy_id', '!=', False)], 'sale.order': [('retail_remedy_id', '!=', False)],
    'loyalty.card': []}.items()}
whole = all(env[remedy.res_model].browse(remedy.res_id).exists() for remedy in env['retail.remedy'].search([])
            if remedy.state == 'granted')
one = len({(remedy.res_model, remedy.res_id) for remedy in env['retail.remedy'].search([('state', '=', 'granted')])})
print('LEFT', sorted(states), sorted(made.items()), whole, one)
"""


def test_kill_in_the_middle_of_a_grant(house, fresh_db):
    """Design 9: killed while remedies are carried out, each has exactly one document afterwards, and none is without."""
    name = fresh_db()
    house.shell_script(name, KILLED)
    hit = [kill_at(house, house.shell_command(name), RUN, seconds) for seconds in (0.15, 0.4, 0.7)]
    assert any(hit), 'no run was hit in the middle'
    left = house.sql("SELECT count(*) FROM retail_remedy WHERE state = 'approved'", name)[0][0]
    assert int(left), 'all was done before it was killed'
    # what a killed transaction left must fit: as many documents as granted remedies
    granted = house.sql("SELECT count(*) FROM retail_remedy WHERE state = 'granted'", name)[0][0]
    documents = house.sql(
        'SELECT (SELECT count(*) FROM account_move WHERE retail_remedy_id IS NOT NULL)'
        ' + (SELECT count(*) FROM sale_order WHERE retail_remedy_id IS NOT NULL)'
        ' + (SELECT count(*) FROM loyalty_card)',
        name,
    )[0][0]
    assert granted == documents
    output = house.shell_script(name, RUN + RUN + LEFT)
    made = [('account.move', 10), ('loyalty.card', 10), ('sale.order', 10)]
    assert f"LEFT ['granted'] {made} True 30" in output, output


RACE = (
    FILL
    + """
import threading
from odoo import api
from odoo.modules.registry import Registry
from odoo.service.model import retrying

env['retail.remedy'].search([]).write({'state': 'cancelled'})
same = remedies(5, 'refund', 'voucher')
rest = remedies(2, 'refund', quantity=60, amount=6000)
staff = env['res.users'].create({'name': 'Ann', 'login': 'ann', 'group_ids': [(6, 0, env.ref('retail_crm.group_user').ids)]})
env.ref('retail_crm.retail_remedy_limit_staff').write({'amount': 50, 'share': 100, 'customer_amount': 60})
carl = env['res.partner'].create({'name': 'Carl'})  # to whom nothing was promised yet
drafts = env['retail.remedy'].create([{
    'ticket_id': one.id, 'kind_id': env.ref('retail_crm.retail_remedy_kind_voucher').id, 'amount': 40}
    for one in (ticket.copy({'partner_id': carl.id}), ticket.copy({'partner_id': carl.id}))])
second = env['sale.order'].create({'partner_id': bob.id, 'order_line': [
    Command.create({'product_id': lamp.id, 'product_uom_qty': 3})]})
second.action_confirm()
line = env['retail.ticket.line'].create({'ticket_id': ticket.id, 'sale_line_id': second.order_line.id})
env.cr.commit()

def together(*works, uid=1):
    barrier, errors = threading.Barrier(len(works)), []
    def run(work):
        try:
            with Registry(env.cr.dbname).cursor() as cr:
                own = api.Environment(cr, uid, {})
                tries = []
                def call():
                    own['retail.remedy'].search_count([])  # from now on others' commits are invisible
                    tries.append(1)
                    if len(tries) == 1:
                        barrier.wait()
                    work(own)
                retrying(call, own)
        except Exception as error:
            errors.append(type(error).__name__)
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    env.cr.rollback()
    env.invalidate_all()
    return errors

def grant(ids):
    return lambda own: own['retail.remedy'].browse(ids)._grant()

def ask(own):
    own['retail.return.request'].create({'ticket_id': ticket.id, 'line_id': line.id, 'quantity': 2})

print('SAME', together(grant(same.ids), grant(same.ids)), set(same.mapped('state')),
      env['account.move'].search_count([('retail_remedy_id', 'in', same.ids)]), env['loyalty.card'].search_count([]))
print('REST', together(*[grant(one.ids) for one in rest]), sorted(rest.mapped('state')),
      env['account.move'].search_count([('retail_remedy_id', 'in', rest.ids)]))
print('LIMIT', together(*[lambda own, one=one: own['retail.remedy'].browse(one.id).with_user(staff.id).sudo()._request()
                          for one in drafts]), sorted(drafts.mapped('state')))
print('RETURN', together(ask, ask), sum(env['retail.return.request'].search([]).mapped('quantity')))
"""
)


def test_at_the_same_time(house, fresh_db):
    """Design 9, R-svc E 2, E 3: the same remedy twice, two for the same goods, two against one limit, two returns."""
    output = house.shell_script(fresh_db(), RACE)
    assert "SAME [] {'granted'} 5 5" in output, output  # one document each
    assert "REST [] ['failed', 'granted'] 1" in output, output  # 60 + 60 of 100 pieces
    assert "LIMIT [] ['approved', 'waiting']" in output, output  # 40 + 40 of 60
    assert "RETURN ['UserError'] 2" in output, output  # 2 + 2 of 3 pieces
