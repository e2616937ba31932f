"""The truth about causes: complaint rates, Pareto, spikes, problems, products, customers lost (R-svc E 8, S-KPI-23)."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import exp, factorial
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.service import _spike
from odoo.addons.retail_crm.tests.complaint_common import ComplaintCommon

NOW = datetime(2026, 6, 30, 12)


def _tail(count, expected):
    """The Poisson tail in another way: one minus the sum of what is below."""
    return 1 - sum(exp(-expected) * expected**k / factorial(k) for k in range(count))


@tagged('post_install', '-at_install', 'retail_crm')
class TestSpikeArithmetic(TransactionCase):
    def test_tail_is_exact(self):
        """Probabilities agree with the plain sum, and with no expectation nothing is likely (R-svc E 8)."""
        for count, expected in ((1, 0.5), (3, 0.2), (3, 3.0), (12, 4.0), (12, 11.9), (40, 40)):
            self.assertAlmostEqual(
                _spike.poisson_tail(count, expected), _tail(count, expected), places=12
            )
        self.assertEqual(_spike.poisson_tail(0, 5), 1)
        self.assertEqual(_spike.poisson_tail(3, 0), 0)
        self.assertLess(_spike.poisson_tail(50, 1), 1e-60, 'no rounding to zero in the sum')
        self.assertGreater(_spike.poisson_tail(50, 1), 0)
        self.assertEqual(_spike.poisson_tail(5, 1000), 1)

    def test_expectation(self):
        """The larger of one's own past and the usual rate for what was sold; no sales, no baseline (R-svc E 8)."""
        self.assertAlmostEqual(_spike.expected_count(9, 7, 90), 9 * 7 / 90)
        self.assertEqual(_spike.expected_count(0, 7, 90), 0)
        # a week with a quarter of the sales of the time before may have a quarter of its complaints
        self.assertEqual(_spike.expected_count(8, 7, 90, {'recent': 100, 'before': 400}), 2)
        # a new lot: its share of all pieces times what is usual in a window
        sold = {'recent': 400, 'before': 0, 'all': 10000, 'all_before': 90}
        self.assertEqual(
            _spike.expected_count(0, 7, 90, sold), float(Fraction(400, 10000) * 90 * 7 / 90)
        )
        nothing = {'recent': None, 'before': None, 'all': None, 'all_before': None}
        self.assertEqual(_spike.expected_count(0, 7, 90, nothing), 0)

    def test_limits_and_ties(self):
        """At the number, the factor and the rate it rings; at the probability it does not (ties)."""
        rule = {'min_count': 4, 'factor': 2, 'p_limit': 0, 'min_rate': 10}
        self.assertTrue(_spike.is_spike(4, 2.0, 10.0, rule)[0], 'all three exactly')
        self.assertFalse(_spike.is_spike(3, 0.0, 10.0, rule)[0])
        self.assertFalse(_spike.is_spike(4, 2.01, 10.0, rule)[0])
        self.assertFalse(_spike.is_spike(4, 2.0, 9.99, rule)[0])
        self.assertTrue(_spike.is_spike(4, 2.0, None, rule)[0], 'not known what was sold')
        limit = _spike.poisson_tail(4, 2.0)
        self.assertFalse(_spike.is_spike(4, 2.0, None, {**rule, 'p_limit': limit})[0])
        self.assertTrue(_spike.is_spike(4, 2.0, None, {**rule, 'p_limit': limit * 1.01})[0])
        count_only = {'min_count': 4, 'factor': 0, 'p_limit': 0, 'min_rate': 0}
        self.assertTrue(_spike.is_spike(4, 100.0, 0.1, count_only)[0])


