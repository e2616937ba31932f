"""What the tests of points start from: a program of one point per unit of money, and a reward of 5 for 500 points."""

from unittest.mock import patch

from odoo.fields import Command

from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class PointsCommon(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # programs of demo data would give points and rewards, too
        cls.env['loyalty.program'].search([]).active = False
        cls.env['retail.points.campaign'].search([]).active = False
        cls.program = cls._create_program()
        cls.ledger = cls.env['retail.points.entry']

    @classmethod
    def _create_program(cls, **values):
        rule = values.pop('rule', {})
        return cls.env['loyalty.program'].create(
            {
                'name': 'Points',
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'company_id': cls.company.id,
                'rule_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_point_mode': 'money',
                            'reward_point_amount': 1,
                            'minimum_qty': 0,
                            **rule,
                        }
                    ),
                ],
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {
                            'reward_type': 'discount',
                            'discount_mode': 'per_order',
                            'discount': 5,
                            'required_points': 500,
                        }
                    ),
                ],
                **values,
            }
        )

    @classmethod
    def _give_card(cls, partner, points=0.0, program=None):
        return cls.env['loyalty.card'].create(
            {
                'program_id': (program or cls.program).id,
                'partner_id': partner.id,
                'points': points,
            }
        )

    @classmethod
    def _card_of(cls, partner, program=None):
        return cls.env['loyalty.card'].search(
            [('partner_id', '=', partner.id), ('program_id', '=', (program or cls.program).id)]
        )

    @classmethod
    def _sell(cls, partner, amount, quantity=1, redeem=False, **values):
        """Return a confirmed order that earns points, perhaps with a reward of its card."""
        order = cls._create_order(partner, amount, confirm=False, **values)
        if quantity != 1:
            order.order_line.write({'product_uom_qty': quantity, 'price_unit': amount})
        order._update_programs_and_rewards()
        if redeem:
            card = cls._card_of(partner)
            result = order._apply_program_reward(cls.program.reward_ids, card)
            assert not result, result
        order.action_confirm()
        return order

    @classmethod
    def _pay(cls, invoice):
        cls.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({})._create_payments()

    def _tell(self):
        """Do what the scheduled action does to announce points that expire, without its commits."""
        cron = type(self.env['ir.cron'])
        with patch.object(cron, '_commit_progress', lambda self, *args, **values: 1):
            self.ledger._tell_expiring_all()

    def _release(self):
        """Do what the scheduled action does, without its commits."""
        last = 0
        while rows := self.ledger._release_batch(last, limit=2):
            last = rows[-1].id

    def _entries(self, card, **conditions):
        domain = [('card_id', '=', card.id)]
        domain += [(name, '=', value) for name, value in conditions.items()]
        return self.ledger.search(domain, order='id')

    def _points(self, card, **conditions):
        return sum(self._entries(card, **conditions).mapped('points'))

    def assertAgrees(self, *cards):
        """The card is the sum of its available entries and of what remains of them."""
        for card in cards:
            rows = self._entries(card, state='available')
            self.assertAlmostEqual(card.points, sum(rows.mapped('points')), 6)
            self.assertAlmostEqual(card.points, sum(rows.mapped('remaining')), 6)
