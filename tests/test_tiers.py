"""Tiers, compared with an oracle that knows nothing of the add-on (docs/tiers.md).

Thousands of random histories through the rules as plain functions; the customers of CDNOW in a real database; and the
nightly run, killed in the middle.
"""

import importlib
import importlib.util
import json
import random
import signal
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import test_cdnow
import test_faults

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tools'))

import oracle_tiers
from oracle_tiers import Document, Override, Return, Rules, Tier, Version

LOYALTY = Path(__file__).resolve().parent.parent / 'retail_crm/models/loyalty'
ONE_DAY = timedelta(days=1)
HISTORIES = 1000
CAUSES = {'enrolment': 'entry', 'leaving': 'leave', 'override ended': 'override_end'}


@pytest.fixture(scope='module')
def engine():
    """The rules as plain functions: the two files without Odoo."""
    spec = importlib.util.spec_from_loader('engine', loader=None, is_package=True)
    package = importlib.util.module_from_spec(spec)
    package.__path__ = [str(LOYALTY)]
    sys.modules['engine'] = package
    yield importlib.import_module('engine._tiers')
    for name in [name for name in sys.modules if name.split('.')[0] == 'engine']:
        del sys.modules[name]


# === RANDOM HISTORIES ===


class History:
    """A programme and a customer, by a seed: documents, returns, late ones, overrides, leaving and coming back."""

    def __init__(self, seed):
        self.chance = chance = random.Random(seed)
        self.window = chance.choice(['rolling'] * 6 + ['calendar', 'membership'] * 2 + ['lifetime'])
        self.length = 220 if self.window == 'rolling' else chance.choice((400, 900))
        self.first = date(chance.choice((2023, 2024, 2027)), chance.randrange(1, 13), 1)
        self.first += timedelta(chance.choice((0, 0, 27, chance.randrange(28))))
        self.last = self.first + timedelta(self.length)
        self.rules = self.random_rules()
        self.is_calm = chance.random() < 0.5  # all is known in time and nothing comes back
        self.documents = [self.random_document() for _number in range(chance.choice((1, 3, 6, 9)))]
        self.enrolled = None
        if not self.rules.automatic_enrolment:
            self.enrolled = self.random_stays()
        self.overrides = self.random_overrides() if chance.random() < 0.5 else ()

    def day(self, part=1.0):
        return self.first + timedelta(self.chance.randrange(int(self.length * part)))

    def random_rules(self):
        chance = self.chance
        tiers = [Tier('0')]
        for level in range(1, chance.choice((2, 3, 4, 5))):
            days = [date(2000, 1, 1)] if chance.random() < 0.85 else []
            days += [self.day() for _number in range(chance.choice((0, 0, 0, 1, 2)))]
            versions = []
            for begins in sorted(set(days)):
                amount = level * chance.choice((0, 3, 4, 5))
                count = level * chance.choice((0, 0, 1, 2)) or (0 if amount else level)
                keep = (
                    chance.choice((None, None, Decimal(chance.randrange(0, 8)))),
                    chance.choice((None, None, chance.randrange(0, 3))),
                )
                versions.append(Version(begins, Decimal(amount), count, *keep))
            tiers.append(Tier(str(level), tuple(versions)))
        return Rules(
            tuple(tiers),
            criteria=chance.choice(('either', 'both')),
            window=self.window,
            window_months=chance.randrange(1, 5),
            first_month=chance.randrange(1, 13),
            validity_months=chance.randrange(1, 4),
            grace_days=chance.choice((0, 0, 1, 5, 10, 20, 31, 366)),
            drop=chance.choice(('one_down', 're_evaluate')),
            strict=chance.random() < 0.5,
            entry_purchase_counts=chance.random() < 0.5,
            automatic_enrolment=chance.random() < 0.85,
            first_day=chance.choice((None, None, self.day(0.4))),
        )

    def random_document(self):
        chance = self.chance
        day = self.day(0.8) - timedelta(chance.choice((0, 0, 0, 40)))
        if chance.random() < 0.3:  # several on one day, and about the ends of months
            day = day.replace(day=chance.choice((1, 28)))
        amount = Decimal(chance.choice((0, 100, 200, 300, 399, 400, 401, 800))) / 100
        counted = chance.random() < 0.9
        if not counted:
            amount = -amount
        known, returns = None, ()
        if not self.is_calm:
            if chance.random() < 0.3:
                known = day + timedelta(chance.choice((1, 3, 30, 100)))
            if counted and chance.random() < 0.4:
                back = max(day, known or day) + timedelta(chance.randrange(0, 90))
                part = chance.choice((1, 2))  # all of it, or half
                returns = (Return(back, amount / part, counted=part > 1),)
        return Document(day, amount, counted, returns, known)

    def random_stays(self):
        begins = self.day(0.4)
        if self.chance.random() < 0.6:
            return [(begins, None)]
        left = begins + timedelta(self.chance.randrange(1, 200))
        return [(begins, left), (left + timedelta(self.chance.randrange(1, 100)), None)]

    def random_overrides(self):
        overrides = []
        for _number in range(self.chance.choice((1, 1, 2, 3))):
            begins = self.day()
            ends = begins + timedelta(self.chance.randrange(1, self.length))
            ended = begins + timedelta(self.chance.randrange(1, 90))
            ended = ended if ended < ends and self.chance.random() < 0.4 else None
            name = self.chance.choice(self.rules.tiers).name
            overrides.append(Override(name, begins, ends, ended))
        by_day = {override.begins: override for override in overrides}
        return tuple(by_day[day] for day in sorted(by_day))


