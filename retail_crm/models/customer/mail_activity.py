from odoo import api, fields, models

from .res_partner_file import FILE_GROUPS


class MailActivity(models.Model):
    """Calls and e-mails that are planned show that the customer refused them or prefers another channel."""

    _inherit = 'mail.activity'

    retail_contact_warning = fields.Char(
        string='Contact Warning',
        compute='_compute_retail_contact_warning',
        groups=FILE_GROUPS,
        help='The customer refused such a contact or prefers another channel.',
    )

    @api.depends('activity_type_id', 'res_model', 'res_id')
    @api.depends_context('company', 'lang')
    def _compute_retail_contact_warning(self):
        for activity in self:
            records = (
                self.env[activity.res_model].browse(activity.res_id)
                if activity.res_model and activity.res_id
                else None
            )
            activity.retail_contact_warning = activity.activity_type_id._retail_contact_warning(
                records
            )
