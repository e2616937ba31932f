"""Customer files come in through Odoo's own import, and out through its export, unchanged (S-SYS-07)."""

from odoo.tests import tagged

from odoo.addons.retail_crm.tests.common import RetailCrmCommon

FIELDS = [
    'name',
    'birthday',
    'retail_birth_lunar',
    'retail_preferred_channel_id',
    'retail_preference_ids',
    'retail_occupation',
    'retail_education',
    'retail_remark',
]


@tagged('post_install', '-at_install', 'retail_crm')
class TestImport(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.preferences = cls.env['retail.preference'].create(
            [{'name': 'Tea ceremony'}, {'name': 'Porcelain'}]
        )
        cls.channel = cls.env.ref('retail_crm.retail_channel_phone')

    def _load(self, *rows):
        return self.env['res.partner'].load(FIELDS, list(map(list, rows)))

    def test_file_is_imported_by_names_and_codes(self):
        """A spreadsheet with dates, names of preferences, and names or codes of channels is enough."""
        answer = self._load(
            (
                'Mei',
                '1990-05-03',
                '',
                'Phone',
                'Tea ceremony,Porcelain',
                'Nurse',
                'Bachelor',
                'Loud',
            ),
            ('Wei', '', '', 'phone', 'Porcelain', '', 'bachelor', ''),
        )
        self.assertFalse(answer['messages'])
        mei, wei = self.env['res.partner'].browse(answer['ids'])
        self.assertEqual(str(mei.birthday), '1990-05-03')
        self.assertEqual(mei.retail_preference_ids, self.preferences)
        self.assertEqual((mei + wei).retail_preferred_channel_id, self.channel)
        self.assertEqual(mei.retail_occupation, 'Nurse')
        self.assertFalse(wei.birthday)

    def test_bad_row_is_named_and_nothing_is_imported(self):
        """A birthday in the future, or an unknown channel: the row is named, no row is imported."""
        count = self.env['res.partner'].search_count([])
        for bad in (
            ('Bad', '2999-01-01', '', '', '', '', '', ''),
            ('Bad', '', '', 'Pigeon post', '', '', '', ''),
            ('Bad', '31 May of last year', '', '', '', '', '', ''),
        ):
            with self.subTest(row=bad):
                answer = self._load(('Good', '', '', '', '', '', '', ''), bad)
                self.assertFalse(answer['ids'])
                self.assertEqual({one['type'] for one in answer['messages']}, {'error'})
                self.assertIn({'from': 1, 'to': 1}, [one['rows'] for one in answer['messages']])
                self.assertEqual(self.env['res.partner'].search_count([]), count)

    def test_export_can_be_imported_again(self):
        """What is exported for an update of the data comes back unchanged (S-CUS-18)."""
        answer = self._load(('Mei', '1990-05-03', '', 'Phone', 'Tea ceremony', 'Nurse', '', 'Loud'))
        mei = self.env['res.partner'].browse(answer['ids'])
        before = mei.read(FIELDS)
        names = ['.id', *FIELDS]
        rows = mei.export_data(names)['datas']
        self.assertFalse(self.env['res.partner'].load(names, rows)['messages'])
        mei.invalidate_recordset()
        self.assertEqual(mei.read(FIELDS), before)
