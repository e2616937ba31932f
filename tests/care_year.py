"""A year of a shop by chance, and the script with which Odoo lives through it, for test_oracle_care.py."""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import date, timedelta

#: The purchases of CDNOW begin on 1 January 1997.
CDNOW_FIRST = date(1997, 1, 1)
ZONES = ['Europe/London', 'America/Los_Angeles', 'Asia/Tokyo']
HOLIDAY_COUNT = 8
#: Categories: [name, the one above, days and months after which buyers are contacted, needs explaining]
CATEGORIES = [
    ['Music', None, 0, 3, False],
    ['Rock', 'Music', 25, 0, False],
    ['Jazz', 'Music', 0, 0, True],
    ['Players', None, 40, 0, True],
    ['Paper', None, 0, 0, False],
]
#: What is sold: [category, days, months]; what is new comes behind.
GOODS = [
    ['Rock', 0, 0],
    ['Rock', 60, 1],
    ['Jazz', 0, 0],
    ['Jazz', 14, 0],
    ['Players', 0, 2],
    ['Paper', 0, 0],
]
TAGS = {'music': ['Music'], 'rock': ['Rock'], 'home': ['Players', 'Paper']}
#: Policies in their order; tiers by place, segment: whether it is for the segment of the year.
POLICIES = [
    {'lifecycle': 'at_risk', 'rule': 'watch'},
    {'lifecycle': 'new', 'tiers': [0], 'contact_days': 12},
    {'tiers': [0], 'contact_days': 20, 'rule': 'expected'},
    {'segment': True, 'contact_days': 33, 'rule': 'expected', 'channel': 'letter'},
    {'contact_days': 50},
]


@dataclass
class Year:
    """All that happens; whom a number means is the place in the list of customers.

    :ivar events: ``{day: [[what, customer, ...]]}``
    """

    first: date
    last: date
    customers: list
    purchases: list
    rules: list
    settings: dict
    events: dict = field(default_factory=dict)
    occasions: list = field(default_factory=list)
    products: list = field(default_factory=list)
    offers: list = field(default_factory=list)
    holidays: list = field(default_factory=list)

    def as_data(self):
        shop = {'categories': CATEGORIES, 'tags': TAGS, 'policies': POLICIES}
        values = {key: value for key, value in vars(self).items() if key not in ('first', 'last')}
        return {'shop': shop, **values}


def reacts(rule, customer, percent=25):
    """Whether somebody reacts to a contact by a rule: the same in Odoo and in the oracle."""
    number = hashlib.md5(f'reaction {rule} {customer}'.encode()).hexdigest()[:8]
    return int(number, 16) % 100 < percent


def answers(rule, customer):
    """Whether somebody is reached by staff: the same in Odoo and in the oracle."""
    return reacts(f'answer {rule}', customer, 60)


def make_customer(number, chance, first):
    """One customer as plain values, which both sides read."""
    birthday = None
    kind = chance.random()
    if kind < 0.05:
        birthday = [2, 29, chance.choice((0, 1992, 2012, 2016)), False]
    elif kind < 0.55:
        year = chance.choice((0, 0, 1970, 1988, first.year - 13, first.year - 14, first.year - 15))
        birthday = [chance.randint(1, 12), chance.randint(1, 28), year, False]
    elif kind < 0.75:
        birthday = [chance.randint(1, 12), chance.choice((1, 15, 29, 30)), 0, True]
    named = [
        [chance.randint(1, 12), chance.randint(1, 28), chance.random() < 0.2]
        for _number in range(chance.choice((0, 0, 1, 2)))
    ]
    addresses = {}
    if chance.random() < 0.9:
        # every 25th shares the address of his neighbour, written in another way
        twin = number % 25 == 24
        addresses['email'] = f'C{number - 1}@X.example' if twin else f'c{number}@x.example'
    if chance.random() < 0.8:
        addresses['mobile'] = f'+86 145 {number:04d} 0001'
    if chance.random() < 0.5:
        addresses['postal'] = f'Street {number}'
    consents = []
    for purpose, most in (('marketing', 0.75), ('service', 0.3)):
        for channel in ('email', 'phone', 'letter', 'wechat'):
            if chance.random() < (0.15 if channel == 'wechat' else most):
                granted = chance.random() < (0.9 if purpose == 'marketing' else 0.4)
                consents.append([purpose, channel, granted])
    return {
        'birthday': birthday,
        'named': named,
        'zone': chance.choice(ZONES) if chance.random() < 0.2 else None,
        'preferred': chance.choice(('email', 'phone', 'letter', 'wechat', None)),
        'addresses': addresses,
        'consents': consents,
        'blocked': bool(addresses.get('email')) and number % 25 < 23 and chance.random() < 0.04,
        'adviser': chance.choice(('one', 'two', None)),
        'tier': chance.choice((None, None, 0, 1)),
        'segment': chance.random() < 0.4,
        'likes': [tag for tag in TAGS if chance.random() < 0.15],
    }


