"""Changed habits: interval, basket and categories outside a customer's own usual range (S-CLV-06)."""

from datetime import timedelta
from random import Random
from statistics import median
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .test_care_churn import DAY, NOON, ChurnCase, days


def outside(value, before, least):
    """Return up, down or None: the rule of docs/care-churn.md in plain Python."""
    before = before[-8:]
    if len(before) < 5 or median(before) <= 0:
        return None
    usual = median(before)
    spread = max(3 * median(abs(one - usual) for one in before), usual / 2, least)
    return None if abs(value - usual) <= spread else 'up' if value > usual else 'down'


@tagged('post_install', '-at_install', 'retail_crm')
class TestLifeChange(ChurnCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.changes = cls.env['retail.life.change']

    def _rows(self, partners):
        found = self.changes.search([('partner_id', 'in', partners.ids)])
        return {(one.partner_id, one.kind, one.direction, one.date) for one in found}

    def test_formula(self):
        """Interval and basket against an independent computation; the same change is told once in 90 days."""
        random, first, expected = Random(3), DAY - timedelta(days=37), set()
        partners = self.env['res.partner'].create([{'name': f'H{i}'} for i in range(80)])
        for partner in partners:
            day, bought = DAY - days(random.randint(0, 20)), []
            rhythm = random.choice([10, 30, 60])
            for place in range(random.randint(3, 14)):
                amount = random.choice([100, 110, 90]) * (random.choice([1, 1, 3, 0.2]))
                bought.append((day, amount))
                gap = rhythm + random.choice([0, 1, -2]) + (place == 0) * random.choice([0, 90, -9])
                day -= days(max(gap, 1))
            bought.reverse()
            self._buy(partner, *bought)
            gaps = [
                None,
                *[(b - a).days for (a, _x), (b, _y) in zip(bought[:-1], bought[1:], strict=True)],
            ]
            told = {}
            for place, (on, amount) in enumerate(bought):
                found = [('basket', outside(amount, [x for _d, x in bought[:place]], 0))]
                if gaps[place]:
                    found.append(('interval', outside(gaps[place], gaps[1:place], 7)))
                for kind, direction in found:
                    if not direction or not first <= on <= DAY:
                        continue
                    if (last := told.get((kind, direction))) and last >= on - days(90):
                        continue
                    told[kind, direction] = on
                    expected.add((partner, kind, direction, on))
        self.assertGreater(len(expected), 10)
        self.assertEqual(len({row[1:3] for row in expected}), 4, 'each kind and direction')
        self.changes._notice(self.shop, partners.ids, first, DAY)
        self.assertEqual(self._rows(partners), expected)
        self.assertFalse(self.changes._notice(self.shop, partners.ids, first, DAY))
        self.assertTrue(
            all(self.changes.search([('partner_id', 'in', partners.ids)]).mapped('reason'))
        )

    def _regular(self, gap=120):
        partner = self._customer()
        start = DAY - days(gap)
        self._buy(partner, *[(start - days(30 * n), 100) for n in range(6)], (DAY, 100))
        return partner

    def _night(self):
        with patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *a, **k: 99):
            self.changes._cron_notice()

    @freeze_time(NOON)
    def test_nightly_look(self):
        """The night looks at those who bought since the last look, and once only (S-CLV-06)."""
        partner, steady = self._regular(), self._regular(gap=33)
        self.profiles._refresh(partner | steady)
        self._night()
        self.assertEqual(self._rows(partner), {(partner, 'interval', 'up', DAY)})
        self.assertFalse(self._rows(steady), 'three days late is no other life')
        self.assertEqual(self.shop.retail_life_checked_on, DAY)
        self.assertIn(
            '120 days, usually 30', self.changes.search([('partner_id', '=', partner.id)]).reason
        )
        self._night()
        self.assertEqual(len(self._rows(partner)), 1)

    def test_categories(self):
        """A category that was the customer's own and lost half of its share is told with the new one (S-CLV-06)."""
        old, new = self.env['product.category'].create([{'name': 'Tea'}, {'name': 'Coffee'}])
        tea = self._create_product('Leaf', 10, categ_id=old.id)
        coffee = self._create_product('Bean', 10, categ_id=new.id)
        partner, loyal = self._customer(), self._customer('Loyal')
        for customer, now in ((partner, coffee), (loyal, tea)):
            for place in range(9):
                day = DAY - days(20 * place if place < 4 else 200 + 20 * place)
                goods = now if place < 4 else tea
                order = self._create_order(customer, 10, confirm=False)
                order.order_line.product_id = goods
                order.action_confirm()
                order.date_order = f'{day} 10:00:00'
        self._process()
        self.changes._notice(self.shop, (partner | loyal).ids, DAY - days(30), DAY)
        found = self.changes.search([('partner_id', 'in', (partner | loyal).ids)])
        self.assertEqual(found.filtered(lambda one: one.kind == 'category').partner_id, partner)
        row = found.filtered(lambda one: one.kind == 'category')
        self.assertEqual((row.category_id, row.new_category_id), (old, new))
        self.assertEqual((row.usual, row.value), (100.0, 0.0))
        self.assertIn('Buys Coffee now: Tea fell from 100 % to 0 %', row.reason)

    @freeze_time(NOON)
    def test_seen(self):
        """Staff note that they know; portal users and strangers do not."""
        partner = self._regular()
        self.changes._notice(self.shop, partner.ids, DAY - days(30), DAY)
        change = self.changes.search([('partner_id', '=', partner.id)])
        for name in ('internal', 'portal'):
            with self.assertRaises(AccessError):
                change.with_user(self.users[name]).action_seen()
        change.with_user(self.users['user']).action_seen()
        self.assertEqual((change.seen_on, change.seen_by), (DAY, self.users['user']))

    def test_merge(self):
        """The changes of merged customers are the remaining one's, one for each kind and day."""
        one, two = self._regular(), self._regular()
        self.changes._notice(self.shop, (one | two).ids, DAY - days(30), DAY)
        self.env['retail.life.change'].search([('partner_id', '=', two.id)]).copy(
            {'date': DAY - days(1)}
        )
        self.env['base.partner.merge.automatic.wizard']._merge((one | two).ids, one)
        self.assertEqual(len(self.changes.search([('partner_id', '=', one.id)])), 2)

    def test_segments_can_ask(self):
        """A segment can be made of customers whose habits changed (S-CLV-06)."""
        partner = self._regular()
        self.changes._notice(self.shop, partner.ids, DAY - days(30), DAY)
        segment = self.env['retail.segment'].create(
            {
                'name': 'Changed',
                'company_id': self.shop.id,
                'domain': "[('retail_life_change_ids.kind', '=', 'interval')]",
            }
        )
        segment._recompute()
        self.assertIn(
            partner,
            segment.env['retail.segment.member']
            .search([('segment_id', '=', segment.id)])
            .partner_id,
        )
