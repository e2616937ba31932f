from odoo import models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def action_retail_points(self):
        """Open the points ledger of the customer and, for a company, of its contacts: its balance is their sum."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_points_entry_action'
        )
        domain = [('partner_id', 'child_of', self.commercial_partner_id.ids)]
        return {**action, 'domain': domain, 'context': {}}
