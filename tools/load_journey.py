"""Load The Complete Journey: a year of a grocer's receipts of RETAIL_CRM_HOUSEHOLDS households.

A script for the standard input of Odoo's shell. A basket is one confirmed sale order, a store is a
sales team, a product lies in its category of three levels (department, category, type). Coupons and
campaigns are left out. Called again with more households, it adds those.
"""

import os
import sys
from collections import defaultdict
from datetime import UTC
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow
import pyarrow.compute
import pyarrow.parquet

sys.path.insert(0, os.environ.get('RETAIL_CRM_TOOLS') or os.path.join(os.getcwd(), 'tools'))

import load_common

LINES_A_BATCH = 1500
PRODUCTS_A_BATCH = 1000
ROWS_A_SLICE = 20000
# the file's times are UTC: its shops are busiest at 22 h and closed from 5 to 10 h
SOURCE_ZONE = ZoneInfo('America/New_York')
MOST_PIECES = 1000  # larger quantities are fuel and money counted in odd units
SELLERS = ('clerk', 'clerk2', 'clerk3', 'leader')
UNKNOWN_PATH = ('UNKNOWN', 'UNKNOWN', 'UNKNOWN')
DEMOGRAPHICS = {
    'age': 'Age',
    'income': 'Income',
    'home_ownership': 'Home',
    'marital_status': 'Marital status',
    'household_size': 'Persons',
    'household_comp': 'Household',
    'kids_count': 'Children',
}
TAGS = ('age', 'household_comp')  # the demographics that become tags as well


def read_table(name):
    return pyarrow.parquet.read_table(load_common.find_file(f'{name}.parquet'))


def read_households():
    """The ids of the households to load: the first ones."""
    count = int(os.environ.get('RETAIL_CRM_HOUSEHOLDS') or 100)
    column = pyarrow.parquet.read_table(
        load_common.find_file('transactions.parquet'), columns=['household_id']
    )['household_id']
    households = sorted(column.unique().to_pylist())
    return households[: min(count, load_common.read_limit() or count)]


def read_transactions(households):
    """The receipt lines of these households in order of time, a basket's lines together.

    `cents` is the value of a line, `pieces` a quantity that can be shown.
    """
    compute = pyarrow.compute
    table = read_table('transactions').select(
        ['household_id', 'store_id', 'basket_id', 'product_id', 'quantity', 'sales_value']
        + ['transaction_timestamp']
    )
    table = table.filter(compute.is_in(table['household_id'], pyarrow.array(households)))
    table = table.sort_by(
        [('transaction_timestamp', 'ascending'), ('basket_id', 'ascending')]
        + [('product_id', 'ascending')]
    )
    cents = compute.cast(compute.round(compute.multiply(table['sales_value'], 100)), 'int64')
    odd = compute.or_(
        compute.less_equal(table['quantity'], 0), compute.greater(table['quantity'], MOST_PIECES)
    )
    pieces = compute.if_else(odd, 1, table['quantity'])
    return (
        table.drop_columns(['quantity', 'sales_value'])
        .append_column('cents', cents)
        .append_column('pieces', pieces)
    )


def money(cents):
    return Decimal(cents).scaleb(-2)


def wall_clock(moment):
    """The clock on the shop's wall."""
    return moment.replace(tzinfo=UTC).astimezone(SOURCE_ZONE).replace(tzinfo=None)


def expected_orders(table):
    """{reference: (amount, local wall clock)} of the baskets."""
    baskets = table.group_by('basket_id').aggregate(
        [('cents', 'sum'), ('transaction_timestamp', 'min')]
    )
    columns = ('basket_id', 'cents_sum', 'transaction_timestamp_min')
    rows = zip(*(baskets[column].to_pylist() for column in columns), strict=True)
    return {
        f'JOURNEY-{basket}': (money(cents), wall_clock(moment)) for basket, cents, moment in rows
    }


def make_orders(table, products):
    """The baskets, in order of time; `products` is {source id: (product id, name)}."""

    def rows():
        for start in range(0, table.num_rows, ROWS_A_SLICE):
            yield from table.slice(start, ROWS_A_SLICE).to_pylist()

    for basket, lines in groupby(rows(), key=lambda row: row['basket_id']):
        lines = list(lines)
        yield load_common.Order(
            ref=f'JOURNEY-{basket}',
            customer=f'JOURNEY-{lines[0]["household_id"]}',
            day_time=wall_clock(lines[0]['transaction_timestamp']),
            store=str(lines[0]['store_id']),
            lines=tuple(
                (*products[line['product_id']], line['pieces'], money(line['cents']))
                for line in lines
            ),
        )


# === MASTER DATA ===


def customer_values(loader, households):
    """{reference: values} of the households, with what is known of a third of them."""
    rows = {row['household_id']: row for row in read_table('demographics').to_pylist()}
    known = {household: rows[household] for household in households if household in rows}
    tags = make_tags(loader, known.values())
    wanted = {}
    for household in households:
        facts = {field: value for field, value in known.get(household, {}).items() if value}
        wanted[f'JOURNEY-{household}'] = {
            'name': load_common.customer_name(household),
            'email': f'household{household}@example.com',
            'phone': load_common.customer_phone(100000 + household),
            'category_id': [tags[facts[field]] for field in TAGS if field in facts],
            'comment': '<br/>'.join(
                f'{label}: {facts[field]}'
                for field, label in DEMOGRAPHICS.items()
                if field in facts
            ),
        }
    return wanted


