"""What writing a contact costs beyond the write: announcing it once, reading nothing that is not written."""

from unittest.mock import patch

from odoo.tests import tagged

from .segment_common import SegmentCase


@tagged('post_install', '-at_install', 'retail_crm')
class TestAnnounce(SegmentCase):
    def _announced(self, partner):
        """Return how often a contact was announced."""
        return self.moments.search_count(
            [
                ('kind', '=', 'partner_changed'),
                ('res_id', '=', partner.id),
                ('state', '=', 'pending'),
            ]
        )

    def test_one_moment_for_a_contact(self):
        """A contact is announced once in a transaction, whatever is written and who watches it (design 4.1)."""
        self._segment("[('city', '=', 'Bern')]")
        self._end_transaction()
        taste = self.env['retail.preference'].create({'name': 'Sour', 'kind': 'taste'})
        self.bob.write(
            {'city': 'Bern', 'retail_preference_ids': taste.ids, 'is_company': True, 'zip': '3000'}
        )
        self.bob.city = 'Basel'
        self.bob.retail_preference_ids = False
        self.assertEqual(self._announced(self.bob), 1)
        self._end_transaction()
        self.bob.city = 'Bern'
        self.assertEqual(self._announced(self.bob), 2, 'in the next transaction again')

    def test_quiet_change_does_not_hide_a_loud_one(self):
        """After a quiet announcement a contact is announced to all when it is changed, and not the other way round."""
        self._end_transaction()
        quiet = self.bob.with_context(retail_crm_quiet=True)
        quiet.is_company = True
        self.assertEqual(self._announced(self.bob), 1)
        self.bob.is_company = False
        self.assertEqual(self._announced(self.bob), 2)
        quiet.is_company = True
        self.assertEqual(self._announced(self.bob), 2)

    def test_preferences_are_read_when_they_are_written(self):
        """Writing anything else reads no preferences to keep their history; what is written is (S-CUS-18)."""
        self.env = self.env(context={'tracking_disable': False, 'mail_notrack': False})
        table = self.env['res.partner']._fields['retail_preference_ids'].relation
        bob = self.env['res.partner'].browse(self.bob.id)
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        queries = []
        Cursor = type(self.env.cr)
        real = Cursor.execute

        def execute(cursor, query, *args, **kwargs):
            queries.append(str(getattr(query, 'code', query)))
            return real(cursor, query, *args, **kwargs)

        with patch.object(Cursor, 'execute', execute):
            bob.retail_remark = 'Drinks tea'
            self.env.flush_all()
            self.env.cr.precommit.run()
        self.assertTrue(queries)
        self.assertFalse([query for query in queries if table in query])
        taste = self.env['retail.preference'].create({'name': 'Sour', 'kind': 'taste'})
        bob.retail_preference_ids = taste
        self.env.flush_all()
        self.env.cr.precommit.run()
        names = bob.message_ids[:1].sudo().tracking_value_ids.field_id.mapped('name')
        self.assertEqual(names, ['retail_preference_ids'])
