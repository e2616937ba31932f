"""Points for recommendations: both get them once, after the first purchase has passed the return window (issue 6)."""

from freezegun import freeze_time

from odoo.tests import tagged

from odoo.addons.retail_crm.tests.test_loyalty_points_club import ClubCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestPointsReferral(ClubCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.write(
            {
                'retail_referral_points': 200,
                'retail_return_days': 7,
                'rule_ids': [
                    (5,),
                    (
                        0,
                        0,
                        {
                            'reward_point_amount': 0.5,
                            'reward_point_mode': 'money',
                            'minimum_qty': 0,
                        },
                    ),
                ],
            }
        )
        cls.friend = cls.env['res.partner'].create(
            {'name': 'Friend', 'retail_customer': True, 'retail_referrer_id': cls.bob.id}
        )
        cls._process()

    def _first(self, amount, day='2026-03-02', partner=None):
        with freeze_time(f'{day} 12:00'):
            order = self._create_order(partner or self.friend, amount)
            invoice = self._create_invoice(order)
            self._process()
        return invoice

    def _on(self, day):
        with freeze_time(f'{day} 12:00'):
            self._release()

    def _promised(self, partner):
        return self._entries(self._card_of(partner)).filtered(
            lambda row: row.reason in ('referral', 'referred')
        )

    def test_both_get_points_after_the_window(self):
        """200 each, waiting until the seventh day after the purchase (defaults 6)."""
        self._first(100)
        rows = self._promised(self.bob) | self._promised(self.friend)
        self.assertEqual(rows.mapped('points'), [200, 200])
        self.assertEqual(set(rows.mapped('state')), {'pending'})
        self.assertEqual({str(row.valid_from) for row in rows}, {'2026-03-09'})
        self.assertEqual(rows.mapped('res_id'), [self.friend.id] * 2)
        self._on('2026-03-08')
        self.assertEqual(self._card_of(self.bob).points, 0)
        self._on('2026-03-09')
        self.assertEqual(self._card_of(self.bob).points, 200)
        self.assertEqual(self._card_of(self.friend).points, 250)
        self.assertAgrees(self._card_of(self.bob), self._card_of(self.friend))

    def test_once(self):
        """Told again, and after another first purchase, nobody gets more (issue 6)."""
        self._first(100)
        moments = self.moments.search(
            [('kind', '=', 'referral_purchased'), ('partner_id', '=', self.friend.id)]
        )
        self.assertTrue(moments)
        with freeze_time('2026-03-03 12:00'):
            self.ledger._on_referral_purchased(moments)
        moments.unlink()
        self._first(300, '2026-03-04')
        self._on('2026-03-20')
        self.assertEqual(self._card_of(self.bob).points, 200)

    def test_returned_before(self):
        """The purchase is returned within the window: the points never come into force (issue 6)."""
        invoice = self._first(100)
        with freeze_time('2026-03-05 12:00'):
            self._create_refund(invoice, 30)
            self._process()
        self._on('2026-03-09')
        self.assertEqual(self._promised(self.bob).state, 'void')
        self.assertEqual(self._card_of(self.bob).points, 0)
        self.assertEqual(self._card_of(self.friend).points, 35)
        self._on('2026-03-30')
        self.assertAgrees(self._card_of(self.bob), self._card_of(self.friend))

    def test_small_first_purchase_brings_nothing(self):
        """Below the minimum there is nothing; and nothing where nobody recommended us (defaults 6)."""
        self._first(99.99)
        self._first(500, partner=self.acme)
        self.assertFalse(self._promised(self.bob))
        self.assertFalse(self._promised(self.friend))
        self.assertFalse(self._promised(self.acme))

    def test_off_by_default(self):
        """A program that does not say so gives nothing for referrals (style 2)."""
        self.program.retail_referral_points = 0
        self._first(100)
        self.assertFalse(self._promised(self.bob))

    def test_members_only(self):
        """Where only members earn, only members get points for a recommendation (S-LOY-16)."""
        self.program.retail_members_only = True
        self._join(self.bob)
        self._process()
        self._first(100)
        self.assertEqual(self._promised(self.bob).points, 200)
        self.assertFalse(self._promised(self.friend))

    def test_other_company(self):
        """A program of one company gives nothing for purchases in another (design 7)."""
        with freeze_time('2026-03-02 12:00'):
            self._create_order(self.friend, 100, company_id=self.company_2.id)
            self._process()
        self.assertFalse(self._promised(self.bob))
