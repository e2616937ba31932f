from odoo.tests import HttpCase, tagged

from .send_common import SendCommon


@tagged('post_install', '-at_install', 'retail_crm')
class TestCarePages(SendCommon, HttpCase):
    def test_page_of_withdrawal(self):
        """Looking changes nothing; the button, or a program for mail without a session, withdraws (RFC 8058, S-SEC-12)."""
        followup = self._sent(self.offer_rule, self.cara, 1)
        url = followup._unsubscribe_url(self.email).removeprefix(followup.get_base_url())
        allowed = self.env['retail.consent']._allowed
        page = self.url_open(url)
        self.assertEqual(page.status_code, 200)
        self.assertIn('No more offers by E-mail?', page.text)
        self.assertNotIn('Cara', page.text)
        self.assertTrue(allowed(self.cara, 'marketing', self.email, self.company))
        done = self.url_open(url, data={'List-Unsubscribe': 'One-Click'})
        self.assertEqual(done.status_code, 200)
        self.assertFalse(allowed(self.cara, 'marketing', self.email, self.company))
        again = self.url_open(url, data={'List-Unsubscribe': 'One-Click'})
        self.assertEqual(again.status_code, 200)
        wrong = self.url_open(url[:-3] + 'abc', data={'List-Unsubscribe': 'One-Click'})
        self.assertEqual(wrong.status_code, 404)

    def test_messages_of_a_customer(self):
        """A customer sees his own messages and opens them; those of others are not there (S-FUP-02, S-FUP-13)."""
        rule = self._create_rule('Shelf', 'service', self.in_site)
        owner = self.users['portal'].partner_id
        self._agree(owner, self.email)
        values = {
            'state': 'done',
            'channel_id': self.in_site.id,
            'contacted_at': '2027-03-10 12:00:00',
        }
        mine = self._plan(rule, owner, subject='Your shoes', body='<p>They are here</p>', **values)
        other = self._plan(rule, self.cara, subject='Secret', body='<p>Secret</p>', **values)
        self.authenticate('retail_portal', 'retail_portal')
        page = self.url_open('/my/messages')
        self.assertIn('Your shoes', page.text)
        self.assertNotIn('Secret', page.text)
        self.assertIn('/my/messages', self.url_open('/my/home').text)
        self.assertIn('They are here', self.url_open(f'/my/messages/{mine.id}').text)
        self.assertEqual(mine.reaction, 'opened')
        self.assertEqual(self.url_open(f'/my/messages/{other.id}').status_code, 404)
        self.authenticate(None, None)
        self.assertIn('/web/login', self.url_open('/my/messages').url)
