"""What a preview finds for one member, on small examples reckoned by hand (docs/tiers.md, Preview; R-loy C.1, 11)."""

from dataclasses import replace
from datetime import date

from odoo.tests import BaseCase, tagged

from odoo.addons.retail_crm.models.loyalty import _tiers
from odoo.addons.retail_crm.models.loyalty._tier_preview import compare
from odoo.addons.retail_crm.models.loyalty._tiers import Document, Rules, State, Tier, Version

FIRST = date(2000, 1, 1)
TODAY = date(2026, 6, 15)


def ladder(silver=None, gold=None, day=None, new_silver=None, new_gold=None):
    """Return tiers with Silver from 500 and Gold from 1000, and other thresholds from a day on."""
    tiers = [Tier('base')]
    for key, first, later in (
        ('silver', silver or {'amount': 500}, new_silver),
        ('gold', gold or {'amount': 1000}, new_gold),
    ):
        versions = [Version(FIRST, **first)]
        if later:
            versions.append(Version(day, **later))
        tiers.append(Tier(key, tuple(versions)))
    return tuple(tiers)


def docs(*pairs):
    return [Document(date.fromisoformat(day), amount) for day, amount in pairs]


@tagged('post_install', '-at_install', 'retail_crm')
class TestPreviewRules(BaseCase):
    rules = Rules(tiers=ladder())

    def _compare(self, documents, proposed, rules=None, as_of=TODAY, **options):
        """Return ``(held, from, to, day)`` for somebody whose purchases were followed up to today."""
        rules = rules or self.rules
        state, _moves = _tiers.advance(State(), documents, rules, TODAY)
        state = replace(state, **options.pop('given', {}))
        self.found = compare(state, documents, rules, proposed, as_of, TODAY, **options)
        found = self.found
        return found.held, found.present, found.proposed, found.day and str(found.day)

    def test_a_higher_threshold_acts_at_the_end_of_validity(self):
        """Gold from 1500 instead of 1000: who buys for 1010 a year falls when validity and grace are over, not before."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 410))
        proposed = Rules(tiers=ladder(day=TODAY, new_gold={'amount': 1500}))
        found = self._compare(documents, proposed)
        self.assertEqual(found, ('gold', 'gold', 'silver', '2027-02-09'))
        # 410 of the first day, 600 and 410 again up to the end of grace
        measure = self.found.measure
        self.assertEqual((measure.start, measure.end), (date(2026, 1, 10), date(2027, 2, 9)))
        self.assertEqual((measure.amount, measure.count), (1420, 3))
        self.assertEqual(measure.missing(), (80, None))

    def test_who_falls_by_both_is_no_difference(self):
        """If nobody buys any more, the same customer falls by the present rules as well: the change is not to blame."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 410))
        proposed = Rules(tiers=ladder(day=TODAY, new_gold={'amount': 1500}))
        found = self._compare(documents, proposed, repeat=False)
        self.assertEqual(found, ('gold', 'silver', 'silver', None))

    def test_a_lower_threshold_acts_at_once(self):
        """Gold from 800: who bought for 850 in the window rises on the first day of the rules."""
        documents = docs(('2025-10-01', 450), ('2026-01-10', 400))
        proposed = Rules(tiers=ladder(day=TODAY, new_gold={'amount': 800}))
        self.assertEqual(
            self._compare(documents, proposed), ('silver', 'silver', 'gold', '2026-06-15')
        )
        self.assertEqual((self.found.measure.amount, self.found.measure.count), (850, 2))

    def test_as_of_in_the_future(self):
        """Rules from 15 November: the window of that day counts, with what is bought again until then, if it is."""
        documents = docs(('2025-10-01', 450), ('2026-01-10', 400))
        later = date(2026, 11, 15)
        proposed = Rules(tiers=ladder(day=later, new_gold={'amount': 800}))
        found = self._compare(documents, proposed, as_of=later)
        self.assertEqual(found, ('silver', 'silver', 'gold', '2026-11-15'))
        found = self._compare(documents, proposed, as_of=later, repeat=False)
        self.assertEqual(found[3], None)

    def test_as_of_in_the_past(self):
        """Had Gold been from 800 since January, 850 would have reached it with the purchase of 10 January."""
        documents = docs(('2025-10-01', 450), ('2026-01-10', 400))
        past = date(2026, 1, 1)
        proposed = Rules(tiers=ladder(day=past, new_gold={'amount': 800}))
        found = self._compare(documents, proposed, as_of=past)
        self.assertEqual(found, ('base', 'silver', 'gold', '2026-01-10'))

    def test_both_instead_of_either(self):
        """Amount and number: one purchase of 600 does not keep Silver any more; it does until validity and grace end."""
        silver, gold = {'amount': 500, 'count': 2}, {'amount': 1000, 'count': 5}
        rules = Rules(tiers=ladder(silver, gold))
        documents = docs(('2026-02-01', 600))
        proposed = replace(rules, criteria='both', settled=TODAY)
        found = self._compare(documents, proposed, rules, repeat=False)
        self.assertEqual(found, ('silver', 'silver', 'base', '2027-03-03'))
        self.assertEqual(self.found.measure.missing(), (0, 1))

    def test_a_longer_window(self):
        """24 months instead of 12: what was bought long ago counts again, at once."""
        documents = docs(('2024-09-01', 600), ('2026-05-01', 500))
        proposed = replace(self.rules, months=24, settled=TODAY)
        found = self._compare(documents, proposed)
        self.assertEqual(found, ('silver', 'silver', 'gold', '2026-06-15'))
        self.assertEqual(self.found.measure.amount, 1100)

    def test_where_to_one_falls(self):
        """Re-evaluate instead of one down: who buys nothing any more falls to the lowest tier."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 400))
        proposed = replace(self.rules, drop='reevaluate')
        found = self._compare(documents, proposed, repeat=False)
        self.assertEqual(found, ('gold', 'silver', 'base', '2027-02-09'))

    def test_thresholds_to_keep(self):
        """Keeping for 300: who would fall by the present rules stays; the day is that of the fall that does not come."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 400))
        easier = {'amount': 1000, 'keep_amount': 300}
        proposed = Rules(tiers=ladder(day=TODAY, new_gold=easier))
        found = self._compare(documents, proposed, repeat=False)
        self.assertEqual(found, ('gold', 'silver', 'gold', '2027-02-09'))

    def test_first_day_counts_no_more(self):
        """The purchase that reached the tier counts no more for keeping it: 1200 on one day keep Gold no longer."""
        documents = docs(('2026-01-10', 1200))
        proposed = replace(self.rules, entry_counts=False)
        found = self._compare(documents, proposed, repeat=False)
        self.assertEqual(found, ('gold', 'gold', 'silver', '2027-02-09'))

    def test_grace_and_validity_alone_move_only_the_day(self):
        """Another grace, or a longer validity from the next time on: everybody ends in the same tier."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 400))
        for values in ({'grace': 0}, {'grace': 90}, {'validity': 24}):
            with self.subTest(**values):
                found = self._compare(documents, replace(self.rules, **values), repeat=False)
                self.assertEqual(found[3], None)

    def test_programme_years(self):
        """Programme years: validity that was granted by months stays; then the last year before its end counts."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 400))
        proposed = replace(self.rules, window='calendar', settled=TODAY)
        found = self._compare(documents, proposed, repeat=False)
        # [10 January 2026, 10 January 2027): 400; the present rules count from 10 January 2026 as well
        self.assertEqual(found, ('gold', 'silver', 'silver', None))
        found = self._compare(
            docs(('2025-10-01', 600), ('2026-01-10', 1000)), proposed, repeat=False
        )
        self.assertEqual(found, ('gold', 'gold', 'gold', None))

    def test_returns_of_before_take_nothing_back(self):
        """Strict from now on: a tier that was reached before, of goods returned since, stays until its validity ends."""
        bought = docs(('2026-01-10', 1000))
        state, _moves = _tiers.advance(State(), bought, self.rules, TODAY)
        returned = docs(('2026-01-10', 300))
        strict = replace(self.rules, strict=True)
        self.assertEqual(_tiers.advance(state, returned, strict, TODAY)[0].tier, 'base')
        granted = replace(strict, settled=TODAY)
        self.assertEqual(_tiers.advance(state, returned, granted, TODAY)[0].tier, 'gold')
        found = compare(state, returned, self.rules, granted, TODAY, TODAY, repeat=False)
        self.assertIsNone(found.day)

    def test_a_given_tier_hides_the_difference(self):
        """Staff gave Gold until 2028: the fall is seen on the day on which that ends."""
        documents = docs(('2025-10-01', 600), ('2026-01-10', 410))
        proposed = Rules(tiers=ladder(day=TODAY, new_gold={'amount': 1500}))
        given = {'floor': 'gold', 'floor_since': TODAY, 'floor_until': date(2028, 1, 1)}
        found = self._compare(documents, proposed, given=given)
        self.assertEqual(found, ('gold', 'gold', 'silver', '2028-01-01'))

    def test_the_same_rules_differ_for_nobody(self):
        """A preview of the present rules, also with thresholds said again, has no line."""
        for first in range(1, 13):
            documents = docs(
                (f'2024-{first:02}-05', 700), (f'2025-{first:02}-20', 350), ('2026-04-01', 400)
            )
            for as_of in (date(2025, 3, 1), TODAY, date(2026, 9, 9), date(2027, 6, 15)):
                again = {'new_silver': {'amount': 500}, 'new_gold': {'amount': 1000}}
                proposed = Rules(tiers=ladder(day=as_of, **again))
                with self.subTest(first=first, as_of=as_of):
                    self.assertIsNone(self._compare(documents, proposed, as_of=as_of)[3])

    # === AT ONCE ===#

    def test_looked_at_because_of_the_rules(self):
        """At once: who rises because of the rules has the cause "rule_change"; who bought enough anyway has his own."""
        now = Rules(tiers=ladder(day=TODAY, new_gold={'amount': 800}))
        documents = docs(('2025-10-01', 450), ('2026-01-10', 400))
        state, _moves = _tiers.advance(State(), documents, self.rules, TODAY)
        after, moves = _tiers.rule_change(state, documents, self.rules, now, TODAY)
        self.assertEqual([(move.cause, move.target) for move in moves], [('rule_change', 'gold')])
        self.assertEqual((after.tier, after.until), ('gold', date(2027, 6, 15)))
        self.assertEqual(
            _tiers.rule_change(after, documents, self.rules, now, TODAY), (after, []), 'once'
        )
        more = [*documents, Document(TODAY, 150)]
        _after, moves = _tiers.rule_change(state, more, self.rules, now, TODAY)
        self.assertEqual([(move.cause, move.target) for move in moves], [('upgrade', 'gold')])

    def test_settings_do_not_reach_back(self):
        """Other settings act when a member is looked at next, on that day: nothing is dated before they held."""
        documents = docs(('2024-09-01', 600), ('2026-05-01', 500))
        state, _moves = _tiers.advance(State(), documents, self.rules, TODAY)
        longer = replace(self.rules, months=24, settled=TODAY)
        later = date(2026, 6, 20)
        after, moves = _tiers.advance(state, documents, longer, later)
        self.assertEqual([(move.day, move.target) for move in moves], [(later, 'gold')])
        self.assertEqual(_tiers.advance(after, documents, longer, later), (after, []))

    def test_nobody_falls_at_once(self):
        """At once, with thresholds that nobody reaches: everybody keeps tier and validity."""
        hard = {'amount': 10**6}
        now = Rules(tiers=ladder(day=TODAY, new_silver=hard, new_gold=hard), strict=True)
        now = replace(now, criteria='both', settled=TODAY)
        documents = docs(('2025-10-01', 600), ('2026-01-10', 410))
        state, _moves = _tiers.advance(State(), documents, self.rules, TODAY)
        after, moves = _tiers.rule_change(state, documents, self.rules, now, TODAY)
        self.assertEqual(moves, [])
        self.assertEqual((after.tier, after.until), (state.tier, state.until))

    def test_who_rises_keeps_a_longer_validity(self):
        """Months of validity are fewer from now on: who rises by a purchase does not lose the lower tier earlier by it."""
        documents = docs(('2026-05-01', 600))
        state, _moves = _tiers.advance(State(), documents, self.rules, TODAY)
        self.assertEqual((state.tier, state.until), ('silver', date(2027, 5, 1)))
        shorter = replace(self.rules, validity=1)
        documents += docs(('2026-06-20', 500))
        after, _moves = _tiers.advance(state, documents, shorter, date(2026, 6, 20))
        self.assertEqual((after.tier, after.until), ('gold', date(2027, 5, 1)))
        end = date(2027, 4, 30)
        self.assertEqual(_tiers.advance(after, documents, shorter, end)[0].tier, 'gold')
