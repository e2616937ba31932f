"""Tiers, compared with an oracle that knows nothing of the add-on (docs/tiers.md).

Thousands of random histories through the rules as plain functions; the customers of CDNOW in a real database; and the
nightly run, killed in the middle.
"""

import importlib.util
import random
import sys
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = CHECKOUT / 'tools'
LOYALTY = CHECKOUT / 'retail_crm/models/loyalty'
ONE_DAY = timedelta(days=1)

sys.path.insert(0, str(TOOLS))

import oracle_tiers
from oracle_tiers import Document, Override, Return, Rules, Tier, Version

HISTORIES = 2500
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
    print(causes, calm)
