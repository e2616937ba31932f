"""What customers see and do about their membership, and what they cannot reach (S-LOY-06, -08, -15, -16, S-CHN-11)."""

import json
from datetime import date, timedelta
from unittest.mock import patch

from lxml import html
from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.models.loyalty.retail_benefit_grant import Claim
from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase

URL = '/my/loyalty'
#: All that a customer may read by himself; whoever adds a field here has thought about it.
READABLE = {
    'retail.membership': 'number partner_id programme_id company_id currency_id state enrolled_on left_on tier_id tier_color '
    'tier_since tier_valid_until grace_until barcode',
    'retail.tier': 'name programme_id company_id sequence color is_base is_top',
    'retail.privilege': 'name description active programme_id company_id sequence kind tier_ids',
    'retail.tier.move': 'membership_id partner_id company_id date from_tier_id to_tier_id direction cause',
}
CLOSED = ('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')


class PortalCase(TierCase):
    """The portal user is a customer; Bob is somebody else's customer and a member with a tier that staff gave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = cls.users['portal']
        cls.customer = cls.portal.partner_id
        cls.settings = cls.env['res.config.settings']
        cls.other = cls.members._enrol(cls.bob, cls.company)
        cls.other._override(cls.gold, date.today() + timedelta(90), 'vip', 'Secret patron')
        cls.low, cls.high = cls.env['retail.privilege'].create(
            [
                {
                    'name': 'Birthday <b>cake</b>',
                    'description': '<p>Baked for you</p>',
                    'programme_id': cls.programme.id,
                    'tier_ids': (cls.base | cls.silver | cls.gold).ids,
                },
                {
                    'name': 'Tea room',
                    'programme_id': cls.programme.id,
                    'tier_ids': (cls.silver | cls.gold).ids,
                },
            ]
        )

    def _join(self, partner=None, **values):
        return self.members._enrol(partner or self.customer, self.company, **values)

    def _buy_today(self, amount, partner=None):
        order = self._create_order(partner or self.customer, amount)
        if self.company.retail_purchase_basis == 'invoice':
            self._create_invoice(order)
        self._process()
        return order


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalFigures(PortalCase):
    def _ask_for(self, tier, count):
        """Add a number of purchases to thresholds that have begun, which nobody can in the program."""
        self.env.cr.execute(
            'UPDATE retail_tier_version SET count = %s WHERE tier_id = %s', [count, tier.id]
        )
        self.env.invalidate_all()

    def test_progress_is_that_of_the_explanation(self):
        """Bars, missing parts and last day are those by which the rules decide, in both directions (S-LOY-06, -07)."""
        self._ask_for(self.silver, 4)
        self._buy_today(520)
        member = self._member(self.customer)
        self.assertEqual(member.tier_id, self.silver)
        to_next, to_keep = member._progress()[member.id]
        self.assertEqual((to_next['name'], to_keep['name']), ('next', 'keep'))
        # plain computation: 520 of 1000; reached by amount, so it is kept; one of four purchases
        self.assertEqual([bar['percent'] for bar in to_next['bars']], [52])
        self.assertIn('480', to_next['words'])
        self.assertIn('Gold', to_next['words'])
        self.assertEqual([bar['percent'] for bar in to_keep['bars']], [100, 25])
        self.assertEqual([(bar['have'], bar['need']) for bar in to_keep['bars']][1], (1, 4))
        self.assertIn('stays yours', to_keep['words'])
        self.assertIn('One of the two', to_keep['note'])
        self.assertIn('480', str(member.progress))

    def test_a_bar_is_never_full_too_early(self):
        """One cent below the threshold is not 100 %, and below zero is nothing (S-LOY-06)."""
        self._buy_today(999.99)
        member = self._member(self.customer)
        [to_next, _to_keep] = member._progress()[member.id]
        self.assertEqual(to_next['bars'][0]['percent'], 99)
        self.programme.criteria = 'both'
        self._ask_for(self.gold, 3)
        [to_next, _to_keep] = member._progress()[member.id]
        self.assertEqual([bar['percent'] for bar in to_next['bars']], [99, 33])
        self.assertIn('Both are needed', to_next['note'])
        self.assertIn('2 purchases', to_next['words'])

    def test_last_day_of_a_programme_year(self):
        """In a programme year the words name the last day on which purchases count (S-LOY-06, S-LOY-07)."""
        self.programme.window = 'calendar'
        member = self._join()
        [to_next] = member._progress()[member.id]
        today = self.company._retail_today()
        self.assertIn(str(today.year), to_next['words'])
        self.assertIn('12/31', to_next['words'])

    def test_highest_and_left(self):
        """At the top there is nothing more to reach; who left has no progress (S-LOY-06)."""
        self._buy_today(1000)
        member = self._member(self.customer)
        self.assertEqual([part['name'] for part in member._progress()[member.id]], ['keep'])
        member._leave('moved', 'Says so')
        self.assertEqual(member._progress()[member.id], [])
        self.assertFalse(member.progress)
        self.assertEqual((member.state, member.leave_reason), ('left', 'moved'))
        self.assertEqual(member.move_ids.sorted('id')[-1].note, 'Says so')
        self._join()
        self.assertFalse(member.leave_reason)

    def test_number_with_a_prefix_in_any_letters(self):
        """Whatever the sequence of numbers begins with, the card can be shown (S-LOY-15)."""
        sequence = self.env.ref('retail_crm.sequence_retail_membership')
        sequence.prefix = '会员-é '
        member = self._join()
        self.assertTrue(member.number.startswith('会员'))
        self.assertTrue(member._barcode_src().startswith('data:image/svg+xml;base64,'))
        self.assertIn('<img', member.barcode)

    def test_sections_of_other_parts(self):
        """Who was given nothing sees no section; vouchers and points add theirs (S-CHN-11)."""
        self.assertEqual(self._join()._portal_sections(), [])


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalAccess(PortalCase):
    def _rpc(self, model, method, *args, user=None, **kwargs):
        return call_kw(
            self.env(user=user or self.portal, su=False)[model], method, list(args), kwargs
        )

    def _is_refused(self, *call):
        savepoint = self.cr.savepoint()
        try:
            self._rpc(*call)
        except (
            UserError,
            ValueError,
        ):  # the export is refused at all; what cannot be sorted says so
            return True
        finally:
            savepoint.rollback()
        return False

    @mute_logger(*CLOSED)
    def test_every_field_by_rpc(self):
        """A customer reads the named fields of his own rows and no other, in whatever way he asks (design 7)."""
        self._buy_today(600)
        for model, names in READABLE.items():
            allowed = {'id', 'display_name', *names.split()}
            row = self._rpc(model, 'search', [], 0, 1)
            self.assertTrue(row, model)
            for name, field in self.env[model]._fields.items():
                with self.subTest(model=model, field=name):
                    calls = [('read', row, [name]), ('search_read', [], [name])]
                    if field.store and name not in allowed:
                        calls += [
                            ('search', [(name, '!=', False)]),
                            ('search', [], 0, 1, f'{name} desc'),
                            ('export_data', row, [name]),
                        ]
                        if field.type not in ('html', 'one2many', 'many2many'):
                            calls.append(('formatted_read_group', [], [name], ['__count']))
                    for method, *args in calls:
                        if name in allowed:
                            self._rpc(model, method, *args)
                        else:
                            self.assertTrue(self._is_refused(model, method, *args))
            self.assertEqual(set(self._rpc(model, 'fields_get')), allowed, model)

    @mute_logger(*CLOSED)
    def test_rows_of_others(self):
        """Nobody else's membership, history or number is found, read or counted (design 7)."""
        mine = self._join()
        self.assertEqual(self._rpc('retail.membership', 'search', []), mine.ids)
        self.assertEqual(set(self._rpc('retail.tier.move', 'search', [])), set(mine.move_ids.ids))
        for name in ('number', 'partner_id'):
            self.assertFalse(
                self._rpc('retail.membership', 'search', [(name, 'ilike', self.other.number)])
            )
        with self.assertRaises(AccessError):  # it would look through former numbers, too
            self._rpc('retail.membership', 'name_search', self.other.number)
        self.assertEqual(
            self._rpc('retail.membership', 'search_count', [('number', '!=', False)]), 1
        )
        for model, rows in (
            ('retail.membership', self.other),
            ('retail.tier.move', self.other.move_ids),
        ):
            with self.assertRaises(AccessError):
                self._rpc(model, 'read', rows.ids, ['partner_id'])

    @mute_logger(*CLOSED)
    def test_customers_change_nothing_by_rpc(self):
        """Neither rows nor methods: leaving and joining are the page's only (design 7)."""
        mine = self._join()
        for model in READABLE:
            row = self._rpc(model, 'search', [], 0, 1)
            for method, args in (
                ('write', (row, {'company_id': self.company.id})),
                ('unlink', (row,)),
                ('create', ([{}],)),
            ):
                with self.subTest(model=model, method=method), self.assertRaises(AccessError):
                    self._rpc(model, method, *args)
        for method in ('action_leave', 'action_ask_leave', 'action_enrol', 'action_override'):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self._rpc('retail.membership', method, mine.ids)
        with self.assertRaises(AccessError):
            self._rpc('res.partner', 'action_retail_ask_enrol', self.customer.ids)

    def test_contact_of_a_company(self):
        """A contact sees the company's membership for as long as it belongs to it (design 7)."""
        member = self._join(self.acme)
        self.customer.parent_id = self.acme
        self.assertEqual(self._rpc('retail.membership', 'search', []), member.ids)
        programmes = self.programme.with_user(self.portal)._portal_programmes()
        memberships = self.members.with_user(self.portal)
        self.assertEqual(memberships._of_user(programmes), member)
        self.customer.parent_id = False
        self.assertFalse(self._rpc('retail.membership', 'search', []))
        self.assertFalse(memberships._of_user(programmes))

    def test_caches_are_kept_while_nobody_moves(self):
        """Imports that write the company again, or of contacts who log in nowhere, keep the caches of all (speed)."""
        self.customer.parent_id = self.acme
        twin = self.env['res.partner'].create({'name': 'Twin', 'parent_id': self.acme.id})
        with patch.object(type(self.env.registry), 'clear_cache') as cleared:
            for partner in self.customer | self.acme | twin:
                partner.write({'is_company': partner.is_company})
                partner.write({'parent_id': partner.parent_id.id})
            twin.parent_id = False
            cleared.assert_not_called()
            self.customer.parent_id = False
            cleared.assert_called()

    def test_drafts_are_nobodys_business(self):
        """Tiers and privileges of a programme that does not run, and archived ones, stay inside (design 7)."""
        self._join()
        self.high.active = False
        draft = self.env['retail.programme'].create(
            {'name': 'Next year', 'company_id': self.company_2.id}
        )
        draft.action_use_ladder()
        self.portal.company_ids += self.company_2
        found = self._rpc('retail.tier', 'search', [])
        self.assertFalse(set(found) & set(draft.tier_ids.ids))
        self.assertLessEqual(set(self.programme.tier_ids.ids), set(found))
        shown = self._rpc('retail.privilege', 'search', [('active', 'in', (True, False))])
        self.assertIn(self.low.id, shown)
        self.assertNotIn(self.high.id, shown)

    def test_public_reads_nothing(self):
        """Whoever has not logged in has no right at all (design 7)."""
        for model in READABLE:
            with self.subTest(model=model), self.assertRaises(AccessError):
                self._rpc(model, 'search', [], user=self.env.ref('base.public_user'))

    def test_staff_read_all_fields(self):
        """The list of what customers read restricts nobody of the staff (design 7)."""
        for model in READABLE:
            with self.subTest(model=model):
                names = self._rpc(model, 'fields_get', user=self.users['user'])
                self.assertEqual(set(names), set(self.env[model]._fields))


