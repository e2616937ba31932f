from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, html2plaintext, ormcache

from ._words import score, words_of

#: Most articles that are compared with a question.
MAX_CANDIDATES = 200
#: What a word in the question, in the key words or in the answer of an article is worth.
WEIGHTS = (4, 3, 1)


class RetailFaq(models.Model):
    """A question that customers ask often, with its answer: for staff in tickets, for customers on a page (S-CHN-03).

    Written by leaders; customers and visitors see what is published, through the pages only. How often it was looked
    at, found helpful and used is counted by the system.
    """

    _name = 'retail.faq'
    _description = 'FAQ Article'
    _order = 'sequence, id'
    _rec_name = 'question'
    _rec_names_search = ('question', 'keywords')

    question = fields.Char(
        required=True, translate=True, help="The question in the customer's words."
    )
    answer = fields.Html(
        required=True, translate=True, help='The answer, as staff send it and customers read it.'
    )
    keywords = fields.Char(
        string='Key Words',
        translate=True,
        help='Other words that customers use for the same; they find the article, too.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type',
        string='Topic',
        index='btree_not_null',
        ondelete='set null',
        help='Type of requests that ask this; customers browse by it.',
    )
    product_ids = fields.Many2many(
        comodel_name='product.template',
        relation='retail_faq_product_rel',
        column1='faq_id',
        column2='product_tmpl_id',
        string='Products',
        help='Products that it is about. Empty: not about certain products.',
    )
    category_id = fields.Many2one(
        comodel_name='product.category',
        string='Product Category',
        index='btree_not_null',
        ondelete='set null',
        help='Kind of products that it is about, with those below it.',
    )
    is_published = fields.Boolean(
        string='Published', help='Customers and visitors see it. Staff always do.'
    )
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, help='Company whose answer it is. Empty: of all.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        domain=[('share', '=', False)],
        default=lambda self: self.env.user,
        index='btree_not_null',
        help='Keeps the answer right.',
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    view_count = fields.Integer(
        string='Views', readonly=True, copy=False, help='How many visitors opened it.'
    )
    helpful_count = fields.Integer(
        string='Helpful', readonly=True, copy=False, help='How many said that it helped.'
    )
    unhelpful_count = fields.Integer(
        string='Not Helpful', readonly=True, copy=False, help='How many said that it did not help.'
    )
    voter_ids = fields.Many2many(
        comodel_name='res.users',
        relation='retail_faq_voter_rel',
        string='Who Said So',
        readonly=True,
        copy=False,
        groups='base.group_no_one',
        help='Signed-in customers who said whether it helped: each does so once.',
    )
    ticket_ids = fields.Many2many(
        comodel_name='retail.ticket',
        relation='retail_ticket_faq_rel',
        column1='faq_id',
        column2='ticket_id',
        string='Answered With It',
        readonly=True,
        copy=False,
        help='Tickets in which staff sent this answer.',
    )
    solved_count = fields.Integer(
        string='Tickets Solved',
        compute='_compute_solved_count',
        help='How many tickets were solved in which this answer was sent.',
    )

    @api.depends('ticket_ids.category')
    def _compute_solved_count(self):
        """Count in one query for all articles, whoever may read which ticket."""
        counts = {}
        if self.ids:
            self.env['retail.ticket'].flush_model(['category', 'faq_ids'])
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT link.faq_id, count(*)
                      FROM retail_ticket_faq_rel link
                      JOIN retail_ticket ticket ON ticket.id = link.ticket_id
                     WHERE link.faq_id IN %s AND ticket.category IN ('solved', 'archived')
                     GROUP BY 1
                    """,
                    tuple(self.ids),
                )
            )
            counts = dict(rows)
        for article in self:
            article.solved_count = counts.get(article._origin.id, 0)

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        articles = super().create(vals_list)
        self.env.registry.clear_cache()  # of _has_any
        return articles

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    # === SEARCH ===#

    @api.model
    def _find(self, text, domain=None, limit=5, kind=None, product=None):
        """Return articles that answer a text, the best first; the ones about its type and product before others.

        At least half of the words of the text have to occur in an article, or its type or product are the same and any
        word does. Without a text: those of the product, then those of the type.

        :param str text: what was asked, in any language that the articles are written in
        :param domain: which articles
        :param kind: type of ticket that is asked about, or none
        :param product: product that is asked about, or none
        """
        if not self._has_any():
            return self.browse()
        words = words_of(text)
        domain = Domain(domain or Domain.TRUE)
        near = Domain.FALSE
        if kind:
            near |= Domain('type_id', '=', kind.id)
        if product:
            near |= Domain('product_ids', 'in', product.product_tmpl_id.ids)
            near |= Domain('category_id', 'parent_of', product.categ_id.ids)
        asked = Domain.OR(
            Domain(name, 'ilike', word)
            for word in words
            for name in ('question', 'keywords', 'answer')
        )
        if not words and near.is_false():
            return self.browse()
        found = self.search(domain & (asked if words else near), limit=MAX_CANDIDATES)
        ranked = []
        for article in found:
            bonus = article._nearness(kind, product)
            texts = (article.question, article.keywords, html2plaintext(article.answer or ''))
            points, hits = score(words, list(zip(texts, WEIGHTS, strict=True)))
            if not words or 2 * hits >= len(words) or (bonus and hits):
                ranked.append((-(points + bonus), article.sequence, article.id))
        return self.browse([number for _points, _sequence, number in sorted(ranked)[:limit]])

    @api.model
    @ormcache()
    def _has_any(self):
        """Return whether there is any article at all: a desk without FAQ does not search it with each ticket."""
        # sudo: whether there is one is no secret
        return bool(self.sudo().with_context(active_test=False).search([], limit=1))

    def _nearness(self, kind, product):
        """Return what it is worth that one article is about the type and product that are asked about."""
        near = 2 if kind and self.type_id == kind else 0
        if product and product.product_tmpl_id in self.product_ids:
            return near + 4
        category = self.category_id
        if product and category and category.id in _path_of(product.categ_id):
            return near + 2
        return near

    # === COUNTS ===#

    def _count(self, name):
        """Add one to a counter of one article, whatever others add at the same time."""
        self.ensure_one()
        self.flush_recordset([name])
        self.env.cr.execute(
            SQL(
                'UPDATE retail_faq SET %(name)s = coalesce(%(name)s, 0) + 1 WHERE id = %(id)s',
                name=SQL.identifier(name),
                id=self.id,
            )
        )
        self.invalidate_recordset([name])

    def _vote(self, helpful):
        """Note that a visitor found one article helpful or not; a signed-in one once.

        :return: whether it counts
        """
        self.ensure_one()
        user = self.env.user
        article_sudo = self.sudo()  # sudo: counts only, of an article that the visitor sees
        if not user._is_public():
            if user in article_sudo.voter_ids:
                return False
            article_sudo.voter_ids |= user
        article_sudo._count('helpful_count' if helpful else 'unhelpful_count')
        return True

    # === ACTIONS ===#

    def action_insert(self):
        """Put the answer into a new message of the ticket from whose form it was asked for; it counts once it is sent."""
        self.ensure_one()
        self.check_access('read')
        ticket = self.env['retail.ticket'].browse(self.env.context.get('retail_ticket_id') or [])
        if not ticket.exists():
            return self._get_records_action()
        ticket.check_access('write')
        if not ticket._is_open():
            raise UserError(self.env._('This ticket is closed. Reopen it to answer.'))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Answer with an FAQ article'),
            'res_model': 'mail.compose.message',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_model': 'retail.ticket',
                'default_res_ids': ticket.ids,
                'default_composition_mode': 'comment',
                'default_subtype_xmlid': 'mail.mt_comment',
                'default_body': self.with_context(lang=ticket._faq_lang()).answer,
                'default_partner_ids': ticket.partner_id.ids,
                'retail_faq_id': self.id,  # counted once the message is sent
            },
        }


def _path_of(category):
    """Return the ids of a category of products and of those above it."""
    return {int(number) for number in (category.parent_path or '').split('/') if number}
