from odoo import models
from odoo.exceptions import AccessError

from ..customer.res_partner import FIGURE_GROUPS


class SaleOrder(models.Model):
    """Quotations offer suggestions with their reason, to add with a click."""

    _inherit = 'sale.order'

    def action_retail_suggestions(self):
        """Show what the customer may want besides, with the reason.

        :raise AccessError: for those who do not serve customers
        """
        self.ensure_one()
        self.check_access('read')
        if not self.env.user.has_groups(FIGURE_GROUPS):
            raise AccessError(self.env._('Only those who serve customers see suggestions.'))
        rows = self.env['retail.suggestion']._suggest(self)
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_suggestion_action_order'
        )
        return {**action, 'domain': [('id', 'in', rows.ids)], 'context': {'create': False}}
