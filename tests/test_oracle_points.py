"""Points of real customers, compared with an oracle that knows nothing of the add-on (docs/points.md).

Orders of CDNOW in two companies and two currencies, with returns, redemptions, cancellations, adjustments, tiers,
campaigns and expiry by chance; after each of these the card must say what the oracle says.
"""

import json
import random
import sys
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import test_cdnow

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tools'))

import oracle_points
from oracle_points import Account, Campaign, Order, Program

CUSTOMERS, ORDERS = 150, 60  # of those customers who bought most often, as each order takes a while
FIRST = date(1997, 1, 1)
CAMPAIGNS = (
    Campaign(date(1997, 2, 1), date(1997, 3, 31), Fraction(2), 'music'),
    Campaign(date(1997, 3, 1), date(1997, 8, 15), Fraction(6, 5)),
)
PROGRAMS = {
    # company: what differs between the programs
    1: Program(
        rounding='down', earn_on='net', waits=True, expiry='months', months=6, campaigns=CAMPAIGNS
    ),
    2: Program(expiry='inactivity', months=4, part_back=True, max_factor=Fraction(2)),
}
EURO = Fraction(4, 5)  # of a dollar

SETUP = """
import json
from freezegun import freeze_time
from odoo.fields import Command

data = json.loads(DATA)
env = env(context={**env.context, 'tracking_disable': True, 'loyalty_no_mail': True})
env['loyalty.program'].search([]).active = False
usd, eur = (env.ref(f'base.{name}') for name in ('USD', 'EUR'))
(usd + eur).active = True
one = env.company
assert one.currency_id == usd
two = env['res.company'].create({'name': 'Second', 'currency_id': eur.id, 'country_id': one.country_id.id})
env['account.chart.template'].try_loading('generic_coa', company=two, install_demo=False)
two.currency_id = eur
env['res.currency.rate'].search([]).unlink()
env['res.currency.rate'].create([
    {'name': '1990-01-01', 'currency_id': eur.id, 'company_id': one.id, 'rate': 0.8},
    {'name': '1990-01-01', 'currency_id': usd.id, 'company_id': two.id, 'rate': 1.25}])
companies = {1: one, 2: two}
lists = {name: env['product.pricelist'].create({'name': name, 'currency_id': currency.id, 'company_id': False})
         for name, currency in (('USD', usd), ('EUR', eur))}
goods = {name: env['product.product'].create({
    'name': name, 'type': 'service', 'invoice_policy': 'order', 'taxes_id': False, 'company_id': False,
    'categ_id': env['product.category'].create({'name': name}).id}) for name in ('music', 'other')}
programs = {number: env['loyalty.program'].create({
    'name': f'Points {number}', 'program_type': 'loyalty', 'applies_on': 'both', 'trigger': 'auto',
    'company_id': company.id, 'currency_id': company.currency_id.id, **data['programs'][str(number)],
    'rule_ids': [Command.clear(), Command.create(
        {'reward_point_mode': 'money', 'reward_point_amount': 1, 'minimum_qty': 0})],
    'reward_ids': [Command.clear(), Command.create(
        {'reward_type': 'discount', 'discount_mode': 'per_order', 'discount': 5, 'required_points': 20})],
}) for number, company in companies.items()}
for campaign in data['campaigns']:
    category = campaign.pop('category')
    env['retail.points.campaign'].create({
        'name': 'More', 'company_id': one.id, **campaign,
        'category_ids': [Command.set(goods[category].categ_id.ids if category else [])]})
programme = env.ref('retail_crm.retail_programme_main')
programme.tier_ids.unlink()
programme.write({'automatic': False, 'date_start': '1990-01-01', 'tier_ids': [
    Command.create({'name': str(level), 'sequence': level, 'version_ids': [Command.create(
        {'date_from': '1990-01-01', 'amount': 1000000})] if level else []}) for level in range(2)]})
programme.action_start()
tiers = programme.tier_ids.sorted('sequence')
env['retail.privilege'].search([]).active = False
env['retail.privilege'].create({
    'name': 'More', 'kind': 'factor', 'points_factor': 1.5, 'programme_id': programme.id,
    'tier_ids': [Command.set(tiers[1].ids)]})
partners = {name: env['res.partner'].create({'name': name}) for name in data['customers']}
for partner in partners.values():
    env['retail.membership']._enrol(partner, one)
orders, invoices = {}, {}

def card_of(op):
    return env['loyalty.card'].search(
        [('partner_id', '=', partners[op['customer']].id), ('program_id', '=', programs[op['company']].id)])

def sell(op):
    company = companies[op['company']]
    order = env['sale.order'].with_context(allowed_company_ids=company.ids).create({
        'partner_id': partners[op['customer']].id, 'company_id': company.id,
        'pricelist_id': lists[op['currency']].id, 'order_line': [
            Command.create({'product_id': goods[category].id, 'price_unit': float(amount)})
            for amount, category in op['lines']]})
    orders[op['order']] = order
    order._update_programs_and_rewards()
    card = card_of(op)
    if op['redeem'] and card.points >= 20 and order.amount_total > (5 if order.currency_id == company.currency_id
            else company.currency_id._convert(5, order.currency_id, company, order.date_order)):
        assert not order._apply_program_reward(programs[op['company']].reward_ids, card)
    order.action_confirm()

def pay(op):
    invoice = invoices[op['order']] = orders[op['order']]._create_invoices()
    invoice.action_post()
    env['account.payment.register'].with_context(
        allowed_company_ids=invoice.company_id.ids, active_model='account.move', active_ids=invoice.ids,
    ).create({})._create_payments()

def credit(op):
    invoice = invoices[op['order']]
    wizard = env['account.move.reversal'].with_context(
        allowed_company_ids=invoice.company_id.ids, active_model='account.move', active_ids=invoice.ids,
    ).create({'journal_id': invoice.journal_id.id})
    wizard.refund_moves()
    refund = wizard.new_move_ids
    lines = refund.invoice_line_ids.filtered(lambda line: line.display_type == 'product')
    whole = sum(lines.mapped('price_subtotal'))
    amount = round(whole * op['percent'] / 100, 2) if op['percent'] < 100 else whole - op_credited.get(op['order'], 0)
    op_credited[op['order']] = op_credited.get(op['order'], 0) + amount
    lines[0].write({'quantity': 1, 'price_unit': amount})
    lines[1:].write({'price_unit': 0})
    refund.action_post()
    return amount

def cancel(op):
    orders[op['order']]._action_cancel()

def adjust(op):
    card = card_of(op)
    if card and (op['points'] > 0 or card.points + op['points'] >= 0):
        env['retail.points.adjustment'].with_context(allowed_company_ids=card.company_id.ids)._request(
            card, op['points'], 'goodwill', 'Test')

def tier(op):
    env.flush_all()
    env.cr.execute('UPDATE retail_membership SET tier_id = %s WHERE partner_id = %s',
                   [tiers[op['level']].id, partners[op['customer']].id])
    env.invalidate_all()

def night(op):
    env['retail.points.entry']._cron_release()
    env['retail.points.entry']._cron_expire()

def told(card):
    return [card.points, card.retail_pending_points]

op_credited, result = {}, []
with freeze_time('1997-01-01 12:00') as clock:
    for op in data['ops']:
        clock.move_to(op['day'] + ' 12:00:00')
        amount = globals()[op['do']](op)
        result.append([amount, *(told(card_of(op)) if 'company' in op else ())])
    cards = env['loyalty.card'].search([('program_id', 'in', [program.id for program in programs.values()])])
    last = {f'{card.partner_id.name} {1 if card.program_id == programs[1] else 2}': told(card) for card in cards}
    env['retail.points.difference']._cron_reconcile()
env.flush_all()
kinds = dict(env['retail.points.entry']._read_group([], ['kind'], ['__count']))
print('RESULT ' + json.dumps([result, last, kinds, env['retail.points.difference'].search_count([])]))
env.cr.rollback()
"""