def cents(amount):
    return None if amount is None else int(amount * 100)


def engine_rules(engine, rules):
    """The rules as the add-on has them."""
    return engine.Rules(
        tiers=tuple(
            engine.Tier(
                tier.name,
                tuple(
                    engine.Version(
                        version.begins,
                        cents(version.enter_amount),
                        version.enter_count,
                        cents(version.keep_amount),
                        version.keep_count,
                    )
                    for version in tier.versions
                ),
            )
            for tier in rules.tiers
        ),
        criteria=rules.criteria,
        window=rules.window,
        months=rules.window_months,
        first_month=rules.first_month,
        validity=rules.validity_months,
        grace=rules.grace_days,
        drop=rules.drop.replace('_', '') if rules.drop == 're_evaluate' else rules.drop,
        strict=rules.strict,
        entry_counts=rules.entry_purchase_counts,
        automatic=rules.automatic_enrolment,
        start=rules.first_day,
    )


def known_documents(engine, history, today):
    """What the add-on would find on a day."""
    found = [(one.day, one.as_known_on(today)) for one in history.documents]
    return [
        engine.Document(day, cents(known[0]), known[1]) for day, known in found if known is not None
    ]


class Run:
    """The add-on's rules on the way through a history; it stops on some days only, or on each."""

    def __init__(self, engine, history):
        self.engine, self.history = engine, history
        self.rules = engine_rules(engine, history.rules)
        self.state, self.moves, self.override = engine.State(), [], None
        self.told_of, self.stage, self.warnings = None, 0, []

    def do(self, work, *args):
        self.state, moves = work(self.state, *args)
        self.moves += moves

    def stop(self, today, documents):
        """What the add-on does on a day: the rules, then what staff do."""
        engine, rules = self.engine, self.rules
        for begins, left in self.history.enrolled or ():
            if left == today:
                self.do(engine.advance, documents, rules, today)
                self.do(engine.leave, rules, today)
            if begins == today:
                self.do(engine.enrol, documents, rules, today)
        self.do(engine.advance, documents, rules, today)
        for override in self.history.overrides:
            if self.state.enrolled_on is None or self.state.left:
                continue
            if override.begins == today:
                self.do(engine.override, documents, rules, today, override.tier, override.ends)
                self.override = override
            if override.ended == today and self.override is override:
                self.do(engine.end_override, documents, rules, today)
        self.warn(today, documents)

    def warn(self, today, documents):
        """As the nightly run does: each stage once for one end of validity."""
        stage = self.engine.warning_stage(self.state, self.rules, today)
        if self.state.until != self.told_of:
            self.told_of, self.stage = self.state.until, 0
        if stage and not 0 < self.stage <= stage:
            notice = self.engine.warning(self.state, documents, self.rules, today)
            if notice:
                self.stage = stage
                self.warnings.append((today, self.state.tier, notice.last_day))

    def shown(self):
        seen = self.engine.shown(self.state, self.rules)
        return seen.tier, seen.since if seen.tier else None, seen.until


