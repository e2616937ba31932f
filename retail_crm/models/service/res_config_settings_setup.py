from odoo import api, fields, models
from odoo.exceptions import AccessError


class ResConfigSettingsSetup(models.TransientModel):
    """What is left to do until the service desk can work, and the way back to what was shipped."""

    _inherit = 'res.config.settings'

    retail_service_missing = fields.Text(
        string='Left to Do',
        compute='_compute_retail_service_missing',
        help='What the service desk of this company still needs. Empty: all is there.',
    )

    retail_keep_years = fields.Integer(related='company_id.retail_keep_years', readonly=False)

    @api.depends('company_id')
    @api.depends_context('lang')
    def _compute_retail_service_missing(self):
        for settings in self:
            settings.retail_service_missing = '\n'.join(
                settings.company_id._retail_service_missing() if settings.company_id else ()
            )

    def action_retail_make_desks(self):
        """Make a desk for each store without one."""
        return (
            self.env['retail.ticket.team']
            .with_context(allowed_company_ids=self.env.company.ids)
            .action_make_desks()
        )

    def action_retail_reset_service(self):
        """Set the settings of the service desk of this company to their shipped values.

        :raise AccessError: for others than those who may change settings
        """
        if not self.env.user.has_group('base.group_system'):
            raise AccessError(self.env._('Only administrators change settings.'))
        self.env.company._retail_reset_service()
        return {'type': 'ir.actions.client', 'tag': 'reload'}
