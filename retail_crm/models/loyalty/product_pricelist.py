from odoo import api, fields, models
from odoo.exceptions import MissingError, ValidationError


class ProductPricelist(models.Model):
    """Price lists for members only, and the choice of them: by tier, never by accident.

    A list that a privilege gives is for members only from then on, also when the privilege is gone: it is nobody's
    ordinary price list, and no customer's own one. A customer has it as long as his tier gives it (S-LOY-09).
    """

    _inherit = 'product.pricelist'

    retail_members_only = fields.Boolean(
        string='Only for Members',
        help='Given by a tier of the loyalty programme. It is never the price list of anybody else, also when there is '
        'no other. Set when a privilege uses the list.',
    )
    retail_privilege_ids = fields.One2many(
        comodel_name='retail.privilege',
        inverse_name='pricelist_id',
        string='Privileges',
        context={'active_test': False},
        groups='retail_crm.group_user',
        help='Privileges by which members have this price list.',
    )

    @api.constrains('retail_members_only')
    def _check_retail_members_only(self):
        """A list in use by a privilege stays for members only."""
        for pricelist in self.sudo():  # sudo: who may change price lists need not know privileges
            if not pricelist.retail_members_only and pricelist.retail_privilege_ids:
                raise ValidationError(
                    self.env._(
                        'The price list "%(name)s" is given by a privilege, so it stays for members only.',
                        name=pricelist.name,
                    )
                )

    @api.model
    def _get_partner_pricelist_multi(self, partner_ids):
        """Give members without a list of their own the one of their tier.

        With ``retail_crm_ordinary_price`` in the context: what they would have without the programme.
        """
        result = super()._get_partner_pricelist_multi(partner_ids)
        if self.env.context.get('retail_crm_ordinary_price'):
            return result
        partners = self.env['res.partner'].with_context(active_test=False).browse(partner_ids)
        offered = self.env['retail.privilege']._member_lists(partners)
        if not offered:
            return result
        for partner in partners:
            if partner.id not in offered or partner._retail_own_pricelist():
                continue
            # sudo: a visitor of the shop need not read price lists to have one
            currency = result[partner.id].sudo().currency_id or self.env.company.currency_id
            fitting = self._retail_fitting(offered[partner.id], currency)
            if fitting:
                result[partner.id] = fitting[0]
        return result

    @api.model
    def _retail_fitting(self, offered, currency):
        """Return those of the offered lists that can be used in the present company and in a currency, best first.

        A list in another currency than the customer's ordinary one would change the money he pays in.
        """
        # sudo: as in _get_partner_pricelist_multi; only tells which of the customer's lists can be used
        lists = self.sudo().browse(pricelist_id for pricelist_id, _name in offered)
        usable = lists.with_context(
            retail_crm_member_price=True
        )._get_partner_pricelist_multi_filter_hook()
        companies = (self.env.company, self.env.company.browse())
        return [
            self.browse(pricelist.id)
            for pricelist in usable
            if pricelist.company_id in companies and pricelist.currency_id == currency
        ]

    def _get_country_pricelist_multi(self, country_ids):
        """Never fall back on a list for members only, also where a system parameter names one."""
        result = super()._get_country_pricelist_multi(country_ids)
        try:
            result = self._retail_for_everybody(result)
        except MissingError:  # a system parameter names a list that was deleted
            found = {pricelist.id for pricelist in self.concat(*result.values()).exists()}
            result = {
                country_id: pricelist if pricelist.id in found else self.browse()
                for country_id, pricelist in result.items()
            }
            result = self._retail_for_everybody(result)
        return result

    def _retail_for_everybody(self, result):
        """Return the lists by country without those for members only."""
        # sudo: as in _get_partner_pricelist_multi
        if not any(pricelist.sudo().retail_members_only for pricelist in result.values()):
            return result
        domain = self._get_partner_pricelist_multi_search_domain_hook(self.env.company.id)
        other = self.search(domain, limit=1)
        return {
            country_id: other if pricelist.sudo().retail_members_only else pricelist
            for country_id, pricelist in result.items()
        }

    def _get_partner_pricelist_multi_search_domain_hook(self, company_id):
        """Leave lists for members only out of the search for an ordinary one."""
        domain = super()._get_partner_pricelist_multi_search_domain_hook(company_id)
        return [*domain, ('retail_members_only', '=', False)]

    def _get_partner_pricelist_multi_filter_hook(self):
        """Take no list for members only for a customer's own one, however it came there."""
        lists = self
        if not self.env.context.get('retail_crm_member_price'):
            lists = self.filtered(lambda pricelist: not pricelist.retail_members_only)
        return super(ProductPricelist, lists)._get_partner_pricelist_multi_filter_hook()
