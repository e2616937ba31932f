"""Months of a customer club, and the script with which Odoo lives through them: tiers that end, points that expire.

For test_oracle_care_notices.py. Purchases by chance make tiers of three months; points come and go by chance.
"""

import random
from datetime import date, timedelta

FIRST, DAYS = date(2027, 1, 10), 190
CUSTOMERS = 24
#: Name and threshold of the tiers; all of a rolling window and validity of so many months, with days of grace.
TIERS = [['Base', 0], ['Silver', 100], ['Gold', 250]]
MONTHS, GRACE = 3, 15
#: Days of notice of the points, and how many are worth it.
NOTICES, ENOUGH_POINTS = (30, 7), 500


def make_months(seed):
    """``{day: [[what, customer, ...]]}``: bought (amount), earned (points, last day), spent (points at most)."""
    chance = random.Random(seed)
    events = {}

    def add(day, *what):
        events.setdefault(str(day), []).append(list(what))

    for number in range(CUSTOMERS):
        for _purchase in range(chance.choice((0, 1, 2, 3, 6))):
            day = FIRST + timedelta(chance.randrange(DAYS))
            add(day, 'bought', number, chance.choice((20, 60, 99, 100, 150, 250, 400)))
        for _lot in range(chance.choice((0, 2, 4, 7))):
            day = FIRST + timedelta(chance.randrange(DAYS))
            last = day + timedelta(chance.choice((3, 7, 8, 30, 31, 45, 60)))
            add(day, 'earned', number, chance.choice((120, 250, 499, 500, 501, 900)), str(last))
        for _time in range(chance.choice((0, 1, 3))):
            add(
                FIRST + timedelta(chance.randrange(DAYS)),
                'spent',
                number,
                chance.choice((50, 300, 700)),
            )
    return events


SCRIPT = """
import json
from datetime import date, timedelta
from freezegun import freeze_time
from odoo.fields import Command, Datetime
from odoo.addons.retail_crm.models.loyalty.retail_points_entry_post import Movement

data = json.loads(DATA)
first, last = date.fromisoformat(data['first']), date.fromisoformat(data['last'])
env = env(context={**env.context, 'tracking_disable': True, 'mail_create_nosubscribe': True})
company = env.company
company.resource_calendar_id.tz = 'Asia/Shanghai'
company.retail_service_consent = False
company.retail_rebuild_pending = False  # nothing was there before
rules = env['retail.care.rule'].search([])
rules.active = False
codes = {'tier_ending': 'tier', 'points_expiring': 'points'}
shipped = rules.filtered(lambda rule: rule.code in codes)
shipped.active = True
shipped.write({'state': 'on', 'started_on': str(first)})
env['loyalty.program'].search([]).active = False
members, ledger, moments = env['retail.membership'], env['retail.points.entry'], env['retail.moment']
followups = env['retail.followup']

with freeze_time(f'{first - timedelta(2)} 02:00:00'):
    programme = env.ref('retail_crm.retail_programme_main')
    programme.tier_ids.unlink()
    programme.tier_ids = [Command.create({
        'name': name, 'sequence': place,
        'version_ids': [Command.create({'date_from': '2000-01-01', 'amount': amount})] if amount else []})
        for place, (name, amount) in enumerate(data['tiers'])]
    programme.write({'date_start': '2026-01-01', 'window_months': data['months'],
                     'validity_months': data['months'], 'grace_days': data['grace']})
    programme.action_start()
    programme.opening_after = -1
    program = env['loyalty.program'].create({
        'name': 'Points', 'program_type': 'loyalty', 'applies_on': 'both', 'trigger': 'auto',
        'company_id': company.id, 'retail_expiry': 'months', 'retail_notice_days': data['notices']})
    partners = env['res.partner'].create([{'name': f'Customer {number}', 'email': f'c{number}@x.example',
        'retail_preferred_channel_id': env.ref('retail_crm.retail_channel_email').id} for number in range(data['customers'])])
    cards = env['loyalty.card'].create([{'program_id': program.id, 'partner_id': one.id} for one in partners])
    moments.search([]).unlink()
    env.cr.commit()
    env.cr.execute('ANALYZE')
    env.cr.execute('SET jit = off')
    env.cr.commit()

place = 1
def happen(day, what, number, value, until=None):
    global place
    place += 1
    if what == 'bought':
        env.cr.execute('INSERT INTO retail_purchase (res_model, res_id, company_id, partner_id, date, amount, margin,'
            ' returned, counts) VALUES (%s, %s, %s, %s, %s, %s, 0, 0, true)',
            ['sale.order', 10**6 + place, company.id, partners[number].id, day, value])
        return partners[number].id
    card = cards[number]
    points = value if what == 'earned' else -min(value, card.points)
    if points:
        kind = {'earned': 'earn', 'spent': 'burn'}[what]
        ledger._post([Movement(card=card, kind=kind, points=points, prior=ledger, source=('x.test', place),
                               values={'expires_on': until} if until else {})])

number_of = {partner.id: number for number, partner in enumerate(partners)}
with freeze_time(f'{first} 00:00:00') as clock:
    day = first
    while day <= last:
        # one in the night where the shop is: the day before in UTC
        clock.move_to(f'{day - timedelta(1)} 17:00:00')
        buyers = {happen(day, *event) for event in data['events'].get(str(day), ())} - {None}
        env['retail.purchase']._mark_occasions(buyers)
        env.flush_all()
        env.invalidate_all()
        members._evaluate(partners.browse(buyers))
        while members._evaluate_batch():
            pass
        while ledger._expire_batch(company):
            pass
        env.cr.commit()
        ledger._tell_expiring_all()
        env.cr.commit()
        while told := moments._next_batch():
            moments._process_batch(told)
            env.cr.commit()
        clock.move_to(f'{day} 00:30:00')
        env['retail.care.rule']._cron_plan()
        env.cr.commit()
        for hour in ('03:10:00', '11:10:00'):
            clock.move_to(f'{day} {hour}')
            followups._process_due(Datetime.now())
            env.flush_all()
        env.cr.execute("UPDATE mail_mail SET state = 'sent' WHERE state = 'outgoing'")
        env.cr.commit()
        env.invalidate_all()
        day += timedelta(1)
rows = [[codes[one.rule_id.code], number_of[one.partner_id.id], str(one.anchor_on), str(one.due_on), one.state,
         one.channel_id.code or None, str(one.opened_on or '') or None] for one in followups.search([])]
print('RESULT ' + json.dumps({'rows': rows, 'points': [card.points for card in cards],
    'states': {rule.code: [rule.state, rule.error] for rule in shipped},
    'rules': {codes[rule.code]: [rule.id, rule.minimum, rule.late_days, rule.hour] for rule in shipped}}))
"""
