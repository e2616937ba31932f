from odoo.fields import Domain
from odoo.http import Controller, request, route

from .limits import Limit

PAGE, SUGGESTIONS = 30, 3
SEARCHES = Limit(60, 60)
TYPED = Limit(120, 60)
VOTES = Limit(20, 600)


class RetailFaqPages(Controller):
    """The FAQ for customers and visitors: published articles, without any personal data (S-CHN-03)."""

    @route(['/faq'], type='http', auth='public', website=True, methods=['GET'], readonly=True)
    def retail_faq(self, search='', topic=None, **_query):
        """List the articles by topic, or those that answer a search."""
        if not self._faq_is_on():
            return request.not_found()
        search = (search or '').strip()[:200]
        articles = self._articles()
        domain = self._faq_domain()
        topics = articles.search(domain).type_id.sorted('sequence')
        chosen = topics.filtered(lambda kind: str(kind.id) == topic)
        if chosen:
            domain &= Domain('type_id', '=', chosen.id)
        too_many = bool(search) and SEARCHES.is_over(request.httprequest.remote_addr)
        if search and not too_many:
            found = articles._find(search, domain, PAGE)
        else:
            found = articles.search(domain)
        groups = [] if search else self._by_topic(found)
        return request.render(
            'retail_crm.portal_faq',
            {
                'page_name': 'retail_faq',
                'articles': found,
                'groups': groups,
                'topics': topics,
                'topic': chosen,
                'search': search,
                'too_many': too_many,
            },
            headers={'Cache-Control': 'private, max-age=60'},
        )

    @route(['/faq/<int:faq_id>'], type='http', auth='public', website=True, methods=['GET'])
    def retail_faq_article(self, faq_id, **_query):
        """Show one article, and count each visitor once."""
        article = self._article(faq_id)
        if not article:
            return request.not_found()
        seen = request.session.get('retail_faq_seen', [])
        if faq_id not in seen:
            request.session['retail_faq_seen'] = [*seen, faq_id][-200:]
            article._count('view_count')
        voted = request.session.get('retail_faq_voted', [])
        return request.render(
            'retail_crm.portal_faq_article',
            {
                'page_name': 'retail_faq',
                'article': article,
                'voted': faq_id in voted or request.env.user in article.voter_ids,
                'others': article._find(
                    article.question,
                    self._faq_domain() & Domain('id', '!=', faq_id),
                    SUGGESTIONS,
                    article.type_id,
                ),
            },
        )

    @route(
        ['/faq/<int:faq_id>/helpful'], type='http', auth='public', website=True, methods=['POST']
    )
    def retail_faq_helpful(self, faq_id, answer=None, **_post):
        """Note whether an article helped, once per visitor."""
        article = self._article(faq_id)
        if not article or answer not in ('yes', 'no'):
            return request.not_found()
        voted = request.session.get('retail_faq_voted', [])
        if faq_id not in voted and not VOTES.is_over(request.httprequest.remote_addr):
            request.session['retail_faq_voted'] = [*voted, faq_id][-200:]
            article._vote(answer == 'yes')
        return request.redirect(f'/faq/{faq_id}')

    @route('/faq/suggest', type='jsonrpc', auth='public', website=True, readonly=True)
    def retail_faq_suggest(self, text='', type_id=None):
        """Return articles that may answer what a customer is typing."""
        if not self._faq_is_on() or TYPED.is_over(request.httprequest.remote_addr):
            return []
        # sudo: only compared with the topics of articles
        kinds = request.env['retail.ticket.type'].sudo()
        if isinstance(type_id, int):
            kinds = kinds.search([('id', '=', type_id), ('is_portal', '=', True)])
        if not isinstance(text, str) or len(text.strip()) < 3:
            return []
        found = self._articles()._find(text, self._faq_domain(), SUGGESTIONS, kinds)
        return [{'question': row.question, 'url': f'/faq/{row.id}'} for row in found]

    def _faq_is_on(self):
        return request.env['retail.ticket']._portal_is_on()

    def _articles(self):
        # sudo: visitors read published articles only, by the domain below
        return request.env['retail.faq'].sudo()

    def _faq_domain(self):
        """Return which articles visitors see."""
        return Domain('is_published', '=', True) & Domain(
            'company_id', 'in', (request.env.company.id, False)
        )

    def _article(self, faq_id):
        """Return one article that visitors see, or none."""
        articles = self._articles()
        if not self._faq_is_on():
            return articles
        return articles.search(self._faq_domain() & Domain('id', '=', faq_id))

    def _by_topic(self, articles):
        """Return ``[(topic, articles)]`` in the order of topics; those without one come last."""
        groups = articles.grouped('type_id')
        return sorted(groups.items(), key=lambda group: (not group[0], group[0].sequence or 0))
