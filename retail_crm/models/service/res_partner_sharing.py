from odoo import api, fields, models

GROUPS = 'retail_crm.group_user,sales_team.group_sale_salesman'


class ResPartner(models.Model):
    """Which contacts of a company read its requests in the portal: none, some, or everyone (R-svc C.8)."""

    _inherit = 'res.partner'

    retail_ticket_sharing = fields.Selection(
        selection=[
            ('none', 'Each contact only his own'),
            ('managers', 'Marked contacts all of the company'),
            ('everyone', 'Every contact all of the company'),
        ],
        string='Requests in the Portal',
        groups=GROUPS,
        help='Who of the contacts of a company reads its requests in the customer portal. Empty: marked contacts. '
        'Restricted complaints are always only for whoever made them.',
    )
    retail_ticket_manager = fields.Boolean(
        string='Reads All Requests of the Company',
        groups=GROUPS,
        help='Reads and answers the requests of all contacts of the company in the customer portal.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        if any(vals.get('retail_ticket_manager') for vals in vals_list):
            self.env.registry.clear_cache()  # as below
        return partners

    def write(self, vals):
        """Odoo keeps record rules as they were computed for a user: a mark works at once only when they are forgotten."""
        result = super().write(vals)
        if 'retail_ticket_manager' in vals:
            self.env.registry.clear_cache()
        return result
