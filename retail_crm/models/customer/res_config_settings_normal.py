from odoo import api, fields, models

from .res_partner_normal import PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_normalise = fields.Boolean(
        string='Normalise Contact Data',
        help='Names without superfluous spaces, e-mail addresses in lower case and valid telephone numbers in '
        'international form, whenever they are written. What is there already stays as it is.',
    )

    @api.model
    def get_values(self):
        values = super().get_values()
        # not by config_parameter, for which an unset parameter is off
        values['retail_normalise'] = self.env['res.partner']._retail_normalises()
        return values

    def set_values(self):
        result = super().set_values()
        if self.retail_normalise != self.env['res.partner']._retail_normalises():
            # sudo: settings are written by those who may change settings, which core has checked
            self.env['ir.config_parameter'].sudo().set_param(
                PARAMETER, '1' if self.retail_normalise else '0'
            )
        return result
