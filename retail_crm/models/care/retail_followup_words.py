from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date

#: Names of goods that a message lists.
MAX_GOODS = 2


class RetailFollowupWords(models.Model):
    """What messages say of a follow-up, in the customer's language: the placeholders of mail templates and texts.

    Read for a whole batch at once, in a fixed number of queries. Nothing here is promised: an offer speaks for itself,
    and words that there are not stay empty.
    """

    _inherit = 'retail.followup'

    customer_words = fields.Char(
        string='Name in Messages',
        compute='_compute_words',
        help='How the customer is addressed: the form of address of the file, else the name.',
    )
    owner_words = fields.Char(
        string='Owner in Messages', compute='_compute_words', help='Who writes or calls.'
    )
    company_words = fields.Char(
        string='Shop in Messages', compute='_compute_words', help='Name of the store or company.'
    )
    goods_words = fields.Char(
        string='Goods in Messages',
        compute='_compute_goods_words',
        help='What was bought by the order, or the product, that the follow-up is about.',
    )
    purchase_words = fields.Char(
        string='Last Purchase in Messages',
        compute='_compute_profile_words',
        help='Day of the last purchase.',
    )
    tier_words = fields.Char(
        string='Tier in Messages', compute='_compute_profile_words', help='Tier of the member.'
    )
    tier_until_words = fields.Char(
        string='Tier Until in Messages',
        compute='_compute_profile_words',
        help='Until when the tier is valid.',
    )
    points_words = fields.Char(
        string='Points in Messages',
        compute='_compute_points_words',
        help='Points that expire next.',
    )
    points_until_words = fields.Char(
        string='Points Until in Messages',
        compute='_compute_points_words',
        help='Last day of the points that expire next.',
    )

    occasion_words = fields.Char(
        string='Occasion in Messages',
        compute='_compute_occasion_words',
        help='The holiday, or the day of the customer, that the follow-up is about.',
    )
    greeting_words = fields.Text(
        string='Greeting in Messages',
        compute='_compute_occasion_words',
        help='Greeting of the holiday.',
    )
    offer_words = fields.Text(
        string='Offer in Messages',
        compute='_compute_offer_words',
        help='What is offered. Empty: nothing is.',
    )

    @api.depends('partner_id.retail_salutation', 'partner_id.name', 'user_id', 'store_id')
    @api.depends_context('lang')
    def _compute_words(self):
        for followup in self:
            # sudo: names only, of what the follow-up is about anyway
            one = followup.sudo()
            partner = one.partner_id
            followup.customer_words = (
                partner.retail_salutation or partner.name or self.env._('dear customer')
            )
            followup.owner_words = one.user_id.name
            followup.company_words = one.store_id.name or one.company_id.name

    @api.depends('res_model', 'res_id')
    @api.depends_context('lang')
    def _compute_goods_words(self):
        orders = self.filtered(lambda one: one.res_model == 'sale.order' and one.res_id)
        names = self._names_of_goods({one.res_id for one in orders})
        for followup in self:
            words = False
            if followup in orders:
                words = ', '.join(names.get(followup.res_id, ()))
            elif followup.res_model in ('product.product', 'product.template') and followup.res_id:
                # sudo: the name of what is announced
                record = followup.env[followup.res_model].sudo().browse(followup.res_id).exists()
                words = record.name
            followup.goods_words = words or False

    @api.depends('res_model', 'res_id')
    @api.depends_context('lang')
    def _compute_occasion_words(self):
        self.occasion_words = self.greeting_words = False
        for model in ('retail.occasion', 'retail.occasion.date'):
            followups = self.filtered(
                lambda one, model=model: one.res_model == model and one.res_id
            )
            if not followups:
                continue
            # sudo: what the message is about
            records = self.env[model].sudo().browse(followups.mapped('res_id')).exists()
            known = {record.id: record for record in records}
            for followup in followups:
                record = known.get(followup.res_id, records.browse())
                followup.occasion_words = record.display_name
                followup.greeting_words = record['text'] if 'text' in record._fields else False

    def _compute_offer_words(self):
        """Hook: what is offered, in the customer's words."""
        self.offer_words = False

    def _text_words(self):
        """Add what is known of the customer's purchases, tier and points."""
        return {
            **super()._text_words(),
            'company': self.company_words,
            'name': self.customer_words,
            'owner': self.owner_words,
            'goods': self.goods_words,
            'last_purchase': self.purchase_words,
            'tier': self.tier_words,
            'tier_until': self.tier_until_words,
            'points': self.points_words,
            'points_until': self.points_until_words,
            'occasion': self.occasion_words,
            'greeting': self.greeting_words,
            'offer': self.offer_words,
        }

    @api.model
    def _names_of_goods(self, order_ids):
        """Return ``{order id: names of its dearest goods}``, without delivery and rewards."""
        if not order_ids:
            return {}
        # sudo: what the customer bought himself
        lines = (
            self.env['sale.order.line']
            .sudo()
            .search(
                Domain('order_id', 'in', list(order_ids))
                & Domain('display_type', '=', False)
                & Domain('product_id', '!=', False)
                & Domain('price_subtotal', '>', 0),
                order='order_id, price_subtotal desc, id',
            )
        )
        names = {}
        for line in lines:
            mine = names.setdefault(line.order_id.id, [])
            if len(mine) < MAX_GOODS and line.product_id.name not in mine:
                mine.append(line.product_id.name)
        return names

    @api.depends('commercial_partner_id', 'company_id')
    @api.depends_context('lang')
    def _compute_profile_words(self):
        for company, followups in self.grouped('company_id').items():
            # sudo: what the customer sees in his own account
            customers = followups.sudo().commercial_partner_id
            among = Domain('partner_id', 'in', customers.ids) & Domain(
                'company_id', '=', company.id
            )
            profiles = self.env['retail.profile'].sudo().search(among)
            last_of = {row.partner_id.id: row.last_order_date for row in profiles}
            members = (
                self.env['retail.membership'].sudo().search(among & Domain('state', '=', 'active'))
            )
            member_of = {row.partner_id.id: row for row in members}
            none = members.browse()
            for followup in followups:
                customer_id = followup.sudo().commercial_partner_id.id
                member = member_of.get(customer_id, none)
                followup.purchase_words = self._date_words(last_of.get(customer_id))
                followup.tier_words = member.tier_id.name
                followup.tier_until_words = self._date_words(member.tier_valid_until)

    @api.model
    def _date_words(self, day):
        """Return a day as a customer reads it."""
        return format_date(self.env, day) if day else False

    @api.depends('commercial_partner_id', 'company_id')
    @api.depends_context('lang')
    def _compute_points_words(self):
        for company, followups in self.grouped('company_id').items():
            expiring = followups._points_expiring(company)
            for followup in followups:
                day, points = expiring.get(followup.sudo().commercial_partner_id.id, (False, 0))
                followup.points_until_words = self._date_words(day)
                followup.points_words = (
                    self.env['retail.points.entry']._format(points) if points else False
                )

    def _points_expiring(self, company):
        """Return ``{customer id: (last day, points)}`` of the points of these customers that end next."""
        # sudo: what the customer sees in his own account
        customers = self.sudo().commercial_partner_id
        rows = (
            self.env['retail.points.entry']
            .sudo()
            ._read_group(
                Domain('partner_id.commercial_partner_id', 'in', customers.ids)
                & Domain('company_id', '=', company.id)
                & Domain('program_id.program_type', '=', 'loyalty')
                & Domain('state', '=', 'available')
                & Domain('remaining', '>', 0)
                & Domain('expires_on', '>=', company._retail_today()),
                ['partner_id', 'expires_on:day'],
                ['remaining:sum'],
                order='expires_on:day',
            )
        )
        result = {}
        for partner, day, points in rows:
            customer_id = partner.commercial_partner_id.id
            first, so_far = result.get(customer_id, (day, 0.0))
            if first == day:
                result[customer_id] = (day, so_far + points)
        return result
