from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

#: What member prices need of Odoo's sales settings: ``{group: what it is called there}``.
FEATURES = ('product.group_product_pricelist', 'sale.group_discount_per_so_line')


class RetailPrivilege(models.Model):
    """Member price: a price list that the members of the tiers have without its being written anywhere (S-LOY-09).

    A tier may give several lists, for branches, currencies or web shops: the first one that fits is used.
    """

    _inherit = 'retail.privilege'

    discount_percent = fields.Float(
        string='Percentage Off',
        digits=(5, 2),
        help='For the price list that is made: so much off every product, shown as discount on the order line.',
    )
    pricelist_id = fields.Many2one(
        comodel_name='product.pricelist',
        string='Price List',
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Prices of the members who have no price list of their own. From now on the list is for members only.',
    )
    with_promotions = fields.Boolean(
        string='Also on Top of Promotions',
        help='Off: an order has either the member price or a promotion, whichever is better for the customer. '
        'On: promotions and discount codes apply to member prices, too.',
    )
    is_price_off = fields.Boolean(
        string='Price Lists Are Off',
        compute='_compute_is_price_off',
        help='The programme runs, but price lists or discounts are switched off in the settings.',
    )

    _check_discount_percent = models.Constraint(
        'CHECK(discount_percent >= 0 AND discount_percent < 100)',
        'The percentage off is from 0 to less than 100.',
    )

    @api.depends('kind', 'pricelist_id', 'programme_id.state')
    def _compute_is_price_off(self):
        missing = bool(self._missing_features())
        for privilege in self:
            privilege.is_price_off = missing and privilege._is_price_used()

    @api.constrains('pricelist_id', 'kind', 'programme_id')
    def _check_pricelist_id(self):
        """The list is one of the programme's company, its branches or all, and of no single customer."""
        for privilege in self.filtered(lambda item: item.kind == 'price' and item.pricelist_id):
            # sudo: who keeps the programme need not see all price lists and companies
            pricelist = privilege.pricelist_id.sudo()
            if (
                pricelist.company_id
                and pricelist.company_id.root_id != privilege.company_id.sudo().root_id
            ):
                raise ValidationError(
                    self.env._(
                        'The price list "%(list)s" belongs to another company than the programme.',
                        list=pricelist.name,
                    )
                )
            owners = privilege._owners_of_list()
            if owners:
                raise ValidationError(
                    self.env._(
                        'The price list "%(list)s" was given to customers in person (%(name)s and perhaps others), who '
                        'would lose it. Duplicate the list and use the copy.',
                        list=pricelist.name,
                        name=owners.display_name,
                    )
                )

    def _owners_of_list(self):
        """Return a customer whose own list this is in a company that can use it."""
        # sudo: as in _check_pricelist_id
        company = self.company_id.sudo().root_id
        for branch in company.search([('id', 'child_of', company.id)]):
            partners = self.env['res.partner'].sudo().with_company(branch)
            owner = partners.with_context(active_test=False).search(
                [('specific_property_product_pricelist', '=', self.pricelist_id.id)], limit=1
            )
            if owner:
                return owner
        return self.env['res.partner']

    @api.model_create_multi
    def create(self, vals_list):
        privileges = super().create(vals_list)
        privileges._follow_prices()
        return privileges

    def write(self, vals):
        result = super().write(vals)
        if {'pricelist_id', 'kind', 'tier_ids', 'active', 'programme_id'} & set(vals):
            self._follow_prices()
        return result

    def unlink(self):
        result = super().unlink()
        self.env['res.partner'].invalidate_model(['property_product_pricelist'], flush=False)
        return result

    def _follow_prices(self):
        """Keep the lists in use for members only; in a running programme also switch on what they need."""
        prices = self.filtered(lambda item: item.kind == 'price' and item.pricelist_id)
        # sudo: the one mark that makes a list one for members; who writes privileges decides that
        prices.pricelist_id.sudo().filtered(
            lambda pricelist: not pricelist.retail_members_only
        ).retail_members_only = True
        used = prices.filtered(lambda item: item._is_price_used())
        if used:
            used._switch_features_on()
        self.env['res.partner'].invalidate_model(['property_product_pricelist'], flush=False)

    def _is_price_used(self):
        """Return whether members of a running programme are to have this price."""
        return bool(
            self.kind == 'price'
            and self.active
            and self.pricelist_id
            and self.tier_ids
            and self.programme_id.state == 'running'
        )

    # === PRICE LISTS ===#

    def action_make_price_list(self):
        """Make a price list with the percentage for the members of these tiers.

        :raise AccessError: for those who may not change privileges
        :raise UserError: without a percentage, or when there is a list already
        """
        self.ensure_one()
        self.check_access('write')
        if self.kind != 'price' or self.pricelist_id:
            raise UserError(self.env._('There is a price list already.'))
        if not self.discount_percent:
            raise UserError(self.env._('Enter the percentage off first.'))
        self._make_price_list()

    def action_switch_price_lists_on(self):
        """Switch on price lists and discounts, which somebody switched off in the settings.

        :raise AccessError: for those who may not change privileges
        """
        self.check_access('write')
        self._start_prices()

    def _make_price_list(self):
        """Make the list of one privilege: one discount on the ordinary prices of the company."""
        company = self.company_id.sudo()
        lists = self.env['product.pricelist'].with_company(company).sudo()
        # sudo: the manager of the programme makes just this list; branches use one without a company
        ordinary = lists._get_country_pricelist_multi([])[False]
        rule = {'compute_price': 'percentage', 'percent_price': self.discount_percent}
        shared = bool(company.child_ids)
        if (
            ordinary.item_ids
            and ordinary.currency_id == company.currency_id
            and not (shared and ordinary.company_id)
        ):
            rule.update(base='pricelist', base_pricelist_id=ordinary.id)
        self.pricelist_id = lists.create(
            {
                'name': self.env._('Members: %(privilege)s', privilege=self.name),
                'company_id': False if shared else company.id,
                'currency_id': company.currency_id.id,
                'sequence': 1000,
                'retail_members_only': True,
                'item_ids': [fields.Command.create(rule)],
            }
        ).id

    def _start_prices(self):
        """Make what is missing for members to have these prices."""
        for privilege in self:
            if not privilege.pricelist_id and privilege.discount_percent:
                privilege._make_price_list()
        used = self.filtered(lambda item: item._is_price_used())
        if used:
            used._switch_features_on()
            # sudo: lists are archived by switching them off in the settings
            used.pricelist_id.sudo().filtered(lambda item: not item.active).action_unarchive()

    @api.model
    def _missing_features(self):
        """Return the groups of the sales settings that member prices need and nobody has."""
        groups = self.env['res.groups']
        return [xmlid for xmlid in FEATURES if not groups._is_feature_enabled(xmlid)]

    def _switch_features_on(self):
        """Switch on price lists and discounts as the settings do, and say so on the programme."""
        missing = self._missing_features()
        if not missing:
            return
        # sudo: two sales settings without which member prices do nothing; only who may change the programme comes here
        everybody = self.env.ref('base.group_user').sudo()
        for xmlid in missing:
            everybody._apply_group(self.env.ref(xmlid).sudo())
        self.env['res.company'].sudo()._activate_or_create_pricelists()
        for programme in self.programme_id:
            programme.message_post(
                body=self.env._(
                    'Price lists and discounts on order lines were switched on in the sales settings: member prices '
                    'need them.'
                )
            )

    @api.model
    def _member_lists(self, partners):
        """Return ``{id of partner: [(id of price list, tier and privilege in words)]}``, best first, in the
        present company.

        The same question as ``_of_partners`` in a single query, because every contact form and order asks it. Whether a
        list can be used is not looked at. Only partners who have some are in it.
        """
        enabled = self.env['res.groups']._is_feature_enabled
        if not (enabled(FEATURES[0]) and enabled('retail_crm.group_block_loyalty')):
            return {}
        # sudo: a contact takes part by the company it belongs to, which not everybody may read
        commercial = {
            partner.id: partner.commercial_partner_id._origin.id for partner in partners.sudo()
        }
        if not any(commercial.values()):
            return {}
        self.flush_model()
        self.env['retail.membership'].flush_model()
        self.env['retail.programme'].flush_model()
        self.env['retail.tier'].flush_model(['name'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT membership.partner_id, privilege.pricelist_id, %(tier)s, %(privilege)s
                  FROM retail_membership AS membership
                  JOIN retail_programme AS programme ON programme.company_id = membership.company_id
                   AND programme.state = 'running' AND programme.active
                  JOIN retail_tier AS tier ON tier.id = membership.tier_id
                  JOIN retail_privilege_tier_rel AS given ON given.tier_id = tier.id
                  JOIN retail_privilege AS privilege ON privilege.id = given.privilege_id
                   AND privilege.programme_id = programme.id AND privilege.active AND privilege.kind = 'price'
                 WHERE membership.company_id = %(company)s AND membership.partner_id = ANY(%(partners)s)
                   AND membership.state = 'active' AND privilege.pricelist_id IS NOT NULL
                 ORDER BY privilege.sequence, privilege.id
                """,
                tier=self.env['res.partner']._summary_name('tier'),
                privilege=self.env['res.partner']._summary_name('privilege'),
                company=self.env.company.sudo().root_id.id,  # sudo: branches ask their company
                partners=list(set(filter(None, commercial.values()))),
            )
        )
        lists = {}
        for partner_id, pricelist_id, tier, privilege in rows:
            name = self.env._('%(tier)s: %(privilege)s', tier=tier, privilege=privilege)
            lists.setdefault(partner_id, []).append((pricelist_id, name))
        return {
            partner_id: lists[customer_id]
            for partner_id, customer_id in commercial.items()
            if customer_id in lists
        }