def make_tags(loader, rows):
    """{value: id of the contact tag} of the demographics that become tags."""
    labels = {
        row[field]: f'{DEMOGRAPHICS[field]}: {row[field]}'
        for row in rows
        for field in TAGS
        if row[field]
    }
    categories = loader.env['res.partner.category']
    known = {tag.name: tag.id for tag in categories.search([('name', 'in', list(labels.values()))])}
    missing = sorted(set(labels.values()) - known.keys())
    known.update(
        zip(missing, categories.create([{'name': name} for name in missing]).ids, strict=True)
    )
    return {value: known[label] for value, label in labels.items()}


def make_stores(loader, users, codes):
    """{code: (team id, ids of its sellers)}"""
    stores = {}
    for code in codes:
        first = load_common.spread(f'sellers {code}', len(SELLERS))
        sellers = [users[SELLERS[(first + step) % len(SELLERS)]].id for step in (0, 1)]
        team = loader.store(code, f'Store {code}', users['leader'], [])
        stores[code] = (team.id, sellers)
    return stores


def make_categories(loader, paths):
    """{path: id of the product category at its end} for paths of three names."""
    categories = loader.env['product.category']
    known = {(row.parent_id.id, row.name): row.id for row in categories.search([])}
    ids = {(): False}
    for level in (1, 2, 3):
        branches = sorted({path[:level] for path in paths})
        missing = [path for path in branches if (ids[path[:-1]], path[-1]) not in known]
        created = categories.create(
            [{'name': path[-1], 'parent_id': ids[path[:-1]]} for path in missing]
        )
        for path, category_id in zip(missing, created.ids, strict=True):
            known[ids[path[:-1]], path[-1]] = category_id
        ids.update((path, known[ids[path[:-1]], path[-1]]) for path in branches)
    return ids


def describe_product(product, row):
    """(path of its category, name) of a product; `row` is None for those the file does not list."""
    if row is None:
        return UNKNOWN_PATH, f'Unknown item {product}'
    path = tuple(row[level] or 'OTHER' for level in ('department', 'product_category'))
    path += (row['product_type'] or 'OTHER',)
    name = row['product_type'] or row['product_category'] or row['department']
    return path, ' '.join(filter(None, [name, row['package_size']]))


def usual_prices(table):
    """{product: value of a piece over all its lines}"""
    sums = table.group_by('product_id').aggregate([('cents', 'sum'), ('pieces', 'sum')])
    columns = ('product_id', 'cents_sum', 'pieces_sum')
    rows = zip(*(sums[column].to_pylist() for column in columns), strict=True)
    return {product: round(cents / pieces / 100, 2) for product, cents, pieces in rows}


def make_products(loader, table):
    """{source id: (product id, name)} of everything these households bought."""
    prices = usual_prices(table)
    listed = read_table('products')
    listed = listed.filter(
        pyarrow.compute.is_in(listed['product_id'], pyarrow.array(list(prices)))
    ).to_pylist()
    rows = defaultdict(lambda: None, ((row['product_id'], row) for row in listed))
    described = {product: describe_product(product, rows[product]) for product in sorted(prices)}
    known = loader.references('product.product', 'default_code')
    missing = [product for product in described if f'JOURNEY-{product}' not in known]
    categories = make_categories(loader, {path for path, _name in described.values()})
    for start in range(0, len(missing), PRODUCTS_A_BATCH):
        batch = missing[start : start + PRODUCTS_A_BATCH]
        created = loader.env['product.product'].create(
            [
                {
                    'name': described[product][1],
                    'default_code': f'JOURNEY-{product}',
                    'categ_id': categories[described[product][0]],
                    'type': 'service',  # nothing to deliver
                    'list_price': prices[product],
                    'taxes_id': [],
                    'supplier_taxes_id': [],
                    'invoice_policy': 'order',
                }
                for product in batch
            ]
        )
        codes = (f'JOURNEY-{product}' for product in batch)
        known.update(zip(codes, created.ids, strict=True))
        loader.commit()
        load_common.say(f'{start + len(batch)}/{len(missing)} products, {loader.seconds()}')
    return {
        product: (known[f'JOURNEY-{product}'], name) for product, (_path, name) in described.items()
    }


def main(env):
    households = read_households()
    table = read_transactions(households)
    expected = expected_orders(table)
    loader = load_common.Loader(env, 'journey', 'JOURNEY')
    loader.set_shift(max(day_time for _amount, day_time in expected.values()).date())
    codes = [str(store) for store in sorted(table['store_id'].unique().to_pylist())]
    stores = make_stores(loader, loader.staff(), codes)
    loader.commit()
    customers = loader.customers(customer_values(loader, households))
    products = make_products(loader, table)
    loader.load(make_orders(table, products), expected, customers, stores, LINES_A_BATCH)
    loader.check(expected)
    loader.finish()


if 'env' in globals():
    main(globals()['env'])
