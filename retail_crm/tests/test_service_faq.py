"""The FAQ: answers for staff in tickets, for customers on a page and while they write (S-CHN-03, S-CHN-04)."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.http import Request
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.retail_crm.controllers import faq as faq_pages
from odoo.addons.retail_crm.models.service._words import score, words_of
from odoo.addons.retail_crm.tests.common import RetailCrmCommon


class FaqCase(RetailCrmCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faq = cls.env['retail.faq']
        cls.faq.search([]).active = False
        cls.tickets = cls.env['retail.ticket']
        cls.enquiry = cls.env.ref('retail_crm.retail_ticket_type_enquiry')
        cls.goods_return = cls.env.ref('retail_crm.retail_ticket_type_return')
        cls.back, cls.brew, cls.draft, cls.other = cls.faq.create(
            [
                {
                    'question': 'How long may I return goods?',
                    'answer': '<p>Thirty days with the receipt.</p>',
                    'keywords': 'refund, money back',
                    'type_id': cls.goods_return.id,
                    'is_published': True,
                },
                {
                    'question': 'How do I brew green tea?',
                    'answer': '<p>At eighty degrees.</p>',
                    'type_id': cls.enquiry.id,
                    'product_ids': [Command.link(cls.goods.product_tmpl_id.id)],
                    'is_published': True,
                },
                {'question': 'Draft about tea', 'answer': '<p>Hidden words</p>'},
                {
                    'question': 'Tea elsewhere',
                    'answer': '<p>Elsewhere</p>',
                    'company_id': cls.company_2.id,
                    'is_published': True,
                },
            ]
        )

    def _ticket(self, **values):
        return self.tickets.create(
            {
                'partner_id': self.bob.id,
                'subject': 'Question',
                'type_id': self.enquiry.id,
                **values,
            }
        )


@tagged('post_install', '-at_install', 'retail_crm')
class TestFaq(FaqCase):
    def test_words(self):
        """Words tell what a text is about, also where a script has no spaces (S-CHN-03)."""
        self.assertEqual(words_of('How do I return the TEA, please?'), ['return', 'tea'])
        self.assertEqual(words_of('退货怎么办'), ['退货', '货怎', '怎么', '么办'])
        self.assertEqual(words_of('A1 茶 order 77'), ['茶', 'order', '77'])
        for nothing in ('', None, '  ', '%_\\', 'a to'):
            self.assertEqual(words_of(nothing), [])
        self.assertEqual(len(words_of(' '.join(f'word{number}' for number in range(99)))), 12)
        # 4 in the question beats 1 in the answer; a word counts once
        self.assertEqual(score(['tea', 'cup'], [('Tea', 4), ('tea cup', 1)]), (5, 2))

    def test_search(self):
        """Question, key words and answer are searched; half of the words must be there (S-CHN-03)."""
        mine = [('company_id', 'in', (False, self.company.id)), ('is_published', '=', True)]
        for text, found in (
            ('return goods', self.back),
            ('money back please', self.back),
            ('eighty degrees', self.brew),
            ('brew coffee', self.brew),
            ('brew coffee from another planet', self.faq),
            ('tea', self.brew),
            ('hidden', self.faq),
            ('%', self.faq),
            ("'; drop table", self.faq),
            ('', self.faq),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.faq._find(text, mine), found)

    def test_search_other_scripts(self):
        """Chinese questions find Chinese answers (S-CHN-03)."""
        article = self.faq.create({'question': '退货需要多少天?', 'answer': '<p>三十天</p>'})
        self.assertEqual(self.faq._find('我想退货,需要什么'), self.faq)
        self.assertEqual(self.faq._find('退货需要'), article)

    def test_beside_the_ticket(self):
        """A ticket shows articles by its words, product and type; without words those of product and type (S-CHN-04)."""
        self.assertEqual(self._ticket(subject='Return of goods').faq_suggestion_ids[:1], self.back)
        self.assertIn(
            self.brew, self._ticket(subject='xyz', product_id=self.goods.id).faq_suggestion_ids
        )
        self.assertEqual(
            self._ticket(subject='xyz', type_id=self.goods_return.id).faq_suggestion_ids, self.back
        )
        self.assertNotIn(self.other, self._ticket(subject='tea elsewhere').faq_suggestion_ids)

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_insert_and_counts(self):
        """Inserting opens a message with the answer and counts once the ticket is solved (S-CHN-04)."""
        user = self.users['user']
        ticket = self._ticket(user_id=user.id)
        article = self.back.with_user(user).with_context(retail_ticket_id=ticket.id)
        action = article.action_insert()
        self.assertIn('Thirty days', action['context']['default_body'])
        composer = (
            self.env['mail.compose.message']
            .with_user(user)
            .with_context(**action['context'])
            .create({})
        )
        self.assertEqual(composer.partner_ids, self.bob)
        self.assertFalse(ticket.faq_ids)
        composer._action_send_mail()
        self.assertIn('Thirty days', ticket._portal_messages().body)
        self.assertEqual((ticket.faq_ids, self.back.solved_count), (self.back, 0))
        article.action_insert()
        ticket.result = 'Told'
        ticket.action_solve()
        self.assertEqual((self.back.solved_count, self.brew.solved_count), (1, 0))
        with self.assertRaises(UserError):
            article.action_insert()
        foreign = self._ticket(
            user_id=self.users['lead'].id, team_id=self._team().id, is_restricted=True
        )
        with self.assertRaises(AccessError):
            article.with_context(retail_ticket_id=foreign.id).action_insert()

    def _team(self):
        return self.env['retail.ticket.team'].create({'name': 'Nobody'})

    def test_gaps(self):
        """A type and product asked about three times in 90 days without an article propose one (S-CHN-04)."""
        tea = self._create_product('Oolong', 5.0)
        gaps = self.env['retail.faq.gap']
        mine = [('product_id', '=', tea.id)]
        rows = [self._ticket(product_id=tea.id) for _number in range(2)]
        old = self._ticket(product_id=tea.id, received_at='2020-01-01')
        self._ticket(product_id=tea.id).action_cancel()
        self.env.flush_all()
        self.assertFalse(gaps.search(mine))
        rows.append(self._ticket(product_id=tea.id))
        self.env.flush_all()
        [gap] = gaps.search(mine)
        self.assertEqual((gap.ticket_count, gap.type_id), (3, self.enquiry))
        opened = self.tickets.search(gap.action_open_tickets()['domain'])
        self.assertEqual(opened - old, self.tickets.union(*rows) | opened - old)
        self.assertNotIn(old, opened)
        values = gap.action_write_article()['context']
        article = self.faq.with_context(**values).create({'question': 'Oolong?', 'answer': 'x'})
        self.env.flush_all()
        self.assertFalse(gaps.search(mine))
        article.active = False
        rows[0].faq_ids = article
        self.env.flush_all()
        self.assertFalse(gaps.search(mine))


@tagged('post_install', '-at_install', 'retail_crm')
class TestFaqPages(FaqCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.authenticate(None, None)
        for limit in (faq_pages.SEARCHES, faq_pages.TYPED, faq_pages.VOTES):
            limit.forget()

    def _vote(self, article, answer='yes', csrf=True):
        data = {'answer': answer, **({'csrf_token': Request.csrf_token(self)} if csrf else {})}
        return self.url_open(f'/faq/{article.id}/helpful', data=data)

    def _suggest(self, **params):
        answer = self.url_open(
            '/faq/suggest',
            data=json.dumps({'params': params}),
            headers={'Content-Type': 'application/json'},
        )
        return [row['question'] for row in answer.json()['result']]

    def test_list_and_search(self):
        """Visitors browse and search what is published in their company, without signing in (S-CHN-03)."""
        response = self.url_open('/faq')
        self.assertIn('private', response.headers['Cache-Control'])
        for text in (self.back.question, self.brew.question, self.enquiry.name):
            self.assertIn(text, response.text)
        for text in ('Draft about tea', 'Tea elsewhere'):
            self.assertNotIn(text, response.text)
        for query, shown, hidden in (
            (f'topic={self.enquiry.id}', self.brew, self.back),
            ('search=refund', self.back, self.brew),
            ('search=tea&topic=999999', self.brew, self.back),
        ):
            text = self.url_open(f'/faq?{query}').text
            self.assertIn(shown.question, text)
            self.assertNotIn(hidden.question, text)
        self.assertIn('no answer here yet', self.url_open('/faq?search=<script>').text)
        for _call in range(60):
            faq_pages.SEARCHES.is_over('127.0.0.1')
        self.assertIn('Please wait a minute', self.url_open('/faq?search=refund').text)

    @mute_logger('odoo.http')
    def test_article_and_votes(self):
        """A visitor is counted once, votes once by a form, and sees nothing unpublished (S-CHN-03)."""
        self.assertIn('Thirty days', self.url_open(f'/faq/{self.back.id}').text)
        self.url_open(f'/faq/{self.back.id}')
        for article in (self.draft, self.other, self.faq.browse(999999999)):
            self.assertEqual(self.url_open(f'/faq/{article.id}').status_code, 404)
            self.assertEqual(self._vote(article).status_code, 404)
        self.assertIn(self.url_open(f'/faq/{self.back.id}/helpful').status_code, (404, 405))
        self.assertEqual(self._vote(self.back, csrf=False).status_code, 400)
        self.assertEqual(self._vote(self.back, 'maybe').status_code, 404)
        self.assertIn('Thank you for telling', self._vote(self.back).text)
        self._vote(self.back, 'no')
        self.env.invalidate_all()
        self.assertEqual(
            (self.back.view_count, self.back.helpful_count, self.back.unhelpful_count), (1, 1, 0)
        )

    def test_users_vote_once(self):
        """A signed-in customer votes once, also from another browser; votes are limited by address (S-CHN-03)."""
        for _browser in range(2):
            self.authenticate('retail_portal', 'retail_portal')
            self._vote(self.brew, 'no')
        self.env.invalidate_all()
        self.assertEqual((self.brew.helpful_count, self.brew.unhelpful_count), (0, 1))
        for _call in range(20):
            faq_pages.VOTES.is_over('127.0.0.1')
        self._vote(self.back)
        self.env.invalidate_all()
        self.assertEqual(self.back.helpful_count, 0)

    def test_suggestions(self):
        """While a request is typed, answers come up; nothing unpublished, nothing for odd calls (S-CHN-03)."""
        self.assertEqual(self._suggest(text='brew my tea'), [self.brew.question])
        for params in ({'text': 'hidden words'}, {'text': 'te'}, {'text': ['x']}, {}):
            self.assertEqual(self._suggest(**params), [])
        self.assertEqual(self._suggest(text='tea', type_id=self.enquiry.id), [self.brew.question])
        self.assertEqual(self._suggest(text='tea', type_id='1; drop'), [self.brew.question])
        for _call in range(120):
            faq_pages.TYPED.is_over('127.0.0.1')
        self.assertEqual(self._suggest(text='brew my tea'), [])
