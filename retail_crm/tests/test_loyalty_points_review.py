"""Sales, returns and merges that the points ledger must not stand in the way of (issue 6)."""

from contextlib import suppress
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.retail_crm.models.loyalty import _booking

from .points_common import PointsCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestLoyaltyPointsReview(PointsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.topup = cls._create_product('Top-up', 50.0)
        cls.ewallet = cls.env['loyalty.program'].create(
            {
                'name': 'Wallet',
                'program_type': 'ewallet',
                'applies_on': 'future',
                'trigger': 'auto',
                'company_id': cls.company.id,
                'trigger_product_ids': [Command.set(cls.topup.ids)],
                'rule_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_point_mode': 'money',
                            'reward_point_amount': 1,
                            'product_ids': [Command.set(cls.topup.ids)],
                        }
                    ),
                ],
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount_mode': 'per_point',
                            'discount': 1,
                            'required_points': 1,
                        }
                    ),
                ],
            }
        )

    def test_wallet_in_debt_blocks_no_order(self):
        """A debt never blocks an order, nor one of an eWallet whose top-up was returned after it was spent."""
        card = self._give_card(self.bob, 0.0, self.ewallet)
        with self.subTest('ordinary order'):
            card.sudo().points = -50
            order = self._create_order(self.bob, 20, confirm=False)
            order._update_programs_and_rewards()
            order.action_confirm()
            self.assertEqual(order.state, 'sale')
        with self.subTest('top-up'):
            order = self._create_order(self.bob, 20, confirm=False)
            order.order_line.product_id = self.topup
            order.order_line.price_unit = 20
            order._update_programs_and_rewards()
            order.action_confirm()
            self.assertEqual(card.points, -30)

    def _returned_and_spent_elsewhere(self):
        """Return an order, its credit note, whose points were given back and then spent in another order."""
        self._give_card(self.bob, 500.0)
        order = self._sell(self.bob, 20, redeem=True)
        invoice = self._create_invoice(order)
        refund = self._create_refund(invoice)
        card = self._card_of(self.bob)
        self.assertEqual(card.points, 500)
        self._sell(self.bob, 20, redeem=True)
        return order, refund, card

    def test_credit_note_is_reset_after_its_points_were_spent(self):
        """Accountants may reset a credit note whose points were spent since: what is missing is a debt."""
        order, refund, card = self._returned_and_spent_elsewhere()
        refund.button_draft()
        self.assertEqual(refund.state, 'draft')
        self.assertAgrees(card)
        self.assertEqual(card.points, 500 - 500 + 20 - 500 + 20)

    def test_goods_billed_again_are_paid(self):
        """A payment goes through whatever became of the points that the order had spent."""
        order, refund, card = self._returned_and_spent_elsewhere()
        invoice = self._create_invoice(order)
        self._pay(invoice)
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertAgrees(card)

    def test_merge_takes_over_empty_cards(self):
        """Entries and waiting points of a card without a balance follow the customer, too."""
        self.program.retail_pending = True
        self._give_card(self.ann, 100.0)
        self._sell(self.bob, 30)
        card, old = self._card_of(self.ann), self._card_of(self.bob)
        self.assertEqual(old.retail_pending_points, 30)
        self.env['base.partner.merge.automatic.wizard']._merge((self.ann | self.bob).ids, self.ann)
        self.assertEqual(card.retail_pending_points, 30)
        self.assertFalse(self._entries(old))

    def test_merge_three_cards_of_one_document(self):
        """Two cards that have entries of the same document can both be taken over."""
        cards = [self._give_card(partner, 10.0) for partner in (self.acme, self.ann, self.bob)]
        for card in cards[1:]:
            self.ledger._grant(card.partner_id, 5, self.goods, card.partner_id.name, 'x')
            self.env.flush_all()
        self.env.cr.execute(
            SQL("UPDATE retail_points_entry SET key = 'same' WHERE reason IN ('Ann','Bob')")
        )
        self.env.invalidate_all()
        self.ann.parent_id = False
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.acme | self.ann | self.bob).ids, self.acme
        )
        self.assertEqual(cards[0].points, 40)
        self.assertAgrees(cards[0])

    def test_card_without_entries_pays(self):
        """A card that says more than its lots do is reported at night; its customer can spend what it says."""
        card = self._give_card(self.bob)
        self.env.flush_all()
        self.env.cr.execute(SQL('UPDATE loyalty_card SET points = 500 WHERE id = %s', card.id))
        self.env.invalidate_all()
        order = self._sell(self.bob, 20, redeem=True)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(card.points, 20)

    def test_spending_more_than_there_is_is_refused(self):
        """Of two orders over the same points one is confirmed (S-LOY-04)."""
        card = self._give_card(self.bob, 500)
        first, second = (self._create_order(self.bob, 20, confirm=False) for _ in range(2))
        for order in first, second:
            order._update_programs_and_rewards()
            order._apply_program_reward(self.program.reward_ids, card)
        first.action_confirm()
        with self.assertRaises(ValidationError):
            second.action_confirm()

    def test_card_made_within_another_action(self):
        """The record of the action around is not always a program."""
        cards = self.env['loyalty.card'].with_user(self.env.ref('base.user_admin'))
        card = cards.with_context(active_id=99999999, default_program_id=self.program.id).create(
            {'partner_id': self.bob.id}
        )
        self.assertEqual(card.program_id, self.program)

    def test_rolled_back_within(self):
        """What a savepoint took back within a larger change does not count."""
        card = self._give_card(self.bob, 100)
        order = self._sell(self.bob, 20)
        self.assertEqual(card.points, 120)
        with _booking.booking_orders(order):
            with (
                suppress(ZeroDivisionError),
                self.env.cr.savepoint(),
                _booking.booking_orders(order),
            ):
                card.points += 70
                self.env.flush_all()
                raise ZeroDivisionError
        self.assertEqual(card.points, 120)
        self.assertAgrees(card)

    def test_current_program(self):
        """Core deletes cards of which an order claims nothing; one with entries stays and the order goes on."""
        program = self._create_program(applies_on='current')
        order = self._create_order(self.bob, 600, confirm=False)
        order._update_programs_and_rewards()
        points = order.coupon_point_ids.filtered(lambda r: r.coupon_id.program_id == program)
        card = points.coupon_id
        self.assertTrue(card)
        order._apply_program_reward(program.reward_ids, card)
        order.action_confirm()
        self.assertTrue(self._entries(card))
        order._action_cancel()
        order.action_draft()
        order._update_programs_and_rewards()
        order.action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_order_again_after_cancel(self):
        """An order that is cancelled, reset and confirmed again and again moves its points once."""
        card = self._give_card(self.bob, 500)
        order = self._sell(self.bob, 20, redeem=True)
        for _ in range(3):
            order._action_cancel()
            self.assertEqual(card.points, 500)
            order.action_draft()
            order._update_programs_and_rewards()
            order._apply_program_reward(self.program.reward_ids, card)
            order.action_confirm()
            self.assertEqual(card.points, 20)
        self.assertAgrees(card)

    def test_manager_writes_coupon_points(self):
        """Nobody makes points by writing what an order gives."""
        order = self._sell(self.bob, 20)
        self.users['sales'].group_ids = [
            Command.link(self.env.ref('sales_team.group_sale_manager').id)
        ]
        row = order.coupon_point_ids.with_user(self.users['sales'])
        with self.assertRaises(UserError):
            row.write({'points': 1000000})
        other = self._give_card(self.ann)
        # nor together with a change of lines, which moves points for itself
        for change in (
            Command.update(row.id, {'points': 1000000}),
            Command.create({'coupon_id': other.id, 'points': 1000000}),
        ):
            with self.assertRaises(UserError), self.cr.savepoint():
                row.order_id.write(
                    {
                        'order_line': [Command.update(order.order_line.id, {'price_unit': 21})],
                        'coupon_point_ids': [change],
                    }
                )
        order.invalidate_recordset()
        self.assertEqual(self._card_of(self.bob).points, 20)

    def test_waiting_points_are_looked_at_on_their_day(self):
        """The nightly action costs what is due: what is not paid, or whose day is to come, is not looked at.

        A payment that nobody told of is found.
        """
        self.program.write({'retail_pending': True, 'retail_return_days': 10})
        paid, unpaid, quiet = (
            self._sell(partner, 30) for partner in (self.bob, self.ann, self.bob)
        )
        self._pay(self._create_invoice(paid))
        self._create_invoice(unpaid)
        with patch.object(
            type(self.env['account.move']), '_retail_settle_points', lambda self: None
        ):
            self._pay(self._create_invoice(quiet))
        rows = {
            order: self.ledger.search([('res_id', '=', order.id), ('res_model', '=', order._name)])
            for order in (paid, unpaid, quiet)
        }
        self.assertTrue(rows[paid].valid_from)
        self.assertFalse(rows[quiet].valid_from)
        looked = self.ledger._release_batch(0)
        self.assertNotIn(rows[unpaid], looked)
        self.assertNotIn(rows[paid], looked)
        self.assertIn(rows[quiet], looked)
        self.assertTrue(rows[quiet].valid_from)
        with freeze_time(rows[paid].valid_from):
            self.assertIn(rows[paid], self.ledger._release_batch(0))
        self.assertEqual(rows[paid].state, 'available')

    def test_cards_with_entries_stay(self):
        """Staff are told to archive a card with movements; what Odoo deletes itself is archived."""
        card = self._give_card(self.bob, 10)
        manager = new_test_user(self.env, login='cards', groups='sales_team.group_sale_manager')
        self.env['ir.model.access'].create(  # Odoo lets nobody delete cards, an administrator may
            {
                'name': 'Delete cards',
                'model_id': self.env['ir.model']._get_id('loyalty.card'),
                'group_id': self.env.ref('sales_team.group_sale_manager').id,
                'perm_unlink': True,
            }
        )
        with self.assertRaisesRegex(UserError, 'Archive them'):
            card.with_user(manager).unlink()
        card.sudo().unlink()
        self.assertFalse(card.exists().active)
        self.assertTrue(self._entries(card))
        empty = self._give_card(self.ann)
        empty.sudo().unlink()
        self.assertFalse(empty.exists())