def check_daily(engine, history):
    """A run on each day: what is shown equals the oracle's on each day, and all that happened; returns the causes."""
    days, moves, warnings = oracle_tiers.story(
        history.documents, history.rules, history.last, history.enrolled, history.overrides
    )
    first = history.first - timedelta(80)
    run = Run(engine, history)
    documents, changes = [], {first}
    for one in history.documents:
        changes |= {one.known_from, *(back.day for back in one.returns)}
    for today in oracle_tiers.days_between(first, history.last):
        if today in changes:
            documents = engine.Ledger(known_documents(engine, history, today))
        run.stop(today, documents)
        assert run.shown() == days.get(today, (None, None, None)), today
        before = run.state
        if today.day % 8 == 0:
            run.do(engine.advance, documents, run.rules, today)
            assert run.state == before, f'a second run on {today} changes something'
    found = [(move.day, move.source, move.target, move.cause) for move in run.moves]
    assert found == [(*rest, CAUSES.get(cause, cause)) for *rest, cause in moves]
    assert run.warnings == [(day, tier, last) for day, tier, last, *_missing in warnings]
    return run


def check_jumps(engine, history, daily, stops):
    """Runs on some days only, with all documents known from the beginning, come to the same."""
    documents = [
        engine.Document(one.day, cents(one.amount), one.counted) for one in history.documents
    ]
    for stay in history.enrolled or ():
        stops |= {day for day in stay if day}
    for override in history.overrides:
        stops |= {override.begins, override.ended or history.last}
    run = Run(engine, history)
    for today in sorted(day for day in {*stops, history.last} if day <= history.last):
        run.stop(today, documents)
    assert run.state == daily.state
    assert run.moves == daily.moves


def test_random_histories(engine):
    """Every day of every history is as the oracle says, and so is what happened, and who was warned."""
    causes, calm = {}, 0
    for seed in range(HISTORIES):
        history = History(seed)
        try:
            daily = check_daily(engine, history)
            if history.is_calm:
                calm += 1
                check_jumps(engine, history, daily, set())
                check_jumps(engine, history, daily, {history.day() for _number in range(4)})
        except AssertionError as error:
            raise AssertionError(f'seed {seed}: {vars(history)}') from error
        for move in daily.moves:
            causes[move.cause] = causes.get(move.cause, 0) + 1
        causes['warning'] = causes.get('warning', 0) + len(daily.warnings)
    wanted = 'entry upgrade renewal downgrade return override override_end leave warning'.split()
    assert {cause for cause in wanted if causes.get(cause, 0) >= 50} == set(wanted), causes
    assert calm > HISTORIES / 3


# === REAL CUSTOMERS ===

#: Thresholds that fit what the customers of a CD shop spend in a quarter or a year.
LADDER = ((1, 20, 0), (2, 50, 3), (3, 120, 6))
BEGIN = date(1990, 1, 1)
CUSTOMERS = {'order': 150, 'invoice': 50}  # of which orders and invoices take long to make

RULED = (
    {'months': 6, 'validity': 3},
    {'window': 'calendar', 'first_month': 7, 'drop': 're_evaluate', 'grace': 40},
    {
        'window': 'membership',
        'criteria': 'both',
        'grace': 0,
        'strict': True,
        'entry': False,
    },
    {'months': 3, 'validity': 2, 'grace': 10, 'entry': False, 'strict': True},
)