class SpikeCommon(ComplaintCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_1 = cls.env['res.company'].create({'name': 'Spike Company'})
        cls.company_1.retail_purchase_basis = 'order'
        cls.env.user.company_ids += cls.company_1
        for user in cls.users.values():
            user.company_ids += cls.company_1
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': cls.company_1.ids})
        cls.tickets = cls.env['retail.ticket']
        cls.rates = cls.env['retail.complaint.rate']
        cls.rules = cls.env['retail.spike.rule']
        cls.alerts = cls.env['retail.spike.alert']
        cls.problems = cls.env['retail.problem']
        cls.rules.search([]).active = False
        cls.pot = cls._create_product('Teapot', 10.0)
        cls.cup = cls._create_product('Cup', 5.0)
        cls.quality = cls.env['retail.ticket.team'].create(
            {
                'name': 'Quality',
                'kind': 'department',
                'code': 'quality',
                'company_id': cls.company_1.id,
                'user_id': cls.users['lead'].id,
            }
        )

    @classmethod
    def _sell(cls, product, quantity, day, lot=False, partner=None, store=None):
        """Sell pieces on a day, in an order that counts."""
        order = cls.env['sale.order'].create(
            {
                'partner_id': (partner or cls.bob).id,
                'company_id': cls.company_1.id,
                'team_id': store.id if store else False,
                'order_line': [
                    Command.create(
                        {
                            'product_id': product.id,
                            'product_uom_qty': quantity,
                            'price_unit': 10,
                            'retail_lot': lot,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        order.date_order = fields.Datetime.to_datetime(day)
        return order

    @classmethod
    def _about(cls, product=None, lot=False, days=1, code='product_function', **values):
        """Return a complaint of some days ago."""
        line = [Command.create({'product_id': product.id, 'lot': lot})] if product else []
        return cls._complain(
            code,
            company_id=cls.company_1.id,
            received_at=NOW - timedelta(days=days),
            line_ids=line,
            team_id=False,
            **values,
        )

    @classmethod
    def _rule(cls, dimension='lot', **values):
        return cls.rules.create(
            {'name': dimension, 'dimension': dimension, 'company_id': cls.company_1.id, **values}
        )


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOW)
class TestComplaintRate(SpikeCommon):
    def test_rates_against_plain_python(self):
        """Rates by class, product and in total are those of plain Python; what does not count is left out (S-KPI-23)."""
        sales = [
            (self.pot, 40, '2026-05-03', self.bob),
            (self.pot, 60, '2026-05-20', self.ann),
            (self.cup, 300, '2026-05-20', self.ann),
            (self.cup, 100, '2026-04-20', self.bob),  # before the period
        ]
        for product, quantity, day, partner in sales:
            self._sell(product, quantity, day, partner=partner)
        quotation = self._sell(self.cup, 999, '2026-05-09')
        quotation._action_cancel()
        self._process()
        days = (NOW - datetime(2026, 5, 15)).days
        two = self._about(self.pot, days=days, code='product_function')
        two.line_ids = [
            Command.create({'product_id': self.cup.id}),
            Command.create({'product_id': self.pot.id}),
        ]
        self._about(self.pot, days=days, code='product_appearance')
        self._about(self.cup, days=days, code='logistics_lost')
        self._about(self.cup, days=days).action_cancel()
        self._about(self.cup, days=days)._stamp({'merged_into_id': two.id})
        self._about(self.cup, days=days, type_id=self.enquiry.id)
        self._about(self.cup, days=2)  # after the period
        period = (self.company_1, date(2026, 5, 1), date(2026, 5, 31))
        sold = [row for row in sales if row[2] >= '2026-05']
        everything = self.rates._complaint_rates(*period, None)[None]
        self.assertEqual(everything['complaints'], 3)
        self.assertEqual(everything['orders'], len(sold))
        self.assertEqual(everything['units'], sum(row[1] for row in sold))
        self.assertEqual(everything['customers'], 2, 'Ann is counted as her company')
        self.assertEqual(everything['rate_orders'], 3 * 1000 / 3)
        self.assertEqual(everything['rate_customers'], 3 * 1000 / 2)
        by_product = self.rates._complaint_rates(*period, 'product')
        for product, complaints in ((self.pot, 2), (self.cup, 2)):
            units = sum(row[1] for row in sold if row[0] == product)
            found = by_product[product]
            self.assertEqual((found['complaints'], found['units']), (complaints, units))
            self.assertAlmostEqual(found['rate_units'], complaints * 1000 / units)
        by_class = self.rates._complaint_rates(*period, 'class')
        numbers = {self._reason('product'): 2, self._reason('logistics'): 1}
        self.assertEqual({key: row['complaints'] for key, row in by_class.items()}, numbers)
        for key, number in numbers.items():
            self.assertEqual(by_class[key]['orders'], 3, 'classes divide complaints, not sales')
            self.assertAlmostEqual(by_class[key]['rate_orders'], number * 1000 / 3)
        [month] = self.rates._complaint_rates(*period, 'month')
        self.assertEqual(month, date(2026, 5, 1))
        self.assertEqual(
            self.rates._complaint_rates(self.company_2, *period[1:], 'class'), {}, 'another company'
        )

    def test_pivot_and_drill_down(self):
        """Each cell of a pivot has its own sales, a filter by class leaves the sales; rows lead to tickets (R-svc E 8)."""
        self._sell(self.pot, 100, '2026-06-03')
        self._sell(self.cup, 100, '2026-06-03')
        self._process()
        ticket = self._about(self.pot)
        domain = [('company_id', '=', self.company_1.id), ('class_id', '=', ticket.class_id.id)]
        total, rows, cells = self.rates.formatted_read_grouping_sets(
            domain,
            [[], ['product_id'], ['product_id', 'class_id']],
            ['complaints:sum', 'units:sum', 'rate_units:sum'],
        )
        self.assertEqual((total[0]['units:sum'], total[0]['rate_units:sum']), (200, 5))
        self.assertEqual((rows[0]['units:sum'], rows[0]['rate_units:sum']), (100, 10))
        self.assertEqual(cells[0]['rate_units:sum'], 10)
        row = self.rates.search(domain)
        self.assertEqual(row.action_open_ticket()['res_id'], ticket.id)

    def test_restricted_complaints_count_unnamed(self):
        """They count, are not named, and are hidden from the person complained about (design 5.3)."""
        guide = self.users['lead']
        secret = self._about(self.pot, code='service_attitude', guide_id=guide.id)
        self.assertTrue(secret.is_restricted)
        domain = [('company_id', '=', self.company_1.id)]
        row = self.rates.with_user(self.users['complaint']).search(domain)
        self.assertEqual(
            (row.complaints, row.ticket_id, row.partner_id.id), (1, self.tickets, False)
        )
        self.assertFalse(self.rates.with_user(guide).search(domain))
        with self.assertRaises(AccessError):
            self.rates.with_user(self.users['user']).search(domain)

    def test_other_branches_are_counted_unnamed(self):
        """Rates are those of the whole company; complaints of another branch are not named (S-KPI-23)."""
        branch = self.env['res.company'].create(
            {'name': 'Spike Branch', 'parent_id': self.company_1.id}
        )
        lead = self.users['lead']
        lead.company_ids += branch
        self._about(self.pot)
        rates = self.rates.with_user(lead).with_context(allowed_company_ids=branch.ids)
        row = rates.search([('product_id', '=', self.pot.id)])
        self.assertEqual((len(row), row.complaints), (1, 1))
        self.assertFalse(row.ticket_id or row.partner_id)
        self.env.invalidate_all()
        rates = self.rates.with_user(lead).with_context(allowed_company_ids=self.company_1.ids)
        self.assertTrue(rates.search([('product_id', '=', self.pot.id)]).ticket_id)

    def test_cost_of_remedies(self):
        """What granted remedies cost stands with the goods; without goods it is shared (R-svc E 8)."""
        ticket = self._about(self.pot)
        ticket.line_ids = [Command.create({'product_id': self.cup.id})]
        kind = self.env['retail.remedy.kind'].search([], limit=1)
        values = {'ticket_id': ticket.id, 'kind_id': kind.id}
        remedies = self.env['retail.remedy'].create(
            [{**values, 'line_id': ticket.line_ids[0].id}, values, values]
        )
        for remedy, cost, state in zip(
            remedies, (7, 10, 100), ('granted', 'granted', 'reversed'), strict=True
        ):
            remedy.sudo().write({'cost': cost, 'state': state})
        self.env.flush_all()
        costs = dict(
            self.rates._read_group(
                [('company_id', '=', self.company_1.id)], ['product_id'], ['cost:sum']
            )
        )
        self.assertEqual(costs, {self.pot: 12, self.cup: 5})

    def test_pareto(self):
        """Shares, added up, agree with plain Python; the vital few reach 80 % (S-TKT-33)."""
        numbers = {
            'product_function': 5,
            'product_appearance': 3,
            'logistics_lost': 1,
            'order_refund': 1,
        }
        for code, number in numbers.items():
            for _index in range(number):
                self._about(code=code)
        self._about(days=200)  # not in the last 90 days
        pareto = self.env['retail.complaint.pareto'].search(
            [
                ('company_id', '=', self.company_1.id),
                ('period', '=', '90'),
                ('dimension', '=', 'reason'),
            ]
        )
        self.assertEqual([row.complaints for row in pareto], [5, 3, 1, 1])
        self.assertEqual(
            [row.reason_id.code for row in pareto][:2], ['product_function', 'product_appearance']
        )
        total, reached = sum(numbers.values()), 0
        for row in pareto:
            vital = reached / total < 0.8
            reached += row.complaints
            self.assertAlmostEqual(row.share, row.complaints / total)
            self.assertAlmostEqual(row.cumulative, reached / total)
            self.assertEqual(row.is_vital, vital)
        self.assertEqual([row.is_vital for row in pareto], [True, True, False, False])
        opened = self.tickets.search(pareto[0].action_open_tickets()['domain'])
        self.assertEqual(len(opened), 5)

    def test_customers_lost(self):
        """Bought before, nothing since: lost; others have time left or came back (S-TKT-39)."""
        self.company_1.retail_lost_days = 30
        eve, flo, gus = self.env['res.partner'].create(
            [{'name': name} for name in ('Eve', 'Flo', 'Gus')]
        )
        for partner in (self.bob, eve, flo, gus):
            self._sell(self.pot, 10, '2026-03-01', partner=partner)
        self._sell(self.pot, 5, '2026-05-10', partner=eve)
        self._sell(self.pot, 5, '2026-06-10', partner=flo)
        self._process()
        for partner, days in ((self.bob, 60), (eve, 60), (gus, 5)):
            self._about(self.pot, days=days, partner_id=partner.id)
        lost = self.env['retail.complaint.lost'].search([('company_id', '=', self.company_1.id)])
        found = {
            row.partner_id: (row.has_complained, row.is_lost, row.revenue_before, row.revenue_after)
            for row in lost
        }
        self.assertEqual(
            found,
            {
                self.bob: ('yes', True, 100, 0),
                eve: ('yes', False, 100, 50),
                flo: ('no', False, 100, 50),
            },
            'Gus complained too lately to say',
        )
        row = lost.filtered(lambda row: row.partner_id == self.bob)
        self.assertEqual(row.class_id, self._reason('product'))
        [(share,)] = lost._read_group(
            [('id', 'in', lost.ids), ('has_complained', '=', 'yes')], [], ['lost_share:avg']
        )
        self.assertEqual(share, 0.5)

    def test_products(self):
        """Number, rate, open and last complaints on the product, for a list in the same number of queries (S-TKT-41)."""
        self._sell(self.pot, 200, '2026-06-03')
        self._process()
        ticket = self._about(self.pot)
        self._about(self.pot, days=2)._complete_steps('feedback', self._answers())
        template = self.pot.product_tmpl_id
        self.assertEqual(
            (
                template.retail_complaint_count,
                template.retail_complaint_open_count,
                template.retail_complaint_rate,
            ),
            (2, 1, 10),
        )
        self.assertIn(ticket, template.retail_complaint_ids)
        opened = self.tickets.search(self.pot.action_retail_complaints()['domain'])
        self.assertEqual(len(opened), 2)
        self.env.invalidate_all()
        both = template + self.cup.product_tmpl_id
        both.mapped('name')
        # complaints, sales and what is no purchase: whatever the number of products
        with self.assertQueryCount(9):
            self.assertEqual(both.mapped('retail_complaint_count'), [2, 0])


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOW)
class TestSpike(SpikeCommon):
    def test_spike_on_a_lot(self):
        """12 of 400 sold of a lot ring, 1 of 1 does not; a problem bundles them and quality is told (R-svc E 8)."""
        self._sell(self.pot, 400, '2026-06-20', lot='L7')
        self._sell(self.pot, 1, '2026-06-20', lot='L8')
        self._sell(self.pot, 9000, '2026-05-01', lot='L1')
        self._process()
        tickets = self.tickets.concat(*(self._about(self.pot, 'L7') for _index in range(12)))
        self._about(self.pot, 'L8')
        alerts = self._rule(min_rate=5)._evaluate()
        self.assertEqual((alerts.product_id, alerts.lot, alerts.recent), (self.pot, 'L7', 12))
        self.assertEqual((alerts.sold, alerts.rate), (400, 30))
        self.assertEqual(alerts.problem_id.ticket_ids, tickets)
        self.assertEqual((alerts.problem_id.lot, alerts.problem_id.ticket_count), ('L7', 12))
        self.assertEqual(alerts.problem_id.activity_ids.user_id, self.users['lead'])
        self.assertIn('Teapot, lot L7', alerts.display_name)

    def test_usual_complaints_do_not_ring(self):
        """A product with as many complaints as before, or with as many as others for its sales, does not ring."""
        for days in range(8, 90, 4):
            self._about(self.pot, days=days)
        for _index in range(4):
            self._about(self.pot)
        rule = self._rule('product', min_count=4)
        self.assertEqual(len(rule._candidates()), 1)
        self.assertFalse(rule._evaluate(), '4 where 1.6 were to be expected')

    def test_zero_baseline_and_zero_sold(self):
        """Nothing known of the past or of sales: the number decides (R-svc E 8)."""
        rule = self._rule('product', min_rate=5)
        self._about(self.pot)
        self._about(self.pot)
        self.assertFalse(rule._evaluate())
        self._about(self.pot)
        alert = rule._evaluate()
        self.assertEqual((alert.recent, alert.before, alert.expected, alert.sold), (3, 0, 0, 0))

    def test_rings_once_and_again_after_closing(self):
        """One open alert, refreshed; after closing only later complaints ring (R-svc E 8)."""
        rule = self._rule('product')
        for _index in range(3):
            self._about(self.pot)
        alert = rule._evaluate()
        self.assertTrue(alert)
        self._about(self.pot)
        self.assertFalse(rule._evaluate(), 'it rings already')
        self.assertEqual(alert.recent, 4)
        alert.with_user(self.users['lead']).action_close()
        self.assertFalse(rule._evaluate(), 'the same complaints')
        with freeze_time(NOW + timedelta(hours=1)):
            for _index in range(2):
                self._about(self.pot, days=-0.02)
            self.assertFalse(rule._evaluate())
        with freeze_time(NOW + timedelta(hours=2)):
            for _index in range(2):
                self._about(self.pot, days=-1 / 24)
            again = rule._evaluate()
            self.assertTrue(again)
            self.assertEqual(again.problem_id, alert.problem_id, 'the same unsolved problem')

    def test_two_workers_open_one_alert(self):
        """The database holds one open alert per rule and value, whoever runs beside (R-svc E 8)."""
        rule = self._rule('product')
        for _index in range(3):
            self._about(self.pot)
        alert = rule._evaluate()
        values = {
            'company_id': self.company_1.id,
            'value_key': alert.value_key,
            'product_id': self.pot.id,
            **dict.fromkeys(('recent', 'before', 'expected', 'sold', 'rate', 'chance'), 1),
        }
        with patch.object(type(self.alerts), 'search', return_value=self.alerts):  # not seen yet
            self.assertFalse(self.alerts._open(rule, [values]))
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.alerts.create({'rule_id': rule.id, **values})
            self.env.flush_all()

    def test_what_does_not_count(self):
        """Cancelled and merged ones, other companies, enquiries, the edge of the window (R-svc E 8)."""
        rule = self._rule('product')
        first = self._about(self.pot)
        self._about(self.pot, days=6.99)
        self._about(self.pot, days=7)
        self._about(self.pot).action_cancel()
        self._about(self.pot)._stamp({'merged_into_id': first.id})
        self._about(self.pot, type_id=self.enquiry.id)
        self._complain(received_at=NOW, product_id=self.pot.id, company_id=self.company.id)
        self.assertFalse(rule._evaluate())
        self._about(self.pot)
        self.assertEqual(rule._evaluate().recent, 3)

    def test_new_and_changed_complaints(self):
        """A new complaint, another class or other goods are looked at soon, and only what they are about (R-svc E 8)."""
        rule = self._rule('product')
        tickets = [self._about(self.pot) for _index in range(3)]
        for _index in range(3):
            self._about(self.cup)
        self._process()  # the moment of each new complaint
        self.assertEqual(rule.alert_ids.product_id, self.pot + self.cup)
        self.assertFalse(tickets[0].is_spike_pending)
        sub_cause = self._rule('reason', action='alert')
        self._run_cron(sub_cause._cron_changed)
        self.assertFalse(sub_cause.alert_ids, 'nothing changed')
        tickets[0].reason_id = self._reason('product_appearance')
        self.assertTrue(tickets[0].is_spike_pending)
        self._run_cron(sub_cause._cron_changed)
        self.assertFalse(tickets[0].is_spike_pending)
        self.assertFalse(sub_cause.alert_ids, 'five of another class are not looked at')
        self._run_cron(sub_cause._cron_night)
        self.assertEqual(sub_cause.alert_ids.reason_id, self._reason('product_function'))
        tickets[1].line_ids.product_id = self.cup
        self.assertTrue(tickets[1].is_spike_pending)

    def test_improvement_is_proposed(self):
        """A count in N days proposes an improvement to the responsible, once; major cases do not ring twice (S-TKT-33)."""
        rule = self._rule(
            'cause',
            window_days=30,
            min_count=2,
            factor=0,
            p_limit=0,
            action='improve',
            user_id=self.users['manager'].id,
        )
        for _index in range(2):
            self._about(days=20, cause_id=self.defect.id)
        alert = rule._evaluate()
        task = alert.problem_id.activity_ids
        self.assertEqual(task.user_id, self.users['manager'])
        self.assertIn('Propose an improvement', task.summary)
        rule._evaluate()
        self.assertEqual(len(alert.problem_id.activity_ids), 1)
        with self.assertRaises(ValidationError):
            rule.min_count = 1

    def test_major_case_is_not_told_twice(self):
        """Who was alarmed by the major case on the same goods is not told of the spike as well (defaults 15)."""
        self.quality.deputy_id = self.users['user']
        tickets = [self._about(self.pot) for _index in range(3)]
        self.assertTrue(tickets[2].is_major, 'three complaints on one product')
        rule = self._rule('product', action='alert', user_id=self.users['manager'].id)
        alert = rule._evaluate()
        self.assertEqual(alert._who_is_told(), self.users['manager'], 'there is nobody else')
        with patch.object(
            self.env.registry['product.product'],
            '_retail_responsible',
            return_value=self.users['user'],
        ):
            self.assertEqual(alert._who_is_told(), self.users['user'])


@tagged('post_install', '-at_install', 'retail_crm')
@freeze_time(NOW)
class TestProblem(SpikeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.bob.write({'email': 'bob@example.com', 'lang': 'en_US'})
        cls.eve = cls.env['res.partner'].create(
            {'name': 'Eve', 'email': 'eve@example.com', 'lang': 'fr_FR'}
        )
        email = cls.env.ref('retail_crm.retail_channel_email')
        cls.open_1 = cls._about(cls.pot, channel_id=email.id)
        cls.open_2 = cls._about(cls.pot, channel_id=email.id, partner_id=cls.eve.id)
        cls.merged, cls.cancelled, cls.filed, cls.secret = (
            cls._about(cls.pot, channel_id=email.id) for _index in range(4)
        )
        cls.problem = cls.problems.create(
            {'name': 'Glaze', 'company_id': cls.company_1.id, 'product_id': cls.pot.id}
        )
        everything = cls.open_1 + cls.open_2 + cls.merged + cls.cancelled + cls.filed + cls.secret
        cls.problem._bundle(everything)
        cls.merged._stamp({'merged_into_id': cls.open_1.id})
        cls.cancelled.action_cancel()
        stage = cls.complaint.stage_ids.filtered(lambda stage: stage.category == 'archived')[:1]
        cls.filed._stamp({'stage_id': stage.id})
        cls.secret._stamp({'is_restricted': True})
        cls.env.flush_all()

    def _told(self, ticket):
        return ticket.message_ids.filtered(lambda m: m.message_type == 'auto_comment')

    def _message(self, **values):
        message = self.env['retail.problem.message'].create(
            {
                'problem_id': self.problem.id,
                'subject': 'Your teapot',
                'body': '<p>We found the cause.</p>',
                **values,
            }
        )
        if message.body:
            message.update_field_translations(
                'body', {'fr_FR': {'We found the cause.': 'La cause est connue.'}}
            )
        return message

    def test_answer_all(self):
        """Each customer is told once, in his own thread and language; the others are left out; a second run adds nothing."""
        message = self._message()
        self.assertEqual((message.to_send_count, message.left_out_count), (2, 4))
        self.assertIn('We found the cause.', message.preview)
        self.assertIn('Bob', message.preview)
        message.action_send()
        self.assertEqual(message.state, 'sending')
        send = self.env['retail.problem.message']._cron_send
        self._run_cron(send)
        self.assertIn('We found the cause.', self._told(self.open_1).body)
        self.assertIn('La cause est connue.', self._told(self.open_2).body)
        for ticket in self.merged + self.cancelled + self.filed + self.secret:
            self.assertFalse(self._told(ticket))
        self.assertEqual((message.state, message.sent_count), ('done', 2))
        message.action_send()
        self._run_cron(send)
        self.assertEqual(len(self._told(self.open_1)), 1)
        with self.assertRaises(UserError):
            message.with_user(self.users['manager']).write({'subject': 'Other'})

    def test_merged_while_it_is_sent(self):
        """Who is merged before he was told is told in the ticket that goes on; nobody is told twice (R-svc E 8)."""
        send = self.env['retail.problem.message']._cron_send
        second = self._about(self.pot, channel_id=self.open_1.channel_id.id)
        message = self._message()
        message.action_send()
        second._merge(self.open_1)
        self._run_cron(send)
        self.assertEqual(len(self._told(second)), 1)
        third = self._about(self.pot, channel_id=self.open_1.channel_id.id)
        self.problem._bundle(third)
        other = self._message()
        other.action_send()
        third_line = other.line_ids.filtered(lambda line: line.ticket_id == third)
        (other.line_ids - third_line)._send()
        third._merge(second)
        self._run_cron(send)
        self.assertEqual(third_line.state, 'skipped')
        self.assertEqual(other.state, 'done')

    def test_killed_run_goes_on(self):
        """A run that is killed in the middle is undone as a whole; the next one tells everybody once (R-svc E 8)."""
        message = self._message()
        message.action_send()
        lines = self.env['retail.problem.message']._next_lines()
        self.env.flush_all()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            lines._send()
            raise ZeroDivisionError  # the process dies before its commit
        self.env.invalidate_all()
        self.assertEqual(set(message.line_ids.mapped('state')), {'waiting'})
        self.assertFalse(self._told(self.open_1))
        self.open_2._stamp({'is_restricted': True})
        self._run_cron(self.env['retail.problem.message']._cron_send)
        self.assertEqual(len(self._told(self.open_1)), 1)
        self.assertEqual(message.line_ids.mapped('state'), ['sent', 'skipped'])

    def test_who_may_answer(self):
        """Staff read problems and cannot answer all; without words or recipients nothing is sent (design 7)."""
        problem = self.problem.with_user(self.users['user'])
        self.assertEqual(problem.ticket_count, 6)
        self.assertNotIn(self.secret, problem.ticket_ids)
        with self.assertRaises(AccessError):
            problem.action_answer_all()
        with self.assertRaises(UserError):
            self._message(body=False).action_send()
        (self.open_1 + self.open_2)._stamp({'problem_id': False})
        with self.assertRaises(UserError):
            self._message().action_send()

    def test_solve_all(self):
        """Open complaints that one may write get cause and result; what cannot be solved stays (R-svc E 8)."""
        manager = self.problem.with_user(self.users['manager'])
        with self.assertRaises(UserError):
            manager.action_solve_tickets()
        manager.write({'cause_id': self.defect.id, 'result': 'New glaze'})
        answers = self._answers()
        for name in ('cause_id', 'result'):
            answers.pop(name)
        self.open_1.write(answers)
        with mute_logger('odoo.addons.retail_crm.models.service._safely'):
            answer = manager.action_solve_tickets()
        self.assertEqual((self.open_1.category, self.open_1.cause_id), ('solved', self.defect))
        self.assertEqual(self.open_1.result, 'New glaze')
        self.assertNotIn(self.open_2.category, ('solved', 'archived'))
        self.assertIn(self.open_2.name, answer['params']['message'])

    def test_solving_thousands(self):
        """A request ends in time: what was not reached is open, and a waiting remedy keeps nobody from his turn."""
        manager = self.problem.with_user(self.users['manager'])
        manager.write({'cause_id': self.defect.id, 'result': 'New glaze'})
        answers = self._answers()
        self.open_1.write({**answers})
        self.open_2.write({**answers})
        self.open_1._stamp({'remedy_state': 'waiting'})
        module = 'odoo.addons.retail_crm.models.service.retail_problem'
        with patch(f'{module}._AT_A_TIME', 1), patch(f'{module}._SECONDS', -1):
            solved, failed = manager._solve_tickets()
        self.assertEqual(solved, self.open_2)
        self.assertFalse(failed)
        with mute_logger('odoo.addons.retail_crm.models.service._safely'):
            solved, failed = manager._solve_tickets()
        self.assertFalse(solved)
        self.assertEqual(list(failed)[-1], self.open_1)

    def test_states(self):
        """A cause for a known error, a measure for a solved one; solving ends its alerts (S-TKT-33)."""
        rule = self._rule('product', min_count=2)
        alert = rule._evaluate()
        self.assertEqual(alert.problem_id, self.problem)
        problem = self.problem.with_user(self.users['lead'])
        problem.action_investigate()
        with self.assertRaises(UserError):
            problem.action_known()
        problem.root_cause = 'Oven too cold'
        problem.action_known()
        with self.assertRaises(UserError):
            problem.action_solve()
        problem.measure = 'A new oven'
        problem.action_solve()
        self.assertEqual((problem.solved_at, problem.solved_by), (NOW, self.users['lead']))
        self.assertEqual(alert.state, 'closed')
        problem.action_reopen()
        self.assertFalse(problem.solved_at)

    def test_bundle_by_hand(self):
        """Complaints are bundled from a list and taken out again; restricted ones and those of another stay (R-svc E 8)."""
        new = self._about(self.pot)
        lead = self.users['lead']
        action = new.with_user(lead).action_bundle()
        problem = self.problems.browse(action['res_id'])
        self.assertEqual((problem.ticket_ids, problem.product_id), (new, self.pot))
        self.assertFalse(problem._bundle(self.open_1), 'in another problem already')
        new.with_user(lead).action_unbundle()
        self.assertFalse(problem.ticket_ids)
        with self.assertRaises(AccessError):
            new.with_user(self.users['user']).action_bundle()
        with self.assertRaises(AccessError):
            self.secret.with_user(self.users['complaint']).action_bundle()
