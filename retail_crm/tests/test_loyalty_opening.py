"""Opening tiers from a file: each error, encodings, all or nothing (docs/tiers.md, Opening tiers from a file)."""

import csv
import io
from base64 import b64decode, b64encode
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.tests.test_loyalty_membership import TierCase
from odoo.addons.retail_crm.wizard.loyalty import _opening_csv

HEAD = 'Customer,Tier,Since,Valid Until,Member Number,Note\n'
NOW = '2025-03-10 12:00:00'


class OpeningCase(TierCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.country_id = cls.env.ref('base.cn')
        cls.cai, cls.dan, cls.eve = cls.env['res.partner'].create(
            [
                {'name': 'Cai', 'ref': 'OT-3', 'phone': '13911139222', 'retail_customer': True},
                {'name': 'Dan', 'ref': 'OT-4', 'email': 'dan@ot.test', 'retail_customer': True},
                {'name': 'Eve', 'ref': 'OT-5', 'retail_customer': True},
            ]
        )
        cls._process()

    def _wizard(self, text, **values):
        content = text if isinstance(text, bytes) else text.encode()
        return self.env['retail.membership.import'].create(
            {
                'programme_id': self.programme.id,
                'file': b64encode(content),
                'filename': 'cards.csv',
                **values,
            }
        )

    def _run(self, text, at=NOW, **values):
        """Import a file, and return the wizard."""
        with freeze_time(at):
            wizard = self._wizard(text, **values)
            wizard.action_import()
        return wizard

    def _errors(self, text, **values):
        """Return the reason of each bad row by its customer, of a check that writes nothing."""
        before = self._state()
        with freeze_time(NOW):
            wizard = self._wizard(HEAD + text, **values)
            wizard.action_check()
            rows = wizard._checked()[2]
        self.assertEqual(self._state(), before, 'a check writes nothing')
        self.assertEqual(wizard.state, 'checked')
        self.assertEqual(wizard.error_count, sum(bool(row.error) for row in rows))
        return [row.error for row in rows]

    def _state(self):
        """Return what memberships and history hold."""
        self.env.flush_all()
        self.env.cr.execute(
            'SELECT * FROM retail_membership WHERE company_id = %s ORDER BY id', [self.company.id]
        )
        members = self.env.cr.fetchall()
        self.env.cr.execute('SELECT count(*), max(id) FROM retail_tier_move')
        return members, self.env.cr.fetchall()


@tagged('post_install', '-at_install', 'retail_crm')
class TestOpening(OpeningCase):
    def test_import(self):
        """Non-members are enrolled on their day and get the tier as a floor until its day, quietly (R-loy C.1)."""
        self._buy(self.dan, 600, '2025-02-01')
        member = self._member(self.dan)
        enrolled, number = member.enrolled_on, member.number
        wizard = self._run(
            HEAD
            + 'OT-3,Gold,2024-06-01,2026-01-01,CARD-3,moved\nOT-4,Gold,2024-01-05,2025-12-31,,\n'
            'OT-5,Base,2025-01-05,,,\n'
        )
        self.assertEqual((wizard.state, wizard.ok_count, wizard.error_count), ('done', 3, 0))
        cai = self._member(self.cai)
        self.assertEqual((cai.enrolled_on, cai.number), (date(2024, 6, 1), 'CARD-3'))
        self.assertEqual((cai.tier_id, cai.tier_valid_until), (self.gold, date(2026, 1, 1)))
        self.assertEqual((cai.own_tier_id, cai.held_by_override), (self.base, True))
        self.assertEqual((cai.override_reason, cai.override_note), ('migration', 'moved'))
        self.assertEqual(cai.override_user_id, self.env.user)
        self.assertEqual(
            self._history(self.cai),
            [('2024-06-01', 'entry', 'Base'), ('2025-03-10', 'override', 'Gold')],
        )
        self.assertIn('cards.csv', cai.move_ids[:1].note)
        self.assertEqual((member.enrolled_on, member.number), (enrolled, number))
        self.assertEqual((member.tier_id, member.own_tier_id), (self.gold, self.silver))
        self.assertEqual(member.override_note, 'Opening tiers: cards.csv')
        eve = self._member(self.eve)
        self.assertEqual((eve.tier_id, eve.override_until), (self.base, False))
        self.assertFalse(eve.override_reason)
        for kind, partner in (('enrolled', self.cai), ('tier_up', self.cai), ('tier_up', self.eve)):
            self.assertEqual(self._count_moments(kind, partner), 0)
        self.assertEqual(self._count_moments('tier_up', self.dan), 1, 'by the purchase only')
        # when the day has come the rules decide
        self._night('2026-01-01')
        self.assertEqual((cai.tier_id, member.tier_id), (self.base, self.silver))
        self.assertEqual(self._history(self.cai)[-1], ('2026-01-01', 'override_end', 'Base'))

    def test_members_of_an_import_are_nobodys_work(self):
        """They came by the import, not by the first purchase or its seller; members of before stay as they are."""
        self._buy(self.dan, 600, '2025-02-01')
        self.programme.automatic = False
        order = self._buy(self.cai, 100, '2025-02-02')
        order.team_id.retail_is_store = True
        self.assertTrue(self._member(self.dan))
        self.assertFalse(self._member(self.cai))
        self._run(HEAD + 'OT-3,Gold,2024-06-01,2026-01-01,,\nOT-4,Gold,,2025-12-31,,\n')
        cai, dan = self._member(self.cai), self._member(self.dan)
        self.assertEqual((cai.enrolled_via, dan.enrolled_via), ('import', 'purchase'))
        self.assertFalse(cai.enrolled_by)
        self.assertFalse(cai.store_id)

    def test_purchases_since_the_enrolment_count(self):
        """Who bought without being a member is enrolled on the day of the file; purchases since count (docs/tiers.md)."""
        self.programme.automatic = False
        self._buy(self.cai, 600, '2024-09-01')
        self._run(HEAD + 'OT-3,Gold,2024-06-01,2026-01-01,,\n')
        member = self._member(self.cai)
        self.assertEqual((member.tier_id, member.own_tier_id), (self.gold, self.silver))
        self.assertEqual(
            self._history(self.cai)[:2],
            [('2024-06-01', 'entry', 'Base'), ('2024-09-01', 'upgrade', 'Silver')],
        )

    def test_before_the_first_day(self):
        """Nobody is enrolled before the programme's first day (docs/tiers.md)."""
        self._run(HEAD + 'OT-3,Gold,2015-06-01,2026-01-01,,\n')
        self.assertEqual(self._member(self.cai).enrolled_on, date(2024, 1, 1))

    def test_twice_changes_nothing(self):
        """The same file again writes nothing, on the same day and later."""
        text = HEAD + 'OT-3,Gold,2024-06-01,2026-01-01,CARD-3,\nOT-5,Base,,,CARD-5,\n'
        self._run(text)
        before = self._state()
        for at in (NOW, '2025-06-01 12:00:00'):
            wizard = self._run(text, at=at)
            self.assertEqual((wizard.ok_count, wizard.unchanged_count), (0, 2))
            self.assertEqual(self._state(), before)

    def test_number_of_a_member(self):
        """The number of the file becomes the member's; the old one still finds him (S-LOY-16)."""
        self._run(HEAD + 'OT-3,Gold,,2026-01-01,,\n')
        member = self._member(self.cai)
        old, moves = member.number, len(member.move_ids)
        self._run(HEAD + 'OT-3,Gold,,2026-01-01,CARD-3,\n')
        self.assertEqual((member.number, member.former_numbers), ('CARD-3', old))
        self.assertEqual(len(member.move_ids), moves, 'the tier is what it was')
        self._run(HEAD + f'CARD-3,Gold,,2026-01-01,{old},\n')
        self.assertEqual((member.number, member.former_numbers), (old, 'CARD-3'))
        self.assertEqual(self._errors('CARD-3,Gold,,2026-01-01,,\n'), [''])

    # === ERRORS ===#

    def test_number_of_any_letters(self):
        """A card of before may have a number that no bar code has: the card shows a code all the same (S-LOY-15)."""
        wide = '１２３４５６７８９０１２８'
        self._run(HEAD + f'OT-3,Base,,,会员-3,\nOT-4,Base,,,{wide},\nOT-5,Base,,,CARD-5,\n')
        for partner, number in ((self.cai, '会员-3'), (self.dan, wide), (self.eve, 'CARD-5')):
            with self.subTest(number=number):
                member = self._member(partner)
                self.assertEqual(member.number, number)
                self.assertIn('data:image/svg', member._barcode_src())
                self.assertIn('<img', member.barcode)

    def test_errors_of_rows(self):
        """Each bad row says why (issue: error per row)."""
        self.env['res.partner'].create(
            [
                {'name': 'Fay', 'phone': '13911139222', 'retail_customer': True},
                {'name': 'Supplier', 'ref': 'OT-9', 'retail_customer': False},
                {'name': 'Gone', 'ref': 'OT-8', 'retail_customer': True, 'active': False},
            ]
        )
        for text, word in (
            ('OT-77,Gold,,2026-01-01,,', 'no such customer'),
            ('OT-8,Gold,,2026-01-01,,', 'no such customer'),
            (',Gold,,2026-01-01,,', 'names no customer'),
            ('13911139222,Gold,,2026-01-01,,', 'Several customers'),
            ('+86 139 1113 9222,Gold,,2026-01-01,,', 'Several customers'),
            ('OT-9,Gold,,2026-01-01,,', 'no retail customer'),
            ('OT-3,Platinum,,2026-01-01,,', 'no tier of this name'),
            ('OT-3,,,2026-01-01,,', 'no tier of this name'),
            ('OT-3,Gold,3/4/2024,2026-01-01,,', 'cannot be read'),
            ('OT-3,Gold,,2026-02-29,,', 'cannot be read'),
            ('OT-3,Gold,2025-03-11,2026-01-01,,', 'to come'),
            ('OT-3,Gold,,,,', 'Until when'),
            ('OT-3,Gold,,2025-03-10,,', 'at least until tomorrow'),
            ('OT-3,Gold,,2026-01-01,CARD 3,', 'no spaces'),
        ):
            with self.subTest(text=text):
                [error] = self._errors(text + '\n')
                self.assertIn(word, error)
        self.assertEqual(self._errors('OT-3,Gold,,2025-03-11,,\n'), [''])
        self.assertEqual(self._errors('OT-3,Gold,,,,\n', default_until='2026-01-01'), [''])

    def test_errors_within_the_file(self):
        """A customer or a number may be in the file once, however the customer is named."""
        errors = self._errors(
            'OT-3,Gold,,2026-01-01,CARD-1,\n+8613911139222,Silver,,2026-01-01,,\n'
            'OT-4,Gold,,2026-01-01,CARD-1,\nOT-5,Gold,,2026-01-01,CARD-2,\n'
        )
        self.assertEqual([bool(error) for error in errors], [False, True, True, False])
        self.assertIn('line 2', errors[1])
        self.assertIn('member number is in line 2', errors[2])

    def test_errors_of_members(self):
        """Nothing is taken from a member: no higher tier, no gift of staff, no number, and who left stays out."""
        self._buy(self.cai, 1200, '2025-01-10')
        self._buy(self.dan, 10, '2025-01-10')
        self._buy(self.eve, 10, '2025-01-10')
        with freeze_time(NOW):
            self._member(self.dan)._override(self.silver, date(2025, 6, 1), 'vip', 'Patron')
            self._member(self.eve).action_leave()
        taken = self._member(self.cai).number
        for text, word in (
            ('OT-3,Silver,,2026-01-01,,', 'higher tier'),
            ('OT-4,Gold,,2026-01-01,,', 'Staff gave'),
            ('OT-5,Gold,,2026-01-01,,', 'has left'),
            (f'id {self.acme.id},Gold,,2026-01-01,{taken},', 'Somebody else'),
        ):
            with self.subTest(text=text):
                [error] = self._errors(text + '\n')
                self.assertIn(word, error)

    def test_ways_to_name_a_customer(self):
        """By number, reference, e-mail, phone or id, also of a contact of a company; or by columns of their own."""
        with freeze_time(NOW):
            number = self.members._enrol(self.bob).number
        for value, partner in (
            (number, self.bob),
            ('OT-4', self.dan),
            ('DAN@ot.test', self.dan),
            ('139-1113-9222', self.cai),
            (f'id {self.eve.id}', self.eve),
            (f'id {self.ann.id}', self.acme),
        ):
            with self.subTest(value=value), freeze_time(NOW):
                [row] = self._wizard(f'{HEAD}{value},Gold,,2026-01-01,,\n')._checked()[2]
                self.assertEqual((row.error, row.partner_id), ('', partner.id))
        text = (
            f'ID,Phone,E-Mail,Tier,Valid Until\n{self.eve.id},,,Gold,2026-01-01\n'
            ',13911139222,,Gold,2026-01-01\n,,dan@ot.test,Gold,2026-01-01\n'
        )
        with freeze_time(NOW):
            rows = self._wizard(text)._checked()[2]
        self.assertEqual([row.partner_id for row in rows], [self.eve.id, self.cai.id, self.dan.id])

    def test_other_companies(self):
        """Customers of another company are nobody here (design 7)."""
        self.eve.company_id = self.company_2
        self.assertIn('no such customer', self._errors('OT-5,Gold,,2026-01-01,,\n')[0])

    # === FILES ===#

    def test_encodings_and_separators(self):
        """UTF-8 with and without mark, UTF-16, three separators, headers in English and Chinese, dates of both."""
        self.programme.tier_ids[2].name = '金卡'
        for text, encoding in (
            ('客户,等级,入会日期,有效期至\nOT-3,金卡,2024年6月1日,2026年1月1日\n', 'utf-8'),
            ('客戶;會員等級;入會日期;到期日\r\nOT-3;金卡;1.6.2024;01.01.2026\r\n', 'utf-8-sig'),
            (
                'Customer\tTier\tMember_Since\tVALID UNTIL\nOT-3\t金卡\t2024/6/1\t2026.01.01\n',
                'utf-16',
            ),
            (
                '"Customer","Tier","Since","Until","Note"\n"OT-3"," 金卡 ",2024-06-01,2026-01-01,"a ""b"", c\nd"\n',
                'utf-8',
            ),
        ):
            with self.subTest(encoding=encoding, text=text), freeze_time(NOW):
                [row] = self._wizard(text.encode(encoding))._checked()[2]
                self.assertEqual((row.error, row.partner_id), ('', self.cai.id))
                self.assertEqual((row.since, row.until), (date(2024, 6, 1), date(2026, 1, 1)))
                self.assertEqual(row.tier_id, self.gold.id)

    def test_unreadable_files(self):
        """What is no such file is refused in words, and nothing is written."""
        for content in (
            b'',
            b'\n\n',
            b' \n',
            b',,\n,,\n',
            HEAD.encode(),
            '客户,等级\nOT-3,金卡\n'.encode('gb18030'),
            b'PK\x03\x04\x00\x00',
            b'Name,Tier\nOT-3,Gold\n',
            b'Customer,Valid Until\nOT-3,2026-01-01\n',
            b'Customer,Tier,Level\nOT-3,Gold,Gold\n',
            b'Customer,Tier\n"OT-3,Gold\n',
        ):
            with self.subTest(content=content), self.assertRaises(UserError):
                self._run(content)
        with patch.object(_opening_csv, 'MAX_ROWS', 1), self.assertRaises(UserError):
            self._run(HEAD + 'OT-3,Gold,,2026-01-01,,\nOT-4,Gold,,2026-01-01,,\n')

    def test_error_file(self):
        """Bad rows come back with their reasons, without formulas, and can be taken again when corrected."""
        with freeze_time(NOW):
            wizard = self._wizard(
                HEAD + '"=HYPERLINK(""x"")",Gold,,2026-01-01,,"@sum"\nOT-3,Gold,,2026-01-01,,\n'
                '+8613999999999,Gold,,2026-01-01,,-1\n'
            )
            wizard.action_check()
        rows = list(csv.reader(io.StringIO(b64decode(wizard.error_file).decode('utf-8-sig'))))
        self.assertEqual(len(rows), 3)
        self.assertEqual(rows[1][0], '\'=HYPERLINK("x")')
        self.assertEqual((rows[1][5], rows[2][0], rows[2][5]), ("'@sum", "'+8613999999999", "'-1"))
        self.assertEqual((rows[1][6], rows[2][6]), ('2', '4'))
        self.assertIn('no such customer', rows[1][7])
        self.assertNotIn('<script', wizard.result)
        again = _opening_csv.read(b64decode(wizard.error_file))
        self.assertEqual(again[3][1][1][0], '+8613999999999')
        self.assertIn(str(wizard.id), wizard.action_errors()['url'])

    def test_html_of_the_file(self):
        """What the file says is text on the screen."""
        with freeze_time(NOW):
            wizard = self._wizard(HEAD + '<script>alert(1)</script>,Gold,,2026-01-01,,\n')
            wizard.action_check()
        self.assertNotIn('<script', wizard.result)
        self.assertIn('&lt;script', wizard.result)

    def test_template(self):
        """The file to begin with is one that can be read."""
        with freeze_time(NOW):
            wizard = self._wizard('')
            _delimiter, header, columns, rows = _opening_csv.read(b64decode(wizard.template_file))
            self.assertIn('template_file', wizard.action_template()['url'])
        self.assertEqual(header, list(_opening_csv.TEMPLATE))
        self.assertEqual(set(columns), {'customer', 'tier', 'since', 'until', 'number', 'note'})
        self.assertEqual(rows[0][1][1], 'Gold')

    # === ALL OR NOTHING ===#

    def test_nothing_half_imported(self):
        """One bad row and nothing is written; chosen so, the good rows are (issue: nothing half-imported)."""
        text = HEAD + 'OT-3,Gold,,2026-01-01,,\nOT-77,Gold,,2026-01-01,,\n'
        before = self._state()
        wizard = self._run(text)
        self.assertEqual((wizard.state, wizard.error_count), ('checked', 1))
        self.assertEqual(self._state(), before)
        wizard = self._run(text, skip_bad=True)
        self.assertEqual((wizard.state, wizard.ok_count, wizard.error_count), ('done', 1, 1))
        self.assertEqual(self._member(self.cai).tier_id, self.gold)

    def test_failure_in_the_middle(self):
        """A failure after memberships were written leaves nothing of them."""
        before = self._state()
        wizard = self._wizard(HEAD + 'OT-3,Gold,,2026-01-01,CARD-3,\n')
        with (
            freeze_time(NOW),
            patch.object(
                type(self.members), '_write_opening_numbers', side_effect=ValueError('broken')
            ),
            self.assertRaises(ValueError),
        ):
            wizard.action_import()
        self.assertEqual(self._state(), before)
        self.assertEqual(wizard.state, 'upload')

    def test_others_at_work(self):
        """While tiers are being computed nothing is imported."""
        before = self._state()
        with (
            patch.object(type(self.members), '_try_lock', return_value=False),
            self.assertRaises(UserError),
        ):
            self._run(HEAD + 'OT-3,Gold,,2026-01-01,,\n')
        self.assertEqual(self._state(), before)

    def test_no_running_programme(self):
        """A draft has no members."""
        programme = self.env['retail.programme'].create(
            {'name': 'Elsewhere', 'company_id': self.company_2.id}
        )
        with self.assertRaises(UserError):
            self._run(HEAD + 'OT-3,Gold,,2026-01-01,,\n', programme_id=programme.id)

    def test_statements_do_not_grow(self):
        """A file of many rows costs as many statements as one of two (set-based)."""
        partners = self.env['res.partner'].create(
            [{'name': f'P{n}', 'ref': f'OT-P{n}', 'retail_customer': True} for n in range(120)]
        )
        self._process()
        counts = []
        for group in (partners[:2], partners[2:]):
            text = HEAD + ''.join(
                f'{partner.ref},Gold,,2026-01-01,N-{partner.ref},\n' for partner in group
            )
            wizard = self._wizard(text)
            self.env.flush_all()
            self.env.invalidate_all()
            with freeze_time(NOW):
                before = self.env.cr.sql_log_count
                wizard.action_import()
                counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(wizard.state, 'done')
        self.assertLessEqual(counts[1], counts[0] + 2)
        self.assertEqual(
            self.members.search_count(
                [('partner_id', 'in', partners.ids), ('number', 'like', 'N-')]
            ),
            120,
        )

    # === RIGHTS ===#

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_rights(self):
        """Managers take over members, others do not; a manager does it without rights on memberships (design 7)."""
        text = HEAD + 'OT-3,Gold,,2026-01-01,CARD-3,\n'
        for name in ('user', 'lead', 'marketing', 'sales'):
            wizard = self._wizard(text).with_user(self.users[name])
            for action in ('action_check', 'action_import', 'action_template', 'action_errors'):
                with self.subTest(user=name, action=action), self.assertRaises(AccessError):
                    getattr(wizard, action)()
        with freeze_time(NOW):
            wizard = (
                self.env['retail.membership.import']
                .with_user(self.users['manager'])
                .create({'programme_id': self.programme.id, 'file': b64encode(text.encode())})
            )
            wizard.action_check()
            self.assertFalse(wizard.error_count, wizard.result)
            wizard.action_import()
        self.assertEqual(self._member(self.cai).override_user_id, self.users['manager'])