def add_contacts(number, chance, days, add):
    """Visits and calls, appointments that are missed, interests."""
    for _number in range(chance.choice((0, 0, 1, 3))):
        kind = chance.choice(('visit', 'visit', 'call_in', 'message_out'))
        # entered up to three days later, at any hour
        minutes = chance.randrange(1, 3 * 1440)
        add(chance.randrange(days), 'touch', number, kind, minutes)
    if chance.random() < 0.3:
        asked, wait = chance.randrange(days), chance.choice((2, 5, 9))
        add(asked, 'appointment', number, wait, chance.randrange(24))
        add(asked + wait + chance.choice((0, 1, 3)), 'missed', number)
        if chance.random() < 0.5:  # another date of the same request
            add(asked + 20, 'appointment', number, 4, chance.randrange(24))
            add(asked + 24, 'missed', number)
    if chance.random() < 0.1:
        add(chance.randrange(days), 'likes', number, chance.choice(list(TAGS)))


def add_deliveries(year, chance, add):
    """What is delivered with the sale, piece by piece or never, and what comes back."""
    for place, (_number, day, *_rest) in enumerate(year.purchases):
        bought = (date.fromisoformat(day) - year.first).days
        if chance.random() < 0.4:
            add(bought, 'sold', place)  # delivered with the sale
        elif chance.random() < 0.9:
            for line, _product in enumerate(year.purchases[place][3]):
                add(bought + chance.choice((0, 1, 2, 6)), 'delivered', place, line)
        if chance.random() < 0.05:
            add(bought + chance.choice((1, 5, 15)), 'returned', place)


