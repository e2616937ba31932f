"""At the counter: a customer is found by card or telephone, enrolled with consent, shown and printed (S-LOY-15, -16)."""

from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import Form, tagged
from odoo.tools import SQL

from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase


class CounterCase(TierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.env['crm.team'].create({'name': 'High Street', 'retail_is_store': True})
        cls.clerk = cls.users['user']
        cls.env['crm.team.member'].create({'crm_team_id': cls.store.id, 'user_id': cls.clerk.id})
        cls.cara, cls.dan = cls.env['res.partner'].create(
            [
                {
                    'name': 'Cara',
                    'phone': '+1 202 555 0123',
                    'country_id': cls.env.ref('base.us').id,
                },
                {'name': 'Dan'},
            ]
        )
        cls.member = cls.members._enrol(cls.bob, cls.company)

    def _names(self, text, user=None, operator='ilike'):
        """Return whom the customer field of an order offers."""
        partners = self.env['res.partner'].with_user(user or self.clerk)
        found = call_kw(partners, 'name_search', [text], {'operator': operator})
        return [partners.browse(key).name for key, _name in found]


@tagged('post_install', '-at_install', 'retail_crm')
class TestCounterLookUp(CounterCase):
    def test_by_number(self):
        """The number of a card finds its customer and nobody else, typed or scanned (S-LOY-15)."""
        number = self.member.number
        self.dan.ref = (
            number  # somebody whose reference looks the same is not whose card was scanned
        )
        for text in (number, f' {number} ', f'{number[:1]} {number[1:7]} {number[7:]}'):
            self.assertEqual(self._names(text), ['Bob'], text)
        self.assertEqual(self._names(number, operator='='), ['Bob'])
        self.assertEqual(number[0], '0')
        self.assertEqual(self._names(number[1:]), ['Bob'], 'as scanners send it: UPC')
        self.assertEqual(self._names(number[:-1] + 'X'), [])
        self.assertNotIn('Bob', self._names(number[1:7]), 'part of a number is no card')

    def test_by_the_list(self):
        """The search box of the customer list takes a scan: what Enter searches (S-LOY-15)."""
        view = self.env['res.partner'].with_user(self.clerk).get_view(view_type='search')
        arch = etree.fromstring(view['arch'])
        field = arch.xpath('//field')[0]
        self.assertEqual(field.get('name'), 'name')
        text = self.member.number
        domain = [('display_name', 'ilike', text)]
        self.assertEqual(field.get('filter_domain'), "[('display_name', 'ilike', self)]")
        partners = self.env['res.partner'].with_user(self.clerk)
        self.assertEqual(partners.search(domain), self.bob)
        # names and references are found as before
        self.dan.ref = 'R-77'
        self.assertEqual(partners.search([('display_name', 'ilike', 'R-77')]), self.dan)

    def test_former_number(self):
        """The card of a membership that was merged still finds the customer (S-LOY-15, S-CUS-24)."""
        other = self.members._enrol(self.cara, self.company)
        number = other.number
        self.env['retail.membership']._merge_partners(self.cara, self.bob)
        self.assertEqual(self._member(self.bob).former_numbers, number)
        self.assertEqual(self._names(number), ['Bob'])
        self.assertEqual(self._names(number[:-1]), [])

    def test_by_phone(self):
        """A whole telephone number finds the customer, however it is written (S-LOY-15)."""
        for text in ('+12025550123', '+1 202 555 0123', '202-555-0123', '(202) 555 0123'):
            with self.subTest(text=text):
                self.company.country_id = self.env.ref('base.us')
                self.assertIn('Cara', self._names(text))
        self.assertNotIn('Cara', self._names('5550123'), 'a part is no number')

    def test_company_and_contacts(self):
        """A company's card finds the company (S-LOY-15)."""
        member = self.members._enrol(self.ann, self.company)
        self.assertEqual(self._names(member.number), ['Acme'])

    def test_other_company(self):
        """A number of another company's programme finds nobody here (design 4.2)."""
        self._create_programme(self.company_2)
        member = self.members._enrol(self.dan, self.company_2)
        self.assertEqual(self._names(member.number), [])

    def test_who_may_not_see_numbers(self):
        """Whoever may not read member numbers cannot find anybody by them either (design 7)."""
        for persona in ('internal', 'complaint', 'sensitive'):
            self.assertEqual(self._names(self.member.number, self.users[persona]), [], persona)
        for persona in ('user', 'marketing', 'sales'):
            self.assertEqual(self._names(self.member.number, self.users[persona]), ['Bob'], persona)

    def test_odd_input(self):
        """Whatever is typed is searched for, and never an error (design 9)."""
        for text in (
            '',
            '%',
            "'; DROP",
            '٣٣٣٣٣٣٣٣٣٣٣٣٣',
            '+',
            '+' * 30,
            '0' * 300,
            'a\\',
            '000000',
        ):
            self._names(text)
        partners = self.env['res.partner'].with_user(self.clerk)
        for value in (['Bob', 'Dan'], ['Bob'], [], False):
            operator = 'in' if isinstance(value, list) else '='
            partners.search([('display_name', operator, value)], limit=1)
        self.assertEqual(partners.search([('display_name', 'in', [self.member.number])]), self.bob)
        self.assertNotIn(self.bob, partners.search([('display_name', 'not ilike', 'Bob')]))

    def test_look_up_uses_indexes(self):
        """The look-up reads by index, the present number and the former ones (issue 5: speed)."""
        self.env.flush_all()
        self.env.cr.execute('SET LOCAL enable_seqscan = off')
        query = self.env['res.partner']._sql_card('0420000000019')
        plan = '\n'.join(line for (line,) in self.env.execute_query(SQL('EXPLAIN %s', query)))
        self.assertIn(
            'retail_membership__number_uniq',
            plan.replace('membership_number', 'membership__number'),
        )
        self.assertIn('former_idx', plan)
        self.assertNotIn('Seq Scan', plan)

    def test_look_up_costs_one_query(self):
        """A scan costs one query for the card beside the search itself; a name costs none (issue 5: speed)."""
        partners = self.env['res.partner'].with_user(self.clerk)
        partners._search_display_name('ilike', self.member.number)
        self.env.flush_all()
        with self.assertQueryCount(1):
            partners._search_display_name('ilike', self.member.number)
        with self.assertQueryCount(0):
            partners._search_display_name('ilike', 'Cara')


@tagged('post_install', '-at_install', 'retail_crm')
class TestCounterEnrolment(CounterCase):
    def _wizard(self, partners, user=None, **values):
        action = partners.with_user(user or self.clerk).action_retail_ask_enrol()
        wizard = self.env['retail.membership.enrol'].with_user(user or self.clerk)
        return wizard.with_context(**action['context']).create(values)

    def test_enrol_several(self):
        """Several customers at once, with store and employee; who is a member stays what he is (S-LOY-16)."""
        before = (self.member.enrolled_by, self.member.enrolled_on, self.member.move_ids)
        wizard = self._wizard(self.cara | self.dan | self.bob, agreed=True)
        self.assertEqual((wizard.user_id, wizard.store_id), (self.clerk, self.store))
        action = wizard.action_enrol()
        members = self.members.search(action['domain'])
        self.assertEqual(members.partner_id, self.cara | self.dan | self.bob)
        for partner in self.cara | self.dan:
            member = self._member(partner)
            self.assertEqual(
                (member.enrolled_by, member.store_id, member.enrolled_via, member.state),
                (self.clerk, self.store, 'staff', 'active'),
            )
        self.assertEqual(
            (self.member.enrolled_by, self.member.enrolled_on, self.member.move_ids), before
        )

    def test_for_a_colleague(self):
        """The employee and the store may be others than where the user works (S-LOY-16: counts per shop and staff)."""
        mall = self.env['crm.team'].create({'name': 'Mall', 'retail_is_store': True})
        wizard = self._wizard(
            self.cara, agreed=True, user_id=self.users['sales'].id, store_id=mall.id
        )
        action = wizard.action_enrol()
        member = self.members.browse(action['res_id'])
        self.assertEqual((member.enrolled_by, member.store_id), (self.users['sales'], mall))

    def test_without_agreement(self):
        """Without the tick nobody becomes a member; the form asks for it (S-LOY-16)."""
        with self.assertRaisesRegex(UserError, 'Ask first'):
            self._wizard(self.cara).action_enrol()
        self.assertFalse(self._member(self.cara))
        form = Form(
            self.env['retail.membership.enrol']
            .with_user(self.clerk)
            .with_context(active_model='res.partner', active_ids=self.cara.ids)
        )
        self.assertFalse(form.agreed)
        form.agreed = True
        form.save().action_enrol()
        self.assertTrue(self._member(self.cara))

    def test_who_is_no_customer(self):
        """Who is no retail customer is named, and nobody of the choice is enrolled (S-LOY-16)."""
        self.dan.retail_customer = False
        with self.assertRaisesRegex(UserError, 'Dan'):
            self._wizard(self.cara | self.dan, agreed=True).action_enrol()
        self.assertFalse(self._member(self.cara))

    def test_company_once(self):
        """Contacts of one company make one member: the company (S-LOY-16)."""
        beth = self.env['res.partner'].create({'name': 'Beth', 'parent_id': self.acme.id})
        self._wizard(self.ann | beth | self.acme, agreed=True).action_enrol()
        self.assertEqual(len(self._member(self.acme)), 1)
        self.assertFalse(self._member(self.ann) | self._member(beth))

    def test_enrolled_via(self):
        """How somebody became a member is on record: by buying, by staff (S-LOY-16)."""
        self._create_order(self.cara, 20)
        self._process()
        if self.company.retail_purchase_basis == 'order':
            self.assertEqual(self._member(self.cara).enrolled_via, 'purchase')
        self.assertEqual(self.member.enrolled_via, 'staff')

    def test_only_staff(self):
        """Others neither enrol nor see members off, by form or by call (design 7)."""
        for persona in ('marketing', 'sales', 'internal', 'portal'):
            user = self.users[persona]
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.dan.with_user(user).action_retail_ask_enrol()
            with self.subTest(persona=persona), self.assertRaises(AccessError):
                self.member.with_user(user).action_ask_leave()

    def test_leave_with_reason(self):
        """Why a customer leaves is kept when he says so, and not asked for twice (S-LOY-16)."""
        for reason, note, words in (
            ('moved', 'To Rome', 'Moved away: To Rome'),
            ('moved', False, 'Moved away'),
            (False, 'Just so', 'Just so'),
            (False, ' ', False),
        ):
            with self.subTest(reason=reason, note=note):
                action = self.member.with_user(self.clerk).action_ask_leave()
                wizard = (
                    self.env['retail.membership.leave']
                    .with_user(self.clerk)
                    .with_context(**action['context'])
                    .create({'reason': reason, 'note': note})
                )
                wizard.action_leave()
                move = self.member.move_ids.sorted('id')[-1]
                self.assertEqual((self.member.state, self.member.leave_reason), ('left', reason))
                self.assertEqual((move.cause, move.note), ('leave', words))
                self.assertEqual(move.user_id, self.clerk)
                self.member.with_user(self.clerk).action_enrol()
                self.assertFalse(self.member.leave_reason)

    def test_leaving_twice(self):
        """Who has left before keeps the reason that he gave (S-LOY-16)."""
        self.member._leave('moved')
        moves = self.member.move_ids
        self.member._leave('other', 'Again')
        self.assertEqual((self.member.leave_reason, self.member.move_ids), ('moved', moves))


@tagged('post_install', '-at_install', 'retail_crm')
class TestCounterCard(CounterCase):
    def _print(self, report, members, user=None):
        reports = self.env['ir.actions.report'].with_user(user or self.clerk)
        content, _kind = reports._render_qweb_html(f'retail_crm.{report}', members.ids)
        return etree.HTML(content)

    def test_card(self):
        """A card has programme, name, number and the bar code as a picture (S-LOY-15)."""
        self.bob.name = 'Bob <i>B</i>'
        page = self._print('report_member_card', self.member)
        [card] = page.xpath('//div[contains(@class, "o_retail_print_card")]')
        text = ''.join(card.itertext())
        self.assertIn('Bob <i>B</i>', text)
        self.assertIn(self.member.number, text)
        self.assertIn(self.programme.name, text)
        [image] = card.xpath('.//img/@src')
        self.assertTrue(image.startswith('data:image/svg+xml;base64,'))

    def test_sheet(self):
        """Eight cards to a page, and a page for the rest (S-LOY-15)."""
        partners = self.env['res.partner'].create([{'name': f'No {place}'} for place in range(8)])
        members = self.member | self.members._enrol(partners, self.company)
        page = self._print('report_member_card_sheet', members)
        cards = page.xpath('//div[contains(@class, "o_retail_print_card")]')
        sheets = {card.getparent() for card in cards}
        self.assertEqual((len(cards), len(sheets)), (9, 2))
        self.assertEqual(sorted(len(sheet) for sheet in sheets), [1, 8])

    def test_badge(self):
        """The tier is shown in its colour on customer, order and member (S-LOY-06)."""
        self.base.color = 7
        self.env.invalidate_all()
        partner = self.bob.with_user(self.clerk)
        self.assertEqual((partner.retail_tier_text, partner.retail_tier_color), ('Base', 7))
        order = self._create_order(self.bob, 5, confirm=False).with_user(self.users['sales'])
        order.sudo().user_id = self.users['sales']
        self.assertEqual((order.retail_tier_text, order.retail_tier_color), ('Base', 7))
        self.assertEqual(self.cara.with_user(self.clerk).retail_tier_color, 0)

    def test_form_explains(self):
        """The form says what counts, what is missing and opens the purchases counted (S-LOY-06, S-LOY-07)."""
        self._create_order(self.bob, 120)
        self._process()
        form = Form(self.member.with_user(self.clerk))
        if self.company.retail_purchase_basis == 'order':
            self.assertIn('380', form.progress)
        self.assertIn('Silver', form.progress)
        action = self.member.with_user(self.clerk).action_open_purchases()
        self.assertEqual(
            len(self.env[action['res_model']].search(action['domain'])), self.member.measure_count
        )
