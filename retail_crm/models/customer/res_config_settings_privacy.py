from odoo import api, fields, models


class ResConfigSettingsPrivacy(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_mask_contacts = fields.Boolean(
        string='Mask Contact Data',
        help='Telephone numbers and e-mail addresses are shown with their middle hidden in customer lists and exports, '
        'except to users of the group "Retail CRM: Sensitive Data". Forms always show them in full.',
    )

    @api.model
    def get_values(self):
        # not by config_parameter: an unticked box deletes the parameter, and none means yes
        parameter = self.env['ir.config_parameter'].sudo().get_param('retail_crm.mask_contacts')
        return {**super().get_values(), 'retail_mask_contacts': parameter != 'False'}

    def set_values(self):
        result = super().set_values()
        # sudo: as core does for its own parameters; who may save settings was checked
        self.env['ir.config_parameter'].sudo().set_param(
            'retail_crm.mask_contacts', str(self.retail_mask_contacts)
        )
        return result
