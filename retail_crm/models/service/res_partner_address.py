from odoo import fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    retail_address_ids = fields.One2many(
        comodel_name='retail.partner.address',
        inverse_name='partner_id',
        string='Additional E-mail Addresses',
        groups='retail_crm.group_user',
        help='Other addresses from which the customer or the household writes.',
    )
