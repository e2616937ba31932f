"""What a preview says of a member, compared with an oracle that knows nothing of the add-on (docs/tiers.md, Preview).

Random histories, other thresholds from a random day on. What is compared is written down here once more, from the text.
"""

import importlib
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import test_tiers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tools'))

import oracle_tiers
from oracle_tiers import Document, Tier, Version
from test_tiers import History, cents, engine_rules

engine = test_tiers.engine  # the fixture

ONE_DAY = timedelta(days=1)
HISTORIES = 400


class Question:
    """A calm history up to today, thresholds of before, and others from a day on."""

    def __init__(self, seed):
        history = History(seed)
        chance = history.chance
        self.repeat = chance.random() < 0.6
        self.today = history.first + timedelta(chance.randrange(100, history.length))
        self.as_of = self.today + timedelta(chance.choice((0, 0, 1, 30, 100)))
        known = [
            Document(one.day, one.amount, one.counted)
            for one in history.documents
            if one.day <= self.today
        ]
        self.known = known
        tiers, others = [history.rules.tiers[0]], [history.rules.tiers[0]]
        for level, tier in enumerate(history.rules.tiers[1:], 1):
            versions = tuple(one for one in tier.versions if one.begins < self.as_of)
            tiers.append(Tier(tier.name, versions))
            amount, count = (
                level * chance.choice((0, 2, 4, 8, 20, 50)),
                level * chance.choice((0, 0, 1)),
            )
            keep = chance.choice((None, None, Decimal(chance.randrange(0, 8))))
            new = Version(self.as_of, Decimal(amount), count or (0 if amount else level), keep)
            others.append(Tier(tier.name, (*versions, new)))
        values = vars(history.rules)
        self.present = oracle_tiers.Rules(**{**values, 'tiers': tuple(tiers)})
        self.proposed = oracle_tiers.Rules(**{**values, 'tiers': tuple(others)})

    def documents(self, end):
        """What is known, what is assumed, and a document of nothing on the day: on it all are looked at."""
        found = [*self.known, Document(self.as_of, Decimal(0), False)]
        if not self.repeat:
            return found
        begins = oracle_tiers.months_before(self.today, 12)
        for one in self.known:
            again = oracle_tiers.months_after(one.day, 12)
            years = 1
            while one.day > begins and again <= end:
                found.append(Document(again, one.amount, one.counted))
                years += 1
                again = oracle_tiers.months_after(one.day, 12 * years)
        return found

    def days(self, rules, end):
        return oracle_tiers.story(self.documents(end), rules, end)[0]

    def end(self, shown, rules):
        _tier, _since, until = shown
        return until and until + timedelta(rules.grace_days)

    def answer(self):
        """(tier on the eve, tier by the present rules, tier by the others, first day of the difference) or None."""
        last = max(self.today, self.as_of)
        now, new = self.days(self.present, last), self.days(self.proposed, last)
        eve = self.as_of - ONE_DAY
        if eve not in now:
            return None  # no member on that day
        if now[last][0] == new[last][0]:
            ends = [self.end(now[last], self.present), self.end(new[last], self.proposed)]
            last = max([last, *(one for one in ends if one)])
            now, new = self.days(self.present, last), self.days(self.proposed, last)
        day, since = last, None
        while day >= self.as_of and now[day][0] != new[day][0]:
            day, since = day - ONE_DAY, day
        return now[eve][0], now[last][0], new[last][0], since


@pytest.fixture
def preview(engine):
    return importlib.import_module('engine._tier_preview')


def found_by_ours(engine, preview, question):
    rules = engine_rules(engine, question.present)
    documents = [engine.Document(one.day, cents(one.amount), one.counted) for one in question.known]
    # What was decided on the day itself, before the rules changed, would stay: here nothing was.
    looked = question.today - ONE_DAY if question.as_of == question.today else question.today
    state, _moves = engine.advance(engine.State(), documents, rules, looked)
    if state.enrolled_on is None:
        return None
    found = preview.compare(
        state,
        documents,
        rules,
        engine_rules(engine, question.proposed),
        question.as_of,
        question.today,
        question.repeat,
    )
    return found.held, found.present, found.proposed, found.day


def test_random_previews(engine, preview):
    """Held before, by the present rules, by the others, and from when: as the oracle's two stories say."""
    asked = differ = later = up = 0
    for seed in range(10_000, 10_000 + 4 * HISTORIES):
        question = Question(seed)
        if not question.present.automatic_enrolment or asked == HISTORIES:
            continue
        wanted = question.answer() if question.known else None
        if wanted is None:
            continue
        found = found_by_ours(engine, preview, question)
        if found is None:
            continue
        asked += 1
        assert found == wanted, (seed, vars(question))
        if wanted[3]:
            differ += 1
            later += wanted[3] > question.as_of
            up += wanted[2] > wanted[1]
    assert asked == HISTORIES
    assert later > 25 and up > 25 and differ - up > 25, (differ, later, up)


def test_the_same_rules(engine, preview):
    """Other rules that are the present ones differ for nobody, whatever day is asked for."""
    for seed in range(20_000, 20_100):
        question = Question(seed)
        question.proposed = question.present
        if question.known and question.present.automatic_enrolment and question.answer():
            for as_of in (question.as_of, question.today - timedelta(60), date(2040, 2, 29)):
                question.as_of = as_of
                found = found_by_ours(engine, preview, question)
                assert found is None or found[3] is None, (seed, as_of)
