"""Load the CDNOW purchases (23,570 customers, 1997-01 to 1998-06) or their usual 1/10 sample.

A script for the standard input of Odoo's shell; RETAIL_CRM_DATA says `cdnow` (the sample) or
`cdnow-full`. One row is one confirmed sale order with one line. The sample's rows are rows of the
full file, so both use its row numbers and customer numbers: after `cdnow`, `cdnow-full` adds the
rest.
"""

import os
import sys
from datetime import datetime, time
from decimal import Decimal

sys.path.insert(0, os.environ.get('RETAIL_CRM_TOOLS') or os.path.join(os.getcwd(), 'tools'))

import load_common

ORDERS_A_BATCH = 500
# code, name, share of the customers in percent, logins of those who sell there
STORES = (
    ('NJR', 'Nanjing Road 南京路店', 45, ('clerk', 'leader')),
    ('RIV', 'Riverside 滨江店', 30, ('clerk2', 'leader')),
    ('WEB', 'Online 网店', 25, ('clerk3', 'manager')),
)
AWAY = 15  # percent of the purchases made in any store, the others in the customer's own


def read_rows(sample_only):
    """[(row number, customer, date, number of CDs, dollars)] in the order of the full file."""
    with open(load_common.find_file('CDNOW_master.txt'), encoding='ascii') as lines:
        next(lines)
        split = [line.split() for line in lines if line.strip()]
    rows = [
        (number, customer, datetime.strptime(day, '%Y%m%d'), int(cds), Decimal(dollars))
        for number, (customer, day, cds, dollars) in enumerate(split, 1)
    ]
    if sample_only:
        with open(load_common.find_file('CDNOW_sample.txt'), encoding='ascii') as lines:
            sampled = {line.split()[0] for line in lines if line.strip()}
        rows = [row for row in rows if row[1] in sampled]
    limit = load_common.read_limit()
    kept = set(sorted({row[1] for row in rows})[:limit])
    return [row for row in rows if row[1] in kept]


def store_of(number, customer):
    """The code of the store where this purchase was made: mostly the customer's own."""
    away = load_common.spread(f'away {number}', 100) < AWAY
    place = load_common.spread(f'store {number}' if away else f'store {customer}', 100)
    for code, _name, share, _logins in STORES:
        if place < share:
            return code
        place -= share
    raise AssertionError('the shares of the stores add up to 100')


def customer_values(customer):
    number = int(customer)
    return {
        'name': load_common.customer_name(number),
        'email': f'customer{number}@example.com',
        'phone': load_common.customer_phone(number),
    }


def make_product(loader):
    """The one thing that is sold here: untaxed, invoiced as ordered."""
    return loader.named(
        'product.product',
        'product_cd',
        {
            'name': 'CD',
            'default_code': 'CDNOW-CD',
            'type': 'service',  # nothing to deliver
            'list_price': 14.99,
            'taxes_id': [],
            'supplier_taxes_id': [],
            'invoice_policy': 'order',
        },
    )


def make_orders(rows, product_id):
    """The orders, in order of time."""
    for number, customer, day, cds, dollars in sorted(rows, key=lambda row: (row[2], row[0])):
        yield load_common.Order(
            ref=f'CDNOW-{number}',
            customer=f'CDNOW-{customer}',
            day_time=datetime.combine(day, time(12)),
            store=store_of(number, customer),
            lines=((product_id, 'CD', cds, dollars),),
        )


def main(env):
    data = os.environ.get('RETAIL_CRM_DATA', 'cdnow')
    if data not in ('cdnow', 'cdnow-full'):
        raise SystemExit(f'[load] load_cdnow.py knows cdnow and cdnow-full, not {data!r}')
    rows = read_rows(sample_only=data == 'cdnow')
    loader = load_common.Loader(env, data, 'CDNOW')
    loader.set_shift(datetime(1998, 6, 30).date(), family=('cdnow', 'cdnow-full'))
    users = loader.staff()
    stores = {}
    for code, name, _share, logins in STORES:
        members = [users[login].id for login in logins]
        team = loader.store(code, name, users['leader'], members[:1])
        stores[code] = (team.id, members)
    product = make_product(loader)
    loader.commit()
    wanted = {
        f'CDNOW-{customer}': customer_values(customer) for customer in {row[1] for row in rows}
    }
    customers = loader.customers(dict(sorted(wanted.items())))
    expected = {
        f'CDNOW-{number}': (dollars, datetime.combine(day, time(12)))
        for number, _customer, day, _cds, dollars in rows
    }
    loader.load(make_orders(rows, product.id), expected, customers, stores, ORDERS_A_BATCH)
    loader.check(expected)
    loader.finish()


if 'env' in globals():
    main(globals()['env'])
