from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ._classes import ABC, LIFECYCLE
from .res_partner import CARD_FIELDS, FIGURE_GROUPS
from .res_partner_file import FILE_GROUPS

# Fields of a confirmed order, other than amounts, that its purchase is made of.
_PURCHASE_FIELDS = {'partner_id', 'date_order', 'team_id', 'company_id', 'user_id'}


def _card(field_class, string, **attributes):
    """Return a field that shows a figure of the order's customer in the order's company."""
    return field_class(
        string=string, compute='_compute_retail_card', groups=FIGURE_GROUPS, **attributes
    )


class SaleOrder(models.Model):
    """Orders show the customer card and announce what becomes of purchases."""

    _inherit = 'sale.order'

    retail_profile_id = _card(fields.Many2one, 'Customer Profile', comodel_name='retail.profile')
    retail_currency_id = _card(fields.Many2one, 'Figures Currency', comodel_name='res.currency')
    retail_last_order_date = _card(fields.Date, "Customer's Last Purchase")
    retail_order_count = _card(fields.Integer, "Customer's Purchases")
    retail_spend_12m = _card(
        fields.Monetary, "Customer's Amount Spent, 12 Months", currency_field='retail_currency_id'
    )
    retail_average_order = _card(
        fields.Monetary, "Customer's Average Purchase", currency_field='retail_currency_id'
    )
    retail_expected_next_date = _card(fields.Date, "Customer's Next Purchase Expected")
    retail_lifecycle = _card(fields.Selection, "Customer's Lifecycle", selection=LIFECYCLE)
    retail_abc_class = _card(fields.Selection, "Customer's ABC Class", selection=ABC)
    retail_is_high_value = _card(fields.Boolean, 'High-Value Customer')
    retail_churn_reason = fields.Char(
        string="Customer's Churn Reason",
        compute='_compute_retail_churn_reason',
        groups=FIGURE_GROUPS,
        help='Why the customer is on the churn list, in words and with its own figures.',
    )
    retail_note = fields.Html(
        string='Notes on the Customer',
        compute='_compute_retail_note',  # not related: a related field could be searched by anybody
        groups=FIGURE_GROUPS,
        help='Notes of the customer.',
    )
    retail_file_line = fields.Char(
        string='Customer at a Glance',
        compute='_compute_retail_file_card',
        groups=FILE_GROUPS,
        help='Form of address, channel and preferences of the customer.',
    )
    retail_need_text = fields.Char(
        string="Customer's Special Needs",
        compute='_compute_retail_file_card',
        groups=FILE_GROUPS,
        help='What has to be taken care of when this customer is served.',
    )
    retail_remark = fields.Char(
        string='Remarks on the Customer',
        compute='_compute_retail_file_card',
        groups=FILE_GROUPS,
        help='What everybody who serves the customer should know.',
    )
    retail_customer_kind = fields.Selection(
        selection=[('new', 'New customer'), ('returning', 'Returning customer')],
        string='Old or New Customer',
        compute='_compute_retail_customer_kind',
        search='_search_retail_customer_kind',
        groups=FIGURE_GROUPS,
        help='Whether the customer had bought before the day of this order.',
    )

    def _retail_shown(self):
        """Return those of these orders of whose customer the user may see something.

        While an order is entered it is the client who names the customer and the company: whatever the cards read as
        superuser is read of these orders only. The cards are cached by user and companies for the same reason.
        """
        if self.env.su:
            return self
        orders = self.sudo()  # sudo: only finds out who the customers are
        partners = orders.partner_id | orders.partner_id.commercial_partner_id
        seen = set(partners._origin.sudo(False)._filtered_access('read')._ids)

        def is_shown(order):
            customer = order.partner_id | order.partner_id.commercial_partner_id
            if not seen.issuperset(customer._origin._ids):
                return False
            # a saved order is one of the user's companies, or he could not read it
            return isinstance(order.id, int) or order.company_id <= self.env.companies

        return orders.filtered(is_shown).sudo(False)

    @api.depends('partner_id.commercial_partner_id', 'company_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_card(self):
        # sudo: the fields' groups decide who sees figures; only those of the order's own customer and company
        shown = self._retail_shown().sudo()
        profiles = shown.env['retail.profile'].search_fetch(
            [
                ('partner_id', 'in', shown.partner_id.commercial_partner_id._origin.ids),
                ('company_id', 'in', shown.company_id.root_id.ids),
            ],
            ['partner_id', 'company_id', *CARD_FIELDS.values()],
        )
        by_key = {(profile.partner_id.id, profile.company_id.id): profile for profile in profiles}
        by_order = {
            order.id: by_key.get(
                (order.partner_id.commercial_partner_id._origin.id, order.company_id.root_id.id)
            )
            for order in shown
        }
        for order in self:
            profile = by_order.get(order.id) or profiles.browse()
            order.retail_profile_id = profile
            for fname, figure in CARD_FIELDS.items():
                order[fname] = profile[figure]

    @api.depends('partner_id.commercial_partner_id.comment')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_note(self):
        self.retail_note = False
        for order in self._retail_shown():
            # sudo: as in _compute_retail_card
            order.retail_note = order.sudo().partner_id.commercial_partner_id.comment

    @api.depends(
        *(
            f'partner_id.{path}{fname}'
            for path in ('', 'commercial_partner_id.')
            for fname in ('retail_file_line', 'retail_need_text', 'retail_remark')
        )
    )
    @api.depends_context('company', 'lang', 'uid', 'allowed_company_ids')
    def _compute_retail_file_card(self):
        """Show the file of the order's contact; what is not known of him, of his company. Needs of both are minded."""
        self.update(dict.fromkeys(('retail_file_line', 'retail_need_text', 'retail_remark'), False))
        shown = self._retail_shown()
        partners = shown.sudo().partner_id  # sudo: as in _compute_retail_card
        everybody = partners | partners.commercial_partner_id
        everybody.mapped('retail_summary')  # of all of them in one query
        for order in shown:
            contact = order.sudo().partner_id
            known = (contact | contact.commercial_partner_id)._origin
            for fname in ('retail_file_line', 'retail_remark'):
                order[fname] = next(filter(None, known.mapped(fname)), False)
            needs = filter(None, known.mapped('retail_need_text'))
            order.retail_need_text = '; '.join(dict.fromkeys(needs))

    @api.depends('retail_profile_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_churn_reason(self):
        for order in self:
            # sudo: as in _compute_retail_card
            order.retail_churn_reason = order.retail_profile_id.sudo().churn_reason

    @api.depends('partner_id.commercial_partner_id', 'company_id', 'date_order')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_customer_kind(self):
        """One query for saved orders; one that is being entered has no day yet: any purchase counts."""
        self.flush_recordset(['partner_id', 'company_id', 'date_order'])
        saved = self.filtered(lambda order: isinstance(order.id, int))
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM sale_order WHERE id = ANY(%s) AND %s',
                saved.ids,
                self._sql_bought_before('sale_order'),
            )
        )
        returning = self.browse(order_id for (order_id,) in rows)
        shown = saved | (self - saved)._retail_shown()
        for order in self:
            bought = order in returning if order in saved else order.retail_order_count
            kind = 'returning' if bought else 'new'
            order.retail_customer_kind = kind if order.partner_id and order in shown else False

    def _search_retail_customer_kind(self, operator, value):
        # Odoo asks for a field's groups in a domain only where it reads the field's column.
        self._check_field_access(self._fields['retail_customer_kind'], 'read')
        if operator != 'in':
            return NotImplemented
        domains = {
            'returning': lambda model, alias, query: self._sql_bought_before(alias),
            'new': lambda model, alias, query: SQL('NOT %s', self._sql_bought_before(alias)),
        }
        return Domain.OR(Domain.custom(to_sql=domains[kind]) for kind in value if kind in domains)

    def _sql_bought_before(self, alias):
        """Return the condition that the order's customer bought before the order's day, or earlier on that day."""
        return SQL(
            """
            EXISTS (SELECT FROM res_partner AS contact
                      JOIN res_company AS company ON company.id = %(company)s
                      JOIN res_company AS root ON root.id = split_part(company.parent_path, '/', 1)::int
                      LEFT JOIN resource_calendar AS calendar ON calendar.id = root.resource_calendar_id
                      JOIN retail_purchase AS purchase ON purchase.partner_id = contact.commercial_partner_id
                       AND purchase.company_id = root.id AND purchase.counts
                      CROSS JOIN LATERAL (SELECT (%(date)s AT TIME ZONE 'UTC'
                           AT TIME ZONE COALESCE(calendar.tz, 'UTC'))::date AS day) AS own
                     WHERE contact.id = %(partner)s AND (purchase.date < own.day
                           OR purchase.date = own.day AND purchase.res_model = 'sale.order' AND purchase.res_id < %(id)s))
            """,
            company=SQL.identifier(alias, 'company_id'),
            partner=SQL.identifier(alias, 'partner_id'),
            date=SQL.identifier(alias, 'date_order'),
            id=SQL.identifier(alias, 'id'),
        )

    @api.model_create_multi
    def create(self, vals_list):
        """Announce the first quotation of somebody new: it makes a potential purchaser."""
        orders = super().create(vals_list)
        orders._announce_enquiries()
        return orders

    def _announce_enquiries(self):
        """Announce those of these quotations whose customer was not known to ask for anything."""
        by_customer = self.filtered(lambda order: order.state != 'sale').grouped(
            lambda order: (
                order.partner_id.commercial_partner_id.id,
                order.company_id.root_id.id,
            )
        )
        strangers = self.env['retail.profile']._strangers(set(by_customer))
        self.env['retail.moment']._emit(
            'purchase_changed',
            self.browse().concat(*(by_customer[pair] for pair in by_customer if pair in strangers)),
        )

    def _known_by_enquiry(self):
        """Return the customers of these orders of whom there may be nothing but enquiries."""
        # sudo: only asks who has a profile without purchases
        profiles = self.env['retail.profile'].sudo()
        return profiles.search_fetch(
            [
                ('partner_id', 'in', self.partner_id.commercial_partner_id.ids),
                ('order_count', '=', 0),
            ],
            ['partner_id'],
        ).partner_id.sudo(False)

    def unlink(self):
        """Have customers forgotten of whom there was only a quotation."""
        partners = self._known_by_enquiry()
        result = super().unlink()
        self.env['retail.moment']._emit('partner_changed', partners)
        return result

    def _action_confirm(self):
        result = super()._action_confirm()
        # Where invoices are the purchases, the posted invoice says so: nobody is greeted twice.
        bought = self._retail_purchases()
        by_order = bought.filtered(
            lambda order: order.company_id.root_id.retail_purchase_basis == 'order'
        )
        self.env['retail.moment']._emit('purchase', by_order)
        self.env['retail.moment']._emit('purchase_changed', bought - by_order)
        return result

    def _retail_purchases(self):
        """Hook: return those of these orders that are purchases; later areas leave out their replacements."""
        return self

    def _action_cancel(self):
        sold = self.filtered(lambda order: order.state == 'sale')
        result = super()._action_cancel()
        self.env['retail.moment']._emit('cancel', sold)
        return result

    def write(self, vals):
        """Announce changes of confirmed orders that move their purchase to another customer, day or store.

        And quotations that get another customer, such as a cart when its visitor logs in.
        """
        sold = asked = self.browse()
        if _PURCHASE_FIELDS & set(vals):
            sold = self.filtered(lambda order: order.state == 'sale')
        if {'partner_id', 'company_id'} & set(vals):
            asked = self - sold
        partners = asked._known_by_enquiry() if asked else self.env['res.partner']
        result = super().write(vals)
        self.env['retail.moment']._emit('purchase_changed', sold)
        if asked:
            asked._announce_enquiries()
            self.env['retail.moment']._emit('partner_changed', partners)
        return result

    def _compute_field_value(self, field):
        """Announce changed amounts of confirmed orders: stored computed fields do not pass through ``write``."""
        result = super()._compute_field_value(field)
        if field.name == 'amount_untaxed':
            sold = self.filtered(lambda order: isinstance(order.id, int) and order.state == 'sale')
            self.env['retail.moment']._emit('purchase_changed', sold)
        return result
