from odoo import models


class ProductPricelist(models.Model):
    """Keeps Odoo's web shop, where there is one, from giving guests the lists for members.

    The shop takes any list of its website when the visitor's own one is not among them, and those of his country. The
    add-on works without the shop, whose methods cannot be inherited from here: they are wrapped when all is loaded.
    """

    _inherit = 'product.pricelist'

    def _register_hook(self):
        result = super()._register_hook()
        model = self.env.registry[self._name]
        for name, wrap in (
            ('_get_website_pricelists_domain', _without_members),
            ('_is_available_on_website', _of_the_visitor),
        ):
            method = getattr(model, name, None)
            if method and not hasattr(method, 'retail_origin'):
                wrapped = wrap(method)
                wrapped.retail_origin = method
                setattr(model, name, wrapped)
        return result

    def _retail_is_of_visitor(self):
        """Return whether a list is open to the user: for members only the one that is his."""
        # sudo: a visitor of the shop need not read price lists to have one
        if self.env.context.get('retail_crm_member_price') or not self.sudo().retail_members_only:
            return True
        return self == self.env.user.sudo().partner_id.property_product_pricelist


def _without_members(method):
    def _get_website_pricelists_domain(self, website):
        return [*method(self, website), ('retail_members_only', '=', False)]

    return _get_website_pricelists_domain


def _of_the_visitor(method):
    def _is_available_on_website(self, website):
        return method(self, website) and self._retail_is_of_visitor()

    return _is_available_on_website
