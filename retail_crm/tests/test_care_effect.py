from datetime import timedelta
from math import isclose, sqrt

from freezegun import freeze_time

from odoo.tests import BaseCase, tagged

from ..models.care._effect import newcombe, roi, wilson
from .send_common import NOON, TODAY, SendCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareEffectFormulas(BaseCase):
    def test_published_values(self):
        """Wilson 81/263 and Newcombe 56/70 against 48/80, as published by Newcombe in 1998 (S-MKT-06)."""
        self.assertEqual([round(bound, 4) for bound in wilson(81, 263)], [0.2553, 0.3662])
        self.assertEqual(
            [round(value, 4) for value in newcombe(56, 70, 48, 80)], [0.2, 0.0524, 0.3339]
        )

    def test_wilson_solves_its_equation(self):
        """The bounds are where the distance from the share is z standard errors of the bound itself."""
        for hits, size in ((0, 40), (3, 31), (40, 40), (17, 90)):
            for bound in wilson(hits, size):
                error = sqrt(max(bound * (1 - bound), 0) / size)
                self.assertTrue(
                    isclose(abs(hits / size - bound), 1.959963984540054 * error, abs_tol=1e-9)
                )

    def test_return(self):
        """ROI = (margin - cost) / cost; what costs nothing has none (S-MKT-06)."""
        self.assertEqual(roi(150, 100), 0.5)
        self.assertEqual(roi(0, 100), -1)
        self.assertIsNone(roi(150, 0))


@tagged('post_install', '-at_install', 'retail_crm')
class TestCareEffect(SendCommon):
    @classmethod
    def setUpClass(cls):
        cls.startClassPatcher(freeze_time(NOON))
        super().setUpClass()
        cls.offer = cls.env['retail.offer'].create(
            {'name': 'Tea', 'contact_cost': 2.0, 'date_from': '2027-01-01'}
        )
        people = cls.env['res.partner'].create([{'name': f'P{n}'} for n in range(70)])
        cls.contacted, cls.held = people[:40], people[40:]
        day = TODAY - timedelta(days=30)
        at = NOON - timedelta(days=30)
        cls.followups.create(
            [
                {
                    'rule_id': cls.offer_rule.id,
                    'partner_id': one.id,
                    'company_id': cls.company.id,
                    'purpose': 'marketing',
                    'offer_id': cls.offer.id,
                    'occurrence': 'x',
                    # the control group waited, too: what counts is when it would have been contacted
                    'due_on': day - timedelta(days=3 if one in cls.held else 0),
                    **(
                        {'state': 'held', 'is_control': True, 'done_at': at}
                        if one in cls.held
                        else {
                            'state': 'done',
                            'contacted_at': at,
                            'channel_id': cls.email.id,
                        }
                    ),
                }
                for one in people
            ]
        )
        # on the last day of reaction, and a day late
        for number, one in enumerate(cls.contacted[:10] + cls.held[:2]):
            cls._create_order(one, 30, date=at + timedelta(days=14 if number else 15))
        cls._process()
        cls.env.flush_all()

    def _row(self, *names):
        effects = self.env['retail.care.effect']
        [row] = effects._read_group(
            [('rule_id', '=', self.offer_rule.id)], [], [f'{name}:sum' for name in names]
        )
        return row

    def test_against_control(self):
        """Purchases of both groups within the same days, the difference with its interval, and the return (S-MKT-06)."""
        counts = self._row(
            'planned', 'contacted', 'held', 'bought', 'held_bought', 'revenue', 'cost'
        )
        self.assertEqual(counts, (70, 40, 30, 9, 2, 270.0, 80.0))
        expected = [100 * value for value in newcombe(9, 40, 2, 30)]
        found = self._row('difference', 'difference_low', 'difference_high')
        for one, other in zip(expected, found, strict=True):
            self.assertAlmostEqual(one, other, 6)
        margin, conversion, control, result = self._row(
            'margin', 'conversion', 'control_conversion', 'roi'
        )
        self.assertAlmostEqual(conversion, 22.5)
        self.assertAlmostEqual(control, 100 * 2 / 30)
        self.assertAlmostEqual(result, 100 * roi(margin, 80))
        sums, words = self.env['retail.care.effect']._effect_of(
            [('rule_id', '=', self.offer_rule.id)]
        )
        self.assertEqual(sums['bought'], 9)
        self.assertIn('+15.8', words)

    def test_too_few(self):
        """Under 30 in one of the groups no difference is shown; without cost there is no return (S-MKT-06)."""
        self.offer.contact_cost = 0
        row = self.followups.search([('rule_id', '=', self.offer_rule.id), ('state', '=', 'held')])[
            0
        ]
        row._stamp({'state': 'skipped'})
        found = self._row('held', 'difference', 'difference_low', 'roi', 'control_conversion')
        self.assertEqual(found[:4], (29, False, False, False))
        self.assertTrue(found[4])
        words = self.env['retail.care.effect']._effect_of([('rule_id', '=', self.offer_rule.id)])[1]
        self.assertIn('Too few', words)

    def test_combination(self):
        """Content, incentive, channel and hour are kept with the reaction and can be compared (S-MKT-03)."""
        rows = self.env['retail.care.effect']._read_group(
            [('rule_id', '=', self.offer_rule.id), ('contacted', '>', 0)],
            ['offer_id', 'channel_id', 'hour'],
            ['bought:sum'],
        )
        self.assertEqual(rows, [(self.offer, self.email, 12, 9)])
