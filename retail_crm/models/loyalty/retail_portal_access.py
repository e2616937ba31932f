from odoo import api, models
from odoo.tools import ormcache

#: What even customers may read of every row that they may see.
_ALWAYS = frozenset({'id', 'display_name'})


class RetailPortalAccess(models.AbstractModel):
    """What customers may read of a model by themselves: the fields of ``_portal_fields``, of rows that are theirs.

    Record rules say which rows (security/loyalty_rules.xml). A field that is not named is closed to everybody outside
    the staff, in every way that Odoo asks for: reading, searching, sorting, grouping. So a new field is closed at first.
    """

    _name = 'retail.portal.access'
    _description = 'What Customers May Read'

    _portal_fields = frozenset()

    def _has_field_access(self, field, operation):
        # asked for every value of every row: the cheapest answers come first
        if not self.env.su and (
            operation != 'read'
            or (field.name not in self._portal_fields and field.name not in _ALWAYS)
        ):
            # kept on the environment, as its user is: even a look into Odoo's cache is felt a thousand times a page
            is_internal = vars(self.env).get('_retail_is_internal')
            if is_internal is None:
                is_internal = self.env._retail_is_internal = self._is_reader_internal()
            if not is_internal:
                return False
        return super()._has_field_access(field, operation)

    @api.model
    @ormcache('self.env.uid')
    def _is_reader_internal(self):
        """Return whether the user is one of the staff; forgotten, as his groups are, when those change."""
        return self.env.user._is_internal()


class RetailMembership(models.Model):
    _name = 'retail.membership'
    _inherit = ['retail.membership', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'number',
            'partner_id',
            'programme_id',
            'company_id',
            'currency_id',
            'state',
            'enrolled_on',
            'left_on',
            'tier_id',
            'tier_color',
            'tier_since',
            'tier_valid_until',
            'grace_until',
            'barcode',
        }
    )


class RetailTier(models.Model):
    _name = 'retail.tier'
    _inherit = ['retail.tier', 'retail.portal.access']

    _portal_fields = frozenset(
        {'name', 'programme_id', 'company_id', 'sequence', 'color', 'is_base', 'is_top'}
    )


class RetailPrivilege(models.Model):
    _name = 'retail.privilege'
    _inherit = ['retail.privilege', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'name',
            'description',
            'active',
            'programme_id',
            'company_id',
            'sequence',
            'kind',
            'tier_ids',
        }
    )


class RetailTierMove(models.Model):
    _name = 'retail.tier.move'
    _inherit = ['retail.tier.move', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'membership_id',
            'partner_id',
            'company_id',
            'date',
            'from_tier_id',
            'to_tier_id',
            'direction',
            'cause',
        }
    )


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def write(self, vals):
        """Forget whose rows portal users may read when contacts move from one company to another.

        Odoo keeps record rules as they were computed for a user: the old company's card would stay readable.
        """
        if not {'parent_id', 'is_company', 'company_type'} & set(vals):
            return super().write(vals)
        # sudo: a contact belongs to a company that not everybody may read
        before = {partner: partner.commercial_partner_id for partner in self.sudo()}
        result = super().write(vals)
        moved = [
            partner.id for partner, old in before.items() if partner.commercial_partner_id != old
        ]
        # imports that write the same again cost nothing
        if moved:
            # sudo: only asks whether there is such a user
            users = self.env['res.users'].sudo()
            if users.search_count([('partner_id', 'child_of', moved)], limit=1):
                self.env.registry.clear_cache()
        return result