def make_events(year, chance):
    """Consents given and withdrawn, complaints, tiers, pauses, customers who go; rules that stop and start again."""
    days = (year.last - year.first).days

    def add(offset, *what):
        if 0 <= offset <= days:
            day = str(year.first + timedelta(offset))
            year.events.setdefault(day, []).append(list(what))

    for number, one in enumerate(year.customers):
        if chance.random() < 0.3:
            channel = chance.choice(('email', 'phone', 'letter'))
            purpose = chance.choice(('marketing', 'marketing', 'service'))
            add(chance.randrange(days), 'consent', number, purpose, channel, chance.random() < 0.4)
        if chance.random() < 0.15:
            begun = chance.randrange(days)
            add(begun, 'complaint', number)
            add(begun + chance.choice((3, 12, 40)), 'solved', number)
        if one['tier'] is not None and chance.random() < 0.3:
            add(chance.randrange(days), 'tier', number, chance.randrange(2))
        if chance.random() < 0.04:
            add(chance.randrange(days), 'gone', number)
        if chance.random() < 0.06:
            begun = chance.randrange(days)
            add(begun, 'pause', number, chance.choice(('all', 'greeting', 'named')))
        add_contacts(number, chance, days, add)
    add_deliveries(year, chance, add)
    stopped = chance.choice([one['name'] for one in year.rules if not one.get('hard')])
    add(days // 3, 'stop', stopped)
    add(days // 3 + 15, 'start', stopped)


def make_year(seed, first, last, source, rules, settings):
    """A year by chance around real purchases: ``[(customer, day, dollars)]`` of CDNOW."""
    chance = random.Random(seed)
    names = sorted({row[0] for row in source})
    numbers = {name: number for number, name in enumerate(names)}
    move = first - CDNOW_FIRST
    purchases = sorted(
        (
            [numbers[customer], str(day + move), str(dollars), []]
            for customer, day, dollars in source
            if day + move <= last
        ),
        key=lambda row: (row[1], row[0]),
    )
    customers = [make_customer(number, chance, first) for number in range(len(names))]
    year = Year(first, last, customers, purchases, rules, settings)
    days = (last - first).days
    year.holidays = sorted(
        {str(first + timedelta(chance.randrange(days))) for _number in range(HOLIDAY_COUNT)}
    )
    kinds = ['greeting'] * 5 + ['no_contact'] * 8
    year.occasions = [
        [f'Day {number}', str(first + timedelta(chance.randrange(days))), kind]
        for number, kind in enumerate(kinds)
    ]
    add_goods(year, chance, days)
    make_events(year, chance)
    return year


def add_goods(year, chance, days):
    """What is bought, what is new, and promotions."""
    for row in year.purchases:
        row[3] = chance.sample(range(len(GOODS)), chance.choice((1, 1, 2)))
    year.products = [[*one, None, None] for one in GOODS]
    for _number in range(max(3, days // 30)):
        begun = year.first + timedelta(chance.randrange(days))
        until = chance.choice((None, begun + timedelta(2), begun + timedelta(60)))
        kind = chance.choice(('Rock', 'Music', 'Jazz', 'Paper'))
        year.products.append([kind, 0, 0, str(begun), until and str(until)])
    for number in range(max(4, days // 25)):
        begun = year.first + timedelta(chance.randrange(days))
        until = chance.choice((None, begun, begun + timedelta(9)))
        year.offers.append(
            {
                'name': f'Offer {number}',
                'date_from': str(begun),
                'date_to': until and str(until),
                'tiers': chance.choice(([], [], [0], [0, 1])),
                'segment': chance.random() < 0.4,
                'state': chance.choice(('running', 'running', 'running', 'draft')),
            }
        )


# Odoo lives through the year: what happens early in the morning, the planning of the day, then two runs of sending.
SCRIPT = """
import hashlib, json, logging
from datetime import date, timedelta
from freezegun import freeze_time
from odoo.fields import Command, Datetime
from odoo.tools import SQL

data = json.loads(DATA)
ABOUT_ORDERS = ('sold', 'delivered', 'returned')
first, last = map(date.fromisoformat, DAYS)
env = env(context={**env.context, 'tracking_disable': True, 'mail_create_nosubscribe': True})
company = env.company
company.resource_calendar_id.tz = 'Asia/Shanghai'
ref = lambda name: env.ref(f'retail_crm.{name}')
channels = {one.code: one for one in env['retail.channel'].search([])}
channels['sms'].fallback_sequence = 0
company.write({name: value for name, value in data['settings'].items() if name != 'gaps'})
for family, days in data['settings'].get('gaps', {}).items():
    env['retail.care.gap'].create({'company_id': company.id, 'family': family, 'days': days})
env['retail.care.rule'].search([]).active = False
has_occasions = 'retail.occasion' in env
if has_occasions:
    env['retail.occasion'].search([]).unlink()
env['resource.calendar.leaves'].create([{
    'name': 'Holiday', 'resource_id': False, 'calendar_id': company.resource_calendar_id.id,
    'company_id': company.id, 'date_from': f'{date.fromisoformat(day) - timedelta(1)} 16:00:00',
    'date_to': f'{day} 16:00:00'} for day in data['holidays']])
advisers = {name: env['res.users'].create({'name': name, 'login': f'adviser {name}', 'group_ids': [
    Command.set(ref('group_user').ids)]}) for name in ('one', 'two')}
boss = env.ref('base.user_admin')

with freeze_time(f'{first - timedelta(30)} 02:00:00'):
    programme = ref('retail_programme_main')
    programme.write({'automatic': False, 'date_start': '1990-01-01'})
    programme.action_start()
    tiers = programme.tier_ids.sorted('sequence')
    segment = env['retail.segment'].create({'name': 'Chosen', 'company_id': company.id, 'domain': '[]'})
    partners = env['res.partner'].create([{
        'name': f'Customer {number}', 'ref': f'ORACLE-{number}', 'tz': one['zone'] or False,
        'email': one['addresses'].get('email'), 'phone': one['addresses'].get('mobile'),
        **({'street': one['addresses']['postal'], 'city': 'Town', 'country_id': env.ref('base.cn').id}
           if 'postal' in one['addresses'] else {}),
        'retail_preferred_channel_id': channels[one['preferred']].id if one['preferred'] else False,
        'retail_adviser_id': advisers[one['adviser']].id if one['adviser'] else False,
        **(dict(zip(('retail_birth_month', 'retail_birth_day', 'retail_birth_year', 'retail_birth_lunar'),
                    [str(one['birthday'][0]), *one['birthday'][1:]])) if one['birthday'] else {}),
    } for number, one in enumerate(data['customers'])])
    env['retail.occasion.date'].create([{
        'partner_id': partner.id, 'kind': 'other', 'month': str(month), 'day': day, 'is_lunar': lunar}
        for partner, one in zip(partners, data['customers']) for month, day, lunar in one['named']])
    for partner, one in zip(partners, data['customers']):
        decisions = {(purpose, channels[channel]): granted for purpose, channel, granted in one['consents']}
        if decisions:
            env['retail.consent']._record(partner, decisions, 'import')
        if one['blocked']:
            env['mail.blacklist']._add(partner.email_normalized)
    env['retail.membership']._enrol(partners.browse([
        partner.id for partner, one in zip(partners, data['customers']) if one['tier'] is not None]))
    env.flush_all()

    def set_tier(partner, level):
        env.cr.execute('UPDATE retail_membership SET tier_id = %s WHERE partner_id = %s', [tiers[level].id, partner.id])

    for partner, one in zip(partners, data['customers']):
        if one['tier'] is not None:
            set_tier(partner, one['tier'])
    env.cr.execute('DELETE FROM retail_segment_member')
    env.cr.execute('INSERT INTO retail_segment_member (segment_id, partner_id, entered_on) SELECT %s, unnest(%s), %s', [
        segment.id, [partner.id for partner, one in zip(partners, data['customers']) if one['segment']], str(first)])
    env.invalidate_all()

    categories = {}
    for name, above, days, months, guidance in data['shop']['categories']:
        categories[name] = env['product.category'].create({
            'name': name, 'parent_id': categories[above].id if above else False, 'retail_contact_days': days,
            'retail_contact_every_months': months, 'retail_needs_guidance': guidance})
    products = env['product.product'].create([{
        'name': f'CD {number}', 'type': 'service', 'taxes_id': False, 'categ_id': categories[name].id,
        'retail_contact_days': days, 'retail_contact_every_months': months, 'retail_new_from': begun,
        'retail_new_until': until} for number, (name, days, months, begun, until) in enumerate(data['products'])])
    tags = {name: env['retail.preference'].create({'name': name, 'category_ids': [
        Command.set([categories[one].id for one in names])]}) for name, names in data['shop']['tags'].items()}
    for partner, one in zip(partners, data['customers']):
        partner.retail_preference_ids = [Command.set([tags[name].id for name in one['likes']])]
    offers = env['retail.offer'].create([{
        'name': one['name'], 'date_from': one['date_from'], 'date_to': one['date_to'], 'state': one['state'],
        'company_id': company.id, 'tier_ids': [Command.set([tiers[level].id for level in one['tiers']])],
        'segment_ids': [Command.set(segment.ids if one['segment'] else [])]} for one in data['offers']])

    # all orders like one that Odoo made; their purchases come on their day
    order = env['sale.order'].create({'partner_id': partners[0].id, 'order_line': [
        Command.create({'product_id': products[0].id, 'price_unit': 10})]})
    order.action_confirm()
    env.flush_all()
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'sale_order'")
    columns = {name for name, in env.cr.fetchall()}
    changed = ['partner_id', 'date_order', 'amount_untaxed']
    same = sorted(columns - {'id', *changed})
    env.cr.execute('INSERT INTO sale_order (id, %s, %s) SELECT nextval(\\'sale_order_id_seq\\'), bought.*, %s'
        ' FROM sale_order AS source, unnest(%%s, %%s::timestamp[], %%s::numeric[]) AS bought WHERE source.id = %%s' % (
        ', '.join(changed), ', '.join(same), ', '.join(f'source.{name}' for name in same)), [
        [partners[row[0]].id for row in data['purchases']], [f'{row[1]} 04:00:00' for row in data['purchases']],
        [row[2] for row in data['purchases']], order.id])
    orders = env['sale.order'].search([('id', '>', order.id)], order='id')
    assert [one.partner_id for one in orders] == [partners[row[0]] for row in data['purchases']]
    env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'sale_order_line'")
    columns = {name for name, in env.cr.fetchall()}
    changed = ['order_id', 'product_id']
    same = sorted(columns - {'id', *changed})
    lines = [(one.id, products[place].id) for one, row in zip(orders, data['purchases']) for place in row[3]]
    env.cr.execute('INSERT INTO sale_order_line (id, %s, %s) SELECT nextval(\\'sale_order_line_id_seq\\'), line.*, %s'
        ' FROM sale_order_line AS source, unnest(%%s, %%s) AS line WHERE source.id = %%s' % (
        ', '.join(changed), ', '.join(same), ', '.join(f'source.{name}' for name in same)), [
        [line[0] for line in lines], [line[1] for line in lines], order.order_line.id])
    env.invalidate_all()
    order._action_cancel()
    env.flush_all()
    env.cr.execute('DELETE FROM retail_purchase')
    env['retail.purchase']._fill_all()
    env.cr.execute('DELETE FROM retail_purchase WHERE NOT counts')
    env.cr.execute('CREATE TABLE oracle_held AS SELECT * FROM retail_purchase')
    env.cr.execute('DELETE FROM retail_purchase')
    env['retail.profile']._refresh()
    if has_occasions:
        occasions = {name: env['retail.occasion'].create({
            'name': name, 'code': name, 'date': day, 'kind': kind, 'is_on': True})
            for name, day, kind in data['occasions']}
    rules = {}
    for one in data['rules']:
        if one['trigger'] == 'occasion' and not has_occasions:
            continue
        values = {**one, 'hard_date': one.get('hard', False), 'domain': one.get('domain', '[]')}
        extra = {key: values.pop(key) for key in (
            'channels', 'hard', 'tiers', 'segment', 'adviser', 'categories') if key in values}
        rules[one['name']] = env['retail.care.rule'].create({
            **values, 'company_id': company.id, 'user_id': boss.id, 'state': 'on', 'started_on': str(first),
            'text': 'Hello {name}', 'control_percent': values.get('control_percent', 0),
            'owner': 'adviser' if extra.get('adviser') else 'user', 'owner_id': boss.id,
            'tier_ids': [Command.set([tiers[level].id for level in extra.get('tiers', [])])],
            'segment_ids': [Command.set(segment.ids if extra.get('segment') else [])],
            'category_ids': [Command.set([categories[name].id for name in extra.get('categories', [])])],
            'channel_mode': 'listed' if extra.get('channels') else 'preferred',
            'channel_line_ids': [Command.create({'sequence': place, 'channel_id': channels[code].id})
                                 for place, code in enumerate(extra.get('channels', []))]})
    env['retail.policy'].search([]).active = False
    for place, one in enumerate(data['shop']['policies']):
        env['retail.policy'].create({
            'name': f'Policy {place}', 'sequence': place, 'company_id': company.id,
            'class_key': 'lifecycle.' + one['lifecycle'] if 'lifecycle' in one else False,
            'segment_id': segment.id if one.get('segment') else False,
            'tier_ids': [Command.set([tiers[level].id for level in one.get('tiers', [])])],
            'contact_days': one.get('contact_days', 0),
            'care_rule_id': rules[one['rule']].id if one.get('rule') in rules else False,
            'care_channel_id': channels[one['channel']].id if 'channel' in one else False})
    env['retail.moment'].search([]).unlink()
    env.cr.commit()
    # PostgreSQL knows nothing of the fresh tables yet, and would compile each small statement for a tenth of a second
    env.cr.execute('ANALYZE')
    env.cr.execute('SET jit = off')
    env.cr.commit()

tickets, appointments = {}, {}
now = Datetime.now

def happen(day, what, *values):
    partner = partners[values[0]] if isinstance(values[0], int) and what not in ABOUT_ORDERS else None
    if what == 'consent':
        env['retail.consent']._record(partner, {(values[1], channels[values[2]]): values[3]}, 'import')
    elif what == 'complaint':
        tickets[values[0]] = tickets.get(values[0], env['retail.ticket']) + env['retail.ticket'].create({
            'subject': 'Complaint', 'partner_id': partner.id, 'type_id': ref('retail_ticket_type_complaint').id,
            'channel_id': channels['email'].id})
    elif what == 'solved':
        mine = tickets[values[0]][:1]
        tickets[values[0]] -= mine
        stage = mine.type_id._stage_of(('archived',), 'archive') or mine.type_id._stage_of(('archived',), None)
        mine._stamp({'stage_id': stage.id, 'category': 'archived', 'solved_at': mine.received_at,
                     'archived_at': mine.received_at})
    elif what == 'tier':
        set_tier(partner, values[1])
    elif what == 'gone':
        partner.active = False
    elif what == 'pause':
        scope = {'all': {'scope': 'all'}, 'greeting': {'scope': 'family', 'family': 'greeting'},
                 'named': {'scope': 'rule', 'rule_id': rules['named'].id if 'named' in rules else False}}[values[1]]
        env['retail.care.pause'].create({'partner_id': partner.id, 'company_id': company.id, 'reason': 'Asked',
            'until': str(last + timedelta(30)), **scope})
    elif what == 'touch':
        env['retail.touch'].create({'partner_id': partner.id, 'kind': values[1], 'company_id': company.id,
                                    'date': now() - timedelta(minutes=values[2])})
    elif what == 'appointment':
        at = now() + timedelta(days=values[1], hours=values[2] - 24)
        if values[0] in appointments:
            appointments[values[0]].appointment_at = at
        else:
            appointments[values[0]] = env['retail.ticket'].create({
                'subject': 'Fitting', 'partner_id': partner.id, 'channel_id': channels['email'].id,
                'appointment_at': at})
    elif what == 'missed':
        appointments[values[0]].appointment_state = 'no_show'
    elif what == 'likes':
        partner.retail_preference_ids = [Command.link(tags[values[1]].id)]
    elif what == 'sold':
        told = env['retail.moment']._emit('purchase', orders[values[0]])
        env['sale.order']._on_purchase(told)
        env['retail.moment'].search([]).unlink()
    elif what == 'delivered':
        orders[values[0]].order_line.sorted('id')[values[1]].qty_delivered = 1
        env['retail.moment'].search([]).unlink()
    elif what == 'returned':
        env.flush_all()
        env.cr.execute('UPDATE retail_purchase SET counts = false, amount = 0 WHERE res_id = %s', [orders[values[0]].id])
        returned.append(orders[values[0]].partner_id.id)
    elif what == 'stop':
        rules[values[0]].state = 'off'
    elif what == 'start':
        rules[values[0]].write({'state': 'on', 'started_on': str(day)})

def reacts(name, number, percent=25):
    return int(hashlib.md5(f'reaction {name} {number}'.encode()).hexdigest()[:8], 16) % 100 < percent

number_of = {partner.id: number for number, partner in enumerate(partners)}
followups = env['retail.followup']
bought_on = {row[1]: [] for row in data['purchases']}
for row in data['purchases']:
    bought_on[row[1]].append(partners[row[0]].id)
with freeze_time(f'{first} 00:00:00') as clock:
    day = first
    while day <= last:
        # half past one in the night where the shop is: the day before in UTC
        clock.move_to(f'{day - timedelta(1)} 17:30:00')
        returned = []
        env.flush_all()
        env.cr.execute('INSERT INTO retail_purchase SELECT * FROM oracle_held WHERE date = %s', [day])
        env.invalidate_all()
        for event in data['events'].get(str(day), ()):
            happen(day, *event)
        env.flush_all()
        clock.move_to(f'{day} 00:30:00')
        buyers = {*bought_on.get(str(day), ()), *returned}
        env['retail.purchase']._mark_occasions(buyers)
        if day.day == 1:
            env['retail.profile']._refresh()
        else:
            changed = {*buyers, *env['retail.profile']._due_partners().ids}
            env['retail.profile']._refresh(partners.browse(changed))
        # who reacted to what left yesterday
        left = followups.search([('opened_on', '=', day - timedelta(1)), ('state', '=', 'done')])
        left = left.filtered(lambda one: reacts(one.rule_id.name, number_of[one.partner_id.id]))
        left.write({'reaction': 'clicked', 'reacted_at': Datetime.now()})
        env.cr.commit()
        env['retail.care.rule']._cron_plan()
        env.cr.commit()
        for hour in ('03:10:00', '11:10:00'):
            clock.move_to(f'{day} {hour}')
            followups._process_due(Datetime.now())
            env.flush_all()
        # at night all mails are out and staff have done what they were given
        env.cr.execute("UPDATE mail_mail SET state = 'sent' WHERE state = 'outgoing'")
        for one in followups.search([('state', '=', 'todo')]):
            if reacts(f'answer {one.rule_id.name}', number_of[one.partner_id.id], 60):
                one._note({'contacted_at': now()})
        env.cr.execute("UPDATE retail_followup SET state = 'done' WHERE state = 'todo'")
        env.cr.commit()
        env.invalidate_all()
        day += timedelta(1)
rows = [[one.rule_id.name, number_of[one.partner_id.id], str(one.anchor_on), str(one.due_on), one.state, one.reason or None,
         one.channel_id.code or None, str(one.opened_on or '') or None, str(one.counted_on or '') or None,
         one.occurrence, one.email_normalized or None] for one in followups.search([])]
print('RESULT ' + json.dumps({
    'rows': rows, 'partners': partners.ids, 'rules': {name: one.id for name, one in rules.items()},
    'states': {name: [one.state, one.error] for name, one in rules.items()},
    'gap': str(company.retail_gap_days), 'has_occasions': has_occasions,
    'mails': [[mail.res_id, mail.email_to] for mail in env['mail.mail'].search([('model', '=', 'retail.followup')])]}))
"""