def ruled(values, first_day):
    """The rules as the oracle has them; settings of a programme are derived from them."""
    return Rules(
        (
            Tier('0'),
            *(
                Tier(str(level), (Version(BEGIN, Decimal(amount), count, Decimal(amount), 0),))
                for level, amount, count in LADDER
            ),
        ),
        criteria=values.get('criteria', 'either'),
        window=values.get('window', 'rolling'),
        window_months=values.get('months', 12),
        first_month=values.get('first_month', 1),
        validity_months=values.get('validity', 12),
        grace_days=values.get('grace', 30),
        drop=values.get('drop', 'one_down'),
        strict=values.get('strict', False),
        entry_purchase_counts=values.get('entry', True),
        first_day=first_day,
    )


def settings(rules):
    """The same as fields of the programme."""
    return {
        'criteria': rules.criteria,
        'window': rules.window,
        'window_months': rules.window_months,
        'first_month': str(rules.first_month),
        'validity_months': rules.validity_months,
        'grace_days': rules.grace_days,
        'drop': rules.drop.replace('re_', 're'),
        'strict': rules.strict,
        'entry_counts': rules.entry_purchase_counts,
        'date_start': str(rules.first_day),
    }


INVOICE = """
orders = env['sale.order'].search([('partner_id.ref', '=like', 'CDNOW-%')])
for invoice in orders._create_invoices(grouped=True):
    invoice.invoice_date = invoice.invoice_line_ids.sale_line_ids.order_id.date_order.date()
    invoice.action_post()
env.company.retail_purchase_basis = 'invoice'
env.cr.commit()
env['retail.purchase']._cron_repair()
assert not env.company.retail_rebuild_pending
env.cr.commit()
"""

# Runs in Odoo's shell: memberships on the days asked for, under each of several programmes.
EVALUATE = """
import datetime, json
from odoo.fields import Command
programme = env.ref('retail_crm.retail_programme_main')
members = env['retail.membership']
partners = env['res.partner'].search([('ref', '=like', 'CDNOW-%')])

def rows(query):
    env.cr.execute(query)
    return env.cr.fetchall()

def begin(values):
    rows("DELETE FROM retail_tier_move; DELETE FROM retail_membership;"
         "UPDATE retail_programme SET state = 'draft', opening_after = -1 RETURNING id")
    env.invalidate_all()
    programme.tier_ids.unlink()
    programme.write({**values, 'tier_ids': [Command.create({'name': '0', 'sequence': 0})] + [
        Command.create({'name': str(level), 'sequence': level, 'version_ids': [Command.create({
            'date_from': '1990-01-01', 'amount': amount, 'count': count,
            'keeps_differently': True, 'keep_amount': amount})]})
        for level, amount, count in LADDER]})
    programme.action_start()

results, again = [], 0
for values in SETTINGS:
    begin(values)
    found = {}
    for day in DAYS:
        as_of = datetime.date.fromisoformat(day)
        assert members._evaluate(partners, as_of=as_of) is not None
        before = rows('SELECT id, ctid FROM retail_membership ORDER BY id')
        again += members._evaluate(partners, as_of=as_of)
        assert rows('SELECT id, ctid FROM retail_membership ORDER BY id') == before
        found[day] = rows(
            "SELECT partner.ref, tier.sequence, tier_since, tier_valid_until"
            "  FROM retail_membership JOIN res_partner AS partner ON partner.id = partner_id"
            "  JOIN retail_tier AS tier ON tier.id = tier_id")
    moves = rows(
        "SELECT partner.ref, move.date, old.sequence, new.sequence, cause FROM retail_tier_move AS move"
        "  JOIN res_partner AS partner ON partner.id = partner_id"
        "  LEFT JOIN retail_tier AS old ON old.id = from_tier_id"
        "  LEFT JOIN retail_tier AS new ON new.id = to_tier_id ORDER BY move.id")
    results.append({'days': found, 'moves': moves})
env.cr.commit()
print('RESULT ' + json.dumps([again, results], default=str))
"""