@tagged('post_install', '-at_install', 'retail_crm')
class TestPortalPages(PortalCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.authenticate('retail_portal', 'retail_portal')

    def _page(self, url=URL):
        response = self.url_open(url)
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text)

    def _post(self, what='join', token=True, programme=None, **values):
        if token:
            values['csrf_token'] = Request.csrf_token(self)
        programme = programme or self.programme
        return self.url_open(f'{URL}/{programme.id}/{what}', data=values)

    def _text(self, url=URL):
        return ' '.join(self._page(url).text_content().split())

    def _mine(self):
        self.env.invalidate_all()
        return self._member(self.customer)

    # === SEEING ===#

    def test_member_page(self):
        """Tier, validity, progress, privileges now and next, history and card, in one page (S-LOY-06, -08, -15)."""
        self._buy_today(600)
        member = self._mine()
        page = self._page()
        text = ' '.join(page.text_content().split())
        for words in (
            'Silver',
            'Valid until',
            'Member since',
            'On the way to Gold',
            'Keeping Silver',
            'Tea room',
            'Baked for you',
            'You became a member',
            'You reached Silver',
        ):
            self.assertIn(words, text)
        self.assertIn('400.00 more to reach Gold', text)
        [card] = page.find_class('o_retail_member_card')
        [image] = card.xpath('.//img')
        self.assertEqual(image.get('alt'), member.number)
        self.assertTrue(image.get('src').startswith('data:image/svg+xml;base64,'))
        self.assertTrue(page.xpath(f'//a[@href="{URL}/{self.programme.id}/card"]'))
        bars = [int(node.get('aria-valuenow')) for node in page.find_class('progress')]
        self.assertEqual(bars, [60, 100])

    def test_next_privileges(self):
        """What the next tier adds is what one does not have yet (S-LOY-08)."""
        self._join()
        [part] = self._page().find_class('o_retail_next_privileges')
        text = part.text_content()
        self.assertIn('Silver', text)
        self.assertIn('Tea room', text)
        self.assertNotIn('cake', text)

    def test_card_screen(self):
        """The card fills the screen: number, name and bar code (S-LOY-15)."""
        member = self._join()
        page = self._page(f'{URL}/{self.programme.id}/card')
        [screen] = page.find_class('o_retail_card_screen')
        self.assertEqual(screen.find_class('o_retail_number')[0].text_content(), member.number)
        self.assertEqual(len(screen.xpath('.//img')), 1)

    def test_staff_notes_never_appear(self):
        """Names of staff, reasons and notes of a tier that was given stay inside (S-LOY-06, design 7)."""
        self.users['lead'].name = 'Leader Lee'
        member = self._join()
        member.with_user(self.users['lead'])._override(
            self.gold, date.today() + timedelta(60), 'recovery', 'Angry letter'
        )
        page = self.url_open(URL).text
        self.assertIn('We gave you Gold', page)
        for secret in ('Leader Lee', 'Angry letter', 'recovery', 'Service recovery', 'Agreed in'):
            self.assertNotIn(secret, page)

    def test_vouchers_and_coupons(self):
        """The customer sees what can be used with its code, what became of the rest, and nothing of others (S-CHN-11)."""
        evil = '<script>alert(1)</script>'
        vouchers, today = self.env['retail.voucher'], self.company._retail_today()
        member = self._join()
        values = {'company_id': self.company.id, 'partner_id': self.customer.id}
        mine, used, late = vouchers._issue(
            [
                {**values, 'name': f'Care {evil}', 'valid_until': today},
                {**values, 'name': 'Done'},
                {**values, 'name': 'Late', 'valid_until': today - timedelta(1)},
            ]
        )
        used.state = 'rendered'
        hidden = vouchers._issue(
            [
                {**values, 'name': 'Bob', 'partner_id': self.bob.id},
                {**values, 'name': 'Elsewhere', 'company_id': self.company_2.id},
            ]
        )
        program = self.env['loyalty.program'].create(
            {
                'name': 'Coupons of members',
                'program_type': 'coupons',
                'reward_ids': [
                    Command.clear(),
                    Command.create(
                        {'reward_type': 'discount', 'discount': 20, 'discount_mode': 'per_order'}
                    ),
                ],
            }
        )
        gift = self.env['retail.privilege'].create(
            {
                'name': f'Welcome {evil}',
                'programme_id': self.programme.id,
                'tier_ids': self.base.ids,
                'kind': 'entry',
                'coupon_program_id': program.id,
            }
        )
        benefits = self.env['retail.benefit']
        claims = [
            Claim(item.id, gift.id, self.base.id, f'entry/{place}')
            for place, item in enumerate((member, member, self.other))
        ]
        coupons = benefits._grant(claims)
        open_, over, others = coupons.sorted('key')
        over.card_id.points = 0
        response = self.url_open(URL)
        self.assertEqual(response.status_code, 200)
        self.assertNotIn(evil, response.text)
        page = html.fromstring(response.text)
        text = ' '.join(page.text_content().split())
        for words in ('Care <script>', mine.code, open_.code, 'Done', 'Late', 'Used', 'Expired'):
            self.assertIn(words, text)
        self.assertRegex(text, r'20(\.00)?')
        for code in (used, late, over, others, *hidden):
            self.assertNotIn(code.code, response.text)
        self.assertEqual(
            page.xpath('//div[@class and contains(@class, "o_retail_voucher_barcode")]/img/@alt'),
            [mine.code],
        )

    def test_names_are_escaped(self):
        """Names come as text, whatever is in them; descriptions without scripts (design 9)."""
        evil = '<script>alert(1)</script>'
        self._join()
        self.programme.name = f'Club {evil}'
        self.base.name = f'Base {evil}'
        self.customer.name = f'Pat {evil}'
        self.low.description = f'<p>Cake {evil}</p>'
        for url in (
            URL,
            '/my',
            f'{URL}/{self.programme.id}/card',
            f'{URL}/{self.programme.id}/leave',
        ):
            text = self.url_open(url).text
            self.assertNotIn(evil, text)
        self.assertIn('Birthday &lt;b&gt;cake', self.url_open(URL).text)

    def test_home(self):
        """The home page has a card with the tier, or an invitation (S-CHN-11)."""
        self.assertIn('Become a member', self._text('/my'))
        self._join()
        home = self._page('/my')
        [link] = home.xpath(f'//a[@href="{URL}"]')
        self.assertIn('Base', link.text_content())

    def test_counters_of_the_home_page(self):
        """The home page's later question for counters is answered with counters only (S-CHN-11)."""
        self._join()
        response = self.url_open(
            '/my/counters',
            data=json.dumps({'params': {'counters': ['quotation_count']}}),
            headers={'Content-Type': 'application/json'},
        )
        self.assertNotIn('retail_loyalty', response.text)
        self.assertNotIn('error', response.json())

    def test_two_companies(self):
        """One card for each programme, none of a company that the user does not belong to (design 4.2)."""
        self._join()
        second = self._create_programme(self.company_2)
        second.name = 'Second club'
        self.assertNotIn('Second club', self._text())
        self.portal.company_ids += self.company_2
        self.assertIn('Second club', self._text())
        self.assertEqual(len(self._page().find_class('o_retail_member_card')), 1)
        self.members._enrol(self.customer, self.company_2)
        self.assertEqual(len(self._page().find_class('o_retail_member_card')), 2)

    # === SWITCHED OFF ===#

    def test_switched_off(self):
        """Without portal, without loyalty and before the programme runs there is no page (design 6)."""
        self._join()
        groups = self.env.ref('base.group_portal'), self.env.ref('base.group_user')
        for block, users in (('portal', groups[0]), ('loyalty', groups[1])):
            with self.subTest(block=block):
                group = self.env.ref(f'retail_crm.group_block_{block}')
                users._remove_group(group)
                self._expect_gone()
                users._apply_group(group)
                self.assertEqual(self.url_open(URL).status_code, 200)
        self.env.cr.execute(
            "UPDATE retail_programme SET state = 'draft' WHERE id = %s", [self.programme.id]
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self._expect_gone()

    def _expect_gone(self):
        for path in ('', f'/{self.programme.id}/card', f'/{self.programme.id}/leave'):
            self.assertEqual(self.url_open(URL + path).status_code, 404, path)
        self.assertEqual(self._post('join', agree='1').status_code, 404)
        self.assertEqual(self._post('leave').status_code, 404)
        self.assertFalse(self._page('/my').xpath(f'//a[@href="{URL}"]'))
        self.assertEqual(self._mine().state, 'active')

    def test_joining_can_be_switched_off(self):
        """Where customers cannot join by themselves the page says so, and a form made up is refused (S-LOY-16)."""
        self.programme.portal_join = False
        page = self._page()
        self.assertFalse(page.find_class('o_retail_join'))
        self.assertIn('Ask us in the store', page.text_content())
        self.assertEqual(self._post('join', agree='1').status_code, 404)
        self.assertFalse(self._mine())

    # === JOINING AND LEAVING ===#

    def test_join(self):
        """Who ticks that he agrees is a member, by himself and with the tier of his purchases (S-LOY-16)."""
        page = self._page()
        [form] = page.find_class('o_retail_join')
        [tick] = form.xpath('.//input[@name="agree"]')
        self.assertEqual((tick.get('required'), tick.get('checked')), ('required', None))
        self.assertIn('Silver', page.text_content())
        response = self._post('join', agree='1')
        self.assertIn('Welcome!', response.text)
        member = self._mine()
        self.assertEqual((member.state, member.enrolled_via), ('active', 'portal'))
        self.assertFalse(member.enrolled_by or member.store_id)
        self.assertEqual(member.move_ids.user_id, self.portal)
        self.assertEqual(member.move_ids.note, 'Agreed in the customer portal')
        self.assertFalse(self.env['retail.consent'].search([('partner_id', '=', self.customer.id)]))
        # twice: he is a member already
        self.assertEqual(self._post('join', agree='1').status_code, 404)
        self.assertEqual(len(self._mine().move_ids), 1)

    def test_join_without_agreement(self):
        """Without the tick nobody becomes a member, and the page says why (S-LOY-16)."""
        for values in ({}, {'agree': ''}, {'agree': 'no'}):
            response = self._post('join', **values)
            self.assertIn('Please tick that you agree', response.text)
            self.assertFalse(self._mine())

    def test_profiling_is_a_question_of_its_own(self):
        """Taking part never depends on it; it is recorded with the text that was shown, as it was shown (S-SEC-13)."""
        self.env['retail.consent.text'].search([('purpose', '=', 'profiling')]).active = False
        text = self.env['retail.consent.text'].create(
            {
                'purpose': 'profiling',
                'version': 'one',
                'text': 'Choose offers for me',
                'date_from': '2020-01-01',
            }
        )
        page = self._page()
        [box] = page.xpath('//input[@name="profiling"]')
        self.assertIsNone(box.get('checked'))
        mark = page.xpath('//input[@name="shown-profiling"]/@value')[0]
        response = self._post('join', agree='1', profiling='1', **{'shown-profiling': 'stale'})
        self.assertIn('a text has changed', response.text)
        self.assertFalse(self._mine())
        self._post('join', agree='1', profiling='1', **{'shown-profiling': mark})
        self.assertEqual(self._mine().state, 'active')
        rows = self.env['retail.consent'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual(
            (rows.purpose, rows.state, rows.source, rows.text_id),
            ('profiling', 'granted', 'portal', text),
        )

    def test_leave(self):
        """Leaving is explained before, and keeps number and history (S-LOY-16)."""
        member = self._join()
        number = member.number
        text = self._text(f'{URL}/{self.programme.id}/leave')
        self.assertIn('end today', text)
        self.assertEqual(self._mine().state, 'active', 'looking changes nothing')
        response = self._post('leave', reason='moved')
        self.assertIn('You have left the programme', response.text)
        member = self._mine()
        self.assertEqual((member.state, member.leave_reason), ('left', 'moved'))
        self.assertEqual(member.move_ids[0].cause, 'leave')
        self.assertEqual(self.url_open(f'{URL}/{self.programme.id}/card').status_code, 404)
        self.assertIn('You left the programme on', self._text())
        self.assertEqual(self._post('leave').status_code, 404)
        self._post('join', agree='1')
        member = self._mine()
        self.assertEqual((member.state, member.number), ('active', number))
        self.assertFalse(member.leave_reason)

    def test_made_up_reason(self):
        """A reason that is none of the list is no reason (design 9)."""
        self._join()
        self._post('leave', reason="'; DROP TABLE")
        self.assertEqual((self._mine().state, self._mine().leave_reason), ('left', False))

    def test_busy_or_no_customer(self):
        """What cannot be done now is said, and nothing has happened (issue 5: faults)."""
        model = self.env.registry['retail.membership']
        with patch.object(model, '_try_lock', lambda _self: False):
            self.assertIn('Try again in a moment', self._post('join', agree='1').text)
        self.assertFalse(self._mine())
        self.customer.retail_customer = False
        self.assertEqual(self._post('join', agree='1').status_code, 404)
        self.assertIn('Ask us in the store', self._text())

    def test_sent_twice(self):
        """A form sent twice whose first answer makes him a member meanwhile ends on the page, not with an error."""
        model = self.env.registry['retail.membership']

        def enrol(_self, *_args, **_kwargs):
            raise UniqueViolation('retail_membership_partner_uniq')

        with patch.object(model, '_enrol', enrol):
            response = self._post('join', agree='1')
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.url.endswith('saved=joined'), response.url)

    def test_contact_neither_joins_nor_leaves_for_the_company(self):
        """A contact shows the company's card, and its membership is not his to begin or end (S-LOY-16)."""
        self.customer.parent_id = self.acme
        self.assertEqual(self._post('join', agree='1').status_code, 404)
        self._join(self.acme)
        page = self._page()
        self.assertIn('membership of your company', page.text_content())
        self.assertEqual(self.url_open(f'{URL}/{self.programme.id}/card').status_code, 200)
        self.assertEqual(self._post('leave').status_code, 404)
        self.assertEqual(self._member(self.acme).state, 'active')

    # === SAFETY ===#

    @mute_logger('odoo.http')
    def test_without_token(self):
        """A form from another site is refused (design 7)."""
        self.assertEqual(self._post('join', token=False, agree='1').status_code, 400)
        self.assertFalse(self._mine())
        self._join()
        self.assertEqual(self._post('leave', token=False, reason='moved').status_code, 400)
        self.assertEqual(self._mine().state, 'active')

    def test_links_change_nothing(self):
        """A mail scanner that opens every link neither joins nor leaves (design 9)."""
        with mute_logger('odoo.http'):
            response = self.url_open(f'{URL}/{self.programme.id}/join?agree=1')
        self.assertIn(response.status_code, (404, 405))
        self.assertFalse(self._mine())
        self._join()
        self.url_open(f'{URL}/{self.programme.id}/leave?reason=moved')
        self.assertEqual(self._mine().state, 'active')

    def test_not_logged_in(self):
        """Whoever is not logged in is asked to, and a form of his does nothing (design 7)."""
        self.authenticate(None, None)
        for path in ('', f'/{self.programme.id}/card', f'/{self.programme.id}/leave'):
            response = self.url_open(URL + path, allow_redirects=False)
            self.assertEqual(response.status_code, 303)
            self.assertIn('/web/login', response.headers['Location'])

    def test_nothing_to_guess(self):
        """Pages know programmes only: neither a membership's id nor its number leads to a card (design 7)."""
        for guess in (self.other.id, self.other.number, 0, 10**18):
            if guess != self.programme.id:
                self.assertEqual(self.url_open(f'{URL}/{guess}/card').status_code, 404)
        # no member himself: even the right programme shows no card, least of all somebody else's
        self.assertEqual(self.url_open(f'{URL}/{self.programme.id}/card').status_code, 404)
        self.assertNotIn(self.other.number, self.url_open(URL).text)

    def test_staff_as_customers(self):
        """A user of the house without rights on memberships sees his page, too, and nobody else's (design 7)."""
        new_test_user(self.env, login='retail_plain', groups='base.group_user')
        self.authenticate('retail_plain', 'retail_plain')
        response = self.url_open(URL)
        self.assertEqual(response.status_code, 200)
        self.assertNotIn(self.other.number, response.text)
