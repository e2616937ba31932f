"""Whom a segment may be about, and what a changed customer costs: companies, refusals, failures (design 4.2, 7)."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo.service.model import call_kw
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .segment_common import NOW, SegmentCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestSegmentScope(SegmentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.foreign = cls.env['res.partner'].create(
            {'name': 'Of B', 'company_id': cls.company_2.id, 'retail_remark': 'Bankrupt'}
        )
        cls.marketer = new_test_user(
            cls.env,
            login='retail_scope',
            groups='retail_crm.group_marketing',
            company_id=cls.company.id,
            company_ids=cls.company.ids,
        )

    def _preview_by_screen(self, **values):
        """Return what the screen shows of a rule that is not saved, to somebody of the first company only."""
        env = self.env(user=self.marketer, su=False, context={})
        names = {'preview_count': {}, 'preview_error': {}, 'preview_partner_ids': {}}
        answer = call_kw(
            env['retail.segment'],
            'onchange',
            [[], {'name': 'Drafted', 'show_preview': True, **values}, [], {**names, 'domain': {}}],
            {},
        )
        return answer['value']

    # === COMPANIES ===#

    def test_preview_of_another_company(self):
        """Nobody is told how many customers of a company that is not his fulfil a rule (design 7)."""
        rule = "[('retail_remark', '=ilike', 'B%')]"
        shown = self._preview_by_screen(company_id=self.company_2.id, domain=rule)
        self.assertEqual(shown['preview_count'], 0)
        self.assertTrue(shown['preview_error'])
        self.people[0].retail_remark = 'Busy'
        shown = self._preview_by_screen(company_id=self.company.id, domain=rule)
        self.assertEqual((shown['preview_count'], shown['preview_error']), (1, False))

    def test_relations_to_another_company(self):
        """A rule says nothing of contacts of another company, by whichever way it reaches them (design 7)."""
        ours = self.people[0]
        ours.retail_remark = 'Busy'
        self.people[2].retail_referrer_id = ours
        self.people[3].retail_referrer_id = self.foreign
        for rule, number in (
            ("[('retail_referrer_id.retail_remark', '=ilike', 'B%')]", 1),
            ("[('retail_referrer_id', 'any', [('retail_remark', '=ilike', 'B%')])]", 1),
            ("[('retail_referrer_id.commercial_partner_id.retail_remark', '=ilike', 'B%')]", 1),
            ("[('retail_referrer_id', 'ilike', 'Of B')]", 0),
            ("[('retail_referrer_id', '=', 'Of B')]", 0),
            ("[('retail_referrer_id', 'in', ['Of B', 'Segment A'])]", 1),
            ("[('retail_referrer_id', 'child_of', 'Of B')]", 0),
            ("[('retail_referrer_id', 'child_of', 'Segment A')]", 2),
            ("[('retail_referrer_id', 'not ilike', 'Of B'), ('ref', '=', 'seg')]", 8),
            ("[('retail_referrer_id', '!=', 'Of B'), ('ref', '=', 'seg')]", 8),
            ("[('retail_referrer_id', 'not in', ['Segment A']), ('ref', '=', 'seg')]", 7),
            ("['!', ('retail_referrer_id.name', '=', 'Of B'), ('ref', '=', 'seg')]", 8),
            ("[('retail_referrer_id', '!=', False), ('ref', '=', 'seg')]", 2),
            (f"[('retail_referrer_id', 'in', [{ours.id}, 'Of B'])]", 1),
        ):
            with self.subTest(rule=rule):
                self.assertEqual(len(self._in(self._segment(rule))), number, rule)

    # === COST ===#

    def _contacts_read(self, segment, ids):
        """Return how many contacts PostgreSQL looks at, at most in one step, to compare these with the rule."""
        segment._flush_sources()
        query = segment._query(ids).select()
        [(plan,)] = self.env.execute_query(SQL('EXPLAIN (ANALYZE, FORMAT JSON) %s', query))
        plan = json.loads(plan) if isinstance(plan, str) else plan
        found, nodes = [0], [plan[0]['Plan']]
        while nodes:
            node = nodes.pop()
            nodes += node.get('Plans', [])
            if node.get('Relation Name') == 'res_partner':
                found.append(node['Actual Rows'] * node['Actual Loops'])
        return max(found)

    def test_one_changed_customer_is_one_looked_at(self):
        """With "at least one of them", too, a changed customer costs what he costs, not all customers (S-SEG-01)."""
        segment = self._segment(
            "[('ref', '!=', 'nobody')]", {'kind': 'not_bought', 'months': 0}, match='any'
        )
        self.assertEqual(segment._query(self.people[0].ids).get_result_ids(), self.people[:1]._ids)
        self.assertGreaterEqual(self._contacts_read(segment, None), 8)
        self.assertLessEqual(self._contacts_read(segment, self.people[:1].ids), 2)

    def test_opening_evaluates_nothing(self):
        """Opening a segment asks for no customers; the preview does when it is switched on (S-SEG-01)."""
        segment = self._segment("[('ref', '=', 'seg')]")
        names = ['domain', 'show_preview', 'preview_count', 'preview_error', 'preview_partner_ids']
        mine = segment.with_env(self.env(user=self.users['marketing'], su=False))
        with patch.object(type(segment), '_query', side_effect=AssertionError('evaluated')):
            [values] = mine.read(names)
            mine._check_rule()  # what the author may ask is seen without asking
        self.assertFalse(values['preview_count'] or values['preview_error'])
        shown = call_kw(
            mine,
            'onchange',
            [mine.ids, {'show_preview': True}, ['show_preview'], {name: {} for name in names}],
            {},
        )
        self.assertEqual(shown['value']['preview_count'], 8)

    # === FAILURES ===#

    def _run_at(self, when):
        """Run the scheduled action at a time, without its commits."""
        with (
            freeze_time(when),
            patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *a, **k: 99),
        ):
            self.segments._cron_segments()

    def test_failure_with_one_customer_makes_the_segment_due(self):
        """A failure with some customers neither shows an error for ever nor puts the full run off (design 4.3)."""
        segment = self._segment("[('function', '=', 'VIP')]")
        Segment = type(segment)
        real = Segment._recompute_one

        def fail(self, ids):
            if self == segment:
                raise ValueError('for a moment')
            return real(self, ids)

        logger = 'odoo.addons.retail_crm.models.customer.retail_segment_refresh'
        with patch.object(Segment, '_recompute_one', fail), mute_logger(logger):
            self.people[0].function = 'VIP'
            self._process()
        self.assertFalse(self._in(segment))
        self.assertFalse(segment.error, 'of a full run only')
        self._run_at(NOW + timedelta(minutes=5))  # long before it would be due by time
        self.assertEqual(self._in(segment), self.people[0])

    # === SEGMENTS OF SEVERAL COMPANIES ===#

    def test_customers_of_a_segment_of_another_ticked_company(self):
        """A segment opens its customers, and mailings reach them, whichever company is the current one (S-CUS-21)."""
        segment = self._segment(
            "[('name', '=', 'Segment B')]", company_id=self.company_2.id, name='There'
        )
        both = (self.company | self.company_2).ids
        user = self.users['marketing']
        user.company_ids |= self.company_2
        Partner = self.env(user=user, su=False, context={'allowed_company_ids': both})[
            'res.partner'
        ]
        action = segment.with_env(Partner.env).action_open_customers()
        self.assertEqual(Partner.search(action['domain']), self.people[1])
        domain = [('retail_segment_ids', 'in', segment.ids)]
        self.assertEqual(self.env['res.partner'].search(domain), self.people[1], 'by the system')
        self.assertFalse(Partner.search([('retail_segment_ids', '=', 'There')]), 'by name: here')
        alone = Partner.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(alone.search(domain), 'not ticked')

    # === REFUSALS ===#

    def test_refusal_of_a_contact_counts_for_the_company(self):
        """A company one of whose contacts withdrew the consent to profiling is left out (S-SEG-01)."""
        self.env['retail.consent.text'].create(
            {'version': 'scope', 'purpose': 'profiling', 'text': '<p>We sort you.</p>'}
        )
        segment = self._segment("[('name', 'in', ['Acme', 'Bob'])]")
        self.assertEqual(self._in(segment), self.acme | self.bob)
        consents, none = self.env['retail.consent'], self.env['retail.channel']
        consents._record(self.ann, {('profiling', none): True}, 'shop')
        self._process()
        self.assertEqual(self._in(segment), self.acme | self.bob)
        consents._record(self.ann, {('profiling', none): False}, 'shop')
        self._process()
        self.assertEqual(self._in(segment), self.bob)

    # === MOMENTS ===#

    def test_once_for_a_batch_whatever_happened(self):
        """Segments are computed once for all that happened in a batch, after the figures followed (design 4.3)."""
        segment = self._segment("[('retail_order_count', '>', 0), ('function', '=', 'VIP')]")
        calls = []
        Segment = type(segment)
        real = Segment._recompute_safely

        def count(self, partners=None):
            calls.append(partners)
            return real(self, partners)

        self._sell(self.people[0], NOW.date(), (self.novel, 20, 0))
        self._end_transaction()
        self.people[0].function = 'VIP'
        self.people[1].function = 'VIP'
        self.env['retail.consent']._record(self.people[2], {('marketing', self.app): True}, 'shop')
        moments = self.env['retail.moment']._next_batch()
        self.assertGreater(len(set(moments.mapped('kind'))), 2)
        with patch.object(Segment, '_recompute_safely', count):
            self.env['retail.moment']._process_batch(moments)
        self.assertEqual(len(calls), 1)
        self.assertLessEqual(self.people[:3], calls[0])
        self.assertEqual(self._in(segment), self.people[0])
