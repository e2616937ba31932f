"""What the loaders of real data share: names for customers, stores, staff, batches, resuming.

The loaders are scripts for the standard input of `./dev shell DB`, which gives them `env`. They
write through the ORM like a clerk would (create, action_confirm), many records at a time, and
commit after each batch. What is in the database already is recognised by its reference and left
alone, so a run that was killed continues where the last commit ended.

Environment: RETAIL_CRM_DATA (which data), RETAIL_CRM_DATA_DIR (folder searched for the files),
RETAIL_CRM_LIMIT (load only the first so many customers).
"""

import gc
import os
import resource
import time
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import Command
from odoo.tools import SQL

CUSTOMERS_A_BATCH = 1000
REPLAYED_MONTHS = 18
# no messages, followers or tracking, no address synchronisation with a parent they do not have
QUIET = {
    'tracking_disable': True,
    'mail_create_nolog': True,
    'mail_create_nosubscribe': True,
    'mail_notrack': True,
    'no_reset_password': True,
    '_partners_skip_fields_sync': True,
    # nobody is greeted for a purchase of long ago
    'retail_crm_quiet': True,
}
# the namespace of external ids for records that have no reference of their own
XMLID_MODULE = '__retail_demo__'

ENGLISH_GIVEN = """
    Aaron Abigail Adam Alice Amanda Amy Andrea Andrew Angela Anna Anthony Arthur Ashley Audrey
    Barbara Beatrice Benjamin Bethany Brandon Brenda Brian Carl Caroline Catherine Charles Charlotte
    Christine Claire Daniel David Deborah Dennis Diana Donald Dorothy Douglas Edward Eleanor
    Elizabeth Emily Emma Eric Ethan Eva Evelyn Fiona Florence Frances Frank Gabriel George Gloria
    Grace Graham Hannah Harold Harriet Harry Heather Helen Henry Hugo Ian Irene Isaac Isabel Jack
    Jacob James Jane Jason Jennifer Jessica Joan John Jonathan Joseph Joyce Julia Karen Keith Kelly
    Kenneth Kevin Kyle Laura Lawrence Leo Linda Lisa Louis Lucy Margaret Maria Mark Martha Martin
    Mary Matthew Megan Melissa Michael Nancy Natalie Nathan Nicholas Nora Oliver Olivia Patricia
    Paul Peter Philip Rachel Ralph Rebecca Richard Robert Roger Ruth Samuel Sarah Simon Sophie
    Stephen
""".split()
ENGLISH_FAMILY = """
    Abbott Adams Alexander Allen Anderson Andrews Armstrong Arnold Atkinson Austin Bailey Baker
    Baldwin Barker Barnes Barrett Bates Beck Bell Bennett Berry Bishop Black Blair Boyd Bradley
    Brooks Brown Bryant Burke Burns Burton Butler Byrne Caldwell Cameron Campbell Carpenter Carr
    Carroll Carter Chapman Clark Clarke Coleman Collins Conway Cook Cooper Cox Craig Crawford Cross
    Cunningham Curtis Dalton Davidson Davies Davis Dawson Dean Dixon Douglas Doyle Duncan Dunn
    Edwards Elliott Ellis Evans Farrell Ferguson Fisher Fleming Fletcher Ford Foster Fowler Fox
    Francis Franklin Fraser Freeman Fuller Gardner Gibson Gilbert Gordon Graham Grant Gray Green
    Greene Gregory Griffin Hall Hamilton Hansen Harding Harper Harris Harrison Hart Harvey Hawkins
    Hayes Henderson Hicks Hill Holland Holmes Hopkins Howard Hudson Hughes Hunt Hunter Jackson James
    Jenkins Jensen Johnson Johnston Jones Jordan Kelly Kennedy King Knight Lambert Lane Larson
    Lawson Lee Lewis Long Lynch Marshall Martin Mason Matthews May McCarthy McDonald Miller Mills
    Mitchell Moore Morgan Morris Morrison Murphy Murray Myers Nelson Newman Nichols Norris Olson
    Owens Palmer Parker Parsons Patterson Payne Pearson Perkins Perry Peters Phillips Porter Powell
    Price Quinn Reed Reid Reynolds Rice Richards Richardson Riley Roberts Robertson Robinson Rogers
    Rose Ross Russell Ryan
""".split()
CHINESE_FAMILY = (
    '王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡'
    '余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯'
    '龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤'
)
CHINESE_GIVEN = (
    '安宝博超成春大德东芳飞凤国海红华慧佳建江杰静俊凯兰乐丽林玲龙露梅美敏明宁鹏平琴晴秋荣瑞珊'
    '思婷文晓欣雪雅妍阳怡英宇雨玉媛月云志子'
)


