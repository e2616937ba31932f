"""The rules of tiers as plain functions: the examples of docs/tiers.md and their edges (R-loy C.1)."""

from dataclasses import replace
from datetime import date

from odoo.tests import BaseCase, tagged

from odoo.addons.retail_crm.models.loyalty import _tiers
from odoo.addons.retail_crm.models.loyalty._tiers import Document, Rules, State, Tier, Version

FIRST = date(2000, 1, 1)


def ladder(silver=None, gold=None):
    """Return the tiers of the examples: Silver from 500.00, Gold from 1000.00."""
    return (
        Tier('base'),
        Tier('silver', (Version(FIRST, **(silver or {'amount': 50000})),)),
        Tier('gold', (Version(FIRST, **(gold or {'amount': 100000})),)),
    )


def docs(*pairs):
    """Return documents of pairs of a day in ISO format and an amount in whole money."""
    return [Document(date.fromisoformat(day), round(amount * 100)) for day, amount in pairs]


def day(text):
    return date.fromisoformat(text)


@tagged('post_install', '-at_install', 'retail_crm')
class TestTierRules(BaseCase):
    rules = Rules(tiers=ladder())

    def _run(self, documents, until, rules=None, state=None):
        """Return state and moves after a run, which a second run leaves as they are."""
        rules = rules or self.rules
        state, moves = _tiers.advance(state or State(), documents, rules, day(until))
        again, more = _tiers.advance(state, documents, rules, day(until))
        self.assertEqual((again, more), (state, []), 'a second run changes nothing')
        return state, moves

    def _history(self, documents, until, rules=None, state=None):
        _state, moves = self._run(documents, until, rules, state)
        return [(str(move.day), move.cause, move.target) for move in moves]

    def _daily(self, documents, first, until, rules=None):
        """Return the history when every day is looked at, with the documents of that day."""
        state, moves, current = State(), [], day(first)
        while current <= day(until):
            known = [document for document in documents if document.date <= current]
            state, more = _tiers.advance(state, known, rules or self.rules, current)
            moves += more
            current += _tiers.ONE_DAY
        return state, moves

    # === THE EXAMPLES ===#

    def test_a_cent_is_missing(self):
        """999.99 reaches Silver, and 0.01 is missing to Gold (docs/tiers.md, examples)."""
        state, _moves = self._run(docs(('2025-01-10', 999.99)), '2025-01-10')
        self.assertEqual(state.tier, 'silver')
        engine = _tiers.Engine(state, docs(('2025-01-10', 999.99)), self.rules)
        measure = engine.entry(self.rules.tiers[2], day('2025-01-10'))
        self.assertEqual(measure.missing(), (1, None))

    def test_two_purchases_reach_gold(self):
        """600 and 400 reach Gold on the day of the second, valid for a year; a level may be skipped (C.1 4, 5)."""
        documents = docs(('2025-01-10', 600), ('2025-03-05', 400))
        state, moves = self._run(documents, '2025-03-05')
        self.assertEqual(
            (state.tier, state.since, state.until), ('gold', day('2025-03-05'), day('2026-03-05'))
        )
        self.assertEqual(
            [(move.cause, move.source, move.target) for move in moves],
            [('entry', None, 'base'), ('upgrade', 'base', 'silver'), ('upgrade', 'silver', 'gold')],
        )
        skipped, moves = self._run(docs(('2025-01-10', 1000)), '2025-01-10')
        self.assertEqual([move.target for move in moves], ['base', 'gold'])
        self.assertEqual(skipped.until, day('2026-01-10'))

    def test_returns_leave_the_tier(self):
        """A return after the upgrade leaves Gold until the validity ends; strict takes it at once (C.1 7)."""
        before = docs(('2025-01-10', 600), ('2025-03-05', 400))
        after = docs(('2025-01-10', 300), ('2025-03-05', 400))
        for strict, tier, history in (
            (False, 'gold', []),
            (True, 'silver', [('2025-03-20', 'return', 'silver')]),
        ):
            rules = replace(self.rules, strict=strict)
            state, _moves = self._run(before, '2025-03-05', rules)
            self.assertEqual(self._history(after, '2025-03-20', rules, state), history)
            state, _moves = self._run(after, '2025-03-20', rules, state)
            self.assertEqual(state.tier, tier)
        self.assertEqual(state.until, day('2026-03-20'))

    def test_nothing_more_is_bought(self):
        """Grace after Gold, a year of Silver, grace, and the lowest tier without end (docs/tiers.md, examples)."""
        documents = docs(('2025-01-10', 300), ('2025-03-05', 400))
        gold = State(
            enrolled_on=day('2025-01-10'),
            tier='gold',
            since=day('2025-03-05'),
            until=day('2026-03-05'),
            looked_on=day('2025-03-05'),
        )
        state, _moves = self._run(documents, '2026-03-05', state=gold)
        self.assertEqual((state.tier, state.grace_until), ('gold', day('2026-04-04')))
        state, moves = self._run(documents, '2026-04-04', state=state)
        self.assertEqual((state.tier, state.until), ('silver', day('2027-04-04')))
        self.assertEqual([move.cause for move in moves], ['downgrade'])
        self.assertEqual(
            (moves[0].measure.amount, moves[0].measure.start), (40000, day('2025-03-05'))
        )
        state, moves = self._run(documents, '2027-05-03', state=state)
        self.assertEqual((state.tier, state.grace_until, moves), ('silver', day('2027-05-04'), []))
        state, moves = self._run(documents, '2030-01-01', state=state)
        self.assertEqual((state.tier, state.until, state.grace_until), ('base', None, None))
        self.assertEqual([(str(move.day), move.target) for move in moves], [('2027-05-04', 'base')])

    def test_renewal_in_grace(self):
        """700 within grace and the 400 since 5 March 2025 renew Gold from that day (docs/tiers.md, examples)."""
        documents = docs(('2025-01-10', 600), ('2025-03-05', 400), ('2026-03-20', 700))
        state, moves = self._run(documents, '2026-03-20')
        self.assertEqual((state.tier, state.until), ('gold', day('2027-03-20')))
        self.assertEqual((moves[-1].cause, moves[-1].measure.amount), ('renewal', 110000))
        self.assertEqual(moves[-1].measure.start, day('2025-03-05'))

    def test_override_and_its_end(self):
        """Gold given until 31 December with nothing bought: then the computed tier, a line each (C.1 8)."""
        state, moves = _tiers.enrol(State(), [], self.rules, day('2025-02-01'))
        self.assertEqual([move.cause for move in moves], ['entry'])
        state, moves = _tiers.override(
            state, [], self.rules, day('2025-02-10'), 'gold', day('2025-12-31')
        )
        seen = _tiers.shown(state, self.rules)
        self.assertEqual((seen.tier, seen.until), ('gold', day('2025-12-31')))
        self.assertEqual(
            [(move.cause, move.source, move.target) for move in moves],
            [('override', 'base', 'gold')],
        )
        self.assertEqual(self._history([], '2025-12-30', state=state), [])
        self.assertEqual(
            self._history([], '2025-12-31', state=state), [('2025-12-31', 'override_end', 'base')]
        )

    # === THRESHOLDS ===#

    def test_equal_thresholds(self):
        """Of tiers with one threshold the highest is reached (docs/tiers.md, thresholds)."""
        rules = Rules(tiers=ladder({'amount': 50000}, {'amount': 50000}))
        state, moves = self._run(docs(('2025-01-10', 500)), '2025-01-10', rules)
        self.assertEqual((state.tier, len(moves)), ('gold', 2))

    def test_either_and_both(self):
        """Amount or count, amount and count; a threshold of 0 is not used (docs/tiers.md, thresholds)."""
        tiers = ladder({'amount': 50000, 'count': 3}, {'amount': 0, 'count': 5})
        three = docs(*((f'2025-01-1{number}', 10) for number in range(3)))
        rich = docs(('2025-01-10', 600))
        five = docs(*((f'2025-01-1{number}', 10) for number in range(5)))
        cases = [
            ('either', three, 'silver'),
            ('either', rich, 'silver'),
            ('both', three, 'base'),
            ('both', rich, 'base'),
            ('both', [*three, *rich], 'silver'),
            ('either', five, 'gold'),
            ('both', five, 'gold'),
        ]
        for criteria, documents, tier in cases:
            with self.subTest(criteria=criteria, tier=tier):
                rules = Rules(tiers=tiers, criteria=criteria)
                self.assertEqual(self._run(documents, '2025-01-20', rules)[0].tier, tier)

    def test_no_threshold_is_reached_by_everybody(self):
        """A version that uses no threshold is everybody's; one to keep by 0 is always kept (docs/tiers.md)."""
        rules = Rules(tiers=ladder({'amount': 0}, {'amount': 100000, 'keep_amount': 0}))
        self.assertEqual(self._run(docs(('2025-01-10', 1)), '2025-01-10', rules)[0].tier, 'silver')
        state, moves = self._run(docs(('2025-01-10', 1000)), '2028-01-10', rules)
        self.assertEqual((state.tier, state.until), ('gold', day('2029-01-10')))
        self.assertEqual([move.cause for move in moves[2:]], ['renewal'] * 3)

    def test_tier_without_version(self):
        """A tier without version on that day cannot be reached, and can only end (docs/tiers.md, thresholds)."""
        late = Tier('gold', (Version(day('2025-06-01'), amount=100000),))
        rules = Rules(tiers=(*ladder()[:2], late))
        documents = docs(('2025-01-10', 1000))
        state, _moves = self._run(documents, '2025-05-31', rules)
        self.assertEqual(state.tier, 'silver')
        documents += docs(('2025-07-01', 1))
        self.assertEqual(self._run(documents, '2025-07-01', rules, state)[0].tier, 'gold')
        held = State(
            enrolled_on=day('2024-01-01'),
            tier='gold',
            since=day('2024-05-01'),
            until=day('2025-05-01'),
            looked_on=day('2024-05-01'),
        )
        rich = docs(('2024-06-01', 5000))
        self.assertEqual(
            self._history(rich, '2025-06-01', rules, held), [('2025-05-31', 'downgrade', 'silver')]
        )

    def test_version_of_the_day(self):
        """Each day asks the version that began last; keeping asks the one of the day U (docs/tiers.md, step 2)."""
        tier = Tier(
            'silver',
            (
                Version(FIRST, amount=50000),
                Version(day('2026-01-10'), amount=80000, keep_amount=30000),
            ),
        )
        rules = Rules(tiers=(Tier('base'), tier))
        documents = docs(('2025-01-10', 500))
        state, moves = self._run(documents, '2026-01-10', rules)
        self.assertEqual([move.cause for move in moves], ['entry', 'upgrade', 'renewal'])
        self.assertEqual(moves[-1].measure.version.date_from, day('2026-01-10'))
        self.assertEqual(self._run(docs(('2026-01-10', 500)), '2026-01-10', rules)[0].tier, 'base')
        self.assertEqual(
            self._run(docs(('2026-01-09', 500)), '2026-01-09', rules)[0].tier, 'silver'
        )

    def test_documents_without_amount_count(self):
        """A counted purchase of 0 or below is one in the count; what does not count only changes the amount."""
        rules = Rules(tiers=ladder({'count': 3}, {'count': 9}))
        free = docs(('2025-01-10', 0), ('2025-01-11', -5), ('2025-01-12', 0))
        self.assertEqual(self._run(free, '2025-01-12', rules)[0].tier, 'silver')
        note = Document(day('2025-01-12'), -10000, False)
        documents = [*docs(('2025-01-10', 550)), note]
        state, _moves = self._run([*documents, *docs(('2025-01-13', 10))], '2025-01-13')
        self.assertEqual(state.tier, 'silver', 'it was reached before')
        self.assertEqual(
            self._run([note, *docs(('2025-01-13', 550))], '2025-01-13')[0].tier, 'base'
        )

    # === WINDOWS ===#

    def test_rolling_window_edges(self):
        """(D - 12 months, D]: the same day of the year before is out, the day after it is in (docs/tiers.md)."""
        for first, tier in (('2024-03-05', 'base'), ('2024-03-06', 'silver')):
            documents = docs((first, 300), ('2025-03-05', 200))
            self.assertEqual(self._run(documents, '2025-03-05')[0].tier, tier)

    def test_month_ends_and_leap_days(self):
        """Months end where they end; 29 February is 28 February a year later (docs/tiers.md, windows)."""
        start, end = _tiers.entry_window(replace(self.rules, months=1), None, day('2025-03-31'))
        self.assertEqual((start, end), (day('2025-03-01'), day('2025-03-31')))
        start, _end = _tiers.entry_window(self.rules, None, day('2025-02-28'))
        self.assertEqual(start, day('2024-02-29'), '(28 February 2024, ...]')
        start, _end = _tiers.entry_window(self.rules, None, day('2024-02-29'))
        self.assertEqual(start, day('2023-03-01'))
        self.assertEqual(_tiers.valid_until(self.rules, None, day('2024-02-29')), day('2025-02-28'))

    def test_calendar_year(self):
        """A programme year from April: valid to the end of the next one; kept by the year before (docs/tiers.md)."""
        rules = replace(self.rules, window='calendar', first_month=4)
        documents = docs(('2025-03-31', 400), ('2025-04-01', 400), ('2025-06-01', 100))
        state, _moves = self._run(documents, '2025-06-01', rules)
        self.assertEqual((state.tier, state.until), ('silver', day('2027-04-01')))
        self.assertEqual(
            self._history([*documents, *docs(('2025-12-01', 9))], '2027-05-02', rules, state),
            [('2027-05-01', 'downgrade', 'base')],
        )
        kept = [*documents, *docs(('2027-03-31', 500))]
        state, moves = self._run(kept, '2027-04-01', rules, state)
        self.assertEqual(
            [(str(move.day), move.cause) for move in moves], [('2027-04-01', 'renewal')]
        )
        self.assertEqual(state.until, day('2028-04-01'), 'the next year, not the one after it')
        self.assertEqual(
            (moves[0].measure.start, moves[0].measure.end), (day('2026-04-01'), day('2027-03-31'))
        )

    def test_calendar_grace(self):
        """In grace the last full year before U and the days since count (docs/tiers.md, windows)."""
        rules = replace(self.rules, window='calendar')
        documents = docs(('2025-06-01', 500), ('2026-06-01', 300), ('2027-01-20', 200))
        state, moves = self._run(documents, '2027-01-20', rules)
        self.assertEqual([move.cause for move in moves], ['entry', 'upgrade', 'renewal'])
        self.assertEqual((state.since, state.until), (day('2027-01-20'), day('2028-01-01')))

    def test_membership_year(self):
        """Years since the enrolment, also of one on 29 February (docs/tiers.md, windows)."""
        rules = replace(self.rules, window='membership')
        self.assertEqual(
            [
                str(_tiers.entry_window(rules, day('2024-02-29'), day(text))[0])
                for text in ('2024-02-29', '2025-02-27', '2025-02-28', '2028-02-28', '2028-02-29')
            ],
            ['2024-02-29', '2024-02-29', '2025-02-28', '2027-02-28', '2028-02-29'],
        )
        documents = docs(('2025-03-10', 10), ('2026-03-09', 490), ('2026-03-10', 500))
        state, moves = self._run(documents, '2026-03-10', rules)
        self.assertEqual([str(move.day) for move in moves], ['2025-03-10', '2026-03-09'])
        self.assertEqual(state.until, day('2027-03-10'), 'the anniversary after the next one')
        state, moves = self._run(documents, '2027-03-10', rules, state)
        self.assertEqual([move.cause for move in moves], ['renewal'])
        self.assertEqual(state.until, day('2028-03-10'), 'renewed: the next anniversary')

    def test_lifetime(self):
        """All purchases ever, and a tier without end (docs/tiers.md, windows)."""
        rules = replace(self.rules, window='lifetime')
        state, moves = self._run(
            docs(('2001-01-10', 600), ('2025-03-05', 400)), '2040-01-01', rules
        )
        self.assertEqual((state.tier, state.until, len(moves)), ('gold', None, 3))
        self.assertIsNone(_tiers.next_on(state, [], rules, day('2040-01-01')))

    # === WHAT HAPPENS ===#

    def test_entry_purchase_need_not_count(self):
        """The purchase of the first day counts for keeping the tier unless switched off (docs/tiers.md)."""
        documents = docs(('2025-03-05', 600))
        for counts, cause in ((True, 'renewal'), (False, 'downgrade')):
            rules = replace(self.rules, entry_counts=counts)
            self.assertEqual(self._run(documents, '2026-05-01', rules)[1][2].cause, cause)
        tiers = ladder({'amount': 50000, 'keep_amount': 10000})
        rules = Rules(tiers=tiers, entry_counts=False)
        documents += docs(('2025-09-01', 100), ('2026-03-05', 100))
        history = self._history(documents, '2027-03-05', rules)
        self.assertEqual(
            [cause for _day, cause, _tier in history[2:]],
            ['renewal', 'renewal'],
            'the day of a renewal is no entry: its purchases always count',
        )

    def test_without_grace(self):
        """Grace of no days ends on U itself: the purchases before decide (docs/tiers.md, step 2)."""
        rules = replace(self.rules, grace=0, entry_counts=False)
        documents = docs(('2025-03-05', 600), ('2026-03-05', 100))
        self.assertEqual(
            self._history(documents, '2026-03-05', rules)[2:], [('2026-03-05', 'downgrade', 'base')]
        )

    def test_grace_ends_on_its_day(self):
        """A purchase on the last day of grace renews, one on the day of its end comes too late (docs/tiers.md)."""
        gold = docs(('2025-01-10', 600), ('2025-03-05', 400))
        for last, cause in (('2026-04-03', 'renewal'), ('2026-04-04', 'downgrade')):
            history = self._history([*gold, *docs((last, 600))], last)
            self.assertEqual(history[-1][:2], (last, cause))

    def test_purchase_on_the_day_grace_begins(self):
        """A purchase of the day U is one of grace (docs/tiers.md, windows)."""
        documents = docs(('2025-01-10', 600), ('2025-03-05', 400), ('2026-03-05', 600))
        state, moves = self._run(documents, '2026-03-05')
        self.assertEqual((moves[-1].cause, state.until), ('renewal', day('2027-03-05')))

    def test_drop_by_one_or_to_what_is_reached(self):
        """One down, or to the tier reached; never below what the entry window reaches (docs/tiers.md, step 4)."""
        documents = docs(('2025-03-05', 1000))
        rules = replace(self.rules, entry_counts=False)
        for drop, tier in (('one_down', 'silver'), ('reevaluate', 'base')):
            state, _moves = self._run(documents, '2026-04-04', replace(rules, drop=drop))
            self.assertEqual(state.tier, tier)
        some = [*documents, *docs(('2025-12-01', 500))]
        state, _moves = self._run(some, '2026-04-04', replace(rules, drop='reevaluate'))
        self.assertEqual(state.tier, 'silver')

    def test_kept_by_what_is_reached_at_the_end_of_grace(self):
        """Who reaches the tier by the entry window at the end of grace keeps it, though to keep asks for more."""
        rules = Rules(tiers=ladder({'amount': 50000, 'keep_amount': 90000}))
        documents = docs(('2025-03-05', 500), ('2026-01-10', 100), ('2026-03-10', 20))
        self.assertEqual(self._run(documents, '2026-04-04', rules)[0].tier, 'base')
        documents = docs(('2025-03-05', 500), ('2026-03-20', 500))
        rules = Rules(tiers=ladder({'amount': 50000, 'keep_amount': 200000}))
        state, moves = self._run(documents, '2026-04-04', rules)
        self.assertEqual((moves[-1].cause, state.tier), ('renewal', 'silver'))

    def test_nobody_falls_twice_without_a_validity(self):
        """From Gold over Silver to the lowest takes a full validity and its grace (docs/tiers.md, step 4)."""
        rules = replace(self.rules, entry_counts=False)
        history = self._history(docs(('2025-03-05', 1000)), '2030-01-01', rules)
        self.assertEqual(
            history[2:],
            [('2026-04-04', 'downgrade', 'silver'), ('2027-05-04', 'downgrade', 'base')],
        )

    def test_strict_falls_to_what_is_still_reached(self):
        """Strict: the window of the day of the upgrade decides; what was bought since takes the tier again at once."""
        rules = replace(self.rules, strict=True)
        state, _moves = self._run(docs(('2025-01-10', 1000)), '2025-01-10', rules)
        self.assertEqual(
            self._history(docs(('2025-01-10', 100)), '2025-02-01', rules, state),
            [('2025-02-01', 'return', 'base')],
        )
        documents = docs(('2025-01-10', 100), ('2025-02-01', 950))
        self.assertEqual(
            self._history(documents, '2025-02-01', rules, state),
            [('2025-02-01', 'return', 'base'), ('2025-02-01', 'upgrade', 'gold')],
        )

    def test_override_is_a_floor(self):
        """What staff gave is no obstacle upwards, and nobody falls below it before its day (docs/tiers.md)."""
        bought = docs(('2025-01-10', 500))
        state, _moves = self._run(bought, '2025-01-10')
        state, moves = _tiers.override(
            state, bought, self.rules, day('2025-02-01'), 'silver', day('2027-06-01')
        )
        self.assertEqual((moves[-1].cause, state.until), ('override', day('2026-01-10')))
        rules = replace(self.rules, entry_counts=False)
        held, moves = self._run(bought, '2026-02-09', rules, state)
        self.assertEqual(
            (held.tier, held.until, moves), ('base', None, []), 'the own tier falls underneath'
        )
        seen = _tiers.shown(held, rules)
        self.assertEqual(
            (seen.tier, seen.since, seen.until, seen.given),
            ('silver', day('2025-02-01'), day('2027-06-01'), True),
        )
        self.assertEqual(
            self._history(bought, '2027-06-01', rules, held),
            [('2027-06-01', 'override_end', 'base')],
        )
        risen, moves = self._run([*bought, *docs(('2025-03-01', 500))], '2025-03-01', state=state)
        self.assertEqual((risen.tier, risen.floor), ('gold', 'silver'))

    def test_own_tier_survives_the_override(self):
        """The end of an override leaves what the member holds by himself (docs/tiers.md, override)."""
        bought = docs(('2025-01-10', 500))
        state, _moves = self._run(bought, '2025-01-10')
        state, _moves = _tiers.override(
            state, bought, self.rules, day('2025-02-01'), 'silver', day('2025-03-01')
        )
        after, moves = self._run(bought, '2025-03-01', state=state)
        self.assertEqual(
            (after.tier, after.until, after.floor), ('silver', day('2026-01-10'), None)
        )
        self.assertEqual(moves, [], 'nothing changed')

    def test_another_override_ends_the_first(self):
        """A second override replaces the first, which ends on that day (docs/tiers.md, override)."""
        state, _moves = _tiers.enrol(State(), [], self.rules, day('2025-02-01'))
        state, _moves = _tiers.override(
            state, [], self.rules, day('2025-02-01'), 'gold', day('2025-12-31')
        )
        state, moves = _tiers.override(
            state, [], self.rules, day('2025-03-01'), 'silver', day('2025-06-01')
        )
        self.assertEqual([move.cause for move in moves], ['override_end', 'override'])
        seen = _tiers.shown(state, self.rules)
        self.assertEqual((seen.tier, seen.until), ('silver', day('2025-06-01')))

    def test_own_tier_shows_again_with_its_own_validity(self):
        """Under an override the own tier goes on, and shows again with the validity it has (docs/tiers.md, override)."""
        bought = docs(('2025-01-10', 500), ('2025-06-01', 100))
        state, _moves = self._run(bought, '2025-01-10')
        state, _moves = _tiers.override(
            state, bought, self.rules, day('2025-02-01'), 'gold', day('2025-12-31')
        )
        self.assertIsNone(_tiers.warning(state, bought, self.rules, day('2025-12-20')), 'not seen')
        after, moves = self._run(bought, '2025-12-31', state=state)
        seen = _tiers.shown(after, self.rules)
        self.assertEqual(
            (seen.tier, seen.since, seen.until), ('silver', day('2025-01-10'), day('2026-01-10'))
        )
        self.assertEqual(
            [(move.cause, move.source, move.target) for move in moves],
            [('override_end', 'gold', 'silver')],
        )
        rich = [*bought, *docs(('2025-07-01', 900))]
        risen, moves = self._run(rich, '2026-02-01', state=state)
        self.assertEqual(
            [(str(move.day), move.cause, move.source, move.target) for move in moves],
            [('2025-07-01', 'upgrade', 'gold', 'gold')],
            'his own now, which lasts longer: the end of the override changes nothing',
        )
        self.assertEqual(_tiers.shown(risen, self.rules).until, day('2026-07-01'))

    def test_of_the_same_tier_the_longer_one_is_shown(self):
        """An override of the tier held counts where it lasts longer; nobody is warned of its end then (docs/tiers.md)."""
        bought = docs(('2025-01-10', 500))
        rules = replace(self.rules, entry_counts=False)
        state, _moves = self._run(bought, '2025-01-10', rules)
        for until, given in (('2025-12-01', False), ('2026-01-10', False), ('2026-01-11', True)):
            with self.subTest(until=until):
                held, moves = _tiers.override(
                    state, bought, rules, day('2025-02-01'), 'silver', day(until)
                )
                self.assertEqual(_tiers.shown(held, rules).given, given)
                self.assertEqual([move.cause for move in moves], ['override'], 'with its reason')
                notice = _tiers.warning(held, bought, rules, day('2025-11-20'))
                self.assertEqual(notice is None, given)

    def test_strict_goes_on_under_an_override(self):
        """A return takes the own tier back underneath, without a line, once (docs/tiers.md, override)."""
        rules = replace(self.rules, strict=True)
        bought = docs(('2025-01-10', 500))
        state, _moves = self._run(bought, '2025-01-10', rules)
        state, _moves = _tiers.override(
            state, bought, rules, day('2025-02-01'), 'gold', day('2025-12-31')
        )
        back = docs(('2025-01-10', 400))
        state, moves = self._run(back, '2025-03-01', rules, state)
        self.assertEqual((state.tier, moves), ('base', []))
        self.assertEqual(
            self._history(back, '2026-01-31', rules, state),
            [('2025-12-31', 'override_end', 'base')],
        )

    def test_late_document_acts_on_the_last_day_looked_at(self):
        """What came late acts on the last day that was looked at; decided history stays (docs/tiers.md)."""
        documents = docs(('2025-01-10', 300), ('2025-03-05', 100))
        state, _moves = self._run(documents, '2025-06-01')
        self.assertEqual(state.looked_on, day('2025-03-05'))
        late = [*documents, *docs(('2025-02-01', 200))]
        self.assertEqual(
            self._history(late, '2025-06-02', state=state), [('2025-03-05', 'upgrade', 'silver')]
        )
        later = [*documents, *docs(('2025-05-20', 200))]
        self.assertEqual(
            self._history(later, '2025-06-02', state=state), [('2025-05-20', 'upgrade', 'silver')]
        )

    def test_missed_days_are_caught_up(self):
        """One run after years gives the same as a run on every day (docs/tiers.md)."""
        documents = docs(
            ('2022-02-28', 480),
            ('2022-03-01', 30),
            ('2023-03-20', 490),
            ('2023-04-02', 20),
            ('2024-02-29', 1500),
            ('2024-06-30', 10),
            ('2025-03-15', 900),
        )
        variants = [
            self.rules,
            replace(self.rules, window='calendar', first_month=7),
            replace(self.rules, window='membership', grace=0),
            replace(self.rules, drop='reevaluate', grace=10, entry_counts=False),
            replace(self.rules, validity=3, months=6),
        ]
        for rules in variants:
            with self.subTest(rules=rules):
                once = self._run(documents, '2026-12-31', rules)
                self.assertEqual(once, self._daily(documents, '2022-02-01', '2026-12-31', rules))

    def test_enrolment_and_leaving(self):
        """The first counted purchase enrols, not before the start; who left has no tier and begins low (docs/tiers.md)."""
        documents = docs(('2024-05-01', 700), ('2025-01-10', 100))
        self.assertEqual(self._history(documents, '2024-04-30'), [])
        late_start = replace(self.rules, start=day('2024-06-01'))
        self.assertEqual(
            self._history(documents, '2024-12-31', late_start),
            [('2024-06-01', 'entry', 'base'), ('2024-06-01', 'upgrade', 'silver')],
        )
        by_hand = replace(self.rules, automatic=False)
        self.assertEqual(self._history(documents, '2025-12-31', by_hand), [])
        note = [Document(day('2024-01-01'), -100, False)]
        self.assertEqual(self._history([*note, *documents], '2024-05-01')[0][0], '2024-05-01')
        state, _moves = self._run(documents, '2025-01-10')
        gone, moves = _tiers.leave(state, self.rules, day('2025-02-01'))
        self.assertEqual((gone.tier, [move.cause for move in moves]), (None, ['leave']))
        more = [*documents, *docs(('2025-03-01', 5000))]
        self.assertEqual(self._history(more, '2026-01-01', state=gone), [])
        back, moves = _tiers.enrol(gone, documents, self.rules, day('2025-12-01'))
        self.assertEqual((back.tier, back.enrolled_on), ('base', day('2025-12-01')))
        back, moves = _tiers.enrol(gone, more, self.rules, day('2025-12-01'))
        self.assertEqual([move.target for move in moves], ['base', 'gold'])

    def test_warnings(self):
        """60, 30 and 7 days before U, only when the tier would be lost, with what is missing (C.1 10)."""
        documents = docs(('2025-03-05', 600), ('2025-06-01', 450))
        state, _moves = self._run(documents, '2025-06-01')  # Gold until 2026-06-01
        for today, stage in (
            ('2026-04-01', None),
            ('2026-04-02', 60),
            ('2026-05-02', 30),
            ('2026-05-25', 7),
            ('2026-05-31', 7),
            ('2026-06-01', None),
        ):
            with self.subTest(today=today):
                notice = _tiers.warning(state, documents, self.rules, day(today))
                self.assertEqual(notice and notice.stage, stage)
        notice = _tiers.warning(state, documents, self.rules, day('2026-04-02'))
        self.assertEqual(
            (notice.last_day, notice.measure.missing()), (day('2026-05-31'), (55000, None))
        )
        kept = [*documents, *docs(('2026-04-10', 550))]
        self.assertIsNone(_tiers.warning(state, kept, self.rules, day('2026-05-02')))
        self.assertEqual(
            _tiers.next_on(state, documents, self.rules, day('2025-06-01')), day('2026-04-02')
        )