def as_opened(moves, bought_before):
    """Who bought before the programme began has one line for enrolment and tier."""
    first, second, *others = [*moves, None, None]
    if bought_before and second and second[3] == 'upgrade' and second[0] == first[0]:
        moves = [(first[0], None, second[2], 'entry'), *others[:-2]]
    return [(str(day), old, new, CAUSES.get(cause, cause)) for day, old, new, cause in moves]


@pytest.mark.parametrize('basis', ['order', 'invoice'])
def test_tiers_of_real_customers(basis, house, fresh_db, monkeypatch):
    """Each customer of CDNOW has on each day the tier that the oracle says, and the history (docs/tiers.md)."""
    house.setup('odoo', 'cdnow')
    name = fresh_db()
    monkeypatch.setattr(test_cdnow, 'LIMIT', CUSTOMERS[basis])
    monkeypatch.setenv('RETAIL_CRM_LIMIT', str(CUSTOMERS[basis]))
    house.load_data(name, 'cdnow', None)
    query = "SELECT value FROM ir_config_parameter WHERE key = 'retail_crm.demo_shift_cdnow'"
    shift = timedelta(days=int(house.sql(query, name)[0][0]))
    documents = {}
    for customer, day, dollars in test_cdnow.read_source(house.data_folder('cdnow')):
        documents.setdefault(customer, []).append(Document(day + shift, dollars))
    last = max(one.day for rows in documents.values() for one in rows)
    first = last - timedelta(days=365)
    variants = [ruled(values, first - timedelta(days=60)) for values in RULED]
    expected = [
        {customer: oracle_tiers.story(rows, rules, last) for customer, rows in documents.items()}
        for rules in variants
    ]
    changes = sorted(
        {move[0] for found in expected for one in found.values() for move in one[1]}
        - {rules.first_day for rules in variants}
    )
    days = {first + timedelta(days=number * 365 // 29) for number in range(30)} | {last}
    for day in random.Random(4).sample([day for day in changes if first < day < last], 15):
        days |= {day - ONE_DAY, day, day + ONE_DAY}
    days = sorted(map(str, days))
    if basis == 'invoice':
        house.shell_script(name, INVOICE)
    script = EVALUATE.replace('SETTINGS', repr([settings(rules) for rules in variants]))
    script = script.replace('LADDER', repr(LADDER)).replace('DAYS', repr(days))
    lines = [line for line in house.shell_script(name, script).splitlines() if 'RESULT ' in line]
    again, found = json.loads(lines[-1].partition('RESULT ')[2])
    assert again == 0, 'a second run on the same day writes nothing'
    for rules, stories, result in zip(variants, expected, found, strict=True):
        for day, rows in result['days'].items():
            stored = {ref: (str(tier), since, until) for ref, tier, since, until in rows}
            today = date.fromisoformat(day)
            told = {ref: one[0].get(today) for ref, one in stories.items()}
            wanted = {
                ref: (one[0], str(one[1]), one[2] and str(one[2]))
                for ref, one in told.items()
                if one
            }
            assert stored == wanted, (rules, day)
        for ref, (_days, moves, _warnings) in stories.items():
            stored = [tuple(row[1:]) for row in result['moves'] if row[0] == ref]
            stored = [
                (day, *(None if tier is None else str(tier) for tier in tiers), cause)
                for day, *tiers, cause in stored
            ]
            before = min(one.day for one in documents[ref]) < rules.first_day
            assert stored == as_opened(moves, before), (rules, ref)
        assert len({tier for rows in result['days'].values() for _ref, tier, *_dates in rows}) == 4


# === KILLED IN THE MIDDLE ===

# A programme over the shop of test_faults; its nightly run in small batches, so that there is a middle to be hit.
CLUB = """
import datetime
from odoo.fields import Command
programme = env.ref('retail_crm.retail_programme_main')
today = env.company._retail_today()
programme.tier_ids.unlink()
programme.write({
    'date_start': today - datetime.timedelta(days=800), 'window_months': 6, 'validity_months': 3,
    'tier_ids': [Command.create({'name': str(level), 'sequence': level, 'version_ids': [Command.create({
        'date_from': '2000-01-01', 'amount': 70 * level})] if level else []}) for level in range(4)],
})
programme.action_start()
env.cr.commit()
"""
AS_NEW = """
env.cr.execute("DELETE FROM retail_tier_move; DELETE FROM retail_membership; DELETE FROM retail_moment")
env.invalidate_all()
programme = env.ref('retail_crm.retail_programme_main')
programme.opening_after = 0
"""
# Everybody is a member as of half a year ago, and due by time since then.
AS_DUE = """
import datetime
env.cr.execute("DELETE FROM retail_tier_move; DELETE FROM retail_membership; DELETE FROM retail_moment")
env.invalidate_all()
programme = env.ref('retail_crm.retail_programme_main')
programme.opening_after = -1
partners = env['retail.purchase'].search([]).partner_id
day = env.company._retail_today() - datetime.timedelta(days=200)
env['retail.membership']._evaluate(partners, as_of=day, quiet=True)
"""
NIGHT = """
import odoo.addons.retail_crm.models.loyalty.retail_membership_evaluate as module
module.EVALUATION_BATCH = 50
print('GO', flush=True)
env['retail.membership']._cron_evaluate()
"""
# At a moment that does not depend on the machine: all is written and announced, and nothing of it committed.
DYING = """
import os, signal
Model, batches = type(env['retail.membership']), []
announce = Model._announce
def die(self, *args):
    announce(self, *args)
    self.env.flush_all()
    batches.append(1)
    if len(batches) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Model._announce = die
"""
MEMBERSHIPS = """
    SELECT partner_id, state, enrolled_on, tier_id, tier_since, tier_valid_until, grace_until, own_tier_id, own_since,
           own_valid_until, own_grace_until, tier_taken_on, evaluated_on, next_on, warned_stage
      FROM retail_membership ORDER BY partner_id
"""
MOVES = """
    SELECT partner_id, date, from_tier_id, to_tier_id, cause, amount, count, window_start, window_end
      FROM retail_tier_move ORDER BY partner_id, id
"""
MOMENTS = 'SELECT partner_id, kind, count(*) FROM retail_moment GROUP BY partner_id, kind ORDER BY partner_id, kind'


def count_moves(house, name):
    return int(house.sql('SELECT count(*) FROM retail_tier_move', name)[0][0])


def kill_in_a_batch(house, name):
    """Run the nightly run until it dies by signal 9 in its third batch, before that is committed."""
    before = count_moves(house, name)
    process = test_faults.start(house, house.shell_command(name), DYING + NIGHT)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert count_moves(house, name) > before, 'what was committed stays'


@pytest.fixture(scope='module')
def club(house, base_db):
    """The shop of test_faults with a programme. To be copied."""
    name = house.copy(base_db, f'{base_db.removesuffix("_base")}_club')
    try:
        house.shell_script(name, test_faults.FILL + CLUB)
        yield name
    finally:
        house.drop(name)


@pytest.mark.parametrize(
    ('prepare', 'kinds'),
    [(AS_NEW, {'enrolled', 'tier_up'}), (AS_DUE, {'tier_down', 'tier_ending'})],
    ids=['opening', 'night'],
)
def test_kill_in_the_evaluation(prepare, kinds, house, fresh_db, club):
    """Design 9: a run that was killed goes on where it was; no line of the history and no moment is there twice."""
    name = fresh_db(club)
    dumps = []
    for is_killed in (False, True):
        house.shell_script(name, prepare + 'env.cr.commit()')
        if is_killed:
            for _attempt in range(3):
                kill_in_a_batch(house, name)
            assert count_moves(house, name) < len(dumps[0][1]), 'no run was hit in the middle'
        house.shell_script(name, NIGHT)
        dumps.append([house.sql(query, name) for query in (MEMBERSHIPS, MOVES, MOMENTS)])
    calm, killed = dumps
    assert len(calm[0]) >= 3900 and len(calm[1]) > 4000 and len(calm[2]) > 1000
    for undisturbed, found in zip(calm, killed, strict=True):
        assert found == undisturbed
    assert {row[1] for row in calm[2]} >= kinds
