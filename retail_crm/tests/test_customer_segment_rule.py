"""Rules of segments: what is refused, who may ask what, preview, ready segments (S-SEG-01, S-SEG-23, S-SEG-26)."""

from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .segment_common import NOW, SegmentCase

TODAY = NOW.date()

#: Rules that are broken or forbidden for everybody.
BROKEN = [
    'not a list',
    '[',
    '{}',
    '42',
    "('name', '=', 'A')",
    "[('name', '=')]",
    "[('name', 'almost', 'A')]",
    "[('nothing', '=', 1)]",
    "[('parent_id.nothing', '=', 1)]",
    "[('child_ids', 'any', [('nothing', '=', 1)])]",
    "[('child_ids', 'any', 'x')]",
    "[('user_id', '=', uid)]",
    "[('create_date', '>', context_today())]",
    "[('name', '=', __import__('os').environ)]",
    "[('id', 'in', [c for c in (1, 2)])]",
    "Domain.custom(to_sql=lambda m, a, q: SQL('true'))",
    "[('child_ids', 'any!', [('name', '=', 'A')])]",
    "[('child_ids', 'any', [('child_ids', 'any!', [('name', '=', 'A')])])]",
    "[('retail_last_order_date', '>', 'tomorrow or so')]",
    "['|', ('name', '=', 'A')]",
    "[('retail_segment_ids', '!=', False)]",
    "[('parent_id.retail_segment_ids.name', '=', 'A')]",
    "[('id', '=', {'a': 1})]",
    "[('retail_policy_strategy', '=', 'A')]",
    '[' * 5000 + ']' * 5000,
    "[('name', '=', '" + 'A' * 20_001 + "')]",
]
#: Rules about data that only some may see.
SENSITIVE = [
    "[('retail_annual_income', '>', 100)]",
    "['!', ('retail_funds', '=', 'ample')]",
    "[('parent_id.retail_funds', '!=', False)]",
    "[('child_ids', 'any', [('name', '=', 'A'), ('retail_annual_income', '>', 1)])]",
]


