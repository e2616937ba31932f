"""What loyalty keeps about a customer: data report, privacy look-up, anonymising (S-CUS-22, docs/privacy.md)."""

from datetime import date

from freezegun import freeze_time

from odoo.tests import new_test_user, tagged

from odoo.addons.retail_crm.tests.test_loyalty_privilege import PrivilegeCase

WORD = 'Zxqv'


@tagged('post_install', '-at_install', 'retail_crm')
class TestLoyaltyAnonymise(PrivilegeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(
            cls.env,
            login='retail_loyalty_officer',
            groups='retail_crm.group_manager,retail_crm.group_sensitive,base.group_partner_manager',
        )
        cls.zoe, cls.friend = cls.env['res.partner'].create(
            [{'name': f'{WORD} Zoe', 'retail_customer': True}, {'name': 'Friend'}]
        )
        cls.zoe.retail_referrer_id = cls.bob
        cls.friend.retail_referrer_id = cls.zoe
        cls._privilege('entry', cls.silver)
        with freeze_time('2025-05-01 12:00:00'):
            cls.member = cls.members._enrol(cls.zoe, cls.company)
            cls.member._override(cls.silver, date(2025, 12, 31), 'vip', WORD)
            cls._process()
        cls.benefit = cls.benefits.search([('partner_id', '=', cls.zoe.id)])
        [cls.voucher] = cls.vouchers._issue(
            [{'partner_id': cls.zoe.id, 'name': 'Tea', 'company_id': cls.company.id}]
        )
        cls.voucher.write({'reason': WORD, 'note': WORD})
        event = cls.env['retail.member.list'].create(
            {'name': 'Evening', 'company_id': cls.company.id}
        )
        cls.line = cls.env['retail.member.list.line'].create(
            {'list_id': event.id, 'partner_id': cls.zoe.id, 'note': WORD, 'opinion': WORD}
        )
        cls.env.flush_all()

    def _all(self):
        return {
            'retail.membership': self.member,
            'retail.tier.move': self.member.move_ids,
            'retail.benefit': self.benefit,
            'retail.voucher': self.voucher,
            'retail.member.list.line': self.line,
        }

    def test_data_report(self):
        """The customer is told of membership, history, benefits, vouchers and lists (S-CUS-22)."""
        rows = self.zoe.with_user(self.officer).sudo()._retail_report_rows()
        found = {model._name: ids for model, ids in rows}
        for name, records in self._all().items():
            with self.subTest(model=name):
                self.assertTrue(records)
                self.assertEqual(sorted(found.get(name, [])), sorted(records.ids))
        self.assertEqual(found['res.partner'], self.zoe.ids, 'nothing of whom he referred')

    def test_privacy_lookup(self):
        """Core's look-up finds all of these rows (S-CUS-22)."""
        lookup = self.env['privacy.lookup.wizard'].create({'name': self.zoe.name, 'email': 'z@z.z'})
        self.zoe.email = 'z@z.z'
        self.env.flush_all()
        lookup.action_lookup()
        found = {(line.res_model, line.res_id) for line in lookup.line_ids}
        for name, records in self._all().items():
            for record in records:
                self.assertIn((name, record.id), found)

    def test_anonymised_take_part_no_more(self):
        """No note is left, the membership ends, nothing more is granted; benefits and vouchers stay (S-CUS-22)."""
        self._privilege('service', self.base + self.silver)
        card = self.benefit.card_id
        with freeze_time('2025-06-01 12:00:00'):
            self.zoe.with_user(self.officer)._retail_anonymise('Asked for')
            self.env.flush_all()
            self.env.invalidate_all()
        for name, records in self._all().items():
            table = self.env[name]._table
            self.env.cr.execute(
                f'SELECT row_to_json({table})::text FROM {table} WHERE id = ANY(%s)', [records.ids]
            )
            for (text,) in self.env.cr.fetchall():
                self.assertNotIn(WORD, text)
        self.assertEqual(self.member.state, 'left')
        self.assertFalse(self.zoe.retail_referrer_id)
        self._gift_night('2025-06-02')
        self.assertEqual(self.benefits.search([('partner_id', '=', self.zoe.id)]), self.benefit)
        self.assertEqual((self.voucher.state, self.benefit.card_id), ('open', card))
        self.assertEqual(self.friend.retail_referrer_id, self.zoe, 'his friends came by somebody')