class Order(NamedTuple):
    """One purchase as it stands in the source.

    `day_time` is the local wall clock of the source, before the shift; `lines` are tuples of
    product id, description, quantity and value of the whole line.
    """

    ref: str
    customer: str
    day_time: datetime
    store: str
    lines: tuple


def spread(text, parts):
    """A number below `parts` that depends on nothing but the text."""
    return zlib.crc32(text.encode()) % parts


def customer_name(number):
    """An invented name, the same on every run: half English, half Chinese.

    The multipliers have no factor in common with the number of names, so that no name comes twice
    among the first 23,600 customers.
    """
    if spread(f'language {number}', 2):
        place = number * 7919 % (len(ENGLISH_GIVEN) * len(ENGLISH_FAMILY))
        given, family = divmod(place, len(ENGLISH_FAMILY))
        return f'{ENGLISH_GIVEN[given]} {ENGLISH_FAMILY[family]}'
    place = number * 104729 % (len(CHINESE_FAMILY) * len(CHINESE_GIVEN) ** 2)
    rest, last = divmod(place, len(CHINESE_GIVEN))
    family, first = divmod(rest, len(CHINESE_GIVEN))
    return CHINESE_FAMILY[family] + CHINESE_GIVEN[first] + CHINESE_GIVEN[last]


def customer_phone(number):
    """A well-formed mobile number of a range that serves machines, not people."""
    digits = f'{number * 48611 % 10**8:08d}'
    return f'+86 145 {digits[:4]} {digits[4:]}'


def split_value(value, quantity):
    """(quantity, unit price) that make exactly `value`; else one piece at the whole value."""
    price = (value / quantity).quantize(Decimal('0.01'))
    return (quantity, price) if price * quantity == value else (1, value)


def find_file(name):
    """The data file of that name anywhere below RETAIL_CRM_DATA_DIR."""
    folder = Path(os.environ.get('RETAIL_CRM_DATA_DIR', '.'))
    for path in sorted(folder.rglob(name)):
        return path
    raise SystemExit(f'[load] {name} is not below {folder}: set RETAIL_CRM_DATA_DIR')


def read_limit():
    """How many customers to load at most, None for all."""
    return int(os.environ.get('RETAIL_CRM_LIMIT') or 0) or None


def say(text):
    print(f'[load] {text}', flush=True)


def batches(orders, lines_a_batch):
    """Lists of consecutive orders with at least `lines_a_batch` lines together, but the last."""
    batch, lines = [], 0
    for order in orders:
        batch.append(order)
        lines += len(order.lines)
        if lines >= lines_a_batch:
            yield batch
            batch, lines = [], 0
    if batch:
        yield batch


