from odoo import api, fields, models


class ResPartner(models.Model):
    """The price list of a member follows the tier and is never written down as the customer's own."""

    _inherit = 'res.partner'

    property_product_pricelist = fields.Many2one(
        domain=lambda self: [
            ('company_id', 'in', (self.env.company.id, False)),
            ('retail_members_only', '=', False),
        ],
    )

    @api.depends('commercial_partner_id')
    def _compute_product_pricelist(self):
        """A contact has the tier of the company it belongs to."""
        return super()._compute_product_pricelist()

    def _inverse_product_pricelist(self):
        """Never make the price list of a tier the customer's own: forms, imports and copies write back what they read.

        Who has a list of his own and is given the one of his tier gets rid of his own.
        """
        # sudo: a property of price lists, whoever saves the contact
        by_tier = self.filtered(
            lambda partner: partner.property_product_pricelist.sudo().retail_members_only
        )
        result = super(ResPartner, self - by_tier)._inverse_product_pricelist()
        offered = self.env['retail.privilege']._member_lists(by_tier)
        for partner in by_tier:
            lists = dict(offered.get(partner.id, ()))
            if (
                partner.property_product_pricelist.id in lists
                and partner.specific_property_product_pricelist
            ):
                partner.specific_property_product_pricelist = False
        by_tier.invalidate_recordset(['property_product_pricelist'], flush=False)
        return result

    def _retail_own_pricelist(self):
        """Return the price list that was given to this very customer, if it can be used."""
        self.ensure_one()
        # sudo: as in _inverse_product_pricelist
        own = self.sudo().specific_property_product_pricelist
        return own._get_partner_pricelist_multi_filter_hook()