def as_fields(program):
    """The settings of a program as fields of the add-on."""
    return {
        'retail_rounding': program.rounding,
        'retail_earn_on': program.earn_on,
        'retail_pending': program.waits,
        'retail_return_days': program.return_days,
        'retail_expiry': program.expiry,
        'retail_expiry_months': program.months,
        'retail_max_factor': float(program.max_factor),
        'retail_reinstate_days': program.reinstate_days,
        'retail_burn_pro_rata': program.part_back,
    }


def frequent(rows):
    """The orders of those who bought most often, in the order of days."""
    by_customer = {}
    for row in rows:
        by_customer.setdefault(row[0], []).append(row)
    chosen = []
    for mine in sorted(by_customer.values(), key=len, reverse=True):
        chosen += mine[: ORDERS - len(chosen)]
    return sorted(chosen, key=lambda row: row[1])


def story(rows, chance):
    """What happens: the orders of real customers, and what chance adds to them, in the order of days."""
    ops = []

    def add(do, day, **values):
        ops.append({'do': do, 'day': str(day), 'place': len(ops), **values})

    for number, (customer, day, dollars) in enumerate(rows):
        company = chance.choice((1, 1, 2))
        currency = chance.choice(('USD', 'USD', 'EUR'))
        music = (dollars * chance.randrange(20, 80) / 100).quantize(Decimal('0.01'))
        mine = {'customer': customer, 'company': company, 'order': number}
        lines = [(str(music), 'music'), (str(dollars - music), 'other')]
        redeem = chance.random() < 0.8
        add('sell', day, **mine, currency=currency, lines=lines, redeem=redeem)
        fate = chance.random()
        if fate < 0.15:
            add('cancel', day + timedelta(chance.randrange(40)), **mine)
        elif fate < 0.75:
            paid = day + timedelta(chance.randrange(20))
            add('pay', paid, **mine)
            if fate < 0.45:
                back = paid + timedelta(chance.choice((0, 3, 10, 60, 120)))
                part = chance.choice((30, 47, 100, 100))
                add('credit', back, **mine, percent=part)
                if part < 100 and chance.random() < 0.5:
                    add('credit', back + timedelta(20), **mine, percent=100)
        if chance.random() < 0.2:
            on, points = day + timedelta(chance.randrange(90)), chance.choice((-15, -5, 7, 40))
            add('adjust', on, customer=customer, company=company, points=points)
        if chance.random() < 0.2:
            add('tier', day - timedelta(1), customer=customer, level=chance.randrange(2))
    days = {op['day'] for op in ops}
    end = max(map(date.fromisoformat, days)) + timedelta(120)
    days |= {str(FIRST + timedelta(number)) for number in range(0, (end - FIRST).days, 20)}
    for day in [*days, str(end)]:
        ops.append({'do': 'night', 'day': day, 'place': -1})
    return sorted(ops, key=lambda op: (op['day'], op['place']))


