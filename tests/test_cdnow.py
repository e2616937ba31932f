"""The figures of real customers: CDNOW loaded like a shop's data, compared with the oracle.

Three hundred customers of the sample; all of its 2,357 with RETAIL_CRM_FULL=1. What each figure
must be is computed from the source file by tools/oracle.py, without Odoo and without SQL.
"""

import importlib.util
import json
import os
import subprocess
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / 'tools'
MARK = 'CDNOW-RESULT '
LIMIT = None if os.environ.get('RETAIL_CRM_FULL') else 300
INVOICED = int(os.environ.get('RETAIL_CRM_INVOICED', 60))  # more take minutes
MARGIN = Decimal('0.3')  # of a company that changed nothing

# Runs in Odoo's shell: the figures of all customers on some days, under both bases.
SCRIPT = """
import datetime, json

def dump(days):
    result = {'purchases': rows(
        "SELECT p.ref, res_model, date, amount, margin, returned, counts, store_id IS NOT NULL"
        " FROM retail_purchase r JOIN res_partner p ON p.id = r.partner_id")[1], 'days': {}}
    for day in days:
        env['retail.profile']._refresh(as_of=datetime.date.fromisoformat(day))
        names, found = rows(
            "SELECT p.ref, f.* FROM retail_profile f JOIN res_partner p ON p.id = f.partner_id")
        result['days'][day] = {
            'gap': str(env.company.retail_gap_days),
            'rows': {row[0]: dict(zip(names, row)) for row in found},
        }
    return result

def rows(query):
    env.cr.execute(query)
    return [column.name for column in env.cr.description], env.cr.fetchall()

days = DAYS
results = {'order': dump(days)}
partners = env['res.partner'].search([('ref', '=like', 'CDNOW-%')], order='ref', limit=INVOICED)
orders = env['sale.order'].search([('partner_id', 'in', partners.ids)])
invoices = orders._create_invoices(grouped=True)
for invoice in invoices:
    invoice.invoice_date = invoice.invoice_line_ids.sale_line_ids.order_id.date_order.date()
invoices.action_post()
env.company.retail_purchase_basis = 'invoice'
env.cr.commit()
env['retail.purchase']._cron_repair()
assert not env.company.retail_rebuild_pending
results['invoice'] = dump(days)
env.company.retail_purchase_basis = 'order'
env.cr.commit()
env['retail.purchase']._cron_repair()
results['again'] = dump(days)
env.cr.commit()
print('MARK' + json.dumps(results, default=str))
"""


def load_oracle():
    spec = importlib.util.spec_from_file_location('oracle', TOOLS / 'oracle.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_source(folder):
    """[(customer, date, dollars)] of the customers that are loaded, from the files themselves."""
    sample = next(folder.rglob('CDNOW_sample.txt')).read_text().splitlines()
    chosen = sorted({line.split()[0] for line in sample if line.strip()})[:LIMIT]
    chosen = {f'CDNOW-{customer}' for customer in chosen}
    rows = []
    for line in next(folder.rglob('CDNOW_master.txt')).read_text().splitlines()[1:]:
        if line.strip():
            customer, day, _cds, dollars = line.split()
            bought = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            rows.append((f'CDNOW-{customer}', bought, Decimal(dollars)))
    return [row for row in rows if row[0] in chosen]


def cents(number):
    number = Fraction(number)
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    return exact.quantize(Decimal('0.01'), ROUND_HALF_UP)


@pytest.fixture
def results(house, fresh_db, monkeypatch):
    """(what the database has under each basis, what the source says, the days compared)"""
    house.setup('odoo', 'cdnow')
    name = fresh_db()
    if LIMIT:
        monkeypatch.setenv('RETAIL_CRM_LIMIT', str(LIMIT))
    house.load_data(name, 'cdnow', None)
    [[shift]] = house.sql(
        "SELECT value FROM ir_config_parameter WHERE key = 'retail_crm.demo_shift_cdnow'", name
    )
    shift = timedelta(days=int(shift))
    source = [
        (customer, day + shift, dollars, cents(dollars * MARGIN), True)
        for customer, day, dollars in read_source(house.data_folder('cdnow'))
    ]
    last = max(row[1] for row in source)
    days = [last - timedelta(days=200), last, last + timedelta(days=100)]
    days += [date(last.year + 1, 2, 28), date(last.year + 1, 3, 1)]
    script = SCRIPT.replace('DAYS', repr([str(day) for day in days]))
    script = script.replace('INVOICED', str(INVOICED)).replace('MARK', MARK)
    command = house.odoo_command(name, '--no-http', '--log-level=warn', command='shell')
    done = subprocess.run(
        command, env=house.environment(), input=script, capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    assert not done.returncode and lines, done.stderr[-3000:]
    return json.loads(lines[0].removeprefix(MARK), parse_float=Decimal), source, days


def compare(found, source, days):
    """Every figure of every customer on every day equals the oracle's."""
    oracle = load_oracle()
    for day in days:
        stored = found['days'][str(day)]
        rows = [oracle.Purchase(*row) for row in source]
        usual = oracle.population_gap(rows, day)
        assert abs(Fraction(stored['gap']) - usual) <= Fraction(1, 10_000), day
        expected = oracle.figures(source, day, population=Fraction(stored['gap']))
        assert set(stored['rows']) >= {row[0] for row in source}
        for customer, row in stored['rows'].items():
            # bought later than this day, or was not invoiced where invoices are the purchases
            if customer not in expected:
                assert row['lifecycle'] == 'prospect', customer
                assert (row['order_count'], Decimal(row['spend_total'])) == (0, 0), customer
                continue
            one = expected[customer]
            for figure in ('first_order_date', 'last_order_date', 'expected_next_date'):
                assert row[figure] == str(one[figure]), (customer, day, figure)
            for figure in ('order_count', 'order_count_12m'):
                assert row[figure] == one[figure], (customer, day, figure)
            for figure in ('spend_total', 'spend_12m', 'spend_prev_12m', 'margin_12m'):
                assert Decimal(row[figure]) == one[figure], (customer, day, figure)
            assert Decimal(row['average_order']) == cents(one['average_order']), (customer, day)
            gap = one['mean_gap_days']
            stored_gap = row['mean_gap_days'] and Decimal(row['mean_gap_days'])
            assert stored_gap == (None if gap is None else cents(gap)), (customer, day)


def compare_purchases(found, source, model):
    """Each line of the source is one purchase of that customer, day and amount."""
    purchases = [
        (ref, day, Decimal(amount), Decimal(margin))
        for ref, res_model, day, amount, margin, returned, counts, in_store in found['purchases']
        if res_model == model and counts and in_store and not Decimal(returned)
    ]
    assert len(purchases) == len(found['purchases'])
    expected = [(ref, str(day), amount, margin) for ref, day, amount, margin, _counts in source]
    assert sorted(purchases) == sorted(expected)


def test_figures_of_real_customers_under_both_bases(results):
    """Amounts are those of the file, figures those of the oracle (design 4.2, 4.3, 5.1)."""
    found, source, days = results
    assert len({row[0] for row in source}) == (LIMIT or 2357)
    compare_purchases(found['order'], source, 'sale.order')
    compare(found['order'], source, days)
    invoiced = set(sorted({row[0] for row in source})[:INVOICED])
    billed = [row for row in source if row[0] in invoiced]
    compare_purchases(found['invoice'], billed, 'account.move')
    compare(found['invoice'], billed, days)
    compare_purchases(found['again'], source, 'sale.order')
    compare(found['again'], source, days)
