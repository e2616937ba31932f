"""The classes of real customers, compared with an oracle that knows nothing of the add-on.

All 23,570 customers of CDNOW; with RETAIL_CRM_FULL=1 also the 2,469 households of The Complete
Journey (a download of 90 MB, once). Their purchases are put into the table of purchases by SQL, as
sale orders would take hours; what each class must be is computed by tools/oracle_classes.py from
docs/classes.md alone.
"""

import csv
import importlib.util
import json
import os
from collections import Counter
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

TOOLS = Path(__file__).resolve().parent.parent / 'tools'
# the receipts' times are UTC, the shops are not (see tools/load_journey.py)
JOURNEY_ZONE = ZoneInfo('America/New_York')
# the stored interval may be rounded, no date or class computed from it
INTERVAL_TOLERANCE = Fraction(1, 10_000)
GAP_TOLERANCE = Fraction(1, 10_000)
# Odoo shows an empty number as 0, so both mean that there is none
NUMBERS = ('interval_days', 'recency_score', 'frequency_score', 'monetary_score')
DIFFERENCES_SHOWN = 20

# Runs in Odoo's shell: the customers and their documents, written past the ORM.
FILL = """
cr, company = env.cr, env.company
cr.execute(
    "CREATE TEMP TABLE source"
    " (id serial, ref text, day date, amount numeric, margin numeric, counts bool)")
with open(FOLDER + '/purchases.csv') as file:
    cr.copy_expert("COPY source (ref, day, amount, margin, counts) FROM STDIN WITH CSV", file)
cr.execute(
    "INSERT INTO res_partner (ref, name, complete_name, type, lang, autopost_bills, active,"
    "                         is_company, partner_share, retail_customer)"
    " SELECT DISTINCT source.ref, source.ref, source.ref, 'contact', own.lang, own.autopost_bills,"
    "        true, false, true, true"
    "   FROM source CROSS JOIN res_partner AS own WHERE own.id = %s",
    [company.partner_id.id])
cr.execute(
    "UPDATE res_partner SET commercial_partner_id = id WHERE ref IN (SELECT ref FROM source)"
    " RETURNING id")
partner_ids = sorted(row[0] for row in cr.fetchall())
cr.execute(
    "INSERT INTO retail_purchase (res_model, res_id, company_id, partner_id, date, amount, margin,"
    "                             returned, counts, rate_missing)"
    " SELECT 'sale.order', source.id, %s, partner.id, source.day, source.amount, source.margin,"
    "        0, source.counts, false"
    "   FROM source JOIN res_partner AS partner USING (ref)",
    [company.id])
cr.execute("ANALYZE res_partner")
env.invalidate_all()
env['retail.purchase']._mark_occasions(partner_ids)
cr.execute("ANALYZE retail_purchase")
cr.commit()
"""

# Runs in Odoo's shell after FILL: the classes on some days, one file a day.
DUMP = """
import datetime, json

def rows(query):
    cr.execute(query)
    return [column.name for column in cr.description], cr.fetchall()

def versions():
    # where the rows lie: an UPDATE moves a row even when it changes no value
    profiles = rows("SELECT id, ctid::text FROM retail_profile ORDER BY id")[1]
    return profiles, env['retail.profile.change'].search_count([])

profiles = env['retail.profile']
rules = env['retail.classification'].search([('company_id', '=', company.id)])

def dump(name, day, refreshes):
    as_of = datetime.date.fromisoformat(day)
    assert profiles._refresh(as_of=as_of) is not None
    env.flush_all()
    names, found = rows(
        "SELECT partner.ref, profile.* FROM retail_profile AS profile"
        "  JOIN res_partner AS partner ON partner.id = profile.partner_id"
        " WHERE partner.ref IN (SELECT ref FROM source)")
    cr.execute("SELECT retail_gap_days FROM res_company WHERE id = %s", [company.id])
    result = {'gap': cr.fetchone()[0], 'names': names, 'rows': found, 'again': None}
    if refreshes:
        before = versions()
        some = env['res.partner'].browse(partner_ids[::50])
        result['again'] = [
            profiles._refresh(as_of=as_of),
            profiles._refresh(some, as_of=as_of),
            versions() == before,
        ]
    with open(f'{FOLDER}/{name}.json', 'w') as file:
        json.dump(result, file, default=str)
    cr.commit()

for day in DAYS:
    dump(day, day, day in AGAIN)
    if day == RULED_DAY:
        # as a manager changes them: on the same day, so that nothing but the rules moves anybody
        history = versions()[1]
        for number, values in enumerate(RULED):
            rules.action_reset()
            rules.write(values)
            assert rules.is_pending
            dump(f'ruled-{number}', day, False)
            assert not rules.is_pending
        assert versions()[1] == history, 'rules move classes without a word'
        rules.action_reset()
"""