def test_points_of_real_customers(house, fresh_db, monkeypatch):
    """After everything that happens each card of a customer of CDNOW says what the oracle says (issue 6)."""
    house.setup('odoo', 'cdnow')
    monkeypatch.setattr(test_cdnow, 'LIMIT', CUSTOMERS)
    rows = frequent(
        row for row in test_cdnow.read_source(house.data_folder('cdnow')) if row[2] >= 2
    )
    ops = story(rows, random.Random(6))
    data = {
        'customers': sorted({row[0] for row in rows}),
        'programs': {number: as_fields(program) for number, program in PROGRAMS.items()},
        'campaigns': [
            {
                'date_from': str(one.first),
                'date_to': str(one.last),
                'factor': float(one.factor),
                'category': one.category,
            }
            for one in CAMPAIGNS
        ],
        'ops': ops,
    }
    output = house.shell_script(fresh_db(), SETUP.replace('DATA', repr(json.dumps(data))))
    line = next(line for line in output.splitlines() if 'RESULT ' in line)
    result, last, kinds, differences = json.loads(line.partition('RESULT ')[2])
    accounts, tiers = {}, {}
    for op, found in zip(ops, result, strict=True):
        follow(accounts, tiers, op, found[0])
        if 'company' in op:
            account = accounts[op['customer'], op['company']]
            says = [round(float(account.available()), 6), round(float(account.waiting()), 6)]
            assert [round(points, 6) for points in found[1:]] == says, op
    assert differences == 0
    for (customer, company), account in accounts.items():
        found = last.get(f'{customer} {company}', [0, 0])
        says = [float(account.available()), float(account.waiting())]
        assert [round(points, 6) for points in found] == [round(one, 6) for one in says]
    # all of it happened often enough to mean something
    wanted = {
        'earn': 50,
        'burn': 15,
        'expire': 10,
        'reverse_earn': 15,
        'reverse_burn': 4,
        'adjust': 5,
    }
    assert all(kinds.get(kind, 0) >= least for kind, least in wanted.items()), kinds


def follow(accounts, tiers, op, amount):
    """Let the oracle's accounts follow what happened."""
    day = date.fromisoformat(op['day'])
    if op['do'] == 'night':
        for account in accounts.values():
            account.night(day)
        return
    if op['do'] == 'tier':
        tiers[op['customer']] = op['level']
        return
    account = accounts.setdefault((op['customer'], op['company']), Account(PROGRAMS[op['company']]))
    if op['do'] == 'sell':
        home = op['currency'] == {1: 'USD', 2: 'EUR'}[op['company']]
        rate = Fraction(1) if home else {1: 1 / EURO, 2: EURO}[op['company']]
        factor = Fraction(3, 2) if op['company'] == 1 and tiers.get(op['customer']) else Fraction(1)
        lines = tuple((Fraction(value), category) for value, category in op['lines'])
        account.sell(Order(op['order'], day, lines, rate, factor), op['redeem'])
    elif op['do'] == 'pay':
        account.pay(op['order'], day)
    elif op['do'] == 'credit':
        account.credit(op['order'], Fraction(str(round(amount, 2))), day)
    elif op['do'] == 'cancel':
        account.cancel(op['order'], day)
    else:
        account.adjust(op['points'], day)


def test_example_of_the_rules():
    """The oracle itself: 100 points, 40 % and then all returned, and 20 spent ones given back after they expired."""
    program = oracle_points.Program(rounding='down', expiry='months', months=1)
    account = Account(program)
    account.sell(Order(1, date(2026, 1, 10), ((Fraction(100), 'other'),)))
    assert account.available() == 100
    account.sell(Order(2, date(2026, 2, 20), ((Fraction(50), 'other'),)), redeem=True)
    assert account.available() == 130
    account.credit(1, Fraction(40), date(2026, 2, 21))
    assert account.available() == 90
    account.night(date(2026, 3, 1))
    assert account.available() == 50
    account.credit(2, Fraction(45), date(2026, 3, 2))
    assert account.available() == 20
    account.credit(1, Fraction(60), date(2026, 3, 3))
    assert account.available() == -40