class Loader:
    """Writes customers, stores, staff and orders of one data set, in committed batches.

    Invariant: what a commit leaves is complete. An order is created, confirmed and dated in one
    transaction, so nobody sees it without its date; one run at a time, by a session lock.
    """

    def __init__(self, env, data, prefix):
        """`data` names the data set, `prefix` begins the references of its records."""
        self.started = time.monotonic()
        self.env = env(context=dict(env.context, lang='en_US', **QUIET))
        self.data = data
        self.prefix = prefix
        self.company = self.env.company
        self.zone = ZoneInfo(self.company.resource_calendar_id.tz or 'UTC')
        gc.freeze()  # do not search the registry for garbage again and again
        self._lock()

    # === TRANSACTIONS ===

    def _lock(self):
        """Wait until no other run holds the lock, also the rest of one that was just killed."""
        query = SQL("SELECT pg_try_advisory_lock(hashtext('retail_crm.load'))")
        for _second in range(60):
            if self.env.execute_query(query)[0][0]:
                break
            time.sleep(1)
        else:
            raise SystemExit('[load] another loader is at work on this database')
        # the lock outlives the transaction; the next one sees what the killed run committed
        self.env.cr.rollback()
        self.env.invalidate_all()

    def commit(self):
        """Keep the batch and forget its records: memory stays flat."""
        self.env.cr.commit()
        self.env.invalidate_all()

    def get_param(self, key):
        return self.env['ir.config_parameter'].get_param(key)

    def set_param(self, key, value):
        self.env['ir.config_parameter'].set_param(key, value)

    def references(self, model, field):
        """{reference: id} of what is loaded already"""
        records = self.env[model].with_context(active_test=False)
        query = records._search([(field, '=like', f'{self.prefix}-%')])
        rows = self.env.execute_query(query.select(SQL.identifier(field), SQL.identifier('id')))
        return dict(rows)

    # === DATES ===

    def set_shift(self, last_day, family=()):
        """Move the source so that `last_day` was yesterday when the first run began.

        The days are kept in the database: a run that is resumed tomorrow must not move the rest.
        `family` names other data sets with the same records.
        """
        key = 'retail_crm.demo_shift_%s'
        kept = [self.get_param(key % name) for name in (self.data, *family)]
        days = next((int(value) for value in kept if value), None)
        if days is None:
            today = datetime.now(self.zone).date()
            days = (today - timedelta(days=1) - last_day).days
        self.set_param(key % self.data, days)
        self.shift = timedelta(days=days)

    def shifted(self, day_time):
        """The moment of a local wall clock of the source, shifted, as Odoo stores it (UTC)."""
        local = (day_time + self.shift).replace(tzinfo=self.zone)
        return local.astimezone(UTC).replace(tzinfo=None)

    # === MASTER DATA ===

    def named(self, model, name, values):
        """The record with our external id `name`, created with `values` when it is missing."""
        record = self.env.ref(f'{XMLID_MODULE}.{name}', raise_if_not_found=False)
        if not record:
            record = self.env[model].create(values)
            self.env['ir.model.data']._update_xmlids(
                [{'xml_id': f'{XMLID_MODULE}.{name}', 'record': record, 'noupdate': True}]
            )
        return record

    def store(self, code, name, leader, member_ids):
        """The sales team that stands for a store."""
        values = {
            'name': name,
            'company_id': self.company.id,
            'user_id': leader.id,
            'member_ids': [Command.set(member_ids)],
        }
        if 'retail_is_store' in self.env['crm.team']._fields:
            values.update(retail_is_store=True, retail_code=code)
        return self.named('crm.team', f'store_{code.lower()}', values)

    def user(self, login, name, group):
        """A member of staff whose password is the login, with a group of the add-on."""
        xmlids = [f'retail_crm.{group}', 'sales_team.group_sale_salesman_all_leads']
        found = [self.env.ref(xmlid, raise_if_not_found=False) for xmlid in xmlids]
        links = [Command.link(record.id) for record in found if record]
        users = self.env['res.users'].with_context(active_test=False)
        user = users.search([('login', '=', login)])
        if user:
            user.write({'group_ids': links})
            return user
        return users.create(
            {
                'name': name,
                'login': login,
                'password': login,
                'email': f'{login}@example.com',
                'company_id': self.company.id,
                'company_ids': [Command.link(self.company.id)],
                'group_ids': links,
            }
        )

    def staff(self):
        """{login: user} of the people who sell"""
        people = (
            ('clerk', 'Clerk Li 李店员', 'group_user'),
            ('clerk2', 'Clerk Chen 陈店员', 'group_user'),
            ('clerk3', 'Clerk Wu 吴店员', 'group_user'),
            ('leader', 'Leader Wang 王店长', 'group_lead'),
            ('manager', 'Manager Zhao 赵总监', 'group_manager'),
        )
        return {login: self.user(login, name, group) for login, name, group in people}

    def customers(self, wanted):
        """{reference: id} of all customers; creates those of `wanted` that are missing.

        `wanted` is {reference: values}.
        """
        known = self.references('res.partner', 'ref')
        missing = iter([(ref, values) for ref, values in wanted.items() if ref not in known])
        created = 0
        while batch := list(islice(missing, CUSTOMERS_A_BATCH)):
            partners = self.env['res.partner'].create(
                [{'ref': ref, **values} for ref, values in batch]
            )
            known.update(zip((ref for ref, _values in batch), partners.ids, strict=True))
            self.commit()
            created += len(batch)
        say(f'{created} customers created, {self.seconds()}')
        return known

    # === ORDERS ===

    def load(self, orders, expected, customers, stores, lines_a_batch):
        """Create those of `orders`, an iterator in order of time, that are not there yet.

        `expected` is {reference: (amount, local wall clock)} of all of them, `customers`
        {reference: partner id}, `stores` {code: (team id, user ids)}.
        """
        known = expected.keys() & self.references('sale.order', 'client_order_ref').keys()
        total, loaded = len(expected), len(known)
        say(f'{loaded}/{total} orders are there already')
        begun, created = time.monotonic(), 0
        missing = (order for order in orders if order.ref not in known)
        for batch in batches(missing, lines_a_batch):
            self._load_batch(batch, customers, stores)
            loaded, created = loaded + len(batch), created + len(batch)
            self.set_param(f'retail_crm.demo_progress_{self.data}', f'{loaded}/{total}')
            self.commit()
            spent = time.monotonic() - begun
            left = spent / created * (total - loaded)
            say(f'{loaded}/{total} orders, {spent:.1f} s, ETA {left:.0f} s')

    def _load_batch(self, batch, customers, stores):
        """Create, confirm and date one batch."""
        # what sale.order.create looks up for each order
        self.numbers = self.env['ir.sequence'].search(
            [('code', '=', 'sale.order'), ('company_id', 'in', [self.company.id, False])],
            order='company_id',
            limit=1,
        )
        orders = self.env['sale.order'].create(
            [self._order_values(order, customers[order.customer], stores) for order in batch]
        )
        orders.action_confirm()
        # confirming has dated them now: one write for all orders of one moment
        by_moment = {}
        for order, record in zip(batch, orders, strict=True):
            by_moment.setdefault(self.shifted(order.day_time), []).append(record.id)
        for moment, ids in by_moment.items():
            orders.browse(ids).write({'date_order': moment})

    def _order_values(self, order, partner_id, stores):
        team_id, user_ids = stores[order.store]
        moment = self.shifted(order.day_time)
        return {
            'name': self.numbers.next_by_id(sequence_date=moment),
            'client_order_ref': order.ref,
            'partner_id': partner_id,
            'company_id': self.company.id,
            'date_order': moment,
            'team_id': team_id,
            'user_id': user_ids[spread(order.ref, len(user_ids))],
            'order_line': [Command.create(self._line_values(*line)) for line in order.lines],
        }

    def _line_values(self, product_id, name, quantity, value):
        quantity, price = split_value(value, quantity)
        return {
            'product_id': product_id,
            'name': name,
            'product_uom_qty': quantity,
            'price_unit': float(price),
            'discount': 0.0,
            'tax_ids': [],
            'analytic_distribution': False,
        }

    # === END ===

    def check(self, expected):
        """Compare every loaded order with the source; stop when one is missing or twice there.

        Amounts, dates and states that differ are only told: somebody may have worked with them.
        """
        orders = self.env['sale.order'].with_context(active_test=False)
        columns = ('client_order_ref', 'amount_untaxed', 'date_order', 'state')
        query = orders._search([('client_order_ref', '=like', f'{self.prefix}-%')])
        rows = self.env.execute_query(query.select(*map(SQL.identifier, columns)))
        seen, changed, total = set(), [], Decimal(0)
        twice = []
        for ref, amount, moment, state in rows:
            if ref not in expected:
                continue
            if ref in seen:
                twice.append(ref)
            seen.add(ref)
            amount = Decimal(str(amount))
            total += amount
            value, day_time = expected[ref]
            if (amount, moment, state) != (value, self.shifted(day_time), 'sale'):
                changed.append(ref)
        missing = sorted(expected.keys() - seen)
        if missing or twice:
            raise SystemExit(f'[load] missing: {missing[:10]}, more than once: {twice[:10]}')
        if changed:
            say(f'{len(changed)} orders have another amount, date or state: {changed[:5]}')
        say(f'{len(seen)} orders compared with the source, amount {total}')

    def finish(self):
        """Let the add-on work off what the orders announced, and note that the data are in."""
        if 'retail.moment' in self.env:
            begun = time.monotonic()
            count = self.env['retail.moment']._process_all()
            say(f'{count} moments processed, {time.monotonic() - begun:.1f} s')
            self.replay()
        self.set_param('retail_crm.demo_loaded', self.data)
        self.commit()
        # running servers read users, groups and parameters anew
        self.env.registry.signal_changes()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(f'done, {self.seconds()}, at most {memory:.0f} MB')

    def replay(self):
        """Class the customers month by month, as if the add-on had been there, so that they have a history.

        What it would have announced then is old news and taken for done.
        """
        begun = time.monotonic()
        profiles = self.env['retail.profile']
        today = self.env.company._retail_today()
        days = [today - relativedelta(months=back) for back in range(REPLAYED_MONTHS, -1, -1)]
        self.env.cr.execute('DELETE FROM retail_profile_change')
        profiles._refresh(as_of=days[0], quiet=True)
        for day in days[1:]:
            profiles._refresh(as_of=day)
        self.env.cr.execute("UPDATE retail_moment SET state = 'done' WHERE state = 'pending'")
        self.env.invalidate_all()
        self.env['retail.profile.backtest']._cron_backtest()
        say(f'history of {REPLAYED_MONTHS} months, {time.monotonic() - begun:.1f} s')

    def seconds(self):
        return f'{time.monotonic() - self.started:.1f} s'