@pytest.fixture(scope='module')
def oracle():
    spec = importlib.util.spec_from_file_location('oracle_classes', TOOLS / 'oracle_classes.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_cdnow(folder, name='CDNOW_master.txt'):
    """[(customer, date, dollars)], from either file: the sample has one more column, a number."""
    rows = []
    for line in next(folder.rglob(name)).read_text().splitlines():
        words = line.split()
        if words and words[0].isdigit():
            day = words[-3]
            bought = date(int(day[:4]), int(day[4:6]), int(day[6:]))
            rows.append((f'CDNOW-{words[0]}', bought, Decimal(words[-1])))
    return rows


def read_journey(folder):
    """[(household, date, dollars)] of the baskets."""
    import pyarrow.compute as compute
    import pyarrow.parquet

    lines = pyarrow.parquet.read_table(
        next(folder.rglob('transactions.parquet')),
        columns=['household_id', 'basket_id', 'sales_value', 'transaction_timestamp'],
    )
    cents = compute.cast(compute.round(compute.multiply(lines['sales_value'], 100)), 'int64')
    baskets = (
        lines.append_column('cents', cents)
        .group_by(['household_id', 'basket_id'])
        .aggregate([('cents', 'sum'), ('transaction_timestamp', 'min')])
        .sort_by('basket_id')
    )
    columns = ('household_id', 'transaction_timestamp_min', 'cents_sum')
    return [
        (
            f'JOURNEY-{household}',
            moment.replace(tzinfo=UTC).astimezone(JOURNEY_ZONE).date(),
            Decimal(cents).scaleb(-2),
        )
        for household, moment, cents in zip(
            *(baskets[column].to_pylist() for column in columns), strict=True
        )
    ]


#: Other rules, as the add-on and as the oracle calls them: two sets, so that each choice is made.
YEARS = {
    'new': '0.25',
    'growth': '0.55',
    'mature': '0.95',
    'won_back': '0.45',
    'at_risk': '0.35',
    'lapsed': '0.15',
    'lost': '0.05',
}
OTHER_RULES = (
    (
        {
            'new_days': 60,
            'watch_factor': 1.25,
            'alert_factor': 2.5,
            'lost_factor': 4,
            'lost_months': 3,
            'trend_percent': 30,
            'trend_orders': 2,
            'mature_percentile': 50,
            'loyal_orders': 3,
            'loyal_months': '24',
            'rfm_method': 'fixed',
            'recency_2': 200,
            'recency_3': 150,
            'recency_4': 100,
            'recency_5': 50,
            'frequency_2': 2,
            'frequency_3': 3,
            'frequency_4': 4,
            'frequency_5': 6,
            'monetary_2': 20,
            'monetary_3': 40.5,
            'monetary_4': 80,
            'monetary_5': 160,
            'high_value_method': 'amount',
            'high_value_amount': 25.5,
            'star_value_percent': 20,
            'star_loyalty_score': 70,
            'abc_a_percent': 60,
            'abc_b_percent': 25,
            'abc_potential_percent': 50,
            'weight_purchase': 7,
            'weight_reference': 0,
            **{f'years_{stage}': float(years) for stage, years in YEARS.items()},
        },
        {
            'new_days': 60,
            'won_back_days': 60,
            'watch_factor': Fraction(5, 4),
            'alert_factor': Fraction(5, 2),
            'lost_factor': Fraction(4),
            'lost_months': 3,
            'trend_percent': 30,
            'trend_purchases': 2,
            'mature_percentile': 50,
            'loyal_purchases': 3,
            'loyal_months': 24,
            'fixed_thresholds': True,
            'recency_thresholds': (200, 150, 100, 50),
            'frequency_thresholds': (2, 3, 4, 6),
            'monetary_thresholds': (20, Fraction('40.5'), 80, 160),
            'high_value_amount': Fraction('25.5'),
            'star_percent': 20,
            'star_score': 70,
            'abc_a_percent': 60,
            'abc_b_percent': 25,
            'abc_potential_percent': 50,
            'loyalty_weights': (7, 0, 15, 20, 10),
            'expected_years': {
                'prospect': Fraction(0),
                **{stage: Fraction(years) for stage, years in YEARS.items()},
            },
        },
    ),
    (
        {
            'loyal_months': '0',
            'loyal_orders': 6,
            'trend_orders': 0,
            'trend_percent': 5,
            'high_value_percent': 2.5,
            'star_value_percent': 55,
            'mature_percentile': 0,
            'abc_a_percent': 50,
            'abc_b_percent': 50,
            'abc_potential_percent': 0,
            'alert_factor': 1.5,
        },
        {
            'loyal_months': None,
            'loyal_purchases': 6,
            'trend_purchases': 0,
            'trend_percent': 5,
            'high_value_percent': Fraction(5, 2),
            'star_percent': 55,
            'mature_percentile': 0,
            'abc_a_percent': 50,
            'abc_b_percent': 50,
            'abc_potential_percent': 0,
            'alert_factor': Fraction(3, 2),
        },
    ),
)

#: How each data set is read, the days compared, and the day on which they are by other rules, too:
#: with purchases in both of the years before.
DATASETS = {
    'cdnow': (
        read_cdnow,
        # nobody has come back; R-loy C.6; the last day; a leap day; long after everything
        [date(1997, 1, 1), date(1997, 9, 30), date(1998, 6, 30), date(2000, 2, 29)]
        + [date(2004, 12, 31)],
        date(1998, 6, 30),
    ),
    'journey': (
        read_journey,
        [date(2017, 1, 1), date(2017, 6, 30), date(2017, 12, 31), date(2018, 3, 31)]
        + [date(2020, 2, 29)],
        date(2018, 3, 31),
    ),
}
CHOSEN = list(DATASETS) if os.environ.get('RETAIL_CRM_FULL') else ['cdnow']


def documents_of(oracle, rows, altered):
    """The rows as documents with the margin of a company that changed nothing, 30 %.

    When `altered`, one of fifty was returned as a whole, and one of fifty is a refund: both count
    as no purchase, and only the refund has an amount.
    """
    documents = []
    for number, (customer, day, amount) in enumerate(rows):
        counts = not (altered and number % 50 in (7, 23))
        if not counts:
            amount = -amount if number % 50 == 7 else Decimal(0)
        margin = oracle.rounded(Fraction(amount) * 30 / 100, 2)
        documents.append(oracle.Purchase(customer, day, amount, margin, counts))
    return documents


def store_classes(house, name, folder, documents, days, again=(), ruled_day=None, ruled=()):
    """{day: what the add-on stores} after these documents were put into the database.

    `ruled` are other rules, by which classes are made on one of the days, too: keys 0, 1, ...
    """
    with open(folder / 'purchases.csv', 'w', newline='') as file:
        csv.writer(file).writerows(
            (one.customer, one.date, one.amount, one.margin, one.counts) for one in documents
        )
    options = (
        str(folder),
        [str(day) for day in days],
        [str(day) for day in again],
        str(ruled_day),
        list(ruled),
    )
    names = 'FOLDER, DAYS, AGAIN, RULED_DAY, RULED'
    house.shell_script(name, f'{names} = {options!r}\n{FILL}{DUMP}')
    stored = {}
    files = {day: day for day in days} | {number: f'ruled-{number}' for number in range(len(ruled))}
    for day, file_name in files.items():
        with open(folder / f'{file_name}.json') as file:
            one = SimpleNamespace(**json.load(file, parse_float=Decimal))
        profiles = [dict(zip(one.names, row, strict=True)) for row in one.rows]
        stored[day] = SimpleNamespace(
            gap=one.gap and Fraction(one.gap),
            again=one.again,
            profiles={profile['ref']: profile for profile in profiles},
        )
        assert len(profiles) == len(stored[day].profiles), day
    return stored


def is_same(column, stored, expected):
    if expected is None:
        return stored is None or (column in NUMBERS and Decimal(stored) == 0)
    if isinstance(expected, bool):
        return bool(stored) == expected
    if stored is None:
        return False
    if column == 'interval_days':
        return abs(Fraction(stored) - expected) <= INTERVAL_TOLERANCE
    if isinstance(expected, (Decimal, int)):
        return Decimal(stored) == expected
    return str(stored) == str(expected)


def compare(oracle, documents, stored, day, rules=None):
    """Every class of every customer on this day is the oracle's, given the stored usual gap."""
    usual = oracle.population_gap(documents, day)
    if usual is None:
        assert not stored.gap, day
    else:
        assert abs(stored.gap - usual) <= GAP_TOLERANCE, (day, stored.gap, float(usual))
    expected, _population = oracle.classes(
        documents, day, rules, population={'gap': stored.gap or None}
    )
    assert set(stored.profiles) == set(expected), day
    wrong, examples = Counter(), []
    for customer, columns in expected.items():
        profile = stored.profiles[customer]
        for column, value in columns.items():
            if not is_same(column, profile[column], value):
                wrong[column] += 1
                if wrong[column] <= max(1, DIFFERENCES_SHOWN // len(columns)):
                    examples.append(
                        f'{customer} {column}: {profile[column]!r} is stored, not {value!r}'
                    )
    assert not wrong, '\n'.join([f'{day}: {dict(wrong)}', *examples])


def test_oracle_holds(oracle):
    """The oracle itself gives what was worked out by hand."""
    oracle.test_all()


@pytest.mark.parametrize('dataset', CHOSEN)
def test_classes_of_real_customers(dataset, house, fresh_db, oracle, tmp_path):
    """Every class of every customer is that of docs/classes.md, by the shipped rules and by others.

    A second refresh writes nothing, and other rules leave no trace in the history.
    """
    read, days, ruled_day = DATASETS[dataset]
    house.setup('odoo', dataset)
    rows = read(house.data_folder(dataset))
    documents = documents_of(oracle, rows, altered=True)
    stored = store_classes(
        house,
        fresh_db(),
        tmp_path,
        documents,
        days,
        again=days[1:3],
        ruled_day=ruled_day,
        ruled=[values for values, _rules in OTHER_RULES],
    )
    for day in days:
        compare(oracle, documents, stored[day], day)
    for number, (_values, rules) in enumerate(OTHER_RULES):
        compare(oracle, documents, stored[number], ruled_day, rules)
    # of all customers; of some, by the kept figures of all; no row was written
    assert [stored[day].again for day in days[1:3]] == [[0, 0, True]] * 2


def test_early_warning_as_published(house, fresh_db, oracle, tmp_path):
    """Whom the churn level flags on the CDNOW sample, and how many never came back (R-loy C.6)."""
    house.setup('odoo', 'cdnow')
    rows = read_cdnow(house.data_folder('cdnow'), 'CDNOW_sample.txt')
    documents = documents_of(oracle, rows, altered=False)
    # on the first day there are fewer than 50 buyers: scores by fixed thresholds
    first, day = date(1997, 1, 1), date(1997, 9, 30)
    assert len({customer for customer, bought, _dollars in rows if bought == first}) < 50
    stored = store_classes(house, fresh_db(), tmp_path, documents, [first, day])
    for one in stored:
        compare(oracle, documents, stored[one], one)
    days_of = {}
    for customer, bought, _dollars in rows:
        days_of.setdefault(customer, set()).add(bought)
    repeat = {
        customer for customer, own in days_of.items() if sum(1 for one in own if one <= day) > 1
    }
    assert len(repeat) == 946
    for levels, published in (
        (('watch', 'alert'), (494, Decimal('60.1'))),
        (('alert',), (304, Decimal('68.4'))),
    ):
        flagged = [
            customer
            for customer in repeat
            if stored[day].profiles[customer]['churn_level'] in levels
        ]
        silent = [customer for customer in flagged if max(days_of[customer]) <= day]
        share = oracle.rounded(Fraction(100 * len(silent), len(flagged)), 1)
        assert (len(flagged), share) == published, levels