@tagged('post_install', '-at_install', 'retail_crm')
class TestSegmentRule(SegmentCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.segment = cls._segment("[('name', '=', 'Segment A')]")
        cls.insider = new_test_user(
            cls.env,
            login='retail_insider',
            groups='retail_crm.group_marketing,retail_crm.group_sensitive',
        )

    def _rpc(self, user, method, *args, **kwargs):
        return call_kw(self.env(user=user, su=False)['retail.segment'], method, list(args), kwargs)

    # === REFUSALS ===#

    @mute_logger('odoo.sql_db')
    def test_broken_rules_are_refused(self):
        """A rule that cannot be read or evaluated is refused with a message, and nothing is lost (bad input)."""
        for rule in BROKEN:
            for user in (self.users['marketing'], self.users['manager'], self.env.user):
                with self.subTest(rule=rule[:60], user=user.login):
                    with self.assertRaises(ValidationError):
                        self._rpc(user, 'write', self.segment.ids, {'domain': rule})
                    self.env.invalidate_all()
                    self.assertEqual(self.segment.domain, "[('name', '=', 'Segment A')]")
                    with self.assertRaises(ValidationError):
                        self._rpc(user, 'create', [{'name': 'New', 'domain': rule}])

    def test_forbidden_fields_are_refused(self):
        """Who may not see a field may not ask for it: created, written, imported or previewed (issue: bad input)."""
        forbidden = [*SENSITIVE, "[('user_ids.password', '!=', False)]"]
        for rule in forbidden:
            for persona in ('marketing', 'manager'):
                user = self.users[persona]
                with self.subTest(rule=rule, persona=persona):
                    with self.assertRaises(ValidationError):
                        self._rpc(user, 'create', [{'name': 'New', 'domain': rule}])
                    with self.assertRaises(ValidationError):
                        self._rpc(user, 'write', self.segment.ids, {'domain': rule})
                    answer = self._rpc(user, 'load', ['name', 'domain'], [['Imported', rule]])
                    self.assertFalse(answer['ids'])
                    self.assertTrue(answer['messages'])
                    new = self.segments.with_user(user).new(
                        {'name': 'New', 'domain': rule, 'show_preview': True}
                    )
                    self.assertTrue(new.preview_error)
                    self.assertFalse(new.preview_count or new.preview_partner_ids)
        self.assertFalse(self.segments.search([('name', 'in', ('New', 'Imported'))]))

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_readers_write_nothing(self):
        """Staff and leaders read segments, and write neither rules nor conditions (design 7)."""
        for persona in ('user', 'lead', 'sales', 'internal', 'portal'):
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self._rpc(self.users[persona], 'write', self.segment.ids, {'domain': '[]'})

    def test_relation_without_access(self):
        """A rule through records that its author may not read at all is refused (design 7)."""
        self.assertFalse(self.env(user=self.users['marketing'])['sale.order'].has_access('read'))
        with self.assertRaises(ValidationError):
            self._rpc(
                self.users['marketing'],
                'create',
                [{'name': 'New', 'domain': "[('sale_order_ids.amount_total', '>', 5)]"}],
            )

    def test_system_fields_are_nobodys_to_write(self):
        """Counts, times and the mark of sensitive rules are written by the system only (design 2)."""
        [segment_id] = self._rpc(
            self.insider,
            'create',
            [{'name': 'New', 'domain': SENSITIVE[0], 'is_sensitive': False, 'member_count': 9}],
        )
        segment = self.segments.browse(segment_id)
        self._rpc(self.insider, 'write', segment.ids, {'is_sensitive': False, 'error': 'x'})
        self.assertTrue(segment.is_sensitive)
        self.assertFalse(segment.error or segment.member_count)

    def test_numbers_of_conditions(self):
        """Negative or absurd numbers of a condition are refused (bad input)."""
        for values in ({'months': -1}, {'months': 10**6}, {'min_count': -1}, {'percent': 101}):
            with (
                self.subTest(**values),
                mute_logger('odoo.sql_db'),
                self.assertRaises(Exception) as caught,
                self.env.cr.savepoint(),
            ):
                self._segment('[]', values)
            self.assertEqual(type(caught.exception).__name__, 'CheckViolation')

    def test_company_stays(self):
        """A segment stays with its company, which is no branch (design 4.2)."""
        with self.assertRaises(ValidationError):
            self.segment.company_id = self.company_2
        branch = self.env['res.company'].create({'name': 'Branch', 'parent_id': self.company.id})
        with self.assertRaises(ValidationError):
            self.segments.create({'name': 'Branch', 'company_id': branch.id})

    # === SENSITIVE RULES ===#

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_sensitive_segments_are_hidden(self):
        """Who may use sensitive fields makes a segment that others see neither by itself nor by its customers."""
        self.people[0].retail_annual_income = 1000
        for rule in SENSITIVE:
            [segment_id] = self._rpc(self.insider, 'create', [{'name': 'Rich', 'domain': rule}])
            segment = self.segments.browse(segment_id)
            self.assertTrue(segment.is_sensitive, rule)
        segment.domain = "[('retail_annual_income', '>', 100), ('ref', '=', 'seg')]"
        segment.condition_ids = [Command.create({'kind': 'not_bought'})]
        segment._recompute()
        self.assertEqual(self._in(segment), self.people[0])
        ours, others = self.env(user=self.insider), self.env(user=self.users['manager'])
        for model, domain in (
            ('retail.segment', [('id', '=', segment.id)]),
            ('retail.segment.condition', [('segment_id', '=', segment.id)]),
            ('retail.segment.member', [('segment_id', '=', segment.id)]),
            ('retail.segment.report', [('segment_id', '=', segment.id)]),
            ('res.partner', [('retail_segment_ids', 'in', segment.ids)]),
            ('res.partner', [('retail_segment_ids', 'ilike', 'Rich')]),
            ('res.partner', [('retail_segment_ids.name', '=', 'Rich')]),
            ('sale.report', [('retail_segment_ids', 'in', segment.ids)]),
        ):
            with self.subTest(model=model, domain=domain):
                self.assertFalse(others[model].search(domain))
                if model not in ('sale.report', 'retail.segment.condition'):
                    self.assertTrue(ours[model].search(domain))
        customer = self.people[0]
        self.assertNotIn(segment, customer.with_user(self.users['manager']).retail_segment_ids)
        self.assertIn(segment, customer.with_user(self.insider).retail_segment_ids)
        self.assertNotIn('Rich', customer.with_user(self.insider).retail_segment_text or '')
        with self.assertRaises(AccessError):
            others['retail.segment'].browse(segment.id).action_open_matching()
        segment.domain = '[]'
        self.assertFalse(segment.is_sensitive)

    # === PREVIEW ===#

    def test_preview_before_saving(self):
        """Count and first customers of a rule that is being written, with its conditions (S-SEG-01)."""
        for partner in self.people[:3]:
            self._sell(partner, TODAY, (self.novel, 20, 0))
        self._process()
        form = Form(self.segments.with_user(self.users['marketing']))
        form.name = 'Drafted'
        form.show_preview = True
        form.domain = "[('ref', '=', 'seg')]"
        self.assertEqual(form.preview_count, 8)
        with form.condition_ids.new() as condition:
            condition.kind = 'bought'
            condition.product_ids.add(self.novel)
        self.assertEqual(form.preview_count, 3)
        self.assertEqual(form.preview_partner_ids[:], self.people[:3])
        form.domain = '[oops'
        self.assertTrue(form.preview_error)
        self.assertEqual(form.preview_count, 0)
        form.domain = "[('ref', '=', 'seg')]"
        segment = form.save()
        self.assertEqual(segment.member_count, 0, 'computed in the background')
        action = segment.action_open_matching()
        self.assertEqual(self.env['res.partner'].search(action['domain']), self.people[:3])
        many = self.env['res.partner'].create([{'name': 'Many'} for _number in range(12)])
        segment = self.segments.new(
            {'name': 'M', 'domain': "[('name', '=', 'Many')]", 'show_preview': True}
        )
        self.assertEqual(segment.preview_count, 12)
        self.assertEqual(segment.preview_partner_ids._origin, many[:10])

    def test_dates_move_with_the_calendar(self):
        """Days of a rule such as "today -30d" are those of the day of the computation (S-SEG-01)."""
        customer = self.people[0]
        self._sell(customer, TODAY, (self.novel, 20, 0))
        self._process()
        segment = self._segment("[('retail_last_order_date', '>=', 'today -30d')]")
        self.assertIn(customer, self._in(segment))
        for days, expected in ((30, True), (31, False)):
            with freeze_time(NOW + timedelta(days=days)):
                segment._recompute()
                self.assertEqual(customer in self._in(segment), expected)

    # === READY SEGMENTS ===#

    def _ready(self, name):
        segment = self.env.ref(f'retail_crm.retail_segment_{name}')
        segment.active = True
        segment._recompute()
        return self._in(segment)

    def test_ready_segments(self):
        """The shipped segments hold whom they say (defaults 20, S-SEG-23, S-SEG-26)."""
        once, often, cheap, nobody = self.people[:4]
        self._sell(once, TODAY, (self.novel, 20, 0))
        for number in range(6):
            self._sell(often, TODAY - timedelta(days=number), (self.novel, 20, 0))
        for number in range(10):
            self._sell(cheap, TODAY - timedelta(days=number), (self.novel, 20, 50 * (number < 7)))
        self._process()
        self.assertEqual(self._ready('once') & self.people, once)
        self.assertEqual(self._ready('frequent') & self.people, often | cheap)
        self.assertEqual(self._ready('discount') & self.people, cheap, 'exactly 70 %')
        self.assertIn(once, self._ready('new'))
        self.assertNotIn(nobody, self._ready('new'))
        profile = self._profile_of(often)
        profile.write({'is_high_value': True, 'ladder': 'loyal'})
        self.assertEqual(self._ready('core') & self.people, often)
        self.assertEqual(self._ready('adviser') & self.people, often)
        often.retail_adviser_id = self.users['lead']
        self.assertFalse(self._ready('adviser') & often)
        need = self.env['retail.preference'].create({'name': 'Wheelchair', 'kind': 'need'})
        taste = self.env['retail.preference'].create({'name': 'Sweet', 'kind': 'taste'})
        once.retail_preference_ids = need
        often.retail_preference_ids = taste
        cheap.retail_special_need = 'Allergy'
        self.assertEqual(self._ready('need') & self.people, once | cheap)
        self.env['retail.consent']._record(nobody, {('marketing', self.app): True}, 'shop')
        self.assertEqual(self._ready('no_marketing') & self.people, self.people - nobody)
        for segment in self.segments.browse(
            self.env['ir.model.data']
            .search([('module', '=', 'retail_crm'), ('model', '=', 'retail.segment')])
            .mapped('res_id')
        ):
            self.assertFalse(segment._recompute_safely(), segment.name)

    def test_birthday_this_month(self):
        """Birthdays of the current month, also those that have passed, and of no other month (defaults 20)."""
        days = [(6, 1), (6, 14), (6, 15), (6, 30), (5, 31), (7, 1), (1, 15)]
        for partner, (month, day) in zip(self.people, days, strict=False):
            partner.write({'retail_birth_month': str(month), 'retail_birth_day': day})
        self.assertEqual(self._ready('birthday'), self.people[:4])

    def test_copy_to_another_company(self):
        """Segments are copied to the current company with their names, rules and conditions; stores stay behind."""
        self.company.partner_id.lang = 'en_US'
        segment = self._segment(
            '[]',
            {'kind': 'bought', 'store_ids': [Command.set(self.north.ids)], 'months': 3},
            name='To Copy',
        )
        self.north.company_id = self.company
        self._no_rebuild()
        self.assertEqual(segment.action_copy_to_company()['tag'], 'display_notification')
        companies = (self.company_2 | self.company).ids
        user = self.users['marketing']
        user.company_ids |= self.company_2
        mine = segment.with_user(user).with_context(allowed_company_ids=companies)
        copy = self.segments.search(mine.action_copy_to_company()['domain'])
        self.assertEqual((copy.name, copy.company_id), ('To Copy', self.company_2))
        self.assertEqual((copy.condition_ids.kind, copy.condition_ids.months), ('bought', 3))
        self.assertFalse(copy.condition_ids.store_ids)
        self.assertTrue(copy.is_pending)
